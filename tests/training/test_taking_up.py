"""A working directory that does not fit is refused, and left as it is."""

import hashlib

import pytest
from flax import nnx

import lqjax
from lqjax.locking import LOCK_NAME
from lqjax.models.base import MODELS, Architecture
from tests.data.making import class_folders
from tests.small_launch import Small, Stoppable

CLASSES = ("ant", "bee", "cat")
SETTINGS = {
    "source": "folder",
    "image_size": 28,
    "names": ("taken_up",),
    "epochs": 1,
    "training_batch_size": 8,
    "evaluation_batch_size": 8,
    "conditions": ("clean",),
    "latency_runs": 1,
    "devices": 2,
}


class Wide(Small):
    WIDTH = 24


class Unchanged(nnx.Module):
    def __call__(self, maps, train):
        return maps


class Unnormalised(Small):
    """Without batch statistics."""

    def __init__(self, settings, draws):
        super().__init__(settings, draws)
        self.norm = Unchanged()


def use(monkeypatch, kind):
    made = Architecture(kind, {"imagenet": 28, "small": 28}, "tests", True, "maps")
    monkeypatch.setitem(MODELS._entries, "taken_up", made)


@pytest.fixture
def pictures(tmp_path):
    return class_folders(tmp_path / "pictures", 12, CLASSES)


@pytest.fixture
def trained(tmp_path, pictures, monkeypatch):
    """Give what trains, and goes on; keywords change settings."""
    use(monkeypatch, Small)

    def train(**changed):
        settings = {**SETTINGS, "path": str(pictures), **changed}
        return lqjax.train(workdir=tmp_path / "run", **settings)

    return train


def contents(workdir):
    """Digest everything in a working directory but the lock."""
    return {
        path.relative_to(workdir): path.is_dir() or hashlib.sha256(path.read_bytes()).hexdigest()
        for path in workdir.rglob("*")
        if path.name != LOCK_NAME
    }


def assert_refused(workdir, message, run):
    before = contents(workdir)
    assert len(before) > 10
    with pytest.raises(ValueError, match=message) as refused:
        run()
    assert "\n" not in str(refused.value)
    assert contents(workdir) == before


def test_other_classes_change_nothing(trained, tmp_path, pictures):
    trained()
    class_folders(pictures, 12, (*CLASSES, "dog"))
    shapes = r"last/bias is \w+\(3,\) there and \w+\(4,\) here"
    assert_refused(tmp_path / "run", shapes, trained)
    assert_refused(tmp_path / "run", shapes, lambda: lqjax.evaluate(workdir=tmp_path / "run"))


def test_classes_of_other_names_change_nothing(trained, tmp_path, pictures):
    trained()
    (pictures / "bee").rename(pictures / "bug")
    message = "other classes: class 1 is 'bee' there and 'bug' in the data"
    assert_refused(tmp_path / "run", message, trained)
    assert_refused(tmp_path / "run", message, lambda: lqjax.evaluate(workdir=tmp_path / "run"))


@pytest.mark.slow
def test_names_that_are_lost_are_written_again(trained, tmp_path):
    trained()
    [path] = (tmp_path / "run").rglob("model.json")
    whole = path.read_bytes()
    for left in (b"", b'{"class_names": ["a', b"\xff", b"[]"):
        path.write_bytes(left)
        trained()
        assert path.read_bytes() == whole


def test_another_network_changes_nothing(trained, tmp_path, monkeypatch):
    trained()
    use(monkeypatch, Wide)
    shapes = r"first/bias is \w+\(16,\) there and \w+\(24,\) here"
    assert_refused(tmp_path / "run", shapes, trained)
    assert_refused(tmp_path / "run", shapes, lambda: lqjax.evaluate(workdir=tmp_path / "run"))


def test_a_network_whose_layers_have_other_names_changes_nothing(trained, tmp_path, monkeypatch):
    trained()
    use(monkeypatch, Stoppable)
    shapes = (
        r"has no params/bn/bias, which is \w+\(32,\) here, and has params/first/bias,"
        r" \w+\(16,\), which is not here"
    )
    assert_refused(tmp_path / "run", shapes, trained)
    assert_refused(tmp_path / "run", shapes, lambda: lqjax.evaluate(workdir=tmp_path / "run"))


def test_another_optimiser_changes_nothing_though_the_settings_are_lost(trained, tmp_path):
    trained()
    (tmp_path / "run" / "config.json").unlink()
    assert_refused(tmp_path / "run", "another network", lambda: trained(optimizer_name="sgd"))


def test_other_settings_change_nothing(trained, tmp_path):
    trained()
    message = "training.epochs: 1 -> 2"
    assert_refused(tmp_path / "run", message, lambda: trained(epochs=2))
    message = "model.dropout"
    assert_refused(tmp_path / "run", message, lambda: trained(dropout=0.1))


def test_a_damaged_checkpoint_is_still_passed_over(trained, tmp_path, pictures):
    trained()
    (step,) = (tmp_path / "run").glob("runs/*/*/checkpoints/*")
    (step / "model" / "_METADATA").write_text("{}")
    assert trained().models[0].history[0].epoch == 1
    assert (step.parents[1] / "damaged" / step.name).exists()


PER_DEVICE = {"epochs": 2, "batch_norm": "device"}


class EnoughError(Exception):
    pass


def cut_off(trained, name="epoch", **settings):
    """Train until the log has a line with some name in it."""

    def write(_, values):
        if name in values:
            raise EnoughError

    with pytest.raises(EnoughError):
        trained(writers=[write], **settings)


@pytest.mark.slow
def test_statistics_per_device_need_as_many_devices_as_before(trained, tmp_path):
    cut_off(trained, **PER_DEVICE)
    message = r"model.batch_norm=device on 2 device.*are 1 now.*set run.devices=2"
    assert_refused(tmp_path / "run", message, lambda: trained(**PER_DEVICE, devices=1))
    assert len(trained(**PER_DEVICE).models[0].history) == 2


@pytest.mark.slow
def test_testing_does_not_depend_on_who_normalised_what(trained, tmp_path):
    trained(**PER_DEVICE)
    trained(**PER_DEVICE, devices=1)  # there is nothing left to train
    (one,) = lqjax.evaluate(workdir=tmp_path / "run", devices=1).rows
    for file in (tmp_path / "run").glob("runs/*/*/conditions/*"):
        file.unlink()
    (two,) = lqjax.evaluate(workdir=tmp_path / "run", devices=2).rows
    assert (one.n, one.correct) == (two.n, two.correct)
    assert one.loss == pytest.approx(two.loss, rel=1e-5)


def test_before_the_first_checkpoint_the_devices_may_change(trained):
    cut_off(trained, "learning_rate", log_every=1, **PER_DEVICE)
    assert len(trained(**PER_DEVICE, log_every=1, devices=1).models[0].history) == 2


def test_a_network_without_batch_statistics_does_not_mind(trained, monkeypatch):
    use(monkeypatch, Unnormalised)
    cut_off(trained, **PER_DEVICE)
    assert len(trained(**PER_DEVICE, devices=1).models[0].history) == 2
