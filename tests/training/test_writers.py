"""Each writer against a reader that knows nothing of it."""

import ast
import dataclasses
import errno
import importlib.util
import inspect
import json
import resource
import struct
import sys
import threading
import types
from pathlib import Path
from unittest import mock

import pytest
from etils import epath

from lqjax.config import RunConfig
from lqjax.rows import Epoch
from lqjax.training.staging import PUBLISH_SECONDS
from lqjax.training.writers import jsonl
from lqjax.training.writers.base import WRITERS, as_writer, build_writers, check_writers
from lqjax.workdir import Workdir
from tests.training.buckets import memory_bucket

SEEDS = (0, 1, 5)
LONGEST_SECONDS = 20


def silent(text):
    pass


def a_run(folder, model="resnet18"):
    return Workdir(epath.Path(folder)).run(model, 0)


def lines(run):
    return [json.loads(line) for line in (run.root / "log.jsonl").read_text().splitlines()]


def checksum(data):
    """CRC-32C bit by bit, masked as TensorFlow masks it (tensorflow/core/lib/hash/crc32c.h)."""
    found = 2**32 - 1
    for byte in data:
        found ^= byte
        for _ in range(8):
            found = found >> 1 ^ 0x82F63B78 * (found & 1)  # Castagnoli's polynomial, reversed
    found ^= 2**32 - 1
    return ((found >> 15 | found << 17) + 0xA282EAD8) % 2**32


def events(file):
    """Read an event file as the format says: length, its checksum, message, its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    data, start, found = file.read_bytes(), 0, []
    while start + 12 <= len(data):
        length, of_length = struct.unpack_from("<QI", data, start)
        assert of_length == checksum(data[start : start + 8])
        message, end = data[start + 12 : start + 12 + length], start + 16 + length
        if end > len(data):  # cut off: TensorBoard waits here for the rest
            break
        assert struct.unpack_from("<I", data, end - 4) == (checksum(message),)
        found.append(Event.FromString(message))
        start = end
    return found


def scalars(folder):
    """Read event files as TensorBoard does: the start of a session drops what is not before it."""
    found = []
    for file in sorted(folder.iterdir(), key=lambda path: path.name):
        first, *others = events(file)
        assert first.file_version == "brain.Event:2"
        for event in others:
            assert event.wall_time > 1.7e9
            if event.HasField("session_log"):
                found = [entry for entry in found if entry[0] < event.step]
            found += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
    return found


def test_the_defaults_and_the_names_of_the_settings_exist():
    assert set(WRITERS.names()) >= {"clu", "console", "jsonl", "tensorboard"}
    check_writers(RunConfig().writers)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="unknown writer 'tensorbord'; allowed: tensorboard"):
        check_writers(("console", "tensorbord"))


def test_console_lines_read_well():
    said = []
    (console,) = build_writers(("console",), said.append)
    console.start(a_run("unused", "resnet50"), 0)
    values = {
        "loss": 0.52341,
        "learning_rate": 0.00081,
        "images_per_second": 7612.4,
        "model_flops_utilisation": 0.186,
        "input_wait_share": 0.0214,
        "peak_memory_bytes": 31.25 * 2**30,
        "mine": 2.5,
    }
    console.write(1200, values)
    console.write(1300, {"images_per_second": 34.56})
    assert said == [
        "resnet50 step 1,200: loss 0.5234, learning rate 0.00081, 7,612 images/s,"
        " 18.6% of peak FLOP/s, waiting for images 2.1%, peak memory 31.25 GiB, mine 2.5",
        "resnet50 step 1,300: 34.6 images/s",
    ]


def test_jsonl_has_each_line_on_disk_at_once(tmp_path):
    (writer,) = build_writers(("jsonl",), silent)
    run = a_run(tmp_path)
    writer.start(run, 0)
    writer.write(10, {"loss": 0.1 + 0.2})
    (line,) = lines(run)
    assert (line["step"], line["loss"]) == (10, 0.1 + 0.2)
    assert line["time"] > 1.7e9
    writer.close()


def test_jsonl_drops_what_a_killed_run_wrote_of_later_steps(tmp_path):
    run = a_run(tmp_path)
    (writer,) = build_writers(("jsonl",), silent)
    writer.start(run, 0)
    for step in (10, 20, 30):
        writer.write(step, {"loss": 1.0})
    at_the_kill = (run.root / "log.jsonl").read_text()
    writer.close()
    (run.root / "log.jsonl").write_text(at_the_kill + '{"step": 1')  # in the middle of a line
    writer.start(run, 20)
    for step in (30, 40):
        writer.write(step, {"loss": 2.0})
    writer.close()
    assert [(line["step"], line["loss"]) for line in lines(run)] == [
        (10, 1.0), (20, 1.0), (30, 2.0), (40, 2.0),
    ]  # fmt: skip


def test_jsonl_has_the_line_of_each_epoch_that_counts_and_of_no_other(tmp_path):
    run = a_run(tmp_path)
    first, second = (
        Epoch("resnet18", 0, 0, number, 10 * number, 1e-3, 0.5, 0.75, float("nan"), 0.625, 31.5, 60)
        for number in (1, 2)
    )
    run.write_history([first])
    (writer,) = build_writers(("jsonl",), silent)
    writer.start(run, 10)  # killed between the end of the first epoch and its line
    writer.write(20, {"loss": 1.0})
    writer.write(20, {"epoch": 2.0})  # killed before the checkpoint of the second was whole
    writer.close()
    writer.start(run, 20)
    assert [(line["step"], line.get("epoch")) for line in lines(run)] == [(10, 1), (20, None)]
    writer.write(20, {"epoch": 2.0, "mark": 7.0})
    writer.close()
    run.write_history([first, second])
    writer.start(run, 20)
    writer.close()
    one, two, three = lines(run)
    assert (one["train_loss"], one["epoch_seconds"]) == (0.5, 60) and one["time"] > 1.7e9
    assert "validation_loss" not in one, "JSON has no NaN"
    assert (two["step"], two["loss"]) == (20, 1.0) and (three["epoch"], three["mark"]) == (2, 7)


def test_one_writer_serves_one_network_after_the_other(tmp_path):
    (writer,) = build_writers(("jsonl",), silent)
    for model in ("alexnet", "resnet18"):
        writer.start(a_run(tmp_path, model), 0)
        writer.write(1, {"loss": 1.0})
        writer.close()
    assert len(lines(a_run(tmp_path, "alexnet"))) == len(lines(a_run(tmp_path, "resnet18"))) == 1


def test_jsonl_on_a_bucket(monkeypatch):
    now = [0.0]
    staging = jsonl.Staging
    monkeypatch.setattr(jsonl, "Staging", lambda folder: staging(folder, lambda: now[0]))
    run = a_run(memory_bucket(monkeypatch))
    (writer,) = build_writers(("jsonl",), silent)
    writer.start(run, 0)
    writer.write(10, {"loss": 1.0})
    assert not (run.root / "log.jsonl").exists()
    now[0] += PUBLISH_SECONDS
    writer.write(20, {"loss": 2.0})
    assert [line["step"] for line in lines(run)] == [10, 20]
    writer.write(30, {"loss": 3.0})
    writer.close()
    assert [line["step"] for line in lines(run)] == [10, 20, 30]
    writer.start(run, 20)
    writer.write(30, {"loss": 4.0})
    writer.close()
    assert [line["loss"] for line in lines(run)] == [1.0, 2.0, 4.0]


def test_tensorboard_files_hold_each_step_once(tmp_path):
    run, before = a_run(tmp_path), "tensorflow" in sys.modules
    (writer,) = build_writers(("tensorboard",), silent)
    for start, steps in [(0, (10, 20, 30)), (20, (30, 40))]:
        writer.start(run, start)
        for step in steps:
            writer.write(step, {"loss": start + step / 4, "learning_rate": 0.5})
        writer.close()
    found = scalars(run.root / "tensorboard")
    assert [(step, value) for step, tag, value in found if tag == "loss"] == [
        (10, 2.5), (20, 5.0), (30, 27.5), (40, 30.0),
    ]  # fmt: skip
    assert {tag for _, tag, _ in found} == {"loss", "learning_rate"}
    assert ("tensorflow" in sys.modules) == before


def test_checksums_of_this_file_are_right():
    assert checksum(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) % 2**32


def test_tensorboard_reads_the_files_itself(tmp_path):
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    test_tensorboard_files_hold_each_step_once(tmp_path)
    read = reading.EventAccumulator(str(a_run(tmp_path).root / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in read.Scalars("loss")] == [
        (10, 2.5), (20, 5.0), (30, 27.5), (40, 30.0),
    ]  # fmt: skip


def test_tensorboard_has_each_point_on_disk_at_once_and_goes_on_after_a_torn_one(tmp_path):
    run = a_run(tmp_path)
    killed, later = (build_writers(("tensorboard",), silent)[0] for _ in range(2))
    killed.start(run, 0)
    killed.write(10, {"loss": 1.0, "learning_rate": 0.5})
    both = [(10, "loss", 1.0), (10, "learning_rate", 0.5)]
    assert scalars(run.root / "tensorboard") == both
    killed.write(20, {"loss": 2.0})
    (file,) = (run.root / "tensorboard").iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    later.start(run, 10)
    later.write(20, {"loss": 3.0})
    assert scalars(run.root / "tensorboard") == [*both, (20, "loss", 3.0)]
    later.close()
    killed.close()


@pytest.mark.parametrize("name", ["jsonl", "tensorboard"])
def test_a_disk_that_takes_no_more_is_an_error_not_a_wait(name, tmp_path):
    caught, before = [], resource.getrlimit(resource.RLIMIT_FSIZE)
    (writer,) = build_writers((name,), silent)
    writer.start(a_run(tmp_path), 0)

    def write():
        try:
            for step in range(2000):
                writer.write(step, {"loss": 1.0, "learning_rate": 0.1})
        except OSError as error:
            caught.append(error)

    thread = threading.Thread(target=write, daemon=True)  # a writer that waits ends with the tests
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
        thread.start()
        thread.join(LONGEST_SECONDS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [error.errno for error in caught] == [errno.EFBIG]
    writer.close()


def test_tensorboard_starts_no_thread(tmp_path):
    before = threading.active_count()
    (writer,) = build_writers(("tensorboard",), silent)
    writer.start(a_run(tmp_path), 0)
    writer.write(1, {"loss": 1.0})
    assert threading.active_count() == before
    writer.close()


def test_tensorboard_on_a_bucket(monkeypatch):
    run = a_run(memory_bucket(monkeypatch))
    (writer,) = build_writers(("tensorboard",), silent)
    writer.start(run, 0)
    writer.write(10, {"loss": 0.25})
    writer.close()
    assert scalars(run.root / "tensorboard") == [(10, "loss", 0.25)]
    writer.start(run, 10)  # within the same second, in a new folder on the disk
    writer.write(20, {"loss": 0.5})
    writer.close()
    assert scalars(run.root / "tensorboard") == [(10, "loss", 0.25), (20, "loss", 0.5)]


def test_tensorboard_without_its_package_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ValueError, match=r"pip install tensorboardX") as caught:
        check_writers(("tensorboard",))
    assert "\n" not in str(caught.value)


def test_clu_without_tensorflow_names_the_command_and_the_other_writer(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    for name in [name for name in sys.modules if name.startswith("clu.metric_writers")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ValueError, match=r"pip install tensorflow .* tensorboard ") as caught:
        check_writers(("clu",))
    assert "\n" not in str(caught.value)


def true_interface():
    """Load clu's own MetricWriter; the package around it needs TensorFlow, its file does not."""
    folder = Path(importlib.util.find_spec("clu").submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location(
        "interface_of_clu", folder / "metric_writers" / "interface.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MetricWriter


def true_signature(name):
    """Read the signature of a function of clu's utils.py without running the file."""
    folder = Path(importlib.util.find_spec("clu").submodule_search_locations[0])
    tree = ast.parse((folder / "metric_writers" / "utils.py").read_text())
    (found,) = (node for node in tree.body if getattr(node, "name", "") == name)
    for argument in [*found.args.args, *found.args.kwonlyargs]:
        argument.annotation = None
    return inspect.signature(eval(f"lambda {ast.unparse(found.args)}: None"))


def test_clu_gets_scalars_and_is_closed(monkeypatch, tmp_path):
    own = mock.create_autospec(true_interface(), instance=True)  # refuses what clu's own would
    made = []

    def create_default_writer(*args, **kwargs):
        made.append(dict(true_signature("create_default_writer").bind(*args, **kwargs).arguments))
        return own

    fake = types.ModuleType("clu.metric_writers")
    fake.create_default_writer = create_default_writer
    monkeypatch.setitem(sys.modules, "clu.metric_writers", fake)
    monkeypatch.setattr("clu.metric_writers", fake, raising=False)
    (writer,) = build_writers(("clu",), silent)
    run = a_run(tmp_path)
    writer.start(run, 0)
    writer.write(10, {"loss": 0.5})
    writer.close()
    assert made == [{"logdir": str(run.root / "clu")}]
    assert own.method_calls == [mock.call.write_scalars(10, {"loss": 0.5}), mock.call.close()]


def test_clu_with_tensorflow_writes_what_tensorboard_reads(tmp_path):
    pytest.importorskip("tensorflow")
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.util import tensor_util

    (writer,) = build_writers(("clu",), silent)
    run = a_run(tmp_path)
    for start, steps in [(0, (10, 20)), (20, (30,))]:
        writer.start(run, start)
        for step in steps:
            writer.write(step, {"loss": step / 4})
        writer.close()
    read = reading.EventAccumulator(str(run.root / "clu")).Reload()
    found = [
        (e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in read.Tensors("loss")
    ]
    assert found == [(10, 2.5), (20, 5.0), (30, 7.5)]


def test_console_lines_name_the_seed_where_there_are_several():
    said = []
    (console,) = build_writers(("console",), said.append)
    console.start(one_of_several("unused", 1), 0)
    console.write(10, {"loss": 0.5})
    assert said == ["resnet18 (seed 1) step 10: loss 0.5"]


def one_of_several(folder, seed):
    run = Workdir(epath.Path(folder)).run("resnet18", seed)
    return dataclasses.replace(run, several_seeds=True)


def at_once(writer, folder):
    """Log three seeds of one program, as the loop does; close in the reverse order."""
    opened = [as_writer(writer).start(one_of_several(folder, seed), 0) for seed in SEEDS]
    for step in (1, 2):
        for seed, own in zip(SEEDS, opened, strict=True):
            own.write(step, {"loss": seed + step / 4})
    for own in reversed(opened):
        own.close()


def in_turn(writer, folder):
    for seed in SEEDS:
        own = as_writer(writer).start(one_of_several(folder, seed), 0)
        for step in (1, 2):
            own.write(step, {"loss": seed + step / 4})
        own.close()


EACH = {seed: [(1, {"loss": seed + 0.25}), (2, {"loss": seed + 0.5})] for seed in SEEDS}


def test_a_function_is_a_writer(tmp_path):
    got = []
    writer = as_writer(lambda step, values: got.append((step, dict(values))))
    opened = writer.start(a_run(tmp_path), 0)
    opened.write(3, {"loss": 1.0})
    opened.close()
    assert got == [(3, {"loss": 1.0})]


@pytest.mark.parametrize("how", [at_once, in_turn])
def test_what_is_not_told_of_runs_finds_the_seed_in_the_values(how, tmp_path):
    got = {seed: [] for seed in SEEDS}

    class Mine:
        def write(self, step, values):
            values = dict(values)
            got[values.pop("seed")].append((step, values))

    how(Mine(), tmp_path)
    assert got == EACH
    got = {seed: [] for seed in SEEDS}
    how(Mine().write, tmp_path)
    assert got == EACH


@pytest.mark.parametrize("how", [at_once, in_turn])
@pytest.mark.parametrize("kind", ["object", "function"])
def test_what_start_returns_takes_the_values_of_its_run(how, kind, tmp_path):
    got, closed = {}, []

    class Own:
        def __init__(self, seed):
            self.seed, got[seed] = seed, []

        def write(self, step, values):
            got[self.seed].append((step, dict(values)))

        def close(self):
            closed.append(self.seed)

    class Mine:
        def start(self, run, step):
            own = Own(run.seed)
            return own if kind == "object" else own.write

    how(Mine(), tmp_path)
    assert got == EACH
    assert sorted(closed) == (list(SEEDS) if kind == "object" else [])


class OneAtATime:
    """Keeps the run that it is in the middle of, as a writer for single runs does."""

    returned = None

    def __init__(self):
        self.got, self.seed = {}, None

    def start(self, run, step):
        self.seed, self.got[run.seed] = run.seed, []
        return self if self.returned == "itself" else self.returned

    def write(self, step, values):
        self.got[self.seed].append((step, dict(values)))

    def close(self):
        self.seed = None


@pytest.mark.parametrize("returned", [None, "itself"])
def test_a_writer_of_one_run_at_a_time_is_not_mixed_up(returned, tmp_path):
    mine = as_writer(OneAtATime())
    mine._thing.returned = returned
    in_turn(mine, tmp_path)
    assert mine._thing.got == EACH
    with pytest.raises(ValueError, match="takes one run at a time") as caught:
        at_once(mine, tmp_path)
    message = str(caught.value)
    assert "resnet18 (seed 1) is trained together with resnet18 (seed 0)" in message
    assert "start(run, step) return an object" in message and "\n" not in message
    assert "run.seeds_together=never" in message
    assert list(mine._thing.got) == list(SEEDS) and mine._thing.seed == SEEDS[0], "not asked"


def test_an_object_may_leave_out_close(tmp_path):
    class Mine:
        def __init__(self):
            self.got = []

        def start(self, run, step):
            self.got.append((run.model, step))

        def write(self, step, values):
            self.got.append(step)

    mine = Mine()
    opened = as_writer(mine).start(a_run(tmp_path), 7)
    opened.write(8, {})
    opened.close()
    assert mine.got == [("resnet18", 7), 8]


@pytest.mark.parametrize("returned", [3, object(), dict, None])
def test_what_start_returns_must_take_values(returned, tmp_path):
    class Mine:
        def start(self, run, step):
            return returned

    with pytest.raises(ValueError, match=r"returned .*, which takes no values; return an object"):
        as_writer(Mine()).start(a_run(tmp_path), 0)


@pytest.mark.parametrize("thing", ["tensorboard", 3, None, object(), dict])
def test_anything_else_is_no_writer(thing):
    with pytest.raises(ValueError, match=r"is no writer; pass a function of \(step, values\)"):
        as_writer(thing)
