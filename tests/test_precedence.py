"""What is given on the command line goes before the recipe; for one network, before both."""

import dataclasses
import itertools
import json

import pytest

import lqjax
from lqjax.arguments import parse
from lqjax.claiming import prepared
from lqjax.cli import _changed, main
from lqjax.config import Config, OptimizerConfig, RunConfig
from lqjax.displacing import displaced
from lqjax.optim.building import resolve
from lqjax.overriding import from_arguments, override, override_all, to_dict
from lqjax.recipes import load_recipe
from lqjax.smoke import shrink
from tests.training.test_seeds import Said

RECIPE = dataclasses.replace(
    override_all(
        Config(),
        [
            ("training.epochs", "3"),
            ("optimizer.weight_decay", "1e-4"),
            ("optimizer.scale_with_batch", "linear"),
        ],
    ),
    overrides={
        "alexnet": {"optimizer.learning_rate": 3e-4, "training.epochs": 6},
        "resnet50": {"optimizer.learning_rate": 1e-3, "optimizer.gradient_clip": 1.0},
    },
)


def rates(config):
    return [config.for_model(name).optimizer.learning_rate for name in config.models]


def epochs(config):
    return [config.for_model(name).training.epochs for name in config.models]


def test_a_flag_holds_for_all_networks():
    made = override_all(RECIPE, [("optimizer.learning_rate", "1e-5"), ("training.epochs", "1")])
    assert (rates(made), epochs(made)) == ([1e-5, 1e-5], [1, 1])
    assert made.overrides == {"resnet50": {"optimizer.gradient_clip": 1.0}}, "the others stay"
    assert displaced(RECIPE, made) == [
        "optimizer.learning_rate=1e-05 holds for alexnet and resnet50 too, in place of the"
        " recipe's 0.0003 and 0.001",
        "training.epochs=1 holds for alexnet too, in place of the recipe's 6",
    ]
    assert displaced(RECIPE, RECIPE) == displaced(RECIPE, override(RECIPE, "run.seed", "3")) == []


def test_a_value_that_is_the_recipes_for_all_is_meant_for_all():
    made = override(RECIPE, "training.epochs", "3")
    assert epochs(made) == [3, 3]


FLAGS = (
    ("optimizer.learning_rate", "0.1"),
    ("overrides.alexnet.optimizer.learning_rate", "0.2"),
    ("optimizer.name", "lamb"),
)


@pytest.mark.parametrize("flags", list(itertools.permutations(FLAGS)))
def test_a_flag_for_one_network_goes_before_it_in_any_order(flags):
    made = override_all(RECIPE, flags)
    assert rates(made) == [0.2, 0.1]
    assert json.dumps(to_dict(made)) == json.dumps(to_dict(override_all(RECIPE, FLAGS)))


def test_several_processes_write_the_same_file_whatever_the_order_of_their_flags():
    flags = [
        ("overrides.resnet50.training.epochs", "2"),
        ("overrides.alexnet.training.patience", "4"),
        ("overrides.alexnet.schedule.name", "constant"),
    ]
    first, second = (override_all(Config(), given) for given in (flags, flags[::-1]))
    assert json.dumps(to_dict(first)) == json.dumps(to_dict(second))


def test_a_value_that_a_network_had_is_not_told():
    made = override(RECIPE, "optimizer.learning_rate", "0.001")
    assert displaced(RECIPE, made) == [
        "optimizer.learning_rate=0.001 holds for alexnet too, in place of the recipe's 0.0003"
    ]


@pytest.mark.parametrize(
    ("path", "text", "rival", "several"),
    [
        ("optimizer.learning_rate", "0.1", "run.learning_rates", "0.2,0.3"),
        ("run.seed", "0", "run.seeds", "1,2"),
        ("schedule.step_epochs", "5", "schedule.step_fractions", "0.2,0.3"),
    ],
)
def test_one_value_goes_before_the_several_of_a_recipe(path, text, rival, several):
    recipe = override(Config(), rival, several)
    made = override(recipe, path, text)
    assert made == override(Config(), path, text)
    assert displaced(recipe, made) == [
        f"{path}={text} takes the place of the recipe's {rival}={several}"
    ]
    if path == "optimizer.learning_rate":
        return  # both are refused: tests/test_learning_rates.py
    both = override_all(recipe, [(rival, several), (path, text)])
    assert to_dict(both)["run"]["seeds"] == to_dict(recipe)["run"]["seeds"]
    assert displaced(recipe, both) == []


@pytest.mark.parametrize("keyword", ["learning_rate", "optimizer_learning_rate"])
def test_the_same_from_python(keyword):
    made = from_arguments(RECIPE, {keyword: 1e-5, "epochs": 1})
    flags = [("optimizer.learning_rate", "1e-5"), ("training.epochs", "1")]
    assert made == override_all(RECIPE, flags)
    own = {"overrides": {"alexnet": {"optimizer": {"learning_rate": 0.2}}}, keyword: 0.1}
    for given in (own, dict(reversed(own.items()))):
        made = from_arguments(RECIPE, given)
        assert (rates(made), epochs(made)) == ([0.2, 0.1], [3, 3])
    assert from_arguments(RECIPE, {}) == RECIPE


def test_shipped_recipes():
    made = override(load_recipe("configs/study.py"), "schedule.name", "cosine")
    assert {made.for_model(name).schedule.name for name in made.models} == {"cosine"}
    made = override(load_recipe("configs/quickstart.py"), "training.epochs", "5")
    assert epochs(made) == [5, 5]


def test_another_optimizer_for_all_has_its_published_values():
    made = override(RECIPE, "optimizer.name", "lamb")
    for name in made.models:
        found = resolve(made.for_model(name).optimizer)
        # You et al. 2020 and the authors' code.
        assert (found.learning_rate, found.weight_decay, found.beta2) == (1e-3, 1e-2, 0.999)
        assert found.scale_with_batch == "none"
    assert made.for_model("resnet50").optimizer.gradient_clip == 1.0, "means the same to any"
    assert displaced(RECIPE, made) == [
        "optimizer.name=lamb: the recipe's learning_rate, weight_decay and scale_with_batch for"
        " alexnet and resnet50 were chosen for adamw; what is not given is as published for lamb"
    ]
    study = override(load_recipe("configs/study.py"), "optimizer.name", "adamw")
    assert resolve(study.for_model("resnet50").optimizer).learning_rate == 1e-3
    kept = override_all(RECIPE, [("optimizer.weight_decay", "0.3"), ("optimizer.name", "lamb")])
    assert [kept.for_model(n).optimizer.weight_decay for n in kept.models] == [0.3, 0.3]
    assert override(RECIPE, "optimizer.name", "adamw") == RECIPE


def test_another_optimizer_for_one_network_leaves_the_other_alone():
    made = override(RECIPE, "overrides.resnet50.optimizer.name", "sgd")
    found = resolve(made.for_model("resnet50").optimizer)
    # Krizhevsky et al. 2012.
    assert (found.learning_rate, found.momentum, found.weight_decay) == (0.01, 0.9, 5e-4)
    assert made.for_model("alexnet") == RECIPE.for_model("alexnet")
    lines = displaced(RECIPE, made)
    assert len(lines) == 1 and "for resnet50 were chosen for adamw" in lines[0]


def test_a_network_that_had_the_optimizer_keeps_its_values():
    own = {"optimizer.name": "lamb", "optimizer.learning_rate": 0.02}
    recipe = dataclasses.replace(RECIPE, overrides={"alexnet": own})
    made = override(recipe, "optimizer.name", "lamb")
    assert made.for_model("alexnet") == recipe.for_model("alexnet")
    assert resolve(made.for_model("resnet50").optimizer).weight_decay == 0.01


def test_times_in_epochs_hold_where_the_recipe_has_shares():
    recipe = dataclasses.replace(
        override(Config(), "schedule.step_fractions", "0.5"),
        overrides={"alexnet": {"schedule.step_fractions": (0.7,)}},
    )
    made = override(recipe, "schedule.step_epochs", "10")
    assert {made.for_model(n).schedule.step_fractions for n in made.models} == {()}
    one = override(recipe, "overrides.resnet50.schedule.step_epochs", "10")
    assert one.for_model("resnet50").schedule.step_fractions == ()
    assert one.for_model("alexnet") == recipe.for_model("alexnet")
    both = [("schedule.step_fractions", "0.2"), ("schedule.step_epochs", "10")]
    assert override_all(recipe, both).for_model("alexnet").schedule.step_fractions == (0.2,)


def test_what_holds_for_no_network_is_not_told():
    flags = [("optimizer.learning_rate", "0.1"), ("training.epochs", "1")]
    rated = override_all(RECIPE, [*flags[1:], ("run.learning_rates", "0.1,0.2")])
    assert [line.split("=")[0] for line in displaced(RECIPE, rated)] == ["training.epochs"]
    smoke = override_all(RECIPE, [*flags, ("run.smoke", "true")])
    assert [line.split("=")[0] for line in displaced(RECIPE, smoke)] == ["optimizer.learning_rate"]
    alone = override_all(RECIPE, [*flags, ("model.names", "resnet50")])
    assert displaced(RECIPE, alone) == [
        "optimizer.learning_rate=0.1 holds for resnet50 too, in place of the recipe's 0.001"
    ]


@pytest.mark.parametrize("name", ["imagenet", "study"])
def test_a_smoke_run_keeps_the_shares_of_its_schedule(name):
    recipe = override(load_recipe(f"configs/{name}.py"), "run.smoke", "true")
    small = shrink(recipe)
    own, whole = small.for_model("resnet50"), recipe.for_model("resnet50")
    assert own.schedule.name == "step" and own.training.epochs == 1
    wanted = [epoch / whole.training.epochs for epoch in whole.schedule.step_epochs]
    assert own.schedule.step_epochs == pytest.approx(wanted)
    assert own.schedule.warmup_epochs == pytest.approx(whole.schedule.warmup_epochs / 90)
    assert shrink(small) == small, "taken up again, it is what it was"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule_name": "step"}, r"none of schedule\.step_epochs=30,60,80 .*epochs=30;"),
        ({"schedule_name": "step", "epochs": 31}, None),
        ({"warmup_epochs": 3, "epochs": 3}, r"warmup_epochs=3 of alexnet .* training\.epochs=3;"),
        ({"warmup_epochs": 3, "epochs": 3, "smoke": True}, r"warmup_epochs=3 of alexnet"),
        ({"warmup_epochs": 2.9, "epochs": 3}, None),
        ({"schedule_name": "step", "smoke": True}, r"step_epochs=30,60,80"),
        ({"schedule_name": "step", "epochs": 90, "smoke": True}, None),
        (
            {"overrides": {"resnet50": {"schedule.name": "step", "training.epochs": 20}}},
            r"never lowers the rate of resnet50",
        ),
        (
            {"overrides": {"resnet50": {"schedule.name": "step"}}, "names": ("alexnet",)},
            None,
        ),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused_before_anything_is_loaded(
    settings, message, tmp_path
):
    if message is None:
        prepared(None, tmp_path, settings)
        return
    with pytest.raises(ValueError, match=message) as caught:
        prepared(None, tmp_path, settings)
    assert "\n" not in str(caught.value)


def test_what_was_begun_with_such_a_schedule_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("lqjax.workdir.Workdir.has_results", lambda self: True)
    chosen, _, _ = prepared(None, tmp_path, {"schedule_name": "step"})
    assert chosen.schedule.name == "step"


def test_a_smoke_run_leaves_what_is_not_read_as_it_is():
    assert shrink(Config()).schedule == Config().schedule


WITH_OVERRIDES = """
from lqjax.config import default_config


def get_config():
    config = default_config()
    config.model.names = ("small",)
    config.data.image_size = 28
    config.data.train_limit = 64
    config.data.test_limit = 32
    config.training.epochs = 1
    config.training.batch_size = 32
    config.evaluation.batch_size = 32
    config.run.devices = 1
    config.overrides = {"small": {"optimizer": {"learning_rate": 0.25}}}
    return config
"""


@pytest.mark.slow
@pytest.mark.usefixtures("small_networks")
def test_the_same_command_goes_on_and_an_earlier_directory_is_refused(tmp_path, capsys):
    recipe, workdir = tmp_path / "recipe.py", tmp_path / "run"
    recipe.write_text(WITH_OVERRIDES)
    command = [
        *("--mode=train", f"--config={recipe}", f"--workdir={workdir}"),
        *("--config.optimizer.learning_rate=0.125", "--config.training.steps_per_dispatch=5"),
    ]
    assert main(command) == 0
    said = capsys.readouterr().err
    line = "optimizer.learning_rate=0.125 holds for small too, in place of the recipe's 0.25\n"
    assert said.count(line) == 1
    assert "adamw: learning rate 0.125" in said
    assert said.count("small: training.steps_per_dispatch=5 is taken as 1: on a CPU ") == 1
    kept = (workdir / "config.json").read_text()
    assert main(command) == 0
    assert (workdir / "config.json").read_text() == kept
    told = Said()
    given = {"learning_rate": 0.125, "steps_per_dispatch": 5}
    lqjax.train(load_recipe(str(recipe)), workdir=workdir, progress=told, **given)
    assert told.lines.count(line.strip()) == 1
    assert (workdir / "config.json").read_text() == kept
    record = json.loads(kept)
    record["overrides"] = {"small": {"optimizer.learning_rate": 0.25}}  # as it was without effect
    (workdir / "config.json").write_text(json.dumps(record))
    capsys.readouterr()
    assert main(command) == 2
    assert "overrides.small.optimizer.learning_rate: 0.25 -> absent" in capsys.readouterr().err


def test_what_a_working_directory_had_is_called_its_own(tmp_path):
    stored = override_all(RECIPE, [("run.seeds", "1,2"), ("optimizer.momentum", "-1")])
    (tmp_path / "config.json").write_text(json.dumps(to_dict(stored)))
    settings = {"learning_rate": 0.1, "seed": 3, "overrides.resnet50.optimizer.name": "lamb"}
    paths = ("optimizer.learning_rate", "run.seed", "overrides.resnet50.optimizer.name")
    flags = [f"--config.{p}={v}" for p, v in zip(paths, settings.values(), strict=True)]
    wanted = [
        "optimizer.learning_rate=0.1 holds for alexnet and resnet50 too, in place of {} 0.0003"
        " and 0.001",
        "run.seed=3 takes the place of {} run.seeds=1,2",
        "optimizer.name=lamb: {} weight_decay and scale_with_batch for resnet50 were chosen for"
        " adamw; what is not given is as published for lamb",
    ]
    directory = [line.format("the working directory's") for line in wanted]
    assert _changed(parse([f"--workdir={tmp_path}", *flags]))[2] == directory
    python = {"learning_rate": 0.1, "seed": 3}
    assert prepared(None, tmp_path, python)[2] == directory[:2]
    recipe = [line.format("the recipe's") for line in wanted]
    assert prepared(stored, tmp_path, python)[2] == recipe[:2]
    assert (
        displaced(stored, override_all(stored, [tuple(f[9:].split("=")) for f in flags])) == recipe
    )


def test_a_smoke_run_that_does_not_fit_says_that_it_may_be_removed(tmp_path, monkeypatch):
    from lqjax.claiming import check_settings

    monkeypatch.setattr("lqjax.workdir.Workdir.has_results", lambda self: True)
    for smoke in (True, False):
        made = dataclasses.replace(RECIPE, run=RunConfig(smoke=smoke))
        (tmp_path / "config.json").write_text(json.dumps(to_dict(made)))
        other = override(made, "schedule.warmup_epochs", "0.5")
        with pytest.raises(ValueError, match=r"warmup_epochs: 0\.0 -> 0\.5\); ") as caught:
            check_settings(other, prepared(other, tmp_path, {})[1])
        told = " remove it (a smoke run is made again soon), name another workdir, or give"
        assert (told in str(caught.value)) is smoke


def test_what_is_free_to_change_is_so_for_single_networks_too(tmp_path, monkeypatch):
    from lqjax.claiming import check_settings

    recipe = dataclasses.replace(
        RECIPE, overrides={"alexnet": {"training.checkpoint_minutes": 2.0, "training.epochs": 6}}
    )
    _, place, _ = prepared(recipe, tmp_path, {})
    (tmp_path / "config.json").write_text(json.dumps(to_dict(recipe)))
    monkeypatch.setattr(type(place), "has_results", lambda self: True)
    check_settings(override(recipe, "training.checkpoint_minutes", "5"), place)
    with pytest.raises(ValueError, match=r"overrides\.alexnet\.training\.epochs: 6 -> absent"):
        check_settings(override(recipe, "training.epochs", "3"), place)


def test_an_optimiser_that_the_recipe_has_for_all_brings_the_values_chosen_for_it():
    own = {"optimizer.name": "adamw", "optimizer.learning_rate": 1e-4, "optimizer.momentum": -1.0}
    recipe = dataclasses.replace(
        Config(),
        optimizer=OptimizerConfig(name="sgd", learning_rate=0.05, momentum=0.8),
        overrides={"resnet50": own},
    )
    found = override_all(recipe, [("optimizer.name", "sgd")])
    for network in ("alexnet", "resnet50"):
        optimizer = found.for_model(network).optimizer
        assert (optimizer.name, optimizer.learning_rate, optimizer.momentum) == ("sgd", 0.05, 0.8)
