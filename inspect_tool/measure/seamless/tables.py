"""The features of a mask as a table and by their numbers, whether it is an array or has a bit for each pixel."""

import numpy as np
import pandas as pd

from inspect_tool.measure.recall import ANEW, Parts
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.measure.seamless import cracks
from inspect_tool.measure.seamless.objects import objects_of
from inspect_tool.measure.seamless.pieces import pieces_of_labels, pieces_of_mask
from inspect_tool.measure.seamless.windows import windows
from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.bits import BitMask, as_labels, objects_of_bits
from inspect_tool.pixels.stored import StoredImage

SIDE_PX = 2048
"""Of the windows of a mask of bits; the numbers do not depend on it."""


def feature_table(
    mask: Mask | BitMask,
    pixel_um: float | None = None,
    *,
    roi: Mask | BitMask | None = None,
    shape_factors: bool = True,
    where: str = "image",
    side_px: int = SIDE_PX,
) -> pd.DataFrame:
    """Measure the 8-connected features of a mask; the columns are those of ``regions.region_table``.

    A mask of bits is measured window by window, to the same numbers.

    Parameters
    ----------
    mask : mask, (rows, columns)
        True on the features.
    pixel_um : float, optional
        Pixel size. [um/px]
    roi : mask, optional
        True where the image counts; the mask must hold nothing else.
    shape_factors : bool
        As of ``region_table``.
    where : str
        Name of the image, for errors.
    side_px : int
        Of a window.
    """
    if not isinstance(mask, BitMask):
        assert not isinstance(roi, BitMask)
        return region_table(connected(mask), pixel_um, roi=roi, shape_factors=shape_factors)
    pieces = []
    for window in windows(mask.shape, side_px):
        around = window.around(cracks.RIM_PX)
        pieces.append(pieces_of_mask(mask[around], window, None if roi is None else roi[around]))
    return objects_of(pieces, where).table(pixel_um, shape_factors=shape_factors)


def grain_table(labels: LabelImage, pixel_um: float | None = None, parts: Parts = ANEW) -> pd.DataFrame:
    """Measure the grains of a label image without shape factors; one beside pixels of number 0 touches the edge.

    A stored image is measured window by window, to the same numbers. Each grain must be one 8-connected piece.

    Parameters
    ----------
    labels : label image, (rows, columns)
        Grains above 0, other phases below.
    pixel_um : float, optional
        Pixel size. [um/px]
    parts : Parts
        What is known of the labels.
    """
    is_filled = bool(labels.all())
    if not isinstance(labels, StoredImage):
        grains = labels if int(labels.min()) >= 0 else np.maximum(labels, 0)
        return region_table(grains, pixel_um, roi=None if is_filled else labels != 0, shape_factors=False, parts=parts)
    pieces = []
    for window in windows(labels.shape, SIDE_PX):
        part = labels[window.around(cracks.RIM_PX)]
        pieces.append(pieces_of_labels(np.maximum(part, 0), window, None if is_filled else part != 0))
    return objects_of(pieces, "grains").table(pixel_um, shape_factors=False)


def numbered_features(
    mask: Mask | BitMask, pixel_um: float | None = None, *, roi: Mask | BitMask | None = None, where: str = "image"
) -> tuple[LabelImage, pd.DataFrame]:
    """Number the 8-connected features of a mask and measure them, see ``feature_table``.

    Returns
    -------
    label image
        Of a mask of bits one that is made as it is asked for (``bits.BitObjects``).
    DataFrame
        Its ``feature`` is the number of each.
    """
    if isinstance(mask, BitMask):
        return as_labels(objects_of_bits(mask)), feature_table(mask, pixel_um, roi=roi, where=where)
    assert not isinstance(roi, BitMask)
    labels = connected(mask)
    return labels, region_table(labels, pixel_um, roi=roi)
