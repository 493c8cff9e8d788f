"""Images kept on the disk give what arrays give: boxes, lines, places, small pictures and PNG files."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from inspect_tool.errors import ReadError
from inspect_tool.pixels import stored
from inspect_tool.pixels.png import encode
from inspect_tool.pixels.reduced import area_mean, nearest
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


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(
    ("shape", "size"),
    [((700, 900), (256, 199)), ((512, 1024), (256, 128)), ((700, 1024), (256, 175)), ((513, 300), (300, 257))],
)
def test_a_small_picture_of_a_stored_image_is_that_of_opencv(tmp_path, shape, size, dtype):
    array = (np.random.default_rng(1).integers(0, 256, shape) * dtype(1 if dtype is np.uint8 else 0.913)).astype(dtype)
    image = on_disk(array, tmp_path)
    assert np.array_equal(area_mean(image, size), cv2.resize(array, size, interpolation=cv2.INTER_AREA))
    assert np.array_equal(nearest(image, size), cv2.resize(array, size, interpolation=cv2.INTER_NEAREST))


@pytest.mark.parametrize("largest", [200, 60_000, 9_000_000])
def test_a_stored_image_is_a_png_that_other_programs_read(tmp_path, largest):
    array = np.sort(np.random.default_rng(2).integers(0, largest + 1, (70, 90)).astype(np.int32), axis=1)
    data = encode_stored(on_disk(array, tmp_path))
    read = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(read, np.asarray(Image.open(io.BytesIO(encode(array)))))
    assert np.array_equal(decode_stored(data, array.shape), array)
    with pytest.raises(ReadError, match="cannot be read as a mask"):
        decode_stored(data[: len(data) // 2], array.shape)
