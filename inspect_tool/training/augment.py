"""Augmentation: what may happen to a micrograph without changing what it shows.

Images are float32, about 0 to 1, (height, width, channels); targets are int32 (height, width) with -1 = not
annotated. Functions of place take both, functions of look take the image alone. Everything random comes from the
generator that is given. Ranges are arguments; bind others with ``functools.partial``::

    image, target = cut(image, target, rng, size=256, scale=(0.8, 1.25))
    image, target = turn(image, target, rng)
    image = altered(image, rng, LOOK)
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.training.annotations import UNKNOWN

Image = NDArray[np.float32]
Target = NDArray[np.int32]
Alteration = Callable[[Image, np.random.Generator], Image]
Range = tuple[float, float]

# -------------------------------------------------------------------------------------------------------- place


def turn(image: Image, target: Target, rng: np.random.Generator) -> tuple[Image, Target]:
    """Turn by a multiple of 90 degrees and mirror, each of the eight ways as often: no pixel is interpolated."""
    quarters, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    image, target = np.rot90(image, quarters), np.rot90(target, quarters)
    if mirrored:
        image, target = image[:, ::-1], target[:, ::-1]
    return np.ascontiguousarray(image), np.ascontiguousarray(target)


def mirror(image: Image, target: Target, rng: np.random.Generator) -> tuple[Image, Target]:
    """Swap left and right in half of the cases: for structures with an up and a down, such as layers."""
    if rng.integers(2):
        image, target = image[:, ::-1], target[:, ::-1]
    return np.ascontiguousarray(image), np.ascontiguousarray(target)


def cut(
    image: Image,
    target: Target,
    rng: np.random.Generator,
    *,
    size: int,
    scale: Range = (1.0, 1.0),
    angle_deg: float = 180.0,
    center: tuple[float, float] | None = None,
) -> tuple[Image, Target]:
    """Cut a square out of the image, turned and scaled; one interpolation does it all.

    Parameters
    ----------
    image, target
        The whole image and its annotation.
    rng : Generator
        Gives position, angle and scale.
    size : int
        Side of the square. [px]
    scale : (float, float)
        Range of the magnification, drawn evenly on a logarithmic axis; below 1 the structure shrinks.
    angle_deg : float
        Largest turn to either side; 0 turns nothing. [degree]
    center : (float, float), optional
        Row and column of the middle; drawn such that the square lies inside the image when it fits.

    Returns
    -------
    image, target
        (size, size, channels) and (size, size). The image goes on mirrored beyond its edge, so that no false edge
        appears; the target is -1 there, so that nothing is learned from it. Target values are never interpolated.
    """
    factor = float(np.exp(rng.uniform(*np.log(scale)))) if scale[0] != scale[1] else scale[0]
    angle = float(np.deg2rad(rng.uniform(-angle_deg, angle_deg)))
    row, column = (_middle(side, size / factor, rng) for side in target.shape)
    if center is not None:
        row, column = center
    image, target, row, column = _around(image, target, row, column, reach=0.75 * size / factor + 8)
    if factor < 1:  # what would alias is taken out first
        sigma = 0.5 * float(np.sqrt(1 / factor**2 - 1))
        image = _channels(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
    cosine, sine = np.cos(angle) / factor, np.sin(angle) / factor
    half = (size - 1) / 2
    # from a pixel (x, y) of the square to one of the image
    matrix = np.array(
        [
            [cosine, -sine, column - cosine * half + sine * half],
            [sine, cosine, row - sine * half - cosine * half],
        ]
    )
    flags = cv2.WARP_INVERSE_MAP
    shape = (size, size)
    warped = cv2.warpAffine(image, matrix, shape, flags=flags | cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    # float64 holds every int32; OpenCV warps no int32
    labels = cv2.warpAffine(
        target.astype(np.float64),
        matrix,
        shape,
        flags=flags | cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(UNKNOWN,) * 4,
    )
    return _channels(warped), labels.astype(np.int32)


def _middle(side: int, wanted: float, rng: np.random.Generator) -> float:
    low, high = (wanted - 1) / 2, side - 1 - (wanted - 1) / 2
    share = float(rng.random())
    return low + share * (high - low) if high > low else (side - 1) / 2


def _around(
    image: Image, target: Target, row: float, column: float, reach: float
) -> tuple[Image, Target, float, float]:
    """Only what lies within ``reach`` of a point [px], and where the point lies in it."""
    top, left = max(0, int(row - reach)), max(0, int(column - reach))
    part = (slice(top, int(row + reach) + 2), slice(left, int(column + reach) + 2))
    return image[part], target[part], row - top, column - left


# --------------------------------------------------------------------------------------------------------- look


def altered(image: Image, rng: np.random.Generator, steps: Sequence[tuple[float, Alteration]]) -> Image:
    """Apply each alteration in turn with its probability.

    >>> image = np.zeros((4, 4, 1), np.float32)
    >>> altered(image, np.random.default_rng(0), [(0.0, invert)]).max()
    np.float32(0.0)
    """
    for probability, alter in steps:
        if rng.random() < probability:
            image = alter(image, rng)
    return image


def invert(image: Image, rng: np.random.Generator) -> Image:  # noqa: ARG001 - all alterations are called alike
    """Dark becomes bright and bright dark; not for structures that are told apart by their gray value."""
    return np.float32(1) - image


def change_tone(
    image: Image,
    rng: np.random.Generator,
    *,
    gamma: Range = (0.7, 1.4),
    contrast: Range = (0.75, 1.3),
    brightness: Range = (-0.12, 0.12),
) -> Image:
    """Change gamma, contrast about the mean, and brightness."""
    power = float(np.exp(rng.uniform(*np.log(gamma))))
    bent = np.sign(image) * np.abs(image) ** np.float32(power)
    mean = bent.mean(dtype=np.float64)
    slope, shift = rng.uniform(*contrast), rng.uniform(*brightness)
    return np.asarray((bent - mean) * slope + (mean + shift), np.float32)


def shade(image: Image, rng: np.random.Generator, *, depth: Range = (0.05, 0.35)) -> Image:
    """Multiply by a smooth field of light, as a bent illumination makes it.

    ``depth`` is how far the darkest place lies under the brightest, as a share of it.
    """
    coarse = rng.random((4, 4)).astype(np.float32)
    field = cv2.resize(coarse, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    low, high = float(field.min()), float(field.max())
    light = 1 - rng.uniform(*depth) * (field - low) / max(high - low, 1e-6)
    return np.asarray(image * light[..., np.newaxis], np.float32)


def blur(image: Image, rng: np.random.Generator, *, sigma_px: Range = (0.4, 1.4)) -> Image:
    """Defocus. [px]"""
    sigma = float(rng.uniform(*sigma_px))
    return _channels(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))


def add_noise(
    image: Image, rng: np.random.Generator, *, sigma: Range = (0.01, 0.08), grain_px: Range = (0.0, 1.0)
) -> Image:
    """Noise, white or of a grain of some size; ``sigma`` is a share of the full scale."""
    noise: Image = rng.standard_normal(image.shape, dtype=np.float32)
    grain = float(rng.uniform(*grain_px))
    if grain > 0.3:
        noise = _channels(cv2.GaussianBlur(noise, (0, 0), grain, borderType=cv2.BORDER_REFLECT))
        noise /= max(float(noise.std()), 1e-6)
    return np.asarray(image + np.float32(rng.uniform(*sigma)) * noise, np.float32)


def compress(image: Image, rng: np.random.Generator, *, quality: tuple[int, int] = (30, 90)) -> Image:
    """JPEG and back."""
    low, high = float(image.min()), float(image.max())
    span = max(high - low, 1e-6)
    eight = np.round((image - low) * (255 / span)).astype(np.uint8)
    flags = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(quality[0], quality[1] + 1))]
    color = eight.shape[2] == 3
    coded = cv2.imencode(".jpg", eight if color else eight[..., 0], flags)[1]
    back = cv2.imdecode(coded, cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE)
    assert back is not None
    return _channels(np.asarray(back, np.float32) * np.float32(span / 255) + np.float32(low))


def scratch(
    image: Image, rng: np.random.Generator, *, count: tuple[int, int] = (1, 6), strength: Range = (0.1, 0.5)
) -> Image:
    """Draw straight polishing scratches, mostly of one direction, dark or bright."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    main = rng.uniform(0, np.pi)
    for _ in range(int(rng.integers(count[0], count[1] + 1))):
        angle = main + rng.normal(0, 0.15)
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        reach = rng.uniform(0.2, 1.5) * max(height, width)
        down, right = reach * np.sin(angle), reach * np.cos(angle)
        ends = [(round(column + side * right), round(row + side * down)) for side in (-1, 1)]
        line = np.zeros_like(mask)
        cv2.line(line, ends[0], ends[1], 1.0, int(rng.integers(1, 3)))
        mask = np.maximum(mask, line * np.float32(rng.uniform(*strength)))
    soft = _channels(cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.4, 0.9))))
    return image + np.float32(rng.choice([-1.0, 1.0])) * soft


def cut_out(
    image: Image, rng: np.random.Generator, *, count: tuple[int, int] = (1, 4), side: Range = (0.03, 0.12)
) -> Image:
    """Cover small rectangles with their mean: what is under them must be told from what lies around.

    ``side`` is a share of the side of the image.
    """
    image = image.copy()
    for _ in range(int(rng.integers(count[0], count[1] + 1))):
        rows, columns = (max(1, round(length * rng.uniform(*side))) for length in image.shape[:2])
        top, left = int(rng.integers(image.shape[0] - rows + 1)), int(rng.integers(image.shape[1] - columns + 1))
        part = image[top : top + rows, left : left + columns]
        part[...] = part.mean(axis=(0, 1))
    return image


def _channels(image: NDArray[np.generic]) -> Image:
    """OpenCV drops the axis of a single channel."""
    return np.asarray(image if image.ndim == 3 else image[..., np.newaxis], np.float32)


LOOK: tuple[tuple[float, Alteration], ...] = (
    (0.8, change_tone),
    (0.4, shade),
    (0.15, scratch),
    (0.1, cut_out),
    (0.3, blur),
    (0.4, add_noise),
    (0.2, compress),
)
"""What a microscope, a camera and a preparation do, in the order in which they do it."""
