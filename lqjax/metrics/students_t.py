"""Student's t: tail and quantile."""

from __future__ import annotations


def two_sided_p_value(statistic: float, freedom: float) -> float:
    """Return the chance of a t at least as far from zero, with `freedom` degrees of freedom."""
    from scipy.special import stdtr  # slow import, needed here only

    return 2 * float(stdtr(freedom, -abs(statistic)))


def quantile(level: float, freedom: float) -> float:
    """Return the value below which t lies with probability `level`."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, level))
