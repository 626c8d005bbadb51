"""Every registered network: counts, shapes, contracts, errors."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.models.base import MODELS
from lqjax.models.network import Network, build, choose_stem
from lqjax.models.platforms import plain_operations

pytestmark = pytest.mark.usefixtures("quick_compilation")

PARAMETERS = {
    "alexnet": 60_965_224,
    "alexnet_one_tower": 61_100_840,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
}
"""With 1,000 classes and 3 channels: the papers' layouts; torchvision where it has the network."""

MULTIPLY_ADDS = {  # 10^9 at 224 px; torchvision's model cards ("GFLOPS" there)
    "alexnet_one_tower": 0.71,
    "resnet18": 1.81,
    "resnet34": 3.66,
    "resnet50": 4.09,
    "resnet101": 7.80,
    "resnet152": 11.51,
}

SMALL = ("alexnet", "alexnet_one_tower", "resnet18")
"""The cheapest of each family, for tests that run the network."""


def paths(tree) -> list[str]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return ["/".join(key.key for key in path) for path, _ in leaves]


def drawn_images(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def run(network: Network, params, stats, images):
    def forward(params, stats, images):
        return network.apply(params, stats, images, train=False, key=jax.random.key(7))

    return jax.jit(forward)(params, stats, images)


def test_every_model_has_a_known_count():
    assert set(MODELS.names()) == set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_counts(name):
    network = build(name, num_classes=1000, image_size=224)
    assert network.parameter_count() == PARAMETERS[name]
    grey = build(name, num_classes=1000, image_size=224, channels=1).parameter_count()
    assert grey < PARAMETERS[name]


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds(name):
    network = build(name, num_classes=1000, image_size=224)
    assert network.multiply_adds() / 1e9 == pytest.approx(MULTIPLY_ADDS[name], abs=0.006)


@pytest.mark.parametrize("name", PARAMETERS)
def test_state_is_plain_dicts_with_telling_names(name):
    params, stats = build(name, num_classes=10, image_size=64).shapes()
    assert {path.split("/")[-1] for path in paths(params)} <= {"kernel", "scale", "bias"}
    assert {path.split("/")[-1] for path in paths(stats)} <= {"mean", "var"}
    assert {leaf.dtype for leaf in jax.tree.leaves((params, stats))} == {jnp.dtype("float32")}
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        assert (path[-1].key == "kernel") == (leaf.ndim > 1)
    assert "conv1/kernel" in paths(params)
    if name.startswith("resnet"):
        assert "layer1/0/bn1/scale" in paths(params)
        assert "layer1/0/bn1/mean" in paths(stats)
    else:
        assert stats == {}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(
    ("size", "stem", "channels"), [(63, "imagenet", 1), (70, "imagenet", 3), (28, "small", 1)]
)
def test_runs_at_the_least_and_at_odd_sizes(name, size, stem, channels):
    network = build(name, num_classes=7, image_size=size, stem=stem, channels=channels)
    params, stats = network.shapes()
    images = jax.ShapeDtypeStruct((2, size, size, channels), jnp.float32)
    logits, new = jax.eval_shape(
        lambda *a: network.apply(*a, train=True, key=jax.random.key(0)), params, stats, images
    )
    assert (logits.shape, logits.dtype) == ((2, 7), jnp.float32)
    assert jax.tree.structure(new) == jax.tree.structure(stats)


@pytest.mark.parametrize("name", SMALL)
def test_initialises_and_runs(name):
    network = build(name, num_classes=5, image_size=64, channels=1)
    params, stats = network.init(0)
    assert paths(params) == paths(network.shapes()[0])
    images = drawn_images(2, 64, 64, 1)
    logits, unchanged = run(network, params, stats, images)
    assert np.isfinite(logits).all()
    jax.tree.map(np.testing.assert_array_equal, unchanged, stats)
    with plain_operations():
        plain, _ = run(network, params, stats, images)
    np.testing.assert_allclose(logits, plain, atol=1e-4)


@pytest.mark.slow
def test_the_seed_decides_the_start():
    network = build("resnet18", num_classes=5, image_size=64, channels=1)  # all draw in one way
    first, same, other = (
        np.asarray(network.init(seed)[0]["conv1"]["kernel"]) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert not (first == other).any()


@pytest.mark.slow
def test_gradients_agree_with_the_plain_form():
    network = build("resnet18", num_classes=5, image_size=64, zero_init_residual=False)
    params, stats = network.init(0)
    images = jax.random.normal(jax.random.key(0), (8, 64, 64, 3))

    def gradient():
        def loss(params):
            logits, _ = network.apply(params, stats, images, train=True)
            return jnp.square(logits).mean()

        return jax.device_get(jax.jit(jax.grad(loss))(params))

    ours = gradient()
    with plain_operations():
        plain = gradient()
    for path, leaf in jax.tree_util.tree_leaves_with_path(ours):
        expected = plain
        for key in path:
            expected = expected[key.key]
        scale = float(np.abs(expected).max())
        np.testing.assert_allclose(leaf, expected, atol=1e-3 * max(scale, 1e-3), err_msg=str(path))


def test_zero_initialised_blocks_are_the_identity():
    network = build("resnet18", num_classes=5, image_size=64)
    params, _ = network.init(0)
    assert (np.asarray(params["layer2"]["1"]["bn2"]["scale"]) == 0).all()
    assert (np.asarray(params["layer2"]["1"]["bn1"]["scale"]) == 1).all()
    plain, _ = build("resnet18", num_classes=5, image_size=64, zero_init_residual=False).init(0)
    assert (np.asarray(plain["layer2"]["1"]["bn2"]["scale"]) == 1).all()


@pytest.mark.slow
def test_dropout_follows_the_key_and_only_in_training():
    network = build("alexnet", num_classes=5, image_size=64)
    params, stats = network.init(0)
    images = drawn_images(2, 64, 64, 3)

    def forward(seed: int, *, train: bool):
        key = jax.random.key(seed)
        return np.asarray(program(params, stats, images, train=train, key=key)[0])

    program = jax.jit(network.apply, static_argnames="train")
    assert (forward(1, train=True) == forward(1, train=True)).all()
    assert not (forward(1, train=True) == forward(2, train=True)).all()
    assert (forward(1, train=False) == forward(2, train=False)).all()


def test_bfloat16_computes_in_bfloat16_and_keeps_float32_at_both_ends():
    network = build("resnet18", num_classes=5, image_size=64, dtype="bfloat16")
    params, stats = network.shapes()
    images = jax.ShapeDtypeStruct((2, 64, 64, 3), jnp.float32)
    maps = jax.eval_shape(network.feature_maps, params, stats, images)
    assert maps["layer4"].dtype == jnp.bfloat16
    logits, new = jax.eval_shape(lambda *a: network.apply(*a, train=True), params, stats, images)
    assert {x.dtype for x in jax.tree.leaves((logits, new))} == {jnp.dtype("float32")}


def test_features_and_maps_by_request():
    network = build("resnet50", num_classes=5, image_size=64)
    params, stats = network.shapes()
    images = jax.ShapeDtypeStruct((2, 64, 64, 3), jnp.float32)
    assert jax.eval_shape(network.features, params, stats, images).shape == (2, 2048)
    maps = jax.eval_shape(
        lambda *a: network.feature_maps(*a, ("layer1", "layer4")), params, stats, images
    )
    assert {name: x.shape for name, x in maps.items()} == {
        "layer1": (2, 16, 16, 256),
        "layer4": (2, 2, 2, 2048),
    }
    with pytest.raises(ValueError, match=r"unknown activation of resnet50 'layer5'.*layer4"):
        jax.eval_shape(lambda *a: network.feature_maps(*a, ("layer5",)), params, stats, images)


def test_no_array_has_more_than_six_axes():
    network = build("alexnet", num_classes=5, image_size=64)
    arguments = (*network.shapes(), jax.ShapeDtypeStruct((2, 64, 64, 3), jnp.float32))

    def loss(params, stats, images):
        return network.apply(params, stats, images, train=True, key=jax.random.key(0))[0].sum()

    text = str(jax.make_jaxpr(jax.grad(loss))(*arguments))
    ranks = [shape.count(",") + 1 for shape in re.findall(r"f32\[([\d,]+)\]", text)]
    assert max(ranks) <= 6


@pytest.mark.parametrize(("size", "lost"), [(64, True), (94, True), (95, False), (127, False)])
def test_notes_tell_when_the_last_map_is_one_pixel(size, lost):
    notes = build("alexnet", num_classes=5, image_size=size).notes
    assert bool(notes) == lost
    assert all(f"at {size} px" in note and "1x1" in note for note in notes)


@pytest.mark.parametrize(("size", "stem"), [(28, "small"), (63, "small"), (64, "imagenet")])
def test_the_stem_by_image_size_is_one_that_every_network_takes(size, stem):
    assert choose_stem(size) == stem
    assert all(MODELS[name].minimum_size[stem] <= size for name in MODELS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "resnet5"}, "unknown model 'resnet5'; allowed: resnet50"),
        ({"image_size": 62}, r"alexnet .*at least 63 px, not 62 px.*resize.*stem=\"small\""),
        ({"image_size": 27, "stem": "small"}, "at least 28 px, not 27 px: resize"),
        ({"stem": "tiny"}, "unknown stem 'tiny'.*small"),
        ({"dtype": "float16"}, "unknown dtype 'float16'.*bfloat16"),
        ({"channels": 4}, "channels=4.*1 or 3"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"dropout": 1.0}, "dropout=1.0"),
    ],
)
def test_errors_name_the_value_and_the_fix(changes, message):
    settings = {"name": "alexnet", "num_classes": 5, "image_size": 64, **changes}
    with pytest.raises(ValueError, match=message):
        build(**settings)


def test_apply_refuses_wrong_images_and_a_missing_key():
    network = build("alexnet", num_classes=5, image_size=64)
    params, stats = network.shapes()
    for shape, message in [((2, 64, 64, 1), "shape"), ((2, 40, 64, 3), "not 40 px")]:
        with pytest.raises(ValueError, match=message):
            network.apply(params, stats, jnp.zeros(shape), train=False)
    with pytest.raises(ValueError, match=r"dropout: pass key=jax\.random\.key"):
        network.apply(params, stats, jnp.zeros((2, 64, 64, 3)), train=True)
