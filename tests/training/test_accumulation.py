"""A batch worked through in parts, against the whole of it and against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special

from lqjax.optim.building import resolve
from lqjax.optim.gauss_newton import draw_labels
from lqjax.runtime import batch_sharded, make_mesh
from lqjax.training.accumulation import accumulate, check_accumulation
from tests.training.small import BATCH, MEAN, STD, Small, assert_equal_trees, config, split
from tests.training.tiny import MOMENTUM, TinyNetwork

PLAIN = {"optimizer__name": "sgd", "optimizer__momentum": 0, "optimizer__learning_rate": 0.5}


@pytest.mark.parametrize("devices", [1, 8])
@pytest.mark.parametrize("weights", ["none", "ant=5,dog=0.5"])
def test_parts_add_up_to_the_whole_batch(devices, weights):
    network = TinyNetwork(norm=False, dropout=0.0)
    settings = {**PLAIN, "training__class_weights": weights}
    whole, _, state = Small(network, config(**settings), split(), devices).run(4)
    parts = Small(network, config(**settings, training__accumulation=2), split(), devices)
    found, _, its = parts.run(4)
    np.testing.assert_allclose(found, whole, rtol=1e-5)
    assert_equal_trees(its, state, rtol=1e-5, atol=1e-5)


def test_batch_statistics_are_those_of_the_parts_in_turn():
    settings = config(**PLAIN, training__accumulation=4)
    small = Small(TinyNetwork(dropout=0.0), settings, split())
    before = jax.tree.map(np.asarray, small.start())
    _, _, after = small.run(1)
    images = (small.data.images[small.rows(0)].astype(np.float64) / 255 - MEAN) / STD
    hidden = images.reshape(len(images), -1) @ before["params"]["hidden"]["kernel"]
    mean, var = np.zeros(16), np.ones(16)
    for part in range(4):
        share = hidden[part::4]
        mean = MOMENTUM * mean + (1 - MOMENTUM) * share.mean(0)
        var = MOMENTUM * var + (1 - MOMENTUM) * share.var(0)
    np.testing.assert_allclose(after["stats"]["norm"]["mean"], mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after["stats"]["norm"]["var"], var, rtol=1e-4)


class RememberingKeys(TinyNetwork):
    """Keeps the keys that it was given among its statistics, the latest last."""

    def init(self, seed):
        params, _ = super().init(seed)
        return params, {"keys": jnp.zeros((2, 2), jnp.uint32)}

    def apply(self, params, stats, images, *, train, key=None):
        logits, _ = super().apply(params, {}, images, train=train, key=key)
        return logits, {
            "keys": jnp.concatenate([stats["keys"][1:], jax.random.key_data(key)[None]])
        }


def test_parts_draw_dropout_of_their_own():
    settings = config(**PLAIN, training__accumulation=2)
    small = Small(RememberingKeys(norm=False), settings, split())
    _, _, first = small.run(1)
    keys = [tuple(key) for key in np.asarray(first["stats"]["keys"])]
    _, _, second = small.run(1, first)
    keys += [tuple(key) for key in np.asarray(second["stats"]["keys"])]
    assert (0, 0) not in keys and len(set(keys)) == 4, "another key for each part and step"


def weighed(stats, share, number):
    """A stand-in for a gradient that tells parts and their order apart."""
    total = jnp.tensordot(share["x"], share["y"], axes=1) * 10.0 ** number.astype(jnp.float32)
    return {"total": total}, ({"seen": 2 * stats["seen"] + share["y"].sum()}, share)


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_examples_stay_in_order_and_parts_come_one_after_the_other(parts):
    x, y = np.arange(8.0, dtype=np.float32), np.arange(1.0, 9, dtype=np.float32) ** 2
    inputs = {"x": jnp.asarray(x), "y": jnp.asarray(y)}
    run = jax.jit(lambda inputs: accumulate(weighed, {"seen": jnp.float32(1)}, inputs, parts))
    sums, (stats, outputs) = run(inputs)
    expected, seen = 0.0, 1.0
    for part in range(parts):
        expected += (x[part::parts] * y[part::parts]).sum() * 10.0**part
        seen = 2 * seen + y[part::parts].sum()
    assert float(sums["total"]) == pytest.approx(expected)
    assert float(stats["seen"]) == pytest.approx(seen)
    np.testing.assert_array_equal(outputs["x"], x)
    np.testing.assert_array_equal(outputs["y"], y)


def test_no_device_sends_examples_to_another():
    mesh = make_mesh(8)
    spread = jax.device_put(np.zeros((32, 3), np.float32), batch_sharded(mesh))

    def by_part(inputs):
        return accumulate(lambda stats, share, number: ({}, ({}, share)), {}, inputs, 4)[1][1]

    compiled = jax.jit(by_part, out_shardings=batch_sharded(mesh)).lower(spread).compile()
    for moves in ("all-to-all", "all-gather", "collective-permute", "all-reduce"):
        assert moves not in compiled.as_text()


def test_a_batch_that_cannot_be_shared_out_is_refused():
    check_accumulation(32, 2, 8)
    with pytest.raises(ValueError, match=r"accumulation=3 .*batch_size=32 on 8 .*multiple of 24"):
        check_accumulation(32, 3, 8)


def curvature_of(network, parts):
    """Make one step of Sophia; give the weights before it, the images, and the curvature."""
    settings = config(optimizer__name="sophia", training__accumulation=parts)
    small = Small(network, settings, split())
    before = jax.tree.map(np.asarray, small.start()["params"])
    images = (small.data.images[small.rows(0)].astype(np.float64) / 255 - MEAN) / STD
    (found,) = optax.tree_utils.tree_get_all_with_path(small.run(1)[2]["optimizer"], "nu")
    return before, images.reshape(len(images), -1), found[1], resolve(settings.optimizer).beta2


@pytest.mark.parametrize("parts", [1, 4])
def test_sophia_estimates_curvature_from_the_first_part(parts):
    network = TinyNetwork(norm=False, dropout=0.0)
    params, images, found, decay = curvature_of(network, parts)
    images, hidden, head = (
        images[::parts],
        params["hidden"]["kernel"].astype(np.float64),
        params["head"]["kernel"].astype(np.float64),
    )
    active = np.maximum(images @ hidden, 0)
    logits = active @ head
    labels = np.asarray(draw_labels(jnp.asarray(logits, jnp.float32), 0))
    count = len(images)
    errors = (scipy.special.softmax(logits, axis=1) - np.eye(4)[labels]) / count
    wanted = {"hidden": images.T @ (errors @ head.T * (active > 0)), "head": active.T @ errors}
    for name, gradient in wanted.items():
        curvature = (1 - decay) * count * gradient**2
        np.testing.assert_allclose(found[name]["kernel"], curvature, rtol=1e-3, atol=1e-8)


def test_no_pass_takes_more_than_a_part():
    sizes = set()

    class Measuring(TinyNetwork):
        def apply(self, params, stats, images, **how):
            sizes.add(len(images))
            return super().apply(params, stats, images, **how)

    curvature_of(Measuring(), 4)
    assert sizes == {BATCH // 4}
