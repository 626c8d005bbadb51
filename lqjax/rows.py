"""The schema of results, read and written as JSON lines; no jax.

Every number in a report comes from these records and from the per-example scores beside them, so
that any statistic can be recomputed without the models.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, get_type_hints

from etils import epath

from lqjax.damaged import BY_HAND, brief, damaged, read_text
from lqjax.disk import named

R = TypeVar("R")

KINDS: Mapping[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    int | None: (int, type(None)),
    float | None: (int, float, type(None)),
}
"""What a field of each kind may be read as."""

LONGEST_QUOTE = 80
"""Characters of a record that a message quotes."""


@dataclass(frozen=True)
class Row:
    """One model, run and condition, on the test split.

    Attributes:
      model, dataset: names.
      seed, fold: which run; fold 0 where there are no folds.
      condition: canonical text, "clean" for the undegraded images.
      family: what varies in severity, for example "low_quality/motion_blur"; "clean" for clean.
      level: the suite's level ("low"), empty where the condition is not of a suite.
      label: for people, for example "motion blur, length 15 px".
      image_size: side of the network input in pixels.
      n, correct: test images, and those classified correctly.
      accuracy, accuracy_low, accuracy_high: share in [0, 1] and its 95 % Wilson interval.
      top5: share with the true class among the five likeliest; `None` below six classes.
      precision, recall, f1: unweighted class means in [0, 1]; 0 where a denominator is 0.
      auc: area under the ROC curve in [0, 1], binary or macro one-vs-rest over the classes with
        examples and counter-examples; `None` where undefined.
      loss: mean log loss in nats; `None` where only predicted classes are known, as are then top5,
        auc, average_precision, brier and ece.
      psnr: mean PSNR against the clean image in dB, over the images that the condition changes;
        `None` where it changes none, and for predictions of other code.
      ssim: mean over all images of the SSIM against the clean image, 1 when equal; `None` below
        11 px, for predictions of other code, and in rows of earlier versions.
      balanced_accuracy: mean recall in [0, 1] over the classes that have examples.
      precision_weighted, recall_weighted, f1_weighted: class means in [0, 1] weighted by the
        number of examples; weighted recall is accuracy.
      specificity: unweighted class mean in [0, 1] of the recall of all other classes taken as
        one; 0 where the denominator is 0.
      mcc: Matthews correlation in [-1, 1]; 0 where all labels or all predictions are one class.
      kappa: Cohen's, in [-1, 1]; 0 where labels and predictions are all of the same one class.
      average_precision: in (0, 1], binary (class 1 positive) or macro one-vs-rest over the classes
        with examples; `None` where undefined.
      brier: squared error summed over classes, mean over images, in [0, 2].
      ece: expected calibration error in [0, 1], 15 bins of equal width, closed on the right.
      epoch: the epoch whose weights were tested, from 1; `None` for predictions of other code.

    The fields from `balanced_accuracy` on are `None` in rows of earlier versions.
    """

    model: str
    dataset: str
    seed: int
    fold: int
    condition: str
    family: str
    level: str
    label: str
    image_size: int
    n: int
    correct: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    top5: float | None
    precision: float
    recall: float
    f1: float
    auc: float | None
    loss: float | None
    psnr: float | None
    ssim: float | None = None
    balanced_accuracy: float | None = None
    precision_weighted: float | None = None
    recall_weighted: float | None = None
    f1_weighted: float | None = None
    specificity: float | None = None
    mcc: float | None = None
    kappa: float | None = None
    average_precision: float | None = None
    brier: float | None = None
    ece: float | None = None
    epoch: int | None = None


@dataclass(frozen=True)
class Epoch:
    """One epoch of training: shares in [0, 1], losses in nats, training figures as it ran.

    Of several seeds that were trained as one program each has the speed of all of them together,
    and an equal part of the time.
    """

    model: str
    seed: int
    fold: int
    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    images_per_second: float
    seconds: float


@dataclass(frozen=True)
class Divergence:
    """The end of a run that became infinite or NaN, while other learning rates went on.

    Attributes:
      step: the step of the last update before that was seen, from 0.
      learning_rate: of that step.
      loss: what it became, of training or of validation; NaN where it showed in testing.
      condition: under which the scores of the test images were not finite; empty if it showed
        before, in training.
    """

    model: str
    seed: int
    fold: int
    step: int
    learning_rate: float
    loss: float
    condition: str = ""

    @property
    def where(self) -> str:
        """In words: "at step 1,200", or "when tested under clean"."""
        return f"when tested under {self.condition}" if self.condition else f"at step {self.step:,}"


@dataclass(frozen=True)
class Cost:
    """What a model costs on the device that ran it.

    Attributes:
      parameters: trainable numbers.
      multiply_adds: of one forward pass of one image.
      latency_ms, latency_low_ms, latency_high_ms: forward pass of one image on one device, compiled
        before: median, quartiles.
      throughput, throughput_low, throughput_high: images/s at `batch_size`: median, quartiles.
      training_seconds: wall time of all training epochs, compilation and validation included;
        of seeds that were trained as one program an equal part each.
      training_epochs: epochs that were trained.
      training_images_per_second: median over epochs, of all seeds that were trained together.
      timed_runs: repetitions behind the latency; in records of earlier versions behind throughput
        too.
      latency_p95_ms: latency that 95 % of the runs stay below.
      memory_bytes: what the compiled forward pass of one image needs at its peak on one device:
        weights, image, logits and temporaries, as the compiler lays them out.
      weights_bytes, checkpoint_bytes: size of the tested checkpoint as it lies on disk: its weights
        alone, and all of it, with what training needs to go on.
      training_images: images that training has taken steps on, over all epochs.

    The fields from `latency_p95_ms` on are `None` in records of earlier versions, and
    `memory_bytes` where the compiler does not tell.
    """

    model: str
    seed: int
    fold: int
    image_size: int
    parameters: int
    multiply_adds: int
    latency_ms: float
    latency_low_ms: float
    latency_high_ms: float
    throughput: float
    throughput_low: float
    throughput_high: float
    batch_size: int
    timed_runs: int
    training_seconds: float
    training_epochs: int
    training_images_per_second: float
    device: str
    dtype: str
    latency_p95_ms: float | None = None
    memory_bytes: int | None = None
    weights_bytes: int | None = None
    checkpoint_bytes: int | None = None
    training_images: int | None = None


@dataclass(frozen=True)
class Throughput:
    """How fast a model classifies in batches of one size, on all devices together.

    Attributes:
      batch_size: images a pass, over all devices.
      images_per_second, images_per_second_low, images_per_second_high: median, quartiles.
      timed_runs: repetitions behind them.
      memory_bytes: what the compiled pass needs at its peak on each device, as in `Cost`.
    """

    model: str
    seed: int
    fold: int
    batch_size: int
    images_per_second: float
    images_per_second_low: float
    images_per_second_high: float
    timed_runs: int
    memory_bytes: int | None


@dataclass(frozen=True)
class Layer:
    """One convolution or dense layer of a network, for one image.

    Attributes:
      model: name.
      layer: where its weights lie, for example "layer1/0/conv1".
      operation: for people, for example "3x3 convolution, stride 2".
      output: height x width x channels, or the number of features.
      parameters: learned numbers of the layer: weights and offsets.
      multiply_adds: of the forward pass, as papers count them: padding counts as data.
      padding_multiply_adds: those of them whose factor is a zero of the padding, which a program
        may leave out.
    """

    model: str
    layer: str
    operation: str
    output: str
    parameters: int
    multiply_adds: int
    padding_multiply_adds: int


def to_json(record: Any) -> str:
    """Write a record as one line of JSON; floats keep every digit."""
    return json.dumps(dataclasses.asdict(record), ensure_ascii=False, allow_nan=True)


def from_json(kind: type[R], line: str) -> R:
    """Read a record; fields of a later version are ignored, a missing one is an error.

    A field with a default was added later: earlier records lack it and get the default.

    Raises:
      ValueError: not JSON, a field without default is missing, or one is of another kind.
    """
    try:
        values = json.loads(line)
        if not isinstance(values, dict):
            raise TypeError(f"{type(values).__name__} in place of an object")
        fields = dataclasses.fields(kind)  # type: ignore[arg-type]
        needed = [f.name for f in fields if f.name in values or f.default is dataclasses.MISSING]
        for name in needed:
            _check_kind(kind, name, values[name])
        return kind(**{name: values[name] for name in needed})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        quoted = brief(line[:LONGEST_QUOTE])
        raise ValueError(f"not a {kind.__name__} record ({brief(str(error))}): {quoted}") from None


def _check_kind(kind: type, name: str, value: Any) -> None:
    allowed = KINDS.get(_kinds(kind)[name])
    if allowed and (not isinstance(value, allowed) or isinstance(value, bool)):
        raise TypeError(f"{name} is {value!r}")
    if isinstance(value, str):
        value.encode()  # half a character, as JSON can spell it, cannot be written anywhere


@cache
def _kinds(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def read_record(kind: type[R], path: epath.PathLike, repair: str = BY_HAND) -> R:
    """Read the one record of a file.

    Args:
      repair: what mends the file where it is damaged, for the message.

    Raises:
      DamagedError: it is no such record.
    """
    path = epath.Path(path)
    text = read_text(path, repair)
    try:
        return from_json(kind, text)
    except ValueError as error:
        raise damaged(path, error, repair) from None


def read_lines(kind: type[R], path: epath.PathLike, repair: str = BY_HAND) -> list[R]:
    """Read all records of a JSONL file; an absent file has none.

    Args:
      repair: what mends the file where it is damaged, for the message.

    Raises:
      DamagedError: a line is no such record; the message says which.
    """
    path = epath.Path(path)
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(read_text(path, repair).split("\n"), start=1):
        if line.strip():
            try:
                found.append(from_json(kind, line))
            except ValueError as error:
                raise damaged(f"{path}, line {number},", error, repair) from None
    return found


def write_lines(records: Iterable[Any], path: epath.PathLike) -> None:
    """Write records as a JSONL file, replacing it at once, never in part."""
    replace_text(path, "".join(to_json(record) + "\n" for record in records))


def write_csv(records: Sequence[Any], path: epath.PathLike) -> None:
    """Write records of one kind as CSV with a header; `None` becomes an empty cell."""
    text = io.StringIO()
    if records:
        names = [f.name for f in dataclasses.fields(records[0])]
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(dataclasses.asdict(record) for record in records)
    replace_text(path, text.getvalue())


def replace_text(path: epath.PathLike, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part."""
    replace_bytes(path, text.encode())


def replace_bytes(path: epath.PathLike, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Raises:
      OSError: it cannot be written; the error has the name of a file.
    """
    path = epath.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    try:
        with named(path):
            temporary.write_bytes(content)
            temporary.replace(path)
    except BaseException:  # Ctrl-C too: a part of it is of use to nobody
        with suppress(Exception):
            temporary.unlink(missing_ok=True)
        raise
