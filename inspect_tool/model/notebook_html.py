"""What a notebook shows of findings and reports: few lines of HTML, every text escaped.

The numbers stand as a table of a notebook shows them, to four digits; the pages of a report round them to their
uncertainty.
"""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspect_tool.model.findings import Check, Conformity, Result, Results


def counted(results: "Sequence[Result]", checks: "Sequence[Check]", warnings: Sequence[str]) -> str:
    """Say in one line how much there is."""
    failed = sum(not one.passed for one in checks)
    return f"{len(results)} results, {failed} of {len(checks)} checks not met, {len(warnings)} warnings"


def page(
    head: str,
    results: "Results",
    checks: "Sequence[Check]",
    warnings: Sequence[str],
    conformities: "Sequence[Conformity]" = (),
) -> str:
    """Show what page 1 of a report says: warnings, verdicts, the main results, and the checks that are not met."""
    main = type(results)(one for one in results if one.main) or results
    more = f"{len(main)} of {len(results)} results are shown; results.to_frame() has all"
    lines = [f"{one.quantity}, specimen {one.specimen}: {one.decision}: {one.reason}" for one in conformities]
    failed = [f"{one.name}: {one.note}" if one.note else one.name for one in checks if not one.passed]
    parts = (
        f"<p><b>{escape(head)}</b></p>",
        _listed("Warnings", warnings),
        _listed("Requirements", lines),
        table(main),
        f"<p><small>{more}</small></p>" if len(main) < len(results) else "",
        _listed("Checks that are not met", failed),
    )
    return f"<div>{''.join(parts)}</div>"


def table(results: "Results") -> str:
    """Show value, expanded uncertainty U, unit and n of every result as a table."""
    frame = results.to_frame()
    frame["quantity"] = frame["title"].where(frame["title"] != "", frame["quantity"])
    frame = frame[["quantity", "specimen", "value", "expanded_u", "unit", "low", "high", "n", "n_of"]]
    frame.columns = ["quantity", "specimen", "value", "U", "unit", "from", "to", "n", "of"]
    return frame.to_html(index=False, border=0, na_rep="", float_format="{:.4g}".format)


def _listed(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return f"<p>{escape(title)}</p><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
