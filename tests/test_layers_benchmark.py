"""The comparison of single layers measures two forms of each layer, and says what they took."""

import json
import re
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from lqjax.models.platforms import rewrites_for_cpu
from lqjax.models.winograd import pays

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
SLEEP = 0.02


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import layers

    return layers


@pytest.mark.slow
def test_it_prints_and_writes_a_row_for_each_layer_and_pass(
    benchmark, monkeypatch, tmp_path, capsys
):
    tiny = [
        benchmark.convolution("1x1", 4, 2, 3, size=1),
        benchmark.convolution("3x3 in groups", 2, 2, 4, groups=2),
        benchmark.pooling("pooling", 4, 2),
        benchmark.options_alone("options", 4, 2, 2, 3, 1),
    ]
    monkeypatch.setattr(benchmark, "layers", lambda: tiny)
    path = tmp_path / "layers.json"
    flags = ["--batch=2", "--turns=3", f"--json={path}"]
    monkeypatch.setattr(sys, "argv", ["layers.py", *flags])
    benchmark.main()
    found = json.loads(path.read_text())
    passes = [(row["layer"], row["step"]) for row in found["rows"]]
    assert passes == [(layer.name, step) for layer in tiny for step in ("forward", "training")]
    for row in found["rows"]:
        for median, least, most in (row["ours"], row["plain"]):
            assert 0 < least <= median <= most
        assert row["ratio"] == row["plain"][0] / row["ours"][0]
    _, _, *printed = capsys.readouterr().out.splitlines()
    shown = [(line[:44].strip(), line.split()[-1]) for line in printed]
    assert shown == [(row["layer"], f"{row['ratio']:.2f}") for row in found["rows"]]
    assert printed[0].split()[1] == "2x4x4x2" == "x".join(map(str, found["rows"][0]["maps"]))


def test_a_ratio_is_that_of_the_compilers_form_to_the_rewritten_one(benchmark):
    """An operation that waits where it is the compiler's own, forward and in training."""

    def wait(maps):
        time.sleep(SLEEP)
        return maps

    @jax.custom_vjp
    def slow(maps):
        return jax.pure_callback(wait, maps, maps)

    slow.defvjp(lambda maps: (slow(maps), None), lambda _, gradient: (gradient,))

    def operation(maps):
        return maps + 1 if rewrites_for_cpu() else slow(maps)

    rows = benchmark.compare(benchmark.Layer("probe", (2, 2, 1), (), operation, operation), 1, 3)
    assert [row.step for row in rows] == ["forward", "training"]
    for row in rows:
        assert row.plain[0] > SLEEP * benchmark.MILLISECONDS > row.ours[0] and row.ratio > 1


def test_the_layers_are_what_they_are_called(benchmark):
    for layer in benchmark.layers():
        maps = jax.ShapeDtypeStruct((64, *layer.maps), jnp.float32)
        arrays = [maps, *([jax.ShapeDtypeStruct(layer.kernel, jnp.float32)] * bool(layer.kernel))]
        shapes = [jax.eval_shape(form, *arrays) for form in (layer.ours, layer.plain)]
        assert shapes[0] == shapes[1]
        if match := re.match(r"(options alone: plain )?(\d)x\2", layer.name):
            assert layer.kernel[:2] in ((int(match[2]),) * 2, ()), layer.name
        in_this_form = layer.kernel[:2] == (3, 3) and pays(maps.shape, layer.kernel[3], 1)
        assert in_this_form == ("Winograd" in layer.name) or layer.ours_only


@pytest.mark.parametrize(
    ("flag", "says"),
    [("--batch=0", "--batch=0: must be at least 1"), ("--turns=-1", "--turns=-1: must be")],
)
def test_a_wrong_flag_is_one_line(benchmark, monkeypatch, flag, says):
    monkeypatch.setattr(sys, "argv", ["layers.py", flag])
    with pytest.raises(SystemExit) as stopped:
        benchmark.main()
    assert says in stopped.value.code and "\n" not in stopped.value.code
