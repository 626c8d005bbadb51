"""A manifest: written, followed elsewhere, and refused where the examples are others."""

import csv
import dataclasses
import hashlib
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from lqjax.config import DataConfig
from lqjax.data.checksums import checksums
from lqjax.data.csv_columns import parse_columns
from lqjax.data.loading import load_folds
from lqjax.data.manifest import FILE_NAME, parse_manifest
from lqjax.data.splits import hash_of
from lqjax.imaging.keys import example_numbers
from tests.data.making import noise, save

PARTS = ("train", "validation", "test")
HEADER = ["id", "split", "label", "class", "group", "weight", "content"]


@pytest.fixture
def films(tmp_path):
    """Twelve pictures of two classes, three of each patient, split here."""
    root = tmp_path / "films"
    for number in range(36):
        name = root / ("cat", "dog")[number % 2] / f"p{number // 3:02}_{number}.png"
        save(name, noise(number, 30, 28))
    return root


def settings(path, **changed):
    return DataConfig(source="folder", path=str(path), image_size=28, workers=2, **changed)


def written(folder, loaded):
    path = folder / FILE_NAME
    path.write_bytes(loaded.manifest.to_bytes())
    return str(path)


def lines_of(path):
    text = Path(path).read_bytes().decode("utf-8", "surrogateescape")
    return list(csv.reader(io.StringIO(text, newline="")))


def rewrite(path, lines):
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)


def members(loaded):
    """Give what each example is for, as the data sets have it."""
    return [
        {
            part: list(zip(split.ids.tolist(), split.labels.tolist(), strict=True))
            for part, split in ((part, getattr(made, part)) for part in PARTS)
        }
        for made in loaded.datasets
    ]


def test_it_has_a_line_an_example_with_the_digest_of_its_file(films, tmp_path):
    loaded = load_folds(settings(films, train_limit=10))
    header, *lines = lines_of(written(tmp_path, loaded))
    assert header == HEADER and len(lines) == 36
    data = loaded.datasets[0]
    for part in PARTS:
        split = getattr(data, part)
        here = [line for line in lines if line[1] == part]
        assert [line[0] for line in here] == split.ids.tolist()
        assert [int(line[2]) for line in here] == split.labels.tolist()
        for line in here:
            content = (films / line[0]).read_bytes()
            assert line[6] == hashlib.blake2b(content, digest_size=16).hexdigest()
            assert line[3] == line[0].split("/")[0]
    left = [line for line in lines if line[1] == ""]
    assert len(left) == 36 - 10 - len(data.validation) - len(data.test)
    assert all(line[6] == "" for line in left)


@pytest.mark.parametrize(
    "changed",
    [
        {"train_limit": 10, "test_limit": 4},
        {"group_pattern": "(p[0-9]+)"},
        {"folds": 3},
        {"folds": 3, "train_limit": 9, "test_limit": 2},
        {"folds": 3, "group_pattern": "(p[0-9]+)"},
    ],
    ids=["limits", "groups", "folds", "folds with limits", "folds by group"],
)
def test_a_run_is_repeated_on_the_very_same_examples_elsewhere(films, tmp_path, changed):
    first = load_folds(settings(films, **changed))
    path = written(tmp_path, first)
    moved = tmp_path / "elsewhere" / "other"
    shutil.copytree(films, moved)
    shutil.rmtree(films)
    # Another seed would split otherwise where the manifest does not decide.
    folds = changed.get("folds", 0)
    again = {k: v for k, v in changed.items() if k != "group_pattern"}
    seed = {} if folds else {"split_seed": 5}
    second = load_folds(settings(moved, manifest=path, **again, **seed))
    assert members(second) == members(first)
    assert second.manifest.to_bytes() == first.manifest.to_bytes()
    for one, other in zip(first.datasets, second.datasets, strict=True):
        np.testing.assert_array_equal(one.train.images, other.train.images)
        if "group_pattern" in changed:
            np.testing.assert_array_equal(one.train.groups, other.train.groups)


@pytest.mark.parametrize(
    "changed",
    [
        {"train_limit": 10, "test_limit": 4},
        {"folds": 3, "train_limit": 9, "test_limit": 2},
        {"keep": True},
        {"keep": True, "folds": 3},
    ],
    ids=["limits", "folds with limits", "a filter", "a filter and folds"],
)
def test_the_manifest_of_a_repeat_is_the_same_bytes(films, tmp_path, changed):
    """With weights and groups, some of them of images that are left out."""
    files = sorted(films.rglob("*.png"))
    lines = [
        f"films/{f.parent.name}/{f.name},{f.parent.name},{f.name[:3]},{0.1 * (1 + n % 7):.1f}"
        for n, f in enumerate(files)
    ]
    index = tmp_path / "index.csv"
    index.write_text("\n".join(["path,label,group,weight", *lines]) + "\n")
    given = DataConfig(source="table", path=str(index), image_size=28, workers=2)
    changed = dict(changed)
    if changed.pop("keep", False):
        keep = tmp_path / "keep.csv"
        kept = [f"{line.split(',')[0]},{int(n % 6 > 1)}" for n, line in enumerate(lines)]
        keep.write_text("\n".join(["id,keep", *kept]) + "\n")
        changed["keep"] = str(keep)
    first = load_folds(dataclasses.replace(given, **changed))
    written_first = first.manifest.to_bytes()
    assert b",0.1," in written_first and (b",,0," in written_first or "folds" in changed)
    changed.pop("keep", None)  # the manifest says it
    for _ in range(2):
        path = written(tmp_path, first)
        again = load_folds(dataclasses.replace(given, **changed, manifest=path))
        assert members(again) == members(first)
        assert again.manifest.to_bytes() == written_first


def test_membership_is_by_id_and_another_source_may_list_them(films, tmp_path):
    """The same pictures as split folders below another root: ids differ, so they are renamed."""
    first = load_folds(settings(films))
    path = written(tmp_path, first)
    header, *lines = lines_of(path)
    shuffled = [lines[row] for row in np.random.default_rng(0).permutation(len(lines))]
    rewrite(path, [header, *shuffled])
    second = load_folds(settings(films, manifest=path))
    for part in PARTS:
        one, other = (set(members(found)[0][part]) for found in (first, second))
        assert one == other
    order = [line[0] for line in shuffled if line[1] == "train"]
    assert second.datasets[0].train.ids.tolist() == order


def test_labels_are_those_of_the_manifest(films, tmp_path):
    first = load_folds(settings(films))
    path = written(tmp_path, first)
    header, *lines = lines_of(path)
    lines[0][2:4] = ["0", "cat"] if lines[0][3] == "dog" else ["1", "dog"]
    rewrite(path, [header, *lines])
    data = load_folds(settings(films, manifest=path)).datasets[0]
    assert data.train.labels[0] == int(lines[0][2]) != first.datasets[0].train.labels[0]
    note = f"of {lines[0][0]!r} the label is that of {path}, and another one in films"
    assert note in data.notes


def refusals(films):
    def change(number):
        save(films / "cat" / f"p00_{2 * number}.png", noise(900 + number, 30, 28))

    return {
        "changed": (lambda: (change(0), change(1)), "of its 36 examples 'cat/p00_0.png' and 1 more"
                    " changed since it was written"),
        "emptied": (lambda: (films / "dog" / "p01_5.png").write_bytes(b""), "of its 36 examples"
                    " 'dog/p01_5.png' cannot be read or has no bytes; give"),
        "missing": (lambda: (films / "dog" / "p01_5.png").unlink(), "of its 36 examples films"
                    " lacks 'dog/p01_5.png'; give"),
        "unknown": (lambda: save(films / "dog" / "new.png", noise(77, 30, 28)), "of the 37"
                    " examples of films it does not have 'dog/new.png'; remove"),
    }  # fmt: skip


@pytest.mark.parametrize("what", ["changed", "emptied", "missing", "unknown"])
@pytest.mark.parametrize("folds", [0, 3])
def test_other_examples_are_refused_in_one_line(films, tmp_path, what, folds):
    path = written(tmp_path, load_folds(settings(films, folds=folds)))
    act, message = refusals(films)[what]
    act()
    with pytest.raises(ValueError) as refused:
        load_folds(settings(films, manifest=path, folds=folds, on_bad_image="skip"))
    assert message in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("folds", "where"), [(0, "the validation split"), (0, "the test split"), (3, "fold 2")]
)
def test_a_class_that_is_missing_somewhere_is_refused_before_decoding(
    films, tmp_path, monkeypatch, folds, where
):
    path = written(tmp_path, load_folds(settings(films, folds=folds)))
    header, *lines = lines_of(path)
    place = where.split()[1]
    for line in lines:
        if line[1] == place and line[3] == "dog":
            line[1] = "0" if folds else "train"
    rewrite(path, [header, *lines])
    monkeypatch.setattr("lqjax.data.loading.decode", None)
    monkeypatch.setattr("lqjax.data.choosing.find_contents", None)
    with pytest.raises(ValueError) as refused:
        load_folds(settings(films, manifest=path, folds=folds))
    said = f"data.manifest={path}: {where} has no example of the class 'dog', and needs one"
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_every_refusal_names_the_setting(films, tmp_path):
    path = written(tmp_path, load_folds(settings(films)))
    header, *lines = lines_of(path)
    for edited in ([header], [header, *lines, lines[0]], [header[1:]], [header, *lines[1:]]):
        rewrite(path, edited)
        with pytest.raises(ValueError, match=f"^data.manifest={path}"):
            load_folds(settings(films, manifest=path))
    for other, said in ((films, " is a folder; name a CSV file in it"), (films / "x", ": no such")):
        with pytest.raises(ValueError, match=f"^data.manifest={other}{said}"):
            load_folds(settings(films, manifest=str(other)))


def test_folds_and_splits_are_not_mixed_up(films, tmp_path):
    path = written(tmp_path, load_folds(settings(films, folds=3)))
    for folds in (0, 4):
        with pytest.raises(ValueError, match=rf"has 3 folds, and data.folds={folds}; set data.fol"):
            load_folds(settings(films, manifest=path, folds=folds))
    path = written(tmp_path, load_folds(settings(films)))
    with pytest.raises(ValueError, match=r"has splits and no folds, and data\.folds=3"):
        load_folds(settings(films, manifest=path, folds=3))


GOOD = "id,split,label,class,group,weight,content\na,train,0,x,,,\nb,train,1,y,,,\n"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,", "name,", "has no column 'id'"),
        ("split", "part", "needs a column 'split' or a column 'fold'"),
        ("b,train", "a,train", "has the id 'a' 2 times"),
        (
            GOOD,
            GOOD.replace("split", "fold").replace("a,train", "a,0").replace("b,train", "b,9"),
            "fold of 'b' is '9', and none is 1; folds are numbered 0, 1, 2 without gaps",
        ),
        ("b,train", "b,trian", "split of 'b' is 'trian'; allowed: train, validation, test"),
        ("b,train,1", "b,train,one", "label of 'b' is 'one', no whole number"),
        ("b,train,1", "b,train,2", "no example has the label 1"),
        ("b,train,1,y", "b,train,0,y", "label 0 is class 'x' and, at 'b', 'y'"),
        ("b,train,1,y", "b,train,1,x", "two labels have the same class"),
        ("y,,,", "y,,,12ab", "content of 'b' is '12ab'; it must be 32 hexadecimal"),
        ("y,,,", "y,p1,,", "group of 'a' is empty, and others have one"),
        ("y,,,", "y,,heavy,", "weight of 'a' is empty"),
        ("y,,,", "y,,", "line 3 has 6 values, and its header 7"),
        ("y,,,", 'y,,,"', "cannot be read as CSV"),
        ("train", "test", "no example of the train split"),
    ],
)
def test_what_is_no_manifest_is_refused_in_one_line(old, new, message):
    parse_manifest("m.csv", GOOD.encode())
    with pytest.raises(ValueError, match=message) as refused:
        parse_manifest("m.csv", GOOD.replace(old, new).encode())
    assert "\n" not in str(refused.value)


class Counted(str):
    """A text that counts how often any of its kind is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other):
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_a_column_of_numbers_in_place_of_folds_is_refused_at_once(monkeypatch):
    count = 2000
    lines = [f"{n}.png,{n},{n % 2},{'xy'[n % 2]}," for n in range(count)]
    content = "\n".join(["id,fold,label,class,content", *lines]).encode()

    def columns(*given):
        found = parse_columns(*given)
        return {**found, "fold": [Counted(fold) for fold in found["fold"]]}

    monkeypatch.setattr("lqjax.data.manifest.parse_columns", columns)
    Counted.compared = 0
    with pytest.raises(ValueError, match=r"deals 2,000 examples out to 2,000 folds; each") as error:
        parse_manifest("m.csv", content)
    assert "\n" not in str(error.value) and Counted.compared < 20 * count


def test_a_weight_of_a_manifest_must_be_usable(films, tmp_path):
    path = written(tmp_path, load_folds(settings(films)))
    header, *lines = lines_of(path)
    for text, message in (
        ("0", "weight 0 is not possible"),
        ("1e99", r"weight 1e\+99 is not"),
        ("x", "'x'"),
    ):
        rewrite(path, [header, *([*line[:5], text, line[6]] for line in lines)])
        with pytest.raises(ValueError, match=message):
            load_folds(settings(films, manifest=path))


def test_odd_names_come_back_as_they_were(films, tmp_path):
    (films / "cat" / "p00_0.png").rename(films / "cat" / 'café, "1".png')
    first = load_folds(settings(films))
    second = load_folds(settings(films, manifest=written(tmp_path, first)))
    assert members(second) == members(first)
    assert 'cat/café, "1".png' in second.manifest.ids.tolist()


def test_ids_need_not_be_utf8(films):
    made = load_folds(settings(films)).manifest
    ids = made.ids.astype("<U40")
    ids[3] = os.fsdecode(b"caf\xe9\r\n")
    content = dataclasses.replace(made, ids=ids).to_bytes()
    assert b"caf\xe9\r\n" in content
    assert parse_manifest("m.csv", content).ids.tolist() == ids.tolist()
    assert checksums(ids, made.labels) != checksums(made.ids, made.labels)
    assert len(example_numbers(ids)) == 36 and hash_of(0, "test", ids[3])


def test_weights_come_back_to_the_bit(films):
    made = load_folds(settings(films)).manifest
    weights = np.random.default_rng(0).lognormal(size=36).astype(np.float32)
    text = dataclasses.replace(made, weights=weights).to_bytes()
    back = parse_manifest("m.csv", text).weights
    np.testing.assert_array_equal(back.astype(np.float32), weights)


def test_the_filter_of_an_audit_and_a_manifest_go_together(films, tmp_path):
    keep = tmp_path / "keep.csv"
    ids = [f"{p.parent.name}/{p.name}" for p in sorted(films.rglob("*.png"))]
    keep.write_text(
        "id,keep,reasons\n" + "".join(f"{i},{int(n % 6 > 1)},\n" for n, i in enumerate(ids))
    )
    first = load_folds(settings(films, keep=str(keep)))
    path = written(tmp_path, first)
    for more in ({}, {"keep": str(keep)}):
        second = load_folds(settings(films, manifest=path, **more))
        assert members(second) == members(first)
