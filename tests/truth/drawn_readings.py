"""Drawn class images of exactly known shares, and readings of them that go wrong as segmentations do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Classes = NDArray[np.uint8]
SIDE_PX = 128
FIELDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Fields as they are, as a program saw them, and where another reading of it differs."""

    truth: tuple[Classes, ...]
    seen: tuple[Classes, ...]
    differs: tuple[NDArray[np.bool_], ...]


def phases(rng: np.random.Generator) -> list[tuple[Classes, NDArray[np.float32]]]:
    """Fields of a second phase of 10 to 60 %, and the smooth heights that it was cut from."""
    return _fields(rng, rng.uniform(0.10, 0.60), sigma=5.0)


def pores(rng: np.random.Generator) -> list[tuple[Classes, NDArray[np.float32]]]:
    """Fields with pores of 8 to 30 %: those of a sintered part or a coating."""
    return _fields(rng, rng.uniform(0.08, 0.30), sigma=4.0)


def _fields(rng: np.random.Generator, share: float, sigma: float) -> list[tuple[Classes, NDArray[np.float32]]]:
    heights = [
        cv2.GaussianBlur(rng.standard_normal((SIDE_PX, SIDE_PX)).astype(np.float32), (0, 0), sigma)
        for _ in range(FIELDS)
    ]
    level = np.quantile(np.stack(heights), 1 - share)  # one level: the fields differ
    return [((height > level).astype(np.uint8), height) for height in heights]


def _good(rng: np.random.Generator, truth: Classes, height: NDArray[np.float32]) -> Classes:
    """Boundaries half a pixel off, and one of a hundred points misread anywhere."""
    seen = (cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 1.0) > rng.uniform(0.35, 0.65)).astype(np.uint8)
    return np.where(rng.random(truth.shape) < 0.01, 1 - seen, seen).astype(np.uint8)


def _biased(rng: np.random.Generator, truth: Classes, height: NDArray[np.float32]) -> Classes:
    """A level chosen wrong: the share is up to 30 points off, to either side."""
    share = float(truth.mean()) + rng.uniform(-0.30, 0.30)
    level = np.quantile(height, 1 - min(max(share, 0.02), 0.98))
    return _good(rng, (height > level).astype(np.uint8), height)


def _swapped(rng: np.random.Generator, truth: Classes, height: NDArray[np.float32]) -> Classes:
    """The wrong phase, and a fifth of it not even that."""
    seen = 1 - _good(rng, truth, height)
    return np.where(_blobs(rng, 0.2), 0, seen).astype(np.uint8)


def _missed(rng: np.random.Generator, truth: Classes, height: NDArray[np.float32]) -> Classes:
    """Most of what lies there is not seen, and some is seen that is not there."""
    seen = np.where(_blobs(rng, rng.uniform(0.5, 1.0)), 0, _good(rng, truth, height))
    return np.where(_blobs(rng, 0.05), 1, seen).astype(np.uint8)


def _blobs(rng: np.random.Generator, share: float) -> NDArray[np.bool_]:
    height = cv2.GaussianBlur(rng.standard_normal((SIDE_PX, SIDE_PX)).astype(np.float32), (0, 0), 8.0)
    return height >= np.quantile(height, 1 - share)


FAULTS: Mapping[str, Callable[[np.random.Generator, Classes, NDArray[np.float32]], Classes]] = {
    "good": _good,
    "biased": _biased,
    "wrong phase": _swapped,
    "missed": _missed,
}


def reading(rng: np.random.Generator, drawn: list[tuple[Classes, NDArray[np.float32]]], fault: str) -> Reading:
    """Read drawn fields with a fault; the other reading takes boundaries a little wider."""
    seen = tuple(FAULTS[fault](rng, truth, height) for truth, height in drawn)
    wider = [(cv2.GaussianBlur(one.astype(np.float32), (0, 0), 1.5) > 0.35).astype(np.uint8) for one in seen]
    return Reading(
        truth=tuple(truth for truth, _ in drawn),
        seen=seen,
        differs=tuple(one != other for one, other in zip(seen, wider, strict=True)),
    )
