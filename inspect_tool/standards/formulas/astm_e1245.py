"""ASTM E1245: second-phase constituents by automatic image analysis: stereological measures from field sums."""

from inspect_tool.errors import MeasurementError


def mean_area_um2(area_fraction: float, count_per_mm2: float) -> float:
    """Mean area of a feature, A_A / N_A. [um2]

    Parameters
    ----------
    area_fraction : float
        Area fraction of the constituent, A_A. [1]
    count_per_mm2 : float
        Features per area, N_A. [1/mm2]

    Examples
    --------
    >>> round(mean_area_um2(0.012, 150.0), 9)
    80.0

    References
    ----------
    ASTM E1245, calculation of the average area.
    """
    _check_fraction(area_fraction)
    if not count_per_mm2 > 0:
        msg = f"mean area needs features per area > 0, got {count_per_mm2:g} 1/mm2: no feature found"
        raise MeasurementError(msg)
    return 1e6 * area_fraction / count_per_mm2


def mean_free_path_um(area_fraction: float, intercepts_per_mm: float) -> float:
    """Mean edge-to-edge distance between features along a line, (1 - A_A) / N_L. [um]

    Parameters
    ----------
    area_fraction : float
        Area fraction of the constituent, A_A. [1]
    intercepts_per_mm : float
        Interceptions of features per length of test line, N_L. [1/mm]

    Examples
    --------
    >>> round(mean_free_path_um(0.012, 2.5), 9)
    395.2

    References
    ----------
    ASTM E1245, calculation of the mean free path.
    """
    _check_fraction(area_fraction)
    return 1e3 * (1.0 - area_fraction) / _intercepts(intercepts_per_mm)


def mean_spacing_um(intercepts_per_mm: float) -> float:
    """Mean spacing of interceptions along a line, 1 / N_L. [um]

    It runs from one interception to the same place of the next, so it is the mean free path plus the
    mean intercept length of the features.

    Examples
    --------
    >>> mean_spacing_um(2.5)
    400.0

    References
    ----------
    ASTM E1245 with E. E. Underwood, Quantitative Stereology (1970), chapter 4.
    """
    return 1e3 / _intercepts(intercepts_per_mm)


def mean_intercept_um(area_fraction: float, intercepts_per_mm: float) -> float:
    """Mean length of a test line inside a feature, A_A / N_L. [um]

    Examples
    --------
    >>> round(mean_intercept_um(0.012, 2.5), 9)
    4.8

    References
    ----------
    E. E. Underwood, Quantitative Stereology (1970), chapter 4: L_L = A_A.
    """
    _check_fraction(area_fraction)
    return 1e3 * area_fraction / _intercepts(intercepts_per_mm)


def _check_fraction(area_fraction: float) -> None:
    if not 0 <= area_fraction <= 1:
        msg = f"area fraction must be 0 to 1, got {area_fraction:g}"
        raise MeasurementError(msg)


def _intercepts(intercepts_per_mm: float) -> float:
    if not intercepts_per_mm > 0:
        msg = f"needs interceptions per length > 0, got {intercepts_per_mm:g} 1/mm: no feature crossed"
        raise MeasurementError(msg)
    return intercepts_per_mm
