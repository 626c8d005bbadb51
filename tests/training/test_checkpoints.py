"""Checkpoints: bit for bit on any devices, damage of any file, misfits, and what is kept."""

import dataclasses
import gc
import resource
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from etils import epath

from lqjax.epochs import best_epoch
from lqjax.rows import Epoch
from lqjax.training.aside import put_aside
from lqjax.training.checkpoints import Checkpoints, NotWrittenError
from lqjax.training.damage import UnreadableError
from lqjax.training.fitting import MisfitError
from lqjax.training.record import FORMAT, LaterFormatError, Record
from lqjax.training.state import (
    abstract_items,
    abstract_state,
    evaluation_weights,
    from_items,
    to_rest,
)
from tests.interruptions.replacer import items, shapes
from tests.training.small import Small, assert_equal_trees, config, split
from tests.training.tiny import TinyNetwork

# Orbax drops what it had begun when one file does not read, and Python remarks on it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def nothing_dropped_later():
    yield
    gc.collect()


BASE = Epoch("tiny", 0, 0, 1, 4, 1e-3, 0.5, 0.75, 0.25, 0.5, 31.5, 60.0)
OPTIMIZERS = ("sgd", "adamw", "rmsprop", "lamb", "sophia", "schedule_free")


def epoch(number, accuracy=0.5, loss=0.5):
    return dataclasses.replace(
        BASE, epoch=number, step=4 * number, validation_accuracy=accuracy, validation_loss=loss
    )


def small(devices=1, network=None, **settings):
    return Small(network or TinyNetwork(), config(**settings), split(), devices)


def open_at(folder, **how):
    return Checkpoints(epath.Path(folder), **how)


def save(checkpoints, made, state, record):
    checkpoints.save(
        evaluation_weights(state, made.settings), to_rest(state, made.settings), record
    )


def wanted(made):
    state = abstract_state(made.network, made.optimizer, made.settings, made.mesh)
    return abstract_items(state, made.settings, made.mesh)


def latest(folder, made, **how):
    """Give the state and the record of the latest checkpoint."""
    with open_at(folder, **how) as checkpoints:
        found = checkpoints.latest(*wanted(made))
    if found is None:
        return None
    model, rest, record = found
    return from_items(model, rest, made.settings), record


def moved(state):
    """A state without two numbers alike, and no compiling of a step for it."""
    generator = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: leaf + generator.integers(1, 99, leaf.shape).astype(leaf.dtype), state
    )


def on_host(tree):
    return jax.tree.map(np.array, tree)


@pytest.mark.parametrize(
    "settings",
    [
        *({"optimizer__name": name} for name in OPTIMIZERS),
        {"training__ema_decay": 0.9},
        {"optimizer__gradient_clip": 1, "schedule__name": "plateau"},
    ],
    ids=str,
)
def test_a_state_survives_bit_for_bit(tmp_path, settings):
    made = small(**settings)
    state = moved(made.start())
    saved = on_host(state)
    record = Record(2, (), 1.5, {"run": {"seed": 3}}, {"devices": 1})
    with open_at(tmp_path) as checkpoints:
        save(checkpoints, made, state, record)
    found, its = latest(tmp_path, made, read_only=True)
    assert_equal_trees(on_host(found), saved)
    plain = dataclasses.replace(its, checksums={}, structures={})
    assert plain == record and its.format == FORMAT
    with open_at(tmp_path, read_only=True) as checkpoints:
        model = checkpoints.model(2, wanted(made)[0])
    assert_equal_trees(model, evaluation_weights(state, made.settings))


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 8), (8, 1), (2, 8), (8, 2)])
def test_the_number_of_devices_may_change(tmp_path, before, after):
    made, other = small(before), small(after)
    state = moved(made.start())
    with open_at(tmp_path) as checkpoints:
        save(checkpoints, made, state, Record(1, ()))
    found, _ = latest(tmp_path, other)
    assert_equal_trees(on_host(found), on_host(state))
    assert len(jax.tree.leaves(state)[0].sharding.device_set) == before
    for leaf, fresh in zip(jax.tree.leaves(found), jax.tree.leaves(other.start()), strict=True):
        assert leaf.sharding == fresh.sharding and len(leaf.sharding.device_set) == after


def test_the_saved_state_may_be_donated_at_once(tmp_path):
    state = {"kernel": jnp.arange(4_000_000, dtype=jnp.float32)}
    expected = np.array(state["kernel"])
    step = jax.jit(lambda tree: {"kernel": tree["kernel"] + 1}, donate_argnums=0)
    step({"kernel": jnp.zeros_like(state["kernel"])})  # compiled before
    with open_at(tmp_path) as checkpoints:
        checkpoints.save(state, {"step": jnp.int32(1)}, Record(1, ()))
        for _ in range(20):
            state = step(state)
        jax.block_until_ready(state)
    shape = jax.ShapeDtypeStruct(
        expected.shape, expected.dtype, sharding=jax.sharding.SingleDeviceSharding(jax.devices()[0])
    )
    with open_at(tmp_path, read_only=True) as checkpoints:
        found = checkpoints.model(1, {"kernel": shape})
    np.testing.assert_array_equal(found["kernel"], expected)


TINY = ({"w": jnp.arange(3.0)}, {"step": jnp.int32(0)})
"""Items for tests that are about which checkpoints there are."""


def kept(folder):
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


@pytest.mark.parametrize(("keep", "left"), [(1, [8, 20]), (3, [8, 12, 16, 20])])
def test_the_best_and_the_latest_stay(tmp_path, keep, left):
    history = []
    with open_at(tmp_path, keep=keep) as checkpoints:
        for number, accuracy in enumerate([0.5, 0.9, 0.9, 0.7, 0.6], 1):
            history.append(epoch(number, accuracy))
            checkpoints.save(*TINY, Record(4 * number, tuple(history)))
    assert kept(tmp_path) == left


def test_what_is_saved_within_an_epoch_pushes_out_no_finished_epoch(tmp_path):
    history = (epoch(1, 0.9), epoch(2, 0.7))
    with open_at(tmp_path, keep=1) as checkpoints:
        checkpoints.save(*TINY, Record(4, history[:1]))
        checkpoints.save(*TINY, Record(8, history))
        for step in (9, 10, 11):
            checkpoints.save(*TINY, Record(step, history, seconds=step / 2))
    assert kept(tmp_path) == [4, 8, 11], "the best epoch, the last one, the latest"
    with open_at(tmp_path, read_only=True) as checkpoints:
        assert checkpoints.steps() == [11, 8, 4]
        record = checkpoints.record(11)
    assert (record.step, record.history, record.seconds) == (11, history, 5.5)


def test_before_the_first_epoch_ends_only_the_latest_stay(tmp_path):
    with open_at(tmp_path, keep=2) as checkpoints:
        for step in (1, 2, 3):
            checkpoints.save(*TINY, Record(step, ()))
    assert kept(tmp_path) == [2, 3]


def test_a_checkpoint_of_the_same_step_is_replaced(tmp_path):
    made = small()
    state = made.start()
    later = moved(state)
    with open_at(tmp_path) as checkpoints:
        save(checkpoints, made, state, Record(4, ()))
        save(checkpoints, made, later, Record(4, (epoch(1),)))
    found, record = latest(tmp_path, made)
    assert record.history == (epoch(1),)
    assert_equal_trees(on_host(found), on_host(later))


def number_of_latest(folder, say=print):
    with open_at(folder, say=say) as checkpoints:
        model, _, record = checkpoints.latest(*shapes())
    assert (np.asarray(model["w"]) == record.seconds).all()
    return record.seconds


@pytest.fixture
def interrupted(tmp_path):
    """The folder of a run that was killed after it had put step 4 aside."""
    with open_at(tmp_path) as checkpoints:
        checkpoints.save(*items(1))
    put_aside(epath.Path(tmp_path), 4)
    (tmp_path / "4.orbax-checkpoint-tmp-1" / "model").mkdir(parents=True)
    return tmp_path


def test_the_earlier_one_is_back_if_its_replacement_was_never_whole(interrupted):
    assert number_of_latest(interrupted) == 1.0
    assert [path.name for path in interrupted.iterdir()] == ["4"]


def test_the_earlier_one_goes_when_its_replacement_is_written_or_read(interrupted):
    shutil.copytree(interrupted / "replaced.4", interrupted.parent / "spare")
    assert number_of_latest(interrupted) == 1.0
    with open_at(interrupted) as checkpoints:
        checkpoints.save(*items(2))
        assert [path.name for path in interrupted.iterdir()] == ["4"]
    shutil.move(interrupted.parent / "spare", interrupted / "replaced.4")
    assert number_of_latest(interrupted) == 2.0
    assert [path.name for path in interrupted.iterdir()] == ["4"]


def test_the_earlier_one_is_used_if_its_replacement_is_damaged(interrupted):
    shutil.copytree(interrupted / "replaced.4", interrupted / "4")
    (interrupted / "4" / "record" / "metadata").write_text("{}")
    said = []
    assert number_of_latest(interrupted, said.append) == 1.0
    assert "the one it was to replace is used" in said[0] and len(said) == 1
    assert kept(interrupted) == [4] and (interrupted.parent / "damaged" / "4").exists()


def test_a_replacement_that_cannot_be_written_leaves_the_earlier_one(tmp_path):
    with open_at(tmp_path) as checkpoints:
        checkpoints.save(*items(1))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    said = pytest.raises(NotWrittenError, match="1 earlier one is left: make room and")
    try:
        with said, open_at(tmp_path) as checkpoints:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # as a full disk
            checkpoints.save(*items(2))
    finally:  # not before it is closed: what is written in the background must fail as well
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert number_of_latest(tmp_path) == 1.0


def test_the_folder_may_be_named_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open_at("here/checkpoints") as checkpoints:
        checkpoints.save(*items(1))
        checkpoints.save(*items(2))
    assert number_of_latest("here/checkpoints") == 2


def test_best_epoch_prefers_accuracy_then_loss_then_the_earlier():
    assert best_epoch([epoch(1, 0.5), epoch(2, 0.9), epoch(3, 0.7)]).epoch == 2
    assert best_epoch([epoch(1, 0.9, 0.5), epoch(2, 0.9, 0.4)]).epoch == 2
    assert best_epoch([epoch(1, 0.9, 0.4), epoch(2, 0.9, 0.4)]).epoch == 1


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Two checkpoints, of steps 4 and 5, and the states that they hold."""
    folder = tmp_path_factory.mktemp("shared") / "checkpoints"
    made = small(optimizer__name="sgd", training__ema_decay=0.9)
    _, _, state = made.run(4)
    states = {4: on_host(state)}
    with open_at(folder, keep=2) as checkpoints:
        save(checkpoints, made, state, Record(4, (epoch(1),)))
        _, _, state = made.run(1, state)
        save(checkpoints, made, state, Record(5, (epoch(1),), 0.5, {"run": {"seed": 0}}))
    states[5] = on_host(state)
    return folder, made, states


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip_a_bit(file):
    data = bytearray(file.read_bytes())
    place = np.random.default_rng(len(data)).integers(8 * max(len(data), 1))
    if data:
        data[place // 8] ^= 1 << (place % 8)
    file.write_bytes(bytes(data))


DAMAGES = {
    "deleted": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "truncated": truncate,
    "a wrong bit": flip_a_bit,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", DAMAGES)
def test_no_damage_of_any_file_goes_unseen(tmp_path, shared, kind):
    folder, made, states = shared
    files = [path.relative_to(folder) for path in (folder / "5").rglob("*") if path.is_file()]
    assert len(files) > 20
    outcomes = {4: 0, 5: 0}
    for number, file in enumerate(files):
        work = tmp_path / str(number)
        shutil.copytree(folder, work / "checkpoints")
        DAMAGES[kind](work / "checkpoints" / file)
        said = []
        state, record = latest(work / "checkpoints", made, say=said.append)
        outcomes[record.step] += 1
        assert_equal_trees(on_host(state), states[record.step])
        assert record.history == (epoch(1),)
        if record.step == 5:
            assert not said and record.seconds == 0.5, file
            assert record.config == {"run": {"seed": 0}}, file
        else:
            (warning,) = said
            assert f"checkpoint 5 is damaged ({work}/checkpoints/5: " in warning, file
            assert f"was moved to {work}/damaged/5; the one before it is used" in warning, file
            assert kept(work / "checkpoints") == [4] and kept(work / "damaged") == [5]
    assert outcomes[4] > 5, "many files matter"


@pytest.mark.parametrize("item", ["model", "rest"])
def test_every_bit_of_the_numbers_counts(tmp_path, shared, item):
    """Swapping an array's file for one with other values leaves nothing for a parser to see."""
    folder, made, states = shared
    shutil.copytree(folder, tmp_path / "checkpoints")
    for part in ("d", "ocdbt.process_0", "manifest.ocdbt"):
        target = tmp_path / "checkpoints" / "5" / item / part
        source = folder / "4" / item / part
        if target.is_dir():
            shutil.rmtree(target)
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    said = []
    state, record = latest(tmp_path / "checkpoints", made, say=said.append)
    assert record.step == 4 and f"the checksum of {item} is wrong" in said[0]
    assert_equal_trees(on_host(state), states[4])


def test_a_record_of_another_step_is_seen(tmp_path, shared):
    folder, made, _ = shared
    shutil.copytree(folder, tmp_path / "checkpoints")
    file = tmp_path / "checkpoints" / "5" / "record" / "metadata"
    text = file.read_text()
    assert '"seconds": 0.5' in text
    file.write_text(text.replace('"seconds": 0.5', '"seconds": 0.7'))
    said = []
    assert latest(tmp_path / "checkpoints", made, say=said.append)[1].step == 4
    assert "the checksum of its record is wrong" in said[0]


def test_when_all_are_damaged_none_is_used(tmp_path, shared):
    folder, made, _ = shared
    shutil.copytree(folder, tmp_path / "checkpoints")
    for step in (4, 5):
        (tmp_path / "checkpoints" / str(step) / "record" / "metadata").write_text("{")
    said = []
    assert latest(tmp_path / "checkpoints", made, say=said.append) is None
    assert len(said) == 2 and said[1].endswith("no other is left")
    assert kept(tmp_path / "damaged") == [4, 5]


def test_who_only_reads_moves_nothing(tmp_path, shared):
    folder, made, _ = shared
    shutil.copytree(folder, tmp_path / "checkpoints")
    for file in (tmp_path / "checkpoints" / "5" / "model").rglob("d/*"):
        file.write_bytes(b"")
    with (
        open_at(tmp_path / "checkpoints", read_only=True) as checkpoints,
        pytest.raises(UnreadableError, match=r"checkpoints/5: ") as caught,
    ):
        checkpoints.model(5, wanted(made)[0])
    assert "\n" not in str(caught.value)
    assert kept(tmp_path / "checkpoints") == [4, 5]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"network": TinyNetwork(num_classes=7)},
         r"params/head/kernel is float32\(16, 4\) there and float32\(16, 7\) here"),
        ({"network": TinyNetwork(width=8)}, r"float32\(.*16.*\) there and float32\(.*8.*\) here"),
        ({"network": TinyNetwork(norm=False)}, r"has params/norm/bias, float32\(16,\), which"),
        ({"optimizer__name": "adamw"}, r"it has no optimizer/\S+, which is \w+\(.*\) here"),
        ({"training__ema_decay": 0}, r"it has \S+, float32\(.*\), which is not here"),
    ],
    ids=["classes", "network", "layers", "optimiser", "average"],
)  # fmt: skip
def test_a_checkpoint_of_something_else_is_refused_and_stays(tmp_path, shared, other, message):
    folder, _, _ = shared
    shutil.copytree(folder, tmp_path / "checkpoints")
    settings = {"optimizer__name": "sgd", "training__ema_decay": 0.9, **other}
    with pytest.raises(MisfitError, match=message) as caught:
        latest(tmp_path / "checkpoints", small(**settings))
    assert "checkpoints/5 " in str(caught.value) and "use another workdir" in str(caught.value)
    assert kept(tmp_path / "checkpoints") == [4, 5]


def test_a_later_format_is_refused_and_stays(tmp_path):
    with open_at(tmp_path) as checkpoints:
        checkpoints.save(*TINY, Record(1, (), format=FORMAT + 1))
        with pytest.raises(LaterFormatError, match=rf"format {FORMAT + 1}.*to {FORMAT}:.*update"):
            checkpoints.latest(*TINY)
    assert kept(tmp_path) == [1]


def test_fields_of_a_later_version_are_left_out():
    from lqjax.training.damage import sealed

    values = sealed({**dataclasses.asdict(Record(3, (epoch(1),))), "later": 1})
    assert Record.from_json(values, epath.Path("3")) == Record(3, (epoch(1),))


def test_what_a_killed_writer_left_is_cleared_away(tmp_path, shared):
    folder, made, _ = shared
    shutil.copytree(folder, tmp_path / "checkpoints")
    begun = tmp_path / "checkpoints" / "9.orbax-checkpoint-tmp"
    shutil.copytree(folder / "5", begun)
    assert latest(tmp_path / "checkpoints", made)[1].step == 5
    assert not begun.exists()


def test_a_full_disk_is_one_line_and_the_earlier_checkpoint_stays(tmp_path, monkeypatch):
    checkpoints = open_at(tmp_path)
    checkpoints.save(*TINY, Record(1, ()))
    checkpoints.finish()

    def full(*arguments, **named):
        raise OSError(28, "No space left on device")

    message = r"No space left .* 1 earlier one is left: make room and start the same command again"
    with pytest.raises(NotWrittenError, match=message) as caught, checkpoints:
        monkeypatch.setattr(checkpoints._manager, "save", full)
        checkpoints.save(*TINY, Record(2, ()))
    assert "\n" not in str(caught.value)
    assert kept(tmp_path) == [1]


def test_without_any_there_is_nothing_to_read(tmp_path):
    assert latest(tmp_path / "none", small()) is None
