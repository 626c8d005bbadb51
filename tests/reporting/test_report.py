"""The whole report from hand-made working directories."""

import base64
import csv
import hashlib
import html.parser
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from lqjax.reporting.report import write_report
from lqjax.rows import Row, read_lines
from tests.blank_figures import blank_figures

FIGURES = (
    *("accuracy", "confusion", "confusion-gap", "cost", "gallery", "learning", "mistakes"),
    *("heat_map", "reliability"),
)
RISING = (0.3, 0.45, 0.6, 0.72)
WIDEST_LINE = 100
EXTERNAL = re.compile(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(?!data:|#|["'])""", re.I)


class Outline(html.parser.HTMLParser):
    """Checks that elements close in order, and collects what the tests ask about."""

    VOID = ("meta", "img", "wbr")

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.tags, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text.append(data)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location("made", Path(__file__).with_name("conftest.py"))
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    workdir = made.build(tmp_path_factory.mktemp("whole") / "run")
    return workdir, write_report([workdir])


def page_of(workdir):
    return (workdir.report / "report.html").read_text()


def visible(workdir):
    return " ".join(Outline(page_of(workdir)).text)


def test_report_is_one_folder_with_everything(whole):
    workdir, result = whole
    assert result.path == workdir.report / "report.html"
    names = {p.name for p in workdir.report.iterdir()}
    assert names >= {"report.html", "report.md", "results.csv", "results.jsonl", "figures"}
    more = {name for name in names if name.endswith(".csv")}
    assert names <= {"report.html", "report.md", "results.jsonl", "figures"} | more
    figures = {p.name for p in (workdir.report / "figures").iterdir()}
    assert figures == {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}


def test_verdict_comes_first_and_names_winner_margin_and_chance(whole):
    workdir, result = whole
    assert result.verdict.startswith("For these two trained networks (one run each), resnet50 ")
    assert re.search(r"classified \d+\.\d points \[\d+\.\d, \d+\.\d\] more of the", result.verdict)
    assert "(mean over 12 conditions, 360 images)" in result.verdict
    assert "; on clean images " in result.verdict
    text = visible(workdir)
    assert text.index("resnet50 is ahead by") < text.index("Accuracy by condition")
    assert "cover the choice of test images only" in text


def test_page_is_well_formed_and_needs_nothing_else(whole):
    page = page_of(whole[0])
    outline = Outline(page)
    assert page.startswith("<!DOCTYPE html>")
    assert dict(outline.attributes)["html"] == {"lang": "en"}
    assert "link" not in outline.tags and outline.tags.count("script") == 1
    (policy,) = (a["content"] for t, a in outline.attributes if a.get("http-equiv"))
    script = re.search(r"<script>(.*?)</script>", page, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy
    assert not EXTERNAL.search(re.sub(r"data:image[^\"]*", "data:", page))
    assert "http://" not in page and "https://" not in page


def test_page_can_be_read_without_eyes(whole):
    outline = Outline(page_of(whole[0]))
    images = [attributes for tag, attributes in outline.attributes if tag == "img"]
    assert len(images) == len(FIGURES)
    assert all(len(image["alt"]) > 20 for image in images)
    heads = [attributes for tag, attributes in outline.attributes if tag == "th"]
    assert heads and all(head["scope"] in ("col", "row") for head in heads)
    headings = [tag for tag in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == "h1" and set(headings[1:]) == {"h2"}


def test_figures_are_valid_and_follow_a_dark_page(whole):
    for name in FIGURES:
        svg = (whole[0].report / "figures" / f"{name}.svg").read_text()
        ElementTree.fromstring(svg)
        assert "prefers-color-scheme:dark" in svg
        png = (whole[0].report / "figures" / f"{name}.png").read_bytes()
        assert png.startswith(b"\x89PNG") and len(png) < 1_000_000


def test_results_hold_one_row_per_model_and_condition_in_reading_order(whole):
    workdir, _ = whole
    rows = read_lines(Row, workdir.report / "results.jsonl")
    assert len(rows) == 26
    assert [r.condition for r in rows[:3]] == [
        "clean", "low_quality/gaussian_noise@low", "low_quality/gaussian_noise@medium",
    ]  # fmt: skip
    with (workdir.report / "results.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [r["condition"] for r in table] == [r.condition for r in rows]
    assert [int(r["correct"]) for r in table] == [r.correct for r in rows]
    assert table[0]["psnr"] == ""


def test_terminal_table_fits_and_says_what_the_rows_say(whole):
    workdir, result = whole
    lines = result.table.splitlines()
    assert max(map(len, lines)) <= WIDEST_LINE
    assert len(lines) == 2 + 13 + 1 + 1
    rows = {(r.model, r.condition): r for r in read_lines(Row, workdir.report / "results.jsonl")}
    for model, column in (("alexnet", 0), ("resnet50", 1)):
        row = rows[model, "low_quality/jpeg@high"]
        line = next(line for line in lines if line.startswith("JPEG, high"))
        cell = re.findall(r"[\d.]+ \[[\d.]+, [\d.]+\]", line)[column]
        wanted = (row.accuracy, row.accuracy_low, row.accuracy_high)
        assert [float(v) for v in re.findall(r"[\d.]+", cell)] == [
            round(100 * v, 1) for v in wanted
        ]


def test_markdown_says_the_same_and_its_links_exist(whole):
    workdir, result = whole
    text = (workdir.report / "report.md").read_text()
    assert result.verdict in text.replace("\\_", "_")
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert len(links) == len(FIGURES)
    assert all((workdir.report / link).exists() for link in links)
    check_markdown_tables(text)


def check_markdown_tables(text):
    tables = re.findall(r"(?:^\|.*\n)+", text, re.M)
    assert tables
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_provenance_is_told(whole):
    text = visible(whole[0])
    for wanted in (
        "1,257 training, 180 validation and 360 test", "CC BY 4.0", "1 file left out",
        "cat/broken.jpg", "truncated file", "4e823b1f", "jax 0.10.2", "adamw",
        "8 px originals, upsampled to 64 px.",
    ):  # fmt: skip
        assert wanted in text


def test_damage_stands_beside_the_metrics(whole):
    lines = (whole[0].report / "report.md").read_text().splitlines()
    heads = [line for line in lines if "PSNR, dB" in line]
    assert heads == ["| condition | PSNR, dB | SSIM |"]  # once, whatever the network
    row = next(line for line in lines if line.startswith("| JPEG, high") and "18.0" in line)
    assert row.endswith("| 18.0 | 0.450 |")
    assert any(line.startswith("| clean |") and line.endswith("| 1.000 |") for line in lines)


@blank_figures()
def test_rows_without_ssim_have_no_such_column(make_workdir):
    workdir = make_workdir(conditions=two_conditions(), gallery=False, extras=False)
    for path in (workdir.root / "runs").glob("*/*/conditions/*.json"):
        values = json.loads(path.read_text())
        del values["ssim"]
        path.write_text(json.dumps(values))
    write_report([workdir])
    text = (workdir.report / "report.md").read_text()
    assert "| PSNR, dB |" in text and "| SSIM |" not in text


def test_costs_carry_units_and_spread(whole):
    text = visible(whole[0])
    for wanted in (
        "61.1 M (61,100,840)",
        "4.09 G",
        "714 M",
        "3 min 12 s",
        "float32",
        "Throughput by batch size",
    ):
        assert wanted in text
    assert re.search(r"12\.3\s+\[11\.8, 13\.3\]", text)


NAMES_OF_USERS = (
    "<script>alert(1)</script>",
    "a|b",
    "[x](javascript:alert(1))",
    "$\\frac{1}$",
    '"><b>',
    "猫",
    "*x* _y_ `z`",
)


@pytest.mark.slow
def test_names_of_users_are_text_and_nothing_else(make_workdir):
    joined = " ".join(NAMES_OF_USERS)
    workdir = make_workdir(
        names=list(NAMES_OF_USERS), n=70, dataset=joined, conditions=two_conditions(joined)
    )
    environment = json.loads((workdir.root / "environment.json").read_text())
    environment["dataset"] |= {"name": joined, "credit": joined, "skipped": [[joined, joined]]}
    (workdir.root / "environment.json").write_text(json.dumps(environment))
    write_report([workdir])
    outline = Outline(page_of(workdir))
    assert outline.tags.count("script") == 1 and "b" not in outline.tags
    for name in NAMES_OF_USERS:
        assert "".join(outline.text).count(name) >= 5
    text = (workdir.report / "report.md").read_text()
    check_markdown_tables(text)
    assert "<script" not in text and not re.search(r"(?<!\\)\]\(javascript", text)


def two_conditions(label="JPEG, quality 10"):
    return [
        ("clean", "clean", "", "clean", 0.0, None),
        ("jpeg(quality=10)", "jpeg", "", label, 0.3, 20.0),
    ]


@blank_figures()
def test_one_model_has_accuracies_and_no_gap(make_workdir):
    workdir = make_workdir(models=(("alexnet", 0.86),), conditions=two_conditions())
    result = write_report([workdir])
    assert result.verdict.startswith("For this one trained network, alexnet classified ")
    assert "no second model" in result.verdict
    assert "gap" not in result.table and "Gap" not in visible(workdir)


@blank_figures()
def test_two_classes_have_no_top_5(make_workdir):
    workdir = make_workdir(
        names=["normal", "pneumonia"], models=(("alexnet", 0.8),), conditions=two_conditions()
    )
    write_report([workdir])
    assert "top-5" not in page_of(workdir)


@pytest.mark.slow
def test_a_thousand_classes_are_named_where_they_are_confused(make_workdir):
    workdir = make_workdir(classes=1000, n=2000, conditions=two_conditions(), gallery=False)
    write_report([workdir])
    text = visible(workdir)
    assert "Commonest mistakes by name" in text and "top-5" in text


@pytest.mark.slow
def test_what_was_not_recorded_is_left_out(make_workdir):
    workdir = make_workdir(gallery=False, extras=False, conditions=two_conditions())
    result = write_report([workdir])
    headings = re.findall(r"<h2[^>]*>([^<]*)", page_of(workdir))
    absent = {"What the networks saw", "Most confident mistakes", "Training", "Cost"}
    assert headings[0] == "Accuracy by condition" and headings[-1] == "How it was made"
    assert not absent & set(headings) and "What is mistaken for what" in headings
    assert result.verdict.startswith("For these two trained networks")


@pytest.mark.slow
def test_clean_images_alone_decide_where_nothing_else_was_tested(make_workdir):
    models = (("alexnet", 0.5), ("resnet50", 0.95))
    workdir = make_workdir(models=models, conditions=two_conditions()[:1], gallery=False)
    result = write_report([workdir])
    assert "more of the clean images correctly" in result.verdict
    assert not (workdir.report / "figures" / "accuracy.png").exists()


@blank_figures()
def test_an_undertrained_model_comes_first_and_nobody_wins(make_workdir):
    workdir = make_workdir(
        histories={"resnet50": RISING}, conditions=two_conditions(), gallery=False
    )
    result = write_report([workdir])
    assert result.verdict.startswith("Undertrained: training accuracy has not levelled off for res")
    assert "no winner is named" in result.verdict
    assert "is ahead" not in visible(workdir).split("Accuracy by condition")[0]


@blank_figures()
def test_two_working_directories_stand_side_by_side(make_workdir):
    first = make_workdir(
        "first", models=(("alexnet", 0.8),), conditions=two_conditions(), gallery=False
    )
    second = make_workdir(
        "second", models=(("resnet50", 0.95),), conditions=two_conditions(), gallery=False
    )
    result = write_report([first, second])
    assert result.path == first.report / "report.html"
    assert "resnet50 classified" in result.verdict
    assert not second.report.exists()


@blank_figures()
def test_one_model_trained_twice_is_named_after_its_directory(make_workdir):
    first = make_workdir(
        "plain", models=(("alexnet", 0.6),), conditions=two_conditions(), gallery=False
    )
    second = make_workdir(
        "augmented", models=(("alexnet", 0.95),), conditions=two_conditions(), gallery=False
    )
    write_report([first, second])
    rows = read_lines(Row, first.report / "results.jsonl")
    assert {row.model for row in rows} == {"alexnet (plain)", "alexnet (augmented)"}


@pytest.mark.slow
def test_writing_twice_gives_the_same_files(make_workdir):
    workdir = make_workdir(conditions=two_conditions(), gallery=False, extras=False)
    write_report([workdir])
    before = {p.name: p.read_bytes() for p in workdir.report.iterdir() if not p.is_dir()}
    write_report([workdir])
    assert before == {p.name: p.read_bytes() for p in workdir.report.iterdir() if not p.is_dir()}


@pytest.mark.slow
def test_report_never_imports_jax(make_workdir):
    workdir = make_workdir(conditions=two_conditions(), gallery=False)
    program = (
        "import sys; from lqjax.workdir import Workdir;"
        "import lqjax.metrics.summary, lqjax.metrics.mcnemar;"
        "from lqjax.reporting.report import write_report;"
        f"write_report([Workdir.at({str(workdir.root)!r})]);"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "assert not loaded & {'jax', 'jaxlib', 'flax', 'scipy', 'sklearn'}, loaded"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
