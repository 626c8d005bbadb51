"""Everything a report is made from, read from working directories and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from lqjax.answer_files import read_predicted
from lqjax.metrics.confusion import confusion_matrix
from lqjax.reporting.conditions import Condition, in_reading_order
from lqjax.reporting.external.runs import ExternalRun
from lqjax.reporting.folders import finished_runs, refuse_twice
from lqjax.reporting.given import Given
from lqjax.reporting.ladder_reading import read_rungs
from lqjax.reporting.model_names import in_config_order, model_names
from lqjax.reporting.pictures import Gallery, Mistake, read_gallery, read_mistakes, who_withholds
from lqjax.reporting.plans import Plan, read_plans
from lqjax.reporting.read_otherwise import ReadOtherwise, read_readings
from lqjax.reporting.recorded import read_config, read_environment
from lqjax.reporting.scores import Scores
from lqjax.reporting.tested import Tested, read_tested
from lqjax.rows import Cost, Divergence, Epoch, Layer, Row, Throughput, read_lines
from lqjax.rungs import ConditionLadder
from lqjax.textlists import enumeration
from lqjax.workdir import Run, Workdir


@dataclass(frozen=True)
class Network:
    """One trained network: its rows, predicted classes, history, cost and layers.

    Attributes:
      scores: where its scores are kept; `None` where nothing but its answers is.
      readings: what the same weights answered when they were read otherwise.
    """

    model: str
    seed: int
    fold: int
    rows: Mapping[str, Row]
    predicted: Mapping[str, np.ndarray]
    history: Sequence[Epoch]
    cost: Cost | None
    throughputs: Sequence[Throughput] = ()
    layers: Sequence[Layer] = ()
    scores: Scores | None = None
    readings: tuple[ReadOtherwise, ...] = ()


@dataclass(frozen=True)
class Study:
    """All runs of a comparison on one test set.

    Attributes:
      networks: per model its runs; models in the configured order.
      conditions: in reading order; not every network need have finished every one.
      tested: the test images, fold by fold where there are folds.
      withheld_by: working directories by which no test image may be shown.
      configs, environments: per working directory, by its name; empty where not recorded.
      sources: of models of other code, the file that their predictions were read from.
      ladders: degradations that were tested at many severities.
      rungs: conditions that were tested for a ladder only; they are not among `conditions`.
      given: what the report was asked for.
      diverged: runs that ended so among several learning rates, by the names that models have here.
      plans: what the settings of working directories ask for, tested or not.
    """

    networks: Mapping[str, Sequence[Network]]
    conditions: tuple[Condition, ...]
    tested: Tested
    gallery: Gallery | None = None
    mistakes: tuple[Mistake, ...] = ()
    withheld_by: tuple[str, ...] = ()
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    ladders: tuple[ConditionLadder, ...] = ()
    rungs: tuple[Condition, ...] = ()
    given: Given = Given()
    diverged: tuple[Divergence, ...] = ()
    plans: tuple[Plan, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the compared models."""
        return tuple(self.networks)

    @property
    def all_networks(self) -> list[Network]:
        """All runs of all models."""
        return [network for runs in self.networks.values() for network in runs]

    @property
    def rows(self) -> list[Row]:
        """All rows: by model and run, conditions in reading order."""
        return [
            replace(network.rows[c.name], model=network.model)
            for network in self.all_networks
            for c in self.conditions
            if c.name in network.rows
        ]

    @cached_property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.rows[0].dataset

    @property
    def image_size(self) -> int:
        """Side of the network input in pixels."""
        return self.rows[0].image_size

    @property
    def labels(self) -> np.ndarray:
        """True class of each test image, fold after fold."""
        return self.tested.labels

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.tested.class_names

    @property
    def n(self) -> int:
        """Number of test images, over all folds."""
        return len(self.labels)

    @property
    def folds(self) -> int:
        """Number of folds; 1 where there is no cross-validation."""
        return len(self.tested.rows)

    @cached_property
    def groups(self) -> np.ndarray | None:
        """Per test image what belongs together; `None` if unknown, or if all belong together."""
        groups = self.tested.groups
        return groups if groups is not None and len(np.unique(groups)) > 1 else None

    @cached_property
    def commonest_share(self) -> float:
        """Accuracy of always answering the commonest class of the test images."""
        return float(np.bincount(self.labels).max() / self.n)

    def finished(self, model: str, condition: Condition) -> bool:
        """Tell whether a model has a row of the condition for each of its seeds in every fold."""
        runs = self.networks[model]
        there = {(run.seed, run.fold) for run in runs if condition.name in run.rows}
        return there == {(run.seed, fold) for run in runs for fold in self.tested.rows}

    def correct(self, model: str, condition: Condition) -> np.ndarray:
        """Return each image's share of seeds that classify it correctly: float, (examples,)."""
        total, seeds = np.zeros(self.n), {run.seed for run in self.networks[model]}
        for run in self.networks[model]:
            rows = self.tested.rows[run.fold]
            total[rows] += run.predicted[condition.name] == self.labels[rows]
        return total / len(seeds)

    def by_fold(self, by_image: np.ndarray) -> np.ndarray:
        """Return the mean over the images of each fold: (examples, ...) -> (folds, ...)."""
        return np.stack([by_image[rows].mean(axis=0) for rows in self.tested.rows.values()])

    def confusion(self, model: str, condition: Condition) -> np.ndarray:
        """Count by true (row) and predicted class, over all runs of a model."""
        return sum(
            confusion_matrix(
                self.labels[self.tested.rows[run.fold]],
                run.predicted[condition.name],
                len(self.class_names),
            )
            for run in self.networks[model]
        )  # type: ignore[return-value]


def read_study(workdirs: Sequence[Workdir], external: Sequence[ExternalRun] = ()) -> Study:
    """Read and check all that the working directories hold.

    Args:
      external: runs of other code on the same test images; none of them needs a directory.

    Raises:
      ValueError: no directory, no finished condition, or image sizes, data sets or test images that
        differ.
      DamagedError: a file is missing, cannot be read, or does not fit the others.
    """
    if not workdirs and not external:
        raise ValueError("no working directory; a report needs at least one")
    refuse_twice(workdirs)
    titles = _distinct_titles(workdirs)
    configs = {t: read_config(w) for t, w in zip(titles, workdirs, strict=True)}
    runs = [(t, run) for t, w in zip(titles, workdirs, strict=True) for run in finished_runs(w)]
    runs += [(found.title, found.run) for found in external]
    tested = read_tested([run for _, run in runs])
    ended = [
        (title, run, found)
        for title, workdir in zip(titles, workdirs, strict=True)
        for run in workdir.runs()
        if (found := run.divergence()) is not None
    ]
    names = model_names([*runs, *((title, run) for title, run, _ in ended)], configs)
    names, diverged = names[: len(runs)], names[len(runs) :]
    networks: dict[str, list[Network]] = {name: [] for name in in_config_order(names, configs)}
    rows: list[tuple[str, Row]] = []
    for (title, run), name in zip(runs, names, strict=True):
        labels = tested.labels[tested.rows[run.fold]]
        network = _read_network(run, name, labels, len(tested.class_names))
        networks[name].append(network)
        rows += [(title, row) for row in network.rows.values()]
    names_here = {(title, run.model): name for (title, run), name in zip(runs, names, strict=True)}
    ended_here = {
        (title, run.model): name for (title, run, _), name in zip(ended, diverged, strict=True)
    }
    _check_one_test(rows)
    withheld_by = who_withholds(workdirs, configs)
    gallery, drawn = (None, []) if withheld_by else read_gallery(workdirs)
    seen = drawn + [row.condition for w in workdirs for row in _read_results(w)]
    patterns = [p for c in configs.values() for p in c.get("evaluation", {}).get("conditions", [])]
    ordered = in_reading_order([row for _, row in rows], patterns, seen)
    tested_on = read_rungs(workdirs, list(configs.values()))
    return Study(
        networks=networks,
        conditions=tuple(c for c in ordered if c.name not in tested_on.apart),
        tested=tested,
        gallery=gallery,
        mistakes=() if withheld_by else read_mistakes(workdirs, configs, names_here),
        withheld_by=withheld_by,
        configs=configs,
        environments={t: read_environment(w) for t, w in zip(titles, workdirs, strict=True)},
        sources={
            name: title
            for (title, _), name in zip(runs, names, strict=True)
            if title not in configs
        },
        ladders=tested_on.ladders,
        rungs=tuple(c for c in ordered if c.name in tested_on.apart),
        diverged=tuple(
            replace(found, model=name) for (_, _, found), name in zip(ended, diverged, strict=True)
        ),
        plans=read_plans(workdirs, configs, {**ended_here, **names_here}),
    )


def _read_network(run: Run, name: str, labels: np.ndarray, classes: int) -> Network:
    rows = {row.condition: row for row in run.rows()}
    predicted = {c: read_predicted(run, row, labels, classes) for c, row in rows.items()}
    return Network(
        name,
        run.seed,
        run.fold,
        rows,
        predicted,
        run.history(),
        run.cost(),
        run.throughputs(),
        run.layers(),
        run,
        read_readings(run, labels, classes),
    )


def _check_one_test(rows: Sequence[tuple[str, Row]]) -> None:
    """Refuse to mix sizes or data sets; rows come with the name of their working directory."""
    several = len({title for title, _ in rows}) > 1
    found: dict[str, dict[str, dict[str, None]]] = {"image sizes": {}, "data sets": {}}
    for title, row in rows:
        owner = title if several else row.model
        for what, value in (("image sizes", f"{row.image_size} px"), ("data sets", row.dataset)):
            found[what].setdefault(value, {})[owner] = None
    for what, owners in found.items():
        if len(owners) > 1:
            listed = "; ".join(f"{value} in {enumeration(list(w))}" for value, w in owners.items())
            raise ValueError(
                f"different {what} ({listed}); a report compares one: give it the working"
                " directories of one at a time"
            )


def _distinct_titles(workdirs: Sequence[Workdir]) -> list[str]:
    """Name the directories by their last part, or in full where two share it."""
    short = Counter(w.root.name for w in workdirs)
    return [w.root.name if short[w.root.name] == 1 else str(w.root) for w in workdirs]


def _read_results(workdir: Workdir) -> list[Row]:
    repair = f"--mode=evaluate --workdir={workdir.root} writes it again"
    return read_lines(Row, workdir.root / "results.jsonl", repair)
