"""Pictures that are sharp and free of noise, made or taken from scikit-image."""

import io
from functools import cache

import jax
import numpy as np
import pytest
import skimage.data
from PIL import Image

SIDE = 256


@cache
def leaves(seed: int, side: int = SIDE, scale: int = 3) -> np.ndarray:
    """Discs of random sizes and levels in front of each other, with smooth edges: uint8.

    Their sizes follow the power law of things in photographs (Lee, Mumford and Huang, 2001).
    """
    random = np.random.default_rng(seed)
    large = side * scale
    levels = np.full((large, large), 128.0)
    for _ in range(300):
        radius = min(scale * (3 * random.pareto(2) + 3), large / 4)
        y, x = random.uniform(0, large, 2)
        top, left = max(int(y - radius), 0), max(int(x - radius), 0)
        rows, columns = np.mgrid[top : int(y + radius) + 1, left : int(x + radius) + 1]
        part = levels[top : int(y + radius) + 1, left : int(x + radius) + 1]
        rows, columns = (
            rows[: part.shape[0], : part.shape[1]],
            columns[: part.shape[0], : part.shape[1]],
        )
        part[np.square(rows - y) + np.square(columns - x) < radius**2] = random.uniform(25, 230)
    means = levels.reshape(side, scale, side, scale).mean((1, 3))
    return np.rint(means).astype(np.uint8)


@cache
def photograph(name: str) -> np.ndarray:
    """The centre of one of scikit-image's pictures in grey: uint8, (SIDE, SIDE)."""
    picture = Image.fromarray(getattr(skimage.data, name)()).convert("L")
    left, top = (picture.width - SIDE) // 2, (picture.height - SIDE) // 2
    return np.asarray(picture.crop((left, top, left + SIDE, top + SIDE)))


def scenes() -> dict[str, np.ndarray]:
    names = "astronaut", "camera", "coffee", "coins"
    return {"leaves": leaves(0), **{name: photograph(name) for name in names}}


def levels_of(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG", quality=quality)
    return np.asarray(Image.open(written))


def extents(pictures: np.ndarray) -> np.ndarray:
    return np.tile(np.asarray(pictures.shape[1:3], np.int32), (len(pictures), 1))


def measuring(measure):
    """Make a fixture: what a measure of (pixels, extents) says of pictures of one size."""

    @pytest.fixture(scope="module")
    def measured():
        program = jax.jit(measure)

        def run(*pictures):
            stacked = np.stack(pictures)
            return np.asarray(program(stacked, extents(stacked)))

        return run

    return measured
