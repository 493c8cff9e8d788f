"""A huge image by windows: what a small one, cut the same way, gives whole; stopped and gone on; refused."""

import numpy as np
import pandas as pd
import pytest
import tifffile

from inspect_tool import mosaic, synthetic
from inspect_tool.errors import MeasurementError, ReadError, SettingsError
from inspect_tool.images import readers
from inspect_tool.images.readers import raster
from inspect_tool.measure.fraction import class_areas, line_counts
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import threshold

SIDES = (64, 128)


@pytest.fixture(scope="module")
def picture():
    field = synthetic.pores(seed=4, porosity_percent=12.0, mean_ecd_um=14.0, shape_px=(230, 270))
    return np.ascontiguousarray(field.pixels)


@pytest.fixture(scope="module")
def tiff(picture, tmp_path_factory):
    path = tmp_path_factory.mktemp("mosaic") / "mosaic.tif"
    tifffile.imwrite(path, picture, tile=(64, 96), bigtiff=True, compression="zlib")
    return path


SETTINGS = {
    "a level": threshold.Settings(method="fixed", levels=(110.0,), classes=("pore", "metal")),
    "otsu": threshold.Settings(method="otsu", flat_field="off", denoise_px=5),
    "li, bright": threshold.Settings(method="li", phase="bright", flat_field="off", denoise_px=3),
    "three classes": threshold.Settings(method="multi_otsu", n_classes=3, flat_field="off", denoise_px=3),
}


def whole(pixels, settings, roi=None):
    """Labels, areas, interceptions and features by the backend and the measures of an image that is held whole."""
    micrograph = Micrograph(pixels=pixels, calibration=Calibration(pixel_um=0.5), roi=roi)
    found = threshold.segment(threshold.load(settings), micrograph, settings)
    named = sorted(found.classes.items(), key=lambda item: (item[0] == 0, item[0]))
    tables = []
    for number, name in named[:-1]:
        mask = (found.labels == number) if roi is None else (found.labels == number) & roi
        table = region_table(connected(mask), 0.5, roi=roi, shape_factors=False)
        table.insert(1, "class", name)
        table["feature"] += sum(map(len, tables))
        tables.append(table)
    areas = class_areas(found.labels, tuple(found.classes), roi)
    lines = {name: line_counts(found.labels == number, roi) for number, name in named}
    return {name: areas[number] for number, name in named}, lines, pd.concat(tables, ignore_index=True), found


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", SETTINGS)
def test_windows_give_the_numbers_of_the_image_measured_whole(tiff, picture, tmp_path, name, side):
    settings = SETTINGS[name]
    areas, lines, features, segmentation = whole(picture, settings)
    found = mosaic.measure(mosaic.Request(image=tiff, threshold=settings, pixel_um=0.5, side_px=side), tmp_path)
    assert list(found.classes.levels.levels) == segmentation.settings["levels_found"]
    assert found.classes.levels.own_gray == segmentation.told.own_gray
    assert found.classes.histogram.sum() == picture.size
    assert found.areas_px == areas
    assert found.lines == lines
    pd.testing.assert_frame_equal(found.features, features, check_exact=True)
    assert found.coverage.tolist() == np.ones(found.coverage.shape, int).tolist()
    others = {title: other for title, other in segmentation.alternatives() if title in found.others_percent}
    assert set(others) == {"threshold -", "threshold +"}
    for title, other in others.items():
        shares = class_areas(other.labels, tuple(other.classes))
        stated = {name: 100.0 * shares[number] / picture.size for number, name in other.classes.items()}
        assert found.others_percent[title] == stated


def test_corners_and_gaps_are_no_specimen_and_pores_of_the_same_gray_are(picture, tmp_path):
    pixels = np.maximum(picture, 1)
    rows, columns = np.indices(pixels.shape)
    roi = (rows + columns > 140) & ~((columns >= 180) & (columns < 185))  # a corner, and a gap between two tiles
    pixels[~roi] = 0
    pixels[120:160, 215:255] = pixels.max()
    pixels[137:143, 231:238] = 0  # a pore, as black
    path = tmp_path / "gaps.tif"
    tifffile.imwrite(path, pixels, tile=(64, 64))
    settings = SETTINGS["otsu"]
    asked = mosaic.Request(image=path, threshold=settings, pixel_um=0.5, side_px=64, blank=(0,), blank_px=16)
    found = mosaic.measure(asked, tmp_path / "records")
    filled = np.where(roi, pixels, np.uint8(np.median(pixels[roi])))  # as an image that is held whole is read
    areas, lines, features, _ = whole(filled, settings, roi)
    assert found.specimen_px == int(roi.sum())
    assert found.areas_px == areas
    assert found.lines == lines
    pd.testing.assert_frame_equal(found.features, features, check_exact=True)
    assert ((found.features["row_px"] == 139.5) & (found.features["column_px"] == 234.0)).sum() == 1


def test_what_was_measured_before_a_run_was_stopped_is_not_measured_again(tiff, tmp_path):
    asked = mosaic.Request(image=tiff, threshold=SETTINGS["a level"], pixel_um=0.5, side_px=96)

    class StoppedError(Exception):
        pass

    def stop(done, _total, text):
        if text == "classes" and done == 5:
            raise StoppedError

    with pytest.raises(StoppedError):
        mosaic.measure(asked, tmp_path, stop)
    (kept,) = tmp_path.iterdir()
    assert len(list(kept.glob("*.npz"))) == 5
    torn = sorted(kept.glob("*.npz"))[3]
    torn.write_bytes(torn.read_bytes()[:100])  # as a machine that lost its power leaves it
    again = mosaic.measure(asked, tmp_path)
    fresh = mosaic.measure(asked, tmp_path / "fresh")
    assert (again.classes.known, fresh.classes.known) == (4, 0)
    assert again.areas_px == fresh.areas_px
    pd.testing.assert_frame_equal(again.features, fresh.features, check_exact=True)
    other = mosaic.measure(mosaic.Request(image=tiff, threshold=SETTINGS["otsu"], side_px=96), tmp_path)
    assert other.classes.known == 0


def test_a_window_that_is_gone_fails_the_image(tiff, tmp_path, monkeypatch):
    from inspect_tool.mosaic import classes

    written = classes.write_part
    monkeypatch.setattr(classes, "write_part", lambda path, data: path.stem == "000004" or written(path, data))
    asked = mosaic.Request(image=tiff, threshold=SETTINGS["a level"], side_px=96)
    with pytest.raises(MeasurementError, match=r"mosaic.tif: .* row 1 and column 1 was not measured once"):
        mosaic.measure(asked, tmp_path)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (threshold.Settings(), "by windows, method = 'auto', flat_field = 'auto', denoise_px = 'auto' cannot be used"),
        (threshold.Settings(method="otsu", denoise_px=3), "flat_field = 'auto' cannot be used yet"),
        (threshold.Settings(method="fixed", levels=(9.0,), min_object_px=20), "min_object_px = 20 cannot be used yet"),
    ],
)
def test_what_needs_the_whole_image_is_refused(tiff, tmp_path, settings, says):
    with pytest.raises(SettingsError, match=says):
        mosaic.measure(mosaic.Request(image=tiff, threshold=settings), tmp_path)


def test_images_that_are_not_read_by_windows_are_refused(picture, tmp_path):
    turned = tmp_path / "turned.tif"
    tifffile.imwrite(turned, picture, tile=(64, 64), extratags=[(274, "H", 1, 6, True)])
    with pytest.raises(
        ReadError, match=r"turned\.tif: is turned by its orientation tag; by windows, gray and RGB images in tiles or"
    ):
        mosaic.measure(mosaic.Request(image=turned, threshold=SETTINGS["a level"]), tmp_path)
    deep = tmp_path / "deep.tif"
    tifffile.imwrite(deep, picture.astype(np.float32), tile=(64, 64))
    with pytest.raises(
        ReadError, match=r"deep\.tif: pixels of type float32; by windows, images of 8 and 16 bits are measured"
    ):
        mosaic.measure(mosaic.Request(image=deep, threshold=SETTINGS["a level"]), tmp_path)


def test_an_image_beyond_the_limit_is_told_of_windows(monkeypatch, tiff):
    monkeypatch.setattr(raster.check_size, "__kwdefaults__", {"most": 50_000})
    with pytest.raises(ReadError, match=r"270 x 230 px, the limit is 0 Mpx; .* by windows"):
        raster.check_size(tiff, 230, 270, 1, 8, factor=1e9)


@pytest.mark.parametrize("how", [{"tile": (64, 96)}, {"rowsperstrip": 50}, {"tile": (64, 64), "compression": "zlib"}])
def test_a_box_of_a_tiff_is_what_the_reader_gives_of_the_whole(picture, tmp_path, how):
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, picture, **how)
    with readers.windows(path) as image:
        assert image.shape == picture.shape
        for box in (
            (slice(0, 230), slice(0, 270)),
            (slice(63, 131), slice(95, 97)),
            (slice(229, 230), slice(260, 270)),
        ):
            assert np.array_equal(image.read(box), picture[box])


def test_a_box_of_an_ome_zarr_is_what_the_reader_gives_of_the_whole(picture, tmp_path):
    zarr = pytest.importorskip("zarr")
    folder = tmp_path / "image.ome.zarr"
    group = zarr.open_group(str(folder), mode="w", zarr_format=2)
    made = group.create_array("0", shape=(1, *picture.shape), chunks=(1, 64, 64), dtype="u1")
    made[0] = picture
    axes = [{"name": "c", "type": "channel"}] + [{"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]
    scale = [{"type": "scale", "scale": [1.0, 0.5, 0.5]}]
    group.attrs["multiscales"] = [
        {"version": "0.4", "axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    ]
    with readers.windows(folder) as image:
        assert image.shape == picture.shape
        assert image.calibration.pixel_um == 0.5
        box = (slice(60, 200), slice(5, 260))
        assert np.array_equal(image.read(box), readers.read(folder).pixels[box])
    found = mosaic.measure(mosaic.Request(image=folder, threshold=SETTINGS["a level"], side_px=128), tmp_path / "kept")
    areas, _, features, _ = whole(picture, SETTINGS["a level"])
    assert found.areas_px == areas
    pd.testing.assert_frame_equal(found.features, features, check_exact=True)
