"""Several seeds as one program: the same runs as one by one."""

import dataclasses
import itertools
import logging
import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from etils import epath

from lqjax.data.order import epoch_order
from lqjax.overriding import override
from lqjax.progress import Progress
from lqjax.runtime import replicated
from lqjax.settings import replace_at
from lqjax.stopping import Terminated
from lqjax.training import courses, keeper, loop, seeds
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.dispatch import Dispatch, Dispatcher
from lqjax.training.position import stacked
from lqjax.training.room import TooLargeError
from lqjax.training.seeds import train_seeds, why_not
from lqjax.training.state import create_state, evaluation_weights, to_rest
from lqjax.workdir import Workdir
from tests.training.small import Small, assert_equal_trees, config, split, taken
from tests.training.test_loop import EVERYTHING, STEPS, final_state, measured, timeless, trainer
from tests.training.tiny import TinyNetwork

SEEDS = (0, 1, 5)


class Said(Progress):
    def __init__(self):
        super().__init__()
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def runs_in(folder):
    return [Workdir(epath.Path(folder)).run("tiny", seed) for seed in SEEDS]


def with_settings(made, **settings):
    for path, text in settings.items():
        made.config = override(made.config, path.replace("__", "."), text)
    return made


def losses_of(network, settings, steps):
    """Make steps of all seeds as one program, and of each alone; give both tables of losses."""
    small = Small(network, settings, split())
    count = len(small.data)

    def started(seed):
        own = replace_at(settings, "run.seed", seed)
        return create_state(network, small.optimizer, own, small.mesh)

    def run(dispatcher, state, factor, scales, draw):
        placed = jax.device_put(jnp.asarray(factor, jnp.float32), replicated(small.mesh))
        return taken(dispatcher, state, placed, scales, draw, steps)

    alone = [
        run(
            small.dispatcher,
            started(seed),
            1.0,
            small.scales,
            partial(epoch_order, seed, count=count),
        )
        for seed in SEEDS
    ]
    together = run(
        small.dispatcher.of_several(len(SEEDS)),
        stacked([started(seed) for seed in SEEDS]),
        np.ones(len(SEEDS)),
        stacked([small.scales] * len(SEEDS)),
        lambda epoch: np.stack([epoch_order(seed, epoch, count) for seed in SEEDS]),
    )
    return together.T, np.array(alone)


FEATURES = {
    "augmentation__flip": True,
    "training__ema_decay": 0.9,
    "training__accumulation": 2,
    "optimizer__gradient_clip": 1,
}


@pytest.mark.slow
def test_one_float32_step_is_that_of_each_seed_alone():
    settings = config(**FEATURES, augmentation__mixup=0.2)
    together, alone = losses_of(TinyNetwork(), settings, 1)
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    assert len(np.unique(np.round(alone, 4))) == len(SEEDS)


@pytest.mark.slow
def test_twenty_float64_steps_are_those_of_each_seed_alone():
    with jax.enable_x64(True):
        together, alone = losses_of(TinyNetwork(dtype="float64"), config(**FEATURES), 20)
    np.testing.assert_allclose(together, alone, rtol=1e-9)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    made = {}
    for how in ("always", "never"):
        folder, said = tmp_path_factory.mktemp(how), Said()
        first = with_settings(trainer(folder, config(**EVERYTHING)), run__seeds_together=how)
        made[how] = (folder, train_seeds(first, runs_in(folder), said), said.lines, first)
    return made


def test_each_seed_is_a_run_of_its_own_with_the_same_numbers(both):
    for a, b in zip(both["always"][1], both["never"][1], strict=True):
        for one, other in zip(a, b, strict=True):
            assert (one.seed, one.epoch, one.step) == (other.seed, other.epoch, other.step)
            assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
            assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)
    assert [history[0].seed for history in both["always"][1]] == list(SEEDS)
    assert "3 seeds as one program" in both["always"][2][0]
    assert "3 seeds in turn (run.seeds_together=never)" in both["never"][2][0]


def test_a_checkpoint_of_one_program_is_one_of_a_run_alone(both):
    states = {}
    for how, (folder, _, _, first) in both.items():
        last = with_settings(first.with_runs([runs_in(folder)[2]]))
        states[how] = final_state(last)
        assert timeless(last.train(Progress())[0]) == timeless(runs_in(folder)[2].history())
    assert_equal_trees(states["always"], states["never"], rtol=2e-3, atol=2e-4)


def stopped(folder, settings, at_validation):
    """Train all seeds as one program until one of them is validated, which is interrupted."""
    calls = iter(range(100))

    def validate(params, stats):
        if next(calls) == at_validation:
            raise Terminated
        return measured(params, stats)

    with pytest.raises(Terminated):
        train_seeds(trainer(folder, settings, validate=validate), runs_in(folder), Said())


def assert_goes_on_as_one_program(folder, settings, whole):
    said = Said()
    again = train_seeds(trainer(folder, settings), runs_in(folder), said)
    assert [line for line in said.lines if "seeds" in line] == ["tiny: 3 seeds as one program"]
    assert [timeless(history) for history in again] == [timeless(history) for history in whole[1]]
    for run in runs_in(folder):
        here = final_state(trainer(folder, settings).with_runs([run]))
        there = final_state(whole[3].with_runs([runs_in(whole[0])[SEEDS.index(run.seed)]]))
        assert_equal_trees(here, there)


def test_interrupted_they_go_on_as_one_program(both, tmp_path):
    settings = config(**EVERYTHING, run__seeds_together="always")
    stopped(tmp_path, settings, at_validation=4)  # the second seed in the second epoch
    assert_goes_on_as_one_program(tmp_path, settings, both["always"])


@pytest.mark.slow
def test_killed_between_two_checkpoints_they_go_on_from_the_last_that_all_have(both, tmp_path):
    settings = config(**EVERYTHING, run__seeds_together="always")
    stopped(tmp_path, settings, at_validation=2 * len(SEEDS))
    last = max(runs_in(tmp_path)[1].checkpoints.iterdir(), key=lambda path: int(path.name))
    last.rmtree()
    assert_goes_on_as_one_program(tmp_path, settings, both["always"])


@pytest.mark.slow
def test_runs_that_have_no_step_in_common_are_trained_in_turn(tmp_path):
    for run, epochs in zip(runs_in(tmp_path), (1, 2, 1), strict=True):
        settings = config(**{**EVERYTHING, "training__epochs": epochs})
        trainer(tmp_path, settings).with_runs([run]).train(Progress())
    (runs_in(tmp_path)[1].checkpoints / str(STEPS)).rmtree()
    said = Said()
    longer = config(**{**EVERYTHING, "training__epochs": 3}, run__seeds_together="always")
    histories = train_seeds(trainer(tmp_path, longer), runs_in(tmp_path), said)
    assert any("in turn (the runs stand at the steps [4, 8]" in line for line in said.lines)
    assert [len(history) for history in histories] == [3, 3, 3]


@pytest.mark.slow
def test_seeds_that_are_added_are_trained_by_themselves(tmp_path):
    settings = config(**{**EVERYTHING, "training__epochs": 1}, run__seeds_together="always")
    trainer(tmp_path, settings).with_runs(runs_in(tmp_path)[1:2]).train(Progress())
    said = Said()
    histories = train_seeds(trainer(tmp_path, settings), runs_in(tmp_path), said)
    assert [line for line in said.lines if "seeds" in line] == ["tiny: 2 seeds as one program"]
    assert [[(e.seed, e.epoch) for e in h] for h in histories] == [[(s, 1)] for s in SEEDS]


@pytest.mark.slow
def test_a_finished_seed_does_not_lead_the_others_astray(tmp_path, monkeypatch):
    # Steps are handed over by threes, as on an accelerator, of four in an epoch.
    monkeypatch.setattr(courses, "steps_per_dispatch", lambda asked: 3)
    settings = config(**{**EVERYTHING, "training__epochs": 3}, run__seeds_together="always")
    whole = train_seeds(trainer(tmp_path / "whole", settings), runs_in(tmp_path / "whole"), Said())
    folder = tmp_path / "cut"
    short = config(**{**EVERYTHING, "training__epochs": 1})
    trainer(folder, short).with_runs(runs_in(folder)[:1]).train(Progress())

    calls = itertools.count()

    def validate(params, stats):
        assert next(calls) < 2, "as if it were killed at the end of the second epoch"
        return measured(params, stats)

    often = with_settings(
        trainer(folder, settings, validate=validate), training__checkpoint_minutes=1e-9
    )
    with pytest.raises(AssertionError, match="as if it were killed"):
        train_seeds(often, runs_in(folder)[1:], Said())
    for run in runs_in(folder)[1:]:
        (run.checkpoints / str(2 * STEPS)).rmtree()
        assert (run.checkpoints / str(2 * STEPS - 1)).exists()
    # The first is finished, with one epoch; the others stand within their second.
    monkeypatch.setattr(
        keeper.Keeper, "finished",
        property(lambda self: len(self.history) >= (1 if self.run.seed == SEEDS[0] else 3)),
    )  # fmt: skip
    again = train_seeds(trainer(folder, settings), runs_in(folder), Said())
    for one, other in zip(again[1:], whole[1:], strict=True):
        assert [e.epoch for e in one] == [1, 2, 3]
        np.testing.assert_allclose([e.train_loss for e in one], [e.train_loss for e in other], 1e-4)
    for run in runs_in(folder)[1:]:
        assert final_state(trainer(folder, settings).with_runs([run]))["step"] == 3 * STEPS


@pytest.mark.slow
def test_runs_that_have_finished_other_epochs_are_trained_in_turn(tmp_path):
    settings = config(**{**EVERYTHING, "training__epochs": 1}, run__seeds_together="always")
    train_seeds(trainer(tmp_path, settings), runs_in(tmp_path), Said())
    # Of one run the checkpoint within the epoch stands, which has the step of that of its end.
    run = runs_in(tmp_path)[1]
    made = trainer(tmp_path, settings).with_runs([run])
    state = final_state(made)
    state["metrics"] = jax.tree.map(lambda sums: sums + 1, state["metrics"])
    with Checkpoints(run.checkpoints) as checkpoints:
        record = dataclasses.replace(checkpoints.record(STEPS), history=())
        weights = evaluation_weights(state, settings)
        checkpoints.save(weights, to_rest(state, settings), record)
    said = Said()
    longer = config(**{**EVERYTHING, "training__epochs": 2}, run__seeds_together="always")
    histories = train_seeds(trainer(tmp_path, longer), runs_in(tmp_path), said)
    assert any("in turn (the runs have finished different epochs" in line for line in said.lines)
    assert [[e.epoch for e in history] for history in histories] == [[1, 2]] * 3


def test_a_seed_whose_patience_has_ended_leaves_the_others_alone(tmp_path):
    settings = config(
        **{**EVERYTHING, "training__patience": 1, "training__epochs": 3},
        run__seeds_together="always",
    )
    scores = iter([0.9, 0.1, 0.1, 0.8, 0.2, 0.2, 0.3, 0.3])  # the first seed gets worse at once

    def validate(params, stats):
        return 1.0, next(scores)

    made = train_seeds(trainer(tmp_path, settings, validate=validate), runs_in(tmp_path), Said())
    assert [len(history) for history in made] == [2, 3, 3]
    assert next(scores, None) is None


def test_what_hinders_one_program_is_said(tmp_path):
    cases = {
        "shared by 2 devices": {"devices": 2},
        "do not live on the device": {"placing": "streamed"},
    }
    for words, how in cases.items():
        assert words in why_not(trainer(tmp_path, config(), **how))
    degrading = trainer(tmp_path, config(augmentation__degradations="jpeg(quality=10)"))
    assert "all of them" in why_not(degrading)
    sophia = trainer(tmp_path, config(optimizer__name="sophia"))
    assert "sophia" in why_not(sophia)
    assert why_not(trainer(tmp_path, config())) == ""
    asked = with_settings(degrading, run__seeds_together="always")
    with pytest.raises(ValueError, match=r"run\.seeds_together=always is not possible: a degrad"):
        train_seeds(asked, runs_in(tmp_path), Said())


@pytest.mark.slow
def test_on_a_cpu_seeds_are_trained_in_turn_unless_asked_otherwise(tmp_path):
    said = Said()
    settings = config(**{**EVERYTHING, "training__epochs": 1})
    train_seeds(trainer(tmp_path, settings), runs_in(tmp_path)[:2], said)
    assert said.lines[0] == "tiny: 2 seeds in turn (on a CPU one program is slower or gains little)"


ONE_EPOCH = {**EVERYTHING, "training__epochs": 1}
LIMIT = 2**30


@pytest.fixture
def accelerator(monkeypatch):
    """Let the devices be taken for accelerators that keep an account; give what it says."""
    monkeypatch.setattr(seeds, "why_slow", lambda asked: "")
    account = {"bytes_limit": LIMIT, "bytes_in_use": 0}
    monkeypatch.setattr(type(jax.devices()[0]), "memory_stats", lambda self: dict(account))
    return account


def compilations(caplog):
    found = "Finished XLA compilation of jit(several)"
    return sum(found in record.getMessage() for record in caplog.records)


@pytest.mark.slow
def test_one_program_that_has_room_is_compiled_once(tmp_path, accelerator, both, caplog):
    said = Said()
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        made = train_seeds(trainer(tmp_path, config(**EVERYTHING)), runs_in(tmp_path), said)
    assert said.lines[0] == "tiny: 3 seeds as one program"
    assert compilations(caplog) == 1
    assert [timeless(h) for h in made] == [timeless(h) for h in both["always"][1]]


def stacked_arrays():
    """Count the live arrays that belong to the weights of all seeds."""
    shape = TinyNetwork().init(0)[0]["hidden"]["kernel"].shape
    return sum(array.shape == (len(SEEDS), *shape) for array in jax.live_arrays())


@pytest.mark.slow
def test_one_program_without_room_gives_way_to_seeds_in_turn(tmp_path, accelerator, caplog):
    before, left, said = stacked_arrays(), [], Said()

    def validate(params, stats):
        left.append(stacked_arrays() - before)
        return measured(params, stats)

    first = trainer(tmp_path, config(**ONE_EPOCH), validate=validate)
    accelerator["bytes_in_use"] = 2 * LIMIT
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        histories = train_seeds(first, runs_in(tmp_path), said)
    how = [line for line in said.lines if "seeds" in line]
    assert how == [
        "tiny: 3 seeds as one program",
        "tiny: 3 seeds in turn (one program needs 0.0 GiB, the device has 0.0 GiB for it)",
    ]
    assert [[epoch.seed for epoch in history] for history in histories] == [[s] for s in SEEDS]
    assert compilations(caplog) == 2, "the one that was measured, and that of one run"
    assert left == [0] * len(SEEDS), "the state of all seeds was given back"


def test_who_asks_for_one_program_is_not_refused_by_a_measurement(tmp_path, accelerator):
    accelerator["bytes_in_use"] = 2 * LIMIT
    settings = config(**ONE_EPOCH, run__seeds_together="always")
    said = Said()
    train_seeds(trainer(tmp_path, settings), runs_in(tmp_path), said)
    assert [line for line in said.lines if "seeds" in line] == ["tiny: 3 seeds as one program"]


def fail(monkeypatch, message, number=0, alone=False):
    """Let a dispatch of all seeds, or of each seed alone, fail as on a device that is too small."""
    original, numbers = Dispatcher.dispatches, itertools.count()

    def run(state, factor):
        raise jax.errors.JaxRuntimeError(message)

    def dispatches(self, order, first, scales):
        for dispatch in original(self, order, first, scales):
            fails = (alone or order.ndim > 1) and next(numbers) == number
            yield Dispatch(dispatch.steps, run) if fails else dispatch

    monkeypatch.setattr(Dispatcher, "dispatches", dispatches)


EXHAUSTED = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 123456 bytes.\nBuffers: ..."
REASON = "no memory for the first step: Out of memory while trying to allocate 123456 bytes"


@pytest.mark.slow
def test_out_of_memory_in_the_first_step_gives_way_to_seeds_in_turn(
    tmp_path, accelerator, monkeypatch
):
    said = Said()
    fail(monkeypatch, EXHAUSTED)
    histories = train_seeds(trainer(tmp_path, config(**ONE_EPOCH)), runs_in(tmp_path), said)
    assert f"tiny: 3 seeds in turn ({REASON})" in said.lines
    assert [[epoch.seed for epoch in history] for history in histories] == [[s] for s in SEEDS]


def test_out_of_memory_before_there_is_a_state_gives_way_as_well(
    tmp_path, accelerator, monkeypatch
):
    def stack(states):
        if len(states) > 1:
            raise jax.errors.JaxRuntimeError(EXHAUSTED)
        return states[0]

    monkeypatch.setattr(loop, "stacked", stack)
    said = Said()
    train_seeds(trainer(tmp_path, config(**ONE_EPOCH)), runs_in(tmp_path), said)
    assert f"tiny: 3 seeds in turn ({REASON})" in said.lines


@pytest.mark.parametrize(("message", "number"), [(EXHAUSTED, 1), ("INTERNAL: broken", 0)])
def test_later_and_other_errors_are_passed_on(tmp_path, accelerator, monkeypatch, message, number):
    said = Said()
    fail(monkeypatch, message, number)
    with pytest.raises(jax.errors.JaxRuntimeError, match=message.split(":")[0]):
        train_seeds(trainer(tmp_path, config(**ONE_EPOCH)), runs_in(tmp_path), said)
    assert not any("in turn" in line for line in said.lines)


def test_who_asks_for_one_program_is_told_in_one_line_that_it_does_not_fit(tmp_path, monkeypatch):
    fail(monkeypatch, EXHAUSTED)
    asked = trainer(tmp_path, config(**ONE_EPOCH, run__seeds_together="always"))
    words = f"run.seeds_together=always is not possible with 3 seeds: {REASON}; use auto, "
    with pytest.raises(ValueError, match=re.escape(words)) as found:
        train_seeds(asked, runs_in(tmp_path), Said())
    assert "\n" not in str(found.value)


def test_one_seed_that_does_not_fit_is_told_what_to_try(tmp_path, monkeypatch):
    fail(monkeypatch, EXHAUSTED, alone=True)
    words = f"tiny: {REASON}; use a smaller training.batch_size"
    with pytest.raises(TooLargeError, match=re.escape(words)):
        train_seeds(trainer(tmp_path, config(**ONE_EPOCH)), runs_in(tmp_path)[:1], Said())
