"""Our own engine: a small U-Net that sees a crop about the clicks, the clicks, and the mask of before.

How large an object is, a click does not say. The network is asked at steps of zoom a factor of two apart; of the masks
that fit their crop the steadiest is taken, and the network is asked again with that object in the middle of a crop of
its own. Both masks agree where the network knows what it sees: their overlap is the predicted quality.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log2, pi, sqrt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.model import GrayImage, Mask, Micrograph, ModelCard
from inspect_tool.pixels.distances import distances
from inspect_tool.segmentation.networks.arguments import prompt_arguments
from inspect_tool.segmentation.networks.runtime import Device, Engine, Precision, Predictor, predictor
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import check_fit, gray_range, load_weights, normalized
from inspect_tool.segmentation.prompt.engine import Search, asked_all, grid_points
from inspect_tool.segmentation.prompt.guidance import BOX, CHANNELS, OUTSIDE, SIDE, against_clicks, discs
from inspect_tool.segmentation.prompt.patches import Patch, one_piece, patch, stability
from inspect_tool.segmentation.prompt.prompts import Point, Prompt

GRID = 8  # points along a crop
FINEST = 0.5  # pixels of the image to one of a crop, at least
SIZES_PX = (16.0, 90.0)  # diameters of objects in a crop that the network knows; if the card says nothing else [px]
FILLED = 0.5  # share of the side of a crop that an object gets when it is asked for again
BATCH = 16  # crops at a time

Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A square part of the image, as a crop of ``SIDE`` pixels."""

    top: float  # edge in the image [px]
    left: float
    pitch: float  # pixels of the image to one of the crop [px]
    level: int  # of the halved images it is read from

    def inside(self, point: Point) -> tuple[float, float]:
        """Row and column in the crop of a place in the image."""
        return (point[0] + 0.5 - self.top) / self.pitch - 0.5, (point[1] + 0.5 - self.left) / self.pitch - 0.5

    def outside(self, row: float, column: float) -> Point:
        """Place in the image of a row and column of the crop."""
        return (row + 0.5) * self.pitch + self.top - 0.5, (column + 0.5) * self.pitch + self.left - 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clicked:
    """The network made ready, with its card."""

    card: ModelCard
    predictor: Predictor

    def field(self, micrograph: Micrograph) -> "ClickedField":
        """Make one image ready: its gray values and what it looks like from farther away."""
        try:
            span = gray_range(micrograph.pixels, self.card.normalization, micrograph.roi)
        except BackendError as error:
            msg = f"{micrograph.path}: {error}"
            raise BackendError(msg) from None
        levels = [micrograph.pixels]
        while max(levels[-1].shape) > 2 * SIDE:
            levels.append(_halved(levels[-1]))
        return ClickedField(engine=self, levels=tuple(levels), span=span, roi=micrograph.roi, path=micrograph.path)


def ready(folder: Path, *, device: Device, engine: Engine, precision: Precision) -> Clicked:
    """Read a model folder and make its network ready.

    Raises
    ------
    BackendError
        See ``load_weights`` and ``predictor``.
    """
    card, weights = load_weights(folder, "prompt")
    network = UNet(in_channels=CHANNELS, classes=2, **prompt_arguments(card.network, f"{folder} network"))
    check_fit(network, weights, folder)
    made = predictor(network, weights, folder, device=device, engine=engine, precision=precision)
    return Clicked(card=card, predictor=made)


def _halved(pixels: GrayImage) -> GrayImage:
    """Mean of every 2 x 2 pixels; an odd edge is taken twice."""
    even = np.pad(pixels, [(0, n % 2) for n in pixels.shape], mode="edge").astype(np.float32, copy=False)
    size = (even.shape[1] // 2, even.shape[0] // 2)
    return np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClickedField:
    """One image at steps of zoom."""

    engine: Clicked
    levels: tuple[GrayImage, ...]  # each half as large as the one before
    span: tuple[float, float]  # gray values that become 0 and 1
    roi: Mask | None
    path: str
    searched: dict[str, Any] = field(default_factory=dict)

    @property
    def described(self) -> dict[str, Any]:
        """How it was run."""
        return {**self.engine.predictor.described, **self.searched}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the image. [px]"""
        return self.levels[0].shape[0], self.levels[0].shape[1]

    @property
    def sizes_px(self) -> tuple[float, float]:
        """Diameters of objects in a crop that the network knows. [px]"""
        return self.engine.card.structure_px or SIZES_PX

    # ------------------------------------------------------------------------------------------- one prompt

    def answer(self, prompt: Prompt) -> Patch:
        """The object that is meant."""
        if prompt.box is not None:
            top, left, bottom, right = prompt.box
            view = self._view(prompt.middle, max(bottom - top, right - left) / (FILLED * SIDE))
            return self._patch(view, self._asked([(view, prompt, self._boxed(view, prompt))])[0], prompt, 1.0)
        first = Prompt(inside=prompt.inside[:1])
        views = [self._view(prompt.middle, pitch) for pitch in self._pitches(prompt)]
        maps = self._asked([(view, first, None) for view in views])
        view, found = max(zip(views, maps, strict=True), key=lambda pair: self._fit(pair[0], pair[1], first.inside))
        if len(prompt.inside) + len(prompt.outside) == 1:
            again = self._again(view, found, first)
            if again is None:
                return self._patch(view, found, prompt, 0.0)
            narrow, second = again
            quality = self._agreed(narrow, self._moved(found, view, narrow), second, first.inside)
            return self._patch(narrow, second, prompt, quality)
        for _ in range(2):  # the second time the mask of before knows of all the clicks
            narrow = self._about(view, found, prompt)
            before = self._moved(found, view, narrow)
            found, view = self._asked([(narrow, prompt, before)])[0], narrow
        return self._patch(view, found, prompt, self._agreed(view, before, found, prompt.inside))

    def _pitches(self, prompt: Prompt) -> list[float]:
        """Steps of zoom at which all clicks lie in the crop, and the whole image in the last one."""
        points = np.array([*prompt.inside, *prompt.outside])
        reach = float(np.abs(points - np.array(prompt.middle)).max())
        pitches = [FINEST]
        while pitches[-1] * SIDE < max(self.shape):
            pitches.append(2 * pitches[-1])
        fit = [pitch for pitch in pitches if pitch * SIDE / 2 > 1.2 * reach]
        return fit or [2.6 * reach / SIDE]

    def _fit(self, view: View, found: Map, inside: Sequence[Point]) -> float:
        """How well a mask sits in its crop and in its own gray: 0 where nothing is found."""
        mask = self._piece(view, found, inside)
        area = int(mask.sum())
        if not area:
            return 0.0
        low, high = self.sizes_px
        ecd = 2 * sqrt(area / pi)
        size = min(1.0, ecd / (1.3 * low), max(0.1, 2 - ecd / (0.9 * high)))
        cut = 0.3 if self._leaves(view, mask) else 1.0
        return size * cut * stability(found) * float(found[mask].mean())

    def _again(self, view: View, found: Map, prompt: Prompt) -> tuple[View, Map] | None:
        """Ask once more with the object in the middle of its own crop; None where there is none."""
        mask = self._piece(view, found, prompt.inside)
        if not mask.any():
            return None
        narrow = self._framed(view, mask)
        return narrow, self._asked([(narrow, prompt, None)])[0]

    def _about(self, view: View, found: Map, prompt: Prompt) -> View:
        """A crop about the mask and all clicks."""
        mask = self._piece(view, found, prompt.inside)
        for point in (*prompt.inside, *prompt.outside):
            row, column = (int(np.clip(round(value), 0, SIDE - 1)) for value in view.inside(point))
            mask[row, column] = True
        return self._framed(view, mask)

    # ------------------------------------------------------------------------------------------ everywhere

    def found(self, search: Search) -> Iterator[Patch]:
        """What may be an object: asked at the points of a grid at every step of zoom."""
        low, high = self.sizes_px
        smallest = low if search.object_px is None else search.object_px[0]
        largest = min(self.shape) / 2 if search.object_px is None else search.object_px[1]
        pitch = max(FINEST, 2.0 ** int(np.floor(log2(max(smallest / low, FINEST)))))
        pitches: list[float] = []
        while not pitches or (1.5 * low * pitch <= largest):
            pitches.append(pitch)
            pitch *= 2
        self.searched.update(zoom_steps=[round(1 / step, 4) for step in pitches])
        self.searched.update(object_sizes_px=[round(low * pitches[0], 1), round(high * pitches[-1], 1)])
        for step in pitches:
            points = grid_points((0, self.shape[0]), (0, self.shape[1]), step * SIDE / (search.grid or GRID), self.roi)
            covered = np.zeros(self.shape, bool)

            def ask(at: Sequence[Point], step: float = step) -> Sequence[Patch | None]:
                return self._proposed(at, step, search)

            yield from asked_all(points, ask, search, covered, BATCH)

    def _proposed(self, points: Sequence[Point], pitch: float, search: Search) -> Sequence[Patch | None]:
        """Object at each point, where one of a size for this zoom is there and is found again."""
        views = [self._view(point, pitch) for point in points]
        prompts = [Prompt(inside=(point,)) for point in points]
        maps = self._asked([(view, prompt, None) for view, prompt in zip(views, prompts, strict=True)])
        low, high = self.sizes_px
        second: list[tuple[int, View, Prompt]] = []
        for number, (view, found, prompt) in enumerate(zip(views, maps, prompts, strict=True)):
            mask = self._piece(view, found, prompt.inside)
            ecd = 2 * sqrt(float(mask.sum()) / pi)
            if not 0.6 * low <= ecd <= 1.1 * high or self._leaves(view, mask) or stability(found) < search.stability:
                continue
            second.append((number, self._framed(view, mask), Prompt(inside=(_innermost(view, mask),))))
        made: list[Patch | None] = [None] * len(points)
        for (number, view, prompt), again in zip(
            second, self._asked([(view, prompt, None) for _, view, prompt in second]), strict=True
        ):
            before = self._moved(maps[number], views[number], view)
            quality = self._agreed(view, before, again, prompt.inside)
            made[number] = self._patch(view, again, prompt, quality)
        return made

    # --------------------------------------------------------------------------------------------- crops

    def _view(self, middle: Point, pitch: float) -> View:
        """Crop about a place; its edge falls on a pixel of the level that it is read from."""
        level = min(max(0, int(np.floor(log2(max(pitch, FINEST)) + 1e-9))), len(self.levels) - 1)
        step = 2**level
        side = max(1, round(SIDE * pitch / step))
        top, left = (round((value + 0.5) / step - side / 2) * step for value in middle)
        return View(top=float(top), left=float(left), pitch=side * step / SIDE, level=level)

    def _framed(self, view: View, mask: NDArray[np.bool_]) -> View:
        """Crop in which what is marked in another one fills its share."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
        middle = view.outside((rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2)
        return self._view(middle, max(FINEST / 2, float(extent) * view.pitch / (FILLED * SIDE)))

    def _gray(self, view: View) -> Map:
        """Normalized gray values of a crop."""
        pixels, step = self.levels[view.level], 2**view.level
        side = round(SIDE * view.pitch / step)
        top, left = round(view.top / step), round(view.left / step)
        rows = slice(max(0, top), max(0, min(pixels.shape[0], top + side)))
        columns = slice(max(0, left), max(0, min(pixels.shape[1], left + side)))
        made = np.full((side, side), OUTSIDE, np.float32)
        part = normalized(pixels[rows, columns], *self.span)
        made[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = part
        how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(made, (SIDE, SIDE), interpolation=how), np.float32)

    def _asked(self, asked: Sequence[tuple[View, Prompt, Map | None]]) -> list[Map]:
        """Probability of the object in each crop."""
        made: list[Map] = []
        for begin in range(0, len(asked), BATCH):
            given = np.stack([self._channels(*one) for one in asked[begin : begin + BATCH]])
            answered = self.engine.predictor.run(given)
            if not np.isfinite(answered).all():
                msg = f"{self.path}: the network gives values that are not finite numbers; check the weights"
                raise BackendError(msg)
            made.extend(answered[:, 0])
        return made

    def _channels(self, view: View, prompt: Prompt, before: Map | None) -> Map:
        """What the network sees of a crop: (CHANNELS, SIDE, SIDE)."""
        gray = self._gray(view)
        inside, outside = (
            discs([view.inside(point) for point in points]) for points in (prompt.inside, prompt.outside)
        )
        mask = np.zeros_like(gray) if before is None else before
        against = np.asarray(against_clicks(gray, inside), np.float32)
        return np.stack([gray, inside, outside, mask, against])

    def _boxed(self, view: View, prompt: Prompt) -> Map:
        """What a box says before anything is known."""
        assert prompt.box is not None
        top, left, bottom, right = prompt.box
        (first, begin), (last, end) = view.inside((top, left)), view.inside((bottom, right))
        made = np.zeros((SIDE, SIDE), np.float32)
        made[max(0, round(first)) : max(0, round(last) + 1), max(0, round(begin)) : max(0, round(end) + 1)] = BOX
        return made

    def _moved(self, found: Map, view: View, other: View) -> Map:
        """A map of one crop as another crop sees it."""
        ratio = other.pitch / view.pitch
        turn = np.array(
            [
                [ratio, 0, (other.left + 0.5 * other.pitch - view.left) / view.pitch - 0.5],
                [0, ratio, (other.top + 0.5 * other.pitch - view.top) / view.pitch - 0.5],
            ]
        )
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(found, turn, (SIDE, SIDE), flags=how), np.float32)

    def _piece(self, view: View, found: Map, inside: Sequence[Point]) -> NDArray[np.bool_]:
        """The piece of the mask that was clicked on."""
        places = []
        for point in inside:
            row, column = (round(value) for value in view.inside(point))
            if 0 <= row < SIDE and 0 <= column < SIDE:
                places.append((row, column))
        return one_piece((found > 0.5).astype(np.uint8), places).astype(bool)

    def _agreed(self, view: View, one: Map, other: Map, inside: Sequence[Point]) -> float:
        """Overlap of two masks of the same object in the same crop."""
        return _overlap(self._piece(view, one, inside), self._piece(view, other, inside))

    def _leaves(self, view: View, mask: NDArray[np.bool_]) -> bool:
        """Whether a mask is cut by the edge of its crop, where that is none of the image."""
        reach = SIDE * view.pitch
        beyond = (
            view.top > 0 and mask[0].any(),
            view.left > 0 and mask[:, 0].any(),
            view.top + reach < self.shape[0] and mask[-1].any(),
            view.left + reach < self.shape[1] and mask[:, -1].any(),
        )
        return any(bool(one) for one in beyond)

    def _patch(self, view: View, found: Map, prompt: Prompt, quality: float) -> Patch:
        return patch(found, (view.top, view.left), (view.pitch, view.pitch), prompt, quality)


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union; 0 where both are empty."""
    either = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / either if either else 0.0


def _innermost(view: View, mask: NDArray[np.bool_]) -> Point:
    """The place of a mask that is farthest from its edge, in the image. [px]"""
    depth = distances(np.pad(mask, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return view.outside(float(row), float(column))
