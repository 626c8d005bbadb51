"""A study of working directories and of predictions of other code, for as long as it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from etils import epath

from lqjax.reporting.external.runs import external_runs
from lqjax.reporting.folders import finished_runs, refuse_no_folder
from lqjax.reporting.given import Given
from lqjax.reporting.study import Study, read_study
from lqjax.workdir import Workdir


@contextmanager
def opened_study(
    workdirs: Sequence[Workdir], predictions: Sequence[epath.PathLike] = ()
) -> Iterator[Study]:
    """Read a study; scores of predictions can be read from it until the end.

    Args:
      workdirs: with finished conditions. A single one that is not begun is where the report of
        predictions alone goes.
      predictions: files of predictions (docs/predictions.md).

    Raises:
      ValueError: as for `read_study` and `external_runs`.
    """
    ours = _begun(workdirs) if predictions else list(workdirs)
    finished = [run for workdir in ours for run in finished_runs(workdir)]
    with external_runs(predictions, finished) as external:
        study = read_study(ours, external)
        places = tuple(str(workdir.root) for workdir in workdirs)
        yield replace(study, given=Given(places, tuple(str(path) for path in predictions)))


def _begun(workdirs: Sequence[Workdir]) -> list[Workdir]:
    """Leave out the working directory that is only there to be written to."""
    if len(workdirs) == 1 and not (workdirs[0].root / "config.json").exists():
        if workdirs[0].root.exists():
            refuse_no_folder(workdirs[0])  # it may be a file
        return [workdir for workdir in workdirs if workdir.has_results()]
    return list(workdirs)
