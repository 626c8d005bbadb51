"""Ladders in a real run: added to a finished comparison, killed in between, taken up again."""

import json

import numpy as np
import pytest

import lqjax
from lqjax.imaging.ladders import expand_ladders
from lqjax.rows import Row, read_lines
from lqjax.workdir import Run, Workdir

pytestmark = pytest.mark.usefixtures("quick_compilation", "undrawn_figures")

SETTINGS = {
    "image_size": 28,
    "train_limit": 64,
    "test_limit": 32,
    "names": ("small",),
    "epochs": 1,
    "training_batch_size": 32,
    "evaluation_batch_size": 32,
    "latency_runs": 1,
    "conditions": ("clean", "gaussian_noise(sigma=0.1)", "gaussian_noise(sigma=0.3)"),
    "progress": False,
    "devices": 1,
}
LADDER = "gaussian_noise(sigma=0..0.4)"  # sigma 0.1 and 0.3 are of the grid, too
RUNGS = set(expand_ladders(LADDER)[0].conditions) - set(SETTINGS["conditions"])


@pytest.mark.slow
def test_a_ladder_is_added_to_a_finished_run_and_leaves_its_verdict(
    small_networks, tmp_path, monkeypatch
):
    before = lqjax.compare(workdir=tmp_path / "run", **SETTINGS)
    results = (tmp_path / "run" / "report" / "results.csv").read_text()
    assert len(RUNGS) == 7
    finished = []
    write = Run.write_condition

    def stopping(run, row, logits):
        write(run, row, logits)
        finished.append(row.condition)
        if len(finished) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_condition", stopping)
        with pytest.raises(KeyboardInterrupt):
            lqjax.compare(workdir=tmp_path / "run", **SETTINGS, envelopes=(LADDER,))
    assert lqjax.report(tmp_path / "run").verdict == before.verdict  # of a ladder cut off

    def counting(run, row, logits):
        write(run, row, logits)
        finished.append(row.condition)

    monkeypatch.setattr(Run, "write_condition", counting)
    after = lqjax.compare(
        workdir=tmp_path / "run", **SETTINGS, envelopes=(LADDER,), envelope_floor=0.5
    )
    assert sorted(finished) == sorted(RUNGS)  # each once; nothing of the grid again
    assert after.verdict == before.verdict and after.table == before.table
    assert after.rows[:3] == before.rows and len(after.rows) == 3 + 7
    assert (tmp_path / "run" / "report" / "results.csv").read_text() == results
    assert read_lines(Row, tmp_path / "run" / "results.jsonl") == list(after.rows)
    assert "Operating envelope" in after.report.read_text()
    kept = np.load(Workdir.at(tmp_path / "run").gallery)
    assert set(kept["conditions"]) <= set(SETTINGS["conditions"])
    stored = json.loads((tmp_path / "run" / "config.json").read_text())
    assert stored["evaluation"]["envelopes"] == [LADDER]
    again = lqjax.compare(workdir=tmp_path / "run", **SETTINGS)  # without them, they are kept
    assert again.verdict == before.verdict and len(finished) == 7


def test_a_wrong_ladder_is_refused_before_anything_is_loaded(small_networks, tmp_path):
    with pytest.raises(ValueError, match="a range is missing; write jpeg"):
        lqjax.compare(workdir=tmp_path / "run", **SETTINGS, envelopes=("jpeg",))
    assert not (tmp_path / "run").exists()


def test_a_smoke_run_keeps_one_ladder():
    from lqjax.config import Config
    from lqjax.overriding import from_arguments
    from lqjax.smoke import shrink

    small = shrink(from_arguments(Config(), {"envelopes": ("low_quality/*",)}))
    assert small.evaluation.envelopes == ("gaussian_noise(sigma=0.05..0.5*10)",)
    assert shrink(Config()).evaluation.envelopes == ()
