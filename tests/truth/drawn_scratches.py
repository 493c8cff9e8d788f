"""Etched grains with polishing scratches; every line is known."""

import cv2
import numpy as np
from drawn_grains import Image, Labels, line
from scipy import ndimage


def grooved(labels: Labels, seed: int, *, width_px: float = 9.0, grain: float = 180.0, groove: float = 20.0) -> Image:
    """Gray picture of grains between wide black grooves of uneven width, with dots of dirt in the grains."""
    rng = np.random.default_rng(seed + 71)
    uneven = ndimage.gaussian_filter(rng.normal(0, 1, labels.shape), 6) * 6 * np.sqrt(4 * np.pi)
    wide, narrow = line(labels, 1.3 * width_px), line(labels, 0.7 * width_px)
    share = np.clip(0.5 + 0.5 * uneven / 6, 0, 1)
    made = grain + (groove - grain) * (share * wide + (1 - share) * narrow)
    dirt = ndimage.gaussian_filter((rng.random(labels.shape) < 2e-3).astype(float), 1.0) * 2 * np.pi
    return np.asarray(made - 60 * np.clip(dirt, 0, 1) + rng.normal(0, 4, labels.shape))


def partly_grooved(labels: Labels, seed: int, *, width_px: float = 16.0, share: float = 0.5) -> Image:
    """Gray picture of grains between thin black boundaries, of which some, and the pits on them, are wide open."""
    wide = line(_parted_less(labels, share, np.random.default_rng(seed + 53)), width_px)
    covered = np.maximum(wide, line(labels, 3.5))
    return np.asarray(180.0 - 155.0 * covered + np.random.default_rng(seed + 59).normal(0, 4, labels.shape))


def _parted_less(labels: Labels, share: float, rng: np.random.Generator) -> Labels:
    """Join pairs of neighbors at random, a ``share`` of the number of the grains."""
    whole = np.arange(labels.max() + 1)
    pairs = np.unique(np.stack([labels[:, 1:], labels[:, :-1]], axis=-1).reshape(-1, 2), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    for one, other in rng.permutation(pairs)[: round(share * labels.max())]:
        whole[whole == whole[other]] = whole[one]
    return whole[labels]


def unevenly_etched(labels: Labels, seed: int, *, width_px: float, share: float = 0.12, faint: float = 0.3) -> Image:
    """Gray picture of black boundaries of one width, some of which took less etch and no whit less width.

    ``share`` of the grains have sides with ``faint`` of the depth of the others toward one neighbor.
    """
    rng = np.random.default_rng(seed + 97)
    covered = np.maximum(line(_parted_less(labels, share, rng), width_px), faint * line(labels, width_px))
    return np.asarray(180.0 - 160.0 * covered + rng.normal(0, 4, labels.shape))


def scratched(
    image: Image,
    seed: int,
    *,
    number: int = 40,
    width_px: tuple[float, float] = (1.2, 2.5),
    depth: tuple[float, float] = (0.3, 0.6),
    length_px: tuple[float, float] = (80.0, 400.0),
    directions: int = 3,
) -> Image:
    """Draw straight dark lines in bundles of some directions over grains and boundaries alike.

    ``depth`` is the share of the gray level that a scratch takes away.
    """
    rng = np.random.default_rng(seed + 83)
    height, width = image.shape
    made = image.copy()
    directions = rng.uniform(0, np.pi, directions)
    for _ in range(number):
        angle = rng.choice(directions) + rng.normal(0, 0.05)
        middle = rng.uniform((0, 0), (height, width))
        half = 0.5 * rng.uniform(*length_px) * np.array([np.sin(angle), np.cos(angle)])
        ends = [tuple(np.rint(16 * (middle + sign * half)[::-1]).astype(int).tolist()) for sign in (-1, 1)]
        drawn = np.zeros(image.shape, np.uint8)
        cv2.line(drawn, *ends, 255, 1, cv2.LINE_AA, 4)
        sigma = rng.uniform(*width_px) / 2.35
        profile = ndimage.gaussian_filter(drawn / 255.0, sigma) * sigma * np.sqrt(2 * np.pi)
        made *= 1 - rng.uniform(*depth) * np.clip(profile, 0, 1)
    return made
