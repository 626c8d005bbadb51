"""What the pages promise is there: links, figures, commands, operations."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from lqjax.config import default_config, flatten
from lqjax.imaging.suites import SUITES
from lqjax.recipes import packaged_recipes

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LARGEST_FILE = 1_000_000


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_relative_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not broken


def test_every_suite_is_in_the_readme_and_every_recipe_file_exists():
    text = (ROOT / "README.md").read_text()
    assert [name for name in SUITES if f"`{name.partition('/')[0]}" not in text] == []
    named = set(re.findall(r"configs/(\w+)\.py", text)) - {"x"}
    assert named <= set(packaged_recipes())


@pytest.mark.parametrize("name", sorted(packaged_recipes()))
def test_a_recipe_says_command_hardware_and_time(name):
    said = ast.get_docstring(ast.parse(packaged_recipes()[name].read_text())).splitlines()
    starts = [re.match(r"(Command|Hardware|Time): +(\S.*)", line) for line in said]
    found = {start[1]: start[2] for start in starts if start}
    assert list(found) == ["Command", "Hardware", "Time"]
    named = f"python launch.py --config=configs/{name}.py"
    assert found["Command"].startswith("python launch.py" if name == "quickstart" else named)


def test_settings_in_commands_are_there():
    sources = [*PAGES, *(ROOT / "lqjax").rglob("*.py"), *(ROOT / "configs").glob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    named = set(re.findall(r"--config\.([a-z]+\.\w+)=", text))
    assert len(named) > 20
    assert named <= flatten(default_config()).keys()


def test_commands_that_install_can_be_followed():
    sources = [*PAGES, *(ROOT / "lqjax").rglob("*.py"), *(ROOT / "configs").glob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    assert "'lqjax[" not in text  # it is on no index
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    named = [
        n.strip() for found in re.findall(r"'\.\[([\w, ]+)\]'", text) for n in found.split(",")
    ]
    assert named and set(named) <= set(extras)


def test_no_documentation_file_is_large():
    for path in (ROOT / "docs").rglob("*"):
        assert path.is_dir() or path.stat().st_size < LARGEST_FILE, path
