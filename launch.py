"""Start lqjax from a checkout: the same as `python -m lqjax`."""

import sys

from lqjax.cli import main

if __name__ == "__main__":
    sys.exit(main())
