"""Joints that the self-test draws."""

from inspect_tool import synthetic
from inspect_tool.languages import Text
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.phantoms import Kit, Phantoms, Truth

_BALL_PX = 84.0  # diameter of the drawn joints [px]


def phantoms() -> Phantoms:
    """Balls with voids of known share."""
    return Phantoms(
        says=Text("solder_voids.phantoms", truths="{}"),
        unit="%",
        truths=(2.0, 6.0, 12.0, 18.0),  # mean of the joints; single ones reach 2.5 times
        quick=(5.0, 16.0),
        pixel_um=6.0,
        known={
            "void_percent.mean": Truth(process="", field="field.void_percent.mean"),
            "void_percent.max": Truth(process="", field="field.void_percent.max", pooled="max"),
            "largest_void_percent.max": Truth(process="", field="field.largest_void_percent.max", pooled="max"),
        },
        plotted=("void_percent.mean", "void_percent.max"),
        draw=_draw,
        modality="xray",
    )


def _draw(percent: float, seed: int, pixel_um: float, kit: Kit) -> Field:
    return synthetic.solder_balls(
        seed=seed,
        rows=kit.balls,
        columns=kit.balls,
        diameter_um=_BALL_PX * pixel_um,
        void_percent=percent,
        pixel_um=pixel_um,
    )
