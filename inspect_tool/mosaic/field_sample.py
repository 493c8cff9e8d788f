"""Fields of a mosaic: places spread evenly with one random start, as images for an ordinary job."""

from collections.abc import Iterator
from functools import partial
from math import ceil, sqrt
from pathlib import Path

import numpy as np
import tifffile

from inspect_tool.errors import SettingsError
from inspect_tool.folders import new_file
from inspect_tool.images import readers
from inspect_tool.model import Samples, Selection

_SHOWS = 0.9  # of a field, that is specimen at least


def fields(
    image: Path,
    folder: Path,
    *,
    number: int,
    side_px: int,
    seed: int,
    which: Selection = Selection(),
    pixel_um: float | None = None,
    blank: int | None = None,
) -> tuple[Path, ...]:
    """Cut fields out of a huge image, at places that depend on nothing in it.

    They lie on a grid of equal cells, each at the same random place of its cell (a systematic sample with a random
    start). Fields of which more than a tenth has the gray value ``blank`` are left out. Each is a gray TIFF with the
    scale of the mosaic; its name ends in the row and column of its first pixel.

    Parameters
    ----------
    image : Path
        TIFF or OME-Zarr of gray pixels, of 8 bits or more.
    folder : Path
        Where they are written; it must be there.
    number : int
        How many are wanted, at least; the grid makes a few more.
    side_px : int
        Of each field. [px]
    seed : int
        Of the random start.
    which : Selection
        Plane of the image.
    pixel_um : float, optional
        Pixel size. None: what the file states. [um/px]
    blank : int, optional
        Gray value where nothing was imaged.

    Raises
    ------
    ReadError, OutputError
    SettingsError
        So many fields of this size do not fit into the image, or none of them shows specimen.
    """
    written = []
    with readers.windows(image, which) as mosaic:
        size = pixel_um or mosaic.calibration.pixel_um
        for top, left in places(mosaic.shape, number, side_px, seed, str(image)):
            field = mosaic[top : top + side_px, left : left + side_px]
            if blank is not None and np.count_nonzero(field != blank) < _SHOWS * field.size:
                continue
            path = folder / f"{image.name.split('.')[0]}_r{top:06d}_c{left:06d}.tif"
            new_file(path, partial(_write, field=field, pixel_um=size))
            written.append(path)
    if not written:
        msg = f"{image}: none of the fields shows specimen; check blank = {blank}"
        raise SettingsError(msg)
    return tuple(written)


def _write(path: Path, field: Samples, pixel_um: float | None) -> None:
    density = None if pixel_um is None else (1e4 / pixel_um, 1e4 / pixel_um)
    unit = None if density is None else "CENTIMETER"
    tifffile.imwrite(path, field, photometric="minisblack", resolution=density, resolutionunit=unit)


def places(shape: tuple[int, int], number: int, side_px: int, seed: int, where: str) -> Iterator[tuple[int, int]]:
    """First row and column of each field, row by row.

    Examples
    --------
    >>> found = list(places((1000, 2000), 8, 200, 1, "mosaic"))
    >>> len(found), {row - found[0][0] for row, _ in found} == {0, 500}
    (8, True)
    """
    rows = max(1, round(sqrt(number * shape[0] / shape[1])))
    columns = ceil(number / rows)
    cell = shape[0] / rows, shape[1] / columns
    if number < 1 or side_px < 1 or min(cell) < side_px:
        msg = f"{where}: {number} fields of {side_px} px do not fit into {shape[1]} x {shape[0]} px beside each other"
        raise SettingsError(msg)
    start = np.random.default_rng(seed).random(2) * (np.array(cell) - side_px)
    for i in range(rows):
        for j in range(columns):
            yield int(start[0] + i * cell[0]), int(start[1] + j * cell[1])
