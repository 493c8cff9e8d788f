"""Pixel classifiers of a lab: folders in ``models`` that strokes of a person taught, for any recipe that takes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from inspect_tool import folders, plugins, registry
from inspect_tool.errors import InspectError, OutputError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.files import load_model_card
from inspect_tool.lab.database import Lab
from inspect_tool.model import ModelCard
from inspect_tool.pixels import png
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.augment import Target
from inspect_tool.training.request import Request, Trained, run

FOLDER = "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Images with the strokes on them, and what they are to teach."""

    images: tuple[Path, ...]
    targets: tuple[Target, ...]  # class numbers, -1 where there is no stroke; of the whole file
    classes: tuple[str, ...]
    recipe: str
    footer_px: int = 0
    pixel_um: float | None = None


def keep(lab: Lab, name: str, drawn: Drawn, by: str) -> Trained:
    """Train on strokes and keep the classifier in the folder of the lab, with its strokes; never over another one.

    Raises
    ------
    SettingsError
        The name cannot be that of a folder, two images have one name, or a class has fewer than two strokes.
    OutputError
        There is a classifier of that name, or it cannot be written.
    """
    name = name.strip()
    folders.check_name(name, "classifier")
    out = lab.folder / FOLDER / name
    if out.exists():
        msg = f"classifier '{name}': there is one already, and reports name it by its hash; choose another name"
        raise OutputError(msg)
    stems = [image.stem for image in drawn.images]
    if twice := next((stem for stem in stems if stems.count(stem) > 1), ""):
        msg = f"classifier '{name}': two pictures are called {twice}; strokes are kept by the name of theirs"
        raise SettingsError(msg)
    audit.ready(lab.reports)
    try:
        out.parent.mkdir(exist_ok=True)
    except OSError as error:
        msg = f"{out.parent}: cannot be made: {error.strerror}"
        raise OutputError(msg) from None
    with _strokes(drawn) as files:
        trained = run(
            Request(
                recipe=drawn.recipe,
                images=tuple(map(str, drawn.images)),
                scribbles=tuple(map(str, files)),
                classes=drawn.classes,
                out=out,
                footer_px=drawn.footer_px,
                pixel_um=drawn.pixel_um,
                by=by,
                keeps_strokes=True,
            )
        )
    audit.append(
        lab.reports,
        audit.Event(
            event="classifier",
            subject=name,
            user=by,
            reason="kept on the page where its strokes were drawn",
            new={
                "weights_sha256": trained.card.sha256,
                "classes": list(drawn.classes),
                "images": trained.card.procedure["training_images"],
                "scores": dict(trained.card.scores),
            },
        ),
    )
    return trained


def every(lab: Lab) -> tuple[tuple[str, ModelCard | None, str], ...]:
    """Classifiers of a lab: name, card, and why it cannot be read where it cannot."""
    return tuple(_read(path) for path in sorted((lab.folder / FOLDER).glob("*")) if path.is_dir())


def check_classes(classes: tuple[str, ...]) -> None:
    """Refuse names of classes that are none, or that are given twice.

    Raises
    ------
    SettingsError
    """
    if len(classes) < 2 or not all(name.strip() for name in classes):
        msg = "classes: name at least two, the background first"
        raise SettingsError(msg)
    if len(set(classes)) < len(classes):
        msg = "classes: two have the same name"
        raise SettingsError(msg)


def recipes() -> dict[str, tuple[str, ...]]:
    """Recipes that take classes of single pixels, with the usual names of their classes."""
    loaded = ((name, registry.load("recipe", name)) for name in registry.names("recipe"))
    return {
        name: tuple(plugins.classes_of(recipe))
        for name, recipe in loaded
        if "classes" in plugins.accepts_of(recipe) and not plugins.network_classes_of(recipe)
    }


@contextmanager
def _strokes(drawn: Drawn) -> Iterator[list[Path]]:
    """Files of strokes as ``inspect-tool train --scribbles`` reads them: 1 is the first class, 0 is no stroke."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{image.stem}_strokes.png" for image in drawn.images]
        for path, target in zip(paths, drawn.targets, strict=True):
            path.write_bytes(png.encode(target - UNKNOWN))
        yield paths


def _read(path: Path) -> tuple[str, ModelCard | None, str]:
    try:
        return path.name, load_model_card(path), ""
    except InspectError as error:
        return path.name, None, str(error).replace(f"{path}", path.name)
