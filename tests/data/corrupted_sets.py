"""Data sets in the layouts of TFDS's own builders: their names, configs, features and keys.

A subclass of the real builder gives the examples; no TensorFlow is needed for encoded pictures.
"""

import io

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

CLASSES = 10
COUNTS = {"train": 60, "test": 40}
SIDE = 32
NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def prepare(folder, dataset, config, examples, names=()):
    """Write a data set.

    Args:
      examples: by split, (key, features) in the order in which the real builder gives them.
    """
    real = tfds.builder_cls(dataset)

    class Made(real, skip_registration=True):
        name = dataset
        pkg_dir_path = real.pkg_dir_path

        def _split_generators(self, manager):
            if names:
                self.info.features["label"].names = names
            return {split: iter(given) for split, given in examples.items()}

        def _generate_examples(self):
            raise NotImplementedError

    options = {"config": config} if config else {}
    builder = Made(data_dir=str(folder), file_format="array_record", **options)
    builder.download_and_prepare()
    return builder


def encoded(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    file.seek(0)
    return file


def picture(split, number, channels=3):
    """A picture that tells its number: no two are alike."""
    draws = np.random.default_rng([number, split == "test"])
    pixels = draws.integers(60, 190, (SIDE, SIDE, channels), np.uint8)
    return pixels if channels == 3 else pixels[..., 0]


def label(number):
    return number * 7 % CLASSES


def corrupted(pixels, severity):
    """Brighter by the severity, so that each picture can be told from the others."""
    return (pixels.astype(int) + 10 * severity).astype(np.uint8)


def cifar10(folder, counts=COUNTS):
    return prepare(
        folder,
        "cifar10",
        "",
        {
            split: [
                (
                    number,
                    {
                        "id": f"{split}_{number:05}",
                        "image": encoded(picture(split, number)),
                        "label": label(number),
                    },
                )
                for number in range(count)
            ]
            for split, count in counts.items()
        },
        NAMES,
    )


def cifar10_corrupted(folder, config, count=COUNTS["test"], labels=label, severity=0):
    """Write one config; its pictures may be those of another severity than its name says."""
    severity = severity or int(config.rpartition("_")[2])
    return prepare(
        folder,
        "cifar10_corrupted",
        config,
        {
            "test": [
                (
                    number,
                    {
                        "image": encoded(corrupted(picture("test", number), severity)),
                        "label": labels(number),
                    },
                )
                for number in range(count)
            ]
        },
    )


def mnist_corrupted(folder, config):
    return prepare(
        folder,
        "mnist_corrupted",
        config,
        {
            split: [
                (
                    number,
                    {
                        "image": encoded(corrupted(picture(split, number, 1), 3)[:28, :28]),
                        "label": label(number),
                    },
                )
                for number in range(count)
            ]
            for split, count in COUNTS.items()
        },
    )


def imagenet_name(number):
    return f"ILSVRC2012_val_{number + 1:08}.JPEG"


def imagenet2012_corrupted(folder, config, key=imagenet_name):
    """Write one config; another `key` of the pictures' numbers gives records in another order."""
    pixels = [corrupted(picture("test", number), 2) for number in range(COUNTS["test"])]
    return prepare(
        folder,
        "imagenet2012_corrupted",
        config,
        {
            "validation": [
                (
                    key(number),
                    {
                        "image": encoded(np.kron(values, np.ones((7, 7, 1), np.uint8))),
                        "label": label(number),
                        "file_name": imagenet_name(number),
                    },
                )
                for number, values in enumerate(pixels)
            ]
        },
    )


def imagenet2012(folder):
    return prepare(
        folder,
        "imagenet2012",
        "",
        {
            split: [
                (
                    name,
                    {
                        "image": encoded(picture(given, number)),
                        "label": label(number),
                        "file_name": name,
                    },
                )
                for number in range(COUNTS[given])
                for name in [imagenet_name(number) if given == "test" else f"n_{number}.JPEG"]
            ]
            for split, given in (("train", "train"), ("validation", "test"))
        },
    )
