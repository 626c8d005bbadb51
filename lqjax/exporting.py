"""Weights of a run as a file that other code reads."""

from __future__ import annotations

from pathlib import Path

from etils import epath

from lqjax.named_arrays import named
from lqjax.trained_weights import named_run, weights_of_run
from lqjax.weights.exporting import to_state_dict

SUFFIX = ".safetensors"


def export_weights(
    workdir: epath.PathLike, path: str | Path, *, model: str = "", seed: int | None = None
) -> Path:
    """Write the weights of a trained network that are tested to a safetensors file.

    `torch_model.load_state_dict(safetensors.torch.load_file(path))` loads it into torchvision's
    network of the same name, strictly. `lqjax.load` and `model.init_from` read it too: classes,
    size and normalisation of the images stand in its header.

    Args:
      workdir: of `train` or `compare`.
      path: of the file, which ends in .safetensors.
      model: name of the network; can be left out where there is only one.
      seed: of the run; the first one if left out.

    Returns:
      The path.

    Raises:
      ValueError: nothing trained there, several networks and none named, another ending, or a
        network with extra head layers, for which torchvision has no place.
    """
    from lqjax.weights.safetensors_file import write_safetensors

    made = Path(path).expanduser()
    if made.suffix != SUFFIX:
        raise ValueError(f"path={path} must end in {SUFFIX}, which PyTorch and others read")
    run = named_run(workdir, model, seed)
    found = weights_of_run(run)
    if layers := found.belongings.head_layers:
        raise ValueError(
            f"{run.root} has model.head_layers={','.join(map(str, layers))}, which torchvision's"
            f" {found.belongings.model} does not have; export a run that was trained without them"
        )
    tensors = to_state_dict(found.belongings.model, named(found.params, found.stats))
    notes = {"format": "pt", "lqjax": found.belongings.note()}
    made.parent.mkdir(parents=True, exist_ok=True)
    write_safetensors(tensors, made, notes)
    return made
