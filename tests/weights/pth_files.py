"""Files as `torch.save` writes them, made without PyTorch.

The pickler of the standard library writes them; `torch` is a module of mere names meanwhile.
`test_pytorch_file.py` holds them against PyTorch where that is installed.
"""

import contextlib
import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np

STORAGES = {"float32": "FloatStorage", "int64": "LongStorage", "float16": "HalfStorage"}
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {}}


class Storage:
    """Stands for a storage: written as a persistent identity."""

    def __init__(self, array, key, old):
        kind = STORAGES[array.dtype.name]
        self.array = array
        self.identity = ("storage", _class("torch", kind), key, "cpu", array.size)
        if old:
            self.identity = (*self.identity, None)


class Tensor:
    """Stands for a tensor: written as a call that rebuilds it."""

    def __init__(self, storage, shape, strides=None, offset=0):
        self.storage, self.shape, self.offset = storage, shape, offset
        counts = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
        self.strides = tuple(counts) if strides is None else strides

    def __reduce__(self):
        rebuild = _class("torch._utils", "_rebuild_tensor_v2")
        return rebuild, (self.storage, self.offset, self.shape, self.strides, False, OrderedDict())


def _class(module, name):
    return getattr(sys.modules[module], name)


@contextlib.contextmanager
def names_of_torch():
    """Let the pickler find what it names, whether or not PyTorch is there."""
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    utils._rebuild_tensor_v2 = type("_rebuild_tensor_v2", (), {"__module__": "torch._utils"})
    torch._utils = utils
    sys.modules |= {"torch": torch, "torch._utils": utils}
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class Pickler(pickle.Pickler):
    def persistent_id(self, found):
        return found.identity if isinstance(found, Storage) else None


def pickled(found):
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(found)
    return stream.getvalue()


def tensors_of(arrays, old=False):
    """Turn arrays into tensors with a storage each; give both."""
    storages = {name: Storage(a, str(number), old) for number, (name, a) in enumerate(arrays)}
    tensors = OrderedDict(
        (name, Tensor(storage, storage.array.shape)) for name, storage in storages.items()
    )
    return tensors, list(storages.values())


def zipped(found, storages, folder="archive"):
    """Give the bytes of a file of PyTorch from 1.6 on."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{folder}/data.pkl", pickled(found))
        archive.writestr(f"{folder}/byteorder", b"little")
        for storage in storages:
            key = storage.identity[2]
            archive.writestr(f"{folder}/data/{key}", storage.array.tobytes())
        archive.writestr(f"{folder}/version", b"3\n")
    return stream.getvalue()


def old(found, storages):
    """Give the bytes of a file of PyTorch before 1.6."""
    parts = [pickle.dumps(part, protocol=2) for part in (MAGIC, PROTOCOL, SYSTEM)]
    keys = [storage.identity[2] for storage in storages]
    parts += [pickled(found), pickle.dumps(keys, protocol=2)]
    for storage in storages:
        parts += [struct.pack("<q", storage.array.size), storage.array.tobytes()]
    return b"".join(parts)


def state_dict(arrays, *, as_old=False, wrap=lambda tensors: tensors):
    """Give the bytes of a saved state dict.

    Args:
      arrays: name -> array.
      as_old: as PyTorch before 1.6 did.
      wrap: puts the tensors into what is saved.
    """
    with names_of_torch():
        tensors, storages = tensors_of(arrays.items(), as_old)
        return (old if as_old else zipped)(wrap(tensors), storages)
