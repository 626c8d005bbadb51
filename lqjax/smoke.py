"""The smoke form of a recipe: does it run at all, in under a minute."""

from __future__ import annotations

import dataclasses
from typing import Any

from lqjax.config import Config, ScheduleConfig
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
IN_EPOCHS = ("warmup_epochs", "step_epochs")
"""Times of the schedule that keep their shares of training."""


def shrink(config: Config) -> Config:
    """Return the recipe with small images, few of them, and one short epoch.

    Networks and data source stay, of each family of conditions the last, and one ladder: what the
    recipe does is done, once.
    """
    families = {
        condition.family: condition.name
        for condition in expand(config.evaluation.conditions, published=True)
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
    schedule = _schedule(config)
    return dataclasses.replace(
        config,
        data=data,
        training=training,
        schedule=schedule,
        evaluation=evaluation,
        overrides=_overrides(config, schedule),
    )


def _overrides(config: Config, schedule: ScheduleConfig) -> dict[str, dict[str, Any]]:
    """Let single networks differ as before, but for the length of training."""
    found = {}
    for model, fields in config.overrides.items():
        kept = {path: value for path, value in fields.items() if not path.startswith("training.")}
        own = _schedule(config.for_model(model))
        for name in IN_EPOCHS:
            kept.pop(f"schedule.{name}", None)
            if getattr(own, name) != getattr(schedule, name):
                kept[f"schedule.{name}"] = getattr(own, name)
        found[model] = kept
    return found


def _schedule(config: Config) -> ScheduleConfig:
    """Return the schedule with the times that count in epochs at their shares of training."""
    schedule, share = config.schedule, EPOCHS / config.training.epochs
    steps = schedule.step_epochs
    if schedule.name == "step":  # others do not read them
        steps = tuple(epoch * share for epoch in steps)
    warmup = schedule.warmup_epochs * share
    return dataclasses.replace(schedule, warmup_epochs=warmup, step_epochs=steps)
