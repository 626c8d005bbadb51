"""AlexNet against ResNet-18 on CIFAR-10 at 32 px, tested on CIFAR-10-C made on the device.

Command:  python launch.py --config=configs/cifar10.py --workdir=runs/cifar10
          with cifar10 prepared by TensorFlow Datasets.
Hardware: any GPU; the images take 184 MB of its memory.
Time:     estimated: 3 minutes a network at 10,000 images/s, for 30 epochs of 50,000 images; on two
          CPU cores 8 hours for ResNet-18 (50 images/s).
"""

import ml_collections

from lqjax.config import default_config


def get_config() -> ml_collections.ConfigDict:
    """Train both for 30 epochs with shifts and flips, each at a rate of its own."""
    config = default_config()
    config.data.source = "tfds"
    config.data.path = "cifar10"
    config.data.image_size = 32
    config.model.names = ("alexnet", "resnet18")
    config.optimizer.name = "adamw"
    config.optimizer.weight_decay = 5e-4
    config.schedule.name = "one_cycle"
    config.training.epochs = 30
    config.training.batch_size = 128
    config.augmentation.crop_padding = 4
    config.augmentation.flip = True
    config.evaluation.batch_size = 512
    config.evaluation.conditions = ("clean", "cifar10_c/*")
    config.overrides = {
        "alexnet": {"optimizer": {"learning_rate": 3e-4}},
        "resnet18": {"optimizer": {"learning_rate": 3e-3}},
    }
    return config
