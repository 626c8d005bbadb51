"""What steps measure, against NumPy."""

import json

import jax
import numpy as np
import pytest

from lqjax.training.measures import add_measures, means, no_measures


def test_sums_become_means_over_all_examples():
    generator = np.random.default_rng(0)
    batches = [
        (
            generator.normal(size=(size, 5)).astype(np.float32),
            generator.integers(0, 5, size),
            generator.random(size, np.float32),
        )
        for size in (6, 6, 2)
    ]
    sums = no_measures()
    for batch in batches:
        sums = jax.jit(add_measures)(sums, *batch)
    found = means(jax.device_get(sums))
    right = np.concatenate([logits.argmax(1) == labels for logits, labels, _ in batches])
    losses = np.concatenate([losses for *_, losses in batches])
    assert found == {
        "accuracy": pytest.approx(right.mean()),
        "loss": pytest.approx(losses.mean(), rel=1e-6),
    }
    assert json.loads(json.dumps(found)) == found, "plain numbers, for records"


def test_sums_are_a_plain_tree_of_numbers_that_start_at_zero():
    sums = no_measures()
    assert {type(part) for part in sums.values()} == {dict}
    assert all(leaf.shape == () and leaf == 0 for leaf in jax.tree.leaves(sums))
    added = add_measures(
        sums, np.eye(3, dtype=np.float32), np.arange(3, dtype=np.int32), np.ones(3, np.float32)
    )
    for before, after in zip(jax.tree.leaves(sums), jax.tree.leaves(added), strict=True):
        assert (before.shape, before.dtype) == (after.shape, after.dtype)
