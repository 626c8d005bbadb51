"""Labels beside the cache, for data whose records hold picture and label together.

Whoever wants the labels of such data has to read the pictures as well. With `data.cache_dir` that
is done once: later starts read a file `labels.json` there, whose first word is a checksum of the
rest.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from lqjax.config import DataConfig
from lqjax.data.cache import LONGEST_NAME, cache_root, errors_of_the_disk
from lqjax.data.source import FINGERPRINT_BYTES
from lqjax.data.turns import turn
from lqjax.rows import replace_text

FILE_NAME = "labels.json"


def kept_labels(
    settings: DataConfig, name: str, version: str, read: Callable[[], list[int]]
) -> list[int]:
    """Give the labels of a split from `data.cache_dir`; read them where they are not there.

    One process reads, others that want the same wait for it.

    Args:
      settings: `cache_dir`; where it is empty, the labels are read.
      name: of the data set and the split, for people.
      version: tells everything apart that has other labels.
      read: gives the labels of all its examples, in order; it raises no OSError.

    Raises:
      ValueError: the folder cannot be used or is full; one line.
    """
    if not settings.cache_dir:
        return read()
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_.")[:LONGEST_NAME]
    digest = hashlib.blake2b(f"{name}\0{version}".encode(), digest_size=FINGERPRINT_BYTES)
    folder = cache_root(settings) / f"{plain}-labels-{digest.hexdigest()}"
    with errors_of_the_disk(settings.cache_dir):
        folder.mkdir(parents=True, exist_ok=True)
        with turn(folder, lambda: _say(f"waiting for the process that reads {folder}")):
            return _found(folder / FILE_NAME) or _made(folder / FILE_NAME, read)


def _found(path: Path) -> list[int]:
    """Read the file; none where it is not there or damaged."""
    if not path.exists():
        return []
    checksum, _, text = path.read_bytes().rstrip(b"\n").partition(b" ")
    if checksum == f"{zlib.crc32(text):08x}".encode():
        return json.loads(text)
    _say(f"{path} is damaged; reading the labels again")
    return []


def _made(path: Path, read: Callable[[], list[int]]) -> list[int]:
    labels = read()
    text = json.dumps(labels)
    replace_text(path, f"{zlib.crc32(text.encode()):08x} {text}\n")
    return labels


def _say(line: str) -> None:
    tqdm.write(f"data.cache_dir: {line}", file=sys.stderr)
