"""What makes up for rare classes, killed on its way: the same to the last bit."""

import signal

import pytest

from tests.data.making import noise, save
from tests.interruptions.launches import Launch, assert_same_end, checkpoints, history, run

pytestmark = pytest.mark.slow

COUNTS = {"ant": 60, "bee": 24, "cat": 12, "dog": 12}
EPOCHS = 4
"""Of four steps each, and a checkpoint after every step."""


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    root = tmp_path_factory.mktemp("uneven")
    for number, (name, count) in enumerate(COUNTS.items()):
        for row in range(count):
            save(root / name / f"{row:03}.png", noise(1000 * number + row, 30, 28))
    return root


WAYS = {
    "balanced": {"training__sampling": "balanced"},
    "balanced, streamed": {"training__sampling": "balanced", "data__residency": "host"},
    "class weights": {"training__class_weights": "auto"},
}


@pytest.mark.parametrize("way", WAYS)
def test_killed_it_ends_like_one_that_never_was(way, uneven, tmp_path):
    common = {"data__path": uneven, "training__epochs": EPOCHS}
    settings = {**common, **WAYS[way]}
    run(tmp_path / "whole", **settings)
    workdir = tmp_path / "run"
    for goal in (3, 7):  # within the first epoch, and within the second
        with Launch(workdir, **settings, run__writers="jsonl,slow") as launch:
            launch.wait_for(lambda: max([*checkpoints(workdir), 0]) >= goal)  # noqa: B023
            launch.send(signal.SIGKILL)
            assert launch.process.wait() == -signal.SIGKILL
    assert checkpoints(workdir)[-1] < checkpoints(tmp_path / "whole")[-1]
    run(workdir, **settings)
    assert_same_end(tmp_path / "whole", workdir)
    if way != "balanced":
        return
    run(tmp_path / "plain", **common)
    assert history(tmp_path / "plain") != history(workdir), "the setting must act"
