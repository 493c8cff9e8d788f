"""How often the stated interval of a stage micrometer calibration holds the true pixel size, and how far off it is.

python benchmarks/stage_micrometer.py [seeds]
"""

import sys
from dataclasses import dataclass

import numpy as np

from inspect_tool.model import Calibration, Micrograph
from inspect_tool.studies.micrometer.stage_micrometer import Request, evaluated, measured
from inspect_tool.synthetic import stage_micrometer
from inspect_tool.synthetic.micrometer import ideal_positions

SHAPE = (240, 320)
PITCH_UM = 10.0
SPAN_UM = 160.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is imitated: errors of the artifact, of the microscope and of the picture."""

    name: str
    u_certificate_um: float = 0.15
    jitter: float = 0.0  # of the magnification from image to image
    noise: float = 4.0
    aspect: float = 1.0  # height of a pixel over its width
    k1: float = 0.0
    images: int = 2  # along each axis
    kind: str = "lines"
    dirt: int = 6


CASES = (
    Case(name="certificate dominates"),
    Case(name="reading dominates", u_certificate_um=0.0005, noise=25.0, dirt=0),
    Case(name="refocused, 0.05 % from image to image", u_certificate_um=0.02, jitter=5e-4),
    Case(name="the same, 4 images along each axis", u_certificate_um=0.02, jitter=5e-4, images=4),
    Case(name="pixels 3 % higher than wide", aspect=1.03),
    Case(name="barrel distortion of 0.3 % in the corner", k1=-0.003, u_certificate_um=0.02),
    Case(name="dot grid", kind="dots", dirt=0),
    Case(name="line grid", kind="grid"),
)


def drawn(case, rng, axis, pixel_um, real_pitch, tilt):
    size = pixel_um * (1 + rng.normal(0, case.jitter))
    graduated = case.kind == "lines"
    field = stage_micrometer(
        seed=int(rng.integers(2**31)),
        pixel_um=size,
        pixel_y_um=size * case.aspect,
        pitch_um=real_pitch,
        kind=case.kind,
        axis=axis,
        shape_px=SHAPE,
        tilt_deg=tilt,
        k1=case.k1,
        line_share=0.4 if case.kind == "dots" else 0.2,
        length_um=0.6 * SHAPE[0] * size if graduated else None,
        graduated=graduated,
        noise=case.noise,
        shading=0.3,
        dirt=case.dirt,
    )
    return Micrograph(pixels=field.pixels, calibration=Calibration(), path=f"{axis}.png")


def somewhere(rng, case, axis):
    """Scale at a place of the field over that at its middle, along an axis, from the geometry that was drawn."""
    column, row = ideal_positions(SHAPE, case.k1)
    y, x = int(rng.integers(1, SHAPE[0] - 1)), int(rng.integers(1, SHAPE[1] - 1))
    if axis == "x":
        return (column[y, x + 1] - column[y, x - 1]) / 2
    return (row[y + 1, x] - row[y - 1, x]) / 2


def run(case, seeds):
    inside, errors, stated, refused = [], [], [], 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        pixel_um = SPAN_UM / (0.93 * SHAPE[1]) * rng.uniform(0.95, 1.05)
        pitch = PITCH_UM * (1 + case.u_certificate_um / SPAN_UM * rng.normal())
        axes = ("x",) if case.kind != "lines" else ("x", "y")
        images = [
            drawn(case, rng, axis, pixel_um, pitch, rng.uniform(-3, 3)) for axis in axes for _ in range(case.images)
        ]
        try:
            request = Request(pitch_um=PITCH_UM, u_certificate_um=case.u_certificate_um)
            record = evaluated(measured(images, PITCH_UM), request).record
        except Exception as error:
            print(f"    seed {seed}: {error}", file=sys.stderr)
            refused += 1
            continue
        for axis, size, true in (
            ("x", record.pixel_um, pixel_um),
            ("y", record.pixel_y_um or record.pixel_um, pixel_um * case.aspect),
        ):
            error = size / (true * somewhere(rng, case, axis)) - 1
            expanded = record.coverage_factor * record.u_rel
            inside.append(abs(error) <= expanded)
            errors.append(error)
            stated.append(expanded)
    rms = float(np.sqrt(np.mean(np.square(errors))))
    print(
        f"| {case.name} | {100 * np.mean(inside):.1f} % | {100 * rms:.4f} % | {100 * np.median(stated):.4f} % |"
        f" {refused} of {seeds} |",
        flush=True,
    )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print("| case | interval holds the truth | rms error | median U | refused |\n|---|---|---|---|---|")
    for one in CASES:
        run(one, count)
