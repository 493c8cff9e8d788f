"""From the results of a lab to a trend: limits, alarms, steps with their cause, capability, and the page."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt
from pathlib import Path
from time import perf_counter

import numpy as np

from inspect_tool import folders, registry
from inspect_tool.acceptance.criteria import quantity_of
from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.evidence.provenance import now, provenance
from inspect_tool.files import sha256_bytes
from inspect_tool.inspection.job_plan import Progress, silent
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.trend import alarms, baseline, charts, limits, proof
from inspect_tool.lab.trend.baseline import Baseline
from inspect_tool.lab.trend.capability import Capability, capability
from inspect_tool.lab.trend.charts import Floats
from inspect_tool.lab.trend.found import SCHEMA, WHAT, Alarm, FoundStep, Limits, Point, State, Trend
from inspect_tool.lab.trend.page import page
from inspect_tool.lab.trend.series import COLUMNS, Series, Value, series, without_days
from inspect_tool.lab.trend.steps import Step, cause, steps
from inspect_tool.languages import Text, Words
from inspect_tool.report import document
from inspect_tool.report.template import check_language, language_of, template_folder

_ALIKE = 2.0  # neighbors: correlation beyond which they are called alike, in 1 / √n


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a trend."""

    quantity: str
    query: str = ""
    alarm: Alarm = "cusum"
    nelson: bool = False  # whether the eight rules are looked at too
    freeze: bool = False
    by: str = ""  # who freezes, and why
    reason: str = ""
    prove: bool = True  # whether kept images are measured again


def trend(
    lab: Lab,
    request: Request,
    out: Path,
    *,
    language: str = "",
    exports: Collection[str] = ("html", "pdf"),
    progress: Progress | None = None,
) -> tuple[Trend, Path]:
    """Evaluate a quantity over time and write ``trend.json``, ``trend.html`` and ``trend.pdf``.

    Parameters
    ----------
    lab : Lab
    request : Request
    out : Path
        Folder that gets ``<quantity>_trend/``.
    language : str
        Of the words of the page; empty: that of the template.
    exports : collection of str
        "html", "pdf" or both; the data are always written.
    progress : callable, optional
        Called with (steps done, steps in all, text).

    Returns
    -------
    Trend, Path
        What was found, and the folder.

    Raises
    ------
    InspectError
        For whatever the user must fix; nothing is written then, and no limits are frozen.
    """
    started, clock = now(), perf_counter()
    tell = progress or silent
    if language:
        check_language(language, "--language")
    template = template_folder("inspection", Path())
    name = f"{request.quantity}_trend"
    folders.check_name(name, "trend")
    target = out / name
    folders.check(target, ())
    with connected(lab, read_only=True) as connection:
        asked = series(connection, request.quantity, request.query)
        kept = baseline.newest(connection, request.quantity, without_days(request.query))
    found = evaluated(lab, request, asked, kept)
    if request.prove:
        found = replace(found, steps=tuple(_proven(lab.folder, asked, found.steps, tell)))
    if request.freeze:
        _check_steady(found)
        kept = baseline.next_version(asked.values, kept, by=request.by, reason=request.reason)
        found = evaluated(lab, request, asked, kept)
    found = replace(
        found,
        language=language_of(language, template),
        provenance=replace(
            found.provenance, started=started.isoformat().replace("+00:00", "Z"), seconds=perf_counter() - clock
        ),
    )
    found = replace(found, id=document.identification("TR", found))
    with folders.new_folder(target, ()) as folder:
        document.write(found, folder, "trend", page, template, what=WHAT, exports=exports)
        if request.freeze and kept is not None:  # last: what is frozen is never changed
            with connected(lab) as connection:
                baseline.freeze(connection, request.quantity, without_days(request.query), kept)
    tell(1, 1, "done")
    return found, target


def load_trend(path: Path) -> Trend:
    """Read ``trend.json`` back."""
    return document.load(Trend, path, SCHEMA, "a trend")


def evaluated(lab: Lab, request: Request, asked: Series, frozen: Baseline | None) -> Trend:
    """Evaluate a series; its identification and its proofs are left to the caller.

    Raises
    ------
    MeasurementError
        Fewer than three values, or none that scatters.
    """
    values = asked.values
    x = np.array([one.value for one in values])
    level_steps = steps(x)
    control = _limits(values, x, level_steps, frozen, request.alarm)
    points = _points(values, x, control, request)
    prints = [one.fingerprint for one in values]
    found_steps = tuple(
        FoundStep(step=one, day=values[one.at].day.isoformat(), cause=cause(one, prints)) for one in level_steps
    )
    last = level_steps[-1].at if level_steps else 0
    able = _capability(values[last:])
    return Trend(
        schema=SCHEMA,
        id="",
        laboratory=lab.name,
        quantity=request.quantity,
        title=_title(asked),
        recipe=asked.recipe,
        unit=asked.unit,
        query=request.query,
        state=_state(points, found_steps),
        alarm=request.alarm,
        nelson=request.nelson,
        limits=control,
        points=points,
        fingerprints=tuple(dict(one) for one in _unlike(prints)),
        steps=found_steps,
        capability=able,
        measurement_share=_measurement_share(values, control.sigma),
        warnings=tuple(_warnings(asked, x, level_steps, control, able)),
        provenance=provenance(
            job_sha256=sha256_bytes("".join(one.uid for one in values).encode()),
            settings=request,
            backend="",
            backend_settings={},
            started=now(),
            seconds=0.0,
        ),
    )


def _title(asked: Series) -> Words:
    """Name of a quantity as its recipe words it, with that of the class where it is of one."""
    try:
        recipe = registry.load("recipe", asked.recipe)
    except InspectError:  # of a package that is not installed here
        return asked.quantity
    stated = quantity_of(recipe, asked.quantity)
    if stated is None:
        return asked.quantity
    if asked.quantity in recipe.QUANTITIES:
        return stated.title
    return Text("words.of_class", title=stated.title, name=asked.quantity.partition(".")[2])


def _of_one_level(x: Floats, found: Sequence[Step]) -> tuple[int, int]:
    """First value and end of those that preliminary limits are made of.

    They are those before the first step, where these are few those of the longest level: of several levels there are
    no limits, as the step would count as scatter. Where no level scatters, as coarse readings do, it is all values.
    """
    edges = [0, *(one.at for one in found), len(x)]
    levels = [(a, b) for a, b in pairwise(edges) if np.ptp(x[a:b]) > 0]
    if levels and levels[0][0] == 0 and levels[0][1] >= baseline.LEAST:
        return levels[0]
    return max(levels, key=lambda level: level[1] - level[0], default=(0, len(x)))


def _limits(values: Sequence[Value], x: Floats, found: Sequence[Step], frozen: Baseline | None, alarm: Alarm) -> Limits:
    """Frozen limits, or preliminary ones of the values of one level."""
    start, end = _of_one_level(x, found)
    own = frozen.level if frozen is not None else charts.level(x[start:end])
    single = limits.widened(limits.quiet_single, limits.SINGLE, own.n)
    chart, known = (limits.quiet_cusum, limits.CUSUM) if alarm == "cusum" else (limits.quiet_ewma, limits.EWMA)
    return Limits(
        version=frozen.version if frozen else 0,
        n=own.n,
        first=(frozen.first if frozen else values[start].day).isoformat(),
        last=(frozen.last if frozen else values[end - 1].day).isoformat(),
        made=frozen.made.isoformat().replace("+00:00", "Z") if frozen else "",
        by=frozen.by if frozen else "",
        reason=frozen.reason if frozen else "",
        center=own.center,
        sigma=own.sigma,
        lower=own.center - single * own.sigma,
        upper=own.center + single * own.sigma,
        range_upper=charts.range_limit(own),
        single=single,
        alarm=limits.widened(chart, known, own.n),
        unwidened=known,
    )


def _points(values: Sequence[Value], x: Floats, control: Limits, request: Request) -> tuple[Point, ...]:
    z = (x - control.center) / control.sigma
    outlier = np.abs(z) > control.single
    if request.alarm == "cusum":
        up, down, alarm = alarms.cusum(z, control.alarm)
    else:
        up, alarm = alarms.ewma(z, control.alarm)
        down = np.zeros(len(z))
    met = {rule: alarms.nelson(z, rule, control.single) for rule in alarms.NELSON} if request.nelson else {}
    ranges = [None, *charts.moving_ranges(x).tolist()]
    numbers = {_key(one): i for i, one in enumerate(_unlike([value.fingerprint for value in values]))}
    return tuple(
        Point(
            report=one.report,
            uid=one.uid,
            specimen=one.specimen,
            day=one.day.isoformat(),
            value=one.value,
            expanded_u=one.expanded_u,
            moving_range=ranges[i],
            up=float(up[i]),
            down=float(down[i]),
            fingerprint=numbers[_key(one.fingerprint)],
            outlier=bool(outlier[i]),
            alarm=bool(alarm[i]),
            rules=tuple(rule for rule, where in met.items() if where[i]),
        )
        for i, one in enumerate(values)
    )


def _key(fingerprint: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(fingerprint[name] for name in COLUMNS)


def _unlike(prints: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Each fingerprint once, in the order in which they came."""
    return list({_key(one): one for one in prints}.values())


def _state(points: Sequence[Point], found: Sequence[FoundStep]) -> State:
    if found:
        return "step"
    if any(point.alarm for point in points):
        return "alarm"
    return "outlier" if any(point.outlier or point.rules for point in points) else "steady"


def _capability(values: Sequence[Value]) -> Capability | None:
    """Of values of one level, against the limits that were asked of the newest."""
    x = np.array([one.value for one in values])
    if len(x) < charts.LEAST or float(np.ptp(x)) == 0:
        return None
    return capability(x, values[-1].lower, values[-1].upper)


def _measurement_share(values: Sequence[Value], sigma: float) -> float | None:
    stated = [one.u for one in values if one.u is not None]
    return float(np.mean(np.square(stated))) / sigma**2 if stated else None


def _warnings(
    asked: Series, x: Floats, found: Sequence[Step], control: Limits, able: Capability | None
) -> Iterator[Words]:
    values = asked.values
    if not control.version:
        yield Text("trend.preliminary", n=control.n)
        if found and _of_one_level(x, found)[0] > 0:
            yield Text("trend.longest_level", least=baseline.LEAST, first=control.first, last=control.last)
    if control.n < limits.ENOUGH:
        yield Text("trend.widened", n=control.n, enough=limits.ENOUGH)
    if asked.without:
        yield Text("trend.without_value", n=asked.without)
    edges = [0, *(one.at for one in found), len(x)]
    rest = np.concatenate([x[a:b] - x[a:b].mean() for a, b in pairwise(edges)])
    scatter = float(rest @ rest)  # 0: coarse readings, the same within each level
    alike = float(rest[1:] @ rest[:-1]) / scatter if scatter else 0.0
    if alike > _ALIKE / sqrt(len(x)):
        yield Text("trend.alike", correlation=round(alike, 2))
    several = sum(count > 1 for count in Counter(one.uid for one in values).values())
    if several:
        yield Text("trend.several_of_report", n=several)
    share = _measurement_share(values, control.sigma)
    if share is not None and share > 1:
        yield Text("trend.measurement_explains_all")
    if able is not None and len({(one.lower, one.upper) for one in values}) > 1:
        yield Text("trend.limits_differ")
    if able is not None and able.shape == "not stated":
        yield Text("trend.no_distribution")


def _check_steady(found: Trend) -> None:
    if found.steps:
        first = found.steps[-1]
        msg = (
            f"--freeze: the values have a step on {first.day}, and limits over it are none; "
            f"freeze those after it: add since:{first.day} to the query"
        )
        raise SettingsError(msg)


def _proven(folder: Path, asked: Series, found: Sequence[FoundStep], tell: Progress) -> Iterator[FoundStep]:
    for i, one in enumerate(found):
        if one.cause.kind != "method":
            yield one
            continue
        made = proof.prove(
            folder,
            asked.quantity,
            asked.values,
            one.step,
            one.cause,
            lambda report, i=i: tell(i, len(found), report),  # type: ignore[misc]
        )
        yield replace(one, proof=made)
