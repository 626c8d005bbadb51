"""Class weights: by rarity as in scikit-learn, as a mapping, and what is refused."""

import json

import numpy as np
import pytest

from lqjax.config import Config, TrainingConfig, from_record
from lqjax.overriding import from_arguments, override, to_dict
from lqjax.training.class_weights import class_weights, parse_class_weights

NAMES = ("bird", "cat", "dog")
AWKWARD = ("a", "a=2", "b,c", "b", " x", "p(q", "1")


def test_rarity_as_in_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    counts = np.array([7, 1, 30])
    labels = np.repeat(np.arange(3), counts)
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    found = class_weights("auto", NAMES, counts)
    np.testing.assert_allclose(found, wanted)
    assert (found * counts).sum() / counts.sum() == pytest.approx(1)


def test_a_class_without_examples_disturbs_nobody():
    found = class_weights("auto", NAMES, np.array([7, 0, 30]))
    np.testing.assert_allclose(found, [37 / 14, 1, 37 / 60])


def test_none_and_mappings():
    np.testing.assert_array_equal(class_weights("none", NAMES, np.ones(3)), [1, 1, 1])
    np.testing.assert_array_equal(class_weights("dog=0.5, cat = 2", NAMES, np.ones(3)), [1, 2, 0.5])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a=3", {"a": 3}),
        ("a=2=3", {"a=2": 3}),
        ("a=2", {"a": 2}),
        ("b,c=4,b=5", {"b,c": 4, "b": 5}),
        (" x=2,p(q=3,1=1e-3", {" x": 2, "p(q": 3, "1": 0.001}),
    ],
)
def test_awkward_names(text, wanted):
    assert parse_class_weights(text, AWKWARD) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cta=2", "unknown class 'cta'; allowed: cat, "),
        ("cat=2,dgo=1", "unknown class 'dgo'; allowed: dog"),
        ("cat", "'cat' gives no weight; allowed: none, auto"),
        ("balanced", "'balanced' gives no weight; allowed: none, auto"),
        ("", "training.class_weights is empty; allowed: none, auto"),
        ("cat=2,cat=3", "'cat' stands twice"),
        ("cat=two", "cat=two is not possible; allowed: a number greater than 0"),
        ("cat=0", "cat=0 is not possible"),
        ("cat=-1", "cat=-1 is not possible"),
        ("cat=inf", "cat=inf is not possible"),
        ("cat=", "cat= is not possible"),
        ("cat=2=3", "unknown class 'cat=2'; allowed: cat"),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse_class_weights(text, NAMES)
    assert "\n" not in str(caught.value)


def test_a_thousand_classes_are_not_listed():
    names = tuple(f"class {number}" for number in range(1000))
    with pytest.raises(ValueError, match=r"allowed: class 12, .* and 995 more$"):
        parse_class_weights("clas 12=2", names)


def test_python_gives_a_mapping_and_the_text_is_kept():
    made = from_arguments(Config(), {"class_weights": {"dog": np.float32(0.5), "cat": 2}})
    assert made == override(Config(), "training.class_weights", "cat=2,dog=0.5")
    assert made == from_record(json.loads(json.dumps(to_dict(made))))
    assert TrainingConfig(class_weights={"cat": 0.1}).class_weights == "cat=0.1"


@pytest.mark.parametrize(
    "mapping", [{"a=2": 3.0, "a": 1e-3}, {"b,c": 4.0, "b": 1 / 3}, {" x": 2.0, "p(q": 1e20, "1": 1}]
)
def test_a_mapping_comes_back_from_its_text(mapping):
    text = TrainingConfig(class_weights=mapping).class_weights
    assert parse_class_weights(text, AWKWARD) == mapping


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            [2.0, 1.0],
            r"training.class_weights=\[2.0, 1.0\] is not possible; .* or a mapping",
        ),
        (
            2.0,
            "training.class_weights=2.0 is not possible; allowed: none, auto, a text",
        ),
        (None, "training.class_weights=None is not possible"),
        ({3: 2.0}, r"training.class_weights: 3 is not a name; names are texts: write {'3': 2.0}"),
        (
            {"cat": "2"},
            "training.class_weights: cat='2' is not possible; allowed: a number",
        ),
        ({"cat": 0}, "cat=0 is not possible"),
        ({"cat": True}, "cat=True is not possible"),
        ({"cat": float("nan")}, "cat=nan is not possible"),
    ],
)
def test_mistakes_in_a_mapping(given, message):
    with pytest.raises(ValueError, match=message) as caught:
        from_arguments(Config(), {"class_weights": given})
    assert "\n" not in str(caught.value)


def test_no_other_setting_takes_a_mapping():
    with pytest.raises(ValueError, match=r"training.epochs={'cat': 2}: expected a whole number"):
        from_arguments(Config(), {"epochs": {"cat": 2}})
