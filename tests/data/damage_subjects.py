"""What is damaged, by name."""

from functools import partial

from tests.data.damage_bombs import Bombs
from tests.data.damage_npz import Npz
from tests.data.damage_pictures import Pictures
from tests.data.damage_table import Lists, Parquet, Table
from tests.data.damage_tfds import Prepared

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
}
