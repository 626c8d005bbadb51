"""Which examples are drawn together: single images, or all of one patient, slide or scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

LEAST_UNITS = 2


@dataclass(frozen=True)
class Grouping:
    """The units of resampling.

    Attributes:
      unit: of each example, the number of the unit that it belongs to.
      sizes: how many examples each unit has.
    """

    unit: Int[np.ndarray, " examples"]
    sizes: Int[np.ndarray, " units"]

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.sizes)

    def sums(self, values: Num[np.ndarray, "examples ..."]) -> Num[np.ndarray, "units ..."]:
        """Add up the values of each unit; whole numbers stay whole numbers.

        Raises:
          ValueError: another number of examples, or values that are not finite.
        """
        values = np.asarray(values)
        if values.ndim < 1 or len(values) != len(self.unit):
            raise ValueError(
                f"values of shape {values.shape} do not fit {len(self.unit)} examples; expected"
                " one value, or one row of values, for each example"
            )
        if not np.isfinite(values).all():
            rows = np.isfinite(values).reshape(len(values), -1).all(axis=1)
            raise ValueError(
                f"a value of example {int(np.argmin(rows))} is not finite; leave out the cells"
                " that were not evaluated"
            )
        values = values.astype(np.int64 if values.dtype.kind in "bui" else np.float64)
        starts = np.cumsum(self.sizes) - self.sizes
        return np.add.reduceat(values[np.argsort(self.unit, kind="stable")], starts, axis=0)

    def means(self, sums: Num[np.ndarray, "units ..."]) -> Float[np.ndarray, " ..."]:
        """Return the means over all examples, from the sums of the units."""
        return sums.sum(axis=0) / self.sizes.sum()


def grouping(examples: int, groups: Sequence | np.ndarray | None = None) -> Grouping:
    """Make each group a unit, or, without groups, each example.

    Args:
      examples: how many there are.
      groups: the group id of each example, of any kind that sorts: patients, slides, scenes.

    Raises:
      ValueError: another number of ids than examples, or fewer than two units.
    """
    if groups is None:
        if examples < LEAST_UNITS:
            raise ValueError(
                f"{examples} examples cannot be resampled; allowed: {LEAST_UNITS} or more"
            )
        return Grouping(np.arange(examples), np.ones(examples, np.int64))
    ids, unit, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    if len(unit) != examples:
        raise ValueError(f"{len(unit)} group ids for {examples} examples; expected one each")
    if len(ids) < LEAST_UNITS:
        raise ValueError(
            f"all {examples} examples belong to the group {str(ids[0]) if len(ids) else ''!r}; one"
            " group shows no variation between groups: add groups, or resample images"
            " by leaving `groups` out"
        )
    return Grouping(unit.reshape(-1), sizes)
