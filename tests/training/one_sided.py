"""One of two processes cannot read a checkpoint: what both of them do about it.

    python -m tests.training.one_sided FOLDER --coordinator ... (see `tests.processes.start_pair`)

Prints one line: step and value that were read, and the warnings.
"""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath
from jax.sharding import NamedSharding, PartitionSpec

from lqjax.joining import start_distributed
from lqjax.training import reading
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.record import Record

SPOILT, WHOLE = 8, 4


class Torn(reading.ocp.PyTreeCheckpointHandler):
    """Reads like a file that is cut off on this host."""

    def restore(self, directory, *args, **given):
        if directory.parent.name == str(SPOILT):
            raise ValueError("torn here")
        return super().restore(directory, *args, **given)


def main(folder):
    start_distributed()
    mesh = jax.make_mesh((jax.device_count(),), ("all",))
    everywhere = NamedSharding(mesh, PartitionSpec())

    def spread(value, dtype=jnp.float32):
        return jax.make_array_from_callback(
            np.shape(value), everywhere, lambda index: np.asarray(value, dtype)[index]
        )

    with Checkpoints(epath.Path(folder), keep=2) as checkpoints:
        for step in (WHOLE, SPOILT):
            model, rest = {"w": spread(np.full(3, step))}, {"step": spread(step, jnp.int32)}
            checkpoints.save(model, rest, Record(step, ()))
    if jax.process_index() == 1:
        reading.ocp.PyTreeCheckpointHandler = Torn
    shapes = [
        jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=everywhere), tree)
        for tree in (model, rest)
    ]
    said = []
    with Checkpoints(epath.Path(folder), keep=2, say=said.append) as checkpoints:
        model, _, record = checkpoints.latest(*shapes)
    value = float(model["w"].addressable_data(0)[0])
    print(json.dumps({"step": record.step, "value": value, "said": said}))


if __name__ == "__main__":
    main(sys.argv[1])
