"""Errors of a disk say which file they are of."""

import errno
import os

import numpy as np
import pytest
from etils import epath

from lqjax.array_files import write_arrays
from lqjax.disk import NO_ROOM, named
from lqjax.rows import replace_bytes

FULL = "/dev/full"
"""Refuses every write as a full disk does."""


def write_text(path):
    replace_bytes(path, b"new" * 10_000)


def write_array(path):
    write_arrays(path, a=np.arange(10_000))


@pytest.mark.skipif(not os.path.exists(FULL), reason="needs a disk that is always full")  # noqa: PTH110
@pytest.mark.parametrize("write", [write_text, write_array])
def test_a_file_that_finds_the_disk_full_is_named_and_nothing_of_it_stays(tmp_path, write):
    path = tmp_path / "config.json"
    path.write_text("before")
    (tmp_path / "config.json.tmp").symlink_to(FULL)
    with pytest.raises(OSError, match="No space left on device") as refused:
        write(epath.Path(path))
    assert refused.value.errno in NO_ROOM and refused.value.filename == str(path)
    assert [found.name for found in tmp_path.iterdir()] == ["config.json"]
    assert path.read_text() == "before"


def test_a_name_that_is_there_stays():
    with pytest.raises(FileNotFoundError) as refused, named("other"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "this")
    assert refused.value.filename == "this"


def test_an_error_without_a_number_stays_as_it_was():
    with pytest.raises(OSError, match=r"^in words$"), named("other"):
        raise OSError("in words")
