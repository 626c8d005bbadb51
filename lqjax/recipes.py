"""Finding and running recipe files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import ml_collections

from lqjax.config import Config, from_config_dict
from lqjax.registry import nearest_first

DEFAULT_RECIPE = "configs/quickstart.py"
PACKAGED = Path(__file__).parent / "configs"
SOURCE_TREE = Path(__file__).parent.parent / "configs"


def packaged_recipes() -> dict[str, Path]:
    """Map "quickstart" and the like to the recipe files that came with lqjax."""
    folder = PACKAGED if PACKAGED.is_dir() else SOURCE_TREE
    return {path.stem: path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"}


def find_recipe(name: str) -> Path:
    """Find a recipe: a file here, or by its name among those that came with lqjax.

    Raises:
      ValueError: there is no such file; the message lists the recipes there are.
    """
    path = Path(name)
    if path.is_file():
        return path
    known = packaged_recipes()
    if path.stem in known and path.parent.name in ("", "configs"):
        return known[path.stem]
    listing = ", ".join(f"configs/{stem}.py" for stem in nearest_first(path.stem, tuple(known)))
    raise ValueError(f"no recipe {name}: no such file; recipes that came with lqjax: {listing}")


def load_recipe(name: str) -> Config:
    """Run a recipe's `get_config()` and return the typed settings.

    Raises:
      ValueError: no such file, no `get_config` in it, or settings that do not exist.
    """
    path = find_recipe(name)
    spec = importlib.util.spec_from_file_location(f"lqjax_recipe_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file; a recipe ends in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        recipe = module.get_config()
    except (AttributeError, KeyError, TypeError, SyntaxError) as error:
        raise ValueError(f"recipe {path}: {' '.join(str(error).split())}") from error
    if not isinstance(recipe, ml_collections.ConfigDict):
        raise ValueError(f"recipe {path}: get_config() must return a ConfigDict")
    return from_config_dict(recipe)
