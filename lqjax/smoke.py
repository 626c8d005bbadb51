"""The smoke form of a recipe: does it run at all, in under a minute."""

from __future__ import annotations

import dataclasses

from lqjax.config import Config
from lqjax.imaging.conditions import expand
from lqjax.imaging.ladders import expand_ladders

IMAGE_SIZE = 64
BATCH_SIZE, PARTS = 16, 2
TRAIN_IMAGES = 48
TEST_IMAGES = 32
EPOCHS = 1
LADDERS = 1
TIMED_RUNS = 1
THROUGHPUT_BATCHES = (BATCH_SIZE,)


def shrink(config: Config) -> Config:
    """Return the recipe with small images, few of them, and one short epoch.

    Networks and data source stay, of each family of conditions the last, and one ladder: what the
    recipe does is done, once.
    """
    families = {
        condition.family: condition.name for condition in expand(config.evaluation.conditions)
    }
    ladders = expand_ladders(config.evaluation.envelopes)
    data = dataclasses.replace(
        config.data,
        image_size=min(config.data.image_size, IMAGE_SIZE),
        train_limit=min(config.data.train_limit or TRAIN_IMAGES, TRAIN_IMAGES),
        test_limit=min(config.data.test_limit or TEST_IMAGES, TEST_IMAGES),
    )
    training = dataclasses.replace(
        config.training,
        epochs=EPOCHS,
        batch_size=min(config.training.batch_size, BATCH_SIZE),
        accumulation=min(config.training.accumulation, PARTS),
    )
    evaluation = dataclasses.replace(
        config.evaluation,
        batch_size=min(config.evaluation.batch_size, BATCH_SIZE),
        latency_runs=TIMED_RUNS,
        throughput_batches=THROUGHPUT_BATCHES,
        conditions=tuple(families.values()),
        envelopes=tuple(ladder.name for ladder in ladders[:LADDERS]),
    )
    overrides = {
        model: {path: value for path, value in fields.items() if not path.startswith("training.")}
        for model, fields in config.overrides.items()
    }
    return dataclasses.replace(
        config, data=data, training=training, evaluation=evaluation, overrides=overrides
    )
