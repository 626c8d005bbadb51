"""The page on logging: its tables name what is written, its example keeps to wandb's interface."""

import re
import sys
import types
from pathlib import Path

import pytest

import lqjax
from lqjax.progress import Progress
from lqjax.training.seeds import train_seeds
from lqjax.training.writers.base import WRITERS
from lqjax.training.writers.console import PHRASES
from lqjax.workdir import Workdir
from tests.training.small import config
from tests.training.test_loop import STEPS, trainer

PAGE = (Path(__file__).parents[2] / "docs" / "logging.md").read_text()


def test_every_value_and_every_writer_is_explained():
    rows = "\n".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) == {*PHRASES, *WRITERS.names()}


@pytest.mark.slow
@pytest.mark.parametrize("together", ["always", "never"])
def test_the_example_logs_each_network_and_seed_as_a_run(together, monkeypatch, tmp_path):
    active, runs = [], {}

    class Run:  # wandb 0.31: Run.log(data, step=None, commit=None), Run.finish(exit_code=None)
        def __init__(self, name):
            self.name, runs[name] = name, []
            active.append(self)

        def log(self, data, step=None, commit=None):
            assert type(data) is dict and self in active
            runs[self.name].append((step, data))

        def finish(self, exit_code=None):
            active.remove(self)

    def init(*, project=None, name=None, reinit=None):  # three of wandb.init's keywords
        assert project == "lqjax" and name not in runs
        assert reinit in ("default", "return_previous", "finish_previous", "create_new")
        if reinit == "finish_previous":
            active.clear()
        elif reinit != "create_new" and active:
            return active[-1]
        return Run(name)

    def train(names, seeds, writers):
        for name in names:
            runs = [Workdir.at(tmp_path / together).run(name, seed) for seed in seeds]
            settings = config(
                training__epochs=1,
                run__seeds_together=together,
                run__writers="jsonl",
                run__log_every=STEPS,
            )
            train_seeds(trainer(tmp_path, settings, writers=writers), runs, Progress())

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=init))
    monkeypatch.setitem(vars(lqjax), "train", train)  # without importing what it replaces
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (example,) = [code for code in examples if "wandb" in code]
    exec(example, {})
    names = [f"{name} seed {seed}" for name in ("alexnet", "resnet50") for seed in (0, 1, 2)]
    assert list(runs) == names and not active
    for name, calls in runs.items():
        model, _, seed = name.split()
        (epoch,) = Workdir.at(tmp_path / together).run(model, int(seed)).history()
        (one, dispatched), (other, values) = calls
        assert one == other == STEPS and "loss" in dispatched
        assert values["train_loss"] == epoch.train_loss, "the values are those of this seed"
    assert len({calls[1][1]["train_loss"] for calls in list(runs.values())[:3]}) == 3
