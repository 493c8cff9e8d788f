"""Worked cases of the standards files, computed again by the formulas that are installed."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from importlib import import_module
from typing import Any

from inspect_tool.model import Standard, Worked
from inspect_tool.standards import editions


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcome:
    """One worked case: what the file expects and what the formula gave."""

    standard: str  # name of the file without its suffix
    function: str
    expected: Mapping[str, float]
    found: Mapping[str, Any]
    tol: float
    source: str
    passed: bool


def function_of(case: Worked) -> Callable[..., Any]:
    """Give what a worked case runs: a formula of a standard, or the statistics over fields."""
    module, name = case.function.rsplit(".", 1)
    room = "statistics" if module == "fields" else "standards.formulas"
    function: Callable[..., Any] = getattr(import_module(f"inspect_tool.{room}.{module}"), name)
    return function


def run_case(standard: Standard, case: Worked) -> CaseOutcome:
    """Compute one worked case of a standard.

    >>> edition = editions.load_standard("astm_e112_2013")
    >>> run_case(edition, edition.worked[0]).passed
    True
    """
    function = function_of(case)
    given = dict(case.given)
    if "standard" in inspect.signature(function).parameters:
        given["standard"] = standard
    result = function(**given)
    if is_dataclass(result) and not isinstance(result, type):
        result = asdict(result)
    if not isinstance(result, Mapping):
        (key,) = case.expect
        result = {key: result}
    found = {key: result.get(key) for key in case.expect}
    return CaseOutcome(
        standard=standard.name,
        function=case.function,
        expected=case.expect,
        found=found,
        tol=case.tol,
        source=case.source,
        passed=all(_agrees(found[key], value, case.tol) for key, value in case.expect.items()),
    )


def run_cases() -> tuple[CaseOutcome, ...]:
    """Compute every worked case of every edition that is shipped."""
    every = [editions.load_standard(name) for name in editions.names()]
    return tuple(run_case(edition, case) for edition in every for case in edition.worked)


def _agrees(found: Any, expected: Any, tol: float) -> bool:
    if isinstance(expected, bool | str) or isinstance(found, str) or found is None:
        return bool(found == expected)
    return abs(float(found) - float(expected)) <= tol * (1 + 1e-12)
