"""Checksums that see any bit, and checkpoints moved out of the way."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from etils import epath

from lqjax.training.damage import UnreadableError, check_seal, checksum, sealed, set_aside

TREE = {
    "w": jnp.asarray(np.random.default_rng(0).normal(size=(3, 5)), jnp.float32),
    "step": jnp.int32(7),
    "key": jnp.asarray([1, 2**32 - 1], jnp.uint32),
}


def words(tree):
    """Sum the bits of a tree as 32-bit words, by NumPy."""
    parts = [np.asarray(leaf).reshape(-1).view(np.uint32) for leaf in jax.tree.leaves(tree)]
    return int(np.concatenate(parts).astype(np.uint64).sum() % 2**32)


def test_the_checksum_is_the_sum_of_all_words():
    assert checksum(TREE) == words(TREE)
    assert checksum({}) == 0
    with jax.enable_x64(True):
        wide = {"w": jnp.asarray([np.pi, -1e300])}
        assert wide["w"].dtype == np.float64 and checksum(wide) == words(wide)


@pytest.mark.parametrize("name", TREE)
@pytest.mark.parametrize("bit", [0, 1, 15, 22, 23, 30, 31])
def test_any_bit_changes_it(name, bit):
    flat = np.array(TREE[name]).reshape(-1)
    flat.view(np.uint32)[-1] ^= np.uint32(1) << np.uint32(bit)
    damaged = {**TREE, name: jnp.asarray(flat.reshape(TREE[name].shape))}
    assert checksum(damaged) != checksum(TREE)


def test_it_does_not_depend_on_where_the_arrays_lie():
    from lqjax.runtime import make_mesh, replicated

    spread = jax.device_put(TREE, replicated(make_mesh(8)))
    assert checksum(spread) == checksum(TREE)


def test_a_seal_breaks_with_any_change():
    folder = epath.Path("here/20")
    record = {"step": 20, "seconds": 0.1, "history": [{"loss": float("inf")}], "config": {}}
    found = json.loads(json.dumps(sealed(record)))
    check_seal(found, folder)
    for change in ({"step": 21}, {"seconds": 0.2}, {"more": 1}, {"seal": found["seal"] ^ 1}):
        with pytest.raises(UnreadableError, match=r"here/20: the checksum of its record is wrong"):
            check_seal({**found, **change}, folder)
    with pytest.raises(UnreadableError):
        check_seal(record, folder)


def test_damaged_checkpoints_lie_beside_the_others_and_never_on_one_another(tmp_path):
    folder = epath.Path(tmp_path / "checkpoints")
    for number, name in enumerate(["20", "20-1", "20-2"]):
        (folder / "20").mkdir(parents=True)
        (folder / "20" / "file").write_text(str(number))
        assert set_aside(folder, 20) == epath.Path(tmp_path / "damaged" / name)
        assert (tmp_path / "damaged" / name / "file").read_text() == str(number)
    assert not (folder / "20").exists()
