"""What a working directory keeps of its examples: manifest.csv and duplicates.csv.

Beside the manifest `manifest.json` says of which versions of the files its digests are, and has a
checksum of it. So a run that is taken up reads no picture only to digest it, unless files were
moved or written anew.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress

from lqjax.data.csv_columns import first_and_count
from lqjax.data.duplicates import FILE_NAME as DUPLICATES
from lqjax.data.duplicates import IGNORE
from lqjax.data.loading import Loaded
from lqjax.data.manifest import FILE_NAME as MANIFEST
from lqjax.data.manifest import Manifest, parse_manifest
from lqjax.workdir import Workdir

STAMP = "manifest.json"
VERSIONS, CHECKSUM = "versions", "checksum"


def known_contents(place: Workdir, versions: str) -> Mapping[str, str]:
    """Give the digests that a working directory has, by id; none of other versions of the files.

    Args:
      versions: from `lqjax.data.contents.versions_of`.
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        stamp = json.loads((place.root / STAMP).read_bytes())
        if stamp[VERSIONS] == versions:
            content = (place.root / MANIFEST).read_bytes()
            if stamp[CHECKSUM] == zlib.crc32(content):
                return parse_manifest(MANIFEST, content).content_of()
    return {}


def write_manifest(place: Workdir, loaded: Loaded, duplicates: str) -> None:
    """Keep what is known of the examples of a run; a file that would be the same stays.

    Args:
      duplicates: as `data.duplicates` says.
    """
    content = loaded.manifest.to_bytes()
    stamp = {VERSIONS: loaded.versions, CHECKSUM: zlib.crc32(content)}
    _write(place, MANIFEST, content)
    _write(place, STAMP, json.dumps(stamp).encode() + b"\n")  # last: it vouches for the other
    if duplicates != IGNORE:
        _write(place, DUPLICATES, loaded.duplicates.to_bytes())


def _write(place: Workdir, name: str, content: bytes) -> None:
    path = place.root / name
    if place.writes and not (path.exists() and path.read_bytes() == content):
        place.write_bytes(name, content)


def changed_contents(place: Workdir, now: Manifest) -> str:
    """Say which pictures are other bytes than a working directory has written down; "" for none.

    A manifest that is missing or damaged says nothing: it is written anew.
    """
    before: Mapping[str, str] = {}
    with suppress(OSError, ValueError):
        before = parse_manifest(MANIFEST, (place.root / MANIFEST).read_bytes()).content_of()
    here = now.content_of()
    changed = [name for name, content in before.items() if here.get(name, content) != content]
    return first_and_count(changed) if changed else ""
