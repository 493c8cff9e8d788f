"""Find the faint voids of a solder ball: bubbles fitted one by one to what its solder does not explain.

A bubble takes its chord away from the path through the solder, so a small or deep one is a faint dome without an
outline of its own. But its shape is known, and a shape that is known is found far below what an outline needs: by the
filter that matches it, whose answer in units of its own noise is the significance (matching pursuit, Mallat & Zhang
1993). What solder alone would show is read from the ball itself: the gray value at each distance from its rim.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from inspect_tool.measure.ball_doubts import of_bubbles
from inspect_tool.model import Mask
from inspect_tool.segmentation.joints.regions import Floats, Gray, connected

_BLUR_PX = 1.2  # standard deviation of the edges in an X-ray image, as a rule
_LEAST_BLUR = 0.6  # px, also in an image that is reduced
_RADIUS_PX = 24  # of a ball that is looked at: a larger one is reduced
_SURER = 1.5  # times the significance of a void with an outline: beside its rim no ball is an exact one
_NARROWEST_PX = 8.0  # radius of a ball that shows more of its rim's blur than of its solder
_INNER = 0.9  # of the radius: beyond, the side of the ball is steep
_ENOUGH = 0.2  # share of a ball that is solder to compare with
_LEAST_RING = 6  # pixels at one depth, that tell a percentile
_MOST = 8  # bubbles that are looked for in one ball
_LARGEST = 0.5  # radius of a faint bubble, of that of its ball [1]
_NEXT = 1.4  # from one radius that is tried to the next
_SEEN = 0.5  # share of a bubble that is not hidden by voids that are known, or by the rim
_RIM_PX = 2.0  # at the rim gray values tell more of its shape than of solder
_QUANTILE = (35, 50)  # of the gray values at one depth for the solder: while its bubbles are not known, and after
_LEFT = 0.3  # of the height of a bubble: what may be left of the gray values after its fit, beside noise
_UNEXPLAINED = 0.05  # share of a ball that solder and bubbles do not explain: something else lies over it
_LEAST_NOISE = 0.004  # of the contrast of the ball; besides, what rounding to gray levels makes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A spherical void. Lengths in pixels, its height in gray levels."""

    row: float
    column: float
    radius: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ball:
    """A ball as it is looked at; arrays (rows, columns)."""

    image: Gray
    mask: Mask
    depth: Floats  # 1 at the rim, 0 at the center: distance from there over that of the rim, which is smooth
    radius: float


def faint_bubbles(
    image: Gray, joint: Mask, void: Mask, *, contrast: float, min_px: float, min_contrast: float, significance: float
) -> list[tuple[Mask, float]]:
    """Find bubbles in the solder of a ball beside its known voids.

    Parameters
    ----------
    image : array (rows, columns)
        Gray values, solder dark.
    joint, void : boolean array (rows, columns)
        The ball, and its voids that are known.
    contrast : float
        Of the ball against its surroundings. [gray levels]
    min_px, min_contrast, significance : float
        Of the smallest bubble: its diameter [px], its height over the contrast [1], and its height times the root of
        its area over the noise [1].

    Returns
    -------
    list of (mask, significance)
        Of every bubble; those of a group that no bubbles make (a band) are left out.
    """
    factor = max(1, round((np.count_nonzero(joint) / np.pi) ** 0.5 / _RADIUS_PX))
    known = cv2.dilate(void.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    ball = _ball(_reduced(image, factor), _reduced(joint.astype(np.float32), factor) >= 0.5)
    significance *= _SURER
    free = ball.mask & (_reduced(known.astype(np.float32), factor) < 0.5)
    blur = max(_BLUR_PX / factor, _LEAST_BLUR)
    rows, columns = np.ogrid[: joint.shape[0], : joint.shape[1]]
    found = []
    for each, told in _pursued(ball, free, blur, min_px / 2 / factor, contrast, min_contrast, significance):
        row, column = (factor * (at + 0.5) - 0.5 for at in (each.row, each.column))
        found.append((np.hypot(rows - row, columns - column) <= each.radius * factor, told))
    parts = connected(np.any([void, *(mask for mask, _ in found)], axis=0))
    return [(mask & joint, told) for mask, told in found if mask.any() and of_bubbles(parts == parts[mask][0])]


def _reduced(image: Gray, factor: int) -> Gray:
    height, width = (-(-size // factor) * factor for size in image.shape)
    padded = np.pad(image, ((0, height - image.shape[0]), (0, width - image.shape[1])), mode="edge")
    means = padded.reshape(height // factor, factor, width // factor, factor).mean((1, 3))
    return np.asarray(means, dtype=np.float32)


def _ball(image: Gray, mask: Mask) -> _Ball:
    """Draw the rim of a ball smoothly: its squared radius as a Fourier series in the angle, to the third order."""
    rows, columns = np.nonzero(mask)
    down = np.arange(mask.shape[0])[:, None] - rows.mean()
    right = np.arange(mask.shape[1])[None] - columns.mean()
    angle = np.arctan2(down, right)
    own = angle[mask]
    squared = np.full(mask.shape, len(own) / np.pi)
    for k in (2, 3):
        squared += 2 / np.pi * (np.cos(k * own).sum() * np.cos(k * angle) + np.sin(k * own).sum() * np.sin(k * angle))
    depth = np.hypot(down, right) / np.sqrt(np.maximum(squared, 1))
    return _Ball(image=image, mask=mask, depth=depth, radius=(len(own) / np.pi) ** 0.5)


def _pursued(
    ball: _Ball, free: Mask, blur: float, smallest: float, contrast: float, min_contrast: float, significance: float
) -> list[tuple[Bubble, float]]:
    """Bubbles in the ``free`` part of a ball, and their significance."""
    least = min_contrast * contrast
    seen = free & ((1 - ball.depth) * ball.radius > _RIM_PX)
    if ball.radius < _NARROWEST_PX or not _enough(ball, free):
        return []
    noise = _noise(ball, free, contrast)
    weight = np.where(seen, 1 / noise, 0.0)
    trials = _trials(ball, weight, blur, smallest)
    bubbles: list[Bubble] = []
    for quantile in _QUANTILE:
        solder = free & ~_covered(bubbles, ball.mask.shape, 1.0)
        if not _enough(ball, solder):
            return []
        above = np.where(seen, ball.image - _solder(ball, solder, quantile), 0)
        bubbles = _refined(bubbles, above, weight, blur)
        while len(bubbles) < _MOST:
            left = above - _drawn(bubbles, above.shape, blur)
            best = _most_significant(left, weight, trials, least, significance)
            if best is None:
                break
            bubbles = _refined([*bubbles, best], above, weight, blur)
        bubbles = [each for each in bubbles if each.height >= least and each.radius >= smallest]
        if not bubbles:
            return []
    left = above - _drawn(bubbles, above.shape, blur)
    off = np.abs(cv2.blur(np.where(seen, left, 0), (3, 3))) > least / 2
    if np.count_nonzero(off & seen) > _UNEXPLAINED * np.count_nonzero(seen):
        return []
    kept = []
    for each in bubbles:
        shape = _drawn([each], above.shape, blur)
        told = float(np.sqrt(((weight * shape) ** 2).sum()))
        hidden = (shape[~seen] ** 2).sum() > (1 - _SEEN) * (shape**2).sum()
        near = _covered([each], above.shape, 1.0) & seen
        if hidden or told < significance or not near.any():
            continue
        rest = float(np.sqrt((left[near] ** 2).mean()))
        if rest <= max(1.5 * float(noise[near].mean()), _LEFT * each.height):
            kept.append((each, told))
    return kept


def _enough(ball: _Ball, solder: Mask) -> bool:
    """Whether there is solder to compare with."""
    return np.count_nonzero(solder & (ball.depth < _INNER)) >= _ENOUGH * np.count_nonzero(ball.mask)


def _noise(ball: _Ball, free: Mask, contrast: float) -> Floats:
    """Noise of every pixel: at least that of the ball, more where more light comes through. [gray levels]."""
    rough = np.abs(ball.image - cv2.medianBlur(ball.image, 3))
    usual = 1.4826 * float(np.median(rough[free]))
    return np.maximum(1.4826 * _by_ring(rough, ball, free, 50, 8), max(usual, _LEAST_NOISE * contrast, 0.3))


def _by_ring(values: Floats | Gray, ball: _Ball, where: Mask, percent: float, rings: int) -> Floats:
    """Percentile of the values at one depth, interpolated over the depth of every pixel."""
    at = ball.depth * rings
    ring = at[where].astype(np.intp)
    order = np.lexsort((values[where], ring))
    sizes = np.bincount(ring, minlength=rings)[:rings]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    enough = np.nonzero(sizes >= min(_LEAST_RING, sizes.max()))[0]
    picked = starts[enough] + (percent / 100 * (sizes[enough] - 1)).astype(np.intp)
    return np.interp(at, enough + 0.5, values[where][order][picked])


def _solder(ball: _Ball, solder: Mask, percent: float) -> Floats:
    """Gray values of solder alone: lighter toward the rim, and a plane of shading."""
    rows, columns = (np.arange(size) - size / 2 for size in ball.mask.shape)
    down, right = (np.broadcast_to(each, ball.mask.shape) / ball.radius for each in (rows[:, None], columns[None]))
    inner = solder & (ball.depth < _INNER)
    terms = np.stack([np.ones(np.count_nonzero(inner)), down[inner], right[inner]], axis=1)
    smooth = cv2.GaussianBlur(ball.image, (0, 0), 0.6)
    plane = np.zeros(ball.mask.shape)
    surface = plane
    for _ in range(3):
        surface = _by_ring(smooth - plane, ball, solder, percent, max(8, round(ball.radius)))
        rest = (smooth - surface)[inner]
        off = rest - plane[inner]
        below = off[off <= np.median(off)]
        spread = max(1.4826 * float(np.median(np.median(off) - below)), 0.3)
        weight = 1 / (1 + (np.maximum(off, 0) / (2 * spread)) ** 2) ** 2
        factors = np.linalg.lstsq(terms * np.sqrt(weight)[:, None], rest * np.sqrt(weight), rcond=None)[0]
        plane = factors[1] * down + factors[2] * right
    return surface + plane


def _trials(ball: _Ball, weight: Floats, blur: float, smallest: float) -> list[tuple[float, Gray, Gray]]:
    """Radii that are tried, the shape of such a bubble, and over the image how much of its square counts.

    That is 0 where too little of it would be seen, or where it would stand out of the ball.
    """
    squares = (weight**2).astype(np.float32)
    trials = []
    radius = smallest
    while radius <= _LARGEST * ball.radius:
        reach = int(np.ceil(radius + 3 * blur))
        side = 2 * reach + 1
        bubble = Bubble(row=reach, column=reach, radius=radius, height=1.0)
        shape = _drawn([bubble], (side, side), blur).astype(np.float32)
        counts = _matched(squares, shape**2)
        share = _matched((squares > 0).astype(np.float32), shape**2) / (shape**2).sum()
        fits = (share >= _SEEN) & (ball.depth * ball.radius + radius <= ball.radius)
        trials.append((radius, shape, np.where(fits, counts, np.float32(0))))
        radius *= _NEXT
    return trials


def _matched(image: Gray, shape: Gray) -> Gray:
    return np.asarray(cv2.filter2D(image, -1, shape, borderType=cv2.BORDER_CONSTANT), np.float32)


def _most_significant(
    above: Floats, weight: Floats, trials: list[tuple[float, Gray, Gray]], least: float, significance: float
) -> Bubble | None:
    """Find the bubble at least so high that matches best, if it is significant."""
    weighted = (weight**2 * above).astype(np.float32)
    best, most = None, significance
    for radius, shape, counts in trials:
        answer = _matched(weighted, shape)
        high = (counts > 0) & (answer >= least * counts)
        told = np.where(high, answer / np.sqrt(np.maximum(counts, 1e-9)), 0)
        row, column = np.unravel_index(int(told.argmax()), told.shape)
        if told[row, column] > most:
            most = float(told[row, column])
            height = float(answer[row, column] / counts[row, column])
            best = Bubble(row=float(row), column=float(column), radius=radius, height=height)
    return best


def _drawn(bubbles: list[Bubble], size: tuple[int, ...], blur: float) -> Floats:
    """Draw the chords of bubbles over their diameters, times their heights, blurred."""
    sharp = np.zeros(size, np.float32)
    rows, columns = np.ogrid[: size[0], : size[1]]
    for each in bubbles:
        away = (rows - each.row) ** 2 + (columns - each.column) ** 2
        sharp += (each.height * np.sqrt(np.maximum(1 - away / each.radius**2, 0))).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(sharp, (0, 0), blur, borderType=cv2.BORDER_CONSTANT), np.float64)


def _covered(bubbles: list[Bubble], size: tuple[int, ...], more: float) -> Mask:
    rows, columns = np.ogrid[: size[0], : size[1]]
    covered = np.zeros(size, bool)
    for each in bubbles:
        covered |= np.hypot(rows - each.row, columns - each.column) <= each.radius + more
    return covered


def _refined(bubbles: list[Bubble], above: Floats, weight: Floats, blur: float) -> list[Bubble]:
    """Fit all bubbles together by least squares: a few steps of Gauss and Newton, damped."""
    for _ in range(4 if bubbles else 0):
        columns = []
        total = _drawn(bubbles, above.shape, blur)
        near = _covered(bubbles, above.shape, 3 * blur + 1) & (weight > 0)
        for each in bubbles:
            one = Bubble(row=each.row, column=each.column, radius=each.radius, height=1.0)
            wider = Bubble(row=each.row, column=each.column, radius=each.radius + 0.2, height=1.0)
            shape = _drawn([one], above.shape, blur)
            down, right = np.gradient(shape)
            grown = (_drawn([wider], above.shape, blur) - shape) / 0.2
            columns += [-each.height * down, -each.height * right, each.height * grown, shape]
        terms = np.stack([(column * weight)[near] for column in columns], axis=1)
        square = terms.T @ terms
        rest = terms.T @ ((above - total) * weight)[near]
        step = np.linalg.solve(square + np.diag(1e-2 * np.diag(square) + 1e-9), rest).reshape(-1, 4)
        bubbles = [
            Bubble(
                row=each.row + float(np.clip(move[0], -1, 1)),
                column=each.column + float(np.clip(move[1], -1, 1)),
                radius=max(each.radius + float(np.clip(move[2], -0.3, 0.3) * each.radius), 0.8),
                height=max(each.height + float(np.clip(move[3], -0.5 * each.height, each.height)), 1e-3),
            )
            for each, move in zip(bubbles, step, strict=True)
        ]
    return bubbles
