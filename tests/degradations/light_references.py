"""sRGB and counting by inversion in float64, for tests of what happens to light."""

import numpy as np
import scipy.stats


def decoded(codes):
    codes = np.float64(codes)
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)


def encoded(light):
    light = np.clip(light, 0, 1)
    curved = 1.055 * np.maximum(light, 0.001) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, curved)


def counts(tails, mean):
    """Invert the Poisson distribution function; `tails` as `lqjax.imaging.poisson` draws them."""
    tails = np.float64(tails)
    lower = scipy.stats.poisson.ppf(np.where(tails < 0, -tails, 0.5), mean)
    upper = scipy.stats.poisson.isf(np.where(tails < 0, 0.5, tails), mean)
    return np.where(tails < 0, lower, upper)


def near_a_step(tails, mean, room=1e-6):
    """Find where rounding may move a count by one."""
    tails = np.float64(tails)
    moved = [
        counts(np.sign(tails) * np.clip(np.abs(tails) + d, 1e-12, 0.5), mean) for d in (-room, room)
    ]
    return moved[0] != moved[1]
