"""Images/s and waiting against stopwatch arithmetic on a clock that the test turns."""

import pytest

from lqjax.training.meters import Meter


class Clock:
    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def after(clock, seconds, meter, images, waited=0.0):
    clock.now += seconds
    meter.count(images, waited)


def started(clock):
    """Give a meter whose first dispatch, which compiles, is over."""
    meter = Meter(clock)
    after(clock, 1.0, meter, 10)
    return meter


def test_the_dispatch_that_compiles_does_not_count(clock):
    meter = Meter(clock)
    after(clock, 30.0, meter, 640, waited=20.0)
    assert meter.take() is None
    after(clock, 2.0, meter, 600, waited=0.5)
    pace = meter.take()
    assert pace.images_per_second == pytest.approx(600 / 2.0)
    assert pace.input_wait_share == pytest.approx(0.5 / 2.0)


def test_each_reading_covers_what_came_since_the_last(clock):
    meter = started(clock)
    after(clock, 1.0, meter, 10)
    meter.take()
    after(clock, 2.0, meter, 10)
    after(clock, 3.0, meter, 40)
    assert meter.take().images_per_second == pytest.approx((10 + 40) / (2.0 + 3.0))
    assert meter.take() is None


def test_a_pause_takes_no_time(clock):
    meter = started(clock)
    after(clock, 4.0, meter, 100)
    meter.pause()
    clock.now += 1000.0
    meter.go_on()
    after(clock, 4.0, meter, 100)
    assert meter.take().images_per_second == pytest.approx(200 / 8.0)


def test_after_a_pause_without_end_the_next_dispatch_starts_the_clock(clock):
    meter = started(clock)
    after(clock, 4.0, meter, 100)
    meter.pause()
    after(clock, 1000.0, meter, 100)
    after(clock, 4.0, meter, 300)
    assert meter.take().images_per_second == pytest.approx(400 / 8.0)


def test_a_pause_before_the_first_dispatch_does_not_start_the_clock(clock):
    meter = Meter(clock)
    meter.pause()
    meter.go_on()
    after(clock, 30.0, meter, 10)
    assert meter.take() is None


def test_a_share_is_at_most_one(clock):
    meter = started(clock)
    after(clock, 1.0, meter, 10, waited=1.5)
    assert meter.take().input_wait_share == 1.0


def test_what_was_over_before_a_pause_is_not_counted_twice(clock):
    meter = started(clock)
    clock.now += 4.0
    done = clock.now
    meter.pause()
    clock.now += 1000.0
    meter.go_on()
    meter.count(100, 0.0, done)
    after(clock, 1.0, meter, 100)
    assert meter.take().images_per_second == pytest.approx(200 / (4.0 + 1.0))
