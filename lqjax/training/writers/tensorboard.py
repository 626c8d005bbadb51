"""The log for TensorBoard, without TensorFlow."""

from __future__ import annotations

import importlib.util
from typing import Any

from lqjax.training.staging import Staging
from lqjax.training.writers.base import WRITERS, Say, Values
from lqjax.workdir import Run

FOLDER_NAME = "tensorboard"
FLUSH_SECONDS = 10


@WRITERS.register("tensorboard")
class TensorBoard:
    """Writes event files below `tensorboard/` in the run's folder.

    Raises:
      ValueError: tensorboardX is not installed.
    """

    def __init__(self, say: Say) -> None:
        if importlib.util.find_spec("tensorboardX") is None:
            raise ValueError(
                "the writer tensorboard needs tensorboardX, which is not installed; run"
                " pip install tensorboardX, or leave tensorboard out of run.writers"
            )
        self._staging: Staging | None = None

    def start(self, run: Run, step: int) -> None:
        """Open a new event file, which tells TensorBoard to drop what later steps had left."""
        from tensorboardX import SummaryWriter

        self._staging = Staging(run.root / FOLDER_NAME)
        self._events: Any = SummaryWriter(
            str(self._staging.local),
            purge_step=step + 1,
            flush_secs=FLUSH_SECONDS,
            filename_suffix=f".{step}",  # files of one second would overwrite each other
        )

    def write(self, step: int, values: Values) -> None:
        """Add a point to the curve of each value."""
        for name, value in values.items():
            self._events.add_scalar(name, value, step)
        if self._staging and self._staging.due():
            self._events.flush()
            self._staging.publish()

    def close(self) -> None:
        """Close the event file."""
        if self._staging:
            self._events.close()
            self._staging.close()
            self._staging = None
