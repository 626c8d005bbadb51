"""Pictures decoded in parallel threads, a chunk of rows at a time and in order."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image
from tqdm import tqdm

from lqjax.config import DataConfig
from lqjax.data.pictures import is_grey, to_pixels
from lqjax.data.source import Listing, one_line

CHUNK = 64
"""Most images that a thread takes at a time."""

CHUNK_BYTES = 2**24
"""Fewer where they are large: decoded chunks wait in memory for their turn."""

CHUNKS_PER_THREAD = 2
"""Chunks in the works for each thread, so that none waits for the slowest."""

PATIENCE_SECONDS = 2.0
"""Decoding that is done sooner shows no progress bar."""

Bad = tuple[int, str]
"""A row that cannot be used, and why."""


class ColourFoundError(Exception):
    """A picture in colour where only grey ones were expected."""


@dataclass(frozen=True)
class Form:
    """What pictures are decoded to.

    Attributes:
      size: side in pixels.
      channels: 1 or 3.
      only_grey: raise `ColourFoundError` at a picture in colour rather than turn it grey.
    """

    size: int
    channels: int
    only_grey: bool = False

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return self.size * self.size * self.channels

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.size, self.size, self.channels

    @property
    def chunk(self) -> int:
        """Images of a chunk."""
        return max(1, min(CHUNK, CHUNK_BYTES // self.image_bytes))


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
    """Decode chunks of rows in parallel threads.

    Args:
      chunks: which rows; see `chunks_from`.
      settings: `workers`, `on_bad_image`.
      title: what the progress bar says, "train images".

    Yields:
      The chunks in the order given, few of them ahead of their use.

    Raises:
      ValueError: an image is bad and `on_bad_image` is "error"; the first one is named.
      ColourFoundError: as `form` says.
    """
    wanted = list(chunks)
    stop_at_bad = settings.on_bad_image == "error"
    threads = settings.workers or os.cpu_count() or 1
    with (
        _strict_decoders(),
        tqdm(
            total=len(listing),
            initial=len(listing) - sum(map(len, wanted)),
            desc=title,
            unit=" images",
            delay=PATIENCE_SECONDS,
            disable=None,
        ) as bar,
        ThreadPoolExecutor(threads) as pool,
    ):
        tasks = (
            lambda rows=rows: _decode_chunk(listing, rows, form, stop_at_bad) for rows in wanted
        )
        for chunk in _in_order(pool, tasks, threads * CHUNKS_PER_THREAD):
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


def _decode_chunk(listing: Listing, rows: range, form: Form, stop_at_bad: bool) -> Chunk:
    pixels = np.empty((len(rows), *form.image_shape), np.uint8)
    good, bad = 0, []
    for row in rows:
        try:
            picture = listing.read(row)
            if form.only_grey and not is_grey(picture):
                raise ColourFoundError
            pixels[good] = to_pixels(picture, form.size, form.channels)
            good += 1
        except ColourFoundError:
            raise
        except Exception as error:  # damaged files make decoders raise nearly anything
            bad.append((row, one_line(error)))
            if stop_at_bad:
                break
    return Chunk(rows, pixels[:good], tuple(bad))


def _in_order(
    pool: ThreadPoolExecutor, tasks: Iterator[Callable[[], Chunk]], ahead: int
) -> Iterator[Chunk]:
    """Yield what the tasks give, in order; leave none waiting when one fails."""
    waiting: deque[Future[Chunk]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _strict_decoders() -> Iterator[None]:
    """Make Pillow refuse what it would only warn of as dangerous; mute what it finds odd."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
