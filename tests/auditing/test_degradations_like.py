import numpy as np
import pytest

from lqjax.auditing.degradations_like import NOISE_IN_LUMA, degradations_like
from lqjax.imaging.conditions import expand
from tests.auditing.tables import make_table


def table(count=101, **changes):
    spread = np.linspace(0, 1, count)
    return make_table(
        count,
        input_noise_sigma=0.02 + 0.04 * spread,
        input_blur_sigma=0.5 + spread,
        jpeg_quality=90 - 40 * spread,
        **changes,
    )


def test_median_and_90th_percentile_become_conditions_of_the_grid():
    found = degradations_like(table(), 64, channels=1)
    middle, worse = found.levels
    assert middle.steps == {
        "blur": "gaussian_blur(kernel_size=7,sigma=1)",
        "noise": "gaussian_noise(sigma=0.04)",
        "compression": "jpeg(quality=70)",
    }
    assert worse.chain == (
        "gaussian_blur(kernel_size=11,sigma=1.4)|gaussian_noise(sigma=0.056)|jpeg(quality=54)"
    )
    assert (middle.level, worse.level) == ("median", "90th percentile")
    names = [condition.name for condition in expand(found.conditions)]
    assert names == list(found.conditions) and len(names) == 8


def test_noise_in_colour_leaves_as_much_in_luma():
    random = np.random.default_rng(0)
    noise = random.normal(size=(200_000, 3)) @ [0.299, 0.587, 0.114]
    assert noise.std() == pytest.approx(NOISE_IN_LUMA, rel=0.01)
    (middle, _) = degradations_like(table(), 64).levels  # the table says 3 channels
    assert middle.steps["noise"] == f"gaussian_noise(sigma={0.04 / 0.669:.2g})"


def test_what_is_hardly_there_is_left_out():
    clean = make_table(5, input_noise_sigma=[0.001] * 5, input_blur_sigma=[0.0] * 5,
                       jpeg_quality=[np.nan] * 5)  # fmt: skip
    found = degradations_like(clean, 64)
    assert found.levels == () and found.conditions == ()
    assert all(line.startswith("#") for line in found.text().splitlines())


def test_jpeg_is_left_out_where_the_files_are_much_larger_than_the_input():
    found = degradations_like(table(width=np.full(101, 640.0), height=np.full(101, 480.0)), 64)
    assert "compression" not in found.levels[0].steps
    assert "0.12 times" in found.notes[0] and f"# {found.notes[0]}" in found.text()


def test_the_file_is_read_back_by_the_grid(tmp_path):
    found = degradations_like(table(), 64)
    path = tmp_path / "conditions.txt"
    path.write_text(found.text())
    names = [condition.name for condition in expand(["clean", f"@{path}"])]
    assert names[0] == "clean" and set(names[1:]) == set(found.conditions)
