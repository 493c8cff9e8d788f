"""What became of the samples of a job, and how one is given up.

A page is lost, a ledger is damaged: a new sample may be drawn, but nobody shall draw until he likes the answer. So the
old one is given up by name and with a reason, beside the number of answers to it that were known, and the report says
so.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from inspect_tool.errors import InspectError, ReadError, SettingsError
from inspect_tool.files import read_bytes, write_whole
from inspect_tool.languages import Text
from inspect_tool.referee.ledger import Entry, GivenUp, Sample, alone, following, name_of, parsed_entry, read, text_of


def drawn(entries: Iterable[Entry]) -> list[str]:
    """Ids of all samples that a ledger tells of, those of a lost one included."""
    found: dict[str, None] = {}
    for one in entries:
        found |= dict.fromkeys(one.given_up.samples if one.given_up else ())
        found |= {} if one.sample is None else {one.sample.id: None}
    return list(found)


def given_up(entries: Iterable[Entry]) -> set[str]:
    """Ids of the samples that were given up."""
    return {sample for one in entries if one.given_up for sample in one.given_up.samples}


def answers_known(entries: Sequence[Entry], told: Mapping[str, int] | None = None) -> dict[str, int]:
    """Samples that entries tell of, and the most answers to each that were recorded; ``told``: of others."""
    found = dict.fromkeys(drawn(entries), 0) | dict(told or {})
    for one in entries:
        if one.answers is not None:
            sample = one.answers.sample
            found[sample] = max(found.get(sample, 0), len(one.answers.answers))
    return found


def waiting(entries: Sequence[Entry]) -> Sample | None:
    """Find the last sample that was drawn, where it is neither answered nor given up."""
    last = next((one.sample for one in reversed(entries) if one.sample is not None), None)
    done = given_up(entries) | {one.answers.sample for one in entries if one.answers is not None}
    return None if last is None or last.id in done else last


def told(entries: Sequence[Entry], used: str) -> str:
    """Say what became of the samples that were drawn beside the one whose answers are used; empty: there are none."""
    every = drawn(entries)
    if len(every) < 2:
        return ""
    return Text("referee.samples_beside_used_one", n_every=len(every), parts=_became(entries, used))


def unused(entries: Sequence[Entry]) -> str:
    """Say what became of the samples of a job that names no answers; empty: nothing was drawn.

    Who does not like what the points say must not get rid of them by leaving a table out of the job.
    """
    if not entries:
        return ""
    recorded = tuple(
        Text(
            "referee.answers_by",
            answers=len(one.answers.answers),
            person=one.answers.person,
            day=one.answers.saved[:10],
        )
        for one in entries
        if one.answers is not None
    )
    told = Text("referee.samples_not_named_in_job", parts=_became(entries, ""))
    return told + Text("referee.answers_recorded", parts=recorded) if recorded else told


def _became(entries: Sequence[Entry], used: str) -> tuple[str, ...]:
    """What became of the samples other than the one that is used."""
    known, gone = answers_known(entries), given_up(entries)
    others = [known[sample] for sample in drawn(entries) if sample != used and sample not in gone]
    unanswered = others.count(0)
    parts = [
        *(_given_up_told(one, one.given_up) for one in entries if one.given_up),
        *(
            [Text("referee.samples_answered_not_used", n_others=len(others) - unanswered)]
            if len(others) > unanswered
            else []
        ),
        *([Text("referee.samples_not_answered", unanswered=unanswered)] if unanswered else []),
    ]
    return tuple(parts)


def _given_up_told(entry: Entry, one: GivenUp) -> str:
    what = Text("referee.samples_given_up", n_samples=len(one.samples))
    if one.lost:
        what += Text("referee.given_up_ledger_damaged", lost=one.lost)
    return Text(
        "referee.given_up_by", what=what, by=one.by, when=entry.when[:10], answers=one.answers, reason=one.reason
    )


# ---------------------------------------------------------------------------------------------------------- giving up


def give_up(
    folder: Path, *, by: str, reason: str, told: Mapping[str, int] | None = None, lost: int | None = None
) -> Entry:
    """Give up the last sample that was drawn; of a ledger that does not hold, all of them.

    The files of a damaged ledger are moved aside, into a folder beside it; nothing is deleted. The entry that says so
    is then the first one of a new ledger.

    Parameters
    ----------
    folder : Path
        Of the ledger.
    by, reason : str
        Who says so, and why.
    told : mapping, optional
        Samples that an audit trail knows of, and how many answers to each were recorded.
    lost : int, optional
        Entries that the trail knows of, where the ledger lacks some of them; None: it lacks none.

    Raises
    ------
    SettingsError
        No reason, or no name.
    ReadError
        There is no sample to give up.
    OutputError
        The ledger cannot be written, or another process holds it.
    """
    by, reason = " ".join(by.split()), " ".join(reason.split())
    for name, text in (("--reason", reason), ("--by", by)):
        if not text:
            msg = f"{name}: is empty; a sample is given up with a reason and a name"
            raise SettingsError(msg)
    if not folder.is_dir() and lost is None:
        msg = f"{folder}: there is no such folder, so that there is no sample to give up"
        raise ReadError(msg)
    with alone(folder):
        entries = None if lost is not None else _whole(folder)
        if entries is None:
            files = sorted(folder.glob("[0-9]*.json"))
            known = answers_known(_readable(files), told)
            samples, answers = tuple(sorted(known)), sum(known.values())
            gone = GivenUp(samples=samples, answers=answers, by=by, reason=reason, lost=max(len(files), lost or 0))
            _move_aside(files, folder)
        else:
            left = [sample for sample in drawn(entries) if sample not in given_up(entries)]
            if not left:
                msg = f"{folder}: holds no sample that is not given up already; draw one with inspect-tool referee"
                raise ReadError(msg)
            gone = GivenUp(samples=(left[-1],), answers=answers_known(entries)[left[-1]], by=by, reason=reason)
        made = replace(following(entries or (), "given up"), given_up=gone)
        write_whole(folder / name_of(made), text_of(made))
    return made


def _whole(folder: Path) -> tuple[Entry, ...] | None:
    """Entries of a ledger; None: it does not hold."""
    try:
        return read(folder)
    except ReadError:
        return None


def _readable(files: Iterable[Path]) -> list[Entry]:
    """Entries that can be read, whatever became of the others."""
    found = []
    for path in files:
        with suppress(OSError, InspectError):
            found.append(parsed_entry(read_bytes(path), str(path)))
    return found


def _move_aside(files: Sequence[Path], folder: Path) -> None:
    if not files:
        return
    names = (folder.with_name(f"{folder.name}.given-up-{i}") for i in count(1))
    aside = next(path for path in names if not path.exists())
    aside.mkdir()
    for path in reversed(files):  # after a kill in between the ledger lacks its end, and is given up again
        path.rename(aside / path.name)
