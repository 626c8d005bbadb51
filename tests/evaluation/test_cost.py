"""Timing by a clock that is made up, and memory by arithmetic."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.evaluation import cost as cost_module
from lqjax.evaluation.cost import LEAST_RUNS, needed_bytes, time_batch, time_one, time_runs
from lqjax.evaluation.predict import Predictor
from lqjax.runtime import make_mesh
from tests.training.small import statistics
from tests.training.tiny import TinyNetwork

NETWORK = TinyNetwork(image_size=28)
FLOAT = 4  # bytes


class Clock:
    """Every run takes the next of the given seconds, the last of them for ever."""

    def __init__(self, *seconds):
        self.now, self.seconds, self.runs = 0.0, list(seconds), 0

    def perf_counter(self):
        return self.now

    def run(self):
        self.runs += 1
        self.now += self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]
        return jnp.zeros(())


def timed(monkeypatch, clock, runs):
    monkeypatch.setattr(cost_module.time, "perf_counter", clock.perf_counter)
    return time_runs(clock.run, runs)


def test_the_warm_up_is_not_counted(monkeypatch):
    clock = Clock(9.0, 0.25, 0.5, 0.125, 0.25)
    np.testing.assert_array_equal(timed(monkeypatch, clock, 3), [0.5, 0.125, 0.25])
    assert clock.runs == 5


@pytest.mark.parametrize(
    ("seconds", "asked", "made"),
    [(0.25, 100, 8), (0.0625, 20, 20), (30.0, 100, LEAST_RUNS), (30.0, 2, 2)],
)
def test_slow_programs_are_run_less_often(monkeypatch, seconds, asked, made):
    assert cost_module.LONGEST_SECONDS == 2
    assert len(timed(monkeypatch, Clock(seconds), asked)) == made


def test_memory_is_what_goes_in_comes_out_and_lies_between():
    inputs, outputs = jnp.ones((100, 50)), 30
    compiled = jax.jit(lambda x, k: x @ k).lower(inputs, jnp.ones((50, outputs))).compile()
    least = FLOAT * (100 * 50 + 50 * outputs + 100 * outputs)
    assert least <= needed_bytes(compiled) <= least + FLOAT * 100 * 50 + 10**5
    reused = jax.jit(lambda x: x + 1, donate_argnums=0).lower(inputs).compile()
    assert needed_bytes(reused) == FLOAT * 100 * 50


def test_what_a_compiler_does_not_tell_is_not_made_up():
    class Silent:
        def __init__(self, answer):
            self.answer = answer

        def memory_analysis(self):
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    assert needed_bytes(Silent(None)) is None
    assert needed_bytes(Silent(NotImplementedError("not here"))) is None


def test_a_batch_is_shared_and_one_image_is_not():
    weights = FLOAT * NETWORK.parameter_count()
    image, scores = FLOAT * 28 * 28, FLOAT * 4
    single = Predictor(NETWORK, statistics(), 16, make_mesh(1))
    shared = Predictor(NETWORK, statistics(), 16, make_mesh(4))
    alone = time_one(shared, *NETWORK.init(0), runs=3)
    assert len(alone.seconds) == 3 and (alone.seconds > 0).all()
    for timing, images in (
        (alone, 1),
        (time_batch(single, *NETWORK.init(0), 16, runs=3), 16),
        (time_batch(shared, *NETWORK.init(0), 16, runs=3), 4),
    ):
        least = weights + images * (image + scores)
        assert least <= timing.memory_bytes <= least + 2 * images * image + 10**5
