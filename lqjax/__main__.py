"""`python -m lqjax`: the command line where only the package is installed."""

from lqjax.cli import start

if __name__ == "__main__":
    start()
