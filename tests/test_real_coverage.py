"""Figures of docs/validation-real.md on rows that can be reckoned by hand; the images themselves are not here."""

from dataclasses import replace
from math import nan

import cv2
import numpy as np
import pytest
from _real_images import filled, joints, toml
from real_coverage import Row, compared, figures, of_segmentation, table, weighted_quantile, worst

from inspect_tool.model import Component, Result
from inspect_tool.validation.line import LINE

ROW = Row(
    recipe="porosity",
    source="set",
    parent="set/a",
    name="one",
    way="threshold",
    quantity="porosity_percent",
    unit="%",
    value=5.0,
    low=4.0,
    high=6.0,
    of_segmentation=0.6,
    truth=(5.5, 5.5),
    simple=8.0,
)


def test_an_interval_that_holds_the_truth_scores_its_width() -> None:
    assert ROW.held
    assert ROW.error == -0.5
    assert ROW.score == 2.0


def test_a_miss_costs_forty_times_its_size() -> None:
    missed = replace(ROW, truth=(6.5, 6.5))
    assert not missed.held
    assert missed.score == 2.0 + 40 * 0.5


def test_a_truth_between_two_numbers_is_held_by_what_touches_it() -> None:
    assert replace(ROW, truth=(5.8, 9.0)).error == pytest.approx(-0.8)
    assert replace(ROW, truth=(5.8, 9.0)).held
    assert replace(ROW, truth=(1.0, 9.0)).error == 0.0
    assert not replace(ROW, truth=(6.1, 9.0)).held


def test_images_of_one_parent_count_once() -> None:
    held, missed = replace(ROW, parent="set/b"), replace(ROW, truth=(7.0, 7.0))
    found = figures([missed, missed, missed, held])
    assert found.held == 1
    assert found.parents == 2
    assert found.coverage == 0.5
    assert found.score == pytest.approx((2 + 40 + 2) / 2)


def test_the_scatter_of_fields_may_cover_an_error_that_the_segmentation_does_not_state() -> None:
    covered = replace(ROW, parent="set/b", truth=(4.2, 4.2))  # 0.8 off, within 4 to 6, beyond 0.6
    found = figures([ROW, covered])
    assert (found.coverage, found.alone, found.width_alone) == (1.0, 0.5, 0.6)


def test_lines_of_the_segmentation_and_of_labeled_images_add_as_squares() -> None:
    budget = tuple(
        Component(name=name, u=u, kind="B", basis="drawn")
        for name, u in (("segmentation", 3.0), (LINE, 4.0), ("between fields", 9.0))
    )
    result = Result(
        quantity="porosity_percent", specimen="1", value=5.0, unit="%", n=1, clause="", definition="", budget=budget
    )
    assert of_segmentation(result) == pytest.approx(1.96 * 5)


def test_a_weighted_quantile_reaches_its_share() -> None:
    assert weighted_quantile([3.0, 1.0, 2.0], np.array([0.25, 0.5, 0.25]), 0.5) == 1.0
    assert weighted_quantile([3.0, 1.0, 2.0], np.array([0.25, 0.5, 0.25]), 0.9) == 3.0


def test_images_without_a_number_stand_in_their_own_column_and_the_worst_line_is_first() -> None:
    other = replace(ROW, source="bad", truth=(9.0, 9.0))
    stopped = replace(ROW, name="blurred", stopped=("Focus",))
    refused = replace(ROW, name="black", value=nan, low=nan, high=nan, refused="is constant")
    _, _, first, second = table([ROW, other, stopped, refused])
    assert first.startswith("| bad | `threshold` | `porosity_percent` | 1 (1) | 0 | 0 of 1 | 0 % |")
    assert second.startswith("| set | `threshold` | `porosity_percent` | 1 (1) | 2 | 1 of 1 | 100 % |")


def test_the_worst_images_are_named_with_what_doubts_them() -> None:
    far = replace(ROW, name="far", truth=(60.0, 60.0), doubts=("No pore",))
    near = replace(ROW, name="near", truth=(6.5, 6.5))
    assert list(worst([near, ROW, far])) == [
        "- set, far, `threshold`, `porosity_percent`: 5 (4 to 6), truth 60; doubted by: No pore",
        "- set, near, `threshold`, `porosity_percent`: 5 (4 to 6), truth 6.5; not doubted",
    ]


def test_an_earlier_version_is_compared_on_the_images_that_both_give_a_number_for() -> None:
    """Before: 4 to 6 misses 6.5 by half a point, 2 + 20 = 22. Now: 3 to 7 holds it and scores 4; with the line 8.

    The segmentation alone, before: 4.4 to 5.6 misses it by 0.9, 1.2 + 36 = 37.2; with the line: 3 to 7, that is 4.
    """
    before = replace(ROW, truth=(6.5, 6.5))
    now, wide = (replace(before, low=5 - half, high=5 + half, of_segmentation=half / 2) for half in (2.0, 4.0))
    refused = replace(now, name="black", value=nan, low=nan, high=nan, refused="is constant")
    rows = ([before, replace(before, name="black")], [now, refused], [wide, refused])
    _, _, found = compared(*rows)
    assert found == (
        "| `porosity` | `threshold` | 1 (1) | 0, 1 | 0 %, 100 %, 100 % | 1, 2, 4 | 1.5, 1.5 | 22, 4, 8 | 2.75"
        " | 37.2, 4 | 9.3 |"
    )


def test_the_ways_of_a_recipe_are_compared_together_too() -> None:
    """One way scores 2 before and 4 with the line, the other 22 and 4: 24 over 8; alone 1.2 and 37.2 before, and 4."""
    good, bad = ROW, replace(ROW, way="unet pores", truth=(6.5, 6.5))
    wide = [replace(row, low=3.0, high=7.0, of_segmentation=2.0) for row in (good, bad)]
    *_, found = compared([good, bad], wide, wide)
    assert found.startswith("| `porosity` | **all** | 2 (1) | 0, 0 | 50 %, 100 %, 100 % |")
    assert found.endswith("| 12, 4, 4 | 3 | 19.2, 4 | 4.8 |")


def test_a_void_that_no_joint_was_drawn_around_is_left_out(tmp_path) -> None:
    """Outlines of pixels 2 to 9, of 4 and 5 in them, and of 12 to 17 beside them, in parts of 30 and of 20 px."""

    def outline(kind: int, *corners: tuple[int, int]) -> str:
        return " ".join([str(kind), *(f"{x / 30} {y / 20}" for x, y in corners)])

    lines = (
        outline(1, (4, 4), (6, 4), (6, 6), (4, 6)),
        outline(0, (2, 2), (10, 2), (10, 10), (2, 10)),
        outline(1, (20, 12), (26, 12), (26, 18), (20, 18)),
    )
    (tmp_path / "one.txt").write_text("\n".join(lines) + "\n")
    found = joints(tmp_path / "one.txt", (20, 30))()
    assert np.count_nonzero(found == 1) == 60
    assert np.count_nonzero(found == 2) == 4


def test_what_an_outline_holds_has_its_area() -> None:
    """Circles of 6 px at many places: their area within 1 %. Filled by OpenCV they are a fifth larger."""
    rng = np.random.default_rng(1)
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circles = [6 * np.column_stack([np.cos(turn), np.sin(turn)]) + rng.uniform(9, 11, 2) for _ in range(50)]
    mean = np.mean([np.count_nonzero(filled(circle, (20, 20))) for circle in circles])
    assert mean == pytest.approx(np.pi * 36, rel=0.01)
    touched = [cv2.fillPoly(np.zeros((20, 20), np.uint8), [np.rint(circle).astype(int)], 1).sum() for circle in circles]
    assert np.mean(touched) > 1.15 * np.pi * 36


def test_a_job_table_is_toml() -> None:
    import tomllib

    table = {"name": "labels", "classes": {"0": "matrix", "1": 'a "b"'}, "masks": ["x.png"], "separate": True, "k": 0.2}
    assert tomllib.loads(f"backend = {toml(table)}") == {"backend": table}
