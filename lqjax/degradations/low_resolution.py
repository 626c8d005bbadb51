"""A picture of few pixels, enlarged again."""

from __future__ import annotations

import jax.numpy as jnp

from lqjax.imaging.kernels import separable_product
from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.resampling import KERNELS, area_matrix, enlarging_matrix, proportional
from lqjax.typing import Images, Scalar

LEAST_SIDE = 8
MOST_SIDE = 512


@operation(
    "low_resolution",
    "degradation",
    Parameter(
        "side",
        "px",
        LEAST_SIDE,
        MOST_SIDE,
        integer=True,
        meaning="shorter side of the small image; nothing happens from the image's own on",
        examples=(8, 12, 16, 20),
    ),
    Parameter(
        "upsampling",
        "1",
        0,
        len(KERNELS) - 1,
        default=KERNELS.index("bicubic"),
        choices=KERNELS,
        meaning="how it is enlarged again",
        examples=(0, 1, 2, 3),
    ),
    source="OpenCV resize with INTER_AREA, then Pillow resize, in floating point",
)
def low_resolution(images: Images, draws: None, *, side: Scalar, upsampling: Scalar) -> Images:
    """Shrink by averaging over areas, enlarge to the old size, clip.

    Works on code values, as image software resizes. Averaging over areas is what larger pixels of
    a sensor with full fill factor do, except that they average light: across strong edges the
    result is up to 0.29 of white darker than theirs. The optics are not modelled: a lens that
    resolves less is a blur. Nor is the small image rounded to 8 bits, and it carries no noise.

    The longer side of the small image is in proportion, rounded, halves up. Bicubic (a = -0.5) and
    Lanczos (3 lobes) overshoot at edges, hence the clipping.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      side: shorter side of the small image, px; from the shorter side of the images on, they come
        back bit for bit.
      upsampling: number of a kernel: nearest, bilinear, bicubic, lanczos.
    """
    height, width = images.shape[1:3]
    shorter = min(height, width)
    kept = jnp.minimum(jnp.asarray(side, jnp.int32), shorter)

    def there_and_back(size: int) -> jnp.ndarray:
        count = proportional(kept, size, shorter)
        enlarge = enlarging_matrix(count, size, upsampling)
        return jnp.matmul(enlarge, area_matrix(count, size), precision="highest")

    rows = there_and_back(height)
    columns = rows if width == height else there_and_back(width)
    resized = jnp.clip(separable_product(rows, columns, images), 0, 1)
    return jnp.where(jnp.asarray(side) >= shorter, images, resized)
