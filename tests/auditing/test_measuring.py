"""From files of every kind to the table."""

import tracemalloc
import warnings
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
import scipy.stats
from PIL import Image, ImageFilter

from lqjax.auditing import reading, samples
from lqjax.auditing.measures import base
from lqjax.auditing.measures.base import MEASURES
from lqjax.auditing.measuring import measure
from lqjax.config import DataConfig
from lqjax.data import pictures
from lqjax.data.contents import content_digest
from lqjax.data.source import SOURCES, Catalogue, Listing
from tests.auditing.scenes import as_jpeg, leaves, levels_of, photograph
from tests.data.making import save
from tests.data.test_tfds import photographs

pytestmark = pytest.mark.usefixtures("quick_compilation")

NAMES = {
    "width", "height", "aspect", "channels", "bytes", "jpeg_quality", "jpeg_standard",
    "brightness", "dark_level", "bright_level", "contrast", "overexposed_share",
    "underexposed_share", "entropy", "sharpness", "blur_sigma", "noise_sigma", "blockiness",
    "input_noise_sigma", "input_blur_sigma",
}  # fmt: skip


def settings_of(root, **given):
    return DataConfig(source="folder", path=str(root), image_size=32, workers=2, **given)


def audit(root, batch=4, **given):
    settings = settings_of(root, **given)
    return measure(SOURCES["folder"](settings), settings, batch)


def coloured(seed, height, width):
    planes = [leaves(seed + k)[:height, :width] for k in range(3)]
    return np.stack(planes, axis=-1)


def row_of(table, end):
    return next(row for row, name in enumerate(table.ids) if str(name).endswith(end))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sixteen pictures of many kinds, one of them damaged."""
    root = tmp_path_factory.mktemp("pictures")
    one, two = root / "one", root / "two"
    save(one / "colour.jpg", coloured(0, 90, 120), quality=61)
    save(one / "colour.png", coloured(0, 90, 120))
    save(one / "grey.png", leaves(0)[:200, :100])
    save(one / "black.png", np.zeros((40, 40), np.uint8))
    save(one / "white.jpg", np.full((40, 40, 3), 255, np.uint8), quality=90)
    save(one / "tiny.png", leaves(0)[:8, :8])
    save(one / "dot.png", np.full((1, 1), 7, np.uint8))
    save(one / "line.png", leaves(0)[:1, :200])
    save(two / "large.jpg", np.tile(as_jpeg(leaves(1), 95), (4, 5)), quality=95)
    grey = Image.fromarray(leaves(2)[:50, :60])
    save(two / "alpha.png", Image.merge("LA", (grey, Image.new("L", grey.size, 128))))
    save(two / "wide.png", Image.fromarray(leaves(2)[:50, :60].astype(np.uint16) * 257))
    save(two / "float.tif", Image.fromarray(leaves(2)[:50, :60].astype(np.float32) / 255))
    save(two / "clipped.png", levels_of(np.random.default_rng(0).normal(128, 400, (64, 64))))
    whole = (save(two / "whole.jpg", coloured(1, 64, 64))).read_bytes()
    (two / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (two / "nonsense.png").write_bytes(b"no picture at all")
    return root


@pytest.fixture(scope="module")
def table(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return audit(folder)


def test_all_measures_are_there_and_found_by_their_files():
    assert set(MEASURES) == NAMES
    for name in MEASURES:
        found = MEASURES[name]
        assert (found.of_file is None) != (found.of_images is None)
        assert found.unit and found.meaning


def test_the_table_has_every_picture_but_the_damaged(table, folder):
    assert len(table) == 14
    assert set(table.measures) == NAMES
    for values in table.measures.values():
        assert values.dtype == np.float64
        assert values.shape == (14,)
    assert [name.rpartition("/")[2] for name, _ in table.skipped] == ["cut.jpg", "nonsense.png"]
    assert all(reason for _, reason in table.skipped)
    assert table.dataset == folder.name
    assert table.class_names == ("one", "two")
    assert table.labels.tolist() == [0] * 8 + [1] * 6
    assert set(table.splits) == {"train"}
    assert table.ids[0] == "one/black.png"
    assert table.names[0] == str(folder / "one/black.png")


def test_only_what_has_no_meaning_is_missing(table):
    """Blur needs edges, noise unclipped pixels, blocks a border, quality a JPEG file."""
    missing = {
        name: sorted(str(table.ids[row]).rpartition("/")[2] for row in np.flatnonzero(np.isnan(v)))
        for name, v in table.measures.items()
        if np.isnan(v).any()
    }
    assert missing.pop("jpeg_quality") == missing.pop("jpeg_standard")
    assert missing.pop("sharpness") == ["dot.png", "line.png"]
    assert missing.pop("blockiness") == ["dot.png", "tiny.png"]
    assert missing.pop("noise_sigma") == ["black.png", "dot.png", "line.png", "white.jpg"]
    assert missing.pop("input_noise_sigma") == ["black.png", "white.jpg"]
    flat = {"black.png", "dot.png", "white.jpg"}
    assert flat | {"tiny.png", "line.png"} <= set(missing.pop("blur_sigma"))
    assert flat <= set(missing.pop("input_blur_sigma"))
    assert not missing
    assert all(np.isfinite(v[~np.isnan(v)]).all() for v in table.measures.values())


def test_facts_of_the_files(table, folder):
    for row, name in enumerate(table.names):
        with Image.open(name) as picture:
            width, height = picture.size
            colour = picture.mode == "RGB"
            expected = {
                "width": width,
                "height": height,
                "aspect": min(width, height) / max(width, height),
                "channels": 3 if colour else 1,
                "bytes": Path(name).stat().st_size,
            }
            for key, value in expected.items():
                assert table.measures[key][row] == value, (name, key)
    quality = table.measures["jpeg_quality"]
    assert quality[row_of(table, "colour.jpg")] == 61
    assert quality[row_of(table, "large.jpg")] == 95
    assert np.isnan(quality[row_of(table, "grey.png")])
    assert table.contents[0] == content_digest((folder / "one/black.png").read_bytes())


def test_levels_are_those_of_the_whole_picture(table):
    for end in ("colour.jpg", "grey.png", "clipped.png", "large.jpg"):
        row = row_of(table, end)
        with Image.open(table.names[row]) as picture:
            luma = np.asarray(picture.convert("L"), np.float64)
        found = {name: values[row] for name, values in table.measures.items()}
        low, high = np.percentile(luma / 255, [5, 95])
        shares = np.bincount(luma.astype(int).reshape(-1)) / luma.size
        assert found["brightness"] == pytest.approx(luma.mean() / 255, abs=1e-6)
        assert found["contrast"] == pytest.approx(high - low, abs=1e-5)
        assert found["entropy"] == pytest.approx(scipy.stats.entropy(shares, base=2), abs=1e-5)
        assert found["overexposed_share"] == pytest.approx((luma == 255).mean(), abs=1e-6)
        assert found["underexposed_share"] == pytest.approx((luma == 0).mean(), abs=1e-6)


def test_sharpness_is_the_spread_of_pillows_edges(table):
    for end in ("colour.jpg", "grey.png", "clipped.png", "large.jpg", "tiny.png"):
        row = row_of(table, end)
        with Image.open(table.names[row]) as picture:
            small = picture.convert("L")
        ratio = max(max(small.size) / 64, 1)
        small = small.resize([int(side // ratio) for side in small.size])
        edges = np.asarray(small.filter(ImageFilter.FIND_EDGES), np.float64)[1:-1, 1:-1]
        expected = 1 - np.exp(-edges.std() / 100)
        assert table.measures["sharpness"][row] == pytest.approx(expected, abs=1e-5), end


def test_depth_and_transparency_follow_the_rules_of_the_pictures(table):
    wide, plain = row_of(table, "wide.png"), row_of(table, "float.tif")
    for name in NAMES - {"bytes"}:
        np.testing.assert_equal(table.measures[name][wide], table.measures[name][plain], name)
    assert table.pixels[wide] == table.pixels[plain]
    assert table.contents[wide] != table.contents[plain]
    assert table.hashes[wide] == table.hashes[plain]
    alpha = row_of(table, "alpha.png")  # half of it is the white behind
    over = (leaves(2)[:50, :60].astype(np.float64) * 128 + 255 * 127) / 255
    assert table.measures["brightness"][alpha] == pytest.approx(over.mean() / 255, abs=2e-3)
    assert table.measures["channels"][alpha] == 1


@pytest.mark.slow
def test_nothing_depends_on_the_batch(table, folder):
    for batch in (3, 64):
        other = audit(folder, batch)
        for name, values in table.measures.items():
            np.testing.assert_allclose(other.measures[name], values, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(other.hashes, table.hashes)
        np.testing.assert_array_equal(other.contents, table.contents)
        np.testing.assert_array_equal(other.pixels, table.pixels)
        assert other.skipped == table.skipped


def equal(one, other):
    for name, values in one.measures.items():
        np.testing.assert_allclose(other.measures[name], values, 1e-5, 1e-6, err_msg=name)
    np.testing.assert_array_equal(other.hashes, one.hashes)


@pytest.fixture
def programs_of_its_own():
    """Trace anew what a test changes, and again what comes after it."""
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.mark.slow
@pytest.mark.usefixtures("programs_of_its_own")
@pytest.mark.parametrize("pixels", [1, 2**30])
def test_nothing_depends_on_how_many_a_processor_looks_at_together(
    table, folder, monkeypatch, pixels
):
    monkeypatch.setattr(base, "PIXELS_AT_A_TIME", pixels)
    equal(table, audit(folder, 8))


@pytest.mark.slow
@pytest.mark.usefixtures("programs_of_its_own")
def test_accelerators_look_at_a_batch_as_a_whole(table, folder, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    equal(table, audit(folder, 8))


@pytest.mark.slow
def test_nothing_depends_on_the_window_that_holds_a_batch(tmp_path, monkeypatch):
    """A picture on the border of a window, one beyond it, and one that is not square."""
    sizes = [(64, 64), (65, 40), (128, 128), (90, 129), (224, 224), (225, 224), (256, 256)]
    for number, size in enumerate(sizes):
        pixels = levels_of(leaves(number) + np.random.default_rng(number).normal(0, 4, (256, 256)))
        save(tmp_path / f"{number % 2}/{number}.png", pixels[: size[0], : size[1]])
    each = audit(tmp_path, 1)
    assert sorted(each.measures["height"].tolist()) == sorted(size[0] for size in sizes)
    assert np.isfinite(each.measures["blur_sigma"]).all()
    monkeypatch.setattr(samples, "WINDOWS", (samples.WINDOW,))
    equal(each, audit(tmp_path, 8))


def test_large_jpeg_files_are_looked_at_in_full(tmp_path):
    """Sources let the decoder shrink them, which would hide blur, noise and blocks."""
    large = np.tile(as_jpeg(leaves(3), 15), (6, 6))
    save(tmp_path / "a/jpeg.jpg", large, quality=100)
    save(tmp_path / "b/exact.png", large)
    found = audit(tmp_path).measures
    assert found["width"].tolist() == [6 * 256] * 2
    for name in ("blur_sigma", "blockiness", "contrast"):
        assert found[name][0] == pytest.approx(found[name][1], rel=0.1), name
    assert found["noise_sigma"][0] == pytest.approx(found["noise_sigma"][1], abs=3e-4)
    assert found["blockiness"][0] > 1.3


@pytest.mark.parametrize("source", ["folder", "tfds"])
def test_a_page_shows_pictures_as_they_were_looked_at(tmp_path, source):
    photographs(tmp_path)
    path = {"folder": str(tmp_path / "files"), "tfds": f"lqjax_tiny@{tmp_path}"}[source]
    listing = SOURCES[source](DataConfig(source=source, path=path, image_size=28)).splits["test"]
    shown = [reading.whole_picture(listing, row).size for row in range(len(listing))]
    assert {max(size) for size in shown} == {410}  # read for a network they may be smaller
    assert min(max(listing.read(row).size) for row in range(len(listing))) < 410


def test_blocks_are_found_in_turned_pictures(tmp_path):
    """An EXIF turn brings the corner of the blocks to another corner of the picture."""
    pixels = coloured(0, 101, 83)
    for turn in (1, 3, 6, 8):
        exif = Image.Exif()
        exif[0x0112] = turn
        save(tmp_path / f"a/{turn}.jpg", pixels, quality=20, exif=exif)
    save(tmp_path / "b/plain.jpg", pixels, quality=20)
    found = audit(tmp_path).measures
    assert len(set(found["blockiness"].tolist())) == 1
    assert found["blockiness"][0] > 1.2
    assert found["width"].tolist() == [83, 83, 101, 101, 83]


def test_the_window_begins_at_a_block(tmp_path):
    for number, (height, width) in enumerate([(256, 256), (250, 243), (233, 251)]):
        picture = as_jpeg(photograph("camera")[:height, :width], 25)
        large = np.tile(picture, (2, 2))[: 256 + number * 41, : 256 + number * 57]
        save(tmp_path / f"a/{number}.jpg", large, quality=25)
    save(tmp_path / "b/other.png", photograph("camera"))
    found = audit(tmp_path).measures["blockiness"]
    assert (found[:3] > 1.25).all()
    assert found[3] < 1.1


@pytest.mark.slow
def test_the_networks_input_is_what_is_loaded(tmp_path):
    random = np.random.default_rng(0)
    picture = np.tile(levels_of(photograph("camera") + random.normal(0, 20, (256, 256))), (2, 2))
    save(tmp_path / "a/1.png", picture)
    save(tmp_path / "b/2.png", photograph("coins"))
    small, large = (
        measure(SOURCES["folder"](s), s)
        for s in (replace(settings_of(tmp_path), image_size=size) for size in (64, 512))
    )
    assert small.measures["noise_sigma"][0] == large.measures["noise_sigma"][0]
    full = large.measures["input_noise_sigma"][0]
    assert full == pytest.approx(large.measures["noise_sigma"][0], rel=0.03)
    assert full == pytest.approx(np.hypot(20 / 255, 0.0075), rel=0.1)
    assert small.measures["input_noise_sigma"][0] != pytest.approx(full, rel=0.1)


def test_pixels_without_a_file(tmp_path):
    images = np.stack([leaves(seed)[:28, :28] for seed in range(4)])
    np.savez(tmp_path / "x.npz", train_images=images, train_labels=np.asarray([0, 1, 0, 1]))
    settings = DataConfig(source="npz", path=str(tmp_path / "x.npz"), image_size=28, workers=1)
    found = measure(SOURCES["npz"](settings), settings)
    assert found.ids.tolist() == [f"train/{row}" for row in range(4)]
    assert np.isnan(found.measures["jpeg_quality"]).all()
    assert found.measures["brightness"] == pytest.approx(images.mean((1, 2)) / 255, abs=1e-6)


def test_records_that_hold_jpeg_files_tell_their_quality(tmp_path):
    path = save(tmp_path / "one.jpg", leaves(0), quality=44)
    content, picture = path.read_bytes(), Image.fromarray(as_jpeg(leaves(0), 44))
    files, plain = (
        Listing(
            np.asarray([f"{part}/0"]),
            np.zeros(1, np.int64),
            ["record 0"],
            lambda row: picture,
            content=lambda row: content,
            encoded=encoded,
        )
        for part, encoded in (("train", True), ("test", False))
    )
    splits = {"train": files, "test": plain}  # pixels may begin as a JPEG file does
    catalogue = Catalogue("records", splits, ("a", "b"), 1, skipped=(("x", "bad"),))
    found = measure(catalogue, DataConfig(image_size=28, workers=1))
    np.testing.assert_array_equal(found.measures["jpeg_quality"], [44, np.nan])
    assert found.pixels[0] == found.pixels[1]
    assert found.skipped == (("x", "bad"),)


def test_records_are_looked_at_as_the_files_that_they_hold(tmp_path):
    photographs(tmp_path)
    tables = []
    for source, path in (("tfds", f"lqjax_tiny@{tmp_path}"), ("folder", str(tmp_path / "files"))):
        settings = DataConfig(source=source, path=path, image_size=28, workers=1)
        found = SOURCES[source](settings)
        test = replace(found, splits={"test": found.splits["test"]})
        tables.append(measure(test, settings))
    records, files = tables
    rows = [int(name[-5]) for name in files.ids.tolist()]
    assert records.ids[rows].tolist() == [f"test/{row}" for row in rows]
    assert records.contents[rows].tolist() == files.contents.tolist()
    assert records.pixels[rows].tolist() == files.pixels.tolist()
    for name, values in files.measures.items():
        np.testing.assert_allclose(records.measures[name][rows], values, 1e-5, 1e-6, err_msg=name)
    assert sorted(set(records.measures["width"].tolist())) == [300, 410]


def test_long_files_are_not_held_in_memory_and_large_pictures_not_digested(tmp_path, monkeypatch):
    for name in ("a", "b"):
        save(tmp_path / name / "1.png", leaves(0))
        with save(tmp_path / name / "2.jpg", leaves(1)).open("r+b") as file:
            file.truncate(2**27)
    tracemalloc.start()
    try:
        table = audit(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
    assert table.measures["bytes"].tolist().count(2**27) == 2
    digested, whole = [], reading.file_digest
    monkeypatch.setattr(reading, "file_digest", lambda path: digested.append(path) or whole(path))
    monkeypatch.setattr(pictures, "MAX_PIXELS", 400)
    assert len(audit(tmp_path).skipped) == 4
    assert not digested


def test_a_data_set_of_damaged_pictures_gives_an_empty_table(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"nothing")
    found = audit(tmp_path)
    assert len(found) == 0
    assert set(found.measures) == NAMES
    assert len(found.skipped) == 2
    assert found.hashes.dtype == np.uint64
