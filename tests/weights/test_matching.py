"""Published arrays find their places; the first that does not fit is named."""

import re

import jax
import numpy as np
import pytest

from lqjax.models.network import build
from lqjax.weights.matching import match
from lqjax.weights.published_names import forward_order, place_of
from lqjax.weights.transposing import shape_there, to_ours, to_theirs

CLASSES = 5


def wanted_of(network):
    """Our names and shapes, parameters and statistics."""
    return {
        "/".join(str(key.key) for key in path): leaf.shape
        for tree in network.shapes()
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def small_wanted(model, channels=3, classes=CLASSES):
    return wanted_of(build(model, num_classes=classes, channels=channels, image_size=64))


def theirs(model, wanted):
    """Arrays in PyTorch's layout: views of zeros, each with a shape of its own."""
    made = {}
    for name, shape in wanted.items():
        place = place_of(model, name)
        made[place.key] = np.broadcast_to(np.float32(0.5), shape_there(shape, place))
        if name.endswith("/mean"):
            made[place.key.replace("running_mean", "num_batches_tracked")] = np.array(3)
    return made


@pytest.fixture(scope="module")
def wanted():
    return small_wanted("resnet18")


@pytest.fixture
def tensors(wanted):
    return theirs("resnet18", wanted)


def test_all_arrays_find_their_places(wanted, tensors):
    found = match("resnet18", tensors, wanted)
    assert found.arrays.keys() == wanted.keys() and not found.new_head and not found.stem
    assert {name: array.shape for name, array in found.arrays.items()} == wanted


@pytest.mark.parametrize(
    ("model", "name", "key"),
    [
        ("resnet50", "conv1/kernel", "conv1.weight"),
        ("resnet50", "bn1/scale", "bn1.weight"),
        ("resnet50", "layer3/4/conv3/kernel", "layer3.4.conv3.weight"),
        ("resnet50", "layer3/4/bn3/var", "layer3.4.bn3.running_var"),
        ("resnet18", "layer2/0/downsample/conv/kernel", "layer2.0.downsample.0.weight"),
        ("resnet18", "layer2/0/downsample/bn/mean", "layer2.0.downsample.1.running_mean"),
        ("resnet18", "fc/bias", "fc.bias"),
        ("alexnet_one_tower", "conv3/kernel", "features.6.weight"),
        ("alexnet_one_tower", "fc6/kernel", "classifier.1.weight"),
        ("alexnet_one_tower", "fc8/bias", "classifier.6.bias"),
    ],
)
def test_names_are_those_of_torchvision(model, name, key):
    assert place_of(model, name).key == key


@pytest.mark.parametrize(
    ("model", "name", "shape"),
    [
        ("resnet18", "conv1/kernel", (7, 7, 3, 64)),
        ("resnet18", "fc/kernel", (512, 10)),
        ("alexnet_one_tower", "fc6/kernel", (36 * 4, 5)),
        ("resnet18", "bn1/mean", (64,)),
    ],
)
def test_layouts_are_turned_and_turned_back(model, name, shape):
    place = place_of(model, name)
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    there = to_theirs(array, place)
    assert there.shape == shape_there(shape, place)
    np.testing.assert_array_equal(to_ours(there, place), array)


def test_a_map_is_read_in_the_order_of_each(tmp_path):
    there = np.zeros((1, 2 * 36), np.float32)
    there[0, 36 + 6 * 4 + 5] = 1  # channel 1, row 4, column 5
    ours = to_ours(there, place_of("alexnet_one_tower", "fc6/kernel"))
    assert ours.shape == (72, 1) and ours[(4 * 6 + 5) * 2 + 1, 0] == 1


def test_a_head_for_other_classes_starts_anew(tensors):
    wanted = small_wanted("resnet18", classes=7)
    found = match("resnet18", tensors, wanted)
    assert found.new_head == "it was made for 5 classes, not 7"
    assert wanted.keys() - found.arrays.keys() == {"fc/kernel", "fc/bias"}


def test_a_head_for_other_classes_of_the_same_number_starts_anew_on_demand(wanted, tensors):
    found = match("resnet18", tensors, wanted, keep_head=False)
    assert wanted.keys() - found.arrays.keys() == {"fc/kernel", "fc/bias"}
    assert found.new_head


def test_the_stem_is_summed_for_grey_images(tensors):
    draws = np.random.default_rng(0)
    tensors["conv1.weight"] = draws.normal(size=(64, 3, 7, 7)).astype(np.float32)
    found = match("resnet18", tensors, small_wanted("resnet18", channels=1))
    assert "summed" in found.stem
    expected = np.einsum("oihw->hwo", tensors["conv1.weight"].astype(np.float64))
    np.testing.assert_allclose(found.arrays["conv1/kernel"][:, :, 0], expected, rtol=1e-5)


def test_a_grey_stem_reads_the_mean_of_colours(wanted, tensors):
    grey = np.random.default_rng(0).normal(size=(64, 1, 7, 7)).astype(np.float32)
    tensors["conv1.weight"] = grey
    found = match("resnet18", tensors, wanted)
    kernel = found.arrays["conv1/kernel"]
    assert kernel.shape == (7, 7, 3, 64) and "mean of red, green and blue" in found.stem
    np.testing.assert_allclose(kernel.sum(2), grey[:, 0].transpose(1, 2, 0), rtol=1e-6)


def without(tensors, key):
    return {name: array for name, array in tensors.items() if name != key}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: without(t, "layer2.0.bn1.running_var"),
            "it has no layer2.0.bn1.running_var, which resnet18 needs",
        ),
        (
            lambda t: {**t, "layer5.0.conv1.weight": t["conv1.weight"]},
            "it has layer5.0.conv1.weight, which resnet18 does not have",
        ),
        (  # as timm calls the last layer of a vision transformer; ours are head.0.weight, ...
            lambda t: {**t, "head.weight": np.zeros((5, 8), np.float32)},
            "it has head.weight, which resnet18 does not have",
        ),
        (
            lambda t: {**t, "layer2.0.conv1.weight": np.zeros((128, 64, 1, 1), np.float32)},
            "layer2.0.conv1.weight is (128, 64, 1, 1) in it, and (128, 64, 3, 3) in resnet18",
        ),
        (
            lambda t: {**t, "conv1.weight": np.zeros((64, 3, 3, 3), np.float32)},
            "conv1.weight is (64, 3, 3, 3) in it, and (64, 3, 7, 7) in resnet18; its first layer",
        ),
        (
            lambda t: {**t, "fc.weight": np.zeros((5, 2048), np.float32)},
            "fc.weight is (5, 2048) in it, and (5, 512) in resnet18",
        ),
        (
            lambda t: {**t, "bn1.weight": np.zeros(64, np.int64)},
            "bn1.weight holds int64, not floating-point numbers",
        ),
        (lambda t: {}, "it has no conv1.weight, which resnet18 needs"),
        (
            lambda t: {k: a for k, a in t.items() if not k.startswith(("bn1.", "conv1."))},
            "it has no conv1.weight, which resnet18 needs",
        ),
        (
            lambda t: {k: a for k, a in t.items() if not k.startswith(("layer2.0.", "layer1.1."))},
            "it has no layer1.1.conv1.weight, which resnet18 needs",
        ),
    ],
)
def test_the_first_key_that_does_not_fit_is_named(change, said, wanted, tensors):
    with pytest.raises(ValueError, match=re.escape(said)):
        match("resnet18", change(tensors), wanted)


@pytest.mark.parametrize(
    ("model", "listed"),
    [
        (
            "resnet50",
            # As torchvision's `resnet50().state_dict()` lists them.
            "conv1.weight bn1.weight bn1.bias bn1.running_mean bn1.running_var"
            " layer1.0.conv1.weight"
            " layer1.0.bn1.weight layer1.0.bn1.bias layer1.0.bn1.running_mean"
            " layer1.0.bn1.running_var layer1.0.conv2.weight layer1.0.bn2.weight layer1.0.bn2.bias"
            " layer1.0.bn2.running_mean layer1.0.bn2.running_var layer1.0.conv3.weight"
            " layer1.0.bn3.weight layer1.0.bn3.bias layer1.0.bn3.running_mean"
            " layer1.0.bn3.running_var layer1.0.downsample.0.weight layer1.0.downsample.1.weight"
            " layer1.0.downsample.1.bias layer1.0.downsample.1.running_mean"
            " layer1.0.downsample.1.running_var layer1.1.conv1.weight",
        ),
        (
            "alexnet_one_tower",
            "features.0.weight features.0.bias features.3.weight features.3.bias features.6.weight"
            " features.6.bias features.8.weight features.8.bias features.10.weight features.10.bias"
            " classifier.1.weight classifier.1.bias classifier.4.weight classifier.4.bias"
            " classifier.6.weight classifier.6.bias",
        ),
    ],
)
def test_missing_keys_are_looked_for_as_torchvision_lists_them(model, listed):
    listed = listed.split()
    ours = sorted(small_wanted(model), key=forward_order)
    assert [place_of(model, name).key for name in ours][: len(listed)] == listed


def test_ten_blocks_and_more_stand_in_their_order_and_the_head_comes_last():
    wanted = wanted_of(build("resnet101", num_classes=2, image_size=64, head_layers=(3, 4)))
    ours = sorted(wanted, key=forward_order)
    blocks = [int(name.split("/")[1]) for name in ours if name.startswith("layer3/")]
    assert blocks == sorted(blocks) and blocks[-1] == 22
    assert [name.split("/")[0] for name in ours[-6:]] == ["head"] * 4 + ["fc"] * 2


def test_of_several_the_first_of_the_file_is_named(wanted, tensors):
    for key in ("layer4.1.conv2.weight", "layer1.0.conv1.weight"):
        tensors[key] = np.zeros((1, 1, 1, 1), np.float32)
    order = list(tensors)
    first = min(("layer4.1.conv2.weight", "layer1.0.conv1.weight"), key=order.index)
    with pytest.raises(ValueError, match=re.escape(first)):
        match("resnet18", tensors, wanted)
    turned = {key: tensors[key] for key in reversed(order)}
    other = ({"layer4.1.conv2.weight", "layer1.0.conv1.weight"} - {first}).pop()
    with pytest.raises(ValueError, match=re.escape(other)):
        match("resnet18", turned, wanted)


def test_a_file_without_a_head_starts_one(wanted, tensors):
    backbone = without(without(tensors, "fc.weight"), "fc.bias")
    found = match("resnet18", backbone, wanted)
    assert wanted.keys() - found.arrays.keys() == {"fc/kernel", "fc/bias"}
    assert found.new_head == "it has none"
    with pytest.raises(ValueError, match=r"it has no fc\.bias"):
        match("resnet18", without(tensors, "fc.bias"), wanted)


def with_extra(widths, model="resnet18"):
    return wanted_of(
        build(model, num_classes=CLASSES, image_size=64, stem="imagenet", head_layers=widths)
    )


@pytest.mark.parametrize(("model", "last"), [("resnet18", "fc"), ("alexnet_one_tower", "fc8")])
def test_extra_layers_start_anew_where_the_file_has_none(model, last):
    wanted = with_extra((7, 6), model)
    found = match(model, theirs(model, small_wanted(model)), wanted)
    missing = {name.split("/")[0] for name in wanted.keys() - found.arrays.keys()}
    assert missing == {"head", last}
    assert "model.head_layers" in found.new_head


@pytest.mark.parametrize("model", ["resnet18", "alexnet_one_tower"])
def test_extra_layers_of_a_run_are_taken_over_with_the_whole_head(model):
    wanted = with_extra((7, 6), model)
    found = match(model, theirs(model, wanted), wanted)
    assert found.arrays.keys() == wanted.keys() and not found.new_head


@pytest.mark.parametrize("widths", [(), (7,), (7, 5), (7, 6, 5)])
def test_other_extra_layers_start_anew_as_a_whole(widths):
    wanted = with_extra(widths)
    found = match("resnet18", theirs("resnet18", with_extra((7, 6))), wanted)
    missing = {name.split("/")[0] for name in wanted.keys() - found.arrays.keys()}
    assert missing == ({"head", "fc"} if widths else {"fc"})
    assert "model.head_layers" in found.new_head


def test_what_is_below_extra_layers_must_fit():
    tensors = theirs("resnet18", small_wanted("resnet18"))
    del tensors["layer4.1.bn2.bias"]
    with pytest.raises(ValueError, match=r"no layer4\.1\.bn2\.bias"):
        match("resnet18", tensors, with_extra((7,)))
