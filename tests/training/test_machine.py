import os

import jax

from lqjax.runtime import make_mesh
from lqjax.training.machine import changes_of_machine, machine_of, other_machine


def test_what_last_digits_depend_on_is_recorded(monkeypatch):
    found = machine_of(make_mesh(2))
    assert found == {
        "device": "cpu",
        "devices": 2,
        "processes": 1,
        "cores": len(os.sched_getaffinity(0)),
        "jax_enable_x64": False,
    }
    with jax.enable_x64(True):
        assert machine_of(make_mesh(2))["jax_enable_x64"] is True
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert machine_of(make_mesh(2))["cores"] == 0, "cores matter where they compute"


def test_changes_are_named_with_both_values():
    before = {"device": "cpu", "devices": 8, "cores": 4}
    assert changes_of_machine(before, dict(before)) == ""
    now = {"device": "NVIDIA H200", "devices": 8, "cores": 0, "processes": 1}
    assert changes_of_machine(before, now) == (
        "device cpu before and NVIDIA H200 now, cores 4 before and 0 now"
    )


def test_a_warning_says_how_far_results_differ():
    before = {"devices": 8, "jax_enable_x64": False}
    assert other_machine("tiny", before, dict(before)) == ""
    fewer = other_machine("tiny", before, {**before, "devices": 4})
    assert fewer.endswith(" will differ in the last digits from those of an undisturbed run")
    wider = other_machine("tiny", before, {**before, "jax_enable_x64": True})
    assert wider.startswith("warning: tiny goes on on another machine (jax_enable_x64 False before")
    assert "last digits" not in wider and "random draws" in wider
    earlier = {"devices": 8}
    assert other_machine("tiny", earlier, before) == "", "earlier versions did not record it"


def test_in_64_bit_random_draws_are_others():
    def draws():
        return jax.random.uniform(jax.random.key(0), (8,))

    before = draws()
    with jax.enable_x64(True):
        assert abs(draws() - before).max() > 0.01
