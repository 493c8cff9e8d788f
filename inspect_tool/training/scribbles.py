"""Train a pixel classifier on strokes that a person drew on a few images: seconds, without torch.

Every member of the classifier sees the strokes with other weights, drawn at random (Bayesian bootstrap, D. B. Rubin
1981): where the members differ, other strokes would have taught something else. A stroke counts as a whole, since
its pixels resemble each other; so what judges is left out image by image, or stroke by stroke where there is one image.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from inspect_tool import __version__, plugins, registry
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import plain
from inspect_tool.folders import check, new_folder
from inspect_tool.languages import ENGLISH, Text
from inspect_tool.model import Modality
from inspect_tool.segmentation.networks.weights import write_model
from inspect_tool.segmentation.pixels import features
from inspect_tool.segmentation.pixels.perceptrons import Perceptrons, probabilities, stored
from inspect_tool.training import annotations, samples, worst_cases
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.augment import Target
from inspect_tool.training.request import Progress, Request, Trained
from inspect_tool.training.samples import Sample

HIDDEN = 24
MEMBERS = 5
WEIGHT_DECAY = 3e-3  # of 1e-4, 1e-3 and 3e-3 the best on real images, by a little
STEPS = 150  # of the optimizer at most
FOLDS = 5

_LONGEST_PX = 64  # a stroke that is larger both ways is an area: every such cell of it counts as a stroke
_MOST_OF_STROKE = 2000  # pixels of a stroke that teach; its others resemble them
_MOST = 40_000  # pixels that teach, of all strokes

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marked:
    """Pixels under strokes."""

    looks: NDArray[np.float32]  # (pixels, features)
    classes: NDArray[np.intp]
    strokes: NDArray[np.intp]  # number of the stroke, from 0 on, through all images
    images: NDArray[np.intp]  # number of the image

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Marked":
        """Some of the pixels."""
        return Marked(
            looks=self.looks[chosen],
            classes=self.classes[chosen],
            strokes=self.strokes[chosen],
            images=self.images[chosen],
        )


def train_on_strokes(request: Request, progress: Progress | None = None) -> Trained:
    """Train and write the model folder.

    Raises
    ------
    InspectError
        For whatever the user must fix; ``out`` is not touched then.
    """
    if request.out.exists():
        msg = f"{request.out}: exists already; choose another folder with --out, or remove this one"
        raise OutputError(msg)
    check(request.out)
    classes = _classes(request)
    reading = samples.Reading(
        channels="rgb",
        pixel_um=request.pixel_um,
        footer_px=request.footer_px,
        classes=classes,
        strokes=True,
        marks=annotations.Settings(names=request.names, blank="unknown"),
    )
    read = _with_colors(samples.to_one_scale(samples.read_all(request.images, request.scribbles, reading), None))
    marked = marked_pixels(read, request.seed)
    _check_enough(marked, classes)
    folds, how = _folds(marked, len(read))
    tell = _teller(progress, MEMBERS * (len(folds) + 1))
    members = _told(fitted(marked, len(classes), request.seed), tell)
    found, predicted = _judged(marked, folds, read, len(classes), request.seed, tell)
    scores = _scores(marked.classes, found, classes)
    cases = [
        case
        for sample, whole in zip(read, predicted or [_predicted(members, sample) for sample in read], strict=True)
        for case in worst_cases.worst_places(sample, whole, lines=False)
    ]
    names = tuple(sample.name for sample in read)
    notes = _notes(marked, classes, len(read))
    with new_folder(request.out) as folder:
        card = write_model(folder, _card(request, classes, read, marked, scores, how), stored(members), half=False)
        shown = tuple(sorted(cases, key=lambda case: -case.wrong)[: worst_cases.CASES])
        judged_on = Text("training.judged_on", images=names, how=how)
        worst_cases.write(folder, card, shown, (judged_on, *notes), request.language or ENGLISH)
    return Trained(
        folder=request.out,
        card=card,
        score=scores[_MEAN],
        ended=None,
        training=names,
        validation=names,
        how=how,
        before=None,
        notes=notes,
    )


def _classes(request: Request) -> tuple[str, ...]:
    recipe = registry.load("recipe", request.recipe)
    if "classes" not in plugins.accepts_of(recipe) or plugins.network_classes_of(recipe):
        msg = (
            f"recipe {request.recipe}: takes no classes of single pixels; scribbles are for phase_fraction, porosity "
            "and recipes like them"
        )
        raise SettingsError(msg)
    classes = request.classes or plugins.classes_of(recipe)
    if len(classes) < 2:
        msg = f"recipe {request.recipe}: name the classes, background first: --classes matrix,carbide"
        raise SettingsError(msg)
    return tuple(classes)


def _with_colors(read: Sequence[Sample]) -> tuple[Sample, ...]:
    """Samples with three channels where some image has colors, else with one."""
    if any(np.ptp(sample.image, axis=2).any() for sample in read):
        return tuple(read)
    return tuple(replace(sample, image=sample.image[..., :1]) for sample in read)


# ------------------------------------------------------------------------------------------------------ strokes


def marked_pixels(read: Sequence[Sample], seed: int) -> Marked:
    """Look at the pixels under the strokes of all images.

    Parameters
    ----------
    read : sequence of Sample
        Images with strokes.
    seed : int
        Of the draw of pixels where a stroke has very many.
    """
    rng = np.random.default_rng((seed, 3))
    looks, classes, numbers, images = [], [], [], []
    count = 0
    for i, sample in enumerate(read):
        strokes = numbered_strokes(sample.target)
        kept = _drawn(strokes, rng)
        numbers.append(strokes.ravel()[kept] + count)
        classes.append(sample.target.ravel()[kept])
        images.append(np.full(len(kept), i))
        looks.append(_looks(sample.image, kept))
        count += int(strokes.max()) + 1
    every = Marked(
        looks=np.concatenate(looks),
        classes=np.concatenate(classes).astype(np.intp),
        strokes=np.concatenate(numbers).astype(np.intp),
        images=np.concatenate(images).astype(np.intp),
    )
    if len(every.classes) <= _MOST:
        return every
    chosen = np.zeros(len(every.classes), np.bool_)
    chosen[rng.choice(len(every.classes), _MOST, replace=False)] = True
    return every[chosen]


def numbered_strokes(target: Target) -> NDArray[np.intp]:
    """Number the strokes of an image from 0 on; -1 where there is none.

    A stroke is a connected piece of one class; one that is an area, as in a sparse mask, is cut into cells of 64 px.

    >>> numbered_strokes(np.array([[0, 0, -1, 1], [-1, -1, -1, 1]], dtype=np.int32))
    array([[ 0,  0, -1,  1],
           [-1, -1, -1,  1]])
    """
    found = np.full(target.shape, -1, np.intp)
    count = 0
    for number in range(int(target.max()) + 1):
        marked = (target == number).astype(np.uint8)
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=8, ltype=cv2.CV_32S)
        large = np.minimum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) > _LONGEST_PX
        large &= stats[:, cv2.CC_STAT_AREA] > _LONGEST_PX**2
        rows, columns = np.nonzero(marked)
        piece = pieces[rows, columns].astype(np.int64)
        cell = np.where(large[piece], 1 + rows // _LONGEST_PX * target.shape[1] + columns // _LONGEST_PX, 0)
        _, own = np.unique(np.stack([piece, cell]), axis=1, return_inverse=True)
        found[rows, columns] = own.ravel() + count
        count += int(own.max(initial=-1)) + 1
    return found


def _drawn(strokes: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Places of pixels under strokes, in order; of a stroke with very many some."""
    places = np.flatnonzero(strokes.ravel() >= 0)
    places = places[rng.permutation(len(places))]
    numbers = strokes.ravel()[places]
    order = np.argsort(numbers, kind="stable")
    first = np.searchsorted(numbers[order], np.arange(int(strokes.max()) + 1))
    rank = np.empty(len(places), np.intp)
    rank[order] = np.arange(len(places)) - first[numbers[order]]
    return np.sort(places[rank < _MOST_OF_STROKE])


def _looks(image: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Features of some pixels of an image, by strips: (pixels, features)."""
    width, found = image.shape[1], []
    for strip in features.by_strips(image, features.SIGMAS_PX):
        begin, end = np.searchsorted(places, (strip[0].start * width, strip[0].stop * width))
        if begin < end:
            whole = features.of_strip(image, strip, features.SIGMAS_PX)
            found.append(whole.reshape(len(whole), -1)[:, places[begin:end] - strip[0].start * width].T)
    return np.concatenate(found)


def _check_enough(marked: Marked, classes: Sequence[str]) -> None:
    for number, name in enumerate(classes):
        count = len(np.unique(marked.strokes[marked.classes == number]))
        if count < 2:
            drawn = "no stroke" if count == 0 else "one stroke"
            msg = f"class '{name}' has {drawn} in all images together; draw at least two, in places that look different"
            raise SettingsError(msg)


# -------------------------------------------------------------------------------------------------------- fitting


def fitted(marked: Marked, classes: int, seed: int) -> Iterator[Perceptrons]:
    """Fit the members one by one; each is a set of perceptrons of its own.

    All classes weigh the same, whatever their strokes cover: how much there is of a class is not what strokes say.
    """
    mean = marked.looks.mean(axis=0, dtype=np.float64)
    spread = np.maximum(marked.looks.std(axis=0, dtype=np.float64), 1e-6)
    looks = (marked.looks - mean) / spread
    per_class = np.bincount(marked.classes, minlength=classes)
    for member in range(MEMBERS):
        rng = np.random.default_rng((seed, 4, member))
        weights = rng.exponential(size=int(marked.strokes.max()) + 1)[marked.strokes]
        weights /= np.maximum(per_class, 1)[marked.classes]
        parts = _minimized(looks, marked.classes, weights / weights.sum(), classes, rng)
        hidden = parts[0] / spread[:, None]
        yield Perceptrons(
            hidden=hidden[None].astype(np.float32),
            hidden_bias=(parts[1] - mean @ hidden)[None].astype(np.float32),
            head=parts[2][None].astype(np.float32),
            head_bias=parts[3][None].astype(np.float32),
        )


def together(members: Sequence[Perceptrons]) -> Perceptrons:
    """All members as one."""
    return Perceptrons(
        hidden=np.concatenate([one.hidden for one in members]),
        hidden_bias=np.concatenate([one.hidden_bias for one in members]),
        head=np.concatenate([one.head for one in members]),
        head_bias=np.concatenate([one.head_bias for one in members]),
    )


def _minimized(
    looks: Vector, numbers: NDArray[np.intp], weights: Vector, classes: int, rng: np.random.Generator
) -> list[Vector]:
    """Weights of one perceptron that minimize cross entropy and the squares of the weights (L-BFGS)."""
    size = looks.shape[1]
    start = [
        rng.normal(0, np.sqrt(2 / size), (size, HIDDEN)),
        np.zeros(HIDDEN),
        rng.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN, classes)),
        np.zeros(classes),
    ]
    ends = np.cumsum([part.size for part in start])[:-1]
    wanted = np.zeros((len(numbers), classes))
    wanted[np.arange(len(numbers)), numbers] = 1

    def parts(flat: Vector) -> list[Vector]:
        return [piece.reshape(part.shape) for piece, part in zip(np.split(flat, ends), start, strict=True)]

    def cost(flat: Vector) -> tuple[float, Vector]:
        hidden, hidden_bias, head, head_bias = parts(flat)
        inner = np.maximum(looks @ hidden + hidden_bias, 0)
        score = inner @ head + head_bias
        score -= score.max(axis=1, keepdims=True)
        told = np.exp(score)
        total = told.sum(axis=1, keepdims=True)
        entropy = float(weights @ (np.log(total[:, 0]) - (score * wanted).sum(axis=1)))
        slope = (told / total - wanted) * weights[:, None]
        back = (slope @ head.T) * (inner > 0)
        pieces = (
            looks.T @ back + 2 * WEIGHT_DECAY * hidden,
            back.sum(axis=0),
            inner.T @ slope + 2 * WEIGHT_DECAY * head,
            slope.sum(axis=0),
        )
        penalty = WEIGHT_DECAY * float((hidden**2).sum() + (head**2).sum())
        return entropy + penalty, np.concatenate([piece.ravel() for piece in pieces])

    flat = np.concatenate([part.ravel() for part in start])
    return parts(minimize(cost, flat, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x)


# ------------------------------------------------------------------------------------------------------- judging

_MEAN = "share of marked pixels found, mean of the classes"


def _folds(marked: Marked, images: int) -> tuple[tuple[NDArray[np.bool_], ...], Text]:
    """Pixels that judge, fold by fold: whole images where all classes stay in the others, else whole strokes."""
    every = set(marked.classes.tolist())
    by_image = [marked.images == image for image in range(images)]
    if images > 1 and all(set(marked.classes[~one].tolist()) == every for one in by_image):
        count = min(images, FOLDS)
        folds = tuple(np.isin(marked.images, np.arange(fold, images, count)) for fold in range(count))
        if all(set(marked.classes[~one].tolist()) == every for one in folds):
            return folds, Text("training.how_by_image")
    place = np.zeros(int(marked.strokes.max()) + 1, np.intp)
    fewest = FOLDS
    for number in every:
        own = np.unique(marked.strokes[marked.classes == number])
        place[own] = np.arange(len(own))
        fewest = min(fewest, len(own))
    folds = tuple(place[marked.strokes] % fewest == fold for fold in range(fewest))
    return folds, Text("training.how_by_stroke")


def _judged(
    marked: Marked,
    folds: Sequence[NDArray[np.bool_]],
    read: Sequence[Sample],
    classes: int,
    seed: int,
    tell: Callable[[], None],
) -> tuple[NDArray[np.intp], list[Target]]:
    """Classes of the marked pixels by classifiers that did not see them, and of whole images left out."""
    found = np.full(len(marked.classes), -1, np.intp)
    whole: dict[int, Target] = {}
    for fold in folds:
        members = _told(fitted(marked[~fold], classes, seed), tell)
        found[fold] = probabilities(members, marked.looks[fold].T).mean(axis=0).argmax(axis=0)
        left_out = set(marked.images[fold].tolist()) - set(marked.images[~fold].tolist())
        whole |= {image: _predicted(members, read[image]) for image in left_out}
    return found, [whole[image] for image in sorted(whole)] if len(whole) == len(read) else []


def _told(members: Iterator[Perceptrons], tell: Callable[[], None]) -> Perceptrons:
    made = []
    for one in members:
        made.append(one)
        tell()
    return together(made)


def _predicted(members: Perceptrons, sample: Sample) -> Target:
    """Likeliest class of every pixel of an image."""
    found = np.empty(sample.target.shape, np.int32)
    for strip in features.by_strips(sample.image, features.SIGMAS_PX):
        looks = features.of_strip(sample.image, strip, features.SIGMAS_PX)
        judged = probabilities(members, looks.reshape(len(looks), -1)).mean(axis=0)
        found[strip[0]] = judged.argmax(axis=0).reshape(looks.shape[1:])
    return found


def _scores(truth: NDArray[np.intp], found: NDArray[np.intp], classes: Sequence[str]) -> dict[str, float]:
    each = {name: float((found[truth == i] == i).mean()) for i, name in enumerate(classes)}
    return {_MEAN: float(np.mean(list(each.values())))} | {
        f"share of marked pixels found, {name}": share for name, share in each.items()
    }


# --------------------------------------------------------------------------------------------------- what came out


def _teller(progress: Progress | None, total: int) -> Callable[[], None]:
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total, f"classifier {done} of {total}")

    return tell


def _notes(marked: Marked, classes: Sequence[str], images: int) -> tuple[Text, ...]:
    notes = []
    for number, name in enumerate(classes):
        count = len(np.unique(marked.strokes[marked.classes == number]))
        if count < FOLDS:
            notes.append(Text("training.few_strokes", name=name, count=count))
    if images == 1:
        notes.append(Text("training.one_image_drawn"))
    return tuple(notes)


def _card(
    request: Request,
    classes: tuple[str, ...],
    read: Sequence[Sample],
    marked: Marked,
    scores: dict[str, float],
    how: str,
) -> dict[str, object]:
    """Values of the model card."""
    modalities: set[Modality] = {sample.modality for sample in read}
    strokes = {name: len(np.unique(marked.strokes[marked.classes == number])) for number, name in enumerate(classes)}
    return {
        "name": request.out.name,
        "version": "1",
        "title": f"{', '.join(classes)}: {sum(strokes.values())} strokes on {len(read)} images",
        "architecture": "pixels",
        "network": {
            "in_channels": read[0].image.shape[2],
            "classes": len(classes),
            "sigmas": features.SIGMAS_PX,
            "hidden": HIDDEN,
            "members": MEMBERS,
        },
        "classes": classes,
        "licence": request.licence,
        "commercial": request.commercial,
        "channels": "rgb" if read[0].image.shape[2] == 3 else "gray",
        "normalization": samples.Reading().normalization,
        "pixel_um": read[0].pixel_um,
        "recipes": (request.recipe,),
        "modality": modalities.pop() if len(modalities) == 1 else "unknown",
        "training": [
            {
                "name": "images of the user",
                "licence": request.licence,
                "images": len(read),
                "source": "hashes of images and strokes under procedure",
            }
        ],
        "procedure": plain(
            {
                "script": f"inspect-tool train {__version__}",
                "seed": request.seed,
                "strokes": strokes,
                "marked_px": int(sum((sample.target != UNKNOWN).sum() for sample in read)),
                "weight_decay": WEIGHT_DECAY,
                "judged": how,
                "training_images": samples.hashes(read),
            }
        ),
        "scores": {key: round(value, 4) for key, value in scores.items()},
    }
