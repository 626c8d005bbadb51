"""Weights of a run as a file: exact, under the names of others, and never half of it."""

import json
import resource
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

import lqjax
from lqjax.exporting import export_weights
from lqjax.models import alexnet, resnet
from lqjax.named_arrays import named
from lqjax.trained_weights import network_for, weights_of_file, weights_of_run
from lqjax.weights.exporting import to_state_dict
from lqjax.weights.reading import read_tensors
from tests.data.damage import ROOT
from tests.processes import environment
from tests.weights.runs import MINI, belongings, registered, write_run

pytestmark = pytest.mark.usefixtures("quick_compilation")

CLASSES = ("ant", "bee", "cat")

NARROW = ("resnet34", "resnet50", "resnet101", "resnet152", "alexnet")
"""Tried with fewer channels; others of the same family have all of theirs."""


@pytest.fixture(scope="module", autouse=True)
def mini():
    with registered():
        yield


def assert_same(found, expected):
    found, expected = named(*found), named(*expected)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize(
    "own",
    [
        belongings(),
        belongings(channels=1),
        belongings(stem="small"),
        belongings("resnet18", 64),
        belongings("resnet18", 32, stem="small"),
        belongings("resnet18", 64, channels=1, classes=["é", "\u6f22", 'a "b"', "c d"]),
        pytest.param(belongings("resnet34", 64), marks=pytest.mark.slow),
        pytest.param(belongings("resnet50", 64), marks=pytest.mark.slow),
        pytest.param(belongings("resnet101", 64), marks=pytest.mark.slow),
        pytest.param(belongings("resnet152", 64), marks=pytest.mark.slow),
        pytest.param(belongings("alexnet_one_tower", 64), marks=pytest.mark.slow),
        pytest.param(belongings("alexnet", 64), marks=pytest.mark.slow),
    ],
    ids=lambda own: f"{own.model}-{own.stem}-{own.channels}",
)
def test_what_is_written_is_read_to_the_bit(own, tmp_path, monkeypatch):
    if own.model in NARROW:
        monkeypatch.setattr(resnet, "STAGE_WIDTHS", (4, 6, 8, 10))
        monkeypatch.setattr(alexnet, "HIDDEN", 12)
    run, (weights,) = write_run(tmp_path / "work", own)
    read = weights_of_run(run)
    assert_same((read.params, read.stats), weights)
    path = export_weights(tmp_path / "work", tmp_path / "out" / "a.safetensors")
    assert path == tmp_path / "out" / "a.safetensors"
    found = weights_of_file(path)
    assert found.belongings == own == read.belongings
    assert_same((found.params, found.stats), weights)
    assert [file.name for file in path.parent.iterdir()] == ["a.safetensors"]


def test_all_arrays_of_the_file_are_those_of_the_run(tmp_path):
    _, (weights,) = write_run(tmp_path, belongings())
    path = export_weights(tmp_path, tmp_path / "a.safetensors")
    arrays, params, stats = load_file(path), *weights
    counted = arrays.pop("bn1.num_batches_tracked")
    assert counted.shape == () and counted.dtype == np.int64
    expected = {
        "conv1.weight": params["conv1"]["kernel"].transpose(3, 2, 0, 1),
        "bn1.weight": params["bn1"]["scale"],
        "bn1.bias": params["bn1"]["bias"],
        "bn1.running_mean": stats["bn1"]["mean"],
        "bn1.running_var": stats["bn1"]["var"],
        "fc.weight": params["fc"]["kernel"].T,
        "fc.bias": params["fc"]["bias"],
    }
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)
    with safe_open(path, framework="np") as file:
        notes = file.metadata()
    assert notes["format"] == "pt"
    assert json.loads(notes["lqjax"])["class_names"] == list(CLASSES)


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("resnet18", 64),
        pytest.param("resnet50", 64, marks=pytest.mark.slow),
        pytest.param("alexnet_one_tower", 64, marks=pytest.mark.slow),
    ],
)
def test_pytorch_loads_it_strictly_and_says_the_same(model, size, tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file as load_tensors

    from tests.weights.torch_networks import published

    own = belongings(model, size)
    write_run(tmp_path, own)
    path = lqjax.export_weights(tmp_path, tmp_path / "a.safetensors")
    network = published(model, len(CLASSES))
    network.load_state_dict(load_tensors(path), strict=True)
    draws = np.random.default_rng(0)
    pixels = draws.integers(0, 256, (2, size, size, 3), np.uint8)
    images = (pixels / np.float32(255) - np.float32(own.mean)) / np.float32(own.std)
    with torch.no_grad():
        theirs = network.eval()(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    expected = np.asarray(jax.nn.softmax(theirs, axis=-1))
    found = lqjax.load(path).predict(pixels)
    assert found.class_names == CLASSES
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-4)
    assert np.abs(expected[0] - expected[1]).max() > 1e-2


@pytest.mark.parametrize("model", ["resnet34", "resnet101", "resnet152"])
def test_pytorch_has_a_place_for_every_array_of_deep_networks(model):
    """Names and shapes alone, which strict loading goes by: the arrays are views of one number."""
    torch = pytest.importorskip("torch")
    from tests.weights.torch_networks import DEPTHS, ResNet

    shapes = named(*network_for(belongings(model, 64)).shapes())
    arrays = {name: np.broadcast_to(np.float32(0.5), leaf.shape) for name, leaf in shapes.items()}
    written = to_state_dict(model, arrays)
    with torch.device("meta"):
        network = ResNet(*DEPTHS[model], len(CLASSES), 3)
        tensors = {
            name: torch.empty(array.shape, dtype=getattr(torch, array.dtype.name))
            for name, array in written.items()
        }
    network.load_state_dict(tensors, strict=True, assign=True)
    for name, tensor in network.state_dict().items():
        assert tensor.shape == written[name].shape
    lacking = {name: tensor for name, tensor in tensors.items() if name != "layer3.5.bn2.bias"}
    with pytest.raises(RuntimeError, match=r"Missing key.*layer3\.5\.bn2\.bias"):
        network.load_state_dict(lacking, strict=True, assign=True)


def test_the_best_epoch_is_written_and_the_seed_that_is_named(tmp_path):
    write_run(tmp_path, belongings(), seed=0)
    _, epochs = write_run(tmp_path, belongings(), seed=3, weights=(7, 8))
    path = tmp_path / "a.safetensors"
    export_weights(tmp_path, path, seed=3)
    found = weights_of_file(path)
    assert_same((found.params, found.stats), epochs[-1])
    export_weights(tmp_path, path, seed=0)
    assert not np.array_equal(
        weights_of_file(path).params["fc"]["kernel"], found.params["fc"]["kernel"]
    )


def test_what_cannot_be_is_said_in_one_line(tmp_path):
    path = tmp_path / "a.safetensors"

    def refused(match, *given, **more):
        with pytest.raises(ValueError, match=match) as refusal:
            export_weights(*given, **more)
        assert len(str(refusal.value).splitlines()) == 1
        assert not path.exists()

    (tmp_path / "empty").mkdir()
    refused("holds no trained network", tmp_path / "empty", path)
    refused("nothing.*holds no trained network", tmp_path / "nothing", path)
    write_run(tmp_path / "work", belongings())
    for ending in ("a.pth", "a", "safetensors"):
        refused(rf"path=.*{ending} must end in \.safetensors", tmp_path / "work", tmp_path / ending)
    refused("no resnet50; it has mini", tmp_path / "work", path, model="resnet50")
    refused("no run of mini with seed 4; it has 0", tmp_path / "work", path, seed=4)
    write_run(tmp_path / "work", belongings("resnet18", 64))
    refused("several networks; it has mini, resnet18: name one", tmp_path / "work", path)
    run, _ = write_run(tmp_path / "work", belongings(), seed=1)
    (run.root / "model.json").write_text("{}")
    refused(r"seed1-fold0/model\.json cannot be used", tmp_path / "work", path, model=MINI, seed=1)


def test_an_earlier_file_stays_where_the_disk_is_full(tmp_path):
    write_run(tmp_path / "work", belongings())
    path = export_weights(tmp_path / "work", tmp_path / "a.safetensors")
    before = path.read_bytes()
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, allowed[1]))
    try:
        with pytest.raises(OSError, match=r"File too large.*a\.safetensors"):
            export_weights(tmp_path / "work", path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.safetensors", "work"]


WRITES = """
import sys
import numpy as np
from pathlib import Path
from lqjax.weights.safetensors_file import write_safetensors
number, path = 0, Path(sys.argv[1])
while True:
    number += 1
    array = np.full(5_000_000, number, np.float32)
    write_safetensors({"a": array, "b": array[:9]}, path, {"number": str(number)})
    print(number, flush=True)
"""


def test_a_kill_leaves_no_half_file(tmp_path):
    path = tmp_path / "a.safetensors"
    for wait in np.linspace(0, 0.1, 6):
        with subprocess.Popen(
            [sys.executable, "-c", WRITES, str(path)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment(),
        ) as child:
            child.stdout.readline()
            child.stdout.readline()
            time.sleep(wait)
            child.send_signal(signal.SIGKILL)
        found = read_tensors(path)
        assert found["a"].shape == (5_000_000,) and (found["a"] == found["b"][0]).all()
