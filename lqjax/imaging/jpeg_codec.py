"""JPEG there and back as libjpeg does it, in integers.

Entropy coding loses nothing and is left out. Colour is stored as 4:2:0, the DCT is libjpeg's
accurate integer one, chroma is upsampled with its triangle filter.

Source: libjpeg-turbo (jcparam.c, jccolor.c, jcsample.c, jfdctint.c, jcdctmgr.c, jidctint.c,
jdsample.c, jdcolor.c).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.levels import MAX_LEVEL
from lqjax.typing import Scalar

BLOCK = 8
CENTRE = 128
"""Level that stands for zero in the DCT and in chroma."""

# ITU-T T.81, Annex K, tables K.1 and K.2: rows are vertical frequencies.
LUMINANCE_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.int32,
)
CHROMINANCE_TABLE = np.full((BLOCK, BLOCK), 99, np.int32)
CHROMINANCE_TABLE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

# Rotations of the Loeffler-Ligtenberg-Moschytz DCT, 13 bits after the point (jfdctint.c).
DCT_BITS = 13
PASS_BITS = 2  # extra precision kept between the two passes
DCT_SCALE_BITS = 3  # the forward transform comes out 8 times too large
C_0_298, C_0_390, C_0_541, C_0_765 = 2446, 3196, 4433, 6270
C_0_899, C_1_175, C_1_501, C_1_847 = 7373, 9633, 12299, 15137
C_1_961, C_2_053, C_2_562, C_3_072 = 16069, 16819, 20995, 25172

# Colour weights, 16 bits after the point (jccolor.c, jdcolor.c).
COLOUR_BITS = 16
TO_YCC = np.array(  # rows Y, Cb, Cr; columns red, green, blue
    [[19595, 38470, 7471], [-11059, -21709, 32768], [32768, -27439, -5329]], np.int32
)
RED_FROM_CR, BLUE_FROM_CB = 91881, 116130
GREEN_FROM_CB, GREEN_FROM_CR = -22554, -46802
COLOUR_HALF = 1 << (COLOUR_BITS - 1)
CHROMA_OFFSET = (CENTRE << COLOUR_BITS) + COLOUR_HALF - 1
YCC_OFFSETS = np.array([COLOUR_HALF, CHROMA_OFFSET, CHROMA_OFFSET], np.int32)


def _forward_matrix() -> np.ndarray:
    """Write libjpeg's butterflies for 8 samples as a matrix with DCT_BITS after the point.

    Between two roundings they only add and multiply integers, so the product is the same.
    """
    x = np.eye(BLOCK, dtype=np.int32)
    outer, middle = x[0] + x[7] + x[3] + x[4], x[1] + x[6] + x[2] + x[5]
    t13, t12 = x[0] + x[7] - x[3] - x[4], x[1] + x[6] - x[2] - x[5]
    z1 = C_0_541 * (t12 + t13)
    f7, f5, f3, f1 = _rotate_odd(x[3] - x[4], x[2] - x[5], x[1] - x[6], x[0] - x[7])
    f0, f4 = (outer + middle) << DCT_BITS, (outer - middle) << DCT_BITS
    return np.stack([f0, f1, z1 + C_0_765 * t13, f3, f4, f5, z1 - C_1_847 * t12, f7])


def _inverse_matrix() -> np.ndarray:
    """Write the butterflies for 8 coefficients as a matrix with DCT_BITS after the point."""
    f = np.eye(BLOCK, dtype=np.int32)
    z1 = C_0_541 * (f[2] + f[6])
    t2, t3 = z1 - C_1_847 * f[6], z1 + C_0_765 * f[2]
    t0, t1 = (f[0] + f[4]) << DCT_BITS, (f[0] - f[4]) << DCT_BITS
    even = np.stack([t0 + t3, t1 + t2, t1 - t2, t0 - t3])
    odd = np.stack(_rotate_odd(f[7], f[5], f[3], f[1])[::-1])
    return np.concatenate([even + odd, (even - odd)[::-1]])


def _rotate_odd(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Mix the four odd terms; forward and inverse share it."""
    z1, z2 = -C_0_899 * (a + d), -C_2_562 * (b + c)
    z5 = C_1_175 * (a + c + b + d)
    z3, z4 = z5 - C_1_961 * (a + c), z5 - C_0_390 * (b + d)
    return (
        C_0_298 * a + z1 + z3,
        C_2_053 * b + z2 + z4,
        C_3_072 * c + z2 + z3,
        C_1_501 * d + z1 + z4,
    )


_FORWARD, _INVERSE = _forward_matrix(), _inverse_matrix()

Planes = jax.Array
"""int32, (planes, height, width)."""


def jpeg_round_trip(levels: jax.Array, quality: Scalar) -> jax.Array:
    """Compress and decompress a batch of 8-bit images.

    Args:
      levels: int32 in 0..255, (batch, height, width, 1 or 3).
      quality: int32 in 1..100, as libjpeg counts; may be traced.

    Returns:
      int32 in 0..255, of the same shape; equal to libjpeg's, bit for bit.
    """
    luminance = scaled_table(LUMINANCE_TABLE, quality)
    if levels.shape[3] == 1:
        return code_planes(levels[..., 0], luminance)[..., None]
    chrominance = scaled_table(CHROMINANCE_TABLE, quality)
    luma, *chroma = _to_ycc(levels)
    luma = code_planes(luma, luminance)
    # One after the other: stacking them along the batch would move data between devices.
    cb, cr = (_code_chroma(plane, chrominance) for plane in chroma)
    return _to_rgb(luma, cb - CENTRE, cr - CENTRE)


def _to_ycc(levels: jax.Array) -> list[Planes]:
    # As a product: XLA would otherwise compute the levels once for each plane that they go into.
    weighted = jnp.einsum("bhwc,kc->bhwk", levels, TO_YCC) + YCC_OFFSETS[None, None, None]
    return [weighted[..., number] >> COLOUR_BITS for number in range(len(TO_YCC))]


def _code_chroma(plane: Planes, table: jax.Array) -> Planes:
    height, width = plane.shape[1:]
    halved = _halve(_extend(plane, 2 * BLOCK))
    # Below the image libjpeg repeats the last chroma row; to the right, the last pixel.
    rows, columns = -(-height // 2), -(-width // 2)
    coded = code_planes(halved[:, :rows], table)[:, :, :columns]
    return _double(coded)[:, :height, :width]


def scaled_table(base: np.ndarray, quality: Scalar) -> jax.Array:
    """Scale a quantisation table to a quality in 1..100 (jcparam.c, baseline)."""
    quality = jnp.asarray(quality, jnp.int32)
    coarse = jax.lax.div(jnp.int32(5000), quality)
    scale = jnp.where(quality < 50, coarse, 200 - 2 * quality)
    return jnp.clip(jax.lax.div(base * scale + 50, jnp.int32(100)), 1, MAX_LEVEL)


def code_planes(planes: Planes, table: jax.Array) -> Planes:
    """Transform, quantise and restore planes of any size; edges are filled by repetition."""
    height, width = planes.shape[1:]
    filled = _extend(planes, BLOCK)
    coefficients = _quantise(_forward_dct(_to_blocks(filled) - CENTRE), table)
    restored = jnp.clip(_inverse_dct(coefficients) + CENTRE, 0, MAX_LEVEL)
    return _from_blocks(restored, filled.shape)[:, :height, :width]


def _extend(images: jax.Array, multiple: int) -> jax.Array:
    """Repeat the last row and column of axes 1 and 2 up to a multiple."""
    for axis in (1, 2):
        size = images.shape[axis]
        missing = -size % multiple
        if missing:
            last = jax.lax.slice_in_dim(images, size - 1, size, axis=axis)
            images = jnp.concatenate([images, jnp.repeat(last, missing, axis)], axis)
    return images


def _halve(planes: Planes) -> Planes:
    """Average 2 x 2 pixels; the rounding alternates along the row (jcsample.c)."""
    sums = planes[:, ::2, ::2] + planes[:, ::2, 1::2] + planes[:, 1::2, ::2] + planes[:, 1::2, 1::2]
    bias = 1 + np.arange(sums.shape[2], dtype=np.int32)[None, None] % 2
    return (sums + bias) >> 2


def _double(planes: Planes) -> Planes:
    """Upsample by two with libjpeg's triangle filter; rows of 1 or 2 samples are repeated."""
    if planes.shape[2] <= 2:
        return jnp.repeat(jnp.repeat(planes, 2, axis=1), 2, axis=2)
    above, below = _neighbours(planes, 1)
    tall = _interleave(3 * planes + above, 3 * planes + below, axis=1)
    left, right = _neighbours(tall, 2)
    return _interleave((3 * tall + left + 8) >> 4, (3 * tall + right + 7) >> 4, axis=2)


def _neighbours(planes: Planes, axis: int) -> tuple[Planes, Planes]:
    size = planes.shape[axis]
    first = jax.lax.slice_in_dim(planes, 0, 1, axis=axis)
    last = jax.lax.slice_in_dim(planes, size - 1, size, axis=axis)
    before = jax.lax.slice_in_dim(planes, 0, size - 1, axis=axis)
    after = jax.lax.slice_in_dim(planes, 1, size, axis=axis)
    return jnp.concatenate([first, before], axis), jnp.concatenate([after, last], axis)


def _interleave(even: Planes, odd: Planes, axis: int) -> Planes:
    shape = list(even.shape)
    shape[axis] *= 2
    return jnp.stack([even, odd], axis=axis + 1).reshape(shape)


def _to_rgb(luma: Planes, cb: Planes, cr: Planes) -> jax.Array:
    red = luma + ((RED_FROM_CR * cr + COLOUR_HALF) >> COLOUR_BITS)
    green = luma + ((GREEN_FROM_CB * cb + GREEN_FROM_CR * cr + COLOUR_HALF) >> COLOUR_BITS)
    blue = luma + ((BLUE_FROM_CB * cb + COLOUR_HALF) >> COLOUR_BITS)
    return jnp.clip(jnp.stack([red, green, blue], axis=-1), 0, MAX_LEVEL)


def _to_blocks(planes: Planes) -> jax.Array:
    """Bring planes to (row in block, column in block, block row, block column)."""
    blocks = planes.reshape(-1, BLOCK, planes.shape[2] // BLOCK, BLOCK)
    return blocks.transpose(1, 3, 0, 2)


def _from_blocks(blocks: jax.Array, shape: tuple[int, ...]) -> Planes:
    return blocks.transpose(2, 0, 3, 1).reshape(shape)


def _quantise(coefficients: jax.Array, table: jax.Array) -> jax.Array:
    """Round to multiples of the table, halves away from zero, and undo the scale."""
    divisor = (table << DCT_SCALE_BITS)[:, :, None, None]
    dividend = jnp.abs(coefficients) + (divisor >> 1)
    # In floats, with the remainder put right: vector units cannot divide integers. Dividends are
    # below 2^17, so that the quotient is off by one at most, however a device divides.
    quotient = (dividend.astype(jnp.float32) / divisor.astype(jnp.float32)).astype(jnp.int32)
    remainder = dividend - quotient * divisor
    quotient += (remainder >= divisor).astype(jnp.int32) - (remainder < 0).astype(jnp.int32)
    return jnp.sign(coefficients) * quotient * table[:, :, None, None]


def _forward_dct(blocks: jax.Array) -> jax.Array:
    """Transform rows, then columns, 8 times too large (jfdctint.c)."""
    rows = _shift(_times(_FORWARD, blocks, 1), DCT_BITS - PASS_BITS)
    return _shift(_times(_FORWARD, rows, 0), DCT_BITS + PASS_BITS)


def _inverse_dct(coefficients: jax.Array) -> jax.Array:
    """Transform columns, then rows (jidctint.c)."""
    columns = _shift(_times(_INVERSE, coefficients, 0), DCT_BITS - PASS_BITS)
    return _shift(_times(_INVERSE, columns, 1), DCT_BITS + PASS_BITS + DCT_SCALE_BITS)


def _times(matrix: np.ndarray, blocks: jax.Array, axis: int) -> jax.Array:
    product = "kj,jcyx->kcyx" if axis == 0 else "kj,rjyx->rkyx"
    return jnp.einsum(product, matrix, blocks, precision=jax.lax.Precision.HIGHEST)


def _shift(values: jax.Array, bits: int) -> jax.Array:
    """Divide by a power of two, rounded to the nearest."""
    return (values + (1 << (bits - 1))) >> bits
