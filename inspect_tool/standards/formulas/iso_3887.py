"""Depth of decarburization of steels, ISO 3887: numbers to numbers."""

from inspect_tool.errors import MeasurementError


def partial_depth(total: float, complete: float) -> float:
    """Depth of partial decarburization: what is left of the total one behind the complete one. [any length]

    >>> partial_depth(12.0, 3.5)
    8.5
    """
    if not 0 <= complete <= total:
        msg = (
            f"the depth of complete decarburization must lie between 0 and the total one, got {complete:g} of {total:g}"
        )
        raise MeasurementError(msg)
    return total - complete


def recovered_percent(ferrite_percent: float, core_ferrite_percent: float) -> float:
    """How much of the structure of the core there is at a depth, from the shares of ferrite there and in the core.

    Parameters
    ----------
    ferrite_percent, core_ferrite_percent : float
        Of the area. [%]

    Returns
    -------
    float
        100 where the structure is that of the core, 0 where there is ferrite alone. [%]

    Examples
    --------
    >>> recovered_percent(70.0, 40.0)
    50.0
    """
    if not 0 <= core_ferrite_percent < 100:
        msg = f"the share of ferrite in the core must lie between 0 and 100 %, got {core_ferrite_percent:g}"
        raise MeasurementError(msg)
    return 100 * (100 - ferrite_percent) / (100 - core_ferrite_percent)
