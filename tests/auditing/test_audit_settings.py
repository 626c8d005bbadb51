"""Settings of the audit that change what is found, and what is shown of it."""

import numpy as np
import pytest

import lqjax
from lqjax.auditing.findings import find
from lqjax.config import AuditConfig, DataConfig
from lqjax.data.source import SOURCES
from tests.auditing.tables import make_table
from tests.data.making import class_folders

DARK = 5
"""Pictures of the folder that are dark."""


def test_size_spread_says_how_far_out_a_size_is_odd():
    """Of sides drawn from a long tail, those outside so many interquartile ranges."""
    sides = np.rint(np.random.default_rng(0).lognormal(6, 1, 400))
    table, counts = make_table(400, width=sides, height=sides), []
    low, high = np.percentile(sides, [25, 75])
    far = np.maximum(low - sides, sides - high) / (high - low)
    for spread in (0.0, 0.5, 1.5, 3.0, 5.0):
        found = find(table, AuditConfig(size_spread=spread), 64).rows["odd_size"]
        assert sorted(found.tolist()) == np.flatnonzero(far > spread).tolist()
        counts.append(len(found))
    assert counts[-1] and (np.diff(counts) < 0).all()


@pytest.mark.parametrize("bits", [0, 1, 2, 5, 16])
def test_hash_distance_says_in_how_many_bits_twins_differ(bits):
    """Five pairs that differ in 0, 1, 2, 5 and 16 bits."""
    random, hashes = np.random.default_rng(0), []
    for differing in (0, 1, 2, 5, 16):
        places = random.choice(64, differing, replace=False).tolist()
        first = int(random.integers(2**63))
        hashes += [first, first ^ sum(1 << place for place in places)]
    table = make_table(10, hashes=np.asarray(hashes, np.uint64))
    found = find(table, AuditConfig(hash_distance=bits), 64)
    pairs = {group.rows: group.distances for group in found.groups}
    expected = [d for d in (0, 1, 2, 5, 16) if d <= bits]
    assert pairs == {(2 * n, 2 * n + 1): (d, d) for n, d in enumerate(expected)}
    assert found.rows["near_duplicate"].tolist() == [2 * n + 1 for n in range(len(expected))]


def test_thumbnails_says_how_many_of_a_flag_are_shown(tmp_path, monkeypatch):
    root = class_folders(tmp_path / "films", 12)
    (found,) = SOURCES["folder"](DataConfig(source="folder", path=str(root))).splits.values()
    levels = np.full(len(found), 0.9)
    levels[:DARK] = 0.1 + 0.01 * np.arange(DARK)
    table = make_table(
        len(found), ids=found.ids, dark_level=levels, labels=found.labels, splits=["train"] * 24
    )
    monkeypatch.setattr("lqjax.auditing.measuring.measure", lambda *_: table)
    monkeypatch.setattr("lqjax.data.choosing.splits_to_look_at", lambda whole, _: whole)
    for most in (0, 2, 100):
        page = lqjax.audit(
            source="folder", path=str(root), workdir=tmp_path / str(most), thumbnails=most
        ).page.read_text()
        start = '<ul class="thumbnails" aria-label="dark, the worst first">'
        shown = [part.partition("</ul>")[0] for part in page.split(start)[1:]]
        assert [part.count("<img") for part in shown] == ([min(most, DARK)] if most else [])
        if most:
            places = [shown[0].index(name) for name in found.ids[: min(most, DARK)]]
            assert places == sorted(places)  # the darkest first
