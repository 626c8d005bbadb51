"""Several seeds from Python and by command: as one program each is a run of its own, as in turn."""

import functools
import itertools
import json
import types

import numpy as np
import pytest
from etils import epath

import lqjax
from lqjax.cli import main
from lqjax.progress import Progress
from lqjax.rows import Epoch, read_lines
from lqjax.stopping import Terminated, request_stop
from lqjax.training import loop, passage
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.dispatch import Dispatch, Dispatcher
from lqjax.training.log import TrainingLog
from lqjax.training.passage import DivergedError
from lqjax.training.seeds import train_seeds
from lqjax.workdir import Workdir
from tests.training.small import BATCH, config
from tests.training.test_loop import EVERYTHING, STEPS, trainer
from tests.training.test_writers import OneAtATime

pytestmark = pytest.mark.usefixtures("quick_compilation", "undrawn_figures")

SEEDS = (0, 1)
EPOCHS = 2
SMALL = {
    "image_size": 28,
    "train_limit": 64,
    "test_limit": 32,
    "names": ("small",),
    "epochs": EPOCHS,
    "training_batch_size": 32,
    "evaluation_batch_size": 32,
    "conditions": ("clean",),
    "devices": 1,
    "log_every": 1,
    "seeds": SEEDS,
}


class Writers:
    """A writer for each run, and one that is not told of runs."""

    def __init__(self):
        self.calls, self.named = [], []

    def start(self, run, step):
        self.calls.append(("start", run.seed, step))
        return types.SimpleNamespace(
            write=lambda step, values: self.calls.append((step, run.seed, dict(values))),
            close=lambda: self.calls.append(("close", run.seed)),
        )

    def name(self, step, values):
        self.named.append((step, dict(values)))


@pytest.fixture(scope="module")
def trained(small_networks, tmp_path_factory):
    """Train as one program or in turn, once each; give the result and the writers."""

    @functools.cache
    def train(how):
        writers = Writers()
        folder = tmp_path_factory.mktemp(how) / "run"
        listed = [writers, writers.name]
        return lqjax.train(workdir=folder, writers=listed, seeds_together=how, **SMALL), writers

    return train


@pytest.mark.parametrize("how", ["always", "never"])
def test_each_seed_has_a_folder_with_history_and_checkpoints(trained, how):
    result, _ = trained(how)
    assert [(model.model, model.seed) for model in result.models] == [("small", s) for s in SEEDS]
    for model in result.models:
        assert model.folder == result.workdir / "runs" / "small" / f"seed{model.seed}-fold0"
        assert read_lines(Epoch, model.folder / "history.jsonl") == list(model.history)
        assert [(e.seed, e.epoch) for e in model.history] == [(model.seed, 1), (model.seed, 2)]
        with Checkpoints(model.folder / "checkpoints", read_only=True) as checkpoints:
            record = checkpoints.record(checkpoints.steps()[0])
        assert record.history == model.history and record.step == model.history[-1].step
        assert record.config["run"]["seed"] == model.seed


def test_one_program_gives_the_numbers_of_each_seed_alone(trained):
    losses = {
        how: [[e.train_loss for e in model.history] for model in trained(how)[0].models]
        for how in ("always", "never")
    }
    np.testing.assert_allclose(losses["always"], losses["never"], rtol=1e-4)
    assert losses["never"][0] != losses["never"][1]


def values_in_the_log(folder):
    """Read (step, values) from the file that each run has of its own."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [(line["step"], without(line, "step", "time")) for line in lines]


def without(values, *names):
    return {name: value for name, value in values.items() if name not in names}


@pytest.mark.parametrize("how", ["always", "never"])
def test_writers_know_whose_values_they_get(trained, how):
    result, writers = trained(how)
    for model in result.models:
        expected = values_in_the_log(model.folder)
        assert sum("epoch" in values for _, values in expected) == EPOCHS
        first, *rest, last = [call for call in writers.calls if call[1] == model.seed]
        assert (first, last) == (("start", model.seed, 0), ("close", model.seed))
        assert [(step, values) for step, _, values in rest] == expected
        named = [(step, v) for step, v in writers.named if v["seed"] == model.seed]
        assert [(step, without(values, "seed")) for step, values in named] == expected
    ends = [call[0] for call in writers.calls if call[0] in ("start", "close")]
    at_once = ["start", "start", "close", "close"]
    assert ends == (at_once if how == "always" else ["start", "close"] * len(SEEDS))


def test_a_writer_of_one_run_at_a_time_is_refused_before_the_first_step(small_networks, tmp_path):
    calls = []

    class Mine:
        def start(self, run, step):
            calls.append(run.seed)

        def write(self, step, values):
            raise AssertionError("no step is made")

        def close(self):
            calls.append("closed")

    with pytest.raises(ValueError, match=r"small \(seed 1\) is trained together with small \(se"):
        lqjax.train(workdir=tmp_path, writers=[Mine()], seeds_together="always", **SMALL)
    assert calls == [0, "closed"]


def test_by_command(small_networks, tmp_path, capsys):
    settings = {
        "run.seeds": "0,1", "run.seeds_together": "always", "run.devices": 1, "run.log_every": 1,
        "model.names": "small", "training.epochs": 1, "training.batch_size": 32,
        "evaluation.batch_size": 32, "evaluation.conditions": "clean",
        "data.image_size": 28, "data.train_limit": 64, "data.test_limit": 32,
    }  # fmt: skip
    flags = [f"--config.{name}={value}" for name, value in settings.items()]
    assert main(["--mode=train", f"--workdir={tmp_path}", *flags]) == 0
    shown = capsys.readouterr().err
    assert "small: 2 seeds as one program" in shown
    assert "[1-2/2] train small, 2 seeds" in shown
    for seed in SEEDS:
        assert f"small (seed {seed}) step 1: loss" in shown
        assert Workdir.at(tmp_path).run("small", seed).is_trained()


def test_stages_are_numbered_by_what_they_stand_for(capsys):
    progress = Progress(shown=True, stages=4)
    with pytest.raises(RuntimeError), progress.stage("both", 10, stages=2):
        raise RuntimeError  # no room for both, for example
    for title in ("one", "other"):
        with progress.stage(title, 10):
            pass
    with progress.stage("rest", 10, stages=2):
        pass
    shown = capsys.readouterr().err
    for title in ("[1-2/4] both", "[1/4] one", "[2/4] other", "[3-4/4] rest"):
        assert title in shown


def runs_in(folder, seeds=(0, 1, 5)):
    return [Workdir(epath.Path(folder)).run("tiny", seed) for seed in seeds]


@pytest.mark.parametrize("how", ["always", "never"])
def test_the_seed_that_diverged_is_named(how, tmp_path):
    calls = itertools.count()

    def validate(params, stats):
        return (float("nan") if next(calls) == 1 else 1.0), 0.5

    settings = config(training__epochs=1, run__seeds="0,1,5", run__seeds_together=how)
    with pytest.raises(
        DivergedError, match=rf"the loss of tiny \(seed 1\) became nan at step {STEPS - 1} "
    ):
        train_seeds(trainer(tmp_path, settings, validate=validate), runs_in(tmp_path), Progress())


@pytest.fixture
def stopwatch(monkeypatch):
    """Let each dispatch take one second, and nothing else any time."""
    now, dispatches = [0.0], Dispatcher.dispatches

    def clock():
        return now[0]

    def counted(self, order, first, scales):
        for dispatch in dispatches(self, order, first, scales):

            def run(state, factor, dispatch=dispatch):
                now[0] += 1.0
                return dispatch.run(state, factor)

            yield Dispatch(dispatch.steps, run)

    monkeypatch.setattr(Dispatcher, "dispatches", counted)
    for module in (loop, passage):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(perf_counter=clock))
    monkeypatch.setattr(loop, "TrainingLog", functools.partial(TrainingLog, clock=clock))


@pytest.mark.slow
@pytest.mark.parametrize(("how", "together"), [("always", 3), ("never", 1)])
def test_speed_is_that_of_the_device_and_time_adds_up(how, together, stopwatch, tmp_path):
    settings = config(
        **{**EVERYTHING, "training__epochs": EPOCHS, "run__log_every": STEPS},
        run__seeds_together=how,
    )
    histories = train_seeds(trainer(tmp_path, settings), runs_in(tmp_path), Progress())
    runs = 3
    spent = EPOCHS * STEPS * runs / together  # seconds: one a dispatch
    assert sum(e.seconds for history in histories for e in history) == pytest.approx(spent)
    for run, history in zip(runs_in(tmp_path), histories, strict=True):
        lines = [json.loads(line) for line in (run.root / "log.jsonl").read_text().splitlines()]
        (second,) = [line for line in lines if line["step"] == 2 * STEPS and "loss" in line]
        assert second["images_per_second"] == pytest.approx(BATCH * together)
        assert history[1].images_per_second == pytest.approx(BATCH * together)
        assert history[1].seconds == pytest.approx(STEPS / together)


@pytest.mark.slow
def test_the_time_of_an_epoch_that_is_cut_off_adds_up(stopwatch, tmp_path):
    asked = []

    def stop(step, values):
        if not asked:
            asked.append(request_stop(Terminated))

    settings = config(**{**EVERYTHING, "training__epochs": 1}, run__seeds_together="always")
    with pytest.raises(Terminated):
        train_seeds(trainer(tmp_path, settings, writers=[stop]), runs_in(tmp_path), Progress())
    for run in runs_in(tmp_path):
        with Checkpoints(run.checkpoints, read_only=True) as checkpoints:
            record = checkpoints.record(checkpoints.steps()[0])
        assert record.seconds == pytest.approx(record.step / 3), "an equal part for each seed"
        assert 0 < record.step < STEPS
    made = train_seeds(trainer(tmp_path, settings), runs_in(tmp_path), Progress())
    assert sum(history[0].seconds for history in made) == pytest.approx(STEPS)


def test_a_trainer_refuses_such_a_writer_as_well(tmp_path):
    settings = config(training__epochs=1, run__seeds_together="always")
    made = trainer(tmp_path, settings, writers=[OneAtATime()])
    with pytest.raises(ValueError, match=r"tiny \(seed 1\) is trained together with tiny \(seed 0"):
        train_seeds(made, runs_in(tmp_path), Progress())
