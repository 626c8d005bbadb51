"""The suites of MedMNIST-C: their numbers, and conditions against the published steps."""

import io

import numpy as np
import pytest
import skimage.color
from PIL import Image, ImageEnhance

from lqjax.imaging.conditions import expand, parse
from lqjax.imaging.degrade import degrade
from lqjax.imaging.suites import SUITES

# Read from medmnistc 0.1.0, corruptions/registry.py, whose sixth levels are never used.
PUBLISHED = {
    "pathmnist": """
        pixelate .8 .6 .4 .3 .25 | jpeg_compression 50 30 15 10 7
        defocus_blur 3,.1 4,.1 5,.2 6,.2 7,.3 | motion_blur 5,5 10,5 15,5 15,8 15,12
        brightness_up 1.1 1.15 1.2 1.22 1.25 | brightness_down .85 .8 .75 .72 .7
        contrast_up 1.1 1.2 1.3 1.4 1.6 | contrast_down .8 .7 .6 .55 .5
        saturate .05 .1 .15 .2 .25 | stain_deposit 1 2 3 4 5
        bubble 7,15 10,15 12,15 15,20 17,25
    """,
    "bloodmnist": """
        pixelate .6 .5 .4 .3 .25 | jpeg_compression 50 30 15 10 7
        defocus_blur 2,.01 3,.1 4,.1 5,.1 6,.1 | motion_blur 3,3 5,5 10,5 10,7 10,9
        brightness_up 1.1 1.2 1.3 1.35 1.4 | brightness_down .9 .8 .7 .6 .5
        contrast_up 1.1 1.15 1.2 1.25 1.3 | contrast_down .9 .8 .7 .6 .5
        saturate .05 .1 .15 .17 .2 | stain_deposit 1 2 3 3 3
        bubble 5,10 7,10 10,10 12,12 15,12
    """,
    "dermamnist": """
        pixelate .7 .5 .4 .3 .25 | jpeg_compression 30 20 15 10 7
        gaussian_noise .04 .08 .12 .18 .26 | speckle_noise .05 .15 .2 .35 .45
        impulse_noise .01 .03 .06 .09 .17 | shot_noise 60 25 18 10 5
        defocus_blur 4,.1 5,.2 6,.3 7,.4 8,.5 | motion_blur 10,5 15,5 15,8 15,12 20,15
        zoom_blur 12,1 16,1 11,2 13,2 11,3
        brightness_up 1.1 1.2 1.3 1.4 1.5 | brightness_down .9 .8 .7 .6 .5
        contrast_up 1.1 1.2 1.3 1.4 1.6 | contrast_down .8 .7 .6 .5 .4
        black_corner 1.10 1.05 1.00 .90 .95
    """,
    "retinamnist": """
        pixelate .8 .6 .5 .4 .35 | jpeg_compression 30 25 20 10 5
        gaussian_noise .04 .08 .12 .16 .20 | speckle_noise .1 .15 .2 .25 .3
        defocus_blur 4,.1 5,.2 6,.3 7,.4 8,.5 | motion_blur 8,5 15,5 15,8 15,12 20,15
        brightness_down .9 .8 .7 .6 .5 | contrast_down .9 .8 .7 .6 .4
    """,
    "tissuemnist": """
        pixelate .4 .3 .2 .15 .1 | jpeg_compression 25 20 15 10 7
        impulse_noise .01 .015 .02 .025 .03 | gaussian_blur 13 15 17 21 25
        brightness_up 1.3 1.4 1.5 1.6 1.7 | brightness_down .8 .7 .6 .5 .4
        contrast_up 1.1 1.2 1.3 1.4 1.6 | contrast_down .9 .8 .7 .6 .4
    """,
    "octmnist": """
        pixelate .3 .25 .2 .15 .1 | jpeg_compression 30 15 10 7 5
        speckle_noise .15 .3 .4 .5 .6 | defocus_blur .5,.6 1,.5 1.5,.1 2,.5 2.5,.1
        motion_blur 10,3 15,5 15,8 15,12 20,15 | contrast_down .6 .4 .3 .2 .15
    """,
    "breastmnist": """
        pixelate .3 .25 .2 .15 .1 | jpeg_compression 50 30 15 10 7
        speckle_noise .1 .15 .2 .25 .3 | motion_blur 5,5 9,7 9,10 13,10 17,12
        brightness_up 1.4 1.5 1.6 1.8 2 | brightness_down .55 .5 .45 .4 .3
        contrast_down .9 .8 .7 .6 .4
    """,
    "chestmnist": """
        pixelate .3 .25 .2 .15 .1 | jpeg_compression 50 30 15 10 7
        gaussian_noise .04 .08 .12 .18 .26 | speckle_noise .05 .15 .2 .35 .45
        impulse_noise .01 .03 .06 .09 .17 | shot_noise 60 25 18 10 5
        gaussian_blur 3 5 7 9 11
        brightness_up 1.1 1.2 1.3 1.4 1.5 | brightness_down .9 .8 .7 .6 .5
        contrast_up 1.1 1.2 1.3 1.4 1.6 | contrast_down .9 .8 .7 .6 .4
        gamma_corr_up 1.1 1.2 1.3 1.4 1.6 | gamma_corr_down .9 .8 .7 .6 .4
    """,
    "pneumoniamnist": """
        pixelate .8 .7 .6 .5 .4 | jpeg_compression 50 30 15 10 7
        gaussian_noise .04 .05 .06 .07 .08 | speckle_noise .05 .07 .1 .15 .2
        impulse_noise .005 .01 .013 .017 .02 | shot_noise 300 200 150 100 80
        gaussian_blur 3 5 7 9 11
        brightness_up 1.1 1.2 1.3 1.4 1.5 | brightness_down .9 .8 .7 .6 .5
        contrast_up 1.1 1.2 1.3 1.4 1.6 | contrast_down .9 .8 .7 .6 .4
        gamma_corr_up 1.1 1.2 1.3 1.4 1.6 | gamma_corr_down .9 .8 .7 .6 .4
    """,
    "organamnist": """
        pixelate .7 .6 .5 .4 .35 | jpeg_compression 50 30 15 10 7
        gaussian_noise .04 .08 .12 .16 .2 | speckle_noise .05 .1 .2 .3 .4
        impulse_noise .01 .02 .03 .05 .08 | shot_noise 200 100 50 25 15
        gaussian_blur 11 13 15 17 21
        brightness_up 1.2 1.3 1.4 1.5 1.6 | brightness_down .8 .75 .7 .65 .6
        contrast_up 1.3 1.4 1.6 1.7 1.8 | contrast_down .8 .7 .6 .55 .5
        gamma_corr_up 1.3 1.4 1.6 1.8 2 | gamma_corr_down .9 .8 .7 .6 .4
    """,
}
PUBLISHED["organcmnist"] = PUBLISHED["organsmnist"] = PUBLISHED["organamnist"]


def table(text):
    """Read "name level level ..." with the numbers of a level joined by commas."""
    rows = (part.split() for line in text.strip().splitlines() for part in line.split("|"))
    return {
        name: [tuple(float(number) for number in word.split(",")) for word in words]
        for name, *words in rows
    }


def pictures(shape=(2, 64, 64, 3)):
    return np.random.default_rng(0).integers(20, 230, shape).astype(np.uint8)


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_a_suite_has_the_published_numbers(dataset):
    suite, published = SUITES[f"medmnist_c/{dataset}"], table(PUBLISHED[dataset])
    assert list(suite.names()) == list(published)
    assert suite.quantize and suite.levels == ("1", "2", "3", "4", "5")
    for entry in suite.entries:
        for numbers, level in zip(published[entry.name], suite.levels, strict=True):
            given = tuple(entry.levels[level].values())
            assert given[: len(numbers)] == pytest.approx(numbers), entry.name
            assert len(given) == len(numbers) or entry.name in ("gaussian_blur", "stain_deposit")


def test_all_twelve_data_sets_are_there_and_conditions_expand():
    names = [name for name in SUITES if name.startswith("medmnist_c/")]
    assert len(names) == 12
    for name in names:
        conditions = expand(f"{name}/*")
        assert len(conditions) == 5 * len(SUITES[name].names())
        assert all(condition.steps[0].label for condition in conditions)


def test_kernels_get_the_standard_deviation_of_torchvision():
    given = parse("medmnist_c/tissuemnist/gaussian_blur@1").steps[0].parameters
    assert given == {"kernel_size": 13, "sigma": pytest.approx(2.3)}


def test_stains_of_level_5_are_larger():
    sizes = [parse(f"medmnist_c/pathmnist/stain_deposit@{n}").steps[0].parameters for n in (4, 5)]
    assert [size["size"] for size in sizes] == [24, 32]


def as_jpeg(image, quality):
    stored = io.BytesIO()
    image.save(stored, "JPEG", quality=quality)
    return Image.open(stored)


def boxed(image, scale):
    small = tuple(int(side * scale) for side in image.size)
    return image.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.BOX)


DETERMINISTIC = {
    "pixelate@2": lambda image: boxed(image, 0.6),
    "jpeg_compression@3": lambda image: as_jpeg(image, 15),
    "brightness_up@4": lambda image: ImageEnhance.Brightness(image).enhance(1.22),
    "brightness_down@1": lambda image: ImageEnhance.Brightness(image).enhance(0.85),
    "contrast_up@5": lambda image: ImageEnhance.Contrast(image).enhance(1.6),
    "contrast_down@4": lambda image: ImageEnhance.Contrast(image).enhance(0.55),
}


@pytest.mark.parametrize("condition", DETERMINISTIC)
def test_equals_the_published_steps_bit_for_bit(condition):
    given = pictures()
    found = degrade(given, f"medmnist_c/pathmnist/{condition}")
    for image, result in zip(given, found, strict=True):
        expected = np.array(DETERMINISTIC[condition](Image.fromarray(image)))
        np.testing.assert_array_equal(result, expected)


def test_saturation_is_shifted():
    given = pictures()
    found = degrade(given, "medmnist_c/pathmnist/saturate@5").astype(int)
    hsv = skimage.color.rgb2hsv(given / 255)
    hsv[..., 1] = np.clip(hsv[..., 1] + 0.25, 0, 1)
    expected = (np.clip(skimage.color.hsv2rgb(hsv), 0, 1) * 255).astype(np.uint8).astype(int)
    assert np.abs(found - expected).max() <= 1
    assert (found == expected).mean() > 0.85


@pytest.mark.parametrize(("condition", "gamma"), [("up@5", 1.6), ("down@5", 0.4)])
def test_gamma_is_within_a_level_of_torchvisions_table(condition, gamma):
    given = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(2, 1).repeat(2, 2)
    found = degrade(given, f"medmnist_c/chestmnist/gamma_corr_{condition}").astype(int)
    expected = (255.999 * (given / 255) ** gamma).astype(int)
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize(
    "condition", ["bubble@1.5", "stain_deposit@2.5", "jpeg_compression@0", "defocus_blur@4.5"]
)
def test_what_is_counted_has_nothing_between_levels(condition):
    with pytest.raises(ValueError, match="nothing between"):
        parse(f"medmnist_c/pathmnist/{condition}")
    with pytest.raises(ValueError, match="not in order"):
        parse("medmnist_c/dermamnist/black_corner@3.5")


@pytest.mark.parametrize("name", ["brightness_up", "contrast_down", "saturate", "pixelate"])
def test_severity_0_is_the_identity_bit_for_bit(name):
    given = pictures()
    np.testing.assert_array_equal(degrade(given, f"medmnist_c/pathmnist/{name}@0"), given)


def test_grey_images_are_corrupted_as_three_channels():
    grey = np.full((8, 64, 64, 1), 0.5, np.float32)
    weights = np.array([0.299, 0.587, 0.114])
    for suite, share in (("medmnist_c/octmnist", np.linalg.norm(weights)), ("imagenet_c", 1)):
        noisy = degrade(grey, f"{suite}/speckle_noise@1").astype(np.float64)
        assert noisy.shape == grey.shape
        assert noisy.std() == pytest.approx(0.5 * 0.15 * share, rel=0.02)


def test_grey_comes_back_as_pillow_converts_it():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (3, 32, 32, 1)).astype(np.uint8)
    condition = "medmnist_c/chestmnist/gaussian_noise@3"
    found = degrade(grey, condition)
    coloured = degrade(np.repeat(grey, 3, axis=3), condition)
    for one, three in zip(found, coloured, strict=True):
        np.testing.assert_array_equal(one[..., 0], np.asarray(Image.fromarray(three).convert("L")))
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    same = degrade(levels, "medmnist_c/chestmnist/gaussian_noise@0")
    np.testing.assert_array_equal(same, levels)
