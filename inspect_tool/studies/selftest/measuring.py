"""Drawn jobs measured, in processes side by side."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from time import process_time
from typing import Any, Literal

import cv2
import numpy as np

from inspect_tool import registry
from inspect_tool.errors import InspectError
from inspect_tool.files import (
    checked,
    plain,
)
from inspect_tool.inspection import job_plan
from inspect_tool.inspection.remeasure import Remeasured, remeasure
from inspect_tool.inspection.workers import each, processes
from inspect_tool.languages import Text, Words
from inspect_tool.studies.selftest import phantom_jobs
from inspect_tool.studies.selftest.page import (
    SizeRow,
    TileTest,
)
from inspect_tool.studies.selftest.phantom_jobs import FULL, Phantom
from inspect_tool.synthetic.phantoms import Kit

_TILES_PX = (256, 1024)
_TILE_FIELD_PX = 640  # side of the field that is cut into tiles [px]
_PICTURE_PX = 220  # side of the part of a phantom that is shown [px]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one phantom gave."""

    phantom: Phantom
    values: Mapping[str, tuple[str, Words, float, float | None, tuple[float, float] | None]]  # by quantity of the kit
    truths: Mapping[str, tuple[float, float]]
    masks: tuple[str, ...]
    weights: str
    used: Mapping[str, Any]
    picture: bytes  # PNG
    cpu: float
    failure: Words


def why_no_tiles(recipe: str, table: Mapping[str, object]) -> Words:
    """Say why the tile size cannot be varied; empty where it can."""
    module = registry.load("backend", str(table["name"]))
    if "tile_px" not in getattr(module.Settings, "__dataclass_fields__", {}):
        return Text("selftest.has_no_tiles", backend=str(table["name"]), recipe=recipe)
    return ""


def for_tiles(made: Sequence[Phantom]) -> Phantom | None:
    """One field, large enough for several tiles, of the truth in the middle."""
    if not made:
        return None
    truths = sorted({phantom.truth for phantom in made})
    one = next(phantom for phantom in made if phantom.truth == truths[len(truths) // 2])
    kit = replace(
        one.kit, fields=1, least_px=_TILE_FIELD_PX, side_px=_TILE_FIELD_PX, most_px=max(one.kit.most_px, _TILE_FIELD_PX)
    )
    return replace(one, kit=kit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work for a process."""

    kind: Literal["phantom", "again", "size", "tiles"]
    table: Mapping[str, Any]
    phantom: Phantom | None = None
    recipe: str = ""
    look: str = ""
    size_px: float = 0.0
    pixel_um: float = 0.0
    kit: Kit = FULL

    @property
    def name(self) -> str:
        """Say what is measured, for the progress."""
        if self.phantom is not None:
            return self.phantom.name
        return f"{phantom_jobs.sized(self.recipe).what} of {self.size_px:g} px {self.look}"


def done(tasks: Sequence[Task], workers: int, tell: Callable[[int, str], None]) -> tuple[list[Any], float]:
    """Answers in the order of the tasks, and the processor time that other processes took. [s]"""
    with processes(min(workers, len(tasks))) as pool:
        pairs = each(pool, _timed, [(task,) for task in tasks], lambda done, i: tell(done, tasks[i].name))
    if pool is None:
        return [answer for answer, _ in pairs], 0.0
    return [answer for answer, _ in pairs], sum(seconds for _, seconds in pairs)


def _timed(task: Task) -> tuple[Any, float]:
    """Answer of a task, and the processor time that it took. [s]"""
    clock = process_time()
    return _answer(task), process_time() - clock


def _answer(task: Task) -> Any:
    if task.kind == "size":
        return _one_size(task)
    assert task.phantom is not None
    if task.kind == "tiles":
        return _two_tilings(task.phantom, task.table)
    return _phantom(task.phantom, task.table)


def measured_job(
    recipe: str, fields: Sequence[Any], look: str, name: str, table: Mapping[str, Any], *, alternatives: bool = True
) -> Remeasured:
    """Measure drawn fields as a job."""
    with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
        plan = job_plan.plan(phantom_jobs.write_job(Path(folder), recipe, fields, look, name, table))
        model = loaded(json.dumps(plain(table), sort_keys=True), recipe)
        return remeasure(plan, model=model, alternatives=alternatives)


@lru_cache(maxsize=1)  # loading a network takes longer than using it
def loaded(table: str, recipe: str) -> Any:
    """Load the model of a backend, once per process."""
    values = json.loads(table)
    module = registry.load("backend", values.pop("name"))
    return module.load(checked(module.Settings, values, f"recipe {recipe}", under="backend"))


def _phantom(phantom: Phantom, table: Mapping[str, object]) -> Seen:
    clock = process_time()
    fields = phantom_jobs.drawn(phantom)
    truths = phantom_jobs.truths_of(phantom.recipe, fields)
    picture = _picture(fields[0].pixels, phantom)
    try:
        found = measured_job(phantom.recipe, fields, phantom.look, phantom.name, table)
    except InspectError as error:
        return Seen(
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
        name = reported(phantom.recipe, quantity, found.classes)
        result = results.get(name)
        if result is not None:
            values[quantity] = (name, result.title or name, result.value, result.u, result.interval)
    missing = [quantity for quantity in truths if quantity not in values]
    return Seen(
        phantom=phantom,
        values=values,
        truths=truths,
        masks=found.masks_sha256,
        weights=found.weights_sha256,
        used={key: found.used[key] for key in ("device", "engine", "precision") if key in found.used},
        picture=picture,
        cpu=process_time() - clock,
        failure=Text("selftest.no_result", quantities=tuple(missing)) if missing else "",
    )


def _picture(pixels: Any, phantom: Phantom) -> bytes:
    from inspect_tool import synthetic

    modality = phantom_jobs.of(phantom.recipe).modality
    seen = synthetic.degrade(pixels, phantom_jobs.LOOKS[phantom.look], seed=1, modality=modality)
    part = np.ascontiguousarray(seen[:_PICTURE_PX, :_PICTURE_PX])
    return bytes(cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def _one_size(task: Task) -> SizeRow:
    """Draw features of one size and look which are found, and how large."""
    field = phantom_jobs.of_one_size(task.recipe, task.size_px, task.look, task.pixel_um, task.kit)
    count, _, _, centers = cv2.connectedComponentsWithStats(field.labels.astype(np.uint8), connectivity=8)
    true_rows, true_columns = centers[1:, 1], centers[1:, 0]
    rows = columns = diameters = np.empty(0)
    try:
        found = measured_job(task.recipe, [field], task.look, task.name, task.table, alternatives=False)
        table = found.fields[0].features
        if len(table):
            rows, columns = table["row_px"].to_numpy(), table["column_px"].to_numpy()
            diameters = table["ecd_um"].to_numpy() / task.pixel_um
    except InspectError:
        pass  # an image in which nothing is found: none of them was
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


def _two_tilings(phantom: Phantom, table: Mapping[str, object]) -> TileTest:
    fields = phantom_jobs.drawn(phantom)
    quantity = phantom_jobs.of(phantom.recipe).plotted[0]
    values, name, title, unit = [], "", quantity, "1"
    for tile_px in _TILES_PX:
        try:
            found = measured_job(
                phantom.recipe, fields, phantom.look, phantom.name, {**table, "tile_px": tile_px}, alternatives=False
            )
        except InspectError as error:
            return no_tiles(phantom.recipe, table, f"{phantom.name}: {error}")
        name = reported(phantom.recipe, quantity, found.classes)
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


def no_tiles(recipe: str, table: Mapping[str, object], reason: Words) -> TileTest:
    """Say why tiles of two sizes cannot be compared."""
    return TileTest(
        recipe=recipe,
        backend=str(table["name"]),
        quantity=phantom_jobs.of(recipe).plotted[0],
        title=registry.load("recipe", recipe).TITLE,
        unit=phantom_jobs.of(recipe).unit,
        tiles_px=None,
        values=None,
        skipped=reason,
    )


def reported(recipe: str, quantity: str, classes: Mapping[int, str]) -> str:
    """Name of a quantity in a report: one that stands for every class is that of the class with number 1."""
    known = registry.load("recipe", recipe).QUANTITIES
    return quantity if quantity in known or f"{quantity}.*" not in known else f"{quantity}.{classes.get(1, '')}"
