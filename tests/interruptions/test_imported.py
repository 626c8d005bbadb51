"""Signals while `lqjax.train` is called from a script of one's own: saved first, then as ever."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from lqjax.signals import DEFAULTS, heeded, stop
from lqjax.stopping import SAVES_FIRST
from tests.interruptions.launches import LONGEST_SECONDS, ROOT
from tests.processes import environment

SCRIPT = """
import signal
import sys
import lqjax
from tests.small_launch import registered

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by a shell's background jobs

with registered():
    lqjax.train(
        names=("small",), stem="small", image_size=28, train_limit=640, epochs=2000,
        training_batch_size=32, log_every=1, writers=(lambda step, values: None,),
        progress=False, devices=1, workdir=sys.argv[1],
    )
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_script_saves_before_it_ends(tmp_path, number):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    folder = tmp_path / "run" / "runs" / "small" / "seed0-fold0"
    log, ends = folder / "log.jsonl", time.monotonic() + LONGEST_SECONDS
    child = subprocess.Popen(
        [sys.executable, script, tmp_path / "run"],
        cwd=ROOT,
        env=environment(1, PYTHONPATH=str(ROOT)),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not log.exists() or "\n" not in log.read_text():
            assert child.poll() is None and time.monotonic() < ends
            time.sleep(0.01)
        child.send_signal(number)
        _, errors = child.communicate(timeout=LONGEST_SECONDS)
    finally:
        child.kill()  # nothing, where it has ended
        child.communicate()
    assert child.returncode == -number, errors
    assert SAVES_FIRST in errors
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    saved = max(int(path.name) for path in (folder / "checkpoints").iterdir())
    assert saved == max(line["step"] for line in logged)


def test_signals_are_given_back():
    before = {number: signal.getsignal(number) for number in DEFAULTS}
    for number, default in DEFAULTS.items():
        signal.signal(number, default)
    with heeded():
        assert all(signal.getsignal(number) is stop for number in DEFAULTS)
    assert all(signal.getsignal(number) == default for number, default in DEFAULTS.items())
    for number, handler in before.items():
        signal.signal(number, handler)


def test_handlers_of_others_stay():
    mine = lambda *_: None  # noqa: E731
    before = signal.signal(signal.SIGTERM, mine)
    with heeded():
        assert signal.getsignal(signal.SIGTERM) is mine
    assert signal.signal(signal.SIGTERM, before) is mine


def test_other_threads_are_left_alone():
    found = []

    def work():
        with heeded():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]
