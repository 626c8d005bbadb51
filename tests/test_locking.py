"""One run at a time in a working directory, whatever becomes of the process that has it."""

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from etils import epath

from lqjax import locking
from lqjax.locking import LOCK_NAME, locked

HOLD = """
import sys, time
from etils import epath
from lqjax.locking import locked
with locked(epath.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


ENTER = """
import sys
from etils import epath
from lqjax.locking import locked
folder, own, rounds = sys.argv[1], sys.argv[1] + "-held", int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(rounds):
    try:
        with locked(epath.Path(folder) / "inner"):
            with open(own, "x"):
                pass
            epath.Path(own).unlink()
    except ValueError:
        pass
"""
ROUNDS = 1500


@pytest.fixture
def folder(tmp_path):
    return epath.Path(tmp_path) / "run"


@pytest.fixture
def holder(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused_and_told_who_holds_it(folder, holder):
    expected = rf"run is in use by process {holder.pid} on {socket.gethostname()} since 20\d\d-"
    with pytest.raises(ValueError, match=expected), locked(folder):
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_process_holds_nothing(folder, holder, number):
    holder.send_signal(number)
    holder.wait()
    with locked(folder):
        assert str(os.getpid()) in (folder / LOCK_NAME).read_text()


def test_a_run_that_leaves_nothing_leaves_no_file(folder):
    """As one that is refused: in a folder of its own, or in one that is no working directory."""
    with pytest.raises(ValueError, match="refused"), locked(folder), locked(folder):
        assert (folder / LOCK_NAME).exists()
        raise ValueError("refused")
    assert not folder.exists()
    folder.mkdir()
    (folder / "a.png").write_text("")
    with locked(folder):
        pass
    assert [path.name for path in folder.iterdir()] == ["a.png"]


def test_a_run_that_leaves_something_leaves_the_file(folder):
    with locked(folder):
        (folder / "config.json").write_text("{}")
    names = {"config.json", LOCK_NAME}
    assert {path.name for path in folder.iterdir()} == names
    with locked(folder):
        pass
    assert {path.name for path in folder.iterdir()} == names


def test_folders_above_that_were_made_for_it_go_too(folder):
    with pytest.raises(ValueError, match="refused"), locked(folder / "runs" / "mine"):
        raise ValueError("refused")
    assert not folder.exists()
    (folder / "other").mkdir(parents=True)
    with locked(folder / "runs" / "mine"):
        pass
    assert [path.name for path in folder.iterdir()] == ["other"]


def test_a_file_that_another_has_just_made_goes_too(folder):
    """It may have opened the file first and been refused; who held it is the last one there."""
    folder.mkdir()
    (folder / LOCK_NAME).write_text("")
    with locked(folder):
        pass
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("error", [FileExistsError, FileNotFoundError])
def test_a_folder_that_goes_while_it_is_made_is_made_anew(folder, monkeypatch, error):
    original, taken = Path.mkdir, []

    def late(path, *args, **kwargs):
        if not taken:
            taken.append(True)
            raise error(path)
        original(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", late)
    with locked(folder):
        assert str(os.getpid()) in (folder / LOCK_NAME).read_text()
    assert taken and not folder.exists()


def test_a_file_in_its_place_is_no_folder(folder):
    folder.write_text("")
    with pytest.raises(FileExistsError), locked(folder):
        pass


def test_processes_that_make_and_leave_one_folder_at_once_exclude_each_other(folder):
    command = [sys.executable, "-c", ENTER, str(folder), str(ROUNDS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == [""] * 3


def test_a_file_that_was_removed_before_it_was_locked_is_made_anew(folder, monkeypatch):
    """Between opening and locking, who held it goes and takes it away."""
    original, taken = locking._lock, []

    def late(descriptor, place):
        if not taken:
            taken.append(True)
            (folder / LOCK_NAME).unlink()
            folder.rmdir()
        return original(descriptor, place)

    monkeypatch.setattr(locking, "_lock", late)
    with locked(folder):
        assert str(os.getpid()) in (folder / LOCK_NAME).read_text()
        assert not another_process_can_lock(folder)
    assert taken


def another_process_can_lock(folder):
    command = f"from etils import epath; from lqjax.locking import locked\nwith locked(epath.Path({str(folder)!r})): pass"  # noqa: E501
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=False)
    return done.returncode == 0


def test_one_process_may_hold_it_several_times_over(folder):
    with locked(folder):
        with locked(epath.Path(str(folder) + "/.")):
            pass
        assert not another_process_can_lock(folder)
    assert another_process_can_lock(folder)


def test_it_is_freed_when_the_run_fails(folder):
    with pytest.raises(RuntimeError, match="broken"), locked(folder):
        raise RuntimeError("broken")
    assert another_process_can_lock(folder)


@pytest.mark.filterwarnings("ignore:.*fork:RuntimeWarning", "ignore:.*fork:DeprecationWarning")
def test_a_forked_child_does_not_keep_it(folder):
    with locked(folder):
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
    try:
        assert another_process_can_lock(folder)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_full_disk_locks_too(folder, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(locking.os, "pwrite", refuse)
    before = open_files()
    with locked(folder):
        assert (folder / LOCK_NAME).read_text() == ""
        assert not another_process_can_lock(folder)
    assert another_process_can_lock(folder)
    assert open_files() == before


def test_one_that_could_not_sign_is_another_process(folder, holder):
    os.truncate(folder / LOCK_NAME, 0)
    with pytest.raises(ValueError, match="in use by another process; wait"), locked(folder):
        pass


@pytest.mark.parametrize("where", ["flock", "pwrite"])
def test_whatever_stops_it_nothing_stays_open_or_held(folder, monkeypatch, where):
    def stop(*_):
        raise SystemExit(143)

    module = locking.fcntl if where == "flock" else locking.os
    before = open_files()
    with monkeypatch.context() as broken:
        broken.setattr(module, where, stop)
        with pytest.raises(SystemExit), locked(folder):
            pass
    assert open_files() == before and another_process_can_lock(folder)
    with locked(folder):
        assert not another_process_can_lock(folder)


def test_a_refused_one_leaves_nothing_open(folder, holder):
    before = open_files()
    with pytest.raises(ValueError), locked(folder):
        pass
    assert open_files() == before


def test_a_bucket_is_used_without_a_lock():
    with pytest.warns(UserWarning, match="gs://bucket/run is not locked, a bucket has no locks"):  # noqa: SIM117
        with locked(epath.Path("gs://bucket/run")):
            pass


def test_a_system_without_locks_goes_on(folder, monkeypatch):
    monkeypatch.setattr(locking, "fcntl", None)
    with pytest.warns(UserWarning, match="no file locks"), locked(folder):
        pass


def test_a_file_system_without_locks_goes_on(folder, monkeypatch):
    def refuse(*_):
        raise OSError(locking.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locking.fcntl, "flock", refuse)
    with pytest.warns(UserWarning, match="its file system has no locks"), locked(folder):
        pass
