"""Imports go down only: a module may import its own layer and the layers below it."""

import ast
from pathlib import Path

import inspect_tool

PACKAGE = Path(inspect_tool.__file__).parent
LAYERS = [
    {
        "errors",
        "units",
        "paths",
        "ranges",
        "model",
        "registry",
        "files",
        "folders",
        "locks",
        "slips",
        "standards",
        "workers",
    },
    {
        "agreement",
        "audit",
        "calibration",
        "calibration_files",
        "uncertainty",
        "conformity",
        "dossier",
        "edits",
        "evidence",
        "lots",
        "offline",
        "plausibility",
        "provenance",
        "question",
        "recovery",
        "specs",
        "synthetic",
        "trail_checks",
        "trail_reports",
        "networks",
    },
    {
        "readers",
        "preprocess",
        "colored_marks",
        "scale_bar",
        "backends",
        "measure",
        "formulas",
        "quality",
        "specimen_area",
        "worked",
        "pdf_check",
        "referee",
        "pdf_compare",
        "_signature_block",
    },
    {"recipes", "report", "exporters", "training", "signing"},
    {
        "compare",
        "conclusion",
        "correct",
        "drawn_again",
        "gauge",
        "gauge_values",
        "golden",
        "hand_check",
        "pages",
        "painted",
        "phantoms",
        "pipeline",
        "preview",
        "questions",
        "remeasure",
        "selftest",
        "stage_micrometer",
        "supersede",
        "validation",
        "starter",
        "verify",
    },
    {"cli", "__main__"},
]
LAYER = {name: i for i, names in enumerate(LAYERS) for name in names}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("inspect_tool"):
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (name.name.split(".")[1] for name in node.names if name.name.startswith("inspect_tool."))


def test_imports_go_down_only():
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        own = parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for name in imports(path):
            if name in {"__version__"}:
                continue
            if LAYER[name] > LAYER[own]:
                wrong.append(f"{'/'.join(parts)} imports {name}")
    assert wrong == []


def test_the_public_names_exist_and_are_few():
    assert len(inspect_tool.__all__) <= 25
    for name in inspect_tool.__all__:
        assert getattr(inspect_tool, name) is not None
