"""Reading one checkpoint: whole or not at all, and on every process with one answer."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

import orbax.checkpoint as ocp
from etils import epath

from lqjax.distributed import decide, first_said, lost_another, together
from lqjax.training.damage import UnreadableError, checksum
from lqjax.training.fitting import MisfitError, check_fit, structure_checksum
from lqjax.training.record import EarlierFormatError, LaterFormatError, Record
from lqjax.typing import Tree

T = TypeVar("T")

MODEL, REST, RECORD = "model", "rest", "record"
"""The parts of a checkpoint, each a folder."""

TAIL = " See full TensorStore details"
"""Begins what TensorStore's messages end in: nothing that a user could read."""

LONGEST_REASON = 200
"""Characters of another library's message that ours quote."""

KINDS = (EarlierFormatError, LaterFormatError, MisfitError, PermissionError, MemoryError)
"""Errors that say nothing about damage."""

NOT_DAMAGE = (
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
)
"""Words of errors that say nothing about the files: memory, network, access."""

SYSTEM_ERROR = re.compile(r"os_error_code='(\d+)'")
"""Where TensorStore's messages name the error of the operating system, behind long paths."""


def handlers() -> dict[str, Any]:
    """Make what writes and reads each part."""
    return {
        # Weights hardly compress, and compression takes the cores that train.
        MODEL: ocp.PyTreeCheckpointHandler(use_compression=False),
        REST: ocp.PyTreeCheckpointHandler(use_compression=False),
        RECORD: ocp.JsonCheckpointHandler(),
    }


def located(folder: epath.Path, part: str) -> epath.Path:
    """Name the folder of a part in the way that Orbax wants it: absolute."""
    return folder / part if "://" in str(folder) else (folder / part).absolute()


def read_record(folder: epath.Path) -> Record:
    """Read what a checkpoint says about itself; of several processes the first one reads.

    Raises:
      UnreadableError: it is damaged.
      ValueError: an earlier or a later version wrote it.
    """

    def read() -> dict[str, Any]:
        values, failure = _tried(
            lambda: handlers()[RECORD].restore(located(folder, RECORD)), folder
        )
        return {"damage": str(failure)} if failure else {"values": values}

    answer = decide(read)
    if "damage" in answer:
        raise UnreadableError(answer["damage"])
    record, failure = _tried(lambda: Record.from_json(answer["values"], folder), folder)
    if record is None:
        raise failure or UnreadableError(f"{folder}: its record is empty")
    return record


def check_part(folder: epath.Path, part: str, wanted: Tree, record: Record) -> None:
    """Compare names and shapes of a part, which is not read, with what is needed.

    Args:
      wanted: `jax.ShapeDtypeStruct` for each array; the others as in `read_part`.

    Raises:
      UnreadableError: it is not what was written.
      MisfitError: it is of another network.
    """
    found = handlers()[part].metadata(located(folder, part)).tree
    if structure_checksum(found) != record.structures[part]:
        raise UnreadableError(f"{folder}: names or shapes in {part} are wrong")
    check_fit(found, wanted, folder)


def read_part(folder: epath.Path, part: str, abstract: Tree, record: Record) -> Tree:
    """Read `model` or `rest`.

    Args:
      folder: of the checkpoint.
      abstract: `jax.ShapeDtypeStruct` with a sharding for each array.
      record: what the checkpoint says about itself.

    Raises:
      UnreadableError: it is damaged, for this process or for another one.
      MisfitError: it is of another network.
    """

    def read() -> Tree:
        check_part(folder, part, abstract, record)
        arguments = ocp.args.PyTreeRestore(
            abstract, restore_args=ocp.checkpoint_utils.construct_restore_args(abstract)
        )
        return handlers()[part].restore(located(folder, part), args=arguments)

    made = _agreed(lambda: _tried(read, folder))
    total = checksum(made)  # on the devices of all processes: none may be missing
    wrong = UnreadableError(f"{folder}: the checksum of {part} is wrong")
    _agreed(lambda: (None, None if total == record.checksums[part] else wrong))
    return made


def reason(error: Exception) -> str:
    """Say in a few words what another library met; of a disk's error, what the system said."""
    text = " ".join(str(error).split())
    code = SYSTEM_ERROR.search(text)
    return os.strerror(int(code[1])) if code else text.partition(TAIL)[0][:LONGEST_REASON]


def code_of(error: BaseException | None) -> int | None:
    """Give the number of the system's error behind another library's; `None` if it has none."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        if code := SYSTEM_ERROR.search(" ".join(str(error).split())):
            return int(code[1])
        error = error.__cause__ or error.__context__
    return None


def _tried(read: Callable[[], T], folder: epath.Path) -> tuple[T | None, UnreadableError | None]:
    try:
        return read(), None
    except UnreadableError as error:
        return None, error
    except KINDS:
        raise
    except Exception as error:  # whatever the decoders of Orbax meet in a damaged file
        if lost_another(error) or any(word in str(error) for word in NOT_DAMAGE):
            raise
        made = UnreadableError(f"{folder}: {reason(error)}")
        made.__cause__ = error
        return None, made


def _agreed(tried: Callable[[], tuple[T | None, UnreadableError | None]]) -> T:
    """Take what each process read; what is damaged for one of them is damaged for all."""
    found, failure = together(tried)
    said = first_said(str(failure) if failure else "")
    if said:
        raise failure or UnreadableError(said)
    return found  # type: ignore[return-value]
