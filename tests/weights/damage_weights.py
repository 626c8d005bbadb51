"""Files of weights, damaged as bytes, as archives, in their pickle or header; and runs."""

import functools
import json
import pickletools
import shutil
import struct
import zipfile
from collections import OrderedDict

import numpy as np

from lqjax.data.borders import name_trouble
from lqjax.named_arrays import named
from lqjax.trained_weights import network_for, weights_of_file, weights_of_run
from tests.data.damage_child import FaultError, outcome
from tests.data.damage_npz import archived, zip_field
from tests.data.damaging import ANY, damaged, extreme, generator, with_number
from tests.weights.pth_files import (
    MAGIC,
    PROTOCOL,
    SYSTEM,
    Tensor,
    names_of_torch,
    pickled,
    tensors_of,
)
from tests.weights.runs import MINI, belongings, register, shaken, write_run

OWN = belongings()


def published_arrays():
    """Make the arrays of `mini` under their published names, and one of whole numbers."""
    draws = np.random.default_rng(5)

    def normal(*shape):
        return draws.standard_normal(shape, np.float32)

    return {
        "conv1.weight": normal(4, 3, 3, 3),
        "bn1.weight": normal(4),
        "bn1.bias": normal(4),
        "bn1.running_mean": normal(4),
        "bn1.running_var": np.abs(normal(4)) + 1,
        "bn1.num_batches_tracked": np.array(7),
        "fc.weight": normal(3, 4),
        "fc.bias": normal(3),
    }


@functools.cache
def wanted_for(belongings):
    return named(*network_for(belongings).shapes())


def check_weights(found):
    """Weights that were read are those of the network, whatever numbers they hold."""
    wanted = wanted_for(found.belongings)
    arrays = named(found.params, found.stats)
    assert arrays.keys() == wanted.keys()
    for name, array in arrays.items():
        assert array.shape == wanted[name].shape and array.dtype == np.float32
        assert np.isfinite(array).all()
    for name in found.belongings.class_names:
        assert not name_trouble(name)


OPCODES = b"".join(opcode.code.encode("latin-1") for opcode in pickletools.opcodes)

NAMES = (
    *(b"cos\nsystem\n", b"cbuiltins\neval\n", b"ctorch\nFloatStorage\n", b"ctorch\nSize\n"),
    *(b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nload\n"),
    *(b"cnumpy.core.multiarray\n_reconstruct\n", b"ctorch._utils\n_rebuild_parameter\n"),
)


def opcode_set(draws, data, other):
    place = draws.integers(len(data))
    return data[:place] + bytes([OPCODES[draws.integers(len(OPCODES))]]) + data[place + 1 :]


def instruction_added(draws, data, other):
    """Put in an instruction, or a name."""
    place = draws.integers(len(data) + 1)
    new = NAMES[draws.integers(len(NAMES))] if draws.integers(2) else b""
    new = new or bytes([OPCODES[draws.integers(len(OPCODES))]])
    return data[:place] + new + data[place:]


NUMBERS = (b"K", b"M", b"J")


def number_set(draws, data, other):
    """Change a number: of a shape, an offset, a stride or a length."""
    places = [n for n in range(len(data) - 5) if data[n : n + 1] in NUMBERS]
    place = places[draws.integers(len(places))] + 1
    width = {b"K": 1, b"M": 2, b"J": 4}[data[place - 1 : place]]
    return with_number(data, place, width, extreme(draws, width))


PICKLES = (opcode_set, instruction_added, number_set)


class Pth:
    """A file of `torch.save`."""

    def __init__(self, folder, as_old=False):
        register()
        self._path, self._old = folder / "weights.pth", as_old
        with names_of_torch():
            tensors, storages = tensors_of(published_arrays().items(), as_old)
            self._pickle = pickled(tensors)
            self._keys = pickled([storage.identity[2] for storage in storages])
            self._start = b"".join(map(pickled, (MAGIC, PROTOCOL, SYSTEM)))
            unlike = {"a": Tensor(storages[0], (3, 4)), "b": OrderedDict(tensors)}
            self._other = pickled(unlike)
        self._storages = {s.identity[2]: s.array for s in storages}

    def __call__(self, seed):
        self._path.write_bytes(
            self._whole(self._pickle) if seed is None else self._damaged(generator(seed, 11))
        )
        return outcome(lambda: weights_of_file(self._path, MINI), check_weights, [str(self._path)])

    def _damaged(self, draws):
        way = draws.integers(4)
        if way == 0:
            whole = self._whole(self._pickle)
            return damaged(draws, whole, self._whole(self._other))
        if way == 1 and not self._old:
            return damaged(draws, self._whole(self._pickle), b"", (zip_field,))
        kinds = PICKLES if way <= 2 else ANY
        return self._whole(damaged(draws, self._pickle, self._other, kinds))

    def _whole(self, content):
        if self._old:
            numbers = (struct.pack("<q", a.size) + a.tobytes() for a in self._storages.values())
            return self._start + content + self._keys + b"".join(numbers)
        members = {"a/data.pkl": content, "a/byteorder": b"little"}
        members |= {f"a/data/{key}": array.tobytes() for key, array in self._storages.items()}
        return archived(members | {"a/version": b"3\n"}, zipfile.ZIP_STORED)


SHAPES = ([], [3], [4, 3], [1, 12], [3, 4, 1], [0, 4], [2**62, 4], [2**40, 0], [-1, 4], [1.5], "34")
KINDS = ("F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "F4", "C64", "", 3)
TEXTS = ("", "a\nb", "\x1b[2J", "\ud800", "fc.weight", "x" * 5000, None, 3, [], {})
NUMBERS_SAID = (0, -1, 1, 3, 7, 2**31, 2**63, 2**64, 10**30, 0.5, 1e308, float("nan"), True)


def any_value(draws):
    """Draw something that may stand in JSON."""
    kinds = (SHAPES, KINDS, TEXTS, NUMBERS_SAID)
    values = kinds[draws.integers(len(kinds))]
    return values[draws.integers(len(values))]


def altered(draws, record):
    """Change one value of nested JSON, or its name, or take it out."""
    made = json.loads(json.dumps(record))
    node = made
    while True:
        places = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not places:
            return any_value(draws)
        place = places[draws.integers(len(places))]
        inner = node[place]
        if not isinstance(inner, (dict, list)) or draws.integers(3) == 0:
            break
        node = inner
    way = draws.integers(6)
    if way == 0:
        del node[place]
    elif way == 1 and isinstance(node, dict):
        node[str(any_value(draws))] = node.pop(place)
    else:
        node[place] = any_value(draws)
    return made


class Safetensors:
    """A file of safetensors as `export_weights` writes it."""

    def __init__(self, folder):
        register()
        self._path = folder / "weights.safetensors"
        self._arrays = published_arrays()
        self._notes = {"format": "pt", "lqjax": OWN.note()}
        self._header, self._numbers, place = {"__metadata__": self._notes}, b"", 0
        for name, array in self._arrays.items():
            kind = "I64" if array.dtype == np.int64 else "F32"
            ends = [place, place + array.nbytes]
            place = ends[1]
            self._header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": ends}
            self._numbers += array.tobytes()

    def __call__(self, seed):
        content = self._whole() if seed is None else self._damaged(generator(seed, 12))
        self._path.write_bytes(content)
        return outcome(lambda: weights_of_file(self._path), check_weights, [str(self._path)])

    def _damaged(self, draws):
        way, header = draws.integers(5), json.dumps(self._header).encode()
        if way == 0:
            return damaged(draws, self._whole(), self._whole())
        if way == 1:
            return self._whole(damaged(draws, header, header))
        if way == 2:
            notes = altered(draws, json.loads(self._notes["lqjax"]))
            said = {**self._notes, "lqjax": json.dumps(notes)}
            return self._whole(json.dumps({**self._header, "__metadata__": said}).encode())
        if way == 3:
            said = damaged(draws, self._notes["lqjax"].encode(), b"").decode("latin-1")
            header = {**self._header, "__metadata__": {**self._notes, "lqjax": said}}
            return self._whole(json.dumps(header).encode())
        return self._whole(json.dumps(altered(draws, self._header)).encode())

    def _whole(self, header=None):
        header = json.dumps(self._header).encode() if header is None else header
        return struct.pack("<Q", len(header)) + header + self._numbers


class Trained:
    """A run of two epochs, any of whose files is damaged, swapped or gone."""

    EPOCHS = (0, 1)

    def __init__(self, folder):
        register()
        self._run, _ = write_run(folder / "whole", OWN, weights=self.EPOCHS)
        self._root = folder / "whole"
        network = network_for(OWN)
        self._trees = [named(*shaken(network, number)) for number in self.EPOCHS]
        found = (path for path in sorted(self._root.rglob("*")) if path.is_file())
        self._files = {path: path.read_bytes() for path in found}
        self._told = self._run.root / "model.json"
        self._last = max(self._run.checkpoints.iterdir(), key=lambda path: path.name)
        self._read = 0

    def __call__(self, seed):
        damages = [] if seed is None else self._damage(generator(seed, 13))
        names = [str(self._run.root)]
        try:
            said = outcome(
                lambda: weights_of_run(self._run), self._check(self._told in damages), names
            )
            replaced = said == "loaded" and self._read < len(self._trees) - 1
            return "the epoch before was loaded" if replaced else said
        finally:
            self._restore()

    def _damage(self, draws):
        """Damage one of the files that are read, or the same one of each epoch."""
        if draws.integers(6) == 0:
            paths = [self._told]
        else:
            used = [p for p in self._files if {"model", "record"} & set(p.parts)]
            last = [p for p in used if p.is_relative_to(self._last)]
            path = last[draws.integers(len(last))]
            twins = [p for p in used if p.name == path.name and p.parent.name == path.parent.name]
            paths = twins if draws.integers(4) == 0 else [path]
        for path in paths:
            self._damage_one(draws, path)
        return paths

    def _damage_one(self, draws, path):
        paths, data = list(self._files), self._files[path]
        way = draws.integers(10)
        other = self._files[paths[draws.integers(len(paths))]]
        if way == 0:
            path.unlink()
        elif way == 1:
            path.write_bytes(other)
        elif way <= 4 and data[:1] == b"{":
            path.write_text(json.dumps(altered(draws, json.loads(data))))
        else:
            path.write_bytes(damaged(draws, data, other))

    def _check(self, told):
        """Weights are those of one of the epochs, and what belongs to them is what was written.

        Of a `model.json` whose seal is damaged away nothing tells what was written.
        """

        def check(found):
            check_weights(found)
            unsealed = told and "seal" not in json.loads(self._told.read_bytes())
            if not unsealed and found.belongings != OWN:
                raise FaultError(f"it says {found.belongings}")
            arrays = named(found.params, found.stats)
            same = [
                number
                for number, tree in enumerate(self._trees)
                if all(np.array_equal(arrays[name], tree[name]) for name in tree)
            ]
            if not same:
                raise FaultError("the weights are those of no epoch")
            self._read = same[0]

        return check

    def _restore(self):
        there = {path for path in self._root.rglob("*") if path.is_file()}
        if there != set(self._files):
            shutil.rmtree(self._root)
        for path, content in self._files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)
