"""Reports without their figures, which take most of the time that a report does."""

import contextlib

import pytest
from matplotlib.figure import Figure


@contextlib.contextmanager
def blank_figures():
    """Draw the figures of a block, but save them blank.

    For tests that look at what a run does and a report says, and at none of its figures.
    """

    def left_blank(figure, file, *, format, **settings):
        file.write("<svg ></svg>" if format == "svg" else b"")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", left_blank)
        yield
