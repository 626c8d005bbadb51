"""Whether the quantisation tables of a JPEG file are those of the standard."""

from __future__ import annotations

import math

from lqjax.auditing.jpeg_tables import nearest_quality
from lqjax.auditing.measures.base import file_measure
from lqjax.auditing.reading import Facts


@file_measure("jpeg_standard", "1", "1 where the JPEG quality is exact, 0 where it is the nearest")
def jpeg_standard(facts: Facts) -> float:
    """Give 1 where the tables are scaled standard ones, 0 where not; NaN where it is no JPEG."""
    return float(nearest_quality(facts.tables).exact) if facts.tables else math.nan
