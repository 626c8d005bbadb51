"""What the audit's measures say of photographs that are damaged by known amounts.

    python benchmarks/audit_thresholds.py          # prints the tables that docs/audit.md quotes

The photographs are those that scikit-image ships.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from PIL import Image, ImageFilter

from lqjax.auditing.measuring import measure
from lqjax.auditing.table import AuditTable
from lqjax.config import AuditConfig, DataConfig
from lqjax.data.source import SOURCES

PHOTOGRAPHS = (
    "astronaut", "brick", "camera", "cell", "chelsea", "coffee", "coins", "grass", "gravel",
    "hubble_deep_field", "immunohistochemistry", "moon", "page", "retina", "rocket",
)  # fmt: skip
BLURS = (0.02, 0.03)
"""Sigma of a Gaussian, by the longer side."""

QUALITIES = (20, 10)
CUT = 4
"""Pixels at each side."""

Way = tuple[Callable[[Image.Image], Image.Image], Mapping[str, Any]]


def ways() -> dict[str, Way]:
    """Give what is done to a photograph, and how it is saved."""

    def blurred(share: float) -> Callable[[Image.Image], Image.Image]:
        return lambda whole: whole.filter(ImageFilter.GaussianBlur(share * max(whole.size)))

    found: dict[str, Way] = {"as it is": (lambda whole: whole, {"format": "PNG"})}
    for share in BLURS:
        found[f"blurred by {share:.0%} of the longer side"] = blurred(share), {"format": "PNG"}
    for quality in QUALITIES:
        options = {"format": "JPEG", "quality": quality}
        found[f"JPEG at quality {quality}"] = (lambda whole: whole), options
    found["half the size"] = (
        lambda whole: whole.resize((whole.width // 2, whole.height // 2)),
        {"format": "PNG"},
    )
    found[f"without {CUT} px at each side"] = (
        lambda whole: whole.crop((CUT, CUT, whole.width - CUT, whole.height - CUT)),
        {"format": "PNG"},
    )
    return found


def damaged(root: Path) -> AuditTable:
    """Write all photographs in all ways, a folder each; measure them."""
    for number, (change, options) in enumerate(ways().values()):
        folder = root / f"{number}"
        folder.mkdir(parents=True)
        for name in PHOTOGRAPHS:
            picture = change(Image.fromarray(getattr(skimage.data, name)()).convert("RGB"))
            picture.save(folder / f"{name}.{str(options['format']).lower()}", **options)
    settings = DataConfig(source="folder", path=str(root), workers=1)
    return measure(SOURCES["folder"](settings), settings)


def main() -> None:
    limits = AuditConfig()
    with tempfile.TemporaryDirectory() as scratch:
        table = damaged(Path(scratch) / "made")
    places = np.asarray([int(Path(name).parent.name) for name in table.names])
    titles = np.asarray([Path(name).stem for name in table.names])
    first = {titles[row]: table.hashes[row] for row in np.flatnonzero(places == 0)}
    bits = [
        int(hash_ ^ first[name]).bit_count()
        for name, hash_ in zip(titles, table.hashes, strict=True)
    ]
    print(f"{len(PHOTOGRAPHS)} photographs: {', '.join(PHOTOGRAPHS)}\n")
    print(
        f"| photographs | sharpness below {limits.sharpness_below:g} | blockiness above"
        f" {limits.blockiness_above:g} | bits that differ from the photograph | which are blocky |"
    )
    print("|---|---|---|---|---|")
    for number, way in enumerate(ways()):
        here = places == number
        blurry = here & (table.measures["sharpness"] < limits.sharpness_below)
        blocky = here & (table.measures["blockiness"] > limits.blockiness_above)
        of_way = [count for count, there in zip(bits, here, strict=True) if there]
        named = ", ".join(sorted(titles[blocky])) if blocky.sum() <= 2 else "several"
        print(
            f"| {way} | {blurry.sum()} | {blocky.sum()} | {min(of_way)} to {max(of_way)} |"
            f" {named or 'none'} |"
        )


if __name__ == "__main__":
    main()
