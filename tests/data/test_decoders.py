"""Processes that decode: the same pixels and errors as threads, and no harm when they end."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lqjax.config import DataConfig
from lqjax.data import chunks, decoders
from lqjax.data.source import SOURCES
from tests.data.making import class_folders, load, noise, save

PATCHED = """
import os, signal, sys, lqjax.data.decoder_worker as worker
opened = worker.open_picture
def open_picture(path, size):
    if "fatal" in path:
        {fate}
    return opened(path, size)
worker.open_picture = open_picture
worker.serve()
"""


def dying_of_fatal_pictures(monkeypatch, fate):
    start, _, _ = decoders.START.partition("from lqjax")
    monkeypatch.setattr(decoders, "START", f"{start}exec({PATCHED.format(fate=fate)!r})")


def mixed(root):
    class_folders(root, 70)
    for number in range(20):
        save(root / "cat" / f"x{number}.jpg", noise(number, 300, 400), quality=60)
    save(root / "dog" / "wide.tif", np.arange(40 * 50, dtype=np.uint16).reshape(40, 50) * 30)
    return root


def both(root, **settings):
    return [load("folder", root, decoder=d, **settings) for d in ("threads", "processes")]


def equal(first, second):
    for part in ("train", "validation", "test"):
        one, other = getattr(first, part), getattr(second, part)
        np.testing.assert_array_equal(one.images, other.images)
        assert one.ids.tolist() == other.ids.tolist()
    assert first.skipped == second.skipped


def test_pixels_are_those_of_threads(tmp_path):
    root = mixed(tmp_path)
    equal(*both(root))
    save(root / "dog" / "colour.png", noise(0, 60, 60, 3))
    first, second = both(root, image_size=40)
    assert second.channels == 3
    equal(first, second)


def test_bad_pictures_are_skipped_with_the_reasons_of_threads(tmp_path):
    root = mixed(tmp_path)
    (root / "cat" / "a.png").write_bytes(b"broken")
    (root / "cat" / "090.png").write_bytes((root / "cat" / "000.png").read_bytes()[:300])
    (root / "dog" / "zz.png").write_bytes(b"")
    first, second = both(root, on_bad_image="skip")
    assert len(second.skipped) == 3
    equal(first, second)
    messages = []
    for decoder in ("threads", "processes"):
        with pytest.raises(ValueError, match=r"not a usable image") as error:
            load("folder", root, decoder=decoder, workers=1)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_a_cache_is_filled_the_same(tmp_path):
    root = mixed(tmp_path / "data")
    first, second = (
        load("folder", root, decoder=d, cache_dir=str(tmp_path / d))
        for d in ("threads", "processes")
    )
    equal(first, second)


def test_what_pillow_may_do_is_handed_on(tmp_path, monkeypatch):
    class_folders(tmp_path)
    save(tmp_path / "cat" / "bomb.png", noise(0, 200, 200))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 150 * 150)
    with pytest.raises(ValueError, match=r"bomb\.png: not a usable image"):
        load("folder", tmp_path, decoder="processes")


def test_a_picture_that_kills_its_decoder_is_a_bad_one(tmp_path, monkeypatch):
    root = mixed(tmp_path)
    for name in ("cat/fatal.png", "dog/fatal.png"):
        save(root / name, noise(0, 28, 28))
    dying_of_fatal_pictures(monkeypatch, "os.abort()")
    with pytest.raises(ValueError, match=r"fatal\.png: not a usable .* died, signal 6"):
        load("folder", root, decoder="processes")
    data = load("folder", root, decoder="processes", on_bad_image="skip")
    assert [Path(name).name for name, _ in data.skipped] == ["fatal.png"] * 2
    monkeypatch.undo()
    (root / "cat" / "fatal.png").write_bytes(b"")
    (root / "dog" / "fatal.png").write_bytes(b"")
    other = load("folder", root, decoder="threads", on_bad_image="skip")
    np.testing.assert_array_equal(data.train.images, other.train.images)


def test_a_process_that_somebody_kills_costs_no_picture(tmp_path, monkeypatch):
    root = class_folders(tmp_path)
    save(root / "cat" / "fatal.png", noise(0, 28, 28))
    dying_of_fatal_pictures(monkeypatch, "os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(ValueError, match=r"died, signal 9; if it was killed for lack of memory"):
        load("folder", root, decoder="processes", on_bad_image="skip")


@pytest.mark.parametrize("start", ["raise SystemExit(3)", "import sys; sys.stdin.readline()"])
def test_where_no_process_starts_threads_are_used_or_it_is_said(tmp_path, monkeypatch, start):
    root = class_folders(tmp_path)
    monkeypatch.setattr(decoders, "START", start)
    with pytest.raises(ValueError, match=r"data\.decoder=processes is not possible here .*threads"):
        load("folder", root, decoder="processes")
    monkeypatch.setattr(chunks, "PROCESSES_FROM", 1)
    assert len(load("folder", root, decoder="auto").test) == 4
    monkeypatch.setattr(sys, "executable", "")
    assert len(load("folder", root, decoder="auto").test) == 4


def test_processes_are_used_where_they_pay(tmp_path, monkeypatch):
    listing = SOURCES["folder"](
        DataConfig(source="folder", path=str(class_folders(tmp_path)))
    ).splits["train"]
    digits = SOURCES["digits"](DataConfig()).splits["train"]
    monkeypatch.setattr(chunks, "cores", lambda: 8)

    def chosen(listing, pictures, **settings):
        return chunks.decodes_in_processes(listing, DataConfig(**settings), pictures)

    assert chosen(listing, chunks.PROCESSES_FROM)
    assert not chosen(listing, chunks.PROCESSES_FROM - 1)
    assert chosen(listing, 1, decoder="processes")
    assert not chosen(listing, 10**6, decoder="threads")
    assert not chosen(listing, 10**6, workers=1)
    assert not chosen(digits, 10**6, decoder="processes")
    monkeypatch.setattr(chunks, "cores", lambda: 1)
    assert not chosen(listing, 10**6)


def test_the_cores_are_those_lent_to_this_process():
    code = (
        "import os; from lqjax.data.chunks import cores;"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(cores())"
    )
    assert subprocess.check_output([sys.executable, "-c", code]).strip() == b"1"


def test_a_worker_does_not_import_jax():
    code = "import sys, lqjax.data.decoder_worker; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SCRIPT = """
import sys, time
from lqjax.config import DataConfig
from lqjax.data import decoders
from lqjax.data.loading import load_dataset

begun = decoders._Decoder.__init__
def begin(self):
    begun(self)
    print(self._process.pid, flush=True)
decoders._Decoder.__init__ = begin
decoders.START = decoders.START.replace("serve()", "import time; time.sleep({slow}); serve()")
data = load_dataset(
    DataConfig(source="folder", path=sys.argv[1], image_size=28, workers=2, decoder="processes")
)
print("test", len(data.test))
"""


def run_script(tmp_path, slow):
    """Start a program without the guard that `multiprocessing` asks for."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.format(slow=slow)))
    return subprocess.Popen(
        [sys.executable, script, class_folders(tmp_path / "data", 70)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def environment(pid):
    """Read the variables of a process; for a moment after it is started it has none."""
    deadline = time.monotonic() + 20
    while not (found := Path(f"/proc/{pid}/environ").read_bytes()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_programs_need_no_guard_and_leave_no_process(tmp_path):
    out, errors = run_script(tmp_path, slow=0).communicate(timeout=100)
    *pids, last = out.split("\n")[:-1]
    assert (last, errors) == ("test 28", "")
    assert len(pids) > 3
    assert not any(is_there(int(pid)) for pid in pids)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
@pytest.mark.parametrize(("how", "slow"), [(signal.SIGINT, 60), (signal.SIGKILL, 3)])
def test_processes_end_with_the_program_that_is_stopped(tmp_path, how, slow):
    program = run_script(tmp_path, slow)
    pids = [int(program.stdout.readline()) for _ in range(2)]
    assert all(is_there(pid) for pid in pids)
    assert all(os.getpgid(pid) != program.pid for pid in pids), "Ctrl-C would stop them first"
    assert all(b"OMP_NUM_THREADS=1\0" in environment(pid) for pid in pids)
    begun = time.monotonic()
    os.killpg(program.pid, how)  # as Ctrl-C does, to all that the terminal runs
    errors = program.communicate(timeout=100)[1]
    if how == signal.SIGINT:
        assert errors.count("KeyboardInterrupt") == 1
        assert time.monotonic() - begun < decoders.GRACE_SECONDS, "what is decoded is waited for"
        assert not any(is_there(pid) for pid in pids)
    deadline = time.monotonic() + 20
    while any(is_there(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)
