"""Whether a picture shows an edge where objects touch: bars in pieces, and blocks with a shadow or a step between."""

import numpy as np
import pytest

from inspect_tool.measure.contact_edges import flat_contacts_percent


def field(between, *, ground=40, gray=180, second=180):
    """Twelve pairs of blocks, each of two grays that meet along a line of its own gray; labels and picture."""
    rng = np.random.default_rng(3)
    labels, pixels = np.zeros((120, 160), np.int32), np.full((120, 160), ground, np.float32)
    for number in range(12):
        row, column = 10 + number // 4 * 36, 6 + number % 4 * 38
        labels[row : row + 20, column : column + 14] = 2 * number + 1
        labels[row : row + 20, column + 14 : column + 28] = 2 * number + 2
        pixels[row : row + 20, column : column + 14] = gray
        pixels[row : row + 20, column + 14 : column + 28] = second
        if between is not None:
            pixels[row : row + 20, column + 13 : column + 15] = between
    return labels, np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("drawn", "flat"),
    [
        ({"between": None}, 100.0),  # one bar in two pieces
        ({"between": None, "ground": 180, "gray": 40, "second": 40}, 100.0),  # dark ones
        ({"between": 90}, 0.0),  # a shadow
        ({"between": 240}, 0.0),  # a bright rim
        ({"between": None, "second": 120}, 0.0),  # one before the other
    ],
)
def test_a_contact_is_flat_where_nothing_is_seen_between(drawn, flat):
    labels, pixels = field(**drawn)
    assert flat_contacts_percent(pixels, labels) == pytest.approx(flat, abs=1e-9)


def test_few_contacts_or_no_ground_say_nothing():
    labels, pixels = field(None)
    assert flat_contacts_percent(pixels, np.where(labels < 9, labels, 0)) is None
    assert flat_contacts_percent(pixels, np.where(labels == 0, 99, labels)) is None
