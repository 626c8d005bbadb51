"""Canny, chamfer distances and equalisation in plain NumPy, for tests of spatter and its parts."""

import numpy as np
import scipy.ndimage

STEPS = {
    (0, 1): 10_000,
    (1, 0): 10_000,
    (1, 1): 14_000,
    (1, -1): 14_000,
    (1, 2): 21_969,
    (1, -2): 21_969,
    (2, 1): 21_969,
    (2, -1): 21_969,
}
"""Rows, columns, length in 1 / 10000 px of the steps that go down or right."""


def thinned(levels):
    """Size of the Sobel gradient, and whether it peaks, by the angle of the gradient."""
    levels = levels.astype(int)
    dx = scipy.ndimage.sobel(levels, axis=1, mode="nearest")
    dy = scipy.ndimage.sobel(levels, axis=0, mode="nearest")
    size = np.abs(dx) + np.abs(dy)
    angle = np.degrees(np.arctan2(np.abs(dy), np.abs(dx)))
    same_sign = np.sign(dx) * np.sign(dy) >= 0
    # By direction: the neighbour before and after, and whether the second may be equal.
    horizontal = ((0, -1), (0, 1), True, angle < 22.5)
    vertical = ((-1, 0), (1, 0), True, angle > 67.5)
    oblique = (angle >= 22.5) & (angle <= 67.5)
    falling = ((-1, -1), (1, 1), False, oblique & same_sign)
    rising = ((-1, 1), (1, -1), False, oblique & ~same_sign)
    wide = np.pad(size, 1)
    peaks = np.zeros(size.shape, bool)
    for before, after, may_be_equal, applies in (horizontal, vertical, falling, rising):
        first, second = (
            wide[1 + y : 1 + y + size.shape[0], 1 + x : 1 + x + size.shape[1]]
            for y, x in (before, after)
        )
        beats_second = size >= second if may_be_equal else size > second
        peaks |= applies & (size > first) & beats_second
    return size, peaks


def canny_edges(levels, low, high):
    """Keep the connected components of weak pixels that hold a strong one."""
    size, peaks = thinned(levels)
    components, count = scipy.ndimage.label(peaks & (size > low), np.ones((3, 3)))
    has_strong = np.zeros(count + 1, bool)
    has_strong[components[peaks & (size > high)]] = True
    has_strong[0] = False
    return has_strong[components]


def chamfer(marked, limit):
    """Pass down, then up, each pixel after its neighbours; in 1 / 10000 px."""
    height, width = marked.shape
    distance = np.where(marked, 0, limit * 10_000).astype(int)
    rows, columns = range(height), range(width)
    passes = ((rows, columns, -1), (rows[::-1], columns[::-1], 1))
    for row_order, column_order, sign in passes:
        for y in row_order:
            for x in column_order:
                for (down, right), length in STEPS.items():
                    from_y, from_x = y + sign * down, x + sign * right
                    if 0 <= from_y < height and 0 <= from_x < width:
                        distance[y, x] = min(distance[y, x], distance[from_y, from_x] + length)
    return distance


def equalized(levels):
    """Map each level to the share of darker-or-equal pixels above the darkest level."""
    counts = np.bincount(levels.ravel(), minlength=256)
    darkest = np.flatnonzero(counts)[0]
    others = levels.size - counts[darkest]
    if not others:
        return levels
    scale = np.float32(255) / np.float32(others)
    table, passed = np.zeros(256, np.uint8), 0
    for level in range(darkest + 1, 256):
        passed += counts[level]
        table[level] = np.rint(np.float32(passed) * scale)
    return table[levels]


def box(levels):
    return scipy.ndimage.correlate(levels.astype(int), np.ones((3, 3), int), mode="mirror")


def shine(levels):
    """Weight of the water before it is divided by its maximum."""
    depth = box(chamfer(canny_edges(levels, 50, 150), 20)) // 90_000
    lighting = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    spread = equalized(depth.astype(np.uint8)).astype(int)
    lit = np.clip(scipy.ndimage.correlate(spread, lighting, mode="mirror"), 0, 255)
    return levels * np.rint(box(lit) / 9)
