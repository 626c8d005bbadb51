"""The loop: resume bit for bit from anywhere, early stopping, plateau, divergence."""

import dataclasses
import json
import time

import jax
import numpy as np
import pytest
from etils import epath

from lqjax.progress import Progress
from lqjax.rows import Epoch
from lqjax.stopping import SAVES_FIRST, Terminated, request_stop
from lqjax.training import loop
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.log import TrainingLog
from lqjax.training.loop import Trainer
from lqjax.training.passage import DivergedError, Passage, passed
from lqjax.training.state import abstract_items, abstract_state, from_items
from lqjax.workdir import Workdir
from tests.training.small import (
    Small,
    assert_equal_trees,
    config,
    material_for,
    split,
)
from tests.training.tiny import TinyNetwork

EPOCHS = 4
STEPS = 4
"""In an epoch."""

EVERYTHING = {
    "training__epochs": EPOCHS,
    "training__patience": 10,
    "training__ema_decay": 0.9,
    "training__accumulation": 2,
    "optimizer__gradient_clip": 1,
    "optimizer__learning_rate": 0.01,
    "schedule__name": "plateau",
    "schedule__plateau_patience": 0,
    "schedule__plateau_factor": 0.5,
    "augmentation__flip": True,
    "augmentation__crop_padding": 1,
    "run__log_every": 1,
}


def measured(params, stats):
    """Stand in for validation: any numbers that follow from the weights, to the bit."""
    found = float(np.abs(np.asarray(params["head"]["kernel"], np.float64)).mean())
    return found, found % 1


def trainer(folder, settings, *, devices=1, placing="whole", validate=measured, writers=()):
    small = Small(TinyNetwork(), settings, split(), devices, placing=placing)
    return Trainer(
        small.network, settings, Workdir(epath.Path(folder)).run("tiny", 0),
        small.dispatcher._batches, {0: material_for(small, validate)}, small.mesh, writers,
    )  # fmt: skip


def trained(made, progress=None):
    """Train the one run to the end; give its epochs."""
    (history,) = made.train(progress or Progress())
    return history


class Shared:
    """Runs that share what is compiled, each in a folder of its own."""

    def __init__(self, settings, placing):
        self._first = trainer("unused", settings, placing=placing)

    def at(self, folder, validate=measured, writers=()):
        made = self._first.with_runs([Workdir(epath.Path(folder)).run("tiny", 0)])
        made.materials = {0: dataclasses.replace(made.materials[0], validate=validate)}
        made.writers = writers
        return made


def final_state(made):
    with Checkpoints(made.runs[0].checkpoints, read_only=True) as checkpoints:
        abstract = abstract_state(made.network, made.optimizer, made.config, made.mesh)
        found = checkpoints.latest(*abstract_items(abstract, made.config, made.mesh))
    model, rest, _ = found
    return jax.tree.map(np.asarray, from_items(model, rest, made.config))


def timeless(history):
    return [dataclasses.replace(e, images_per_second=0, seconds=0) for e in history]


@pytest.fixture(scope="module", params=["whole", "streamed"])
def undisturbed(request, tmp_path_factory):
    """A run with everything on that is never stopped: its parts, epochs and last state."""
    shared = Shared(config(**EVERYTHING), request.param)
    made = shared.at(tmp_path_factory.mktemp("undisturbed"))
    history = trained(made)
    return shared, timeless(history), final_state(made)


def stopping_at(step):
    def write(at, values):
        if at == step and "epoch" not in values:
            assert request_stop(Terminated)

    return write


def assert_ends_alike(shared, folder, history, state):
    made = shared.at(folder)
    assert timeless(trained(made)) == history
    assert_equal_trees(final_state(made), state)
    assert timeless(made.runs[0].history()) == history


@pytest.mark.parametrize("step", [1, 5, 7, 8])
def test_asked_to_stop_it_saves_at_the_next_step_and_goes_on_there(tmp_path, undisturbed, step):
    shared, history, state = undisturbed
    with pytest.raises(Terminated):
        shared.at(tmp_path, writers=[stopping_at(step)]).train(Progress())
    with Checkpoints(epath.Path(tmp_path) / "runs/tiny/seed0-fold0/checkpoints") as checkpoints:
        saved = checkpoints.steps()[0]
        record = checkpoints.record(saved)
    # The answer comes after a step more is on its way, but for the last one of an epoch.
    assert saved == step + (1 if step % STEPS else 0)
    assert len(record.history) == step // STEPS - (step % STEPS == 0) and record.seconds > 0
    assert_ends_alike(shared, tmp_path, history, state)


def test_killed_anywhere_it_goes_on_from_the_last_checkpoint(tmp_path, undisturbed):
    shared, history, state = undisturbed
    for epoch in (1, 3):
        calls = iter(range(1, EPOCHS + 1))

        def validate(params, stats, calls=calls, epoch=epoch):
            if next(calls) == epoch:
                raise RuntimeError("as good as killed")
            return measured(params, stats)

        with pytest.raises(RuntimeError, match="as good as killed"):
            shared.at(tmp_path / str(epoch), validate).train(Progress())
        assert_ends_alike(shared, tmp_path / str(epoch), history, state)


def test_asked_to_stop_while_validating_the_steps_are_kept(tmp_path, undisturbed, capsys):
    shared, history, state = undisturbed

    def validate(params, stats):
        raise Terminated

    made = shared.at(tmp_path, validate)
    with pytest.raises(Terminated):
        made.train(Progress())
    assert SAVES_FIRST in capsys.readouterr().err
    with Checkpoints(made.runs[0].checkpoints, read_only=True) as checkpoints:
        assert checkpoints.steps() == [STEPS]
    assert_ends_alike(shared, tmp_path, history, state)


def test_a_damaged_checkpoint_costs_an_epoch_and_changes_nothing(tmp_path, undisturbed):
    shared, history, state = undisturbed
    with pytest.raises(Terminated):
        shared.at(tmp_path, writers=[stopping_at(10)]).train(Progress())
    folder = tmp_path / "runs/tiny/seed0-fold0/checkpoints/11"
    for file in folder.rglob("d/*"):
        file.write_bytes(file.read_bytes()[:-20])
    assert_ends_alike(shared, tmp_path, history, state)
    assert (folder.parent.parent / "damaged" / "11").exists()


@pytest.mark.slow
def test_saving_on_the_way_changes_nothing(tmp_path, undisturbed, monkeypatch):
    shared, history, state = undisturbed
    saved, save = [], Checkpoints.save
    monkeypatch.setattr(
        Checkpoints, "save", lambda self, *rest: (saved.append(rest[2].step), save(self, *rest))
    )
    made = shared.at(tmp_path)
    made.config = config(**{**EVERYTHING, "training__checkpoint_minutes": 1e-9})
    assert timeless(trained(made)) == history
    assert saved == [1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 12, 13, 14, 15, 16, 16]
    assert_equal_trees(final_state(made), state)


def test_a_finished_run_is_not_trained_again(tmp_path, undisturbed):
    shared, history, _ = undisturbed

    def never(*arguments):
        raise AssertionError("trained again")

    shared.at(tmp_path).train(Progress())
    assert timeless(trained(shared.at(tmp_path, never, [never]))) == history


def logged(folder):
    """Read a log: each line without its clock, with the name of what it is of."""
    path = folder / "runs/tiny/seed0-fold0/log.jsonl"
    timed = ("time", "epoch_seconds", "epoch_images_per_second", "images_per_second")
    timed += ("input_wait_share", "peak_resident_bytes")
    lines = map(json.loads, path.read_text().splitlines())
    return [{name: v for name, v in line.items() if name not in timed} for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("torn", [False, True])
def test_killed_between_its_last_checkpoint_and_the_log_the_line_is_added(
    tmp_path, undisturbed, monkeypatch, torn
):
    shared, history, _ = undisturbed
    shared.at(tmp_path / "whole").train(Progress())
    wanted, log = logged(tmp_path / "whole"), tmp_path / "run/runs/tiny/seed0-fold0/log.jsonl"
    write = TrainingLog.epoch

    def killed(self, record):
        if record.epoch == EPOCHS:
            raise RuntimeError("as good as killed")
        write(self, record)

    monkeypatch.setattr(TrainingLog, "epoch", killed)
    with pytest.raises(RuntimeError, match="as good as killed"):
        shared.at(tmp_path / "run").train(Progress())
    monkeypatch.undo()
    assert logged(tmp_path / "run") == wanted[:-1]
    if torn:
        log.write_text(log.read_text() + '{"step": 16, "time": 1.5, "epo')
    never = [lambda step, values: pytest.fail("trained again")]
    assert timeless(trained(shared.at(tmp_path / "run", writers=never))) == history
    assert logged(tmp_path / "run") == wanted
    before = log.stat().st_mtime_ns, log.read_bytes()
    trained(shared.at(tmp_path / "run"))
    assert (log.stat().st_mtime_ns, log.read_bytes()) == before, "it is whole and stays"


def test_plateau_lowers_what_the_updates_are_multiplied_by(tmp_path):
    losses = iter([1.0, 0.5, 0.6, 0.7])  # no better after the second: halved twice
    settings = config(**{**EVERYTHING, "training__epochs": 5, "optimizer__name": "sgd"})
    factors = []
    made = trainer(tmp_path, settings, validate=lambda *weights: (next(losses, 0.1), 0.5))
    made._dispatcher._program, program = None, made._dispatcher._program

    def watched(state, factor, *rest):
        factors.append(float(factor))
        return program(state, factor, *rest)

    made._dispatcher._program = watched
    history = trained(made)
    expected = [1, 1, 1, 0.5, 0.25]
    assert factors == [factor for factor in expected for _ in range(STEPS)]
    np.testing.assert_allclose([e.learning_rate for e in history], 0.01 * np.array(expected))


def test_patience_stops_early_and_the_best_stays(tmp_path):
    scores = iter([0.5, 0.9, 0.7, 0.9, 0.9])
    settings = config(training__epochs=9, training__patience=2, training__keep_checkpoints=1)
    made = trainer(tmp_path, settings, validate=lambda *weights: (1.0, next(scores)))
    assert [e.epoch for e in trained(made)] == [1, 2, 3, 4]
    kept = sorted(int(p.name) for p in made.runs[0].checkpoints.iterdir() if p.name.isdigit())
    assert kept == [2 * STEPS, 4 * STEPS]


def test_on_another_machine_it_says_so_and_goes_on(tmp_path):
    class Said(Progress):
        lines: tuple[str, ...] = ()

        def say(self, text):
            self.lines += (text,)

    settings = config(training__epochs=2, run__log_every=1)
    with pytest.raises(Terminated):
        trainer(tmp_path, settings, writers=[stopping_at(2)]).train(Progress())
    said = Said()
    history = trained(trainer(tmp_path, settings, devices=2), said)
    assert [e.step for e in history] == [STEPS, 2 * STEPS]
    (warning,) = [line for line in said.lines if line.startswith("warning")]
    assert "tiny goes on on another machine (devices 1 before and 2 now)" in warning
    again = Said()
    trainer(tmp_path, settings, devices=8).train(again)
    assert not again.lines, "a finished run does not go on"


def test_a_loss_that_is_not_finite_stops_with_advice(tmp_path):
    settings = config(optimizer__name="sgd", optimizer__learning_rate="1e30")
    with pytest.raises(DivergedError, match=r"became (nan|inf) at step \d+ with learning rate"):
        trainer(tmp_path, settings).train(Progress())


def test_the_advice_is_a_tenth_of_the_rate_that_was_asked_for(tmp_path):
    # Warmed up and scaled with the batch, the rate of the step is another one.
    settings = config(
        optimizer__name="sgd",
        optimizer__learning_rate="1e30",
        optimizer__scale_with_batch="linear",
        schedule__warmup_epochs=0.5,
    )
    with pytest.raises(DivergedError, match=r"; try optimizer\.learning_rate=1e\+29, "):
        trainer(tmp_path, settings).train(Progress())


def test_weights_that_are_not_finite_are_not_kept(tmp_path):
    made = trainer(tmp_path, config(), validate=lambda params, stats: (float("nan"), 0.0))
    with pytest.raises(DivergedError, match="became nan at step 3"):
        made.train(Progress())
    assert made.runs[0].history() == [] and not made.runs[0].is_trained()


def test_an_error_within_an_epoch_leaves_the_earlier_checkpoints(tmp_path, monkeypatch):
    def failing(at, values):
        if at == STEPS + 2:
            raise OSError("no such disk")

    made = trainer(tmp_path, config(run__log_every=1), writers=[failing])
    with pytest.raises(OSError, match="no such disk"):
        made.train(Progress())
    assert [e.epoch for e in made.runs[0].history()] == [1]
    with Checkpoints(made.runs[0].checkpoints, read_only=True) as checkpoints:
        assert checkpoints.steps() == [STEPS]


def test_records_say_what_the_epochs_were(tmp_path):
    history = trained(trainer(tmp_path, config(training__epochs=2)))
    assert all(isinstance(epoch, Epoch) for epoch in history)
    for number, epoch in enumerate(history, 1):
        assert (epoch.epoch, epoch.step, epoch.model) == (number, STEPS * number, "tiny")
        assert 0 < epoch.train_loss < 10 and 0 <= epoch.train_accuracy <= 1
        assert epoch.images_per_second > 0 and epoch.seconds > 0


def test_a_batch_must_fit_the_devices(tmp_path):
    with pytest.raises(ValueError, match=r"training.batch_size is 12, .*8 or 16"):
        trainer(tmp_path, config(training__batch_size=12), devices=8)
    with pytest.raises(ValueError, match=r"accumulation=4 .* multiple of 32"):
        trainer(tmp_path, config(training__accumulation=4), devices=8)


def test_a_repeated_request_does_not_cut_the_save_short(tmp_path, undisturbed, monkeypatch):
    shared, history, state = undisturbed
    finish, repeated = Checkpoints.finish, []

    def slow(self):
        repeated.append(request_stop(Terminated))  # as the alarm repeats a signal
        finish(self)

    def validate(params, stats):
        raise Terminated

    monkeypatch.setattr(Checkpoints, "finish", slow)
    with pytest.raises(Terminated):
        trained(shared.at(tmp_path, validate=validate))
    monkeypatch.undo()
    assert repeated == [True]
    kept = [p.name for p in (tmp_path / "runs/tiny/seed0-fold0/checkpoints").iterdir()]
    assert str(STEPS) in kept
    assert_ends_alike(shared, tmp_path, history, state)


@pytest.mark.parametrize(
    ("step", "steps", "due"), [(100, 1, True), (99, 1, False), (101, 10, True), (109, 9, False)]
)
def test_a_multiple_is_passed_also_by_several_steps_at_once(step, steps, due):
    assert passed(step, steps, 100) is due


CLOSINGS = {
    "the history": (loop, "epoch_record"),
    "the checkpoint": (Passage, "close_epoch"),
    "the log": (TrainingLog, "epoch"),
}


@pytest.mark.parametrize("place", CLOSINGS)
@pytest.mark.parametrize("moment", ["before", "behind"])
def test_asked_to_stop_while_an_epoch_is_closed_nothing_is_lost(
    tmp_path, undisturbed, monkeypatch, place, moment
):
    shared, history, state = undisturbed
    (kind, name), asked = CLOSINGS[place], []
    original = getattr(kind, name)

    def disturbed(*arguments):
        if asked:
            return original(*arguments)
        asked.append(place)
        if moment == "before":
            request_stop(Terminated)
        found = original(*arguments)
        if moment == "behind":
            request_stop(Terminated)
        return found

    said = []
    writers = [lambda step, values: said.append((step, values.get("epoch")))]
    monkeypatch.setattr(kind, name, disturbed)
    with pytest.raises(Terminated):
        trained(shared.at(tmp_path, writers=writers))
    monkeypatch.undo()
    assert said[-1] == (STEPS, 1), "the epoch is in the log"
    kept = [p.name for p in (tmp_path / "runs/tiny/seed0-fold0/checkpoints").iterdir()]
    assert kept == [str(STEPS)]
    assert_ends_alike(shared, tmp_path, history, state)
    lines = (tmp_path / "runs/tiny/seed0-fold0/log.jsonl").read_text().splitlines()
    found = [(line["step"], line.get("epoch")) for line in map(json.loads, lines)]
    assert found == [
        (step, epoch)
        for step in range(1, EPOCHS * STEPS + 1)
        for epoch in ([None] if step % STEPS else [None, step // STEPS])
    ]


def test_asked_to_stop_between_the_last_step_and_validation_the_steps_are_kept(
    tmp_path, undisturbed, monkeypatch
):
    shared, history, state = undisturbed
    run = Passage.run

    def disturbed(self, *arguments):
        found = run(self, *arguments)
        request_stop(Terminated)
        return found

    monkeypatch.setattr(Passage, "run", disturbed)
    with pytest.raises(Terminated):
        trained(shared.at(tmp_path, validate=lambda *weights: pytest.fail("validated")))
    monkeypatch.undo()
    with Checkpoints(epath.Path(tmp_path) / "runs/tiny/seed0-fold0/checkpoints") as checkpoints:
        assert checkpoints.steps() == [STEPS] and not checkpoints.record(STEPS).history
    assert_ends_alike(shared, tmp_path, history, state)


@pytest.mark.slow
def test_checkpoints_within_an_epoch_are_not_training(tmp_path, monkeypatch):
    seconds, finish = 0.5, Checkpoints.finish

    def slow(self):
        time.sleep(seconds)
        finish(self)

    found = {}
    writers = [
        lambda step, values: found.update(
            {(step, name): value for name, value in values.items() if "images_per" in name}
        )
    ]
    settings = config(training__epochs=2, training__checkpoint_minutes=1e-9, run__log_every=1)
    monkeypatch.setattr(Checkpoints, "finish", slow)
    began = time.perf_counter()
    history = trained(trainer(tmp_path, settings, writers=writers))
    assert time.perf_counter() - began > 2 * STEPS * seconds, "one after each step"
    # A step and a checkpoint were made within that time each: counted together, it is the most.
    most = config().training.batch_size / seconds
    assert found[2, "images_per_second"] > 2 * most
    rates = [rate for (step, _), rate in found.items() if step > STEPS + 1]
    assert len(rates) == STEPS and min(rates) > 2 * most
    assert history[1].images_per_second > 2 * most
    assert history[1].seconds > STEPS * seconds, "the time of all of it"


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["after its steps", "with the epoch", "at a checkpoint"])
def test_making_a_trace_is_not_training(tmp_path, monkeypatch, ends):
    seconds, found, made = 2, {}, []  # far above a step, whatever else the machine does

    def slow(*_, **__):
        made.append(time.sleep(seconds))

    monkeypatch.setattr(jax.profiler, "start_trace", slow)
    monkeypatch.setattr(jax.profiler, "stop_trace", slow)
    batch = {"after its steps": 8, "with the epoch": 16, "at a checkpoint": 16}[ends]
    settings = config(
        training__epochs=1,
        training__batch_size=batch,
        training__checkpoint_minutes=1e-9 if ends == "at a checkpoint" else 0,
        run__profile=True,
        run__log_every=1,
    )
    writers = [lambda step, values: found.update({(step, "epoch" in values): values})]
    (epoch,) = trained(trainer(tmp_path, settings, writers=writers))
    assert len(made) == 2 and epoch.seconds > 2 * seconds, "the time of all of it"
    # Of the steps counted, the start or the end of the trace alone would take the half.
    most = epoch.step * batch / seconds
    assert epoch.images_per_second > 2 * most
    paces = [v["images_per_second"] for v in found.values() if "images_per_second" in v]
    assert len(paces) >= epoch.step - 1 and min(paces) > 2 * batch / seconds


def test_nothing_is_left_to_trace(tmp_path):
    said = []

    class Said(Progress):
        def say(self, text):
            said.append(text)

    settings = config(training__epochs=1, run__writers="jsonl", run__profile=True)
    trained(trainer(tmp_path, config(training__epochs=1)))
    trained(trainer(tmp_path, settings), Said())
    assert said == ["no trace was written: tiny is trained to its end already"]
    assert not (tmp_path / "runs/tiny/seed0-fold0/trace").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("minutes", "steps"),
    [(0, ("start", "stop", "validate", "validate")), (1e-9, ("start", "stop", "save"))],
)
def test_a_trace_holds_neither_validation_nor_checkpoints(tmp_path, monkeypatch, minutes, steps):
    done, save = [], Checkpoints.save
    monkeypatch.setattr(jax.profiler, "start_trace", lambda *_, **__: done.append("start"))
    monkeypatch.setattr(jax.profiler, "stop_trace", lambda: done.append("stop"))
    monkeypatch.setattr(
        Checkpoints, "save", lambda self, *rest: (done.append("save"), save(self, *rest))
    )

    def validate(params, stats):
        done.append("validate")
        return measured(params, stats)

    settings = config(training__epochs=2, training__checkpoint_minutes=minutes, run__profile=True)
    trained(trainer(tmp_path, settings, validate=validate))
    after = done[done.index("start") :]
    if not minutes:
        after = [event for event in after if event != "save"]
    assert tuple(after[: len(steps)]) == steps
    assert done.count("start") == done.count("stop") == 1
