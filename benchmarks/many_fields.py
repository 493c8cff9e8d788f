"""Memory and time of one job against the number of its fields, stage by stage, each job in a process of its own.

    python benchmarks/many_fields.py [fields ...] [--recipe porosity] [--side 256] [--exports json html pdf csv]

Wanted: at most 50 kB a field while fields are measured. The fields are drawn and small, so that what is kept of a field
shows beside what it takes to measure one. The slope is that between the smallest and the largest job.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

from inspect_tool import synthetic
from inspect_tool.inspection import job_run

JOB = """
recipe = "{recipe}"
images = ["field_*.tif"]
exports = [{exports}]
scale_bar = "off"
[calibration]
pixel_um = {pixel_um}
u_rel = 0.004
source = "stage micrometer"
"""
DRAWN = (
    8  # different fields; the others are these with one gray level more or less, noise of their own and other hashes
)


def draw(recipe: str, folder: Path, count: int, side: int, exports: list[str]) -> None:
    shape = (side, side)
    made = [
        {
            "grain_size": lambda i=i: synthetic.grains(seed=i, grain_size_number=8, shape_px=shape),
            "phase_fraction": lambda i=i: synthetic.two_phase(
                seed=i, area_percent=30.0, feature_um=12.0, shape_px=shape
            ),
            "porosity": lambda i=i: synthetic.pores(seed=i, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=shape),
            "solder_voids": lambda i=i: synthetic.solder_balls(seed=i, rows=3, columns=3),
        }[recipe]()
        for i in range(DRAWN)
    ]
    noise = np.random.default_rng(1)
    for i in range(count):
        pixels = made[i % DRAWN].pixels
        pixels = np.clip(pixels + noise.integers(-1, 2, pixels.shape), 0, 255).astype(np.uint8)
        tifffile.imwrite(folder / f"field_{i:05d}.tif", pixels)
    named = ", ".join(f'"{name}"' for name in exports)
    text = JOB.format(recipe=recipe, exports=named, pixel_um=made[0].pixel_um)
    (folder / "job.toml").write_text(text, encoding="utf-8")


def measured(folder: Path, workers: int) -> None:
    """Run the job of a folder and print a line for each stage: what it has taken so far, and takes. [MB, s]"""
    begun = time.perf_counter()
    last = ""

    def tell(_done: int, _total: int, text: str) -> None:
        nonlocal last
        stage = text if text.isupper() or text == "done" else "looked at" if text.startswith("looking") else "measuring"
        if stage != last:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            held = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
            print(f"STAGE before {stage}|{peak:.1f}|{held:.1f}|{time.perf_counter() - begun:.1f}", flush=True)
            last = stage

    job_run.run(folder / "job.toml", folder / "out", workers=workers, progress=tell, trail=False)
    files = [path for path in (folder / "out").rglob("*") if path.is_file()]
    for name in ("report.json", "report.html", "report.pdf", "features.csv"):
        size = next((path.stat().st_size for path in files if path.name == name), 0)
        print(f"FILE {name}|{size / 2**20:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fields", type=int, nargs="*", default=[30, 100])
    parser.add_argument("--recipe", default="porosity")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--exports", nargs="*", default=["json", "html", "pdf", "csv"])
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder is not None:
        measured(asked.folder, asked.workers)
        return
    stages: dict[int, dict[str, tuple[float, ...]]] = {}
    for count in sorted(asked.fields):
        with tempfile.TemporaryDirectory() as name:
            draw(asked.recipe, Path(name), count, asked.side, asked.exports)
            command = [sys.executable, __file__, "--in", name, "--workers", str(asked.workers)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr[-2000:])
            raise SystemExit(1)
        found = [line.partition(" ")[2].split("|") for line in done.stdout.splitlines() if line.startswith("STAGE")]
        stages[count] = {stage: tuple(map(float, numbers)) for stage, *numbers in found}
        for stage, (peak, held, seconds) in stages[count].items():
            print(f"{count:6d} fields, {stage:<18} peak {peak:7.0f} MB, held {held:7.0f} MB, {seconds:7.1f} s")
        print(
            "      ",
            ", ".join(line[5:].replace("|", " ") + " MB" for line in done.stdout.splitlines() if "FILE" in line),
        )
    few, many = min(stages), max(stages)
    for stage in stages[many] if many > few else ():
        peak, held = (1024 * (stages[many][stage][i] - stages[few][stage][i]) / (many - few) for i in (0, 1))
        print(f"{stage:<20} {peak:7.1f} kB a field of the peak, {held:7.1f} held")


if __name__ == "__main__":
    main()
