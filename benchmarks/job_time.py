"""Processor time of a job, from `inspect-tool run` in a new process to its PDF, and of its steps, on one core.

    python benchmarks/job_time.py [--rounds 5] [--fields 1] [--recipe grain_size]

The fields: 1 Mpx each, drawn, by the default backend. One field of grains is held against one inference: the same
network in torch as it comes (fp32) on 1 Mpx, in turn with it; wanted: at most 2.5 times. More fields are held against
their segmentation; wanted of 10: at most 2 times. The first run, in which Python compiles the modules, does not count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import networks
import tifffile

from inspect_tool import synthetic

JOB = """
recipe = "{recipe}"
images = ["field_*.tif"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
"""
WANTED, WANTED_OF_SEGMENTATION = 2.5, 2.0
_IN_STEPS = """
import importlib, json, sys, time
from dataclasses import replace
clock, spent, steps = time.process_time, {}, ["rest"]
since = 0.0  # imports of Python itself and its start are of the rest

def change():
    global since
    now = clock()
    spent[steps[-1]] = spent.get(steps[-1], 0.0) + now - since
    since = now

def timed(work, step):
    def wrapped(*args, **kwargs):
        change()
        steps.append(step)
        try:
            return work(*args, **kwargs)
        finally:
            change()
            steps.pop()
    return wrapped

importlib._bootstrap._find_and_load = timed(importlib._bootstrap._find_and_load, "imports")
from inspect_tool import registry
from inspect_tool.inspection import field_record, job_run, one_field
def watch(owner, name, step):
    setattr(owner, name, timed(getattr(owner, name), step))
watch(job_run, "plan", "plan")
recipe = sys.argv[2]
watch(field_record, "read_source", "reading the image, scale and quality")
watch(field_record, "read_and_found", "reading the image, scale and quality")
watch(field_record, "judge_image", "reading the image, scale and quality")
watch(field_record, "model_of", "network made ready")
watch(registry.load("recipe", recipe), "measure_field", "measuring")
watch(field_record.Keeper, "__call__", "evidence and pictures")
watch(field_record, "field_pictures", "evidence and pictures")
watch(job_run, "report_of", "evidence and pictures")
watch(registry.load("exporter", "html"), "write", "HTML")
watch(registry.load("exporter", "pdf"), "write", "PDF")
watch(job_run, "typesetting", "PDF")
watch(one_field, "segmented", "segmentation")
segmented = one_field.segmented
def with_alternatives(*args):
    found = segmented(*args)
    def others():
        made = found.alternatives()
        step = timed(lambda: next(made, None), "alternatives")
        while (one := step()) is not None:
            yield one
    return replace(found, alternatives=others)
one_field.segmented = with_alternatives

from inspect_tool import cli
place, sys.argv = sys.argv[1], ["inspect-tool", *sys.argv[3:]]
try:
    cli.main()
finally:
    change()
    with open(place, "w") as file:
        json.dump(spent, file)
"""


def drawn(recipe: str, seed: int) -> synthetic.Field:
    """A field of 1 Mpx for a recipe."""
    size: dict[str, Any] = {"seed": seed, "shape_px": (1000, 1000), "pixel_um": 0.5}
    match recipe:
        case "grain_size":
            return synthetic.grains(grain_size_number=8, **size)
        case "porosity":
            return synthetic.pores(porosity_percent=3, mean_ecd_um=8, **size)
        case "phase_fraction":
            return synthetic.two_phase(area_percent=25, feature_um=8, **size)
    sys.exit(f"{recipe}: grain_size, porosity and phase_fraction are drawn here")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fields", type=int, default=1)
    parser.add_argument("--recipe", default="grain_size")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ[name] = "1"
    compared = given.fields == 1 and given.recipe == "grain_size"
    infer = networks.one_inference() if compared else lambda: None
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        for number in range(given.fields):
            field = drawn(given.recipe, number + 2)
            tifffile.imwrite(folder / f"field_{number}.tif", synthetic.degrade(field.pixels, 2, seed=number + 2))
        (folder / "job.toml").write_text(JOB.format(recipe=given.recipe))
        _run(folder, given.recipe)
        jobs, inferences, steps = [], [], Counter[str]()
        for _ in range(given.rounds):
            spent, by_step = _run(folder, given.recipe)
            jobs.append(spent)
            steps.update(by_step)
            start = time.process_time()
            infer()
            inferences.append(time.process_time() - start)
    whole, segmentation = median(jobs), steps["segmentation"] / given.rounds
    if compared:
        ratio = median(job / one for job, one in zip(jobs, inferences, strict=True))
        print(f"{'1 Mpx in torch as it comes (fp32)':<40}{median(inferences):6.2f} s")
        print(f"{'1 Mpx from job to PDF':<40}{whole:6.2f} s   {ratio:.2f} x (wanted: at most {WANTED} x)")
    else:
        ratio = (
            f"{whole / segmentation:.2f} x its segmentation (wanted of 10 fields: at most {WANTED_OF_SEGMENTATION} x)"
        )
        print(f"{f'{given.fields} Mpx of {given.recipe} from job to PDF':<40}{whole:6.2f} s   {ratio}")
    for step, seconds in steps.most_common():
        print(f"  {step:<38}{seconds / given.rounds:6.2f} s")


def _run(folder: Path, recipe: str) -> tuple[float, dict[str, float]]:
    """Processor time of a run in a new process, which may keep compiled modules, and of its steps. [s]"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    told = folder / "steps.json"
    job, out = str(folder / "job.toml"), str(folder / "out")
    command = [sys.executable, "-c", _IN_STEPS, str(told), recipe, "run", job, "--out", out]
    before = os.times()
    subprocess.run(command, check=True, env=environment, capture_output=True)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, json.loads(told.read_text())


if __name__ == "__main__":
    main()
