"""Records by number out of TFRecord files, and what is damaged named without reading it."""

import gzip
import resource
import struct
import zlib

import pytest

from lqjax.data import tfrecord
from lqjax.data.tfrecord import TfRecordFiles
from tests.data.tfrecords import crc32c, framed

RECORDS = [b"", b"a", b"x" * 5000, bytes(range(256)) * 3, b"last"]


def test_the_checksum_is_the_one_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720, B.4
    assert tfrecord.checksum(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA == tfrecord.checksum(bytes(32))


def write(folder, *shards):
    paths = []
    for number, records in enumerate(shards):
        paths.append(folder / f"a.tfrecord-{number}")
        paths[-1].write_bytes(records if isinstance(records, bytes) else framed(records))
    return paths


def test_records_are_read_in_any_order_over_several_files(tmp_path):
    paths = write(tmp_path, RECORDS[:2], [], RECORDS[2:])
    files = TfRecordFiles(paths, [2, 0, 3])
    assert len(files) == 5
    assert [files[row] for row in (4, 0, 2, 1, 3, 2)] == [RECORDS[r] for r in (4, 0, 2, 1, 3, 2)]
    for row in (5, -1):
        with pytest.raises(IndexError):
            files[row]


def test_a_length_beyond_the_file_asks_for_no_memory(tmp_path):
    header = struct.pack("<Q", 1 << 62)
    (path,) = write(tmp_path, header + struct.pack("<I", 0) + b"data")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="record 0, at byte 0, is not whole"):
        TfRecordFiles([path], [1])[0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 16


@pytest.mark.parametrize("cut", [1, 3, 8, 12, 18])
def test_a_file_that_is_cut_off_is_named(tmp_path, cut):
    whole = framed(RECORDS)
    (path,) = write(tmp_path, whole[:-cut])
    with pytest.raises(ValueError, match=r"a\.tfrecord-0 is damaged or cut off: its record 4"):
        TfRecordFiles([path], [5])[0]


@pytest.mark.parametrize(("count", "message"), [(4, "holds more records"), (6, "holds 5 records")])
def test_another_number_of_records_is_refused(tmp_path, count, message):
    with pytest.raises(ValueError, match=f"a.tfrecord-0 {message}, not the {count}"):
        TfRecordFiles(write(tmp_path, RECORDS), [count])[0]


@pytest.mark.parametrize(("compress", "kind"), [(gzip.compress, "gzip"), (zlib.compress, "zlib")])
def test_compressed_files_are_refused(tmp_path, compress, kind):
    paths = write(tmp_path, compress(framed(RECORDS)))
    with pytest.raises(ValueError, match=rf"is compressed \({kind}\)"):
        TfRecordFiles(paths, [5])[0]


def test_every_changed_bit_is_found(tmp_path):
    whole = framed(RECORDS[3:])
    for position in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        files = TfRecordFiles(write(tmp_path, bytes(changed)), [2])
        with pytest.raises(ValueError, match=r"a\.tfrecord-0"):
            [files[row] for row in range(2)]


def test_a_file_that_shrinks_while_it_is_read_is_named(tmp_path):
    (path,) = write(tmp_path, RECORDS)
    files = TfRecordFiles([path], [5])
    files[0]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="has become shorter"):
        files[4]
