"""Which tests share a worker: those that share compiled programs.

The contract runs a score of tests over each operation, and each needs the same programs. Dealt out
one by one, every program would be compiled by every worker.
"""

from __future__ import annotations

import re
from typing import Any

from xdist.scheduler import LoadScopeScheduling

CONTRACT = "test_operations.py"
PARAMETERS = re.compile(r"\[(.*)\]$")


class SharedCompilationScheduling(LoadScopeScheduling):
    """Keep the tests of one operation on one worker, and those of any other file together."""

    def __init__(self, config: Any, log: Any, names: frozenset[str]) -> None:
        config.option.loadscopereorder = False  # the order of collection stands: slow files first
        super().__init__(config, log)
        self._names = names

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        parameters = PARAMETERS.search(nodeid)
        if file.endswith(CONTRACT) and parameters:
            # Operation names have no dash, which is what pytest joins parameters with.
            of_operation = self._names.intersection(parameters[1].split("-"))
            return f"{file}::{','.join(sorted(of_operation))}"
        return file
