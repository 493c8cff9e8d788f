"""Images kept on the disk give what arrays give: boxes, lines, places, small pictures and PNG files."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates

from inspect_tool.errors import ReadError
from inspect_tool.pixels import stored
from inspect_tool.pixels.kept import made_once
from inspect_tool.pixels.png import encode
from inspect_tool.pixels.reduced import area_mean, nearest, scaled
from inspect_tool.pixels.stored import StoredImage, decode_stored, encode_stored, zeros_like


def on_disk(array, folder):
    image = StoredImage(array.shape, array.dtype, folder)
    image[:] = array
    return image


@pytest.mark.parametrize("mapped", [64, 1 << 25])
def test_a_stored_image_is_indexed_as_an_array(tmp_path, monkeypatch, mapped):
    monkeypatch.setattr(stored, "_MAPPED_BYTES", mapped)
    array = np.arange(35 * 40, dtype=np.int32).reshape(35, 40)
    image = on_disk(array, tmp_path)
    places = np.array([3, 34, 0, 3]), np.array([39, 0, 7, 2])
    for index in (
        np.s_[4:9],
        np.s_[3:30:4, 1:40:3],
        np.s_[5],
        np.s_[-1],
        np.s_[:, 0],
        np.s_[2:7, -1],
        np.s_[4, 9],
        places,
        np.s_[40:, :],
    ):
        assert np.array_equal(image[index], array[index])
        assert np.shape(image[index]) == np.shape(array[index])
    image[2:20, 5:9] = 7
    image[places] = [1, 2, 3, 4]
    array[2:20, 5:9], array[places] = 7, [1, 2, 3, 4]
    assert np.array_equal(image, array)
    assert (image.max(), image.min(), image.all()) == (array.max(), array.min(), array.all())
    other = zeros_like(image, np.float16)
    assert isinstance(other, StoredImage)
    assert not np.asarray(other).any()
    assert not list(tmp_path.iterdir())  # nothing is left behind


def test_a_stored_image_with_channels_is_indexed_as_an_array(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "_MAPPED_BYTES", 64)
    array = np.arange(15 * 12 * 3, dtype=np.uint16).reshape(15, 12, 3)
    image = on_disk(array, tmp_path)
    places = np.array([3, 14, 0]), np.array([11, 0, 7])
    image[2:4, 5:9] = array[2:4, 5:9] = (7, 8, 9)
    image[places] = array[places] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    for index in (np.s_[4:9], np.s_[3:13:4, 1:10:3], np.s_[5], np.s_[4, 9], np.s_[2:7, -1], places):
        assert np.array_equal(image[index], array[index])
    assert zeros_like(image, np.float32, image.shape[:2]).shape == (15, 12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((700, 900), (256, 199)),
        ((512, 1024), (256, 128)),
        ((700, 1024), (256, 175)),
        ((513, 300), (300, 257)),
        ((301, 404, 3), (130, 99)),
        ((300, 404, 3), (202, 150)),
    ],
)
def test_a_small_picture_of_a_stored_image_is_that_of_opencv(tmp_path, shape, size, dtype):
    array = (np.random.default_rng(1).integers(0, 256, shape) * dtype(1 if dtype is np.uint8 else 0.913)).astype(dtype)
    image = on_disk(array, tmp_path)
    assert np.array_equal(area_mean(image, size), cv2.resize(array, size, interpolation=cv2.INTER_AREA))
    for exact, rule in ((False, cv2.INTER_NEAREST), (True, cv2.INTER_NEAREST_EXACT)):
        assert np.array_equal(nearest(image, size, exact=exact), cv2.resize(array, size, interpolation=rule))


@pytest.mark.parametrize(("how", "size"), [("area", (211, 160)), ("bilinear", (391, 590)), ("nearest", (380, 200))])
def test_an_image_of_another_size_is_the_same_held_and_stored(tmp_path, how, size):
    array = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (340, 256), np.uint8), (0, 0), 2)
    made = scaled(array, size, how)
    assert np.array_equal(scaled(on_disk(array, tmp_path), size, how), made)
    if how != "bilinear":
        rule = cv2.INTER_AREA if how == "area" else cv2.INTER_NEAREST
        assert np.array_equal(made, cv2.resize(array, size, interpolation=rule))
        return
    places = [(np.arange(many) + 0.5) * few / many - 0.5 for few, many in zip(array.shape, size[::-1], strict=True)]
    exact = map_coordinates(array.astype(float), np.meshgrid(*places, indexing="ij"), order=1, mode="nearest")
    assert np.abs(made - exact).max() < 0.5 + 1e-4  # rounded, where OpenCV cuts off


def test_a_part_is_made_once_and_again_where_it_was_cut_off(tmp_path):
    made = []

    def make():
        made.append(1)
        return {"numbers": np.arange(9), "at": np.array([[True, False]])}

    image = StoredImage((4, 5), np.uint8, tmp_path, tmp_path)
    for _ in range(2):
        found = made_once(image.like(np.int32), "flood 3", make)
        assert (found["numbers"].tolist(), found["at"].tolist()) == (list(range(9)), [[True, False]])
    assert len(made) == 1
    file = tmp_path / "flood 3.npz"
    file.write_bytes(file.read_bytes()[:-40])
    for other in (image, StoredImage((4, 5), np.uint8, tmp_path), np.zeros((4, 5))):
        made_once(other, "flood 3", make)
    assert len(made) == 4


@pytest.mark.parametrize("largest", [200, 60_000, 9_000_000])
def test_a_stored_image_is_a_png_that_other_programs_read(tmp_path, largest):
    array = np.sort(np.random.default_rng(2).integers(0, largest + 1, (70, 90)).astype(np.int32), axis=1)
    data = encode_stored(on_disk(array, tmp_path))
    read = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(read, np.asarray(Image.open(io.BytesIO(encode(array)))))
    assert np.array_equal(decode_stored(data, array.shape), array)
    with pytest.raises(ReadError, match="cannot be read as a mask"):
        decode_stored(data[: len(data) // 2], array.shape)
