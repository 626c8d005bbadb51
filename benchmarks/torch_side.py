"""PyTorch's side of the comparison: a network of plain modules, ready to train and to infer.

It gets a batch of floats in channels-last layout that is already on the device; on a GPU
`torch.compile`, TF32 products as JAX has them, and autocast for bfloat16.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import jax
import torch
import torch_networks
from training_sides import (
    CHANNELS,
    CLASSES,
    LEARNING_RATE,
    LEVELS,
    MEAN,
    MOMENTUM,
    STD,
    Cell,
    Side,
    split_of,
    steps_of_a_turn,
)


def torch_device() -> torch.device | None:
    """Find PyTorch's name of the device that JAX runs on; `None` if this PyTorch has none."""
    if jax.default_backend() == "cpu":
        return torch.device("cpu")
    return torch.device("cuda") if torch.cuda.is_available() else None


def torch_side(cell: Cell, device: torch.device) -> Side:
    """Build PyTorch's side: eager on a CPU, compiled on a GPU."""
    layout = torch.channels_last
    network = torch_networks.build(cell.model, CLASSES, CHANNELS, cell.stem)
    network = network.to(device, memory_format=layout)
    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, momentum=MOMENTUM)
    split = split_of(cell)
    images = torch.from_numpy(split.images[: cell.batch]).permute(0, 3, 1, 2).to(device)
    inputs = ((images.float() / (LEVELS - 1) - MEAN) / STD).contiguous(memory_format=layout)
    targets = torch.from_numpy(split.labels[: cell.batch]).long().to(device)
    run = network
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        run = torch.compile(network)

    def narrow() -> AbstractContextManager[None]:
        wanted = cell.dtype == "bfloat16"
        return torch.autocast(device.type, torch.bfloat16, enabled=wanted)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    def train() -> None:
        network.train()
        for _ in range(steps_of_a_turn()):
            optimizer.zero_grad()
            with narrow():
                loss = torch.nn.functional.cross_entropy(run(inputs), targets)
            loss.backward()
            optimizer.step()
        wait()

    def infer() -> None:
        network.eval()
        with torch.inference_mode(), narrow():
            for _ in range(steps_of_a_turn()):
                run(inputs)
        wait()

    return Side("torch", train, infer)
