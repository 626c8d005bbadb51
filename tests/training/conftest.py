"""What a training run does holds however its programs are compiled."""

import jax
import pytest

from tests.quick_compilation import quick_compilation


@pytest.fixture(scope="package", autouse=True)
def compile_all_quickly():
    with quick_compilation():
        yield
    jax.clear_caches()  # others compare bits, which rounding in another order would change
