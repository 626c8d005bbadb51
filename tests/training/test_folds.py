"""Several folds as one program: the same as each by itself on images of its own."""

from functools import partial

import jax
import numpy as np
import pytest
from etils import epath

from lqjax.data.normalisation import normalisation
from lqjax.data.order import epoch_order
from lqjax.data.resident import Resident
from lqjax.progress import Progress
from lqjax.runtime import replicated
from lqjax.settings import replace_at
from lqjax.stopping import Terminated
from lqjax.training.class_weights import class_weights
from lqjax.training.courses import Courses
from lqjax.training.loop import Trainer
from lqjax.training.material import Material
from lqjax.training.position import stacked
from lqjax.training.scales import make_scales
from lqjax.training.seeds import train_seeds
from lqjax.training.state import create_state
from lqjax.workdir import Workdir
from tests.training.small import BATCH, CLASSES, Small, assert_equal_trees, config, split, taken
from tests.training.test_loop import EVERYTHING, final_state, measured, timeless
from tests.training.test_seeds import FEATURES, Said
from tests.training.tiny import TinyNetwork

COUNT = 90
ROWS = {0: np.arange(20, 90), 1: np.r_[0:20, 40:89], 2: np.r_[0:40, 60:90]}
"""By fold: 70, 69 and 70 of the images, four batches each."""
SEEDS = (0, 3)
RUNS = [(fold, seed) for fold in ROWS for seed in SEEDS]


def pool():
    """Make images that are darker and of rarer classes towards the end, so that folds differ."""
    made = split(count=COUNT)
    made.images[...] = (made.images * np.linspace(1, 0.3, COUNT)[:, None, None, None]).astype("u1")
    made.labels[60:] = made.labels[60:] % 2
    return made


def scales_of(data, mesh, kind):
    counts = np.bincount(data.labels, minlength=len(CLASSES))
    return make_scales(normalisation(data), class_weights(kind, CLASSES, counts), mesh)


def materials(settings, mesh, validate=measured, rows=ROWS):
    kind, images = settings.training.class_weights, pool()
    return {
        fold: Material(own, scales_of(images.take(own), mesh, kind), validate)
        for fold, own in rows.items()
    }


def ones(shape, mesh):
    return jax.device_put(np.ones(shape, np.float32), replicated(mesh))


def started(course, network, settings, seed, mesh):
    return create_state(network, course.optimizer, replace_at(settings, "run.seed", seed), mesh)


def losses_alone(network, settings, steps):
    """Make steps of each run on a copy of its images."""
    mesh, alone = Small(network, settings, pool()).mesh, []
    for fold in ROWS:
        own = pool().take(ROWS[fold])
        course = Courses(network, settings, Resident(own, mesh), mesh).of(len(own))
        scales = scales_of(own, mesh, settings.training.class_weights)
        for seed in SEEDS:
            state = started(course, network, settings, seed, mesh)
            order = partial(epoch_order, seed, count=len(own))
            alone.append(taken(course.dispatcher, state, ones((), mesh), scales, order, steps))
    return np.array(alone)


def losses_together(network, settings, steps):
    """Make steps of all runs as one program."""
    mesh = Small(network, settings, pool()).mesh
    course = Courses(network, settings, Resident(pool(), mesh), mesh).of(len(ROWS[0]))
    of_fold = materials(settings, mesh)
    together = taken(
        course.dispatcher.of_several(len(RUNS)),
        stacked([started(course, network, settings, seed, mesh) for _, seed in RUNS]),
        ones(len(RUNS), mesh),
        stacked([of_fold[fold].scales for fold, _ in RUNS]),
        lambda epoch: np.stack(
            [of_fold[fold].order(seed, epoch)[: 4 * BATCH] for fold, seed in RUNS]
        ),
        steps,
    )
    return together.T


def losses_of(network, settings, steps):
    """Make steps of all runs as one program, and of each by itself."""
    return losses_together(network, settings, steps), losses_alone(network, settings, steps)


WEIGHTED = {**FEATURES, "training__class_weights": "auto"}


@pytest.mark.slow
def test_one_float32_step_is_that_of_each_fold_alone():
    together, alone = losses_of(TinyNetwork(), config(**WEIGHTED), 1)
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    assert len(np.unique(np.round(alone, 4))) == len(RUNS)


@pytest.mark.slow
def test_twenty_float64_steps_are_those_of_each_fold_alone():
    with jax.enable_x64(True):
        together, alone = losses_of(TinyNetwork(dtype="float64"), config(**WEIGHTED), 20)
    np.testing.assert_allclose(together, alone, rtol=1e-9)


def trainer(folder, settings, validate=measured, rows=ROWS):
    small = Small(TinyNetwork(), settings, pool())
    made = materials(settings, small.mesh, validate, rows)
    images = Resident(pool(), small.mesh)
    return Trainer(small.network, settings, runs_in(folder)[0], images, made, small.mesh)


def runs_in(folder, folds=ROWS):
    return [Workdir(epath.Path(folder)).run("tiny", 0, fold) for fold in folds]


ALL = {**EVERYTHING, "training__epochs": 2, "training__class_weights": "auto"}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    made = {}
    for how in ("always", "never"):
        folder, said = tmp_path_factory.mktemp(how), Said()
        first = trainer(folder, config(**ALL, run__seeds_together=how))
        made[how] = (folder, train_seeds(first, runs_in(folder), said), said.lines, first)
    return made


def test_each_fold_is_a_run_of_its_own_with_the_same_numbers(both):
    for a, b in zip(both["always"][1], both["never"][1], strict=True):
        for one, other in zip(a, b, strict=True):
            assert (one.fold, one.epoch, one.step) == (other.fold, other.epoch, other.step)
            assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
            assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)
    assert [history[0].fold for history in both["always"][1]] == list(ROWS)
    assert "tiny: 3 folds as one program" in both["always"][2]
    assert "tiny: 3 folds in turn (run.seeds_together=never)" in both["never"][2]
    states = [final_state(both[how][3].with_runs([runs_in(both[how][0])[1]])) for how in both]
    assert_equal_trees(*states, rtol=2e-3, atol=2e-4)


@pytest.mark.slow
def test_killed_they_go_on_as_one_program(both, tmp_path):
    settings, calls = config(**ALL, run__seeds_together="always"), iter(range(100))

    def validate(params, stats):
        if next(calls) == 4:  # the second fold in the second epoch
            raise Terminated
        return measured(params, stats)

    with pytest.raises(Terminated):
        train_seeds(trainer(tmp_path, settings, validate), runs_in(tmp_path), Said())
    said = Said()
    again = train_seeds(trainer(tmp_path, settings), runs_in(tmp_path), said)
    assert [line for line in said.lines if "folds" in line] == ["tiny: 3 folds as one program"]
    folder, whole, _, first = both["always"]
    assert [timeless(history) for history in again] == [timeless(history) for history in whole]
    for here, there in zip(runs_in(tmp_path), runs_in(folder), strict=True):
        mine = final_state(first.with_runs([here]))
        assert_equal_trees(mine, final_state(first.with_runs([there])))


@pytest.mark.slow
def test_folds_of_other_numbers_of_steps_are_programs_of_their_own(tmp_path):
    rows = {**ROWS, 1: ROWS[1][: 4 * BATCH - 1]}
    settings = config(**{**ALL, "training__epochs": 1}, run__seeds_together="always")
    said = Said()
    made = train_seeds(trainer(tmp_path, settings, rows=rows), runs_in(tmp_path), said)
    how = [line for line in said.lines if "fold" in line]
    assert how == [
        "tiny: 3 folds as 2 programs (epochs of 3 and 4 steps)",
        "tiny: 2 folds as one program",
    ]
    assert [(history[0].fold, history[0].step) for history in made] == [(0, 4), (1, 3), (2, 4)]


def test_in_turn_folds_share_what_is_compiled(tmp_path, caplog):
    settings = config(**{**ALL, "training__epochs": 1}, run__seeds_together="never")
    with jax.log_compiles(), caplog.at_level("WARNING"):
        train_seeds(trainer(tmp_path, settings), runs_in(tmp_path), Progress())
    found = "Finished XLA compilation of jit(several)"
    assert sum(found in record.getMessage() for record in caplog.records) == 1
