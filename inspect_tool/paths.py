"""Where standards, templates and samples lie: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: Literal["standards", "templates", "samples"]) -> Path:
    """Return the folder of shipped data: the checkout's own, or the copy inside an installed wheel."""
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name
