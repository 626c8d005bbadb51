"""Orders and passes over a split, against their definitions."""

import numpy as np
import pytest

from lqjax.data.order import check_batch_size, epoch_order, padded_batches

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


@pytest.mark.parametrize(("count", "size"), [(1, 8), (7, 8), (8, 8), (9, 8), (37, 5), (0, 4)])
def test_padded_batches_cover_every_row_once(count, size):
    batches = list(padded_batches(count, size))
    assert len(batches) == -(-count // size)
    assert all(len(rows) == len(mask) == size for rows, mask in batches)
    real = [row for rows, mask in batches for row in rows[mask]]
    assert real == list(range(count))
    assert all((rows[~mask] == 0).all() for rows, mask in batches)
