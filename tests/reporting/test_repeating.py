"""The command that a report gives to repeat it."""

import html
import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

from lqjax.arguments import parse
from lqjax.cli import settings_of
from lqjax.config import Config
from lqjax.overriding import override, to_dict
from lqjax.reporting.document import Commands
from lqjax.reporting.given import Given
from lqjax.reporting.markdown_page import _block
from lqjax.reporting.opening import opened_study
from lqjax.reporting.provenance import provenance
from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study
from lqjax.workdir import Workdir
from tests.blank_figures import blank_figures

OTHER_CODE = "model,dataset,condition,example_id,label,prediction\n" + "".join(
    f"theirs,digits,clean,test0/{i},{i % 10},{i % 10}\n" for i in range(360)
)


def commands(study):
    found = [block for block in provenance(study) if isinstance(block, Commands)]
    return {term: text for block in found for term, text in block.pairs}


def test_the_command_asks_for_the_settings_of_the_run(make_workdir, monkeypatch, tmp_path):
    workdir = make_workdir("my run", gallery=False)
    config = override(Config(), "optimizer.learning_rate", "0.0123")
    config = override(config, "overrides.alexnet.training.epochs", "7")
    (workdir.root / "config.json").write_text(json.dumps(to_dict(config)))
    (command,) = commands(read_study([workdir])).values()
    make, copy, run = (shlex.split(part) for part in command.split(" && "))
    assert (make[0], copy[0], run[0]) == ("mkdir", "cp", "lqjax")
    monkeypatch.chdir(tmp_path)
    (tmp_path / make[1]).mkdir()
    shutil.copy(copy[1], copy[2])
    assert settings_of(parse(run[1:])) == (config, "my run-again")
    assert settings_of(parse(run[1:]))[0] != replace(config, overrides={})


def test_a_merged_report_tells_how_it_was_merged(make_workdir):
    first = make_workdir("a", models=(("alexnet", 0.8),), gallery=False)
    second = make_workdir("b", models=(("resnet50", 0.9),), gallery=False)
    found = commands(read_study([first, second]))
    assert set(found) == {"to repeat a", "to repeat b", "to write this report"}
    assert found["to write this report"] == "lqjax --mode=report --workdir=a,b"


def test_the_command_of_a_merged_report_finds_the_directories_and_files_again(
    make_workdir, tmp_path, monkeypatch
):
    for name, strength in (("alexnet", 0.8), ("resnet50", 0.9)):
        make_workdir(f"some runs/{name}", models=((name, strength),), gallery=False)
    (tmp_path / "theirs.csv").write_text(OTHER_CODE)
    monkeypatch.chdir(tmp_path)
    places = [f"some runs/{name}" for name in ("alexnet", "resnet50")]
    with opened_study([Workdir.at(p) for p in places], ["./theirs.csv"]) as study:
        found = commands(study)
    arguments = parse(shlex.split(found["to write this report"])[1:])
    assert arguments.workdir.split(",") == places
    assert Path(arguments.tool_flags["predictions"]) == Path("theirs.csv")
    program, config, _ = shlex.split(found["to repeat alexnet"].split(" && ")[1])
    assert (program, config) == ("cp", f"{places[0]}/config.json")


@blank_figures()
def test_a_command_reaches_markdown_and_the_page_letter_by_letter(make_workdir):
    workdir = make_workdir("a_run -1*", gallery=False)
    command = commands(read_study([workdir]))["to repeat"]
    with opened_study([workdir]) as study:
        command = commands(study)["to repeat"]
    assert shlex.split(command)[1] == f"{workdir.root}-again"
    write_report([workdir])
    assert f"\n```sh\n{command}\n```\n" in (workdir.report / "report.md").read_text()
    page = (workdir.report / "report.html").read_text()
    (code,) = re.findall("<code>(.*?)</code>", page)
    code = re.sub("</?span>", "", code)
    assert html.unescape(code) == command and "\N{MINUS SIGN}" not in code


def test_a_fence_is_longer_than_the_backticks_inside():
    lines = _block(Commands((("to try", "echo ````"),))).splitlines()
    assert lines[2:] == ["`````sh", "echo ````", "`````"]


def test_what_lies_in_a_bucket_is_fetched_before_it_is_repeated(make_workdir):
    study = read_study([make_workdir("a", gallery=False)])
    (found,) = commands(replace(study, given=Given(("gs://bucket/runs/a",)))).values()
    assert found == (
        "mkdir a-again && gcloud storage cp gs://bucket/runs/a/config.json a-again/"
        " && lqjax --workdir=a-again"
    )
