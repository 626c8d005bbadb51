"""Width of a picture."""

from __future__ import annotations

from lqjax.auditing.measures.base import file_measure
from lqjax.auditing.reading import Facts


@file_measure("width", "px", "width of the upright picture")
def width(facts: Facts) -> float:
    """Give the width in px."""
    return facts.width
