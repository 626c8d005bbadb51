"""The part of a report on what the networks cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lqjax.reporting.cost_summary import devices, measured_costs
from lqjax.reporting.cost_tables import (
    forward_table,
    layer_tables,
    throughput_table,
    training_cost_table,
)
from lqjax.reporting.document import Block, Figure, Fold, Text
from lqjax.reporting.figures import Drawn
from lqjax.reporting.study import Study


def cost_blocks(study: Study, drawn: Mapping[str, Drawn]) -> Iterator[Block]:
    """Give the cost of a forward pass, the figure, speed by batch size, training, and layers."""
    if not measured_costs(study):
        return
    yield forward_table(study)
    if "cost" in drawn:
        yield Figure("cost", drawn["cost"].caption, drawn["cost"].alternative)
    for table in (throughput_table(study), training_cost_table(study)):
        if table is not None:
            yield table
    yield Text(_method(study))
    layers = layer_tables(study)
    if layers:
        about = Text(
            "For one image. A multiply-add is one product and one sum; some sources count it as"
            " two operations. Convolutions and dense layers only; zeros of the padding count as"
            " data, as in published figures."
        )
        yield Fold("Multiply-adds by layer", (about, *layers), "layers.csv")


def _method(study: Study) -> str:
    parts = [
        "Latency is that of one image on one device, throughput that of all devices together; both"
        " without compiling, each run waited for.",
        "Memory is the compiler's own account of the forward pass: weights, images, scores and"
        " temporaries, without the program itself and the libraries around it.",
        "Training time is wall time, compilation and validation included.",
    ]
    if len(devices(study)) > 1:
        parts.append(
            "The networks were measured on different devices or in different number types: their"
            " latencies, memory and speeds cannot be compared, and the figure leaves them out."
        )
    return " ".join(parts)
