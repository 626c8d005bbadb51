"""What a checkpoint says about itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from etils import epath

from lqjax.rows import Epoch
from lqjax.training.damage import check_seal

FORMAT = 2
"""Version of the layout; counted up when an earlier lqjax could not read it any more."""


class EarlierFormatError(ValueError):
    """An earlier version of lqjax wrote the checkpoint, in a form that is not read any more."""


class LaterFormatError(ValueError):
    """A later version of lqjax wrote the checkpoint."""


@dataclass(frozen=True)
class Record:
    """What a checkpoint says about itself.

    Attributes:
      step: steps made.
      history: one record per finished epoch.
      seconds: time spent in the epoch that was not finished.
      config: the settings, as plain nested dicts.
      machine: what it ran on; results on another differ in the last digits.
      resolved: what those came to that were left open, from `lqjax.training.resolved`; empty in
        records of earlier versions.
      checksums: of the items, as `lqjax.training.damage.checksum` computes them.
      structures: of the items, as `lqjax.training.fitting.structure_checksum` computes them.
      format: version of the layout.
    """

    step: int
    history: tuple[Epoch, ...]
    seconds: float = 0.0
    config: Mapping[str, Any] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    resolved: Mapping[str, Any] = field(default_factory=dict)
    checksums: Mapping[str, int] = field(default_factory=dict)
    structures: Mapping[str, int] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def from_json(cls, values: Mapping[str, Any], folder: epath.Path) -> Record:
        """Read the plain dicts of a record.

        Raises:
          UnreadableError: it is damaged.
          EarlierFormatError, LaterFormatError: written by another version.
        """
        if not isinstance(values, Mapping):  # format 1 had a list of epochs here
            raise EarlierFormatError(
                f"{folder} was written by an earlier lqjax, whose checkpoints this one does not"
                " read: name another --workdir and train anew, or use the lqjax of its"
                " environment.json"
            )
        check_seal(values, folder)
        if values["format"] > FORMAT:
            raise LaterFormatError(
                f"{folder} has checkpoint format {values['format']}, and this lqjax reads up to"
                f" {FORMAT}: it was written by a later version; update lqjax"
            )
        history = tuple(Epoch(**epoch) for epoch in values["history"])
        known = {f.name: values[f.name] for f in dataclasses.fields(cls) if f.name in values}
        return cls(**{**known, "history": history})
