"""Damaged data of every source: thousands of files by seed, bombs, traps, and a folder of wrecks.

Each ends in data of the right types, or in one line that names the file: no other exception, no
crash, no hang, no memory beyond that of the largest picture, and nothing in it is run.
"""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.data.damage import ROOT, outcomes
from tests.data.damage_bombs import BOMBS, jpeg_of_scans
from tests.data.damage_npz import archived, arrays, one_array
from tests.data.damage_pictures import whole_pictures
from tests.data.damage_tfds import with_picture
from tests.data.damaging import FIELDS
from tests.data.making import class_folders, load
from tests.data.test_tfds import as_tfrecords, prepare
from tests.data.tfrecords import framed
from tests.processes import environment

PICTURES = 1000 * len(FIELDS)
SEEDS = [
    ("csv", 0, 1000),
    ("parquet", 0, 1000),
    ("lists", 0, 300),
    pytest.param("lists", 300, 1000, marks=pytest.mark.slow),
    pytest.param("pictures", 0, PICTURES, marks=pytest.mark.slow),
    pytest.param("npz", 0, 1000, marks=pytest.mark.slow),
    pytest.param("tfds-array_record", 0, 1000, marks=pytest.mark.slow),
    pytest.param("tfds-tfrecord", 0, 1000, marks=pytest.mark.slow),
    pytest.param("tfds-parquet", 0, 1000, marks=pytest.mark.slow),
]


def loaded_share(subject, folder, first, stop):
    said, faults = outcomes(subject, folder, stop - first, first)
    assert not faults, "\n".join(faults)
    assert len(said) == stop - first
    return sum(line == "loaded" for line in said.values()) / len(said)


@pytest.mark.parametrize(("subject", "first", "stop"), SEEDS)
def test_damaged_data_is_loaded_or_refused_in_one_line(subject, first, stop, tmp_path):
    loaded = loaded_share(subject, tmp_path, first, stop)
    assert 0.01 <= loaded <= 0.6, "the damage goes too far, or not far enough"


@pytest.mark.slow
def test_bombs_are_refused_and_not_unpacked(tmp_path):
    assert loaded_share("bombs", tmp_path, 0, len(BOMBS)) == 0


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("key", ["train_images", "train_labels", "val_labels", "class_names"])
def test_nothing_is_unpickled(key, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "tiny.npz"
    objects = np.asarray([Trap(mark)] * 12, dtype=object)
    path.write_bytes(
        archived({f"{k}.npy": one_array(a) for k, a in (arrays() | {key: objects}).items()})
    )
    with pytest.raises(ValueError, match=r"tiny\.npz.* holds Python objects, which are never read"):
        load("npz", path)
    assert not mark.exists()
    path.write_bytes(one_array(objects))  # the pickle alone
    with pytest.raises(ValueError, match=r"tiny\.npz: cannot be read as \.npz"):
        load("npz", path)
    assert not mark.exists()
    np.load(path, allow_pickle=True)
    assert mark.exists(), "it is a trap"


@pytest.mark.parametrize("name", ["a\nb", "a\x1bb", "a\u2028b"])
def test_names_of_classes_can_be_written(name, tmp_path):
    np.savez(tmp_path / "tiny.npz", **(arrays() | {"class_names": np.asarray(["cat", name])}))
    with pytest.raises(ValueError, match="tiny: class 1 cannot be written: its name ") as refusal:
        load("npz", tmp_path / "tiny.npz")
    str(refusal.value).encode("ascii")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("lqjax_tiny", "lqjax_tiny/1.0.0"),
        ("LqjaxTiny", "lqjax_tiny/1.0.0"),
        ("lqjax_tiny/version=1.0.0", "lqjax_tiny/1.0.0"),
        ("lqjax_tiny", "lqjax_tiny/a/b/1.0.0"),  # by a file beside it, which says so
    ],
)
def test_metadata_that_name_foreign_code_import_nothing(tmp_path, monkeypatch, name, place):
    mark, version = tmp_path / "mark", prepare(tmp_path)
    (tmp_path / "lqjax_trap.py").write_text(f"open({str(mark)!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    if version != tmp_path / place:
        (tmp_path / place).parent.mkdir(parents=True)
        version = version.rename(tmp_path / place)
        default = tmp_path / "lqjax_tiny" / ".config" / "metadata.json"
        default.parent.mkdir()
        default.write_text(json.dumps({"default_config_name": "a/b"}))
    path = version / "features.json"
    whole = path.read_text()
    for key in ("pythonClassName", "python_class_name"):
        text = whole.replace("pythonClassName", key)
        text = re.sub(r"tensorflow_datasets\.[a-z_.]+\.Image\b", "lqjax_trap.Image", text)
        path.write_text(text)
        with pytest.raises(ValueError, match=r"names the class 'lqjax_trap\.Image'"):
            load("tfds", f"{name}@{tmp_path}")
        assert not mark.exists() and "lqjax_trap" not in sys.modules


def test_data_sets_of_elsewhere_are_refused(tmp_path):
    with pytest.raises(ValueError, match="data sets of 'huggingface' are not read"):
        load("tfds", f"huggingface:mnist@{tmp_path}")


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 30\n%%EndComments\nshowpage\n%%EOF\n"


def test_pictures_in_records_start_no_program(tmp_path, monkeypatch):
    mark, version = tmp_path / "mark", prepare(tmp_path, splits={"train": 10, "test": 4})
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    as_tfrecords(version)
    for path in version.glob("*train.tfrecord*"):
        path.write_bytes(framed([with_picture(POSTSCRIPT, row % 2) for row in range(10)]))
    with pytest.raises(ValueError, match=r"record train/0: not a usable image \(its content is no"):
        load("tfds", f"lqjax_tiny@{tmp_path}")
    assert not mark.exists()
    (tmp_path / "a.eps").write_bytes(POSTSCRIPT)
    with pytest.raises(Exception), Image.open(tmp_path / "a.eps") as picture:  # noqa: B017
        picture.load()
    assert mark.exists(), "it is a trap"


GOOD = 60
"""Pictures of each class that are whole."""


@pytest.mark.parametrize("count", [1, 80, 110])
def test_usual_numbers_of_scans_are_read(count, tmp_path):
    class_folders(tmp_path, GOOD)
    path = tmp_path / "cat" / "scans.jpg"
    path.write_bytes(jpeg_of_scans(100, count))
    data = load("folder", tmp_path, on_bad_image="skip")
    reasons = dict(data.skipped)
    assert reasons == (
        {str(path): "it has more than 100 scans; save it with fewer"} if count > 100 else {}
    )


def wrecks(folder, good=GOOD):
    """Put broken files of every kind among good ones; give their paths."""
    class_folders(folder, good)
    made = {}
    for form, files in whole_pictures().items():
        data = files[0]
        made |= {f"{form}-half": data[: len(data) // 2], f"{form}-head": data[:20]}
    made |= {"empty": b"", "text": b"no picture", "zeros": bytes(500), "random": os.urandom(500)}
    made |= {"page": b"<html>404 Not Found</html>", "eps": POSTSCRIPT}
    bombs = [make() for kind, make in BOMBS if kind == "picture"]
    made |= {f"bomb-{number}": data for number, data in enumerate(bombs)}
    made["pages"] = whole_pictures()["GIF"][2]
    paths = []
    for number, (name, data) in enumerate(made.items()):
        path = folder / ("cat", "dog")[number % 2] / f"z-{name}.jpg"
        path.write_bytes(data)
        paths.append(str(path))
    gone = folder / "dog" / "z-gone.png"
    gone.symlink_to(folder / "dog" / "nowhere.png")
    return [*paths, str(gone)]


@pytest.mark.slow
def test_a_folder_of_wrecks_finishes_and_lists_them(tmp_path):
    paths = wrecks(tmp_path / "data")
    with pytest.raises(ValueError, match=r"z-.*: not a usable image .*data\.on_bad_image=skip"):
        load("folder", tmp_path / "data")
    for decoder in ("threads", "processes"):
        data = load("folder", tmp_path / "data", on_bad_image="skip", decoder=decoder)
        assert sorted(name for name, _ in data.skipped) == sorted(paths)
        assert all(len(reason.splitlines()) == 1 for _, reason in data.skipped)
        assert len(data.train) + len(data.validation) + len(data.test) == 2 * GOOD


@pytest.mark.slow
def test_a_training_on_wrecks_finishes_and_lists_them(tmp_path):
    paths = wrecks(tmp_path / "data" / "train", good=6)  # a smoke run reads few in all
    for part in ("val", "test"):
        class_folders(tmp_path / "data" / part, 6)
    settings = {
        "run.smoke": True,
        "data.source": "folder",
        "data.path": tmp_path / "data",
        "data.on_bad_image": "skip",
        "evaluation.conditions": "clean,jpeg(quality=30)",
        "data.image_size": 28,
        "model.names": "small",
        "training.batch_size": 8,
    }
    made = subprocess.run(
        [
            *(sys.executable, "-m", "tests.small_launch"),
            *("--mode=train", f"--workdir={tmp_path / 'run'}"),
            *(f"--config.{key}={value}" for key, value in settings.items()),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    assert made.returncode == 0, made.stderr
    said = made.stdout + made.stderr
    assert not [path for path in paths if path not in said]
