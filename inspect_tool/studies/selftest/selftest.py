"""Does the method work here? Phantoms of known truth through the steps of a job, judged by criteria stated beforehand.

Bias is taken against what the drawn fields hold, so that it is that of segmentation and measurement alone. Coverage,
linearity and scatter speak about the material that the fields were drawn from, as the stated intervals do.
"""

import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from itertools import groupby
from math import sqrt
from pathlib import Path
from statistics import fmean
from time import perf_counter, process_time
from typing import Any, Literal

import cv2
import numpy as np

from inspect_tool import __version__, folders, registry
from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.evidence.provenance import now, package_versions, provenance
from inspect_tool.files import (
    checked,
    load_model_card,
    parse_json,
    plain,
    read_bytes,
    sha256_bytes,
    sha256_file,
    write_text,
)
from inspect_tool.inspection import pipeline
from inspect_tool.inspection.pipeline import Progress
from inspect_tool.inspection.remeasure import Remeasured, remeasure
from inspect_tool.inspection.workers import each, processes
from inspect_tool.model import Header, Rule, Standard, StandardRecord
from inspect_tool.paths import data_folder
from inspect_tool.report.render import template_folder
from inspect_tool.segmentation import question
from inspect_tool.segmentation.networks.weights import model_folder, shipped_names
from inspect_tool.standards import editions, worked
from inspect_tool.statistics.uncertainty import coverage_factor, proportion_interval
from inspect_tool.studies import golden
from inspect_tool.studies.selftest import phantoms
from inspect_tool.studies.selftest.page import (
    SCHEMA,
    EditionCases,
    GoldenPart,
    GoldenRow,
    HashedFile,
    Installation,
    Judged,
    LookSummary,
    OutOfReach,
    Point,
    QuantityTest,
    RecipeTest,
    SelfTest,
    SizeRow,
    Smallest,
    TileTest,
    page,
)
from inspect_tool.studies.selftest.phantoms import FULL, QUICK, RECIPES, Kit, Phantom

CRITERIA = "selftest/selftest_2026.toml"
"""In the folder of the standards."""

FILE = "selftest.json"

FOUND_PERCENT = 90.0  # pores of a measurable size that are found, at least [%]
SIZE_PERCENT = 10.0  # mean error of the diameter of a measurable size, at most [%]

_TILES_PX = (256, 1024)
_TILE_FIELD_PX = 640  # side of the field that is cut into tiles [px]
_PICTURE_PX = 220  # side of the part of a phantom that is shown [px]
_MEASURES = (
    "bias",
    "coverage",
    "scatter",
    "slope",
    "smallest",
    "tiles",
    "measured",
    "same",
    "worked",
    "weights",
    "files",
    "golden",
)
_UNITS = {"grain_size": "G", "phase_fraction": "%", "porosity": "%", "solder_voids": "%"}
_DRAWN = {
    "grain_size": "grains of planimetric G {}, Poisson-Voronoi mosaics, etched dark",
    "phase_fraction": "a dark phase of {} % in a light matrix, thresholded Gaussian field, mean intercept 24 px",
    "porosity": "pores of {} %, mean diameter 12 px, round and irregular",
    "solder_voids": "balls of 84 px diameter with voids of {} % on average, on a board with traces and holes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one phantom gave."""

    phantom: Phantom
    values: Mapping[str, tuple[str, str, float, float | None, tuple[float, float] | None]]  # by quantity of the kit
    truths: Mapping[str, tuple[float, float]]
    masks: tuple[str, ...]
    weights: str
    used: Mapping[str, Any]
    picture: bytes  # PNG
    cpu: float
    failure: str


def selftest(
    out: str | Path | None = None,
    *,
    recipes: Sequence[str] = (),
    backend: str = "",
    settings: Mapping[str, Any] | None = None,
    pixel_um: float | None = None,
    kit: Kit = FULL,
    criteria: Path | None = None,
    golden_folder: Path | None = None,
    laboratory: str = "",
    workers: int = 1,
    progress: Progress | None = None,
) -> SelfTest:
    """Run the phantom kit and judge it.

    Parameters
    ----------
    out : path, optional
        Folder that gets ``selftest.json``, ``.html`` and ``.pdf``; an older one is replaced. None: nothing is written.
    recipes : sequence of str
        Those to test; empty: all that the backend can answer.
    backend : str
        Empty: the default of each recipe.
    settings : mapping, optional
        Of the backend, on top of its defaults.
    pixel_um : float, optional
        The laboratory's own; None: a usual one for each recipe. [um/px]
    kit : Kit
        What is drawn: ``phantoms.FULL`` or ``phantoms.QUICK``.
    criteria : Path, optional
        File of criteria of the laboratory's own.
    golden_folder : Path, optional
        Record of golden images, see ``golden.record``.
    laboratory : str
        Name for the report.
    workers : int
        Phantoms measured at the same time, each in a process of its own.
    progress : callable, optional
        Called with (steps done, steps in all, text).

    Raises
    ------
    InspectError
        For whatever the user must fix; nothing is written then.
    """
    started, clock, cpu = now(), perf_counter(), process_time()
    tell = progress or _silent
    rules = load_criteria(criteria)
    if out is not None and Path(out).is_dir() and any(Path(out).iterdir()) and not (Path(out) / FILE).is_file():
        msg = f"{out}: is there and holds no {FILE}, so it is not replaced; choose a new folder with --out"
        raise SettingsError(msg)
    if pixel_um is not None and not 0 < pixel_um < 1e4:
        msg = f"--pixel-um {pixel_um:g}: a pixel size is above 0 and below 10000 um"
        raise SettingsError(msg)
    tables, refused = _backends(recipes, backend, settings or {})
    scale = {recipe: pixel_um if pixel_um is not None else phantoms.PIXEL_UM[recipe] for recipe in RECIPES}
    plans = {recipe: phantoms.planned(recipe, scale[recipe], kit) for recipe in tables}
    tasks = [_Task(kind="phantom", phantom=one, table=tables[one.recipe]) for p, _ in plans.values() for one in p]
    # the first phantom of each recipe once more: is the same image measured the same way?
    tasks += [_Task(kind="again", phantom=p[0], table=tables[recipe]) for recipe, (p, _) in plans.items() if p]
    if "porosity" in tables:
        tasks += [
            _Task(kind="size", table=tables["porosity"], look=look, size_px=size, pixel_um=scale["porosity"], kit=kit)
            for size in kit.pore_sizes_px
            for look in kit.looks
        ]
    tiled = {recipe: _tileable(recipe, table) for recipe, table in tables.items()}
    tasks += [
        _Task(kind="tiles", phantom=_for_tiles(plans[recipe][0]), table=tables[recipe])
        for recipe, reason in tiled.items()
        if not reason and plans[recipe][0]
    ]
    total = len(tasks) + 3
    if golden_folder is not None:
        golden.load_golden(golden_folder)  # refuses before the work
    if out is not None:
        folders.check(Path(out))
    answers, elsewhere = _done(tasks, workers, lambda i, name: tell(i, total, name))
    tell(len(tasks), total, "worked cases, files")
    seen = [a for t, a in zip(tasks, answers, strict=True) if t.kind == "phantom"]
    again = [a for t, a in zip(tasks, answers, strict=True) if t.kind == "again"]
    sizes = tuple(a for t, a in zip(tasks, answers, strict=True) if t.kind == "size")
    tiles = tuple(
        [a for t, a in zip(tasks, answers, strict=True) if t.kind == "tiles"]
        + [_no_tiles(recipe, tables[recipe], reason) for recipe, reason in tiled.items() if reason]
    )
    with _folder(out) as folder:
        found = SelfTest(
            schema=SCHEMA,
            id="",
            verdict="criteria met",
            header=Header(laboratory=laboratory),
            quick=kit is QUICK,
            criteria=StandardRecord(
                name=rules.name, id=rules.id, edition=rules.edition, title=rules.title, sha256=rules.sha256
            ),
            rules=tuple(rules.rules.values()),
            judged=(),
            recipes=tuple(
                _with_answers(
                    _recipe(recipe, tables.get(recipe, {}), refused.get(recipe, ""), plans.get(recipe), scale[recipe]),
                    seen,
                    again,
                    folder,
                )
                for recipe in RECIPES
            ),
            quantities=tuple(_quantities(seen)),
            sizes=sizes,
            smallest=tuple(
                _smallest([row for row in sizes if row.look == look], scale["porosity"])
                for look in dict.fromkeys(row.look for row in sizes)
            ),
            size_limits=(FOUND_PERCENT, SIZE_PERCENT),
            tiles=tiles,
            installation=_installation(tables, rules, criteria),
            worked=_worked(),
            golden=None if golden_folder is None else _golden(golden_folder),
            seconds=0.0,
            cpu_seconds=0.0,
            provenance=provenance(
                job_sha256="",
                settings={"kit": plain(kit)},
                backend=backend or "default of each recipe",
                backend_settings=dict(settings or {}),
                started=started,
                seconds=0.0,
            ),
        )
        judged = tuple(_judged(found, rules))
        met = all(one.check.passed for one in judged if not one.skipped)
        seconds = perf_counter() - clock
        found = replace(
            found,
            judged=judged,
            verdict="criteria met" if met else "criteria not met",
            seconds=round(seconds, 1),
            cpu_seconds=round(process_time() - cpu + elsewhere, 1),
            provenance=replace(found.provenance, seconds=round(seconds, 2)),
        )
        found = replace(found, id=_identification(found))
        if out is not None:
            _write(found, folder, tell, total)
    return found


@contextmanager
def _folder(out: str | Path | None) -> Iterator[Path]:
    """Give a folder that appears as a whole under its name, or a passing one when nothing is kept."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
            yield Path(folder)
    else:
        with folders.new_folder(Path(out)) as made:
            yield made


def load_selftest(path: Path) -> SelfTest:
    """Read ``selftest.json`` back."""
    try:
        text = read_bytes(path)
    except OSError as error:
        msg = f"{path}: not a self-test: {error.strerror}"
        raise SettingsError(msg) from None
    return parse_json(SelfTest, text, SCHEMA, str(path), "a self-test")


def load_criteria(path: Path | None = None) -> Standard:
    """Load the criteria: those of the toolkit, or a file in the same format.

    Raises
    ------
    StandardError, SettingsError
        The file is not there or wrong, or a rule names what is not measured.
    """
    name = str(path) if path is not None else str(data_folder("standards") / CRITERIA)
    if not name.endswith(".toml"):
        msg = f"{name}: criteria are a file that ends in .toml; copy standards/{CRITERIA}"
        raise SettingsError(msg)
    rules = editions.load_standard(name)
    known = {quantity for truths in phantoms.TRUTHS.values() for quantity in truths}
    for rule in rules.rules.values():
        measure, quantity = _parts(rule)
        if measure not in _MEASURES or (quantity and quantity not in known):
            msg = f"{Path(name).name} rule '{rule.name}': write measure or measure:quantity; {', '.join(_MEASURES)}"
            raise SettingsError(msg)
        for look in rule.methods:
            if look not in phantoms.LOOKS:
                msg = f"{Path(name).name} rule '{rule.name}' methods: got '{look}', must be {', '.join(phantoms.LOOKS)}"
                raise SettingsError(msg)
    return rules


def _parts(rule: Rule) -> tuple[str, str]:
    """Measure and quantity of a rule; the quantity is empty where the rule is for the whole test."""
    measure, _, rest = rule.name.partition(":")
    return measure, rest.split(":", 1)[0]


# --------------------------------------------------------------------------------------------- what is to be tested


def _backends(
    recipes: Sequence[str], backend: str, settings: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Give the ``[backend]`` table of every recipe that is tested, and why another one is not."""
    for recipe in recipes:
        if recipe not in RECIPES:
            msg = f"--recipe {recipe}: the kit has phantoms for {', '.join(RECIPES)}"
            raise SettingsError(msg)
    tables: dict[str, dict[str, Any]] = {}
    refused = {recipe: "not asked for" for recipe in RECIPES if recipes and recipe not in recipes}
    for recipe in RECIPES:
        if recipe in refused:
            continue
        module = registry.load("recipe", recipe)
        default = phantoms.default_backend(recipe)
        own = default if backend in ("", default["name"]) else {"name": backend}
        table = dict(own) | dict(settings)
        name = str(table["name"])
        plugin = registry.load("backend", name)
        chosen = checked(
            plugin.Settings, {k: v for k, v in table.items() if k != "name"}, f"recipe {recipe}", under="backend"
        )
        if hasattr(chosen, "masks"):
            msg = f"--backend {name}: takes masks that exist; the kit needs a backend that segments"
            raise SettingsError(msg)
        try:
            question.check_backend(recipe, module, name, plugin, chosen)
        except SettingsError as error:
            if recipe in recipes:
                raise
            refused[recipe] = str(error)
            continue
        tables[recipe] = table
    if not tables:
        msg = f"--backend {backend}: answers no recipe of the kit: {next(iter(refused.values()))}"
        raise SettingsError(msg)
    return tables, refused


def _tileable(recipe: str, table: Mapping[str, Any]) -> str:
    """Say why the tile size cannot be varied; empty where it can."""
    module = registry.load("backend", str(table["name"]))
    if "tile_px" not in getattr(module.Settings, "__dataclass_fields__", {}):
        return f"backend {table['name']} of {recipe} looks at the whole image: it has no tiles"
    return ""


def _for_tiles(made: Sequence[Phantom]) -> Phantom | None:
    """One field, large enough for several tiles, of the truth in the middle."""
    if not made:
        return None
    truths = sorted({phantom.truth for phantom in made})
    one = next(phantom for phantom in made if phantom.truth == truths[len(truths) // 2])
    kit = replace(
        one.kit, fields=1, least_px=_TILE_FIELD_PX, side_px=_TILE_FIELD_PX, most_px=max(one.kit.most_px, _TILE_FIELD_PX)
    )
    return replace(one, kit=kit)


# ------------------------------------------------------------------------------------------------------- measuring


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One piece of work for a process."""

    kind: Literal["phantom", "again", "size", "tiles"]
    table: Mapping[str, Any]
    phantom: Phantom | None = None
    look: str = ""
    size_px: float = 0.0
    pixel_um: float = 0.0
    kit: Kit = FULL

    @property
    def name(self) -> str:
        return self.phantom.name if self.phantom is not None else f"pores of {self.size_px:g} px {self.look}"


def _done(tasks: Sequence[_Task], workers: int, tell: Callable[[int, str], None]) -> tuple[list[Any], float]:
    """Answers in the order of the tasks, and the processor time that other processes took. [s]"""
    with processes(min(workers, len(tasks))) as pool:
        pairs = each(pool, _timed, [(task,) for task in tasks], lambda done, i: tell(done, tasks[i].name))
    if pool is None:
        return [answer for answer, _ in pairs], 0.0
    return [answer for answer, _ in pairs], sum(seconds for _, seconds in pairs)


def _timed(task: _Task) -> tuple[Any, float]:
    """Answer of a task, and the processor time that it took. [s]"""
    clock = process_time()
    return _answer(task), process_time() - clock


def _answer(task: _Task) -> Any:
    if task.kind == "size":
        return _pores_of_size(task)
    assert task.phantom is not None
    if task.kind == "tiles":
        return _two_tilings(task.phantom, task.table)
    return _phantom(task.phantom, task.table)


def _measured(
    recipe: str, fields: Sequence[Any], look: str, name: str, table: Mapping[str, Any], *, alternatives: bool = True
) -> Remeasured:
    with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
        plan = pipeline.plan(phantoms.write_job(Path(folder), recipe, fields, look, name, table))
        model = _model(json.dumps(plain(table), sort_keys=True), recipe)
        return remeasure(plan, model=model, alternatives=alternatives)


@lru_cache(maxsize=1)  # loading a network takes longer than using it
def _model(table: str, recipe: str) -> Any:
    values = json.loads(table)
    module = registry.load("backend", values.pop("name"))
    return module.load(checked(module.Settings, values, f"recipe {recipe}", under="backend"))


def _phantom(phantom: Phantom, table: Mapping[str, Any]) -> _Seen:
    clock = process_time()
    fields = phantoms.drawn(phantom)
    truths = phantoms.truths_of(phantom.recipe, fields)
    picture = _picture(fields[0].pixels, phantom)
    try:
        found = _measured(phantom.recipe, fields, phantom.look, phantom.name, table)
    except InspectError as error:
        return _Seen(
            phantom=phantom,
            values={},
            truths=truths,
            masks=(),
            weights="",
            used={},
            picture=picture,
            cpu=process_time() - clock,
            failure=str(error),
        )
    results = {result.quantity: result for result in found.findings.results}
    values = {}
    for quantity in truths:
        name = f"area_percent.{found.classes.get(1, '')}" if quantity == "area_percent" else quantity
        result = results.get(name)
        if result is not None:
            values[quantity] = (name, result.title or name, result.value, result.u, result.interval)
    missing = [quantity for quantity in truths if quantity not in values]
    return _Seen(
        phantom=phantom,
        values=values,
        truths=truths,
        masks=found.masks_sha256,
        weights=found.weights_sha256,
        used={key: found.used[key] for key in ("device", "engine", "precision") if key in found.used},
        picture=picture,
        cpu=process_time() - clock,
        failure=f"no result for {', '.join(missing)}" if missing else "",
    )


def _picture(pixels: Any, phantom: Phantom) -> bytes:
    from inspect_tool import synthetic

    modality: Literal["optical", "xray"] = "xray" if phantom.recipe == "solder_voids" else "optical"
    seen = synthetic.degrade(pixels, phantoms.LOOKS[phantom.look], seed=1, modality=modality)
    part = np.ascontiguousarray(seen[:_PICTURE_PX, :_PICTURE_PX])
    return bytes(cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def _pores_of_size(task: _Task) -> SizeRow:
    """Draw round pores of one size and look which are found, and how large."""
    field = phantoms.pores_of_size(task.size_px, task.look, task.pixel_um, task.kit)
    count, _, _, centers = cv2.connectedComponentsWithStats(field.labels.astype(np.uint8), connectivity=8)
    true_rows, true_columns = centers[1:, 1], centers[1:, 0]
    rows = columns = diameters = np.empty(0)
    try:
        found = _measured("porosity", [field], task.look, task.name, task.table, alternatives=False)
        table = found.fields[0].features
        if len(table):
            rows, columns = table["row_px"].to_numpy(), table["column_px"].to_numpy()
            diameters = table["ecd_um"].to_numpy() / task.pixel_um
    except InspectError:
        pass  # an image in which nothing is found: none of the pores was
    reach = task.size_px / 2 + 0.5
    detected, errors, used = 0, [], set()
    if len(rows):
        for row, column in zip(true_rows, true_columns, strict=True):
            distance = np.hypot(rows - row, columns - column)
            nearest = int(distance.argmin())
            if distance[nearest] <= reach and nearest not in used:
                detected += 1
                used.add(nearest)
                errors.append(100 * (diameters[nearest] / task.size_px - 1))
    return SizeRow(
        look=task.look,
        diameter_px=task.size_px,
        pores=count - 1,
        detected=detected,
        ecd_error_percent=float(np.mean(errors)) if errors else None,
        false_per_mpx=(len(rows) - len(used)) / (field.pixels.size / 1e6),
    )


def _two_tilings(phantom: Phantom, table: Mapping[str, Any]) -> TileTest:
    fields = phantoms.drawn(phantom)
    quantity = next(iter(_main(phantom.recipe)))
    values, name, title, unit = [], "", quantity, "1"
    for tile_px in _TILES_PX:
        try:
            found = _measured(
                phantom.recipe, fields, phantom.look, phantom.name, {**table, "tile_px": tile_px}, alternatives=False
            )
        except InspectError as error:
            return _no_tiles(phantom.recipe, table, f"{phantom.name}: {error}")
        name = f"area_percent.{found.classes.get(1, '')}" if quantity == "area_percent" else quantity
        result = next(one for one in found.findings.results if one.quantity == name)
        values.append(result.value)
        title, unit = result.title or name, result.unit
    return TileTest(
        recipe=phantom.recipe,
        backend=str(table["name"]),
        quantity=quantity,
        title=title,
        unit=unit,
        tiles_px=_TILES_PX,
        values=(values[0], values[1]),
        skipped="",
    )


def _no_tiles(recipe: str, table: Mapping[str, Any], reason: str) -> TileTest:
    return TileTest(
        recipe=recipe,
        backend=str(table["name"]),
        quantity=next(iter(_main(recipe))),
        title=registry.load("recipe", recipe).TITLE,
        unit=_UNITS[recipe],
        tiles_px=None,
        values=None,
        skipped=reason,
    )


def _main(recipe: str) -> tuple[str, ...]:
    """Quantities that are plotted; the first is that of the tile test."""
    return {
        "grain_size": ("grain_size_number.intercept", "grain_size_number.planimetric"),
        "phase_fraction": ("area_percent",),
        "porosity": ("porosity_percent",),
        "solder_voids": ("void_percent.mean", "void_percent.max"),
    }[recipe]


# ------------------------------------------------------------------------------------------------------ statistics


def _quantities(seen: Sequence[_Seen]) -> Iterator[QuantityTest]:
    for recipe, group in groupby(seen, key=lambda one: one.phantom.recipe):
        own = list(group)
        units = {name: quantity.unit for name, quantity in registry.load("recipe", recipe).QUANTITIES.items()}
        for quantity in phantoms.TRUTHS[recipe]:
            given = [one for one in own if quantity in one.values]
            if not given:
                continue
            name, title = given[0].values[quantity][:2]
            points = tuple(_point(one, quantity) for one in given)
            looks = [look for look in phantoms.LOOKS if any(point.look == look for point in points)]
            yield QuantityTest(
                recipe=recipe,
                quantity=quantity,
                reported=name,
                title=title,
                unit=units.get(name) or units[f"{name.split('.')[0]}.*"],
                main=quantity in _main(recipe),
                looks=tuple(summary([point for point in points if point.look == look]) for look in looks),
                points=points,
            )


def _point(one: _Seen, quantity: str) -> Point:
    _, _, value, u, interval = one.values[quantity]
    truth, held = one.truths[quantity]
    return Point(
        nominal=one.phantom.truth,
        look=one.phantom.look,
        repeat=one.phantom.repeat,
        truth=truth,
        held=held,
        value=value,
        u=u,
        interval=interval,
    )


def summary(points: Sequence[Point]) -> LookSummary:
    """Bias, repeatability, coverage and linearity of the phantoms of one quantity and look."""
    errors = [point.value - point.held for point in points]
    n = len(points)
    bias = fmean(errors)
    spread = _deviation(errors)
    half = coverage_factor(n - 1) * spread / sqrt(n) if spread is not None else None
    s, dof = repeatability(points)
    stated = [point for point in points if point.interval is not None]
    covered = sum(p.interval[0] <= p.truth <= p.interval[1] for p in stated if p.interval is not None)
    uncertainties = [point.u for point in points if point.u is not None]
    slope, slope_ci95 = _slope([point.held for point in points], [point.value for point in points])
    return LookSummary(
        look=points[0].look,
        n=n,
        bias=bias,
        bias_ci95=None if half is None else (bias - half, bias + half),
        s=s,
        dof=dof,
        u_rms=sqrt(fmean(u * u for u in uncertainties)) if uncertainties else None,
        covered=covered,
        stated=len(stated),
        coverage_ci95=proportion_interval(covered, len(stated)) if stated else None,
        slope=slope,
        slope_ci95=slope_ci95,
    )


def repeatability(points: Sequence[Point]) -> tuple[float | None, int]:
    """Pooled standard deviation of phantoms drawn for one truth and look, and its degrees of freedom.

    Where each phantom has a truth of its own (voids of joints), the deviation from it is taken.
    """
    squares, dof = 0.0, 0
    for nominal, look in dict.fromkeys((point.nominal, point.look) for point in points):
        values = [point.value - point.truth for point in points if (point.nominal, point.look) == (nominal, look)]
        squares += sum((value - fmean(values)) ** 2 for value in values)
        dof += len(values) - 1
    return (sqrt(squares / dof), dof) if dof else (None, 0)


def _deviation(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = fmean(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _slope(x: Sequence[float], y: Sequence[float]) -> tuple[float | None, tuple[float, float] | None]:
    """Least-squares slope with its 95 % interval; three points are the least."""
    n = len(x)
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    sxx = float(((a - a.mean()) ** 2).sum()) if n else 0.0
    if n < 3 or sxx <= 1e-9 * max(1.0, float((a * a).sum())):
        return None, None
    slope = float(((a - a.mean()) * (b - b.mean())).sum() / sxx)
    rest = b - b.mean() - slope * (a - a.mean())
    half = coverage_factor(n - 2) * sqrt(float((rest**2).sum()) / (n - 2) / sxx)
    return slope, (slope - half, slope + half)


def _smallest(rows: Sequence[SizeRow], pixel_um: float) -> Smallest:
    """Smallest size from which on every size is found and measured within the limits."""
    size: float | None = None
    for row in sorted(rows, key=lambda row: -row.diameter_px):
        found = row.pores > 0 and 100 * row.detected / row.pores >= FOUND_PERCENT
        if not found or row.ecd_error_percent is None or abs(row.ecd_error_percent) > SIZE_PERCENT:
            break
        size = row.diameter_px
    return Smallest(look=rows[0].look, diameter_px=size, diameter_um=None if size is None else size * pixel_um)


# --------------------------------------------------------------------------------------------------------- judging


def _judged(found: SelfTest, rules: Standard) -> Iterator[Judged]:
    tested = [one.recipe for one in found.recipes if not one.refused]
    for rule in rules.rules.values():
        measure, quantity = _parts(rule)
        recipe = next((r for r, truths in phantoms.TRUTHS.items() if quantity in truths), "")
        value: float | None = None
        note = ""
        skipped = ""
        if recipe and recipe not in tested:
            skipped = next((one.refused for one in found.recipes if one.recipe == recipe), "") or "not tested"
        else:
            value, note, skipped = _found(found, rule, measure, quantity, recipe)
        check = editions.check_rule(rules, rule.name, value, method=rule.methods[0] if rule.methods else "", note=note)
        assert check is not None  # the method is one of the rule
        yield Judged(rule=rule.name, recipe=recipe, check=check, skipped=skipped)


def _found(found: SelfTest, rule: Rule, measure: str, quantity: str, recipe: str) -> tuple[float | None, str, str]:
    """Value to be judged, a note, and why there is none to be judged."""
    if measure in ("bias", "coverage", "scatter", "slope"):
        one = next((one for one in found.quantities if one.quantity == quantity), None)
        wanted = [look for look in (one.looks if one else ()) if not rule.methods or look.look in rule.methods]
        drawn = {point.look for other in found.quantities for point in other.points if other.recipe == recipe}
        if one is None or not wanted:
            missed = bool(drawn) and rule.methods and not set(rule.methods) & drawn
            left = next((r for r in found.recipes if r.recipe == recipe), None)
            if missed:
                return None, "", f"the kit was run without {' and '.join(rule.methods)} images"
            if left is not None and not left.phantoms:
                return None, "", "nothing of the kit can be measured at this pixel size"
            return None, "no phantom gave a result", ""
        return (*_statistic(measure, wanted, one), "")
    match measure:
        case "smallest":
            own = [one for one in found.smallest if not rule.methods or one.look in rule.methods]
            if not own:
                return None, "", "no pores of such sizes were drawn"
            sizes = [one.diameter_px for one in own]
            known = [size for size in sizes if size is not None]
            return (max(known) if len(known) == len(sizes) and known else None), "worst of the looks", ""
        case "tiles":
            tile = next((one for one in found.tiles if one.quantity == quantity), None)
            if tile is None or tile.values is None:
                return None, "", tile.skipped if tile is not None else "nothing measurable"
            return abs(tile.values[1] - tile.values[0]), "", ""
        case "measured":
            drawn_, failed = (
                sum(x) for x in ([one.phantoms for one in found.recipes], [len(one.failed) for one in found.recipes])
            )
            return (
                _percent(drawn_ - failed, drawn_),
                f"{drawn_ - failed} of {drawn_}",
                "" if drawn_ else "none was drawn",
            )
        case "same":
            same, again = sum(one.same_masks for one in found.recipes), sum(one.masks_again for one in found.recipes)
            return _percent(same, again), f"{same} of {again}", "" if again else "nothing was measured"
        case "worked":
            cases, passed = sum(one.cases for one in found.worked), sum(one.passed for one in found.worked)
            return _percent(passed, cases), f"{passed} of {cases}", ""
        case "weights":
            weights = [file.intact for file in found.installation.files if file.kind == "weights"]
            return _percent(weights.count(True), len(weights)), f"{weights.count(True)} of {len(weights)}", ""
        case "files":
            files = found.installation.package_files
            if files is None:
                return None, "", "the package runs from a checkout: there is no record of an installation"
            good = files - len(found.installation.changed_files)
            return _percent(good, files), f"{good} of {files}", ""
        case _:
            if found.golden is None:
                return None, "", "no golden images were given (--golden FOLDER)"
            return _worst(found.golden), f"{len(found.golden.rows)} results", ""


def _statistic(measure: str, looks: Sequence[LookSummary], one: QuantityTest) -> tuple[float | None, str]:
    match measure:
        case "bias":  # shown to be within the limit: the far end of its interval counts
            ends = [max(abs(end) for end in look.bias_ci95 or (look.bias,)) for look in looks]
            worst = looks[ends.index(max(ends))]
            return max(ends), f"far end of the 95 % interval, {worst.look} images, {worst.n} phantoms"
        case "coverage":  # not shown to be below the limit: the near end of its interval counts
            covered, stated = sum(look.covered for look in looks), sum(look.stated for look in looks)
            if not stated:
                return None, "no interval was stated"
            return 100 * proportion_interval(covered, stated)[1], f"{covered} of {stated} intervals hold the truth"
        case "scatter":
            names = {look.look for look in looks}
            points = [point for point in one.points if point.look in names]
            s, dof = repeatability(points)
            u = [point.u for point in points if point.u is not None]
            if s is None or not u or not any(u):
                return None, "no scatter or no stated uncertainty"
            return s / sqrt(fmean(value * value for value in u)), f"{dof} degrees of freedom"
        case _:
            slopes = [(abs(look.slope - 1), look) for look in looks if look.slope is not None]
            if not slopes:
                return None, "fewer than three phantoms, or one truth only"
            off, worst = max(slopes, key=lambda pair: pair[0])
            return 100 * off, f"{worst.look} images, {worst.n} phantoms"


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def _worst(part: GoldenPart) -> float | None:
    ratios = []
    for row in part.rows:
        if row.within:
            ratios.append(abs(row.difference or 0.0) / row.tolerance if row.tolerance else 0.0)
        elif row.difference is None or not row.tolerance:
            return None
        else:
            ratios.append(abs(row.difference) / row.tolerance)
    return max(ratios, default=0.0)


# ------------------------------------------------------------------------------------------------------ IQ, OQ, PQ


def _installation(tables: Mapping[str, Mapping[str, Any]], rules: Standard, criteria: Path | None) -> Installation:
    files = []
    named = {str(table["model"]) for table in tables.values() if "model" in table}
    for name in dict.fromkeys([*shipped_names(), *sorted(named - set(shipped_names()))]):
        folder = model_folder(name)
        card = load_model_card(folder)
        found = sha256_file(folder / card.weights)
        files.append(
            HashedFile(
                kind="weights", name=f"{name}, version {card.version}", sha256=found, intact=found == card.sha256
            )
        )
    for name in editions.names():
        edition = editions.load_standard(name)
        files.append(HashedFile(kind="standard", name=name, sha256=edition.sha256, intact=None))
    shown = criteria.name if criteria is not None else CRITERIA
    files.append(HashedFile(kind="criteria", name=shown, sha256=rules.sha256, intact=None))
    files += [
        HashedFile(kind="template", name=folder.name, sha256=_folder_sha256(folder), intact=None)
        for folder in sorted(data_folder("templates").iterdir())
        if folder.is_dir()
    ]
    known, changed = _package_files()
    return Installation(
        software="inspect_tool",
        version=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        machine={
            "system": platform.platform(terse=True),
            "processor": _processor(),
            "logical processors": str(os.cpu_count() or "not stated"),
        },
        packages=package_versions(),
        files=tuple(files),
        package_files=known,
        changed_files=tuple(changed),
    )


def _folder_sha256(folder: Path) -> str:
    """SHA-256 over the names and hashes of all files of a folder."""
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()} {sha256_file(path)}\n".encode())
    return digest.hexdigest()


def _package_files() -> tuple[int | None, list[str]]:
    """Count the files that the installation has a record of, and list those that are not as recorded."""
    from base64 import urlsafe_b64encode

    try:
        files = distribution("inspect_tool").files or []
    except PackageNotFoundError:
        return None, []
    own = [file for file in files if file.parts[0] == "inspect_tool" and file.hash is not None]
    if not any(file.parts == ("inspect_tool", "__init__.py") for file in own):
        return None, []  # the code lies elsewhere: a checkout
    changed = []
    for file in own:
        path = Path(str(file.locate()))
        known = file.hash.value if file.hash is not None else ""
        if not path.is_file():
            changed.append(f"{file}: is missing")
        elif urlsafe_b64encode(bytes.fromhex(sha256_file(path))).rstrip(b"=").decode() != known:
            changed.append(f"{file}: was changed")
    return len(own), changed


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "not stated"
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "not stated")


def _worked() -> tuple[EditionCases, ...]:
    made = []
    for name, group in groupby(worked.run_cases(), key=lambda case: case.standard):
        cases = list(group)
        failures = tuple(
            f"{case.function}: found {dict(case.found)}, expected {dict(case.expected)} within {case.tol:g}"
            for case in cases
            if not case.passed
        )
        made.append(EditionCases(standard=name, cases=len(cases), passed=len(cases) - len(failures), failures=failures))
    return tuple(made)


def _golden(folder: Path) -> GoldenPart:
    found = golden.check(folder)
    return GoldenPart(
        folder=found.folder,
        recorded=found.recorded,
        tolerance=found.tolerance,
        rows=tuple(
            GoldenRow(
                job=one.job,
                specimen=one.specimen,
                title=one.title,
                unit=one.unit,
                before=one.before,
                after=one.after,
                difference=one.difference,
                expanded_u=one.expanded_u,
                tolerance=one.tolerance,
                within=one.within,
            )
            for job in found.jobs
            for one in job.differences
        ),
        masks=sum(job.masks for job in found.jobs),
        masks_changed=sum(job.masks_changed for job in found.jobs),
        changes=tuple(f"{job.name}: {change}" for job in found.jobs for change in job.changes),
    )


# --------------------------------------------------------------------------------------------------------- writing


_Planned = tuple[tuple[Phantom, ...], tuple[phantoms.Left, ...]]


def _recipe(recipe: str, table: Mapping[str, Any], refused: str, plan: _Planned | None, pixel_um: float) -> RecipeTest:
    """Say what is run for a recipe, before any answer."""
    module = registry.load("recipe", recipe)
    edition = editions.load_standard(module.STANDARDS[0])
    made, left = plan or ((), ())
    truths = sorted({phantom.truth for phantom in made})
    return RecipeTest(
        recipe=recipe,
        title=module.TITLE,
        standard=editions.designation(edition),
        backend=str(table.get("name", "")),
        settings=plain({key: value for key, value in table.items() if key != "name"}),
        weights_sha256="",
        used={},
        pixel_um=pixel_um,
        truths=_DRAWN[recipe].format(", ".join(f"{truth:g}" for truth in truths)) if truths else "nothing was drawn",
        phantoms=len(made),
        fields=sum(phantom.kit.fields for phantom in made),
        repeats=made[0].kit.repeats if made else 0,
        failed=(),
        left=tuple(OutOfReach(truth=one.truth, unit=_UNITS[recipe], reason=one.reason) for one in left),
        refused=refused,
        cpu_seconds=0.0,
        same_masks=0,
        masks_again=0,
        pictures=(),
    )


def _with_answers(test: RecipeTest, seen: Sequence[_Seen], again: Sequence[_Seen], folder: Path) -> RecipeTest:
    """Add what the phantoms gave, and write the pictures of one truth."""
    own = [one for one in seen if one.phantom.recipe == test.recipe]
    if not own:
        return test
    second = next(one for one in again if one.phantom.recipe == test.recipe)
    first = next(one for one in own if one.phantom == second.phantom)
    truths = sorted({one.phantom.truth for one in own})
    pictures = []
    for one in own:
        if one.phantom.truth == truths[len(truths) // 2] and one.phantom.repeat == 0:
            file = folder / "pictures" / f"{test.recipe}_{one.phantom.look}.jpg"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(one.picture)
            pictures.append((one.phantom.look, file.relative_to(folder).as_posix()))
    return replace(
        test,
        weights_sha256=next((one.weights for one in own if one.weights), ""),
        used=plain(next((one.used for one in own if one.used), {})),
        failed=tuple(f"{one.phantom.name}: {one.failure}" for one in own if one.failure),
        cpu_seconds=round(sum(one.cpu for one in own), 1),
        same_masks=sum(a == b for a, b in zip(first.masks, second.masks, strict=False)),
        masks_again=len(first.masks),
        pictures=tuple(pictures),
    )


def _identification(found: SelfTest) -> str:
    """Identify a self-test by its day and its content; how long things took does not count."""
    timeless = replace(
        found,
        seconds=0.0,
        cpu_seconds=0.0,
        recipes=tuple(replace(one, cpu_seconds=0.0) for one in found.recipes),
        provenance=replace(found.provenance, started=found.provenance.started[:10], seconds=0.0),
    )
    canonical = json.dumps(plain(timeless), sort_keys=True)
    day = found.provenance.started[:10].replace("-", "")
    return f"IT-{day}-{sha256_bytes(canonical.encode())[:8].upper()}"


def _write(found: SelfTest, folder: Path, tell: Progress, total: int) -> None:
    from inspect_tool.report.exporters.pdf import attachment, print_page

    template = template_folder("inspection")
    data = json.dumps(plain(found), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    tell(total - 2, total, "HTML")
    write_text(folder / FILE, data)
    write_text(folder / "selftest.html", page(found, folder, template, "screen"))
    tell(total - 1, total, "PDF")
    made = datetime.fromisoformat(found.provenance.started)
    carried = [attachment("selftest.json", "The self-test as data", data, "Source", made)]
    printed = page(found, folder, template, "print")
    print_page(printed, folder / "selftest.pdf", template, found.id, carried)
    tell(total, total, "done")


def _silent(done: int, total: int, text: str) -> None:
    """Report no progress."""
