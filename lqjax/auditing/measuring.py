"""From what a source lists to the table of what was measured of its pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import jax
import numpy as np
from tqdm import tqdm

from lqjax.auditing.hashing import hash_bits, packed
from lqjax.auditing.measures.base import MEASURES, measures_of_file, measures_of_images
from lqjax.auditing.reading import Reading, read_picture
from lqjax.auditing.samples import Samples, stack
from lqjax.auditing.table import AuditTable
from lqjax.compiling import jit
from lqjax.config import DataConfig
from lqjax.data.chunks import CHUNKS_PER_THREAD, PATIENCE_SECONDS, in_order, strict_decoders
from lqjax.data.source import Catalogue, Listing, one_line

BATCH = 32
"""Pictures that the device is handed together; their values do not depend on it."""


Program = Callable[[Samples], tuple[dict[str, jax.Array], jax.Array]]
"""Gives the measures of a batch by name, and the bits of its hashes; threads call it at the same
time."""


@dataclass(frozen=True)
class _Read:
    """Rows of a listing that were read, and (name, reason) of those that could not be."""

    rows: tuple[int, ...]
    readings: tuple[Reading, ...]
    bad: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Measured:
    """What the table needs of them, (good rows,) each; what the device looked at is let go."""

    rows: tuple[int, ...]
    measures: dict[str, np.ndarray]
    contents: list[str]
    pixels: list[str]
    hashes: np.ndarray
    bad: tuple[tuple[str, str], ...]


def measure(catalogue: Catalogue, settings: DataConfig, batch: int = BATCH) -> AuditTable:
    """Measure every picture of a data set.

    Args:
      catalogue: as a source of `lqjax.data.source.SOURCES` gives it, or with other splits.
      settings: `image_size` for what the network sees, `workers`.
      batch: pictures that the device looks at together; results do not depend on it.

    Returns:
      The pictures in the order of the splits and their listings. What the catalogue skipped, and
      what could not be read, stands in `skipped`; a damaged picture never raises.
    """
    program = jit(_look)
    parts = [
        (part, listing, list(_measure(listing, settings, batch, program, f"{part} images")))
        for part, listing in catalogue.splits.items()
    ]
    return _table(catalogue, parts)


def _look(samples: Samples) -> tuple[dict[str, jax.Array], jax.Array]:
    return measures_of_images(samples), hash_bits(samples.tile)


def _measure(
    listing: Listing, settings: DataConfig, batch: int, program: Program, title: str
) -> Iterator[_Measured]:
    """Read a split in parallel threads, each of which has the device look at what it read."""
    threads = settings.workers or os.cpu_count() or 1
    chunks = [range(s, min(s + batch, len(listing))) for s in range(0, len(listing), batch)]
    with (
        strict_decoders(),
        tqdm(
            total=len(listing), desc=title, unit=" images", delay=PATIENCE_SECONDS, disable=None
        ) as bar,
        ThreadPoolExecutor(threads) as pool,
    ):
        tasks = (
            lambda rows=rows: _measured(_read(listing, rows, settings.image_size), batch, program)
            for rows in chunks
        )
        for measured in in_order(pool, tasks, threads * CHUNKS_PER_THREAD):
            yield measured
            bar.update(len(measured.rows) + len(measured.bad))


def _read(listing: Listing, rows: range, image_size: int) -> _Read:
    good, readings, bad = [], [], []
    for row in rows:
        try:
            readings.append(read_picture(listing, row, image_size))
            good.append(row)
        except Exception as error:  # damaged files make decoders raise nearly anything
            bad.append((str(listing.names[row]), one_line(error)))
    return _Read(tuple(good), tuple(readings), tuple(bad))


def _measured(read: _Read, batch: int, program: Program) -> _Measured:
    facts = [measures_of_file(reading.facts) for reading in read.readings]
    measures, hashes = {}, np.zeros(0, np.uint64)
    if facts:
        measures = {name: np.asarray([f[name] for f in facts], np.float64) for name in facts[0]}
        stacked = stack([reading.samples for reading in read.readings], batch)
        images, bits = jax.device_get(program(stacked))
        measures |= {name: found[: len(facts)].astype(np.float64) for name, found in images.items()}
        hashes = packed(bits[: len(facts)])
    return _Measured(
        read.rows,
        measures,
        [reading.content for reading in read.readings],
        [reading.pixels for reading in read.readings],
        hashes,
        read.bad,
    )


def _table(
    catalogue: Catalogue, parts: Sequence[tuple[str, Listing, list[_Measured]]]
) -> AuditTable:
    rows = [(part, listing, row) for part, listing, m in parts for c in m for row in c.rows]
    chunks = [chunk for _, _, measured in parts for chunk in measured]
    return AuditTable(
        dataset=catalogue.name,
        class_names=catalogue.class_names,
        ids=np.asarray([str(listing.ids[row]) for _, listing, row in rows], str),
        names=[str(listing.names[row]) for _, listing, row in rows],
        splits=np.asarray([part for part, _, _ in rows], str),
        labels=np.asarray([int(listing.labels[row]) for _, listing, row in rows], np.int64),
        measures={
            name: np.concatenate([np.zeros(0), *(c.measures[name] for c in chunks if c.rows)])
            for name in MEASURES
        },
        contents=np.asarray([digest for chunk in chunks for digest in chunk.contents], str),
        pixels=np.asarray([digest for chunk in chunks for digest in chunk.pixels], str),
        hashes=np.concatenate([np.zeros(0, np.uint64), *(chunk.hashes for chunk in chunks)]),
        skipped=(*catalogue.skipped, *(pair for chunk in chunks for pair in chunk.bad)),
    )
