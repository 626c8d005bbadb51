"""What tells whether two pictures are the same: a digest of the bytes that hold them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lqjax.config import DataConfig
from lqjax.data.chunks import CHUNKS_PER_THREAD, PATIENCE_SECONDS, in_order
from lqjax.data.kept_labels import kept_values
from lqjax.data.source import Listing

CONTENT_DIGEST_BYTES = 16

UNKNOWN = ""
"""In place of a digest: the source gives no bytes, or they cannot be read."""

PIECE_BYTES = 2**16
"""Files are read in pieces: nothing is known of how long they are."""

ROWS_AT_A_TIME = 256
"""Pictures that a thread takes at a time."""

Known = Callable[[str], Mapping[str, str]]
"""(`versions_of` some pictures) -> digest by id, as an earlier run found them; empty where it had
other versions of them."""


def content_digest(content: bytes) -> str:
    """Digest the bytes of a picture's file or record: 32 hexadecimal digits (BLAKE2b)."""
    return hashlib.blake2b(content, digest_size=CONTENT_DIGEST_BYTES).hexdigest()


def file_digest(path: str) -> str:
    """Digest a file as `content_digest` does; `UNKNOWN` where it is empty.

    Raises:
      OSError: it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=CONTENT_DIGEST_BYTES)
    with open(path, "rb") as opened:  # noqa: PTH123 (Path costs more, and there may be millions)
        piece = opened.read(PIECE_BYTES)
        if not piece:
            return UNKNOWN
        while piece:
            digest.update(piece)
            piece = opened.read(PIECE_BYTES)
    return digest.hexdigest()


def versions_of(listings: Mapping[str, Listing]) -> str:
    """Sum up which pictures there are and in which versions, without reading them."""
    return " ".join(f"{part}:{listing.fingerprint}" for part, listing in listings.items())


def find_contents(
    listings: Mapping[str, Listing], settings: DataConfig, known: Known
) -> dict[str, str]:
    """Give the digest of every picture by its id; read only what no earlier run could read.

    Args:
      listings: by the name of the split.
      settings: `workers`, and `cache_dir`, where digests are kept beside the images.
      known: asked first.
    """
    found = known(versions_of(listings))
    made: dict[str, str] = {}
    for part, listing in listings.items():
        names = listing.ids.tolist()
        missing = np.asarray([name not in found for name in names], bool)
        if missing.all():
            made.update(zip(names, _kept(listing, settings, part), strict=True))
            continue
        made.update({name: found.get(name, UNKNOWN) for name in names})
        if missing.any():  # an earlier run could not read them
            rest = listing.take(missing)
            made.update(zip(rest.ids.tolist(), _read(rest, settings, part), strict=True))
    return made


def _kept(listing: Listing, settings: DataConfig, part: str) -> list[str]:
    source = settings.name or Path(settings.path.partition("@")[0]).name or settings.source

    def read() -> list[str]:
        return _read(listing, settings, part)

    name = f"{source}-{part}"
    return kept_values(settings, "contents", name, listing.fingerprint, read)


def _read(listing: Listing, settings: DataConfig, part: str) -> list[str]:
    threads = settings.workers or os.cpu_count() or 1
    return content_digests(listing, threads, f"{part} files").tolist()


def content_digests(listing: Listing, threads: int, title: str = "files") -> np.ndarray:
    """Digest every picture of a listing in parallel threads.

    Args:
      title: what the progress bar says; it appears where it takes a while.

    Returns:
      texts, (examples,): 32 hexadecimal digits, or `UNKNOWN`.
    """

    def digested(rows: range) -> list[str]:
        return [_digest(listing, row) for row in rows]

    def tasks() -> Iterator[Callable[[], list[str]]]:
        for start in range(0, len(listing), ROWS_AT_A_TIME):
            rows = range(start, min(start + ROWS_AT_A_TIME, len(listing)))
            yield lambda rows=rows: digested(rows)  # type: ignore[misc]

    found: list[str] = []
    with (
        ThreadPoolExecutor(threads) as pool,
        tqdm(
            total=len(listing), desc=title, unit=" files", delay=PATIENCE_SECONDS, disable=None
        ) as bar,
    ):
        for digests in in_order(pool, tasks(), threads * CHUNKS_PER_THREAD):
            found += digests
            bar.update(len(digests))
    return np.asarray(found, str)


def _digest(listing: Listing, row: int) -> str:
    try:
        if listing.files:
            return file_digest(listing.files[row])
        content = listing.content(row)
    except Exception:  # a damaged file or record; what decodes it says so, or skips it
        return UNKNOWN
    return content_digest(content) if content else UNKNOWN
