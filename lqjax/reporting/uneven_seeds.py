"""What is done where networks were not trained with the same seeds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from lqjax.reporting.formatting import number_word
from lqjax.reporting.learning_rates import contenders
from lqjax.reporting.study import Study
from lqjax.reporting.training_runs import LEAST_SEEDS, SeedsOfTwo, seeds_of_two
from lqjax.textlists import enumeration


def uneven_seeds(study: Study) -> str:
    """Say which seeds each network has and how the tests go by them; empty where all are equal.

    Networks of one run each have no spread over runs, whatever their seeds are called.
    """
    models = contenders(study)
    seeds = {m: tuple(sorted({run.seed for run in study.networks[m]})) for m in models}
    if len(set(seeds.values())) < 2 or all(len(own) == 1 for own in seeds.values()):
        return ""
    listed = enumeration([f"{model} has {_numbers(own)}" for model, own in seeds.items()])
    return f"Seeds differ: {listed}. {' '.join(_done(study, models))}"


def _done(study: Study, models: tuple[str, ...]) -> Iterator[str]:
    if study.folds > 1:
        yield "Tests over folds go by the mean over the seeds that each network has."
        return
    by_means: dict[str, list[str]] = {}
    for pair in combinations(models, 2):
        seeds = seeds_of_two(study, pair)
        if seeds.first != seeds.second:
            by_means.setdefault(_means(seeds), []).append(enumeration(pair))
    for means, pairs in by_means.items():
        yield f"{'; '.join(pairs)}: {means}."


def _means(seeds: SeedsOfTwo) -> str:
    if seeds.are_paired:
        return (
            f"the test over training runs pairs those of the seeds {_numbers(seeds.shared)}, which"
            " both have; accuracies and gaps are means over all runs"
        )
    if seeds.are_enough:
        return (
            f"fewer than {number_word(LEAST_SEEDS)} seeds are shared, so the test over training"
            " runs is Welch's, which pairs no runs"
        )
    return (
        f"training again is not tested, which takes {number_word(LEAST_SEEDS)} runs of each; tests"
        " are about these trained networks"
    )


def _numbers(seeds: tuple[int, ...]) -> str:
    """Write seeds in few words: "0 to 4", or each."""
    is_range = len(seeds) > 2 and seeds == tuple(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]} to {seeds[-1]}" if is_range else enumeration([str(s) for s in seeds])
