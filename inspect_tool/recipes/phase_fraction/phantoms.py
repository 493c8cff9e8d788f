"""Phases that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth

_PIECE_PX = 24.0  # mean intercept of the drawn phases [px]


def phantoms() -> Phantoms:
    """A dark phase of known share."""
    return Phantoms(
        says=Text("phase_fraction.phantoms", truths="{}"),
        unit="%",
        truths=(5.0, 15.0, 30.0, 50.0, 70.0),
        quick=(10.0, 50.0),
        pixel_um=0.5,
        known={"area_percent": Truth(process="process.area_percent.second", field="field.area_percent.second")},
        plotted=("area_percent",),
        draw=_draw,
    )


def _draw(percent: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    piece_um = _PIECE_PX * pixel_um
    return synthetic.two_phase(
        seed=seed, area_percent=percent, feature_um=piece_um, shape_px=kit.shape_px, pixel_um=pixel_um
    )
