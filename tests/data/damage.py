"""Damaged data loaded by a child process, so that no crash and no hang ends the tests."""

import json
import subprocess
import sys
from pathlib import Path

from tests.processes import environment

ROOT = Path(__file__).parents[2]
DEATHS = 3
"""Of the process, before the rest of the seeds is given up."""

SHOWN = 3000
"""Characters of its last words."""


def outcomes(subject, folder, count, first=0, seconds=600):
    """Load data damaged by seed.

    Returns:
      What was said of each seed ("loaded" or an error), and the faults: lines that name subject
      and seed, with which `python -m tests.data.damage_child SUBJECT FOLDER SEED SEED+1` shows it.
    """
    said, faults, stop = {}, [], first + count
    while first < stop and len(faults) < DEATHS:
        ended, last_words, lines = _child(subject, folder, first, stop, seconds)
        current = None
        for line in lines:
            current = line["seed"]
            if "said" in line:
                said[current] = line["said"]
                if line["fault"]:
                    faults.append(f"{subject}, seed {current}: {line['fault']}")
                current = None
        if not ended:
            return said, faults
        if current is None:
            raise AssertionError(f"{subject}: {ended} before the first seed: {last_words}")
        faults.append(f"{subject}, seed {current}: {ended}: {last_words}")
        first = current + 1
    return said, faults


def _child(subject, folder, first, stop, seconds):
    """Run the process; give how it ended ("" if well), its last words, its lines."""
    where = Path(folder) / f"{subject}-{first}"
    where.mkdir(parents=True)
    command = ["-m", "tests.data.damage_child", subject, str(where), str(first), str(stop)]
    with subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    ) as child:
        try:
            out, err = child.communicate(timeout=seconds)
            ended = f"the process ended with {child.returncode}" if child.returncode else ""
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            ended = f"not done within {seconds} s"
    whole = out[: out.rfind("\n") + 1]
    return ended, err[-SHOWN:], [json.loads(line) for line in whole.splitlines()]
