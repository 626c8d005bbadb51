"""What the readings of a network allow to say, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lqjax.reporting.conditions import CLEAN
from lqjax.reporting.formatting import as_sentence, gap, number_word, percent, plural
from lqjax.reporting.readings import ReadCell, Readings, ReadModel
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

ITSELF = "as trained"
"""What the answers of a network itself are called beside those of its readings."""

NOT_SHOWN = "no difference shown"
TOGETHER = "that draw whole images, with the answers of network and reading together"


def network_title(study: Study, found: Sequence[ReadModel], model: str) -> str:
    """Name a network, with how often it was trained where that is more than once."""
    runs = max((read.runs for read in found), default=1)
    several = runs > 1 and study.folds == 1
    return f"{model} ({number_word(runs)} runs)" if several else model


def lead(readings: Readings, model: str, commonest: float) -> str:
    """Say in short which readings of a network are shown to be better or worse.

    Args:
      commonest: accuracy of always answering the commonest class.
    """
    found = readings.of(model)
    degraded = {read.reading: read.degraded for read in found if read.degraded is not None}
    clean = {read.reading: read.cells[CLEAN] for read in found if CLEAN in read.cells}
    parts = [
        *_outcomes(
            {kind: cells for kind, cells in (("degraded", degraded), (CLEAN, clean)) if cells}
        ),
        _not_recognised(found, commonest),
        *readings.lacking.get(model, ()),
    ]
    return " ".join(filter(None, parts))


def above_one_answer(read: ReadModel, commonest: float, itself: bool = False) -> tuple[int, int]:
    """Count the degraded conditions in which more is shown than one answer, given always, gets.

    A reading that changes from one such answer to another one can gain much, and knows nothing.

    Args:
      commonest: accuracy of always answering the commonest class.
      itself: count for the network as trained, not for the reading.

    Returns:
      How many, and of how many.
    """
    cells = [cell for name, cell in read.cells.items() if name != CLEAN]
    ends = [(cell.itself if itself else cell.accuracy).low for cell in cells]
    return sum(low > commonest for low in ends), len(cells)


def left_open(readings: Readings, model: str) -> Iterator[str]:
    """Say what is compared over less than all there is, and what is to be said of the fits."""
    by_note: dict[str, list[str]] = {}
    for read in readings.of(model):
        lacks = [plural(read.open, "condition")] if read.open else []
        unread = read.trained - read.runs
        lacks += [plural(unread, "training run")] if unread else []
        if lacks:
            yield (
                f"Not tested to the end: {read.reading} lacks {enumeration(lacks)} that {model}"
                f" has. It is compared with {model} {ITSELF} in what both have{_there(read)}."
            )
        for note in read.notes:
            by_note.setdefault(note, []).append(read.reading)
    for note, names in by_note.items():
        yield f"{model}, {enumeration(names)}: {as_sentence(note)}"


def about_intervals(study: Study, readings: Readings) -> str:
    """Say how the intervals of this section were made, and what they do not cover."""
    gaps = sum(len(read.cells) for read in readings.models)
    parts = [_intervals(study, readings)]
    if any(read.degraded and read.degraded.retrained for read in readings.models):
        parts.append(
            "The interval over training runs is Student's t of the runs' gaps, judged on the same"
            " images. A difference counts as shown where both intervals are on the same side of 0."
        )
    parts.append(
        "Each interval stands for itself, without correction for their number"
        f" ({plural(gaps, 'gap')} by condition): a reading that is chosen because it does best here"
        " has to be tested on other images."
    )
    return " ".join(parts)


def _outcomes(kinds: Mapping[str, Mapping[str, ReadCell]]) -> list[str]:
    """Say of each kind of images what is shown; in one sentence where nothing is."""
    cells = [cell for by_name in kinds.values() for cell in by_name.values()]
    if len(cells) > len(kinds) > 1 and not any(cell.is_shown for cell in cells):
        return [f"{NOT_SHOWN.capitalize()} for any reading, on {' or '.join(kinds)} images."]
    return [_outcome(kind, by_name) for kind, by_name in kinds.items()]


def _outcome(kind: str, cells: Mapping[str, ReadCell]) -> str:
    """Say of each reading by name whether it is better or worse on images of a kind."""
    shown = {name: cell for name, cell in cells.items() if cell.is_shown}
    if len(cells) > 1 and not shown:
        return f"On {kind} images {NOT_SHOWN} for any reading."
    better = [_with_gap(name, cell) for name, cell in shown.items() if cell.gap.value > 0]
    worse = [_with_gap(name, cell) for name, cell in shown.items() if cell.gap.value < 0]
    rest = [name for name in cells if name not in shown]
    if len(cells) == 1:
        rest = [_with_gap(name, cells[name]) for name in rest]
    groups = (
        (f"better than {ITSELF}", better),
        ("worse" if better else f"worse than {ITSELF}", worse),
        (NOT_SHOWN, rest),
    )
    said = [f"{what}: {enumeration(names)}" for what, names in groups if names]
    return f"On {kind} images {'; '.join(said)}."


def _with_gap(name: str, cell: ReadCell) -> str:
    """Name a reading with its gap: batch_norm (+5.2 points [3.0, 7.4])."""
    value, ends = gap(cell.gap).split(" ", 1)
    text = f"{value} points {ends}"
    if cell.retrained is not None:
        text += f", over training runs {gap(cell.retrained).split(' ', 1)[1]}"
    return f"{name} ({text})"


def _not_recognised(found: Sequence[ReadModel], commonest: float) -> str:
    """Warn of gains where more is not shown than one answer, given always, would get."""
    counts = []
    for read in found:
        above, tested = above_one_answer(read, commonest)
        gains = read.degraded is not None and read.degraded.is_shown and read.degraded.gap.value > 0
        if gains and above < tested:
            counts.append(f"{read.reading} in {tested - above} of {tested}")
    if not counts:
        return ""
    return (
        "A gain need not be recognition: no more than always answering the commonest class"
        f" ({percent(commonest)} %) is shown for {enumeration(counts)} degraded conditions."
    )


def _there(read: ReadModel) -> str:
    """Say how good the network is in what a reading was compared over."""
    if read.degraded is None:
        return ""
    return f", where {ITSELF} has {percent(read.degraded.itself.value)} % on degraded images"


def _intervals(study: Study, readings: Readings) -> str:
    if study.folds > 1:
        return (
            f"Accuracies and gaps are means over {study.folds} folds; the intervals are Student's"
            " t over the folds with Nadeau and Bengio's correction."
        )
    if study.groups is not None:
        return (
            "Accuracies and gaps have bootstrap intervals (BCa) that draw whole groups of images,"
            " with the answers of network and reading together."
        )
    once = {read.runs == 1 for read in readings.models}
    if once == {False}:
        return f"Accuracies and gaps, means over runs, have bootstrap intervals (BCa) {TOGETHER}."
    whose = "" if once == {True} else " of a network with one run"
    others = "Means over conditions" if once == {True} else "Means over conditions or runs"
    return (
        f"In a single condition accuracies{whose} have Wilson intervals, gaps Tango's score"
        f" interval for paired shares. {others} have bootstrap intervals (BCa) {TOGETHER}."
    )
