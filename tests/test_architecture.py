"""The layers hold: imports go down only, and the packages that must not know jax do not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lqjax

PACKAGE = Path(lqjax.__file__).parent
LAYERS = {
    "config": 0, "settings": 0, "overriding": 0, "precedence": 0, "displacing": 0,
    "textlists": 0, "registry": 0, "typing": 0,
    "runtime": 0, "compiling": 0, "freed_memory": 0, "progress": 0, "rows": 0, "workdir": 0,
    "imaging": 0,
    "variants": 0, "distributed": 0, "joining": 0, "locking": 0, "stopping": 0, "signals": 0,
    "named_arrays": 0,
    "rungs": 0, "epochs": 0, "lines": 0,
    "damaged": 0, "disk": 0, "array_files": 0, "answer_files": 0,
    "degradations": 1, "augmentations": 1, "restorations": 1, "models": 1, "data": 1, "optim": 1,
    "metrics": 1, "weights": 1,
    "training": 2, "evaluation": 2, "auditing": 2,
    "reporting": 3, "advising": 3, "costing": 3, "workbench": 3, "network_training": 3,
    "outcomes": 3, "answering": 3, "claiming": 3, "experiment": 3, "smoke": 3, "recipes": 3,
    "outdated": 3, "readings": 3,
    "diverging": 3, "same_images": 3, "same_pictures": 3, "data_audit": 3, "audit_commands": 3,
    "manifest_files": 3,
    "kept_statistics": 3, "recognising": 3, "trained_weights": 3, "exporting": 3, "classifying": 3,
    "predictions_table": 3, "origins": 3,
    "arguments": 3, "cli": 3, "corrupting": 3, "picture_batches": 3, "picturing": 3, "tools": 3,
}  # fmt: skip
ROOT_FILES = {"__init__", "__main__"}
FILES = sorted(PACKAGE.rglob("*.py"))
ONLY_NNX = {"models", "training/state.py"}


def part(module: str) -> str | None:
    pieces = module.split(".")
    return pieces[1] if pieces[0] == "lqjax" and len(pieces) > 1 else None


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    relative = path.relative_to(PACKAGE)
    mine = relative.parts[0].removesuffix(".py")
    if mine in ROOT_FILES or mine == "configs":
        return
    for module in imports(path):
        other = part(module)
        if other is None or other == mine:
            continue
        assert other in LAYERS, f"{relative} imports {module}, which has no layer"
        assert LAYERS[other] <= LAYERS[mine], f"{relative} imports {module}: up"
        sideways = LAYERS[other] == LAYERS[mine] and LAYERS[mine] in (1, 2)
        assert not sideways, f"{relative} imports {module}: sideways"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_models_and_state_know_nnx(path):
    relative = str(path.relative_to(PACKAGE))
    if relative.startswith("models/") or relative == "training/state.py":
        return
    assert "nnx" not in path.read_text().replace("nnx-free", "")


def test_recipes_import_the_config_only():
    for path in (PACKAGE.parent / "configs").glob("*.py"):
        assert set(imports(path)) <= {"ml_collections", "lqjax.config"}, path


@pytest.mark.parametrize(
    "module",
    [
        "lqjax",
        "lqjax.rows",
        "lqjax.workdir",
        "lqjax.reporting.report",
        "lqjax.reporting.audit_page",
        "lqjax.advising.advise",
        "lqjax.config",
    ],
)
def test_modules_without_jax(module):
    code = f"import sys, {module}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_package_is_in_the_wheel():
    import tomllib

    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    there = {
        ".".join(["lqjax", *path.parent.relative_to(PACKAGE).parts])
        for path in PACKAGE.rglob("__init__.py")
    }
    assert listed == there | {"lqjax.configs"}
