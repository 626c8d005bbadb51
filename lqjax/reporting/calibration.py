"""How far the confidences of each model can be believed, before and after temperature scaling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lqjax.metrics.brier_decomposition import BrierDecomposition
from lqjax.metrics.calibration_summary import CalibrationSummary, summarise_calibration
from lqjax.metrics.reliability import pooled_diagram
from lqjax.metrics.temperature import HIGHEST, LOWEST, Temperature, fit_temperature
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import CLEAN, Condition
from lqjax.reporting.losses import keeps_scores
from lqjax.reporting.study import Network, Study

NO_VALIDATION = "no scores of its validation images are kept"
UNSCALED = 1.0
NUMBERS = ("accuracy", "confidence", "ece", "adaptive_ece", "loss", "brier")
"""Fields of a summary that are averaged over conditions and seeds."""


@dataclass(frozen=True)
class ModelCalibration:
    """One model: its numbers by condition, each the mean over its seeds.

    Attributes:
      plain: with the scores as they are.
      scaled: with the scores divided by the temperature; empty where there is none to use.
      temperatures: by seed and fold; those that a note advises against are kept here too.
      without: why nothing was scaled; empty where it was.
    """

    model: str
    plain: Mapping[str, CalibrationSummary]
    scaled: Mapping[str, CalibrationSummary] = field(default_factory=dict)
    temperatures: Mapping[tuple[int, int], Temperature] = field(default_factory=dict)
    without: str = ""

    def mean(self, conditions: Sequence[Condition], scaled: bool = False) -> CalibrationSummary:
        """Return the mean over conditions of each number; the diagram has the answers of all."""
        found = self.scaled if scaled else self.plain
        return averaged([found[condition.name] for condition in conditions])


@dataclass(frozen=True)
class Calibration:
    """All models whose scores are known.

    Attributes:
      clean: the clean images; `None` where a model has not finished them.
      shared: degraded conditions of which all these models have scores.
      unscored: models of which only answers are known.
    """

    models: tuple[ModelCalibration, ...]
    clean: Condition | None
    shared: tuple[Condition, ...]
    unscored: tuple[str, ...]

    def scopes(self) -> dict[str, tuple[Condition, ...]]:
        """Return what numbers are stated for: clean images and the mean of the degraded."""
        clean = {"clean": (self.clean,)} if self.clean else {}
        return clean | ({"degraded": self.shared} if self.shared else {})


def calibrate(study: Study, comparison: Comparison) -> Calibration | None:
    """Compute the calibration of all models from the scores they keep; `None` without any."""
    cell = comparison.clean
    wanted = [*([cell.condition] if cell else []), *comparison.shared]
    scored = [m for m in study.models if any(keeps_scores(study, m, c) for c in wanted)]
    common = [c for c in wanted if all(keeps_scores(study, m, c) for m in scored)]
    if not scored or not common:
        return None
    return Calibration(
        models=tuple(_of_model(study, model, common) for model in scored),
        clean=next((c for c in common if c.name == CLEAN), None),
        shared=tuple(c for c in common if c.degraded),
        unscored=tuple(m for m in study.models if m not in scored),
    )


def averaged(summaries: Sequence[CalibrationSummary]) -> CalibrationSummary:
    """Return the mean of each number, and one diagram of all answers."""
    means = {name: float(np.mean([getattr(s, name) for s in summaries])) for name in NUMBERS}
    parts = np.mean([summary.parts for summary in summaries], axis=0)
    return CalibrationSummary(
        **means,
        parts=BrierDecomposition(*parts.tolist()),
        diagram=pooled_diagram([summary.diagram for summary in summaries]),
    )


def _of_model(study: Study, model: str, conditions: Sequence[Condition]) -> ModelCalibration:
    temperatures, without = _temperatures(study.networks[model])
    factors = {run: found.value for run, found in temperatures.items()}
    plain, scaled = {}, {}
    for condition in conditions:
        scores = list(_by_seed(study, model, condition))
        plain[condition.name] = averaged([_summary(study, parts, {}) for parts in scores])
        if not without:
            scaled[condition.name] = averaged([_summary(study, p, factors) for p in scores])
    return ModelCalibration(model, plain, scaled, temperatures, without)


def _by_seed(
    study: Study, model: str, condition: Condition
) -> Iterator[dict[tuple[int, int], np.ndarray]]:
    """Yield the scores of each seed, by seed and fold; read one condition at a time."""
    for seed in sorted({network.seed for network in study.networks[model]}):
        yield {
            (seed, network.fold): network.scores.logits(condition.name)
            for network in study.networks[model]
            if network.seed == seed and network.scores is not None
        }


def _summary(
    study: Study,
    scores: Mapping[tuple[int, int], np.ndarray],
    temperatures: Mapping[tuple[int, int], float],
) -> CalibrationSummary:
    """Summarise the answers of one seed; those of all folds together, each image once."""
    logits = [found / temperatures.get(run, UNSCALED) for run, found in scores.items()]
    rows = np.concatenate([study.tested.rows[fold] for _, fold in scores])
    return summarise_calibration(np.concatenate(logits), study.labels[rows])


def _temperatures(
    networks: Sequence[Network],
) -> tuple[dict[tuple[int, int], Temperature], str]:
    """Fit a temperature for each run of a model, and say why they are not used where they are not.

    Runs are scaled all or none: a mean over scaled and unscaled runs would be neither.
    """
    found = {}
    for network in networks:
        kept = network.scores.validation() if network.scores is not None else None
        if kept is None:
            return {}, NO_VALIDATION
        try:
            fitted = fit_temperature(kept["logits"], kept["labels"])
        except ValueError as error:
            return {}, f"its validation scores cannot be used: {error}"
        found[network.seed, network.fold] = fitted
    ends = [fitted.note for fitted in found.values() if fitted.value in (LOWEST, HIGHEST)]
    return found, ends[0] if ends else ""
