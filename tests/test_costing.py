"""The cost of a run as it is kept: arithmetic on timings that are given."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from etils import epath

from lqjax import costing
from lqjax.config import Config, EvaluationConfig, RunConfig, TrainingConfig
from lqjax.costing import USUAL_BATCHES, measure_cost, stored_bytes
from lqjax.evaluation.cost import Timing
from lqjax.rows import Epoch
from lqjax.workdir import Workdir
from tests.training.tiny import TinyNetwork

NETWORK = TinyNetwork(image_size=28)
ONE = np.arange(1, 101) / 1000  # s: 1 to 100 ms
EPOCHS = [
    Epoch("tiny", 1, 0, n, 7 * n, 1e-3, 0.5, 0.75, 0.25, 0.8, 30.0 + n, 10.0 * n) for n in (1, 2, 3)
]


@pytest.fixture
def checkpoint(tmp_path):
    for name, size in (("model/d/a", 70), ("model/b", 30), ("rest/c", 200), ("record/d", 5)):
        path = tmp_path / "21" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    return epath.Path(tmp_path / "21")


def measure(monkeypatch, tmp_path, checkpoint, seed=1, devices=1, batch_size=16, **evaluation):
    def time_batch(predictor, params, stats, size, runs):
        return Timing(np.array([0.1, 0.2, 0.4, 0.8, 1.6]) * size, 1000 * size)

    monkeypatch.setattr(costing, "time_one", lambda *given: Timing(ONE, 777))
    monkeypatch.setattr(costing, "time_batch", time_batch)
    predictor = SimpleNamespace(
        network=NETWORK, batch_size=batch_size, mesh=SimpleNamespace(size=devices)
    )
    run = Workdir.at(tmp_path / "run").run("tiny", seed)
    run.write_history([dataclasses.replace(epoch, seed=seed) for epoch in EPOCHS])
    config = Config(
        evaluation=EvaluationConfig(**evaluation),
        training=TrainingConfig(batch_size=32),
        run=RunConfig(seeds=(1, 2)),
    )
    return measure_cost(run, predictor, ({}, {}), checkpoint, config)


def test_the_record_says_what_was_measured(monkeypatch, tmp_path, checkpoint):
    cost = measure(monkeypatch, tmp_path, checkpoint).cost
    # Of 1, 2, ... 100 ms: quantile q lies at 1 + 99 q.
    expected = [1 + 99 * q for q in (0.25, 0.5, 0.75, 0.95)]
    found = [cost.latency_low_ms, cost.latency_ms, cost.latency_high_ms, cost.latency_p95_ms]
    assert found == pytest.approx(expected)
    assert (cost.timed_runs, cost.memory_bytes) == (100, 777)
    assert (cost.weights_bytes, cost.checkpoint_bytes) == (100, 305)
    assert cost.training_images == 3 * 7 * 32
    assert (cost.training_seconds, cost.training_epochs) == (60, 3)
    assert cost.training_images_per_second == 32
    assert (cost.batch_size, cost.throughput) == (16, pytest.approx(1 / 0.4))
    assert (cost.throughput_low, cost.throughput_high) == pytest.approx((1 / 0.8, 1 / 0.2))
    assert cost.parameters == NETWORK.parameter_count()


@pytest.mark.parametrize(
    ("choices", "sizes"),
    [
        ({}, sorted({*USUAL_BATCHES, 16})),
        ({"throughput_batches": (4, 16, 64)}, [4, 16, 64]),
        ({"devices": 8}, [8, 16, 32]),
        ({"seed": 2}, [16]),
    ],
)
def test_batch_sizes(monkeypatch, tmp_path, checkpoint, choices, sizes):
    found = measure(monkeypatch, tmp_path, checkpoint, **choices).throughputs
    assert [t.batch_size for t in found] == sizes
    for t in found:
        alone = t.batch_size == 1
        assert t.memory_bytes == (777 if alone else 1000 * t.batch_size)
        assert t.timed_runs == (100 if alone else 5)
        rate = np.median(1 / ONE) if alone else 1 / 0.4
        assert t.images_per_second == pytest.approx(rate)


def test_stored_bytes_count_every_file_below(checkpoint):
    assert stored_bytes(checkpoint) == 305
    assert stored_bytes(checkpoint / "model") == 100
