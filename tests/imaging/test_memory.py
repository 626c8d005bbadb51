"""No operation needs more than a dozen times its batch in temporaries."""

import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.apply import chain_program, prepare
from lqjax.imaging.conditions import parse
from lqjax.imaging.operations import OPERATIONS
from lqjax.imaging.suites import SUITES
from tests.quick_compilation import quick_compilation

SIDE, BATCH = 224, 16
FLOAT_BYTES = 4
LARGEST = 12
"""Times the batch in float32."""


def hardest():
    """The last level of one suite entry for every operation that suites use."""
    found = {}
    for suite in SUITES:
        for entry in SUITES[suite].entries:
            if not entry.then:
                found.setdefault(
                    entry.operation, f"{suite}/{entry.name}@{SUITES[suite].levels[-1]}"
                )
    return {name: found[name] for name in OPERATIONS if name in found}


# One channel is the harder case: maps and places weigh as much as for three.
CASES = [(condition, 1) for condition in hardest().values()]
CASES += [(hardest()[name], 3) for name in ("elastic_transform", "glass_blur", "jpeg", "spatter")]


def temporaries(condition, images):
    """Count the bytes that a condition's program needs beside its arguments and its result."""
    chain_program.cache_clear()
    program, arguments = prepare(parse(condition), images, np.arange(BATCH, dtype=np.uint32), 0)
    return program.lower(*arguments).compile().memory_analysis().temp_size_in_bytes


@pytest.mark.slow
@pytest.mark.parametrize(("condition", "channels"), CASES)
def test_temporaries_are_bounded(condition, channels):
    images = jnp.zeros((BATCH, SIDE, SIDE, channels), jnp.uint8)
    with quick_compilation():
        needed = temporaries(condition, images)
    assert needed <= LARGEST * FLOAT_BYTES * images.size


@pytest.mark.parametrize("condition", ["low_quality/jpeg@high", "cifar10_c/motion_blur@5"])
def test_quick_compilation_needs_as_much(condition):
    images = jnp.zeros((BATCH, SIDE, SIDE, 1), jnp.uint8)
    usually = temporaries(condition, images)
    with quick_compilation():
        assert temporaries(condition, images) == usually > 0
