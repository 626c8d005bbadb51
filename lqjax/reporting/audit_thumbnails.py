"""Small copies of pictures that a page has inside."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

from PIL import Image

from lqjax.data.pictures import to_eight_bit

Show = Callable[[int], Image.Image | None]
"""Gives the picture of a row of the table; `None` where it may not or cannot be shown."""

SIDE = 240
"""px; longest side, sharp on screens with two pixels to a CSS pixel."""

SMALL = 120
"""px; pictures up to this longest side keep their pixels, each a whole number of larger ones."""

QUALITY = 88
"""Of the JPEG thumbnails of larger pictures."""


def data_address(picture: Image.Image) -> str:
    """Shrink a picture, or enlarge a tiny one so that its pixels show; write it into an address."""
    plain = to_eight_bit(picture)
    if plain.mode not in ("L", "RGB"):
        plain = plain.convert("RGB")
    longest = max(plain.size)
    if longest <= SMALL:
        factor = max(1, SIDE // longest)
        plain = plain.resize(
            (plain.width * factor, plain.height * factor), Image.Resampling.NEAREST
        )
        return _address(plain, "PNG", optimize=True)
    plain.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return _address(plain, "JPEG", quality=QUALITY)


def _address(picture: Image.Image, kind: str, **choices: object) -> str:
    written = io.BytesIO()
    picture.save(written, kind, **choices)
    data = base64.b64encode(written.getvalue()).decode()
    return f"data:image/{kind.lower()};base64,{data}"
