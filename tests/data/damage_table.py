"""An index of pictures, as CSV and as Parquet, damaged."""

import csv
import dataclasses
import io
import struct

from lqjax.config import DataConfig
from lqjax.data.loading import load_dataset, load_folds
from tests.data.damage_checks import SIZE, check_dataset
from tests.data.damage_child import outcome
from tests.data.damaging import damaged, generator
from tests.data.making import noise, save

CELLS = (
    "", " ", "nan", "1e400", "-1", "1e-400", "٣", "0x10", "1_0", "\0", '"', '""', "'", "a,b", "a;b",
    "../../x.png", "/etc/passwd", "C:\\x.png", "..\\x.png", "pictures", ".", "pictures/../../x.png",
    "é", "e\u0301", "\u202eabc", "\ud800", "a\nb", "a\rb", "=cmd()", "x" * 5000, "9" * 5000, "True",
    "pictures/cat00.png/", "pictures//cat00.png", "train", "TEST", "~", "~root/x", "%s%n",
    "file:///etc/passwd", "\ufeff", "1" * 400 + "e" + "9" * 40, "/dev/zero", "/dev/stdin", "pipe",
)  # fmt: skip


def index_rows(root, count=6):
    rows = []
    for number, name in enumerate(("cat", "dog")):
        for index in range(count):
            path = f"pictures/{name}{index:02}.png"
            save(root / path, noise(100 * number + index, 9, 8))
            split = ("train", "train", "train", "val", "test", "test")[index]
            rows.append([path, name, split, f"p{index}", str(1 + index % 3)])
    return [["path", "label", "split", "group", "weight"], *rows]


def csv_bytes(rows, separator=","):
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator).writerows(rows)
    return file.getvalue().encode("utf-8", "surrogatepass")


class Table:
    """An index of pictures as CSV, some with a few columns only."""

    name, salt = "index.csv", 3

    def __init__(self, folder):
        self._folder, self._rows = folder, index_rows(folder)
        self._path = folder / self.name

    def __call__(self, seed):
        self._path.write_bytes(
            csv_bytes(self._rows) if seed is None else self.damaged(generator(seed, self.salt))
        )
        return self._loaded()

    def _loaded(self):
        settings = DataConfig(source="table", path=str(self._path), image_size=SIZE, workers=1)
        names = [str(self._path), str(self._folder / "pictures"), "index has ", " of index "]
        return outcome(lambda: load_dataset(settings), check_dataset, names)

    def damaged(self, draws):
        columns = draws.choice([2, 3, 5, 5, 5])
        rows = [row[:columns] for row in self._rows]
        separator = str(draws.choice([",", ";", "\t"]))
        way = draws.integers(4)
        if way == 0:
            other = csv_bytes([["id", "file", "class"], ["1", "x.png", "a"]], ";")
            return damaged(draws, csv_bytes(rows, separator), other)
        if way == 1:
            encoding = str(draws.choice(["utf-16", "latin-1", "utf-8-sig", "utf-32"]))
            text = csv_bytes(rows, separator).decode()
            return text.replace(f"cat{separator}", f"é{separator}").encode(encoding)
        for _ in range(draws.integers(1, 3)):
            self._change(draws, rows)
        return csv_bytes(rows, separator)

    @staticmethod
    def _change(draws, rows):
        row = rows[draws.integers(len(rows))]
        way = draws.integers(8)
        if way <= 4 and row:
            row[draws.integers(len(row))] = CELLS[draws.integers(len(CELLS))]
        elif way == 5:
            row.append("more")
        elif way == 6:
            rows.insert(draws.integers(len(rows)), list(row))
        else:
            del rows[draws.integers(len(rows))]
            rows.append(["x"])


class Lists(Table):
    """A manifest or a `keep.csv` for an index that is whole."""

    salt = 6

    def __init__(self, folder):
        super().__init__(folder)
        self._path.write_bytes(csv_bytes(self._rows))
        whole = DataConfig(source="table", path=str(self._path), image_size=SIZE, workers=1)
        self._settings = whole
        manifest = load_folds(whole).manifest.to_bytes().decode()
        self._manifest = list(csv.reader(io.StringIO(manifest)))
        kept = [[row[0], str(n % 5 and 1), "dark;odd"] for n, row in enumerate(self._rows[1:], 1)]
        self._keep = [["id", "keep", "reasons"], *kept]

    def __call__(self, seed):
        draws = generator(seed or 0, self.salt)
        kind = ("manifest", "keep")[draws.integers(2)]
        rows = [list(row) for row in (self._manifest if kind == "manifest" else self._keep)]
        if seed is not None and draws.integers(3):
            for _ in range(draws.integers(1, 3)):
                self._change(draws, rows)
        data = csv_bytes(rows)
        if seed is not None and draws.integers(2):
            data = damaged(draws, data, b"id,split\n")
        path = self._folder / f"{kind}.csv"
        path.write_bytes(data)
        settings = dataclasses.replace(self._settings, **{kind: str(path)})
        names = [str(path), str(self._folder / "pictures"), "index has ", " of index "]
        return outcome(lambda: load_dataset(settings), check_dataset, names)


class Parquet(Table):
    """The same as Parquet."""

    name, salt = "index.parquet", 4

    def __init__(self, folder):
        super().__init__(folder)
        self._whole = [self._written(n) for n in ("none", "snappy", "zstd")]

    def _written(self, compression):
        import pyarrow
        from pyarrow import parquet

        columns = dict(zip(self._rows[0], zip(*self._rows[1:], strict=True), strict=True))
        file = io.BytesIO()
        parquet.write_table(pyarrow.table(columns), file, compression=compression)
        return file.getvalue()

    def __call__(self, seed):
        if seed is None:
            self._path.write_bytes(self._whole[0])
            return self._loaded()
        return super().__call__(seed)

    def damaged(self, draws):
        data = self._whole[draws.integers(len(self._whole))]
        if draws.integers(3):  # within what describes the file, which its end is the length of
            length = struct.unpack("<I", data[-8:-4])[0]
            start = len(data) - 8 - length
            inner = damaged(draws, data[start:-8], self._whole[0])
            return data[:start] + inner + struct.pack("<I", len(inner)) + b"PAR1"
        return damaged(draws, data, self._whole[0])
