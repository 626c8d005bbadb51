"""Every setting once: typed, frozen, validated, with unit and default.

Recipes (`configs/*.py`) start from `default_config()`, an ml_collections `ConfigDict` made from
the same declarations; `from_config_dict` turns it back into the typed `Config`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ml_collections

from lqjax.settings import group, leaves, normalise, replace_at, setting

OVERRIDABLE = ("optimizer", "schedule", "training", "augmentation", "model")
"""Groups whose settings may differ between the compared networks."""


class _Checked:
    """Convert and check every value when a group is made, however it is made."""

    def __post_init__(self) -> None:
        normalise(self)


@dataclass(frozen=True)
class DataConfig(_Checked):
    """Where the images come from and how they are prepared."""

    source: str = setting("digits", "data source: digits, npz, folder or tfds")
    path: str = setting("", "file or folder; for tfds NAME or NAME@DATA_DIR; unused by digits")
    name: str = setting("", "name in reports; empty: from source and path")
    image_size: int = setting(64, "side to which images are resized once", unit="px", low=28)
    channels: int = setting(0, "0 as the data has them, 1 grey, 3 colour", low=0, high=3)
    validation_fraction: float = setting(
        0.1, "share of the training split held out where the data has none", low=0.0, high=0.9
    )
    test_fraction: float = setting(
        0.2, "share held out for testing where the data has no test split", low=0.0, high=0.9
    )
    split_seed: int = setting(0, "seed of the splits made here", low=0)
    train_limit: int = setting(0, "train on at most this many images; 0 for all", low=0)
    test_limit: int = setting(0, "test and validate on at most this many; 0 for all", low=0)
    on_bad_image: str = setting("error", "what a broken image does", choices=("error", "skip"))
    workers: int = setting(0, "decoding threads; 0 for one a core", low=0)
    residency: str = setting(
        "auto",
        "where the split lives during training; auto: on the device when it fits",
        choices=("auto", "device", "host"),
    )
    device_share: float = setting(
        0.5, "largest share of the device's memory that images may take", low=0.0, high=1.0
    )


@dataclass(frozen=True)
class ModelConfig(_Checked):
    """Which networks, and how they are built."""

    names: tuple[str, ...] = setting(("alexnet", "resnet50"), "networks to train and compare")
    dtype: str = setting("float32", "compute type", choices=("float32", "bfloat16"))
    stem: str = setting(
        "auto",
        "first layers: imagenet (from 64 px), small (28 to 63 px), or auto by image size",
        choices=("auto", "imagenet", "small"),
    )
    dropout: float = setting(0.5, "dropout rate of the fully connected layers", low=0.0, high=0.99)
    zero_init_residual: bool = setting(True, "start the last scale of residual blocks at zero")


@dataclass(frozen=True)
class OptimizerConfig(_Checked):
    """The update rule."""

    name: str = setting("adamw", "optimiser: sgd or adamw")
    learning_rate: float = setting(1e-3, "peak learning rate", positive=True)
    momentum: float = setting(0.9, "momentum of sgd", low=0.0, high=1.0)
    nesterov: bool = setting(False, "Nesterov momentum in sgd")
    beta1: float = setting(0.9, "first moment decay of adamw", low=0.0, high=1.0)
    beta2: float = setting(0.999, "second moment decay of adamw", low=0.0, high=1.0)
    epsilon: float = setting(1e-8, "denominator floor of adamw", positive=True)
    weight_decay: float = setting(1e-4, "weight decay (sgd: added to the gradient)", low=0.0)
    decay_norm_and_bias: bool = setting(False, "decay norm scales and biases too")
    gradient_clip: float = setting(0.0, "largest global gradient norm; 0 for no bound", low=0.0)


@dataclass(frozen=True)
class ScheduleConfig(_Checked):
    """How the learning rate moves."""

    name: str = setting("cosine", "schedule: constant, step or cosine")
    warmup_epochs: float = setting(0.0, "linear warm-up from zero", unit="epochs", low=0.0)
    final_fraction: float = setting(0.0, "last rate of cosine over the peak", low=0.0, high=1.0)
    step_epochs: tuple[float, ...] = setting(
        (30.0, 60.0, 80.0), "when step lowers the rate", unit="epochs", low=0.0
    )
    step_factor: float = setting(0.1, "what step multiplies the rate by", low=0.0, high=1.0)


@dataclass(frozen=True)
class TrainingConfig(_Checked):
    """The training loop."""

    epochs: int = setting(30, "passes over the training split", unit="epochs", low=1)
    batch_size: int = setting(64, "images a step, over all devices", low=1)
    label_smoothing: float = setting(0.0, "share of the target spread evenly", low=0.0, high=0.9)
    patience: int = setting(
        0, "stop after this many epochs without a better validation; 0: never", unit="epochs", low=0
    )


@dataclass(frozen=True)
class AugmentationConfig(_Checked):
    """Random changes of the training images, on the device, inside the step."""

    crop_padding: int = setting(0, "random crop after padding by this much", unit="px", low=0)
    flip: bool = setting(False, "flip left-right with probability one half")
    rotation: float = setting(0.0, "largest angle either way", unit="degree", low=0.0, high=180.0)
    zoom: float = setting(0.0, "largest relative change of scale", low=0.0, high=0.9)
    brightness: float = setting(0.0, "largest relative change of brightness", low=0.0, high=1.0)
    contrast: float = setting(0.0, "largest relative change of contrast", low=0.0, high=1.0)
    degradations: tuple[str, ...] = setting(
        (), "conditions of which one is drawn per step, for example low_quality/jpeg@*"
    )
    degradation_probability: float = setting(
        0.5, "share of steps whose images are degraded", low=0.0, high=1.0
    )


@dataclass(frozen=True)
class EvaluationConfig(_Checked):
    """The grid of conditions."""

    conditions: tuple[str, ...] = setting(
        ("clean", "low_quality/*"), "conditions and patterns to test under"
    )
    batch_size: int = setting(120, "images a forward pass, over all devices", low=1)
    degradation_seed: int = setting(0, "seed of the noise and angles that are drawn", low=0)
    frost_photographs: str = setting(
        "", "folder with the published photographs of frost; empty for generated textures"
    )
    checkpoint: str = setting(
        "best",
        "which weights are tested: best by validation, or latest",
        choices=("best", "latest"),
    )
    latency_runs: int = setting(10, "timed runs behind each cost figure", low=1)


@dataclass(frozen=True)
class RunConfig(_Checked):
    """The run as a whole."""

    seed: int = setting(0, "seed of initial weights, order and augmentation", low=0)
    smoke: bool = setting(False, "shrink everything: does it run at all, in under a minute")
    progress: bool = setting(True, "show progress bars")
    devices: int = setting(0, "how many devices share a batch; 0 for all", low=0)


@dataclass(frozen=True)
class Config:
    """All settings of a run.

    Raises:
      ValueError: an impossible value; the message names the setting and what is allowed.
    """

    data: DataConfig = group(DataConfig, "images")
    model: ModelConfig = group(ModelConfig, "networks")
    optimizer: OptimizerConfig = group(OptimizerConfig, "update rule")
    schedule: ScheduleConfig = group(ScheduleConfig, "learning rate over time")
    training: TrainingConfig = group(TrainingConfig, "training loop")
    augmentation: AugmentationConfig = group(AugmentationConfig, "random changes while training")
    evaluation: EvaluationConfig = group(EvaluationConfig, "conditions to test under")
    run: RunConfig = group(RunConfig, "the run as a whole")
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What differs between the networks: {"resnet50": {"optimizer.learning_rate": 0.01}}."""

    def __post_init__(self) -> None:
        if not self.model.names:
            raise ValueError("model.names is empty; name at least one network")
        if len(set(self.model.names)) != len(self.model.names):
            raise ValueError(f"model.names={','.join(self.model.names)}: a network stands twice")
        flat = {model: flatten(fields) for model, fields in dict(self.overrides).items()}
        object.__setattr__(self, "overrides", flat)
        for model, fields in flat.items():
            for path in fields:
                if path.partition(".")[0] not in OVERRIDABLE:
                    raise ValueError(
                        f"overrides.{model}.{path} is not possible: all networks share the data and"
                        f" the grid; allowed groups: {', '.join(OVERRIDABLE)}"
                    )
            self.for_model(model)

    def for_model(self, model: str) -> Config:
        """Return the settings of one network: its overrides applied, and only its name left."""
        made = dataclasses.replace(self, overrides={})
        for path, value in self.overrides.get(model, {}).items():
            made = replace_at(made, path, value)
        return replace_at(made, "model.names", (model,))


def flatten(fields: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to dotted paths: {"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for name, value in dict(fields).items():
        if isinstance(value, (Mapping, ml_collections.ConfigDict)):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat


def default_config() -> ml_collections.ConfigDict:
    """Return the defaults as a locked ConfigDict, the start of every recipe."""
    made = ml_collections.ConfigDict(
        {
            f.name: {path: value for path, _, value in leaves(getattr(Config(), f.name))}
            for f in dataclasses.fields(Config)
            if f.name != "overrides"
        }
    )
    made.overrides = ml_collections.ConfigDict()
    made.lock()
    made.overrides.unlock()
    return made


def from_config_dict(recipe: ml_collections.ConfigDict) -> Config:
    """Turn a recipe into the typed settings.

    Raises:
      ValueError: unknown setting or impossible value.
    """
    return from_record(recipe.to_dict())


def from_record(record: Mapping[str, Any]) -> Config:
    """Turn nested plain dicts, as a recipe or a `config.json` has them, into settings.

    Raises:
      ValueError: a setting that this version does not have, or an impossible value.
    """
    given = dict(record)
    overrides = given.pop("overrides", {})
    made = Config()
    for path, value in flatten(given).items():
        made = replace_at(made, path, value)
    return dataclasses.replace(made, overrides=overrides)
