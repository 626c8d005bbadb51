"""Uneven illumination: a smooth field of light over the image."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import unit_normal
from lqjax.imaging.light import from_linear, to_linear
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Keys, Scalar

_BEND = 0.5  # standard deviation of the curved terms; that of the tilts is 1
_TERMS = 5
_LEAST_RANGE = np.float32(1e-6)  # of the drawn field; flatter ones count as even


def _unit_coefficients(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    return unit_normal(key, (_TERMS,))


@operation(
    "uneven_illumination",
    "degradation",
    Parameter(
        "depth",
        "1",
        0,
        1,
        identity=0,
        meaning="relative fall of light from the brightest to the darkest point",
        examples=(0.3, 0.8),
    ),
    draw=_unit_coefficients,
    source="lqjax: a drawn polynomial of second degree times linear light (sRGB, IEC 61966-2-1)",
)
def uneven_illumination(images: Images, draws: jax.Array, *, depth: Scalar) -> Images:
    """Multiply linear light by a smooth field that is drawn per example.

    A lamp off the axis, a condenser out of alignment, a light sheet that fades. The field is a
    polynomial of second degree in the place, the form by which flat-field correction is often
    fitted: a tilt in any direction, which prevails, and some curvature. It is scaled so that the
    brightest point of the image keeps its light, and the darkest loses the share `depth`; nothing
    clips.

    Works on linear light: code values are decoded as sRGB, and images of another encoding (film
    density, a CT window) are only treated as if they were. All channels get the same field: the
    lamp keeps its colour. Light that reaches the detector without passing the specimen (a
    pedestal, stray light) is not modelled, nor does the camera raise its exposure or its noise.

    Args:
      images: float32 sRGB code values in [0, 1], (batch, height, width, channel).
      draws: unit normal, (batch, 5): how strong each term of the polynomial is.
      depth: share of the light, 0 for an even field, 1 for no light at the darkest point.
    """
    fall = _fall(draws, *images.shape[1:3])
    lit = from_linear(to_linear(images) * (1 - depth * fall[..., None]))
    return jnp.where(jnp.asarray(depth) == 0, images, lit)


def _fall(coefficients: jax.Array, height: int, width: int) -> jax.Array:
    """Give the drawn field, 0 where it is brightest and 1 where it is darkest, (batch, h, w)."""
    field = jnp.einsum(
        "bk,khw->bhw", coefficients, _terms(height, width), precision=jax.lax.Precision.HIGHEST
    )
    least = jnp.min(field, axis=(1, 2), keepdims=True)
    most = jnp.max(field, axis=(1, 2), keepdims=True)
    return (most - field) / jnp.maximum(most - least, _LEAST_RANGE)


def _terms(height: int, width: int) -> np.ndarray:
    """Tabulate the terms of the polynomial; the longer side spans -1 to 1 in both directions."""
    half = max(height, width) / 2
    down, right = np.meshgrid(
        (np.arange(height) + 0.5 - height / 2) / half,
        (np.arange(width) + 0.5 - width / 2) / half,
        indexing="ij",
    )
    bends = (right**2, down**2, right * down)
    return np.stack([right, down, *(_BEND * bend for bend in bends)]).astype(np.float32)
