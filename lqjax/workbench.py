"""One working directory at work: the data on the devices, and what is done to each network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from clu import parameter_overview
from etils import epath
from jax.sharding import Mesh

from lqjax.config import AUTO, Config
from lqjax.costing import measure_cost
from lqjax.damaged import DamagedError
from lqjax.data.batch import Placed
from lqjax.data.checksums import checksums_of
from lqjax.data.loading import describe
from lqjax.data.order import check_batch_size
from lqjax.data.placing import place
from lqjax.data.published import PublishedReader
from lqjax.data.selected import SelectedRows
from lqjax.data.source import SOURCES
from lqjax.data.stock import Stock
from lqjax.distributed import decide, together
from lqjax.evaluation.gallery import make_gallery
from lqjax.evaluation.grid import Grid
from lqjax.evaluation.mistakes import make_mistakes
from lqjax.evaluation.predict import Predictor, as_floats
from lqjax.imaging.conditions import Condition, expand
from lqjax.imaging.damage import Damage
from lqjax.imaging.frost_photographs import (
    frost_photographs,
    no_frost_photographs,
    use_frost_photographs,
)
from lqjax.imaging.keys import example_numbers
from lqjax.imaging.ladders import expand_ladders
from lqjax.imaging.published import PublishedPictures
from lqjax.kept_statistics import (
    FILE_NAME,
    changed_records,
    kept_statistics,
    kept_text,
    statistics_record,
)
from lqjax.manifest_files import known_contents
from lqjax.models.base import MODELS
from lqjax.models.network import Network, build, choose_stem
from lqjax.optim.building import check_optimizer, describe_optimizer
from lqjax.origins import Origin, read_origin, statistics_to_start
from lqjax.outcomes import ReadRow
from lqjax.outdated import put_outdated_aside
from lqjax.progress import Progress
from lqjax.readings.base import Examples, Subject, expand_readings
from lqjax.readings.evaluating import (
    evaluate_reading,
    known_damages,
    refuse_unfit,
    refuse_unread,
)
from lqjax.rows import Cost, Row, from_json, to_json
from lqjax.rungs import Rungs
from lqjax.runtime import environment, make_mesh
from lqjax.same_pictures import keep_or_refuse
from lqjax.training.accumulation import check_accumulation
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.class_weights import class_weights
from lqjax.training.loss import check_loss
from lqjax.training.material import BALANCED, Material
from lqjax.training.plan import make_plan
from lqjax.training.scales import make_scales
from lqjax.training.stages import check_stages, describe_stages
from lqjax.training.state import with_sharding
from lqjax.training.taking_up import check_taking_up, check_testing
from lqjax.training.tested import NothingToTestError, Tested
from lqjax.training.validating import loss_and_accuracy
from lqjax.training.writers.base import check_writers
from lqjax.typing import Dataset, Tree
from lqjax.variants import network_of
from lqjax.workdir import Run, Workdir

FROZEN = "frozen"
"""Choice of `training.batch_norm_statistics`."""


def check_names(config: Config) -> None:
    """Look every name up before anything is loaded or computed.

    Raises:
      ValueError: an unknown model, source, optimiser, schedule, condition or override.
    """
    SOURCES[config.data.source]
    check_writers(config.run.writers)
    expand(config.evaluation.conditions, published=True)
    expand_ladders(config.evaluation.envelopes)
    expand_readings(config.evaluation.readings)
    for model in (*config.model.names, *config.overrides):
        MODELS[model]
        own = config.for_model(model)
        check_optimizer(own)
        check_stages(own, MODELS[model].stages)
        if own.augmentation.degradations:
            expand(own.augmentation.degradations)


def _choose_frost(folder: str) -> None:
    """Let the settings of the run decide, whatever an earlier run in this process used."""
    if folder:
        use_frost_photographs(folder)
    elif frost_photographs():
        no_frost_photographs()


def workbenches(config: Config, workdir: Workdir) -> list[Workbench]:
    """Load the data, and make the workbench of each fold; one where there are no folds.

    They share the images, and what is compiled to test.

    Raises:
      ValueError: the data cannot be used, or a batch does not fit the devices.
    """
    config = dataclasses.replace(config, data=config.data.sized())
    mesh = make_mesh(config.run.devices)
    _choose_frost(config.evaluation.frost_photographs)
    stock = Stock(config.data, mesh, partial(known_contents, workdir))
    predictors: dict[str, Predictor] = {}
    return [Workbench(config, workdir, mesh, stock, fold, predictors) for fold in config.folds]


class Workbench:
    """One fold of a loaded data set, a mesh and a working directory.

    Args:
      config, workdir: the settings, and where everything is kept.
      mesh, stock: the devices, and the images of all folds.
      fold: which fold is tested; 0 without folds.
      predictors: of other folds, by network; is added to.

    Raises:
      ValueError: a batch does not fit the data or the devices.
    """

    def __init__(
        self,
        config: Config,
        workdir: Workdir,
        mesh: Mesh,
        stock: Stock,
        fold: int,
        predictors: dict[str, Predictor],
    ) -> None:
        self.config, self.workdir, self.fold = config, workdir, fold
        self.mesh, self.stock = mesh, stock
        self.dataset: Dataset = stock.datasets[fold]
        # What a run was begun with belongs to its weights; what is fitted anew may differ in a
        # digit, where another version decodes the images.
        self.statistics = (
            kept_statistics(self._all_runs())
            or statistics_to_start(config, self.dataset.channels)
            or stock.statistics(fold)
        )
        self.conditions: tuple[Condition, ...] = expand(
            config.evaluation.conditions, published=True
        )
        names = tuple(condition.name for condition in self.conditions)
        self.rungs = Rungs(names, expand_ladders(config.evaluation.envelopes))
        self.readings = expand_readings(config.evaluation.readings)
        self._predictors = predictors
        self._damages: dict[str, Damage] = {}  # measured once, whatever the network
        self._published = PublishedReader(config.data, config.evaluation.corrupted_dir)
        self._check_sizes()
        wanted = [c.published for c in self.conditions if c.published]
        self._published.check(dict.fromkeys(wanted), self.dataset.test)

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
        refuse_unread(self.readings, [self.network(model) for model in self.config.model.names])
        refuse_unfit(self.readings, self._class_counts, self.dataset.class_names)

    def run(self, model: str, seed: int) -> Run:
        """Name the folder of a network."""
        return dataclasses.replace(
            self.workdir.run(model, seed, self.fold),
            several_seeds=len(self.config.seeds) > 1,
            several_folds=self.config.data.folds > 0,
        )

    def runs(self, network: str) -> list[Run]:
        """Name the folders of all runs of a network: each learning rate with each seed."""
        return [
            self.run(model, seed)
            for model in self.config.variants(network)
            for seed in self.config.seeds
        ]

    def _all_runs(self) -> list[Run]:
        return [run for network in self.config.model.names for run in self.runs(network)]

    def check_fit(self, training: bool) -> None:
        """Refuse a working directory whose checkpoints do not fit; changes nothing there.

        Raises:
          ValueError: as `lqjax.training.taking_up` says.
        """
        classes = self.dataset.class_names
        for model in self.config.model.names:
            config, network = self.config.for_model(model), self.network(model)
            plan = make_plan(config, len(self.dataset.train))
            for run in self.runs(model):
                if training and not decide(run.has_checkpoint):
                    self.origin(run)  # read again when it is its turn
                if training:
                    check_taking_up(run, config, network, self.mesh, classes, plan)
                else:
                    check_testing(run, network, classes)

    def origin(self, run: Run) -> Origin:
        """Read what a run starts from; of several processes all have to ask for it.

        Raises:
          ValueError: as `lqjax.origins.read_origin` says.
        """
        config, network = self.config.for_model(run.model), self.network(run.model)
        return read_origin(config, network, run.seed, self.dataset.class_names)

    def fingerprint(self) -> list[Any]:
        """Sum up which images were loaded, to compare between processes."""
        data = self.dataset
        splits = (data.train, data.validation, data.test)
        return [np.asarray(self.statistics).tolist(), *map(checksums_of, splits)]

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
        ladders = [
            f"operating envelope: {ladder.name}, {len(ladder.levels)} severities"
            for ladder in self.rungs.ladders
        ]
        changed = changed_records(self._all_runs())
        return "\n".join([describe(self.dataset), *ladders, *self._network_notes(), *changed])

    def _network_notes(self) -> list[str]:
        return [note for model in self.config.model.names for note in self.network(model).notes]

    def network(self, model: str) -> Network:
        """Build a network for the data, as the settings of this model say."""
        name, own = network_of(model), self.config.for_model(model).model
        stem = choose_stem(self.dataset.image_size) if own.stem == AUTO else own.stem
        return build(
            name,
            num_classes=self.dataset.num_classes,
            channels=self.dataset.channels,
            image_size=self.dataset.image_size,
            dtype=own.dtype,
            stem=stem,
            dropout=own.dropout,
            zero_init_residual=own.zero_init_residual,
            batch_norm_groups=self.mesh.size if own.batch_norm == "device" else 1,
            remat=own.remat,
            head_layers=own.head_layers,
            batch_norm_frozen=self.config.for_model(model).training.batch_norm_statistics == FROZEN,
        )

    def material(self, config: Config) -> Material:
        """Say what a network is trained on, by its settings, and how it is validated."""
        train, weights = self.dataset.train, self._class_weights(config)
        _, rows = self.stock.training(self.fold)
        scales = make_scales(self.statistics, weights, self.mesh)
        balanced = train.labels if config.training.sampling == BALANCED else None
        validate = partial(self._validate, config.model.names[0])
        return Material(rows, scales, validate, balanced, lambda: self._validation)

    @property
    def _class_counts(self) -> np.ndarray:
        """Count the training images of each class."""
        return np.bincount(self.dataset.train.labels, minlength=self.dataset.num_classes)

    def _class_weights(self, config: Config) -> np.ndarray:
        """Say how much each class counts in the loss of a network."""
        text, classes = config.training.class_weights, self.dataset.class_names
        return class_weights(text, classes, self._class_counts)

    def _validate(self, model: str, params: Tree, stats: Tree) -> tuple[float, float]:
        logits = self._predictor(model).logits(params, stats, self._validation, as_floats)
        labels = self.dataset.validation.labels
        return loss_and_accuracy(logits, labels)

    def evaluate(self, run: Run, progress: Progress) -> tuple[list[Row], Cost, list[ReadRow]]:
        """Test one network under every condition, measure what it costs, and read it otherwise.

        Raises:
          NothingToTestError: no weights of it can be read.
          NotFiniteError: the scores of an image are infinite or NaN.
        """
        predictor = self._predictor(network_of(run.model))
        tested = self._weights(run, progress)
        params, stats = tested.weights["params"], tested.weights["stats"]
        checkpoint = run.checkpoints / str(tested.epoch.step)
        put_outdated_aside(run, tested, progress)
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
            expand(self.rungs.conditions, published=True),
            self.config.evaluation.degradation_seed,
            damages=self._damages,
            published=self._placed,
        )
        rows = grid.evaluate(predictor, params, stats, run, progress, tested.epoch.epoch)
        self._keep_validation(run, predictor, params, stats, progress)
        if not decide(lambda: self._readable(run.is_measured, progress)):
            self._measure_cost(run, predictor, (params, stats), checkpoint)
        others = self._read_otherwise(run, predictor, tested, rows, progress)
        return rows, from_json(Cost, decide(lambda: to_json(run.cost()))), others

    def _read_otherwise(
        self,
        run: Run,
        predictor: Predictor,
        tested: Tested,
        rows: Sequence[Row],
        progress: Progress,
    ) -> list[ReadRow]:
        """Test the same weights with each reading, under the conditions that are no rungs."""
        grid = Grid(
            self.dataset.name,
            self.dataset.test,
            self._test,
            self.conditions,
            self.config.evaluation.degradation_seed,
            damages=known_damages(rows),
            published=self._placed,
        )
        config = self.config.for_model(run.model)
        weights = self._class_weights(config)
        subject = Subject(
            predictor,
            tested.weights["params"],
            tested.weights["stats"],
            train=self._training_examples,
            validation=lambda: Examples(self._validation, self.dataset.validation.labels),
            test_numbers=example_numbers(self.dataset.test.ids),
            class_names=self.dataset.class_names,
            seed=run.seed,
            test_seed=self.config.evaluation.degradation_seed,
            class_weighting=config.training.class_weights,
            class_weights=None if (weights == weights[0]).all() else weights,
        )
        return [
            ReadRow(asked.name, row)
            for asked in self.readings
            for row in evaluate_reading(asked, subject, grid, run, tested, progress)
        ]

    def _training_examples(self) -> Examples:
        images, rows = self.stock.training(self.fold)
        return Examples(SelectedRows(images, rows), self.dataset.train.labels)

    def _placed(self, pictures: PublishedPictures) -> Placed:
        """Read the test images as a published set has them, and put them where batches come from.

        They are read for each network anew: all conditions of a set together need a lot of memory.
        """
        split = together(lambda: self._published.read(pictures, self.dataset.test))
        keep_or_refuse(self.workdir, pictures.text, split)
        data = self.config.data
        return together(lambda: place(split, self.mesh, data.residency, data.device_share))

    def _keep_validation(
        self, run: Run, predictor: Predictor, params: Tree, stats: Tree, progress: Progress
    ) -> None:
        """Keep the scores of the clean validation images, if an earlier call has not."""
        if decide(lambda: self._readable(lambda: run.validation() is not None, progress)):
            return
        logits = predictor.logits(params, stats, self._validation, as_floats)
        split = self.dataset.validation
        run.write_validation(split.ids, split.labels, logits)

    @staticmethod
    def _readable(there: Callable[[], bool], progress: Progress) -> bool:
        """Ask whether something was measured before; what is damaged is measured again."""
        try:
            return there()
        except DamagedError as error:
            progress.say(f"warning: {error.what}; it is written again")
            return False

    def write_pictures(self) -> None:
        """Keep a few degraded test images for the report, and those that mislead the networks.

        The mistakes are those of the first seed of each model, on the images of this fold.
        """
        if not self.workdir.writes or not self.config.evaluation.show_images:
            return
        seed = self.config.evaluation.degradation_seed
        few = partial(self._published.read, keep=False)
        self.workdir.write_gallery(make_gallery(self.dataset, self.conditions, seed, few))
        runs = self._all_runs()
        scores = {
            run.model: {c.name: run.logits(c.name) for c in self.conditions}
            for run in runs
            if run.seed == self.config.seeds[0] and run.divergence() is None
        }
        if not scores:
            return
        mistakes = make_mistakes(self.dataset, self.conditions, scores, seed, few)
        self.workdir.write_mistakes(mistakes)

    @property
    def _validation(self) -> Placed:
        return self.stock.part(self.fold, "validation")

    @property
    def _test(self) -> Placed:
        return self.stock.part(self.fold, "test")

    def _predictor(self, model: str) -> Predictor:
        if model not in self._predictors:
            self._predictors[model] = Predictor(
                self.network(model),
                self.statistics,
                self.config.evaluation.batch_size,
                self.mesh,
            )
        return self._predictors[model].with_statistics(self.statistics)

    def _weights(self, run: Run, progress: Progress) -> Tested:
        """Read params and stats of the checkpoint that is tested."""
        params, stats = self.network(run.model).shapes()
        wanted = with_sharding({"params": params, "stats": stats}, self.mesh)
        with Checkpoints(run.checkpoints, say=progress.say) as checkpoints:
            found = checkpoints.tested(self.config.evaluation.checkpoint, wanted)
            left = found is not None or decide(checkpoints.steps)
        if found is not None:
            return found
        if left:
            raise NothingToTestError(
                f"{run.checkpoints} holds no finished epoch that can be read; train {run.model}"
                " first (--mode=train)"
            )
        raise NothingToTestError(
            f"{run.checkpoints} holds no checkpoint that can be read; delete {run.root} to train"
            f" {run.model} again"
        )

    def _measure_cost(
        self, run: Run, predictor: Predictor, weights: tuple[Tree, Tree], checkpoint: epath.Path
    ) -> None:
        """Keep what a run costs; the record is written last, so that it means finished."""
        config = self.config.for_model(run.model)
        measured = measure_cost(run, predictor, weights, checkpoint, config)
        run.write_layers(predictor.network.layers())
        run.write_throughputs(measured.throughputs)
        run.write_cost(measured.cost)

    def write_recipes(self, model: str) -> None:
        """Keep with each run of a network what its weights belong to."""
        network = self.network(model)
        params, _ = network.shapes()
        overview = parameter_overview.get_parameter_overview(params, include_stats=False)
        for run in self.runs(model):
            run.write_text("parameters.txt", overview + "\n")
            run.write_text(FILE_NAME, kept_text(self._recipe(network)))

    def describe_network(self, model: str) -> list[str]:
        """Say how large a network is and what trains it, for the screen."""
        network = self.network(model)
        blocks = ", ".join(
            f"{name} {parameter_overview.count_parameters({name: block}):,}"
            for name, block in network.shapes()[0].items()
        )
        variants = [self.config.for_model(name) for name in self.config.variants(model)]
        return [
            f"{network.name}: {network.parameter_count():,} parameters ({blocks})",
            describe_optimizer(*variants),
            *describe_stages(network, variants[0]),
        ]

    def _recipe(self, network: Network) -> dict[str, Any]:
        return {
            "model": network.name,
            "class_names": list(self.dataset.class_names),
            "channels": network.channels,
            "image_size": network.image_size,
            "stem": network.stem,
            "head_layers": list(self.config.for_model(network.name).model.head_layers),
            "dtype": self.config.for_model(network.name).model.dtype,
            **statistics_record(self.statistics),
        }
