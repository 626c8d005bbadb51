"""AlexNet against ResNet-18 on satellite tiles: 224 px, batch 64, rate 5e-4, 15 epochs.

Command:  python launch.py --config=configs/remote_sensing.py --workdir=runs/remote-sensing
          with EuroSAT prepared by TensorFlow Datasets; UC Merced by
          --config.data.path=uc_merced, folders of your own by --config.data.source=folder
          --config.data.path=DIR.
Hardware: one GPU with 8 GB or more.
Time:     estimated: 5 minutes a network at 1,000 images/s, for 15 epochs of EuroSAT (80 % of its
          27,000 tiles).
"""

import ml_collections

from lqjax.config import default_config


def get_config() -> ml_collections.ConfigDict:
    """Train both with Adam at one constant rate, as published, without augmentation."""
    config = default_config()
    config.data.source = "tfds"
    config.data.path = "eurosat"
    config.data.image_size = 224
    config.model.names = ("alexnet", "resnet18")
    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 5e-4
    config.schedule.name = "constant"
    config.training.epochs = 15
    config.training.batch_size = 64
    config.evaluation.batch_size = 128
    return config
