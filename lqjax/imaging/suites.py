"""Suites: published names and severity levels, as tables that point to operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lqjax.registry import Registry, unknown_name


@dataclass(frozen=True)
class SuiteEntry:
    """One degradation of a suite.

    Attributes:
      name: as the suite calls it ("motion_blur").
      operation: as lqjax calls the definition behind it ("motion_blur_line").
      levels: physical parameters by level, mildest first; the same levels as the suite has.
      label: for people ("motion blur").
      severity: what distinguishes the levels, with unit, as a format string over the parameters
        ("length {length:g} px").
    """

    name: str
    operation: str
    levels: Mapping[str, Mapping[str, float]]
    label: str
    severity: str


@dataclass(frozen=True)
class Suite:
    """A named set of degradations and severity levels.

    Attributes:
      name: as users type it before the last slash ("low_quality", "medmnist_c/pathmnist").
      levels: names of the levels, mildest first ("low", "1").
      entries: in the order in which patterns and reports list them.
      source: paper or table that publishes the numbers.
    """

    name: str
    levels: tuple[str, ...]
    entries: tuple[SuiteEntry, ...]
    source: str

    def __post_init__(self) -> None:
        names = self.names()
        if len(set(names)) < len(names):
            raise ValueError(f"suite {self.name} has two entries of one name: {', '.join(names)}")
        for entry in self.entries:
            if tuple(entry.levels) != self.levels:
                raise ValueError(
                    f"suite {self.name}: {entry.name} must have the levels"
                    f" {', '.join(self.levels)}, has {', '.join(entry.levels)}"
                )

    def names(self) -> tuple[str, ...]:
        """List the names of the entries in table order."""
        return tuple(entry.name for entry in self.entries)

    def entry(self, name: str) -> SuiteEntry:
        """Look an entry up.

        Raises:
          ValueError: the suite has none of that name.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise unknown_name(f"degradation of the suite {self.name}", name, self.names())


SUITES: Registry[Suite] = Registry("suite", "lqjax.degradations.suites")
