"""What a person's marks on lines across a layer correct in a report of layers."""

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.measure.normal_chords import Floats
from inspect_tool.model import Micrograph, Segmentation
from inspect_tool.recipes.layer_thickness.field import layers_found, layers_of
from inspect_tool.recipes.layer_thickness.settings import MEAN, Settings


def layer_chords(micrograph: Micrograph, segmentation: Segmentation, settings: Settings) -> tuple[str, Floats, Floats]:
    """Quantity of the only layer, and the ends of its chords by the program, each (n, 2). [(row, column) px]

    Raises
    ------
    MeasurementError
        There are several layers, or none that parts the field.
    """
    names = layers_of(segmentation, settings, micrograph.path)
    if len(names) > 1:
        msg = (
            f"{micrograph.path}: a line across {len(names)} layers ({', '.join(names)}) does not say which edges are "
            "meant; check each by hand in a job of its own, with settings.layers"
        )
        raise MeasurementError(msg)
    ((name, found),) = layers_found(segmentation.labels, names, segmentation, micrograph, settings).items()
    return MEAN.replace("*", name), found.chords.first, found.chords.second


def layer_question() -> tuple[str, str]:
    """What the person is asked at a line, and how to mark it."""
    return Text("layer_thickness.question_edges"), Text("layer_thickness.rule_edges")
