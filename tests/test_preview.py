"""``check --preview`` shows what a job will measure: drawn scenes of which the measured part is known exactly."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from inspect_tool.inspection import job_run
from inspect_tool.inspection.preview import preview

JOB = 'recipe = "porosity"\nimages = ["field.tif"]\n{region}\n[calibration]\n{scale}\n'
RATIO = 'source = "ratio only"'
OBLONG = 'source = "stage micrometer"\npixel_um = 1.0\npixel_y_um = 2.0'


def metal(shape=(600, 800)):
    """Bright metal with dark pores and noise."""
    rng = np.random.default_rng(3)
    rows, columns = np.indices(shape)
    pixels = np.full(shape, 190.0)
    for row, column in zip(rng.integers(20, shape[0], 30), rng.integers(20, shape[1], 30), strict=True):
        pixels[(rows - row) ** 2 + (columns - column) ** 2 < 64] = 40
    return np.clip(pixels + rng.normal(0, 3, shape), 0, 255).astype(np.uint8)


def drawn(tmp_path, pixels, region="", scale=RATIO):
    tifffile.imwrite(tmp_path / "field.tif", pixels)
    path = tmp_path / "job.toml"
    path.write_text(JOB.format(region=region, scale=scale), encoding="utf-8")
    (made,) = preview(job_run.check(path), tmp_path / "preview")
    return made, np.asarray(Image.open(made.picture).convert("RGB")).astype(int)


def tinted(picture, rows, columns):
    """Share of a part of the picture, in shares of its sides, that is no gray."""
    height, width = picture.shape[:2]
    part = picture[int(rows[0] * height) : int(rows[1] * height), int(columns[0] * width) : int(columns[1] * width)]
    return float((np.ptp(part, axis=2) > 20).mean())


def test_all_of_a_plain_field_is_measured_and_stays_as_it_is(tmp_path):
    made, picture = drawn(tmp_path, metal())
    assert made.lines[0] == "100 % of the picture is measured"
    assert tinted(picture, (0, 1), (0, 1)) == 0
    assert list(tmp_path.glob("preview/*.jpg")) == [made.picture]


@pytest.mark.parametrize(
    ("region", "share", "inside", "outside"),
    [
        ("[region]\nrectangle = [0, 0, 600, 400]", 50, ((0, 1), (0, 0.49)), ((0, 1), (0.51, 1))),
        ("[region]\nfooter_px = 150", 75, ((0, 0.74), (0, 1)), ((0.76, 1), (0, 1))),
        ("[region]\nexclude = [[0, 600, 600, 200]]", 75, ((0, 1), (0, 0.74)), ((0, 1), (0.76, 1))),
    ],
)
def test_what_the_region_leaves_out_is_marked(tmp_path, region, share, inside, outside):
    made, picture = drawn(tmp_path, metal(), region)
    assert made.lines[0] == f"{share} % of the picture is measured"
    assert tinted(picture, *inside) == 0
    assert tinted(picture, *outside) > 0.9


def test_mount_is_found_marked_and_named(tmp_path):
    pixels = metal()
    pixels[:150] = np.random.default_rng(4).normal(60, 3, (150, 800)).astype(np.uint8)
    made, picture = drawn(tmp_path, pixels)
    assert any(line == "left out as no specimen: mount, surround or gap" for line in made.lines)
    assert tinted(picture, (0, 0.24), (0, 1)) > 0.9
    assert tinted(picture, (0.26, 1), (0, 1)) < 0.02


def test_pixels_that_are_not_square_are_shown_square(tmp_path):
    made, picture = drawn(tmp_path, metal((300, 800)), "[region]\nrectangle = [0, 0, 300, 400]", OBLONG)
    assert made.lines[0] == "50 % of the picture is measured"
    assert "a pixel is 2 um (job 1 µm)" in made.lines[-1].replace("\xa0", " ")
    height, width = picture.shape[:2]
    assert 0.7 < height / width < 0.85  # 600 um x 800 um, and the strip of the scale bar
    assert tinted(picture, (0, 0.9), (0, 0.49)) == 0
    assert tinted(picture, (0, 0.9), (0.51, 1)) > 0.9
