"""Our flags against cleanvision's, both at their defaults, on a folder with known faults.

Where the definitions are the same both find what was planted and nothing else. Where they differ
each picture that only one of them flags is accounted for by the definitions, computed here.
"""

import contextlib
import io
import warnings

import numpy as np
import pytest
from PIL import Image, ImageFilter

from lqjax.auditing.duplicates import EXACT, NEAR, find_duplicates
from lqjax.auditing.flags import flagged_by, rules
from lqjax.auditing.measuring import measure
from lqjax.config import AuditConfig, DataConfig
from lqjax.data.source import SOURCES
from tests.auditing.scenes import leaves, levels_of
from tests.auditing.test_against_cleanvision import crops
from tests.data.making import save

pytestmark = pytest.mark.usefixtures("quick_compilation")

GOOD, OF_EACH = 160, 8
SIDE, SPREAD = 80, 12

SAME = {"dark": "dark", "light": "over_exposed", "blurry": "blurry",
        "low_information": "low_information", "odd_aspect_ratio": "odd_aspect",
        "odd_size": "odd_size", "exact_duplicates": EXACT, "near_duplicates": NEAR}  # fmt: skip
"""Their issues and ours. A grey picture is an issue of theirs only."""

ALIKE = ("dark", "light", "odd_aspect_ratio", "odd_size", "exact_duplicates", "near_duplicates")
"""Defined alike but for rounding, or tell the same by other means."""

PIECES = (3, 4, 7, 10)
"""Of the photographs; well lit ones."""

THUMBNAIL, EDGES = 64, ImageFilter.FIND_EDGES
OUR_SHARPNESS, THEIR_SHARPNESS, THEIR_LEVELS, BITS = 0.15, 0.29, 0.18, 3.0
"""The defaults of the thresholds; `THEIR_LEVELS` is called color_threshold there."""


def scene(seed, side=SIDE):
    """Leaves in front of each other, tinted."""
    tint = np.random.default_rng(seed).uniform(0.75, 1, 3)
    return Image.fromarray(levels_of(leaves(seed, side, 1)[..., None] * tint))


def scaled(picture, factor):
    return picture.point(lambda level: round(level * factor))


def lightened(picture, factor):
    return picture.point(lambda level: round(255 - (255 - level) * factor))


def blurred(number):
    """Blur leaves and photographs in turn."""
    if number % 2:
        return scene(1200 + number).filter(ImageFilter.GaussianBlur(2.5 + number))
    piece = crops(PIECES[-1] + 1)[PIECES[number // 2]]
    return piece.filter(ImageFilter.GaussianBlur(9)).resize((SIDE, SIDE * 7 // 8))


def few_levels(seed, count):
    """A grey drawing of some levels, stored in colour."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, count, (SIDE // 10, SIDE // 10))
    drawn = np.kron(60 + blocks * (150 // count), np.ones((10, 10))).astype(np.uint8)
    return Image.fromarray(drawn).convert("RGB")


def nearly(picture, number):
    """Change a picture so that it looks the same."""
    if number % 2:
        return picture.point(lambda level: min(level + 2, 255))
    width, height = picture.size
    return picture.resize((width * 5 // 4, height * 5 // 4), Image.Resampling.BICUBIC)


def fill(root):
    """Save good pictures and faults; give the names of the faults by what they are."""
    good = [scene(seed, SIDE + seed % (2 * SPREAD) - SPREAD) for seed in range(GOOD)]
    for number, picture in enumerate(good):
        save(root / f"good/{number:03}.png", picture)
    faults = {
        "dark": lambda n: scaled(scene(1000 + n), 0.05 + 0.03 * n),
        "light": lambda n: lightened(scene(1100 + n), 0.02 + 0.005 * n),
        "blurry": lambda n: blurred(n),
        "low_information": lambda n: few_levels(n, 2 if n % 2 else 6),
        "odd_aspect_ratio": lambda n: scene(1400 + n, 144).crop((0, 0, 144, 20 + 3 * n)),
        "odd_size": lambda n: scene(1500 + n).resize(((14, 14), (500, 480))[n % 2]),
        "exact_duplicates": lambda n: good[n],
        "near_duplicates": lambda n: nearly(good[20 + n], n),
    }
    for issue, made in faults.items():
        for number in range(OF_EACH):
            save(root / f"{issue}/{number}.png", made(number))
    return {issue: {f"{issue}/{n}.png" for n in range(OF_EACH)} for issue in faults}


def our_flags(root):
    settings = DataConfig(source="folder", path=str(root), image_size=64, workers=1)
    table = measure(SOURCES["folder"](settings), settings)
    defaults = AuditConfig()
    found = {rule.flag: flagged_by(rule, table).rows for rule in rules(table, defaults)}
    groups = find_duplicates(table, defaults.hash_distance)
    for kind in (EXACT, NEAR):
        found[kind] = [row for group in groups if group.kind == kind for row in group.rows]
    return {flag: {ending(table.names[row]) for row in rows} for flag, rows in found.items()}


def their_issues(root):
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # of the libraries below
        from cleanvision import Imagelab

        lab = Imagelab(data_path=str(root), verbose=False)
        lab.find_issues(n_jobs=1, verbose=False)
    return {
        issue: {ending(path) for path in lab.issues.index[lab.issues[f"is_{issue}_issue"]]}
        for issue in SAME
    }


def ending(path):
    return "/".join(str(path).split("/")[-2:])


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    root = tmp_path_factory.mktemp("folder")
    planted = fill(root)
    return root, planted, our_flags(root), their_issues(root)


@pytest.mark.parametrize("issue", ALIKE[:-1])
def test_both_find_the_same(found, issue):
    _, planted, ours, theirs = found
    expected = planted[issue]
    if issue == "exact_duplicates":
        expected = expected | {f"good/{number:03}.png" for number in range(OF_EACH)}
    assert ours[SAME[issue]] == theirs[issue] == expected


def test_near_duplicates_are_found_by_other_hashes(found):
    """Theirs are equal, ours differ in two bits at most; all but one of the pairs by both."""
    _, planted, ours, theirs = found
    pairs = planted["near_duplicates"] | {f"good/{20 + n:03}.png" for n in range(OF_EACH)}
    assert ours[NEAR] <= pairs and theirs["near_duplicates"] <= pairs
    assert len(ours[NEAR] & theirs["near_duplicates"]) >= len(pairs) - 2


def test_what_only_we_call_of_low_information_has_few_levels_of_luma(found):
    """Theirs counts red, green and blue in one heap, which adds up to 1.6 bit."""
    root, planted, ours, theirs = found
    flag, issue = ours["low_information"], theirs["low_information"]
    assert len(issue) >= OF_EACH // 2 and issue <= flag and planted["low_information"] <= flag
    pictures = [Image.open(root / name) for name in flag - issue]
    assert pictures
    assert all(p.convert("L").entropy() < BITS <= p.entropy() for p in pictures)


def deviation(picture, inside):
    """Give that of the edges of the picture shrunk to 64 px, in levels, with its borders or not."""
    ratio = max(max(picture.size) / THUMBNAIL, 1)
    small = picture.convert("L").resize([int(side // ratio) for side in picture.size])
    edges = np.asarray(small.filter(EDGES), np.float64)
    spread = np.histogram(np.asarray(small), 256, (0, 256))[0].std()
    return (edges[1:-1, 1:-1] if inside else edges).std(), 1 - np.exp(-spread / 100)


def test_what_only_we_call_blurry_their_score_hides(found):
    """By the borders, which their edges contain, or by what they add for few levels.

    All that was blurred is found by us, not all by them.
    """
    root, planted, ours, theirs = found
    assert planted["blurry"] <= ours["blurry"]
    assert theirs["blurry"] <= ours["blurry"] and theirs["blurry"] & planted["blurry"]
    only_ours = ours["blurry"] - theirs["blurry"]
    assert only_ours & planted["blurry"]
    for name in only_ours:
        picture = Image.open(root / name)
        inside, levels = deviation(picture, inside=True)
        whole, _ = deviation(picture, inside=False)
        assert 1 - np.exp(-inside / 100) < OUR_SHARPNESS + 0.01, name
        hidden = levels if levels > THEIR_LEVELS else 0
        assert 1 - np.exp(-whole / 100) + hidden >= THEIR_SHARPNESS, name


def test_good_pictures_have_no_flag_of_either(found):
    _, _, ours, theirs = found
    for issue in SAME:
        if not issue.endswith("duplicates"):
            assert not [n for n in ours[SAME[issue]] | theirs[issue] if n.startswith("good/")]
