"""What is computed from a comparison once, for sections, figures and files alike."""

from __future__ import annotations

from dataclasses import dataclass

from etils import epath

from lqjax.reporting.calibration import Calibration, calibrate
from lqjax.reporting.calibration_records import calibration_records
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.envelope_records import envelope_records, level_records
from lqjax.reporting.envelopes import Envelopes, measure_envelopes
from lqjax.reporting.robustness import Robustness, measure_robustness
from lqjax.reporting.robustness_records import robustness_records
from lqjax.reporting.study import Study
from lqjax.rows import write_csv


@dataclass(frozen=True)
class Findings:
    """Robustness, calibration and envelopes; `None` where the runs do not allow it."""

    robustness: Robustness | None
    calibration: Calibration | None
    envelopes: Envelopes | None = None


def find(study: Study, comparison: Comparison) -> Findings:
    """Compute what goes beyond accuracies."""
    return Findings(
        measure_robustness(study, comparison),
        calibrate(study, comparison),
        measure_envelopes(study, comparison),
    )


def write_findings(findings: Findings, folder: epath.Path) -> None:
    """Write `robustness.csv`, `calibration.csv`, `envelope.csv` and `envelope_levels.csv`.

    Each only if there is something to write.
    """
    for name, records in (
        ("robustness.csv", robustness_records(findings.robustness)),
        ("calibration.csv", calibration_records(findings.calibration)),
        ("envelope.csv", envelope_records(findings.envelopes)),
        ("envelope_levels.csv", level_records(findings.envelopes)),
    ):
        if records:
            write_csv(records, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
