"""What ``inspect-tool train`` asks for, and what it tells in the end.

Nothing heavy is imported here: the command line makes its options of ``Request``, and torch is for training alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from dataclasses import field as default
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from typing_extensions import Doc

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.options import Option

if TYPE_CHECKING:
    from inspect_tool.model import ModelCard

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what was found last); the text changes with each validation."""


SEED = 0
"""Of everything that is drawn, where none is stated."""

_LARGEST_BATCH = 4096  # crops; one more than any memory holds is drawn for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to train, on what, and where the model goes; what has a ``Doc`` is an option of the command."""

    recipe: Annotated[str, Doc("Recipe the model is for."), Option(short="-r")]
    images: Annotated[tuple[str, ...], Doc("Image, folder or quoted pattern; may be repeated."), Option(shows="FILES")]
    out: Annotated[Path, Doc("Model folder to write."), Option(short="-o")]
    masks: Annotated[tuple[str, ...], Doc("Annotations of the images, paired by name."), Option(shows="FILES")] = ()
    scribbles: Annotated[
        tuple[str, ...],
        Doc("Strokes on the images in place of masks: teach a pixel classifier, see docs/pixels.md."),
        Option(shows="FILES"),
    ] = ()
    # empty: the shipped one of the recipe
    model: Annotated[str, Doc("Shipped model or model folder to start from."), Option(short="-m")] = ""
    from_scratch: Annotated[bool, Doc("Start from nothing.")] = False
    # empty: of the model, or of the recipe
    classes: Annotated[
        tuple[str, ...], Doc("Names of the classes, background first: matrix,carbide."), Option(text=True)
    ] = ()
    # class name, value or color in a mask -> class, or "ignore"
    names: Annotated[Mapping[str, str], Doc("Meaning of a mask: 255=carbide, scratch=ignore."), Option("--name")] = (
        default(default_factory=dict)
    )
    masks_are: Annotated[
        Literal["auto", "labels", "boundaries"], Doc("grain_size: labels (a number per grain) or boundaries.")
    ] = "auto"
    unmarked: Annotated[Literal["background", "unknown"], Doc("What is not marked: background or unknown.")] = (
        "background"
    )
    may_be_empty: Annotated[bool, Doc("Masks with nothing marked are meant.")] = False
    # empty: a quarter of the images is drawn
    validation: Annotated[tuple[str, ...], Doc("Image that judges; may be repeated.")] = ()
    # None: as the files tell
    pixel_um: Annotated[float | None, Doc("Pixel size of every image [um/px].")] = None
    footer_px: Annotated[int, Doc("Rows at the bottom that are no image."), Option(least=0)] = 0
    steps: Annotated[int, Doc("Steps of the optimizer at most."), Option(least=1)] = 1000
    batch: Annotated[int, Doc("Crops in each step."), Option(least=1)] = 8
    size_px: Annotated[int, Doc("Side of a crop [px]."), Option("--size", least=1)] = 256
    upright: Annotated[bool, Doc("Images have an up and a down, as layers do.")] = False
    continuous: Annotated[bool, Doc("A layer runs through each image from left to right: its sides are learned.")] = (
        False
    )
    reduce: Annotated[
        float, Doc("Images are reduced so many times, to see more of the surroundings."), Option(least=1)
    ] = 1.0
    # None: 0.001 from scratch, 0.0003 otherwise
    rate: Annotated[float | None, Doc("Highest learning rate.")] = None
    every: int | None = None  # steps between validations; None: a twentieth of the steps, at least 25
    patience: Annotated[int, Doc("Stop after so many validations without a better score."), Option(least=1)] = 10
    seed: Annotated[int, Doc("Of everything that is drawn."), Option(least=0)] = SEED
    device: Annotated[Literal["auto", "cpu", "cuda"], Doc("auto, cpu or cuda.")] = "auto"
    network: Mapping[str, Any] = default(default_factory=dict)  # arguments of the network, from scratch
    licence: Annotated[str, Doc("Licence of the images, for the model card.")] = "not stated"
    commercial: bool = True  # whether the images may be used commercially
    language: Annotated[str, Doc("Of the words of validation.html, e.g. de; default: English.")] = ""
    resume: Annotated[bool, Doc("Go on with a run that did not end.")] = False
    by: str = ""  # who drew, for the model card; empty: not stated there
    keeps_strokes: bool = False  # whether the files of the strokes are put into the model folder too


_OF_NETWORKS = (
    *("model", "from_scratch", "masks_are", "unmarked", "may_be_empty", "validation", "steps", "batch", "size_px"),
    *("upright", "continuous", "reduce", "rate", "every", "patience", "device", "resume", "network"),
)
"""What a pixel classifier has no use for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the training of a network ended."""

    best_step: int
    steps: int  # made, fewer than asked for when patience ran out
    stopped: Literal["steps", "patience"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What came out."""

    folder: Path
    card: "ModelCard"
    score: float
    ended: Ended | None  # None: of a pixel classifier, which has no steps
    training: tuple[str, ...]  # names of the images
    validation: tuple[str, ...]
    how: str  # it was judged on what did not train
    before: float | None  # score of the model it started from, on the same images; None: from scratch, other classes
    notes: tuple[str, ...]  # what the user should know


def checked_request(values: Mapping[str, Any]) -> Request:
    """Make a request of what was typed: names of classes by commas, meanings of masks as pairs.

    Raises
    ------
    SettingsError
        A value that is none of the choices, or a number out of range.
    """
    from inspect_tool.files import checked

    stated = {key: value for key, value in values.items() if value is not None}
    stated |= {"classes": class_names(stated.get("classes", "")), "names": name_table(stated.get("names", ()))}
    request = checked(Request, stated, "inspect-tool train")
    for name in ("rate", "every", "pixel_um"):
        value = getattr(request, name)
        if value is not None and not value > 0:
            msg = f"inspect-tool train {name}: got {value:g}, must be above 0"
            raise SettingsError(msg)
    if request.batch > _LARGEST_BATCH:
        msg = f"inspect-tool train batch: got {request.batch}, must be at most {_LARGEST_BATCH} crops in one step"
        raise SettingsError(msg)
    if bool(request.masks) == bool(request.scribbles):
        msg = "inspect-tool train: give --masks for a network, or --scribbles for a pixel classifier, one of them"
        raise SettingsError(msg)
    usual = {item.name: item.default for item in fields(Request)} | {"network": {}}
    for name in _OF_NETWORKS if request.scribbles else ():
        if getattr(request, name) != usual[name]:
            option = "--size" if name == "size_px" else f"--{name.replace('_', '-')}"
            msg = f"inspect-tool train {option}: is for networks; leave it out with --scribbles"
            raise SettingsError(msg)
    return request


def name_table(pairs: Sequence[str]) -> dict[str, str]:
    """Read what stands in masks and which class it is.

    >>> name_table(["255=carbide", "scratch=ignore"])
    {'255': 'carbide', 'scratch': 'ignore'}
    """
    table = {}
    for pair in pairs:
        found, mark, name = (part.strip() for part in pair.rpartition("="))
        if not mark or not found or not name:
            msg = f"--name {pair}: say what stands in the mask and the class, such as 255=carbide"
            raise SettingsError(msg)
        table[found] = name
    return table


def class_names(text: str) -> tuple[str, ...]:
    """Read a list of names.

    >>> class_names("matrix, carbide")
    ('matrix', 'carbide')
    """
    return tuple(name.strip() for name in text.split(",") if name.strip())


def run(request: Request, progress: Progress | None = None) -> Trained:
    """Train: a pixel classifier, or a network if torch is installed; see ``training.scribbles``, ``training.train``."""
    if request.scribbles:
        from inspect_tool.training.scribbles import train_on_strokes

        return train_on_strokes(request, progress)
    from inspect_tool.segmentation.networks.weights import missing_extra

    try:
        from inspect_tool.training.train import train
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise BackendError(missing_extra("command 'train'")) from None
    return train(request, progress)


def summary(trained: Trained) -> Iterator[str]:
    """Lines that tell what came out."""
    yield f"{trained.folder}: model written: {trained.card.title}"
    yield f"score {trained.score:.4f}{_ended(trained)}"
    yield f"trained on {_list(trained.training)}"
    yield f"judged on {_list(trained.validation)} ({trained.how})"
    for name, value in trained.card.scores.items():
        yield f"  {name}: {value:.4g}"
    for note in trained.notes:
        yield f"note: {note}"
    yield f"worst cases: {trained.folder / 'validation.html'}"
    backend = f'name = "{trained.card.architecture}", model = "{trained.folder.name}"'
    yield f"use it in a job: [backend] {backend} (the folder, beside the job file)"


def _ended(trained: Trained) -> str:
    if trained.ended is None:
        return ""
    since = "" if trained.ended.stopped == "steps" else ", no better score since"
    before = "" if trained.before is None else f"; the model it started from {trained.before:.4f}"
    return f" at step {trained.ended.best_step} of {trained.ended.steps}{since}{before}"


def outcome(trained: Trained) -> dict[str, object]:
    """What came out, as plain values."""
    return {
        "folder": str(trained.folder),
        "score": trained.score,
        **({} if trained.ended is None else asdict(trained.ended)),
        "score_before": trained.before,
        "training": list(trained.training),
        "validation": list(trained.validation),
        "split": trained.how,
        "scores": dict(trained.card.scores),
        "notes": list(trained.notes),
    }


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return shown if len(names) == 1 else f"{len(names)} images: {shown}"
