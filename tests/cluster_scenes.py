"""Fields for tests of a cluster, and what happens to whoever measures them."""

import os
import signal
import time
from pathlib import Path

import numpy as np
from PIL import Image

JOB = """
recipe = "porosity"
images = ["field_*.png"]
exports = ["json", "csv"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "{backend}"
"""


def draw(folder: Path, fields: int = 3, backend: str = "threshold") -> Path:
    """Write a job with its images, pores that differ from field to field; gives its path."""
    rng = np.random.default_rng(2)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, fields + 1):
        pixels = np.full((128, 128), 200.0)
        for row, column in zip(range(8, 120, 28), rng.permutation(range(8, 120, 28)), strict=True):
            pixels[row : row + 10 + number % 7, column : column + 13] = 60
        pixels += rng.normal(0, 3, pixels.shape)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"field_{number:04d}.png")
    (folder / "job.toml").write_text(JOB.format(backend=backend), encoding="utf-8")
    return folder / "job.toml"


def deadly(planned, index, folder, *more):
    """Measure a field; one that is named in the file ``ends`` beside the job ends whoever measures it, so many times.

    It is killed in the middle of writing a picture. Every begin is told to the file ``begun``.
    """
    from inspect_tool.inspection import field_record

    home = planned.path.parent
    name = planned.sources[index if len(planned.sources) > 1 else 0].name
    ends = dict(line.split() for line in (home / "ends").read_text(encoding="utf-8").splitlines())
    with (home / "begun").open("a", encoding="utf-8") as file:
        file.write(f"{name}\n")
    if (home / "begun").read_text(encoding="utf-8").split().count(name) <= int(ends.get(name, 0)):
        (folder / "evidence").mkdir(exist_ok=True)
        (folder / "evidence" / "half.png").write_bytes(b"half of a pict")
        time.sleep(1)  # the nanny of a worker that ends as soon as it has begun does not begin another one
        os.kill(os.getpid(), signal.SIGKILL)
    return field_record._measured_or_refused(planned, index, folder, *more)


def unanswered(planned, *more):
    """Never measure a field, and tell of it in the file ``asked`` beside the job."""
    (planned.path.parent / "asked").touch()
    time.sleep(60)


if __name__ == "__main__":  # a scheduler and its worker, in a process that can be killed
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0"
    ) as local:
        print(local.scheduler_address, flush=True)
        time.sleep(120)
