"""Files of a working directory that cannot be read: which one, why, and what mends it; no jax."""

from __future__ import annotations

import json
from typing import Any

from etils import epath

LONGEST_REASON = 160
"""Characters of another library's message that ours quote."""

LONGEST_VALUE = 40
"""Characters of a value that a message quotes."""

BY_HAND = "repair or delete it"


class DamagedError(ValueError):
    """A file that a run wrote is missing or damaged; the message is one line.

    Attributes:
      what: which file, and what is wrong with it; the message adds what mends it.
    """

    def __init__(self, what: str, repair: str = BY_HAND) -> None:
        super().__init__(f"{what}; {repair}")
        self.what = what


def damaged(path: epath.PathLike, reason: object, repair: str = BY_HAND) -> DamagedError:
    """Build the error for a file: one line.

    Args:
      path: the file, perhaps with the number of a line.
      reason: what is wrong with it, or the error that reading it ended in.
      repair: what mends it, as a command.
    """
    why = str(reason) or type(reason).__name__
    return DamagedError(f"{path} is damaged ({brief(why)})", repair)


def brief(text: str) -> str:
    """Shorten another's words to one line that can be printed."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 2 * LONGEST_REASON])
    return " ".join(plain.split())[:LONGEST_REASON]


def read_text(path: epath.Path, repair: str = BY_HAND) -> str:
    """Read a text file.

    Raises:
      DamagedError: it is not UTF-8.
    """
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise damaged(path, f"not UTF-8: {error.reason}", repair) from None


def read_object(path: epath.Path, repair: str = BY_HAND) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
      DamagedError: it holds something else, or text that cannot be written again.
    """
    try:
        found = json.loads(read_text(path, repair))
        json.dumps(found, ensure_ascii=False).encode()
    except DamagedError:
        raise
    except UnicodeEncodeError:  # JSON can spell half a character
        raise damaged(path, "it holds half a character", repair) from None
    except (ValueError, RecursionError) as error:  # too many digits are a ValueError
        raise damaged(path, f"it is not JSON: {error}", repair) from None
    if not isinstance(found, dict):
        raise damaged(path, f"it is {quoted(found)}, expected an object", repair)
    return found


def quoted(value: Any) -> str:
    """Write a value as JSON has it, cut where it is long."""
    return json.dumps(value)[:LONGEST_VALUE]
