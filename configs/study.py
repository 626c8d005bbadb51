"""AlexNet against ResNet-50 from scratch, each under its published schedule, at 224 px.

Command:  python launch.py --config=configs/study.py --config.data.path=DIR --workdir=runs/study
          DIR has one folder a class. --config.model.names=resnet50 trains one of them alone.
Hardware: one GPU with 16 GB or more; --config.model.dtype=bfloat16 halves time and memory there.
Time:     estimated: 15 minutes a network at 1,000 images/s, for 90 epochs of 10,000 images.
"""

import ml_collections

from lqjax.config import default_config


def get_config() -> ml_collections.ConfigDict:
    """Train by SGD: AlexNet's rate falls on plateaus, ResNet-50's every 30 epochs."""
    config = default_config()
    config.data.source = "folder"
    config.data.image_size = 224
    config.model.names = ("alexnet", "resnet50")
    config.optimizer.name = "sgd"
    config.optimizer.momentum = 0.9
    config.optimizer.weight_decay = 5e-4
    config.training.epochs = 90
    config.training.batch_size = 128
    config.evaluation.batch_size = 128
    # How much of each degradation a network stands: forty more conditions to test.
    config.evaluation.envelopes = ("low_quality/*",)
    # Rotation by 10 degrees, zoom by 15 %, brightness and contrast by 20 %, each either way.
    config.augmentation.flip = True
    config.augmentation.crop_padding = 8
    config.augmentation.rotation = 10.0
    config.augmentation.zoom = 0.15
    config.augmentation.brightness = 0.2
    config.augmentation.contrast = 0.2
    config.overrides = {
        "alexnet": {
            "optimizer": {"learning_rate": 0.01},
            "schedule": {"name": "plateau", "plateau_factor": 0.1, "plateau_patience": 5},
        },
        "resnet50": {
            "optimizer": {"learning_rate": 0.1},
            "schedule": {"name": "step", "step_epochs": (30.0, 60.0), "step_factor": 0.1},
        },
    }
    return config
