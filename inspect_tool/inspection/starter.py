"""What a newcomer asks first: a commented job to start from, and lists of what there is."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from dataclasses import field as default
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from typing_extensions import Doc

from inspect_tool import registry
from inspect_tool.acceptance import specs
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import load_model_card, stated
from inspect_tool.languages import languages
from inspect_tool.model import USUAL_EXPORTS, Acceptance, Header, Quantity, Specimen
from inspect_tool.paths import data_folder
from inspect_tool.plugins import Recipe
from inspect_tool.standards import editions
from inspect_tool.units import UNITS, dimension

_INTRO = """\
# Inspection job for inspect-tool: {title}.
# Fill in: images, [header], [calibration]. Lines that begin with # are optional: settings show their defaults,
# the others are examples. What the numbers mean: docs/{recipe}.md
# Check it with   inspect-tool check {file}
# Run it with     inspect-tool run {file} --out reports

recipe   = "{recipe}"
standard = {standard}{other_standards}
{images}
# template = "inspection"    # or the path of your own template folder
{language:<28} # of the pages; there are {languages}
{layout:<28} # of the PDF: all blocks, and not a certificate of two pages with its annex
{annex:<28} # of the certificate: annex.pdf beside report.pdf, and not behind it (docs/report.md)
{exports}   # there are {exporters}
# lims_drop = "../to_lims"   # folder that gets a copy of lims.csv, where "lims" is among the exports (docs/report.md)
# scale_bar = "auto"         # a bar in the picture is read and compared; "off", or "required"
# supersedes = "reports/4711"            # a report that this one replaces: its folder or PDF (docs/edits.md), and
# supersedes_reason = "wrong heat number"   # why
# skip_damaged = "report"    # go on without images that cannot be measured, and count them (docs/large_jobs.md)
# edit_cap = 0.05            # share of edited pixels of a field beyond which the result is marked (docs/edits.md)
# validation = "own_validation.toml"   # errors on labeled images of your own (docs/validate.md)
{plane}

{spec:<28} # acceptance criteria of a part and revision, from the folder specs beside this file
{specs:<28} # or from another folder, or one file (docs/specs.md)
{single_user}
{specimens}

# [referee]                  # answers of a person to random points or lines, which correct results (docs/referee.md)
# file = "answers.json"

[header]                     # what stays empty is printed as "not stated" (ISO/IEC 17025, 7.8.2)
"""

_PLANE = """\
# page     = 0               # of a file with several pages; or, where the file names its planes:
# scene    = 0               # number from 0, or name; channel too
# channel  = "BSE"
# z        = 0
# time     = 0"""
_IMAGES = (
    "images   = {images:<17}   # relative to this file; every image is one field. Formats: docs/images_and_scale.md"
)
_SINGLE_USER = (
    "single_user = true           # nobody had to prove who he or she is: the workbench that made it has no accounts"
)
_SPECIMENS = """\
# Several specimens or sections instead of 'images' (one [[specimens]] for each):
# [[specimens]]
# id = "A"
# section = "1"
# plane = "longitudinal"     # longitudinal, transverse or planar
# images = ["A_*.tif"]"""

_CALIBRATION = """
[calibration]                # delete this block when the image files carry a trusted scale (docs/images_and_scale.md)
pixel_um = {pixel_um:<17} # um per pixel, as measured; 0.0 is refused. Only ratios wanted: delete this line and say
source = "stage micrometer"  # source = "ratio only" here; else how the pixel size was found
u_rel = 0.005                # relative standard uncertainty of pixel_um [1]; 0.005 is an example
certificate = ""             # of the stage micrometer or grid
"""
_RATIO_ONLY = """
[calibration]
source = "ratio only"        # no scale: shares, and no lengths. With one: pixel_um and its source (docs/calibration.md)
"""
_OF_BAR = """
[calibration]
source = "scale bar"         # the bar burned into every picture is read, {told}
"""
_OF_LABORATORY = """
[calibration]
{stated}
"""
_OF_FILE = """
# [calibration]              # the image files carry their scale, {told}; to state another:
# pixel_um = 0.0             # um per pixel, as measured
# source = "stage micrometer"
# u_rel = 0.005              # relative standard uncertainty of pixel_um [1]
"""
_CALIBRATION_MORE = """\
# valid_until = 2027-12-31   # of the certificate; an expired one is marked on page 1
# pixel_y_um = 0.0           # height of a pixel that is not square; pixel_um is its width then
# plane = "plane of the joints"             # X-ray: where the scale holds
# file = "calibrations"      # instead of all lines above: a calibration file, or the folder of them with
# instrument = "Axio Imager" # the instrument and the objective that name one (docs/calibration.md);
# objective = "50x"          # zoom and binning where several fit
# expired = "stop"           # an expired calibration stops the job; default "report"

{region}                   # the part of the image that counts
# footer_px = 64             # rows of a data bar to cut off at the bottom; not given: one that is found; 0: none
# rectangle = [0, 0, 600, 800]              # top, left, height, width [px]
# polygon = [[0, 0], [0, 700], [500, 700]]  # corners: row, column [px]
# mask = "roi.png"                          # image of the same size: what is not 0 counts
# exclude = [[900, 20, 60, 300]]            # rectangles that do not count: top, left, height, width [px]
# specimen = "whole"                        # do not look for mount, mosaic corners and the surround of an eyepiece
# colored_marks = "auto"                    # lines and writing in color over a gray picture go out; "keep": they count
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a result must fulfill, and who says so."""

    quantity: str = ""  # empty: the first one of the recipe
    lower: float | None = None  # in the unit of the quantity; at least one of the two
    upper: float | None = None
    rule: str = "guarded"
    source: str = ""
    class_string: str = ""  # in the place of numbers: a code, whose kind ``quantity`` names


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a person wants of a first job; what is not said stands in the job as an example or a comment."""

    images: tuple[str, ...] = ("field_*.tif",)
    specimens: tuple[Specimen, ...] = ()  # in the place of ``images``
    standard: str = ""  # empty: the first one of the recipe
    language: str = ""  # of the pages; empty: that of their template
    layout: str = ""  # of the PDF; empty: certificate
    annex: str = ""  # empty: behind it
    exports: tuple[str, ...] = ()  # files of the report; empty: those of ``Job``
    scale: Literal["stated", "ratio only", "scale bar", "file", "laboratory"] = "stated"
    pixel_um: float = 0.0  # [um/px], of a stated scale; 0: still to be put in
    calibration: Mapping[str, Any] = default(default_factory=dict)  # of scale "laboratory": all that it says
    told: str = ""  # what the file or the bar says of the scale, in words
    limits: tuple[Limits, ...] = ()
    quality: Mapping[str, Any] = default(default_factory=dict)  # limits of image quality, as a job has them
    accept: tuple[Acceptance, ...] = ()
    lot: Mapping[str, Any] = default(default_factory=dict)  # keys of ``Lot``; empty: the specimens are none of a lot
    plane: Mapping[str, Any] = default(default_factory=dict)  # keys of ``Selection``, of files with several planes
    spec: str = ""  # part and revision, whose acceptance criteria count too
    specs: str = ""  # where they are
    header: Mapping[str, str] = default(default_factory=dict)  # fields whose values are known
    region: Mapping[str, Any] = default(default_factory=dict)  # keys of ``Region``
    settings: Mapping[str, Any] = default(default_factory=dict)  # of the recipe, that are not its own
    backend: Mapping[str, Any] = default(default_factory=dict)  # its name and settings; empty: that of the recipe
    single_user: bool = False
    origin: str = ""  # what the job was made from, in words; stands in its first line


def starter_job(recipe: str, file: str = "job.toml", answers: Answers = Answers()) -> str:
    """Text of a commented job file for a recipe; its settings and their comments are read from the plug-ins.

    ``file`` is the name that the commands in its first lines show.
    """
    module = registry.load("recipe", recipe)
    backend = dict(answers.backend or module.BACKEND)
    others = ", ".join(name for name in editions.names_for(module) if name != (answers.standard or module.STANDARDS[0]))
    name = str(backend.pop("name"))
    own = {} if answers.backend else backend
    images = _IMAGES.format(images=toml(answers.images))
    lines = [
        *([f"# {answers.origin}"] if answers.origin else []),
        _INTRO.format(
            title=module.TITLE.lower(),
            languages=", ".join(languages()),
            exporters=", ".join(registry.names("exporter")),
            recipe=recipe,
            file=f'"{file}"' if " " in file else file,
            standard=toml(answers.standard or module.STANDARDS[0]),
            other_standards=f"   # or: {others}" if others else "",
            images=f"# {images}" if answers.specimens else images,
            language=_key("language", answers.language, "en"),
            layout=_key("layout  ", answers.layout, "full"),
            annex=_key("annex   ", answers.annex, "apart"),
            exports=_key("exports ", answers.exports, USUAL_EXPORTS),
            spec=_key("spec    ", answers.spec, "4711 rev B"),
            specs=_key("specs   ", answers.specs, "../specs"),
            single_user=f"{_SINGLE_USER}\n" if answers.single_user else "",
            specimens="\n".join(map(_specimen, answers.specimens)) or _SPECIMENS,
            plane="\n".join(_stated(answers.plane)) or _PLANE,
        ).rstrip("\n"),
        *_header_lines(answers.header),
        _SCALES[answers.scale]
        .format(pixel_um=f"{answers.pixel_um!r}", told=answers.told, stated="\n".join(_stated(answers.calibration)))
        .rstrip("\n"),
        _CALIBRATION_MORE.format(
            region="\n".join(("[region]", *_stated(answers.region))) if answers.region else "# [region]"
        ).rstrip("\n"),
        "",
        "[settings]",
        *_settings_lines(module.Settings, stated=answers.settings),
        "",
        f"{'' if answers.backend else '# '}[backend]                  # segmentation; by default that of the recipe",
        _setting(
            "name",
            toml(name),
            f"or {', '.join(other for other in registry.names('backend') if other != name)}",
            is_stated=bool(answers.backend),
        ),
        *_settings_lines(registry.load("backend", name).Settings, own, {} if own else backend),
        '# Your own masks instead:  name = "labels", masks = ["mask_*.png"]',
        "",
        *_requirement_lines(module, answers),
        *_quality_lines(answers),
        "\n".join(("", "[lot]", *_stated(answers.lot))) if answers.lot else _LOT,
    ]
    return "\n".join(lines) + "\n"


def listing(kind: str, folder: Path | None = None) -> Iterator[tuple[str, str]]:
    """Name and one line of text for everything of one kind; an unknown kind is a ``SettingsError``.

    ``folder``: of the acceptance criteria, where ``kind`` is "specs"; None: ``specs`` in the current folder.
    """
    if folder is not None and kind != "specs":
        msg = f"list {kind}: takes no folder; specs do"
        raise SettingsError(msg)
    match kind.rstrip("s") if kind != "quantities" else kind:
        case "recipe" | "backend" | "reader" | "exporter" as plugin:
            for name in registry.names(plugin):
                try:
                    yield name, _first_line(registry.load(plugin, name))
                except OutputError as lacking:  # a library that comes with an extra, or with the system
                    yield name, f"not here: {lacking}"
        case "standard":
            for name in editions.names():
                standard = editions.load_standard(name)
                yield name, f"{editions.designation(standard)}: {standard.title}"
        case "model":
            from inspect_tool.segmentation.networks.weights import model_folder, shipped_names

            for name in shipped_names():
                card = load_model_card(model_folder(name))
                recipes = f"; for {', '.join(card.recipes)}" if card.recipes else ""
                yield name, f"{card.title} ({card.architecture}{recipes})"
        case "template":
            for path in sorted(data_folder("templates").glob("*/template.toml")):
                yield path.parent.name, str(path.parent)
        case "quantities" | "quantity":
            for recipe in registry.names("recipe"):
                for name, quantity in registry.load("recipe", recipe).QUANTITIES.items():
                    note = "; a class or size instead of *" if name.endswith("*") else ""
                    yield name, f"[{quantity.unit}] {quantity.title} ({recipe}{note})"
        case "unit":
            for name in UNITS:
                yield name, dimension(name)
        case "spec":
            day = now().date()
            for one in specs.listed(specs.read(folder or Path(specs.FOLDER)), day):
                yield specs.designation(one.file.spec), _spec_line(one, day)
        case _:
            msg = (
                f"unknown kind '{kind}'; there are: recipes, backends, models, standards, readers, exporters, "
                "templates, quantities, units, specs"
            )
            raise SettingsError(msg)


def _spec_line(one: specs.Listed, day: date) -> str:
    """What a file of acceptance criteria is, in one line."""
    spec = one.file.spec
    asked = f"{len(spec.requirements)} requirement{'s' * (len(spec.requirements) != 1)}"
    until = f" to {spec.valid_to}" if spec.valid_to else ""
    parts = [f"{one.state} on {day}", f"valid from {spec.valid_from}{until}", asked]
    parts += [f"for {spec.recipe}"] if spec.recipe else []
    return "; ".join([*parts, one.file.path.name])


_SCALES = {
    "stated": _CALIBRATION,
    "ratio only": _RATIO_ONLY,
    "scale bar": _OF_BAR,
    "file": _OF_FILE,
    "laboratory": _OF_LABORATORY,
}
_FILLED = ("laboratory", "customer", "order", "part", "operator")


def _header_lines(known: Mapping[str, str]) -> Iterator[str]:
    from inspect_tool.report.build import IDENTIFICATION

    labels = {item.field: item.label.lower() for item in IDENTIFICATION}
    names = [item.name for item in fields(Header)]
    for name in (*_FILLED, *(name for name in names if name not in _FILLED)):
        says = labels.get(name, "")
        says = f"{says}, as 2026-01-31" if name.startswith("date_") else "" if says == name.replace("_", " ") else says
        line = f"{name} = {toml(known.get(name, ''))}"
        line = line if name in (*_FILLED, *known) else f"# {line}"
        yield f"{line:<28} # {says}" if says else line


def _key(name: str, value: str | tuple[str, ...], example: str | tuple[str, ...]) -> str:
    """A line of a key that may be left out: its value, or an example as a comment."""
    return f"{name} = {toml(value)}" if value else f"# {name} = {toml(example)}"


def _stated(table: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{key} = {toml(value)}" for key, value in table.items())


def _specimen(specimen: Specimen) -> str:
    table = stated(specimen)
    if specimen.calibration is not None:
        table["calibration"] = stated(specimen.calibration)
    return "\n".join(("[[specimens]]", *_stated(table)))


def _settings_lines(
    settings: type[Any], changed: Mapping[str, object] | None = None, stated: Mapping[str, object] | None = None
) -> Iterator[str]:
    """One line per setting, a comment unless it is ``stated``; ``changed``: defaults other than those of the class."""
    hints, says = get_type_hints(settings), documented(settings)
    for item in fields(settings):
        value = item.default if item.default is not MISSING else None
        if item.default_factory is not MISSING:
            value = item.default_factory()
        value = {**(changed or {}), **(stated or {})}.get(item.name, value)
        comment = ": ".join(part for part in (" | ".join(choices(hints[item.name])), says.get(item.name, "")) if part)
        yield _setting(item.name, toml(value), comment, is_stated=item.name in (stated or {}))


def _setting(name: str, value: str | None, comment: str, *, is_stated: bool = False) -> str:
    if value is None:  # TOML has no word for it
        return f"# {name} =   # not set; {comment}".removesuffix("; ").replace("None:", "not set:")
    line = f"{'' if is_stated else '# '}{name} = {value}"
    return f"{line:<28} # {comment}" if comment else line


def documented(settings: type[Any]) -> dict[str, str]:
    """What each field of a settings class does, and its unit: the ``Doc`` in its annotation."""
    hints = get_type_hints(settings, include_extras=True)
    return {
        name: part.documentation
        for name, hint in hints.items()
        for part in getattr(hint, "__metadata__", ())
        if isinstance(part, Doc)
    }


def choices(hint: object) -> tuple[str, ...]:
    """What a setting may be, where it is one of a few words."""
    if get_origin(hint) is Literal and len(get_args(hint)) > 1:
        return tuple(str(choice) for choice in get_args(hint))
    for part in get_args(hint):
        found = choices(part)
        if found:
            return found
    return ()


def toml(value: Any) -> str | None:
    """Write a plain value as TOML in one line, which tomli-w has no way to; None where TOML has no word for it."""
    match value:
        case None:
            return None
        case float():
            return short if float(short := f"{value:g}") == value else repr(value)
        case bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case Mapping():
            return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }" if value else "{}"
        case _:
            return "[" + ", ".join(str(toml(item)) for item in value) + "]"


_LOT = """
# [lot]                      # the specimens are the sample of a lot (docs/specs.md)
# id = "L 2611-04"
# size = 500
# plan = { standard = "ISO 2859-1", n = 8, ac = 0, re = 1, source = "supply agreement" }"""


def first_quantity(module: Recipe) -> tuple[str, Quantity]:
    """The quantity that a recipe is asked for most, a class in its name where it needs one."""
    name, quantity = next(iter(module.QUANTITIES.items()))
    return name.replace("*", str(module.BACKEND.get("phase", "name of the class"))), quantity


def asked_quantity(module: Recipe, name: str) -> tuple[str, Quantity]:
    """A quantity of a recipe by its name, whose end may be a class; empty: the one that is asked for most.

    Raises
    ------
    SettingsError
        The recipe has none of this name.
    """
    if not name:
        return first_quantity(module)
    for known, quantity in module.QUANTITIES.items():
        if name == known or (known.endswith("*") and name.startswith(known[:-1]) and len(name) >= len(known)):
            return name, quantity
    msg = f"quantity: '{name}' is none of {', '.join(module.QUANTITIES)}"
    raise SettingsError(msg)


def _requirement_lines(module: Recipe, answers: Answers) -> Iterator[str]:
    yield "# What the result must fulfill, and who says so. Without a requirement there is no verdict."
    for i, limits in enumerate(answers.limits or (None,)):
        if i:
            yield ""
        yield from _limit_lines(module, limits)


def _limit_lines(module: Recipe, limits: Limits | None) -> Iterator[str]:
    """One requirement; None: an example, as comments."""
    mark, shown = ("# ", Limits(source="drawing 4711 rev B")) if limits is None else ("", limits)
    if shown.class_string:
        yield "[[requirements]]"
        yield f"quantity = {toml(shown.quantity)}"
        yield f"class_string = {toml(shown.class_string)}"
        yield f"rule = {toml(shown.rule)}"
        yield f"source = {toml(shown.source)}"
        return
    name, quantity = asked_quantity(module, shown.quantity)
    yield f"{mark}[[requirements]]"
    yield f'{mark}quantity = "{name}"   # {quantity.title}; all of them: inspect-tool list quantities'
    yield f'{mark}unit = "{quantity.unit}"'
    for key, value, example in (("lower", shown.lower, "0.0 "), ("upper", shown.upper, "10.0")):
        note = "             # give lower, upper or both" if key == "lower" else ""
        yield f"# {key} = {example}{note}".rstrip() if value is None else f"{key} = {value!r}"
    others = "or guarded_binary, non_binary, simple"
    yield f"{mark}rule = {toml(shown.rule)}         # guarded: passes when the limit is kept by U too; {others}"
    yield f"{mark}source = {toml(shown.source)}"


def _quality_lines(answers: Answers) -> Iterator[str]:
    """Limits of image quality, and what is measured all the same."""
    if answers.quality:
        yield from ("", "[quality]                    # docs/quality.md", *_stated(answers.quality))
    for one in answers.accept:
        yield from (
            "",
            "[[accept]]                   # measured all the same, which the report says",
            *_stated(stated(one)),
        )


def _first_line(module: object) -> str:
    return (module.__doc__ or "").strip().splitlines()[0]
