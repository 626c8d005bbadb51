"""Eight virtual devices, strict arrays, and one compilation cache for the whole test run."""

import atexit
import os
import shutil
import tempfile

from tests.processes import STORABLE

os.environ["XLA_FLAGS"] = " ".join(
    [os.environ.get("XLA_FLAGS", ""), "--xla_force_host_platform_device_count=8", STORABLE]
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "agg")
# What compiles in 30 ms is read in 6: workers, files and the tests' own processes share it all.
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

import jax
import pytest
from jaxtyping import install_import_hook

import tests.shapes  # the hook looks it up by name
from tests.quick_compilation import quick_compilation

CHECKED_PACKAGES = [
    f"lqjax.{name}" for name in ("augmentations", "degradations", "restorations", "models")
]
install_import_hook(CHECKED_PACKAGES, f"{tests.shapes.__name__}.checked")

jax.config.update("jax_numpy_rank_promotion", "raise")
if "LQJAX_TEST_CACHE" not in os.environ:  # workers and the tests' own processes are told of it
    os.environ["LQJAX_TEST_CACHE"] = tempfile.mkdtemp(prefix="lqjax-test-compilations-")
    atexit.register(shutil.rmtree, os.environ["LQJAX_TEST_CACHE"], ignore_errors=True)
jax.config.update("jax_compilation_cache_dir", os.environ["LQJAX_TEST_CACHE"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


@pytest.fixture(scope="module", name="quick_compilation")
def compile_quickly():
    """Compile a file's programs in half the time, to slower ones; forget them at its end.

    For tests that hold however it is compiled: of what a run does, keeps and says, and of forms
    that are compared with each other.
    """
    with quick_compilation():
        yield
    jax.clear_caches()  # others compare bits, which rounding in another order would change


@pytest.fixture(scope="module")
def undrawn_figures():
    """Leave the figures of a file's reports blank: it looks at what they say, at no figure."""
    from tests.blank_figures import blank_figures

    with blank_figures():
        yield


@pytest.fixture(scope="module")
def small_networks():
    """The networks of `small_launch.py`, for one file: other tests count what is registered."""
    from tests.small_launch import registered

    with registered():
        yield


def pytest_collection_modifyitems(items):
    """Begin with the files that have slow tests: at the end one worker would wait for another."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests that share compiled programs share a worker, however `--dist` is set."""
    from lqjax.imaging.operations import OPERATIONS
    from tests.scheduling import SharedCompilationScheduling

    return SharedCompilationScheduling(config, log, frozenset(OPERATIONS.names()))
