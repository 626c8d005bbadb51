"""Names of a network that is trained with several learning rates: resnet18@0.003."""

from __future__ import annotations

import re
from collections.abc import Sequence

SIGN = "@"

NAME = re.compile(
    r"(?P<network>[^@]+)@(?P<rate>\d+(\.\d+)?(e[+-]?\d+)?)(?P<title> \(.*\))?", re.DOTALL
)
"""A network, its learning rate, and where working directories are told apart, that of one. Models
of other code may have the sign in their names too."""


def variant(network: str, learning_rate: float) -> str:
    """Name a network by the learning rate it is trained with.

    >>> variant("resnet18", 0.003)
    'resnet18@0.003'
    """
    short = f"{learning_rate:g}"
    return f"{network}{SIGN}{short if float(short) == learning_rate else repr(learning_rate)}"


def is_one_of_several(name: str, learning_rates: Sequence[float]) -> bool:
    """Tell whether a name is there to find out which of several learning rates will do.

    >>> is_one_of_several("resnet18@0.003", (0.003, 0.001)), is_one_of_several("resnet18", ())
    (True, False)
    """
    return len(learning_rates) > 1 and rate_of(name) is not None


def network_of(name: str) -> str:
    """Return the network of a name with or without a learning rate.

    >>> network_of("resnet18@0.003"), network_of("resnet18")
    ('resnet18', 'resnet18')
    """
    found = NAME.fullmatch(name)
    return found["network"] if found else name


def rate_of(name: str) -> float | None:
    """Return the learning rate in a name; `None` for one without.

    >>> rate_of("resnet18@0.003")
    0.003
    """
    found = NAME.fullmatch(name)
    return float(found["rate"]) if found else None
