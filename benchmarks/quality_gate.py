"""Does the image-quality gate stop before the numbers go wrong? Degraded synthetic series, real images, cost.

    OMP_NUM_THREADS=1 nice python benchmarks/quality_gate.py [series | real [FOLDER] | cost]

``series``: fields with exactly known truth go through the default backend of every recipe, one degradation at a time
and step by step worse. For every step: the error of the main result against what was drawn in those very fields, the
stated U (95 %), and what the gate says. ``real``: how many real images (default ../shared/data) get a remark or are
stopped. ``cost``: seconds of one core per Mpx, and in units of decoding a PNG and of the threshold backend. Seeds are
fixed.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspect_tool import registry, synthetic
from inspect_tool.errors import InspectError
from inspect_tool.files import checked
from inspect_tool.images import quality, readers
from inspect_tool.model import Calibration, FieldMeasurement, Micrograph, Selection
from inspect_tool.standards.editions import editions_for
from inspect_tool.synthetic import Degradation, Field

ROOT = Path(__file__).resolve().parent.parent
GOOD = Degradation(shading=0.05, blur_px=0.5, electrons=20000, read_noise=1.0)  # what every series starts from


@dataclass(frozen=True, kw_only=True)
class Study:
    """Fields of one recipe, its main result and the truth of it."""

    quantity: str
    truth: str
    draw: Callable[[int], Field]
    fields: int  # of one job
    jobs: int


STUDIES: Mapping[str, Study] = {
    "grain_size": Study(
        quantity="grain_size_number.intercept",
        truth="field.grain_size_number.intercept",
        draw=lambda seed: synthetic.grains(seed=seed, grain_size_number=8.5, shape_px=(400, 400), pixel_um=0.5),
        fields=3,
        jobs=2,
    ),
    "phase_fraction": Study(
        quantity="area_percent.dark",
        truth="field.area_percent.second",
        draw=lambda seed: synthetic.two_phase(
            seed=seed, area_percent=30.0, feature_um=12.0, shape_px=(384, 384), pixel_um=0.5
        ),
        fields=4,
        jobs=2,
    ),
    "porosity": Study(
        quantity="porosity_percent",
        truth="field.porosity_percent",
        draw=lambda seed: synthetic.pores(seed=seed, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(400, 400)),
        fields=4,
        jobs=2,
    ),
    "solder_voids": Study(
        quantity="void_percent.max",
        truth="field.void_percent.max",
        draw=lambda seed: synthetic.solder_balls(seed=seed, rows=2, columns=2),
        fields=1,
        jobs=6,
    ),
}

SERIES: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "defocus": ("blur_px", (1, 2, 3, 4, 5, 6, 8)),
    "soft corner": ("soft_corner_px", (4, 9, 13)),
    "noise": ("read_noise", (12, 30, 60)),
    "low contrast": ("contrast", (0.2, 0.06, 0.03)),
    "overexposure": ("exposure", (1.2, 1.5, 1.75, 2, 2.5)),
    "underexposure": ("exposure", (0.1, 0.05, 0.025)),
    "shading": ("shading", (0.5, 0.95)),
    "JPEG quality": ("jpeg_quality", (50, 10, 5, 2)),
    "downsampling": ("down", (2, 3, 4, 6, 8)),
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step of a series gave over its jobs."""

    errors: tuple[float, ...]  # of the jobs that gave a number
    expanded: tuple[float, ...]  # half width of the interval on the side of the truth
    refused: int  # jobs that backend or recipe refused by themselves
    stopped: Mapping[str, int]  # check -> jobs that the gate stops by it
    stops: int  # jobs that the gate stops
    remarks: tuple[str, ...]
    jobs: int

    @property
    def wrong(self) -> int:
        """Jobs whose error is larger than what they state."""
        return sum(abs(error) > half for error, half in zip(self.errors, self.expanded, strict=True))


@cache
def ready(recipe: str) -> tuple[Any, Any, Any, Any]:
    module = registry.load("recipe", recipe)
    table = dict(module.BACKEND)
    backend = registry.load("backend", table.pop("name"))
    chosen = checked(backend.Settings, table, "backend")
    return module, backend, chosen, backend.load(chosen)


@cache
def drawn(recipe: str, seed: int) -> Field:
    return STUDIES[recipe].draw(seed)


def picture(recipe: str, field: Field, key: str, value: float, seed: int) -> Micrograph:
    """One field, degraded; downsampling averages pixels, as binning does."""
    look = GOOD if key == "down" else replace(GOOD, **{key: int(value) if key == "jpeg_quality" else value})
    modality: Any = "xray" if recipe == "solder_voids" else "optical"
    pixels = synthetic.degrade(field.pixels, look, seed=seed, modality=modality)
    if key == "down":
        size = tuple(round(side / value) for side in pixels.shape[::-1])
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    pixel_um = field.pixel_um * field.pixels.shape[1] / pixels.shape[1]
    return Micrograph(pixels=pixels, calibration=Calibration(pixel_um=pixel_um, u_rel=0.002, source="exact"))


def step(recipe: str, key: str = "down", value: float = 1, jobs: int = 0) -> Step:
    """Run the jobs of one step; the first field that the gate would stop counts for its job."""
    study = STUDIES[recipe]
    module, backend, chosen, model = ready(recipe)
    limits = quality.default_limits(recipe)
    editions = editions_for(module, module.Settings())
    errors, halves, refused, stops = [], [], 0, 0
    stopped: dict[str, int] = {}
    remarks: dict[str, None] = {}
    jobs = jobs or study.jobs
    for job in range(jobs):
        fields: list[FieldMeasurement] = []
        truths, red = [], set()
        try:
            for i in range(study.fields):
                seed = 5000 + 100 * job + i
                field = drawn(recipe, seed)
                image = replace(picture(recipe, field, key, value, seed), field=i + 1, path=f"field_{i + 1}")
                figures = quality.image_figures(image.pixels, None, limits, image.path)
                red |= {figure.check for figure in figures if quality.is_red(figure)}
                segmentation = backend.segment(model, image, chosen)
                found = module.measure_field(image, segmentation, module.Settings(), editions)
                figures = quality.structure_figures(segmentation, found.values, figures, limits)
                red |= {figure.check for figure in figures if quality.is_red(figure)}
                remarks |= dict.fromkeys(figure.check for figure in figures if not quality.is_advised(figure))
                fields.append(found)
                truths.append(field.truth[study.truth])
            results = {
                result.quantity: result for result in module.combine(fields, module.Settings(), editions).results
            }
            result, truth = results[study.quantity], statistics.mean(truths)
            low, high = result.interval
            errors.append(result.value - truth)
            halves.append(high - result.value if truth > result.value else result.value - low)
        except InspectError:
            refused += 1
        for name in red:
            stopped[name] = stopped.get(name, 0) + 1
        stops += bool(red)
    return Step(
        errors=tuple(errors),
        expanded=tuple(halves),
        refused=refused,
        stopped=stopped,
        stops=stops,
        remarks=tuple(name for name in remarks if name not in stopped),
        jobs=jobs,
    )


def line(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def series(recipes: Sequence[str]) -> Iterator[str]:
    summary = []
    for recipe in recipes:
        yield f"\n## {recipe}, {STUDIES[recipe].quantity}\n"
        yield line(
            "degradation", "step", "mean error", "mean U", "jobs beyond U", "refused", "gate stops", "by", "remarks"
        )
        yield line(*["---"] * 9)
        for name, (key, values) in {"none": ("down", (1,)), **SERIES}.items():
            first_wrong = first_stop = None
            for value in values:
                got = step(recipe, key, value)
                numbers = len(got.errors)
                yield line(
                    name,
                    f"{value:g}",
                    f"{statistics.mean(got.errors):+.3f}" if numbers else "",
                    f"{statistics.mean(got.expanded):.3f}" if numbers else "",
                    f"{got.wrong} of {numbers}" if numbers else "",
                    got.refused or "",
                    f"{got.stops} of {got.jobs}" if got.stops else "",
                    ", ".join(got.stopped),
                    ", ".join(got.remarks),
                )
                if first_wrong is None and numbers and 2 * got.wrong >= numbers:
                    first_wrong = value
                if first_stop is None and got.stops == got.jobs:
                    first_stop = value
            if name != "none":
                summary.append((recipe, name, values, first_stop, first_wrong))
    yield "\n## Summary\n"
    yield line("recipe", "degradation", "every job is stopped from", "half of the jobs are beyond U from", "in time")
    yield line(*["---"] * 5)
    for recipe, name, values, stop, wrong in summary:
        places = [values.index(value) if value is not None else len(values) for value in (stop, wrong)]
        shown = [f"{value:g}" if value is not None else "never" for value in (stop, wrong)]
        yield line(recipe, name, *shown, "yes" if places[0] <= places[1] else "**no**")


# ------------------------------------------------------------------------------------------------- real images

SETS: Mapping[str, str] = {
    "nist-grain-size": "grain_size",
    "tbm-grains-mlographypp": "grain_size",
    "brass-c2600-scalebar": "grain_size",
    "nasa-ni-superalloy": "phase_fraction",
    "uhcs-microconstituents": "phase_fraction",
    "nasa-ebc-oxide-crack": "phase_fraction",
    "metaldam": "phase_fraction",
    "mlography-inclusions": "phase_fraction",
    "al-am-porosity-optical": "porosity",
    "solder-voids-xray": "solder_voids",
    "sem-vendor-tiff": "phase_fraction",
}
FOOTERS_PX = {
    "fei-sem-rbc.tif": 70,
    "ZEISS_SEM_multipage.tif": 70,
    "test_tiff_Zeiss_SEM_1k.tif": 80,
    "test_tiff_Zeiss_SEM_512pix.tif": 40,
}
SUFFIXES = (".png", ".jpg", ".tif", ".tiff")


def real_image(path: Path) -> Micrograph:
    """Read an image without its data bar: metaldam masks end where it begins."""
    image = readers.read(path, Selection(page=0 if "multipage" in path.name else None))
    rows = image.pixels.shape[0] - FOOTERS_PX.get(path.name, 0)
    if path.parent.parent.name == "metaldam":
        rows = readers.read_values(path.parent.parent / "masks" / f"{path.stem}.png")[0].shape[0]
    pixels: Any = np.ascontiguousarray(image.pixels[:rows])
    roi = None if image.roi is None else image.roi[:rows]
    return replace(image, pixels=pixels, roi=roi, calibration=Calibration(source="ratio only"), path=path.name)


def real(data: Path) -> Iterator[str]:
    yield line("images", "recipe", "judged", "with a remark", "stopped")
    yield line(*["---"] * 5)
    stops = []
    for folder, recipe in SETS.items():
        _, backend, chosen, model = ready(recipe)
        limits = quality.default_limits(recipe)
        judged = remarks = stopped = 0
        for path in sorted((data / folder).rglob("*")):
            if path.suffix.lower() not in SUFFIXES or not path.parent.name.startswith("images"):
                continue
            try:
                image = real_image(path)
            except InspectError:
                continue
            figures = quality.image_figures(image.pixels, image.roi, limits, path.name)
            try:
                if image.pixels.size < 4e6:
                    segmentation = backend.segment(model, image, chosen)
                    figures = quality.structure_figures(segmentation, {}, figures, limits)
            except InspectError as error:
                stops.append(f"refused by the backend: {folder}/{error}")
            judged += 1
            red = [figure for figure in figures if quality.is_red(figure)]
            remarks += not red and not all(quality.is_advised(figure) for figure in figures)
            if red:
                stopped += 1
                found = ", ".join(f"{figure.check} {figure.value:.3g}" for figure in red)
                stops.append(f"stopped: {folder}/{path.name}: {found}")
        yield line(folder, recipe, judged, remarks, stopped)
    yield ""
    yield from stops


# -------------------------------------------------------------------------------------------------------- cost


def seconds(call: Callable[[], object], times: int = 5) -> float:
    found = []
    for _ in range(times):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def cost() -> Iterator[str]:
    yield line(
        "image", "gate [s/Mpx]", "after segmentation [s/Mpx]", "over decoding a PNG", "over the threshold backend"
    )
    yield line(*["---"] * 5)
    _, backend, chosen, model = ready("phase_fraction")
    for side in (1000, 2000, 4000):
        field = synthetic.two_phase(seed=1, area_percent=30.0, feature_um=12.0, shape_px=(side, side), pixel_um=0.5)
        pixels = synthetic.degrade(field.pixels, 1, seed=1)
        packed = cv2.imencode(".png", pixels)[1]
        image = Micrograph(pixels=pixels, calibration=Calibration(source="ratio only"))
        segmentation = backend.segment(model, image, chosen)
        figures = quality.image_figures(pixels)
        gate = seconds(lambda pixels=pixels: quality.image_figures(pixels))
        after = seconds(lambda s=segmentation, f=figures: quality.structure_figures(s, {}, f))
        decode = seconds(lambda packed=packed: cv2.imdecode(packed, cv2.IMREAD_UNCHANGED))
        segment = seconds(lambda image=image: backend.segment(model, image, chosen), 3)
        mpx = side * side / 1e6
        yield line(
            f"{side} x {side}",
            f"{gate / mpx:.3f}",
            f"{after / mpx:.3f}",
            f"{gate / decode:.1f}",
            f"{(gate + after) / segment:.2f}",
        )


def main(arguments: Sequence[str]) -> None:
    cv2.setNumThreads(1)
    what = arguments[0] if arguments else "series"
    if what == "real":
        lines = real(Path(arguments[1]) if len(arguments) > 1 else ROOT.parent / "shared" / "data")
    elif what == "cost":
        lines = cost()
    else:
        lines = series(arguments[1:] or tuple(STUDIES))
    for text in lines:
        print(text, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
