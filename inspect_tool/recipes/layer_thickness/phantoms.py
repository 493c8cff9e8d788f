"""Layers that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth


def phantoms() -> Phantoms:
    """A bright layer of known mean thickness between a darker substrate and mount."""
    return Phantoms(
        says=Text("layer_thickness.phantoms", truths="{}"),
        unit="um",
        truths=(8.0, 20.0, 40.0),
        quick=(20.0,),
        pixel_um=0.5,
        known={
            "mean_thickness_um.layer": Truth(
                process="process.mean_thickness_um.layer", field="field.mean_thickness_um.layer"
            )
        },
        plotted=("mean_thickness_um.layer",),
        draw=_draw,
    )


def _draw(thickness_um: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    return synthetic.layer(seed=seed, thickness_um=thickness_um, shape_px=kit.shape_px, pixel_um=pixel_um)
