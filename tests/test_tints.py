"""Dark things among grains of many tints: drawn ones of known area and number, darker than any grain where they lie."""

import cv2
import numpy as np
import pytest

from inspect_tool import registry
from inspect_tool.errors import SettingsError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import threshold
from inspect_tool.standards.editions import editions_for

SCALE = Calibration(pixel_um=1.0, u_rel=0.0, source="drawn")
SHAPE = (320, 400)
DISCS = [(30 + 45 * i, 25 + 45 * j, 3 + (i + j) % 5) for i in range(6) for j in range(8)]  # row, column, radius


@pytest.fixture(scope="module")
def grains():
    """Grains some 30 px wide, each with a color of its own, whose gray values go from some 90 to 220."""
    rng = np.random.default_rng(4)
    seeds = rng.uniform(size=(140, 2)) * SHAPE
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    apart = [(rows - row) ** 2 + (columns - column) ** 2 for row, column in seeds]
    number = np.argmin(apart, axis=0)
    tint = rng.uniform(105, 200, (140, 1)) + rng.uniform(-35, 35, (140, 3))
    return np.clip(tint, 40, 240)[number].astype(np.float32)


@pytest.fixture(scope="module")
def etched(grains):
    """The same with black discs, blurred; and where they are."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    black = np.zeros(SHAPE, bool)
    for row, column, radius in DISCS:
        black |= np.hypot(rows - row, columns - column) <= radius
    picture = np.where(black[..., None], np.float32(18), grains)
    noise = np.random.default_rng(5).normal(0, 2, picture.shape)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.0) + noise, 0, 255).astype(np.uint8), black


def image(color):
    return Micrograph(
        pixels=cv2.cvtColor(color, cv2.COLOR_RGB2GRAY), color=color, calibration=SCALE, path="etched.png", field=1
    )


def segment(picture, **settings):
    return threshold.segment(None, picture, threshold.Settings(phase="dark", **settings))


def test_a_level_against_the_matrix_finds_what_one_for_all_misses(etched):
    color, black = etched
    share = 100 * black.mean()
    even, tinted = (100 * np.mean(segment(image(color), matrix=matrix).labels == 1) for matrix in ("even", "auto"))
    assert abs(even - share) > 2
    assert tinted == pytest.approx(share, abs=0.5)


def test_every_inclusion_among_grains_of_many_tints_is_counted(etched):
    """The default backend of the recipe; the report doubts it all the same, as the color in the matrix varies."""
    color, black = etched
    recipe = registry.load("recipe", "inclusions")
    chosen = recipe.Settings(minimum_um=4.0)
    editions = editions_for(recipe, chosen)
    asked = {name: value for name, value in recipe.BACKEND.items() if name != "name"}
    found = threshold.segment(None, image(color), threshold.Settings(**asked))
    measured = recipe.measure_field(image(color), found, chosen, editions)
    assert measured.values.numbers.particles == pytest.approx(len(DISCS), abs=1)
    assert measured.values.numbers.inclusion_percent == pytest.approx(100 * black.mean(), abs=0.5)
    findings = recipe.combine([measured], chosen, editions)
    failed = [str(check.name) for check in findings.checks if check.scope == "plausibility" and not check.passed]
    assert any(name.startswith("Color inside the matrix") for name in failed)


def test_grains_without_anything_black_show_nothing(grains):
    color = np.clip(np.maximum(grains, 100), 0, 255).astype(np.uint8)
    found = segment(image(color), matrix="tinted")
    assert found.told.method_taken == "nothing found"
    assert not found.labels.any()


def test_a_gray_picture_is_measured_as_before(etched):
    gray = Micrograph(pixels=image(etched[0]).pixels, calibration=SCALE, path="gray.png", field=1)
    assert np.array_equal(segment(gray, matrix="auto").labels, segment(gray).labels)


def test_other_levels_grow_and_shrink_what_was_found(etched):
    found = segment(image(etched[0]), matrix="tinted")
    areas = {name: np.count_nonzero(other.labels) for name, other in found.alternatives()}
    assert areas["threshold -"] < np.count_nonzero(found.labels) < areas["threshold +"]


@pytest.mark.parametrize("other", [{"method": "otsu"}, {"classes": ("a", "b", "c")}])
def test_a_matrix_of_tints_is_for_one_phase(etched, other):
    with pytest.raises(
        SettingsError, match="matrix 'tinted' is for method 'auto', phase 'dark' or 'bright', and two classes"
    ):
        segment(image(etched[0]), matrix="tinted", **other)
