"""The same questions to every registered reader."""

import inspect
import re

import numpy as np
import pytest
import tifffile
from dicom_example import write_dicom
from PIL import Image

from inspect_tool import readers, registry
from inspect_tool.errors import ReadError
from inspect_tool.model import Micrograph

NAMES = registry.names("reader")
GRAY = np.random.default_rng(0).integers(0, 256, (24, 36), dtype=np.uint8)


def write(path):
    """Write a small gray picture in the format of a suffix, with a library that is not the reader."""
    if path.suffix in (".tif", ".tiff", ".btf", ".tf8"):
        tifffile.imwrite(path, GRAY)
        return
    if path.suffix in (".dcm", ".dicom", ".dcn"):
        write_dicom(path, GRAY)
        return
    kind = {".png": "PNG", ".bmp": "BMP", ".dib": "BMP"}.get(path.suffix, "JPEG")
    Image.fromarray(GRAY).save(path, format=kind)


@pytest.fixture(params=NAMES)
def reader(request):
    return registry.load("reader", request.param)


def test_the_module_says_what_it_is(reader):
    assert reader.__doc__
    assert reader.SUFFIXES
    assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in reader.SUFFIXES)
    assert list(inspect.signature(reader.read).parameters) == ["path", "page"]
    assert inspect.signature(reader.read).parameters["page"].default is None


def test_suffixes_belong_to_one_reader():
    found = [suffix for name in NAMES for suffix in registry.load("reader", name).SUFFIXES]
    assert len(found) == len(set(found))


def test_a_small_picture_of_every_suffix(reader, tmp_path):
    for suffix in reader.SUFFIXES:
        path = tmp_path / f"Gefüge 'a'{suffix}"
        write(path)
        found, again = reader.read(path), readers.read(path)
        assert isinstance(found, Micrograph)
        assert found.pixels.ndim == 2
        assert found.pixels.dtype in (np.uint8, np.float32)
        assert not found.pixels.flags.writeable
        assert found.pixels.flags.c_contiguous
        assert np.array_equal(found.pixels, again.pixels)
        assert found.path == str(path)
        assert re.fullmatch("[0-9a-f]{64}", found.sha256)
        assert found.calibration.pixel_um is None
        assert found.calibration.source == ""
        assert found.calibration.note
        assert all(isinstance(key, str) and isinstance(text, str) for key, text in found.meta.items())
        assert {"format", "bit depth", "compression"} <= set(found.meta)
        assert "file name" not in again.meta


def test_a_page_that_is_not_there(reader, tmp_path):
    path = tmp_path / f"a{reader.SUFFIXES[0]}"
    write(path)
    for page in (1, -1):
        with pytest.raises(ReadError, match=f"no page {page}"):
            reader.read(path, page)


def test_damage_is_one_line(reader, tmp_path):
    path = tmp_path / f"a{reader.SUFFIXES[0]}"
    write(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ReadError, match=r"a\.[a-z]+: ") as caught:
        reader.read(path)
    assert "\n" not in str(caught.value)


def test_recognizes_only_its_own(reader, tmp_path):
    for name in NAMES:
        other = registry.load("reader", name)
        path = tmp_path / f"a{other.SUFFIXES[0]}"
        write(path)
        assert reader.recognizes(path.read_bytes()[:256]) == (reader is other)
    assert not reader.recognizes(b"")
