"""The loop: resume bit for bit, early stopping, divergence."""

import dataclasses

import jax
import numpy as np
import pytest
from etils import epath

from lqjax.config import Config
from lqjax.data.pipeline import place
from lqjax.overriding import override
from lqjax.progress import Progress
from lqjax.rows import Epoch
from lqjax.runtime import make_mesh
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.loop import DivergedError, Trainer, is_finished, make_plan
from lqjax.training.state import abstract_state
from lqjax.workdir import Workdir
from tests.training.test_step import BATCH, STATISTICS, split
from tests.training.tiny import TinyNetwork

EPOCHS = 4


def config(**settings):
    made = Config()
    wanted = {
        "training__batch_size": BATCH,
        "training__epochs": EPOCHS,
        "optimizer__learning_rate": 0.01,
        "augmentation__flip": "true",
        **settings,
    }
    for path, value in wanted.items():
        made = override(made, path.replace("__", "."), str(value))
    return made


class StopError(Exception):
    pass


def trainer(folder, settings, scores=None, stop_at=None):
    """Build a trainer whose validation gives the scores in turn, or dies in an epoch."""
    mesh = make_mesh(1)
    calls = iter(range(1, 100))

    def validate(params, stats):
        call = next(calls)
        if call == stop_at:
            raise StopError
        return 1.0, scores[call - 1] if scores else 0.5

    run = Workdir(epath.Path(folder)).run("tiny", 0)
    batches = place(split(), mesh, "device", 0.5)
    return Trainer(TinyNetwork(), settings, run, batches, STATISTICS, validate, mesh)


def final_state(made):
    with Checkpoints(made.run.checkpoints, read_only=True) as checkpoints:
        abstract = abstract_state(made.network, made.optimizer, made.mesh)
        return checkpoints.restore(checkpoints.latest_epoch(), abstract)


def test_a_stopped_run_ends_like_one_that_never_stopped(tmp_path):
    whole = trainer(tmp_path / "whole", config())
    history = whole.train(Progress())
    for stop_at in (1, 3):
        folder = tmp_path / f"stopped{stop_at}"
        with pytest.raises(StopError):
            trainer(folder, config(), stop_at=stop_at).train(Progress())
        resumed = trainer(folder, config())
        again = resumed.train(Progress())
        timeless = [dataclasses.replace(e, images_per_second=0, seconds=0) for e in again]
        assert timeless == [dataclasses.replace(e, images_per_second=0, seconds=0) for e in history]
        for a, b in zip(
            jax.tree.leaves(final_state(whole)), jax.tree.leaves(final_state(resumed)), strict=True
        ):
            np.testing.assert_array_equal(a, b)
    assert [e.epoch for e in whole.run.history()] == [1, 2, 3, 4]


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = trainer(tmp_path, config()).train(Progress())
    assert trainer(tmp_path, config(), stop_at=1).train(Progress()) == first


def test_patience_stops_early_and_the_best_stays(tmp_path):
    made = trainer(
        tmp_path, config(training__epochs=9, training__patience=2), [0.5, 0.9, 0.7, 0.9, 0.9]
    )
    assert [e.epoch for e in made.train(Progress())] == [1, 2, 3, 4]
    kept = sorted(p.name for p in made.run.checkpoints.iterdir() if p.name.isdigit())
    assert kept == ["2", "4"]


def test_is_finished():
    base = Epoch("tiny", 0, 0, 1, 4, 0.1, 1, 0.5, 1, 0.5, 1, 1)
    history = [dataclasses.replace(base, epoch=i) for i in range(1, 4)]
    assert not is_finished(config(), [])
    assert not is_finished(config(), history)
    assert is_finished(config(training__epochs=3), history)
    assert is_finished(config(training__patience=2), history)
    assert not is_finished(config(training__patience=3), history)


def test_a_loss_that_is_not_finite_stops_with_advice(tmp_path):
    settings = config(optimizer__name="sgd", optimizer__learning_rate="1e30")
    with pytest.raises(DivergedError, match=r"became (nan|inf) at step \d+ with learning rate"):
        trainer(tmp_path, settings).train(Progress())


def test_weights_that_are_not_finite_are_not_kept(tmp_path):
    made = trainer(tmp_path, config())
    made.validate = lambda params, stats: (float("nan"), 0.0)
    with pytest.raises(DivergedError, match="became nan at step 3"):
        made.train(Progress())
    assert made.run.history() == [] and not made.run.is_trained()


def test_a_batch_must_fit_the_data_and_the_devices(tmp_path):
    with pytest.raises(ValueError, match=r"training.batch_size=65 .* 64 training images"):
        make_plan(config(training__batch_size=65), 64)
    with pytest.raises(ValueError, match=r"training.batch_size is 12, .*8 or 16"):
        Trainer(
            TinyNetwork(),
            config(training__batch_size=12),
            Workdir(epath.Path(tmp_path)).run("tiny", 0),
            place(split(), make_mesh(), "device", 0.5),
            STATISTICS,
            lambda params, stats: (0.0, 0.0),
            make_mesh(),
        )
