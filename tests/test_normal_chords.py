"""Chords normal to a layer, on shapes whose thickness is known."""

import numpy as np
import pytest

from inspect_tool.errors import MeasurementError
from inspect_tool.measure.normal_chords import gray_inside, normal_chords, sides_of


def band(thick: float, slope_deg: float = 0.0, shape: tuple[int, int] = (200, 300)) -> np.ndarray:
    """Pixels whose centers lie within half the thickness of a straight line through the middle of the field."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    turn = np.radians(slope_deg)
    off = (rows - shape[0] / 2 + 0.25) * np.cos(turn) - (columns - shape[1] / 2) * np.sin(turn)
    return np.abs(off) < thick / 2


def ring(radius: float, thick: float, shape: tuple[int, int] = (200, 300)) -> np.ndarray:
    """A part of a ring about a point below the field."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    far = np.hypot(rows - (radius + 100), columns - 150)
    return np.abs(far - radius) < thick / 2


def lengths(mask, **more):
    return normal_chords(sides_of(mask, **more), 200).length


@pytest.mark.parametrize("slope", [0, 7, 20, 35])
@pytest.mark.parametrize("thick", [9.0, 25.0, 60.0])
def test_a_slope_does_not_lengthen_the_chords(thick, slope):
    """Columns of pixels would be longer by 1/cos: 22 % at 35 degrees."""
    found = lengths(band(thick, slope))
    assert found.mean() == pytest.approx(thick, abs=0.6)
    assert found.std() < 0.6


def test_a_layer_along_the_rows_has_its_rows():
    mask = np.zeros((80, 120), bool)
    mask[30:47] = True
    found = lengths(mask)
    assert found.min() == found.max() == 17


def test_an_upright_layer_is_the_same_turned():
    mask = band(25.0, 7.0)
    assert lengths(mask.T).mean() == pytest.approx(lengths(mask).mean(), abs=0.02)


def test_a_bent_layer_is_as_thick_as_its_radii_differ():
    found = lengths(ring(180.0, 30.0))
    assert found.mean() == pytest.approx(30.0, abs=0.3)
    assert found.std() < 0.5


def test_thin_and_thick_places_are_found_where_they_are():
    mask = band(40.0)
    rows = np.flatnonzero(mask[:, 0])
    mask[rows[:10], 140:160] = False  # a notch of ten pixels, twenty wide
    sides = sides_of(mask)
    chords = normal_chords(sides, 300)
    thinnest = chords.middle[chords.length.argmin()]
    assert 138 <= thinnest[1] <= 162
    assert chords.length.min() == pytest.approx(30.0, abs=1.0)
    assert np.median(chords.length) == pytest.approx(40.0, abs=1.0)


def test_pores_inside_are_a_part_of_the_layer():
    mask = band(40.0)
    porous = mask.copy()
    porous[95:105, 50:60] = False
    assert lengths(porous) == pytest.approx(lengths(mask))


def test_a_crack_through_it_is_bridged_up_to_its_width():
    mask = band(40.0)
    mask[:, 150:153] = False
    with pytest.raises(MeasurementError, match="does not part the field in two"):
        sides_of(mask)
    assert lengths(mask, bridge_px=3).mean() == pytest.approx(40.0, abs=0.6)


def test_specks_beside_the_layer_are_none_of_it():
    mask = band(30.0)
    dirty = mask.copy()
    dirty[10:14, 20:24] = dirty[180:183, 200:203] = True
    assert lengths(dirty) == pytest.approx(lengths(mask))


def test_chords_that_meet_the_edge_of_the_field_are_left_out_and_counted():
    chords = normal_chords(sides_of(band(40.0, 35.0)), 200)
    assert chords.missed > 0
    assert chords.length.mean() == pytest.approx(40.0, abs=0.6)
    ends = np.concatenate([chords.first, chords.second])
    assert ends.min() > -0.5
    assert (ends[:, 0] < 199.5).all()
    assert (ends[:, 1] < 299.5).all()


def test_what_lies_outside_the_region_is_no_interface():
    mask = band(40.0)
    region = np.ones(mask.shape, bool)
    region[:, 200:] = False
    chords = normal_chords(sides_of(mask, region), 200, region)
    assert chords.middle[:, 1].max() < 200
    assert chords.length.mean() == pytest.approx(40.0, abs=0.6)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((50, 60), bool), "no pixel of the layer"),
        (np.ones((50, 60), bool), "does not part the field in two"),
        (np.arange(50)[:, None] + np.zeros((1, 60)) < 20, "does not part the field in two"),
    ],
)
def test_what_is_no_layer_is_refused(mask, said):
    with pytest.raises(MeasurementError, match=said):
        sides_of(mask)


def test_a_layer_that_is_seen_over_less_than_its_thickness_is_refused():
    mask = np.zeros((200, 40), bool)
    mask[40:160] = True
    with pytest.raises(MeasurementError, match="take a field that shows more of it"):
        normal_chords(sides_of(mask), 50)


def test_a_step_inside_a_layer_is_told_over_that_at_its_fainter_interface():
    layer = np.zeros((120, 160), bool)
    layer[40:80] = True
    pixels = np.full(layer.shape, 100, np.uint8)
    pixels[40:70], pixels[70:80], pixels[80:] = 200, 160, 40
    assert gray_inside(pixels, normal_chords(sides_of(layer), 50)) == pytest.approx((200 - 160) / (200 - 100))


def test_a_layer_at_the_frame_has_no_gray_beside_it():
    layer = np.zeros((120, 160), bool)
    layer[10:117] = True
    assert gray_inside(np.full(layer.shape, 100, np.uint8), normal_chords(sides_of(layer), 50)) is None
