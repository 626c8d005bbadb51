"""How much damage a condition did to a set of images: mean PSNR and mean SSIM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.apply import apply_condition
from lqjax.imaging.conditions import parse
from lqjax.imaging.degrade import CHUNK, as_batch, check_seed, check_values, names_of
from lqjax.imaging.keys import example_numbers
from lqjax.imaging.levels import as_float, from_levels, to_levels
from lqjax.imaging.psnr import psnr
from lqjax.imaging.ssim import WINDOW, as_rows, ssim, ssim_of_rows

Measured = tuple[jax.Array | np.ndarray, jax.Array | np.ndarray | None]
"""PSNR in dB and SSIM of each image, (batch,); no SSIM where it was not asked for."""


_CHUNK_VALUES = 1 << 22
"""Values on the device at a time; SSIM needs about eight times as many in between."""

_PIECE_VALUES = 1 << 17
"""Values of an image batch that is measured at a time on a CPU: temporaries then stay in its
caches. On one core a colour batch of 120 at 64 px took 0.21 ms an image at once and 0.06 ms in
pieces, one of 16 at 224 px 3.3 and 1.0 ms; pieces of half or twice the size gained nothing."""

_RESIDENT_BYTES = 1 << 30
"""Sets up to this size stay on the device."""


@dataclass(frozen=True)
class Damage:
    """Means over a set of images.

    Attributes:
      psnr: dB, mean over the images that were changed; `None` where none was. An unchanged image
        has no finite PSNR, and one blank image must not decide over a set.
      ssim: mean over all images, in [-1, 1]; `None` where it was not measured.
      unchanged: number of images that are equal to their reference.
    """

    psnr: float | None
    ssim: float | None
    unchanged: int


def measure(images: jax.Array, reference: jax.Array, *, structure: bool = True) -> Measured:
    """Compare each image with its reference, as one compiled program.

    Args:
      images, reference: float32 in [0, 1], (batch, height, width, channel). Convert levels to
        floats in a program of their own: within this one the compiler may keep more digits of one
        side than of the other, and equal images would differ.
      structure: measure SSIM too; images smaller than its window have none.
    """
    large = min(images.shape[1:3]) >= WINDOW
    pieces = _pieces(images) if structure and large else 0
    return _measure(images, reference, pieces=pieces)


def _pieces(images: jax.Array) -> int:
    """Count the pieces of a batch; on an accelerator, or shared by devices, it stays whole."""
    if isinstance(images, jax.core.Tracer) or jax.default_backend() != "cpu":
        return 1
    if isinstance(images, jax.Array) and len(images.sharding.device_set) > 1:
        return 1
    return min(len(images), -(-images.size // _PIECE_VALUES))


@partial(jax.jit, static_argnames="pieces")
def _measure(images: jax.Array, reference: jax.Array, *, pieces: int) -> Measured:
    if pieces == 0:
        return psnr(images, reference), None
    if pieces == 1:
        return psnr(images, reference), ssim(images, reference)
    channels, length = images.shape[3], -(-len(images) // pieces)
    missing = ((0, pieces * length - len(images)), (0, 0), (0, 0))

    def cut(batch: jax.Array) -> jax.Array:
        rows = as_rows(batch)
        return jnp.pad(rows, missing).reshape(pieces, length, *rows.shape[1:])

    def compare(pair: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        return psnr(*pair), ssim_of_rows(*pair, channels)

    found = jax.lax.map(compare, (cut(images), cut(reference)))
    ratios, similarities = (values.reshape(-1)[: len(images)] for values in found)
    return ratios, similarities


_floats = jax.jit(as_float)


@jax.jit
def _rounded(images: jax.Array) -> jax.Array:
    return from_levels(to_levels(images))


def average(parts: Iterable[Measured], count: int) -> Damage:
    """Average over images what `measure` gave for batches that follow on one another.

    Args:
      parts: on the host.
      count: number of images; what lies beyond was added to fill up the last batch.
    """
    ratios, structures = zip(*parts, strict=True)
    each = np.concatenate(ratios)[:count].astype(np.float64)
    changed = each[np.isfinite(each)]
    structure = None
    if all(part is not None for part in structures):
        structure = float(np.concatenate(structures)[:count].astype(np.float64).mean())
    return Damage(
        psnr=float(changed.mean()) if changed.size else None,
        ssim=structure,
        unchanged=int(each.size - changed.size),
    )


class ImageSet:
    """Images to which the damage of several conditions is measured.

    Args:
      images, seed, ids: as for `lqjax.degrade`. 8-bit images are compared after rounding, as
        `lqjax.degrade` returns them.

    Raises:
      ValueError: impossible images, none at all, or another number of ids.
    """

    def __init__(
        self, images: np.ndarray, seed: int = 0, ids: Sequence[str] | np.ndarray | None = None
    ) -> None:
        batch = as_batch(np.asarray(images))
        check_values(batch)
        if not len(batch):
            raise ValueError("there are no images to measure damage on; give at least one")
        names = names_of(ids, len(batch))
        check_seed(seed)
        self.shape, self.seed, self._eight_bit = batch.shape, seed, batch.dtype == np.uint8
        batch = batch if self._eight_bit else batch.astype(np.float32)
        self._chunks = list(_chunks(batch, example_numbers(names)))
        if batch.nbytes <= _RESIDENT_BYTES:
            self._chunks = jax.device_put(self._chunks)

    def damage(self, condition: str, *, structure: bool = True) -> Damage:
        """Degrade all images and average; `structure` asks for SSIM too."""
        parsed, parts = parse(condition), []
        for chunk, numbers in self._chunks:
            clean = _floats(chunk)
            degraded = apply_condition(parsed, clean, numbers, self.seed)
            degraded = _rounded(degraded) if self._eight_bit else degraded
            parts.append(jax.device_get(measure(degraded, clean, structure=structure)))
        return average(parts, self.shape[0])


def _chunks(batch: np.ndarray, numbers: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cut a set into chunks of one size, a power of two; the last image fills up the last one."""
    most = max(1, min(CHUNK, _CHUNK_VALUES // batch[0].size))
    size = min(1 << (most.bit_length() - 1), 1 << (len(batch) - 1).bit_length())
    for start in range(0, len(batch), size):
        rows = np.minimum(np.arange(start, start + size), len(batch) - 1)
        yield batch[rows], numbers[rows]
