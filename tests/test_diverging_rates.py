"""A learning rate that diverges is marked and left out; the others finish as if alone."""

import json
from pathlib import Path

import numpy as np
import pytest

import lqjax
from lqjax.cli import main
from lqjax.evaluation.predict import Predictor
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.learning_rates import contenders
from lqjax.reporting.opening import opened_study
from lqjax.reporting.verdict import judge
from lqjax.rows import Divergence
from lqjax.training.passage import DivergedError
from lqjax.workbench import Workbench
from lqjax.workdir import Workdir
from tests.reporting.conftest import build
from tests.test_learning_rates import SMALL
from tests.training.test_seeds import Said

pytestmark = pytest.mark.usefixtures("quick_compilation", "undrawn_figures")

GOOD, BAD = 0.01, 1e30
SETTINGS = {**SMALL, "schedule_name": "constant"}
HOWS = ("always", "never")


@pytest.fixture(scope="module")
def swept(small_networks, tmp_path_factory):
    """Sweep over a rate that does and one that diverges, as one program and in turn."""
    found = {}
    for how in HOWS:
        said, folder = Said(), tmp_path_factory.mktemp(how) / "run"
        rates = (BAD, GOOD)
        settings = {**SETTINGS, "seeds_together": how}
        found[how] = (
            lqjax.compare(workdir=folder, learning_rates=rates, progress=said, **settings),
            said,
        )
    return found


@pytest.mark.parametrize("how", HOWS)
def test_the_others_finish_as_if_alone(how, swept, tmp_path):
    result, said = swept[how]
    assert [model.model for model in result.models] == ["small@0.01"]
    (alone,) = lqjax.train(workdir=tmp_path, learning_rate=GOOD, **SETTINGS).models
    found = [epoch.train_loss for epoch in result.models[0].history]
    wanted = [epoch.train_loss for epoch in alone.history]
    assert np.isfinite(found).all() and len(found) == 2
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    (warning,) = [line for line in said.lines if line.startswith("warning")]
    assert "small@1e+30 is marked as diverged (loss nan at step" in warning.replace("inf", "nan")


@pytest.mark.parametrize("how", HOWS)
def test_it_is_marked_kept_and_reported(how, swept):
    result, _ = swept[how]
    (ended,) = result.diverged
    assert (ended.model, ended.seed, ended.fold) == ("small@1e+30", 0, 0)
    assert not np.isfinite(ended.loss) and ended.learning_rate == pytest.approx(BAD)
    folder = result.workdir / "runs" / "small@1e+30" / "seed0-fold0"
    assert json.loads((folder / "diverged.json").read_text())["step"] == ended.step
    assert not (folder / "conditions").exists()
    page = (result.workdir / "report" / "report.md").read_text()
    words = f"Diverged (loss or scores became infinite or NaN): small@1e+30 at step {ended.step}."
    assert words in result.cautions[0] and words in page
    assert {row.model for row in result.rows} == {"small@0.01"}


@pytest.mark.parametrize("how", HOWS)
def test_it_is_not_gone_on_with(how, swept):
    result, _ = swept[how]
    mark = result.workdir / "runs" / "small@1e+30" / "seed0-fold0" / "diverged.json"
    before, said = Path(mark).stat().st_mtime_ns, Said()
    rates = {"learning_rates": (BAD, GOOD), "seeds_together": how}
    again = lqjax.train(workdir=result.workdir, progress=said, **SETTINGS, **rates)
    assert (again.models, again.diverged) == (result.models, result.diverged)
    assert Path(mark).stat().st_mtime_ns == before
    assert not [line for line in said.lines if line.startswith("warning")]
    assert lqjax.evaluate(workdir=result.workdir).rows == result.rows


@pytest.mark.parametrize("how", HOWS)
def test_when_all_diverge_one_line_says_so(how, small_networks, tmp_path, capsys):
    settings = {"learning_rates": (BAD, 1e31), "seeds_together": how}
    with pytest.raises(DivergedError, match=r"all 2 runs have diverged \(small@1e\+30 at step "):
        lqjax.compare(workdir=tmp_path, **SETTINGS, **settings)
    assert main([f"--workdir={tmp_path}"]) == 1  # again: nothing is trained, the line is the same
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("lqjax: all 2 runs have diverged") and "rates below 1e+30" in line
    with pytest.raises(ValueError, match="made with other settings"):
        lqjax.train(workdir=tmp_path, gradient_clip=1.0, **SETTINGS)


def test_a_validation_loss_that_is_not_finite_counts_too(small_networks, tmp_path, monkeypatch):
    validate, calls = Workbench._validate, []

    def failing(self, *arguments):
        calls.append(1)
        return (float("nan"), 0.0) if len(calls) == 1 else validate(self, *arguments)

    monkeypatch.setattr(Workbench, "_validate", failing)
    settings = {"learning_rates": (GOOD, 0.02), "seeds_together": "always"}
    result = lqjax.train(workdir=tmp_path, **SETTINGS, **settings)
    assert [model.model for model in result.models] == ["small@0.02"]
    assert [ended.model for ended in result.diverged] == ["small@0.01"]
    assert len(result.models[0].history) == 2


@pytest.fixture
def overflowing(monkeypatch):
    """Let the network of one rate overflow on degraded test images, as large weights may."""
    logits, made = Predictor.logits, Workbench.evaluate
    state = {"model": "", "condition": 0}

    def evaluate(self, run, progress):
        state.update(now=run.model, calls=0)
        return made(self, run, progress)

    def infinite(self, *arguments):
        found = np.array(logits(self, *arguments))
        state["calls"] = state.get("calls", 0) + 1
        if state.get("now") == state["model"] and state["calls"] == 2:  # the second condition
            found[3, 0] = np.inf
        return found

    monkeypatch.setattr(Workbench, "evaluate", evaluate)
    monkeypatch.setattr(Predictor, "logits", infinite)
    return lambda model: state.update(model=model)


TESTED = {**SETTINGS, "conditions": ("clean", "jpeg(quality=10)"), "seeds_together": "never"}


@pytest.mark.slow
def test_a_rate_that_overflows_in_testing_is_marked_and_the_others_go_on(
    small_networks, tmp_path, overflowing, capsys
):
    overflowing("small@0.01")
    said, rates = Said(), (GOOD, 0.02)
    result = lqjax.compare(workdir=tmp_path, learning_rates=rates, progress=said, **TESTED)
    assert [model.model for model in result.models] == ["small@0.02"]
    assert {(row.model, row.condition) for row in result.rows} == {
        ("small@0.02", "clean"),
        ("small@0.02", "jpeg(quality=10)"),
    }
    (ended,) = result.diverged
    assert (ended.model, ended.condition) == ("small@0.01", "jpeg(quality=10)")
    run = Workdir.at(result.workdir).run("small@0.01", 0)
    best = min(run.history(), key=lambda e: (-e.validation_accuracy, e.validation_loss))
    assert (ended.step, ended.learning_rate) == (best.step - 1, best.learning_rate)
    assert run.divergence().condition == ended.condition and np.isnan(run.divergence().loss)
    (warning,) = [line for line in said.lines if line.startswith("warning")]
    assert warning == (
        "warning: small@0.01 is marked as diverged (scores under jpeg(quality=10) are not finite);"
        " the other learning rates go on"
    )
    words = "small@0.01 when tested under jpeg(quality=10)."
    page = (result.workdir / "report" / "report.md").read_text()
    assert words in result.cautions[0] and words in page
    assert main(["--mode=evaluate", f"--workdir={tmp_path}"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown] == ["small@0.02", "small@0.02", "small@0.01"]
    assert shown[-1] == "small@0.01 (seed 0, fold 0): diverged when tested under jpeg(quality=10)"


def test_when_all_overflow_in_testing_one_line_says_so(small_networks, tmp_path, overflowing):
    overflowing("small@0.01")
    one = {"learning_rates": (GOOD, 1e30), **TESTED}
    with pytest.raises(DivergedError, match=r"all 2 runs have diverged \(small@0\.01 when tested"):
        lqjax.compare(workdir=tmp_path, **one)


@pytest.mark.parametrize("rates", [(), (GOOD,)])
def test_scores_that_are_not_finite_end_what_is_no_sweep(
    rates, small_networks, tmp_path, overflowing
):
    model = "small@0.01" if rates else "small"
    overflowing(model)
    message = rf"{model} under jpeg\(quality=10\): logits of example 3 are not finite; the network"
    with pytest.raises(ValueError, match=message):
        lqjax.compare(workdir=tmp_path, learning_rates=rates, **TESTED)
    assert not Workdir.at(tmp_path).run(model, 0).is_marked()


def test_evaluating_names_what_diverged_in_training(swept, capsys):
    result, _ = swept["never"]
    (ended,) = result.diverged
    assert lqjax.evaluate(workdir=result.workdir).diverged == result.diverged
    assert main(["--mode=evaluate", f"--workdir={result.workdir}"]) == 0
    line = f"small@1e+30 (seed 0, fold 0): diverged at step {ended.step}"
    assert capsys.readouterr().out.splitlines()[1:] == [line]


def test_one_seed_of_a_rate_keeps_the_rate_out_of_the_verdict(make_study):
    workdir = make_study(rates=("small@0.1", "small@0.01"), seeds=(0, 1))
    with opened_study([workdir]) as study:
        assert set(contenders(study)) == {"small@0.01", "tiny"}
        assert judge(study, compare_models(study)).winner
    (workdir.root / "runs" / "small@0.01" / "seed9-fold0").mkdir()
    marked(workdir.run("small@0.01", 9))
    with opened_study([workdir]) as study:  # no rate is left without: the better one stands
        verdict = judge(study, compare_models(study))
        assert not verdict.winner and "Diverged: 1 of 3 runs of small@0.1" in verdict.sentence


def marked(run):
    run.write_divergence(Divergence(run.model, run.seed, run.fold, 7, 0.1, float("nan")))


@pytest.fixture
def make_study(tmp_path):
    """Make a study by hand in which the first rate, with a diverged run, has the best accuracy."""

    def make(rates, seeds):
        strengths = [(rate, 0.9 - 0.1 * i) for i, rate in enumerate(rates)]
        workdir = build(
            tmp_path / "study", models=(*strengths, ("tiny", 0.5)), seeds=seeds, gallery=False,
            histories={rates[0]: (0.9, 0.99, 0.99), rates[1]: (0.5, 0.98, 0.98)},
        )  # fmt: skip
        marked(workdir.run(rates[0], 5))
        return Workdir.at(workdir.root)

    return make
