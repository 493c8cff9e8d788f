"""What a backend says beside its labels: typed where it is said and where it is read, kept by name in between."""

import ast
import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import inspect_tool
from inspect_tool.files import plain
from inspect_tool.model import Segmentation, Told, stated

PACKAGE = Path(inspect_tool.__file__).parent
SAYS_ALL = Told(
    method_taken="edge",
    phase_taken="dark",
    own_gray=3.5,
    variance_between=0.9,
    outline_on_edges=0.0,
    color_weights=(0.5, -0.25, 1.0),
    polarity="solder dark",
    layout="balls",
    layout_guessed=False,
    round_regions_left_out=0,
    min_void_px=3.0,
    joint_names=("A1", "B2"),
    joints_unsure=2,
    straight_bands_ignored=0,
    twin_lamellae_merged=0,
    scratch_lines_merged=7,
    scratched_percent=2.5,
    texture_separation=2.25,
    sizes_apart=0.031,
    grays_apart=0.125,
    edge_off=0.25,
)


def segmented(settings):
    return Segmentation(
        labels=np.zeros((2, 2), np.uint8), classes={0: "matrix"}, kind="semantic", backend="x", settings=settings
    )


def test_what_is_said_comes_back_from_the_json_of_a_report():
    assert not [field.name for field in fields(Told) if getattr(SAYS_ALL, field.name) in (None, ())]
    assert segmented(json.loads(json.dumps(plain(stated(SAYS_ALL))))).told == SAYS_ALL
    assert segmented({}).told == Told()


def test_numbers_of_numpy_are_numbers():
    told = segmented({"scratch_lines_merged": np.int64(3), "own_gray": np.float32(0.5)}).told
    assert (told.scratch_lines_merged, told.own_gray) == (3, 0.5)


@pytest.mark.parametrize("field", fields(Told), ids=lambda field: field.name)
def test_a_setting_of_another_kind_says_nothing(field):
    """A backend of somebody else may have a setting of its own under the same name."""
    assert segmented({field.name: {"a": 1}}).told == Told()


def test_recipes_read_no_settings_of_a_backend():
    reading = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for room in ("recipes", "measure", "referee")
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "settings"
        if isinstance(node.value, ast.Name) and node.value.id in ("segmentation", "other", "taken", "corrected")
    ]
    assert reading == []
