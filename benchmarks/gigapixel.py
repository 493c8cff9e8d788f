"""Huge drawn mosaics measured by windows: time and peak memory against the size, and the numbers against the truth.

    python benchmarks/gigapixel.py [gigapixels ...] [--zarr] [--side 2048] [--deep]
    python benchmarks/gigapixel.py [gigapixels ...] --run porosity [--default] [--deep] [--verify]

Wanted: time that grows as the pixels, at most 2 GB. Drawn tile by tile, without seams: round pores in a jittered grid,
none touching another, one crack that runs through the whole width, a black corner and a black gap. The measure is a
process of its own, whose peak is its resident set (``ru_maxrss``); drawing is not in the time, reading and hashing are.
``--run`` runs a job of a recipe by windows instead, with its report as JSON, CSV, HTML and PDF: by Otsu's level, with
``--default`` by the defaults of the backend, which look at all of the image. ``--deep`` draws 16 bits, ``--verify``
recomputes the report from its masks in a process of its own.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

CELL = 64
TILE = 512
LIGHT, DARK = 190.0, 60.0
CORNER = 700  # legs of the black corner [px]
GAP = (5000, 5040)  # columns that no tile shows

MEASURE = """
import resource, sys, tempfile, time
from pathlib import Path
from inspect_tool import mosaic
from inspect_tool.segmentation import threshold
begun = time.perf_counter()
settings = threshold.Settings(method="otsu", flat_field="off", denoise_px=3)
asked = mosaic.Request(image=Path(sys.argv[1]), threshold=settings, pixel_um=0.5, blank=(0,), side_px=int(sys.argv[2]))
with tempfile.TemporaryDirectory(dir=sys.argv[3]) as name:
    found = mosaic.measure(asked, Path(name))
    kept = sum(path.stat().st_size for path in Path(name).rglob("*") if path.is_file())
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
longest = found.features["feret_max_um"].max() / 0.5
print(len(found.features), found.specimen_px, f"{longest:.1f} {seconds:.1f} {peak:.0f} {kept / 2**20:.0f}")
"""

JOB = """
recipe = "{recipe}"
images = ["{image}"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "drawn"
certificate = "1"
[backend]
name = "threshold"
{levels}
"""
OTSU = 'method = "multi_otsu"\nflat_field = "off"\ndenoise_px = 3'
RUN = """
import resource, sys, time
from inspect_tool.inspection import job_run, windowed
windowed.FROM_PX = 0
begun = time.perf_counter()
report = job_run.run(sys.argv[1], sys.argv[2], trail=False)
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
said = {one.quantity: f"{one.value:.6f}" for one in report.results if one.quantity.split(".")[0] in sys.argv[3:]}
print(f"{seconds:.1f} s, {peak:.0f} MB, by windows: {'windows' in report.micrographs[0].meta}", said)
"""
VERIFY = """
import resource, sys, time
from pathlib import Path
from inspect_tool.verify import verify
begun = time.perf_counter()
found = verify.verify(Path(sys.argv[1]))
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"verified: {found.verified}, {seconds:.1f} s, {peak:.0f} MB")
print(*(item.text for item in found.findings if item.state == "differs"), sep="\\n")
"""


def pores(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Row, column and radius of the pore of every cell (0: none) of an image."""
    rng = np.random.default_rng(7)
    cells = shape[0] // CELL, shape[1] // CELL
    radius = np.where(rng.random(cells) < 0.5, rng.uniform(4, 20, cells), 0.0)
    radius[cells[0] // 2] = 0.0  # the row of the crack
    room = CELL / 2 - 5 - radius
    middle = (np.indices(cells) + 0.5) * CELL
    return middle + rng.uniform(-1, 1, (2, *cells)) * room, radius


def crack(columns: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Row of the middle of the crack."""
    return (shape[0] // CELL // 2 + 0.5) * CELL + 18 * np.sin(columns / 90)


def tile(row: int, column: int, shape: tuple[int, int], middle: np.ndarray, radius: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[row : row + TILE, column : column + TILE].astype(np.float32)
    at = tuple(np.minimum(np.int64(one) // CELL, n - 1) for one, n in zip((rows, columns), radius.shape, strict=True))
    away = np.hypot(rows - middle[0][at], columns - middle[1][at]) - radius[at]
    away[radius[at] == 0] = 99
    depth = np.minimum(away, np.abs(rows - crack(columns, shape)) - 3)
    gray = LIGHT + (DARK - LIGHT) / (1 + np.exp(np.clip(2.5 * depth, -50, 50)))
    noise = np.random.default_rng((row, column)).normal(0, 5, gray.shape)
    made = np.clip(np.rint(gray + noise), 1, 255).astype(np.uint8)
    made[~seen(rows, columns)] = 0
    return made


def seen(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Where the stage went."""
    return (rows + columns > CORNER) & ~((columns >= GAP[0]) & (columns < GAP[1]))


def tiles(shape: tuple[int, int]) -> Iterator[np.ndarray]:
    middle, radius = pores(shape)
    for row in range(0, shape[0], TILE):
        for column in range(0, shape[1], TILE):
            yield tile(row, column, shape, middle, radius)


def draw(path: Path, shape: tuple[int, int], *, as_zarr: bool, deep: bool = False) -> None:
    if not as_zarr:
        drawn = (one * np.uint16(257) if deep else one for one in tiles(shape))
        depth = np.uint16 if deep else np.uint8
        tifffile.imwrite(path, drawn, shape=shape, dtype=depth, tile=(TILE, TILE), bigtiff=True, compression="zlib")
        return
    import zarr

    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    array = group.create_array("0", shape=shape, chunks=(TILE, TILE), dtype="u1")
    for number, one in enumerate(tiles(shape)):
        row, column = (TILE * at for at in divmod(number, shape[1] // TILE))
        array[row : row + TILE, column : column + TILE] = one
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    scale = [{"type": "scale", "scale": [0.5, 0.5]}]
    group.attrs["multiscales"] = [
        {"version": "0.4", "axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    ]


def truth(shape: tuple[int, int]) -> int:
    """Pores that lie wholly on the specimen, and the crack in its two parts."""
    middle, radius = pores(shape)
    held = radius > 0
    (row, column), size = middle[:, held], radius[held]
    whole = (row + column - CORNER) / 2**0.5 > size + 3
    whole &= (column + size + 3 < GAP[0]) | (column - size - 3 > GAP[1])
    return int(whole.sum()) + (2 if shape[1] > GAP[1] else 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("gigapixels", nargs="*", type=float, default=[0.1, 0.4])
    parser.add_argument("--zarr", action="store_true")
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--run", metavar="RECIPE")
    parser.add_argument("--default", action="store_true")
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--verify", action="store_true")
    asked = parser.parse_args()
    print(
        "| image [Gpx] | windows | found / drawn pores and cracks | pores cut by corner or gap | longest [px]", end=""
    )
    print(" | specimen [%] | time [s] | s/Gpx | peak [MB] | kept on disk [MB] |")
    for size in asked.gigapixels:
        side = round((size * 1e9) ** 0.5 / TILE) * TILE
        shape = (side, side)
        with tempfile.TemporaryDirectory(dir=asked.folder) as name:
            path = Path(name) / ("mosaic.ome.zarr" if asked.zarr else "mosaic.tif")
            begun = time.perf_counter()
            draw(path, shape, as_zarr=asked.zarr, deep=asked.deep)
            print(f"drawn in {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
            command = [sys.executable, "-c", MEASURE, str(path), str(asked.side), name]
            if asked.run:
                job = Path(name) / "job.toml"
                job.write_text(
                    JOB.format(recipe=asked.run, image=path.name, levels="" if asked.default else OTSU),
                    encoding="utf-8",
                )
                shown = ("area_percent", "porosity_percent", "pore_count_per_mm2", "largest_pore_feret_um")
                command = [sys.executable, "-c", RUN, str(job), str(Path(name) / "out"), *shown]
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            if said.returncode:
                sys.exit(said.stderr)
            again = ""
            if asked.verify:
                command = [sys.executable, "-c", VERIFY, str(Path(name) / "out" / "job")]
                again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if asked.run:
            print(f"{asked.run}, {side * side / 1e9:.3f} Gpx: {said.stdout}{again}", flush=True)
            continue
        found, specimen, longest, seconds, peak, kept = said.stdout.split()
        number = truth(shape)
        print(
            f"| {side * side / 1e9:.3f} | {(-(-side // asked.side)) ** 2} | {found} / {number} |"
            f" {int(found) - number} |"
            f" {longest} | {100 * int(specimen) / side**2:.3f} | {seconds} | {float(seconds) / side**2 * 1e9:.0f} |"
            f" {peak} | {kept} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
