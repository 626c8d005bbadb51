"""In how many conditions which of two models is better, in words."""

from __future__ import annotations

from lqjax.metrics.shown import LEVEL
from lqjax.reporting.significance import Significance


def outcome(first: str, second: str, tests: Significance) -> str:
    """Say who is shown to be better where: "a is better in 9 of 12 conditions, b in 1, no ..."."""
    if tests.undecided == tests.count:
        if tests.count == 1:
            return "the one degraded condition shows no difference"
        return f"none of the {tests.count} conditions by itself shows a difference"
    ahead, behind = _places(tests)
    parts = []
    if ahead:
        parts.append(f"{first} is better in {ahead}")
    if behind:
        parts.append(f"{second} {'' if ahead else 'is better '}in {behind}")
    if tests.undecided:
        parts.append(f"no difference is shown in {tests.undecided}")
    return ", ".join(parts)


def outcome_of_first(tests: Significance) -> str:
    """Say it of the first model alone: "better in 9 of 12 conditions, worse in 1; no ..."."""
    if tests.undecided == tests.count:
        return f"no difference shown in {_any_of(tests.count)}"
    ahead, behind = _places(tests)
    text = ", ".join(
        f"{how} in {where}" for how, where in (("better", ahead), ("worse", behind)) if where
    )
    return f"{text}; no difference shown in {tests.undecided}" if tests.undecided else text


def correction(tests: Significance) -> str:
    """Name the correction, and the tests of other pairs that it is over as well."""
    over = f" over all {tests.family} tests" if tests.family > tests.count else ""
    return f"Holm's correction{over} at {LEVEL}"


def _places(tests: Significance) -> tuple[str, str]:
    """Say where the first is better and where the second, the total once; empty: nowhere."""
    ahead = _share(tests.ahead, tests.count) if tests.ahead else ""
    if not tests.behind:
        return ahead, ""
    return ahead, f"{tests.behind}" if tests.ahead else _share(tests.behind, tests.count)


def _share(count: int, total: int) -> str:
    if count < total:
        return f"{count} of {total} conditions"
    return "the one degraded condition" if total == 1 else f"all {total} conditions"


def _any_of(total: int) -> str:
    return "the one degraded condition" if total == 1 else f"any of the {total} conditions"
