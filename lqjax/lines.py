"""The lines that lqjax prints: through the logger "lqjax", to stderr, above the progress bars.

`logging.getLogger("lqjax").setLevel("WARNING")` leaves the warnings, "ERROR" nothing.
"""

from __future__ import annotations

import logging
import sys

NAME = "lqjax"
WARNING_MARK = "warning: "
"""What a line begins with that the logger gives out as a warning."""


class Screen(logging.Handler):
    """Prints lines on what stderr is at that moment, where progress bars leave room for them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line; a stderr that cannot be written to ends nothing."""
        from tqdm import tqdm  # not with `import lqjax`, which costs nothing

        try:
            tqdm.write(self.format(record), file=sys.stderr)
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def set_up(logger: logging.Logger) -> None:
    """Let a logger print what it is told from `INFO` on, once; what a user has set stands.

    With a handler of the user's the logger is left to it. With its own nothing is handed on to
    the root logger, whose handlers would print it again.
    """
    if not logger.handlers:
        logger.addHandler(Screen())
        logger.propagate = False
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)


def say(text: str) -> None:
    """Print a line, in every process that calls it."""
    level = logging.WARNING if text.startswith(WARNING_MARK) else logging.INFO
    logging.getLogger(NAME).log(level, "%s", text)


set_up(logging.getLogger(NAME))
