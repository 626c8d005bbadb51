"""Orders, batches and places: against NumPy, on one and on eight devices."""

import jax
import numpy as np
import pytest

from lqjax.data import pipeline
from lqjax.data.memory import free_bytes
from lqjax.data.pipeline import (
    Resident,
    Streamed,
    check_batch_size,
    epoch_order,
    normalisation,
    padded_batches,
    place,
)
from lqjax.imaging.keys import example_numbers
from lqjax.runtime import make_mesh
from lqjax.typing import Split
from tests.data.making import noise

COUNT = 37
FIRST_ORDER = [3, 2, 1, 6, 0, 7, 4, 5]


def split(channels=3):
    ids = np.array([f"train/{i}" for i in range(COUNT)])
    return Split(noise(0, COUNT, 9, 9, channels), np.arange(COUNT, dtype=np.int32) % 5, ids)


@pytest.mark.parametrize("devices", [1, 8])
@pytest.mark.parametrize("kind", [Resident, Streamed])
def test_batches_equal_numpy(kind, devices):
    made = split()
    placed = kind(made, make_mesh(devices))
    rows = np.random.default_rng(0).integers(0, COUNT, 24)
    batch = placed.batch(rows)
    np.testing.assert_array_equal(batch.images, made.images[rows])
    np.testing.assert_array_equal(batch.labels, made.labels[rows])
    np.testing.assert_array_equal(batch.numbers, example_numbers(made.ids)[rows])
    assert [a.dtype for a in batch] == [np.uint8, np.int32, np.uint32]
    for array in batch:
        assert array.sharding.is_equivalent_to(
            jax.sharding.NamedSharding(make_mesh(devices), jax.sharding.PartitionSpec("data")),
            array.ndim,
        )
        assert array.addressable_shards[0].data.shape[0] == 24 // devices
    assert len(placed) == COUNT


@pytest.mark.parametrize("kind", [Resident, Streamed])
def test_many_batches_come_in_order(kind):
    made = split()
    wanted = np.random.default_rng(0).integers(0, COUNT, (7, 8))
    seen = list(kind(made, make_mesh(8)).batches(iter(wanted)))
    assert len(seen) == 7
    for rows, batch in zip(wanted, seen, strict=True):
        np.testing.assert_array_equal(batch.images, made.images[rows])


def test_streaming_works_ahead_but_not_too_far():
    placed = Streamed(split(), make_mesh(1))
    asked = []

    def rows():
        for number in range(10):
            asked.append(number)
            yield np.arange(4)

    batches = placed.batches(rows())
    next(batches)
    assert len(asked) == pipeline.PREFETCH_DEPTH + 1
    batches.close()
    assert len(asked) == pipeline.PREFETCH_DEPTH + 1


def test_an_error_in_the_background_reaches_the_loop():
    placed = Streamed(split(), make_mesh(1))
    with pytest.raises(ValueError, match="rows 0 to 99"):
        list(placed.batches([np.array([0, 99])]))


@pytest.mark.parametrize("kind", [Resident, Streamed])
@pytest.mark.parametrize("rows", [[-1, 0], [0, COUNT]])
def test_rows_that_are_not_there_are_refused(kind, rows):
    with pytest.raises(ValueError, match="there are 0 to 36"):
        kind(split(), make_mesh(1)).batch(np.array(rows))


@pytest.mark.parametrize("kind", [Resident, Streamed])
def test_a_batch_that_does_not_divide_is_refused(kind):
    with pytest.raises(ValueError, match="is 12, no multiple of the 8 devices; use 8 or 16"):
        kind(split(), make_mesh(8)).batch(np.arange(12))


def test_the_check_says_what_to_use():
    check_batch_size(64, 8)
    with pytest.raises(ValueError, match=r"training.batch_size is 5, .* use 8$"):
        check_batch_size(5, 8, "training.batch_size")
    with pytest.raises(ValueError, match="is 0"):
        check_batch_size(0, 1)


def test_a_resident_batch_compiles_once_for_all_rows():
    placed = Resident(split(), make_mesh(8))
    placed.batch(np.arange(8))
    before = placed._gather._cache_size()
    for seed in range(4):
        placed.batch(np.random.default_rng(seed).permutation(COUNT)[:8])
    assert placed._gather._cache_size() == before


def test_places_follow_the_settings(monkeypatch):
    mesh, made = make_mesh(1), split()
    assert free_bytes(mesh) > 2**20
    assert isinstance(place(made, mesh, "auto", 0.5), Resident)
    assert isinstance(place(made, mesh, "host", 0.5), Streamed)
    monkeypatch.setattr(pipeline, "free_bytes", lambda mesh: 2 * made.images.nbytes - 1)
    assert isinstance(place(made, mesh, "auto", 0.5), Streamed)
    assert isinstance(place(made, mesh, "auto", 0.6), Resident)
    assert isinstance(place(made, mesh, "device", 0.5), Resident)
    monkeypatch.setattr(pipeline, "free_bytes", lambda mesh: made.images.nbytes - 1)
    with pytest.raises(ValueError, match=r"data\.residency=device: .* use data\.residency=host"):
        place(made, mesh, "device", 0.5)


def test_virtual_devices_share_the_memory_of_the_host():
    assert free_bytes(make_mesh(8)) == free_bytes(make_mesh(1)) // 8


def test_the_order_of_an_epoch_is_a_permutation_of_its_seed_and_number():
    orders = {(s, e): epoch_order(s, e, 1000) for s in range(3) for e in range(3)}
    for order in orders.values():
        np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    assert len({tuple(order) for order in orders.values()}) == 9
    np.testing.assert_array_equal(orders[2, 1], epoch_order(2, 1, 1000))
    # A change of these numbers breaks the resumption of everybody's runs.
    assert epoch_order(0, 0, 8).tolist() == FIRST_ORDER
    firsts = [epoch_order(0, epoch, 10)[0] for epoch in range(4000)]
    assert np.abs(np.bincount(firsts, minlength=10) - 400).max() < 5 * np.sqrt(360)


@pytest.mark.parametrize(("count", "size"), [(1, 8), (7, 8), (8, 8), (9, 8), (37, 5), (0, 4)])
def test_padded_batches_cover_every_row_once(count, size):
    batches = list(padded_batches(count, size))
    assert len(batches) == -(-count // size)
    assert all(len(rows) == len(mask) == size for rows, mask in batches)
    real = [row for rows, mask in batches for row in rows[mask]]
    assert real == list(range(count))
    assert all((rows[~mask] == 0).all() for rows, mask in batches)


@pytest.mark.parametrize("channels", [1, 3])
def test_normalisation_equals_numpy(channels, monkeypatch):
    monkeypatch.setattr(pipeline, "STATISTICS_CHUNK", 10)
    made = split(channels)
    mean, deviation = normalisation(made)
    scaled = made.images / 255.0
    assert mean.dtype == deviation.dtype == np.float32
    np.testing.assert_allclose(mean, scaled.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(deviation, scaled.std((0, 1, 2)), rtol=1e-6)


def test_constant_images_can_be_divided_by_their_deviation():
    flat = Split(
        np.full((4, 9, 9, 1), 7, np.uint8), np.zeros(4, np.int32), np.arange(4).astype(str)
    )
    np.testing.assert_allclose(normalisation(flat)[1], 1 / 255, rtol=1e-6)
