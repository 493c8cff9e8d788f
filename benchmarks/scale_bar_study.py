"""How often scale bars are read right, refused and read wrongly: drawn bars of known length, and pictures without any.

    OMP_NUM_THREADS=1 nice python benchmarks/scale_bar_study.py --cases 1600 --first 100000 [--data ../shared/data]

Every case is drawn from its seed alone: background, style, font, length, unit, color, place, noise and compression.
Right: within 1 %, or within one pixel over the whole length. Cases that are not right are listed.
"""

import argparse
from collections import Counter
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from inspect_tool import synthetic
from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.images.readers import read
from inspect_tool.scale.bar import find_footer, read_bar

LENGTHS = (
    1,
    2,
    2.5,
    3,
    4,
    5,
    10,
    15,
    20,
    25,
    30,
    40,
    50,
    75,
    100,
    150,
    200,
    250,
    300,
    400,
    500,
    0.1,
    0.2,
    0.25,
    0.5,
    1.5,
)
STYLES = ("line with end ticks", "ruler", "solid bar", "plain line")
FONTS = ("sans", "sans bold", "serif", "mono", "hershey")
COLORS = (
    (255, 255, 255),
    (0, 0, 0),
    (255, 255, 0),
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 200, 0),
    (0, 255, 255),
)
FOOTER_TEXT = ("15.00 kV   WD = 9.7 mm   Mag = 10.00 K X", "HV 5 kV | 3.2 mm | SE2", "20.0kV 12.5mm x1.00k SE", "")


@lru_cache(maxsize=2)
def background(seed):
    """A drawn micrograph, 8-bit gray, of a usual size."""
    rng = np.random.default_rng([seed, 5])
    shape = [(480, 640), (703, 1024), (768, 1024), (600, 800), (960, 1280)][rng.integers(5)]
    kind = rng.integers(4)
    if kind == 0:
        field = synthetic.grains(seed=seed, grain_size_number=float(rng.uniform(5, 9)), shape_px=shape)
    elif kind == 1:
        field = synthetic.two_phase(
            seed=seed, area_percent=float(rng.uniform(10, 60)), feature_um=float(rng.uniform(5, 30)), shape_px=shape
        )
    elif kind == 2:
        field = synthetic.pores(
            seed=seed, porosity_percent=float(rng.uniform(1, 8)), mean_ecd_um=float(rng.uniform(8, 25)), shape_px=shape
        )
    else:
        field = synthetic.particles(
            seed=seed, area_percent=float(rng.uniform(5, 25)), mean_ecd_um=float(rng.uniform(8, 25)), shape_px=shape
        )
    return synthetic.degrade(field.pixels, int(rng.integers(0, 3)), seed=seed)


def case(seed):
    """One burned bar; drawn again until it fits."""
    rng = np.random.default_rng([seed, 4])
    pixels = background(seed // 10)  # ten bars in each micrograph
    while True:
        footer = bool(rng.uniform() < 0.5)
        length = LENGTHS[rng.integers(len(LENGTHS))]
        unit = ("um", "um", "um", "nm", "mm")[rng.integers(5)]
        if (unit == "nm" and length < 1) or (unit == "mm" and length > 20):
            continue
        style = STYLES[rng.choice(4, p=(0.45, 0.1 if footer else 0, 0.3, 0.15 if footer else 0.25))]
        text_px = int(rng.integers(14, 42))
        font = FONTS[rng.integers(5)]
        ground = ((0, 0, 0), (255, 255, 255), (46, 46, 46))[rng.integers(3)]
        if footer:
            color = (0, 0, 0) if ground[0] == 255 else (255, 255, 255)
        else:
            color = COLORS[rng.choice(8, p=(0.4, 0.12, 0.12, 0.12, 0.06, 0.06, 0.06, 0.06))]
        length_px = float(rng.uniform(0.04, 0.35)) * pixels.shape[1]
        number = f"{length:g}"
        if rng.uniform() < 0.15:
            number = f"{length:.2f}" if length < 10 else f"{length:.1f}" if length < 100 else number
        if rng.uniform() < 0.2:
            number = number.replace(".", ",")
        micro = "u" if font == "hershey" or rng.uniform() < 0.3 else ("µ" if rng.uniform() < 0.6 else "μ")
        name = {"um": micro + "m", "nm": "nm", "mm": "mm"}[unit]
        if unit == "um" and rng.uniform() < 0.06:
            name = "microns"
        label = number + ("" if rng.uniform() < 0.4 else " ") + name
        thin = style == "plain line"
        line_px = int(rng.integers(1, 4)) if thin or style == "line with end ticks" else int(rng.integers(5, 24))
        settings = {
            "pixel_um": {"um": 1.0, "nm": 1e-3, "mm": 1e3}[unit] * length / length_px,
            "length": length,
            "unit": unit,
            "style": style,
            "color": color,
            "at": (float(rng.uniform(0.55, 0.8)), float(rng.uniform(0.2, 0.8)))
            if not footer
            else (float(rng.uniform(0.3, 0.8)), float(rng.uniform(0.3, 0.8))),
            "line_px": line_px,
            "tick_px": int(rng.choice([1, 2, 3])),
            "tick_tall_px": int(rng.integers(max(8, line_px + 4), 28)),
            "text_px": text_px,
            "font": font,
            "place": ("above", "below", "right", "inside")[
                rng.choice(4, p=(0.35, 0.35, 0.15, 0.15 if style == "line with end ticks" else 0))
            ]
            if style == "line with end ticks"
            else ("above", "below", "right")[rng.integers(3)],
            "label": label,
            "box": (255, 255, 255) if style == "line with end ticks" and not footer and rng.uniform() < 0.2 else None,
            "footer_px": int(rng.integers(50, 110)) if footer else 0,
            "ground": ground,
            "text": FOOTER_TEXT[rng.integers(4)],
            "soft": bool(rng.uniform() < 0.4),
            "noise": float(rng.choice([0, 0, 1, 3])) if not footer else 0.0,
            "jpeg_quality": int(rng.choice([0, 0, 95, 85, 75, 60])),
            "seed": seed,
        }
        if settings["place"] == "inside" and len(label) * text_px * 0.8 > 0.6 * length_px:
            continue
        try:
            return synthetic.scale_bar(pixels, **settings), settings
        except SettingsError:
            continue


def judged(burned, found):
    """right, refused, none or wrong."""
    if found.status != "read":
        return found.status
    error_px = abs(found.length_um / burned.length_um * burned.length_px - found.length_px)
    same = abs(found.length_um / burned.length_um - 1) < 1e-6
    return "right" if same and error_px <= max(1.0, 0.01 * burned.length_px) else "wrong"


def as_read(pixels):
    """Gray and color as the readers give them."""
    return (pixels, None) if pixels.ndim == 2 else (cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), pixels)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1600)
    parser.add_argument("--first", type=int, default=100000)
    parser.add_argument("--empty", type=int, default=200, help="drawn pictures without a bar")
    parser.add_argument("--data", type=Path, help="folder of real pictures; those without a bar must give none")
    parser.add_argument("--save", type=Path, help="folder for pictures that were not read right")
    asked = parser.parse_args()
    total, by_style, by_font, pulls, footers = Counter(), Counter(), Counter(), [], Counter()
    for seed in range(asked.first, asked.first + asked.cases):
        burned, settings = case(seed)
        gray, color = as_read(burned.pixels)
        found = read_bar(gray, color)
        verdict = judged(burned, found)
        total[verdict] += 1
        by_style[burned.style, verdict] += 1
        by_font[settings["font"], verdict] += 1
        if verdict == "right":
            pulls.append((found.pixel_um / burned.pixel_um - 1) / found.u_rel)
        footers[
            "right"
            if find_footer(gray, color) == burned.footer_px
            else ("missed" if find_footer(gray, color) == 0 else "wrong")
        ] += 1
        if verdict != "right":
            print(
                seed,
                verdict,
                f"'{burned.label}' {burned.length_px:.0f} px",
                burned.style,
                settings["font"],
                settings["text_px"],
                settings["place"],
                "soft" if settings["soft"] else "hard",
                f"q{settings['jpeg_quality']}",
                f"n{settings['noise']:g}",
                settings["color"],
                "footer" if burned.footer_px else "",
                "|",
                found.label,
                found.style,
                found.note[:170],
                flush=True,
            )
            if asked.save:
                asked.save.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(
                    str(asked.save / f"{seed}.png"),
                    burned.pixels if burned.pixels.ndim == 2 else burned.pixels[:, :, ::-1],
                )
    print(dict(total), {key: round(100 * value / asked.cases, 2) for key, value in total.items()})
    for table in (by_style, by_font):
        for name in dict.fromkeys(key for key, _ in table):
            print(f"  {name:22}", {verdict: count for (key, verdict), count in table.items() if key == name})
    print("footer", dict(footers))
    if pulls:
        print(f"error / u: rms {np.sqrt(np.mean(np.square(pulls))):.2f}, beyond 2: {np.mean(np.abs(pulls) > 2):.3f}")
    empty = Counter()
    for seed in range(asked.first // 10, asked.first // 10 + asked.empty):
        pixels = background(seed)
        found = read_bar(pixels)
        empty[found.status] += 1
        if found.status != "none" or found.footer_px:
            print("empty", seed, found.status, found.footer_px, found.note[:170])
    print("drawn without a bar:", dict(empty))
    if asked.data:
        real = Counter()
        for path in sorted(asked.data.glob("*/images*/*")):
            try:
                image = read(path)
            except InspectError:
                continue
            found = read_bar(image.pixels, image.color)
            real[found.status] += 1
            if found.status != "none":
                print("real", path.relative_to(asked.data), found.status, found.label, found.note[:100])
        print("real pictures:", dict(real))


if __name__ == "__main__":
    main()
