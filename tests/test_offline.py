"""With the network cable pulled everything works: sockets that reach out raise, here and in the networks' packages."""

import subprocess
import sys
from importlib.util import find_spec

import pytest
import tifffile

from inspect_tool import synthetic

CABLE_PULLED = """
import socket, sys

def refused(*args, **kwargs):
    raise RuntimeError(f"reaches for the network: {args[1:]}")

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refused)
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refused

import inspect_tool.cli as cli
sys.argv = ["inspect-tool", *sys.argv[1:]]
cli.main()
"""


def run(*arguments):
    return subprocess.run([sys.executable, "-c", CABLE_PULLED, *arguments], capture_output=True, text=True, timeout=300)


def test_the_cable_is_pulled():
    code = CABLE_PULLED.split("import inspect_tool")[0] + "socket.create_connection(('localhost', 80))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "reaches for the network" in done.stderr


@pytest.mark.parametrize(
    ("recipe", "backend", "package"),
    [
        ("grain_size", 'name = "unet"\nmodel = "grain_boundary"', "openvino"),
        ("grain_size", 'name = "unet"\nmodel = "grain_boundary"\nengine = "torch"', "torch"),
        ("porosity", 'name = "stardist"', "stardist"),
        ("porosity", 'name = "cellpose"', "cellpose"),
    ],
)
def test_a_network_measures_offline(tmp_path, recipe, backend, package):
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    if recipe == "grain_size":
        field = synthetic.grains(seed=5, grain_size_number=8, shape_px=(400, 400))
    else:
        field = synthetic.pores(seed=5, porosity_percent=4, mean_ecd_um=12, shape_px=(400, 400))
    tifffile.imwrite(tmp_path / "field.tif", field.pixels)
    job = f'recipe = "{recipe}"\nimages = ["field.tif"]\nexports = ["json", "html", "pdf"]\n[calibration]\n'
    job += f'pixel_um = {field.pixel_um}\nsource = "synthetic"\n[backend]\n{backend}\n'
    (tmp_path / "job.toml").write_text(job)
    done = run("run", str(tmp_path / "job.toml"), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert {"report.json", "report.html", "report.pdf"} <= {path.name for path in (tmp_path / "out" / "job").iterdir()}
