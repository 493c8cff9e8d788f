"""Does the method work here? Phantoms of known truth through the steps of a job, judged by criteria stated beforehand.

Bias is taken against what the drawn fields hold, so that it is that of segmentation and measurement alone. Coverage,
linearity and scatter speak about the material that the fields were drawn from, as the stated intervals do.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from inspect_tool import folders, registry
from inspect_tool.errors import SettingsError
from inspect_tool.evidence.provenance import now, provenance
from inspect_tool.files import (
    checked,
    plain,
)
from inspect_tool.inspection.job_plan import Progress, silent
from inspect_tool.languages import Text, Words, joined
from inspect_tool.model import Header, StandardRecord
from inspect_tool.report import document
from inspect_tool.report.template import check_language, language_of, template_folder
from inspect_tool.segmentation import choice
from inspect_tool.standards import editions
from inspect_tool.studies import golden
from inspect_tool.studies.selftest import phantom_jobs
from inspect_tool.studies.selftest.criteria import judged_by, load_criteria
from inspect_tool.studies.selftest.installation import golden_part, installation, worked_cases
from inspect_tool.studies.selftest.measuring import Seen, Task, done, for_tiles, no_tiles, why_no_tiles
from inspect_tool.studies.selftest.page import (
    SCHEMA,
    WHAT,
    OutOfReach,
    RecipeTest,
    SelfTest,
    page,
)
from inspect_tool.studies.selftest.phantom_jobs import FULL, QUICK, Phantom
from inspect_tool.studies.selftest.statistics import FOUND_PERCENT, SIZE_PERCENT, quantity_tests, smallest_size
from inspect_tool.synthetic.phantoms import Kit

FILE = "selftest.json"


def selftest(
    out: str | Path | None = None,
    *,
    recipes: Sequence[str] = (),
    backend: str = "",
    settings: Mapping[str, object] | None = None,
    pixel_um: float | None = None,
    kit: Kit = FULL,
    criteria: Path | None = None,
    golden_folder: Path | None = None,
    laboratory: str = "",
    language: str = "",
    workers: int = 1,
    progress: Progress | None = None,
) -> SelfTest:
    """Run the phantom kit and judge it.

    Parameters
    ----------
    out : path, optional
        Folder that gets ``selftest.json``, ``.html`` and ``.pdf``; an older one is replaced. None: nothing is written.
    recipes : sequence of str
        Those to test; empty: all that the backend can answer.
    backend : str
        Empty: the default of each recipe.
    settings : mapping, optional
        Of the backend, on top of its defaults.
    pixel_um : float, optional
        The laboratory's own; None: a usual one for each recipe. [um/px]
    kit : Kit
        What is drawn: ``phantoms.FULL`` or ``phantoms.QUICK``.
    criteria : Path, optional
        File of criteria of the laboratory's own.
    golden_folder : Path, optional
        Record of golden images, see ``golden.record``.
    laboratory : str
        Name for the report.
    language : str
        Of the words of the page; empty: that of the template.
    workers : int
        Phantoms measured at the same time, each in a process of its own.
    progress : callable, optional
        Called with (steps done, steps in all, text).

    Raises
    ------
    InspectError
        For whatever the user must fix; nothing is written then.
    """
    started, clock, cpu = now(), perf_counter(), process_time()
    tell = progress or silent
    if language:
        check_language(language, "--language")
    template = template_folder("inspection")
    rules = load_criteria(criteria)
    if out is not None and Path(out).is_dir() and any(Path(out).iterdir()) and not (Path(out) / FILE).is_file():
        msg = f"{out}: is there and holds no {FILE}, so it is not replaced; choose a new folder with --out"
        raise SettingsError(msg)
    if pixel_um is not None and not 0 < pixel_um < 1e4:
        msg = f"--pixel-um {pixel_um:g}: a pixel size is above 0 and below 10000 um"
        raise SettingsError(msg)
    known = phantom_jobs.recipes()
    tables, refused = backends_of(recipes, backend, settings or {})
    scale = {recipe: phantom_jobs.of(recipe).pixel_um if pixel_um is None else pixel_um for recipe in known}
    plans = {recipe: phantom_jobs.planned(recipe, scale[recipe], kit) for recipe in tables}
    tasks = [Task(kind="phantom", phantom=one, table=tables[one.recipe]) for p, _ in plans.values() for one in p]
    # the first phantom of each recipe once more: is the same image measured the same way?
    tasks += [Task(kind="again", phantom=p[0], table=tables[recipe]) for recipe, (p, _) in plans.items() if p]
    sized = next((recipe for recipe in tables if phantom_jobs.of(recipe).one_size is not None), "")
    if sized:
        tasks += [
            Task(
                kind="size",
                table=tables[sized],
                recipe=sized,
                look=look,
                size_px=size,
                pixel_um=scale[sized],
                kit=kit,
            )
            for size in kit.pore_sizes_px
            for look in kit.looks
        ]
    tiled = {recipe: why_no_tiles(recipe, table) for recipe, table in tables.items()}
    tasks += [
        Task(kind="tiles", phantom=for_tiles(plans[recipe][0]), table=tables[recipe])
        for recipe, reason in tiled.items()
        if not reason and plans[recipe][0]
    ]
    total = len(tasks) + 3
    if golden_folder is not None:
        golden.load_golden(golden_folder)  # refuses before the work
    if out is not None:
        folders.check(Path(out))
    answers, elsewhere = done(tasks, workers, lambda i, name: tell(i, total, name))
    tell(len(tasks), total, "worked cases, files")
    seen = [a for t, a in zip(tasks, answers, strict=True) if t.kind == "phantom"]
    again = [a for t, a in zip(tasks, answers, strict=True) if t.kind == "again"]
    sizes = tuple(a for t, a in zip(tasks, answers, strict=True) if t.kind == "size")
    tiles = tuple(
        [a for t, a in zip(tasks, answers, strict=True) if t.kind == "tiles"]
        + [no_tiles(recipe, tables[recipe], reason) for recipe, reason in tiled.items() if reason]
    )
    with _folder(out) as folder:
        found = SelfTest(
            schema=SCHEMA,
            id="",
            verdict="criteria met",
            header=Header(laboratory=laboratory),
            quick=kit is QUICK,
            criteria=StandardRecord(
                name=rules.name, id=rules.id, edition=rules.edition, title=rules.title, sha256=rules.sha256
            ),
            rules=tuple(rules.rules.values()),
            judged=(),
            recipes=tuple(
                _with_answers(
                    _recipe(recipe, tables.get(recipe, {}), refused.get(recipe, ""), plans.get(recipe), scale[recipe]),
                    seen,
                    again,
                    folder,
                )
                for recipe in known
            ),
            quantities=tuple(quantity_tests(seen)),
            sizes=sizes,
            smallest=tuple(
                smallest_size([row for row in sizes if row.look == look], scale[sized])
                for look in dict.fromkeys(row.look for row in sizes)
            ),
            size_limits=(FOUND_PERCENT, SIZE_PERCENT),
            tiles=tiles,
            installation=installation(tables, rules, criteria),
            worked=worked_cases(),
            golden=None if golden_folder is None else golden_part(golden_folder),
            seconds=0.0,
            cpu_seconds=0.0,
            provenance=provenance(
                job_sha256="",
                settings={"kit": plain(kit)},
                backend=backend or "default of each recipe",
                backend_settings=dict(settings or {}),
                started=started,
                seconds=0.0,
            ),
            language=language_of(language, template),
        )
        judged = tuple(judged_by(found, rules))
        met = all(one.check.passed for one in judged if not one.skipped)
        seconds = perf_counter() - clock
        found = replace(
            found,
            judged=judged,
            verdict="criteria met" if met else "criteria not met",
            seconds=round(seconds, 1),
            cpu_seconds=round(process_time() - cpu + elsewhere, 1),
            provenance=replace(found.provenance, seconds=round(seconds, 2)),
        )
        found = replace(found, id=document.identification("IT", _timeless(found)))
        if out is not None:
            tell(total - 2, total, "HTML, PDF")
            document.write(found, folder, "selftest", page, template, what=WHAT)
            tell(total, total, "done")
    return found


@contextmanager
def _folder(out: str | Path | None) -> Iterator[Path]:
    """Give a folder that appears as a whole under its name, or a passing one when nothing is kept."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
            yield Path(folder)
    else:
        with folders.new_folder(Path(out)) as made:
            yield made


def load_selftest(path: Path) -> SelfTest:
    """Read ``selftest.json`` back."""
    return document.load(SelfTest, path, SCHEMA, "a self-test")


def backends_of(
    recipes: Sequence[str], backend: str, settings: Mapping[str, object]
) -> tuple[dict[str, dict[str, object]], dict[str, Words]]:
    """Give the ``[backend]`` table of every recipe that is tested, and why another one is not."""
    known = phantom_jobs.recipes()
    for recipe in recipes:
        if recipe not in known:
            msg = f"--recipe {recipe}: the kit has phantoms for {', '.join(known)}"
            raise SettingsError(msg)
    tables: dict[str, dict[str, Any]] = {}
    refused: dict[str, Words] = {
        recipe: Text("selftest.not_asked_for") for recipe in known if recipes and recipe not in recipes
    }
    for recipe in known:
        if recipe in refused:
            continue
        module = registry.load("recipe", recipe)
        default = phantom_jobs.default_backend(recipe)
        own = default if backend in ("", default["name"]) else {"name": backend}
        table = dict(own) | dict(settings)
        name = str(table["name"])
        plugin = registry.load("backend", name)
        chosen = checked(
            plugin.Settings, {k: v for k, v in table.items() if k != "name"}, f"recipe {recipe}", under="backend"
        )
        if hasattr(chosen, "masks"):
            msg = f"--backend {name}: takes masks that exist; the kit needs a backend that segments"
            raise SettingsError(msg)
        try:
            choice.check_backend(recipe, module, name, plugin, chosen)
        except SettingsError as error:
            if recipe in recipes:
                raise
            refused[recipe] = str(error)
            continue
        tables[recipe] = table
    if not tables:
        msg = f"--backend {backend}: answers no recipe of the kit: {next(iter(refused.values()))}"
        raise SettingsError(msg)
    return tables, refused


_Planned = tuple[tuple[Phantom, ...], tuple[phantom_jobs.Left, ...]]


def _recipe(
    recipe: str, table: Mapping[str, object], refused: Words, plan: _Planned | None, pixel_um: float
) -> RecipeTest:
    """Say what is run for a recipe, before any answer."""
    module = registry.load("recipe", recipe)
    edition = editions.load_standard(module.STANDARDS[0])
    made, left = plan or ((), ())
    own, truths = phantom_jobs.of(recipe), sorted({phantom.truth for phantom in made})
    return RecipeTest(
        recipe=recipe,
        title=module.TITLE,
        standard=editions.designation(edition),
        backend=str(table.get("name", "")),
        settings=plain({key: value for key, value in table.items() if key != "name"}),
        weights_sha256="",
        used={},
        pixel_um=pixel_um,
        truths=_drawn(own.says, truths) if truths else Text("selftest.nothing_drawn"),
        phantoms=len(made),
        fields=sum(phantom.kit.fields for phantom in made),
        repeats=made[0].kit.repeats if made else 0,
        failed=(),
        left=tuple(OutOfReach(truth=one.truth, unit=own.unit, reason=one.reason) for one in left),
        refused=refused,
        cpu_seconds=0.0,
        same_masks=0,
        masks_again=0,
        pictures=(),
    )


def _drawn(says: Words, truths: Sequence[float]) -> Words:
    """Put the truths into what is said of the phantoms of a recipe."""
    printed = tuple(f"{truth:g}" for truth in truths)
    return Text(says.key, truths=printed) if isinstance(says, Text) else says.format(", ".join(printed))


def _with_answers(test: RecipeTest, seen: Sequence[Seen], again: Sequence[Seen], folder: Path) -> RecipeTest:
    """Add what the phantoms gave, and write the pictures of one truth."""
    own = [one for one in seen if one.phantom.recipe == test.recipe]
    if not own:
        return test
    second = next(one for one in again if one.phantom.recipe == test.recipe)
    first = next(one for one in own if one.phantom == second.phantom)
    truths = sorted({one.phantom.truth for one in own})
    pictures = []
    for one in own:
        if one.phantom.truth == truths[len(truths) // 2] and one.phantom.repeat == 0:
            file = folder / "pictures" / f"{test.recipe}_{one.phantom.look}.jpg"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(one.picture)
            pictures.append((one.phantom.look, file.relative_to(folder).as_posix()))
    return replace(
        test,
        weights_sha256=next((one.weights for one in own if one.weights), ""),
        used=plain(next((one.used for one in own if one.used), {})),
        failed=tuple(joined(": ", (one.phantom.name, one.failure)) for one in own if one.failure),
        cpu_seconds=round(sum(one.cpu for one in own), 1),
        same_masks=sum(a == b for a, b in zip(first.masks, second.masks, strict=False)),
        masks_again=len(first.masks),
        pictures=tuple(pictures),
    )


def _timeless(found: SelfTest) -> SelfTest:
    return replace(
        found,
        seconds=0.0,
        cpu_seconds=0.0,
        recipes=tuple(replace(one, cpu_seconds=0.0) for one in found.recipes),
    )
