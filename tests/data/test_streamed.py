"""Streaming: batches against NumPy, work ahead, and threads that end."""

import threading
import time

import numpy as np
import pytest

from lqjax.data.streamed import PREFETCH_DEPTH, Streamed
from lqjax.runtime import make_mesh
from lqjax.typing import Split
from tests.data.placed import COUNT, check, split

PAUSE = 0.03
"""Seconds that the slow source takes for a batch, and the slow consumer too."""


class SlowImages(np.ndarray):
    """Images that take their time, as those on a disk do."""

    def __getitem__(self, index):
        time.sleep(PAUSE)
        return np.asarray(super().__getitem__(index))


def slow_split():
    made = split()
    return Split(made.images.view(SlowImages), made.labels, made.ids)


def prefetchers():
    return [t for t in threading.enumerate() if t.name.startswith("lqjax-prefetch")]


@pytest.mark.parametrize("devices", [1, 2, 8])
def test_batches_equal_numpy(devices):
    made = split()
    placed = Streamed(made, make_mesh(devices))
    rows = np.random.default_rng(0).integers(0, COUNT, 24)
    batch = placed.batch(rows)
    check(batch, made, rows)
    assert batch.images.addressable_shards[0].data.shape[0] == 24 // devices
    assert len(placed) == COUNT
    assert not placed.resident


def test_a_device_is_sent_its_own_rows_only(monkeypatch):
    asked = []

    class Watched(np.ndarray):
        def __getitem__(self, index):
            asked.append(len(index))
            return np.asarray(super().__getitem__(index))

    made = split()
    watched = Split(made.images.view(Watched), made.labels, made.ids)
    Streamed(watched, make_mesh(8)).batch(np.arange(16))
    assert asked == [2] * 8


def test_many_batches_come_in_order():
    made = split()
    wanted = np.random.default_rng(0).integers(0, COUNT, (7, 8))
    seen = list(Streamed(made, make_mesh(8)).batches(iter(wanted)))
    assert len(seen) == 7
    for rows, batch in zip(wanted, seen, strict=True):
        check(batch, made, rows)


def test_it_works_ahead_but_not_too_far():
    placed = Streamed(split(), make_mesh(1))
    asked = []

    def rows():
        for number in range(10):
            asked.append(number)
            yield np.arange(4)

    batches = placed.batches(rows())
    next(batches)
    assert len(asked) == PREFETCH_DEPTH + 1
    batches.close()
    assert len(asked) == PREFETCH_DEPTH + 1


def waited(placed, batches):
    """Seconds spent in next() by a consumer as slow as the source, after the first batch."""
    iterator = placed.batches([np.arange(8)] * batches)
    seconds = []
    for _ in range(batches):
        begin = time.perf_counter()
        next(iterator)
        seconds.append(time.perf_counter() - begin)
        time.sleep(1.5 * PAUSE)
    return sum(seconds[1:])


def test_a_slow_source_works_while_the_consumer_does():
    placed, batches = Streamed(slow_split(), make_mesh(1)), 12
    alone = (batches - 1) * PAUSE
    assert waited(placed, batches) < 0.5 * alone

    class OneByOne(Streamed):
        def batches(self, rows):
            return map(self.batch, rows)

    assert waited(OneByOne(slow_split(), make_mesh(1)), batches) > 0.9 * alone


def test_an_error_in_the_background_reaches_the_loop_at_its_batch():
    placed = Streamed(split(), make_mesh(1))
    batches = placed.batches([np.array([0, 1]), np.array([2, 3]), np.array([0, 99])])
    next(batches), next(batches)
    with pytest.raises(ValueError, match="rows 0 to 99"):
        next(batches)
    assert not prefetchers()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_no_thread_is_left_when_the_loop_breaks_off(error):
    placed = Streamed(slow_split(), make_mesh(1))

    def loop():
        for number, _ in enumerate(placed.batches([np.arange(8)] * 20)):
            assert prefetchers()
            if number == 2:
                raise error

    with pytest.raises(error):
        loop()
    assert not prefetchers()


@pytest.mark.parametrize("rows", [[-1, 0], [0, COUNT]])
def test_rows_that_are_not_there_are_refused(rows):
    with pytest.raises(ValueError, match="there are 0 to 36"):
        Streamed(split(), make_mesh(1)).batch(np.array(rows))


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="is 12, no multiple of the 8 devices; use 8 or 16"):
        Streamed(split(), make_mesh(8)).batch(np.arange(12))
