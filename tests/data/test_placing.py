"""Where splits go as memory gets scarce, and how it is measured."""

import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.data import placing
from lqjax.data.memory import DeviceMemory, device_memory
from lqjax.data.placing import place
from lqjax.data.resident import Resident
from lqjax.data.streamed import Streamed
from lqjax.runtime import make_mesh
from tests.data.placed import check, split

WHOLE = split().images.nbytes
PART = 5 * split().images[0].nbytes
"""Of 37 rows on 8 devices each takes 5."""


@pytest.fixture
def memory(monkeypatch):
    """Set what the devices have."""

    def have(total, free=None):
        found = DeviceMemory(total, total if free is None else free)
        monkeypatch.setattr(placing, "device_memory", lambda mesh: found)

    return have


def kind(placed):
    return "streamed" if isinstance(placed, Streamed) else "shared" if placed.shared_out else "all"


@pytest.mark.parametrize(
    ("devices", "total", "expected"),
    [
        (1, 2 * WHOLE, "all"),
        (1, 2 * WHOLE - 1, "streamed"),
        (8, 2 * WHOLE, "all"),
        (8, 2 * WHOLE - 1, "shared"),
        (8, 2 * PART, "shared"),
        (8, 2 * PART - 1, "streamed"),
    ],
)
def test_auto_goes_by_the_share(memory, devices, total, expected):
    memory(total)
    placed = place(split(), make_mesh(devices), "auto", 0.5)
    assert kind(placed) == expected
    rows = np.arange(16)
    check(placed.batch(rows), split(), rows)


def test_what_is_placed_already_counts(memory):
    memory(4 * WHOLE, 3 * WHOLE)
    assert kind(place(split(), make_mesh(1), "auto", 0.5)) == "all"
    memory(4 * WHOLE, 3 * WHOLE - 1)
    assert kind(place(split(), make_mesh(1), "auto", 0.5)) == "streamed"


def test_the_host_may_be_asked_for(memory):
    memory(1000 * WHOLE)
    assert kind(place(split(), make_mesh(1), "host", 0.5)) == "streamed"


@pytest.mark.parametrize(
    ("devices", "free", "expected"),
    [(1, WHOLE, "all"), (8, WHOLE, "shared"), (8, PART, "shared")],
)
def test_device_goes_beyond_the_share(memory, devices, free, expected):
    memory(2 * WHOLE, free)
    assert kind(place(split(), make_mesh(devices), "device", 0.5)) == expected


@pytest.mark.parametrize(("devices", "free"), [(1, WHOLE - 1), (8, PART - 1)])
def test_device_is_refused_only_where_nothing_fits(memory, devices, free):
    memory(2 * WHOLE, free)
    with pytest.raises(ValueError, match=rf"bytes of a device, but {free:,} .*residency=host"):
        place(split(), make_mesh(devices), "device", 0.5)


def test_virtual_devices_share_the_memory_of_the_host():
    assert device_memory(make_mesh(1)).total > 2**20
    assert device_memory(make_mesh(8)).total == device_memory(make_mesh(1)).total // 8


def test_arrays_on_a_device_are_not_free():
    mesh = make_mesh(1)
    before = device_memory(mesh)
    assert before.free <= before.total
    array = jnp.zeros(2**20, jnp.float32).block_until_ready()
    assert device_memory(mesh).free <= before.free - array.nbytes
    held = device_memory(mesh).free
    placed = Resident(split(), mesh)
    assert held - device_memory(mesh).free >= WHOLE
    assert len(placed) == 37
