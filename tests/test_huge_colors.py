"""A huge image in color: by windows, with the results of the image measured whole, all digits."""

import numpy as np
import pytest
import tifffile
from known_networks import seeing_model
from PIL import Image
from scipy.ndimage import gaussian_filter
from test_huge_field import JOB, OTSU, PHASES, PORES, THREE, drawn, porous
from test_huge_grains import JOB as GRAINS
from test_huge_grains import UNET, WATERSHED, assert_same, both, mosaic

from inspect_tool import mosaic as mosaics
from inspect_tool.errors import ReadError
from inspect_tool.images import readers
from inspect_tool.inspection import huge_field, job_run, windowed
from inspect_tool.measure import flooding
from inspect_tool.mosaic import classes
from inspect_tool.segmentation import threshold
from inspect_tool.verify.verify import verify

ANYHOW = '[[accept]]\ncheck = "size"\nreason = "drawn"\nby = "a test"'


def hues(pixels):
    """Two hues of the same gray: red where it is bright, green where it is dark."""
    share = (pixels.astype(np.float64) - pixels.min()) / np.ptp(pixels)
    red = 70 + 110 * share + np.random.default_rng(4).normal(0, 3, pixels.shape)
    return (
        np.dstack([red, (128 - 0.299 * red - 0.114 * 90) / 0.587, np.random.default_rng(5).normal(90, 3, red.shape)])
        .round()
        .astype(np.uint8)
    )


def warm(pixels):
    """Gray under an orange lamp."""
    return (pixels[..., None] * np.array([1.0, 0.9, 0.7])).round().astype(np.uint8)


def tinted():
    """Grains of many tints with dark spots."""
    labels = mosaic((300, 380), 40)
    tints = np.random.default_rng(2).integers(90, 230, (labels.max() + 1, 3))
    rows, columns = np.indices(labels.shape)
    spots = np.hypot(rows % 60 - 30, columns % 60 - 30) < 5
    return gaussian_filter(np.where(spots[..., None], 20, tints[labels]), (0.7, 0.7, 0)).astype(np.uint8)


def negative():
    return 255 - tinted()


@pytest.fixture
def job(tmp_path, monkeypatch):
    def made(backend, pixels, asked=PHASES, **how):
        tifffile.imwrite(tmp_path / "mosaic.tif", pixels, tile=(64, 64), **how)
        text = (GRAINS if asked is GRAINS else JOB).format(
            backend=backend if backend.startswith("name") else f'name = "threshold"\n{backend}',
            **({"settings": ""} if asked is GRAINS else {"top": "", **asked}),
        )
        (tmp_path / "job.toml").write_text(text, encoding="utf-8")
        return tmp_path / "job.toml"

    monkeypatch.setattr(huge_field, "_BLANK_PX", 16)
    monkeypatch.setattr(classes, "_PICTURE_PX", 200)
    return made


@pytest.mark.parametrize(
    ("asked", "backend", "look"),
    [
        (PHASES, "", hues),
        (PHASES, 'phase = "bright"', hues),
        (PHASES, OTSU, hues),
        (PHASES, THREE, warm),
        (PHASES, "", warm),
        (PORES, "", warm),
        (PORES, 'channel = "blue"', warm),
        (PORES, ANYHOW, tinted),
        (PORES, f'matrix = "tinted"\nwindow_px = 61\n{ANYHOW}', tinted),
        (PORES, f'phase = "bright"\nspecks = true\n{ANYHOW}', negative),
    ],
)
def test_phases_and_pores_in_color_have_the_results_of_the_whole_image(
    job, tmp_path, monkeypatch, asked, backend, look
):
    pixels = look() if look in (tinted, negative) else look(drawn() if asked is PHASES else porous())
    if look is warm and not backend:
        pixels[:70, 280:] = 0  # no specimen
    whole, cut = both(job(backend, pixels, asked, photometric="rgb"), tmp_path, monkeypatch, 96)
    assert_same(whole, cut, tmp_path)
    picture = np.asarray(Image.open(next((tmp_path / "cut" / "job" / "pictures").iterdir())).convert("RGB"), np.int16)
    assert np.abs(picture[..., 0] - picture[..., 2]).mean() > 5  # is shown in color


def test_told_by_hue_where_gray_is_the_same(job, tmp_path, monkeypatch):
    monkeypatch.setattr(windowed, "FROM_PX", 1000)
    report = job_run.run(job("", hues(drawn()), photometric="rgb"), tmp_path / "out", trail=False)
    (found,) = [one.value for one in report.results if one.quantity == "area_percent.dark"]
    assert found == pytest.approx(25.0, abs=1.5)  # as it was drawn
    folder = tmp_path / "out" / "job"
    told = verify(folder, images=tmp_path)
    assert told.verified, [item for item in told.findings if item.state == "differs"]


@pytest.mark.parametrize("lossy", [False, True])
def test_gray_that_is_stored_in_colors_is_gray(job, tmp_path, monkeypatch, lossy):
    pixels = np.dstack([drawn()] * 3)
    how = {}
    if lossy:
        pixels[..., 0] += 2
        how = {"compression": "jpeg", "compressionargs": {"level": 99}}
    path = job("", pixels, photometric="rgb", **how)
    whole, cut = both(path, tmp_path, monkeypatch, 96)
    assert_same(whole, cut, tmp_path)
    with readers.windows(tmp_path / "mosaic.tif") as image:
        held = image.as_read()
        assert held.color is None
        assert np.array_equal(held[:], readers.read(tmp_path / "mosaic.tif").pixels)


@pytest.mark.parametrize("backend", [WATERSHED, UNET.format(model="lines", more="scale = 1.0")])
def test_grains_in_color_have_the_results_of_the_whole_image(job, tmp_path, monkeypatch, backend):
    if backend is not WATERSHED:
        seeing_model(tmp_path / "lines", classes=["grain", "boundary"])
    monkeypatch.setattr(flooding, "TILE_PX", 120)
    whole, cut = both(job(backend, tinted()[:250, :300], GRAINS, photometric="rgb"), tmp_path, monkeypatch, 96)
    assert_same(whole, cut, tmp_path)


def test_what_is_not_done_with_an_image_in_color_is_said(tmp_path):
    tifffile.imwrite(tmp_path / "mosaic.tif", tinted(), tile=(64, 64), photometric="rgb")
    asked = mosaics.Request(
        image=tmp_path / "mosaic.tif", threshold=threshold.Settings(method="otsu", flat_field="off", denoise_px=3)
    )
    with pytest.raises(ReadError, match="is in color, which may tell two classes apart; give channel 'gray'"):
        mosaics.measure(asked, tmp_path / "kept")
    for pixels, how in (
        (np.zeros((3, 64, 64), np.uint8), {"planarconfig": "separate"}),
        (np.zeros((64, 64, 3), np.uint16), {}),
        (np.zeros((64, 64, 4), np.uint8), {"extrasamples": ["unassalpha"]}),
    ):
        tifffile.imwrite(tmp_path / "other.tif", pixels, tile=(64, 64), photometric="rgb", **how)
        with pytest.raises(ReadError, match="in color of another kind"), readers.windows(tmp_path / "other.tif"):
            pass
