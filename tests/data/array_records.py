"""Array_record files, written by the library of that name, and ones with forged headers."""

import tempfile
from pathlib import Path

from tests.data.damaging import with_number
from tests.data.highway_hash import highway_hash

FIRST = 64
"""Where the chunk behind the signature is, in bytes."""

HEADER_BYTES, HASH_BYTES = 40, 8
DATA_SIZE, KIND_AND_RECORDS, UNPACKED = 8, 24, 32
"""Where in a header these are, in bytes."""


def array_record_of(*records, options="group_size:1"):
    """Write records; TFDS does so with these options."""
    from array_record.python import array_record_module

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        writer = array_record_module.ArrayRecordWriter(str(path), options)
        for record in records:
            writer.write(record)
        writer.close()
        return path.read_bytes()


def with_a_header(data, place, number, start=FIRST):
    """Let a chunk say something else, with the right hash of what it says."""
    data = with_number(data, start + place, 8, number)
    hashed = highway_hash(data[start + HASH_BYTES : start + HEADER_BYTES])
    return with_number(data, start, HASH_BYTES, hashed)
