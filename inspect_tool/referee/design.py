"""Draw a random sample of points whose probabilities are known, so that anybody draws the same one again.

Every specimen is one population: the pixels of its fields, each field with the weight it has in the mean. Its strata
are what the program took a pixel for, sure or unsure. Random numbers are SHA-256 of a stated text: no library and no
version changes them.
"""

import hashlib
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from inspect_tool.errors import SettingsError

FIRST = 50
"""Points of a specimen between two places where one may stop."""

MOST_POINTS = 1000

CODES = 16
"""Codes of strata that one group of regions has; regions with strata of their own have the next ones."""

_PROPORTIONAL = 0.75  # of the points go where the area is: whatever the program saw, little is lost
_UNSURE = 3.0  # times as many of the others in unsure regions: as errors of 25 % scatter against those of 2 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One field of the population."""

    specimen: str
    section: str
    pixels: tuple[int, ...]  # (or test lines) by the code of the stratum
    weight: float | None = None  # in the mean of its specimen; None: that of a field


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One point (or line) of a sample: the pixel of a stratum with this rank in a field."""

    specimen: str
    field: int  # index among the areas
    code: int  # of the stratum
    rank: int  # among the pixels of the stratum in the field, reading order


def stages_of(points: int, stage: int = FIRST, what: str = "points") -> tuple[int, ...]:
    """Numbers of points of a specimen at which one may stop, every ``stage`` of them; the last is all of them.

    >>> stages_of(120)
    (50, 100, 120)

    Raises
    ------
    SettingsError
        Fewer points than one stage, or more than anybody answers.
    """
    if not stage <= points <= MOST_POINTS:
        msg = f"--points: got {points}, must be from {stage} to {MOST_POINTS} {what} of every specimen"
        raise SettingsError(msg)
    return (*range(stage, points, stage), points)


def weights(areas: Sequence[Area]) -> dict[str, dict[int, float]]:
    """Share of every stratum in its specimen: the mean over sections of the mean over fields. [1]

    >>> weights([Area(specimen="1", section="1", pixels=(3, 1)), Area(specimen="1", section="1", pixels=(0, 9))])
    {'1': {0: 0.375, 1: 0.625}}
    """
    found: dict[str, dict[int, float]] = {}
    for area, whole in zip(areas, field_weights(areas), strict=True):
        own = found.setdefault(area.specimen, {})
        for code, pixels in enumerate(area.pixels):
            if pixels:
                own[code] = own.get(code, 0.0) + whole * pixels / sum(area.pixels)
    return {specimen: dict(sorted(own.items())) for specimen, own in found.items()}


def field_weights(areas: Sequence[Area]) -> list[float]:
    """Share of every field in its specimen: the mean over sections of the mean over fields. [1]"""
    sections = {(area.specimen, area.section) for area in areas}
    keys = [(area.specimen, area.section) for area in areas]
    return [
        1 / sum(specimen == area.specimen for specimen, _ in sections) / keys.count((area.specimen, area.section))
        if area.weight is None
        else area.weight
        for area in areas
    ]


def allocated(shares: Mapping[int, float], points: int) -> dict[int, int]:
    """Share out the points of one stage among the strata: at least one to each, where there are as many points.

    Three of four go by area, so that the sample is never much worse than one without strata; unsure regions get more
    of the others.

    >>> allocated({0: 0.6, 1: 0.1, 2: 0.3}, 50)
    {0: 29, 1: 7, 2: 14}
    """
    bent = {code: share * (_UNSURE if code % 2 else 1.0) for code, share in shares.items()}
    halves = [sum(bent[code] for code in bent if (code >= CODES) is own) for own in (False, True)]
    if all(halves):
        bent = {code: one / halves[code >= CODES] for code, one in bent.items()}
    total = sum(bent.values())
    exact = {
        code: points * (_PROPORTIONAL * share + (1 - _PROPORTIONAL) * bent[code] / total)
        for code, share in shares.items()
    }
    least = 1 if points >= len(shares) else 0  # a last stage may be a single point
    whole = {code: max(least, int(wanted)) for code, wanted in exact.items()}
    while sum(whole.values()) != points:
        step = 1 if sum(whole.values()) < points else -1
        code = max(
            (one for one in whole if step > 0 or whole[one] > least), key=lambda one: step * (exact[one] - whole[one])
        )
        whole[code] += step
    return whole


def drawn(areas: Sequence[Area], points: int, seed: str, stage: int = FIRST) -> tuple[Place, ...]:
    """Draw a sample.

    Within a stage every stratum of a specimen gets its points by area, spread over the fields (one in each of as many
    equal parts of the stratum, field after field), at random in the field; then all points are shuffled.

    Parameters
    ----------
    areas : sequence of Area
        The fields of a job in their order.
    points : int
        Of every specimen.
    seed : str
        Any text.
    stage : int
        Points of a specimen between two places where one may stop.

    Returns
    -------
    tuple of Place
        In the order in which they are answered: stage by stage.
    """
    shares = weights(areas)
    whole = field_weights(areas)
    found: list[Place] = []
    done = 0
    for end in stages_of(points, stage):
        places: list[tuple[float, Place]] = []
        for specimen, own in shares.items():
            for code, count in allocated(own, end - done).items():
                for i in range(count):
                    key = f"{seed}/{end}/{specimen}/{code}/{i}"
                    field = _field((i + uniform(key)) / count, areas, whole, specimen, code)
                    rank = int(uniform(f"{key}/pixel") * areas[field].pixels[code])
                    place = Place(specimen=specimen, field=field, code=code, rank=rank)
                    places.append((uniform(f"{key}/order"), place))
        found += [place for _, place in sorted(places, key=lambda pair: pair[0])]
        done = end
    return tuple(found)


def _field(position: float, areas: Sequence[Area], whole: Sequence[float], specimen: str, code: int) -> int:
    """Field at a position from 0 to 1 of the area of a stratum, each field with its weight."""
    own = [i for i, area in enumerate(areas) if area.specimen == specimen and area.pixels[code]]
    ends = list(accumulate(whole[i] * areas[i].pixels[code] / sum(areas[i].pixels) for i in own))
    return own[min(bisect(ends, position * ends[-1]), len(own) - 1)]


def uniform(text: str) -> float:
    """Random number from 0 up to 1 that belongs to a text.

    >>> 0 <= uniform("a") < 1, uniform("a") == uniform("a"), uniform("a") == uniform("b")
    (True, True, False)
    """
    return uniforms(text, 1)[0]


def uniforms(text: str, count: int) -> tuple[float, ...]:
    """Up to five random numbers from 0 up to 1 that belong to a text."""
    digest = hashlib.sha256(text.encode()).digest()
    return tuple(int.from_bytes(digest[6 * i : 6 * i + 6], "big") / 2**48 for i in range(count))
