"""The log on the screen: a line above the progress bars."""

from __future__ import annotations

from collections.abc import Callable

from lqjax.training.writers.base import WRITERS, Say, Values
from lqjax.workdir import Run

GIBIBYTE = 2**30  # bytes
WHOLE_FROM = 100.0  # speeds from here up are shown without decimals


def _speed(value: float) -> str:
    return f"{value:,.0f} images/s" if value >= WHOLE_FROM else f"{value:.3g} images/s"


def _memory(value: float) -> str:
    return f"{value / GIBIBYTE:.2f} GiB"


PHRASES: dict[str, Callable[[float], str]] = {
    "epoch": lambda value: f"epoch {value:.0f}",
    "loss": lambda value: f"loss {value:.4g}",
    "learning_rate": lambda value: f"learning rate {value:.3g}",
    "images_per_second": _speed,
    "model_flops_utilisation": lambda value: f"{value:.1%} of peak FLOP/s",
    "input_wait_share": lambda value: f"waiting for images {value:.1%}",
    "peak_memory_bytes": lambda value: f"peak memory {_memory(value)}",
    "peak_resident_bytes": lambda value: f"peak of the process {_memory(value)}",
    "train_loss": lambda value: f"training loss {value:.4g}",
    "train_accuracy": lambda value: f"accuracy {value:.2%}",
    "validation_loss": lambda value: f"validation loss {value:.4g}",
    "validation_accuracy": lambda value: f"accuracy {value:.2%}",
    "epoch_images_per_second": _speed,
    "epoch_seconds": lambda value: f"{value:,.1f} s",
}
"""How the values read, in the order in which they stand in a line."""


@WRITERS.register("console")
class Console:
    """Says each line, such as "resnet50 step 1,200: loss 0.523, 7,612 images/s".

    Where there are several seeds, "resnet50 (seed 1) step 1,200: ...".
    """

    def __init__(self, say: Say) -> None:
        self._say, self._title = say, ""

    def start(self, run: Run, step: int) -> None:
        """Note whose log it is."""
        self._title = run.title

    def write(self, step: int, values: Values) -> None:
        """Say the values of a step, those without a phrase by their name."""
        known = [phrase(values[name]) for name, phrase in PHRASES.items() if name in values]
        other = [f"{name} {value:.4g}" for name, value in values.items() if name not in PHRASES]
        self._say(f"{self._title} step {step:,}: {', '.join(known + other)}")

    def close(self) -> None:
        """Leave the screen as it is."""
