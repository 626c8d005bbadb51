"""A npz file in the layout of MedMNIST, damaged as bytes, as an archive, and in its arrays."""

import io
import struct
import zipfile

import numpy as np
from numpy.lib import format as npy

from lqjax.config import DataConfig
from lqjax.data.loading import load_dataset
from tests.data.damage_checks import SIZE, check_dataset
from tests.data.damage_child import outcome
from tests.data.damaging import damaged, extreme, generator, with_number
from tests.data.making import noise


def arrays():
    made = {}
    for seed, (prefix, count) in enumerate((("train", 12), ("val", 4), ("test", 4))):
        made[f"{prefix}_images"] = noise(seed, count, 9, 8)
        made[f"{prefix}_labels"] = (np.arange(count) % 2)[:, None].astype(np.uint8)
    return made | {"class_names": np.asarray(["cat", "dog"])}


def one_array(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def archived(members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


KINDS = (
    "|O", "<f8", "<i8", "<u2", "|b1", "|S0", "|S4", "<U0", "<U9", "<U1000000000", "<M8[s]", "<c16",
    "|V7", "|V0", "|u1", ">u4", "", "nonsense", "<f16", "|S2147483647", 3, None, ("|u1", (2**31,)),
    ("|u1", (0,)), [("a", "|O")], [("a", "|u1"), ("b", "<i4")], "(2,3)u1", "a,b",
)  # fmt: skip
LENGTHS = (0, 1, -1, 2, 4, 12, 2**31, 2**40, 2**62, 2**63, 2**64, 10**30, 1.5, "9", None)
TEXTS = (b"{", b"[" * 900, b"{'descr': __import__('os')}", b"(" * 90_000, b"-" * 60_000 + b"1", b"")


def header(draws):
    """Write a header that may say anything."""
    shape = tuple(LENGTHS[draws.integers(len(LENGTHS))] for _ in range(draws.integers(5)))
    shape = (shape, (12, 9, 8), (12, 1), [12, 1], 7, tuple([1] * 40))[draws.integers(6)]
    kind = KINDS[draws.integers(len(KINDS))] if draws.integers(3) else "|u1"
    said = {"descr": kind, "fortran_order": bool(draws.integers(2)), "shape": shape}
    text = repr(said).encode()
    if draws.integers(6) == 0:
        text = TEXTS[draws.integers(len(TEXTS))]
    version = ((1, 0), (2, 0), (3, 0), (9, 9))[int(draws.choice(4, p=[0.6, 0.2, 0.1, 0.1]))]
    if version == (1, 0):
        length = struct.pack("<H", len(text) % 65536)
    else:
        length = struct.pack("<I", len(text) if draws.integers(3) else extreme(draws, 4))
    return npy.magic(*version) + length + text


def strange_array(draws, like):
    """Make an array of another type, shape or content."""
    count = len(like)
    made = (
        lambda: np.arange(count).astype(
            draws.choice(["<i8", "f4", "U3", "S3", "M8[s]", "c8", "u8"])
        ),
        lambda: np.zeros((count, 0), np.uint8),
        lambda: np.zeros(
            (count, int(draws.integers(1, 4)), 1, 3)[: draws.integers(1, 5)], np.uint8
        ),
        lambda: like[:0],
        lambda: like[: int(draws.integers(count))],
        lambda: np.full(count, int(draws.choice([-1, 2**31, 2**62, 255])), np.int64),
        lambda: np.full(count, draws.choice([np.nan, np.inf, 1e300])),
        lambda: np.asfortranarray(np.broadcast_to(like, (2, *like.shape))),
        lambda: np.full(count, 2**64 - 1, np.uint64),
        lambda: np.asarray(["a\nb", "\0", "\u202e", "x" * 5000]),
        lambda: np.asarray([b"\xff", b"b"]),
        lambda: np.asarray(3),
    )
    return made[draws.integers(len(made))]()


CENTRAL = ((4, 2), (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (42, 4))
"""Fields of an entry of a zip file's directory. Source: APPNOTE.TXT, 4.3.12."""

END = ((4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))
LOCAL = ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2))


def zip_field(draws, data, other):
    marks, fields = (
        (b"PK\1\2", CENTRAL),
        (b"PK\5\6", END),
        (b"PK\3\4", LOCAL),
    )[draws.integers(3)]
    places = [n for n in range(len(data)) if data.startswith(marks, n)]
    if not places:
        return data[:-9]
    place, width = fields[draws.integers(len(fields))]
    start = places[draws.integers(len(places))]
    return with_number(data, start + place, width, extreme(draws, width))


class Npz:
    """A file in the layout of MedMNIST."""

    def __init__(self, folder):
        self._path = folder / "tiny.npz"
        self._arrays = arrays()
        self._members = {f"{key}.npy": one_array(a) for key, a in self._arrays.items()}
        self._other = archived({"a.npy": one_array(np.arange(300))}, zipfile.ZIP_STORED)

    def __call__(self, seed):
        self._path.write_bytes(
            archived(self._members) if seed is None else self._damaged(generator(seed, 2))
        )
        settings = DataConfig(source="npz", path=str(self._path), image_size=SIZE, workers=1)
        return outcome(
            lambda: load_dataset(settings), check_dataset, [str(self._path), " of tiny "]
        )

    def _damaged(self, draws):
        members = dict(self._members)
        name = list(members)[draws.integers(len(members))]
        method = int(draws.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA]))
        way = draws.integers(7)
        if way <= 1:
            return damaged(draws, archived(members, method), self._other)
        if way == 2:
            return damaged(draws, archived(members, method), self._other, (zip_field,))
        if way == 3:
            members[name] = header(draws) + draws.bytes(int(draws.choice([0, 12, 864])))
        elif way == 4:
            members[name] = damaged(draws, members[name], self._other)
        elif way == 5:
            array = strange_array(draws, self._arrays[name.removesuffix(".npy")])
            members[name] = one_array(array)
        elif draws.integers(2):
            del members[name]
        else:
            other = list(members)[draws.integers(len(members))]
            members[name], members[other] = members[other], members[name]
        return archived(members, method)
