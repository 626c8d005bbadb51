"""Small files of weights that would take much memory or time, or run something, if believed."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np

from lqjax.trained_weights import weights_of_file
from tests.data.damage_child import FaultError, outcome
from tests.data.damage_npz import archived
from tests.data.damaging import with_number
from tests.weights.damage_weights import OWN, check_weights, published_arrays
from tests.weights.pth_files import (
    MAGIC,
    PROTOCOL,
    SYSTEM,
    Tensor,
    names_of_torch,
    old,
    pickled,
    state_dict,
    tensors_of,
    zipped,
)
from tests.weights.runs import MINI, register

MARK = "mark"
"""File that shows that something was run; in the folder of the bombs."""

MEGABYTE = 1 << 20
FLOATS = 5 * MEGABYTE


class Runs:
    """Is a call where it is unpickled."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def touching(folder):
    return f"touch {folder / MARK}"


def harmful(folder, as_old=False):
    """Hide a call among whole weights."""
    harm = Runs(os.system, touching(folder))
    return state_dict(
        published_arrays(), as_old=as_old, wrap=lambda tensors: {"a": harm, "state_dict": tensors}
    )


def alone(folder):
    return pickle.dumps(Runs(os.system, touching(folder)), protocol=2)


def by_instruction(folder, code):
    """Call by an instruction that `pickle` writes no more."""
    command = touching(folder).encode()
    call = {
        b"i": b"(S'%s'\nios\nsystem\n." % command,
        b"o": b"(cos\nsystem\nS'%s'\no." % command,
        b"\x93": b"\x8c\x02os\x8c\x06system\x93(S'%s'\ntR." % command,
        b"\x81": b"cos\nsystem\n(S'%s'\nt\x81." % command,
        b"b": b"}cos\nsystem\nS'%s'\nb." % command,
    }[code]
    return archived({"a/data.pkl": b"\x80\x04" + call}, zipfile.ZIP_STORED)


def of_pickle(body, as_old=False):
    if as_old:
        return b"".join(map(pickled, (MAGIC, PROTOCOL, SYSTEM))) + b"\x80\x02" + body
    return archived({"a/data.pkl": b"\x80\x02" + body}, zipfile.ZIP_STORED)


def many_views(as_old=False):
    """Look at a large storage with forty thousand tensors of one number."""
    with names_of_torch():
        _, (storage,) = tensors_of({"a": np.zeros(FLOATS, np.float32)}.items(), as_old)
        views = OrderedDict((f"a{n}", Tensor(storage, (1,))) for n in range(40_000))
        return (old if as_old else zipped)(views, [storage])


def overlapping(count):
    """Give many names to the same bytes."""
    data = archived({"a/data.pkl": pickled({}), "a/data/0": bytes(MEGABYTE)}, zipfile.ZIP_STORED)
    start = data.find(b"PK\1\2")
    end = data.rfind(b"PK\5\6")
    second = data.find(b"PK\1\2", start + 1)
    again = b"".join(
        data[second:end].replace(b"a/data/0", b"a/da%04d" % number) for number in range(count)
    )
    tail = with_number(data[end:], 8, 2, count + 2)
    tail = with_number(with_number(tail, 10, 2, count + 2), 12, 4, end - start + len(again))
    return data[:end] + again + tail


def packed(content, method=zipfile.ZIP_DEFLATED):
    return archived({"a/data.pkl": content}, method)


def many_entries():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number in range(100_000):
            archive.writestr(f"a/{number}", b"")
    return file.getvalue()


def safetensors_of(header, numbers=b""):
    said = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(said)) + said + numbers


def tensor(shape, begin=0, end=0, kind="F32"):
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def noted(**said):
    """Write whole weights whose note says something else."""
    note = json.dumps({**json.loads(OWN.note()), **said})
    return safetensors_of(
        {"__metadata__": {"lqjax": note}, "fc.weight": tensor([1, 1], 0, 4)}, bytes(4)
    )


def doubled(depth, end):
    """Nest a list in itself twice, again and again; as text it would be two to that power.

    Args:
      end: what follows; LIST stands for the list.
    """
    body = b"]q\x00"
    for level in range(depth):
        body += b"]q%c(h%ch%ce" % (level + 1, level, level)
    return body + end.replace(b"LIST", b"h%c" % depth)


def whole(number):
    """Push a whole number of any length."""
    digits = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8b" + struct.pack("<i", len(digits)) + digits


def described(offset=0, shape=1, stride=1, length=4, times=1):
    """Describe a tensor by numbers; shape and stride have each so many times."""
    sides, strides = (
        b"(" + whole(number) + b"q\x01" + b"h\x01" * (times - 1) + b"t"
        for number in (shape, stride)
    )
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu"
    return of_pickle(
        b"}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n("
        + (storage + whole(length) + b"tQ")
        + (whole(offset) + sides + strides + b"\x89}tRs.")
    )


NESTED = 900_000
LIST = b"](" + b"K\x01" * 100_000 + b"eq\x00"
"""A list of a hundred thousand numbers, kept in the memo."""

BOMBS = (
    harmful,
    lambda folder: harmful(folder, as_old=True),
    alone,
    *(
        lambda folder, code=code: by_instruction(folder, code)
        for code in (b"i", b"o", b"\x93", b"\x81", b"b")
    ),
    lambda _: of_pickle(b"}" * 3_000_000 + b"."),
    lambda _: of_pickle(b"}" * 3_000_000 + b".", as_old=True),
    lambda _: of_pickle(b")" + b"\x85" * NESTED + b"."),
    lambda _: of_pickle(b")" + b"\x85" * NESTED + b".", as_old=True),
    lambda _: of_pickle(b"(" * NESTED + b"t" * NESTED + b"."),
    lambda _: of_pickle(LIST + b"(h\x00" * 200_000 + b"t."),
    lambda _: of_pickle(LIST + b"(" + b"h\x00" * 400_000 + b"l."),
    lambda _: of_pickle(LIST + b"ctorch\nSize\nh\x00\x85R" * 20_000 + b"."),
    lambda _: of_pickle(LIST + b"ccollections\nOrderedDict\nh\x00\x85R" * 20_000 + b"."),
    lambda _: of_pickle(b"}(" + b"".join(
        b"\x8a\x09" + (n * (2**61 - 1)).to_bytes(9, "little", signed=True) + b"N"
        for n in range(1, 200)
    ) + b"u."),
    lambda _: of_pickle(b"\x8b" + struct.pack("<i", 2**31 - 1) + b"\1" * 1000),
    lambda _: of_pickle(b"\x8b" + struct.pack("<i", MEGABYTE) + b"\1" * MEGABYTE + b"."),
    lambda _: of_pickle(b"I" + b"9" * MEGABYTE + b"\n."),
    lambda _: of_pickle(b"\x8d" + struct.pack("<Q", 2**63 - 1) + b"x."),
    lambda _: of_pickle(b"r" + struct.pack("<I", 2**32 - 1) + b"."),
    lambda _: of_pickle(b"\x95" + struct.pack("<Q", 2**62) + b"}."),
    *(
        lambda _, end=end: of_pickle(doubled(60, end))
        for end in (b"LISTLIST\x93.", b"LIST\x85Q.", b"}LIST\x85Ns.", b"LIST)R.", b"LIST.")
    ),
    lambda _: described(shape=1 << 8 * MEGABYTE, times=8),
    lambda _: described(stride=1 << 8 * MEGABYTE, times=8),
    lambda _: of_pickle(
        b"}" + b"".join(b"p%d\n" % (n * (2**61 - 1)) for n in range(200_000)) + b"."
    ),
    lambda _: many_views(),
    lambda _: many_views(as_old=True),
    lambda _: overlapping(1),
    lambda _: overlapping(9000),
    lambda _: packed(b"\x80\x02" + b"}" * (300 * MEGABYTE) + b"."),
    lambda _: packed(b"\x80\x02" + b"}" * (30 * MEGABYTE) + b".", zipfile.ZIP_LZMA),
    lambda _: many_entries(),
    lambda _: struct.pack("<Q", 2**63) + b"{}",
    lambda _: struct.pack("<Q", 2**64 - 1) + b"{}",
    lambda _: struct.pack("<Q", 99_999_999) + b"{}",
    lambda _: safetensors_of(b"[" * 10 * MEGABYTE),
    lambda _: safetensors_of(b'{"a":' * MEGABYTE),
    lambda _: safetensors_of({"fc.weight": tensor([2**60, 4], 0, 2**64 - 1)}),
    lambda _: safetensors_of({"a": tensor([2**32, 2**32]), "b": tensor([2**62, 2**62, 0])}),
    lambda _: safetensors_of(
        {"conv1.weight": tensor([4, 0, 3, 3]), "fc.weight": tensor([10**9, 0])}
    ),
    lambda _: safetensors_of({str(n): tensor([0]) for n in range(100_000)}),
    lambda _: safetensors_of({"a": tensor([1] * 100_000, 0, 4)}, bytes(4)),
    lambda _: noted(image_size=2**40),
    lambda _: noted(class_names=["x"] * 500_000),
    lambda _: noted(mean=[0.5] * 500_000),
    lambda _: noted(mean=[10**4000] * OWN.channels),
    lambda _: noted(head_layers=[1] * 20_000),
    lambda _: safetensors_of({"model." * MEGABYTE + "a": tensor([1], 0, 4)}, bytes(4)),
    lambda _: safetensors_of({"__metadata__": {"lqjax": "[" * MEGABYTE}}),
    lambda _: safetensors_of({"__metadata__": {"lqjax": "9" * MEGABYTE}}),
)  # fmt: skip
"""What makes them, given the folder."""


class WeightBombs:
    """One by one; all are refused, and none leaves a mark."""

    def __init__(self, folder):
        register()
        self._folder = folder

    def __call__(self, seed):
        if seed is None:
            path = self._folder / "whole.pth"
            path.write_bytes(state_dict(published_arrays()))
        else:
            path = self._folder / "bomb.pth"
            path.write_bytes(BOMBS[seed](self._folder))
        said = outcome(lambda: weights_of_file(path, MINI), check_weights, [str(path)])
        if (self._folder / MARK).exists():
            raise FaultError("something in it was run")
        return said
