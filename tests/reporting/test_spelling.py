"""No condition that lqjax itself can write is taken for a misspelling, and jax is not needed."""

import subprocess
import sys

from lqjax.imaging.conditions import expand
from lqjax.imaging.operations import OPERATIONS
from lqjax.imaging.published import PUBLISHED
from lqjax.imaging.suites import SUITES
from lqjax.reporting.external.spelling import check_spelling

PLACE = "mine.csv, line 2"


def refused(conditions):
    """Return those that are refused where no run of ours was tested under any."""
    found = []
    for condition in conditions:
        try:
            check_spelling(PLACE, condition, ())
        except ValueError as error:
            found.append(str(error))
    return found


def test_every_condition_of_every_suite_and_published_set_is_known():
    patterns = [f"{name}/*" for name in (*SUITES, *PUBLISHED)]
    conditions = [condition.name for condition in expand(patterns, published=True)]
    wanted = sum(len(SUITES[name].names()) * len(SUITES[name].levels) for name in SUITES)
    wanted += sum(len(s.corruptions) * max(1, len(s.levels)) for s in PUBLISHED.values())
    assert len(conditions) == wanted
    examples = {
        "low_quality/motion_blur@low", "imagenet_c/brightness@3", "cifar10_c/contrast@2",
        "imagenet_c/saturate@5", "cifar10_corrupted/frosted_glass_blur@1", "mnist_corrupted/scale",
    }  # fmt: skip
    assert examples <= set(conditions)
    assert refused(conditions) == []
    assert refused(f"{name}(quantize=0)" for name in conditions) == []


def test_every_operation_is_known_with_each_of_its_parameters():
    given = [
        f"{name}({parameter.name}={value})"
        for name in OPERATIONS
        for parameter in OPERATIONS[name].parameters
        for value in parameter.choices or (parameter.low,)
    ]
    assert len(given) > len(OPERATIONS.names())
    assert refused([*OPERATIONS, *given]) == []


def test_slips_in_them_are_refused_without_runs_of_ours():
    slips = {
        "low_quality/moton_blur@low": "'motion_blur'",
        "imagenet_c/brigthness@3": "'brightness'",
        "low_quality/jpeg@hihg": "'high'",
        "jpeg(qualty=40)": "'quality'",
        "cifar10_corruptd/fog@3": "'cifar10_corrupted'",
    }
    messages = refused(slips)
    assert len(messages) == len(slips)
    for message, nearest in zip(messages, slips.values(), strict=True):
        assert f"is it {nearest}" in message


def test_names_are_known_without_jax():
    code = (
        "import sys; from lqjax.reporting.external.spelling import check_spelling;"
        f" check_spelling({PLACE!r}, 'low_resolution/lanczos@96|median(size=3)', ());"
        " sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
