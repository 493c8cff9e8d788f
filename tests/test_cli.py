import json
import os
import re
import subprocess
import sys
import zipfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pypdf
import pytest
import tifffile
import typer
from typer.testing import CliRunner

from inspect_tool import registry, synthetic
from inspect_tool.cli import app
from inspect_tool.cli.commands import COMMANDS
from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.files import load_report, report_schema
from inspect_tool.inspection import job_run
from inspect_tool.lab import database, find, inspections
from inspect_tool.paths import data_folder
from inspect_tool.report.render import render

ROOT = Path(__file__).resolve().parent.parent


def tool(*arguments, cwd=None, python=sys.executable, **environment):
    return subprocess.run(
        [python, "-m", "inspect_tool", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=300,
    )


WITHOUT_PANGO = """
import sys
from pathlib import Path
from inspect_tool import cli, paths
samples, shipped = Path("samples"), paths.data_folder
paths.data_folder = lambda name: samples if name == "samples" else shipped(name)
sys.path.insert(0, "lacking")
sys.argv = ["inspect-tool", "demo", "--out", "out"]
cli.main()
"""


def test_without_pango_the_demo_writes_the_other_files_and_ends_with_how_to_get_it(tmp_path):
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "weasyprint.py").write_text(
        "print('-----')\nraise OSError('no libpango')", encoding="utf-8"
    )
    (tmp_path / "samples" / "plate").mkdir(parents=True)
    field = synthetic.pores(seed=1, porosity_percent=12.0, mean_ecd_um=12.0, shape_px=(400, 400))
    tifffile.imwrite(tmp_path / "samples" / "plate" / "a.tif", field.pixels)
    (tmp_path / "samples" / "plate" / "job.toml").write_text(
        'recipe = "porosity"\nimages = ["a.tif"]\n[calibration]\npixel_um = 1.0\nsource = "stage micrometer"\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANGO], capture_output=True, text=True, cwd=tmp_path, timeout=300
    )
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (tmp_path / "out" / "plate").iterdir()}
    assert written >= {"report.json", "report.html", "features.csv"}
    assert "report.pdf" not in written
    assert str(Path("out", "plate", "report.html")) in done.stdout
    assert "-----" not in done.stdout + done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("no report.pdf was written: WeasyPrint needs the Pango library")


@pytest.mark.long
@pytest.mark.needs("Pango")
def test_the_demo_writes_whole_reports_of_all_samples(demo):
    out, done = demo
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "banding",
        "confluence",
        "decarburisation",
        "fibres",
        "grain_size",
        "graphite",
        "inclusions",
        "lab",
        "layer_thickness",
        "particles",
        "phase_fraction",
        "porosity",
        "solder_voids",
    ]
    for folder in sorted(set(out.iterdir()) - {out / "lab"}):
        names = {path.name for path in folder.iterdir()}
        assert {"report.json", "report.html", "report.pdf", "features.csv", "fields.csv", "overlays"} <= names
        assert str(folder / "report.pdf") in done.stdout.replace("\n", "")


_WORD = r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*?)</word>'  # [pt]


@pytest.mark.long
@pytest.mark.needs("Pango", "poppler")
@pytest.mark.parametrize(
    "recipe",
    [
        "confluence",
        "decarburisation",
        "fibres",
        "grain_size",
        "graphite",
        "inclusions",
        "layer_thickness",
        "particles",
        "phase_fraction",
        "porosity",
    ],
)  # the labels of joints under a chart still meet
def test_no_word_of_a_page_runs_into_another(demo, recipe):
    found = subprocess.run(
        ["pdftotext", "-bbox", demo[0] / recipe / "report.pdf", "-"], capture_output=True, text=True, check=True
    )
    pages = [
        [(*map(float, edges), word) for *edges, word in re.findall(_WORD, page)]
        for page in found.stdout.split("<page ")[1:]
    ]
    assert len(pages) > 1
    meet = [
        (number, one[4], other[4])
        for number, words in enumerate(pages, start=1)
        for one, other in combinations(words, 2)
        if min(one[2], other[2]) - max(one[0], other[0]) > 0.5
        and min(one[3], other[3]) - max(one[1], other[1]) > 0.6 * min(one[3] - one[1], other[3] - other[1])
    ]
    assert meet == []


def test_a_demo_of_a_recipe_without_a_sample_is_refused():
    known = ", ".join(sorted(registry.names("recipe")))
    said = rf"no sample of 'porositi'; there are: {known}; did you"
    with pytest.raises(SettingsError, match=said):
        CliRunner().invoke(app, ["demo", "porositi"], catch_exceptions=False)


@pytest.mark.long
def test_report_json_has_the_top_keys_and_fulfills_its_schema(demo):
    import jsonschema

    out, _ = demo
    schema = report_schema()
    judge = jsonschema.validators.validator_for(schema)
    judge.check_schema(schema)
    for folder in sorted(set(out.iterdir()) - {out / "lab"}):
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        assert {"schema", "header", "micrographs", "results", "checks", "conformities", "provenance"} <= set(report)
        judge(schema).validate(report)
        for result in report["results"]:
            assert {"quantity", "specimen", "value", "unit", "u", "expanded_u", "coverage", "interval", "n"} <= set(
                result
            )
            assert {"clause", "definition", "budget"} <= set(result)


@pytest.mark.long
@pytest.mark.needs("Pango")
def test_the_demo_leaves_a_lab_for_the_workbench_whose_inspections_are_done(demo):
    out, done = demo
    assert f"inspect-tool workbench {out / 'lab'}\n" in done.stdout
    lab = database.open_lab(out / "lab")
    with database.connected(lab, read_only=True) as connection:
        made = inspections.listed(lab, connection)
        assert {one.name for one in made} == set(registry.names("recipe"))
        for one in made:
            assert one.state == "done"
            assert find.show(lab, connection, one.report).state == "unchanged"
    assert (lab.reports / "porosity" / "report.json").read_bytes() == (out / "porosity" / "report.json").read_bytes()
    check = tool("check", lab.folder / "inspections" / "grain_size" / "job.toml")
    assert check.returncode == 0, check.stderr


def test_many_workers_give_the_same_numbers(tmp_path):
    for seed in (1, 2, 3):
        field = synthetic.pores(seed=seed, porosity_percent=5.0, mean_ecd_um=12.0, shape_px=(300, 300))
        tifffile.imwrite(tmp_path / f"{seed}.tif", field.pixels)
    job = tmp_path / "job.toml"
    job.write_text(
        'recipe = "porosity"\nimages = ["*.tif"]\nexports = ["json"]\n'
        '[calibration]\npixel_um = 1.0\nu_rel = 0.005\nsource = "stage micrometer"\n'
        '[[requirements]]\nquantity = "porosity_percent"\nunit = "%"\nupper = 99\nsource = "drawing"\n'
    )
    two, one = tmp_path / "two", tmp_path / "one"
    asked = ["run", str(job), "--out", str(two), "--workers", "2", "--quiet"]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == done.stderr == ""
    job_run.run(job, one)
    of_one, of_two = (json.loads((out / "job" / "report.json").read_text(encoding="utf-8")) for out in (one, two))
    for key in ("results", "checks", "conformities", "fields", "features"):
        assert of_one[key] == of_two[key] != []


@pytest.mark.parametrize(("limit", "status"), [("upper = 0.001", 3), ("upper = 99", 0)])
def test_exit_status_tells_the_verdict(tmp_path, limit, status):
    # many pores, so that one field is enough to tell 12 % from nothing
    field = synthetic.pores(seed=1, porosity_percent=12.0, mean_ecd_um=12.0, shape_px=(400, 400))
    tifffile.imwrite(tmp_path / "a.tif", field.pixels)
    job = tmp_path / "mine.toml"
    job.write_text(
        'recipe = "porosity"\nimages = ["a.tif"]\nexports = ["json"]\n'
        '[calibration]\npixel_um = 1.0\nu_rel = 0.005\nsource = "stage micrometer"\n'
        f'[[requirements]]\nquantity = "porosity_percent"\nunit = "%"\n{limit}\nrule = "simple"\nsource = "drawing"\n'
    )
    done = CliRunner().invoke(app, ["run", str(job), "--out", str(tmp_path / "out"), "--json"], catch_exceptions=False)
    assert done.exit_code == status, done.stderr
    printed = json.loads(done.stdout)
    assert printed[0]["verdict"] == {0: "pass", 3: "fail"}[status]


def test_the_printed_table_gives_a_verdict_to_the_job_and_to_what_is_required_alone(tmp_path):
    field = synthetic.pores(seed=1, porosity_percent=12.0, mean_ecd_um=12.0, shape_px=(400, 400))
    tifffile.imwrite(tmp_path / "a.tif", field.pixels)
    job = tmp_path / "mine.toml"
    asked = ('[[requirements]]\nquantity = "{}"\nunit = "{}"\nupper = {}\nrule = "simple"\nsource = "drawing"\n').format
    job.write_text(
        'recipe = "porosity"\nimages = ["a.tif"]\nexports = ["json"]\n'
        '[calibration]\npixel_um = 1.0\nu_rel = 0.005\nsource = "stage micrometer"\n'
        + asked("porosity_percent", "%", 99)
        + asked("mean_pore_ecd_um", "um", 1)
    )
    printed = CliRunner().invoke(app, ["run", str(job), "--out", str(tmp_path)], catch_exceptions=False).stdout
    verdicts = {
        cells[2].split(":")[0].strip(): cells[3].strip()
        for line in printed.splitlines()
        if len(cells := line.strip("│").split("│")) == 5
    }
    assert verdicts == {
        "Porosity": "fail",
        "Porosity (areal)": "pass",
        "Mean pore diameter (ECD, by number)": "fail",
        "Largest pore observed (largest Feret)": "",
    }


@pytest.mark.parametrize("recipe", registry.names("recipe"))
def test_a_starter_job_runs_on_an_own_image_once_the_scale_is_in(tmp_path, recipe):
    made = {
        "grain_size": lambda: synthetic.grains(seed=3, grain_size_number=7.0, shape_px=(500, 600)),
        "phase_fraction": lambda: synthetic.two_phase(seed=3, area_percent=30.0, feature_um=12.0, shape_px=(400, 400)),
        "porosity": lambda: synthetic.pores(seed=3, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(400, 400)),
        "solder_voids": lambda: synthetic.solder_balls(seed=3),
        "confluence": lambda: synthetic.culture(seed=3, area_percent=50.0, shape_px=(400, 400)),
        "graphite": lambda: synthetic.graphite(
            seed=3, nodularity_percent=80.0, median_um=40.0, shape_px=(400, 400), pixel_um=1.0
        ),
        "inclusions": lambda: synthetic.inclusions(seed=3, shape_px=(400, 400)),
        "banding": lambda: synthetic.bands(
            seed=3, area_percent=35.0, spacing_um=30.0, anisotropy=3.0, shape_px=(400, 400), pixel_um=1.0
        ),
        "decarburisation": lambda: synthetic.decarburised(
            seed=3, total_um=80.0, complete_um=20.0, shape_px=(400, 400), pixel_um=1.0
        ),
        "layer_thickness": lambda: synthetic.layer(seed=3, thickness_um=40.0, shape_px=(400, 400), pixel_um=1.0),
        "particles": lambda: synthetic.powder(
            seed=3, area_percent=15.0, median_ecd_um=18.0, shape_px=(400, 400), pixel_um=1.0
        ),
        "fibres": lambda: synthetic.fibers(
            seed=3, fiber_percent=55.0, diameter_um=22.0, shape_px=(400, 400), pixel_um=1.0
        ),
    }[recipe]()
    tifffile.imwrite(tmp_path / "field_1.tif", made.pixels)
    job = tmp_path / "job.toml"
    assert CliRunner().invoke(app, ["init", recipe, "--out", str(job)]).exit_code == 0
    text = job.read_text(encoding="utf-8")
    with pytest.raises(InspectError, match="pixel_um = 0"):  # the placeholder scale is refused
        job_run.check(job)
    # what all pages cost is paid once; the demo prints those of every recipe
    asked = "" if recipe == "porosity" else 'exports = ["json", "html"]\n'
    job.write_text(asked + text.replace("pixel_um = 0.0 ", "pixel_um = 1.0 "), encoding="utf-8")
    job_run.check(job)
    done = CliRunner().invoke(app, ["run", str(job), "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    folder = tmp_path / "out" / "job"
    if asked:
        from inspect_tool.report.exporters.pdf import print_page

        report = load_report(folder / "report.json")
        certificate = render(report, folder, data_folder("templates") / "inspection", "print", part="certificate")
        print_page(certificate, folder / "certificate.pdf", data_folder("templates") / "inspection", report.id, ())
        assert len(pypdf.PdfReader(folder / "certificate.pdf").pages) == 2  # with nothing stated, too
    else:
        assert pypdf.PdfReader(folder / "report.pdf").pages[2].extract_text().startswith("Annex to")
    assert "rule of the method not met" in done.stdout or recipe in ("solder_voids", "particles", "layer_thickness")


def test_init_leaves_a_file_that_exists_and_names_the_next_steps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ["init", "porosity", "--out", "our job.toml"]
    first = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert first.exit_code == 0, first.stderr
    assert first.stdout.splitlines()[1:] == [
        '  inspect-tool check "our job.toml"',
        '  inspect-tool run "our job.toml" --out reports',
    ]
    (tmp_path / "our job.toml").write_text("mine")
    again = tool(*asked, cwd=tmp_path)
    assert again.returncode == 2
    assert "exists already and is left as it is" in again.stderr
    assert (tmp_path / "our job.toml").read_text() == "mine"


@pytest.mark.parametrize("recipe", registry.names("recipe"))
def test_every_commented_setting_of_a_starter_job_is_a_setting(tmp_path, recipe):
    """Uncomment each line of [settings] in turn: the key and its default must be accepted."""
    import tomllib

    from inspect_tool.files import checked
    from inspect_tool.inspection.starter import starter_job

    text = starter_job(recipe)
    tomllib.loads(text)
    block = text.split("[settings]\n")[1].split("\n\n")[0]
    module = registry.load("recipe", recipe)
    lines = [line[2:] for line in block.splitlines() if "=   # not set" not in line]
    assert checked(module.Settings, tomllib.loads("\n".join(lines)), "starter") == module.Settings()


@pytest.mark.parametrize(
    "kind", ["recipes", "backends", "standards", "readers", "exporters", "templates", "quantities", "units"]
)
def test_list_names_what_there_is(kind):
    done = CliRunner().invoke(app, ["list", kind])
    assert done.exit_code == 0, done.stderr
    assert len(done.stdout.splitlines()) >= (1 if kind == "templates" else 2)


def test_a_kind_that_there_is_not_is_refused():
    wrong = tool("list", "miracles")
    assert wrong.returncode == 2
    assert "unknown kind 'miracles'" in wrong.stderr


def test_without_a_command_the_first_steps_are_told_and_each_is_a_command():
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0
    steps = re.findall(r"^  inspect-tool (\w+)", done.stdout, re.MULTILINE)
    assert steps == ["demo", "init", "check", "run"]
    for step in steps:
        assert CliRunner().invoke(app, [step, "--help"]).exit_code == 0


def test_the_list_of_commands_says_of_each_what_its_own_help_begins_with():
    for name, command in typer.main.get_command(app).commands.items():
        first = command.help.replace("\b", "").split("\n\n")[0]
        assert COMMANDS[name].says == " ".join(first.split()), name


def test_help_loads_no_heavy_package_and_no_command():
    script = (
        "import sys\nsys.argv = ['inspect-tool', '--help']\n"
        "import inspect_tool.cli as cli\n"
        "try: cli.main()\nexcept SystemExit: pass\n"
        "heavy = ('torch', 'pandas', 'matplotlib', 'numpy', 'cv2', 'weasyprint', 'sqlalchemy', 'alembic', 'ruptures')\n"
        "commands = {f'inspect_tool.cli.{one.place.split(chr(58))[0]}' for one in cli.commands.COMMANDS.values()}\n"
        "print([name for name in (*heavy, *commands) if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_console_without_mu_does_not_stop_a_run(tmp_path):
    done = tool("list", "units", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.needs("Pango")
def test_the_demo_is_that_of_the_built_wheel_which_holds_the_package_alone(installed, demo):
    (wheel,), site = installed.glob("*.whl"), installed / "site"
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(("tests", "samples", "docs"))]
    shows = [sys.executable, "-c", "import inspect_tool; print(inspect_tool.__file__)"]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    where = subprocess.run(
        shows, cwd=installed / "elsewhere", capture_output=True, text=True, check=True, env=environment
    )
    assert where.stdout.startswith(str(site))
    out, done = demo
    assert done.returncode == 0, done.stderr
    assert len(list(out.glob("*/report.json"))) == len(registry.names("recipe"))


def test_a_bug_ends_with_a_traceback_and_status_1(tmp_path):
    script = (
        "import sys, inspect_tool.inspection.job_run as p, inspect_tool.cli as cli\n"
        "def broken(*a, **k): raise ZeroDivisionError('ours')\n"
        "p.run = broken\nsys.argv = ['inspect-tool', 'run', 'x.toml']\ncli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_gray_levels_are_untouched_by_the_run(tmp_path):
    field = synthetic.pores(seed=1, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(128, 128))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, field.pixels)
    before = path.read_bytes()
    from inspect_tool import read

    micrograph = read(path, pixel_um=1.0)
    assert np.array_equal(micrograph.pixels, field.pixels)
    with pytest.raises(ValueError, match="read-only"):
        micrograph.pixels[0, 0] = 1
    assert path.read_bytes() == before
