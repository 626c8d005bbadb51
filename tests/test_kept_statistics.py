"""Mean and deviation go with the weights: they are tested with those they were trained with."""

import json

import numpy as np
import pytest

import lqjax
from lqjax.cli import main
from lqjax.data import stock as stock_module
from lqjax.kept_statistics import kept_text
from lqjax.trained_weights import belongings_of_run, find_run
from tests.test_same_images import made, stopped  # noqa: F401 (a fixture)

pytestmark = pytest.mark.usefixtures("quick_compilation", "undrawn_figures")

MEAN, STD = (0.3,), (0.2,)


def recipe_of(made):  # noqa: F811
    [path] = made.workdir.rglob("model.json")
    return path, json.loads(path.read_text())


def rewrite(made, **changed):  # noqa: F811
    """Have a run say something else of its weights, as if it had been trained with that."""
    path, recipe = recipe_of(made)
    del recipe["seal"]
    path.write_text(kept_text({**recipe, **changed}))


def test_testing_reads_them_beside_the_weights_and_fits_nothing(made, monkeypatch):  # noqa: F811
    made.train(epochs=1)
    before = lqjax.evaluate(workdir=made.workdir).rows[0].loss

    def fitted_anew(split, settings):
        raise AssertionError("they are known")

    monkeypatch.setattr(stock_module, "statistics_of", fitted_anew)
    for folder in made.workdir.rglob("conditions"):
        for file in folder.iterdir():
            file.unlink()
    assert lqjax.evaluate(workdir=made.workdir).rows[0].loss == before
    for folder in made.workdir.rglob("conditions"):
        for file in folder.iterdir():
            file.unlink()
    rewrite(made, mean=[0.1], std=[0.9])
    assert lqjax.evaluate(workdir=made.workdir).rows[0].loss != before


@pytest.mark.slow
def test_training_goes_on_with_those_it_was_begun_with(made):  # noqa: F811
    whole = made.train().models[0].history
    for path in sorted(made.workdir.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    stopped(made)
    _, before = recipe_of(made)
    rewrite(made, mean=[before["mean"][0] + 0.05])
    other = made.train().models[0].history
    # BatchNorm makes up for them in a step, but not in validation, by the statistics so far.
    assert [
        epoch.validation_loss == mine.validation_loss
        for epoch, mine in zip(whole, other, strict=True)
    ] == [True, False]
    assert recipe_of(made)[1]["mean"] == [float(np.float32(before["mean"][0] + 0.05))]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"mean": [1], "std": [0], "channels": 1}'])
def test_damaged_ones_are_fitted_again(made, text):  # noqa: F811
    stopped(made)
    path, before = recipe_of(made)
    path.write_text(text)
    made.train()
    assert recipe_of(made)[1] == before


def test_fixed_ones_are_kept_too(made):  # noqa: F811
    made.train(epochs=1, mean=MEAN, std=STD)
    _, recipe = recipe_of(made)
    np.testing.assert_array_equal(recipe["mean"], np.float32(MEAN))
    np.testing.assert_array_equal(recipe["std"], np.float32(STD))
    kept = json.loads((made.workdir / "environment.json").read_text())["dataset"]
    assert (kept["mean"], kept["std"]) == (recipe["mean"], recipe["std"])


def change(made, **values):  # noqa: F811
    """Change what a run says of its weights, as an editor does."""
    path, recipe = recipe_of(made)
    path.write_text(json.dumps({**recipe, **values}))
    return path


def test_changed_ones_are_refused_and_training_writes_them_again(made, tmp_path, capsys):  # noqa: F811
    made.train(epochs=1)
    path, before = recipe_of(made)
    pictures = sorted(made.pictures.rglob("*.png"))[:3]
    expected = lqjax.load(made.workdir).predict(pictures).probabilities
    flags = [f"--workdir={made.workdir}", f"--input={made.pictures}"]
    predict = ["--mode=predict", *flags, f"--output={tmp_path / 'predictions.csv'}"]
    refusal = (
        f"{path} cannot be used (it was changed since training wrote it: its seal is of other"
        f" values); --mode=train --workdir={made.workdir} writes it again"
    )
    for values in ({"mean": [0.1]}, {"class_names": ["ant", "cat", "bee"]}):
        change(made, **values)
        for use in (
            lambda: lqjax.load(made.workdir),
            lambda: lqjax.export_weights(made.workdir, tmp_path / "a.safetensors"),
            lambda: lqjax.train(
                workdir=tmp_path / "next", **made.settings(init_from=str(made.workdir))
            ),
        ):
            with pytest.raises(ValueError) as refused:
                use()
            assert str(refused.value) == refusal
        capsys.readouterr()
        assert main(predict) == 2
        assert capsys.readouterr().err == f"lqjax: {refusal}\n"
        path.write_text(json.dumps(before))
    change(made, mean=[0.1])
    assert main(["--mode=train", f"--workdir={made.workdir}"]) == 0
    assert recipe_of(made)[1] == before
    again = lqjax.load(made.workdir).predict(pictures).probabilities
    np.testing.assert_array_equal(again, expected)


def test_changed_ones_are_not_tested_with(made, caplog):  # noqa: F811
    made.train(epochs=1)
    rows = lqjax.evaluate(workdir=made.workdir).rows
    assert "is not used" not in caplog.text
    for folder in made.workdir.rglob("conditions"):
        for file in folder.iterdir():
            file.unlink()
    path = change(made, mean=[0.1], std=[0.9])
    assert lqjax.evaluate(workdir=made.workdir).rows[0].loss == rows[0].loss
    assert f"warning: {path} is not used (it was changed since training" in caplog.text


def test_those_of_earlier_versions_carry_no_seal_and_are_read(made):  # noqa: F811
    made.train(epochs=1)
    path, recipe = recipe_of(made)
    del recipe["seal"]
    path.write_text(json.dumps({**recipe, "mean": [0.125]}))
    assert belongings_of_run(find_run(made.workdir)).mean == (0.125,)
    lqjax.load(made.workdir)
    lqjax.evaluate(workdir=made.workdir)
