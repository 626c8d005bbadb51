"""Networks whose weights are lost: what is tested then, what is told, and the others go on."""

import gc
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import lqjax
from lqjax.cli import main
from lqjax.epochs import best_epoch
from lqjax.reporting.lost_weights import lost_weights
from lqjax.reporting.opening import opened_study
from lqjax.workbench import Workbench
from lqjax.workdir import Workdir
from tests.test_seeds import SMALL
from tests.training.test_seeds import Said

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("quick_compilation", "undrawn_figures"),
]
NOISE = "gaussian_noise(sigma=0.1)"
SETTINGS = {**SMALL, "seeds": (0,), "epochs": 3, "learning_rate": 0.3, "keep_checkpoints": 3}


@pytest.fixture(autouse=True)
def nothing_dropped_later():
    yield
    gc.collect()


ACCURACIES = (0.5, 0.9, 0.7)
"""Of validation after each epoch: given, so that the best is neither the first nor the last."""


@pytest.fixture(scope="module")
def whole(small_networks, tmp_path_factory):
    """Two networks, trained and tested; their checkpoints are all kept."""
    workdir = tmp_path_factory.mktemp("whole") / "run"
    given = {name: iter(ACCURACIES) for name in ("small", "stoppable")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workbench, "_validate", lambda _, model, *__: (1.0, next(given[model])))
        lqjax.compare(workdir=workdir, **{**SETTINGS, "names": ("small", "stoppable")})
    return workdir


def evaluated_with_the_latest(whole, workdir):
    """Test the last epoch by another way: its weights are asked for."""
    shutil.copytree(whole, workdir)
    text = (workdir / "config.json").read_text()
    assert text.count('"checkpoint": "best"') == 1
    (workdir / "config.json").write_text(
        text.replace('"checkpoint": "best"', '"checkpoint": "latest"')
    )
    result = lqjax.evaluate(workdir=workdir)
    return {row.model: row for row in result.rows}, run_of(workdir).validation()["logits"]


@pytest.fixture
def workdir(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run")


def run_of(workdir, model="small"):
    return Workdir.at(workdir).run(model, 0)


def order(run):
    """Rank the epochs by validation, in this test's own words."""
    return sorted(run.history(), key=lambda e: (-e.validation_accuracy, e.validation_loss, e.epoch))


def truncate(checkpoint):
    files = [path for path in Path(checkpoint / "model").rglob("*") if path.is_file()]
    file = max(files, key=lambda path: path.stat().st_size)
    os.truncate(file, file.stat().st_size // 2)


def harm(run, epochs):
    for epoch in epochs:
        truncate(run.checkpoints / str(epoch.step))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["damaged", "deleted"])
def test_the_next_best_epoch_is_tested_and_named_everywhere(whole, workdir, how, capsys, tmp_path):
    run = run_of(workdir)
    best, second, _ = order(run)
    assert (best.epoch, second.epoch) == (2, 3)
    before = {row.condition: row for row in run.rows()}
    assert {row.epoch for row in before.values()} == {best.epoch}
    if how == "damaged":
        harm(run, [best])
    else:
        shutil.rmtree(run.checkpoints / str(best.step))
    said = Said()
    result = lqjax.compare(workdir=workdir, conditions=("clean", NOISE), progress=said)
    rows = [row for row in result.rows if row.model == "small"]
    assert [row.epoch for row in rows] == [second.epoch] * 2
    (model,) = [model for model in result.models if model.model == "small"]
    assert model.best == second and best_epoch(model.history) == best
    assert any(f"epoch {second.epoch} (validation accuracy" in line for line in said.lines)
    assert sum("is damaged" in line for line in said.lines) == (how == "damaged")
    wanted, logits = evaluated_with_the_latest(whole, tmp_path / "latest")
    assert rows[0] == wanted["small"]
    np.testing.assert_array_equal(run.validation()["logits"], logits)
    old = run.root / "earlier" / f"epoch{best.epoch}"
    assert (old / "validation.npz").exists() and len(list((old / "conditions").iterdir())) == 2
    (caution,) = result.cautions
    assert caution.startswith("Tested with what was left, since weights were lost: small with")
    assert f"epoch {second.epoch} (" in caution and f"its best, epoch {best.epoch} (" in caution
    assert f"not its best, epoch {best.epoch}" in result.report.read_text()
    capsys.readouterr()
    assert main(["--mode=train", f"--workdir={workdir}"]) == 0
    assert f"in epoch {second.epoch} of {len(model.history)}" in capsys.readouterr().out


@pytest.mark.slow
def test_whole_weights_are_not_cautioned_about(whole):
    with opened_study([Workdir.at(whole)]) as study:
        assert lost_weights(study) == ""


@pytest.mark.slow
def test_without_any_the_other_networks_are_tested_and_one_line_tells_the_remedy(workdir, capsys):
    harm(run_of(workdir), run_of(workdir).history())
    more = f"--config.evaluation.conditions=clean,{NOISE}"
    assert main(["--mode=evaluate", f"--workdir={workdir}", more]) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("lqjax: ")]
    assert "holds no checkpoint that can be read" in line
    assert f"delete {run_of(workdir).root} to train small again" in line
    assert {row.condition for row in run_of(workdir, "stoppable").rows()} == {"clean", NOISE}
    shutil.rmtree(run_of(workdir).root)
    assert main(["--mode=compare", f"--workdir={workdir}", more]) == 0


@pytest.mark.slow
def test_results_of_before_training_went_on_are_measured_again(small_networks, tmp_path):
    settings = {**SETTINGS, "epochs": 3}
    workdir = tmp_path / "run"
    lqjax.train(workdir=workdir, **settings)
    run = run_of(workdir)
    best, *others = order(run)
    for epoch in run.history()[1:]:  # as if it had been killed after its first epoch
        shutil.rmtree(run.checkpoints / str(epoch.step))
    (early,) = lqjax.evaluate(workdir=workdir).rows
    assert early.epoch == 1
    (late,) = lqjax.compare(workdir=workdir).rows
    assert late.epoch == best.epoch
    assert np.isfinite(late.accuracy) and others
