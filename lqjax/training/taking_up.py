"""May a run go on from the checkpoints that are there? Asked before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import jax
from etils import epath
from jax.sharding import Mesh

from lqjax.config import Config
from lqjax.distributed import decide
from lqjax.models.network import Network
from lqjax.optim.building import build_optimizer
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.damage import UnreadableError, is_changed
from lqjax.training.fitting import MisfitError
from lqjax.training.plan import Plan, is_finished
from lqjax.training.reading import MODEL, REST, check_part, read_record
from lqjax.training.record import Record
from lqjax.training.resolved import NOT_USED, check_resolved, resolved_settings, resolved_stem
from lqjax.training.stages import make_stages
from lqjax.training.state import abstract_items, abstract_state
from lqjax.typing import Tree
from lqjax.workdir import Run

PER_DEVICE = "device"
"""Choice of `model.batch_norm` that makes what is computed depend on the number of devices."""


def check_taking_up(
    run: Run, config: Config, network: Network, mesh: Mesh, class_names: Sequence[str], plan: Plan
) -> None:
    """Refuse to train on from checkpoints that do not fit; changes nothing.

    The latest checkpoint that can be read decides; without any there is nothing to refuse.

    Args:
      run, config: folder of the network, and its settings.
      mesh: the devices that are to share a batch.
      class_names: of the data.
      plan: from `lqjax.training.plan.make_plan`.

    Raises:
      ValueError: it is of another network, of other classes or of another version, or was trained
        in epochs of another length, with other published values, or on another number of devices
        that matters.
    """
    stages = make_stages(network, config, plan.steps_per_epoch)
    optimizer = build_optimizer(config, plan.schedule, stages.parts)
    abstract = abstract_state(network, optimizer, config, mesh)
    model, rest = abstract_items(abstract, config, mesh)
    record = _checked(run, {MODEL: model, REST: rest})
    if record is None:
        return
    _check_names(run, class_names)
    check_resolved(run, record.resolved, resolved_stem(network))
    if is_finished(config, record.history):
        return
    used = resolved_settings(config.for_model(run.model), network)  # with its learning rate
    check_resolved(run, record.resolved, {**dict.fromkeys(record.resolved, NOT_USED), **used})
    _check_steps(run, record, plan)
    if jax.tree.leaves(network.shapes()[1]):
        _check_devices(run, config, record, mesh)


def check_testing(run: Run, network: Network, class_names: Sequence[str]) -> None:
    """Refuse to test weights that do not fit the data or the network; changes nothing.

    Raises:
      ValueError: as `check_taking_up`; the number of devices does not matter here.
    """
    params, stats = network.shapes()
    record = _checked(run, {MODEL: {"params": params, "stats": stats}})
    if record is not None:
        _check_names(run, class_names)
        check_resolved(run, record.resolved, resolved_stem(network))


def _checked(run: Run, parts: Mapping[str, Tree]) -> Record | None:
    """Compare the latest checkpoint that can be read with what is needed; `None` without one."""
    if not decide(run.is_trained):
        return None
    with Checkpoints(run.checkpoints, read_only=True) as checkpoints:
        steps = decide(checkpoints.steps)
    for step in steps:
        folder = run.checkpoints / str(step)
        try:
            record = read_record(folder)
        except UnreadableError:  # it is set aside when it is to be read
            continue
        if decide(lambda: _fits(folder, parts, record)):  # noqa: B023 (called at once)
            return record
    return None


def _fits(folder: epath.Path, parts: Mapping[str, Tree], record: Record) -> bool:
    """Compare names and shapes; false for a checkpoint that is damaged.

    Raises:
      MisfitError: they are others.
    """
    for name, wanted in parts.items():
        try:
            check_part(folder, name, wanted, record)
        except MisfitError:
            raise
        except Exception:  # whatever Orbax meets in a damaged file; told when it is to be read
            return False
    return True


def _names_before(run: Run) -> list[str] | None:
    """Read the classes a run was trained on; `None` where that is lost: it is written again."""
    path = run.root / "model.json"
    try:
        if not path.exists():
            return None
        record = json.loads(path.read_text())
        names = list(record["class_names"])
        return None if is_changed(record) else names
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _check_names(run: Run, class_names: Sequence[str]) -> None:
    """Refuse other classes, equally many; what earlier versions did not write is not compared."""
    before = decide(lambda: _names_before(run))
    if before is None or list(before) == list(class_names):
        return
    pairs = zip(before, class_names, strict=True)  # their number was compared with the shapes
    number, (there, here) = next(found for found in enumerate(pairs) if found[1][0] != found[1][1])
    raise ValueError(
        f"{run.root} was trained on other classes: class {number} is {there!r} there and"
        f" {here!r} in the data; use another workdir, or the data it was made with"
    )


def _check_steps(run: Run, record: Record, plan: Plan) -> None:
    """Refuse to go on within epochs of another length: a step would be another place in them."""
    done, now = len(record.history), plan.steps_per_epoch
    before = record.history[-1].step // done if done else now
    if before != now or record.step > (done + 1) * now:
        said = f"in epochs of {before} steps" if before != now else f"for {record.step} steps"
        raise ValueError(
            f"{run.root} was trained {said}, and with the images that are there now it would be"
            f" {now} an epoch; use another workdir, or the images it was made with"
        )


def _check_devices(run: Run, config: Config, record: Record, mesh: Mesh) -> None:
    before = record.machine.get("devices", mesh.size)
    if config.model.batch_norm == PER_DEVICE and before != mesh.size:
        raise ValueError(
            f"{run.root} was trained with model.batch_norm=device on {before} device(s), and there"
            f" are {mesh.size} now: each device normalises its own share of a batch, so that this"
            f" would be another protocol; set run.devices={before}, or name another workdir"
        )
