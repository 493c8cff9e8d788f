"""A lab with one report of an inspection of the workbench, and people who may review it; made once and copied."""

import atexit
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import tifffile
from workbench import bench, with_people

from inspect_tool import synthetic
from inspect_tool.evidence.provenance import now
from inspect_tool.lab import run as for_lab
from inspect_tool.lab import tables, users
from inspect_tool.lab.database import connected, settings_of

JOB = (
    'recipe = "porosity"\nimages = ["a.tif"]\nexports = ["json", "html", "pdf", "csv"]\n'
    '[header]\ntitle = "Porosity of plate 7"\npart = "Plate 7"\nheat = "730218"\noperator = "Olga Muster"\n'
    '[calibration]\npixel_um = 1.0\nu_rel = 0.005\nsource = "stage micrometer"\n'
)
PEOPLE = {
    "olga": "operator",
    "anna": "analyst",
    "rolf": "reviewer",
    "rita": "reviewer",
    "mara": "manager",
    "axel": "auditor",
}


@cache
def _made() -> Path:
    folder = Path(mkdtemp())
    atexit.register(shutil.rmtree, folder)
    lab = with_people(bench(folder / "lab"), PEOPLE).lab
    home = lab.folder / "inspections" / "plate"
    home.mkdir(parents=True)
    field = synthetic.pores(seed=1, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(256, 256))
    tifffile.imwrite(home / "a.tif", field.pixels)
    (home / "job.toml").write_text(JOB)
    for_lab.run(home / "job.toml", lab, name="plate")
    return lab.folder


def a_reviewed_lab(folder):
    """Copy the lab; gives it."""
    shutil.copytree(_made(), folder)
    return settings_of(folder)


def submitted(lab, name="olga", job="inspections/plate/job.toml"):
    """Write the row that the workbench writes of an inspection."""
    with connected(lab) as connection:
        who = next(one for one in users.every(connection) if one.name == name)
        values = {"name": "plate", "job": job, "by": who.full_name, "account": who.id, "added": now()}
        connection.execute(tables.inspection.insert().values(**values))
