"""Exact counts for every batch size and device count, and a grid that goes on where it stopped."""

import dataclasses

import numpy as np
import pytest
from etils import epath
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import log_loss

from lqjax.data.placing import place
from lqjax.evaluation import grid as grid_module
from lqjax.evaluation.grid import Grid
from lqjax.evaluation.predict import Predictor, as_floats
from lqjax.imaging.conditions import expand
from lqjax.imaging.degrade import degrade
from lqjax.progress import Progress
from lqjax.runtime import make_mesh
from lqjax.workdir import Workdir
from tests.training.small import split, statistics
from tests.training.tiny import TinyNetwork

SIZE, COUNT = 28, 50
NETWORK = TinyNetwork(image_size=SIZE)
CONDITIONS = ("clean", "gaussian_noise(sigma=0.3)", "gaussian_noise(sigma=0.3)|median(size=3)")


@pytest.fixture(scope="module")
def data():
    return split(SIZE, count=COUNT)


def predicted(data, batch_size, devices):
    mesh = make_mesh(devices)
    predictor = Predictor(NETWORK, statistics(), batch_size, mesh)
    return predictor.logits(*NETWORK.init(0), place(data, mesh, "device", 0.5), as_floats)


def test_logits_do_not_depend_on_batches_or_devices(data):
    normalised = (data.images / 255 - 0.5) / 0.25
    expected = NETWORK.apply(*NETWORK.init(0), normalised.astype(np.float32), train=False)[0]
    for batch_size, devices in ((COUNT, 1), (7, 1), (16, 8), (64, 2)):
        found = predicted(data, batch_size, devices)
        assert found.shape == (COUNT, 4)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert np.array_equal(found.argmax(1), np.argmax(expected, 1))


def rows(data, folder, batch_size=16, devices=1, conditions=CONDITIONS, damages=None):
    mesh = make_mesh(devices)
    predictor = Predictor(NETWORK, statistics(), batch_size, mesh)
    batches = place(data, mesh, "device", 0.5)
    grid = Grid("made", data, batches, expand(conditions), seed=0, damages=damages)
    run = Workdir(epath.Path(folder)).run("tiny", 0)
    return grid.evaluate(predictor, *NETWORK.init(0), run, Progress()), run


@pytest.mark.parametrize(("batch_size", "devices"), [(16, 2), (24, 8)])
def test_the_grid_does_not_depend_on_batches_or_devices(data, tmp_path, batch_size, devices):
    first, run = rows(data, tmp_path / "one")
    second, other = rows(data, tmp_path / "other", batch_size=batch_size, devices=devices)
    assert [r.correct for r in first] == [r.correct for r in second]
    assert [r.n for r in second] == [COUNT] * len(CONDITIONS)
    for condition in CONDITIONS:
        np.testing.assert_allclose(run.logits(condition), other.logits(condition), atol=1e-4)


def test_rows_say_what_the_scores_say(data, tmp_path):
    found, run = rows(data, tmp_path)
    assert [r.condition for r in found] == list(CONDITIONS)
    for row in found:
        logits = run.logits(row.condition).astype(np.float64)
        assert row.n == COUNT and row.image_size == SIZE and row.model == "tiny"
        assert row.correct == (logits.argmax(1) == data.labels).sum()
        assert row.accuracy == row.correct / COUNT
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        assert row.loss == pytest.approx(log_loss(data.labels, probabilities), rel=1e-5)
    assert found[0].psnr is None and 8 < found[1].psnr < 15
    assert found[2].psnr != found[1].psnr
    assert not np.array_equal(run.logits(CONDITIONS[0]), run.logits(CONDITIONS[1]))


def test_rows_carry_how_much_damage_was_done(data, tmp_path):
    found, _ = rows(data, tmp_path)
    clean = (data.images / 255).astype(np.float32)
    assert (found[0].psnr, found[0].ssim) == (None, 1)
    for row in found[1:]:
        pairs = list(zip(clean, degrade(clean, row.condition, ids=data.ids), strict=True))
        ratios = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs]
        window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        structures = [
            structural_similarity(a, b, data_range=1, channel_axis=-1, **window) for a, b in pairs
        ]
        assert row.psnr == pytest.approx(np.mean(ratios), abs=1e-3)
        assert row.ssim == pytest.approx(np.mean(structures), abs=1e-4)


def test_unchanged_images_do_not_hide_the_damage_to_the_others(data, tmp_path):
    images = data.images.copy()
    images[:10] = 128  # JPEG leaves middle grey as it is
    blank = dataclasses.replace(data, images=images)
    (found,), _ = rows(blank, tmp_path / "some", conditions=["jpeg(quality=30)"])
    clean = (images / 255).astype(np.float32)
    pairs = zip(clean[10:], degrade(clean[10:], found.condition), strict=True)
    expected = np.mean([peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs])
    assert found.psnr == pytest.approx(expected, abs=1e-3)
    (found,), _ = rows(blank, tmp_path / "none", conditions=["gaussian_noise(sigma=0)"])
    assert (found.psnr, found.ssim) == (None, 1)


def test_damage_is_measured_once_for_all_networks(data, tmp_path, monkeypatch):
    calls = []
    original = grid_module.measure
    monkeypatch.setattr(grid_module, "measure", lambda *a: calls.append(1) or original(*a))
    damages = {}
    first, _ = rows(data, tmp_path / "one", damages=damages)
    batches = len(calls)
    second, _ = rows(data, tmp_path / "two", damages=damages)
    assert batches == 2 * 4 and len(calls) == batches
    assert first == second and set(damages) == set(CONDITIONS[1:])


def test_a_grid_that_was_cut_off_goes_on(data, tmp_path, monkeypatch):
    whole, _ = rows(data, tmp_path / "whole")
    rows(data, tmp_path / "part", conditions=CONDITIONS[:1])
    computed = []
    original = Grid._prepare
    monkeypatch.setattr(
        Grid, "_prepare", lambda self, c, r: computed.append(c.name) or original(self, c, r)
    )
    resumed, _ = rows(data, tmp_path / "part")
    assert computed == list(CONDITIONS[1:])
    assert resumed == whole
