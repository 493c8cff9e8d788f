"""Masks and pictures as people have them: transparent layers, soft edges, tracings, turned pictures, cleared areas."""

import numpy as np
import pytest
from drawn_sections import SHAPE, coverage, eight_bit, picture, pores, write_job, write_tiff
from PIL import Image
from scipy import ndimage

from inspect_tool import run
from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.images.readers import read_values

LABELS = '[backend]\nname = "labels"\nmasks = ["mask.png"]\n'


def value(report, quantity="porosity_percent"):
    (found,) = [result for result in report.results if result.quantity == quantity]
    return found.value


def agrees(report, true):
    """Whether the truth lies within the stated uncertainty."""
    (found,) = [result for result in report.results if result.quantity == "porosity_percent"]
    return abs(found.value - true) <= found.expanded_u


@pytest.fixture(scope="module")
def section():
    covered = coverage(SHAPE, pores(5))
    return covered, eight_bit(picture(covered, 5))


def layer(marked, color, hidden=(255, 255, 255)):
    """A transparent layer on which something is drawn in one color; ``hidden`` is what programs leave below."""
    rgb = np.where(marked[:, :, None], np.array(color, np.uint8), np.array(hidden, np.uint8))
    return Image.fromarray(np.dstack([rgb, np.where(marked, 255, 0).astype(np.uint8)]))


# ------------------------------------------------------------------------------------------- transparent layers


@pytest.mark.parametrize("color", [(255, 255, 255), (0, 0, 0), (255, 0, 0)])
@pytest.mark.parametrize("hidden", [(255, 255, 255), (0, 0, 0)])
def test_what_is_opaque_is_marked_whatever_color_lies_below(tmp_path, color, hidden):
    marked = np.zeros((20, 30), np.bool_)
    marked[3:9, 4:20] = True
    layer(marked, color, hidden).save(tmp_path / "layer.png")
    values, lossy = read_values(tmp_path / "layer.png")
    assert not lossy
    assert np.array_equal(values.reshape(20, 30, -1).any(axis=2), marked)


def test_half_way_decides_at_the_soft_edge_of_a_stroke(tmp_path):
    alpha = np.zeros((10, 40), np.uint8)
    alpha[:, 10:20], alpha[:, 20], alpha[:, 21] = 200, 130, 60  # a brush that is nowhere quite opaque
    Image.fromarray(np.dstack([np.zeros((10, 40, 3), np.uint8), alpha])).save(tmp_path / "a.png")
    assert np.count_nonzero(read_values(tmp_path / "a.png")[0]) == 10 * 11


def test_several_colors_on_a_transparent_layer_stay_apart(tmp_path):
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:2], rgba[2:4], rgba[4:] = (255, 0, 0, 255), (0, 0, 255, 255), (9, 9, 9, 0)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    values, _ = read_values(tmp_path / "a.png")
    assert np.array_equal(values[::2, 0], [[255, 0, 0], [0, 0, 255], [0, 0, 0], [0, 0, 0]])


def test_black_and_transparent_side_by_side_are_not_guessed(tmp_path):
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:2], rgba[2:4], rgba[4:] = (255, 255, 255, 255), (0, 0, 0, 255), (9, 9, 9, 0)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    with pytest.raises(ReadError, match=r"a.png: some pixels of the mask are black and others are transparent"):
        read_values(tmp_path / "a.png")


@pytest.mark.parametrize("color", [(255, 255, 255), (0, 0, 0)])
def test_a_region_on_a_transparent_layer_is_that_of_a_plain_mask(tmp_path, section, color):
    covered, gray = section
    write_tiff(tmp_path / "f.tif", gray)
    left = np.zeros(SHAPE, np.bool_)
    left[:, :200] = True
    layer(left, color).save(tmp_path / "roi.png")
    found = run(write_job(tmp_path, "f.tif", '[region]\nmask = "roi.png"'))
    assert agrees(found, 100 * covered[:, :200].mean())
    Image.fromarray(np.where(left, 255, 0).astype(np.uint8)).save(tmp_path / "roi.png")
    assert value(run(tmp_path / "job.toml")) == value(found)


def test_labels_on_a_transparent_layer(tmp_path, section):
    covered, gray = section
    write_tiff(tmp_path / "f.tif", gray)
    marked = covered >= 0.5
    layer(marked, (0, 0, 0)).save(tmp_path / "mask.png")
    assert value(run(write_job(tmp_path, "f.tif", LABELS))) == pytest.approx(100 * marked.mean(), abs=0.01)


# --------------------------------------------------------------------------------------------------- soft edges

COLORS = {"ferrite": (0, 0, 255), "pearlite": (255, 0, 0), "carbide": (0, 255, 0)}


def soft_classes(first, second):
    """A mask in three colors with edges that are smoothed over a pixel."""
    shares = np.stack([1 - first - second, first, second], axis=-1)
    return eight_bit(shares @ np.array(list(COLORS.values()), float))


def class_job(folder, named=COLORS):
    names = ", ".join('"#{:02x}{:02x}{:02x}" = "{}"'.format(*color, name) for name, color in named.items())
    return write_job(folder, "f.tif", LABELS, 'kind = "classes"', f"classes = {{ {names} }}", recipe="phase_fraction")


def test_smoothed_edges_of_class_colors_go_to_the_nearer_class(tmp_path):
    first = coverage(SHAPE, np.array([[80.3, 100.2, 50.5], [200.1, 300.7, 60.2]]))
    second = coverage(SHAPE, np.array([[210.4, 90.8, 45.6], [90.0, 290.0, 42.0]]))
    write_tiff(tmp_path / "f.tif", eight_bit(90 + 80 * first + 140 * second))
    Image.fromarray(soft_classes(first, second)).save(tmp_path / "mask.png")
    report = run(class_job(tmp_path))
    for name, share in (("pearlite", first), ("carbide", second)):
        assert value(report, f"area_percent.{name}") == pytest.approx(100 * share.mean(), abs=0.06)
    settings = report.micrographs[0].segmentation["settings"]
    assert 0.1 < settings["share_between_percent"] < 5


def test_a_color_that_nobody_named_is_no_soft_edge(tmp_path):
    first = coverage(SHAPE, np.array([[80.3, 100.2, 50.5]]))
    mask = soft_classes(first, np.zeros(SHAPE))
    mask[200:240, 200:300] = (127, 0, 128)  # lies between ferrite and pearlite in color, and is an area
    write_tiff(tmp_path / "f.tif", eight_bit(90 + 80 * first))
    Image.fromarray(mask).save(tmp_path / "mask.png")
    with pytest.raises(SettingsError, match=r"which classes does not name"):
        run(class_job(tmp_path))


def test_an_edge_between_two_classes_is_not_the_third_that_has_its_color(tmp_path):
    # half way between black and white lies gray, which is a class elsewhere
    ramp = np.zeros((60, 90), np.uint8)
    ramp[:, 30:] = 255
    ramp[:, 29], ramp[:, 30] = 120, 140
    ramp[:10, 70:] = 128
    write_tiff(tmp_path / "f.tif", eight_bit(ramp + np.random.default_rng(0).normal(0, 3, ramp.shape)))
    Image.fromarray(ramp).save(tmp_path / "mask.png")
    classes = 'kind = "classes"\nclasses = { "0" = "matrix", "128" = "oxide", "255" = "metal" }'
    whole = '[region]\nspecimen = "whole"'  # a dark strip along a side could be mount
    report = run(write_job(tmp_path, "f.tif", LABELS, classes, whole, recipe="phase_fraction"))
    assert value(report, "area_percent.oxide") == pytest.approx(100 * 10 * 20 / ramp.size, abs=0.01)
    assert value(report, "area_percent.matrix") == pytest.approx(100 * 30 / 90, abs=0.01)


# ------------------------------------------------------------------------------------- tracings and cut numbers


def cells(shape=(240, 320), side=40):
    """Square cells, numbered from 1, and their borders: one pixel wide."""
    rows, columns = np.indices(shape) // side
    numbers = rows * (shape[1] // side) + columns + 1
    lines = np.zeros(shape, np.bool_)
    lines[side::side], lines[:, side::side] = True, True
    return numbers, lines


def photograph(lines, seed=0):
    noise = np.random.default_rng(seed).normal(0, 6, lines.shape)
    return eight_bit(190 - 90 * ndimage.gaussian_filter(lines.astype(float), 0.8) + noise)


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (255, 255, 0)])
@pytest.mark.parametrize("soft", [False, True])
def test_boundaries_traced_on_the_photograph_part_the_grains(tmp_path, color, soft):
    numbers, lines = cells()
    gray = photograph(lines)
    write_tiff(tmp_path / "f.tif", gray)
    stroke = ndimage.binary_dilation(lines)
    share = ndimage.gaussian_filter(stroke.astype(float), 0.5) if soft else stroke.astype(float)
    rgb = gray[:, :, None] * (1 - share[:, :, None]) + np.array(color) * share[:, :, None]
    Image.fromarray(eight_bit(rgb)).save(tmp_path / "mask.png")
    report = run(write_job(tmp_path, "f.tif", LABELS, recipe="grain_size", scale="pixel_um = 0.5\nu_rel = 0.01"))
    made = report.micrographs[0].segmentation["settings"]
    assert made["regions"] == numbers.max()
    assert made["traced_in"].startswith("#")


def test_pores_painted_over_the_photograph(tmp_path, section):
    covered, gray = section
    write_tiff(tmp_path / "f.tif", gray)
    rgb = np.dstack([gray] * 3)
    rgb[covered >= 0.5] = (255, 0, 255)
    Image.fromarray(rgb).save(tmp_path / "mask.png")
    found = value(run(write_job(tmp_path, "f.tif", LABELS)))
    assert found == pytest.approx(100 * (covered >= 0.5).mean(), abs=0.01)


def test_object_numbers_that_were_cut_to_8_bits_are_refused(tmp_path):
    numbers, lines = cells((400, 400), 20)  # 400 grains
    write_tiff(tmp_path / "f.tif", photograph(lines))
    Image.fromarray((numbers % 256).astype(np.uint8)).save(tmp_path / "mask.png")
    job = write_job(tmp_path, "f.tif", LABELS, recipe="grain_size", scale="pixel_um = 0.5\nu_rel = 0.01")
    with pytest.raises(ReadError, match=r"255 object numbers, all that 8 bits can hold, in 39\d pieces"):
        run(job)
    Image.fromarray(numbers.astype(np.uint16)).save(tmp_path / "mask.png")
    assert run(job).micrographs[0].segmentation["settings"]["objects"] == 400


def test_255_objects_in_8_bits_are_255_objects(tmp_path):
    numbers, lines = cells((300, 340), 20)  # 15 x 17 grains: all numbers of 8 bits, none twice
    write_tiff(tmp_path / "f.tif", photograph(lines))
    Image.fromarray(numbers.astype(np.uint8)).save(tmp_path / "mask.png")
    job = write_job(tmp_path, "f.tif", LABELS, recipe="grain_size", scale="pixel_um = 0.5\nu_rel = 0.01")
    assert run(job).micrographs[0].segmentation["settings"]["objects"] == 255


# ---------------------------------------------------------------------------------- turned pictures, cleared areas


REGIONS = {
    "rectangle": "rectangle = [20, 30, 240, 200]",
    "polygon": "polygon = [[19.5, 29.5], [19.5, 229.5], [259.5, 229.5], [259.5, 29.5]]",
    "mask": 'mask = "roi.png"',
    "exclude": "exclude = [[0, 0, 20, 400], [260, 0, 40, 400], [20, 0, 240, 30], [20, 230, 240, 170]]",
}


@pytest.mark.parametrize("region", REGIONS)
def test_positions_of_a_region_are_pixels_as_they_are_stored(tmp_path, section, region):
    covered, gray = section
    keep = np.zeros(SHAPE, np.uint8)
    keep[20:260, 30:230] = 255
    Image.fromarray(keep).save(tmp_path / "roi.png")
    found = {}
    for orientation in (1, 3, 6):
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(gray).save(tmp_path / "f.png", exif=exif)
        report = run(write_job(tmp_path, "f.png", "[region]", REGIONS[region]))
        assert agrees(report, 100 * covered[20:260, 30:230].mean())
        found[orientation] = value(report)
        told = any("turned upright by its orientation tag" in line for line in report.warnings)
        assert told == (region == "mask" and orientation in (2, 3, 4))
    # where the other half of the picture is measured, it differs by 0.4 points and more
    assert np.ptp(list(found.values())) < 0.03
    assert abs(100 * covered[20:260, 30:230].mean() - 100 * covered[::-1, ::-1][20:260, 30:230].mean()) > 0.4


def test_a_mask_of_the_upright_picture_is_known_by_its_size(tmp_path, section):
    _, gray = section
    keep = np.zeros(SHAPE, np.uint8)
    keep[:, :200] = 255
    found = []
    for orientation, drawn in ((1, keep), (6, keep), (6, np.rot90(keep, -1))):
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(gray).save(tmp_path / "f.png", exif=exif)
        Image.fromarray(drawn).save(tmp_path / "roi.png")
        found.append(value(run(write_job(tmp_path, "f.png", "[region]", REGIONS["mask"]))))
    assert found == pytest.approx([found[0]] * 3, abs=0.03)


def test_areas_cleared_to_nan_do_not_count(tmp_path, section):
    covered, gray = section
    rows, columns = np.indices(SHAPE)
    outside = (rows - 150) ** 2 + (columns - 200) ** 2 > 140**2
    real = gray.astype(np.float32)
    real[outside] = np.nan
    write_tiff(tmp_path / "f.tif", real)
    report = run(write_job(tmp_path, "f.tif"))
    assert agrees(report, 100 * covered[~outside].mean())
    assert value(report) == pytest.approx(100 * covered[~outside].mean(), abs=0.3)
    assert report.micrographs[0].meta["NaN"] == f"{outside.sum()} pixels are NaN and do not count"
