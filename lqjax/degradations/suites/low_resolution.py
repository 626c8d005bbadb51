"""Fewer and fewer pixels, by the kernel that enlarges them again."""

from __future__ import annotations

from lqjax.imaging.kernel_names import KERNELS
from lqjax.imaging.suites import SUITES, Suite, SuiteEntry

SIDES = (224, 192, 160, 128, 112, 96, 64, 48, 32, 24, 16)
"""px, mildest first: from the input of the published networks down to an icon."""


def _entry(number: int, name: str) -> SuiteEntry:
    return SuiteEntry(
        name=name,
        operation="low_resolution",
        levels={str(side): {"side": side, "upsampling": number} for side in SIDES},
        label=f"Low resolution, {name}",
        severity="{side:g} px",
        no_path="a side is a whole number of pixels; write low_resolution(side=...) for others",
    )


SUITES.add(
    "low_resolution",
    Suite(
        name="low_resolution",
        levels=tuple(str(side) for side in SIDES),
        entries=tuple(_entry(number, name) for number, name in enumerate(KERNELS)),
        source=(
            "Ours. A level is the shorter side of the small image in px; from the side of the"
            " given images on, nothing happens. The result is not rounded to 8 bits: it is what"
            " an enlarging input pipeline hands to the network"
        ),
    ),
)
