"""What training starts from: published weights, or those of another run, and what belongs to them.

The setting is `model.init_from`, for all networks or, as an override, for one of them.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lqjax.config import AUTO, Config
from lqjax.data.normalisation import Statistics
from lqjax.distributed import decide, together
from lqjax.models.network import Network
from lqjax.named_arrays import named
from lqjax.recognising import with_its_network
from lqjax.textlists import enumeration
from lqjax.trained_weights import belongings_of_run, find_run, weights_of_run
from lqjax.weights.belongings import Belongings, belongings_of_file
from lqjax.weights.exporting import to_state_dict
from lqjax.weights.matching import Matched, match
from lqjax.weights.reading import in_one_line, read_tensors


@dataclass(frozen=True)
class Origin:
    """What a run starts from.

    Attributes:
      arrays: by name, of parameters and statistics; what is missing is drawn by the seed.
      lines: what was done to them, for the screen.
    """

    arrays: Mapping[str, np.ndarray]
    lines: tuple[str, ...]


def settle(config: Config, before: Config | None) -> tuple[Config, list[str]]:
    """Fill in the image size and the first layers that belong to the weights started from.

    Args:
      config: as it was asked for; what it says itself stands.
      before: of a working directory that has been begun, whose choices are taken over.

    Returns:
      The settings, and lines about the weights.

    Raises:
      ValueError: a file or directory that is not there or damaged, or weights for images of
        several sizes and none chosen.
    """
    if before is not None:
        return _as_before(config, before), []
    found = _belongings(config)
    sizes = {model: own.image_size for model, own in found.items()}
    side = config.data.image_size
    if not side and len(set(sizes.values())) > 1:
        said = ", ".join(f"{size} px for {model}" for model, size in sizes.items())
        raise ValueError(
            f"the weights that training starts from were made for images of {said}; choose one"
            " size for all with data.image_size"
        )
    made = dataclasses.replace(config, data=config.data.sized(*list(sizes.values())[:1]))
    stems = {model: own.stem for model, own in found.items()}
    lines = [_described(made, model, own) for model, own in found.items()]
    return _with_stems(made, stems), lines


def statistics_to_start(config: Config, channels: int) -> Statistics | None:
    """Return mean and standard deviation that belong to the weights started from, if any.

    Args:
      config: where data.mean is set, that stands, and this is `None`.
      channels: of the images.

    Raises:
      ValueError: the networks start from weights of different normalisation.
    """
    found = {} if config.data.mean else _belongings(config)
    kinds = {own.statistics(channels): model for model, own in found.items()}
    if len(kinds) > 1:
        raise ValueError(
            f"the weights of {enumeration([*kinds.values()])} belong to images that are normalised"
            " differently, and all networks are shown the same; set data.mean and data.std"
        )
    for mean, std in kinds:
        return np.asarray(mean, np.float32), np.asarray(std, np.float32)
    return None


def read_origin(
    config: Config, network: Network, seed: int, class_names: tuple[str, ...]
) -> Origin:
    """Read the arrays that a run starts from; of several processes all have to ask for them.

    Args:
      config: of one network.
      seed: of the run; of a working directory the run of the same seed is taken, if there is one.
      class_names: of the data; the layer that gives logits is taken over where they are the same
        or, of published weights, as many.

    Raises:
      ValueError: the file or directory cannot be used, or the first array that does not fit.
    """
    text = _expanded(config.model.init_from)
    if not text:
        return Origin({}, ())
    if decide(lambda: _is_folder(text)):
        found = weights_of_run(together(lambda: find_run(text, network.name, seed)))
        belongings = found.belongings
        tensors = to_state_dict(network.name, named(found.params, found.stats))
    else:
        path = Path(text)
        tensors, belongings = together(lambda: (read_tensors(path), belongings_of_file(path)))
    wanted = {name: leaf.shape for name, leaf in named(*network.shapes()).items()}
    same = not belongings.class_names or belongings.class_names == class_names

    def matched() -> Matched:
        try:
            return match(network.name, tensors, wanted, keep_head=same)
        except ValueError as error:
            said = with_its_network(error, tensors, network.name, network.stem)
            raise ValueError(f"model.init_from={text} does not fit: {in_one_line(said)}") from None

    made = together(matched)
    done = f"{len(made.arrays)} of {len(wanted)} arrays"
    parts = [f"{network.name} starts from {text}: {done}"]
    parts += [f"a new head ({made.new_head})"] if made.new_head else []
    parts += [made.stem] if made.stem else []
    return Origin(made.arrays, ("; ".join(parts),))


def _belongings(config: Config) -> dict[str, Belongings]:
    """Read what belongs to the weights of each network that starts from some."""
    texts = {
        model: _expanded(config.for_model(model).model.init_from) for model in config.model.names
    }
    return {
        model: _belonging(text, model, config.seeds[0]) for model, text in texts.items() if text
    }


def _belonging(text: str, model: str, seed: int) -> Belongings:
    if _is_folder(text):
        return belongings_of_run(find_run(text, model, seed))
    if not Path(text).is_file():
        raise ValueError(
            f"model.init_from={text}: there is no such file or folder; give a .pth or .safetensors"
            " file, or the working directory of a run"
        )
    return belongings_of_file(Path(text))


def _expanded(text: str) -> str:
    """Put the home folder in the place of a `~`, which shells leave behind an equals sign."""
    return os.path.expanduser(text)  # noqa: PTH111  # an address stays as it is


def _is_folder(text: str) -> bool:
    return "://" in text or Path(text).is_dir()


def _as_before(config: Config, before: Config) -> Config:
    side = config.data.image_size or before.data.image_size
    made = dataclasses.replace(config, data=config.data.sized(side))
    names = [name for name in config.model.names if config.for_model(name).model.init_from]
    return _with_stems(made, {name: before.for_model(name).model.stem for name in names})


def _with_stems(config: Config, stems: Mapping[str, str]) -> Config:
    """Set the first layers of single networks, where they are left open."""
    overrides = {model: dict(fields) for model, fields in config.overrides.items()}
    for model, stem in stems.items():
        if config.for_model(model).model.stem == AUTO:
            overrides.setdefault(model, {})["model.stem"] = stem
    return dataclasses.replace(config, overrides=overrides)


def _described(config: Config, model: str, own: Belongings) -> str:
    text, side = config.for_model(model).model.init_from, config.data.image_size
    mean, std = (",".join(f"{value:.4g}" for value in values) for values in (own.mean, own.std))
    here = "" if side == own.image_size else f" (here they are {side} px)"
    whose = (
        "as data.mean and data.std say" if config.data.mean else f"with mean {mean} and std {std}"
    )
    return (
        f"{model} starts from {text}, made for images of {own.image_size} px{here}; they are"
        f" normalised {whose}"
    )
