"""Readings in the report: answers whose gaps are known, to the image."""

import csv
import dataclasses

import numpy as np
import pytest

from lqjax.metrics.summary import summarise
from lqjax.reporting.readings import measure_readings
from lqjax.reporting.readings_section import readings_in_words
from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study
from lqjax.rows import Row
from lqjax.workdir import Workdir

IMAGES = 200
GRID = ("clean", "jpeg(quality=30)", "gaussian_noise(sigma=0.2)")
RIGHT = {
    "resnet18": (180, 120, 80),
    "batch_norm": (176, 150, 130),
    "batch_norm(prior=16)": (180, 121, 80),
    "alexnet": (170, 140, 100),
}
"""Correct answers by condition, always the first images of an order of their own."""

RECORD = {
    "about": "Statistics of the batch.",
    "source": "A paper",
    "settled": {"batch_size": 40},
    "notes": [],
}


def write_answers(run, who, orders, more=0):
    labels = (np.arange(IMAGES) % 2).astype(np.int32)
    for name, count, order in zip(GRID, RIGHT[who], orders, strict=True):
        logits = np.zeros((IMAGES, 2), np.float32)
        right = np.isin(np.arange(IMAGES), order[: count + more])
        logits[np.arange(IMAGES), np.where(right, labels, 1 - labels)] = 4
        operation, _, value = name.partition("(")
        label = f"{operation.replace('_', ' ')}, {value.rstrip(')').replace('=', ' ')}"
        row = Row(
            model=run.model, dataset="made", seed=run.seed, fold=run.fold, condition=name,
            family=operation, level=value.rstrip(")"), label=label if value else name,
            image_size=32, psnr=None, ssim=1.0, **summarise(logits, labels),
        )  # fmt: skip
        run.write_condition(row, logits)
    return labels


def build(path, seeds=(0,), readings=("batch_norm", "batch_norm(prior=16)"), spread=0):
    place = Workdir.at(path)
    for seed in seeds:
        shuffle = np.random.default_rng(seed)
        orders = [shuffle.permutation(IMAGES) for _ in GRID]
        for model in ("resnet18", "alexnet"):
            run = place.run(model, seed)
            labels = write_answers(run, model, orders)
            run.write_examples(np.arange(IMAGES), labels, ("cat", "dog"))
            for name in readings:
                folder = run.reading(name)
                if model == "alexnet":
                    folder.write_record({**RECORD, "missing": "alexnet has no BatchNorm"})
                else:
                    folder.write_record(RECORD)
                    write_answers(folder, name, orders, more=spread * seed)
    return place


def measured(place):
    study = read_study([place])
    return study, measure_readings(study)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return build(tmp_path_factory.mktemp("readings") / "run")


def normal_interval(first, second):
    """The interval of a paired mean by the normal distribution."""
    difference = first.astype(float) - second
    error = 1.96 * difference.std(ddof=1) / np.sqrt(len(difference))
    return difference.mean() - error, difference.mean() + error


def test_gaps_are_paired_on_the_same_images(place):
    study, found = measured(place)
    assert study.models == ("alexnet", "resnet18")  # readings are no models
    by_name = {read.reading: read for read in found.models}
    assert set(by_name) == {"batch_norm", "batch_norm(prior=16)"}
    read = by_name["batch_norm"]
    for name, itself, other in zip(GRID, RIGHT["resnet18"], RIGHT["batch_norm"], strict=True):
        cell = read.cells[name]
        assert cell.itself.value == itself / IMAGES and cell.accuracy.value == other / IMAGES
        assert cell.gap.value == pytest.approx((other - itself) / IMAGES)
    assert read.degraded.itself.value == pytest.approx(200 / 400)
    assert read.degraded.accuracy.value == pytest.approx(280 / 400)
    run = place.run("resnet18", 0)
    labels = run.examples()["labels"]
    shares = [
        np.mean([r.logits(c).argmax(1) == labels for c in GRID[1:]], axis=0)
        for r in (run.reading("batch_norm"), run)
    ]
    expected = normal_interval(*shares)
    assert read.degraded.gap.value == pytest.approx(0.2)
    assert read.degraded.gap[1:] == pytest.approx(expected, abs=0.01)
    assert read.degraded.gap.high - read.degraded.gap.low < 0.1  # unpaired it would be 0.14


def test_sentences_claim_what_is_shown_and_no_more(place):
    _, found = measured(place)
    words, lacking = readings_in_words(found, 0.5)
    _, first, second = words.split("Read by ")
    assert first.startswith("batch_norm, resnet18 classified 20.0 points [")
    assert "] more of the degraded images correctly than as trained" in first
    assert "of the clean images 2.0 points [" in first and "] fewer." in first
    assert "resnet18 is not shown to classify more or fewer of the degraded images" in second
    assert "of the clean images as many, as far as shown (0.0 points" in second
    # 150 and 130 of 200 are more than half by Wilson's interval, and 120 and 121; 80 are fewer.
    assert words.endswith(
        "Of 2 degraded conditions a better accuracy than that of always answering the commonest"
        " class (50.0 %) is shown for resnet18 as trained in 1, by batch_norm in 2 and by"
        " batch_norm(prior=16) in 1."
    )
    assert lacking == (
        "alexnet has no reading by batch_norm: alexnet has no BatchNorm. alexnet has no reading by"
        " batch_norm(prior=16): alexnet has no BatchNorm."
    )


def test_training_runs_that_disagree_take_a_claim_back(tmp_path):
    """Of three seeds the reading helps by 20, 0 and -20 points: over images alone it would do."""
    _, found = measured(build(tmp_path / "run", seeds=(0, 1, 2)))
    read = next(read for read in found.models if read.reading == "batch_norm")
    assert read.runs == 3 and read.retrained is None  # all alike: no spread to judge by
    _, found = measured(build(tmp_path / "other", seeds=(0, 1, 2), spread=-30))
    read = next(read for read in found.models if read.reading == "batch_norm")
    gaps = [0.2, 0.05, -0.1]
    assert read.degraded.gap.value == pytest.approx(np.mean(gaps))
    half = 4.303 * np.std(gaps, ddof=1) / np.sqrt(3)  # Student's t with two degrees of freedom
    assert read.retrained[1:] == pytest.approx((0.05 - half, 0.05 + half), abs=1e-3)
    assert read.degraded.gap.excludes_zero()
    words = readings_in_words(found, 0.5)[0]
    assert "resnet18 (three runs) is not shown to classify more or fewer" in words


def test_the_report_has_them_and_is_otherwise_the_same(place, tmp_path):
    plain = build(tmp_path / "run", readings=())
    with_readings, without = write_report([place]), write_report([plain])
    assert with_readings.verdict == without.verdict and with_readings.table == without.table
    files = {path.name for path in plain.report.iterdir()}
    assert {path.name for path in place.report.iterdir()} == files | {"readings.csv"}
    for name in sorted(n for n in files if n.endswith((".csv", ".jsonl"))):
        assert (place.report / name).read_text() == (plain.report / name).read_text()
    with (place.report / "readings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (len(GRID) + 1)
    mean = next(r for r in rows if r["condition"] == "mean of the degraded")
    assert (mean["reading"], float(mean["gap"])) == ("batch_norm", pytest.approx(0.2))
    page, markdown = ((place.report / n).read_text() for n in ("report.html", "report.md"))
    assert "The same weights, read otherwise" in page
    assert "The same weights, read otherwise" not in (plain.report / "report.md").read_text()
    assert "| resnet18 | as trained | 90.0 [" in markdown
    assert "| resnet18 | batch\\_norm | 88.0 [" in markdown
    assert "Statistics of the batch. Here: batch size 40. Source: A paper." in markdown
    assert markdown.count("Statistics of the batch.") == 1  # of both, once


def test_a_reading_that_was_cut_off_is_compared_on_what_both_have(tmp_path):
    place = build(tmp_path / "run")
    folder = place.run("resnet18", 0).reading("batch_norm")
    for path in (folder.root / "conditions").glob("gauss*"):
        path.unlink()
    _, found = measured(place)
    read = next(read for read in found.models if read.reading == "batch_norm")
    assert list(read.cells) == ["clean", "jpeg(quality=30)"] and read.open == 1
    assert read.degraded.gap.value == pytest.approx(30 / 200)
    said = " ".join(readings_in_words(found, 0.5))
    assert "Not tested to the end: batch_norm lacks 1 condition that resnet18 has." in said
    write_report([place])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": 3}', '{"name": "other"}'])
def test_a_damaged_record_is_told_in_a_line(tmp_path, content):
    place = build(tmp_path / "run")
    path = place.run("resnet18", 0).reading("batch_norm").root / "reading.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"reading\.json is damaged .*--mode=evaluate") as error:
        read_study([place])
    assert "\n" not in str(error.value)


def test_a_record_with_parts_of_another_kind_is_told_too(tmp_path):
    place = build(tmp_path / "run")
    folder = place.run("resnet18", 0).reading("batch_norm")
    for part, value in (("settled", 3), ("notes", "one"), ("about", [])):
        folder.write_record({**RECORD, part: value})
        with pytest.raises(ValueError, match=f"damaged .{part} is"):
            read_study([place])


def test_seeds_without_a_reading_are_left_out_of_both_sides(tmp_path):
    place = build(tmp_path / "run", seeds=(0, 1))
    study = read_study([place])
    runs = list(study.networks["resnet18"])
    runs[1] = dataclasses.replace(runs[1], readings=())
    half = dataclasses.replace(study, networks={"resnet18": runs})
    read = measure_readings(half).models[0]
    assert read.runs == 1 and read.degraded.gap.value == pytest.approx(0.2)
