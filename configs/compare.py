"""Compare networks on your own images, one folder a class.

Command:  python launch.py --config=configs/compare.py --config.data.path=DIR --workdir=runs/compare
Hardware: any GPU; for some thousand images two CPU cores will do.
Time:     not measured; 30 epochs of 5,000 images are 150,000 images a network, about an hour for
          ResNet-50 and a quarter of one for AlexNet on two CPU cores.
"""

import ml_collections

from lqjax.config import default_config


def get_config() -> ml_collections.ConfigDict:
    """Train for 30 epochs at 64 px with mild augmentation, and test on the low_quality grid."""
    config = default_config()
    config.data.source = "folder"
    config.model.names = ("alexnet", "resnet50")
    config.optimizer.name = "adamw"
    config.optimizer.weight_decay = 1e-4
    config.schedule.name = "cosine"
    config.schedule.warmup_epochs = 1.0
    config.training.epochs = 30
    config.training.batch_size = 64
    config.evaluation.batch_size = 128
    config.augmentation.crop_padding = 4
    config.augmentation.flip = True
    config.overrides = {
        "alexnet": {"optimizer": {"learning_rate": 3e-4}},
        "resnet50": {"optimizer": {"learning_rate": 1e-3}},
    }
    return config
