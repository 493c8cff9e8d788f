"""What is painted on a picture means what its strokes say: drawn structures, painted by rule, read back."""

import io
import re
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.evidence import edits
from inspect_tool.inspection import correct, painted
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.pixels.png import encode

SHAPE = (120, 160)
SIDE = 40  # of a square grain
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]


def disk(row, column, radius):
    return np.hypot(ROWS - row, COLUMNS - column) < radius


def micrograph(roi=None):
    gray = np.random.default_rng(3).integers(90, 200, SHAPE).astype(np.uint8)
    return Micrograph(pixels=gray, calibration=Calibration(pixel_um=1.0, source="x"), path="f.png", roi=roi)


def grains():
    """Twelve square grains that fill the field."""
    labels = (1 + ROWS // SIDE * 4 + COLUMNS // SIDE).astype(np.int32)
    return Segmentation(labels=labels, classes={1: "grain"}, kind="instance", backend="x")


def objects():
    """Two objects, 1 and 2, and background."""
    labels = (disk(60, 50, 25) + 2 * disk(60, 120, 20)).astype(np.int32)
    return Segmentation(labels=labels, classes={1: "pore"}, kind="instance", backend="x")


def classes():
    """Two phases in a matrix."""
    labels = (disk(60, 50, 25) + 2 * disk(60, 120, 20)).astype(np.int32)
    return Segmentation(labels=labels, classes={0: "ferrite", 1: "pearlite", 2: "pore"}, kind="semantic", backend="x")


def read(tmp_path, picture, current, roi=None):
    path = tmp_path / "painted.png"
    Image.fromarray(picture).save(path)
    return correct.read_corrected(path, micrograph(roi), current, used=20)


def stroke(picture, start, end, color, width=3):
    """A brush with a soft edge, from (row, column) to (row, column)."""
    picture = np.ascontiguousarray(picture)
    return cv2.line(picture, start[::-1], end[::-1], color, width, cv2.LINE_AA)


def blended(picture, share, color):
    """A color laid over a picture with a share of 0 to 1 for every pixel: a brush as soft as one likes."""
    mixed = picture * (1 - share[..., None]) + np.array(color) * share[..., None]
    return np.rint(mixed).astype(np.uint8)


# ------------------------------------------------------------------------------------------------------- the overlay


@pytest.mark.parametrize("current", [grains(), objects(), classes()], ids=["grains", "objects", "classes"])
def test_a_picture_that_nobody_painted_on_means_what_is_measured_now(tmp_path, current):
    assert np.array_equal(read(tmp_path, painted.overlay(micrograph(), current), current), current.labels)
    (tmp_path / "f.ora").write_bytes(painted.layered(micrograph(), current))
    assert np.array_equal(correct.read_corrected(tmp_path / "f.ora", micrograph(), current), current.labels)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_a_red_line_through_a_grain_makes_two_and_moves_no_other(tmp_path, width):
    current = grains()
    picture = stroke(painted.overlay(micrograph(), current), (38, 60), (82, 60), RED, width)  # over grain 6
    found = read(tmp_path, picture, current)
    changed = found != current.labels
    assert set(np.unique(current.labels[changed])) == {6}
    assert set(np.unique(found[changed])) == {21}
    assert np.count_nonzero(changed) == pytest.approx(SIDE * SIDE / 2, abs=SIDE)  # a column more or less
    assert (found[60, 45], found[60, 75]) in ((6, 21), (21, 6))


def test_a_green_stroke_across_a_boundary_makes_one_grain_and_books_the_smaller(tmp_path):
    labels = np.where(COLUMNS < 100, 1, 2).astype(np.int32)
    current = replace(grains(), labels=labels)
    picture = stroke(painted.overlay(micrograph(), current), (60, 95), (60, 106), GREEN)
    found = read(tmp_path, picture, current)
    assert (found == 1).all()
    assert np.count_nonzero(found != labels) == 60 * SHAPE[0]


def test_red_takes_away_and_cuts_objects_and_green_makes_and_joins_them(tmp_path):
    current = objects()
    picture = stroke(painted.overlay(micrograph(), current), (30, 50), (90, 50), RED)
    picture[disk(20, 140, 8)] = GREEN
    picture[disk(60, 120, 22)] = RED
    found = read(tmp_path, picture, current)
    assert not found[disk(60, 120, 22)].any()
    assert len({found[60, 35], found[60, 65], found[20, 140], 0}) == 4
    assert np.array_equal(found > 20, (found == found[20, 140]) | (found == max(found[60, 35], found[60, 65])))
    assert np.count_nonzero(found == found[20, 140]) == np.count_nonzero(disk(20, 140, 8))
    joined = read(tmp_path, stroke(painted.overlay(micrograph(), current), (60, 60), (60, 110), GREEN), current)
    assert joined[60, 50] == joined[60, 90] == joined[60, 120] == 1  # the larger keeps its number


@pytest.mark.parametrize("hardness", [0.9, 0.5, 0.1])
def test_half_of_a_soft_edge_goes_with_the_stroke(tmp_path, hardness):
    """The share of the color falls from the hard core to the rim: half way lies the outline that a person sees."""
    current = classes()
    radius = 18.0
    share = np.clip((radius - np.hypot(ROWS - 60, COLUMNS - 90)) / (radius * (1 - hardness)), 0, 1)
    found = read(tmp_path, blended(painted.overlay(micrograph(), current), share, BLUE), current)
    half = radius * (1 + hardness) / 2
    assert np.count_nonzero(found == 2) == pytest.approx(
        np.count_nonzero(disk(60, 90, half) | disk(60, 120, 20)), rel=0.03
    )
    assert np.array_equal(found == 1, (current.labels == 1) & (found != 2))


def test_two_strokes_that_overlap_softly_are_told_apart(tmp_path):
    current = classes()
    picture = painted.overlay(micrograph(), current)
    soft = [np.clip((14 - np.hypot(ROWS - 30, COLUMNS - column)) / 6, 0, 1) for column in (70, 84)]
    picture = blended(blended(picture, soft[0], RED), soft[1], BLUE)
    found = read(tmp_path, picture, current)
    assert (found[30, 84], found[60, 120], found[60, 50]) == (2, 2, 1)
    assert not found[30, 60:72].any()


def test_outside_of_the_region_nothing_counts(tmp_path):
    roi = COLUMNS < 80
    current = classes()
    picture = painted.overlay(micrograph(roi), current)
    picture[disk(60, 120, 30)] = RED
    assert np.array_equal(read(tmp_path, picture, current, roi), current.labels)


def test_a_color_that_means_nothing_is_refused_with_its_place(tmp_path):
    current = objects()
    picture = painted.overlay(micrograph(), current)
    picture[70:75, 90:95] = (255, 0, 255)
    told = "the color #ff00ff at row 70, column 90 is none to paint with (red #ff0000: boundary or background"
    with pytest.raises(ReadError, match=re.escape(told)):
        read(tmp_path, picture, current)


def test_a_picture_that_was_exported_before_another_edit_is_refused(tmp_path):
    current = objects()
    picture = painted.overlay(micrograph(), current)
    later = replace(current, labels=np.where(disk(60, 120, 22), 0, current.labels).astype(np.int32))
    with pytest.raises(ReadError, match=r"row \d+, column \d+ is none to paint with .*exported before another edit"):
        read(tmp_path, picture, later)


@pytest.mark.parametrize("current", [objects(), classes(), grains()], ids=["objects", "classes", "grains"])
def test_a_picture_that_was_saved_with_loss_is_refused(tmp_path, current):
    path = tmp_path / "lossy.jpg"
    Image.fromarray(painted.overlay(micrograph(), current)).save(path, quality=85)
    with pytest.raises(ReadError, match=r"is a picture with \d+ colors and not that of --export.*save it as PNG"):
        correct.read_corrected(path, micrograph(), current)


def test_a_stroke_that_parts_nothing_is_said_to(tmp_path):
    current = grains()
    picture = stroke(painted.overlay(micrograph(), current), (55, 60), (65, 60), RED)
    with pytest.raises(ReadError, match=r"first at row 5\d, column \d+\) neither parts nor joins anything"):
        read(tmp_path, picture, current)


def test_more_classes_than_colors_are_one_line():
    many = replace(classes(), classes={number: f"phase {number}" for number in range(12)})
    with pytest.raises(SettingsError, match="12 classes are more than there are colors"):
        painted.brushes(many)


# -------------------------------------------------------------------------------------------------------- the layers


def layers_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as whole:
        return {name: whole.read(name) for name in whole.namelist()}


def repacked(path, members):
    with zipfile.ZipFile(path, "w") as whole:
        for name, content in members.items():
            whole.writestr(name, content)
    return path


def pixels_of(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def test_the_layered_file_is_openraster():
    data = painted.layered(micrograph(), grains())
    assert data[30:54] == b"mimetypeimage/openraster"  # first and not compressed, as the format asks
    members = layers_of(data)
    assert {"stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"} <= set(members)
    names = re.findall(rb'<layer name="([^"]+)" src="([^"]+)"', members["stack.xml"])
    assert [name for name, _ in names] == [b"draw here", b"labels", b"micrograph"]  # from the top
    assert np.array_equal(pixels_of(members["data/2.png"])[..., 0], micrograph().pixels)
    colors = pixels_of(members["data/1.png"]).reshape(-1, 4)
    assert len(np.unique(colors, axis=0)) == 12  # a color for every grain


@pytest.mark.parametrize("part", [np.s_[:, :], np.s_[30:90, 40:100]], ids=["whole", "cut to what is drawn"])
def test_a_red_line_on_the_upper_layer_parts_a_grain(tmp_path, part):
    members = layers_of(painted.layered(micrograph(), grains()))
    drawn = np.zeros((*SHAPE, 4), np.uint8)
    drawn[..., :3] = RED
    drawn[..., 3] = stroke(np.zeros((*SHAPE, 3), np.uint8), (38, 60), (82, 60), (255, 255, 255))[..., 0]
    members["data/0.png"] = painted.png(drawn[part])
    top, left = part[0].start or 0, part[1].start or 0
    members["stack.xml"] = members["stack.xml"].replace(b'x="0" y="0"', f'x="{left}" y="{top}"'.encode(), 1)
    found = correct.read_corrected(repacked(tmp_path / "f.ora", members), micrograph(), grains(), used=20)
    assert set(np.unique(found[found != grains().labels])) == {21}
    assert np.count_nonzero(found == 21) == pytest.approx(SIDE * SIDE / 2, abs=SIDE)


def test_filling_with_a_color_joins_and_makes_grains_and_erasing_through_one_parts_it(tmp_path):
    current = grains()
    members = layers_of(painted.layered(micrograph(), current))
    layer = pixels_of(members["data/1.png"])
    layer[current.labels == 2] = layer[20, 20]  # the color of grain 1
    layer[80:, 80:100] = (1, 2, 3, 255)  # half of grain 11
    layer[40:80, 59:61] = 0  # through grain 6
    members["data/1.png"] = painted.png(layer)
    found = correct.read_corrected(repacked(tmp_path / "f.ora", members), micrograph(), current, used=20)
    assert (found[:40, :80] == 1).all()
    assert np.count_nonzero(found == found[100, 90]) == SIDE * SIDE / 2
    assert found[100, 110] == 11
    assert found[60, 45] != found[60, 75]
    assert {found[60, 45], found[60, 75], found[100, 90]} == {6, 21, 22}
    assert len(np.unique(found)) == 13  # one less, two more
    assert found.all()


def test_a_soft_brush_on_the_labels_goes_to_the_nearer_color(tmp_path):
    current = classes()
    members = layers_of(painted.layered(micrograph(), current))
    layer = pixels_of(members["data/1.png"])
    share = np.clip((12 - np.hypot(ROWS - 60, COLUMNS - 50)) / 4, 0, 1)
    layer[..., :3] = blended(layer[..., :3], share, BLUE)
    members["data/1.png"] = painted.png(layer)
    found = correct.read_corrected(repacked(tmp_path / "f.ora", members), micrograph(), current)
    assert np.count_nonzero((found == 2) & disk(60, 50, 25)) == pytest.approx(
        np.count_nonzero(disk(60, 50, 10)), rel=0.1
    )
    assert np.array_equal(found > 0, current.labels > 0)


def test_layered_files_that_cannot_be_taken_are_one_line(tmp_path):
    current = objects()
    members = layers_of(painted.layered(micrograph(), current))
    path = tmp_path / "f.ora"
    flat = {**members, "stack.xml": members["stack.xml"].replace(b"draw here", b"a").replace(b"labels", b"b")}
    with pytest.raises(ReadError, match=r"has no layer 'draw here' and none 'labels' \(there are: 'a', 'b', 'micro"):
        correct.read_corrected(repacked(path, flat), micrograph(), current)
    with pytest.raises(ReadError, match=r"stack.xml cannot be parsed"):
        correct.read_corrected(repacked(path, {**members, "stack.xml": b"<image"}), micrograph(), current)
    with pytest.raises(ReadError, match=r"the layer data/1.png cannot be read"):
        correct.read_corrected(repacked(path, {**members, "data/1.png": b"\x89PNG"}), micrograph(), current)
    large = members["stack.xml"].replace(b'w="160"', b'w="161"')
    with pytest.raises(ReadError, match=r"f.ora: mask has 120 x 161 px"):
        correct.check_mask(repacked(path, {**members, "stack.xml": large}), micrograph())
    drawn = np.zeros((*SHAPE, 4), np.uint8)
    drawn[50:60, 70:80] = (200, 120, 90, 255)
    with pytest.raises(ReadError, match=r"#c8785a at row 50, column 70 of the layer 'draw here' is none to paint with"):
        correct.read_corrected(repacked(path, {**members, "data/0.png": painted.png(drawn)}), micrograph(), current)


# ---------------------------------------------------------------------------------------------- masks of numbers


def test_a_stroke_of_background_through_a_grain_of_a_label_image_parts_it(tmp_path):
    current = grains()
    labels = current.labels.copy()
    for i in range(44):  # a diagonal line one pixel wide, 8-connected
        labels[38 + i, 38 + i] = 0
    (tmp_path / "m.png").write_bytes(encode(labels))
    found = correct.read_corrected(tmp_path / "m.png", micrograph(), current, used=20)
    changed = found != current.labels
    assert set(np.unique(current.labels[changed])) == {6}
    assert np.count_nonzero(changed) == pytest.approx(SIDE * SIDE / 2, abs=SIDE)


def test_of_grains_given_as_boundaries_only_what_became_another_grain_is_booked(tmp_path):
    """All boundaries are drawn 3 px wide, as a program gives them back; the one between grains 6 and 7 is missing."""
    current = grains()
    lines = np.zeros(SHAPE, np.uint8)
    for k in (40, 80):
        lines[k - 1 : k + 2] = 255
    for k in (40, 80, 120):
        lines[:, k - 1 : k + 2] = 255
    lines[43:78, 79:82] = 0
    Image.fromarray(lines).save(tmp_path / "m.png")
    found = correct.read_corrected(tmp_path / "m.png", micrograph(), current, used=20)
    assert set(np.unique(current.labels[found != current.labels])) in ({6}, {7})
    assert np.count_nonzero(found != current.labels) == pytest.approx(SIDE * SIDE, rel=0.02)
    assert (
        edits.objects_changed(current.labels, found, "instance")[1] - 1
        == edits.objects_changed(current.labels, found, "instance")[0]
    )


@pytest.mark.parametrize("colored", [True, False])
def test_a_photograph_is_refused_before_anything_is_segmented(tmp_path, colored):
    photo = np.random.default_rng(1).normal(128, 30, (*SHAPE, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(photo if colored else photo[..., 0]).save(tmp_path / "photo.png")
    with pytest.raises(ReadError, match=r"photo.png: is a photograph and no mask: it has \d+ values.*row 0, column 1"):
        correct.check_mask(tmp_path / "photo.png", micrograph())


def test_a_class_that_the_segmentation_does_not_have_is_refused_with_its_place(tmp_path):
    labels = classes().labels.copy()
    labels[10, 20] = 9
    (tmp_path / "m.png").write_bytes(encode(labels))
    with pytest.raises(ReadError, match="has the value 9 at row 10, column 20, a class that the segmentation does not"):
        correct.read_corrected(tmp_path / "m.png", micrograph(), classes())
