"""Simulate studies of which the truth is known, and count what lqjax says of them rightly.

    python benchmarks/coverage.py
    python benchmarks/coverage.py --only envelopes,large --studies 1000

gap        the interval of a gap between two networks over four conditions, 120 images
groups     an accuracy over 60 patients of six like images: intervals over patients, and over images
envelopes  where accuracy falls by 5 points, or below 70 %: a logistic curve, levels x images
large      the drop of 5 points on nine levels and 5,000 images
advice     the better of two networks by 250 images: true accuracies far apart, and close
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the studies that the tests make by hand

from lqjax.advising.deciding import decide
from lqjax.advising.drawing import draw
from lqjax.advising.mixture import read_mixture
from lqjax.advising.needs import Needs
from lqjax.advising.screening import prices
from lqjax.metrics.envelope import MILDER
from lqjax.metrics.envelope_limits import envelope_to_drop, envelope_to_floor
from lqjax.metrics.ladder import ladder
from lqjax.metrics.ladder_accuracies import ladder_accuracies
from lqjax.metrics.paired_bootstrap import paired_bootstrap
from tests.advising.studies import study_of

Line = tuple[str, str]

TOP, MIDDLE, WIDTH, DROP, FLOOR = 0.95, 6.0, 1.0, 0.05, 0.70
"""Accuracy on clean images and its logistic fall; what is asked for."""


def gap(studies: int) -> Iterator[Line]:
    random, covered = np.random.default_rng(1), 0
    for study in range(studies):
        ease = random.random((120, 1, 1))
        values = random.random((120, 2, 4)) < 0.5 * ease + np.array([[0.3], [0.1]])
        sets = paired_bootstrap(values, resamples=1000, seed=study)
        found = sets.estimate(lambda means: means[:, 0].mean(-1) - means[:, 1].mean(-1))
        covered += found.low <= 0.2 <= found.high
    yield "95 % intervals that cover the gap", f"{covered / studies:.1%}"


def groups(studies: int) -> Iterator[Line]:
    random, patients = np.random.default_rng(2), np.repeat(np.arange(60), 6)
    covered = {"patients": 0, "images": 0}
    for study in range(studies):
        each = np.repeat(random.exponential(1.0, 60) / 4, 6) + random.normal(0, 0.05, 360)
        for over, ids in (("patients", patients), ("images", None)):
            sets = paired_bootstrap(each, ids, resamples=1000, seed=study)
            found = sets.estimate(np.positive)
            covered[over] += found.low <= 0.25 <= found.high
    for over, count in covered.items():
        yield f"95 % intervals over {over} that cover the truth", f"{count / studies:.1%}"


def truth(limit: float) -> float:
    return brentq(lambda x: TOP / (1 + np.exp((x - MIDDLE) / WIDTH)) - limit, 1, 9)


def crossings(levels: int, images: int, studies: int, resamples: int) -> Iterator[Line]:
    steps = np.linspace(1, 9, levels)
    truths = {"drop": truth(TOP - DROP), "floor": truth(FLOOR)}
    covered = dict.fromkeys(truths, 0)
    for study in range(studies):
        random = np.random.default_rng(study)
        clean = random.random(images) < TOP
        stands = random.logistic(MIDDLE, WIDTH, images) > steps[:, None]
        got = ladder_accuracies(clean, clean & stands, resamples=resamples, seed=study)
        ladder_steps = ladder("level", steps)
        for name, found in (
            ("drop", envelope_to_drop(ladder_steps, got)),
            ("floor", envelope_to_floor(ladder_steps, got, FLOOR)),
        ):
            low, high = (_place(end) for end in (found.mildest, found.strongest))
            covered[name] += low <= truths[name] <= high
    for name, count in covered.items():
        yield f"{levels} levels, {images:,} images, {name}", f"{count / studies:.1%}"


def _place(end) -> float:  # type: ignore[no-untyped-def]
    if end.level is not None:
        return end.level
    return -np.inf if end.where == MILDER else np.inf


def envelopes(studies: int) -> Iterator[Line]:
    for levels in (9, 13, 25):
        for images in (100, 200, 1000):
            yield from crossings(levels, images, studies, resamples=500)


def large(studies: int) -> Iterator[Line]:
    yield from crossings(9, 5000, studies, resamples=500)


def advice(studies: int) -> Iterator[Line]:
    for low, high in ((0.55, 0.85), (0.75, 0.85)):
        random = np.random.default_rng(3)
        said, right = np.empty(studies), np.empty(studies, bool)
        for number in range(studies):
            truths = dict(zip("ab", random.uniform(low, high, 2), strict=True))
            ease = np.where(random.random(250) < 0.5, -0.15, 0.15)  # hard for both, or for neither
            study = study_of(
                {m: {"clean": random.random(250) < p + ease} for m, p in truths.items()}
            )
            draws = draw(study, read_mixture("", study.conditions), study.models, resamples=300)
            found = decide(draws, study.models, Needs(), prices(study))
            said[number] = found.probability
            right[number] = truths[found.leader] == max(truths.values())
        between, sure = f"accuracies of {low:.0%} to {high:.0%}", said >= 0.95
        yield f"{between}: right, said", f"{right.mean():.1%}, {said.mean():.1%}"
        yield (
            f"{between}: of the {sure.sum():,} at or above 0.95, right, said",
            f"{right[sure].mean():.1%}, {said[sure].mean():.1%}",
        )


SIMULATIONS: dict[str, tuple[Callable[[int], Iterator[Line]], int]] = {
    "gap": (gap, 1500),
    "groups": (groups, 1000),
    "envelopes": (envelopes, 300),
    "large": (large, 300),
    "advice": (advice, 3000),
}
"""Name -> simulation, and how many studies it makes."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SIMULATIONS))
    parser.add_argument("--studies", type=int, default=0, help="of each simulation")
    flags = parser.parse_args()
    names = flags.only.split(",")
    if unknown := set(names) - set(SIMULATIONS):
        parser.error(f"--only={sorted(unknown)[0]}: allowed: {', '.join(SIMULATIONS)}")
    print("| simulation | studies | what | share |\n|---|---|---|---|", flush=True)
    for name in names:
        simulate, usual = SIMULATIONS[name]
        count = flags.studies or usual
        for what, share in simulate(count):
            print(f"| {name} | {count:,} | {what} | {share} |", flush=True)


if __name__ == "__main__":
    main()
