"""The grammar of ladders: which severities, under which names, and what is refused."""

import numpy as np
import pytest

from lqjax.imaging.conditions import expand, parse
from lqjax.imaging.ladders import expand_ladders
from lqjax.imaging.ranges import LEAST_LEVELS
from lqjax.imaging.suites import SUITES
from lqjax.metrics.ladder import LEAST_LEVELS as LEAST_FOR_AN_ENVELOPE
from lqjax.metrics.ladder import Ladder


def only(text):
    (found,) = expand_ladders(text)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gaussian_noise(sigma=0..0.5*11)", np.linspace(0, 0.5, 11)),
        ("gaussian_noise(sigma=0.8..0)", np.linspace(0.8, 0, 9)),
        ("jpeg(quality=95..5*10)", np.linspace(95, 5, 10)),
        ("jpeg(quality=95..5)", np.round(np.linspace(95, 5, 9))),
        ("shot_noise(photons=1000..10)", np.geomspace(1000, 10, 9)),
        ("low_light(exposure=1..0.01*11)", np.geomspace(1, 0.01, 11)),
        ("gaussian_blur(kernel_size=3..19,sigma=2)", np.arange(3, 20, 2)),
    ],
)
def test_values_are_spaced_as_numpy_spaces_them(text, expected):
    found = only(text)
    assert found.levels == pytest.approx(expected, rel=1e-3)  # four digits
    assert found.levels[0] == expected[0] and found.levels[-1] == expected[-1]
    assert len(found.conditions) == len(found.levels) == len(set(found.conditions))
    assert found.coordinate == ("log" if "photons" in text or "exposure" in text else "linear")


def test_the_conditions_are_those_that_users_would_write():
    found = only("jpeg( quality = 90 .. 10 )|median(size=3)")
    expected = [f"jpeg(quality={q})|median(size=3)" for q in range(90, 0, -10)]
    assert list(found.conditions) == expected
    assert found.name == "jpeg(quality=90..10*9)|median(size=3)"
    assert (found.title, found.parameter, found.unit) == (
        "jpeg, then median, size 3 px",
        "quality",
        "",
    )
    fog = only("fog(decay=2,amount=0..4)")
    assert fog.title == "fog, decay 2" and fog.name == "fog(amount=0..4*9,decay=2)"
    assert fog.conditions[2] == "fog(amount=1,decay=2)"


def test_parameters_move_together():
    found = only("gaussian_blur(kernel_size=3..21,sigma=1..7*10)")
    steps = [parse(name).steps[0].parameters for name in found.conditions]
    assert [step["kernel_size"] for step in steps] == list(range(3, 22, 2))
    assert [step["sigma"] for step in steps] == pytest.approx(np.linspace(1, 7, 10), rel=1e-3)
    assert found.parameter == "sigma" and found.unit == "px"
    assert only("gaussian_blur(sigma=1..9,kernel_size=3..21)").parameter == "sigma"


@pytest.mark.parametrize(
    "text",
    [
        "jpeg(quality=95..5)",
        "low_quality/*",
        "imagenet_c/*",
        "fog(amount=0..3,decay=2)|median(size=3)",
    ],
)
def test_a_ladder_has_one_name(text):
    for found in expand_ladders(text):
        (again,) = expand_ladders([found.name])
        assert (again.name, again.conditions, again.levels) == (
            found.name,
            found.conditions,
            found.levels,
        )


def test_repeated_ladders_count_once():
    assert len(expand_ladders("jpeg(quality=95..5),jpeg(quality=95..5*9),low_quality/*")) == 5
    assert expand_ladders(()) == ()


@pytest.mark.parametrize("suite", SUITES.names())
def test_ladders_of_suites_contain_the_published_levels(suite):
    for found in expand_ladders(f"{suite}/*"):
        assert len(found.levels) >= LEAST_LEVELS
        Ladder(found.parameter, found.levels, found.coordinate, found.unit)  # refuses what turns
        parameters = [condition_parameters(name) for name in found.conditions]
        named = [
            entry for entry in SUITES[suite].entries if entry.label == found.title
        ]  # two entries may share a label
        assert any(
            all(condition_parameters(f"{suite}/{entry.name}@{level}") in parameters
                for level in SUITES[suite].levels)
            for entry in named
        ), found.name  # fmt: skip


def condition_parameters(name):
    return [(step.operation.name, dict(step.parameters)) for step in parse(name).steps]


def test_the_ladders_of_low_quality():
    found = expand_ladders("low_quality/*")
    assert [ladder.title for ladder in found] == [
        "Gaussian noise",
        "Gaussian blur",
        "Motion blur",
        "JPEG",
    ]
    assert [ladder.unit for ladder in found] == ["", "px", "px", ""]
    assert len(expand([name for ladder in found for name in ladder.conditions])) == 40
    assert expand_ladders("low_quality/jpeg")[0] == found[3]


def test_suites_give_physical_severities_where_one_parameter_moves():
    photons = only("imagenet_c/shot_noise")
    assert (photons.parameter, photons.coordinate) == ("photons", "")
    assert photons.levels[1::2] == (60, 25, 12, 5, 3)  # as published for severities 1 to 5
    assert photons.levels[0] == 120  # halfway between 1/60 and none in noise variance
    fog = only("imagenet_c/fog")
    assert (fog.parameter, fog.levels) == ("severity", tuple(np.arange(0.5, 5.1, 0.5)))
    sides = only("low_resolution/bicubic")
    assert sides.parameter == "side" and sides.levels[0] == 224 and len(sides.levels) == 11


def test_the_least_number_of_levels_is_that_of_the_envelope():
    assert LEAST_LEVELS == LEAST_FOR_AN_ENVELOPE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jpg(quality=95..5)", r"unknown operation 'jpg'; allowed: jpeg"),
        ("jpeg(qualty=95..5)", r"unknown parameter of jpeg 'qualty'; allowed: quality"),
        ("jpeg(95..5)", r"a range needs the name of its parameter \(quality\)"),
        ("jpeg", r"a range is missing; write jpeg\(quality=A\.\.B\)"),
        ("jpeg(quality=40)", "a range is missing"),
        ("clean", "clean' is no ladder"),
        ("low_quality", "it is a suite: write low_quality/"),
        ("jpeg(quality=95..5*8)", "'8' after the star is not possible; a ladder has 9 values"),
        ("jpeg(quality=95..5*many)", "'many' after the star"),
        ("jpeg(quality=95..)", "both ends of a range must be numbers, not ''"),
        ("jpeg(quality=95..0)", r"quality must lie in \[1, 100\]"),
        ("gaussian_noise(sigma=0..9)", r"sigma must lie in \[0, 4\]"),
        ("jpeg(quality=95..94.5)", "must be a whole number"),
        ("jpeg(quality=95..90)", "has 6 whole values, and 9 are asked for; .* widen the range"),
        ("gaussian_blur(kernel_size=3..9,sigma=1)", "has 4 odd values"),
        ("jpeg(quality=50..40*12)", r"has 11 whole values, and 12 .* write 50\.\.40\*11"),
        ("jpeg(quality=9..9)", "both ends are the same"),
        ("gamma(exponent=0.2..5)", r"passes 1, which changes nothing: .* exponent=1\.\.5"),
        ("gaussian_blur(sigma=1..5)", "gaussian_blur needs kernel_size"),
        ("low_resolution(side=64..8,upsampling=nearest..bicubic)", "has names, not a range"),
        ("jpeg(quality=95..5)|gaussian_noise(sigma=0..1)", "several steps have ranges"),
        ("gaussian_blur(kernel_size=3..21*9,sigma=1..7*10)", "say so once"),
        ("low_quality/jpeg@high", "without level"),
        ("low_quality/jpeg|median(size=3)", "or chain"),
        ("low_quality/jpg", "unknown degradation of low_quality 'jpg'; allowed: jpeg"),
        ("low_qualty/*", "unknown suite 'low_qualty'; allowed: low_quality"),
        ("imagenet_c/jpeg_compression", r"quality is whole.* as in jpeg\(quality=25\.\.7\)"),
    ],
)
def test_mistakes_are_explained_in_one_line(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        expand_ladders([text])
    assert "\n" not in str(caught.value)


def test_what_a_message_proposes_is_possible():
    for entry in ("jpeg_compression", "snow", "zoom_blur", "defocus_blur"):
        with pytest.raises(ValueError, match="as in") as caught:
            expand_ladders(f"imagenet_c/{entry}")
        proposed = str(caught.value).rpartition("as in ")[2]
        try:
            expand_ladders([proposed])
        except ValueError as error:
            assert "widen the range" in str(error)
