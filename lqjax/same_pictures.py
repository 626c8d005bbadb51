"""Are published pictures those that earlier networks of a working directory were shown?

What is kept of them, `published.json`, is small: the mean level of a few pictures of each
condition. What decodes pictures differs by a level here and there between versions; such
differences are no other pictures.
"""

from __future__ import annotations

import json

from lqjax.damaged import damaged, read_text
from lqjax.data.mean_levels import count_others, mean_levels
from lqjax.distributed import decide
from lqjax.typing import Split
from lqjax.workdir import Workdir

FILE_NAME = "published.json"


def keep_or_refuse(place: Workdir, name: str, pictures: Split) -> None:
    """Compare pictures with what is known of them; where nothing is, write it down.

    Args:
      place: the working directory.
      name: of the pictures, "cifar10_corrupted/fog@3".
      pictures: for all test images, in their order.

    Raises:
      ValueError: earlier ones were others, or the file is damaged; one line.
    """
    levels = mean_levels(pictures.images)

    def compare() -> None:
        known = _known(place)
        before = known.get(name)
        if before is None:
            place.write_text(FILE_NAME, json.dumps({**known, name: levels}) + "\n")
        elif len(before) != len(levels) or count_others(before, levels):
            raise ValueError(
                f"the pictures of {name} are not those that other networks in {place.root} were"
                " tested on; give these again, or name another workdir"
            )

    decide(compare)


def _known(place: Workdir) -> dict[str, list[float]]:
    path, repair = place.root / FILE_NAME, "delete it, or name another --workdir"
    if not path.exists():
        return {}
    try:
        record = json.loads(read_text(path, repair))
        return {name: [float(level) for level in levels] for name, levels in record.items()}
    except (
        json.JSONDecodeError,
        AttributeError,
        TypeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise damaged(path, error, repair) from None
