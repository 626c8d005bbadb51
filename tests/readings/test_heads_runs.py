"""Heads in whole runs: each is fitted to the images of its run, goes on, and is refused in time."""

import shutil
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import lqjax
from lqjax.config import DataConfig
from lqjax.data.loading import load_folds
from lqjax.trained_weights import weights_of_run
from lqjax.workdir import Workdir

HEADS = ("logistic", "svm(C=0.1)", "forest(trees=20)", "knn(neighbours=3)")
CONDITIONS = ("clean", "gaussian_noise(sigma=0.2)")
FOLDS, SEEDS = 2, (0, 1)
SETTINGS = {
    "source": "npz",
    "image_size": 28,
    "names": ("small",),
    "epochs": 1,
    "training_batch_size": 16,
    "evaluation_batch_size": 16,
    "conditions": CONDITIONS,
    "readings": HEADS,
    "latency_runs": 1,
    "devices": 1,
    "folds": FOLDS,
    "seeds": SEEDS,
    "flip": True,
}


@pytest.fixture(scope="module", autouse=True)
def _network(small_networks, quick_compilation):
    yield


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Images of three classes whose brightness tells a little of the class."""
    rng, arrays = np.random.default_rng(0), {}
    for part, count in (("train", 60), ("test", 33)):
        labels = np.arange(count) % 3
        shades = rng.integers(0, 180, (count, 28, 28)) + 30 * labels[:, None, None]
        arrays |= {f"{part}_images": shades.astype(np.uint8), f"{part}_labels": labels}
    path = tmp_path_factory.mktemp("films") / "films.npz"
    np.savez(path, **arrays)
    return str(path)


@pytest.fixture(scope="module")
def compared(films, tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads") / "run"
    lqjax.compare(workdir=folder, path=films, **SETTINGS)
    return folder


def runs_of(folder):
    place = Workdir.at(folder)
    return [place.run("small", seed, fold) for seed in SEEDS for fold in range(FOLDS)]


def test_every_head_answers_under_every_condition(compared):
    for run in runs_of(compared):
        for head in HEADS:
            kept = run.reading(head)
            assert [row.condition for row in kept.rows()] == list(CONDITIONS)
            record = kept.record()
            assert "scikit-learn" in record["settled"]
            assert record["notes"] == []
            for condition in CONDITIONS:
                assert np.isfinite(kept.logits(condition)).all()


def plain(found, images):
    mean, std = np.reshape(found.belongings.mean, 1), np.reshape(found.belongings.std, 1)
    shown = ((images / 255 - mean) / std).astype(np.float32)
    weights = jax.tree.map(jnp.asarray, (found.params, found.stats))
    return np.asarray(found.network.features(*weights, jnp.asarray(shown)))


def test_each_run_is_fitted_to_its_own_training_images(compared, films):
    data = DataConfig(source="npz", path=films, image_size=28, folds=FOLDS)
    datasets = load_folds(data).datasets
    for run in runs_of(compared):
        found = weights_of_run(run, "best")
        shown = plain(found, np.asarray(datasets[run.fold].test.images))
        answers = run.reading("logistic").logits("clean")
        alike = []
        for dataset in datasets:
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))
            x = plain(found, np.asarray(dataset.train.images)).astype(np.float64)
            wanted = model.fit(x, dataset.train.labels).predict_log_proba(shown)
            alike.append(np.allclose(answers, wanted, atol=5e-3))
        assert alike == [fold == run.fold for fold in range(FOLDS)]


def test_a_head_that_is_taken_up_again_answers_the_same(compared, tmp_path):
    """Fitted anew for the conditions that are left, it gives the same bits."""
    folder = shutil.copytree(compared, tmp_path / "run")
    run = runs_of(folder)[0]
    before = {}
    for head in HEADS:
        kept = run.reading(head)
        before[head] = kept.logits(CONDITIONS[1]), kept.rows()[1], kept.record()
        left = [path for path in (kept.root / "conditions").iterdir() if "noise" in path.name]
        assert left
        for path in left:
            path.unlink()
    lqjax.evaluate(workdir=folder)
    for head in HEADS:
        kept = run.reading(head)
        logits, row, record = before[head]
        assert np.array_equal(kept.logits(CONDITIONS[1]), logits)
        assert kept.rows()[1] == row and kept.record() == record


def test_without_scikit_learn_nothing_is_trained(films, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ValueError, match="pip install") as told:
        lqjax.compare(workdir=tmp_path / "run", path=films, **SETTINGS)
    assert "\n" not in str(told.value)
    assert not list((tmp_path / "run").rglob("checkpoints"))


def test_other_runs_do_without_it(films, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    settings = {**SETTINGS, "readings": (), "folds": 0, "seeds": (0,)}
    lqjax.train(workdir=tmp_path / "run", path=films, **settings)


def test_the_report_has_the_heads_beside_the_network(compared):
    page = (compared / "report" / "report.html").read_text()
    for head in HEADS:
        assert head in page
