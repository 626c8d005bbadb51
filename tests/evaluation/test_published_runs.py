"""Published corrupted sets as conditions: tested, resumed and reported like any others."""

import csv
import dataclasses
import math
import shutil

import numpy as np
import pytest
from etils import epath
from skimage.metrics import structural_similarity

import lqjax
from lqjax.data.placing import place
from lqjax.evaluation import grid as grid_module
from lqjax.evaluation.gallery import make_gallery
from lqjax.evaluation.grid import Grid
from lqjax.evaluation.predict import Predictor, as_floats
from lqjax.imaging.conditions import expand
from lqjax.imaging.degrade import degrade
from lqjax.progress import Progress
from lqjax.rows import Row, read_lines
from lqjax.runtime import make_mesh
from lqjax.typing import Dataset
from lqjax.workdir import Run, Workdir
from tests.data import corrupted_sets as sets
from tests.training.small import split, statistics
from tests.training.tiny import TinyNetwork

pytestmark = pytest.mark.usefixtures("quick_compilation", "undrawn_figures")

FOG, CHAIN = "cifar10_corrupted/fog@3", "cifar10_corrupted/fog@3|median(size=3)"
NETWORK = TinyNetwork(image_size=28)


@pytest.fixture(scope="module")
def data():
    return split(28, count=50)


def dimmed(given):
    """Stand in for a published set: every level halved."""
    return dataclasses.replace(given, images=given.images // 2)


def rows(data, folder, batch_size=16, devices=1, conditions=(FOG, CHAIN), damages=None):
    mesh = make_mesh(devices)
    predictor = Predictor(NETWORK, statistics(), batch_size, mesh)
    asked = []

    def published(pictures):
        asked.append(pictures.text)
        return place(dimmed(data), mesh, "device", 0.5)

    batches, wanted = place(data, mesh, "device", 0.5), expand(conditions, published=True)
    grid = Grid("made", data, batches, wanted, 0, damages, published)
    run = Workdir(epath.Path(folder)).run("tiny", 0)
    return grid.evaluate(predictor, *NETWORK.init(0), run, Progress()), run, asked


def expected_logits(data, images):
    mesh = make_mesh(1)
    predictor = Predictor(NETWORK, statistics(), 50, mesh)
    shown = dataclasses.replace(data, images=images)
    return predictor.logits(*NETWORK.init(0), place(shown, mesh, "device", 0.5), as_floats)


@pytest.mark.parametrize(("batch_size", "devices"), [(16, 1), (24, 8)])
def test_networks_are_shown_the_published_pictures(data, tmp_path, batch_size, devices):
    found, run, _ = rows(data, tmp_path, batch_size, devices)
    half = data.images // 2
    np.testing.assert_allclose(run.logits(FOG), expected_logits(data, half), atol=1e-4)
    smoothed = degrade(half, "median(size=3)")
    np.testing.assert_allclose(run.logits(CHAIN), expected_logits(data, smoothed), atol=1e-4)
    labels = [(row.condition, row.family, row.level, row.label) for row in found]
    assert labels == [
        (FOG, "cifar10_corrupted/fog", "3", "published fog"),
        (
            CHAIN,
            "cifar10_corrupted/fog|median(size=3)",
            "3",
            "published fog, then median, size 3 px",
        ),
    ]


def test_damage_is_that_between_test_image_and_picture(data, tmp_path, monkeypatch):
    calls, damages = [], {}
    original = grid_module.measure
    monkeypatch.setattr(grid_module, "measure", lambda *a: calls.append(1) or original(*a))
    (found, _), _, _ = rows(data, tmp_path / "one", damages=damages)
    batches = len(calls)
    clean, half = data.images / 255, data.images // 2 / 255
    ratios = [-10 * math.log10(((a - b) ** 2).mean()) for a, b in zip(clean, half, strict=True)]
    assert found.psnr == pytest.approx(np.mean(ratios), abs=1e-3)
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    structures = [
        structural_similarity(a, b, data_range=1, channel_axis=-1, **window)
        for a, b in zip(clean, half, strict=True)
    ]
    assert found.ssim == pytest.approx(np.mean(structures), abs=1e-4)
    (again, _), _, _ = rows(data, tmp_path / "two", damages=damages)
    assert (again.psnr, again.ssim) == (found.psnr, found.ssim) and len(calls) == batches == 8


def test_a_finished_condition_is_not_read_again(data, tmp_path):
    first, _, asked = rows(data, tmp_path, conditions=[FOG])
    assert asked == [FOG]
    second, _, asked = rows(data, tmp_path, conditions=[FOG, "clean", "cifar10_corrupted/fog@4"])
    assert asked == ["cifar10_corrupted/fog@4"] and second[0] == first[0]


def test_the_gallery_shows_the_published_pictures(data):
    dataset = Dataset("made", data, data, data, ("a", "b", "c", "d"))
    wanted = expand(["clean", FOG], published=True)
    found = make_gallery(dataset, wanted, 0, lambda pictures, chosen: dimmed(chosen))
    np.testing.assert_array_equal(found["images"][1], found["images"][0] // 2)
    with pytest.raises(ValueError, match=r"fog@3: there is nothing here to read its pictures with"):
        make_gallery(dataset, wanted, 0)


SETTINGS = {
    "source": "tfds",
    "image_size": 28,
    "test_limit": 30,
    "names": ("small",),
    "epochs": 1,
    "training_batch_size": 10,
    "evaluation_batch_size": 10,
    "latency_runs": 1,
    "conditions": ("clean", "cifar10_c/fog@3", "cifar10_corrupted/*@3", CHAIN),
    "progress": False,
    "devices": 1,
}
CONFIGS = ("gaussian_noise_3", "fog_3")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of two corruptions: patterns would name nineteen."""
    from lqjax.imaging import published

    few = dataclasses.replace(
        published.PUBLISHED["cifar10_corrupted"], corruptions=("gaussian_noise", "fog")
    )
    monkeypatch.setitem(published.PUBLISHED, "cifar10_corrupted", few)
    sets.cifar10(tmp_path / "tfds")
    for config in CONFIGS:
        sets.cifar10_corrupted(tmp_path / "tfds", config)
    return tmp_path / "tfds"


def compare(folder, place, **changes):
    given = {**SETTINGS, "path": f"cifar10@{folder}", "names": ("small",), **changes}
    return lqjax.compare(workdir=place, **given)


@pytest.mark.slow
def test_published_and_generated_conditions_stand_in_one_table(
    small_networks, folder, tmp_path, monkeypatch
):
    found = compare(folder, tmp_path / "run", names=("small", "stoppable"))
    fog = {row.condition: row for row in found.rows if row.model == "small"}
    assert list(fog) == [
        "clean",
        "cifar10_c/fog@3",
        "cifar10_corrupted/gaussian_noise@3",
        FOG,
        CHAIN,
    ]
    assert fog[FOG].n == 30 and fog[FOG].psnr == pytest.approx(-20 * math.log10(30 / 255), abs=0.2)
    assert read_lines(Row, tmp_path / "run" / "results.jsonl") == list(found.rows)
    page = found.report.read_text()
    assert "published fog" in page and "cifar10_corrupted" in page
    with (tmp_path / "run" / "report" / "results.csv").open() as file:
        tested = [(line["model"], line["condition"]) for line in csv.DictReader(file)]
    assert {(model, name) for model in ("small", "stoppable") for name in fog} <= set(tested)
    with (tmp_path / "run" / "report" / "tests.csv").open() as file:
        assert set(fog) <= {line["condition"] for line in csv.DictReader(file)}

    def refusing(self, row, logits):
        raise AssertionError(f"{row.condition} is tested again")

    monkeypatch.setattr(Run, "write_condition", refusing)
    assert compare(folder, tmp_path / "run", names=("small", "stoppable")).rows == found.rows


@pytest.mark.slow
def test_what_is_missing_is_said_before_anything_is_trained(small_networks, folder, tmp_path):
    shutil.rmtree(folder / "cifar10_corrupted" / "fog_3")
    with pytest.raises(ValueError, match=r"fog@3: .* is not in .*tfds build") as error:
        compare(folder, tmp_path / "run")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run" / "small").exists()


@pytest.mark.slow
def test_a_wrong_label_ends_the_condition_and_leaves_the_others(small_networks, folder, tmp_path):
    shutil.rmtree(folder / "cifar10_corrupted" / "fog_3")
    wrong = {0: 1}
    sets.cifar10_corrupted(folder, "fog_3", labels=lambda i: wrong.get(i, sets.label(i)))
    with pytest.raises(ValueError, match=r"fog@3: 1 of 40 pictures have another label"):
        compare(folder, tmp_path / "run", test_limit=0)
    shutil.rmtree(folder / "cifar10_corrupted" / "fog_3")
    sets.cifar10_corrupted(folder, "fog_3")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*gaussian_noise*")}
    found = compare(folder, tmp_path / "run", test_limit=0)
    assert before and all(p.stat().st_mtime_ns == at for p, at in before.items())
    assert [row.n for row in found.rows] == [40] * 5


@pytest.mark.slow
def test_another_network_is_tested_on_the_same_pictures(small_networks, folder, tmp_path):
    few = {"conditions": ("clean", FOG)}
    first = compare(folder, tmp_path / "run", **few)
    moved = shutil.move(folder / "cifar10_corrupted", tmp_path / "other" / "cifar10_corrupted")
    again = compare(
        folder, tmp_path / "run", seeds=(0, 1), corrupted_dir=str(tmp_path / "other"), **few
    )
    assert first.rows == tuple(row for row in again.rows if row.seed == 0)
    assert sum(row.condition == FOG for row in again.rows) == 2
    shutil.rmtree(moved)
    sets.cifar10_corrupted(folder, "fog_3", severity=5)
    message = r"the pictures of cifar10_corrupted/fog@3 are not those that other networks in"
    with pytest.raises(ValueError, match=message) as error:
        compare(folder, tmp_path / "run", seeds=(0, 1, 2), corrupted_dir="", **few)
    assert "\n" not in str(error.value)
