"""Scale from tags and side-cars of microscope makers: right, or refused with the numbers that do not fit."""

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from inspect_tool.errors import CalibrationError, ReadError
from inspect_tool.images.readers import read
from inspect_tool.images.readers._side_car import hitachi, jeol
from inspect_tool.images.readers._vendor_scale import (
    DM_SIZES,
    DM_UNITS,
    EXIF,
    SIS,
    TVIPS,
    ZEISS,
    digital_micrograph,
    fei_sem,
    olympus_sis,
    scale_of_tags,
    tvips,
    zeiss_sem,
)
from inspect_tool.model import Calibration, Selection
from inspect_tool.scale.calibration import settle

RNG = np.random.default_rng(3)


def gray(width, height):
    return RNG.integers(0, 256, (height, width), dtype=np.uint8)


# ------------------------------------------------------------------------------------------- files of the makers


@pytest.mark.parametrize(
    ("name", "page", "pixel_um"),
    [
        # expected: the test suite of rosettasciio, an independent reader (see SOURCE.md beside the files)
        ("test_tiff_Zeiss_SEM_1k.tif", None, 2.614514),
        ("test_tiff_Zeiss_SEM_512pix.tif", None, 0.011649976),
        ("FEI-Helios-Ebeam-8bits.tif", None, 3.3724),
        ("FEI-Helios-Ebeam-16bits.tif", None, 3.3724),
        ("fei-sem-rbc.tif", None, 7.70833e-3),
        ("TVIPS_bin4.tif", None, 1.42080e-3),
        ("test_loading_image_saved_with_DM.tif", None, 0.16867),
        ("olympus_SIS.tif", 1, 2.3928e-5),
    ],
)
def test_files_of_microscope_makers(shared_data, name, page, pixel_um):
    found = read(shared_data / "sem-vendor-tiff" / "images" / name, Selection(page=page))
    assert found.calibration.pixel_um == pytest.approx(pixel_um, rel=3e-5)
    assert found.calibration.source.startswith("file metadata: ")
    assert settle(found, None).calibration.pixel_um == found.calibration.pixel_um


@pytest.mark.parametrize(
    ("name", "page", "says"),
    [
        # rosettasciio makes 169.333 um of it, 25400 um / 150: a print setting
        ("optical_Zeiss_AxioVision_BW.tif", None, "TIFF resolution is 150 dpi: a screen or print setting"),
        ("optical_Zeiss_AxioVision_RGB.tif", None, "TIFF resolution is 150 dpi: a screen or print setting"),
        ("olympus_SIS.tif", 0, "TIFF resolution is 72 dpi: a screen or print setting"),  # a preview of page 1
    ],
)
def test_files_of_microscope_makers_without_a_scale(shared_data, name, page, says):
    found = read(shared_data / "sem-vendor-tiff" / "images" / name, Selection(page=page))
    assert found.calibration.pixel_um is None
    with pytest.raises(CalibrationError, match=says):
        settle(found, None)


def test_files_of_microscope_makers_that_are_no_picture_or_several(shared_data):
    folder = shared_data / "sem-vendor-tiff" / "images"
    with pytest.raises(ReadError, match="every pixel has the value 513"):
        read(folder / "JEOL-SightX-TEM-mag-dummy.tif")
    with pytest.raises(ReadError, match=r"has 2 pages; say which with page = 0 \.\.\. 1"):
        read(folder / "olympus_SIS.tif")


def test_every_file_of_the_makers_is_in_these_tables(shared_data):
    assert len(list((shared_data / "sem-vendor-tiff" / "images").iterdir())) == 11


@pytest.mark.parametrize(
    ("name", "bar_um", "bar_px", "within"),
    [
        # bars burned into the same pictures, read by hand to half a pixel at either end (scalebars.csv)
        ("fei-sem-rbc.tif", 4.0, 518, 0.003),
        ("test_tiff_Zeiss_SEM_1k.tif", 200.0, 76, 0.014),
        ("test_tiff_Zeiss_SEM_512pix.tif", 0.2, 17, 0.06),
    ],
)
def test_tags_agree_with_the_bar_in_the_picture(shared_data, name, bar_um, bar_px, within):
    found = read(shared_data / "sem-vendor-tiff" / "images" / name).calibration.pixel_um
    assert found == pytest.approx(bar_um / bar_px, rel=within)


def test_a_real_file_that_was_cropped_or_resized_is_refused(shared_data, tmp_path):
    """What an image program does that keeps the tags it does not know."""
    folder = shared_data / "sem-vendor-tiff" / "images"
    for name, code, says in (
        (
            "test_tiff_Zeiss_SEM_1k.tif",
            34118,
            "for 1024 x 768 px, the image has 512 x 384 px: 2.615 um .* 5.23 if resized",
        ),
        (
            "FEI-Helios-Ebeam-8bits.tif",
            34682,
            "for 512 x 442 px, the image has 256 x 235 px: 3.3724 .* 6.7448 if resized",
        ),
        ("test_tiff_Zeiss_SEM_512pix.tif", 34118, "256 px is no size that the microscope stores"),
    ):
        with tifffile.TiffFile(folder / name) as file:
            tag = file.pages[0].tags[code]
            file.filehandle.seek(tag.valueoffset)
            data = file.filehandle.read(tag.count)
            pixels = file.pages[0].asarray()[::2, ::2][: 384 if "1k" in name else 235]
        half = tmp_path / name
        tifffile.imwrite(half, pixels, photometric="minisblack", extratags=[(code, 2, len(data), data, True)])
        with pytest.raises(CalibrationError, match=says) as caught:
            settle(read(half), None)
        assert "\n" not in str(caught.value)
        # the laboratory's own number still counts
        assert settle(read(half), Calibration(pixel_um=5.2, source="stage micrometer")).calibration.pixel_um == 5.2


# ------------------------------------------------------------------------------------------------------- Zeiss


def zeiss(**entries):
    return {"": (0, 0, 0), **entries}


@pytest.mark.parametrize(
    ("value", "unit", "expected"), [(500, "pm", 5e-4), (5.25, "nm", 5.25e-3), (2.5, "µm", 2.5), (0.002, "mm", 2.0)]
)
def test_zeiss_units(value, unit, expected):
    tag = zeiss(
        dp_image_store=("Store resolution", "1024 * 768"), ap_image_pixel_size=("Image Pixel Size", value, unit)
    )
    assert zeiss_sem(tag, 1024, 768).pixel_um == pytest.approx(expected)


def test_zeiss_image_pixel_size_counts_and_the_pixel_size_of_the_display_does_not():
    tag = zeiss(
        ap_pixel_size=("Pixel Size", 10.0, "nm"),
        ap_image_pixel_size=("Image Pixel Size", 5.0, "nm"),
        ap_width=("Width", 10.24, "µm"),
        ap_height=("Height", 7.68, "µm"),
        dp_image_store=("Store resolution", "2048 * 1536"),
    )
    assert zeiss_sem(tag, 2048, 1536).pixel_um == pytest.approx(5e-3)
    # the fourth unnamed number has more digits, also where it counts for the display
    assert zeiss_sem({**tag, "": (0, 0, 0, 1.00012e-8)}, 2048, 1536).pixel_um == pytest.approx(5.0006e-3)
    assert zeiss_sem({**tag, "": (0, 0, 0, 9.9e-8)}, 2048, 1536).pixel_um == pytest.approx(5e-3)
    contradiction = {**tag, "ap_image_pixel_size": ("Image Pixel Size", 10.0, "nm")}
    assert "image pixel size 0.01 um, field over width 0.005 um" in zeiss_sem(contradiction, 2048, 1536).note


def test_zeiss_without_a_field_of_view():
    alone = zeiss(ap_pixel_size=("Pixel Size", "5,825 nm"))
    assert zeiss_sem(alone, 1024, 768).pixel_um == pytest.approx(5.825e-3)
    note = zeiss_sem(alone, 512, 384).note
    assert "0.005825 um if it counts for this image of 512 px, 0.01165 um if it counts for a display" in note
    assert zeiss_sem({}, 1024, 768).note == "Zeiss SEM tags hold no pixel size"


def test_zeiss_that_was_cropped():
    tag = zeiss(ap_width=("Width", 10.24, "µm"), ap_height=("Height", 7.68, "µm"))
    assert zeiss_sem(tag, 1024, 768).pixel_um == pytest.approx(0.01)
    # without a stored size the field tells: one of its sides no longer fits
    note = zeiss_sem(tag, 1024, 700).note
    assert "makes pixels 0.01 um wide and 0.0109714 um high" in note
    assert zeiss_sem(tag, 1000, 750).refused


def test_zeiss_zoom_and_ion_beam_are_refused():
    tag = zeiss(ap_width=("Width", 10.24, "µm"), ap_height=("Height", 7.68, "µm"))
    assert "zoom is on" in zeiss_sem({**tag, "dp_zoom": ("Zoom", True)}, 1024, 768).note
    assert "ion beam" in zeiss_sem({**tag, "dp_fib_imaging": ("FIB Imaging", "FIB")}, 1024, 768).note


# --------------------------------------------------------------------------------------------------------- FEI


def fei(**scan):
    return {
        "Beam": {"Scan": "EScan"},
        "Scan": {"PixelWidth": 2e-9, "PixelHeight": 2e-9, "HorFieldsize": 2.048e-6, **scan},
        "EScan": {"PixelWidth": 2e-9, "PixelHeight": 2e-9},
        "Image": {"ResolutionX": 1024, "ResolutionY": 884, "ZoomFactor": 1.0},
    }


def test_fei_pixel_width_is_in_meters_and_a_data_bar_is_no_stretch():
    assert fei_sem(fei(), 1024, 884).pixel_um == pytest.approx(2e-3)
    found = fei_sem(fei(), 1024, 943)
    assert found.pixel_um == pytest.approx(2e-3)
    assert found.notes["data bar"] == "59 rows below the scan; [region] footer_px = 59 leaves them out"


def test_fei_that_does_not_fit():
    assert "for 1024 x 884 px, the image has 512 x 442 px" in fei_sem(fei(), 512, 442).note
    assert "0.002 um per pixel if cropped, 0.003536 um high if stretched" in fei_sem(fei(), 1024, 500).note
    assert (
        "PixelWidth 0.002 um, field of 4.096 um over 1024 px = 0.004 um"
        in fei_sem(fei(HorFieldsize=4.096e-6), 1024, 884).note
    )
    ion = {**fei(), "Beam": {"Scan": "IScan"}, "IScan": {"PixelWidth": 4e-9, "PixelHeight": 4e-9}}
    assert "[Scan] says 0.002 um per pixel, [IScan] 0.004 um" in fei_sem(ion, 1024, 884).note
    zoomed = {**fei(), "Image": {"ResolutionX": 1024, "ResolutionY": 884, "ZoomFactor": 2.0}}
    assert "digital zoom 2" in fei_sem(zoomed, 1024, 884).note
    assert "no PixelWidth (sections: User)" in fei_sem({"User": {}}, 10, 10).note
    unsized = {"Scan": {"PixelWidth": 2e-9, "PixelHeight": 2e-9}}
    assert "nothing says for which size" in fei_sem(unsized, 10, 10).note
    assert fei_sem({"Scan": {**unsized["Scan"], "HorFieldsize": 2.048e-6}}, 1024, 884).pixel_um == pytest.approx(2e-3)


def test_fei_pixels_that_are_not_square_are_handed_on_with_both_numbers():
    tag = fei(PixelHeight=2.5e-9)
    found = fei_sem({**tag, "EScan": {}}, 1024, 884)
    assert (found.pixel_um, found.pixel_y_um) == (pytest.approx(2e-3), pytest.approx(2.5e-3))
    assert "0.002 um wide, 0.0025 um high" in found.note
    assert fei_sem({**fei(PixelHeight=2.009e-9), "EScan": {}}, 1024, 884).pixel_um == pytest.approx(2.0045e-3, rel=1e-4)


# ------------------------------------------------------------------------------- TVIPS, Olympus, DigitalMicrograph


def test_tvips():
    tag = {"Version": 2, "PixelSizeX": 1.5, "PixelSizeY": 1.5, "ImageSizeX": 64, "ImageSizeY": 48}
    assert tvips(tag, 64, 48).pixel_um == pytest.approx(1.5e-3)
    assert "for 64 x 48 px, the image has 32 x 24 px: 0.0015 um per pixel if cropped, 0.003" in tvips(tag, 32, 24).note
    assert "no pixel size (version 1 of the header)" in tvips({"Version": 1}, 64, 48).note
    assert "not square" in tvips({**tag, "PixelSizeY": 3.0}, 64, 48).note


def test_olympus_sis():
    tags = {SIS: {"pixelsizex": 2.5e-8, "pixelsizey": 2.5e-8}, EXIF: {"PixelXDimension": 64, "PixelYDimension": 48}}
    assert olympus_sis(tags, 64, 48).pixel_um == pytest.approx(0.025)
    assert "for 64 x 48 px, the image has 32 x 24 px: 0.025 um" in olympus_sis(tags, 32, 24).note
    assert "no pixel size" in olympus_sis({SIS: {}}, 10, 10).note
    assert "not square" in olympus_sis({SIS: {"pixelsizex": 2.5e-8, "pixelsizey": 5e-8}}, 10, 10).note


def test_digital_micrograph():
    def tags(unit, x, y):
        return {DM_UNITS[0]: unit, DM_UNITS[1]: unit, DM_SIZES[0]: x, DM_SIZES[1]: y}

    assert digital_micrograph(tags("nm", 0.25, 0.25)).pixel_um == pytest.approx(2.5e-4)
    assert "units '1/nm' and '1/nm'" in digital_micrograph(tags("1/nm", 0.25, 0.25)).note
    assert "no possible pixel size" in digital_micrograph(tags("nm", 0.0, 0.0)).note


@pytest.mark.parametrize(("pixel", "field"), [(2.0, 1.0), (5e-324, 1e300)])
def test_a_field_narrower_than_its_pixel_or_without_end_tells_no_size(pixel, field):
    tag = {"Scan": {"PixelWidth": pixel, "PixelHeight": pixel, "HorFieldsize": field}}
    assert "nothing says for which size" in fei_sem(tag, 1024, 884).note


def test_damaged_tags_are_refused_and_no_tags_are_nothing():
    assert scale_of_tags({}, 10, 10) is None
    for code in (ZEISS, TVIPS, SIS):
        found = scale_of_tags({code: b"\0\1"}, 10, 10)
        assert found.refused
        assert found.pixel_um is None


_VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.binary(max_size=4))
_ENTRIES = st.lists(st.one_of(_VALUES, st.sampled_from(["nm", "µm", 2.5, "1024 * 768"])), max_size=3).map(tuple)


@given(
    zeiss_tag=st.dictionaries(
        st.sampled_from(["ap_width", "ap_height", "ap_pixel_size", "ap_image_pixel_size", "dp_image_store", "dp_zoom"]),
        _ENTRIES,
    ),
    fei_tag=st.dictionaries(
        st.sampled_from(["Beam", "Scan", "EScan", "Image"]),
        st.dictionaries(st.sampled_from(["Scan", "PixelWidth", "PixelHeight", "HorFieldsize", "ResolutionX"]), _VALUES),
    ),
    other=st.dictionaries(st.sampled_from([TVIPS, SIS, *DM_UNITS, *DM_SIZES]), _VALUES),
    text=st.text(max_size=60),
)
@settings(max_examples=150)
def test_whatever_stands_in_a_tag_is_a_scale_or_a_reason(zeiss_tag, fei_tag, other, text):
    found = [zeiss_sem(zeiss_tag, 1024, 768), fei_sem(fei_tag, 1024, 884), hitachi(text, "a", 9, 9), jeol(text, 9, 9)]
    found.append(scale_of_tags(other, 64, 48))
    for scale in found:
        assert scale is None or (scale.note and "\n" not in scale.note and (scale.pixel_um or not scale.source))


def test_tags_and_a_believable_resolution_must_agree(tmp_path):
    text = "\r\n".join(
        [
            "[Scan]",
            "PixelWidth=5e-7",
            "PixelHeight=5e-7",
            "HorFieldsize=3.2e-5",
            "[Image]",
            "ResolutionX=64",
            "ResolutionY=48",
        ]
    )
    for density, says in ((20000, "agrees with TIFF resolution"), (10000, "ratio 0.5"), (28.3, "FEI SEM tags: 0.5 um")):
        path = tmp_path / "a.tif"
        tag = (34682, 2, len(text) + 1, text, True)
        tifffile.imwrite(
            path, gray(64, 48), resolution=(density, density), resolutionunit="CENTIMETER", extratags=[tag]
        )
        found = read(path).calibration
        assert found.pixel_um == (None if density == 10000 else pytest.approx(0.5))
        assert says in found.note


# --------------------------------------------------------------------------------------------- OME of another size


def ome(path, pixels, **changes):
    size = {"SizeX": pixels.shape[1], "SizeY": pixels.shape[0], **changes}
    stated = " ".join(f'{key}="{value}"' for key, value in size.items())
    text = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0"'
        f' DimensionOrder="XYZCT" Type="uint8" SizeZ="1" SizeC="1" SizeT="1" {stated}>'
        "<TiffData/></Pixels></Image></OME>"
    )
    tifffile.imwrite(path, pixels, description=text, metadata=None)
    return read(path)


def test_ome_of_another_size_is_refused(tmp_path):
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    assert ome(tmp_path / "a.ome.tif", gray(64, 48), **sizes).calibration.pixel_um == pytest.approx(0.5)
    found = ome(tmp_path / "a.ome.tif", gray(64, 48), SizeX=128, SizeY=96, **sizes).calibration
    assert found.pixel_um is None
    assert "for 128 x 96 px, the image has 64 x 48 px: 0.5 um per pixel if cropped, 1 if resized" in found.note


@pytest.mark.parametrize(("second", "expected"), [(0.5, 0.5), (0.25, None)])
def test_ome_with_several_images_has_one_scale_or_none(tmp_path, second, expected):
    image = '<Image><Pixels SizeX="64" SizeY="48" PhysicalSizeX="{0}" PhysicalSizeY="{0}"><TiffData/></Pixels></Image>'
    label = '<Image><Pixels SizeX="9" SizeY="9" PhysicalSizeX="7" PhysicalSizeY="7"/></Image>'
    head = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    text = head + image.format(0.5) + image.format(second) + label + "</OME>"
    tifffile.imwrite(tmp_path / "a.ome.tif", gray(64, 48), description=text, metadata=None)
    found = read(tmp_path / "a.ome.tif").calibration
    assert found.pixel_um == (None if expected is None else pytest.approx(expected))
    if expected is None:
        assert "images of different scale: OME PhysicalSizeX: 0.25 um per pixel; OME PhysicalSizeX: 0.5" in found.note


def test_ome_pixels_that_are_not_square(tmp_path):
    found = ome(tmp_path / "a.ome.tif", gray(64, 48), PhysicalSizeX=0.5, PhysicalSizeY=0.6)
    kept = settle(found, None).calibration
    assert (kept.pixel_um, kept.pixel_y_um) == (0.5, 0.6)
    # a job that states square pixels contradicts the file in the height
    with pytest.raises(CalibrationError, match=r"job states 0\.5 um .*file says .*\(height 0\.6\).*ratio 0\.8333,"):
        settle(found, Calibration(pixel_um=0.5, source="stage micrometer"))


def test_ome_with_entities_is_not_parsed(tmp_path):
    head = '<!DOCTYPE OME [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    bomb = head + '<OME><Image><Pixels PhysicalSizeX="&b;"/></Image></OME>'
    tifffile.imwrite(tmp_path / "a.tif", gray(20, 20), description=bomb, metadata=None)
    assert read(tmp_path / "a.tif").calibration.pixel_um is None


# ------------------------------------------------------------------------------------------------------ side-cars

# 127 mm of the photograph over magnification 10000 and 1280 px: 9.921875 nm; the picture micrograph4.jpg of MetalDAM
# has a bar of 5 um over 504 px, 9.921 nm, at this setting
HITACHI = (
    "[SemImageFile]\r\nInstructName=S-4800\r\nImageName=field.tif\r\nDataSize=1280x960\r\n"
    "PixelSize=9.921875\r\nMagnification=10000\r\n"
)
# a photograph is 120 mm wide: 120 mm / 430 over 2560 px is 0.1090 um; the bar is a whole number of pixels
JEOL = "$CM_FORMAT JEOL-SEM\n$CM_MAG 430\n$CM_FULL_SIZE 2560 1920\n$$SM_MICRON_BAR 91\n$$SM_MICRON_MARKER 10um\n"


def test_hitachi():
    assert hitachi(HITACHI, "field", 1280, 960).pixel_um == pytest.approx(127e3 / 10000 / 1280)
    assert "for 1280 x 960 px, the image has 640 x 480 px: 0.00992188 um" in hitachi(HITACHI, "field", 640, 480).note
    assert "is of the image 'field.tif', not of 'other'" in hitachi(HITACHI, "other", 1280, 960).note
    assert "no DataSize" in hitachi(HITACHI.replace("DataSize", "Data"), "field", 1280, 960).note
    assert "no PixelSize ('')" in hitachi(HITACHI.replace("PixelSize", "Pixel"), "field", 1280, 960).note
    assert "no PixelSize ('a')" in hitachi(HITACHI.replace("9.921875", "a"), "field", 1280, 960).note


def test_jeol():
    found = jeol(JEOL, 2560, 2048)
    assert found.pixel_um == pytest.approx(10 / 91)
    assert found.pixel_um == pytest.approx(120e3 / 430 / 2560, rel=1.5 / 91)
    assert "bar of 91 px, rounded" in found.note
    assert found.notes["data bar"].startswith("128 rows")
    assert "0.10989 um per pixel if cropped, 0.21978 if resized" in jeol(JEOL, 1280, 960).note
    assert "no scale bar" in jeol(JEOL.replace("10um", "10 furlong"), 2560, 1920).note
    assert "no size" in jeol(JEOL.replace("CM_FULL_SIZE", "CM_SIZE"), 2560, 1920).note
    assert jeol(JEOL.replace("10um", "10µm"), 2560, 1920).pixel_um == pytest.approx(10 / 91)
    assert jeol(JEOL.replace("10um", "100nm"), 2560, 1920).pixel_um == pytest.approx(0.1 / 91)


def test_jeol_with_a_field_of_view():
    newer = JEOL + "$CM_IMAGE_SIZE 2560 1920\n$CM_FIELD_OF_VIEW 279.0µm 209.25µm\n"
    assert jeol(newer, 2560, 1920).pixel_um == pytest.approx(279.0 / 2560)
    assert "they differ" in jeol(newer.replace("279.0", "558.0"), 2560, 1920).note
    assert "not square" in jeol(newer.replace("209.25", "219.25"), 2560, 1920).note


@pytest.mark.parametrize("suffix", [".tif", ".bmp", ".jpg"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_side_car_beside_an_image(tmp_path, suffix, encoding):
    path = tmp_path / f"field{suffix}"
    text = HITACHI.replace("1280x960", "64x48").replace("S-4800", "S-4800 µ")
    Image.fromarray(gray(64, 48)).save(path, dpi=(96, 96))
    path.with_suffix(".txt").write_text(text, encoding=encoding)
    found = read(path)
    assert found.calibration.pixel_um == pytest.approx(9.921875e-3)
    assert found.calibration.source == "file metadata: Hitachi side-car"
    # resized: refused with both numbers
    Image.fromarray(gray(32, 24)).save(path)
    with pytest.raises(
        CalibrationError, match=r"64 x 48 px, the image has 32 x 24 px: 0\.00992188 um .* 0\.0198438 if resized"
    ):
        settle(read(path), None)


def test_a_side_car_of_another_image_stops_the_job(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, gray(64, 48), resolution=(20000, 20000), resolutionunit="CENTIMETER")
    path.with_suffix(".txt").write_text(HITACHI.replace("1280x960", "64x48"))
    with pytest.raises(CalibrationError, match=r"is of the image 'field.tif', not of 'a'; give \[calibration\]"):
        settle(read(path), None)


def test_a_long_or_broken_text_gives_one_short_line(tmp_path):
    path = tmp_path / "field.tif"
    tifffile.imwrite(path, gray(64, 48))
    path.with_suffix(".txt").write_text("$$SM_MICRON_BAR 1\x0b\x0c2\n$$SM_MICRON_MARKER " + 3000 * "x")
    note = read(path).calibration.note
    assert note.startswith("JEOL side-car holds no scale bar (bar '1 2', marker 'xxx")
    assert len(note) == 500


def test_a_side_car_must_agree_with_the_image(tmp_path):
    path = tmp_path / "field.tif"
    tifffile.imwrite(path, gray(64, 48), resolution=(20000, 20000), resolutionunit="CENTIMETER")
    text = HITACHI.replace("1280x960", "64x48")
    path.with_suffix(".txt").write_text(text.replace("9.921875", "500"))
    assert "agrees with Hitachi side-car" in read(path).calibration.note
    path.with_suffix(".txt").write_text(text.replace("9.921875", "1000"))
    found = read(path).calibration
    assert found.pixel_um is None
    assert "0.5 um per pixel; Hitachi side-car: 1 um per pixel; ratio 0.5" in found.note


@pytest.mark.parametrize("content", [b"", b"notes of the day", b"\xff\xfe\x00", b"\x00" * 300])
def test_any_other_text_beside_an_image_is_nothing(tmp_path, content):
    path = tmp_path / "field.tif"
    tifffile.imwrite(path, gray(64, 48))
    path.with_suffix(".txt").write_bytes(content)
    assert read(path).calibration.note == "TIFF resolution has no unit of length"
