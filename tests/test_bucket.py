"""A whole comparison with nothing but gs:// to write to."""

import json

import pytest

import lqjax
from lqjax.array_files import read_arrays
from lqjax.rows import Row, read_lines
from lqjax.training.aside import put_aside
from lqjax.training.checkpoints import Checkpoints
from lqjax.workdir import Workdir
from tests.bucket_server import served_bucket
from tests.interruptions.replacer import STEP, items, shapes

pytestmark = pytest.mark.usefixtures("quick_compilation", "small_networks")

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
    "throughput_batches": (32,),
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


@pytest.mark.slow
def test_a_damaged_checkpoint_is_moved_and_a_replaced_one_comes_back(bucket):
    folder = bucket / "checkpoints"
    said = []

    def latest():
        with Checkpoints(folder, say=said.append) as checkpoints:
            return int(checkpoints.latest(*shapes())[2].seconds)

    with Checkpoints(folder) as checkpoints:
        checkpoints.save(*items(1))
        checkpoints.save(*items(2))
    assert latest() == 2 and not said
    put_aside(folder, STEP)
    (folder / str(STEP) / "_CHECKPOINT_METADATA").write_text("cut off while it was moved")
    assert latest() == 2 and not said
    put_aside(folder, STEP)
    (folder / str(STEP) / "record" / "metadata").write_text("{}")
    (folder / str(STEP) / "commit_success.txt").write_text("")
    assert latest() == 2 and "the one it was to replace is used" in said[0]
    assert (bucket / "damaged" / str(STEP) / "record" / "metadata").read_text() == "{}"
