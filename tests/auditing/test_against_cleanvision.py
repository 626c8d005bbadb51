"""What cleanvision flags in a folder is what our measures put last."""

import warnings

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageFilter
from scipy.stats import spearmanr

from lqjax.auditing.measuring import measure
from lqjax.config import DataConfig
from lqjax.data.source import SOURCES
from tests.data.making import save

pytestmark = pytest.mark.usefixtures("quick_compilation")

NEAR = 4
"""Bits between the hashes of near duplicates."""


def crops(count, width=160, height=140):
    """Cut pieces that do not overlap out of scikit-image's photographs."""
    found = []
    for name in ("astronaut", "coffee"):
        whole = Image.fromarray(getattr(skimage.data, name)())
        for top in range(0, whole.height - height, height):
            for left in range(0, whole.width - width, width):
                found.append(whole.crop((left, top, left + width, top + height)))
    assert len(found) >= count
    return found[:count]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Our table, cleanvision's, and the ends of the names in the order of ours."""
    root = tmp_path_factory.mktemp("folder")
    *good, other = crops(13)
    for number, picture in enumerate(good):
        save(root / f"a/good{number:02}.png", picture)
    for number in (3, 7, 10):
        save(root / f"b/blurry{number}.png", good[number].filter(ImageFilter.GaussianBlur(9)))
    for number, factor in enumerate((0.08, 0.15, 0.25)):
        save(root / f"b/dark{number}.png", good[3 + number].point(lambda v, f=factor: v * f))
    for number, factor in enumerate((0.04, 0.02)):
        light = good[6 + number].point(lambda v, f=factor: 255 - (255 - v) * f)
        save(root / f"b/light{number}.png", light)
    for number in range(2):
        flat = Image.new("L", (160, 140), 100 + 20 * number)
        flat.paste(130, (20, 30, 60, 90))
        save(root / f"b/plain{number}.png", flat)
    save(root / "b/wide.png", other.resize((340, 60)))
    save(root / "b/huge.png", other.transpose(Image.Transpose.ROTATE_90).resize((1400, 1600)))
    save(root / "b/exact.png", good[9])
    save(root / "b/near.png", good[10].point(lambda v: min(255, v + 1)))
    settings = DataConfig(source="folder", path=str(root), image_size=64, workers=1)
    ours = measure(SOURCES["folder"](settings), settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, of the libraries below
        from cleanvision import Imagelab

        lab = Imagelab(data_path=str(root), verbose=False)
        lab.find_issues(n_jobs=1, verbose=False)
    theirs = lab.issues.loc[[str(name) for name in ours.names]]
    return ours, theirs, [str(name).rpartition("/")[2] for name in ours.names], lab


@pytest.mark.parametrize(
    ("issue", "name", "lowest_first"),
    [
        ("dark", "dark_level", True),
        ("light", "bright_level", False),
        ("low_information", "entropy", True),
        ("odd_aspect_ratio", "aspect", True),
    ],
)
def test_what_they_flag_ours_puts_last(both, issue, name, lowest_first):
    ours, theirs, names, _ = both
    flagged = theirs[f"is_{issue}_issue"].to_numpy(bool)
    assert 0 < flagged.sum() < 10
    order = np.argsort(ours.measures[name] if lowest_first else -ours.measures[name])
    worst = {names[row] for row in order[: flagged.sum()]}
    assert worst == {names[row] for row in np.flatnonzero(flagged)}


def test_what_they_flag_as_blurry_ours_puts_last_of_the_well_exposed(both):
    """Their score counts the outermost pixels, which Pillow's filter leaves, and few levels."""
    ours, theirs, names, _ = both
    others = ["is_dark_issue", "is_light_issue", "is_low_information_issue"]
    exposed = np.flatnonzero(~theirs[others].any(axis=1).to_numpy())
    flagged = {names[row] for row in exposed if theirs["is_blurry_issue"].iloc[row]}
    assert flagged == {"blurry3.png", "blurry7.png", "blurry10.png"}
    order = exposed[np.argsort(ours.measures["sharpness"][exposed])]
    assert {names[row] for row in order[:3]} == flagged
    assert ours.measures["sharpness"][order[2]] < 0.1 < 0.25 < ours.measures["sharpness"][order[3]]


def test_scores_are_theirs(both):
    """Of what is defined alike; percentiles are counted in steps, luma is taken first."""
    ours, theirs, _, _ = both
    found = ours.measures
    assert found["dark_level"] == pytest.approx(theirs["dark_score"].to_numpy(), abs=5e-3)
    assert 1 - found["bright_level"] == pytest.approx(theirs["light_score"].to_numpy(), abs=5e-3)
    assert found["aspect"] == pytest.approx(theirs["odd_aspect_ratio_score"].to_numpy())
    assert (found["channels"] == 1).tolist() == theirs["is_grayscale_issue"].tolist()


def test_entropy_orders_pictures_as_theirs_does(both):
    ours, _, _, lab = both
    entropy = lab.info["low_information"]["entropy"].loc[[str(n) for n in ours.names]]
    assert spearmanr(ours.measures["entropy"], entropy).statistic > 0.9


def test_the_odd_size_is_the_farthest_from_the_middle(both):
    ours, theirs, names, _ = both
    flagged = theirs["is_odd_size_issue"].to_numpy(bool)
    side = np.sqrt(ours.measures["width"] * ours.measures["height"])
    distance = np.abs(np.log(side / np.median(side)))
    assert names[int(np.argmax(distance))] == "huge.png"
    assert flagged[names.index("huge.png")]


def test_duplicates_are_theirs(both):
    ours, _, names, lab = both
    ends = [str(name) for name in ours.names]
    for group in lab.info["exact_duplicates"]["sets"]:
        rows = [ends.index(path) for path in group]
        assert len({ours.pixels[row] for row in rows}) == 1
    assert len(set(ours.pixels)) == len(names) - 1  # one pair
    exact = [names.index("good09.png"), names.index("exact.png")]
    assert ours.pixels[exact[0]] == ours.pixels[exact[1]]
    near = {
        frozenset((i, j))
        for i in range(len(names))
        for j in range(i)
        if np.bitwise_count(ours.hashes[i] ^ ours.hashes[j]) <= NEAR
    }
    for group in lab.info["near_duplicates"]["sets"]:
        first, *others = (ends.index(path) for path in group)
        assert all(frozenset((first, other)) in near for other in others)
    assert frozenset((names.index("good10.png"), names.index("near.png"))) in near
    originals = [row for row, name in enumerate(names) if name.startswith("good")]
    assert not any(pair <= set(originals) for pair in near)
