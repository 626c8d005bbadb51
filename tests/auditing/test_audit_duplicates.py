import numpy as np

from lqjax.auditing.duplicates import EXACT, NEAR, conflicting, find_duplicates, surplus
from tests.auditing.tables import make_table

FAR = [0x0123456789ABCDEF, 0xFEDCBA9876543210, 0x00FF00FF00FF00FF, 0xAAAAAAAA55555555,
       0x0F0F0F0F0F0F0F0F, 0x137F137F137F137F]  # fmt: skip
"""Hashes that differ in many bits."""


def test_the_same_bytes_or_the_same_pixels_are_exact_duplicates():
    hashes = [FAR[0], FAR[0], FAR[0], FAR[1], FAR[2], FAR[3]]
    table = make_table(
        6,
        contents=["a", "a", "b", "c", "d", "e"],
        pixels=["p", "p", "p", "q", "r", "s"],  # the third: another file of the same pixels
        hashes=np.array(hashes, np.uint64),
        labels=[0, 0, 0, 1, 1, 1],
    )
    (group,) = find_duplicates(table, 4)
    assert (group.kind, group.rows, group.distances) == (EXACT, (0, 1, 2), (0, 0, 0))
    assert not group.leaks and not group.conflicts
    assert surplus([group], EXACT).tolist() == [1, 2] and surplus([group], NEAR).size == 0


def test_the_copy_in_training_goes_and_leaks_and_conflicts_are_told():
    table = make_table(
        6,
        contents=["a", "b", "a", "a", "c", "b"],
        splits=["train", "train", "test", "validation", "train", "train"],
        labels=[0, 0, 0, 0, 1, 1],
    )
    leak, conflict = find_duplicates(table, 0)
    assert leak.rows == (2, 3, 0) and leak.splits == ("test", "validation", "train")
    assert leak.leaks and not leak.conflicts
    assert conflict.rows == (1, 5) and conflict.conflicts and not conflict.leaks
    assert conflicting([leak, conflict]).tolist() == [1, 5]
    assert sorted(surplus([leak, conflict], EXACT).tolist()) == [0, 3, 5]


def test_near_duplicates_are_not_those_that_are_exact_only():
    hashes = np.array([FAR[0], FAR[0] ^ 0b11, FAR[1], FAR[1], FAR[2], FAR[3]], np.uint64)
    table = make_table(
        6,
        hashes=hashes,
        contents=["a", "b", "c", "c", "d", "e"],
        splits=["train", "test", "train", "train", "train", "train"],
    )
    exact, near = find_duplicates(table, 2)
    assert exact.rows == (2, 3)
    assert (near.kind, near.rows, near.distances) == (NEAR, (1, 0), (2, 2)) and near.leaks
    assert [group.kind for group in find_duplicates(table, 1)] == [EXACT]
