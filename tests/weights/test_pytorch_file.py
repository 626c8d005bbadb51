"""Files of torch.save are read as PyTorch reads them, and nothing in them is run."""

import builtins
import os
import pickle
import pickletools
import re
import subprocess

import numpy as np
import pytest

from lqjax.weights.reading import read_tensors
from tests.weights import pth_files
from tests.weights.pth_files import (
    Tensor,
    names_of_torch,
    old,
    state_dict,
    tensors_of,
    zipped,
)

DRAWS = np.random.default_rng(0)
ARRAYS = {
    "conv1.weight": DRAWS.normal(size=(4, 3, 2, 2)).astype(np.float32),
    "bn1.bias": DRAWS.normal(size=4).astype(np.float32),
    "bn1.num_batches_tracked": np.array(7),
    "fc.weight": DRAWS.normal(size=(2, 4)).astype(np.float16),
}
FORMS = (False, True)


def write(path, content):
    path.write_bytes(content)
    return path


def assert_equal(found, expected=ARRAYS):
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == (np.int64 if array.dtype == np.int64 else np.float32)


@pytest.mark.parametrize("as_old", FORMS)
def test_all_arrays_are_read(as_old, tmp_path):
    path = write(tmp_path / "a.pth", state_dict(ARRAYS, as_old=as_old))
    assert_equal(read_tensors(path))


@pytest.mark.parametrize("as_old", FORMS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda tensors: {"epoch": 3, "state_dict": tensors, "best": 0.5, "lists": [1, (2, "x")]},
        lambda tensors: {"best_acc1": next(iter(tensors.values())), "state_dict": tensors},
        lambda tensors: {"model": {f"module.{name}": t for name, t in tensors.items()}},
        lambda tensors: {f"module._orig_mod.{name}": tensor for name, tensor in tensors.items()},
    ],
)
def test_weights_inside_of_checkpoints_are_found(wrap, as_old, tmp_path):
    path = write(tmp_path / "a.pth", state_dict(ARRAYS, as_old=as_old, wrap=wrap))
    assert_equal(read_tensors(path))


@pytest.mark.parametrize("as_old", FORMS)
def test_a_file_that_is_cut_off_names_the_first_tensor_that_is(as_old, tmp_path):
    content = state_dict(ARRAYS, as_old=as_old)
    for name, array in ARRAYS.items():
        place = content.index(array.tobytes())
        path = write(tmp_path / "a.pth", content[: place + array.nbytes - 1])
        with pytest.raises(
            ValueError, match=f"cut off.*[ (]{name}( does not lie in it)?"
        ) as caught:
            read_tensors(path)
        others = set(ARRAYS) - {name}
        assert not any(other in str(caught.value) for other in others)


def test_a_storage_that_two_tensors_share_is_looked_for_once(tmp_path):
    def wrap(tensors):
        first = tensors["conv1.weight"]
        return {"conv1.weight": first, "tied": Tensor(first.storage, (4,)), **tensors}

    content = state_dict(ARRAYS, wrap=wrap)
    path = write(tmp_path / "a.pth", content[: content.index(ARRAYS["fc.weight"].tobytes())])
    with pytest.raises(ValueError, match=r"fc\.weight does not lie in it"):
        read_tensors(path)


@pytest.mark.parametrize("as_old", FORMS)
def test_pytorch_reads_and_writes_the_same(as_old, tmp_path):
    torch = pytest.importorskip("torch")
    path = write(tmp_path / "ours.pth", state_dict(ARRAYS, as_old=as_old))
    theirs = torch.load(path, weights_only=True)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(theirs[name].numpy(), array, strict=True)
    tensors = {name: torch.from_numpy(array.copy()) for name, array in ARRAYS.items()}
    saved = tmp_path / "theirs.pth"
    torch.save(tensors, saved, _use_new_zipfile_serialization=not as_old)
    assert_equal(read_tensors(saved))


@pytest.mark.parametrize("as_old", FORMS)
def test_views_parameters_and_bfloat16_of_pytorch_are_read(as_old, tmp_path):
    torch = pytest.importorskip("torch")
    base = torch.arange(24.0)
    saved = {
        "turned": base.reshape(4, 6).t(),
        "part": torch.arange(100.0)[40:46].reshape(2, 3),
        "parameter": torch.nn.Parameter(torch.ones(3)),
        "narrow": torch.linspace(0, 1, 5, dtype=torch.bfloat16),
        "double": torch.ones(2, dtype=torch.float64) / 3,
        "empty": torch.zeros(0, 3),
        "number": torch.tensor(2.5),
    }
    path = tmp_path / "a.pth"
    torch.save(saved, path, _use_new_zipfile_serialization=not as_old)
    found = read_tensors(path)
    for name, tensor in saved.items():
        np.testing.assert_array_equal(found[name], tensor.detach().float().numpy())


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda tensors: {}, "it is an empty dict; save model.state_dict()"),
        (
            lambda tensors: {"epoch": 3, "weights": tensors},
            "it holds no tensors, only 'epoch', 'weights'; tensors lie in 'weights': save that by",
        ),
        (
            lambda tensors: {"state": {0: {"momentum_buffer": tensors["bn1.bias"]}}, "lr": 0.1},
            "it holds no tensors, only 'state', 'lr'; save model.state_dict()",
        ),
        (
            lambda tensors: tensors["bn1.bias"],
            "it holds a tensor, not a dict of tensors; save model.state_dict()",
        ),
    ],
)
@pytest.mark.parametrize("as_old", FORMS)
def test_files_without_weights_say_what_to_save(wrap, said, as_old, tmp_path):
    path = write(tmp_path / "a.pth", state_dict(ARRAYS, as_old=as_old, wrap=wrap))
    with pytest.raises(ValueError, match=re.escape(f"{path} cannot be used: {said}")):
        read_tensors(path)


class Runs:
    """Is a call where it is unpickled."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


HARM = [os.system, os.popen, builtins.eval, builtins.exec, subprocess.Popen, open, getattr]


@pytest.mark.parametrize("as_old", FORMS)
@pytest.mark.parametrize("call", HARM, ids=lambda call: call.__name__)
def test_nothing_is_run(call, as_old, tmp_path):
    mark = tmp_path / "mark"
    command = f"touch {mark}" if call is not open else str(mark)
    harm = Runs(call, command, "w") if call is open else Runs(call, command)
    content = state_dict(
        ARRAYS, as_old=as_old, wrap=lambda tensors: {"before": harm, "state_dict": tensors}
    )
    path = write(tmp_path / "evil.pth", content)
    with pytest.raises(ValueError, match=r"evil\.pth cannot be used: its pickle names \S+; only"):
        read_tensors(path)
    assert not mark.exists()


def test_the_trap_would_have_acted(tmp_path):
    mark = tmp_path / "mark"
    pickle.loads(pickle.dumps(Runs(os.system, f"touch {mark}")))
    assert mark.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"not weights", "it is neither a file of torch.save nor of safetensors"),
        (b"PK\x03\x04" + bytes(50), "it is cut off or damaged"),
        (b"\x80\x02cos\nsystem\n(S'true'\ntR.", "its pickle names os.system; only tensors"),
    ],
)
def test_other_files_are_refused(content, said, tmp_path):
    path = write(tmp_path / "a.pth", content)
    with pytest.raises(ValueError, match=rf"a\.pth cannot be used: {said}"):
        read_tensors(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"there is no file .*none\.pth"):
        read_tensors(tmp_path / "none.pth")


def of_one(make, as_old=False):
    """Save what a function makes of one storage of six numbers."""
    with names_of_torch():
        _, (storage,) = tensors_of({"a": np.arange(6, dtype=np.float32)}.items(), as_old)
        return (old if as_old else zipped)({"a": make(storage)}, [storage])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda s: Tensor(s, (7,)), r"a cannot be read \(its shape \(7,\) has 7 numbers, its"),
        (lambda s: Tensor(s, (3,), (3,)), r"it reaches to number 6 of a storage of 6"),
        (lambda s: Tensor(s, (2, 3), offset=1), "it reaches to number 6 of a storage of 6"),
        (lambda s: Tensor(s, (1 << 40,), (0,)), "has 1099511627776 numbers, its storage has 6"),
        (lambda s: Tensor(s, (2,), (-1,), 4), "is negative"),
        (lambda s: Tensor(s, (2, 3), (3,)), "do not belong together"),
        (lambda s: Tensor(s, (1,) * 9), "the form of a tensor is described wrongly"),
        (lambda s: Tensor(s, ("3", 2)), "the form of a tensor is described wrongly"),
        (lambda s: Tensor("text", (6,)), "a tensor is described wrongly"),
        (lambda s: [s] * 3, r"it holds no tensors, only 'a'"),
    ],
)
def test_impossible_tensors_are_refused(make, said, tmp_path):
    path = write(tmp_path / "a.pth", of_one(make))
    with pytest.raises(ValueError, match=rf"a\.pth cannot be used: .*{said}"):
        read_tensors(path)


def test_numbers_that_are_shared_a_thousand_times_are_refused(tmp_path):
    with names_of_torch():
        _, (storage,) = tensors_of({"a": np.zeros(100_000, np.float32)}.items())
        many = {f"a{number}": Tensor(storage, (100_000,)) for number in range(1000)}
        path = write(tmp_path / "a.pth", zipped(many, [storage]))
    with pytest.raises(ValueError, match="its tensors share their numbers"):
        read_tensors(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(value, tmp_path):
    array = np.array([1, value], np.float32)
    path = write(tmp_path / "a.pth", state_dict({"fc.weight": array}))
    with pytest.raises(ValueError, match=r"fc\.weight has numbers that are infinite or NaN"):
        read_tensors(path)


def test_compressed_entries_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pth_files.zipfile, "ZIP_STORED", pth_files.zipfile.ZIP_DEFLATED)
    path = write(tmp_path / "a.pth", state_dict({"fc.weight": np.zeros(1 << 20, np.float32)}))
    monkeypatch.undo()
    assert path.stat().st_size < 1 << 16
    with pytest.raises(ValueError, match=r"is compressed in it, as torch\.save never does"):
        read_tensors(path)


def test_pickles_that_only_grow_are_refused(tmp_path):
    content = state_dict({}, as_old=True)
    begin = len(pickle.dumps(pth_files.MAGIC, protocol=2))
    grown = content[:begin] + b"\x80\x02" + b"}" * 3_000_000 + b"."
    path = write(tmp_path / "a.pth", grown)
    with pytest.raises(ValueError, match="its pickle has more than 1000000 instructions"):
        read_tensors(path)


def test_every_instruction_of_a_pickle_is_understood_or_refused(tmp_path):
    for opcode in pickletools.opcodes:
        body = opcode.code.encode("latin-1") + b"\x00" * 16 + b"\n0\n0\n."
        path = write(tmp_path / "a.pth", b"\x80\x02" + body)
        with pytest.raises(ValueError, match=r"a\.pth cannot be used: "):
            read_tensors(path)
