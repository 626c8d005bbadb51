"""All that the page of an audit is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lqjax.auditing.findings import Findings
from lqjax.reporting.audit_files import Unread
from lqjax.reporting.audit_thumbnails import Show

WARNING = "warning: "
"""How a note begins that nobody should pass over."""


@dataclass(frozen=True)
class Audited:
    """All that the page is made of.

    Attributes:
      findings: what was found.
      unread: pictures without measures.
      kept: how many pictures keep.csv keeps.
      drop: flags whose pictures it leaves out.
      show: gives the pictures.
      thumbnails: how many are shown of each flag.
      credit: source and licence of the pictures; empty when unknown.
      notes: what was done to the data before, a line each.
      meanings: what each measure is, with its unit.
      commands: what can be done now, and the command that does it.
      version: of this package and the time, for the foot.
    """

    findings: Findings
    unread: Sequence[Unread]
    kept: int
    drop: tuple[str, ...]
    show: Show
    thumbnails: int
    credit: str
    notes: tuple[str, ...]
    meanings: Mapping[str, str]
    commands: tuple[tuple[str, str], ...]
    version: str

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the notes warn of."""
        return tuple(n.removeprefix(WARNING) for n in self.notes if n.startswith(WARNING))

    @property
    def lost(self) -> list[Unread]:
        """Pictures that could not be read."""
        return [picture for picture in self.unread if picture.reason]
