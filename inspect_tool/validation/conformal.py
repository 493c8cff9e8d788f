"""Split conformal prediction of the error of a segmentation: how wide an interval must be to hold the truth.

Nothing is assumed of the errors but that those of the labeled images and of the new one are exchangeable (one parent
as good as another). The scale of the errors adapts to the image by a few monotone terms; it decides how narrow the
intervals are, never whether they cover.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_SHRINK = 4.0  # labeled parents that a slope must outweigh before it reaches half of what the errors say
_MOST_SWEEPS = 500
_LEAST_UNIT = 0.05  # of a feature
_LEAST_SCALE = 0.05  # of the typical error: where a method states no error at all, it still makes some [1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Half width of an interval, and how often such an interval holds the truth."""

    half_width: float  # in the unit of the errors
    coverage: float  # probability that it holds the truth, at least; below the wanted one where parents are few [1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """Features of the labeled images in robust units, in which another image lies near them or far."""

    features: Floats  # (n, k), over their units
    unit: Floats  # (k,)


def weights_of(parents: Sequence[str]) -> Floats:
    """Weight of every image so that those of one parent together weigh 1.

    >>> weights_of(["a", "a", "b"]).tolist()
    [0.5, 0.5, 1.0]
    """
    _, place, counts = np.unique(np.array(parents, dtype=str), return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[place], dtype=np.float64)


def quantile(scores: ArrayLike, weights: ArrayLike, coverage: float = 0.95) -> Bound:
    """Smallest score that a new one exceeds with a probability of at most ``1 - coverage``.

    With n parents the score of rank ceil((n + 1) coverage) is taken: the new one counts among them. With fewer than
    coverage / (1 - coverage) of them no score bounds the new one with that probability; then it is the largest, with
    the coverage n / (n + 1) that it has.

    Parameters
    ----------
    scores, weights : one-dimensional arrays
        Scores, and how much each counts; those of one parent together count 1.
    coverage : float
        Wanted probability.

    Examples
    --------
    >>> quantile(range(1, 21), np.ones(20))
    Bound(half_width=20.0, coverage=0.95)
    >>> quantile([1.0, 3.0, 2.0], np.ones(3))
    Bound(half_width=3.0, coverage=0.75)

    References
    ----------
    Lei et al., Journal of the American Statistical Association 113 (2018) 1094; weights as in Tibshirani et al.,
    Advances in Neural Information Processing Systems 32 (2019).
    """
    s, w = np.asarray(scores, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    order = np.argsort(s, kind="stable")
    reached = np.cumsum(w[order])
    total = float(w.sum())
    wanted = coverage * (total + 1)
    # a sum of 1/3 three times is 1 to the digits that a sum of floats keeps
    at = int(np.searchsorted(reached, wanted * (1 - 1e-12)))
    if at >= len(s):
        return Bound(half_width=float(s.max()), coverage=min(coverage, total / (total + 1)))
    return Bound(half_width=float(s[order[at]]), coverage=coverage)


def scales(errors: ArrayLike, terms: ArrayLike, weights: ArrayLike, at: ArrayLike) -> Floats:
    """Expected size of the error of images, from what is known of them before anyone labels them.

    A regression of ln |error| on the terms, which may only rise with each of them, by weighted least squares that is
    drawn toward no slope where the images are few. Terms of new images count as far as the labeled ones reach.

    Parameters
    ----------
    errors : array, (n,)
        Of the labeled images, any sign.
    terms : array, (n, k)
        Logarithms of what an error may grow with.
    weights : array, (fits, n)
        How much each image counts; one row per fit, 0 for what it leaves out. Every row has one above 0.
    at : array, (m, k)
        Terms of the images that the scale is wanted for.

    Returns
    -------
    array, (fits, m)
        Scales, above 0, in the unit of the errors.
    """
    size, x = np.abs(np.asarray(errors, dtype=np.float64)), np.asarray(terms, dtype=np.float64)
    w, new = np.asarray(weights, dtype=np.float64), np.asarray(at, dtype=np.float64)
    total = w.sum(axis=1)
    typical = w @ size / total
    y = np.log(np.maximum(size, np.where(typical > 0, _LEAST_SCALE * typical, 1.0)[:, None]))
    middle = (w * y).sum(axis=1) / total
    mean = w @ x / total[:, None]
    apart = x[None, :, :] - mean[:, None, :]
    spread = np.sqrt(np.einsum("fn,fnk->fk", w, apart**2) / total[:, None])
    unit = np.where(spread > 1e-9, spread, np.inf)[:, None, :]  # a term that is the same everywhere tells nothing
    z = apart / unit
    gram = np.einsum("fn,fni,fnj->fij", w, z, z) + _SHRINK * np.eye(x.shape[1])
    moment = np.einsum("fn,fni->fi", w * (y - middle[:, None]), z)
    counts = (w > 0)[:, :, None]
    low, high = (
        np.where(counts, x[None], np.inf).min(axis=1)[:, None],
        np.where(counts, x[None], -np.inf).max(axis=1)[:, None],
    )
    ahead = (np.clip(new[None], low, high) - mean[:, None, :]) / unit
    return np.asarray(np.exp(middle[:, None] + np.einsum("fmk,fk->fm", ahead, _not_falling(gram, moment))))


def _not_falling(gram: Floats, moment: Floats) -> Floats:
    """Least squares with no slope below 0, of many fits at once: coordinate descent, which ends where all agree."""
    slopes = np.zeros_like(moment)
    for _ in range(_MOST_SWEEPS):
        before = slopes.copy()
        for j in range(slopes.shape[1]):
            own = gram[:, j, j]
            rest = moment[:, j] - np.einsum("fi,fi->f", gram[:, j], slopes) + own * slopes[:, j]
            slopes[:, j] = np.maximum(rest / own, 0.0)
        if np.abs(slopes - before).max(initial=0.0) < 1e-10:
            break
    return slopes


def half_width(
    errors: ArrayLike, terms: ArrayLike, parents: Sequence[str], at: ArrayLike, coverage: float = 0.95
) -> Bound:
    """Half width of the interval of one new image that holds its error with a probability.

    The score of a labeled image is its error over the scale that the images of other parents give it; the scores are
    carried over to the new image by the same scales (jackknife+ on the scores), and their quantile is the half width.

    Parameters
    ----------
    errors : array, (n,)
        Machine less truth of the labeled images.
    terms : array, (n, k)
        See ``scales``.
    parents : sequence of str, (n,)
        Images of one parent count once, and are left out together.
    at : array, (k,)
        Terms of the new image.
    coverage : float
        Wanted probability.

    References
    ----------
    Barber et al., Annals of Statistics 49 (2021) 486.
    """
    size, x, w = np.abs(np.asarray(errors, dtype=np.float64)), np.asarray(terms, dtype=np.float64), weights_of(parents)
    names, place = np.unique(np.array(parents, dtype=str), return_inverse=True)
    if len(names) == 1:  # of a single parent nothing tells the scale
        return quantile(size, w, coverage)
    others = w * (place[None, :] != np.arange(len(names))[:, None])
    found = scales(size, x, others, np.vstack([x, np.asarray(at, dtype=np.float64)]))
    own = found[place, np.arange(len(size))]
    return quantile(size / own * found[place, -1], w, coverage)


def space(features: ArrayLike) -> Space:
    """Take features in units of their median absolute deviation.

    Parameters
    ----------
    features : array, (n, k)
        Of the labeled images. They are logarithms and shares, of which smaller differences than 0.05 mean nothing:
        that is the least unit.
    """
    x = np.asarray(features, dtype=np.float64)
    deviation = 1.4826 * np.median(np.abs(x - np.median(x, axis=0)), axis=0)
    unit = np.maximum(np.where(deviation > 0, deviation, x.std(axis=0)), _LEAST_UNIT)
    return Space(features=x / unit, unit=unit)


def distances(known: Space, at: ArrayLike) -> Floats:
    """Distances of an image to the labeled ones, the root mean square over the features.

    Parameters
    ----------
    known : Space
        The n labeled images.
    at : array, (k,)
        Features of the image.

    Returns
    -------
    array, (n,)
    """
    apart = known.features - np.asarray(at, dtype=np.float64) / known.unit
    return np.asarray(np.sqrt((apart**2).mean(axis=1)), dtype=np.float64)


def usual_distance(known: Space, parents: Sequence[str], coverage: float = 0.95) -> float:
    """Distance to the nearest image of another parent that labeled images seldom exceed.

    Parameters
    ----------
    known : Space
        The n labeled images.
    parents : sequence of str, (n,)
        Of the labeled images.
    coverage : float
        Share of the labeled images whose distance is below the limit; all of them where they are few.
    """
    names = np.asarray(parents, dtype=object)
    nearest = np.zeros(len(names))
    for i, one in enumerate(known.features):
        others = known.features[names != names[i]]
        if len(others):
            nearest[i] = np.sqrt(((others - one) ** 2).mean(axis=1).min())
    return quantile(nearest, weights_of(parents), coverage).half_width
