"""The answers of a first job as a form: what each setting is, what may be typed, and what the typed texts mean.

A form is a mapping of keys as a job file has them (``settings.minimum_px2``, ``header.part``, ``region.rectangle``) to
texts as a person types them. An empty text says nothing: the default counts.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from inspect_tool import plugins, registry
from inspect_tool.errors import SettingsError
from inspect_tool.files import checked, toml_value
from inspect_tool.images import quality
from inspect_tool.inspection.starter import Answers, Limits, asked_quantity, choices, documented, toml
from inspect_tool.languages import languages
from inspect_tool.model import USUAL_EXPORTS, Acceptance, Annex, Header, Layout
from inspect_tool.plugins import Backend, Recipe
from inspect_tool.report.text import unit as printed
from inspect_tool.segmentation import choice
from inspect_tool.standards import editions

Kind: TypeAlias = Literal["choice", "yes or no", "number", "text", "list", "table"]
REQUIREMENTS = "requirements"
"""Begins the keys of requirements, ``requirements.0.upper``."""
MOST_REQUIREMENTS = 12
"""Requirements of a form, at most: more stand in a specification."""
QUALITY = ("advised", "red")
"""Limits of a check of image quality that a form has, under ``quality.CHECK``."""
ACCEPT = "accept"
"""Begins the keys of images that are measured all the same, ``accept.0.reason``."""
MOST_ACCEPTED = 3
"""Reasons of a form to measure images all the same, at most."""
LOT = {"id": "id", "size": "size", **{key: f"plan.{key}" for key in ("standard", "n", "ac", "re", "source")}}
"""Keys of a lot that a form has, under ``lot``, and those of a job file."""
EXPORTS = "exports"
"""Begins the keys of files that a report is written as beside the usual ones, ``exports.docx``."""
PLANE = ("page", "scene", "channel", "z", "time")
"""Keys that choose a plane of files with several, as a job file has them."""
SCALE = "scale"
REGION = ("footer_px", "rectangle", "polygon", "exclude", "specimen", "colored_marks")
"""Keys of a region that a form may have: no file."""
_MODEL = re.compile(r"(models/)?[\w-][\w.-]*")
_CALIBRATION = re.compile(r"calibrations/[\w-][\w .-]*\.toml")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_UNIT_OF_NAME = re.compile(r"_(um|mm2|px2?|percent)$")
_UNIT = re.compile(r"\s*\[([^\[\]]+)\]$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A setting as a field of a form."""

    name: str
    title: str  # for the reader: its name without the unit that ends it
    says: str  # what it does
    unit: str  # empty: it has none
    kind: Kind
    choices: tuple[str, ...]  # of a kind "choice"
    default: str  # as it would be typed; empty: not set


def items_of(kind: Literal["recipe", "backend"], name: str, recipe: str = "") -> tuple[Item, ...]:
    """Fields of the form of a recipe, or of a backend (for a recipe); what names files or other backends has none.

    Raises
    ------
    SettingsError
        There is no such recipe or backend.
    """
    module: Recipe | Backend = registry.load(kind, name)
    left_out = {*plugins.paths_of(module), *plugins.backends_of(module)}
    changed = backend_defaults(recipe, name) if kind == "backend" and recipe else {}
    return tuple(item for item in _items(module.Settings, changed) if item.name not in left_out)


def backends_for(recipe: str) -> tuple[str, ...]:
    """Backends that answer the question of a recipe and need no file of a person, its own one first."""
    module = registry.load("recipe", recipe)
    found = []
    for name in registry.names("backend"):
        backend = registry.load("backend", name)
        if hasattr(backend.Settings(), "masks"):
            continue
        with suppress(SettingsError):
            settings = checked(backend.Settings, backend_defaults(recipe, name), name)
            choice.check_backend(recipe, module, name, backend, choice.suited(module, settings))
            found.append(name)
    own = str(module.BACKEND["name"])
    return tuple(sorted(found, key=lambda name: name != own))


def _items(settings: type[Any], changed: Mapping[str, object]) -> tuple[Item, ...]:
    hints, says = get_type_hints(settings), documented(settings)
    found = []
    for item in fields(settings):
        value = item.default if item.default is not MISSING else None
        if item.default_factory is not MISSING:
            value = item.default_factory()
        value = changed.get(item.name, value)
        text = says.get(item.name, item.name.replace("_", " "))
        unit = _UNIT.search(text)
        hint = hints[item.name]
        kind = _kind(hint)
        found.append(
            Item(
                name=item.name,
                title=_title(item.name),
                says=_UNIT.sub("", text),
                unit="" if unit is None or unit[1] == "1" else str(printed(unit[1])),
                kind=kind,
                choices=choices(hint) if kind == "choice" else (),
                default=typed(value),
            )
        )
    return tuple(found)


def typed(value: Any) -> str:
    """A value as a person types it into a form."""
    match value:
        case None:
            return ""
        case str():
            return value
        case Mapping():
            return str(toml(value)) if value else ""
        case list() | tuple() if all(isinstance(part, str | int | float) for part in value):
            return ", ".join(typed(part) for part in value)
        case _:
            return str(toml(value))


def meant(settings: type[Any], name: str, text: str) -> Any:
    """The plain value that a text of a form means for a setting; ``files.checked`` says whether it may be.

    >>> from inspect_tool.recipes.porosity.settings import Settings
    >>> meant(Settings, "size_classes_um", "1; 2,5"), meant(Settings, "tinted_grains", "true")
    ([1, 2.5], True)
    """
    hint = get_type_hints(settings).get(name, str)
    text = text.strip()
    match _kind(hint):
        case "text" | "choice" if str in _parts(hint) or text in choices(hint):
            return text
        case "list":
            texts = str in get_args(hint)
            parts = [part.strip() for part in re.split(r";" if ";" in text else r",", text) if part.strip()]
            return parts if texts else [_number(part) for part in parts]
        case _:
            return _number(text)


def answers_of(recipe: str, form: Mapping[str, str], lab: str) -> Answers:
    """What a form answers, besides the images.

    Parameters
    ----------
    recipe : str
    form : mapping
        Keys that are no part of a job are passed over.
    lab : str
        Folder of the lab, whose ``calibrations`` and ``specs`` are named, as the job file is to name it.

    Raises
    ------
    SettingsError
        Something that no job file could say; it begins with the key of the form.
    """
    module = registry.load("recipe", recipe)
    form = {key: " ".join(text.split()) for key, text in form.items() if text.strip()}
    words = {"language": languages(), "layout": get_args(Layout), "annex": get_args(Annex)}
    for key, known in {"standard": editions.names_for(module), **words}.items():
        if form.get(key, known[0]) not in known:
            msg = f"{key}: '{form[key][:80]}' is none of {', '.join(known)}"
            raise SettingsError(msg)
    settings = _settings("recipe", recipe, recipe, under(form, "settings"), "settings", lab)
    header = {key: text for key, text in under(form, "header").items() if key in Header.__dataclass_fields__}
    region = {key: toml_value(text) for key, text in under(form, "region").items() if key in REGION}
    spec = form.get("spec", "")
    return Answers(
        standard=form.get("standard", ""),
        language=form.get("language", ""),
        layout=form.get("layout", ""),
        annex=form.get("annex", ""),
        exports=_exports(form),
        limits=_limits(module, form),
        quality=_quality(form),
        accept=_accepted(form),
        lot=_lot(form),
        plane={key: _plane(key, form[key]) for key in PLANE if key in form},
        spec=spec,
        specs=f"{lab}/specs" if spec else "",
        header=header,
        region=region,
        settings=settings,
        backend=_backend(recipe, form, lab),
        **_scale(form, lab),
    )


def more_exports() -> tuple[str, ...]:
    """Files that a report may be written as, beside the usual ones."""
    return tuple(name for name in registry.names("exporter") if name not in USUAL_EXPORTS)


def under(form: Mapping[str, str], table: str) -> dict[str, str]:
    """The keys of a form in one table, without its name."""
    return {key.removeprefix(f"{table}."): text for key, text in form.items() if key.startswith(f"{table}.")}


def backend_defaults(recipe: str, name: str) -> dict[str, Any]:
    """Settings of a backend that a recipe has other defaults for."""
    own = dict(registry.load("recipe", recipe).BACKEND)
    return own if own.pop("name") == name else {}


def key_of(message: str, keys: Iterable[str]) -> str:
    """The key of a form that an error speaks of; empty: it speaks of none of them.

    >>> key_of("new.toml settings.minimum_px2: got 0, must be > 0", ["settings.minimum_px", "settings.minimum_px2"])
    'settings.minimum_px2'
    """
    for key in sorted(keys, key=len, reverse=True):
        if re.search(rf"(?<![\w.]){re.escape(key)}(?![\w])", message):
            return key
    return ""


# ------------------------------------------------------------------------------------------------------------- parts


def _backend(recipe: str, form: Mapping[str, str], lab: str) -> dict[str, Any]:
    """A ``[backend]`` table; empty: that of the recipe, as it is."""
    own = str(registry.load("recipe", recipe).BACKEND["name"])
    name = form.get("backend.name", own)
    known = backends_for(recipe)
    if name not in known:
        msg = f"backend.name: '{name[:40]}' is none of {', '.join(known)}"
        raise SettingsError(msg)
    asked = {key: text for key, text in under(form, "backend").items() if key != "name"}
    settings = _settings("backend", name, recipe, asked, "backend", lab)
    if name == own and not settings:
        return {}
    return {"name": name, **backend_defaults(recipe, name), **settings}


def _settings(
    kind: Literal["recipe", "backend"], name: str, recipe: str, asked: Mapping[str, str], table: str, lab: str
) -> dict[str, Any]:
    """Plain values of the settings of a plug-in that a form states."""
    module: Recipe | Backend = registry.load(kind, name)
    known = [item.name for item in items_of(kind, name, recipe)]
    found: dict[str, Any] = {}
    for key, text in asked.items():
        if key not in known:
            msg = f"{table}.{key}: {name} has no such setting in a form; there are: {', '.join(known)}"
            raise SettingsError(msg)
        found[key] = meant(module.Settings, key, text)
        if key in plugins.models_of(module):
            found[key] = _model(f"{table}.{key}", text, lab)
    return found


def _model(key: str, name: str, lab: str) -> str:
    """A model that is shipped, or one of the laboratory: never a path."""
    if not _MODEL.fullmatch(name):
        msg = f"{key}: '{name[:40]}' is no name of a model; give one that is shipped, or models/NAME of the lab"
        raise SettingsError(msg)
    return f"{lab}/{name}" if name.startswith("models/") else name


def _scale(form: Mapping[str, str], lab: str) -> dict[str, Any]:
    said = form.get(SCALE, "file")
    if _CALIBRATION.fullmatch(said):
        return {"scale": "laboratory", "calibration": {"file": f"{lab}/{said}"}}
    if said == "stated":
        stated = under(form, "calibration")
        if "pixel_um" not in stated:
            msg = "calibration.pixel_um: is missing; give the width of a pixel in um"
            raise SettingsError(msg)
        numbers = {key: _number(stated[key]) for key in ("pixel_um", "u_rel") if key in stated}
        for key, value in numbers.items():
            if not isinstance(value, int | float):
                msg = f"calibration.{key}: got '{value}', must be a number"
                raise SettingsError(msg)
        texts = {key: stated[key] for key in ("source", "certificate") if key in stated}
        return {"scale": "laboratory", "calibration": {**numbers, **texts}}
    if said not in ("file", "scale bar", "ratio only"):
        msg = f"{SCALE}: '{said[:40]}' is none of file, scale bar, ratio only, stated, or a calibration"
        raise SettingsError(msg)
    return {"scale": said}


def requirements_in(form: Mapping[str, str]) -> int:
    """How many requirements a form has keys of."""
    numbers = [key.split(".")[1] for key in form if key.startswith(f"{REQUIREMENTS}.")]
    return 1 + max((int(number) for number in numbers if re.fullmatch(r"\d{1,3}", number)), default=-1)


def _limits(module: Recipe, form: Mapping[str, str]) -> tuple[Limits, ...]:
    """Requirements that state a limit."""
    count = requirements_in(form)
    if count > MOST_REQUIREMENTS:
        msg = f"{REQUIREMENTS}: {count} are more than {MOST_REQUIREMENTS}; write them into a specification of the part"
        raise SettingsError(msg)
    found = []
    for i in range(count):
        table = f"{REQUIREMENTS}.{i}"
        asked = under(form, table)
        lower, upper = (_limit(table, asked, key) for key in ("lower", "upper"))
        code = asked.get("class_string", "")
        if lower is None and upper is None and not code:
            continue
        if not code:
            asked_quantity(module, asked.get("quantity", ""))
        elif lower is not None or upper is not None:
            msg = f"{table}.class_string: a class has limits of its own; leave out the numbers, or the class"
            raise SettingsError(msg)
        if "source" not in asked:
            msg = f"{table}.source: is missing; say who asks for the limit"
            raise SettingsError(msg)
        found.append(
            Limits(
                quantity=asked.get("quantity", ""),
                lower=lower,
                upper=upper,
                rule=asked.get("rule", "guarded"),
                source=asked["source"],
                class_string=code,
            )
        )
    return tuple(found)


def _quality(form: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Limits of image quality by check; a form states those that are not those of the recipe."""
    found: dict[str, dict[str, float]] = {}
    for name in quality.NAMES:
        table = f"quality.{name}"
        asked = under(form, table)
        limits = {key: value for key in QUALITY if (value := _limit(table, asked, key)) is not None}
        if limits:
            found[name] = limits
    return found


def _accepted(form: Mapping[str, str]) -> tuple[Acceptance, ...]:
    """Images that are measured although a check of their quality would stop them."""
    found = []
    for i in range(MOST_ACCEPTED):
        asked = under(form, f"{ACCEPT}.{i}")
        if not asked.keys() & {"reason", "images"}:
            continue
        if "reason" not in asked:
            msg = f"{ACCEPT}.{i}.reason: is missing; say why the image is measured all the same, it is printed"
            raise SettingsError(msg)
        images = tuple(part.strip() for part in asked.get("images", "").split(";") if part.strip())
        found.append(Acceptance(check=asked.get("check", ""), reason=asked["reason"], images=images))
    return tuple(found)


def _limit(table: str, asked: Mapping[str, str], key: str) -> float | None:
    if key not in asked:
        return None
    value = _number(asked[key])
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{table}.{key}: got '{asked[key]}', must be a number"
        raise SettingsError(msg)
    return float(value)


def _exports(form: Mapping[str, str]) -> tuple[str, ...]:
    """Names of all files that are written; empty: the usual ones."""
    asked, known = under(form, EXPORTS), more_exports()
    for name in asked:
        if name not in known:
            msg = f"{EXPORTS}.{name[:40]}: is no file that a report is written as; there are {', '.join(known)}"
            raise SettingsError(msg)
    return (*USUAL_EXPORTS, *asked) if asked else ()


def _lot(form: Mapping[str, str]) -> dict[str, Any]:
    """A ``[lot]`` table; empty: none is stated."""
    stated = under(form, "lot")
    if not stated:
        return {}
    missing = next((key for key in LOT if key != "source" and key not in stated), None)
    if missing is not None:
        msg = f"lot.{missing}: is missing; a lot is stated with its size and the numbers of its sampling plan"
        raise SettingsError(msg)
    values: dict[str, Any] = {
        key: text if key in ("id", "standard", "source") else _number(text)
        for key, text in stated.items()
        if key in LOT
    }
    wrong = next((key for key in ("size", "n", "ac", "re") if type(values[key]) is not int), None)
    if wrong is not None:
        msg = f"lot.{wrong}: got '{stated[wrong]}', must be a whole number"
        raise SettingsError(msg)
    plan = {key: values[key] for key, place in LOT.items() if place.startswith("plan.") and key in values}
    return {"id": values["id"], "size": values["size"], "plan": plan}


def _plane(key: str, text: str) -> int | str:
    """A number from 0; of scenes and channels also a name."""
    if re.fullmatch(r"\d{1,6}", text):
        return int(text)
    if key not in ("scene", "channel"):
        msg = f"{key}: got '{text[:40]}', must be a whole number from 0"
        raise SettingsError(msg)
    return text


def _number(text: str) -> Any:
    return toml_value(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)


def _parts(hint: Any) -> tuple[Any, ...]:
    """A type, or the members of a union of types."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _title(name: str) -> str:
    """Words of the name of a setting; the unit at its end stands in brackets beside it.

    >>> _title("size_classes_um"), _title("min_object_px"), _title("tinted_grains")
    ('size classes', 'min object', 'tinted grains')
    """
    return _UNIT_OF_NAME.sub("", name).replace("_", " ")


def _kind(hint: Any) -> Kind:
    parts = tuple(part for part in _parts(hint) if part is not NoneType)
    if parts == (bool,):
        return "yes or no"
    if len(parts) == 1 and get_origin(parts[0]) is Literal:
        return "choice"
    if parts and all(part in (int, float) for part in parts):
        return "number"
    if (
        len(parts) == 1
        and get_origin(parts[0]) is tuple
        and all(part in (str, int, float, ...) for part in get_args(parts[0]))
    ):
        return "list"
    return "text" if str in parts or any(get_origin(part) is Literal for part in parts) else "table"
