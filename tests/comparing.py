"""How a float32 result is compared with a published one that was truncated to 8 bits."""

import numpy as np

FLOAT_TOLERANCE = 1e-4
"""Largest difference before quantisation, images in [0, 1]."""
NEAR_AN_INTEGER = 0.02
"""Levels; nearer to an integer, rounding noise decides which way truncation falls."""


def assert_equals_published(found, unquantised, published=None):
    """Compare a result with the float64 reference, then, truncated, with the published levels.

    Args:
      found: float32 in [0, 1], what the operation gave.
      unquantised: float64 in [0, 1], the reference before truncation.
      published: uint8, the stored output of the original code; by default the reference
        truncated.
    """
    from lqjax.imaging.levels import truncate

    np.testing.assert_allclose(found, unquantised, rtol=0, atol=FLOAT_TOLERANCE)
    levels = np.rint(np.asarray(truncate(found)) * 255).astype(int)
    if published is None:
        published = (unquantised * 255).astype(np.uint8)
    difference = np.abs(levels - published.astype(int))
    assert difference.max() <= 1, f"{difference.max()} levels apart"
    exact = np.asarray(unquantised) * 255
    clear = np.abs(exact - np.rint(exact)) > NEAR_AN_INTEGER
    assert not difference[clear].any(), f"{(difference[clear] > 0).sum()} clear values differ"
