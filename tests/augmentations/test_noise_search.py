"""The search of docs/augmentation.md runs as it is written, with fewer values and images,
and with a smaller network."""

import re
from pathlib import Path

import pytest

import lqjax.recipes
from lqjax.overriding import override

PAGE = Path(__file__).parents[2] / "docs" / "augmentation.md"
RECIPE = "configs/noise_injection.py"
SHORTER = {
    "run.smoke": "true",
    "data.image_size": "28",
    "evaluation.conditions": "clean",
    "model.names": "small",
}


def block():
    return re.search(r"<!-- search -->\n```python\n(.*?)```\n<!-- end -->", PAGE.read_text(), re.S)[
        1
    ]


def values(code, name):
    return eval(re.search(rf"^{name} = (.*)$", code, re.M)[1])


def test_seventeen_values_with_the_one_that_the_study_found():
    sigmas = [number / 1000 for number in values(block(), "THOUSANDTHS")]
    assert len(set(sigmas)) == 17 and {0, 0.01} <= set(sigmas)
    assert sorted(sigmas) == sigmas
    assert lqjax.recipes.load_recipe(RECIPE).augmentation.noise_sigma == 0.01


@pytest.mark.slow
@pytest.mark.usefixtures("small_networks")
def test_the_search_runs_as_written(tmp_path, monkeypatch, capsys):
    recipe = lqjax.recipes.load_recipe(RECIPE)
    assert recipe.model.names == ("resnet18",)
    for path, text in SHORTER.items():
        recipe = override(recipe, path, text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lqjax.recipes, "load_recipe", {RECIPE: recipe}.__getitem__)
    code = re.sub(r"^THOUSANDTHS = .*$", "THOUSANDTHS = (0, 300)", block(), flags=re.M)
    code, changes = re.subn('"resnet18"', '"small"', code)
    assert changes == 1
    code = re.sub(r"^SEEDS = .*$", "SEEDS = (1,)", code, flags=re.M)
    names = {}
    exec(code, names)
    assert names["best"] in names["SIGMAS"] == (0, 0.3)
    searched = [line for line in capsys.readouterr().out.splitlines() if "validation" in line]
    assert len(searched) == 2
    assert sorted(path.name for path in (tmp_path / "runs/noise").iterdir()) == [
        "sigma-0-seed-1",
        "sigma-0.3-seed-1",
    ]
