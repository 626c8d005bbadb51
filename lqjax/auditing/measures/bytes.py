"""Size of the file or record that holds a picture."""

from __future__ import annotations

import math

from lqjax.auditing.measures.base import file_measure
from lqjax.auditing.reading import Facts


@file_measure("bytes", "byte", "size of the file or record")
def size_in_bytes(facts: Facts) -> float:
    """Give the size in bytes; NaN where the source has no bytes for a picture."""
    return facts.size or math.nan
