"""Statistics of the training images, against NumPy in float64."""

import dataclasses

import numpy as np
import pytest

from lqjax.config import DataConfig
from lqjax.data import normalisation as module
from lqjax.data.loading import load_folds
from lqjax.data.normalisation import level_counts, normalisation, statistics_of
from lqjax.data.pictures import from_array
from lqjax.data.source import SOURCES, Catalogue, Listing
from lqjax.data.stock import Stock
from lqjax.runtime import make_mesh
from lqjax.typing import Split
from tests.data.placed import split


@pytest.mark.parametrize("channels", [1, 3])
def test_normalisation_equals_numpy(channels, monkeypatch):
    made = split(channels)
    monkeypatch.setattr(module, "STATISTICS_BYTES", 10 * made.images[0].nbytes)
    mean, deviation = normalisation(made)
    scaled = made.images / 255.0
    assert mean.dtype == deviation.dtype == np.float32
    np.testing.assert_allclose(mean, scaled.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(deviation, scaled.std((0, 1, 2)), rtol=1e-6)
    expected = [np.bincount(made.images[..., c].ravel(), minlength=256) for c in range(channels)]
    np.testing.assert_array_equal(level_counts(made.images), expected)


def test_constant_images_can_be_divided_by_their_deviation():
    flat = Split(
        np.full((4, 9, 9, 1), 7, np.uint8), np.zeros(4, np.int32), np.arange(4).astype(str)
    )
    np.testing.assert_allclose(normalisation(flat)[1], 1 / 255, rtol=1e-6)


def test_counts_of_a_file_are_kept_until_it_changes(tmp_path, monkeypatch):
    made, path = split().images, tmp_path / "images"
    path.write_bytes(made.tobytes())

    def counts():
        return level_counts(np.memmap(path, np.uint8, "r", shape=made.shape))

    first, real, counted = counts(), module._count, []
    monkeypatch.setattr(module, "_count", lambda images: counted.append(1) or real(images))
    np.testing.assert_array_equal(counts(), first)
    assert not counted
    assert (tmp_path / module.KEPT_NAME).exists()
    whole = np.memmap(path, np.uint8, "r", shape=made.shape)
    for part in (slice(5), slice(5, 10)):
        np.testing.assert_array_equal(level_counts(whole[part]), level_counts(made[part]))
    path.write_bytes((255 - made).tobytes())
    np.testing.assert_array_equal(counts(), first[:, ::-1])
    (tmp_path / module.KEPT_NAME).write_text("{")
    np.testing.assert_array_equal(counts(), first[:, ::-1])


@pytest.fixture
def films():
    """Register a source whose test and validation pictures are bright, and training ones dark."""
    rng = np.random.default_rng(0)
    images = {
        part: rng.integers(low, low + 60, (count, 28, 28), dtype=np.uint8)
        for part, low, count in (("train", 0, 40), ("validation", 100, 10), ("test", 190, 20))
    }

    def listing(part):
        names = [f"{part}/{row}" for row in range(len(images[part]))]
        labels = np.arange(len(names)) % 2
        return Listing(np.array(names), labels, names, lambda row: from_array(images[part][row]))

    SOURCES.names()
    SOURCES.add(
        "films", lambda settings: Catalogue("films", {p: listing(p) for p in images}, ("a", "b"), 1)
    )
    yield images
    del SOURCES._entries["films"]


@pytest.mark.parametrize("folds", [0, 4])
@pytest.mark.parametrize("cached", [False, True])
def test_they_are_of_the_training_images_alone(films, folds, cached, tmp_path):
    cache = str(tmp_path) if cached else ""
    settings = DataConfig(source="films", image_size=28, folds=folds, cache_dir=cache, workers=1)
    stock, seen = Stock(settings, make_mesh(1)), set()
    for fold, data in enumerate(stock.datasets):
        pixels = []
        for name in data.train.ids.tolist():
            part, row = name.split("/")
            pixels.append(films[part][int(row)])
        scaled = np.stack(pixels) / 255
        mean, std = stock.statistics(fold)
        np.testing.assert_allclose(mean, [scaled.mean()], rtol=1e-6)
        np.testing.assert_allclose(std, [scaled.std()], rtol=1e-6)
        seen.add(float(mean[0]))
    assert len(seen) == max(folds, 1)
    if not folds:
        assert 255 * seen.pop() < 60


@pytest.mark.parametrize("by", ["filter", "limit", "manifest", "manifest and filter"])
@pytest.mark.parametrize("folds", [0, 4])
def test_they_are_of_what_is_kept_for_training(films, folds, by, tmp_path):
    """What is left out would change them: it is white."""
    keep = tmp_path / "keep.csv"
    rows = [(part, row) for part in films for row in range(len(films[part]))]
    left_out = {f"{part}/{row}" for part, row in rows if part == "train" and row % 10 > 7}
    for name in left_out:
        films["train"][int(name.split("/")[1])] = 255
    keep.write_text("id,keep\n" + "".join(f"{p}/{r},{int(f'{p}/{r}' not in left_out)}\n"
                                          for p, r in rows))  # fmt: skip
    settings = DataConfig(source="films", image_size=28, folds=folds, workers=1)
    if by == "limit":
        settings = dataclasses.replace(settings, train_limit=13)
    else:
        settings = dataclasses.replace(settings, keep=str(keep))
    if "manifest" in by:
        path = tmp_path / "manifest.csv"
        path.write_bytes(load_folds(settings).manifest.to_bytes())
        again = str(keep) if "filter" in by else ""
        settings = dataclasses.replace(settings, manifest=str(path), keep=again)
    stock = Stock(settings, make_mesh(1))
    for fold, data in enumerate(stock.datasets):
        names = data.train.ids.tolist()
        assert names and (by == "limit" or not left_out & set(names))
        others = {*data.validation.ids.tolist(), *data.test.ids.tolist()}
        assert len(names) <= 13 if by == "limit" else not others & left_out
        assert not others & set(names)
        pixels = [films[part][int(row)] for part, row in (name.split("/") for name in names)]
        scaled = np.stack(pixels) / 255
        mean, std = stock.statistics(fold)
        np.testing.assert_allclose(mean, [scaled.mean()], rtol=1e-6)
        np.testing.assert_allclose(std, [scaled.std()], rtol=1e-6)


IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def test_fixed_ones_are_taken_as_they_are():
    mean, std = statistics_of(split(3), DataConfig(**IMAGENET))
    assert mean.dtype == std.dtype == np.float32
    np.testing.assert_array_equal(mean, np.float32(IMAGENET["mean"]))
    np.testing.assert_array_equal(std, np.float32(IMAGENET["std"]))


@pytest.mark.parametrize(
    ("given", "channels", "message"),
    [
        (IMAGENET, 1, r"^data.mean=0.485,0.456,0.406 has 3 values, .* 1 channel; give 1 each"),
        ({"mean": (0.5,)}, 1, r"^data.std= has 0 values"),
        ({"std": (0.5,)}, 3, r"^data.mean= has 0 values.* 3 channels"),
    ],
)
def test_what_does_not_fit_the_channels_is_refused(given, channels, message):
    with pytest.raises(ValueError, match=message):
        statistics_of(split(channels), DataConfig(**given))


@pytest.mark.parametrize("given", [{"std": (0.0,)}, {"mean": (1.5,)}, {"mean": (-0.1,)}])
def test_impossible_values_are_refused(given):
    with pytest.raises(ValueError, match="is not possible; allowed"):
        DataConfig(**given)
