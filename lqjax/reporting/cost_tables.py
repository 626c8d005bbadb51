"""The tables of what the networks cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lqjax.reporting.cost_summary import devices, measured_costs, measured_networks
from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import (
    MISSING,
    data_size,
    duration,
    percent,
    plural,
    si,
    significant,
)
from lqjax.reporting.study import Network, Study
from lqjax.reporting.tables import run_title
from lqjax.reporting.target_accuracy import images_to, target_accuracy
from lqjax.rows import Cost, Throughput
from lqjax.textlists import enumeration

EXACT_COUNT_BELOW = 1000
MOST_WITH_MEMORY = 3
"""Models up to which memory stands beside throughput; more would make the table too wide."""

REST = "scales and offsets of normalisation"


def forward_table(study: Study) -> Table:
    """Tabulate what a forward pass costs, one column a network."""
    costs = measured_costs(study)
    one = len(devices(study)) == 1
    lines: list[tuple[str, Callable[[Cost], str]]] = [
        ("parameters", lambda c: _count(c.parameters)),
        ("multiply-adds per image", lambda c: si(c.multiply_adds)),
        ("latency at batch 1, ms: median [quartiles]", _latency),
        ("latency at batch 1, ms: 95th percentile", lambda c: _optional(c.latency_p95_ms)),
        ("timed runs behind the latency", lambda c: f"{c.timed_runs}"),
        ("memory at batch 1", lambda c: _size(c.memory_bytes)),
        ("checkpoint on disk, weights only", lambda c: _size(c.weights_bytes)),
        ("checkpoint on disk, to go on training", lambda c: _size(c.checkpoint_bytes)),
    ]
    if not one:
        lines += [("device", lambda c: c.device), ("compute type", lambda c: c.dtype)]
    sizes = sorted({cost.image_size for cost in costs.values()})
    where = f" on {devices(study)[0]}" if one else ""
    caption = f"A forward pass at {enumeration([str(size) for size in sizes])} px{where}."
    if any(len(study.networks[model]) > 1 for model in costs):
        caption += (
            " Where a network was trained several times: the run of median latency; costs.csv has"
            " all."
        )
    found = [TableRow((name, *map(value, costs.values()))) for name, value in lines]
    rows = tuple(row for row in found if set(row.cells[1:]) != {MISSING})
    return Table(caption, ("cost", *costs), rows, sortable=False)


def throughput_table(study: Study) -> Table | None:
    """Tabulate images/s by batch size; `None` where nothing was measured."""
    networks = measured_networks(study)
    found = {m: {t.batch_size: t for t in _throughputs(n)} for m, n in networks.items()}
    sizes = sorted({size for by_size in found.values() for size in by_size})
    if not sizes:
        return None
    memory = len(found) <= MOST_WITH_MEMORY and any(
        t.memory_bytes for by_size in found.values() for t in by_size.values()
    )
    header = ["batch", *(f"{model}, images/s" for model in found)]
    header += [f"{model}, memory" for model in found] if memory else []
    rows = []
    for size in sizes:
        speeds = [by_size.get(size) for by_size in found.values()]
        cells = [f"{size}", *(_speed(t) for t in speeds)]
        cells += [_size(t.memory_bytes if t else None) for t in speeds] if memory else []
        rows.append(TableRow(tuple(cells)))
    runs = sorted({t.timed_runs for by_size in found.values() for t in by_size.values()})
    counts = plural(runs[-1], "timed run")
    counts = counts if len(runs) == 1 else f"{runs[0]:,} to {counts}"
    caption = f"Throughput by batch size, median [quartiles] of {counts}."
    if any(len(study.networks[model]) > 1 for model in found):
        caption += " Where a network was trained several times: its first run."
    return Table(caption, tuple(header), tuple(rows))


def _throughputs(network: Network) -> Sequence[Throughput]:
    """Give what was measured, and of records of earlier versions the one figure that they have."""
    if network.throughputs or network.cost is None:
        return network.throughputs
    cost = network.cost
    figure = (cost.throughput, cost.throughput_low, cost.throughput_high)
    where = (cost.model, cost.seed, cost.fold, cost.batch_size)
    return (Throughput(*where, *figure, cost.timed_runs, None),)


def training_cost_table(study: Study) -> Table | None:
    """Tabulate what training cost, one row a run; `None` where nothing was measured."""
    target = target_accuracy(study)
    runs = [(network, network.cost) for network in study.all_networks if network.cost is not None]
    if not runs:
        return None
    rows = tuple(
        TableRow(
            (
                run_title(study, network),
                duration(cost.training_seconds),
                f"{cost.training_epochs}",
                significant(cost.training_images_per_second),
                _images(cost.training_images),
                _images(images_to(network, target)),
            )
        )
        for network, cost in runs
    )
    header = ["run", "time", "epochs", "images/s", "images trained on"]
    header.append(f"images to {percent(target)} % validation" if target else "images to the target")
    caption = "What training cost; speed is the median over the epochs."
    if target is not None:
        caption += f" {_about_target(study, target)}"
    return Table(caption, tuple(header), rows)


def _about_target(study: Study, target: float) -> str:
    settings = [config.get("evaluation", {}) for config in study.configs.values()]
    asked = any(s.get("target_accuracy") for s in settings)
    origin = "as set" if asked else "the best of the weakest run less one point"
    return (
        f"Images to {percent(target)} % validation accuracy ({origin}) are counted at the ends of"
        " epochs, each image as often as it was trained on."
    )


def layer_tables(study: Study) -> list[Table]:
    """Tabulate the multiply-adds by layer, one table a network."""
    return [
        _layer_table(network, network.cost)
        for network in measured_networks(study).values()
        if network.layers and network.cost is not None
    ]


def _layer_table(network: Network, cost: Cost) -> Table:
    total = sum(layer.multiply_adds for layer in network.layers)
    rows = [
        TableRow(
            (
                layer.layer,
                layer.operation,
                layer.output.replace("x", " × "),
                f"{layer.parameters:,}",
                f"{layer.multiply_adds:,}",
                percent(layer.multiply_adds / total),
            )
        )
        for layer in network.layers
    ]
    rest = cost.parameters - sum(layer.parameters for layer in network.layers)
    if rest:
        rows.append(TableRow((REST, "", "", f"{rest:,}", MISSING, MISSING)))
    sums = ("all", "", "", f"{cost.parameters:,}", f"{total:,}", percent(1.0))
    rows.append(TableRow(sums, "summary"))
    header = ("layer", "operation", "output", "parameters", "multiply-adds", "share %")
    return Table(f"{network.model}.", header, tuple(rows), labels=3)


def _count(value: int) -> str:
    exact = f"{value:,}"
    return exact if value < EXACT_COUNT_BELOW else f"{si(value)} ({exact})"


def _latency(cost: Cost) -> str:
    ends = f"[{significant(cost.latency_low_ms)}, {significant(cost.latency_high_ms)}]"
    return f"{significant(cost.latency_ms)} {ends}"


def _speed(found: Throughput | None) -> str:
    if found is None:
        return MISSING
    low, high = found.images_per_second_low, found.images_per_second_high
    return f"{significant(found.images_per_second)} [{significant(low)}, {significant(high)}]"


def _size(count: int | None) -> str:
    return MISSING if count is None else data_size(count)


def _images(count: int | None) -> str:
    return MISSING if count is None else f"{count:,}"


def _optional(value: float | None) -> str:
    return MISSING if value is None else significant(value)
