"""Balanced sampling on the way through training: which images steps see, and stopping."""

import dataclasses

import numpy as np
import pytest
from etils import epath

from lqjax.config import TrainingConfig
from lqjax.data.order import balanced_order
from lqjax.data.resident import Resident
from lqjax.data.streamed import Streamed
from lqjax.stopping import Terminated
from lqjax.training.loop import Trainer
from lqjax.training.loss import check_loss
from lqjax.training.material import Material
from lqjax.training.seeds import train_seeds
from lqjax.workdir import Workdir
from tests.training import test_folds
from tests.training.small import BATCH, CLASSES, Small, assert_equal_trees, config, split
from tests.training.test_loop import EVERYTHING, final_state, measured, timeless
from tests.training.test_seeds import Said
from tests.training.tiny import TinyNetwork

SETTINGS = {**EVERYTHING, "training__epochs": 2, "training__sampling": "balanced"}


def uneven():
    """Make 64 images, three quarters of them ants, and darker the rarer."""
    made = split()
    made.labels[:] = np.where(np.arange(64) % 4, 0, np.arange(64) // 4 % 3 + 1)
    made.images[...] = made.images // (1 + made.labels[:, None, None, None])
    return made


def material(small, validate, balanced=True):
    labels = small.data.labels if balanced else None
    return Material(np.arange(64), small.scales, validate, labels)


def trainer(folder, settings, placing, validate=measured, balanced=True, writers=()):
    small = Small(TinyNetwork(), settings, uneven())
    images = (Streamed if placing == "streamed" else Resident)(small.data, small.mesh)
    run = Workdir(epath.Path(folder)).run("tiny", settings.run.seed)
    materials = {0: material(small, validate, balanced)}
    return Trainer(small.network, settings, run, images, materials, small.mesh, writers)


def test_an_epoch_has_as_many_steps_and_a_quarter_of_each_class():
    small = Small(TinyNetwork(), config(**SETTINGS), uneven())
    made = material(small, measured)
    order = made.order(3, 1)
    assert len(made) == len(order) == 64 and small.plan.steps_per_epoch == 64 // BATCH
    assert np.bincount(small.data.labels[order]).tolist() == [16] * 4
    np.testing.assert_array_equal(order, balanced_order(3, 1, small.data.labels))
    shuffled = material(small, measured, balanced=False).order(3, 1)
    np.testing.assert_array_equal(np.sort(shuffled), np.arange(64))


@pytest.mark.slow
@pytest.mark.parametrize("placing", ["whole", "streamed"])
def test_stopped_within_an_epoch_it_goes_on_to_the_same_bits(tmp_path, placing):
    settings = config(**SETTINGS)
    whole = trainer(tmp_path / "whole", settings, placing)
    [history] = whole.train(Said())

    def stop(step, values):
        if step == 6:  # two steps into the second epoch
            raise Terminated

    minutes = {"training__checkpoint_minutes": 1e-9}
    with pytest.raises(Terminated):
        trainer(tmp_path / "cut", config(**SETTINGS, **minutes), placing, writers=[stop]).train(
            Said()
        )
    again = trainer(tmp_path / "cut", settings, placing)
    [resumed] = again.train(Said())
    assert timeless(resumed) == timeless(history)
    assert_equal_trees(final_state(again), final_state(whole))
    plain = trainer(tmp_path / "plain", settings, placing, balanced=False).train(Said())[0]
    assert timeless(plain) != timeless(history)


@pytest.mark.slow
def test_several_seeds_and_folds_as_one_program_are_those_in_turn(tmp_path):
    made = {}
    for how in ("always", "never"):
        settings = config(**{**SETTINGS, "run__seeds_together": how})
        small = Small(TinyNetwork(), settings, test_folds.pool())
        labels = small.data.labels
        of_fold = {
            fold: dataclasses.replace(found, balanced=labels[found.rows])
            for fold, found in test_folds.materials(settings, small.mesh).items()
        }
        place = Workdir(epath.Path(tmp_path / how))
        runs = [place.run("tiny", seed, fold) for fold in of_fold for seed in (0, 3)]
        images = Resident(small.data, small.mesh)
        first = Trainer(small.network, settings, runs[0], images, of_fold, small.mesh)
        made[how] = train_seeds(first, runs, Said())
    for together, alone in zip(made["always"], made["never"], strict=True):
        for one, other in zip(together, alone, strict=True):
            assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
            assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)
    losses = {round(history[-1].train_loss, 5) for history in made["always"]}
    assert len(losses) == 6


def test_rare_classes_are_made_up_for_once():
    check_loss(TrainingConfig(sampling="balanced"), CLASSES)
    check_loss(TrainingConfig(sampling="balanced", class_weights="ant=2"), CLASSES)
    with pytest.raises(ValueError, match="both make up for rare classes") as refused:
        check_loss(TrainingConfig(sampling="balanced", class_weights="auto"), CLASSES)
    assert "\n" not in str(refused.value)
