"""Errors by corruption and severity, aligned by name: what the corruption errors are made from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

CLEAN = "clean"
"""The condition of undegraded images."""

LEVELLED = re.compile(r"(?P<corruption>[^@|]+)@(?P<severity>[^(|]+)(?P<rest>.*)")
"""A condition with a severity: imagenet_c/fog@3, imagenet_c/fog@3(quantize=0), chains."""


@dataclass(frozen=True)
class ErrorTable:
    """Errors of one model, as shares in [0, 1].

    Leading axes are free: one table holds one model's errors, or those of all its bootstrap
    resamples, and every corruption error is then computed for all of them at once.

    Attributes:
      corruptions: names along the last axis but one.
      severities: names along the last axis, mildest first ("1", "2", ...).
      errors: of the degraded images.
      clean: of the undegraded images.

    Raises:
      ValueError: names that do not fit the shapes, or errors that are no shares.
    """

    corruptions: tuple[str, ...]
    severities: tuple[str, ...]
    errors: Float[np.ndarray, "*resamples corruptions severities"]
    clean: Float[np.ndarray, "*resamples"]

    def __post_init__(self) -> None:
        shape = (*np.shape(self.clean), len(self.corruptions), len(self.severities))
        if np.shape(self.errors) != shape:
            raise ValueError(
                f"errors have shape {np.shape(self.errors)}; expected {shape}: the clean errors'"
                " shape, then corruptions, then severities"
            )
        if len(set(self.corruptions)) < len(self.corruptions):
            raise ValueError(f"a corruption stands twice in {', '.join(self.corruptions)}")
        for values in (self.errors, self.clean):
            # Written so that NaN is refused too.
            if not np.all((np.asarray(values) >= 0) & (np.asarray(values) <= 1)):
                raise ValueError(
                    "errors must be shares in [0, 1], without gaps; divide percentages by 100"
                )

    def select(self, corruptions: Sequence[str]) -> ErrorTable:
        """Take some corruptions, in the order asked for.

        Raises:
          ValueError: one that the table does not have.
        """
        missing = [name for name in corruptions if name not in self.corruptions]
        if missing:
            raise ValueError(
                f"no errors for {', '.join(missing)}; there are {', '.join(self.corruptions)}: add"
                " the missing ones to evaluation.conditions"
            )
        places = [self.corruptions.index(name) for name in corruptions]
        return ErrorTable(
            tuple(corruptions), self.severities, self.errors[..., places, :], self.clean
        )


def error_table(errors: Mapping[str, ArrayLike]) -> ErrorTable:
    """Sort errors by condition into a table.

    Args:
      errors: error by condition, "clean" among them; the others are named with a severity
        ("imagenet_c/fog@3"), each corruption with the same ones. A number each, or an array each,
        all of one shape: one entry a bootstrap resample.

    Raises:
      ValueError: no clean error, a condition without severity, or a corruption that lacks one.

    >>> table = error_table({"clean": 0.1, "x_c/fog@2": 0.4, "x_c/fog@1": 0.2})
    >>> table.corruptions, table.severities, table.errors.tolist()
    (('x_c/fog',), ('1', '2'), [[0.2, 0.4]])
    """
    if CLEAN not in errors:
        raise ValueError("no error on clean images; add clean to evaluation.conditions")
    cells = {_cell(name): value for name, value in errors.items() if name != CLEAN}
    if not cells:
        raise ValueError("clean alone has no corruption error; add for example imagenet_c/*")
    corruptions = tuple(dict.fromkeys(corruption for corruption, _ in cells))
    severities = _in_order({severity for _, severity in cells}, [s for _, s in cells])
    for corruption in corruptions:
        lacking = [s for s in severities if (corruption, s) not in cells]
        if lacking:
            raise ValueError(
                f"{corruption} lacks severity {', '.join(lacking)}, which others have; all"
                " corruptions need the same severities"
            )
    values = [[np.asarray(cells[c, s], float) for s in severities] for c in corruptions]
    stacked = np.moveaxis(np.asarray(values), (0, 1), (-2, -1))
    return ErrorTable(corruptions, severities, stacked, np.asarray(errors[CLEAN], float))


def _cell(condition: str) -> tuple[str, str]:
    found = LEVELLED.fullmatch(condition)
    if found is None:
        raise ValueError(
            f"{condition!r} has no severity of a suite, so it has no corruption error; leave it"
            " out, or name one as in imagenet_c/fog@3"
        )
    return found["corruption"] + found["rest"], found["severity"]


def _in_order(severities: set[str], given: Sequence[str]) -> tuple[str, ...]:
    """Sort numbers by value; leave names ("low", "high") in the order in which they came."""
    try:
        return tuple(sorted(severities, key=float))
    except ValueError:
        return tuple(dict.fromkeys(given))
