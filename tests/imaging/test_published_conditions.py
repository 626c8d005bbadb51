"""Conditions of published sets: written as TFDS names them, and refused where images are made."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from lqjax.imaging.conditions import expand, parse
from lqjax.imaging.degrade import degrade
from lqjax.imaging.ladders import expand_ladders
from lqjax.imaging.published import PUBLISHED


@pytest.mark.parametrize("name", PUBLISHED)
def test_all_configs_of_tfds_are_conditions_and_no_others(name):
    conditions = expand([f"{name}/*"], published=True)
    wanted = {f"{name}/{config.name}" for config in tfds.builder_cls(name).BUILDER_CONFIGS}
    assert {condition.published.dataset for condition in conditions} == wanted
    assert len({condition.name for condition in conditions}) == len(conditions) == len(wanted)
    for condition in conditions:
        assert expand([condition.name], published=True) == (condition,)


def test_names_of_a_chain():
    (condition,) = expand("cifar10_corrupted/frosted_glass_blur@2 | median(size=3)", published=True)
    assert condition.name == "cifar10_corrupted/frosted_glass_blur@2|median(size=3)"
    assert condition.family == "cifar10_corrupted/frosted_glass_blur|median(size=3)"
    assert (condition.level, condition.severity) == ("2", 2)
    assert condition.label == "published frosted glass blur, then median, size 3 px"
    assert condition.degraded and len(condition.steps) == 1
    (alone,) = expand("mnist_corrupted/fog", published=True)
    assert (alone.name, alone.level, alone.steps) == ("mnist_corrupted/fog", "", ())
    assert alone.degraded and not parse("clean").degraded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cifar10_corrupted/fgo@3", "unknown corruption of cifar10_corrupted 'fgo'; allowed: fog,"),
        ("cifar10_corrupted/fog@6", "unknown severity of cifar10_corrupted '6'; allowed: "),
        ("cifar10_corrupted/fog@2.5", "unknown severity"),
        ("cifar10_corrupted/fog@", "the level after @ is missing"),
        ("cifar10_corrupted/fog@3(quantize=0)", "take no options"),
        ("mnist_corrupted/fog@1", "has no severities; write mnist_corrupted/fog$"),
        ("median(size=3)|mnist_corrupted/fog", "come first in a chain"),
        ("cifar10_corupted/fog@3", "unknown suite .*; allowed: cifar10_corrupted, cifar10_c,"),
        ("cifar10_corrupted", "it is a published set: write cifar10_corrupted/[*]"),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(ValueError, match=message) as error:
        expand([text], published=True)
    assert "\n" not in str(error.value)


def test_images_are_not_made_so():
    refusal = "are read, not made; they can be tested"
    with pytest.raises(ValueError, match=refusal):
        expand(["clean", "cifar10_corrupted/fog@3"])
    with pytest.raises(ValueError, match=refusal):
        degrade(np.zeros((32, 32, 3), np.uint8), "cifar10_corrupted/fog@3")
    with pytest.raises(ValueError, match="unknown suite 'cifar10_corrupted'"):
        expand_ladders(["cifar10_corrupted/fog"])
