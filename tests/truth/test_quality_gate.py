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


# the last step at which the number holds, the first at which it does not, and the checks that stop there
@pytest.mark.parametrize(
    ("recipe", "key", "holds", "fails", "checks"),
    [
        ("porosity", "blur_px", 1.0, 4.0, {"resolution"}),
        ("phase_fraction", "exposure", 1.2, 2.0, {"saturation"}),
    ],
)
def test_what_is_measured_holds_until_the_gate_stops(script, recipe, key, holds, fails, checks):
    good = script.step(recipe, key, holds, jobs=1)
    assert good.stops == 0
    assert good.wrong == 0
    assert len(good.errors) == 1
    bad = script.step(recipe, key, fails, jobs=1)
    assert bad.wrong == 1  # without the gate a wrong number would have been stated
    assert bad.stops == 1
    assert checks <= set(bad.stopped)
