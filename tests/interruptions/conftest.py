"""What runs are compared with: undisturbed ones, made once."""

import pytest

from tests.data.making import class_folders
from tests.interruptions.launches import SETTINGS, best_of, checkpoints, history, last_step, run


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    return class_folders(tmp_path_factory.mktemp("pictures"), 30, ("ant", "bee", "cat", "dog"))


@pytest.fixture(scope="session")
def resident(pictures):
    return {"data__path": pictures, "data__residency": "device"}


@pytest.fixture(scope="session")
def streamed(pictures, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return {"data__path": pictures, "data__residency": "host", "data__cache_dir": cache}


@pytest.fixture(scope="session")
def whole(resident, tmp_path_factory):
    """An undisturbed run, with its checkpoints of the last two steps and of the best epoch."""
    workdir = tmp_path_factory.mktemp("whole") / "run"
    run(workdir, **resident)
    last, best = last_step(workdir), best_of(workdir)["step"]
    assert checkpoints(workdir) == [best, last - 1, last] and best < last - 1
    rates = [epoch["learning_rate"] for epoch in history(workdir)]
    assert len(rates) < SETTINGS["training.epochs"], "patience did not act"
    assert rates[:4] == pytest.approx([0.3, 0.3, 0.15, 0.075]), "the schedule did not act"
    return workdir


@pytest.fixture(scope="session")
def whole_streamed(streamed, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole") / "run"
    run(workdir, **streamed)
    return workdir
