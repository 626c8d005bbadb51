"""Extra fully connected layers before the logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.models.network import build
from tests.quick_compilation import quick_compilation

WIDTHS = (12, 6)
NETWORKS = {"resnet18": ("fc", 512), "alexnet_one_tower": ("fc8", 4096)}


def made(name, **settings):
    return build(name, num_classes=3, channels=1, image_size=28, stem="small", **settings)


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    with quick_compilation():
        found = made(request.param, head_layers=WIDTHS)
        yield found, *found.init(0)


@pytest.fixture(scope="module")
def answers(network):
    """Give all that is compared, by one program."""
    found, params, stats = network
    frozen = {layer: False for stage in found.stages for layer in stage}
    keys = jax.random.key(5), jax.random.key(6)

    def program(params, stats, images):
        features = found.features(params, stats, images)
        logits, _ = found.apply(params, stats, images, train=False)
        trained, kept = found.apply(params, stats, images, train=frozen, key=keys[0])
        same, other = (
            found.classify(params, stats, features, train=True, key=key)[0] for key in keys
        )
        return features, logits, trained, kept, same, other

    with quick_compilation():
        images = jax.random.normal(jax.random.key(1), (3, 28, 28, 1))
        return jax.device_get(jax.jit(program)(params, stats, images))


def dense(layer, x):
    return x @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])


def test_logits_are_those_of_dense_layers_on_the_features(network, answers):
    found, params, _ = network
    head, inputs = NETWORKS[found.name]
    features, logits, *_ = answers
    assert features.shape == (3, inputs)
    x = features
    for number in range(len(WIDTHS)):
        x = np.maximum(dense(params["head"][str(number)], x), 0)
    np.testing.assert_allclose(logits, dense(params[head], x), rtol=1e-4, atol=1e-5)


def test_with_frozen_stages_the_head_alone_is_in_training(network, answers):
    _, _, stats = network
    _, _, logits, kept, same, other = answers
    np.testing.assert_allclose(logits, same, rtol=1e-4, atol=1e-5)
    assert np.abs(logits - other).max() > 1e-3
    for a, b in zip(jax.tree.leaves(stats), jax.tree.leaves(kept), strict=True):
        np.testing.assert_array_equal(a, b)


def test_layers_are_listed_and_counted(network):
    found, params, _ = network
    head, inputs = NETWORKS[found.name]
    extra = {layer.layer: layer for layer in found.layers()}
    assert extra["head/0"].multiply_adds == inputs * WIDTHS[0]
    assert extra["head/0"].parameters == inputs * WIDTHS[0] + WIDTHS[0]
    assert extra["head/1"].multiply_adds == WIDTHS[0] * WIDTHS[1]
    assert extra[head].multiply_adds == WIDTHS[1] * 3
    assert found.parameter_count() == sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.slow
def test_dropout_follows_each_layer_in_training():
    found = made("resnet18", head_layers=WIDTHS, dropout=0.5)
    params, stats = found.init(0)
    with pytest.raises(ValueError, match="has dropout"):
        found.classify(params, stats, jnp.ones((2, 512)), train=True)
    features = jnp.abs(jax.random.normal(jax.random.key(0), (2, 512)))
    # Only what dropout left, twice as large, reaches the next layer.
    params["head"] = {
        str(number): {
            "kernel": jnp.full_like(layer["kernel"], 1 / len(layer["kernel"])),
            "bias": layer["bias"],
        }
        for number, layer in params["head"].items()
    }
    calm = found.classify(params, stats, features, train=False)[0]
    keys = jax.random.split(jax.random.key(3), 400)
    drawn = jax.vmap(lambda key: found.classify(params, stats, features, train=True, key=key)[0])(
        keys
    )
    assert np.std(drawn, axis=0).min() > 0
    spread = np.std(drawn, axis=0) / len(keys) ** 0.5
    assert (np.abs(np.mean(drawn, axis=0) - calm) < 5 * spread).all()


def test_without_extra_layers_nothing_is_there():
    plain = made("resnet18")
    assert "head" not in plain.shapes()[0]
