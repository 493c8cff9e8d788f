"""Kind and name to plug-in module: one table of strings, merged with entry points, imported when asked for.

A plug-in of another package is announced in its ``pyproject.toml``::

    [project.entry-points."inspect_tool.backend"]
    my_network = "my_package.my_network"

and one that lives in a notebook by ``register``, for this process.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal, get_args, overload

from inspect_tool import typos
from inspect_tool.errors import SettingsError
from inspect_tool.plugins import Backend, Exporter, Reader, Recipe, parts_of

Kind = Literal["reader", "backend", "recipe", "exporter"]

_BUILT_IN: dict[Kind, dict[str, str]] = {
    "reader": {
        "tiff": "inspect_tool.images.readers.tiff",
        "plain": "inspect_tool.images.readers.plain",
        "dicom": "inspect_tool.images.readers.dicom",
        "czi": "inspect_tool.images.readers.czi",
        "lif": "inspect_tool.images.readers.lif",
        "nd2": "inspect_tool.images.readers.nd2",
        "ome_zarr": "inspect_tool.images.readers.ome_zarr",
    },
    "backend": {
        "threshold": "inspect_tool.segmentation.threshold",
        "watershed": "inspect_tool.segmentation.watershed",
        "texture": "inspect_tool.segmentation.texture",
        "labels": "inspect_tool.segmentation.labels",
        "joints": "inspect_tool.segmentation.joints",
        "with_voids": "inspect_tool.segmentation.with_voids",
        "unet": "inspect_tool.segmentation.unet",
        "pixels": "inspect_tool.segmentation.pixels",
        "stardist": "inspect_tool.segmentation.stardist",
        "cellpose": "inspect_tool.segmentation.cellpose",
        "maskrcnn": "inspect_tool.segmentation.maskrcnn",
        "prompt": "inspect_tool.segmentation.prompt",
        "hybrid": "inspect_tool.segmentation.hybrid",
    },
    "recipe": {
        "grain_size": "inspect_tool.recipes.grain_size",
        "phase_fraction": "inspect_tool.recipes.phase_fraction",
        "porosity": "inspect_tool.recipes.porosity",
        "solder_voids": "inspect_tool.recipes.solder_voids",
        "particles": "inspect_tool.recipes.particles",
        "fibres": "inspect_tool.recipes.fibres",
        "confluence": "inspect_tool.recipes.confluence",
        "decarburisation": "inspect_tool.recipes.decarburisation",
        "layer_thickness": "inspect_tool.recipes.layer_thickness",
        "graphite": "inspect_tool.recipes.graphite",
        "banding": "inspect_tool.recipes.banding",
        "inclusions": "inspect_tool.recipes.inclusions",
    },
    "exporter": {
        "json": "inspect_tool.report.exporters.json",
        "html": "inspect_tool.report.exporters.html",
        "pdf": "inspect_tool.report.exporters.pdf",
        "csv": "inspect_tool.report.exporters.csv",
        "xlsx": "inspect_tool.report.exporters.xlsx",
        "docx": "inspect_tool.report.exporters.docx",
        "png": "inspect_tool.report.exporters.png",
        "lims": "inspect_tool.report.exporters.lims",
    },
}

KINDS: tuple[Kind, ...] = get_args(Kind)
_ASKED: Mapping[Kind, type[Any]] = {"reader": Reader, "backend": Backend, "recipe": Recipe, "exporter": Exporter}
_ADDED: dict[tuple[Kind, str], Any] = {}  # by ``register``: the one thing that is remembered between two calls


def register(kind: Kind, name: str, plugin: object) -> None:
    """Make a module or an object of a notebook known under a name, in this process.

    The same name again replaces what was registered under it. Other processes do not see it: ``workers`` above 1, and
    the command line, take plug-ins of installed packages.

    Raises
    ------
    SettingsError
        There is no such kind, the name is that of a built-in plug-in, or the plug-in lacks something that its kind has.
    """
    if kind not in _BUILT_IN:
        msg = f"register: there is no kind '{kind}'; there are {', '.join(KINDS)}{typos.near(kind, KINDS)}"
        raise SettingsError(msg)
    if name in _BUILT_IN[kind]:
        msg = f"register: '{name}' is a {kind} of inspect_tool; take another name"
        raise SettingsError(msg)
    lacking = sorted(part for part in parts_of(_ASKED[kind]) if not hasattr(plugin, part))
    if lacking:
        msg = f"register: {kind} '{name}' has no {', '.join(lacking)}; see inspect_tool.plugins.{_ASKED[kind].__name__}"
        raise SettingsError(msg)
    _ADDED[kind, name] = plugin


def names(kind: Kind) -> tuple[str, ...]:
    """List the names of one kind of plug-in, built-in ones first."""
    return tuple(each(kind))


def each(kind: Kind) -> Iterator[str]:
    """Give one name after the other, as :func:`names`; installed packages are searched only after the built-in ones."""
    yield from _BUILT_IN[kind]
    yield from (name for added, name in _ADDED if added == kind)
    found = [point.name for point in entry_points(group=f"inspect_tool.{kind}")]
    yield from (name for name in sorted(found) if name not in _BUILT_IN[kind] and (kind, name) not in _ADDED)


@overload
def load(kind: Literal["reader"], name: str) -> Reader: ...
@overload
def load(kind: Literal["backend"], name: str) -> Backend: ...
@overload
def load(kind: Literal["recipe"], name: str) -> Recipe: ...
@overload
def load(kind: Literal["exporter"], name: str) -> Exporter: ...
@overload
def load(kind: Kind, name: str) -> Reader | Backend | Recipe | Exporter: ...
def load(kind: Kind, name: str) -> Any:
    """Give the plug-in ``name`` of ``kind``, imported where need be; an unknown name is a ``SettingsError``."""
    if (kind, name) in _ADDED:
        return _ADDED[kind, name]
    target = _BUILT_IN[kind].get(name)
    if target is not None:
        return import_module(target)
    for point in entry_points(group=f"inspect_tool.{kind}", name=name):
        return import_module(point.value)
    msg = f"unknown {kind} '{name}'; there are: {', '.join(names(kind))}{typos.near(name, names(kind))}"
    raise SettingsError(msg)
