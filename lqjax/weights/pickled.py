"""What the pickle of a PyTorch file says, read without running any of it.

A pickle is a program. `pickle.load` carries it out, imports what it names and calls it; here a
small machine of our own follows those instructions that PyTorch's files of weights have, keeps
every name as a mere name, and builds only dicts, lists, numbers, texts and descriptions of tensors.
Whatever else a file asks for is refused, and named.

Source: the opcodes are those of the standard library's `pickletools`.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from mmap import mmap
from typing import IO, Any, cast

from lqjax.weights.stored_tensors import ELEMENTS, MAX_DIMENSIONS, Storage, StoredTensor

MAX_ARGUMENTS = 8
"""Of a call; more would let a short file copy a long list again and again."""

LARGEST_KEY = 2**31 - 1
"""Of a dict or of the memo, where it is a number."""

LARGEST_NUMBER = 2**63 - 1
"""That describes a tensor; PyTorch has 64 bits for each. A pickle has as many digits as it likes,
and eight numbers of a megabyte each take minutes to multiply."""

MAX_INSTRUCTIONS = 1_000_000
"""Of one pickle; ResNet-152 with the state of its optimiser has a tenth of it. Each may take a
hundred bytes."""


@dataclass(frozen=True)
class Name:
    """Something that the file names by module and attribute; it is never looked up."""

    module: str
    attribute: str

    def __str__(self) -> str:
        return f"{self.module}.{self.attribute}"


class RefusedError(ValueError):
    """The file asks for something that no file of weights needs."""


_MARK = object()

REFUSED = (
    "only tensors, numbers and texts are read, nothing is run; in PyTorch, save them with"
    " torch.save(model.state_dict(), FILE), or with safetensors"
)


def read_pickle(stream: IO[bytes] | mmap) -> Any:
    """Follow one pickle of a PyTorch file; the stream stands behind it then.

    Returns:
      Dicts, lists, tuples, numbers, texts and `StoredTensor`.

    Raises:
      RefusedError: it asks for anything else, which is named.
      ValueError: it is damaged.
    """
    machine = _Machine()
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(cast(IO[bytes], stream))):
            if opcode.name == "STOP":
                break
            if number > MAX_INSTRUCTIONS:
                raise RefusedError(f"its pickle has more than {MAX_INSTRUCTIONS} instructions")
            machine.follow(opcode.name, argument)
        return machine.stack.pop()
    except RefusedError:
        raise
    except RecursionError:
        raise ValueError("its pickle is damaged (it nests without end)") from None
    except (ValueError, TypeError, LookupError, AttributeError, struct.error) as error:
        raise ValueError(f"its pickle is damaged ({_one_line(error)})") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def follow(self, name: str, argument: Any) -> None:
        if name in IGNORED:
            return
        if name in PUSHED:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name]())
        elif name in ACTIONS:
            ACTIONS[name](self, argument)
        else:
            raise RefusedError(f"its pickle has the instruction {name}; {REFUSED}")

    def since_mark(self) -> list[Any]:
        """Take what lies above the last mark, and the mark."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                taken = self.stack[place + 1 :]
                del self.stack[place:]
                return taken
        raise ValueError("a mark is missing")

    def put(self, argument: Any) -> None:
        self.memo[_place(argument)] = self.stack[-1]

    def memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def get(self, argument: Any) -> None:
        self.stack.append(self.memo[_place(argument)])

    def mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def pop(self, _: Any) -> None:
        self.stack.pop()

    def collect(self, _: Any) -> None:
        self.stack.append(tuple(self.since_mark()))

    def tuples(self, count: int) -> None:
        taken = tuple(self.stack[-count:])
        if len(taken) < count:
            raise ValueError("the stack is empty")
        del self.stack[-count:]
        self.stack.append(taken)

    def append(self, _: Any) -> None:
        value = self.stack.pop()
        self._last(list).append(value)

    def appends(self, _: Any) -> None:
        values = self.since_mark()
        self._last(list).extend(values)

    def set_item(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._last(dict)[_key(key)] = value

    def set_items(self, _: Any) -> None:
        values = self.since_mark()
        found = self._last(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            found[_key(key)] = value

    def name(self, argument: Any) -> None:
        module, _, attribute = str(argument).partition(" ")
        self.stack.append(_allowed(Name(module, attribute)))

    def stack_name(self, _: Any) -> None:
        attribute, module = self.stack.pop(), self.stack.pop()
        for part in (module, attribute):
            # Never written out: lists that hold each other twice are endless as text.
            if not isinstance(part, str):
                kind = type(part).__name__
                raise RefusedError(f"its pickle names something by a {kind}, not by texts")
        self.stack.append(_allowed(Name(module, attribute)))

    def call(self, _: Any) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        if not isinstance(called, Name) or called not in CALLS or not isinstance(arguments, tuple):
            raise RefusedError(f"its pickle calls {_shown(called)}; {REFUSED}")
        if len(arguments) > MAX_ARGUMENTS:
            raise ValueError(f"{called} is called with {len(arguments)} arguments")
        self.stack.append(CALLS[called](*arguments))

    def build(self, _: Any) -> None:
        """Set attributes of an object: those of a state dict are only notes on its layers."""
        self.stack.pop()
        self._last(dict)

    def persistent(self, _: Any) -> None:
        self.stack.append(_storage(self.stack.pop()))

    def _last(self, kind: type) -> Any:
        found = self.stack[-1]
        if type(found) is not kind:
            raise ValueError(f"a {kind.__name__} is missing")
        return found


def _key(key: Any) -> Any:
    # Large numbers can be chosen so that all share a hash, which would take for ever.
    if not isinstance(key, str) and not (type(key) is int and abs(key) <= LARGEST_KEY):
        raise ValueError("a key is neither a text nor a small number")
    return key


def _place(argument: Any) -> int:
    """Check a place of the memo; large ones could share a hash, as those of `_key`."""
    place = int(argument)
    if not 0 <= place <= LARGEST_KEY:
        raise ValueError(f"it has no place of the memo above {LARGEST_KEY}")
    return place


def _shown(called: Any) -> str:
    return str(called) if isinstance(called, Name) else f"a {type(called).__name__}"


def _allowed(name: Name) -> Name:
    if name in CALLS or _is_storage(name):
        return name
    raise RefusedError(f"its pickle names {name}; {REFUSED}")


def _is_storage(name: Name) -> bool:
    return name.module in ("torch", "torch.storage") and name.attribute in ELEMENTS


def _storage(identity: Any) -> Storage:
    """Understand a persistent identity: ("storage", kind, key, place, length), and views."""
    if not isinstance(identity, tuple) or len(identity) not in (5, 6) or identity[0] != "storage":
        raise ValueError("a storage is described wrongly")
    _, kind, key, _, length, *view = identity
    if view not in ([], [None]):
        raise RefusedError("it has views of storages, as PyTorch before 0.4 wrote; save it anew")
    if not isinstance(kind, Name) or not _is_storage(kind):
        raise RefusedError(f"its pickle has a storage of {_shown(kind)}; {REFUSED}")
    if not isinstance(key, str) or type(length) is not int or length < 0:
        raise ValueError("a storage is described wrongly")
    _check_size((length,))
    return Storage(key, kind.attribute, length)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor is described wrongly")
    (first,) = _whole((offset,))
    return StoredTensor(storage, first, _whole(shape), _whole(strides))


def _whole(numbers: Any) -> tuple[int, ...]:
    listed = isinstance(numbers, (tuple, list)) and len(numbers) <= MAX_DIMENSIONS
    if not listed or any(type(number) is not int for number in numbers):
        raise ValueError("the form of a tensor is described wrongly")
    _check_size(numbers)
    return tuple(numbers)


def _check_size(numbers: Iterable[int]) -> None:
    if any(abs(number) > LARGEST_NUMBER for number in numbers):
        raise ValueError(
            f"it describes a tensor by a number above {LARGEST_NUMBER}, which no file can hold"
        )


def _parameter(tensor: Any, *_: Any) -> StoredTensor:
    if not isinstance(tensor, StoredTensor):
        raise ValueError("a parameter is described wrongly")
    return tensor


def _ordered(*items: Any) -> dict[Any, Any]:
    if items:
        raise RefusedError("it has a dict as Python 2 wrote them; save it anew")
    return {}


def _size(sides: Any = ()) -> tuple[int, ...]:
    return _whole(sides)


CALLS: Mapping[Name, Callable[..., Any]] = {
    Name("collections", "OrderedDict"): _ordered,
    Name("torch", "Size"): _size,
    Name("torch._utils", "_rebuild_tensor"): _tensor,
    Name("torch._utils", "_rebuild_tensor_v2"): _tensor,
    Name("torch._utils", "_rebuild_parameter"): _parameter,
}
"""What a file of weights may call, and what is done in its place."""

IGNORED = {"PROTO", "FRAME"}

PUSHED = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
}

CONSTANTS: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}

ACTIONS: Mapping[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "TUPLE": _Machine.collect,
    "TUPLE1": lambda machine, _: machine.tuples(1),
    "TUPLE2": lambda machine, _: machine.tuples(2),
    "TUPLE3": lambda machine, _: machine.tuples(3),
    "LIST": lambda machine, _: machine.stack.append(machine.since_mark()),
    "DICT": lambda machine, _: machine.stack.append(_pairs(machine.since_mark())),
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.stack_name,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}


def _pairs(values: list[Any]) -> dict[Any, Any]:
    return {_key(key): value for key, value in zip(values[::2], values[1::2], strict=True)}
