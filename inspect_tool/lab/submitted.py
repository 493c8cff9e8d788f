"""An inspection that a program asks for: a job as JSON, whose images are numbers of the intake.

What it may say is what a form of the workbench may: it names no file of this computer. Nothing that it says is passed
over in silence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from inspect_tool import typos
from inspect_tool.errors import SettingsError
from inspect_tool.files import checked, plain
from inspect_tool.inspection.starter import toml
from inspect_tool.inspection.starter_form import PLANE, REGION, REQUIREMENTS, typed
from inspect_tool.lab import templates
from inspect_tool.lab.database import Lab
from inspect_tool.lab.inspections import Group
from inspect_tool.model import Header, Lot, Plane

_FILE = "job"
"""How messages name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfSpecimen:
    """Images of one section of one specimen."""

    images: tuple[int, ...]
    id: str = "1"
    section: str = "1"
    plane: Plane = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A scale that is stated."""

    pixel_um: float
    u_rel: float | None = None
    source: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the result must fulfill."""

    source: str
    quantity: str = ""  # empty: that which the recipe is asked for most
    lower: float | None = None
    upper: float | None = None
    rule: str = "guarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as a program states it."""

    recipe: str = ""
    template: str = ""  # of the laboratory; what it locks is not asked again
    images: tuple[int, ...] = ()
    specimens: tuple[OfSpecimen, ...] = ()  # instead of images
    again: bool = False  # images that another inspection has are meant
    standard: str = ""
    language: str = ""
    spec: str = ""
    scale: str = ""  # empty: stated where there is a calibration, else that of the file
    calibration: Scale | None = None
    header: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    backend: Mapping[str, Any] = field(default_factory=dict)
    region: Mapping[str, Any] = field(default_factory=dict)
    requirements: tuple[Limits, ...] = ()
    lot: Lot | None = None
    plane: Mapping[str, int | str] = field(default_factory=dict)  # of files with several: page, or scene, channel, ...


def checked_job(data: Mapping[str, Any]) -> Job:
    """Check a job as JSON holds it.

    Raises
    ------
    SettingsError
        A key that there is not, or what cannot be.
    """
    job = checked(Job, data, _FILE)
    if bool(job.recipe) == bool(job.template):
        msg = f"{_FILE}: states {'both recipe and' if job.recipe else 'neither recipe nor'} template; state one of them"
        raise SettingsError(msg)
    if bool(job.images) == bool(job.specimens):
        msg = (
            f"{_FILE}: states {'both images and' if job.images else 'neither images nor'} specimens; state one of them"
        )
        raise SettingsError(msg)
    if job.calibration is not None and job.scale not in ("", "stated"):
        msg = f"{_FILE}: states a calibration and scale = '{job.scale[:40]}'; state one of them"
        raise SettingsError(msg)
    _check_keys("header", job.header, [item.name for item in fields(Header)])
    _check_keys("region", job.region, REGION)
    _check_keys("plane", job.plane, PLANE)
    return job


def groups_of(job: Job) -> tuple[Group, ...]:
    """The images of a job, by specimen and section."""
    if job.images:
        return (Group(images=job.images),)
    return tuple(
        Group(images=one.images, specimen=one.id, section=one.section, plane=one.plane) for one in job.specimens
    )


def numbers_of(job: Job) -> tuple[int, ...]:
    """All images of a job."""
    return tuple(number for group in groups_of(job) for number in group.images)


def form_of(lab: Lab, job: Job) -> dict[str, str]:
    """What a job says besides its images, as it would be typed into a form (``inspection.starter_form``).

    Raises
    ------
    SettingsError
        The laboratory has no such template, or it locks what the job says.
    """
    scale = job.scale or ("stated" if job.calibration is not None else "")
    form = {"recipe": job.recipe, "standard": job.standard, "language": job.language, "spec": job.spec, "scale": scale}
    tables: dict[str, Mapping[str, Any]] = {"header": job.header, "settings": job.settings, "backend": job.backend}
    if job.calibration is not None:
        tables["calibration"] = {item.name: getattr(job.calibration, item.name) for item in fields(Scale)}
    for i, limits in enumerate(job.requirements):
        tables[f"{REQUIREMENTS}.{i}"] = {item.name: getattr(limits, item.name) for item in fields(Limits)}
    if job.lot is not None:
        tables["lot"] = {"id": job.lot.id, "size": job.lot.size, **plain(job.lot.plan)}
    form |= {f"{name}.{key}": typed(value) for name, table in tables.items() for key, value in table.items()}
    form |= {key: typed(value) for key, value in job.plane.items()}
    form |= {f"region.{key}": toml(value) or "" for key, value in job.region.items()}
    form = {key: text for key, text in form.items() if text.strip()}
    if not job.template:
        return form
    template = templates.by_name(lab, job.template)
    locked = sorted(set(form) - set(template.open))
    if locked:
        msg = f"{_FILE} {locked[0]}: template '{template.name}' locks it; it leaves open: {', '.join(template.open)}"
        raise SettingsError(msg)
    return templates.filled(template, form)


def _check_keys(table: str, stated: Iterable[str], known: Iterable[str]) -> None:
    there = list(known)
    for key in stated:
        if key not in there:
            advice = typos.near(key, there) or f"; there are: {', '.join(there)}"
            msg = f"{_FILE} {table}.{key}: there is no such key{advice}"
            raise SettingsError(msg)
