"""Means, gaps and the order of conditions."""

import dataclasses

import numpy as np
import pytest

from lqjax.metrics.paired import paired_difference
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.conditions import Condition, in_reading_order
from lqjax.reporting.method import method
from lqjax.reporting.study import read_study
from lqjax.reporting.training_state import levelling
from lqjax.rows import Epoch, Row
from tests.reporting.conftest import grid_conditions


def test_gap_pairs_the_images(make_workdir):
    study = read_study([make_workdir(gallery=False)])
    comparison = compare_models(study)
    cell = comparison.cells[4]
    first, second = (study.correct(m, cell.condition) > 0 for m in ("resnet50", "alexnet"))
    assert comparison.leader == "resnet50"
    assert cell.gap == paired_difference(first, second)


def test_mean_gap_does_not_count_an_image_twelve_times(make_workdir):
    # The same answers under twelve names are no more evidence than once.
    study = read_study([make_workdir(gallery=False)])
    hard = next(c for c in study.conditions if c.name == "low_quality/jpeg@high")
    names = [f"copy{i}" for i in range(12)]
    networks = {
        model: [
            dataclasses.replace(
                run,
                rows=dict.fromkeys(names, run.rows[hard.name]),
                predicted=dict.fromkeys(names, run.predicted[hard.name]),
            )
            for run in runs
        ]
        for model, runs in study.networks.items()
    }
    copies = tuple(dataclasses.replace(hard, name=name) for name in names)
    twelve = compare_models(dataclasses.replace(study, networks=networks, conditions=copies))
    once = compare_models(dataclasses.replace(study, networks=networks, conditions=copies[:1]))
    assert twelve.mean_gap == pytest.approx(once.mean_gap)
    assert twelve.mean_gap == pytest.approx(once.cells[0].gap, abs=0.006)


def in_groups(study, groups):
    """Return the study with images that belong together."""
    return dataclasses.replace(study, tested=dataclasses.replace(study.tested, groups=groups))


def test_images_of_one_group_are_drawn_together(make_workdir):
    # 60 patients of 6 images on which a model is always right or always wrong: 60 facts, not 360.
    study = read_study([make_workdir(gallery=False, conditions=grid_conditions()[:2])])
    patients = np.arange(360) // 6
    good = {"resnet50": patients % 10 < 8, "alexnet": patients % 10 < 6}
    for model, right in good.items():
        answers = np.where(right, study.labels, (study.labels + 1) % 10)
        study.networks[model][0].predicted.update(
            dict.fromkeys(study.networks[model][0].rows, answers)
        )
    single, grouped = (compare_models(s) for s in (study, in_groups(study, patients.astype(str))))
    random = np.random.default_rng(3)
    drawn = random.integers(0, 60, (20_000, 60))
    for cell, alone in zip(grouped.cells, single.cells, strict=True):
        for model, right in good.items():
            means = right.reshape(60, 6).mean(1)[drawn].mean(1)
            ends = np.quantile(means, (0.025, 0.975))
            assert cell.accuracy[model][1:] == pytest.approx(ends, abs=0.025)
            width = cell.accuracy[model].high - cell.accuracy[model].low
            assert width > 2 * (alone.accuracy[model].high - alone.accuracy[model].low)
        assert cell.gap.value == pytest.approx(0.2)
        assert cell.gap.high - cell.gap.low > 2 * (alone.gap.high - alone.gap.low)
    assert "whole groups of images, 60 in all" in method(in_groups(study, patients), grouped)
    assert "Wilson" in method(study, single) and "Wilson" not in method(
        in_groups(study, patients), grouped
    )


def test_one_group_of_all_images_is_none(make_workdir):
    study = read_study([make_workdir(gallery=False, conditions=grid_conditions()[:2])])
    comparison = compare_models(in_groups(study, np.zeros(360, int)))
    assert comparison.cells[0].gap == compare_models(study).cells[0].gap


def row(condition, family, level="", label=""):
    numbers = {f.name: 0 for f in dataclasses.fields(Row)}
    texts = {"condition": condition, "family": family, "level": level, "label": label}
    return Row(**{**numbers, **texts})


def names(rows, patterns=(), seen=()):
    return [c.name for c in in_reading_order(rows, patterns, seen)]


LEVELLED = [
    row(f"low_quality/{f}@{level}", f"low_quality/{f}", level)
    for f in ("jpeg", "blur")
    for level in ("high", "low", "medium")
]


def test_severity_rises_and_clean_is_first():
    got = names([*LEVELLED, row("clean", "clean")])
    assert got[0] == "clean"
    assert [n.rpartition("@")[2] for n in got[1:4]] == ["low", "medium", "high"]


def test_families_stand_as_they_were_configured():
    got = names(LEVELLED, ["low_quality/jpeg@*", "low_quality/*"])
    assert [n.partition("@")[0] for n in got[::3]] == ["low_quality/jpeg", "low_quality/blur"]


def test_families_of_one_pattern_stand_as_they_were_seen():
    seen = ["low_quality/jpeg@low", "low_quality/blur@low"]
    got = names(LEVELLED, ["low_quality/*"], seen)
    assert [n.partition("@")[0] for n in got[::3]] == ["low_quality/jpeg", "low_quality/blur"]


def test_numbers_in_conditions_sort_as_numbers():
    rows = [row(f"blur(sigma={s})", "blur") for s in (10, 2.5, 0.5)]
    assert names(rows) == ["blur(sigma=0.5)", "blur(sigma=2.5)", "blur(sigma=10)"]


def test_single_conditions_keep_the_configured_order():
    rows = [row(f"jpeg(quality={q})", "jpeg") for q in (10, 40, 70)]
    patterns = [f"jpeg(quality={q})" for q in (70, 40, 10)]
    assert names(rows, patterns) == patterns


def test_numeric_levels_sort_as_numbers():
    rows = [row(f"s/fog@{i}", "s/fog", str(i)) for i in (10, 9, 1)]
    assert names(rows) == ["s/fog@1", "s/fog@9", "s/fog@10"]


def test_labels_part_into_title_and_setting():
    got = Condition.of(row("a@low", "a", "low", "motion blur, length 15 px"))
    assert (got.short, got.full) == ("motion blur, low", "motion blur, low (length 15 px)")
    chain = Condition.of(row("a|b", "a|b", "sigma=1", "noise, sigma 1, then median, size 3"))
    assert (chain.title, chain.setting) == ("noise, then median, size 3", "sigma 1")
    assert chain.short == "noise, then median, size 3, sigma 1"


def test_a_level_that_repeats_the_parameters_is_left_out():
    assert (
        Condition.of(row("j", "jpeg", "quality=40", "jpeg, quality 40")).short == "jpeg, quality 40"
    )


def history(*accuracies):
    blank = {f.name: 0 for f in dataclasses.fields(Epoch)}
    return [
        Epoch(**{**blank, "epoch": i + 1, "train_accuracy": a}) for i, a in enumerate(accuracies)
    ]


@pytest.mark.parametrize(
    "accuracies, levelled_off",
    [
        ((0.5, 0.7, 0.71), True),
        ((0.5, 0.7, 0.73), False),
        ((0.5, 0.9, 0.985), True),
        ((0.9,), False),
        ((0.99,), True),
        (tuple(np.linspace(0.1, 0.9, 30)), False),
        ((*np.linspace(0.1, 0.9, 18), *[0.9] * 12), True),
        ((0.8, 0.6), True),
    ],
)
def test_training_has_levelled_off_when_it_hardly_rises_or_cannot(accuracies, levelled_off):
    assert levelling(history(*accuracies)).levelled_off is levelled_off


def test_levelling_reads_epochs_in_their_order():
    assert levelling(history(0.5, 0.7, 0.9)[::-1]).rise == pytest.approx(0.2)


def test_without_a_history_nothing_is_judged():
    assert levelling([]) is None
