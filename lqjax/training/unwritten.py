"""What to say where a checkpoint could not be written: why, what is left, and the remedy."""

from __future__ import annotations

from etils import epath

from lqjax.disk import GONE, NO_ROOM
from lqjax.training.aside import PREFIX
from lqjax.training.reading import code_of, reason
from lqjax.workdir import is_whole

AGAIN = "start the same command again"


def why_not_written(folder: epath.Path, error: Exception) -> str:
    """Say in one line why a checkpoint is not there, and what helps.

    Args:
      folder: of the checkpoints.
      error: what Orbax raised.
    """
    failed, code = f"no checkpoint could be written to {folder} ({reason(error)})", code_of(error)
    if code in NO_ROOM:
        return f"{failed}; {_left(folder)}: make room and {AGAIN}"
    if code in GONE:
        return (  # what is counted now may be gone as well a moment later
            f"{failed}: the folder was changed while the run was using it; {AGAIN}, which goes on"
            " from what is left there"
        )
    return f"{failed}; {_left(folder)}: once it can be written to, {AGAIN}"


def _left(folder: epath.Path) -> str:
    """Count the checkpoints that are there, those that were to be replaced included."""
    try:
        paths = list(folder.iterdir()) if folder.exists() else []
        count = sum(is_whole(path) or path.name.startswith(PREFIX) for path in paths)
    except Exception:  # the folder is in trouble already
        return "whether there are earlier ones cannot be told"
    return f"{count} earlier ones are left" if count > 1 else f"{count or 'no'} earlier one is left"
