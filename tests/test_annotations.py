"""Annotations of other programs: exact pixels of small shapes, and one line for everything that is wrong."""

import base64
import json
import zipfile

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.images.region import outlines_mask, polygon_mask
from inspect_tool.training.annotations import Settings, read_annotation

roifile = pytest.importorskip("roifile")

SHAPE = (20, 30)
CLASSES = ("matrix", "pore")
THREE = ("background", "joint", "void")
OBJECTS = Settings(kind="instance")


def box(top, left, bottom, right, label=1):
    """Rows top..bottom-1, columns left..right-1."""
    labels = np.zeros(SHAPE, np.int32)
    labels[top:bottom, left:right] = label
    return labels


def write_json(path, data):
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def labelme(folder, *shapes, size=SHAPE, **more):
    listed = [
        {"label": label, "points": points, "shape_type": kind, "group_id": None, **extra}
        for label, kind, points, extra in [(*shape, {})[:4] for shape in shapes]
    ]
    data = {"version": "5.5.0", "imagePath": "../../other.png", "imageData": None, "shapes": listed}
    return write_json(folder / "a.json", {**data, "imageHeight": size[0], "imageWidth": size[1], **more})


def coco(folder, *annotations, images=None, size=SHAPE):
    return write_json(
        folder / "c.json",
        {
            "images": images or [{"id": 7, "file_name": "sub/f.png", "height": size[0], "width": size[1]}],
            "categories": [{"id": 1, "name": "pore"}, {"id": 4, "name": "joint"}, {"id": 9, "name": "void"}],
            "annotations": [{"id": i, "image_id": 7, "category_id": 1, **item} for i, item in enumerate(annotations)],
        },
    )


def region(kind, name="", **values):
    roi = roifile.ImagejRoi()
    roi.roitype, roi.name, roi.version = kind, name, 228
    for key, value in values.items():
        setattr(roi, key, value)
    return roi


def rectangle(top, left, bottom, right, name="", **values):
    return region(roifile.ROI_TYPE.RECT, name, top=top, left=left, bottom=bottom, right=right, **values)


def rois(folder, *regions):
    with zipfile.ZipFile(folder / "r.zip", "w") as archive:
        for i, item in enumerate(regions):
            archive.writestr(f"{item.name or f'{i:04d}-0012'}.roi", item.tobytes())
    return folder / "r.zip"


# ---------------------------------------------------------------------------------------------------------- outlines


def test_outlines_inside_outlines_are_holes():
    outer, hole = np.array([(0, 0), (0, 8), (8, 8), (8, 0)], float), np.array([(2, 2), (2, 5), (5, 5), (5, 2)], float)
    found = outlines_mask([outer, hole], (9, 9))
    assert found.sum() == 64 - 9
    assert not found[2:5, 2:5].any()


@given(seed=st.integers(0, 10_000), corners=st.integers(3, 30))
@settings(max_examples=40)
def test_outlines_are_filled_as_by_an_independent_rule(seed, corners):
    # matplotlib's point-in-polygon test, which is even-odd for simple (star-shaped) polygons
    from matplotlib.path import Path as Outline

    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radius = rng.uniform(3, 18, corners)
    points = np.stack([12.3 + radius * np.sin(angle), 14.7 + radius * np.cos(angle)], axis=1)
    if (np.diff(angle, append=angle[0] + 2 * np.pi) > np.pi).any():
        return
    rows, columns = np.mgrid[:25, :30]
    inside = Outline(points).contains_points(np.stack([rows.ravel(), columns.ravel()], axis=1)).reshape(25, 30)
    assert np.array_equal(polygon_mask([tuple(p) for p in points], (25, 30)), inside)


# ----------------------------------------------------------------------------------------------------------- LabelMe


def test_labelme_shapes_have_their_origin_at_a_pixel_corner(tmp_path):
    # corners (x, y) = (2, 3) to (6, 8) enclose columns 2..5 and rows 3..7
    corners = [[2, 3], [6, 3], [6, 8], [2, 8]]
    for kind, points in {
        "polygon": corners,
        "rectangle": [[6, 8], [2, 3]],
        "oriented_rectangle": corners,
        None: corners,
    }.items():
        path = labelme(tmp_path, ("pore", kind, points))
        assert np.array_equal(read_annotation(path, SHAPE, CLASSES), box(3, 2, 8, 6))
    # the centers of pixels (r, c) at (r + 0.5, c + 0.5) within 3 of (10, 10)
    found = read_annotation(labelme(tmp_path, ("pore", "circle", [[10, 10], [10, 13]])), SHAPE, CLASSES)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    assert np.array_equal(found, (rows - 9.5) ** 2 + (columns - 9.5) ** 2 <= 9)
    assert found.dtype == np.int32


def test_labelme_lines_have_the_width_that_is_asked_for(tmp_path):
    # along the middle of row 4, from the middle of column 3 to that of column 9
    path = labelme(tmp_path, ("pore", "linestrip", [[3.5, 4.5], [6.5, 4.5], [9.5, 4.5]]))
    assert np.array_equal(read_annotation(path, SHAPE, CLASSES), box(4, 3, 5, 10))
    wide = read_annotation(path, SHAPE, CLASSES, Settings(line_px=3.0))
    assert np.array_equal(wide[3:6, 3:10], np.ones((3, 7)))
    assert wide.sum() == 21 + 6  # round ends: centers at 1 and at the root of 2 are within 1.5
    # thin lines at any angle hang together
    path = labelme(tmp_path, ("pore", "line", [[1.2, 18.9], [28.3, 2.1]]))
    count, _ = cv2.connectedComponents(read_annotation(path, SHAPE, CLASSES).astype(np.uint8), connectivity=8)
    assert count == 2


def test_thin_gaps_between_drawn_grains_are_given_back(tmp_path):
    grains = [[[0, 0], [14, 9]], [[15, 0], [30, 9]], [[0, 10], [14, 20]], [[15, 10], [30, 20]]]
    path = labelme(tmp_path, *(("pore", "rectangle", points) for points in grains))
    found = read_annotation(path, SHAPE, CLASSES, OBJECTS)
    assert found.min() == 1
    for number, ((left, top), (right, bottom)) in enumerate(grains, start=1):
        assert (found[top:bottom, left:right] == number).all()
    assert read_annotation(path, SHAPE, CLASSES, Settings(kind="instance", blank="unknown")).min() == -1
    ignored = labelme(
        tmp_path, *(("pore", "rectangle", points) for points in grains[:3]), ("ignore", "rectangle", grains[3])
    )
    assert (read_annotation(ignored, SHAPE, CLASSES, OBJECTS)[10:20, 15:30] == -1).all()


def test_drawn_lines_may_be_the_boundaries_of_objects(tmp_path):
    lines = [[[0, 10], [30, 10]], [[10, 0], [10, 20]], [[20, 0], [20, 20]]]
    path = labelme(tmp_path, *(("boundary", "line", points) for points in lines))
    settings = Settings(kind="instance", mask="boundaries")
    found = read_annotation(path, SHAPE, ("grain", "boundary"), settings)
    assert found.min() == 1
    assert np.array_equal(np.unique(found[2, [2, 15, 25]]), [1, 2, 3])
    assert found.max() == 6
    path = labelme(tmp_path, *(("boundary", "line", p) for p in lines), ("ignore", "rectangle", [[22, 0], [30, 9]]))
    assert (read_annotation(path, SHAPE, ("grain", "boundary"), settings)[:9, 22:] == -1).all()


def test_labelme_masks_lie_at_their_corner(tmp_path):
    piece = np.array([[1, 0, 1], [0, 1, 1]], np.uint8)
    text = base64.b64encode(cv2.imencode(".png", piece * 255)[1].tobytes()).decode()
    path = labelme(tmp_path, ("pore", "mask", [[5, 7], [7, 8]], {"mask": text}))
    expected = np.zeros(SHAPE, np.int32)
    expected[7:9, 5:8] = piece
    assert np.array_equal(read_annotation(path, SHAPE, CLASSES), expected)
    path = labelme(tmp_path, ("pore", "mask", [[28, 19], [30, 20]], {"mask": text}))
    assert read_annotation(path, SHAPE, CLASSES).sum() == 1  # the rest is beyond the edge


def test_the_smaller_shape_is_seen_whatever_the_order(tmp_path):
    joint, void = ("joint", "rectangle", [[1, 1], [21, 16]]), ("void", "rectangle", [[5, 5], [9, 9]])
    expected = box(1, 1, 16, 21) + box(5, 5, 9, 9)
    for shapes in ((joint, void), (void, joint)):
        assert np.array_equal(read_annotation(labelme(tmp_path, *shapes), SHAPE, THREE), expected)


def test_objects_of_one_group_are_one_object(tmp_path):
    def shapes(groups):
        boxes = ([[1, 1], [4, 4]], [[8, 1], [12, 4]], [[20, 10], [24, 14]])
        return [("pore", "rectangle", b, {"group_id": g}) for b, g in zip(boxes, groups, strict=True)]

    apart = read_annotation(labelme(tmp_path, *shapes((None, None, None))), SHAPE, CLASSES, OBJECTS)
    assert np.array_equal(apart, box(1, 1, 4, 4) + box(1, 8, 4, 12, 2) + box(10, 20, 14, 24, 3))
    grouped = read_annotation(labelme(tmp_path, *shapes((5, 5, None))), SHAPE, CLASSES, OBJECTS)
    assert np.array_equal(grouped, box(1, 1, 4, 4) + box(1, 8, 4, 12) + box(10, 20, 14, 24, 2))


def test_ignored_and_blank_pixels_are_not_annotated(tmp_path):
    path = labelme(tmp_path, ("pore", "rectangle", [[1, 1], [4, 4]]), ("ignore", "rectangle", [[10, 0], [30, 20]]))
    assert np.array_equal(read_annotation(path, SHAPE, CLASSES), box(1, 1, 4, 4) - box(0, 10, 20, 30))
    assert np.array_equal(read_annotation(path, SHAPE, CLASSES, OBJECTS), box(1, 1, 4, 4) - box(0, 10, 20, 30))
    path = labelme(tmp_path, ("pore", "rectangle", [[1, 1], [4, 4]]), ("matrix", "rectangle", [[10, 0], [30, 20]]))
    found = read_annotation(path, SHAPE, CLASSES, Settings(blank="unknown"))
    assert np.array_equal(found, 2 * box(1, 1, 4, 4) + box(0, 10, 20, 30) - 1)


def test_names_are_mapped_and_letters_may_be_large(tmp_path):
    path = labelme(tmp_path, ("Pore", "rectangle", [[1, 1], [4, 4]]), ("hole", "rectangle", [[10, 1], [14, 4]]))
    found = read_annotation(path, SHAPE, CLASSES, Settings(names={"hole": "pore"}))
    assert np.array_equal(found, box(1, 1, 4, 4) + box(1, 10, 4, 14))
    with pytest.raises(
        SettingsError, match=r"a\.json: shape 2 'hole': 'hole' is not one of the classes matrix, pore \(or ignore\)"
    ):
        read_annotation(path, SHAPE, CLASSES)
    with pytest.raises(SettingsError, match="names: 'pores' is not one of the classes matrix, pore"):
        read_annotation(path, SHAPE, CLASSES, Settings(names={"hole": "pores"}))


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (("pore", "polygon", [[1, 1], [2, 2]]), r"shape 1 'pore': has 2 points, it needs 3; draw the shape again"),
        (("pore", "point", [[1, 1]]), "shape 1 'pore': a point marks no area; known are polygon, rectangle"),
        (("pore", "polygon", [[1, 1], [2], [3, 3]]), "its points are no list of x, y pairs"),
        (("pore", "polygon", [[1, 1], [2, float("nan")], [3, 3]]), "its points are no list of x, y pairs"),
        (("pore", "polygon", None), "its points are no list of x, y pairs"),
        (("pore", "rectangle", [[40, 1], [50, 9]]), r"lies outside the image of 20 x 30 px .*another image\?"),
        (("pore", "mask", [[1, 1], [2, 2]], {"mask": "%%%"}), "its mask is no PNG in base64"),
        (("pore", "mask", [[1, 1], [2, 2]], {"mask": base64.b64encode(b"GIF89a").decode()}), "no PNG in base64"),
        ((3, "polygon", [[1, 1], [2, 2], [3, 1]]), "shape 1 has no label"),
    ],
)
def test_labelme_shapes_that_are_wrong(tmp_path, shape, says):
    with pytest.raises(ReadError, match=r"a\.json: .*" + says) as error:
        read_annotation(labelme(tmp_path, shape), SHAPE, CLASSES)
    assert "\n" not in str(error.value)


def test_labelme_of_another_image_or_without_shapes(tmp_path):
    shape = ("pore", "rectangle", [[1, 1], [4, 4]])
    with pytest.raises(ReadError, match=r"is of an image of 40 x 30 px \(rows x columns\), this one has 20 x 30"):
        read_annotation(labelme(tmp_path, shape, size=(40, 30)), SHAPE, CLASSES)
    with pytest.raises(ReadError, match=r"a\.json: holds no shape; mark the structure, or say may_be_empty"):
        read_annotation(labelme(tmp_path), SHAPE, CLASSES)
    empty = read_annotation(labelme(tmp_path), SHAPE, CLASSES, Settings(may_be_empty=True))
    assert not empty.any()


def test_pictures_that_a_file_names_are_not_opened(tmp_path):
    path = labelme(tmp_path, ("pore", "rectangle", [[1, 1], [4, 4]]), imagePath="/etc/passwd", imageData="no picture")
    assert read_annotation(path, SHAPE, CLASSES).sum() == 9


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", r"not valid JSON \(.*\); export it again"),
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "neither LabelMe"),
        ("{}", "neither LabelMe"),
        ('{"shapes": 3}', "'shapes' is no list"),
        ('{"shapes": [3]}', "shape 1 has no label"),
        ('{"annotations": []}', "has no list 'images'"),
        ('{"annotations": [], "images": [{"id": 1}]}', r"images\[0\] has no 'file_name'"),
        ('{"annotations": [], "images": []}', "has no image 'f.png'; its 0 images are none"),
    ],
)
def test_json_that_is_broken(tmp_path, text, says):
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(ReadError, match=r"b\.json: .*" + says):
        read_annotation(tmp_path / "b.json", SHAPE, CLASSES, image="f.png")


# -------------------------------------------------------------------------------------------------------------- COCO


def test_coco_outlines_have_their_origin_at_a_pixel_corner(tmp_path):
    # pycocotools 2.0.11 frPyObjects gives the same 20 pixels, rows 3..7 and columns 2..5
    outline = [2, 3, 6, 3, 6, 8, 2, 8]
    assert np.array_equal(read_annotation(coco(tmp_path, {"segmentation": [outline]}), SHAPE, CLASSES), box(3, 2, 8, 6))
    two = coco(tmp_path, {"segmentation": [outline, [10, 3, 12, 3, 12, 8, 10, 8]]}, {"segmentation": [outline]})
    found = read_annotation(two, SHAPE, CLASSES, OBJECTS)
    assert np.array_equal(found[:, 10:], box(3, 10, 8, 12)[:, 10:])  # both parts of the first are object 1


def test_coco_run_lengths(tmp_path):
    # from pycocotools 2.0.11, mask.encode of this array
    mask = np.array([[int(sign) for sign in row] for row in RANDOM_MASK])
    shape = mask.shape
    text = "6120O020N20N00120N10N01030M1O10N011O"
    path = coco(tmp_path, {"segmentation": {"size": list(shape), "counts": text}}, size=shape)
    assert np.array_equal(read_annotation(path, shape, CLASSES), mask)
    flat = np.concatenate([[0], mask.T.ravel(), [2]])
    runs = np.diff(np.flatnonzero(np.diff(flat, prepend=-1))).tolist()
    runs[0] -= 1  # the leading zero that makes the first run one of zeros
    path = coco(tmp_path, {"segmentation": {"size": list(shape), "counts": runs}}, size=shape)
    assert np.array_equal(read_annotation(path, shape, CLASSES), mask)


def test_coco_long_run_lengths(tmp_path):
    # from pycocotools 2.0.11: an ellipse with a rectangular hole and two single pixels, runs of more than 15
    rows, columns = np.mgrid[:40, :60]
    mask = (rows - 18) ** 2 / 144 + (columns - 30) ** 2 / 500 < 1
    mask[10:14, 25:40] = False
    mask[0, 0] = mask[39, 59] = True
    text = (
        "01_:4bF4M2N2N2O0O2O0O2O0O2O00000O2O0000\\OC==CC==CC==CC==CC==CC==CC==CC==CC==CC==CC==CC==CC==CC=>BB=?"
        "600001N101N101N101N2N2N3LY8L"
    )
    path = coco(tmp_path, {"segmentation": {"size": [40, 60], "counts": text}}, size=(40, 60))
    assert np.array_equal(read_annotation(path, (40, 60), CLASSES), mask)


RANDOM_MASK = ("000111011", "001000010", "010101001", "001010011", "011000110", "001101010", "100100001")


def test_coco_images_are_found_by_their_name(tmp_path):
    def image(number, name):
        return {"id": number, "file_name": name, "height": 20, "width": 30}

    def found(images, name):
        path = coco(tmp_path, {"segmentation": [[2, 3, 6, 3, 6, 8, 2, 8]]}, images=images)
        return read_annotation(path, SHAPE, CLASSES, Settings(may_be_empty=True), image=name).any()

    both = [image(7, "sub/f.png"), image(8, "g.png")]
    assert found(both, "f.png")
    assert found(both, "/data/f.tif")
    assert found(both, "sub/f.png")
    assert not found(both, "g.png")
    assert found([image(7, "sub\\f.png")], "")
    with pytest.raises(ReadError, match=r"has no image 'h\.png'; its 2 images are f\.png, g\.png"):
        found(both, "h.png")
    with pytest.raises(ReadError, match="holds 2 images; say which one is meant"):
        found(both, "")
    with pytest.raises(ReadError, match=r"2 of its images are called 'f\.png'"):
        found([image(7, "a/f.png"), image(8, "b/f.png")], "f.png")


def test_a_coco_crowd_has_a_class_and_no_objects(tmp_path):
    crowd = {"segmentation": [[10, 3, 12, 3, 12, 8, 10, 8]], "iscrowd": 1}
    path = coco(tmp_path, {"segmentation": [[2, 3, 6, 3, 6, 8, 2, 8]]}, crowd)
    assert np.array_equal(read_annotation(path, SHAPE, CLASSES), box(3, 2, 8, 6) + box(3, 10, 8, 12))
    assert np.array_equal(read_annotation(path, SHAPE, CLASSES, OBJECTS), box(3, 2, 8, 6) - box(3, 10, 8, 12))


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        ({"segmentation": []}, r"has no outline \(a box is none\)"),
        ({"bbox": [1, 2, 3, 4]}, "has no outline"),
        ({"segmentation": [[1, 2, 3]]}, "an outline is a list x1, y1"),
        ({"segmentation": [["a", 2, 3, 3, 3, 3]]}, "an outline is a list x1, y1"),
        ({"segmentation": {"size": [30, 20], "counts": [600]}}, r"run lengths of size \[30, 20\], the image has"),
        ({"segmentation": {"size": [20, 30], "counts": [599]}}, "the run lengths do not fill 20 x 30 px"),
        ({"segmentation": {"size": [20, 30], "counts": [-1, 601]}}, "the run lengths do not fill"),
        ({"segmentation": {"size": [20, 30], "counts": "é~"}}, "the run lengths do not fill"),
        ({"segmentation": {"size": [20, 30], "counts": "oooooooooooooooooooooo"}}, "the run lengths do not fill"),
        ({"segmentation": {"size": [20, 30]}}, "the run lengths do not fill"),
        ({"category_id": 3, "segmentation": [[2, 3, 6, 3, 6, 8]]}, "its category 3 is not in 'categories'"),
    ],
)
def test_coco_annotations_that_are_wrong(tmp_path, annotation, says):
    with pytest.raises(ReadError, match=r"c\.json: annotation 0.*" + says):
        read_annotation(coco(tmp_path, annotation), SHAPE, CLASSES)


def test_coco_of_another_size(tmp_path):
    unstated = coco(tmp_path, {"segmentation": [[2, 3, 6, 3, 6, 8, 2, 8]]}, images=[{"id": 7, "file_name": "f.png"}])
    assert read_annotation(unstated, SHAPE, CLASSES).sum() == 20
    with pytest.raises(ReadError, match=r"image 'sub/f\.png' has 20 x 31 px \(rows x columns\) there"):
        read_annotation(coco(tmp_path, size=(20, 31)), SHAPE, CLASSES)


# ------------------------------------------------------------------------------------------------------------ ImageJ


def test_imagej_areas_have_their_origin_at_a_pixel_corner(tmp_path):
    kinds = roifile.ROI_TYPE
    corners = np.array([[2, 3], [6, 3], [6, 8], [2, 8]])
    polygon = roifile.ImagejRoi.frompoints(corners)
    traced = roifile.ImagejRoi.frompoints(corners)
    traced.roitype = kinds.TRACED
    fine = roifile.ImagejRoi.frompoints(corners.astype(np.float32))
    for roi in (rectangle(3, 2, 8, 6), polygon, traced, fine):
        assert np.array_equal(read_annotation(rois(tmp_path, roi), SHAPE, CLASSES), box(3, 2, 8, 6))
        roi.tofile(tmp_path / "one.roi")
        assert np.array_equal(read_annotation(tmp_path / "one.roi", SHAPE, CLASSES), box(3, 2, 8, 6))
    # an oval in the box rows 4..15, columns 8..19 has its center at the corner (10, 14) and radius 6
    found = read_annotation(rois(tmp_path, region(kinds.OVAL, top=4, left=8, bottom=16, right=20)), SHAPE, CLASSES)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    assert np.array_equal(found, (rows - 9.5) ** 2 + (columns - 13.5) ** 2 <= 36)


def test_imagej_rectangles_between_pixels(tmp_path):
    roi = rectangle(3, 2, 9, 7, xd=2.4, yd=3.6, widthd=4.0, heightd=5.0)
    roi.options = roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    # x from 2.4 to 6.4 holds the centers of columns 2..5, y from 3.6 to 8.6 those of rows 4..8 (8.5 lies inside)
    assert np.array_equal(read_annotation(rois(tmp_path, roi), SHAPE, CLASSES), box(4, 2, 9, 6))


def test_imagej_composites_have_holes(tmp_path):
    roi = rectangle(3, 2, 13, 17)
    loops = [[(2, 3), (17, 3), (17, 13), (2, 13)], [(5, 5), (9, 5), (9, 9), (5, 9)]]
    path = [value for loop in loops for i, (x, y) in enumerate(loop) for value in (min(i, 1), x, y)]
    path = [*path[:12], 4, *path[12:], 4]
    roi.multi_coordinates = np.array(path, np.float32)
    roi.shape_roi_size = len(path)
    assert np.array_equal(read_annotation(rois(tmp_path, roi), SHAPE, CLASSES), box(3, 2, 13, 17) - box(5, 5, 9, 9))


def test_imagej_lines_have_their_origin_at_a_pixel_center(tmp_path):
    line = region(roifile.ROI_TYPE.LINE, x1=3.0, y1=4.0, x2=9.0, y2=4.0)
    assert np.array_equal(read_annotation(rois(tmp_path, line), SHAPE, CLASSES), box(4, 3, 5, 10))
    path = roifile.ImagejRoi.frompoints(np.array([[3, 4], [9, 4], [9, 10]]))
    path.roitype = roifile.ROI_TYPE.POLYLINE
    expected = np.maximum(box(4, 3, 5, 10), box(4, 9, 11, 10))
    assert np.array_equal(read_annotation(rois(tmp_path, path), SHAPE, CLASSES), expected)
    wide = region(roifile.ROI_TYPE.LINE, x1=3.0, y1=4.0, x2=9.0, y2=4.0, stroke_width=3)
    assert read_annotation(rois(tmp_path, wide), SHAPE, CLASSES).sum() == 21 + 6


def test_imagej_classes_are_names_or_groups(tmp_path):
    def found(*regions, classes=THREE, settings=None):
        return read_annotation(rois(tmp_path, *regions), SHAPE, classes, settings)

    joint, void = rectangle(1, 1, 16, 21, "joint-1"), rectangle(5, 5, 9, 9, "void-12")
    expected = box(1, 1, 16, 21) + box(5, 5, 9, 9)
    assert np.array_equal(found(joint, void), expected)
    assert np.array_equal(found(rectangle(1, 1, 16, 21, group=1), rectangle(5, 5, 9, 9, group=2)), expected)
    with pytest.raises(SettingsError, match=r"'0000-0012' is not one of the classes .* give it group 1 to 2 in ImageJ"):
        found(rectangle(1, 1, 16, 21))
    with pytest.raises(SettingsError, match=r"is not one of the classes matrix, pore"):
        found(rectangle(1, 1, 16, 21, group=2), classes=CLASSES)
    with pytest.raises(SettingsError, match=r"'scratch' is not one of the classes .* or give it group 1 in ImageJ"):
        found(rectangle(5, 5, 9, 9, "scratch"), classes=CLASSES)
    # with one class the names are those that ImageJ gives
    assert np.array_equal(found(rectangle(5, 5, 9, 9), classes=CLASSES), box(5, 5, 9, 9))
    assert np.array_equal(found(rectangle(5, 5, 9, 9, "ignore"), classes=CLASSES), -box(5, 5, 9, 9))
    both = found(rectangle(1, 1, 4, 4), rectangle(1, 4, 4, 8), classes=CLASSES, settings=OBJECTS)
    assert np.array_equal(both, box(1, 1, 4, 4) + box(1, 4, 4, 8, 2))


def test_imagej_regions_that_are_no_areas(tmp_path):
    point = roifile.ImagejRoi.frompoints(np.array([[3, 4]]))
    point.roitype = roifile.ROI_TYPE.POINT
    text = rectangle(1, 1, 4, 4)
    text.subtype, text.text, text.text_name = roifile.ROI_SUBTYPE.TEXT, "a", "b"
    round_ = rectangle(1, 1, 9, 9, rounded_rect_arc_size=5)
    thin = roifile.ImagejRoi.frompoints(np.array([[3, 4], [5, 5]]))
    for roi, says in (
        (point, "a point marks no area; draw an outline or a line"),
        (text, "a text, arrow or picture marks no area"),
        (round_, "rounded rectangles are not read"),
        (thin, "has 2 points, it needs 3"),
    ):
        with pytest.raises(ReadError, match=r"r\.zip: region '.*\.roi': " + says):
            read_annotation(rois(tmp_path, roi), SHAPE, CLASSES)


def test_damaged_and_empty_regions(tmp_path):
    path = tmp_path / "r.zip"
    path.write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(ReadError, match=r"r\.zip: not a readable ZIP of ImageJ regions"):
        read_annotation(path, SHAPE, CLASSES)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../../etc/a.roi", b"Iout")
    with pytest.raises(ReadError, match=r"region '\.\./\.\./\.\./etc/a\.roi': cannot be read .*too short"):
        read_annotation(path, SHAPE, CLASSES)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", b"nothing")
    with pytest.raises(ReadError, match=r"r\.zip: holds no shape"):
        read_annotation(path, SHAPE, CLASSES)
    data = bytearray(roifile.ImagejRoi.frompoints(np.array([[2, 3], [6, 3], [6, 8], [2, 8]])).tobytes())
    for cut in (64, 70, 79):
        (tmp_path / "one.roi").write_bytes(data[:cut])
        with pytest.raises(ReadError, match=r"one\.roi: region .*cannot be read"):
            read_annotation(tmp_path / "one.roi", SHAPE, CLASSES)
    for name in ("none.roi", "none.zip", "none.json", "none.png"):
        with pytest.raises(ReadError, match="no such file"):
            read_annotation(tmp_path / name, SHAPE, CLASSES)


# ------------------------------------------------------------------------------------------------------------- masks


def save(path, data):
    if path.suffix == ".tif":
        tifffile.imwrite(path, data)
    else:
        Image.fromarray(data).save(path)
    return path


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.uint32])
def test_label_images_of_every_depth(tmp_path, kind):
    objects = (np.arange(600).reshape(SHAPE) // 60 + 1).astype(kind) * (100 if kind == np.uint8 else 7) % 251
    path = save(tmp_path / "m.tif", objects.astype(kind))
    assert np.array_equal(read_annotation(path, SHAPE, CLASSES, OBJECTS), objects)
    classes = box(3, 2, 8, 6) + box(4, 4, 6, 5)
    path = save(tmp_path / "c.tif", classes.astype(kind))
    assert np.array_equal(read_annotation(path, SHAPE, THREE), classes)


def test_values_that_are_class_numbers_are_taken_as_they_are(tmp_path):
    only_voids_in_joints = box(0, 0, *SHAPE) + box(4, 4, 6, 5)
    path = save(tmp_path / "m.png", only_voids_in_joints.astype(np.uint8))
    assert np.array_equal(read_annotation(path, SHAPE, THREE), only_voids_in_joints)
    full = save(tmp_path / "f.png", np.full(SHAPE, 2, np.uint8))
    assert (read_annotation(full, SHAPE, THREE) == 2).all()


def test_binary_masks(tmp_path):
    pores = box(3, 2, 8, 6) + box(10, 10, 14, 14)
    for value in (1, 255):
        path = save(tmp_path / "m.png", (pores * value).astype(np.uint8))
        assert np.array_equal(read_annotation(path, SHAPE, CLASSES), pores)
        assert np.array_equal(read_annotation(path, SHAPE, CLASSES, Settings(foreground="dark")), 1 - pores)
        objects = read_annotation(path, SHAPE, CLASSES, Settings(kind="instance", mask="binary"))
        assert np.array_equal(objects, box(3, 2, 8, 6) + box(10, 10, 14, 14, 2))
    with pytest.raises(SettingsError, match=r"values 0, 255, which are no numbers of the classes background, joint, v"):
        read_annotation(path, SHAPE, THREE)


def test_gray_levels_palettes_and_colors(tmp_path):
    truth = box(1, 1, 16, 21) + box(5, 5, 9, 9)
    path = save(tmp_path / "g.png", np.array([0, 128, 255], np.uint8)[truth])
    gray = Settings(names={"128": "joint", "255": "void"})
    assert np.array_equal(read_annotation(path, SHAPE, THREE, gray), truth)
    with pytest.raises(SettingsError, match=r"g\.png: the mask has the values 0, 128, 255, which are no numbers"):
        read_annotation(path, SHAPE, THREE)
    with pytest.raises(SettingsError, match=r"g\.png: the mask has the value 255 .* which classes does not name"):
        read_annotation(path, SHAPE, THREE, Settings(names={"128": "joint"}))
    ignored = read_annotation(path, SHAPE, CLASSES, Settings(names={"128": "pore", "255": "ignore"}))
    assert np.array_equal(ignored, np.array([0, 1, -1])[truth])
    merged = read_annotation(path, SHAPE, CLASSES, Settings(names={"128": "pore", "255": "pore", "0": "matrix"}))
    assert np.array_equal(merged, truth > 0)

    rgb = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
    color = Settings(names={"#ff0000": "joint", "#0000FF": "void"})
    path = save(tmp_path / "c.png", rgb[truth])
    assert np.array_equal(read_annotation(path, SHAPE, THREE, color), truth)
    with pytest.raises(SettingsError, match=r"has the values #000000, #0000ff, #ff0000, which are no numbers"):
        read_annotation(path, SHAPE, THREE)
    palette = Image.fromarray(truth.astype(np.uint8), "L").convert("P")
    palette.putpalette(rgb.ravel().tolist())
    palette.save(tmp_path / "p.png")
    assert np.array_equal(read_annotation(tmp_path / "p.png", SHAPE, THREE), truth)
    assert np.array_equal(read_annotation(tmp_path / "p.png", SHAPE, THREE, color), truth)


def test_a_boundary_map_gives_grains_without_lines(tmp_path):
    lines = np.zeros((60, 90), np.uint8)
    lines[20] = lines[40] = lines[:, 30] = lines[:, 60] = 255
    found = read_annotation(save(tmp_path / "m.png", lines), lines.shape, CLASSES, OBJECTS)
    assert found.min() == 1
    assert found.max() == 9


def test_two_values_may_be_boundaries_or_objects(tmp_path):
    path = save(tmp_path / "m.png", (box(3, 2, 8, 6) * 255).astype(np.uint8))
    with pytest.raises(
        ReadError, match=r"not clear whether it shows boundaries or objects; say \"boundaries\", or \"bi"
    ):
        read_annotation(path, SHAPE, CLASSES, OBJECTS)


def test_masks_that_are_wrong(tmp_path):
    path = save(tmp_path / "m.png", np.zeros(SHAPE, np.uint8))
    with pytest.raises(ReadError, match=r"m\.png: every pixel of the mask is 0; mark the structure, or say may_be_emp"):
        read_annotation(path, SHAPE, CLASSES)
    assert not read_annotation(path, SHAPE, CLASSES, Settings(may_be_empty=True)).any()
    with pytest.raises(ReadError, match=r"mask has 20 x 30 px \(rows x columns\), the image 21 x 30"):
        read_annotation(path, (21, 30), CLASSES)
    path = save(tmp_path / "m.png", box(3, 2, 8, 6).astype(np.uint8))
    with pytest.raises(SettingsError, match="a mask of objects has no class names, settings name 1"):
        read_annotation(path, SHAPE, CLASSES, Settings(kind="instance", names={"1": "pore"}))
    with pytest.raises(SettingsError, match="names has 'hole', but a mask has values such as"):
        read_annotation(path, SHAPE, CLASSES, Settings(names={"hole": "pore"}))
    few = box(3, 2, 8, 6) + box(10, 10, 14, 14, 2)
    path = save(tmp_path / "m.tif", few.astype(np.float32) + 0.25)
    with pytest.raises(ReadError, match="a mask holds whole numbers"):
        read_annotation(path, SHAPE, THREE)


@pytest.mark.parametrize("classes", [(), ("matrix",), ("a", "a")])
def test_classes_have_different_names(tmp_path, classes):
    with pytest.raises(SettingsError, match="give different names, background first"):
        read_annotation(tmp_path / "a.png", SHAPE, classes)


@given(data=st.binary(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused_in_one_line(tmp_path, data):
    for name, head in (("x.roi", b"Iout\0\xe3"), ("x.json", b'{"shapes": ')):
        (tmp_path / name).write_bytes(head + data)
        # random bytes are no outlines: anything but one line is an error of ours
        with pytest.raises((ReadError, SettingsError), match=r"^[^\n]*$"):
            read_annotation(tmp_path / name, SHAPE, CLASSES)
