"""Several steps a dispatch, wherever the images lie, against steps one by one."""

import jax
import numpy as np
import pytest

from lqjax.data.resident import Resident
from lqjax.data.streamed import Streamed
from lqjax.runtime import make_mesh, replicated
from lqjax.training.dispatch import STEPS_ON_ACCELERATORS, steps_per_dispatch, unheeded_steps
from tests.training.small import BATCH, Small, assert_equal_trees, config, split
from tests.training.tiny import TinyNetwork

SETTINGS = {
    "optimizer__learning_rate": 0.01,
    "schedule__warmup_epochs": 1,
    "augmentation__flip": True,
    "augmentation__brightness": 0.3,
}
STEPS = 7
TOGETHER = {"rtol": 1e-5, "atol": 1e-6}
"""Of the whole state after an epoch: a loop is another program, and fuses otherwise."""


def made(**how):
    return Small(TinyNetwork(), config(**SETTINGS), split(count=STEPS * BATCH + 5), **how)


@pytest.fixture(scope="module")
def one_by_one():
    found = {}
    for devices in (1, 2, 8):
        small = made(devices=devices)
        losses, sizes, state = small.run(STEPS)
        assert sizes == [1] * STEPS
        found[devices] = losses, jax.tree.map(np.asarray, state)
    return found


@pytest.mark.parametrize("devices", [1, 2, 8])
def test_several_steps_at_once_are_the_steps_one_by_one(devices, one_by_one):
    losses, state = one_by_one[devices]
    found, sizes, after = made(devices=devices, steps=4).run(STEPS)
    assert sizes == [4, 3], "the last of an epoch is shorter"
    np.testing.assert_allclose(found, [losses[:4].mean(), losses[4:].mean()], rtol=1e-5)
    assert int(after["step"]) == STEPS
    assert_equal_trees(after, state, **TOGETHER)


@pytest.mark.parametrize("devices", [1, 2, 8])
@pytest.mark.parametrize("placing", ["shared out", "streamed"])
def test_batches_are_the_same_wherever_the_images_lie(placing, devices, one_by_one):
    losses, state = one_by_one[devices]
    found, sizes, after = made(devices=devices, placing=placing).run(STEPS)
    assert sizes == [1] * STEPS
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    assert_equal_trees(after, state, **TOGETHER)


def test_several_steps_at_once_from_images_that_are_shared_out(one_by_one):
    _, _, after = made(devices=8, steps=4, placing="shared out").run(STEPS)
    assert_equal_trees(after, one_by_one[8][1], **TOGETHER)


def test_a_stream_is_handed_over_step_by_step():
    assert made(steps=4, placing="streamed").run(3)[1] == [1, 1, 1]


def test_an_epoch_can_be_taken_up_anywhere(one_by_one):
    several, single = made(steps=4), made()
    for first, rest in [(3, [4]), (4, [3]), (5, [2]), (2, [4, 1]), (6, [1])]:
        _, _, state = single.run(first)
        _, sizes, after = several.run(STEPS - first, state)
        assert sizes == rest
        assert_equal_trees(after, one_by_one[1][1], **TOGETHER)


def test_taking_up_between_dispatches_changes_no_bit():
    small = made(steps=4)
    _, _, whole = small.run(2 * STEPS)
    _, _, state = small.run(STEPS + 4)
    saved = jax.tree.map(np.asarray, state)  # what a checkpoint holds
    again = jax.device_put(saved, jax.tree.map(lambda leaf: leaf.sharding, state))
    assert_equal_trees(small.run(3, again)[2], whole)


def test_each_epoch_has_an_order_of_its_own():
    small = made()
    first, second = ([tuple(small.rows(s)) for s in range(e * 7, e * 7 + 7)] for e in (0, 1))
    assert sorted(sum(first, ())) != list(sum(first, ())) and first != second
    assert len(set(sum(first, ()))) == STEPS * BATCH, "no example twice"


def test_a_loop_is_never_compiled_for_a_cpu(monkeypatch):
    assert steps_per_dispatch(0) == steps_per_dispatch(25) == 1
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert steps_per_dispatch(0) == STEPS_ON_ACCELERATORS
    assert steps_per_dispatch(25) == 25


def test_several_steps_that_are_not_heeded_are_told(monkeypatch):
    mesh, data = make_mesh(1), split()
    resident, stream = Resident(data, mesh), Streamed(data, mesh)
    assert [unheeded_steps(asked, resident) for asked in (0, 1)] == ["", ""]
    assert "steps_per_dispatch=25 is taken as 1: on a CPU" in unheeded_steps(25, resident)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert unheeded_steps(25, resident) == unheeded_steps(0, stream) == ""
    assert "steps_per_dispatch=25 is taken as 1: the images are streamed" in unheeded_steps(
        25, stream
    )


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"devices": 8},
        {"steps": 4},
        {"placing": "shared out", "devices": 8},
        {"placing": "streamed"},
        {"placing": "streamed", "devices": 8},
    ],
    ids=str,
)
def test_the_state_is_given_up_to_the_step(how):
    small = made(**how)
    state = small.start()
    factor = jax.device_put(np.float32(1), replicated(small.mesh))
    dispatch = next(iter(small.dispatches(0)))
    after, _ = dispatch.run(state, factor)
    kept = [
        jax.tree_util.keystr(path)
        for path, leaf in jax.tree_util.tree_leaves_with_path(state)
        if not leaf.is_deleted()
    ]
    assert not kept, "it would take its memory twice"
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves((after, factor)))


def test_the_state_is_given_up_by_the_program_whose_room_was_checked(monkeypatch):
    monkeypatch.setattr("lqjax.training.dispatch.check_room", lambda *_: None)
    small = made()
    state, factor = small.start(), jax.device_put(np.float32(1), replicated(small.mesh))
    small.dispatcher.check_room(state, factor, small.scales)
    next(iter(small.dispatches(0))).run(state, factor)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state))
