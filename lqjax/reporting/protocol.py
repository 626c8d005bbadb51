"""How often each model was trained, and what the intervals therefore say: in words."""

from __future__ import annotations

from lqjax.reporting.formatting import enumeration, number_word, plural
from lqjax.reporting.study import Study

IMAGES_ONLY = (
    "All intervals are 95 % and cover the choice of test images only, not what another training"
    " run would give."
)
FOLDS = (
    "All intervals are 95 %, from the spread over the folds, widened because folds share training"
    " images (Nadeau and Bengio): they cover other images and training anew."
)


def opening(study: Study) -> str:
    """Begin the verdict: which networks it is about."""
    counts = [len(runs) for runs in study.networks.values()]
    if study.folds > 1:
        return f"In {study.folds}-fold cross-validation{_seeds(study)}"
    if len(counts) == 1:
        one = counts[0] == 1
        return "For this one trained network" if one else f"For {counts[0]} runs of one network"
    if max(counts) == 1:
        return f"For these {number_word(len(counts))} trained networks (one run each)"
    runs = [f"{plural(n, 'run')} of {model}" for model, n in zip(study.models, counts, strict=True)]
    return f"For these trained networks ({enumeration(runs)})"


def coverage(study: Study) -> str:
    """Say what the intervals cover, and what not."""
    return FOLDS if study.folds > 1 else IMAGES_ONLY


def spread(study: Study) -> str:
    """Say what the standard deviation in a cell is over; empty where there is none."""
    if study.folds > 1:
        return f"± is the standard deviation over {plural(study.folds, 'fold')}."
    if max(len(runs) for runs in study.networks.values()) > 1:
        return "± is the standard deviation over seeds."
    return ""


def _seeds(study: Study) -> str:
    counts = {len({run.seed for run in runs}) for runs in study.networks.values()}
    return f" with {plural(max(counts), 'seed')}" if max(counts) > 1 else ""
