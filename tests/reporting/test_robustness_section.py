"""The robustness section, from the stored scores by plain NumPy and a bootstrap loop."""

import csv

import numpy as np
import pytest
from scipy import stats

from lqjax.metrics.published_errors import ALEXNET_ERRORS, CORRUPTIONS, EXTRA_CORRUPTIONS
from lqjax.metrics.summary import summarise
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.heat_map import heat_map, heat_map_figure
from lqjax.reporting.report import write_report
from lqjax.reporting.robustness import measure_robustness
from lqjax.reporting.robustness_reference import own_reference
from lqjax.reporting.robustness_section import robustness_section
from lqjax.reporting.study import read_study
from lqjax.reporting.style import PALETTE
from lqjax.reporting.suite_errors import complete_suites
from lqjax.rows import Row
from tests.blank_figures import blank_figures
from tests.reporting.conftest import LEVELS, grid_conditions, scores

N, CLASSES, CHANCE = 120, 5, 0.2
FAMILIES = ("gaussian_blur", "gaussian_noise", "jpeg", "motion_blur")
"""In the order of a report that no configuration orders otherwise."""

DEGRADED = [f"low_quality/{family}@{level}" for family in FAMILIES for level in LEVELS]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    from tests.reporting.conftest import build

    folder = tmp_path_factory.mktemp("robustness") / "run"
    models = (("alexnet", 0.74), ("resnet50", 0.93))
    return build(folder, models=models, n=N, classes=CLASSES, gallery=False, extras=False)


def studied(workdir):
    study = read_study([workdir])
    return study, compare_models(study)


def measured(workdir):
    return measure_robustness(*studied(workdir))


def right(workdir, model, condition, seed=0, fold=0):
    run = workdir.run(model, seed, fold)
    return run.logits(condition).argmax(1) == run.examples()["labels"]


def accuracy(workdir, model, condition):
    return right(workdir, model, condition).mean()


def of(robustness, model):
    return next(found for found in robustness.models if found.model == model)


def test_drops_areas_and_ratios_are_those_of_the_stored_answers(workdir):
    robustness = measured(workdir)
    for model in ("alexnet", "resnet50"):
        found, clean = of(robustness, model), accuracy(workdir, model, "clean")
        degraded = np.mean([accuracy(workdir, model, c) for c in DEGRADED])
        assert found.clean.value == pytest.approx(clean)
        assert found.drop.value == pytest.approx(clean - degraded)
        assert found.relative_drop.value == pytest.approx(1 - degraded / clean)
        corrected = degraded / clean * (1 - np.exp(-200 * (clean - CHANCE) ** 2))
        assert found.chance_corrected.value == pytest.approx(corrected)
        areas = []
        for family in FAMILIES:
            curve = [accuracy(workdir, model, f"low_quality/{family}@{x}") for x in LEVELS]
            areas.append(np.trapezoid([clean, *curve]) / 3)
            key = f"low_quality/{family}"
            assert found.areas[key].value == pytest.approx(areas[-1])
            assert found.drops[key].value == pytest.approx(clean - np.mean(curve))
        assert found.area.value == pytest.approx(np.mean(areas))


def test_levels_and_losses_compare_the_two(workdir):
    robustness = measured(workdir)
    assert [found.level for found in robustness.levels] == list(LEVELS)
    for found in robustness.levels:
        names = [f"low_quality/{family}@{found.level}" for family in FAMILIES]
        means = [np.mean([accuracy(workdir, m, c) for c in names]) for m in found.accuracy]
        assert found.conditions == 4
        assert [e.value for e in found.accuracy.values()] == pytest.approx(means)
        assert found.gap.value == pytest.approx(means[1] - means[0])
    drops = [of(robustness, model).drop.value for model in ("alexnet", "resnet50")]
    assert robustness.drop_gap.value == pytest.approx(drops[0] - drops[1])


def errors_of(workdir, model):
    """Return error by family and level, and on clean images."""
    table = [
        [1 - accuracy(workdir, model, f"low_quality/{f}@{x}") for x in LEVELS] for f in FAMILIES
    ]
    return np.array(table), 1 - accuracy(workdir, model, "clean")


def test_corruption_errors_are_normalised_by_the_alexnet_of_the_comparison(workdir):
    (suite,) = measured(workdir).suites
    assert (suite.suite, suite.reference) == ("low_quality", "alexnet")
    (own, own_clean), (reference, clean) = (errors_of(workdir, m) for m in ("resnet50", "alexnet"))
    ratios = own.sum(1) / reference.sum(1)
    relative = (own - own_clean).sum(1) / (reference - clean).sum(1)
    assert suite.mean_error["resnet50"].value == pytest.approx(ratios.mean())
    assert suite.relative_mean_error["resnet50"].value == pytest.approx(relative.mean())
    cells = suite.errors["resnet50"].corruptions
    assert [cell.ratio for cell in cells] == pytest.approx(ratios)
    assert [cell.relative for cell in cells] == pytest.approx(relative)
    assert suite.mean_error["alexnet"].value == 1
    assert not suite.mean_error["alexnet"].is_bounded()


def test_intervals_of_ratios_are_those_of_a_bootstrap_by_loop(workdir):
    answers = {
        model: np.stack([right(workdir, model, c) for c in ["clean", *DEGRADED]], axis=1)
        for model in ("alexnet", "resnet50")
    }
    rng, found = np.random.default_rng(1), []
    for _ in range(4000):
        drawn = rng.integers(0, N, N)
        means = {model: values[drawn].mean(0) for model, values in answers.items()}
        errors = {m: (1 - v[1:]).reshape(4, 3).sum(1) for m, v in means.items()}
        own = means["resnet50"]
        found.append(((errors["resnet50"] / errors["alexnet"]).mean(), 1 - own[1:].mean() / own[0]))
    ratio, drop = np.transpose(found)
    robustness = measured(workdir)
    for estimate, resampled in (
        (robustness.suites[0].mean_error["resnet50"], ratio),
        (of(robustness, "resnet50").relative_drop, drop),
    ):
        ends = np.percentile(resampled, [2.5, 97.5])
        # Percentiles are not BCa, but with statistics this smooth they are near.
        assert [estimate.low, estimate.high] == pytest.approx(ends, abs=0.25 * np.ptp(ends))


def test_balanced_errors_weigh_classes_alike(workdir):
    def balanced(model, condition):
        labels = workdir.run(model, 0).examples()["labels"]
        correct = right(workdir, model, condition)
        return 1 - np.mean([correct[labels == k].mean() for k in range(CLASSES)])

    robustness = measured(workdir)
    for model in ("alexnet", "resnet50"):
        found = of(robustness, model)
        assert found.balanced_clean == pytest.approx(balanced(model, "clean"))
        wanted = np.mean([balanced(model, c) for c in DEGRADED])
        assert found.balanced_degraded == pytest.approx(wanted)
    cells = robustness.suites[0].balanced["resnet50"].corruptions
    for family, cell in zip(FAMILIES, cells, strict=True):
        names = [f"low_quality/{family}@{level}" for level in LEVELS]
        sums = [sum(balanced(m, c) for c in names) for m in ("resnet50", "alexnet")]
        assert cell.ratio == pytest.approx(sums[0] / sums[1])


def test_without_alexnet_the_report_says_why_there_is_no_mce(make_workdir):
    models = (("resnet18", 0.8), ("resnet50", 0.93))
    workdir = make_workdir(models=models, n=40, gallery=False, extras=False)
    robustness = measured(workdir)
    assert robustness.suites == ()
    assert "not in this comparison, and the published ones are of ImageNet, not of digits" in (
        robustness.without
    )
    assert "Add alexnet to model.names" in robustness.without


def imagenet_c(corruptions=CORRUPTIONS):
    found = [("clean", "clean", "", "clean", 0.0, None)]
    for name in corruptions:
        for s in range(1, 6):
            title = f"{name}, severity {s}"
            found.append(
                (f"imagenet_c/{name}@{s}", f"imagenet_c/{name}", str(s), title, 0.1 * s, 20.0)
            )
    return found


@pytest.mark.slow
@blank_figures()
def test_on_imagenet_the_published_errors_are_the_reference(make_workdir):
    workdir = make_workdir(
        models=(("resnet50", 0.8),), conditions=imagenet_c((*CORRUPTIONS, "spatter")),
        dataset="imagenet", classes=1000, n=60, size=224, gallery=False, extras=False,
    )  # fmt: skip
    (suite,) = measured(workdir).suites
    assert suite.reference == "the published AlexNet" and suite.balanced == {}
    ratios = [
        sum(1 - accuracy(workdir, "resnet50", f"imagenet_c/{c}@{s}") for s in range(1, 6))
        / sum(ALEXNET_ERRORS[c])
        for c in CORRUPTIONS
    ]
    assert suite.mean_error["resnet50"].value == pytest.approx(np.mean(ratios))
    assert suite.mean_error["resnet50"].is_bounded()


def test_ten_classes_of_imagenet_have_no_published_reference(make_workdir):
    workdir = make_workdir(
        models=(("resnet50", 0.8),), conditions=imagenet_c(), dataset="imagenet", n=40,
        gallery=False, extras=False,
    )  # fmt: skip
    robustness = measured(workdir)
    assert robustness.suites == () and "which is not in this comparison" in robustness.without
    assert "of the 1,000 classes of ImageNet, not of 10." in robustness.without


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 256])
@blank_figures()
def test_off_224_px_the_published_errors_are_no_reference_and_the_page_says_why(size, make_workdir):
    workdir = make_workdir(
        models=(("resnet50", 0.8),), conditions=imagenet_c(), dataset="imagenet", classes=1000,
        n=40, size=size, gallery=False, extras=False,
    )  # fmt: skip
    study, comparison = studied(workdir)
    robustness = measure_robustness(study, comparison)
    reason = f"the published ones are of images of 224 px, not of {size} px. Add alexnet to"
    assert robustness.suites == () and reason in robustness.without
    blocks = robustness_section(study, comparison, robustness, {})
    assert any(reason in getattr(block, "text", "") for block in blocks)


def test_an_incomplete_imagenet_c_has_no_mce(make_workdir):
    workdir = make_workdir(
        models=(("resnet50", 0.8),), conditions=imagenet_c(CORRUPTIONS[:2]),
        dataset="imagenet", classes=1000, n=40, size=224, gallery=False, extras=False,
    )  # fmt: skip
    robustness = measured(workdir)
    assert robustness.suites == ()
    assert robustness.without.startswith("No mCE for imagenet_c: no errors for impulse_noise")


def test_the_four_extra_corruptions_do_not_enter_the_mean():
    from lqjax.reporting.conditions import Condition

    def names(corruptions):
        return [
            Condition(f"imagenet_c/{c}@{s}", f"imagenet_c/{c}", s, c, "")
            for c in corruptions
            for s in "12345"
        ]

    (whole,) = complete_suites(names((*CORRUPTIONS, *EXTRA_CORRUPTIONS))).values()
    assert {c.title for c in whole} == set(CORRUPTIONS)
    (part,) = complete_suites(names(("fog", "spatter"))).values()
    assert {c.title for c in part} == {"fog", "spatter"}
    (cut,) = complete_suites(names(("fog", "spatter"))[:-1]).values()
    assert {c.title for c in cut} == {"fog"}


def rewrite(workdir, model, condition, correct):
    """Replace the answers of a condition by ones of which so many are right."""
    run = workdir.run(model, 0)
    labels, row = run.examples()["labels"], run.row(condition)
    logits = scores(labels, CLASSES, np.arange(len(labels)) < correct, np.random.default_rng(0))
    kept = {k: v for k, v in vars(row).items() if k not in summarise(logits, labels)}
    run.write_condition(Row(**kept, **summarise(logits, labels)), logits.astype(np.float32))


@blank_figures()
def test_where_alexnet_gains_there_is_no_ratio_but_the_rises_and_the_reason(make_workdir):
    workdir = make_workdir(n=100, classes=CLASSES, gallery=False, extras=False)
    rewrite(workdir, "alexnet", "clean", 80)
    for level in LEVELS:
        rewrite(workdir, "alexnet", f"low_quality/jpeg@{level}", 83)
    (suite,) = measured(workdir).suites
    cells = {cell.corruption: cell for cell in suite.errors["resnet50"].corruptions}
    jpeg = cells["low_quality/jpeg"]
    assert jpeg.relative is None and jpeg.reference_rise == pytest.approx(-0.03)
    assert np.isnan(suite.relative_mean_error["resnet50"].value)
    write_report([workdir])
    text = (workdir.report / "report.md").read_text()
    assert "the reference does not get worse (-3.00 points)" in text
    assert "no ratio for JPEG" in text and "Not defined: the reason stands below" in text
    with (workdir.report / "robustness.csv").open() as file:
        rows = {(r["model"], r["measure"], r["scope"]): r for r in csv.DictReader(file)}
    row = rows["resnet50", "relative_ce", "low_quality/jpeg"]
    assert row["value"] == "" and "does not get worse" in row["reason"]
    ce = rows["resnet50", "ce", "low_quality/jpeg"]
    assert float(ce["value"]) == pytest.approx(jpeg.error / 0.17) and ce["reason"] == ""
    drop = rows["alexnet", "drop", "low_quality/jpeg"]
    assert float(drop["value"]) == pytest.approx(-0.03)


def test_with_folds_ratios_have_the_corrected_interval_of_their_pseudo_values(make_workdir):
    folds = 4
    workdir = make_workdir(
        n=50, classes=CLASSES, folds=range(folds), gallery=False, extras=False,
        conditions=grid_conditions()[:4],
    )  # fmt: skip
    names = [name for name, *_ in grid_conditions()[1:4]]

    def by_fold(conditions):
        found = [[right(workdir, "resnet50", c, 0, f) for c in conditions] for f in range(folds)]
        return np.mean(found, axis=(1, 2))

    clean, degraded = by_fold(["clean"]), by_fold(names)
    whole = 1 - degraded.mean() / clean.mean()
    pseudo = []
    for left_out in range(folds):
        rest = np.arange(folds) != left_out
        part = 1 - degraded[rest].mean() / clean[rest].mean()
        pseudo.append(folds * whole - (folds - 1) * part)
    error = np.std(pseudo, ddof=1) * np.sqrt(1 / folds + 1 / (folds - 1))
    wanted = (whole, *stats.t.interval(0.95, folds - 1, whole, error))
    found = of(measured(workdir), "resnet50")
    assert found.relative_drop == pytest.approx(wanted)
    drops = clean - degraded
    error = drops.std(ddof=1) * np.sqrt(1 / folds + 1 / (folds - 1))
    assert found.drop == pytest.approx(
        (drops.mean(), *stats.t.interval(0.95, folds - 1, drops.mean(), error))
    )


@pytest.mark.parametrize(
    "models, found",
    [
        (("resnet18", "alexnet_one_tower", "alexnet"), "alexnet"),
        (("resnet18", "alexnet_one_tower"), "alexnet_one_tower"),
        (("alexnet@0.001", "resnet18"), "alexnet@0.001"),
        (("resnet18", "alexnet (augmented)"), "alexnet (augmented)"),
        (("resnet18", "alexnetish"), ""),
    ],
)
def test_the_reference_is_an_alexnet_of_the_comparison(models, found):
    assert own_reference(models) == found


def test_the_section_needs_clean_and_degraded_images(make_workdir):
    workdir = make_workdir(n=30, conditions=grid_conditions()[1:4], gallery=False, extras=False)
    study, comparison = studied(workdir)
    assert measure_robustness(study, comparison) is None
    (block,) = robustness_section(study, comparison, None, {})
    assert ": alexnet and resnet50 have no answers on clean images. Test" in block.text
    workdir = make_workdir("clean", n=30, conditions=grid_conditions()[:1], gallery=False)
    study, comparison = studied(workdir)
    assert list(robustness_section(study, comparison, None, {})) == []


def test_the_section_names_a_model_without_degraded_conditions(make_workdir):
    workdir = make_workdir(n=30, conditions=grid_conditions()[:4], gallery=False, extras=False)
    for file in workdir.run("resnet50", 0).root.glob("conditions/low_quality*"):
        file.unlink()
    study, comparison = studied(workdir)
    (block,) = robustness_section(study, comparison, measure_robustness(study, comparison), {})
    assert "finished: resnet50 has no answers on degraded ones. Test under clean" in block.text


def test_the_heat_map_holds_the_gaps_and_marks_what_is_shown(workdir):
    study, comparison = studied(workdir)
    found = heat_map(study, comparison)
    sign = 1 if comparison.leader == "resnet50" else -1
    for row, family in enumerate(FAMILIES):
        for column, level in enumerate(LEVELS):
            name = f"low_quality/{family}@{level}"
            first, second = (accuracy(workdir, m, name) for m in ("resnet50", "alexnet"))
            assert found.points[row, column] == pytest.approx(100 * sign * (first - second))
            assert found.shown[row, column] == (comparison.tests.p_values[name] <= 0.05)
    assert found.columns == LEVELS and found.shown.any() and not found.shown.all()
    assert found.ends == (PALETTE[0], PALETTE[1])
    figure = heat_map_figure(found)
    image = figure.axes[0].get_images()[0]
    assert image.norm.vmin == -image.norm.vmax and image.norm.vmax == np.abs(found.points).max()
    written = [text.get_text() for text in figure.axes[0].texts]
    wanted = [f"{v:+.1f}".replace("-", "−") for v in found.points.ravel()]
    marks = [" *" if mark else "" for mark in found.shown.ravel()]
    assert written == [v.replace("+0.0", "0.0") + m for v, m in zip(wanted, marks, strict=True)]


def test_families_without_common_levels_stand_by_rank_and_gaps_stay_empty(make_workdir):
    conditions = [
        ("clean", "clean", "", "clean", 0.0, None),
        ("gaussian_noise(sigma=0.1)", "gaussian_noise", "", "noise, sigma 0.1", 0.1, 25.0),
        ("gaussian_noise(sigma=0.3)", "gaussian_noise", "", "noise, sigma 0.3", 0.3, 15.0),
        ("jpeg(quality=10)", "jpeg", "", "JPEG, quality 10", 0.3, 20.0),
    ]
    workdir = make_workdir(
        models=(("alexnet", 0.8),), conditions=conditions, n=50, gallery=False, extras=False
    )
    study, comparison = studied(workdir)
    found = heat_map(study, comparison)
    assert found.columns == ("1.", "2.") and found.rows == ("noise", "JPEG")
    assert np.isnan(found.points[1, 1]) and np.isfinite(found.points).sum() == 3
    clean, noisy = (accuracy(workdir, "alexnet", c) for c in ("clean", conditions[1][0]))
    assert found.points[0, 0] == pytest.approx(100 * (clean - noisy))
    assert "drop from clean images" in found.title and "JPEG: 1. " in found.in_words()
    robustness = measure_robustness(study, comparison)
    assert robustness.levels == () and robustness.suites == () and robustness.without == ""
    assert of(robustness, "alexnet").area is None


@blank_figures()
def test_the_file_holds_every_number_with_its_interval(workdir):
    write_report([workdir])
    with (workdir.report / "robustness.csv").open() as file:
        rows = {(r["model"], r["measure"], r["scope"]): r for r in csv.DictReader(file)}
    robustness = measured(workdir)
    drop = of(robustness, "resnet50").drop
    row = rows["resnet50", "drop", "all"]
    assert [float(row[k]) for k in ("value", "low", "high")] == pytest.approx(drop)
    mean = rows["resnet50", "mce", "low_quality"]
    assert mean["reference"] == "alexnet"
    assert float(mean["value"]) == robustness.suites[0].mean_error["resnet50"].value
    text = (workdir.report / "report.md").read_text()
    assert f"| drop, points | {100 * of(robustness, 'alexnet').drop.value:.1f} [" in text
    assert "divided by those of alexnet of this comparison" in text
