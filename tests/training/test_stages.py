"""What is trained: head, last stages, one after the other; each against a plain composition."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lqjax.config import Config
from lqjax.models.network import build
from lqjax.optim.base import OPTIMIZERS
from lqjax.optim.timing import check_times
from lqjax.overriding import override_all
from lqjax.runtime import replicated
from lqjax.training.stages import describe_stages, make_stages
from lqjax.training.state import evaluation_weights
from lqjax.workbench import check_names
from tests.quick_compilation import quick_compilation
from tests.training.small import BATCH, MEAN, STD, Small, assert_equal_trees, config, split
from tests.training.staged import HEAD, STAGES, staged

RATE, DECAY, MOMENTUM, EPSILON = 0.05, 0.5, 0.1, 1e-5
SGD = {
    "optimizer__name": "sgd",
    "optimizer__momentum": 0,
    "optimizer__weight_decay": 0,
    "optimizer__learning_rate": RATE,
}
COUNT = 64
PER_EPOCH = COUNT // BATCH


@pytest.fixture(autouse=True)
def _quick():
    with quick_compilation():
        yield


def small(devices=1, network=None, **settings):
    return Small(network or staged(), config(**settings), split(count=COUNT), devices=devices)


def moved(run, steps, state=None):
    """Make steps; give the state before and after, as NumPy arrays."""
    start = run.start() if state is None else jax.device_put(state, replicated(run.mesh))
    before = jax.tree.map(np.array, start)
    return before, jax.tree.map(np.array, run.run(steps, start)[2])


def changed(before, after):
    """Name the layers of which any array is another one."""
    return {
        name
        for name in before
        if not jax.tree.all(jax.tree.map(np.array_equal, before[name], after[name]))
    }


def batch(run, step):
    rows = run.rows(step)
    images = run.data.images[rows].astype(np.float32) / 255
    return jnp.asarray((images - MEAN) / STD), jnp.asarray(run.data.labels[rows])


def dense(layer, x):
    return x @ layer["kernel"] + layer["bias"][None]


def norm(layer, stats, x, adapts):
    mean, var = (x.mean(0), x.var(0)) if adapts else (stats["mean"], stats["var"])
    factor = layer["scale"] / jnp.sqrt(var + EPSILON)
    return (x - mean[None]) * factor[None] + layer["bias"][None]


def plain_loss(params, stats, images, labels, adapting=(True, True)):
    """Compute the loss of the staged network without any of its code."""
    x = dense(params["first"], images.reshape(len(images), -1))
    x = jax.nn.relu(norm(params["norm"], stats["norm"], x, adapting[0]))
    x = dense(params["second"], x)
    x = jax.nn.relu(norm(params["norm2"], stats["norm2"], x, adapting[1]))
    x = jax.nn.relu(dense(params["third"], x))
    logits = dense(params["last"], x)
    return -jax.nn.log_softmax(logits)[jnp.arange(len(labels)), labels].mean()


FREEZING = {
    "the head only": (0, {"optimizer__name": "adamw", "optimizer__weight_decay": 0.1}),
    "one stage": (1, {**SGD, "optimizer__weight_decay": 0.1}),
    "two stages": (2, {"optimizer__name": "lamb", "optimizer__gradient_clip": 0.1}),
    "an average of weights": (1, {"optimizer__name": "adamw", "training__ema_decay": 0.9}),
    "schedule-free": (1, {"optimizer__name": "schedule_free"}),
    "parts of a batch": (1, {"optimizer__name": "adamw", "training__accumulation": 2}),
    "a falling rate by stage": (1, {"optimizer__name": "adamw", "optimizer__layer_decay": 0.5}),
    "curvature": (1, {"optimizer__name": "sophia", "optimizer__weight_decay": 0.1}),
}


def felt(params):
    """Leave out the offsets before a batch norm, whose gradients are rounding errors."""
    return {
        name: {leaf: a for leaf, a in tree.items() if (name, leaf) not in UNFELT}
        for name, tree in params.items()
    }


UNFELT = {("first", "bias"), ("second", "bias")}


@pytest.mark.parametrize("case", FREEZING)
def test_frozen_arrays_stay_what_they_are_to_the_bit(case):
    last, settings = FREEZING[case]
    run = small(network=staged(dropout=0.2), training__last_stages=last, **settings)
    before, after = moved(run, 6)
    kept = {name for stage in STAGES[: len(STAGES) - last] for name in stage}
    assert changed(before["params"], after["params"]) == set(before["params"]) - kept
    assert changed(before["stats"], after["stats"]) == set(before["stats"]) - kept
    evaluated = jax.tree.map(np.array, evaluation_weights(after, run.settings))
    assert changed(before["params"], evaluated["params"]) == set(before["params"]) - kept
    assert changed(before["stats"], evaluated["stats"]) == set(before["stats"]) - kept


@pytest.mark.slow
@pytest.mark.parametrize(
    ("last", "adapting"), [(-1, (True, True)), (2, (False, True)), (1, (False, False))]
)
def test_trained_arrays_get_the_gradients_of_full_training_with_the_same_rest(last, adapting):
    run = small(training__last_stages=last, **SGD)
    before, after = moved(run, 1)
    wanted = jax.grad(plain_loss)(before["params"], before["stats"], *batch(run, 0), adapting)
    stages = make_stages(run.network, run.settings, PER_EPOCH)
    found = jax.tree.map(lambda a, b: (a - b) / RATE, before["params"], after["params"])
    assert_equal_trees(
        stages.trained(found), stages.trained(jax.tree.map(np.array, wanted)), rtol=1e-3, atol=1e-5
    )


def test_clipping_counts_what_is_trained():
    run = small(training__last_stages=0, optimizer__gradient_clip=0.01, **SGD)
    before, after = moved(run, 1)
    step = jax.tree.map(lambda a, b: (a - b) / RATE, before["params"], after["params"])
    np.testing.assert_allclose(optax.tree.norm(step), 0.01, rtol=1e-3)


def products(run):
    """Count the matrix products of a step."""
    state = run.start()
    images, labels = run.data.images[:BATCH], run.data.labels[:BATCH]
    given = jnp.float32(1), run.scales, images, labels, jnp.arange(BATCH)
    text = str(jax.make_jaxpr(run.update)(state, *given))
    return text.count("dot_general[")


def test_the_backward_pass_ends_where_training_does():
    found = {last: products(small(training__last_stages=last, **SGD)) for last in (-1, 0, 1)}
    forward = 4
    assert found[0] == forward + 1  # the kernel of the head
    assert found[1] == forward + 3  # that of `third` too, and what reaches it
    assert found[-1] == forward + 7  # nothing has to reach the images


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimiser_moves_a_stage_less_by_the_decay(name):
    settings = {"optimizer__name": name, "optimizer__learning_rate": 0.01}
    whole = moved(small(**settings), 1)
    less = moved(small(optimizer__layer_decay=DECAY, **settings), 1)
    assert_equal_trees(whole[0]["params"], less[0]["params"])
    depth = {name: depth for depth, s in enumerate(reversed(STAGES), start=1) for name in s}
    for layer, start in felt(whole[0]["params"]).items():
        for leaf, begun in start.items():
            full = whole[1]["params"][layer][leaf] - begun
            np.testing.assert_allclose(
                less[1]["params"][layer][leaf] - begun,
                full * DECAY ** depth.get(layer, 0),
                rtol=1e-3,
                atol=1e-6,
                err_msg=f"{layer} {leaf}",
            )


def test_layer_decay_is_a_factor_of_the_updates_of_optax():
    rate, count = 0.01, 3
    run = small(optimizer__name="adam", optimizer__learning_rate=rate, optimizer__layer_decay=DECAY)
    before, after = moved(run, count)
    params, rule = before["params"], optax.adam(rate)
    stats, state = before["stats"], rule.init(params)
    for step in range(count):
        gradients = jax.grad(plain_loss)(params, stats, *batch(run, step))
        updates, state = rule.update(gradients, state)
        for depth, layers in enumerate(reversed(STAGES), start=1):
            for layer in layers:
                updates[layer] = jax.tree.map(lambda u: u * DECAY**depth, updates[layer])  # noqa: B023
        params = optax.apply_updates(params, updates)
    wanted = felt(jax.tree.map(np.array, params))
    assert_equal_trees(wanted, felt(after["params"]), rtol=1e-3, atol=1e-4)


UNFREEZING = {
    "optimizer__name": "adam",
    "optimizer__learning_rate": 0.01,
    "training__unfreeze_epochs": 1,
    "training__epochs": 5,
}


def test_stages_are_unfrozen_from_the_top_one_by_one():
    run = small(network=staged(dropout=0.2), **UNFREEZING)
    state = run.start()
    for epoch in range(5):
        before, after = moved(run, PER_EPOCH, state)
        state = after
        free = {layer for stage in STAGES[max(len(STAGES) - epoch, 0) :] for layer in stage}
        assert changed(before["params"], after["params"]) == {*HEAD, *free}
        assert changed(before["stats"], after["stats"]) == free & set(before["stats"])


def test_only_the_last_stages_are_ever_unfrozen():
    run = small(training__last_stages=1, **UNFREEZING)
    before, after = moved(run, 4 * PER_EPOCH)
    assert changed(before["params"], after["params"]) == {*HEAD, *STAGES[-1]}


def test_the_moments_of_a_stage_begin_when_it_is_unfrozen():
    """The first update of Adam has the size of the learning rate, whatever the gradient.

    The learning rate is that of the step, not of the stage's first one.
    """
    run = small(**UNFREEZING, schedule__name="cosine")
    before, after = moved(run, PER_EPOCH)
    later = moved(run, 1, after)[1]
    step = np.abs(later["params"]["third"]["kernel"] - before["params"]["third"]["kernel"])
    share = PER_EPOCH / (UNFREEZING["training__epochs"] * PER_EPOCH)
    assert step.max() == pytest.approx(0.01 * (1 + np.cos(np.pi * share)) / 2, rel=1e-2)


@pytest.mark.parametrize("traced", [False, True])
def test_a_frozen_stage_has_no_dropout(traced):
    network = staged(dropout=0.5)
    params, stats = network.init(0)
    images = jax.random.normal(jax.random.key(1), (4, 8, 8, 1))

    def logits(flag, key):
        return network.apply(params, stats, images, train={"third": flag}, key=key)[0]

    keys = jax.random.key(0), jax.random.key(1)
    run = jax.jit(logits) if traced else logits
    one, two = (run(False, key) for key in keys)
    np.testing.assert_array_equal(one, two)
    one, two = (run(True, key) for key in keys)
    assert np.abs(one - two).max() > 0.01


def test_clipping_does_not_count_what_is_still_frozen():
    settings = {**UNFREEZING, **SGD}
    run = small(optimizer__gradient_clip=0.01, **settings)
    before, after = moved(run, 1)
    step = jax.tree.map(lambda a, b: (a - b) / RATE, before["params"], after["params"])
    np.testing.assert_allclose(optax.tree.norm(step), 0.01, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [PER_EPOCH - 1, PER_EPOCH, PER_EPOCH + 2])
def test_unfreezing_taken_up_again_is_undisturbed(steps):
    run = small(network=staged(dropout=0.2), training__ema_decay=0.9, **UNFREEZING)
    whole = moved(run, 2 * PER_EPOCH)[1]
    first = moved(run, steps)[1]
    anew = small(network=staged(dropout=0.2), training__ema_decay=0.9, **UNFREEZING)
    again = moved(anew, 2 * PER_EPOCH - steps, first)[1]
    assert_equal_trees(whole, again)


@pytest.mark.parametrize(
    "settings",
    [{"training__last_stages": 1}, {**UNFREEZING, "optimizer__layer_decay": 0.5}],
    ids=["last stage", "unfreezing"],
)
def test_the_same_step_on_one_device_and_on_two(settings):
    one = small(**{**settings, **SGD})
    two = small(devices=2, **{**settings, **SGD})
    state = moved(one, PER_EPOCH)[1]
    state_one = moved(one, 1, state)[1]
    state_two = moved(two, 1, state)[1]
    assert_equal_trees(state_one["params"], state_two["params"], rtol=1e-5, atol=1e-6)
    assert_equal_trees(state_one["stats"], state_two["stats"], rtol=1e-5, atol=1e-6)


def test_frozen_statistics_are_used_and_kept():
    run = small(network=staged(batch_norm_frozen=True), **SGD)
    start = run.start()
    other = {"mean": 0.3, "var": 2.0}
    start["stats"] = {
        name: {leaf: jnp.full_like(array, other[leaf]) for leaf, array in tree.items()}
        for name, tree in start["stats"].items()
    }
    before, after = moved(run, 1, start)
    assert_equal_trees(before["stats"], after["stats"])
    both = (False, False)
    wanted = jax.grad(plain_loss)(before["params"], before["stats"], *batch(run, 0), both)
    found = jax.tree.map(lambda a, b: (a - b) / RATE, before["params"], after["params"])
    assert_equal_trees(found, jax.tree.map(np.array, wanted), rtol=1e-3, atol=1e-5)


REFUSED = {
    "training.last_stages=9": (
        "training.last_stages=9 is more than resnet18 has: 5 below its head (conv1, layer1, layer2,"
        " layer3, layer4); give at most 5, or -1 for all"
    ),
    "training.last_stages=0 training.unfreeze_epochs=1": "set last_stages=-1",
    "training.last_stages=0 optimizer.layer_decay=0.5": "has no effect",
    "training.unfreeze_epochs=1 optimizer.name=schedule_free schedule.name=constant": "use adamw",
}


@pytest.mark.parametrize("given", REFUSED)
def test_settings_that_do_not_go_together_are_refused(given):
    pairs = [tuple(pair.split("=")) for pair in f"model.names=resnet18 {given}".split()]
    with pytest.raises(ValueError) as told:
        check_names(override_all(Config(), pairs))
    assert REFUSED[given] in str(told.value)
    assert "\n" not in str(told.value)


def test_an_unfreezing_after_the_end_is_refused():
    late = override_all(Config(), [("training.unfreeze_epochs", "30")])
    with pytest.raises(ValueError, match="frees no stage within training"):
        check_times(late)


@pytest.mark.parametrize("name", ["alexnet", "alexnet_one_tower", "resnet18"])
def test_stages_are_all_layers_but_the_head_in_order(name):
    network = build(name, num_classes=3, image_size=64, head_layers=(5,))
    listed = [layer for stage in network.stages for layer in stage]
    last = {"resnet18": "fc"}.get(name, "fc8")
    assert len(listed) == len(set(listed))
    assert {*listed, "head", last} == set(network.shapes()[0])
    passed = [layer.layer.split("/")[0] for layer in network.layers()]
    order = list(dict.fromkeys(passed))
    assert order == [*(name for name in listed if name != "bn1"), "head", last]


def test_what_is_trained_is_said():
    network = staged()
    assert describe_stages(network, config()) == []
    head_only = {"training__last_stages": 0, "model__init_from": "weights.pth"}
    (line,) = describe_stages(network, config(**head_only))
    frozen = "frozen: first, norm, second, norm2, third"
    once = "the features that it reads are computed once"
    assert line == f"trained: last (52 parameters); {frozen}; {once}"


def test_layers_that_are_frozen_as_they_were_drawn_are_warned_of():
    _, line = describe_stages(staged(), config(training__last_stages=0))
    assert line.startswith("warning: the frozen layers of staged start from drawn weights")
    assert len(describe_stages(staged(), config(optimizer__layer_decay=0.5))) == 1
