"""The log's images/s and input wait, line by line, on devices and a clock that the test turns."""

import functools
import time
from types import SimpleNamespace

import numpy as np
import pytest

from lqjax.progress import Progress
from lqjax.training import loop, passage
from lqjax.training.dispatch import Dispatch
from lqjax.training.log import TrainingLog
from tests.training.small import BATCH, config
from tests.training.test_transfers import STEPS, trainer

COMPILING, HANDING_OVER = 30.0, 0.001
SECONDS = [2.0, 0.5, 0.25, 4.0, 1.0, 0.125, 8.0, 3.0]
"""How long each step of an epoch takes."""

VALIDATING = 100.0
SLOW_SECONDS = 0.2


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Loss:
    """A loss that is there from a moment on."""

    def __init__(self, clock, done):
        self._clock, self._done = clock, done

    def is_ready(self):
        return self._clock.now >= self._done

    def block_until_ready(self):
        self._clock.now = max(self._clock.now, self._done)
        return self


class Device:
    """Makes the real steps, and says that they took the seconds that the test wants.

    As a CPU it returns when a step is over; as an accelerator at once, and works on.
    """

    def __init__(self, dispatcher, clock, is_cpu, seconds, waits):
        self._dispatcher, self._clock, self._is_cpu = dispatcher, clock, is_cpu
        self._seconds, self._waits = seconds, waits
        self._free, self._warm = 0.0, False

    def dispatches(self, order, first, scales):
        real = self._dispatcher.dispatches(order, first, scales)
        for inner, seconds, wait in zip(real, self._seconds, self._waits, strict=True):
            self._clock.now += wait
            yield Dispatch(inner.steps, functools.partial(self._run, inner, seconds))

    def _run(self, inner, seconds, state, factor):
        state, _ = inner.run(state, factor)
        begun = max(self._clock.now + HANDING_OVER, self._free)
        self._free = begun + seconds + (0.0 if self._warm else COMPILING)
        self._warm = True
        self._clock.now = self._free if self._is_cpu else self._clock.now + HANDING_OVER
        return state, Loss(self._clock, self._free)


def logged(folder, monkeypatch, is_cpu, waits, seconds=SECONDS, **settings):
    """Train two epochs; give the values of each step's line and of each epoch's."""
    clock, steps, epochs = Clock(), {}, {}

    def write(step, values):
        (epochs if "epoch" in values else steps)[step] = dict(values)

    def read(loss):
        loss.block_until_ready()
        return np.float32(1.0)

    def validate(params, stats):
        clock.now += VALIDATING
        return 1.0, 0.5

    monkeypatch.setattr(passage, "time", SimpleNamespace(perf_counter=clock))
    monkeypatch.setattr(passage, "read", read)
    monkeypatch.setattr(loop, "TrainingLog", functools.partial(TrainingLog, clock=clock))
    wanted = config(training__epochs=2, run__log_every=1, run__writers="jsonl", **settings)
    made = trainer(folder, wanted, validate, writers=[write])
    made._dispatcher = Device(made._dispatcher, clock, is_cpu, seconds, waits)
    made.train(Progress())
    return steps, epochs


@pytest.mark.parametrize("is_cpu", [True, False], ids=["cpu", "accelerator"])
def test_a_line_tells_the_pace_of_its_own_step(tmp_path, monkeypatch, is_cpu):
    steps, epochs = logged(tmp_path, monkeypatch, is_cpu, [0.0] * STEPS)
    assert "images_per_second" not in steps[1], "the step that compiles"
    for step in range(2, 2 * STEPS + 1):
        found, took = steps[step]["images_per_second"], SECONDS[(step - 1) % STEPS]
        assert found == pytest.approx(BATCH / took, rel=0.02), step
    counted = 2 * sum(SECONDS) - SECONDS[0]
    means = [epochs[STEPS * n]["epoch_images_per_second"] for n in (1, 2)]
    taken = [BATCH * (STEPS - 1) / means[0], BATCH * STEPS / means[1]]
    assert sum(taken) == pytest.approx(counted, rel=0.01)


WAITS = [3.0, 9.0, 0.0, 0.25, 4.0, 0.0, 0.0, 3.0]


def test_on_a_cpu_the_wait_for_images_is_told_with_their_step(tmp_path, monkeypatch):
    steps, _ = logged(tmp_path, monkeypatch, True, WAITS, [1.0] * STEPS)
    for step in range(2, 2 * STEPS + 1):
        wait = WAITS[(step - 1) % STEPS]
        assert steps[step]["input_wait_share"] == pytest.approx(wait / (1 + wait), abs=0.01), step
        assert steps[step]["images_per_second"] == pytest.approx(BATCH / (1 + wait), rel=0.01)


def test_on_an_accelerator_it_is_told_with_the_step_under_way(tmp_path, monkeypatch):
    steps, _ = logged(tmp_path, monkeypatch, False, WAITS, [1.0] * STEPS)
    for step in range(2, 2 * STEPS + 1):
        at = (step - 1) % STEPS
        # Nothing is under way before the first step, and the one that compiles is waited for.
        before = WAITS[at] if at == 0 or step == 2 else 0.0
        during = WAITS[at + 1] if at + 1 < STEPS else 0.0
        took = before + max(1.0, during)
        share = steps[step]["input_wait_share"]
        assert share == pytest.approx((before + during) / took, abs=0.01), step
        assert steps[step]["images_per_second"] == pytest.approx(BATCH / took, rel=0.01), step


@pytest.mark.slow
def test_the_wait_for_a_slow_source_is_in_the_log(tmp_path):
    shares = []

    def write(step, values):
        if "input_wait_share" in values:
            shares.append(values["input_wait_share"])

    settings = config(training__epochs=1, run__log_every=STEPS // 2, run__writers="jsonl")
    made = trainer(tmp_path, settings, writers=[write], placing="streamed")
    images = made._dispatcher._batches
    read = images.batch

    def slow(rows):
        time.sleep(SLOW_SECONDS)
        return read(rows)

    images.batch = slow
    made.train(Progress())
    # Some were read while the first step was compiled. Later on every second one is waited for,
    # since two are read at a time; steps take milliseconds.
    assert len(shares) == 2 and shares[1] > 0.5
