"""A trained network in use: pictures in, class names and probabilities out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from etils import epath

from lqjax.config import DataConfig
from lqjax.data.chunks import (
    CHUNKS_PER_THREAD,
    Form,
    chunks_from,
    cores,
    decode_chunks,
    in_order,
)
from lqjax.data.given_pixels import as_pictures, to_picture
from lqjax.data.pictures import open_picture, to_pixels
from lqjax.data.source import Listing, file_version
from lqjax.evaluation.predict import Predictor, as_floats
from lqjax.picture_batches import list_pictures
from lqjax.runtime import make_mesh, read
from lqjax.trained_weights import TrainedWeights, named_run, weights_of_file, weights_of_run

BATCH_SIZE = 64
"""Images a pass; the last one is filled up, so that one program serves any number."""


@dataclass(frozen=True)
class Predictions:
    """What a network says of some images.

    Attributes:
      names: of the images: their paths, or their numbers where arrays were given.
      classes: the most probable class of each.
      probabilities: float32, (images, classes), in the order of `class_names`.
      class_names: of the network.
      skipped: (name, reason) of every file that could not be read; not among `names`.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.names)


class Classifier:
    """A network with its weights, and the preparation of images that belongs to them.

    Args:
      weights: of a run or a file.
      batch_size: images a pass.

    Attributes:
      class_names: in the order of the probabilities.
      image_size, channels: what images are brought to.
    """

    def __init__(self, weights: TrainedWeights, batch_size: int = BATCH_SIZE) -> None:
        belongings, mesh = weights.belongings, make_mesh(1)
        statistics = np.asarray(belongings.mean), np.asarray(belongings.std)
        self.class_names = belongings.class_names
        self.image_size, self.channels = belongings.image_size, belongings.channels
        self._predictor = Predictor(weights.network, statistics, batch_size, mesh)
        self._weights = jax.device_put((weights.params, weights.stats))

    def predict(self, images: Any) -> Predictions:
        """Classify images.

        Args:
          images: a folder, a path, a list of paths, or pixels: (images, height, width, channels),
            (images, height, width), or a list of (height, width[, channels]) or of Pillow's
            pictures; uint8, 16-bit grey, or floats in [0, 1]. Each is cut to a square, resized and
            turned grey or colour as the training images were.

        Returns:
          Of a folder every picture below it, sorted by path; files that cannot be read are in
          `skipped`.

        Raises:
          ValueError: no such path, no pictures, or arrays that are no images.
        """
        if isinstance(images, (str, os.PathLike)):
            root = Path(images).expanduser()
            if root.is_dir():
                names = list_pictures(root)
                return self._of_files([str(root / name) for name in names], names)
            if not root.exists():
                raise ValueError(f"{root}: no such file or folder")
            images = [images]
        if isinstance(images, (list, tuple)) and any(map(_is_path, images)):
            if not all(map(_is_path, images)):
                raise ValueError("paths and pixels cannot be mixed; give a list of one of them")
            names = [os.fspath(image) for image in images]
            return self._of_files([os.path.expanduser(name) for name in names], names)  # noqa: PTH111
        return self._of_arrays(images)

    def _of_files(self, files: Sequence[str], names: Sequence[str]) -> Predictions:
        listing = Listing(
            ids=np.asarray(names),
            labels=np.zeros(len(files), np.int32),
            names=files,
            read=lambda row: open_picture(files[row], self.image_size),
            version=lambda row: file_version(files[row]),
            files=files,
        )
        form, settings = Form(self.image_size, self.channels), DataConfig(on_bad_image="skip")
        chunks = decode_chunks(listing, chunks_from(0, len(files), form), settings, form, "images")
        kept: list[int] = []
        skipped: list[tuple[str, str]] = []

        def pixels() -> Iterator[np.ndarray]:
            for chunk in chunks:
                bad = dict(chunk.bad)
                kept.extend(row for row in chunk.rows if row not in bad)
                skipped.extend((names[row], reason) for row, reason in chunk.bad)
                yield chunk.pixels

        scores = self._scores(pixels())
        return self._made([names[row] for row in kept], scores, skipped)

    def _of_arrays(self, images: Any) -> Predictions:
        given = as_pictures(images)
        names = [str(row) for row in range(len(given))]
        return self._made(names, self._scores(self._parts(given)), [])

    def _parts(self, given: Sequence[Any]) -> Iterator[np.ndarray]:
        """Turn images into pixels, chunk by chunk in threads, few ahead of their use."""

        def chunk(rows: range) -> np.ndarray:
            return np.stack([self._pixels(given[row], row) for row in rows])

        chunks = chunks_from(0, len(given), Form(self.image_size, self.channels))
        threads = max(1, min(cores(), len(chunks)))
        with ThreadPoolExecutor(threads) as pool:
            tasks = (partial(chunk, rows) for rows in chunks)
            yield from in_order(pool, tasks, threads * CHUNKS_PER_THREAD)

    def _pixels(self, image: Any, number: int) -> np.ndarray:
        picture = to_picture(image, number)
        try:
            return to_pixels(picture, self.image_size, self.channels)
        except ValueError as error:
            raise ValueError(f"image {number}: {error}") from None

    def _scores(self, parts: Iterator[np.ndarray]) -> np.ndarray:
        """Classify pixels, uint8; the next ones are decoded while the device works."""
        size, (params, stats) = self._predictor.batch_size, self._weights
        scores: list[np.ndarray] = [np.zeros((0, len(self.class_names)), np.float32)]
        waiting: tuple[jax.Array, int] | None = None
        for batch, count in _batches(parts, size):
            images = as_floats(batch, np.arange(size))
            logits = self._predictor.forward(params, stats, self._predictor.moments, images)
            made = _softmax(logits), count
            if waiting is not None:
                scores.append(read(waiting[0])[: waiting[1]])
            waiting = made
        if waiting is not None:
            scores.append(read(waiting[0])[: waiting[1]])
        return np.concatenate(scores)

    def _made(
        self, names: Sequence[str], scores: np.ndarray, skipped: Sequence[tuple[str, str]]
    ) -> Predictions:
        classes = tuple(self.class_names[row] for row in scores.argmax(1)) if len(scores) else ()
        return Predictions(tuple(names), classes, scores, self.class_names, tuple(skipped))


def load(
    source: str | os.PathLike,
    *,
    model: str = "",
    seed: int | None = None,
    batch_size: int = BATCH_SIZE,
) -> Classifier:
    """Load a trained network, ready to classify pictures.

    Args:
      source: the working directory of `train` or `compare`, a file of `export_weights`, or
        published weights (.pth, .safetensors).
      model: name of the network; can be left out where the directory has only one, or the file
        says or shows which it is.
      seed: of the run; the first one if left out.
      batch_size: images a pass.

    Raises:
      ValueError: nothing that can be loaded; the file or folder is named.

    Example:
      classifier = lqjax.load("runs/mine", model="resnet18")
      found = classifier.predict("new_films")
      print(found.classes[0], found.probabilities[0])
    """
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size} is not possible; give at least 1")
    place = _place(source)
    if "://" in place or Path(place).is_dir():
        return Classifier(weights_of_run(named_run(place, model, seed)), batch_size)
    return Classifier(weights_of_file(Path(place), model), batch_size)


def _place(source: Any) -> str:
    """Name the folder or file that a user gave.

    Raises:
      ValueError: it is none, or lies where this installation does not read.
    """
    if not _is_path(source) or not os.fspath(source):
        raise ValueError(
            f"{source!r} is no path; give the working directory of a run, or a file of weights"
            " (.pth, .safetensors)"
        )
    place = os.path.expanduser(os.fspath(source))  # noqa: PTH111  # an address stays as it is
    if "://" in place:
        try:
            epath.Path(place).exists()
        except (ImportError, KeyError) as error:
            why = str(error) if isinstance(error, ImportError) else "it is of no known kind"
            raise ValueError(f"{place} cannot be read here ({why}); copy it to a folder") from None
    return place


def _is_path(image: Any) -> bool:
    return isinstance(image, (str, os.PathLike))


@jax.jit
def _softmax(logits: jax.Array) -> jax.Array:
    return jax.nn.softmax(logits, axis=-1)


def _batches(parts: Iterator[np.ndarray], size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Cut pixels into batches of one size; the last is filled up with zeros."""
    left: list[np.ndarray] = []
    for part in parts:
        left.append(part)
        if sum(map(len, left)) < size:
            continue
        whole = np.concatenate(left)
        end = len(whole) - len(whole) % size
        for start in range(0, end, size):
            yield whole[start : start + size], size
        left = [whole[end:]]
    rest = np.concatenate(left) if left else np.zeros(0)
    if len(rest):
        filled = np.zeros((size, *rest.shape[1:]), np.uint8)
        filled[: len(rest)] = rest
        yield filled, len(rest)
