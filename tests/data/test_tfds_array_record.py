"""Records of array_record files by number: none that unpacks to far more than it takes."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from lqjax.data import tfds_array_record
from lqjax.data.pictures import MAX_BYTES
from lqjax.data.tfds_array_record import MOST_OF_SMALL, TIMES_ITS_SIZE, CheckedRecords
from tests.data.array_records import FIRST, UNPACKED, array_record_of, with_a_header
from tests.data.damage_tfds import with_picture
from tests.data.damaging import with_number
from tests.data.making import load
from tests.data.test_riegeli_chunks import chunks_of
from tests.data.test_riegeli_chunks import records_of as random_records
from tests.data.test_tfds import prepare

RECORDS = [bytes([number]) * (1000 + number) for number in range(9)]
BOMB = bytes(2 * MOST_OF_SMALL)


class Unread:
    """Records that nobody may read."""

    def __init__(self, count):
        self._count = count

    def __len__(self):
        return self._count

    def __getitem__(self, row):
        raise AssertionError("unpacked")


def write(folder, *files):
    paths = []
    for number, data in enumerate(files):
        paths.append(folder / f"a.array_record-{number}")
        paths[-1].write_bytes(data)
    return paths


def opened(paths, counts):
    """Read with the library, as TFDS asks it to."""
    import array_record.python.array_record_data_source as source

    parts = [f"{path}[0:{count}]" for path, count in zip(paths, counts, strict=True)]
    return CheckedRecords(source.ArrayRecordDataSource(parts), paths, counts)


@pytest.mark.parametrize("group", [1, 3])
def test_records_are_read_in_any_order_over_several_files(tmp_path, group):
    options = f"group_size:{group}"
    parts = RECORDS[:4], RECORDS[4:5], RECORDS[5:]
    files = [array_record_of(*part, options=options) for part in parts]
    records = opened(write(tmp_path, *files), [4, 1, 4])
    assert len(records) == 9
    order = [8, 0, 4, 3, 5, 1, 7, 2, 6, 0]
    assert [records[row] for row in order] == [RECORDS[row] for row in order]
    assert list(records) == RECORDS
    for row in (9, -1):
        with pytest.raises(IndexError):
            records[row]


def test_a_file_is_checked_once_when_it_is_read_of(tmp_path, monkeypatch):
    checked, real = [], tfds_array_record.check_chunks

    def noted(file, name):
        checked.append(name[-1])
        real(file, name)

    monkeypatch.setattr(tfds_array_record, "check_chunks", noted)
    paths = write(tmp_path, array_record_of(*RECORDS[:4]), array_record_of(*RECORDS[4:]))
    records = opened(paths, [4, 5])
    assert not checked
    assert records[8] == RECORDS[8] and checked == ["1"]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(records.__getitem__, range(9))) == RECORDS
    assert checked == ["1", "0"]


@pytest.mark.parametrize("options", ["group_size:1", "group_size:3", "group_size:1,brotli:3"])
def test_a_file_that_unpacks_to_far_more_than_it_takes_is_refused_unread(tmp_path, options):
    data = array_record_of(b"whole", BOMB, b"whole", options=options)
    assert len(data) < 200_000
    paths = write(tmp_path, array_record_of(b"whole"), data)
    for row in (1, 2, 3):
        with pytest.raises(ValueError, match=r"of a\.array_record-1 unpacks to 33,554,4.. bytes"):
            CheckedRecords(Unread(4), paths, [1, 3])[row]
    assert opened(paths, [1, 3])[0] == b"whole"


def test_what_is_unpacked_to_little_or_takes_as_much_is_read(tmp_path):
    small, (large,) = bytes(MOST_OF_SMALL), random_records([MOST_OF_SMALL + 10**6])
    records = opened(write(tmp_path, array_record_of(small, large)), [2])
    assert records[0] == small and records[1] == large


@pytest.mark.parametrize("more", [0, 1])
def test_the_bound_is_what_the_chunk_takes_times_a_hundred_and_some(tmp_path, more):
    data = array_record_of(b"one", b"two")
    most = TIMES_ITS_SIZE * chunks_of(data)[1].packed + MOST_OF_SMALL
    (path,) = write(tmp_path, with_number(data, FIRST + UNPACKED, 8, most + more))
    with path.open("rb") as file:
        if more:
            with pytest.raises(ValueError, match=f"chunk at byte 64 of .* to {most + 1:,} bytes"):
                tfds_array_record.check_chunks(file, path.name)
        else:
            tfds_array_record.check_chunks(file, path.name)


def test_no_record_is_longer_than_the_longest_picture(tmp_path):
    large = random_records([MAX_BYTES // TIMES_ITS_SIZE])
    for count in (1, 2):
        data = array_record_of(*large * count, options="group_size:2,uncompressed")
        data = with_number(data, FIRST + UNPACKED, 8, count * MAX_BYTES)
        tfds_array_record.check_chunks(io.BytesIO(data), "a")
        data = with_number(data, FIRST + UNPACKED, 8, count * MAX_BYTES + 1)
        with pytest.raises(ValueError, match="byte 64 of a unpacks to"):
            tfds_array_record.check_chunks(io.BytesIO(data), "a")


def test_records_by_their_parts_are_refused_unread(tmp_path):
    paths = write(tmp_path, array_record_of(*RECORDS, options="group_size:3,transpose"))
    with pytest.raises(ValueError, match=r"a\.array_record-0 is written with transpose, so that"):
        CheckedRecords(Unread(9), paths, [9])[0]


def test_a_chunk_that_says_less_than_it_unpacks_to_is_refused_by_the_library(tmp_path):
    """It has the right hash: what makes room for records is the number that was looked at."""
    paths = write(tmp_path, with_a_header(array_record_of(BOMB, b"two"), UNPACKED, 1000))
    with pytest.raises(RuntimeError, match="Decoded data size larger than expected"):
        opened(paths, [2])[0]


def test_damaged_files_are_named_unread(tmp_path):
    paths = write(tmp_path, array_record_of(*RECORDS)[:-1])
    with pytest.raises(ValueError, match=r"a\.array_record-0 is damaged or cut off: "):
        CheckedRecords(Unread(9), paths, [9])[0]


def test_other_numbers_of_records_are_refused(tmp_path):
    paths = write(tmp_path, array_record_of(*RECORDS))
    for counts in ([8], [4, 5]):
        with pytest.raises(ValueError, match=r"array_record files do not hold 9 records"):
            CheckedRecords(Unread(9), paths, counts)


def test_a_data_set_with_such_a_file_is_refused_in_one_line(tmp_path):
    version = prepare(tmp_path, splits={"train": 10, "test": 4})
    (path,) = version.glob("*-train.array_record*")
    path.write_bytes(array_record_of(with_picture(BOMB, 0), *[b""] * 9))
    with pytest.raises(ValueError, match=r"1\.0\.0.*byte 64 of .*train.*unpacks to") as error:
        load("tfds", f"lqjax_tiny@{tmp_path}")
    assert "\n" not in str(error.value) and path.name in str(error.value)
