"""Aspect of a picture."""

from __future__ import annotations

from lqjax.auditing.measures.base import file_measure
from lqjax.auditing.reading import Facts


@file_measure("aspect", "1", "shorter side over longer side")
def aspect(facts: Facts) -> float:
    """Divide the shorter side by the longer one, above 0 to 1; no picture is without pixels.

    Source: cleanvision, odd_aspect_ratio.
    """
    return min(facts.width, facts.height) / max(facts.width, facts.height)
