"""Train a pixel classifier on strokes that a person drew on a few images: seconds, without torch.

Every member of the classifier sees the strokes with other weights, drawn at random (Bayesian bootstrap, D. B. Rubin
1981): where the members differ, other strokes would have taught something else. A stroke counts as a whole, since
its pixels resemble each other; so what judges is left out image by image, or stroke by stroke where there is one image.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

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
from inspect_tool.training.request import SEED, Progress, Request, Trained
from inspect_tool.training.samples import Sample
from inspect_tool.training.strokes import Marked, marked_pixels

HIDDEN = 24
MEMBERS = 5
WEIGHT_DECAY = 3e-3  # of 1e-4, 1e-3 and 3e-3 the best on real images, by a little
STEPS = 150  # of the optimizer at most
FOLDS = 5

Vector = NDArray[np.float64]


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
    read = with_colors(samples.to_one_scale(samples.read_all(request.images, request.scribbles, reading), None))
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
        for file in samples.files_of(request.scribbles, "mask") if request.keeps_strokes else ():
            shutil.copyfile(file, folder / file.name)
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


def taught(marked: Marked, classes: Sequence[str]) -> Perceptrons:
    """Teach all members at once, as ``train_on_strokes`` does with the usual seed.

    Raises
    ------
    SettingsError
        A class has no stroke.
    """
    _check_enough(marked, classes, least=1)
    return together(list(fitted(marked, len(classes), SEED)))


def agreement(marked: Marked, images: int, classes: Sequence[str]) -> dict[str, float]:
    """Share of the marked pixels that classifiers find which did not see their image or stroke: mean, and by class.

    Raises
    ------
    SettingsError
        A class has fewer than two strokes.
    """
    _check_enough(marked, classes)
    folds, _ = _folds(marked, images)
    found, _ = _judged(marked, folds, (), len(classes), SEED, lambda: None)
    return _scores(marked.classes, found, classes)


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


def with_colors(read: Sequence[Sample]) -> tuple[Sample, ...]:
    """Samples with three channels where some image has colors, else with one."""
    if any(np.ptp(sample.image, axis=2).any() for sample in read):
        return tuple(read)
    return tuple(replace(sample, image=sample.image[..., :1]) for sample in read)


def _check_enough(marked: Marked, classes: Sequence[str], least: int = 2) -> None:
    for number, name in enumerate(classes):
        count = len(np.unique(marked.strokes[marked.classes == number]))
        if count < least:
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
    """Classes of the marked pixels by classifiers that did not see them, and of whole images left out, where read."""
    found = np.full(len(marked.classes), -1, np.intp)
    whole: dict[int, Target] = {}
    for fold in folds:
        members = _told(fitted(marked[~fold], classes, seed), tell)
        found[fold] = probabilities(members, marked.looks[fold].T).mean(axis=0).argmax(axis=0)
        left_out = set(marked.images[fold].tolist()) - set(marked.images[~fold].tolist()) if read else set()
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
                **({"by": request.by} if request.by else {}),
            }
        ),
        "scores": {key: round(value, 4) for key, value in scores.items()},
    }
