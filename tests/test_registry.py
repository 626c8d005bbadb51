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
