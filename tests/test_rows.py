import dataclasses
import json

import numpy as np
import pytest
from etils import epath

from lqjax.rows import Epoch, Row, from_json, read_lines, to_json, write_csv, write_lines
from lqjax.workdir import Workdir, slug

EPOCH = Epoch("resnet50", 0, 0, 1, 39, 1e-3, 0.5, 0.75, 0.25, 1 / 3, 31.5, 60.0)


def test_records_survive_a_file(tmp_path):
    write_lines([EPOCH, EPOCH], tmp_path / "history.jsonl")
    assert read_lines(Epoch, tmp_path / "history.jsonl") == [EPOCH, EPOCH]
    assert read_lines(Epoch, tmp_path / "absent.jsonl") == []


def test_later_fields_are_ignored_and_missing_ones_refused():
    values = json.loads(to_json(EPOCH))
    assert from_json(Epoch, json.dumps({**values, "later": 1})) == EPOCH
    del values["epoch"]
    with pytest.raises(ValueError, match="not a Epoch record"):
        from_json(Epoch, json.dumps(values))
    with pytest.raises(ValueError, match="not a Epoch record"):
        from_json(Epoch, "{")


def test_rows_of_earlier_versions_are_read():
    row = Row(
        model="resnet50", dataset="digits", seed=0, fold=0, condition="jpeg(quality=10)",
        family="jpeg", level="quality=10", label="jpeg, quality 10", image_size=64, n=10, correct=9,
        accuracy=0.9, accuracy_low=0.6, accuracy_high=0.98, top5=None, precision=0.9, recall=0.9,
        f1=0.9, auc=None, loss=0.3, psnr=25.0, ssim=0.75,
    )  # fmt: skip
    values = json.loads(to_json(row))
    assert from_json(Row, json.dumps(values)) == row
    del values["ssim"]
    assert from_json(Row, json.dumps(values)) == dataclasses.replace(row, ssim=None)
    del values["psnr"]
    with pytest.raises(ValueError, match="psnr"):
        from_json(Row, json.dumps(values))


def test_csv_leaves_cells_without_value_empty(tmp_path):
    @dataclasses.dataclass
    class Record:
        name: str
        value: float | None

    write_csv([Record("a,b", None), Record("c", 0.5)], tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_text() == 'name,value\n"a,b",\nc,0.5\n'


def test_slugs_are_unique_and_safe():
    names = ["jpeg(quality=40)", "jpeg(quality=4)", "a|b", "a/b", "a" * 300, "a" * 301]
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert all("/" not in s and "|" not in s and len(s) < 100 for s in slugs)


def test_runs_are_found_again(tmp_path):
    workdir = Workdir(epath.Path(tmp_path))
    assert workdir.runs() == []
    run = workdir.run("resnet50", seed=3)
    run.write_examples(np.array(["a", "b"]), np.array([0, 1]), ("no", "yes"))
    (found,) = workdir.runs()
    assert (found.model, found.seed, found.fold) == ("resnet50", 3, 0)
    assert found.examples()["classes"].tolist() == ["no", "yes"]
    assert found.rows() == [] and found.history() == [] and found.cost() is None
