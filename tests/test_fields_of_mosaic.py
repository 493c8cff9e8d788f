"""Fields of a huge image: where they lie, what is cut out, and what more of them would add."""

import json
from collections import Counter
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import MeasurementError, OutputError, ReadError, SettingsError
from inspect_tool.files import load_job
from inspect_tool.inspection.fields_of_mosaic import Fields, Kept, cut_fields, gains, gains_of, load_fields
from inspect_tool.inspection.job_run import run
from inspect_tool.model import Component
from inspect_tool.mosaic.fields import design

OME = {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A mosaic of 1000 x 1400 px with square pores of 12 px, and a black corner where nothing was imaged."""
    rng = np.random.default_rng(3)
    pixels = 190 + rng.normal(0, 4, (1000, 1400))
    for row, column in rng.integers(0, (980, 1380), (260, 2)):
        pixels[row : row + 12, column : column + 12] = 60 + rng.normal(0, 4)
    pixels = pixels.clip(1, 254).astype(np.uint8)
    pixels[:420, :500] = 0
    path = tmp_path_factory.mktemp("mosaic") / "mosaic.tif"
    tifffile.imwrite(path, pixels, tile=(256, 256), ome=True, metadata=OME)
    return path


@pytest.fixture(scope="module")
def told(image):
    folder = image.parent / "fields"
    return folder, cut_fields(image, folder, recipe="porosity", number=8, side_px=200, seed=11)


def test_every_place_is_taken_equally_often_and_none_twice():
    shape, side = (50, 90), 10
    seen = Counter()
    for seed in range(4000):
        boxes = design(shape, 6, side, seed).boxes
        assert len(boxes) == len({(rows.start, columns.start) for rows, columns in boxes}) == 6
        seen.update(rows.start for rows, _ in boxes)
        for rows, columns in boxes:
            assert 0 <= rows.start <= shape[0] - side
            assert 0 <= columns.start <= shape[1] - side
    # 41 places of the first row, each with the probability 1/41 per field of a column of them
    counts = np.array([seen[top] for top in range(41)])
    expected = counts.sum() / 41
    assert np.abs(counts - expected).max() < 5 * sqrt(expected)


def test_fields_do_not_overlap():
    for number, shape, side in ((7, (500, 300), 60), (20, (1000, 4000), 190), (2, (64, 700), 64)):
        boxes = design(shape, number, side, seed=5).boxes
        covered = np.zeros(shape, int)
        for box in boxes:
            covered[box] += 1
        assert covered.max() == 1
        assert covered.sum() == len(boxes) * side**2
        assert len(boxes) >= number


@pytest.mark.parametrize(
    ("number", "side", "seed", "says"),
    [
        (1, 10, 0, "take 2 or more"),
        (5, 60, 0, r"5 of 60 px do not lie beside each other in 120 x 100 px; there are at most 1"),
        (5, 200, 0, "there are at most 0"),
        (5, 10, -1, "a seed from 0"),
    ],
)
def test_fields_that_do_not_fit_are_refused(number, side, seed, says):
    with pytest.raises(SettingsError, match=says):
        design((100, 120), number, side, seed)


def test_what_is_cut_out_is_the_image_with_its_scale_and_a_job_that_says_how(image, told):
    folder, made = told
    whole = tifffile.imread(image)
    for one in made.measured:
        part = whole[one.row : one.row + 200, one.column : one.column + 200]
        assert np.array_equal(tifffile.imread(folder / one.file), part)
        assert one.blank_percent == round(100 * float((part == 0).mean()), 2)
    left_out = [one for one in made.fields if not one.file]
    assert left_out
    assert all((whole[one.row : one.row + 200, one.column : one.column + 200] == 0).mean() > 0.5 for one in left_out)
    assert load_fields(folder) == replace(made, start=pytest.approx(made.start, rel=1e-9))
    job = load_job(folder / "job.toml")
    assert f"{made.grid[0]} x {made.grid[1]} fields of 200 x 200 px" in job.header.sampling
    assert "start drawn with seed 11; " in job.header.sampling
    assert job.calibration is None  # the files tell it


def test_the_same_seed_gives_the_same_fields_and_without_one_it_is_drawn(image, told, tmp_path):
    again = cut_fields(image, tmp_path / "again", recipe="porosity", number=8, side_px=200, seed=11)
    assert again.fields == told[1].fields
    drawn = [cut_fields(image, tmp_path / f"{i}", recipe="porosity", number=8, side_px=200).seed for i in range(2)]
    assert drawn[0] != drawn[1]


def test_a_report_of_the_fields_says_what_all_of_the_image_would_add(told, tmp_path):
    folder, made = told
    report = run(folder / "job.toml", tmp_path, exports=("json",))
    (porosity,) = [one for one in gains_of(folder, tmp_path / "job") if "orosity" in str(one.title)]
    (result,) = [one for one in report.results if one.quantity == "porosity_percent"]
    assert porosity.expanded_u == result.expanded_u
    assert porosity.rest < porosity.of_all < porosity.expanded_u
    assert report.micrographs[0].calibration.pixel_um == 0.5
    with pytest.raises(SettingsError, match=r"is none of the fields of mosaic\.tif"):
        gains(replace(made, fields=made.fields[:3]), report)


def test_scatter_shrinks_with_the_root_of_the_number_of_fields_and_the_rest_stays(told, tmp_path):
    folder, made = told
    report = run(folder / "job.toml", exports=())
    (result,) = [one for one in report.results if one.quantity == "porosity_percent"]
    budget = (Component(name="fields", u=3.0, kind="A"), Component(name="edge", u=4.0, kind="B"))
    # of 100 fields four are measured: a fifth of the scatter is left
    named = Fields(
        **{name: getattr(made, name) for name in ("image", "sha256", "start", "seed", "software", "cut")},
        shape=(1000, 1000),
        side_px=100,
        grid=(2, 2),
        fields=tuple(
            Kept(file="x", sha256=one.sha256, row=0, column=0, blank_percent=0.0) for one in made.measured[:4]
        ),
    )
    known = replace(
        report,
        micrographs=report.micrographs[:4],
        results=(replace(result, budget=budget, expanded_u=9.8, interval=None, main=True),),
    )
    (gain,) = gains(named, known)
    assert gain.of_all == pytest.approx(1.959964 * sqrt((3 / 5) ** 2 + 4**2), rel=1e-6)
    assert gain.rest == pytest.approx(1.959964 * 4, rel=1e-6)
    # (3 / root of n/4)^2 + 16 <= 1.21 x 16 for n = 10.7 or more
    assert gain.enough == 11
    largest = replace(result, budget=budget, interval=(result.value, result.value + 9.0), main=True)
    assert gains(named, replace(known, results=(largest,))) == ()


def test_what_cannot_be_cut_leaves_nothing_behind(image, tmp_path):
    black = tmp_path / "black.tif"
    tifffile.imwrite(black, np.zeros((300, 300), np.uint8), tile=(64, 64))
    with pytest.raises(MeasurementError, match="0 of 4 fields show specimen for more than half"):
        cut_fields(black, tmp_path / "out", recipe="porosity", number=4, side_px=100, seed=1)
    (tmp_path / "text.tif").write_text("no image")
    with pytest.raises(ReadError):
        cut_fields(tmp_path / "text.tif", tmp_path / "out", recipe="porosity")
    with pytest.raises(SettingsError, match="porosty"):
        cut_fields(image, tmp_path / "out", recipe="porosty")
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="nothing is replaced"):
        cut_fields(image, tmp_path / "mine", recipe="porosity")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_the_commands_say_what_to_do_next(image, told, tmp_path):
    asked = ["fields", "cut", str(image), "--out", str(tmp_path / "f"), "--recipe", "phase_fraction"]
    said = CliRunner().invoke(app, [*asked, "-n", "6", "--side", "200", "--seed", "4"])
    assert said.exit_code == 0
    assert "px, seed 4" in said.output
    assert f"inspect-tool run {tmp_path / 'f' / 'job.toml'}" in said.output
    asked = CliRunner().invoke(app, ["fields", "gain", str(tmp_path / "f"), str(tmp_path), "--json"])
    assert isinstance(asked.exception, SettingsError)
    folder, made = told
    run(folder / "job.toml", tmp_path / "r", exports=("json",))
    shown = CliRunner().invoke(app, ["fields", "gain", str(folder), str(tmp_path / "r" / "job"), "--json"])
    assert json.loads(shown.output)[0]["rest"] > 0
    table = CliRunner().invoke(app, ["fields", "gain", str(folder), str(tmp_path / "r" / "job")])
    assert f"some {made.of_all:.0f} fields like these {len(made.measured)}" in " ".join(table.output.split())


def test_fields_of_an_image_in_color_are_in_color(tmp_path):
    pixels = np.random.default_rng(1).integers(1, 250, (300, 400, 3)).astype(np.uint8)
    pixels[:100, :100] = 0
    tifffile.imwrite(tmp_path / "mosaic.tif", pixels, tile=(64, 64), photometric="rgb")
    told = cut_fields(tmp_path / "mosaic.tif", tmp_path / "fields", recipe="porosity", number=4, side_px=90, seed=3)
    for kept in told.measured:
        place = slice(kept.row, kept.row + 90), slice(kept.column, kept.column + 90)
        assert np.array_equal(tifffile.imread(tmp_path / "fields" / kept.file), pixels[place])
