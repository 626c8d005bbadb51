"""Operating envelopes in the report: answers whose curves are known, to the image."""

import csv
import json

import numpy as np
import pytest

from lqjax.imaging.ladders import expand_ladders
from lqjax.metrics.summary import summarise
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.envelope_words import ladder_sentences
from lqjax.reporting.envelopes import measure_envelopes
from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study
from lqjax.rows import Row
from lqjax.rungs import Rungs
from lqjax.workdir import Workdir
from tests.blank_figures import blank_figures

IMAGES = 200
STRENGTHS = {"alexnet": 2.0, "resnet50": 1.0}
"""Points of accuracy that a model loses with each hundredth of sigma."""

NOISE = "gaussian_noise(sigma=0.04..0.4*10)"
JPEG = "jpeg(quality=10..90)"
GRID = ("clean", "gaussian_noise(sigma=0.2)", "jpeg(quality=30)")


def severity(name):
    """Sigma that does the same damage here; sigma 0.2 stands in the grid, too."""
    if name == "clean":
        return 0.0
    value = float(name.partition("=")[2].rstrip(")"))
    return value if "sigma" in name else (100 - value) / 250


def write_row(run, name, right, labels, psnr):
    logits = np.zeros((IMAGES, 2), np.float32)
    logits[np.arange(IMAGES), np.where(right, labels, 1 - labels)] = 4
    operation, _, value = name.partition("(")
    label = f"{operation.replace('_', ' ')}, {value.rstrip(')').replace('=', ' ')}"
    row = Row(
        model=run.model, dataset="made", seed=run.seed, fold=run.fold, condition=name,
        family=operation, level=value.rstrip(")"), label=label if value else name, image_size=32,
        psnr=psnr, ssim=1.0, **summarise(logits, labels),
    )  # fmt: skip
    run.write_condition(row, logits)


def build(path, ladders=(NOISE, JPEG), models=STRENGTHS, left_out=(), psnr=True, **settings):
    """Answers that fall in a straight line: accuracy is 1 less strength times severity."""
    place = Workdir.at(path)
    labels = (np.arange(IMAGES) % 2).astype(np.int32)
    hardness = np.random.default_rng(3).permutation((np.arange(IMAGES) + 0.5) / IMAGES)
    rungs = Rungs(GRID, expand_ladders(ladders))
    place.root.mkdir(parents=True)
    place.add_rungs(rungs)
    for model, strength in models.items():
        run = place.run(model, 0)
        run.write_examples(np.arange(IMAGES), labels, ("cat", "dog"))
        for name in rungs.conditions:
            if (model, name) in left_out:
                continue
            sigma = severity(name)
            right = hardness > strength * sigma
            decibels = -20 * np.log10(sigma) if sigma and psnr else None
            write_row(run, name, right, labels, decibels)
    evaluation = {"conditions": GRID, "envelopes": ladders, **settings}
    config = {"model": {"names": list(models)}, "evaluation": evaluation}
    (place.root / "config.json").write_text(json.dumps(config))
    return place


def measured(place):
    study = read_study([place])
    return study, measure_envelopes(study, compare_models(study))


@pytest.fixture(scope="module")
def floored(tmp_path_factory):
    place = build(tmp_path_factory.mktemp("envelopes") / "run", envelope_floor=0.8,
                  envelope_drop=0.1)  # fmt: skip
    return place, *measured(place)


def test_crossings_are_where_straight_lines_meet_their_limits(floored):
    _, _, envelopes = floored
    noise = envelopes.ladders[0]
    for model in noise.models:
        strength = STRENGTHS[model.model]
        assert model.clean == 1
        assert model.drop.found.level == pytest.approx(0.1 / strength, abs=1e-9)
        assert model.floor.found.level == pytest.approx(0.2 / strength, abs=1e-9)
        ends = model.floor.mildest.level, model.floor.strongest.level
        # Binomial spread of the accuracy there, brought to the axis by the slope.
        expected = 1.96 * np.sqrt(0.8 * 0.2 / IMAGES) / strength
        assert ends[1] - ends[0] == pytest.approx(2 * expected, rel=0.15)
        lines = np.interp(model.floor.found.level, noise.ladder.levels, noise.psnr)
        assert model.floor.found.psnr == pytest.approx(lines)


def test_a_ladder_written_from_strong_to_mild_is_turned_round_by_psnr(floored, tmp_path):
    _, _, envelopes = floored
    jpeg = envelopes.ladders[1]
    assert jpeg.ladder.levels == tuple(range(90, 0, -10))
    resnet = jpeg.models[1]
    assert resnet.floor.found.level == pytest.approx(100 - 0.2 * 250)
    _, blind = measured(build(tmp_path / "run", ladders=("jpeg(quality=90..10)",), psnr=False))
    assert blind.ladders[0].ladder.levels == tuple(range(90, 0, -10))
    assert blind.ladders[0].models[1].drop.found.psnr is None


def test_the_wider_envelope_is_named(floored):
    _, _, envelopes = floored
    noise = envelopes.ladders[0]
    assert (envelopes.leader, envelopes.other) == ("resnet50", "alexnet")
    assert noise.drop_gap.shown and noise.drop_gap.reach.value == pytest.approx(0.05)
    text = ladder_sentences(envelopes, noise)
    assert "resnet50 holds 80 % up to sigma 0.200 [0.1" in text
    assert "alexnet loses 10 points at sigma 0.050 [milder than 0.04, 0.0" in text
    claim = "For these trained networks, resnet50 withstands more than alexnet, by 0.050 [0.0"
    assert claim in text
    jpeg = ladder_sentences(envelopes, envelopes.ladders[1])
    assert "resnet50 holds 80 % down to quality 50 [" in jpeg and "(PSNR 14.0 dB)" in jpeg


def test_what_holds_for_both_is_said_once(tmp_path):
    models = {"alexnet": 0.02, "resnet50": 0.02}
    _, envelopes = measured(build(tmp_path / "run", models=models, envelope_floor=0.5))
    text = ladder_sentences(envelopes, envelopes.ladders[0])
    assert "both hold 50 % on the whole ladder, up to sigma 0.4." in text
    assert "Neither loses 5 points anywhere on the ladder, up to sigma 0.4." in text
    assert text.count("No difference between") == 1 and text.count("up to sigma 0.4") == 2


def test_sentences_for_ends_beyond_the_ladder(tmp_path):
    models = {"alexnet": 4.0, "resnet50": 0.1, "third": 0.2}
    _, envelopes = measured(build(tmp_path / "run", models=models, envelope_floor=0.97))
    text = ladder_sentences(envelopes, envelopes.ladders[0])
    assert "alexnet has already lost 5 points at the mildest value tested, sigma 0.04" in text
    assert "resnet50 does not lose 5 points anywhere on the ladder, up to sigma 0.4" in text
    assert "alexnet is already below 97 % at the mildest value tested, sigma 0.04" in text
    assert "resnet50 holds 97 % up to sigma 0." in text
    assert "resnet50 withstands more than third" in text or "and third is shown" in text


def test_clean_accuracy_below_the_floor_is_said(tmp_path):
    place = build(tmp_path / "run", envelope_floor=0.9)
    labels = (np.arange(IMAGES) % 2).astype(np.int32)
    for model in STRENGTHS:
        right = np.arange(IMAGES) % 4 > 0
        write_row(place.run(model, 0), "clean", right, labels, None)
    _, envelopes = measured(place)
    text = ladder_sentences(envelopes, envelopes.ladders[0])
    assert "alexnet is already below 90 % on clean images (75.0 %)" in text


@blank_figures()
def test_unfinished_ladders_say_so(tmp_path):
    names = expand_ladders(NOISE)[0].conditions[3:]
    place = build(tmp_path / "run", left_out={("alexnet", name) for name in names[1:]})
    _, envelopes = measured(place)
    noise = envelopes.ladders[0]
    count = 1 + 10 - len(names[1:])
    assert noise.unfinished == {"alexnet": count} and noise.drop_gap is None
    assert [model.model for model in noise.models] == ["resnet50"]
    text = ladder_sentences(envelopes, noise)
    assert f"alexnet was tested under {count} of the 11 conditions" in text
    _, envelopes = measured(build(tmp_path / "other", models={"resnet50": 1.0}))
    assert envelopes.ladders[0].unfinished == {}
    write_report([place])  # the rest of the report is there


@blank_figures()
def test_ladders_leave_means_tests_and_verdict_as_they_are(floored, tmp_path):
    place, study, _ = floored
    without = build(tmp_path / "run", ladders=())
    assert not (without.root / "ladders.json").exists()
    plain, there = read_study([without]), study
    assert [c.name for c in there.conditions] == [c.name for c in plain.conditions]
    assert {c.name for c in there.rungs}.isdisjoint(GRID)
    one, other = compare_models(plain), compare_models(there)
    assert (one.mean, one.mean_gap, one.tests) == (other.mean, other.mean_gap, other.tests)
    assert [c.condition.name for c in one.cells] == [c.condition.name for c in other.cells]
    assert write_report([without]).verdict == write_report([place]).verdict
    assert (without.report / "results.csv").read_text() == (
        place.report / "results.csv"
    ).read_text()
    assert not (without.report / "envelope.csv").exists()
    assert "Operating envelope" not in (without.report / "report.html").read_text()


def test_the_report_has_sentences_table_figure_and_files(floored):
    place, _, envelopes = floored
    write_report([place])
    page = (place.report / "report.html").read_text()
    text = (place.report / "report.md").read_text()
    for written in (page, text):
        assert "Operating envelope" in written
        assert "holds 80 % up to sigma 0.2" in written
        assert "enter no mean, no test and no verdict" in written
    assert len((place.report / "figures" / "envelope.png").read_bytes()) > 10_000
    assert "prefers-color-scheme:dark" in (place.report / "figures" / "envelope.svg").read_text()
    rows = list(csv.DictReader((place.report / "envelope.csv").read_text().splitlines()))
    assert len(rows) == 8  # two ladders, two models, two limits
    found = {(r["model"], r["parameter"], r["kind"]): r for r in rows}
    record = found["resnet50", "sigma", "floor"]
    floor = envelopes.ladders[0].models[1].floor
    assert float(record["severity"]) == floor.found.level
    assert float(record["severity_mild"]) == floor.mildest.level
    assert float(record["psnr"]) == floor.found.psnr and record["ladder"] == NOISE
    levels = list(csv.DictReader((place.report / "envelope_levels.csv").read_text().splitlines()))
    assert len(levels) == 2 * (10 + 9)
    for row in levels:
        strength = STRENGTHS[row["model"]]
        expected = 1 - strength * severity(row["condition"])
        assert float(row["accuracy"]) == pytest.approx(expected, abs=0.51 / IMAGES)


def test_a_directory_without_ladders_keeps_its_grid_beside_one_that_has_some(tmp_path):
    ladder = build(tmp_path / "one", models={"alexnet": 2.0})
    plain = build(tmp_path / "two", models={"resnet50": 1.0}, ladders=())
    rung = "gaussian_noise(sigma=0.08)"
    labels = (np.arange(IMAGES) % 2).astype(np.int32)
    write_row(plain.run("resnet50", 0), rung, np.ones(IMAGES, bool), labels, 22.0)
    study = read_study([ladder, plain])
    assert rung in {c.name for c in study.rungs}  # the second did not ask for it either
    config = {"evaluation": {"conditions": [*GRID, rung]}}
    (plain.root / "config.json").write_text(json.dumps(config))
    study = read_study([ladder, plain])
    assert rung in {c.name for c in study.conditions}


def test_several_seeds_are_pooled(tmp_path):
    place = build(tmp_path / "run", ladders=(NOISE,), models={"resnet50": 1.0})
    labels = (np.arange(IMAGES) % 2).astype(np.int32)
    run = place.run("resnet50", 1)
    run.write_examples(np.arange(IMAGES), labels, ("cat", "dog"))
    hardness = np.random.default_rng(3).permutation((np.arange(IMAGES) + 0.5) / IMAGES)
    for name in Rungs(GRID, expand_ladders((NOISE,))).conditions:
        sigma = severity(name)
        write_row(run, name, hardness > 2 * sigma, labels, -20 * np.log10(sigma) if sigma else None)
    _, envelopes = measured(place)
    (model,) = envelopes.ladders[0].models
    assert envelopes.other == "" and envelopes.ladders[0].drop_gap is None
    assert model.drop.found.level == pytest.approx(0.05 / 1.5, abs=1e-9) or (
        model.drop.found.where == "milder"  # 0.033 lies before the first level, 0.04
    )
    shares = [e.value for e in model.accuracy]
    expected = [1 - 1.5 * sigma for sigma in envelopes.ladders[0].ladder.levels]
    assert shares == pytest.approx(expected, abs=0.51 / IMAGES)


@pytest.mark.slow
@pytest.mark.parametrize("images", [1, 2])
def test_one_or_two_images_on_a_ladder_are_no_error(images, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "IMAGES", images)
    place = build(tmp_path / "run", ladders=(NOISE,))
    write_report([place])
    text = (place.report / "report.md").read_text()
    assert ("## Operating envelope" in text) == (images == 2)
