"""A job planned: everything that it names is read and checked before any long work."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from pathlib import Path
from typing import Any
from unicodedata import normalize

from inspect_tool import folders, plugins, registry, typos
from inspect_tool.acceptance import lots, specs
from inspect_tool.acceptance.criteria import date_of_work, resolved, spec_files_of
from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.evidence import edits
from inspect_tool.evidence.provenance import now
from inspect_tool.files import (
    MOST_DATA,
    checked,
    load_job,
    plain,
    sha256_bytes,
    sha256_file,
    sha256_source,
)
from inspect_tool.images import quality, readers
from inspect_tool.languages import Text, Words
from inspect_tool.model import (
    Calibration,
    Criteria,
    Editions,
    Job,
    Limits,
    Plane,
    Requirement,
    Specimen,
)
from inspect_tool.paths import matching, natural, same_name
from inspect_tool.plugins import Backend, Recipe
from inspect_tool.referee import ledger as referee
from inspect_tool.scale import calibration, laboratory_files
from inspect_tool.scale.calibration import check_stated, stop_if_expired
from inspect_tool.segmentation import choice
from inspect_tool.standards import verified
from inspect_tool.standards.editions import OWN, editions_for, names_for
from inspect_tool.validation import lookup
from inspect_tool.validation.lookup import ValidationFile

Progress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is being done)."""
PAGES = ("html", "pdf", "png", "docx", "lims")  # what a template makes or says
EXPORT_ORDER = ("json", "csv", "xlsx", "lims", "html", "pdf", "png", "docx")  # pictures of pages are of the PDF
_LONGEST_PATTERN = 1000  # letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One image of a job and what the job says about it."""

    path: Path
    name: str  # as the report prints it
    sha256: str
    specimen: str
    section: str
    plane: Plane
    field: int
    stated: Calibration | None
    mask: str = ""  # file with the user's own segmentation of this image
    unread: str = ""  # why not even the bytes of the file can be read, where the job goes on without it


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A checked job: every name resolved, every file found, nothing measured yet."""

    job: Job
    path: Path
    sha256: str
    editions: Editions
    settings: Any
    backend: str
    backend_settings: Any
    sources: tuple[Source, ...]
    requirements: tuple[Requirement, ...]
    template: Path
    limits: Limits = default(default_factory=Limits)
    criteria: Criteria = default(default_factory=Criteria)
    spec_files: tuple[specs.SpecFile, ...] = ()  # of the part, those left out too
    ledger: tuple[edits.Entry, ...] = ()  # corrections by hand
    validation: ValidationFile | None = None  # errors of the backend on labeled images
    refereed: referee.Given | None = None  # answers of a person to a random sample
    samples: tuple[referee.Entry, ...] = ()  # ledger of such samples, and of the answers to them
    text: bytes = b""  # of the job file, with what a laboratory's defaults fill in; empty: as it lies there


def plan(
    job_path: str | Path,
    backend: Mapping[str, object] | None = None,
    *,
    job: Job | None = None,
    text: bytes | None = None,
    exports: tuple[str, ...] | None = None,
    folder: Path | None = None,
    sources: tuple[Source, ...] | None = None,
    spec_files: tuple[specs.SpecFile, ...] | None = None,
    editions: Editions | None = None,
    refereed: bool = True,
) -> Plan:
    """Resolve and check everything a job names; the images themselves are read later.

    ``backend`` takes the place of the job's own ``[backend]`` table, ``job`` that of what the file says, ``text``
    that of the file itself, ``exports`` that of the files it asks for, ``folder`` that of the folder of the job, which
    relative names start from,
    ``sources`` that of the images it names, ``spec_files`` that of the acceptance criteria, and ``editions`` that of
    the standards. Without ``refereed`` the samples and answers of a check by hand, which may not be there yet, are not
    read.
    """
    from inspect_tool.report.template import check_language, load_settings, template_folder

    path = Path(job_path)
    job = job or load_job(path, text)
    if exports is not None:
        job = replace(job, exports=exports)
    where = path.name
    alone = sources is None
    recipe = registry.load("recipe", job.recipe)
    settings = checked(recipe.Settings, job.settings, where, under="settings")
    table = dict(backend or job.backend or recipe.BACKEND)
    backend_name = table.pop("name", None)
    if not isinstance(backend_name, str):
        msg = f"{where} backend.name: is missing; there are: {', '.join(registry.names('backend'))}"
        raise SettingsError(msg)
    module = registry.load("backend", backend_name)
    backend_settings = checked(module.Settings, table, where, under="backend")
    folder = folder or path.parent
    for exporter in job.exports:
        registry.load("exporter", exporter)
    settings = _with_paths(recipe, settings, folder, f"{where} settings")
    backend_settings = _with_paths(module, backend_settings, folder, f"{where} backend")
    sources = _sources(job, folder, where) if sources is None else sources
    if isinstance(recipe, plugins.ReadsTables):  # a mistake in a table must not cost the measurement of the fields
        recipe.check_tables(settings, {(source.specimen, source.field) for source in sources})
    backend_settings = choice.suited(recipe, backend_settings)
    choice.check_backend(job.recipe, recipe, backend_name, module, backend_settings)
    if hasattr(backend_settings, "masks"):
        sources = _with_masks(sources, backend_settings.masks, folder, where)
    if spec_files is None:
        spec_files = spec_files_of(job, folder, now().date(), where)

    def editions_of(asked: Sequence[Requirement]) -> Editions:
        name = edition_named(job, recipe, folder / path.name)
        if editions is not None:
            return editions
        compared = verified.folder_for(job.standards_verified, folder, where)
        return verified.with_comparisons(editions_for(recipe, settings, name, asked, home=folder), compared)

    found = resolved(job, recipe, settings, where, spec_files, now().date(), editions_of)
    limits = quality.limits_of(job, where)
    quality.check_acceptances(job.accept, [source.name for source in sources], where)
    template = template_folder(job.template, folder)
    load_settings(template)
    if job.language:
        check_language(job.language, f"{where} language")
    known = dict.fromkeys(source.specimen for source in sources)
    for place, requirement in found.asked:
        if requirement.specimen and requirement.specimen not in known:
            msg = f"{place}.specimen: '{requirement.specimen}' is not one of {', '.join(sorted(known))}"
            raise SettingsError(msg)
    if job.lot is not None:
        lots.check(job.lot, tuple(known), found.requirements, where)
    if not 0 <= job.edit_cap <= 1:
        msg = f"{where} edit_cap: {job.edit_cap:g} is no share of pixels; give a number from 0 to 1"
        raise SettingsError(msg)
    own = backend is None and alone  # another backend, or other images, are not those that were edited
    return Plan(
        job=job,
        path=folder / path.name,
        sha256=sha256_file(path) if text is None else sha256_bytes(text),
        text=text or b"",
        editions=found.editions,
        settings=settings,
        backend=backend_name,
        backend_settings=backend_settings,
        sources=sources,
        requirements=found.requirements,
        template=template,
        limits=limits,
        criteria=found.criteria,
        spec_files=spec_files,
        ledger=_ledger(path, sources) if own else (),
        validation=_validation(job, folder, backend_name, module, backend_settings, where, own=own),
        refereed=referee.given(folder / job.referee.file, referee.folder_of(path))
        if refereed and own and job.referee
        else None,
        samples=referee.read(referee.folder_of(path)) if refereed and own else (),
    )


def _validation(
    job: Job, folder: Path, name: str, module: Backend, settings: object, where: str, *, own: bool
) -> ValidationFile | None:
    """Errors on labeled images that are for a job; none for masks of a person. ``own``: it is the backend it names."""
    if hasattr(settings, "masks"):
        if job.validation and own:
            msg = f"{where} validation: the masks of a person have no error of a backend; leave the key out"
            raise SettingsError(msg)
        return None
    backend = lookup.backend_of(job.recipe, name, module, settings)
    if job.validation and own:
        return lookup.named(Path(*_literal_part(job.validation, folder)), backend, where)
    return lookup.shipped(backend)


def inputs_of(planned: Plan) -> Iterator[Path]:
    """Files, and folders, beside the job file that a run of it reads."""
    job, home = planned.job, planned.path.parent
    yield from (file.path for file in planned.spec_files)
    yield from (path for name, path in planned.editions.files.items() if name.startswith((verified.COPY, OWN)))
    for source in planned.sources:
        yield source.path
        if source.mask:
            yield Path(source.mask)
    for module, table in plugins_of(planned):
        for key in (*plugins.paths_of(module), *plugins.models_of(module)):
            value = table.get(key)
            if value and (home / value).exists():
                yield home / value
    calibrations = [job.calibration, *(specimen.calibration for specimen in job.specimens)]
    named = [job.region.mask, *(one.file for one in calibrations if one is not None)]
    if planned.template == home / job.template:
        named.append(job.template)
    named.append(job.validation)
    if job.referee is not None:
        named.append(job.referee.file)
    for name in named:
        if name and (home / name).exists():
            yield home / name


def plugins_of(planned: Plan) -> list[tuple[Backend | Recipe, Mapping[str, Any]]]:
    """The recipe of a job, its backend and those that it is made of, each with the settings that the job has for it."""
    recipe, backend = registry.load("recipe", planned.job.recipe), registry.load("backend", planned.backend)
    parts = [dict(getattr(planned.backend_settings, key)) for key in plugins.backends_of(backend)]
    return [
        (recipe, plain(planned.settings)),
        (backend, plain(planned.backend_settings)),
        *((registry.load("backend", part["name"]), part) for part in parts),
    ]


def job_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Give each job of one command its folder name: the file's, or its folder's where names collide.

    >>> job_names([Path("a/job.toml"), Path("b/job.toml"), Path("c/steel.toml")])
    ('a', 'b', 'steel')
    """
    stems = [path.stem for path in paths]
    same = [same_name(stem) for stem in stems]
    names = [
        stem if same.count(same_name(stem)) == 1 else path.resolve().parent.name
        for stem, path in zip(stems, paths, strict=True)
    ]
    same = [same_name(name) for name in names]
    for name, path in zip(names, paths, strict=True):
        folders.check_name(name, str(path))
        if same.count(same_name(name)) > 1:
            msg = f"{path}: another job of this command is called '{name}' too; rename one, or run them one by one"
            raise SettingsError(msg)
    return tuple(names)


def edition_named(job: Job, recipe: Recipe, path: Path) -> str:
    """Name the edition of a job, or the default of its recipe; the laboratory's own by the path of its file."""
    name = job.standard or recipe.STANDARDS[0]
    if name.endswith(".toml"):  # the laboratory's own edition, relative to the job file
        return str(path.parent / name)
    if name not in recipe.STANDARDS and name not in (known := names_for(recipe)):
        there_are = ", ".join(known) + typos.near(name, known)
        msg = f"{path.name} standard: '{name}' is not for recipe {job.recipe}; there are: {there_are}"
        raise SettingsError(msg)
    return name


def images_of(job_path: Path, text: bytes | None = None) -> Iterator[Path]:
    """Files of the images of a job, none of which is read; ``text`` takes the place of that of the job file."""
    for specimen in _specimens(load_job(job_path, text)):
        for pattern in specimen.images:
            yield from files_of(pattern, job_path.parent, f"{job_path.name} images")


def _specimens(job: Job) -> tuple[Specimen, ...]:
    return job.specimens or (Specimen(id="1", images=job.images),)


def _sources(job: Job, folder: Path, where: str) -> tuple[Source, ...]:
    found: list[Source] = []
    counts: dict[str, int] = {}
    seen: dict[str, Path] = {}
    for i, specimen in enumerate(_specimens(job)):
        own = f"{where} specimens.{i}.calibration" if specimen.calibration is not None else f"{where} calibration"
        stated = _stated(specimen.calibration or job.calibration, job, folder, own)
        for pattern in specimen.images:
            for path in files_of(pattern, folder, f"{where} images"):
                digest, unread = _digest(path, skip=job.skip_damaged == "report")
                if digest and digest in seen:
                    msg = f"{where} images: {path.name} is the same picture as {seen[digest].name}; a field counts once"
                    raise SettingsError(msg)
                seen[digest] = path
                counts[specimen.id] = counts.get(specimen.id, 0) + 1
                found.append(
                    Source(
                        path=path,
                        name=path.name,
                        sha256=digest,
                        specimen=specimen.id,
                        section=specimen.section,
                        plane=specimen.plane,
                        field=counts[specimen.id],
                        stated=stated,
                        unread=unread,
                    )
                )
    if not found:
        msg = f"{where} images: names no image"
        raise SettingsError(msg)
    return tuple(found)


def _stated(calibration: Calibration | None, job: Job, folder: Path, where: str) -> Calibration | None:
    """Calibration of some images, with what its file says, and still in force where the job insists on it."""
    if calibration is None:
        return None
    check_stated(calibration, where)
    resolved = laboratory_files.resolve(calibration, folder, where)
    stop_if_expired(resolved, date_of_work(job.header, now().date()), where)
    return resolved


def scale_lines(planned: Plan) -> list[Words]:
    """What the calibrations of a checked job are, and which of their rules they fail: one line each."""
    stated = dict.fromkeys(source.stated for source in planned.sources if source.stated is not None)
    made = [item for item in stated if item.pixel_um is not None]
    lines = [laboratory_files.described(item) for item in made]
    failed = [
        rule for rule in calibration.checks(made, date_of_work(planned.job.header, now().date())) if not rule.passed
    ]
    return [*lines, *(Text("console.scale_not_met", name=rule.name, note=rule.note) for rule in failed)]


def _digest(path: Path, *, skip: bool) -> tuple[str, str]:
    """SHA-256 of an image and, with ``skip``, why it has none."""
    try:
        if path.stat().st_size > MOST_DATA:
            readers.check_known(path)  # before minutes go into the hash of what is no image
        return sha256_source(path), ""
    except OSError as error:
        msg = f"{path.name}: cannot be read: {error.strerror}"
        if skip:
            return "", msg
        raise ReadError(msg) from None


def files_of(pattern: str, folder: Path, where: str) -> list[Path]:
    """Files of one pattern, and folders that are images, in natural order (field_2 before field_10).

    Hidden files (macOS keeps a ``._name`` beside files on other disks) match only a pattern that begins with a dot.
    """
    if len(pattern) > _LONGEST_PATTERN:
        msg = f"{where}: '{pattern[:40]}...' has {len(pattern)} letters; no name of a file is so long"
        raise SettingsError(msg)
    base, relative = _literal_part(pattern, folder)
    literal = base / relative if relative else base
    if literal.is_file() or readers.is_image_folder(literal):
        return [literal]  # the text of a job file is UTF-8
    if literal.is_dir():
        msg = f"{where}: '{pattern}' is a folder; name the files, for example '{pattern}/*.tif'"
        raise SettingsError(msg)
    if not any(sign in pattern for sign in "*?["):
        msg = f"{where}: '{pattern}' does not exist in {base.resolve()}{_near_file(relative, base, pattern)}"
        raise SettingsError(msg)
    try:
        forms = {normalize(form, relative) for form in ("NFC", "NFD")}
        found = sorted({path for form in forms for path in matching(base, form)}, key=lambda path: natural(str(path)))
    except ValueError as error:
        msg = f"{where}: '{pattern}' is not a pattern that can be followed: {error}"
        raise SettingsError(msg) from None
    hidden = Path(pattern).name.startswith(".")
    found = [path for path in found if hidden or not path.name.startswith(".")]
    found = [path for path in found if path.is_file() or readers.is_image_folder(path)]
    if not found:
        msg = f"{where}: '{pattern}' matches no file in {folder.resolve()}{_near_file(relative, base, pattern)}"
        raise SettingsError(msg)
    for path in found:
        check_name_is_text(path.name, where)
    return found


def check_name_is_text(name: str, where: str) -> None:
    """Refuse a name of a file that a report cannot hold: its bytes are no UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        msg = f"{where}: the name {os.fsencode(name)!r} is no UTF-8 text and cannot stand in a report; rename the file"
        raise SettingsError(msg) from None


def _near_file(relative: str, base: Path, pattern: str) -> str:
    """End of a message about a name that is not there: what may have been meant."""
    if re.search(r"[\x00-\x1f]", pattern):
        return "; a backslash does not stand for itself in a job file: write / between folders"
    return typos.near_file(base / Path(relative).parts[0]) if relative else ""


def _literal_part(pattern: str, folder: Path) -> tuple[Path, str]:
    """The part of a pattern that exists as it is written, brackets and all, and the rest of it.

    An accented letter is one sign or a letter and an accent (as a Mac writes it): both mean the same name.
    """
    parts = Path(pattern).parts
    base = folder
    for i, part in enumerate(parts):
        forms = [base / part, *(base / normalize(form, part) for form in ("NFC", "NFD"))]
        there = next((path for path in forms if path.exists()), None)
        if there is None:
            return base, str(Path(*parts[i:]))
        base = there
    return base, ""


def _ledger(path: Path, sources: Sequence[Source]) -> tuple[edits.Entry, ...]:
    """Ledger of a job; an edit of an image that the job does not have is an error, or it would be lost unseen."""
    ledger = edits.read(edits.folder_of(path))
    known = {source.sha256 for source in sources}
    for entry in ledger:
        if entry.edit.image_sha256 not in known:
            msg = (
                f"{edits.folder_of(path) / edits.text_name(entry.edit)}: {entry.edit.image} as it was edited is not "
                "among the images of the job; put it back, or move the folder of the edits aside and make them again"
            )
            raise SettingsError(msg)
    return ledger


def _with_masks(sources: tuple[Source, ...], patterns: Sequence[str], folder: Path, where: str) -> tuple[Source, ...]:
    if not patterns:
        msg = f"{where} backend.masks: is missing; name one mask file per image"
        raise SettingsError(msg)
    masks = [path for pattern in patterns for path in files_of(pattern, folder, f"{where} backend.masks")]
    if len(masks) != len(sources):
        msg = f"{where} backend.masks: {len(masks)} masks for {len(sources)} images; give one per image, in their order"
        raise SettingsError(msg)
    return tuple(replace(source, mask=str(mask.resolve())) for source, mask in zip(sources, masks, strict=True))


def _with_paths(module: Backend | Recipe, settings: Any, folder: Path, where: str) -> Any:
    """Make the file names among the settings of a plug-in (its ``PATHS``) absolute; a missing file is an error.

    Its ``MODELS`` name a model: a folder beside the job file, or one that the backend knows by name.
    """
    for key in plugins.paths_of(module):
        value = getattr(settings, key)
        if not value:
            continue
        path = Path(*_literal_part(value, folder))
        if not path.is_file():  # looked at before it is resolved: a link may lead to itself
            msg = f"{where}.{key}: '{value}' does not exist in {folder.resolve()}"
            raise SettingsError(msg)
        settings = replace(settings, **{key: str(path.resolve())})
    for key in plugins.models_of(module):
        path = folder / getattr(settings, key)
        if getattr(settings, key) and path.is_dir():
            settings = replace(settings, **{key: str(path.resolve())})
    for key in plugins.backends_of(module):
        settings = replace(settings, **{key: _part_with_paths(getattr(settings, key), folder, f"{where}.{key}")})
    return settings


def _part_with_paths(table: Mapping[str, Any], folder: Path, where: str) -> Mapping[str, Any]:
    """The ``[backend]`` table of a part of a backend, its files and models found as those of a job are."""
    named = {key: value for key, value in table.items() if key != "name"}
    if not isinstance(table.get("name"), str):
        msg = f"{where}.name: is missing; there are: {', '.join(registry.names('backend'))}"
        raise SettingsError(msg)
    module = registry.load("backend", table["name"])
    found = _with_paths(module, checked(module.Settings, named, where), folder, where)
    kept = {key: getattr(found, key) for key in (*plugins.paths_of(module), *plugins.models_of(module)) if key in named}
    return {**table, **kept}


def silent(done: int, total: int, text: str) -> None:
    """Report no progress."""
