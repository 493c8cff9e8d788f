"""Worked cases prove the formulas that reports run, and not twins of them: calls are followed from the recipes."""

import ast
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

import inspect_tool
from inspect_tool.standards import editions
from inspect_tool.standards.worked import function_of

PACKAGE = Path(inspect_tool.__file__).parent
ROOTS = ("recipes", "studies/gauge")  # what a report of a specimen and of a gauge runs
FUNCTIONS = {
    (function.__module__, function.__name__)
    for name in editions.names()
    for case in editions.load_standard(name).worked
    for function in [function_of(case)]
}
Name = tuple[str, str]  # module and function


@cache
def parsed(module: str) -> ast.Module:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8"))


def is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@cache
def names_in(module: str) -> dict[str, Name | str]:
    """What a name stands for: a module, or a function of one."""
    found: dict[str, Name | str] = {}
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("inspect_tool"):
            for one in node.names:
                whole = f"{node.module}.{one.name}"
                found[one.asname or one.name] = whole if is_module(whole) else (str(node.module), one.name)
    for node in parsed(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = (module, node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {one.id: (module, one.id) for one in targets if isinstance(one, ast.Name)}
    return found


def called(module: str, tree: ast.AST) -> set[Name]:
    """Functions that some code names; an attribute of what is no known module is asked of every formula it imports."""
    known = names_in(module)
    formulas = [one for one in known.values() if isinstance(one, str) and ".standards.formulas." in one]
    found: set[Name] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(known.get(node.id), tuple):
            found.add(known[node.id])
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = known.get(node.value.id)
            homes = [owner] if isinstance(owner, str) else formulas
            found |= {(home, node.attr) for home in homes if node.attr in names_in(home)}
    return found


def reached() -> set[Name]:
    """All functions that the recipes and the gauge study lead to."""
    waiting: list[Name] = []
    for path in chain.from_iterable((PACKAGE / root).rglob("*.py") for root in ROOTS):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        waiting += called(module, parsed(module))
    found: set[Name] = set()
    while waiting:
        module, name = waiting.pop()
        if (module, name) in found or not is_module(module):
            continue
        found.add((module, name))
        stands_for = names_in(module).get(name)
        if isinstance(stands_for, tuple) and stands_for[0] != module:  # handed on by a room
            waiting.append(stands_for)
        for node in parsed(module).body:
            targets = [*getattr(node, "targets", ()), getattr(node, "target", None)]
            bound = {getattr(node, "name", None), *(getattr(one, "id", None) for one in targets)}
            if name in bound:
                waiting += called(module, node)
    return found


@pytest.fixture(scope="module")
def live() -> set[Name]:
    return reached()


@pytest.mark.parametrize("function", sorted(FUNCTIONS), ids=lambda one: one[1])
def test_a_worked_case_runs_what_a_report_runs(function, live):
    assert function in live


def test_what_nothing_calls_is_not_taken_for_live(live):
    home = "inspect_tool.standards.formulas"
    assert (f"{home}.astm_e562", "grid_points") in live
    assert (f"{home}.astm_e112", "jeffries_multiplier") not in live  # a factor of a table; a report counts on areas
    assert (f"{home}.iso_643", "g_from_jis_ferrite") not in live
