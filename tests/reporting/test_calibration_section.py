"""The calibration section, from the stored scores by SciPy, scikit-learn and plain NumPy."""

import csv
import dataclasses

import numpy as np
import pytest
from scipy import optimize, special
from sklearn import metrics as sklearn

from lqjax.reporting.calibration import calibrate
from lqjax.reporting.calibration_section import calibration_section
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.document import Table, Text
from lqjax.reporting.reliability_figure import reliability_figure
from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study

CLASSES, N, SEEDS = 4, 90, (0, 1)
LEVELS = [
    ("clean", "clean", "", "clean", 0.0, None),
    ("made/dust@1", "made/dust", "1", "dust, thin", 0.1, 30.0),
    ("made/dust@2", "made/dust", "2", "dust, thick", 0.3, 20.0),
    ("made/fog@1", "made/fog", "1", "fog, thin", 0.1, 30.0),
    ("made/fog@2", "made/fog", "2", "fog, thick", 0.4, 20.0),
]
DEGRADED = [name for name, *_ in LEVELS[1:]]


def keep_validation(run, n=80, sharp=2.0):
    rng = np.random.default_rng([run.seed, run.fold, len(run.model)])
    labels = rng.integers(0, CLASSES, n).astype(np.int32)
    logits = rng.normal(size=(n, CLASSES))
    logits[np.arange(n), labels] += rng.normal(1, 1, n)
    run.write_validation(np.array([f"v{i}" for i in range(n)]), labels, sharp * logits)


def make(make_workdir, name="run", **choices):
    choices = {"n": N, "classes": CLASSES, "conditions": LEVELS, "gallery": False} | choices
    return make_workdir(name, extras=False, **choices)


def calibration_of(workdir):
    study = read_study([workdir])
    return calibrate(study, compare_models(study))


def text_of(workdir):
    blocks = calibration_section(calibration_of(workdir), {})
    return " ".join(block.text for block in blocks if isinstance(block, Text))


def fitted(run):
    """Minimise the log loss over the temperature with SciPy's bounded search."""
    kept = run.validation()
    wide = kept["logits"].astype(np.float64)

    def loss(log_t):
        logs = special.log_softmax(wide / np.exp(log_t), axis=1)
        return -logs[np.arange(len(wide)), kept["labels"]].mean()

    found = optimize.minimize_scalar(
        loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}
    )
    return float(np.exp(found.x))


def numbers(logits, labels):
    """Compute accuracy, confidence, ECE, NLL and Brier of one set of answers."""
    likely = special.softmax(logits, axis=1)
    correct, confidences = likely.argmax(1) == labels, likely.max(1)
    bins = np.ceil(15 * confidences).astype(int) - 1
    gaps = [abs((correct - confidences)[bins == b].sum()) for b in range(15)]
    loss = sklearn.log_loss(labels, likely, labels=np.arange(CLASSES))
    brier = ((likely - np.eye(CLASSES)[labels]) ** 2).sum(1).mean()
    return np.array([correct.mean(), confidences.mean(), sum(gaps) / len(labels), loss, brier])


def expected(workdir, model, conditions, scaled, folds=(0,)):
    """Average over seeds and conditions; the folds of a seed are one set of answers."""
    found = []
    for condition in conditions:
        for seed in SEEDS:
            runs = [workdir.run(model, seed, fold) for fold in folds]
            logits = [
                run.logits(condition).astype(np.float64) / (fitted(run) if scaled else 1)
                for run in runs
            ]
            labels = np.concatenate([run.examples()["labels"] for run in runs])
            found.append(numbers(np.concatenate(logits), labels))
    return np.mean(found, axis=0)


def stated(summary):
    return [summary.accuracy, summary.confidence, summary.ece, summary.loss, summary.brier]


@pytest.fixture
def workdir(make_workdir):
    made = make(make_workdir, seeds=SEEDS)
    for run in made.runs():
        keep_validation(run)
    return made


def test_temperatures_minimise_the_validation_loss(workdir):
    for model in calibration_of(workdir).models:
        assert set(model.temperatures) == {(seed, 0) for seed in SEEDS}
        for (seed, fold), found in model.temperatures.items():
            wanted = fitted(workdir.run(model.model, seed, fold))
            assert found.value == pytest.approx(wanted, rel=1e-5) and abs(wanted - 1) > 0.05


def test_numbers_before_and_after_scaling_are_those_of_the_stored_scores(workdir):
    calibration = calibration_of(workdir)
    assert [c.name for c in calibration.shared] == DEGRADED
    for model in calibration.models:
        for conditions in ((calibration.clean,), calibration.shared):
            names = [condition.name for condition in conditions]
            for scaled in (False, True):
                wanted = expected(workdir, model.model, names, scaled)
                found = model.mean(conditions, scaled)
                assert stated(found) == pytest.approx(wanted, rel=1e-4)
                assert found.parts.total == pytest.approx(found.brier)
                assert found.diagram.counts.sum() == N * len(SEEDS) * len(names)


def test_folds_are_scaled_each_by_its_own_temperature_and_judged_together(make_workdir):
    workdir = make(make_workdir, n=40, seeds=SEEDS, folds=(0, 1))
    for run in workdir.runs():
        keep_validation(run, sharp=1 + run.fold)
    calibration = calibration_of(workdir)
    for model in calibration.models:
        wanted = expected(workdir, model.model, DEGRADED, True, folds=(0, 1))
        assert stated(model.mean(calibration.shared, True)) == pytest.approx(wanted, rel=1e-4)


def test_without_validation_scores_the_report_says_so_and_scales_nothing(make_workdir):
    workdir = make(make_workdir)
    keep_validation(workdir.run("resnet50", 0))
    calibration = calibration_of(workdir)
    scaled = {model.model: bool(model.scaled) for model in calibration.models}
    assert scaled == {"alexnet": False, "resnet50": True}
    text = text_of(workdir)
    assert "alexnet is not scaled: no scores of its validation images are kept" in text
    assert "--mode=evaluate" in text and "resnet50 is overconfident" in text


def test_networks_without_validation_scores_are_named_together(make_workdir):
    text = text_of(make(make_workdir))
    said = "alexnet and resnet50 are not scaled: no scores of their validation images are kept;"
    assert said in text and text.count("not scaled") == 1


def test_a_temperature_at_the_end_of_its_range_is_not_used(make_workdir):
    workdir = make(make_workdir)
    for run in workdir.runs():
        labels = np.arange(20, dtype=np.int32) % CLASSES
        run.write_validation(np.arange(20).astype(str), labels, 3 * np.eye(CLASSES)[labels])
    assert not any(model.scaled for model in calibration_of(workdir).models)
    assert "every validation image is classified correctly" in text_of(workdir)


def test_validation_scores_that_cannot_be_used_do_not_stop_the_report(make_workdir):
    workdir = make(make_workdir)
    run = workdir.run("alexnet", 0)
    run.write_validation(np.array(["v"]), np.zeros(1, np.int32), np.full((1, CLASSES), np.nan))
    assert "alexnet is not scaled: its validation scores cannot be used: logits" in text_of(workdir)


def test_models_of_which_only_answers_are_known_are_left_out(make_workdir):
    workdir = make(make_workdir)
    run = workdir.run("alexnet", 0)
    for row in run.rows():
        blank = dataclasses.replace(row, loss=None)
        run.write_predicted(blank, run.logits(row.condition).argmax(1))
    calibration = calibration_of(workdir)
    assert [model.model for model in calibration.models] == ["resnet50"]
    assert "Of alexnet only the predicted classes are known" in text_of(workdir)


def test_words_tell_too_cautious_from_overconfident(make_workdir):
    workdir = make(make_workdir)
    keep_validation(workdir.run("alexnet", 0), sharp=0.3)
    keep_validation(workdir.run("resnet50", 0), sharp=3)
    text = text_of(workdir)
    assert "alexnet is too cautious on clean validation images (T = 0." in text
    assert "resnet50 is overconfident on clean validation images (T = " in text
    found = next(m for m in calibration_of(workdir).models if m.model == "alexnet")
    before, after = (
        found.mean((calibration_of(workdir).clean,), scaled) for scaled in (False, True)
    )
    verb = "lowers" if after.ece < before.ece else "raises"
    assert f"{verb} ECE from {100 * before.ece:.1f} to {100 * after.ece:.1f} % and " in text
    verb = "lowers" if after.loss < before.loss else "raises"
    assert f" % and {verb} NLL from {before.loss:.3g}" in text


def test_diagrams_show_the_bins_with_enough_answers(workdir):
    calibration = calibration_of(workdir)
    figure = reliability_figure(("alexnet", "resnet50"), calibration)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["clean", "clean, scaled", "degraded", "degraded, scaled"]
    strips = [axes for axes in figure.axes if not axes.get_title()]
    assert len(strips) == 4
    for axes in strips:
        heights = np.concatenate([patch.get_data().values for patch in axes.patches])
        assert heights.sum() == pytest.approx(200) and heights.max() < axes.get_ylim()[1]
    diagram = calibration.models[0].mean(calibration.shared).diagram
    degraded = figure.axes[titles.index("degraded")]
    line = next(line for line in degraded.get_lines() if line.get_label() == "alexnet")
    enough = diagram.counts >= 10
    assert 0 < enough.sum() < 15
    np.testing.assert_allclose(line.get_xdata(), 100 * diagram.confidence[enough])
    np.testing.assert_allclose(line.get_ydata(), 100 * diagram.accuracy[enough])


@pytest.mark.slow
def test_tables_and_file_say_what_was_computed(workdir):
    write_report([workdir])
    with (workdir.report / "calibration.csv").open() as file:
        rows = list(csv.DictReader(file))
    by_key = {(r["model"], r["condition"], r["scaling"]): r for r in rows}
    assert len(rows) == len(by_key) == 2 * 2 * (1 + 4 + 1 + 2)
    for model in ("alexnet", "resnet50"):
        for condition, names in (
            ("clean", ["clean"]),
            ("degraded", DEGRADED),
            ("2", DEGRADED[1::2]),
        ):
            row = by_key[model, condition, "temperature"]
            wanted = expected(workdir, model, names, True)
            kept = [float(row[k]) for k in ("accuracy", "confidence", "ece", "loss", "brier")]
            assert kept == pytest.approx(wanted, rel=1e-4)
    text = (workdir.report / "report.md").read_text()
    row = by_key["alexnet", "degraded", "none"]
    cells = [
        f"{100 * float(row[k]):.1f}" for k in ("accuracy", "confidence", "ece", "adaptive_ece")
    ]
    assert f"| degraded images | alexnet | {' | '.join(cells)} | {float(row['loss']):.3f} |" in text
    assert "| severity: 2 | resnet50 |" in text and "reliability.png" in text


def test_tables_have_as_many_cells_as_headings(workdir):
    blocks = list(calibration_section(calibration_of(workdir), {}))
    tables = [block for block in blocks if isinstance(block, Table)] + [
        part for block in blocks for part in getattr(block, "blocks", ())
    ]
    assert len(tables) == 3
    assert all(len(row.cells) == len(t.header) for t in tables for row in t.rows)
