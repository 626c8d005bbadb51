"""What runs are compared with: undisturbed ones, made once."""

import pytest

from tests.data.making import class_folders
from tests.interruptions.launches import LAST_STEP, checkpoints, history, run


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
    assert checkpoints(workdir)[-2:] == [LAST_STEP - 1, LAST_STEP]
    rates = [epoch["learning_rate"] for epoch in history(workdir)]
    assert rates == pytest.approx([0.3, 0.3, 0.15, 0.075]), "the schedule or patience did not act"
    return workdir


@pytest.fixture(scope="session")
def whole_streamed(streamed, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole") / "run"
    run(workdir, **streamed)
    return workdir
