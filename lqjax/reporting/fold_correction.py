"""How much folds share: test images by training images, as the runs really had them."""

from __future__ import annotations

from lqjax.metrics.corrected_t import fold_ratio
from lqjax.reporting.formatting import significant
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

RATIO_DIGITS = 3


def sharing_of_folds(study: Study) -> float:
    """Return Nadeau and Bengio's ratio of a study with folds: test by training images of a run.

    What is held out for validation and what `data.train_limit` leaves out is not trained on, so
    the ratio is above 1 / (folds - 1), and the fewer are trained on the wider are the intervals.
    Test images are counted as a mean over the folds, training images as the working directories
    recorded them of their first fold. Of several directories the largest ratio holds for all; one
    without a record counts as if it had trained on all the other folds.

    Raises:
      ValueError: fewer than two folds.
    """
    tested = study.n / study.folds
    ratios = [tested / trained for trained in _training_images(study).values() if trained]
    if not ratios or _unrecorded(study):
        ratios.append(fold_ratio(study.folds))
    return max(ratios)


def sharing_in_words(study: Study) -> str:
    """Say which ratio the correction goes by; and of whom it is not known."""
    text = (
        "The correction goes by the test images of a fold for each image trained on,"
        f" {significant(sharing_of_folds(study), RATIO_DIGITS)}."
    )
    silent = _unrecorded(study)
    if not silent:
        return text
    return (
        f"{text} How many images were trained on is not recorded in {enumeration(silent)}: taken"
        " to be all of the other folds, the most there can be; if validation images were held out,"
        " the intervals are a little too narrow."
    )


def _training_images(study: Study) -> dict[str, int]:
    """Return the size of the training split by working directory; 0 where it is not recorded."""
    found = {}
    for title in study.configs.keys() | study.environments.keys():
        dataset = study.environments.get(title, {}).get("dataset", {})
        count = dataset.get("train", 0) if isinstance(dataset, dict) else 0
        found[title] = count if isinstance(count, int) and count > 0 else 0
    return dict(sorted(found.items()))


def _unrecorded(study: Study) -> list[str]:
    """Name the directories and files of predictions that do not say what was trained on."""
    silent = [title for title, count in _training_images(study).items() if not count]
    return [*silent, *dict.fromkeys(study.sources.values())]
