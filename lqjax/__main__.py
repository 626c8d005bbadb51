"""`python -m lqjax`: the command line where only the package is installed."""

import sys

from lqjax.cli import main

sys.exit(main())
