"""Corruption errors as a report shows them: ratios beside the absolute errors they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lqjax.metrics.corruption_error import corruption_errors, error_rises
from lqjax.metrics.error_table import ErrorTable
from lqjax.metrics.safe_ratio import LEAST_DROP, safe_ratio, why_no_ratio


@dataclass(frozen=True)
class NormalisedError:
    """One corruption, its severities averaged. Errors are shares, ratios have the reference at 1.

    Attributes:
      corruption: name; "mean" for the mean over all.
      error, reference_error: mean over the severities.
      rise, reference_rise: those less the clean errors: what the corruption costs.
      ratio: CE, or BE of balanced errors; `None` where the reference makes next to no errors.
      relative: relative CE, or rBE; `None` where the reference loses next to nothing, or gains.
      reason: why there is no `ratio` or no `relative`; empty where there are both.
    """

    corruption: str
    error: float
    reference_error: float
    rise: float
    reference_rise: float
    ratio: float | None
    relative: float | None
    reason: str


@dataclass(frozen=True)
class NormalisedErrors:
    """All corruptions and their mean.

    Attributes:
      corruptions: in the order of the reference.
      mean: plain means over the corruptions: its `ratio` is mCE (or BE), its `relative` relative
        mCE (or rBE). Each is `None` where that of one corruption is: a mean over the others would
        be another metric under the same name.
      relative_of_means: mean rise over the reference's mean rise. It stays defined where a single
        corruption costs the reference nothing, and is not the published relative mCE.
    """

    corruptions: tuple[NormalisedError, ...]
    mean: NormalisedError
    relative_of_means: float | None


def normalise_errors(
    model: ErrorTable, reference: ErrorTable, least: float = LEAST_DROP
) -> NormalisedErrors:
    """Divide a model's errors by those of a reference network, corruption by corruption.

    Args:
      model, reference: one number a cell, no resamples. The reference is AlexNet on the same
        images, or `published_alexnet`.
      least: rise of the reference's error, in [0, 1], below which no relative error is given.

    Raises:
      ValueError: a corruption of the reference is missing, the severities differ, or a table
        holds resamples.

    Source: Hendrycks & Dietterich 2019, section 4; Di Salvo et al. 2024 for BE and rBE.
    """
    if np.ndim(model.clean) or np.ndim(reference.clean):
        raise ValueError("normalise_errors takes one number a cell; resamples go to the metrics")
    ratios = corruption_errors(model, reference)
    own = model.select(reference.corruptions)
    rises, reference_rises = error_rises(own), error_rises(reference)
    relatives = safe_ratio(rises, reference_rises, least)
    cells = tuple(
        NormalisedError(
            corruption=name,
            error=float(own.errors[i].mean()),
            reference_error=float(reference.errors[i].mean()),
            rise=float(rises[i]),
            reference_rise=float(reference_rises[i]),
            ratio=_or_none(ratios[i]),
            relative=_or_none(relatives[i]),
            reason=_reason(float(reference.errors[i].mean()), float(reference_rises[i]), least),
        )
        for i, name in enumerate(reference.corruptions)
    )
    of_means = _or_none(safe_ratio(rises.mean(), reference_rises.mean(), least))
    return NormalisedErrors(cells, _mean(cells), of_means)


def _mean(cells: tuple[NormalisedError, ...]) -> NormalisedError:
    ratios = [cell.ratio for cell in cells if cell.ratio is not None]
    relatives = [cell.relative for cell in cells if cell.relative is not None]
    without = [cell.corruption for cell in cells if cell.reason]
    return NormalisedError(
        corruption="mean",
        error=float(np.mean([cell.error for cell in cells])),
        reference_error=float(np.mean([cell.reference_error for cell in cells])),
        rise=float(np.mean([cell.rise for cell in cells])),
        reference_rise=float(np.mean([cell.reference_rise for cell in cells])),
        ratio=float(np.mean(ratios)) if len(ratios) == len(cells) else None,
        relative=float(np.mean(relatives)) if len(relatives) == len(cells) else None,
        reason=f"no ratio for {', '.join(without)}" if without else "",
    )


def _reason(error: float, rise: float, least: float) -> str:
    if error < LEAST_DROP:
        return f"the reference errs on {100 * error:.2f} % only; a ratio needs {100 * LEAST_DROP:g}"
    return why_no_ratio(rise, least)


def _or_none(value: np.ndarray) -> float | None:
    return None if np.isnan(value) else float(value)
