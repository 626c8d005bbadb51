"""Runs that are killed, asked to stop, and started twice.

Everything goes through processes of its own, as users start them, with a network that is small
enough for that. What a run comes to is compared with an undisturbed run of the same command, read
by Orbax and json alone.
"""

import random
import signal
import time

import pytest

from tests.interruptions.launches import (
    STEPS_PER_EPOCH,
    USER_ERROR,
    Launch,
    assert_same_end,
    checkpoints,
    copy,
    folder_of,
    history,
    is_writing,
    last_step,
    logged,
    run,
)
from tests.small_launch import PAUSE_FOLDER, TESTING, TRAINING, ask_for_pause, is_paused

pytestmark = pytest.mark.slow

SLOW = {"run__writers": "jsonl,slow"}
"""Training that can be met on its way, on a fast machine too."""

CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
STOPPED = "lqjax: stopped; the same command goes on from the last checkpoint, if there is one"
SAVES_FIRST = "lqjax: stops as soon as it has saved; once more to stop at once"
AT_EPOCHS = {**SLOW, "training__checkpoint_minutes": 0}
"""Checkpoints at the end of epochs only."""


@pytest.fixture
def paused(tmp_path):
    """Start a command and wait until it is about to compile the network."""

    def start(workdir, where, **settings):
        folder = tmp_path / "pause"
        folder.mkdir()
        ask_for_pause(folder, where)
        launch = Launch(workdir, variables={PAUSE_FOLDER: str(folder)}, **settings)
        launch.wait_for(lambda: is_paused(folder, where))
        return launch

    return start


@pytest.mark.parametrize("placement", ["resident", "streamed"])
def test_killed_at_random_it_ends_like_one_that_never_was(placement, request, tmp_path):
    settings, draw = request.getfixturevalue(placement), random.Random(placement)
    undisturbed = request.getfixturevalue({"resident": "whole"}.get(placement, "whole_streamed"))
    workdir = tmp_path / "run"
    for kind, goal in (("starting", 0), ("writing", draw.randint(5, 10)), ("training", 15)):
        with Launch(workdir, **settings, **SLOW) as launch:
            if kind == "starting":
                launch.wait_for((workdir / "lock").exists)
                time.sleep(draw.uniform(0, 1.5))
            else:
                launch.wait_for(lambda: max([*checkpoints(workdir), 0]) >= goal)  # noqa: B023
            if kind == "writing":
                launch.wait_for(lambda: is_writing(workdir))
            if kind == "training":
                time.sleep(draw.uniform(0, 0.3))
            launch.send(signal.SIGKILL)
            assert launch.process.wait() == -signal.SIGKILL
    assert 0 < checkpoints(workdir)[-1] < last_step(undisturbed)
    run(workdir, **settings)
    assert_same_end(undisturbed, workdir)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_saves_at_the_next_step(number, whole, resident, tmp_path):
    workdir = tmp_path / "run"
    with Launch(workdir, **resident, **AT_EPOCHS) as launch:
        launch.wait_for(lambda: logged(workdir)[-1:] > [(STEPS_PER_EPOCH + 2,)])
        launch.send(number)
        code, lines = launch.end()
    assert code == CODES[number]
    assert [line for line in lines if line.startswith("lqjax: ")] == [SAVES_FIRST, STOPPED]
    assert checkpoints(workdir)[-1] % STEPS_PER_EPOCH
    assert checkpoints(workdir)[-1] > STEPS_PER_EPOCH
    assert logged(workdir)[-1][0] == checkpoints(workdir)[-1]
    if number == signal.SIGTERM:  # what follows is the same for both
        run(workdir, **resident)
        assert_same_end(whole, workdir)


def test_asked_to_stop_while_it_compiles_it_saves_the_first_step(resident, paused, tmp_path):
    with paused(tmp_path / "run", TRAINING, **resident, **AT_EPOCHS) as launch:
        launch.send(signal.SIGTERM)
        code, lines = launch.end()
    assert code == CODES[signal.SIGTERM] and lines[-1] == STOPPED
    assert checkpoints(tmp_path / "run") == [1]


def test_asked_twice_it_stops_at_once(resident, paused, tmp_path):
    with paused(tmp_path / "run", TRAINING, **resident, **AT_EPOCHS) as launch:
        launch.send(signal.SIGTERM)
        time.sleep(0.3)
        launch.send(signal.SIGTERM)
        code, lines = launch.end()
    assert code == CODES[signal.SIGTERM] and lines[-1] == STOPPED
    assert checkpoints(tmp_path / "run") == []


def test_asked_to_stop_while_it_validates_it_keeps_the_steps(whole, resident, paused, tmp_path):
    workdir = tmp_path / "run"
    with paused(workdir, TESTING, **resident, **AT_EPOCHS) as launch:
        launch.send(signal.SIGTERM)
        code, lines = launch.end()
    assert code == CODES[signal.SIGTERM] and lines[-1] == STOPPED
    assert checkpoints(workdir) == [STEPS_PER_EPOCH]
    assert not history(workdir)
    run(workdir, **resident)
    assert_same_end(whole, workdir)


def test_asked_to_stop_while_it_evaluates_it_stops(whole, resident, paused, tmp_path):
    workdir = copy(whole, tmp_path / "run")
    with paused(workdir, TESTING, mode="evaluate", **resident) as launch:
        launch.send(signal.SIGTERM)
        code, lines = launch.end()
    assert code == CODES[signal.SIGTERM] and lines[-1] == STOPPED
    assert not (workdir / "results.jsonl").exists()


def test_a_second_process_is_refused_until_the_first_is_dead(resident, tmp_path):
    workdir = tmp_path / "run"
    with Launch(workdir, **resident, **AT_EPOCHS) as first:
        first.wait_for((folder_of(workdir) / "log.jsonl").exists)
        first.send(signal.SIGSTOP)  # or it has ended before the second looks
        with Launch(workdir, **resident) as second:
            code, lines = second.end()
        assert code == USER_ERROR
        assert len(lines) == 1
        assert f"run is in use by process {first.process.pid} on " in lines[0]
        assert first.process.poll() is None
        first.send(signal.SIGKILL)
        first.process.wait()
    run(workdir, **resident)
