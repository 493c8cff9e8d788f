"""What a validation file says: errors of one backend on labeled images, as numbers and sources, never images."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from math import isfinite
from pathlib import Path
from typing import Any

from inspect_tool.errors import SettingsError
from inspect_tool.files import checked, read_toml, toml_text
from inspect_tool.model import Day

SCHEMA = "inspect_tool/validation/6"
APART_IF_FEW = "inspect_tool/validation/5"
"""A file of before, in which also few labeled images are judged apart, doubted or not, by the largest error of five."""
DOUBTS_ALONE = "inspect_tool/validation/4"
"""A file of before that, in which only doubts of the recipe set results apart, and errors of numbers are ratios."""
WITH_STOPPED = "inspect_tool/validation/3"
"""A file of before that, by which images that the quality gate stops judge those that it lets through."""
KIND_FIRST = "inspect_tool/validation/2"
"""A file of before that, by which a result is judged by its kind first, and then by whether it is doubted."""
WITHOUT_GATE = "inspect_tool/validation/1"
"""The first, which does not say what images the quality gate stops. The lines of all of them are as they were."""
BEFORE = (APART_IF_FEW, DOUBTS_ALONE, WITH_STOPPED, KIND_FIRST, WITHOUT_GATE)


def later(schema: str, than: str) -> bool:
    """Whether a schema came after another; lines of a file of before stay as they were then.

    >>> later(SCHEMA, WITHOUT_GATE), later(WITHOUT_GATE, WITHOUT_GATE)
    (True, False)
    """
    return int(schema.rpartition("/")[2]) > int(than.rpartition("/")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class LabeledImages:
    """One set of labeled images."""

    name: str
    licence: str
    images: int
    source: str = ""  # where they come from, and who drew the masks


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One quantity of one image, by the machine and by the masks of a person. All in the unit of the quantity."""

    machine: float
    truth: float
    own_u: float  # standard uncertainty that the method itself states for its segmentation
    doubted: bool = False  # a check of the recipe doubts the number of the machine, or its own interval reaches to zero
    n: int = 0  # objects that a number of objects rests on; 0: the quantity is none


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatedField:
    """One labeled image."""

    image: str
    sha256: str
    parent: str  # images of one parent (specimen, large picture, series) count once
    group: str  # kind of material or modality, e.g. "steel, SEM"
    stopped: bool = False  # the quality gate stops it, unless a job accepts it
    features: Mapping[str, float]  # see ``features``
    errors: Mapping[str, FieldError]  # quantity without the name of a class -> what was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Errors of one recipe with one backend on labeled images."""

    schema: str
    name: str
    date: Day
    person: str  # who drew the masks, or compared with them
    recipe: str
    backend: str
    model: str = ""  # empty: the backend has none
    weights_sha256: str = ""  # empty: the backend has none
    settings: Mapping[str, Any] = default(default_factory=dict)  # of the backend, as they were for every image
    note: str = ""
    sources: tuple[LabeledImages, ...] = ()
    fields: tuple[ValidatedField, ...] = ()


def load_validation(path: Path) -> Validation:
    """Read and check a validation file.

    Raises
    ------
    SettingsError
        One line that names what is wrong: no such file, another schema, no image, images without the same features.
    """
    return parsed(read_toml(path), str(path))


def parsed(data: Mapping[str, object], where: str) -> Validation:
    """Check the data of a validation file; ``where`` names it. Raises as ``load_validation``."""
    if data.get("schema") not in (SCHEMA, *BEFORE):
        msg = f"{where} schema: got '{data.get('schema', '')}', must be '{SCHEMA}'; is it a validation file?"
        raise SettingsError(msg)
    found = checked(Validation, data, where)
    if not found.fields:
        msg = f"{where} fields: is empty; a validation needs one labeled image or more"
        raise SettingsError(msg)
    names = set(found.fields[0].features)
    for i, field in enumerate(found.fields):
        at = f"{where} fields.{i} ({field.image})"
        if set(field.features) != names:
            msg = f"{at} features: are not those of the first image; write the file with one version of the software"
            raise SettingsError(msg)
        numbers = [*field.features.values()]
        for error in field.errors.values():
            numbers += [error.machine, error.truth, error.own_u]
            if error.n < 0:
                msg = f"{at} errors: n must not be negative, got {error.n}"
                raise SettingsError(msg)
            if error.own_u < 0:
                msg = f"{at} errors: own_u must not be negative, got {error.own_u:g}"
                raise SettingsError(msg)
        if not all(isfinite(number) for number in numbers):
            msg = f"{at}: holds a number that is not finite"
            raise SettingsError(msg)
    return found


def dump_validation(validation: Validation) -> str:
    """Write a validation as TOML text."""
    return toml_text(validation)


def parent_of(field: ValidatedField) -> str:
    """Name of the parent of an image; parents of different groups are different ones."""
    return f"{field.group}/{field.parent}"


def all_parents(validation: Validation) -> list[str]:
    """Name of the parent of every image, in their order."""
    return [parent_of(field) for field in validation.fields]
