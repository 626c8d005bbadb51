"""torchvision's networks in plain PyTorch, by its names, with random weights and statistics."""

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


class AlexNet(nn.Module):
    def __init__(self, classes, channels):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(256 * 36, 4096), nn.ReLU(),
            nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, images):
        return self.classifier(torch.flatten(self.avgpool(self.features(images)), 1))


def _norm(channels):
    return nn.BatchNorm2d(channels)


class Block(nn.Module):
    def __init__(self, inputs, width, stride, wide):
        super().__init__()
        outputs = width * (4 if wide else 1)
        self.wide = wide
        if wide:
            self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
            self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
            self.bn3 = _norm(outputs)
        else:
            self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = _norm(width), _norm(width)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, _norm(outputs))

    def forward(self, maps):
        x = torch.relu(self.bn1(self.conv1(maps)))
        x = self.bn2(self.conv2(x))
        if self.wide:
            x = self.bn3(self.conv3(torch.relu(x)))
        return torch.relu(x + (maps if self.downsample is None else self.downsample(maps)))


class ResNet(nn.Module):
    def __init__(self, depths, wide, classes, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1 = _norm(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for number, depth in enumerate(depths, start=1):
            width = 32 * 2**number
            blocks = []
            for i in range(depth):
                blocks.append(Block(inputs, width, 2 if number > 1 and i == 0 else 1, wide))
                inputs = width * (4 if wide else 1)
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, images):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(images))))
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(x.mean((2, 3)))


DEPTHS = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
    "resnet152": ((3, 8, 36, 3), True),
}


def published(name, classes=10, channels=3):
    """Build a network as torchvision names it; no weight or statistic has its start value."""
    torch.manual_seed(len(name))
    if name == "alexnet_one_tower":
        network = AlexNet(classes, channels)
    else:
        network = ResNet(*DEPTHS[name], classes, channels)
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.Conv2d):  # as torchvision does; else the image hardly matters
                nn.init.kaiming_normal_(part.weight)
            if isinstance(part, nn.BatchNorm2d):
                nn.init.uniform_(part.weight, 0.5, 1.0)
                nn.init.uniform_(part.bias, -0.2, 0.2)
                nn.init.uniform_(part.running_mean, -0.2, 0.2)
                nn.init.uniform_(part.running_var, 0.5, 2.0)
                part.num_batches_tracked.fill_(7)
    return network.eval()
