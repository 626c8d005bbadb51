"""A working directory is taken up: by whom, with which settings, and what they are for."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import ml_collections
from etils import epath

from lqjax.config import AuditConfig, Config, from_config_dict, from_record
from lqjax.damaged import DamagedError, brief, read_object
from lqjax.displacing import RECIPE, WORKDIR, displaced, overruled
from lqjax.distributed import decide, is_first, refuse_differences, several_processes, together
from lqjax.locking import locked
from lqjax.optim.timing import check_times
from lqjax.origins import settle
from lqjax.overriding import differences, from_arguments, to_dict
from lqjax.same_images import has_kept_images
from lqjax.signals import heeded
from lqjax.smoke import shrink
from lqjax.workbench import Workbench, check_names
from lqjax.workdir import Workdir

FREE_TO_CHANGE = (
    "evaluation.conditions",
    "evaluation.readings",
    "evaluation.envelopes",
    "evaluation.envelope_drop",
    "evaluation.envelope_floor",
    "evaluation.show_images",
    "evaluation.latency_runs",
    "evaluation.throughput_batches",
    "evaluation.target_accuracy",
    "data.duplicates",
    *(f"audit.{setting.name}" for setting in dataclasses.fields(AuditConfig)),
    "data.decoder",
    "data.workers",
    "data.residency",
    "data.device_share",
    "data.cache_dir",
    "training.steps_per_dispatch",
    "training.checkpoint_minutes",
    "training.keep_checkpoints",
    "run.devices",
    "run.seeds",
    "run.learning_rates",
    "run.seeds_together",
    "run.progress",
    "run.log_every",
    "run.writers",
    "run.profile",
)
"""Settings that an existing working directory may be taken up with: rows carry the condition,
and the others do not change results."""

WHERE_THE_IMAGES_LIE = (
    "data.path",
    "data.root",
    "data.allow_outside",
    "data.name",
    "data.manifest",
    "data.keep",
    "evaluation.corrupted_dir",
)
"""Settings that are free where the images themselves are compared: a data set may be moved."""

SHARED_SECONDS = 60
"""How long a file that one host wrote may take to appear on another: network folders remember for
a while that it was not there."""

LOOK_SECONDS = 0.5


def stored_config(workdir: Workdir) -> Config | None:
    """Read the settings that a working directory was made with; `None` for a new one.

    Raises:
      DamagedError: not JSON, or settings that are unknown or impossible.
    """
    path = workdir.root / "config.json"
    repair = "repair it, or name another --workdir"
    record = decide(lambda: read_object(path, repair) if path.exists() else None)
    try:
        return None if record is None else from_record(record)
    except (ValueError, RecursionError) as error:
        what = f"{path} holds settings that cannot be used ({brief(str(error))})"
        raise DamagedError(what, repair) from None


def prepared(
    config: Config | None, workdir: epath.PathLike, settings: dict[str, Any]
) -> tuple[Config, Workdir, list[str]]:
    """Put the settings of a call together, and name its working directory.

    Returns:
      The settings, the directory, and lines about what `config` or the directory has for single
      networks and the call for all of them.

    Raises:
      ValueError: impossible settings, or processes whose settings differ.
    """
    if isinstance(config, ml_collections.ConfigDict):
        config = from_config_dict(config)
    if config is not None and not isinstance(config, Config):
        raise ValueError(
            f"config must be an lqjax.Config or a recipe's ConfigDict, not {type(config).__name__};"
            " or leave it out and give settings by keyword, such as epochs=3"
        )
    if not workdir and several_processes():
        raise ValueError("several processes need a workdir that all of them reach; name one")
    place = Workdir.at(workdir or tempfile.mkdtemp(prefix="lqjax-"), writes=is_first())
    stored = None if config else stored_config(place)
    base, whose = config or stored or Config(), WORKDIR if stored else RECIPE

    begun = decide(place.has_results)  # and goes on as it began

    def changed() -> tuple[Config, list[str]]:
        asked = from_arguments(base, settings)
        check_names(asked)
        settled, told = settle(asked, (stored or stored_config(place)) if begun else None)
        for model in () if begun else asked.model.names:
            check_times(asked.for_model(model))
        return _small(settled), [*displaced(base, asked, whose), *overruled(asked), *told]

    chosen, lines = together(changed)
    refuse_differences("settings", lambda: {"workdir": str(place.root), **to_dict(chosen)})
    return chosen, place, lines


def _small(config: Config) -> Config:
    """Make a smoke run small."""
    return shrink(config) if config.run.smoke else config


@contextmanager
def claimed(place: Workdir) -> Iterator[None]:
    """Lock a working directory; of several processes the first one holds it for all.

    Meanwhile signals that ask to stop wait until what was computed is saved.
    """
    with heeded(), ExitStack() as stack:
        decide(lambda: stack.enter_context(locked(place.root)))
        yield


def check_settings(config: Config, place: Workdir) -> None:
    """Refuse a working directory of other settings.

    Raises:
      ValueError: there are results of settings that matter; what differs is named.
    """
    before = stored_config(place)
    if before is not None and decide(place.has_results):
        free = FREE_TO_CHANGE + (WHERE_THE_IMAGES_LIE if has_kept_images(place) else ())
        # Of single networks, too.
        networks = {*before.overrides, *config.overrides}
        free += tuple(f"overrides.{network}.{path}" for network in networks for path in free)
        changed = differences(to_dict(before), to_dict(config), free)
        if changed:
            anew = " remove it (a smoke run is made again soon)," if before.run.smoke else ""
            raise ValueError(
                f"{place.root} was made with other settings ({'; '.join(changed)});"
                f"{anew} name another workdir, or give the same settings (its config.json) to go on"
            )


def claim(bench: Workbench) -> None:
    """Write down what the working directory is for."""
    place, text = bench.workdir, json.dumps(to_dict(bench.config), indent=1) + "\n"
    place.write_text("config.json", text)
    place.write_text("environment.json", json.dumps(bench.environment(), indent=1) + "\n")
    place.write_planned(bench.config.evaluation.conditions, bench.rungs.grid)
    place.add_rungs(bench.rungs)
    if not bench.config.evaluation.show_images:
        place.remove_pictures()  # of a time when they might be shown
    together(lambda: _wait_for(place.root / "config.json", text))


def _wait_for(path: epath.Path, text: str) -> None:
    """Make sure that this process sees what the first one has written."""
    for _ in range(round(SHARED_SECONDS / LOOK_SECONDS)):
        if path.exists() and path.read_text() == text:
            return
        time.sleep(LOOK_SECONDS)
    raise ValueError(
        f"{path} of process 0 did not appear here within {SHARED_SECONDS} s; use a workdir that"
        " all processes share: a network folder or a bucket (gs://...)"
    )
