"""AIAG MSA: repeatability and reproducibility of a gauge, by analysis of variance and by average and range.

Values come as numbers of one quantity, ``values[part][appraiser][trial]``; everything is in their unit. A variance
that comes out negative is set to 0 and named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, StandardError
from inspect_tool.model import Standard
from inspect_tool.standards.editions import constant

Values = Sequence[Sequence[Sequence[float]]]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SumsOfSquares:
    """Sums of squares of a crossed study, in the squared unit of the values."""

    part: float
    appraiser: float
    interaction: float
    error: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnovaRow:
    """One line of an analysis of variance. None: not tested."""

    source: str
    dof: int
    ss: float
    ms: float
    f: float | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeStudy:
    """Standard deviations of a study, in the unit of the values. None: the study cannot tell."""

    ev: float  # equipment variation: repeatability
    av: float | None  # appraiser variation: reproducibility; None: one appraiser
    interaction: float | None  # appraiser by part; None: pooled with the error, or not in the model
    grr: float
    pv: float  # part variation
    tv: float  # total variation
    ndc_exact: float
    ndc: int  # number of distinct categories, truncated
    grr_low: (
        float | None
    )  # 95 % interval of GRR; None: average and range, or the interval leaves out an estimate cut at 0
    grr_high: float | None
    set_to_zero: tuple[str, ...]  # components whose estimate was negative
    interaction_p: float | None  # None: not tested
    pooled: bool  # the interaction was pooled with the error
    anova: tuple[AnovaRow, ...]  # empty: average and range
    mean_range: float | None  # average and range: mean range of the trials
    appraiser_difference: float | None  # average and range: largest less smallest mean of an appraiser
    part_range: float | None  # average and range: largest less smallest mean of a part


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlLimits:
    """Limits of a range chart and of a chart of averages, three standard deviations wide."""

    center_range: float
    lower_range: float
    upper_range: float
    center_mean: float
    lower_mean: float
    upper_mean: float


def average_range(values: Values, standard: Standard) -> GaugeStudy:
    """Evaluate a crossed study by average and range.

    Parameters
    ----------
    values : nested sequence of float
        ``values[part][appraiser][trial]``, every cell filled.
    standard : Standard
        Edition with the factors K1, K2, K3.

    Raises
    ------
    MeasurementError
        Not a full study, or no repeatability at all.
    StandardError
        No factor for that number of trials, appraisers or parts.

    References
    ----------
    AIAG MSA, average and range method: EV = R K1, AV² = (X_diff K2)² - EV²/(n r), PV = R_p K3.
    """
    cells = _checked(values)
    parts, appraisers, trials = cells.shape
    k1 = _factor(standard, "trials", trials, "k1")
    k2 = _factor(standard, "appraisers", appraisers, "k2")
    k3 = _factor(standard, "parts", parts, "k3")
    mean_range = float(np.ptp(cells, axis=2).mean())
    difference = float(np.ptp(cells.mean(axis=(0, 2))))
    part_range = float(np.ptp(cells.mean(axis=(1, 2))))
    ev = mean_range * k1
    appraiser = (difference * k2) ** 2 - ev**2 / (parts * trials)
    found = _study({"repeatability": ev**2, "appraiser": appraiser, "part": (part_range * k3) ** 2}, standard, anova=())
    return replace(found, mean_range=mean_range, appraiser_difference=difference, part_range=part_range)


def sums_of_squares(values: Values) -> SumsOfSquares:
    """Sums of squares of a crossed study with its interaction.

    >>> sums_of_squares([[[1.0, 3.0], [2.0, 2.0]], [[5.0, 5.0], [4.0, 6.0]]])
    SumsOfSquares(part=18.0, appraiser=0.0, interaction=0.0, error=4.0, total=22.0)
    """
    cells = _checked(values)
    parts, appraisers, trials = cells.shape
    cells = cells - cells.mean()
    by_part, by_appraiser, by_cell = cells.mean(axis=(1, 2)), cells.mean(axis=(0, 2)), cells.mean(axis=2)
    return SumsOfSquares(
        part=float(appraisers * trials * (by_part**2).sum()),
        appraiser=float(parts * trials * (by_appraiser**2).sum()),
        interaction=float(trials * ((by_cell - by_part[:, None] - by_appraiser[None, :]) ** 2).sum()),
        error=float(((cells - by_cell[:, :, None]) ** 2).sum()),
        total=float((cells**2).sum()),
    )


def crossed(values: Values, standard: Standard) -> GaugeStudy:
    """Evaluate a crossed study by analysis of variance; parts and appraisers are random.

    The interaction is pooled with the error where its p is above ``pooling_p`` of the edition. With one appraiser
    the study tells repeatability alone, and ``av`` is None.

    Parameters
    ----------
    values : nested sequence of float
        ``values[part][appraiser][trial]``, every cell filled.

    Returns
    -------
    GaugeStudy
        The 95 % interval of GRR is that of modified large samples (Graybill and Wang): exact for one mean square,
        close to its coverage for sums of them. Few appraisers make it wide, and that is so.

    References
    ----------
    AIAG MSA, analysis of variance method; Burdick, Borror and Montgomery, Design and Analysis of Gauge R&R Studies
    (2005) for the interval.
    """
    found = sums_of_squares(values)
    parts, appraisers, trials = _checked(values).shape
    dof_part, dof_appraiser = parts - 1, appraisers - 1
    dof_both, dof_error = dof_part * dof_appraiser, parts * appraisers * (trials - 1)
    total = AnovaRow(source="total", dof=parts * appraisers * trials - 1, ss=found.total, ms=0.0)
    error = _row("repeatability", dof_error, found.error)
    if appraisers == 1:
        part = _row("part", dof_part, found.part, error)
        components = {"repeatability": error.ms, "part": (part.ms - error.ms) / trials}
        return _study(components, standard, anova=(part, error, total), terms=((1.0, error),))

    both = _row("appraiser x part", dof_both, found.interaction, error)
    assert both.p is not None  # tested just now
    pooled = both.p > constant(standard, "pooling_p").value
    if pooled:
        error = _row("repeatability", dof_both + dof_error, found.interaction + found.error)
    against = error if pooled else both
    part = _row("part", dof_part, found.part, against)
    appraiser = _row("appraiser", dof_appraiser, found.appraiser, against)
    components = {
        "repeatability": error.ms,
        "appraiser": (appraiser.ms - against.ms) / (parts * trials),
        "part": (part.ms - against.ms) / (appraisers * trials),
    }
    terms = [(1 / (parts * trials), appraiser)]
    if pooled:
        terms.append((1 - 1 / (parts * trials), error))
    else:
        components["interaction"] = (both.ms - error.ms) / trials
        terms += [((parts - 1) / (parts * trials), both), (1 - 1 / trials, error)]
    rows = (part, appraiser, error, total) if pooled else (part, appraiser, both, error, total)
    return replace(_study(components, standard, anova=rows, terms=terms), interaction_p=both.p, pooled=pooled)


def nested(values: Values, standard: Standard) -> GaugeStudy:
    """Evaluate a nested study by analysis of variance: every appraiser has parts of his own.

    For measurements that use the part up: the trials of a part are pieces that are taken for alike, and what they
    differ by counts as repeatability.

    Parameters
    ----------
    values : nested sequence of float
        ``values[appraiser][part][trial]``: first the appraiser here.

    References
    ----------
    AIAG MSA, non-replicable measurement systems; the expected mean squares are those of the balanced nested model.
    """
    cells = _checked(values, ("appraiser", "part of an appraiser", "trial"))
    appraisers, parts, trials = cells.shape
    if appraisers < 2:
        msg = "gauge study: a nested study needs at least 2 appraisers; with one, leave --nested out"
        raise MeasurementError(msg)
    cells = cells - cells.mean()
    by_appraiser, by_part = cells.mean(axis=(1, 2)), cells.mean(axis=2)
    error = _row("repeatability", appraisers * parts * (trials - 1), float(((cells - by_part[:, :, None]) ** 2).sum()))
    within = float(trials * ((by_part - by_appraiser[:, None]) ** 2).sum())
    part = _row("part within appraiser", appraisers * (parts - 1), within, error)
    appraiser = _row("appraiser", appraisers - 1, float(parts * trials * (by_appraiser**2).sum()), part)
    total = AnovaRow(source="total", dof=cells.size - 1, ss=float((cells**2).sum()), ms=0.0)
    components = {
        "repeatability": error.ms,
        "appraiser": (appraiser.ms - part.ms) / (parts * trials),
        "part": (part.ms - error.ms) / trials,
    }
    share = 1 / (parts * trials)
    terms = ((share, appraiser), (-share, part), (1.0, error))
    return _study(components, standard, anova=(appraiser, part, error, total), terms=terms)


def percent_of_tolerance(s: float, tolerance: float, standard: Standard) -> float:
    """Share of the tolerance that six standard deviations take. [%]

    Parameters
    ----------
    s : float
        Standard deviation, in the unit of the tolerance.
    tolerance : float
        Upper less lower limit.

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> percent_of_tolerance(0.02, 0.6, load_standard("aiag_msa_2010"))
    20.0
    """
    if not (isfinite(tolerance) and tolerance > 0):
        msg = f"tolerance: got {tolerance:g}, must be above 0: upper less lower limit"
        raise MeasurementError(msg)
    return 100 * constant(standard, "study_spread").value * s / tolerance


def control_limits(values: Values, standard: Standard) -> ControlLimits | None:
    """Limits of the charts of ranges and averages, from the mean range; None: no factors for that many trials.

    References
    ----------
    Shewhart charts: D4 = 1 + 3 d3/d2, D3 = max(0, 1 - 3 d3/d2), A2 = 3/(d2 √r).
    """
    cells = np.asarray(values, dtype=np.float64)
    trials = cells.shape[2]
    row = next((row for row in _rows(standard, "ranges") if row["n"] == trials), None)
    if row is None:
        return None
    center, mean = float(np.ptp(cells, axis=2).mean()), float(cells.mean())
    wide = 3 * float(row["d3"]) / float(row["d2"])
    reach = 3 * center / (float(row["d2"]) * sqrt(trials))
    return ControlLimits(
        center_range=center,
        lower_range=max(0.0, 1 - wide) * center,
        upper_range=(1 + wide) * center,
        center_mean=mean,
        lower_mean=mean - reach,
        upper_mean=mean + reach,
    )


def large_sample_interval(terms: Sequence[tuple[float, AnovaRow]], coverage: float = 0.95) -> tuple[float, float]:
    """Interval of a weighted sum of mean squares (modified large samples), cut at 0.

    Parameters
    ----------
    terms : sequence of (weight, row)
        The sum is that of weight times mean square; weights may be negative.

    Examples
    --------
    >>> low, high = large_sample_interval([(1.0, AnovaRow(source="error", dof=10, ss=10.0, ms=1.0))])
    >>> round(low, 4), round(high, 4)
    (0.4882, 3.0798)

    References
    ----------
    Graybill and Wang, Confidence intervals on nonnegative linear combinations of variances, J. Am. Statist. Assoc.
    1980; with negative weights Ting, Burdick, Graybill, Jeyaratnam and Lu, J. Statist. Comput. Simul. 1990, without
    the terms of two weights of one sign. With one term it is the exact interval of a variance.
    """
    from scipy.special import chdtri, fdtri

    tail = (1 - coverage) / 2
    near = [1 - row.dof / chdtri(row.dof, tail) for _, row in terms]
    far = [row.dof / chdtri(row.dof, 1 - tail) - 1 for _, row in terms]
    sizes = [abs(weight) * row.ms for weight, row in terms]
    added = [i for i, (weight, _) in enumerate(terms) if weight > 0]
    taken = [i for i, (weight, _) in enumerate(terms) if weight < 0]
    below = sum((near[i] * sizes[i]) ** 2 for i in added) + sum((far[i] * sizes[i]) ** 2 for i in taken)
    above = sum((far[i] * sizes[i]) ** 2 for i in added) + sum((near[i] * sizes[i]) ** 2 for i in taken)
    for i in added:
        for j in taken:
            high, low = (fdtri(terms[i][1].dof, terms[j][1].dof, p) for p in (1 - tail, tail))
            below += ((high - 1) ** 2 - (near[i] * high) ** 2 - far[j] ** 2) / high * sizes[i] * sizes[j]
            above += ((1 - low) ** 2 - (far[i] * low) ** 2 - near[j] ** 2) / low * sizes[i] * sizes[j]
    middle = sum(weight * row.ms for weight, row in terms)
    return max(0.0, float(middle - sqrt(max(0.0, below)))), max(0.0, float(middle + sqrt(max(0.0, above))))


def _row(source: str, dof: int, ss: float, against: AnovaRow | None = None) -> AnovaRow:
    from scipy.special import fdtrc

    ms = ss / dof
    if against is None:
        return AnovaRow(source=source, dof=dof, ss=ss, ms=ms)
    f = ms / against.ms if against.ms > 0 else None
    p = float(fdtrc(dof, against.dof, f)) if f is not None else float(ms == 0)
    return AnovaRow(source=source, dof=dof, ss=ss, ms=ms, f=f, p=p)


def _study(
    components: Mapping[str, float],
    standard: Standard,
    *,
    anova: tuple[AnovaRow, ...],
    terms: Sequence[tuple[float, AnovaRow]] = (),
) -> GaugeStudy:
    """Standard deviations from variance components; what is negative is set to 0."""
    kept = {name: max(0.0, value) for name, value in components.items()}
    pv2 = kept.pop("part")
    grr2 = sum(kept.values())
    grr, pv = sqrt(grr2), sqrt(pv2)
    exact = constant(standard, "ndc_factor").value * pv / grr
    low, high = (sqrt(square) for square in large_sample_interval(terms)) if terms else (None, None)
    if low is not None and high is not None and not low <= grr <= high:  # the estimate was cut at 0, the interval not
        low, high = None, None
    return GaugeStudy(
        ev=sqrt(kept["repeatability"]),
        av=sqrt(kept["appraiser"]) if "appraiser" in kept else None,
        interaction=sqrt(kept["interaction"]) if "interaction" in kept else None,
        grr=grr,
        pv=pv,
        tv=sqrt(grr2 + pv2),
        ndc_exact=exact,
        ndc=int(exact),
        grr_low=low,
        grr_high=high,
        set_to_zero=tuple(name for name, value in components.items() if value < 0),
        interaction_p=None,
        pooled=False,
        anova=anova,
        mean_range=None,
        appraiser_difference=None,
        part_range=None,
    )


def _checked(values: Values, names: tuple[str, str, str] = ("part", "appraiser", "trial")) -> Array:
    """Take a full study as an array; refuse one that cannot tell repeatability from parts."""
    try:
        cells = np.asarray(values, dtype=np.float64)
    except ValueError:
        cells = np.empty(0)
    if cells.ndim != 3 or not np.isfinite(cells).all():
        msg = f"gauge study: every {names[0]}, {names[1]} and {names[2]} needs one finite number"
        raise MeasurementError(msg)
    for name, count in zip(names, cells.shape, strict=True):
        if count < 2 and name != "appraiser":
            msg = f"gauge study: {count} {name}; at least 2 are needed"
            raise MeasurementError(msg)
    if not (np.ptp(cells, axis=2) ** 2).any():  # squared: what is too small to square has no variance
        msg = (
            "gauge study: all trials of every part agree to the last digit, so that there is no repeatability; take "
            "new images for every trial, or read the gauge more finely"
        )
        raise MeasurementError(msg)
    return cells


def _factor(standard: Standard, table: str, count: int, name: str) -> float:
    rows = _rows(standard, table)
    found = next((float(row[name]) for row in rows if row[table] == count), None)
    if found is None:
        known = ", ".join(str(row[table]) for row in rows)
        what = table if count != 1 else table.removesuffix("s")
        msg = (
            f"standards/{standard.name}.toml: no factor {name.upper()} for {count} {what}, there are those for "
            f"{known}; use --method anova"
        )
        raise StandardError(msg)
    return found


def _rows(standard: Standard, table: str) -> tuple[Mapping[str, float], ...]:
    try:
        return standard.tables[table]
    except KeyError:
        msg = f"standards/{standard.name}.toml: no table [tables.{table}]"
        raise StandardError(msg) from None
