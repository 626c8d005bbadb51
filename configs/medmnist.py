"""AlexNet against ResNet-50 on a MedMNIST data set, tested on MedMNIST-C made on the device.

Command:  python launch.py --config=configs/medmnist.py --config.data.path=pneumoniamnist_64.npz \
              --config.evaluation.conditions='clean,medmnist_c/pneumoniamnist/*'
          The file is MedMNIST's own; name the suite of the data set that it holds.
Hardware: any GPU; for the small sets two CPU cores will do.
Time:     not measured; 20 epochs of pneumoniamnist are 94,000 images a network, about an hour on
          two CPU cores.
"""

import ml_collections

from lqjax.config import default_config


def get_config() -> ml_collections.ConfigDict:
    """Train with Adam as the published study of skin lesions does, with balanced classes."""
    config = default_config()
    config.data.source = "npz"
    config.data.image_size = 64
    config.model.names = ("alexnet", "resnet50")
    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 1e-4
    config.schedule.name = "cosine"
    config.training.epochs = 20
    config.training.batch_size = 32
    config.training.class_weights = "auto"
    config.training.patience = 10
    config.augmentation.flip = True
    config.augmentation.rotation = 10.0
    config.evaluation.conditions = ("clean", "medmnist_c/pneumoniamnist/*")
    return config
