"""Make docs/before_after.jpg, a picture of the README: drawn structures, segmented without and with a shipped network.

python benchmarks/make_before_after.py

Every structure is drawn by ``inspect_tool.synthetic`` with a seed that no network was trained on, so that its truth is
known; the error in the measurand stands under each picture.
"""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inspect_tool import registry, synthetic
from inspect_tool.files import checked
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.report import field_pictures
from inspect_tool.synthetic.irregular import Etch, Structure, irregular_grains

ROOT = Path(__file__).resolve().parent.parent
SIDE = 384  # of a field [px]
SHOWN = 400  # of a picture [px]
GAP, TEXT = 12, 46
SEED = 7_770_001


def intercept_px(labels: np.ndarray) -> float:
    """Mean intercept along rows and columns."""
    crossed = np.count_nonzero(np.diff(labels, axis=0)) + np.count_nonzero(np.diff(labels, axis=1))
    return (labels[1:].size + labels[:, 1:].size) / crossed


def area_percent(labels: np.ndarray) -> float:
    return 100 * float(np.mean(labels == 1))


def grains() -> tuple[np.ndarray, np.ndarray]:
    structure = Structure(mean_intercept_px=34, bend=0.25, ragged=0.1, spread=0.2)
    etch = Etch(depth=0.55, faint=0.2, broken=0.06, twins=0.35, specks_per_mpx=500, texture=0.03, strays_per_mpx=60)
    pixels, labels = irregular_grains(seed=SEED, structure=structure, etch=etch, shape_px=(SIDE, SIDE))
    return synthetic.degrade(pixels, 2, seed=SEED), labels


def pores() -> tuple[np.ndarray, np.ndarray]:
    field = synthetic.pores(
        seed=SEED,
        porosity_percent=8,
        mean_ecd_um=22,
        shape_px=(SIDE, SIDE),
        inclusions_per_mm2=900,
        scratches=120,
        stains=0.1,
    )
    return synthetic.degrade(field.pixels, 3, seed=SEED), field.labels


def bright() -> tuple[np.ndarray, np.ndarray]:
    structure = Structure(mean_intercept_px=30, bend=0.2, ragged=0.05, spread=0.3, stretch=1.4)
    etch = Etch(line="bright", ground=0.4, depth=0.35, faint=0.15, facets=0.05, striation=0.05, specks_per_mpx=900)
    pixels, labels = irregular_grains(seed=SEED + 1, structure=structure, etch=etch, shape_px=(SIDE, SIDE))
    return synthetic.degrade(pixels, 2, seed=SEED), labels


Row = tuple[
    str, Callable[[], tuple[np.ndarray, np.ndarray]], Callable[[np.ndarray], float], str, Mapping[str, Any], str
]
ROWS: tuple[Row, ...] = (
    (
        "Etched grains: faint lines, twins, precipitates",
        grains,
        intercept_px,
        "mean intercept",
        {"name": "watershed"},
        "grain_boundary",
    ),
    (
        "Bright boundaries, slip lines, precipitates",
        bright,
        intercept_px,
        "mean intercept",
        {"name": "watershed"},
        "grain_boundary",
    ),
    ("Pores: scratches and inclusions are none", pores, area_percent, "porosity", {"name": "threshold"}, "pores"),
)


def segmented(image: Micrograph, table: Mapping[str, Any]) -> Segmentation:
    given = dict(table)
    backend = registry.load("backend", given.pop("name"))
    settings = checked(backend.Settings, given, "before_after")
    return backend.segment(backend.load(settings), image, settings)


def tile(image: Micrograph, segmentation: Segmentation | None) -> Image.Image:
    picture, scale = field_pictures.field_picture(image, SHOWN)
    if segmentation is not None:
        size = field_pictures.picture_size(image.pixels.shape, scale)
        picture = field_pictures.composite(picture, [field_pictures.segmentation_layer(segmentation, size)], SHOWN)
    return Image.open(io.BytesIO(picture)).convert("RGB").resize((SHOWN, SHOWN), Image.Resampling.LANCZOS)


def main() -> None:
    font = ImageFont.truetype("DejaVuSans.ttf", 15)
    rows = []
    for title, draw, measurand, name, classical, model in ROWS:
        pixels, truth = draw()
        image = Micrograph(pixels=pixels, calibration=Calibration(), path=title)
        expected = measurand(truth)
        unit = "px" if measurand is intercept_px else "%"
        tiles = [(tile(image, None), f"{title}\ntruth: {name} {expected:.3g} {unit}")]
        for table in (classical, {"name": "unet", "model": model}):
            found = segmented(image, table)
            value = measurand(found.labels)
            error = (
                f"{100 * (value / expected - 1):+.1f} %"
                if measurand is intercept_px
                else f"{value - expected:+.2f} points"
            )
            tiles.append(
                (tile(image, found), f"{table.get('model', table['name'])}\n{name} {value:.3g} {unit} ({error})")
            )
            print(f"{title}: {tiles[-1][1]!r}")
        rows.append(tiles)
    width, height = 3 * SHOWN + 2 * GAP, len(rows) * (SHOWN + TEXT + GAP) - GAP
    sheet = Image.new("RGB", (width, height), (255, 255, 255))
    pen = ImageDraw.Draw(sheet)
    for i, tiles in enumerate(rows):
        for j, (picture, text) in enumerate(tiles):
            at = (j * (SHOWN + GAP), i * (SHOWN + TEXT + GAP))
            sheet.paste(picture, at)
            pen.multiline_text((at[0] + 2, at[1] + SHOWN + 4), text, (40, 48, 56), font=font, spacing=3)
    path = ROOT / "docs" / "before_after.jpg"
    cv2.imwrite(str(path), np.asarray(sheet)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 86])
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
