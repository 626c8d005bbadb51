"""Write the page of an audit and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass

from etils import epath

from lqjax.auditing.flags import values_of
from lqjax.reporting.audit_content import compose_audit
from lqjax.reporting.audit_figure import spread_figure, spread_in_words
from lqjax.reporting.audit_files import PAGE, write_files
from lqjax.reporting.audit_words import lines
from lqjax.reporting.audited import Audited
from lqjax.reporting.figure_files import save_figure
from lqjax.reporting.figures import Drawn
from lqjax.reporting.html_page import html_page
from lqjax.reporting.style import figure_style
from lqjax.rows import replace_bytes

FIGURES = "figures"


@dataclass(frozen=True)
class WrittenAudit:
    """Where the page is, and what is said on the screen."""

    page: epath.Path
    lines: tuple[str, ...]


def write_audit(audited: Audited, folder: epath.Path) -> WrittenAudit:
    """Write `audit.html`, the CSV files, `conditions.txt` and `figures/` into a folder."""
    drawn = _draw(audited, folder / FIGURES)
    document = compose_audit(audited, tuple(drawn))
    data = html_page(document, drawn).encode("utf-8", "replace")
    write_files(audited.findings, audited.unread, audited.drop, folder)
    replace_bytes(folder / PAGE, data)
    said = lines(audited.findings, audited.unread, audited.kept, audited.warnings)
    return WrittenAudit(folder / PAGE, tuple(said))


def _draw(audited: Audited, folder: epath.Path) -> dict[str, Drawn]:
    drawn = {}
    with figure_style():
        for found in audited.findings.flagged:
            values = values_of(audited.findings.table, found.rule.measure)
            figure = spread_figure(values, found.rule)
            if figure is not None:
                saved = save_figure(figure, folder, found.rule.flag)
                drawn[found.rule.flag] = Drawn(saved, "", spread_in_words(values, found.rule))
    return drawn
