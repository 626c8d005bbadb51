"""A damaged file of a run: reports name it and its repair, an evaluation computes it again."""

import io
import os
import zipfile

import numpy as np
import pytest
from etils import epath

import lqjax
from lqjax.array_files import read_arrays, write_arrays
from lqjax.cli import main
from lqjax.damaged import DamagedError
from lqjax.evaluation.grid import Grid
from lqjax.reporting.report import write_report
from lqjax.rows import Epoch, Row, read_lines, write_lines
from lqjax.workdir import Workdir
from tests.evaluation.test_grid import CONDITIONS, rows
from tests.evaluation.test_grid import data as grid_data
from tests.reporting.conftest import build
from tests.reporting.test_predictions import TWO
from tests.test_learning_rates import SMALL
from tests.training.test_seeds import Said

pytestmark = pytest.mark.usefixtures("undrawn_figures")

data = grid_data
IMAGES, CLASSES = 12, 3


class Spy:
    """Writes a file where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def packed(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def archived(**members):
    """Pack bytes as they are under the names of arrays."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def one_array(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


GOOD = np.eye(CLASSES, dtype=np.float32)[np.arange(IMAGES) % CLASSES]
DAMAGES = {
    "empty": (b"", "it is empty"),
    "no archive": (b"nothing that is known", "not a zip file"),
    "a bare array": (one_array(GOOD), "not a zip file"),
    "cut off": (packed(logits=GOOD)[:-30], "not a zip file"),
    "altered": (packed(logits=GOOD)[:60] + b"\x00" + packed(logits=GOOD)[61:], "is damaged ("),
    "a header of nothing": (archived(logits=b"\x93NUMPY\x01\x00"), "is damaged ("),
    "other arrays": (packed(scores=GOOD), "it holds no logits"),
    "too few": (packed(logits=GOOD[:-1]), "shape (11, 3), expected (12, 3)"),
    "one class less": (packed(logits=GOOD[:, :2]), "shape (12, 2), expected (12, 3)"),
    "one dimension": (packed(logits=GOOD[:, 0]), "shape (12,), expected (12, 3)"),
    "whole numbers": (packed(logits=GOOD.astype(int)), "logits of type int64"),
    "texts": (packed(logits=GOOD.astype(str)), "logits of type <U"),
    "not finite": (packed(logits=np.where(GOOD > 0, np.nan, GOOD)), "scores that are not finite"),
    "another network's": (packed(logits=np.roll(GOOD, 1, axis=1)), "0 right answers, "),
    "classes alone": (packed(predicted=np.arange(IMAGES) % CLASSES), "its row has a loss"),
}


@pytest.fixture
def workdir(tmp_path):
    made = build(
        tmp_path / "run", conditions=TWO, gallery=False, n=IMAGES, names=["ant", "bee", "cat"]
    )
    made.write_rows([row for run in made.runs() for row in run.rows()])
    return made


def refused(workdir, path, words, capsys):
    """Ask for a report and for advice; both end in the same line."""
    for mode in ("report", "advise"):
        assert main([f"--mode={mode}", f"--workdir={workdir.root}"]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith(f"lqjax: {path}") and words in line, line
        assert f"--workdir={workdir.root}" in line
    assert not workdir.report.exists()


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_scores_are_named(name, workdir, capsys):
    content, words = DAMAGES[name]
    path = workdir.runs()[0].answers_path("clean")
    path.write_bytes(content)
    refused(workdir, path, words, capsys)


def test_objects_are_never_unpickled(workdir, tmp_path, capsys):
    path, made = workdir.runs()[0].answers_path("clean"), tmp_path / "unpickled"
    objects = np.array([Spy(made)] * IMAGES, dtype=object)
    for content in (packed(logits=objects), packed(logits=GOOD, other=objects)):
        path.write_bytes(content)
        refused(workdir, path, "Object arrays cannot be loaded", capsys)
    assert not made.exists()
    assert np.load(path, allow_pickle=True)["other"] is not None and made.exists(), "it is a trap"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("conditions/clean-f1b0ad49.json", b"", "not a Row record"),
        ("conditions/clean-f1b0ad49.json", b'{"model": 3}', "model is 3"),
        ("conditions/clean-f1b0ad49.json", b"[1, 2]", "list in place of an object"),
        ("conditions/clean-f1b0ad49.json", b"\xff\xfe", "not UTF-8"),
        ("examples.npz", b"", "it is empty"),
        ("examples.npz", packed(ids=np.arange(3)), "it holds no labels"),
        ("validation.npz", packed(labels=np.zeros(3)), "it holds no logits"),
        ("history.jsonl", b'{"model"', "line 1, is damaged (not a Epoch record"),
        ("cost.json", b"null", "NoneType in place of an object"),
        ("layers.jsonl", b"{}", "line 1, is damaged"),
        ("throughput.jsonl", b"\n\n[", "line 3, is damaged"),
    ],
)
def test_other_damaged_files_of_a_run_are_named(name, content, words, workdir, capsys):
    path = workdir.runs()[0].root / name
    path.write_bytes(content)
    assert main(["--mode=report", f"--workdir={workdir.root}"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"lqjax: {path}") and words in line, line
    assert "--mode=" in line


def test_a_damaged_line_of_the_results_is_named(workdir, capsys):
    path = workdir.root / "results.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], lines[2][:40]]))
    refused(workdir, path, "line 3, is damaged (not a Row record", capsys)


@pytest.mark.parametrize("name", ["gallery.npz", "mistakes.npz"])
@pytest.mark.parametrize("content", [b"", packed(images=np.zeros((2, 3, 4, 4, 1), np.uint8))])
def test_damaged_pictures_are_named(name, content, workdir, capsys):
    path = workdir.root / name
    path.write_bytes(content)
    refused(workdir, path, "is damaged (i", capsys)


def test_a_line_separator_within_a_text_ends_no_record(tmp_path):
    # Python ends lines there, JSON does not.
    first = build(tmp_path / "run", conditions=TWO, gallery=False, n=6).runs()[0].rows()[0]
    row = Row(**{**vars(first), "label": "a\u2028b\x85c"})
    write_lines([row, row], tmp_path / "rows.jsonl")
    assert read_lines(Row, tmp_path / "rows.jsonl") == [row, row]


def test_arrays_come_back_as_they_were(tmp_path):
    path = epath.Path(tmp_path / "arrays.npz")
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.array(["x", "yé"]), "c": np.zeros((0, 2))}
    write_arrays(path, **arrays)
    found = read_arrays(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("harm", ["scores", "row", "swapped", "gone"])
def test_an_evaluation_computes_a_damaged_condition_again(harm, data, tmp_path, monkeypatch):
    whole, run = rows(data, tmp_path)
    path = run.answers_path(CONDITIONS[1])
    kept = path.read_bytes()
    if harm == "scores":
        path.write_bytes(kept[: len(kept) // 2])
    elif harm == "row":
        path.with_suffix(".json").write_text("{")
    elif harm == "swapped":
        path.write_bytes(run.answers_path(CONDITIONS[0]).read_bytes())
    else:
        path.unlink()
    computed, said = [], Said()
    original = Grid._prepare
    monkeypatch.setattr(
        Grid, "_prepare", lambda self, c, r: computed.append(c.name) or original(self, c, r)
    )
    monkeypatch.setattr("tests.evaluation.test_grid.Progress", lambda: said)
    again, _ = rows(data, tmp_path)
    assert computed == [CONDITIONS[1]]
    assert again == whole
    np.testing.assert_array_equal(read_arrays(path)["logits"].shape, (len(data), 4))
    (warning,) = said.lines
    assert warning.startswith(f"warning: {path.parent}/") and "is tested under" in warning
    said.lines.clear()
    rows(data, tmp_path)
    assert not said.lines, "it was mended"


@pytest.mark.slow
def test_an_evaluation_writes_the_other_files_of_a_run_again(small_networks, tmp_path):
    before = lqjax.compare(workdir=tmp_path, **SMALL)
    folder = Workdir.at(tmp_path).runs()[0].root
    whole = {name: (folder / name).read_bytes() for name in ("examples.npz", "validation.npz")}
    for name in (*whole, "cost.json", "layers.jsonl"):
        (folder / name).write_bytes((folder / name).read_bytes()[:-20])
    with pytest.raises(DamagedError):
        lqjax.report(tmp_path)
    said = Said()
    again = lqjax.evaluate(workdir=tmp_path, progress=said)
    assert again.rows == before.rows
    for name, content in whole.items():
        assert read_arrays(folder / name).keys() == np.load(io.BytesIO(content)).keys()
    warnings = [line for line in said.lines if line.startswith("warning")]
    assert all(line.endswith("; it is written again") for line in warnings)
    assert [any(name in line for line in warnings) for name in ("layers", "validation")] == [
        True
    ] * 2
    lqjax.report(tmp_path)


def test_an_undamaged_run_is_reported(workdir):
    assert write_report([workdir]).path.exists()


def test_a_record_of_another_kind_is_no_epoch(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"model": "m", "seed": true}\n')
    with pytest.raises(DamagedError, match=r"a\.jsonl, line 1, is damaged .*seed is True"):
        read_lines(Epoch, tmp_path / "a.jsonl")
