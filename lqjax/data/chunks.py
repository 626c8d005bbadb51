"""Pictures decoded in parallel threads or processes, a chunk of rows at a time and in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from lqjax.config import DataConfig
from lqjax.data.decoders import DecoderDiedError, Decoders
from lqjax.data.picture_rows import (
    BadPicture,
    ColourFoundError,
    Form,
    decode_rows,
    strict_decoders,
)
from lqjax.data.source import Listing, one_line

__all__ = ["ColourFoundError", "Form", "strict_decoders"]  # what goes with chunks

CHUNKS_PER_THREAD = 2
"""Chunks in the works for each thread, so that none waits for the slowest."""

PATIENCE_SECONDS = 2.0
"""Decoding that is done sooner shows no progress bar."""

PROCESSES_FROM = 2048
"""Pictures from which processes pay for their start, a fifth of a second of each."""

PICTURES_PER_WORKER = 512
"""No more threads or processes are started than have so many pictures each."""

T = TypeVar("T")

Bad = tuple[int, str]
"""A row that cannot be used, and why."""


@dataclass(frozen=True)
class Chunk:
    """Decoded rows.

    Attributes:
      rows: which of the listing, the bad ones too.
      pixels: uint8, (good rows, size, size, channels).
      bad: the others, with reasons.
    """

    rows: range
    pixels: np.ndarray
    bad: tuple[Bad, ...]


def decode_chunks(
    listing: Listing, chunks: Iterable[range], settings: DataConfig, form: Form, title: str
) -> Iterator[Chunk]:
    """Decode chunks of rows in parallel threads or processes; the pixels are the same.

    Args:
      chunks: which rows; see `chunks_from`.
      settings: `decoder`, `workers`, `on_bad_image`.
      title: what the progress bar says, "train images".

    Yields:
      The chunks in the order given, few of them ahead of their use.

    Raises:
      ValueError: an image is bad and `on_bad_image` is "error"; the first one is named.
      ColourFoundError: as `form` says.
    """
    wanted = list(chunks)
    stop_at_bad = settings.on_bad_image == "error"
    pictures = sum(map(len, wanted))
    workers = _workers(settings, pictures)
    with (
        strict_decoders(),
        tqdm(
            total=len(listing),
            initial=len(listing) - pictures,
            desc=title,
            unit=" images",
            delay=PATIENCE_SECONDS,
            disable=None,
        ) as bar,
        ThreadPoolExecutor(workers) as pool,  # left last: its threads wait for the processes
        _decoder(listing, settings, pictures) as decoder,
    ):
        tasks = (partial(decoder, rows, form, stop_at_bad) for rows in wanted)
        for chunk in in_order(pool, tasks, workers * CHUNKS_PER_THREAD):
            if chunk.bad and stop_at_bad:
                raise refusal(listing, chunk.bad[0])
            bar.update(len(chunk.rows))
            yield chunk


def chunks_from(start: int, count: int, form: Form) -> list[range]:
    """Cut rows start..count-1 into chunks."""
    return [range(s, min(s + form.chunk, count)) for s in range(start, count, form.chunk)]


def refusal(listing: Listing, bad: Bad) -> ValueError:
    """Make the error that names a bad image."""
    row, reason = bad
    return ValueError(
        f"{listing.names[row]}: not a usable image ({reason}); replace or "
        "remove it, or leave such images out with data.on_bad_image=skip"
    )


@contextmanager
def _decoder(
    listing: Listing, settings: DataConfig, pictures: int
) -> Iterator[Callable[[range, Form, bool], Chunk]]:
    """Give what decodes a chunk: the thread that calls it, or a process of that thread."""
    if not decodes_in_processes(listing, settings, pictures):
        yield partial(_in_this_process, listing)
        return
    with Decoders() as decoders:

        def decode(rows: range, form: Form, stop_at_bad: bool) -> Chunk:
            try:
                return _in_a_process(decoders, listing, rows, form, stop_at_bad)
            except DecoderDiedError as error:
                if settings.decoder == "processes":
                    raise ValueError(
                        f"data.decoder=processes is not possible here ({error}); use threads"
                    ) from error
                return _in_this_process(listing, rows, form, stop_at_bad)

        yield decode


def decodes_in_processes(listing: Listing, settings: DataConfig, pictures: int) -> bool:
    """Tell whether processes decode so many pictures of a listing, rather than threads."""
    if not listing.files or settings.decoder == "threads":
        return False
    enough = pictures >= PROCESSES_FROM and _workers(settings, pictures) > 1
    return enough or settings.decoder == "processes"


def _workers(settings: DataConfig, pictures: int) -> int:
    """Give the number of threads or processes; each has enough to do for its start."""
    return settings.workers or max(1, min(cores(), -(-pictures // PICTURES_PER_WORKER)))


def cores() -> int:
    """Give the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux; a cluster may lend some of the machine's
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_this_process(listing: Listing, rows: range, form: Form, stop_at_bad: bool) -> Chunk:
    return _chunk(rows, *decode_rows(listing.read, rows, form, stop_at_bad))


def _in_a_process(
    decoders: Decoders, listing: Listing, rows: range, form: Form, stop_at_bad: bool
) -> Chunk:
    paths = listing.files[rows.start : rows.stop]
    pixels, bad = decoders.decode(paths, form, stop_at_bad)
    return _chunk(rows, pixels, [(rows.start + row, error) for row, error in bad])


def _chunk(rows: range, pixels: np.ndarray, bad: Sequence[BadPicture]) -> Chunk:
    return Chunk(rows, pixels, tuple((row, one_line(error)) for row, error in bad))


def in_order(pool: ThreadPoolExecutor, tasks: Iterator[Callable[[], T]], ahead: int) -> Iterator[T]:
    """Yield what the tasks give, in order; leave none waiting when one fails."""
    waiting: deque[Future[T]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
