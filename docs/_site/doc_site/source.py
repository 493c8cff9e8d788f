"""What the text of a module says of itself; nothing is imported, so that no page depends on what is installed."""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_WIDEST = 100  # letters of a signature in one line
_SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A field of a class, with the comment behind it."""

    name: str
    type: str
    default: str  # empty: it must be given
    says: str


def parsed(path: Path) -> ast.Module:
    """Read a module."""
    return ast.parse(path.read_text("utf-8"))


def doc_of(node: ast.Module | ast.ClassDef | Function) -> str:
    """Its docstring."""
    return ast.get_docstring(node) or ""


def classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    """The classes of a module, by name."""
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def public(tree: ast.Module) -> Iterator[ast.ClassDef | Function]:
    """Classes and functions that a module offers, in its order; an overload is one with the function behind it."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_") and not _is(node, "overload"):
            yield node


def methods(node: ast.ClassDef) -> Iterator[Function]:
    """Methods and properties that a class offers."""
    yield from (part for part in node.body if isinstance(part, Function) and not part.name.startswith("_"))


def entries(node: ast.ClassDef, text: str) -> Iterator[Entry]:
    """Fields of a class whose module has this text, with what their lines say of them."""
    lines = text.splitlines()
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.target.id[0] != "_":
            rest = lines[(part.end_lineno or 1) - 1].encode()[part.end_col_offset or 0 :].decode()
            kind, doc = _documented(part.annotation)
            yield Entry(
                name=part.target.id,
                type=kind,
                default="" if part.value is None else _default(part.value),
                says=doc or rest.partition("#")[2].strip(),
            )


def signature(node: Function) -> str:
    """A function as it is called."""
    found = _arguments(node.args)
    gives = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{node.name}({', '.join(found)}){gives}"
    if len(line) <= _WIDEST:
        return line
    return f"{node.name}(\n    " + ",\n    ".join(found) + f",\n){gives}"


def is_property(node: Function) -> bool:
    """Whether it is read like a field."""
    return _is(node, "property")


def sections(doc: str) -> Iterator[tuple[str, str]]:
    """Parts of a docstring of the numpydoc kind: head and text; the first one has no head."""
    doc = inspect.cleandoc(doc)
    heads = list(_SECTION.finditer(doc))
    yield "", doc[: heads[0].start() if heads else None].strip()
    for head, after in zip(heads, [*heads[1:], None], strict=False):
        yield head[1], inspect.cleandoc("\n" + doc[head.end() : after.start() if after else None])


def items(text: str) -> Iterator[tuple[str, str]]:
    """Entries of a section as Parameters: what is named, and what is said of it."""
    for part in re.split(r"\n(?=\S)", text.strip()):
        name, _, says = part.partition("\n")
        yield name, inspect.cleandoc("\n" + says)


def _is(node: ast.ClassDef | Function, decorator: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == decorator for one in node.decorator_list)


def _documented(annotation: ast.expr) -> tuple[str, str]:
    """A type, and the ``Doc`` in it."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        for part in parts[1:]:
            if isinstance(part, ast.Call) and ast.unparse(part.func) == "Doc":
                return ast.unparse(parts[0]), str(ast.literal_eval(part.args[0]))
        return ast.unparse(parts[0]), ""
    return ast.unparse(annotation), ""


def _default(value: ast.expr) -> str:
    text = ast.unparse(value)
    made = re.fullmatch(r"(?:default|field)\(default_factory=(.+)\)", text, re.DOTALL)
    if made is None:
        return text
    return made[1].removeprefix("lambda: ") if made[1].startswith("lambda") else f"{made[1]}()"


def _arguments(given: ast.arguments) -> list[str]:
    plain = [*given.posonlyargs, *given.args]
    values = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    found = [_argument(one, value) for one, value in zip(plain, values, strict=True)]
    if given.posonlyargs:
        found.insert(len(given.posonlyargs), "/")
    if plain and plain[0].arg in ("self", "cls"):
        del found[0]
        found = found[1:] if found[:1] == ["/"] else found
    if given.vararg:
        found.append(f"*{_argument(given.vararg)}")
    elif given.kwonlyargs:
        found.append("*")
    found += [_argument(one, value) for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [*found, f"**{_argument(given.kwarg)}"] if given.kwarg else found


def _argument(one: ast.arg, value: ast.expr | None = None) -> str:
    kind = f": {ast.unparse(one.annotation)}" if one.annotation else ""
    between = " = " if kind else "="
    return f"{one.arg}{kind}" + (f"{between}{ast.unparse(value)}" if value else "")
