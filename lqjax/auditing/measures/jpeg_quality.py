"""Quality at which a JPEG file was written, by its quantisation tables."""

from __future__ import annotations

import math

from lqjax.auditing.jpeg_tables import nearest_quality
from lqjax.auditing.measures.base import file_measure
from lqjax.auditing.reading import Facts


@file_measure("jpeg_quality", "1", "quality of a JPEG file as libjpeg counts, 1 to 100")
def jpeg_quality(facts: Facts) -> float:
    """Give the nearest quality, 1 to 100; NaN where the file is no JPEG."""
    return nearest_quality(facts.tables).quality if facts.tables else math.nan
