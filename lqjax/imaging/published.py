"""Published sets of corrupted pictures as conditions: read, not made here.

cifar10_corrupted/fog@3      one corruption at one severity
cifar10_corrupted/*          all of them, at all severities
mnist_corrupted/fog          a set without severities

They are data sets of TFDS, each corruption and severity a config of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lqjax.registry import unknown_name

SEVERITIES = ("1", "2", "3", "4", "5")

NOISE_AND_BLUR = (
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "{glass}", "motion_blur",
    "zoom_blur", "snow", "frost", "fog", "brightness", "contrast", "{elastic}", "pixelate",
    "jpeg_compression", "gaussian_blur", "saturate", "spatter", "speckle_noise",
)  # fmt: skip
"""The fifteen corruptions of Hendrycks and Dietterich, then the four extra ones."""


@dataclass(frozen=True)
class PublishedSet:
    """A data set of TFDS that holds test pictures under corruptions.

    Attributes:
      name: of the data set, before the slash.
      of: data set whose pictures they are.
      split: where they lie, there and in the data set that they are of.
      corruptions: their names, in the order in which patterns list them.
      levels: names of the severities, mildest first; none where there is one only.
      named: each record has the feature `file_name`; otherwise examples go by their number.
      source: who published it.
    """

    name: str
    of: str
    split: str
    corruptions: tuple[str, ...]
    levels: tuple[str, ...]
    named: bool
    source: str


@dataclass(frozen=True)
class PublishedPictures:
    """One corruption of a published set at one severity.

    Attributes:
      set: which the pictures are from.
      corruption: as the set calls it.
      level: the severity; empty where the set has none.
    """

    set: PublishedSet
    corruption: str
    level: str

    @property
    def family(self) -> str:
        """Name shared by all severities: "cifar10_corrupted/fog"."""
        return f"{self.set.name}/{self.corruption}"

    @property
    def text(self) -> str:
        """Canonical text: "cifar10_corrupted/fog@3"."""
        return f"{self.family}@{self.level}" if self.level else self.family

    @property
    def severity(self) -> float:
        """Number that orders the pictures of a family."""
        return float(self.level or 1)

    @property
    def label(self) -> str:
        """Text for people: "published fog"."""
        return f"published {self.corruption}".replace("_", " ")

    @property
    def dataset(self) -> str:
        """Name and config in TFDS: "cifar10_corrupted/fog_3"."""
        return f"{self.family}_{self.level}" if self.level else self.family


def _hendrycks(glass: str, elastic: str) -> tuple[str, ...]:
    return tuple(name.format(glass=glass, elastic=elastic) for name in NOISE_AND_BLUR)


PUBLISHED = {
    made.name: made
    for made in (
        PublishedSet(
            name="cifar10_corrupted",
            of="cifar10",
            split="test",
            corruptions=_hendrycks("frosted_glass_blur", "elastic"),
            levels=SEVERITIES,
            named=False,
            source="Hendrycks and Dietterich 2019, CIFAR-10-C; TFDS cifar10_corrupted 1.0.0",
        ),
        PublishedSet(
            name="imagenet2012_corrupted",
            of="imagenet2012",
            split="validation",
            corruptions=_hendrycks("glass_blur", "elastic_transform"),
            levels=SEVERITIES,
            named=True,
            source="Hendrycks and Dietterich 2019; TFDS imagenet2012_corrupted 3.1.0, which makes"
            " the pictures anew from its own crop",
        ),
        PublishedSet(
            name="mnist_corrupted",
            of="mnist",
            split="test",
            corruptions=(
                "identity", "shot_noise", "impulse_noise", "glass_blur", "motion_blur", "shear",
                "scale", "rotate", "brightness", "translate", "stripe", "fog", "spatter",
                "dotted_line", "zigzag", "canny_edges",
            ),
            levels=(),
            named=False,
            source="Mu and Gilmer 2019, MNIST-C; TFDS mnist_corrupted 1.0.0",
        ),
    )
}  # fmt: skip
"""Name -> set; names, configs and features as TFDS 4.9.10 has them."""


def expand_published(text: str) -> Iterator[PublishedPictures]:
    """Read one step of a condition that names a published set, or a pattern of several.

    Raises:
      ValueError: a corruption or severity that the set does not have; the nearest name first.
    """
    path, at, level_pattern = (piece.strip() for piece in text.partition("@"))
    name, _, pattern = (piece.strip() for piece in path.partition("/"))
    found = PUBLISHED[name]
    if "(" in text:
        raise ValueError(f"{text!r}: pictures that are read take no options; write {name}/NAME")
    corruptions = _matching(f"corruption of {name}", pattern, found.corruptions)
    if not found.levels:
        if at:
            raise ValueError(f"{text!r}: {name} has no severities; write {path}")
        levels: tuple[str, ...] = ("",)
    elif at and not level_pattern:
        raise ValueError(f"{text!r}: the level after @ is missing; write for example @*")
    else:
        levels = _matching(f"severity of {name}", level_pattern or "*", found.levels)
    for corruption in corruptions:
        for level in levels:
            yield PublishedPictures(found, corruption, level)


def published_set(step: str) -> PublishedSet | None:
    """Find the published set that a step of a condition names; `None` for any other step."""
    return PUBLISHED.get(step.partition("/")[0].strip()) if "/" in step else None


def _matching(kind: str, pattern: str, names: tuple[str, ...]) -> tuple[str, ...]:
    # Only the star is special: fnmatch would read [ and ? as patterns too.
    plain = "[" not in pattern and "?" not in pattern
    found = tuple(name for name in names if plain and fnmatchcase(name, pattern))
    if not found:
        raise unknown_name(kind, pattern, names)
    return found
