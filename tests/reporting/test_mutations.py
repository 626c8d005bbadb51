"""Damaged results and predictions end a report in one line that names the file, never in a trace.

`tests.reporting.mutations` damages them, 200 times each, from fixed seeds.
"""

import csv
import json

import pytest

from lqjax.cli import _is_for_users
from lqjax.reporting.opening import opened_study
from lqjax.reporting.report import write_report
from lqjax.workdir import Workdir
from tests.reporting.conftest import build
from tests.reporting.mutations import mutated
from tests.reporting.test_predictions import TWO, lines_of

TIMES = 200
SEED = 987654
TWO_OF_ONE = "a report compares one"
"""A number or a name that another could have as well: what is said is that two runs have two."""

WRITTEN = 1
"""Reports that are written to the end of those that a mutation leaves possible."""


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    made = build(
        tmp_path_factory.mktemp("mutations") / "run", conditions=TWO, gallery=False, n=9,
        names=["ant", "bee", "cat"],
    )  # fmt: skip
    made.write_rows([row for run in made.runs() for row in run.rows()])
    return made


@pytest.fixture(scope="module")
def predictions(workdir, tmp_path_factory):
    """Write the scores of one of our networks as those of other code, as CSV and as JSONL."""
    folder = tmp_path_factory.mktemp("predictions")
    found = list(lines_of(workdir.runs()[0]))
    with (folder / "mine.csv").open("w", newline="") as file:
        names = [*found[0][0], "seed", *(f"score_{name}" for name in found[0][1])]
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for line, scores in found:
            numbers = {f"score_{name}": round(value, 4) for name, value in scores.items()}
            writer.writerow({**line, "seed": SEED, **numbers})
    records = [
        {**{k: str(v) for k, v in line.items()}, "seed": SEED, "scores": list(scores.values())}
        for line, scores in found
    ]
    (folder / "mine.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    return folder


def outcomes(path, workdir, files=()):
    """Damage a file again and again; return the messages, after checking each."""
    whole, said, possible = path.read_bytes(), [], 0
    try:
        for seed in range(TIMES):
            path.write_bytes(mutated(whole, seed))
            try:
                with opened_study([workdir], files):
                    pass
                if possible < WRITTEN and path.read_bytes() != whole:
                    possible += 1
                    write_report([workdir], files)
            except ValueError as error:
                message = str(error)
                assert _is_for_users(error), f"mutation {seed}: {error!r}"
                assert len(message.splitlines()) == 1 and message.isprintable(), seed
                assert path.name in message or TWO_OF_ONE in message, (seed, message)
                said.append(message)
            except Exception as error:
                raise AssertionError(f"mutation {seed} of {path.name}: {error!r}") from error
    finally:
        path.write_bytes(whole)
    return said


@pytest.mark.slow
def test_results(workdir):
    said = outcomes(workdir.root / "results.jsonl", workdir)
    assert len(said) > TIMES / 4
    assert all(f"--mode=evaluate --workdir={workdir.root} writes it again" in s for s in said)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".npz", ".json"])
def test_conditions(ending, workdir):
    files = sorted((workdir.runs()[0].root / "conditions").glob(f"*{ending}"))
    assert len(files) == len(TWO)
    said = outcomes(files[0], workdir)
    assert len(said) > TIMES / 2
    assert all("--mode=evaluate --workdir=" in m or TWO_OF_ONE in m for m in said)


@pytest.mark.parametrize("name", ["mine.csv", "mine.jsonl"])
def test_predictions(name, workdir, predictions):
    path = predictions / name
    said = outcomes(path, workdir, [path])
    assert len(said) > TIMES / 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mine.csv", "mine.jsonl"])
def test_predictions_alone(name, predictions, tmp_path):
    path = tmp_path / name
    text = (predictions / name).read_text().replace("seed", "image_size")
    path.write_text(text.replace(f"{SEED}", "64"))
    said = outcomes(path, Workdir.at(tmp_path / "new"), [path])
    assert len(said) > TIMES / 4
