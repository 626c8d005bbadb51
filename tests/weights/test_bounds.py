"""A few bytes that claim much: files are refused before a number or a list of theirs grows."""

import json
import math
import struct

import numpy as np
import pytest

from lqjax.trained_weights import belongings_of_run, weights_of_file
from lqjax.weights.belongings import MOST_LAYERS, belongings_of_file, from_record
from lqjax.weights.reading import read_tensors
from lqjax.workdir import Workdir
from tests.weights.damage_bombs import described, doubled, of_pickle, safetensors_of, tensor
from tests.weights.pth_files import state_dict

LIMIT = 2**63
"""The first number that no tensor may be described by."""

ONE_NUMBER = {"conv1.weight": tensor([1], 0, 4)}


def refusal(path, content, read=read_tensors):
    path.write_bytes(content)
    with pytest.raises(ValueError) as told:
        read(path)
    line = str(told.value)
    assert str(path) in line and len(line.splitlines()) == 1
    return line


@pytest.mark.parametrize("as_old", [False, True])
@pytest.mark.parametrize("operands", [b"LISTLIST", b"\x8c\x05torchLIST", b"LIST\x8c\x05torch"])
def test_names_are_texts_and_nothing_else_is_written_out(operands, as_old, tmp_path):
    content = of_pickle(doubled(12, operands + b"\x93."), as_old)
    assert "names something by a list, not by texts" in refusal(tmp_path / "a.pth", content)


@pytest.mark.parametrize(
    "end",
    [b"LISTQ.", b"LIST\x85Q.", b"}LISTNs.", b"}LIST\x85Ns.", b"}LISTb.", b"LIST)R.", b"LIST."],
)
def test_nested_lists_are_written_out_nowhere(end, tmp_path):
    line = refusal(tmp_path / "a.pth", of_pickle(doubled(12, end)))
    assert "[[" not in line and "((" not in line


@pytest.mark.parametrize("name", ["offset", "shape", "stride", "length"])
def test_numbers_that_no_file_holds_are_refused_where_a_tensor_is_described(name, tmp_path):
    for number in (LIMIT, 2**4000, 1 << 80_000):
        line = refusal(tmp_path / "a.pth", described(**{name: number}))
        assert "it describes a tensor by a number above 9223372036854775807, which no file" in line
    line = refusal(tmp_path / "a.pth", described(**{name: LIMIT - 1}))
    assert "which no file" not in line  # it fails later: the storage is not there


def test_eight_sides_of_a_megabit_are_never_multiplied(tmp_path, monkeypatch):
    monkeypatch.setattr(math, "prod", lambda numbers: pytest.fail("multiplied"))
    assert "which no file" in refusal(tmp_path / "a.pth", described(shape=1 << 2**20, times=8))


@pytest.mark.parametrize("code", [b"p%d\n", b"g%d\n", b"r%b", b"j%b"])
def test_places_of_the_memo_are_small(code, tmp_path):
    place = struct.pack("<I", 2**31) if code.endswith(b"b") else 2**61 - 1
    line = refusal(tmp_path / "a.pth", of_pickle(b"}" + code % place + b"."))
    assert "its pickle is damaged (it has no place" in line


def test_large_numbers_that_describe_nothing_are_no_harm(tmp_path):
    content = state_dict(
        {"a": np.ones(2, np.float32)},
        wrap=lambda tensors: {"state_dict": tensors, "random": {"state": 2**127}},
    )
    (tmp_path / "a.pth").write_bytes(content)
    assert list(read_tensors(tmp_path / "a.pth")) == ["a"]


@pytest.mark.parametrize("end", [b"1e999", b"-1e999", b"Infinity", b"NaN", b"9" * 5000, b"1e300"])
def test_a_header_with_impossible_offsets_is_refused(end, tmp_path):
    header = b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,%b]}}' % end
    assert "cannot be used: " in refusal(tmp_path / "a.safetensors", safetensors_of(header))


RECORD = {"model": "resnet18", "image_size": 64, "channels": 3, "mean": [0.5] * 3, "std": [1] * 3,
          "stem": "imagenet", "class_names": ["a"], "head_layers": []}  # fmt: skip

IMPOSSIBLE = [
    ("mean", [10**400, 0, 0]),
    ("std", [1, 1, 10**400]),
    ("mean", [-(10**400), 0, 0]),
    ("mean", [math.inf, 0, 0]),
    ("image_size", 10**400),
    ("channels", 10**400),
    ("head_layers", [10**400]),
    ("head_layers", [1] * (MOST_LAYERS + 1)),
    ("head_layers", [1] * 100_000),
    ("mean", [0.5] * 100_000),
    ("model", "x" * 100_000),
    ("stem", "x" * 100_000),
]


@pytest.mark.parametrize(("name", "value"), IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
def test_impossible_notes_are_refused_in_a_short_line(name, value, tmp_path):
    record = {**RECORD, name: value}
    note = {"__metadata__": {"lqjax": json.dumps(record)}, **ONE_NUMBER}
    path = tmp_path / "a.safetensors"
    if (name, value) != ("model", "x" * 100_000):  # refused later, as an unknown network
        line = refusal(path, safetensors_of(note, bytes(4)), belongings_of_file)
        assert f"{name}=" in line and len(line) < 500
    path.write_bytes(safetensors_of(note, bytes(4)))
    with pytest.raises(ValueError, match=r"a\.safetensors cannot be used: "):
        weights_of_file(path)


def test_as_many_extra_layers_as_allowed_are_read():
    record = {**RECORD, "head_layers": [1] * MOST_LAYERS}
    assert from_record(record).head_layers == (1,) * MOST_LAYERS


def test_an_impossible_record_of_a_run_is_refused(tmp_path):
    run = Workdir.at(tmp_path).run("resnet18", 0)
    run.root.mkdir(parents=True)
    (run.root / "model.json").write_text(json.dumps({**RECORD, "mean": [10**400, 0, 0]}))
    with pytest.raises(ValueError, match=r"model\.json cannot be used \(it says mean=") as told:
        belongings_of_run(run)
    assert len(str(told.value).splitlines()) == 1
