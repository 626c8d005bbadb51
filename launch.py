"""Start lqjax from a checkout: the same as `python -m lqjax`."""

from lqjax.cli import start

if __name__ == "__main__":
    start()
