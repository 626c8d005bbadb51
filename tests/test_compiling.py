"""Compiler options: accepted or left out, never in the way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax import compiling


@pytest.fixture
def fresh(monkeypatch):
    """Options found out anew, without what the test run leaves out for its cache."""
    monkeypatch.setenv(compiling.FLAGS_VARIABLE, "")
    compiling.compile_options.cache_clear()
    yield
    compiling.compile_options.cache_clear()


def test_options_are_those_for_the_cpu_or_none(fresh):
    assert compiling.compile_options() in ({}, compiling.CPU_OPTIONS)


def test_an_unknown_option_is_left_out(fresh, monkeypatch):
    monkeypatch.setattr(compiling, "CPU_OPTIONS", {"xla_no_such_option": "1"})
    assert compiling.compile_options() == {}
    assert compiling.jit(lambda x: x + 1)(1.0) == 2.0


def test_one_unknown_option_keeps_no_other_out(fresh, monkeypatch):
    known = dict(compiling.compile_options())
    compiling.compile_options.cache_clear()
    monkeypatch.setattr(compiling, "CPU_OPTIONS", {"xla_no_such_option": "1", **known})
    assert compiling.compile_options() == known


def test_what_the_user_has_set_stands(fresh, monkeypatch):
    options = dict(compiling.compile_options())
    for name in options:
        compiling.compile_options.cache_clear()
        monkeypatch.setenv(compiling.FLAGS_VARIABLE, f"--xla_other=1 --{name}=-1")
        assert compiling.compile_options().keys() == options.keys() - {name}
        compiling.compile_options.cache_clear()
        monkeypatch.setenv(compiling.FLAGS_VARIABLE, f"--{name}_of_another_name=-1")
        assert compiling.compile_options() == options


def test_temporaries_in_several_pieces_hold_the_same_numbers(fresh):
    side = 1500  # pixels; five arrays of this height and width fill more than one piece
    large = np.random.default_rng(0).random((side, side))
    program = compiling.jit(lambda x: jnp.cos(x) @ jnp.sin(x) @ jnp.tan(x))
    expected = np.cos(large) @ np.sin(large) @ np.tan(large)
    np.testing.assert_allclose(program(large.astype(np.float32)), expected, rtol=1e-4)


def test_no_small_pieces_where_warnings_cannot_be_silenced(fresh, monkeypatch):
    monkeypatch.setattr(compiling, "_silence_warnings", lambda: False)
    assert not compiling.compile_options().keys() & compiling.HEAP_OPTION.keys()


def test_arrays_larger_than_a_piece_raise_no_warning(fresh, capfd):
    side = 2600  # pixels; a float32 array of this height and width is larger than a piece
    large = jax.ShapeDtypeStruct((side, side), jnp.float32)
    assert large.size * large.dtype.itemsize > max(compiling.HEAP_OPTION.values())
    compiling.jit(lambda x: (jnp.cos(x) @ jnp.sin(x)).sum()).lower(large).compile()
    assert "per-heap" not in capfd.readouterr().err


def test_accelerators_get_none(fresh, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert compiling.compile_options() == {}


def test_jit_passes_arguments_on(fresh):
    double = compiling.jit(lambda x, times: x * times, static_argnums=1)
    assert (double(jnp.ones(3), 2) == 2).all()
