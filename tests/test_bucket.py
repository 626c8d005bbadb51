"""A whole comparison with nothing but gs:// to write to."""

import json

import pytest

import lqjax
from lqjax.rows import Row, read_lines
from lqjax.workdir import Workdir, read_arrays
from tests import launch_small  # noqa: F401 (registers the network)
from tests.bucket_server import served_bucket

SETTINGS = {
    "names": ("small",),
    "stem": "small",
    "image_size": 28,
    "train_limit": 320,
    "test_limit": 64,
    "epochs": 2,
    "training_batch_size": 32,
    "evaluation_batch_size": 32,
    "latency_runs": 2,
    "conditions": ("clean", "jpeg(quality=30)"),
    "devices": 1,
    "log_every": 5,
}


@pytest.fixture
def bucket(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    folder, server = served_bucket(monkeypatch)
    yield folder / "run"
    server.shutdown()
    server.server_close()
    assert list(tmp_path.iterdir()) == [], "something was written here in place of the bucket"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is not locked:UserWarning")
def test_a_comparison_on_a_bucket(bucket):
    compared = lqjax.compare(workdir=bucket, **SETTINGS)
    assert str(compared.workdir) == "gs://bucket/work/run"
    assert compared.report.read_text().lower().startswith("<!doctype html>")
    assert (bucket / "report" / "figures" / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    assert read_lines(Row, bucket / "results.jsonl") == list(compared.rows)
    assert read_arrays(bucket / "gallery.npz")["images"].shape[:2] == (2, 5)
    run = Workdir.at(bucket).run("small", 0)
    assert run.is_trained() and len(run.history()) == 2
    assert run.logits("clean").shape == (64, 10)
    steps = [json.loads(line)["step"] for line in (run.root / "log.jsonl").read_text().splitlines()]
    assert max(steps) == 20
    again = lqjax.compare(workdir=bucket, **SETTINGS)
    assert again.rows == compared.rows
    more = lqjax.evaluate(workdir=bucket, conditions=("gaussian_noise(sigma=0.3)",))
    assert more.rows[0].n == 64


def test_a_checkpoint_that_is_being_written_does_not_count(bucket):
    run = Workdir.at(bucket).run("small", 0)
    (run.checkpoints / "10" / "model" / "manifest.ocdbt").write_bytes(b"begun")
    assert not run.is_trained()
    (run.checkpoints / "10" / "commit_success.txt").write_text("")
    assert run.is_trained()
