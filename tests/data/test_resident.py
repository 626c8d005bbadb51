"""Splits on the devices: batches against NumPy, and what the compiled gather sends around."""

import re

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from lqjax.data.resident import Resident, SharedOut, gather
from lqjax.runtime import make_mesh, replicated
from tests.data.placed import COUNT, check, split

COLLECTIVES = re.compile(
    r"= (\w+)\[([\d,]*)\]\S* (all-gather|all-reduce|reduce-scatter|all-to-all|collective-permute)"
)


@pytest.mark.parametrize("shared_out", [False, True])
@pytest.mark.parametrize("devices", [1, 2, 8])
def test_batches_equal_numpy(devices, shared_out):
    made, mesh = split(), make_mesh(devices)
    placed = Resident(made, mesh, shared_out)
    rows = np.random.default_rng(0).integers(0, COUNT, 24)
    rows[:4] = 0, COUNT - 1, COUNT - 1, 5
    batch = placed.batch(rows)
    check(batch, made, rows)
    for array in jax.tree.leaves(batch):
        by_example = NamedSharding(mesh, PartitionSpec("data"))
        assert array.sharding.is_equivalent_to(by_example, array.ndim)
        assert array.addressable_shards[0].data.shape[0] == 24 // devices
    assert len(placed) == COUNT
    assert placed.resident


@pytest.mark.parametrize("shared_out", [False, True])
def test_many_batches_come_in_order(shared_out):
    made = split()
    wanted = np.random.default_rng(0).integers(0, COUNT, (7, 8))
    seen = list(Resident(made, make_mesh(8), shared_out).batches(iter(wanted)))
    assert len(seen) == 7
    for rows, batch in zip(wanted, seen, strict=True):
        check(batch, made, rows)


def test_shared_out_images_take_an_eighth_of_each_device():
    placed = Resident(split(), make_mesh(8), shared_out=True)
    parts = placed.arrays.images.addressable_shards
    assert [part.data.shape[0] for part in parts] == [5] * 8
    assert isinstance(placed.arrays, SharedOut)
    one = Resident(split(), make_mesh(1), shared_out=True)
    assert not isinstance(one.arrays, SharedOut), "one device has it whole"


def sent(program):
    """(collective, type, number of elements) of all that a compiled program sends."""
    return [
        (kind, dtype, int(np.prod([int(n) for n in shape.split(",") if n])))
        for dtype, shape, kind in COLLECTIVES.findall(program.as_text())
    ]


@pytest.mark.parametrize("rows_everywhere", [False, True])
@pytest.mark.parametrize("shared_out", [False, True])
def test_inside_a_compiled_step_only_the_batch_is_sent(shared_out, rows_everywhere):
    count, size, mesh = 800, 16, make_mesh(8)
    made = split(count=count)
    placed = Resident(made, mesh, shared_out)
    rows_lie = replicated(mesh) if rows_everywhere else NamedSharding(mesh, PartitionSpec("data"))

    def step(arrays, rows):
        batch = gather(arrays, rows, mesh)
        return batch, batch.images.astype(np.float32).mean()

    rows = np.random.default_rng(1).integers(0, count, size).astype(np.int32)
    compiled = (
        jax.jit(step, in_shardings=(placed.shardings, rows_lie))
        .lower(placed.arrays, jax.device_put(rows, rows_lie))
        .compile()
    )
    batch, mean = compiled(placed.arrays, jax.device_put(rows, rows_lie))
    check(batch, made, rows)
    np.testing.assert_allclose(mean, made.images[rows].mean(), rtol=1e-5)
    image = made.images[0].size
    of_images = [entry for entry in sent(compiled) if entry[1] == "u8"]
    expected = [("reduce-scatter", "u8", size // 8 * image)] if shared_out else []
    assert of_images == expected
    assert all(elements <= size for _, dtype, elements in sent(compiled) if dtype != "u8")
    # Beside its arguments a device needs the batch, not the split.
    assert compiled.memory_analysis().temp_size_in_bytes < 8 * size * image
    part = count // 8 if shared_out else count
    assert compiled.memory_analysis().argument_size_in_bytes < part * image + 9 * count


@pytest.mark.parametrize("rows", [[-1, 0], [0, COUNT]])
def test_rows_that_are_not_there_are_refused(rows):
    with pytest.raises(ValueError, match="there are 0 to 36"):
        Resident(split(), make_mesh(1)).batch(np.array(rows))


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="is 12, no multiple of the 8 devices; use 8 or 16"):
        Resident(split(), make_mesh(8)).batch(np.arange(12))


@pytest.mark.parametrize("shared_out", [False, True])
def test_a_resident_batch_compiles_once_for_all_rows(shared_out):
    placed = Resident(split(), make_mesh(8), shared_out)
    placed.batch(np.arange(8))
    before = placed._gather._cache_size()
    for seed in range(4):
        placed.batch(np.random.default_rng(seed).permutation(COUNT)[:8])
    assert placed._gather._cache_size() == before == 1
