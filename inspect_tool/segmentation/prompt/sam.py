"""Engine for the SAM family: an encoder and a decoder of the user, exported to ONNX, run by ONNX Runtime.

A. Kirillov et al., "Segment Anything", ICCV 2023, arXiv 2304.02643. The encoder sees an image once; the decoder then
answers any number of prompts from what the encoder made of it, which is kept by the hash of the image. The names of
inputs and outputs are those of the export of the authors; a decoder may also take what else its encoder gives (HQ-SAM,
SAM 2). Weights are never downloaded, and nothing is known of them but what the model card says.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from itertools import pairwise
from math import ceil, pi, sqrt
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool import offline
from inspect_tool.errors import BackendError
from inspect_tool.files import CARD, MOST_WEIGHTS, checked, dump_model_card, load_model_card, read_bytes, sha256_file
from inspect_tool.model import GrayImage, Mask, Micrograph, ModelCard
from inspect_tool.segmentation.networks.arguments import SamArguments, check_card, sam_arguments
from inspect_tool.segmentation.networks.runtime import Device
from inspect_tool.segmentation.networks.weights import gray_range, missing_extra
from inspect_tool.segmentation.prompt.engine import Search, asked_all, grid_points
from inspect_tool.segmentation.prompt.patches import Area, Patch, drawn, patch
from inspect_tool.segmentation.prompt.prompts import Point, Prompt

GRID = 32  # points along a tile; that of the authors
CACHED = 4  # images, or tiles, of which the embedding is kept; 4 MB each
MARGIN = 0.25  # what a tile sees beyond its own part, on each side [1]
LARGEST = 0.5  # an object is no wider than this share of its tile, where nothing is said of sizes [1]

PROMPTS = ("point_coords", "point_labels", "mask_input", "has_mask_input", "orig_im_size")
NEEDED = ("point_coords", "point_labels")
MASKS, QUALITY = ("low_res_masks", "masks"), ("iou_predictions",)

FORBIDDING = ("agpl", "non-commercial", "noncommercial", "cc-by-nc", "cc by-nc", "s-lab")
"""In the name of a licence: what a laboratory that earns money by it must not take without asking its authors."""

KNOWN = {"fastsam": "AGPL-3.0", "edgesam": "NTU S-Lab License 1.0, non-commercial"}
"""Models whose licence is such a one, whatever a card says."""

Embedding = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sam:
    """Encoder and decoder made ready, with their card."""

    card: ModelCard
    arguments: SamArguments
    encoder: Any  # onnxruntime.InferenceSession
    decoder: Any
    side: int  # of the square image of the encoder [px]
    tile_px: int
    where: str  # folder, for errors
    kept: OrderedDict[str, Embedding] = field(default_factory=OrderedDict)  # by hash of the image, oldest first
    turn: Lock = field(default_factory=Lock)  # of the one above

    def field(self, micrograph: Micrograph) -> "SamField":
        """Make one image ready."""
        seen = micrograph.pixels if micrograph.color is None else micrograph.color
        try:
            span = (0.0, 255.0) if seen.dtype == np.uint8 else gray_range(seen, self.card.normalization, micrograph.roi)
        except BackendError as error:
            msg = f"{micrograph.path}: {error}"
            raise BackendError(msg) from None
        return SamField(engine=self, pixels=seen, span=span, roi=micrograph.roi, path=micrograph.path)

    def embedding(self, square: NDArray[np.float32]) -> Embedding:
        """What the encoder makes of an image, from memory where it saw it before."""
        key = sha256(square.tobytes()).hexdigest()
        with self.turn:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        names = [one.name for one in self.encoder.get_outputs()]
        given = self.encoder.get_inputs()[0].name
        made = dict(zip(names, self._run(self.encoder, names, {given: square}), strict=True))
        with self.turn:
            self.kept[key] = made
            while len(self.kept) > CACHED:
                self.kept.popitem(last=False)
        return made

    def _run(self, session: Any, names: Sequence[str], given: Mapping[str, Any]) -> list[NDArray[np.float32]]:
        try:
            made: list[NDArray[np.float32]] = session.run(list(names), dict(given))
        except Exception as error:  # ONNX Runtime has no class of its own for what a graph refuses
            msg = f"{self.where}: the network refuses what it is given: {' '.join(str(error).split())[:200]}"
            raise BackendError(msg) from None
        return made

    def decoded(
        self,
        embedding: Embedding,
        points: NDArray[np.float32],
        labels: NDArray[np.float32],
        shape: tuple[int, int],
        before: NDArray[np.float32] | None,
    ) -> tuple[NDArray[np.float32], float]:
        """Logits of one object on the coarse grid of the decoder, and the quality it predicts.

        Parameters
        ----------
        embedding : Embedding
            Of the image.
        points, labels : ndarray
            (n, 2) x and y in the square image [px]; (n,) 1 inside, 0 outside, 2 and 3 the corners of a box.
        shape : tuple of int
            Rows and columns of the part of the image.
        before : ndarray, optional
            Logits of the mask of before.
        """
        coarse = self.side // 4
        mask = np.zeros((1, 1, coarse, coarse), np.float32) if before is None else before[None, None]
        offered: dict[str, Any] = {
            **embedding,
            "point_coords": points[None].astype(np.float32),
            "point_labels": labels[None].astype(np.float32),
            "mask_input": mask,
            "has_mask_input": np.array([before is not None], np.float32),
            "orig_im_size": np.array(shape, np.float32),
        }
        names = {one.name for one in self.decoder.get_outputs()}
        masks = next(name for name in MASKS if name in names)
        given = {one.name: offered[one.name] for one in self.decoder.get_inputs()}
        logits, quality = self._run(self.decoder, [masks, QUALITY[0]], given)
        if not (np.isfinite(logits).all() and np.isfinite(quality).all()):
            msg = f"{self.where}: the decoder gives values that are not finite numbers; check the weights"
            raise BackendError(msg)
        best = int(np.argmax(quality[0]))
        return logits[0, best], float(np.clip(quality[0, best], 0, 1))


def ready(folder: Path, *, device: Device, tile_px: int) -> Sam:
    """Read the card of a pair, check both files, and make them ready.

    Raises
    ------
    BackendError
        A file is missing or changed, is no network of the kind, the licence contradicts the card, the extra is not
        installed, or there is no such device.
    """
    card = load_model_card(folder)
    check_card(card, folder)
    arguments = sam_arguments(card.network, f"{folder / CARD} network")
    _check_licence(card, folder)
    try:
        engine = offline.onnxruntime()
    except ImportError:
        raise BackendError(missing_extra("a model of the SAM family", "sam")) from None
    provider = _provider(engine, device)
    encoder, decoder = (
        _session(engine, folder, name, stated, provider)
        for name, stated in ((card.weights, card.sha256), (arguments.decoder, arguments.decoder_sha256))
    )
    side = _check_encoder(encoder, arguments, folder / card.weights)
    _check_decoder(encoder, decoder, folder / arguments.decoder)
    return Sam(
        card=card, arguments=arguments, encoder=encoder, decoder=decoder, side=side, tile_px=tile_px, where=str(folder)
    )


def write_card(
    folder: Path,
    *,
    encoder: str,
    decoder: str,
    name: str,
    title: str,
    licence: str,
    commercial: bool,
    **network: object,
) -> ModelCard:
    """Write the card of an encoder and a decoder that lie in a folder.

    Parameters
    ----------
    folder : Path
        Holds both files.
    encoder, decoder : str
        Their names.
    name, title, licence : str
        What the report says of the model.
    commercial : bool
        Whether its licence permits commercial use.
    **network
        ``side``, ``resize``, ``mean``, ``deviation``, where they are not those of SAM.

    Raises
    ------
    BackendError
        A file is not there, or the card contradicts itself.
    """
    for file in (encoder, decoder):
        if not (folder / file).is_file():
            msg = f"{folder / file}: no such file"
            raise BackendError(msg)
    values = {
        "name": name,
        "version": "1",
        "title": title,
        "architecture": "sam",
        "network": {"decoder": decoder, "decoder_sha256": sha256_file(folder / decoder), **network},
        "classes": ("background", "object"),
        "sha256": sha256_file(folder / encoder),
        "licence": licence,
        "commercial": commercial,
        "weights": encoder,
        "channels": "rgb",
        "normalization": (0.0, 100.0),
    }
    card = checked(ModelCard, values, CARD, BackendError)
    check_card(card, folder)
    _check_licence(card, folder)
    (folder / CARD).write_text(dump_model_card(card), encoding="utf-8", newline="\n")
    return card


def _check_licence(card: ModelCard, folder: Path) -> None:
    """Refuse a card that permits what the licence it names does not, or that of a model that is known."""
    known = [said for key, said in KNOWN.items() if key in f"{card.name} {card.title} {card.weights}".lower()]
    forbids = known or [card.licence for word in FORBIDDING if word in card.licence.lower()]
    if card.commercial and forbids:
        msg = (
            f"{folder / CARD}: says commercial = true, but the licence is {forbids[0]}; write commercial = false, or "
            "take another model"
        )
        raise BackendError(msg)


def _provider(engine: Any, device: Device) -> str:
    there = "CUDAExecutionProvider" in engine.get_available_providers()
    if device == "cuda" and not there:
        msg = 'device = "cuda": this ONNX Runtime has no CUDA; set device = "auto" or "cpu"'
        raise BackendError(msg)
    return "CUDAExecutionProvider" if there and device != "cpu" else "CPUExecutionProvider"


def _session(engine: Any, folder: Path, name: str, stated: str, provider: str) -> Any:
    """One network, read once, its hash checked; weights outside of the file are not followed."""
    path = folder / name
    if path.suffix != ".onnx" or path.parent != folder:
        msg = f"{folder / CARD}: got '{name}', must name an .onnx file in this folder"
        raise BackendError(msg)
    if not path.is_file():
        msg = f"{path}: no such file; {CARD} names it"
        raise BackendError(msg)
    data = read_bytes(path, MOST_WEIGHTS)
    found = sha256(data).hexdigest()
    if found != stated:
        msg = f"{path}: sha256 is {found[:12]}..., {CARD} says {stated[:12]}...; the file was changed"
        raise BackendError(msg)
    options = engine.SessionOptions()
    options.log_severity_level = 4  # what is wrong is said below, in one line
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder / "none"))
    try:
        return engine.InferenceSession(data, options, providers=[provider])
    except Exception as error:  # ONNX Runtime has no class of its own for a file that is none
        msg = f"{path}: is no ONNX network that can be run: {' '.join(str(error).split())[:200]}"
        raise BackendError(msg) from None


def _check_encoder(encoder: Any, arguments: SamArguments, path: Path) -> int:
    """Side of the square image that it takes. [px]"""
    inputs = encoder.get_inputs()
    shape = list(inputs[0].shape)
    if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3:
        found = ", ".join(f"{one.name} {list(one.shape)}" for one in inputs)
        msg = f"{path}: takes {found}; an encoder of the SAM family takes one image (1, 3, side, side)"
        raise BackendError(msg)
    sides = {size for size in shape[2:] if isinstance(size, int)}
    if len(sides) > 1 or any(not 64 <= size <= 4096 or size % 4 for size in sides):
        msg = f"{path}: takes an image of {shape[2]} by {shape[3]} px; it must be square"
        raise BackendError(msg)
    return sides.pop() if sides else arguments.side


def _check_decoder(encoder: Any, decoder: Any, path: Path) -> None:
    """Every input must be a prompt, or something that the encoder gives; masks and their quality must come out."""
    given = {one.name for one in encoder.get_outputs()}
    asked, made = [one.name for one in decoder.get_inputs()], [one.name for one in decoder.get_outputs()]
    strange = [name for name in asked if name not in given and name not in PROMPTS]
    lacking = [name for name in NEEDED if name not in asked]
    without = [names[0] for names in (MASKS, QUALITY) if not set(names) & set(made)]
    if strange or lacking or without or not set(asked) & given:
        msg = (
            f"{path}: takes {', '.join(asked)} and gives {', '.join(made)}; a decoder takes what the encoder gives "
            f"({', '.join(sorted(given))}) and {', '.join(PROMPTS)}, and gives low_res_masks and iou_predictions: "
            "export the pair anew under these names (docs/prompt.md)"
        )
        raise BackendError(msg)


# ------------------------------------------------------------------------------------------------- one image


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A part of the image as the square that the encoder sees."""

    area: Area  # rows and columns of the image [px]
    down: float  # pixels of the square to one of the image, rows [1]
    across: float  # the same, columns [1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What the decoder says of one object."""

    logits: NDArray[np.float32]  # on the coarse grid of the square
    probability: NDArray[np.float32]  # the same as probabilities, as far as it is image
    quality: float  # that it predicts [1]
    pitch: tuple[float, float]  # pixels of the image to one of the grid, rows and columns [px]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SamField:
    """One image, tile by tile."""

    engine: Sam
    pixels: GrayImage | NDArray[np.uint8]
    span: tuple[float, float]  # gray values that become 0 and 255
    roi: Mask | None
    path: str

    @property
    def described(self) -> dict[str, Any]:
        """How it was run."""
        cuda = "CUDAExecutionProvider" in self.engine.decoder.get_providers()
        tiles = len(_spans(self.shape[0], self.engine.tile_px)) * len(_spans(self.shape[1], self.engine.tile_px))
        return {
            "device": "cuda" if cuda else "cpu",
            "engine": "onnxruntime",
            "onnxruntime": version("onnxruntime"),
            "precision": "as exported",
            "decoder_sha256": self.engine.arguments.decoder_sha256,
            "tiles": tiles,
        }

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the image. [px]"""
        return self.pixels.shape[0], self.pixels.shape[1]

    def answer(self, prompt: Prompt) -> Patch:
        """The object that is meant, from the tile in which its middle lies."""
        spans = [_spans(size, self.engine.tile_px) for size in self.shape]
        own = [
            next((span for span in of_axis if span[0] <= at < span[1]), of_axis[-1])
            for of_axis, at in zip(spans, prompt.middle, strict=True)
        ]
        frame = self._frame(own[0], own[1])
        embedding = self.engine.embedding(self._square(frame))
        made = self._asked(frame, embedding, Prompt(inside=prompt.inside[:1], box=prompt.box), None)
        if len(prompt.inside) + len(prompt.outside) > 1:
            made = self._asked(frame, embedding, prompt, made.logits)
        return self._patch(frame, self._asked(frame, embedding, prompt, made.logits), prompt)

    def found(self, search: Search) -> Iterator[Patch]:
        """What may be an object: asked at the points of a grid in every tile."""
        covered = np.zeros(self.shape, bool)
        for rows in _spans(self.shape[0], self.engine.tile_px):
            for columns in _spans(self.shape[1], self.engine.tile_px):
                frame = self._frame(rows, columns)
                high, wide = (part.stop - part.start for part in frame.area)
                points = grid_points(rows[:2], columns[:2], max(high, wide) / (search.grid or GRID), self.roi)
                if not points:
                    continue
                embedding = self.engine.embedding(self._square(frame))
                sizes = search.object_px or (0.0, LARGEST * min(high, wide))

                def ask(
                    at: Sequence[Point],
                    frame: Frame = frame,
                    embedding: Embedding = embedding,
                    sizes: tuple[float, float] = sizes,
                ) -> Sequence[Patch | None]:
                    return [self._proposed(frame, embedding, point, sizes) for point in at]

                yield from asked_all(points, ask, search, covered, 1)

    def _proposed(self, frame: Frame, embedding: Embedding, point: Point, sizes: tuple[float, float]) -> Patch | None:
        """Object at a point, where it has a size that is looked for and the tile does not cut it."""
        prompt = Prompt(inside=(point,))
        one = self._patch(frame, self._asked(frame, embedding, prompt, None), prompt)
        area, mask = drawn(one, 0.5, self.shape)
        ecd = 2 * sqrt(np.count_nonzero(mask) / pi)
        if not ecd or not sizes[0] <= ecd <= sizes[1]:
            return None
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        for axis, at in enumerate((rows, columns)):
            first, last = area[axis].start + at[0], area[axis].start + at[-1] + 1
            part = frame.area[axis]
            if (first <= part.start > 0) or (last >= part.stop < self.shape[axis]):
                return None
        return one

    def _asked(self, frame: Frame, embedding: Embedding, prompt: Prompt, before: NDArray[np.float32] | None) -> Answer:
        """Ask the decoder once."""
        clicks = [*prompt.inside, *prompt.outside]
        labels = [1.0] * len(prompt.inside) + [0.0] * len(prompt.outside)
        if prompt.box is not None:
            clicks += [prompt.box[:2], prompt.box[2:]]
            labels += [2.0, 3.0]
        else:
            labels.append(-1.0)  # stands for the box that is not there
        places = [
            ((column - frame.area[1].start) * frame.across, (row - frame.area[0].start) * frame.down)
            for row, column in clicks
        ]
        if prompt.box is None:
            places.append((0.0, 0.0))
        shape = (frame.area[0].stop - frame.area[0].start, frame.area[1].stop - frame.area[1].start)
        logits, quality = self.engine.decoded(
            embedding, np.array(places, np.float32), np.array(labels, np.float32), shape, before
        )
        coarse = self.engine.side / logits.shape[0]
        rows, columns = ceil(shape[0] * frame.down / coarse), ceil(shape[1] * frame.across / coarse)
        part = np.clip(logits[:rows, :columns], -30, 30)
        return Answer(
            logits=logits,
            probability=np.asarray(1 / (1 + np.exp(-part)), np.float32),
            quality=quality,
            pitch=(coarse / frame.down, coarse / frame.across),
        )

    def _patch(self, frame: Frame, made: Answer, prompt: Prompt) -> Patch:
        origin = (frame.area[0].start, frame.area[1].start)
        return patch(made.probability, origin, made.pitch, prompt, made.quality)

    def _frame(self, rows: tuple[int, int, int, int], columns: tuple[int, int, int, int]) -> Frame:
        area = (slice(*rows[2:]), slice(*columns[2:]))
        high, wide = rows[3] - rows[2], columns[3] - columns[2]
        side = self.engine.side
        if self.engine.arguments.resize == "stretch":
            return Frame(area=area, down=side / high, across=side / wide)
        scale = side / max(high, wide)
        return Frame(area=area, down=scale, across=scale)

    def _square(self, frame: Frame) -> NDArray[np.float32]:
        """What the encoder sees: (1, 3, side, side)."""
        part = self.pixels[frame.area]
        low, high = self.span
        gray = np.clip((part.astype(np.float32) - low) * (255 / (high - low)), 0, 255)
        color = np.repeat(gray[..., None], 3, axis=2) if gray.ndim == 2 else gray
        side = self.engine.side
        size = (min(side, round(part.shape[1] * frame.across)), min(side, round(part.shape[0] * frame.down)))
        how = cv2.INTER_AREA if frame.down < 1 else cv2.INTER_LINEAR
        small = cv2.resize(color, size, interpolation=how)
        arguments = self.engine.arguments
        made = np.zeros((1, 3, side, side), np.float32)
        scaled = (small - np.array(arguments.mean, np.float32)) / np.array(arguments.deviation, np.float32)
        made[0, :, : size[1], : size[0]] = np.moveaxis(scaled, 2, 0)
        return made


def _spans(size: int, tile_px: int) -> list[tuple[int, int, int, int]]:
    """Begin and end of the tiles along an axis, and begin and end of what each sees. [px]

    >>> _spans(1000, 1024), _spans(2000, 1024)
    ([(0, 1000, 0, 1000)], [(0, 1000, 0, 1256), (1000, 2000, 744, 2000)])
    """
    count = max(1, round(size / tile_px))
    margin = round(MARGIN * tile_px) if count > 1 else 0
    edges = [round(size * k / count) for k in range(count + 1)]
    return [(begin, end, max(0, begin - margin), min(size, end + margin)) for begin, end in pairwise(edges)]
