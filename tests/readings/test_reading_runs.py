"""Readings in a real run: beside the network, added later, cut off, and taken up again."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

import lqjax
from lqjax.models.base import MODELS, Architecture
from lqjax.rows import to_json
from lqjax.workdir import ReadingRun, Run, Workdir
from tests.small_launch import STEMS, Small

pytestmark = pytest.mark.usefixtures("quick_compilation")

SETTINGS = {
    "image_size": 28,
    "names": ("small",),
    "epochs": 12,
    "learning_rate": 0.02,
    "training_batch_size": 32,
    "evaluation_batch_size": 60,
    "latency_runs": 1,
    "conditions": ("clean", "low_contrast(factor=0.3,centre=1)", "gaussian_noise(sigma=0.3)"),
    "progress": False,
    "devices": 1,
    "readings": ("batch_norm", "batch_norm(prior=16)"),
}
FADED = SETTINGS["conditions"][1]
ALONE = {**SETTINGS, "readings": ()}


class Bare(Small):
    """The small network without its BatchNorm."""

    def __init__(self, settings, draws):
        super().__init__(settings, draws)
        del self.norm

    def activations(self, images, *, train, rngs=None):
        pixels = images[:, :: self.STRIDE, :: self.STRIDE].reshape(len(images), -1)
        maps = jax.nn.relu(self.first(pixels))[:, None, None, :]
        features = maps[:, 0, 0]
        return {"maps": maps, "features": features, "logits": self.last(features)}


@pytest.fixture(scope="module")
def networks(small_networks):
    MODELS.add("bare", Architecture(Bare, STEMS, "tests", True, "maps"))
    yield
    del MODELS._entries["bare"]


@pytest.fixture(scope="module")
def alone(networks, tmp_path_factory):
    """A finished comparison without readings."""
    return lqjax.compare(workdir=tmp_path_factory.mktemp("alone") / "run", **ALONE)


@pytest.fixture(scope="module")
def read(alone, tmp_path_factory):
    """The same directory, with readings added to it."""
    place = tmp_path_factory.mktemp("read") / "run"
    shutil.copytree(alone.workdir, place)
    return lqjax.compare(workdir=place, **SETTINGS)


def run_in(place):
    return Workdir.at(place).run("small", 0)


def kept(place, name="batch_norm"):
    return run_in(place).reading(name)


def contents(place):
    """Rows and scores of all readings, as bytes can be compared."""
    found = {}
    for name in SETTINGS["readings"]:
        for row in kept(place, name).rows():
            found[name, row.condition] = to_json(row), kept(place, name).logits(row.condition)
    return found


def assert_same(first, second):
    assert first.keys() == second.keys() and first
    for key, (row, logits) in first.items():
        assert row == second[key][0] and np.array_equal(logits, second[key][1])


def test_readings_change_nothing_else(alone, read):
    assert read.rows == alone.rows and read.verdict == alone.verdict and read.table == alone.table
    assert [m.model for m in read.models] == ["small"]
    for name in ("results.csv", "results.jsonl", "comparison.csv", "robustness.csv"):
        before, after = ((r.workdir / "report" / name).read_text() for r in (alone, read))
        assert before == after
    assert len(Workdir.at(read.workdir).runs()) == 1
    assert not (alone.workdir / "report" / "readings.csv").exists()


def test_what_is_kept_of_a_reading(read):
    for name in SETTINGS["readings"]:
        folder = kept(read.workdir, name)
        assert [r.condition for r in folder.rows()] and len(folder.rows()) == 3
        record = folder.record()
        assert record["name"] == name and record["source"].startswith("Schneider")
        assert record["settled"] == {"batch_size": 60, "seed_of_batches": 0}
        for row in folder.rows():
            labels = run_in(read.workdir).examples()["labels"]
            assert row.correct == (folder.logits(row.condition).argmax(1) == labels).sum()
            own = run_in(read.workdir).row(row.condition)
            assert (row.psnr, row.ssim, row.epoch) == (own.psnr, own.ssim, own.epoch)
    assert [r.asked for r in run_in(read.workdir).readings()] == sorted(
        SETTINGS["readings"], key=lambda name: kept(read.workdir, name).root.name
    )


def test_a_shift_of_all_images_is_taken_back(read):
    """Fading to white is undone by statistics of the batch, for the first layer is linear."""
    network, folder = run_in(read.workdir), kept(read.workdir)
    clean, faded = network.row("clean").accuracy, network.row(FADED).accuracy
    assert clean > 0.8 and faded < 0.5
    assert folder.row(FADED).accuracy > clean - 0.05
    same = folder.logits("clean").argmax(1) == folder.logits(FADED).argmax(1)
    assert same.mean() > 0.99  # not all: epsilon weighs more where the spread is smaller
    mixed = kept(read.workdir, "batch_norm(prior=16)").row(FADED).accuracy
    assert faded < mixed <= folder.row(FADED).accuracy + 0.02


def test_the_report_has_a_section_of_them(read):
    for page in ("report.md", "report.html"):
        text = (read.workdir / "report" / page).read_text()
        assert "The same weights, read otherwise" in text and "Schneider et al. 2020" in text
    lines = (read.workdir / "report" / "readings.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * (3 + 1)


def test_readings_that_were_cut_off_go_on_to_the_same_bits(alone, read, tmp_path, monkeypatch):
    shutil.copytree(alone.workdir, tmp_path / "run")
    written = []
    write = Run.write_condition

    def stopping(run, row, logits):
        write(run, row, logits)
        written.append((getattr(run, "asked", ""), row.condition))
        if len(written) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_condition", stopping)
        with pytest.raises(KeyboardInterrupt):
            lqjax.evaluate(workdir=tmp_path / "run", **SETTINGS)
    lqjax.report(tmp_path / "run")  # of one that was cut off: says so
    text = (tmp_path / "run" / "report" / "report.md").read_text()
    assert "lacks 1 condition that small has" in text

    def counting(run, row, logits):
        write(run, row, logits)
        written.append((getattr(run, "asked", ""), row.condition))

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_condition", counting)
        lqjax.evaluate(workdir=tmp_path / "run", **SETTINGS)
    expected = [(name, c) for name in SETTINGS["readings"] for c in SETTINGS["conditions"]]
    assert written == expected  # each once, and nothing of the network itself
    assert_same(contents(tmp_path / "run"), contents(read.workdir))


def test_results_of_other_batches_are_put_aside(read, tmp_path, caplog):
    shutil.copytree(read.workdir, tmp_path / "run")
    folder = kept(tmp_path / "run")
    path = folder.root / "reading.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "settled": {**record["settled"], "batch_size": 30}}))
    lqjax.evaluate(workdir=tmp_path / "run", **SETTINGS)
    assert "small, batch_norm: the results so far were made with other settings" in caplog.text
    assert len(list(Path(folder.root / "earlier").rglob("*.json"))) == 3
    assert_same(contents(tmp_path / "run"), contents(read.workdir))
    path.write_text("{")  # nobody knows what it was
    lqjax.evaluate(workdir=tmp_path / "run", **SETTINGS)
    assert "reading.json is damaged" in caplog.text
    assert_same(contents(tmp_path / "run"), contents(read.workdir))


def test_a_damaged_answer_is_made_again(read, tmp_path, caplog):
    shutil.copytree(read.workdir, tmp_path / "run")
    folder = kept(tmp_path / "run")
    folder.answers_path("clean").write_bytes(b"PK")
    with pytest.raises(ValueError, match="--mode=evaluate"):
        lqjax.report(tmp_path / "run")
    lqjax.evaluate(workdir=tmp_path / "run", **SETTINGS)
    assert "small, batch_norm is tested under clean again" in caplog.text
    assert_same(contents(tmp_path / "run"), contents(read.workdir))


QUICK = {**SETTINGS, "epochs": 1, "train_limit": 64, "test_limit": 40}


def test_a_network_without_batch_norm_says_so_and_the_other_is_read(networks, tmp_path):
    found = lqjax.compare(workdir=tmp_path / "run", **{**QUICK, "names": ("small", "bare")})
    text = found.report.with_name("report.md").read_text().replace("\\", "")
    assert "- bare: Not read by batch_norm and batch_norm(prior=16): bare has no BatchNorm." in text
    rows = (found.workdir / "report" / "readings.csv").read_text()
    assert "\nsmall,batch_norm," in rows and "bare" not in rows
    assert not Workdir.at(found.workdir).run("bare", 0).reading("batch_norm").has_rows()


def test_a_reading_that_no_network_has_is_refused_before_training(networks, tmp_path):
    with pytest.raises(ValueError) as error:
        lqjax.compare(workdir=tmp_path / "run", **{**QUICK, "names": ("bare",)})
    assert str(error.value) == (
        "evaluation.readings=batch_norm is not possible: bare has no BatchNorm; leave it out, or"
        " name a network that has it"
    )
    assert not (tmp_path / "run" / "runs").exists()


def test_an_unknown_reading_is_refused_before_anything_is_loaded(networks, tmp_path):
    with pytest.raises(ValueError, match="unknown reading 'batchnorm'; allowed: batch_norm"):
        lqjax.compare(workdir=tmp_path / "run", **{**QUICK, "readings": ("batchnorm",)})
    assert not (tmp_path / "run").exists()


def test_folders_of_readings_name_the_working_directory(tmp_path):
    run = Workdir.at(tmp_path / "run").run("small", 3, 1)
    folder = run.reading("batch_norm(prior=16)")
    assert isinstance(folder, ReadingRun) and folder.workdir == run.workdir
    assert folder.title == "small, batch_norm(prior=16)" and run.readings() == []
