"""Several processes on this machine that make up one run."""

import os
import socket
import subprocess
import sys

STORABLE = "--xla_multiheap_size_constraint_per_heap=-1"
"""The compiler's default in place of lqjax's: programs that it puts into the compilation cache."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(devices=1, **more):
    cache = {"JAX_COMPILATION_CACHE_DIR": os.environ["LQJAX_TEST_CACHE"]}
    flags = f"{STORABLE} --xla_force_host_platform_device_count={devices}"
    return {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags, **cache, **more}


def start_pair(command, devices=1, flags=True, second=(), **more):
    """Start a command twice, told by flags or by variables which process of two it is.

    `second` are flags that only the second of them gets.
    """
    address = f"127.0.0.1:{free_port()}"
    pair = []
    for number in range(2):
        named = [f"--coordinator={address}", "--processes=2", f"--process={number}"]
        variables = {
            "JAX_COORDINATOR_ADDRESS": address,
            "JAX_NUM_PROCESSES": "2",
            "JAX_PROCESS_ID": str(number),
        }
        pair.append(
            subprocess.Popen(
                [sys.executable, *command, *(second if number else ()), *(named if flags else [])],
                env=environment(devices, **({} if flags else variables), **more),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return pair


def finish(pair, seconds):
    """Wait for processes; give (exit code, stdout, stderr) of each."""
    try:
        return [(p.communicate(timeout=seconds), p.returncode) for p in pair]
    finally:
        for process in pair:
            process.kill()
            process.communicate()
