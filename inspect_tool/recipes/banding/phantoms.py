"""Banded structures that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth

_SPACING_PX = 26.0  # of the bands [px]


def phantoms() -> Phantoms:
    """A dark phase in bands along the rows of known anisotropy."""
    return Phantoms(
        says=Text("banding.phantoms", truths="{}"),
        unit="1",
        truths=(1.0, 2.0, 4.0),
        quick=(3.0,),
        pixel_um=0.5,
        known={
            "anisotropy_index": Truth(process="process.anisotropy_index", field="field.anisotropy_index"),
            "band_spacing_um": Truth(process="process.band_spacing_um", field="field.band_spacing_um"),
        },
        plotted=("anisotropy_index",),
        draw=_draw,
    )


def _draw(index: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    return synthetic.bands(
        seed=seed,
        area_percent=35.0,
        spacing_um=_SPACING_PX * pixel_um,
        anisotropy=index,
        shape_px=kit.shape_px,
        pixel_um=pixel_um,
    )
