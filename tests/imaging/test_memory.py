"""No operation needs more than a dozen times its batch in temporaries."""

import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.apply import prepare
from lqjax.imaging.conditions import parse
from lqjax.imaging.operations import OPERATIONS
from lqjax.imaging.suites import SUITES

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


@pytest.mark.slow
@pytest.mark.parametrize(("condition", "channels"), CASES)
def test_temporaries_are_bounded(condition, channels):
    images = jnp.zeros((BATCH, SIDE, SIDE, channels), jnp.uint8)
    program, arguments = prepare(parse(condition), images, np.arange(BATCH, dtype=np.uint32), 0)
    memory = program.lower(*arguments).compile().memory_analysis()
    assert memory.temp_size_in_bytes <= LARGEST * FLOAT_BYTES * images.size
