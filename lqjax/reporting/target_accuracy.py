"""How many training images a run needed to reach an accuracy on the validation images."""

from __future__ import annotations

from lqjax.reporting.study import Network, Study

MARGIN = 0.01
"""Share of the images; how far below the best of the weakest run the target lies if none is set."""


def target_accuracy(study: Study) -> float | None:
    """Return the accuracy to reach, a share; `None` where no run has a history.

    It is what the settings say (`evaluation.target_accuracy`; of several working directories the
    highest). Where they leave it open it is what the weakest run reached at its best, less
    `MARGIN`: the highest level that all runs are sure to have reached and not just grazed.
    """
    settings = [config.get("evaluation", {}) for config in study.configs.values()]
    asked = max((float(s.get("target_accuracy", 0.0)) for s in settings), default=0.0)
    if asked > 0:
        return asked
    bests = [_best(network) for network in study.all_networks if network.history]
    return max(min(bests) - MARGIN, 0.0) if bests else None


def _best(network: Network) -> float:
    return max(epoch.validation_accuracy for epoch in network.history)


def images_to(network: Network, target: float | None) -> int | None:
    """Count the training images up to the end of the first epoch that reaches the target.

    Returns:
      `None` where no epoch reaches it, or where the record of the cost lacks the images.
    """
    if target is None or network.cost is None or network.cost.training_images is None:
        return None
    epochs = sorted(network.history, key=lambda epoch: epoch.epoch)
    reached = next((e for e in epochs if e.validation_accuracy >= target), None)
    if reached is None:
        return None
    return round(network.cost.training_images * reached.step / epochs[-1].step)
