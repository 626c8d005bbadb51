"""Small image files and folders for the tests."""

from pathlib import Path

import numpy as np
from PIL import Image

from lqjax.config import DataConfig
from lqjax.data.loading import load_dataset


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def save(path: Path, pixels: np.ndarray | Image.Image, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(path, **options)
    return path


def class_folders(root: Path, count: int = 10, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    for number, name in enumerate(classes):
        for index in range(count):
            save(root / name / f"{index:03}.png", noise(100 * number + index, 30, 28))
    return root


def load(source: str, path: object = "", **settings: object):
    defaults = {"image_size": 28, "workers": 2}
    return load_dataset(DataConfig(source=source, path=str(path), **{**defaults, **settings}))
