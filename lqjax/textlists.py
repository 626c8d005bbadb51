"""Lists in one line of text: for the command line, the condition grammar, and in sentences."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence

OPENING = "([{"
CLOSING = ")]}"


def split_list(text: str, separator: str = ",") -> tuple[str, ...]:
    """Split at separators outside brackets; strip the parts and drop empty ones.

    Raises:
      ValueError: a bracket is not closed, or closed without being opened.

    >>> split_list("gaussian_blur(kernel_size=9,sigma=3),clean")
    ('gaussian_blur(kernel_size=9,sigma=3)', 'clean')
    """
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in OPENING) - (character in CLOSING)
        if depth < 0:
            raise ValueError(f"{text!r}: a bracket is closed that was not opened")
        if character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    if depth:
        raise ValueError(f"{text!r}: a bracket is not closed")
    parts.append(text[start:])
    return tuple(part.strip() for part in parts if part.strip())


def join_weights(weights: Mapping[str, float]) -> str:
    """Write names and their weights in one line, in the order of the names.

    Raises:
      ValueError: a name that is not a text, or a weight that is not a number greater than 0.

    >>> join_weights({"dog": 0.5, "cat": 2.0})
    'cat=2,dog=0.5'
    """
    for name, weight in weights.items():
        if not isinstance(name, str):
            raise ValueError(f"{name!r} is not a name; names are texts: write {{'{name}': 2.0}}")
        is_number = isinstance(weight, numbers.Real) and not isinstance(weight, bool)
        if not is_number or not 0 < weight < math.inf:
            raise ValueError(f"{name}={weight!r} is not possible; allowed: a number greater than 0")
    return ",".join(
        f"{name}={repr(float(weight)).removesuffix('.0')}"
        for name, weight in sorted(weights.items())
    )


def enumeration(names: Sequence[str]) -> str:
    """Join names as a sentence does: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
