"""What users import to get answers from what was measured: `report`, `advise`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from etils import epath

from lqjax.advising.advice import Advice
from lqjax.advising.advise import advise_on, write_advice
from lqjax.advising.needs import CERTAINTY, Needs
from lqjax.distributed import decide
from lqjax.workdir import Workdir

if TYPE_CHECKING:
    from lqjax.reporting.report import ReportResult


def report(
    workdirs: Sequence[epath.PathLike] | epath.PathLike,
    predictions: Sequence[epath.PathLike] | epath.PathLike = (),
) -> ReportResult:
    """Write the report of one or several working directories, from what they keep.

    Args:
      workdirs: the report goes into the first. A single one that is not begun may be named for the
        report of predictions alone.
      predictions: files of what other code predicted for the same test images, CSV or JSONL
        (docs/predictions.md).

    Raises:
      ValueError: no results there, results that must not be mixed, or a file of predictions that
        is wrong.
    """
    return write_report_of([Workdir.at(path) for path in _several(workdirs)], _several(predictions))


def advise(
    workdirs: Sequence[epath.PathLike] | epath.PathLike,
    predictions: Sequence[epath.PathLike] | epath.PathLike = (),
    *,
    floor_accuracy: float = 0.0,
    ceiling_latency_ms: float = 0.0,
    ceiling_memory_mib: float = 0.0,
    mixture: str | Mapping[str, float] = "",
    certainty: float = CERTAINTY,
) -> Advice:
    """Answer from measured rows which network to take, and write advice.md beside the report.

    Args:
      workdirs, predictions: as for `report`.
      floor_accuracy: least expected accuracy under the mixture, a share; 0 for none.
      ceiling_latency_ms, ceiling_memory_mib: of the forward pass of one image; 0 for none.
      mixture: weights of conditions or patterns, by name or as
        "clean=0.5,low_quality/jpeg@*=0.5"; all degraded conditions alike if empty.
      certainty: probability from which on a choice counts as decided.

    Raises:
      ValueError: as for `report`, or needs that cannot be asked for.

    Example:
      lqjax.advise("runs/films", mixture={"clean": 1, "low_quality/*": 2}).sentence
    """
    needs = Needs(floor_accuracy, ceiling_latency_ms, ceiling_memory_mib, mixture, certainty)
    places = [Workdir.at(path) for path in _several(workdirs)]
    found: list[Advice] = []

    def write() -> str:
        found.append(write_advice(places, needs, _several(predictions)))
        return found[0].sentence

    decide(write)
    # Of several processes the first one writes; the others read the same files.
    return found[0] if found else advise_on(places, needs, _several(predictions))


def _several(paths: Sequence[epath.PathLike] | epath.PathLike) -> list[epath.PathLike]:
    return [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)  # type: ignore[list-item]


def write_report_of(
    places: Sequence[Workdir], predictions: Sequence[epath.PathLike] = ()
) -> ReportResult:
    """Write the report; of several processes the first one does, and all know what it says."""
    # Here, since training starts sooner without Matplotlib.
    from lqjax.reporting.report import ReportResult, write_report

    def write() -> list[Any]:
        written = write_report(places, predictions)
        return [str(written.path), written.verdict, written.table, written.cautions]

    path, verdict, table, cautions = decide(write)
    return ReportResult(epath.Path(path), verdict, table, tuple(cautions))
