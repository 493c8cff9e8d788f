"""X-ray pictures of soldered pads with exactly known voids, up to most of the pad, and what else such pictures hold.

Everything is drawn several times finer than the picture, as absorption; the light behind it is blurred by the focal
spot, averaged over detector pixels and counted. The shares are those of the fine drawing.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

FINE = 4  # drawn pixels per pixel
Kind = Literal["qfn", "die", "led", "chip", "slots", "ledge"]
Shape = Literal["one", "blobs", "network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPads:
    """A picture (rows, columns), its pads by number, its voids, and the void share of every pad. [%]."""

    pixels: NDArray[np.uint8]
    pads: NDArray[np.int32]
    voids: NDArray[np.bool_]
    shares: tuple[float, ...]


def drawn_pads(
    kind: Kind,
    seed: int,
    share: float,
    *,
    voids: Shape = "blobs",
    shading: float = 0.15,
    blur: float = 0.8,
    photons: float = 4000.0,
    contrast: float = 0.5,
    side: int = 260,
) -> DrawnPads:
    """Draw one picture.

    Parameters
    ----------
    kind : str
        "qfn": one pad in a lead frame; "die": a die on its pad with outline, wire bonds and a trace; "led": two pads
        beside each other under a common body, one of them behind a small chip; "chip": one pad behind a dark chip and
        lighter traces, as dark against it as a void is light; "slots": one pad over a copper plane with straight gaps
        that end within the pad; "ledge": one pad under a die that leaves a strip of it free on two sides.
    seed : int
        Of shapes, places and noise.
    share : float
        Of a pad that is void. [%]
    voids : str
        "one" void, many "blobs", or a "network" between islands of solder.
    shading : float
        Change of the absorption of the solder across the picture, as a share of that of the solder. [1]
    blur : float
        Standard deviation of the focal spot. [px]
    photons : float
        Per pixel behind the board.
    contrast : float
        Absorption of the solder layer. [1]
    side : int
        Rows and columns. [px]
    """
    rng = np.random.default_rng(seed)
    n = side * FINE
    r, c = np.mgrid[:n, :n].astype(np.float32) / n
    absorbed = 0.15 + 0.03 * _cloud(rng, n, 0.5)
    turn = rng.uniform(-2, 2)
    boxes = [(0.5, 0.5, 0.56, 0.56 * rng.uniform(0.85, 1.1))]
    if kind == "led":
        boxes = [(0.5, 0.27, 0.7, 0.36), (0.5, 0.73, 0.7, 0.36)]
    pads = np.zeros((n, n), np.int32)
    for number, (row, column, high, wide) in enumerate(boxes, start=1):
        pads[_rectangle(n, row, column, high, wide, turn) > 0] = number
    void = np.zeros((n, n), bool)
    for number in range(1, len(boxes) + 1):
        pad = pads == number
        void |= pad & _voids(rng, pad, share, voids)
    ramp = (c - 0.5) * np.cos(seed) + (r - 0.5) * np.sin(seed)
    layer = 1 + shading * ramp + 0.2 * shading * _cloud(rng, n, 0.4)
    absorbed += contrast * layer * ((pads > 0) & ~void) + 0.4 * contrast * (pads > 0)  # solder, and the copper below it
    absorbed += _PARTS[kind](rng, n, turn) * (1 + 0.3 * shading * ramp)
    light = cv2.GaussianBlur(np.exp(-absorbed).astype(np.float32), (0, 0), blur * FINE)
    light = cv2.resize(light, (side, side), interpolation=cv2.INTER_AREA)
    counted = rng.poisson(photons * light) / photons
    counted = cv2.GaussianBlur(counted, (0, 0), 0.5)  # spread of light in the scintillator
    low, high = np.percentile(counted, [0.2, 99.5])
    pixels = np.clip(15 + 225 * (counted - low) / (high - low), 0, 255).astype(np.uint8)
    half = FINE // 2
    return DrawnPads(
        pixels=pixels,
        pads=pads[half::FINE, half::FINE].copy(),
        voids=void[half::FINE, half::FINE].copy(),
        shares=tuple(100 * float(void[pads == i].mean()) for i in range(1, len(boxes) + 1)),
    )


def _voids(rng: np.random.Generator, pad: NDArray[np.bool_], share: float, how: Shape) -> NDArray[np.bool_]:
    """Voids of that share of a pad, exact to the fine drawing."""
    n = len(pad)
    rows, columns = np.nonzero(pad)
    size = float(np.sqrt(len(rows)))
    depth = cv2.distanceTransform(pad.astype(np.uint8), cv2.DIST_L2, 5)
    if how == "network":
        field = _cloud(rng, n, 0.06) - 0.5 * np.exp(-depth / (0.02 * n))
        return np.asarray(field > np.quantile(field[pad], 1 - share / 100))
    if how == "one":
        angle = np.arctan2(np.arange(n)[:, None] - rows.mean(), np.arange(n)[None] - columns.mean() + 0.5)
        away = np.hypot(np.arange(n)[:, None] - rows.mean(), np.arange(n)[None] - columns.mean())
        wave = sum(rng.uniform(0, 0.12) / k * np.cos(k * angle + rng.uniform(0, 6)) for k in range(1, 6))
        # between a disc in the middle and the shape of the pad, so that even a large share stays inside
        order = away / size * (1 + wave) - 0.5 * np.minimum(depth, 0.2 * size) / size
        return np.asarray(order < np.quantile(order[pad], share / 100))
    void = np.zeros(pad.shape, np.uint8)
    want, tries = share / 100 * len(rows), 0
    missing = want
    while missing > 0 and tries < 4000:
        tries += 1
        radius = min(
            size * rng.choice([rng.uniform(0.02, 0.05), rng.uniform(0.06, 0.16)]), max(np.sqrt(missing / 3), 6)
        )
        at = rng.integers(len(rows))
        if depth[rows[at], columns[at]] < 0.6 * radius:
            continue
        row, column, far = int(rows[at]), int(columns[at]), int(1.3 * radius) + 2 * FINE
        top, left = max(row - far, 0), max(column - far, 0)
        near = void[top : row + far, left : column + far]
        new = np.zeros_like(near)
        axes = (int(radius * rng.uniform(0.8, 1.25)), int(radius))
        cv2.ellipse(new, (column - left, row - top), axes, rng.uniform(0, 180), 0, 360, 1, -1)
        wall = cv2.dilate(new, np.ones((2 * FINE + 1, 2 * FINE + 1), np.uint8))
        if tries > 2500 or not (wall & near).any():
            near |= new
            missing = want - np.count_nonzero(void & pad)
    return void > 0


def _qfn(rng: np.random.Generator, n: int, turn: float) -> NDArray[np.float32]:
    """Leads on four sides, with their solder."""
    metal = np.zeros((n, n), np.float32)
    count = int(rng.integers(7, 14))
    for i in range(count):
        at = 0.2 + 0.6 * (i + 0.5) / count
        for far in (0.06, 0.94):
            metal += 0.6 * _rectangle(n, far, at, 0.14, 0.3 / count, turn)
            metal += 0.6 * _rectangle(n, at, far, 0.3 / count, 0.14, turn)
    return metal


def _die(rng: np.random.Generator, n: int, turn: float) -> NDArray[np.float32]:
    """The outline of a die and its fillet, wire bonds, a lead beside it and a trace below."""
    die = _rectangle(n, 0.47, 0.48, 0.36, 0.34, turn)
    metal = 0.04 * die
    fillet = cv2.dilate(die, np.ones((3 * FINE, 3 * FINE), np.uint8)) - die
    metal = metal + 0.05 * fillet
    wires = np.zeros((n, n), np.uint8)
    for _ in range(int(rng.integers(3, 8))):
        start = (int(n * rng.uniform(0.36, 0.6)), int(n * rng.uniform(0.36, 0.6)))
        end = (int(n * rng.choice([0.06, 0.94])), int(n * rng.uniform(0.1, 0.9)))
        cv2.line(wires, start, end, 1, int(1.2 * FINE))
        cv2.circle(wires, start, int(2.0 * FINE), 1, -1)
    metal += 0.3 * wires
    metal += 0.35 * _rectangle(n, 0.5, 0.08, 0.5, 0.12, turn)
    return metal + 0.08 * _rectangle(n, rng.uniform(0.3, 0.7), 0.5, 0.05, 1.2, turn)


def _led(rng: np.random.Generator, n: int, turn: float) -> NDArray[np.float32]:
    """A package body over both pads and a dark chip over a part of one."""
    body = 0.12 * _rectangle(n, 0.5, 0.5, 0.86, 0.94, turn)
    return body + 0.25 * _rectangle(n, rng.uniform(0.35, 0.65), 0.3, 0.2, 0.2, turn)


def _chip(rng: np.random.Generator, n: int, turn: float) -> NDArray[np.float32]:
    """A dark chip over nearly half of the pad, with two gaps across."""
    chip = _rectangle(n, 0.5, rng.uniform(0.55, 0.65), 0.44, 0.3, turn)
    for row in rng.uniform(0.35, 0.65, 2):
        chip = chip * (1 - _rectangle(n, row, 0.6, 0.05, 0.5, turn))
    return np.asarray(0.5 * chip, dtype=np.float32)


def _slots(rng: np.random.Generator, n: int, turn: float) -> NDArray[np.float32]:
    """A copper plane behind everything, with two straight gaps from one side of the picture into the pad."""
    gaps = np.zeros((n, n), np.uint8)
    for row in (rng.uniform(0.3, 0.46), rng.uniform(0.54, 0.7)):
        start = rng.uniform(0.3, 0.62)
        gaps |= _rectangle(n, row, (start + 1.1) / 2, rng.uniform(0.03, 0.08), 1.1 - start, turn)
    return np.asarray(rng.uniform(0.1, 0.4) * (1 - gaps), dtype=np.float32)


def _ledge(rng: np.random.Generator, n: int, turn: float) -> NDArray[np.float32]:
    """A die over the pad, moved so far that a strip of the pad lies bare on two sides, with its fillet."""
    by = rng.uniform(0.025, 0.05)
    die = _rectangle(n, 0.5 + by, 0.5 - by, 0.56, 0.6, turn)
    fillet = cv2.dilate(die, np.ones((2 * FINE + 1, 2 * FINE + 1), np.uint8)) - die
    return np.asarray(rng.uniform(0.1, 0.4) * die + 0.05 * fillet, dtype=np.float32)


def _rectangle(n: int, row: float, column: float, high: float, wide: float, turn: float) -> NDArray[np.uint8]:
    """A rectangle in shares of the picture, turned around the middle of the picture. [degrees]."""
    a = np.deg2rad(turn)
    corners = np.array([(-wide, -high), (wide, -high), (wide, high), (-wide, high)]) / 2 + (column - 0.5, row - 0.5)
    turned = corners @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) + 0.5
    drawn = np.zeros((n, n), np.uint8)
    cv2.fillPoly(drawn, [np.rint(turned * n).astype(np.int32)], 1)
    return drawn


def _cloud(rng: np.random.Generator, n: int, length: float) -> NDArray[np.float32]:
    """Smooth random values of mean 0 and standard deviation 1 that change over a share of the picture."""
    coarse = max(int(3 / length), 4)
    field = cv2.resize(rng.normal(size=(coarse, coarse)).astype(np.float32), (n, n), interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


_PARTS = {"qfn": _qfn, "die": _die, "led": _led, "chip": _chip, "slots": _slots, "ledge": _ledge}
