"""The grammar of conditions: text in, resolved steps out.

clean                                       the images as they are
jpeg(quality=40)                            an operation with its physical parameters
low_quality/motion_blur@high                a published degradation at a published level
low_quality/*   low_quality/*@high          patterns: several conditions, in table order
imagenet_c/fog@2.5                          between published levels, where there is a path
imagenet_c/fog@3(quantize=0)                without the suite's truncation to 8 bits
gaussian_noise(sigma=0.3)|median(size=3)    a chain; restorations may stand in it
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lqjax.imaging.steps import CLEAN, Step, expand_step
from lqjax.textlists import split_list

__all__ = ["CLEAN", "Condition", "Step", "expand", "parse", "split_list"]


@dataclass(frozen=True)
class Condition:
    """What is done to the images before a model sees them.

    Attributes:
      name: canonical text, the same in configs, rows, file names and reports.
      steps: applied from left to right; none for `clean`.
    """

    name: str
    steps: tuple[Step, ...]

    @property
    def family(self) -> str:
        """Name shared by all severities: the first step's family, the others in full."""
        later = [step.text for step in self.steps[1:] if step.text]
        return "|".join([step.family for step in self.steps[:1]] + later) or CLEAN

    @property
    def level(self) -> str:
        """Severity of the first step as written; empty for `clean`."""
        return self.steps[0].level if self.steps else ""

    @property
    def severity(self) -> float:
        """Number that orders the conditions of a family; 0 for `clean`."""
        return self.steps[0].severity if self.steps else 0.0

    @property
    def label(self) -> str:
        """Text for people: "motion blur, length 15 px"."""
        return ", then ".join(step.label for step in self.steps if step.text) or CLEAN


def parse(text: str) -> Condition:
    """Read exactly one condition.

    Raises:
      ValueError: one line that names what is wrong, or a pattern that stands for several.

    >>> parse("low_quality/motion_blur@high").label
    'Motion blur, length 25 px'
    """
    conditions = expand([text])
    if len(conditions) > 1:
        listing = ", ".join(condition.name for condition in conditions)
        raise ValueError(f"{text!r} stands for several conditions, choose one of: {listing}")
    return conditions[0]


def expand(texts: str | Iterable[str]) -> tuple[Condition, ...]:
    """Read conditions and patterns, in the order given; a repeated condition counts once.

    Args:
      texts: one condition or pattern each; a single string is split at its commas.

    Raises:
      ValueError: one line that names what is wrong, the nearest allowed name first.

    >>> [condition.name for condition in expand("clean, low_quality/jpeg")][:2]
    ['clean', 'low_quality/jpeg@low']
    """
    listed = split_list(texts) if isinstance(texts, str) else tuple(texts)
    if not listed:
        raise ValueError("no condition given; write clean, jpeg(quality=40) or low_quality/*")
    found: dict[str, Condition] = {}
    for text in listed:
        for condition in _expand_chain(" ".join(text.split())):
            found.setdefault(condition.name, condition)
    return tuple(found.values())


def _expand_chain(text: str) -> Iterator[Condition]:
    if text == CLEAN:
        yield Condition(CLEAN, ())
        return
    parts = _split_chain(text)
    if CLEAN in parts:
        raise ValueError(f"{text!r}: clean stands alone; leave it out of the chain")
    for picked in itertools.product(*(expand_step(part) for part in parts)):
        yield _chain(tuple(itertools.chain.from_iterable(picked)))


def _chain(steps: tuple[Step, ...]) -> Condition:
    counted = tuple(
        replace(step, occurrence=sum(s.operation.name == step.operation.name for s in before))
        for step, before in ((step, steps[:place]) for place, step in enumerate(steps))
    )
    return Condition("|".join(step.text for step in counted if step.text), counted)


def _split_chain(text: str) -> tuple[str, ...]:
    dense = "".join(text.split())
    if not dense or "||" in f"|{dense}|":
        raise ValueError(
            f"{text!r}: an empty condition or step; write clean, jpeg(quality=40) or"
            " gaussian_noise(sigma=0.3)|median(size=3)"
        )
    return split_list(text, "|")
