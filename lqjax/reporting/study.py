"""Everything a report is made from, read from working directories and checked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from etils import epath

from lqjax.metrics.accuracy import predictions
from lqjax.reporting.conditions import Condition, in_reading_order
from lqjax.rows import Cost, Epoch, Row, read_lines
from lqjax.workdir import Run, Workdir, read_arrays

COMPARED_SETTINGS = ("data", "model", "optimizer", "schedule", "training", "augmentation")
"""Groups of settings that must be equal for two runs to count as repetitions of one model."""


@dataclass(frozen=True)
class Network:
    """One trained network: its rows, predicted classes, history and cost."""

    model: str
    seed: int
    fold: int
    rows: Mapping[str, Row]
    predicted: Mapping[str, np.ndarray]
    history: Sequence[Epoch]
    cost: Cost | None


@dataclass(frozen=True)
class Gallery:
    """Degraded examples: images uint8 (conditions, examples, height, width, channels)."""

    images: np.ndarray
    labels: tuple[str, ...]
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """All runs of a comparison on one test set.

    Attributes:
      networks: per model its runs; models in the configured order.
      conditions: in reading order; not every network need have finished every one.
      labels: true class of each test image.
      class_names: one per class.
      configs, environments: per working directory, by its name; empty where not recorded.
    """

    networks: Mapping[str, Sequence[Network]]
    conditions: tuple[Condition, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    gallery: Gallery | None = None
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

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
    def n(self) -> int:
        """Number of test images."""
        return len(self.labels)

    @cached_property
    def commonest_share(self) -> float:
        """Accuracy of always answering the commonest class of the test images."""
        return float(np.bincount(self.labels).max() / self.n)

    def finished(self, model: str, condition: Condition) -> bool:
        """Tell whether all runs of a model have a row of the condition."""
        return all(condition.name in network.rows for network in self.networks[model])

    def correct(self, model: str, condition: Condition) -> np.ndarray:
        """Return each image's share of runs that classify it correctly: float, (examples,)."""
        hits = [run.predicted[condition.name] == self.labels for run in self.networks[model]]
        return np.mean(hits, axis=0)


def read_study(workdirs: Sequence[Workdir]) -> Study:
    """Read and check all that the working directories hold.

    Raises:
      ValueError: no directory, no finished condition, image sizes, data sets or test images that
        differ, or score files that are missing or of another length.
    """
    if not workdirs:
        raise ValueError("no working directory; a report needs at least one")
    titles = _distinct_titles(workdirs)
    configs = {t: _read_json(w.root / "config.json") for t, w in zip(titles, workdirs, strict=True)}
    runs = [(t, run) for t, w in zip(titles, workdirs, strict=True) for run in w.runs()]
    runs = [(title, run) for title, run in runs if run.rows()]
    for title, workdir in zip(titles, workdirs, strict=True):
        if title not in dict(runs):
            raise ValueError(
                f"{workdir.root}: no finished condition; run --mode=evaluate there first"
            )
    labels, class_names = _shared_examples(runs)
    names = _model_names(runs, configs)
    networks: dict[str, list[Network]] = {name: [] for name in _in_config_order(names, configs)}
    for (_, run), name in zip(runs, names, strict=True):
        networks[name].append(_read_network(run, name, len(labels)))
    rows = [row for found in networks.values() for net in found for row in net.rows.values()]
    _check_one_test(rows)
    gallery, drawn = _read_gallery(workdirs)
    seen = drawn + [row.condition for w in workdirs for row in _read_results(w)]
    patterns = [p for c in configs.values() for p in c.get("evaluation", {}).get("conditions", [])]
    return Study(
        networks=networks,
        conditions=in_reading_order(rows, patterns, seen),
        labels=labels,
        class_names=class_names,
        gallery=gallery,
        configs=configs,
        environments={
            t: _read_json(w.root / "environment.json")
            for t, w in zip(titles, workdirs, strict=True)
        },
    )


def _read_network(run: Run, name: str, n: int) -> Network:
    rows = {row.condition: row for row in run.rows()}
    predicted = {}
    for condition, row in rows.items():
        try:
            logits = run.logits(condition)
        except FileNotFoundError:
            raise ValueError(
                f"{run.root}: the scores of {condition} are missing; delete its row under"
                " conditions/ and run --mode=evaluate again"
            ) from None
        if len(logits) != n or row.n != n:
            raise ValueError(
                f"{run.root}: {len(logits)} scores of {condition} for {n} test images; delete"
                " conditions/ there and run --mode=evaluate again"
            )
        predicted[condition] = predictions(logits).astype(np.int32)
    return Network(name, run.seed, run.fold, rows, predicted, run.history(), run.cost())


def _shared_examples(runs: Sequence[tuple[str, Run]]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels and class names that all runs share, in the same order."""
    first: dict[str, np.ndarray] = {}
    for _, run in runs:
        try:
            examples = run.examples()
        except FileNotFoundError:
            raise ValueError(
                f"{run.root}: examples.npz is missing; run --mode=evaluate again"
            ) from None
        first = first or examples
        if not all(np.array_equal(first[key], examples[key]) for key in ("ids", "labels")):
            raise ValueError(
                f"{runs[0][1].root} and {run.root} were tested on different images; a report"
                " compares runs on the same test split"
            )
    return first["labels"], tuple(str(name) for name in first["classes"])


def _check_one_test(rows: Sequence[Row]) -> None:
    for what, values in (
        ("image sizes", {f"{row.model}: {row.image_size} px" for row in rows}),
        ("data sets", {f"{row.model}: {row.dataset}" for row in rows}),
    ):
        kinds = {value.rpartition(": ")[2] for value in values}
        if len(kinds) > 1:
            raise ValueError(
                f"different {what} ({', '.join(sorted(values))}); a report compares one: give it"
                " the working directories of one at a time"
            )


def _model_names(
    runs: Sequence[tuple[str, Run]], configs: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Name each run's model; one that two directories train differently gets the directory's."""
    recipes: dict[str, set[str]] = {}
    taken = Counter((run.model, run.seed, run.fold) for _, run in runs)
    for title, run in runs:
        recipes.setdefault(run.model, set()).add(_recipe(configs[title], run.model))
    clashing = {run.model for _, run in runs if taken[run.model, run.seed, run.fold] > 1}
    clashing |= {model for model, kinds in recipes.items() if len(kinds) > 1}
    return [f"{run.model} ({title})" if run.model in clashing else run.model for title, run in runs]


def _recipe(config: Mapping[str, Any], model: str) -> str:
    """Write down the settings under which a model was trained, the seed left out."""
    groups = {name: dict(config.get(name, {})) for name in COMPARED_SETTINGS}
    groups["model"].pop("names", None)
    own = config.get("overrides", {}).get(model, {})
    return json.dumps([groups, own], sort_keys=True, default=str)


def _in_config_order(
    names: Sequence[str], configs: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    wanted = [m for c in configs.values() for m in c.get("model", {}).get("names", [])]
    found = list(dict.fromkeys(names))

    def position(name: str) -> int:
        plain = name.partition(" (")[0]
        return wanted.index(plain) if plain in wanted else len(wanted)

    return tuple(sorted(found, key=lambda name: (position(name), found.index(name))))


def _distinct_titles(workdirs: Sequence[Workdir]) -> list[str]:
    """Name the directories by their last part, or in full where two share it."""
    short = Counter(w.root.name for w in workdirs)
    return [w.root.name if short[w.root.name] == 1 else str(w.root) for w in workdirs]


def _read_gallery(workdirs: Sequence[Workdir]) -> tuple[Gallery | None, list[str]]:
    for workdir in workdirs:
        if workdir.gallery.exists():
            arrays = read_arrays(workdir.gallery)
            texts = {k: [str(v) for v in arrays[k]] for k in ("conditions", "labels", "captions")}
            gallery = Gallery(arrays["images"], tuple(texts["labels"]), tuple(texts["captions"]))
            return gallery, texts["conditions"]
    return None, []


def _read_results(workdir: Workdir) -> list[Row]:
    return read_lines(Row, workdir.root / "results.jsonl")


def _read_json(path: epath.Path) -> dict[str, Any]:
    """Read a JSON object; an absent file is an empty one.

    Raises:
      ValueError: not JSON.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON ({error}); repair or delete it") from None
    return found if isinstance(found, dict) else {}
