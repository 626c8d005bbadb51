"""A trace appears, after the warm steps, and where it cannot, a line says why."""

import gzip
import json

import jax
import jax.numpy as jnp
import pytest
from etils import epath

from lqjax.training.profiling import TRACED_DISPATCHES, WARM_DISPATCHES, Profiler


@pytest.fixture(scope="module")
def program():
    return jax.jit(lambda x: jnp.tanh(x) @ x)


def dispatch(program, profiler, count):
    value = jnp.ones((8, 8))
    for step in range(count):
        profiler.step(10 * step)
        jax.block_until_ready(program(value))


def events(folder):
    (file,) = folder.rglob("perfetto_trace.json.gz")
    return json.loads(gzip.decompress(file.read_bytes()))["traceEvents"]


def test_a_trace_of_the_steps_after_the_warm_ones(tmp_path, program):
    said = []
    with Profiler(epath.Path(tmp_path / "trace"), True, said.append) as profiler:
        dispatch(program, profiler, WARM_DISPATCHES)
        assert not (tmp_path / "trace").exists()
        dispatch(program, profiler, TRACED_DISPATCHES + 1)
        assert list(tmp_path.rglob("*.xplane.pb"))
        dispatch(program, profiler, 20)  # and no second one
    assert said == [f"a trace from step 0 on is in {tmp_path / 'trace'}"]
    runs = [e for e in events(tmp_path) if "PjitFunction" in e.get("name", "")]
    assert len(runs) >= TRACED_DISPATCHES
    assert len(list(tmp_path.rglob("*.xplane.pb"))) == 1


def test_a_training_that_ends_while_it_is_traced(tmp_path, program):
    said = []
    with Profiler(epath.Path(tmp_path / "trace"), True, said.append) as profiler:
        dispatch(program, profiler, WARM_DISPATCHES + 1)
    assert events(tmp_path)
    assert said == [f"a trace from step {10 * WARM_DISPATCHES} on is in {tmp_path / 'trace'}"]


def test_too_short_a_training_says_so(tmp_path, program):
    said = []
    with Profiler(epath.Path(tmp_path / "trace"), True, said.append) as profiler:
        dispatch(program, profiler, WARM_DISPATCHES)
    assert said == [
        f"no trace was written: training ended after {WARM_DISPATCHES} dispatches,"
        f" and tracing starts after {WARM_DISPATCHES}"
    ]


def test_a_trace_of_someone_else_is_left_alone(tmp_path, program):
    said = []
    with (
        jax.profiler.trace(tmp_path / "other"),
        Profiler(epath.Path(tmp_path / "trace"), True, said.append) as profiler,
    ):
        dispatch(program, profiler, 20)
    (line,) = said
    assert line.startswith("no trace was written: ")
    assert list((tmp_path / "other").rglob("*.xplane.pb"))
    assert not list((tmp_path / "trace").rglob("*.xplane.pb"))


def test_nothing_is_traced_unless_asked_for(tmp_path, program):
    said = []
    with Profiler(epath.Path(tmp_path / "trace"), False, said.append) as profiler:
        dispatch(program, profiler, 20)
    assert not said
    assert not list(tmp_path.iterdir())
