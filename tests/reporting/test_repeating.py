"""The command that a report gives to repeat it."""

import json
import shlex
import shutil
from dataclasses import replace

from lqjax.arguments import parse
from lqjax.cli import settings_of
from lqjax.config import Config
from lqjax.overriding import override, to_dict
from lqjax.reporting.provenance import provenance
from lqjax.reporting.study import read_study


def commands(study):
    pairs = [pair for block in provenance(study) for pair in getattr(block, "pairs", ())]
    return {term: text for term, text in pairs if "repeat" in term or "write" in term}


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
