"""Write the report of one or more working directories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etils import epath

from lqjax.reporting.cautions import cautions
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.comparison_records import comparison_records
from lqjax.reporting.content import compose
from lqjax.reporting.cost_files import write_cost_files
from lqjax.reporting.figures import draw_figures
from lqjax.reporting.findings import find, write_findings
from lqjax.reporting.html_page import html_page
from lqjax.reporting.markdown_page import FOLDER, markdown_page
from lqjax.reporting.opening import opened_study
from lqjax.reporting.study import Study
from lqjax.reporting.terminal import terminal_table
from lqjax.reporting.verdict import judge
from lqjax.rows import replace_text, write_csv, write_lines
from lqjax.workdir import Workdir


@dataclass(frozen=True)
class ReportResult:
    """Where the report is and what it says.

    Attributes:
      path: of report.html.
      verdict: one sentence.
      table: condition x model as plain text of at most 100 columns.
      cautions: what is to be kept in mind about the runs, a sentence each.
    """

    path: epath.Path
    verdict: str
    table: str
    cautions: tuple[str, ...] = ()


def write_report(
    workdirs: Sequence[Workdir], predictions: Sequence[epath.PathLike] = ()
) -> ReportResult:
    """Compare all runs of the working directories and write the report into the first.

    Writes `report.html` (needs no other file), `report.md`, `results.csv`, `results.jsonl`,
    `metrics.csv`, `class_metrics.csv`, `costs.csv`, `throughput.csv`, `layers.csv`,
    `robustness.csv`, `calibration.csv`, `envelope.csv`, `envelope_levels.csv`, `readings.csv` and
    `figures/*.png`, `*.svg` into `<first>/report`.
    Needs neither the models nor a device.

    Args:
      workdirs: at least one, with finished conditions; a model trained differently in two of
        them appears twice, named after its directory. With `predictions` the first may hold
        nothing yet.
      predictions: files of predictions of other code on the same test images (docs/predictions.md).

    Raises:
      ValueError: nothing to report, or image sizes, data sets or test images that differ, or a file
        of predictions that is wrong; nothing is written then.
    """
    with opened_study(workdirs, predictions) as study:
        return _write(study, workdirs)


def _write(study: Study, workdirs: Sequence[Workdir]) -> ReportResult:
    folder = workdirs[0].report
    comparison = compare_models(study)
    verdict = judge(study, comparison)
    findings = find(study, comparison)
    drawn = draw_figures(study, comparison, findings, folder / FOLDER)
    document = compose(study, comparison, verdict, findings, drawn)
    write_lines(study.rows, folder / "results.jsonl")
    write_csv(study.rows, folder / "results.csv")
    write_csv(comparison_records(comparison), folder / "comparison.csv")
    write_cost_files(study, folder)
    write_findings(findings, folder)
    replace_text(folder / "report.md", markdown_page(document))
    replace_text(folder / "report.html", html_page(document, drawn))
    table = terminal_table(study, comparison)
    return ReportResult(folder / "report.html", verdict.sentence, table, cautions(study))
