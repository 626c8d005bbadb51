"""AlexNet against ResNet-50 on handwritten digits: the whole study in five minutes on a CPU.

Command:  python launch.py
Hardware: two CPU cores are enough.
Time:     about five minutes there.
"""

import ml_collections

from lqjax.config import default_config


def get_config() -> ml_collections.ConfigDict:
    """Train both on 1,797 digits at 64 px, each with its own optimiser settings."""
    config = default_config()
    config.data.source = "digits"
    config.data.image_size = 64
    config.model.names = ("alexnet", "resnet50")
    config.training.epochs = 3
    config.training.batch_size = 32
    config.evaluation.batch_size = 120
    config.evaluation.throughput_batches = (1, 32)
    config.optimizer.name = "adamw"
    config.optimizer.weight_decay = 1e-4
    # One setting does not serve both: AlexNet, which has no batch normalisation, wants a smaller
    # learning rate and more epochs. Its 57 M parameters make the update dear and its images cheap,
    # so a larger batch is faster.
    config.overrides = {
        "alexnet": {
            "optimizer": {"learning_rate": 3e-4},
            "training": {"epochs": 6, "batch_size": 64},
        },
        "resnet50": {"optimizer": {"learning_rate": 1e-3}},
    }
    return config
