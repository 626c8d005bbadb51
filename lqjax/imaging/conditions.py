"""The grammar of conditions: text in, resolved steps out.

clean                                       the images as they are
jpeg(quality=40)                            an operation with its physical parameters
low_quality/motion_blur@high                a published degradation at a published level
low_quality/*   low_quality/*@high          patterns: several conditions, in table order
imagenet_c/fog@2.5                          between published levels, where there is a path
imagenet_c/fog@3(quantize=0)                without the suite's truncation to 8 bits
gaussian_noise(sigma=0.3)|median(size=3)    a chain; restorations may stand in it
cifar10_corrupted/fog@3                     pictures that were published, read from where they lie
@runs/films/audit/conditions.txt            the conditions of a file, one a line; # begins a remark
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from etils import epath

from lqjax.imaging.published import PublishedPictures, expand_published, published_set
from lqjax.imaging.steps import CLEAN, Step, expand_step
from lqjax.textlists import split_list

__all__ = ["CLEAN", "Condition", "Step", "expand", "parse", "split_list", "with_files_read"]

FILE_SIGN, REMARK = "@", "#"


@dataclass(frozen=True)
class Condition:
    """What is done to the images before a model sees them.

    Attributes:
      name: canonical text, the same in configs, rows, file names and reports.
      steps: applied from left to right; none for `clean`.
      published: pictures that take the place of the test pictures before the steps are applied;
        `None` for all but conditions of published sets.
    """

    name: str
    steps: tuple[Step, ...]
    published: PublishedPictures | None = None

    @property
    def degraded(self) -> bool:
        """Tell whether this is anything but the clean images."""
        return bool(self.steps or self.published)

    @property
    def family(self) -> str:
        """Name shared by all severities: the first part's family, the others in full."""
        first, *later = self._parts or (None,)
        return "|".join([first.family, *(part.text for part in later)]) if first else CLEAN

    @property
    def level(self) -> str:
        """Severity of the first part as written; empty for `clean`."""
        return self._parts[0].level if self._parts else ""

    @property
    def severity(self) -> float:
        """Number that orders the conditions of a family; 0 for `clean`."""
        return self._parts[0].severity if self._parts else 0.0

    @property
    def label(self) -> str:
        """Text for people: "motion blur, length 15 px"."""
        return ", then ".join(part.label for part in self._parts) or CLEAN

    @property
    def _parts(self) -> tuple[PublishedPictures | Step, ...]:
        steps = tuple(step for step in self.steps if step.text)
        return (self.published, *steps) if self.published else steps


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


def expand(texts: str | Iterable[str], *, published: bool = False) -> tuple[Condition, ...]:
    """Read conditions and patterns, in the order given; a repeated condition counts once.

    Args:
      texts: one condition or pattern each; a single string is split at its commas.
      published: conditions of published sets are possible: their pictures can be read. They are
        refused where images are degraded.

    Raises:
      ValueError: one line that names what is wrong, the nearest allowed name first.

    >>> [condition.name for condition in expand("clean, low_quality/jpeg")][:2]
    ['clean', 'low_quality/jpeg@low']
    """
    listed = split_list(texts) if isinstance(texts, str) else tuple(texts)
    if not listed:
        raise ValueError("no condition given; write clean, jpeg(quality=40) or low_quality/*")
    found: dict[str, Condition] = {}
    for text in with_files_read(listed):
        for condition in _expand_chain(" ".join(text.split())):
            if condition.published and not published:
                raise ValueError(_only_tested(condition))
            found.setdefault(condition.name, condition)
    return tuple(found.values())


def _only_tested(condition: Condition) -> str:
    return (
        f"{condition.name}: pictures of a published set are read, not made; they can be tested"
        " (evaluation.conditions) and nothing else: name a degradation, such as cifar10_c/fog@3"
    )


def with_files_read(texts: Iterable[str]) -> Iterator[str]:
    """Yield conditions and patterns, and of each `@FILE` those that its lines are.

    Raises:
      ValueError: a file that is missing, not text, without conditions or that names another one;
        one line.
    """
    for text in texts:
        if text.strip().startswith(FILE_SIGN):
            path = text.strip().removeprefix(FILE_SIGN).strip()
            if not path.isprintable():
                raise ValueError(f"{text!r}: a file's name has no control characters; name a file")
            yield from _lines_of(path)
        else:
            yield text


def _lines_of(path: str) -> tuple[str, ...]:
    place = epath.Path(path).expanduser()
    try:
        text = place.read_text()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(
            f"{FILE_SIGN}{path}: {reason}; name a file with one condition a line, such as the"
            " conditions.txt of an audit"
        ) from None
    lines = [line.partition(REMARK)[0].strip() for line in text.splitlines()]
    found = tuple(line for line in lines if line)
    if not found:
        raise ValueError(
            f"{FILE_SIGN}{path} has no condition; write one a line, or leave it out of the"
            " conditions"
        )
    nested = [line for line in found if line.startswith(FILE_SIGN)]
    if nested:
        raise ValueError(f"{FILE_SIGN}{path} names a file, {nested[0]!r}; name it beside this one")
    return found


def _expand_chain(text: str) -> Iterator[Condition]:
    if text == CLEAN:
        yield Condition(CLEAN, ())
        return
    parts = _split_chain(text)
    if CLEAN in parts:
        raise ValueError(f"{text!r}: clean stands alone; leave it out of the chain")
    if any(published_set(part) for part in parts[1:]):
        raise ValueError(f"{text!r}: pictures of a published set come first in a chain")
    read: tuple[PublishedPictures | None, ...] = (None,)
    if published_set(parts[0]):
        read, parts = tuple(expand_published(parts[0])), parts[1:]
    for pictures in read:
        for picked in itertools.product(*(expand_step(part) for part in parts)):
            yield _chain(tuple(itertools.chain.from_iterable(picked)), pictures)


def _chain(steps: tuple[Step, ...], published: PublishedPictures | None) -> Condition:
    counted = tuple(
        replace(step, occurrence=sum(s.operation.name == step.operation.name for s in before))
        for step, before in ((step, steps[:place]) for place, step in enumerate(steps))
    )
    texts = [published.text] if published else []
    texts += [step.text for step in counted if step.text]
    return Condition("|".join(texts), counted, published)


def _split_chain(text: str) -> tuple[str, ...]:
    dense = "".join(text.split())
    if not dense or "||" in f"|{dense}|":
        raise ValueError(
            f"{text!r}: an empty condition or step; write clean, jpeg(quality=40) or"
            " gaussian_noise(sigma=0.3)|median(size=3)"
        )
    return split_list(text, "|")
