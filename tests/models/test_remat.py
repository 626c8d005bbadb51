"""Computing blocks again in the backward pass: the same numbers from less memory."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.models.network import build
from lqjax.models.resnet import BasicBlock, ResNet

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIZE, BATCH = 28, 8


def network(name="resnet18", **settings):
    return build(name, num_classes=4, channels=1, image_size=SIZE, stem="small", **settings)


def shallow(**settings):
    """A residual network with a block after a block, and with a narrowing one, at a third of the
    time to compile."""
    made = network(**settings)
    architecture = dataclasses.replace(
        made._architecture, make=lambda *rest: ResNet(BasicBlock, (2, 1, 1, 1), *rest)
    )
    return dataclasses.replace(made, _architecture=architecture)


def loss_of(made, images):
    def loss(params, stats):
        logits, new = made.apply(params, stats, images, train=True)
        return jnp.square(logits).mean(), new

    return loss


def residual_bytes(made):
    """Count what the forward pass leaves for the backward one, beside the parameters."""
    images = jax.ShapeDtypeStruct((BATCH, SIZE, SIZE, 1), jnp.float32)

    def pull(params, stats, images):
        return jax.vjp(lambda params: loss_of(made, images)(params, stats)[0], params)[1]

    kept = jax.tree.leaves(jax.eval_shape(pull, *made.shapes(), images))
    weights = sum(leaf.size for leaf in jax.tree.leaves(made.shapes()[0]))
    return sum(leaf.size * leaf.dtype.itemsize for leaf in kept) - 4 * weights


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_it_keeps_less(name):
    plain, again = residual_bytes(network(name)), residual_bytes(network(name, remat=True))
    # What is left: the input of each block, the stem, and the head.
    assert again < plain / 3


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "alexnet"])
def test_it_changes_no_parameter(name):
    plain, again = network(name).shapes(), network(name, remat=True).shapes()
    assert jax.tree.structure(plain) == jax.tree.structure(again)
    assert jax.tree.leaves(plain) == jax.tree.leaves(again)


@pytest.mark.slow
def test_gradients_and_statistics_stay_the_same():
    images = jax.random.normal(jax.random.key(0), (BATCH, SIZE, SIZE, 1))
    params, stats = shallow(zero_init_residual=False).init(0)
    found = []
    for remat in (False, True):
        made = shallow(zero_init_residual=False, remat=remat)
        step = jax.jit(jax.value_and_grad(loss_of(made, images), has_aux=True))
        found.append(jax.device_get(step(params, stats)))
    (plain_loss, plain_stats), plain = found[0]
    (loss, new), again = found[1]
    np.testing.assert_allclose(loss, plain_loss, rtol=1e-5)
    for one, two in zip(
        jax.tree.leaves((plain_stats, plain)), jax.tree.leaves((new, again)), strict=True
    ):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5 * float(np.abs(one).max()))
    assert not jax.tree.all(jax.tree.map(np.array_equal, jax.device_get(stats), new))
