"""Arrivals to jobs: which rule a file fits, which files belong together, and what they still wait for."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from inspect_tool.batch.arrivals import Arrival, duplicates, rests
from inspect_tool.batch.name_patterns import readings
from inspect_tool.batch.rules import Prepared, Rules, beside_name, job_name
from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text, Words, joined
from inspect_tool.paths import natural, same_name

_NAMED = 3  # files in one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The job that an image belongs to by its name."""

    rule: Prepared
    job: str  # empty where the name does not tell it
    values: Mapping[str, str]
    fault: Words = ""  # why it cannot be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Images of one job. It is complete when nothing lacks and nothing is wrong."""

    rule: Prepared
    job: str
    images: tuple[Arrival, ...]  # whole, each picture once, in natural order of their names
    beside: tuple[Arrival, ...]  # side-car, ready file and texts beside images, as far as they are there
    sidecar: Arrival | None
    lacks: tuple[Words, ...]  # what is still to come
    wrong: tuple[Words, ...]  # what a person must put right

    @property
    def complete(self) -> bool:
        """Whether it can be measured."""
        return not self.lacks and not self.wrong


def place(rules: Rules, path: str) -> Place | None:
    """The first rule that a file fits, and its job; None where it fits none."""
    for rule in rules.rules:
        found = readings(rule.files, path)
        if len(found) == 2:
            one, other = (", ".join(f"{key} {text}" for key, text in each.items()) for each in found)
            fault = Text("watch.two_readings", one=one, other=other, pattern=rule.rule.files)
            return Place(rule=rule, job="", values=found[0], fault=fault)
        if found:
            try:
                return Place(rule=rule, job=job_name(rule, found[0]), values=found[0])
            except SettingsError as error:
                return Place(rule=rule, job="", values=found[0], fault=str(error))
    return None


def gathered(
    rules: Rules, here: Sequence[Arrival], places: Mapping[str, Place], used: AbstractSet[str], now: datetime
) -> tuple[Group, ...]:
    """Put images that wait into groups.

    Parameters
    ----------
    rules : Rules
    here : sequence of Arrival
        All files that are there now.
    places : mapping
        Of the images among them that have a job, by path.
    used : set of str
        Jobs that were made, by ``paths.same_name``.
    now : datetime
        Time of the listing.
    """
    by_name = {same_name(each.path): each for each in here}
    members: dict[tuple[int, str], list[Arrival]] = {}
    for each in here:
        known = places.get(each.path)
        if each.state == "waiting" and known is not None and known.job:
            at = next(i for i, rule in enumerate(rules.rules) if rule is known.rule)
            members.setdefault((at, same_name(known.job)), []).append(each)
    twice = {each.key for each, _ in duplicates(here)}
    return tuple(
        _group(rules, rules.rules[at], [each for each in own if each.key not in twice], places, by_name, used, now)
        for (at, _), own in sorted(members.items())
        if any(each.key not in twice for each in own)
    )


def _group(
    rules: Rules,
    rule: Prepared,
    own: Sequence[Arrival],
    places: Mapping[str, Place],
    by_name: Mapping[str, Arrival],
    used: AbstractSet[str],
    now: datetime,
) -> Group:
    images = sorted((each for each in own if each.sha256), key=lambda each: natural(each.path))
    lacks: list[Words] = []
    wrong: list[Words] = []
    unsettled = [each for each in own if not each.sha256]
    if unsettled:
        told = [Text("watch.noted", file=each.path, note=each.note) if each.note else each.path for each in unsettled]
        lacks.append(Text("watch.not_whole", files=named(told)))
    known = places[own[0].path]
    stated = rule.rule
    if stated.count is not None and len(own) < stated.count:
        lacks.append(Text("watch.some_of", some=len(own), n=stated.count))
    if stated.count is not None and len(images) > stated.count:
        names = named([each.path for each in images])
        wrong.append(Text("watch.too_many", n=len(images), asked=stated.count, names=names))
    beside: list[Arrival] = []
    sidecar = None
    for made, key in ((rule.sidecar, "watch.sidecar"), (rule.ready, "watch.ready_file")):
        path = beside_name(made, known.values)
        if path:
            found = _settled(by_name.get(same_name(path)), path, key, rules.rest_s, now, lacks)
            beside += [found] if found else []
            sidecar = found if made is rule.sidecar else sidecar
    for each in own if stated.beside else ():
        path = str(PurePosixPath(each.path).with_suffix(stated.beside))
        found = _settled(by_name.get(same_name(path)), path, "watch.text_beside", rules.rest_s, now, lacks)
        beside += [found] if found else []
    if stated.quiet_s is not None and not all(rests(each, now, stated.quiet_s) for each in (*own, *beside)):
        lacks.append(Text("watch.until_quiet", seconds=stated.quiet_s))
    if same_name(known.job) in used:
        wrong.append(Text("watch.made_before"))
    return Group(
        rule=rule,
        job=known.job,
        images=tuple(images),
        beside=tuple(beside),
        sidecar=sidecar,
        lacks=tuple(lacks),
        wrong=tuple(wrong),
    )


def _settled(
    found: Arrival | None, path: str, key: str, rest_s: float, now: datetime, lacks: list[Words]
) -> Arrival | None:
    if found is None:
        lacks.append(Text(key, file=path))
    elif not rests(found, now, rest_s):
        lacks.append(Text("watch.still_changes", file=found.path))
    return found


def named(names: Iterable[Words]) -> Words:
    """The first few of some names, in natural order, and how many there are more."""
    found = sorted(names, key=natural)
    first, more = joined(", ", found[:_NAMED]), len(found) - _NAMED
    return Text("watch.and_more", names=first, n=more) if more > 0 else first
