"""What ``inspect-tool train`` asks for, and what it tells in the end; torch is imported only when training begins."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.files import checked
from inspect_tool.segmentation.networks.runtime import Device
from inspect_tool.segmentation.networks.weights import missing_extra

if TYPE_CHECKING:
    from inspect_tool.training.train import Trained

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what was found last); the text changes with each validation."""


_LARGEST_BATCH = 4096  # crops; one more than any memory holds is drawn for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to train, on what, and where the model goes."""

    recipe: str
    images: tuple[str, ...]  # files, patterns or folders
    masks: tuple[str, ...]
    out: Path  # becomes the model folder
    model: str = ""  # shipped name or folder to start from; empty: the shipped one of the recipe
    from_scratch: bool = False
    classes: tuple[str, ...] = ()  # background first; empty: of the model, or of the recipe
    names: Mapping[str, str] = default(default_factory=dict)  # class name, value or color in a mask -> class, "ignore"
    masks_are: Literal["auto", "labels", "boundaries"] = "auto"  # of grains
    unmarked: Literal["background", "unknown"] = "background"  # what is not marked in an annotation
    may_be_empty: bool = False  # masks in which nothing is marked are meant
    validation: tuple[str, ...] = ()  # names of the images that judge; empty: a quarter is drawn
    pixel_um: float | None = None  # of every image; None: as the files tell [um/px]
    footer_px: int = 0  # rows at the bottom of every image that are no image [px]
    steps: int = 1000
    batch: int = 8
    size_px: int = 256  # side of a crop
    upright: bool = False  # images have an up and a down, as layers do: they are not turned
    rate: float | None = None  # None: 0.001 from scratch, 0.0003 otherwise
    every: int | None = None  # steps between validations; None: a twentieth of the steps, at least 25
    patience: int | None = 10  # validations without a better score
    seed: int = 0
    device: Device = "auto"
    network: Mapping[str, Any] = default(default_factory=dict)  # arguments of the network, from scratch
    licence: str = "not stated"  # of the images
    commercial: bool = True  # whether the images may be used commercially
    resume: bool = False


def checked_request(values: Mapping[str, object]) -> Request:
    """Make a request of what was typed.

    Raises
    ------
    SettingsError
        A value that is none of the choices, or a number out of range.
    """
    request = checked(Request, {key: value for key, value in values.items() if value is not None}, "inspect-tool train")
    for name in ("steps", "batch", "size_px", "rate", "every", "patience", "pixel_um"):
        value = getattr(request, name)
        if value is not None and not value > 0:
            msg = f"inspect-tool train {name}: got {value:g}, must be above 0"
            raise SettingsError(msg)
    if request.batch > _LARGEST_BATCH:
        msg = f"inspect-tool train batch: got {request.batch}, must be at most {_LARGEST_BATCH} crops in one step"
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


def run(request: Request, progress: Progress | None = None) -> "Trained":
    """Train, if torch is installed: see ``training.train.train``."""
    try:
        from inspect_tool.training.train import train
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise BackendError(missing_extra("command 'train'")) from None
    return train(request, progress)


def summary(trained: "Trained") -> Iterator[str]:
    """Lines that tell what came out."""
    run = trained.fitted
    ended = "" if run.stopped == "steps" else ", no better score since"
    before = "" if trained.before is None else f"; the model it started from {trained.before:.4f}"
    yield f"{trained.folder}: model written: {trained.card.title}"
    yield f"score {run.score:.4f} at step {run.best_step} of {run.steps}{ended}{before}"
    yield f"trained on {_list(trained.training)}"
    yield f"judged on {_list(trained.validation)} ({trained.how})"
    for name, value in trained.card.scores.items():
        yield f"  {name}: {value:.4g}"
    for note in trained.notes:
        yield f"note: {note}"
    yield f"worst cases: {trained.folder / 'validation.html'}"
    yield f'use it in a job: [backend] name = "unet", model = "{trained.folder.name}" (the folder, beside the job file)'


def outcome(trained: "Trained") -> dict[str, object]:
    """What came out, as plain values."""
    return {
        "folder": str(trained.folder),
        "score": trained.fitted.score,
        "best_step": trained.fitted.best_step,
        "steps": trained.fitted.steps,
        "stopped": trained.fitted.stopped,
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
