"""A file whose network is not named: it is recognised, or the first key that does not fit is said.

The arrays are views of one number, for deep networks have hundreds of megabytes.
"""

import functools
import re

import numpy as np
import pytest

from lqjax import trained_weights
from lqjax.models.base import MODELS
from lqjax.recognising import nearest_network
from lqjax.trained_weights import weights_of_file
from lqjax.weights.matching import match
from lqjax.weights.published_names import unwrapped
from lqjax.weights.reading import read_tensors
from lqjax.weights.safetensors_file import write_safetensors
from tests.weights.pth_files import state_dict
from tests.weights.runs import registered
from tests.weights.test_matching import small_wanted, theirs, without


@functools.cache
def published(model):
    return theirs(model, small_wanted(model))


def resized(tensors, key, *shape):
    return {**tensors, key: np.broadcast_to(np.float32(0.5), shape)}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Give what loads arrays as if they were those of a file."""

    def loaded(tensors, model=""):
        path = tmp_path / "weights.pth"
        path.touch()
        monkeypatch.setattr(trained_weights, "read_tensors", lambda path: tensors)
        return weights_of_file(path, model)

    return loaded


def refusal(load, tensors, model=""):
    with pytest.raises(ValueError) as told:
        load(tensors, model)
    assert len(str(told.value).splitlines()) == 1 and "weights.pth cannot be used" in str(
        told.value
    )
    return str(told.value)


@pytest.mark.parametrize("model", MODELS.names())
def test_each_network_is_recognised_by_its_arrays(model, load):
    assert load(published(model)).belongings.model == model


@pytest.mark.parametrize(
    ("model", "change", "said"),
    [
        (
            "resnet50",
            lambda t: resized(t, "layer2.0.conv1.weight", 128, 256, 3, 3),
            "layer2.0.conv1.weight is (128, 256, 3, 3) in it, and (128, 256, 1, 1) in resnet50",
        ),
        (
            "resnet50",
            lambda t: without(t, "layer2.0.conv1.weight"),
            "it has no layer2.0.conv1.weight, which resnet50 needs",
        ),
        (
            "resnet34",  # all of resnet18 is in it, too
            lambda t: without(t, "layer3.5.bn2.bias"),
            "it has no layer3.5.bn2.bias, which resnet34 needs",
        ),
        (
            "resnet18",
            lambda t: {**t, "layer2.0.se.weight": t["bn1.weight"]},
            "it has layer2.0.se.weight, which resnet18 does not have",
        ),
        (
            "resnet18",
            lambda t: resized(t, "conv1.weight", 64, 2, 7, 7),
            "conv1.weight is (64, 2, 7, 7) in it, for images of 2 channels",
        ),
        (
            "resnet18",
            lambda t: resized(t, "conv1.weight", 64, 3, 3, 3),
            "conv1.weight is (64, 3, 3, 3) in it, and (64, 3, 7, 7) in resnet18",
        ),
        (
            "alexnet_one_tower",
            lambda t: without(t, "classifier.1.bias"),
            "it has no classifier.1.bias, which alexnet_one_tower needs",
        ),
        (
            "resnet18",
            lambda t: without(without(t, "fc.weight"), "fc.bias"),
            "it has no fc.weight, the last layer of resnet18; train one",
        ),
        ("resnet18", lambda t: resized(t, "fc.weight", 5), "fc.weight has the shape (5,)"),
    ],
)
def test_the_nearest_network_and_its_first_key_are_named(model, change, said, load):
    line = refusal(load, change(published(model)))
    assert said in line and f"the nearest is {model}, " in line
    assert "another network" not in line


def test_it_says_how_near_the_nearest_is(load):
    line = refusal(load, without(published("resnet18"), "layer2.0.conv1.weight"))
    # Without fc.weight and fc.bias there are 100, counted in torchvision's file of 122 entries, 20
    # of which are numbers of batches.
    assert "the nearest is resnet18, of which it has 99 of 100 arrays" in line


FOREIGN = {
    "googlenet": {"conv1.conv.weight": (64, 3, 7, 7), "fc.weight": (5, 1024), "fc.bias": (5,)},
    "vit": {"cls_token": (1, 1, 8), "head.weight": (5, 8), "head.bias": (5,)},
    "densenet": {"features.conv0.weight": (64, 3, 7, 7), "classifier.weight": (5, 1024)},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_network_that_shares_nothing_is_told_by_its_first_key(name, load):
    tensors = {key: np.zeros(shape, np.float32) for key, shape in FOREIGN[name].items()}
    line = refusal(load, tensors)
    first = next(iter(tensors))
    assert f"it begins with {first}, and shares no array with any of alexnet, " in line


@pytest.mark.parametrize(
    ("file", "asked"),
    [("resnet50", "resnet18"), ("resnet18", "resnet50"), ("resnet34", "resnet18"),
     ("alexnet_one_tower", "alexnet"), ("resnet18", "alexnet")],
)  # fmt: skip
def test_a_file_of_another_network_than_the_one_asked_for_is_told(file, asked, load):
    line = refusal(load, published(file), asked)
    assert line.endswith(f"; it fits {file}") and "another network" not in line


def test_what_fits_no_network_leaves_the_question(load):
    line = refusal(load, without(published("resnet34"), "layer3.5.bn2.bias"), "resnet18")
    assert line.endswith("is it another network?")


def test_networks_that_came_later_are_known_and_those_that_went_are_not():
    tensors = {"conv1.weight": np.zeros((4, 3, 3, 3)), "bn1.weight": np.zeros(4)}
    with registered():
        near = nearest_network(tensors, "imagenet")
        assert (near.model, near.shared, near.total, near.whole) == ("mini", 2, 5, False)
    assert not nearest_network(tensors, "imagenet").shared


WRAPPED = ["", "module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.",
           "model._orig_mod.", "model.module._orig_mod.", "_orig_mod.model.module.",
           "module.module.", "model." * 50]  # fmt: skip


@pytest.mark.parametrize("wrapping", WRAPPED)
@pytest.mark.parametrize("form", ["safetensors", "pth", "old"])
def test_names_of_wrappers_are_taken_off_in_any_order_whatever_the_format(wrapping, form, tmp_path):
    path, names = tmp_path / f"a.{form}", ("a.weight", "module_a.model.weight", "modules")
    arrays = {wrapping + name: np.ones(3, np.float32) for name in names}
    if form == "safetensors":
        write_safetensors(arrays, path, {})
    else:
        path.write_bytes(state_dict(arrays, as_old=form == "old"))
    assert sorted(read_tensors(path)) == sorted(names)


def test_what_only_some_names_begin_with_stays(tmp_path):
    path = tmp_path / "a.safetensors"
    for names in (
        ["a.weight", "module.a.weight"],
        ["module.a", "model.a"],
        ["modulea.weight", "module"],
        ["model.", "model.a"],
    ):
        write_safetensors(dict.fromkeys(names, np.ones(3, np.float32)), path, {})
        assert sorted(read_tensors(path)) == sorted(names)
    write_safetensors(
        dict.fromkeys(["model.module.a", "model.b"], np.ones(3, np.float32)), path, {}
    )
    assert sorted(read_tensors(path)) == ["b", "module.a"]


def test_wrappers_without_end_take_no_time(tmp_path):
    # One after the other, each through a name of megabytes, would take hours.
    path = tmp_path / "a.safetensors"
    write_safetensors({"model." * 1_000_000 + "a": np.ones(3, np.float32)}, path, {})
    assert list(read_tensors(path)) == ["a"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: without(t, "bn1.bias"), "it has no W.bn1.bias, which resnet18 needs (it has W."),
        (lambda t: {**t, "other": np.ones(1, np.float32)}, "it has W.other, which resnet18 does"),
        (lambda t: resized(t, "bn1.bias", 5), "W.bn1.bias is (5,) in it, and (64,) in resnet18"),
        (lambda t: resized(t, "fc.weight", 5), "its W.fc.weight has the shape (5,)"),
        (lambda t: resized(t, "conv1.weight", 64, 2, 7, 7), "W.conv1.weight is (64, 2, 7, 7) in"),
        (lambda t: without(without(t, "fc.weight"), "fc.bias"), "it has no W.fc.weight, the last"),
        (lambda t: {**t, "bn1.bias": np.ones(64, int)}, "W.bn1.bias holds int64, not floating"),
        (lambda t: {"other": t["bn1.bias"]}, "it begins with W.other, and shares no array"),
    ],
)
@pytest.mark.parametrize("model", ["", "resnet18"])
def test_keys_are_named_as_they_stand_in_the_file(change, said, model, load):
    wrapping = "_orig_mod.module."
    wrapped = {f"{wrapping}{key}": a for key, a in change(published("resnet18")).items()}
    if model and "begins with" in said:
        said = "it has no W.conv1.weight, which resnet18 needs (it has W.other"
    assert said.replace("W.", wrapping) in refusal(load, unwrapped(wrapped), model)


def test_keys_are_named_as_they_stand_where_their_numbers_are_none(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(state_dict({"module.fc.weight": np.array([1, np.nan], np.float32)}))
    with pytest.raises(ValueError, match=r": module\.fc\.weight has numbers that are infinite"):
        read_tensors(path)


def renamed(tensors, names):
    return {names.get(key, key): array for key, array in tensors.items()}


OTHER_HEADS = {
    "timm's": {"fc.weight": "head.weight", "fc.bias": "head.bias"},
    "nested": {"fc.weight": "head.fc.weight", "fc.bias": "head.fc.bias"},
    "behind dropout": {"fc.weight": "fc.1.weight", "fc.bias": "fc.1.bias"},
}


@pytest.mark.parametrize("names", OTHER_HEADS.values(), ids=OTHER_HEADS)
@pytest.mark.parametrize("model", ["", "resnet18"])
def test_a_last_layer_of_another_name_is_named(names, model, load):
    tensors = renamed(published("resnet18"), names)
    line = refusal(load, tensors, model)
    foreign = next(key for key in tensors if key in names.values())
    assert (
        f"it has {foreign}, which resnet18 does not have, and no fc.weight, its last layer" in line
    )
    assert "init_from" not in line  # refuses the file as well:
    wanted = small_wanted("resnet18")
    with pytest.raises(ValueError, match=f"it has {foreign}"):
        match("resnet18", tensors, wanted)


def test_half_a_last_layer_is_no_file_without_one(load):
    line = refusal(load, without(published("resnet18"), "fc.weight"))
    assert "it has no fc.weight, which resnet18 needs" in line and "init_from" not in line


def test_training_starts_from_a_file_where_that_is_the_advice(load):
    tensors = without(without(published("resnet18"), "fc.weight"), "fc.bias")
    assert "(model.init_from)" in refusal(load, tensors, "resnet18")
    assert match("resnet18", tensors, small_wanted("resnet18")).new_head == "it has none"


@pytest.mark.parametrize(
    ("model", "missing"),
    [("resnet18", "layer1.0.conv1.weight"), ("alexnet_one_tower", "features.3.weight")],
)
def test_without_a_last_layer_what_comes_first_is_named(model, missing, load):
    tensors = dict(published(model))
    for key in (missing, *(k for k in tensors if k.startswith(("fc.", "classifier.6.")))):
        del tensors[key]
    line = refusal(load, tensors)
    assert f"it has no {missing}, which {model} needs" in line and "init_from" not in line


def test_squeezenet_is_told_by_the_first_layer_that_it_lacks(load):
    shapes = {"features.0.weight": (64, 3, 3, 3), "features.0.bias": (64,),
              "features.3.squeeze.weight": (16, 64, 1, 1), "features.3.squeeze.bias": (16,),
              "classifier.1.weight": (1000, 512, 1, 1), "classifier.1.bias": (1000,)}  # fmt: skip
    line = refusal(load, {key: np.ones(shape, np.float32) for key, shape in shapes.items()})
    assert "the nearest is alexnet" in line and "it has no features.3.weight" in line
    assert "init_from" not in line


def test_a_file_of_no_tensors_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    write_safetensors({}, path, {"format": "pt"})
    with pytest.raises(ValueError, match=re.escape("it holds no tensors")):
        weights_of_file(path)
