"""Score the boundary network against the watershed on fields that neither was fitted to; prints a page section.

    python benchmarks/score_grains.py --rows FILE.csv [--model FOLDER] [--set test|tuning] [--out PAGE]

"test": fresh seeds, the raw steel of NIST, the TBM crops of the parents never trained on. "tuning": other seeds and
the validation crops, on which the constants of the post-processing were chosen. G by the recipe's own counting;
truth is that of the drawn field, or the recipe's counting of the given boundaries.
"""

import argparse
import csv
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from math import log, sqrt
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import inspect_tool
from inspect_tool import synthetic
from inspect_tool.measure import intercepts, planimetric
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.segmentation import watershed
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import fitted, gray_range, load_weights, normalized, shipped
from inspect_tool.segmentation.unet import grain_labels
from inspect_tool.standards.editions import load_standard
from inspect_tool.standards.formulas import astm_e112

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("INSPECT_TOOL_SHARED", ROOT.parent / "shared")) / "data"
EDITION = load_standard("astm_e112_2013")
UNIT = Calibration(pixel_um=1.0, u_rel=0.001, source="one unit per pixel")
SEEDS = {"test": 7_100_000, "tuning": 7_500_000}
KINDS = {
    "dark": {"look": "etched", "faint": 0.1},
    "bright": {"look": "bright", "faint": 0.1},
    "tinted": {"look": "tinted", "faint": 0.1},
    "twins": {"look": "etched", "faint": 0.05, "twins": 0.4},
    "wide": {"look": "etched", "faint": 0.05, "kind": "laguerre", "spread": 0.6},
    "bent": {"look": "etched", "faint": 0.15, "curvature": 0.2, "precipitates_per_mm2": 150.0},
}
INTERCEPTS_PX = (16.0, 25.0, 40.0, 60.0)
INTERCEPT, PLANIMETRIC = "grain_size_number.intercept", "grain_size_number.planimetric"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A field with its truth."""

    name: str
    group: str
    micrograph: Micrograph
    truth: dict[str, float]  # INTERCEPT, PLANIMETRIC


def synthetic_cases(which: str) -> Iterator[Case]:
    number = SEEDS[which]
    for kind, settings in KINDS.items():
        for level in (1, 2, 3):
            for intercept_px in INTERCEPTS_PX:
                number += 1
                field = synthetic.grains(
                    seed=number,
                    grains_per_mm2=(np.pi / 4 / intercept_px) ** 2 * 1e6,
                    shape_px=(600, 800),
                    pixel_um=1.0,
                    **settings,
                )
                pixels = synthetic.degrade(field.pixels, level, seed=number)
                yield Case(
                    name=f"{kind} {level} {intercept_px:g} px",
                    group=f"level {level}",
                    micrograph=Micrograph(pixels=pixels, calibration=UNIT, path=f"{kind}{number}"),
                    truth={key: field.truth[f"field.{key}"] for key in (INTERCEPT, PLANIMETRIC)},
                )


def given_boundaries(micrograph: Micrograph, mask: Path) -> dict[str, float]:
    labels = inspect_tool.segment(micrograph, "labels", masks=(str(mask),), kind="boundaries")
    return counted(micrograph, labels)


def steel_cases() -> Iterator[Case]:
    folder = DATA / "nist-grain-size"
    scale = Calibration(pixel_um=50 / 222, u_rel=0.005, source="222 px = 50 um, stated by NIST")
    micrograph = inspect_tool.read(folder / "images" / "steel_optical_original.tif", calibration=scale)
    truth = given_boundaries(micrograph, folder / "masks" / "steel_optical_segmented.tif")
    yield Case(name="NIST steel", group="NIST steel", micrograph=micrograph, truth=truth)


def tbm_cases(which: str) -> Iterator[Case]:
    folder = DATA / "tbm-grains-mlographypp"
    for path in sorted((folder / "images").glob("*.png")):
        parent = int(path.stem.split("__")[1].split("-")[0])
        part = "test" if parent % 3 == 1 else "tuning" if parent % 9 == 2 else "training"
        if part == which:
            micrograph = inspect_tool.read(path, calibration=UNIT)
            truth = given_boundaries(micrograph, folder / "masks" / path.name)
            yield Case(name=path.stem, group="TBM", micrograph=micrograph, truth=truth)


def cases(which: str) -> Iterator[Case]:
    yield from synthetic_cases(which)
    if which == "test":
        yield from steel_cases()
    yield from tbm_cases(which)


def counted(micrograph: Micrograph, segmentation: Segmentation) -> dict[str, float]:
    """G by intercepts in four directions and by areas over the whole field, counted as the recipe counts."""
    labels = segmentation.labels
    mm = (micrograph.calibration.pixel_um or 1.0) / 1e3
    counts = intercepts.directional_counts(labels).values()
    per_px = float(np.mean([count.intercepts / count.length_px for count in counts]))
    rectangle = planimetric.count_rectangle(labels, (0, 0, *labels.shape))
    return {
        INTERCEPT: astm_e112.g_from_mean_intercept(1e3 * mm / per_px, EDITION),
        PLANIMETRIC: astm_e112.g_from_grains_per_mm2(rectangle.grains / (rectangle.area_px2 * mm**2), EDITION),
    }


def boundary_map(network: TorchNetwork, micrograph: Micrograph) -> NDArray[np.uint8]:
    """Boundary probability of a whole field, 255 is certain."""
    pixels = micrograph.color if micrograph.color is not None else np.dstack([micrograph.pixels] * 3)
    image = normalized(pixels, *gray_range(pixels))
    rows, columns = image.shape[:2]
    more = [(-side) % network.stride for side in (rows, columns)]
    padded = cv2.copyMakeBorder(image, 0, more[0], 0, more[1], cv2.BORDER_REFLECT_101)
    with torch.inference_mode():
        scores = network(torch.from_numpy(padded.transpose(2, 0, 1).copy())[None]).float()
    probability = np.asarray(scores.softmax(dim=1)[0, 1])[:rows, :columns]
    return np.asarray(np.rint(255 * probability), np.uint8)


def with_network(
    probability: NDArray[np.uint8], micrograph: Micrograph, settings: grain_labels.Settings
) -> tuple[Segmentation, list[Segmentation]]:
    part = grain_labels.partition(probability, micrograph.roi, settings, micrograph.path)

    def segmentation(labels: NDArray[np.int32]) -> Segmentation:
        return Segmentation(labels=labels, classes={1: "grain"}, kind="instance", backend="unet")

    return segmentation(grain_labels.labels_at(part)), [
        segmentation(labels) for _, labels in grain_labels.alternatives(part)
    ]


def with_watershed(micrograph: Micrograph) -> tuple[Segmentation, list[Segmentation]]:
    settings = watershed.Settings()
    main = watershed.segment(None, micrograph, settings)
    return main, [other for _, other in main.alternatives()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Errors of one backend on one field."""

    name: str
    group: str
    backend: str
    intercept: float  # error of G
    planimetric: float
    half_range: float  # of the alternatives, in G by intercepts
    truth: float  # G by intercepts
    failed: str = ""


def scored(case: Case, backend: str, found: tuple[Segmentation, list[Segmentation]]) -> Row:
    main, others = found
    values = counted(case.micrograph, main)
    every = [values[INTERCEPT], *(counted(case.micrograph, other)[INTERCEPT] for other in others)]
    return Row(
        name=case.name,
        group=case.group,
        backend=backend,
        intercept=values[INTERCEPT] - case.truth[INTERCEPT],
        planimetric=values[PLANIMETRIC] - case.truth[PLANIMETRIC],
        half_range=(max(every) - min(every)) / 2,
        truth=case.truth[INTERCEPT],
    )


def all_rows(which: str, network: TorchNetwork | None, *, baseline: bool, known: list[Row]) -> Iterator[Row]:
    """Rows of every field and backend but for those that are known."""
    done = {(row.backend, row.name) for row in known}
    for case in cases(which):
        for backend in ("unet",) * (network is not None) + ("watershed",) * baseline:
            if (backend, case.name) in done:
                continue
            try:
                if backend == "unet":
                    probability = boundary_map(network, case.micrograph)
                    found = with_network(probability, case.micrograph, grain_labels.Settings())
                else:
                    found = with_watershed(case.micrograph)
                yield scored(case, backend, found)
            except inspect_tool.InspectError as error:
                nothing = float("nan")
                yield Row(
                    name=case.name,
                    group=case.group,
                    backend=backend,
                    intercept=nothing,
                    planimetric=nothing,
                    half_range=nothing,
                    truth=case.truth[INTERCEPT],
                    failed=str(error),
                )


def read_rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    numbers = {field.name for field in fields(Row) if field.type is float}
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(**{k: float(v) if k in numbers else v for k, v in row.items()}) for row in csv.DictReader(file)]


def load_network(folder: Path) -> TorchNetwork:
    card, weights = load_weights(folder, "unet")
    network: TorchNetwork = fitted(TorchNetwork(UNet(**card.network)), weights, folder)
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=shipped("grain_boundary"))
    parser.add_argument("--set", choices=["test", "tuning"], default="test")
    parser.add_argument("--without", choices=["network", "watershed"])
    parser.add_argument("--rows", type=Path, required=True, help="CSV: rows in it are kept, new ones are added")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    network = None if arguments.without == "network" else load_network(arguments.model)
    rows = read_rows(arguments.rows)
    new = not rows
    for row in all_rows(arguments.set, network, baseline=arguments.without != "watershed", known=rows):
        print(
            f"{row.backend:9} {row.name:24} G {row.truth:5.2f} {row.intercept:+.3f} ({row.planimetric:+.3f}) "
            f"half range {row.half_range:.3f} {row.failed}",
            flush=True,
        )
        rows.append(row)
        with arguments.rows.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Row)])
            if new:
                writer.writeheader()
            writer.writerow(asdict(row))
        new = False
    page = "\n".join(summary(rows)) + "\n"
    print(page)
    if arguments.out:
        arguments.out.write_text(page, encoding="utf-8")


HEAD = (
    "fields", "backend", "n", "median error of G", "median size", "95th percentile", "within 0.05",
    "planimetric: median size", "within 2 u",
)  # fmt: skip
MISSED_G = {"unet": 2 * grain_labels.MISSED_U_REL / log(2), "watershed": 2 * watershed.MISSED_U_REL["dark"] / log(2)}


def line(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def summary(rows: list[Row]) -> Iterator[str]:
    """Tables of a page: by group, then field by field."""
    backends = sorted({row.backend for row in rows})
    levels = sorted({row.group for row in rows if row.group.startswith("level")})
    groups = [("all drawn fields", levels), *((group, [group]) for group in levels)]
    groups += [(group, [group]) for group in ("NIST steel", "TBM") if any(row.group == group for row in rows)]
    yield line(*HEAD)
    yield line(*("---" for _ in HEAD))
    for name, members in groups:
        for backend in backends:
            some = [row for row in rows if row.group in members and row.backend == backend and not row.failed]
            if some:
                error = np.array([row.intercept for row in some])
                area = np.abs([row.planimetric for row in some])
                u = np.hypot(np.array([row.half_range for row in some]) / sqrt(3), MISSED_G[backend])
                yield line(
                    name, f"`{backend}`", len(some), f"{np.median(error):+.3f}", f"{np.median(np.abs(error)):.3f}",
                    f"{np.percentile(np.abs(error), 95):.3f}", f"{100 * np.mean(np.abs(error) <= 0.05):.0f} %",
                    f"{np.median(area):.3f}", f"{100 * np.mean(np.abs(error) <= 2 * u):.0f} %",
                )  # fmt: skip
    for backend in backends:
        some = [row for row in rows if row.group == "TBM" and row.backend == backend and not row.failed]
        if some:
            # mean intercept goes with 2 ** (-G / 2)
            ratio = 2 ** (-np.array([row.intercept for row in some]) / 2)
            truth = 2 ** (-np.array([row.truth for row in some]) / 2)
            pooled = np.mean(1 / truth) / np.mean(1 / (truth * ratio)) - 1
            yield ""
            size = 100 * np.abs(ratio - 1)
            yield (
                f"TBM, `{backend}`: mean intercept over all {len(some)} crops {100 * pooled:+.1f} % against the "
                f"tracing; single crops median {100 * np.median(ratio - 1):+.1f} %, median size "
                f"{np.median(size):.1f} %, 90th percentile {np.percentile(size, 90):.1f} %."
            )
    yield ""
    yield "Field by field: error of G by intercepts (by areas), half range of the alternatives in G."
    yield ""
    yield line("field", "true G", *(f"`{backend}`" for backend in backends))
    yield line("---", "---", *("---" for _ in backends))
    by_name: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_name.setdefault(row.name, {})[row.backend] = row
    for name, found in by_name.items():
        cells = [
            "refused" if one.failed else f"{one.intercept:+.2f} ({one.planimetric:+.2f}), {one.half_range:.2f}"
            for one in (found[backend] for backend in backends if backend in found)
        ]
        yield line(name, f"{next(iter(found.values())).truth:.2f}", *cells)


if __name__ == "__main__":
    main()
