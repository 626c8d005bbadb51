"""Groups of images that are tested in several folds: such as one patient here and there."""

from __future__ import annotations

from lqjax.reporting.study import Study
from lqjax.textlists import enumeration


def straddling_groups(study: Study) -> str:
    """Name a group that is tested in several folds, and count the others; empty without any.

    Folds that are made here keep groups whole; those of other code may not.
    """
    groups = study.tested.groups
    if groups is None or study.folds == 1:
        return ""
    tested: dict[str, list[int]] = {}
    for fold, rows in sorted(study.tested.rows.items()):
        for group in dict.fromkeys(groups[rows].tolist()):
            tested.setdefault(str(group), []).append(fold)
    torn = {group: folds for group, folds in tested.items() if len(folds) > 1}
    if not torn:
        return ""
    name, folds = next(iter(torn.items()))
    more = f", and {len(torn) - 1:,} more groups in several" if len(torn) > 1 else ""
    return (
        f"Group {name} is tested in folds {enumeration([str(fold) for fold in folds])}{more}: where"
        " a network was trained on the other folds, it had seen images of the groups that it was"
        " tested on. Accuracies may be too high and intervals too narrow; keep each group in one"
        " fold."
    )
