"""A process that loads damaged data, one seed after the other, under limits; see `damage.py`.

python -m tests.data.damage_child SUBJECT FOLDER FIRST STOP
"""

import faulthandler
import json
import os
import re
import resource
import sys
import traceback
from pathlib import Path

SECONDS = 20
"""For one seed, on a busy machine; afterwards the process tells where it is and ends."""

ADDED_BYTES = 1 << 30
"""Of address space, on top of what the process has when all is imported."""

MOST_BYTES = 700 << 20
"""Of memory in use, on top of that: two pictures as large as are allowed."""

OUT_OF_MEMORY = re.compile("MemoryError|Unable to allocate|out of memory|bad_alloc|malloc", re.I)


class FaultError(Exception):
    """What must not come of damaged data."""


def outcome(load, check, names):
    """Load data; say how it ended: "loaded", or the line of the error.

    Args:
      load: gives the data.
      check: of data that was loaded; raises what is wrong with it.
      names: an error has to hold one of these.
    """
    try:
        data = load()
    except ValueError as error:
        said = str(error)
        if type(error) is not ValueError:
            raise
        if OUT_OF_MEMORY.search(said):
            raise FaultError(f"asked for more memory than there was: {said}") from error
        if len(said.splitlines()) != 1:
            raise FaultError(f"not one line: {said}") from error
        if not any(name in said for name in names):
            raise FaultError(f"names none of {names}: {said}") from error
        return said
    check(data)
    return "loaded"


def bound_memory():
    status = Path("/proc/self/status")
    if status.exists():
        used = int(re.search(r"VmSize:\s+(\d+)", status.read_text())[1]) * 1024
        resource.setrlimit(resource.RLIMIT_AS, (used + ADDED_BYTES,) * 2)


def most_used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(subject, folder, first, stop):
    from tests.data.damage_subjects import SUBJECTS

    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    faulthandler.enable()
    attempt = SUBJECTS[subject](Path(folder))
    assert attempt(None) == "loaded", "undamaged"  # and libraries have made what they need
    bound_memory()
    start = most_used()
    for seed in range(first, stop):
        answers.write(json.dumps({"seed": seed}) + "\n")
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        fault = ""
        try:
            said = attempt(seed)
        except Exception as error:
            said, fault = "", "".join(traceback.format_exception(error)[-6:])
        faulthandler.cancel_dump_traceback_later()
        added = most_used() - start
        if added > MOST_BYTES:
            fault += f"{added:,} bytes of memory were used"
            start += added
        answer = {"seed": seed, "said": said, "fault": fault, "added": added}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
