"""Windows of an image give the numbers of the whole image, all digits of them."""

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.measure.fraction import line_counts
from inspect_tool.measure.intercepts import directional_counts, junctions
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.measure.seamless import counts, cracks
from inspect_tool.measure.seamless.objects import objects_of
from inspect_tool.measure.seamless.pieces import pieces_of_labels, pieces_of_mask
from inspect_tool.measure.seamless.windows import windows

SIDES = (64, 128, 256)


def _part(image, window, rim_px):
    return None if image is None else image[window.around(rim_px)]


def by_windows(image, side, roi=None):
    """Table of the objects of a mask or a label image, of which no more than a window was seen at a time."""
    measure = pieces_of_mask if image.dtype == np.bool_ else pieces_of_labels
    cut = windows(image.shape, side)
    found = [measure(_part(image, w, cracks.RIM_PX), w, _part(roi, w, cracks.RIM_PX)) for w in cut]
    return objects_of(found, "drawn").table(0.25)


def whole(image, roi=None):
    return region_table(connected(image) if image.dtype == np.bool_ else image, 0.25, roi=roi)


def blobs(seed, blur, share, shape=(300, 340)):
    noise = np.random.default_rng(seed).random(shape)
    noise = gaussian_filter(noise, blur) if blur else noise
    return noise > np.quantile(noise, 1 - share)


def grains(shape=(300, 340), n=120, seed=3):
    rng = np.random.default_rng(seed)
    pixels = np.stack(np.mgrid[: shape[0], : shape[1]], axis=-1).reshape(-1, 2)
    return (cKDTree(rng.random((n, 2)) * shape).query(pixels)[1].reshape(shape) * 7 + 3).astype(np.int32)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("blur", "share"), [(0.0, 0.3), (1.0, 0.5), (3.0, 0.45), (6.0, 0.7)])
def test_objects_of_a_mask_are_the_same_to_the_last_digit(side, blur, share):
    mask = blobs(1, blur, share)
    pd.testing.assert_frame_equal(by_windows(mask, side), whole(mask), check_exact=True)


@pytest.mark.parametrize("side", [32, *SIDES])
def test_grains_are_the_same_to_the_last_digit_and_keep_their_numbers(side):
    labels = grains()
    pd.testing.assert_frame_equal(by_windows(labels, side), whole(labels), check_exact=True)


@pytest.mark.parametrize("side", [32, 128])
def test_a_region_cuts_objects_of_windows_as_those_of_the_whole(side):
    rows, columns = np.mgrid[:300, :340]
    roi = np.hypot(rows - 140, columns - 180) < 120
    mask = blobs(2, 2.0, 0.5) & roi
    pd.testing.assert_frame_equal(by_windows(mask, side, roi), whole(mask, roi), check_exact=True)


def test_one_object_across_forty_windows_is_one():
    rows, columns = np.mgrid[:120, :660]
    wave = np.abs(rows - 60 - 40 * np.sin(columns / 40)) < 6
    wave[:, :5] = wave[:, -5:] = False
    cut = windows(wave.shape, 16)
    assert sum(bool(wave[w.core].any()) for w in cut) > 40
    pd.testing.assert_frame_equal(by_windows(wave, 16), whole(wave), check_exact=True)
    assert len(by_windows(wave, 16)) == 1


def test_a_void_in_the_corner_of_four_windows_is_one_void():
    rows, columns = np.mgrid[:64, :64]
    void = np.hypot(rows - 31.5, columns - 31.5) < 7
    table = by_windows(void, 32)
    assert table["feature"].tolist() == [1]
    assert table[["row_px", "column_px"]].to_numpy().tolist() == [[31.5, 31.5]]
    assert int(table["area_px2"][0]) == int(void.sum())
    corners = np.zeros((64, 64), bool)  # two that touch at the corner of four windows only: 8-connected, one
    corners[28:32, 28:32] = corners[32:36, 32:36] = True
    pd.testing.assert_frame_equal(by_windows(corners, 32), whole(corners), check_exact=True)
    assert len(by_windows(corners, 32)) == 1


def test_a_ring_around_a_window_has_one_outline_and_a_hole():
    rows, columns = np.mgrid[:96, :96]
    ring = np.abs(np.hypot(rows - 48, columns - 47) - 34) < 3  # the window in the middle holds nothing of it
    pd.testing.assert_frame_equal(by_windows(ring, 32), whole(ring), check_exact=True)


def test_a_boundary_along_a_seam_is_counted_once():
    labels = np.ones((64, 64), np.int32)
    labels[:, 32:] = 2
    labels[32:, 32:] = 3
    cut = windows(labels.shape, 32)
    found = counts.grains_added(counts.grain_counts(_part(labels, w, counts.RIM_PX), w) for w in cut)
    assert found.by_direction()[0].intercepts == 64.0
    assert found.by_direction()[90].intercepts == 32.0
    assert found.junctions == 1
    assert found.by_direction() == directional_counts(labels)


@pytest.mark.parametrize("side", SIDES)
def test_intercepts_and_triple_points_are_those_of_the_whole(side):
    labels = grains()
    labels[20:60, 30:90] = -1  # second phase
    labels[250:, :70] = 0  # no specimen
    cut = windows(labels.shape, side)
    found = counts.grains_added(counts.grain_counts(_part(labels, w, counts.RIM_PX), w) for w in cut)
    assert found.by_direction() == directional_counts(labels)
    assert found.junctions == junctions(labels)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("has_region", [False, True])
def test_interceptions_of_a_phase_are_those_of_the_whole(side, has_region):
    mask = blobs(4, 2.0, 0.3)
    roi = blobs(5, 20.0, 0.8) if has_region else None
    cut = windows(mask.shape, side)
    parts = [counts.lines_of_mask(_part(mask, w, counts.RIM_PX), w, _part(roi, w, counts.RIM_PX)) for w in cut]
    assert counts.added(parts) == line_counts(mask, roi)


def test_a_window_that_was_not_measured_stops_the_image():
    mask = blobs(1, 2.0, 0.3)
    cut = windows(mask.shape, 64)
    found = [pieces_of_mask(_part(mask, w, cracks.RIM_PX), w) for w in cut]
    with pytest.raises(MeasurementError, match=r"mosaic.tif: .* row 1 and column 2 was not measured once"):
        objects_of([one for one in found if (one.window.row, one.window.column) != (1, 2)], "mosaic.tif")
    with pytest.raises(MeasurementError, match="row 0 and column 0 was not measured once"):
        objects_of([found[0], *found], "mosaic.tif")


def test_a_label_in_two_windows_that_is_not_connected_is_refused():
    labels = np.zeros((64, 64), np.int32)
    labels[5:9, 5:9] = labels[50:60, 50:60] = 4
    with pytest.raises(MeasurementError, match="object 4 of the label image is in several pieces"):
        by_windows(labels, 32)


def test_windows_begin_at_squares_of_two_pixels_and_own_every_pixel_once():
    with pytest.raises(SettingsError, match="even number of pixels, got 33"):
        windows((64, 64), 33)
    owned = np.zeros((70, 101), int)
    for window in windows(owned.shape, 32):
        owned[window.core] += 1
    assert (owned == 1).all()


def test_a_very_long_object_has_exact_moments():
    # second moments beyond 2^53, where floats are no whole numbers any more
    line = np.zeros((4, 60), np.int32)
    line[1, 3:57] = 1
    window = windows(line.shape, 60)[0]
    far = pieces_of_labels(line, window).sums.moved(40_000_000, 30_000_000)
    columns = np.arange(3, 57, dtype=object) + 30_000_000
    assert int(far.sums[4, 0]) == int((columns**2).sum())
    assert int(far.sums[5, 0]) == int((columns * 40_000_001).sum())
    assert (
        replace(far).moved(-40_000_000, -30_000_000).sums.tolist() == pieces_of_labels(line, window).sums.sums.tolist()
    )


def test_numbers_of_objects_are_those_of_connected_components():
    mask = blobs(7, 1.0, 0.4)
    cut = windows(mask.shape, 64)
    found = objects_of([pieces_of_mask(_part(mask, w, cracks.RIM_PX), w) for w in cut], "drawn")
    labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[1]
    for window, numbers in zip(cut, found.number, strict=True):
        pieces = connected(np.ascontiguousarray(mask[window.core]))
        assert np.array_equal(np.concatenate([[0], numbers])[pieces], labels[window.core])
