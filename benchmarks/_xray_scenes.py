"""X-ray scenes of solder joints for training: joints and voids of many kinds in front of everything a board holds.

Everything is drawn twice as fine as the picture, as absorption; light is averaged afterward, as in a detector. The
truth is what was drawn. These scenes trade the exact shares of ``inspect_tool.synthetic`` for variety.
"""

from itertools import pairwise
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]
Mask = NDArray[np.uint8]
FINE = 2  # drawn pixels per pixel


def scene(rng: np.random.Generator, kind: str, side: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """Picture (rows, columns) uint8 and classes: 0 background, 1 joint, 2 void.

    Parameters
    ----------
    kind : str
        "balls", "pad" (QFN), "die", "led", "filled" (nothing but solder), "empty" (no joint at all).
    side : tuple of int
        Rows and columns.
    """
    shape = (side[0] * FINE, side[1] * FINE)
    absorbed = _board(rng, shape)
    joint = np.zeros(shape, np.uint8)
    hole = np.zeros(shape, np.uint8)
    solder = np.zeros(shape, np.float32)  # thickness, 0 to about 1
    strength = 1.0
    if kind == "balls":
        strength = rng.uniform(0.7, 3.2)
        _balls(rng, joint, solder)
    elif kind == "empty":
        for _ in range(rng.integers(1, 5)):
            _component(rng, absorbed)
    else:
        strength = rng.uniform(0.3, 1.6)
        _pads(rng, kind, absorbed, joint, hole, solder)
    void, removed = _voids(rng, kind, joint)
    joint_only = joint.astype(bool) & (hole == 0)
    solder *= 1 - removed
    solder *= 1 + rng.uniform(0, 0.12) * _cloud(rng, shape, rng.uniform(0.15, 0.6) * max(shape))
    if rng.uniform() < 0.5:
        solder *= 1 + rng.uniform(0, 0.06) * _cloud(rng, shape, rng.uniform(3, 14))
    if kind != "balls" and rng.uniform() < 0.5:  # a layer that is thicker on one side
        solder *= 1 + rng.uniform(0.1, 0.45) * _ramp(rng, shape)
    absorbed += strength * np.clip(solder, 0, None)
    _over(rng, absorbed, joint)
    light = np.exp(-absorbed)
    small = cv2.resize(light, side[::-1], interpolation=cv2.INTER_AREA)
    planes = [
        cv2.resize(plane.astype(np.float32), side[::-1], interpolation=cv2.INTER_AREA)
        for plane in (~joint_only, joint_only & (void == 0), joint_only & (void > 0))
    ]
    labels = np.argmax(planes, axis=0).astype(np.int8)
    return _detector(rng, small, labels), labels


# -------------------------------------------------------------------------------------------------- the board


def _board(rng: np.random.Generator, shape: tuple[int, int]) -> Gray:
    """Laminate, copper, holes, parts on either side."""
    absorbed = np.full(shape, rng.uniform(0.05, 0.4), np.float32)
    absorbed += rng.uniform(0, 0.06) * _cloud(rng, shape, rng.uniform(0.1, 0.5) * max(shape))
    if rng.uniform() < 0.2:  # weave of the laminate
        step = rng.uniform(6, 20)
        rows, columns = np.arange(shape[0], dtype=np.float32)[:, None], np.arange(shape[1], dtype=np.float32)[None]
        weave = np.sin(2 * np.pi * rows / step) * np.sin(2 * np.pi * columns / step)
        absorbed += rng.uniform(0.005, 0.03) * weave.astype(np.float32)
    for _ in range(rng.poisson(1.0)):  # planes of copper
        part = np.zeros(shape, np.uint8)
        cv2.fillPoly(
            part, [_box(rng, shape, rng.uniform(0.2, 0.9) * max(shape), rng.uniform(0.2, 0.9) * max(shape))], 1
        )
        absorbed += rng.uniform(0.03, 0.25) * part
    tracks = rng.poisson(rng.choice([0, 3, 10]))
    if tracks:
        copper = np.zeros(shape, np.uint8)
        angle = rng.uniform(0, np.pi / 2) if rng.uniform() < 0.3 else 0.0
        for _ in range(tracks):
            _track(rng, copper, angle)
        absorbed += rng.uniform(0.04, 0.3) * copper
    for _ in range(rng.poisson(rng.choice([0, 4]))):
        _plated_hole(rng, absorbed, rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(3, 18))
    for _ in range(rng.poisson(0.5)):
        _component(rng, absorbed)
    return absorbed


def _track(rng: np.random.Generator, copper: Mask, angle: float) -> None:
    shape = copper.shape
    point = np.array([rng.uniform(0, shape[1]), rng.uniform(0, shape[0])])
    heading = angle + rng.integers(4) * np.pi / 2
    width = int(rng.integers(3, 20))
    for _ in range(rng.integers(1, 4)):
        after = point + rng.uniform(0.1, 0.8) * max(shape) * np.array([np.cos(heading), np.sin(heading)])
        cv2.line(copper, _int(point), _int(after), 1, width)
        point, heading = after, heading + rng.choice([-1, 1]) * np.pi / 4
    if rng.uniform() < 0.3:
        cv2.circle(copper, _int(point), 2 * width, 1, -1)


def _plated_hole(rng: np.random.Generator, absorbed: Gray, row: float, column: float, radius: float) -> None:
    ring = np.zeros(absorbed.shape, np.uint8)
    cv2.circle(ring, (int(column), int(row)), int(radius * rng.uniform(1.1, 1.6)) + 1, 1, -1)
    absorbed += rng.uniform(0.05, 0.4) * ring
    hole = np.zeros(absorbed.shape, np.uint8)
    cv2.circle(hole, (int(column), int(row)), max(int(radius), 1), 1, -1)
    absorbed -= rng.uniform(0.3, 0.9) * absorbed * hole


def _component(rng: np.random.Generator, absorbed: Gray) -> None:
    """A part on the other side: chip with dense ends, or a body with a lead frame, or a coil."""
    shape = absorbed.shape
    long = rng.uniform(0.1, 0.45) * max(shape)
    wide = long * rng.uniform(0.35, 1.0)
    center = np.array([rng.uniform(0, shape[1]), rng.uniform(0, shape[0])])
    turn = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)], p=[0.45, 0.45, 0.1])
    part = np.zeros(shape, np.uint8)
    cv2.fillPoly(part, [_rectangle(center, long, wide, turn)], 1)
    absorbed += rng.uniform(0.03, 0.35) * part
    kind = rng.integers(3)
    ends = np.zeros(shape, np.uint8)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    if kind == 0:
        for sign in (-1, 1):
            cv2.fillPoly(ends, [_rectangle(center + sign * 0.42 * long * along, 0.2 * long, wide, turn)], 1)
        absorbed += rng.uniform(0.2, 0.9) * ends
    elif kind == 1:
        count = int(rng.integers(3, 9))
        for i in range(count):
            at = center + ((i + 0.5) / count - 0.5) * long * along
            for sign in (-1, 1):
                cv2.fillPoly(
                    ends, [_rectangle(at + sign * 0.6 * wide * across, 0.45 * long / count, 0.3 * wide, turn)], 1
                )
        absorbed += rng.uniform(0.1, 0.6) * ends
    else:
        cv2.ellipse(
            ends, _int(center), (int(0.4 * long), int(0.4 * wide)), np.degrees(turn), 0, 360, 1, max(int(wide / 10), 2)
        )
        absorbed += rng.uniform(0.1, 0.6) * ends


def _over(rng: np.random.Generator, absorbed: Gray, joint: Mask) -> None:
    """What lies above or below the solder and crosses it in projection."""
    shape = absorbed.shape
    for _ in range(rng.poisson(0.8)):  # bond wires
        wire = np.zeros(shape, np.uint8)
        a = np.array([rng.uniform(0, shape[1]), rng.uniform(0, shape[0])])
        b = a + rng.normal(0, 0.4, 2) * max(shape)
        middle = (a + b) / 2 + rng.normal(0, 0.06, 2) * max(shape)
        t = np.linspace(0, 1, 24)[:, None]
        points = (1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t**2 * b
        cv2.polylines(wire, [points.astype(np.int32)], False, 1, int(rng.integers(2, 9)))
        absorbed += rng.uniform(0.05, 0.5) * wire
    if rng.uniform() < 0.25:  # a chip over the joints: its outline crosses them
        part = np.zeros(shape, np.uint8)
        cv2.fillPoly(
            part, [_box(rng, shape, rng.uniform(0.3, 0.9) * max(shape), rng.uniform(0.3, 0.9) * max(shape))], 1
        )
        absorbed += rng.uniform(0.03, 0.2) * part
    if rng.uniform() < 0.2:
        _component(rng, absorbed)
    if rng.uniform() < 0.15 and joint.any():  # dense specks: solder balls, splashes
        speck = np.zeros(shape, np.uint8)
        for _ in range(rng.integers(1, 8)):
            cv2.circle(
                speck, (int(rng.uniform(0, shape[1])), int(rng.uniform(0, shape[0]))), int(rng.integers(2, 8)), 1, -1
            )
        absorbed += rng.uniform(0.2, 1.0) * speck


# --------------------------------------------------------------------------------------------------- the joints


def _balls(rng: np.random.Generator, joint: Mask, solder: Gray) -> None:
    shape = joint.shape
    radius = rng.uniform(0.03, 0.2) * max(shape)
    pitch = radius * rng.uniform(2.25, 4.0)
    turn = rng.choice([0.0, rng.uniform(-0.1, 0.1), rng.uniform(0, np.pi)], p=[0.5, 0.3, 0.2])
    c, s = np.cos(turn), np.sin(turn)
    offset = rng.uniform(-0.5, 0.5, 2) * pitch
    reach = ceil(0.8 * max(shape) / pitch) + 1
    missing = rng.choice([0.0, 0.15, 0.6])
    squeeze = rng.uniform(0.75, 1.0) if rng.uniform() < 0.15 else 1.0  # seen at an angle
    flat = rng.uniform(0.5, 1.0)
    one_only = rng.uniform() < 0.1
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            if (one_only and (i or j)) or (not one_only and rng.uniform() < missing):
                continue
            x = shape[1] / 2 + offset[0] + pitch * (c * j - s * i)
            y = shape[0] / 2 + offset[1] + pitch * (s * j + c * i)
            own = radius * rng.uniform(0.93, 1.05)
            if not (-own < x < shape[1] + own and -own < y < shape[0] + own):
                continue
            mask = np.zeros(shape, np.uint8)
            points = _star(rng, (x, y), own, rough=rng.choice([0.0, 0.02, 0.05]), stretch=1.0)
            points[:, 1] = y + squeeze * (points[:, 1] - y)
            cv2.fillPoly(mask, [points.astype(np.int32)], 1)
            rows, columns = _window(mask)
            if rows is None:
                continue
            part = mask[rows, columns]
            depth = cv2.distanceTransform(np.pad(part, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
            profile = np.sqrt(np.clip(1 - np.clip(1 - depth / own, 0, 1) ** 2, 0, 1))
            solder[rows, columns] = np.maximum(solder[rows, columns], np.minimum(profile, flat) / flat * part)
            joint[rows, columns] |= part


def _pads(rng: np.random.Generator, kind: str, absorbed: Gray, joint: Mask, hole: Mask, solder: Gray) -> None:
    shape = joint.shape
    turn = rng.choice([0.0, rng.normal(0, 0.03), rng.uniform(0, np.pi)], p=[0.5, 0.4, 0.1])
    middle = np.array([shape[1], shape[0]]) * rng.uniform(0.42, 0.58, 2)
    if kind == "filled":
        joint[:] = 1
        size = np.array([shape[1], shape[0]], float)
        if rng.uniform() < 0.4:  # one or two rims in view
            joint[: int(rng.uniform(0, 0.15) * shape[0])] = 0
            joint[:, : int(rng.uniform(0, 0.15) * shape[1])] = 0
    elif kind == "led":
        size = np.array([shape[1], shape[0]]) * rng.uniform(0.45, 0.95, 2)
        parts = np.cumsum([0.0, *rng.dirichlet(np.full(rng.integers(2, 5), 2.0))])
        gap = rng.uniform(0.02, 0.08)
        upright = rng.uniform() < 0.5
        for low, high in pairwise(parts):
            if high - low < gap + 0.06:
                continue
            share, at = high - low - gap, (low + high) / 2 - 0.5
            width = np.array([size[0], share * size[1]]) if upright else np.array([share * size[0], size[1]])
            shift = np.array([0, at * size[1]]) if upright else np.array([at * size[0], 0])
            _pad(rng, joint, middle + _turned(shift, turn), width, turn)
    else:
        size = np.array([shape[1], shape[0]]) * rng.uniform(0.35, 0.98)
        size *= np.exp(rng.normal(0, 0.15, 2))
        _pad(rng, joint, middle, size, turn)
    if kind == "pad" or (kind == "die" and rng.uniform() < 0.2):
        _leads(rng, absorbed, middle, size, turn)
    if kind in ("die", "led") and rng.uniform() < 0.5:  # substrate, die or frame, larger or smaller than the pad
        part = np.zeros(shape, np.uint8)
        cv2.fillPoly(part, [_rectangle(middle, *(size * rng.uniform(0.5, 1.3, 2)), turn)], 1)
        absorbed += rng.uniform(0.05, 0.4) * part
    rim = rng.uniform(1, 14)
    depth = cv2.distanceTransform(np.pad(joint, 1, constant_values=int(kind == "filled")), cv2.DIST_L2, 5)[1:-1, 1:-1]
    solder += np.clip(depth / rim, 0, 1) ** rng.uniform(0.3, 1.0) * joint
    if kind != "filled" and rng.uniform() < 0.6:  # copper of the pad, a little larger
        copper = cv2.dilate(joint, np.ones((3, 3), np.uint8), iterations=int(rng.integers(1, 8)))
        absorbed += rng.uniform(0.02, 0.2) * copper
    if rng.uniform() < 0.3:
        _vias(rng, absorbed, joint, hole, solder, middle, size, turn)


def _pad(
    rng: np.random.Generator, joint: Mask, middle: NDArray[np.float64], size: NDArray[np.float64], turn: float
) -> None:
    """Rectangle with round or cut corners, a wavy rim at times."""
    width, height = size / 2
    corner = rng.choice([0.0, rng.uniform(0, 0.25)]) * min(width, height)
    points = []
    for i, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        cut = corner if rng.uniform() < 0.9 else rng.uniform(0.1, 0.4) * min(width, height)
        angles = np.linspace(0, np.pi / 2, 6) + i * np.pi / 2
        points += [(sx * (width - cut) + cut * np.cos(a), sy * (height - cut) + cut * np.sin(a)) for a in angles]
    outline = np.array(points)
    if rng.uniform() < 0.4:
        dense = np.concatenate(
            [np.linspace(a, b, 24, endpoint=False) for a, b in zip(outline, np.roll(outline, -1, 0), strict=True)]
        )
        wave = np.convolve(np.tile(rng.standard_normal(len(dense)), 3), np.ones(15) / 15, "same")[
            len(dense) : 2 * len(dense)
        ]
        outline = dense * (1 + rng.uniform(0.01, 0.06) * wave[:, None])
    cv2.fillPoly(joint, [(middle + _turned(outline, turn)).astype(np.int32)], 1)


def _leads(
    rng: np.random.Generator, absorbed: Gray, middle: NDArray[np.float64], size: NDArray[np.float64], turn: float
) -> None:
    """Terminals around a pad: not what is measured."""
    leads = np.zeros(absorbed.shape, np.uint8)
    gap = rng.uniform(0.06, 0.3) * size.min()
    length = rng.uniform(0.08, 0.22) * size.min()
    count = int(rng.integers(4, 16))
    sides = [side for side in range(4) if rng.uniform() < 0.9]
    for side in sides:
        span, away = (size[0], size[1]) if side % 2 == 0 else (size[1], size[0])
        for i in range(count):
            along = ((i + 0.5) / count - 0.5) * span * 1.1
            out = away / 2 + gap + length / 2
            place = {0: (along, out), 1: (out, along), 2: (along, -out), 3: (-out, along)}[side]
            shape = (0.55 * span / count, length) if side % 2 == 0 else (length, 0.55 * span / count)
            cv2.fillPoly(leads, [_rectangle(middle + _turned(np.array(place), turn), *shape, turn)], 1)
    absorbed += rng.uniform(0.15, 1.2) * leads
    if rng.uniform() < 0.5:  # solder on them is thicker toward the middle
        absorbed += rng.uniform(0.1, 0.5) * cv2.GaussianBlur(leads.astype(np.float32), (0, 0), 4)


def _vias(
    rng: np.random.Generator,
    absorbed: Gray,
    joint: Mask,
    hole: Mask,
    solder: Gray,
    middle: NDArray[np.float64],
    size: NDArray[np.float64],
    turn: float,
) -> None:
    """A grid of plated holes in the pad: open ones are no solder, filled ones are."""
    rows, columns = rng.integers(1, 6, 2)
    radius = rng.uniform(0.012, 0.045) * size.min()
    is_open = rng.uniform() < 0.5
    rings, holes = np.zeros(joint.shape, np.uint8), np.zeros(joint.shape, np.uint8)
    for i in range(rows):
        for j in range(columns):
            place = np.array([(j + 0.5) / columns - 0.5, (i + 0.5) / rows - 0.5]) * size * rng.uniform(0.98, 1.0)
            at = _int(middle + _turned(place, turn))
            cv2.circle(rings, at, int(1.35 * radius) + 1, 1, -1)
            cv2.circle(holes, at, max(int(radius), 1), 1, -1)
    absorbed += rng.uniform(0.05, 0.35) * rings
    if is_open:
        solder *= 1 - rng.uniform(0.7, 1.0) * holes
        hole |= holes & joint
    else:
        absorbed += rng.uniform(0.0, 0.4) * holes


def _voids(rng: np.random.Generator, kind: str, joint: Mask) -> tuple[Mask, Gray]:
    """Where voids are, and which share of the solder they take."""
    shape = joint.shape
    void = np.zeros(shape, np.uint8)
    if not joint.any() or rng.uniform() < 0.08:
        return void, np.zeros(shape, np.float32)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(joint)
    for number in range(1, count):
        left, top, wide, high, area = stats[number]
        if area < 60:
            continue
        window = (slice(top, top + high), slice(left, left + wide))
        own = (parts[window] == number).astype(np.uint8)
        inside = own.copy()
        if rng.uniform() < 0.7:
            inset = max(int(rng.uniform(0.0, 0.06) * np.sqrt(area)), 0)
            inside = (
                cv2.erode(own, np.ones((3, 3), np.uint8), iterations=inset, borderValue=int(kind == "filled"))
                if inset
                else own
            )
        canvas = np.zeros_like(own)
        share = rng.choice(
            [0.0, rng.uniform(0.005, 0.08), rng.uniform(0.05, 0.3), rng.uniform(0.25, 0.55)], p=[0.1, 0.3, 0.4, 0.2]
        )
        if kind == "balls":
            _discs(rng, canvas, min(share, 0.45), area, most=int(rng.integers(1, 7)), rough=0.03, large=0.6)
        else:
            style = rng.integers(4)
            if style in (0, 3):
                _discs(
                    rng, canvas, share, area, most=int(rng.integers(3, 160)), rough=rng.uniform(0.03, 0.35), large=0.5
                )
            if style in (1, 3) and share > 0.02:  # ragged: a random field above a level
                field = _cloud(rng, own.shape, rng.uniform(0.02, 0.15) * np.sqrt(area) + 3)
                field += 0.4 * _cloud(rng, own.shape, 0.02 * np.sqrt(area) + 2.5)
                level = np.quantile(field, 1 - 0.6 * share)
                canvas |= (field > level).astype(np.uint8)
            if style == 2:  # many small ones and a few large
                _discs(rng, canvas, 0.5 * share, area, most=int(rng.integers(1, 6)), rough=0.25, large=0.6)
                _discs(rng, canvas, 0.3 * share, area, most=int(rng.integers(20, 250)), rough=0.1, large=0.1)
        void[window] |= canvas & inside
    number, parts = cv2.connectedComponents(void)
    if number == 1:
        return void, np.zeros(shape, np.float32)
    depth = rng.uniform(rng.uniform(0.2, 0.8), 1.0, number).astype(np.float32)
    depth[0] = 0
    distance = cv2.distanceTransform(void, cv2.DIST_L2, 5)
    reach = np.zeros(number, np.float32)
    np.maximum.at(reach, parts.ravel(), distance.ravel())
    if kind == "balls" or rng.uniform() < 0.4:  # bubbles: round profile, the small ones less deep
        ball = np.clip(distance / np.maximum(reach[parts], 1), 0, 1)
        profile = (1 - (1 - ball) ** 2) ** rng.uniform(0.15, 0.5)
        if kind == "balls":
            depth *= np.clip(0.25 + reach / (0.3 * np.sqrt(max(area, 1))), 0, 1)
    else:
        profile = np.clip(distance / rng.uniform(1.5, 10), 0, 1) ** rng.uniform(0.3, 1.0)
    return void, (depth[parts] * profile).astype(np.float32)


def _discs(
    rng: np.random.Generator, canvas: Mask, share: float, area: float, *, most: int, rough: float, large: float
) -> None:
    """Roundish voids of log-normal size that together take about a share of an area; they may overlap."""
    if share <= 0:
        return
    parts = rng.lognormal(0, rng.uniform(0.6, 1.6), most)
    radii = np.sqrt(share * area * parts / parts.sum() / np.pi)
    for radius in np.minimum(radii, large * 0.5 * min(canvas.shape)):
        if radius < 2.0:  # no more than a pixel wide: nobody sees it
            continue
        at = (rng.uniform(0, canvas.shape[1]), rng.uniform(0, canvas.shape[0]))
        points = _star(rng, at, radius, rough=rough * min(1.0, radius / 12), stretch=rng.uniform(1, 1.6))
        cv2.fillPoly(canvas, [points.astype(np.int32)], 1)


# ------------------------------------------------------------------------------------------------- the detector


def _detector(rng: np.random.Generator, light: Gray, labels: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Blur, noise, the window of gray values an operator chose, burned-in marks, compression, inversion."""
    shape = light.shape
    if rng.uniform() < 0.4:  # the cone of rays is brightest in the middle, or off it
        light = light * (1 + rng.uniform(-0.35, 0.35) * _ramp(rng, shape))
    if rng.uniform() < 0.3:
        radius = np.hypot(*np.meshgrid(np.linspace(-1, 1, shape[1]), np.linspace(-1, 1, shape[0])))
        light = light * (1 - rng.uniform(0, 0.35) * radius.astype(np.float32) ** 2)
    light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 1.6))
    # half of the operators set the window to the solder and let the board go white
    counts = light[labels > 0] if (labels > 0).mean() > 0.05 and rng.uniform() < 0.5 else light
    low, high = np.percentile(counts, [rng.choice([0, 2, 6]), rng.choice([100, 98, 92])])
    picture = (light - low) / max(high - low, 1e-3)
    floor = rng.uniform(-0.05, 0.25)
    picture = floor + (rng.uniform(0.75, 1.05) - floor) * picture
    picture = np.clip(picture, 0, 1) ** np.float32(np.exp(rng.uniform(-0.5, 0.5)))
    grain = rng.choice([0.005, 0.02, 0.05]) * rng.standard_normal(shape, dtype=np.float32)
    if rng.uniform() < 0.5:
        grain = 1.8 * cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.5, 1.2))
    picture = picture + grain * np.sqrt(np.clip(picture, 0.05, 1))
    if rng.uniform() < 0.4:  # sharpened by the machine
        picture = picture + rng.uniform(0.3, 1.5) * (picture - cv2.GaussianBlur(picture, (0, 0), rng.uniform(1, 3)))
    if rng.uniform() < 0.2:  # shown at another size
        zoom = rng.uniform(0.5, 0.9)
        small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC)
    if rng.uniform() < 0.2:
        picture = 1 - picture
    pixels = np.clip(255 * picture, 0, 255).astype(np.uint8)
    if rng.uniform() < 0.3:
        _marks(rng, pixels)
    if rng.uniform() < 0.4:
        packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))])[1]
        pixels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return pixels


def _marks(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> None:
    """Letters, arrows, frames and scale bars that were burned in."""
    shape = pixels.shape
    for _ in range(rng.integers(1, 5)):
        gray = int(rng.choice([0, 255, rng.integers(60, 200)]))
        at = (int(rng.uniform(0, 0.9 * shape[1])), int(rng.uniform(0, shape[0])))
        kind = rng.integers(4)
        if kind == 0:
            text = "".join(rng.choice(list("abcdefghABC0123456789.%um "), rng.integers(1, 8)))
            cv2.putText(
                pixels,
                text,
                at,
                cv2.FONT_HERSHEY_SIMPLEX,
                rng.uniform(0.3, 1.2),
                gray,
                int(rng.integers(1, 3)),
                cv2.LINE_AA,
            )
        elif kind == 1:
            to = (int(at[0] + rng.normal(0, 0.2) * shape[1]), int(at[1] + rng.normal(0, 0.2) * shape[0]))
            cv2.arrowedLine(pixels, at, to, gray, int(rng.integers(1, 4)), cv2.LINE_AA)
        elif kind == 2:
            cv2.line(pixels, at, (at[0] + int(0.25 * shape[1]), at[1]), gray, int(rng.integers(1, 5)))
        else:
            side = int(rng.uniform(0.02, 0.06) * min(shape)) + 1
            edge = rng.integers(4)
            if edge < 2:
                pixels[:side] = gray
            if edge > 0:
                pixels[:, -side:] = gray


# ---------------------------------------------------------------------------------------------------- drawing


def _cloud(rng: np.random.Generator, shape: tuple[int, ...], length: float) -> Gray:
    small = rng.standard_normal((ceil(shape[0] / length) + 3, ceil(shape[1] / length) + 3)).astype(np.float32)
    size = (ceil(small.shape[1] * length), ceil(small.shape[0] * length))
    large = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    top, left = int(length), int(length)
    return np.ascontiguousarray(1.2 * large[top : top + shape[0], left : left + shape[1]])


def _ramp(rng: np.random.Generator, shape: tuple[int, ...]) -> Gray:
    angle = rng.uniform(0, 2 * np.pi)
    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    return np.asarray(np.cos(angle) * rows + np.sin(angle) * columns, np.float32) / np.float32(1.4)


def _star(
    rng: np.random.Generator, at: tuple[float, float], radius: float, *, rough: float, stretch: float
) -> NDArray[np.float64]:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    orders = np.arange(2, 8)
    sizes = rng.normal(0, 1, len(orders)) / orders
    wave = sum(a * np.cos(k * angles + rng.uniform(0, 2 * np.pi)) for k, a in zip(orders, sizes, strict=True))
    r = radius * np.maximum(1 + rough * wave / max(float(np.std(wave)), 1e-6), 0.25)
    turn = rng.uniform(0, np.pi)
    x, y = r * np.cos(angles) * np.sqrt(stretch), r * np.sin(angles) / np.sqrt(stretch)
    return np.stack([at[0] + x * np.cos(turn) - y * np.sin(turn), at[1] + x * np.sin(turn) + y * np.cos(turn)], axis=1)


def _rectangle(center: NDArray[np.float64], wide: float, high: float, turn: float) -> NDArray[np.int32]:
    corners = np.array([(-wide, -high), (wide, -high), (wide, high), (-wide, high)]) / 2
    return (center + _turned(corners, turn)).astype(np.int32)


def _box(rng: np.random.Generator, shape: tuple[int, ...], wide: float, high: float) -> NDArray[np.int32]:
    center = np.array([rng.uniform(0, shape[1]), rng.uniform(0, shape[0])])
    return _rectangle(center, wide, high, rng.choice([0.0, rng.uniform(0, np.pi)], p=[0.8, 0.2]))


def _turned(points: NDArray[np.float64], turn: float) -> NDArray[np.float64]:
    c, s = np.cos(turn), np.sin(turn)
    return points @ np.array([[c, s], [-s, c]])


def _window(mask: Mask) -> tuple[slice, slice] | tuple[None, None]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None, None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _int(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])
