"""Each head answers as scikit-learn does by itself on features from a plain call of the network."""

import dataclasses
import re
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from lqjax.data.placing import place
from lqjax.data.selected import SelectedRows
from lqjax.evaluation.predict import Predictor, as_floats
from lqjax.models.network import build
from lqjax.readings import features as features_module
from lqjax.readings.base import Examples, Subject, expand_readings
from lqjax.readings.evaluating import refuse_unfit
from lqjax.runtime import make_mesh
from tests.training.small import CLASSES, split, statistics

SIZE, TRAIN, TEST, SEED = 28, 90, 41, 3
HEADS = ("logistic", "svm", "forest(trees=25)", "knn(neighbours=5)")


@pytest.fixture(scope="module", autouse=True)
def _network(small_networks, quick_compilation):
    yield


@pytest.fixture(scope="module")
def network():
    return build("small", num_classes=len(CLASSES), channels=1, image_size=SIZE)


def scattered(count, seed):
    """Images whose brightness tells a little of their class."""
    data = split(SIZE, count=count)
    labels = np.random.default_rng(seed).integers(0, len(CLASSES), count).astype(np.int32)
    shades = np.random.default_rng(seed).integers(0, 160, data.images.shape)
    images = (shades + 24 * labels[:, None, None, None]).astype(np.uint8)
    return dataclasses.replace(data, images=images, labels=labels)


@pytest.fixture(scope="module")
def train():
    return scattered(TRAIN, 1)


@pytest.fixture(scope="module")
def test():
    return scattered(TEST, 2)


@pytest.fixture(scope="module")
def predictor(network):
    return Predictor(network, statistics(), 16, make_mesh(2))


@pytest.fixture(scope="module")
def weights(network):
    params, stats = network.init(0)
    # Every feature with a scale of its own, as trained networks have them.
    params["norm"]["scale"] = params["norm"]["scale"] * np.geomspace(0.1, 30, 16)
    return params, stats


def subject_of(predictor, weights, train, seed=SEED):
    def examples():
        return Examples(place(train, predictor.mesh, "device", 0.5), train.labels)

    return Subject(
        predictor,
        *weights,
        train=examples,
        validation=examples,
        test_numbers=np.arange(TEST, dtype=np.uint32),
        class_names=CLASSES,
        seed=seed,
        test_seed=0,
    )


@pytest.fixture
def subject(predictor, weights, train):
    return subject_of(predictor, weights, train)


def answers(head, subject, data):
    (asked,) = expand_readings([head])
    reader = asked.fit(subject)
    images = place(data, subject.predictor.mesh, "device", 0.5)
    return reader.logits(images, as_floats, lambda images: None)


def plain(network, weights, data):
    """Features as a user would compute them: no batches, no compiled pass."""
    images = ((data.images / 255 - 0.5) / 0.25).astype(np.float32)
    return np.asarray(network.features(*weights, jnp.asarray(images)))


def nearer_the_more(distances):
    return np.exp((1 - distances) / 0.07)


def of_votes(shares, votes):
    return np.log((votes * shares + 1 / len(CLASSES)) / (votes + 1))


def expected(head, x, y, test, seed=SEED, weights=None, balanced=None):
    """Logits by scikit-learn used as its pages show."""
    settings = {"class_weight": balanced}
    if head == "forest(trees=25)":
        model = RandomForestClassifier(25, random_state=seed, **settings).fit(x, y, weights)
        return of_votes(model.predict_proba(test), 25)
    if head == "knn(neighbours=5)":
        model = KNeighborsClassifier(5, metric="cosine", weights=nearer_the_more).fit(x, y)
        return of_votes(model.predict_proba(test), 5)
    x = x.astype(np.float64)
    if head == "logistic":
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000, **settings))
        model.fit(x, y, logisticregression__sample_weight=weights)
        return model.predict_log_proba(test)
    model = make_pipeline(
        StandardScaler(), LinearSVC(random_state=seed, max_iter=10_000, **settings)
    )
    return model.fit(x, y, linearsvc__sample_weight=weights).decision_function(test)


def assert_alike(found, wanted):
    assert found.dtype == np.float32 and found.shape == (TEST, len(CLASSES))
    np.testing.assert_allclose(found, wanted, atol=2e-3)
    assert (found.argmax(1) == wanted.argmax(1)).all()


@pytest.mark.parametrize("head", HEADS)
def test_a_head_answers_as_scikit_learn_on_plain_features(
    head, network, weights, subject, train, test
):
    found = answers(head, subject, test)
    x = plain(network, weights, train)
    assert_alike(found, expected(head, x, train.labels, plain(network, weights, test)))
    assert (found.argmax(1) == test.labels).mean() > 0.4  # better than one in four


@pytest.mark.parametrize("head", HEADS)
def test_the_same_fit_again_gives_the_same_bits(head, predictor, weights, train, test):
    first, second = (answers(head, subject_of(predictor, weights, train), test) for _ in range(2))
    assert np.array_equal(first, second)


def test_the_seed_of_the_run_draws_the_trees(predictor, weights, train, test):
    first, second = (
        answers("forest(trees=25)", subject_of(predictor, weights, train, seed), test)
        for seed in (0, 1)
    )
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("head", HEADS)
def test_a_class_without_training_images_keeps_its_column(
    head, network, predictor, weights, train, test
):
    absent, there = 1, [0, 2, 3]
    some = train.take(np.flatnonzero(train.labels != absent))
    subject = subject_of(predictor, weights, some)
    found = answers(head, subject, test)
    assert found.shape == (TEST, len(CLASSES)) and np.isfinite(found).all()
    assert (found.argmax(1) != absent).all()
    x, z = plain(network, weights, some), plain(network, weights, test)
    wanted = expected(head, x, some.labels, z)
    if head == "svm":
        np.testing.assert_allclose(found[:, there], wanted, atol=2e-3)
        np.testing.assert_allclose(found[:, absent], found[:, there].min(1) - 1, rtol=1e-6)
        return
    np.testing.assert_allclose(np.exp(found).sum(1), 1, rtol=1e-5)
    votes = {"logistic": len(some), "forest(trees=25)": 25, "knn(neighbours=5)": 5}[head]
    np.testing.assert_allclose(np.exp(found[:, absent]), 1 / (4 * (votes + 1)), rtol=1e-5)
    if head == "logistic":  # the others stand to each other as they did
        wanted = wanted + np.log1p(-1 / (4 * (len(some) + 1)))
    np.testing.assert_allclose(found[:, there], wanted, atol=2e-3)


@pytest.mark.parametrize("head", HEADS)
def test_two_classes(head, network, predictor, weights, train, test):
    pair = train.take(np.flatnonzero(train.labels < 2))
    subject = dataclasses.replace(subject_of(predictor, weights, pair), class_names=CLASSES[:2])
    found = answers(head, subject, test)
    assert found.shape == (TEST, 2)
    x, z = plain(network, weights, pair), plain(network, weights, test)
    if head == "svm":
        wanted = expected(head, x, pair.labels, z)
        np.testing.assert_allclose(found, np.stack([-wanted, wanted], 1), atol=2e-3)
        return
    np.testing.assert_allclose(np.exp(found).sum(1), 1, rtol=1e-5)
    if head == "logistic":
        np.testing.assert_allclose(found, expected(head, x, pair.labels, z), atol=2e-3)


@pytest.mark.parametrize("head", HEADS)
def test_one_class_is_refused_in_one_line(head, predictor, weights, train):
    one = train.take(np.flatnonzero(train.labels == 2))
    with pytest.raises(ValueError, match="are of the class 'cat', and a head needs two") as told:
        answers(head, subject_of(predictor, weights, one), one)
    assert "\n" not in str(told.value) and head.partition("(")[0] in str(told.value)


@pytest.mark.parametrize("head", HEADS)
def test_one_class_is_refused_before_there_is_a_network(head):
    asked, counts = expand_readings(["batch_norm", head]), np.array([0, 0, TRAIN, 0])
    said = rf"readings={re.escape(asked[1].name)} is not possible: all 90 .* class 'cat', and"
    with pytest.raises(ValueError, match=said):
        refuse_unfit(asked, counts, CLASSES)
    refuse_unfit(asked, counts + np.array([1, 0, 0, 0]), CLASSES)


@pytest.mark.parametrize("head", HEADS[:3])
def test_examples_count_as_the_data_says(head, network, predictor, weights, train, test):
    own = np.random.default_rng(5).uniform(0.1, 9, TRAIN).astype(np.float32)
    weighted = dataclasses.replace(train, weights=own)
    found = answers(head, subject_of(predictor, weights, weighted), test)
    x, z = plain(network, weights, train), plain(network, weights, test)
    assert_alike(found, expected(head, x, train.labels, z, weights=own / own.mean()))
    even = expected(head, x, train.labels, z)
    assert abs(found - even).max() > 0.05


@pytest.mark.parametrize("head", HEADS[:3])
def test_classes_can_count_the_same(head, network, predictor, weights, train, test):
    rare = train.take(np.flatnonzero((train.labels != 0) | (np.arange(TRAIN) % 5 == 0)))
    asked = head[:-1] + "," if head.endswith(")") else head + "("
    found = answers(asked + "class_weights=balanced)", subject_of(predictor, weights, rare), test)
    x, z = plain(network, weights, rare), plain(network, weights, test)
    assert_alike(found, expected(head, x, rare.labels, z, balanced="balanced"))
    assert abs(found - expected(head, x, rare.labels, z)).max() > 0.05


WEIGHING = np.array([4.0, 0.5, 1.0, 2.0])


@pytest.mark.parametrize("head", HEADS[:3])
def test_classes_count_as_they_did_in_training(head, network, predictor, weights, train, test):
    """A factor of all weights changes nothing, for the loss of the network has none either."""
    plain_subject = subject_of(predictor, weights, train)
    subject = dataclasses.replace(plain_subject, class_weights=7 * WEIGHING)
    found = answers(head, subject, test)
    x, z = plain(network, weights, train), plain(network, weights, test)
    scale = WEIGHING[train.labels].mean()
    by_class = {label: weight / scale for label, weight in enumerate(WEIGHING)}
    assert_alike(found, expected(head, x, train.labels, z, balanced=by_class))
    even = expected(head, x, train.labels, z)
    assert abs(found - even).max() > 0.05
    asked = head[:-1] + "," if head.endswith(")") else head + "("
    assert_alike(answers(asked + "class_weights=none)", subject, test), even)
    balanced = expected(head, x, train.labels, z, balanced="balanced")
    assert_alike(answers(asked + "class_weights=balanced)", subject, test), balanced)


def test_what_classes_counted_is_kept_with_the_results(subject):
    weighted = dataclasses.replace(subject, class_weighting="ant=4", class_weights=WEIGHING)
    said = {}
    for head in HEADS:
        (asked,) = expand_readings([head])
        assert "class_weights_of_training" not in asked.reading.settled(subject)
        said[head] = asked.reading.settled(weighted).get("class_weights_of_training")
    assert said == {**dict.fromkeys(HEADS[:3], "ant=4"), HEADS[3]: None}


@pytest.mark.parametrize("head", ["logistic", "svm"])
def test_parameters_reach_the_fit(head, subject, test):
    assert (
        abs(answers(f"{head}(C=0.001)", subject, test) - answers(head, subject, test)).max() > 0.1
    )


@pytest.mark.parametrize("head", ["logistic", "svm"])
def test_only_training_images_standardise(head, subject, test):
    """An answer does not depend on the other images that are tested beside it."""
    whole = answers(head, subject, test)
    dark = dataclasses.replace(test, images=test.images // 4)
    mixed = dataclasses.replace(test, images=np.concatenate([test.images[:20], dark.images[20:]]))
    np.testing.assert_allclose(answers(head, subject, mixed)[:20], whole[:20], atol=1e-4)


def test_neighbours_with_equal_votes(predictor, weights, train, test):
    """Each picture stands in the training images twice, as two classes: the first one is named."""
    twice = train.take(np.repeat(np.arange(TRAIN), 2))
    labels = np.tile(np.array([3, 1], np.int32), TRAIN)
    twice = dataclasses.replace(twice, labels=labels)
    subject = subject_of(predictor, weights, twice)
    found = answers("knn(neighbours=2)", subject, test)
    np.testing.assert_allclose(np.exp(found[:, 1]), (0.5 * 2 + 0.25) / 3, rtol=1e-4)
    np.testing.assert_allclose(np.exp(found[:, 3]), (0.5 * 2 + 0.25) / 3, rtol=1e-4)
    again = answers("knn(neighbours=2)", subject_of(predictor, weights, twice), test)
    assert np.array_equal(found, again)


def test_more_neighbours_than_images_are_refused(subject, test):
    with pytest.raises(ValueError, match=r"for neighbours=91; allowed: up to 90"):
        answers("knn(neighbours=91)", subject, test)
    assert np.isfinite(answers("knn(neighbours=90)", subject, test)).all()


def test_nothing_votes_for_a_class_and_the_score_is_finite(subject, test):
    found = answers("knn(neighbours=1)", subject, test)
    np.testing.assert_allclose(np.sort(np.exp(found), 1)[:, :3], 1 / 8, rtol=1e-5)
    np.testing.assert_allclose(np.exp(found).max(1), 5 / 8, rtol=1e-5)


def test_training_features_are_computed_once_a_run(predictor, weights, train, test, monkeypatch):
    shown = []
    original = features_module.features
    monkeypatch.setattr(
        features_module, "features", lambda *a: shown.append(len(a[1])) or original(*a)
    )
    first, second = (subject_of(predictor, weights, train) for _ in range(2))
    for subject in (first, second):
        for head in HEADS:
            answers(head, subject, test)
    assert shown.count(TRAIN) == 2 and shown.count(TEST) == 8


def test_features_are_forgotten_with_the_run(predictor, weights, train):
    subject = subject_of(predictor, weights, train)
    features_module.training_features(subject)
    assert features_module._latest._trained is not None
    del subject
    assert features_module._latest._trained is None


def test_runs_are_fitted_to_their_own_images(network, predictor, weights, train, test):
    """As folds are: rows of images that lie in one place."""
    pool = place(train, predictor.mesh, "device", 0.5)
    for rows in (np.arange(0, TRAIN, 2), np.arange(1, TRAIN, 2)[::-1]):
        own = train.take(rows)
        chosen = SelectedRows(pool, rows)
        subject = dataclasses.replace(
            subject_of(predictor, weights, train),
            train=lambda chosen=chosen, own=own: Examples(chosen, own.labels),
        )
        x, z = plain(network, weights, own), plain(network, weights, test)
        assert_alike(answers("logistic", subject, test), expected("logistic", x, own.labels, z))


@pytest.mark.parametrize("head", HEADS)
def test_scikit_learn_is_asked_for_before_anything_is_computed(head, network, monkeypatch):
    (asked,) = expand_readings([head])
    assert asked.reading.missing(network) == ""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ValueError, match='not installed: pip install "scikit-learn') as told:
        asked.reading.missing(network)
    assert "\n" not in str(told.value)


def test_a_fit_that_does_not_end_says_so(subject, test, monkeypatch, capsys):
    from lqjax.readings import logistic, scikit

    monkeypatch.setattr(logistic, "LONGEST_FIT", 2)
    (asked,) = expand_readings(["logistic"])
    reader = asked.fit(subject)
    assert reader.notes == (scikit.UNFINISHED,)


def test_the_notes_name_classes_without_images(predictor, weights, train):
    some = train.take(np.flatnonzero(train.labels % 2 == 0))
    (asked,) = expand_readings(["knn"])
    reader = asked.fit(subject_of(predictor, weights, some))
    assert reader.notes == ("no training images of bee, dog",)


@pytest.mark.parametrize(
    "text", ["svm(C=0)", "svm(C=inf)", "forest(trees=0)", "knn(neighbours=2.5)", "svm(D=1)",
             "logistic(class_weights=auto)", "forest(trees=inf)", "knn(neighbours=inf)"]
)  # fmt: skip
def test_impossible_parameters_are_refused(text):
    with pytest.raises(ValueError) as told:
        expand_readings([text])
    assert "\n" not in str(told.value)
