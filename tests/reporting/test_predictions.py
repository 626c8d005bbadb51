"""Predictions of other code: read from CSV and JSONL, they give the rows that our scores give."""

import csv
import dataclasses
import json
import tracemalloc

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics

from lqjax.metrics.accuracy import predictions
from lqjax.reporting.external import spool
from lqjax.reporting.external.runs import external_runs
from lqjax.reporting.opening import opened_study
from lqjax.reporting.report import write_report
from lqjax.workdir import Workdir

pytestmark = pytest.mark.usefixtures("undrawn_figures")

CLEAN = [("clean", "clean", "", "clean", 0.0, None)]
TWO = [*CLEAN, ("low_quality/jpeg@low", "low_quality/jpeg", "low", "JPEG, quality 70", 0.1, 30)]
HEAD = ["model", "dataset", "condition", "example_id", "label"]


@pytest.fixture
def workdir(make_workdir):
    return make_workdir(conditions=TWO, models=(("alexnet", 0.8),), n=60, gallery=False)


def lines_of(run, model="mine", classes=None):
    """Take the scores of one of our own runs for those of another model."""
    found = run.examples()
    names = [str(name) for name in found["classes"]]
    for condition in (row.condition for row in run.rows()):
        for i, logits in enumerate(run.logits(condition)):
            line = dict(
                zip(
                    HEAD,
                    (model, "digits", condition, found["ids"][i], found["labels"][i]),
                    strict=True,
                )
            )
            scores = dict(zip(names, map(float, logits), strict=True))
            yield line, {name: scores[name] for name in classes or names}


def write_table(path, lines):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return path


def scored(run, **choices):
    return [
        {**line, **{f"score_{name}": value for name, value in scores.items()}}
        for line, scores in lines_of(run, **choices)
    ]


def as_json(path, lines):
    path.write_text("".join(json.dumps(line, default=int) + "\n" for line in lines))
    return path


def rows_of(path, workdir):
    with external_runs([path], workdir.runs()) as found:
        return {row.condition: row for each in found for row in each.run.rows()}


def same_metrics(rows, run):
    own = {row.condition: row for row in run.rows()}
    assert rows.keys() == own.keys()
    for condition, row in rows.items():
        expected = dataclasses.replace(own[condition], model="mine", psnr=None, ssim=None)
        assert row == expected


def test_scores_give_the_rows_of_our_own_scores(workdir, tmp_path):
    run = workdir.runs()[0]
    same_metrics(rows_of(write_table(tmp_path / "a.csv", scored(run)), workdir), run)


def test_order_of_lines_and_of_columns_does_not_matter(workdir, tmp_path):
    run = workdir.runs()[0]
    lines = scored(run, classes=[str(i) for i in (3, 1, 2, 0, 9, 8, 7, 6, 5, 4)])
    np.random.default_rng(0).shuffle(lines)
    same_metrics(rows_of(write_table(tmp_path / "a.csv", lines), workdir), run)


@pytest.mark.parametrize("kind", ["list", "object"])
def test_jsonl(kind, workdir, tmp_path):
    run = workdir.runs()[0]
    lines = [
        {**line, "scores": list(scores.values()) if kind == "list" else scores}
        for line, scores in lines_of(run)
    ]
    same_metrics(rows_of(as_json(tmp_path / "a.jsonl", lines[::-1]), workdir), run)


def test_little_memory_gives_the_same(workdir, tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "HELD_BYTES", 1000)
    run = workdir.runs()[0]
    same_metrics(rows_of(write_table(tmp_path / "a.csv", scored(run)), workdir), run)


def test_probabilities_give_their_own_loss(workdir, tmp_path):
    run = workdir.runs()[0]
    lines = []
    for line, scores in lines_of(run):
        shares = softmax(list(scores.values()))
        lines.append({**line, **{f"probability_{i}": f"{p:.9f}" for i, p in enumerate(shares)}})
    row = rows_of(write_table(tmp_path / "a.csv", lines), workdir)["clean"]
    labels, shares = run.examples()["labels"], softmax(run.logits("clean"), axis=1)
    assert row.loss == pytest.approx(metrics.log_loss(labels, shares), abs=1e-6)
    assert row.auc == pytest.approx(
        metrics.roc_auc_score(labels, shares, multi_class="ovr"), abs=1e-9
    )


def test_predictions_alone_leave_out_what_needs_scores(workdir, tmp_path):
    run = workdir.runs()[0]
    lines = [{**line, "prediction": max(s, key=s.get)} for line, s in lines_of(run)]
    row = rows_of(write_table(tmp_path / "a.csv", lines), workdir)["clean"]
    labels, predicted = run.examples()["labels"], predictions(run.logits("clean"))
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, average="macro", zero_division=0
    )
    assert row.accuracy == metrics.accuracy_score(labels, predicted)
    assert (row.precision, row.recall, row.f1) == pytest.approx((precision, recall, f1))
    assert row.mcc == pytest.approx(metrics.matthews_corrcoef(labels, predicted))
    assert {row.loss, row.auc, row.top5, row.brier, row.ece, row.average_precision} == {None}


def test_a_report_with_predictions(workdir, tmp_path):
    run = workdir.runs()[0]
    lines = [{**line, "prediction": line["label"]} for line, _ in lines_of(run, model="oracle")]
    other = [{**line, "condition": "old scanner"} for line in lines if line["condition"] == "clean"]
    path = write_table(tmp_path / "oracle.csv", lines + other)
    written = write_report([workdir], [path])
    assert "oracle" in written.verdict and "alexnet" in written.verdict
    text = (workdir.report / "report.md").read_text()
    assert "old scanner" in text and "oracle.csv" in text
    with opened_study([workdir], [path]) as study:
        known = {c.name: c for c in study.conditions}
        assert known["low_quality/jpeg@low"].setting == "quality 70"
        assert known["old scanner"].family == "old scanner"
        assert study.correct("oracle", known["clean"]).all()
        assert study.sources == {"oracle": "oracle.csv"}


def test_a_name_that_we_have_too_is_told_apart(workdir, tmp_path):
    path = write_table(tmp_path / "torch.csv", scored(workdir.runs()[0], model="alexnet"))
    with opened_study([workdir], [path]) as study:
        assert set(study.models) == {"alexnet (run)", "alexnet (torch.csv)"}


def test_predictions_alone(tmp_path, workdir):
    lines = [{**line, "image_size": 224} for line in scored(workdir.runs()[0])]
    path = write_table(tmp_path / "alone.csv", lines)
    written = write_report([Workdir.at(tmp_path / "new")], [path])
    assert written.path == tmp_path / "new" / "report" / "report.html"
    assert "224 px" in (written.path.parent / "report.md").read_text()


def test_names_of_classes_without_scores_are_sorted(tmp_path):
    lines = [
        {"model": "m", "dataset": "pets", "condition": "clean", "example_id": i, "label": label,
         "prediction": "cat", "image_size": 64}
        for i, label in enumerate(["dog", "cat", "dog", "ant"])
    ]  # fmt: skip
    with opened_study([Workdir.at(tmp_path)], [write_table(tmp_path / "a.csv", lines)]) as study:
        assert study.class_names == ("ant", "cat", "dog")
        assert study.labels.tolist() == [2, 1, 2, 0]
        assert study.correct("m", study.conditions[0]).tolist() == [0, 1, 0, 0]


def test_seeds_and_files_come_together(workdir, tmp_path):
    clean = [line for line in scored(workdir.runs()[0]) if line["condition"] == "clean"]
    jpeg = [line for line in scored(workdir.runs()[0]) if line["condition"] != "clean"]
    paths = [
        write_table(tmp_path / "a.csv", [{**line, "seed": s} for s in (0, 1) for line in clean]),
        write_table(tmp_path / "b.csv", [{**line, "seed": s} for s in (0, 1) for line in jpeg]),
    ]
    with opened_study([workdir], paths) as study:
        assert [run.seed for run in study.networks["mine"]] == [0, 1]
        assert all(len(run.rows) == 2 for run in study.networks["mine"])


def test_groups_of_the_file_serve_the_study(workdir, tmp_path):
    lines = [
        {**line, "group": f"patient{i % 60 // 3}"}
        for i, line in enumerate(scored(workdir.runs()[0]))
    ]
    with opened_study([workdir], [write_table(tmp_path / "a.csv", lines)]) as study:
        assert study.tested.groups.tolist() == [f"patient{i // 3}" for i in range(60)]


def test_the_signature_of_windows_programs_is_read_over(workdir, tmp_path):
    path = write_table(tmp_path / "a.csv", scored(workdir.runs()[0]))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n"))
    same_metrics(rows_of(path, workdir), workdir.runs()[0])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "HELD_BYTES", 50_000)
    images, classes = 60, 20

    def peak(conditions):
        path = tmp_path / f"{conditions}.csv"
        names = [*HEAD, "image_size", *(f"score_{i}" for i in range(classes))]
        with path.open("w") as file:
            file.write(",".join(names) + "\n")
            for c in range(conditions):
                for i in range(images):
                    scores = ",".join(str((i * j + c) % 7) for j in range(classes))
                    file.write(f"m,d,condition {c},{i},{i % classes},64,{scores}\n")
        tracemalloc.start()
        with external_runs([path]):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(2)  # imports and caches
    assert peak(60) < peak(20) + 150_000  # 60 conditions of scores are 576 kB, as text 1 MB
