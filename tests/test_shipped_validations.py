"""The files of errors on labeled images that are shipped: whole, for the defaults, and true to what they claim."""

from collections import Counter
from pathlib import Path

import pytest

import inspect_tool
from inspect_tool import registry
from inspect_tool.files import checked
from inspect_tool.studies.validation.summary import summaries, tables
from inspect_tool.validation import lookup
from inspect_tool.validation.lookup import shipped  # before it is taken away from tests on drawn images
from inspect_tool.validation.values import load_validation, parent_of

PACKAGE = Path(inspect_tool.__file__).parent
FILES = sorted([*PACKAGE.glob("models/*/validation.toml"), *PACKAGE.glob("validation/data/*.toml")])


def named(path: Path) -> str:
    return path.parent.name if path.name == "validation.toml" else path.stem


@pytest.mark.parametrize("recipe", ["phase_fraction", "porosity", "grain_size", "solder_voids", "particles"])
def test_the_default_of_every_recipe_is_validated(recipe: str) -> None:
    table = dict(registry.load("recipe", recipe).BACKEND)
    name = table.pop("name")
    module = registry.load("backend", name)
    settings = checked(module.Settings, table, recipe)
    found = shipped(lookup.backend_of(recipe, name, module, settings))
    assert found is not None
    assert found.validation.recipe == recipe


@pytest.mark.parametrize("path", FILES, ids=named)
def test_images_that_a_network_learned_from_are_in_no_file_of_it(path: Path) -> None:
    """Of TBM it learned from and was tuned on the pictures n with n % 3 = 0 or 2."""
    validation = load_validation(path)
    if validation.model == "grain_boundary":
        parents = {one.parent for one in validation.fields if one.image.startswith("train__")}
        assert {int(parent.removeprefix("picture ")) % 3 for parent in parents} == {1}
    assert validation.model != "superalloy"  # all but one spot were learned from


@pytest.mark.parametrize("path", FILES, ids=named)
def test_every_image_judged_by_those_of_other_parents_is_held_as_often_as_claimed(path: Path) -> None:
    """Images of one parent may all be missed together, as they err alike."""
    validation = load_validation(path)
    largest = max(Counter(parent_of(one) for one in validation.fields).values())
    for one in summaries(validation):
        assert one.images - one.held <= (1 - one.coverage) * one.images + largest, one.quantity


def test_what_is_doubted_and_what_is_not_are_summed_up_apart() -> None:
    validation = load_validation(PACKAGE / "validation" / "data" / "grain_size_watershed.toml")
    marked = [one.errors["grain_size_number"].doubted for one in validation.fields]
    rows = {row[0]: row for row in tables(validation)[1].rows}
    assert rows["grain_size_number, doubted"][1] == sum(marked)
    assert rows["grain_size_number, not doubted"][1] == len(marked) - sum(marked)
    assert rows["grain_size_number"][1] == len(marked)
