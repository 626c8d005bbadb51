"""All that is concluded from the measures of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from lqjax.auditing.balance import Balance, class_balance
from lqjax.auditing.degradations_like import Likenesses, degradations_like
from lqjax.auditing.duplicates import (
    EXACT,
    NEAR,
    DuplicateGroup,
    conflicting,
    find_duplicates,
    surplus,
)
from lqjax.auditing.families import ALL, FAMILIES
from lqjax.auditing.flags import Flagged, flag_names, flagged_by, mask, rules
from lqjax.auditing.group_differences import Difference, differences
from lqjax.auditing.predictability import Predictability, predictability
from lqjax.auditing.table import TEST, TRAIN, AuditTable
from lqjax.config import AUDIT_FLAGS, AuditConfig


@dataclass(frozen=True)
class Compared:
    """The measures compared between groups of pictures.

    Attributes:
      names: of the groups.
      counts: pictures of each.
      differences: of single measures, the largest first.
      predicted: how well families of measures, and all of them, tell the group; only those
        families that could be tried.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    differences: tuple[Difference, ...]
    predicted: Mapping[str, Predictability]


@dataclass(frozen=True)
class Findings:
    """What an audit found.

    Attributes:
      table: the measured pictures.
      flagged: what single measures say, in the order of `AUDIT_FLAGS`.
      groups: duplicates, the worst first.
      rows: of every flag, the rows that it holds of.
      names: flags of every picture.
      balance: pictures by class and split.
      classes: the classes of the training pictures compared; without superfluous duplicates.
      splits: training compared with test; `None` where one of them is missing, as with folds.
      likenesses: degradations like those of these pictures.
    """

    table: AuditTable
    flagged: tuple[Flagged, ...]
    groups: tuple[DuplicateGroup, ...]
    rows: Mapping[str, np.ndarray]
    names: tuple[tuple[str, ...], ...]
    balance: Balance
    classes: Compared
    splits: Compared | None
    likenesses: Likenesses

    @property
    def issues(self) -> int:
        """Number of pictures with a flag."""
        return sum(map(bool, self.names))

    def groups_of(self, kind: str) -> tuple[DuplicateGroup, ...]:
        """Return the duplicates of a kind."""
        return tuple(group for group in self.groups if group.kind == kind)

    def dropped(self, flags: tuple[str, ...]) -> Bool[np.ndarray, " pictures"]:
        """Tell which pictures have one of the flags; of duplicates one stays."""
        chosen = np.zeros(len(self.table), bool)
        for flag in flags:
            chosen |= mask(len(self.table), self.rows[flag])
        return chosen


def find(table: AuditTable, settings: AuditConfig, image_size: int, channels: int = 0) -> Findings:
    """Conclude from the measures what is wrong with the pictures.

    Args:
      table: measured pictures.
      settings: thresholds.
      image_size, channels: of the network's input; side in px, and 0 as the pictures have them.
    """
    flagged = tuple(flagged_by(rule, table) for rule in rules(table, settings))
    groups = find_duplicates(table, settings.hash_distance)
    rows = {found.rule.flag: found.rows for found in flagged} | {
        "exact_duplicate": surplus(groups, EXACT),
        "label_conflict": conflicting(groups),
        "near_duplicate": surplus(groups, NEAR),
    }
    rows = {flag: rows[flag] for flag in AUDIT_FLAGS}
    count = len(table)
    single = ~mask(count, rows["exact_duplicate"])
    trained = single & table.trained
    classes = compare(table, table.labels, table.class_names, trained)
    tested = single & (table.splits == TEST)
    splits = None
    if trained.any() and tested.any():
        splits = compare(table, tested.astype(np.int64), (TRAIN, TEST), trained | tested)
    return Findings(
        table,
        flagged,
        groups,
        rows,
        tuple(flag_names(count, list(rows.items()))),
        class_balance(table),
        classes,
        splits,
        degradations_like(table, image_size, channels),
    )


def compare(
    table: AuditTable,
    groups: Int[np.ndarray, " pictures"],
    names: tuple[str, ...],
    chosen: Bool[np.ndarray, " pictures"],
) -> Compared:
    """Compare all measures between groups of the chosen pictures."""
    measures = {name: values[chosen] for name, values in table.measures.items()}
    numbers = groups[chosen]
    families = {**FAMILIES, ALL: tuple(measures)}
    predicted = {}
    for family, members in families.items():
        own = {name: measures[name] for name in members if name in measures}
        found = predictability(own, numbers)
        if found is not None:
            predicted[family] = found
    return Compared(
        names,
        tuple(np.bincount(numbers, minlength=len(names)).tolist()),
        differences(measures, numbers, len(names)),
        predicted,
    )
