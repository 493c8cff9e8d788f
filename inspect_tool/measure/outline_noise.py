"""How noisy the outlines of objects are that should be ellipses, from the waves that no ellipse has."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.model import LabelImage

_WAVES = (3, 4)  # around an outline: the longest that neither size, place nor axes of an ellipse take up
_OF_DIAMETER = 17.0  # variance that noise adds to a diameter, over the mean square of an amplitude of these waves


def diameter_noise(labels: LabelImage, table: pd.DataFrame, unit: str, pixel: float) -> NDArray[np.float64]:
    """Variance that the noise of its outline adds to the minor axis of each object, by what its outline shows. [px²]

    The radius of an object, in units of its ellipse, is 1 + Σ c_k exp(i k θ). Noise is in all waves; those of k = 0 and
    2 look like another size and other axes, those of 3 and 4 tell how much there is: the variance of a minor axis of 2R
    is 4 R² (E c_0² + 0.86 to 2 E|c_2|²), the less for round objects and the more for long ones. Long waves are the
    stronger ones. Over fibers drawn and degraded in six ways the variance came out as 15 to 25 R² E|c_3,4|², over discs
    in noise of two wavelengths as 11 to 21 (docs/validation_fibres.md). A single object tells it badly, the mean over a
    hundred well.

    Parameters
    ----------
    labels : int32 array of shape (rows, columns)
        Object numbers.
    table : DataFrame
        Of the same objects, as ``measure.regions.region_table`` gives it.
    unit : str
        ``um`` or ``px``, of the lengths in the table.
    pixel : float
        A pixel in that unit.

    Returns
    -------
    float64 array of shape (objects,)
    """
    boxes = table[["top_px", "bottom_px", "left_px", "right_px", "feature"]].to_numpy(dtype=np.int64)
    middles = table[["row_px", "column_px"]].to_numpy(dtype=np.float64)
    halves = table[[f"ellipse_major_{unit}", f"ellipse_minor_{unit}"]].to_numpy(dtype=np.float64) / (2 * pixel)
    turns = np.exp(-1j * np.radians(table["orientation_deg"].to_numpy(dtype=np.float64)))
    made = np.empty(len(table))
    for k, (top, bottom, left, right, feature) in enumerate(boxes.tolist()):
        rows, columns = np.nonzero(labels[top:bottom, left:right] == feature)
        place = ((columns + left - middles[k, 1]) - 1j * (rows + top - middles[k, 0])) * turns[k]
        place = place.real / halves[k, 0] + 1j * place.imag / halves[k, 1]
        angle, square = np.angle(place), np.abs(place) ** 2
        # the mean of r² exp(-i k θ) over a disc whose radius is 1 + c_k exp(i k θ) is 2 c_k
        waves = [abs(np.mean(square * np.exp(-1j * wave * angle)) / 2) ** 2 for wave in _WAVES]
        made[k] = _OF_DIAMETER * halves[k, 1] ** 2 * float(np.mean(waves))
    return made
