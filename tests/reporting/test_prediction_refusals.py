"""What is wrong with a file of predictions is said in one line, before anything is written."""

import json

import pytest

from lqjax.reporting.external.spelling import check_spelling
from lqjax.reporting.opening import opened_study
from lqjax.reporting.report import write_report
from lqjax.workdir import Workdir

CLEAN = [("clean", "clean", "", "clean", 0.0, None)]
HEADER = "model,dataset,condition,example_id,label,prediction"
SCORES = "model,dataset,condition,example_id,label,score_cat,score_dog"


@pytest.fixture
def workdir(make_workdir):
    return make_workdir(
        conditions=CLEAN, models=(("alexnet", 0.8),), n=4, names=["cat", "dog"], gallery=False
    )


def lines(*changes):
    """Write right answers to the four images, then change single lines."""
    found = [f"mine,digits,clean,test0/{i},{i % 2},{i % 2}" for i in range(4)]
    for number, text in changes:
        found[number] = text
    return found


def scored(*changes):
    found = [f"mine,digits,clean,test0/{i},{i % 2},0.5,{i}" for i in range(4)]
    for number, text in changes:
        found[number] = text
    return found


def refusal(workdir, path):
    report = workdir.report
    before = report.exists()
    with pytest.raises(ValueError) as caught:
        write_report([workdir], [path])
    assert "\n" not in str(caught.value)
    assert report.exists() == before
    return str(caught.value)


CASES = {
    "beyond float32": (
        [SCORES, *scored((1, "mine,digits,clean,test0/1,1,1e300,0"))],
        "line 3: score of class cat is '1e300'; allowed: a finite number of at most 3.4e+38",
    ),
    "infinite": (
        [SCORES, *scored((1, "mine,digits,clean,test0/1,1,-inf,0"))],
        "line 3: score of class cat is '-inf'; allowed: a finite number",
    ),
    "seed beyond counting": (
        [HEADER + ",seed", *(f"{line},{'9' * 30}" for line in lines())],
        "is not possible; allowed: a whole number from 0 to 2147483647",
    ),
    "control character": (
        [HEADER, *(line.replace("mine", "mi\x00ne") for line in lines())],
        "has the character U+0000, which cannot be shown",
    ),
    "mistyped operation": (
        [HEADER, *(s.replace("clean", "gausian_noise(sigma=0.1)") for s in lines())],
        "line 2: condition 'gausian_noise(sigma=0.1)': 'gausian_noise' is not known; is it"
        " 'gaussian_noise'?",
    ),
    "mistyped clean": (
        [HEADER, *(s.replace("clean", "claen") for s in lines())],
        "'claen' is not known; is it 'clean', as in 'clean'?",
    ),
    "other capitals": (
        [HEADER, *(s.replace("clean", "low_quality/JPEG@high") for s in lines())],
        "'JPEG' is not known; is it 'jpeg'?",
    ),
    "empty file": ("", "is empty"),
    "header alone": (HEADER, "no answers"),
    "missing column": (
        "model,dataset,condition,label,prediction\n",
        "line 1: column example_id missing; every file needs model, dataset",
    ),
    "no answers": ("model,dataset,condition,example_id,label\n", "no answers; add a column score_"),
    "unknown column": (
        HEADER.replace("label", "label,sead"),
        "unknown column 'sead'; allowed: seed",
    ),
    "index column": ("," + HEADER, "to_csv(..., index=False)"),
    "column twice": (HEADER + ",label", "column 'label' stands there twice"),
    "semicolons": (HEADER.replace(",", ";"), "separated by semicolons; use commas"),
    "both kinds": (SCORES + ",probability_cat", "keep one of the two"),
    "short line": ("\n".join([HEADER, "mine,digits,clean"]), "line 2: 3 cells under a header of 6"),
    "open quote": ("\n".join([HEADER, 'mine,"digits,clean']), "not CSV"),
    "unknown id": (
        [HEADER, *lines((2, "mine,digits,clean,test0/9,0,0"))],
        "line 4: example 'test0/9' is none of the 4 test images",
    ),
    "id twice": (
        [HEADER, *lines((2, "mine,digits,clean,test0/1,1,1"))],
        "line 4: a second answer of mine, seed 0, fold 0, clean to example 'test0/1'",
    ),
    "missing id": (
        [HEADER, *lines()[:3]],
        "1 of 4 test images have no answer, the first of them 't",
    ),
    "another data set": (
        [HEADER, *lines((0, "mine,mnist,clean,test0/0,0,0"))],
        "line 2: data set 'mnist', 'digits' in",
    ),
    "another label": (
        [HEADER, *lines((1, "mine,digits,clean,test0/1,cat,1"))],
        "line 3: label 'cat' of example 'test0/1'; in",
    ),
    "no class": (
        [HEADER, *lines((1, "mine,digits,clean,test0/1,dog,3"))],
        "line 3: prediction '3' is no class; allowed: cat, dog, or a number from 0 to 1",
    ),
    "spelling of clean": (
        [HEADER, *lines((0, "mine,digits,Clean,test0/0,0,0"))],
        "line 2: condition 'Clean'; undegraded images are spelled 'clean'",
    ),
    "empty model": ([HEADER, *lines((0, ",digits,clean,test0/0,0,0"))], "line 2: model is empty"),
    "no prediction": (
        [HEADER, *lines((0, "mine,digits,clean,test0/0,0,"))],
        "line 2: neither scores nor a prediction",
    ),
    "fewer scores": (
        [SCORES.replace(",score_dog", ""), "mine,digits,clean,test0/0,0,1"],
        "line 2: 1 scores for 2 classes; expected one each (no score of dog)",
    ),
    "score of no class": (
        [SCORES.replace("dog", "cow"), *scored()],
        "line 2: score of 'cow' is no class",
    ),
    "no number": (
        [SCORES, *scored((1, "mine,digits,clean,test0/1,1,high,1"))],
        "line 3: score of class cat is 'high'; allowed: a finite number",
    ),
    "nan": (
        [SCORES, *scored((1, "mine,digits,clean,test0/1,1,0,nan"))],
        "line 3: score of class dog is 'nan'",
    ),
    "scores that are probabilities": (
        [SCORES, *[f"mine,digits,clean,test0/{i},{i % 2},0.25,0.75" for i in range(4)]],
        "these are probabilities; name them so",
    ),
    "probabilities that are not": (
        [SCORES.replace("score", "probability"), *scored()],
        "line 2: probabilities from 0 to 0.5 with a sum of 0.5",
    ),
    "seed": (
        [HEADER + ",seed", *[line + ",one" for line in lines()]],
        "line 2: seed 'one' is not possible",
    ),
    "image size": (
        [HEADER + ",image_size", *[line + ",224" for line in lines()]],
        "line 2: image_size 224 px, 64 px in",
    ),
    "fold": (
        [HEADER + ",fold", *[line + ",3" for line in lines()]],
        "line 2: example 'test0/0' is",
    ),
    "prediction against scores": (
        [SCORES + ",prediction", *[line + ",dog" for line in scored()]],
        "line 2: prediction 'dog' is not the class of the highest score",
    ),
    "groups of some": (
        [HEADER + ",group", *[f"{line},{'a' if i else ''}" for i, line in enumerate(lines())]],
        "group is given for some images and not for 1 others, the first of them 'test0/0'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_csv(case, workdir, tmp_path):
    content, message = CASES[case]
    path = tmp_path / "mine.csv"
    path.write_text(content if isinstance(content, str) else "\n".join(content) + "\n")
    found = refusal(workdir, path)
    assert message in found
    assert found.startswith(("mine.csv", str(path), "group")) or "no answers" in found


RECORD = {"model": "mine", "dataset": "digits", "condition": "clean", "example_id": "test0/0",
          "label": 0}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{", "mine.jsonl, line 1: not JSON"),
        ("[]", "line 1: list in place of an object"),
        (json.dumps({**RECORD, "score": [1, 2]}), "unknown field 'score'; allowed: scores"),
        (json.dumps({**RECORD, "scores": [1, 2, 3]}), "line 1: 3 scores for 2 classes"),
        (json.dumps({**RECORD, "scores": 3}), "scores is '3'; allowed: a list"),
        (json.dumps({**RECORD, "scores": [1, None]}), "score of class 1 is None"),
        (json.dumps({**RECORD, "scores": [1, float("nan")]}), "score of class 1 is nan"),
        (json.dumps({**RECORD, "label": 0.5, "prediction": 1}), "label is 0.5; allowed: a text"),
        (json.dumps({**RECORD, "prediction": True}), "prediction is True; allowed"),
        (json.dumps(RECORD), "line 1: neither scores nor a prediction"),
        (json.dumps({**RECORD, "scores": [1, 10**400]}), "score of class 1 is 1000"),
        (json.dumps({**RECORD, "scores": [1, 4e38]}), "score of class 1 is 4e+38; allowed: a fin"),
        (json.dumps({**RECORD, "scores": [1, "9"]})[:-3] + "9" * 5000 + "]}", "not JSON ("),
        (json.dumps({**RECORD, "model": "\ud800"}), "has the character U+D800"),
    ],
)
def test_jsonl(text, message, workdir, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(text)
    assert message in refusal(workdir, path)


KNOWN = ("clean", "jpeg(quality=40)", "low_quality/gaussian_blur@high")


@pytest.mark.parametrize(
    ("condition", "nearest"),
    [
        ("jpeg(quality=40.0)", "'jpeg(quality=40)'"),
        ("JPEG( quality = 40 )", "'jpeg(quality=40)'"),
        ("jpg(quality=40)", "'jpeg', as in 'jpeg(quality=40)'"),
        ("jpeg(qualty=40)", "'quality', as in 'jpeg(quality=40)'"),
        ("low_quality/gaussian_blur@hihg", "'high', as in 'low_quality/gaussian_blur@high'"),
        ("low_qualtiy/gaussian_blur@high", "'low_quality'"),
        ("imagnet_c/fog@3", "'imagenet_c'"),
        ("gausian_noise(sigma=0.1)", "'gaussian_noise'"),
        ("claen", "'clean', as in 'clean'"),
    ],
)
def test_a_misspelled_condition_is_refused_with_the_nearest(condition, nearest):
    with pytest.raises(ValueError, match=r"^mine\.csv, line 2: condition ") as caught:
        check_spelling("mine.csv, line 2", condition, KNOWN)
    assert nearest in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "condition",
    [
        *KNOWN,
        "jpeg(quality=50)",
        "low_quality/jpeg@high",
        "imagenet_c/fog@3",
        "old scanner",
        "2024",
    ],
)
def test_a_condition_of_ones_own_is_taken(condition):
    check_spelling("mine.csv, line 2", condition, KNOWN)


def alone(tmp_path, header, lines):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([f"{header},image_size", *(f"{line},64" for line in lines)]))
    return refusal(Workdir.at(tmp_path / "new"), path)


START = "model,dataset,condition,example_id,label"


@pytest.mark.parametrize(
    ("columns", "labels", "message"),
    [
        ((0, 2), (0, 1, 2), "line 3: '1' is none of the classes that scores are named by (0, 2)"),
        ((0, 2), (2, 0, 1), "as names score_1 is missing, and counted from 0 '2' may be another"),
        ((0, 2), (1, 1, 1), "line 2: label '1' is no name of a class (0, 2), and counted from 0"),
        ((1, 2, 3), (0, 1, 2), "line 2: '0' is none of the classes that scores are named by"),
        ((1, 2, 3), (0, 0, 0), "it would be '1', while '1' is read as a name; write names"),
        ((10, 20), (1, 10, 20), "as names score_1 is missing"),
    ],
)
def test_a_missing_column_does_not_merge_classes(columns, labels, message, tmp_path):
    header = ",".join([START, *(f"score_{name}" for name in columns)])
    numbers = ",".join(str(place) for place in range(1, len(columns) + 1))
    lines = [f"m,d,clean,{i},{label},{numbers}" for i, label in enumerate(labels)]
    assert message in alone(tmp_path, header, lines)


def test_a_prediction_counted_from_0_is_refused_where_classes_are_other_numbers(
    make_workdir, tmp_path
):
    workdir = make_workdir(
        conditions=CLEAN, models=(("alexnet", 0.8),), n=3, names=list("123"), gallery=False
    )
    path = tmp_path / "mine.csv"
    lines = [f"mine,digits,clean,test0/{i},{i + 1},{i}" for i in range(3)]
    path.write_text("\n".join([HEADER, *lines]))
    message = "line 2: prediction '0' is no name of a class (1, 2, 3)"
    assert message in refusal(workdir, path)


def test_numbers_that_cannot_be_names_are_still_counted(tmp_path):
    header = f"{START},image_size,score_10,score_20"
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([header, "m,d,clean,a,0,64,2,1", "m,d,clean,b,1,64,2,1"]))
    with opened_study([Workdir.at(tmp_path / "new")], [path]) as study:
        assert study.class_names == ("10", "20") and study.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({**RECORD, "scores": [True, 1]}), "score of class 0 is True"),
    ],
)
def test_jsonl_of_other_kinds(text, message, workdir, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(text)
    assert message in refusal(workdir, path)


def test_another_encoding(workdir, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([HEADER, *lines()]), encoding="utf-16")
    assert f"{path} is not UTF-8" in refusal(workdir, path)


@pytest.mark.parametrize("name", ["no.csv", "mine.parquet"])
def test_files_that_cannot_be_read(name, workdir, tmp_path):
    assert str(tmp_path / name) in refusal(workdir, tmp_path / name)


def test_alone_they_need_an_image_size(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([HEADER, *lines()]))
    assert "line 2: image_size is empty or missing" in refusal(Workdir.at(tmp_path / "new"), path)
    assert not (tmp_path / "new").exists()


def test_a_fold_that_another_model_was_tested_on(make_workdir, tmp_path):
    workdir = make_workdir(
        conditions=CLEAN, n=4, folds=range(2), names=["cat", "dog"], gallery=False
    )
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([HEADER, "mine,digits,clean,test1/0,0,0"]))
    assert "is tested in fold 1, not in fold 0" in refusal(workdir, path)


def test_a_workdir_that_was_begun_is_not_taken_for_an_empty_one(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([HEADER, *lines()]))
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="no finished condition"):
        write_report([Workdir.at(tmp_path / "begun")], [path])
