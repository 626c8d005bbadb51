"""What to keep in mind about how runs were put together: said on the page and on the screen."""

from __future__ import annotations

from collections.abc import Iterator

from lqjax.registry import nearest_first
from lqjax.reporting.diverged import diverged
from lqjax.reporting.lost_weights import lost_weights
from lqjax.reporting.same_answers import same_answers
from lqjax.reporting.straddling_groups import straddling_groups
from lqjax.reporting.study import Study
from lqjax.reporting.uneven_seeds import uneven_seeds
from lqjax.reporting.unfinished import still_to_do
from lqjax.textlists import enumeration

MOST_NAMED = 6
"""Conditions that a sentence names."""


def cautions(study: Study) -> tuple[str, ...]:
    """Return sentences; none where nothing is to be said."""
    about_runs = (still_to_do, diverged, lost_weights, uneven_seeds, other_noise)
    about_answers = (same_answers, straddling_groups)
    found = [said(study) for said in (*about_runs, *about_answers)]
    return tuple(filter(None, [*found, *alone(study)]))


def other_noise(study: Study) -> str:
    """Say that working directories drew the noise of the test images differently; else empty."""
    seeds: dict[int, list[str]] = {}
    for title, config in study.configs.items():
        seed = config.get("evaluation", {}).get("degradation_seed")
        if seed is not None:
            seeds.setdefault(seed, []).append(title)
    if len(seeds) < 2:
        return ""
    listed = "; ".join(f"{seed} in {enumeration(titles)}" for seed, titles in seeds.items())
    return (
        f"evaluation.degradation_seed differs ({listed}): where a condition draws noise, these"
        " networks saw the same images with other noise. Tests stay valid, since they pair images"
        " and each image's noise is drawn by itself; gaps are less sharp than with one seed. PSNR"
        " and SSIM are of the first."
    )


def alone(study: Study) -> Iterator[str]:
    """Name the conditions that a model of other code, and no other model, was tested under."""
    if len(study.models) < 2:
        return
    tested = {
        c.name: [m for m in study.models if any(c.name in run.rows for run in study.networks[m])]
        for c in study.conditions
    }
    others = tuple(name for name, models in tested.items() if len(models) > 1)
    for model, source in study.sources.items():
        names = [name for name, models in tested.items() if models == [model]]
        if not names:
            continue
        more = len(names) - MOST_NAMED
        listed = [repr(n) for n in names[:MOST_NAMED]] + ([f"{more} more"] if more > 0 else [])
        near = nearest_first(names[0], others)[:1]
        hint = f" (nearest to the first: {near[0]!r})" if near else ""
        yield (
            f"Only {model} ({source}) was tested under {enumeration(listed)}, so that nothing is"
            f" compared there; if that is a slip, write it as results.csv has it{hint}."
        )
