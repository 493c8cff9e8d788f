"""The few things that a first job needs, asked one after the other on a terminal."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from inspect_tool import registry
from inspect_tool.errors import CalibrationError, InspectError, SettingsError
from inspect_tool.inspection import job_plan, notebook
from inspect_tool.inspection.starter import Answers, Limits, first_quantity
from inspect_tool.report.text import short

Ask = Callable[[str, str], str]
"""Asks a question, with what an empty answer stands for, and gives the answer."""

_LOOKED_AT = 10_000  # names in a folder that are counted at most


def recipe(ask: Ask, say: Callable[[str], None]) -> str:
    """Which recipe; asked again until the answer is one, by name or number."""
    names = registry.names("recipe")
    for i, name in enumerate(names, 1):
        say(f"  {i}  {name:<16} {registry.load('recipe', name).TITLE}")
    while True:
        answer = ask("What is to be measured (number or name)", "").strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        if answer in names:
            return answer
        say(f"there is no '{answer}'; type a number from 1 to {len(names)}")


def answers(recipe_name: str, folder: Path, ask: Ask, say: Callable[[str], None]) -> Answers:
    """Images, scale and limit of a job that will stand in ``folder``."""
    module = registry.load("recipe", recipe_name)
    pattern, first = _images(folder, ask, say)
    scale = _scale(first, ask, say)
    _, quantity = first_quantity(module)
    say(f"Limits of: {quantity.title} [{quantity.unit}]. Without a limit there is no verdict.")
    lower = _limit("lower limit", ask, say)
    upper = _limit("upper limit", ask, say, lower)
    limits: tuple[Limits, ...] = ()
    if lower is not None or upper is not None:
        source = ask("Who asks for it (drawing, standard, contract)", "not stated").strip()
        limits = (Limits(lower=lower, upper=upper, source=source),)
    return replace(scale, images=(pattern,), limits=limits)


def _images(folder: Path, ask: Ask, say: Callable[[str], None]) -> tuple[str, Path]:
    """A pattern that names images, relative to the folder where they lie below it, and the first of them."""
    near = next((found for place in (folder, *_folders(folder)) if (found := _pattern(place, folder))), "")
    while True:
        answer = ask("Images: a file, a folder or a pattern such as images/*.tif", near).strip().strip("\"'")
        path = folder / Path(answer.replace("\\", "/")).expanduser()
        pattern = _pattern(path, folder) if path.is_dir() else answer.replace("\\", "/")
        try:
            if not pattern:
                msg = f"{answer or 'nothing'}: no images there"
                raise SettingsError(msg)
            files = job_plan.files_of(pattern, folder, "images")
        except InspectError as error:
            say(str(error))
            continue
        say(f"  {pattern}: {len(files)} image{'s' if len(files) > 1 else ''}, each is one field")
        return pattern, files[0]


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(item for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))[:50]
    except OSError:
        return []


def _pattern(place: Path, folder: Path) -> str:
    """The images that most files of a place are, as a pattern of a job in ``folder``; empty without any."""
    known = {suffix for name in registry.names("reader") for suffix in registry.load("reader", name).SUFFIXES}
    try:
        names = [item for item, _ in zip(place.iterdir(), range(_LOOKED_AT), strict=False)]
    except OSError:
        return ""
    counts = Counter(item.suffix for item in names if item.suffix.lower() in known and not item.name.startswith("."))
    if not counts:
        return ""
    suffix = max(sorted(counts), key=lambda name: counts[name])
    below = place.relative_to(folder) if place.is_relative_to(folder) else place.resolve()
    return (below / f"*{suffix}").as_posix()


def _scale(first: Path, ask: Ask, say: Callable[[str], None]) -> Answers:
    """The scale of the first image, with the other answers open."""
    try:
        image = notebook.with_own_scale(first)
    except CalibrationError:
        image = None
    if image is not None and image.calibration.pixel_um is not None:
        used = next(source for source in image.scale_sources if source.used)
        told = f"{short(image.calibration.pixel_um)} um per pixel in {first.name}".replace("\xa0", " ")
        said = "a scale bar in the picture says" if used.kind == "scale bar" else "the file says"
        if not ask(f"Scale: {said} {told}. Use it (y/n)", "y").strip().lower().startswith("n"):
            return Answers(scale="scale bar" if used.kind == "scale bar" else "file", told=told)
    while True:
        answer = ask("Scale: um per pixel, as measured with a stage micrometer (empty: no scale, ratios only)", "")
        if not answer.strip():
            return Answers(scale="ratio only")
        pixel = _number(answer)
        if pixel is not None and 0 < pixel < 1e4:
            return Answers(pixel_um=pixel)
        say(f"'{answer.strip()}' is no number of um per pixel; type it as 0.2252")


def _limit(what: str, ask: Ask, say: Callable[[str], None], lower: float | None = None) -> float | None:
    while True:
        answer = ask(f"  {what} (empty: none)", "").strip()
        value = _number(answer)
        if not answer or (value is not None and (lower is None or value >= lower)):
            return value
        below = f" below the lower limit {lower:g}" if value is not None else " no number"
        say(f"'{answer}' is{below}; type it as 2.5, without its unit")


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
