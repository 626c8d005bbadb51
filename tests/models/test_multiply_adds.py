"""Multiply-adds by layer: against the compiler's own count, arithmetic by hand, and the papers."""

import jax
import numpy as np
import pytest

from lqjax.models.multiply_adds import UNNAMED, count_by_layer
from lqjax.models.network import build
from lqjax.models.platforms import plain_operations
from tests.models.products_aside import products, products_aside

FLOPS = 2
"""A multiply-add is two operations to the compiler."""


def zeros(*shape):
    return jax.ShapeDtypeStruct(shape, np.float32)


def compiler_count(program, *arguments):
    """XLA's count of operations, which it keeps in float32."""
    return jax.jit(program).lower(*arguments).cost_analysis()["flops"]


NETWORKS = pytest.mark.parametrize(
    ("name", "size", "stem"),
    [
        ("alexnet", 64, "imagenet"),
        ("alexnet", 63, "imagenet"),
        ("alexnet_one_tower", 28, "small"),
        ("resnet18", 64, "imagenet"),
        ("resnet18", 29, "small"),
        ("resnet50", 70, "imagenet"),
        ("resnet50", 224, "imagenet"),
    ],
)


def forward(name, size, stem):
    """Give the network, its forward pass and what that takes."""
    network = build(name, num_classes=10, image_size=size, stem=stem)
    arguments = (*network.shapes(), zeros(1, size, size, 3))
    return network, lambda *given: network.apply(*given, train=False)[0], arguments


@NETWORKS
def test_the_compiler_counts_the_same_in_every_layer_less_the_padding(name, size, stem):
    network, program, arguments = forward(name, size, stem)
    with plain_operations():
        found = list(products(program, *arguments))
    for layer, (run, inputs) in zip(network.layers(), found, strict=True):
        expected = FLOPS * (layer.multiply_adds - layer.padding_multiply_adds)
        assert compiler_count(run, *inputs) == np.float32(expected), layer


@NETWORKS
def test_the_compiler_counts_the_same_in_all_less_the_padding(name, size, stem):
    network, program, arguments = forward(name, size, stem)
    with plain_operations():
        whole = compiler_count(program, *arguments)
        rest, inputs = products_aside(program, *arguments)
        elementwise = compiler_count(rest, *inputs)
    layers = network.layers()
    padding = FLOPS * sum(layer.padding_multiply_adds for layer in layers)
    # One rounding of float32 for each operation that is added up.
    rounding = 1e-5 * whole
    assert abs(whole - elementwise - (FLOPS * network.multiply_adds() - padding)) < rounding
    assert rounding < 0.01 * min(padding, elementwise)


@pytest.mark.parametrize(
    ("side", "size", "stride", "padding", "groups"),
    [(8, 3, 1, 1, 1), (9, 3, 2, 1, 1), (13, 5, 1, 2, 2), (64, 11, 4, 2, 1), (2, 3, 1, 1, 1)],
)
def test_padding_is_told_apart(side, size, stride, padding, groups):
    def forward(params, images):
        return jax.lax.conv_general_dilated(
            images, params["conv"]["kernel"], (stride, stride), [(padding, padding)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups,
        )  # fmt: skip

    kernel = zeros(size, size, 6 // groups, 4)
    (layer,) = count_by_layer(
        "made", forward, {"conv": {"kernel": kernel}}, zeros(1, side, side, 6)
    )
    padded = np.pad(np.ones((side, side)), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))[::stride, ::stride]
    each = 6 // groups * 4
    assert layer.multiply_adds == windows.size * each
    assert layer.padding_multiply_adds == int((windows == 0).sum()) * each
    assert (layer.layer, layer.parameters) == ("conv", size * size * each)


def test_layers_of_alexnet_are_those_of_the_paper():
    layers = {
        found.layer: found for found in build("alexnet", num_classes=1000, image_size=224).layers()
    }
    assert list(layers) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    # Krizhevsky et al. 2012, section 3.5: two towers of half the maps from the second layer on.
    assert layers["conv1"].multiply_adds == 55 * 55 * 96 * 11 * 11 * 3
    assert layers["conv2"].multiply_adds == 27 * 27 * 256 * 5 * 5 * 48
    assert layers["conv4"].multiply_adds == 13 * 13 * 384 * 3 * 3 * 192
    assert layers["fc6"].multiply_adds == 6 * 6 * 256 * 4096
    assert layers["conv2"].operation == "5x5 convolution, groups 2"
    assert layers["conv1"].operation == "11x11 convolution, stride 4"
    assert (layers["conv1"].output, layers["fc8"].output) == ("55x55x96", "1000")
    assert layers["fc8"].parameters == 4096 * 1000 + 1000


def test_layers_of_resnet50_add_up_and_name_their_weights():
    network = build("resnet50", num_classes=1000, image_size=224)
    layers = network.layers()
    assert len(layers) == 1 + 3 * (3 + 4 + 6 + 3) + 4 + 1  # stem, blocks, shortcuts, dense
    assert layers[0].multiply_adds == 112 * 112 * 64 * 7 * 7 * 3
    names = [layer.layer for layer in layers]
    assert len(set(names)) == len(names) and "layer1/0/downsample/conv" in names
    assert sum(layer.multiply_adds for layer in layers) == network.multiply_adds()
    norms = 2 * (64 + 3 * (64 + 64 + 256) + 4 * (128 + 128 + 512) + 6 * (256 + 256 + 1024)
                 + 3 * (512 + 512 + 2048) + 256 + 512 + 1024 + 2048)  # fmt: skip
    assert sum(layer.parameters for layer in layers) + norms == network.parameter_count()


def test_weights_are_followed_through_casts_and_inner_programs():
    @jax.jit
    def inner(images, kernel):
        return images @ kernel.astype("bfloat16").astype("float32")

    def forward(params, images):
        hidden = inner(images, params["a"]["kernel"])
        return jax.checkpoint(lambda x, k: x @ k)(hidden @ hidden.T, params["b"]["kernel"])

    params = {"a": {"kernel": zeros(5, 7)}, "b": {"kernel": zeros(3, 2)}}
    found = count_by_layer("made", forward, params, zeros(3, 5))
    assert [(layer.layer, layer.multiply_adds) for layer in found] == [
        ("a", 3 * 5 * 7), (UNNAMED, 3 * 7 * 3), ("b", 3 * 3 * 2),
    ]  # fmt: skip
