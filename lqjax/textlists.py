"""Lists in one line of text, as the command line and the condition grammar write them."""

from __future__ import annotations

OPENING = "([{"
CLOSING = ")]}"


def split_list(text: str, separator: str = ",") -> tuple[str, ...]:
    """Split at separators outside brackets; strip the parts and drop empty ones.

    Raises:
      ValueError: a bracket is not closed, or closed without being opened.

    >>> split_list("gaussian_blur(kernel_size=9,sigma=3),clean")
    ('gaussian_blur(kernel_size=9,sigma=3)', 'clean')
    """
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in OPENING) - (character in CLOSING)
        if depth < 0:
            raise ValueError(f"{text!r}: a bracket is closed that was not opened")
        if character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    if depth:
        raise ValueError(f"{text!r}: a bracket is not closed")
    parts.append(text[start:])
    return tuple(part.strip() for part in parts if part.strip())
