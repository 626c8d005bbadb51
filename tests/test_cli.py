"""Every mistake that a user can make ends in one line that teaches, and exit code 2."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lqjax.arguments import parse
from lqjax.cli import main, settings_of
from lqjax.workdir import Workdir
from tests.processes import environment

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mod=train"], "unknown flag '--mod'; allowed: --mode"),
        (["train"], "unknown flag 'train'"),
        (["--mode=trian"], "unknown mode 'trian'; allowed: train"),
        (["--mode"], "--mode needs a value"),
        (["--config=configs/quikstart.py"], "recipes that came with lqjax: configs/quickstart.py"),
        (["--config.optimizer.learning_rat=1"], "allowed: optimizer.learning_rate,"),
        (["--config.optimizer.learning_rate=x"], "optimizer.learning_rate='x': expected a number"),
        (["--config.model.names=resnet5"], "unknown model 'resnet5'; allowed: resnet50"),
        (["--config.optimizer.name=adan"], "unknown optimizer 'adan'; allowed: adam"),
        (["--config.schedule.name=cosin"], "unknown schedule 'cosin'; allowed: cosine"),
        (["--config.data.source=foldr"], "unknown data source 'foldr'; allowed: folder"),
        (["--config.evaluation.conditions=low_qualty/*"], "low_quality"),
        (["--config.evaluation.conditions=jpeg(quality=0)"], "quality must lie in"),
        (["--config.evaluation.conditions=jpg(quality=9)"], "allowed: jpeg"),
        (["--config.overrides.alexnt.training.epochs=1"], "unknown model 'alexnt'; allowed: alexn"),
        (["--config.data.source=folder", "--config.data.path=/no/such/folder"], "/no/such/folder"),
        (["--config.data.source=npz", "--config.data.path=/no/such.npz"], "/no/such.npz"),
        (["--mode=report", "--workdir=/no/such/workdir"], "/no/such/workdir"),
        (
            ["--mode=report", "--config.evaluation.envelope_floor=0.9"],
            "leave --config.eval",
        ),
        (["--mode=evaluate"], "holds no trained alexnet of seed 0; train it first"),
        (["--config.run.devices=99"], "run.devices=99"),
        (["--config.overrides.resnet50.training.batch_size=5000"], "5000 is larger than the 1294"),
        (["--config.evaluation.batch_size=9"], "evaluation.batch_size is 9, no multiple of the 8"),
        (["--config.model.stem=imagenet", "--config.data.image_size=32"], "at least 63 px"),
    ],
)
def test_mistakes(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = arguments
    if not any(a.startswith("--workdir") for a in arguments):
        given = [*arguments, f"--workdir={tmp_path}/run"]
    assert main(given) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("lqjax: ")
    assert message in error


@pytest.mark.parametrize("content", ["x = 1", "def get_config():\n    return 3", "def get("])
def test_a_broken_recipe_is_named(content, tmp_path, capsys):
    recipe = tmp_path / "mine.py"
    recipe.write_text(content)
    assert main([f"--config={recipe}", f"--workdir={tmp_path}/run"]) == 2
    assert f"recipe {recipe}" in capsys.readouterr().err


def test_a_recipe_with_an_unknown_field_is_named(tmp_path, capsys):
    recipe = tmp_path / "mine.py"
    recipe.write_text(
        "from lqjax.config import default_config\n"
        "def get_config():\n"
        "    config = default_config()\n"
        "    config.optimizer.learning_rat = 3\n"
        "    return config\n"
    )
    assert main([f"--config={recipe}", f"--workdir={tmp_path}/run"]) == 2
    assert "learning_rat" in capsys.readouterr().err


def test_a_failed_start_does_not_claim_the_workdir(tmp_path, capsys):
    assert main(["--mode=evaluate", f"--workdir={tmp_path}/run"]) == 2
    assert not (tmp_path / "run").exists()
    assert main(["--config.optimizer.name=adan", f"--workdir={tmp_path}/run"]) == 2
    assert not (tmp_path / "run").exists()


def test_a_failed_start_leaves_no_folder_above_it(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["--config.data.source=folder", "--config.data.path=/no/such/folder"]
    assert main(["--mode=train", "--workdir=runs/mine", *given]) == 2
    assert "/no/such/folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", ["train", "evaluate", "compare", "audit", "report", "predict"])
def test_a_tilde_is_the_home_folder_in_every_mode(mode, tmp_path, capsys, monkeypatch):
    home, here = tmp_path / "home", tmp_path / "here"
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    kept = home / "mine" / ("runs/small/seed0-fold0" if mode in ("report", "predict") else "")
    kept.mkdir(parents=True)
    name = "history.jsonl" if mode == "report" else "model.json"
    (kept / ("config.json" if kept.name == "mine" else name)).write_text("{")
    (kept / "checkpoints" / "4").mkdir(parents=True)
    flags = [f"--input={here}", "--output=a.csv"] if mode == "predict" else []
    assert main([f"--mode={mode}", "--workdir=~/mine", *flags]) == 2
    assert str(home / "mine") in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_an_address_has_no_home_folder():
    assert str(Workdir.at("gs://bucket/~/run").root) == "gs://bucket/~/run"


def test_a_smoke_run_has_a_workdir_of_its_own():
    assert settings_of(parse([]))[1] == "runs/quickstart"
    assert settings_of(parse(["--config.run.smoke=True"]))[1] == "runs/quickstart-smoke"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "number", "code"),
    [(3, signal.SIGINT, 130), (8, signal.SIGINT, 130), (8, signal.SIGTERM, 143)],
)
def test_it_can_be_stopped_at_any_moment(seconds, number, code, tmp_path):
    process = subprocess.Popen(
        [
            sys.executable,
            "launch.py",
            "--config.model.names=resnet18",
            "--config.data.image_size=28",
            f"--workdir={tmp_path}/run",
        ],
        cwd=ROOT,
        env=environment(JAX_DISABLE_MOST_OPTIMIZATIONS="1"),  # compiling cannot be interrupted
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(seconds)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == code, error
    assert "Traceback" not in error
    assert error.strip().splitlines()[-1].startswith("lqjax: stopped")


def test_flags_take_both_forms():
    one = parse(["--mode=train", "--config.run.seed=3"])
    two = parse(["--mode", "train", "--config.run.seed", "3"])
    assert one == two
    assert parse(["--config.optimizer.learning_rate", "-1"]).overrides[0][1] == "-1"


def test_help_lists_every_setting(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "optimizer.learning_rate=0.0\n" in text and "run.smoke=False" in text
    assert main(["--version"]) == 0


@pytest.mark.parametrize("command", [["launch.py"], ["-m", "lqjax"]])
def test_both_entries_start(command):
    done = subprocess.run(
        [sys.executable, *command, "--mode=trian"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert (
        done.stderr.strip()
        == ("lqjax: unknown mode 'trian'; allowed: train, compare, report, evaluate")
        or "unknown mode 'trian'; allowed: train" in done.stderr
    )
