import numpy as np
import pytest

from inspect_tool.errors import MeasurementError
from inspect_tool.studies.micrometer.lines import measure_lines, pixel_size, pixel_sizes
from inspect_tool.synthetic import stage_micrometer
from inspect_tool.synthetic.micrometer import ideal_positions

SHAPE = (300, 400)


def draw(**changes):
    return stage_micrometer(**{"seed": 1, "shape_px": SHAPE, "pixel_um": 0.5, "pitch_um": 10.0} | changes)


def sizes(field, pitch_um=10.0):
    families = list(measure_lines(field.pixels))
    return {one.axis: (one, size) for one, size in zip(families, pixel_sizes(families, pitch_um), strict=True)}


@pytest.mark.parametrize("axis", ["x", "y"])
def test_lines_along_either_axis_give_the_pixel_size_that_was_drawn(axis):
    found = sizes(draw(axis=axis))
    assert list(found) == [axis]
    assert found[axis][1] == pytest.approx(0.5, rel=5e-5)


@pytest.mark.parametrize(("kind", "share"), [("grid", 0.2), ("dots", 0.4)])
def test_grids_give_both_axes(kind, share):
    found = sizes(draw(kind=kind, line_share=share))
    assert list(found) == ["x", "y"]
    assert [size for _, size in found.values()] == pytest.approx([0.5, 0.5], rel=2e-4)


def test_the_spacing_agrees_with_the_peak_of_a_fourier_transform():
    # independent estimate: the strongest period of the mean profile, on a grid fine enough to be no limit
    pixels = draw(pitch_um=8.3).pixels
    profile = pixels.mean(axis=0) - pixels.mean()
    columns = np.arange(SHAPE[1])
    frequency = np.linspace(0.8, 1.2, 40001) / (8.3 / 0.5)
    window = np.hanning(SHAPE[1])
    power = np.abs((profile * window) @ np.exp(-2j * np.pi * columns[:, None] * frequency))
    assert measure_lines(pixels)[0].spacing_px == pytest.approx(1 / frequency[power.argmax()], rel=2e-4)


@pytest.mark.parametrize("tilt", [-4.5, -1.3, 0.7, 3.0])
def test_a_tilted_micrometer_gives_the_same_pixel_size_and_its_tilt(tilt):
    # without the cosine 4.5 degrees are an error of 0.3 %
    family, size = sizes(draw(tilt_deg=tilt))["x"]
    assert size == pytest.approx(0.5, rel=5e-5)
    assert family.tilt_deg == pytest.approx(-tilt, abs=0.02)


def test_half_the_pixel_gives_half_the_um_per_px():
    coarse, fine = (sizes(draw(pixel_um=pixel))["x"][1] for pixel in (0.6, 0.3))
    assert coarse / fine == pytest.approx(2, rel=1e-4)


@pytest.mark.parametrize("tilt", [0.0, 3.0])
def test_pixels_that_are_not_square_are_told_apart_also_when_the_grid_is_turned(tilt):
    found = sizes(draw(kind="grid", pixel_y_um=0.46, tilt_deg=tilt))
    assert found["x"][1] == pytest.approx(0.5, rel=1e-4)
    assert found["y"][1] == pytest.approx(0.46, rel=1e-4)


@pytest.mark.parametrize("k1", [-0.01, 0.01])
def test_distortion_is_found_as_large_as_it_was_drawn(k1):
    family, size = sizes(draw(kind="grid", k1=k1))["x"]
    assert family.local is not None
    # truth: how far apart neighboring pixels would lie without distortion, where the lines were read
    column, _ = ideal_positions(SHAPE, k1)
    local = np.gradient(column, axis=1)
    rows, columns = np.rint(family.points[:, 1:]).astype(int).T
    seen = local[rows.clip(0, SHAPE[0] - 1), columns.clip(0, SHAPE[1] - 1)] * 0.5 / size - 1
    assert family.local == pytest.approx((seen.min(), seen.max()), abs=1.5e-3)
    assert np.ptp(family.local) > 0.015


def test_no_distortion_is_shown_where_there_is_none():
    # an F test at 1 %: more than one of these would be a wrong test
    shown = [seed for seed in range(6) if measure_lines(draw(seed=seed).pixels)[0].local is not None]
    assert len(shown) <= 1


def test_graduations_dirt_and_uneven_light_are_survived():
    field = draw(graduated=True, length_um=110.0, dirt=8, shading=0.5, tilt_deg=1.0, pitch_um=6.0)
    family, size = sizes(field, 6.0)["x"]
    assert size == pytest.approx(0.5, rel=2e-4)
    assert len(family.numbers) >= 30


def test_lines_that_are_hidden_are_named_and_do_not_shift_the_others():
    family, size = sizes(draw(missing=(-2, 3, 4)))["x"]
    assert size == pytest.approx(0.5, rel=5e-5)
    first = family.numbers[0] - round((family.centers_px[0] - (SHAPE[1] - 1) / 2) / family.spacing_px)
    assert sorted(number - first for number in family.missing) == pytest.approx([-2, 3, 4], abs=1)
    assert len(family.missing) == 3


def test_a_line_that_lies_off_is_named_and_does_not_count():
    field = draw()
    pixels = field.pixels.copy()
    family = measure_lines(pixels)[0]
    at = round(family.centers_px[7])
    pixels[:, at - 5 : at + 6] = np.roll(pixels[:, at - 5 : at + 6], 2, axis=1)  # 2 px off its place
    moved = measure_lines(pixels)[0]
    assert moved.outliers == (7,)
    assert pixel_size(moved, 10.0) == pytest.approx(0.5, rel=1e-4)


def test_bright_lines_on_dark_are_lines_too():
    inverted = 255 - draw().pixels
    assert measure_lines(inverted)[0].spacing_px == pytest.approx(20.0, rel=5e-5)


def test_dirt_that_is_darker_than_short_lines_does_not_hide_them():
    pixels = draw(axis="y", length_um=60.0, graduated=True, shape_px=(240, 320)).pixels.copy()
    for column in (40, 290):
        pixels[60:180, column : column + 8] = 10
    assert [family.axis for family in measure_lines(pixels)] == ["y"]


def test_16_bit_gray_values_give_the_same():
    pixels = draw().pixels
    assert measure_lines(pixels.astype(np.float32) * 257)[0].spacing_px == pytest.approx(
        measure_lines(pixels)[0].spacing_px, rel=1e-9
    )


def test_short_lines_are_counted_where_only_a_part_of_the_image_shows_them():
    # above, every fifth line only: a spacing five times too large if that part were believed
    field = draw(graduated=True, length_um=120.0, pitch_um=4.0, pixel_um=0.5)
    assert measure_lines(field.pixels)[0].spacing_px == pytest.approx(8.0, rel=2e-4)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"pitch_um": 60.0}, "lines found, at least 6 are needed"),
        ({"pitch_um": 1.7, "line_share": 0.5, "blur_px": 0.5}, "lines lie 3.4 px apart; at least 4 px"),
        ({"tilt_deg": 7.0}, "turned by 7.0 degrees; turn it to within 5"),
        ({"tilt_deg": 45.0}, "no evenly spaced lines found|turned by more than 12 degrees"),
        ({"contrast": 0.0}, "no evenly spaced lines found"),
        ({"kind": "dots", "line_share": 0.4, "tilt_deg": 45.0}, "do not meet in the dots of a square grid"),
        (
            {"kind": "dots", "line_share": 0.4, "tilt_deg": 26.565},
            "subdivided|all directions|do not meet|more than 12 degrees",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(changes, found):
    with pytest.raises(MeasurementError, match=found):
        measure_lines(draw(**changes).pixels)


def test_a_scale_that_is_subdivided_in_part_is_refused():
    pixels = draw().pixels.copy()
    pixels[:, :120] = draw(pitch_um=2.5, line_share=0.3).pixels[:, :120]
    with pytest.raises(MeasurementError, match=r"subdivided|spacing of the lines is not constant"):
        measure_lines(pixels)


@pytest.mark.parametrize("seed", range(8))
def test_lines_without_a_constant_spacing_are_refused(seed):
    rng = np.random.default_rng(seed)
    pixels = np.full((120, 400), 200, np.uint8)
    for column in np.cumsum(rng.uniform(9, 30, 18)).astype(int):
        pixels[:, column : column + 3] = 60
    with pytest.raises(MeasurementError, match="spacing of the lines is not constant"):
        measure_lines(pixels)


def test_noise_alone_is_no_micrometer():
    noise = np.random.default_rng(0).normal(128, 20, SHAPE).astype(np.float32)
    with pytest.raises(MeasurementError, match="found"):
        measure_lines(noise)


def test_an_image_too_small_for_lines_is_refused():
    with pytest.raises(MeasurementError, match="cannot hold a micrometer"):
        measure_lines(np.zeros((20, 400), np.uint8))
