"""Stratified shares: exact sums, every class, stable under additions."""

import hashlib

import numpy as np
import pytest

from lqjax.data.splits import share_out, stratified_limit, stratified_part


def example(counts, prefix="x"):
    labels = np.repeat(np.arange(len(counts)), counts)
    return labels, np.array([f"{prefix}/{i}" for i in range(len(labels))])


def test_shares_are_exact_and_proportional():
    labels, ids = example([500, 300, 200])
    chosen = stratified_part(labels, ids, 0.1, 0, "test")
    assert np.bincount(labels[chosen]).tolist() == [50, 30, 20]


def test_rounding_keeps_the_total():
    labels, ids = example([7] * 9)
    assert stratified_part(labels, ids, 0.25, 0, "test").sum() == round(63 * 0.25)


def test_every_class_gives_one_and_keeps_one():
    labels, ids = example([1000, 2, 1])
    chosen = stratified_part(labels, ids, 0.01, 0, "test")
    assert np.bincount(labels[chosen], minlength=3).tolist() == [9, 1, 0]
    most = stratified_part(labels, ids, 0.9999, 0, "test")
    assert (np.bincount(labels[~most]) >= 1).all()


def test_seed_and_purpose_choose_independently():
    labels, ids = example([400, 400])
    parts = [
        stratified_part(labels, ids, 0.5, seed, purpose)
        for seed, purpose in ((0, "test"), (1, "test"), (0, "validation"))
    ]
    np.testing.assert_array_equal(parts[0], stratified_part(labels, ids, 0.5, 0, "test"))
    for other in parts[1:]:
        assert 0.35 < (parts[0] == other).mean() < 0.65


def test_the_chosen_are_those_of_the_smallest_hash():
    labels, ids = example([30])
    chosen = stratified_part(labels, ids, 0.2, 3, "test")
    hashes = [
        int.from_bytes(hashlib.blake2s(f"3\ntest\n{i}".encode(), digest_size=8).digest(), "little")
        for i in ids
    ]
    assert set(np.flatnonzero(chosen)) == set(np.argsort(hashes)[:6])


def test_order_of_the_examples_does_not_matter():
    labels, ids = example([40, 60])
    shuffle = np.random.default_rng(0).permutation(100)
    one = set(ids[stratified_part(labels, ids, 0.3, 0, "test")])
    other = ids[shuffle][stratified_part(labels[shuffle], ids[shuffle], 0.3, 0, "test")]
    assert one == set(other)


def test_limits_are_nested_and_refuse_fewer_than_classes():
    labels, ids = example([100, 50, 50])
    small, large = (stratified_limit(labels, ids, n, 0, "train") for n in (20, 40))
    assert np.bincount(labels[small]).tolist() == [10, 5, 5]
    assert (small <= large).all()
    assert stratified_limit(labels, ids, 0, 0, "train").all()
    assert stratified_limit(labels, ids, 999, 0, "train").all()
    with pytest.raises(ValueError, match=r"data\.train_limit=2 is less than .* at least 3"):
        stratified_limit(labels, ids, 2, 0, "train")


def test_sharing_out_meets_its_bounds():
    generator = np.random.default_rng(0)
    for _ in range(300):
        counts = generator.integers(1, 30, generator.integers(1, 12))
        total = int(generator.integers(0, counts.sum() + 1))
        for leave in (0, 1):
            taken = np.array(share_out(total, counts, leave))
            room = np.maximum(counts - leave, 0)
            assert (taken <= room).all()
            assert (taken >= np.minimum(room, 1)).all()
            if np.minimum(room, 1).sum() <= total <= room.sum():
                assert taken.sum() == total
                inner = (taken > 1) & (taken < room)
                exact = total * counts / counts.sum()
                if (np.floor(exact) >= 1).all() and (exact <= room).all():
                    assert (np.abs(taken - exact)[inner] < 1).all()
