"""Commands that compute all this once more."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from lqjax.reporting.study import Study

PROGRAM = "lqjax"
BUCKET, SCHEME = "gs://", "://"
BUCKET_COPY, COPY = "gcloud storage cp", "cp"


def commands(study: Study) -> Iterator[tuple[str, str]]:
    """Yield what can be done, and how; a copy of config.json is all that it needs."""
    places = dict(zip(study.configs, study.given.workdirs, strict=False))
    recorded = [title for title, config in study.configs.items() if config]
    for title in recorded:
        term = f"to repeat {title}" if len(recorded) > 1 else "to repeat"
        yield term, _repeat(title, places.get(title, title))
    if len(study.configs) > 1 or study.sources:
        yield "to write this report", _report(study)


def _repeat(title: str, place: str) -> str:
    # What lies in a bucket is repeated here.
    copy = shlex.quote(f"{title if SCHEME in place else place}-again")
    copies = BUCKET_COPY if place.startswith(BUCKET) else COPY
    config = shlex.quote(f"{place}/config.json")
    return f"mkdir {copy} && {copies} {config} {copy}/ && {PROGRAM} --workdir={copy}"


def _report(study: Study) -> str:
    places = study.given.workdirs or tuple(study.configs)
    files = study.given.predictions or tuple(dict.fromkeys(study.sources.values()))
    command = f"{PROGRAM} --mode=report --workdir={shlex.quote(','.join(places))}"
    return f"{command} --predictions={shlex.quote(','.join(files))}" if files else command
