"""What is said where a checkpoint could not be written: the cause, and what was counted."""

import errno
import os

import pytest
from etils import epath

from lqjax.training.unwritten import why_not_written


def failed(number):
    return OSError(number, os.strerror(number))


def folder_with(path, *names):
    for name in names:
        (path / name).mkdir()
    return epath.Path(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_room_helps_where_there_is_none(tmp_path, number):
    said = why_not_written(folder_with(tmp_path, "4", "8", "12.tmp"), failed(number))
    assert str(tmp_path) in said and os.strerror(number) in said
    assert said.endswith("; 2 earlier ones are left: make room and start the same command again")


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOTDIR, errno.ESTALE])
def test_room_does_not_help_where_files_are_gone(tmp_path, number):
    said = why_not_written(folder_with(tmp_path, "4"), failed(number))
    assert "): the folder was changed while the run was using it; start the same command" in said
    assert "make room" not in said and "earlier" not in said


@pytest.mark.parametrize("error", [failed(errno.EROFS), ValueError("odd"), OSError("odd")])
def test_what_else_is_refused_is_neither(tmp_path, error):
    said = why_not_written(folder_with(tmp_path, "4"), error)
    assert "make room" not in said and "was changed" not in said
    assert "; 1 earlier one is left: once it can be written to, start the same command" in said


def test_the_cause_may_lie_behind_errors_of_libraries(tmp_path):
    tensorstore = ValueError(f"INTERNAL: x [os_error_code='{errno.ENOSPC}' path='/y']")
    wrapped = RuntimeError("saving failed")
    wrapped.__cause__ = failed(errno.ENOSPC)
    for error in (tensorstore, wrapped):
        assert "make room" in why_not_written(epath.Path(tmp_path), error)


def test_one_that_was_to_be_replaced_counts(tmp_path):
    folder = folder_with(tmp_path, "replaced.4")
    assert "; 1 earlier one is left:" in why_not_written(folder, failed(errno.ENOSPC))
    assert "; no earlier one is left:" in why_not_written(folder / "x", failed(errno.ENOSPC))


def test_a_folder_that_cannot_be_looked_at_is_not_counted(tmp_path):
    (tmp_path / "file").touch()
    said = why_not_written(epath.Path(tmp_path) / "file", failed(errno.ENOSPC))
    assert "whether there are earlier ones cannot be told" in said
