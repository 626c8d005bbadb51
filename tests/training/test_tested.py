"""Which weights are tested where those of the epoch that was asked for cannot be read."""

import dataclasses
import gc
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from etils import epath

from lqjax.epochs import best_epoch
from lqjax.rows import Epoch
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.reading import reason
from lqjax.training.record import Record
from tests.interruptions.replacer import shapes

# Orbax drops what it had begun when one file does not read, and Python remarks on it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def nothing_dropped_later():
    yield
    gc.collect()


ACCURACIES = (0.5, 0.9, 0.7, 0.6)
"""Of epochs 1, 2, ...; with two kept there are the checkpoints 8 (the best), 12 and 16."""

BASE = Epoch("tiny", 0, 0, 1, 4, 1e-3, 0.5, 0.75, 0.25, 0.5, 31.5, 60.0)
EPOCHS = tuple(
    dataclasses.replace(BASE, epoch=number, step=4 * number, validation_accuracy=accuracy)
    for number, accuracy in enumerate(ACCURACIES, 1)
)


def save(checkpoints, number, epochs=EPOCHS):
    """Write the checkpoint of an epoch; its weights are its number."""
    weights = {"w": jnp.full(1000, number, jnp.float32)}
    checkpoints.save(weights, {"step": jnp.int32(0)}, Record(4 * number, epochs[:number]))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "run" / "checkpoints"
    with Checkpoints(epath.Path(made), keep=2) as checkpoints:
        for number in range(1, len(EPOCHS) + 1):
            save(checkpoints, number)
    assert there(made) == ["12", "16", "8"]
    return made


def there(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.isdigit())


def truncate(checkpoint):
    files = (path for path in (checkpoint / "model").glob("**/d/*"))
    file = max(files, key=lambda path: path.stat().st_size)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def read_tested(folder, choice="best", **how):
    """Give number and epoch of the weights that are tested, and what was said."""
    said = []
    with Checkpoints(epath.Path(folder), say=said.append, **how) as checkpoints:
        found = checkpoints.tested(choice, shapes()[0])
    if found is None:
        return None, said
    (number,) = set(np.asarray(jax.device_get(found.weights["w"])).tolist())
    assert found.asked.epoch == {"best": 2, "latest": 4}[choice]
    assert found.epoch.epoch == number
    return found.epoch, said


@pytest.mark.parametrize(("choice", "epoch"), [("best", 2), ("latest", 4)])
def test_undamaged_it_is_the_epoch_that_is_asked_for(folder, choice, epoch):
    assert read_tested(folder, choice) == (EPOCHS[epoch - 1], [])


@pytest.mark.parametrize("harm", [truncate, shutil.rmtree])
def test_where_the_best_is_lost_the_best_of_the_others_takes_its_place(folder, harm):
    harm(folder / "8")
    epoch, said = read_tested(folder)
    assert epoch == EPOCHS[2], "epoch 3 is better than the latest"
    assert f"{folder} has no readable checkpoint 8 of epoch 2" in said[-1]
    assert "accuracy 90.0%" in said[-1] and "epoch 3 (validation accuracy 70.0%)" in said[-1]
    assert there(folder) == ["12", "16"]
    if harm is truncate:
        assert len(said) == 2 and f"warning: checkpoint 8 is damaged ({folder}/8: " in said[0]
        assert f"was moved to {folder.parent}/damaged/8; it has the weights of epoch 2" in said[0]
        assert (folder.parent / "damaged" / "8").exists()
    assert all("TensorStore" not in line and "\n" not in line for line in said)
    assert read_tested(folder) == (EPOCHS[2], said[-1:]), "it is said again, since it is so still"


def test_where_the_latest_is_asked_for_the_last_of_the_others_takes_its_place(folder):
    truncate(folder / "16")
    epoch, said = read_tested(folder, "latest")
    assert epoch == EPOCHS[2] and "the last of those that are left" in said[-1]


def test_one_after_the_other_may_be_lost_and_then_nothing_is_tested(folder):
    for step in (8, 12):
        truncate(folder / str(step))
    epoch, said = read_tested(folder)
    assert epoch == EPOCHS[3] and len(said) == 3
    truncate(folder / "16")
    assert read_tested(folder)[0] is None
    assert there(folder) == [] and there(folder.parent / "damaged") == ["12", "16", "8"]


def test_a_latest_one_without_a_record_does_not_hide_the_best(folder):
    (folder / "16" / "record" / "metadata").write_text("{")
    epoch, said = read_tested(folder)
    assert epoch == EPOCHS[1] and len(said) == 1
    assert "checkpoint 16 is damaged" in said[0] and "the one before it is used" in said[0]


@pytest.mark.parametrize("step", [8, 16])
def test_who_only_reads_moves_nothing(folder, step):
    truncate(folder / str(step))
    before = sorted(str(path) for path in folder.parent.rglob("*"))
    choice, number = {8: ("best", 3), 16: ("latest", 3)}[step]
    epoch, said = read_tested(folder, choice, read_only=True)
    assert epoch == EPOCHS[number - 1]
    assert "moved" not in said[0] and f"checkpoint {step} is damaged" in said[0]
    assert sorted(str(path) for path in folder.parent.rglob("*")) == before


def test_from_then_on_the_best_of_those_that_are_left_stays(folder):
    shutil.rmtree(folder / "8")
    more = EPOCHS + tuple(
        dataclasses.replace(BASE, epoch=number, step=4 * number, validation_accuracy=0.1)
        for number in range(5, 9)
    )
    with Checkpoints(epath.Path(folder), keep=2) as checkpoints:
        for number in range(5, 9):
            save(checkpoints, number, more)
    assert there(folder) == ["12", "28", "32"], "epoch 3 is the best of those that were left"
    assert best_epoch(more) == EPOCHS[1]


def test_what_tensorstore_ends_its_messages_in_is_left_out():
    text = "NOT_FOUND: no such key. See full TensorStore details: <bound method pybind11_object>"
    assert reason(ValueError(text)) == "NOT_FOUND: no such key."
