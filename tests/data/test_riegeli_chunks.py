"""Headers of array_record files, against what their own library was given to write."""

import io
import struct

import numpy as np
import pytest

from lqjax.data.riegeli_chunks import BLOCK_BYTES, SIGNATURE, read_chunks
from tests.data.array_records import (
    DATA_SIZE,
    FIRST,
    KIND_AND_RECORDS,
    UNPACKED,
    array_record_of,
    with_a_header,
)
from tests.data.damaging import with_number
from tests.data.highway_hash import highway_hash

NAME = "a.array_record-0"

OWN = 2
"""Chunks that the library adds behind the records: where they are, and where that stands."""

LENGTHS = [0, 1, 100, 65_000, 65_536, 70_000, 0, 400_000, 3, 131_072, 20]


def records_of(lengths, seed=0):
    """Make records that cannot be packed."""
    draws = np.random.default_rng(seed)
    return [draws.bytes(length) for length in lengths]


def chunks_of(data):
    return list(read_chunks(io.BytesIO(data), NAME))


def sizes_of(data):
    """Give the number of records and their bytes of each chunk that the writer was asked for."""
    sizes = [(chunk.records, chunk.unpacked) for chunk in chunks_of(data) if chunk.records]
    return sizes[:-OWN]


def groups_of(records, size):
    groups = [records[start : start + size] for start in range(0, len(records), size)]
    return [(len(group), sum(map(len, group))) for group in groups]


@pytest.mark.parametrize("group", [1, 2, 3, 100])
@pytest.mark.parametrize(
    "more", ["", "uncompressed", "brotli:3", "snappy", "transpose", "pad_to_block_boundary:true"]
)
@pytest.mark.parametrize("packable", [False, True])
def test_sizes_are_those_that_were_written(group, more, packable):
    records = [bytes(n) for n in LENGTHS] if packable else records_of(LENGTHS)
    data = array_record_of(*records, options=f"group_size:{group},{more}".rstrip(","))
    assert sizes_of(data) == groups_of(records, group)
    chunks = chunks_of(data)
    assert chunks[0] == (0, SIGNATURE, 0, 0, 0)
    if not packable and more != "transpose":
        bare = sum(chunk.packed - chunk.unpacked for chunk in chunks if chunk.records)
        assert 0 < bare < 100 * len(chunks), "random bytes take what they are"


@pytest.mark.parametrize("blocks", [1, 2])
def test_headers_that_a_block_begins_in_are_read(blocks):
    """The second record's chunk starts at each of the places around the beginning of a block."""
    starts = set()
    for length in range(blocks * BLOCK_BYTES - 260, blocks * BLOCK_BYTES - 60):
        records = [bytes(length), b"second", b"third!!"]
        data = array_record_of(*records, options="group_size:1,uncompressed")
        assert sizes_of(data) == groups_of(records, 1)
        starts.add(chunks_of(data)[2].start % BLOCK_BYTES)
    inside = {start for start in starts if 0 < BLOCK_BYTES - start < 40}
    assert len(inside) == 39 and 0 in starts and 25 in starts
    assert not starts & set(range(1, 25)), "chunks never start in the header of a block"


def test_a_chunk_of_more_records_than_bytes_is_padded():
    data = array_record_of(*[b""] * 100_000, options="group_size:50000")
    assert sizes_of(data) == [(50_000, 0)] * 2
    assert chunks_of(data)[2].start >= FIRST + 50_000


@pytest.mark.parametrize("behind", [-1, 0, 1, 24, 25, 26])
def test_padding_does_not_end_in_the_header_of_a_block(behind):
    count = BLOCK_BYTES - FIRST + behind
    data = array_record_of(*[b""] * count, b"last", options=f"group_size:{count}")
    assert sizes_of(data) == [(count, 0), (1, 4)]
    rounded = 25 if 0 < behind <= 25 else behind
    assert chunks_of(data)[2].start == BLOCK_BYTES + rounded


def test_a_file_without_records_is_read():
    assert sizes_of(array_record_of()) == []


def test_files_that_are_cut_off_are_refused():
    data = array_record_of(*records_of([50_000, 40_000, 30_000]))
    ends = {chunk.start for chunk in chunks_of(data)} | {len(data)}
    edges = {place + more for place in ends for more in (-41, -40, -1, 1, 24, 39, 40, 63, 64)}
    cuts = sorted(edges | set(range(0, len(data), 997)))
    for cut in (cut for cut in cuts if 0 <= cut < len(data)):
        if cut in ends - {0}:
            chunks_of(data[:cut])  # the library misses its index
            continue
        with pytest.raises(ValueError, match=r"a\.array_record-0 is damaged or cut off: .* byte"):
            chunks_of(data[:cut])


@pytest.mark.parametrize("number", [2**17, 2**31, 2**48, 2**56 - 1])
@pytest.mark.parametrize("place", [DATA_SIZE, KIND_AND_RECORDS])
def test_sizes_beyond_the_end_are_refused(number, place):
    data = array_record_of(b"one", b"two")
    said = number << 8 | ord("r") if place == KIND_AND_RECORDS else number
    for value in (said, said | 1 << 63):
        with pytest.raises(ValueError, match=r"-0 is damaged or cut off: its chunk at byte 64 is"):
            chunks_of(with_number(data, FIRST + place, 8, value))


@pytest.mark.parametrize("number", [0, 10**9, 2**63, 2**64 - 1])
def test_what_a_chunk_unpacks_to_is_said_and_not_believed(number):
    data = with_number(array_record_of(b"one", b"two"), FIRST + UNPACKED, 8, number)
    assert chunks_of(data)[1].unpacked == number


@pytest.mark.parametrize(
    "data", [bytes(100), b"no records, but a text that is longer than any header would be" * 9]
)
def test_files_of_other_formats_are_refused(data):
    with pytest.raises(ValueError, match=r"a\.array_record-0 is no array_record file"):
        chunks_of(data)
    with pytest.raises(ValueError, match="chunk at byte 0 is not whole"):
        chunks_of(data[:30])


def test_the_data_are_not_read():
    data = array_record_of(*records_of([10**6] * 5))
    read = []

    class Counted(io.BytesIO):
        def read(self, size=-1):
            read.append(size)
            return super().read(size)

    chunks = list(read_chunks(Counted(data), NAME))
    assert len(read) == len(chunks) and max(read) <= 64 and min(read) > 0


def test_the_signature_is_that_of_the_specification():
    """Bytes copied from the specification: riegeli_records_file_format.md, File signature."""
    words = (
        "83af70d10d884a3f 0000000000000000 4000000000000000 91bac23c9287e1a9"
        "0000000000000000 e19f13c0e9b1c372 7300000000000000 0000000000000000"
    )
    data = bytes.fromhex(words)
    assert chunks_of(data) == [(0, SIGNATURE, 0, 0, 0)]
    assert array_record_of(b"one").startswith(data[:8])
    assert struct.unpack("<Q", data[16:24]) == (FIRST,)


def test_forged_headers_have_the_hash_of_the_library():
    data = array_record_of(*records_of([100, 200]))
    assert with_a_header(data, UNPACKED, 100) == data != with_a_header(data, UNPACKED, 99)
    assert highway_hash(b"") == 0x72C3B1E9C0139FE1, "of the specification: data of the signature"
