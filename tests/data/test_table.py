"""Indexes of pictures: columns, splits, labels, and every line that can be wrong."""

import ast
import csv
import os
import sys

import numpy as np
import pytest

from lqjax.config import DataConfig
from lqjax.data import presence
from lqjax.data.contents import content_digest, content_digests
from lqjax.data.loading import describe
from lqjax.data.source import SOURCES
from tests.data.making import load, noise, save

PARTS = ("train",) * 6 + ("val",) * 2 + ("test",) * 2


def make(root, count=10, classes=("cat", "dog")):
    """Save pictures; give a row of (path, label, split, group, weight) for each."""
    rows = []
    for number, name in enumerate(classes):
        for index in range(count):
            path = f"pictures/{name}{index:02}.png"
            save(root / path, noise(100 * number + index, 28, 28))
            rows.append([path, name, PARTS[index], f"p{index // 2}", str(1 + index % 3)])
    return rows


def write(
    root, rows, head=("path", "label", "split", "group", "weight"), name="index.csv", **style
):
    with (root / name).open("w", newline="", encoding=style.pop("encoding", "utf-8")) as opened:
        csv.writer(opened, **style).writerows([head, *rows])
    return root / name


def without(rows, *columns):
    return [[cell for number, cell in enumerate(row) if number not in columns] for row in rows]


def test_every_column_is_used(tmp_path):
    rows = make(tmp_path)
    data = load("table", write(tmp_path, rows))
    assert [len(s) for s in (data.train, data.validation, data.test)] == [12, 4, 4]
    assert (data.name, data.class_names, data.channels) == ("index", ("cat", "dog"), 1)
    by_path = {row[0]: row for row in rows}
    names = {"train": "train", "validation": "val", "test": "test"}
    for part, split in names.items():
        found = getattr(data, part)
        assert found.ids.tolist() == [row[0] for row in rows if row[2] == split]
        for row in range(len(found)):
            _, label, _, group, weight = by_path[found.ids[row]]
            assert data.class_names[found.labels[row]] == label
            assert (found.groups[row], found.weights[row]) == (group, float(weight))
            number = ("cat", "dog").index(label) * 100 + int(found.ids[row][-6:-4])
            np.testing.assert_array_equal(found.images[row, ..., 0], noise(number, 28, 28))
    assert found.weights.dtype == np.float32
    assert "2 classes in the order of their name: cat, dog" in describe(data)


def test_a_listing_gives_files_and_their_bytes(tmp_path):
    rows = make(tmp_path)
    path = write(tmp_path, rows)
    listing = SOURCES["table"](DataConfig(source="table", path=str(path))).splits["test"]
    assert listing.files == [str(tmp_path / row[0]) for row in rows if row[2] == "test"]
    digest = content_digest((tmp_path / listing.ids[1]).read_bytes())
    assert content_digests(listing, 1)[1] == digest
    version = listing.version(1)
    save(tmp_path / listing.ids[1], noise(9, 40, 40))
    assert listing.version(1) != version


def test_without_splits_they_are_made_and_weights_and_groups_stay_away(tmp_path):
    data = load("table", write(tmp_path, without(make(tmp_path), 2, 3, 4), ("path", "label")))
    assert len(data.train) + len(data.validation) + len(data.test) == 20
    assert data.train.weights is None
    assert data.train.groups is None


def test_groups_stay_together_in_splits_made_here(tmp_path):
    rows = without([[*row[:3], row[0][:13] + row[3], ""] for row in make(tmp_path)], 2, 4)
    path = write(tmp_path, rows, ("path", "label", "group"))
    data = load("table", path, validation_fraction=0.2)
    found = [set(s.groups) for s in (data.train, data.validation, data.test)]
    assert set.union(*found) == {row[2] for row in rows}
    assert sum(map(len, found)) == 10


def test_columns_can_be_named_and_left_out(tmp_path):
    head = ("File", "Finding", "Part", "Patient", "Importance")
    path = write(tmp_path, make(tmp_path), head)
    columns = {"path_column": "File", "label_column": "finding"}
    more = {"split_column": "Part", "group_column": "Patient", "weight_column": "Importance"}
    data = load("table", path, **columns, **more)
    assert data.train.weights.tolist()[:3] == [1, 2, 3]
    assert not any("not used" in note for note in data.notes)
    assert load("table", path, **columns).train.groups is None
    note = "columns that are not used: Part, Patient, Importance"
    assert note in load("table", path, **columns).notes
    with pytest.raises(ValueError, match=r"no column 'Age'; its columns are File, .*group_column"):
        load("table", path, **columns, group_column="Age")
    plain = write(tmp_path, make(tmp_path))
    empty = dict.fromkeys(("split_column", "group_column", "weight_column"), "")
    assert load("table", plain, **empty).train.weights is None


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("a.csv", {"delimiter": ";", "lineterminator": "\r\n"}),
        ("a.tsv", {"delimiter": "\t", "lineterminator": "\n"}),
        ("a.csv", {"encoding": "utf-8-sig", "quoting": csv.QUOTE_ALL}),
        ("a.csv", {"lineterminator": "\r"}),
        ("a.txt", {"delimiter": "\t", "encoding": "utf-8-sig"}),
    ],
)
def test_kinds_of_csv(tmp_path, name, style):
    rows = make(tmp_path, 10, ("größe, klein", '猫 "x"; y'))
    data = load("table", write(tmp_path, rows, name=name, **style))
    assert data.class_names == ("größe, klein", '猫 "x"; y')
    assert len(data.train) == 12


def test_blanks_empty_lines_and_windows_paths(tmp_path):
    rows = make(tmp_path)
    lines = [" Path , LABEL", ""]
    lines += [f'{row[0]}, "{row[1]}" ' for row in rows[:-1]]
    lines += [",", "", "pictures\\dog09.png,dog", "", " "]
    (tmp_path / "a.csv").write_text("\n".join(lines).replace('" ', '"'))
    data = load("table", tmp_path / "a.csv")
    assert data.class_names == ("cat", "dog")
    ids = np.concatenate([data.train.ids, data.validation.ids, data.test.ids])
    assert sorted(ids) == sorted(row[0] for row in rows)


def test_whole_numbers_are_sorted_as_numbers(tmp_path):
    classes = ("10", "9", "-1", "100")
    data = load("table", write(tmp_path, make(tmp_path, 10, classes)))
    assert data.class_names == ("-1", "9", "10", "100")
    assert "4 classes in the order of their number: -1, 9, 10, 100" in data.notes
    assert data.test.ids[data.test.labels == 2].tolist() == [
        "pictures/1008.png",
        "pictures/1009.png",
    ]
    assert load("table", write(tmp_path, make(tmp_path, 10, ("10", "9", "b")))).class_names == (
        *("10", "9", "b"),
    )


def test_paths_may_start_from_another_folder(tmp_path):
    rows = make(tmp_path / "data")
    path = write(tmp_path, rows)
    with pytest.raises(ValueError, match=r"line 2: there is no such file.*19 more.*data\.root"):
        load("table", path)
    assert load("table", path, root=str(tmp_path / "data")).train.ids[0] == rows[0][0]
    with pytest.raises(ValueError, match=r"data\.root=.*nowhere: no such folder"):
        load("table", path, root=str(tmp_path / "nowhere"))


def changed(row, column, value):
    def change(rows, root):
        rows[row][column] = value

    return change


def cut_row(rows, root):
    rows[4] = rows[4][:3]


def add_cell(rows, root):
    rows[4].append("x")


def to_folder(rows, root):
    (root / "pictures" / "more").mkdir()
    rows[4][0] = "pictures/more"


def to_pipe(rows, root):
    os.mkfifo(root / "pictures" / "pipe.png")
    rows[4][0] = "pictures/pipe.png"


def no_dog_in_test(rows, root):
    for row in rows[-2:]:
        row[2] = "train"


def no_training(rows, root):
    for row in rows:
        row[2] = "test"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(4, 0, ""), r"line 6: the path is empty; fill it"),
        (changed(4, 1, " "), r"line 6: the label is empty; fill it"),
        (changed(4, 2, ""), r"line 6: the split is empty; .*data\.split_column="),
        (changed(4, 3, ""), r"line 6: the group is empty"),
        (changed(4, 3, "P1\nleft"), r"line 6: the group cannot be written: .*control character"),
        (changed(4, 3, "\x1b[2J"), r"line 6: the group cannot be written: .*control character"),
        (changed(4, 0, "nowhere.png"), r"line 6: there is no such file: .*nowhere\.png; correct"),
        (changed(4, 0, "pictures/cat00.png"), r"line 6: the path .* is that of line 2"),
        (changed(4, 0, "./pictures//cat00.png"), r"line 6: the path .* is that of line 2"),
        (changed(4, 0, "x/../../a.png"), r"line 6: the path .* does not stay .*allow_outside"),
        (changed(4, 0, "/etc/a.png"), r"line 6: the path .* does not stay in the folder"),
        (changed(4, 0, "C:\\a.png"), r"line 6: the path 'C:/a.png' does not stay in the folder"),
        (changed(4, 0, "a\nb.png"), r"line 6: its name has a control character"),
        (changed(4, 0, "x" * 5000), r"line 6: the path has 5,000 characters"),
        (changed(4, 0, "x" * 300), r"line 6: File name too long"),
        (changed(4, 1, "x" * 201), r"line 6: the label has 201 characters; use at most 200"),
        (changed(4, 2, "holdout"), r"line 6: unknown split 'holdout'; use train, training, val"),
        (changed(4, 4, "-1"), r"line 6: the weight is '-1'; use a number greater than 0"),
        (changed(4, 4, "nan"), r"line 6: the weight is 'nan'"),
        (changed(4, 4, "inf"), r"line 6: the weight is 'inf'"),
        (changed(4, 4, "1e39"), r"line 6: the weight is '1e39'"),
        (changed(4, 4, "0,5"), r"line 6: the weight is '0,5'; .* written as 0\.5"),
        (changed(4, 4, "1_0"), r"line 6: the weight is '1_0'"),
        (changed(4, 0, "a\0.png"), r"line 6: has a NUL byte"),
        (changed(4, 1, "x" * 140_000), r"line 6: has more than 131,072 characters"),
        (changed(4, 1, "x\n" * 70_000), r"line 6: cannot be read \(field larger"),
        (cut_row, r"line 6: has 3 cells where the first line has 5"),
        (add_cell, r"line 6: has 6 cells where the first line has 5"),
        (to_folder, r"line 6: it is a folder, not a file"),
        (to_pipe, r"line 6: it is no regular file"),
        (no_dog_in_test, r"no picture of the class 'dog' is in the split test; every split needs"),
        (no_training, r"has no picture of the split train"),
        (changed(4, 4, "0"), r"line 6: the weight is '0'; .* data\.keep"),
        (lambda rows, root: rows.clear(), r"names no pictures; add a line for each"),
    ],
)
def test_wrong_lines_are_named_with_the_fix(tmp_path, change, message):
    rows = make(tmp_path)
    change(rows, tmp_path)
    with pytest.raises(ValueError, match=message) as error:
        load("table", write(tmp_path, rows))
    assert str(error.value).startswith(str(tmp_path / "index.csv"))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; its first line must name the columns"),
        (b"\n\n", "is empty"),
        (b"path\n", r"no column 'label'; its columns are path: set data\.label_column"),
        (b"file,class\na,b\n", r"no column 'path'; its columns are file, class: set data\.path_c"),
        (b"path,label,path\na,b,a\n", "has the column 'path' 2 times"),
        (b"path,label\na.png,gr\xfc\xdf\n", "line 2: is not UTF-8"),
        ("path,label\na,b\n".encode("utf-16"), "line 1: "),
        (b'path,label\na,b\n"c,d\n', r"line 3: cannot be read \(unexpected end of data\)"),
        (b'path,label\na,"b"c\nd,e', r"line 2: cannot be read .*close each double quote"),
        (b"x" * 200_000, "line 1: has more than"),
        (b"\0" * 2000, "line 1: has a NUL byte"),
    ],
)
def test_files_that_are_no_table(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        load("table", tmp_path / "a.csv")
    assert "\n" not in str(error.value)


def test_lines_are_counted_through_cells_with_line_breaks(tmp_path):
    rows = make(tmp_path)
    rows[1][3] = "two\n"  # blanks around a cell are none of it
    rows[4][4] = "heavy"
    with pytest.raises(ValueError, match=r"line 7: the weight"):
        load("table", write(tmp_path, rows))


def test_missing_files_can_be_skipped_and_are_listed(tmp_path):
    rows = make(tmp_path)
    rows[4][0] = "nowhere.png"
    (tmp_path / rows[5][0]).write_bytes(b"broken")
    data = load("table", write(tmp_path, rows), on_bad_image="skip")
    assert len(data.train) == 10
    assert data.skipped[0] == (
        str(tmp_path / "nowhere.png"),
        f"{tmp_path / 'index.csv'}, line 6: there is no such file",
    )
    assert data.skipped[1][0] == str(tmp_path / rows[5][0])
    for row in rows:
        row[0] = f"elsewhere/{row[0]}"
    with pytest.raises(
        ValueError, match=r"line 2: there is no such file.*nor any other.*data\.root"
    ):
        load("table", write(tmp_path, rows), on_bad_image="skip")


def test_files_outside_must_be_allowed(tmp_path):
    (tmp_path / "own").mkdir()
    rows = make(tmp_path)
    for row in rows:
        row[0] = f"../{row[0]}"
    path = write(tmp_path / "own", rows)
    with pytest.raises(ValueError, match="does not stay in the folder"):
        load("table", path)
    assert load("table", path, allow_outside=True).train.ids[0] == rows[0][0]
    for row in rows:
        row[0] = str(tmp_path / row[0][3:])
    data = load("table", write(tmp_path / "own", rows), allow_outside=True)
    assert data.train.ids[0] == str(tmp_path / "pictures/cat00.png")
    rows[1][0] = "../pictures/cat00.png"
    with pytest.raises(ValueError, match=r"line 3: the path .* is that of line 2"):
        load("table", write(tmp_path / "own", rows), allow_outside=True)


@pytest.mark.parametrize("whole_folder", [True, False])
def test_links_that_lead_out_are_refused_unless_allowed(tmp_path, whole_folder):
    rows, own = make(tmp_path / "far"), tmp_path / "own"
    own.mkdir()
    if whole_folder:
        (own / "pictures").symlink_to(tmp_path / "far" / "pictures")
    else:
        (own / "pictures").mkdir()
        for row in rows:
            (own / row[0]).symlink_to(tmp_path / "far" / row[0])
    path = write(own, rows)
    with pytest.raises(ValueError, match=r"leads to .*far/pictures.*outside .*own"):
        load("table", path)
    assert len(load("table", path, allow_outside=True).train) == 12


def test_links_are_followed_to_what_is_there(tmp_path):
    rows = make(tmp_path)
    (tmp_path / "again.png").symlink_to(tmp_path / rows[4][0])
    (tmp_path / "nowhere.png").symlink_to("nothing.png")
    rows[5][0] = "again.png"
    data = load("table", write(tmp_path, rows), duplicates="ignore")
    np.testing.assert_array_equal(data.train.images[4], data.train.images[5])
    rows[5][0] = "nowhere.png"
    with pytest.raises(ValueError, match=r"line 7: there is no such file: .*nowhere\.png"):
        load("table", write(tmp_path, rows))


def test_large_jpegs_are_decoded_small(tmp_path):
    rows = make(tmp_path)
    save(tmp_path / "large.jpg", noise(0, 640, 800))
    rows[0][0] = "large.jpg"
    settings = DataConfig(source="table", path=str(write(tmp_path, rows)), image_size=40)
    assert SOURCES["table"](settings).splits["train"].read(0).size == (100, 80)


def test_files_of_a_listed_folder_are_not_asked_for_one_by_one(tmp_path, monkeypatch):
    rows = make(tmp_path, 10, ("a", "b", "c"))
    asked = []
    monkeypatch.setattr(presence, "kind_of", lambda path, follow=False: asked.append(path))
    paths = [str(tmp_path / row[0]) for row in rows]
    assert presence.kinds_of(paths) == [presence.FILE] * 30
    assert not asked
    presence.kinds_of(paths[: presence.LIST_FROM - 1])
    assert len(asked) == presence.LIST_FROM - 1


def test_kinds_are_those_that_the_system_tells(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "nowhere").symlink_to("missing")
    os.mkfifo(tmp_path / "pipe")
    names = ["folder", "file", "link", "nowhere", "pipe", "missing", "file/below"]
    expected = [
        *(presence.FOLDER, presence.FILE, presence.LINK, presence.LINK),
        *(presence.NO_REGULAR_FILE, presence.NO_FILE, presence.NO_FILE),
    ]
    paths = [str(tmp_path / name) for name in names]
    assert presence.kinds_of(paths) == expected
    assert presence.kinds_of([*paths, *[paths[0]] * presence.LIST_FROM])[:7] == expected
    assert presence.kind_of(paths[2], follow=True) == presence.FILE
    assert presence.kind_of(paths[3], follow=True) == presence.NO_FILE


def test_two_kinds_of_groups_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"data\.group_pattern=.* groups of its own"):
        load("table", write(tmp_path, make(tmp_path)), group_pattern="(cat|dog)")


def test_folds_do_not_need_every_class_in_every_split(tmp_path):
    rows = make(tmp_path)
    no_dog_in_test(rows, tmp_path)
    data = load("table", write(tmp_path, rows), folds=2, group_column="", validation_fraction=0.2)
    assert len(data.test) == 10


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", r"data\.path is empty"),
        ("index.xlsx", r"ends in \.csv, \.tsv, \.txt, \.parquet; rename it"),
        ("nowhere.csv", "no such file"),
    ],
)
def test_there_must_be_an_index(tmp_path, path, message):
    with pytest.raises(ValueError, match=message):
        load("table", tmp_path / path if path else "")


def parquet_of(root, rows, name="index.parquet", **columns):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    head = ("path", "label", "split", "group", "weight")
    made = {key: [row[number] for row in rows] for number, key in enumerate(head)}
    made["weight"] = [float(value) for value in made["weight"]]
    made = {key: value for key, value in {**made, **columns}.items() if value is not None}
    parquet.write_table(pyarrow.table(made), root / name)
    return root / name


def test_parquet_gives_what_csv_gives(tmp_path):
    rows = make(tmp_path)
    one = load("table", write(tmp_path, rows))
    other = load("table", parquet_of(tmp_path, rows, age=list(range(20))))
    for part in ("train", "validation", "test"):
        first, second = getattr(one, part), getattr(other, part)
        for name in ("images", "labels", "ids", "groups", "weights"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert "columns that are not used: age" in other.notes


@pytest.mark.parametrize(
    "kind", ["int8", "int64", "float64", "dictionary", "large_string", "string_view", "binary"]
)
def test_types_of_parquet_columns(tmp_path, kind):
    pyarrow = pytest.importorskip("pyarrow")
    rows = make(tmp_path, 10, ("2", "11"))
    labels = pyarrow.array([row[1] for row in rows])
    if kind == "dictionary":
        labels = labels.dictionary_encode()
    elif kind in ("large_string", "string_view", "binary"):
        labels = labels.cast(getattr(pyarrow, kind)())
    else:
        labels = labels.cast(pyarrow.int64()).cast(getattr(pyarrow, kind)())
    data = load("table", parquet_of(tmp_path, rows, label=labels))
    assert data.class_names == ("2", "11")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": None}, r"no column 'label'; its columns are path, split, group, weight"),
        ({"label": [None] * 20}, r"row 1: the label is empty"),
        ({"label": [0.5] * 20}, r"row 1: the label is 0\.5 \(float\); use texts or whole"),
        ({"group": [2.0**53] * 20}, r"row 1: the group is 9007199254740992\.0 \(float\); use text"),
        ({"label": [[1]] * 20}, r"column 'label' for the label is of type list<.*; use texts"),
        ({"label": [b"\xff"] * 20}, r"row 1: the label is b'.xff' \(bytes\)"),
        ({"weight": [1.0] * 19 + [-1.0]}, r"row 20: the weight is '-1\.0'"),
        ({"weight": [1.0] * 19 + [float("nan")]}, r"row 20: the weight is 'nan'"),
        ({"group": ["a"] * 19 + [None]}, r"row 20: the group is empty"),
    ],
)
def test_wrong_rows_of_parquet(tmp_path, columns, message):
    with pytest.raises(ValueError, match=message) as error:
        load("table", parquet_of(tmp_path, make(tmp_path), **columns))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["binary(5)", "struct({'a': 'string'})", "decimal128(5)"])
def test_columns_of_other_types_are_refused_unread(tmp_path, monkeypatch, kind):
    pyarrow = pytest.importorskip("pyarrow")
    name, argument = kind[:-1].split("(")
    rows = make(tmp_path)
    other = pyarrow.nulls(len(rows), getattr(pyarrow, name)(ast.literal_eval(argument)))
    path = parquet_of(tmp_path, rows, label=other)
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.read", lambda *_, **__: pytest.fail("read"))
    with pytest.raises(ValueError, match=r"column 'label' for the label is of type .*; use texts"):
        load("table", path)


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "flipped"])
def test_damaged_parquet_files_are_named(tmp_path, kind):
    path = parquet_of(tmp_path, make(tmp_path))
    whole = bytearray(path.read_bytes())
    if kind == "flipped":
        whole[4:300] = bytes(byte ^ 255 for byte in whole[4:300])
    made = {"empty": b"", "text": b"path,label\n" * 9, "cut": whole[:-9], "flipped": whole}[kind]
    path.write_bytes(made)
    with pytest.raises(ValueError, match=r"index\.parquet: cannot be read as Parquet") as error:
        load("table", path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_encodings_that_unpack_to_any_size_are_refused(tmp_path, encoding):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = parquet_of(tmp_path, make(tmp_path))
    table = parquet.read_table(path)
    parquet.write_table(table, path, use_dictionary=False, column_encoding={"label": encoding})
    with pytest.raises(ValueError, match=r"column 'label' has one of the DELTA .*anew with pandas"):
        load("table", path)


def test_without_pyarrow_the_command_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ValueError, match="not installed; pip install pyarrow, or save the table"):
        load("table", tmp_path / "a.parquet")
