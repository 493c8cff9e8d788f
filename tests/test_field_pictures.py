"""Pictures: places, sizes, contrast in gray, and equal bytes for equal input."""

import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from report_example import example, grain_field, marks

from inspect_tool.model import Calibration, Chart, Mark, Micrograph, Notable, Segmentation, Series
from inspect_tool.report import charts, field_pictures
from inspect_tool.verify import overlays

SCALED = Calibration(pixel_um=0.5, source="stage micrometer")
RATIO = Calibration(source="ratio only")


def micrograph(pixels, calibration=SCALED):
    return Micrograph(pixels=pixels, calibration=calibration)


def opened(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def alpha(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))[..., 3].astype(int)


@given(st.floats(1e-3, 1e6))
def test_scale_bar_is_1_2_or_5_and_at_most_a_fifth_of_the_width(width_um):
    length = field_pictures.bar_length(width_um)
    assert round(length / 10 ** np.floor(np.log10(length * 1.0001)), 6) in (1, 2, 5)
    assert width_um / 12.6 < length <= width_um / 4.99


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_scale_bar_is_black_on_white_below_any_image_and_hides_nothing(ground):
    jpeg, scale = field_pictures.field_picture(micrograph(np.full((800, 1000), ground, np.uint8)))
    rows, columns = field_pictures.picture_size((800, 1000), scale)
    picture = opened(jpeg)
    assert picture.shape[1] == columns
    assert abs(picture[: rows - 8] - ground).max() <= 3  # JPEG
    strip = picture[rows + 8 :, :, 0]
    assert strip.max() > 250
    # 1000 px of 0.5 µm: the bar is 100 µm, that is 200 px of the image
    black = np.flatnonzero((strip[:, : round(206 * scale)] < 60).any(axis=0))
    assert np.ptp(black) + 1 == pytest.approx(200 * scale, abs=2)


def test_ratio_only_image_has_no_scale_bar():
    jpeg, scale = field_pictures.field_picture(micrograph(np.full((900, 900), 120, np.uint8), RATIO))
    assert (opened(jpeg).shape[:2], scale) == ((900, 900), 1.0)


def test_large_image_is_reduced_and_small_one_enlarged():
    assert field_pictures.field_picture(micrograph(np.zeros((2000, 3200), np.uint8)))[1] == 0.5
    assert field_pictures.field_picture(micrograph(np.zeros((100, 200), np.uint8)))[1] == 4.0


def test_float_image_with_nan_and_outlier_is_readable():
    rng = np.random.default_rng(1)
    pixels = rng.normal(1000.0, 20.0, (300, 400)).astype(np.float32)
    pixels[0, 0], pixels[1, 1] = np.nan, 1e9
    picture = opened(field_pictures.field_picture(micrograph(pixels, RATIO))[0])
    assert 90 < picture.mean() < 165
    assert picture.std() > 30


def test_picture_of_pure_noise_stays_small():
    noise = np.random.default_rng(2).integers(0, 256, (1700, 1700), dtype=np.uint8)
    assert len(field_pictures.field_picture(micrograph(noise))[0]) <= field_pictures.PICTURE_BYTES


def test_color_image_is_shown_in_color():
    color = np.zeros((800, 800, 3), np.uint8)
    color[..., 2] = 200
    shown = opened(field_pictures.field_picture(replace(micrograph(np.full((800, 800), 20, np.uint8)), color=color))[0])
    assert shown[300, 300, 2] > 180
    assert shown[300, 300, 0] < 20


def test_layers_have_the_size_of_the_picture_and_leave_objects_clear():
    field, found = grain_field(1, 240, 20)
    size = field_pictures.picture_size(field.pixels.shape, 2.5)
    layer = alpha(field_pictures.segmentation_layer(found, size))
    assert layer.shape == size == (600, 600)
    assert (layer == 0).mean() > 0.6
    for shown in field_pictures.mark_layers(marks(240), 2.5, size).values():
        assert alpha(shown).shape == size


@pytest.mark.parametrize("ground", [5, 250])
def test_boundaries_can_be_seen_without_color_on_dark_and_bright(ground):
    labels = np.ones((800, 800), np.int32)
    labels[:, 400:] = 2
    found = Segmentation(labels=labels, classes={1: "grain"}, kind="instance", backend="labels")
    picture, scale = field_pictures.field_picture(micrograph(np.full((800, 800), ground, np.uint8), RATIO))
    shown = opened(field_pictures.composite(picture, [field_pictures.segmentation_layer(found, (800, 800))]))
    gray = shown @ np.array([0.299, 0.587, 0.114])
    assert scale == 1.0
    assert abs(gray[400, 392:409] - ground).max() > 90
    assert abs(gray[400, :390] - ground).max() <= 5


@pytest.mark.parametrize("side", [800, 1600])
def test_a_boundary_is_seen_on_both_sides_of_its_outline(side):
    """What an etched boundary of a third of a millimeter on paper has beside the outline stays as it was imaged."""
    pixels = np.full((side, side), 200, np.uint8)
    half = round(side * 0.33 / 84 / 2)  # the picture is printed 84 mm wide
    pixels[:, side // 2 - half : side // 2 + half] = 30
    labels = np.ones((side, side), np.int32)
    labels[:, side // 2 :] = 2
    found = Segmentation(labels=labels, classes={1: "grain"}, kind="instance", backend="labels")
    layer = np.asarray(Image.open(io.BytesIO(field_pictures.segmentation_layer(found, (side, side)))).convert("RGBA"))
    drawn = np.flatnonzero(layer[side // 2, :, 3])
    assert len(drawn) <= round(side * 0.33 / 84) + 1  # of 84 mm: outline and casing are not wider than the boundary
    bright = np.flatnonzero(layer[side // 2, :, 3] == 255)
    assert 1 <= len(bright) <= side * 0.11 / 84 + 1
    assert (layer[side // 2, drawn, 3] > 0).all()
    assert layer[side // 2, np.setdiff1d(drawn, bright), 3].max() < 128  # the casing lets through more than it hides


def test_the_outline_of_a_dark_class_stands_out_on_dark_and_on_bright():
    labels = np.zeros((800, 800), np.int32)
    labels[100:700, 100:700], labels[300:500, 300:500] = 1, 2
    found = Segmentation(labels=labels, classes={0: "ground", 1: "joint", 2: "void"}, kind="semantic", backend="labels")
    for ground in (25, 235):
        picture, _ = field_pictures.field_picture(micrograph(np.full((800, 800), ground, np.uint8), RATIO))
        shown = opened(field_pictures.composite(picture, [field_pictures.segmentation_layer(found, (800, 800))]))
        gray = (shown @ np.array([0.299, 0.587, 0.114]))[400, 280:320]
        assert np.ptp(gray[12:26]) > 60, ground


def test_pictures_of_earlier_versions_verify_and_those_of_other_masks_do_not(tmp_path):
    made = example(tmp_path, fields=1, features=10, size=300, grains=30)
    record, (_, found) = made.report.micrographs[0], grain_field(1, 300, 30)
    size = field_pictures.picture_size((300, 300), record.picture_scale)
    files = {name: (tmp_path / name).read_bytes() for name in (record.picture, record.overlay)}
    files |= {layer.file: (tmp_path / layer.file).read_bytes() for layer in record.layers}
    (own,) = [layer.file for layer in record.layers if layer.name == "segmentation"]
    measurement = SimpleNamespace(marks=marks(300))
    for stroke in field_pictures.STROKES:
        files[own] = field_pictures.segmentation_layer(found, size, stroke)
        files[record.overlay] = field_pictures.composite(
            files[record.picture], [files[layer.file] for layer in record.layers]
        )
        assert overlays.differences(record, found, measurement, files.get, True) == (2, [])
        other = replace(found, labels=np.roll(found.labels, 3, axis=1))
        assert len(overlays.differences(record, other, measurement, files.get, True)[1]) == 2
    assert len({field_pictures.segmentation_layer(found, size, stroke) for stroke in field_pictures.STROKES}) == 2


@pytest.mark.parametrize("side", [1590, 2048])
def test_the_overlay_of_a_square_field_whose_strip_makes_it_too_long_is_compared_as_it_was_reduced(tmp_path, side):
    labels = np.zeros((side, side), np.uint8)
    labels[300:900, 500:1200] = 1
    found = Segmentation(labels=labels, classes={0: "metal", 1: "pore"}, kind="semantic", backend="labels")
    made = field_pictures.write_field(tmp_path, "1_a", micrograph(np.uint8(200 - 120 * labels)), found)
    picture, overlay = (opened((tmp_path / name).read_bytes()) for name in (made.picture, made.overlay))
    assert max(overlay.shape) == field_pictures.PICTURE_PX < max(picture.shape)
    record = SimpleNamespace(
        height_px=side,
        width_px=side,
        picture=made.picture,
        overlay=made.overlay,
        layers=made.layers,
        picture_scale=made.scale,
    )
    measurement = SimpleNamespace(marks=())

    def read(name):
        return (tmp_path / name).read_bytes()

    for exact in (True, False):
        assert overlays.differences(record, found, measurement, read, exact) == (2, [])
        other = replace(found, labels=np.roll(labels, 12, axis=1))
        assert len(overlays.differences(record, other, measurement, read, exact)[1]) == 2


def test_classes_differ_without_color():
    labels = np.zeros((800, 800), np.int32)
    labels[100:350, 100:700], labels[450:700, 100:700] = 1, 2
    found = Segmentation(labels=labels, classes={0: "matrix", 1: "a", 2: "b"}, kind="semantic", backend="labels")
    picture, _ = field_pictures.field_picture(micrograph(np.full((800, 800), 128, np.uint8), RATIO))
    gray = opened(field_pictures.composite(picture, [field_pictures.segmentation_layer(found, (800, 800))])).mean(
        axis=2
    )
    first, second = gray[120:330, 120:680], gray[470:680, 120:680]
    assert first.std() < 4  # plain
    assert second.std() > 8  # hatched
    assert abs(first.mean() - second.mean()) > 15


@pytest.mark.parametrize("style", ["hit", "half hit", "double hit", "miss", "warning"])
def test_mark_lies_where_it_was_counted(style):
    mark = Mark(kind="points", points=((30.0, 70.0),), style=style, layer="hits")
    layer = alpha(field_pictures.mark_layers([mark], 8.0, (800, 1200))["hits"])
    rows, columns = np.nonzero(layer > 100)
    # the center of pixel (30, 70) is at (30.5, 70.5) pixels from the corner
    assert (rows.min() + rows.max()) / 2 == pytest.approx(30.5 * 8, abs=4)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(70.5 * 8, abs=1.5)


def test_every_hit_is_drawn_even_when_there_are_many():
    points = tuple((float(row), float(column)) for row in range(20, 1000, 40) for column in range(20, 1000, 40))
    layer = alpha(
        field_pictures.mark_layers([Mark(kind="points", points=points, style="hit")], 1.0, (1000, 1000))["test figure"]
    )
    for row, column in points:
        assert layer[int(row) - 12 : int(row) + 13, int(column) - 12 : int(column) + 13].max() > 200


def test_objects_of_one_class_that_touch_are_parted_by_a_line():
    labels = np.zeros((800, 800), np.int32)
    labels[300:500, 200:600] = 1
    objects = labels.copy()
    objects[:, 400:][labels[:, 400:] == 1] = 2
    found = Segmentation(
        labels=labels, classes={0: "matrix", 1: "fiber"}, kind="semantic", backend="labels", objects=objects
    )
    parted = alpha(field_pictures.segmentation_layer(found, (800, 800)))
    as_one = alpha(field_pictures.segmentation_layer(replace(found, objects=None), (800, 800)))
    assert (parted[320:480, 395:405] == 255).any(axis=1).all()
    assert not (as_one[320:480, 395:405] == 255).any()
    assert np.array_equal(parted[:, :390], as_one[:, :390])


def test_marks_are_grouped_by_layer_in_their_order():
    names = list(field_pictures.mark_layers(marks(), 1.0, (500, 500)))
    assert names == ["test figure", "hits"]


def test_equal_input_gives_equal_bytes():
    field, found = grain_field(3, 200, 12)
    for draw in (
        lambda: field_pictures.field_picture(field)[0],
        lambda: field_pictures.segmentation_layer(found, (800, 800)),
        lambda: field_pictures.mark_layers(marks(200), 4.0, (800, 800))["hits"],
    ):
        assert draw() == draw()
    charts.chart_svg.cache_clear()
    first = charts.chart_svg(CHARTS[0])
    charts.chart_svg.cache_clear()
    assert charts.chart_svg(CHARTS[0]) == first


@pytest.mark.parametrize("box", [(0, 0, 5, 5), (190, 190, 200, 200), (0, 0, 200, 200), (90, 20, 91, 180)])
def test_thumbnail_is_square_with_its_scale_wherever_the_feature_lies(box):
    field, found = grain_field(4, 200, 12)
    item = Notable(feature=1, value=1.0, unit="um2", caption="", box=box)
    shape = opened(field_pictures.thumbnail(field, found, item)).shape
    assert shape[1] == field_pictures.THUMBNAIL_PX < shape[0] < 1.25 * field_pictures.THUMBNAIL_PX


def test_field_files_are_written_where_the_record_says(tmp_path):
    field, found = grain_field(5, 200, 12)
    files = field_pictures.write_field(tmp_path, "1_field_05", field, found, marks(200))
    assert [layer.name for layer in files.layers] == ["segmentation", "test figure", "hits"]
    for name in (files.picture, files.overlay, *(layer.file for layer in files.layers)):
        assert (tmp_path / name).stat().st_size > 500


CHARTS = (
    Chart(kind="histogram", title="t", x_label="Area [µm²]", y_label="Pores",
          series=(Series(name="all", x=(1.0, 10.0, 100.0), y=(5.0, 2.0)),), x_scale="log", limits=((20.0, "limit"),)),
    Chart(kind="cumulative", title="t", x_label="x", y_label="y",
          series=(Series(name="a", x=(1.0, 2.0), y=(0.0, 1.0)), Series(name="b", x=(1.0, 3.0), y=(0.5, 1.0)))),
    Chart(kind="points", title="t", x_label="x", y_label="costs $5 and $6",
          series=(Series(name="a", x=(1.0,), y=(float("nan"),)),)),
    Chart(kind="bars", title="t", x_label="", y_label="y", series=(Series(name="a", x=(0.0, 1.0), y=(-1.0, 2.0)),),
          categories=("a very long name of a category", "another very long name of one")),
    Chart(kind="histogram", title="empty", x_label="x", y_label="y",
          series=(Series(name="a", x=(0.0, 1.0), y=(0.0,)),)),
)  # fmt: skip


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: f"{chart.kind} {chart.title}")
def test_chart_is_svg_without_a_date(chart):
    svg = charts.chart_svg(chart)
    assert "<svg" in svg
    assert "dc:date" not in svg
    assert chart.y_label in svg  # text, not outlines


def test_layers_of_labels_alone_are_not_burned_into_the_overlay(tmp_path):
    field, found = grain_field(1, size=160, grains=12)
    label = Mark(kind="text", points=((80.0, 80.0),), layer="local grain size", label="G 9.1")
    bare, labeled, marked = (tmp_path / name for name in ("bare", "labeled", "marked"))
    for folder, drawn in ((bare, ()), (labeled, (label,)), (marked, marks(20))):
        folder.mkdir()
        field_pictures.write_field(folder, "a", field, found, drawn)
    overlay = "overlays/a.jpg"
    assert (labeled / "overlays/a.local_grain_size.png").is_file()
    assert (labeled / overlay).read_bytes() == (bare / overlay).read_bytes()
    assert (marked / overlay).read_bytes() != (bare / overlay).read_bytes()
