"""The comparison of speeds measures what it says, and says in one line what it cannot measure."""

import itertools
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from jax.experimental import io_callback

from lqjax.training import degrading
from tests.training.tiny import TinyNetwork

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
COSTLY, FREE, MIDDLE = "jpeg(quality=5)", "gamma(exponent=2)", "gaussian_noise(sigma=0.5)"
SIDE, BATCH = 28, 4
SLEEP = 0.05


@pytest.fixture
def sides(monkeypatch):
    """What measures lqjax's steps, with a network that compiles quickly."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import degradation_share
    import training_sides

    def network_of(cell):
        return TinyNetwork(num_classes=training_sides.CLASSES, channels=3, image_size=cell.size)

    for module in (degradation_share, training_sides):
        monkeypatch.setattr(module, "network_of", network_of)
    return training_sides


@pytest.fixture
def share(sides):
    return sys.modules["degradation_share"]


def cell_of(sides):
    return sides.Cell("resnet50", SIDE, BATCH, "float32")


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 3])
def test_the_turns_go_through_the_conditions_in_a_circle(monkeypatch, sides, share, steps):
    computed = []

    def counted(condition, images, numbers, seed):
        jax.debug.callback(lambda: computed.append(condition.name))
        return images

    for module in (sides, share):  # on a CPU it is one
        monkeypatch.setattr(module, "steps_of_a_turn", lambda: steps)
    monkeypatch.setattr(degrading, "apply_condition", counted)
    names = (COSTLY, FREE, MIDDLE)
    turn = share.degraded_side(cell_of(sides), names)
    for _ in range(2 * len(names)):
        turn()
    jax.effects_barrier()
    assert computed == 2 * [name for name in names for _ in range(steps)]


@pytest.mark.slow
def test_a_costly_condition_raises_the_share_and_a_free_one_does_not(monkeypatch, sides, share):
    def sleep():
        time.sleep(SLEEP)
        return jnp.float32(0)

    def apply(condition, images, numbers, seed):
        if condition.name == FREE:
            return images
        return images + io_callback(sleep, jax.ShapeDtypeStruct((), jnp.float32))

    def measured(*names):
        monkeypatch.setattr(share, "DEGRADATIONS", names)
        return share.share_of_degradation(cell_of(sides), rounds=5)

    monkeypatch.setattr(degrading, "apply_condition", apply)
    found = measured(COSTLY, FREE)
    assert list(found.added) == [COSTLY, FREE]
    assert found.added[COSTLY] > SLEEP / 2 and abs(found.added[FREE]) < SLEEP / 2
    assert found.cost == pytest.approx(sum(found.added.values()) / 2 / found.plain)
    assert found.probability == 0.5 and found.expected == found.cost / 2
    assert measured(FREE).cost < found.cost / 4
    assert f"{found.cost:+.1%}" in str(found) and f"{found.expected:+.1%}" in str(found)


def test_a_machine_that_becomes_slower_does_not_change_what_a_condition_adds(monkeypatch, share):
    costs = {"fog": 0.5, "snow": 0.1}
    turns = itertools.count()
    began = 100.0  # seconds of the round that is not counted, when programs are compiled

    def seconds(program):
        turn = next(turns)
        slower = began if turn < 2 * len(costs) else 1 + turn // 2
        return slower + program(turn)

    monkeypatch.setattr(share, "seconds", seconds)
    by_place = list(costs.values())
    plain, added = share.differences(
        lambda turn: 0, lambda turn: by_place[turn // 2 % 2], list(costs), rounds=3
    )
    assert added == pytest.approx(costs)
    assert plain == 1 + (2 + 7) / 2


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--models", "nope"], "--models: 'nope': choose from resnet50"),
        (["--dtypes=float32,half"], "--dtypes: 'half': choose from float32, bfloat16"),
        (["--sizes", "64,x"], "--sizes: 'x': must be whole numbers"),
        (["--batches", "0"], "--batches: '0'"),
        (["--sizes", "27"], "at least 28 px, not 27 px"),
        (["--turns", "0"], "--turns=0: must be at least 1"),
    ],
)
def test_a_wrong_flag_is_one_line(monkeypatch, flags, says):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(BENCHMARKS)
    import training

    monkeypatch.setattr(sys, "argv", ["training.py", *flags])
    with pytest.raises(SystemExit) as stopped:
        training.main()
    assert says in stopped.value.code and "\n" not in stopped.value.code


def test_without_pytorch_it_says_how_to_install_it(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "training", raising=False)
    with pytest.raises(SystemExit, match="pip install torch"):
        __import__("training")


def test_on_a_cpu_the_share_is_measured_once_for_the_costliest_and_the_cheapest(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(BENCHMARKS)
    import training

    monkeypatch.setattr(sys, "argv", ["training.py", "--full"])
    found = training.degraded_cells(training.cells(training.arguments()))
    assert [cell.model for cell in found] == ["resnet50", "alexnet_one_tower"]
