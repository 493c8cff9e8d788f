"""The gate stops an image before the error of what is measured on it exceeds the stated U.

A part of the series of ``benchmarks/quality_gate.py``, whose table stands in docs/quality.md: truth is what was drawn.
"""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("quality_gate", ROOT / "benchmarks" / "quality_gate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# the last step that is measured, the first that is stopped and by which checks, whether its number would be wrong:
# where it would not, the U of the level has grown with the fault
@pytest.mark.parametrize(
    ("recipe", "key", "holds", "fails", "checks", "wrong"),
    [
        ("porosity", "blur_px", 1.0, 4.0, {"resolution"}, 0),
        ("phase_fraction", "down", 3.0, 4.0, {"size"}, 0),
        ("phase_fraction", "exposure", 1.2, 2.0, {"saturation"}, 1),
    ],
)
def test_what_is_measured_holds_until_the_gate_stops(script, recipe, key, holds, fails, checks, wrong):
    good = script.step(recipe, key, holds, jobs=1)
    assert good.stops == 0
    assert good.wrong == 0
    assert len(good.errors) == 1
    bad = script.step(recipe, key, fails, jobs=1)
    assert bad.wrong == wrong
    assert bad.stops == 1
    assert checks <= set(bad.stopped)
