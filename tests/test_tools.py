"""Tools without a recipe: list, gallery, a corrupted copy of a folder."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from lqjax import cli, corrupting
from lqjax.corrupting import Copying, degrade_folder
from lqjax.imaging.catalogue import as_page, catalogue
from lqjax.imaging.conditions import parse
from lqjax.imaging.degrade import degrade
from lqjax.imaging.operations import OPERATIONS
from lqjax.imaging.suites import SUITES
from lqjax.picturing import draw_gallery

ROOT = Path(__file__).parent.parent
CONDITIONS = "clean,low_quality/gaussian_noise@high,jpeg(quality=20)"


def pixels(seed, height=32, width=32, channels=3):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, channels)).astype(np.uint8)
    picture = PIL.Image.fromarray(coarse[..., 0] if channels == 1 else coarse)
    return np.asarray(picture.resize((width, height), PIL.Image.Resampling.BICUBIC))


@pytest.fixture
def pictures(tmp_path):
    root = tmp_path / "pictures"
    for number, name in enumerate(("cat/1.png", "cat/2.png", "dog/é.png", "dog/deep/4.png")):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(pixels(number)).save(path)
    PIL.Image.fromarray(pixels(9, 40, 36, 1)).save(root / "grey.png")
    (root / ".hidden.png").write_bytes(b"")
    (root / "notes.txt").write_text("no picture")
    return root


def read(path):
    with PIL.Image.open(path) as picture:
        return np.asarray(picture)


def lines(folder):
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_a_corrupted_copy_has_what_degrade_gives(pictures, tmp_path):
    done = degrade_folder(pictures, tmp_path / "out", CONDITIONS, Copying(seed=5))
    assert (done.written, done.kept, done.skipped) == (15, 0, ())
    out = tmp_path / "out"
    for name in ("cat/1.png", "dog/é.png", "dog/deep/4.png", "grey.png"):
        given = read(pictures / name)
        np.testing.assert_array_equal(read(out / "clean" / name), given)
        condition = "low_quality/gaussian_noise@high"
        expected = degrade(given[None], condition, seed=5, ids=[name])[0]
        found = read(out / "low_quality/gaussian_noise/high" / name)
        np.testing.assert_array_equal(found, expected)
    assert sorted(p.name for p in out.iterdir())[0] == "clean"


def test_the_manifest_tells_how_each_file_was_made(pictures, tmp_path):
    degrade_folder(pictures, tmp_path / "out", CONDITIONS, Copying(seed=5))
    records = lines(tmp_path / "out")
    assert len(records) == 15 == len({record["file"] for record in records})
    for record in records:
        assert (tmp_path / "out" / record["file"]).exists()
        assert (pictures / record["source"]).exists()
        steps = parse(record["condition"]).steps
        assert [s["operation"] for s in record["steps"]] == [s.operation.name for s in steps]
        assert record["seed"] == 5
    noisy = next(r for r in records if "gaussian_noise" in r["condition"])
    assert noisy["steps"][0]["parameters"] == {"sigma": 0.5}


def test_published_jpeg_85(pictures, tmp_path):
    degrade_folder(pictures, tmp_path / "out", "cifar10_c/contrast@3", Copying(format="jpeg85"))
    given = degrade(read(pictures / "cat/1.png")[None], "cifar10_c/contrast@3")[0]
    buffer = io.BytesIO()
    PIL.Image.fromarray(given).save(buffer, "JPEG", quality=85, optimize=True)
    written = tmp_path / "out/cifar10_c/contrast/3/cat/1.jpg"
    assert written.read_bytes() == buffer.getvalue()
    chained = degrade(read(pictures / "cat/1.png")[None], "cifar10_c/contrast@3|jpeg(quality=85)")
    np.testing.assert_array_equal(read(written), chained[0])


def test_it_goes_on_where_it_stopped(pictures, tmp_path, monkeypatch):
    saved = []

    def failing(path, image, settings, save=corrupting._save):
        if len(saved) == 7:
            raise KeyboardInterrupt
        saved.append(path)
        save(path, image, settings)

    monkeypatch.setattr(corrupting, "_save", failing)
    with pytest.raises(KeyboardInterrupt):
        degrade_folder(pictures, tmp_path / "out", CONDITIONS)
    monkeypatch.undo()
    manifest = tmp_path / "out" / "manifest.jsonl"
    manifest.write_text(manifest.read_text() + '{"file": "cut off')
    done = degrade_folder(pictures, tmp_path / "out", CONDITIONS)
    assert done.written + done.kept == 15 and done.kept >= 4
    whole = degrade_folder(pictures, tmp_path / "whole", CONDITIONS)
    assert whole.written == 15
    for record in lines(tmp_path / "whole"):
        name = record["file"]
        expected = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "out" / name).read_bytes() == expected
    assert len(lines(tmp_path / "out")) == 15
    (tmp_path / "out" / "clean/cat/1.png").unlink()
    assert degrade_folder(pictures, tmp_path / "out", CONDITIONS).written == 1
    assert not list((tmp_path / "out").rglob("*.unfinished"))


@pytest.mark.slow
def test_a_killed_copy_goes_on(pictures, tmp_path):
    for number in range(25):
        PIL.Image.fromarray(pixels(number, 200, 200)).save(pictures / f"cat/many{number}.png")
    out, conditions = tmp_path / "out", "low_quality/*@high"
    command = [sys.executable, str(ROOT / "launch.py"), "--mode=degrade", f"--input={pictures}"]
    command += [f"--output={out}", f"--conditions={conditions}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        while not out.exists() or len(list(out.rglob("*.png"))) < 20:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    whole = degrade_folder(pictures, tmp_path / "whole", conditions)
    assert whole.written == 30 * 4
    for record in lines(tmp_path / "whole"):
        name = record["file"]
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_broken_pictures_are_listed_and_the_rest_is_done(pictures, tmp_path):
    (pictures / "dog" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    done = degrade_folder(pictures, tmp_path / "out", CONDITIONS)
    assert done.written == 15
    assert [name for name, _ in done.skipped] == ["dog/broken.jpg"]
    for path in pictures.rglob("*.png"):
        path.unlink()
    with pytest.raises(ValueError, match="none of 1 pictures can be used"):
        degrade_folder(pictures, tmp_path / "none", CONDITIONS)


def test_names_that_differ_in_their_ending_only_stay_apart(pictures, tmp_path):
    PIL.Image.fromarray(pixels(77)).save(pictures / "cat/1.bmp")
    degrade_folder(pictures, tmp_path / "out", "clean")
    found = sorted(path.name for path in (tmp_path / "out/clean/cat").iterdir())
    assert found == ["1.bmp.png", "1.png.png", "2.png"]


def test_no_two_pictures_share_an_output(pictures, tmp_path):
    for name in ("cat/2.png.bmp", "cat/2.bmp"):
        PIL.Image.fromarray(pixels(len(name))).save(pictures / name)
    done = degrade_folder(pictures, tmp_path / "out", "clean")
    assert done.written == 7 == len({record["file"] for record in lines(tmp_path / "out")})
    assert len(list((tmp_path / "out/clean").rglob("*.png"))) == 7


@pytest.mark.slow
def test_pictures_too_small_for_an_operation_are_skipped(pictures, tmp_path):
    PIL.Image.fromarray(pixels(3, 1, 1)).save(pictures / "cat/dot.png")
    done = degrade_folder(pictures, tmp_path / "out", "cifar10_c/spatter@5")
    assert done.skipped == (("cat/dot.png", "spatter needs 2 px"),)
    assert done.written == 5


def test_damaged_bookkeeping_is_said_or_mended(pictures, tmp_path):
    out = tmp_path / "out"
    degrade_folder(pictures, out, "clean")
    manifest = out / "manifest.jsonl"
    manifest.write_text("no json\n[1]\n" + manifest.read_text())
    assert degrade_folder(pictures, out, "clean").kept == 5
    for text in ("", "[1]", "{"):
        (out / "settings.json").write_text(text)
        with pytest.raises(ValueError, match="is damaged; remove its folder"):
            degrade_folder(pictures, out, "clean")


def test_a_size_makes_squares(pictures, tmp_path):
    degrade_folder(pictures, tmp_path / "out", "clean", Copying(size=28))
    shapes = {read(path).shape for path in (tmp_path / "out/clean").rglob("*.png")}
    assert shapes == {(28, 28, 3), (28, 28)}


def test_a_folder_holds_one_kind_of_copy(pictures, tmp_path):
    degrade_folder(pictures, tmp_path / "out", "clean")
    with pytest.raises(ValueError, match="was written with seed=0"):
        degrade_folder(pictures, tmp_path / "out", "clean", Copying(seed=1))
    with pytest.raises(ValueError, match="holds other files"):
        degrade_folder(tmp_path / "out", pictures, "clean")
    with pytest.raises(ValueError, match="lies inside"):
        degrade_folder(pictures, pictures / "out", "clean")
    with pytest.raises(ValueError, match="unknown format 'webp'; allowed: "):
        degrade_folder(pictures, tmp_path / "other", "clean", Copying(format="webp"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no pictures in it"):
        degrade_folder(tmp_path / "empty", tmp_path / "other", "clean")


def test_every_condition_has_a_folder_of_its_own():
    texts = ["clean", "jpeg(quality=20)", "imagenet_c/fog@3", "imagenet_c/fog@2.5"]
    texts += ["imagenet_c/fog@3(quantize=0)", "imagenet_c/fog@3|jpeg(quality=85)"]
    folders = [corrupting.folder_of(parse(text)) for text in texts]
    assert folders[0] == "clean" and folders[2:4] == ["imagenet_c/fog/3", "imagenet_c/fog/2.5"]
    assert len(set(folders)) == len(folders)
    assert not any(set(folder) & set(' ()|@*"<>:\\') for folder in folders)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_gallery_shows_every_level(pictures, tmp_path, ending):
    target = draw_gallery(pictures / "cat/1.png", tmp_path / f"new/g.{ending}", "low_quality/*")
    assert target.stat().st_size > 5000
    if ending == "png":
        height, width, _ = read(target).shape
        assert width > height > 400, "four rows of four pictures and the labels"


def test_a_gallery_refuses_what_it_cannot_draw(pictures, tmp_path):
    for picture, output, conditions, message in (
        (pictures / "none.png", "g.png", "low_quality/*", "no such file"),
        (pictures / "notes.txt", "g.png", "low_quality/*", "not a usable picture"),
        (pictures / "grey.png", "g.gif", "low_quality/*", "to a .png, .svg or .pdf"),
        (pictures / "grey.png", "g.png", "clean", "degrades nothing"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            draw_gallery(picture, tmp_path / output, conditions)
        assert "\n" not in str(caught.value)


def test_the_catalogue_is_complete():
    listed = {entry.name: entry for entry in catalogue()}
    assert set(listed) == set(OPERATIONS)
    for suite in SUITES:
        for entry in SUITES[suite].entries:
            if not entry.then:
                head = suite.partition("/")[0]
                assert any(head in text for text in listed[entry.operation].suites)
    assert listed["gaussian_noise"].stochastic and not listed["jpeg"].stochastic


def test_the_page_of_operations_is_up_to_date():
    page = (ROOT / "docs" / "operations.md").read_text()
    command = "python launch.py --mode=list --output=docs/operations.md"
    assert page == as_page(), f"docs/operations.md is out of date: run {command}"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--mode=degrade", "--mode=degrade needs --input=FOLDER"),
        ("--mode=degrade --input=x", "needs --output=FOLDER"),
        ("--mode=degrade --input=x --output=y", "needs --conditions="),
        ("--mode=degrade --input=x --output=y --conditions=clean", "x: no such folder"),
        ("--mode=gallery", "needs --input=PICTURE.jpg"),
        ("--mode=gallery --input=x --size=big", "--size=big: must be a whole number"),
        ("--mode=gallery --input=x --size=1000000", "must be at most 4096 px"),
        ("--mode=gallery --input=x --seed=-1", "--seed=-1: must be 0 or more"),
        ("--mode=gallery --input=x --format=png", "does not read --format; it belongs to"),
        ("--mode=list --config=x", "does not read --config"),
        ("--mode=list --config.run.seed=1", "reads no recipe"),
        ("--input=x", "compare does not read --input; it belongs to --mode=predict, gallery and d"),
    ],
)
def test_wrong_flags_end_in_one_line(flags, message, capsys):
    assert cli.main(flags.split()) == cli.USER_ERROR
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_the_modes_run(pictures, tmp_path, capsys):
    assert cli.main(["--mode=list"]) == 0
    assert "motion_blur_line" in capsys.readouterr().out
    gallery = tmp_path / "g.png"
    assert cli.main(["--mode=gallery", f"--input={pictures}/grey.png", f"--output={gallery}"]) == 0
    assert gallery.exists()
    flags = ["--mode=degrade", f"--input={pictures}", f"--output={tmp_path / 'o'}"]
    assert cli.main([*flags, "--conditions=low_quality/jpeg"]) == 0
    assert "wrote 15 files; manifest:" in capsys.readouterr().out


def test_a_reader_that_stops_early_is_no_error():
    command = f"{sys.executable} {ROOT / 'launch.py'} --mode=list | head -1"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, shell=True, capture_output=True, env=environment, check=False)
    assert done.stderr == b"" and done.stdout.count(b"\n") == 1
