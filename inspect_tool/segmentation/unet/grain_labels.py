"""From a map of boundary probability to grains: gaps closed, lines without support dropped, no pixel lost.

The map is cut at several levels; the mean distance to the lines at these levels is a landscape in which a gap is a
pass that is narrower than the grains on both sides of it. Its basins are flooded, which gives more regions than
there are grains. A boundary between two of them is then judged by the share of it whose probability lies above a
level: below 0.7 it vanishes, weakest first. The smaller a region is, the more must be believed of the boundaries that
set it apart: texture makes small cells with a doubtful side, grains seldom do. Scratches are left out where the gray
picture shows that they are thinner than the boundaries, twin lines by how they end. Another level is another
segmentation, made of the same regions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil, exp, log, sqrt
from typing import Annotated, Literal
from zlib import compress, decompress

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.errors import BackendError
from inspect_tool.measure import boundaries, flooding, scratches, twins
from inspect_tool.measure.boundaries import FloatImage, Floats, Regions
from inspect_tool.measure.flooding import Area, strips
from inspect_tool.model import GrayImage, LabelImage, Mask
from inspect_tool.pixels.stored import zeros_like

Probability = NDArray[np.uint8] | NDArray[np.float32]

CUTS = (0.04, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)  # levels at which the map is cut for the landscape
SHARPEN, SHARPEN_PX = 0.8, 2.0  # how much the map is sharpened before it is flooded, and how far that reaches [px]
KINK = 0.4  # standard deviation of the smoothing of an enlarged map, in pixels of the small one
UNIT = 140.0  # what a probability of 1 is in the sharpened map, whose crests rise above it and must fit into 8 bits
SHORTEST_LINE_PX = 6.0  # shorter pieces of the cut maps are specks [px]
BASIN_PX = 0.1  # depth below which two basins are one: what is parted too much is joined again [px]
JUNCTION_PX = 3.0  # radius about triple points where the support of a boundary is not judged [px] ...
JUNCTION_WEIGHT = 0.1  # ... but for this weight, so that short boundaries have a support at all
CLEAR, DOUBTFUL = (0.12, 0.3, 0.1), (0.3, 0.4, 0.6)
"""Share of the boundary length that is doubtful, and the level and the size of a fragment that go with it.

Where nearly all boundaries are clear, a doubtful one that closes a cell is a grain boundary with little etch. Where
many are doubtful (tinted, deformed grains), texture looks like boundaries, and more must be seen of them. Tuned on
drawn and traced grains.
"""
NEEDED = 1.0  # mean belief that the boundaries of a speck need; nothing is needed beyond the size of a fragment [1]
SUPPORT = 0.7  # share of a boundary that must be seen, the rest is bridged [1]
BELIEFS = 20  # classes of probability in which the length of a boundary is kept
_BELIEFS = (np.arange(BELIEFS) + 0.5) / BELIEFS
_WEIGHT, _BELIEF = 6, 7  # rows of the sides, behind the pixel pairs and their moments
SEEN, SURE = 0.3, 0.8  # between these a boundary is doubtful; below the first it is none [1]
SHIFT = 0.85  # of the log odds of the level, to either side, for the alternatives
FRAGMENT = 0.03  # below this share of the mean grain lie pieces of particles and of double lines
ISLAND = 0.05  # an island in one grain, smaller than this share of the mean grain, is a particle or a pit
INTERIOR = 0.5  # a grain has a pixel that is less likely than this to be boundary
SMALLEST_PX = 12
MISSED_U_REL = 0.03
"""Standard uncertainty of the boundary length that no level brings back: 0.09 G.

From drawn fields: 95 of 100 errors are below 0.13 G, of which the levels show hardly anything; and from the steel,
whose carbides and faint lines the network reads otherwise than a hand (docs/validation-networks.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a map is parted; the defaults suit the shipped network."""

    level: Annotated[float | None, Doc("probability that counts as seen; None: found [1]")] = None
    lower: Annotated[
        float | None, Doc("levels that are as plausible, for the uncertainty; None: from the level [1]")
    ] = None
    higher: float | None = None
    smallest_px: Annotated[int, Doc("smaller regions join a neighbor [px]")] = SMALLEST_PX
    twins: Annotated[Literal["ignore", "count"], Doc("twins that are etched like grain boundaries")] = "ignore"
    scratches: Annotated[
        Literal["ignore", "count"], Doc("thin lines among boundaries that are etched wide and dark")
    ] = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partition:
    """Regions before merging; all the levels are made of them."""

    inside: Mask  # (rows, columns): the region; labels are held or stored as it is
    packed: tuple[bytes, ...]  # region numbers, strip by strip: a few percent of their size
    regions: (
        Regions  # nodes: pixels, those on the image edge; sides: pixel pairs, their moments, weight, weight by belief
    )
    levels: tuple[float, float, float]  # lower, used, higher
    doubtful: float  # share of the boundary length that is neither clear nor nothing
    fragment: float  # smaller regions need more belief, over the mean region that is left at a level [1]
    settings: Settings  # with the levels that were found
    gray: GrayImage | None = None  # the picture at the scale of the map
    etch: scratches.Etch | None = None  # what its dark boundaries are like

    @property
    def count(self) -> int:
        """Regions before merging."""
        return len(self.regions.best) - 1


def partition(
    probability: Probability,
    roi: Mask | None,
    settings: Settings,
    where: str = "image",
    *,
    enlarged: float = 1.0,
    gray: GrayImage | None = None,
) -> Partition:
    """Part a field into regions, more of them than there are grains.

    Parameters
    ----------
    probability : ndarray of uint8 (255 is certain) or float32 (1 is certain)
        (rows, columns); probability that a pixel lies on a grain boundary.
    roi : ndarray of bool, optional
        (rows, columns); what lies outside gets no grain.
    settings : Settings
    where : str
        What the error names: the path of the image.
    enlarged : float
        How many times the map was enlarged after the prediction (bilinear): the kinks of that are smoothed, or
        boundaries would follow them. [1]
    gray : ndarray, optional
        (rows, columns); the picture at the scale of the map. Without it grooves and scratches are not looked for.

    Raises
    ------
    BackendError
        Nothing is parted: the map shows no closed grain.
    """
    top = 255.0 if probability.dtype == np.uint8 else 1.0
    inside = np.ones(probability.shape, bool) if roi is None else roi
    if enlarged > 1:
        probability = _smoothed(probability, KINK * enlarged)
    sharp = _sharpened(probability, top)
    distance = boundaries.mean_distance(sharp, None, UNIT * np.array(CUTS), SHORTEST_LINE_PX)
    if not inside.any():
        msg = f"{where}: no pixel lies in the region; check [region]"
        raise BackendError(msg)
    at, number = flooding.h_maxima(distance, BASIN_PX, inside)
    if number.max(initial=0) < 2:
        raise BackendError(_nothing(where))

    def landscape(area: Area) -> FloatImage:
        return sharp[area].astype(np.float32) * np.float32(2 / UNIT) - distance[area]

    labels = flooding.basins(landscape, inside, at, number)
    regions = boundaries.known(labels, lambda: _regions(labels, probability, top))
    packed = tuple(compress(labels[rows].data, 1) for rows in strips(labels.shape))
    doubtful = _doubtful(regions)
    lower, level, higher = levels = _levels(settings, doubtful)
    fragment = float(np.interp(doubtful, (CLEAR[0], DOUBTFUL[0]), (CLEAR[2], DOUBTFUL[2])))
    part = Partition(
        inside=inside,
        packed=packed,
        regions=regions,
        levels=levels,
        doubtful=doubtful,
        fragment=fragment,
        settings=replace(settings, lower=lower, level=level, higher=higher),
    )
    if gray is None:
        return part
    labels, _ = _merged(part, level, where)
    return replace(part, gray=gray, etch=scratches.etch_of(labels, gray, scratches=settings.scratches == "ignore"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grains:
    """Grains of a field at a level of belief, and what was left out to get them."""

    labels: LabelImage  # 1, 2, ... without boundary pixels, every grain 4-connected; 0 only outside the region
    lamellae: int  # regions that were taken for twin lamellae, and merged
    lines: int  # boundaries between two regions that were taken for scratches
    scratched: float  # share of the boundary length in them [1]


def labels_at(part: Partition, level: float | None = None, where: str = "image") -> LabelImage:
    """Grains at a level of belief: the labels of ``grains_at``."""
    return grains_at(part, level, where).labels


def grains_at(part: Partition, level: float | None = None, where: str = "image") -> Grains:
    """Grains at a level of belief; each call makes a new image of the same regions.

    Parameters
    ----------
    part : Partition
    level : float, optional
        Probability that counts as seen; the one that was found or set. [1]

    Raises
    ------
    BackendError
        Fewer than two grains are left.
    """
    lower, used, higher = part.levels
    level = used if level is None else level
    labels, regions = _merged(part, level, where)
    shift = float(np.interp(level, (lower, used, higher), (1, 0, -1)))  # a lower level keeps what another one merges
    lines, scratched, lamellae = 0, 0.0, 0
    if part.gray is not None and part.etch is not None:
        regions, lines, scratched = scratches.without_scratches(labels, part.gray, regions, part.etch, shift)
    if len(regions.best) < 3:
        raise BackendError(_nothing(where))
    if part.settings.twins == "ignore":
        lamellae = twins.merge_twin_lines(labels, regions, shift * twins.OPENING_SHIFT)
    return Grains(labels=labels, lamellae=lamellae, lines=lines, scratched=scratched)


def _merged(part: Partition, level: float, where: str) -> tuple[LabelImage, Regions]:
    """Regions that are left at a level of belief, and their sums."""
    regions = part.regions
    seen = np.clip(_BELIEFS / level - 0.5, 0, 1) @ regions.sides[_BELIEF:]
    owner = boundaries.merge_unsupported(part.count, regions.pairs, seen, regions.sides[_WEIGHT], SUPPORT)
    owner = _without_fragments(regions, owner, part.fragment)
    merged = boundaries.joined([regions], owner)
    given = boundaries.small_given_away(merged, part.settings.smallest_px, _no_grains(merged))
    owner = given[owner]
    if int(owner.max()) < 2:
        raise BackendError(_nothing(where))
    labels: LabelImage = zeros_like(part.inside, np.int32)
    for rows, strip in zip(strips(labels.shape), part.packed, strict=True):
        labels[rows] = owner[np.frombuffer(decompress(strip), np.int32).reshape(-1, labels.shape[1])]
    return labels, boundaries.joined([merged], given)


def alternatives(part: Partition, where: str = "image") -> Iterator[tuple[str, LabelImage]]:
    """Grains at the lower and the higher level, one image at a time; a level that leaves no grain is left out."""
    for name, level in (("boundary level -", part.levels[0]), ("boundary level +", part.levels[2])):
        try:
            yield name, labels_at(part, level, where)
        except BackendError:
            continue


def found(part: Partition, labels: LabelImage) -> dict[str, object]:
    """What the segmentation states beside the settings."""
    return {
        "boundary_levels": [round(level, 3) for level in part.levels],
        "doubtful_boundaries_percent": round(100 * part.doubtful, 1),
        "regions_before_merging": part.count,
        "grains": int(labels.max()),
    }


def _without_fragments(regions: Regions, owner: NDArray[np.int32], fragment: float) -> NDArray[np.int32]:
    """Merge small regions across doubtful boundaries: the smaller one is, the more must be believed of each side.

    A side of a region of no size needs a mean belief of ``NEEDED``, one of ``fragment`` times the mean region and
    more needs none. What falls short most is merged first, and sizes and sides are added up again.
    """
    count = len(regions.best)
    while True:
        merged = boundaries.joined([regions], owner)
        area = merged.nodes[0]
        whole = area[1:][area[1:] > 0]
        if len(whole) < 3:
            return owner
        belief = _BELIEFS @ merged.sides[_BELIEF:] / np.maximum(merged.sides[_WEIGHT], 1e-9)
        smaller = np.minimum(*area[merged.pairs.T])
        short = belief - NEEDED * np.clip(1 - smaller / (fragment * whole.mean()), 0, 1)
        chosen = boundaries.weakest_of_both(len(area), merged.pairs, short, 0.0)
        if not chosen.any():
            return owner
        new = np.arange(count, dtype=np.int32)
        new[merged.pairs[chosen, 1]] = merged.pairs[chosen, 0]
        owner = new[owner]


def _smoothed(probability: Probability, sigma_px: float) -> Probability:
    made: Probability = zeros_like(probability, probability.dtype)
    for rows, part, inner in _around(probability, ceil(4 * sigma_px) + 1):
        made[rows] = cv2.GaussianBlur(part, (0, 0), sigma_px)[inner]
    return made


def _around(probability: Probability, halo: int) -> Iterator[tuple[slice, Probability, slice]]:
    """Give the rows of each strip, the map there and ``halo`` rows around, and the place of the rows in it."""
    for rows in strips(probability.shape):
        top = max(0, rows.start - halo)
        yield rows, probability[top : rows.stop + halo], slice(rows.start - top, rows.stop - top)


def _sharpened(probability: Probability, top: float) -> NDArray[np.uint8]:
    """Map whose valleys and crests stand out: the flood follows the middle of a line also where all of it is certain.

    Lines that run into each other part again, and the tips of grains reach further. 1 becomes ``UNIT``.
    """
    made: NDArray[np.uint8] = zeros_like(probability, np.uint8)
    for rows, near, inner in _around(probability, ceil(4 * SHARPEN_PX)):
        part = near.astype(np.float32) * np.float32(UNIT / top)
        blurred = cv2.GaussianBlur(part, (0, 0), SHARPEN_PX)
        deeper = part + np.float32(SHARPEN) * (part - blurred)
        made[rows] = np.clip(np.rint(deeper[inner]), 0, 255)
    return made


def _nothing(where: str) -> str:
    return f"{where}: no closed grain found; check focus and etch, or give masks with backend 'labels'"


def _doubtful(regions: Regions) -> float:
    length = regions.sides[0]
    mean = _BELIEFS @ regions.sides[_BELIEF:] / np.maximum(regions.sides[_WEIGHT], 1e-9)
    seen = float(length[mean >= SEEN].sum())
    return float(length[(mean >= SEEN) & (mean < SURE)].sum()) / seen if seen > 0 else 0.0


def _levels(settings: Settings, doubtful: float) -> tuple[float, float, float]:
    level = settings.level
    if level is None:
        level = float(np.interp(doubtful, (CLEAR[0], DOUBTFUL[0]), (CLEAR[1], DOUBTFUL[1])))
    odds = log(max(level, 1e-6) / max(1 - level, 1e-6))
    lower, higher = (1 / (1 + exp(-odds - shift)) for shift in (-SHIFT, SHIFT))
    return (
        lower if settings.lower is None else settings.lower,
        level,
        higher if settings.higher is None else settings.higher,
    )


def _no_grains(regions: Regions) -> Mask:
    """Regions that are no grains: all line, or too small, or small and within one grain (pits ringed by a line)."""
    area, on_edge = regions.nodes
    neighbors = np.bincount(regions.pairs.ravel(), minlength=len(area))
    grains = area[1:][area[1:] > 0]
    mean = float(grains.mean()) if len(grains) else 0.0
    islands = (area < ISLAND * mean) & (neighbors == 1)
    fragments = area < FRAGMENT * mean
    found: Mask = ((islands | fragments) & (on_edge == 0)) | (regions.best < 1 - INTERIOR)
    found[0] = False
    return found


def _regions(labels: LabelImage, probability: Probability, top: float) -> Regions:
    """Pixels of every region, and those on the edge of the image; what is seen between any two of them."""
    count = int(labels.max())
    halo = ceil(JUNCTION_PX) + 2

    def parts() -> Iterator[Regions]:
        for rows in strips(labels.shape, 1 << 19):
            number = rows.stop - rows.start
            strip = labels[rows.start : rows.stop + 1]
            above = max(0, rows.start - halo)
            free = boundaries.away_from_junctions(labels[above : rows.stop + 1 + halo], JUNCTION_PX)
            free = free[rows.start - above :]
            first_row = max(0, rows.start - 1)
            near = boundaries.largest_nearby(probability[first_row : rows.stop + 2].astype(np.float32))
            near = near[rows.start - first_row :]
            pairs, first, second = boundaries.touching(strip, number)
            weight = np.where(free[tuple(first)] + free[tuple(second)] > 0, 1.0, JUNCTION_WEIGHT)
            seen = np.maximum(near[tuple(first)], near[tuple(second)]) * np.float32(BELIEFS / top)
            belief = np.minimum(seen.astype(np.int32), BELIEFS - 1)
            parted: list[Floats] = [weight * (belief == k) for k in range(BELIEFS)]
            moments = boundaries.side_moments(first, second, rows.start)
            pairs, sides = boundaries.sum_by_pair(pairs, [*moments, weight, *parted])
            edge = [strip[:number, 0], strip[:number, -1]]
            edge += [strip[0]] * (rows.start == 0) + [strip[number - 1]] * (rows.stop == labels.shape[0])
            nodes = [np.bincount(part, minlength=count + 1) for part in (strip[:number].ravel(), np.concatenate(edge))]
            best = np.full(count + 1, -np.inf)
            np.maximum.at(best, strip[:number].ravel(), 1 - probability[rows].ravel() / np.float64(top))
            yield Regions(
                nodes=np.stack(nodes).astype(np.float64),
                best=best,
                pairs=pairs,
                sides=np.stack(sides),
            )

    return boundaries.joined(parts())


# --------------------------------------------------------------------------------------------------- magnification


def grain_size_px(probability: Probability, roi: Mask | None = None) -> float:
    """Mean intercept along rows and columns, from the lines of the map that are more likely than not. [px]

    Infinite where no line is met.
    """
    line = probability > (127 if probability.dtype == np.uint8 else 0.5)
    inside = np.ones(line.shape, bool) if roi is None else roi
    entered = 0
    length = 0
    for here, before, counts in (
        (line[:, 1:], line[:, :-1], inside[:, 1:]),
        (line[1:], line[:-1], inside[1:]),
    ):
        entered += int(np.count_nonzero(here & ~before & counts))
        length += int(np.count_nonzero(counts))
    return length / entered if entered else float("inf")


def settled_scale(
    predict: Callable[[float], Probability], structure_px: tuple[float, float], *, rounds: int = 3
) -> tuple[float, float]:
    """Magnification at which the grains have a size that the network knows.

    Parameters
    ----------
    predict : function
        Gives the map of a sample of the image, magnified by a factor (below 1: made smaller).
    structure_px : tuple of float
        Smallest and largest mean intercept seen in training. [px]
    rounds : int
        Most trials; each looks at the map of the last one.

    Returns
    -------
    scale : float
        Factor; 1 where the grains are within the range as they are.
    intercept_px : float
        Estimated mean intercept in the image as it is, a rough figure for the report. [px]
    """
    low, high = structure_px
    middle = sqrt(low * high)
    scale, size = 1.0, float("inf")
    for _ in range(rounds):
        seen = grain_size_px(predict(scale))
        size = seen / scale
        if low <= seen <= high:
            break
        scale *= 0.25 if seen == float("inf") else min(max(middle / seen, 0.25), 4.0)
    return scale, size
