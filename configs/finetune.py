"""AlexNet and ResNet-50 fine-tuned on a folder of images: 224 px, five folds.

Command:  python launch.py --config=configs/finetune.py --config.data.path=DIR \
              --config.overrides.alexnet_one_tower.model.init_from=alexnet-owt-7be5be79.pth \
              --config.overrides.resnet50.model.init_from=resnet50-0676ba61.pth
          The files are torchvision's; without them both networks start from drawn weights.
Hardware: any GPU.
Time:     not measured.
"""

import ml_collections

from lqjax.config import default_config


def get_config() -> ml_collections.ConfigDict:
    """Train the upper stages at falling rates, ResNet-50 with two extra dense layers."""
    config = default_config()
    config.data.source = "folder"
    config.data.image_size = 224
    config.data.folds = 5
    config.model.names = ("alexnet_one_tower", "resnet50")
    config.optimizer.name = "sgd"
    config.optimizer.learning_rate = 0.001
    config.optimizer.layer_decay = 0.5
    config.training.epochs = 20
    config.training.batch_size = 32
    config.training.patience = 10
    config.training.batch_norm_statistics = "frozen"
    config.augmentation.flip = True
    config.augmentation.rotation = 10.0
    config.augmentation.zoom = 0.15
    config.augmentation.brightness = 0.2
    config.augmentation.contrast = 0.2
    config.overrides = {
        "alexnet_one_tower": {"training": {"last_stages": 4}},
        "resnet50": {"training": {"last_stages": 2}, "model": {"head_layers": (512, 256)}},
    }
    return config
