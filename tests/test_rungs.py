"""What is of the grid and what of a ladder, over several runs of one working directory."""

import pytest

from lqjax.imaging.ladders import expand_ladders
from lqjax.rungs import Rungs, merge_rungs, rungs_from_json, rungs_to_json
from lqjax.workdir import Workdir

LADDER = expand_ladders("jpeg(quality=90..10)")[0]


def test_what_is_in_the_grid_too_is_tested_once_and_counts():
    rungs = Rungs(("clean", "jpeg(quality=30)", "low_quality/jpeg@low"), (LADDER,))
    assert rungs.apart == set(LADDER.conditions) - {"jpeg(quality=30)"}
    assert rungs.conditions[:3] == rungs.grid
    assert len(rungs.conditions) == len(set(rungs.conditions)) == 3 + 8


def test_clean_images_are_tested_for_a_ladder_but_do_not_enter_the_grid():
    rungs = Rungs(("jpeg(quality=5)",), (LADDER,))
    assert "clean" in rungs.conditions and "clean" in rungs.apart
    assert Rungs(("jpeg(quality=5)",)).conditions == ("jpeg(quality=5)",)


def test_rows_keep_their_part_when_settings_change(tmp_path):
    place = Workdir.at(tmp_path)
    place.add_rungs(Rungs(("clean",)))
    assert place.rungs() is None and not (tmp_path / "ladders.json").exists()
    place.add_rungs(Rungs(("clean",), (LADDER,)))
    place.add_rungs(Rungs(("clean", "jpeg(quality=20)")))
    kept = place.rungs()
    assert kept.ladders == (LADDER,)
    assert kept.apart == set(LADDER.conditions) - {"jpeg(quality=20)"}
    assert rungs_from_json(rungs_to_json(kept)) == kept


def test_what_is_of_the_grid_somewhere_is_so_everywhere():
    one, other = Rungs(("clean",), (LADDER,)), Rungs(("clean", "jpeg(quality=90)"))
    assert merge_rungs([one, other]).apart == set(LADDER.conditions[1:])


def test_a_process_that_does_not_write_writes_nothing(tmp_path):
    Workdir.at(tmp_path, writes=False).add_rungs(Rungs(("clean",), (LADDER,)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["{", "[]", '{"grid": []}', '{"grid": [], "ladders": [{"a": 1}]}'])
def test_a_damaged_record_is_named(text):
    with pytest.raises(ValueError, match="not a record of ladders"):
        rungs_from_json(text)
