"""Doubts about the gray level that a share rests on: no gray of its own, two ways to the level that disagree."""

from collections.abc import Mapping, Sequence
from typing import Any

from inspect_tool import plausibility
from inspect_tool.backends._level_choice import OWN_GRAY
from inspect_tool.model import Check, FieldMeasurement, Segmentation
from inspect_tool.uncertainty import half_range

_SHIFTS = ("threshold -", "threshold +")  # one level, moved: no second way to it


def facts_of_level(segmentation: Segmentation) -> Mapping[str, Any]:
    """What the backend found out of the gray values about its level, for ``FieldMeasurement.read_off``."""
    found = segmentation.settings.get("own_gray")
    return {} if found is None else {"own_gray": found}


def own_gray_checks(fields: Sequence[FieldMeasurement]) -> tuple[Check, ...]:
    """Whether the phase has a gray of its own in every field of a specimen; none where no level was chosen by edges."""
    found = [(float(field.read_off["own_gray"]), field.image) for field in fields if "own_gray" in field.read_off]
    if not found:
        return ()
    least, image = min(found)
    advice = "no gray level separates it; use 'unet' trained on such images, or masks ('labels')"
    return (
        plausibility.check(
            "Phase with a gray of its own",
            least,
            ">=",
            OWN_GRAY,
            "1",
            clause="check of this software: beyond the edges of a phase pixels are denser than on them",
            specimen=fields[0].specimen,
            note=f"worst field {image}",
            advice=advice,
        ),
    )


def disagreement(share: float, means: Mapping[str, float]) -> str:
    """Name the ways to the level that lie farther from a share than what moving the level alone makes of U. [%]

    Parameters
    ----------
    share : float
        As reported. [%]
    means : mapping
        Name of an alternative -> share of it. [%]

    Examples
    --------
    >>> disagreement(20.0, {"threshold -": 19.0, "threshold +": 21.0, "gray values": 26.0})
    'gray values: 26 %'
    >>> disagreement(20.0, {"threshold -": 19.0, "threshold +": 21.0, "gray values": 20.5})
    ''
    """
    moved = [means[name] for name in _SHIFTS if name in means]
    if not moved:
        return ""
    reach = 2 * half_range([share, *moved])
    apart = [f"{name}: {mean:.3g} %" for name, mean in means.items() if abs(mean - share) > reach]
    return ", ".join(text for text in apart if not text.startswith(_SHIFTS))
