"""Files of a working directory that cannot be read: which one, why, and what mends it; no jax."""

from __future__ import annotations

from etils import epath

LONGEST_REASON = 160
"""Characters of another library's message that ours quote."""

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
