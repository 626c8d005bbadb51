"""Every setting once: typed, frozen, validated, with unit and default.

Recipes (`configs/*.py`) start from `default_config()`, an ml_collections `ConfigDict` made from
the same declarations; `from_config_dict` turns it back into the typed `Config`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ml_collections

from lqjax.settings import group, leaves, normalise, replace_at, setting
from lqjax.textlists import join_weights
from lqjax.variants import network_of, rate_of, variant

OVERRIDABLE = ("optimizer", "schedule", "training", "augmentation", "model")
"""Groups whose settings may differ between the compared networks."""

AS_PUBLISHED = -1.0
"""Stands for the published value where 0 is a value of its own."""


AUTO = "auto"
"""Stands for a choice that is made by what is there."""

DEFAULT_SIDE, SMALLEST_SIDE = 64, 28
"""px: of the images where nothing else is said, and the least."""

AUDIT_FLAGS = (
    *("blurry", "out_of_focus", "dark", "over_exposed", "low_contrast", "low_information"),
    *("odd_size", "odd_aspect", "noisy", "compressed", "blocky"),
    *("exact_duplicate", "label_conflict", "near_duplicate"),
)
"""What an audit can say against a picture."""

LARGEST_SEED = 2**31 - 1
"""Seeds are signed 32-bit numbers in JAX."""


class _Checked:
    """Convert and check every value when a group is made, however it is made."""

    def __post_init__(self) -> None:
        normalise(self)


@dataclass(frozen=True)
class DataConfig(_Checked):
    """Where the images come from and how they are prepared."""

    source: str = setting("digits", "data source: digits, npz, folder, table or tfds")
    path: str = setting("", "file or folder; for tfds NAME or NAME@DATA_DIR; unused by digits")
    name: str = setting("", "name in reports; empty: from source and path")
    image_size: int = setting(
        0,
        "side to which images are resized once, at least 28; 0: that of the weights which training"
        " starts from (model.init_from), and 64 without such",
        unit="px",
        low=0,
    )
    channels: int = setting(0, "0 as the data has them, 1 grey, 3 colour", low=0, high=3)
    validation_fraction: float = setting(
        0.1, "share of the training split held out where the data has none", low=0.0, high=0.9
    )
    test_fraction: float = setting(
        0.2, "share held out for testing where the data has no test split", low=0.0, high=0.9
    )
    test_split: str = setting(
        "",
        "of tfds: split that is tested, such as validation for imagenet2012; empty: test",
    )
    path_column: str = setting("path", "of a table: column of the paths of the pictures")
    label_column: str = setting("label", "of a table: column of the classes")
    split_column: str = setting(
        "split", "of a table: column of the splits, read where it is there; empty: unused"
    )
    group_column: str = setting(
        "group",
        "of a table: column of what belongs together (a patient), read where it is there;"
        " empty: unused",
    )
    weight_column: str = setting(
        "weight",
        "of a table: column of the weights in the training loss, read where it is there;"
        " empty: unused",
    )
    root: str = setting(
        "", "of a table: folder that its paths start from; empty: the folder of the table"
    )
    allow_outside: bool = setting(
        False,
        "of folder and table: use files outside the data's folder too (links that lead there,"
        " absolute paths, ../)",
    )
    split_seed: int = setting(0, "seed of the splits made here", low=0)
    folds: int = setting(
        0,
        "cross-validation: pool all splits, and test each image once, in one of so many folds;"
        " 0: the splits as they are",
        low=0,
        high=10_000,
    )
    group_pattern: str = setting(
        "",
        "regular expression; what its first bracket finds in an example's id (a patient) stays"
        " together in one split or fold; empty: each image by itself",
    )
    manifest: str = setting(
        "",
        "manifest.csv of an earlier run: takes splits or folds, labels, groups and weights from it,"
        " and refuses other images; empty: none",
    )
    keep: str = setting(
        "", "keep.csv of an audit: leaves out the images that it says 0 of; empty: all are kept"
    )
    duplicates: str = setting(
        "report",
        "what the same picture in two splits or classes does, found by the bytes of its file",
        choices=("report", "error", "ignore"),
    )
    mean: tuple[float, ...] = setting(
        (),
        "mean that images are normalised with, per channel, such as 0.485,0.456,0.406;"
        " empty: that of the training images",
        unit="of full brightness",
        low=0.0,
        high=1.0,
    )
    std: tuple[float, ...] = setting(
        (),
        "standard deviation that images are normalised with, per channel, such as"
        " 0.229,0.224,0.225; empty: that of the training images",
        unit="of full brightness",
        positive=True,
    )
    train_limit: int = setting(0, "train on at most this many images; 0 for all", low=0)
    test_limit: int = setting(0, "test and validate on at most this many; 0 for all", low=0)
    on_bad_image: str = setting("error", "what a broken image does", choices=("error", "skip"))
    decoder: str = setting(
        "auto",
        "what decodes files of a folder or table; auto: processes where there are enough files and"
        " cores; other sources: threads",
        choices=("auto", "threads", "processes"),
    )
    workers: int = setting(0, "decoding threads or processes; 0 for one a core", low=0)
    residency: str = setting(
        "auto",
        "where the split lives during training; auto: on the device when it fits",
        choices=("auto", "device", "host"),
    )
    device_share: float = setting(
        0.5, "largest share of the device's memory that images may take", low=0.0, high=1.0
    )
    cache_dir: str = setting(
        "",
        "local folder where images are decoded to once, for data larger than memory;"
        " empty: decode into memory",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.image_size < SMALLEST_SIDE:
            raise ValueError(
                f"image_size={self.image_size} is not possible; allowed: at least {SMALLEST_SIDE}"
                " px, or 0 for that of the weights"
            )
        if self.folds == 1:
            raise ValueError("folds=1 is not possible; allowed: 2 or more, or 0 for no folds")
        try:
            pattern = re.compile(self.group_pattern)
        except re.error as error:
            raise ValueError(
                f"group_pattern={self.group_pattern!r} is no regular expression ({error})"
            ) from None
        if self.group_pattern and not pattern.groups:
            raise ValueError(
                f"group_pattern={self.group_pattern!r} has no bracket; put round brackets around"
                " what names the group, such as (patient[0-9]+)"
            )

    def sized(self, side: int = DEFAULT_SIDE) -> DataConfig:
        """Return the settings with an image size: `side` where it is left open."""
        return self if self.image_size else dataclasses.replace(self, image_size=side)


@dataclass(frozen=True)
class ModelConfig(_Checked):
    """Which networks, and how they are built."""

    names: tuple[str, ...] = setting(("alexnet", "resnet50"), "networks to train and compare")
    init_from: str = setting(
        "",
        "weights that training starts from: a .pth or .safetensors file of torchvision, timm or"
        " lqjax.export_weights, or the working directory of a run; empty: drawn by the seed",
    )
    dtype: str = setting("float32", "compute type", choices=("float32", "bfloat16"))
    stem: str = setting(
        "auto",
        "first layers: imagenet (from 64 px), small (28 to 63 px), or auto by image size",
        choices=("auto", "imagenet", "small"),
    )
    dropout: float = setting(0.5, "dropout rate of the fully connected layers", low=0.0, high=0.99)
    zero_init_residual: bool = setting(True, "start the last scale of residual blocks at zero")
    batch_norm: str = setting(
        "global",
        "batch statistics over the whole batch, or each device's share by itself",
        choices=("global", "device"),
    )
    remat: bool = setting(
        False, "recompute activations in the backward pass: less memory, more work"
    )
    head_layers: tuple[int, ...] = setting(
        (),
        "widths of extra fully connected layers before the logits, each with ReLU and dropout, such"
        " as 512,256; empty: none",
        low=1,
    )


@dataclass(frozen=True)
class OptimizerConfig(_Checked):
    """The update rule; what is not given is as published for the optimiser."""

    name: str = setting(
        "adamw",
        "optimiser: sgd, nesterov, adam, adamw, rmsprop, sophia, lamb, schedule_free or"
        " schedule_free_sgd",
    )
    learning_rate: float = setting(
        0.0, "peak learning rate; 0: as published for the optimiser", low=0.0
    )
    momentum: float = setting(
        -1.0,
        "momentum of sgd, nesterov, rmsprop and schedule_free_sgd; -1: as published",
        low=-1.0,
        high=1.0,
    )
    nesterov: bool = setting(False, "Nesterov momentum in sgd")
    beta1: float = setting(
        -1.0,
        "first moment decay of adam, adamw, sophia and lamb, interpolation of schedule_free;"
        " -1: as published",
        low=-1.0,
        high=0.999999,
    )
    beta2: float = setting(
        -1.0,
        "second moment decay of adam, adamw, rmsprop, sophia, lamb and schedule_free;"
        " -1: as published",
        low=-1.0,
        high=0.999999,
    )
    epsilon: float = setting(
        0.0, "denominator floor of the same; 0: as published for the optimiser", low=0.0
    )
    weight_decay: float = setting(
        -1.0,
        "weight decay (sgd, nesterov, adam, rmsprop: added to the gradient); -1: as published",
        low=-1.0,
    )
    decay_norm_and_bias: bool = setting(False, "decay norm scales and biases too")
    gradient_clip: float = setting(0.0, "largest global gradient norm; 0 for no bound", low=0.0)
    scale_with_batch: str = setting(
        "none",
        "let the learning rate grow with training.batch_size over base_batch",
        choices=("none", "linear", "sqrt"),
    )
    base_batch: int = setting(256, "batch that the learning rate is meant for", low=1)
    layer_decay: float = setting(
        1.0,
        "what the learning rate is multiplied by from each stage of a network to the one below it;"
        " the head has the whole rate",
        positive=True,
        high=1.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("momentum", "beta1", "beta2", "weight_decay"):
            value = getattr(self, name)
            if AS_PUBLISHED < value < 0:
                raise ValueError(
                    f"{name}={value} is not possible; allowed: at least 0, or -1 for the published"
                    " value"
                )


@dataclass(frozen=True)
class ScheduleConfig(_Checked):
    """How the learning rate moves."""

    name: str = setting("cosine", "schedule: constant, step, cosine, one_cycle or plateau")
    warmup_epochs: float = setting(
        0.0, "linear warm-up from zero, shorter than training", unit="epochs", low=0.0
    )
    final_fraction: float = setting(0.0, "last rate of cosine over the peak", low=0.0, high=1.0)
    step_epochs: tuple[float, ...] = setting(
        (30.0, 60.0, 80.0),
        "when step lowers the rate; one of them at least within training",
        unit="epochs",
        low=0.0,
    )
    step_fractions: tuple[float, ...] = setting(
        (),
        "when step lowers the rate, as shares of training; in place of step_epochs",
        low=0.0,
        high=1.0,
    )
    step_factor: float = setting(0.1, "what step multiplies the rate by", low=0.0, high=1.0)
    rise_fraction: float = setting(
        0.3, "share of training in which one_cycle rises", low=0.0, high=1.0
    )
    rise_factor: float = setting(25.0, "peak of one_cycle over its first rate", low=1.0)
    fall_factor: float = setting(1e4, "first rate of one_cycle over its last", low=1.0)
    plateau_factor: float = setting(0.1, "what plateau multiplies the rate by", low=0.0, high=1.0)
    plateau_patience: int = setting(
        10, "plateau waits this long for a better validation loss", unit="epochs", low=0
    )
    plateau_threshold: float = setting(
        1e-4, "relative improvement of the loss that counts for plateau", low=0.0
    )


def _weights_text(given: Any) -> str:
    if isinstance(given, str):
        return given
    if not isinstance(given, Mapping):
        raise ValueError(
            f"class_weights={given!r} is not possible; allowed: none, auto, a text such as"
            " cat=2,dog=0.5, or a mapping such as {'cat': 2.0, 'dog': 0.5}"
        )
    try:
        return join_weights(given)
    except ValueError as error:
        raise ValueError(f"class_weights: {error}") from None


@dataclass(frozen=True)
class TrainingConfig(_Checked):
    """The training loop."""

    epochs: int = setting(30, "passes over the training split", unit="epochs", low=1)
    batch_size: int = setting(64, "images a step, over all devices", low=1)
    label_smoothing: float = setting(0.0, "share of the target spread evenly", low=0.0, high=0.9)
    loss: str = setting("cross_entropy", "training loss", choices=("cross_entropy", "focal"))
    focal_gamma: float = setting(2.0, "exponent of the focal loss", low=0.0)
    class_weights: str = setting(
        "none",
        "weights of the classes in the loss: none, auto (by rarity), or cat=2,dog=0.5 (others 1)",
    )
    """In Python a mapping will do, {"cat": 2.0, "dog": 0.5}; the text is what is kept."""
    sampling: str = setting(
        "shuffled",
        "what an epoch shows: shuffled, every image once; balanced, every class equally often",
        choices=("shuffled", "balanced"),
    )
    accumulation: int = setting(
        1, "parts that a batch is worked through in, one after the other, for one update", low=1
    )
    ema_decay: float = setting(
        0.0,
        "decay of the moving average of the weights, which is then evaluated; 0 for none",
        low=0.0,
        high=0.999999,
    )
    steps_per_dispatch: int = setting(
        0,
        "steps handed to an accelerator at once; 0: 10; on a CPU, and of streamed images, always 1",
        low=0,
    )
    checkpoint_minutes: float = setting(
        15.0, "a checkpoint within an epoch after so long; 0: at its end only", unit="min", low=0.0
    )
    keep_checkpoints: int = setting(2, "latest checkpoints kept beside the best", low=1)
    patience: int = setting(
        0, "stop after this many epochs without a better validation; 0: never", unit="epochs", low=0
    )
    last_stages: int = setting(
        -1, "stages below the head that are trained, the others frozen; -1: all; 0: none", low=-1
    )
    unfreeze_epochs: int = setting(
        0,
        "train the head first, and one stage more after every so many epochs; 0: all at once",
        unit="epochs",
        low=0,
    )
    batch_norm_statistics: str = setting(
        "adapt",
        "BatchNorm of trained stages: adapt to the batches, or frozen at the statistics it has",
        choices=("adapt", "frozen"),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_weights", _weights_text(self.class_weights))
        super().__post_init__()


@dataclass(frozen=True)
class AugmentationConfig(_Checked):
    """Random changes of the training images, on the device, inside the step."""

    crop_padding: int = setting(0, "random crop after padding by this much", unit="px", low=0)
    flip: bool = setting(False, "flip left-right with probability one half")
    rotation: float = setting(0.0, "largest angle either way", unit="degree", low=0.0, high=180.0)
    zoom: float = setting(0.0, "largest relative change of scale", low=0.0, high=0.9)
    brightness: float = setting(0.0, "largest relative change of brightness", low=0.0, high=1.0)
    contrast: float = setting(0.0, "largest relative change of contrast", low=0.0, high=1.0)
    noise_sigma: float = setting(
        0.0, "standard deviation of injected Gaussian noise, of images in [0, 1]", low=0.0
    )
    erasing: float = setting(0.0, "probability of random erasing", low=0.0, high=1.0)
    channel_transfer: float = setting(
        0.0, "probability of taking one channel from another image of the batch", low=0.0, high=1.0
    )
    randaugment_operations: int = setting(0, "operations that RandAugment draws; 0 for none", low=0)
    randaugment_magnitude: float = setting(9.0, "strength of RandAugment", low=0.0, high=30.0)
    mixup: float = setting(0.0, "alpha of mixup's beta distribution; 0 for none", low=0.0)
    cutmix: float = setting(0.0, "alpha of CutMix's beta distribution; 0 for none", low=0.0)
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
    readings: tuple[str, ...] = setting(
        (),
        "other ways to answer with the same weights that every network is tested with too, such as"
        " batch_norm or batch_norm(prior=16); empty: none",
    )
    envelopes: tuple[str, ...] = setting(
        (),
        "degradations whose operating envelope is sought, each at nine or more severities, for"
        " example jpeg(quality=95..5) or low_quality/*; empty: none",
    )
    envelope_drop: float = setting(
        0.05, "loss of accuracy that ends an envelope; 0.05: five points", low=0.001, high=0.999
    )
    envelope_floor: float = setting(
        0.0, "accuracy that ends an envelope, 0.9 for 90 %; 0: no floor", low=0.0, high=0.999
    )
    batch_size: int = setting(120, "images a forward pass, over all devices", low=1)
    degradation_seed: int = setting(
        0, "seed of the noise and angles that are drawn", low=0, high=LARGEST_SEED
    )
    corrupted_dir: str = setting(
        "",
        "where published corrupted sets lie (cifar10_corrupted and the like, prepared by TFDS);"
        " empty: the directory of data.path, or that of TFDS",
    )
    frost_photographs: str = setting(
        "", "folder with the published photographs of frost; empty for generated textures"
    )
    checkpoint: str = setting(
        "best",
        "which weights are tested: best by validation, or latest",
        choices=("best", "latest"),
    )
    show_images: bool = setting(
        True, "keep a few test images for the report; false where the data may not be shown"
    )
    latency_runs: int = setting(
        100, "timed runs behind each cost figure; fewer where they would take seconds", low=1
    )
    throughput_batches: tuple[int, ...] = setting(
        (),
        "batch sizes whose throughput is measured beside evaluation.batch_size, over all devices;"
        " empty: 1, 8 and 32",
        low=1,
    )
    target_accuracy: float = setting(
        0.0,
        "validation accuracy to which the report counts the training images, a share; 0: the best"
        " of the weakest network less one point",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class AuditConfig(_Checked):
    """What `--mode=audit` flags; docs/audit.md says how each value is measured.

    Those called cleanvision's are the defaults of cleanvision 0.3.
    """

    sharpness_below: float = setting(
        0.15,
        "blurry: the sharpness score is below this (15 of 15 photographs are when blurred by 3 % of"
        " their longer side, and none is as it was)",
        low=0.0,
        high=1.0,
    )
    blur_above: float = setting(
        3.0,
        "out of focus: the edges at the network's input are blurred by more than this (sigma of the"
        " middle blur of low_quality)",
        unit="px",
        low=0.0,
    )
    dark_level_below: float = setting(
        0.32,
        "dark: the 99th percentile of brightness is below this (cleanvision's)",
        unit="of full brightness",
        low=0.0,
        high=1.0,
    )
    bright_level_above: float = setting(
        0.95,
        "over-exposed: the 5th percentile of brightness is above this (cleanvision's)",
        unit="of full brightness",
        low=0.0,
        high=1.0,
    )
    contrast_below: float = setting(
        0.05,
        "low contrast: the middle 90 % of the pixels span less than this (scikit-image's 0.05)",
        unit="of full brightness",
        low=0.0,
        high=1.0,
    )
    entropy_below: float = setting(
        3.0,
        "low information: the entropy of the grey levels is below this (cleanvision's)",
        unit="bit",
        low=0.0,
        high=8.0,
    )
    size_spread: float = setting(
        3.0,
        "odd size: the root of the area lies further than this outside the middle half of all"
        " pictures (cleanvision's)",
        unit="interquartile ranges",
        low=0.0,
    )
    aspect_below: float = setting(
        0.35, "odd aspect: shorter by longer side below this (cleanvision's)", low=0.0, high=1.0
    )
    noise_above: float = setting(
        0.05,
        "noisy: Donoho's estimate from luma is above this (what the first severity of ImageNet-C"
        " leaves there)",
        unit="of full brightness",
        low=0.0,
    )
    jpeg_quality_below: float = setting(
        40.0,
        "strongly compressed: JPEG quality below this (the middle level of low_quality)",
        low=0.0,
        high=100.0,
    )
    blockiness_above: float = setting(
        1.75,
        "blocky: the jumps at the borders of JPEG's blocks are this many times those inside",
        low=0.0,
    )
    hash_distance: int = setting(
        2,
        "near duplicates: perceptual hashes that differ in at most so many of 64 (cleanvision: 0)",
        unit="bits",
        low=0,
        high=16,
    )
    drop: tuple[str, ...] = setting(
        ("exact_duplicate",),
        "flags whose pictures keep.csv leaves out; those that cannot be read are left out always",
        choices=AUDIT_FLAGS,
    )
    thumbnails: int = setting(8, "pictures shown of each flag; 0 for none", low=0, high=100)


@dataclass(frozen=True)
class RunConfig(_Checked):
    """The run as a whole."""

    seed: int = setting(
        0, "seed of initial weights, order and augmentation", low=0, high=LARGEST_SEED
    )
    seeds: tuple[int, ...] = setting(
        (),
        "train with each of these seeds, as runs of their own; empty: with run.seed",
        low=0,
        high=LARGEST_SEED,
    )
    learning_rates: tuple[float, ...] = setting(
        (),
        "train every network with each of these peak learning rates, as models of their own, such"
        " as resnet18@0.003; empty: with optimizer.learning_rate",
        positive=True,
    )
    seeds_together: str = setting(
        "auto",
        "train seeds, folds and learning rates of a network as one program; auto: on an accelerator"
        " that has room for it",
        choices=("auto", "always", "never"),
    )
    smoke: bool = setting(False, "shrink everything: does it run at all, in under a minute")
    progress: bool = setting(
        True, "show progress bars, by command; lines such as those of the log appear without them"
    )
    devices: int = setting(0, "how many devices share a batch; 0 for all", low=0)
    log_every: int = setting(100, "a line of the log after so many steps", unit="steps", low=1)
    writers: tuple[str, ...] = setting(
        ("console", "jsonl"), "where the log goes: console, jsonl, tensorboard, clu"
    )
    profile: bool = setting(False, "write a trace of a few training steps")


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
    audit: AuditConfig = group(AuditConfig, "what is flagged before training")
    run: RunConfig = group(RunConfig, "the run as a whole")
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What differs between the networks: {"resnet50": {"optimizer.learning_rate": 0.01}}."""

    def __post_init__(self) -> None:
        if not self.model.names:
            raise ValueError("model.names is empty; name at least one network")
        if len(set(self.model.names)) != len(self.model.names):
            raise ValueError(f"model.names={','.join(self.model.names)}: a network stands twice")
        if len(set(self.run.seeds)) != len(self.run.seeds):
            raise ValueError(f"run.seeds={','.join(map(str, self.run.seeds))}: a seed stands twice")
        if len(set(self.run.learning_rates)) != len(self.run.learning_rates):
            listed = ",".join(f"{rate:g}" for rate in self.run.learning_rates)
            raise ValueError(f"run.learning_rates={listed}: a rate stands twice")
        flat = {
            # A tuple comes back from JSON as a list.
            model: {p: tuple(v) if isinstance(v, list) else v for p, v in flatten(fields).items()}
            for model, fields in _by_network(self.overrides).items()
        }
        object.__setattr__(self, "overrides", flat)
        for model, fields in flat.items():
            for path in fields:
                if path.partition(".")[0] not in OVERRIDABLE:
                    raise ValueError(
                        f"overrides.{model}.{path} is not possible: all networks share the data and"
                        f" the grid; allowed groups: {', '.join(OVERRIDABLE)}"
                    )
            self.for_model(model)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every network is trained with."""
        return self.run.seeds or (self.run.seed,)

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds that every network is trained on; the number 0 where there are none."""
        return tuple(range(max(self.data.folds, 1)))

    def variants(self, network: str) -> tuple[str, ...]:
        """Return what is trained of a network: itself, or its name with each learning rate."""
        return tuple(variant(network, rate) for rate in self.run.learning_rates) or (network,)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of all that is trained and compared."""
        return tuple(found for network in self.model.names for found in self.variants(network))

    def for_model(self, model: str) -> Config:
        """Return the settings of one network: its overrides applied, and only its name left.

        Args:
          model: name of the network; with a learning rate, such as resnet18@0.003, it has that one.
        """
        network, rate = network_of(model), rate_of(model)
        made = dataclasses.replace(self, overrides={})
        for path, value in self.overrides.get(network, {}).items():
            made = replace_at(made, path, value)
        if rate is not None:
            made = replace_at(made, "optimizer.learning_rate", rate)
        return replace_at(made, "model.names", (network,))


MAPPINGS = (Mapping, ml_collections.ConfigDict)


def _by_network(overrides: Any) -> dict[str, Any]:
    """Refuse what does not go by network and setting, as a file altered by hand may have it."""
    found = {"overrides": overrides}
    if isinstance(overrides, MAPPINGS):
        found |= {f"overrides.{model}": fields for model, fields in overrides.items()}
    for path, value in found.items():
        if not isinstance(value, MAPPINGS):
            raise ValueError(f"{path}={value!r}: expected {{network: {{setting: value}}}}")
    return dict(overrides)


def flatten(fields: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to dotted paths: {"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for name, value in dict(fields).items():
        if isinstance(value, MAPPINGS):
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
