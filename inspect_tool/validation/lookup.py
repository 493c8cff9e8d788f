"""Which validation is for a job: the one it names, else the one that comes with the backend or its model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspect_tool import plugins
from inspect_tool.errors import SettingsError
from inspect_tool.files import CARD, load_model_card, plain
from inspect_tool.segmentation.networks.weights import model_folder
from inspect_tool.validation.values import Validation, load_validation

_LEFT = frozenset(
    {"classes", "masks", "commercial", "device", "engine", "precision", "tile_px", "tile_batch", "chunk_px"}
)
"""Settings that name things or say where it is computed, and decide nothing of what is found."""

_OWN = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What a validation must be of: a recipe and a backend as it is set."""

    recipe: str
    name: str
    model: str  # its folder without the path to it; empty: none
    weights_sha256: str
    settings: Mapping[str, Any]  # that decide what it finds: see ``_LEFT`` for those that do not
    folder: Path | None  # of the model


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationFile:
    """A validation and the file that it was read from."""

    path: Path
    validation: Validation


def backend_of(recipe: str, name: str, module: plugins.Backend, settings: object) -> Backend:
    """Describe a backend as a job sets it. Raises a ``BackendError`` where its model cannot be found."""
    models = plugins.models_of(module)
    folder = model_folder(getattr(settings, models[0])) if models else None
    left = {*plugins.paths_of(module), *models, *_LEFT}
    return Backend(
        recipe=recipe,
        name=name,
        model="" if folder is None else folder.name,
        weights_sha256="" if folder is None else _weights_sha256(folder),
        settings={
            key: value for key, value in plain(settings).items() if key not in left and value not in (None, "", [], {})
        },
        folder=folder,
    )


def _weights_sha256(folder: Path) -> str:
    if (folder / CARD).is_file():
        return load_model_card(folder).sha256
    from inspect_tool.segmentation.stardist import stardist_folder  # a backend is a quarter of a second to import

    if stardist_folder.is_stardist_folder(folder):
        return stardist_folder.weights_sha256(folder)
    return load_model_card(folder).sha256  # says what is missing


def named(path: Path, backend: Backend, where: str) -> ValidationFile:
    """Read the validation that a job names.

    Raises
    ------
    SettingsError
        The file is none, or it is of another recipe, backend, model, weights or settings.
    """
    found = load_validation(path)
    if unlike := difference(found, backend):
        msg = f"{where} validation: {path.name} does not fit this job: {unlike}; validate again with the settings of it"
        raise SettingsError(msg)
    return ValidationFile(path=path, validation=found)


def shipped(backend: Backend) -> ValidationFile | None:
    """The validation that comes with a model or a backend; None: there is none for it as it is set."""
    places = [_OWN / f"{backend.recipe}_{backend.name}.toml"]
    if backend.folder is not None:
        places = [backend.folder / f"validation_{backend.recipe}.toml", backend.folder / "validation.toml"]
    for path in places:
        if path.is_file() and not difference(found := load_validation(path), backend):
            return ValidationFile(path=path, validation=found)
    return None


def difference(found: Validation, backend: Backend) -> str:
    """Why a validation does not tell of a backend as it is set; empty: it does.

    Settings that the validation does not state differed between its images, so that any value of them is validated.
    """
    stated = {
        "recipe": (found.recipe, backend.recipe),
        "backend": (found.backend, backend.name),
        "model": (found.model, backend.model),
        "weights": (found.weights_sha256[:12], backend.weights_sha256[:12]),
        **{f"backend.{key}": (value, backend.settings.get(key)) for key, value in found.settings.items()},
    }
    return "; ".join(
        f"{key} is {_shown(here)}, the validation is of {_shown(there)}"
        for key, (there, here) in stated.items()
        if there != here
    )


def _shown(value: object) -> str:
    return "none" if value in (None, "") else f"'{value}'"
