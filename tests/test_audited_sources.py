"""Audits of every source, with folds and manifests, and training with what they write."""

import csv
import dataclasses
import json
import re
import shlex
from collections import Counter
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import lqjax
from lqjax.arguments import parse
from lqjax.cli import main, settings_of
from lqjax.config import Config, DataConfig
from lqjax.data.loading import load_dataset, load_folds
from lqjax.imaging.conditions import expand
from lqjax.overriding import to_dict
from tests.data.making import noise, save
from tests.data.test_tfds import prepare

pytestmark = pytest.mark.usefixtures("undrawn_figures")

SIDE = 30
COUNTS = {"train": 24, "test": 8}
FILES = {
    *("audit.html", "audit.csv", "issues.csv", "duplicates.csv", "classes.csv", "keep.csv"),
    *("conditions.txt", "figures"),
}


def lines_of(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_lines(path, lines):
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def pictures(folder, classes=("cat", "dog")):
    """Write noise, all different; yield split, class, path below the folder."""
    for part, count in COUNTS.items():
        for row in range(count):
            name = f"{part}/{classes[row % 2]}/{row}.png"
            save(folder / name, noise(1000 * len(part) + row, SIDE, SIDE))
            yield part, classes[row % 2], name


def make_folder(folder):
    list(pictures(folder))
    return {"source": "folder", "path": str(folder)}


def make_table(folder):
    lines = [
        {"file": name, "label": kind, "split": part, "patient": f"p{row // 3}"}
        for row, (part, kind, name) in enumerate(pictures(folder / "films"))
    ]
    write_lines(folder / "odd name's.csv", lines)
    return {
        "source": "table", "path": str(folder / "odd name's.csv"), "root": str(folder / "films"),
        "path_column": "file", "group_column": "patient",
    }  # fmt: skip


def make_npz(folder):
    arrays = {}
    for part, count in COUNTS.items():
        arrays[f"{part}_images"] = noise(len(part), count, SIDE, SIDE)
        arrays[f"{part}_labels"] = np.arange(count)[:, None] % 2
    folder.mkdir()
    np.savez(folder / "films.npz", **arrays)
    return {"source": "npz", "path": str(folder / "films.npz")}


def make_digits(folder):
    return {"source": "digits", "train_limit": 24, "test_limit": 12}


def make_tfds(folder):
    prepare(folder, splits=COUNTS)
    return {"source": "tfds", "path": f"lqjax_tiny@{folder}"}


MAKERS = {
    "folder": make_folder, "table": make_table, "npz": make_npz, "digits": make_digits,
    "tfds": make_tfds,
}  # fmt: skip


def data(given, **changed):
    return DataConfig(**{"image_size": 28, "workers": 1, **given, **changed})


def audit(settings, workdir, **others):
    config = dataclasses.replace(Config(), data=settings)
    return lqjax.audit(config, workdir=workdir, thumbnails=1, **others)


def ids_of(dataset):
    return {part: set(getattr(dataset, part).ids.tolist()) for part in ("train", "validation",
            "test")}  # fmt: skip


def with_manifest(settings, folder):
    path = folder / "manifest.csv"
    path.write_bytes(load_folds(settings).manifest.to_bytes())
    return dataclasses.replace(settings, manifest=str(path))


@pytest.mark.parametrize("manifest", [False, True])
@pytest.mark.parametrize("source", MAKERS)
def test_what_an_audit_of_a_source_counts_is_what_training_uses(source, manifest, tmp_path):
    settings = data(MAKERS[source](tmp_path / "data"))
    used = load_dataset(settings)
    if manifest:
        settings = with_manifest(settings, tmp_path)
    found = audit(settings, tmp_path / "run")
    assert {path.name for path in found.folder.iterdir()} == FILES
    splits = {part: set() for part in ("train", "validation", "test")}
    for line in lines_of(found.folder / "audit.csv"):
        splits[line["split"]].add(line["id"])
    assert splits == ids_of(used)
    every = {line["id"]: line["keep"] for line in lines_of(found.folder / "keep.csv")}
    total = 1797 if source == "digits" else sum(COUNTS.values())
    assert len(every) == total and set(every.values()) == {"1"} and found.kept == total
    classes = lines_of(found.folder / "classes.csv")
    labels = Counter(used.class_names[label] for label in used.train.labels)
    assert {line["class"]: int(line["train"]) for line in classes} == labels
    kept = dataclasses.replace(settings, keep=str(found.folder / "keep.csv"))
    assert ids_of(load_dataset(kept)) == ids_of(used)


@pytest.mark.parametrize("manifest", [False, True])
def test_of_folds_each_is_a_split(manifest, tmp_path):
    settings = data(make_folder(tmp_path / "data"), folds=3)
    films = tmp_path / "data"
    twin = (films / "train/cat/0.png").read_bytes()
    for name in ("train/cat/a.png", "test/cat/b.png", "train/cat/c.png"):
        (films / name).write_bytes(twin)
    made = load_folds(settings)
    if manifest:
        settings = with_manifest(settings, tmp_path)
    found = audit(settings, tmp_path / "run")
    lines = lines_of(found.folder / "audit.csv")
    tested = {f"fold {number + 1}": set(fold.test.ids) for number, fold in enumerate(made.datasets)}
    assert {fold: {line["id"] for line in lines if line["split"] == fold} for fold in tested} == (
        tested
    )
    assert len(lines) == sum(COUNTS.values()) + 3
    twins = {"train/cat/0.png", "train/cat/a.png", "test/cat/b.png", "train/cat/c.png"}
    assert sum(bool(ids & twins) for ids in tested.values()) > 1  # else this tells nothing
    text = " ".join(found.lines)
    assert "4 pictures have a twin in another fold: a leak" in text
    assert "in 3 folds" in found.lines[0] and found.kept == len(lines) - 3
    page = found.page.read_text()
    assert "Twin in another fold" in page and "outside training" not in page
    counts = found.findings.balance.counts
    assert found.findings.balance.splits == tuple(tested) and counts.sum() == len(lines)
    assert found.findings.classes.counts == (16, 16)  # without superfluous twins, of all folds
    kept = dataclasses.replace(settings, keep=str(found.folder / "keep.csv"))
    assert load_folds(kept).manifest.folds == 3


@pytest.mark.slow
def test_limits_of_folds_hold_in_an_audit(tmp_path):
    settings = data(make_folder(tmp_path / "data"), folds=3, train_limit=4, test_limit=4)
    used = [ids_of(made) for made in load_folds(settings).datasets]
    found = audit(settings, tmp_path / "run")
    looked_at = {line["id"] for line in lines_of(found.folder / "audit.csv")}
    assert looked_at == set().union(*(ids for parts in used for ids in parts.values()))
    assert len(looked_at) < found.kept == sum(COUNTS.values())
    assert f"Limited all folds to {len(looked_at)} of 32 images" in found.page.read_text()


@pytest.mark.slow
def test_an_audit_takes_up_the_directory_of_a_run_with_folds(tmp_path, capsys):
    settings = with_manifest(data(make_folder(tmp_path / "data"), folds=3), tmp_path)
    audit(settings, tmp_path / "run")
    config = dataclasses.replace(Config(), data=settings)
    (tmp_path / "run" / "config.json").write_text(json.dumps(to_dict(config)))
    assert main(["--mode=audit", f"--workdir={tmp_path / 'run'}"]) == 0
    assert "in 3 folds" in capsys.readouterr().out


def test_folds_that_cannot_be_made_are_told_and_the_splits_looked_at(tmp_path):
    settings = data(make_folder(tmp_path / "data"), folds=30)
    found = audit(settings, tmp_path / "run")
    said = "class 'cat' of data has 16 image(s), too few for data.folds=30"
    assert said in " ".join(found.lines)
    assert "too few for data.folds=30" in found.page.read_text()
    assert {line["split"] for line in lines_of(found.folder / "audit.csv")} == {
        "train", "validation", "test",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("on_bad_image", ["error", "skip"])
def test_files_that_a_table_misses_are_listed(on_bad_image, tmp_path):
    settings = data(make_table(tmp_path / "data"), on_bad_image=on_bad_image)
    gone = ["train/cat/0.png", "test/dog/3.png"]
    for name in gone:
        (tmp_path / "data/films" / name).unlink()
    found = audit(settings, tmp_path / "run")
    lines = {line["id"]: line for line in lines_of(found.folder / "audit.csv")}
    assert len(lines) == sum(COUNTS.values())
    assert [lines[name]["flags"] for name in gone] == ["unreadable"] * 2
    assert [lines[name]["class"] for name in gone] == ["cat", "dog"]
    assert lines[gone[1]]["split"] == "test"
    keep = {line["id"]: (line["keep"], line["reasons"])
            for line in lines_of(found.folder / "keep.csv")}  # fmt: skip
    assert [keep[name] for name in gone] == [("0", "unreadable")] * 2
    assert found.kept == len(lines) - 2
    page = found.page.read_text()
    assert "line 2: there is no such file" in page and all(name in page for name in gone)
    text = " ".join(found.lines)
    assert "2 pictures cannot be read, the first: train/cat/0.png (" in text
    kept = dataclasses.replace(settings, keep=str(found.folder / "keep.csv"), on_bad_image="skip")
    used = ids_of(load_dataset(kept))
    assert set().union(*used.values()) == set(lines) - set(gone)
    # Once they are there again, the filter that was written without them still serves.
    for name in gone:
        save(tmp_path / "data/films" / name, noise(5, SIDE, SIDE))
    used = ids_of(load_dataset(dataclasses.replace(kept, on_bad_image="error")))
    assert set().union(*used.values()) == set(lines) - set(gone)


def test_files_whose_name_cannot_be_written_are_listed(tmp_path):
    settings = data(make_folder(tmp_path / "data"))
    save(tmp_path / "data/train/cat/two\nlines.png", noise(1, SIDE, SIDE))
    found = audit(settings, tmp_path / "run")
    bad = [line for line in lines_of(found.folder / "audit.csv") if line["flags"] == "unreadable"]
    assert [line["id"] for line in bad] == [""] and bad[0]["name"].endswith("two\\nlines.png")
    assert "two\\nlines.png" in " ".join(found.lines)
    assert "two\\nlines.png" in found.page.read_text()
    keep = lines_of(found.folder / "keep.csv")
    assert len(keep) == found.kept == sum(COUNTS.values()) and all(line["id"] for line in keep)


def commands_of(found):
    page = found.page.read_text()
    blocks = re.findall(r"<dd><code>(.*?)</code></dd>", page, re.DOTALL)
    return [unescape(re.sub(r"<[^>]*>", "", block)) for block in blocks]


@pytest.mark.slow
@pytest.mark.parametrize("source", MAKERS)
def test_a_copied_command_gives_the_same_data(source, tmp_path):
    given = MAKERS[source](tmp_path / "data")
    settings = data(given, mean=(0.5,), std=(0.25,), test_limit=12, split_seed=3)
    found = audit(settings, tmp_path / "it's a run")
    filtered, degraded = commands_of(found)
    # What the limit left out was not looked at, and may be damaged.
    bad = "skip" if found.kept > len(found.findings.table) else settings.on_bad_image
    assert (bad == "skip") == (source == "digits")
    for command, keep in ((filtered, str(found.folder / "keep.csv")), (degraded, "")):
        program, *flags = shlex.split(command)
        assert program == "lqjax"
        config, _ = settings_of(parse(flags))
        assert config.data == dataclasses.replace(settings, keep=keep, on_bad_image=bad)
        assert config.model.names == ("alexnet", "resnet50")
    assert f"@{found.folder / 'conditions.txt'}" in " ".join(config.evaluation.conditions)


@pytest.mark.parametrize("name", ["a, b", "a (1", "a]", "[1] {x}", "'quoted'", "a=b#c"])
def test_a_copied_command_is_understood_wherever_the_files_lie(name, tmp_path):
    settings = data(make_folder(tmp_path / "data"), train_limit=12)
    found = audit(settings, tmp_path / name)
    _, *flags = shlex.split(commands_of(found)[1])
    config, _ = settings_of(parse(flags))
    given = expand(config.evaluation.conditions)
    assert given == expand(["clean", f"@{found.folder / 'conditions.txt'}"]) and len(given) > 1


def test_commands_name_the_recipe_that_was_audited(tmp_path):
    flags = ["--mode=audit", "--config=configs/medmnist.py", f"--workdir={tmp_path / 'run'}",
             f"--config.data.path={make_npz(tmp_path / 'data')['path']}",
             "--config.data.image_size=28", "--config.run.progress=False"]  # fmt: skip
    assert main(flags) == 0
    page = (tmp_path / "run/audit/audit.html").read_text()
    assert "--config=configs/medmnist.py" in page and "--config=configs/compare.py" not in page


@pytest.mark.slow
def test_commands_leave_out_what_cannot_be_read(tmp_path):
    settings = data(make_table(tmp_path / "data"))
    films = tmp_path / "data/films"
    (films / "train/dog/1.png").write_bytes(b"nothing")
    filtered, degraded = commands_of(audit(settings, tmp_path / "run"))
    assert "on_bad_image" not in filtered and "--config.data.on_bad_image=skip" in degraded
    (films / "train/cat/0.png").unlink()  # a table refuses this before any filter is read
    for command in commands_of(audit(settings, tmp_path / "run")):
        assert "--config.data.on_bad_image=skip" in command
        load_dataset(settings_of(parse(shlex.split(command)[1:]))[0].data)


def spread(settings):
    """Give what the notes before training warn of."""
    return [note for note in load_folds(settings).datasets[0].notes if "warning" in note]


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("own", [False, True])
def test_groups_that_a_manifest_spreads_are_told(own, folds, tmp_path):
    made = make_table(tmp_path / "data") if own else make_folder(tmp_path / "data")
    settings = with_manifest(data(made, folds=folds), tmp_path)
    lines = lines_of(settings.manifest)
    for line in lines:
        line["group"] = line["id"]
    place = "fold" if folds else "split"
    first = next(line for line in lines if line[place] in ("train", "0"))
    other = next(line for line in lines if line[place] in ("test", "1"))
    first["group"] = other["group"] = "p7"
    write_lines(settings.manifest, lines)
    said = "several folds" if folds else "the train and the test split"
    text = (
        f"warning: 1 group (p7) has images in {said} of {settings.manifest}: what is measured will"
        " be too good"
    )
    warned = spread(settings)
    assert len(warned) == 1 and warned[0].startswith(text)
    found = audit(settings, tmp_path / "run")
    assert text.removeprefix("warning: ") in " ".join(found.lines)
    assert "1 group (p7) has images in" in found.page.read_text()


@pytest.mark.slow
def test_groups_that_folds_keep_together_are_no_reason_to_warn(tmp_path):
    settings = data(make_table(tmp_path / "data"))  # p8 has the last of train, the first of test
    lines = lines_of(settings.path)
    for line in lines:
        line["patient"] = "p0" if line["patient"] in ("p0", "p10") else line["patient"]
    write_lines(settings.path, lines)
    assert "1 group (p0) has images in the train and the test split" in spread(settings)[0]
    found = audit(settings, tmp_path / "run")
    assert "1 group (p0) has images in the train and the test split" in " ".join(found.lines)
    settings = dataclasses.replace(settings, folds=3)
    assert spread(settings) == []
    found = audit(settings, tmp_path / "run")
    assert "p0" not in " ".join(found.lines)
