"""Digests of the pictures: the right ones, from threads, and read once."""

import hashlib
import tracemalloc

import numpy as np
import pytest

from lqjax.config import DataConfig
from lqjax.data import contents as module
from lqjax.data.contents import (
    UNKNOWN,
    content_digest,
    content_digests,
    find_contents,
    versions_of,
)
from lqjax.data.folder import list_folder
from lqjax.data.loading import nothing_known
from lqjax.data.source import Listing
from tests.data.making import class_folders


def listing(count, content):
    names = [f"x/{row}" for row in range(count)]
    return Listing(np.array(names), np.zeros(count, int), names, lambda row: None, content=content)


def test_it_is_blake2b_of_the_bytes():
    # RFC 7693 gives no 16-byte example; this one is of the b2sum command, b2sum -l 128.
    assert content_digest(b"abc") == "cf4ab791c62b8d2b2109c90275287816"


@pytest.mark.parametrize("threads", [1, 5])
def test_each_row_has_its_own_in_order(threads):
    found = content_digests(listing(1000, lambda row: b"%d" % row), threads)
    wanted = [hashlib.blake2b(b"%d" % row, digest_size=16).hexdigest() for row in range(1000)]
    assert found.tolist() == wanted


def test_what_cannot_be_read_has_none():
    def content(row):
        if row == 1:
            raise OSError("gone")
        return b"" if row == 2 else b"abc"

    assert [bool(digest) for digest in content_digests(listing(4, content), 2)] == [1, 0, 0, 1]
    assert content_digests(listing(0, content), 2).tolist() == []


def test_files_are_digested_in_pieces(tmp_path, monkeypatch):
    class_folders(tmp_path, 3)
    draw = np.random.default_rng(0)
    contents = [draw.bytes(size) for size in (1, 6, 7, 8, 1000)]
    for row, data in enumerate(contents):
        (tmp_path / "cat" / f"x{row}.png").write_bytes(data)
    (tmp_path / "cat" / "y.png").write_bytes(b"")
    (tmp_path / "cat" / "z.png").symlink_to("nowhere")
    listed = list_folder(DataConfig(source="folder", path=str(tmp_path))).splits["train"]
    monkeypatch.setattr(module, "PIECE_BYTES", 7)
    found = dict(zip(listed.ids.tolist(), content_digests(listed, 2).tolist(), strict=True))
    for row, data in enumerate(contents):
        expected = hashlib.blake2b(data, digest_size=16).hexdigest()
        assert found[f"cat/x{row}.png"] == expected
    assert found["cat/y.png"] == found["cat/z.png"] == ""


def test_the_longest_file_takes_no_more_memory(tmp_path):
    class_folders(tmp_path, 3)
    with (tmp_path / "cat" / "slide.tif").open("wb") as file:
        file.truncate(2**28)
    listed = list_folder(DataConfig(source="folder", path=str(tmp_path))).splits["train"]
    tracemalloc.start()
    try:
        digests = content_digests(listed, 1)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
    zeros = hashlib.blake2b(digest_size=16)
    for _ in range(2**8):
        zeros.update(bytes(2**20))
    assert digests[listed.ids.tolist().index("cat/slide.tif")] == zeros.hexdigest()


def test_of_files_that_cannot_be_read_only_those_are_asked_for_again(folder):
    splits, settings, read, root = folder()
    (root / "cat" / "gone.png").symlink_to("nowhere")
    (root / "dog" / "gone.png").symlink_to("nowhere")
    splits = folder()[0]
    first = find_contents(splits, settings, nothing_known)
    assert len(read) == len(first) == 22 and first["cat/gone.png"] == UNKNOWN
    known = {name: digest for name, digest in first.items() if digest}  # as a manifest has it
    assert find_contents(splits, settings, lambda versions: known) == first
    assert len(read) == 24


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """List a folder, and count the files that are read."""
    root, read = class_folders(tmp_path / "data", 10), []
    whole = module._digest
    monkeypatch.setattr(module, "_digest", lambda *given: read.append(1) or whole(*given))
    settings = DataConfig(source="folder", path=str(root), workers=2)
    return lambda **more: (list_folder(settings).splits, settings, read, root)


def test_what_is_known_is_not_read_again(folder):
    splits, settings, read, _ = folder()
    first = find_contents(splits, settings, nothing_known)
    assert len(read) == len(first) == 20
    asked = []

    def known(versions):
        asked.append(versions)
        return first

    assert find_contents(splits, settings, known) == first
    assert len(read) == 20 and asked == [versions_of(splits)]


def test_a_file_that_was_written_to_is_another_version(folder):
    splits, _, _, root = folder()
    before = versions_of(splits)
    assert versions_of(folder()[0]) == before
    (root / "cat" / "003.png").write_bytes(b"x")
    assert versions_of(folder()[0]) != before


def test_with_a_cache_every_working_directory_shares_them(folder, tmp_path):
    splits, settings, read, root = folder()
    settings = DataConfig(source="folder", path=str(root), cache_dir=str(tmp_path / "cache"))
    first = find_contents(splits, settings, nothing_known)
    assert find_contents(splits, settings, nothing_known) == first
    assert len(read) == 20
    (root / "cat" / "003.png").write_bytes(b"x")
    changed = find_contents(folder()[0], settings, nothing_known)
    assert len(read) == 40
    assert [name for name in first if changed[name] != first[name]] == ["cat/003.png"]
