"""Object measurements: every expected number is the geometry of the drawn shape."""

import numpy as np
import pytest
from skimage.measure import regionprops

from inspect_tool.measure.regions import connected, edge_labels, region_table


def disc(diameter: float, center: tuple[float, float], shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (((rows - center[0]) ** 2 + (columns - center[1]) ** 2) <= (diameter / 2) ** 2).astype(np.int32)


def rectangle(height: int, width: int) -> np.ndarray:
    image = np.zeros((height + 10, width + 10), dtype=np.int32)
    image[5 : 5 + height, 5 : 5 + width] = 1
    return image


@pytest.mark.parametrize(("height", "width"), [(20, 20), (10, 40), (3, 50)])
def test_rectangle_along_the_pixels_has_its_calipers_and_area(height: int, width: int) -> None:
    row = region_table(rectangle(height, width)).iloc[0]
    assert row.area_px2 == height * width
    assert row.feret_min_px == pytest.approx(min(height, width), abs=1e-9)
    # the outline cuts the corners by half a pixel each
    assert np.hypot(height, width) - 1 < row.feret_max_px <= np.hypot(height, width)
    assert row.perimeter_px == pytest.approx(2 * (height + width), rel=0.05)
    # second moments of a rectangle: L²/12 per axis, ellipse axis 4 sqrt(L²/12)
    assert row.ellipse_major_px == pytest.approx(4 * max(height, width) / np.sqrt(12))
    assert row.ellipse_minor_px == pytest.approx(4 * min(height, width) / np.sqrt(12))


@pytest.mark.parametrize("diameter", [9.0, 15.0, 30.0, 80.0, 160.0])
def test_disc_has_its_calipers_and_its_perimeter_without_bias(diameter: float) -> None:
    rng = np.random.default_rng(4)
    size = int(diameter) + 12
    rows = [
        region_table(disc(diameter, tuple(size / 2 + rng.uniform(0, 1, 2)), (size, size))).iloc[0] for _ in range(40)
    ]
    longest = np.mean([row.feret_max_px for row in rows]) - diameter
    shortest = np.mean([row.feret_min_px for row in rows]) - diameter
    # without correction a hull of pixel edges is 0.5 to 0.9 px too long, one of pixel centers 0.1 to 0.4 px short
    assert abs(longest) < 0.1
    assert -0.5 < shortest < 0.5
    assert np.mean([row.perimeter_px for row in rows]) == pytest.approx(np.pi * diameter, rel=0.015)
    assert np.mean([row.circularity_4pi for row in rows]) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("aspect", [1.25, 2.0, 4.0])
def test_ellipses_have_their_largest_caliper(aspect: float) -> None:
    rng = np.random.default_rng(6)
    errors = []
    for length in np.repeat([20.0, 60.0], 30):
        size = int(length) + 8
        row, column = size / 2 + rng.uniform(0, 1, 2)
        turn = rng.uniform(0, np.pi)
        y, x = np.mgrid[:size, :size] - np.array([row, column])[:, None, None]
        along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        labels = ((along / (length / 2)) ** 2 + (across * aspect / (length / 2)) ** 2 <= 1).astype(np.int32)
        errors.append(region_table(labels).feret_max_px[0] - length)
    assert abs(np.mean(errors)) < 0.1


def test_shape_factors_of_a_large_square_and_ellipse() -> None:
    row = region_table(rectangle(400, 400)).iloc[0]
    # square: pi/4, its root, 2/pi (STANDARDS facts 5.1, geometry)
    assert row.circularity_4pi == pytest.approx(0.7854, rel=0.045)  # perimeter 2 % short along the pixels
    assert row.circularity_iso == pytest.approx(0.8862, rel=0.0225)
    assert row.roundness == pytest.approx(0.6366, rel=0.01)
    assert row.solidity == pytest.approx(1.0, abs=1e-9)
    rows, columns = np.mgrid[:500, :500] - 250
    row = region_table(((rows / 100) ** 2 + (columns / 200) ** 2 <= 1).astype(np.int32)).iloc[0]
    assert row.roundness == pytest.approx(0.5, rel=0.01)
    assert row.aspect_ratio == pytest.approx(0.5, rel=0.01)
    assert row.ellipse_major_px == pytest.approx(400, rel=0.002)


@pytest.mark.parametrize("angle", [0, 20, 45, 90, 135, 170])
def test_orientation_is_counter_clockwise_from_the_rows(angle: float) -> None:
    rows, columns = np.mgrid[:161, :161] - 80
    turn = np.deg2rad(angle)
    along, across = columns * np.cos(turn) - rows * np.sin(turn), columns * np.sin(turn) + rows * np.cos(turn)
    row = region_table(((along / 60) ** 2 + (across / 20) ** 2 <= 1).astype(np.int32)).iloc[0]
    assert abs((row.orientation_deg - angle + 90) % 180 - 90) < 0.5
    assert abs((row.feret_angle_deg - angle + 90) % 180 - 90) < 4
    assert 0 <= row.orientation_deg < 180


def test_agrees_with_scikit_image_on_a_plane_full_of_grains() -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:120, :150]
    seeds = rng.uniform(0, 1, (25, 2)) * (120, 150)
    labels = np.argmin([(rows - r) ** 2 + (columns - c) ** 2 for r, c in seeds], axis=0).astype(np.int32) * 3 + 2
    table = region_table(labels).set_index("feature")
    for region in regionprops(labels):
        row = table.loc[region.label]
        assert row.area_px2 == region.area
        assert (row.row_px, row.column_px) == pytest.approx(region.centroid)
        assert (row.top_px, row.left_px, row.bottom_px, row.right_px) == region.bbox
        assert row.ellipse_major_px == pytest.approx(np.sqrt(region.axis_major_length**2 + 16 / 12))
        assert row.ellipse_minor_px == pytest.approx(np.sqrt(region.axis_minor_length**2 + 16 / 12))
        # another estimator (Crofton); cut objects too, whose perimeter must follow the frame
        assert row.perimeter_px == pytest.approx(region.perimeter_crofton, rel=0.12)
        at_frame = region.bbox[0] == 0 or region.bbox[1] == 0 or region.bbox[2] == 120 or region.bbox[3] == 150
        assert row.touches_edge == at_frame


def test_lengths_carry_the_pixel_size_and_areas_its_square() -> None:
    labels = disc(21, (20, 22), (44, 44))
    plain, scaled = region_table(labels).iloc[0], region_table(labels, 0.5).iloc[0]
    assert scaled.area_um2 == pytest.approx(plain.area_px2 * 0.25)
    for name in ("ecd", "perimeter", "feret_max", "feret_min", "ellipse_major", "ellipse_minor"):
        assert scaled[f"{name}_um"] == pytest.approx(plain[f"{name}_px"] / 2)
    for name in ("circularity_4pi", "roundness", "solidity", "orientation_deg", "row_px"):
        assert scaled[name] == pytest.approx(plain[name])


def test_turning_the_image_turns_nothing_but_angles_and_positions() -> None:
    labels = connected(np.random.default_rng(3).uniform(size=(60, 80)) > 0.7)
    same = ["area_px2", "perimeter_px", "feret_max_px", "feret_min_px", "ellipse_major_px", "solidity"]
    before, after = region_table(labels), region_table(np.rot90(labels).copy())
    # equal up to the perimeter estimator's start of the chain code
    assert after[same].to_numpy() == pytest.approx(before[same].to_numpy(), abs=1e-6, rel=1e-6)


def test_gaps_and_order_of_labels_do_not_matter() -> None:
    labels = np.zeros((30, 60), dtype=np.int32)
    labels[5:10, 5:15], labels[15:25, 40:50] = 2_000_000_000, 7
    table = region_table(labels)
    assert table.feature.tolist() == [7, 2_000_000_000]
    assert table.area_px2.tolist() == [100, 50]


def test_no_object_is_an_empty_table_with_all_columns() -> None:
    empty = region_table(np.zeros((9, 9), dtype=np.int32), 1.0)
    assert len(empty) == 0
    assert {"feature", "area_um2", "feret_max_um", "touches_edge", "circularity_iso"} <= set(empty.columns)


def test_pieces_of_one_label_are_measured_together() -> None:
    labels = np.zeros((40, 60), dtype=np.int32)
    labels[10:20, 10:20], labels[10:20, 40:50] = 1, 1
    row = region_table(labels).iloc[0]
    assert row.area_px2 == 200
    assert row.feret_min_px == pytest.approx(10)
    assert np.hypot(40, 10) - 1 < row.feret_max_px <= np.hypot(40, 10)
    assert row.perimeter_px == pytest.approx(80, rel=0.07)
    assert row.solidity == pytest.approx(0.5, rel=0.01)


def test_object_at_the_border_of_the_roi_touches_the_edge() -> None:
    labels = np.zeros((40, 40), dtype=np.int32)
    labels[10:15, 10:15], labels[10:15, 20:25] = 1, 2
    roi = np.ones((40, 40), dtype=bool)
    roi[:, :10] = False
    assert edge_labels(labels).tolist() == []
    assert edge_labels(labels, roi).tolist() == [1]
    assert region_table(labels, roi=roi).touches_edge.tolist() == [True, False]


def test_touching_corners_are_one_pore_but_two_grains() -> None:
    mask = np.zeros((6, 6), dtype=bool)
    mask[1:3, 1:3] = mask[3:5, 3:5] = True
    assert connected(mask).max() == 1
    assert connected(mask, 4).max() == 2


def test_one_pixel_and_a_single_row_image_can_be_measured() -> None:
    labels = np.zeros((1, 9), dtype=np.int32)
    labels[0, 3:6] = 1
    row = region_table(labels).iloc[0]
    assert row.feret_max_px == pytest.approx(3)
    assert row.touches_edge
    assert 0 < row.circularity_4pi <= 1.2
    labels = np.zeros((5, 5), dtype=np.int32)
    labels[2, 2] = 1
    assert region_table(labels).ecd_px[0] == pytest.approx(np.sqrt(4 / np.pi))
