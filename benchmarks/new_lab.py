"""The way of who begins with a lab, by its commands: init, ten jobs, search, trend. Halfway the weights are changed.

    OMP_NUM_THREADS=1 python benchmarks/new_lab.py [--jobs 10] [--shift 1.0]

One control specimen is measured day after day by ``unet``: the same drawn pores, with a new noise in each picture. From
the sixth day on ``model`` leads to other weights (the bias of a pore is ``--shift`` higher) of the same name and
version. Exit status 1 unless ``lab trend`` calls the step one of the method, names the weights, and proves it
on the images that the lab has kept.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from typer.testing import CliRunner

import inspect_tool
from inspect_tool import synthetic
from inspect_tool.cli import app

JOB = """
recipe = "porosity"
images = ["{name}.tif"]
exports = ["json"]
scale_bar = "off"
[header]
part = "control plate"
heat = "730218"
date_of_work = "2026-11-{day:02d}"
[calibration]
pixel_um = {pixel_um}
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "unet"
model = "model"
"""
SHIPPED = Path(inspect_tool.__file__).parent / "models" / "pores"


def change_weights(folder: Path, shift: float) -> None:
    """Raise the bias of a pore in the last layer of a model, and state the new hash."""
    data = bytearray((folder / "weights.safetensors").read_bytes())
    size = int.from_bytes(data[:8], "little")
    begin, end = json.loads(data[8 : 8 + size])["head.bias"]["data_offsets"]
    here = slice(8 + size + begin, 8 + size + end)
    bias = np.frombuffer(bytes(data[here]), "<f2") + np.array([0, shift])
    data[here] = bias.astype("<f2").tobytes()
    text = (folder / "model.toml").read_text(encoding="utf-8")
    old = text.partition('sha256 = "')[2][:64]
    (folder / "weights.safetensors").write_bytes(data)
    (folder / "model.toml").write_text(text.replace(old, hashlib.sha256(data).hexdigest()), encoding="utf-8")


def said(*words: str | Path) -> str:
    """Do a command; gives what it prints."""
    print("$ inspect-tool", *words, flush=True)
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exit_code not in (0, 3):  # 3: something is to be looked at
        sys.exit(f"{done.output}{done.exception}")
    return done.output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--shift", type=float, default=1.0, help="of the bias of a pore, from the middle on")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in ("before", "after"):
            shutil.copytree(SHIPPED, name, ignore=shutil.ignore_patterns("validation.toml"))
        change_weights(Path("after"), given.shift)
        said("lab", "init", "lab")
        drawn = synthetic.pores(seed=100, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(288, 288))
        for day in range(1, given.jobs + 1):
            Path("model").unlink(missing_ok=True)
            Path("model").symlink_to("before" if day <= given.jobs // 2 else "after")
            name = f"plate_{day:02d}"
            noise = np.random.default_rng(day).normal(0, 2, drawn.pixels.shape)
            tifffile.imwrite(f"{name}.tif", np.clip(drawn.pixels + noise, 0, 255).astype(np.uint8))
            job = JOB.format(name=name, day=day, pixel_um=drawn.pixel_um)
            Path(f"{name}.toml").write_text(job, encoding="utf-8")
            said("run", f"{name}.toml", "--lab", "lab", "--keep")
        print(said("lab", "search", "recipe:porosity heat:730218", "--lab", "lab"))
        told = said("lab", "trend", "porosity_percent", 'part:"control plate"', "--lab", "lab", "--out", "trend")
        print(told)
        os.chdir("/")  # a folder that is gone is no place to be
    words = " ".join(told.split())
    sys.exit(0 if "method: weights" in words and "method proven" in words else "the change of weights was not found")


if __name__ == "__main__":
    main()
