"""Links in a folder of images: refused where they lead out, read once where they stay inside."""

import os
import random

import pytest

from lqjax.data.borders import Borders, name_trouble
from tests.data.making import class_folders, load, noise, save

LEADS_OUT = r"leads to .*, outside .*; copy it there, or allow such links with data\.allow_outside"


def file_link(root, far):
    (root / "cat" / "more.png").symlink_to(save(far / "x.png", noise(1, 28, 28)))


def class_link(root, far):
    class_folders(far, 10, ("bird",))
    (root / "bird").symlink_to(far / "bird")


def deep_link(root, far):
    class_folders(far, 10, ("bird",))
    (root / "cat" / "a").mkdir()
    (root / "cat" / "a" / "b").symlink_to("../../../far/bird")


def link_to_nowhere_outside(root, far):
    (root / "cat" / "more.png").symlink_to(far / "nothing.png")


def link_by_way_of_a_link(root, far):
    for number in range(10):
        save(far / f"{number}.png", noise(number, 28, 28))
    (root / "there").symlink_to(far)
    (root / "cat" / "more.png").symlink_to("../there/0.png")


@pytest.mark.parametrize(
    ("make", "added"),
    [
        (file_link, 1),
        (class_link, 10),
        (deep_link, 10),
        (link_by_way_of_a_link, 11),  # ten of them by the class folder "there"
        (link_to_nowhere_outside, None),
    ],
)
def test_links_that_lead_out_are_refused_unless_allowed(tmp_path, make, added):
    root, far = class_folders(tmp_path / "root"), tmp_path / "far"
    far.mkdir()
    make(root, far)
    with pytest.raises(ValueError, match=LEADS_OUT) as error:
        load("folder", root)
    assert "\n" not in str(error.value)
    shares = {"validation_fraction": 0.3, "test_fraction": 0.3}
    data = load("folder", root, allow_outside=True, on_bad_image="skip", **shares)
    assert len(data.train) + len(data.validation) + len(data.test) == 20 + (added or 0)
    assert len(data.skipped) == (0 if added else 1)


def test_a_folder_whose_name_begins_alike_is_outside(tmp_path):
    root = class_folders(tmp_path / "root")
    (root / "cat" / "x.png").symlink_to(save(tmp_path / "root2" / "x.png", noise(1, 28, 28)))
    with pytest.raises(ValueError, match=LEADS_OUT):
        load("folder", root)


def test_a_split_folder_may_be_a_link_where_that_is_allowed(tmp_path):
    class_folders(tmp_path / "root" / "train")
    class_folders(tmp_path / "far" / "test")
    (tmp_path / "root" / "test").symlink_to(tmp_path / "far" / "test")
    with pytest.raises(ValueError, match=LEADS_OUT):
        load("folder", tmp_path / "root")
    assert len(load("folder", tmp_path / "root", allow_outside=True).test) == 20


def test_the_root_may_be_a_link_and_links_inside_are_followed(tmp_path):
    root = class_folders(tmp_path / "root")
    (root / "cat" / "again.png").symlink_to("000.png")
    (root / "cat" / "absolute.png").symlink_to(root / "dog" / "000.png")
    (tmp_path / "link").symlink_to(root)
    data = load("folder", tmp_path / "link")
    assert len(data.train) + len(data.validation) + len(data.test) == 22


@pytest.mark.parametrize(
    ("stands", "path"), [(".", "."), ("cat", ".."), ("cat/more", "../.."), (".", "../pictures")]
)
def test_the_root_may_be_named_from_where_one_stands(tmp_path, monkeypatch, stands, path):
    class_folders(tmp_path / "pictures")
    (tmp_path / "pictures" / stands).mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "pictures" / stands)
    assert len(load("folder", path).train) > 0


@pytest.mark.parametrize("target", [".", "..", "../..", "../../cat"])
def test_loops_of_links_end(tmp_path, target):
    root = class_folders(tmp_path / "root")
    (root / "cat" / "deep").mkdir()
    (root / "cat" / "deep" / "loop").symlink_to(target)
    with pytest.raises(ValueError, match=r"cat/deep/loop: links to .* which holds it.*remove it"):
        load("folder", root, allow_outside=True)


TWICE = r"is the same folder as .*; its pictures would be read twice: remove the link"


def class_beside(root):
    (root / "cat2").symlink_to("cat")
    return "cat2", "cat"


def class_before(root):
    (root / "a cat").symlink_to(root / "cat")
    return "cat", "a cat"


def class_within(root):
    (root / "dog" / "cats").symlink_to("../cat")
    return "dog/cats", "cat"


def part_of_a_class(root):
    (root / "cat" / "x" / "y").mkdir(parents=True)
    (root / "dog" / "z").symlink_to("../cat/x")
    return "dog/z", "cat/x"


def what_a_link_leads_to_again(root):
    class_folders(root / ".store", 2, ("x",))
    (root / "cat" / "all").symlink_to("../.store")
    (root / "dog" / "some").symlink_to("../.store/x")
    return "dog/some", "cat/all/x"


@pytest.mark.parametrize(
    "make",
    [class_beside, class_before, class_within, part_of_a_class, what_a_link_leads_to_again],
)
def test_a_folder_that_is_read_is_not_read_again_by_a_link(tmp_path, make):
    root = class_folders(tmp_path / "root")
    second, first = make(root)
    with pytest.raises(ValueError, match=TWICE) as error:
        load("folder", root, on_bad_image="skip", allow_outside=True)
    assert str(error.value).startswith(f"{root / second}: is the same folder as {root / first}; ")


def test_a_split_is_not_read_again_as_another_one(tmp_path):
    class_folders(tmp_path / "train")
    (tmp_path / "val").symlink_to("train")
    with pytest.raises(ValueError, match=rf"val: {TWICE}"):
        load("folder", tmp_path)


def test_a_folder_that_is_read_by_a_link_alone_may_lie_anywhere_inside(tmp_path):
    root = class_folders(tmp_path / "root", 10, ("pool/cat", "pool/dog", "pool/bird"))
    (root / "train").mkdir()
    for name in ("cat", "dog"):
        (root / "train" / name).symlink_to(f"../pool/{name}")
    shares = {"validation_fraction": 0.3, "test_fraction": 0.3}
    data = load("folder", root, **shares)
    assert len(data.train) + len(data.validation) + len(data.test) == 20


def test_links_of_two_folders_to_each_other_end(tmp_path):
    root = class_folders(tmp_path / "root")
    (root / "cat" / "a").symlink_to("../dog")
    (root / "dog" / "b").symlink_to("../cat")
    with pytest.raises(ValueError, match=TWICE):
        load("folder", root)


def test_links_that_double_at_every_step_end(tmp_path):
    root = class_folders(tmp_path / "root")
    for step in range(40):
        (root / "cat" / f"s{step}").mkdir()
    for step in range(39):
        for name in "ab":
            (root / "cat" / f"s{step}" / name).symlink_to(f"../s{step + 1}")
    with pytest.raises(ValueError, match=TWICE):
        load("folder", root)


def test_a_link_to_itself_is_a_bad_image(tmp_path):
    root = class_folders(tmp_path / "root")
    (root / "cat" / "self.png").symlink_to("self.png")
    with pytest.raises(ValueError, match=r"self\.png: not a usable image .*symbolic links"):
        load("folder", root)
    assert len(load("folder", root, on_bad_image="skip").skipped) == 1


def test_paths_are_resolved_as_the_system_does(tmp_path):
    """Against `os.path.realpath`, on links made at random."""
    draw = random.Random(0)
    ends = ["", ".", "..", "x", "l3", "l30"]
    folders = [tmp_path / "root"]
    for number in range(12):
        folders.append(draw.choice(folders) / f"d{number}")
    for folder in folders:
        folder.mkdir(parents=True)
    there = list(folders)
    for number in range(150):
        link = draw.choice(folders) / f"l{number}"
        goal = draw.choice(there)
        if draw.random() < 0.5:
            goal = os.path.relpath(goal, link.parent)
        link.symlink_to(f"{goal}/{draw.choice(ends)}")
        there.append(link)
    borders = Borders(str(tmp_path / "root"), allow_outside=True)
    for path in there:
        for below in ("", "y", "../z"):
            text = f"{path}/{below}" if below else str(path)
            assert borders.check(text) == os.path.realpath(text), text


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("a b/é 猫\u3000\u00a0.png", ""),
        (os.fsdecode(b"caf\xe9.png"), r"not UTF-8"),
        ("a\nb.png", "control character"),
        ("a\x7f.png", "control character"),
        ("a\x85b.png", "control character"),
        ("a\u2028b.png", "control character"),
    ],
)
def test_names_that_cannot_be_written(name, trouble):
    assert trouble in name_trouble(name)
    assert bool(name_trouble(name)) == bool(trouble)
    name_trouble(name).encode("ascii")
