"""Annotated images: pairs, scales, targets and the split."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from inspect_tool import synthetic
from inspect_tool.errors import CalibrationError, ReadError, SettingsError
from inspect_tool.training import annotations
from inspect_tool.training.samples import (
    Reading,
    Sample,
    as_boundaries,
    boundary_target,
    files_of,
    mean_intercept_px,
    paired,
    read_sample,
    scaled,
    split,
    to_one_scale,
)

CLASSES = ("matrix", "phase")


def paths(*names):
    return tuple(Path(name) for name in names)


def sample(name="a.tif", target=None, **values):
    target = np.tile(np.int32([0, 1]), (40, 60)) if target is None else target
    given = {"image": np.zeros((*target.shape, 1), np.float32), "image_sha256": "", "mask_sha256": "", **values}
    return Sample(name=name, target=target.astype(np.int32), **given)


# --------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        (("i/a.tif", "i/b.tif"), ("m/a.png", "m/b.png")),
        (("i/a.tif", "i/ab.tif"), ("m/a_mask.png", "m/ab_mask.png")),
        (("a1.tif", "a10.tif"), ("mask-a1.png", "mask-a10.png")),
        (("field_1.tif", "field_2.tif", "field_10.tif"), ("gt1.png", "gt2.png", "gt10.png")),
        (("steel.tif",), ("drawn.json",)),
    ],
)
def test_pairs_are_found_by_name(images, masks):
    expected = list(zip(paths(*images), paths(*masks), strict=True))
    assert list(paired(paths(*images), paths(*masks)[::-1])) == expected


def test_one_coco_file_goes_with_every_image():
    pairs = paired(paths("a.tif", "b.tif"), paths("all.json"))
    assert [mask.name for _, mask in pairs] == ["all.json", "all.json"]


@pytest.mark.parametrize(
    ("images", "masks", "message"),
    [
        (
            ("a.tif", "b.tif"),
            ("a.png", "c.png"),
            r"b.tif: no mask fits its name \(a.png, c.png\); name the mask b_mask",
        ),
        (("f1.tif", "f2.tif", "f3.tif"), ("m2.png", "m3.png", "m4.png"), "f1.tif: no mask fits its name"),
        (("a.tif",), ("a_1.png", "a_2.png"), "a.tif: two masks fit its name"),
        (("a.tif",), ("a.png", "b.png"), "b.png: no image has its name"),
    ],
)
def test_a_doubtful_pair_is_refused(images, masks, message):
    with pytest.raises(SettingsError, match=message):
        paired(paths(*images), paths(*masks))


def test_files_of_patterns_folders_and_names_in_natural_order(tmp_path):
    for name in ("f_10.tif", "f_2.tif", "x[1].tif", ".hidden"):
        (tmp_path / name).touch()
    assert [path.name for path in files_of([str(tmp_path / "f_*.tif")], "image")] == ["f_2.tif", "f_10.tif"]
    assert [path.name for path in files_of([str(tmp_path)], "image")] == ["f_2.tif", "f_10.tif", "x[1].tif"]
    assert [path.name for path in files_of([str(tmp_path / "x[1].tif")], "image")] == ["x[1].tif"]
    with pytest.raises(SettingsError, match=r"\*.png: no image matches; check the folder and the pattern"):
        files_of([str(tmp_path / "*.png")], "image")


# ------------------------------------------------------------------------------------------------------- reading


@pytest.fixture
def field(tmp_path):
    """A two-phase image with a mask of 0 and 255, as files."""
    made = synthetic.two_phase(seed=1, area_percent=30, feature_um=8, shape_px=(80, 96))
    cv2.imwrite(str(tmp_path / "field.png"), made.pixels)
    cv2.imwrite(str(tmp_path / "mask.png"), (made.labels == 1).astype(np.uint8) * 255)
    return tmp_path / "field.png", tmp_path / "mask.png", made


def test_an_image_and_its_mask_are_read(field):
    image, mask, made = field
    read = read_sample(image, mask, Reading(classes=CLASSES, masks_are="classes", pixel_um=0.5))
    assert np.array_equal(read.target, made.labels == 1)
    assert read.image.shape == (80, 96, 1)
    # percentiles 1 and 99 lie at 0 and 1
    assert np.percentile(read.image, [1, 99]) == pytest.approx([0, 1], abs=0.02)
    assert (read.name, read.pixel_um) == ("field.png", 0.5)


def test_a_gray_image_is_three_equal_colors_to_a_model_of_colors(field):
    image, mask, _ = field
    read = read_sample(image, mask, Reading(classes=CLASSES, masks_are="classes", channels="rgb"))
    assert read.image.shape == (80, 96, 3)
    assert np.array_equal(read.image[..., 0], read.image[..., 2])


def test_the_footer_is_cut_off_image_and_mask(field):
    image, mask, made = field
    read = read_sample(image, mask, Reading(classes=CLASSES, masks_are="classes", footer_px=10))
    assert read.image.shape == (70, 96, 1)
    assert np.array_equal(read.target, made.labels[:70] == 1)


def test_a_mask_of_another_size_is_refused(field, tmp_path):
    image, _, made = field
    other = tmp_path / "small.png"
    cv2.imwrite(str(other), np.uint8(made.labels[:40] == 1))
    with pytest.raises(ReadError, match=r"small.png: mask has 40 x 96 px \(rows x columns\), the image 80 x 96"):
        read_sample(image, other, Reading(classes=CLASSES, masks_are="classes"))


def test_a_scale_that_the_file_contradicts_is_refused(field, tmp_path):
    import tifffile

    _, mask, made = field
    path = tmp_path / "scaled.tif"
    tifffile.imwrite(path, made.pixels, imagej=True, resolution=(2.0, 2.0), metadata={"unit": "um"})
    assert read_sample(path, mask, Reading(classes=CLASSES, masks_are="classes")).pixel_um == pytest.approx(0.5)
    with pytest.raises(CalibrationError, match=r"the file says 0.5 um/px, --pixel-um says 0.7"):
        read_sample(path, mask, Reading(classes=CLASSES, masks_are="classes", pixel_um=0.7))


# ---------------------------------------------------------------------------------------------------- grain masks


@pytest.fixture
def grains(tmp_path):
    made = synthetic.grains(seed=4, grains_per_mm2=2000, pixel_um=1.0, shape_px=(160, 200))
    cv2.imwrite(str(tmp_path / "steel.png"), made.pixels)
    return tmp_path, made


def test_grain_numbers_and_drawn_boundaries_give_the_same_target(grains):
    folder, made = grains
    cv2.imwrite(str(folder / "labels.png"), made.labels.astype(np.uint16))
    lines = (boundary_target(made.labels) == 1).astype(np.uint8) * 255
    cv2.imwrite(str(folder / "lines.png"), lines)
    found = [
        boundary_target(read_sample(folder / "steel.png", folder / name, Reading(masks_are="auto")).target)
        for name in ("labels.png", "lines.png")
    ]
    assert set(np.unique(found[0])) == {0, 1}
    away = cv2.distanceTransform((found[0] != 1).astype(np.uint8), cv2.DIST_L2, 5)
    assert float(away[found[1] == 1].max()) <= 1.5
    assert (found[0] != found[1]).mean() < 0.02


def test_a_boundary_lies_on_both_sides_and_unknown_stays_unknown():
    labels = np.int32([[1, 1, 1, 2, 2, 2, 0, 0, -1, 3]])
    # 2 beside "no grain" and 3 beside "not annotated" are no boundaries
    assert boundary_target(labels).tolist() == [[0, 0, 1, 1, 0, 0, -1, -1, -1, 0]]


def test_two_values_that_may_be_grains_are_not_guessed(grains):
    folder, made = grains
    cv2.imwrite(str(folder / "two.png"), (made.labels % 2).astype(np.uint8) * 255)
    with pytest.raises(ReadError, match=r"not clear whether it shows grains or boundaries; say --masks-are labels or"):
        read_sample(folder / "steel.png", folder / "two.png", Reading(masks_are="auto"))


def test_a_mask_that_may_be_anything_names_the_option(grains):
    folder, made = grains
    noise = np.random.default_rng(0).integers(0, 200, made.labels.shape).astype(np.uint8)
    cv2.imwrite(str(folder / "noise.png"), noise)
    with pytest.raises(ReadError, match=r"noise.png: .*not clear whether this is .*\(--masks-are\)"):
        read_sample(folder / "steel.png", folder / "noise.png", Reading(masks_are="auto"))


def test_lines_drawn_in_labelme_are_boundaries(grains):
    import json

    folder, _ = grains
    shapes = [{"label": "boundary", "shape_type": "line", "points": [[100.5, 0], [100.5, 160]]}]
    data = {"shapes": shapes, "imagePath": "steel.png", "imageWidth": 200, "imageHeight": 160}
    (folder / "drawn.json").write_text(json.dumps(data))
    read = read_sample(folder / "steel.png", folder / "drawn.json", Reading(masks_are="boundaries"))
    assert set(np.unique(read.target)) == {1, 2}
    columns = np.flatnonzero((boundary_target(read.target) == 1).any(axis=0))
    assert set(columns) <= {98, 99, 100, 101, 102}


def test_the_mean_intercept_of_stripes():
    # stripes 8 px wide: along rows one crossing each 8 px, along columns none
    labels = np.repeat(np.arange(1, 11, dtype=np.int32), 8)[None].repeat(50, axis=0)
    along_rows, along_columns = 50 * 79, 49 * 80
    assert mean_intercept_px(labels) == pytest.approx((along_rows + along_columns) / (50 * 9))


def test_grains_of_another_size_are_brought_to_what_the_model_knows(grains):
    _, made = grains
    size = mean_intercept_px(made.labels)
    known = (2.5 * size, 4 * size)
    (bigger,) = as_boundaries([sample(target=made.labels)], known)
    assert bigger.intercept_px == pytest.approx(np.sqrt(10) * size, rel=0.03)
    (same,) = as_boundaries([sample(target=made.labels)], (0.5 * size, 2 * size))
    assert (same.scaled, same.target.shape) == (1.0, made.labels.shape)


# --------------------------------------------------------------------------------------------------------- scale


def test_images_are_brought_to_one_scale():
    few = [sample(f"{k}.tif", pixel_um=um) for k, um in enumerate((0.5, 0.5, 1.0))]
    found = to_one_scale(few, None)
    assert [round(one.pixel_um, 3) for one in found] == [0.5, 0.5, 0.5]
    assert found[2].target.shape == (80, 240)
    assert found[0] is few[0]
    toward_model = to_one_scale(few, 2.0)
    assert [one.target.shape for one in toward_model] == [(10, 30), (10, 30), (20, 60)]


def test_a_missing_scale_among_known_ones_is_refused():
    with pytest.raises(CalibrationError, match=r"b.tif: tells no pixel size, others do; give --pixel-um"):
        to_one_scale([sample("a.tif", pixel_um=1.0), sample("b.tif")], None)


def test_class_numbers_are_never_interpolated():
    target = np.zeros((30, 30), np.int32)
    target[:, 15:] = 9
    assert set(np.unique(scaled(sample(target=target), 0.7).target)) == {0, 9}


# --------------------------------------------------------------------------------------------------------- split


def test_images_are_never_parted():
    few = [sample(f"{k}.tif") for k in range(8)]
    found = split(few, CLASSES, chosen=(), seed=3)
    assert (len(found.training), len(found.validation)) == (6, 2)
    assert not {one.name for one in found.training} & {one.name for one in found.validation}
    assert found.how == "by image, 2 of 8 drawn with seed 3"
    again = split(few, CLASSES, chosen=(), seed=3)
    assert [one.name for one in again.validation] == [one.name for one in found.validation]


@pytest.mark.parametrize("seed", range(6))
def test_the_only_image_with_a_class_trains(seed):
    few = [sample(f"{k}.tif", target=np.zeros((40, 40))) for k in range(3)] + [sample("rare.tif")]
    assert "rare.tif" in {one.name for one in split(few, CLASSES, chosen=(), seed=seed).training}


def test_the_images_that_judge_can_be_named():
    few = [sample(f"{k}.tif") for k in range(3)]
    found = split(few, CLASSES, chosen=("folder/1.tif",), seed=0)
    assert [one.name for one in found.validation] == ["1.tif"]
    with pytest.raises(SettingsError, match=r"--validation 7.tif: is none of the images"):
        split(few, CLASSES, chosen=("7.tif",), seed=0)
    with pytest.raises(SettingsError, match="--validation names every image"):
        split(few, CLASSES, chosen=("0.tif", "1.tif", "2.tif"), seed=0)


def test_the_only_image_is_parted_and_that_is_said():
    found = split([sample()], CLASSES, chosen=(), seed=0)
    (training,), (judging,) = found.training, found.validation
    assert (training.target.shape, judging.target.shape) == ((40, 80), (40, 40))
    assert found.how.startswith("within the only image: its left two thirds train, its right third judges")
    assert "not for another one" in found.how


@pytest.mark.parametrize(
    ("count", "message"),
    [(0, "class 'phase' is missing in every mask"), (12, "class 'phase' has 12 annotated pixels in all masks")],
)
def test_a_class_that_is_missing_or_rare_is_refused(count, message):
    target = np.zeros((40, 40), np.int32)
    target.ravel()[:count] = 1
    with pytest.raises(SettingsError, match=message):
        split([sample(target=target), sample("b.tif", target=np.zeros((40, 40)))], CLASSES, chosen=(), seed=0)


def test_a_class_that_only_judges_is_refused():
    few = [sample("a.tif", target=np.zeros((40, 40))), sample("b.tif")]
    with pytest.raises(SettingsError, match="class 'phase' has 0 annotated pixels in what trains"):
        split(few, CLASSES, chosen=("b.tif",), seed=0)


def test_what_is_not_annotated_stays_unknown(tmp_path, field):
    image, mask, _ = field
    marks = annotations.Settings(blank="unknown", may_be_empty=True)
    read = read_sample(image, mask, Reading(classes=CLASSES, masks_are="classes", marks=marks))
    assert set(np.unique(read.target)) == {-1, 1}
