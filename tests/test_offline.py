"""No command asks anything of a network, looks up a name or writes outside its folders, with every engine installed.

The engines' threads, which Python does not see, and child processes are watched by the system's own trace.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path

import cv2
import pytest
import tifffile
from network_calls import watched
from signing_keys import PASSPHRASE, Chain
from workbench import free_port

import inspect_tool
from inspect_tool import synthetic
from inspect_tool.cli.commands import COMMANDS

HERE = Path(__file__).parent
pytestmark = [pytest.mark.needs("strace", "Pango"), pytest.mark.long]

ENGINES = {
    "openvino": ("grain_size", 'name = "unet"\nmodel = "grain_boundary"\nengine = "openvino"'),
    "torch": ("grain_size", 'name = "unet"\nmodel = "grain_boundary"\nengine = "torch"'),
    "stardist": ("porosity", 'name = "stardist"'),
    "cellpose": ("porosity", 'name = "cellpose"'),
}
CACHES = ("home/.cache/matplotlib", "home/.cache/fontconfig", "home/.cache/numba")  # docs/signing.md names them


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offline")
    pores = synthetic.pores(seed=5, porosity_percent=4, mean_ecd_um=12, shape_px=(256, 256))
    grains = synthetic.grains(seed=5, grain_size_number=8, shape_px=(256, 256))
    second = synthetic.pores(seed=6, porosity_percent=4, mean_ecd_um=12, shape_px=(256, 256))
    for name, field in (("porosity", pores), ("second", second), ("grain_size", grains)):
        tifffile.imwrite(folder / f"{name}.tif", field.pixels)
        cv2.imwrite(str(folder / f"{name}_mask.png"), (255 * (field.labels > 0)).astype("uint8"))

    bar = synthetic.scale_bar(pores.pixels, pixel_um=pores.pixel_um, length=100, footer_px=60, at=(0.7, 0.8))
    tifffile.imwrite(folder / "bar.tif", bar.pixels)

    def job(name, recipe, backend="", images=(), head=""):
        field = {"porosity": pores, "grain_size": grains}[recipe]
        path = folder / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f'{head}recipe = "{recipe}"\nimages = {list(images) or [f"{recipe}.tif"]}\n[calibration]\n'
            f'pixel_um = {field.pixel_um}\nsource = "synthetic"\n' + (f"[backend]\n{backend}\n" if backend else "")
        )
        return path.name

    numbers = 'exports = ["json"]\n'  # the pages are those of the first job
    job("samples/plate/job", "porosity", images=["../../porosity.tif"], head=numbers)
    chain = Chain(folder)
    (folder / "word.txt").write_text(PASSPHRASE)
    shutil.copy(HERE.parent / "docs" / "gauge_example.csv", folder / "study.csv")
    jobs = {"pores": job("pores", "porosity", images=["porosity.tif"])}
    jobs["many"] = job("many", "porosity", images=["porosity.tif", "second.tif"], head=numbers)
    jobs |= {name: job(name, *engine, head=numbers) for name, engine in ENGINES.items() if find_spec(name) is not None}
    pdf = "reports/pores/report.pdf"
    signed = ["--name", "Ada Example", "--role", "Head", "--passphrase-file", "word.txt"]
    annotated = ["--images", "porosity.tif", "second.tif", "--masks", "porosity_mask.png", "second_mask.png"]
    quick = ["--steps", "1", "--batch", "1", "--size", "64"]
    (folder / "incoming").mkdir()
    shutil.copy(folder / "porosity.tif", folder / "incoming" / "A7.tif")
    (folder / "rules.toml").write_text(
        'rest_s = 1\n[[rules]]\nfiles = "{heat}.tif"\njob = "{heat}"\ntemplate = "watched.toml"\ncount = 1\n'
    )
    (folder / "watched.toml").write_text(
        f'recipe = "porosity"\nexports = ["json"]\n[calibration]\npixel_um = {pores.pixel_um}\nsource = "synthetic"\n'
    )
    commands = {
        "list": ["list", "backends"],
        "init": ["init", "porosity"],
        "check": ["check", "pores.toml"],
        **{f"run {name}": ["run", file, "--out", "reports"] for name, file in jobs.items() if name != "many"},
        "run": ["run", "many.toml", "--out", "reports", "--workers", "2"],
        "demo": ["demo"],
        "verify": ["verify", pdf],
        "print": ["print", pdf, "--language", "de", "--out", "printed"],
        "audit": ["audit", "reports"],
        "lab": ["lab", "init", "memory"],
        "lab add": ["lab", "add", "reports", "--lab", "memory"],
        "lab search": ["lab", "search", "recipe:porosity", "--lab", "memory"],
        "batch": ["batch", "many.toml", "--lab", "memory"],
        "watch": ["watch", "incoming", "--rules", "rules.toml", "--lab", "memory", "--once"],
        "workbench": ["workbench", "memory", "--single-user", "--no-browse", "--port", str(free_port())],
        "edit": ["edit", "pores.toml", "--field", "1", "--export", "present.tif"],
        "referee": ["referee", "pores.toml", "--out", "page.html"],
        "validate": ["validate", "pores.toml", "--truth", "porosity_mask.png", "--person", "A", "--out", "own.toml"],
        "compare": ["compare", "pores.toml", "--backends", "threshold,threshold:denoise_px=3"],
        "gauge": ["gauge", "study.csv"],
        "fields": ["fields", "cut", "porosity.tif", "-r", "porosity", "-n", "4", "--side", "60", "-o", "fields"],
        "golden": ["golden", "record", "pores.toml", "--out", "gold"],
        "calibrate": ["calibrate", "bar.tif"],
        "score": ["score", "-r", "porosity", "--truth", "porosity_mask.png", "--predicted", "porosity_mask.png"],
        "selftest": ["selftest", "--quick", "--workers", "1", "-r", "porosity"],
        "train": ["train", "-r", "porosity", "-o", "model", *annotated, "-m", "pores", *quick],
        "sign": ["sign", pdf, "--key", str(chain.person("Ada Example")), *signed],
        "validate-pdf": ["validate-pdf", pdf, "--trust", "root.pem"],
        "standards": ["standards", "list"],
        "key": ["key", "new", "--name", "Ada Example", "--out", "own.p12", "--passphrase-file", "word.txt"],
    }
    return folder, commands, watched(HERE / "offline_commands.py", commands, folder)


def test_every_command_is_among_them_and_does_its_work(seen):
    _, commands, calls = seen
    assert COMMANDS.keys() == {arguments[0] for arguments in commands.values()}
    assert calls.exits == dict.fromkeys(commands, 0) | {
        name: code for name, code in calls.exits.items() if code in {3, 4}
    }, calls.said


def test_no_command_connects_sends_or_looks_up_a_name(seen):
    assert seen[2].network == []


def test_files_are_written_to_its_own_folders_and_named_caches_only(seen):
    folder, _, calls = seen
    written = {Path(folder, path).resolve() for path in calls.written if not path.startswith(("/dev/", "/proc/"))}
    written = {path for path in written if "__pycache__" not in path.parts}  # of Python, and of Numba beside the code
    assert {path for path in written if not path.is_relative_to(folder)} == set()
    home = {path for path in written if path.is_relative_to(folder / "home")}
    assert {path for path in home if not any(path.is_relative_to(folder / cache) for cache in CACHES)} == set()


def test_the_watch_sees_what_threads_and_children_do(tmp_path):
    script = tmp_path / "calls.py"
    script.write_text(
        "import socket, subprocess, sys, threading\n"
        "def look_up():\n    try: socket.getaddrinfo('example.invalid', 443)\n    except OSError: pass\n"
        "thread = threading.Thread(target=look_up); thread.start(); thread.join()\n"
        "child = \"import socket; socket.socket(socket.AF_INET6).connect_ex(('::1', 9)); open('here', 'w')\"\n"
        "subprocess.run([sys.executable, '-c', child])\n"
    )
    calls = watched(script, {}, tmp_path)
    assert any("/etc/hosts" in line for _, line in calls.network)
    assert any("AF_INET6" in line for _, line in calls.network)
    assert "here" in calls.written


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_engine_that_reports_is_imported_in_one_place(engine):
    package = Path(inspect_tool.__file__).parent
    found = [path.name for path in package.rglob("*.py") if f"import {engine}" in path.read_text(encoding="utf-8")]
    assert found == []
