"""Corruption errors of published sets are over the same fifteen corruptions as those made here."""

import numpy as np

from lqjax.imaging.conditions import expand
from lqjax.metrics.corruption_error import mean_corruption_error
from lqjax.metrics.error_table import error_table
from lqjax.metrics.published_errors import ALEXNET_ERRORS, CORRUPTIONS, published_alexnet
from lqjax.reporting.conditions import Condition
from lqjax.reporting.suite_errors import complete_suites


def listed(pattern):
    found = expand([pattern], published=True)
    return [Condition(c.name, c.family, c.level, c.label, "") for c in found]


def test_the_four_extra_corruptions_are_left_out_of_the_mean():
    found = complete_suites([*listed("cifar10_c/*"), *listed("cifar10_corrupted/*")])
    assert {suite: len(conditions) for suite, conditions in found.items()} == {
        "cifar10_c": 75,
        "cifar10_corrupted": 75,
    }
    names = {c.family.rpartition("/")[2] for c in found["cifar10_corrupted"]}
    assert {"frosted_glass_blur", "elastic"} < names
    assert not names & {"saturate", "spatter", "speckle_noise", "gaussian_blur"}


def test_the_published_alexnet_has_an_mce_of_one_on_the_published_pictures():
    errors = {
        f"imagenet2012_corrupted/{name}@{severity + 1}": value
        for name in CORRUPTIONS
        for severity, value in enumerate(ALEXNET_ERRORS[name])
    }
    table = error_table({"clean": 0.4348, **errors})
    reference = published_alexnet("imagenet2012", table)
    np.testing.assert_allclose(mean_corruption_error(table, reference), 1)
