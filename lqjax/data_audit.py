"""What users import to look at their data before they train on it: `audit`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from etils import epath
from PIL import Image

from lqjax.claiming import claimed, prepared
from lqjax.config import Config, DataConfig
from lqjax.data.source import SOURCES, Catalogue
from lqjax.distributed import several_processes
from lqjax.progress import Progress
from lqjax.workdir import Workdir

if TYPE_CHECKING:
    from lqjax.auditing.findings import Findings
    from lqjax.auditing.table import AuditTable
    from lqjax.reporting.audit_files import Unread

FOLDER = "audit"


@dataclass(frozen=True)
class AuditResult:
    """What an audit found and where it is written.

    Attributes:
      page: audit.html.
      folder: has it, and keep.csv, audit.csv, issues.csv, duplicates.csv, classes.csv and
        conditions.txt.
      findings: all that was found, with the measures of every picture in `findings.table`.
      lines: what was found, a sentence each.
      kept: how many pictures keep.csv keeps.
    """

    page: epath.Path
    folder: epath.Path
    findings: Findings
    lines: tuple[str, ...]
    kept: int


def audit(
    config: Config | None = None,
    *,
    workdir: epath.PathLike = "",
    progress: Progress | None = None,
    **settings: Any,
) -> AuditResult:
    """Look at the pictures of a data set before any training, and write down what is wrong.

    Args:
      config: the settings; the defaults of `Config` if left out.
      workdir: gets a folder `audit`; a new temporary one if empty. Results in it are not touched.
      progress: where to show progress; silent if left out.
      settings: single settings by keyword, such as `source="folder", path="films"`.

    Raises:
      ValueError: impossible settings or data, no picture that can be read, or several processes.

    Example:
      found = lqjax.audit(source="folder", path="films")
      print(*found.lines, sep="\\n")
      lqjax.compare(source="folder", path="films", keep=str(found.folder / "keep.csv"))
    """
    if several_processes():
        raise ValueError(
            "an audit is done by one process; start it by itself, without --processes or srun"
        )
    chosen, place, lines = prepared(config, workdir, settings)
    progress = progress or Progress()
    for line in lines:
        progress.say(line)
    with claimed(place):
        return _audit(chosen, place, progress)


def _audit(config: Config, place: Workdir, progress: Progress) -> AuditResult:
    # Here, since `import lqjax` and other modes need none of it.
    from lqjax.audit_commands import audit_commands
    from lqjax.auditing.findings import find
    from lqjax.auditing.measuring import measure
    from lqjax.data.choosing import splits_to_look_at
    from lqjax.reporting.audit_page import write_audit
    from lqjax.reporting.audited import Audited

    settings = dataclasses.replace(config.data, on_bad_image="skip")  # they are listed
    found = SOURCES[settings.source](settings)
    found = dataclasses.replace(found, name=config.data.name or found.name)
    catalogue = splits_to_look_at(found, settings)
    table = measure(catalogue, settings)
    if not len(table):
        reason = f", the first: {': '.join(table.skipped[0])}" if table.skipped else ""
        raise ValueError(f"{found.name}: no picture can be read{reason}")
    progress.say("comparing the pictures")
    findings = find(table, config.audit, config.data.image_size, config.data.channels)
    unread = (*_unread(found, catalogue, table), *_left_out(found, catalogue, settings))
    dropped = findings.dropped(config.audit.drop)
    skipped = sum(not picture.reason for picture in unread)
    folder = place.root / FOLDER
    kept = int((~dropped).sum()) + skipped
    audited = Audited(
        findings,
        unread,
        kept,
        config.audit.drop,
        _Shown(catalogue, table, config.evaluation.show_images),
        config.audit.thumbnails,
        catalogue.credit,
        catalogue.notes,
        _meanings(),
        tuple(
            audit_commands(
                config,
                folder,
                conditions=findings.likenesses.conditions,
                damaged=any(picture.reason for picture in unread),
                # With a limit, training fills up with pictures that nobody has looked at.
                absent=bool(found.skipped) or skipped > 0,
            )
        ),
        _version(),
    )
    written = write_audit(audited, folder)
    return AuditResult(written.page, folder, findings, written.lines, kept)


def _unread(found: Catalogue, catalogue: Catalogue, table: AuditTable) -> Iterator[Unread]:
    """Yield the pictures that have no measures: damaged ones, and those that a limit left out."""
    from lqjax.reporting.audit_files import Unread

    reasons, measured = dict(table.skipped), set(table.ids.tolist())
    looked_at: set[str] = set()
    for part, listing in catalogue.splits.items():
        looked_at.update(map(str, listing.ids))
        for row, example in enumerate(map(str, listing.ids)):
            if example not in measured:
                name = str(listing.names[row])
                reason = reasons.get(name, "it cannot be read")
                class_name = catalogue.class_names[listing.labels[row]]
                yield Unread(example, name, part, class_name, reason)
    for part, listing in found.splits.items():
        for row, example in enumerate(map(str, listing.ids)):
            if example not in looked_at:
                class_name = found.class_names[listing.labels[row]]
                yield Unread(example, str(listing.names[row]), part, class_name, "")


def _left_out(found: Catalogue, catalogue: Catalogue, settings: DataConfig) -> Iterator[Unread]:
    """Yield the pictures that the source itself left out."""
    from lqjax.reporting.audit_files import Unread

    reasons = dict(found.skipped)
    # Where splits were made here, nobody can say in which of them the picture would be.
    made = settings.folds or settings.manifest
    divided = {"train"} if set(catalogue.splits) - set(found.splits) else set()
    for part, listing in found.absent.items():
        split = "" if made or part in divided else part
        for row, example in enumerate(map(str, listing.ids)):
            name, class_name = str(listing.names[row]), found.class_names[listing.labels[row]]
            yield Unread(example, name, split, class_name, reasons.pop(name))
    for name, reason in reasons.items():
        yield Unread("", name, "", "", reason)


class _Shown:
    """Gives the pictures of the rows of a table, where they may be shown."""

    def __init__(self, catalogue: Catalogue, table: AuditTable, allowed: bool) -> None:
        self._catalogue, self._table, self._allowed = catalogue, table, allowed
        self._rows = {
            part: {str(example): row for row, example in enumerate(listing.ids)}
            for part, listing in catalogue.splits.items()
        }

    def __call__(self, row: int) -> Image.Image | None:
        if not self._allowed:
            return None
        from lqjax.auditing.reading import whole_picture

        part = str(self._table.splits[row])
        place = self._rows[part][str(self._table.ids[row])]
        try:
            return whole_picture(self._catalogue.splits[part], place)
        except Exception:  # it could be read before; a page without it is better than none
            return None


def _meanings() -> dict[str, str]:
    from lqjax.auditing.measures.base import MEASURES
    from lqjax.reporting.audit_values import name_of

    return {
        name_of(name): MEASURES[name].meaning
        + (f" ({MEASURES[name].unit})" if MEASURES[name].unit not in ("", "1") else "")
        for name in MEASURES
    }


def _version() -> str:
    from lqjax import __version__

    return f"lqjax {__version__}, {datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"
