"""How often each model was trained, and what the intervals therefore say: in words."""

from __future__ import annotations

from lqjax.reporting.comparison import Comparison
from lqjax.reporting.fold_correction import sharing_in_words
from lqjax.reporting.formatting import number_word, plural
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

IMAGES_ONLY = (
    "Intervals are 95 % and cover the choice of test images only, not what another training"
    " run would give."
)
GROUPS_ONLY = (
    "Intervals are 95 % and cover the choice of test images only, drawn group by group"
    " because images of one group (such as a patient) are alike; they do not cover what another"
    " training run would give."
)
SEEDS = (
    " Only that of the gap over training runs, in the verdict, covers training again, on the same"
    " training images and judged on the same test images."
)
FOLDS = (
    "All intervals are 95 %, from the spread over the folds, widened because folds share training"
    " images (Nadeau and Bengio): they cover other images and training anew."
)


def opening(study: Study, comparison: Comparison) -> str:
    """Begin the verdict: which networks it is about."""
    counts = [len(runs) for runs in study.networks.values()]
    if study.folds > 1:
        return f"In {study.folds}-fold cross-validation{_seeds(study)}"
    if len(counts) == 1:
        one = counts[0] == 1
        return "For this one trained network" if one else f"For {counts[0]} runs of one network"
    if comparison.retrained is not None:
        return f"Over {_training_runs(study, comparison)}"
    runs = [f"{plural(n, 'run')} of {model}" for model, n in zip(study.models, counts, strict=True)]
    if len(set(counts)) == 1:
        runs = ["one run each" if counts[0] == 1 else f"{number_word(counts[0])} runs of each"]
    return f"For these {number_word(sum(counts))} trained networks ({enumeration(runs)})"


def _training_runs(study: Study, comparison: Comparison) -> str:
    """Count the runs of the two that are compared: "5 training runs of each"."""
    pair = (comparison.leader, comparison.other)
    first, second = (len(study.networks[model]) for model in pair)
    count = plural(first, "training run")
    if first != second:
        return f"{count} of {pair[0]} and {second} of {pair[1]}"
    return f"{count} of {'each' if len(study.networks) == len(pair) else enumeration(pair)}"


def coverage(study: Study, comparison: Comparison) -> str:
    """Say what the intervals cover, and what not."""
    if study.folds > 1:
        return f"{FOLDS} {sharing_in_words(study)}{_unknown(study)}"
    images = IMAGES_ONLY if study.groups is None else GROUPS_ONLY
    return images + (SEEDS if comparison.retrained is not None else "") + _unknown(study)


def _unknown(study: Study) -> str:
    """Name the models of which nobody can say here whether they were trained to the end."""
    silent = [
        model
        for model, runs in study.networks.items()
        if not all(network.history for network in runs)
    ]
    if not silent:
        return ""
    return f" Whether {enumeration(silent)} had been trained to the end is not recorded."


def spread(study: Study) -> str:
    """Say what the standard deviation in a cell is over; empty where there is none."""
    if study.folds > 1:
        return f"± is the standard deviation over {plural(study.folds, 'fold')}."
    if max(len(runs) for runs in study.networks.values()) > 1:
        return " ".join(filter(None, ("± is the standard deviation over seeds.", _once(study))))
    return ""


def _once(study: Study) -> str:
    """Name the networks of which there is one run, beside others with several."""
    once = [model for model, runs in study.networks.items() if len(runs) == 1]
    if not once:
        return ""
    return (
        f"{enumeration(once)} {'was' if len(once) == 1 else 'were'} trained once: how much another"
        " training run would change is not known."
    )


def _seeds(study: Study) -> str:
    counts = {len({run.seed for run in runs}) for runs in study.networks.values()}
    return f" with {plural(max(counts), 'seed')}" if max(counts) > 1 else ""
