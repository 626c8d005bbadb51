"""The grammar of conditions: canonical names, patterns, chains, errors."""

import random

import pytest

from lqjax.imaging.conditions import expand, parse
from lqjax.imaging.operations import OPERATIONS
from lqjax.imaging.suites import SUITES, Suite, SuiteEntry


def names(text):
    return [condition.name for condition in expand(text)]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("clean", "clean"),
        (" clean ", "clean"),
        ("jpeg(quality=40)", "jpeg(quality=40)"),
        ("jpeg( quality = 40.0 )", "jpeg(quality=40)"),
        ("gaussian_noise(sigma=.30)", "gaussian_noise(sigma=0.3)"),
        ("gaussian_noise(sigma=3e-1)", "gaussian_noise(sigma=0.3)"),
        ("gaussian_blur(sigma=3,kernel_size=9)", "gaussian_blur(kernel_size=9,sigma=3)"),
        ("motion_blur_line(length=7)", "motion_blur_line(length=7)"),
        ("motion_blur_line(angle=30,length=7.5)", "motion_blur_line(length=7.5,angle=30)"),
        ("low_quality/motion_blur@high", "low_quality/motion_blur@high"),
        (" low_quality / jpeg @ low ", "low_quality/jpeg@low"),
        (
            "gaussian_noise(sigma=0.3) | median( size=3 )",
            "gaussian_noise(sigma=0.3)|median(size=3)",
        ),
        ("low_quality/jpeg@high|median(size=3)", "low_quality/jpeg@high|median(size=3)"),
    ],
)
def test_one_condition_has_one_name(text, canonical):
    condition = parse(text)
    assert condition.name == canonical
    assert parse(canonical) == condition
    assert hash(parse(canonical)) == hash(condition)


def test_patterns_expand_in_table_order():
    assert names("low_quality/*@high") == [
        "low_quality/gaussian_noise@high",
        "low_quality/gaussian_blur@high",
        "low_quality/motion_blur@high",
        "low_quality/jpeg@high",
    ]
    jpeg = ["low_quality/jpeg@low", "low_quality/jpeg@medium", "low_quality/jpeg@high"]
    assert names("low_quality/jpeg") == names("low_quality/jpeg@*") == jpeg
    assert len(names("low_quality/*")) == 12
    assert names("low_quality/gaussian_*@low") == [
        "low_quality/gaussian_noise@low",
        "low_quality/gaussian_blur@low",
    ]


def test_chains_expand_and_repeats_count_once():
    assert names("low_quality/jpeg|median(size=3)")[2] == "low_quality/jpeg@high|median(size=3)"
    assert len(names("low_quality/*@high|low_quality/jpeg")) == 12
    assert names("clean,low_quality/jpeg@low,low_quality/jpeg,clean")[:2] == [
        "clean",
        "low_quality/jpeg@low",
    ]
    assert len(names("clean,low_quality/jpeg@low,low_quality/jpeg,clean")) == 4
    assert names("gaussian_blur(kernel_size=9,sigma=3),clean") == [
        "gaussian_blur(kernel_size=9,sigma=3)",
        "clean",
    ]
    assert expand(["clean", "low_quality/jpeg"]) == expand("clean,low_quality/jpeg")


def test_what_reports_read():
    condition = parse("low_quality/motion_blur@medium")
    assert condition.family == "low_quality/motion_blur"
    assert (condition.level, condition.severity) == ("medium", 2)
    assert condition.label == "Motion blur, length 15 px"
    chain = parse("low_quality/jpeg@high|median(size=3)")
    assert chain.family == "low_quality/jpeg|median(size=3)"
    assert chain.level == "high"
    assert chain.label == "JPEG, quality 10, then median, size 3 px"
    explicit = parse("gaussian_noise(sigma=0.3)")
    assert (explicit.family, explicit.level) == ("gaussian_noise", "sigma=0.3")
    assert explicit.severity == 0.3
    clean = parse("clean")
    assert (clean.family, clean.level, clean.severity, clean.label) == ("clean", "", 0, "clean")
    assert clean.steps == ()


def test_a_suite_is_its_operation_with_the_published_numbers():
    table = {
        "gaussian_noise": [{"sigma": 0.1}, {"sigma": 0.3}, {"sigma": 0.5}],
        "gaussian_blur": [
            {"kernel_size": 3, "sigma": 1},
            {"kernel_size": 9, "sigma": 3},
            {"kernel_size": 15, "sigma": 5},
        ],
        "motion_blur": [{"length": 5}, {"length": 15}, {"length": 25}],
        "jpeg": [{"quality": 70}, {"quality": 40}, {"quality": 10}],
    }
    for name, levels in table.items():
        for condition, numbers in zip(expand(f"low_quality/{name}"), levels, strict=True):
            given = condition.steps[0].parameters
            assert {key: given[key] for key in numbers} == numbers


def test_repeated_operations_draw_from_streams_of_their_own():
    first, second = parse("gaussian_noise(sigma=1)|gaussian_noise(sigma=1)").steps
    assert first.stream == OPERATIONS["gaussian_noise"].stream
    assert second.stream != first.stream
    alone = parse("low_quality/gaussian_noise@high").steps[0]
    assert alone.stream == first.stream
    behind = parse("jpeg(quality=5)|gaussian_noise(sigma=1)").steps[1]
    assert behind.stream == first.stream


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no condition given|empty condition"),
        (" ", "no condition given|empty condition"),
        ("jepg(quality=4)", "unknown operation 'jepg'; allowed: jpeg,"),
        ("low_qualty/jpeg", "unknown suite 'low_qualty'; allowed: low_quality"),
        ("low_quality/jpg@low", "unknown degradation of low_quality 'jpg'; allowed: jpeg,"),
        ("low_quality/jpeg@hi", "unknown level of low_quality 'hi'; allowed: high,"),
        ("low_quality/jpeg@", "the level after @ is missing"),
        ("low_quality", "write low_quality/\\*"),
        ("motion_blur", "write .* or low_quality/motion_blur"),
        ("jpeg@high", "write SUITE/jpeg@high"),
        ("low_quality/jpeg@low(quality=3)", "a suite fixes its parameters"),
        ("jpeg", "jpeg needs quality; write jpeg\\(quality=...\\)"),
        ("jpeg()", "jpeg needs quality"),
        ("jpeg(40)", "write jpeg\\(quality=40\\)"),
        ("jpeg(qualty=40)", "unknown parameter of jpeg 'qualty'; allowed: quality"),
        ("jpeg(quality=)", "the value of quality is missing"),
        ("jpeg(quality=good)", "quality must be a number"),
        ("jpeg(quality=nan)", "finite"),
        ("motion_blur_line(length=7,angle=nan)", "finite"),
        ("gaussian_noise(sigma=inf)", "finite"),
        ("jpeg(quality=0)", "must lie in \\[1, 100\\]"),
        ("jpeg(quality=3.5)", "whole number"),
        ("gaussian_blur(kernel_size=4,sigma=1)", "odd"),
        ("jpeg(quality=4,quality=5)", "quality is given twice"),
        ("jpeg(quality=4", "a bracket is not closed"),
        ("jpeg quality=4)", "a bracket is closed that was not opened"),
        ("jpeg(quality=4)x", "nothing may follow"),
        ("clean|median(size=3)", "clean stands alone"),
        ("jpeg(quality=4)||median(size=3)", "empty"),
        ("jpeg(quality=4)|", "empty"),
        ("low_quality/*", "stands for several conditions"),
        ("low_quality/jpeg@[lh]*", "unknown level"),
    ],
)
def test_errors_name_what_is_wrong_in_one_line(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="no condition given"):
        expand([])


def test_nothing_but_value_errors_come_out():
    pieces = [
        *"()|,=@/*.[]{}-+ e\n?\u00e9\u0663", "jpeg", "quality", "40", "nan", "1e999", "clean",
        "low_quality", "high", "gaussian_noise", "sigma", "0.3", "median", "size", "3", "_",
    ]  # fmt: skip
    rng = random.Random(0)
    read = 0
    for _ in range(3000):
        text = "".join(rng.choices(pieces, k=rng.randint(0, 12)))
        try:
            conditions = expand(text)
        except ValueError as error:
            assert "\n" not in str(error), text
            continue
        read += 1
        for condition in conditions:
            assert parse(condition.name) == condition
    assert read > 5


def test_a_suite_checks_its_table():
    entry = SuiteEntry("noise", "gaussian_noise", {"1": {"sigma": 1}}, "noise", "sigma {sigma}")
    with pytest.raises(ValueError, match="must have the levels 1, 2"):
        Suite("broken", ("1", "2"), (entry,), "a test")
    with pytest.raises(ValueError, match="two entries of one name"):
        Suite("broken", ("1",), (entry, entry), "a test")


@pytest.mark.parametrize("name", SUITES.names())
def test_every_suite_resolves_and_is_labelled(name):
    suite = SUITES[name]
    conditions = expand([f"{name}/*"])
    assert len(conditions) == len(suite.entries) * len(suite.levels)
    assert suite.name == name and suite.source
    # A suite may publish the same numbers twice: these share a label, and no others do.
    told_apart = {(c.family, *c.steps[0].parameters.values()): c.label for c in conditions}
    assert len({condition.label for condition in conditions}) == len(told_apart)
