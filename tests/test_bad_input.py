"""What users get wrong: one line that says where, what was found and what to do; exit 2; nothing half-written."""

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from inspect_tool import cli
from inspect_tool.errors import SettingsError
from inspect_tool.files import load_report
from inspect_tool.inspection.job_run import run

JOB = """
recipe = "{recipe}"
images = ["field_*.tif"]
exports = ["json", "csv"]
[calibration]
pixel_um = 0.5
u_rel = 0.005
source = "stage micrometer"
certificate = "C-1"
valid_until = 2099-01-01
"""


def disks(seed=0, shape=(200, 240)):
    """Dark disks on a bright, slightly noisy ground."""
    rng = np.random.default_rng(seed)
    pixels = np.full(shape, 200, np.uint8)
    for row, column in rng.integers(20, min(shape) - 20, (12, 2)):
        cv2.circle(pixels, (int(column), int(row)), 9, 60, -1, cv2.LINE_AA)
    return np.clip(cv2.GaussianBlur(pixels, (0, 0), 1) + rng.normal(0, 3, shape), 0, 255).astype(np.uint8)


def write_job(folder: Path, recipe="phase_fraction", more="", fields=2) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(fields):
        tifffile.imwrite(folder / f"field_{i + 1}.tif", disks(i))
    path = folder / "job.toml"
    path.write_text(JOB.format(recipe=recipe) + more, encoding="utf-8")
    return path


def tool(*arguments):
    """The command line in this process: what the console would show, and the exit status."""
    stdout, stderr = StringIO(), StringIO()
    with (
        mock.patch.object(sys, "argv", ["inspect-tool", *map(str, arguments)]),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main()
    return SimpleNamespace(returncode=ended.value.code or 0, stdout=stdout.getvalue(), stderr=stderr.getvalue())


def console(*arguments):
    """The command line as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "inspect_tool", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def refused(job: Path, out: Path, start=tool):
    """Run the job, assert exit 2 and one line, no folder left behind; return the line."""
    done = start("run", job, "--out", out, "--quiet")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert not out.exists() or list(out.iterdir()) == []
    return lines[0]


def replace_text(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def missing(job):
    replace_text(job, "field_*.tif", "field_9.tif")


def empty(job):
    (job.parent / "field_1.tif").write_bytes(b"")


def truncated(job):
    path = job.parent / "field_1.tif"
    path.write_bytes(path.read_bytes()[:20_000])


def not_an_image(job):
    (job.parent / "field_1.tif").write_text("this is a letter to the customer\n" * 50)


def bomb(job):
    header = tifffile.imread(job.parent / "field_1.tif")[:8, :8]
    path = job.parent / "field_1.tif"
    tifffile.imwrite(path, header)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        for name in ("ImageWidth", "ImageLength"):
            tag = tif.pages[0].tags[name]
            size = 2 if tag.dtype == 3 else 4
            data[tag.valueoffset : tag.valueoffset + size] = (60_000).to_bytes(size, "little")
    path.write_bytes(data)


def nan_image(job):
    pixels = np.full((64, 64), np.nan, np.float32)
    tifffile.imwrite(job.parent / "field_1.tif", pixels)


def constant(job):
    tifffile.imwrite(job.parent / "field_1.tif", np.full((64, 64), 7, np.uint8))


def wrong_key(job):
    replace_text(job, "exports", "export")


def wrong_type(job):
    replace_text(job, "pixel_um = 0.5", 'pixel_um = "half"')


def negative_scale(job):
    replace_text(job, "pixel_um = 0.5", "pixel_um = -0.5")


def not_toml(job):
    replace_text(job, "[calibration]", "[calibration")


def unknown_recipe(job):
    replace_text(job, "phase_fraction", "phase_friction")


def unknown_backend(job):
    job.write_text(job.read_text() + '[backend]\nname = "magic"\n')


def unknown_standard(job):
    replace_text(job, "exports", 'standard = "astm_e9999"\nexports')


def unknown_setting(job):
    job.write_text(job.read_text() + "[settings]\nmagic = 1\n")


def no_match(job):
    replace_text(job, "field_*.tif", "feild_*.tif")


def twice(job):
    (job.parent / "field_3.tif").write_bytes((job.parent / "field_1.tif").read_bytes())


def no_scale(job):
    text = job.read_text()
    job.write_text(text[: text.index("[calibration]")])


def expired_toml_date(job):
    replace_text(job, "2099-01-01", '"next year"')


def mask_of_another_size(job):
    for i in (1, 2):
        Image.fromarray((disks()[:100] < 128).astype(np.uint8) * 255).save(job.parent / f"mask_{i}.png")
    job.write_text(job.read_text() + '[backend]\nname = "labels"\nmasks = ["mask_*.png"]\n')


def too_few_masks(job):
    Image.fromarray((disks() < 128).astype(np.uint8) * 255).save(job.parent / "mask_1.png")
    job.write_text(job.read_text() + '[backend]\nname = "labels"\nmasks = ["mask_*.png"]\n')


def region_outside(job):
    job.write_text(job.read_text() + "[region]\nrectangle = [0, 0, 5000, 5000]\n")


def unknown_quantity(job):
    job.write_text(job.read_text() + '[[requirements]]\nquantity = "grain_size_number"\nlower = 5\n')


def requirement_without_limit(job):
    job.write_text(job.read_text() + '[[requirements]]\nquantity = "area_percent.dark"\nunit = "%"\n')


def wrong_unit(job):
    job.write_text(job.read_text() + '[[requirements]]\nquantity = "area_percent.dark"\nunit = "mm"\nupper = 3\n')


def unknown_template(job):
    replace_text(job, "exports", 'template = "glossy"\nexports')


def images_and_specimens(job):
    job.write_text(job.read_text() + '[[specimens]]\nid = "A"\nimages = ["field_1.tif"]\n')


def template(job, name, text):
    folder = job.parent / "ours" / "blocks"
    folder.mkdir(parents=True)
    (folder.parent / "template.toml").write_text('blocks = ["summary", "signature"]\n')
    (folder / name).write_text(text)
    replace_text(job, 'exports = ["json", "csv"]', 'template = "ours"\nexports = ["html"]')


def template_with_a_missing_value(job):
    template(job, "signature.html.j2", "<p>Signed:\n{{ report.header.signed_by }}</p>\n")


def template_with_a_syntax_error(job):
    template(job, "signature.html.j2", "<p>Signed:\n\n{% if report.verdict %</p>\n")


def template_without_a_named_block(job):
    template(job, "signatures.html.j2", "<p></p>\n")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (missing, "field_9.tif' does not exist"),
        (empty, "field_1.tif: "),
        (truncated, "field_1.tif: "),
        (not_an_image, "field_1.tif: "),
        (bomb, "field_1.tif: "),
        (nan_image, "field_1.tif: "),
        (constant, "field_1.tif: "),
        (wrong_key, "export: unknown key"),
        (wrong_type, "calibration.pixel_um: got 'half'"),
        (negative_scale, "pixel_um"),
        (not_toml, "not valid TOML"),
        (unknown_recipe, "unknown recipe 'phase_friction'; there are: grain_size"),
        (unknown_backend, "unknown backend 'magic'; there are: threshold"),
        (unknown_standard, "standard: 'astm_e9999' is not for recipe phase_fraction"),
        (unknown_setting, "settings.magic: unknown key"),
        (no_match, "'feild_*.tif' matches no file"),
        (twice, "field_3.tif is the same picture as field_1.tif"),
        (no_scale, "pixel_um"),
        (expired_toml_date, "calibration.valid_until: got 'next year'"),
        (mask_of_another_size, "100 x 240"),
        (too_few_masks, "1 masks for 2 images"),
        (region_outside, "rectangle"),
        (unknown_quantity, "has no 'grain_size_number'"),
        (requirement_without_limit, "give 'lower', 'upper' or both"),
        (wrong_unit, "'mm' does not fit"),
        (unknown_template, "template 'glossy'"),
        (images_and_specimens, "either 'images' or [[specimens]]"),
        (template_with_a_missing_value, "ours/blocks/signature.html.j2:2: "),
        (template_with_a_syntax_error, "ours/blocks/signature.html.j2:3: "),
        (template_without_a_named_block, "'blocks/signature.html.j2' not found"),
    ],
)
def test_one_line_says_what_to_fix(tmp_path, spoil, says):
    job = write_job(tmp_path / "work")
    spoil(job)
    assert says in refused(job, tmp_path / "out")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(truncated, "field_1.tif: "), (wrong_key, "export: unknown key"), (template_with_a_missing_value, "html.j2:2: ")],
)
def test_the_console_shows_the_same_line(tmp_path, spoil, says):
    job = write_job(tmp_path / "work")
    spoil(job)
    assert says in refused(job, tmp_path / "out", start=console)


def test_a_job_that_is_not_there(tmp_path):
    assert "no such file" in refused(tmp_path / "nothing.toml", tmp_path / "out")
    assert tool("run", tmp_path / "nothing.toml").stdout == ""  # no table without a report


def test_check_finds_the_same_faults_without_measuring(tmp_path):
    job = write_job(tmp_path / "work")
    assert tool("check", job).returncode == 0
    truncated(job)
    done = tool("check", job)
    assert done.returncode == 2
    assert "field_1.tif" in done.stderr


@pytest.mark.parametrize("image", ["no_boundary", "all_boundary"])
def test_grain_size_refuses_a_picture_without_grains(tmp_path, image):
    job = write_job(tmp_path / "work", recipe="grain_size", fields=0)
    rng = np.random.default_rng(1)
    pixels = np.full((400, 400), 180.0)
    if image == "all_boundary":
        pixels[::2] = 20
        pixels[:, ::2] = 20
    pixels = np.clip(pixels + rng.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8)
    tifffile.imwrite(job.parent / "field_1.tif", pixels)
    assert "field_1.tif" in refused(job, tmp_path / "out")


def test_an_image_smaller_than_the_test_figure(tmp_path):
    job = write_job(tmp_path / "work", recipe="grain_size", fields=0)
    cells = np.kron(np.arange(16).reshape(4, 4) % 2, np.ones((4, 4))).astype(np.uint8) * 120 + 60
    tifffile.imwrite(job.parent / "field_1.tif", cells)
    assert "field_1.tif" in refused(job, tmp_path / "out")


def test_mixed_scales_must_be_meant(tmp_path):
    job = write_job(tmp_path / "work")
    text = job.read_text()
    specimen = (
        '[[specimens]]\nid = "{id}"\nimages = ["field_{n}.tif"]\ncalibration = {{pixel_um = {um}, source = "x"}}\n'
    )
    more = specimen.format(id="A", n=1, um=0.5) + specimen.format(id="B", n=2, um=0.25)
    job.write_text(text.replace('images = ["field_*.tif"]\n', "") + more)
    line = refused(job, tmp_path / "out")
    assert "0.5" in line
    assert "0.25" in line
    replace_text(job, "exports", "mixed_scales = true\nexports")
    assert tool("run", job, "--out", tmp_path / "out", "--quiet").returncode == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
def test_an_output_folder_that_cannot_be_written(tmp_path):
    job = write_job(tmp_path / "work")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert "cannot write here" in refused(job, locked / "out")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_an_output_folder_where_not_even_root_can_write(tmp_path):
    job = write_job(tmp_path / "work")
    line = refused(job, Path("/proc/reports"))
    assert line.startswith("error: /proc/reports/job: cannot write here: ")
    assert line.endswith("choose another folder with --out")


def test_a_file_where_the_output_folder_should_be(tmp_path):
    job = write_job(tmp_path / "work")
    (tmp_path / "out").write_text("in the way")
    done = tool("run", job, "--out", tmp_path / "out", "--quiet")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert (tmp_path / "out").read_text() == "in the way"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_the_old_report_whole(tmp_path, monkeypatch):
    from inspect_tool.errors import OutputError
    from inspect_tool.inspection import field_record, job_run

    job = write_job(tmp_path / "work")
    job_run.run(job, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}

    def write_to_a_full_disk(path, data):
        with Path("/dev/full").open("wb", buffering=0) as full:  # a real ENOSPC from the kernel
            full.write(data)

    monkeypatch.setattr(field_record, "_write", write_to_a_full_disk)
    with pytest.raises(OutputError, match="No space left on device; nothing was changed"):
        job_run.run(job, tmp_path / "out")
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_a_killed_run_leaves_nothing_under_the_final_name(tmp_path):
    job = write_job(tmp_path / "work", fields=6)
    script = (
        "import os, inspect_tool.inspection.job_run as p\n"
        "def tell(done, total, text):\n"
        "    if done == 3: os.kill(os.getpid(), 9)\n"
        f"p.run({str(job)!r}, {str(tmp_path / 'out')!r}, progress=tell)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode != 0
    assert not (tmp_path / "out" / "job").exists()
    assert tool("run", job, "--out", tmp_path / "out", "--quiet").returncode == 0
    assert (tmp_path / "out" / "job" / "report.json").is_file()


@pytest.mark.parametrize("name", ["field with spaces.tif", "Gefüge_élan.tif", 'it\'s a "field".tif', "50% [a].tif"])
def test_odd_file_names_just_work(tmp_path, name):
    job = write_job(tmp_path / "wörk dir", fields=0)
    tifffile.imwrite(job.parent / name, disks())
    replace_text(job, '"field_*.tif"', "'" + name.replace("'", "?") + "'" if "'" not in name else '"it*.tif"')
    done = tool("run", job, "--out", tmp_path / "öut", "--quiet")
    assert done.returncode == 0, done.stderr


def test_images_of_a_neighbor_folder_are_read_and_nothing_is_written_there(tmp_path):
    write_job(tmp_path / "images")
    job = write_job(tmp_path / "work", fields=0)
    replace_text(job, "field_*.tif", "../images/field_*.tif")
    before = sorted((tmp_path / "images").iterdir())
    assert tool("run", job, "--out", tmp_path / "out", "--quiet").returncode == 0
    assert sorted((tmp_path / "images").iterdir()) == before
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"job", "audit.jsonl", "audit.head"}


def test_one_bad_job_does_not_stop_the_others(tmp_path):
    good, bad = write_job(tmp_path / "good"), write_job(tmp_path / "bad")
    wrong_key(bad)
    done = tool("run", bad, good, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert (tmp_path / "out" / "good" / "report.json").is_file()
    assert not (tmp_path / "out" / "bad").exists()


def test_a_png_renamed_to_tif_is_read_by_its_content_and_the_report_says_so(tmp_path):
    job = write_job(tmp_path / "work", fields=0)
    Image.fromarray(disks()).save(tmp_path / "work" / "field_1.tif", format="png")
    (record,) = run(job).micrographs
    assert record.meta["file name"] == "the content does not fit the suffix '.tif'; read by its content"


def test_a_turned_photograph_is_measured_upright(tmp_path):
    job = write_job(tmp_path / "work", fields=0)
    replace_text(job, "field_*.tif", "phone.jpg")
    exif = Image.Exif()
    exif[274] = 6  # orientation: turn by 90 degrees to see it upright
    Image.fromarray(disks(shape=(200, 240))).save(tmp_path / "work" / "phone.jpg", quality=95, exif=exif)
    (record,) = run(job).micrographs
    assert (record.height_px, record.width_px) == (240, 200)
    assert record.meta["orientation"] == "EXIF orientation 6; image turned upright"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"report.json: not a report: "),
        ("[1, 2]", r"report.json: schema is 'list', this version reads 'inspect_tool/report/1'"),
        ('{"schema": "inspect_tool/report/99"}', r"report.json: schema is 'inspect_tool/report/99', this version"),
        ('{"schema": "inspect_tool/report/1"}', r"report.json \w+: is missing"),
        (
            '{"schema": "inspect_tool/report/1", "id": 7}',
            r"report.json id: got 7, must be a valid string; the file was changed",
        ),
    ],
)
def test_a_file_that_is_no_report(tmp_path, text, says):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=says) as found:
        load_report(path)
    assert "\n" not in str(found.value)
    with pytest.raises(SettingsError, match=r"other.json: no such file"):
        load_report(tmp_path / "other.json")
