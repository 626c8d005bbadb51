"""The files of a cached split: images, a record of every finished chunk, a mark of soundness.

images.uint8   the good images, one after the other
chunks.jsonl   a `Record` a line, each with a checksum of itself; a chunk is finished when its
               line is whole
sound.json     size, times and inode of images.uint8 when all its checksums were last right
in_colour      in place of the others: a picture in colour is among those taken for grey
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lqjax.data.chunks import Bad, Chunk, Form
from lqjax.rows import replace_text

PERMISSIONS = 0o644


@dataclass(frozen=True)
class Record:
    """A finished chunk.

    Attributes:
      start, stop: its rows in the listing.
      checksum: CRC-32 of the good images.
      bad: rows that are left out, with reasons.
    """

    start: int
    stop: int
    checksum: int
    bad: tuple[Bad, ...]

    @property
    def kept(self) -> int:
        """Number of good images."""
        return self.stop - self.start - len(self.bad)

    def line(self) -> str:
        """Write as a line that tells when it is damaged."""
        text = json.dumps(asdict(self))
        return f"{zlib.crc32(text.encode()):08x} {text}\n"


def record_of(chunk: Chunk) -> Record:
    """Describe a chunk that has just been decoded."""
    checksum = zlib.crc32(_bytes(chunk.pixels))
    return Record(chunk.rows.start, chunk.rows.stop, checksum, chunk.bad)


class CacheFolder:
    """The files of one cached split. Only its holder (`lqjax.data.turns`) may change them."""

    def __init__(self, path: Path, form: Form) -> None:
        self.path, self.form = path, form
        self.images = path / "images.uint8"
        self._chunks = path / "chunks.jsonl"
        self._sound = path / "sound.json"
        self._in_colour = path / "in_colour"

    def records(self) -> list[Record]:
        """Read the records up to the first that is torn, damaged or out of order."""
        found: list[Record] = []
        if not self._chunks.exists():
            return found
        for line in self._chunks.read_bytes().splitlines(keepends=True):
            record = _parse(line)
            if record is None or record.start != (found[-1].stop if found else 0):
                break
            found.append(record)
        return found

    def offsets(self, records: Sequence[Record]) -> list[int]:
        """Give the bytes at which the chunks begin, and at last the end of all."""
        kept = np.cumsum([0, *(record.kept for record in records)])
        return [int(number) * self.form.image_bytes for number in kept]

    def damaged(self, records: Sequence[Record], threads: int) -> list[int]:
        """Read all chunks in parallel; return which do not have their checksum."""
        if not records:
            return []
        if not self.images.exists():
            return list(range(len(records)))
        offsets = self.offsets(records)
        descriptor = os.open(self.images, os.O_RDONLY)

        def is_damaged(number: int) -> bool:
            size = offsets[number + 1] - offsets[number]
            found = os.pread(descriptor, size, offsets[number])
            return len(found) != size or zlib.crc32(found) != records[number].checksum

        try:
            with ThreadPoolExecutor(threads) as pool:
                results = list(pool.map(is_damaged, range(len(records))))
        finally:
            os.close(descriptor)
        return [number for number, bad in enumerate(results) if bad]

    def rewrite(self, records: Sequence[Record]) -> None:
        """Replace all records at once."""
        replace_text(self._chunks, "".join(record.line() for record in records))

    def cut(self, records: Sequence[Record]) -> None:
        """Drop everything behind these chunks."""
        self.rewrite(records)
        descriptor = os.open(self.images, os.O_WRONLY | os.O_CREAT, PERMISSIONS)
        try:
            os.ftruncate(descriptor, self.offsets(records)[-1])
        finally:
            os.close(descriptor)

    def write(self, pixels: np.ndarray, offset: int) -> None:
        """Write images at a place in the file."""
        descriptor = os.open(self.images, os.O_WRONLY | os.O_CREAT, PERMISSIONS)
        try:
            rest = _bytes(pixels)
            while rest:  # a disk that is nearly full takes a part
                written = os.pwrite(descriptor, rest, offset)
                rest, offset = rest[written:], offset + written
        finally:
            os.close(descriptor)

    def append(self, record: Record) -> None:
        """Record a chunk whose images are written."""
        descriptor = os.open(self._chunks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PERMISSIONS)
        try:
            rest = record.line().encode()
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)

    def finish(self) -> None:
        """Note that all chunks are there and right, once the disk has them."""
        for path in (self.images, self._chunks):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        replace_text(self._sound, json.dumps(file_stamp(self.images)) + "\n")

    def was_finished(self) -> bool:
        """Tell whether all was there once."""
        return self._sound.exists()

    def is_untouched(self) -> bool:
        """Tell whether nothing has written to the images since they were found sound."""
        try:
            return json.loads(self._sound.read_text()) == file_stamp(self.images)
        except (OSError, ValueError):
            return False

    def clear(self) -> None:
        """Remove images and records; who has them mapped keeps what they show."""
        for path in (self._sound, self._chunks, self.images):
            path.unlink(missing_ok=True)

    def mark_in_colour(self) -> None:
        """Remember that the pictures are not all grey."""
        self.clear()
        self._in_colour.touch()

    def is_in_colour(self) -> bool:
        """Tell whether a picture in colour was found among those taken for grey."""
        return self._in_colour.exists()

    def open(self, records: Sequence[Record]) -> np.ndarray:
        """Map the images into memory, read-only: uint8, (good images, size, size, channels)."""
        kept = sum(record.kept for record in records)
        shape = (kept, *self.form.image_shape)
        if not kept:
            return np.empty(shape, np.uint8)  # which mmap refuses
        return np.memmap(self.images, np.uint8, "r", shape=shape)


def file_stamp(path: Path) -> list[int]:
    """Give what changes whenever something writes to a file: size, times (ns), inode."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _parse(line: bytes) -> Record | None:
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum.decode("ascii", "replace") != f"{zlib.crc32(text):08x}":
        return None
    values = json.loads(text)
    bad = tuple((int(row), str(reason)) for row, reason in values.pop("bad"))
    return Record(bad=bad, **values)


def _bytes(pixels: np.ndarray) -> memoryview:
    return np.ascontiguousarray(pixels).reshape(-1).data
