"""The curves with their bands, read back from what was drawn."""

import dataclasses
import itertools

import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_hex
from scipy.stats import binomtest

from lqjax.reporting.comparison import compare_models
from lqjax.reporting.legends import draw_legend, legend_columns
from lqjax.reporting.severity_axis import mild_to_severe, severity_axis, varying
from lqjax.reporting.severity_figure import severity_figure, severity_in_words
from lqjax.reporting.study import read_study
from lqjax.reporting.style import (
    LINES,
    MARKERS,
    PALETTE,
    WIDTH,
    figure_style,
    model_looks,
    new_figure,
)
from tests.reporting.conftest import build, grid_conditions

MODELS = (("alexnet", 0.8), ("resnet50", 0.9), ("vgg16", 0.85))
LEVELS = ("clean", "low", "medium", "high")


def wilson(run, condition):
    """Return both ends for the share that a run gets right, in %."""
    labels = run.examples()["labels"]
    right = int((run.logits(condition).argmax(1) == labels).sum())
    return [100 * end for end in binomtest(right, len(labels)).proportion_ci(method="wilson")]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    workdir = build(tmp_path_factory.mktemp("bands") / "run", models=MODELS, gallery=False, n=120)
    study = read_study([workdir])
    with figure_style():
        figure = severity_figure(study, compare_models(study))
    return workdir, study, figure


def panel(figure, title):
    (axes,) = (axes for axes in figure.axes if axes.get_title(loc="left") == title)
    return axes


def curves(axes):
    return {line.get_label(): line for line in axes.get_lines() if line.get_marker() in MARKERS}


def bands(axes):
    return [c for c in axes.collections if isinstance(c, FillBetweenPolyCollection)]


def test_the_edges_of_a_band_are_the_ends_of_the_intervals(drawn):
    workdir, study, figure = drawn
    axes = panel(figure, "Gaussian noise")
    assert len(bands(axes)) == len(MODELS)
    for (model, _), band in zip(MODELS, bands(axes), strict=True):
        assert to_hex(band.get_facecolor()[0]) == model_looks(study.models)[model].color
        run = workdir.run(model, 0)
        names = ["clean", *(f"low_quality/gaussian_noise@{level}" for level in LEVELS[1:])]
        corners = band.get_paths()[0].vertices
        for place, name in enumerate(names):
            heights = corners[corners[:, 0] == place, 1]
            expected = wilson(run, name)
            np.testing.assert_allclose([heights.min(), heights.max()], expected, atol=1e-9)


def test_each_point_lies_in_its_band_at_the_accuracy(drawn):
    workdir, _, figure = drawn
    for model, line in curves(panel(figure, "motion blur")).items():
        run = workdir.run(model, 0)
        names = ["clean", *(f"low_quality/motion_blur@{level}" for level in LEVELS[1:])]
        labels = run.examples()["labels"]
        shares = [100 * (run.logits(name).argmax(1) == labels).mean() for name in names]
        np.testing.assert_allclose(line.get_ydata(), shares)


def test_curves_are_told_apart_by_colour_marker_and_dashes(drawn):
    _, _, figure = drawn
    found = curves(figure.axes[0]).values()
    for read in ("get_color", "get_marker", "get_linestyle"):
        assert len({str(getattr(line, read)()) for line in found}) >= 2, read
    assert len({line.get_color() for line in found}) == len(MODELS)
    assert len({line.get_marker() for line in found}) == len(MODELS)
    assert len({str(line._unscaled_dash_pattern) for line in found}) == len(MODELS)
    assert len(set(map(str, LINES))) == len(MARKERS) > len(PALETTE)


def test_severities_go_from_mild_to_severe_with_their_parameter_below(drawn):
    _, _, figure = drawn
    ticks = {
        axes.get_title(loc="left"): [t.get_text() for t in axes.get_xticklabels()]
        for axes in figure.axes
    }
    assert ticks["JPEG"] == ["clean", "low\n70", "medium\n40", "high\n10"]
    assert ticks["Gaussian blur"][1:] == ["low\n3 / 1", "medium\n9 / 3", "high\n15 / 5"]
    named = {title: panel(figure, title).get_xlabel() for title in ticks}
    assert named["Gaussian noise"] == "sigma" and named["Gaussian blur"] == "px / sigma"
    assert named["motion blur"] == "length, px" and named["JPEG"] == "quality"


def test_words_below_ticks_do_not_run_into_each_other(drawn):
    _, _, figure = drawn
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))
    (legend,) = figure.legends
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_plots_stand_below_each_other_where_the_words_need_the_room(make_workdir):
    conditions = [("clean", "clean", "", "clean", 0.0, None)]
    for family in ("light", "shade", "haze", "glare"):
        for level in range(1, 8):
            label = f"{family}, {level / 10 + 0.01234:.5f} of the light"
            conditions.append(
                (f"scene/{family}@{level}", f"scene/{family}", str(level), label, 0.1, 9)
            )
    study = read_study([make_workdir(conditions=conditions, gallery=False, n=60)])
    with figure_style():
        figure = severity_figure(study, compare_models(study))
        figure.draw_without_rendering()
    for axes in filter(lambda axes: axes.axison, figure.axes):
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert len(boxes) == 8
        assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


def test_an_interval_that_stands_alone_is_a_bar(make_workdir):
    conditions = [c for c in grid_conditions() if c[0] == "low_quality/jpeg@high"]
    study = read_study([make_workdir(conditions=conditions, gallery=False)])
    with figure_style():
        (axes,) = severity_figure(study, compare_models(study)).axes
    assert not bands(axes)
    assert len(axes.containers) == len(study.models)


def test_the_words_say_every_point_the_clean_one_included(drawn):
    _, study, _ = drawn
    comparison = compare_models(study)
    words = severity_in_words(study, comparison)
    for cell in comparison.cells:
        for model, found in cell.accuracy.items():
            assert f"{model} {100 * found.value:.1f}" in words
    clean = comparison.clean.accuracy
    assert "clean images: " + ", ".join(f"{m} {100 * clean[m].value:.1f}" for m in clean) in words
    assert words.index("low: ") < words.index("medium: ") < words.index("high: ")


def test_settings_go_by_their_damage_however_they_were_written(make_workdir):
    conditions = [
        (f"jpeg(quality={q})", "jpeg", f"quality={q}", f"JPEG, quality {q}", 0.1, q / 3)
        for q in (40, 10, 80)
    ]
    study = read_study([make_workdir(conditions=conditions, gallery=False)])
    ordered = mild_to_severe(study, study.conditions)
    assert [c.setting for c in ordered] == ["quality 80", "quality 40", "quality 10"]
    assert severity_axis(ordered).ticks == ("80", "40", "10")
    blind = dataclasses.replace(
        study,
        networks={
            m: [
                dataclasses.replace(
                    n, rows={k: dataclasses.replace(r, psnr=None) for k, r in n.rows.items()}
                )
                for n in runs
            ]
            for m, runs in study.networks.items()
        },
    )
    assert mild_to_severe(blind, study.conditions) == list(study.conditions)


@pytest.mark.parametrize(
    "settings, name, values",
    [
        (["sigma 0.1", "sigma 0.3"], "sigma", ["0.1", "0.3"]),
        (["1 specks per 10,000 px", "2 specks per 10,000 px"], "specks per 10,000 px", ["1", "2"]),
        (["650 photons, noise 3 e", "16 photons, noise 3 e"], "photons", ["650", "16"]),
        (["value + 0.1", "value + 0.2"], "value +", ["0.1", "0.2"]),
        (["length 15 px"], "length, px", ["15"]),
        (["sigma 0.7 px, 2 x 1 px", "sigma 1 px, 3 x 2 px"], "", ["", ""]),
        (["a 1, b 2, c 3", "a 2, b 3, c 4"], "", ["", ""]),
        (["sigma 1", "radius 2"], "", ["", ""]),
        (["", ""], "", ["", ""]),
        (["1", "2"], "", ["", ""]),
    ],
)
def test_what_varies_is_found_in_the_settings(settings, name, values):
    assert varying(settings) == (name, values)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "name"), [(14, "a_rather_long_name_v"), (20, "name" * 40)])
def test_a_long_legend_takes_no_room_from_the_plot(count, name):
    heights = []
    for labels in (["alexnet", "resnet18"], [f"{name}{i}" for i in range(count)]):
        with figure_style():  # what does not fit is a warning, and warnings are errors
            figure = new_figure(3.25, WIDTH / 2)
            axes = figure.subplots()
            draw_legend(figure, [axes.plot([0, 1], label=label)[0] for label in labels])
            figure.draw_without_rendering()
        heights.append(axes.get_window_extent().height)
        drawn = figure.legends[0].get_window_extent()
        assert drawn.x0 >= 0 and drawn.x1 <= figure.bbox.width
        assert drawn.y0 >= axes.get_window_extent().y1 and drawn.y1 <= figure.bbox.height
        shown = [text.get_text() for text in figure.legends[0].get_texts()]
        assert len(set(shown)) == len(labels)
    assert heights[1] >= 0.9 * heights[0]


def test_a_legend_is_no_wider_than_its_figure_and_its_lines_are_even():
    assert legend_columns(["alexnet", "resnet18"], WIDTH) == 2
    assert legend_columns(["a model with quite a long name"] * 4, WIDTH) == 2
    assert legend_columns(["a" * 200] * 3, WIDTH) == 1
