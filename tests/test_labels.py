"""The user's own masks: images whose labels are known are written in every usual way and must come back."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.images.region import apply_region
from inspect_tool.model import Calibration, Micrograph, Region
from inspect_tool.segmentation import labels as backend
from inspect_tool.segmentation.labels import Settings, load, segment

SHAPE = (120, 150)


def pores(count=12, seed=0):
    """Disks that do not touch, bool."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(SHAPE, np.uint8)
    grid = [(row, column) for row in range(15, 110, 28) for column in range(15, 140, 28)]
    for i in rng.permutation(len(grid))[:count]:
        cv2.circle(mask, grid[i][::-1], int(rng.integers(3, 11)), 1, -1)
    return mask.astype(bool)


def grains(count=40, shape=SHAPE, seed=0):
    """Voronoi cells, numbered from 1; exact by distance to every seed."""
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, 1, (count, 2)) * shape
    rows, columns = np.indices(shape)
    distance = (rows[..., None] - seeds[:, 0]) ** 2 + (columns[..., None] - seeds[:, 1]) ** 2
    return (distance.argmin(axis=2) + 1).astype(np.int32)


def boundaries(labels, width=1):
    """Lines between labels, 8-connected, bool."""
    lines = np.zeros(labels.shape, bool)
    lines[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    lines[:-1] |= labels[:-1] != labels[1:]
    return ndimage.binary_dilation(lines, iterations=width - 1) if width > 1 else lines


def image(shape=SHAPE, **changes):
    return Micrograph(pixels=np.zeros(shape, np.uint8), calibration=Calibration(pixel_um=1.0), path="f.tif", **changes)


def save(path, data):
    (tifffile.imwrite if path.suffix == ".tif" else lambda p, d: Image.fromarray(d).save(p))(path, data)
    return str(path)


def read_mask(path, data=None, micrograph=None, **options):
    if data is not None:
        save(path, data)
    chosen = Settings(masks=(str(path),), **options)
    return segment(load(chosen), micrograph or image(), chosen)


# ------------------------------------------------------------------------------------------------------------ binary


@pytest.mark.parametrize("name", ["m.png", "m.tif", "m.bmp"])
@pytest.mark.parametrize("values", [(0, 1), (0, 255), (0, 7), (38, 200)])
def test_binary_masks_of_any_program(tmp_path, name, values):
    mask = pores()
    found = read_mask(tmp_path / name, np.where(mask, values[1], values[0]).astype(np.uint8))
    assert found.kind == "semantic"
    assert np.array_equal(found.labels, mask)
    assert found.labels.dtype == np.int32
    assert not found.labels.flags.writeable
    assert dict(found.classes) == {0: "background", 1: "foreground"}
    assert found.settings["kind"] == "binary"
    assert found.settings["foreground"] == "bright"
    assert found.settings["mask"] == name
    assert found.backend == "labels"


def test_inverted_masks_need_a_word(tmp_path):
    mask = pores()
    found = read_mask(tmp_path / "m.png", np.where(mask, 0, 255).astype(np.uint8), foreground="dark")
    assert np.array_equal(found.labels, mask)
    assert found.settings["foreground"] == "dark"


def test_other_containers_of_two_values(tmp_path):
    mask = pores()
    Image.fromarray(mask).save(tmp_path / "one_bit.png")
    assert np.array_equal(read_mask(tmp_path / "one_bit.png").labels, mask)
    tifffile.imwrite(tmp_path / "one_bit.tif", mask)
    assert np.array_equal(read_mask(tmp_path / "one_bit.tif").labels, mask)
    # ImageJ writes 255 for the foreground and an inverting look-up table that shows it black
    tifffile.imwrite(tmp_path / "imagej.tif", mask * np.uint8(255), photometric="miniswhite", imagej=True)
    assert np.array_equal(read_mask(tmp_path / "imagej.tif").labels, mask)
    tifffile.imwrite(tmp_path / "float.tif", mask.astype(np.float32))
    assert np.array_equal(read_mask(tmp_path / "float.tif").labels, mask)
    rgb = np.repeat(mask[:, :, None] * np.uint8(255), 3, axis=2)
    assert np.array_equal(read_mask(tmp_path / "rgb.png", rgb).labels, mask)
    palette = Image.fromarray(mask.astype(np.uint8), "L").convert("P")
    palette.putpalette([255, 255, 255, 200, 0, 0])
    palette.save(tmp_path / "palette.png")
    assert np.array_equal(read_mask(tmp_path / "palette.png").labels, mask)


def test_smoothed_and_lossy_masks_are_cut_half_way_and_say_so(tmp_path):
    mask = np.kron(pores(), np.ones((3, 3), bool))
    smooth = cv2.GaussianBlur(mask * np.uint8(255), (0, 0), 1.0)
    for name in ("s.png", "s.jpg"):
        found = read_mask(tmp_path / name, smooth, image(mask.shape))
        assert found.settings["threshold"] == 127.5
        assert 0 < found.settings["share_between_percent"] < 30
        assert np.count_nonzero(found.labels != mask) < 0.01 * mask.size


def test_separate_pieces(tmp_path):
    mask = pores()
    found = read_mask(tmp_path / "m.png", mask * np.uint8(255), separate=True, classes={"1": "pore"})
    expected, count = ndimage.label(mask, np.ones((3, 3)))
    assert found.kind == "instance"
    assert dict(found.classes) == {1: "pore"}
    assert found.settings["objects"] == count == 12
    assert np.array_equal(found.labels > 0, expected > 0)
    assert len(np.unique(np.stack([found.labels, expected])[:, mask], axis=1).T) == count


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ({"1": "pore"}, {0: "background", 1: "pore"}),
        ({"0": "metal", "1": "pore"}, {0: "metal", 1: "pore"}),
        ({"255": "pore"}, {0: "background", 1: "pore"}),
        ({"255": "pore", "0": "metal"}, {0: "metal", 1: "pore"}),
    ],
)
def test_names_of_a_binary_mask_by_class_number_or_by_value(tmp_path, classes, expected):
    found = read_mask(tmp_path / "m.png", pores() * np.uint8(255), classes=classes)
    assert dict(found.classes) == expected


def test_a_field_in_which_nothing_is_marked(tmp_path):
    with pytest.raises(ReadError, match=r"every pixel of the mask has the value 0: nothing is marked; .* say kind"):
        read_mask(tmp_path / "m.png", np.zeros(SHAPE, np.uint8))
    assert not read_mask(tmp_path / "m.png", kind="binary").labels.any()
    with pytest.raises(ReadError, match="the whole mask is foreground"):
        read_mask(tmp_path / "m.png", np.full(SHAPE, 255, np.uint8), kind="binary")


# ----------------------------------------------------------------------------------------------------------- classes


def phases(seed=0):
    """Three classes in many pieces."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 4)
    return np.digitize(noise, np.quantile(noise, [0.3, 0.7])).astype(np.uint8)


@pytest.mark.parametrize("name", ["m.png", "m.tif"])
def test_class_numbers(tmp_path, name):
    found = read_mask(tmp_path / name, phases())
    assert found.kind == "semantic"
    assert np.array_equal(found.labels, phases())
    assert dict(found.classes) == {0: "background", 1: "class_1", 2: "class_2"}
    names = {"0": "ferrite", "1": "pearlite", "2": "bainite"}
    found = read_mask(tmp_path / name, classes=names)
    assert dict(found.classes) == {0: "ferrite", 1: "pearlite", 2: "bainite"}


def test_a_named_class_may_be_absent_from_a_field(tmp_path):
    names = {"1": "joint", "2": "void"}
    data = pores().astype(np.uint8)
    found = read_mask(tmp_path / "m.png", data, classes=names)
    assert dict(found.classes) == {0: "background", 1: "joint", 2: "void"}
    assert np.array_equal(found.labels, data)


def test_gray_levels_stand_for_classes(tmp_path):
    levels = np.array([0, 128, 255], np.uint8)[phases()]
    found = read_mask(tmp_path / "m.png", levels)
    assert np.array_equal(found.labels, phases())
    assert dict(found.classes) == {0: "background", 1: "gray_128", 2: "gray_255"}
    found = read_mask(tmp_path / "m.png", classes={"255": "void", "128": "joint", "0": "board"})
    assert np.array_equal(found.labels, np.array([0, 2, 1])[phases()])
    assert dict(found.classes) == {0: "board", 1: "void", 2: "joint"}


COLORS = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)


def test_colors_stand_for_classes(tmp_path):
    found = read_mask(tmp_path / "m.png", COLORS[phases()])
    assert dict(found.classes) == {0: "background", 1: "#0000ff", 2: "#ff0000"}
    assert np.array_equal(found.labels, np.array([0, 2, 1])[phases()])
    names = {"#000000": "matrix", "#ff0000": "pore", "#0000FF": "crack"}
    found = read_mask(tmp_path / "m.png", classes=names)
    assert np.array_equal(found.labels, phases())
    assert dict(found.classes) == {0: "matrix", 1: "pore", 2: "crack"}


def test_a_palette_holds_numbers_and_colors(tmp_path):
    palette = Image.fromarray(phases(), "L").convert("P")
    palette.putpalette(COLORS.ravel().tolist())
    palette.save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png").labels, phases())
    names = {"#0000ff": "crack", "#ff0000": "pore"}
    found = read_mask(tmp_path / "m.png", classes=names)
    assert dict(found.classes) == {0: "background", 1: "crack", 2: "pore"}
    assert np.array_equal(found.labels, np.array([0, 2, 1])[phases()])


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        ({"1": "a"}, r"has the value 2 \(\d+ % of the pixels\), which classes does not name; values are 0, 1, 2"),
        ({"one": "a"}, "'one' is neither a value such as"),
        ({"#ff00": "a"}, "'#ff00' is neither"),
        ({"#gg0000": "a"}, "'#gg0000' is neither"),
        ({"1": "a", "2": " "}, "'2' has an empty name"),
        ({"1": "a", "2": "a"}, "two values are named 'a'"),
    ],
)
def test_names_that_do_not_fit(tmp_path, classes, says):
    with pytest.raises(SettingsError, match=says):
        read_mask(tmp_path / "m.png", phases(), classes=classes)


def test_names_for_values_that_are_not_there(tmp_path):
    with pytest.raises(SettingsError, match=r"has the value 255 .* which classes does not name; values are 0, 255"):
        read_mask(tmp_path / "m.png", pores() * np.uint8(255), classes={"4": "pore"})


def test_a_lossy_class_mask_is_refused(tmp_path):
    with pytest.raises(ReadError, match="lossy compression blurs the values; save the mask as PNG or TIFF"):
        read_mask(tmp_path / "m.jpg", np.array([0, 90, 200], np.uint8)[phases()], kind="classes")


def photograph(bits, seed):
    """Two grays under a vignette with the noise of a camera."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(SHAPE)
    gray = np.where(pores(seed=seed) > 0, 60, 180) - 30 * np.hypot(rows / SHAPE[0] - 0.5, columns / SHAPE[1] - 0.5)
    scaled = (gray + rng.normal(0, 4, SHAPE)) * 2 ** (bits - 8)
    return np.clip(scaled, 0, 2**bits - 1).astype(np.uint8 if bits == 8 else np.uint16)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", ["classes", "labels"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_photograph_is_no_mask(tmp_path, kind, bits, seed):
    with pytest.raises(
        ReadError, match=r"is a photograph and no mask: it has \d+ values, .* row 0, column \d+\); give"
    ):
        read_mask(tmp_path / "m.png", photograph(bits, seed), kind=kind)


def smooth_photograph(levels, look, seed):
    """A photograph in few gray levels whose pixels hardly ever differ from their neighbor."""
    rng = np.random.default_rng(seed)
    if look == "clouds":
        gray = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 12)
    else:
        blur, noise = {"sharp": (1.0, 0.0), "noisy": (1.0, 0.01), "defocus": (6.0, 0.0)}[look]
        shading = 0.3 * np.indices(SHAPE)[1] / SHAPE[1]
        gray = ndimage.gaussian_filter(1.0 - 0.7 * pores(seed=seed), blur) - shading + rng.normal(0, noise, SHAPE)
    gray = (gray - gray.min()) / np.ptp(gray)
    return np.rint(gray * (levels - 1)).astype(np.uint8)


@pytest.mark.parametrize("kind", ["auto", "classes", "labels", "binary"])
@pytest.mark.parametrize(
    ("levels", "look"),
    [(12, "sharp"), (12, "noisy"), (30, "sharp"), (30, "defocus"), (60, "noisy"), (30, "clouds"), (60, "clouds")],
)
def test_a_smooth_photograph_of_few_gray_levels_is_no_mask(tmp_path, levels, look, kind):
    says = r"is a photograph and no mask: .*row \d+, column \d+|a binary mask has two|not clear whether|is noise and"
    with pytest.raises(ReadError, match=says) as refused:
        read_mask(tmp_path / "m.png", smooth_photograph(levels, look, 3), kind=kind)
    if kind in ("classes", "labels"):
        assert re.search("is a photograph and no mask|is noise and no mask", str(refused.value))


@pytest.mark.parametrize("noise", [1.0, 3.0])
@pytest.mark.parametrize("levels", [40, 256])
def test_two_grays_that_scatter_are_a_photograph(tmp_path, levels, noise):
    gray = ndimage.gaussian_filter(np.where(pores(seed=2) > 0, 20.0, 240.0), 0.7)
    gray += np.random.default_rng(1).normal(0, noise * 256 / levels, SHAPE)
    shades = np.rint(np.clip(gray, 0, 255) / 255 * (levels - 1)).astype(np.uint8)
    with pytest.raises(ReadError, match=r"is a photograph and no mask: .*row \d+, column \d+"):
        read_mask(tmp_path / "m.png", shades, kind="binary")


@pytest.mark.parametrize("smooth_px", [0.5, 1.0])
def test_smoothed_edges_of_a_mask_are_no_photograph(tmp_path, smooth_px):
    drawn = pores(seed=4)
    soft = np.rint(255 * ndimage.gaussian_filter(drawn.astype(float), smooth_px)).astype(np.uint8)
    found = read_mask(tmp_path / "m.png", soft, kind="binary")
    assert (found.labels > 0).mean() == pytest.approx(drawn.mean(), rel=0.02)


@pytest.mark.parametrize("numbers", [8, 20, 31])
def test_many_classes_in_grains_are_no_photograph(tmp_path, numbers):
    # grains in a matrix, and grains that touch: each class in many pieces, none of them a shard
    rows, columns = np.indices(SHAPE)
    touching = np.random.default_rng(1).integers(0, numbers, (10, 10))[rows // 12, columns // 15]
    for values in (touching, touching * (rows % 12 > 2) * (columns % 15 > 2)):
        found = read_mask(tmp_path / "m.png", values.astype(np.uint8), kind="classes")
        assert len(found.classes) == len(np.unique(values))


def test_slivers_of_ground_between_numbered_particles_are_no_photograph(tmp_path):
    """Fifteen numbered particles that touch, and 120 single pixels of ground between them."""
    labels = np.kron(np.arange(1, 16, dtype=np.uint16).reshape(3, 5), np.ones((40, 30), np.uint16))
    labels[::5, 29::30] = 0
    labels[39::40, 3::8] = 0
    assert read_mask(tmp_path / "m.png", labels, kind="labels").labels.max() == 15


def test_layers_numbered_in_their_order_are_no_photograph(tmp_path):
    layers = (np.indices(SHAPE)[0] // 12).astype(np.uint8)
    assert len(read_mask(tmp_path / "m.png", layers, kind="classes").classes) == layers.max() + 1


@pytest.mark.parametrize("kind", ["auto", "binary", "boundaries"])
def test_a_photograph_is_refused_by_what_a_mask_of_the_kind_has(tmp_path, kind):
    with pytest.raises(ReadError, match=r"is a photograph|not clear whether|a binary mask has two"):
        read_mask(tmp_path / "m.png", photograph(8, 1), kind=kind)


@pytest.mark.parametrize(
    ("values", "kind"), [(2, "binary"), (2, "classes"), (3, "classes"), (10, "classes"), (40, "labels")]
)
def test_random_numbers_are_no_mask(tmp_path, values, kind):
    # of k values at random (1 - 1/k)^4 of the pixels have no like neighbor
    noise = np.random.default_rng(3).integers(0, values, SHAPE).astype(np.uint8) + np.uint8(kind == "labels")
    percent = 100 * (1 - 1 / values) ** 4
    with pytest.raises(ReadError, match=r"is noise and no mask: (\d+) %") as refused:
        read_mask(tmp_path / "m.png", noise, kind=kind)
    assert int(re.search(r"(\d+) %", str(refused.value))[1]) == pytest.approx(percent, abs=2)


def test_the_finest_lines_and_the_densest_dots_are_a_mask(tmp_path):
    stripes = np.zeros(SHAPE, np.uint8)
    stripes[:, ::2] = 1
    assert np.array_equal(read_mask(tmp_path / "lines.png", stripes, kind="classes").labels, stripes)
    dots = np.zeros(SHAPE, np.uint8)
    dots[2::5, 2::5] = 1  # single pixels, 4 % of all
    assert np.array_equal(read_mask(tmp_path / "dots.png", dots, kind="classes").labels, dots)


def test_more_values_than_classes_can_be_told_by_are_refused(tmp_path):
    columns = np.repeat(np.arange(64, dtype=np.uint8), 5)[None].repeat(40, axis=0)
    whole = image(columns.shape)
    assert len(read_mask(tmp_path / "m.png", columns, whole, kind="classes").classes) == 64
    columns[:, :5] = 99
    columns[0, 0] = 0
    with pytest.raises(ReadError, match="65 values are no classes; save the mask"):
        read_mask(tmp_path / "n.png", columns, whole, kind="classes")


# ------------------------------------------------------------------------------------------------------------ labels


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.uint32, np.float32, np.float64])
def test_label_images_of_every_number_type(tmp_path, kind):
    found = read_mask(tmp_path / "m.tif", grains().astype(kind))
    assert found.kind == "instance"
    assert found.settings["kind"] == "labels"
    assert np.array_equal(found.labels, grains())
    assert dict(found.classes) == {1: "object"}
    assert read_mask(tmp_path / "m.tif", classes={"1": "grain"}).classes[1] == "grain"


def test_16_bit_png_labels(tmp_path):
    assert np.array_equal(read_mask(tmp_path / "m.png", (grains() * 1000).astype(np.uint16)).labels, grains() * 1000)


def test_large_numbers_and_random_colors_are_renumbered(tmp_path):
    data = grains().astype(np.uint32) + np.uint32(3_000_000_000)
    found = read_mask(tmp_path / "m.tif", data)
    assert np.array_equal(found.labels, grains())
    colors = np.random.default_rng(1).choice(256**2, 41, replace=False) * 251
    colors[0] = 0
    rgb = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1).astype(np.uint8)[grains()]
    found = read_mask(tmp_path / "c.png", rgb, kind="labels")
    pairs = np.unique(np.stack([found.labels.ravel(), grains().ravel()]), axis=1)
    assert pairs.shape[1] == 40
    assert found.labels.min() == 1


def test_lines_between_labels_are_given_back_and_a_matrix_is_not(tmp_path):
    data = grains()
    data[boundaries(data)] = 0
    found = read_mask(tmp_path / "m.tif", data)
    assert found.settings["boundary_pixels"] == "given back"
    assert found.labels.min() == 1
    assert np.array_equal(found.labels[data > 0], data[data > 0])
    kept = read_mask(tmp_path / "m.tif", boundary_pixels="kept")
    assert np.array_equal(kept.labels, data)

    objects, count = ndimage.label(pores())
    found = read_mask(tmp_path / "o.tif", objects.astype(np.int32))
    assert found.settings["boundary_pixels"] == "kept"
    assert np.array_equal(found.labels, objects)
    assert found.settings["objects"] == count


def test_values_that_may_be_objects_or_classes_are_not_guessed(tmp_path):
    data = np.zeros(SHAPE, np.uint8)
    data[10:50] = 1
    data[70:90] = 2
    with pytest.raises(ReadError, match='not clear whether this is objects or classes; say kind = "labels"'):
        read_mask(tmp_path / "m.png", data)
    assert read_mask(tmp_path / "m.png", kind="labels").kind == "instance"
    assert read_mask(tmp_path / "m.png", kind="classes").kind == "semantic"
    assert read_mask(tmp_path / "m.png", classes={"1": "layer", "2": "base"}).kind == "semantic"


def test_a_picture_is_no_mask(tmp_path):
    photo = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)
    with pytest.raises(ReadError, match="not clear whether this is a mask or a picture"):
        read_mask(tmp_path / "m.png", photo)
    with pytest.raises(ReadError, match=r"the mask has 256 values .* a binary mask has two"):
        read_mask(tmp_path / "m.png", kind="binary")


def test_fractions_and_negative_numbers(tmp_path):
    with pytest.raises(ReadError, match="a mask holds whole numbers, this one has fractions or NaN"):
        read_mask(tmp_path / "m.tif", grains().astype(np.float32) + 0.5)
    data = grains().astype(np.float32)
    data[0, 0] = np.nan
    with pytest.raises(ReadError, match="fractions or NaN"):
        read_mask(tmp_path / "m.tif", data)
    with pytest.raises(ReadError, match="numbers from 0 on, this one has -1"):
        read_mask(tmp_path / "m.tif", grains() - 2)


# -------------------------------------------------------------------------------------------------------- boundaries


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("invert", [False, True])
def test_boundary_maps_become_grains_and_no_pixel_is_lost(tmp_path, width, invert):
    truth = grains(shape=(300, 360))
    lines = boundaries(truth, width) ^ invert
    found = read_mask(tmp_path / "m.png", lines * np.uint8(255), image(truth.shape))
    assert found.settings["kind"] == "boundaries"
    assert found.kind == "instance"
    assert found.settings["lines"] == ("dark" if invert else "bright")
    assert found.labels.min() == 1
    assert found.settings["regions"] == found.labels.max() == 40
    # each grain is found once and keeps its area to within the lines
    for number in range(1, 41):
        inside = found.labels[truth == number]
        match = np.bincount(inside).argmax()
        area = np.count_nonzero(found.labels == match)
        assert np.count_nonzero(inside == match) > 0.85 * inside.size
        assert area == pytest.approx(inside.size, rel=0.15)


def test_specks_inside_lines_are_no_grains(tmp_path):
    truth = grains(shape=(300, 360))
    lines = boundaries(truth, 3)
    rows, columns = np.nonzero(ndimage.binary_erosion(lines, np.ones((3, 3))))
    lines[rows[::150], columns[::150]] = False
    data = lines * np.uint8(255)
    found = read_mask(tmp_path / "m.png", data, image(truth.shape))
    assert found.labels.max() == 40
    areas = np.bincount(ndimage.label(~lines)[0].ravel())[1:]
    specks = np.count_nonzero(areas < 10)
    assert specks >= len(rows[::150])
    assert found.settings["specks_given_back"] == specks
    assert read_mask(tmp_path / "m.png", min_region_px=0, micrograph=image(truth.shape)).labels.max() == 40 + specks


def test_a_network_that_is_a_phase_is_named_or_said_to_be_binary(tmp_path):
    lines = boundaries(grains(shape=(300, 360)), 2)
    data = lines * np.uint8(255)
    for options in ({"kind": "binary"}, {"classes": {"0": "matrix", "1": "carbide"}}):
        found = read_mask(tmp_path / "m.png", data, image(lines.shape), **options)
        assert found.kind == "semantic"
        assert np.array_equal(found.labels, lines)


def test_a_line_with_a_dead_end_parts_nothing(tmp_path):
    data = np.zeros(SHAPE, np.uint8)
    data[:, 75] = 255
    data[60, :40] = 255
    found = read_mask(tmp_path / "m.png", data, kind="boundaries")
    assert found.labels.max() == 2
    assert len(np.unique(found.labels[:, :75])) == 1


def test_a_boundary_map_without_regions(tmp_path):
    data = np.zeros(SHAPE, np.uint8)
    data[::2] = 255
    with pytest.raises(ReadError, match="no region between the lines"):
        read_mask(tmp_path / "m.png", data, kind="boundaries", foreground="bright", min_region_px=1000)


def test_the_boundary_map_of_a_real_steel(shared_data):
    path = shared_data / "nist-grain-size" / "masks" / "steel_optical_segmented.tif"
    found = read_mask(path, micrograph=image((600, 800)))
    assert found.settings["kind"] == "boundaries"
    # SOURCE.md beside the file: 155 regions of 20 px and more inside and 57 at the edge
    areas = np.bincount(ndimage.label(tifffile.imread(path) == 0)[0].ravel())[1:]
    assert np.count_nonzero(areas >= 20) == 155 + 57
    assert found.labels.max() == np.count_nonzero(areas >= 10)
    assert found.labels.min() == 1


# ---------------------------------------------------------------------------------------------------- size and region


def test_masks_of_the_original_or_of_the_cut_size(tmp_path):
    region = Region(footer_px=20, rectangle=(10, 5, 80, 100))
    cut = apply_region(image(), region, tmp_path)
    for data in (phases(), phases()[10:90, 5:105]):
        found = read_mask(tmp_path / "m.png", np.ascontiguousarray(data), cut)
        assert np.array_equal(found.labels, phases()[10:90, 5:105])
    with pytest.raises(ReadError, match=r"m\.png: mask has 100 x 150 px .*f\.tif has 120 x 150 px or 80 x 100 px"):
        read_mask(tmp_path / "m.png", phases()[:100], cut)


def test_labels_are_zero_outside_the_roi(tmp_path):
    roi = np.zeros(SHAPE, bool)
    roi[30:90, 30:90] = True
    found = read_mask(tmp_path / "m.tif", grains(), image(roi=roi))
    assert np.array_equal(found.labels, grains() * roi)


@pytest.mark.parametrize("masks", [(), ("a.png", "b.png")])
def test_one_mask_per_image(masks):
    with pytest.raises(SettingsError, match=r'f\.tif: backend "labels" needs one mask per image'):
        segment(None, image(), Settings(masks=masks))


def test_a_missing_mask(tmp_path):
    with pytest.raises(ReadError, match="no such file"):
        segment(None, image(), Settings(masks=(str(tmp_path / "none.png"),)))


def test_the_module_is_a_backend():
    assert backend.KINDS == ("semantic", "instance")
    with pytest.raises(SettingsError, match="min_region_px = -1"):
        load(Settings(min_region_px=-1))


@given(seed=st.integers(0, 10_000), count=st.integers(7, 30))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_permuting_the_numbers_permutes_the_labels(tmp_path, seed, count):
    truth = grains(count=count, seed=seed)
    order = np.random.default_rng(seed).permutation(count) + 1
    shuffled = np.concatenate([[0], order])[truth].astype(np.uint16)
    a = read_mask(tmp_path / "a.tif", truth.astype(np.uint16), kind="labels")
    b = read_mask(tmp_path / "b.tif", shuffled, kind="labels")
    assert np.array_equal(np.concatenate([[0], order])[a.labels], b.labels)


def test_real_masks_are_understood(shared_data):
    expected = {
        "nasa-ni-superalloy": "classes",
        "uhcs-microconstituents": "classes",
        "tbm-grains-mlographypp": "boundaries",
        "mlography-inclusions": "binary",
    }
    for folder, kind in expected.items():
        for path in sorted(Path(shared_data, folder).glob("masks*/*.png"))[:6]:
            values = np.asarray(Image.open(path))
            if len(np.unique(values)) > 1:
                found = read_mask(path, micrograph=image(values.shape[:2]))
                assert found.settings["kind"] == kind, path


def test_thin_pores_that_read_as_boundaries_are_refused_by_porosity(tmp_path):
    """A network of thin pores and a boundary map look alike; 100 % porosity would be the wrong answer."""
    from inspect_tool import measure_fields, read, segment
    from inspect_tool.errors import MeasurementError

    pixels = np.full((90, 90), 200, np.uint8)
    pixels[::15] = pixels[:, ::15] = 20
    tifffile.imwrite(tmp_path / "field.tif", pixels)
    tifffile.imwrite(tmp_path / "mask.tif", (pixels < 100).astype(np.uint8))
    micrograph = read(tmp_path / "field.tif", pixel_um=1.0)
    lines = segment(micrograph, "labels", masks=(str(tmp_path / "mask.tif"),))
    with pytest.raises(MeasurementError, match=r'the mask was read as boundaries: .* kind = "binary"'):
        measure_fields("porosity", [micrograph], [lines])
    pores = segment(micrograph, "labels", masks=(str(tmp_path / "mask.tif"),), kind="binary")
    found = measure_fields("porosity", [micrograph], [pores])
    assert found.results[0].value == pytest.approx(100 * np.mean(pixels < 100))


@pytest.mark.parametrize(
    ("values", "kinds", "kind"),
    [
        ((0, 1, 2), ("binary", "classes"), "classes"),  # few regions: objects or classes? the question tells
        ((0, 1, 2), ("binary", "labels"), "labels"),
        ((0, 1, 2), ("labels", "boundaries"), "labels"),
        ((0, 255), ("binary", "labels"), "binary"),
        ((0, 255), ("labels", "boundaries"), "boundaries"),
    ],
)
def test_what_a_mask_may_mean_is_told_by_the_question(tmp_path, values, kinds, kind):
    from inspect_tool import read, segment

    mask = np.zeros((60, 60), np.uint8)
    if len(values) == 2:
        mask[::15] = mask[:, ::15] = values[1]
    else:
        mask[:20], mask[20:30] = values[1], values[2]
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    tifffile.imwrite(tmp_path / "field.tif", np.arange(3600, dtype=np.uint16).reshape(60, 60))
    found = segment(
        read(tmp_path / "field.tif", pixel_um=1.0), "labels", masks=(str(tmp_path / "mask.tif"),), kinds=kinds
    )
    assert found.settings["kind"] == kind
