"""Damaged TIFF files and dummy scales: one line that says what is missing, never a number."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from drawn_sections import SHAPE, coverage, eight_bit, picture, plain_tiff, pores, write_job

from inspect_tool import run
from inspect_tool.errors import CalibrationError, ReadError
from inspect_tool.images import readers

GRAY = eight_bit(picture(coverage(SHAPE, pores(3)), 3))  # 300 x 400
RAW = [GRAY[top : top + 50].tobytes() for top in range(0, 300, 50)]
PACKED = [zlib.compress(strip) for strip in RAW]
HALF = zlib.compress(RAW[2][: 25 * 400])


def test_the_undamaged_files_hold_the_picture(tmp_path):
    for strips, options in ((RAW, {}), (PACKED, {"t259": 8}), ([GRAY.tobytes()], {"t278": 300})):
        (tmp_path / "a.tif").write_bytes(plain_tiff(strips, 50, SHAPE, **options))
        assert np.array_equal(readers.read(tmp_path / "a.tif").pixels, GRAY)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        # tables without the strips they need
        (plain_tiff(PACKED[:3], 50, SHAPE, t259=8), r"3 of 6 parts of the image are there"),
        (plain_tiff([*RAW[:5], b"x" * 60000], 50, (400, 400)), r"6 of 8 parts of the image are there"),
        (plain_tiff([zlib.compress(GRAY.tobytes())], 300, (306, 400), t259=8), r"1 of 2 parts of the image are there"),
        # strips that hold half of their rows
        (plain_tiff([*PACKED[:2], HALF, *PACKED[3:]], 50, SHAPE, t259=8), r"not a readable TIFF"),
        (plain_tiff([*PACKED[:5], HALF], 50, SHAPE, t259=8), r"not a readable TIFF"),
        # tags that are gone, or have another value
        (plain_tiff([GRAY.tobytes()], 300, SHAPE, t258=-1), r"has no tag BitsPerSample"),
        (plain_tiff([zlib.compress(GRAY.tobytes())], 300, SHAPE, t258=-1, t259=8), r"has no tag BitsPerSample"),
        (plain_tiff([GRAY.tobytes()], 300, SHAPE, t262=-1), r"has no tag PhotometricInterpretation"),
        (
            plain_tiff([GRAY.tobytes()], 300, SHAPE).replace(struct.pack("<HH", 262, 4), struct.pack("<HH", 262, 11)),
            r"tag PhotometricInterpretation is no whole number",
        ),
        (plain_tiff([GRAY.tobytes()], 300, SHAPE, t259=3), r"8 bits per pixel in a compression for one"),
        (plain_tiff([GRAY.tobytes()], 300, SHAPE, t258=1), r"120000 bytes of pixels, its size and depth make 15"),
        (plain_tiff([GRAY.tobytes()], 300, (172, 400)), r"120000 bytes of pixels, its size and depth make 68800"),
    ],
)
def test_what_is_missing_is_said_and_never_measured(tmp_path, data, says):
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(ReadError, match=says) as caught:
        readers.read(tmp_path / "a.tif")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("to", [8, 160])
def test_a_list_of_pages_that_comes_back_ends(tmp_path, to):
    data = bytearray(plain_tiff([GRAY.tobytes()], 300, SHAPE))
    end = 10 + 12 * struct.unpack_from("<H", data, 8)[0]
    data[end : end + 4] = struct.pack("<I", to)
    data[160:600] = bytes(440)
    data[160:174] = struct.pack("<H", 0) + struct.pack("<I", 8) + bytes(8)  # a second page, without tags
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(ReadError, match=r"names an earlier page as the next one; the file is damaged"):
        readers.read(tmp_path / "a.tif")


def test_a_page_list_of_big_tiff_is_followed_too(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY, bigtiff=True)
    assert np.array_equal(readers.read(tmp_path / "a.tif").pixels, GRAY)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    first = struct.unpack_from("<Q", data, 8)[0]
    end = first + 8 + 20 * struct.unpack_from("<Q", data, first)[0]
    data[end : end + 8] = struct.pack("<Q", first)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(ReadError, match=r"page 1 names an earlier page"):
        readers.read(tmp_path / "a.tif")


# -------------------------------------------------------------------------------------------------------- scales


def ome(path, **sizes):
    tifffile.imwrite(path, GRAY, ome=True, photometric="minisblack", metadata={"axes": "YX", **sizes})


def density(report):
    return next(result.value for result in report.results if result.quantity == "pore_count_per_mm2")


def test_a_size_of_one_is_what_writers_fill_in(tmp_path):
    ome(tmp_path / "a.ome.tif", PhysicalSizeX=1.0, PhysicalSizeY=1.0)
    unsure = write_job(tmp_path, "a.ome.tif", scale='source = "file"\nu_rel = 0.01')
    with pytest.raises(CalibrationError, match=r"PhysicalSizeX and Y: 1 µm, what programs write that know no scale"):
        run(unsure)
    stated = run(write_job(tmp_path, "a.ome.tif", scale='pixel_um = 0.5\nsource = "micrometer"\nu_rel = 0.01'))
    assert stated.micrographs[0].calibration.pixel_um == 0.5
    assert density(stated) == pytest.approx(len(pores(3)) / (0.3 * 0.4 * 0.25), rel=0.05)


@pytest.mark.parametrize("unit", ["nm", "mm", "µm"])
def test_one_of_any_unit_is_no_scale(tmp_path, unit):
    sizes = {"PhysicalSizeX": 1.0, "PhysicalSizeXUnit": unit, "PhysicalSizeY": 1.0, "PhysicalSizeYUnit": unit}
    ome(tmp_path / "a.ome.tif", **sizes)
    assert readers.scale(tmp_path / "a.ome.tif").pixel_um is None


def test_a_side_of_one_beside_another_is_a_scale(tmp_path):
    ome(tmp_path / "a.ome.tif", PhysicalSizeX=1.0, PhysicalSizeY=0.5)
    found = readers.scale(tmp_path / "a.ome.tif")
    assert (found.pixel_um, found.pixel_y_um) == (1.0, 0.5)


@pytest.mark.parametrize(
    "height", [{}, {"PhysicalSizeY": 500.0}, {"PhysicalSizeY": 0.5}, {"PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}]
)
def test_a_height_without_a_unit_is_of_that_which_makes_a_square(tmp_path, height):
    ome(tmp_path / "a.ome.tif", PhysicalSizeX=500.0, PhysicalSizeXUnit="nm", **height)
    found = readers.scale(tmp_path / "a.ome.tif")
    assert found.pixel_um == pytest.approx(0.5)
    assert found.pixel_y_um is None


def test_imagej_without_a_resolution_states_none(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY, imagej=True, metadata={"unit": "um"}, resolution=(1, 1))
    found = readers.scale(tmp_path / "a.tif")
    assert found.pixel_um is None
    assert found.note == "ImageJ scale: 1 um, what programs write that know no scale: not believed"
