"""An inspection of a lab, measured: as the workbench makes it, without its pages."""

import numpy as np
from PIL import Image

from inspect_tool import synthetic
from inspect_tool.evidence.provenance import now
from inspect_tool.inspection import job_run
from inspect_tool.lab import index, tables
from inspect_tool.lab.database import connected
from inspect_tool.pixels import png

SHAPE = (160, 240)
GRAIN = 40  # px: the field is a board of 4 x 6 grains

GRAINS = """
recipe = "grain_size"
images = ["images/f1.png", "images/f2.png"]
exports = ["json"]
[calibration]
pixel_um = 1.0
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "labels"
kind = "labels"
masks = ["images/m1.tif", "images/m2.tif"]
"""

PORES = """
recipe = "phase_fraction"
images = ["images/f1.png"]
exports = ["json"]
[calibration]
pixel_um = 1.0
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
method = "fixed"
levels = [128.0]
classes = ["steel", "pore"]
phase = "dark"
"""


JOINTS = """
recipe = "solder_voids"
modality = "xray"
images = ["images/f1.png"]
exports = ["json"]
[calibration]
source = "ratio only"
[backend]
name = "joints"
"""


def board():
    """Numbers of square grains."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] // GRAIN
    return (rows * (SHAPE[1] // GRAIN) + columns + 1).astype(np.int32)


def grains(lab, name="steel"):
    """An inspection of two fields of square grains, whose labels are exactly known."""
    labels = board()
    edge = (np.mgrid[: SHAPE[0], : SHAPE[1]] % GRAIN == 0).any(axis=0)
    folder = _folder(lab, name)
    for i in (1, 2):
        _gray(folder / f"f{i}.png", np.where(edge, 70.0, 190.0), i)
        (folder / f"m{i}.tif").write_bytes(png.encode(labels))
    return _measured(lab, name, GRAINS)


def pores(lab, name="sinter"):
    """An inspection of one field with three dark disks."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    dark = np.zeros(SHAPE, bool)
    for row, column, radius in ((40, 50, 15), (90, 150, 25), (120, 40, 10)):
        dark |= (rows - row) ** 2 + (columns - column) ** 2 < radius**2
    _gray(_folder(lab, name) / "f1.png", np.where(dark, 60.0, 190.0), 1)
    return _measured(lab, name, PORES)


def joints(lab, name="board"):
    """An inspection of an X-ray image of two solder balls, one of them with a void in its middle; gives the truth."""
    drawn = synthetic.solder_balls(
        seed=1, rows=1, columns=2, voids=[[(0.0, 0.0, 180.0)], []], vias=False, traces=False, void_edge=0.0
    )
    Image.fromarray(drawn.pixels).save(_folder(lab, name) / "f1.png")
    _measured(lab, name, JOINTS)
    return drawn


def again(lab, name):
    """Measure an inspection as a worker of the queue does."""
    job_run.run(lab.folder / "inspections" / name / "job.toml", lab.reports, name=name)
    index.add(lab, lab.reports / name)


def _folder(lab, name):
    folder = lab.folder / "inspections" / name / "images"
    folder.mkdir(parents=True)
    return folder


def _gray(path, gray, seed):
    noisy = gray + np.random.default_rng(seed).normal(0, 5, gray.shape)
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path)


def _measured(lab, name, job):
    path = lab.folder / "inspections" / name / "job.toml"
    path.write_text(job, encoding="utf-8")
    again(lab, name)
    with connected(lab) as connection:
        row = {"name": name, "title": name, "recipe": "", "job": f"inspections/{name}/job.toml", "by": "Olga Muster"}
        connection.execute(tables.inspection.insert().values(added=now(), **row))
    return path
