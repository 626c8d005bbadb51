"""By which number cells sort, whatever stands around it."""

import math

import pytest

from lqjax.metrics.interval import Estimate
from lqjax.reporting.formatting import MISSING, duration, gap, p_value, percent, si, with_interval
from lqjax.reporting.mistakes_figure import sure
from lqjax.reporting.sorting import sort_value


@pytest.mark.parametrize(
    "text, value",
    [
        ("82.3 [80.1, 84.5]", 82.3),
        ("82.3 ± 1.2 [80.1, 84.5]", 82.3),
        ("-4.3 [-6.1, -2.5] *", -4.3),
        ("−4.3 [−6.1, −2.5]", -4.3),
        ("+0.5 [-0.1, 1.1]", 0.5),
        ("1,257", 1257),
        ("61.1 M (61,100,840)", 61.1e6),
        ("4.09 G", 4.09e9),
        ("12 kB", 12e3),
        ("1.5 GiB", 1.5 * 2**30),
        ("3 min 12 s", 192),
        ("2 h 3 min", 7380),
        ("59.9 s", 59.9),
        ("12.3 ms", 12.3),
        ("5 Grad", 5),
        (">99.9", 99.9),
        (MISSING, None),
        ("", None),
        ("yes", None),
        ("no, up 2.1 points", None),
    ],
)
def test_a_cell_sorts_by_what_it_begins_with(text, value):
    found = sort_value(text)
    assert found == pytest.approx(value) if value is not None else found is None


def test_what_the_report_writes_keeps_its_order():
    numbers = [1e-9, 0.02, 0.5, 1, 59, 61, 3599, 3600, 86400.5, 4e6, 5e9, 6.1e12]
    for write in (si, duration, lambda x: percent(x)):
        found = [sort_value(write(x)) for x in numbers]
        assert found == sorted(found) and None not in found
    estimates = [Estimate(v, v - 0.1, v + 0.1) for v in (-0.3, -0.02, 0.0, 0.1)]
    for write in (gap, with_interval):
        found = [sort_value(write(e)) for e in estimates]
        assert found == sorted(found) and math.isclose(found[0], -30)
    assert 99.9 < sort_value(sure(0.9999)) < 100
    assert sort_value(p_value(0.0001)) < sort_value(p_value(0.001)) < sort_value(p_value(0.2))
