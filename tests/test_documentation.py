"""What the pages promise is there: links, figures, commands, operations."""

import re
from pathlib import Path

import pytest

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


def test_no_documentation_file_is_large():
    for path in (ROOT / "docs").rglob("*"):
        assert path.is_dir() or path.stat().st_size < LARGEST_FILE, path
