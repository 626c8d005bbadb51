"""The page in a real browser: what it looks up, writes to the console, and does when used."""

import pytest

from lqjax.reporting.report import write_report
from tests.reporting.browser import Browser, find_browser
from tests.reporting.conftest import build, grid_conditions

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium here")

NARROW, WIDE = 390, 1280


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    workdir = build(folder / "run", n=120)
    written = write_report([workdir])
    with Browser(find_browser(), folder / "profile") as found:
        found.resize(WIDE)
        found.open(f"file://{written.path}")
        found.page = f"file://{written.path}"
        yield found


@pytest.fixture
def page(browser):
    browser.prefer("light")
    browser.resize(WIDE)
    browser.open(browser.page)
    return browser


def column(page, number, table=0):
    """Read a column of a table from top to bottom."""
    return page.run(
        f"[...document.querySelectorAll('table[data-sortable]')[{table}].tBodies[0].rows]"
        f".map(row => row.cells[{number}].textContent.trim())"
    )


def numbers(cells):
    return [float(text.split()[0].replace("−", "-").replace("+", "")) for text in cells]


def click(page, number, table=0):
    page.run(
        f"document.querySelectorAll('table[data-sortable]')[{table}].tHead.rows[0]"
        f".cells[{number}].querySelector('button').click()"
    )


def order(page, number, table=0):
    return page.run(
        f"document.querySelectorAll('table[data-sortable]')[{table}].tHead.rows[0]"
        f".cells[{number}].getAttribute('aria-sort')"
    )


@pytest.mark.slow
def test_the_page_asks_for_nothing_and_complains_of_nothing(page):
    assert page.complaints == []
    addresses = {address.split(":", 1)[0] for address in page.requested}
    assert addresses <= {"file", "data"}


def test_the_policy_stops_what_is_not_part_of_the_page(page):
    page.run(
        "new Promise(done => { const image = new Image(); image.onerror = () => done();"
        " image.src = 'https://example.org/pixel.png'; })"
    )
    stopped = page.run("fetch('https://example.org/').then(() => 'loaded', () => 'stopped')")
    assert stopped == "stopped"
    page.run(
        "(() => { const script = document.createElement('script');"
        " script.textContent = 'window.alien = 1'; document.body.append(script); })()"
    )
    assert page.run("window.alien === undefined")
    violations = [text for text in page.complaints if "Content Security Policy" in text]
    assert any("https://example.org/'" in text for text in violations)
    assert any("https://example.org/pixel.png" in text for text in violations)
    assert any("inline script" in text for text in violations)
    page.complaints.clear()


TABLES = """
[...document.querySelectorAll("div.wide > table")].map(table =>
  [table.offsetWidth, table.parentElement.clientWidth, table.parentElement.className])
"""


def test_the_tables_of_two_networks_fit_a_wide_window(page):
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.resize(WIDE)
    tables = page.run(TABLES)
    assert len(tables) > 5
    assert all(table <= box + 1 and "fits" in kind for table, box, kind in tables), tables


@pytest.mark.slow
def test_the_tables_of_five_networks_with_long_names_fit_a_wide_window(page, tmp_path):
    names = ("alexnet", "resnet18", "resnet50", "vgg16_batch_norm", "mobilenet_v3_large_dropout")
    conditions = [c for c in grid_conditions() if c[0] == "clean" or "motion" in c[0]]
    workdir = build(
        tmp_path / "five",
        models=[(name, 0.9 - 0.03 * i) for i, name in enumerate(names)],
        n=60, conditions=conditions, gallery=False,
    )  # fmt: skip
    page.open(f"file://{write_report([workdir]).path}")
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.resize(WIDE)
    tables = page.run(TABLES)
    assert all(table <= box + 1 for table, box, _ in tables), tables
    heads = page.run("[...document.querySelectorAll('thead th')].map(th => th.textContent)")
    assert "mobilenet_v3_large_dropout %" in heads  # as it can be searched for and copied
    lines = page.run(  # of each flag in a sentence, however wide its paragraph is
        "[...document.querySelectorAll('.flag')].flatMap(flag =>"
        " Array.from({length: 200}, (_, i) => {"
        " flag.parentElement.style.width = `${300 + 2 * i}px`;"
        " return flag.getClientRects().length; }))"
    )
    assert lines and set(lines) == {1}


def test_on_a_phone_intervals_stand_below_their_numbers(page):
    page.resize(NARROW)
    top, below = page.run(
        # As it is without the script, too.
        "(() => { const cell = document.querySelector('td .interval').parentElement;"
        " cell.closest('div').classList.remove('tight', 'stacked');"
        " const range = document.createRange(); range.selectNode(cell.firstChild);"
        " return [range.getBoundingClientRect().bottom,"
        " cell.querySelector('.interval').getBoundingClientRect().top]; })()"
    )
    assert below >= top - 1
    kinds = page.run(TABLES)
    assert any("fits" not in kind for _, _, kind in kinds)


def test_a_command_can_be_copied_letter_by_letter(page):
    command = page.run("document.querySelector('dd code').textContent")
    assert command.startswith("mkdir /") and " --workdir=/" in command
    assert page.run("getComputedStyle(document.querySelector('dd code')).userSelect") == "all"


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_nothing_is_wider_than_the_window(page, width):
    page.resize(width)
    assert page.run("document.scrollingElement.scrollWidth") <= width
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert page.run("document.scrollingElement.scrollWidth") <= width


def test_every_picture_is_drawn_and_has_words(page):
    images = page.run(
        "Promise.all([...document.images].map(image => image.decode().then(() =>"
        " [image.alt.length, image.naturalWidth, image.naturalHeight])))"
    )
    assert len(images) >= 6
    assert all(words > 20 and width > 100 and height > 100 for words, width, height in images)


def test_numbers_sort_as_numbers_and_the_mean_stays_below(page):
    given = column(page, 2)
    click(page, 2)
    falling = column(page, 2)
    assert order(page, 2) == "descending"
    assert numbers(falling[:-1]) == sorted(numbers(given[:-1]), reverse=True)
    assert falling[-1] == given[-1] and column(page, 0)[-1] == "mean of the degraded"
    click(page, 2)
    assert numbers(column(page, 2)[:-1]) == sorted(numbers(given[:-1]))
    assert order(page, 2) == "ascending"
    click(page, 2)
    assert column(page, 2) == given and order(page, 2) is None


def test_negative_gaps_and_small_p_values_sort(page):
    for number in (4, 5):
        click(page, number)
        click(page, number)
        cells = [text for text in column(page, number) if text != "–"]
        values = [float(t.lstrip("<").split()[0].replace("−", "-")) for t in cells]
        shown = values[:-1] if number == 4 else values
        assert shown == sorted(shown)
        assert order(page, 2) is None


def test_names_sort_as_words(page):
    given = column(page, 0)
    click(page, 0)
    assert order(page, 0) == "ascending"
    assert column(page, 0)[:-1] == sorted(given[:-1], key=str.casefold)


def test_tables_sort_from_the_keyboard(page):
    given = column(page, 3)
    page.run(
        "document.querySelector('table[data-sortable]').tHead.rows[0].cells[3]"
        ".querySelector('button').focus()"
    )
    page.press("Enter", 13)
    assert order(page, 3) == "descending"
    assert numbers(column(page, 3)[:-1]) == sorted(numbers(given[:-1]), reverse=True)


def test_what_is_missing_stands_last_either_way(page):
    page.run(
        "(() => { const row = document.querySelector('table[data-sortable]').tBodies[0].rows[3];"
        " delete row.cells[2].dataset.value; row.cells[2].textContent = '–'; })()"
    )
    for _ in range(2):
        click(page, 2)
        assert column(page, 2)[-2] == "–"


def test_the_head_of_a_table_stays_in_sight(page):
    top = page.run(
        "(() => { const table = document.querySelector('table[data-sortable]');"
        " const row = table.tBodies[0].rows[6]; row.scrollIntoView();"
        " return table.tHead.rows[0].cells[0].getBoundingClientRect().top; })()"
    )
    assert -1 <= top <= 2


def test_the_list_of_contents_leads_to_the_sections(page):
    links = page.run(
        "[...document.querySelectorAll('nav a')].map(link =>"
        " [link.textContent, document.querySelector(link.getAttribute('href')).textContent])"
    )
    assert len(links) >= 4 and all(name == heading for name, heading in links)


CONTRASTS = """
(() => {
  const channel = (value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map(channel);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.tagName === "SCRIPT") continue;
    const text = light(getComputedStyle(element).color);
    const pair = [text, ground].sort((a, b) => b - a);
    found.push([(pair[0] + 0.05) / (pair[1] + 0.05), element.className || element.tagName]);
  }
  return [Math.min(...found.map((entry) => entry[0])), ground];
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_page(page, scheme):
    page.prefer(scheme)
    contrast, ground = page.run(CONTRASTS)
    assert contrast >= 4.5  # WCAG 2.2, criterion 1.4.3
    assert (ground > 0.5) == (scheme == "light")


DARKEST = """
(async () => {
  const image = document.images[0];
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  let least = 255;
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] === 255) least = Math.min(least, (data[i] + data[i + 1] + data[i + 2]) / 3);
  return least;
})()
"""


@pytest.mark.parametrize("scheme, ends", [("light", (0, 50)), ("dark", (50, 255))])
def test_figures_have_dark_ink_on_a_light_page_only(page, scheme, ends):
    page.prefer(scheme)
    page.open(page.page)
    assert ends[0] <= page.run(DARKEST) <= ends[1]


PRINTED = """
(() => {
  const style = (selector) => getComputedStyle(document.querySelector(selector));
  const sizes = [...document.images].map(image => [image.clientWidth, image.clientHeight]);
  return {
    ground: style("body").backgroundColor,
    interval: style("td .interval").color,
    contents: style("nav").display,
    button: style("th button").display,
    width: Math.max(...sizes.map(size => size[0])),
    height: Math.max(...sizes.map(size => size[1])),
    overflow: document.scrollingElement.scrollWidth,
    kept: ["div.wide:has(tbody tr:nth-child(3):last-child)", "figure"].map(
      selector => style(selector).breakInside),
    joined: [style(".caption").breakAfter, style(".caption").breakInside],
  };
})()
"""
PAPER_WIDTH, PAPER_HEIGHT = 688, 1017
"""CSS pixels of A4 within margins of 14 mm."""


def test_print_is_light_and_cuts_nothing(page):
    page.resize(PAPER_WIDTH)
    page.prefer("dark", "print")
    found = page.run(PRINTED)
    page.prefer("light")
    assert found["ground"] == "rgb(255, 255, 255)" and found["interval"] == "rgb(68, 68, 68)"
    assert found["contents"] == "none" and found["button"] == "contents"
    assert found["width"] <= PAPER_WIDTH and found["height"] <= PAPER_HEIGHT
    assert found["overflow"] <= PAPER_WIDTH
    assert found["kept"] == found["joined"] == ["avoid", "avoid"]


def test_the_printed_page_has_everything(page):
    document = page.printed()
    assert document.startswith(b"%PDF")
    assert 3 <= document.count(b"/Type /Page\n") <= 12


NAMED_IN_PRINT = """
[...document.querySelectorAll("details")].map(fold => [
  fold.querySelector("summary").textContent,
  getComputedStyle(fold.querySelector(".paper")).display,
])
"""


def test_a_closed_fold_is_a_line_in_print_that_names_its_file(page):
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = false)")
    page.prefer("light", "print")
    closed = dict(page.run(NAMED_IN_PRINT))
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    opened = dict(page.run(NAMED_IN_PRINT))
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = false)")
    page.prefer("light")
    on_screen = dict(page.run(NAMED_IN_PRINT))
    assert "All metrics: ranking and calibration: see metrics.csv" in closed
    assert set(closed.values()) == {"inline"}
    assert set(opened.values()) == set(on_screen.values()) == {"none"}
