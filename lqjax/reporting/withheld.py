"""Why a report shows no test image, in words."""

from __future__ import annotations

from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

SETTING = "evaluation.show_images"


def why_withheld(study: Study) -> str:
    """Say which working directories forbid it; empty where none does."""
    silent = [title for title in study.withheld_by if not study.configs[title]]
    forbids = [title for title in study.withheld_by if title not in silent]
    reasons = [f"{SETTING} is off in {enumeration(forbids)}"] if forbids else []
    if silent:
        reasons.append(f"no config.json in {enumeration(silent)} says that they may be")
    if not reasons:
        return ""
    others = len(study.configs) > len(study.withheld_by)
    shared = ", and the others are of the same test images" if others else ""
    return f"No test image is shown: {' and '.join(reasons)}{shared}."
