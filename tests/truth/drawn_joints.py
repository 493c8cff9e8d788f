"""Drawn joints with exactly known voids, and readings of them that go wrong as segmentations do.

Balls with bubbles and pads with blobs, as labels: no picture is segmented, a fault says what a program would have seen.
Every joint is drawn on a tile of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Tiles = NDArray[np.bool_]  # (joints, rows, columns)
TILE_PX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Joints as they are."""

    inside: Tiles
    voids: tuple[tuple[int, NDArray[np.bool_]], ...]  # number of the joint from 0, and pixels of one void on its tile

    def void(self) -> Tiles:
        """Pixels of any void."""
        found = np.zeros_like(self.inside)
        for joint, pixels in self.voids:
            found[joint] |= pixels
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Joints as they are and as a program saw them, as images."""

    void: NDArray[np.bool_]  # where a person sees void
    inside: NDArray[np.bool_]  # where a person sees a joint
    seen: NDArray[np.bool_]  # where the program sees void
    outlines: NDArray[np.int32]  # numbers of the joints as the program drew them, from 1
    shares: tuple[float, ...]  # true void share of every joint [1]


def board(rng: np.random.Generator, fault: str) -> Board:
    """Draw a board of 4 to 36 joints and read it with a fault."""
    rows, columns = (int(one) for one in rng.integers(2, 7, 2))
    drawn = _drawn(rng, rows * columns)
    seen, outlines = FAULTS[fault](rng, drawn)
    numbers = outlines * np.arange(1, rows * columns + 1, dtype=np.int32)[:, None, None]

    def image(tiles):
        return tiles.reshape(rows, columns, TILE_PX, TILE_PX).swapaxes(1, 2).reshape(rows * TILE_PX, columns * TILE_PX)

    void = drawn.void()
    return Board(
        void=image(void),
        inside=image(drawn.inside),
        seen=image(seen & outlines),
        outlines=image(numbers),
        shares=tuple((void.sum((1, 2)) / drawn.inside.sum((1, 2))).tolist()),
    )


def _drawn(rng: np.random.Generator, joints: int) -> Drawn:
    row, column = np.mgrid[:TILE_PX, :TILE_PX] - (TILE_PX - 1) / 2
    ball, usual = rng.random() < 0.5, rng.uniform(0.01, 0.12)
    inside = np.hypot(row, column) < 24 if ball else np.maximum(abs(row), abs(column)) < 22
    voids = []
    for joint in range(joints):
        for _ in range(int(rng.poisson(2))):
            radius = min(24 * np.sqrt(usual * rng.gamma(2, 0.5)), 15)
            far, turn = rng.uniform(0, 22 - radius), rng.uniform(0, 2 * np.pi)
            pixels = np.hypot(row - far * np.sin(turn), column - far * np.cos(turn)) < radius
            voids.append((joint, pixels & inside))
    return Drawn(inside=np.repeat(inside[None], joints, axis=0), voids=tuple(voids))


def _good(rng: np.random.Generator, drawn: Drawn) -> tuple[Tiles, Tiles]:
    """Void edges half a pixel off, and one of two hundred pixels misread anywhere."""
    soft = ndimage.gaussian_filter(drawn.void().astype(np.float32), (0, 1, 1))
    return (soft > rng.uniform(0.35, 0.65)) ^ (rng.random(soft.shape) < 0.005), drawn.inside


def _halves(rng: np.random.Generator, drawn: Drawn) -> tuple[Tiles, Tiles]:
    """The lower half of every void is not seen."""
    rows = np.arange(TILE_PX)[:, None]
    kept = tuple((joint, void & (rows <= rows[void.any(axis=1)].mean())) for joint, void in drawn.voids if void.any())
    return _good(rng, Drawn(inside=drawn.inside, voids=kept))


def _missed(rng: np.random.Generator, drawn: Drawn) -> tuple[Tiles, Tiles]:
    """Half to all of the voids are not seen at all."""
    share = rng.uniform(0, 0.5)
    return _good(rng, Drawn(inside=drawn.inside, voids=tuple(one for one in drawn.voids if rng.random() < share)))


def _dark(rng: np.random.Generator, drawn: Drawn) -> tuple[Tiles, Tiles]:
    """No void is seen."""
    return np.zeros_like(drawn.inside), drawn.inside


def _swapped(rng: np.random.Generator, drawn: Drawn) -> tuple[Tiles, Tiles]:
    """Void and solder the wrong way round."""
    return ~_good(rng, drawn)[0], drawn.inside


def _wide(rng: np.random.Generator, drawn: Drawn) -> tuple[Tiles, Tiles]:
    """Outlines two pixels too wide, and the lower half of every void not seen."""
    return _halves(rng, drawn)[0], ndimage.binary_dilation(drawn.inside, np.ones((1, 5, 5)))


def _one_bad(rng: np.random.Generator, drawn: Drawn) -> tuple[Tiles, Tiles]:
    """All seen well, but for the largest void of the board, which is not seen at all."""
    if not drawn.voids:
        return _good(rng, drawn)
    largest = max(range(len(drawn.voids)), key=lambda i: int(drawn.voids[i][1].sum()))
    return _good(rng, Drawn(inside=drawn.inside, voids=drawn.voids[:largest] + drawn.voids[largest + 1 :]))


FAULTS: Mapping[str, Callable[[np.random.Generator, Drawn], tuple[Tiles, Tiles]]] = {
    "good": _good,
    "half of each void": _halves,
    "missed voids": _missed,
    "all dark": _dark,
    "void and solder swapped": _swapped,
    "outlines too wide": _wide,
    "largest void missed": _one_bad,
}
