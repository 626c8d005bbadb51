"""Damaged weights: thousands of files and runs by seed, and bombs.

Each ends in weights of the right shapes, those of a run in what one of its epochs had, or in one
line that names the file: no other exception, no crash, no hang, no memory beyond a file's size, and
nothing in it is run.
"""

import pickle

import pytest

from tests.data.damage import outcomes
from tests.weights.damage_bombs import BOMBS, MARK, alone

SOME = 300
"""Of runs, which take longer; the others are for slow tests."""

SEEDS = [
    ("pth", 0, 1000),
    ("pth-old", 0, 1000),
    ("safetensors", 0, 1000),
    ("trained", 0, SOME),
    pytest.param("trained", SOME, 1000, marks=pytest.mark.slow),
]


def loaded_share(subject, folder, first, stop):
    said, faults = outcomes(subject, folder, stop - first, first)
    assert not faults, "\n".join(faults)
    assert len(said) == stop - first
    return sum(line == "loaded" for line in said.values()) / len(said), set(said.values())


@pytest.mark.parametrize(("subject", "first", "stop"), SEEDS)
def test_damaged_weights_are_read_or_refused_in_one_line(subject, first, stop, tmp_path):
    loaded, said = loaded_share(subject, tmp_path, first, stop)
    assert 0.01 <= loaded <= 0.6, "the damage goes too far, or not far enough"
    if subject == "trained":
        assert "the epoch before was loaded" in said


@pytest.mark.slow
def test_bombs_are_refused_and_run_nothing(tmp_path):
    loaded, said = loaded_share("weight-bombs", tmp_path, 0, len(BOMBS))
    assert not loaded
    assert any("names os.system" in line for line in said)


def test_the_trap_of_the_bombs_would_have_acted(tmp_path):
    pickle.loads(alone(tmp_path))
    assert (tmp_path / MARK).exists()
