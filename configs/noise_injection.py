"""Gaussian noise injection as a regulariser: one sigma of the search in docs/augmentation.md.

Command:  python launch.py --config=configs/noise_injection.py \
              --config.augmentation.noise_sigma=0.03 --workdir=runs/noise-0.03
Hardware: two CPU cores are enough.
Time:     about two minutes a sigma there, testing included.
"""

import ml_collections

from lqjax.config import default_config


def get_config() -> ml_collections.ConfigDict:
    """Train ResNet-18 on 1,797 digits at 64 px with the noise that the study found best."""
    config = default_config()
    config.data.source = "digits"
    config.data.image_size = 64
    config.model.names = ("resnet18",)
    config.training.epochs = 5
    config.training.batch_size = 32
    config.optimizer.name = "adamw"
    config.optimizer.learning_rate = 1e-3
    config.augmentation.noise_sigma = 0.01
    # Clean, and the noise that a network trained with noise should stand best.
    config.evaluation.conditions = ("clean", "low_quality/gaussian_noise@*")
    config.evaluation.throughput_batches = (1, 32)
    return config
