"""Several processes read a checkpoint: what one of them cannot read, none of them uses."""

import json

import pytest

from tests.processes import finish, start_pair
from tests.training.one_sided import SPOILT, WHOLE

LONGEST_SECONDS = 60


@pytest.mark.slow
def test_damage_that_one_process_meets_is_met_by_both(tmp_path):
    pair = start_pair(["-m", "tests.training.one_sided", tmp_path / "checkpoints"], flags=False)
    ended = finish(pair, LONGEST_SECONDS)
    assert [code for _, code in ended] == [0, 0], ended
    found = [json.loads(out.splitlines()[-1]) for (out, _), _ in ended]
    assert [(f["step"], f["value"]) for f in found] == [(WHOLE, WHOLE)] * 2
    for said in (f["said"] for f in found):
        assert len(said) == 1 and f"checkpoint {SPOILT} is damaged" in said[0]
        assert "torn here" in said[0] and "the one before it is used" in said[0]
    assert (tmp_path / "damaged" / str(SPOILT)).exists()
    assert not (tmp_path / "checkpoints" / str(SPOILT)).exists()
