"""Colored scenes of known truth, drawn without ``inspect_tool.synthetic``: mosaics of two hues, tints, marks, pores."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Calibration, Mask, Micrograph

LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, the weights of the gray image


def mosaic(shape: tuple[int, int], cells: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Cells of points thrown at random (nearest point), numbered from 0."""
    points = rng.uniform(-0.1, 1.1, (int(1.44 * cells), 2)) * shape
    seeds = np.full((int(1.2 * shape[0]), int(1.2 * shape[1])), 255, np.uint8)
    inside = np.clip((points + 0.1 * np.array(shape)).astype(int), 0, np.array(seeds.shape) - 1)
    seeds[inside[:, 0], inside[:, 1]] = 0
    _, cell = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, cv2.DIST_MASK_PRECISE, labelType=cv2.DIST_LABEL_PIXEL)
    top, left = int(0.1 * shape[0]), int(0.1 * shape[1])
    return np.unique(cell[top : top + shape[0], left : left + shape[1]], return_inverse=True)[1].reshape(shape)


def discs(
    shape: tuple[int, int], n: int, radius_px: tuple[float, float], rng: np.random.Generator, gap_px: float = 6.0
) -> NDArray[np.float64]:
    """Share of every pixel that discs cover, which do not touch each other."""
    placed: list[tuple[float, float, float]] = []
    covered = np.zeros(shape)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    for _ in range(60 * n):
        if len(placed) == n:
            break
        r = rng.uniform(*radius_px)
        y, x = rng.uniform(r + 2, shape[0] - r - 2), rng.uniform(r + 2, shape[1] - r - 2)
        if all((y - a) ** 2 + (x - b) ** 2 > (r + q + gap_px) ** 2 for a, b, q in placed):
            placed.append((y, x, r))
            near = (slice(max(0, int(y - r) - 2), int(y + r) + 3), slice(max(0, int(x - r) - 2), int(x + r) + 3))
            covered[near] += np.clip(r + 0.5 - np.hypot(rows[near] - y, columns[near] - x), 0, 1)
    return covered


def smooth(image: NDArray[np.float64], sigma_px: float = 0.8) -> NDArray[np.float64]:
    """Blur of the optics."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px))


def eight_bit(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def of_luminance(color: tuple[float, float, float], luminance: float) -> NDArray[np.float64]:
    """The same hue and saturation at another luminance."""
    rgb = np.array(color, dtype=float)
    return rgb * luminance / (rgb @ LUMINANCE)


def two_hues(
    seed: int,
    minor: tuple[float, float, float],
    major: tuple[float, float, float],
    *,
    share: float = 0.35,
    luminance: tuple[float, float] = (115.0, 115.0),
    noise: float = 4.0,
    shape: tuple[int, int] = (360, 480),
) -> tuple[NDArray[np.uint8], float]:
    """Mosaic of two phases in two hues, of equal luminance unless said otherwise: picture, area % of the minor one."""
    rng = np.random.default_rng(seed)
    cells = mosaic(shape, 90, rng)
    minors = rng.random(int(cells.max()) + 1) < share
    covered = smooth(minors[cells].astype(float))[..., None]
    colors = of_luminance(minor, luminance[0]), of_luminance(major, luminance[1])
    picture = colors[0] * covered + colors[1] * (1 - covered) + rng.normal(0, noise, (*shape, 3))
    return eight_bit(picture), 100 * float(minors[cells].mean())


def tinted_grains(
    seed: int, *, inclusions: int = 60, shape: tuple[int, int] = (480, 640), noise: float = 4.0
) -> tuple[NDArray[np.uint8], float]:
    """Grains of many tints and brightnesses with black inclusions: picture, area % of the inclusions."""
    rng = np.random.default_rng(seed)
    cells = mosaic(shape, 150, rng)
    tints = np.array([[200, 180, 90], [120, 80, 60], [110, 140, 210], [150, 140, 150], [90, 120, 80], [190, 200, 200]])
    tint = (tints * rng.uniform(0.75, 1.15, (6, 1)))[rng.integers(0, 6, int(cells.max()) + 1)]
    tint = tint + rng.normal(0, 8, tint.shape)
    covered = discs(shape, inclusions, (3, 7), rng)[..., None]
    picture = np.dstack([smooth((tint[cells] * (1 - covered) + 30 * covered)[..., i]) for i in range(3)])
    return eight_bit(picture + rng.normal(0, noise, (*shape, 3))), 100 * float(covered.mean())


def gray_pores(seed: int, shape: tuple[int, int] = (480, 640)) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Gray metal with dark pores, as RGB, and the share of every pixel that pores cover."""
    rng = np.random.default_rng(seed)
    covered = discs(shape, 60, (4, 14), rng)
    gray = 190 - 150 * smooth(covered) + rng.normal(0, 3, shape)
    return np.repeat(eight_bit(gray)[..., None], 3, axis=2), covered


def annotate(picture: NDArray[np.uint8], color: tuple[int, int, int], width_px: int = 3) -> NDArray[np.uint8]:
    """Burn a measuring line, a box, an arrow and writing into a picture."""
    marked = picture.copy()
    rows, columns = picture.shape[:2]

    def at(x: float, y: float) -> tuple[int, int]:
        return int(x * columns), int(y * rows)

    cv2.line(marked, at(0.1, 0.12), at(0.62, 0.6), color, width_px, cv2.LINE_AA)
    cv2.rectangle(marked, at(0.3, 0.72), at(0.65, 0.94), color, width_px)
    cv2.arrowedLine(marked, at(0.9, 0.2), at(0.75, 0.35), color, width_px, cv2.LINE_AA)
    cv2.putText(marked, "L1 = 123.4 um", at(0.66, 0.66), cv2.FONT_HERSHEY_SIMPLEX, 0.6, color, 1, cv2.LINE_AA)
    return marked


def micrograph(picture: NDArray[np.uint8], roi: Mask | None = None) -> Micrograph:
    """A field as a reader gives it."""
    return Micrograph(
        pixels=cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY),
        color=picture,
        calibration=Calibration(pixel_um=None, source="ratio only"),
        path="field.png",
        roi=roi,
    )
