"""When lines are due, what they hold, and that none is written twice or lost."""

import dataclasses
import json
import math
import sys
from pathlib import Path

import jax
import pytest
from etils import epath

from lqjax.config import Config, ModelConfig, RunConfig
from lqjax.rows import Epoch
from lqjax.runtime import make_mesh
from lqjax.training import log as log_module
from lqjax.training.log import TrainingLog
from lqjax.workdir import Workdir
from tests.training.tiny import TinyNetwork

RECORD = Epoch("tiny", 0, 0, 2, 40, 1e-3, 0.5, 0.75, 0.25, 0.625, 31.5, 60.0)


class Counted(TinyNetwork):
    def multiply_adds(self):
        return 1000


@pytest.fixture
def made(tmp_path):
    """Make logs that share a list of what was written and a clock that the test turns."""

    class Made:
        def __init__(self):
            self.now, self.written = 0.0, []

        def log(self, every=10, names=(), devices=1, dtype="float32"):
            run = Workdir(epath.Path(tmp_path)).run("tiny", 0)
            config = Config(
                run=RunConfig(log_every=every, writers=names), model=ModelConfig(dtype=dtype)
            )
            write = lambda step, values: self.written.append((step, dict(values)))  # noqa: E731
            mesh = make_mesh(devices)
            return TrainingLog(
                run, config, Counted(), mesh, [write], lambda text: None, lambda: self.now
            )

        def dispatch(self, log, step, steps=1, images=8, loss=0.5, seconds=1.0, waited=0.0):
            self.now += seconds
            log.dispatched(step, steps, images, loss, 1e-3, waited)

        @property
        def steps(self):
            return [step for step, _ in self.written]

    return Made()


@pytest.mark.parametrize(
    ("every", "steps", "expected"),
    [(10, 1, [10, 20, 30]), (10, 4, [12, 20, 32]), (3, 10, [10, 20, 30, 40]), (7, 2, [8, 14, 22])],
)
def test_a_line_when_a_multiple_was_passed(made, every, steps, expected):
    with made.log(every) as log:
        log.resume(0)
        for step in range(steps, expected[-1] + 1, steps):
            made.dispatch(log, step, steps)
    assert made.steps == expected


def test_a_line_holds_the_pace_since_the_line_before(made):
    with made.log(every=2) as log:
        log.resume(0)
        made.dispatch(log, 1, seconds=100.0)  # compilation
        made.dispatch(log, 2, seconds=2.0, waited=0.5)
        made.dispatch(log, 3, seconds=3.0)
        with log.paused():
            made.now += 1000.0
        made.dispatch(log, 4, seconds=5.0, waited=2.0, loss=0.125)
    first, second = (values for _, values in made.written)
    assert first["images_per_second"] == pytest.approx(8 / 2.0)
    assert first["input_wait_share"] == pytest.approx(0.5 / 2.0)
    assert second["images_per_second"] == pytest.approx(16 / 8.0)
    assert second["input_wait_share"] == pytest.approx(2.0 / 8.0)
    assert second["loss"] == 0.125
    assert second["learning_rate"] == 1e-3


def test_training_up_to_a_pause_counts_and_a_pause_may_be_left_open(made):
    with made.log(every=3) as log:
        log.resume(0)
        made.dispatch(log, 1)
        made.dispatch(log, 2, seconds=2.0)
        made.now += 1.0  # between the last loss and the pause
        log.paused()
        made.now += 1000.0
        made.dispatch(log, 3)
    assert made.written[0][1]["images_per_second"] == pytest.approx(8 / 3.0)


def test_no_pace_and_no_utilisation_without_ground(made):
    with made.log(every=1) as log:
        log.resume(0)
        made.dispatch(log, 1)
        made.dispatch(log, 2)
    first, second = (set(values) for _, values in made.written)
    assert first == {"loss", "learning_rate", "peak_resident_bytes"}
    assert second == first | {"images_per_second", "input_wait_share"}  # a CPU has no known peak


def test_utilisation_is_operations_done_over_operations_possible(made, monkeypatch):
    possible = {"float32": 4e6, "bfloat16": 8e6}
    monkeypatch.setattr(log_module, "peak_flops", lambda kind, dtype: possible[dtype])
    with made.log(every=1, devices=2, dtype="bfloat16") as log:
        log.resume(0)
        made.dispatch(log, 1)
        made.dispatch(log, 2, images=8, seconds=0.5)
    done = 8 / 0.5 * 2 * 1000 * 3  # images/s x FLOPs of 1000 multiply-adds x three passes
    assert made.written[1][1]["model_flops_utilisation"] == pytest.approx(done / (2 * 8e6))


def test_memory_is_that_of_the_fullest_device(made, monkeypatch):
    class Device:
        def __init__(self, peak):
            self.peak = peak

        def memory_stats(self):
            return {"bytes_in_use": 1, "peak_bytes_in_use": self.peak}

    peaks = [Device(peak) for peak in (3, 9, 5)]
    real = log_module.peak_memory
    monkeypatch.setattr(log_module, "peak_memory", lambda devices: real(peaks))
    with made.log(every=1) as log:
        log.resume(0)
        made.dispatch(log, 1)
    assert made.written[0][1]["peak_memory_bytes"] == 9


@pytest.mark.skipif(sys.platform != "linux", reason="reads the record that Linux keeps")
def test_the_memory_of_the_process_is_what_the_system_says(made):
    with made.log(every=1) as log:
        log.resume(0)
        made.dispatch(log, 1)
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]  # KiB
    assert made.written[0][1]["peak_resident_bytes"] == pytest.approx(1024 * peak, rel=0.05)


def test_what_is_not_finite_is_not_written(made):
    with made.log(every=1, names=("jsonl",)) as log:
        log.resume(0)
        made.dispatch(log, 1, loss=math.nan)
        log.epoch(dataclasses.replace(RECORD, validation_loss=math.inf))
    assert "loss" not in made.written[0][1]
    assert "validation_loss" not in made.written[1][1]
    assert made.written[1][1]["validation_accuracy"] == 0.625


def test_an_epoch_is_written_under_its_step(made):
    with made.log() as log:
        log.resume(0)
        log.epoch(RECORD)
    ((step, values),) = made.written
    assert step == 40
    assert values == {
        "epoch": 2, "train_loss": 0.5, "train_accuracy": 0.75, "validation_loss": 0.25,
        "validation_accuracy": 0.625, "epoch_images_per_second": 31.5, "epoch_seconds": 60.0,
    }  # fmt: skip


def test_a_killed_run_and_its_second_part_make_one_log(made, tmp_path):
    for start, steps in [(0, (1, 2, 3)), (2, (3, 4))]:
        with made.log(every=1, names=("jsonl",)) as log:
            log.resume(start)
            for step in steps:
                made.dispatch(log, step, loss=float(start))
    text = (tmp_path / "runs/tiny/seed0-fold0/log.jsonl").read_text()
    read = [json.loads(line) for line in text.splitlines()]
    assert [(line["step"], line["loss"]) for line in read] == [(1, 0), (2, 0), (3, 2), (4, 2)]


def test_only_the_first_process_writes(made, monkeypatch, tmp_path):
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    with made.log(every=1, names=("console", "jsonl")) as log:
        log.resume(0)
        made.dispatch(log, 1)
        log.epoch(RECORD)
    assert not made.written
    assert not list(tmp_path.iterdir())


def test_writers_are_closed_once_and_only_if_started(made, tmp_path):
    calls = []

    class Mine:
        def write(self, step, values):
            calls.append(step)

        def close(self):
            calls.append("closed")

    run = Workdir(epath.Path(tmp_path)).run("tiny", 0)
    config = Config(run=RunConfig(writers=()))
    log = TrainingLog(run, config, Counted(), make_mesh(1), [Mine()])
    log.close()
    assert calls == []
    log.resume(0)
    log.close()
    log.close()
    assert calls == ["closed"]


def test_a_wrong_name_is_refused_when_the_log_is_made(made):
    with pytest.raises(ValueError, match="unknown writer 'wandb'"):
        made.log(names=("wandb",))
