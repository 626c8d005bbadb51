"""What networks cost, in the report: tables, figure, files; and records of earlier versions."""

import csv
import dataclasses
import itertools
import json

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from lqjax.metrics.interval import Estimate
from lqjax.reporting.comparison import Comparison, compare_models
from lqjax.reporting.cost_figure import cost_figure
from lqjax.reporting.cost_tables import (
    forward_table,
    layer_tables,
    throughput_table,
    training_cost_table,
)
from lqjax.reporting.formatting import data_size
from lqjax.reporting.pareto import pareto_front
from lqjax.reporting.point_names import name_points
from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study
from lqjax.reporting.style import figure_style, new_figure
from lqjax.reporting.target_accuracy import images_to, target_accuracy
from lqjax.rows import Cost, Layer, Throughput, from_json, to_json
from tests.blank_figures import blank_figures
from tests.reporting.conftest import LEVELLED, LEVELLED_LATER, grid_conditions

MIB = 2**20
BATCHES = (1, 8, 120)
IMAGES_A_STEP = 64
STEPS_AN_EPOCH = 20
"""As `conftest.write_history` has it."""


def add_costs(workdir, **changes):
    """Write what today's evaluation measures into every run."""
    for run in workdir.runs():
        cost = dataclasses.replace(
            run.cost(), latency_p95_ms=run.cost().latency_ms * 2, memory_bytes=300 * MIB,
            weights_bytes=98 * MIB, checkpoint_bytes=293 * MIB, timed_runs=100,
            training_images=8 * STEPS_AN_EPOCH * IMAGES_A_STEP, **changes,
        )  # fmt: skip
        run.write_cost(cost)
        speed = 1000 / cost.latency_ms
        run.write_throughputs(
            Throughput(run.model, run.seed, run.fold, size, speed * size**0.5, speed, 2 * speed
                       * size**0.5, 20 + size, size * MIB)
            for size in BATCHES
        )  # fmt: skip
        run.write_layers(
            [
                Layer(run.model, "conv1", "7x7 convolution, stride 2", "32x32x64", 9408, 900, 50),
                Layer(run.model, "fc", "dense", "10", 20490, 100, 0),
            ]
        )
    return workdir


def cells(table, column):
    place = table.header.index(column)
    return {row.cells[0]: row.cells[place] for row in table.rows}


@pytest.fixture
def study(make_workdir):
    return read_study([add_costs(make_workdir(gallery=False, conditions=grid_conditions()[:4]))])


def test_the_forward_pass_is_tabulated_by_network(study):
    table = forward_table(study)
    found = cells(table, "resnet50")
    assert found["latency at batch 1, ms: 95th percentile"] == "24.6"
    assert found["memory at batch 1"] == "300 MiB"
    assert found["checkpoint on disk, weights only"] == "98.0 MiB"
    assert found["timed runs behind the latency"] == "100"
    assert "64 px on cpu (a processor, 2 cores), float32." in table.caption
    assert "device" not in found


@pytest.mark.slow
def test_devices_that_differ_are_rows_and_leave_the_figure(make_workdir):
    first = add_costs(make_workdir("a", models=(("alexnet", 0.8),), gallery=False))
    other = make_workdir("b", models=(("resnet50", 0.9),), gallery=False)
    found = read_study([first, add_costs(other, device="an accelerator")])
    assert cells(forward_table(found), "resnet50")["device"] == "an accelerator"
    with figure_style():
        figure = cost_figure(found, compare_models(found))
    assert [axes.get_xlabel() for axes in figure.axes] == ["parameters"]
    write_report([first, other])
    assert "different devices" in (first.report / "report.md").read_text()


def test_throughput_is_tabulated_by_batch_size(study):
    table = throughput_table(study)
    assert [row.cells[0] for row in table.rows] == ["1", "8", "120"]
    speed = 1000 / 4.1
    found = cells(table, "alexnet, images/s")["8"]
    assert found == f"{speed * 8**0.5:.0f} [{speed:.0f}, {2 * speed * 8**0.5:,.0f}]"
    assert cells(table, "alexnet, memory")["120"] == "120 MiB"
    assert "21 to 140 timed runs" in table.caption


@pytest.mark.slow
def test_records_of_earlier_versions_are_read_and_shown(make_workdir):
    workdir = make_workdir(gallery=False, conditions=grid_conditions()[:4])
    (run, *_) = workdir.runs()
    names = [f.name for f in dataclasses.fields(Cost) if f.default is dataclasses.MISSING]
    values = json.loads(to_json(run.cost()))
    earlier = from_json(Cost, json.dumps({name: values[name] for name in names}))
    assert earlier == run.cost() and earlier.memory_bytes is None
    found = read_study([workdir])
    assert "memory at batch 1" not in cells(forward_table(found), "alexnet")
    assert cells(throughput_table(found), "alexnet, images/s").keys() == {"120"}
    assert set(cells(training_cost_table(found), "images to 91.7 % validation")) == set(
        found.models
    )
    assert layer_tables(found) == []
    with figure_style():
        figure = cost_figure(found, compare_models(found))
    assert [a.get_xlabel() for a in figure.axes] == ["latency at batch 1, ms", "parameters"]
    write_report([workdir])
    assert not (workdir.report / "layers.csv").exists()


def test_images_to_a_target_are_those_of_the_first_epoch_that_reaches_it(study):
    # What the fixture wrote: validation is training accuracy less 0.03.
    curves = {"alexnet": LEVELLED, "resnet50": LEVELLED_LATER}
    target = min(max(curve) for curve in curves.values()) - 0.03 - 0.01
    assert target_accuracy(study) == pytest.approx(target)
    for network in study.all_networks:
        epoch = 1 + int(np.argmax(np.array(curves[network.model]) - 0.03 >= target))
        assert images_to(network, target) == epoch * STEPS_AN_EPOCH * IMAGES_A_STEP
        assert images_to(network, 0.99) is None
        assert images_to(dataclasses.replace(network, cost=None), target) is None
    table = training_cost_table(study)
    assert (
        cells(table, "images to 91.7 % validation")["resnet50"]
        == f"{7 * STEPS_AN_EPOCH * IMAGES_A_STEP:,}"
    )
    assert "less one point" in table.caption


def test_a_target_can_be_set(study):
    config = {"evaluation": {"target_accuracy": 0.5}}
    asked = dataclasses.replace(study, configs={"run": config})
    assert target_accuracy(asked) == 0.5
    table = training_cost_table(asked)
    assert cells(table, "images to 50.0 % validation")["alexnet"] == "1,280"
    assert "(as set)" in table.caption
    assert target_accuracy(dataclasses.replace(asked, networks={})) == 0.5


def test_layers_add_up_with_the_rest_named(study):
    table = layer_tables(study)[1]
    assert table.rows[0].cells == (
        "conv1", "7x7 convolution, stride 2", "32 × 32 × 64", "9,408", "900", "90.0",
    )  # fmt: skip
    rest, total = table.rows[-2].cells, table.rows[-1].cells
    assert rest[3] == f"{25_557_032 - 9408 - 20490:,}"
    assert total[3:] == ("25,557,032", "1,000", "100.0")


@pytest.mark.slow
@blank_figures()
def test_csv_files_hold_every_run(make_workdir):
    workdir = add_costs(make_workdir(seeds=(0, 1), gallery=False, conditions=grid_conditions()[:4]))
    write_report([workdir])

    def read(name):
        with (workdir.report / name).open() as file:
            return list(csv.DictReader(file))

    costs = read("costs.csv")
    assert [(c["model"], c["seed"]) for c in costs] == list(
        itertools.product(("alexnet", "resnet50"), ("0", "1"))
    )
    assert costs[0]["latency_p95_ms"] == str(4.1 * 2) and costs[0]["images_to_target"] == "5120"
    assert len(read("throughput.csv")) == 4 * len(BATCHES)
    assert [r["layer"] for r in read("layers.csv")] == ["conv1", "fc"] * 2
    text = (workdir.report / "report.md").read_text()
    assert "Where a network was trained several times: the run of median latency" in text


def brute_force_front(points):
    def beaten(a):
        return any(
            b[0] <= a[0] and b[1] >= a[1] and (b[0] < a[0] or b[1] > a[1]) for b in points.values()
        )

    return {name for name, a in points.items() if not beaten(a)}


def test_the_front_is_what_nothing_beats():
    rng = np.random.default_rng(0)
    for _ in range(50):
        drawn = rng.integers(0, 6, (7, 2)).astype(float)
        points = {str(i): tuple(pair) for i, pair in enumerate(drawn.tolist())}
        front = pareto_front(points)
        assert set(front) == brute_force_front(points)
        assert [points[name][0] for name in front] == sorted(points[name][0] for name in front)
    assert pareto_front({"one": (1, 1), "equal": (1, 1)}) == ["one", "equal"]


def texts_of(figure):
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    return [
        (axes, text, text.get_window_extent(renderer))
        for axes in figure.axes
        for text in axes.texts
    ]


@pytest.mark.parametrize("spread", [1.0, 0.02])
def test_names_cover_neither_points_nor_each_other(spread):
    rng = np.random.default_rng(3)
    points = {
        f"network_{i}": (10 ** (1 + spread * x), 70 + 10 * spread * y)
        for i, (x, y) in enumerate(rng.random((5, 2)))
    }
    with figure_style():
        figure = new_figure(3.6)
        axes = figure.subplots(1, 3)[1]
        axes.set_xscale("log")
        axes.set_xlim(1, 1000)
        axes.set_ylim(50, 90)
        name_points(figure, axes, points)
        found = texts_of(figure)
    assert [text.get_text() for _, text, _ in found] == list(points)
    frame = axes.get_window_extent()
    for (_, _, one), (_, _, two) in itertools.combinations(found, 2):
        assert not one.overlaps(two)
    for _, _, box in found:
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1
        for place in axes.transData.transform(list(points.values())):
            assert not box.contains(*place)


def test_the_figure_draws_estimate_interval_and_front(study):
    worth = {"alexnet": Estimate(0.8, 0.75, 0.84), "resnet50": Estimate(0.7, 0.66, 0.74)}
    compared = compare_models(study)
    made = Comparison(**{**vars(compared), "mean": worth})
    with figure_style():
        figure = cost_figure(study, made)
    labels = ["latency at batch 1, ms", "memory at batch 1, MiB", "parameters"]
    assert [axes.get_xlabel() for axes in figure.axes] == labels
    for axes, prices in zip(
        figure.axes, [(4.1, 12.3), (300.0,) * 2, (61_100_840, 25_557_032)], strict=True
    ):
        points = [bar.lines[0] for bar in axes.containers]
        assert [p.get_xdata()[0] for p in points] == list(prices)
        assert [p.get_ydata()[0] for p in points] == pytest.approx([80, 70])
        (low, high) = axes.containers[0].lines[2][0].get_segments()[0][:, 1]
        assert (low, high) == pytest.approx((75, 84))
    fills = [[b.lines[0].get_markerfacecolor() for b in axes.containers] for axes in figure.axes]
    assert [fill[1] == "none" for fill in fills] == [True, True, False]
    assert all(fill[0] != "none" for fill in fills)


@pytest.mark.parametrize(
    ("count", "text"),
    [(512, "512 B"), (1536, "1.50 KiB"), (97.5 * MIB, "97.5 MiB"), (2**31, "2.00 GiB")],
)
def test_sizes_have_binary_prefixes(count, text):
    assert data_size(count) == text
