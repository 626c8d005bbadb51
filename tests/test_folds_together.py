"""Cross-validation from Python: the source is read once, and folds are runs of their own."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lqjax
from lqjax.data.source import Listing
from lqjax.models.network import build
from lqjax.progress import Progress
from lqjax.rows import Epoch, read_lines
from lqjax.runtime import make_mesh
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.state import with_sharding
from lqjax.workdir import Workdir

pytestmark = pytest.mark.usefixtures("quick_compilation", "undrawn_figures")

FOLDS, SEEDS, IMAGES = 3, (0, 1), 92
SMALL = {
    "source": "npz",
    "image_size": 28,
    "names": ("small",),
    "epochs": 1,
    "training_batch_size": 16,
    "evaluation_batch_size": 16,
    "class_weights": "auto",
    "conditions": ("clean", "gaussian_noise(sigma=0.1)"),
    "latency_runs": 1,
    "devices": 1,
    "folds": FOLDS,
    "seeds": SEEDS,
}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Images of three classes in a train and a test split."""
    rng, arrays = np.random.default_rng(0), {}
    for part, count in (("train", 60), ("test", 32)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.minimum(np.arange(count) % 5, 2)
    path = tmp_path_factory.mktemp("films") / "films.npz"
    np.savez(path, **arrays)
    return str(path)


class Said(Progress):
    def __init__(self):
        super().__init__()
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture(scope="module")
def compared(small_networks, films, tmp_path_factory):
    made = {}
    for how in ("always", "never"):
        said, folder = Said(), tmp_path_factory.mktemp(how) / "run"
        result = lqjax.compare(
            workdir=folder, path=films, progress=said, seeds_together=how, **SMALL
        )
        made[how] = result, said.lines
    return made


@pytest.mark.slow
@pytest.mark.parametrize("how", ["always", "never"])
def test_each_fold_and_seed_has_a_folder_of_its_own(compared, how):
    result, _ = compared[how]
    wanted = [(fold, seed) for fold in range(FOLDS) for seed in SEEDS]
    assert [(model.fold, model.seed) for model in result.models] == wanted
    statistics = set()
    for model in result.models:
        assert model.folder.name == f"seed{model.seed}-fold{model.fold}"
        assert read_lines(Epoch, model.folder / "history.jsonl") == list(model.history)
        assert [(e.seed, e.fold) for e in model.history] == [(model.seed, model.fold)]
        with Checkpoints(model.folder / "checkpoints", read_only=True) as checkpoints:
            record = checkpoints.record(checkpoints.steps()[0])
        assert record.history == model.history and record.config["run"]["seed"] == model.seed
        statistics.add(tuple(json.loads((model.folder / "model.json").read_text())["mean"]))
    assert len(statistics) == FOLDS
    tested = [(row.fold, row.seed, row.condition) for row in result.rows]
    assert len(set(tested)) == len(tested) == FOLDS * len(SEEDS) * 2
    assert sum(row.n for row in result.rows if row.condition == "clean") == IMAGES * len(SEEDS)


def test_as_one_program_and_in_turn_they_give_the_same_numbers(compared):
    (one, said), (other, told) = compared["always"], compared["never"]
    assert "small: 3 folds x 2 seeds as one program" in said
    assert "small: 3 folds x 2 seeds in turn (run.seeds_together=never)" in told
    for a, b in zip(one.models, other.models, strict=True):
        assert a.history[0].train_loss == pytest.approx(b.history[0].train_loss, rel=1e-4)
    for mine, its in zip(one.rows, other.rows, strict=True):
        assert mine.loss == pytest.approx(its.loss, rel=1e-3)


def test_each_fold_is_tested_on_its_images_with_its_mean_and_deviation(compared, films):
    result, stored = compared["never"][0], np.load(films)
    for model in result.models[:: len(SEEDS)]:
        recipe = json.loads((model.folder / "model.json").read_text())
        sizes = {name: recipe[name] for name in ("channels", "image_size", "stem", "dtype")}
        network = build("small", num_classes=len(recipe["class_names"]), **sizes)
        params, stats = network.shapes()
        with Checkpoints(model.folder / "checkpoints", read_only=True) as checkpoints:
            shapes = with_sharding({"params": params, "stats": stats}, make_mesh(1))
            weights = checkpoints.model(checkpoints.steps()[0], shapes)
        run = Workdir.at(result.workdir).run("small", model.seed, model.fold)
        places = [name.split("/") for name in run.examples()["ids"]]
        images = np.stack([stored[f"{part}_images"][int(row)] for part, row in places])[..., None]
        inputs = jnp.asarray((images / 255 - recipe["mean"]) / recipe["std"], jnp.float32)
        logits, _ = network.apply(weights["params"], weights["stats"], inputs, train=False)
        np.testing.assert_allclose(run.logits("clean"), logits, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_each_picture_is_read_once_and_each_network_compiled_once(
    small_networks, films, tmp_path, monkeypatch, caplog
):
    names, original = [], Listing.__init__

    def counting(self, *args, **kwargs):
        original(self, *args, **kwargs)
        read = self.read

        def reading(row):
            names.append(str(self.ids[row]))
            return read(row)

        if len(self) == IMAGES:  # the pool of all splits
            object.__setattr__(self, "read", reading)

    monkeypatch.setattr(Listing, "__init__", counting)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        lqjax.train(workdir=tmp_path, path=films, seeds_together="never", **SMALL)
    assert sorted(set(names)) == sorted(names) and len(names) == IMAGES
    for program in ("jit(several)", "jit(forward)"):
        found = f"Finished XLA compilation of {program}"
        assert sum(found in record.getMessage() for record in caplog.records) == 1, program
