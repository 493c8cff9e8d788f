"""X-ray images of solder joints and their voids: ball grid arrays, thermal pads, dies."""

from collections.abc import Sequence
from math import ceil, cos, hypot, pi, sin, sqrt

import numpy as np

from inspect_tool.errors import SettingsError
from inspect_tool.model import LabelImage
from inspect_tool.synthetic._drawing import around, blurred, line, rectangle, to_8bit
from inspect_tool.synthetic._outlines import Outline, drawn
from inspect_tool.synthetic._random import cloud
from inspect_tool.synthetic.field import Field, Gray, Joint, Shape, checked_share


def solder_balls(
    *,
    seed: int,
    rows: int = 4,
    columns: int = 5,
    diameter_um: float = 500.0,
    pitch_um: float | None = None,
    pixel_um: float = 6.0,
    void_percent: float | Sequence[float] = 8.0,
    voids_per_joint: int = 3,
    voids: Sequence[Sequence[tuple[float, float, float]]] | None = None,
    void_edge: float = 0.2,
    height_ratio: float = 0.75,
    absorption: float = 2.0,
    vias: bool = True,
    traces: bool = True,
    background: float = 0.86,
    blur_px: float = 0.8,
) -> Field:
    """Draw an X-ray image of a ball grid array.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    rows, columns : int
        Of the array; the joints are numbered row by row.
    diameter_um, pitch_um : float
        Of the projected balls; pitch 1.6 diameters unless given. [um]
    void_percent : float or sequence of float
        Wanted void share of each joint, or its mean, from which joints scatter (0 to about 2.5 times). [%]
    voids_per_joint : int
        Most voids in one joint.
    voids : sequence of sequence of (row_um, column_um, diameter_um)
        Voids of every joint, given exactly, from the center of the joint. They may overlap; only the part
        inside the ball counts.
    void_edge : float
        Steepness of the voids: thickness (1 - (d/r)^2)^void_edge; 0.5 sphere, 0.2 flattened, 0 disc.
    height_ratio : float
        Height of the collapsed ball over its diameter (truncated sphere). [1]
    absorption : float
        Attenuation over one ball height, Beer-Lambert exponent. [1]
    vias, traces : bool
        Plated holes and copper traces of the board, which are no voids.

    Returns
    -------
    Field
        Labels 0 background, 1 joint, 2 void; ``joints`` with the exact projected shares; truth of the field
        ``void_percent.max``, ``void_percent.mean``, ``largest_void_percent.max``, ``void_diameter_percent.max``.

    Examples
    --------
    >>> field = solder_balls(seed=1, rows=1, columns=1, voids=[[(0.0, 0.0, 200.0)]])
    >>> round(field.joints[0].void_percent, 6)
    16.0
    """
    rng = np.random.default_rng(seed)
    pitch = pitch_um if pitch_um is not None else 1.6 * diameter_um
    if pitch < 1.05 * diameter_um:
        msg = f"synthetic.solder_balls: pitch {pitch:g} um leaves no gap between balls of {diameter_um:g} um"
        raise SettingsError(msg)
    count = rows * columns
    radius = diameter_um / 2
    if voids is None:
        wanted = _void_shares(rng, void_percent, count, "solder_balls")
        voids = [_random_voids(rng, share, radius, voids_per_joint) for share in wanted]
    if len(voids) != count:
        msg = f"synthetic.solder_balls: voids of {len(voids)} joints given, the array has {count}"
        raise SettingsError(msg)
    step, r_px = pitch / pixel_um, radius / pixel_um
    shape = (ceil((rows + 0.25) * step), ceil((columns + 0.25) * step))
    at = [
        ((shape[0] - 1) / 2 + (i - (rows - 1) / 2) * step, (shape[1] - 1) / 2 + (j - (columns - 1) / 2) * step)
        for i in range(rows)
        for j in range(columns)
    ]
    board, vias_px = _board(rng, shape, at, step, r_px, vias=vias, traces=traces)
    labels = np.zeros(shape, dtype=np.int32)
    path = np.zeros(shape, dtype=np.float32)  # solder in units of the ball height
    joints = []
    for number, ((row, column), holes) in enumerate(zip(at, voids, strict=True), start=1):
        window, d2 = around(shape, row, column, r_px + 2)
        ball = np.minimum(2 * np.sqrt(np.clip(r_px**2 - d2, 0, None)), 2 * r_px * height_ratio) / (
            2 * r_px * height_ratio
        )
        # the rim is a circle whatever the height: cover of the outermost pixels
        ball *= np.clip(r_px - np.sqrt(d2) + 0.5, 0, 1)
        labels[window][d2 <= r_px**2] = 1
        taken = np.zeros_like(ball)
        for hole_row, hole_column, hole_diameter in holes:
            r = hole_diameter / 2 / pixel_um
            _, h2 = around(shape, row + hole_row / pixel_um, column + hole_column / pixel_um, 0, window)
            profile = np.clip(1 - h2 / r**2, 0, 1) ** void_edge * np.clip(r - np.sqrt(h2) + 0.5, 0, 1)
            # a void is a little thicker than wide, up to four fifths of the joint
            taken = np.maximum(taken, min(0.8, 1.3 * r / (r_px * height_ratio)) * profile)
            labels[window][(h2 <= r**2) & (d2 <= r_px**2)] = 2
        path[window] = np.maximum(path[window], ball - np.minimum(taken, ball))
        groups = _void_groups(holes, radius)
        total = 100 * sum(groups) / (pi * radius**2)
        joints.append(
            Joint(
                joint=number,
                row_px=row,
                column_px=column,
                area_um2=pi * radius**2,
                void_percent=total,
                largest_void_percent=100 * max(groups, default=0.0) / (pi * radius**2),
            )
        )
    light = background * board * np.exp(-absorption * path)
    return _xray_field(rng, light, labels, joints, vias_px, pixel_um, blur_px)


def thermal_pad(
    *,
    seed: int,
    size_um: tuple[float, float] = (4000.0, 4000.0),
    void_percent: float = 18.0,
    voids: int = 30,
    pixel_um: float = 8.0,
    leads: bool = True,
    vias: tuple[int, int] | None = None,
    via_diameter_um: float = 250.0,
    absorption: float = 1.1,
    background: float = 0.88,
    blur_px: float = 0.8,
) -> Field:
    """Draw an X-ray image of the thermal pad of a bottom-terminated package (QFN), one joint.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    size_um : tuple of float
        Height and width of the pad. [um]
    void_percent : float
        Void share aimed at, of the solderable area; the truth is what was drawn. [%]
    voids : int
        Number of voids, a few large and many small ones, round to irregular, not touching.
    leads : bool
        Draw the terminals around the pad.
    vias : tuple of int
        Rows and columns of vias in the pad: light discs that belong neither to the joint nor to the voids
        (label 0, listed in ``vias_px``).

    Returns
    -------
    Field
        As ``solder_balls``; the joint has ``quadrants``.

    Examples
    --------
    >>> field = thermal_pad(seed=1, size_um=(1000.0, 1000.0), voids=5)
    >>> len(field.joints), len(field.joints[0].quadrants)
    (1, 4)
    """
    return _slab(
        seed=seed,
        where="thermal_pad",
        size_um=size_um,
        void_percent=void_percent,
        voids=voids,
        pixel_um=pixel_um,
        leads=leads,
        vias=vias,
        via_um=via_diameter_um,
        absorption=absorption,
        background=background,
        blur_px=blur_px,
        corner=0.04,
        rough=0.10,
        die=0.0,
    )


def die_attach(
    *,
    seed: int,
    size_um: tuple[float, float] = (4000.0, 4000.0),
    void_percent: float = 10.0,
    voids: int = 14,
    pixel_um: float = 8.0,
    absorption: float = 0.7,
    background: float = 0.7,
    blur_px: float = 0.9,
) -> Field:
    """Draw an X-ray image of the solder under a die: as ``thermal_pad``, with irregular voids and a substrate behind.

    Examples
    --------
    >>> field = die_attach(seed=1, size_um=(1000.0, 1000.0), voids=3)
    >>> field.classes
    {0: 'background', 1: 'joint', 2: 'void'}
    """
    return _slab(
        seed=seed,
        where="die_attach",
        size_um=size_um,
        void_percent=void_percent,
        voids=voids,
        pixel_um=pixel_um,
        leads=False,
        vias=None,
        via_um=0.0,
        absorption=absorption,
        background=background,
        blur_px=blur_px,
        corner=0.01,
        rough=0.28,
        die=0.18,
    )


def _slab(
    *,
    seed: int,
    where: str,
    size_um: tuple[float, float],
    void_percent: float,
    voids: int,
    pixel_um: float,
    leads: bool,
    vias: tuple[int, int] | None,
    via_um: float,
    absorption: float,
    background: float,
    blur_px: float,
    corner: float,
    rough: float,
    die: float,
) -> Field:
    rng = np.random.default_rng(seed)
    share = checked_share(void_percent, where)
    height, width = size_um[0] / pixel_um, size_um[1] / pixel_um
    margin = (0.42 if leads else 0.16) * min(height, width)
    shape = (ceil(height + 2 * margin), ceil(width + 2 * margin))
    center = ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    pad = rectangle(shape, center, height, width, corner * min(height, width))
    # a pixel on an edge averages light, not thickness: every layer is mixed by its cover after the exponential
    board = _layer(rectangle(shape, center, height + 1.2 * margin, width + 1.2 * margin, 4), 0.06)
    board *= _layer(pad, 0.3) * _layer(rectangle(shape, center, 0.96 * height, 0.96 * width, 2), die)
    # the solder layer is never quite even
    depth = absorption * (1 + 0.035 * cloud(rng, shape, 0.3 * min(height, width)))
    if leads:
        copper, lead = _leads(shape, center, height, width, margin)
        board *= _layer(copper, 0.25) * _layer(lead, 0.9 * depth)

    vias_px: list[tuple[float, float, float]] = []
    if vias is not None:
        r = via_um / 2 / pixel_um
        vias_px = [
            (
                center[0] + (i + 0.5 - vias[0] / 2) * height / vias[0],
                center[1] + (j + 0.5 - vias[1] / 2) * width / vias[1],
                r,
            )
            for i in range(vias[0])
            for j in range(vias[1])
        ]
    open_hole = np.zeros(shape, dtype=np.float32)
    for row, column, r in vias_px:
        window, d2 = around(shape, row, column, r + 4)
        distance = np.sqrt(d2)
        open_hole[window] = np.maximum(open_hole[window], np.clip(r - distance + 0.5, 0, 1))
        board[window] *= np.exp(-0.5 * np.exp(-(((distance - r - 1) / 1.3) ** 2)))

    joint = pad * (1 - open_hole)
    outlines = _pad_voids(rng, center, (height, width), share * float(joint.sum()), voids, rough, vias_px, where)
    void, inside = drawn(shape, outlines)
    solder = np.exp(-depth)
    for outline in outlines:
        window, cover, _ = outline.patch(shape)
        # small bubbles do not reach through the whole joint
        left = 1 - min(0.95, 0.45 + outline.ecd / 60)
        solder[window] += cover * (np.exp(-left * depth[window]) - np.exp(-depth[window]))
    void = void * joint

    labels = np.where(pad >= 0.5, 1, 0).astype(np.int32)
    labels[(inside == 1) & (labels == 1)] = 2
    labels[open_hole >= 0.5] = 0
    total = float(joint.sum())
    areas = [float((o.patch(shape)[1] * joint[o.patch(shape)[0]]).sum()) for o in outlines]
    middle = (round(center[0]), round(center[1]))
    quadrants = []
    for vertical in (slice(None, middle[0]), slice(middle[0], None)):
        for horizontal in (slice(None, middle[1]), slice(middle[1], None)):
            part = (vertical, horizontal)
            quadrants.append(100 * float(void[part].sum()) / float(joint[part].sum()))
    one = Joint(
        joint=1,
        row_px=center[0],
        column_px=center[1],
        area_um2=total * pixel_um**2,
        void_percent=100 * float(void.sum()) / total,
        largest_void_percent=100 * max(areas, default=0.0) / total,
        quadrants=tuple(quadrants),
    )
    light = background * board * (1 - joint + joint * solder)
    return _xray_field(rng, light, labels, [one], vias_px, pixel_um, blur_px)


def _layer(cover: Gray, exponent: float | Gray) -> Gray:
    """Light that passes a layer of known cover and absorption."""
    return np.asarray(1 + cover * (np.exp(-np.asarray(exponent)) - 1), dtype=np.float32)


def _xray_field(
    rng: np.random.Generator,
    light: Gray,
    labels: LabelImage,
    joints: Sequence[Joint],
    vias_px: Sequence[tuple[float, float, float]],
    pixel_um: float,
    blur_px: float,
) -> Field:
    shape = light.shape
    light = blurred(light.astype(np.float32), blur_px) if blur_px > 0 else light
    light = light * (1 + 0.006 * cloud(rng, shape, 20.0))
    shares = [joint.void_percent for joint in joints]
    truth = {
        "field.void_percent.max": float(max(shares)),
        "field.void_percent.mean": float(sum(shares) / len(shares)),
        "field.largest_void_percent.max": float(max(joint.largest_void_percent for joint in joints)),
        # of discs: 10 sqrt(share in %)
        "field.void_diameter_percent.max": float(10 * max(joint.largest_void_percent for joint in joints) ** 0.5),
    }
    return Field(
        pixels=to_8bit(light),
        labels=labels,
        classes={0: "background", 1: "joint", 2: "void"},
        kind="semantic",
        pixel_um=pixel_um,
        truth=truth,
        joints=tuple(joints),
        vias_px=tuple(vias_px),
    )


def _void_shares(
    rng: np.random.Generator, void_percent: float | Sequence[float], count: int, where: str
) -> list[float]:
    if isinstance(void_percent, int | float):
        # a gamma distribution of shape 2: most joints below the mean, a few well above
        wanted = [float(x) for x in np.clip(rng.gamma(2.0, void_percent / 2, count), 0, 2.5 * void_percent)]
    else:
        wanted = [float(x) for x in void_percent]
    if len(wanted) != count:
        msg = f"synthetic.{where}: {len(wanted)} void shares given, there are {count} joints"
        raise SettingsError(msg)
    if not all(0 <= x <= 45 for x in wanted):
        msg = f"synthetic.{where}: void shares must lie between 0 and 45 %, got {max(wanted):g} %"
        raise SettingsError(msg)
    return wanted


def _random_voids(
    rng: np.random.Generator, percent: float, radius: float, most: int
) -> list[tuple[float, float, float]]:
    """Discs inside a circle that do not touch and fill ``percent`` of it; one disc where no other choice was found."""
    if percent == 0:
        return []
    whole = radius * sqrt(percent / 100)
    for _ in range(200 if whole > 0.05 * radius else 0):
        parts = rng.dirichlet(np.full(int(rng.integers(1, most + 1)), 1.2))
        radii = [r for r in radius * np.sqrt(percent / 100 * np.sort(parts)[::-1]) if r > 0.05 * radius]
        if not radii:
            continue
        scale = sqrt(percent / 100 * radius**2 / sum(r**2 for r in radii))
        found: list[tuple[float, float, float]] = []
        for r in (r * scale for r in radii):
            for _ in range(60):
                away, angle = (0.94 * radius - r) * sqrt(rng.uniform()), rng.uniform(0, 2 * pi)
                row, column = away * sin(angle), away * cos(angle)
                if r < 0.94 * radius and all(
                    hypot(row - a, column - b) > r + d / 2 + 0.05 * radius for a, b, d in found
                ):
                    found.append((row, column, 2 * r))
                    break
        if len(found) == len(radii):
            return found
    # too small a share to be split, or never free of contact: one void of at most 45 % always fits
    away, angle = (0.94 * radius - whole) * sqrt(rng.uniform()), rng.uniform(0, 2 * pi)
    return [(away * sin(angle), away * cos(angle), 2 * whole)]


def _void_groups(holes: Sequence[tuple[float, float, float]], radius: float) -> list[float]:
    """Area of every connected group of discs, cut by the circle of the joint. [unit of the input, squared]"""
    left = list(range(len(holes)))
    areas = []
    while left:
        group = [left.pop()]
        for member in group:
            a, b, d = holes[member]
            touching = [i for i in left if hypot(a - holes[i][0], b - holes[i][1]) < (d + holes[i][2]) / 2]
            left = [i for i in left if i not in touching]
            group += touching
        first = holes[group[0]]
        if len(group) == 1 and hypot(first[0], first[1]) + first[2] / 2 <= radius:
            areas.append(pi * first[2] ** 2 / 4)
        else:
            areas.append(_union_area([holes[i] for i in group], radius))
    return areas


def _union_area(holes: Sequence[tuple[float, float, float]], radius: float) -> float:
    """Area of the union of discs inside a circle, by exact chords on 4000 lines."""
    top = max(min(a - d / 2 for a, _, d in holes), -radius)
    bottom = min(max(a + d / 2 for a, _, d in holes), radius)
    if bottom <= top:
        return 0.0
    lines = 4000
    y = top + (np.arange(lines) + 0.5) * (bottom - top) / lines
    limit = np.sqrt(radius**2 - y**2)
    chords = []
    for a, b, d in holes:
        half = np.sqrt(np.clip(d**2 / 4 - (y - a) ** 2, 0, None))
        cut = half > 0
        chords.append(
            (
                np.where(cut, np.clip(b - half, -limit, limit), limit),
                np.where(cut, np.clip(b + half, -limit, limit), limit),
            )
        )
    starts = np.stack([c[0] for c in chords])
    ends = np.stack([c[1] for c in chords])
    order = np.argsort(starts, axis=0)
    starts, ends = np.take_along_axis(starts, order, 0), np.take_along_axis(ends, order, 0)
    covered = np.zeros(lines)
    reach = np.full(lines, -np.inf)
    for start, end in zip(starts, ends, strict=True):
        covered += np.clip(end - np.maximum(start, reach), 0, None)
        reach = np.maximum(reach, end)
    return float(covered.sum() * (bottom - top) / lines)


def _pad_voids(
    rng: np.random.Generator,
    center: tuple[float, float],
    size: tuple[float, float],
    area: float,
    count: int,
    rough: float,
    vias_px: Sequence[tuple[float, float, float]],
    where: str,
) -> list[Outline]:
    """Voids of a pad, large ones first, that keep clear of each other, of the rim and of the vias."""
    for _ in range(40):
        parts = np.sort(rng.lognormal(0.0, 1.6, count))[::-1]
        ecds = np.sqrt(4 / pi * area * parts / parts.sum())
        if ecds[0] > 0.45 * min(size):
            continue
        placed: list[Outline] = []
        for ecd in ecds:
            for _ in range(300):
                outline = Outline.star(
                    rng,
                    center[0] + rng.uniform(-0.5, 0.5) * size[0],
                    center[1] + rng.uniform(-0.5, 0.5) * size[1],
                    float(ecd),
                    rough=rough * min(1.0, ecd / 25),
                    stretch=rng.uniform(1, 1.5),
                )
                reach = outline.reach + 3
                if (
                    abs(outline.row - center[0]) + reach < size[0] / 2
                    and abs(outline.column - center[1]) + reach < size[1] / 2
                    and all(hypot(outline.row - o.row, outline.column - o.column) > reach + o.reach for o in placed)
                    and all(hypot(outline.row - a, outline.column - b) > reach + r for a, b, r in vias_px)
                ):
                    placed.append(outline)
                    break
            else:
                break
        if len(placed) == count:
            return placed
    msg = f"synthetic.{where}: {count} voids do not fit in the pad; ask for fewer, or a smaller void share"
    raise SettingsError(msg)


def _board(
    rng: np.random.Generator,
    shape: Shape,
    at: Sequence[tuple[float, float]],
    step: float,
    r_px: float,
    *,
    vias: bool,
    traces: bool,
) -> tuple[Gray, list[tuple[float, float, float]]]:
    """Transmission of the board: laminate, copper traces and plated holes between the balls."""
    copper = np.zeros(shape, dtype=np.uint8)
    holes: list[tuple[float, float, float]] = []
    r = max(0.13 * step, 2.0)
    width = max(round(0.09 * step), 2)
    ring = np.zeros(shape, dtype=np.float32)
    for row, column in at:
        if rng.uniform() < 0.55:
            down, right = rng.choice([-0.5, 0.5]), rng.choice([-0.5, 0.5])
            hole = (row + down * step, column + right * step, r)
            if traces:
                line(copper, (row, column), hole[:2], width)
            if vias and all(hypot(hole[0] - a, hole[1] - b) > r for a, b, _ in holes):
                holes.append(hole)
        elif traces:
            line(copper, (row, column), (row + rng.choice([-1, 1]) * 0.5 * step, column), width)
    for row, column, radius in holes:
        window, d2 = around(shape, row, column, radius + 6)
        if d2.size:
            distance = np.sqrt(d2)
            ring[window] = np.maximum(ring[window], np.exp(-(((distance - radius) / (0.22 * radius)) ** 2)))
    pads = np.zeros(shape, dtype=np.float32)
    for row, column in at:
        window, d2 = around(shape, row, column, r_px)
        pads[window] = np.clip(0.86 * r_px - np.sqrt(d2) + 0.5, 0, 1)
    weave = 0.5 * (np.sin(np.arange(shape[0]) * 2 * pi / 7.3)[:, None] + np.sin(np.arange(shape[1]) * 2 * pi / 8.1))
    path = 0.10 * copper.astype(np.float32) / 255 + 0.10 * pads + 0.5 * ring + 0.006 * weave.astype(np.float32)
    return np.exp(-path).astype(np.float32), holes


def _leads(shape: Shape, center: tuple[float, float], height: float, width: float, margin: float) -> tuple[Gray, Gray]:
    """Copper and solder of the terminals around a pad."""
    copper = np.zeros(shape, dtype=np.float32)
    solder = np.zeros(shape, dtype=np.float32)
    pitch = 0.19 * min(height, width) / 1.6
    for side in range(4):
        length = width if side % 2 == 0 else height
        across = height if side % 2 == 0 else width
        count = int(length / pitch)
        for i in range(count):
            shift = (i - (count - 1) / 2) * pitch
            away = (across / 2 + 0.62 * margin) * (1 if side < 2 else -1)
            row, column = (away, shift) if side % 2 == 0 else (shift, away)
            long, short = 0.5 * margin, 0.55 * pitch
            size = (long, short) if side % 2 == 0 else (short, long)
            where = (center[0] + row, center[1] + column)
            for canvas, scale in ((solder, 0.8), (copper, 1.0)):
                reach = ceil(max(size)) + 4
                top, left = int(where[0]) - reach, int(where[1]) - reach
                window = (slice(max(top, 0), top + 2 * reach), slice(max(left, 0), left + 2 * reach))
                part = canvas[window]
                local = (where[0] - max(top, 0), where[1] - max(left, 0))
                part[:] = np.maximum(part, rectangle(part.shape, local, scale * size[0], scale * size[1], 0.2 * short))
    return copper, solder
