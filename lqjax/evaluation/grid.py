"""The grid: one network under every condition, resumable condition by condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import numpy as np

from lqjax.answer_files import read_predicted
from lqjax.damaged import DamagedError
from lqjax.data.batch import Placed
from lqjax.distributed import decide, stop_requested
from lqjax.evaluation.beside import Beside, Pair
from lqjax.evaluation.meanwhile import meanwhile
from lqjax.evaluation.predict import Predictor, Prepare, as_floats
from lqjax.imaging.apply import apply_condition
from lqjax.imaging.conditions import Condition
from lqjax.imaging.damage import Damage, Measured, average, measure
from lqjax.imaging.published import PublishedPictures
from lqjax.metrics.summary import summarise
from lqjax.progress import Progress
from lqjax.rows import Row, from_json, to_json
from lqjax.runtime import read
from lqjax.stopping import Terminated
from lqjax.typing import Images, Split, Tree
from lqjax.workdir import Run

Classify = Callable[[Placed | Beside, Prepare, Callable[[int], None]], np.ndarray]
"""(batches, prepare, advance) -> logits of a whole split; as `Predictor.logits`, with weights."""

Measuring = Callable[[], Measured]
"""Gives what is being measured of a batch, once it is there."""


class NotFiniteError(ValueError):
    """What a network says of test images is infinite or NaN.

    Attributes:
      condition: under which.
    """

    def __init__(self, title: str, condition: str, logits: np.ndarray) -> None:
        first = int(np.argmin(np.isfinite(logits).all(axis=1)))
        self.condition = condition
        super().__init__(
            f"{title} under {condition}: logits of example {first} are not finite; the network has"
            " diverged"
        )


class Grid:
    """The conditions of an evaluation over one test split.

    Args:
      dataset: name for the rows.
      split, batches: the test split on the host, and as the pipeline gives it.
      conditions: what to test under, in the order of the report.
      seed: seed of the degradations.
      damages: what conditions are known to do to this split under this seed, by name. It is the
        same for every network: grids that share the dict measure each condition once.
      published: gives the examples of the split with the pictures of a published set.
    """

    def __init__(
        self,
        dataset: str,
        split: Split,
        batches: Placed,
        conditions: Sequence[Condition],
        seed: int,
        damages: dict[str, Damage] | None = None,
        published: Callable[[PublishedPictures], Placed] | None = None,
    ) -> None:
        self.dataset, self.split, self.batches = dataset, split, batches
        self.conditions, self.seed = tuple(conditions), seed
        self.damages = {} if damages is None else damages
        self.published = published

    def evaluate(
        self,
        predictor: Predictor,
        params: Tree,
        stats: Tree,
        run: Run,
        progress: Progress,
        epoch: int | None = None,
    ) -> list[Row]:
        """Test under every condition that has no row yet; return the rows of all.

        A condition whose row and scores are on disk is finished and is not computed again; one
        with a damaged file is, with a warning.

        Args:
          epoch: whose weights they are, for the rows.

        Raises:
          NotFiniteError: the scores of an image are infinite or NaN.
          Terminated: one of several processes was asked to stop; what is finished is kept.
        """
        classify = partial(predictor.logits, params, stats)
        return self.answer(classify, predictor.network.num_classes, run, progress, epoch)

    def answer(
        self,
        classify: Classify,
        classes: int,
        run: Run,
        progress: Progress,
        epoch: int | None = None,
    ) -> list[Row]:
        """Test whatever classifies, as `evaluate` does a network; other arguments are the same.

        Args:
          classify: called once for each condition that has no row yet.
          classes: number of columns of what it returns.
        """
        count = len(self.split)
        finished = self._finished(run, classes, progress)
        rows = []
        title = f"evaluate {run.title}"
        total, done = count * len(self.conditions), count * len(finished)
        with progress.stage(title, total, done) as stage:
            for condition in self.conditions:
                row = finished.get(condition.name)
                if row is None:
                    stage.note(condition.name)
                    measured: list[Measuring] = []
                    logits = classify(
                        self._batches(condition), self._prepare(condition, measured), stage.advance
                    )
                    if not np.isfinite(logits).all():
                        raise NotFiniteError(run.title, condition.name, logits)
                    row = self._row(run, epoch, condition, logits, measured)
                    run.write_condition(row, logits)
                    if stop_requested():
                        raise Terminated
                rows.append(row)
        return rows

    def _finished(self, run: Run, classes: int, progress: Progress) -> dict[str, Row]:
        # Looked up once, before anything is written, so that all processes test the same ones.
        def look() -> list[str]:
            names = [condition.name for condition in self.conditions]
            rows = [self._whole(run, name, classes, progress) for name in names]
            return [to_json(row) for row in rows if row is not None]

        rows = [from_json(Row, line) for line in decide(look)]
        return {row.condition: row for row in rows}

    def _whole(self, run: Run, condition: str, classes: int, progress: Progress) -> Row | None:
        """Read the row of a condition if all that belongs to it can be read too."""
        try:
            row = run.row(condition)
            if row is not None:
                read_predicted(run, row, self.split.labels, classes)
        except DamagedError as error:
            progress.say(f"warning: {error.what}; {run.title} is tested under {condition} again")
            return None
        return row

    def _batches(self, condition: Condition) -> Placed | Beside:
        if condition.published is None:
            return self.batches
        if self.published is None:
            raise ValueError(f"{condition.name}: there is nothing here to read its pictures with")
        pictures = self.published(condition.published)
        return pictures if condition.name in self.damages else Beside(pictures, self.batches)

    def _prepare(self, condition: Condition, measured: list[Measuring]) -> Prepare:
        def prepare(images: jax.Array | Pair, numbers: jax.Array) -> Images:
            given, clean = images if isinstance(images, tuple) else (images, images)
            shown = as_floats(given, numbers)
            if not condition.degraded:
                return shown
            degraded = apply_condition(condition, shown, numbers, self.seed)
            if condition.name not in self.damages:
                reference = shown if clean is given else as_floats(clean, numbers)
                measured.append(meanwhile(measure, degraded, reference))
            return degraded

        return prepare

    def _row(
        self,
        run: Run,
        epoch: int | None,
        condition: Condition,
        logits: np.ndarray,
        measured: list[Measuring],
    ) -> Row:
        count = len(self.split)
        damage = self.damages.get(condition.name, Damage(psnr=None, ssim=1.0, unchanged=count))
        if measured:
            damage = self.damages[condition.name] = average(
                read([result() for result in measured]), count
            )
        return Row(
            model=run.model,
            dataset=self.dataset,
            seed=run.seed,
            fold=run.fold,
            condition=condition.name,
            family=condition.family,
            level=condition.level,
            label=condition.label,
            image_size=int(self.split.images.shape[1]),
            psnr=damage.psnr,
            ssim=damage.ssim,
            epoch=epoch,
            **summarise(logits, self.split.labels),
        )
