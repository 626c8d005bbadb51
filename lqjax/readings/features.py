"""The features of a run's training images, and heads that are fitted to them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.data.batch import Batch, Placed
from lqjax.evaluation.beside import Beside
from lqjax.evaluation.predict import Prepare, as_floats
from lqjax.readings.base import Advance, Subject
from lqjax.readings.scores import Scores
from lqjax.runtime import read
from lqjax.typing import Images, Tree


@dataclass(frozen=True)
class Trained:
    """The training images of a run as a classical head sees them.

    Attributes:
      features: float32, (examples, features), of the images clean and not augmented.
      labels: whole numbers, (examples,).
      weights: how much each example counts, float64, (examples,), with a mean of 1, so that a
        parameter such as C means the same whatever they are; `None` where the data has none.
      class_weights: how much each class counted when the run was trained, float64, (classes,),
        scaled to a mean of 1 over the training images; `None` where all count the same.
      classes: how many there are, with those that no training image is of.
      seed: of the run; what a fit draws comes from it.
    """

    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None
    class_weights: np.ndarray | None
    classes: int
    seed: int


@dataclass(frozen=True)
class Head:
    """A classical classifier in the place of the last layer of a network.

    Attributes:
      subject: the network.
      scores: what classifies its features.
      notes: what a report should say.
    """

    subject: Subject
    scores: Scores
    notes: tuple[str, ...]

    def logits(self, batches: Placed | Beside, prepare: Prepare, advance: Advance) -> np.ndarray:
        """Classify a whole split; see `lqjax.readings.base.Reader`."""
        return self.scores(features(self.subject, batches, prepare, advance))


def fit_head(
    reading: str, subject: Subject, fit: Callable[[Trained], tuple[Scores, tuple[str, ...]]]
) -> Head:
    """Fit a head to the training images of a run.

    Args:
      reading: name of the head, for messages.
      fit: makes what classifies, and what is to be said of it.

    Raises:
      ValueError: all training images are of one class.
    """
    trained = training_features(subject)
    names, counts = subject.class_names, np.bincount(trained.labels, minlength=trained.classes)
    if reason := needs_two_classes(counts, names):
        raise ValueError(f"evaluation.readings={reading} is not possible: {reason}")
    scores, notes = fit(trained)
    absent = ", ".join(name for name, found in zip(names, counts, strict=True) if not found)
    lacking = (f"no training images of {absent}",) if absent else ()
    return Head(subject, scores, (*lacking, *notes))


def needs_two_classes(counts: np.ndarray, class_names: tuple[str, ...], **parameters: float) -> str:
    """Say why no head can be fitted; empty if one can. See `Reading.impossible`."""
    if np.count_nonzero(counts) != 1:
        return ""
    return (
        f"all {counts.sum()} training images are of the class"
        f" {class_names[int(counts.argmax())]!r}, and a head needs two; leave it out"
    )


def features(
    subject: Subject, batches: Placed | Beside, prepare: Prepare, advance: Advance
) -> np.ndarray:
    """Compute what the last layer reads, of a whole split.

    Returns:
      Float32, (examples, features), in the order of the split: 410 MB for 50,000 examples of 2,048
      features, and twice that while they are put together.
    """
    predictor = subject.predictor

    def reads(params: Tree, stats: Tree, images: Images) -> jax.Array:
        return predictor.network.features(params, stats, images).astype(jnp.float32)

    program = predictor.compiled("features", reads)
    return predictor.over(program, subject.params, subject.stats, batches, prepare, advance)


class _Latest:
    """The features of one run, for all heads that are fitted to it, as long as it is there."""

    def __init__(self) -> None:
        self._subject: weakref.ref[Subject] | None = None
        self._trained: Trained | None = None

    def of(self, subject: Subject, make: Callable[[], Trained]) -> Trained:
        if self._subject is None or self._subject() is not subject or self._trained is None:
            self._forget(self._subject)  # before there are others: they may be large
            self._trained = make()
            self._subject = weakref.ref(subject, self._forget)
        return self._trained

    def _forget(self, gone: weakref.ref[Subject] | None) -> None:
        if gone is self._subject:
            self._subject = self._trained = None


_latest = _Latest()


def training_features(subject: Subject) -> Trained:
    """Compute the features of a run's training images, once for all heads."""
    return _latest.of(subject, lambda: _training_features(subject))


def _training_features(subject: Subject) -> Trained:
    train = subject.train()
    images = _Weighed(train.images)
    return Trained(
        features=features(subject, images, as_floats, lambda images: None),
        labels=np.asarray(train.labels),
        weights=images.weights(),
        class_weights=_scaled(subject.class_weights, np.asarray(train.labels)),
        classes=len(subject.class_names),
        seed=subject.seed,
    )


def _scaled(class_weights: np.ndarray | None, labels: np.ndarray) -> np.ndarray | None:
    return None if class_weights is None else class_weights / class_weights[labels].mean()


class _Weighed:
    """Placed images that remember the weights of the examples in the batches they gave."""

    def __init__(self, images: Placed) -> None:
        self._images, self.resident = images, images.resident
        self._found: list[jax.Array] = []

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, rows: np.ndarray) -> Batch:
        return self._images.batch(rows)

    def batches(self, rows: Iterable[np.ndarray]) -> Iterator[Batch]:
        for batch in self._images.batches(rows):
            if batch.weights is not None:
                self._found.append(batch.weights)
            yield batch

    def weights(self) -> np.ndarray | None:
        """Give the weights of all examples, with a mean of 1, once all batches were given."""
        if not self._found:
            return None
        whole = np.concatenate(read(self._found)).astype(np.float64)[: len(self)]
        return whole / whole.mean()
