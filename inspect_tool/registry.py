"""Kind and name to plug-in module: one table of strings, merged with entry points, imported when asked for.

A plug-in of another package is announced in its ``pyproject.toml``::

    [project.entry-points."inspect_tool.backend"]
    my_network = "my_package.my_network"
"""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Literal, get_args

from inspect_tool import slips
from inspect_tool.errors import SettingsError

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
        "labels": "inspect_tool.segmentation.labels",
        "joints": "inspect_tool.segmentation.joints",
        "unet": "inspect_tool.segmentation.unet",
        "stardist": "inspect_tool.segmentation.stardist",
        "cellpose": "inspect_tool.segmentation.cellpose",
    },
    "recipe": {
        "grain_size": "inspect_tool.recipes.grain_size",
        "phase_fraction": "inspect_tool.recipes.phase_fraction",
        "porosity": "inspect_tool.recipes.porosity",
        "solder_voids": "inspect_tool.recipes.solder_voids",
    },
    "exporter": {
        "json": "inspect_tool.report.exporters.json",
        "html": "inspect_tool.report.exporters.html",
        "pdf": "inspect_tool.report.exporters.pdf",
        "csv": "inspect_tool.report.exporters.csv",
        "xlsx": "inspect_tool.report.exporters.xlsx",
    },
}

KINDS: tuple[Kind, ...] = get_args(Kind)


def names(kind: Kind) -> tuple[str, ...]:
    """List the names of one kind of plug-in, built-in ones first."""
    return tuple(each(kind))


def each(kind: Kind) -> Iterator[str]:
    """Give one name after the other, as :func:`names`; installed packages are searched only after the built-in ones."""
    yield from _BUILT_IN[kind]
    found = [point.name for point in entry_points(group=f"inspect_tool.{kind}")]
    yield from (name for name in sorted(found) if name not in _BUILT_IN[kind])


def load(kind: Kind, name: str) -> ModuleType:
    """Import the plug-in module ``name`` of ``kind``; an unknown name is a ``SettingsError``."""
    target = _BUILT_IN[kind].get(name)
    if target is not None:
        return import_module(target)
    for point in entry_points(group=f"inspect_tool.{kind}", name=name):
        return import_module(point.value)
    msg = f"unknown {kind} '{name}'; there are: {', '.join(names(kind))}{slips.near(name, names(kind))}"
    raise SettingsError(msg)
