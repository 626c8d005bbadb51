"""HTML elements in which every text is escaped."""

from __future__ import annotations

import html
import re

VOID = ("img", "meta")


class Markup(str):
    """Text that is HTML already; any other string is escaped when it becomes a child."""


def element(tag: str, *children: str, **attributes: str | bool | None) -> Markup:
    """Build an element; a trailing underscore in an attribute's name is dropped (`class_`),
    others become hyphens.

    >>> element("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    written = "".join(
        f" {name.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{html.escape(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False and value != ""
    )
    if tag in VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{join(*children)}</{tag}>")


def join(*children: str) -> Markup:
    """Put children one after the other, escaping what is not markup."""
    return Markup("".join(c if isinstance(c, Markup) else escape(c) for c in children))


def verbatim(text: str) -> Markup:
    """Escape a text that people copy: its hyphens stay hyphens."""
    return Markup(html.escape(text))


def escape(text: str) -> Markup:
    """Escape a text and give its negative numbers a minus sign."""
    return Markup(re.sub(r"(?<![\w.\-])-(?=\d)", "−", html.escape(text)))
