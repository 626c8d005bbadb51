"""Small files that claim to be, or are when unpacked, very large."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from PIL import Image

from lqjax.config import DataConfig
from lqjax.data.loading import load_dataset
from tests.data.array_records import UNPACKED, array_record_of, with_a_header
from tests.data.damage_checks import SIZE, check_dataset
from tests.data.damage_child import outcome
from tests.data.damage_npz import archived, arrays, one_array
from tests.data.damage_pictures import saved
from tests.data.damaging import png_of, with_number
from tests.data.making import class_folders

ROWS_AT_ONCE = 100

RECORDS = 10
"""Of a prepared data set for training."""

PREPARED = {"tfds": "parquet", "array_record": "array_record"}
"""Kinds of bombs that are files of a prepared data set -> its format."""


def square(side, kind="L"):
    """Make a picture of one colour."""
    return Image.new(kind, (side, side))


def png_of_size(width, height, content=b""):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return png_of([(b"IHDR", head), (b"IDAT", zlib.compress(content)), (b"IEND", b"")])


def tiff_of_size(width, height):
    whole = saved(square(20), "TIFF", compression="tiff_deflate")
    for tag, value in ((256, width), (257, height), (278, height)):
        entry = next(
            found for kind in (3, 4) if (found := whole.find(struct.pack("<HHI", tag, kind, 1))) > 0
        )
        whole = with_number(whole, entry + 2, 10, 4 | 1 << 16 | value << 48)
    return whole


def npz_claiming(**fields):
    """Pack a file of which a directory entry says more than there is."""
    data = archived({f"{key}.npy": one_array(a) for key, a in arrays().items()})
    place = data.find(b"PK\1\2")
    for start, value in fields.values():
        data = with_number(data, place + start, 4, value)
    return data


def npz_of(member):
    """Pack images that are as given, and labels."""
    members = {f"{key}.npy": one_array(a) for key, a in arrays().items()}
    return archived({**members, "train_images.npy": member})


def head_of(shape, content=b""):
    said = repr({"descr": "|u1", "fortran_order": False, "shape": shape}).encode()
    return npy.magic(1, 0) + struct.pack("<H", len(said)) + said + content


def jpeg_of_scans(side, count):
    """Repeat the last scan, which says nothing new, with the table before it."""
    data = saved(square(side), "JPEG", progressive=True)
    scan = data[data.rfind(b"\xff\xc4") : -2]
    return data[:-2] + scan * count + data[-2:]


def parquet_of(rows, groups=1, path="pictures/x.png", repeated=True):
    """Write an index of which all rows are the same, and as often again as there are groups."""
    import pyarrow
    from pyarrow import parquet

    def column(text):
        if not repeated:
            return pyarrow.array([text] * rows)
        return pyarrow.DictionaryArray.from_arrays(np.zeros(rows, np.int32), [text])

    table, file = pyarrow.table({"path": column(path), "label": column("cat")}), io.BytesIO()
    with parquet.ParquetWriter(
        file, table.schema, compression="zstd", use_dictionary=repeated
    ) as writer:
        for _ in range(groups):
            writer.write_table(table)
    return file.getvalue()


def views_of(rows, length):
    """Write an index of one long text, in a column of views, which are read in another way."""
    import pyarrow
    from pyarrow import parquet

    file = io.BytesIO()
    texts = pyarrow.array(["x" * length] * ROWS_AT_ONCE, pyarrow.string_view())
    table = pyarrow.table({"path": texts, "label": ["cat"] * ROWS_AT_ONCE})
    with parquet.ParquetWriter(file, table.schema, compression="zstd") as writer:
        for _ in range(rows // ROWS_AT_ONCE):
            writer.write_table(table)
    return file.getvalue()


def understated(data, said=1000):
    """Let a Parquet file say that it unpacks to little; its pages say what they said.

    The numbers are replaced where they stand, by ones of as many bytes.
    """
    from pyarrow import parquet

    metadata = parquet.ParquetFile(io.BytesIO(data)).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    sizes = {group.total_byte_size for group in groups}
    for group in groups:
        columns = map(group.column, range(group.num_columns))
        sizes |= {column.total_uncompressed_size for column in columns}
    (length,) = struct.unpack("<I", data[-8:-4])
    start = len(data) - 8 - length
    end = data[start:-8]
    for size in sizes:
        if size > said:
            known = varint(2 * size)
            assert known in end
            end = end.replace(known, varint(2 * said, len(known)))
    return data[:start] + end + data[-8:]


def varint(number, length=0):
    """Write a number seven bits a byte, the lowest first; with zeros up to a length."""
    made = []
    while number or len(made) < max(length, 1):
        made.append(number & 127 | 128)
        number >>= 7
    made[-1] &= 127
    return bytes(made)


def records_of(*records, rows_at_once=100, **options):
    """Write records as TFDS does in Parquet files."""
    import pyarrow
    from pyarrow import parquet

    file, kind = io.BytesIO(), pyarrow.schema([("data", pyarrow.binary())])
    with parquet.ParquetWriter(file, kind, compression="zstd", **options) as writer:
        for start in range(0, len(records), rows_at_once):
            part = pyarrow.array(records[start : start + rows_at_once], pyarrow.binary())
            writer.write_table(pyarrow.table({"data": part}))
    return file.getvalue()


BOMBS = (
    ("picture", lambda: jpeg_of_scans(9000, 5000)),
    ("picture", lambda: png_of_size(310_000, 310_000, bytes(10**6))),
    ("picture", lambda: png_of_size(2**31 - 1, 2**31 - 1)),
    ("picture", lambda: png_of_size(9000, 9000, bytes(2000))),
    ("picture", lambda: tiff_of_size(310_000, 310_000)),
    ("picture", lambda: tiff_of_size(9000, 9000)),
    ("picture", lambda: with_number(saved(square(20), "GIF"), 6, 4, 2**32 - 1)),
    ("picture", lambda: with_number(saved(square(20), "BMP"), 18, 8, 310_000 << 32 | 310_000)),
    ("picture", lambda: with_number(saved(square(20), "BMP"), 18, 8, 9000 << 32 | 9000)),
    (
        "picture",
        lambda: with_number(saved(square(20, "RGBA"), "WEBP", lossless=True), 21, 4, 2**28 - 1),
    ),
    ("picture", lambda: saved(square(9500), "PNG")),
    ("picture", lambda: saved(square(9500), "GIF")),
    ("picture", lambda: saved(square(9500), "TIFF", compression="tiff_deflate")),
    ("npz", lambda: npz_claiming(size=(24, 2**32 - 2))),
    ("npz", lambda: npz_claiming(size=(24, 2**32 - 2), packed=(20, 2**32 - 2))),
    ("npz", lambda: npz_of(head_of((100 * 2**30,)))),
    ("npz", lambda: npz_of(head_of((100, 2**15, 2**15), bytes(10**6)))),
    ("npz", lambda: npz_of(head_of((0, 2**62, 2**62)))),
    ("npz", lambda: npz_of(head_of((0, 2**31, 2**31, 3)))),
    ("npz", lambda: npz_of(head_of((12, 9, 8), bytes(3 * 10**8)))),
    ("csv", lambda: b"path,label\n" + b'"' + b"x" * 10**7),
    ("csv", lambda: b"path,label\n" + b'"' + b"x\n" * 10**6),
    ("csv", lambda: b"path" + b"," * 10**6),
    ("parquet", lambda: parquet_of(10**6, groups=12)),
    ("parquet", lambda: parquet_of(60_000, path="x" * 10**5)),
    ("parquet", lambda: parquet_of(2, path="x" * (3 * 10**8), repeated=False)),
    ("parquet", lambda: understated(parquet_of(2, path="x" * (3 * 10**8), repeated=False))),
    ("parquet", lambda: understated(parquet_of(600, path="x" * 10**6, repeated=False))),
    ("parquet", lambda: views_of(8000, length=10**5)),
    ("tfds", lambda: records_of(*[bytes(6 * 10**7)] * RECORDS, use_dictionary=False)),
    ("tfds", lambda: understated(records_of(bytes(6 * 10**8), *[b"x"] * 9, use_dictionary=False))),
    ("array_record", lambda: array_record_of(bytes(6 * 10**8), *[b"x"] * 9)),
    (
        "array_record",
        lambda: with_a_header(array_record_of(bytes(6 * 10**8), *[b"x"] * 9), UNPACKED, 1000),
    ),
    (
        "array_record",
        lambda: array_record_of(*[bytes(6 * 10**7)] * RECORDS, options="group_size:10"),
    ),
    (
        "array_record",
        lambda: array_record_of(*[bytes(6 * 10**7)] * RECORDS, options="group_size:10,transpose"),
    ),
)
"""(kind, what makes it): files that claim to be, or are when unpacked, larger than they look."""


class Bombs:
    """One by one."""

    def __init__(self, folder):
        from tests.data.test_tfds import prepare

        self._folder = folder
        splits, self._shards = {"train": RECORDS, "test": 4}, {}
        for kind, form in PREPARED.items():
            version = prepare(folder / form, splits=splits, file_format=form)
            (self._shards[kind],) = version.glob(f"*-train.{form}-*")
        class_folders(folder / "data", 6)
        # By another process: the memory that it takes would hide what this one uses later.
        subprocess.run([sys.executable, "-m", __name__, str(folder)], check=True)

    def __call__(self, seed):
        if seed is None:  # what libraries make for themselves, threads too, is not the bombs'
            said = [self._load(*self._place(kind)) for kind in PREPARED]
            return next((line for line in said if line != "loaded"), "loaded")
        kind, data = BOMBS[seed][0], (self._folder / f"{seed}.made").read_bytes()
        source, bomb, path = self._place(kind)
        bomb.write_bytes(data)
        return self._load(source, bomb, path)

    def _load(self, source, bomb, path):
        settings = DataConfig(source=source, path=path, image_size=SIZE, workers=1)
        names = [str(bomb.parent if source == "tfds" else bomb)]
        return outcome(lambda: load_dataset(settings), check_dataset, names)

    def _place(self, kind):
        """Give the source, where the bomb belongs, and `data.path`."""
        if kind == "picture":
            where = self._folder / "data"
            return "folder", where / "cat" / "bomb.png", str(where)
        if kind in PREPARED:
            return "tfds", self._shards[kind], f"lqjax_tiny@{self._folder / PREPARED[kind]}"
        path = self._folder / f"bomb.{kind}"
        return ("npz" if kind == "npz" else "table"), path, str(path)


if __name__ == "__main__":
    for row, (_, make) in enumerate(BOMBS):
        (Path(sys.argv[1]) / f"{row}.made").write_bytes(make())
