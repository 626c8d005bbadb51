"""A few test images under every condition, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from lqjax.data.published import ReadPublished
from lqjax.evaluation.predict import as_floats
from lqjax.imaging.apply import apply_condition
from lqjax.imaging.conditions import Condition
from lqjax.imaging.damage import measure
from lqjax.imaging.keys import example_numbers
from lqjax.imaging.levels import to_levels
from lqjax.typing import Dataset, Images, Split

EXAMPLES = 5


def make_gallery(
    dataset: Dataset,
    conditions: Sequence[Condition],
    seed: int,
    published: ReadPublished | None = None,
) -> dict[str, np.ndarray]:
    """Degrade a few test images: the first of every class in turn, then the second, and so on.

    Args:
      published: reads the pictures of conditions that are of a published set.

    Returns:
      `images` uint8 (conditions, examples, height, width, channel), `conditions`, `labels`
      (for people, one per condition) and `captions` (the class, one per example); `psnr` (dB) and
      `ssim` against the clean image, (conditions, examples): infinite PSNR where nothing was
      changed, NaN for the SSIM of images that are smaller than its window.
    """
    split = dataset.test
    chosen = split.take(_one_class_after_another(split.labels)[:EXAMPLES])
    numbers = jnp.asarray(example_numbers(chosen.ids))
    clean = as_floats(jnp.asarray(chosen.images), numbers)
    shown = [degraded(chosen, condition, seed, published) for condition in conditions]
    images = [np.asarray(to_levels(image)).astype(np.uint8) for image in shown]
    measured = [_measured(image, clean) for image in shown]
    return {
        "images": np.stack(images),
        "psnr": np.stack([psnr for psnr, _ in measured]),
        "ssim": np.stack([ssim for _, ssim in measured]),
        "conditions": np.array([c.name for c in conditions], dtype=str),
        "labels": np.array([c.label for c in conditions], dtype=str),
        "captions": np.array([dataset.class_names[i] for i in chosen.labels], dtype=str),
    }


def degraded(
    chosen: Split, condition: Condition, seed: int, published: ReadPublished | None
) -> Images:
    """Give a few images under a condition, as the networks are shown them.

    Raises:
      ValueError: pictures of a published set that cannot be read.
    """
    if condition.published is not None:
        if published is None:
            raise ValueError(f"{condition.name}: there is nothing here to read its pictures with")
        chosen = published(condition.published, chosen)
    numbers = jnp.asarray(example_numbers(chosen.ids))
    images = as_floats(jnp.asarray(chosen.images), numbers)
    return apply_condition(condition, images, numbers, seed) if condition.steps else images


def _measured(images: Images, clean: Images) -> tuple[np.ndarray, np.ndarray]:
    psnr, ssim = measure(images, clean)
    return np.asarray(psnr), np.full(len(clean), np.nan) if ssim is None else np.asarray(ssim)


def _one_class_after_another(labels: np.ndarray) -> np.ndarray:
    turn = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        turn[rows] = np.arange(len(rows))
    return np.lexsort((labels, turn))
