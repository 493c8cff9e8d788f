"""What a newcomer asks first: a commented job to start from, and lists of what there is."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from types import ModuleType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from inspect_tool import registry, standards
from inspect_tool.errors import SettingsError
from inspect_tool.model import Header
from inspect_tool.paths import data_folder
from inspect_tool.units import UNITS, dimension

_INTRO = """\
# Inspection job for inspect-tool: {title}.
# Lines that begin with # are optional; what they show is the default.
# Check it with   inspect-tool check {{this file}}
# Run it with     inspect-tool run {{this file}} --out reports

recipe   = "{recipe}"
standard = "{standard}"{other_standards}
images   = ["field_*.tif"]   # paths relative to this file; every image is one field
# template = "inspection"    # or the path of your own template folder
# exports  = ["json", "html", "pdf", "csv", "xlsx"]

# Several specimens or sections instead of 'images':
# [[specimens]]
# id = "A"
# section = "1"
# plane = "longitudinal"     # longitudinal, transverse or planar
# images = ["A_*.tif"]

[header]                     # what stays empty is printed as "not stated" (ISO/IEC 17025, 7.8.2)
laboratory = ""
customer = ""
order = ""
part = ""
operator = ""
"""

_CALIBRATION = """
[calibration]                # leave it out only if the image files carry a trusted scale
pixel_um = 0.0               # um per pixel: measure it, do not copy this number
u_rel = 0.005                # its relative standard uncertainty
source = "stage micrometer"  # or source = "ratio only", without pixel_um, when only ratios are wanted
certificate = ""
# valid_until = 2027-12-31

# [region]                   # the part of the image that counts
# footer_px = 0              # rows of an information bar to cut off at the bottom
# rectangle = [0, 0, 600, 800]  # top, left, height, width
# polygon = [[0, 0], [0, 700], [500, 700]]  # row, column
# mask = "roi.png"
"""


def starter_job(recipe: str) -> str:
    """Text of a commented job file for a recipe; its settings are read from the recipe itself."""
    module = registry.load("recipe", recipe)
    backend = dict(module.BACKEND)
    others = ", ".join(module.STANDARDS[1:])
    lines = [
        _INTRO.format(
            title=module.TITLE.lower(),
            recipe=recipe,
            standard=module.STANDARDS[0],
            other_standards=f"   # or: {others}" if others else "",
        ).rstrip("\n"),
        *(f'# {item.name} = ""' for item in fields(Header) if item.name not in _FILLED),
        _CALIBRATION.rstrip("\n"),
        "",
        "[settings]",
        *_settings_lines(module.Settings),
        "",
        "# [backend]                  # segmentation; this is the default of the recipe",
        *(f"# {key} = {_toml(value)}" for key, value in backend.items()),
        '# Your own masks instead:  name = "labels", masks = ["mask_*.png"]',
        "",
        *_requirement_lines(module),
    ]
    return "\n".join(lines) + "\n"


def listing(kind: str) -> Iterator[tuple[str, str]]:
    """Name and one line of text for everything of one kind; an unknown kind is a ``SettingsError``."""
    match kind.rstrip("s") if kind != "quantities" else kind:
        case "recipe" | "backend" | "reader" | "exporter" as plugin:
            for name in registry.names(plugin):
                yield name, _first_line(registry.load(plugin, name))
        case "standard":
            for name in standards.names():
                standard = standards.load_standard(name)
                yield name, f"{standard.id}-{standard.edition}: {standard.title}"
        case "template":
            for path in sorted(data_folder("templates").glob("*/template.toml")):
                yield path.parent.name, str(path.parent)
        case "quantities" | "quantity":
            for recipe in registry.names("recipe"):
                for name, quantity in registry.load("recipe", recipe).QUANTITIES.items():
                    yield name, f"[{quantity.unit}] {quantity.title} ({recipe})"
        case "unit":
            for name in UNITS:
                yield name, dimension(name)
        case _:
            msg = (
                f"unknown kind '{kind}'; there are: recipes, backends, standards, readers, exporters, "
                "templates, quantities, units"
            )
            raise SettingsError(msg)


_FILLED = {"laboratory", "customer", "order", "part", "operator"}


def _settings_lines(settings: type[Any]) -> Iterator[str]:
    hints = get_type_hints(settings)
    for item in fields(settings):
        value = item.default if item.default is not MISSING else None
        if item.default_factory is not MISSING:
            value = item.default_factory()
        choices = _choices(hints[item.name])
        comment = f"   # {', '.join(choices)}" if choices else ""
        shown = _toml(value)
        yield f"# {item.name} = {shown}{comment}" if shown is not None else f"# {item.name} =   # not set{comment}"


def _choices(hint: Any) -> tuple[str, ...]:
    if get_origin(hint) is Literal:
        return tuple(str(choice) for choice in get_args(hint))
    for part in get_args(hint):
        found = _choices(part)
        if found:
            return found
    return ()


def _toml(value: Any) -> str | None:
    """Write a plain value as TOML; None for a value that TOML has no word for."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }" if value else "{}"
        case _:
            return "[" + ", ".join(str(_toml(item)) for item in value) + "]"


def _requirement_lines(module: ModuleType) -> Iterator[str]:
    name, quantity = next(iter(module.QUANTITIES.items()))
    yield "# What the result must fulfil, and who says so. Without a requirement there is no verdict."
    yield "# [[requirements]]"
    yield f'# quantity = "{name}"   # {quantity.title}; all of them: inspect-tool list quantities'
    yield f'# unit = "{quantity.unit}"'
    yield "# lower = 0.0"
    yield "# upper = 10.0"
    yield '# rule = "guarded"       # simple, guarded or non_binary'
    yield '# source = "drawing 4711 rev B"'


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().splitlines()[0]
