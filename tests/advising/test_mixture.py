"""Mixtures as users write them."""

import pytest

from lqjax.advising.mixture import read_mixture
from tests.advising.studies import condition

NAMES = ("clean", "blur@low", "blur@high", "jpeg@low", "jpeg(quality=40)")
MEASURED = [condition(name) for name in NAMES]


def test_weights_are_brought_to_one_and_patterns_spread_evenly():
    mixture = read_mixture("clean=2, blur@*=1,jpeg(quality=40)=1", MEASURED)
    assert mixture.shares == {
        "clean": 0.5, "blur@low": 0.125, "blur@high": 0.125, "jpeg(quality=40)": 0.25
    }  # fmt: skip
    assert (
        mixture.shares
        == read_mixture({"clean": 0.5, "blur@*": 0.25, "jpeg(quality=40)": 0.25}, MEASURED).shares
    )


def test_nothing_stands_for_the_degraded_conditions_alike():
    shares = read_mixture("", MEASURED).shares
    assert set(shares) == set(NAMES[1:]) and set(shares.values()) == {0.25}
    assert read_mixture("", MEASURED[:1]).shares == {"clean": 1.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clean", "'clean' has no weight; write clean=0.5"),
        ("clean=half", "'clean=half' has no weight"),
        ("jpeg(quality=40)", "has no weight"),
        ("clean=0", "clean=0.0 is not possible; allowed: a number above 0"),
        ("clean=-1", "is not possible"),
        ("clean=nan", "is not possible"),
        ("clean=1,clean=2", "'clean' stands there twice"),
        ("clean=1,*=1", "clean is in 'clean' and in '*'"),
        ("blurr@low=1", "no measured condition is 'blurr@low'; measured: blur@low,"),
        ("jpeg(quality=40=1", "a bracket is not closed"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, message):
    with pytest.raises(ValueError) as caught:
        read_mixture(text, MEASURED)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_weights_by_name_are_checked_too():
    with pytest.raises(ValueError, match="allowed: a number above 0"):
        read_mixture({"clean": True}, MEASURED)
