"""Runs that meet a damaged, full or foreign working directory, or go on on other hardware.

Through processes of its own, as `test_killing.py`.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.data.making import class_folders
from tests.interruptions.launches import (
    STEPS_PER_EPOCH,
    USER_ERROR,
    Launch,
    assert_same_end,
    best_of,
    checkpoints,
    copy,
    folder_of,
    history,
    largest_file,
    last_step,
    run,
)

pytestmark = pytest.mark.slow

LARGEST_FILE = 4  # KiB: less than a checkpoint needs, more than what is written before it


def truncate(step):
    file = largest_file(step)
    os.truncate(file, file.stat().st_size // 2)


def truncate_weights(step):
    truncate(step / "model")


def flip_a_bit(step):
    # In each file with data: which of them are read is the storage library's business.
    for file in (step / "rest").glob("**/d/*"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)


def remove_the_record(step):
    shutil.rmtree(step / "record")


def empty(step):
    shutil.rmtree(step)
    step.mkdir()


@pytest.mark.parametrize("harm", [truncate, flip_a_bit, remove_the_record, empty, shutil.rmtree])
def test_the_checkpoint_before_a_damaged_one_is_used(harm, whole, resident, tmp_path):
    workdir = copy(whole, tmp_path / "run")
    harm(folder_of(workdir) / "checkpoints" / str(last_step(whole)))
    lines = run(workdir, **resident)
    if harm is not shutil.rmtree:
        warnings = [line for line in lines if line.startswith("warning: ")]
        assert len(warnings) == 1, lines
        assert f"warning: checkpoint {last_step(whole)} is damaged" in warnings[0]
        assert "the one before it is used" in warnings[0]
        assert (folder_of(workdir) / "damaged" / str(last_step(whole))).exists()
    assert_same_end(whole, workdir)


def test_without_a_whole_checkpoint_it_starts_anew(whole, resident, tmp_path):
    workdir = copy(whole, tmp_path / "run")
    damaged = checkpoints(workdir)
    for step in damaged:
        truncate(folder_of(workdir) / "checkpoints" / str(step))
    lines = run(workdir, **resident)
    assert sum(line.startswith("warning: checkpoint") for line in lines) == len(damaged)
    assert_same_end(whole, workdir)


def epochs_of_the_rows(workdir):
    lines = (workdir / "results.jsonl").read_text().splitlines()
    return {json.loads(line)["epoch"] for line in lines}


@pytest.mark.parametrize("mode", ["evaluate", "compare"])
@pytest.mark.parametrize("harm", [truncate_weights, shutil.rmtree])
def test_where_the_best_checkpoint_is_lost_the_next_best_is_tested(
    harm, mode, whole, resident, tmp_path
):
    workdir = copy(whole, tmp_path / "run")
    best, last = best_of(workdir), history(workdir)[-1]
    assert best["step"] != last_step(whole), "it is not the latest"
    harm(folder_of(workdir) / "checkpoints" / str(best["step"]))
    lines = run(workdir, mode=mode, **resident)
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert any(f"no readable checkpoint {best['step']} of epoch" in line for line in warnings)
    assert any(f"epoch {last['epoch']} (validation accuracy" in line for line in warnings)
    assert not any("TensorStore" in line for line in lines)
    moved = (folder_of(workdir) / "damaged" / str(best["step"])).exists()
    assert moved == (harm is truncate_weights)
    assert epochs_of_the_rows(workdir) == {last["epoch"]}


def test_a_best_checkpoint_that_is_lost_midway_is_told_when_training_is_taken_up(
    whole, resident, tmp_path
):
    workdir = copy(whole, tmp_path / "run")
    best = best_of(workdir)["step"]
    shutil.rmtree(folder_of(workdir) / "checkpoints" / str(last_step(whole)))  # not done yet
    truncate_weights(folder_of(workdir) / "checkpoints" / str(best))
    lines = run(workdir, **resident)
    told = [n for n, line in enumerate(lines) if f"checkpoint {best} is damaged" in line]
    trained = [n for n, line in enumerate(lines) if "epoch " in line and "damaged" not in line]
    assert len(told) == 1 and (not trained or told[0] < trained[0]), lines
    assert (folder_of(workdir) / "damaged" / str(best)).exists()
    assert history(workdir) == history(whole)


def test_where_no_weights_can_be_read_one_line_names_the_remedy(whole, resident, tmp_path):
    workdir = copy(whole, tmp_path / "run")
    shutil.rmtree(folder_of(workdir) / "checkpoints" / str(last_step(whole) - 1))  # within an epoch
    for step in checkpoints(workdir):
        truncate_weights(folder_of(workdir) / "checkpoints" / str(step))
    with Launch(workdir, mode="evaluate", **resident) as launch:
        code, lines = launch.end()
    remedy = f"delete {folder_of(workdir)} to train stoppable again"
    assert_one_line(code, lines, "no checkpoint that can be read", remedy)


def test_another_number_of_devices_goes_on_with_a_warning(whole, resident, tmp_path):
    workdir = copy(whole, tmp_path / "run")
    shutil.rmtree(folder_of(workdir) / "checkpoints" / str(last_step(whole)))
    settings = {**resident, "training__accumulation": 2}
    lines = run(workdir, devices=2, **settings)
    said = [line for line in lines if "goes on on another machine" in line]
    assert len(said) == 1 and "devices 1 before and 2 now" in said[0]
    assert checkpoints(workdir)[-1] == last_step(whole)
    assert history(workdir)[:-1] == history(whole)[:-1]


def cores():
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


ON_ONE_CORE = (
    *(sys.executable, "-c"),
    "import os, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
    " os.execv(sys.argv[1], sys.argv[1:])",
)


@pytest.mark.skipif(len(cores()) < 2, reason="needs two cores to leave one out")
def test_another_number_of_cores_goes_on_with_a_warning(whole, resident, tmp_path):
    workdir = copy(whole, tmp_path / "run")
    shutil.rmtree(folder_of(workdir) / "checkpoints" / str(last_step(whole)))
    lines = run(workdir, prefix=ON_ONE_CORE, **resident)
    said = [line for line in lines if "goes on on another machine" in line]
    assert len(said) == 1 and f"(cores {len(cores())} before and 1 now)" in said[0]
    assert checkpoints(workdir)[-1] == last_step(whole)
    assert not any("another machine" in line for line in run(workdir, **resident))


def test_in_64_bit_it_goes_on_with_a_warning(whole, resident, tmp_path):
    workdir = copy(whole, tmp_path / "run")
    shutil.rmtree(folder_of(workdir) / "checkpoints" / str(last_step(whole)))
    lines = run(workdir, variables={"JAX_ENABLE_X64": "1"}, **resident)
    said = [line for line in lines if "goes on on another machine" in line]
    assert len(said) == 1 and "(jax_enable_x64 False before and True now)" in said[0]


def test_other_classes_are_refused_with_both_shapes(whole, resident, pictures, tmp_path):
    workdir, more = copy(whole, tmp_path / "run"), copy(pictures, tmp_path / "pictures")
    class_folders(more, 30, ("ant", "bee", "cat", "dog", "eel"))
    text = (workdir / "config.json").read_text()
    (workdir / "config.json").write_text(text.replace(str(pictures), str(more)))
    with Launch(workdir, **{**resident, "data__path": more}) as launch:
        code, lines = launch.end()
    assert code == USER_ERROR
    assert re.search(r"\(4,\) there and \w*\(5,\) here", lines[-1]), lines
    assert checkpoints(workdir) == checkpoints(whole)


def test_checkpoints_of_the_first_format_are_refused(whole, resident, tmp_path):
    # They were named by epoch and had the list of epochs alone as their record.
    workdir = copy(whole, tmp_path / "run")
    folder = folder_of(workdir) / "checkpoints"
    for step in checkpoints(workdir):
        epoch = str(step // STEPS_PER_EPOCH)
        if step == last_step(whole):
            (folder / str(step)).rename(folder / epoch)
            (folder / epoch / "record" / "metadata").write_text(json.dumps(history(workdir)))
        else:
            shutil.rmtree(folder / str(step))
    for mode in ("train", "evaluate"):
        with Launch(workdir, mode=mode, **resident) as launch:
            code, lines = launch.end()
        assert code == USER_ERROR
        assert "was written by an earlier lqjax" in lines[-1]
        assert "name another --workdir" in lines[-1]
    assert checkpoints(workdir) == [last_step(whole) // STEPS_PER_EPOCH]


SMALL_FILES = ("bash", "-c", f'ulimit -f {LARGEST_FILE}; exec "$@"', "bash")


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.getuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder):
    """Take all the room that is left on a disk."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast


def assert_one_line(code, lines, *texts):
    assert code == USER_ERROR
    said = [line for line in lines if line.startswith("lqjax: ")]
    assert said == lines[-1:], lines
    for text in texts:
        assert text in said[0]


@pytest.mark.parametrize("writers", ["jsonl", "jsonl,tensorboard"])
def test_a_full_disk_ends_it_in_one_line(whole, resident, small_disk, writers):
    workdir, resident = small_disk / "run", {**resident, "run__writers": writers}
    with Launch(workdir, **resident) as launch:
        launch.wait_for(lambda: max([*checkpoints(workdir), 0]) > STEPS_PER_EPOCH)
        ballast = fill(small_disk)
        code, lines = launch.end()
    assert_one_line(code, lines, "No space left on device", "make room and start the same command")
    assert f"{workdir}/" in lines[-1]
    before = checkpoints(workdir)
    with Launch(workdir, **resident) as launch:  # it is still full
        code, lines = launch.end()
    assert_one_line(code, lines, f"{workdir}/", "No space left on device")
    assert checkpoints(workdir) == before
    ballast.unlink()
    run(workdir, **resident)
    assert_same_end(whole, workdir)


@pytest.mark.parametrize("writer", ["jsonl", "tensorboard"])
def test_a_log_that_finds_the_disk_full_ends_it_in_one_line(resident, small_disk, writer):
    workdir = small_disk / "run"
    settings = {
        **resident,
        "run__writers": writer,
        "training__checkpoint_minutes": 0,  # so that nothing but the log is written in an epoch
        "training__batch_size": 2,
        "training__epochs": 1,
    }
    with Launch(workdir, **settings) as launch:
        launch.wait_for(lambda: log_bytes(workdir, writer) > 0)
        ballast = fill(small_disk)
        code, lines = launch.end()
    assert_one_line(code, lines, "No space left on device", "make room and start the same command")
    assert f"{folder_of(workdir)}/{'log.jsonl' if writer == 'jsonl' else writer}" in lines[-1]
    assert not checkpoints(workdir)
    ballast.unlink()
    run(workdir, **settings)
    assert len(history(workdir)) == 1


def log_bytes(workdir, writer):
    name = {"jsonl": "log.jsonl", "tensorboard": "tensorboard/*"}[writer]
    return sum(path.stat().st_size for path in folder_of(workdir).glob(name))


def test_a_disk_that_is_full_at_evaluation_ends_it_in_one_line(whole, resident, small_disk):
    workdir = copy(whole, small_disk / "run")
    ballast = fill(small_disk)
    with Launch(workdir, mode="evaluate", **resident) as launch:
        code, lines = launch.end()
    assert_one_line(code, lines, f"{workdir}/", "No space left on device")
    ballast.unlink()
    run(workdir, mode="evaluate", **resident)
    assert len((workdir / "results.jsonl").read_text().splitlines()) == 2


def test_a_disk_that_is_full_from_the_start_ends_it_in_one_line(resident, small_disk):
    workdir = small_disk / "run"
    fill(small_disk)
    with Launch(workdir, **resident) as launch:
        code, lines = launch.end()
    assert_one_line(code, lines, f"{workdir}/config.json: No space left on device", "make room")
    assert not list(workdir.rglob("*.tmp"))


def test_files_that_may_not_grow_end_it_in_one_line(whole, resident, tmp_path):
    workdir = copy(whole, tmp_path / "run")
    for step in checkpoints(workdir)[-2:]:
        shutil.rmtree(folder_of(workdir) / "checkpoints" / str(step))
    before = checkpoints(workdir)
    with Launch(workdir, prefix=SMALL_FILES, **resident) as launch:
        code, lines = launch.end()
    assert_one_line(code, lines, f"{workdir}/", "File too large", "make room")
    assert checkpoints(workdir)[: len(before)] == before
    run(workdir, **resident)
    assert_same_end(whole, workdir)
