"""The joints of a job as the population of a check by hand: the worst by the program have strata of their own.

A point is drawn in the outline of a joint as the program has it. Of the other joints every point may lie in another
one: a random sample of joints, as large as it can be, in which every joint has the weight that it has in the mean.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inspect_tool.model import LabelImage, PointClass
from inspect_tool.referee import design
from inspect_tool.referee.regions import OUTSIDE, Strata

MEAN, WORST = "void_percent.mean", "void_percent.max"
"""Results that a check by hand corrects."""

SOLDER, VOID, BESIDE = "solder", "void", "not in the joint"
CLASSES = (PointClass(name=SOLDER), PointClass(name=VOID, quantity=MEAN), PointClass(name=BESIDE))
"""What a person tells apart; the first two have the numbers that the program has for them."""

_OWN = 3  # joints of a specimen, the worst by the program, with strata of their own
_FEW = 5  # joints of a specimen that all have
_BAND = 256  # rows that are worked on at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """One joint of the population."""

    specimen: str
    section: str
    field: int  # index of its image
    number: int  # among the joints of its image
    name: str
    box: tuple[slice, slice]  # rows and columns
    pixels: tuple[int, ...]  # by what the program took them for and how sure it was

    @property
    def seen(self) -> float:
        """Void share by the program. [1]"""
        return (self.pixels[2] + self.pixels[3]) / sum(self.pixels)


def joints_of_field(
    strata: Strata, joints: LabelImage, names: Mapping[int, str], *, specimen: str, section: str, field: int
) -> list[Joint]:
    """Count the pixels of every joint of a field by stratum.

    Parameters
    ----------
    strata : array of uint8, (rows, columns)
        Twice the class of a pixel (0 solder, 1 void), plus 1 where it is unsure; ``OUTSIDE`` where it does not count.
    joints : array of int32, (rows, columns)
        Numbers of the joints that count, 0 elsewhere.
    names : mapping
        Of the joints by number.
    specimen, section, field : str, str, int
        What the field belongs to, and its index.
    """
    from scipy import ndimage

    found = np.zeros((int(joints.max(initial=0)) + 1, design.CODES), np.int64)
    for start in range(0, len(strata), _BAND):
        numbers, codes = (part[start : start + _BAND] for part in (joints, strata))
        inside = (numbers > 0) & (codes != OUTSIDE)
        np.add.at(found, (numbers[inside], codes[inside]), 1)
    boxes = ndimage.find_objects(joints)
    return [
        Joint(
            specimen=specimen,
            section=section,
            field=field,
            number=number,
            name=names[number],
            box=boxes[number - 1],
            pixels=tuple(found[number].tolist()),
        )
        for number in np.flatnonzero(found.sum(axis=1)).tolist()
    ]


def areas_of(joints: Sequence[Joint], *, nested: bool) -> tuple[design.Area, ...]:
    """Give every joint its weight and its strata.

    Parameters
    ----------
    joints : sequence of Joint
        Of all specimens.
    nested : bool
        The mean is that over sections of means over fields of means over joints; else that over joints.
    """
    own, weights = own_joints(joints), _weights(joints, nested=nested)
    most, none = max(own.values(), default=0), (0,) * design.CODES
    return tuple(
        design.Area(
            specimen=joint.specimen,
            section=joint.section,
            pixels=none * own.get(i, 0) + joint.pixels + none * (most - own.get(i, 0)),
            weight=weights[i],
        )
        for i, joint in enumerate(joints)
    )


def own_joints(joints: Sequence[Joint]) -> dict[int, int]:
    """Indices of the joints with strata of their own, and the numbers of these groups of strata, from 1.

    All joints of a specimen of few; else the worst by the program, where it saw voids.
    """
    found: dict[int, int] = {}
    for specimen in dict.fromkeys(one.specimen for one in joints):
        mine = [i for i, one in enumerate(joints) if one.specimen == specimen]
        if len(mine) > _FEW:
            mine = sorted((i for i in mine if joints[i].seen > 0), key=lambda i: -joints[i].seen)[:_OWN]
        found |= {i: group for group, i in enumerate(mine, start=1)}
    return found


def _weights(joints: Sequence[Joint], *, nested: bool) -> list[float]:
    """Weight of every joint in the mean of its specimen. [1]"""
    if not nested:
        of_specimen = Counter(one.specimen for one in joints)
        return [1 / of_specimen[one.specimen] for one in joints]
    images = Counter((one.specimen, one.section, one.field) for one in joints)
    boards = Counter((specimen, section) for specimen, section, _ in images)
    specimens = Counter(specimen for specimen, _ in boards)
    return [
        1 / specimens[one.specimen] / boards[one.specimen, one.section] / images[one.specimen, one.section, one.field]
        for one in joints
    ]


def located(strata: Strata, joints: LabelImage, joint: Joint, code: int, rank: int) -> tuple[int, int]:
    """Find a pixel of a stratum of a joint by its rank, from 0, in reading order."""
    rows, columns = joint.box
    own = (joints[rows, columns] == joint.number) & (strata[rows, columns] == code)
    row, column = divmod(int(np.flatnonzero(own)[rank]), own.shape[1])
    return rows.start + row, columns.start + column
