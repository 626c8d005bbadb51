"""A checkpoint of the same step is replaced: killed at any moment, one of the two is whole."""

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from etils import epath

from lqjax.training.checkpoints import Checkpoints
from tests.interruptions.replacer import STEP, shapes
from tests.processes import environment

ROOT = Path(__file__).parents[2]
KILLS, LONGEST_WAIT_SECONDS = 6, 0.25


def number_of_latest(folder):
    """Read the checkpoint that is left, whose parts must belong to each other."""
    said = []
    with Checkpoints(epath.Path(folder), say=said.append) as checkpoints:
        model, rest, record = checkpoints.latest(*shapes())
    assert not said and rest["step"] == STEP
    assert (np.asarray(model["w"]) == record.seconds).all()
    return int(record.seconds)


@pytest.mark.slow
def test_killed_while_it_replaces_one_is_left(tmp_path):
    moments = random.Random(0)
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.interruptions.replacer", tmp_path],
            cwd=ROOT,
            env=environment(1),
            stdout=subprocess.PIPE,
            text=True,
        )
        child.stdout.readline()  # the first is there
        time.sleep(moments.uniform(0, LONGEST_WAIT_SECONDS))
        child.kill()
        said, _ = child.communicate()
        finished = [int(line) for line in said.split()] or [1]
        assert number_of_latest(tmp_path) in (finished[-1], finished[-1] + 1)
