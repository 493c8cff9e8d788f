"""Readers: every variety is written by the format's own library and must come back as what went in."""

import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from inspect_tool.errors import ReadError
from inspect_tool.images import readers
from inspect_tool.images.readers import plain, raster, read, read_values, tiff
from inspect_tool.model import Selection

RNG = np.random.default_rng(5)
GRAY8 = RNG.integers(0, 256, (40, 56), dtype=np.uint8)
GRAY16 = RNG.integers(0, 65536, (40, 56), dtype=np.uint16)
COLOR8 = RNG.integers(0, 256, (40, 56, 3), dtype=np.uint8)


def luminance(rgb):
    """ITU-R BT.601, in double precision."""
    return rgb[..., :3].astype(float) @ np.array([0.299, 0.587, 0.114])


# ------------------------------------------------------------------------------------------------- TIFF pixels


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rowsperstrip": 7},
        {"tile": (16, 32)},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw", "tile": (16, 16)},
        {"compression": "packbits"},
        {"compression": "zstd"},
        {"ome": True},
        {"imagej": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("pixels", [GRAY8, GRAY16], ids=["8 bit", "16 bit"])
def test_gray_values_come_back_as_they_are(tmp_path, options, pixels):
    if options.get("imagej") and options.get("byteorder") == "<":
        pytest.skip("ImageJ is big-endian")
    path = tmp_path / ("a.ome.tif" if "ome" in options else "a.tif")
    tifffile.imwrite(path, pixels, photometric="minisblack", **options)
    found = read(path)
    assert found.pixels.dtype == (np.uint8 if pixels.dtype == np.uint8 else np.float32)
    assert np.array_equal(found.pixels, pixels)
    assert not found.pixels.flags.writeable
    assert found.color is None
    assert found.roi is None
    assert found.meta["bit depth"] == f"{pixels.dtype.itemsize * 8} bit integer"
    assert len(found.sha256) == 64


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.uint32, np.float16, np.float32, np.float64])
def test_other_number_types_become_float32_without_rescaling(tmp_path, kind):
    pixels = np.arange(-50 if np.dtype(kind).kind != "u" else 0, 70)[:120].astype(kind)
    pixels = np.resize(pixels, (30, 40))
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    found = read(tmp_path / "a.tif").pixels
    assert found.dtype == np.float32
    assert np.array_equal(found, pixels.astype(np.float32))


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_rgb_gives_color_and_luminance(tmp_path, planar, compression):
    data = COLOR8 if planar == "contig" else np.moveaxis(COLOR8, 2, 0)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig=planar, compression=compression)
    found = read(tmp_path / "a.tif")
    assert np.array_equal(found.color, COLOR8)
    assert not found.color.flags.writeable
    assert np.abs(found.pixels - luminance(COLOR8)).max() <= 1
    assert "0.299" in found.meta["color"]


def test_rgb_with_equal_channels_is_a_gray_image(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.repeat(GRAY8[:, :, None], 3, 2), photometric="rgb")
    found = read(tmp_path / "a.tif")
    assert found.color is None
    assert np.array_equal(found.pixels, GRAY8)


def test_16_bit_rgb_keeps_its_gray_resolution(tmp_path):
    data = RNG.integers(0, 4096, (30, 40, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb")
    found = read(tmp_path / "a.tif")
    assert np.allclose(found.pixels, luminance(data), atol=0.01)
    # 12 of 16 bits are in use
    assert np.array_equal(found.color, np.rint(data * (255 / 4095)).astype(np.uint8))


def test_transparent_pixels_do_not_count(tmp_path):
    alpha = np.full(GRAY8.shape, 255, np.uint8)
    alpha[:10] = 0
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([COLOR8, alpha]), photometric="rgb", extrasamples=["unassalpha"])
    found = read(tmp_path / "a.tif")
    assert np.array_equal(found.roi, alpha > 0)
    assert np.array_equal(found.color, COLOR8)
    assert found.meta["alpha"] == "560 fully transparent pixels do not count"


def test_a_fourth_channel_of_unknown_meaning_is_left_out(tmp_path):
    data = np.dstack([COLOR8, np.zeros_like(GRAY8)])
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", extrasamples=["unspecified"])
    found = read(tmp_path / "a.tif")
    assert found.roi is None
    assert "left out" in found.meta["extra channels"]


def test_palette_and_inverted_gray(tmp_path):
    colormap = np.zeros((3, 256), np.uint16)
    colormap[0] = np.arange(256) * 257
    colormap[1] = 257 * 90
    tifffile.imwrite(tmp_path / "p.tif", GRAY8, photometric="palette", colormap=colormap)
    found = read(tmp_path / "p.tif")
    assert np.array_equal(found.color[:, :, 0], GRAY8)
    assert np.unique(found.color[:, :, 1]).tolist() == [90]
    assert np.array_equal(read_values(tmp_path / "p.tif")[0], GRAY8)

    colormap[:] = colormap[0, ::-1]
    tifffile.imwrite(tmp_path / "g.tif", GRAY8, photometric="palette", colormap=colormap)
    assert np.array_equal(read(tmp_path / "g.tif").pixels, 255 - GRAY8)
    assert read(tmp_path / "g.tif").color is None

    tifffile.imwrite(tmp_path / "w.tif", GRAY16, photometric="miniswhite")
    assert np.array_equal(read(tmp_path / "w.tif").pixels, (65535 - GRAY16).astype(np.float32))


@pytest.mark.parametrize("bits", [12, 14])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_detector_image_of_12_or_14_bits_in_16(tmp_path, bits, byteorder):
    """What X-ray detectors write: deep, with the pitch of the detector as the resolution; values are kept."""
    pixels = RNG.integers(0, 2**bits, (40, 56), dtype=np.uint16)
    pixels[0, :2] = 0, 2**bits - 1
    path = tmp_path / "a.tif"
    # 127 um: 78.74 px/cm, 200 dpi
    pitch = {"resolution": (78.74, 78.74), "resolutionunit": "CENTIMETER"}
    tags = [(280, 3, 1, 0, True), (281, 3, 1, 2**bits - 1, True)]
    tifffile.imwrite(path, pixels, extratags=tags, byteorder=byteorder, **pitch)
    found = read(path)
    assert found.pixels.dtype == np.float32
    assert np.array_equal(found.pixels, pixels)
    assert found.meta["bit depth"] == "16 bit integer"
    assert found.calibration.pixel_um is None
    assert "200 dpi" in found.calibration.note
    tifffile.imwrite(path, pixels, photometric="miniswhite", byteorder=">", **pitch)
    assert np.array_equal(read(path).pixels, 65535.0 - pixels)


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_bilevel(tmp_path, photometric):
    bits = GRAY8 > 128
    tifffile.imwrite(tmp_path / "a.tif", bits, photometric=photometric)
    shown = bits if photometric == "minisblack" else ~bits
    assert np.array_equal(read(tmp_path / "a.tif").pixels, shown * np.uint8(255))


def test_jpeg_in_tiff_is_named_lossy(tmp_path):
    smooth = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", smooth, compression="jpeg")
    found = read(tmp_path / "a.tif")
    assert found.meta["compression"] == "JPEG (lossy)"
    assert np.abs(found.pixels.astype(int) - smooth).max() < 12


def test_cmyk_paper_is_white_and_full_ink_black(tmp_path):
    data = np.zeros((8, 8, 4), np.uint8)
    data[:4, :, 3] = 255
    data[4:, :4, 0] = 255
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="separated")
    color = read(tmp_path / "a.tif").color
    assert color[0, 0].tolist() == [0, 0, 0]
    assert color[7, 0].tolist() == [0, 255, 255]
    assert color[7, 7].tolist() == [255, 255, 255]


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits", "group3", "group4", "jpeg"])
def test_tiff_files_of_another_program(tmp_path, compression):
    # Pillow writes through libtiff
    path = tmp_path / "a.tif"
    if compression in ("group3", "group4"):
        bits = GRAY8 > 128
        Image.fromarray(bits).save(path, compression=compression)
        assert np.array_equal(read(path).pixels, bits * np.uint8(255))
        return
    smooth = np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3).astype(np.uint8)
    for mode in ("L", "RGB", "I;16", "P", "CMYK"):
        if compression == "jpeg" and mode in ("I;16", "P"):
            continue
        image = Image.fromarray(GRAY16) if mode == "I;16" else Image.fromarray(smooth).convert(mode)
        image.save(path, compression=compression)
        found = read(path)
        if mode == "I;16":
            assert np.array_equal(found.pixels, GRAY16.astype(np.float32))
        elif mode == "L":
            assert np.abs(found.pixels.astype(int) - np.asarray(image)).max() <= (12 if compression == "jpeg" else 0)
        else:
            color = found.color if found.color is not None else np.repeat(found.pixels[:, :, None], 3, 2)
            expected = np.asarray(image.convert("RGB")).astype(int)
            assert np.abs(color - expected).max() <= (16 if compression == "jpeg" else 1), mode


def test_an_almost_empty_mask_is_no_bomb(tmp_path):
    data = np.zeros((3000, 3000), np.uint8)
    data[1500:1510, 1500:1510] = 255
    tifffile.imwrite(tmp_path / "z.tif", data, compression="zstd")
    assert (tmp_path / "z.tif").stat().st_size * 2000 < data.size
    assert np.array_equal(read(tmp_path / "z.tif").pixels, data)
    Image.fromarray(data > 0).save(tmp_path / "g.tif", compression="group4")
    assert np.array_equal(read(tmp_path / "g.tif").pixels, data)
    for options in ({"compression": "zlib"}, {"compression": "lzw"}):
        tifffile.imwrite(tmp_path / "d.tif", data, **options)
        assert np.array_equal(read(tmp_path / "d.tif").pixels, data)
    Image.fromarray(data).save(tmp_path / "d.png", optimize=True)
    assert np.array_equal(read(tmp_path / "d.png").pixels, data)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_tag_turns_the_image_as_exif_does(tmp_path, orientation):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GRAY8, extratags=[(274, 3, 1, orientation, True)])
    turn = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: np.transpose,
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).T,
        8: np.rot90,
    }[orientation]
    assert np.array_equal(read(path).pixels, turn(GRAY8))
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(GRAY8).save(tmp_path / "a.png", exif=exif)
    found = read(tmp_path / "a.png")
    assert np.array_equal(found.pixels, turn(GRAY8))
    assert ("orientation" in found.meta) == (orientation != 1)


# --------------------------------------------------------------------------------------------------- TIFF pages


@pytest.mark.parametrize("options", [{}, {"imagej": True}, {"compression": "zlib"}, {"ome": True}], ids=str)
def test_several_pages_need_a_choice(tmp_path, options):
    stack = np.stack([GRAY8, 255 - GRAY8, GRAY8.copy()])
    path = tmp_path / ("s.ome.tif" if "ome" in options else "s.tif")
    tifffile.imwrite(path, stack, photometric="minisblack", **options)
    axis = "channel" if "ome" in options else "page"  # OME-XML says what the three are
    with pytest.raises(ReadError, match=rf"s(\.ome)?\.tif: has 3 {axis}s; say which with {axis} = 0 \.\.\. 2"):
        read(path)
    assert np.array_equal(read(path, Selection(page=1)).pixels, stack[1])
    assert read(path, Selection(page=1)).meta["page"] == "1 of 3 (counted from 0)"
    with pytest.raises(ReadError, match=r"no page 3; there are pages 0 \.\.\. 2"):
        read(path, Selection(page=3))


def test_a_stack_of_imagej_behind_one_header(tmp_path):
    path = tmp_path / "s.tif"
    stack = np.stack([GRAY16, GRAY16[::-1], GRAY16[:, ::-1]])
    tifffile.imwrite(path, stack, imagej=True)
    with tifffile.TiffFile(path) as file:
        first, second = file.pages[0].offset, file.pages[1].offset
    data = bytearray(path.read_bytes())
    # cut the chain of headers after the first one, as ImageJ does with stacks beyond 4 GB
    entries = int.from_bytes(data[first : first + 2], "little")
    position = first + 2 + 12 * entries
    assert int.from_bytes(data[position : position + 4], "little") == second
    data[position : position + 4] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(ReadError, match="has 3 pages"):
        read(path)
    assert np.array_equal(read(path, Selection(page=2)).pixels, stack[2].astype(np.float32))


def test_a_pyramid_and_a_thumbnail_are_no_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(GRAY8, subifds=1)
        file.write(GRAY8[::2, ::2], subfiletype=1)
        file.write(GRAY8[::4, ::4], subfiletype=1)
    assert np.array_equal(read(tmp_path / "a.tif").pixels, GRAY8)


# --------------------------------------------------------------------------------------------------- plain files


def test_png_varieties(tmp_path):
    def back(image, **options):
        image.save(tmp_path / "a.png", **options)
        return read(tmp_path / "a.png")

    assert np.array_equal(back(Image.fromarray(GRAY8)).pixels, GRAY8)
    assert np.array_equal(back(Image.fromarray(GRAY16)).pixels, GRAY16.astype(np.float32))
    assert np.array_equal(back(Image.fromarray(COLOR8)).color, COLOR8)
    bits = Image.fromarray(GRAY8 > 100)
    assert np.array_equal(back(bits).pixels, (GRAY8 > 100) * np.uint8(255))
    palette = Image.fromarray(COLOR8).quantize(16)
    found = back(palette)
    assert np.array_equal(found.color, np.asarray(palette.convert("RGB")))
    assert np.array_equal(read_values(tmp_path / "a.png")[0], np.asarray(palette))
    alpha = np.where(GRAY8 > 20, 255, 0).astype(np.uint8)
    found = back(Image.merge("LA", [Image.fromarray(GRAY8), Image.fromarray(alpha)]))
    assert np.array_equal(found.roi, GRAY8 > 20)
    assert np.array_equal(found.pixels, GRAY8)
    found = back(Image.fromarray(GRAY8), icc_profile=b"not a real profile")
    assert found.meta["color profile"] == "ICC profile present, not applied"
    assert np.array_equal(found.pixels, GRAY8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path, height, width, depth, color, rows):
    """Write a PNG by hand: the libraries do not write all of them."""
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = b"".join(b"\0" + row for row in rows)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
    )


def test_16_bit_rgb_png_keeps_its_16_bits(tmp_path):
    data = RNG.integers(0, 65536, (12, 9, 3), dtype=np.uint16)
    png(tmp_path / "a.png", 12, 9, 16, 2, [row.astype(">u2").tobytes() for row in data])
    assert np.allclose(read(tmp_path / "a.png").pixels, luminance(data), atol=0.02)


def textured():
    """Rings of a noisy picture: code in every block of a JPEG."""
    rows, columns = np.mgrid[:96, :128]
    rings = 120 + 60 * np.sin(np.hypot(rows - 40, columns - 70) / 3)
    return (rings + np.random.default_rng(4).normal(0, 6, rings.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("more", [{}, {"progressive": True}, {"optimize": True}])
def test_a_jpeg_that_ends_before_its_picture_does_is_refused_and_a_whole_one_read(tmp_path, more):
    path = tmp_path / "a.jpg"
    Image.fromarray(textured()).save(path, quality=92, **more)
    whole = path.read_bytes()
    assert np.abs(read(path).pixels.astype(int) - textured()).mean() < 4
    scan = whole.rindex(b"\xff\xda")  # the last scan of a progressive one refines a few coefficients
    middle = (scan + len(whole)) // 2
    path.write_bytes(whole[:middle] + b"\xff\xd9")  # with the mark of an end, as a program that mends it writes
    with pytest.raises(ReadError, match=r"a\.jpg: .*(damaged|truncated)"):
        read(path)


def test_a_flipped_bit_in_a_jpeg_is_named_where_its_decoder_noticed(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(textured()).save(path, quality=92)
    whole = bytearray(path.read_bytes())
    scan = whole.index(b"\xff\xda") + 10
    unlike = refused = 0
    for at in np.random.default_rng(9).integers(scan, len(whole) - 2, 60):
        made = bytearray(whole)
        made[at] ^= 8
        path.write_bytes(bytes(made))
        try:
            unlike += np.abs(read(path).pixels.astype(int) - textured()).mean() >= 4
        except ReadError:
            refused += 1
    # a shift that ends on the right byte leaves nothing to notice: the format has no check sum
    assert refused > 3 * unlike, (refused, unlike)


@pytest.mark.parametrize("mode", ["CMYK", "RGB", "L"])
def test_whole_jpegs_of_every_mode_are_read(tmp_path, mode):
    Image.fromarray(textured()).convert(mode).save(tmp_path / "a.jpg", quality=92)
    assert read(tmp_path / "a.jpg").pixels.shape == textured().shape


def test_jpeg_varieties(tmp_path):
    smooth = np.linspace(0, 255, 64 * 48).reshape(48, 64).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    found = read(tmp_path / "a.jpg")
    assert np.abs(found.pixels.astype(int) - smooth).max() < 8
    assert found.meta["compression"] == "JPEG (lossy)"

    # gray stored as color: compression parts the channels by a level or two
    Image.fromarray(np.repeat(smooth[:, :, None], 3, 2)).save(tmp_path / "g.jpg", quality=70)
    assert read(tmp_path / "g.jpg").color is None

    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(smooth).save(tmp_path / "t.jpg", quality=95, exif=exif)
    turned = read(tmp_path / "t.jpg")
    assert turned.pixels.shape == (64, 48)
    assert np.abs(turned.pixels.astype(int) - np.rot90(smooth, -1)).max() < 8
    assert turned.meta["orientation"] == "EXIF orientation 6; image turned upright"

    colors = np.zeros((48, 64, 3), np.uint8)
    colors[:, :32] = (200, 30, 30)
    colors[:, 32:] = (20, 40, 220)
    Image.fromarray(colors).convert("CMYK").save(tmp_path / "c.jpg", quality=95)
    found = read(tmp_path / "c.jpg")
    assert np.abs(found.color.astype(int) - colors)[:, 8:24].max() < 12
    assert "CMYK" in found.meta["color model"]


def test_bmp(tmp_path):
    for name, data in (("g.bmp", GRAY8), ("c.bmp", COLOR8)):
        Image.fromarray(data).save(tmp_path / name)
        found = read(tmp_path / name)
        assert np.array_equal(found.pixels if data.ndim == 2 else found.color, data)
        assert found.meta["format"] == "BMP"


def test_a_wrong_suffix_is_read_by_its_content_and_noted(tmp_path):
    Image.fromarray(GRAY8).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.tif")
    found = read(tmp_path / "a.tif")
    assert np.array_equal(found.pixels, GRAY8)
    assert found.meta["file name"] == "the content does not fit the suffix '.tif'; read by its content"
    tifffile.imwrite(tmp_path / "b.tif", GRAY8)
    (tmp_path / "b.tif").rename(tmp_path / "b")
    assert "file name" in read(tmp_path / "b").meta


def test_plain_files_have_one_page(tmp_path):
    Image.fromarray(GRAY8).save(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png", Selection(page=0, channel=0)).pixels, GRAY8)
    with pytest.raises(ReadError, match="no page 2; there is page 0 only"):
        read(tmp_path / "a.png", Selection(page=2))
    with pytest.raises(ReadError, match="no channel 'DAPI'; there is channel 0 only"):
        read(tmp_path / "a.png", Selection(channel="DAPI"))


# ---------------------------------------------------------------------------------------------------------- scale


def scale(path):
    calibration = read(path).calibration
    return calibration.pixel_um, calibration.note


@pytest.mark.parametrize(
    ("unit", "size", "expected"),
    [("µm", 0.25, 0.25), ("nm", 12.5, 0.0125), ("mm", 0.002, 2.0), ("um", 3.0, None), ("pixel", 1.0, None)],
)
def test_ome_physical_size(tmp_path, unit, size, expected):
    path = tmp_path / "a.ome.tif"
    metadata = {
        "axes": "YX",
        "PhysicalSizeX": size,
        "PhysicalSizeXUnit": unit,
        "PhysicalSizeY": size,
        "PhysicalSizeYUnit": unit,
    }
    tifffile.imwrite(path, GRAY8, ome=True, metadata=metadata)
    found, note = scale(path)
    if unit == "um":  # not an OME unit, but it means what it says
        expected = 3.0
    assert found == (None if expected is None else pytest.approx(expected))
    assert "OME" in note
    if expected is None:
        assert note == "OME PhysicalSizeX has the unit 'pixel', which is no length"


def test_ome_without_a_unit_is_um_by_its_schema_and_wins_over_dpi(tmp_path):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(path, GRAY8, ome=True, metadata=metadata, resolution=(72, 72), resolutionunit="INCH")
    assert scale(path) == (pytest.approx(0.5), "OME PhysicalSizeX: 0.5 um per pixel")


@pytest.mark.parametrize(
    ("unit", "density", "expected"),
    [
        ("um", 4.0, 0.25),
        ("micron", 4.0, 0.25),
        ("\\u00B5m", 4.0, 0.25),
        ("mm", 1000.0, 1.0),
        ("nm", 0.05, 0.02),
        ("cm", 20000.0, 0.5),
        ("inch", 72.0, None),
        ("inch", 25400.0, 1.0),
        ("pixel", 1.0, None),
        ("furlong", 2.0, None),
    ],
)
def test_imagej_unit(tmp_path, unit, density, expected):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GRAY8, imagej=True, resolution=(density, density), metadata={"unit": unit})
    found, note = scale(path)
    assert found == (None if expected is None else pytest.approx(expected))
    assert note


@pytest.mark.parametrize("dpi", [64, 72, 93, 96, 100, 120, 144, 150, 200, 254, 300, 350, 600, 1200, 2400, 4800])
@pytest.mark.parametrize("unit", ["INCH", "CENTIMETER"])
def test_a_dpi_setting_is_never_a_scale(tmp_path, dpi, unit):
    density = dpi if unit == "INCH" else dpi / 2.54
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, resolution=(density, density), resolutionunit=unit)
    assert scale(tmp_path / "a.tif")[0] is None
    Image.fromarray(GRAY8).save(tmp_path / "a.png", dpi=(dpi, dpi))
    Image.fromarray(GRAY8).save(tmp_path / "a.jpg", dpi=(dpi, dpi))
    Image.fromarray(GRAY8).save(tmp_path / "a.bmp", dpi=(dpi, dpi))
    for name in ("a.png", "a.jpg", "a.bmp"):
        found, note = scale(tmp_path / name)
        assert found is None
        assert "a screen or print setting, not a scale" in note


@given(st.floats(0.001, 9.9))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_real_resolution_is_the_scale(tmp_path, pixel_um):
    if any(abs(25400 / pixel_um / dpi - 1) < 1e-3 for dpi in raster._SCANNER_DPI):
        return
    path = tmp_path / "a.tif"
    density = 10000 / pixel_um
    tifffile.imwrite(path, GRAY8, resolution=(density, density), resolutionunit="CENTIMETER")
    assert scale(path)[0] == pytest.approx(pixel_um, rel=1e-4)
    tifffile.imwrite(path, GRAY8, resolution=(density * 2.54, density * 2.54), resolutionunit="INCH")
    assert scale(path)[0] == pytest.approx(pixel_um, rel=1e-4)


def test_a_png_can_carry_a_real_scale(tmp_path):
    # 2 000 000 px/m, 0.5 um
    Image.fromarray(GRAY8).save(tmp_path / "a.png", dpi=(50800, 50800))
    assert scale(tmp_path / "a.png")[0] == pytest.approx(0.5, rel=1e-4)


def test_a_resolution_without_a_unit_is_no_scale(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, resolution=(4, 4), resolutionunit="NONE")
    assert scale(tmp_path / "a.tif") == (None, "TIFF resolution has no unit of length")
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, resolution=(4, 2), resolutionunit="NONE")
    assert "not square (4 : 2)" in read(tmp_path / "a.tif").meta["pixel_aspect"]
    tifffile.imwrite(tmp_path / "a.tif", GRAY8)
    assert scale(tmp_path / "a.tif")[0] is None


def test_pixels_that_are_not_square(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, resolution=(20000, 10000), resolutionunit="CENTIMETER")
    found = read(tmp_path / "a.tif")
    assert (found.calibration.pixel_um, found.calibration.pixel_y_um) == (pytest.approx(0.5), pytest.approx(1.0))
    assert "0.5 um wide, 1 um high" in found.calibration.note
    assert "pixel_aspect" not in found.meta


@pytest.mark.parametrize(("density", "sides"), [((20000, 19910), (0.5011, None)), ((20000, 19890), (0.5, 0.50277))])
def test_pixels_are_square_to_half_a_percent(tmp_path, density, sides):
    """20000 and 19910 px/cm differ by 0.45 %: one size, the geometric mean; 19890 is 0.55 % off."""
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, resolution=density, resolutionunit="CENTIMETER")
    found = read(tmp_path / "a.tif").calibration
    assert found.pixel_um == pytest.approx(sides[0], rel=1e-4)
    assert found.pixel_y_um == (sides[1] and pytest.approx(sides[1], rel=1e-4))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_quarter_turn_changes_width_and_height_of_the_pixels(tmp_path, orientation):
    """Tags 5 to 8 turn the image by a quarter: what was 0.5 um wide and 1 um high is now 1 um wide."""
    path = tmp_path / "a.tif"
    tags = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(path, GRAY8, resolution=(20000, 10000), resolutionunit="CENTIMETER", extratags=tags)
    found = read(path)
    turned = orientation >= 5
    assert found.pixels.shape == (GRAY8.shape[::-1] if turned else GRAY8.shape)
    sides = found.calibration.pixel_um, found.calibration.pixel_y_um
    assert sides == pytest.approx((1.0, 0.5) if turned else (0.5, 1.0))
    assert readers.scale(path) == found.calibration


def test_real_images_are_read_without_a_scale_unless_a_maker_wrote_one(shared_data):
    some = sorted(shared_data.glob("*/images/*.jpg")) + sorted(shared_data.glob("nist-grain-size/images/*.tif"))
    assert some
    for path in some:
        found = read(path)
        # one of them is a Zeiss SEM image: field of view 114.3 um over 1024 px, by its own tags
        expected = pytest.approx(114.3 / 1024, rel=5e-4) if path.name == "ti64_sem.tif" else None
        assert found.calibration.pixel_um == expected
        assert found.pixels.dtype == np.uint8


# ------------------------------------------------------------------------------------------------------ bad files


def one_line(path, match):
    with pytest.raises(ReadError, match=match) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(path).replace("\0", r"\x00"))  # what cannot be printed is escaped


def test_what_is_no_file(tmp_path):
    one_line(tmp_path / "none.tif", "no such file")
    one_line(tmp_path, "is a folder")
    (tmp_path / "e.tif").write_bytes(b"")
    one_line(tmp_path / "e.tif", "is empty")
    (tmp_path / "t.tif").write_text("a letter")
    one_line(tmp_path / "t.tif", "not an image of a known format")
    one_line(tmp_path / "nul\0.tif", "cannot be read")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers(tmp_path, bad):
    pixels = GRAY8.astype(np.float32)
    pixels[3, 4:6] = bad
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    one_line(tmp_path / "a.tif", "2 of 2240 pixels are NaN or infinite")


def test_complex_pixels_and_values_beyond_float32(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY8.astype(np.complex64))
    one_line(tmp_path / "a.tif", "complex64")
    tifffile.imwrite(tmp_path / "b.tif", GRAY8.astype(np.float64) * 1e300)
    one_line(tmp_path / "b.tif", "NaN or infinite")


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_constant_image(tmp_path, value):
    for name in ("a.tif", "a.png", "a.bmp"):
        Image.fromarray(np.full((20, 20), value, np.uint8)).save(tmp_path / name)
        one_line(tmp_path / name, f"every pixel has the value {value}")


def test_a_bomb_is_refused_by_its_header(tmp_path):
    png(tmp_path / "a.png", 60_000, 60_000, 8, 0, [b"\0"])
    one_line(tmp_path / "a.png", "60000 x 60000 px, the limit is 500 Mpx")
    # within the limit, but no compressor can hold that in a few hundred bytes
    png(tmp_path / "b.png", 20_000, 20_000, 8, 0, [b"\0"])
    one_line(tmp_path / "b.png", "the header promises 20000 x 20000 px")
    tifffile.imwrite(tmp_path / "c.tif", GRAY8)
    data = bytearray((tmp_path / "c.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "c.tif") as file:
        tags = file.pages[0].tags
        places = [(tags[name].valueoffset, 4 if tags[name].dtype == 4 else 2) for name in ("ImageWidth", "ImageLength")]
    for size, says in ((60_000, "the limit is 500 Mpx"), (20_000, "the header promises")):
        for place, width in places:
            data[place : place + width] = size.to_bytes(width, "little")
        (tmp_path / "c.tif").write_bytes(data)
        one_line(tmp_path / "c.tif", says)


SAMPLES = {
    "strips.tif": lambda path: tifffile.imwrite(path, GRAY8, rowsperstrip=8),
    "lzw.tif": lambda path: tifffile.imwrite(path, GRAY16, compression="lzw", tile=(16, 16)),
    "zlib.tif": lambda path: tifffile.imwrite(path, COLOR8, compression="zlib", photometric="rgb"),
    "jpeg.tif": lambda path: tifffile.imwrite(path, COLOR8, compression="jpeg", photometric="rgb"),
    "ome.ome.tif": lambda path: tifffile.imwrite(path, GRAY8, ome=True),
    "imagej.tif": lambda path: tifffile.imwrite(path, GRAY8, imagej=True, metadata={"unit": "um"}),
    "big.tif": lambda path: tifffile.imwrite(path, GRAY8, bigtiff=True),
    "gray.png": lambda path: Image.fromarray(GRAY8).save(path),
    "deep.png": lambda path: Image.fromarray(GRAY16).save(path),
    "color.png": lambda path: Image.fromarray(COLOR8).save(path),
    "palette.png": lambda path: Image.fromarray(COLOR8).quantize(8).save(path),
    "color.jpg": lambda path: Image.fromarray(COLOR8).save(path, dpi=(96, 96)),
    "progressive.jpg": lambda path: Image.fromarray(COLOR8).save(path, progressive=True),
    "color.bmp": lambda path: Image.fromarray(COLOR8).save(path),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_truncated_files_are_refused_in_one_line_or_lose_nothing(tmp_path, name):
    path = tmp_path / name
    SAMPLES[name](path)
    whole, expected = path.read_bytes(), read(path).pixels
    lengths = sorted({*range(1, min(len(whole), 60), 4), *np.linspace(60, len(whole) - 1, 40).astype(int).tolist()})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for length in lengths:
            path.write_bytes(whole[:length])
            try:
                found = read(path).pixels
            except ReadError as error:
                assert "\n" not in str(error)  # noqa: PT017 - some lengths lose only what nobody needs
            else:
                assert np.array_equal(found, expected), length


@given(data=st.data())
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_are_refused_or_read_never_a_crash(tmp_path, data):
    name = data.draw(st.sampled_from(sorted(SAMPLES)))
    path = tmp_path / name
    SAMPLES[name](path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        # headers and tags lie at the beginning or the end
        place = data.draw(st.integers(0, 400) | st.integers(len(content) - 200, len(content) - 1)) % len(content)
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = read(path)
        except ReadError as error:
            assert "\n" not in str(error)  # noqa: PT017 - damage may also hit what nobody needs
        else:
            assert found.pixels.ndim == 2


def test_a_missing_strip_is_not_read_as_black(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GRAY8, compression="zlib", rowsperstrip=8)
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags["StripByteCounts"]
        place, width = tag.valueoffset, {3: 2, 4: 4}[tag.dtype]
    content = bytearray(path.read_bytes())
    content[place + 2 * width : place + 3 * width] = bytes(width)
    path.write_bytes(content)
    one_line(path, "part 3 of 5 of the image is missing")


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("bit", [0, 4, 7, 8])
@pytest.mark.parametrize("part", [0, 2])
def test_an_offset_with_one_flipped_bit_does_not_give_other_pixels(tmp_path, big, bit, part):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GRAY8, rowsperstrip=8, bigtiff=big, metadata=None)
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags["StripOffsets"]
        place, width = tag.valueoffset, {3: 2, 4: 4, 16: 8}[tag.dtype]
        offset = (tag.value[part] ^ (1 << bit)).to_bytes(width, "little" if file.byteorder == "<" else "big")
    content = bytearray(path.read_bytes())
    content[place + part * width : place + (part + 1) * width] = offset
    path.write_bytes(content)
    one_line(path, "parts of the image lie on one another in the file; a tag of the file is damaged")


def test_equal_tiles_that_a_file_stores_once_are_read(tmp_path):
    path = tmp_path / "a.tif"
    image = np.tile(np.arange(256, dtype=np.uint8).reshape(16, 16), (2, 2))
    tifffile.imwrite(path, image, tile=(16, 16), compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as file:
        tags = [file.pages[0].tags[name] for name in ("TileOffsets", "TileByteCounts")]
    content = bytearray(path.read_bytes())
    for tag in tags:
        width = tag.valuebytecount // tag.count
        content[tag.valueoffset : tag.valueoffset + tag.valuebytecount] = (
            content[tag.valueoffset : tag.valueoffset + width] * tag.count
        )
    path.write_bytes(content)
    np.testing.assert_array_equal(read(path).pixels, image)


def test_color_models_that_are_not_read(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", COLOR8, photometric="cielab")
    one_line(tmp_path / "a.tif", "color model CIELAB is not read; save the image as gray or RGB")
    tifffile.imwrite(tmp_path / "b.tif", np.dstack([GRAY8, GRAY8]), photometric="minisblack", planarconfig="contig")
    one_line(tmp_path / "b.tif", "channels without a stated meaning")


def test_files_are_closed(tmp_path):
    for module, name in ((tiff, "a.tif"), (plain, "a.png")):
        path = tmp_path / name
        Image.fromarray(GRAY8).save(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            module.read(path)
        path.unlink()


@pytest.mark.needs("Pango")
def test_a_report_written_before_does_not_let_truncated_images_pass(tmp_path):
    """WeasyPrint tells Pillow to fill up truncated images, for the whole process; a picture must not."""
    import weasyprint
    from PIL import ImageFile

    path = tmp_path / "field.png"
    Image.fromarray(np.arange(10_000, dtype=np.uint8).reshape(100, 100)).save(path)
    path.write_bytes(path.read_bytes()[:-60])
    assert weasyprint.__version__
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        with pytest.raises(ReadError, match="damaged or truncated"):
            read(path)
        assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
