"""What a watched folder would make of the files that are in it; nothing is written and nothing runs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from inspect_tool.batch import rules, watch
from inspect_tool.batch.groups import Group, named
from inspect_tool.errors import InspectError, ReadError
from inspect_tool.files import checked
from inspect_tool.inspection.job_plan import plan
from inspect_tool.lab.database import Lab
from inspect_tool.languages import Text, Words, joined
from inspect_tool.model import Job


def told(folder: Path, rules_file: Path, lab: Lab | None = None) -> tuple[tuple[Words, ...], bool]:
    """Say which files make which jobs, as if all of them rested; and whether a person must put something right.

    A job that is complete is checked as ``inspect-tool check`` checks it, up to the reading of its images.

    Parameters
    ----------
    folder, rules_file : Path
    lab : Lab, optional
        What it has taken from this folder before counts as taken.
    """
    by = rules.read(rules_file) if lab is None else watch.watched(folder, rules_file, lab).rules
    known = watch.Known(arrivals={} if lab is None else watch.kept(lab, folder.absolute()))
    try:
        found, _ = watch.seen(folder.absolute(), by, known, datetime.now(UTC), at_once=True)
    except OSError as error:
        msg = f"{folder}: cannot be listed: {error.strerror}"
        raise ReadError(msg) from None
    lines = [_said(group) for group in found.groups]
    taken: dict[str, list[str]] = {}
    for each in found.here:
        if each.state == "taken":
            taken.setdefault(each.job, []).append(each.path)
    lines += [watch.of(job, Text("watch.was_made", names=named(paths))) for job, paths in taken.items()]
    faults = [*watch.faults(found, by.path.name).values(), *_of_jobs(folder.absolute(), found)]
    if not lines and not faults:
        lines = [watch.of(str(folder), Text("watch.nothing_here", rules=by.path.name))]
    return (*lines, *faults), bool(faults)


def _said(group: Group) -> Words:
    images = named([each.path for each in group.images]) or Text("watch.no_image")
    state = Text("watch.complete") if group.complete else waits(group) if group.lacks else Text("watch.not_made")
    template, n = group.rule.template.name, len(group.images)
    return Text("watch.group", job=group.job, template=template, n=n, images=images, state=state)


def waits(group: Group) -> Words:
    """What the job of a group still waits for."""
    return Text("watch.waits_for", lacks=joined("; ", group.lacks))


def _of_jobs(folder: Path, found: watch.Look) -> Iterator[Words]:
    """What is wrong with the jobs that are complete."""
    for group in found.groups:
        if group.complete:
            try:
                data = rules.job_data(group.rule, *watch.parts_of(folder, group, found.places))
                plan(group.rule.template, job=checked(Job, data, group.rule.template.name))
            except InspectError as error:
                yield watch.of(group.job, str(error))
