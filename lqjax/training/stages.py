"""What of a network is trained: its head, its last stages, all of it, at once or one by one.

Stages are what `Network.stages` names; whatever is in none of them is the head, which is always
trained. A frozen stage is run as in evaluation, without dropout and with the statistics it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax

from lqjax.config import AugmentationConfig, Config
from lqjax.models.base import Train
from lqjax.models.network import Network
from lqjax.optim.base import OPTIMIZERS
from lqjax.optim.parts import Part
from lqjax.typing import Tree

HEAD, TRAINED = "head", "trained"


@dataclass(frozen=True)
class Stages:
    """What is trained, and from which step on.

    Attributes:
      parts: what is trained, in parts of equal rate and first step, the head first; empty: all of
        the network, alike.
      frozen: top-level names of the parameters and statistics that never change.
    """

    parts: tuple[Part, ...] = ()
    frozen: tuple[str, ...] = ()

    def trained(self, params: Tree) -> Tree:
        """Pick what is trained sooner or later, of parameters or statistics."""
        if not self.frozen:
            return params
        return {name: tree for name, tree in params.items() if name not in self.frozen}

    def modes(self, step: jax.Array | int) -> Train:
        """Say which layers a step runs as in training; all of them where none was ever frozen."""
        flags: dict[str, bool | jax.Array] = dict.fromkeys(self.frozen, False)
        for part in self.parts:
            if part.first_step:
                flags.update(dict.fromkeys(part.layers, step >= part.first_step))
        return flags or True


def make_stages(network: Network, config: Config, steps_per_epoch: int) -> Stages:
    """Say what the settings of a network train.

    Raises:
      ValueError: as `check_stages`.
    """
    settings, decay = config.training, config.optimizer.layer_decay
    alike = decay == 1.0 and not settings.unfreeze_epochs
    if alike and settings.last_stages < 0:
        return Stages()
    check_stages(config, network.stages)
    count = len(network.stages)
    last = count if settings.last_stages < 0 else settings.last_stages
    kept = network.stages[count - last :]
    below = {layer for stage in network.stages for layer in stage}
    head = tuple(name for name in network.shapes()[0] if name not in below)
    frozen = tuple(layer for stage in network.stages[: count - last] for layer in stage)
    if alike:
        return Stages((Part(TRAINED, (*head, *(layer for s in kept for layer in s))),), frozen)
    wait = settings.unfreeze_epochs * steps_per_epoch
    parts = [Part(HEAD, head)]
    for depth, layers in enumerate(reversed(kept), start=1):
        parts.append(Part(layers[0], layers, decay**depth, depth * wait))
    return Stages(tuple(parts), frozen)


def check_stages(config: Config, stages: Sequence[tuple[str, ...]]) -> None:
    """Refuse settings of one network that do not go together, before anything runs.

    Args:
      stages: of its architecture.

    Raises:
      ValueError: more stages than there are, or a setting that would have no effect.
    """
    settings, decay = config.training, config.optimizer.layer_decay
    name, last, wait = config.model.names[0], settings.last_stages, settings.unfreeze_epochs
    if last > len(stages):
        listed = ", ".join(stage[0] for stage in stages)
        raise ValueError(
            f"training.last_stages={last} is more than {name} has: {len(stages)} below its head"
            f" ({listed}); give at most {len(stages)}, or -1 for all"
        )
    if wait and last == 0:
        raise ValueError(
            f"training.unfreeze_epochs={wait} does not go with training.last_stages=0, which never"
            f" trains more than the head; set last_stages=-1 (all), or unfreeze_epochs=0"
        )
    if decay < 1 and last == 0:
        raise ValueError(
            f"optimizer.layer_decay={decay:g} has no effect with training.last_stages=0: the head"
            " has the whole learning rate; set last_stages=-1 (all), or layer_decay=1"
        )
    if wait and OPTIMIZERS[config.optimizer.name].averages:
        raise ValueError(
            f"training.unfreeze_epochs={wait} does not go with"
            f" optimizer.name={config.optimizer.name}, whose average is of all steps; use adamw, or"
            " set unfreeze_epochs=0"
        )


def keeps_features(network: Network, config: Config) -> bool:
    """Tell whether the head alone is trained, and an image has the same features in every epoch."""
    calm = config.augmentation == AugmentationConfig()
    return config.training.last_stages == 0 and calm and bool(network.stages)


def describe_stages(network: Network, config: Config) -> list[str]:
    """Say in a line what is trained; in none where that is all of the network, alike.

    Another line warns of layers that are frozen before anything has trained them.
    """
    stages = make_stages(network, config, 1)
    if not stages.parts:
        return []
    params = network.shapes()[0]
    trained = sum(leaf.size for leaf in jax.tree.leaves(stages.trained(params)))
    layers = [name for part in stages.parts for name in part.layers]
    said = f"trained: {', '.join(layers)} ({trained:,} parameters)"
    if stages.frozen:
        said += f"; frozen: {', '.join(stages.frozen)}"
    if config.optimizer.layer_decay < 1:
        said += f"; rate times {config.optimizer.layer_decay:g} from stage to stage"
    if config.training.unfreeze_epochs:
        said += f"; one stage more every {config.training.unfreeze_epochs} epoch(s)"
    if keeps_features(network, config):
        said += "; the features that it reads are computed once"
    drawn = (
        f"warning: the frozen layers of {network.name} start from drawn weights and stay so; give"
        " model.init_from"
    )
    return [said, drawn] if stages.frozen and not config.model.init_from else [said]
