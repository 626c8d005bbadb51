"""How numbers and counts are written in tables, figures and sentences."""

from __future__ import annotations

import math

from lqjax.metrics.interval import Estimate

MISSING = "–"
NOT_DEFINED = "not defined"
"""Stands where a number has no meaning; the reason is said nearby."""

GAP_HEAD = "gap, points"
"""Heads a column of differences between two models; `about_gap` says of which."""

STAR = " *"
"""Marks a gap that is shown."""

LEAST_P = 0.001
"""Smaller p-values are written as being below it."""

SI_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
BINARY_PREFIXES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SECONDS_A_MINUTE = 60
SECONDS_AN_HOUR = 3600
SIGNIFICANT = 3


def percent(share: float) -> str:
    """Write a share in percent with one digit, without the sign: 0.7834 -> 78.3."""
    text = f"{100 * share:.1f}"
    return "0.0" if text == "-0.0" else text


def interval(estimate: Estimate) -> str:
    """Write both ends of an interval of shares in percent: [73.8, 82.3].

    An end that rounds to zero although the interval excludes zero gets the digits it needs.
    """
    ends = [percent(estimate.low), percent(estimate.high)]
    if estimate.excludes_zero():
        exact = (100 * estimate.low, 100 * estimate.high)
        ends = [
            significant(end, 1) if text == "0.0" else text
            for end, text in zip(exact, ends, strict=True)
        ]
    return f"[{', '.join(ends)}]"


def with_interval(estimate: Estimate | None) -> str:
    """Write a share in percent with its interval: 78.3 [73.8, 82.3]."""
    return MISSING if estimate is None else f"{percent(estimate.value)} {interval(estimate)}"


def with_deviation(estimate: Estimate | None, deviation: float | None) -> str:
    """Write a share with deviation and interval: 78.3 ± 1.2 [73.8, 82.3]."""
    if estimate is None or deviation is None:
        return with_interval(estimate)
    return f"{percent(estimate.value)} ± {percent(deviation)} {interval(estimate)}"


def gap(estimate: Estimate | None, shown: bool = False) -> str:
    """Write a difference in points with its interval, marked where it is shown."""
    if estimate is None:
        return MISSING
    text = percent(estimate.value)
    sign = "" if text.startswith("-") or text == "0.0" else "+"
    return f"{sign}{text} {interval(estimate)}{STAR if shown else ''}"


def about_gap(first: str, second: str) -> str:
    """Say between which models the gaps of a table are; empty for one model."""
    return f"Gap: {first} − {second}." if second else ""


def p_value(value: float | None) -> str:
    """Write a p-value with three digits: 0.042, <0.001."""
    if value is None:
        return MISSING
    return f"<{LEAST_P}" if value < LEAST_P else f"{value:.3f}"


def points(estimate: Estimate) -> str:
    """Write a difference in a sentence: 4.3 points [2.1, 6.5]."""
    return f"{percent(estimate.value)} points {interval(estimate)}"


def significant(value: float, digits: int = SIGNIFICANT) -> str:
    """Write a number with so many significant digits and no exponent: 0.01234 -> 0.0123."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def si(value: float, digits: int = SIGNIFICANT) -> str:
    """Write a count with an SI prefix: 4_089_184_256 -> 4.09 G."""
    for size, prefix in SI_PREFIXES:
        if value >= size:
            return f"{significant(value / size, digits)} {prefix}"
    return significant(value, digits)


def data_size(count: float, digits: int = SIGNIFICANT) -> str:
    """Write a number of bytes with a binary prefix: 102_228_128 -> 97.5 MiB."""
    for size, prefix in BINARY_PREFIXES:
        if count >= size:
            return f"{significant(count / size, digits)} {prefix}"
    return f"{significant(count, digits)} B"


def duration(seconds: float) -> str:
    """Write a time as people say it: 192.3 -> 3 min 12 s."""
    if seconds < SECONDS_A_MINUTE:
        return f"{significant(seconds)} s"
    whole = round(seconds)
    if whole < SECONDS_AN_HOUR:
        return f"{whole // SECONDS_A_MINUTE} min {whole % SECONDS_A_MINUTE} s"
    return f"{whole // SECONDS_AN_HOUR} h {whole % SECONDS_AN_HOUR // SECONDS_A_MINUTE} min"


def optional(value: float | None, digits: int) -> str:
    """Write a number with so many decimals, or a dash where there is none."""
    return MISSING if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def number_word(count: int) -> str:
    """Write a small count as a word: 2 -> two."""
    return NUMBER_WORDS[count] if count < len(NUMBER_WORDS) else f"{count:,}"


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: 1 image, 1,200 images."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def as_sentence(note: str) -> str:
    """Begin a note with a capital letter and end it with a full stop."""
    return note[:1].upper() + note[1:].removesuffix(".") + "."


def shorten(text: str, width: int) -> str:
    """Cut a text that is too long, so that one sees that it was cut."""
    return text if len(text) <= width else text[: width - 3] + "..."


def shorten_middle(text: str, width: int) -> str:
    """Cut a text that is too long in its middle, so that names with one beginning still differ."""
    if len(text) <= width:
        return text
    head = (width - 3) // 2
    return f"{text[:head]}...{text[len(text) - (width - 3 - head) :]}"
