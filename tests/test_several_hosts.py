"""Two processes train as one, and go on after one of them was stopped or killed."""

import dataclasses
import shutil
import signal
import time

import jax
import numpy as np
import pytest

import lqjax
from lqjax.experiment import stored_config
from lqjax.models.network import build
from lqjax.runtime import make_mesh
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.state import with_sharding
from lqjax.workdir import Workdir
from tests import launch_small  # noqa: F401 (registers the network)
from tests.processes import finish, start_pair

EPOCHS = 10
COMMAND = [
    "-m",
    "tests.launch_small",
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
]
CONDITIONS = ("clean", "gaussian_noise(sigma=0.2)", "jpeg(quality=30)")
PAIR_SECONDS = 120
MOST_SECONDS_ALONE = 60


def started(workdir, mode):
    return start_pair([*COMMAND, f"--mode={mode}", f"--workdir={workdir}"])


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
    texts = done(started(workdir, "train"))
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


def interrupted(workdir, number):
    """Train until there is a new checkpoint, then send a signal to the second process."""
    before, pair = latest(workdir), started(workdir, "train")
    while latest(workdir) <= before:
        assert all(process.poll() is None for process in pair), "ended before the signal"
        time.sleep(0.02)
    pair[1].send_signal(number)
    return finish(pair, MOST_SECONDS_ALONE)


@pytest.mark.slow
def test_a_pair_that_was_stopped_and_killed_ends_like_an_undisturbed_one(whole, tmp_path):
    workdir = tmp_path / "disturbed"
    stopped = interrupted(workdir, signal.SIGTERM)
    assert [code for _, code in stopped] == [143, 143], stopped
    assert latest(workdir) > 0

    ((_, said), code), (_, killed) = interrupted(workdir, signal.SIGKILL)
    assert (code, killed) == (1, -signal.SIGKILL)
    assert "lqjax: another process of this run has ended" in said
    assert len(run_of(workdir).history()) < EPOCHS

    done(started(workdir, "train"))
    for a, b in zip(
        jax.tree.leaves(final_state(workdir)), jax.tree.leaves(final_state(whole[0])), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert timeless(workdir) == timeless(whole[0]) and len(timeless(workdir)) == EPOCHS


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
