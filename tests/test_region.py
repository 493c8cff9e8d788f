"""Regions, square pixels and the largest rectangle, against exact truths and brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from skimage.draw import polygon2mask

from inspect_tool.errors import CalibrationError, ReadError, SettingsError
from inspect_tool.images.region import (
    apply_region,
    crop_like,
    largest_rectangle,
    original_shape,
    polygon_mask,
    to_square_pixels,
)
from inspect_tool.model import Calibration, Micrograph, Region

PIXELS = np.random.default_rng(3).integers(0, 256, (60, 80), dtype=np.uint8)


def image(pixels=PIXELS, **changes):
    return Micrograph(pixels=pixels, calibration=Calibration(pixel_um=0.5), path="field.tif", **changes)


# ------------------------------------------------------------------------------------------------------------ region


def test_footer_and_rectangle_cut_pixels_color_and_roi_alike(tmp_path):
    color = np.dstack([PIXELS, PIXELS // 2, 255 - PIXELS])
    roi = PIXELS > 20
    whole = image(color=color, roi=roi)
    found = apply_region(whole, Region(footer_px=10, rectangle=(5, 7, 40, 60)), tmp_path)
    cut = (slice(5, 45), slice(7, 67))
    assert np.array_equal(found.pixels, PIXELS[cut])
    assert np.array_equal(found.color, color[cut])
    assert np.array_equal(found.roi, roi[cut])
    assert not found.pixels.flags.writeable
    assert not found.roi.flags.writeable
    assert found.meta["crop_offset_px"] == "5, 7"
    assert found.meta["original_shape_px"] == "60 x 80"
    assert original_shape(found) == (60, 80)
    assert np.array_equal(crop_like(found, PIXELS, "mask.png"), PIXELS[cut])
    assert np.array_equal(crop_like(found, PIXELS[cut], "mask.png"), PIXELS[cut])


def test_no_region_changes_nothing_but_the_notes(tmp_path):
    found = apply_region(image(), Region(), tmp_path)
    assert np.array_equal(found.pixels, PIXELS)
    assert found.roi is None
    assert "crop" not in found.meta


@pytest.mark.parametrize(
    ("region", "says"),
    [
        (Region(footer_px=60), "footer_px = 60, the image has 60 rows; give 0 to 59"),
        (Region(footer_px=-1), "footer_px = -1"),
        (Region(rectangle=(0, 0, 61, 80)), "does not lie inside the 60 rows x 80 columns"),
        (Region(rectangle=(-1, 0, 10, 10)), "does not lie inside"),
        (Region(rectangle=(0, 0, 0, 10)), "does not lie inside"),
        (Region(rectangle=(0, 70, 10, 11)), "does not lie inside"),
        (Region(footer_px=20, rectangle=(0, 0, 41, 80)), "40 rows x 80 columns above the footer of 20 rows"),
        (Region(polygon=((0, 0), (5, 5))), "polygon needs three or more"),
        (Region(polygon=((0, 0), (5, float("nan")), (9, 9))), "polygon needs three or more"),
        (Region(polygon=((100, 100), (100, 120), (120, 120))), "no pixel is left inside the region"),
    ],
)
def test_a_region_that_does_not_fit(tmp_path, region, says):
    with pytest.raises(SettingsError, match=f"^field.tif: .*{says}"):
        apply_region(image(), region, tmp_path)


def test_the_polygon_is_in_pixels_of_the_file_also_after_a_crop(tmp_path):
    corners = ((10.0, 20.0), (50.0, 25.0), (30.0, 70.0))
    whole = apply_region(image(), Region(polygon=corners), tmp_path)
    cut = apply_region(image(), Region(polygon=corners, rectangle=(20, 30, 20, 20)), tmp_path)
    assert whole.pixels.shape == PIXELS.shape
    assert np.array_equal(cut.roi, whole.roi[20:40, 30:50])
    assert f"{np.count_nonzero(whole.roi)} of 4800 pixels count" in whole.meta["region"]


corner = st.floats(-20, 60).map(lambda value: round(value, 9))  # the reference divides by differences of corners


@given(st.lists(st.tuples(corner, corner), min_size=3, max_size=9))
def test_polygon_against_point_in_polygon(corners):
    # scikit-image tests every pixel center on its own; edges through a center may go either way
    found = polygon_mask(corners, (40, 40))
    expected = polygon2mask((40, 40), np.asarray(corners))
    apart = np.argwhere(found != expected)
    for row, column in apart:
        assert _distance_to_edges(corners, row, column) < 1e-6


def _distance_to_edges(corners, row, column):
    points = np.asarray(corners, float)
    distances = []
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        edge, to = b - a, np.array([row, column]) - a
        along = np.clip(edge @ to / max(edge @ edge, 1e-300), 0, 1)
        distances.append(np.hypot(*(to - along * edge)))
    return min(distances)


@pytest.mark.parametrize("high", [1, 255])
def test_a_mask_file_marks_what_counts(tmp_path, high):
    inside = np.zeros(PIXELS.shape, np.uint8)
    inside[10:30, 15:60] = high
    Image.fromarray(inside).save(tmp_path / "roi of fläche.png")
    found = apply_region(image(), Region(mask="roi of fläche.png"), tmp_path)
    assert np.array_equal(found.roi, inside > 0)
    region = Region(mask="roi of fläche.png", footer_px=20, polygon=((0, 0), (0, 40), (60, 40), (60, 0)))
    found = apply_region(image(roi=PIXELS > 9), region, tmp_path)
    expected = (inside > 0) & (PIXELS > 9)
    expected[:, 40:] = False
    assert np.array_equal(found.roi, expected[:40])


def test_masks_that_do_not_fit(tmp_path):
    Image.fromarray(np.eye(50, dtype=np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(ReadError, match=r"m\.png: mask has 50 x 50 px .*, image field\.tif has 60 x 80 px; give"):
        apply_region(image(), Region(mask="m.png"), tmp_path)
    with pytest.raises(ReadError, match="60 x 80 px or 40 x 80 px after the crop"):
        apply_region(image(), Region(mask="m.png", footer_px=20), tmp_path)
    Image.fromarray(np.zeros(PIXELS.shape, np.uint8)).save(tmp_path / "z.png")
    with pytest.raises(SettingsError, match="no pixel is left inside the region"):
        apply_region(image(), Region(mask="z.png"), tmp_path)
    with pytest.raises(ReadError, match="no such file"):
        apply_region(image(), Region(mask="none.png"), tmp_path)


# --------------------------------------------------------------------------------------------------------- rectangle


def brute_force(mask):
    """Area of the largest rectangle, by trying all of them on summed areas."""
    summed = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), int)
    summed[1:, 1:] = mask.cumsum(0).cumsum(1)
    best = 0
    for top in range(mask.shape[0]):
        for bottom in range(top + 1, mask.shape[0] + 1):
            for left in range(mask.shape[1]):
                for right in range(left + 1, mask.shape[1] + 1):
                    area = (bottom - top) * (right - left)
                    if area > best:
                        inside = summed[bottom, right] - summed[top, right] - summed[bottom, left] + summed[top, left]
                        best = area if inside == area else best
    return best


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_largest_rectangle_against_brute_force(mask):
    top, left, height, width = largest_rectangle(mask)
    assert mask[top : top + height, left : left + width].all()
    assert height * width == brute_force(mask)


def test_largest_rectangle_in_a_disk_is_a_square():
    rows, columns = np.mgrid[:801, :801]
    disk = (rows - 400) ** 2 + (columns - 400) ** 2 <= 400**2
    _, _, height, width = largest_rectangle(disk)
    # the inscribed square has the side r sqrt 2
    assert height == pytest.approx(400 * 2**0.5, abs=3)
    assert width == pytest.approx(400 * 2**0.5, abs=3)


# ------------------------------------------------------------------------------------------- pixels not square


def oblong(pixels, wide, high, **more):
    scale = Calibration(pixel_um=wide, pixel_y_um=high, u_rel=0.01, source="x")
    return Micrograph(pixels=pixels, calibration=scale, path="a.tif", **more)


def test_square_pixels_stay_as_they_are():
    whole = image()
    assert to_square_pixels(whole) is whole


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("high", [1.5, 0.75])
def test_a_plane_stays_a_plane_when_pixels_are_made_square(kind, high):
    # gray = 2 x + 3 y [um] at the centers of pixels of 1 um x 1.5 um; the mean over a new pixel is that at its center
    def plane(shape, wide, tall):
        rows, columns = np.mgrid[: shape[0], : shape[1]]
        return 2 * wide * (columns + 0.5) + 3 * tall * (rows + 0.5)

    gray = plane((24, 30), 1.0, high)
    gray = np.rint(gray).astype(np.uint8) if kind == np.uint8 else gray.astype(kind)
    found = to_square_pixels(oblong(gray, 1.0, high))
    side = max(1.0, high)
    assert found.pixels.shape == ((24, 20) if high > 1 else (18, 30))
    assert found.pixels.dtype == kind
    assert (found.calibration.pixel_um, found.calibration.pixel_y_um) == (side, None)
    assert not found.pixels.flags.writeable
    truth = plane(found.pixels.shape, side, side)
    # p of one pixel and 1 - p of the next: their mean lies p (1 - p) / 2 f of a pixel off the center, at most 1 / 8 f
    slope, factor = (2 * 1.0, high) if high > 1 else (3 * high, 1 / high)
    rounding = 1.0 if kind == np.uint8 else 1e-3  # half a gray value in the file, half after
    assert np.abs(found.pixels - truth).max() <= slope / 8 / factor + rounding
    assert f"1 um wide and {high:g} um high" in found.meta["pixels"]


def test_the_mean_gray_value_stays_where_whole_pixels_are_joined():
    found = to_square_pixels(oblong(PIXELS.astype(np.float32), 1.0, 2.0))
    assert found.pixels.shape == (60, 40)
    assert np.allclose(found.pixels, PIXELS.reshape(60, 40, 2).mean(axis=2))


def test_a_disk_seen_by_oblong_pixels_is_round_again():
    rows, columns = np.mgrid[:200, :400]
    disk = ((rows * 2 - 200) ** 2 + (columns - 200) ** 2 <= 120**2).astype(np.uint8) * 255
    found = to_square_pixels(oblong(disk, 0.5, 1.0)).pixels > 127
    assert found.shape == (200, 200)
    tall, wide = (int(found.any(axis=axis).sum()) for axis in (1, 0))
    assert abs(tall - wide) <= 2
    assert found.sum() == pytest.approx(np.pi * 60**2, rel=0.01)


def test_color_and_region_are_made_square_too():
    color = np.dstack([PIXELS] * 3)
    roi = np.repeat(PIXELS[:, ::2] > 100, 2, axis=1)
    found = to_square_pixels(oblong(PIXELS, 1.0, 2.0, color=color, roi=roi))
    assert found.pixels.shape == (PIXELS.shape[0], PIXELS.shape[1] // 2)
    assert np.array_equal(found.color[:, :, 1], found.pixels)
    assert np.array_equal(found.roi, roi[:, ::2])


def test_a_mask_of_the_file_or_of_the_cut_image_follows_its_pixels(tmp_path):
    cut = to_square_pixels(apply_region(oblong(PIXELS, 2.0, 1.0), Region(footer_px=10), tmp_path))
    labels = (np.arange(PIXELS.size, dtype=np.int32) % 7).reshape(PIXELS.shape)
    whole = crop_like(cut, labels, "m.png")
    assert whole.shape == cut.pixels.shape == ((PIXELS.shape[0] - 10) // 2, PIXELS.shape[1])
    assert np.array_equal(whole, labels[1:-10:2])
    assert np.array_equal(crop_like(cut, labels[:-10], "m.png"), whole)
    assert np.array_equal(crop_like(cut, whole, "m.png"), whole)


def test_pixels_that_no_picture_has_are_refused():
    with pytest.raises(CalibrationError, match=r"a\.tif: a pixel of 0\.1 um x 1 um"):
        to_square_pixels(oblong(PIXELS, 0.1, 1.0))


def test_rectangles_that_do_not_count(tmp_path):
    found = apply_region(image(), Region(exclude=((2, 3, 4, 5),), footer_px=10), tmp_path)
    expected = np.ones((PIXELS.shape[0] - 10, PIXELS.shape[1]), dtype=bool)
    expected[2:6, 3:8] = False
    assert np.array_equal(found.roi, expected)
    with pytest.raises(SettingsError, match=r"exclude \[top, left, height, width\] = \[0, 0, 4, 9999\] does not lie"):
        apply_region(image(), Region(exclude=((0, 0, 4, 9999),)), tmp_path)
