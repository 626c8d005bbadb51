"""Images decoded once into a file of `data.cache_dir`, which later runs map into memory.

A run that is killed goes on where it was; a chunk that does not have its checksum is decoded
again; files, labels, limits or splits that have changed get a folder of their own, because its
name holds their fingerprint.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.cache_folder import CacheFolder, Record, record_of
from lqjax.data.chunks import (
    Bad,
    ColourFoundError,
    Form,
    chunks_from,
    decode_chunks,
    refusal,
)
from lqjax.data.pictures import RULES_VERSION
from lqjax.data.source import Listing, one_line
from lqjax.data.turns import turn
from lqjax.lines import say

ALWAYS_CHECKED_BYTES = 4 * 2**30
"""Up to this size all checksums are computed at every start: seconds at 3 GB/s a thread. Larger
files are read whole only after something has written to them."""

UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"), (1, "B"))
"""Bytes of the units that room is told in, the largest first."""

LONGEST_NAME = 40
"""Characters of the source's name in that of a folder."""


def cached_images(
    listing: Listing, settings: DataConfig, form: Form, title: str
) -> tuple[np.ndarray, list[Bad]]:
    """Give the decoded images of a split from the cache; decode what is not there.

    One process decodes, others that want the same wait for it.

    Returns:
      The good images, a read-only memory map, uint8, (good images, size, size, channels); and
      the bad rows with reasons.

    Raises:
      ValueError: the folder cannot be used or is full; or a bad image, as for `decode_chunks`.
      ColourFoundError: as `form` says.
    """
    with errors_of_the_disk(settings.cache_dir):
        folder = _folder(listing, settings, form, title)
        with _held(folder, title):
            if folder.is_in_colour():
                raise ColourFoundError
            records = _sound_records(folder, listing, settings, title)
            records = _fill(folder, records, listing, settings, title)
            bad = [entry for record in records for entry in record.bad]
            if bad and settings.on_bad_image == "error":
                raise refusal(listing, bad[0])
            return folder.open(records), bad


def remember_colour(listing: Listing, settings: DataConfig, title: str) -> None:
    """Note that a split has to be decoded in colour; drop what was decoded as grey."""
    if not settings.cache_dir:
        return
    with errors_of_the_disk(settings.cache_dir):
        folder = _folder(listing, settings, Form(settings.image_size, 1, True), title)
        with _held(folder, title):
            folder.mark_in_colour()


def cache_root(settings: DataConfig) -> Path:
    """Give the folder of all that is cached.

    Raises:
      ValueError: it is in a bucket.
    """
    if "://" in settings.cache_dir:
        raise ValueError(
            f"data.cache_dir={settings.cache_dir} is not possible: images are mapped into memory "
            "from there; use a folder on a local disk"
        )
    return Path(settings.cache_dir).expanduser()


def _folder(listing: Listing, settings: DataConfig, form: Form, title: str) -> CacheFolder:
    """Find or make the folder of a split; say so where only an older version is there."""
    root, name = cache_root(settings), _folder_name(settings, form, title)
    path = root / f"{name}-{listing.fingerprint}"
    if not path.exists():
        older = sorted(
            other.name for other in root.glob(f"{name}-*") if (other / "sound.json").exists()
        )
        if older:
            _say(
                f"{title}: files, labels, limits or splits differ from those in {root / older[-1]};"
                " decoding anew (remove that folder if nothing uses it)"
            )
        path.mkdir(parents=True, exist_ok=True)
    return CacheFolder(path, form)


def _folder_name(settings: DataConfig, form: Form, title: str) -> str:
    """Name the folder of a split but for the fingerprint: "folder-train-64px-colour-rules1"."""
    source = settings.name or Path(settings.path.partition("@")[0]).name or settings.source
    plain = re.sub(r"[^A-Za-z0-9.]+", "_", source).strip("_.")[:LONGEST_NAME]
    colours = "as_grey" if form.only_grey else "grey" if form.channels == 1 else "colour"
    return f"{plain}-{title.split()[0]}-{form.size}px-{colours}-rules{RULES_VERSION}"


def _sound_records(
    folder: CacheFolder, listing: Listing, settings: DataConfig, title: str
) -> list[Record]:
    """Read which chunks are there; decode again those that are damaged."""
    records, finished = folder.records(), folder.was_finished()
    if finished and folder.is_untouched() and folder.images.stat().st_size > ALWAYS_CHECKED_BYTES:
        damaged = []
    else:
        damaged = folder.damaged(records, settings.workers or os.cpu_count() or 1)
    whole = bool(records) and records[-1].stop == len(listing)
    if finished and not whole:
        _say(f"{title}: {folder.path} is damaged; decoding all again")
        folder.clear()
        return []
    if not finished:  # the run that made it was cut off
        return records[: damaged[0]] if damaged else records
    if damaged:
        _say(
            f"{title}: {len(damaged)} of {len(records)} chunks in {folder.path} are damaged; "
            "decoding them again"
        )
        records = _mend(folder, records, damaged, listing, settings, title)
    return records


def _mend(
    folder: CacheFolder,
    records: list[Record],
    damaged: list[int],
    listing: Listing,
    settings: DataConfig,
    title: str,
) -> list[Record]:
    """Decode damaged chunks into their places; where they no longer fit, start afresh."""
    offsets, mended = folder.offsets(records), list(records)
    chunks = [range(records[number].start, records[number].stop) for number in damaged]
    decoded = decode_chunks(listing, chunks, settings, folder.form, title)
    for number, chunk in zip(damaged, decoded, strict=True):
        if chunk.bad != records[number].bad:
            folder.clear()
            return []
        folder.write(chunk.pixels, offsets[number])
        mended[number] = record_of(chunk)
    if mended != records:  # another version of a decoder gave slightly different pixels
        folder.rewrite(mended)
    folder.finish()
    return mended


def _fill(
    folder: CacheFolder, records: list[Record], listing: Listing, settings: DataConfig, title: str
) -> list[Record]:
    """Decode what no record covers."""
    start = records[-1].stop if records else 0
    if start == len(listing):
        if not (folder.was_finished() and folder.is_untouched()):
            folder.finish()
        return records
    _check_room((len(listing) - start) * folder.form.image_bytes, settings.cache_dir)
    folder.cut(records)
    made, end = list(records), folder.offsets(records)[-1]
    chunks = chunks_from(start, len(listing), folder.form)
    for chunk in decode_chunks(listing, chunks, settings, folder.form, title):
        folder.write(chunk.pixels, end)
        end += chunk.pixels.nbytes
        made.append(record_of(chunk))
        folder.append(made[-1])
    folder.finish()
    return made


def _check_room(needed: int, cache_dir: str) -> None:
    free = shutil.disk_usage(Path(cache_dir).expanduser()).free
    if needed > free:
        size, unit = next((size, unit) for size, unit in UNITS if needed >= size)
        raise ValueError(
            f"data.cache_dir={cache_dir} has {free / size:.1f} {unit} free, but"
            f" {needed / size:.1f} {unit} are needed; free some, name another folder, or lower"
            " data.image_size"
        )


def _held(folder: CacheFolder, title: str) -> AbstractContextManager[None]:
    return turn(
        folder.path, lambda: _say(f"{title}: waiting for the process that decodes {folder.path}")
    )


@contextmanager
def errors_of_the_disk(cache_dir: str) -> Iterator[None]:
    """Turn what the file system refuses into one line; bad pictures never come here.

    Raises:
      ValueError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"data.cache_dir={cache_dir} cannot be written ({error.strerror or one_line(error)}); "
            "free some space or name another folder on a local disk: what is finished is kept"
        ) from error


def _say(line: str) -> None:
    say(f"data.cache_dir: {line}")
