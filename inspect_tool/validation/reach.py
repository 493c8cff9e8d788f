"""How far the error of one field reaches, by the errors of labeled images that are like it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, log1p, sqrt
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.statistics.uncertainty import coverage_factor
from inspect_tool.validation import conformal
from inspect_tool.validation.values import (
    APART_IF_FEW,
    KIND_FIRST,
    WITH_STOPPED,
    WITHOUT_GATE,
    FieldError,
    Validation,
    later,
    parent_of,
)

Scale: TypeAlias = Literal["share", "difference", "ratio", "count"]
"""What errors of a quantity are measured in: of a share [%] √(p (1 - p)), differences as they are, ln of a ratio.

Of a number of objects the difference of the roots, as objects are missed and invented one by one: of ten a few are a
factor, of a thousand some hundredths (variance of a Poisson number: Anscombe, Biometrika 35 (1948) 246).
"""

RATIOS: tuple[Scale, ...] = ("ratio", "count")
"""Scales of quantities whose half width is a logarithm."""

KNOWN = 0.9
"""Coverage that labeled images tell at least where they take back, or confirm, what a method states."""

_LEAST_U = 1e-3  # in points or G: below it a method states no error
_ENOUGH = 19  # parents, that tell 95 %: from there on results are judged apart
_EXTREME = 1.0  # share [%]
_FEW = 5  # parents that a kind of image or result needs to be judged apart
_NEAREST = 3  # labeled images that say together which group an image is most like


def matching(pattern: str, quantity: str) -> str | None:
    """Class that a quantity has where a pattern has ``*``, empty where both are the same name; None: no match.

    >>> matching("area_percent.*", "area_percent.ferrite"), matching("porosity_percent", "porosity_percent")
    ('ferrite', '')
    """
    if pattern.endswith(".*"):
        return quantity[len(pattern) - 1 :] if quantity.startswith(pattern[:-1]) else None
    return "" if pattern == quantity else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far the error of one field reaches."""

    half_width: float  # in the unit of the quantity; of a ratio and of a number of objects its logarithm
    coverage: float  # that the labeled images tell of it, at least [1]
    as_stated: bool = False  # what the method states itself: labeled images confirm it, and it is not widened


def factors(half_width: float, scale: Scale) -> tuple[float, float]:
    """Truth over value, at least and at most, by a half width that is a logarithm; a number lies evenly by its root.

    >>> from math import log
    >>> factors(log(4), "ratio"), factors(log(2.25), "count")
    ((0.25, 4.0), (0.25, 2.25))
    """
    above = exp(half_width)
    return max(2 - sqrt(above), 0.0) ** 2 if scale == "count" else 1 / above, above


def space_of(validation: Validation) -> conformal.Space:
    """Where the labeled images lie, by their features."""
    names = sorted(validation.fields[0].features)
    return conformal.space([[one.features[name] for name in names] for one in validation.fields])


def distances_of(known: conformal.Space, validation: Validation, features: Mapping[str, float]) -> NDArray[np.float64]:
    """Distances of another image to the labeled ones, in their order."""
    return conformal.distances(known, [features.get(name, 0.0) for name in sorted(validation.fields[0].features)])


def kind_of(validation: Validation, features: Mapping[str, float]) -> str:
    """Group that most of the nearest labeled images of an image are of; of several that of the nearest."""
    return kind_at(validation, distances_of(space_of(validation), validation, features))


def kind_at(validation: Validation, apart: NDArray[np.float64]) -> str:
    """The same, of an image that lies so far from the labeled ones."""
    groups: list[str] = [validation.fields[int(i)].group for i in np.argsort(apart, kind="stable")[:_NEAREST]]
    return Counter(groups).most_common(1)[0][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labeled:
    """One labeled value of a quantity."""

    error: FieldError
    parent: str
    group: str
    stopped: bool

    @property
    def held(self) -> bool:
        """Whether what the method states holds the truth."""
        return abs(self.error.machine - self.error.truth) <= coverage_factor(None) * self.error.own_u


def _labeled(validation: Validation, of: str, scale: Scale) -> list[_Labeled]:
    """What is known of a quantity; nothing has a ratio to nothing, and none of a number without its objects."""
    return [
        _Labeled(error=error, parent=parent_of(field), group=field.group, stopped=field.stopped)
        for field in validation.fields
        for quantity, error in field.errors.items()
        if matching(of, quantity) is not None
        and (scale not in RATIOS or (error.machine > 0 and error.truth > 0))
        and (scale != "count" or error.n > 0)
    ]


def _parents(labeled: Iterable[_Labeled]) -> int:
    return len({one.parent for one in labeled})


def _alike(labeled: Sequence[_Labeled], doubted: bool) -> Sequence[_Labeled]:
    """Those that the recipe doubts, or does not, as the new one; all where they are few; none where these are few."""
    same = [one for one in labeled if one.error.doubted == doubted]
    return next((some for some in (same, labeled) if _parents(some) >= _FEW), ())


def _few(validation: Validation, every: Iterable[_Labeled]) -> bool:
    """Whether they cannot tell 95 % even together; by a file of before they are judged as many are."""
    return later(validation.schema, APART_IF_FEW) and _parents(every) < _ENOUGH


def _let_through(validation: Validation, every: Sequence[_Labeled]) -> Sequence[_Labeled]:
    """Those that the quality gate lets through, if they tell enough; else, and by a file of before, all."""
    passed = [one for one in every if not one.stopped]
    least = KNOWN if _few(validation, every) else _told_by(_ENOUGH)
    return passed if later(validation.schema, WITH_STOPPED) and _told_by(_parents(passed)) >= least else every


def _judging(validation: Validation, every: Sequence[_Labeled], kind: str, doubted: bool) -> Sequence[_Labeled]:
    """Those that judge a result: doubted as it is and of its kind; few: of any kind; then of its kind; then all.

    The first two files of before ask for its kind first.
    """
    of_kind = [one for one in every if one.group == kind]
    same, both = ([one for one in some if one.error.doubted == doubted] for some in (every, of_kind))
    order = (both, same, of_kind) if later(validation.schema, KIND_FIRST) else (both, of_kind, same)
    return next((some for some in order if _parents(some) >= _FEW), every)


def _errors(labeled: Sequence[_Labeled], scale: Scale) -> NDArray[np.float64]:
    return np.array([error_of(one.error, scale) for one in labeled])


def error_of(error: FieldError, scale: Scale) -> float:
    """Machine less truth in units of the scale; of a ratio the logarithm of machine over truth."""
    if scale == "ratio":
        return log(error.machine / error.truth)
    if scale == "count":
        return sqrt(error.n) * (1 - sqrt(error.truth / error.machine))
    return (error.machine - error.truth) / _unit(error.machine, scale)


def _unit(value: float, scale: Scale) -> float:
    """What differences are measured in: of a share √(p (1 - p)), as little errs near 0 and 100 %; of a ratio the value.

    Shares below 1 and above 99 % count as these: a machine that finds nothing, or nothing else, may be as wrong as any.
    """
    if scale == "share":
        share = min(max(value, _EXTREME), 100 - _EXTREME)
        return sqrt(share * (100 - share))
    return value if scale in RATIOS else 1.0


def _ahead(width: float, value: float, scale: Scale, n: int) -> float:
    """Half width in the unit of the quantity from one in units of the scale; of ``RATIOS`` its logarithm."""
    if scale == "count":
        return 2 * log1p(width / sqrt(n))
    return width if scale == "ratio" else width * _unit(value, scale)


def half_width(
    validation: Validation,
    of: str,
    value: float,
    own: float,
    *,
    scale: Scale,
    doubted: bool,
    kind: str,
    far: bool,
    stopped: bool = False,
    n: int = 1,
) -> Reach | None:
    """How far the error of one field reaches; None: no labeled image has the quantity.

    A result that the quality gate lets through is judged by those that it lets through, as far as there are 19 parents
    of them; results that the recipe doubts apart from those that it does not, and images by the group they are most
    like, as far as there are five. Where 19 and more judge, the error may grow with what the method states, but for
    that of a ratio and of a number.
    Of fewer than 19 parents in all those that the gate lets through are asked as far as there are nine, and judge
    together: the error may grow with what the method states and with a doubt of the recipe; ratios and numbers are
    judged apart.
    What a method states is not widened where it has held the truth in every image of nine parents or more.

    Parameters
    ----------
    validation : Validation
        The labeled images.
    of : str
        Quantity or pattern that the errors are known of.
    value, own : float
        The quantity of this field alone, and the standard uncertainty of its segmentation by its own method.
    scale : "share", "difference", "ratio" or "count"
        What errors of the quantity are measured in. Of the last two the value is above 0.
    doubted : bool
        The recipe doubts it.
    kind : str
        Group of labeled images that the image is most like, see ``kind_of``.
    far : bool
        It is unlike all of them: no less than what the group needs that the backend failed most on.
    stopped : bool
        The quality gate would stop it, or may: it is judged by all, and what the method states of it is not confirmed.
    n : int
        Objects that a number of them rests on.

    References
    ----------
    Judged apart: Vovk, Lindsay, Nouretdinov, Gammerman, Mondrian confidence machine, On-line Compression Modelling
    Project, working paper 4 (2003).
    """
    every = _labeled(validation, of, scale)
    if not every:
        return None
    passed = every if stopped else _let_through(validation, every)
    # a factor grows with its logarithm beyond all that was seen
    scaled = scale not in RATIOS
    together = scaled and _few(validation, every)
    known = passed if together else _judging(validation, passed, "" if far else kind, doubted)
    unit = _unit(value, scale)
    parents = [one.parent for one in known]
    if together or (scaled and _parents(known) >= _ENOUGH):
        stated = [log(max(one.error.own_u, _LEAST_U) / _unit(one.error.machine, scale)) for one in known]
        terms, at = [stated], [log(max(own, _LEAST_U) / unit)]
        if together:
            terms, at = [*terms, [float(one.error.doubted) for one in known]], [*at, float(doubted)]
        found = conformal.half_width(_errors(known, scale), np.array(terms).T, parents, at)
    else:
        found = conformal.quantile(np.abs(_errors(known, scale)), conformal.weights_of(parents))
    widest = found.half_width
    for group in dict.fromkeys(one.group for one in every if far):
        # the error of one picture alone is no error of its kind
        if some := _alike([one for one in every if one.group == group], doubted):
            weights = conformal.weights_of([one.parent for one in some])
            bound = conformal.quantile(np.abs(_errors(some, scale)), weights)
            widest = max(widest, bound.half_width)
    widest = _ahead(widest, value, scale, n)
    ranked = Reach(half_width=widest, coverage=found.coverage)
    if far or stopped or not (confirming := _confirming(validation, every, kind)):
        return ranked
    least = min(one.error.own_u / _unit(one.error.machine, scale) for one in confirming)
    # a method that states less than ever before is not believed more
    step = 1.0 if scale in RATIOS else unit
    stated_width = coverage_factor(None) * step * max(own / unit, least)
    if stated_width >= widest * coverage_factor(None) / coverage_factor(None, found.coverage):
        return ranked
    return Reach(half_width=stated_width, coverage=_told_by(_parents(confirming)), as_stated=True)


def _told_by(parents: int) -> float:
    """Probability that a new parent is not the first of all to be missed."""
    return parents / (parents + 1)


def _confirming(validation: Validation, every: Sequence[_Labeled], kind: str) -> Sequence[_Labeled]:
    """Labeled images in every one of which what the method states holds the truth; none: not in all, or they are few.

    Those of the kind, doubted or not, where there are five parents of it, else all; no image that the gate stops.
    """
    if not later(validation.schema, WITHOUT_GATE):
        return ()
    of_kind = [one for one in every if one.group == kind]
    known = of_kind if _parents(of_kind) >= _FEW else every
    passed = [one for one in known if not one.stopped]
    enough = _told_by(_parents(passed)) >= KNOWN
    return passed if enough and all(one.held for one in passed) else ()
