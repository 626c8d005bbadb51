import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from etils import epath

from lqjax.rows import Epoch
from lqjax.runtime import make_mesh
from lqjax.training.checkpoints import Checkpoints, best_epoch
from lqjax.training.state import abstract_state, create_state
from tests.training.tiny import TinyNetwork

BASE = Epoch("tiny", 0, 0, 1, 10, 1e-3, 0.5, 0.75, 0.25, 0.5, 31.5, 60.0)


def record(epoch, accuracy, loss=0.5):
    return dataclasses.replace(
        BASE, epoch=epoch, validation_accuracy=accuracy, validation_loss=loss
    )


@pytest.fixture(scope="module")
def made():
    mesh = make_mesh()
    network, optimizer = TinyNetwork(), optax.adamw(1e-3)
    return network, optimizer, mesh, create_state(network, optimizer, 0, mesh)


def equal(one, two):
    return all(
        np.array_equal(a, b)
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
    )


def test_a_state_survives_bit_for_bit(tmp_path, made):
    network, optimizer, mesh, state = made
    history = [record(1, 0.5)]
    with Checkpoints(epath.Path(tmp_path)) as checkpoints:
        checkpoints.save(state, history)
    with Checkpoints(epath.Path(tmp_path), read_only=True) as checkpoints:
        assert checkpoints.latest_epoch() == 1
        restored = checkpoints.restore(1, abstract_state(network, optimizer, mesh))
        assert checkpoints.history(1) == history
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    assert equal(restored, state)
    assert jax.tree.leaves(restored)[0].sharding == jax.tree.leaves(state)[0].sharding


def test_the_saved_state_may_be_donated_at_once(tmp_path, made):
    _, _, _, state = made
    big = {**state, "params": {"kernel": jnp.arange(4_000_000, dtype=jnp.float32)}}
    expected = np.array(big["params"]["kernel"])
    overwrite = jax.jit(lambda tree: jax.tree.map(lambda x: x * 0 - 1, tree), donate_argnums=0)
    with Checkpoints(epath.Path(tmp_path)) as checkpoints:
        checkpoints.save({**big, "stats": {}}, [record(1, 0.5)])
        jax.block_until_ready(overwrite(big["params"]))
    with Checkpoints(epath.Path(tmp_path), read_only=True) as checkpoints:
        shape = jax.ShapeDtypeStruct(
            expected.shape,
            expected.dtype,
            sharding=jax.sharding.SingleDeviceSharding(jax.devices()[0]),
        )
        restored = checkpoints.restore_model(1, {"params": {"kernel": shape}, "stats": {}})
    np.testing.assert_array_equal(restored["params"]["kernel"], expected)


def test_the_best_and_the_latest_stay(tmp_path, made):
    state = made[3]
    history = []
    with Checkpoints(epath.Path(tmp_path)) as checkpoints:
        for epoch, accuracy in enumerate([0.5, 0.9, 0.9, 0.7, 0.6], 1):
            history.append(record(epoch, accuracy))
            checkpoints.save(state, history)
    kept = sorted(p.name for p in tmp_path.iterdir() if p.name.isdigit())
    assert kept == ["2", "5"]


def test_best_epoch_prefers_accuracy_then_loss_then_the_earlier():
    assert best_epoch([record(1, 0.5), record(2, 0.9), record(3, 0.7)]).epoch == 2
    assert best_epoch([record(1, 0.9, 0.5), record(2, 0.9, 0.4)]).epoch == 2
    assert best_epoch([record(1, 0.9, 0.4), record(2, 0.9, 0.4)]).epoch == 1
