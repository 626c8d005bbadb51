"""Dust and scratches, as on old film."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.blobs import blob_sum
from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.light import from_linear, to_linear
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Keys, Scalar

MAX_DUST = 16
"""Specks per `AREA`: one in 25 x 25 px."""
AREA = 10_000
"""px, a square of 100 x 100."""
MAX_SCRATCHES = 16
"""Places for scratches in an image; a power of two, so that products with it are exact."""
MAX_SIZE = 32
"""px."""
MAX_OPACITY = 0.99
"""Density, the logarithm of opacity, would be infinite at 1."""

_GRAINS = 3  # of a speck: together they are not round
_GRAIN_SIGMA = 0.25  # of the speck's diameter
_GRAIN_REACH = 0.4  # of the diameter: how far a grain lies from the middle
_MAX_SLOPE = 0.04  # px across per px down: film runs straight through its gate, or nearly so
_MAX_BOW = 0.02  # of the image's height, across
_SHORTEST = 0.15  # of the image's height; the longest is twice the height
_TAPER = 0.1  # of the length, at either end
_LEAST_WIDTH, _MOST_WIDTH = 0.5, 1.5  # of the given width
_FAINTEST = 0.4  # of the given opacity, which the strongest marks have


class Specks(NamedTuple):
    """Uniform in [0, 1), (place for a speck), except `grains`, (place, grain, 2)."""

    presence: jax.Array
    row: jax.Array
    column: jax.Array
    diameter: jax.Array
    strength: jax.Array
    tone: jax.Array
    grains: jax.Array


class Scratches(NamedTuple):
    """Uniform in [0, 1), (place for a scratch)."""

    presence: jax.Array
    row: jax.Array
    column: jax.Array
    length: jax.Array
    slope: jax.Array
    bow: jax.Array
    width: jax.Array
    strength: jax.Array
    tone: jax.Array


_SINGLES = len(Specks._fields) - 1

Draws = tuple[Specks, Scratches]
Pair = tuple[jax.Array, jax.Array]


def _unit_marks(key: Keys, shape: tuple[int, ...]) -> Draws:
    height, width, _ = shape
    places = math.ceil(MAX_DUST * height * width / AREA)
    counts = [places] * _SINGLES + [places * _GRAINS * 2] + [MAX_SCRATCHES] * len(Scratches._fields)
    parts = jnp.split(unit_uniform(key, (sum(counts),)), np.cumsum(counts)[:-1])
    grains = parts[_SINGLES].reshape(places, _GRAINS, 2)
    return Specks._make([*parts[:_SINGLES], grains]), Scratches(*parts[_SINGLES + 1 :])


@operation(
    "dust_and_scratches",
    "degradation",
    Parameter(
        "dust",
        "1",
        0,
        MAX_DUST,
        meaning=f"mean number of specks per {AREA} px",
        examples=(2, 12),
    ),
    Parameter(
        "scratches",
        "1",
        0,
        MAX_SCRATCHES,
        meaning="mean number of scratches of an image",
        examples=(1, 8),
    ),
    Parameter("size", "px", 1, MAX_SIZE, default=3, meaning="diameter of a middling speck"),
    Parameter("width", "px", 0.25, MAX_SIZE, default=1, meaning="of a middling scratch"),
    Parameter(
        "opacity",
        "1",
        0,
        MAX_OPACITY,
        default=0.9,
        identity=0,
        meaning="share of the light that the strongest marks take",
    ),
    Parameter("light", "1", 0, 1, default=0.5, meaning="share of marks that are light, not dark"),
    draw=_unit_marks,
    source="lqjax: densities of drawn specks, coverage of drawn lines, on linear light (sRGB)",
)
def dust_and_scratches(
    images: Images,
    draws: Draws,
    *,
    dust: Scalar,
    scratches: Scalar,
    size: Scalar,
    width: Scalar,
    opacity: Scalar,
    light: Scalar,
) -> Images:
    """Lay dirt over the images: specks with soft edges, thin and nearly upright lines.

    Dirt on a print takes light away: dark marks. Dirt on the negative keeps light off the print:
    light marks, where the darkness of the print is what gets less. Dark ones are applied last.
    Works on linear light, in which densities add up where dust overlaps and a pixel covered in
    part averages: code values are decoded as sRGB, and images of another encoding are only
    treated as if they were. Marks are grey; scratches in single layers of colour film are not
    modelled, nor the focus of an enlarger.

    A speck is a clump of three round grains, between half and twice as large as `size`. A
    scratch is a line along the film, that is from top to bottom, nearly straight, which thins out
    at its ends and may run out of the image. Marks take between 0.4 times `opacity` and all of
    it. There are 16 places for scratches and 16 per 10,000 px for specks, and each holds one with
    equal probability: more dust is the same dust and some more. Pixels without dirt keep their
    bits.

    Args:
      images: float32 sRGB code values in [0, 1], (batch, height, width, channel).
      draws: uniform in [0, 1), with a leading batch axis.
      dust: specks per 10,000 px.
      scratches: per image, whatever its size.
      size, width: px.
      opacity: share of the light, in the middle of a grain or a scratch.
      light: share of the marks.
    """
    specks, lines = draws
    shape = images.shape[1:3]
    # One product and a comparison: no compiler rounds these in another way.
    crowd = np.float32(specks.presence.shape[1] * AREA / (shape[0] * shape[1]))
    density = -jnp.log1p(-_strength(specks.strength, opacity))
    density = jnp.where(specks.presence * crowd < dust, density, 0)
    stop = _strength(lines.strength, opacity)
    stop = jnp.where(lines.presence * MAX_SCRATCHES < scratches, stop, 0)
    grains = _grains(specks, size, shape)
    left = []
    for densities, stops in zip(
        _by_tone(density, specks.tone, light), _by_tone(stop, lines.tone, light), strict=True
    ):
        total = blob_sum(*grains, jnp.repeat(densities, _GRAINS, axis=1), shape)
        left.append(jnp.exp(-total) * _left_by_scratches(lines, stops, width, shape))
    # Or they would be computed again for every channel.
    print_left, negative_left = (part[..., None] for part in jax.lax.optimization_barrier(left))
    dirty = (1 - (1 - to_linear(images)) * negative_left) * print_left
    return jnp.where((print_left == 1) & (negative_left == 1), images, from_linear(dirty))


def _strength(draws: jax.Array, opacity: Scalar) -> jax.Array:
    return (_FAINTEST + (1 - _FAINTEST) * draws) * opacity


def _by_tone(amount: jax.Array, tone: jax.Array, light: Scalar) -> Pair:
    """Give the amounts of the dark marks and those of the light ones, with zeros between."""
    is_light = tone < light
    return jnp.where(is_light, 0, amount), jnp.where(is_light, amount, 0)


def _grains(
    specks: Specks, size: Scalar, shape: tuple[int, ...]
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Give rows, columns and standard deviations of all grains in px, (batch, grain)."""
    diameter = (size * jnp.exp2(2 * specks.diameter - 1))[..., None]
    shifts = diameter[..., None] * _GRAIN_REACH * (2 * specks.grains - 1)
    rows = (specks.row * shape[0] - 0.5)[..., None] + shifts[..., 0]
    columns = (specks.column * shape[1] - 0.5)[..., None] + shifts[..., 1]
    sigmas = jnp.broadcast_to(diameter * _GRAIN_SIGMA, rows.shape)
    flat = (rows.shape[0], rows.shape[1] * _GRAINS)
    return rows.reshape(flat), columns.reshape(flat), sigmas.reshape(flat)


def _left_by_scratches(
    lines: Scratches, stops: jax.Array, width: Scalar, shape: tuple[int, ...]
) -> jax.Array:
    """Give the light that scratches leave, (batch, height, width)."""
    middles, windows = _courses(lines, shape)
    widths = width * (_LEAST_WIDTH + (_MOST_WIDTH - _LEAST_WIDTH) * lines.width)
    pixels = np.arange(shape[1], dtype=np.float32)[None, None]

    def lay(left: jax.Array, line: tuple[jax.Array, ...]) -> tuple[jax.Array, None]:
        middle, wide, stop = (part[..., None] for part in line)
        # How much of each pixel lies under the line.
        reach = wide / 2 + 0.5 - jnp.abs(pixels - middle)
        return left * (1 - stop * jnp.clip(reach, 0, jnp.minimum(wide, 1))), None

    parts = (middles, widths[..., None], stops[..., None] * windows)
    scratch_first = tuple(jnp.moveaxis(part, 1, 0) for part in parts)
    clean = jnp.ones((len(lines.row), *shape), jnp.float32)
    # Unrolled, all scratches take one pass over memory, which is five times as fast.
    return jax.lax.scan(lay, clean, scratch_first, unroll=True)[0]


def _courses(lines: Scratches, shape: tuple[int, ...]) -> Pair:
    """Give column in px and share of the opacity of each scratch in each row."""
    height, columns = shape
    rows = (np.arange(height, dtype=np.float32) + 0.5) / height  # shares of the height
    length = _SHORTEST * jnp.exp2(lines.length * math.log2(2 / _SHORTEST))[..., None]
    along = (rows[None, None] - lines.row[..., None]) / (length / 2)  # -1 to 1 from end to end
    slope = (2 * lines.slope - 1) * _MAX_SLOPE * height / 2
    bow = (2 * lines.bow - 1) * _MAX_BOW * height
    sideways = length * (slope[..., None] * along + bow[..., None] * (1 - jnp.square(along)))
    window = jnp.clip((1 - jnp.abs(along)) / (2 * _TAPER), 0, 1)
    return lines.column[..., None] * columns - 0.5 + sideways, window
