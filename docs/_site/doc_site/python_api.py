"""Python, room by room, of docstrings and signatures."""

import ast
from collections.abc import Iterator
from pathlib import Path

from doc_site import source
from doc_site.markdown import block, code, page, prose, table
from doc_site.navigation import ROOT

PACKAGE = ROOT / "inspect_tool"
_GROUND = "ground"  # the modules that stand beside the rooms


def pages() -> dict[str, str]:
    """A page for each room, and one of the names that ``import inspect_tool`` gives."""
    rooms = {room: list(_modules(room)) for room in [_GROUND, *_rooms()]}
    found = {f"reference/rooms/{room}.md": _room(room, paths) for room, paths in rooms.items() if paths}
    return {**found, "reference/python.md": _first_names()}


def _rooms() -> list[str]:
    return sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def _modules(room: str) -> Iterator[Path]:
    if room == _GROUND:
        yield from (path for path in sorted(PACKAGE.glob("*.py")) if not path.name.startswith("__"))
        return
    for path in sorted((PACKAGE / room).rglob("*.py")):
        names = path.relative_to(PACKAGE).parts
        private = any(name.startswith("_") and name != "__init__.py" for name in names)
        if not private and "versions" not in names and path.name != "env.py":  # steps of a database are no interface
            yield path


def _room(room: str, paths: list[Path]) -> str:
    head = PACKAGE / room / "__init__.py"
    says = source.doc_of(source.parsed(head)) if room != _GROUND else "What everything stands on."
    parts = [f"# {code(f'inspect_tool.{room}') if room != _GROUND else 'Ground'}", _text(says)]
    for path in paths:
        tree = source.parsed(path)
        offered = list(source.public(tree))
        if not offered:
            continue
        if path != head:
            parts += [f"## {code(_module(path))}", _text(source.doc_of(tree))]
        text = path.read_text("utf-8")
        for node in offered:
            parts += _class(node, text) if isinstance(node, ast.ClassDef) else _function(node, 3)
    return page(*parts, boost=0.4)


def _first_names() -> str:
    """What the package itself gives, with where each name lives."""
    tree = source.parsed(PACKAGE / "__init__.py")
    homes = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    )
    parts = [
        "# Python: what most programs need",
        (
            "`import inspect_tool` gives these names. [From arrays of a notebook](../python.md) and "
            "[step by step](../tutorial.md) show them at work; what else there is stands room by room."
        ),
    ]
    for name, home in homes.items():
        path, node = _home(home, name)
        text = path.read_text("utf-8")
        said = _class(node, text, "../") if isinstance(node, ast.ClassDef) else _function(node, 2, "../")
        parts += [f"## {code(name)}", *said[1:]]
    return page(*parts)


def _home(home: str, name: str) -> tuple[Path, ast.ClassDef | source.Function]:
    """The module that holds a name, looked for below the one that gives it."""
    path = PACKAGE.joinpath(*home.split("."))
    for candidate in [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else sorted(path.glob("*.py")):
        for node in source.public(source.parsed(candidate)):
            if node.name == name:
                return candidate, node
    msg = f"inspect_tool.{home} has no {name}"
    raise ValueError(msg)


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _class(node: ast.ClassDef, text: str, up: str = "../../") -> list[str]:
    bases = ", ".join(ast.unparse(base) for base in node.bases if not isinstance(base, ast.Subscript))
    rows = [
        (code(one.name), code(one.type), code(one.default), prose(one.says, up)) for one in source.entries(node, text)
    ]
    parts = [
        f"### {code(node.name)}",
        block(f"class {node.name}({bases})" if bases else f"class {node.name}", "python"),
    ]
    parts += [_text(source.doc_of(node), up), table(("field", "type", "default", "what it is"), rows)]
    for method in source.methods(node):
        parts += _function(method, 4, up)
    return parts


def _function(node: source.Function, level: int, up: str = "../../") -> list[str]:
    shown = f"{node.name}: {ast.unparse(node.returns)}" if source.is_property(node) and node.returns else None
    parts = [f"{'#' * level} {code(node.name)}", block(shown or source.signature(node), "python")]
    return [*parts, _text(source.doc_of(node), up)]


def _text(doc: str, up: str = "../../") -> str:
    """A docstring as Markdown."""
    parts = []
    for head, text in source.sections(doc):
        if head:
            parts.append(f"**{head}**")
        if head in ("Parameters", "Returns", "Yields", "Raises", "Attributes", "Other Parameters"):
            listed = [(name.partition(" : "), says) for name, says in source.items(text)]
            rows = [(code(name), code(kind), _line(says, up)) for (name, _, kind), says in listed]
            parts.append(table(("name" if head == "Parameters" else head.lower(), "type", "what it is"), rows))
        else:
            parts.append(_paragraphs(text, up))
    return "\n\n".join(parts)


def _paragraphs(text: str, up: str) -> str:
    """Paragraphs of a docstring: prose, examples, what is laid out, lists."""
    parts = []
    for part in text.split("\n\n"):
        if part.lstrip().startswith(">>>"):
            parts.append(block(part, "pycon"))
        elif part.startswith("    "):
            parts.append(block(part))
        elif part.rstrip().endswith("::"):
            parts.append(prose(part.rstrip()[:-1], up))
        else:
            parts.append(prose(part, up))
    return "\n\n".join(parts)


def _line(says: str, up: str) -> str:
    return prose(says.replace("\n\n", " "), up)
