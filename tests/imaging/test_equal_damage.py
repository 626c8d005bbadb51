"""Severities of equal damage: verified from outside, by degrading and measuring again."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import lqjax
from lqjax.imaging import damage as damage_module
from lqjax.imaging.apply import chain_program
from lqjax.imaging.conditions import parse
from lqjax.imaging.damage import ImageSet, measure
from lqjax.imaging.equal_damage import EqualDamage, severity_for
from lqjax.imaging.operations import OPERATIONS, Parameter, operation

TOLERANCE = 0.011  # dB; what is promised, and the noise of float32


@pytest.fixture(scope="module")
def pictures():
    small = skimage.data.astronaut()[::4, ::4]
    return np.stack([small[y : y + 32, x : x + 32] for y in (0, 48, 96) for x in (16, 64)])


def mean_psnr(condition, images, **choices):
    """Degrade and measure as a user would who knows nothing of the search."""
    degraded = lqjax.degrade(images, condition, **choices)
    white = 255 if images.dtype == np.uint8 else 1
    pairs = zip(images, degraded, strict=True)
    return np.mean([peak_signal_noise_ratio(a, b, data_range=white) for a, b in pairs])


def mean_ssim(condition, images):
    degraded = lqjax.degrade(images, condition)
    choices = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return np.mean(
        [
            structural_similarity(a, b, data_range=1, channel_axis=-1, **choices)
            for a, b in zip(images, degraded, strict=True)
        ]
    )


CONTINUOUS = [
    ("gaussian_noise", 25.0, {}),
    ("gaussian_noise", 12.0, {}),
    ("gaussian_blur", 25.0, {"kernel_size": 15}),
    ("motion_blur_line", 24.0, {}),
    ("motion_blur_line", 24.0, {"angle": 30}),
    ("contrast_channel_mean", 22.0, {"between": (0, 1)}),
    ("shot_noise", 20.0, {}),
    ("shot_and_read_noise", 20.0, {"read_noise": 2}),  # no limit above, where the identity is
    ("imagenet_c/gaussian_noise", 18.0, {}),
    ("imagenet_c/contrast", 18.0, {"quantize": 0}),
]


@pytest.mark.parametrize(("name", "target", "choices"), CONTINUOUS)
def test_a_continuous_parameter_meets_the_target(pictures, name, target, choices):
    images = (pictures / 255).astype(np.float32)
    found = severity_for(name, psnr=target, images=images, **choices)
    assert found.exact and found.side == "" and found.unchanged == 0
    assert found.condition == parse(found.condition).name
    assert mean_psnr(found.condition, images) == pytest.approx(target, abs=TOLERANCE)
    assert found.psnr == pytest.approx(mean_psnr(found.condition, images), abs=1e-3)
    assert found.ssim == pytest.approx(mean_ssim(found.condition, images), abs=1e-4)
    assert len(repr(found.value)) <= 8


def test_a_whole_parameter_gets_the_nearest_value(pictures):
    for target in (24.0, 27.3, 33.0):
        found = severity_for("jpeg", psnr=target, images=pictures)
        assert found.condition == f"jpeg(quality={found.value})" and type(found.value) is int
        assert found.parameter == "quality"
        each = {q: mean_psnr(f"jpeg(quality={q})", pictures) for q in range(1, 101)}
        near = (found.value - 1, found.value, found.value + 1)
        distances = [abs(each[quality] - target) for quality in near]
        assert distances[1] == min(distances)
        assert min(each[q] for q in near) < target < max(each[q] for q in near)
        assert found.side == ("milder" if each[found.value] > target else "stronger")
        assert not found.exact
        assert found.psnr == pytest.approx(each[found.value], abs=1e-3)


def test_odd_parameters_stay_odd(pictures):
    found = severity_for("gaussian_blur", psnr=19, images=pictures, sigma=4)
    assert found.value % 2 == 1 and found.parameter == "kernel_size"
    steps = [mean_psnr(f"gaussian_blur(kernel_size={found.value + d},sigma=4)", pictures)
             for d in (-2, 0, 2)]  # fmt: skip
    assert abs(steps[1] - 19) <= min(abs(steps[0] - 19), abs(steps[2] - 19))
    assert steps[0] > 19 > steps[2]


def test_different_degradations_do_equal_damage(pictures):
    images = pictures / 255
    found = [
        severity_for(name, psnr=23, images=images, **fixed)
        for name, fixed in (("gaussian_noise", {}), ("gaussian_blur", {"kernel_size": 21}))
    ]
    each = [mean_psnr(one.condition, images) for one in found]
    assert abs(each[0] - each[1]) < 2 * TOLERANCE
    assert found[0].ssim < found[1].ssim  # equal in squared error, not to the eye


def test_ssim_is_a_target_too(pictures):
    images = (pictures / 255).astype(np.float32)
    found = severity_for("gaussian_noise", ssim=0.7, images=images)
    assert mean_ssim(found.condition, images) == pytest.approx(0.7, abs=0.0011)
    assert found.exact


def test_a_smaller_tolerance_gives_more_digits(pictures):
    coarse = severity_for("gaussian_noise", psnr=25, images=pictures)
    fine = severity_for("gaussian_noise", psnr=25, images=pictures, tolerance=1e-4)
    assert abs(mean_psnr(fine.condition, pictures) - 25) < 2e-4
    assert len(repr(coarse.value)) < len(repr(fine.value))


def test_steps_get_the_nearest_side(pictures):
    found = severity_for("pixelate", psnr=23, images=pictures)
    below = mean_psnr(f"pixelate(scale={found.value - 1 / 32})", pictures)
    above = mean_psnr(f"pixelate(scale={found.value + 1 / 32})", pictures)
    assert below < 23 < above and not found.exact
    assert abs(found.psnr - 23) <= min(abs(below - 23), abs(above - 23))


def test_blank_images_do_not_decide(pictures):
    # JPEG leaves middle grey as it is: its PSNR is infinite at every quality.
    blank = np.full_like(pictures[:1], 128)
    alone = severity_for("jpeg", psnr=27, images=pictures)
    found = severity_for("jpeg", psnr=27, images=np.concatenate([pictures, blank]))
    assert (found.value, found.unchanged) == (alone.value, 1)
    assert found.psnr == pytest.approx(alone.psnr, abs=1e-9)
    assert found.ssim == pytest.approx((6 * alone.ssim + 1) / 7, abs=1e-6)
    with pytest.raises(ValueError, match="no change"):
        severity_for("jpeg", psnr=27, images=blank)


def test_chunks_order_and_types_do_not_matter(pictures, monkeypatch):
    names = list("abcdef")
    whole = severity_for("gaussian_noise", psnr=20, images=pictures, ids=names, seed=3)
    monkeypatch.setattr(damage_module, "_CHUNK_VALUES", 4 * 32 * 32 * 3)
    monkeypatch.setattr(damage_module, "_RESIDENT_BYTES", 0)
    turned = severity_for("gaussian_noise", psnr=20, images=pictures[::-1], ids=names[::-1], seed=3)
    assert dataclasses.replace(whole, psnr=0, ssim=0) == dataclasses.replace(turned, psnr=0, ssim=0)
    assert whole.psnr == pytest.approx(turned.psnr, abs=1e-6)
    assert mean_psnr(whole.condition, pictures, ids=names, seed=3) == pytest.approx(
        20, abs=TOLERANCE
    )
    grey = severity_for("gaussian_noise", psnr=20, images=pictures[0, :, :, 0] / 255)
    assert isinstance(grey, EqualDamage)


def test_a_search_compiles_once(pictures):
    structure = (("speckle_noise", OPERATIONS["speckle_noise"].stream, (), False, False),)
    program = chain_program(structure)
    programs, compiled = chain_program.cache_info().misses, program._cache_size()
    severity_for("speckle_noise", psnr=25, images=pictures)
    severity_for("speckle_noise", psnr=15, images=pictures)
    assert chain_program.cache_info().misses == programs
    assert chain_program(structure) is program and program._cache_size() <= compiled + 1


def test_without_structure_nothing_is_measured_below_the_window(pictures):
    tiny = np.ascontiguousarray(pictures[:, :10, :10])
    found = severity_for("gaussian_noise", psnr=25, images=tiny)
    assert found.ssim is None
    with pytest.raises(ValueError, match="at least 11 px"):
        severity_for("gaussian_noise", ssim=0.5, images=tiny)
    assert measure(*[(tiny / np.float32(255))] * 2)[1] is None


def test_a_set_is_measured_as_its_images_are(pictures):
    images = ImageSet(pictures)
    assert images.damage("jpeg(quality=30)").psnr == pytest.approx(
        mean_psnr("jpeg(quality=30)", pictures), abs=1e-3
    )
    blur = "gaussian_blur(kernel_size=3,sigma=0.35)"  # weak: rounding to 8 bits shows
    assert images.damage(blur).psnr == pytest.approx(mean_psnr(blur, pictures), abs=1e-3)
    untouched = images.damage("gaussian_noise(sigma=0)")
    assert (untouched.psnr, untouched.ssim, untouched.unchanged) == (None, 1.0, 6)


REFUSED = [
    (("jpeg",), {}, "give psnr .* got neither"),
    (("jpeg",), {"psnr": 25, "ssim": 0.5}, "got both"),
    (("jpeg",), {"psnr": float("nan")}, "must be a number of dB"),
    (("jpeg",), {"psnr": "much"}, "psnr=much"),
    (("jpeg",), {"ssim": 1.5}, "a number up to 1"),
    (("jpeg",), {"psnr": 25, "tolerance": 0}, "tolerance=0 must be above 0"),
    (("jpg",), {"psnr": 25}, "unknown operation 'jpg'; allowed: jpeg,"),
    (("clean",), {"psnr": 25}, "clean changes nothing"),
    (("motion_blur",), {"psnr": 25}, "suites have it: write .*low_quality/motion_blur"),
    (("jpeg(quality=3)",), {"psnr": 25}, "without severity"),
    (("jpeg|median(size=3)",), {"psnr": 25}, "without severity"),
    (("jpeg",), {"psnr": 25, "quality": 30}, "no numeric parameter to search, quality being fixed"),
    (("jpeg",), {"psnr": 25, "color": 30}, "unknown parameter of jpeg 'color'"),
    (("gaussian_blur",), {"psnr": 25}, "needs kernel_size, sigma; fix all but"),
    (("gaussian_blur",), {"psnr": 25, "kernel_size": 4}, "kernel_size must be odd"),
    (("imagenet_c/gausian_noise",), {"psnr": 25}, "'gausian_noise'; allowed: gaussian_noise"),
    (("imagenet/fog",), {"psnr": 25}, "unknown suite 'imagenet'; allowed: imagenet_c"),
    (
        ("imagenet_c/jpeg_compression",),
        {"psnr": 25},
        "quality is whole.*search a parameter of jpeg",
    ),
    (("imagenet_c/gaussian_noise",), {"psnr": 25, "sigma": 1}, "a suite fixes its parameters"),
    (("jpeg",), {"psnr": 80}, r"from .* dB \(quality=1\) to .* dB \(quality=100\); choose"),
    (("gaussian_noise",), {"psnr": 3}, r"dB \(sigma=4\) to no change"),
    (("gaussian_noise",), {"psnr": 3, "between": (0.1, 9)}, r"within \[0, 4\]"),
    (("jpeg",), {"psnr": 25, "between": (20, 10.5), "ids": ["a"]}, "6 images, 1 ids"),
    (("contrast_channel_mean",), {"psnr": 22}, r"both sides of factor=1.*between=\(0, 1\)"),
]


@pytest.mark.parametrize(("names", "choices", "message"), REFUSED)
def test_what_is_refused_says_how_to_fix_it(pictures, names, choices, message):
    with pytest.raises(ValueError, match=message) as caught:
        severity_for(*names, images=pictures, **choices)
    assert "\n" not in str(caught.value)


def test_no_images_are_refused(pictures):
    with pytest.raises(ValueError, match="no images to measure"):
        severity_for("jpeg", psnr=25, images=pictures[:0])
    with pytest.raises(ValueError, match="convert them to uint8"):
        severity_for("jpeg", psnr=25, images=pictures.astype(np.int32))


@pytest.fixture
def turning():
    """Register an operation whose damage falls and rises again."""

    @operation("turning", "degradation", Parameter("turn", "1", -1, 1), source="made for this test")
    def turning(images, draws, *, turn):
        return images * (0.5 + 0.5 * (1 - turn * turn))

    yield turning
    del OPERATIONS._entries["turning"]


def test_a_curve_that_turns_back_is_told(pictures, turning):
    with pytest.raises(
        ValueError, match=r"not do steadily more damage along its turn.*\(-1, "
    ) as e:
        severity_for("turning", psnr=20, images=pictures)
    assert "between=" in str(e.value) and "\n" not in str(e.value)
    found = severity_for("turning", psnr=20, images=pictures / 255, between=(0, 1))
    assert found.value > 0 and found.exact


@pytest.mark.slow
def test_the_page_prints_what_it_shows(capsys):
    page = (Path(__file__).parents[2] / "docs" / "equal-damage.md").read_text()
    program = re.findall(r"```python\n(.*?)```", page, re.S)[1]
    exec(compile(program, "docs/equal-damage.md", "exec"), {})
    table = capsys.readouterr().out
    shown = re.search(r"^\| condition .*?\n\n", page, re.S | re.M)[0]
    assert re.findall(r"`.*?`", table) == re.findall(r"`.*?`", shown)
    numbers = [[float(n) for n in re.findall(r"\| ([\d.]+) ", text)] for text in (table, shown)]
    np.testing.assert_allclose(*numbers, atol=0.011)
