"""Every registered backend meets every recipe: taken as it is, made to fit and stated, or refused in one line."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

import inspect_tool
from inspect_tool import registry
from inspect_tool.errors import BackendError, MeasurementError, SettingsError
from inspect_tool.files import load_model_card
from inspect_tool.inspection import job_run
from inspect_tool.model import Segmentation
from inspect_tool.segmentation import choice

PACKAGE = Path(inspect_tool.__file__).parent
RECIPES = registry.names("recipe")
BACKENDS = registry.names("backend")
OUTPUTS = ("classes", "objects", "grains")

# the table of docs/choosing.md, written down apart from the code
TABLE = {
    "grain_size": ("refused", "as they are", "as they are"),
    "phase_fraction": ("as they are", "union", "refused"),
    "porosity": ("pieces", "as they are", "refused"),
    "solder_voids": ("as they are", "refused", "refused"),
    "particles": ("pieces", "as they are", "refused"),
    "fibres": ("as they are", "as they are", "refused"),
    "confluence": ("as they are", "as they are", "refused"),
    "banding": ("as they are", "union", "refused"),
    "graphite": ("pieces", "as they are", "refused"),
    "decarburisation": ("as they are", "union", "refused"),
    "inclusions": ("pieces", "as they are", "refused"),
    "layer_thickness": ("as they are", "union", "refused"),
}
# what each backend gives with its own default settings
GIVES = {
    "threshold": {"classes"},
    "joints": {"classes"},
    "with_voids": {"classes"},
    "watershed": {"grains"},
    "texture": {"classes"},
    "hybrid": {"objects"},
    "labels": {"classes", "objects", "grains"},
    "pixels": {"classes"},
}


@pytest.mark.parametrize("recipe", TABLE)
def test_a_recipe_takes_what_the_table_says(recipe):
    module = registry.load("recipe", recipe)
    assert tuple(choice.step(module, output) for output in OUTPUTS) == TABLE[recipe]


def given(backend):
    """All that a backend can give by default; skipped where its default model is no part of this checkout."""
    try:
        return choice.outputs(backend, backend.Settings())
    except BackendError as error:
        if "no such folder" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_says_what_it_gives_and_keeps_to_its_kinds(name):
    backend = registry.load("backend", name)
    found = given(backend)
    assert found
    assert set(found) <= set(OUTPUTS)
    kinds = {"semantic" if output == "classes" else "instance" for output in found}
    assert kinds <= set(backend.KINDS)
    if name in GIVES:
        assert set(found) == GIVES[name]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend_with_every_recipe_is_taken_or_refused_in_one_line(name, recipe):
    backend, module = registry.load("backend", name), registry.load("recipe", recipe)
    settings = backend.Settings()
    taken = {choice.step(module, output) for output in given(backend)} - {"refused"}
    if taken:
        choice.check_backend(recipe, module, name, backend, settings)
        return
    with pytest.raises(SettingsError, match=rf"recipe {recipe} asks \w+ .* backend '{name}' gives .*; use ") as refused:
        choice.check_backend(recipe, module, name, backend, settings)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("folder", sorted((PACKAGE / "models").glob("*/model.toml")), ids=lambda path: path.parent.name)
def test_a_shipped_model_answers_the_recipes_it_is_meant_for(folder):
    card = load_model_card(folder.parent)
    name = "cellpose" if card.architecture.startswith("cellpose") else card.architecture
    if name not in BACKENDS:
        pytest.skip(f"no backend {name}")
    backend = registry.load("backend", name)
    for recipe in card.recipes:
        choice.check_backend(recipe, registry.load("recipe", recipe), name, backend, backend.Settings(model=card.name))


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_default_backend_of_a_recipe_answers_its_question(recipe):
    module = registry.load("recipe", recipe)
    table = dict(module.BACKEND)
    backend = registry.load("backend", table.pop("name"))
    settings = backend.Settings(**table)
    assert {choice.step(module, output) for output in choice.outputs(backend, settings)} != {"refused"}


def test_pores_are_dark_unless_the_job_says_otherwise():
    stardist = registry.load("backend", "stardist")
    porosity, phases = registry.load("recipe", "porosity"), registry.load("recipe", "phase_fraction")
    assert choice.suited(porosity, stardist.Settings()).phase == "dark"
    assert choice.suited(porosity, stardist.Settings(phase="auto")).phase == "auto"
    assert choice.suited(phases, stardist.Settings()).phase is None


def segmentation(labels, kind, classes):
    return Segmentation(labels=np.array(labels, np.int32), classes=classes, kind=kind, backend="drawn")


OBJECTS = [[1, 1, 2, 0], [0, 0, 2, 0], [3, 0, 0, 0]]  # 1 and 2 touch


def test_objects_are_taken_together_for_coverage_and_it_is_said():
    module = registry.load("recipe", "phase_fraction")
    given = segmentation(OBJECTS, "instance", {1: "carbide"})
    taken, said = choice.answer("phase_fraction", module, given)
    assert taken.kind == "semantic"
    assert dict(taken.classes) == {0: "matrix", 1: "carbide"}
    assert taken.labels.tolist() == [[1, 1, 1, 0], [0, 0, 1, 0], [1, 0, 0, 0]]
    assert taken.labels.dtype == np.int32
    assert not taken.labels.flags.writeable
    assert "backend drawn gives single objects, whose union" in said.text
    assert said.text.startswith("coverage (how much of the area)")


def test_classes_are_taken_apart_for_pores_and_it_is_said():
    given = segmentation([[0, 1], [0, 0]], "semantic", {0: "metal", 1: "pore"})
    taken, said = choice.answer("porosity", registry.load("recipe", "porosity"), given)
    assert taken is given
    assert "8-connected regions" in said.text


def test_labels_that_mean_what_is_asked_need_no_words():
    grains = segmentation([[1, 1], [2, 2]], "instance", {1: "grain"})
    assert choice.answer("grain_size", registry.load("recipe", "grain_size"), grains) == (grains, None)
    classes = segmentation([[1, 0]], "semantic", {0: "matrix", 1: "dark"})
    assert choice.answer("phase_fraction", registry.load("recipe", "phase_fraction"), classes) == (classes, None)


@pytest.mark.parametrize("recipe", ["phase_fraction", "porosity"])
def test_grains_answer_no_coverage_question(recipe):
    """Objects without background would be 100 % of the area whatever the picture shows."""
    roi = np.array([[True, True, False]])
    grains = segmentation([[1, 2, 0]], "instance", {1: "grain"})
    with pytest.raises(MeasurementError, match=rf"{recipe} asks coverage .* 'drawn' gives grains without gaps"):
        choice.answer(recipe, registry.load("recipe", recipe), grains, roi)


def test_a_recipe_of_a_plugin_gets_the_row_of_its_question():
    rows = {"coverage": ("as they are", "union", "refused"), "count": ("refused", "as they are", "as they are")}
    for asked, row in rows.items():
        recipe = SimpleNamespace(QUESTION=asked)
        assert tuple(choice.step(recipe, output) for output in ("classes", "objects", "grains")) == row


# ----------------------------------------------------------------------------------------------------- whole jobs


def job(folder, recipe, backend, calibration='source = "ratio only"'):
    path = folder / "job.toml"
    path.write_text(
        f'recipe = "{recipe}"\nimages = ["field.tif"]\nexports = ["json"]\n[calibration]\n{calibration}\n'
        f"[backend]\n{backend}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """A field with two squares that share an edge and one apart; the mask has a number for each."""
    mask = np.zeros((120, 160), np.uint16)
    mask[20:40, 20:40] = 1
    mask[20:40, 40:60] = 2
    mask[80:100, 100:130] = 3
    tifffile.imwrite(tmp_path / "field.tif", np.where(mask > 0, 60, 200).astype(np.uint8))
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    return tmp_path


LABELS = 'name = "labels"\nmasks = ["mask.tif"]\nkind = "labels"'


def test_check_refuses_before_the_images_are_measured(folder):
    with pytest.raises(SettingsError, match=r"grain_size asks count .* 'threshold' gives classes.*watershed"):
        job_run.check(job(folder, "grain_size", 'name = "threshold"'))
    with pytest.raises(SettingsError, match=r"phase_fraction asks coverage .* 'watershed' gives grains"):
        job_run.check(job(folder, "phase_fraction", 'name = "watershed"'))
    with pytest.raises(
        SettingsError, match=r"solder_voids asks coverage .* 'labels' gives single objects.*joint and void"
    ):
        job_run.check(job(folder, "solder_voids", LABELS))


def test_label_masks_give_the_area_of_a_phase(folder):
    report = job_run.run(job(folder, "phase_fraction", LABELS), folder / "out")
    found = {result.quantity: result.value for result in report.results}
    assert found["area_percent.object"] == pytest.approx(100 * (20 * 40 + 20 * 30) / (120 * 160))  # as drawn
    said = [line.text for line in report.statements if line.name == "Question and separation of objects"]
    assert len(said) == 1
    assert "whose union is measured" in said[0]
    written = json.loads((folder / "out" / "job" / "report.json").read_text(encoding="utf-8"))
    assert said[0] in [line["text"] for line in written["statements"]]
    assert written["micrographs"][0]["segmentation"]["kind"] == "instance"  # what the kept masks hold, for verify


def test_pores_that_touch_count_as_the_method_says(folder):
    as_objects = job_run.run(job(folder, "porosity", LABELS))
    as_classes = job_run.run(job(folder, "porosity", 'name = "labels"\nmasks = ["mask.tif"]\nkind = "binary"'))
    assert len(as_objects.features.rows) == 3  # as numbered
    assert len(as_classes.features.rows) == 2  # the two that share an edge are one piece
    assert "each counts as one, touching or not" in as_objects.statements[0].text
    assert "8-connected regions of a class" in as_classes.statements[0].text
