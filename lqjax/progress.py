"""Progress on the screen: what is going on, how fast, how long it still takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from lqjax.distributed import is_first
from lqjax.lines import say

SCREEN_INTERVAL_SECONDS = 0.2
LOG_INTERVAL_SECONDS = 10.0
LOG_COLUMNS = 140
BAR_FORMAT = (
    "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} images, {rate_noinv_fmt},"
    " {remaining} left{postfix}"
)


class _Lines:
    """Stands in for a screen in log files: a new line for each update instead of a return."""

    def write(self, text: str) -> None:
        stripped = text.strip("\r\n ")
        if stripped:
            sys.stderr.write(stripped + "\n")

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return False


class Stage:
    """One stage of a run, counted in images."""

    def __init__(self, bar: tqdm | None) -> None:
        self._bar = bar

    def advance(self, images: int) -> None:
        """Count images as done."""
        if self._bar is not None:
            self._bar.update(images)

    def note(self, text: str) -> None:
        """Show what is going on right now."""
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=self._bar.fp.isatty())


class Progress:
    """Progress bars for the stages of a run, on stderr, and the lines above them.

    Args:
      shown: whether there are bars; lines are printed without them too.
      stages: how many stages the run has, 0 when unknown.
    """

    def __init__(self, shown: bool = False, stages: int = 0) -> None:
        self.shown = shown
        self._stages = stages
        self._started = 0

    @contextmanager
    def stage(self, title: str, images: int, done: int = 0, stages: int = 1) -> Iterator[Stage]:
        """Open a stage of so many images, some of them perhaps done in an earlier run.

        Args:
          stages: how many stages it takes the place of. One that fails is not counted: what is
            done instead has its numbers.
        """
        first = self._started + 1
        self._started += stages
        try:
            with self._bar(self._numbers(first) + title, images, done) as stage:
                yield stage
        except BaseException:
            self._started = first - 1
            raise

    def skip(self) -> None:
        """Count a stage that there is nothing to do for."""
        self._started += 1

    def _numbers(self, first: int) -> str:
        if not self._stages:
            return ""
        several = "" if first == self._started else f"-{self._started}"
        return f"[{first}{several}/{self._stages}] "

    @contextmanager
    def _bar(self, title: str, images: int, done: int) -> Iterator[Stage]:
        if not self.shown:
            yield Stage(None)
            return
        screen = sys.stderr.isatty()
        bar = tqdm(
            total=images,
            initial=done,
            desc=title,
            unit=" images",
            mininterval=SCREEN_INTERVAL_SECONDS if screen else LOG_INTERVAL_SECONDS,
            bar_format=BAR_FORMAT,
            dynamic_ncols=screen,
            ncols=None if screen else LOG_COLUMNS,
            ascii=not screen,
            file=sys.stderr if screen else _Lines(),
        )
        try:
            yield Stage(bar)
        finally:
            bar.close()

    def say(self, text: str) -> None:
        """Print a line above the bars; of several processes the first one does.

        It goes through the logger "lqjax", see `lqjax.lines`.
        """
        if is_first():
            say(text)


def progress_of(asked: Progress | bool | None, stages: int) -> Progress:
    """Return the progress that a caller passed, or one with bars (true) or without them."""
    return asked if isinstance(asked, Progress) else Progress(bool(asked), stages)
