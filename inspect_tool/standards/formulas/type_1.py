"""Type-1 study: one known part measured again and again; capability indices Cg and Cgk, bias."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

from inspect_tool.errors import MeasurementError
from inspect_tool.model import Standard
from inspect_tool.standards.editions import constant
from inspect_tool.statistics.uncertainty import coverage_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Type1:
    """Spread and bias of repeated measurements of one known part, in the unit of the values."""

    n: int
    mean: float
    s: float  # n - 1
    bias: float  # mean less reference
    bias_low: float  # 95 % interval of the bias, Student t
    bias_high: float
    t: float  # bias over its standard error
    p: float  # two-sided
    allowed_bias: float  # the part of the tolerance that Cgk grants the bias on either side: 0.1 T
    cg: float
    cgk: float


def capability(values: Sequence[float], reference: float, tolerance: float, standard: Standard) -> Type1:
    """Judge repeated measurements of a part of known value by its tolerance.

    Parameters
    ----------
    values : sequence of float
        Repeated measurements, at least 2.
    reference : float
        Known value of the part, in the same unit.
    tolerance : float
        Upper less lower limit, in the same unit.

    Raises
    ------
    MeasurementError
        Too few values, all of them the same, or a tolerance that is not above 0.

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> found = capability([9.98, 10.0, 10.02, 10.04, 10.06], 10.0, 1.0, load_standard("type_1_study_2026"))
    >>> round(found.cg, 3), round(found.cgk, 3)
    (1.054, 0.843)

    References
    ----------
    Cg = 0.2 T / (6 s), Cgk = (0.1 T - |bias|) / (3 s), as is customary in the automotive supply chain.
    """
    from scipy.special import stdtr

    n = len(values)
    if n < 2 or not all(isfinite(value) for value in values):
        msg = f"type-1 study: {n} value{'' if n == 1 else 's'}; at least 2 finite numbers are needed"
        raise MeasurementError(msg)
    if not (isfinite(tolerance) and tolerance > 0):
        msg = f"tolerance: got {tolerance:g}, must be above 0: upper less lower limit"
        raise MeasurementError(msg)
    mean = sum(values) / n
    s = sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    if min(values) == max(values) or s == 0:
        msg = (
            "type-1 study: all values agree to the last digit, so that there is no repeatability; take a new image "
            "for every value, or read the gauge more finely"
        )
        raise MeasurementError(msg)
    bias, error = mean - reference, s / sqrt(n)
    half = coverage_factor(n - 1) * error
    share, spread = constant(standard, "tolerance_share").value / 100, constant(standard, "spread").value
    return Type1(
        n=n,
        mean=mean,
        s=s,
        bias=bias,
        bias_low=bias - half,
        bias_high=bias + half,
        t=bias / error,
        p=2 * float(stdtr(n - 1, -abs(bias) / error)),
        allowed_bias=share * tolerance / 2,
        cg=share * tolerance / (spread * s),
        cgk=(share * tolerance / 2 - abs(bias)) / (spread / 2 * s),
    )
