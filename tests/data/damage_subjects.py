"""What is damaged, by name."""

import importlib
from functools import partial

from tests.data.damage_bombs import Bombs
from tests.data.damage_npz import Npz
from tests.data.damage_pictures import Pictures
from tests.data.damage_table import Lists, Parquet, Table
from tests.data.damage_tfds import Prepared


def _of_weights(module, name, folder, **more):
    """Make a subject that needs the library of checkpoints, which the others need not import."""
    return getattr(importlib.import_module(f"tests.weights.{module}"), name)(folder, **more)


SUBJECTS = {
    "bombs": Bombs,
    "pictures": Pictures,
    "npz": Npz,
    "csv": Table,
    "parquet": Parquet,
    "lists": Lists,
    "tfds-array_record": partial(Prepared, file_format="array_record"),
    "tfds-tfrecord": partial(Prepared, file_format="tfrecord"),
    "tfds-parquet": partial(Prepared, file_format="parquet"),
    "pth": partial(_of_weights, "damage_weights", "Pth"),
    "pth-old": partial(_of_weights, "damage_weights", "Pth", as_old=True),
    "safetensors": partial(_of_weights, "damage_weights", "Safetensors"),
    "trained": partial(_of_weights, "damage_weights", "Trained"),
    "weight-bombs": partial(_of_weights, "damage_bombs", "WeightBombs"),
}
