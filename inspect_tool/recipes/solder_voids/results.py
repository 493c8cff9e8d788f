"""All images of a specimen to results with their budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.model import (
    Component,
    FieldMeasurement,
    Result,
    Standard,
)
from inspect_tool.recipes.solder_voids.settings import QUANTITIES, SHARES, Settings
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.fields import field_statistics, scatter_line
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated, excess_of_largest

_Lines: TypeAlias = Mapping[str, Mapping[str, NDArray[np.float64]]]  # share -> budget line -> u per joint [%]


def budget_lines(fields: Sequence[FieldMeasurement], whole: NDArray[np.bool_]) -> _Lines:
    """Budget lines of the joints that count, in the order of their table; a line that a field has not is 0 there."""
    names = dict.fromkeys(name for field in fields for name in field.curves)
    return {
        share: {
            name.removeprefix(f"{share}."): np.concatenate(
                [np.asarray(field.curves.get(name, (0.0,) * len(field.features))) for field in fields]
            )[whole]
            for name in names
            if name.startswith(f"{share}.")
        }
        for share in SHARES
    }


def results_of(
    used: pd.DataFrame, lines: _Lines, specimen: str, settings: Settings, standard: Standard
) -> list[Result]:
    """Give every result of one specimen, with its budget."""
    largest = {
        "void_percent": f"union of voids / {settings.denominator}",
        "largest_void_percent": f"largest void / {settings.denominator}",
        "void_diameter_percent": "equivalent diameter of the largest connected void / that of the joint",
    }
    budgets = dict(lines)
    if settings.quadrants:
        whole = used["void_percent"].to_numpy()
        for part, of in (("quadrant", "quadrant"), ("corner", "joint"), ("across", "joint")):
            share = f"{part}_void_percent"
            largest[share] = f"share of the {of}"
            # the outline of the parts moves like that of the whole: the relative uncertainty is taken over
            scale = np.divide(used[share], whole, out=np.zeros(len(used)), where=whole > 0)
            budgets[share] = {line: u * scale for line, u in lines["void_percent"].items()}
    clause = designation(standard)
    results = [_worst_joint(used, share, largest[share], budgets[share], specimen, clause) for share in largest]
    results.insert(1, _mean(used, lines["void_percent"], settings, specimen, clause))
    if settings.limit_percent:
        results.append(_above_limit(used, lines["void_percent"], settings.limit_percent, specimen, clause))
    return [evaluated(replace(result, title=QUANTITIES[result.quantity].title)) for result in results]


def _worst_joint(
    used: pd.DataFrame,
    share: str,
    definition: str,
    lines: Mapping[str, NDArray[np.float64]],
    specimen: str,
    clause: str,
) -> Result:
    """Largest share of the joints that were inspected, with the budget of the joint it belongs to.

    Of several joints that cannot be told apart, the one that was measured too large is the largest: the excess is
    anything from nothing (all joints err the same way) to that of independent errors, and acts on one side.
    """
    shares = used[share].to_numpy()
    at = int(shares.argmax())
    joint = used["joint"].iloc[at]
    budget = [
        Component(name=line, u=float(u[at]), kind="B", basis=f"{_BASIS.get(line, _MOVED)}; joint {joint}")
        for line, u in lines.items()
    ]
    rivals, excess = excess_of_largest(shares, _combined(lines, len(shares)))
    if excess:
        basis = (
            f"{rivals} joints cannot be told from it: the largest of their errors is {excess:.2g} % on average; / √3"
        )
        budget.append(Component(name="choice of the largest", u=excess / sqrt(3), kind="B", basis=basis))
    return Result(
        quantity=f"{share}.max",
        specimen=specimen,
        n=len(shares),
        n_of="joints",
        clause=clause,
        value=float(shares[at]),
        unit="%",
        definition=f"{definition}, largest over joints/1",
        budget=tuple(budget),
        main=share == "void_percent",
    )


def _combined(lines: Mapping[str, NDArray[np.float64]], n: int) -> NDArray[np.float64]:
    """Combined standard uncertainty of each of n joints. [%]."""
    return np.sqrt(sum((u**2 for u in lines.values()), start=np.zeros(n)))


def _mean(
    used: pd.DataFrame, lines: Mapping[str, NDArray[np.float64]], settings: Settings, specimen: str, clause: str
) -> Result:
    """Mean void share: over all joints, or, of a sample, over boards of images of joints, with their scatter."""
    shares = used["void_percent"]
    value, over = float(shares.mean()), "joints"
    budget = [
        Component(
            name=line,
            u=float(u.mean()),  # an outline rule moves all joints the same way
            kind="B",
            basis=f"{_BASIS.get(line, _MOVED)}; the same way in all joints",
        )
        for line, u in lines.items()
    ]
    if settings.joints_are == "sample":
        images = used.groupby(["section", "field"], sort=False)["void_percent"].mean()
        if len(images) > 1:
            found = field_statistics(images.tolist(), [str(section) for section, _ in images.index])
            value, over = found.mean, "boards of means over images" if len(found.sections) > 1 else "images of means"
            budget = [*scatter_line(found), *budget]
        else:
            between = [
                replace(line, name="between joints", basis=f"s / √n over {len(shares)} joints of one image")
                for line in scatter_line(field_statistics(shares.tolist()))
            ]
            budget = [*between, *budget]
    return Result(
        quantity="void_percent.mean",
        specimen=specimen,
        n=len(shares),
        n_of="joints",
        clause=clause,
        value=value,
        unit="%",
        definition=f"union of voids / {settings.denominator}, mean over {over}/1",
        budget=tuple(budget),
        main=False,
    )


def _above_limit(
    used: pd.DataFrame, lines: Mapping[str, NDArray[np.float64]], limit: float, specimen: str, clause: str
) -> Result:
    """Count joints above a limit; the joints within their own U of it may lie on either side."""
    shares = used["void_percent"].to_numpy()
    way = coverage_factor(None) * _combined(lines, len(shares))
    low, count, high = (int(np.count_nonzero(moved > limit)) for moved in (shares - way, shares, shares + way))
    return Result(
        quantity="joints_above_limit",
        specimen=specimen,
        n=len(shares),
        n_of="joints",
        clause=clause,
        value=float(count),
        unit="counts",
        definition=f"joints with a void share above {limit:g} %/1",
        interval=(float(low), float(high)),
        budget=(
            Component(
                name="joints near the limit",
                u=max(high - count, count - low) / coverage_factor(None),
                kind="B",
                basis=f"{high - low} joints lie within U of their own void share of the limit",
            ),
        ),
        main=False,
    )


_MOVED = "half range of the value with the outline at other plausible gray levels / √3"

_BASIS = {
    "void quarter pixel": "outline of the voids a quarter of a pixel in or out, 0.25 px / √3, beyond 'void edge'",
    "joint quarter pixel": "outline of the joint a quarter of a pixel in or out, 0.25 px / √3, beyond 'joint edge'",
    "void half pixel": "outline of the voids half a pixel in or out, 0.5 px / √3",
    "joint half pixel": "outline of the joint half a pixel in or out, 0.5 px / √3",
    "faint voids": "change of the value with voids left out or taken in that just count or are seen in one of two "
    "ways, the larger one / √3",
}
