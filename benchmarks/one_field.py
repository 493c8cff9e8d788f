"""Processor time of a job of one field, from `inspect-tool run` in a new process to its PDF, against one inference.

    python benchmarks/one_field.py [ROUNDS]

The field: 1 Mpx of drawn grains, by the default backend. The inference: the same network in torch as it comes (fp32) on
1 Mpx. Both take turns on one core. The first run, in which Python compiles the modules, does not count.

Wanted: at most 2.5 times the inference.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

import networks
import tifffile

from inspect_tool import synthetic

JOB = """
recipe = "grain_size"
images = ["field.tif"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
"""
WANTED = 2.5
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
watch(field_record, "read_source", "reading the image, scale and quality")
watch(field_record, "judge_image", "reading the image, scale and quality")
watch(field_record, "model_of", "network made ready")
watch(registry.load("recipe", "grain_size"), "measure_field", "measuring")
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
place, sys.argv = sys.argv[1], ["inspect-tool", *sys.argv[2:]]
try:
    cli.main()
finally:
    change()
    with open(place, "w") as file:
        json.dump(spent, file)
"""


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ[name] = "1"
    infer = networks.one_inference()
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        field = synthetic.grains(seed=2, grain_size_number=8, shape_px=(1000, 1000), pixel_um=0.5)
        tifffile.imwrite(folder / "field.tif", synthetic.degrade(field.pixels, 2, seed=2))
        (folder / "job.toml").write_text(JOB)
        _run(folder)
        jobs, inferences, steps = [], [], Counter[str]()
        for _ in range(rounds):
            spent, by_step = _run(folder)
            jobs.append(spent)
            steps.update(by_step)
            start = time.process_time()
            infer()
            inferences.append(time.process_time() - start)
    ratio = median(job / one for job, one in zip(jobs, inferences, strict=True))
    print(f"{'1 Mpx in torch as it comes (fp32)':<40}{median(inferences):6.2f} s")
    print(f"{'1 Mpx from job to PDF':<40}{median(jobs):6.2f} s   {ratio:.2f} x (wanted: at most {WANTED} x)")
    for step, seconds in steps.most_common():
        print(f"  {step:<38}{seconds / rounds:6.2f} s")


def _run(folder: Path) -> tuple[float, dict[str, float]]:
    """Processor time of a run in a new process, which may keep compiled modules, and of its steps. [s]"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    told = folder / "steps.json"
    command = [sys.executable, "-c", _IN_STEPS, str(told), "run", str(folder / "job.toml"), "--out", str(folder)]
    before = os.times()
    subprocess.run(command, check=True, env=environment, capture_output=True)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, json.loads(told.read_text())


if __name__ == "__main__":
    main()
