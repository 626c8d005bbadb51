"""How a report came about: data, seeds, settings, environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lqjax.reporting.commands import commands
from lqjax.reporting.document import Block, Commands, Facts, Fold, Table, TableRow, Text
from lqjax.reporting.formatting import as_sentence, plural
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

SPLITS = (("train", "training"), ("validation", "validation"), ("test", "test"))
DEGRADATION_SEED = "degradation_seed"
MOST_SKIPPED = 200
MOST_CLASSES = 40
CHECKPOINTS = {
    "best": "of the epoch that is best by validation",
    "latest": "of the last epoch",
}
RUNTIME_FACTS = (
    ("device", "device"),
    ("devices", "devices"),
    ("processes", "processes"),
    ("backend", "backend"),
    ("platform", "platform"),
    ("python", "Python"),
    ("git_revision", "git revision"),
)


def provenance(study: Study) -> Iterator[Block]:
    """Yield the blocks of the last section; what was not recorded is left out."""
    environment = _first(study.environments)
    data = _mapping(environment.get("dataset"))
    yield Facts(tuple(_data_facts(study, data)))
    for note in data.get("notes") or []:
        yield Text(as_sentence(str(note)))
    skipped = list(data.get("skipped") or [])
    if skipped:
        yield _skipped(skipped)
    if study.sources:
        yield Text(_sources(study))
    yield from _runtimes(study)
    again = tuple(commands(study))
    if again:
        yield Commands(again)
    for title, config in study.configs.items():
        if config:
            yield _settings(title if len(study.configs) > 1 else "", config)


def _sources(study: Study) -> str:
    """Say which models are of other code, and where their predictions came from."""
    listed = enumeration([f"{model} ({file})" for model, file in study.sources.items()])
    return (
        f"Predictions of other code, read from files: {listed}. How these models were trained, what"
        " they cost and whether they saw the same degraded images is not recorded here."
    )


def _runtimes(study: Study) -> Iterator[Block]:
    """Yield device, platform and versions, once where all working directories share them."""
    distinct: dict[tuple, list[str]] = {}
    for title, environment in study.environments.items():
        facts = [(name, str(environment[k])) for k, name in RUNTIME_FACTS if environment.get(k)]
        packages = _mapping(environment.get("packages"))
        if packages:
            facts.append(("versions", ", ".join(f"{k} {v}" for k, v in packages.items())))
        if facts:
            distinct.setdefault(tuple(facts), []).append(title)
    for facts_of, titles in distinct.items():
        if len(distinct) > 1:
            yield Text(f"Environment of {enumeration(titles)}:")
        yield Facts(facts_of)


def _data_facts(study: Study, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "data set", str(data.get("name") or study.dataset)
    counts = [f"{int(data[key]):,} {name}" for key, name in SPLITS if _is_count(data.get(key))]
    yield "images", enumeration(counts) if counts else f"{study.n:,} test"
    yield "image size", f"{study.image_size} px"
    names = study.class_names
    shown = ", ".join(names[:MOST_CLASSES]) + (", ..." if len(names) > MOST_CLASSES else "")
    yield f"{len(names):,} classes", shown
    if data.get("credit"):
        yield "credit", str(data["credit"])
    yield "runs", "; ".join(_runs(study, model) for model in study.models)
    if study.folds > 1:
        yield "protocol", f"{study.folds}-fold cross-validation"
    settings = [_mapping(config.get("evaluation")) for config in study.configs.values()]
    weights = {CHECKPOINTS.get(str(found.get("checkpoint")), "") for found in settings} - {""}
    if weights:
        yield "weights tested", "; ".join(sorted(weights))
    seeds = {
        _mapping(c.get("evaluation")).get(DEGRADATION_SEED) for c in study.configs.values()
    } - {None}
    if seeds:
        yield "seed of the degradations", ", ".join(str(s) for s in sorted(seeds, key=str))


def _runs(study: Study, model: str) -> str:
    seeds = sorted({run.seed for run in study.networks[model]})
    return f"{model}: seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"


def _skipped(skipped: list) -> Fold:
    pairs = [(str(entry[0]), str(entry[1])) for entry in skipped[:MOST_SKIPPED]]
    rest = len(skipped) - len(pairs)
    rows = tuple(TableRow(pair) for pair in pairs)
    more = (Text(f"and {rest:,} more"),) if rest else ()
    title = f"{plural(len(skipped), 'file')} left out"
    return Fold(title, (Table("", ("file", "reason"), rows, labels=2), *more))


def _settings(title: str, config: Mapping[str, Any]) -> Fold:
    rows = tuple(TableRow((path, value)) for path, value in _flat(config))
    heading = f"All settings{f' of {title}' if title else ''}"
    return Fold(heading, (Table("", ("setting", "value"), rows, labels=2),), "config.json")


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", ", ".join(str(item) for item in value) or "(none)"
        else:
            yield f"{prefix}{key}", str(value) if value != "" else "(empty)"


def _first(environments: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((found for found in environments.values() if found), {})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
