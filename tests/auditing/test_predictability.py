import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score

from lqjax.auditing import predictability as module
from lqjax.auditing.predictability import (
    FOLDS,
    PENALTY,
    balanced_accuracies,
    levels,
    predictability,
)


def test_the_accuracy_is_that_of_ridge_regressions_of_scikit_learn():
    random = np.random.default_rng(0)
    labels = random.choice(3, 200, p=[0.6, 0.3, 0.1])
    features = random.normal(size=(200, 6)) + 0.7 * labels[:, None]
    folds = random.permutation(200) % FOLDS
    others = np.stack([labels, random.permutation(labels)])
    for mine, of in zip(balanced_accuracies(features, others, 3, folds), others, strict=True):
        predicted = np.empty(200, int)
        for fold in range(FOLDS):
            seen = folds != fold
            targets = np.eye(3)[of[seen]]
            model = Ridge(alpha=PENALTY).fit(features[seen], targets)
            factors = model.predict(features[~seen]) / targets.mean(axis=0)
            predicted[~seen] = factors.argmax(axis=1)
        assert mine == pytest.approx(balanced_accuracy_score(of, predicted), abs=1e-12)


def test_noise_in_one_class_is_found_and_named_in_p():
    random = np.random.default_rng(1)
    labels = random.choice(2, 400, p=[0.8, 0.2])
    noise = random.gamma(2, 0.01, 400) * np.where(labels == 1, 3, 1)
    found = predictability({"noise_sigma": noise, "entropy": random.normal(size=400)}, labels)
    assert found.leaks and found.accuracy > 0.7 and found.chance == 0.5
    assert found.p_value == pytest.approx(0.001) and found.pictures == 400


def test_a_measure_that_only_one_class_lacks_tells_the_class():
    labels = np.repeat([0, 1], 50)  # one class as JPEG, the other as PNG
    quality = np.where(labels == 0, 85.0, np.nan)
    found = predictability({"jpeg_quality": quality}, labels)
    assert found.accuracy == 1.0 and found.leaks


def test_a_curved_relation_counts():
    random = np.random.default_rng(2)
    brightness = random.uniform(-1, 1, 600)
    labels = (np.abs(brightness) > 0.5).astype(int)  # no linear relation at all
    assert predictability({"brightness": brightness}, labels).accuracy > 0.9


def test_the_p_value_is_fair_where_nothing_is_to_be_told(monkeypatch):
    monkeypatch.setattr(module, "PERMUTATIONS", 99)
    p_values = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        measures = {name: random.normal(size=80) for name in ("a", "b")}
        p_values.append(predictability(measures, random.choice(2, 80, p=[0.7, 0.3])).p_value)
    p_values = np.array(p_values)
    assert 0.3 < p_values.mean() < 0.7  # standard error 0.037
    assert (p_values <= 0.1).mean() < 0.25 and (p_values < 0.05).mean() < 0.15


def test_large_data_are_drawn_and_small_groups_left_out(monkeypatch):
    monkeypatch.setattr(module, "MOST_PICTURES", 100)
    monkeypatch.setattr(module, "PERMUTATIONS", 9)
    monkeypatch.setattr(module, "LEAST_PERMUTATIONS", 9)
    random = np.random.default_rng(3)
    groups = np.r_[np.zeros(900, int), np.ones(100, int), np.full(5, 2)]
    found = predictability({"a": random.normal(size=1005)}, groups)
    assert found.groups == (0, 1) and found.pictures == 100
    assert predictability({"a": random.normal(size=5)}, np.zeros(5, int)) is None
    assert predictability({"a": np.ones(1005)}, groups) is None


def test_levels_hold_equally_many_and_equal_values_stand_together():
    columns, names = levels({"a": np.arange(80.0), "b": np.r_[np.zeros(70), np.ones(10)]})
    assert names == ("a", "b")
    assert columns[:, :8].sum(axis=0).tolist() == [10] * 8
    assert columns[:, 8:].sum(axis=0).tolist() == [70, 10]
    assert (columns.sum(axis=1) == 2).all()
