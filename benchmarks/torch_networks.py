"""The same networks as plain PyTorch modules, written here for the comparison of speeds."""

from __future__ import annotations

import torch
from torch import nn

WIDTHS = (64, 128, 256, 512)
DEPTHS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}
NAMES = ("resnet50", "resnet18", "alexnet_one_tower")


def convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False)


class Block(nn.Module):
    """A basic (two convolutions) or bottleneck (three) residual block, v1.5."""

    def __init__(self, inputs: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        outputs = 4 * width if bottleneck else width
        if bottleneck:
            layers = [
                (inputs, width, 1, 1),
                (width, width, 3, stride),
                (width, outputs, 1, 1),
            ]
        else:
            layers = [(inputs, width, 3, stride), (width, width, 3, 1)]
        for i, (before, after, size, step) in enumerate(layers, start=1):
            setattr(self, f"conv{i}", convolution(before, after, size, step))
            setattr(self, f"bn{i}", nn.BatchNorm2d(after))
        self.count = len(layers)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = images
        for i in range(1, self.count + 1):
            x = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x))
            if i < self.count:
                x = torch.relu_(x)
        shortcut = images if self.downsample is None else self.downsample(images)
        return torch.relu_(x + shortcut)


class ResNet(nn.Module):
    def __init__(self, name: str, classes: int, channels: int, stem: str) -> None:
        super().__init__()
        bottleneck = name == "resnet50"
        small = stem == "small"
        self.conv1 = convolution(channels, 64, 3) if small else convolution(channels, 64, 7, 2)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        inputs = 64
        for number, (width, depth) in enumerate(zip(WIDTHS, DEPTHS[name], strict=True), start=1):
            blocks = []
            for i in range(depth):
                stride = 2 if number > 1 and i == 0 else 1
                blocks.append(Block(inputs, width, stride, bottleneck))
                inputs = 4 * width if bottleneck else width
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu_(self.bn1(self.conv1(images))))
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(x.mean((2, 3)))


class AlexNet(nn.Module):
    """The one-tower layout: 64-192-384-256-256, no normalisation."""

    def __init__(self, classes: int, channels: int, stem: str) -> None:
        super().__init__()
        size, stride = (5, 1) if stem == "small" else (11, 4)
        self.conv1 = nn.Conv2d(channels, 64, size, stride=stride, padding=2)
        self.conv2 = nn.Conv2d(64, 192, 5, padding=2)
        self.conv3 = nn.Conv2d(192, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 256, 3, padding=1)
        self.conv5 = nn.Conv2d(256, 256, 3, padding=1)
        self.pool = nn.MaxPool2d(3, stride=2)
        self.average = nn.AdaptiveAvgPool2d(6)
        self.dropout = nn.Dropout(0.5)
        self.fc6 = nn.Linear(256 * 36, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.conv1(images)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.conv3(x))
        x = torch.relu(self.conv4(x))
        x = self.pool(torch.relu(self.conv5(x)))
        x = self.average(x).flatten(1)
        x = torch.relu(self.fc6(self.dropout(x)))
        x = torch.relu(self.fc7(self.dropout(x)))
        return self.fc8(x)


def build(name: str, classes: int, channels: int, stem: str = "imagenet") -> nn.Module:
    """Make a network by the name and the stem it has in lqjax."""
    if name == "alexnet_one_tower":
        return AlexNet(classes, channels, stem)
    if name in DEPTHS:
        return ResNet(name, classes, channels, stem)
    raise SystemExit(f"{name} is not written for PyTorch here; choose from {', '.join(NAMES)}")
