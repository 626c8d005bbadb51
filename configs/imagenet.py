"""ResNet-50 on ImageNet in 90 epochs, tested on ImageNet-C made on the device.

Command:  python launch.py --config=configs/imagenet.py --workdir=gs://BUCKET/imagenet \
              --config.data.cache_dir=/mnt/disk/lqjax
          with imagenet2012 prepared by TensorFlow Datasets.
Hardware: eight GPUs or a TPU slice with eight chips, and 200 GB of local disk for the cache; with
          several hosts on each of them, since every host decodes and stores the whole data set.
Time:     not measured; 90 epochs are 115 million images, 4 hours at 8,000 images/s.
"""

import ml_collections

from lqjax.config import default_config


def get_config() -> ml_collections.ConfigDict:
    """Train by SGD with the linear scaling rule, warm-up and label smoothing, in bfloat16.

    Source: Goyal et al. 2017, https://arxiv.org/abs/1706.02677. Crops are shifts of the resized
    image, not the random areas of that paper: expect a little less than its 76 %.
    """
    config = default_config()
    config.data.source = "tfds"
    config.data.path = "imagenet2012"
    config.data.image_size = 224
    config.model.names = ("resnet50",)
    config.model.dtype = "bfloat16"
    config.optimizer.name = "sgd"
    config.optimizer.learning_rate = 0.1
    config.optimizer.scale_with_batch = "linear"
    config.optimizer.base_batch = 256
    config.optimizer.weight_decay = 1e-4
    config.schedule.name = "step"
    config.schedule.step_epochs = (30.0, 60.0, 80.0)
    config.schedule.warmup_epochs = 5.0
    config.training.epochs = 90
    config.training.batch_size = 1024
    config.training.label_smoothing = 0.1
    config.augmentation.crop_padding = 32
    config.augmentation.flip = True
    config.augmentation.zoom = 0.2
    config.evaluation.batch_size = 1024
    config.evaluation.conditions = ("clean", "imagenet_c/*")
    return config
