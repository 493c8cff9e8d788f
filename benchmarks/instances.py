"""Which backend finds particles one by one: scores on real and drawn pictures, with time and memory.

    OMP_NUM_THREADS=1 nice python benchmarks/instances.py BACKEND [SET ...]

BACKEND is threshold, watershed, stardist, cellpose, maskrcnn or prompt, each with its own settings for particles and
nothing said about the picture (so one process, and one peak of memory, is one backend). Sets: emps-particles and
ampis-powder of the shared data, drawn: heaps, crowds and overlaps of ``synthetic.bodies``, and, where it is asked
for, many: the same bodies in growing number, to see what each of them costs. Of ampis-powder two pictures may be
learned from (``_particle_scenes.LEARNED``); emps-particles is never learned from. One line a picture, the worst
first: F1 and average precision at an IoU of 0.5, the median diameter found over the true one, how far the diameters
of the matched objects are off (mean), objects found and true.
``hybrid-`` and the name of one of these takes its objects for proposals and grows them anew.
"""

import csv
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan, pi
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from _particle_scenes import DATA, LEARNED
from numpy.typing import NDArray
from stardist.matching import matching

from inspect_tool import synthetic
from inspect_tool.errors import InspectError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.registry import load

IOU = 0.5
SETTINGS: dict[str, dict[str, Any]] = {
    "threshold": {"phase": "auto"},
    "watershed": {"mode": "particles"},
    "stardist": {},
    "cellpose": {},
    "maskrcnn": {},
    "prompt": {},
    "hybrid-stardist": {"proposals": {"name": "stardist"}},
    "hybrid-cellpose": {"proposals": {"name": "cellpose"}},
    "hybrid-watershed": {"proposals": {"name": "watershed", "mode": "particles"}},
    "hybrid-threshold": {"proposals": {"name": "threshold", "phase": "auto"}},
}
DRAWN: dict[str, dict[str, Any]] = {
    "heap of powder": {"area_percent": 65.0, "mean_ecd_um": 36.0, "spread": 0.45, "satellites": 0.5},
    "crowd of spheres": {"area_percent": 88.0, "mean_ecd_um": 40.0, "spread": 0.05, "overlap": 0.3},
    "crystals": {"area_percent": 40.0, "mean_ecd_um": 34.0, "kind": "crystals"},
    "rods that overlap, TEM": {
        "area_percent": 30.0,
        "mean_ecd_um": 30.0,
        "kind": "rods",
        "aspect": 3.0,
        "signal": "tem",
        "gray": (0.8, 0.3),
    },
    "spheres that overlap, TEM": {
        "area_percent": 35.0,
        "mean_ecd_um": 34.0,
        "spread": 0.15,
        "clusters": 0.8,
        "signal": "tem",
        "gray": (0.7, 0.2),
    },
}
MANY = (1.0, 4.0, 16.0, 48.0)  # area covered by bodies of one size, in a picture of 1 Mpx [%]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A picture and its objects as they are seen."""

    name: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a backend found in one picture."""

    name: str
    f1: float
    precision: float  # average precision: TP / (TP + FP + FN)
    size: float  # median diameter found over true
    size_error: float  # mean of |diameter found / true - 1| over the matched objects; nan without any
    found: int
    true: int
    seconds: float  # of processor time, per Mpx
    note: str = ""


def pictures(name: str) -> Iterator[Picture]:
    """Pictures of a set, with the objects as they are seen."""
    if name == "drawn":
        for number, (what, settings) in enumerate(DRAWN.items()):
            field = synthetic.bodies(seed=700 + number, shape_px=(400, 500), **settings)
            pixels = synthetic.degrade(field.pixels, 1, seed=number)
            yield Picture(name=what, pixels=pixels, labels=np.asarray(field.labels, np.int32))
        return
    if name == "many":
        for number, area in enumerate(MANY):
            field = synthetic.bodies(
                seed=800 + number, shape_px=(1000, 1000), area_percent=area, mean_ecd_um=16.0, spread=0.1
            )
            pixels = synthetic.degrade(field.pixels, 1, seed=number)
            yield Picture(name=f"{area:g} % covered", pixels=pixels, labels=np.asarray(field.labels, np.int32))
        return
    folder = DATA / name
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["image"])
    for row in rows:
        pixels = cv2.imread(str(folder / row["image"]), cv2.IMREAD_GRAYSCALE)
        labels = cv2.imread(str(folder / row["instances"]), cv2.IMREAD_UNCHANGED)
        assert pixels is not None, row["image"]
        assert labels is not None, row["instances"]
        stem = row["image"].split("/")[-1].removesuffix(".png")
        name_of = f"{stem} (may be learned from)" if stem in LEARNED else stem
        yield Picture(name=name_of, pixels=np.asarray(pixels, np.uint8), labels=np.asarray(labels, np.int32))


def objects(found: Any) -> NDArray[np.int32]:
    """One number per object: labels of instances, 8-connected pieces of the class of interest otherwise."""
    if found.kind == "instance":
        return np.array(found.labels, np.int32)
    mask = (found.labels == max(found.classes)).astype(np.uint8)  # of two classes 0 is the ground
    return np.asarray(cv2.connectedComponents(mask, connectivity=8, ltype=cv2.CV_32S)[1], np.int32)


def diameter(labels: NDArray[np.int32]) -> float:
    areas = np.bincount(labels.ravel())[1:]
    areas = areas[areas > 0]
    return 2 * float(np.sqrt(np.median(areas) / pi)) if areas.size else 0.0


def size_error(true: NDArray[np.int32], found: NDArray[np.int32], pairs: Sequence[tuple[int, int]]) -> float:
    """Mean of |diameter found / true - 1| over pairs of a true object and a found one; nan without any."""
    if not pairs:
        return nan
    mine, theirs = np.array(pairs).T
    ratio = np.bincount(found.ravel())[theirs] / np.bincount(true.ravel())[mine]
    return float(np.abs(np.sqrt(ratio) - 1).mean())


def scored(backend: ModuleType, model: Any, picture: Picture, settings: Any) -> Score:
    """Matching of one picture; a refusal of the backend finds nothing."""
    micrograph = Micrograph(pixels=picture.pixels, calibration=Calibration(source="ratio only"), path=picture.name)
    start = time.process_time()
    note = ""
    try:
        found = objects(backend.segment(model, micrograph, settings))
    except InspectError as error:
        found, note = np.zeros(picture.labels.shape, np.int32), str(error)
    spent = (time.process_time() - start) / (picture.pixels.size / 1e6)
    result = matching(picture.labels, found, thresh=IOU, report_matches=True)
    pairs = [result.matched_pairs[number] for number in result.matched_tps]
    return Score(
        name=picture.name,
        f1=float(result.f1),
        precision=float(result.accuracy),
        size=diameter(found) / diameter(picture.labels),
        size_error=size_error(picture.labels, found, pairs),
        found=int(result.n_pred),
        true=int(result.n_true),
        seconds=spent,
        note=note,
    )


def main() -> None:
    name, *sets = sys.argv[1:]
    backend: Any = load("backend", name.partition("-")[0])
    settings = backend.Settings(**SETTINGS[name])
    model = backend.load(settings)
    for chosen in sets or ("ampis-powder", "drawn", "emps-particles"):
        scores = sorted((scored(backend, model, one, settings) for one in pictures(chosen)), key=lambda one: one.f1)
        for one in scores:
            print(
                f"  {one.f1:.2f}  AP {one.precision:.2f}  size x {one.size:.2f}  "
                f"off by {100 * one.size_error:.0f} %  {one.found} of {one.true}  "
                f"{one.seconds:.1f} s per Mpx  {one.name}  {one.note}",
                flush=True,
            )
        low, middle, high = np.quantile([one.f1 for one in scores], [0.25, 0.5, 0.75])
        error = float(np.median([abs(one.size - 1) for one in scores]))
        matched = float(np.nanmedian([one.size_error for one in scores]))
        spent = float(np.median([one.seconds for one in scores]))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name}, {chosen}, {len(scores)} pictures: F1 {middle:.2f} ({low:.2f} to {high:.2f}), "
            f"AP {np.median([one.precision for one in scores]):.2f}, error of the median diameter {100 * error:.0f} %, "
            f"of the diameters of matched objects {100 * matched:.0f} %, "
            f"{spent:.1f} s per Mpx, {memory:.0f} MB at most",
            flush=True,
        )


if __name__ == "__main__":
    main()
