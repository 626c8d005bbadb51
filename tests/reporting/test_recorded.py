"""Records of a working directory that were altered: one line, and no picture on a guess."""

import json

import pytest

from lqjax.cli import main
from lqjax.config import Config, from_record
from lqjax.overriding import to_dict
from lqjax.reporting.recorded import read_config
from lqjax.reporting.report import write_report

CLEAN = [("clean", "clean", "", "clean", 0.0, None)]

NO_OBJECTS = ["[]", "3", "null", '"text"', "true"]

CONFIGS = {
    '{"data": [1]}': "data is [1], expected an object",
    '{"data": null}': "data is null, expected an object",
    '{"data": {"folds": "five"}}': 'data.folds is "five", expected a whole number',
    '{"data": {"folds": true}}': "data.folds is true, expected a whole number",
    '{"data": {"folds": [5]}}': "data.folds is [5], expected a whole number",
    '{"model": {"names": 3}}': "model.names is 3, expected a list of texts",
    '{"model": {"names": [["alexnet"]]}}': 'model.names is [["alexnet"]], expected a list of',
    '{"run": {"seeds": [null]}}': "run.seeds is [null], expected a list of whole numbers",
    '{"run": []}': "run is [], expected an object",
    '{"evaluation": "none"}': 'evaluation is "none", expected an object',
    '{"evaluation": {"conditions": null}}': "evaluation.conditions is null, expected a list of",
    '{"evaluation": {"conditions": 7}}': "evaluation.conditions is 7, expected a list of texts",
    '{"evaluation": {"conditions": [7]}}': "evaluation.conditions is [7], expected a list of",
    '{"evaluation": {"show_images": "no"}}': 'show_images is "no", expected true or false',
    '{"evaluation": {"show_images": null}}': "show_images is null, expected true or false",
    '{"evaluation": {"degradation_seed": []}}': "degradation_seed is [], expected a whole number",
    '{"evaluation": {"target_accuracy": NaN}}': "target_accuracy is NaN, expected a number",
    '{"evaluation": {"target_accuracy": "high"}}': 'is "high", expected a number',
    '{"optimizer": 1e-3}': "optimizer is 0.001, expected an object",
    '{"overrides": [1]}': "overrides is [1], expected an object",
    '{"overrides": {"alexnet": 1}}': "overrides.alexnet is 1, expected an object",
    f'{{"data": {{"folds": {"9" * 5000}}}}}': "it is not JSON",
    f'{{"evaluation": {{"target_accuracy": {"9" * 400}}}}}': "expected a number",
    "[" * 100_000: "it is not JSON",
}

ENVIRONMENTS = {
    '{"dataset": [1]}': "dataset is [1], expected an object",
    '{"packages": "jax"}': 'packages is "jax", expected an object',
    '{"dataset": {"notes": 3}}': "dataset.notes is 3, expected a list of texts",
    '{"dataset": {"notes": "one"}}': 'dataset.notes is "one", expected a list of texts',
    '{"dataset": {"skipped": 3}}': "dataset.skipped is 3, expected a list of pairs",
    '{"dataset": {"skipped": [3]}}': "dataset.skipped is [3], expected a list of pairs",
    '{"dataset": {"skipped": [["cat"]]}}': "expected a list of pairs",
    '{"dataset": {"train": "many"}}': 'dataset.train is "many", expected a whole number',
}

CASES = [
    *(("config.json", text, "expected an object") for text in NO_OBJECTS),
    *(("config.json", text, words) for text, words in CONFIGS.items()),
    *(("environment.json", text, "expected an object") for text in NO_OBJECTS),
    *(("environment.json", text, words) for text, words in ENVIRONMENTS.items()),
]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    from tests.reporting.conftest import build

    return build(tmp_path_factory.mktemp("recorded") / "run", n=40, conditions=CLEAN)


@pytest.mark.parametrize(
    ("name", "text", "words"), CASES, ids=[f"{n}: {t[:40]}" for n, t, _ in CASES]
)
def test_an_altered_record_is_named_in_one_line(name, text, words, workdir, capsys):
    path = workdir.root / name
    kept = path.read_text()
    try:
        path.write_text(text)
        code = main(["--mode=report", f"--workdir={workdir.root}"])
    finally:
        path.write_text(kept)
    said = capsys.readouterr().err
    assert code == 2 and said.count("\n") == 1
    assert said.startswith(f"lqjax: {path} is damaged (") and words in said
    assert not workdir.report.exists()


def test_what_a_run_writes_is_read(workdir, tmp_path):
    made = Config()
    place = type(workdir).at(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(to_dict(made)))
    assert from_record(read_config(place)) == made


def test_settings_of_other_versions_are_no_damage(workdir, tmp_path):
    record = {"data": {"folds": 2, "unheard_of": [1]}, "unheard_of": 3}
    (tmp_path / "config.json").write_text(json.dumps(record))
    assert read_config(type(workdir).at(tmp_path)) == record


def test_a_directory_without_settings_shows_no_image(make_workdir):
    workdir = make_workdir(conditions=CLEAN, n=40)
    (workdir.root / "config.json").unlink()
    write_report([workdir])
    text = (workdir.report / "report.md").read_text()
    assert "No test image is shown: no config.json in run says that they may be." in text
    names = {path.name for path in (workdir.report / "figures").iterdir()}
    assert not {name for name in names if name.startswith(("gallery", "mistakes"))}
