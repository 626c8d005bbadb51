"""The audit from a folder of pictures to its files, and the mode that does it."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from etils import epath
from PIL import Image, ImageFilter

import lqjax
from lqjax import data_audit
from lqjax.arguments import parse
from lqjax.auditing.flags import rules
from lqjax.cli import main
from lqjax.config import AuditConfig, DataConfig
from lqjax.data.loading import load_dataset
from lqjax.reporting.audit_figure import spread_figure, spread_in_words
from lqjax.reporting.audit_values import in_column, in_percent
from tests.auditing.tables import make_table

SIDE = 64
ODD_NAME = "a <b>&\"'é.png"


def scene(seed, side=SIDE):
    """Draw a picture of sharp shapes in many levels."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    levels = 0.5 + 0.2 * np.sin(9 * x + seed) * np.cos(7 * y)
    for _ in range(12):
        top, left = random.integers(0, side - 12, 2)
        tall, wide = random.integers(6, 24, 2)
        levels[top : top + tall, left : left + wide] = random.random()
    color = levels[..., None] * random.uniform(0.7, 1, 3)
    return Image.fromarray(np.clip(255 * color, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make a data set in which each thing is wrong once."""
    root = tmp_path_factory.mktemp("films")
    for part, count in (("train", 14), ("test", 6)):
        for number, name in enumerate(("cat", "dog")):
            (root / part / name).mkdir(parents=True)
            for i in range(count):
                picture = scene(1000 * number + 100 * (part == "test") + i)
                picture.save(root / part / name / f"{i}.png")
    cat = root / "train" / "cat"
    scene(5001, 256).filter(ImageFilter.GaussianBlur(25)).save(cat / "blurred.png")
    Image.fromarray((np.asarray(scene(5002)) * 0.1).astype(np.uint8)).save(cat / "night.png")
    scene(5003).save(cat / "q5.jpg", quality=5)
    noise = np.random.default_rng(0).normal(0, 40, (SIDE, SIDE, 3))
    Image.fromarray(np.clip(np.asarray(scene(5004)) + noise, 0, 255).astype(np.uint8)).save(
        cat / "noise.png"
    )
    scene(5005).resize((SIDE, 16)).save(cat / "strip.png")
    scene(5006, 300).save(cat / "large.png")
    Image.new("RGB", (SIDE, SIDE), (255, 255, 255)).save(cat / "white.png")
    scene(5007).save(cat / ODD_NAME)
    twin = (root / "test" / "cat" / "0.png").read_bytes()
    (cat / "leak.png").write_bytes(twin)
    (root / "train" / "dog" / "conflict.png").write_bytes((cat / "0.png").read_bytes())
    scene(5008, 200).save(root / "test" / "dog" / "near.png")
    scene(5008, 200).save(root / "train" / "dog" / "near.jpg", quality=60)
    (cat / "broken.png").write_bytes(b"not a picture")
    return root


@pytest.fixture(scope="module")
def audited(folder, tmp_path_factory):
    return lqjax.audit(source="folder", path=str(folder), workdir=tmp_path_factory.mktemp("run"))


def lines_of(audited, name):
    with Path(audited.folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def flags_of(audited):
    return {
        line["id"]: set(line["flags"].split(";")) - {""} for line in lines_of(audited, "audit.csv")
    }


@pytest.mark.parametrize(
    ("example", "flag"),
    [
        ("train/cat/blurred.png", "blurry"),
        ("train/cat/blurred.png", "out_of_focus"),
        ("train/cat/night.png", "dark"),
        ("train/cat/q5.jpg", "compressed"),
        ("train/cat/noise.png", "noisy"),
        ("train/cat/strip.png", "odd_aspect"),
        ("train/cat/large.png", "odd_size"),
        ("train/cat/white.png", "over_exposed"),
        ("train/cat/white.png", "low_contrast"),
        ("train/cat/white.png", "low_information"),
        ("train/cat/leak.png", "exact_duplicate"),
        ("train/dog/conflict.png", "label_conflict"),
        ("train/cat/0.png", "label_conflict"),
        ("train/dog/near.jpg", "near_duplicate"),
        ("train/cat/broken.png", "unreadable"),
    ],
)
def test_what_is_wrong_with_a_picture_is_said_of_it(audited, example, flag):
    assert flag in flags_of(audited)[example]


def test_fair_pictures_have_no_flag(audited):
    fair = [f"{part}/{name}/{i}.png" for part in ("train", "test") for name in ("cat", "dog")
            for i in range(1, 6)]  # fmt: skip
    assert {example: flags for example, flags in flags_of(audited).items()
            if example in fair and flags} == {}  # fmt: skip


def test_every_picture_has_a_line_with_its_measures(audited, folder):
    lines = lines_of(audited, "audit.csv")
    assert len(lines) == sum(path.is_file() for path in folder.rglob("*"))
    strip = next(line for line in lines if line["id"] == "train/cat/strip.png")
    assert (strip["width"], strip["height"], strip["aspect"]) == ("64", "16", "0.25")
    assert strip["bytes"] == str((folder / "train/cat/strip.png").stat().st_size)
    assert (strip["split"], strip["class"]) == ("train", "cat") and strip["name"].endswith(
        "strip.png"
    )


def test_duplicates_name_splits_and_labels(audited):
    found = {}
    for line in lines_of(audited, "duplicates.csv"):
        found.setdefault(line["group"], []).append(line)
    by_ids = {frozenset(line["id"] for line in group): group for group in found.values()}
    leak = by_ids[frozenset({"test/cat/0.png", "train/cat/leak.png"})]
    assert leak[0]["id"] == "test/cat/0.png"  # it stays
    assert {line["leak"] for line in leak} == {"1"} and leak[0]["kind"] == "exact"
    conflict = by_ids[frozenset({"train/cat/0.png", "train/dog/conflict.png"})]
    assert {line["label_conflict"] for line in conflict} == {"1"}
    near = by_ids[frozenset({"test/dog/near.png", "train/dog/near.jpg"})]
    assert near[0]["kind"] == "near" and int(near[0]["bits"]) <= 2


def test_keep_csv_says_of_every_picture_whether_it_stays(audited):
    kept = {line["id"]: (line["keep"], line["reasons"]) for line in lines_of(audited, "keep.csv")}
    assert len(kept) == len(lines_of(audited, "audit.csv"))
    assert kept["train/cat/leak.png"] == ("0", "exact_duplicate")
    assert kept["test/cat/0.png"] == ("1", "")
    assert kept["train/cat/broken.png"] == ("0", "unreadable")
    assert kept["train/cat/blurred.png"] == ("1", "")  # audit.drop does not name it
    gone = {example for example, (keep, _) in kept.items() if keep == "0"}
    assert gone == {"train/cat/leak.png", "train/dog/conflict.png", "train/cat/broken.png"}
    assert audited.kept == len(kept) - 3


def test_training_reads_keep_csv(audited, folder):
    settings = DataConfig(source="folder", path=str(folder), keep=str(audited.folder / "keep.csv"))
    dataset = load_dataset(settings)  # the broken picture is not even opened
    ids = {*dataset.train.ids, *dataset.validation.ids, *dataset.test.ids}
    assert "train/cat/leak.png" not in ids and "train/cat/blurred.png" in ids
    assert len(ids) == audited.kept


@pytest.mark.slow
def test_what_audit_drop_names_is_left_out(folder, tmp_path):
    found = lqjax.audit(
        source="folder", path=str(folder), workdir=tmp_path, thumbnails=0, train_limit=20,
        drop=("out_of_focus", "label_conflict", "odd_size"),
    )  # fmt: skip
    kept = {line["id"]: (line["keep"], line["reasons"]) for line in lines_of(found, "keep.csv")}
    measured = {line["id"] for line in lines_of(found, "audit.csv")}
    assert len(measured) < len(kept)  # those that the limit left out are kept
    assert {kept[e] for e in kept if e not in measured} == {("1", "not_audited")}
    dropped = {e: reasons for e, (keep, reasons) in kept.items() if keep == "0"}
    reasons = {reason for found in dropped.values() for reason in found.split(";")}
    assert reasons and reasons <= {"out_of_focus", "label_conflict", "odd_size", "unreadable"}
    assert '<ul class="thumbnails"' not in found.page.read_text()
    command = re.search(r"<dd><code>.*?</code>", found.page.read_text())[0]
    assert "keep.csv" in command
    assert "on_bad_image=skip" in command  # what nobody has looked at may be damaged


def test_the_page_needs_nothing_else_and_escapes_names(audited):
    page = audited.page.read_text()
    assert "default-src 'none'" in page and "script-src 'sha256-" in page
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert addresses and all(a.startswith(("data:image/", "#")) for a in addresses)
    assert "a <b>" not in page
    assert page.count("<img") == page.count("alt=")
    for word in ("Blurry", "Out of focus", "Duplicates", "Not readable", "Degradations like these"):
        assert word in page
    assert "not a picture" not in page and "broken.png" in page


def test_numbers_on_the_page_have_few_digits(audited):
    page = audited.page.read_text()
    shares = re.findall(r"\(([<\d.]+) %\): ", page)
    assert len(shares) >= 8 and all(re.fullmatch(r"<?\d+\.\d", share) for share in shares)
    assert (in_percent(1, 5030), in_percent(0, 5030), in_percent(16, 5030)) == (
        "<0.1", "0.0", "0.3",
    )  # fmt: skip
    values = [in_column("sharpness", value) for value in (0.408, 0.26, 0.0, float("nan"))]
    assert values == ["0.408", "0.260", "0", "–"]
    assert in_column("entropy", 6.0) == "6.00 bit"
    assert "1 picture (1.9 %): shorter by longer side below 0.35 (audit.aspect_below).</p>" in (
        page.replace("\N{NO-BREAK SPACE}", " ")
    )


def test_a_measure_that_is_the_same_in_all_pictures_has_no_histogram():
    table = make_table(jpeg_quality=[90.0] * 11 + [np.nan])
    rules_of = {rule.flag: rule for rule in rules(table, AuditConfig())}
    values = table.measures["jpeg_quality"]
    assert spread_figure(values, rules_of["compressed"]) is None
    assert spread_figure(values - 60, rules_of["compressed"]) is not None  # flagged, all of them
    assert spread_figure(values - np.arange(12), rules_of["compressed"]) is not None


def test_a_histogram_says_what_it_cuts_off():
    table = make_table(1000, entropy=np.append(np.linspace(5, 6, 999), 99))
    rule = next(rule for rule in rules(table, AuditConfig()) if rule.flag == "low_information")
    words = spread_in_words(table.measures["entropy"], rule)
    assert "5th to 95th percentile 5.05 to 5.95 bit; none beyond" in words
    assert words.endswith("The bars at the ends have what lies farther out.")
    assert "ends" not in spread_in_words(np.full(5, 5.5), rule)


@pytest.mark.slow
def test_thumbnails_are_left_out_where_pictures_may_not_be_shown(folder, tmp_path):
    found = lqjax.audit(source="folder", path=str(folder), workdir=tmp_path, show_images=False)
    assert "data:image/png" not in found.page.read_text()
    assert "data:image/svg" in found.page.read_text()  # histograms stay


def test_what_is_said_fits_the_screen(audited):
    text = "\n".join(audited.lines)
    assert audited.lines[0].endswith(": 52 pictures (35 train, 4 validation, 13 test), 2 classes")
    assert len(audited.lines) <= 10
    assert "a leak" in text and "several labels" in text and "cannot be read" in text


@pytest.mark.slow
def test_the_mode_writes_the_page_and_results_stay_untouched(folder, tmp_path, capsys):
    (tmp_path / "config.json").write_text("{}")
    flags = ["--mode=audit", f"--workdir={tmp_path}", "--config=configs/compare.py",
             f"--config.data.path={folder}", "--config.data.source=folder",
             "--config.run.progress=False"]  # fmt: skip
    assert main(flags) == 0
    assert f"audit: {tmp_path / 'audit' / 'audit.html'}" in capsys.readouterr().out
    assert (tmp_path / "config.json").read_text() == "{}"
    assert not list((tmp_path / "audit").glob("*.tmp"))


def test_an_interrupted_audit_leaves_no_files(folder, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("lqjax.auditing.measuring.measure", interrupted)
    flags = ["--mode=audit", f"--workdir={tmp_path}", "--config=configs/compare.py",
             f"--config.data.path={folder}"]  # fmt: skip
    assert main(flags) == 130
    said = capsys.readouterr().err
    assert "stopped; the same command begins anew" in said and "checkpoint" not in said
    assert not (tmp_path / "audit").exists()


@pytest.mark.slow
@pytest.mark.parametrize("last", ["blurry.svg", "keep.csv", "audit.html"])
def test_an_audit_that_is_interrupted_while_it_writes_leaves_whole_files(
    audited, folder, tmp_path, monkeypatch, last
):
    kind = type(epath.Path(tmp_path))
    write = kind.write_bytes

    def interrupted(path, content):
        if path.name.startswith(last):
            write(path, content[: len(content) // 2])
            raise KeyboardInterrupt
        return write(path, content)

    monkeypatch.setattr(kind, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lqjax.audit(source="folder", path=str(folder), workdir=tmp_path)
    whole = {path.name: path.read_bytes() for path in Path(audited.folder).rglob("*.*")}
    left = {path.name: path.read_bytes() for path in (tmp_path / "audit").rglob("*.*")}
    assert last not in left and "audit.html" not in left  # the page comes last
    assert left == {name: whole[name] for name in left}
    assert (last == "blurry.svg") == (not left)


def test_several_processes_are_refused(monkeypatch, folder):
    with pytest.raises(ValueError, match="--mode=audit does not read --processes"):
        parse(["--mode=audit", "--processes=2"])
    monkeypatch.setattr(data_audit, "several_processes", lambda: True)
    with pytest.raises(ValueError, match="one process"):
        lqjax.audit(source="folder", path=str(folder))


def test_data_without_any_readable_picture_are_refused(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(20):
            (tmp_path / "data" / name / f"{i}.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no picture can be read, the first: ") as caught:
        lqjax.audit(source="folder", path=str(tmp_path / "data"), workdir=tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_a_wrong_flag_is_refused_with_those_allowed():
    with pytest.raises(ValueError, match=r"audit.drop='blury' is not possible; allowed: blurry"):
        lqjax.audit(drop=("blury",))


def test_audit_stays_a_function_after_its_first_call():
    assert callable(lqjax.audit) and lqjax.audit is lqjax.audit
