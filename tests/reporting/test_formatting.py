"""Numbers, Markdown and HTML as they are written."""

import pytest

from lqjax.metrics.interval import Estimate
from lqjax.reporting import formatting
from lqjax.reporting.markdown_page import markdown_text
from lqjax.reporting.markup import element, escape
from lqjax.reporting.terminal import align
from lqjax.textlists import enumeration


@pytest.mark.parametrize(
    "value, text",
    [(4_089_184_256, "4.09 G"), (714_188_480, "714 M"), (61_100_840, "61.1 M"), (999, "999"),
     (1000, "1.00 k"), (1.2e12, "1.20 T"), (0, "0")],
)  # fmt: skip
def test_si(value, text):
    assert formatting.si(value) == text


@pytest.mark.parametrize(
    "seconds, text",
    [(0.5, "0.500 s"), (12.34, "12.3 s"), (192.3, "3 min 12 s"), (59.99, "60.0 s"),
     (119.7, "2 min 0 s"), (7384, "2 h 3 min")],
)  # fmt: skip
def test_duration(seconds, text):
    assert formatting.duration(seconds) == text


@pytest.mark.parametrize(
    "estimate, text",
    [
        ((0.043, 0.021, 0.065), "+4.3 [2.1, 6.5]"),
        ((-0.043, -0.065, -0.021), "-4.3 [-6.5, -2.1]"),
        ((0.003, -0.012, 0.018), "+0.3 [-1.2, 1.8]"),
        ((0.0, -0.01, 0.01), "0.0 [-1.0, 1.0]"),
        ((-0.0001, -0.01, 0.01), "0.0 [-1.0, 1.0]"),
        ((0.008, 0.0003, 0.02), "+0.8 [0.03, 2.0]"),
    ],
)
def test_gap(estimate, text):
    assert formatting.gap(Estimate(*estimate)) == text
    assert formatting.gap(Estimate(*estimate), shown=True) == f"{text} *"


@pytest.mark.parametrize(
    "value, text", [(0.05, "0.050"), (0.001, "0.001"), (0.0009, "<0.001"), (1.0, "1.000")]
)
def test_p_value(value, text):
    assert formatting.p_value(value) == text


def test_lists_and_counts_read_as_sentences():
    assert enumeration(["a", "b", "c"]) == "a, b and c"
    assert enumeration(["a"]) == "a"
    assert enumeration([]) == ""
    assert formatting.plural(1, "image") == "1 image"
    assert formatting.plural(1200, "image") == "1,200 images"
    assert formatting.number_word(2) == "two"
    assert formatting.shorten("a long name", 7) == "a lo..."


def test_html_escapes_and_sets_minus_signs():
    assert escape("a-1 < -2.5 & low_quality-3") == "a-1 &lt; −2.5 &amp; low_quality-3"
    assert element("p", "<b>", element("i", "x"), class_='"') == (
        '<p class="&quot;">&lt;b&gt;<i>x</i></p>'
    )


def test_markdown_escapes_names_and_leaves_intervals():
    assert markdown_text("4.3 [-2.1, 6.5] *") == "4.3 [-2.1, 6.5] \\*"
    assert markdown_text("a|b<i>\n_x_ [l](u)") == "a\\|b&lt;i&gt; \\_x\\_ \\[l\\](u)"


def test_terminal_cuts_names_and_never_numbers():
    cells = [
        ["accuracy %", "m" * 90, "n" * 20],
        ["clean", "78.3 [73.8, 82.3]", "+1.0 [0.1, 2.0] *"],
    ]
    text = align(cells)
    assert max(map(len, text.splitlines())) <= 100
    assert "78.3 [73.8, 82.3]" in text and "+1.0 [0.1, 2.0] *" in text
    assert "n" * 20 in text
