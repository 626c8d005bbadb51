"""Fine-tuning from end to end: trained, taken up again, tested, used."""

import shutil

import numpy as np
import pytest

import lqjax
from lqjax.trained_weights import weights_of_run
from lqjax.training import loop
from lqjax.weights.belongings import from_record
from lqjax.workdir import Workdir
from tests.test_seeds import SMALL
from tests.training.small import assert_equal_trees
from tests.training.staged import registered
from tests.training.test_seeds import Said

SETTINGS = {
    **SMALL,
    "names": ("staged",),
    "seeds": (0, 1),
    "epochs": 3,
    "learning_rate": 0.01,
    "keep_checkpoints": 3,
    "last_stages": 0,
    "head_layers": (6,),
}
FROZEN = ("first", "norm", "second", "norm2", "third")


@pytest.fixture(scope="module", autouse=True)
def _network(quick_compilation, undrawn_figures):
    with registered():
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder, said = tmp_path_factory.mktemp("head") / "run", Said()
    lqjax.compare(workdir=folder, progress=said, **SETTINGS)
    return folder, said.lines


def run_of(folder, seed=0):
    return Workdir.at(folder).run("staged", seed)


def latest(folder, seed=0):
    return weights_of_run(run_of(folder, seed), "latest")


def test_the_head_alone_is_trained_and_the_rest_is_as_it_began(trained):
    folder, lines = trained
    for seed in (0, 1):
        found = latest(folder, seed)
        params, stats = found.network.init(seed)
        assert_equal_trees(
            {name: found.params[name] for name in FROZEN}, {name: params[name] for name in FROZEN}
        )
        assert_equal_trees(found.stats, stats)
        assert (found.params["head"]["0"]["kernel"] != params["head"]["0"]["kernel"]).any()
    assert any("the features that it reads are computed once" in line for line in lines)


@pytest.mark.slow
def test_it_is_the_same_as_training_on_the_images(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "keeps_features", lambda *_: False)
    lqjax.train(workdir=tmp_path / "run", **{**SETTINGS, "seeds": (0,)})
    one, two = latest(trained[0]), latest(tmp_path / "run")
    assert_equal_trees(one.params, two.params, rtol=1e-3, atol=1e-4)
    for a, b in zip(run_of(trained[0]).history(), run_of(tmp_path / "run").history(), strict=True):
        assert a.validation_loss == pytest.approx(b.validation_loss, rel=1e-3)


def test_taken_up_again_it_goes_on_undisturbed(trained, tmp_path):
    folder = shutil.copytree(trained[0], tmp_path / "run")
    run = run_of(folder)
    for epoch in run.history()[1:]:  # as if it had been killed after its first epoch
        shutil.rmtree(run.checkpoints / str(epoch.step))
    lqjax.train(workdir=folder)
    assert_equal_trees(latest(folder).params, latest(trained[0]).params)


def test_it_is_tested_and_used_like_any_other(trained):
    folder, _ = trained
    rows = run_of(folder).rows()
    assert [row.condition for row in rows] == ["clean"]
    images = np.zeros((2, 28, 28), np.uint8)
    found = lqjax.load(folder, model="staged", seed=0).predict(images)
    assert len(found.classes) == 2


def test_extra_layers_are_not_exported(trained, tmp_path):
    with pytest.raises(ValueError, match=r"which torchvision.s staged does not have") as told:
        lqjax.export_weights(trained[0], tmp_path / "x.safetensors", model="staged", seed=0)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("layers", ["6", [0], [1.5], [True], {"a": 1}])
def test_impossible_extra_layers_in_a_file_are_refused(layers):
    record = {
        "model": "resnet18", "image_size": 28, "channels": 1, "mean": [0.5], "std": [0.2],
        "stem": "small", "class_names": ["a", "b"],
    }  # fmt: skip
    assert from_record(record).head_layers == ()
    assert from_record({**record, "head_layers": [6, 3]}).head_layers == (6, 3)
    with pytest.raises(ValueError, match="head_layers"):
        from_record({**record, "head_layers": layers})


@pytest.mark.slow
def test_unfreezing_taken_up_again_goes_on_undisturbed(tmp_path):
    settings = {
        **SETTINGS, "seeds": (0,), "last_stages": -1, "unfreeze_epochs": 1, "layer_decay": 0.5,
    }  # fmt: skip
    lqjax.train(workdir=tmp_path / "whole", **settings)
    folder = shutil.copytree(tmp_path / "whole", tmp_path / "run")
    run = run_of(folder)
    for epoch in run.history()[1:]:
        shutil.rmtree(run.checkpoints / str(epoch.step))
    lqjax.train(workdir=folder)
    assert_equal_trees(latest(folder).params, latest(tmp_path / "whole").params)
    start = latest(folder).network.init(0)[0]
    assert_equal_trees(latest(folder).params["first"], start["first"])  # its turn never came
    assert (latest(folder).params["second"]["kernel"] != start["second"]["kernel"]).any()


@pytest.mark.slow
def test_a_head_is_trained_on_the_features_of_another_run(trained, tmp_path):
    settings = {**SETTINGS, "seeds": (0,), "epochs": 1, "learning_rate": 1e-9}
    said = Said()
    lqjax.train(workdir=tmp_path / "run", init_from=str(trained[0]), progress=said, **settings)
    origin, found = weights_of_run(run_of(trained[0])), latest(tmp_path / "run")
    for name in FROZEN:
        assert_equal_trees(found.params[name], origin.params[name])
    assert_equal_trees(found.stats, origin.stats)
    assert_equal_trees(found.params["head"], origin.params["head"], rtol=0, atol=1e-6)
    before = {e.epoch: e for e in run_of(trained[0]).history()}
    (after,) = run_of(tmp_path / "run").history()
    best = min(before.values(), key=lambda e: (-e.validation_accuracy, e.validation_loss))
    assert after.validation_loss == pytest.approx(best.validation_loss, rel=1e-4)


def test_several_heads_are_not_one_program(tmp_path):
    with pytest.raises(ValueError, match="computed once for each"):
        lqjax.train(workdir=tmp_path / "run", seeds_together="always", **SETTINGS)
