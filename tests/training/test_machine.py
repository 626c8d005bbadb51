import os

import jax

from lqjax.runtime import make_mesh
from lqjax.training.machine import changes_of_machine, machine_of


def test_what_last_digits_depend_on_is_recorded(monkeypatch):
    found = machine_of(make_mesh(2))
    assert found == {
        "device": "cpu",
        "devices": 2,
        "processes": 1,
        "cores": len(os.sched_getaffinity(0)),
    }
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert machine_of(make_mesh(2))["cores"] == 0, "cores matter where they compute"


def test_changes_are_named_with_both_values():
    before = {"device": "cpu", "devices": 8, "cores": 4}
    assert changes_of_machine(before, dict(before)) == ""
    now = {"device": "NVIDIA H200", "devices": 8, "cores": 0, "processes": 1}
    assert changes_of_machine(before, now) == (
        "device cpu before and NVIDIA H200 now, cores 4 before and 0 now"
    )
