"""The whole path on the digits: train, evaluate, report, resume; from Python and by command."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

import lqjax
from lqjax.cli import main
from lqjax.rows import Row, read_lines
from lqjax.runtime import make_mesh
from lqjax.training.checkpoints import Checkpoints
from lqjax.workdir import Workdir

ROOT = Path(__file__).parent.parent
SMALL = {
    "image_size": 28,
    "train_limit": 64,
    "test_limit": 32,
    "names": ("resnet18",),
    "epochs": 2,
    "training_batch_size": 32,
    "evaluation_batch_size": 32,
    "latency_runs": 2,
    "conditions": ("clean", "low_quality/jpeg@*"),
    "progress": False,
    "devices": 1,
}


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return lqjax.compare(workdir=tmp_path_factory.mktemp("experiment") / "run", **SMALL)


@pytest.mark.slow
def test_compare_returns_what_it_wrote(compared):
    assert [r.condition for r in compared.rows] == [
        "clean",
        "low_quality/jpeg@low",
        "low_quality/jpeg@medium",
        "low_quality/jpeg@high",
    ]
    assert read_lines(Row, compared.workdir / "results.jsonl") == list(compared.rows)
    assert compared.report.read_text().lower().startswith("<!doctype html>")
    assert compared.accuracy("resnet18") == compared.rows[0].accuracy
    assert len(compared.models[0].history) == 2
    assert compared.costs[0].parameters > 11e6
    with pytest.raises(ValueError, match="no row for resnet18 under dust; there are: resnet18"):
        compared.accuracy("resnet18", "dust")


@pytest.mark.slow
def test_the_workdir_says_what_ran(compared):
    config = json.loads((compared.workdir / "config.json").read_text())
    environment = json.loads((compared.workdir / "environment.json").read_text())
    assert config["model"]["names"] == ["resnet18"] and config["run"]["seed"] == 0
    assert environment["packages"]["jax"] == jax.__version__
    assert environment["dataset"]["train"] == 64
    assert "cpu" in environment["device"]


@pytest.mark.slow
def test_a_second_call_computes_nothing_and_agrees(compared):
    started = time.perf_counter()
    again = lqjax.compare(workdir=compared.workdir, **SMALL)
    assert again.rows == compared.rows
    assert again.models == compared.models
    assert time.perf_counter() - started < 60


@pytest.mark.slow
def test_conditions_may_be_added_and_other_settings_may_not(compared):
    more = lqjax.evaluate(
        workdir=compared.workdir, conditions=("clean", "gaussian_noise(sigma=0.5)")
    )
    assert [r.condition for r in more.rows] == ["clean", "gaussian_noise(sigma=0.5)"]
    assert more.rows[0] == compared.rows[0]
    with pytest.raises(ValueError, match=r"made with other settings \(run.seed: 0 -> 1\)"):
        lqjax.train(workdir=compared.workdir, seed=1)


@pytest.mark.slow
def test_report_alone(compared, capsys):
    assert main(["--mode=report", f"--workdir={compared.workdir}"]) == 0
    assert "report:" in capsys.readouterr().out


def final_parameters(workdir, model="resnet18"):
    from lqjax.models.network import build
    from lqjax.training.state import with_sharding

    network = build(model, num_classes=10, channels=1, image_size=28, stem="small")
    params, stats = network.shapes()
    with Checkpoints(Workdir.at(workdir).run(model, 0).checkpoints, read_only=True) as checkpoints:
        shapes = with_sharding({"params": params, "stats": stats}, make_mesh(1))
        return checkpoints.restore_model(checkpoints.latest_epoch(), shapes)


@pytest.mark.slow
def test_killed_and_started_again_it_ends_the_same_bit_for_bit(tmp_path):
    command = [
        sys.executable,
        str(ROOT / "launch.py"),
        "--mode=train",
        "--config.model.names=resnet18",
        "--config.data.image_size=28",
        "--config.data.train_limit=160",
        "--config.data.test_limit=32",
        "--config.training.epochs=3",
        "--config.training.batch_size=32",
        "--config.evaluation.batch_size=32",
        "--config.augmentation.crop_padding=2",
    ]
    environment = {
        **os.environ,
        "XLA_FLAGS": "",
        "JAX_COMPILATION_CACHE_DIR": os.environ["LQJAX_TEST_CACHE"],
    }
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(
        [*command, f"--workdir={whole}"], env=environment, check=True, capture_output=True
    )
    process = subprocess.Popen(
        [*command, f"--workdir={killed}"], env=environment, stderr=subprocess.DEVNULL
    )
    first = killed / "runs" / "resnet18" / "seed0-fold0" / "checkpoints" / "1"
    while not first.exists():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(
        [*command, f"--workdir={killed}"], env=environment, check=True, capture_output=True
    )
    one, two = final_parameters(whole), final_parameters(killed)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_array_equal(a, b)
    histories = [Workdir.at(w).run("resnet18", 0).history() for w in (whole, killed)]
    timeless = [
        [dataclasses.replace(e, images_per_second=0, seconds=0) for e in h] for h in histories
    ]
    assert timeless[0] == timeless[1] and len(timeless[0]) == 3


def test_a_config_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="config must be an lqjax"):
        lqjax.train("configs/quickstart.py")
