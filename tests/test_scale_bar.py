"""Scale bars: geometry without reading, labels by grammar, readings of drawn and of real pictures."""

import csv
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspect_tool import synthetic
from inspect_tool.errors import InspectError, OutputError, SettingsError
from inspect_tool.images.readers import read
from inspect_tool.scale.bar import by_hand, find_footer, label, picture, read_bar
from inspect_tool.scale.bar.finding import find_bars
from inspect_tool.studies import scale_bar

needs_reader = pytest.mark.skipif(
    find_spec("rapidocr") is None or find_spec("onnxruntime") is None, reason="the extra scale-bar is not installed"
)


@pytest.fixture(scope="module")
def specimen():
    """A drawn micrograph without a bar."""
    field = synthetic.pores(seed=3, porosity_percent=4, mean_ecd_um=12, shape_px=(400, 640))
    return synthetic.degrade(field.pixels, 1, seed=3)


def gray_and_color(pixels):
    return (pixels, None) if pixels.ndim == 2 else (cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), pixels)


def bars_of(burned):
    gray, color = gray_and_color(burned.pixels)
    return find_bars(gray, color, find_footer(gray, color))


def the_bar(burned):
    """The bar that was found where one was drawn."""
    (row, left), (_, right) = burned.ends
    near = [b for b in bars_of(burned) if abs(b.row - row) < 3 and abs(b.left - left) < 4 and abs(b.right - right) < 4]
    assert len(near) == 1, near
    return near[0]


# ------------------------------------------------------------------------------------------------------- footer


@pytest.mark.parametrize(("ground", "color"), [((0, 0, 0), (255, 255, 255)), ((255, 255, 255), (0, 0, 0))])
@pytest.mark.parametrize("quality", [0, 90])
def test_an_information_bar_is_found_to_the_row(specimen, ground, color, quality):
    burned = synthetic.scale_bar(
        specimen,
        pixel_um=1,
        length=100,
        color=color,
        ground=ground,
        footer_px=60,
        at=(0.7, 0.8),
        text="15.00 kV  WD = 9.7 mm  Mag = 1.00 K X",
        jpeg_quality=quality,
    )
    assert find_footer(*gray_and_color(burned.pixels)) == 60


def test_a_specimen_without_an_information_bar_is_never_cut(specimen):
    assert find_footer(specimen) == 0
    dark_mount = specimen.copy()
    rng = np.random.default_rng(1)
    dark_mount[-60:] = rng.normal(42, 1.5, dark_mount[-60:].shape).astype(np.uint8)  # a camera has noise
    dark_mount[-40:-36, 100:160] = 120  # a speck on it
    assert find_footer(dark_mount) == 0
    black = specimen.copy()
    black[-60:] = 0  # nothing is written on it
    assert find_footer(black) == 0
    assert find_footer(specimen[:40]) == 0  # too small for one


# ----------------------------------------------------------------------------------------------------- geometry


@pytest.mark.parametrize("color", [(255, 255, 255), (255, 200, 0), (255, 0, 0), (0, 0, 0)])
@pytest.mark.parametrize("style", ["line with end ticks", "solid bar", "plain line"])
def test_ends_are_where_they_were_drawn(style, color):
    plain = np.full((300, 640), 110, dtype=np.uint8)
    thick = 12 if style == "solid bar" else 2
    burned = synthetic.scale_bar(plain, pixel_um=1, length=150, style=style, color=color, line_px=thick, at=(0.5, 0.5))
    bar = the_bar(burned)
    assert bar.style == style
    (row, left), (_, right) = burned.ends
    # drawn on whole pixels without noise: exact but for the median of the color
    assert (bar.row, bar.left, bar.right) == pytest.approx((row, left, right), abs=0.02)


@settings(max_examples=25)
@given(length=st.floats(40, 250), across=st.floats(0.3, 0.7), tick=st.integers(1, 2))
def test_soft_ends_are_found_to_a_tenth_of_a_pixel(length, across, tick):
    plain = np.full((200, 640), 70, dtype=np.uint8)
    burned = synthetic.scale_bar(
        plain, pixel_um=1, length=length, label="50 um", tick_px=tick, at=(0.5, across), soft=True
    )
    bar = the_bar(burned)
    assert bar.left == pytest.approx(burned.ends[0][1], abs=0.1)
    assert bar.right == pytest.approx(burned.ends[1][1], abs=0.1)


def test_a_ruler_is_measured_from_its_first_to_its_last_tick(specimen):
    burned = synthetic.scale_bar(
        specimen, pixel_um=0.1, length=20, style="ruler", footer_px=70, at=(0.2, 0.7), place="below"
    )
    bar = the_bar(burned)
    assert bar.style == "ruler"
    assert bar.length_px == pytest.approx(200, abs=0.02)


def test_a_frame_is_no_bar():
    plain = np.full((300, 640), 110, dtype=np.uint8)
    cv2.rectangle(plain, (200, 100), (400, 160), 255, 2)
    assert find_bars(plain) == []


def test_a_line_with_one_tick_is_no_bar():
    plain = np.full((300, 640), 110, dtype=np.uint8)
    plain[150:152, 200:400] = 255
    plain[140:162, 200:202] = 255
    assert find_bars(plain) == []


def test_a_line_whose_contrast_fades_has_no_end_there():
    faded = np.tile(np.linspace(60, 255, 640).astype(np.uint8), (300, 1))
    faded[150:153, 100:600] = 255
    assert [bar for bar in find_bars(faded) if bar.right < 590] == []


def test_half_a_pixel_at_each_end_is_in_the_uncertainty():
    plain = np.full((300, 640), 110, dtype=np.uint8)
    thin = the_bar(synthetic.scale_bar(plain, pixel_um=1, length=150, tick_px=1, at=(0.5, 0.5)))
    # rectangular (GUM 4.3.7): half a pixel at each end, the width of the ticks over both; and 0.05 px of the fit
    assert thin.u_px == pytest.approx(np.sqrt(2 * (0.5**2 / 3 + 0.05**2) + 1**2 / 3))
    wide = the_bar(synthetic.scale_bar(plain, pixel_um=1, length=150, tick_px=2, at=(0.5, 0.5)))
    assert wide.u_px == pytest.approx(np.sqrt(2 * (0.5**2 / 3 + 0.05**2) + 2**2 / 3))
    solid = the_bar(synthetic.scale_bar(plain, pixel_um=1, length=150, style="solid bar", line_px=9, at=(0.5, 0.5)))
    assert solid.u_px == pytest.approx(np.sqrt(2 * (0.5**2 / 3 + 0.05**2)))


# ------------------------------------------------------------------------------------------------------ grammar


@pytest.mark.parametrize(
    ("text", "um"),
    [
        ("200 um", 200),
        ("200µm", 200),
        ("1 μm", 1),
        ("0,5 µm", 0.5),
        ("5.00um", 5),
        ("500 nm", 0.5),
        ("2 mm", 2000),
        ("30 Microns", 30),
    ],
)
def test_a_label_is_a_number_and_a_unit(text, um):
    length = label.parse(text)
    assert length is not None
    assert length.um == pytest.approx(um)


@pytest.mark.parametrize(
    "text",
    ["200umm", "um", "200", "05 um", "l um", "1.000 um", "2.5.1 um", "WD 9.7 mm", "9.7 mm x", "m 2", "0 um", "3 km"],
)
def test_anything_else_is_no_label(text):
    assert label.parse(text) is None


def test_readings_must_agree():
    agreed = label.agreed(["200 um", "200um", "x"])[0]
    assert agreed is not None
    assert agreed.um == 200
    assert label.agreed(["200 um", "x", ""])[0] is None
    assert label.agreed(["2.5 um", "25 um", "25 um"])[0] is None
    assert label.agreed(["200 nm", "200 um", "200 um"])[0] is None
    assert "disagree" in label.agreed(["2.5 um", "25 um", "25 um"])[1]


def test_pm_alone_is_not_taken_for_um_or_pm():
    assert label.agreed(["5 pm", "5 pm", "5 pm"])[0] is None
    seen = label.agreed(["5 pm", "5 µm", "5 um"])[0]
    assert seen is not None
    assert seen.um == 5


def test_a_length_that_no_program_draws_is_a_misread_one():
    assert label.agreed(["197 um", "197 um", "197 um"])[0] is None
    assert "no length that programs draw" in label.agreed(["197 um", "197 um", "197 um"])[1]


# ------------------------------------------------------------------------------------------------------ reading


@needs_reader
@pytest.mark.parametrize(
    ("drawn", "um"),
    [
        ({"length": 50, "place": "above"}, 50),
        ({"length": 2.5, "place": "right", "font": "mono", "label": "2,5 µm"}, 2.5),
        ({"length": 200, "unit": "nm", "place": "below", "font": "serif", "style": "solid bar", "line_px": 9}, 0.2),
        ({"length": 10, "place": "inside", "font": "sans bold", "color": (255, 200, 0)}, 10),
        ({"length": 4, "place": "above", "font": "hershey", "box": (255, 255, 255), "color": (255, 255, 0)}, 4),
        ({"length": 1, "unit": "mm", "style": "plain line", "place": "below"}, 1000),
    ],
)
def test_drawn_bars_are_read(specimen, drawn, um):
    dark = (specimen * 0.4).astype(np.uint8)
    burned = synthetic.scale_bar(dark, pixel_um=um / 200, at=(0.7, 0.5), soft=True, text_px=26, **drawn)
    found = read_bar(*gray_and_color(burned.pixels))
    assert found.status == "read", found.note
    assert found.length_um == pytest.approx(um)
    assert abs(found.pixel_um / burned.pixel_um - 1) < 3 * found.u_rel
    top, left, tall, wide = found.box
    t, x, h, w = burned.box
    assert top <= t + 3
    assert left <= x + 3
    assert top + tall >= t + h - 3
    assert left + wide >= x + w - 3


@needs_reader
def test_twice_the_size_halves_the_pixel(specimen):
    dark = (specimen * 0.4).astype(np.uint8)
    burned = synthetic.scale_bar(dark, pixel_um=0.5, length=100, at=(0.7, 0.5))
    once = read_bar(burned.pixels)
    twice = read_bar(cv2.resize(burned.pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    assert (once.status, twice.status) == ("read", "read"), twice.note
    assert twice.pixel_um == pytest.approx(once.pixel_um / 2, rel=0.003)


@needs_reader
@pytest.mark.parametrize("turn", [np.fliplr, lambda pixels: np.rot90(pixels, 2)])
def test_a_mirrored_or_turned_picture_is_not_misread(specimen, turn):
    dark = (specimen * 0.4).astype(np.uint8)
    burned = synthetic.scale_bar(dark, pixel_um=0.5, length=100, at=(0.7, 0.5))
    assert read_bar(np.ascontiguousarray(turn(burned.pixels))).status != "read"


@needs_reader
def test_two_bars_that_disagree_are_refused_with_both(specimen):
    dark = (specimen * 0.4).astype(np.uint8)
    first = synthetic.scale_bar(dark, pixel_um=0.5, length=100, at=(0.8, 0.7)).pixels
    both = synthetic.scale_bar(first, pixel_um=0.25, length=50, at=(0.3, 0.3)).pixels
    found = read_bar(both)
    assert found.status == "refused"
    assert "two scale bars disagree" in found.note
    assert "'100" in found.note
    assert "'50" in found.note


@needs_reader
def test_a_bar_without_a_readable_label_names_its_ends(specimen):
    dark = (specimen * 0.4).astype(np.uint8)
    burned = synthetic.scale_bar(dark, pixel_um=0.5, length=100, label="####", at=(0.7, 0.5))
    found = read_bar(burned.pixels)
    assert found.status == "refused"
    assert found.length_px == pytest.approx(200, abs=0.05)
    assert "200.0 px" in found.note
    assert "--length" in found.note


@needs_reader
def test_wide_ticks_are_refused_where_they_decide_the_scale(specimen):
    dark = (specimen * 0.4).astype(np.uint8)
    found = read_bar(synthetic.scale_bar(dark, pixel_um=1, length=100, tick_px=5, line_px=4, at=(0.7, 0.5)).pixels)
    assert found.status == "refused"
    assert "100 px between their centers and 105 px over all" in found.note


@needs_reader
def test_a_label_of_another_color_is_not_that_of_a_plain_line():
    plain = np.full((300, 640), 60, dtype=np.uint8)
    plain[140:180, 200:300] = 255  # the field of a label, and no bar at all
    cv2.putText(plain, "200um", (205, 170), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2)
    assert read_bar(plain).status != "read"


def test_a_picture_without_a_bar_has_none(specimen):
    assert read_bar(specimen).status == "none"


def test_without_the_extra_the_note_names_it(specimen, monkeypatch):
    monkeypatch.setattr(label, "installed", lambda: False)
    burned = synthetic.scale_bar((specimen * 0.4).astype(np.uint8), pixel_um=0.5, length=100, at=(0.7, 0.5))
    found = read_bar(burned.pixels)
    assert found.status == "refused"
    assert 'pip install "inspect_tool[scale-bar]"' in found.note
    assert read_bar(specimen).status == "none"


@needs_reader
def test_labels_are_read_offline_and_silently(tmp_path):
    plain = np.full((300, 640), 60, dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "bar.png"), synthetic.scale_bar(plain, pixel_um=0.5, length=100, at=(0.5, 0.5)).pixels)
    code = (
        "import socket, sys\n"
        "def refused(*args, **kwargs):\n    raise RuntimeError('reaches for the network')\n"
        "for name in ('connect', 'connect_ex', 'sendto'):\n    setattr(socket.socket, name, refused)\n"
        "socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refused\n"
        "import inspect_tool.cli as cli\n"
        "cli.main()\n"
    )
    arguments = ["calibrate", str(tmp_path / "bar.png"), "--out", str(tmp_path / "seen.png")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    assert "pixel_um = 0.5\n" in done.stdout
    assert cv2.imread(str(tmp_path / "seen.png")).shape[1] >= 640


# ------------------------------------------------------------------------------------------------------ by hand


def test_two_points_give_the_scale_by_hand():
    found = by_hand((100, 50, 300, 50), 200.0)
    assert found.pixel_um == 1.0
    # half a pixel, rectangular, at each end of 200 px
    assert found.u_rel == pytest.approx(np.sqrt(2) * 0.5 / np.sqrt(3) / 200)
    assert by_hand((0, 0, 30, 40), 100.0).length_px == 50.0


@pytest.mark.parametrize(
    ("line", "length", "match"),
    [
        ("1,2,3", "200um", "four numbers"),
        ("1,2,3,x", "200um", "four numbers"),
        ("10,10,10,10", "200um", "0 px apart"),
        ("10,10,900,10", "200um", "outside the image"),
        ("10,10,20,nan", "200um", "outside the image"),
        ("10,10,110,10", "200", "number and nm, um or mm"),
        ("10,10,110,10", "0um", "no microscope"),
        ("10,10,110,10", "", "--line alone"),
        ("", "200um", "--length alone"),
    ],
)
def test_a_wrong_line_or_length_is_one_clear_message(tmp_path, specimen, line, length, match):
    cv2.imwrite(str(tmp_path / "field.png"), specimen)
    with pytest.raises(SettingsError, match=match):
        scale_bar.measure(tmp_path / "field.png", line=line, length=length)


def test_the_block_for_a_job_is_toml(tmp_path, specimen):
    import tomllib

    reading = by_hand((100, 50, 300, 50), 200.0)
    block = tomllib.loads("\n".join(scale_bar.block(reading, tmp_path / 'a "b".png')))["calibration"]
    assert block["pixel_um"] == 1.0
    assert block["u_rel"] == pytest.approx(reading.u_rel, rel=0.05)


def test_the_picture_is_png_and_written_whole(tmp_path, specimen):
    drawn = picture.evidence(specimen, None, replace(by_hand((100, 50, 300, 50), 200.0), footer_px=20))
    picture.write(tmp_path / "seen.png", drawn)
    assert np.array_equal(cv2.imread(str(tmp_path / "seen.png"))[:, :, ::-1], drawn)
    with pytest.raises(SettingsError, match=r"ends in \.png"):
        picture.write(tmp_path / "seen.jpg", drawn)
    with pytest.raises(OutputError, match="cannot be written"):
        picture.write(tmp_path / "nowhere" / "seen.png", drawn)


def test_a_bar_that_does_not_fit_is_not_drawn():
    plain = np.full((100, 200), 60, dtype=np.uint8)
    with pytest.raises(SettingsError, match="do not fit"):
        synthetic.scale_bar(plain, pixel_um=0.1, length=100)
    with pytest.raises(SettingsError, match="label '100 µm' does not fit"):
        synthetic.scale_bar(plain, pixel_um=1, length=100, at=(0.05, 0.5))


# --------------------------------------------------------------------------------------------------- real files

# The bar of the 576-px picture has soft end ticks over two columns. The csv counts whole columns of its line, 76; the
# same objective and camera gave 388 px in a picture of five times the width, which is 77.6.
RESAMPLED = "brass-c2600-scalebar/images/20260408_C2600-06tHT600C1hrx200.jpg"


@needs_reader
def test_the_bars_of_real_pictures_are_read(shared_data):
    with (shared_data / "scalebars.csv").open(encoding="utf-8") as file:
        truth = list(csv.DictReader(file))
    wrong = []
    for row in truth:
        image = read(shared_data / row["image"])
        found = read_bar(image.pixels, image.color)
        length_px = 388 / 5 if row["image"] == RESAMPLED else float(row["length_px"])
        unit = {"um": 1.0, "nm": 1e-3, "mm": 1e3}[row["label_unit"]]
        right = found.status == "read" and found.length_um == pytest.approx(float(row["label_value"]) * unit)
        if not right or abs(found.length_px - length_px) > max(1.0, 0.01 * length_px):
            wrong.append((row["image"], found))
    assert len(truth) == 16
    assert wrong == []


def test_information_bars_of_real_pictures_end_where_the_specimen_ends(shared_data):
    # rows counted in the pixels: the frame, or the first row of one value
    rows = {"metaldam/images/micrograph4.jpg": 64, "metaldam/images/micrograph11.jpg": 50}
    rows |= {f"sem-vendor-tiff/images/{name}": count for name, count in VENDOR_ROWS.items()}
    for name, expected in rows.items():
        image = read(shared_data / name)
        assert (name, find_footer(image.pixels, image.color)) == (name, expected)
    for mask in sorted((shared_data / "metaldam" / "masks").glob("*.png")):
        image = read(mask.parent.parent / "images" / f"{mask.stem}.jpg")
        specimen_px = read(mask).pixels.shape[0]  # of a person, who left out 1 to 16 rows more
        assert 0 < find_footer(image.pixels) <= image.pixels.shape[0] - specimen_px


VENDOR_ROWS = {
    "fei-sem-rbc.tif": 70,
    "FEI-Helios-Ebeam-8bits.tif": 29,
    "test_tiff_Zeiss_SEM_1k.tif": 77,
    "test_tiff_Zeiss_SEM_512pix.tif": 34,
}


@needs_reader
def test_bars_agree_with_the_metadata_of_their_files(shared_data):
    # pixel sizes of the tests of rosettasciio; the bar of FEI is 518.9 px long by its tag, 517 px between its ticks
    for name, tag_um in {
        "fei-sem-rbc.tif": 0.00770833,
        "FEI-Helios-Ebeam-8bits.tif": 3.3724,
        "test_tiff_Zeiss_SEM_1k.tif": 2.614514,
        "test_tiff_Zeiss_SEM_512pix.tif": 0.011649976,
    }.items():
        image = read(shared_data / "sem-vendor-tiff" / "images" / name)
        found = read_bar(image.pixels, image.color)
        assert abs(found.pixel_um / tag_um - 1) < 2 * found.u_rel, name
    # 200 nm over 1.4208 nm/px are 140.8 px: outer sides of its ticks; their centers are 3.4 % nearer
    image = read(shared_data / "sem-vendor-tiff" / "images" / "TVIPS_bin4.tif")
    assert "5 px wide" in read_bar(image.pixels).note


def test_real_pictures_without_an_information_bar_are_not_cut(shared_data):
    for folder in ("uhcs-microconstituents", "nasa-ebc-oxide-crack", "brass-c2600-scalebar", "solder-voids-xray"):
        for path in sorted((shared_data / folder / "images").iterdir())[:12]:
            try:
                image = read(path)
            except InspectError:
                continue
            assert (path.name, find_footer(image.pixels, image.color)) == (path.name, 0)
