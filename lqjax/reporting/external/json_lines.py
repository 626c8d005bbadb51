"""Predictions in JSONL: one object a line; read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from lqjax.damaged import brief
from lqjax.registry import nearest_first
from lqjax.reporting.external.answer import (
    KINDS,
    OPTIONAL,
    REQUIRED,
    Answer,
    Scores,
    check_writable,
    make_answer,
)

ALLOWED = (*REQUIRED, *OPTIONAL, *KINDS.values())


def json_answers(file: TextIO, name: str) -> Iterator[Answer]:
    """Yield the answers of an open JSONL file.

    Args:
      name: of the file, for messages.

    Raises:
      ValueError: a line that is no JSON object, a field that is unknown or of a wrong kind, or
        what `make_answer` refuses.
    """
    empty = True
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        empty = False
        place = f"{name}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:  # also a number of thousands of digits
            raise ValueError(
                f"{place}: not JSON ({brief(str(error))}); each line is one object"
            ) from None
        if not isinstance(record, dict):
            raise ValueError(f"{place}: {type(record).__name__} in place of an object {{...}}")
        yield _answer(place, record)
    if empty:
        raise ValueError(f"{name} is empty; each line is one answer")


def _answer(place: str, record: Mapping[str, Any]) -> Answer:
    for field in record:
        if field not in ALLOWED:
            listing = ", ".join(nearest_first(field, ALLOWED))
            raise ValueError(f"{place}: unknown field {field!r}; allowed: {listing}")
    given = {k: n for k, n in KINDS.items() if record.get(n) is not None}
    if len(given) > 1:
        raise ValueError(f"{place}: scores and probabilities; keep one of the two")
    scores = None
    for kind, field in given.items():
        scores = _scores(place, kind, field, record[field])
    texts = {n: _text(place, n, record.get(n)) for n in (*REQUIRED, *OPTIONAL)}
    return make_answer(place, texts, scores)


def _scores(place: str, kind: str, field: str, value: Any) -> Scores:
    if isinstance(value, dict):
        for name in value:
            check_writable(place, f"{kind} of", name)
        return Scores(kind, tuple(value), list(value.values()))
    if isinstance(value, list):
        return Scores(kind, None, value)
    raise ValueError(
        f"{place}: {field} is {str(value)[:40]!r}; allowed: a list in the order of the classes, or"
        " an object {class: number}"
    )


def _text(place: str, name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"{place}: {name} is {value!r}; allowed: a text or a whole number")
    return str(value).strip()
