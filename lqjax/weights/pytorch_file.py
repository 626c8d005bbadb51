"""Files of `torch.save`: the zip archives of today, and what PyTorch wrote before 1.6."""

from __future__ import annotations

import io
import mmap
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from lqjax.weights.pickled import RefusedError, read_pickle
from lqjax.weights.stored_tensors import ELEMENTS, Storage, StoredTensor, cut_off, to_array

ZIP_START = b"PK\x03\x04"
"""What a zip archive begins with."""

ENTRY = struct.Struct("<26xHH")
"""What stands before each entry of a zip archive; read are the lengths of its name and of more."""

PICKLE = b"\x80"
"""What a pickle begins with, from its second protocol on."""

MAGIC = 0x1950A86A20F9469CFC6C
"""The first pickle of a file that is no archive."""

PROTOCOL = 1001
"""The second one."""

LENGTH = struct.Struct("<q")
"""How many numbers a storage has, before them, in a file that is no archive."""

INSIDE = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "net")
"""Under which names the files of training scripts keep the weights, in the order looked for."""


def read_pytorch(path: Path) -> dict[str, np.ndarray]:
    """Read the tensors of a state dict, by name.

    Raises:
      ValueError: the file is damaged or has more in it than tensors; the reason, without the path.
    """
    with path.open("rb") as file:
        zipped = file.read(len(ZIP_START)) == ZIP_START
    return _read_archive(path) if zipped else _read_old(path)


def _read_archive(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {info.filename: info for info in archive.infolist()}
            pickles = [name for name in entries if name.split("/")[1:] == ["data.pkl"]]
            if len(pickles) != 1:
                raise ValueError("it is a zip archive, but not one that torch.save wrote")
            _check_sizes(archive.infolist(), path.stat().st_size)
            folder = pickles[0].split("/")[0]

            def content(name: str) -> bytes:
                if name not in entries:
                    raise ValueError(f"{name} is missing in it")
                if entries[name].compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"{name} is compressed in it, as torch.save never does")
                return archive.read(entries[name])

            order = f"{folder}/byteorder"
            if order in entries and content(order).strip() != b"little":
                raise ValueError("it was written on a big-endian machine; save it anew on another")
            found = read_pickle(io.BytesIO(content(pickles[0])))
            return _arrays(found, lambda storage: content(f"{folder}/data/{storage.key}"), path)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, struct.error) as error:
        raise cut_off(_first_cut_off(path), error) from None


def _first_cut_off(path: Path) -> str:
    """Name the first tensor whose numbers are not all in an archive; empty if that is unknown.

    The list of contents of an archive stands at its end, and is gone with it.
    """
    with (
        path.open("rb") as file,
        closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as stream,
    ):
        try:
            name, begin = _entry_at(stream, 0)
            folder, _, last = name.partition(b"/")
            if last != b"data.pkl":
                return ""
            stream.seek(begin)
            seen: set[str] = set()
            for name_of_tensor, tensor in _tensors(read_pickle(stream)).items():
                storage = tensor.storage
                if storage.key in seen:
                    continue
                seen.add(storage.key)
                wanted = folder + f"/data/{storage.key}".encode()
                found = stream.find(wanted, begin) - ENTRY.size
                name, begin = _entry_at(stream, found) if found >= 0 else (b"", 0)
                begin += storage.length * ELEMENTS[storage.kind].itemsize
                if name != wanted or begin > len(stream):
                    return name_of_tensor
        except (ValueError, KeyError, OverflowError, EOFError, struct.error):
            return ""
    return ""


def _entry_at(stream: mmap.mmap, place: int) -> tuple[bytes, int]:
    """Read the name of an entry, and where its content begins."""
    sizes = ENTRY.unpack_from(stream, place)
    begin = place + ENTRY.size
    return stream[begin : begin + sizes[0]], begin + sizes[0] + sizes[1]


def _check_sizes(entries: Iterable[zipfile.ZipInfo], size: int) -> None:
    """Refuse entries that are not in the file, or in it one over the other: they take memory."""
    packed = unpacked = 0
    for entry in entries:
        if not 0 <= entry.header_offset < size:
            raise cut_off(entry.filename)
        packed += entry.compress_size
        unpacked += entry.file_size if entry.compress_type == zipfile.ZIP_STORED else 0
    if max(packed, unpacked) > size:
        raise ValueError("its entries are longer than it is, or lie over one another")


def _read_old(path: Path) -> dict[str, np.ndarray]:
    if not path.stat().st_size:
        raise ValueError("it is empty")
    with (
        path.open("rb") as file,
        closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as stream,
    ):
        try:
            start = read_pickle(stream)
        except ValueError as error:
            if isinstance(error, RefusedError) and stream[: len(PICKLE)] == PICKLE:
                raise
            start = None
        if start != MAGIC:
            raise ValueError("it is neither a file of torch.save nor of safetensors")
        if read_pickle(stream) != PROTOCOL:
            raise ValueError("it is of an unknown version of torch.save")
        system = read_pickle(stream)
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise ValueError("it was written on a big-endian machine; save it anew on another")
        found = read_pickle(stream)
        keys = read_pickle(stream)
        tensors = _tensors(found)
        storages = {t.storage.key: t.storage for t in _all_tensors(found)}
        owners = {t.storage.key: name for name, t in reversed(tensors.items())}
        places = _places(stream, keys, storages, owners)

        def content(storage: Storage) -> bytes:
            begin, end = places[storage.key]
            return stream[begin:end]

        return _load(tensors, content, path)


def _places(
    stream: mmap.mmap, keys: Any, storages: Mapping[str, Storage], owners: Mapping[str, str]
) -> dict[str, tuple[int, int]]:
    """Find where the numbers of each storage begin and end."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("its list of storages is damaged")
    places = {}
    for key in keys:
        head = stream.read(LENGTH.size)
        if len(head) < LENGTH.size:
            raise ValueError(f"it is cut off before {owners.get(key, f'storage {key}')}")
        if key not in storages:
            raise ValueError(f"storage {key} belongs to no tensor of it")
        storage = storages[key]
        (length,) = LENGTH.unpack(head)
        if length != storage.length:
            raise ValueError(f"storage {key} has {length} numbers and should have {storage.length}")
        begin = stream.tell()
        end = begin + length * ELEMENTS[storage.kind].itemsize
        if end > len(stream):
            raise ValueError(f"it is cut off in {owners.get(key, f'storage {key}')}")
        stream.seek(end)
        places[key] = begin, end
    return places


def _arrays(found: Any, content: Any, path: Path) -> dict[str, np.ndarray]:
    return _load(_tensors(found), content, path)


def _load(tensors: Mapping[str, StoredTensor], content: Any, path: Path) -> dict[str, np.ndarray]:
    arrays, room = {}, path.stat().st_size
    read = _read_once(tensors.values(), content)
    for name, tensor in tensors.items():
        try:
            array = to_array(tensor, read)
        except (ValueError, KeyError, OverflowError) as error:
            raise ValueError(f"{name} cannot be read ({error})") from None
        room -= array.nbytes
        if room < 0:
            raise RefusedError("its tensors share their numbers; save each by itself")
        arrays[name] = array
    return arrays


def _read_once(tensors: Iterable[StoredTensor], content: Any) -> Callable[[Storage], bytes]:
    """Read a storage that many tensors look at, each at little of it, only once."""
    uses = Counter(tensor.storage.key for tensor in tensors)
    kept: dict[str, bytes] = {}

    def read(storage: Storage) -> bytes:
        if uses[storage.key] == 1:
            return content(storage)
        if storage.key not in kept:
            kept[storage.key] = content(storage)
        return kept[storage.key]

    return read


def _all_tensors(found: Any) -> list[StoredTensor]:
    """Collect every tensor of nested dicts and lists, each object looked at once."""
    waiting, seen, tensors = [found], set(), []
    while waiting:
        node = waiting.pop()
        if isinstance(node, StoredTensor):
            tensors.append(node)
        elif isinstance(node, (dict, list, tuple)) and id(node) not in seen:
            seen.add(id(node))
            waiting.extend(node.values() if isinstance(node, dict) else node)
    return tensors


def _tensors(found: Any) -> dict[str, StoredTensor]:
    """Find the state dict."""
    if not isinstance(found, dict):
        kind = "tensor" if isinstance(found, StoredTensor) else type(found).__name__
        raise ValueError(f"it holds a {kind}, not a dict of tensors; save model.state_dict()")
    inside = [found, *(found[name] for name in INSIDE if isinstance(found.get(name), dict))]
    candidates = [
        {
            name: tensor
            for name, tensor in candidate.items()
            if isinstance(name, str) and isinstance(tensor, StoredTensor)
        }
        for candidate in inside
    ]
    # The first of those with the most: beside the weights lies the best accuracy, as a tensor.
    tensors = max(candidates, key=len)
    if tensors:
        return tensors
    if not found:
        raise ValueError("it is an empty dict; save model.state_dict()")
    listed = ", ".join(map(repr, list(found)[:5]))
    raise ValueError(f"it holds no tensors, only {listed}; {_elsewhere(found)}")


def _elsewhere(found: Mapping[Any, Any]) -> str:
    """Say under which unusual name of a file the tensors lie, if they do under one."""
    for name, inner in found.items():
        if isinstance(inner, dict) and any(isinstance(t, StoredTensor) for t in inner.values()):
            return f"tensors lie in {name!r}: save that by itself"
    return "save model.state_dict()"
