"""The extension points, each used as CONTRIBUTING.md and docs/extending.md describe it."""

import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tifffile

from inspect_tool import plugins, registry
from inspect_tool.errors import MeasurementError, SettingsError, StandardError
from inspect_tool.files import checked, write_text
from inspect_tool.images import quality
from inspect_tool.inspection import job_plan, job_run, starter
from inspect_tool.model import Limits
from inspect_tool.report.text import pm
from inspect_tool.standards import editions
from inspect_tool.studies.selftest import selftest
from inspect_tool.synthetic.phantoms import Kit

ROOT = Path(__file__).resolve().parent.parent
SCALE = '[calibration]\npixel_um = 0.5\nu_rel = 0.004\nsource = "stage micrometer"\n'


def coating(seed, rows=40):
    """A bright layer of ``rows`` pixels between dark mount and gray metal: 20 µm at 0.5 µm per pixel."""
    pixels = np.full((160, 200), 60.0)
    pixels[60 : 60 + rows] = 220.0
    return np.clip(pixels + np.random.default_rng(seed).normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)


def job_in(folder, text, images=2):
    for i in range(images):
        tifffile.imwrite(folder / f"section_{i + 1}.tif", coating(i))
    path = folder / "job.toml"
    path.write_text(text, encoding="utf-8")
    return path


def printed_files():
    """Files that docs/extending.md shows, by the name in their first line."""
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", page, flags=re.DOTALL)
    return dict(blocks)


@pytest.fixture
def lab_tools(tmp_path, monkeypatch):
    """The package of docs/extending.md, installed as pip would: modules and the entry points of its dist-info."""
    site = tmp_path / "site"
    (site / "lab_tools").mkdir(parents=True)
    (site / "lab_tools" / "__init__.py").touch()
    for name, text in printed_files().items():
        if name.startswith("lab_tools/"):
            (site / name).write_text(text, encoding="utf-8")
    info = site / "lab_tools-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab_tools\nVersion: 1.0\n")
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    points = re.findall(r'\[project\.entry-points\."(\S+)"\]\n(\w+) = "(\S+)"', page)
    assert len(points) == 2
    (info / "entry_points.txt").write_text("".join(f"[{group}]\n{name} = {at}\n" for group, name, at in points))
    monkeypatch.syspath_prepend(site)
    yield site
    for name in [name for name in sys.modules if name.split(".")[0] == "lab_tools"]:
        monkeypatch.delitem(sys.modules, name)


def test_a_package_of_ones_own_brings_a_backend_a_recipe_and_a_standard(lab_tools, tmp_path):
    assert registry.names("backend")[-1] == "clusters"
    assert ("clusters", "Two phases by k-means of the gray levels.") in starter.listing("backends")
    job = job_in(tmp_path, printed_files()["job.toml"], images=3)
    report = job_run.run(job, tmp_path / "out")
    (thickness, thinnest) = report.results
    assert thickness.quantity == "mean_thickness_um"
    assert thickness.interval[0] <= 20.0 <= thickness.interval[1]
    assert thickness.value == pytest.approx(20.0, abs=0.1)  # 40 rows of 0.5 um were drawn
    assert thinnest.value == pytest.approx(100.0, abs=6.0)
    assert report.verdict == "pass"
    assert report.conforming
    assert report.standard.id == "LAB 12"
    assert (tmp_path / "out" / "job" / "report.pdf").is_file()
    page = (tmp_path / "out" / "job" / "report.html").read_text(encoding="utf-8")
    assert "Thinnest place over the mean [%]" in page  # the column thinnest_percent, as its WORDING titles it
    assert "3 layers" in page.replace("\N{NO-BREAK SPACE}", " ")
    text = starter.starter_job("coating")
    assert "# min_area_px2 = 50          # smaller bright spots are not the coating [px2]" in text
    assert "# blur_px = 1 " in text


def test_a_recipe_of_a_package_runs_in_worker_processes_and_gives_only_ratios_without_a_scale(lab_tools, tmp_path):
    text = printed_files()["job.toml"].split("[calibration]")[0] + 'exports = ["json"]\n'
    job = job_in(tmp_path, text + '[calibration]\nsource = "ratio only"\n', images=3)
    report = job_run.run(job, workers=2)
    assert [result.quantity for result in report.results] == ["thinnest_percent"]


def test_the_images_of_a_recipe_of_ones_own_are_judged_by_its_own_limits(lab_tools, tmp_path):
    recipe = registry.load("recipe", "coating")
    assert quality.default_limits("coating") == recipe.QUALITY
    assert quality.default_limits("coating").noise == Limits().noise  # what it does not state
    assert plugins.classes_of(recipe) == ("mount", "coating")
    for i in range(2):
        blurred = cv2.GaussianBlur(coating(i), (0, 0), 4.0)  # beyond its limit of 3 px, and not beyond the usual 5 px
        tifffile.imwrite(tmp_path / f"section_{i + 1}.tif", blurred)
    (tmp_path / "job.toml").write_text(printed_files()["job.toml"], encoding="utf-8")
    with pytest.raises(MeasurementError, match=r"section_1\.tif: .*blur"):
        job_run.run(tmp_path / "job.toml")


def test_a_recipe_of_ones_own_is_self_tested(lab_tools):
    tiny = Kit(quick=True, looks=("good",), repeats=1, fields=2, side_px=200)
    found = selftest.selftest(recipes=["coating"], kit=tiny)
    (one,) = [test for test in found.recipes if not test.refused]
    assert (one.recipe, one.phantoms, one.failed) == ("coating", 1, ())
    assert one.truths == "bright layers of 20 um between dark mount and dark metal"
    (thickness,) = found.quantities
    assert (thickness.quantity, thickness.unit, thickness.main) == ("mean_thickness_um", "um", True)
    assert thickness.points[0].truth == 20.0  # 40 rows of 0.5 um
    assert thickness.points[0].value == pytest.approx(20.0, abs=0.5)  # a pixel


@pytest.mark.parametrize("stated", [True, False])
def test_masks_of_the_user_answer_the_question_of_a_recipe_of_ones_own(lab_tools, tmp_path, stated):
    if not stated:  # MASKS is optional
        recipe = lab_tools / "lab_tools" / "coating.py"
        recipe.write_text(recipe.read_text(encoding="utf-8").replace("MASKS =", "ALL ="), encoding="utf-8")
    mask = np.zeros((160, 200), np.uint8)
    mask[60:90] = 255  # 30 rows of 0.5 um, whatever the picture shows
    for i in range(2):
        tifffile.imwrite(tmp_path / f"mask_{i}.tif", mask)
    text = printed_files()["job.toml"].replace("images", 'exports = ["json"]\nimages')
    job = job_in(tmp_path, text + '[backend]\nname = "labels"\nmasks = ["mask_*.tif"]\n')
    assert job_run.run(job).results[0].value == pytest.approx(15.0)


def test_an_unknown_plug_in_is_named_with_those_there_are(lab_tools):
    with pytest.raises(SettingsError, match=r"unknown backend 'cluster'; there are: threshold.*clusters"):
        registry.load("backend", "cluster")


def test_a_copied_edition_beside_the_job_is_followed(tmp_path):
    text = (ROOT / "standards" / "areal_porosity_2026.toml").read_text(encoding="utf-8")
    text = text.replace('edition = "2026"', 'edition = "2027 draft"').replace("limit = 5.0", "limit = 2.0", 1)
    (tmp_path / "my_method_2027.toml").write_text(text, encoding="utf-8")
    job = (
        'recipe = "porosity"\nstandard = "my_method_2027.toml"\nimages = ["section_*.tif"]\nexports = ["json"]\n'
        + SCALE
    )
    report = job_run.run(job_in(tmp_path, job + '[backend]\nname = "threshold"\nphase = "bright"\n'))
    assert report.standard.edition == "2027 draft"
    (rule,) = [check for check in report.checks if check.name == "Fields of a section"]
    assert rule.limit == 2
    assert rule.passed
    with pytest.raises(StandardError, match=r"unknown standard '.*my_method.toml'; there are: "):
        job_plan.plan(job_in(tmp_path, job.replace("my_method_2027", "my_method")))


def test_an_exporter_of_ones_own_writes_its_file_where_a_job_asks_for_it(tmp_path, monkeypatch):
    def write(report, folder, template):
        rows = [f"| {one.title} | {pm(one.value, one.expanded_u, one.unit)} |" for one in report.results[:1]]
        write_text(folder / "report.md", "\n".join(rows))
        return folder / "report.md"

    monkeypatch.setattr(registry, "_ADDED", {})
    registry.register("exporter", "md", SimpleNamespace(SUFFIX=".md", write=write))
    job = f'recipe = "porosity"\nimages = ["section_*.tif"]\nexports = ["json", "md"]\n{SCALE}'
    report = job_run.run(job_in(tmp_path, job + '[backend]\nname = "threshold"\nphase = "bright"\n'), tmp_path / "out")
    share = report.results[0]
    (row,) = (tmp_path / "out" / "job" / "report.md").read_text(encoding="utf-8").splitlines()
    assert row == f"| {share.title} | {pm(share.value, share.expanded_u, '%')} |"
    assert share.quantity == "porosity_percent"
    assert share.value == pytest.approx(25.0, abs=0.5)  # 40 of 160 rows are drawn bright
    assert "there are json, html, pdf, csv, xlsx, docx, png, lims, md" in starter.starter_job("porosity")


@pytest.fixture
def our_template(tmp_path):
    """The shipped folder, copied, with the changes a laboratory makes."""
    folder = tmp_path / "our_template"
    shutil.copytree(ROOT / "templates" / "inspection", folder)
    settings = (folder / "template.toml").read_text(encoding="utf-8")
    for old, new in {
        'accent = "#0b4f6c"': 'accent = "#7a1f2b"',
        'logo = ""': 'logo = "logo.svg"',
        'footer = ""': 'footer = "Accredited testing laboratory 0000-00"',
        '"summary", "identification", "method",': '"signature", "summary",',
    }.items():
        assert old in settings
        settings = settings.replace(old, new)
    (folder / "template.toml").write_text(settings, encoding="utf-8")
    (folder / "logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>OURS</title></svg>'
    )
    block = '<section class="signature"><p>Signed: {{ report.header.operator }}</p></section>\n'
    (folder / "blocks" / "signature.html.j2").write_text(block)
    return folder


def job_with_template(folder, exports='["html"]'):
    text = f'recipe = "phase_fraction"\nimages = ["section_*.tif"]\ntemplate = "our_template"\nexports = {exports}\n'
    return job_in(folder, text + SCALE + '[header]\noperator = "P. Nowak"\n', images=1)


def test_a_copied_template_changes_logo_colors_texts_and_blocks(our_template, tmp_path):
    import base64

    job_run.run(job_with_template(tmp_path, '["html", "pdf"]'), tmp_path / "out")
    page = (tmp_path / "out" / "job" / "report.html").read_text(encoding="utf-8")
    assert "--accent: #7a1f2b" in page
    assert "Accredited testing laboratory 0000-00" in page
    assert base64.b64encode((our_template / "logo.svg").read_bytes()).decode() in page
    assert page.index("Signed: P. Nowak") < page.index("<h1>")
    assert "<h2>Identification</h2>" not in page
    if shutil.which("pdftotext"):
        pdf = tmp_path / "out" / "job" / "report.pdf"
        printed = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout
        assert "Signed: P. Nowak" in printed
        assert "Accredited testing laboratory 0000-00" in printed


def test_a_template_needs_only_what_it_changes(tmp_path):
    (tmp_path / "our_template").mkdir()
    (tmp_path / "our_template" / "template.toml").write_text('[colors]\naccent = "#123456"\n')
    job_run.run(job_with_template(tmp_path), tmp_path / "out")
    page = (tmp_path / "out" / "job" / "report.html").read_text(encoding="utf-8")
    assert "--accent: #123456" in page
    assert "<h2>Identification</h2>" in page


PLUGINS = [(kind, name) for kind in ("recipe", "backend") for name in registry.names(kind)]


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_every_setting_has_a_comment_that_the_starter_job_can_show(kind, name):
    settings = registry.load(kind, name).Settings
    says = starter.documented(settings)
    assert [item.name for item in fields(settings) if not says.get(item.name)] == []
    assert checked(settings, {}, "defaults") == settings()


def test_every_edition_is_named_by_a_recipe():
    named = {
        name for recipe in registry.names("recipe") for name in editions.names_for(registry.load("recipe", recipe))
    }
    beside = {  # the edition of the job: read by grain_size and by particles
        "astm_e930_2018",
        "astm_e1181_2002",
        "iso_9276_2_2014",
        "iso_9276_6_2008",
    }
    by_studies = {"aiag_msa_2010", "type_1_study_2026"}  # of the gauge, not of a specimen
    assert set(editions.names()) == named | beside | by_studies
