"""How processes find each other and stay of one mind."""

import json
import signal
import subprocess
import sys
from unittest.mock import ANY

import jax
import numpy as np
import pytest
from jax._src.clusters import cloud_tpu_cluster

from lqjax import joining
from lqjax.distributed import decide, is_first, refuse_differences, start_distributed, together
from tests.processes import environment, finish, free_port, start_pair

SLURM = {
    "SLURM_JOB_ID": "7",
    "SLURM_STEP_NODELIST": "node[1-2]",
    "SLURM_PROCID": "1",
    "SLURM_LOCALID": "0",
}


@pytest.fixture
def started(monkeypatch):
    """What jax was asked for, in place of doing it."""
    calls = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda **given: calls.append(given))
    for name in (*joining.VARIABLES, *SLURM, "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    return calls


def test_a_process_alone_stays_alone(started):
    assert not start_distributed() and is_first()
    assert not start_distributed("127.0.0.1:1", 1, 0)
    assert started == []


def test_one_of_several_tasks_may_stay_alone(started, monkeypatch):
    for name, value in {**SLURM, "SLURM_NTASKS": "2"}.items():
        monkeypatch.setenv(name, value)
    assert not start_distributed(processes=1)
    assert started == []


def test_flags_are_handed_over(started):
    start_distributed("node1:1234", 2, 1)
    (given,) = started
    assert given["coordinator_address"] == "node1:1234"
    assert (given["num_processes"], given["process_id"]) == (2, 1)


def test_variables_are_read(started, monkeypatch):
    values = ("10.0.0.1:1234", "4", "3")
    for name, value in zip(joining.VARIABLES, values, strict=True):
        monkeypatch.setenv(name, value)
    start_distributed()
    assert (started[0]["num_processes"], started[0]["process_id"]) == (4, 3)


@pytest.mark.parametrize(("tasks", "calls"), [("2", 1), ("1", 0)])
def test_slurm_is_left_to_jax(started, monkeypatch, tasks, calls):
    for name, value in {**SLURM, "SLURM_NTASKS": tasks}.items():
        monkeypatch.setenv(name, value)
    start_distributed()
    assert len(started) == calls
    assert all("coordinator_address" not in given for given in started)


HOSTS = ["10.0.0.2", "10.0.0.3"]


def on_queued_tpus(monkeypatch, hosts):
    """Answer as the metadata server of TPU VMs does."""
    answers = {
        "agent-worker-number": str(len(hosts) - 1),
        "worker-network-endpoints": ",".join(f"name:{n}:{host}" for n, host in enumerate(hosts)),
        "tpu-env": "ACCELERATOR_TYPE: 'v5litepod-16'",
    }
    monkeypatch.setattr(cloud_tpu_cluster, "get_metadata", lambda key: (answers[key], 200))


def on_kubernetes(monkeypatch, hosts):
    """Set the variables of a pod that has TPUs."""
    values = {"TPU_WORKER_HOSTNAMES": ",".join(hosts), "TPU_WORKER_ID": str(len(hosts) - 1)}
    for name, value in {**values, "TPU_SKIP_MDS_QUERY": "1", "MEGASCALE_NUM_SLICES": "1"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("place", [on_queued_tpus, on_kubernetes])
@pytest.mark.parametrize(("hosts", "calls"), [(HOSTS, 1), (HOSTS[:1], 0)])
def test_a_tpu_slice_is_left_to_jax(started, monkeypatch, place, hosts, calls):
    for name in ("TPU_SKIP_MDS_QUERY", "TPU_PROCESS_ADDRESSES", "TPU_WORKER_HOSTNAMES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cloud_tpu_cluster, "running_in_cloud_tpu_vm", True)
    place(monkeypatch, hosts)
    start_distributed()
    assert started == [{"initialization_timeout": ANY}] * calls


def test_a_tpu_vm_that_is_no_part_of_a_slice_stays_alone(started, monkeypatch):
    monkeypatch.setattr(cloud_tpu_cluster, "running_in_cloud_tpu_vm", True)
    monkeypatch.setattr(cloud_tpu_cluster, "get_metadata", lambda key: ("not found", 404))
    monkeypatch.delenv("TPU_SKIP_MDS_QUERY", raising=False)
    start_distributed()
    assert started == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("node1:1", 2, -1), "--process missing: give all three"),
        (("", 2, 0), "--coordinator missing"),
        (("node1:1", 0, 0), "--processes missing"),
        (("node1:1", 2, 2), "--process=2 is not possible with --processes=2; allowed: 0 to 1"),
        (("node1", 2, 0), "--coordinator=node1 is no address; write HOST:PORT"),
        (("node1:99999", 2, 0), "no address"),
    ],
)
def test_flags_that_do_not_fit_are_refused(started, given, message):
    with pytest.raises(ValueError, match=message):
        start_distributed(*given)
    assert started == []


def test_half_given_variables_are_refused(started, monkeypatch):
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", "10.0.0.1:1234")
    with pytest.raises(ValueError, match="JAX_NUM_PROCESSES and JAX_PROCESS_ID missing"):
        start_distributed()


@pytest.mark.slow
def test_a_process_that_finds_nobody_says_so_in_one_line():
    code = (
        "from lqjax import joining; joining.START_TIMEOUT_SECONDS = 2;"
        f"joining.start_distributed('127.0.0.1:{free_port()}', 2, 1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if line.startswith("lqjax:")]
    assert len(said) == 1 and "did not find each other" in said[0] and "within 2 s" in said[0]
    assert "Traceback" not in done.stderr and "stack trace" not in done.stderr


@pytest.mark.slow
def test_waiting_for_the_others_is_said_and_can_be_stopped():
    code = (
        "from lqjax import cli, joining; joining.QUIET_SECONDS = 0;"
        "joining.START_TIMEOUT_SECONDS, joining.ABORT_MARGIN_SECONDS = 20, 0; cli.start()"
    )
    waiting = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", code, "--mode=train", "--processes=3"),
                *(f"--coordinator=127.0.0.1:{free_port()}", f"--process={number}"),
            ],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]  # of two runs
    try:
        ends = zip(waiting, (signal.SIGINT, signal.SIGTERM), (130, 143), strict=True)
        for process, number, code in ends:
            assert "lqjax: waits for the other 2 processes at 127." in process.stderr.readline()
            process.send_signal(number)
            _, errors = process.communicate(timeout=10)
            assert process.returncode == code
            assert "lqjax: stopped" in errors and "Traceback" not in errors
    finally:
        finish(waiting, seconds=10)


def test_it_has_to_come_before_the_first_use_of_a_device():
    jax.devices()
    with pytest.raises(ValueError, match="after a device had been used"):
        start_distributed(f"127.0.0.1:{free_port()}", 2, 0)


def test_alone_one_decides_by_oneself():
    assert decide(lambda: {"found": (1, 2)}) == {"found": [1, 2]}
    assert together(lambda: 3) == 3
    refuse_differences("settings", lambda: pytest.fail("asked for nothing"))
    with pytest.raises(ValueError, match="mine"):
        decide(lambda: (_ for _ in ()).throw(ValueError("mine")))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    processes = start_pair(["-m", "tests.of_one_mind", str(folder)], devices=2, flags=False)
    done = finish(processes, seconds=120)
    for (_, errors), code in done:
        assert code == 0, errors
    said = [json.loads((folder / f"{number}.json").read_text()) for number in range(2)]
    return said, folder


@pytest.mark.slow
def test_the_first_process_decides_for_both(pair):
    said, _ = pair
    assert said[0]["decided"] == said[1]["decided"] == 0
    assert said[0]["long"] == said[1]["long"] == list(range(1000))
    assert said[0]["refused"] == said[1]["refused"] == "only the first sees it"
    assert [s["first"] for s in said] == [True, False]


@pytest.mark.slow
def test_what_fails_on_one_fails_on_both(pair):
    said, _ = pair
    assert said[0]["together"] == "process 1 failed: no file on 1"
    assert said[1]["together"] == "no file on 1"


@pytest.mark.slow
def test_differences_are_found_on_both(pair):
    for said in pair[0]:
        assert said["differs"].startswith(
            "process 1 has other settings than process 0 (data.path: films0 -> films1; z.a0:"
        )
        assert "z.a3: absent -> 1; and 2 more); start all" in said["differs"]
        assert said["images"].startswith("process 1 has other images than process 0; start all")
        assert said["agrees"] == ""


COMMAND = ["-m", "lqjax", "--mode=train", "--config=configs/quickstart.py"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--config.training.epochs=0", "training.epochs=0"),
        ("--config=missing.py", "no recipe missing.py"),
        ("--config.model.names=nonesuch", "nonesuch"),
        ("--config.data.path=films", "has other settings than process 0 (data.path: -> films)"),
        ("--mode=evaluate", "has other flags than process 0 (--mode: train -> evaluate)"),
    ],
)
def test_a_mistake_on_the_command_of_one_ends_both_with_the_same_line(tmp_path, given, said):
    pair = start_pair([*COMMAND, f"--workdir={tmp_path}"], second=[given])
    for (_, errors), code in finish(pair, seconds=60):
        assert code == 2, errors
        (line,) = [line for line in errors.splitlines() if line.startswith("lqjax:")]
        assert said in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_spread_array_is_read_whole_everywhere(pair):
    for said in pair[0]:
        assert said["read"] == [float(n) ** 2 for n in range(8)]
        assert "run.devices=1 would leave processes without work" in said["mesh"]


@pytest.mark.slow
def test_a_request_to_stop_reaches_both_at_the_same_point(pair):
    one, two = (said["stopped_at"] for said in pair[0])
    assert one == two > 5


@pytest.mark.slow
def test_one_writes_and_both_know_the_rows(pair):
    from tests.of_one_mind import evaluate

    said, folder = pair
    alone = evaluate(folder / "alone", devices=1)
    assert [row["correct"] for row in said[0]["rows"]] == [row["correct"] for row in alone]
    assert said[0]["rows"] == said[1]["rows"]
    assert said[0]["again"] == said[1]["again"] == said[0]["rows"]
    assert said[1]["wrote"] == 0 and said[0]["wrote"] == 2 * len(alone)
    for row, other in zip(said[0]["rows"], alone, strict=True):
        np.testing.assert_allclose(row["loss"], other["loss"], rtol=1e-5)
        assert row["psnr"] == other["psnr"] or abs(row["psnr"] - other["psnr"]) < 1e-3
    assert all(said_cost > 0 for s in said for said_cost in s["cost"])
