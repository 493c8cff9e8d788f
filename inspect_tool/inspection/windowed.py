"""Which images of a job are measured by windows (``huge_field``), and where their windows are kept.

Apart from it, so that what measures them is imported where a job has such an image.
"""

import shutil
from pathlib import Path

from inspect_tool import plugins, registry
from inspect_tool.errors import ReadError
from inspect_tool.files import load_model_card
from inspect_tool.images import readers
from inspect_tool.images.readers.raster import MAX_PIXELS
from inspect_tool.inspection.job_plan import Plan, Source
from inspect_tool.inspection.one_field import selection
from inspect_tool.model import ModelCard
from inspect_tool.pixels import png

FROM_PX = png.LARGEST_PX
"""Pixels of the largest image that is measured whole where it can be by windows."""

_LARGE_FILE = 50_000_000  # bytes


def is_huge(planned: Plan, source: Source) -> bool:
    """Whether an image is measured by windows: it is large, and its job can do with that.

    Raises
    ------
    ReadError
        It is too large to be measured whole, and its job cannot do with windows; the line says why.
    """
    why = why_whole(planned, source)
    if source.unread or (why and source.path.is_file() and source.path.stat().st_size < _LARGE_FILE):
        return False  # not opened a second time: jobs have thousands of images
    try:
        with readers.windows(source.path, selection(planned.job)) as image:
            size, depth, is_color = image.size, image.dtype, image.color is not None
    except ReadError:
        return False  # whatever is wrong with it is said by who reads it whole
    if size <= FROM_PX:
        return False
    from inspect_tool.segmentation.threshold.by_windows import DEPTHS

    why = (
        why
        or ("" if depth in DEPTHS else f"its pixels are of type {depth}")
        or (_of_color(planned) if is_color else "")
    )
    if why and size > MAX_PIXELS:
        msg = (
            f"{source.name}: {size / 1e6:.0f} Mpx are measured by windows only, and that cannot be: {why}; change the"
            " job (docs/huge_images.md), or measure fields of the image (inspect-tool fields cut)"
        )
        raise ReadError(msg)
    return not why


def why_whole(planned: Plan, source: Source) -> str:
    """Say what of a job needs its image whole; empty: nothing does."""
    job, region = planned.job, planned.job.region
    recipe = registry.load("recipe", job.recipe)
    if not isinstance(recipe, plugins.MeasuresWindows):
        return f"recipe {job.recipe} is not measured by windows yet"
    if found := recipe.needs_whole(planned.settings):
        return f"settings.{found} is not measured by windows yet"
    if planned.backend not in _BACKENDS[recipe.QUESTION]:
        return f"backend {planned.backend} does not work by windows yet"
    said = {
        "region.rectangle": region.rectangle,
        "region.polygon": region.polygon,
        "region.mask": region.mask,
        "region.exclude": region.exclude,
        "region.footer_px": region.footer_px,
        'scale_bar = "required"': job.scale_bar == "required",  # none is looked for
        "a mask of its own": source.mask and planned.backend != "labels",
        "a correction by hand": any(entry.edit.image_sha256 == source.sha256 for entry in planned.ledger),
    }
    wrong = [name for name, is_said in said.items() if is_said]
    if wrong:
        return f"{' and '.join(wrong)} cannot be taken by windows yet"
    return _REFUSES[planned.backend](planned)


def _of_color(planned: Plan) -> str:
    """Say what of a job needs an image whole that is in color; empty: nothing does."""
    card = _CARDS[planned.backend](planned) if planned.backend in _CARDS else None
    return f"model '{card.name}' sees colors" if card is not None and card.channels == "rgb" else ""


def _card(planned: Plan) -> ModelCard:
    from inspect_tool.segmentation.networks.weights import model_folder

    return load_model_card(model_folder(planned.backend_settings.model))


def _card_of_stars(planned: Plan) -> ModelCard:
    from inspect_tool.segmentation.networks.weights import model_folder
    from inspect_tool.segmentation.stardist import stardist_folder

    folder = model_folder(planned.backend_settings.model)
    return stardist_folder.read_folder(folder)[0] if stardist_folder.is_stardist_folder(folder) else _card(planned)


def _by_watershed(planned: Plan) -> str:
    return "" if planned.backend_settings.mode == "grains" else "backend watershed works by windows with mode grains"


def _by_labels(planned: Plan) -> str:
    is_said = planned.backend_settings.kind == "labels"
    return "" if is_said else 'backend labels works by windows with kind "labels"'


def _by_any(planned: Plan) -> str:  # noqa: ARG001 - as of the others
    return ""


def _by_network(planned: Plan) -> str:
    from inspect_tool.segmentation.networks.magnification import EQUALIZED
    from inspect_tool.segmentation.unet import GRAINS, JOINTS, continuous_layer

    card = _card(planned)
    asked = "grains" if registry.load("recipe", planned.job.recipe).QUESTION == "count" else "classes"
    given = "grains" if card.classes == GRAINS else "classes"
    if given != asked or card.classes == JOINTS or continuous_layer.described(card.classes):
        return f"backend unet works by windows with a model of {asked}, and '{card.name}' is of another kind"
    if card.settings.get(EQUALIZED, False):
        return f"model '{card.name}' sees gray values that are equalized over the image"
    return ""


_BACKENDS = {  # by what a recipe asks
    "coverage": ("threshold", "unet"),
    "count": ("watershed", "unet", "labels", "stardist", "cellpose"),
}
_REFUSES = {
    "threshold": _by_any,
    "watershed": _by_watershed,
    "labels": _by_labels,
    "unet": _by_network,
    "stardist": _by_any,
    "cellpose": _by_any,
}
_CARDS = {"unet": _card, "stardist": _card_of_stars}


def records_of(target: Path) -> Path:
    """Folder beside the place of a report that keeps the windows of its images while it is made."""
    return target.parent / f".{target.name}.windows"


def forget(records: Path) -> None:
    """Remove what is kept of windows; the report has its place."""
    shutil.rmtree(records, ignore_errors=True)
