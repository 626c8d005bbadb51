"""The contract, over every registered operation; a new one is picked up by itself."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from lqjax.imaging import apply
from lqjax.imaging.conditions import expand
from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS, operation
from lqjax.imaging.suites import SUITES
from tests.quick_compilation import quick_compilation

NAMES = OPERATIONS.names()
SMALLEST = 28  # px, which every operation takes unless it says otherwise
BATCH = 8
FLOAT_TOLERANCE = 1e-5
KEEP_CONSTANTS = {
    "contrast_channel_mean", "elastic_transform", "gaussian_blur", "gaussian_blur_replicate",
    "glass_blur", "jpeg", "low_resolution", "median", "motion_blur_line", "motion_blur_one_sided",
    "pixelate", "zoom_blur",
}  # fmt: skip

RESIZING = {"low_resolution"}
"""Operations whose `side` leaves smaller images alone."""


def images(op, channels=3, batch=BATCH, seed=0):
    side = max(op.minimum_size, SMALLEST)
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (batch, side, side + 5, channels)).astype(np.uint8)
    return as_float(jnp.asarray(levels))


def samples(op):
    """Parameters of the suites, else the examples, else the ends of the ranges."""
    found = [
        op.resolve(entry.levels[level])
        for suite in SUITES
        for entry in SUITES[suite].entries
        if entry.operation == op.name
        for level in SUITES[suite].levels
    ]
    if not found:
        needed = {p.name: p.examples or (p.low, p.high) for p in op.parameters if not drawn(p)}
        count = max(map(len, needed.values()), default=1)
        picks = range(count)
        found = [op.resolve({k: v[i % len(v)] for k, v in needed.items()}) for i in picks]
    return found


def drawn(parameter):
    return parameter.default is not None and np.isnan(parameter.default)


def split(op, parameters):
    static = {p.name: parameters[p.name] for p in op.parameters if p.static}
    traced = {
        p.name: np.asarray(parameters[p.name], np.int32 if p.whole else np.float32)
        for p in op.parameters
        if not p.static
    }
    return static, traced


def keys_for(op, batch=BATCH):
    numbers = example_numbers(np.arange(batch).astype(str))
    return example_keys(3, op.stream, jnp.asarray(numbers))


@functools.cache
def compiled(name, static):
    op = OPERATIONS[name]
    return jax.jit(lambda keys, given, traced: op(keys, given, **dict(static), **traced))


def run(op, given, parameters, keys=None):
    static, traced = split(op, parameters)
    keys = keys_for(op, len(given)) if keys is None else keys
    return np.asarray(compiled(op.name, tuple(static.items()))(keys, given, traced))


def same(op, found, expected):
    if op.exact:
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=0, atol=FLOAT_TOLERANCE)


@pytest.fixture(params=NAMES)
def op(request):
    return OPERATIONS[request.param]


@pytest.mark.parametrize("channels", [1, 3])
def test_shape_type_range(op, channels):
    given, keys = images(op, channels), keys_for(op)
    for parameters in samples(op):
        with quick_compilation(channels == 1):  # the other forms are compared with colour
            found = run(op, given, parameters, keys)
        assert found.shape == given.shape and found.dtype == np.float32
        assert np.isfinite(found).all()
        assert found.min() >= 0 and found.max() <= 1
        as_it_is = parameters.get("side", 0) >= min(given.shape[1:3]) and op.name in RESIZING
        assert as_it_is or not np.array_equal(found, given), "the samples should do something"


@pytest.mark.slow
def test_eager_equals_jit(op):
    given, parameters = images(op), samples(op)[-1]
    static, traced = split(op, parameters)
    keys = keys_for(op)
    eager = op(keys, given, **static, **{k: jnp.asarray(v) for k, v in traced.items()})
    same(op, eager, run(op, given, parameters))


def test_draws_are_equal_eager_jit_vmap_and_alone(op):
    if op.draw is None:
        assert op.draws(keys_for(op), (28, 33, 3)) is None
        return
    shape, keys = (28, 33, 3), keys_for(op)
    whole = jax.jit(lambda k: op.draws(k, shape))(keys)
    forms = {
        "eager": op.draws(keys, shape),
        "one by one": jax.tree.map(
            lambda *parts: jnp.stack(parts), *(op.draw(key, shape) for key in keys)
        ),
        "reordered": jax.tree.map(lambda d: d[::-1], op.draws(keys[::-1], shape)),
    }
    for name, form in forms.items():
        jax.tree.map(lambda a, b, n=name: np.testing.assert_array_equal(a, b, n), form, whole)


def test_vmap_equals_batch(op):
    given, parameters = images(op), samples(op)[-1]
    static, traced = split(op, parameters)
    keys, expected = keys_for(op), run(op, given, parameters)

    def one(key, image):
        return op(key[None], image[None], **static, **traced)[0]

    with quick_compilation():
        found = jax.jit(jax.vmap(one))(keys, given)
    same(op, found, expected)


def test_order_padding_and_splitting_change_nothing(op):
    given, parameters = images(op), samples(op)[-1]
    whole, keys = run(op, given, parameters), keys_for(op)
    order = np.random.default_rng(1).permutation(BATCH)
    same(op, run(op, given[order], parameters, keys[order]), whole[order])
    with quick_compilation():
        first = run(op, given[:3], parameters, keys[:3])
    same(op, first, whole[:3])
    # Padded to the same size, so that it is the same program.
    padded = np.asarray(given) * (np.arange(BATCH) < 3).astype(np.float32)[:, None, None, None]
    same(op, run(op, padded, parameters, keys)[:3], whole[:3])


def test_sharded_equals_one_device_without_communication(op):
    given, parameters = images(op), samples(op)[-1]
    static, traced = split(op, parameters)
    expected = run(op, given, parameters)
    mesh = jax.make_mesh((BATCH,), ("batch",), axis_types=(AxisType.Auto,))
    sharding = NamedSharding(mesh, PartitionSpec("batch"))
    keys, spread = jax.device_put(keys_for(op), sharding), jax.device_put(given, sharding)
    program = jax.jit(lambda k, x, t: op(k, x, **static, **t), out_shardings=sharding)
    with quick_compilation():
        executable = program.lower(keys, spread, traced).compile()
    text = executable.as_text()
    assert not re.search("all-reduce|all-gather|all-to-all|collective-permute", text)
    same(op, executable(keys, spread, traced), expected)


def test_one_trace_for_all_values(op, monkeypatch):
    traces = []
    monkeypatch.setattr(apply, "as_float", lambda given: traces.append(1) or as_float(given))
    apply.chain_program.cache_clear()
    numbers = jnp.arange(BATCH, dtype=jnp.uint32)
    statics = set()
    for parameters in samples(op):
        written = ",".join(f"{k}={v}" for k, v in parameters.items() if not np.isnan(v))
        (condition,) = expand([f"{op.name}({written})"])
        statics.add(tuple(split(op, parameters)[0].items()))
        for seed in (0, 1):
            program, arguments = apply.prepare(condition, images(op), numbers, seed)
            program.trace(*arguments)
    apply.chain_program.cache_clear()
    assert len(traces) == len(statics)


@pytest.mark.slow
def test_double_precision_changes_nothing(op):
    given, parameters = images(op), samples(op)[-1]
    expected = run(op, given, parameters)
    with jax.enable_x64(True):
        static, traced = split(op, parameters)
        program = jax.jit(lambda keys, x, t: op(keys, x, **static, **t))
        with quick_compilation():
            found = program(keys_for(op), given, traced)
    assert found.dtype == np.float32
    same(op, found, expected)


def test_identity_bit_for_bit(op):
    for channels in (1, 3):
        given = images(op, channels)
        for parameter in op.parameters:
            if parameter.identity is not None:
                parameters = {**samples(op)[-1], parameter.name: parameter.identity}
                np.testing.assert_array_equal(run(op, given, parameters), given)


@pytest.mark.parametrize("level", [0.0, 1.0, 0.25])
def test_constant_images_survive(op, level):
    given = jnp.asarray(np.full_like(images(op), level))
    for parameters in samples(op):
        found = run(op, given, parameters)
        assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
        if op.name in KEEP_CONSTANTS:
            assert np.ptp(found, axis=(1, 2)).max() <= FLOAT_TOLERANCE


def test_wrong_images_are_refused(op):
    given, parameters, keys = images(op), samples(op)[-1], keys_for(op)
    wrong = {
        "add the batch": given[0],
        "1 or 3": given[..., :2],
        "float32": given.astype(jnp.float16),
    }
    for message, value in wrong.items():
        with pytest.raises(ValueError, match=message):
            op(keys, value, **parameters)
    if op.minimum_size > 1:
        with pytest.raises(ValueError, match=f"at least {op.minimum_size} px"):
            op(keys, given[:, : op.minimum_size - 1], **parameters)


def with_value(given, value):
    changed = np.array(given)
    changed[2, 3, 4, 0] = value
    return jnp.asarray(changed)


def test_checked_calls_look_at_every_value(op):
    given, parameters, keys = images(op), samples(op)[-1], keys_for(op)
    for wrong in (jnp.nan, jnp.inf, -0.01, 1.01):
        with pytest.raises(ValueError, match=f"{op.name} takes images in \\[0, 1\\] without NaN"):
            op.checked(keys, with_value(given, wrong), **parameters)
    for parameter in op.parameters:
        if np.isfinite(parameter.high):
            with pytest.raises(ValueError, match=f"{parameter.name} must lie in"):
                op.checked(keys, given, **{**parameters, parameter.name: parameter.high + 1})


def test_checked_calls_give_what_calls_give():
    op = OPERATIONS["gaussian_noise"]
    given, parameters, keys = images(op), samples(op)[-1], keys_for(op)
    same(op, op.checked(keys, given, **parameters), run(op, given, parameters))


def test_one_key_for_each_image(op):
    given, parameters, keys = images(op), samples(op)[-1], keys_for(op)
    if op.draw is None:
        return
    with pytest.raises(ValueError, match="needs one key for each image: 8 images"):
        op(keys[:1], given, **parameters)
    for wrong in (None, jax.random.PRNGKey(0), 3):
        with pytest.raises(
            ValueError, match=re.escape("jax.random.split(jax.random.key(seed), 8)")
        ):
            op(wrong, given, **parameters)


def test_parameters_describe_themselves(op):
    assert op.source and op.kind in ("degradation", "restoration")
    for parameter in op.parameters:
        assert parameter.meaning and parameter.unit
        assert not parameter.choices or parameter.high == len(parameter.choices) - 1
        assert parameter.low <= parameter.high


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="'median' is registered twice"):
        operation("median", "restoration", source="a test")(lambda images, draws: images)
