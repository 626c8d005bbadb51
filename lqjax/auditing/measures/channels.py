"""Number of channels of a picture."""

from __future__ import annotations

from lqjax.auditing.measures.base import file_measure
from lqjax.auditing.reading import Facts


@file_measure("channels", "1", "1 grey, 3 colour")
def channels(facts: Facts) -> float:
    """Give 1 for grey and 3 for colour; transparency does not count."""
    return 1 if facts.grey else 3
