"""How much of each degradation the models stand: their operating envelopes, measured once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lqjax.metrics.envelope import Envelope
from lqjax.metrics.envelope_gap import EnvelopeGap, envelope_gap
from lqjax.metrics.envelope_limits import DROP, envelope_to_drop, envelope_to_floor
from lqjax.metrics.grouping import LEAST_UNITS, grouping
from lqjax.metrics.interval import CONFIDENCE, Estimate
from lqjax.metrics.isotonic import falling_fit
from lqjax.metrics.ladder import Ladder
from lqjax.metrics.ladder_accuracies import LadderAccuracies
from lqjax.metrics.resamples import Resamples
from lqjax.metrics.wilson import wilson_interval
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import CLEAN, Condition
from lqjax.reporting.damage import mean_damage
from lqjax.reporting.study import Study
from lqjax.rungs import ConditionLadder

PERCENTILES = (100 * (1 - CONFIDENCE) / 2, 100 * (1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class ModelEnvelope:
    """How far one model's accuracy holds on one ladder.

    Attributes:
      clean: accuracy on clean images.
      accuracy: at each level, mildest first, with the interval of that level by itself.
      curve: the falling curve that the crossings are read from, at each level.
      drop, floor: where the accuracy has fallen by the drop, and where it meets the floor; `None`
        without a floor.
    """

    model: str
    clean: float
    accuracy: tuple[Estimate, ...]
    curve: tuple[float, ...]
    drop: Envelope
    floor: Envelope | None


@dataclass(frozen=True)
class LadderEnvelopes:
    """All that was found on one ladder.

    Attributes:
      ladder: what was tested, mildest level first.
      psnr: of each level in dB; `None` where no image is changed, or where it is not known.
      models: those that finished it.
      unfinished: of the others, how many of its conditions they were tested under, clean images
        counted if there is any other.
      drop_gap, floor_gap: leader against other; `None` where not both finished, or without floor.
    """

    ladder: ConditionLadder
    psnr: tuple[float | None, ...]
    models: tuple[ModelEnvelope, ...]
    unfinished: Mapping[str, int]
    drop_gap: EnvelopeGap | None = None
    floor_gap: EnvelopeGap | None = None


@dataclass(frozen=True)
class Envelopes:
    """The operating envelopes of a study.

    Attributes:
      drop, floor: loss of accuracy, and accuracy, that end an envelope; floor 0 for none.
      leader, other: the models that are compared; `other` is empty for one model.
    """

    drop: float
    floor: float
    leader: str
    other: str
    ladders: tuple[LadderEnvelopes, ...]


def measure_envelopes(study: Study, comparison: Comparison) -> Envelopes | None:
    """Find all envelopes, on the same resampled test sets.

    Returns:
      `None` where there is no ladder, or a single test image, which cannot be resampled.
    """
    if not study.ladders or study.n < LEAST_UNITS:
        return None
    evaluations = [config.get("evaluation", {}) for config in study.configs.values()]
    settings: Mapping[str, float] = next((e for e in evaluations if e.get("envelopes")), {})
    drop, floor = settings.get("envelope_drop", DROP), settings.get("envelope_floor", 0.0)
    answers = _Answers(study)
    ladders = [_on_ladder(answers, ladder, drop, floor, comparison) for ladder in study.ladders]
    return Envelopes(drop, floor, comparison.leader, comparison.other, tuple(ladders))


class _Answers:
    """Right and wrong answers to everything on a ladder, and their means in resampled test sets.

    All models and ladders are resampled at once: the same test sets for all, drawn once.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._conditions = {c.name: c for c in (*study.conditions, *study.rungs)}
        names = [CLEAN, *(name for ladder in study.ladders for name in ladder.conditions)]
        cells = [
            (model, name)
            for model in study.models
            for name in dict.fromkeys(names)
            if self.finished(model, name)
        ]
        self._place = {cell: place for place, cell in enumerate(cells)}
        if not cells:
            return
        columns = [study.correct(model, self._conditions[name]) for model, name in cells]
        values = np.stack(columns, axis=1)
        if not (values % 1).any():
            values = values.astype(bool)  # counted exactly, and faster
        self.observed = values.mean(axis=0)
        self.resampled = Resamples(grouping(study.n, study.groups)).means(values)

    def finished(self, model: str, name: str) -> bool:
        condition: Condition | None = self._conditions.get(name)
        return condition is not None and self.study.finished(model, condition)

    def accuracies(self, model: str, names: Sequence[str]) -> LadderAccuracies:
        clean = self._place[model, CLEAN]
        levels = [self._place[model, name] for name in names]
        return LadderAccuracies(
            float(self.observed[clean]),
            self.observed[levels],
            self.resampled[:, clean],
            self.resampled[:, levels],
        )

    def estimates(self, model: str, accuracies: LadderAccuracies) -> tuple[Estimate, ...]:
        """Give each level an interval by itself: Wilson's where single images were drawn once."""
        study = self.study
        if len(study.networks[model]) == 1 and study.groups is None:
            return tuple(
                Estimate(value, *wilson_interval(round(value * study.n), study.n))
                for value in accuracies.levels.tolist()
            )
        lows, highs = np.percentile(accuracies.resampled_levels, PERCENTILES, axis=0)
        return tuple(map(Estimate, accuracies.levels.tolist(), lows.tolist(), highs.tolist()))


def _on_ladder(
    answers: _Answers, ladder: ConditionLadder, drop: float, floor: float, comparison: Comparison
) -> LadderEnvelopes:
    study = answers.study
    psnr = {name: mean_damage(study, name, "psnr") for name in ladder.conditions}
    ladder = mildest_first(ladder, psnr)
    values = [psnr[name] for name in ladder.conditions]
    scale = Ladder(_words(ladder.parameter), ladder.levels, ladder.coordinate, ladder.unit)
    needed = (CLEAN, *ladder.conditions)
    done = [m for m in study.models if all(answers.finished(m, name) for name in needed)]
    found = {model: answers.accuracies(model, ladder.conditions) for model in done}
    models = tuple(
        ModelEnvelope(
            model,
            accuracies.clean,
            answers.estimates(model, accuracies),
            tuple(falling_fit(accuracies.levels).tolist()),
            envelope_to_drop(scale, accuracies, drop, values),
            envelope_to_floor(scale, accuracies, floor, values) if floor else None,
        )
        for model, accuracies in found.items()
    )
    unfinished = {
        model: _rungs_of(answers, model, ladder) for model in study.models if model not in found
    }
    if comparison.leader not in found or comparison.other not in found:
        return LadderEnvelopes(ladder, tuple(values), models, unfinished)
    pair = found[comparison.leader], found[comparison.other]
    return LadderEnvelopes(
        ladder,
        tuple(values),
        models,
        unfinished,
        envelope_gap(scale, *pair, drop=drop),
        envelope_gap(scale, *pair, floor=floor) if floor else None,
    )


def _rungs_of(answers: _Answers, model: str, ladder: ConditionLadder) -> int:
    count = sum(answers.finished(model, name) for name in ladder.conditions)
    return count + answers.finished(model, CLEAN) if count else 0


def mildest_first(ladder: ConditionLadder, psnr: Mapping[str, float | None]) -> ConditionLadder:
    """Turn a ladder round if its first level does more damage than its last, by PSNR."""
    first, last = (psnr.get(ladder.conditions[end]) for end in (0, -1))
    # Without PSNR nothing was changed; predictions of other code have none at all.
    if (math.inf if first is None else first) >= (math.inf if last is None else last):
        return ladder
    return replace(ladder, levels=ladder.levels[::-1], conditions=ladder.conditions[::-1])


def _words(parameter: str) -> str:
    return parameter.replace("_", " ")
