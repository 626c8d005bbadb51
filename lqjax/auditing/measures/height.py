"""Height of a picture."""

from __future__ import annotations

from lqjax.auditing.measures.base import file_measure
from lqjax.auditing.reading import Facts


@file_measure("height", "px", "height of the upright picture")
def height(facts: Facts) -> float:
    """Give the height in px."""
    return facts.height
