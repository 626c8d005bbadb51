"""How the processes of one run find each other."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

START_TIMEOUT_SECONDS = 300
"""How long processes wait for each other at the start: hosts come up minutes apart."""

ABORT_MARGIN_SECONDS = 60
"""jax ends a process with a stack trace when its own time is up; ours is up before."""

QUIET_SECONDS = 5
"""How long waiting for the others goes without saying; processes started together take less."""

LOOK_SECONDS = 0.1
"""A signal is answered between two looks: it interrupts no thread that waits inside jax."""

FAILURE, USER_ERROR = 1, 2
LARGEST_PORT = 65535

VARIABLES = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
FLAGS = ("--coordinator", "--processes", "--process")
NOT_GIVEN = ("", "-1")


def start_distributed(coordinator: str = "", processes: int = 0, process: int = -1) -> bool:
    """Join the other processes of this run, if there are any.

    To be called before anything that uses a device. Without arguments the processes are found by
    `JAX_COORDINATOR_ADDRESS`, `JAX_NUM_PROCESSES` and `JAX_PROCESS_ID`, or as jax finds them: under
    SLURM (`srun` with several tasks), Open MPI, Kubernetes, and on the hosts of a TPU slice. A
    process that was started alone stays alone, and nothing is waited for.

    Waiting for the others can be interrupted (Ctrl-C, or an exception of a signal handler); the
    process has to end then. From the wait on an error that nobody catches ends this process at
    once: an orderly exit would wait for the others, which wait for this one.

    Args:
      coordinator: "host:port" of process 0, reachable by all.
      processes: how many there are; 1 keeps this one alone, whatever started it.
      process: number of this one, from 0.

    Returns:
      Whether there are several. A second call changes nothing.

    Raises:
      ValueError: arguments or variables that do not belong together, or a device was used before.
        Processes that do not find each other within `START_TIMEOUT_SECONDS` end with one line.
    """
    import jax

    if jax.distributed.is_initialized():
        return jax.process_count() > 1
    if processes == 1:
        return False
    given = [os.environ.get(name, "") for name in VARIABLES]
    if coordinator or processes or process >= 0:
        arguments = _checked(FLAGS, coordinator, str(processes or ""), str(max(process, -1)))
    elif all(given) or (given[0] and not _found_by_jax()):
        arguments = _checked(VARIABLES, *given)
    elif _found_by_jax():
        arguments = {}
    else:
        return False
    if arguments.get("num_processes") == 1:
        return False
    sys.excepthook = _end_at_once
    _initialize(arguments)
    return jax.process_count() > 1


def _checked(names: tuple[str, ...], coordinator: str, count: str, number: str) -> dict[str, Any]:
    missing = [
        n for n, v in zip(names, (coordinator, count, number), strict=True) if v in NOT_GIVEN
    ]
    if missing:
        raise ValueError(
            f"{', '.join(names)} belong together; {' and '.join(missing)} missing: give all three,"
            " or none where SLURM, Open MPI or a TPU slice starts the processes"
        )
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= LARGEST_PORT:
        raise ValueError(
            f"{names[0]}={coordinator} is no address; write HOST:PORT of process 0, such as"
            " 10.0.0.1:12345"
        )
    if not count.isdecimal() or int(count) < 1:
        raise ValueError(f"{names[1]}={count} is not possible; allowed: whole numbers from 1")
    if not number.isdecimal() or int(number) >= int(count):
        raise ValueError(
            f"{names[2]}={number} is not possible with {names[1]}={count}; allowed: 0 to"
            f" {int(count) - 1}"
        )
    return {
        "coordinator_address": coordinator,
        "num_processes": int(count),
        "process_id": int(number),
        # Without this SLURM's and Open MPI's variables would still choose the devices.
        "cluster_detection_method": "deactivate",
    }


def _found_by_jax() -> bool:
    """Ask jax's own detection whether this process was started as one of several."""
    from jax._src.clusters import ClusterEnv  # nothing public says it without starting

    for kind in ClusterEnv._cluster_types:
        if not kind.opt_in_only_method and kind.is_env_present():
            return kind.get_process_count() > 1
    return False


def _initialize(arguments: dict[str, Any]) -> None:
    import jax

    failures: list[BaseException] = []

    def join() -> None:
        try:
            jax.distributed.initialize(
                initialization_timeout=START_TIMEOUT_SECONDS + ABORT_MARGIN_SECONDS, **arguments
            )
        except BaseException as error:
            failures.append(error)

    # Inside jax Python answers no signal, so the main thread stays outside.
    thread = threading.Thread(target=join, name="lqjax-join", daemon=True)
    thread.start()
    _wait_for(thread, arguments)
    if not failures:
        return
    if isinstance(failures[0], RuntimeError) and "before" in str(failures[0]):
        raise ValueError(
            "start_distributed was called after a device had been used; call it first"
        ) from None
    raise failures[0]


def _wait_for(thread: threading.Thread, arguments: dict[str, Any]) -> None:
    where = arguments.get("coordinator_address", "the coordinator")
    said, begun = False, time.monotonic()
    thread.join(LOOK_SECONDS)
    while thread.is_alive():
        waited = time.monotonic() - begun
        if waited >= START_TIMEOUT_SECONDS:
            _give_up(where)
        if waited >= QUIET_SECONDS and not said:
            said = True
            print(
                f"lqjax: waits for {_others(arguments)} at {where}, for {START_TIMEOUT_SECONDS} s"
                " at most",
                file=sys.stderr,
                flush=True,
            )
        thread.join(LOOK_SECONDS)


def _others(arguments: dict[str, Any]) -> str:
    """Name the processes that this one waits for; how many is not known where jax finds them."""
    others = arguments.get("num_processes", 0) - 1
    if others == 1:
        return "the other process"
    return f"the other {others} processes" if others > 1 else "the other processes"


def _end_at_once(*error: Any) -> None:
    sys.__excepthook__(*error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(FAILURE)


def _give_up(where: str) -> None:
    # jax would end the process too, from C++ and with a stack trace: there is no error to catch.
    print(
        f"lqjax: the processes did not find each other at {where} within {START_TIMEOUT_SECONDS} s;"
        " check that all were started with the same address and number, and that the port is open",
        file=sys.stderr,
        flush=True,
    )
    os._exit(USER_ERROR)
