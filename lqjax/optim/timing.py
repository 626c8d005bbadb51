"""Whether the times of a schedule lie within training."""

from __future__ import annotations

from lqjax.config import Config

EXAMPLE_SHARES = "0.33,0.67,0.89"
"""30, 60 and 80 of 90 epochs. Source: Goyal et al. 2017, https://arxiv.org/abs/1706.02677"""


def check_times(config: Config) -> None:
    """Refuse what does not happen within training: the end of a warm-up, a step, an unfreezing.

    Args:
      config: settings of one network.

    Raises:
      ValueError: the rate would never reach its peak, or never fall from it, or no stage would
        ever be unfrozen.
    """
    schedule, epochs = config.schedule, config.training.epochs
    if config.training.unfreeze_epochs >= epochs:
        raise ValueError(
            f"training.unfreeze_epochs={config.training.unfreeze_epochs} of {_named(config)} frees"
            f" no stage within training.epochs={epochs}; give less than {epochs}, or"
            " training.last_stages=0 to train the head only"
        )
    if schedule.warmup_epochs >= epochs:
        raise ValueError(
            f"schedule.warmup_epochs={schedule.warmup_epochs:g} of {_named(config)} is not over"
            f" within training.epochs={epochs}; give less than {epochs}, or train for longer"
        )
    if schedule.name != "step":
        return
    name, times, end = "step_epochs", schedule.step_epochs, float(epochs)
    if schedule.step_fractions:
        name, times, end = "step_fractions", schedule.step_fractions, 1.0
    if not any(0 < time < end for time in times):
        given = ",".join(f"{time:g}" for time in times)
        of = "1, which is all of training" if end == 1.0 else f"training.epochs={epochs}"
        raise ValueError(
            f"schedule.name=step never lowers the rate of {_named(config)}: none of"
            f" schedule.{name}={given} lies between 0 and {of}; give one that does, or shares of"
            f" training, such as schedule.step_fractions={EXAMPLE_SHARES}"
        )


def _named(config: Config) -> str:
    return " and ".join(config.model.names)
