"""Values that are read off the gray image and not off its labels: they alone need the image to be repeated."""

from collections.abc import Callable
from typing import TypeVar

from inspect_tool.errors import MeasurementError
from inspect_tool.model import Micrograph

T = TypeVar("T")


def read_off(micrograph: Micrograph, name: str, read: Callable[[], T]) -> T:
    """Read a value off the gray image, or take the one that was kept where the image is gone.

    A recipe puts what it gets into ``FieldMeasurement.read_off`` under the same name.

    Raises
    ------
    MeasurementError
        The image is gone and no such value was kept.
    """
    if micrograph.read_off is None:
        return read()
    if name not in micrograph.read_off:
        msg = f"{micrograph.path}: '{name}' was read off the image and not kept"
        raise MeasurementError(msg)
    kept: T = micrograph.read_off[name]
    return kept
