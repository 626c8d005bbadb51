"""Expected accuracy under the mixture: as measured, and as it might have come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.advising.mixture import Mixture
from lqjax.metrics.bca import is_constant
from lqjax.metrics.corrected_t import INDEPENDENT, corrected_t
from lqjax.metrics.grouping import grouping
from lqjax.metrics.interval import CONFIDENCE, Estimate
from lqjax.metrics.paired_bootstrap import PairedBootstrap, agreement_interval
from lqjax.metrics.resamples import RESAMPLES, SEED, Resamples
from lqjax.reporting.fold_correction import sharing_of_folds
from lqjax.reporting.study import Study
from lqjax.reporting.training_runs import LEAST_SEEDS

DECIMALS = 12
ROUNDING = 10.0**-DECIMALS
"""What lies below it is rounding, not a difference."""


@dataclass(frozen=True)
class Draws:
    """Expected accuracies of some models, in [0, 1].

    Attributes:
      models: in the order of the columns.
      by_image: weighted right answers of each image, mean over seeds: (images, models).
      by_unit: their sums over what is drawn as a whole, images or groups: (units, models).
      drawn: expected accuracies, one row for each time that they were drawn: (draws, models).
      bootstrap: for intervals, where only images were drawn; else `None`.
      folds: expected accuracy of each fold, where there are folds; else `None`.
      redrawn: models whose training runs were drawn too.
      sharing: test by training images of a fold; of use where there are folds.
    """

    models: tuple[str, ...]
    by_image: np.ndarray
    by_unit: np.ndarray
    drawn: np.ndarray
    bootstrap: PairedBootstrap | None
    folds: np.ndarray | None
    redrawn: tuple[str, ...]
    sharing: float = INDEPENDENT

    def accuracy(self, model: str) -> Estimate:
        """Return the expected accuracy of a model with its 95 % interval."""
        return self._estimate(self._contrast(model))

    def gap(self, first: str, second: str) -> Estimate:
        """Return first minus second with its 95 % interval."""
        return self._estimate(self._contrast(first) - self._contrast(second))

    def column(self, model: str) -> np.ndarray:
        """Return the drawn accuracies of a model: (draws,)."""
        return self.drawn[:, self.models.index(model)]

    def telling_apart(self, first: str, second: str) -> int:
        """Count the units whose answers differ between two models."""
        contrast = self._contrast(first) - self._contrast(second)
        return int((np.abs(self.by_unit @ contrast) > ROUNDING).sum())

    def _contrast(self, model: str) -> np.ndarray:
        return np.array([float(name == model) for name in self.models])

    def _estimate(self, contrast: np.ndarray) -> Estimate:
        if self.bootstrap is not None:
            return self.bootstrap.estimate(
                lambda means: np.round(means @ contrast, DECIMALS), share=True
            )
        if self.folds is not None:
            found = corrected_t(self.folds @ contrast, self.sharing).mean
            if found.is_bounded():
                return found
        drawn, value = (
            np.round(self.drawn @ contrast, DECIMALS),
            float(self.by_image.mean(axis=0) @ contrast),
        )
        if is_constant(drawn):
            return Estimate(value, *agreement_interval(value, len(self.by_unit)))
        outside = (1 - CONFIDENCE) / 2
        return Estimate(value, *(float(end) for end in np.quantile(drawn, [outside, 1 - outside])))


def draw(
    study: Study,
    mixture: Mixture,
    models: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Draws:
    """Draw the expected accuracies of models again and again, the same images for all.

    One fold: test images (or their groups) are drawn with replacement and, of a model with
    `LEAST_SEEDS` runs or more, its k runs as well: k - 1 of them, so that the spread of their mean
    is the one that k runs have. Several folds: from Student's t around the mean over folds, with
    the covariance between models and the widening of Nadeau and Bengio.

    Args:
      models: tested under all of the mixture, at least one.

    Source: Efron and Tibshirani 1993 (paired bootstrap); Rao and Wu 1988, "Resampling inference
    with complex survey data" (k - 1 of k); Nadeau and Bengio 2003 (folds).
    """
    by_seed = {model: seed_scores(study, mixture, model) for model in models}
    by_image = np.stack([scores.mean(axis=1) for scores in by_seed.values()], axis=1)
    units = grouping(study.n, study.groups)
    by_unit = units.sums(by_image)
    if study.folds > 1:
        folds = study.by_fold(by_image)
        sharing = sharing_of_folds(study)
        drawn = _from_folds(folds, sharing, resamples, seed)
        return Draws(tuple(models), by_image, by_unit, drawn, None, folds, (), sharing)
    sets = Resamples(units, resamples, seed)
    redrawn = tuple(m for m, scores in by_seed.items() if scores.shape[1] >= LEAST_SEEDS)
    if redrawn:
        drawn = _with_runs(sets, by_seed, seed)
        return Draws(tuple(models), by_image, by_unit, drawn, None, None, redrawn)
    drawn = np.round(sets.means(by_image), DECIMALS)
    bootstrap = PairedBootstrap(by_image.mean(axis=0), drawn, sets.left_out_means(by_image))
    return Draws(tuple(models), by_image, by_unit, drawn, bootstrap, None, ())


def seed_scores(study: Study, mixture: Mixture, model: str) -> np.ndarray:
    """Return each image's weighted share of right answers by seed: (images, seeds) in [0, 1]."""
    seeds = sorted({run.seed for run in study.networks[model]})
    scores = np.zeros((study.n, len(seeds)))
    for run in study.networks[model]:
        rows = study.tested.rows[run.fold]
        for condition, share in mixture.shares.items():
            right = run.predicted[condition] == study.labels[rows]
            scores[rows, seeds.index(run.seed)] += share * right
    return scores


def _with_runs(sets: Resamples, by_seed: Mapping[str, np.ndarray], seed: int) -> np.ndarray:
    means = sets.means(np.concatenate(list(by_seed.values()), axis=1))
    random, start, columns = np.random.default_rng([seed, 1]), 0, []
    for scores in by_seed.values():
        count = scores.shape[1]
        mine = means[:, start : start + count]
        start += count
        if count >= LEAST_SEEDS:
            drawn = random.multinomial(count - 1, np.full(count, 1 / count), len(means))
            columns.append((mine * drawn).sum(axis=1) / (count - 1))
        else:
            columns.append(mine.mean(axis=1))
    return np.stack(columns, axis=1)


def _from_folds(folds: np.ndarray, sharing: float, resamples: int, seed: int) -> np.ndarray:
    """Draw from the multivariate t that the corrected t-test has for every contrast of models."""
    random, count = np.random.default_rng(seed), len(folds)
    freedom = count - 1
    mean = folds.mean(axis=0)
    normal = random.normal(size=(resamples, count)) @ (folds - mean) / np.sqrt(freedom)
    spread = np.sqrt(random.chisquare(freedom, size=(resamples, 1)) / freedom)
    return mean + np.sqrt(1 / count + sharing) * normal / spread
