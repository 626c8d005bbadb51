"""What a reading is, and the registry that holds all of them.

A reading is another way to answer with the weights of a network that is trained: BatchNorm with the
statistics of the test batch, or a classical classifier on the features. It is asked for by
`evaluation.readings`, by name and parameters as a degradation is: `batch_norm(prior=16)`. Every
run is tested under each condition by the network itself and by each of its readings.

A new reading is one file here with one function under `@reading`:

    @reading("nearest", Parameter("neighbours", "1", 1, math.inf, default=20, integer=True), ...)
    def nearest(subject: Subject, neighbours: int) -> Reader:
        ...                         # fit it to subject.train() and return what classifies

The function is called once a run, when there is something left to test, so it may take its time;
called again with the same subject it has to give the same answers to the bit, for a grid that was
cut off goes on with another call. Rows, files, resuming and the report are done elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from lqjax.data.batch import Placed
from lqjax.evaluation.beside import Beside
from lqjax.evaluation.predict import Predictor, Prepare
from lqjax.imaging.operations import Parameter, resolve
from lqjax.imaging.steps import read_parameters
from lqjax.models.network import Network
from lqjax.registry import Registry, unknown_name
from lqjax.typing import Tree

Advance = Callable[[int], None]
"""Called with the number of images after each batch, for the progress bar."""


@dataclass(frozen=True)
class Examples:
    """A split that a reading may be fitted to.

    Attributes:
      images: uint8 images where batches come from. Logits or features of all of them, in their
        order: `predictor.over(program, params, stats, images, as_floats)`.
      labels: int32, (examples,), in the order of `images`.
    """

    images: Placed
    labels: np.ndarray


@dataclass(frozen=True)
class Subject:
    """The trained network that is read, and what it was trained on.

    Attributes:
      predictor: the network, its batch size and devices; `predictor.compiled` makes other passes of
        it, such as one that gives features, and keeps them for other runs of the network.
      params, stats: the weights that are tested, on the devices.
      train, validation: the splits, clean and not augmented; asked for by calling, so that nothing
        is put on the devices for readings that need none of it.
      test_numbers: uint32, (test examples,), from `lqjax.imaging.keys.example_numbers`: which
        examples `Reader.logits` is shown, in their order.
      class_names: in label order; logits have as many columns.
      seed: of the run. What a fit draws comes from it.
      test_seed: of the test, `evaluation.degradation_seed`, the same for all runs. What answers
        draw comes from it.
      class_weighting: what the run trained with, `training.class_weights`.
      class_weights: what that makes of each class, float64, (classes,); `None`: all the same.
    """

    predictor: Predictor
    params: Tree
    stats: Tree
    train: Callable[[], Examples]
    validation: Callable[[], Examples]
    test_numbers: np.ndarray
    class_names: tuple[str, ...]
    seed: int
    test_seed: int
    class_weighting: str = "none"
    class_weights: np.ndarray | None = None


class Reader(Protocol):
    """A reading that is fitted to one run: it classifies test images."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report should say of this fit, one line each; most have nothing to say.

        Such as a penalty that was chosen on the validation images. A plain attribute will do.
        """
        ...

    def logits(self, batches: Placed | Beside, prepare: Prepare, advance: Advance) -> np.ndarray:
        """Classify the test split under one condition.

        Args:
          batches: the test images, or those that a published set has in their place.
          prepare: makes what the network is shown from a batch, degraded as the condition says;
            `predictor.over` calls it.
          advance: `predictor.over` calls it.

        Returns:
          Finite float32 scores, (examples, classes), in the order of the split: logits or log
          probabilities, of which the largest is the answer and the softmax are the
          probabilities.
        """
        ...


def has_all(network: Network) -> str:
    """Find nothing missing: the `missing` of readings that any network has."""
    return ""


def always_possible(counts: np.ndarray, class_names: tuple[str, ...], **parameters: float) -> str:
    """Find nothing impossible: of readings that ask nothing of the training images."""
    return ""


def nothing_else(subject: Subject) -> dict[str, Any]:
    """Name nothing: the `settled` of readings that depend on their parameters alone."""
    return {}


@dataclass(frozen=True)
class Reading:
    """One entry of the registry.

    Attributes:
      name: as users type it.
      parameters: as those of operations, in the order in which they are written.
      fit: `(subject, **parameters) -> reader`.
      about: what it is, in one or two sentences for the report.
      source: paper or reference code that defines it.
      missing: tells why a network cannot be read so ("alexnet has no BatchNorm"); empty if it can.
      impossible: tells why it cannot be fitted to training images, `(counts, class_names,
        **parameters)`, of which there are so many of each class; empty if it can. It is asked
        before anything is trained.
      settled: what its answers depend on beside weights and parameters, such as the batch size:
        plain values for JSON. It is kept with the results, and shown; results of other values are
        put aside.
    """

    name: str
    parameters: tuple[Parameter, ...]
    fit: Callable[..., Reader]
    about: str
    source: str
    missing: Callable[[Network], str] = has_all
    impossible: Callable[..., str] = always_possible
    settled: Callable[[Subject], Mapping[str, Any]] = nothing_else


READINGS: Registry[Reading] = Registry("reading", "lqjax.readings")


def reading(
    name: str, *parameters: Parameter, **described: Any
) -> Callable[[Callable[..., Reader]], Callable[..., Reader]]:
    """Return a decorator that registers `(subject, **parameters) -> reader`.

    Args:
      described: the other attributes of `Reading`: about and source, perhaps missing, impossible
        and settled.
    """

    def add(fit: Callable[..., Reader]) -> Callable[..., Reader]:
        READINGS.add(name, Reading(name, parameters, fit, **described))
        return fit

    return add


@dataclass(frozen=True)
class Asked:
    """A reading with its parameters, as a setting asks for it.

    Attributes:
      name: canonical text, the same in settings, folders and reports: `batch_norm(prior=16)`.
      reading: what it is.
      parameters: all of them, in declaration order.
    """

    name: str
    reading: Reading = field(compare=False)
    parameters: Mapping[str, float | int] = field(compare=False)

    def impossible(self, counts: np.ndarray, class_names: tuple[str, ...]) -> str:
        """Tell why it cannot be fitted to training images; empty if it can."""
        return self.reading.impossible(counts, class_names, **self.parameters)

    def fit(self, subject: Subject) -> Reader:
        """Fit it to a run."""
        return self.reading.fit(subject, **self.parameters)


def expand_readings(texts: Sequence[str]) -> tuple[Asked, ...]:
    """Read the texts of `evaluation.readings`, in the order given; what repeats counts once.

    Raises:
      ValueError: an unknown reading or parameter, or an impossible value; one line.
    """
    found: dict[str, Asked] = {}
    for text in texts:
        asked = _parse("".join(text.split()))
        found.setdefault(asked.name, asked)
    return tuple(found.values())


def _parse(text: str) -> Asked:
    name, bracket, rest = text.partition("(")
    if name not in READINGS:
        raise unknown_name("reading", name, READINGS.names())
    if bracket and not rest.endswith(")"):
        raise ValueError(f"{text!r}: nothing may follow the closing bracket except ,")
    found = READINGS[name]
    given = read_parameters(name, found.parameters, rest[:-1]) if bracket else {}
    parameters = resolve(name, found.parameters, given)
    written = ",".join(
        f"{p.name}={p.text(parameters[p.name])}"
        for p in found.parameters
        if p.default is None or parameters[p.name] != p.default
    )
    return Asked(f"{name}({written})" if written else name, found, parameters)
