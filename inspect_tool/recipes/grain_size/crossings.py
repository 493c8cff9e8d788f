"""What a person's marks on test lines correct in a report of grain size."""

from collections.abc import Mapping

import numpy as np

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.measure import intercepts
from inspect_tool.model import Editions, LabelImage, Micrograph, Segmentation
from inspect_tool.recipes.grain_size.field import intercepts_px, prepared
from inspect_tool.recipes.grain_size.settings import Settings, basis, grain_number, power, rounded


def crossed(micrograph: Micrograph, segmentation: Segmentation, settings: Settings) -> tuple[LabelImage, float]:
    """Grains that test lines are drawn over, 0 outside of the field, and intercepts per length by the program. [1/px]

    Raises
    ------
    MeasurementError
        Intercepts are counted between grains of one phase, which a line does not show.
    """
    where = f"grain_size: {micrograph.path or 'image'}"
    if settings.second_phase != "none":
        msg = (
            f"{where}: test lines by hand are for one phase, settings.second_phase is '{settings.second_phase}': "
            "grains of the matrix and its share are counted together"
        )
        raise MeasurementError(msg)
    field = prepared(micrograph, segmentation, settings, where, {})
    _, per_px = intercepts_px(field, intercepts.directional_counts(field.labels), where)
    return field.labels, float(np.mean(list(per_px.values())))


def crossed_question(settings: Settings) -> str:
    """What the person is asked at a line."""
    twins = "count" if settings.twins == "counted" else Text("grain_size.twins_do_not_count")
    return Text("grain_size.question_boundaries_crossed", twins=twins)


def crossed_results(n_l_per_mm: float, settings: Settings, editions: Editions) -> Mapping[str, tuple[float, str]]:
    """Every result that rests on boundaries per length: its value, and as the standard rounds it.

    Parameters
    ----------
    n_l_per_mm : float
        Boundaries per length of test lines. [1/mm]
    """
    g = grain_number("n_l_per_mm", n_l_per_mm, editions.job)
    number, length = (g, rounded(g)), (1e3 / n_l_per_mm, "")
    key = basis(settings.method)[0]
    return {
        **({"grain_size_number": number} if power(key) == 1 else {}),
        "grain_size_number.intercept": number,
        **({"mean_intercept_um.figure": length} if key == "figure_n_l_per_mm" else {}),
        "mean_intercept_um": length,
        "boundary_area_per_volume_per_mm": (2 * n_l_per_mm, ""),
    }
