"""The end of an epoch: what it came to, and where that is kept."""

from __future__ import annotations

from collections.abc import Mapping

from lqjax.rows import Epoch
from lqjax.runtime import read
from lqjax.training.measures import means
from lqjax.training.passage import Passage
from lqjax.training.position import Position
from lqjax.typing import Tree


def epoch_record(
    at: Position,
    number: int,
    found: tuple[float, float],
    passage: Passage,
    pace: float,
    seconds: float,
) -> Epoch:
    """Put together what an epoch of one run came to.

    Args:
      at, number: where the runs stand, and which of them it is.
      found: loss and accuracy of validation.
      passage: what made the steps.
      pace: images per second of all runs.
      seconds: the share of the run in the time of the epoch.
    """
    run, (loss, accuracy) = at.keepers[number].run, found
    measured = means(read(at.part_of(at.state["metrics"], number)))
    return Epoch(
        model=run.model,
        seed=run.seed,
        fold=run.fold,
        epoch=at.epoch,
        step=at.step,
        learning_rate=passage.rate(at.step - 1, number),
        train_loss=measured["loss"],
        train_accuracy=measured["accuracy"],
        validation_loss=loss,
        validation_accuracy=accuracy,
        images_per_second=pace,
        seconds=seconds,
    )


def close_epoch(
    at: Position, records: Mapping[int, Epoch], weights: Mapping[int, Tree], passage: Passage
) -> None:
    """Keep what an epoch came to: as a checkpoint, in the history and in the log.

    Args:
      records, weights: by number, of the runs that were validated: what `epoch_record` gives, and
        what is to be evaluated.
    """
    closed = [(at.keepers[number], record) for number, record in records.items()]
    for keeper, record in closed:
        keeper.history.append(record)
    passage.close_epoch(at, weights)
    for keeper, _ in closed:
        keeper.run.write_history(keeper.history)
    for keeper, record in closed:
        keeper.log.epoch(record)
