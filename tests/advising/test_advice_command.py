"""`--mode=advise` and `--mode=report --predictions`, as they are typed."""

import json

import pytest

import lqjax
from lqjax.cli import main
from tests.reporting.conftest import build

TWO = [
    ("clean", "clean", "", "clean", 0.0, None),
    ("low_quality/jpeg@low", "low_quality/jpeg", "low", "JPEG, quality 70", 0.1, 30),
]


@pytest.fixture
def workdir(tmp_path):
    return build(tmp_path / "run", conditions=TWO, gallery=False)


@pytest.fixture
def predictions(tmp_path, workdir):
    path, found = tmp_path / "oracle.csv", workdir.runs()[0].examples()
    lines = [
        f"oracle,digits,{name},{i},{label},{label}"
        for name, *_ in TWO
        for i, label in zip(found["ids"], found["labels"], strict=True)
    ]
    path.write_text("\n".join(["model,dataset,condition,example_id,label,prediction", *lines]))
    return path


def test_the_answer_is_printed_and_written(workdir, capsys):
    flags = ["--mixture=clean=0.5,low_quality/jpeg@*=0.5", "--floor_accuracy=0.5"]
    assert main(["--mode=advise", f"--workdir={workdir.root}", *flags]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Take resnet50: ")
    assert f"advice: {workdir.report}/advice.md" in shown
    record = json.loads((workdir.report / "advice.json").read_text())
    assert record["model"] == "resnet50" and record["needs"]["floor_accuracy"] == 0.5
    assert set(record["margin"]) == {"value", "low", "high"}
    assert record["mixture"] == {"clean": 0.5, "low_quality/jpeg@low": 0.5}
    page = (workdir.report / "advice.md").read_text()
    assert "> take resnet50: " in page and "| network | accuracy % |" in page
    assert "floor of 50.0 %" in page


def test_predictions_take_part(workdir, predictions, capsys):
    common = [f"--workdir={workdir.root}", f"--predictions={predictions}"]
    assert main(["--mode=advise", *common]) == 0
    assert capsys.readouterr().out.startswith("Take oracle: 100.0 [")
    assert main(["--mode=advise", *common, "--ceiling_latency_ms=20"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Take resnet50") and "oracle is left out: its latency was not" in shown


def test_from_python(workdir, predictions):
    found = lqjax.advise(workdir.root, predictions, mixture={"clean": 1})
    assert (found.model, found.mixture) == ("oracle", {"clean": 1.0})
    assert found.path == workdir.report / "advice.md"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--mode=advise", "--floor_accuracy=90%"], "--floor_accuracy=90%: expected a number"),
        (["--mode=advise", "--floor_accuracy=90"], "floor_accuracy=90 is not possible"),
        (["--mode=advise", "--mixture=clean"], "mixture: 'clean' has no weight"),
        (["--mode=advise", "--mixture=fog=1"], "mixture: no measured condition is 'fog'"),
        (
            ["--mode=advise", "--ceiling_latency=3"],
            "unknown flag '--ceiling_latency'; allowed: --c",
        ),
        (["--mode=advise", "--predictions=no.csv"], "no.csv: there is no such file"),
        (["--mode=report", "--mixture=clean=1"], "does not read --mixture; it belongs to --mode=a"),
        (["--mode=train", "--predictions=a.csv"], "belongs to --mode=report and advise"),
        (["--mode=advise", "--input=x"], "--mode=advise does not read --input"),
    ],
)
def test_mistakes_end_in_one_line(flags, message, workdir, capsys):
    assert main([*flags, f"--workdir={workdir.root}"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("lqjax: ") and message in line
    assert not workdir.report.exists()


def test_predictions_ask_for_a_workdir(predictions, capsys):
    assert main(["--mode=report", f"--predictions={predictions}"]) == 2
    assert "--predictions needs --workdir" in capsys.readouterr().err


def test_advice_on_nothing(tmp_path, capsys):
    assert main(["--mode=advise", f"--workdir={tmp_path}/none"]) == 2
    assert f"there is no folder {tmp_path}/none" in capsys.readouterr().err
    assert main(["--mode=advise", f"--workdir={tmp_path}"]) == 2
    assert "no finished condition" in capsys.readouterr().err
