"""What each of two processes does in `test_distributed`; writes what it saw as JSON."""

import dataclasses
import json
import os
import signal
import sys
import time
from pathlib import Path

import jax
import numpy as np

from lqjax.distributed import (
    decide,
    is_first,
    refuse_differences,
    start_distributed,
    stop_requested,
    together,
)

CONDITIONS = ("clean", "gaussian_noise(sigma=0.3)", "jpeg(quality=30)")
LONGEST_WAIT = 200
ASKED_AT = 5


def said_by(function):
    try:
        function()
    except (ValueError, OSError) as error:
        return str(error)
    return ""


def fail_on(number):
    if jax.process_index() == number:
        raise OSError(f"no file on {number}")


def settings_of(number):
    many = {f"a{n}": number for n in range(6)} if number else {}
    return {"data": {"path": f"films{number}", "size": 64}, "run": {"seed": 0}, "z": many}


def refuse_on_first():
    if not is_first():
        sys.exit("asked the wrong process")
    raise ValueError("only the first sees it")


def evaluate(folder, devices=0):
    from etils import epath

    from lqjax.data.placing import place
    from lqjax.evaluation.grid import Grid
    from lqjax.evaluation.predict import Predictor
    from lqjax.imaging.conditions import expand
    from lqjax.progress import Progress
    from lqjax.runtime import make_mesh
    from lqjax.typing import Split
    from lqjax.workdir import Workdir
    from tests.training.tiny import TinyNetwork

    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28, 1), dtype=np.uint8)
    labels = np.arange(50, dtype=np.int32) % 4
    split = Split(images, labels, np.array([f"test/{n}" for n in range(50)]))
    network, mesh = TinyNetwork(image_size=28), make_mesh(devices)
    statistics = (np.full(1, 0.5, np.float32), np.full(1, 0.25, np.float32))
    predictor = Predictor(network, statistics, 16, mesh)
    grid = Grid("made", split, place(split, mesh, "device", 0.5), expand(CONDITIONS), seed=0)
    run = Workdir(epath.Path(folder), is_first()).run("tiny", 0)
    weights = jax.device_put(network.init(0), jax.sharding.NamedSharding(mesh, jax.P()))
    rows = grid.evaluate(predictor, *weights, run, Progress())
    return [dataclasses.asdict(row) for row in rows]


def cost():
    from lqjax.evaluation.cost import time_batch, time_one
    from lqjax.evaluation.predict import Predictor
    from lqjax.runtime import make_mesh
    from tests.training.tiny import TinyNetwork

    network, mesh = TinyNetwork(image_size=28), make_mesh()
    statistics = (np.full(1, 0.5, np.float32), np.full(1, 0.25, np.float32))
    weights = jax.device_put(network.init(0), jax.sharding.NamedSharding(mesh, jax.P()))
    predictor = Predictor(network, statistics, 16, mesh)
    timings = time_one(predictor, *weights, runs=2), time_batch(predictor, *weights, 32, runs=2)
    return [float(seconds) for timing in timings for seconds in timing.seconds]


def stopped_at():
    for number in range(LONGEST_WAIT):
        if number == ASKED_AT and not is_first():
            os.kill(os.getpid(), signal.SIGTERM)
        if stop_requested():
            return number
        time.sleep(0.05)
    return -1


def main(folder):
    from lqjax.runtime import batch_sharded, make_mesh, read

    assert start_distributed() and start_distributed(), "a second call changes nothing"
    index = jax.process_index()
    mesh = make_mesh()
    spread = jax.make_array_from_callback(
        (8,), batch_sharded(mesh), lambda rows: np.arange(8.0, dtype=np.float32)[rows]
    )
    written = folder / "run" / "runs" / "tiny" / "seed0-fold0" / "conditions"
    before = written.exists()
    said = {
        "first": is_first(),
        "decided": decide(lambda: index),
        "long": decide(lambda: list(range(1000)) if is_first() else sys.exit("asked")),
        "refused": said_by(lambda: decide(refuse_on_first)),
        "together": said_by(lambda: together(lambda: fail_on(1))),
        "differs": said_by(lambda: refuse_differences("settings", lambda: settings_of(index))),
        "images": said_by(lambda: refuse_differences("images", lambda: [index])),
        "agrees": said_by(lambda: refuse_differences("settings", lambda: settings_of(0))),
        "read": read(spread**2).tolist(),
        "mesh": said_by(lambda: make_mesh(1)),
        "rows": evaluate(folder / "run" if is_first() else folder / "elsewhere"),
        "cost": cost(),
    }
    assert not before
    mine = folder / ("run" if is_first() else "elsewhere")
    said["wrote"] = sum(path.is_file() for path in mine.rglob("*")) if mine.exists() else 0
    said["again"] = evaluate(folder / "run")
    said["stopped_at"] = stopped_at()
    (folder / f"{index}.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
