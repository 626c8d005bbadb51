"""The whole path on the digits: train, evaluate, report, resume; from Python and by command."""

import itertools
import json
import shutil
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import special
from sklearn.metrics import log_loss

import lqjax
from lqjax.array_files import read_arrays
from lqjax.cli import main
from lqjax.models.base import MODELS, Architecture
from lqjax.rows import Row, read_lines
from lqjax.workdir import Workdir
from tests.small_launch import Small

pytestmark = pytest.mark.usefixtures("quick_compilation", "undrawn_figures")

SMALL = {
    "image_size": 28,
    "train_limit": 64,
    "test_limit": 32,
    "names": ("small",),
    "epochs": 2,
    "training_batch_size": 32,
    "evaluation_batch_size": 32,
    "latency_runs": 2,
    "conditions": ("clean", "low_quality/jpeg@*"),
    "progress": False,
    "devices": 1,
}
PIXELS, WIDTH, CLASSES = 49, 16, 10
DIGITS = 1797
PARAMETERS = (PIXELS + 1) * WIDTH + 2 * WIDTH + (WIDTH + 1) * CLASSES
"""Two layers with offsets, and between them the scales and offsets of BatchNorm."""


@pytest.fixture(scope="module")
def compared(small_networks, tmp_path_factory):
    return lqjax.compare(workdir=tmp_path_factory.mktemp("experiment") / "run", **SMALL)


def test_the_surest_mistakes_are_those_of_the_scores(compared):
    place = Workdir.at(compared.workdir)
    kept, run = read_arrays(place.mistakes), place.run("small", 0)
    examples = run.examples()
    names, ids = examples["classes"].tolist(), examples["ids"].tolist()
    assert {"clean"} < set(kept["conditions"]) and len(kept["images"]) == 10
    for i, (condition, example) in enumerate(zip(kept["conditions"], kept["ids"], strict=True)):
        row = ids.index(example)
        sure = special.softmax(run.logits(condition).astype(float), axis=1)
        assert kept["true"][i] == names[examples["labels"][row]]
        assert kept["given"][i] == names[sure[row].argmax()] != kept["true"][i]
        assert kept["confidences"][i] == pytest.approx(sure[row].max())


@pytest.mark.slow
def test_images_that_may_not_be_shown_are_not_kept(compared, small_networks, tmp_path):
    shutil.copytree(compared.workdir, tmp_path / "run")
    place = Workdir.at(tmp_path / "run")
    figures = place.report / "figures"
    kept = {place.gallery, place.mistakes, figures / "gallery.png", figures / "mistakes.svg"}
    assert all(path.exists() for path in kept)
    lqjax.compare(workdir=place.root, **{**SMALL, "show_images": False})
    assert not any(path.exists() for path in kept)
    assert "No test image is shown" in (place.report / "report.md").read_text()


def test_an_evaluation_alone_removes_images_that_may_not_be_shown(
    compared, small_networks, tmp_path
):
    shutil.copytree(compared.workdir, tmp_path / "run")
    place = Workdir.at(tmp_path / "run")
    lqjax.evaluate(workdir=place.root, show_images=False)
    assert not place.gallery.exists() and not place.mistakes.exists()


def test_compare_returns_what_it_wrote(compared):
    assert [r.condition for r in compared.rows] == [
        "clean",
        "low_quality/jpeg@low",
        "low_quality/jpeg@medium",
        "low_quality/jpeg@high",
    ]
    assert read_lines(Row, compared.workdir / "results.jsonl") == list(compared.rows)
    assert compared.report.read_text().lower().startswith("<!doctype html>")
    assert compared.accuracy("small") == compared.rows[0].accuracy
    assert len(compared.models[0].history) == 2
    assert compared.costs[0].parameters == PARAMETERS
    with pytest.raises(ValueError, match="no row for small under dust; there are: small"):
        compared.accuracy("small", "dust")


FOLDS = {
    **SMALL,
    "folds": 2,
    "seeds": (0, 1),
    "conditions": ("clean", "jpeg(quality=10)"),
    "train_limit": 0,
    "test_limit": 0,
    "epochs": 1,
}


@pytest.fixture(scope="module")
def cross_validated(small_networks, tmp_path_factory):
    return lqjax.compare(workdir=tmp_path_factory.mktemp("folds") / "run", **FOLDS)


@pytest.mark.slow
def test_every_image_is_tested_once_by_each_seed(cross_validated):
    runs = {(row.seed, row.fold) for row in cross_validated.rows}
    assert runs == set(itertools.product((0, 1), (0, 1)))
    assert [(m.seed, m.fold) for m in cross_validated.models] == [
        (seed, fold) for fold in (0, 1) for seed in (0, 1)
    ]
    assert read_lines(Row, cross_validated.workdir / "results.jsonl") == list(cross_validated.rows)
    for seed in (0, 1):
        runs = [Workdir.at(cross_validated.workdir).run("small", seed, fold) for fold in (0, 1)]
        ids = np.concatenate([run.examples()["ids"] for run in runs])
        assert len(ids) == len(set(ids)) == DIGITS
        rows = [
            row for row in cross_validated.rows if row.seed == seed and row.condition == "clean"
        ]
        assert sum(row.n for row in rows) == DIGITS
    clean = [row.accuracy for row in cross_validated.rows if row.condition == "clean"]
    assert cross_validated.accuracy("small") == pytest.approx(np.mean(clean))


@pytest.mark.slow
def test_folds_go_on_where_they_were_stopped(cross_validated, small_networks, tmp_path):
    validated = []

    def writer(step, values):
        if "validation_loss" in values:
            validated.append(step)
        if len(validated) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lqjax.compare(workdir=tmp_path / "run", writers=[writer], **FOLDS)
    there = [Workdir.at(tmp_path / "run").run("small", *at) for at in ((0, 0), (1, 0), (1, 1))]
    assert [run.is_trained() for run in there] == [True, True, False]
    again = lqjax.compare(workdir=tmp_path / "run", **FOLDS)
    assert again.rows == cross_validated.rows


def test_the_workdir_says_what_ran(compared):
    config = json.loads((compared.workdir / "config.json").read_text())
    environment = json.loads((compared.workdir / "environment.json").read_text())
    assert config["model"]["names"] == ["small"] and config["run"]["seed"] == 0
    assert environment["packages"]["jax"] == jax.__version__
    assert environment["dataset"]["train"] == 64
    assert "cpu" in environment["device"]


@pytest.mark.slow
def test_a_second_call_computes_nothing_and_agrees(compared):
    started = time.perf_counter()
    again = lqjax.compare(workdir=compared.workdir, **SMALL)
    assert again.rows == compared.rows
    assert again.models == compared.models
    assert time.perf_counter() - started < 60


def test_validation_scores_are_those_of_the_tested_weights_and_written_once(compared):
    run = Workdir.at(compared.workdir).run("small", 0)
    kept, best = run.validation(), compared.models[0].best
    likely = special.softmax(kept["logits"].astype(np.float64), axis=1)
    loss = log_loss(kept["labels"], likely, labels=np.arange(CLASSES))
    assert loss == pytest.approx(best.validation_loss, rel=1e-5)
    assert (likely.argmax(1) == kept["labels"]).mean() == pytest.approx(best.validation_accuracy)
    assert not set(kept["ids"]) & set(run.examples()["ids"])
    marked = kept["logits"] + 1
    run.write_validation(kept["ids"], kept["labels"], marked)
    lqjax.evaluate(workdir=compared.workdir)
    assert np.array_equal(run.validation()["logits"], marked)
    run.validation_path.unlink()  # as in a working directory of an earlier version
    again = lqjax.evaluate(workdir=compared.workdir)
    assert again.rows == compared.rows
    np.testing.assert_allclose(run.validation()["logits"], kept["logits"], atol=1e-5)


def test_conditions_may_be_added_and_other_settings_may_not(compared):
    more = lqjax.evaluate(
        workdir=compared.workdir, conditions=("clean", "gaussian_noise(sigma=0.5)")
    )
    assert [r.condition for r in more.rows] == ["clean", "gaussian_noise(sigma=0.5)"]
    assert more.rows[0] == compared.rows[0]
    with pytest.raises(ValueError, match=r"made with other settings \(run.seed: 0 -> 1\)"):
        lqjax.train(workdir=compared.workdir, seed=1)


@pytest.mark.slow
def test_report_alone(compared, capsys):
    assert main(["--mode=report", f"--workdir={compared.workdir}"]) == 0
    assert "report:" in capsys.readouterr().out


def test_a_config_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="config must be an lqjax"):
        lqjax.train("configs/quickstart.py")


class Shifted(Small):
    """With a parameter of its own, in no layer."""

    def __init__(self, settings, draws):
        super().__init__(settings, draws)
        self.shift = nnx.Param(jnp.zeros(settings.num_classes, jnp.float32))

    def activations(self, images, *, train, rngs=None):
        found = super().activations(images, train=train, rngs=rngs)
        return {**found, "logits": found["logits"] + self.shift[...][None]}


def test_a_parameter_of_the_network_itself_is_listed_by_its_name(tmp_path, monkeypatch, caplog):
    made = Architecture(Shifted, {"imagenet": 28, "small": 28}, "tests", True, "maps")
    monkeypatch.setitem(MODELS._entries, "shifted", made)
    lqjax.train(workdir=tmp_path, **{**SMALL, "names": ("shifted",), "epochs": 1})
    said = f"shifted: {PARAMETERS + CLASSES:,} parameters (first 800, last 170, norm 32, shift 10)"
    assert said in caplog.text
