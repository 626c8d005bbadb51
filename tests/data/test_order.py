"""Orders and passes over a split, against their definitions."""

import numpy as np
import pytest

from lqjax.data.order import balanced_order, check_batch_size, epoch_order, padded_batches

FIRST_ORDER = [3, 2, 1, 6, 0, 7, 4, 5]


def test_the_check_says_what_to_use():
    check_batch_size(64, 8)
    with pytest.raises(ValueError, match=r"training.batch_size is 5, .* use 8$"):
        check_batch_size(5, 8, "training.batch_size")
    with pytest.raises(ValueError, match="is 0"):
        check_batch_size(0, 1)


def test_the_order_of_an_epoch_is_a_permutation_of_its_seed_and_number():
    orders = {(s, e): epoch_order(s, e, 1000) for s in range(3) for e in range(3)}
    for order in orders.values():
        np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    assert len({tuple(order) for order in orders.values()}) == 9
    np.testing.assert_array_equal(orders[2, 1], epoch_order(2, 1, 1000))
    # A change of these numbers breaks the resumption of everybody's runs.
    assert epoch_order(0, 0, 8).tolist() == FIRST_ORDER
    firsts = [epoch_order(0, epoch, 10)[0] for epoch in range(4000)]
    assert np.abs(np.bincount(firsts, minlength=10) - 400).max() < 5 * np.sqrt(360)


COUNTS = [3, 50, 7, 41]
LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 3, 8], COUNTS))
"""101 examples of four classes, whose labels have gaps."""

FIRST_BALANCED_ORDER = [0, 4, 4, 5, 1, 2]


def balanced(seed, epoch):
    order = balanced_order(seed, epoch, LABELS)
    return order, np.bincount(order, minlength=len(LABELS))


def test_a_balanced_epoch_shows_every_class_equally_often():
    for epoch in range(20):
        order, shown = balanced(5, epoch)
        assert len(order) == len(LABELS)
        of_class = [shown[label == LABELS] for label in (0, 1, 3, 8)]
        assert sorted(counts.sum() for counts in of_class) == [25, 25, 25, 26]
        assert all(np.ptp(counts) <= 1 for counts in of_class), "examples of a class are alike"


def test_over_epochs_no_class_and_no_example_has_more():
    epochs = 4000
    total = sum(balanced(1, epoch)[1] for epoch in range(epochs))
    of_class = np.array([total[label == LABELS].sum() for label in (0, 1, 3, 8)])
    # The 101st place falls to each class in a quarter of the epochs.
    assert np.abs(of_class - 25.25 * epochs).max() < 5 * np.sqrt(epochs * 3 / 16)
    for label, count in zip((0, 1, 3, 8), COUNTS, strict=True):
        share = 25.25 / count
        deviation = np.sqrt(epochs * max(share % 1 * (1 - share % 1), 0.01))
        assert np.abs(total[label == LABELS] - share * epochs).max() < 6 * deviation + 6


def test_a_balanced_epoch_follows_from_its_seed_and_number():
    orders = {(s, e): tuple(balanced(s, e)[0]) for s in range(3) for e in range(3)}
    assert len(set(orders.values())) == 9
    assert tuple(balanced(2, 1)[0]) == orders[2, 1]
    # A change of these numbers breaks the resumption of everybody's runs.
    assert balanced_order(0, 0, np.array([0, 0, 0, 0, 1, 1])).tolist() == FIRST_BALANCED_ORDER
    firsts = [LABELS[balanced(0, epoch)[0][0]] for epoch in range(2000)]
    counts = np.bincount(firsts)[[0, 1, 3, 8]]
    assert np.abs(counts - 500).max() < 5 * np.sqrt(2000 * 3 / 16), "the classes are mixed"


def test_classes_of_one_size_are_shown_once_each():
    order = balanced_order(0, 3, np.arange(60) % 5)
    np.testing.assert_array_equal(np.sort(order), np.arange(60))


def test_more_classes_than_examples_of_the_largest():
    assert sorted(balanced_order(0, 0, np.arange(7)).tolist()) == list(range(7))


@pytest.mark.parametrize(("count", "size"), [(1, 8), (7, 8), (8, 8), (9, 8), (37, 5), (0, 4)])
def test_padded_batches_cover_every_row_once(count, size):
    batches = list(padded_batches(count, size))
    assert len(batches) == -(-count // size)
    assert all(len(rows) == len(mask) == size for rows, mask in batches)
    real = [row for rows, mask in batches for row in rows[mask]]
    assert real == list(range(count))
    assert all((rows[~mask] == 0).all() for rows, mask in batches)
