"""Two processes train as one, and go on after one of them was stopped or killed."""

import dataclasses
import shutil
import signal
import time

import jax
import numpy as np
import pytest

import lqjax
from lqjax.claiming import stored_config
from lqjax.config import DataConfig
from lqjax.data.loading import load_dataset
from lqjax.data.placing import place
from lqjax.models.network import build
from lqjax.named_arrays import named
from lqjax.runtime import make_mesh
from lqjax.trained_weights import weights_of_run
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.state import with_sharding
from lqjax.workdir import Workdir
from tests.processes import finish, start_pair

pytestmark = pytest.mark.usefixtures("small_networks")

EPOCHS = 6
COMMAND = [
    "-m",
    "tests.small_launch",
    "--config.model.names=small",
    "--config.data.image_size=28",
    "--config.data.train_limit=640",
    "--config.model.stem=small",
    "--config.model.dropout=0.2",
    f"--config.training.epochs={EPOCHS}",
    "--config.training.batch_size=32",
    "--config.evaluation.batch_size=40",
    "--config.evaluation.conditions=clean,gaussian_noise(sigma=0.2),jpeg(quality=30)",
    "--config.evaluation.latency_runs=2",
    "--config.evaluation.throughput_batches=40,",
]
CONDITIONS = ("clean", "gaussian_noise(sigma=0.2)", "jpeg(quality=30)")
PAIR_SECONDS = 120
MOST_SECONDS_ALONE = 150
SLOWLY = {"run.log_every": 1, "run.writers": "console,slow"}
"""With a pause after every step: a signal arrives in time, within an epoch, and between two
checkpoints; while one is written the other process waits until jax notices, for a minute and more.
"""
SHARED_OUT = {"data.residency": "device", "data.device_share": 0.0}
ENDS_ALONE = {1: "lqjax: another process of this run has ended", -signal.SIGABRT: "task died"}
"""What is said by exit code: it ends by itself, or jax ends it."""


def started(workdir, mode="train", settings=()):
    changed = [f"--config.{name}={value}" for name, value in dict(settings).items()]
    return start_pair([*COMMAND, f"--mode={mode}", f"--workdir={workdir}", *changed])


def done(pair):
    finished = finish(pair, PAIR_SECONDS)
    for (_, errors), code in finished:
        assert code == 0, errors
    return [texts for texts, _ in finished]


def run_of(workdir):
    return Workdir.at(workdir).run("small", 0)


def final_state(workdir):
    network = build("small", num_classes=10, channels=1, image_size=28, stem="small", dropout=0.2)
    params, stats = network.shapes()
    with Checkpoints(run_of(workdir).checkpoints, read_only=True) as checkpoints:
        shapes = with_sharding({"params": params, "stats": stats}, make_mesh(1))
        return checkpoints.model(checkpoints.steps()[0], shapes)


def timeless(workdir):
    return [
        dataclasses.replace(epoch, images_per_second=0, seconds=0)
        for epoch in run_of(workdir).history()
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("pair") / "whole"
    texts = done(started(workdir))
    return workdir, texts


@pytest.mark.slow
def test_only_the_first_of_two_speaks(whole):
    _, ((first, log), (second, errors)) = whole
    assert "validation accuracy" in first and "train small" in log
    assert "small" not in second and errors == ""


def latest(workdir):
    folder = run_of(workdir).checkpoints
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    return max((int(name) for name in names if name.isdigit()), default=0)


def interrupted(workdir, number, process=1, settings=()):
    """Train until there is a new checkpoint, then send a signal to one of the two."""
    settings = {**dict(settings), **SLOWLY}
    before, pair = latest(workdir), started(workdir, settings=settings)
    while latest(workdir) <= before:
        assert all(process.poll() is None for process in pair), "ended before the signal"
        time.sleep(0.02)
    pair[process].send_signal(number)
    return finish(pair, MOST_SECONDS_ALONE)


def killed(workdir, process, settings=()):
    """Kill one of the two on their way; the other one must end by itself and say why."""
    ends = interrupted(workdir, signal.SIGKILL, process, settings)
    _, code = ends[process]
    (_, said), other_code = ends[1 - process]
    assert code == -signal.SIGKILL
    assert other_code in ENDS_ALONE and ENDS_ALONE[other_code] in said, (other_code, said)
    assert len(run_of(workdir).history()) < EPOCHS


def assert_same_end(workdir, other):
    for a, b in zip(
        jax.tree.leaves(final_state(workdir)), jax.tree.leaves(final_state(other)), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert timeless(workdir) == timeless(other) and len(timeless(workdir)) == EPOCHS


@pytest.mark.slow
def test_a_pair_that_was_stopped_ends_like_an_undisturbed_one(whole, tmp_path):
    workdir = tmp_path / "disturbed"
    stopped = interrupted(workdir, signal.SIGTERM)
    assert [code for _, code in stopped] == [143, 143], stopped
    assert latest(workdir) > 0
    done(started(workdir))
    assert_same_end(workdir, whole[0])


@pytest.mark.slow
def test_wherever_the_images_live_a_killed_pair_ends_the_same(whole, tmp_path):
    workdir = tmp_path / "disturbed"
    streamed = {"data.residency": "host", "data.cache_dir": tmp_path / "cache"}
    killed(workdir, process=0, settings=streamed)  # the one that writes
    assert list((tmp_path / "cache").glob("*/images.uint8"))
    killed(workdir, process=1, settings=SHARED_OUT)
    done(started(workdir, settings=streamed))
    assert_same_end(workdir, whole[0])


def test_a_device_share_of_zero_shares_the_images_out():
    train = load_dataset(DataConfig(image_size=28, train_limit=64)).train
    share = SHARED_OUT["data.device_share"]
    assert place(train, make_mesh(2), SHARED_OUT["data.residency"], share).shared_out


@pytest.mark.slow
def test_a_pair_counts_like_one_process(whole, tmp_path):
    alone = tmp_path / "alone"
    shutil.copytree(whole[0], alone)
    done(started(whole[0], "evaluate"))
    config = stored_config(Workdir.at(alone))
    expected = lqjax.evaluate(config, workdir=alone).rows
    rows = [run_of(whole[0]).row(condition) for condition in CONDITIONS]
    assert [row.correct for row in rows] == [row.correct for row in expected]
    assert rows[0].n == 359 and rows[0].accuracy > 0.3
    for row, other in zip(rows, expected, strict=True):
        assert row.loss == pytest.approx(other.loss, rel=1e-5)


@pytest.mark.slow
def test_a_pair_starts_from_the_weights_of_another_run(whole, tmp_path):
    origin, _ = whole
    still = {
        "model.init_from": origin,
        "training.epochs": 1,
        "optimizer.name": "sgd",
        "optimizer.learning_rate": 1e-12,
        "optimizer.weight_decay": 0.0,
    }
    (_, log), _ = done(started(tmp_path / "run", settings=still))
    assert f"small starts from {origin}: " in log
    begun = weights_of_run(run_of(tmp_path / "run"), "latest")
    found = weights_of_run(run_of(origin))
    for name, array in named(found.params).items():
        assert np.abs(named(begun.params)[name] - array).max() < 1e-9, name
    # One line for a mistake, of both.
    still["model.init_from"] = tmp_path
    for (_, errors), code in finish(started(tmp_path / "next", settings=still), PAIR_SECONDS):
        assert code == 2 and "holds no trained network" in errors
