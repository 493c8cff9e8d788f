"""Recipes and backends: what each asks, gives, and lets one set; of the plug-ins themselves."""

from dataclasses import fields
from typing import Any, Literal, get_type_hints

from doc_site.markdown import block, code, page, prose, table
from doc_site.navigation import DOCS
from doc_site.values import default, explained, kind
from inspect_tool import plugins, registry
from inspect_tool.files import load_model_card
from inspect_tool.inspection.starter import documented, listing, toml
from inspect_tool.inspection.starter_form import backends_for
from inspect_tool.languages import said
from inspect_tool.model import Limits
from inspect_tool.segmentation.networks.weights import model_folder, shipped_names
from inspect_tool.standards import editions

_UP = "../../"
_HEADS = ("setting", "value", "default", "what it does")


def pages() -> dict[str, str]:
    """A page for each recipe and backend, one of all quantities, and one of the networks that are shipped."""
    recipes = {f"reference/recipes/{name}.md": _recipe(name) for name in shipped("recipe")}
    backends = {f"reference/backends/{name}.md": _backend(name) for name in shipped("backend")}
    return {
        **recipes,
        **backends,
        "reference/quantities.md": _quantities(),
        "reference/networks.md": _networks(),
    }


def shipped(kind: Literal["recipe", "backend"]) -> list[str]:
    """Name what comes with the software; what other packages bring has pages of its own there."""
    return [name for name in registry.names(kind) if registry.load(kind, name).__name__.startswith("inspect_tool.")]


def _settings(settings: type[Any]) -> str:
    """Settings of a class by name: what may stand there, the default, what they do."""
    hints, says = get_type_hints(settings, include_extras=True), documented(settings)
    rows = [
        (
            code(item.name),
            kind(hints[item.name]),
            code(toml(default(item))) or "not set",
            explained(says[item.name], _UP),
        )
        for item in sorted(fields(settings), key=lambda item: item.name)
    ]
    return table(_HEADS, rows)


def _recipe(name: str) -> str:
    recipe = registry.load("recipe", name)
    backend = dict(recipe.BACKEND)
    own = str(backend.pop("name"))
    asked = [
        (code(quantity), prose(said(one.title)), prose(one.unit), "yes" if one.needs_scale else "")
        for quantity, one in recipe.QUANTITIES.items()
    ]
    others = [f"[{code(other)}](../standards/{other}.md)" for other in editions.names_for(recipe)]
    quality = plugins.quality_of(recipe)
    limits = [
        (code(item.name), f"{limit.advised:g}", "" if limit.red is None else f"{limit.red:g}")
        for item in fields(Limits)
        if (limit := getattr(quality, item.name)) is not None
    ]
    return page(
        f"# Recipe {code(name)}",
        _doc(recipe),
        f"How it measures, and how to read it: [{prose(said(recipe.TITLE))}](../../{name}.md).",
        "## Settings",
        f'Keys of `[settings]` in a job with `recipe = "{name}"`. `inspect-tool init {name}` writes them all.',
        _settings(recipe.Settings),
        "## Quantities",
        "Names for `[[requirements]]`. `*` stands for the name of a class or a size.",
        table(("quantity", "what it is", "unit", "needs a scale"), asked),
        "## Editions",
        f"The first one is the default of a job that names none: {', '.join(others)}.",
        "## Backend",
        f"By default [{code(own)}](../backends/{own}.md)"
        + (f" with {', '.join(code(f'{key} = {toml(value)}') for key, value in backend.items())}." if backend else ".")
        + " Without a file of yours it also runs with "
        + ", ".join(f"[{code(other)}](../backends/{other}.md)" for other in backends_for(name) if other != own)
        + ".",
        "## Limits of image quality",
        "Beyond *advised* an image gets a remark, beyond *red* it is not measured unless the job "
        "accepts it; units and reasons: [Is the image fit?](../../quality.md).",
        table(("check", "advised", "red"), limits),
    )


def _backend(name: str) -> str:
    backend = registry.load("backend", name)
    answers = [recipe for recipe in shipped("recipe") if name in backends_for(recipe)]
    files = plugins.paths_of(backend)
    written = next((other for other in (name, *_ELSEWHERE.get(name, ())) if (DOCS / f"{other}.md").is_file()), "")
    return page(
        f"# Backend {code(name)}",
        _doc(backend),
        f"How it works, what it is good at and where it errs: [{written}](../../{written}.md)." if written else "",
        f"It gives {' and '.join(_KINDS[kind] for kind in backend.KINDS)}."
        + (
            " Recipes that it answers without a file of yours: "
            + ", ".join(f"[{code(recipe)}](../recipes/{recipe}.md)" for recipe in answers)
            + "."
            if answers
            else ""
        ),
        "## Settings",
        f'Keys of `[backend]` in a job, beside `name = "{name}"`. A recipe may have other defaults.',
        _settings(backend.Settings),
        f"Files of yours, relative to the job file: {', '.join(map(code, files))}." if files else "",
    )


_KINDS = {"semantic": "classes (how much of the area)", "instance": "objects (how many, how large)"}
_ELSEWHERE = {
    "unet": ("models",),
    "labels": ("images_and_scale",),
    "joints": ("solder_voids",),
    "with_voids": ("fibres",),
}


def _quantities() -> str:
    rows = []
    for recipe in shipped("recipe"):
        for name, one in registry.load("recipe", recipe).QUANTITIES.items():
            link = f"[{code(recipe)}](recipes/{recipe}.md)"
            rows.append((code(name), prose(said(one.title)), prose(one.unit), link))
    return page(
        "# Quantities",
        "What a report can state, by the name that a requirement and `report.json` give it. `*` stands for the name "
        "of a class or a size.",
        table(("quantity", "what it is", "unit", "recipe"), sorted(rows)),
        "## Units",
        table(("unit", "of"), ((code(unit), prose(of)) for unit, of in listing("units"))),
    )


def _networks() -> str:
    parts = [
        "# Shipped networks",
        (
            "Facts of the model cards that come with the software; [what they mean](../models.md). `inspect-tool list "
            "models` lists them too."
        ),
    ]
    for name in shipped_names():
        card = load_model_card(model_folder(name))
        facts = {
            "what it finds": prose(card.title),
            "for": ", ".join(f"[{code(recipe)}](recipes/{recipe}.md)" for recipe in card.recipes),
            "architecture": code(card.architecture),
            "version": prose(card.version),
            "classes": ", ".join(map(code, card.classes)),
            "pixel size of the training": f"{card.pixel_um:g} µm" if card.pixel_um else "",
            "structure in the training": prose(
                f"{card.structure}: {card.structure_px[0]:g} to {card.structure_px[1]:g} px"
                if card.structure_px
                else ""
            ),
            "licence": prose(card.licence),
            "commercial use": "permitted" if card.commercial else "forbidden",
            "sha256 of the weights": code(card.sha256),
        }
        parts += [f"## {code(name)}", table(("", ""), [(key, value) for key, value in facts.items() if value])]
        if (DOCS / "training" / f"{name}.md").is_file():
            parts.append(f"[How it was trained](../training/{name}.md)")
    return page(*parts)


def _doc(plugin: object) -> str:
    paragraphs = (plugin.__doc__ or "").strip().split("\n\n")
    return "\n\n".join(
        block(part) if part.startswith("    ") else prose(part.removesuffix(":") if part.endswith("::") else part, _UP)
        for part in paragraphs
    )
