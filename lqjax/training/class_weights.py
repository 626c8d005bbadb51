"""How much each class counts in the training loss."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from lqjax.registry import nearest_first

EVEN, BY_RARITY = "none", "auto"
LISTED_NAMES = 5
"""Names that an error message offers; data sets may have thousands."""


def class_weights(text: str, class_names: Sequence[str], class_counts: np.ndarray) -> np.ndarray:
    """Compute the weight of every class, (classes,), float64.

    `none`: all 1. `auto`: examples / (classes * examples of the class), so that every class
    weighs the same and the mean over the training examples is 1; a class without examples
    is left out of the count and gets 1. Otherwise a mapping, as `parse_class_weights` reads it.

    Args:
      class_counts: training examples of each class, (classes,).

    Raises:
      ValueError: as `parse_class_weights`.

    Source: King and Zeng, "Logistic regression in rare events data", 2001, as in scikit-learn's
    `class_weight="balanced"`.
    """
    if text == EVEN:
        return np.ones(len(class_names))
    if text != BY_RARITY:
        given = parse_class_weights(text, class_names)
        return np.array([given.get(name, 1.0) for name in class_names])
    counts = np.asarray(class_counts, np.float64)
    there = counts > 0
    balanced = counts.sum() / (there.sum() * np.where(there, counts, 1.0))
    return np.where(there, balanced, 1.0)


def parse_class_weights(text: str, class_names: Sequence[str]) -> dict[str, float]:
    """Read `cat=2,dog=0.5`; a name may hold commas, equals signs and brackets.

    Raises:
      ValueError: a class that the data does not have, one that stands twice, or a weight that is
        not a number greater than 0.

    >>> parse_class_weights("cat=2, dog=0.5", ("bird", "cat", "dog"))
    {'cat': 2.0, 'dog': 0.5}
    """
    # The names are known, so they are looked for as they are. No number holds a comma or an equals
    # sign, so that at most one name fits.
    names = "|".join(map(re.escape, class_names))
    entry = re.compile(rf"\s*({names})\s*=\s*([^,=]*?)\s*(?:,|$)")
    weights: dict[str, float] = {}
    position = 0
    while position < len(text):
        found = entry.match(text, position)
        if found is None:
            raise _unreadable(text[position:], class_names)
        name, number = found.groups()
        if name in weights:
            raise ValueError(f"training.class_weights={text}: {name!r} stands twice; name it once")
        weights[name] = _positive(name, number)
        position = found.end()
    if not weights:
        raise ValueError("training.class_weights is empty; allowed: none, auto, or cat=2,dog=0.5")
    return weights


def _positive(name: str, number: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise ValueError(
            f"training.class_weights: {name}={number} is not possible; allowed: a number greater"
            " than 0"
        )
    return weight


def _unreadable(rest: str, class_names: Sequence[str]) -> ValueError:
    part = rest.partition(",")[0].strip()
    name, equals, _ = part.rpartition("=")
    if not equals:
        return ValueError(
            f"training.class_weights: {part!r} gives no weight; allowed: none, auto, or pairs with"
            " commas between them, such as cat=2,dog=0.5"
        )
    nearest = nearest_first(name.strip(), tuple(class_names))
    listing = ", ".join(nearest[:LISTED_NAMES])
    more = f" and {len(nearest) - LISTED_NAMES} more" if len(nearest) > LISTED_NAMES else ""
    return ValueError(
        f"training.class_weights names an unknown class {name.strip()!r}; allowed: {listing}{more}"
    )
