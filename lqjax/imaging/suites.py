"""Suites: published names and severity levels, as tables that point to operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lqjax.registry import Registry, unknown_name


@dataclass(frozen=True)
class Rest:
    """Where one parameter stands at severity 0, and how it moves between the levels.

    Attributes:
      value: parameter at severity 0, at which the operation returns its input.
      reciprocal: move evenly in 1 / parameter (photons: noise grows with 1 / photons).
    """

    value: float
    reciprocal: bool = False

    def between(self, first: float, second: float, share: float) -> float:
        """Give the parameter at `share` (0 to 1) of the way from `first` to `second`."""
        if share in (0, 1):
            return second if share else first
        if self.reciprocal:
            return 1 / ((1 - share) / first + share / second)
        return (1 - share) * first + share * second


@dataclass(frozen=True)
class Part:
    """An operation that follows the first one of an entry.

    Attributes:
      operation: as lqjax calls it.
      levels: its parameters by level.
    """

    operation: str
    levels: Mapping[str, Mapping[str, float]]


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
      path: for severities between the levels (1.5): where each parameter stands at severity 0.
        Empty where the levels do not lie on one path.
      no_path: why not, as the error message says it.
      then: what follows the operation, for degradations that are chains; such an entry has no
        path.
      ladder: for an operating envelope: a range that contains the levels, in the grammar of
        `lqjax.imaging.ladders`. Empty: severities along the path.
    """

    name: str
    operation: str
    levels: Mapping[str, Mapping[str, float]]
    label: str
    severity: str
    path: Mapping[str, Rest] = field(default_factory=dict)
    no_path: str = "its levels are names"
    then: tuple[Part, ...] = ()
    ladder: str = ""

    def at(self, severity: float) -> dict[str, float]:
        """Interpolate the parameters at a severity from 0 to the number of levels.

        Whole severities give the published parameters; 0 gives those of the identity.

        Raises:
          ValueError: the entry has no path.
        """
        if not self.path:
            raise ValueError(f"{self.name} takes whole severities only: {self.no_path}")
        table = [{name: rest.value for name, rest in self.path.items()}, *self.levels.values()]
        lower = min(int(severity), len(table) - 2)
        first, second = table[lower], table[lower + 1]
        return {
            name: rest.between(first[name], second[name], severity - lower)
            for name, rest in self.path.items()
        }


def spread(levels: Sequence[str], **values: Sequence[float]) -> Mapping[str, Mapping[str, float]]:
    """Give the parameters of each level: of each parameter one value a level, or one for all."""
    return {
        level: {name: given[place if len(given) > 1 else 0] for name, given in values.items()}
        for place, level in enumerate(levels)
    }


@dataclass(frozen=True)
class Suite:
    """A named set of degradations and severity levels.

    Attributes:
      name: as users type it before the last slash ("low_quality", "medmnist_c/pathmnist").
      levels: names of the levels, mildest first ("low", "1").
      entries: in the order in which patterns and reports list them.
      source: paper or table that publishes the numbers.
      quantize: cut the result of every degradation down to 8 bits, as the published code does.
      grey_as_colour: degrade grey images as three equal channels, each with noise of its own, and
        bring the result back to one, as the published code does.
    """

    name: str
    levels: tuple[str, ...]
    entries: tuple[SuiteEntry, ...]
    source: str
    quantize: bool = False
    grey_as_colour: bool = False

    def __post_init__(self) -> None:
        names = self.names()
        if len(set(names)) < len(names):
            raise ValueError(f"suite {self.name} has two entries of one name: {', '.join(names)}")
        for entry in self.entries:
            for levels in (entry.levels, *(part.levels for part in entry.then)):
                if tuple(levels) != self.levels:
                    raise ValueError(
                        f"suite {self.name}: {entry.name} must have the levels"
                        f" {', '.join(self.levels)}, has {', '.join(levels)}"
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
