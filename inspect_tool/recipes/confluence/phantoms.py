"""Cultures that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.recipes.confluence.settings import COVERED
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth

_CELL_PX = 64.0  # diameter of the drawn cells [px]


def phantoms() -> Phantoms:
    """Cells in phase contrast that cover a known share."""
    return Phantoms(
        says=Text("confluence.phantoms", truths="{}"),
        unit="%",
        truths=(20.0, 50.0, 80.0),
        quick=(30.0, 70.0),
        pixel_um=0.65,
        known={COVERED: Truth(process="process.area_percent.covered", field="field.area_percent.covered")},
        plotted=(COVERED,),
        draw=_draw,
        modality="xray",  # a dish has no scratches, pits and stains of polishing
    )


def _draw(percent: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    return synthetic.culture(
        seed=seed, area_percent=percent, cell_um=_CELL_PX * pixel_um, shape_px=kit.shape_px, pixel_um=pixel_um
    )
