import dataclasses

import numpy as np
import pandas
import pytest

from lqjax.auditing.flags import flagged_by, rules, usual_sizes, values_of
from lqjax.config import AUDIT_FLAGS, AuditConfig
from tests.auditing.tables import make_table

BAD = {
    "blurry": ("sharpness", 0.05, 0.1),
    "out_of_focus": ("input_blur_sigma", 6.0, 4.0),
    "dark": ("dark_level", 0.2, 0.3),
    "over_exposed": ("bright_level", 0.99, 0.96),
    "low_contrast": ("contrast", 0.01, 0.04),
    "low_information": ("entropy", 0.5, 2.5),
    "odd_aspect": ("aspect", 0.1, 0.3),
    "noisy": ("noise_sigma", 0.3, 0.1),
    "compressed": ("jpeg_quality", 5, 30),
    "blocky": ("blockiness", 3.0, 2.0),
}
"""Measure, a bad value, and one that is not as bad."""


DEFAULTS = AuditConfig()


def rule_of(table, flag, settings=DEFAULTS):
    return next(rule for rule in rules(table, settings) if rule.flag == flag)


@pytest.mark.parametrize("flag", BAD)
def test_what_is_beyond_the_threshold_is_flagged_the_worst_first(flag):
    measure, bad, less_bad = BAD[flag]
    table = make_table(5)
    table.measures[measure][1], table.measures[measure][3] = less_bad, bad
    found = flagged_by(rule_of(table, flag), table)
    assert found.rows.tolist() == [3, 1] and found.measured == 5


@pytest.mark.parametrize("flag", BAD)
def test_the_threshold_itself_is_not_flagged_and_the_setting_moves_it(flag):
    measure, bad, _ = BAD[flag]
    table = make_table(3)
    table.measures[measure][0] = bad
    rule = rule_of(table, flag)
    settings = dataclasses.replace(AuditConfig(), **{rule.setting: bad})
    assert flagged_by(rule_of(table, flag, settings), table).rows.size == 0


def test_fair_pictures_and_what_was_not_measured_have_no_flag():
    table = make_table(4, jpeg_quality=[np.nan] * 4, noise_sigma=[np.nan, 0.01, 0.01, 0.01])
    found = {rule.flag: flagged_by(rule, table) for rule in rules(table, AuditConfig())}
    assert [flag for flag, f in found.items() if f.rows.size] == []
    assert found["compressed"].measured == 0 and found["noisy"].measured == 3
    assert set(found) <= set(AUDIT_FLAGS)


def test_odd_sizes_are_those_of_cleanvision():
    properties = pytest.importorskip("cleanvision.issue_managers.image_property")
    random = np.random.default_rng(3)
    for sizes in (
        np.r_[random.normal(500, 40, 200), 20, 3000],
        np.r_[np.full(50, 64.0), 65],
        np.full(9, 32.0),
    ):
        table = make_table(len(sizes), width=sizes, height=sizes)
        manager = properties.SizeProperty()
        scores = manager.get_scores(pandas.DataFrame({"size": sizes}), "odd_size")
        theirs = manager.mark_issue(scores, "odd_size")["is_odd_size_issue"].to_numpy()
        ours = flagged_by(rule_of(table, "odd_size"), table).rows
        assert sorted(ours.tolist()) == np.flatnonzero(theirs).tolist()


def test_sizes_without_any_known_have_no_bounds():
    assert usual_sizes(np.array([np.nan]), 3.0) == (-np.inf, np.inf)
    assert np.isnan(values_of(make_table(2), "nothing such")).all()
