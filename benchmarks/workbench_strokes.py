"""How long a stroke in the workbench takes until its picture is there.

    python benchmarks/workbench_strokes.py [--size 4096] [--grains 5000] [--strokes 200]

A field of drawn grains is measured once and then corrected at random places, as the page does: a stroke is sent, and
every tile of the outlines that it touched is asked for, at 1:1 in a window of 1600 x 1000 pixels around it. The time
is that of the server, from the request to the last tile, without a network between. Wanted: 150 ms. After one
stroke, and after nine more in other places, the numbers of the field are asked for, as the page does when the hand
rests; wanted: 2 s.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from starlette.testclient import TestClient

from inspect_tool.evidence.provenance import now
from inspect_tool.inspection import job_run
from inspect_tool.lab import database, tables
from inspect_tool.lab.database import Lab, connected
from inspect_tool.pixels import png
from inspect_tool.web import serve
from inspect_tool.web.app import application
from inspect_tool.web.editing import tiles

JOB = """
recipe = "grain_size"
images = ["f1.png"]
exports = ["json"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
[region]
specimen = "whole"
[backend]
name = "labels"
kind = "labels"
masks = ["m1.tif"]
"""
PORT = 8765
NUMBERS, TEN = "numbers", "after ten"  # what one stroke changed, and ten in as many places
WINDOW = (1000, 1600)  # rows and columns [px]
NAME, HERE = "steel", "/inspections/steel/fields/1"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--grains", type=int, default=5000)
    parser.add_argument("--strokes", type=int, default=200)
    asked = parser.parse_args()
    rng = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        lab = database.init(Path(folder) / "lab")
        begun = time.perf_counter()
        labels = inspection(lab, asked.size, asked.grains, rng)
        print(f"{asked.size} x {asked.size} px, {asked.grains} grains, measured in {time.perf_counter() - begun:.0f} s")
        made = serve.bench_of(lab, serve.Place(port=PORT), single_user=True)
        origin = made.origins[0]
        client = TestClient(application(made), base_url=origin, headers={"Origin": origin})
        begun = time.perf_counter()
        client.get(f"{HERE}/correct").raise_for_status()
        print(f"opened in {time.perf_counter() - begun:.1f} s")
        print(f"numbers of the whole field: {numbers(client):.1f} s (when the page opens)")
        times = strokes(client, labels, asked.strokes, rng)
    everything = [one for name, found in times.items() if name not in (NUMBERS, TEN) for one in found]
    print(f"{'':10}{'n':>6}{'p50 [ms]':>10}{'p95 [ms]':>10}{'largest':>10}")
    for name, found in {**times, "all": everything}.items():
        p50, p95 = (1000 * np.quantile(found, q) for q in (0.5, 0.95))
        print(f"{name:10}{len(found):6}{p50:10.0f}{p95:10.0f}{1000 * max(found):10.0f}")


def inspection(lab: Lab, size: int, grains: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Measure a field of grains that grew from random points."""
    seeds = np.ones((size, size), np.uint8)
    seeds[rng.integers(0, size, grains), rng.integers(0, size, grains)] = 0
    _, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    edge = cv2.morphologyEx(labels.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    folder = lab.folder / "inspections" / NAME
    folder.mkdir(parents=True)
    gray = np.where(edge, 70, 190) + rng.integers(-12, 13, labels.shape)
    cv2.imwrite(str(folder / "f1.png"), gray.astype(np.uint8))
    (folder / "m1.tif").write_bytes(png.encode(labels))
    (folder / "job.toml").write_text(JOB, encoding="utf-8")
    job_run.run(folder / "job.toml", lab.reports, name=NAME)
    row = {"name": NAME, "title": NAME, "recipe": "grain_size", "job": f"inspections/{NAME}/job.toml", "by": ""}
    with connected(lab) as connection:
        connection.execute(tables.inspection.insert().values(added=now(), **row))
    return labels.astype(np.int32)


def strokes(
    client: TestClient, labels: NDArray[np.int32], count: int, rng: np.random.Generator
) -> dict[str, list[float]]:
    """Draw at random places; seconds by kind of stroke."""
    times: dict[str, list[float]] = defaultdict(list)
    refused = 0
    for i in range(count):
        x, y = (int(v) for v in rng.integers(200, labels.shape[0] - 200, 2))
        path = [[int(x + 8 * k), int(y + 20 * np.sin(k / 4))] for k in range(20)]
        what, told = (
            ("brush", {"do": "stroke", "points": path, "radius": 6}),
            ("eraser", {"do": "stroke", "points": path, "radius": 6, "number": 0}),
            ("boundary", {"do": "boundary", "points": path}),
            ("merge", {"do": "merge", "points": [[x, y], [x + 60, y]]}),
            ("delete", {"do": "delete", "point": [x, y]}),
            ("new", {"do": "new", "points": [[x, y], [x + 60, y], [x + 30, y + 60]]}),
        )[i % 6]
        begun = time.perf_counter()
        answer = client.post(f"{HERE}/correct/do", json=told).json()
        if "error" in answer:
            refused += 1
            continue
        for name in touched(answer["box"], (x, y), (labels.shape[0], labels.shape[1])):
            client.get(f"{HERE}/correct/tiles/outlines/{name}.png").raise_for_status()
        times[what].append(time.perf_counter() - begun)
        if i % 10 == 9:
            times[TEN].append(numbers(client))
        elif i % 10 == 0:
            times[NUMBERS].append(numbers(client))
    print(f"{count} strokes, {refused} of them meant nothing where they fell")
    return times


def numbers(client: TestClient) -> float:
    """Ask for the results before and after; seconds."""
    begun = time.perf_counter()
    client.get(f"{HERE}/correct/numbers").raise_for_status()
    return time.perf_counter() - begun


def touched(box: list[int], at: tuple[int, int], shape: tuple[int, int]) -> list[str]:
    """Tiles at 1:1 that a stroke touched and that a window around it shows."""
    top, left, bottom, right = box
    first = (max(top, at[1] - WINDOW[0] // 2) // tiles.SIDE, max(left, at[0] - WINDOW[1] // 2) // tiles.SIDE)
    last = (
        (min(bottom, at[1] + WINDOW[0] // 2) - 1) // tiles.SIDE,
        (min(right, at[0] + WINDOW[1] // 2) - 1) // tiles.SIDE,
    )
    level = tiles.levels(shape) - 1
    return [f"{level}/{x}_{y}" for y in range(first[0], last[0] + 1) for x in range(first[1], last[1] + 1)]


if __name__ == "__main__":
    main()
