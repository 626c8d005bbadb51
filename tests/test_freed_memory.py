"""Freed memory: what the C library has given once, it gives again without new pages."""

import os
import resource
import subprocess
import sys

import pytest

from lqjax import freed_memory

PIECE = 24 * 2**20  # bytes, the largest piece of temporaries on a CPU
PIECES = 8
FIRST_TOUCHES = PIECES * PIECE // resource.getpagesize()

# Takes and frees pieces twice, the way a step does; prints the pages touched the second time.
PROGRAM = f"""
import ctypes, resource
from lqjax.freed_memory import keep_freed_memory
kept = {{keep}} and keep_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
library.free.argtypes = (ctypes.c_void_p,)
def step():
    pieces = [library.malloc({PIECE}) for _ in range({PIECES})]
    for piece in pieces:
        ctypes.memset(piece, 1, {PIECE})
    for piece in pieces:
        library.free(piece)
step(); step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_touched(*, keep, environment=None):
    program = PROGRAM.format(keep=keep)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    kept, pages = map(int, done.stdout.split())
    return bool(kept), pages


@pytest.mark.slow
@pytest.mark.skipif(freed_memory._mallopt() is None, reason="the C library is not glibc")
def test_kept_memory_costs_no_new_pages():
    kept, pages = pages_touched(keep=True)
    assert kept and pages < FIRST_TOUCHES / 100
    assert pages_touched(keep=False)[1] > FIRST_TOUCHES / 2


@pytest.mark.parametrize("name", freed_memory.SET_BY_USER)
def test_what_the_user_has_set_stands(name, monkeypatch):
    calls = []
    monkeypatch.setattr(freed_memory, "_mallopt", lambda: lambda *pair: calls.append(pair) or 1)
    for other in freed_memory.SET_BY_USER:
        monkeypatch.delenv(other, raising=False)
    assert freed_memory.keep_freed_memory() and len(calls) == 2
    monkeypatch.setenv(name, "131072")
    assert not freed_memory.keep_freed_memory() and len(calls) == 2


def test_other_c_libraries_are_left_alone(monkeypatch):
    class Other:
        def mallopt(self, parameter, value):
            raise AssertionError("called")

    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: Other())
    assert not freed_memory.keep_freed_memory()


def test_sizes_that_older_versions_refuse_fall_back(monkeypatch):
    calls = []

    def older(parameter, value):
        calls.append((parameter, value))
        return int(parameter != freed_memory.MAP_THRESHOLD or value <= 2**25)

    monkeypatch.setattr(freed_memory, "_mallopt", lambda: older)
    for name in freed_memory.SET_BY_USER:
        monkeypatch.delenv(name, raising=False)
    assert freed_memory.keep_freed_memory()
    assert calls == [
        (freed_memory.MAP_THRESHOLD, 2**30),
        (freed_memory.MAP_THRESHOLD, 2**25),
        (freed_memory.TRIM_THRESHOLD, freed_memory.TRIM_NEVER),
    ]


# Which thread a program runs on is seen from its memory: of a thread of its own, large pieces go
# back. Prints the pages that a call of a program with 100 MB of temporaries touches: the median of
# several, because a piece that was kept may have been divided, so that one call needs another.
COMPUTING = """
import os
import resource
from lqjax.runtime import make_mesh
make_mesh()
from lqjax.compiling import jit
import jax.numpy as jnp
program = jit(lambda x: jnp.cumsum(jnp.sin(x))[::-1].max())
x = jnp.arange(25_000_000.0)
program(x).block_until_ready(); program(x).block_until_ready()
def touched():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    program(x).block_until_ready()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(sorted(touched() for _ in range(9))[4])
"""
PAGES_OF_TEMPORARIES = 100_000_000 // resource.getpagesize()


def pages_of_a_call(dispatch):
    variables = {**os.environ, freed_memory.DISPATCH_VARIABLE: dispatch, "XLA_FLAGS": ""}
    if not dispatch:
        del variables[freed_memory.DISPATCH_VARIABLE]
    done = subprocess.run(
        [sys.executable, "-c", COMPUTING],
        capture_output=True, text=True, check=True, env=variables,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(freed_memory._mallopt() is None, reason="the C library is not glibc")
def test_programs_with_large_temporaries_touch_no_new_pages_unless_the_user_wants_them_apart():
    assert pages_of_a_call("") < PAGES_OF_TEMPORARIES / 10
    assert pages_of_a_call("1") > PAGES_OF_TEMPORARIES / 2
