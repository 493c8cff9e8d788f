"""``inspect-tool validate``: from masks of a person to a file, and from the file to a budget that can be verified."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from typer.testing import CliRunner

import inspect_tool
from inspect_tool.cli import app
from inspect_tool.errors import InspectError, OutputError, SettingsError
from inspect_tool.files import load_report
from inspect_tool.studies.validation import measure
from inspect_tool.validation import line
from inspect_tool.validation.values import FieldError, dump_validation, load_validation
from inspect_tool.verify.verify import verify

COUNT = 4
JOB = """\
recipe = "phase_fraction"
images = [{images}]
exports = ["json"]
{more}
[calibration]
source = "ratio only"
[backend]
name = "threshold"
phase = "dark"
classes = ["ferrite", "austenite"]
"""


def write_job(path: Path, more: str = "", images: str = '"image_*.png"') -> Path:
    path.write_text(JOB.format(images=images, more=more), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images of squares, and masks of a person who takes every square for 2 px wider on all sides."""
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(0)
    for i in range(COUNT):
        image, mask = np.full((160, 160), 180.0), np.zeros((160, 160), np.uint8)
        for row in range(20, 140, 40):
            for column in range(20, 140, 40):
                image[row : row + 16, column : column + 16] = 60.0
                mask[row - 2 : row + 18, column - 2 : column + 18] = 255
        image += rng.normal(0, 4, image.shape)
        Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / f"image_{i}.png")
        Image.fromarray(mask).save(folder / f"mask_{i}.png")
    write_job(folder / "job.toml")
    (folder / "parents.csv").write_text(
        "image,parent,group\nimage_0.png,S1,steel\nimage_1.png,S1,steel\nimage_2.png,S2,steel\n", encoding="utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def validated(drawn: Path) -> Path:
    out = drawn / "own_validation.toml"
    options = ["--truth", str(drawn / "mask_*.png"), "--parents", str(drawn / "parents.csv"), "--person", "N. N."]
    done = CliRunner().invoke(app, ["validate", str(drawn / "job.toml"), *options, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    table = json.loads(done.stdout)
    assert [one["parents"] for one in table] == [3, 3]
    return out


def test_the_file_holds_the_drawn_error(validated):
    """9 squares of 16 px by the machine, of 20 px by the person: 9.0 and 14.06 % of 160 x 160 px."""
    made = load_validation(validated)
    assert (made.person, made.recipe, made.backend) == ("N. N.", "phase_fraction", "threshold")
    assert [field.parent for field in made.fields] == ["S1", "S1", "S2", "image_3"]
    for field in made.fields:
        error = field.errors["area_percent.ferrite"]
        assert error.truth == pytest.approx(100 * 9 * 20**2 / 160**2, rel=1e-5)
        assert error.machine == pytest.approx(100 * 9 * 16**2 / 160**2, abs=0.3)


ACCEPT = '[[accept]]\ncheck = "resolution"\nreason = "known"\n'


@pytest.mark.parametrize(("radius", "stopped"), [(0, False), (6, True)])
def test_an_image_that_the_quality_gate_stops_is_marked_and_its_method_is_not_confirmed(
    radius, stopped, drawn, tmp_path
):
    """Eleven images of one kind, of which the method knows the one that it errs on; then a job with one more."""
    with Image.open(drawn / "image_0.png") as image:
        image.filter(ImageFilter.GaussianBlur(radius)).save(tmp_path / "image.png")
    job = write_job(tmp_path / "job.toml", images='"image.png"')
    machine, truth = measure.plans_of(job, [str(drawn / "mask_0.png")])
    made = measure.validate(machine, truth, name="own", person="N. N.", date=date(2026, 11, 28))
    assert [field.stopped for field in made.fields] == [stopped]
    errors = [FieldError(machine=9.0, truth=9.0, own_u=0.001)] * 10 + [FieldError(machine=9.0, truth=39.0, own_u=20.0)]
    known = [
        replace(made.fields[0], parent=str(i), stopped=False, errors={"area_percent.ferrite": error})
        for i, error in enumerate(errors)
    ]
    (tmp_path / "own.toml").write_text(dump_validation(replace(made, fields=tuple(known))), encoding="utf-8")
    later = write_job(tmp_path / "later.toml", 'validation = "own.toml"\n' + ACCEPT, '"image.png"')
    report = inspect_tool.run(later, out=tmp_path)
    result = next(one for one in report.results if one.quantity == "area_percent.ferrite")
    added = next(one for one in result.budget if one.name == line.LINE)
    assert ("contained the true value in every image from 11 sources" in added.basis) == (not stopped)
    found = verify(tmp_path / "later" / "report.json")
    assert [item for item in found.findings if item.state == "differs"] == []


def test_a_job_that_names_the_file_carries_the_error_and_is_verified(drawn, validated, tmp_path):
    job = write_job(drawn / "later.toml", f'validation = "{validated.name}"', '"image_0.png"')
    report = inspect_tool.run(job, out=tmp_path)
    result = next(one for one in report.results if one.quantity == "area_percent.ferrite")
    added = next(one for one in result.budget if one.name == line.LINE)
    assert "4 labeled images from 3 independent sources" in added.basis
    assert "N. N." in added.basis
    assert result.interval[0] <= 100 * 9 * 20**2 / 160**2 <= result.interval[1]  # what the person would have found
    found = verify(tmp_path / "later" / "report.json")
    assert [item for item in found.findings if item.state == "differs"] == []
    assert [item for item in report.attachments if item.role == "validation"]


def test_errors_that_were_changed_later_are_found_out(drawn, validated, tmp_path):
    job = write_job(drawn / "later.toml", f'validation = "{validated.name}"', '"image_0.png"')
    inspect_tool.run(job, out=tmp_path)
    kept = tmp_path / "later" / "evidence" / "validation.toml"
    text = kept.read_text(encoding="utf-8")
    kept.write_text(text.replace("truth = 14.0625", "truth = 9.0"), encoding="utf-8")
    assert kept.read_text(encoding="utf-8") != text
    found = verify(tmp_path / "later" / "report.json")
    unlike = [item.text for item in found.findings if item.state == "differs"]
    assert any("validation.toml" in text for text in unlike)
    assert any(line.LINE in text for text in unlike)


def test_without_a_file_for_its_settings_the_report_says_so_and_can_be_verified(drawn, tmp_path):
    job = write_job(drawn / "plain.toml", "", '"image_0.png"')
    job.write_text(job.read_text(encoding="utf-8").replace("phase =", 'method = "otsu"\nphase ='), encoding="utf-8")
    report = inspect_tool.run(job, out=tmp_path)
    assert all(one.name != line.LINE for result in report.results for one in result.budget)
    assert load_report(tmp_path / "plain" / "report.json").results == report.results
    found = verify(tmp_path / "plain" / "report.json")
    assert [item for item in found.findings if item.state == "differs"] == []


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('phase = "dark"', 'phase = "bright"', "backend.phase is 'bright', the validation is of 'dark'"),
        ('name = "threshold"\nphase = "dark"', 'name = "watershed"', "backend is 'watershed'"),
    ],
)
def test_a_validation_of_another_backend_or_setting_is_refused_in_one_line(old, new, match, drawn, validated):
    job = write_job(drawn / "other.toml", f'validation = "{validated.name}"')
    job.write_text(job.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    if "watershed" in new:
        job.write_text(job.read_text(encoding="utf-8").replace('classes = ["ferrite", "austenite"]\n', ""))
        job.write_text(job.read_text(encoding="utf-8").replace('"watershed"', '"watershed"\nmode = "particles"'))
    with pytest.raises(SettingsError, match=match):
        inspect_tool.run(job)


def test_a_validation_that_is_not_there_is_one_line(drawn):
    job = write_job(drawn / "missing.toml", 'validation = "nowhere.toml"')
    with pytest.raises(SettingsError, match=r"nowhere\.toml: no such file"):
        inspect_tool.run(job)


def compared(drawn: Path, masks: list[np.ndarray]) -> None:
    """Validate the job with these masks."""
    folder = drawn / "masks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for i, mask in enumerate(masks):
        Image.fromarray(mask).save(folder / f"{i}.png")
    machine, by_hand = measure.plans_of(drawn / "job.toml", [str(folder / "*.png")])
    measure.validate(machine, by_hand, name="x", person="N. N.", date=date(2026, 11, 28))


def mask(numbers: int = 1, side: int = 160) -> np.ndarray:
    """Squares of the class numbers from 1 on."""
    made = np.zeros((side, side), np.uint8)
    for number in range(1, numbers + 1):
        made[40 * number : 40 * number + 30, 40:70] = number
    return made


@pytest.mark.parametrize(
    ("masks", "match"),
    [
        ([mask()] * 3, "3 masks for 4 images"),
        ([mask(side=150)] * 4, r"0\.png"),
        ([mask(2)] * 4, "class numbers 2 that backend 'threshold' does not give; its classes are"),
    ],
)
def test_hostile_masks_are_one_line(masks, match, drawn):
    with pytest.raises(InspectError, match=match) as raised:
        compared(drawn, masks)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("picture,parent\nimage_0.png,A\n", "line 2: needs an image and a parent"),
        ("image,parent\nimage_9.png,A\n", "line 2: 'image_9.png' is no image of the job"),
        ("image,parent\nimage_0.png,A\nimage_0.png,B\n", "line 3: 'image_0.png' stands in an earlier line too"),
    ],
)
def test_what_is_wrong_with_a_table_of_parents_is_one_line(text, match, tmp_path):
    path = tmp_path / "parents.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=match):
        measure.read_labels(path, [f"image_{i}.png" for i in range(COUNT)])


def test_masks_of_a_person_cannot_be_validated(drawn):
    job = drawn / "by_hand.toml"
    text = JOB.format(images='"image_*.png"', more="").split("[backend]")[0]
    job.write_text(text + '[backend]\nname = "labels"\nmasks = ["mask_*.png"]\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="are masks of a person; name the backend that is validated"):
        measure.plans_of(job, [str(drawn / "mask_*.png")])


def test_the_job_itself_is_not_replaced_by_its_validation(drawn):
    job = drawn / "job.toml"
    before = job.read_bytes()
    options = ["--truth", str(drawn / "mask_*.png"), "--person", "N. N.", "--out", str(job)]
    with pytest.raises(OutputError, match="exists already and is left as it is"):
        CliRunner().invoke(app, ["validate", str(job), *options], catch_exceptions=False)
    assert job.read_bytes() == before
