"""One working directory at work: the data on the devices, and what is done to each network."""

from __future__ import annotations

import dataclasses
import json
import math
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from clu import parameter_overview

from lqjax.config import Config
from lqjax.data.batch import Placed
from lqjax.data.loading import describe, load_dataset
from lqjax.data.normalisation import normalisation
from lqjax.data.order import check_batch_size
from lqjax.data.placing import place
from lqjax.data.source import SOURCES
from lqjax.distributed import decide
from lqjax.evaluation.cost import forward_cost
from lqjax.evaluation.gallery import make_gallery
from lqjax.evaluation.grid import Grid
from lqjax.evaluation.predict import Predictor, as_floats
from lqjax.imaging.conditions import Condition, expand
from lqjax.imaging.damage import Damage
from lqjax.imaging.frost_photographs import (
    frost_photographs,
    no_frost_photographs,
    use_frost_photographs,
)
from lqjax.metrics.log_loss import log_loss
from lqjax.models.base import MODELS
from lqjax.models.network import Network, build
from lqjax.optim.building import check_optimizer, describe_optimizer
from lqjax.progress import Progress
from lqjax.rows import Cost, Epoch, Row, from_json, to_json
from lqjax.runtime import device_name, environment, make_mesh
from lqjax.training.accumulation import check_accumulation
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.loop import Trainer
from lqjax.training.loss import check_loss, make_loss
from lqjax.training.plan import make_plan
from lqjax.training.record import best_epoch
from lqjax.training.seeds import train_seeds
from lqjax.training.state import with_sharding
from lqjax.training.taking_up import check_taking_up, check_testing
from lqjax.training.writers.base import check_writers
from lqjax.typing import Dataset, Split, Tree
from lqjax.workdir import Run, Workdir

SMALLEST_IMAGENET_STEM = 64


def check_names(config: Config) -> None:
    """Look every name up before anything is loaded or computed.

    Raises:
      ValueError: an unknown model, source, optimiser, schedule, condition or override.
    """
    SOURCES[config.data.source]
    check_writers(config.run.writers)
    expand(config.evaluation.conditions)
    for model in (*config.model.names, *config.overrides):
        MODELS[model]
        own = config.for_model(model)
        check_optimizer(own)
        if own.augmentation.degradations:
            expand(own.augmentation.degradations)


def _choose_frost(folder: str) -> None:
    """Let the settings of the run decide, whatever an earlier run in this process used."""
    if folder:
        use_frost_photographs(folder)
    elif frost_photographs():
        no_frost_photographs()


class Workbench:
    """A loaded data set, a mesh and a working directory.

    Args:
      config, workdir: the settings, and where everything is kept.
      fold: which fold is tested; of no meaning without folds.

    Raises:
      ValueError: the data cannot be used, or a batch does not fit the devices.
    """

    def __init__(self, config: Config, workdir: Workdir, fold: int = 0) -> None:
        self.config, self.workdir, self.fold = config, workdir, fold
        self.mesh = make_mesh(config.run.devices)
        _choose_frost(config.evaluation.frost_photographs)
        self.dataset: Dataset = load_dataset(config.data, fold)
        self.statistics = normalisation(self.dataset.train)
        self.conditions: tuple[Condition, ...] = expand(config.evaluation.conditions)
        self._predictors: dict[str, Predictor] = {}
        self._damages: dict[str, Damage] = {}  # measured once, whatever the network
        self._check_sizes()

    def _check_sizes(self) -> None:
        # Before anything is trained: a mistake in the last network must not cost the first's hours.
        count = self.mesh.size
        check_batch_size(self.config.evaluation.batch_size, count, "evaluation.batch_size")
        for model in self.config.model.names:
            own = self.config.for_model(model)
            check_batch_size(own.training.batch_size, count, "training.batch_size")
            make_plan(own, len(self.dataset.train))
            check_loss(own.training, self.dataset.class_names)
            check_accumulation(own.training.batch_size, own.training.accumulation, count)
            self.network(model)

    def run(self, model: str, seed: int) -> Run:
        """Name the folder of a network."""
        return dataclasses.replace(
            self.workdir.run(model, seed, self.fold),
            several_seeds=len(self.config.seeds) > 1,
            several_folds=self.config.data.folds > 0,
        )

    def check_fit(self, training: bool) -> None:
        """Refuse a working directory whose checkpoints do not fit; changes nothing there.

        Raises:
          ValueError: as `lqjax.training.taking_up` says.
        """
        classes = self.dataset.class_names
        for model in self.config.model.names:
            config, network = self.config.for_model(model), self.network(model)
            plan = make_plan(config, len(self.dataset.train))
            for run in (self.run(model, seed) for seed in self.config.seeds):
                if training:
                    check_taking_up(run, config, network, self.mesh, classes, plan)
                else:
                    check_testing(run, network, classes)

    def fingerprint(self) -> list[Any]:
        """Sum up which images were loaded, to compare between processes."""
        data = self.dataset
        splits = (data.train, data.validation, data.test)
        return [np.asarray(self.statistics).tolist()] + [
            [
                len(split),
                zlib.crc32(np.asarray(split.labels).tobytes()),
                zlib.crc32("\n".join(map(str, split.ids)).encode()),
            ]
            for split in splits
        ]

    def environment(self) -> dict[str, Any]:
        """Record what this ran on and with which data."""
        data = self.dataset
        return {
            **environment(),
            "seeds": list(self.config.seeds),
            "folds": self.config.data.folds,
            "dataset": {
                "name": data.name,
                "classes": list(data.class_names),
                "image_size": data.image_size,
                "channels": data.channels,
                "train": len(data.train),
                "validation": len(data.validation),
                "test": len(data.test),
                "mean": np.asarray(self.statistics[0]).tolist(),
                "std": np.asarray(self.statistics[1]).tolist(),
                "credit": data.credit,
                "skipped": [list(pair) for pair in data.skipped],
                "notes": [*data.notes, *self._network_notes()],
            },
        }

    def describe(self) -> str:
        """Say what was loaded, for the screen."""
        return "\n".join([describe(self.dataset), *self._network_notes()])

    def _network_notes(self) -> list[str]:
        return [note for model in self.config.model.names for note in self.network(model).notes]

    def network(self, model: str) -> Network:
        """Build a network for the data, as the settings of this model say."""
        own = self.config.for_model(model).model
        stem = own.stem
        if stem == "auto":
            stem = "imagenet" if self.dataset.image_size >= SMALLEST_IMAGENET_STEM else "small"
        return build(
            model,
            num_classes=self.dataset.num_classes,
            channels=self.dataset.channels,
            image_size=self.dataset.image_size,
            dtype=own.dtype,
            stem=stem,
            dropout=own.dropout,
            zero_init_residual=own.zero_init_residual,
            batch_norm_groups=self.mesh.size if own.batch_norm == "device" else 1,
            remat=own.remat,
        )

    def train(
        self, model: str, progress: Progress, writers: Sequence[Any] = ()
    ) -> list[list[Epoch]]:
        """Train a network with one seed after the other, or go on where that stopped.

        Returns:
          The history of each run, in the order of `config.seeds`.
        """
        config, network = self.config.for_model(model), self.network(model)
        runs = [self.run(model, seed) for seed in self.config.seeds]
        self._describe(network, runs, progress)
        predictor = self._predictor(model)

        def validate(params: Tree, stats: Tree) -> tuple[float, float]:
            logits = predictor.logits(params, stats, self._validation, as_floats)
            labels = self.dataset.validation.labels
            if not np.isfinite(logits).all():
                return math.nan, 0.0
            return log_loss(logits, labels), float((logits.argmax(1) == labels).mean())

        labels, classes = self.dataset.train.labels, self.dataset.class_names
        counts = np.bincount(labels, minlength=len(classes))
        trainer = Trainer(
            network,
            config,
            runs[0],
            self._train,
            self.statistics,
            make_loss(config.training, classes, counts),
            validate,
            self.mesh,
            writers,
        )
        return train_seeds(trainer, runs, progress)

    def evaluate(self, model: str, seed: int, progress: Progress) -> tuple[list[Row], Cost]:
        """Test one network under every condition and measure what it costs."""
        run, predictor = self.run(model, seed), self._predictor(model)
        params, stats = self._weights(run)
        run.write_examples(
            self.dataset.test.ids,
            self.dataset.test.labels,
            self.dataset.class_names,
            self.dataset.test.groups,
        )
        grid = Grid(
            self.dataset.name,
            self.dataset.test,
            self._test,
            self.conditions,
            self.config.evaluation.degradation_seed,
            damages=self._damages,
        )
        rows = grid.evaluate(predictor, params, stats, run, progress)
        if decide(lambda: run.cost() is None):
            run.write_cost(self._cost(run, predictor, params, stats))
        return rows, from_json(Cost, decide(lambda: to_json(run.cost())))

    def write_gallery(self) -> None:
        """Keep a few degraded test images for the report."""
        if not self.workdir.writes:
            return
        seed = self.config.evaluation.degradation_seed
        gallery = make_gallery(self.dataset, self.conditions, seed)
        self.workdir.write_gallery(gallery)

    @cached_property
    def _train(self) -> Placed:
        return self._placed(self.dataset.train)

    @cached_property
    def _validation(self) -> Placed:
        return self._placed(self.dataset.validation)

    @cached_property
    def _test(self) -> Placed:
        return self._placed(self.dataset.test)

    def _placed(self, split: Split) -> Placed:
        settings = self.config.data
        return place(split, self.mesh, settings.residency, settings.device_share)

    def _predictor(self, model: str) -> Predictor:
        if model not in self._predictors:
            self._predictors[model] = Predictor(
                self.network(model),
                self.statistics,
                self.config.evaluation.batch_size,
                self.mesh,
            )
        return self._predictors[model]

    def _weights(self, run: Run) -> tuple[Tree, Tree]:
        folder = run.checkpoints
        params, stats = self.network(run.model).shapes()
        with Checkpoints(folder, read_only=True) as checkpoints:
            steps = checkpoints.steps()
            history = checkpoints.record(steps[0]).history if steps else ()
            if not history:
                raise ValueError(f"{folder} holds no finished epoch; train {run.model} first")
            chosen = history[-1].step
            if self.config.evaluation.checkpoint == "best":
                chosen = best_epoch(history).step
            restored = checkpoints.model(
                chosen, with_sharding({"params": params, "stats": stats}, self.mesh)
            )
        return restored["params"], restored["stats"]

    def _cost(self, run: Run, predictor: Predictor, params: Tree, stats: Tree) -> Cost:
        network, history = predictor.network, run.history()
        runs = self.config.evaluation.latency_runs
        return Cost(
            model=run.model,
            seed=run.seed,
            fold=run.fold,
            image_size=self.dataset.image_size,
            parameters=network.parameter_count(),
            multiply_adds=network.multiply_adds(),
            batch_size=predictor.batch_size,
            timed_runs=runs,
            training_seconds=sum(epoch.seconds for epoch in history),
            training_epochs=len(history),
            training_images_per_second=float(np.median([e.images_per_second for e in history])),
            device=device_name(),
            dtype=self.config.for_model(run.model).model.dtype,
            **forward_cost(predictor, params, stats, runs),
        )

    def _describe(self, network: Network, runs: Sequence[Run], progress: Progress) -> None:
        params, _ = network.shapes()
        overview = parameter_overview.get_parameter_overview(params, include_stats=False)
        for run in runs:
            run.write_text("parameters.txt", overview + "\n")
            run.write_text("model.json", json.dumps(self._recipe(network), indent=1) + "\n")
        blocks = ", ".join(
            f"{name} {parameter_overview.count_parameters(block):,}"
            for name, block in params.items()
        )
        progress.say(f"{network.name}: {network.parameter_count():,} parameters ({blocks})")
        progress.say(describe_optimizer(self.config.for_model(network.name)))

    def _recipe(self, network: Network) -> dict[str, Any]:
        return {
            "model": network.name,
            "class_names": list(self.dataset.class_names),
            "channels": network.channels,
            "image_size": network.image_size,
            "stem": network.stem,
            "dtype": self.config.for_model(network.name).model.dtype,
            "mean": np.asarray(self.statistics[0]).tolist(),
            "std": np.asarray(self.statistics[1]).tolist(),
        }
