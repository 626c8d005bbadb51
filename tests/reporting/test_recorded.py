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
    '{"data": {"folds": 1000000000}}': "folds=1000000000 is not possible; allowed: 0 to 10000",
    '{"model": {"names": ["\\ud800"]}}': "it holds half a character",
    '{"overrides": {"alexnet": {"optimizer.name": "\\ud800"}}}': "it holds half a character",
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


NUMBER = "expected a number"
OVERRIDES = {
    "null": "overrides=None: expected {network: {setting: value}}",
    "[1]": "overrides=[1]: expected {network: {setting: value}}",
    '"fast"': "overrides='fast': expected {network: {setting: value}}",
    '{"alexnet": null}': "overrides.alexnet=None: expected {network: {setting: value}}",
    '{"alexnet": [1]}': "overrides.alexnet=[1]: expected {network: {setting: value}}",
    '{"alexnet": "x"}': "overrides.alexnet='x': expected {network: {setting: value}}",
    '{"alexnet": {"optimizer.lr": 1}}': "unknown setting 'optimizer.lr'; allowed: optimizer.",
    '{"alexnet": {"optimizer": {"lr": 1}}}': "unknown setting 'optimizer.lr'; allowed: optimizer.",
    '{"alexnet": {"optimizer": 1}}': "unknown setting 'optimizer'; allowed: optimizer.",
    '{"alexnet": {"no.group": 1}}': "overrides.alexnet.no.group is not possible: all networks",
    '{"alex\\nnet": {"no.group": 1}}': "overrides.alex net.no.group is not possible: all networks",
    '{"alexnet": {"": 1}}': "overrides.alexnet. is not possible",
    '{"alexnet": {"optimizer.learning_rate": "fast"}}': f"learning_rate='fast': {NUMBER}",
    '{"alexnet": {"optimizer.learning_rate": null}}': f"learning_rate=None: {NUMBER}",
    '{"alexnet": {"optimizer.learning_rate": [[1]]}}': f"learning_rate=([1],): {NUMBER}",
    '{"alexnet": {"optimizer.learning_rate": NaN}}': "learning_rate=nan: not a finite number",
    f'{{"alexnet": {{"optimizer.learning_rate": {"9" * 400}}}}}': "learning_rate=9999",
    f'{{"alexnet": {{"optimizer.learning_rate": {"9" * 5000}}}}}': "it is not JSON",
    '{"alexnet": {"optimizer.name": "\\ud800"}}': "it holds half a character",
}
SETTINGS = {f'{{"overrides": {text}}}': words for text, words in OVERRIDES.items()} | {
    '{"optimizer": null}': "unknown setting 'optimizer'",
    '{"unheard_of": 3}': "unknown setting 'unheard_of'",
    '{"model": {"names": []}}': "model.names is empty",
    '{"data": {"folds": 1000000000}}': "allowed: 0 to 10000",
    "[]": "it is [], expected an object",
    '{"overrides"': "it is not JSON",
    "": "it is not JSON",
}


@pytest.mark.parametrize(("text", "words"), SETTINGS.items(), ids=[t[:50] for t in SETTINGS])
def test_a_run_does_not_go_on_with_settings_that_it_cannot_use(text, words, tmp_path, capsys):
    path = tmp_path / "config.json"
    path.write_text(text)
    for mode in ("compare", "evaluate"):
        assert main([f"--mode={mode}", f"--workdir={tmp_path}"]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and said.startswith(f"lqjax: {path} ") and words in said, said
        assert said.endswith("; repair it, or name another --workdir\n")
    assert path.read_text() == text and [p.name for p in tmp_path.iterdir()] == ["config.json"]


LADDER = {
    "name": "jpeg", "title": "JPEG", "parameter": "quality", "unit": "", "coordinate": "linear",
    "levels": [90], "conditions": ["jpeg(quality=90)"],
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{}", "[" * 100_000, '{"grid": [1], "ladders": []}',
        '{"grid": ["clean"], "ladders": [3]}', '{"grid": ["\\ud800"], "ladders": []}',
        *(
            json.dumps({"grid": ["clean"], "ladders": [LADDER | wrong]})
            for wrong in (
                {"levels": ["high"]}, {"levels": [1, 2]}, {"conditions": [3]}, {"unit": None},
                {"levels": 5}, {"more": 1},
            )
        ),
    ],
)  # fmt: skip
def test_a_record_of_ladders_that_is_none_is_named(text, workdir, capsys):
    path = workdir.root / "ladders.json"
    try:
        path.write_text(text)
        assert main(["--mode=report", f"--workdir={workdir.root}"]) == 2
    finally:
        path.unlink()
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"lqjax: {path} is damaged ("), said


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, '{"asked": ["a"]}'])
def test_a_lost_list_of_planned_conditions_is_none(text, tmp_path, workdir):
    place = type(workdir).at(tmp_path)
    place.write_planned(["a"], ["b"])
    assert place.planned(["a"]) == ("b",)
    (tmp_path / "conditions.json").write_text(text)
    assert place.planned(["a"]) is None


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
