"""What a decoding process does: it answers requests on its standard input until that is closed.

A request is a line of JSON; the answer a line of JSON, and the pixels behind it. Nothing is
unpickled, and the program that started it is not imported again. See `lqjax.data.decoders`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

import numpy as np
from PIL import Image, ImageFile

from lqjax.data.picture_rows import ColourFoundError, Form, decode_rows, strict_decoders
from lqjax.data.pictures import open_picture

LONGEST_REASON = 4096
"""Characters of a decoder's message that are handed on."""


def serve() -> None:
    """Answer requests; the first line in says what Pillow is to allow, the first out is empty."""
    requests = sys.stdin.buffer
    # What a decoder prints must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    set_limits(json.loads(requests.readline()))
    _send(answers, {})
    with strict_decoders():
        while line := requests.readline():
            answer, pixels = _answer(json.loads(line))
            _send(answers, answer, pixels)


def limits() -> dict[str, Any]:
    """Give what this process lets Pillow do, for `set_limits` in another one."""
    return {"pixels": Image.MAX_IMAGE_PIXELS, "truncated": ImageFile.LOAD_TRUNCATED_IMAGES}


def set_limits(wanted: dict[str, Any]) -> None:
    """Let Pillow do here what another process lets it do."""
    Image.MAX_IMAGE_PIXELS = wanted["pixels"]
    ImageFile.LOAD_TRUNCATED_IMAGES = wanted["truncated"]


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray | None]:
    paths, form = request["paths"], Form(**request["form"])
    try:
        pixels, bad = decode_rows(
            lambda row: open_picture(paths[row], form.size),
            range(len(paths)),
            form,
            request["stop_at_bad"],
        )
    except ColourFoundError:
        return {"colour": True}, None
    reasons = [(row, (str(e) or type(e).__name__)[:LONGEST_REASON]) for row, e in bad]
    return {"good": len(pixels), "bad": reasons}, pixels


def _send(answers: IO[bytes], answer: dict[str, Any], pixels: np.ndarray | None = None) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    if pixels is not None and pixels.size:
        answers.write(pixels.reshape(-1).data)
    answers.flush()
