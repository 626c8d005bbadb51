"""What can be done with the files of an audit: commands for a shell, on the very same data."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Sequence

from etils import epath

from lqjax.config import Config
from lqjax.overriding import flags, override
from lqjax.recipes import DEFAULT_RECIPE, load_recipe, packaged_recipes
from lqjax.reporting.audit_files import CONDITIONS, KEEP
from lqjax.reporting.commands import PROGRAM

RECIPE = "configs/compare.py"
"""For who audits with none of those that came with lqjax, or with the default one, a first try."""

TESTED = "evaluation.conditions"

TRAINS = ("model", "optimizer", "schedule", "training", "augmentation", "overrides")
"""Settings by which a recipe is known; those of the data are anybody's own."""


def audit_commands(
    config: Config, folder: epath.Path, *, conditions: Sequence[str], damaged: bool, absent: bool
) -> Iterator[tuple[str, str]]:
    """Yield what can be done, and the command that does it.

    Args:
      config: what was audited.
      folder: has the files.
      conditions: degradations like those of the pictures, if there are any.
      damaged: whether pictures cannot be read: training without a filter ends at them.
      absent: whether the source left some out, at which it ends before it knows of a filter, or
        some were not looked at, which may be damaged.
    """
    filtered = _changed(config, str(folder / KEEP), absent)
    yield "Train without what keep.csv leaves out", _command(filtered)
    if conditions:
        tested = f"--config.{TESTED}={_with_clean(conditions, folder / CONDITIONS)}"
        same = _changed(config, config.data.keep, damaged or absent)
        yield "Test under degradations like these", _command(same, tested)


def _with_clean(conditions: Sequence[str], file: epath.Path) -> str:
    """Write what is tested: clean pictures and the file, or what is in it.

    Commas and brackets in the path of a file are taken for those of a list.
    """
    text = f"clean,@{file}"
    try:
        found = override(Config(), TESTED, text).evaluation.conditions
        understood = found == ("clean", f"@{file}")
    except ValueError:
        understood = False
    return text if understood else ",".join(["clean", *conditions])


def _changed(config: Config, keep: str, skip: bool) -> Config:
    bad = "skip" if skip else config.data.on_bad_image
    return dataclasses.replace(
        config, data=dataclasses.replace(config.data, keep=keep, on_bad_image=bad)
    )


def _command(config: Config, *more: str) -> str:
    recipe = _recipe(config)
    words = [f"--config={recipe}", *flags(config, load_recipe(recipe), "data"), *more]
    return shlex.join([PROGRAM, *words])


def _recipe(config: Config) -> str:
    """Name the recipe that trains as the settings say; the one for own images where none does."""
    for stem in packaged_recipes():
        name = f"configs/{stem}.py"
        made = load_recipe(name)
        if name != DEFAULT_RECIPE and all(
            getattr(made, group) == getattr(config, group) for group in TRAINS
        ):
            return name
    return RECIPE
