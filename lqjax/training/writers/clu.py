"""The log through clu's own writers, where TensorFlow is installed."""

from __future__ import annotations

from typing import Any

from lqjax.training.writers.base import WRITERS, Say, Values
from lqjax.workdir import Run

FOLDER_NAME = "clu"


@WRITERS.register("clu")
class Clu:
    """Hands the log to clu's default writer: event files below `clu/` and absl's log.

    Raises:
      ValueError: TensorFlow or TensorBoard is not installed.
    """

    def __init__(self, say: Say) -> None:
        try:
            from clu import metric_writers
        except ImportError as error:
            raise ValueError(
                f"the writer clu needs TensorFlow and TensorBoard ({error}); run"
                " pip install tensorflow tensorboard, or choose tensorboard in run.writers, which"
                " does without"
            ) from None
        self._create = metric_writers.create_default_writer
        self._writer: Any = None

    def start(self, run: Run, step: int) -> None:
        """Open the event file."""
        self._writer = self._create(str(run.root / FOLDER_NAME))

    def write(self, step: int, values: Values) -> None:
        """Hand the values over as scalars."""
        self._writer.write_scalars(step, dict(values))

    def close(self) -> None:
        """Wait for what is still to be written and close."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
