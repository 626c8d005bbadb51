"""Robustness against published tables, the authors' formulas and SciPy."""

import numpy as np
import pytest
from scipy import integrate
from sklearn.metrics import balanced_accuracy_score

from lqjax.metrics.accuracy_drop import accuracy_drops, accuracy_gaps, relative_drops
from lqjax.metrics.balanced_error import balanced_errors
from lqjax.metrics.chance_corrected import chance_corrected_robustness
from lqjax.metrics.corruption_error import (
    corruption_errors,
    mean_corruption_error,
    mean_unnormalised_error,
    relative_corruption_errors,
    relative_mean_corruption_error,
)
from lqjax.metrics.error_table import ErrorTable, error_table
from lqjax.metrics.normalised_errors import normalise_errors
from lqjax.metrics.published_errors import (
    ALEXNET_CLEAN_ERROR,
    ALEXNET_ERRORS,
    CORRUPTIONS,
    EXTRA_CORRUPTIONS,
    SEVERITIES,
    published_alexnet,
)
from lqjax.metrics.safe_ratio import safe_ratio
from lqjax.metrics.severity_area import ladder_area, severity_area

# Accuracies at severities 1 to 5 on the same 5,000 images, and on these without corruption. Source:
# RobustBench at 78fcc9e, model_info/imagenet/corruptions/unaggregated_results.csv.
RESNET50 = {
    "shot_noise": (0.5828, 0.4486, 0.2856, 0.1026, 0.0352),
    "motion_blur": (0.636, 0.5342, 0.3754, 0.2158, 0.1452),
    "snow": (0.5468, 0.312, 0.3494, 0.2344, 0.165),
    "pixelate": (0.638, 0.6434, 0.4598, 0.293, 0.2088),
    "gaussian_noise": (0.602, 0.4878, 0.3124, 0.1422, 0.0288),
    "defocus_blur": (0.5914, 0.5154, 0.3808, 0.2752, 0.1824),
    "brightness": (0.736, 0.7222, 0.6958, 0.6496, 0.5886),
    "fog": (0.6092, 0.56, 0.4674, 0.4024, 0.236),
    "zoom_blur": (0.5258, 0.4302, 0.356, 0.2844, 0.2194),
    "frost": (0.6106, 0.4366, 0.3064, 0.2864, 0.2258),
    "glass_blur": (0.5362, 0.3974, 0.1708, 0.1306, 0.1034),
    "impulse_noise": (0.4854, 0.3862, 0.2904, 0.113, 0.0244),
    "contrast": (0.6428, 0.5824, 0.466, 0.2098, 0.0542),
    "jpeg_compression": (0.6644, 0.6234, 0.6004, 0.4786, 0.3254),
    "elastic_transform": (0.6684, 0.4514, 0.5456, 0.4122, 0.1702),
}
RESNET50_CLEAN = 0.7672
ALEXNET = {
    "shot_noise": (0.2944, 0.1598, 0.0726, 0.0196, 0.012),
    "motion_blur": (0.4174, 0.295, 0.1794, 0.1022, 0.0698),
    "snow": (0.2788, 0.114, 0.132, 0.085, 0.0502),
    "pixelate": (0.4754, 0.4502, 0.267, 0.1288, 0.0858),
    "gaussian_noise": (0.311, 0.1814, 0.0724, 0.0214, 0.0058),
    "defocus_blur": (0.3404, 0.262, 0.1502, 0.085, 0.0522),
    "brightness": (0.5504, 0.514, 0.464, 0.3886, 0.2906),
    "fog": (0.3154, 0.2324, 0.157, 0.1214, 0.0556),
    "zoom_blur": (0.3028, 0.2308, 0.1936, 0.163, 0.1312),
    "frost": (0.3788, 0.1976, 0.1052, 0.0994, 0.0616),
    "glass_blur": (0.3486, 0.2412, 0.1126, 0.08, 0.0636),
    "impulse_noise": (0.2234, 0.1154, 0.0556, 0.014, 0.0054),
    "contrast": (0.3496, 0.2334, 0.1094, 0.0266, 0.0094),
    "jpeg_compression": (0.4858, 0.4522, 0.4228, 0.3488, 0.2564),
    "elastic_transform": (0.471, 0.3022, 0.44, 0.3568, 0.1898),
}
ALEXNET_CLEAN = 0.5624
# Errors of ResNet-50, the severities averaged.
RESNET50_MEANS = {
    "gaussian_noise": 0.6854,
    "shot_noise": 0.7090,
    "impulse_noise": 0.7401,
    "defocus_blur": 0.6110,
    "glass_blur": 0.7323,
    "motion_blur": 0.6187,
    "zoom_blur": 0.6368,
    "snow": 0.6785,
    "frost": 0.6268,
    "fog": 0.5450,
    "brightness": 0.3216,
    "contrast": 0.6090,
    "elastic_transform": 0.5504,
    "pixelate": 0.5514,
    "jpeg_compression": 0.4616,
}
# Means over the severities as google-research/augmix, imagenet.py, lists them.
ALEXNET_MEANS = {
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
    "speckle_noise": 0.845388,
    "gaussian_blur": 0.787108,
    "spatter": 0.717512,
    "saturate": 0.658248,
}


def measured(accuracies_by_name, clean):
    errors = {"clean": 1 - clean}
    for name, accuracies in accuracies_by_name.items():
        for severity, accuracy in zip(SEVERITIES, accuracies, strict=True):
            errors[f"imagenet_c/{name}@{severity}"] = 1 - accuracy
    return error_table(errors)


def resnet50():
    return measured(RESNET50, RESNET50_CLEAN)


def resnet50_by_means():
    errors = np.repeat(np.array(list(RESNET50_MEANS.values()))[:, None], 5, axis=1)
    return ErrorTable(tuple(RESNET50_MEANS), SEVERITIES, errors, np.array(1 - RESNET50_CLEAN))


def alexnet():
    errors = np.array([ALEXNET_ERRORS[name] for name in CORRUPTIONS])
    return ErrorTable(CORRUPTIONS, SEVERITIES, errors, np.array(ALEXNET_CLEAN_ERROR))


def random_table(seed, shape=(), corruptions=("fog", "snow"), severities=("1", "2", "3")):
    rng = np.random.default_rng(seed)
    size = (*shape, len(corruptions), len(severities))
    return ErrorTable(
        corruptions, severities, rng.uniform(0.4, 0.9, size), rng.uniform(0, 0.3, shape)
    )


def test_the_published_constants_have_the_published_means():
    assert set(ALEXNET_ERRORS) == set(ALEXNET_MEANS) == {*CORRUPTIONS, *EXTRA_CORRUPTIONS}
    for name, errors in ALEXNET_ERRORS.items():
        assert np.mean(errors) == pytest.approx(ALEXNET_MEANS[name], abs=5e-7), name


def test_the_published_constants_are_near_another_measurement_cell_by_cell():
    # RobustBench's AlexNet on a tenth of the images: near enough to show an exchanged severity.
    for name, accuracies in ALEXNET.items():
        assert ALEXNET_ERRORS[name] == pytest.approx(1 - np.array(accuracies), abs=0.016), name


@pytest.mark.parametrize("table", [resnet50(), resnet50_by_means()], ids=["75 cells", "15 means"])
def test_resnet50_has_its_published_mce_by_the_published_alexnet(table):
    reference = published_alexnet("imagenet2012", table)
    assert len(reference.corruptions) == 15
    # The authors' number on all 50,000 images is 76.7, that of RobustBench on these 5,000 76.4.
    assert 76.4 <= round(100 * mean_corruption_error(table, reference), 1) <= 76.7
    assert 1.06 < relative_mean_corruption_error(table, reference) < 1.07


def test_resnet50_has_its_published_mce_by_its_own_alexnet():
    model, reference = resnet50(), measured(ALEXNET, ALEXNET_CLEAN)
    # To the digits that RobustBench's table of results gives.
    assert mean_corruption_error(model, reference) == pytest.approx(0.7638, abs=5e-5)
    assert mean_unnormalised_error(model) == pytest.approx(1 - 0.3948, abs=5e-5)
    assert mean_unnormalised_error(reference) == pytest.approx(1 - 0.2112, abs=5e-5)
    assert 106 <= round(100 * relative_mean_corruption_error(model, reference)) <= 107


def test_alexnet_against_itself_is_exactly_one():
    table = alexnet()
    reference = published_alexnet("imagenet", table)
    assert (corruption_errors(table, reference) == 1).all()
    assert (relative_corruption_errors(table, reference) == 1).all()
    assert mean_corruption_error(table, table) == relative_mean_corruption_error(table, table) == 1


def test_corruption_errors_equal_the_formulas():
    model, reference = random_table(0), random_table(1)
    for i in range(2):
        expected = sum(model.errors[i]) / sum(reference.errors[i])
        assert corruption_errors(model, reference)[i] == pytest.approx(expected, rel=1e-12)
        rise = sum(e - model.clean for e in model.errors[i])
        expected = rise / sum(e - reference.clean for e in reference.errors[i])
        assert relative_corruption_errors(model, reference)[i] == pytest.approx(expected, rel=1e-12)


def test_resamples_go_through_at_once():
    model, reference = random_table(0, (4, 3)), random_table(1, (4, 3))
    for metric in (mean_corruption_error, relative_mean_corruption_error, mean_unnormalised_error):
        tables = (model, reference)[: 1 if metric is mean_unnormalised_error else 2]
        together = metric(*tables)
        assert together.shape == (4, 3)
        for place in np.ndindex(4, 3):
            single = [
                ErrorTable(t.corruptions, t.severities, t.errors[place], t.clean[place])
                for t in tables
            ]
            assert together[place] == pytest.approx(metric(*single), rel=1e-12)


def test_the_published_reference_serves_resamples():
    errors = np.stack([resnet50().errors, np.ones((15, 5))])
    model = ErrorTable(resnet50().corruptions, SEVERITIES, errors, np.array([0.2328, 1.0]))
    reference = published_alexnet("ImageNet", model)
    got = mean_corruption_error(model, reference)
    assert got[0] == pytest.approx(mean_corruption_error(resnet50(), alexnet_named()))
    assert got[1] == pytest.approx(np.mean([1 / ALEXNET_MEANS[name] for name in CORRUPTIONS]))


def alexnet_named():
    return published_alexnet("imagenet", resnet50())


def test_corruptions_are_matched_by_name():
    model, reference = random_table(0), random_table(1)
    turned = model.select(("snow", "fog"))
    assert mean_corruption_error(turned, reference) == mean_corruption_error(model, reference)
    assert (turned.errors == model.errors[::-1]).all()


def test_the_extra_corruptions_do_not_enter_the_mce():
    names = (*EXTRA_CORRUPTIONS, *CORRUPTIONS)
    errors = np.array([ALEXNET_ERRORS[name] for name in names])
    errors[:4] = 0.01
    model = ErrorTable(names, SEVERITIES, errors, np.array(ALEXNET_CLEAN_ERROR))
    assert mean_corruption_error(model, published_alexnet("imagenet", model)) == 1
    extra = published_alexnet("imagenet", model, EXTRA_CORRUPTIONS)
    expected = [0.01 / ALEXNET_MEANS[name] for name in EXTRA_CORRUPTIONS]
    assert corruption_errors(model, extra) == pytest.approx(expected)


def without(table, *, corruptions=None, severities=None):
    return ErrorTable(
        table.corruptions[:corruptions],
        table.severities[:severities],
        table.errors[:corruptions, :severities],
        table.clean,
    )


@pytest.mark.parametrize(
    "dataset, table, message",
    [
        ("cifar10", alexnet(), "say nothing about cifar10; add alexnet to model.names"),
        ("imagenet", without(alexnet(), severities=3), "not 1, 2, 3; test at all five"),
        ("imagenet", without(alexnet(), corruptions=13), "no errors for pixelate, jpeg_compr"),
        (
            "imagenet",
            random_table(0, severities=("1", "2", "3", "4", "4.5")),
            "not 1, 2, 3, 4, 4.5",
        ),
    ],
)
def test_the_published_constants_are_refused_where_they_do_not_belong(dataset, table, message):
    with pytest.raises(ValueError, match=message) as refused:
        published_alexnet(dataset, table)
    assert "\n" not in str(refused.value)


def test_other_sets_of_corruptions_are_not_taken_for_the_published_one():
    for prefix in ("cifar10_c/", "imagenet_c_299/"):
        table = alexnet()
        renamed = tuple(prefix + name for name in table.corruptions)
        other = ErrorTable(renamed, SEVERITIES, table.errors, table.clean)
        with pytest.raises(ValueError, match="no errors for gaussian_noise"):
            published_alexnet("imagenet", other)
    with pytest.raises(ValueError, match="no AlexNet errors are published for rain"):
        published_alexnet("imagenet", table, ("rain",))


def test_conditions_are_sorted_into_a_table():
    errors = {
        "imagenet_c/fog@10": 0.6,
        "imagenet_c/fog@2(quantize=0)": 0.3,
        "imagenet_c/fog@2": 0.2,
        "clean": 0.1,
        "imagenet_c/fog@10(quantize=0)": 0.7,
    }
    table = error_table(errors)
    assert table.corruptions == ("imagenet_c/fog", "imagenet_c/fog(quantize=0)")
    assert table.severities == ("2", "10")
    assert table.errors.tolist() == [[0.2, 0.6], [0.3, 0.7]]
    named = error_table({"clean": 0, "low_quality/jpeg@low": 0.1, "low_quality/jpeg@high": 0.3})
    assert named.severities == ("low", "high")
    arrays = error_table({"clean": [0.1, 0.2], "x/fog@1": [0.3, 0.4], "x/snow@1": [0.5, 0.6]})
    assert arrays.errors.tolist() == [[[0.3], [0.5]], [[0.4], [0.6]]]


@pytest.mark.parametrize(
    "errors, message",
    [
        ({"x/fog@1": 0.1}, "no error on clean images"),
        ({"clean": 0.1}, "clean alone"),
        ({"clean": 0.1, "jpeg(quality=40)": 0.1}, "has no severity of a suite"),
        (
            {"clean": 0.1, "x/fog@1": 0.1, "x/fog@2": 0.1, "x/snow@2": 0.1},
            "x/snow lacks severity 1",
        ),
        ({"clean": 0.1, "x/fog@1": 31.5}, "divide percentages by 100"),
        ({"clean": 0.1, "x/fog@1": np.nan}, "without gaps"),
    ],
)
def test_tables_with_gaps_are_refused(errors, message):
    with pytest.raises(ValueError, match=message):
        error_table(errors)


def test_tables_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expected \\(2, 3\\)"):
        ErrorTable(("a", "b"), ("1", "2", "3"), np.zeros((3, 2)), np.zeros(()))
    with pytest.raises(ValueError, match="stands twice"):
        ErrorTable(("a", "a"), ("1",), np.zeros((2, 1)), np.zeros(()))
    with pytest.raises(ValueError, match="severities 1, 2, 3 cannot be normalised"):
        corruption_errors(random_table(0), random_table(0, severities=("1", "2")))
    with pytest.raises(ValueError, match="no errors for rain"):
        random_table(0).select(("rain",))


# Balanced errors of AlexNet on MedMNIST-C's pneumonia set, as its authors publish them: with two
# corruptions it errs less often than on clean images.
PNEUMONIA_CLEAN = 0.1009
PNEUMONIA = {"contrast_up": 0.0953, "gamma_corr_up": 0.0961, "pixelate": 0.2210}


def pneumonia(clean, errors):
    return ErrorTable(
        tuple(errors), ("mean",), np.array([*errors.values()])[:, None], np.array(clean)
    )


def test_a_reference_that_improves_gives_no_relative_error():
    reference = pneumonia(PNEUMONIA_CLEAN, PNEUMONIA)
    # This model loses 1 point by more contrast. Divided by -0.56 points that were -1.79: better
    # than any model that holds.
    model = pneumonia(0.08, {"contrast_up": 0.09, "gamma_corr_up": 0.07, "pixelate": 0.14})
    found = normalise_errors(model, reference)
    contrast, gamma, pixelate = found.corruptions
    assert contrast.relative is None and gamma.relative is None
    assert contrast.reason == "the reference does not get worse (-0.56 points)"
    assert contrast.rise == pytest.approx(0.01)
    assert contrast.reference_rise == pytest.approx(-0.0056)
    assert contrast.ratio == pytest.approx(0.09 / 0.0953)
    assert pixelate.relative == pytest.approx(0.06 / 0.1201) and not pixelate.reason
    assert found.mean.relative is None
    assert found.mean.reason == "no ratio for contrast_up, gamma_corr_up"
    assert found.mean.ratio == pytest.approx(np.mean([0.09 / 0.0953, 0.07 / 0.0961, 0.14 / 0.221]))
    rises = (0.01 - 0.01 + 0.06, -0.0056 - 0.0048 + 0.1201)
    assert found.relative_of_means == pytest.approx(rises[0] / rises[1])
    assert np.isnan(relative_mean_corruption_error(model, reference))


def test_a_tiny_denominator_is_named():
    # AlexNet on MedMNIST-C's chest set: 0.36 points.
    reference = pneumonia(0.2839, {"gamma_corr_up": 0.2875})
    found = normalise_errors(pneumonia(0.25, {"gamma_corr_up": 0.30}), reference)
    assert found.corruptions[0].relative is None
    assert "by 0.36 points only; a ratio needs 1" in found.corruptions[0].reason
    assert found.relative_of_means is None
    model = pneumonia(0.25, {"gamma_corr_up": 0.30})
    assert np.isnan(relative_corruption_errors(model, reference)).all()
    assert relative_corruption_errors(model, reference, 0.003) == pytest.approx(0.05 / 0.0036)
    lower = normalise_errors(pneumonia(0.25, {"gamma_corr_up": 0.30}), reference, least=0.003)
    assert lower.corruptions[0].relative == pytest.approx(0.05 / 0.0036)


def test_a_reference_without_errors_gives_no_ratio_at_all():
    reference = pneumonia(0.0, {"fog": 0.002})
    found = normalise_errors(pneumonia(0.0, {"fog": 0.1}), reference)
    assert found.corruptions[0].ratio is None and found.mean.ratio is None
    assert "errs on 0.20 % only" in found.corruptions[0].reason


def test_normalised_errors_are_those_of_the_metrics():
    model, reference = random_table(0), random_table(1)
    found = normalise_errors(model, reference)
    assert [c.ratio for c in found.corruptions] == corruption_errors(model, reference).tolist()
    assert found.mean.ratio == pytest.approx(mean_corruption_error(model, reference))
    assert found.mean.relative == pytest.approx(relative_mean_corruption_error(model, reference))
    assert found.mean.reason == ""
    assert found.corruptions[1].rise == pytest.approx(model.errors[1].mean() - model.clean)
    with pytest.raises(ValueError, match="one number a cell"):
        normalise_errors(random_table(0, (2,)), reference)


def test_safe_ratio_refuses_to_turn_signs():
    with pytest.raises(ValueError, match="greater than 0"):
        safe_ratio(1.0, 1.0, least=0.0)


def test_balanced_error_equals_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.choice(4, 60, p=[0.6, 0.2, 0.15, 0.05])
    predicted = np.where(rng.random((3, 2, 60)) < 0.6, labels, rng.integers(0, 4, (3, 2, 60)))
    got = balanced_errors(predicted == labels, labels)
    assert got.shape == (3, 2)
    for place in np.ndindex(3, 2):
        expected = 1 - balanced_accuracy_score(labels, predicted[place])
        assert got[place] == pytest.approx(expected, abs=1e-12)


def test_balanced_error_of_resamples_is_that_of_the_drawn_images():
    rng = np.random.default_rng(1)
    labels = rng.choice(3, 30, p=[0.7, 0.2, 0.1])
    predicted = np.where(rng.random((2, 30)) < 0.5, labels, rng.integers(0, 3, (2, 30)))
    # The last sample lacks a class; its mean is over the others.
    draws = [*rng.integers(0, 30, (5, 30)), rng.choice(np.flatnonzero(labels != 1), 30)]
    counts = np.array([np.bincount(draw, minlength=30) for draw in draws])
    got = balanced_errors(predicted == labels, labels, counts)
    assert got.shape == (6, 2)
    for r, draw in enumerate(draws):
        for c in range(2):
            recalls = [
                np.mean(predicted[c][draw][labels[draw] == label] == label)
                for label in np.unique(labels[draw])
            ]
            assert got[r, c] == pytest.approx(1 - np.mean(recalls), abs=1e-12)


def test_balanced_error_of_right_answers_is_zero_and_a_share():
    labels = np.repeat([0, 1, 2], [1, 3, 7])
    errors = balanced_errors(np.ones((1, 11), bool), labels)
    assert errors.tolist() == [0.0]


def test_balanced_error_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="do not match"):
        balanced_errors(np.ones((2, 3), bool), np.zeros(4, int))
    with pytest.raises(ValueError, match="no example"):
        balanced_errors(np.ones((2, 3), bool), np.zeros(3, int), np.zeros((1, 3), int))


def test_drops_and_gaps():
    clean, degraded = np.array([0.8, 0.5]), np.array([[0.6, 0.9], [0.5, 0.0]])
    assert accuracy_drops(clean, degraded) == pytest.approx(np.array([[0.2, -0.1], [0, 0.5]]))
    assert relative_drops(clean, degraded) == pytest.approx(np.array([[0.25, -0.125], [0, 1]]))
    assert np.isnan(relative_drops(np.array(0.0), np.array([0.0]))).all()
    assert accuracy_gaps(degraded[0], degraded[1]) == pytest.approx([0.1, 0.9])
    with pytest.raises(ValueError, match="cannot be compared"):
        accuracy_gaps(degraded[0], degraded)


def test_chance_correction_equals_the_formula():
    clean, degraded = np.array([0.9, 0.6]), np.array([[0.45, 0.9], [0.55, 0.5]])
    expected = degraded / clean[:, None] * (1 - np.exp(-200 * (clean[:, None] - 0.5) ** 2))
    assert chance_corrected_robustness(clean, degraded, 0.5) == pytest.approx(expected, rel=1e-12)


def test_a_model_that_guesses_is_not_robust():
    guessing = chance_corrected_robustness(np.array([0.5, 0.2, 0.0]), np.full((3, 1), 0.5), 0.5)
    assert guessing.ravel().tolist() == [0, 0, 0]
    steps = chance_corrected_robustness(np.array([0.51, 0.55, 0.6]), np.full((3, 1), 0.5), 0.5)
    assert (np.diff(steps.ravel()) > 0).all()
    with pytest.raises(ValueError, match="chance=1"):
        chance_corrected_robustness(np.array(0.9), np.array([0.9]), 1.0)
    with pytest.raises(ValueError, match="alpha=0"):
        chance_corrected_robustness(np.array(0.9), np.array([0.9]), 0.5, alpha=0)


def test_severity_area_is_the_authors():
    heights = np.array([0.9, 0.8, 0.5, 0.3, 0.2])
    area = sum((heights[i] + heights[i - 1]) / 2 for i in range(1, 5)) / 4
    assert severity_area(heights) == pytest.approx(area)
    with_clean = integrate.trapezoid([0.95, *heights], range(6)) / 5
    assert severity_area(heights, np.array(0.95)) == pytest.approx(with_clean)
    assert severity_area(np.full((3, 5), 0.7), np.full(3, 0.7)) == pytest.approx(np.full(3, 0.7))


@pytest.mark.parametrize("coordinate, axis", [("linear", np.positive), ("log", np.log)])
def test_ladder_area_equals_scipy(coordinate, axis):
    levels = np.array([1.0, 1.5, 4.0, 9.0, 30.0])
    heights = np.random.default_rng(0).random((3, 5))
    expected = integrate.trapezoid(heights, axis(levels)) / np.ptp(axis(levels))
    assert ladder_area(levels, heights, coordinate) == pytest.approx(expected)
    falling = ladder_area(levels[::-1], heights[:, ::-1], coordinate)
    assert falling == pytest.approx(expected)


@pytest.mark.parametrize(
    "levels, coordinate, message",
    [
        ([1, 2, 1.5], "linear", "turn back"),
        ([0, 1, 2], "log", "have no logarithm"),
        ([1, 2, 3], "cubic", "allowed: linear, log"),
        ([1], "linear", "two or more"),
        ([1, 2, np.inf], "linear", "finite"),
        ([1, 2, 3, 4], "linear", "do not fit 4 levels"),
    ],
)
def test_ladders_that_are_none_have_no_area(levels, coordinate, message):
    with pytest.raises(ValueError, match=message):
        ladder_area(levels, np.zeros(3), coordinate)
