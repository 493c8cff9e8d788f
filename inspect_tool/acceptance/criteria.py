"""The criteria of a job: those of the part and its revision, and its own; and the verdicts by them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from inspect_tool import plugins, typos
from inspect_tool.acceptance import specs
from inspect_tool.acceptance.conformity import check_requirement, decide, doubted
from inspect_tool.errors import CalibrationError, SettingsError
from inspect_tool.languages import Text
from inspect_tool.model import (
    Conformity,
    Criteria,
    Editions,
    Findings,
    Header,
    Job,
    Quantity,
    Requirement,
)
from inspect_tool.plugins import Recipe
from inspect_tool.units import dimension


def spec_files_of(job: Job, folder: Path, today: date, where: str) -> tuple[specs.SpecFile, ...]:
    """Find the acceptance criteria that a job names, in its own folder or in the one it says."""
    if not job.spec:
        if job.specs:
            msg = f"{where} specs: is given, but 'spec' names no part and revision"
            raise SettingsError(msg)
        return ()
    if job.header.date_of_work and not _is_day(job.header.date_of_work):
        msg = (
            f"{where} header.date_of_work: '{job.header.date_of_work}' must be a day as 2026-01-31: it decides whether"
        )
        msg += f" '{job.spec}' is valid"
        raise SettingsError(msg)
    files = specs.read(folder / (job.specs or specs.FOLDER))
    return specs.find(job.spec, files, date_of_work(job.header, today), job.recipe, where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a job asks for, with the editions that say how it is measured."""

    asked: tuple[tuple[str, Requirement], ...]  # as stated, each with its place in a file
    editions: Editions
    requirements: tuple[Requirement, ...]  # class strings expanded
    criteria: Criteria


def resolved(
    job: Job,
    recipe: Recipe,
    settings: object,
    where: str,
    spec_files: Sequence[specs.SpecFile],
    day: date,
    editions_of: Callable[[Sequence[Requirement]], Editions],
) -> Resolved:
    """Resolve what a job asks for, for a run and for who verifies its report.

    Parameters
    ----------
    job : Job
    recipe : Recipe
    settings : object
        Of the recipe.
    where : str
        Name of the job file, for messages.
    spec_files : sequence of SpecFile
        Acceptance criteria of the part.
    day : date
        That decides which of them are valid.
    editions_of : callable
        Reads the editions that are drawn on, by what is asked for.
    """
    asked = asked_for(job, where, spec_files)
    editions = editions_of([requirement for _, requirement in asked])
    requirements = requirements_of(job, recipe, settings, editions, where, spec_files)
    return Resolved(
        asked=tuple(asked),
        editions=editions,
        requirements=requirements,
        criteria=criteria_of(job, recipe, requirements, where, spec_files, day),
    )


def criteria_of(
    job: Job,
    recipe: Recipe,
    requirements: Sequence[Requirement],
    where: str,
    spec_files: Sequence[specs.SpecFile],
    today: date,
) -> Criteria:
    """Say where the requirements of a job come from, and compare what several sources ask of one quantity."""

    def title(name: str) -> str:
        quantity = quantity_of(recipe, name)
        if quantity is None or name not in recipe.QUANTITIES:
            return name.replace("_", " ") if quantity is None else f"{quantity.title} ({name.split('.', 1)[1]})"
        return quantity.title

    def unit(name: str) -> str:
        quantity = quantity_of(recipe, name)
        return quantity.unit if quantity is not None else next(r.unit for r in requirements if r.quantity == name)

    conflicts, agreements = specs.compared(requirements, unit, title, where)
    return Criteria(
        spec=job.spec,
        day=date_of_work(job.header, today) if job.spec else None,
        files=tuple(specs.record(file) for file in spec_files),
        conflicts=conflicts,
        agreements=agreements,
    )


def asked_for(job: Job, where: str, spec_files: Sequence[specs.SpecFile]) -> list[tuple[str, Requirement]]:
    """Every requirement and where it stands: the job's own, then those of the files that count."""
    own = [(f"{where} requirements.{i}", requirement) for i, requirement in enumerate(job.requirements)]
    return own + [
        (f"{file.path.name} requirements.{i}", requirement)
        for file in spec_files
        if not file.left_out
        for i, requirement in enumerate(file.spec.requirements)
    ]


def requirements_of(
    job: Job,
    recipe: Recipe,
    settings: object,
    editions: Editions,
    where: str,
    spec_files: Sequence[specs.SpecFile] = (),
) -> tuple[Requirement, ...]:
    """Check the requirements of a job and of its acceptance criteria against its recipe, class strings spelled out."""
    expanded: list[Requirement] = []
    for place, requirement in asked_for(job, where, spec_files):
        if requirement.class_string:
            if not isinstance(recipe, plugins.ExpandsRequirements):
                msg = f"{place}.class_string: recipe {job.recipe} knows no class strings"
                raise SettingsError(msg)
            try:
                expanded.extend(recipe.expand(requirement, settings, editions))
            except SettingsError as error:
                msg = f"{place}.class_string: {error}"
                raise SettingsError(msg) from None
            continue
        quantity = quantity_of(recipe, requirement.quantity)
        if quantity is None:
            msg = (
                f"{place}.quantity: recipe {job.recipe} has no '{requirement.quantity}'; "
                f"there are: {', '.join(recipe.QUANTITIES)}{typos.near(requirement.quantity, recipe.QUANTITIES)}"
            )
            raise SettingsError(msg)
        check_requirement(requirement, place)
        if requirement.unit and dimension(requirement.unit) != dimension(quantity.unit):
            msg = f"{place}.unit: '{requirement.unit}' does not fit {requirement.quantity} [{quantity.unit}]"
            raise SettingsError(msg)
        if quantity.needs_scale and is_ratio_only(job):
            msg = f"{place}: {requirement.quantity} needs a scale; the calibration is 'ratio only'"
            raise CalibrationError(msg)
        if quantity.needs_setting and not getattr(settings, quantity.needs_setting):
            name = quantity.needs_setting
            what = f"'{name} = true'" if isinstance(getattr(settings, name), bool) else f"a '{name}'"
            msg = f"{place}: {requirement.quantity} comes out with {what} only; set it in [settings]"
            raise SettingsError(msg)
        expanded.append(requirement)
    return tuple(expanded)


def is_ratio_only(job: Job) -> bool:
    """Tell whether a job asks for ratios alone, without a scale."""
    stated = [job.calibration, *(specimen.calibration for specimen in job.specimens)]
    return any(item is not None and item.source == "ratio only" for item in stated)


def quantity_of(recipe: Recipe, name: str) -> Quantity | None:
    """Find what a recipe says of a quantity; None: it has none of this name."""
    quantities: Mapping[str, Quantity] = recipe.QUANTITIES
    return quantities.get(name) or quantities.get(name.split(".", 1)[0] + ".*")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def date_of_work(header: Header, today: date) -> date:
    """The day that a certificate must cover: that of the work as the job states it, else that of the run."""
    try:
        return date.fromisoformat(header.date_of_work)
    except ValueError:
        return today


def judged(requirements: Sequence[Requirement], findings: Findings, fields: Sequence[str]) -> tuple[Conformity, ...]:
    """Judge every requirement for every specimen it is for; ``fields`` names the specimen of each field."""
    specimens = tuple(dict.fromkeys(fields))
    found = {(result.quantity, result.specimen): result for result in findings.results}
    verdicts = []
    for requirement in requirements:
        for specimen in (requirement.specimen,) if requirement.specimen else specimens:
            result = found.get((requirement.quantity, specimen))
            if result is not None:
                verdicts.append(doubted(decide(result, requirement), findings.checks))
                continue
            verdicts.append(
                Conformity(
                    requirement=requirement,
                    specimen=specimen,
                    quantity=requirement.quantity,
                    value=None,
                    unit=requirement.unit,
                    expanded_u=None,
                    decision="not stated",
                    probability=None,
                    reason=Text("acceptance.no_such_result"),
                )
            )
    return tuple(verdicts)
