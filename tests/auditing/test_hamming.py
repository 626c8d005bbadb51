import numpy as np
import pytest

from lqjax.auditing import hamming
from lqjax.auditing.hamming import HASH_BITS, bands, candidates, neighbours


def brute_force(hashes, distance):
    """Compare all with all, and walk through what is near."""
    count = len(hashes)
    bits = np.array([[bin(int(a) ^ int(b)).count("1") for b in hashes] for a in hashes])
    near = (bits <= distance) & ~np.eye(count, dtype=bool)
    groups, seen = np.full(count, -1), 0
    for start in range(count):
        if groups[start] < 0:
            todo = [start]
            while todo:
                row = todo.pop()
                if groups[row] < 0:
                    groups[row] = seen
                    todo += np.flatnonzero(near[row]).tolist()
            seen += 1
    nearest = [int(bits[row][near[row]].min()) if near[row].any() else -1 for row in range(count)]
    return groups, nearest


def partition(groups):
    found = {}
    for row, group in enumerate(np.asarray(groups).tolist()):
        found.setdefault(group, []).append(row)
    return sorted(found.values())


def hashes_with_kin(random, count, most_flipped):
    """Draw hashes; each has kin in which a few bits are turned."""
    found = []
    for base in random.integers(0, 2**64, count, dtype=np.uint64):
        found.append(base)
        for _ in range(random.integers(0, 4)):
            places = random.choice(HASH_BITS, random.integers(0, most_flipped + 1), replace=False)
            found.append(base ^ np.uint64(sum(1 << int(place) for place in places)))
    return random.permutation(np.array(found, np.uint64))


@pytest.mark.parametrize("distance", [0, 1, 2, 3, 5, 8, 16])
@pytest.mark.parametrize("pairs_at_once", [7, 2**21])
def test_the_search_finds_what_comparing_all_finds(distance, pairs_at_once, monkeypatch):
    monkeypatch.setattr(hamming, "PAIRS_AT_ONCE", pairs_at_once)
    hashes = hashes_with_kin(np.random.default_rng(distance), 30, 2 * distance + 2)
    groups, nearest = brute_force(hashes, distance)
    found = neighbours(hashes, distance)
    assert partition(found.groups) == partition(groups)
    assert found.nearest.tolist() == nearest


def test_hashes_that_agree_in_many_bits_are_found_too():
    random = np.random.default_rng(0)  # all in the same few bands: the worst case
    hashes = random.integers(0, 2**9, 120, dtype=np.uint64) << np.uint64(20)
    groups, nearest = brute_force(hashes, 2)
    found = neighbours(hashes, 2)
    assert partition(found.groups) == partition(groups)
    assert found.nearest.tolist() == nearest


@pytest.mark.parametrize("distance", range(17))
def test_the_bands_cover_each_bit_once(distance):
    found = [bit for start, width in bands(distance) for bit in range(start, start + width)]
    assert found == list(range(HASH_BITS)) and len(bands(distance)) == distance + 1


def test_few_pairs_are_compared_of_many_hashes():
    hashes = np.random.default_rng(1).integers(0, 2**64, 20_000, dtype=np.uint64)
    compared = sum(len(first) for first, _ in candidates(np.unique(hashes), 3))
    assert compared < 20_000 * 20_000 / 2 / 1000


def test_nothing_and_one_have_no_neighbours():
    assert neighbours(np.zeros(0, np.uint64), 4).groups.size == 0
    alone = neighbours(np.array([5], np.uint64), 4)
    assert alone.groups.tolist() == [0] and alone.nearest.tolist() == [-1]
    with pytest.raises(ValueError, match="distance=64"):
        neighbours(np.array([5], np.uint64), 64)
