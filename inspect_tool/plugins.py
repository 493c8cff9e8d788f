"""What a plug-in is: a module, or an object, that has these names.

``Reader``, ``Backend``, ``Recipe`` and ``Exporter`` are what every plug-in of a kind has. What only some have are
Protocols of their own: ``isinstance`` asks for them. Constants that a plug-in may leave out are asked for by the
functions at the end, which alone know what their absence means.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import (
    Calibration,
    Carried,
    Editions,
    FieldMeasurement,
    Findings,
    LabelImage,
    Limits,
    Mask,
    Micrograph,
    PointClass,
    Quantity,
    Report,
    Requirement,
    Samples,
    Segmentation,
    Selection,
    Standard,
    Wording,
)

Question: TypeAlias = Literal["coverage", "count"]
Output: TypeAlias = Literal["classes", "objects", "grains"]
Step: TypeAlias = Literal["as they are", "union", "pieces", "refused"]

# -------------------------------------------------------------------------------------------------- every plug-in


@runtime_checkable
class Reader(Protocol):
    """Files of one format to micrographs."""

    SUFFIXES: tuple[str, ...]

    def read(self, path: Path, which: Selection = ..., /) -> Micrograph:
        """Decode one plane of a file."""


@runtime_checkable
class Backend(Protocol):
    """Micrographs to labels."""

    KINDS: tuple[Literal["semantic", "instance"], ...]
    Settings: type[Any]

    def load(self, settings: Any, /) -> Any:
        """Give the model, or None; settings that contradict each other are a ``SettingsError``."""

    def segment(self, model: Any, micrograph: Micrograph, settings: Any, /) -> Segmentation:
        """Label one field; the segmentation may carry alternatives."""


@runtime_checkable
class Recipe(Protocol):
    """One inspection: fields to results, by the rules of an edition."""

    TITLE: str
    QUESTION: Question
    STANDARDS: tuple[str, ...]
    BACKEND: Mapping[str, Any]
    QUANTITIES: Mapping[str, Quantity]
    Settings: type[Any]

    def measure_field(
        self, micrograph: Micrograph, segmentation: Segmentation, settings: Any, editions: Editions, /
    ) -> FieldMeasurement:
        """Measure one field and its alternatives."""

    def combine(self, fields: Sequence[FieldMeasurement], settings: Any, editions: Editions, /) -> Findings:
        """Make results of all fields of a job."""


@runtime_checkable
class Exporter(Protocol):
    """A report to a file of its folder."""

    SUFFIX: str

    def write(self, report: Report, folder: Path, template: Path, /) -> Path:
        """Write the file and say where it is."""


# --------------------------------------------------------------------------------------------- what some readers have


@runtime_checkable
class KnowsContent(Reader, Protocol):
    """A reader that knows its format by how a file begins."""

    def recognizes(self, head: bytes, /) -> bool:
        """Whether a file that begins with these 256 bytes is of this format."""


@runtime_checkable
class KnowsFolders(Reader, Protocol):
    """A reader of a format whose images are folders."""

    def recognizes_folder(self, path: Path, /) -> bool:
        """Whether a folder is an image of this format."""


@runtime_checkable
class TellsScale(Reader, Protocol):
    """A reader that tells the scale without decoding a pixel."""

    def scale(self, path: Path, which: Selection = ..., /) -> Calibration:
        """Say what a file states of its scale."""


@runtime_checkable
class ReadsMasks(Reader, Protocol):
    """A reader whose samples are the numbers of a mask, as they were saved."""

    def raster(self, path: Path, which: Selection = ..., /) -> Any:
        """Decode samples, palette and transparency."""


@runtime_checkable
class ReadsWindows(Reader, Protocol):
    """A reader of images that are too large to be held whole."""

    def windows(self, path: Path, which: Selection = ..., /) -> Any:
        """Open one plane: a context with an ``images.readers.PixelWindows``."""


# ------------------------------------------------------------------------------------------- what some backends have


@runtime_checkable
class StatesOutputs(Backend, Protocol):
    """A backend that gives different things with different settings."""

    def outputs(self, settings: Any, /) -> tuple[Output, ...]:
        """Name all that it can give."""


@runtime_checkable
class InterpretsMasks(Backend, Protocol):
    """A backend that reads what a person drew."""

    def interpreted(self, path: Path, values: Samples, lossy: bool, settings: Any, /) -> Any:
        """Tell what the numbers of a mask mean."""


@runtime_checkable
class TakesSeeds(Backend, Protocol):
    """A backend that can make objects of what another one proposed: the second part of ``hybrid``."""

    def refined(self, model: Any, micrograph: Micrograph, proposed: LabelImage, settings: Any, /) -> Segmentation:
        """Give each proposed object (its number > 0) an outline of its own; numbers stay, objects may vanish."""


# -------------------------------------------------------------------------------------------- what some recipes have


@runtime_checkable
class ReadsTables(Recipe, Protocol):
    """A recipe whose settings name tables, which are checked before any field is measured."""

    def check_tables(self, settings: Any, fields: Set[tuple[str, int]], /) -> None:
        """Refuse a table that does not fit the specimens and fields of the job."""


@runtime_checkable
class MeasuresAgain(Recipe, Protocol):
    """A recipe that knows what it measured of a field before a person changed it, and measures what changed alone."""

    def measure_again(
        self, micrograph: Micrograph, segmentation: Segmentation, settings: Any, editions: Editions, recall: Any, /
    ) -> FieldMeasurement:
        """Measure as ``measure_field`` does; ``recall``: the ``measure.recall.Recall`` of the field."""


@runtime_checkable
class MeasuresWindows(Recipe, Protocol):
    """A recipe whose measures take an image read by windows, with its classes as bits or its objects in a file."""

    def needs_whole(self, settings: Any, /) -> str:
        """Name the setting by which it needs the image whole; empty: there is none."""


@runtime_checkable
class DrawsOnOthers(Recipe, Protocol):
    """A recipe that takes numbers or rules from other editions than that of the job."""

    def other_editions(self, settings: Any, standard: Standard, asked: Sequence[Requirement], /) -> tuple[str, ...]:
        """Name the editions that a job draws on beside its own; ``asked``: its requirements, as they are stated."""


@runtime_checkable
class NamesValues(Recipe, Protocol):
    """A recipe that uses some values of an edition and not all."""

    def values_used(self, settings: Any, standard: Standard, /) -> Collection[str]:
        """Name the constants ("jeffries_area") and tables ("tables.abrams_circles") that a job's numbers rest on."""


@runtime_checkable
class DrawsPhantoms(Recipe, Protocol):
    """A recipe that the self-test can draw fields of known truth for."""

    def phantoms(self) -> Any:
        """Give the ``synthetic.phantoms.Phantoms`` of the recipe."""


@runtime_checkable
class ExpandsRequirements(Recipe, Protocol):
    """A recipe that knows class strings of drawings."""

    def expand(self, requirement: Requirement, settings: Any, editions: Editions, /) -> tuple[Requirement, ...]:
        """Give the requirements that a class string stands for."""


@runtime_checkable
class AskedByPoints(Recipe, Protocol):
    """A recipe whose shares a person can correct by points."""

    def point_classes(
        self, segmentation: Segmentation, settings: Any, /
    ) -> tuple[NDArray[np.uint8], tuple[PointClass, ...]]:
        """Give the classes that a person tells apart, pixel by pixel."""


@runtime_checkable
class AskedByLines(Recipe, Protocol):
    """A recipe whose number a person can correct by crossings on test lines."""

    def crossed(self, micrograph: Micrograph, segmentation: Segmentation, settings: Any, /) -> tuple[LabelImage, float]:
        """Give the grains that lines cross, and what one crossing counts."""

    def crossed_question(self, settings: Any, /) -> str:
        """Ask for a crossing in words."""

    def crossed_results(
        self, n_l_per_mm: float, /, settings: Any, editions: Editions
    ) -> Mapping[str, tuple[float, str]]:
        """Give the quantities that follow from crossings per length."""


@runtime_checkable
class AskedByChords(Recipe, Protocol):
    """A recipe whose thickness a person can correct by the edges of a layer on lines across it."""

    def layer_chords(
        self, micrograph: Micrograph, segmentation: Segmentation, settings: Any, /
    ) -> tuple[str, NDArray[np.float64], NDArray[np.float64]]:
        """Give the quantity of the only layer, and the ends of its chords, (row, column) px."""

    def layer_question(self) -> tuple[str, str]:
        """Ask for the edges of the layer in words, and say how to mark them."""


@runtime_checkable
class AskedByJoints(Recipe, Protocol):
    """A recipe whose void shares a person can correct joint by joint."""

    def sampled_joints(
        self, segmentation: Segmentation, settings: Any, roi: Mask | None, where: str, /
    ) -> tuple[LabelImage, Mapping[int, str]]:
        """Number the joints that a person may be asked about, with their names."""

    def void_classes(self, segmentation: Segmentation, /) -> NDArray[np.uint8]:
        """Give void and solder, pixel by pixel."""


def parts_of(kind: type[Any]) -> tuple[str, ...]:
    """Name what a plug-in of a kind must have."""
    own = {**vars(kind).get("__annotations__", {}), **vars(kind)}
    return tuple(name for name in own if not name.startswith("_"))


def others_of(recipe: Recipe, settings: Any, standard: Standard, asked: Sequence[Requirement]) -> tuple[str, ...]:
    """Name the editions that a job draws on beside its own."""
    return recipe.other_editions(settings, standard, asked) if isinstance(recipe, DrawsOnOthers) else ()


def values_of(recipe: Recipe, settings: Any, standard: Standard) -> Collection[str]:
    """Name the constants and tables of an edition that a job's numbers rest on; all of them where nobody says so."""
    every = (*standard.values, *(f"tables.{name}" for name in standard.tables))
    return recipe.values_used(settings, standard) if isinstance(recipe, NamesValues) else every


# ------------------------------------------------------------------------------------- constants that may be left out


def paths_of(plugin: Backend | Recipe) -> tuple[str, ...]:
    """Name the settings that hold files of the user; they arrive as absolute paths."""
    return tuple(getattr(plugin, "PATHS", ()))


def models_of(backend: Backend | Recipe) -> tuple[str, ...]:
    """Name the settings that hold a model folder, or the name of one that is shipped."""
    return tuple(getattr(backend, "MODELS", ()))


def backends_of(backend: Backend | Recipe) -> tuple[str, ...]:
    """Name the settings that are a ``[backend]`` table of their own."""
    return tuple(getattr(backend, "BACKENDS", ()))


def masks_of(recipe: Recipe) -> tuple[str, ...]:
    """Name the kinds of masks that answer the question of a recipe; empty: all."""
    return tuple(getattr(recipe, "MASKS", ()))


def phase_of(recipe: Recipe) -> str | None:
    """Say whether what a recipe looks for is "dark" or "bright" whatever the picture; None: it may be either."""
    phase: str | None = getattr(recipe, "PHASE", None)
    return phase


def carried_of(recipe: Recipe) -> Mapping[str, Carried]:
    """Tell which results the error of a segmentation reaches, and how; empty: none is known."""
    carried: Mapping[str, Carried] = getattr(recipe, "CARRIED", {})
    return carried


def quality_of(recipe: Recipe) -> Limits:
    """Give the limits of the quality of an image that is fit for a recipe; those of every image where it has none."""
    limits: Limits = getattr(recipe, "QUALITY", Limits())
    return limits


def wording_of(recipe: Recipe) -> Wording:
    """Say how pages word the tables of a recipe."""
    wording: Wording = getattr(recipe, "WORDING", Wording())
    return wording


def classes_of(recipe: Recipe) -> tuple[str, ...]:
    """Name the classes that a recipe means by their number, background first; empty: it takes any, by name."""
    return tuple(getattr(recipe, "CLASSES", ()))


def objects_of(recipe: Recipe) -> Mapping[str, tuple[str, ...]] | None:
    """Tell which classes the objects of a recipe are made of; None: each of its own class."""
    objects: Mapping[str, tuple[str, ...]] | None = getattr(recipe, "OBJECTS", None)
    return objects


def network_classes_of(recipe: Recipe) -> tuple[str, ...]:
    """Name the classes of every network that answers a recipe, in their order; empty: whatever it is trained for."""
    return tuple(getattr(recipe, "NETWORK_CLASSES", ()))


def is_mounted(recipe: Recipe) -> bool:
    """Whether the images of a recipe show sections in a mount, which is looked for and left out."""
    return bool(getattr(recipe, "MOUNTED", True))


def shows_surface(recipe: Recipe) -> bool:
    """Whether the images of a recipe are asked for the surface of the specimen, so that what may be mount is."""
    return bool(getattr(recipe, "SURFACE", False))


def accepts_of(recipe: Recipe) -> Mapping[Output, Step]:
    """Tell what a recipe does with each output of a backend; what is not named is refused."""
    usual: Mapping[Question, Mapping[Output, Step]] = {
        "coverage": {"classes": "as they are", "objects": "union"},
        "count": {"objects": "as they are", "grains": "as they are"},
    }
    accepts: Mapping[Output, Step] = getattr(recipe, "ACCEPTS", usual[recipe.QUESTION])
    return accepts


def advice_of(recipe: Recipe) -> str:
    """Say which backend to use where one does not answer the question of a recipe."""
    usual: Mapping[Question, str] = {
        "coverage": 'use a backend that gives classes (threshold, or labels with kind = "binary" or "classes")',
        "count": 'use a backend that separates grains (watershed, or labels with kind = "labels" or "boundaries")',
    }
    advice: str = getattr(recipe, "USE", usual[recipe.QUESTION])
    return advice
