"""What the leader mistakes more or less often than the runner-up, counted by scikit-learn."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.metrics import confusion_matrix

from lqjax.metrics.accuracy import predictions
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.confusion_gap_figure import (
    confusion_gap_caption,
    confusion_gap_figure,
    confusion_gaps,
    confusion_gaps_in_words,
    largest,
)
from lqjax.reporting.study import read_study
from lqjax.reporting.style import PALETTE, figure_style, pair_colors
from tests.reporting.conftest import grid_conditions


def shares(workdir, model, conditions, classes):
    run = workdir.run(model, 0)
    labels = np.tile(run.examples()["labels"], len(conditions))
    given = np.concatenate([predictions(run.logits(c)) for c in conditions])
    return confusion_matrix(labels, given, labels=range(classes), normalize="true")


@pytest.mark.parametrize(
    "classes, kind", [(2, "matrix"), (15, "matrix"), (16, "bars"), (100, "bars")]
)
def test_differences_are_those_of_scikit_learn(make_workdir, classes, kind):
    conditions = grid_conditions()[:4]
    workdir = make_workdir(n=400, classes=classes, conditions=conditions, gallery=False)
    study = read_study([workdir])
    comparison = compare_models(study)
    (clean_title, clean), (title, degraded) = confusion_gaps(study, comparison)
    assert clean_title == "clean images" and title == "degraded images (3 conditions)"
    names = [c[0] for c in conditions]
    for gap, over in ((clean, names[:1]), (degraded, names[1:])):
        first, second = (
            shares(workdir, m, over, classes) for m in (comparison.leader, comparison.other)
        )
        np.testing.assert_allclose(gap, first - second, atol=1e-12)
    figure = confusion_gap_figure(study, comparison)
    assert [axes.get_title() for axes in figure.axes] == [clean_title, title]
    assert all(bool(axes.patches) == (kind == "bars") for axes in figure.axes)
    assert all(bool(axes.images) == (kind == "matrix") for axes in figure.axes)


def test_the_largest_differences_are_mistakes_and_named(make_workdir):
    gap = np.array([[0.9, -0.5, np.nan], [0.2, -0.9, 0.3], [0.0, 0.0, 0.0]])
    assert largest(gap, 5) == [(0, 1), (1, 2), (1, 0)]
    assert largest(gap, 1) == [(0, 1)]
    study = read_study([make_workdir(gallery=False, conditions=grid_conditions()[:2])])
    comparison = compare_models(study)
    (_, clean), _ = confusion_gaps(study, comparison)
    i, j = largest(clean, 1)[0]
    assert f"clean images: {i} → {j} {100 * clean[i, j]:+.1f}" in confusion_gaps_in_words(
        study, comparison
    )


def test_one_model_has_no_differences(make_workdir):
    study = read_study([make_workdir(models=(("alexnet", 0.8),), gallery=False)])
    comparison = compare_models(study)
    assert confusion_gap_figure(study, comparison) is None


def test_a_class_without_images_has_no_share(make_workdir):
    study = read_study([make_workdir(n=4, classes=5, gallery=False, extras=False)])
    (_, gap), _ = confusion_gaps(study, compare_models(study))
    assert np.isnan(gap[4]).all() and not np.isnan(gap[:4]).any()
    assert confusion_gap_figure(study, compare_models(study)) is not None


@pytest.mark.parametrize("classes, kind", [(3, "matrix"), (16, "bars")])
def test_differences_have_the_colours_of_the_models(make_workdir, classes, kind):
    models = (("small", 0.4), ("alexnet", 0.7), ("resnet50", 0.95))
    workdir = make_workdir(
        models=models, n=160, classes=classes, conditions=grid_conditions()[:2], gallery=False
    )
    study = read_study([workdir])
    comparison = compare_models(study)
    assert (comparison.leader, comparison.other) == ("resnet50", "alexnet")
    colors = {name: PALETTE[study.models.index(name)] for name in ("resnet50", "alexnet")}
    assert PALETTE[0] not in colors.values()
    figure = confusion_gap_figure(study, comparison)
    (legend,) = figure.legends
    said = {text.get_text(): to_hex(key.get_facecolor()) for text, key in
            zip(legend.get_texts(), legend.legend_handles, strict=True)}  # fmt: skip
    assert said == {
        "+ resnet50 more often": colors["resnet50"],
        "− alexnet more often": colors["alexnet"],
    }
    axes = figure.axes[0]
    if kind == "matrix":
        image = axes.images[0]
        assert [to_hex(image.cmap(end)) for end in (1.0, 0.0)] == list(colors.values())
    else:
        for bar in axes.patches:
            name = "resnet50" if bar.get_width() > 0 else "alexnet"
            assert to_hex(bar.get_facecolor()) == colors[name]
    caption = confusion_gap_caption(study, comparison)
    assert "blue" not in caption.lower() and "orange" not in caption


def test_models_that_share_a_colour_are_given_two():
    models = [f"m{i}" for i in range(8)]
    assert pair_colors(models, "m7", "m1") == (PALETTE[0], PALETTE[1])
    assert pair_colors(models, "m7", "m2") == (PALETTE[1], PALETTE[2])


def test_long_names_stay_within_the_figure(make_workdir):
    names = [f"mobilenet_v3_large_of_the_{which}_hospital_in_2025" for which in ("one", "other")]
    workdir = make_workdir(
        models=[(names[0], 0.5), (names[1], 0.9)],
        n=60, classes=3, conditions=grid_conditions()[:1], gallery=False,
    )  # fmt: skip
    study = read_study([workdir])
    with figure_style():
        figure = confusion_gap_figure(study, compare_models(study))
        figure.canvas.draw()
        (legend,) = figure.legends
        extent = legend.get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1
