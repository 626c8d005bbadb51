"""The step against plain compositions, and the same on one device and on eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.extend.core import jaxprs_in_params

from lqjax.models import resnet
from lqjax.models.network import DTYPES, Network, build
from lqjax.models.resnet import BasicBlock, ResNet
from lqjax.training import step as step_module
from lqjax.training.measures import means
from lqjax.training.state import abstract_state
from tests.quick_compilation import quick_compilation
from tests.training.small import (
    BATCH,
    MEAN,
    STD,
    Small,
    assert_equal_trees,
    config,
    split,
)
from tests.training.tiny import TinyNetwork

RATE = 0.1
PLAIN = {
    "optimizer__name": "sgd",
    "optimizer__momentum": 0,
    "optimizer__weight_decay": 0,
    "optimizer__learning_rate": RATE,
}
FROZEN = {**PLAIN, "optimizer__learning_rate": 1e-12}
AUGMENTED = {
    "augmentation__flip": True,
    "augmentation__crop_padding": 2,
    "augmentation__contrast": 0.2,
}
MUCH = {
    **AUGMENTED,
    "optimizer__name": "adamw",
    "optimizer__gradient_clip": 0.5,
    "training__ema_decay": 0.9,
    "training__accumulation": 2,
    "training__label_smoothing": 0.1,
    "training__class_weights": "auto",
    "training__loss": "focal",
}
EVERYTHING = {
    **MUCH,
    "augmentation__rotation": 10,
    "augmentation__zoom": 0.1,
    "augmentation__brightness": 0.2,
    "augmentation__noise_sigma": 0.05,
    "augmentation__erasing": 0.5,
    "augmentation__channel_transfer": 0.3,
    "augmentation__randaugment_operations": 2,
    "augmentation__mixup": 0.2,
    "augmentation__cutmix": 1.0,
    "augmentation__degradations": "gaussian_noise(sigma=0.3),gaussian_blur(kernel_size=9,sigma=3)",
    "augmentation__degradation_probability": 0.7,
}


def inputs_of(data, rows):
    return (data.images[rows].astype(np.float64) / 255 - MEAN) / STD


def loss_by_hand(network, params, stats, images, targets, weights=None):
    """The weighted mean of the cross-entropies, from definitions."""
    logits, _ = network.apply(params, stats, images, train=True)
    logs = logits - jnp.log(jnp.exp(logits).sum(1, keepdims=True))
    weights = np.ones(logits.shape[1]) if weights is None else weights
    return -(weights[None] * targets * logs).sum() / (weights[None] * targets).sum()


def one_step(network, settings, factor=1.0):
    """Make one step; give its loss, the states around it, and what it worked on."""
    small = Small(network, settings, split())
    before = jax.tree.map(np.asarray, small.start())
    losses, _, after = small.run(1, factor=factor)
    rows = small.rows(0)
    targets = np.eye(4)[small.data.labels[rows]]
    return losses[0], before, after, inputs_of(small.data, rows), targets


@pytest.mark.parametrize(
    ("settings", "factor", "weights", "clip"),
    [
        ({}, 1.0, None, np.inf),
        ({}, 0.25, None, np.inf),
        ({"training__class_weights": "ant=5,dog=0.5"}, 1.0, np.array([5, 1, 1, 0.5]), np.inf),
        ({"optimizer__gradient_clip": 0.01}, 1.0, None, 0.01),
    ],
    ids=["plain", "plateau factor", "class weights", "clipping"],
)
def test_one_update_is_what_a_plain_composition_gives(settings, factor, weights, clip):
    with jax.enable_x64(True):
        network = TinyNetwork(dtype="float64", dropout=0.0)
        loss, before, after, images, targets = one_step(
            network, config(**PLAIN, **settings), factor
        )

        def expected_loss(params):
            return loss_by_hand(network, params, before["stats"], images, targets, weights)

        expected, gradient = jax.device_get(
            jax.jit(jax.value_and_grad(expected_loss))(before["params"])
        )
        norm = np.sqrt(sum(np.square(leaf).sum() for leaf in jax.tree.leaves(gradient)))
        assert (norm > clip) == np.isfinite(clip)
        change = RATE * factor * min(1.0, clip / norm)
        params = jax.tree.map(lambda p, g: p - change * g, before["params"], gradient)
    assert loss == pytest.approx(float(expected), rel=1e-6)
    assert_equal_trees(after["params"], params, rtol=1e-6, atol=1e-8)


def test_the_factor_multiplies_what_adamw_with_weight_decay_does():
    with jax.enable_x64(True):
        network = TinyNetwork(dtype="float64", dropout=0.0, norm=False)
        settings = config(optimizer__learning_rate=RATE, optimizer__weight_decay=0.3)
        _, before, after, images, targets = one_step(network, settings, factor=0.1)
        rule = optax.adamw(0.1 * RATE, weight_decay=0.3)  # the same as a lower rate

        @jax.jit
        def updated(params):
            gradient = jax.grad(lambda p: loss_by_hand(network, p, {}, images, targets))(params)
            changes, _ = rule.update(gradient, rule.init(params), params)
            return optax.apply_updates(params, changes)

        expected = updated(before["params"])
    assert_equal_trees(after["params"], expected, rtol=1e-5, atol=1e-7)


def test_clipping_comes_before_the_rule():
    """The first step of Adam is g / (|g| + epsilon), of the clipped gradient g."""
    clip, epsilon = 1e-3, 1e-3
    with jax.enable_x64(True):
        network = TinyNetwork(dtype="float64", dropout=0.0, norm=False)
        settings = config(
            optimizer__name="adam",
            optimizer__learning_rate=RATE,
            optimizer__epsilon=epsilon,
            optimizer__gradient_clip=clip,
        )
        _, before, after, images, targets = one_step(network, settings)
        by_hand = jax.grad(lambda p: loss_by_hand(network, p, {}, images, targets))
        gradient = jax.device_get(jax.jit(by_hand)(before["params"]))
    norm = np.sqrt(sum(np.square(leaf).sum() for leaf in jax.tree.leaves(gradient)))
    assert norm > clip

    def moved(p, g):
        g = np.asarray(g) * clip / norm
        return p - RATE * g / (np.abs(g) + epsilon)

    expected = jax.tree.map(moved, before["params"], gradient)
    assert_equal_trees(after["params"], expected, rtol=1e-5, atol=1e-7)


def test_the_moving_average_follows_its_recursion():
    small = Small(TinyNetwork(), config(**PLAIN, training__ema_decay=0.3, **AUGMENTED), split())
    state = small.start()
    expected = jax.tree.map(
        lambda leaf: np.asarray(leaf, np.float64), {k: state[k] for k in ("params", "stats")}
    )
    for number in range(10):
        _, _, state = small.run(1, state)
        kept = min(0.3, (1 + number) / (10 + number))
        expected = jax.tree.map(
            lambda old, new, kept=kept: kept * old + (1 - kept) * np.asarray(new, np.float64),
            expected,
            {k: state[k] for k in ("params", "stats")},
        )
        assert_equal_trees(state["average"], expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(state["average"]["params"]["head"]["kernel"],
                           state["params"]["head"]["kernel"], atol=1e-4)  # fmt: skip


def test_mixed_targets_reach_the_loss_and_accuracy_is_of_the_labels(monkeypatch):
    def exchanged(key, images, targets, settings):
        return 0.3 * images + 0.7 * images[::-1], 0.3 * targets + 0.7 * targets[::-1]

    monkeypatch.setattr(step_module, "mix", exchanged)
    network = TinyNetwork(dropout=0.0)
    loss, before, after, images, targets = one_step(network, config(**PLAIN))
    images, mixed = exchanged(None, images, targets, None)
    expected = loss_by_hand(
        network, before["params"], before["stats"], images.astype(np.float32), mixed
    )
    assert loss == pytest.approx(float(expected), rel=1e-5)
    logits, _ = network.apply(
        before["params"], before["stats"], images.astype(np.float32), train=True
    )
    correct = (np.asarray(logits).argmax(1) == targets.argmax(1)).mean()
    assert means(jax.device_get(after["metrics"]))["accuracy"] == pytest.approx(correct)


def test_mixing_is_wired_to_its_setting():
    network = TinyNetwork(dropout=0.0)
    plain = one_step(network, config(**PLAIN))[0]
    assert one_step(network, config(**PLAIN, augmentation__mixup=1.0))[0] != plain


def test_measures_are_means_over_the_epoch():
    network = TinyNetwork(dropout=0.0)
    small = Small(network, config(**FROZEN), split(count=70))
    state = small.start()
    losses, right = [], []
    for step in range(4):
        rows = small.rows(step)
        logits, _ = network.apply(
            state["params"], state["stats"], inputs_of(small.data, rows).astype(np.float32),
            train=True,
        )  # fmt: skip
        logits, labels = np.asarray(logits, np.float64), small.data.labels[rows]
        logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        losses.append(-logs[np.arange(BATCH), labels].mean())
        right.append((logits.argmax(1) == labels).mean())
    found, _, state = small.run(4, state)
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    measured = means(jax.device_get(state["metrics"]))
    assert measured["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert measured["accuracy"] == pytest.approx(np.mean(right))


def test_the_loss_falls():
    settings = config(optimizer__name="adamw", optimizer__learning_rate=0.01)
    found, _, state = Small(TinyNetwork(), settings, split(count=BATCH)).run(60)
    assert found[-5:].mean() < 0.5 * found[:5].mean()
    assert int(state["step"]) == 60
    assert means(jax.device_get(state["metrics"]))["loss"] == pytest.approx(found.mean(), rel=1e-4)


@pytest.mark.slow
def test_the_seed_decides_and_nothing_else():
    settings = config(**AUGMENTED)
    first = Small(TinyNetwork(), settings, split(), devices=2).run(3)[0]
    again = Small(TinyNetwork(), settings, split(), devices=2).run(3)[0]
    np.testing.assert_array_equal(first, again)
    other = dataclasses.replace(settings, run=dataclasses.replace(settings.run, seed=1))
    assert not np.array_equal(first, Small(TinyNetwork(), other, split(), devices=2).run(3)[0])


def test_degradations_are_drawn_for_a_share_of_the_steps():
    settings = config(
        augmentation__degradations="gaussian_noise(sigma=0.5),jpeg(quality=5)",
        augmentation__degradation_probability=0.5,
        **FROZEN,
    )
    data = split(size=16, count=BATCH)
    network = TinyNetwork(image_size=16, dropout=0.0)
    plain = Small(network, config(**FROZEN), data).run(1)[0][0]
    found = Small(network, settings, data).run(40)[0]
    untouched = np.isclose(found, plain, rtol=1e-5)
    assert 10 <= untouched.sum() <= 30
    assert len(np.unique(np.round(found[~untouched], 5))) > 5


def with_much(settings, devices, dtype="float32"):
    network = TinyNetwork(image_size=28, channels=3, dtype=dtype)
    return Small(network, config(**settings), split(28, 3), devices)


def features(devices):
    """Try much on two devices and on eight; everything, whose programs take long, on as given."""
    everything = pytest.param(EVERYTHING, devices, id="everything")
    return pytest.mark.parametrize(
        ("settings", "numbers"), [pytest.param(MUCH, (2, 8), id="much"), everything]
    )


@pytest.mark.slow
@features((2,))
def test_a_step_is_the_same_on_any_number_of_devices(settings, numbers):
    one, _, state = with_much(settings, 1).run(1)
    for devices in numbers:
        other, _, its = with_much(settings, devices).run(1)
        np.testing.assert_allclose(other, one, rtol=1e-5)
        assert_equal_trees(its["metrics"], state["metrics"], rtol=1e-5)
        assert_equal_trees(its["stats"], state["stats"], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@features((8,))
def test_twenty_steps_in_float64_are_the_same_on_any_number_of_devices(settings, numbers):
    with jax.enable_x64(True):
        small = with_much(settings, 1, "float64")
        before = small.start()
        types = jax.tree.map(lambda leaf: leaf.dtype, before)
        one, _, state = small.run(20, before)
        assert jax.tree.map(lambda leaf: leaf.dtype, state) == types, "it would be compiled twice"
        assert state["params"]["hidden"]["kernel"].dtype == np.float64
        for devices in numbers:
            other, _, its = with_much(settings, devices, "float64").run(20)
            np.testing.assert_allclose(other, one, rtol=1e-9)
            assert_equal_trees(its, state, rtol=1e-7, atol=1e-9)


def residual_network(dtype="float32", groups=1, remat=False, image_size=28):
    """One block a stage: everything that resnet18 has, at half its cost."""
    full = build("resnet18", num_classes=4, channels=1, image_size=image_size, stem="small")
    architecture = dataclasses.replace(
        full._architecture, make=lambda *rest: ResNet(BasicBlock, (1, 1, 1, 1), *rest)
    )
    settings = dataclasses.replace(
        full._settings, dtype=DTYPES[dtype], batch_norm_groups=groups, remat=remat
    )
    return dataclasses.replace(full, _architecture=architecture, _settings=settings)


@pytest.mark.slow
def test_a_residual_network_makes_the_same_step_on_any_number_of_devices():
    settings = config(optimizer__name="sgd", optimizer__learning_rate=RATE)
    network = residual_network(image_size=32)
    one, _, state = Small(network, settings, split(32)).run(1)
    other, _, its = Small(network, settings, split(32), devices=2).run(1)  # eight: below
    np.testing.assert_allclose(other, one, rtol=1e-5)
    assert_equal_trees(its, state, atol=2e-5)


class InDouble(Network):
    """Start in float64: what a network draws is float32."""

    def init(self, seed):
        return jax.tree.map(lambda leaf: leaf.astype(jnp.float64), super().init(seed))


NARROW = (8, 16, 24, 32)
"""Channels of the four stages: 20 steps in float64 then take seconds."""


def narrow_network_in_double(monkeypatch):
    monkeypatch.setattr(resnet, "STAGE_WIDTHS", NARROW)
    made = residual_network(image_size=32)
    made = dataclasses.replace(
        made, _settings=dataclasses.replace(made._settings, dtype=jnp.float64)
    )
    return InDouble(*(getattr(made, field.name) for field in dataclasses.fields(made)))


@pytest.mark.slow
def test_twenty_float64_steps_of_a_residual_network_are_the_same_on_any_number(monkeypatch):
    settings = config(optimizer__name="sgd", optimizer__learning_rate=RATE)
    network = narrow_network_in_double(monkeypatch)
    with jax.enable_x64(True), quick_compilation(False):
        one, _, state = Small(network, settings, split(32)).run(20)
        assert state["params"]["fc"]["kernel"].shape[0] == NARROW[-1]
        for part in ("params", "stats"):
            assert {leaf.dtype for leaf in jax.tree.leaves(state[part])} == {np.dtype("float64")}
        assert len(set(one)) == 20
        other, _, its = Small(network, settings, split(32), devices=8).run(20)  # two: above
        np.testing.assert_allclose(other, one, rtol=1e-9)
        assert_equal_trees(its["params"], state["params"], rtol=1e-7, atol=1e-9)


def products(jaxpr):
    """List the operands' dtypes of all matrix products and convolutions, however deep."""
    found = []
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):
            found.append(tuple(str(variable.aval.dtype) for variable in equation.invars))
        for inner in jaxprs_in_params(equation.params):
            found += products(inner)
    return found


BFLOAT16_ERROR = 0.03
"""Relative, of a loss near log 4: 8 bits of mantissa are 0.4 % a rounding, over five blocks."""


def test_bfloat16_computes_in_bfloat16_and_keeps_everything_in_float32():
    settings = config(training__ema_decay=0.9, optimizer__gradient_clip=1)
    networks = {dtype: residual_network(dtype) for dtype in ("float32", "bfloat16")}
    runs = {dtype: Small(network, settings, split(28)) for dtype, network in networks.items()}
    small = runs["bfloat16"]
    state = abstract_state(small.network, small.optimizer, settings, small.mesh)
    batch = [
        jax.ShapeDtypeStruct(shape, dtype)
        for shape, dtype in [
            ((BATCH, 28, 28, 1), "uint8"),
            ((BATCH,), "int32"),
            ((BATCH,), "uint32"),
        ]
    ]
    factor = jax.ShapeDtypeStruct((), jnp.float32)
    made, loss = jax.eval_shape(small.update, state, factor, small.scales, *batch)
    floats = {leaf.dtype for leaf in jax.tree.leaves(made) if leaf.dtype.kind not in "iu"}
    assert floats == {np.dtype("float32")} and loss.dtype == np.float32
    used = products(jax.make_jaxpr(small.update)(state, factor, small.scales, *batch).jaxpr)
    assert len(used) > 20 and set(used) == {("bfloat16", "bfloat16")}
    exact = jax.make_jaxpr(runs["float32"].update)(state, factor, small.scales, *batch)
    assert set(products(exact.jaxpr)) == {("float32", "float32")}


@pytest.mark.slow
def test_bfloat16_gives_nearly_the_loss_of_float32(monkeypatch):
    monkeypatch.setattr(resnet, "STAGE_WIDTHS", NARROW)
    exact = Small(residual_network(), config(**FROZEN), split(28)).run(1)[0]
    rounded = Small(residual_network("bfloat16"), config(**FROZEN), split(28)).run(1)[0]
    assert rounded != exact
    np.testing.assert_allclose(rounded, exact, rtol=BFLOAT16_ERROR)
