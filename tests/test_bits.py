"""Masks and classes of bits are indexed and measured as the arrays that they stand for."""

from io import BytesIO

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from inspect_tool.errors import ReadError
from inspect_tool.measure import class_shape
from inspect_tool.measure.feature_sizes import feature_areas
from inspect_tool.measure.fraction import class_areas, line_counts
from inspect_tool.measure.gray import grays_of
from inspect_tool.measure.neighbors import edge_gaps
from inspect_tool.measure.points import count_points, grid
from inspect_tool.measure.seamless.tables import feature_table, numbered_features
from inspect_tool.measure.share_scatter import share_scatter
from inspect_tool.pixels.bits import BitClasses, BitMask, classes_like, decode_bits, encode_bits
from inspect_tool.pixels.stored import StoredImage

SHAPE = (331, 413)


def bits(mask):
    return BitMask(np.packbits(mask, axis=1), mask.shape)


def blobs(seed, blur, share):
    noise = gaussian_filter(np.random.default_rng(seed).random(SHAPE), blur)
    return noise > np.quantile(noise, 1 - share)


@pytest.fixture(scope="module")
def labels():
    noise = gaussian_filter(np.random.default_rng(3).random(SHAPE), 5)
    return np.digitize(noise, np.quantile(noise, [0.4, 0.5])).astype(np.uint8)


def packed(labels):
    return BitClasses({number: bits(labels == number) for number in (1, 2)}, labels.shape)


def test_bits_are_indexed_as_arrays_are(labels):
    mask, rng = labels == 1, np.random.default_rng(1)
    places = rng.integers(0, SHAPE[0], 60), rng.integers(0, SHAPE[1], 60)
    for array, held in ((mask, bits(mask)), (labels, packed(labels))):
        assert (held.shape, held.size, held.dtype, held.ndim) == (array.shape, array.size, array.dtype, array.ndim)
        for index in (np.s_[5:60], np.s_[320:400], np.s_[7:9, 13:29], np.s_[:, 400:413], np.s_[::4, 3::3], places):
            assert np.array_equal(held[index], array[index])
        assert np.array_equal(np.asarray(held), array)
    assert np.array_equal(packed(labels).T[3:77], labels.T[3:77])
    for number in range(3):
        assert np.array_equal(np.asarray(packed(labels) == number), labels == number)
    other = labels == 2
    assert np.array_equal(np.asarray(bits(mask) & ~bits(other)), mask & ~other)
    assert np.array_equal(np.asarray(bits(mask) | bits(other)), mask | other)
    assert bits(mask).sum() == mask.sum()
    assert packed(labels).any()
    assert not packed(np.zeros_like(labels)).any()


def test_classes_are_put_together_as_the_image_is_kept(labels, tmp_path):
    image = StoredImage(labels.shape, np.uint8, tmp_path)
    for of in (image, np.zeros(labels.shape)):
        bands = ((slice(top, min(top + 50, SHAPE[0])), labels[top : top + 50]) for top in range(0, SHAPE[0], 50))
        found = classes_like(of, (1, 2), bands)
        assert isinstance(found, BitClasses if of is image else np.ndarray)
        assert np.array_equal(np.asarray(found), labels)


@pytest.mark.parametrize(("blur", "share"), [(0.6, 0.3), (3.0, 0.5), (8.0, 0.8)])
def test_measures_of_bits_are_those_of_arrays(labels, blur, share):
    mask, roi = blobs(1, blur, share), blobs(2, 25.0, 0.8)
    for one, other, region, held in ((mask, bits(mask), None, None), (mask & roi, bits(mask & roi), roi, bits(roi))):
        assert line_counts(other, held) == line_counts(one, region)
        assert class_shape.line_percent(other) == class_shape.line_percent(one)
        assert class_shape.cells_percent(other) == class_shape.cells_percent(one)
        found, known = share_scatter(other, held), share_scatter(one, region)
        assert (found.u, found.dof, found.largest) == (known.u, known.dof, known.largest)
        tables = [feature_table(m, 0.5, roi=r, side_px=64) for m, r in ((one, region), (other, held))]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    points = grid(SHAPE, 100, 5)
    known, found = (
        count_points(image, (0, 1, 2), points, r) for image, r in ((labels, roi), (packed(labels), bits(roi)))
    )
    assert {n: found.count(n) for n in range(3)} == {n: known.count(n) for n in range(3)}
    assert class_areas(packed(labels), (0, 1, 2), bits(roi)) == class_areas(labels, (0, 1, 2), roi)


def _long_parts_of_the_whole(mask):
    """Share of a mask in lines, with all of the image in one array."""
    found = np.zeros(mask.shape, bool)
    for width in (3, 7, 15):
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 2, width + 2))
        thin = mask.view(np.uint8) & ~cv2.dilate(cv2.erode(mask.view(np.uint8), disc), disc)
        depth = cv2.distanceTransform(thin, cv2.DIST_L2, 3)
        n, numbers, stats, _ = cv2.connectedComponentsWithStats(thin, connectivity=8)
        widest = np.array([2 * depth[numbers == i].max() - 1 for i in range(n)])
        area = stats[:, cv2.CC_STAT_AREA]
        long = (area >= 30) & (area >= 8 * widest**2)
        long[0] = False
        found |= long[numbers]
    return 100 * int(found.sum()) / int(mask.sum())


def test_lines_are_found_in_bands_as_in_the_whole(monkeypatch):
    mask = blobs(6, 2.0, 0.45)
    mask[:, 200:203] = True  # a line through all bands
    known = _long_parts_of_the_whole(mask)
    assert 0 < known < 100
    assert class_shape.line_percent(mask) == known
    monkeypatch.setattr(class_shape, "_ROWS", 40)
    monkeypatch.setattr(class_shape, "_BAND_PX", 1)
    monkeypatch.setattr(
        class_shape, "strips", lambda shape: [(t, min(t + 16, shape[0])) for t in range(0, shape[0], 16)]
    )
    monkeypatch.setattr("inspect_tool.pixels.parts.strip_rows", lambda _shape: 16)
    assert class_shape.line_percent(mask) == known
    assert class_shape.line_percent(bits(mask)) == known


def test_rims_are_found_in_bands_as_in_the_whole(labels, monkeypatch):
    roi = blobs(2, 25.0, 0.8)
    known = [class_shape.rim_percent(labels, 1), class_shape.rim_percent(labels, 1, roi)]
    assert all(0 < share < 100 for share in known)
    monkeypatch.setattr(class_shape, "_ROWS", 40)
    monkeypatch.setattr(class_shape, "_BAND_PX", 1)
    assert [class_shape.rim_percent(packed(labels), 1), class_shape.rim_percent(labels, 1, roi)] == known
    assert class_shape.rim_percent(packed(labels), 1, bits(roi)) == known[1]


def test_areas_of_features_are_those_of_opencv():
    mask = blobs(4, 2.0, 0.3)
    areas = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    for held in (mask, bits(mask)):
        assert np.array_equal(feature_areas(held).of_phase, areas / mask.size)
        assert np.array_equal(feature_areas(~held).of_rest, areas / mask.size)


def test_objects_of_bits_have_the_numbers_and_neighbors_of_a_label_image():
    mask = blobs(5, 3, 0.2)
    whole, table = numbered_features(mask, 0.5)
    objects, found = numbered_features(bits(mask), 0.5)
    pd.testing.assert_frame_equal(found, table, check_exact=True)
    assert np.array_equal(objects[:], whole)
    assert np.array_equal(objects[7:200, 30:90], whole[7:200, 30:90])
    keep = np.where(np.arange(len(table) + 1) % 3 == 0, np.arange(len(table) + 1) // 3, 0).astype(np.int32)
    kept = objects.renumbered(keep)
    assert np.array_equal(kept[:], keep[whole])
    assert np.array_equal(np.asarray(kept != 0), keep[whole] != 0)
    assert np.array_equal(np.asarray(kept == 0), keep[whole] == 0)
    for one, other in zip(edge_gaps(kept), edge_gaps(keep[whole]), strict=True):
        assert np.array_equal(one, other)


def test_quantiles_of_counted_grays_are_those_of_the_pixels():
    pixels = np.random.default_rng(1).integers(0, 256, SHAPE, dtype=np.uint8)
    for mask in (
        blobs(1, 2, 0.3),
        np.arange(pixels.size).reshape(SHAPE) < 8,
        np.arange(pixels.size).reshape(SHAPE) < 1,
    ):
        for image in (pixels, pixels / np.float32(7)):
            found = grays_of(image, mask)
            assert (grays_of(image, bits(mask)).quantile(0.99), found.pixels) == (found.quantile(0.99), mask.sum())
            for share in (0.0, 0.1, 0.5, 0.99, 1.0):
                assert found.quantile(share) == np.quantile(image[mask].astype(np.float64), share)


@pytest.mark.parametrize("width", [1, 8, 413])
def test_masks_and_classes_are_written_as_png_and_read_back(labels, width):
    part = labels[:, :width]
    held = packed(part)
    data = encode_bits(held)
    assert np.array_equal(np.asarray(Image.open(BytesIO(data))), part)
    assert np.array_equal(np.asarray(decode_bits(data, part.shape, (1, 2))), part)
    data = encode_bits(~bits(part == 1))  # the last byte of a row holds more than its columns
    assert np.array_equal(np.asarray(Image.open(BytesIO(data))), part != 1)
    assert np.array_equal(np.asarray(decode_bits(data, part.shape, (1,))), part != 1)


def test_files_that_are_no_such_masks_are_refused(labels):
    data, shape = encode_bits(packed(labels)), labels.shape
    for wrong, asked, classes, says in (
        (data[:300], shape, (1, 2), "cannot be read as a mask"),
        (data[:8] + data[20:], shape, (1, 2), "is not a PNG of 1 or 8 bit gray"),
        (data, (331, 400), (1, 2), "has 331 x 413 pixels, the report states 331 x 400"),
        (data, shape, (1,), "holds a class that the report does not state"),
        (encode_bits(bits(labels == 1)), shape, (1, 2), "has one class, the report states 2"),
        (data.replace(b"IDAT", b"IDAx"), shape, (1, 2), "it has 0 of 331 rows"),
    ):
        with pytest.raises(ReadError, match=f"here: .*{says}"):
            decode_bits(wrong, asked, classes, "here")
