"""The cache on disk: equal to decoding into memory, whatever happened to it before."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lqjax.data import cache, cache_folder, folder, picture_rows
from lqjax.data.normalisation import normalisation
from lqjax.data.pictures import from_array
from lqjax.data.source import SOURCES, Catalogue, Listing
from lqjax.data.streamed import Streamed
from lqjax.runtime import make_mesh
from tests.data.making import class_folders, load, noise, save

PARTS = ("train", "validation", "test")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(picture_rows, "CHUNK", 8)


@pytest.fixture
def reads(monkeypatch):
    """Count the pictures that are opened."""
    opened, real = [], folder.open_picture

    def open_picture(path, size):
        opened.append(path)
        return real(path, size)

    monkeypatch.setattr(folder, "open_picture", open_picture)
    return opened


@pytest.fixture
def root(tmp_path):
    return class_folders(tmp_path / "data", 30)


def cached(root, **settings):
    return load("folder", root, cache_dir=str(root.parent / "cache"), **settings)


def check_equal(found, expected):
    for part in PARTS:
        mine, other = getattr(found, part), getattr(expected, part)
        np.testing.assert_array_equal(mine.images, other.images)
        np.testing.assert_array_equal(mine.labels, other.labels)
        np.testing.assert_array_equal(mine.ids, other.ids)
    assert found.skipped == expected.skipped


def files(root, name, part="train"):
    return next(path for path in (root.parent / "cache").rglob(name) if f"-{part}-" in str(path))


def test_it_equals_decoding_into_memory_and_decodes_once(root, reads, capfd):
    expected = load("folder", root)
    reads.clear()
    check_equal(cached(root), expected)
    assert len(reads) == 60
    again = cached(root)
    check_equal(again, expected)
    assert len(reads) == 60
    assert isinstance(again.train.images, np.memmap)
    assert not again.train.images.flags.writeable
    assert "data.cache_dir" not in capfd.readouterr().err


def test_it_costs_little_memory_however_large_the_set_is(tmp_path):
    size, count = 224, 640
    pixels = noise(0, 16, size, size, 3)
    listing = Listing(
        np.array([f"x/{i}" for i in range(count)]),
        np.arange(count) % 2,
        [f"x[{i}]" for i in range(count)],
        lambda row: from_array(np.roll(pixels[row % 16], row, 0)),
    )
    catalogue = Catalogue("made", {"train": listing}, ("a", "b"), 3)
    SOURCES.names()
    SOURCES.add("made", lambda settings: catalogue)
    tracemalloc.start()
    try:
        data = load("made", cache_dir=str(tmp_path / "cache"), image_size=size)
        mean, _ = normalisation(data.train)
        mesh = make_mesh(1)
        batch = Streamed(data.train, mesh).batch(np.arange(8))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        del SOURCES._entries["made"]
    assert data.train.images.nbytes > 60e6
    assert peak < 45e6, f"{peak / 1e6:.0f} MB"
    np.testing.assert_allclose(mean, data.train.images.mean((0, 1, 2)) / 255, rtol=1e-6)
    np.testing.assert_array_equal(batch.images, data.train.images[:8])


BUILD = """
import os, resource, sys, time
from lqjax.config import DataConfig
from lqjax.data import folder, picture_rows
from lqjax.data.loading import load_dataset
root, cache, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
picture_rows.CHUNK = 8
real = folder.open_picture
def slow(path, size):
    os.write(1, b"read\\n")  # one call, so that threads do not mix
    time.sleep(pause)
    return real(path, size)
folder.open_picture = slow
print("begin", flush=True)
load_dataset(DataConfig(source="folder", path=root, cache_dir=cache, image_size=28, workers=2))
print("end", flush=True)
"""


def start(root, pause=0.01, largest_file=2**40):
    settings = (root, root.parent / "cache", pause, largest_file)
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, *map(str, settings)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_after(process, count):
    """Kill -9 when so many pictures have been asked for."""
    seen = 0
    for line in process.stdout:
        seen += line == "read\n"
        if seen >= count:
            break
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_run_is_taken_up_where_it_was(tmp_path, reads):
    root = class_folders(tmp_path / "data", 120)
    expected = load("folder", root)
    for count in (3, 50, 111):
        kill_after(start(root), count)
    reads.clear()
    check_equal(cached(root), expected)
    assert len(reads) < 240 - 100, "what was finished is not decoded again"
    assert len(reads) > 20


@pytest.mark.slow
def test_two_processes_share_the_work_of_one(root):
    expected = load("folder", root)
    both = [start(root, 0.02) for _ in range(2)]
    results = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert sum(out.count("read") for out, _ in results) == 60
    assert any("waiting for the process" in err for _, err in results)
    check_equal(cached(root), expected)


@pytest.mark.slow
def test_a_limit_of_the_system_stops_it_in_one_line(root):
    _, errors = start(root, 0, largest_file=20_000).communicate(timeout=100)
    assert f"ValueError: data.cache_dir={root.parent / 'cache'} cannot be written (File" in errors
    check_equal(cached(root), load("folder", root))


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


DAMAGES = {
    "bit": lambda root: flip(files(root, "images.uint8"), 20_000),
    "cut": lambda root: os.truncate(files(root, "images.uint8"), 10_000),
    "longer": lambda root: os.truncate(files(root, "images.uint8"), 100_000),
    "gone": lambda root: files(root, "images.uint8").unlink(),
    "records cut": lambda root: os.truncate(files(root, "chunks.jsonl"), 150),
    "records bit": lambda root: flip(files(root, "chunks.jsonl"), 90),
    "records gone": lambda root: files(root, "chunks.jsonl").unlink(),
    "mark": lambda root: files(root, "sound.json").write_text("[1,"),
    "mark gone": lambda root: files(root, "sound.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("always", [cache.ALWAYS_CHECKED_BYTES, 0])
def test_damage_is_found_and_mended(root, damage, always, monkeypatch, capfd, reads):
    monkeypatch.setattr(cache, "ALWAYS_CHECKED_BYTES", always)
    expected = load("folder", root)
    cached(root)
    reads.clear()
    DAMAGES[damage](root)
    check_equal(cached(root), expected)
    said = capfd.readouterr().err.splitlines()
    silent = damage in ("longer", "mark", "mark gone")  # the images themselves are whole
    assert len(said) == (0 if silent else 1), said
    assert all("damaged" in line and "again" in line for line in said)
    if damage == "bit":
        assert len(reads) == 8, "one chunk"
    reads.clear()
    check_equal(cached(root), expected)
    assert not reads
    assert not capfd.readouterr().err


def test_damage_on_the_medium_is_found_where_all_is_read(root, capfd):
    cached(root)
    path = files(root, "images.uint8")
    before = path.stat()
    flip(path, 20_000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    check_equal(cached(root), load("folder", root))
    assert "1 of 6 chunks" in capfd.readouterr().err


def test_a_large_file_is_read_whole_only_after_something_wrote_to_it(root, monkeypatch):
    monkeypatch.setattr(cache, "ALWAYS_CHECKED_BYTES", 0)
    checked, real = [], cache_folder.CacheFolder.damaged

    def damaged(self, records, threads):
        checked.append(len(records))
        return real(self, records, threads)

    monkeypatch.setattr(cache_folder.CacheFolder, "damaged", damaged)
    cached(root)
    checked.clear()
    cached(root)
    assert checked == []
    os.utime(files(root, "images.uint8"))
    cached(root)
    assert len(checked) == 1
    cached(root)
    assert len(checked) == 1


def change_pixels(root):
    time.sleep(0.01)
    save(root / "cat" / "004.png", noise(999, 30, 28))


def change_time(root):
    os.utime(root / "cat" / "004.png", (1, 1))


def add_file(root):
    save(root / "dog" / "999.png", noise(7, 28, 28))


def move_file(root):
    (root / "dog" / "004.png").rename(root / "cat" / "1004.png")


@pytest.mark.parametrize("change", [change_pixels, change_time, add_file, move_file])
def test_a_changed_source_is_decoded_anew_and_said(root, change, capfd):
    cached(root)
    assert not capfd.readouterr().err
    change(root)
    check_equal(cached(root), load("folder", root))
    assert "decoding anew" in capfd.readouterr().err


@pytest.mark.parametrize(
    "settings", [{"image_size": 32}, {"channels": 3}, {"channels": 1}, {"train_limit": 10}]
)
def test_settings_do_not_mix(root, settings, reads):
    cached(root)
    check_equal(cached(root, **settings), load("folder", root, **settings))
    reads.clear()
    check_equal(cached(root), load("folder", root))
    assert len(reads) == 60, "the second of these alone decoded"


def test_skipped_images_are_remembered(root, reads):
    for name in ("cat/000.png", "dog/007.png", "dog/008.png"):
        (root / name).write_bytes(b"no image")
    expected = load("folder", root, on_bad_image="skip")
    assert len(expected.skipped) == 3
    check_equal(cached(root, on_bad_image="skip"), expected)
    reads.clear()
    check_equal(cached(root, on_bad_image="skip"), expected)
    assert not reads
    with pytest.raises(ValueError, match=r"(000|007|008)\.png: not a usable image"):
        cached(root)
    assert not reads
    flip(files(root, "images.uint8"), 20_000)
    check_equal(cached(root, on_bad_image="skip"), expected)


def test_a_refused_image_does_not_cost_what_was_done(root, reads):
    bad = sorted(load("folder", root).train.ids)[20]
    content = (root / bad).read_bytes()
    (root / bad).write_bytes(b"no image")
    with pytest.raises(ValueError, match="not a usable image"):
        cached(root, workers=1)
    reads.clear()
    check_equal(cached(root, on_bad_image="skip"), load("folder", root, on_bad_image="skip"))
    decoded_again = len(reads) - 60
    assert decoded_again <= 60 - 16
    (root / bad).write_bytes(content)
    check_equal(cached(root), load("folder", root))


def test_a_split_of_bad_images_is_refused_each_time(root):
    for path in root.rglob("*.png"):
        path.write_bytes(b"no image")
    for _ in range(2):
        with pytest.raises(ValueError, match="all other train images are unusable"):
            cached(root, on_bad_image="skip")


def test_colour_found_late_is_remembered(tmp_path, reads):
    for part in PARTS:
        class_folders(tmp_path / "data" / part, 20)
    root = tmp_path / "data"
    save(root / "test" / "dog" / "019.png", noise(5, 30, 28, 3))
    expected = load("folder", root)
    assert expected.channels == 3
    check_equal(cached(root), expected)
    assert len(list((tmp_path / "cache").rglob("images.uint8"))) == 3, "none is left from grey"
    reads.clear()
    check_equal(cached(root), expected)
    assert not reads


def test_a_full_disk_is_one_line_and_keeps_what_is_done(root, monkeypatch, reads):
    expected, real, room = load("folder", root), os.pwrite, [15_000]

    def pwrite(descriptor, content, offset):
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = content[: room[0]]  # the last write is torn
        room[0] -= len(part)
        return real(descriptor, part, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(
        ValueError, match=r"data\.cache_dir=.*cache .*No space left.*folder"
    ) as error:
        cached(root)
    assert "\n" not in str(error.value)
    monkeypatch.setattr(os, "pwrite", real)
    reads.clear()
    check_equal(cached(root), expected)
    assert len(reads) == 60 - 16, "two chunks of 8 were there"


@pytest.mark.parametrize(("place", "left"), [(100, 0), (8 * 784 + 100, 8)])
def test_an_unfinished_file_is_checked_too(root, monkeypatch, reads, place, left):
    with monkeypatch.context() as patch:
        patch.setattr(cache_folder.CacheFolder, "finish", lambda self: Path("/not there").stat())
        with pytest.raises(ValueError, match="No such file"):
            cached(root)
    flip(files(root, "images.uint8"), place)
    reads.clear()
    check_equal(cached(root), load("folder", root))
    assert len(reads) == 60 - left + 60, "decoded from the damaged chunk on; and all in memory"


def test_writes_that_take_a_part_are_gone_on_with(root, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda to, content, at: real(to, content[:1000], at))
    found = cached(root)
    monkeypatch.undo()
    check_equal(found, load("folder", root))


def test_a_disk_too_small_is_refused_before_anything_is_decoded(root, monkeypatch, reads):
    needed = len(load("folder", root).train.images) * 28 * 28
    reads.clear()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10_000))
    message = rf"has 10\.0 kB free, but {needed / 1000:.1f} kB are needed; free some"
    with pytest.raises(ValueError, match=message):
        cached(root)
    assert not reads


@pytest.mark.parametrize(
    ("free", "needed", "said"),
    [
        (3 * 10**8, 5 * 10**8, r"300\.0 MB free, but 500\.0 MB are"),
        (3 * 10**8, 25 * 10**8, r"0\.3 GB free, but 2\.5 GB are"),
        (0, 784, r"0\.0 B free, but 784\.0 B are"),
    ],
)
def test_room_is_told_in_units_that_show_what_is_missing(tmp_path, monkeypatch, free, needed, said):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    with pytest.raises(ValueError, match=said):
        cache._check_room(needed, str(tmp_path))
    assert cache._check_room(free, str(tmp_path)) is None


@pytest.mark.parametrize("kind", ["bucket", "file"])
def test_a_folder_that_cannot_be_is_refused(root, kind):
    (root.parent / "file").touch()
    chosen = {"bucket": "gs://bucket/cache", "file": str(root.parent / "file")}[kind]
    with pytest.raises(ValueError, match=rf"data\.cache_dir={chosen}.* on a local disk"):
        load("folder", root, cache_dir=chosen)
