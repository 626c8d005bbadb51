"""The most confident wrong answers: picture, truth and answer."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import shorten, shorten_middle
from lqjax.reporting.pictures import Mistake
from lqjax.reporting.style import DPI, FONT_SIZE, SMALL, WIDTH, new_figure
from lqjax.textlists import enumeration

COLUMNS = 5
SIDE = 1.45
"""Side of a picture in inches."""

HEADING, LINE, LINES, MARGIN = 0.32, 0.16, 4, 0.16
"""Heights in inches: the name of a condition, a line of text, and the room below a row."""

MOST_ROWS = 24
"""Of more working directories the table has the rest."""

LONGEST_NAME = 14
LONGEST_MODEL = 24
LONGEST_OTHER, LONGEST_SECOND = 11, 9
"""Characters of a model and its answer that stand in one line."""

OF_THE_OTHER = (5, 7)
"""Columns of the table that are left out where no other network answered."""

ALMOST_SURE = 0.9995


def mistakes_figure(mistakes: Sequence[Mistake]) -> Figure | None:
    """Draw mistakes, one condition a row; `None` where there are none."""
    if not mistakes:
        return None
    rows = dict(list(by_condition(mistakes).items())[:MOST_ROWS])
    row_height = HEADING + SIDE + LINES * LINE + MARGIN
    height = row_height * len(rows)
    figure = new_figure(height, layout=None)
    for number, (label, found) in enumerate(rows.items()):
        top = height - number * row_height
        figure.text(
            0, (top - HEADING / 2) / height, label, size=FONT_SIZE, weight="bold", va="center"
        )
        for column, mistake in enumerate(found[:COLUMNS]):
            left = column * WIDTH / COLUMNS
            bottom = top - HEADING - SIDE
            place = (left / WIDTH, bottom / height, SIDE / WIDTH, SIDE / height)
            _draw(figure.add_axes(place), mistake)
            for line, text in enumerate(words(mistake)):
                y = (bottom - (line + 0.75) * LINE) / height
                weight = "bold" if line == 0 else "normal"
                figure.text(left / WIDTH, y, text, size=SMALL, weight=weight, va="center")
    return figure


def by_condition(mistakes: Sequence[Mistake]) -> dict[str, list[Mistake]]:
    """Group mistakes by their headings, in the order given."""
    rows: dict[str, list[Mistake]] = {}
    for mistake in mistakes:
        rows.setdefault(mistake.heading, []).append(mistake)
    return rows


def words(mistake: Mistake) -> tuple[str, str, str, str]:
    """Write down who said what, in four short lines that fit under a picture."""
    # The heading names the working directory already.
    model, other = (
        name.removesuffix(f" ({mistake.source})") for name in (mistake.model, mistake.other)
    )
    true, given = (shorten(name, LONGEST_NAME) for name in (mistake.true, mistake.given))
    second = shorten(mistake.other_given, LONGEST_SECOND)
    beside = f"{shorten_middle(other, LONGEST_OTHER)}: {second}"
    return (
        shorten_middle(model, LONGEST_MODEL),
        f"{given} ({sure(mistake.confidence)} %)",
        f"true: {true}",
        f"{beside} ({sure(mistake.other_confidence)} %)" if other else "",
    )


def sure(confidence: float) -> str:
    """Write a confidence in percent; what is not certain is not rounded to certainty."""
    return ">99.9" if confidence >= ALMOST_SURE else f"{100 * confidence:.1f}"


def mistakes_in_words(mistakes: Sequence[Mistake]) -> str:
    """Say what the figure shows to those who cannot see it."""
    parts = []
    for label, found in by_condition(mistakes).items():
        said = [f"{m.model} took {m.true} for {m.given}" for m in found[:COLUMNS]]
        parts.append(f"{label}: {enumeration(said)}")
    return f"Test images that were misjudged with the greatest confidence. {'; '.join(parts)}."


def mistakes_table(mistakes: Sequence[Mistake]) -> Table:
    """Tabulate the mistakes with the ids by which their images are found."""
    rows = tuple(
        TableRow(
            (
                m.example,
                m.heading,
                m.true,
                m.model,
                m.given,
                m.other_given if m.other else "",
                sure(m.confidence),
                sure(m.other_confidence) if m.other else "",
            )
        )
        for m in mistakes
    )
    header = (
        *("image", "condition", "true class", "who is wrong", "answer", "answer of the other"),
        *("confidence %", "of the other %"),
    )
    alone = not any(m.other for m in mistakes)
    kept = [i for i in range(len(header)) if not (alone and i in OF_THE_OTHER)]
    rows = tuple(TableRow(tuple(row.cells[i] for i in kept)) for row in rows)
    return Table("", tuple(header[i] for i in kept), rows, labels=5 if alone else 6)


def _draw(axes: Axes, mistake: Mistake) -> None:
    image = mistake.image
    grey = image.shape[-1] == 1
    # Pixels stay visible where there are fewer of them than the figure has.
    fine = image.shape[1] > SIDE * DPI
    axes.imshow(
        image[..., 0] if grey else image,
        cmap="gray" if grey else None,
        vmin=0,
        vmax=255,
        interpolation="antialiased" if fine else "nearest",
        aspect="auto",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)
    axes.grid(visible=False)
