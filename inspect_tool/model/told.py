"""What a backend found out on its way, by which a recipe doubts a number or names an object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import TypeAlias

Fact: TypeAlias = str | bool | int | float | tuple[str, ...] | tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Facts of one segmentation; None or empty: the backend does not say.

    They stand under these names among the settings of the segmentation (``stated`` puts them there), and so in the
    report: names that are kept.
    """

    # of a gray level
    method_taken: str | None = None  # how it was found; "fixed": given, "nothing found": there is none
    phase_taken: str | None = None  # "dark" or "bright": which side of it is the phase
    own_gray: float | None = None  # how far the gray levels of phase and matrix are apart, see level_choice [1]
    outline_on_edges: float | None = None  # share of the outline that runs along edges [1]
    variance_between: float | None = None  # share of the variance of gray between the two sides of the level [1]
    color_weights: tuple[float, float, float] | None = None  # of red, green, blue, where color told the classes apart

    # of a texture
    texture_separation: float | None = None  # of smooth and rough, over the sum of their standard deviations [1]

    # of a layer that runs through
    sizes_apart: float | None = None  # range of its thickness by several sizes of the picture, over it [1]
    grays_apart: float | None = None  # and by gray values beside its interfaces and farther off [1]
    edge_off: float | None = None  # how far from its fainter interface the gray changes most, over it [1]

    # of joints
    polarity: str | None = None  # "solder dark" or "solder bright"
    layout: str | None = None  # "balls", "plates", ... or "given"
    layout_guessed: bool | None = None
    round_regions_left_out: int | None = None
    min_void_px: float | None = None  # equivalent diameter of the smallest void that was looked for [px]
    joint_names: tuple[str, ...] = ()  # in the order of their numbers
    joints_unsure: int | None = None  # whose gray levels tell void and solder badly apart
    straight_bands_ignored: int | None = None

    # of grains
    twin_lamellae_merged: int | None = None
    scratch_lines_merged: int | None = None
    scratched_percent: float | None = None  # of the area, within grains that scratches had cut [%]


def stated(told: Told) -> dict[str, Fact]:
    """Give what is said, by its name.

    >>> stated(Told(joints_unsure=0, polarity="solder dark"))
    {'polarity': 'solder dark', 'joints_unsure': 0}
    """
    said = ((field.name, getattr(told, field.name)) for field in fields(told))
    return {name: value for name, value in said if value is not None and not (isinstance(value, tuple) and not value)}


def told_in(settings: Mapping[str, object]) -> Told:
    """Read from the settings of a segmentation what its backend says; what is of another kind says nothing.

    >>> stated(told_in({"joint_names": ["A", "B"], "polarity": 3, "window_px": 7}))
    {'joint_names': ('A', 'B')}
    """

    def word(name: str) -> str | None:
        value = settings.get(name)
        return value if isinstance(value, str) else None

    def count(name: str) -> int | None:
        value = settings.get(name)
        return int(value) if isinstance(value, Integral) else None

    def number(name: str) -> float | None:
        value = settings.get(name)
        return float(value) if isinstance(value, Real) else None

    def row(name: str) -> Sequence[object]:
        value = settings.get(name)
        return value if isinstance(value, list | tuple) else ()

    weights = tuple(float(weight) for weight in row("color_weights") if isinstance(weight, Real))
    guessed = settings.get("layout_guessed")
    return Told(
        method_taken=word("method_taken"),
        phase_taken=word("phase_taken"),
        own_gray=number("own_gray"),
        outline_on_edges=number("outline_on_edges"),
        variance_between=number("variance_between"),
        color_weights=(weights[0], weights[1], weights[2]) if len(weights) == 3 else None,
        polarity=word("polarity"),
        layout=word("layout"),
        layout_guessed=guessed if isinstance(guessed, bool) else None,
        round_regions_left_out=count("round_regions_left_out"),
        min_void_px=number("min_void_px"),
        joint_names=tuple(str(name) for name in row("joint_names")),
        texture_separation=number("texture_separation"),
        sizes_apart=number("sizes_apart"),
        grays_apart=number("grays_apart"),
        edge_off=number("edge_off"),
        joints_unsure=count("joints_unsure"),
        straight_bands_ignored=count("straight_bands_ignored"),
        twin_lamellae_merged=count("twin_lamellae_merged"),
        scratch_lines_merged=count("scratch_lines_merged"),
        scratched_percent=number("scratched_percent"),
    )
