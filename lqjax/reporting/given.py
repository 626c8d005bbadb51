"""What a report was asked to be made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Given:
    """Paths as the user wrote them, so that the command that is printed finds them again.

    Attributes:
      workdirs: working directories; the report goes into the first.
      predictions: files of predictions of other code.
    """

    workdirs: tuple[str, ...] = ()
    predictions: tuple[str, ...] = ()
