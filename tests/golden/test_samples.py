"""The shipped sample jobs, as the demo runs them for a user, against the truth they were drawn from.

``samples/*/expected.json`` holds numbers of the random process or of the drawn geometry
(``benchmarks/make_samples.py``), never results of the toolkit; the tolerance beside each is what sampling
and segmentation of so few fields may cost.
"""

import importlib.util
import json
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from wide_words import left_of, wide_language

from inspect_tool.files import load_job, load_report
from inspect_tool.model import Report
from inspect_tool.paths import data_folder
from inspect_tool.report import render
from inspect_tool.scale import laboratory_files
from inspect_tool.statistics.uncertainty import combined

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
RECIPES = tuple(sorted(path.parent.name for path in SAMPLES.glob("*/expected.json")))


def expected(recipe: str) -> dict[str, dict[str, Any]]:
    numbers: dict[str, dict[str, Any]] = json.loads((SAMPLES / recipe / "expected.json").read_text(encoding="utf-8"))
    return numbers


CASES = [(recipe, name) for recipe in RECIPES for name in expected(recipe)]


@pytest.fixture(scope="session")
def report_of(demo: tuple[Path, Any]) -> Callable[[str], Report]:
    """Reports that the demo wrote."""
    return cache(lambda recipe: load_report(demo[0] / recipe / "report.json"))


@pytest.mark.parametrize(("recipe", "name"), CASES)
def test_results_agree_with_the_truth(recipe: str, name: str, report_of: Callable[[str], Report]) -> None:
    truth = expected(recipe)[name]
    quantity, specimen = name.rsplit("@", 1)
    found = {(result.quantity, result.specimen): result for result in report_of(recipe).results}
    result = found[quantity, specimen]
    assert result.unit == truth["unit"]
    assert result.value == pytest.approx(truth["value"], abs=truth["tol"])


@pytest.mark.parametrize(("recipe", "name"), CASES)
def test_stated_intervals_contain_the_truth(recipe: str, name: str, report_of: Callable[[str], Report]) -> None:
    truth = expected(recipe)[name]
    quantity, specimen = name.rsplit("@", 1)
    found = {(result.quantity, result.specimen): result for result in report_of(recipe).results}
    interval = found[quantity, specimen].interval
    assert interval is not None
    assert interval[0] <= truth["value"] <= interval[1]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_requirement_passes_and_nothing_is_left_unstated(recipe: str, report_of: Callable[[str], Report]) -> None:
    report = report_of(recipe)
    assert report.verdict == "pass"
    assert {conformity.decision for conformity in report.conformities} == {"pass"}
    assert report.not_stated == ()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_page_in_another_language_has_nothing_in_english_but_names(
    recipe: str, report_of: Callable[[str], Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a whole report says; what its pictures show is drawn elsewhere, and the folder has none."""
    monkeypatch.setattr(render, "_picture", lambda *_: "")
    report = report_of(recipe)
    with wide_language(tmp_path, monkeypatch) as language:
        page = render.render(report, tmp_path, data_folder("templates") / "inspection", "screen", language)
    assert left_of(page, report) == set()


def test_every_drawn_joint_is_found(report_of: Callable[[str], Report]) -> None:
    features = report_of("solder_voids").features
    specimens = [row[features.columns.index("specimen")] for row in features.rows]
    # two views of 4 x 5 balls, and one tab
    assert specimens.count("U7") == 40
    assert specimens.count("Q3") == 1


@pytest.mark.parametrize("recipe", RECIPES)
def test_requirements_have_a_source_and_certificates_outlive_the_release(recipe: str) -> None:
    job = load_job(SAMPLES / recipe / "job.toml")
    assert job.requirements
    assert all(requirement.source for requirement in job.requirements)
    assert job.calibration is not None
    assert job.calibration.valid_until is not None
    assert job.calibration.valid_until >= date(2027, 12, 31)


@pytest.mark.parametrize("recipe", RECIPES)
def test_calibration_records_give_the_pixel_size_of_the_job(recipe: str) -> None:
    record = laboratory_files.read(SAMPLES / recipe / "calibration.toml")
    job = load_job(SAMPLES / recipe / "job.toml")
    assert job.calibration is not None
    sizes = [reading.length_um / px for reading in record.readings for px in reading.length_px]
    assert np.mean(sizes) == pytest.approx(job.calibration.pixel_um, rel=1e-3)
    assert (record.pixel_um, record.u_rel) == (job.calibration.pixel_um, job.calibration.u_rel)
    assert combined(record.budget) == pytest.approx(record.u_rel, rel=0.02)
    assert (record.certificate, record.due) == (job.calibration.certificate, job.calibration.valid_until)


def test_the_samples_stay_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 1.4e6 * len(RECIPES)


# ------------------------------------------------------------------------- the script that made the samples


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_samples", ROOT / "benchmarks" / "make_samples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("recipe", "draw"),
    [
        ("grain_size", "grain_fields"),
        ("phase_fraction", "phase_fields"),
        ("porosity", "pore_fields"),
        ("solder_voids", "solder_fields"),
        ("particles", "powder_fields"),
        ("fibres", "fiber_fields"),
        ("confluence", "culture_fields"),
        ("decarburisation", "skin_fields"),
        ("layer_thickness", "layer_fields"),
        ("graphite", "graphite_fields"),
        ("banding", "band_fields"),
        ("inclusions", "inclusion_fields"),
    ],
)
def test_the_script_makes_these_images(recipe: str, draw: str, script: ModuleType) -> None:
    name, field, look = next(getattr(script, draw)())
    again = script.degraded(recipe, field, look, 1000)
    path = SAMPLES / recipe / "images" / name
    shipped = tifffile.imread(path) if path.suffix == ".tif" else np.asarray(Image.open(path))
    difference = np.abs(shipped.astype(int) - again)
    # another processor may round the last bit of a float differently
    assert (difference <= 1).mean() > 0.999
    job = load_job(SAMPLES / recipe / "job.toml")
    assert job.calibration is not None
    assert job.calibration.pixel_um == field.pixel_um


def test_scale_is_in_the_tags_of_all_but_the_last_grain_image() -> None:
    images = sorted((SAMPLES / "grain_size" / "images").glob("*.tif"))
    units = []
    for path in images:
        with tifffile.TiffFile(path) as file:
            tags = file.pages[0].tags
            units.append(tags["ResolutionUnit"].value if "ResolutionUnit" in tags else 1)
            if units[-1] == 3:
                pixels, centimeters = tags["XResolution"].value
                assert 1e4 * centimeters / pixels == pytest.approx(0.345, rel=1e-6)
    assert units == [3, 3, 3, 3, 1]
