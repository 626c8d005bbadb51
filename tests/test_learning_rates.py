"""Several learning rates in one call: models of their own, each as if trained alone."""

import dataclasses
import functools
import json
import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lqjax
from lqjax.claiming import prepared
from lqjax.cli import main
from lqjax.config import Config
from lqjax.data.order import epoch_order
from lqjax.overriding import from_arguments, override, override_all
from lqjax.runtime import replicated
from lqjax.settings import replace_at
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.position import stacked
from lqjax.training.state import create_state
from lqjax.variants import network_of, rate_of
from tests.training.small import Small, config, split, taken
from tests.training.test_seeds import Said
from tests.training.tiny import TinyNetwork

pytestmark = pytest.mark.usefixtures("undrawn_figures")

RATES = (0.01, 0.0023, 1e-05)
NAMES = ("small@0.01", "small@0.0023", "small@1e-05")
SMALL = {
    "image_size": 28,
    "train_limit": 64,
    "test_limit": 32,
    "names": ("small",),
    "epochs": 2,
    "training_batch_size": 32,
    "evaluation_batch_size": 32,
    "conditions": ("clean",),
    "devices": 1,
    "optimizer_name": "sgd",
    "schedule_name": "plateau",
    "plateau_patience": 0,
    "plateau_threshold": 1.0,  # falls after every epoch but the first
}


def losses(network, settings, steps, rates):
    """Make steps from the program of one rate with a factor each, and of each rate by itself."""
    shared = Small(network, replace_at(settings, "optimizer.learning_rate", 0.02), split())
    alone = [
        Small(network, replace_at(settings, "optimizer.learning_rate", rate), split())
        for rate in rates
    ]
    count = len(shared.data)

    def run(dispatcher, state, factor, scales, draw):
        placed = jax.device_put(jnp.asarray(factor), replicated(shared.mesh))
        return taken(dispatcher, state, placed, scales, draw, steps)

    def start(small):
        return create_state(network, small.optimizer, small.settings, small.mesh)

    order = partial(epoch_order, 0, count=count)
    each = [run(small.dispatcher, start(small), 1.0, small.scales, order) for small in alone]
    together = run(
        shared.dispatcher.of_several(len(rates)),
        stacked([start(shared) for _ in rates]),
        np.array(rates) / 0.02,
        stacked([shared.scales] * len(rates)),
        lambda epoch: np.stack([order(epoch)] * len(rates)),
    )
    return together.T, np.array(each)


FEATURES = {
    "augmentation__flip": True,
    "training__ema_decay": 0.9,
    "optimizer__gradient_clip": 1,
    "schedule__name": "one_cycle",
    "schedule__warmup_epochs": 1,
    "training__epochs": 5,
}


@pytest.mark.slow
def test_twenty_float64_steps_are_those_of_each_rate_alone(quick_compilation):
    settings = config(**FEATURES, optimizer__name="adamw")
    with jax.enable_x64(True):
        together, alone = losses(TinyNetwork(dtype="float64"), settings, 20, RATES[:2])
    np.testing.assert_allclose(together, alone, rtol=1e-9)
    assert np.ptp(alone[:, -1]) > 1e-3, "the rates make a difference"


@pytest.mark.slow
def test_one_float32_step_is_that_of_each_rate_alone(quick_compilation):
    # The loss of the second step is the first that the rate has moved.
    settings = config(**FEATURES, optimizer__name="sophia")
    together, alone = losses(TinyNetwork(), settings, 2, RATES[:2])
    np.testing.assert_allclose(together, alone, rtol=1e-5)


@pytest.fixture(scope="module")
def trained(small_networks, tmp_path_factory):
    """Train with all rates as one program or in turn, once each."""

    @functools.cache
    def train(how):
        folder = tmp_path_factory.mktemp(how) / "run"
        return lqjax.train(workdir=folder, seeds_together=how, learning_rates=RATES, **SMALL)

    return train


@pytest.mark.parametrize("how", ["always", "never"])
def test_each_rate_is_a_model_with_a_folder_of_its_own(trained, how):
    result = trained(how)
    assert tuple(model.model for model in result.models) == NAMES
    for model, rate in zip(result.models, RATES, strict=True):
        assert model.folder == result.workdir / "runs" / model.model / "seed0-fold0"
        assert [epoch.model for epoch in model.history] == [model.model] * 2
        assert model.history[0].learning_rate == pytest.approx(rate)
        with Checkpoints(model.folder / "checkpoints", read_only=True) as checkpoints:
            record = checkpoints.record(checkpoints.steps()[0])
        assert record.config["optimizer"]["learning_rate"] == rate


@pytest.mark.parametrize("how", ["always", "never"])
def test_each_rate_gives_what_it_gives_alone(trained, how, small_networks, tmp_path):
    for model, rate in zip(trained(how).models, RATES, strict=True):
        (alone,) = lqjax.train(workdir=tmp_path / f"{rate}", learning_rate=rate, **SMALL).models
        for name in ("train_loss", "validation_loss", "learning_rate"):
            found, wanted = (
                [getattr(epoch, name) for epoch in run.history] for run in (model, alone)
            )
            np.testing.assert_allclose(found, wanted, rtol=1e-5, err_msg=name)


@pytest.mark.slow
def test_an_average_that_holds_the_rate_gets_a_program_for_each(small_networks, tmp_path):
    settings = {**SMALL, "schedule_name": "constant", "optimizer_name": "schedule_free"}
    said, rates = Said(), RATES[:2]
    several = lqjax.train(workdir=tmp_path / "all", learning_rates=rates, progress=said, **settings)
    words = "small: 2 learning rates in turn (schedule_free keeps the rate in its state)"
    assert words in said.lines
    for model, rate in zip(several.models, rates, strict=True):
        alone = lqjax.train(workdir=tmp_path / f"{rate}", learning_rate=rate, **settings)
        assert [e.train_loss for e in model.history] == [
            e.train_loss for e in alone.models[0].history
        ]


@pytest.mark.slow
def test_a_sweep_by_command_may_be_widened_and_is_reported(small_networks, tmp_path, capsys):
    settings = {
        "model.names": "small", "training.epochs": 1, "training.batch_size": 32,
        "run.devices": 1, "run.seeds": "0,1", "run.seeds_together": "always",
        "evaluation.batch_size": 32, "evaluation.conditions": "clean,jpeg(quality=10)",
        "data.image_size": 28, "data.train_limit": 64, "data.test_limit": 32,
    }  # fmt: skip
    flags = [f"--config.{name}={value}" for name, value in settings.items()]
    where = f"--workdir={tmp_path}"
    assert main(["--mode=train", where, *flags, "--config.run.learning_rates=0.01,0.001"]) == 0
    shown = capsys.readouterr().err
    assert "small: 2 learning rates x 2 seeds as one program" in shown
    assert "learning rate 0.01 | 0.001" in shown
    assert main([where, *flags, "--config.run.learning_rates=0.1,0.01,0.001"]) == 0
    assert "small@0.1" in capsys.readouterr().err
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    models = ("small@0.1", "small@0.01", "small@0.001")
    assert [row["model"] for row in rows[::4]] == list(models)
    page = (tmp_path / "report" / "report.md").read_text()
    merit = {
        model: np.mean([
            max(json.loads(line)["validation_accuracy"] for line in path.read_text().splitlines())
            for path in (tmp_path / "runs" / model).glob("*/history.jsonl")
        ])
        for model in models
    }  # fmt: skip
    best = max(models, key=lambda model: (merit[model], float(model.partition("@")[2])))
    rate = best.partition("@")[2]
    assert f"Best by validation accuracy: small with learning rate {rate} (" in page


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rates": (0.1, 0.1)}, r"run\.learning_rates=0\.1,0\.1: a rate stands twice"),
        ({"learning_rates": (0.0,)}, r"run\.learning_rates=.* allowed: greater than 0"),
    ],
)
def test_impossible_rates_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        from_arguments(Config(), settings)


def test_a_rate_goes_before_what_an_override_says():
    own = {"optimizer.learning_rate": 0.7, "training.epochs": 3}
    recipe = dataclasses.replace(Config(), overrides={"resnet50": own})
    made = from_arguments(recipe, {"learning_rates": (0.3, 0.123456789)})
    assert made.models[2:] == ("resnet50@0.3", "resnet50@0.123456789")
    own = made.for_model("resnet50@0.123456789")
    assert (own.optimizer.learning_rate, own.training.epochs) == (0.123456789, 3)
    assert own.model.names == ("resnet50",)
    assert made.for_model("resnet50").optimizer.learning_rate == 0.7


@pytest.mark.parametrize(
    ("name", "network", "rate"),
    [
        ("resnet18@0.003", "resnet18", 0.003),
        ("resnet18@1e-05 (runs/a@2)", "resnet18", 1e-5),
        ("vit@384px", "vit@384px", None),
        ("mine@home (torch.csv)", "mine@home (torch.csv)", None),
        ("resnet18 (a@0.1)", "resnet18 (a@0.1)", None),
    ],
)
def test_names_with_the_sign_that_mean_something_else(name, network, rate):
    assert (network_of(name), rate_of(name)) == (network, rate)


BOTH = (
    "overrides.resnet50.optimizer.learning_rate=0.7 would be without effect:"
    " run.learning_rates=0.3,0.1 trains every network with each of these; leave the override out,"
    " or give an empty run.learning_rates for one rate a network"
)


def test_a_rate_for_one_network_beside_several_for_all_is_refused():
    several, single = (
        ("run.learning_rates", "0.3,0.1"),
        "overrides.resnet50.optimizer.learning_rate",
    )
    recipe = override_all(Config(), [several])
    for base, changes in (
        (Config(), [several, (single, "0.7")]),
        (Config(), [(single, "0.7"), several]),
        (recipe, [(single, "0.7")]),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(BOTH)}$"):
            override_all(base, changes)
    own = {"resnet50": {"optimizer": {"learning_rate": 0.7}}}
    with pytest.raises(ValueError, match=re.escape(BOTH)):
        from_arguments(Config(), {"learning_rates": (0.3, 0.1), "overrides": own})
    # As the message says; and where a rate for all takes the place of the recipe's several.
    for way in (("run.learning_rates", ""), ("optimizer.learning_rate", "0.2")):
        made = override_all(recipe, [way, (single, "0.7")])
        assert made.run.learning_rates == ()
        assert made.for_model("resnet50").optimizer.learning_rate == 0.7


def test_a_rate_for_one_network_that_a_recipe_has_is_said_to_be_without_effect(tmp_path):
    own = {
        "alexnet": {"optimizer.learning_rate": 0.2},
        "resnet50": {"optimizer.learning_rate": 0.7},
        "resnet18": {"optimizer.learning_rate": 0.9},  # is not compared
    }
    recipe = dataclasses.replace(Config(), overrides=own)
    _, _, lines = prepared(recipe, tmp_path, {"learning_rates": (0.3, 0.1)})
    assert lines == [
        "run.learning_rates=0.3,0.1 holds for alexnet and resnet50 too:"
        " optimizer.learning_rate=0.2 and 0.7 of their own is without effect"
    ]
    assert prepared(recipe, tmp_path, {})[2] == []
    # A rate for all networks that a recipe has stands aside without a word.
    assert prepared(Config(), tmp_path, {"learning_rates": (0.3, 0.1)})[2] == []


RATE_BESIDE_RATES = (
    "optimizer.learning_rate=0.5 would be without effect: run.learning_rates=0.3,0.1 trains every"
    " network with each of these; give one of the two"
)


def test_a_rate_for_all_networks_beside_several_is_refused(tmp_path, capsys):
    several, single = ("run.learning_rates", "0.3,0.1"), ("optimizer.learning_rate", "0.5")
    recipe = override_all(Config(), [several])
    for base in (Config(), recipe):
        for changes in ([several, single], [single, several]):
            with pytest.raises(ValueError, match=f"^{re.escape(RATE_BESIDE_RATES)}$"):
                override_all(base, changes)
    with pytest.raises(ValueError, match=f"^{re.escape(RATE_BESIDE_RATES)}$"):
        prepared(None, tmp_path, {"learning_rates": (0.3, 0.1), "learning_rate": 0.5})
    flags = [f"--config.{path}={text}" for path, text in (single, several)]
    assert main(["--mode=train", f"--workdir={tmp_path / 'run'}", *flags]) == 2
    assert capsys.readouterr().err == f"lqjax: {RATE_BESIDE_RATES}\n"
    assert not (tmp_path / "run").exists()
    # One of the two, and what a recipe has.
    assert override_all(recipe, [single]).run.learning_rates == ()
    rated = override_all(override_all(Config(), [single]), [several])
    assert rated.run.learning_rates == (0.3, 0.1)
    with pytest.raises(ValueError, match=r"learning_rates=.* (expected|allowed|must)"):
        from_arguments(Config(), {"learning_rates": "high", "learning_rate": 0.5})


def test_an_override_of_one_rate_is_refused():
    with pytest.raises(ValueError, match=r"overrides go by network, resnet18, whatever the learn"):
        override(Config(), "overrides.resnet18@0.1.training.epochs", "3")
