"""All images of a specimen to results with their budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.languages import Text, named
from inspect_tool.model import (
    Component,
    Result,
    Standard,
)
from inspect_tool.recipes.solder_voids.settings import QUANTITIES, Settings
from inspect_tool.recipes.solder_voids.values import SHARES, Measured
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.fields import field_statistics, scatter_line
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated, excess_of_largest


def budget_lines(
    fields: Sequence[Measured], whole: NDArray[np.bool_]
) -> Mapping[str, Mapping[str, NDArray[np.float64]]]:
    """Uncertainty of the joints that count by share and line, in the order of their table; what a field lacks is 0."""
    return {
        share: {
            line: np.concatenate(
                [np.asarray(field.values.lines[share].get(line, (0.0,) * len(field.features))) for field in fields]
            )[whole]
            for line in dict.fromkeys(line for field in fields for line in field.values.lines[share])
        }
        for share in SHARES
    }


def results_of(
    used: pd.DataFrame,
    lines: Mapping[str, Mapping[str, NDArray[np.float64]]],
    specimen: str,
    settings: Settings,
    standard: Standard,
) -> list[Result]:
    """Give every result of one specimen, with its budget."""
    largest = {
        "void_percent": Text("solder_voids.definition_void_share", denominator=named("terms", settings.denominator)),
        "largest_void_percent": Text(
            "solder_voids.definition_largest_void", denominator=named("terms", settings.denominator)
        ),
        "void_diameter_percent": Text("solder_voids.definition_largest_void_diameter"),
    }
    budgets = dict(lines)
    if settings.quadrants:
        whole = used["void_percent"].to_numpy()
        for part, of in (("quadrant", "quadrant"), ("corner", "joint"), ("across", "joint")):
            share = f"{part}_void_percent"
            largest[share] = Text("solder_voids.definition_share_of_part", of=of)
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
        Component(
            name=named("budget", line),
            u=float(u[at]),
            kind="B",
            basis=Text("solder_voids.basis_of_joint", line=_BASIS.get(line, _MOVED), joint=joint),
        )
        for line, u in lines.items()
    ]
    rivals, excess = excess_of_largest(shares, _combined(lines, len(shares)))
    if excess:
        basis = Text("solder_voids.basis_choice_of_largest", rivals=rivals, excess=excess)
        budget.append(Component(name=Text("budget.choice_of_the_largest"), u=excess / sqrt(3), kind="B", basis=basis))
    return Result(
        quantity=f"{share}.max",
        specimen=specimen,
        n=len(shares),
        n_of=Text("solder_voids.n_of_joints"),
        clause=clause,
        value=float(shares[at]),
        unit="%",
        definition=Text("solder_voids.definition_largest_over_joints", definition=definition),
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
    value, over = float(shares.mean()), Text("solder_voids.n_of_joints")
    budget = [
        Component(
            name=named("budget", line),
            u=float(u.mean()),  # an outline rule moves all joints the same way
            kind="B",
            basis=Text("solder_voids.basis_same_in_all_joints", line=_BASIS.get(line, _MOVED)),
        )
        for line, u in lines.items()
    ]
    if settings.joints_are == "sample":
        images = used.groupby(["section", "field"], sort=False)["void_percent"].mean()
        if len(images) > 1:
            found = field_statistics(images.tolist(), [str(section) for section, _ in images.index])
            value, over = (
                found.mean,
                Text("solder_voids.over_boards") if len(found.sections) > 1 else Text("solder_voids.over_images"),
            )
            budget = [*scatter_line(found), *budget]
        else:
            between = [
                replace(
                    line,
                    name=Text("budget.between_joints"),
                    basis=Text("solder_voids.basis_between_joints", n_shares=len(shares)),
                )
                for line in scatter_line(field_statistics(shares.tolist()))
            ]
            budget = [*between, *budget]
    return Result(
        quantity="void_percent.mean",
        specimen=specimen,
        n=len(shares),
        n_of=Text("solder_voids.n_of_joints"),
        clause=clause,
        value=value,
        unit="%",
        definition=Text(
            "solder_voids.definition_mean_void_share", denominator=named("terms", settings.denominator), over=over
        ),
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
        n_of=Text("solder_voids.n_of_joints"),
        clause=clause,
        value=float(count),
        unit="counts",
        definition=Text("solder_voids.definition_joints_above_limit", limit=limit),
        interval=(float(low), float(high)),
        budget=(
            Component(
                name=Text("budget.joints_near_the_limit"),
                u=max(high - count, count - low) / coverage_factor(None),
                kind="B",
                basis=Text("solder_voids.basis_joints_near_limit", high=high - low),
            ),
        ),
        main=False,
    )


_MOVED = Text("solder_voids.basis_plausible_gray_levels")

_BASIS = {
    "void quarter pixel": Text("solder_voids.basis_void_quarter_pixel"),
    "joint quarter pixel": Text("solder_voids.basis_joint_quarter_pixel"),
    "void half pixel": Text("solder_voids.basis_void_half_pixel"),
    "joint half pixel": Text("solder_voids.basis_joint_half_pixel"),
    "faint voids": Text("solder_voids.basis_faint_voids"),
}
