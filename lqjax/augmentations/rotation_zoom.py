"""Random rotation and zoom in one resampling."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.augmentations.base import AUGMENTATIONS, Augmentation
from lqjax.config import AugmentationConfig
from lqjax.typing import Images

ORDER = 15


def rotation_zoom(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Rotate by up to `rotation` degrees and scale by 1 +- `zoom` about the centre.

    Bilinear, one resampling for both; beyond the border the edge is repeated.
    """
    batch, height, width, _ = images.shape
    angle_key, zoom_key = jax.random.split(key)
    limit = jnp.deg2rad(settings.rotation)
    angles = jax.random.uniform(angle_key, (batch,), minval=-limit, maxval=limit)
    scales = 1 + jax.random.uniform(zoom_key, (batch,), minval=-settings.zoom, maxval=settings.zoom)
    rows = jnp.arange(height, dtype=jnp.float32)[:, None] - (height - 1) / 2
    columns = jnp.arange(width, dtype=jnp.float32)[None, :] - (width - 1) / 2

    def resample(image: jax.Array, angle: jax.Array, scale: jax.Array) -> jax.Array:
        cosine, sine = jnp.cos(angle) / scale, jnp.sin(angle) / scale
        y = cosine * rows - sine * columns + (height - 1) / 2
        x = sine * rows + cosine * columns + (width - 1) / 2

        def channel(plane: jax.Array) -> jax.Array:
            return jax.scipy.ndimage.map_coordinates(plane, [y, x], order=1, mode="nearest")

        return jax.vmap(channel, in_axes=-1, out_axes=-1)(image)

    return jax.vmap(resample)(images, angles, scales)


AUGMENTATIONS.add(
    "rotation_zoom", Augmentation(lambda s: s.rotation > 0 or s.zoom > 0, rotation_zoom, ORDER)
)
