"""The house: a room imports only rooms below it, so that there are no circles and a name tells where to look."""

import ast
from functools import cache
from pathlib import Path

import inspect_tool

PACKAGE = Path(inspect_tool.__file__).parent
FLOORS = (
    # what everything stands on: no room of its own
    ("errors", "options", "ranges", "units", "offline", "paths", "locks", "languages", "bounded"),
    ("model",),
    ("typos", "plugins", "json_pieces"),
    ("registry", "files", "folders"),
    ("pixels",),
    ("statistics",),
    ("standards",),
    ("scale",),
    ("acceptance",),
    ("synthetic",),
    ("images",),
    ("measure",),
    ("evidence",),
    ("segmentation",),
    ("referee",),
    ("mosaic",),
    ("recipes",),
    ("validation",),
    ("report",),
    ("inspection",),
    ("verify",),
    ("studies",),
    ("training",),
    ("lab",),
    ("batch",),
    ("web",),
    ("cli",),
    ("__main__",),
)
REMEMBERING = {"ContextVar", "local", "defaultdict", "deque", "dict", "list", "set", "OrderedDict", "Counter"}
CHANGES = {"append", "add", "update", "setdefault", "pop", "popitem", "clear", "extend", "insert"}
FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """Rooms and modules of the package that a file names, whether at its top or where they are used."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "inspect_tool":
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (name.name.split(".")[1] for name in node.names if name.name.startswith("inspect_tool."))


def modules(path):
    """Full names of what a file of the package imports."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_a_room_imports_only_rooms_below_it():
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        own = parts[0].removesuffix(".py")
        if own == "__init__":  # hands on what users import
            continue
        wrong += [
            f"{'/'.join(parts)} imports {name}"
            for name in imports(path)
            if name != "__version__" and FLOOR[name] > FLOOR[own]
        ]
    assert wrong == []


def test_a_recipe_is_a_folder_and_a_line_of_the_registry():
    """Nothing of the package imports a recipe but its own folder: what runs it has it by the name that a job states."""
    recipes = {path.parent.name for path in (PACKAGE / "recipes").glob("*/__init__.py")}
    for path in sorted(PACKAGE.rglob("*.py")):
        rest = path.relative_to(PACKAGE).parts
        own = rest[1] if rest[0] == "recipes" else ""
        named = {
            part for name in modules(path) for part in name.split(".")[2:3] if name.startswith("inspect_tool.recipes.")
        }
        assert named & recipes <= {own}, "/".join(rest)


def test_every_room_has_its_floor_and_says_what_it_is_for():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__"} == set(FLOOR)
    for init in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(parsed(init)), init


def test_whoever_measures_is_handed_its_editions_and_reads_none():
    reading = {"load_standard", "editions_for"}
    found = [
        f"{path.relative_to(PACKAGE)} uses {name}"
        for room in ("recipes", "referee", "validation", "measure", "standards/formulas")
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for node in ast.walk(parsed(path))
        for name in [getattr(node, "attr", None) or getattr(node, "id", None)]
        if name in reading
    ]
    assert found == []


def test_no_module_fills_what_it_binds_at_its_top():
    # maps, lists and sets that a function changes would be remembered from one call to the next
    growing = (ast.Dict, ast.List, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    found = []
    for path in sorted({*PACKAGE.rglob("*.py")} - {PACKAGE / "registry.py"}):  # which a user fills by ``register``
        tree = parsed(path)
        bound = {}
        for node in tree.body:
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            value = getattr(node, "value", None)
            if isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] in REMEMBERING:
                found.append(f"{path.name}:{node.lineno} binds {ast.unparse(value.func)}()")
            if isinstance(value, growing):
                bound |= {target.id: node.lineno for target in targets if isinstance(target, ast.Name)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Global):
                found.append(f"{path.name}:{node.lineno} global {', '.join(node.names)}")
            filled = None
            if isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
                targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else [node.target]
                filled = next((t.value for t in targets if isinstance(t, ast.Subscript)), None)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
                filled = node.func.value
            if isinstance(filled, ast.Name) and filled.id in bound:
                found.append(f"{path.name}:{node.lineno} fills {filled.id}")
    assert found == []


def test_the_public_names_exist_and_are_few():
    assert len(inspect_tool.__all__) <= 25
    for name in inspect_tool.__all__:
        assert getattr(inspect_tool, name) is not None
