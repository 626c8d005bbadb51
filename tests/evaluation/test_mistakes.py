"""The surest mistakes, and that their pictures are what the networks saw."""

import numpy as np
import pytest
from scipy.special import softmax

from lqjax.data.placing import place
from lqjax.evaluation.grid import Grid
from lqjax.evaluation.mistakes import make_mistakes
from lqjax.evaluation.predict import Predictor
from lqjax.imaging.conditions import expand
from lqjax.runtime import make_mesh
from lqjax.typing import Dataset
from tests.training.small import split, statistics
from tests.training.tiny import TinyNetwork

SIZE, COUNT, CLASSES = 28, 50, 4
CONDITIONS = expand(
    (
        "clean",
        "gaussian_noise(sigma=0.1)",
        "gaussian_noise(sigma=0.4)",
        "gaussian_blur(kernel_size=5,sigma=2.0)",
        "jpeg(quality=10)",
        "salt_and_pepper(amount=0.2)",
    )
)


@pytest.fixture(scope="module")
def dataset():
    data = split(SIZE, count=COUNT)
    return Dataset("made", data, data, data, tuple("abcd"))


def scores(labels, hits, seed):
    """Random logits in which the first `hits` images of a condition are right."""
    random = np.random.default_rng(seed)
    found = {}
    for number, condition in enumerate(CONDITIONS):
        logits = random.normal(size=(COUNT, CLASSES))
        right = np.arange(COUNT) < hits - 4 * number
        best = np.where(right, labels, (labels + 1) % CLASSES)
        logits[np.arange(COUNT), best] = logits.max(1) + random.random(COUNT) * 5
        found[condition.name] = logits.astype(np.float32)
    return found


@pytest.fixture(scope="module")
def made(dataset):
    labels = dataset.test.labels
    both = {"weak": scores(labels, 25, 1), "strong": scores(labels, 40, 2)}
    return both, make_mistakes(dataset, CONDITIONS, both, seed=3)


def test_the_surest_mistakes_of_the_better_model_come_first(made, dataset):
    both, found = made
    labels = dataset.test.labels
    shown = ["clean", *(c.name for c in CONDITIONS[:2:-1])]  # later ones are harder by making
    assert found["conditions"].tolist() == [name for name in shown for _ in range(5)]
    for number, name in enumerate(shown):
        at = slice(5 * number, 5 * number + 5)
        strong, weak = (softmax(both[m][name].astype(float), axis=1) for m in ("strong", "weak"))
        wrong = strong.argmax(1) != labels
        surest = sorted(np.flatnonzero(wrong), key=lambda row: -strong[row].max())[:3]
        alone = ~wrong & (weak.argmax(1) != labels)
        others = sorted(np.flatnonzero(alone), key=lambda row: -weak[row].max())[:2]
        rows = [int(r) for r in (*surest, *others)]
        assert found["ids"][at].tolist() == dataset.test.ids[rows].astype(str).tolist()
        assert found["models"][at].tolist() == ["strong"] * 3 + ["weak"] * 2
        assert found["others"][at].tolist() == ["weak"] * 3 + ["strong"] * 2
        assert found["true"][at].tolist() == ["abcd"[labels[r]] for r in rows]
        own = [strong[r] for r in surest] + [weak[r] for r in others]
        beside = [weak[r] for r in surest] + [strong[r] for r in others]
        assert found["given"][at].tolist() == ["abcd"[p.argmax()] for p in own]
        assert found["others_given"][at].tolist() == ["abcd"[p.argmax()] for p in beside]
        assert found["confidences"][at] == pytest.approx([p.max() for p in own])
        assert found["others_confidences"][at] == pytest.approx([p.max() for p in beside])


def test_the_pictures_are_what_the_grid_showed_the_networks(made, dataset):
    _, found = made
    ids = dataset.test.ids.astype(str).tolist()
    mesh = make_mesh(8)
    grid = Grid("made", dataset.test, place(dataset.test, mesh, "device", 0.5), CONDITIONS, seed=3)
    network = TinyNetwork(image_size=SIZE)
    predictor = Predictor(network, statistics(), 24, mesh)
    for condition in CONDITIONS:
        seen = []
        prepare = grid._prepare(condition, [])

        def spy(images, numbers, prepare=prepare, seen=seen):
            made = prepare(images, numbers)
            seen.append(np.asarray(made))
            return made

        predictor.logits(*network.init(0), grid.batches, spy)
        floats = np.concatenate(seen)[:COUNT]
        kept = np.flatnonzero(found["conditions"] == condition.name)
        assert len(kept) in (0, 5)
        for number in kept:
            shown = floats[ids.index(found["ids"][number])]
            # Kept as 8 bits: within half a level, and a little for rounding in other batches.
            assert np.abs(found["images"][number] / 255 - shown).max() <= 0.5 / 255 + 1e-5


def test_one_model_has_mistakes_of_its_own_and_a_perfect_one_none(dataset):
    labels = dataset.test.labels
    alone = make_mistakes(dataset, CONDITIONS, {"weak": scores(labels, 25, 1)}, seed=3)
    assert set(alone["models"]) == {"weak"} and set(alone["others"]) == {""}
    assert len(alone["images"]) == 20
    right = {c.name: np.eye(CLASSES, dtype=np.float32)[labels] for c in CONDITIONS}
    none = make_mistakes(dataset, CONDITIONS, {"perfect": right}, seed=3)
    assert none["images"].shape == (0, SIZE, SIZE, dataset.test.images.shape[-1])
    assert none["models"].size == 0
