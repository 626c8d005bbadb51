"""The page on logging: its tables name what is written, its example keeps to wandb's interface."""

import re
import sys
import types
from pathlib import Path

import lqjax
from lqjax.training.writers.base import WRITERS, as_writer
from lqjax.training.writers.console import PHRASES
from lqjax.workdir import Workdir

PAGE = (Path(__file__).parents[2] / "docs" / "logging.md").read_text()


def test_every_value_and_every_writer_is_explained():
    rows = "\n".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) == {*PHRASES, *WRITERS.names()}


def test_the_example_logs_each_network_as_a_run(monkeypatch, tmp_path):
    calls = []

    class Run:  # wandb 0.31: Run.log(data, step=None, commit=None), Run.finish(exit_code=None)
        def log(self, data, step=None, commit=None):
            assert type(data) is dict
            calls.append((step, data))

        def finish(self, exit_code=None):
            calls.append("finished")

    def init(*, project=None, name=None, reinit=None):  # three of wandb.init's keywords
        assert reinit in ("default", "return_previous", "finish_previous", "create_new")
        calls.append((project, name))
        return Run()

    def train(names, writers):
        for model in names:
            for writer in map(as_writer, writers):
                writer.start(Workdir.at(tmp_path).run(model, 0), 0)
                writer.write(10, types.MappingProxyType({"loss": 0.5}))
                writer.close()

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=init))
    monkeypatch.setitem(vars(lqjax), "train", train)  # without importing what it replaces
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (example,) = [code for code in examples if "wandb" in code]
    exec(example, {})
    assert calls == [
        ("lqjax", "alexnet"), (10, {"loss": 0.5}), "finished",
        ("lqjax", "resnet50"), (10, {"loss": 0.5}), "finished",
    ]  # fmt: skip
