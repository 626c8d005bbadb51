"""What is measured beside the forward pass: on another thread, in the same words."""

import threading

import jax
import jax.numpy as jnp
import pytest

from lqjax.evaluation.meanwhile import meanwhile
from lqjax.runtime import batch_sharded, make_mesh

IMAGES = jnp.arange(6.0)

on_cpu = pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="accelerators queue programs by themselves"
)


def difference(images, reference):
    return threading.current_thread(), images - reference


@on_cpu
def test_it_runs_beside_the_caller_and_gives_the_same():
    thread, result = meanwhile(difference, IMAGES, IMAGES[::-1])()
    assert thread is not threading.main_thread()
    assert result.tolist() == (IMAGES - IMAGES[::-1]).tolist()


@on_cpu
def test_the_caller_goes_on_before_it_is_done():
    goes_on = threading.Event()
    result = meanwhile(lambda *_: goes_on.wait(timeout=60), IMAGES, IMAGES)
    goes_on.set()  # reached although the function has not returned
    assert result()


def test_programs_that_processes_share_stay_in_line(monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    thread, _ = meanwhile(difference, IMAGES, IMAGES)()
    assert thread is threading.main_thread()


def test_programs_that_devices_share_stay_in_line():
    if len(jax.devices()) < 2:
        pytest.skip("needs two devices")
    spread = jax.device_put(IMAGES, batch_sharded(make_mesh(2)))
    thread, _ = meanwhile(difference, spread, spread)()
    assert thread is threading.main_thread()


@on_cpu
def test_an_error_is_raised_where_the_result_is_asked_for():
    def fails(images, reference):
        raise ArithmeticError("no such measure")

    result = meanwhile(fails, IMAGES, IMAGES)
    with pytest.raises(ArithmeticError, match="no such measure"):
        result()
