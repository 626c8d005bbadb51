"""How a report came about: data, seeds, settings, environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lqjax.reporting.document import Block, Facts, Fold, Table, TableRow, Text
from lqjax.reporting.formatting import enumeration, plural
from lqjax.reporting.study import Study

SPLITS = (("train", "training"), ("validation", "validation"), ("test", "test"))
DEGRADATION_SEED = "degradation_seed"
MOST_SKIPPED = 200
MOST_CLASSES = 40
RUNTIME_FACTS = (
    ("device", "device"),
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
        yield Text(str(note))
    skipped = list(data.get("skipped") or [])
    if skipped:
        yield _skipped(skipped)
    yield from _runtimes(study)
    for title, config in study.configs.items():
        if config:
            yield _settings(title if len(study.configs) > 1 else "", config)


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
    seeds = {
        _mapping(c.get("evaluation")).get(DEGRADATION_SEED) for c in study.configs.values()
    } - {None}
    if seeds:
        yield "seed of the degradations", ", ".join(str(s) for s in sorted(seeds, key=str))


def _runs(study: Study, model: str) -> str:
    runs = study.networks[model]
    seeds = ", ".join(str(run.seed) for run in runs)
    return f"{model}: seed {seeds}" if len(runs) == 1 else f"{model}: seeds {seeds}"


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
    return Fold(heading, (Table("", ("setting", "value"), rows, labels=2),))


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
