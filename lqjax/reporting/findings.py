"""What is computed from a comparison once, for sections, figures and files alike."""

from __future__ import annotations

from dataclasses import dataclass

from etils import epath

from lqjax.reporting.all_metrics import AllMetrics, measure_metrics
from lqjax.reporting.calibration import Calibration, calibrate
from lqjax.reporting.calibration_records import calibration_records
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.envelope_records import envelope_records, level_records
from lqjax.reporting.envelopes import Envelopes, measure_envelopes
from lqjax.reporting.metric_records import class_metric_records, metric_records
from lqjax.reporting.pairwise import PairTests, compare_pairs
from lqjax.reporting.pairwise_records import pair_records
from lqjax.reporting.pairwise_section import TESTS_FILE
from lqjax.reporting.readings import Readings, measure_readings
from lqjax.reporting.readings_records import reading_records
from lqjax.reporting.readings_section import READINGS_FILE
from lqjax.reporting.robustness import Robustness, measure_robustness
from lqjax.reporting.robustness_records import robustness_records
from lqjax.reporting.study import Study
from lqjax.rows import write_csv


@dataclass(frozen=True)
class Findings:
    """All metrics; robustness, calibration, envelopes and readings: `None` where there are none."""

    metrics: AllMetrics
    robustness: Robustness | None
    calibration: Calibration | None
    envelopes: Envelopes | None = None
    pairs: tuple[PairTests, ...] = ()
    readings: Readings | None = None


def find(study: Study, comparison: Comparison) -> Findings:
    """Compute what goes beyond accuracies."""
    return Findings(
        measure_metrics(study, comparison),
        measure_robustness(study, comparison),
        calibrate(study, comparison),
        measure_envelopes(study, comparison),
        compare_pairs(study, comparison),
        measure_readings(study),
    )


def write_findings(findings: Findings, folder: epath.Path) -> None:
    """Write `metrics.csv`, `class_metrics.csv`, and `robustness.csv`, `calibration.csv`,
    `envelope.csv`, `envelope_levels.csv`, `tests.csv` and `readings.csv`.

    Each only if there is something to write.
    """
    for name, records in (
        ("metrics.csv", metric_records(findings.metrics)),
        ("class_metrics.csv", class_metric_records(findings.metrics)),
        ("robustness.csv", robustness_records(findings.robustness)),
        ("calibration.csv", calibration_records(findings.calibration)),
        ("envelope.csv", envelope_records(findings.envelopes)),
        ("envelope_levels.csv", level_records(findings.envelopes)),
        (TESTS_FILE, pair_records(findings.pairs)),
        (READINGS_FILE, reading_records(findings.readings)),
    ):
        if records:
            write_csv(records, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
