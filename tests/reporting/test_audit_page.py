"""The page of an audit in a real browser: wide and narrow, light and dark, with all folds open."""

import io
import shlex

import numpy as np
import pytest
from PIL import Image

import lqjax
from tests.data.making import noise, save
from tests.reporting.browser import Browser, find_browser
from tests.reporting.test_browser import CONTRASTS, NARROW, TABLES, WIDE

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium here")

LONG = "a_name_without_a_space_that_somebody_gave_to_a_film_of_1998_" * 2


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Audit pictures in which something is wrong with many, and one has a long name."""
    folder = tmp_path_factory.mktemp("it is a folder")
    films = folder / "films with a name"
    for part, count in (("train", 20), ("test", 8)):
        for row in range(count):
            kind = ("cat", "dog & <b>hound<b>")[row % 2]
            pixels = noise(100 * len(part) + row, 30, 30)
            save(films / part / kind / f"{row}.png", pixels // (1 + 19 * (row < 6)))
    for name in ("twin", LONG):
        save(films / "train" / "cat" / f"{name}.png", noise(405, 30, 30))
    save(films / "test" / "cat" / "twin.png", noise(405, 30, 30))
    (films / "train" / "cat" / "bro-ken.png").write_bytes(b"no picture")
    found = lqjax.audit(
        source="folder", path=str(films), workdir=folder / "a run", image_size=28, thumbnails=4
    )
    with Browser(find_browser(), folder / "profile") as browser:
        browser.page = f"file://{found.page}"
        yield browser


@pytest.fixture(params=[NARROW, WIDE])
def width(request, page):
    page.prefer("light")
    page.resize(request.param)
    page.open(page.page)
    return request.param


def unfold(page):
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = true)")


@pytest.mark.slow
def test_it_asks_for_nothing_and_complains_of_nothing(page, width):
    assert page.complaints == []
    assert {address.split(":", 1)[0] for address in page.requested} <= {"file", "data"}


def test_nothing_is_wider_than_the_window(page, width):
    for _ in range(2):
        assert page.run("document.scrollingElement.scrollWidth") <= width
        unfold(page)


def test_tables_fit_a_wide_window(page, width):
    unfold(page)
    page.resize(width)
    tables = page.run(TABLES)
    assert len(tables) > 5
    if width == WIDE:
        assert all(table <= box + 1 and "fits" in kind for table, box, kind in tables), tables


def test_every_picture_is_drawn_and_has_words(page, width):
    unfold(page)
    images = page.run(
        "Promise.all([...document.images].map(image => image.decode().then(() =>"
        " [image.alt.length, image.naturalWidth, image.naturalHeight, image.width])))"
    )
    assert len(images) >= 12
    assert all(words > 5 and min(sides) > 20 for words, *sides in images), images


def test_names_are_text(page, width):
    assert page.run("document.querySelectorAll('b').length") == 0
    assert page.run("document.body.textContent.includes('dog & <b>hound<b>')")
    assert page.run("document.body.textContent.includes('bro-ken.png')")


def test_flags_of_a_command_break_between_words_and_copy_as_they_are(page, width):
    broken, copied, written = page.run(
        "(() => { const code = document.querySelector('dd code');"
        " const box = code.getBoundingClientRect(), style = getComputedStyle(code);"
        " const space = box.width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);"
        " const broken = [...code.querySelectorAll('span')].filter(word => {"
        "   const range = document.createRange(); range.selectNodeContents(word);"
        "   const whole = document.createElement('span'); whole.textContent = word.textContent;"
        "   whole.style.cssText = 'position:absolute;white-space:nowrap;max-width:none';"
        "   code.append(whole); const needed = whole.getBoundingClientRect().width; whole.remove();"
        "   return needed <= space && range.getClientRects().length > 1; });"
        " getSelection().selectAllChildren(code);"
        " return [broken.map(word => word.textContent), getSelection().toString(),"
        "   code.textContent]; })()"
    )
    assert broken == [] and copied == written
    program, *flags = shlex.split(copied)
    assert program == "lqjax" and any("films with a name" in flag for flag in flags)
    assert any(flag.startswith("--config.data.keep=") for flag in flags)


def test_the_list_of_contents_leads_to_the_sections(page, width):
    links = page.run(
        "[...document.querySelectorAll('nav a')].map(link =>"
        " [link.textContent, document.querySelector(link.getAttribute('href')).textContent])"
    )
    assert len(links) >= 6 and all(name == heading for name, heading in links)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_from_the_ground(page, width, scheme):
    page.prefer(scheme)
    unfold(page)
    contrast, ground = page.run(CONTRASTS)
    assert contrast >= 4.5  # WCAG 2.2, criterion 1.4.3
    assert (ground > 0.5) == (scheme == "light")


def test_a_figure_follows_the_page_into_the_dark(page, width):
    page.prefer("dark")
    region = page.run(
        "(() => { const box = document.querySelector('figure img').getBoundingClientRect();"
        " return [box.x + scrollX, box.y + scrollY, Math.min(box.width, 300), box.height]; })()"
    )
    shown = np.asarray(Image.open(io.BytesIO(page.picture(region))).convert("L"), int)
    assert np.median(shown) < 80 and shown.max() > 150


def test_what_is_printed_has_all_folds_named(page, width):
    assert page.printed().startswith(b"%PDF")
    page.prefer("light", "print")
    hidden = page.run(
        "[...document.querySelectorAll('details:not([open]) .paper')].filter(paper =>"
        " getComputedStyle(paper).display === 'none').length"
    )
    assert hidden == 0
