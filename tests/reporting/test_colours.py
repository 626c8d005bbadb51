"""Colours that readers with each kind of colour blindness tell apart, on both grounds."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from lqjax.reporting.confusion_gap_figure import shades
from lqjax.reporting.style import DARK_FAINT, DARK_INK, DARK_PALETTE, FAINT, INK, MARKERS, PALETTE

LEAST_DISTANCE = 8.0
"""CIEDE2000 between any two models' colours, whose markers differ too; about 1 is just seen."""

FIRST_DISTANCE = 20.0
"""Between the first two, which most reports have."""

SIMULATIONS = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""On linear RGB. Source: Machado, Oliveira and Fernandes 2009, "A physiologically-based model for
simulation of color vision deficiency", severity 1.0."""


def linear(color):
    value = np.array(to_rgb(color))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def seen(color, kind):
    """Return the L*a*b* of a color as a reader of a kind sees it."""
    value = np.clip(np.asarray(SIMULATIONS[kind]) @ linear(color), 0, 1)
    encoded = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded[None, None])[0, 0]


def distance(first, second, kind):
    return float(deltaE_ciede2000(seen(first, kind), seen(second, kind)))


def contrast(first, second):
    lights = sorted(float(linear(c) @ (0.2126, 0.7152, 0.0722)) for c in (first, second))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("kind", SIMULATIONS)
@pytest.mark.parametrize("palette", [PALETTE, DARK_PALETTE], ids=["light", "dark"])
def test_models_are_told_apart_by_color(palette, kind):
    pairs = {pair: distance(*pair, kind) for pair in itertools.combinations(palette, 2)}
    assert min(pairs.values()) >= LEAST_DISTANCE, min(pairs.items(), key=lambda item: item[1])
    assert pairs[palette[0], palette[1]] >= FIRST_DISTANCE


def test_models_are_told_apart_without_color():
    assert len(set(MARKERS)) > len(PALETTE)


@pytest.mark.parametrize("kind", SIMULATIONS)
def test_more_and_less_are_told_apart_in_a_matrix_of_differences(kind):
    for leader, other in itertools.permutations(PALETTE, 2):
        ends = shades(leader, other)
        assert (
            distance(ends(1.0)[:3], leader, kind) < 1 and distance(ends(0.0)[:3], other, kind) < 1
        )
    first = shades(*PALETTE[:2])
    for share in (0.1, 0.25, 0.5, 1.0):
        pair = first(0.5 + share / 2), first(0.5 - share / 2)
        assert distance(*(end[:3] for end in pair), kind) >= LEAST_DISTANCE * min(1, 2 * share)


@pytest.mark.parametrize(
    "ground, colors, ink",
    [("#ffffff", PALETTE, (INK, FAINT)), ("#14181d", DARK_PALETTE, (DARK_INK, DARK_FAINT))],
    ids=["light", "dark"],
)
def test_lines_stand_out_from_the_ground(ground, colors, ink):
    assert contrast(ink[0], ground) >= 4.5  # WCAG 2.2, text
    assert contrast(ink[1], ground) >= 2.5
    assert min(contrast(color, ground) for color in colors) >= 2.0
    assert all(contrast(color, ground) >= 3.0 for color in colors[:2])  # WCAG 2.2, graphics
