"""What settings came to is kept with a run, and compared when it is taken up."""

import json
from inspect import signature

import pytest

import lqjax
from lqjax.models import network
from lqjax.optim.base import OPTIMIZERS
from lqjax.training.damage import SEAL, sealed
from lqjax.training.resolved import NOT_USED, check_resolved, resolved_settings
from lqjax.workdir import Workdir
from tests.training.small import config
from tests.training.test_taking_up import (  # noqa: F401 (pictures and trained are fixtures)
    Small,
    assert_refused,
    cut_off,
    pictures,
    trained,
    use,
)
from tests.training.tiny import TinyNetwork

TWO = {"epochs": 2}


def records(workdir):
    """Find the records of all checkpoints as Orbax wrote them."""
    return list(workdir.glob("runs/*/*/checkpoints/*/record/metadata"))


@pytest.fixture
def published(monkeypatch):
    """Change published values, as a later version might."""

    def change(optimizer, **values):
        for name, value in values.items():
            monkeypatch.setitem(OPTIMIZERS[optimizer].published, name, value)

    return change


def test_what_is_left_open_is_recorded_as_torch_has_it():
    torch = pytest.importorskip("torch")
    given = {name: p.default for name, p in signature(torch.optim.AdamW).parameters.items()}
    expected = {
        "model.stem": "imagenet",
        "optimizer.name": "adamw",
        "optimizer.learning_rate": given["lr"],
        "optimizer.beta1": given["betas"][0],
        "optimizer.beta2": given["betas"][1],
        "optimizer.epsilon": given["eps"],
        "optimizer.weight_decay": given["weight_decay"],
    }
    assert resolved_settings(config(optimizer__name="adamw"), TinyNetwork()) == expected


def test_what_is_given_is_recorded_as_given():
    settings = config(optimizer__name="sgd", optimizer__momentum=0.5, optimizer__learning_rate=0.25)
    found = resolved_settings(settings, TinyNetwork(stem="small"))
    assert found["optimizer.momentum"] == 0.5 and found["optimizer.learning_rate"] == 0.25
    assert found["model.stem"] == "small" and "optimizer.beta1" not in found


def test_a_difference_names_both_values_and_what_is_not_recorded_is_free(tmp_path):
    run = Workdir.at(tmp_path).run("tiny", 0)
    check_resolved(run, {}, {"optimizer.beta1": 0.9})
    check_resolved(run, {"optimizer.beta1": 0.9}, {"optimizer.beta1": 0.9})
    with pytest.raises(
        ValueError, match=r"with optimizer\.beta1=0\.9, .*beta1=0\.8 now"
    ) as refused:
        check_resolved(run, {"optimizer.beta1": 0.9}, {"optimizer.beta1": 0.8})
    assert str(run.root) in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.slow
def test_each_checkpoint_says_what_was_used(trained, tmp_path):  # noqa: F811
    cut_off(trained, **TWO)
    used = [json.loads(path.read_text())["resolved"] for path in records(tmp_path / "run")]
    assert used and all(one["model.stem"] == "small" for one in used)
    assert all(one["optimizer.learning_rate"] == 1e-3 for one in used), "given as 0 in the settings"


@pytest.mark.slow
def test_other_published_values_are_refused_where_training_would_go_on(
    trained, published, tmp_path  # noqa: F811
):  # fmt: skip
    cut_off(trained, **TWO)
    published("adamw", beta2=0.95)
    message = r"with optimizer\.beta2=0\.999, .* optimizer\.beta2=0\.95 now; use another workdir"
    assert_refused(tmp_path / "run", message, lambda: trained(**TWO))
    published("adamw", beta2=0.999)
    assert len(trained(**TWO).models[0].history) == 2
    published("adamw", beta2=0.95)  # there is nothing left to train with it
    assert len(trained(**TWO).models[0].history) == 2


def test_a_value_that_is_not_used_any_more_is_refused(trained, monkeypatch, tmp_path):  # noqa: F811
    cut_off(trained, **TWO)
    monkeypatch.delitem(OPTIMIZERS["adamw"].published, "weight_decay")
    message = rf"weight_decay=0\.01, .*weight_decay={NOT_USED} now"
    assert_refused(tmp_path / "run", message, lambda: trained(**TWO))


@pytest.mark.slow
def test_another_choice_of_the_stem_is_refused(trained, monkeypatch, tmp_path):  # noqa: F811
    trained()
    monkeypatch.setattr(network, "SMALLEST_IMAGENET_STEM", 28)
    message = r"with model\.stem=small, .* model\.stem=imagenet now"
    assert_refused(tmp_path / "run", message, trained)
    assert_refused(tmp_path / "run", message, lambda: lqjax.evaluate(workdir=tmp_path / "run"))


@pytest.mark.slow
def test_records_of_earlier_versions_go_on(trained, published, tmp_path):  # noqa: F811
    cut_off(trained, **TWO)
    for path in records(tmp_path / "run"):
        record = json.loads(path.read_text())
        left = {name: v for name, v in record.items() if name not in (SEAL, "resolved")}
        path.write_text(json.dumps(sealed(left)))
    published("adamw", beta2=0.95)
    assert len(trained(**TWO).models[0].history) == 2


@pytest.mark.slow
def test_each_of_several_learning_rates_is_taken_up_with_its_own(
    trained, monkeypatch, tmp_path  # noqa: F811
):  # fmt: skip
    use(monkeypatch, Small)
    rates = {**TWO, "learning_rates": (0.003, 0.001)}
    cut_off(trained, **rates)
    found = {json.loads(p.read_text())["resolved"]["optimizer.learning_rate"]
             for p in records(tmp_path / "run")}  # fmt: skip
    assert found and found <= {0.003, 0.001}
    assert {len(model.history) for model in trained(**rates).models} == {2}
