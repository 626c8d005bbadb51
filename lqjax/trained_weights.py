"""The weights of a finished run, as arrays in memory, with what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import jax
import numpy as np
from etils import epath

from lqjax.config import Config, replace_at
from lqjax.damaged import brief, damaged, read_object
from lqjax.data.borders import name_trouble
from lqjax.distributed import decide, lost_another, several_processes
from lqjax.epochs import BEST
from lqjax.kept_statistics import FILE_NAME, read_kept
from lqjax.models.base import MODELS
from lqjax.models.network import CHANNELS, Network, build
from lqjax.named_arrays import filled, named
from lqjax.recognising import nearest_network, with_its_network
from lqjax.runtime import make_mesh, read
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.state import with_sharding
from lqjax.training.tested import Tested
from lqjax.typing import Tree
from lqjax.weights.belongings import Belongings, belongings_of_file, from_record
from lqjax.weights.matching import QUESTION, match, missing_key
from lqjax.weights.published_names import HEAD, STEM, in_file, key_of
from lqjax.weights.reading import in_one_line, read_tensors
from lqjax.workdir import RUNS, Run, Workdir


@dataclass(frozen=True)
class TrainedWeights:
    """Weights and what belongs to them.

    Attributes:
      belongings: the network, its classes, size and normalisation of its images.
      network: built for them.
      params, stats: float32 arrays.
    """

    belongings: Belongings
    network: Network
    params: Tree
    stats: Tree


def network_for(belongings: Belongings, dtype: str = "float32") -> Network:
    """Build the network that weights belong to.

    Raises:
      ValueError: no such network, or names of classes that cannot be written.
    """
    for number, name in enumerate(belongings.class_names):
        if trouble := name_trouble(name):
            raise ValueError(f"class {number} cannot be written: {trouble}")
    return build(
        belongings.model,
        num_classes=len(belongings.class_names),
        channels=belongings.channels,
        image_size=belongings.image_size,
        stem=belongings.stem,
        dtype=dtype,
        head_layers=belongings.head_layers,
    )


def belongings_of_run(run: Run) -> Belongings:
    """Read what the weights of a run belong to.

    Raises:
      ValueError: its file is missing, damaged, or not as training wrote it.
    """
    try:
        return from_record(read_kept(run))
    except (OSError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ValueError(
            f"{run.root / FILE_NAME} cannot be used ({said}); {run.repair('train')}"
        ) from None


def tested_choice(run: Run) -> str:
    """Read which weights of a run are tested, from its working directory; the best if it has none.

    Raises:
      DamagedError: settings that cannot be read, or a choice that there is not.
    """
    path = run.workdir / "config.json"
    if not path.exists():
        return BEST
    kept = read_object(path).get("evaluation", {})
    choice = kept.get("checkpoint", BEST) if isinstance(kept, Mapping) else kept
    try:
        return replace_at(Config(), "evaluation.checkpoint", choice).evaluation.checkpoint
    except ValueError as error:
        raise damaged(path, error) from None


def weights_of_run(run: Run, choice: str = "") -> TrainedWeights:
    """Read the weights of a run that are tested; of several processes all have to.

    Args:
      run: its folder.
      choice: "best" by validation, or "latest"; empty: as its working directory was made with.

    Raises:
      ValueError: there are none that can be read, or they do not fit what the run says of them.
    """
    belongings = from_record(decide(lambda: asdict(belongings_of_run(run))))
    try:
        network = network_for(belongings)
    except ValueError as error:
        raise ValueError(f"{run.root / FILE_NAME} cannot be used: {brief(str(error))}") from None
    params, stats = network.shapes()
    mesh = make_mesh(0 if several_processes() else 1)  # on devices of each
    wanted = with_sharding({"params": params, "stats": stats}, mesh)
    found = _tested(run, choice or decide(lambda: tested_choice(run)), wanted)
    if found is None:
        raise ValueError(f"{run.checkpoints} holds no finished epoch that can be read; train it")
    weights = jax.tree.map(read, found.weights)
    return TrainedWeights(belongings, network, weights["params"], weights["stats"])


def _tested(run: Run, choice: str, wanted: Tree) -> Tested | None:
    """Read the weights that are tested; nothing is changed, for the run may be training."""
    try:
        with Checkpoints(run.checkpoints, read_only=True) as checkpoints:
            return checkpoints.tested(choice, wanted)
    except (PermissionError, MemoryError):
        raise
    except Exception as error:  # whatever Orbax meets where its own files are damaged
        if lost_another(error):
            raise
        said = brief(str(error) or type(error).__name__)
        raise ValueError(f"{run.checkpoints} cannot be used: {said}") from error


def weights_of_file(path: Path, model: str = "") -> TrainedWeights:
    """Read the weights of a file, with a head for as many classes as it has.

    Args:
      path: of `torch.save` or safetensors.
      model: name of the network; empty: as the file says, or as its arrays show.

    Raises:
      ValueError: the file cannot be used; it is named, and the first array that does not fit.
    """
    tensors = read_tensors(path)
    try:
        said = belongings_of_file(path)
    except ValueError as error:
        raise ValueError(in_one_line(str(error))) from None
    try:
        if model or said.model:
            return _asked(tensors, said, model or said.model)
        return _recognised(tensors, said)
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {in_one_line(str(error))}") from None


def _asked(tensors: Mapping[str, np.ndarray], said: Belongings, model: str) -> TrainedWeights:
    """Put the arrays of a file into the network that is named for them."""
    MODELS[model]  # unknown names are refused as such
    try:
        return _fitted(tensors, said, model)
    except ValueError as error:
        raise ValueError(with_its_network(error, tensors, model, said.stem)) from None


def _fitted(tensors: Mapping[str, np.ndarray], said: Belongings, model: str) -> TrainedWeights:
    """Put the arrays of a file into a network."""
    head, stem = key_of(model, HEAD), key_of(model, STEM)
    if stem not in tensors:
        raise ValueError(missing_key(model, stem, tensors))
    head_there, stem_there = (in_file(tensors, key) for key in (head, stem))
    for key in (stem, head):
        # One without numbers may have any number of rows: as many classes would be named.
        if key in tensors and (tensors[key].ndim < 2 or not tensors[key].size):
            named_there, shape = in_file(tensors, key), tensors[key].shape
            raise ValueError(f"its {named_there} has the shape {shape}, which cannot be")
    # Without a last layer any number does: it is refused below, once all else is known to fit.
    count = len(tensors[head]) if head in tensors else max(len(said.class_names), 1)
    channels = tensors[stem].shape[1]
    if channels not in CHANNELS:
        raise ValueError(
            f"{stem_there} is {tensors[stem].shape} in it, for images of {channels} channels; the"
            f" images of {model} have {' or '.join(map(str, CHANNELS))}"
        )
    if said.class_names and len(said.class_names) != count:
        raise ValueError(f"it names {len(said.class_names)} classes, and {head_there} has {count}")
    mean, std = said.statistics(channels)
    own = replace(
        said,
        model=model,
        channels=channels,
        mean=mean,
        std=std,
        class_names=said.class_names or tuple(map(str, range(count))),
    )
    network = network_for(own)
    params, stats = network.shapes()
    wanted = {name: leaf.shape for name, leaf in named(params, stats).items()}
    found = match(model, tensors, wanted)
    if head not in tensors:
        raise ValueError(
            f"it has no {head_there}, the last layer of {model}; train one, starting from the file"
            " (model.init_from)"
        )
    if found.new_head:
        raise ValueError(
            f"its {head_there.rpartition('.')[0]} does not fit together ({found.new_head})"
        )
    return TrainedWeights(own, network, *(filled(t, found.arrays) for t in (params, stats)))


def _recognised(tensors: Mapping[str, np.ndarray], said: Belongings) -> TrainedWeights:
    """Put the arrays of a file into the network that they are nearest to."""
    near = nearest_network(tensors, said.stem)
    if not near.shared:
        raise ValueError(
            f"it begins with {in_file(tensors, next(iter(tensors)))}, and shares no array with any"
            f" of {', '.join(MODELS.names())}, by torchvision's names"
        )
    try:
        return _fitted(tensors, said, near.model)
    except ValueError as error:
        raise ValueError(
            f"it fits no network; the nearest is {near.model}, of which it has {near.shared} of"
            f" {near.total} arrays below the last layer: {str(error).removesuffix(QUESTION)}"
        ) from None


def named_run(folder: epath.PathLike, model: str = "", seed: int | None = None) -> Run:
    """Choose a run as `find_run`, but of no other seed than the one that is asked for.

    Raises:
      ValueError: as `find_run`, or nothing of this seed is trained.
    """
    run = find_run(folder, model, seed)
    if seed is not None and run.seed != seed:
        runs = Workdir.at(folder, writes=False).runs()
        has = {r.seed for r in runs if r.model == run.model and r.has_checkpoint()}
        listed = ", ".join(map(str, sorted(has)))
        raise ValueError(f"{folder} holds no run of {run.model} with seed {seed}; it has {listed}")
    return run


def find_run(folder: epath.PathLike, model: str = "", seed: int | None = None) -> Run:
    """Choose the run of a working directory that weights are taken from.

    Args:
      model: name of the network; empty where the directory has only one.
      seed: the one that is wanted if there are several; the first of those there are otherwise.

    Raises:
      ValueError: no such run is trained, or the network is not clear.
    """
    place = Workdir.at(folder, writes=False)
    runs = [run for run in place.runs() if run.has_checkpoint()]
    names = list(dict.fromkeys(run.model for run in runs))
    if not runs:
        above = epath.Path(folder).parent.parent
        if above.name == RUNS:
            raise ValueError(f"{folder} is the folder of one run; give {above.parent} instead")
        raise ValueError(f"{folder} holds no trained network; train one there first")
    wanted = model or (names[0] if len(names) == 1 else "")
    if wanted not in names:
        said = f"no {model}" if model else "several networks"
        raise ValueError(f"{folder} holds {said}; it has {', '.join(names)}: name one of them")
    own = [run for run in runs if run.model == wanted]
    return next((run for run in own if run.seed == seed), own[0])
