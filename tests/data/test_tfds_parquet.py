"""Records of Parquet files by number: a few row groups in memory, and no more."""

import pytest

from lqjax.data import tfds_parquet
from lqjax.data.tfds_parquet import ParquetRecords
from tests.data.damage_bombs import records_of

pytest.importorskip("pyarrow")

LENGTH = 1000
RECORDS = [bytes([number]) * (LENGTH + number) for number in range(9)]


def write(folder, *shards, **options):
    paths = []
    for number, records in enumerate(shards):
        paths.append(folder / f"a.parquet-{number}")
        paths[-1].write_bytes(records_of(*records, **options))
    return paths


@pytest.mark.parametrize("rows_at_once", [1, 2, 100])
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_records_are_read_in_any_order_over_several_files(tmp_path, rows_at_once, use_dictionary):
    options = {"rows_at_once": rows_at_once, "use_dictionary": use_dictionary}
    paths = write(tmp_path, RECORDS[:4], [], RECORDS[4:], **options)
    records = ParquetRecords(paths, [4, 0, 5])
    assert len(records) == 9
    order = [8, 0, 4, 3, 5, 1, 7, 2, 6, 0]
    assert [records[row] for row in order] == [RECORDS[row] for row in order]
    for row in (9, -1):
        with pytest.raises(IndexError):
            records[row]


def test_a_row_group_is_unpacked_when_it_is_asked_for_and_let_go(tmp_path, monkeypatch):
    unpacked, real = [], tfds_parquet._unpack

    def noted(file, name, shard, group):
        unpacked.append((name[-1], group))
        return real(file, name, shard, group)

    monkeypatch.setattr(tfds_parquet, "_unpack", noted)
    monkeypatch.setattr(tfds_parquet, "KEPT_BYTES", 5 * LENGTH)  # two groups of two records
    paths = write(tmp_path, RECORDS[:4], RECORDS[4:], rows_at_once=2)
    records = ParquetRecords(paths, [4, 5])
    assert not unpacked
    for row in (0, 1, 2, 3, 1, 8, 0, 2):
        assert records[row] == RECORDS[row]
        assert len(records._unpacked) <= 2
    assert unpacked == [("0", 0), ("0", 1), ("1", 2), ("0", 1)]


def test_many_times_what_a_row_group_takes_is_refused_unpacked_by_nobody(tmp_path, monkeypatch):
    bomb = bytes(2 * tfds_parquet.MOST_OF_SMALL)
    (path,) = write(tmp_path, [b"whole", bomb, b"whole"], rows_at_once=1, use_dictionary=False)
    records = ParquetRecords([path], [3])
    assert records[0] == records[2] == b"whole"
    monkeypatch.setattr("pyarrow.parquet.ParquetFile", lambda *_, **__: pytest.fail("unpacked"))
    with pytest.raises(ValueError, match=r"row group 1 of a\.parquet-0 unpacks to 33,554,4.. byte"):
        records[1]


@pytest.mark.parametrize("count", [8, 10])
def test_another_number_of_records_is_refused(tmp_path, count):
    with pytest.raises(ValueError, match=rf"a\.parquet-0 holds 9 records, not the {count} that"):
        ParquetRecords(write(tmp_path, RECORDS), [count])[0]


def test_an_empty_cell_is_named(tmp_path):
    paths = write(tmp_path, [b"a", None])
    with pytest.raises(ValueError, match=r"record 1 of a\.parquet-0 is empty"):
        ParquetRecords(paths, [2])[1]


def test_records_of_other_types_are_refused(tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"data": [1, 2]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"first column of a\.parquet, 'data', is of int64"):
        ParquetRecords([tmp_path / "a.parquet"], [2])[0]
