"""Lines reach the screen, with bars and without, from Python as by command; users may mute them."""

import io
import logging
import sys
from pathlib import Path

import pytest

import lqjax
from lqjax import lines, progress
from lqjax.cli import main
from lqjax.progress import Progress, progress_of
from lqjax.training.checkpoints import Checkpoints
from lqjax.workdir import Workdir

SMALL = {
    "image_size": 28,
    "train_limit": 64,
    "test_limit": 32,
    "names": ("small",),
    "epochs": 1,
    "training_batch_size": 32,
    "evaluation_batch_size": 32,
    "conditions": ("clean",),
    "devices": 1,
    "log_every": 1,
}
BAR = "images/s, 00:0"
"""Stands in each progress bar, and in no line."""


@pytest.fixture
def logger():
    """Give the logger; what a test changes of it is undone."""
    found = logging.getLogger("lqjax")
    level, handlers = found.level, found.handlers[:]
    yield found
    found.setLevel(level)
    found.handlers[:] = handlers


@pytest.mark.slow
def test_from_python_lines_are_printed_and_bars_are_not(small_networks, tmp_path, capsys):
    lqjax.train(workdir=tmp_path, seeds=(0, 1), **SMALL)
    shown = capsys.readouterr().err
    assert "small: 2 seeds in turn (" in shown
    for seed in (0, 1):
        assert f"\nsmall (seed {seed}) step 2: loss " in shown
        assert f"\nsmall (seed {seed}) step 2: epoch 1, " in shown
    assert "%|" not in shown and BAR not in shown
    lines_of_steps = [line for line in shown.splitlines() if "step 1: loss" in line]
    assert len(lines_of_steps) == len(set(lines_of_steps)) == 2, "each once"


def test_from_python_a_damaged_checkpoint_is_told_of(small_networks, tmp_path, capsys):
    lqjax.train(workdir=tmp_path, **SMALL)
    run = Workdir.at(tmp_path).run("small", 0)
    (last,) = [path for path in run.checkpoints.iterdir() if path.name.isdigit()]
    for path in Path(last / "rest").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:1])
    capsys.readouterr()
    lqjax.train(workdir=tmp_path, **SMALL)
    assert "\nwarning: checkpoint 2 is damaged (" in "\n" + capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("bars", [False, True])
def test_by_command_the_log_is_on_the_screen_with_bars_and_without(
    small_networks, tmp_path, capsys, bars
):
    settings = {
        "run.progress": bars, "run.devices": 1, "run.log_every": 1, "run.writers": "console",
        "model.names": "small", "training.epochs": 1, "training.batch_size": 32,
        "data.image_size": 28, "data.train_limit": 64, "data.test_limit": 32,
    }  # fmt: skip
    flags = [f"--config.{name}={value}" for name, value in settings.items()]
    assert main(["--mode=train", f"--workdir={tmp_path}", *flags]) == 0
    shown = capsys.readouterr().err
    assert "small step 2: loss " in shown
    assert ("%|" in shown) is bars


def test_bars_may_be_asked_for_from_python(capsys):
    mine = Progress()
    assert progress_of(mine, 3) is mine
    for asked, bars in ((None, False), (False, False), (True, True)):
        with progress_of(asked, 2).stage("train", 10):
            pass
        assert ("[1/2] train" in capsys.readouterr().err) is bars


def test_the_level_decides_what_is_printed(logger, capsys):
    for level, wanted in (("INFO", "a\nwarning: b\n"), ("WARNING", "warning: b\n"), ("ERROR", "")):
        logger.setLevel(level)
        Progress().say("a")
        Progress().say("warning: b")
        assert capsys.readouterr().err == wanted


def test_a_line_is_printed_once_whatever_the_root_logger_has(capsys):
    root, other = logging.getLogger(), logging.StreamHandler(sys.stderr)
    root.addHandler(other)
    try:
        Progress().say("one line")
    finally:
        root.removeHandler(other)
    assert capsys.readouterr().err == "one line\n"


def test_what_a_user_has_set_up_before_stands():
    mine, given = logging.Logger("mine", logging.ERROR), logging.NullHandler()
    mine.addHandler(given)
    lines.set_up(mine)
    assert mine.handlers == [given] and mine.propagate and mine.level == logging.ERROR
    bare = logging.Logger("bare")
    for _ in range(2):
        lines.set_up(bare)
    assert len(bare.handlers) == 1 and not bare.propagate and bare.level == logging.INFO


def test_of_several_processes_the_first_speaks(monkeypatch, capsys):
    monkeypatch.setattr(progress, "is_first", lambda: False)
    Progress(shown=True).say("one of the others")
    assert capsys.readouterr().err == ""


def test_a_line_stands_above_the_bars(monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress(shown=True).stage("train", 10):
        Progress().say("a line")
    before, _, after = screen.getvalue().partition("a line\n")
    assert before.endswith("\r"), "at the beginning of a row, which was cleared"
    assert "train   0%" in before and "train   0%" in after, "the bar is drawn again below"


def test_reading_checkpoints_says_nothing_of_orbax(small_networks, tmp_path, capfd):
    lqjax.train(workdir=tmp_path, **SMALL)
    said, absl = [], logging.getLogger("absl")
    listener = logging.Handler()
    listener.emit = lambda record: said.append(record.getMessage())
    absl.addHandler(listener)
    try:
        with Checkpoints(Workdir.at(tmp_path).run("small", 0).checkpoints, read_only=True):
            pass
        lqjax.evaluate(workdir=tmp_path)
    finally:
        absl.removeHandler(listener)
    assert said == []
    assert "absl" not in capfd.readouterr().err
