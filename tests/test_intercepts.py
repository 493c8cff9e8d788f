"""What test lines count: events one by one on a few pixels, lattices with exact answers, random mosaics."""

from math import pi, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from inspect_tool.errors import MeasurementError
from inspect_tool.measure import circles_and_lines, intercepts
from inspect_tool.measure.intercepts import SECOND_PHASE, circle, count_line, directional_counts, straight


def image(*rows):
    return np.array(rows, dtype=np.int32)


def count(labels, start, end, **options):
    return count_line(labels, straight(start, end), triple_weight=1.5, **options)


FIVE = image([1, 1, 2, 2, 3])


def test_five_pixels():
    # ends inside grains: 1/2 + 1 + 1/2 segments, two points
    found = count(FIVE, (0, 0), (0, 4))
    assert (found.intersections, found.intercepts) == (2.0, 2.0)
    assert found.length_px == pytest.approx(4.0)
    assert found.hits[:, 1] == pytest.approx([1.5, 3.5], abs=0.06)  # half a step of the sampling


def test_line_that_ends_on_a_boundary():
    # one crossing and half a point; segments 1/2 + 1
    found = count(FIVE, (0, 0), (0, 3.5))
    assert (found.intersections, found.intercepts) == (1.5, 1.5)
    assert sorted(found.weights.tolist()) == [0.5, 1.0]


def test_line_between_two_boundaries():
    # 1/2 + 1/2 points; one whole segment
    found = count(FIVE, (0, 1.5), (0, 3.5))
    assert (found.intersections, found.intercepts) == (1.0, 1.0)


def test_line_inside_one_grain():
    found = count(FIVE, (0, 0), (0, 1))
    assert (found.intersections, found.intercepts, len(found.hits)) == (0.0, 0.0, 0)


def test_pixels_without_a_grain_end_the_line():
    # 1 1 | - - | 2 2 3: one boundary, and the two pixels without a grain are no length
    found = count(image([1, 1, 0, 0, 2, 2, 3]), (0, 0), (0, 6))
    assert found.intersections == 1.0
    assert found.length_px == pytest.approx(6.0 - 2.0)


def test_second_phase_is_half_a_grain_boundary():
    # matrix 1, second phase, matrix 2: half a segment at each end and nothing between
    found = count(image([1, 1, SECOND_PHASE, SECOND_PHASE, 2, 2]), (0, 0), (0, 5))
    assert (found.intersections, found.intercepts) == (2.0, 1.0)
    assert found.length_px == pytest.approx(5.0)
    assert found.grain_length_px == pytest.approx(3.0)


def test_a_grain_met_twice_counts_twice():
    # irregular grain re-entered by the line: every intersection counts
    found = count(image([1] * 4 + [2] * 4 + [1] * 4 + [2] * 4), (0, 0), (0, 15))
    assert found.intersections == 3.0


def three_grains(side=40):
    """Grain 1 above, 2 and 3 below left and right: one triple point in the middle."""
    labels = np.ones((side, side), dtype=np.int32)
    labels[side // 2 :, : side // 2] = 2
    labels[side // 2 :, side // 2 :] = 3
    return labels


def test_triple_point():
    # through (19.5, 19.5) from grain 1 into grain 3 along the edge of grain 2
    labels = three_grains()
    found = count(labels, (0.0, 19.5 - 19.5 * 0.6), (39.0, 19.5 + 19.5 * 0.6))
    assert found.triple_points == 1
    assert found.intersections == 1.5
    doubled = count_line(labels, circle((19.5, 9.5), 20.0), triple_weight=2.0)
    # round circle through the triple point, crossing the boundary of 1 and 2 once more on its left
    assert doubled.triple_points == 1
    assert doubled.intersections == 3.0


def test_a_line_that_passes_beside_a_triple_point_crosses_one_or_two_boundaries():
    labels = three_grains()
    assert count(labels, (0.0, 17.0), (39.0, 17.0)).intersections == 1.0
    beside = count(labels, (10.0, 9.5), (29.0, 28.5 - 3.0))  # 1 -> 2 -> 3
    assert beside.triple_points == 0
    assert beside.intersections == 2.0


def test_tangent():
    # flat boundary; the circle reaches 0.005 px across it and touches
    labels = np.ones((60, 60), dtype=np.int32)
    labels[:, 50:] = 2
    touching = count_line(labels, circle((29.5, 29.5), 2 * (49.5 - 29.5 + 0.005)), triple_weight=2.0)
    assert (touching.intersections, touching.tangents) == (1.0, 1)
    assert count_line(labels, circle((29.5, 29.5), 38.0), triple_weight=2.0).intersections == 0.0
    assert count_line(labels, circle((29.5, 29.5), 44.0), triple_weight=2.0).intersections == 2.0


def test_a_circle_has_no_ends():
    labels = np.ones((50, 50), dtype=np.int32)
    labels[:, 25:] = 2
    found = count_line(labels, circle((24.5, 24.5), 30.0), triple_weight=2.0)
    assert (found.intersections, found.intercepts) == (2.0, 2.0)
    assert found.length_px == pytest.approx(30 * pi)


def test_e1382_counts_every_second_triple_point_twice():
    labels = three_grains()
    lines = [count(labels, (0.0, 19.5 - 19.5 * slope), (39.0, 19.5 + 19.5 * slope)) for slope in (0.4, 0.5, 0.6)]
    assert [line.triple_points for line in lines] == [1, 1, 1]
    # 1 + 2 + 1 of three
    assert intercepts.alternate(lines) == 4.0


def test_slanting_boundary_is_one_crossing():
    # a digital straight boundary of slope 1/7, crossed by lines of other slopes: pixels alone would flicker
    row, column = np.mgrid[0:200, 0:200]
    labels = np.where(row > 100 + (column - 100) / 7, 2, 1).astype(np.int32)
    for slope in (-1.0, -0.3, -0.1, 0.5, 0.9):
        for offset in np.linspace(-1, 1, 9):
            found = count(labels, (100 + offset - 90 * slope, 10.0), (100 + offset + 90 * slope, 190.0))
            assert found.intersections == 1.0


# ------------------------------------------------------------------------------------------- whole fields


def squares(pitch, number):
    row, column = np.mgrid[0 : pitch * number, 0 : pitch * number]
    return (row // pitch * number + column // pitch + 1).astype(np.int32)


def mean_intercept(labels, directions=(0, 45, 90, 135)):
    found = directional_counts(labels)
    return 1 / np.mean([found[d].intercepts / found[d].length_px for d in directions])


def test_square_lattice():
    # exact: 0 and 90 deg lines a; with 45 and 135 deg 2 a / (1 + sqrt 2) = 0.8284 a
    labels = squares(40, 25)
    # a row of 999 px between pixel centers holds 24 boundaries
    assert mean_intercept(labels, (0, 90)) == pytest.approx(999 / 24)
    assert mean_intercept(labels, (0, 90)) == pytest.approx(40, rel=0.042)
    # the frame costs 1 of 25 boundaries in every direction, so that the ratio is exact up to the short
    # chords in the corners that fall between two pixels
    ratio = mean_intercept(labels) / mean_intercept(labels, (0, 90))
    assert ratio == pytest.approx(2 / (1 + sqrt(2)), rel=0.01)


def test_hexagons():
    # side s: isotropic mean intercept pi sqrt(3) s / 4; four directions leave less than 1 % of anisotropy
    side = 20.0
    centers = [(1.5 * side * i, sqrt(3) * side * (j + i % 2 / 2)) for i in range(-2, 30) for j in range(-2, 26)]
    row, column = np.mgrid[0:780, 0:780]
    labels = (cKDTree(centers).query(np.c_[row.ravel(), column.ravel()])[1] + 1).reshape(row.shape).astype(np.int32)
    assert mean_intercept(labels) == pytest.approx(pi * sqrt(3) * side / 4, rel=0.02)


def voronoi(rng, side, pitch):
    """Exact Voronoi labels of a Poisson process, one seed per pitch^2, and the tree of the seeds."""
    pad = 3 * pitch
    seeds = rng.uniform(-pad, side + pad, (rng.poisson((side + 2 * pad) ** 2 / pitch**2), 2))
    tree = cKDTree(seeds)
    row, column = np.mgrid[0:side, 0:side]
    return (tree.query(np.c_[row.ravel(), column.ravel()])[1] + 1).reshape(side, side).astype(np.int32), tree


@pytest.fixture(scope="module")
def mosaics():
    rng = np.random.default_rng(2)
    return [voronoi(rng, 400, 25.0) for _ in range(12)]


def test_random_mosaic_over_whole_fields(mosaics):
    # P_L = 4 sqrt(N_A) / pi; chords shorter than a pixel are lost: at most 1.5 % at 25 px per grain
    found = [1 / mean_intercept(labels) for labels, _ in mosaics]
    expected = 4 / pi / 25.0
    error = np.std(found) / sqrt(len(found))
    assert -0.015 * expected - 3 * error < np.mean(found) - expected < 3 * error


def test_drawn_lines_count_the_mosaic_and_not_its_pixels(mosaics):
    # truth: changes of the nearest seed along the very same lines, without any pixels
    rule, truth, triples = 0.0, 0, 0
    for labels, tree in mosaics:
        lines = [
            line
            for angle in (7, 30, 52, 75, 110, 160)
            for line in intercepts.parallel_lines((0, 0, 400, 400), angle, 280.0, 4)
        ]
        lines += [circle((199.5, 199.5), diameter) for diameter in (120.0, 220.0, 330.0)]
        for line in lines:
            found = count_line(labels, line, triple_weight=1.5)
            nearest = tree.query(line.points)[1]
            truth += np.count_nonzero(np.diff(nearest)) + int(line.closed and nearest[0] != nearest[-1])
            rule += found.intersections
            triples += found.triple_points
            assert found.intercepts == pytest.approx(found.intersections)
    assert truth > 4000
    assert rule == pytest.approx(truth, rel=0.015)
    # two triple points per grain; within 0.25 px of a line: 2 N_A x 0.5 px per length, against 4 sqrt(N_A) / pi
    assert triples / truth == pytest.approx(pi / 4 / 25.0, rel=0.25)


def test_counts_turn_with_the_picture(mosaics):
    labels = mosaics[0][0]
    found, turned = directional_counts(labels), directional_counts(np.rot90(labels))
    for direction in (0, 45, 90, 135):
        assert turned[(direction + 90) % 180] == found[direction]
    line = straight((10.0, 20.0), (380.0, 300.0))
    # rot90 takes (row, column) to (n - 1 - column, row)
    rotated = straight((379.0, 10.0), (99.0, 380.0))
    a = count_line(labels, line, triple_weight=1.5)
    b = count_line(np.ascontiguousarray(np.rot90(labels)), rotated, triple_weight=1.5)
    assert a.intersections == b.intersections


def test_counts_do_not_know_the_numbers_of_the_grains(mosaics):
    labels = mosaics[1][0]
    other = (np.random.default_rng(0).permutation(labels.max() + 1) + 1).astype(np.int32)[labels]
    assert directional_counts(other) == directional_counts(labels)
    line = circle((199.5, 199.5), 300.0)
    assert (
        count_line(other, line, triple_weight=2.0).intersections
        == count_line(labels, line, triple_weight=2.0).intersections
    )


def test_second_phase_over_the_whole_field():
    # stripes of 4 px: matrix 1, second phase, matrix 2, matrix 3; per row 1/2 + 1/2 + 1 intercepts on 12 of 16 px
    labels = np.repeat([[1, SECOND_PHASE, 2, 3]], 4, axis=1).repeat(6, axis=0).astype(np.int32)
    found = directional_counts(labels)[0]
    assert found.intercepts == pytest.approx(6 * 2.0)
    assert found.length_px == pytest.approx(6 * (3 + 0.5 + 0.5 + 3 + 1 + 3))
    assert found.total_length_px == pytest.approx(6 * 15)


def test_whole_chords():
    # the first and last chord of a row touch the frame; columns hold one grain each
    labels = image([1, 1, 2, 2, 2, 3, 3, 4], [1, 1, 2, 2, 2, 3, 3, 4], [1, 1, 2, 2, 2, 3, 3, 4])
    assert sorted(intercepts.chord_lengths(labels).tolist()) == [2.0] * 3 + [3.0] * 3


def test_chords_at_pixels_without_a_grain_are_not_whole():
    assert intercepts.chord_lengths(image([1, 2, 2, 0, 3, 3, 4, 4, 5])).tolist() == [2.0]


# -------------------------------------------------------------------------------------------- test figures


@given(
    st.integers(60, 500),
    st.integers(60, 500),
    st.sampled_from([0.0, 45.0, 90.0, 135.0]),
    st.integers(2, 6),
)
def test_lines_stay_inside_the_window(height, width, angle, number):
    window = (7, 11, height, width)
    lines = intercepts.parallel_lines(window, angle, circles_and_lines.line_length_px(window), number)
    ends = np.concatenate([line.points[[0, -1]] for line in lines])
    assert (ends >= np.array([7, 11]) - 1e-9).all()
    assert (ends <= np.array([7 + height - 1, 11 + width - 1]) + 1e-9).all()


def test_lines_do_not_radiate_from_one_point():
    window = (0, 0, 300, 400)
    lines = [
        line
        for angle in circles_and_lines.ORIENTATIONS_DEG
        for line in intercepts.parallel_lines(window, angle, 269.0, 2)
    ]
    assert {round(line.angle_deg) for line in lines} == {0, 45, 90, 135}
    middles = [tuple(np.round(line.points.mean(axis=0), 3)) for line in lines]
    assert len(set(middles)) == len(lines)


def test_circles_do_not_overlap_and_fit():
    window, diameter = (10, 20, 300, 420), 95.0
    at = np.array(circles_and_lines.centers(window, diameter))
    assert len(at) == 3 * 4
    distance = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    assert distance[distance > 0].min() >= diameter
    assert (at - diameter / 2 >= [10, 20]).all()
    assert (at + diameter / 2 <= [309, 439]).all()


@given(st.floats(1, 2000), st.floats(1, 2000))
def test_preferred_magnification_is_near_and_never_too_small(wanted, at_least):
    found = circles_and_lines.preferred_magnification(wanted, at_least=at_least)
    assert found >= at_least
    if at_least <= wanted / 1.3:
        assert found == pytest.approx(wanted, rel=0.14)


def test_figure_that_does_not_fit():
    # 79.6 mm at 100x are 796 um; the field is 299 um wide
    with pytest.raises(
        MeasurementError, match=r"f\.tif: the image is smaller than the test figure: 299 um against 796"
    ):
        circles_and_lines.fitting_diameter(
            (0, 0, 300, 400), drawn_mm=250 / pi, magnification=100, pixel_um=1.0, where="f.tif"
        )


def test_field_without_room_for_a_figure():
    with pytest.raises(MeasurementError, match="smaller than the smallest test figure"):
        circles_and_lines.magnification_that_fits(
            (0, 0, 30, 400), drawn_mm=79.6, wanted_px=200, smallest_px=50, pixel_um=1.0, where="f.tif"
        )


def test_every_hit_is_drawn():
    labels = squares(20, 12)
    figure = circles_and_lines.count_circles(labels, [(119.5, 119.5)], [180.0, 120.0, 60.0], triple_point_px=0.25)
    marks = circles_and_lines.line_marks(figure)
    assert [mark.kind for mark in marks[:3]] == ["path"] * 3
    drawn = sum(len(mark.points) * float(mark.label.removeprefix("counts ")) for mark in marks[3:])
    assert drawn == sum(one.intersections for one in figure.counts)
    assert {mark.layer for mark in marks} == {"test figure"}
    for mark in marks[:3]:
        radius = np.hypot(*(np.array(mark.points) - 119.5).T)
        assert np.ptp(radius) < 1e-6
