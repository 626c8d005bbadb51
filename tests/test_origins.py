"""Training starts from given weights: they, and what belongs to them, are taken over."""

import dataclasses
import json
import shutil

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

import lqjax
from lqjax import origins
from lqjax.claiming import stored_config
from lqjax.config import Config, DataConfig, ModelConfig
from lqjax.models.network import build
from lqjax.named_arrays import filled, named
from lqjax.origins import read_origin, settle, statistics_to_start
from lqjax.trained_weights import find_run, weights_of_run
from lqjax.weights.belongings import PUBLISHED, Belongings
from lqjax.weights.exporting import to_state_dict
from lqjax.weights.safetensors_file import write_safetensors
from lqjax.workbench import Workbench
from lqjax.workdir import Workdir

pytestmark = pytest.mark.usefixtures("small_networks")

OWN = Belongings("resnet18", 96, 1, (0.5,), (0.25,), "small", ("ant", "bee"))
STILL = 1e-12
"""A learning rate that hardly moves a weight."""

UNMOVED = 1e-9
TIGHT = 1e-5
"""How close probabilities are; those of another epoch are far from it."""

OTHER = {"best": "latest", "latest": "best"}

SMALL = {
    "names": ("small",), "stem": "small", "image_size": 28, "train_limit": 64, "test_limit": 32,
    "training_batch_size": 32, "optimizer_name": "sgd", "weight_decay": 0.0,
}  # fmt: skip


def note(path, belongings=None, arrays=None):
    """Write a file of weights; without belongings one as others publish them."""
    notes = {} if belongings is None else {"lqjax": belongings.note()}
    write_safetensors(arrays or {"a": np.zeros(1, np.float32)}, path, notes)
    return str(path)


def config(*, data=None, **overrides):
    return Config(
        data=DataConfig(**(data or {})),
        model=ModelConfig(names=tuple(overrides)),
        overrides={name: fields for name, fields in overrides.items() if fields},
    )


def start(text):
    return {"model.init_from": text}


def test_size_and_first_layers_of_published_weights_are_taken(tmp_path):
    text = note(tmp_path / "a.safetensors")
    settled, lines = settle(config(resnet18=start(text), alexnet={}), None)
    assert settled.data.image_size == PUBLISHED.image_size == 224
    assert settled.for_model("resnet18").model.stem == "imagenet"
    assert settled.for_model("alexnet").model.stem == "auto"
    assert lines == [
        f"resnet18 starts from {text}, made for images of 224 px; they are normalised with mean"
        " 0.485,0.456,0.406 and std 0.229,0.224,0.225"
    ]


def test_what_is_asked_for_stands(tmp_path):
    text = note(tmp_path / "a.safetensors", OWN)
    asked = config(
        data={"image_size": 64, "mean": (0.3,), "std": (0.2,)},
        resnet18={**start(text), "model.stem": "imagenet"},
    )
    settled, lines = settle(asked, None)
    assert settled == asked
    assert "made for images of 96 px (here they are 64 px)" in lines[0]
    assert lines[0].endswith("as data.mean and data.std say")
    assert statistics_to_start(settled, 1) is None


def test_without_weights_images_have_the_usual_size():
    settled, lines = settle(config(resnet18={}), None)
    assert (settled.data.image_size, lines) == (64, [])
    assert statistics_to_start(settled, 3) is None


def test_ours_bring_what_stands_in_their_header(tmp_path):
    settled, _ = settle(config(resnet18=start(note(tmp_path / "a.safetensors", OWN))), None)
    assert settled.data.image_size == 96 and settled.for_model("resnet18").model.stem == "small"
    mean, std = statistics_to_start(settled, 3)
    np.testing.assert_array_equal(mean, [0.5] * 3)
    np.testing.assert_array_equal(std, [0.25] * 3)


def test_published_statistics_of_grey_images_are_means_over_the_channels(tmp_path):
    settled, _ = settle(config(resnet18=start(note(tmp_path / "a.safetensors"))), None)
    mean, std = statistics_to_start(settled, 1)
    np.testing.assert_allclose((mean, std), ([0.449], [0.226]), rtol=1e-6)


def test_weights_of_different_kinds_want_a_choice(tmp_path):
    ours, theirs = note(tmp_path / "a.safetensors", OWN), note(tmp_path / "b.safetensors")
    both = config(resnet18=start(ours), resnet50=start(theirs))
    with pytest.raises(ValueError, match="96 px for resnet18, 224 px for resnet50; choose one"):
        settle(both, None)
    sized = dataclasses.replace(both, data=DataConfig(image_size=64))
    settled, _ = settle(sized, None)
    with pytest.raises(ValueError, match="resnet18 and resnet50 belong to images that are norm"):
        statistics_to_start(settled, 3)


def test_a_begun_directory_needs_no_file(tmp_path):
    path = tmp_path / "a.safetensors"
    asked = config(resnet18=start(note(path, OWN)))
    before, _ = settle(asked, None)
    path.unlink()
    assert settle(asked, before) == (before, [])


@pytest.mark.parametrize("text", ["none.pth", "none", "a/b.safetensors"])
def test_what_is_not_there_is_named(text, tmp_path):
    text = str(tmp_path / text)
    with pytest.raises(ValueError, match=f"model.init_from={text}: there is no such file or fol"):
        settle(config(resnet18=start(text)), None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_size": "64"}, "image_size='64', which is no whole number"),
        ({"image_size": 10**6}, "image_size=1000000, channels=1, which cannot be"),
        ({"channels": 2}, "channels=2, which cannot be"),
        ({"mean": [0.5, 0.5]}, "and has 1 channels"),
        ({"mean": ["x"]}, "which are no numbers"),
        ({"std": [0.0]}, "which cannot be"),
        ({"std": [float("nan")]}, "which are no numbers"),
        ({"stem": "other"}, "stem='other', which cannot be"),
        ({"class_names": "ant"}, "it has no list of class_names"),
    ],
)
def test_headers_that_cannot_be_are_refused(change, said, tmp_path):
    record = {**json.loads(OWN.note()), **change}
    path = tmp_path / "a.safetensors"
    write_safetensors({"a": np.zeros(1, np.float32)}, path, {"lqjax": json.dumps(record)})
    with pytest.raises(ValueError, match=f"{path} cannot be used: it says .*{said}|{said}"):
        settle(config(resnet18=start(str(path))), None)


def test_a_state_starts_from_what_is_given():
    network = build("small", num_classes=3, channels=1, image_size=28, stem="small")
    params, _ = network.init(0)
    given = {"first/kernel": np.ones(named(params)["first/kernel"].shape, np.float32)}
    made = named(filled(params, given))
    assert made.keys() == named(params).keys()
    for name, array in named(params).items():
        np.testing.assert_array_equal(made[name], given.get(name, array))


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory, small_networks):
    workdir = tmp_path_factory.mktemp("pretrained")
    lqjax.train(workdir=workdir, epochs=1, learning_rate=0.1, seeds=(3, 4), **SMALL)
    return workdir


@pytest.mark.parametrize("together", ["never", "always"])
def test_training_starts_from_the_run_of_its_seed(together, pretrained, tmp_path):
    settings = {**SMALL, "image_size": 0, "stem": "auto", "mean": (), "seeds": (4, 5)}
    lqjax.train(
        workdir=tmp_path / "run", epochs=1, learning_rate=STILL, init_from=str(pretrained),
        seeds_together=together, devices=1, **settings,
    )  # fmt: skip
    begun = stored_config(Workdir.at(tmp_path / "run"))
    assert begun.data.image_size == 28 and begun.for_model("small").model.stem == "small"
    for seed, origin in ((4, 4), (5, 3)):
        here = weights_of_run(find_run(tmp_path / "run", seed=seed), "latest")
        there = weights_of_run(find_run(pretrained, seed=origin))
        assert here.belongings.mean == there.belongings.mean
        for name, array in named(there.params).items():
            moved = np.abs(named(here.params)[name] - array).max()
            assert moved < UNMOVED, name


@pytest.fixture(scope="module", params=["best", "latest"])
def chosen(request, tmp_path_factory, small_networks):
    """Three epochs, of which the first is the best by far; with the images that were tested."""
    folder, draws, arrays = tmp_path_factory.mktemp("chosen"), np.random.default_rng(0), {}
    for part, count in (("train", 64), ("test", 24)):
        arrays[f"{part}_images"] = draws.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(count) % 3
    np.savez(folder / "films.npz", **arrays)
    accuracies = iter([0.9, 0.5, 0.1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workbench, "_validate", lambda *_: (1.0, next(accuracies)))
        settings = {**SMALL, "source": "npz", "path": str(folder / "films.npz"), "epochs": 3}
        settings |= {"train_limit": 0, "test_limit": 0, "conditions": ("clean",), "devices": 1}
        settings |= {"learning_rate": 0.1, "checkpoint": request.param, "progress": False}
        settings |= {"latency_runs": 1}
        result = lqjax.compare(workdir=folder / "run", **settings)
    (row,) = result.rows
    assert row.epoch == {"best": 1, "latest": 3}[request.param]
    return folder / "run", arrays["test_images"], settings


def test_what_is_tested_is_loaded_and_exported(chosen, tmp_path):
    workdir, images, settings = chosen
    run = find_run(workdir)
    order = [int(str(name).rpartition("/")[2]) for name in run.examples()["ids"]]
    assert sorted(order) == list(range(len(images)))
    logits = run.logits("clean").astype(np.float64)
    raised = np.exp(logits - logits.max(1, keepdims=True))
    expected = raised / raised.sum(1, keepdims=True)
    found = lqjax.load(workdir).predict(images[order])
    np.testing.assert_allclose(found.probabilities, expected, rtol=0, atol=TIGHT)
    arrays = load_file(lqjax.export_weights(workdir, tmp_path / "a.safetensors"))
    tested = weights_of_run(run, settings["checkpoint"])
    for name, array in to_state_dict("small", named(tested.params, tested.stats)).items():
        np.testing.assert_array_equal(arrays[name], array)


def test_training_starts_from_what_is_tested(chosen, tmp_path):
    workdir, _, settings = chosen
    start = {"init_from": str(workdir), "epochs": 1, "learning_rate": STILL}
    lqjax.train(workdir=tmp_path / "run", **{**settings, **start})
    here = weights_of_run(find_run(tmp_path / "run"), "latest")
    there = weights_of_run(find_run(workdir), settings["checkpoint"])
    other = weights_of_run(find_run(workdir), OTHER[settings["checkpoint"]])
    for name, array in named(there.params).items():
        assert np.abs(named(here.params)[name] - array).max() < UNMOVED
        assert np.abs(named(other.params)[name] - array).max() > 0


def test_a_choice_that_cannot_be_read_is_not_guessed(chosen, tmp_path):
    workdir = shutil.copytree(chosen[0], tmp_path / "run")
    kept = workdir / "config.json"
    record = json.loads(kept.read_text())
    record["evaluation"]["checkpoint"] = "newest"
    kept.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"config.json is damaged .*newest.*best"):
        lqjax.load(workdir)
    kept.unlink()
    best, found = (weights_of_run(find_run(workdir), choice) for choice in ("best", ""))
    for name, array in named(best.params).items():
        np.testing.assert_array_equal(named(found.params)[name], array)


def test_a_run_goes_on_when_its_origin_is_gone(pretrained, tmp_path, caplog):
    origin = weights_of_run(find_run(pretrained))
    path = tmp_path / "own.safetensors"
    tensors = to_state_dict("small", named(origin.params, origin.stats))
    write_safetensors(jax.tree.map(np.asarray, tensors), path, {"lqjax": origin.belongings.note()})
    settings = {**SMALL, "image_size": 0, "init_from": str(path), "learning_rate": 0.1}
    lqjax.train(workdir=tmp_path / "run", epochs=1, **settings)
    assert any("arrays" in record.message for record in caplog.records)
    path.unlink()
    trained = lqjax.train(workdir=tmp_path / "run", epochs=1, **settings)
    assert trained.models[0].history[-1].epoch == 1


def test_a_misfit_is_told_before_anything_is_trained(pretrained, tmp_path):
    path = tmp_path / "a.safetensors"
    write_safetensors({"first.weight": np.zeros((3, 3), np.float32)}, path, {})
    with pytest.raises(ValueError, match=rf"init_from={path} does not fit: it has no first.bias"):
        lqjax.train(
            workdir=tmp_path / "run", epochs=1, learning_rate=0.1,
            **{**SMALL, "init_from": str(path)},
        )  # fmt: skip
    assert not (tmp_path / "run" / "runs").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "it has layer1.2.bn1.bias, which resnet18 does not have; it fits resnet34"),
        (
            {"a\nb": np.zeros(1, np.float32)},
            "it has layer1.2.bn1.bias, which resnet18 does not have; is it another network?",
        ),
    ],
)
def test_a_misfit_names_the_key_and_the_network_that_the_file_is_of(
    change, said, tmp_path, monkeypatch
):
    network = build("resnet34", num_classes=2, channels=3, image_size=64)
    arrays = {
        name: np.broadcast_to(np.float32(0.5), leaf.shape)
        for name, leaf in named(*network.shapes()).items()
    }
    tensors = {**to_state_dict("resnet34", arrays), **change}
    monkeypatch.setattr(origins, "read_tensors", lambda path: tensors)
    monkeypatch.setenv("HOME", str(tmp_path))
    note(tmp_path / "a.safetensors")
    settings = config(resnet18=start("~/a.safetensors")).for_model("resnet18")
    asked = build("resnet18", num_classes=2, channels=3, image_size=64)
    with pytest.raises(ValueError, match=f"init_from={tmp_path}/a.safetensors") as told:
        read_origin(settings, asked, 0, ("ant", "bee"))
    assert str(told.value).endswith(f"does not fit: {said}")


def test_classes_of_other_names_get_a_new_head(tmp_path):
    network = build("resnet18", num_classes=2, channels=3, image_size=64)
    arrays = {
        name: np.zeros(leaf.shape, np.float32) for name, leaf in named(*network.shapes()).items()
    }
    own = dataclasses.replace(OWN, channels=3, mean=(0.5,) * 3, std=(0.2,) * 3, stem="imagenet")
    text = note(tmp_path / "a.safetensors", own, to_state_dict("resnet18", arrays))
    settings = config(resnet18=start(text)).for_model("resnet18")
    same = read_origin(settings, network, 0, ("ant", "bee"))
    assert same.arrays.keys() == arrays.keys()
    other = read_origin(settings, network, 0, ("cat", "dog"))
    assert arrays.keys() - other.arrays.keys() == {"fc/kernel", "fc/bias"}
    assert "a new head (its classes are others)" in other.lines[0]
