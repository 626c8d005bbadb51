import dataclasses

import pytest

from lqjax.config import Config, default_config, from_config_dict, from_record
from lqjax.overriding import differences, from_arguments, leaf_values, override, to_dict
from lqjax.recipes import load_recipe, packaged_recipes


def test_defaults_survive_the_way_through_a_recipe():
    assert from_config_dict(default_config()) == Config()
    assert from_record(to_dict(Config())) == Config()


@pytest.mark.parametrize("name", sorted(packaged_recipes()))
def test_every_recipe_loads(name):
    config = load_recipe(f"configs/{name}.py")
    assert from_record(to_dict(config)) == config


def test_a_recipe_is_locked():
    with pytest.raises((AttributeError, KeyError)):
        default_config().optimizer.learning_rat = 3


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("optimizer.learning_rate", "0.003", 0.003),
        ("training.epochs", "7", 7),
        ("run.smoke", "True", True),
        ("run.smoke", "false", False),
        ("model.names", "alexnet,resnet18", ("alexnet", "resnet18")),
        ("model.names", "('alexnet', 'resnet18')", ("alexnet", "resnet18")),
        ("model.names", "resnet18", ("resnet18",)),
        ("augmentation.degradations", "", ()),
        ("schedule.step_epochs", "10,20", (10.0, 20.0)),
        ("evaluation.conditions", "clean", ("clean",)),
        (
            "evaluation.conditions",
            "gaussian_blur(kernel_size=9,sigma=3),clean",
            ("gaussian_blur(kernel_size=9,sigma=3)", "clean"),
        ),
        ("data.path", "a=b,c", "a=b,c"),
    ],
)
def test_override(path, text, value):
    assert leaf_values(override(Config(), path, text))[path] == value


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("optimizer.learning_rat", "1", r"unknown setting .*; allowed: optimizer.learning_rate,"),
        ("optimiser.learning_rate", "1", r"unknown setting .*; allowed: optimizer.learning_rate"),
        ("optimizer", "1", r"unknown setting 'optimizer'; allowed: optimizer\."),
        ("optimizer.learning_rate", "fast", r"optimizer.learning_rate='fast': expected a number"),
        ("optimizer.learning_rate", "-1", r"optimizer.learning_rate=-1.0 .* at least 0"),
        ("optimizer.momentum", "-0.5", r"optimizer.momentum=-0.5 .* or -1 for the published value"),
        ("optimizer.beta2", "1", r"optimizer.beta2=1.0 .* -1 to 0.999999"),
        ("optimizer.learning_rate", "nan", "optimizer.learning_rate=nan"),
        ("training.epochs", "1.5", "training.epochs='1.5': expected a whole number"),
        ("training.epochs", "0", "training.epochs=0 is not possible; allowed: at least 1 epochs"),
        ("model.dtype", "float16", "allowed: bfloat16, float32"),
        ("model.names", "", "model.names is empty"),
        ("model.names", "alexnet,alexnet", "stands twice"),
        ("run.smoke", "perhaps", "run.smoke=perhaps: expected true or false"),
        ("augmentation.degradations", "jpeg(", "a bracket is not closed"),
        ("overrides.alexnet", "1", "write overrides.<model>.<setting>=<value>"),
        ("overrides.alexnet.training.epoch", "1", "unknown setting 'training.epoch'"),
        ("overrides.alexnet.data.image_size", "99", "share the data"),
        ("data.validation_fraction", "0.95", "allowed: 0 to 0.9"),
    ],
)
def test_impossible_overrides_say_what_is_allowed(path, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        override(Config(), path, text)
    assert "\n" not in str(caught.value)


def test_overrides_for_one_model():
    config = override(Config(), "overrides.resnet50.optimizer.learning_rate", "0.01")
    config = override(config, "overrides.resnet50.training.epochs", "3")
    assert config.for_model("resnet50").optimizer.learning_rate == 0.01
    assert config.for_model("resnet50").training.epochs == 3
    assert config.for_model("resnet50").model.names == ("resnet50",)
    assert config.for_model("alexnet").optimizer == Config().optimizer


def test_arguments_by_keyword():
    config = from_arguments(
        Config(), {"epochs": 3, "training_batch_size": 8, "names": ["resnet18"]}
    )
    assert (config.training.epochs, config.training.batch_size) == (3, 8)
    assert config.model.names == ("resnet18",)
    with pytest.raises(
        ValueError,
        match="'batch_size' is ambiguous: write training_batch",
    ):
        from_arguments(Config(), {"batch_size": 3})
    assert from_arguments(Config(), {"names": "resnet18"}).model.names == ("resnet18",)
    with pytest.raises(ValueError, match="expected a tuple"):
        from_arguments(Config(), {"names": 18})


def test_settings_are_frozen_and_checked_however_they_are_made():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().training.epochs = 3
    with pytest.raises(ValueError, match="epochs=0"):
        dataclasses.replace(Config().training, epochs=0)


def test_differences_name_the_settings():
    one, two = Config(), override(Config(), "run.seed", "3")
    assert differences(to_dict(one), to_dict(two)) == ["run.seed: 0 -> 3"]
    assert differences(to_dict(one), to_dict(two), ("run.seed",)) == []
