"""What the loop copies between host and device, and that it keeps nothing."""

import contextlib
import ctypes
import gc
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from etils import epath

from lqjax.progress import Progress
from lqjax.training import dispatch, passage
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.dispatch import Dispatch
from lqjax.training.loop import Trainer
from lqjax.workdir import Workdir
from tests.training.small import Small, config, material_for, split
from tests.training.tiny import TinyNetwork

STEPS = 8


def trainer(
    folder, settings, validate=lambda params, stats: (1.0, 0.5), writers=(), network=None, **how
):
    network = network or TinyNetwork()
    small = Small(network, settings, split(network.image_size, count=16 * STEPS), **how)
    made = Trainer(
        small.network, settings, Workdir(epath.Path(folder)).run("tiny", 0),
        small.dispatcher._batches, {0: material_for(small, validate)}, small.mesh, writers,
    )  # fmt: skip
    made._dispatcher = small.dispatcher  # several steps a dispatch, on a CPU too
    return made


@dataclass
class Watched:
    """A dispatcher's dispatches, and what became of them."""

    dispatcher: object
    after_first: Callable = lambda: None
    at_end: Callable = lambda: None
    events: list = field(default_factory=list)
    losses: list = field(default_factory=list)

    def dispatches(self, order, first, scales):
        for number, inner in enumerate(self.dispatcher.dispatches(order, first, scales)):
            yield Dispatch(inner.steps, lambda *rest, inner=inner: self._run(inner, *rest))
            if number == 0:
                self.after_first()
        self.at_end()

    def _run(self, inner, state, factor):
        state, loss = inner.run(state, factor)
        self.events.append(("handed", len(self.losses)))
        self.losses.append(loss)
        return state, loss


def no_copies():
    return jax.transfer_guard_host_to_device("disallow_explicit")


def test_the_guard_does_fire_here():
    for copy in (lambda: jax.device_put(np.ones(3)), lambda: jnp.add(jnp.zeros(3), np.ones(3))):
        with no_copies(), pytest.raises(Exception, match=r"[Dd]isallowed host-to-device"):
            copy()


@pytest.mark.parametrize(("devices", "steps"), [(1, 1), (1, 3), (8, 1)])
def test_after_the_first_dispatch_nothing_is_copied_to_the_device(tmp_path, devices, steps):
    made = trainer(tmp_path, config(training__epochs=1), devices=devices, steps=steps)
    guard = no_copies()
    watched = Watched(made._dispatcher, guard.__enter__, lambda: guard.__exit__(None, None, None))
    made._dispatcher = watched
    made.train(Progress())
    assert len(watched.losses) == -(-STEPS // steps)


def allowed(monkeypatch, owner, name):
    """Let a function copy to the device in spite of the guard; give a list with its calls."""
    real, calls = getattr(owner, name), []

    def free(*arguments, **named):
        calls.append(name)
        with jax.transfer_guard_host_to_device("allow"):
            return real(*arguments, **named)

    monkeypatch.setattr(owner, name, free)
    return calls


BETWEEN_EPOCHS = {
    "the order of the epoch": (dispatch, "to_devices"),
    "the factor on the learning rate": (passage.Passage, "_begin"),
    "sums that begin at zero": (passage, "no_measures"),
}


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 8])
def test_between_epochs_the_order_the_factor_and_empty_sums_are_copied(
    tmp_path, monkeypatch, devices
):
    epochs, guard = 3, contextlib.ExitStack()
    settings = config(training__epochs=epochs, training__ema_decay=0.9, run__log_every=4)
    made = trainer(tmp_path, settings, devices=devices)

    def begin():
        if len(watched.losses) == 1:  # from the second dispatch on to the end of training
            guard.enter_context(no_copies())

    watched = made._dispatcher = Watched(made._dispatcher, begin)
    calls = [allowed(monkeypatch, *place) for place in BETWEEN_EPOCHS.values()]
    with guard:
        made.train(Progress())
    assert len(watched.losses) == epochs * STEPS
    assert [len(found) for found in calls] == [epochs] * len(BETWEEN_EPOCHS)


def test_a_stream_is_copied_which_the_guard_sees(tmp_path):
    made = trainer(tmp_path, config(training__epochs=1), placing="streamed")
    small_batches = made._dispatcher._batches

    def one_by_one(rows):  # in this thread: the guard is a thread's own
        return map(small_batches.batch, rows)

    small_batches.batches = one_by_one
    guard = no_copies()
    made._dispatcher = Watched(made._dispatcher, guard.__enter__)
    try:
        with pytest.raises(Exception, match=r"[Dd]isallowed host-to-device"):
            made.train(Progress())
    finally:
        guard.__exit__(None, None, None)


@pytest.mark.parametrize("steps", [1, 3])
def test_each_dispatch_is_read_once_when_the_next_is_on_its_way(tmp_path, monkeypatch, steps):
    made = trainer(tmp_path, config(training__epochs=2), steps=steps)
    watched = made._dispatcher = Watched(made._dispatcher)
    read = passage.read

    def counted(array):
        (number,) = [n for n, loss in enumerate(watched.losses) if loss is array]
        watched.events.append(("read", number))
        return read(array)

    monkeypatch.setattr(passage, "read", counted)
    made.train(Progress())
    an_epoch = -(-STEPS // steps)
    expected = []
    for first in (0, an_epoch):
        expected.append(("handed", first))
        for number in range(first + 1, first + an_epoch):
            expected += [("handed", number), ("read", number - 1)]
        expected.append(("read", first + an_epoch - 1))
    assert watched.events == expected


EPOCHS, CHECKPOINTS = 120, 32
WARM = 10
SIDE, NARROW, WIDE = 32, 16, 1024
"""An epoch has 128 KiB of images; weights of 64 KiB, and of 4 MiB."""

KIB_AN_EPOCH, KIB_A_CHECKPOINT = 6.4, 205
"""Resident memory that may be left of each: a twentieth of the images, and of the weights. An epoch
of eight steps leaves 0.6 KiB, and TensorStore 0.1.86 loses up to 100 KiB a checkpoint of what
describes its files."""

PLANTED = 8 * 2**10
"""Bytes that a leak keeps of each step, for the test of the test."""


def resident_kib():
    """Resident memory, less what glibc keeps for later."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS")]
    return int(line.split()[1])


def slope(values):
    """Median of the slopes of all pairs: one jump of an allocator does not count."""
    pairs = [(i, j) for i in range(len(values)) for j in range(i)]
    return float(np.median([(values[i] - values[j]) / (i - j) for i, j in pairs]))


def test_slope_sees_a_leak():
    assert slope([7 * n for n in range(9)]) == 7
    assert slope([0] * 8 + [900]) == 0


@pytest.fixture
def only_new_garbage():
    """Let collections pass over what earlier tests have left, which takes a second each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def unheard():
    """Write no lines, which pytest keeps for the case of a failure."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def memory_of_a_run(folder, monkeypatch, epochs, width, *, saves=False, **how):
    """Train; give the number of arrays and the resident KiB at the end of each epoch."""
    arrays, memory = [], []
    save = Checkpoints.save

    def save_to_the_end(self, *items):  # or arrays on their way are counted now and then
        if saves:
            save(self, *items)
            self.finish()

    def validate(params, stats):
        gc.collect()
        arrays.append(len(jax.live_arrays()))
        memory.append(resident_kib())
        return 1.0, 0.5

    monkeypatch.setattr(Checkpoints, "save", save_to_the_end)
    settings = config(training__epochs=epochs, training__ema_decay=0.9, run__log_every=4)
    network = TinyNetwork(image_size=SIDE, width=width)
    trainer(folder, settings, validate, network=network, **how).train(Progress())
    return arrays[WARM:], memory[WARM:]


@pytest.mark.slow
@pytest.mark.usefixtures("only_new_garbage", "unheard")
@pytest.mark.parametrize("placing", ["whole", "streamed"])
def test_a_long_run_keeps_nothing(tmp_path, monkeypatch, placing):
    arrays, memory = memory_of_a_run(tmp_path, monkeypatch, EPOCHS, NARROW, placing=placing)
    assert len(set(arrays)) == 1, arrays
    assert slope(memory) < KIB_AN_EPOCH, memory


@pytest.mark.slow
def test_many_checkpoints_keep_nothing():
    """In a process of its own: how much glibc keeps for each thread goes up and down by arrays."""
    if sys.platform != "linux":
        pytest.skip("reads /proc, and sets what glibc reads")
    command = "from tests.training import test_transfers as t; t.many_checkpoints_keep_nothing()"
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", command],
        env=environment, cwd=root, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def many_checkpoints_keep_nothing():
    import tests.conftest  # noqa: F401 (the devices and the cache of the tests)

    gc.freeze()
    logging.disable()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        arrays, memory = memory_of_a_run(Path(folder), monkeypatch, CHECKPOINTS, WIDE, saves=True)
    assert len(set(arrays)) == 1, arrays
    assert slope(memory) < KIB_A_CHECKPOINT, memory


@pytest.mark.slow
@pytest.mark.usefixtures("only_new_garbage", "unheard")
def test_a_step_that_keeps_something_is_seen(tmp_path, monkeypatch):
    read, kept = passage.read, []

    def read_and_keep(array):
        kept.append(b"x" * PLANTED)
        return read(array)

    monkeypatch.setattr(passage, "read", read_and_keep)
    _, memory = memory_of_a_run(tmp_path, monkeypatch, 4 * WARM, NARROW)
    assert len(kept) == 4 * WARM * STEPS
    assert slope(memory) > 2 * KIB_AN_EPOCH, memory
