"""A trained network in use: whatever holds the pictures, it says what Pillow and NumPy say."""

import csv
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import jax
import numpy as np
import pytest
from etils import epath
from PIL import Image

import lqjax
from lqjax import classifying, cli
from lqjax.data import chunks
from lqjax.predictions_table import COLUMNS
from lqjax.trained_weights import network_for
from tests.data.damage import ROOT
from tests.processes import environment
from tests.weights.runs import MINI, belongings, registered, shaken, write_run

SIZE = 16
OWN = belongings(size=SIZE)
GREY = belongings(size=SIZE, channels=1)
USER_ERROR, PAUSE_SECONDS = 2, 0.02
CLOSE = {"rtol": 0, "atol": 2e-6}
"""Compilers add up in another order."""


@pytest.fixture(scope="module", autouse=True)
def mini():
    with registered():
        yield


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    write_run(folder, OWN)
    return folder


@pytest.fixture(scope="module")
def grey_workdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grey")
    write_run(folder, GREY)
    return folder


@pytest.fixture(scope="module")
def classifier(workdir):
    return lqjax.load(workdir, batch_size=4)


def by_hand(picture, own=OWN):
    """Classify one of Pillow's pictures by Pillow, NumPy and the network: probabilities."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = picture.convert("RGB").crop((left, top, left + side, top + side))
    square = square.resize((own.image_size,) * 2, Image.Resampling.BICUBIC)
    square = square.convert("L" if own.channels == 1 else "RGB")
    pixels = np.asarray(square, np.float32).reshape(1, own.image_size, own.image_size, -1) / 255
    images = (pixels - np.float32(own.mean)) / np.float32(own.std)
    network = network_for(own)
    given = jax.device_put((*shaken(network), images))
    logits = np.asarray(network.apply(*given, train=False)[0])
    raised = np.exp(logits[0].astype(np.float64) - logits.max())
    return raised / raised.sum()


def patches(seed, height=40, width=30, channels=3):
    """Draw a picture of coarse patches."""
    draws = np.random.default_rng(seed)
    small = draws.integers(0, 256, (5, 5, channels), np.uint8)
    whole = Image.fromarray(small[..., 0] if channels == 1 else small)
    return np.asarray(whole.resize((width, height), Image.Resampling.BICUBIC))


def check(found, pictures, own=OWN):
    assert found.probabilities.shape == (len(pictures), len(own.class_names))
    assert found.probabilities.dtype == np.float32 and len(found) == len(pictures)
    expected = np.array([by_hand(picture, own) for picture in pictures])
    np.testing.assert_allclose(found.probabilities, expected, **CLOSE)
    assert found.class_names == own.class_names
    assert found.classes == tuple(own.class_names[row] for row in expected.argmax(1))
    # All alike would prove nothing.
    assert len(expected) < 2 or np.ptp(expected, axis=0).max() > 1e-3


COLOUR = np.stack([patches(seed) for seed in range(6)])


def test_a_run_and_its_file_say_the_same(workdir, classifier, tmp_path):
    path = lqjax.export_weights(workdir, tmp_path / "a.safetensors")
    for source in (path, str(path), str(workdir), Path(workdir)):
        again = lqjax.load(source, batch_size=4)
        assert again.class_names == classifier.class_names == OWN.class_names
        assert (again.image_size, again.channels) == (SIZE, 3)
        found, expected = again.predict(COLOUR), classifier.predict(COLOUR)
        np.testing.assert_array_equal(found.probabilities, expected.probabilities)
        assert found.classes == expected.classes


def test_the_seed_that_is_named_is_used(tmp_path):
    write_run(tmp_path, OWN)
    _, epochs = write_run(tmp_path, OWN, seed=3)
    kernel = np.asarray(lqjax.load(tmp_path, seed=3)._weights[0]["fc"]["kernel"])
    np.testing.assert_array_equal(kernel, epochs[-1][0]["fc"]["kernel"])
    with pytest.raises(ValueError, match="no run of mini with seed 5; it has 0, 3"):
        lqjax.load(tmp_path, seed=5)


def alpha():
    whole = np.concatenate([COLOUR, np.full((6, 40, 30, 1), 255, np.uint8)], axis=3)
    whole[:, :20, :, 3] = 0  # a transparent half is white
    shown = COLOUR.copy()
    shown[:, :20] = 255
    return whole, shown


LIGHT = np.stack([patches(seed, channels=1) for seed in range(6)])
WIDE = LIGHT.astype(np.uint16) * 257
ALPHA, SHOWN = alpha()
SIDES = [(40, 30), (16, 16), (9, 33), (70, 21)]
MIXED = [patches(n, *side, 3 - 2 * (n % 2)) for n, side in enumerate(SIDES)]
PALETTE = [Image.fromarray(image).convert("P") for image in COLOUR]

GIVEN = {
    "colour": (COLOUR, COLOUR),
    "transparent": (ALPHA, SHOWN),
    "grey": (LIGHT, LIGHT),
    "one channel": (LIGHT[..., None], LIGHT),
    "16 bits": (WIDE, LIGHT),
    "16 bits, one channel": (WIDE[..., None], LIGHT),
    "float32": (COLOUR / np.float32(255), COLOUR),
    "float64": (LIGHT / 255, LIGHT),
    "float16": ((COLOUR / 255).astype(np.float16), COLOUR),
    "list": (list(COLOUR), COLOUR),
    "tuple of floats": (tuple(LIGHT / 255), LIGHT),
    "of many sizes": (MIXED, MIXED),
    "not contiguous": (COLOUR[:, ::-1, ::-1], COLOUR[:, ::-1, ::-1]),
    "of JAX": (jax.numpy.asarray(COLOUR), COLOUR),
    "one in a list": ([COLOUR[0]], COLOUR[:1]),
    "Pillow's": ([Image.fromarray(image) for image in COLOUR], COLOUR),
    "none": ([], []),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_arrays_are_classified_as_the_pictures_they_are(kind, classifier):
    given, shown = GIVEN[kind]
    found = classifier.predict(given)
    assert found.names == tuple(map(str, range(len(shown)))) and found.skipped == ()
    if len(shown):
        check(found, [Image.fromarray(np.ascontiguousarray(image)) for image in shown])
    else:
        assert found.classes == () and found.probabilities.shape == (0, 3)


def test_palettes_are_looked_up(classifier):
    check(classifier.predict(PALETTE), [picture.convert("RGB") for picture in PALETTE])


@pytest.mark.parametrize("given", [LIGHT, COLOUR], ids=["grey", "colour"])
def test_a_network_for_grey_images_sees_grey(given, grey_workdir):
    found = lqjax.load(grey_workdir).predict(given)
    # Colour is turned grey before it is resized, or after: rounding differs by a level.
    expected = np.array([by_hand(Image.fromarray(image), GREY) for image in given])
    np.testing.assert_allclose(found.probabilities, expected, atol=2e-3)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "new films"
    names = ("b.png", "a.PNG", "deep/er/c d.png", "é 漢.png", "z'\"; rm.png", "x,y.png")
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(COLOUR[number]).save(path, "PNG")
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.png").write_bytes(b"")
    return root, {name: Image.fromarray(COLOUR[n]) for n, name in enumerate(names)}


def test_a_folder_is_read_whole_and_in_order(folder, classifier):
    root, pictures = folder
    for given in (root, str(root)):
        found = classifier.predict(given)
        assert sorted(found.names) == list(found.names) == sorted(pictures)
        check(found, [pictures[name] for name in found.names])


def test_paths_keep_their_order(folder, classifier):
    root, pictures = folder
    names = list(pictures)[::-1]
    for given in ([str(root / name) for name in names], tuple(root / name for name in names)):
        found = classifier.predict(given)
        assert found.names == tuple(str(root / name) for name in names)
        check(found, [pictures[name] for name in names])
    for given in (root / names[0], str(root / names[0])):
        found = classifier.predict(given)
        assert found.names == (str(given),)
        check(found, [pictures[names[0]]])


def with_wrecks(root):
    """Put files that are no pictures among others; give their names."""
    whole = (root / "b.png").read_bytes()
    made = {
        "0.jpg": b"",
        "deep/half.png": whole[: len(whole) // 2],
        "page.gif": b"<html>404</html>",
    }
    for name, content in made.items():
        (root / name).write_bytes(content)
    (root / "y.tif").mkdir()
    return sorted(made)


def test_broken_files_are_listed_and_the_others_classified(folder, classifier):
    root, pictures = folder
    broken = with_wrecks(root)
    found = classifier.predict(root)
    assert [name for name, _ in found.skipped] == broken
    assert all(reason and len(reason.splitlines()) == 1 for _, reason in found.skipped)
    assert list(found.names) == sorted(pictures)
    check(found, [pictures[name] for name in found.names])
    paths = [root / "missing.png", root / "b.png", root / "0.jpg"]
    found = classifier.predict(paths)
    assert found.names == (str(paths[1]),)
    assert [name for name, _ in found.skipped] == [str(paths[0]), str(paths[2])]
    found = classifier.predict(root / "0.jpg")
    assert len(found) == 0 == len(found.probabilities) and len(found.skipped) == 1


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("size", [1, 4])
def test_batches_that_are_not_full_change_nothing(count, size, workdir, classifier):
    images = np.concatenate([COLOUR, COLOUR[:3, ::-1]])[:count]
    found = (classifier if size == 4 else lqjax.load(workdir, batch_size=1)).predict(images)
    check(found, [Image.fromarray(image) for image in images])


def refusals(root):
    (root / "empty").mkdir()
    many = np.zeros((2, 8, 8, 3), np.uint8)
    return [
        (root / "none", "none: no such file or folder"),
        (root / "none.png", "no such file or folder"),
        (root / "empty", "empty: no pictures in it"),
        (many[0], r"of shape \(8, 8, 3\) looks like one image; give it as a list, \[image\]"),
        (many[0, 0], r"these are no images \(of shape \(8, 3\)\)"),
        (many[None], r"these are no images \(of shape \(1, 2, 8, 8, 3\)\)"),
        (many.astype(np.int64), "image 0 holds int64"),
        (many.astype(np.uint16), "image 0 holds uint16"),
        (many > 0, "image 0 holds bool"),
        (many + 1.5, r"image 0 has floats outside \[0, 1\]"),
        ([many[0] * np.nan], r"image 0 has floats outside \[0, 1\]"),
        ([many[0], many], r"image 1 has the shape \(2, 8, 8, 3\)"),
        ([many[0], many[0, :, :, :2]], r"image 1 has the shape \(8, 8, 2\)"),
        ([many[0, :0]], "image 0 is empty"),
        ([many[0], 3], "image 1 has the type int"),
        ([many[0], "a.png"], "paths and pixels cannot be mixed"),
        ([None], "image 0 has the type NoneType"),
        (None, r"these are no images \(NoneType\)"),
        (7, r"these are no images \(int\)"),
        ((image for image in many), r"these are no images \(generator\)"),
        ([Image.new("I", (8, 8))], "image 0: it has signed or 32-bit integers"),
        (np.array(["a", "b"]), "these are no images"),
    ]


def test_what_are_no_images_is_said_in_one_line(classifier, tmp_path):
    for given, match in refusals(tmp_path):
        with pytest.raises(ValueError, match=match) as refusal:
            classifier.predict(given)
        assert len(str(refusal.value).splitlines()) == 1


def test_a_bucket_without_its_package_is_said_in_one_line(monkeypatch):
    def missing(path):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(type(epath.Path("s3://x")), "exists", missing)
    with pytest.raises(ValueError, match=r"s3://x cannot be read here \(Install s3fs"):
        lqjax.load("s3://x")


def test_what_cannot_be_loaded_is_said_in_one_line(workdir, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.pth").write_bytes(b"nothing")
    for given, more, match in [
        (tmp_path / "none.pth", {}, r"there is no file .*none\.pth"),
        (tmp_path / "a.pth", {}, r"a\.pth cannot be used: it is neither"),
        (tmp_path, {}, "holds no trained network"),
        (workdir, {"model": "resnet18"}, "holds no resnet18; it has mini"),
        (workdir, {"batch_size": 0}, "batch_size=0 is not possible"),
        (None, {}, "None is no path; give the working directory of a run, or a file of weights"),
        (3, {}, "3 is no path"),
        ("", {}, "'' is no path"),
        ("what://x", {}, r"what://x cannot be read here \(it is of no known kind\)"),
        ("~/none.pth", {}, rf"there is no file {tmp_path}/none\.pth"),
    ]:
        with pytest.raises(ValueError, match=match) as refusal:
            lqjax.load(given, **more)
        assert len(str(refusal.value).splitlines()) == 1


def test_a_run_is_only_read(tmp_path, capsys):
    run, epochs = write_run(tmp_path, OWN, weights=(0, 1))
    # As another process leaves it while it writes; and the last checkpoint is cut off.
    (run.checkpoints / "12.orbax-checkpoint-tmp-7").mkdir()
    there = Path(run.checkpoints / "8" / "model").rglob("*")
    largest = max(filter(Path.is_file, there), key=lambda path: path.stat().st_size)
    os.truncate(largest, largest.stat().st_size // 2)

    def state():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    before = state()
    found = lqjax.load(tmp_path)
    assert state() == before
    kernel = np.asarray(found._weights[0]["fc"]["kernel"])
    np.testing.assert_array_equal(kernel, epochs[0][0]["fc"]["kernel"])
    assert "warning: checkpoint 8 is damaged" in capsys.readouterr().out


def most_memory(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path, monkeypatch):
    own = belongings(size=64)
    write_run(tmp_path / "work", own)
    classifier = lqjax.load(tmp_path / "work", batch_size=16)
    image = patches(0, 64, 64)
    Image.fromarray(image).save(tmp_path / "a.png")
    one = classifier.predict([image])  # compiled, imported
    classifier.predict([tmp_path / "a.png"])
    forward = classifier._predictor.forward

    def slowly(*given):
        time.sleep(PAUSE_SECONDS)  # decoding would run far ahead
        return forward(*given)

    monkeypatch.setattr(classifier._predictor, "forward", slowly)
    for module in (chunks, classifying):  # many pictures would get more threads
        monkeypatch.setattr(module, "cores", lambda: 1)
    for given in (image / 255, tmp_path / "a.png"):
        few = most_memory(lambda given=given: classifier.predict([given] * 256))
        many = most_memory(lambda given=given: classifier.predict([given] * 1024))
        assert many - few < image.nbytes * 100
    found = classifier.predict([image / 255] * 200)
    np.testing.assert_allclose(found.probabilities, one.probabilities.repeat(200, 0), **CLOSE)


def predicting(source, *more):
    return ["--mode=predict", f"--input={source}", *more]


def rows_of(path):
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.reader(file))


def test_the_command_writes_a_table(folder, workdir, classifier, tmp_path, capsys):
    root, _ = folder
    broken = with_wrecks(root)
    target = tmp_path / "out" / "predictions.csv"
    assert cli.main(predicting(root, f"--workdir={workdir}", f"--output={target}")) == 0
    said = capsys.readouterr().out
    assert f"6 pictures; predictions: {target}" in said
    assert "skipped 3 unusable pictures:" in said and all(f"  {name}: " in said for name in broken)
    head, *rows = rows_of(target)
    assert head == [*COLUMNS, "p(ant)", "p(bee)", "p(cat)"]
    found = classifier.predict(root)
    assert [row[0] for row in rows] == sorted([*found.names, *broken])
    by_name = {row[0]: row[1:] for row in rows}
    for name, label, values in zip(found.names, found.classes, found.probabilities, strict=True):
        own, probability, error, *each = by_name[name]
        assert (own, error) == (label, "")
        np.testing.assert_allclose([float(text) for text in each], values, atol=2e-6)
        assert float(probability) == max(float(text) for text in each)
    for name, reason in found.skipped:
        assert by_name[name] == ["", "", reason, "", "", ""]
    assert [path.name for path in target.parent.iterdir()] == ["predictions.csv"]


def test_the_command_takes_a_file_and_one_picture(folder, workdir, tmp_path, capsys):
    root, _ = folder
    file = lqjax.export_weights(workdir, tmp_path / "a.safetensors")
    target = tmp_path / "p.csv"
    more = [f"--weights={file}", f"--output={target}", f"--model={MINI}"]
    assert cli.main(predicting(root / "b.png", *more)) == 0
    assert [row[0] for row in rows_of(target)[1:]] == [str(root / "b.png")]
    assert "\n1 picture; predictions: " in capsys.readouterr().out


def test_the_command_knows_the_home_folder_and_counts_one_as_one(
    folder, workdir, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "films").mkdir()
    Image.fromarray(COLOUR[0]).save(tmp_path / "films" / "a.png")
    (tmp_path / "films" / "b.png").write_bytes(b"broken")
    lqjax.export_weights(workdir, tmp_path / "a.safetensors")
    more = ["--weights=~/a.safetensors", "--output=~/p.csv"]
    assert cli.main(predicting("~/films", *more)) == 0
    said = capsys.readouterr().out
    assert "\nskipped 1 unusable picture:\n" in said and "\n1 picture; predictions: " in said
    assert [row[0] for row in rows_of(tmp_path / "p.csv")[1:]] == ["a.png", "b.png"]
    classifier = lqjax.load("~/a.safetensors")
    assert classifier.predict("~/films").names == ("a.png",)
    assert classifier.predict(["~/films/a.png"]).names == ("~/films/a.png",)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_not_utf_8_are_written_as_they_are(workdir, tmp_path, capsys):
    root = tmp_path / "root"
    root.mkdir()
    name = os.fsdecode(b"caf\xe9.png")
    Image.fromarray(COLOUR[0]).save(root / "a.png")
    (root / "a.png").rename(root / name)
    target = tmp_path / "p.csv"
    assert cli.main(predicting(root, f"--workdir={workdir}", f"--output={target}")) == 0
    assert b"\ncaf\xe9.png," in target.read_bytes()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "--mode=predict needs --input=FOLDER"),
        (["--input=PICTURES"], "--mode=predict needs --output=predictions.csv"),
        (["--input=PICTURES", "--output=OUT"], "needs either --workdir=DIR"),
        (
            ["--input=PICTURES", "--output=OUT", "--workdir=WORK", "--weights=x.pth"],
            "needs either --workdir=DIR, where a network was trained, or --weights=FILE",
        ),
        (["--input=NONE", "--output=OUT", "--workdir=WORK"], "NONE: no such"),
        (["--input=PICTURES", "--output=OUT", "--workdir=NONE"], "there is no folder NONE"),
        (["--input=PICTURES", "--output=OUT", "--weights=NONE"], "there is no file NONE"),
        (["--input=PICTURES", "--output=OUT", "--workdir=PICTURES"], "holds no trained network"),
        (
            ["--input=PICTURES", "--output=OUT", "--workdir=WORK", "--model=resnet18"],
            "holds no resnet18; it has mini",
        ),
        (["--input=WORK", "--output=OUT", "--workdir=WORK"], "no pictures in it"),
        (["--input=PICTURES", "--output=PICTURES", "--workdir=WORK"], "PICTURES is a folder"),
        (["--input=PICTURES", "--outpt=OUT", "--workdir=WORK"], "--outpt"),
        (["--input=PICTURES", "--output=OUT", "--workdir=WORK", "--seed=x"], "--seed"),
        (["--input=PICTURES", "--output=OUT", "--workdir=WORK", "--config.run.seed=1"], "--config"),
    ],
)
def test_mistakes_on_the_command_line_end_in_one_line(
    flags, said, workdir, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("PICTURES").symlink_to(folder[0])
    Path("WORK").symlink_to(workdir)
    assert cli.main(["--mode=predict", *flags]) == USER_ERROR
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("lqjax: ") and told.err.count("\n") == 1
    assert said in told.err
    assert not Path("OUT").exists()


@pytest.mark.slow
def test_the_command_works_as_a_process_of_its_own(folder, tmp_path):
    root, _ = folder
    write_run(tmp_path / "work", belongings("resnet18", 64))
    target = tmp_path / "p.csv"
    with_wrecks(root)
    made = subprocess.run(
        [
            *(sys.executable, "launch.py", f"--workdir={tmp_path / 'work'}"),
            *predicting(root, f"--output={target}"),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    assert made.returncode == 0, made.stderr
    assert len(rows_of(target)) == 10


def test_a_link_to_a_file_that_is_gone_has_a_line_with_its_reason(workdir, tmp_path):
    folder, table = tmp_path / "in", tmp_path / "out.csv"
    folder.mkdir()
    Image.fromarray(COLOUR[0]).save(folder / "a.png")
    (folder / "b.png").symlink_to(tmp_path / "gone.png")
    (folder / "c.png").symlink_to(folder / "a.png")
    (folder / "d.png").mkdir()
    given = [f"--workdir={workdir}", f"--input={folder}", f"--output={table}"]
    assert cli.main(["--mode=predict", *given]) == 0
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["file"] for row in rows] == ["a.png", "b.png", "c.png"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert "No such file" in rows[1]["error"]
