"""What a person draws becomes labels by one rule each: exact pixels, in whole numbers, never where nothing counts."""

import json

import numpy as np
import pytest

from inspect_tool.errors import ReadError
from inspect_tool.web.editing import operations, raster
from inspect_tool.web.editing.operations import (
    Boundary,
    Delete,
    Fill,
    Ground,
    Merge,
    NewObject,
    Reclass,
    SplitLine,
    Stroke,
    applied,
)
from inspect_tool.web.editing.raster import Box

SHAPE = (80, 120)
COLUMNS = np.arange(SHAPE[1])
ROWS, _ = np.mgrid[: SHAPE[0], : SHAPE[1]]


def grains():
    """Three upright strips of 40 px."""
    return np.broadcast_to(COLUMNS // 40 + 1, SHAPE).astype(np.int32)


def objects(*boxes):
    """Rectangles (top, left, bottom, right), numbered from 1."""
    labels = np.zeros(SHAPE, np.int32)
    for number, (top, left, bottom, right) in enumerate(boxes, start=1):
        labels[top:bottom, left:right] = number
    return labels


def ground(labels, kind, **kwargs):
    return Ground(kind=kind, used=int(labels.max()), **kwargs)


def after(labels, operation, kind, **kwargs):
    """Labels with an operation; what it was given must be as it was."""
    kept = labels.copy()
    part, box = applied(labels, operation, ground(labels, kind, **kwargs))
    assert np.array_equal(labels, kept)
    made = labels.copy()
    made[box.part] = part
    rows, columns = np.nonzero(made != labels)
    assert (box.top, box.left, box.bottom, box.right) == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    return made


def distance(start, end):
    """Exact distance of every pixel to a segment in whole numbers: 4 times its square, times length**2."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(object)
    dx, dy = end[0] - start[0], end[1] - start[1]
    long = dx * dx + dy * dy
    x, y = x - start[0], y - start[1]
    along = x * dx + y * dy
    beyond = np.where(along < 0, x * x + y * y, (x - dx) ** 2 + (y - dy) ** 2) * long
    return np.where((along < 0) | (along > long), beyond, (x * dy - y * dx) ** 2) * 4, long


@pytest.mark.parametrize("radius", [0, 1, 4])
@pytest.mark.parametrize("end", [(100, 60), (20, 70), (100, 11), (3, 2), (20, 10), (21, 60)])
def test_a_line_covers_the_pixels_whose_centers_are_near_and_no_other(radius, end):
    box = Box(top=0, left=0, bottom=SHAPE[0], right=SHAPE[1])
    drawn = raster.line([(20, 10), end], radius, box)
    far, long = distance((20, 10), end)
    if long == 0:
        wanted = (2 * radius + 1) ** 2 >= (COLUMNS - 20) ** 2 * 4 + (ROWS - 10) ** 2 * 4
    else:
        wanted = far <= (2 * radius + 1) ** 2 * long
    assert np.array_equal(drawn, wanted.astype(bool))


def test_an_outline_holds_what_lies_within_it():
    box = Box(top=0, left=0, bottom=SHAPE[0], right=SHAPE[1])
    triangle = raster.filled([(10, 5), (70, 5), (10, 65)], box)
    wanted = (COLUMNS >= 10) & (ROWS >= 5) & ((COLUMNS - 10) + (ROWS - 5) <= 60)
    assert np.array_equal(triangle, wanted)
    # a figure of eight: both halves, by the even-odd rule
    crossed = raster.filled([(10, 10), (50, 50), (50, 10), (10, 50)], box)
    assert crossed[30, 15]
    assert crossed[30, 45]
    assert not crossed[15, 30]


def test_a_line_of_40_px_splits_a_grain_and_changes_the_smaller_half_at_most():
    labels = grains()
    made = after(labels, Boundary(points=((40, 30), (79, 30))), "grains")
    assert set(np.unique(made)) == {1, 2, 3, 4}
    # the upper 30 rows are the smaller half; the row of the line goes to either
    changed = np.count_nonzero(made != labels)
    assert 40 * 30 <= changed <= 40 * 31
    assert (made[:30, 40:80] == 4).all()
    assert (made[31:, 40:80] == 2).all()


def test_a_boundary_splits_all_that_it_crosses_and_a_split_line_one_object():
    labels = grains()
    line = ((30, 20), (79, 20))
    assert len(np.unique(after(labels, SplitLine(points=line), "grains"))) == 4
    through = after(labels, Boundary(points=((0, 20), (79, 20))), "grains")
    assert len(np.unique(through)) == 5
    assert through.all()


def test_a_line_that_ends_within_a_grain_parts_nothing():
    with pytest.raises(ReadError, match="at 45, 30: the line parts nothing: draw it from one boundary to another"):
        applied(grains(), Boundary(points=((45, 30), (70, 30))), ground(grains(), "grains"))


def test_a_cut_object_loses_its_line_to_the_background():
    labels = objects((10, 10, 40, 50))
    made = after(labels, SplitLine(points=((5, 20), (60, 20))), "objects")
    assert (made[20, 10:50] == 0).all()
    assert (made[10:20, 10:50] == 2).all()
    assert (made[21:40, 10:50] == 1).all()


def test_a_cut_in_a_class_parts_it_for_who_counts_connected_pieces():
    import cv2

    labels = (objects((10, 10, 60, 60)) > 0).astype(np.int32)
    made = after(labels, SplitLine(points=((9, 9), (60, 60))), "classes", classes=(0, 1))
    count, _ = cv2.connectedComponents((made == 1).astype(np.uint8), connectivity=8)
    assert count - 1 == 2


def test_grains_that_touch_are_made_one_under_the_number_of_the_larger():
    labels = grains()
    labels[:, 30:40] = 2
    made = after(labels, Merge(points=((5, 5), (60, 5))), "grains")
    assert set(np.unique(made)) == {2, 3}
    assert (made[:, :80] == 2).all()
    with pytest.raises(ReadError, match="objects 1, 3 do not touch"):
        applied(grains(), Merge(points=((5, 5), (100, 5))), ground(grains(), "grains"))


def test_objects_are_made_one_across_the_gap_between_them():
    labels = objects((10, 10, 40, 40), (10, 43, 40, 60))
    made = after(labels, Merge(points=((20, 20), (50, 20))), "objects")
    assert set(np.unique(made)) == {0, 1}
    assert (made[19:22, 40:43] == 1).all()  # a bridge of 3 px
    assert np.count_nonzero(made != labels) == 30 * 17 + 9


def test_the_grain_that_is_deleted_goes_to_its_neighbors_an_object_to_the_background():
    made = after(grains(), Delete(point=(60, 10)), "grains")
    assert (made[:, :60] == 1).all()
    assert (made[:, 60:] == 3).all()
    assert not after(objects((10, 10, 40, 40)), Delete(point=(20, 20)), "objects").any()
    with pytest.raises(ReadError, match="at 0, 0: there is no object"):
        applied(objects((10, 10, 40, 40)), Delete(point=(0, 0)), Ground(kind="objects"))


def test_of_a_class_one_connected_piece_is_deleted_or_given_another_class():
    labels = (objects((10, 10, 40, 40), (50, 60, 70, 90)) > 0).astype(np.int32)
    made = after(labels, Delete(point=(20, 20)), "classes", classes=(0, 1, 2))
    assert np.array_equal(made, labels * (ROWS >= 50))
    other = after(labels, Reclass(point=(70, 60), number=2), "classes", classes=(0, 1, 2))
    assert np.array_equal(other, np.where(ROWS >= 50, 2, 1) * labels)
    with pytest.raises(ReadError, match="there is no class 7; there are: 0, 1"):
        applied(labels, Reclass(point=(20, 20), number=7), Ground(kind="classes", classes=(0, 1)))
    with pytest.raises(ReadError, match="objects of one kind have no classes"):
        applied(labels, Reclass(point=(20, 20), number=1), Ground(kind="objects"))


def test_holes_are_filled_from_the_object_and_from_the_hole():
    labels = objects((10, 10, 50, 50))
    labels[20:30, 20:30] = 0
    for point in ((12, 12), (25, 25)):
        assert np.array_equal(after(labels, Fill(point=point), "objects"), objects((10, 10, 50, 50)))
    with pytest.raises(ReadError, match="at 100, 70: the hole is not closed"):
        applied(labels, Fill(point=(100, 70)), Ground(kind="objects"))
    with pytest.raises(ReadError, match="at 12, 12: there is no hole to fill"):
        applied(objects((10, 10, 50, 50)), Fill(point=(12, 12)), Ground(kind="objects"))
    island = grains()
    island[20:30, 50:60] = 9
    assert np.array_equal(after(island, Fill(point=(45, 5)), "grains"), grains())


def test_a_brush_paints_what_it_begins_on_and_the_rest_of_a_cut_grain_gets_a_number_of_its_own():
    labels = grains()
    made = after(labels, Stroke(points=((20, 40), (85, 40)), radius=2), "grains")
    assert (made[38:43, 20:85] == 1).all()
    # strip 2 is cut in two: the larger, lower half keeps its number
    assert (made[:38, 40:80] == 2).all() != (made[43:, 40:80] == 2).all()
    assert set(np.unique(made)) == {1, 2, 3, 4}


def test_a_brush_on_background_makes_an_object_and_rubbing_takes_away():
    labels = objects((10, 10, 40, 40))
    made = after(labels, Stroke(points=((80, 40),), radius=5), "objects")
    disk = 4 * ((COLUMNS - 80) ** 2 + (ROWS - 40) ** 2) <= 11**2
    assert np.array_equal(made, np.where(disk, 2, labels))
    rubbed = after(labels, Stroke(points=((25, 0), (25, 79)), radius=1, number=0), "objects")
    assert (rubbed[:, 24:27] == 0).all()
    assert set(np.unique(rubbed)) == {0, 1, 2}


def test_what_is_rubbed_out_between_grains_goes_to_the_nearest():
    made = after(grains(), Stroke(points=((44, 0), (44, 79)), radius=6, number=0), "grains")
    # 38 to 50 are given up: halfway between 37 and 51 they change hands
    assert (made[:, :44] == 1).all()
    assert (made[:, 45:80] == 2).all()


def test_a_new_object_takes_background_only_a_new_grain_takes_from_its_neighbors():
    labels = objects((10, 10, 40, 40))
    square = ((30, 20), (60, 20), (60, 50), (30, 50))
    made = after(labels, NewObject(points=square), "objects")
    assert np.array_equal(made[:, :40] == 1, labels[:, :40] == 1)
    assert np.count_nonzero(made == 2) == 31 * 31 - 10 * 20
    grain = after(grains(), NewObject(points=square), "grains")
    assert np.count_nonzero(grain == 4) == 31 * 31
    of_class = after(labels, NewObject(points=square, number=2), "classes", classes=(0, 1, 2))
    assert np.count_nonzero(of_class == 2) == 31 * 31


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (Stroke(points=((10, 40), (110, 40)), radius=3), "grains"),
        (Stroke(points=((44, 0), (44, 79)), radius=6, number=0), "grains"),
        (Boundary(points=((0, 40), (119, 40))), "grains"),
        (Delete(point=(45, 40)), "grains"),
        (Merge(points=((10, 10), (50, 10))), "grains"),
        (NewObject(points=((20, 20), (100, 20), (60, 70))), "grains"),
    ],
)
def test_nothing_changes_outside_the_region_that_counts(operation, kind):
    labels = grains()
    region = np.broadcast_to(COLUMNS < 60, SHAPE)
    made = after(labels, operation, kind, region=region)
    assert np.array_equal(made[:, 60:], labels[:, 60:])
    assert not np.array_equal(made, labels)
    assert made.all()


def test_a_point_outside_the_region_is_told():
    region = np.broadcast_to(COLUMNS < 60, SHAPE)
    with pytest.raises(ReadError, match="at 100, 10: lies outside the part that is measured"):
        applied(grains(), Delete(point=(100, 10)), Ground(kind="grains", region=region))


def test_the_same_strokes_in_any_memory_give_the_same_labels():
    labels = grains()
    wide = np.zeros((SHAPE[0] + 3, SHAPE[1] + 5), np.int32)
    wide[3:, 5:] = labels
    stroke = Stroke(points=((33, 11), (71, 62), (5, 70)), radius=7, number=0)
    one = applied(labels, stroke, ground(labels, "grains"))
    other = applied(wide[3:, 5:], stroke, ground(labels, "grains"))
    assert np.array_equal(one[0], other[0])
    assert one[1] == other[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the correction is no JSON"),
        ("[1]", "does not say what to do; it is one of stroke, split"),
        ('{"do": "paint"}', "does not say what to do"),
        ('{"do": "delete"}', "the correction 'delete':.*point"),
        ('{"do": "delete", "point": [1.5, 2]}', "the correction 'delete':.*point"),
        ('{"do": "delete", "point": [1, 2], "more": 1}', "the correction 'delete':.*more"),
        ('{"do": "delete", "point": [120, 2]}', "the point 120, 2 lies outside the image of 120 x 80 pixels"),
        ('{"do": "split", "points": [[1, 2]]}', "has 1 points, must have 2 to 4000"),
        ('{"do": "stroke", "points": [], "radius": 1}', "has 0 points, must have 1 to 4000"),
        ('{"do": "stroke", "points": [[1, 1]], "radius": 501}', "radius of the brush is 501 px, must be 0 to 500"),
        ('{"do": "stroke", "points": [[1, 1]], "radius": true}', "the correction 'stroke':.*radius"),
    ],
)
def test_what_is_no_correction_is_one_line(text, message):
    with pytest.raises(ReadError, match=message) as error:
        operations.parsed(text, SHAPE)
    assert "\n" not in str(error.value)


def test_operations_come_back_from_json_as_they_were():
    for made in (
        Stroke(points=((1, 2), (3, 4)), radius=3, number=0),
        Merge(points=((1, 2), (3, 4))),
        Reclass(point=(5, 6), number=2),
        NewObject(points=((1, 1), (9, 1), (9, 9))),
    ):
        assert operations.parsed(json.dumps(operations.told(made)), SHAPE) == made
