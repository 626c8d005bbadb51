"""BatchNorm with the statistics of the test batch, alone or mixed with the trained ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from lqjax.data.batch import Placed
from lqjax.data.order import epoch_order
from lqjax.evaluation.beside import Beside
from lqjax.evaluation.predict import Prepare
from lqjax.imaging.operations import Parameter
from lqjax.models.network import Network
from lqjax.readings.base import Advance, Reader, Subject, reading
from lqjax.typing import Images, Tree

PRIOR = Parameter(
    "prior",
    "images",
    0,
    math.inf,
    default=0,
    integer=True,
    meaning="images that the trained statistics count for",
)

ABOUT = (
    "BatchNorm normalises with the mean and variance of the test batch in place of those that"
    " training left; no weight changes and no label is used. With prior=N the trained statistics"
    " count as N images beside the n of the batch: N/(N+n) parts trained, n/(N+n) parts of the"
    " batch, in every layer. It needs many test images that are degraded alike, here batches drawn"
    " from all classes: an image that comes alone cannot be read so, and in batches of one class or"
    " of few images it does worse. Intervals take the batches as they were drawn."
)

SOURCE = (
    "Schneider et al. 2020, https://arxiv.org/abs/2006.16971; the batch alone: Nado et al. 2020,"
    " https://arxiv.org/abs/2006.10963"
)


def without_batch_norm(network: Network) -> str:
    """Say why a network cannot be read so; empty for those that can."""
    return "" if network.has_batch_norm else f"{network.name} has no BatchNorm"


def shown_together(subject: Subject) -> dict[str, Any]:
    """Name the batch size and the seed, by which it is settled who is normalised with whom."""
    return {
        "batch_size": size_of_batches(subject),
        "seed_of_batches": subject.test_seed,
    }


def size_of_batches(subject: Subject) -> int:
    """Return how many images are normalised together, over all devices.

    `evaluation.batch_size`, or all test images where they are fewer, as far as the devices share
    them evenly.
    """
    devices, count = subject.predictor.mesh.size, len(subject.test_numbers)
    return min(subject.predictor.batch_size, max(count // devices, 1) * devices)


def drawn_batches(
    numbers: np.ndarray, seed: int, size: int
) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Draw which test images are shown together, whatever order they lie in.

    Test sets are sorted by class, and a batch of one class has the statistics of that class: the
    order is drawn from the seed and the examples alone, so that a set that lies in another order
    has the same batches. The last one is filled up with images of the first, which count for its
    statistics and are not answered again.

    Args:
      numbers: uint32, (examples,), which examples they are.

    Returns:
      Rows and mask of each batch, as `Predictor.over` takes them; and the place of each example
      among what counts, to put the answers in order.
    """
    count = len(numbers)
    order = np.argsort(numbers, kind="stable")[epoch_order(seed, 0, count)]
    filled = np.resize(order, -(-count // size) * size).reshape(-1, size)
    counts = (np.arange(filled.size) < count).reshape(-1, size)
    return list(zip(filled, counts, strict=True)), np.argsort(order, kind="stable")


@dataclass(frozen=True)
class AdaptedReader:
    """A network whose statistics are those of each batch; see `Network.adapted`."""

    subject: Subject
    prior: int
    notes: tuple[str, ...] = ()

    def logits(self, batches: Placed | Beside, prepare: Prepare, advance: Advance) -> np.ndarray:
        """Classify batch by batch; see `lqjax.readings.base.Reader`."""
        subject = self.subject
        network = subject.predictor.network

        def adapted(params: Tree, stats: Tree, images: Images) -> jax.Array:
            return network.adapted(params, stats, images, prior=self.prior)

        plan, places = drawn_batches(
            subject.test_numbers, subject.test_seed, size_of_batches(subject)
        )
        program = subject.predictor.compiled(f"batch_norm(prior={self.prior})", adapted)
        shown = subject.predictor.over(
            program, subject.params, subject.stats, batches, prepare, advance, plan
        )
        return shown[places]


@reading(
    "batch_norm",
    PRIOR,
    about=ABOUT,
    source=SOURCE,
    missing=without_batch_norm,
    settled=shown_together,
)
def batch_norm(subject: Subject, prior: int) -> Reader:
    """Read with the statistics of the batch; there is nothing to fit."""
    return AdaptedReader(subject, prior)
