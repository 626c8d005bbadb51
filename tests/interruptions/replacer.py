"""Replace the checkpoint of step 4 over and over, until killed; each has the next number.

python -m tests.interruptions.replacer FOLDER
"""

import itertools
import sys

import jax
import jax.numpy as jnp
from etils import epath

from lqjax.training.checkpoints import Checkpoints
from lqjax.training.record import Record

STEP, WIDTH = 4, 1000


def items(number):
    """Make the parts of a checkpoint that all carry one number."""
    model = {"w": jnp.full(WIDTH, number, jnp.float32)}
    return model, {"step": jnp.int32(STEP)}, Record(STEP, (), seconds=float(number))


def shapes():
    """Make what the parts are read into."""
    on_one = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return [
        jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=on_one), t)
        for t in items(0)[:2]
    ]


def replace_for_ever(folder):
    with Checkpoints(epath.Path(folder)) as checkpoints:
        for number in itertools.count(1):
            checkpoints.save(*items(number))
            checkpoints.finish()
            print(number, flush=True)


if __name__ == "__main__":
    replace_for_ever(sys.argv[1])
