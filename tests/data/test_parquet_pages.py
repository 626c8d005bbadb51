"""Sizes of pages without unpacking them, compared with what pyarrow says of its own files."""

import io

import numpy as np
import pytest

from lqjax.data.parquet_pages import PREFIXED, read_pages, read_row_groups

PLAIN = {"use_dictionary": False, "compression": "none"}
HEADER = 90
"""Bytes that the header of a page takes at most; pyarrow counts them in."""


def table():
    pyarrow = pytest.importorskip("pyarrow")
    count, draws = 5000, np.random.default_rng(0)
    columns = {
        "path": [f"a/b/{row}.png" for row in range(count)],
        "label": ["cat", "dog"] * (count // 2),
        "weight": draws.random(count),
        "seen": [True, False] * (count // 2),
        "none": pyarrow.nulls(count),
        "lists": [[1, 2]] * count,
    }
    return pyarrow.table(columns)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"data_page_version": "2.0", "compression": "zstd"},
        {**PLAIN, "data_page_size": 2000, "write_page_checksum": True},
        {**PLAIN, "column_encoding": {"path": "DELTA_BYTE_ARRAY", "label": "PLAIN"}},
    ],
)
def test_pages_are_as_large_as_pyarrow_says(options):
    parquet = pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    parquet.write_table(table(), file, row_group_size=2000, **options)
    metadata = parquet.ParquetFile(file).metadata
    groups = read_row_groups(file)
    assert [group.rows for group in groups] == [2000, 2000, 1000]
    assert len(groups) == metadata.num_row_groups
    for number, group in enumerate(groups):
        assert len(group.columns) == metadata.num_columns
        for at, chunk in enumerate(group.columns):
            column, pages = metadata.row_group(number).column(at), list(read_pages(file, chunk))
            assert (chunk.values, chunk.length) == (column.num_values, column.total_compressed_size)
            headers = column.total_uncompressed_size - sum(page.unpacked for page in pages)
            assert 0 < headers <= HEADER * len(pages)
            prefixed = any(page.encoding in PREFIXED for page in pages)
            assert prefixed == ("DELTA_BYTE_ARRAY" in column.encodings)


def test_every_cut_ends_in_an_error():
    parquet = pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    parquet.write_table(table().slice(0, 50), file)
    whole = file.getvalue()
    for cut in range(1, len(whole), 7):
        with pytest.raises(Exception):  # noqa: B017
            read_row_groups(io.BytesIO(whole[:-cut]))
