"""Heads in whole runs: each is fitted to the images of its run, goes on, and is refused in time."""

import csv
import shutil
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import lqjax
from lqjax import cli
from lqjax.config import DataConfig
from lqjax.data.loading import load_folds
from lqjax.trained_weights import weights_of_run
from lqjax.workdir import Workdir
from tests.reporting.page_tables import tables_of_markdown, tables_of_page

HEADS = ("logistic", "svm(C=0.1)", "forest(trees=20)", "knn(neighbours=3)")
CONDITIONS = ("clean", "gaussian_noise(sigma=0.2)", "low_contrast(factor=0.5,centre=1)")
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


def test_the_command_that_evaluates_says_a_line_for_each_reading(compared, tmp_path, capsys):
    folder = shutil.copytree(compared, tmp_path / "run")
    assert cli.main(["--mode=evaluate", f"--workdir={folder}", "--config.run.progress=False"]) == 0
    said = capsys.readouterr().out.splitlines()
    for run in runs_of(folder):
        for head in HEADS:
            for row in run.reading(head).rows():
                share = f"{row.accuracy:.1%} [{row.accuracy_low:.1%}, {row.accuracy_high:.1%}]"
                assert f"small, {head}  {row.condition}: {share}" in said
    count = FOLDS * len(SEEDS) * len(CONDITIONS)
    assert sum(line.startswith("small, ") for line in said) == count * len(HEADS)
    assert sum(line.startswith("small  ") for line in said) == count


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


@pytest.mark.parametrize(
    ("readings", "change", "said"),
    [
        # Two folds of 93 images, of which 90 % are trained on.
        (("knn(neighbours=80)",), {}, "there are .* training images for neighbours=80"),
        (
            ("svm", "knn(neighbours=41)"),
            {"folds": 0, "train_limit": 40},
            "there are 40 .* neighbours=41",
        ),
    ],
)
def test_more_neighbours_than_images_are_refused_before_anything_is_trained(
    readings, change, said, films, tmp_path
):
    settings = {**SETTINGS, "readings": readings, **change}
    with pytest.raises(
        ValueError, match=f"evaluation.readings=knn.*is not possible: {said}"
    ) as told:
        lqjax.compare(workdir=tmp_path / "run", path=films, **settings)
    assert "\n" not in str(told.value)
    assert not list((tmp_path / "run").rglob("checkpoints"))


def test_the_heads_of_a_weighted_run_weigh_the_classes_as_it_did(films, tmp_path):
    """The head answers as scikit-learn with the weights that the setting names."""
    settings = {
        **SETTINGS, "readings": ("logistic",), "conditions": ("clean",), "folds": 0, "seeds": (0,),
        "class_weights": {"0": 6.0},
    }  # fmt: skip
    lqjax.compare(workdir=tmp_path / "run", path=films, **settings)
    run = Workdir.at(tmp_path / "run").run("small", 0)
    kept, found = run.reading("logistic"), weights_of_run(run, "best")
    assert kept.record()["settled"]["class_weights_of_training"] == "0=6"
    data = DataConfig(source="npz", path=films, image_size=28)
    (dataset,) = load_folds(data).datasets
    shown, y = plain(found, np.asarray(dataset.test.images)), dataset.train.labels
    x = plain(found, np.asarray(dataset.train.images)).astype(np.float64)
    scale = np.where(y == 0, 6.0, 1.0).mean()
    alike = {}
    for name, weights in (("own", {0: 6 / scale, 1: 1 / scale, 2: 1 / scale}), ("even", None)):
        regression = LogisticRegression(max_iter=10_000, class_weight=weights)
        model = make_pipeline(StandardScaler(), regression).fit(x, y)
        wanted = model.predict_log_proba(shown)
        alike[name] = np.allclose(kept.logits("clean"), wanted, atol=5e-3)
    assert alike == {"own": True, "even": False}


def test_other_runs_do_without_it(films, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    settings = {**SETTINGS, "readings": (), "folds": 0, "seeds": (0,)}
    lqjax.train(workdir=tmp_path / "run", path=films, **settings)


ITSELF, MEAN = "as trained", "mean of the degraded"
SHORT = {
    "clean": "clean",
    CONDITIONS[1]: "gaussian noise, sigma 0.2",
    CONDITIONS[2]: "low contrast, factor 0.5, centre 1",
    MEAN: MEAN,
}


@pytest.fixture(scope="module")
def shares(compared):
    """Share of right answers by (reading, condition) and fold, counted in the stored scores."""
    found = {}
    for name in (ITSELF, *HEADS):
        for condition in CONDITIONS:
            right = [[] for _ in range(FOLDS)]
            for run in runs_of(compared):
                kept = run if name == ITSELF else run.reading(name)
                answers = np.argmax(kept.logits(condition), axis=1)
                right[run.fold].append(answers == run.examples()["labels"])
            found[name, condition] = np.array([np.mean(fold) for fold in right])
        found[name, MEAN] = np.mean([found[name, c] for c in CONDITIONS[1:]], axis=0)
    return found


def corrected(by_fold, films, least):
    """Mean over folds with Student's t by Nadeau and Bengio's variance, straight from the paper."""
    data = DataConfig(source="npz", path=films, image_size=28, folds=FOLDS)
    parts = [(len(d.test.labels), len(d.train.labels)) for d in load_folds(data).datasets]
    ratio = np.mean([tested for tested, _ in parts]) / parts[0][1]
    half = stats.t.ppf(0.975, FOLDS - 1) * np.std(by_fold, ddof=1) * np.sqrt(1 / FOLDS + ratio)
    ends = np.clip([np.mean(by_fold) - half, np.mean(by_fold) + half], least, 1)
    return [np.mean(by_fold), *ends]


def agrees(found, by_fold, films, least, within):
    """Compare value and ends; of folds that are all alike only the value, for t has no spread."""
    count = 1 if np.ptp(by_fold) < 1e-9 else 3
    wanted = corrected(by_fold, films, least)[:count]
    assert found[:count] == pytest.approx(wanted, abs=within)


def test_the_numbers_of_the_csv_are_those_of_the_stored_scores(compared, shares, films):
    with (compared / "report" / "readings.csv").open() as file:
        rows = list(csv.DictReader(file))
    named = [(row["model"], row["reading"], row["condition"]) for row in rows]
    assert named == [("small", h, c) for h in sorted(HEADS) for c in (*CONDITIONS, MEAN)]
    for row in rows:
        head, condition = row["reading"], row["condition"]
        itself, read = shares[ITSELF, condition], shares[head, condition]
        wanted = {"itself": itself, "accuracy": read, "gap": read - itself}
        for name, by_fold in wanted.items():
            numbers = [float(row[name + end]) for end in ("", "_low", "_high")]
            agrees(numbers, by_fold, films, -1 if name == "gap" else 0, within=1e-9)
        assert row["runs"] == str(FOLDS * len(SEEDS))
        assert (row["runs_low"], row["runs_high"]) == ("", "")  # folds cover training again


def test_the_page_has_the_heads_beside_the_network_with_the_same_numbers(compared, shares, films):
    page = (compared / "report" / "report.html").read_text()
    summary, accuracies, gaps = tables_of_page(page, "The same weights, read otherwise")
    assert list(summary.rows) == [ITSELF, *sorted(HEADS)]
    columns = ["degraded %", "gap, degraded", "clean %", "gap, clean"]
    assert [name for name in summary.header if name != "above one answer"] == ["read by", *columns]
    assert accuracies.header == ["condition", ITSELF, *sorted(HEADS)]
    assert gaps.header == ["condition", *sorted(HEADS)]
    assert set(accuracies.rows) == set(gaps.rows) == set(SHORT.values())
    digits = 5.001e-4  # a tenth of a point is written
    for name in (ITSELF, *HEADS):
        for kind, condition in (("degraded", MEAN), ("clean", "clean")):
            agrees(summary.numbers(name, f"{kind} %"), shares[name, condition], films, 0, digits)
        for condition, short in SHORT.items():
            (shown,) = accuracies.numbers(short, name)
            assert shown == pytest.approx(shares[name, condition].mean(), abs=digits)
    for head in HEADS:
        for condition, short in SHORT.items():
            gap = shares[head, condition] - shares[ITSELF, condition]
            agrees(gaps.numbers(short, head), gap, films, -1, digits)
            assert gaps.cell(short, head).startswith("+") == (100 * gap.mean() >= 0.05)
        assert summary.cell(head, "gap, degraded") == gaps.cell(MEAN, head)
        assert summary.cell(head, "gap, clean") == gaps.cell("clean", head)


def test_the_markdown_has_the_tables_of_the_page(compared):
    page, text = ((compared / "report" / f"report.{kind}").read_text() for kind in ("html", "md"))
    section = "The same weights, read otherwise"
    assert tables_of_markdown(text, section) == tables_of_page(page, section)
