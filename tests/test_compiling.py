"""Compiler options: accepted or left out, never in the way."""

import jax
import jax.numpy as jnp
import pytest

from lqjax import compiling


@pytest.fixture
def fresh():
    compiling.compile_options.cache_clear()
    yield
    compiling.compile_options.cache_clear()


def test_options_are_those_for_the_cpu_or_none(fresh):
    assert compiling.compile_options() in ({}, compiling.CPU_OPTIONS)


def test_an_unknown_option_is_left_out(fresh, monkeypatch):
    monkeypatch.setattr(compiling, "CPU_OPTIONS", {"xla_no_such_option": "1"})
    assert compiling.compile_options() == {}
    assert compiling.jit(lambda x: x + 1)(1.0) == 2.0


def test_accelerators_get_none(fresh, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert compiling.compile_options() == {}


def test_jit_passes_arguments_on(fresh):
    double = compiling.jit(lambda x, times: x * times, static_argnums=1)
    assert (double(jnp.ones(3), 2) == 2).all()
