import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from lqjax.registry import Registry, nearest_first


def test_registers_and_finds():
    registry = Registry("model")

    @registry.register("alexnet")
    def thing():
        return 1

    assert registry["alexnet"] is thing
    assert registry.names() == ("alexnet",)
    assert "alexnet" in registry
    assert "vgg" not in registry


def test_refuses_duplicates():
    registry = Registry("model")
    registry.add("alexnet", 1)
    with pytest.raises(ValueError, match="'alexnet' is registered twice"):
        registry.add("alexnet", 2)


def test_an_unknown_name_lists_the_nearest_first():
    registry = Registry("model")
    for name in ("alexnet", "resnet18", "resnet50"):
        registry.add(name, name)
    with pytest.raises(ValueError, match=r"unknown model 'resnet5'; allowed: resnet50, resnet18"):
        registry["resnet5"]


def test_nearest_first_ignores_case():
    assert nearest_first("ALEXNET", ("resnet50", "alexnet"))[0] == "alexnet"


def test_finds_the_files_of_its_packages():
    from lqjax.optim.base import OPTIMIZERS, SCHEDULES

    assert {"sgd", "adamw"} <= set(OPTIMIZERS)
    assert {"constant", "step", "cosine"} <= set(SCHEDULES)


@pytest.fixture
def slow_package(tmp_path, monkeypatch):
    """A package of three files, each of which takes a while to import."""
    folder = tmp_path / "slow_things"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from lqjax.registry import Registry\nTHINGS = Registry('thing', 'slow_things')\n"
    )
    for name in ("first", "second", "third"):
        (folder / f"{name}.py").write_text(
            "import time\nfrom slow_things import THINGS\n"
            f"time.sleep(0.1)\nTHINGS.add({name!r}, THINGS.kind)\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.startswith("slow_things")]:
        del sys.modules[name]


def test_threads_that_ask_first_all_find_everything(slow_package):
    from slow_things import THINGS

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: THINGS.names(), range(4)))
    assert found == [("first", "second", "third")] * 4


def test_a_file_may_look_up_others_while_it_is_imported(slow_package, tmp_path):
    (tmp_path / "slow_things" / "fourth.py").write_text(
        "from slow_things import THINGS\nTHINGS.add('fourth', THINGS.names())\n"
    )
    from slow_things import THINGS

    assert THINGS["fourth"] == ("first",)  # files come in the order of their names
