"""Readings in the report: answers whose gaps are known, to the image."""

import csv
import dataclasses

import numpy as np
import pytest
from scipy import stats

from lqjax.metrics.paired import tango_interval
from lqjax.metrics.summary import summarise
from lqjax.reporting.readings import measure_readings
from lqjax.reporting.readings_section import readings_section
from lqjax.reporting.readings_words import lead, left_open
from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study
from lqjax.rows import Row
from lqjax.workdir import Workdir
from tests.reporting.page_tables import tables_of_markdown, tables_of_page

IMAGES = 200
GRID = ("clean", "jpeg(quality=30)", "gaussian_noise(sigma=0.2)")
RIGHT = {
    "resnet18": (180, 120, 80),
    "batch_norm": (176, 150, 130),
    "batch_norm(prior=16)": (180, 121, 80),
    "alexnet": (170, 140, 100),
}
"""Correct answers by condition, always the first images of an order of their own."""

TENTH = 5.001e-4  # what is written to a tenth of a percent
SECTION, ITSELF = "The same weights, read otherwise", "as trained"
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
    degraded, clean = lead(found, "resnet18", 0.5).split(". On clean images ")
    better, rest = degraded.split("; no difference shown: ")
    assert better.startswith(
        "On degraded images better than as trained: batch_norm (+20.0 points ["
    )
    assert rest == "batch_norm(prior=16)"
    worse, rest = clean.split("; no difference shown: ")
    assert worse.startswith("worse than as trained: batch_norm (-2.0 points [-")
    # 121 of 200 are more than half by Wilson's interval; 80 are fewer, but no gain is claimed.
    assert rest == "batch_norm(prior=16)."
    assert lead(found, "alexnet", 0.5) == (
        "Not read by batch_norm and batch_norm(prior=16): alexnet has no BatchNorm."
    )


def test_one_reading_alone_that_makes_no_difference_has_its_gap_in_the_sentence(tmp_path):
    _, found = measured(build(tmp_path / "run", readings=("batch_norm(prior=16)",)))
    said = lead(found, "resnet18", 0.5)
    assert (
        "On degraded images no difference shown: batch_norm(prior=16) (+0.2 points [0.0, 1.5])"
        in said
    )
    assert "On clean images no difference shown: batch_norm(prior=16) (0.0 points [-" in said


def test_a_gain_where_one_answer_does_as_well_is_marked(place):
    """Where 70 % are of one class, 150 of 200 are above it by Wilson's interval only just not."""
    _, found = measured(place)
    low, _ = stats.binomtest(150, IMAGES).proportion_ci(method="wilson")
    assert 130 / IMAGES < low < 0.7 < 150 / IMAGES
    assert "A gain need not be recognition" not in lead(found, "resnet18", 0.5)
    assert lead(found, "resnet18", 0.7).endswith(
        " A gain need not be recognition: no more than always answering the commonest class"
        " (70.0 %) is shown for batch_norm in 2 of 2 degraded conditions."
    )
    assert "batch_norm in 1 of 2" in lead(found, "resnet18", low - 1e-6)


def wilson(right):
    found = stats.binomtest(right, IMAGES).proportion_ci(method="wilson")
    return right / IMAGES, found.low, found.high


def right_answers(run, labels):
    return [run.logits(condition).argmax(1) == labels for condition in GRID]


def test_intervals_are_those_of_the_rest_of_the_report(place):
    """Of one run: Wilson's, Tango's of the images that only one has right, else the bootstrap."""
    _, found = measured(place)
    run = place.run("resnet18", 0)
    rng = np.random.default_rng(0)
    for read in found.models:
        folder = run.reading(read.reading)
        own, other = (right_answers(r, run.examples()["labels"]) for r in (run, folder))
        for name, itself, answers in zip(GRID, own, other, strict=True):
            cell = read.cells[name]
            assert cell.itself == pytest.approx(wilson(int(itself.sum())))
            assert cell.accuracy == pytest.approx(wilson(int(answers.sum())))
            alone = int((answers & ~itself).sum()), int((itself & ~answers).sum())
            assert cell.gap[1:] == pytest.approx(tango_interval(*alone, IMAGES), abs=1e-6)
            assert cell.retrained is None
        own, other = (np.mean(right[1:], axis=0) for right in (own, other))
        draws = rng.integers(0, IMAGES, (4000, IMAGES))
        for estimate, values in (
            (read.degraded.itself, own),
            (read.degraded.accuracy, other),
            (read.degraded.gap, other - own),
        ):
            assert estimate.value == pytest.approx(values.mean())
            ends = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
            # Of one image that differs BCa and plain quantiles are not the same thing.
            if np.count_nonzero(values) > 1:
                assert estimate[1:] == pytest.approx(ends, abs=0.006)


def test_the_mean_over_one_degraded_condition_is_that_condition(place):
    study = read_study([place])
    kept = tuple(c for c in study.conditions if c.name in GRID[:2])
    half = dataclasses.replace(study, conditions=kept)
    for read in measure_readings(half).models:
        assert read.degraded == read.cells["jpeg(quality=30)"]


@pytest.mark.parametrize(
    "seeds, said",
    [
        ((0,), "In a single condition accuracies have Wilson intervals, gaps Tango's score"),
        ((0, 1), "Accuracies and gaps, means over runs, have bootstrap intervals (BCa) that draw"),
        ((0, 1, 2), "The interval over training runs is Student's t of the runs' gaps"),
    ],
)
def test_the_section_says_how_its_intervals_were_made(tmp_path, seeds, said):
    study, found = measured(build(tmp_path / "run", seeds=seeds, spread=-10))
    text = " ".join(getattr(b, "text", "") for b in readings_section(study, found))
    assert said in text and ("Wilson" in text) == (seeds == (0,))
    assert f"without correction for their number ({2 * len(GRID)} gaps by condition)" in text


def test_a_model_may_have_the_name_of_a_reading(place):
    study = read_study([place])
    renamed = dataclasses.replace(study, networks={"batch_norm": study.networks["resnet18"]})
    read = measure_readings(renamed).models[0]
    assert (read.model, read.reading) == ("batch_norm", "batch_norm")
    assert read.degraded.gap.value == pytest.approx(0.2)


def test_training_runs_that_disagree_take_a_claim_back(tmp_path):
    """Of three seeds the reading helps by 20, 0 and -20 points: over images alone it would do."""
    _, found = measured(build(tmp_path / "run", seeds=(0, 1, 2)))
    read = next(read for read in found.models if read.reading == "batch_norm")
    assert read.runs == 3
    assert read.degraded.retrained is None  # all alike: no spread to judge by
    _, found = measured(build(tmp_path / "other", seeds=(0, 1, 2), spread=-30))
    read = next(read for read in found.models if read.reading == "batch_norm")
    gaps = [0.2, 0.05, -0.1]
    assert read.degraded.gap.value == pytest.approx(np.mean(gaps))
    half = 4.303 * np.std(gaps, ddof=1) / np.sqrt(3)  # Student's t with two degrees of freedom
    assert read.degraded.retrained[1:] == pytest.approx((0.05 - half, 0.05 + half), abs=1e-3)
    assert read.degraded.gap.excludes_zero()
    assert not read.degraded.is_shown
    words = lead(found, "resnet18", 0.5)
    assert words == "No difference shown for any reading, on degraded or clean images."
    clean = read.cells["clean"]  # 2 points fewer, 17 and 32
    gaps = [-0.02, -0.17, -0.32]
    half = 4.303 * np.std(gaps, ddof=1) / np.sqrt(3)
    assert clean.retrained[1:] == pytest.approx((-0.17 - half, -0.17 + half), abs=1e-3)
    assert clean.gap.excludes_zero() and not clean.is_shown


def test_a_claim_that_training_runs_bear_out_has_both_intervals(tmp_path):
    place = build(tmp_path / "run", seeds=(0, 1, 2), spread=-3)
    _, found = measured(place)
    gaps = np.array([0.2, 0.185, 0.17])
    half = 4.303 * gaps.std(ddof=1) / np.sqrt(3)
    ends = f"[{100 * (0.185 - half):.1f}, {100 * (0.185 + half):.1f}]"
    words = lead(found, "resnet18", 0.5)
    assert words.startswith("On degraded images better than as trained: batch_norm (+18.5 points [")
    assert f", over training runs {ends})" in words
    write_report([place])
    page = (place.report / "report.html").read_text()
    assert "<dt>resnet18 (three runs)</dt>" in page
    summary = tables_of_page(page, SECTION)[0]
    assert summary.cell("batch_norm", "over runs, degraded") == ends
    with (place.report / "readings.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["reading"] == "batch_norm"]
    for row in rows:  # each condition has them, not the mean alone
        middle = (float(row["runs_low"]) + float(row["runs_high"])) / 2
        assert middle == pytest.approx(float(row["gap"]))
    mean = rows[-1]
    assert float(mean["runs_low"]) == pytest.approx(0.185 - half, abs=1e-4)


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
    assert "| as trained | 50.0 [" in markdown
    assert "| batch\\_norm | 70.0 [" in markdown
    assert "Statistics of the batch. Here: batch size 40. Source: A paper." in markdown
    assert markdown.count("Statistics of the batch.") == 1  # of both, once


def test_tables_name_the_reading_of_every_column_and_have_the_counted_numbers(place):
    write_report([place])
    page, markdown = ((place.report / n).read_text() for n in ("report.html", "report.md"))
    tables = tables_of_page(page, SECTION)
    assert tables == tables_of_markdown(markdown, SECTION)
    summary, accuracies, gaps = tables
    names = [ITSELF, "batch_norm", "batch_norm(prior=16)"]
    assert list(summary.rows) == names
    above = [summary.cell(name, "above one answer") for name in names]
    assert above == ["1 of 2", "2 of 2", "1 of 2"]  # 80 of 200 are fewer than half
    assert accuracies.header == ["condition", *names] and gaps.header == ["condition", *names[1:]]
    conditions = ["clean", "jpeg, quality 30", "gaussian noise, sigma 0.2"]
    for name in names:
        counts = RIGHT["resnet18" if name == ITSELF else name]
        for short, count in zip(conditions, counts, strict=True):
            assert accuracies.numbers(short, name) == [pytest.approx(count / IMAGES)]
        value, low, high = summary.numbers(name, "clean %")
        assert (value, low, high) == pytest.approx(wilson(counts[0]), abs=TENTH)
        mean = pytest.approx(sum(counts[1:]) / 400, abs=TENTH)
        assert summary.numbers(name, "degraded %")[0] == mean
        if name != ITSELF:
            for short, read, own in zip(conditions, counts, RIGHT["resnet18"], strict=True):
                sign = "+" if read > own else ""
                assert gaps.cell(short, name).startswith(f"{sign}{(read - own) / 2:.1f} [")
    assert all(len(set(table.header)) == len(table.header) for table in tables)


def test_a_reading_that_was_cut_off_is_compared_on_what_both_have(tmp_path):
    place = build(tmp_path / "run")
    folder = place.run("resnet18", 0).reading("batch_norm")
    for path in (folder.root / "conditions").glob("gauss*"):
        path.unlink()
    _, found = measured(place)
    read = next(read for read in found.models if read.reading == "batch_norm")
    assert list(read.cells) == ["clean", "jpeg(quality=30)"] and read.open == 1
    assert read.degraded.gap.value == pytest.approx(30 / 200)
    assert list(left_open(found, "resnet18")) == [
        "Not tested to the end: batch_norm lacks 1 condition that resnet18 has. It is compared with"
        " resnet18 as trained in what both have, where as trained has 60.0 % on degraded images."
    ]
    write_report([place])
    summary, accuracies, gaps = tables_of_page((place.report / "report.html").read_text(), SECTION)
    assert summary.numbers(ITSELF, "degraded %")[0] == pytest.approx(0.5)  # over both conditions
    row = "gaussian noise, sigma 0.2"
    assert accuracies.rows[row] == [row, "40.0", "–", "40.0"] and gaps.rows[row][1] == "–"
    assert accuracies.numbers("mean of the degraded", ITSELF) == [pytest.approx(0.5)]


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
    (said, _) = left_open(measure_readings(half), "resnet18")
    assert said.startswith("Not tested to the end: batch_norm lacks 1 training run that resnet18")


def test_notes_of_fits_are_told_once_for_all_readings_that_have_them(tmp_path):
    place = build(tmp_path / "run")
    for name in ("batch_norm", "batch_norm(prior=16)"):
        folder = place.run("resnet18", 0).reading(name)
        folder.write_record({**RECORD, "notes": ["no training images of dog"]})
    _, found = measured(place)
    assert list(left_open(found, "resnet18")) == [
        "resnet18, batch_norm and batch_norm(prior=16): No training images of dog."
    ]
