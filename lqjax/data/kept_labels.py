"""What is read from every picture and kept beside the cache: labels, digests of the files.

Where records hold picture and label together, whoever wants the labels has to read the pictures as
well. With `data.cache_dir` that is done once: later starts read a file such as `labels.json` there,
whose first word is a checksum of the rest.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lqjax.config import DataConfig
from lqjax.data.cache import LONGEST_NAME, cache_root, errors_of_the_disk
from lqjax.data.source import FINGERPRINT_BYTES
from lqjax.data.turns import turn
from lqjax.lines import say
from lqjax.rows import replace_text

T = TypeVar("T", int, str)


def kept_labels(
    settings: DataConfig, name: str, version: str, read: Callable[[], list[int]]
) -> list[int]:
    """Give the labels of a split, as `kept_values` does."""
    return kept_values(settings, "labels", name, version, read)


def kept_values(
    settings: DataConfig, kind: str, name: str, version: str, read: Callable[[], list[T]]
) -> list[T]:
    """Give a value of every example from `data.cache_dir`; read them where they are not there.

    One process reads, others that want the same wait for it.

    Args:
      settings: `cache_dir`; where it is empty, the values are read.
      kind: of value, such as "labels".
      name: of the data set and the split, for people.
      version: tells everything apart that has other values.
      read: gives the values of all its examples, in order; it raises no OSError.

    Raises:
      ValueError: the folder cannot be used or is full; one line.
    """
    if not settings.cache_dir:
        return read()
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_.")[:LONGEST_NAME]
    whole = f"{name}\0{version}".encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(whole, digest_size=FINGERPRINT_BYTES).hexdigest()
    folder = cache_root(settings) / f"{plain}-{kind}-{digest}"
    with errors_of_the_disk(settings.cache_dir):
        folder.mkdir(parents=True, exist_ok=True)
        with turn(folder, lambda: _say(f"waiting for the process that reads {folder}")):
            path = folder / f"{kind}.json"
            return _found(path, kind) or _made(path, read)


def _found(path: Path, kind: str) -> list[T]:
    """Read the file; none where it is not there or damaged."""
    if not path.exists():
        return []
    checksum, _, text = path.read_bytes().rstrip(b"\n").partition(b" ")
    if checksum == f"{zlib.crc32(text):08x}".encode():
        return json.loads(text)
    _say(f"{path} is damaged; reading the {kind} again")
    return []


def _made(path: Path, read: Callable[[], list[T]]) -> list[T]:
    values = read()
    text = json.dumps(values)
    replace_text(path, f"{zlib.crc32(text.encode()):08x} {text}\n")
    return values


def _say(line: str) -> None:
    say(f"data.cache_dir: {line}")
