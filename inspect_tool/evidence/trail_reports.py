"""What an audit trail tells of reports and of ledgers of edits, compared with those that lie there.

The chain of a trail shows that nobody changed the trail; it does not show that the reports and ledgers it tells of are
still those. Functions here take the entries of a trail and name what differs.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from inspect_tool.errors import InspectError, ReadError
from inspect_tool.evidence import edits
from inspect_tool.files import read_bytes, sha256_bytes, sha256_file

if TYPE_CHECKING:
    from inspect_tool.evidence.audit import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The most that a trail knows of the ledger of a job."""

    entries: int
    last_sha256: str  # of the file of the last entry; of earlier versions the hash that the entry states itself
    number: int  # of the entry of the trail
    told: str  # of what, by whom


# ------------------------------------------------------------------------------------------------ the ledger


def relative(job: Path, folder: Path) -> str:
    """Name of a job file as seen from the folder of a trail, so that both may be moved together."""
    try:
        return Path(os.path.relpath(job.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return job.resolve().as_posix()


def anchor(
    entries: Sequence["Entry"],
    *,
    job: str,
    name: str,
    images: Collection[str] | None = None,
    before: int | None = None,
    file: str = "",
) -> Anchor | None:
    """Find the most that a trail knows of the ledger of a job, since edits of it were last given up.

    Parameters
    ----------
    entries : sequence of Entry
        Of the trail.
    job, name : str
        Name of the job file without suffix, and of its folder of reports.
    images : collection of str, optional
        SHA-256 of the images of the job: another job of that name has others. None: whatever they are.
    before : int, optional
        Look at entries of the trail before this number only.
    file : str
        The job file, as a trail names it (``relative``); empty: not known.

    Returns
    -------
    Anchor or None
        None: the trail knows of no edit of this job.
    """
    found: Anchor | None = None
    names = run_names(entries)
    for entry in entries:
        if before is not None and entry.number >= before:
            break
        new = entry.new if isinstance(entry.new, Mapping) else {}
        ours = new.get("job") == name
        if entry.event in ("edit", "withdraw"):
            ours = entry.subject == job and not is_of_another(names, new, name, file)
        if not ours or entry.event not in ("edit", "withdraw", "run"):
            continue
        if entry.event == "withdraw":
            found = _anchor(entry, new)
        elif images is None or _images(new) & set(images):
            told = _anchor(entry, new)
            found = told if told is not None and (found is None or told.entries >= found.entries) else found
    return found


def run_names(entries: Sequence["Entry"]) -> dict[str, set[str]]:
    """Names of the reports that were made of each job file: many are called ``job.toml``, each in its own folder."""
    names: dict[str, set[str]] = {}
    for entry in entries:
        if entry.event == "run" and isinstance(file := entry.new.get("job_file"), str):
            names.setdefault(file, set()).add(str(entry.new.get("job")))
    return names


def is_of_another(names: Mapping[str, Collection[str]], new: Mapping[str, object], name: str, file: str = "") -> bool:
    """Whether an entry is of a job file whose reports have other names: a job of the same name in another folder.

    ``file``: the job file that is asked for, whatever its report is called; empty: not known.
    """
    stated = str(new.get("job_file"))
    known = names.get(stated, ())
    return bool(known) and name not in known and stated != file


def _anchor(entry: "Entry", new: Mapping[str, object]) -> Anchor | None:
    state = new.get("ledger")
    if isinstance(state, Mapping):
        count, last = state.get("entries"), state.get("last_sha256")
    else:  # an edit of an earlier version
        count, last = new.get("number"), new.get("entry_sha256")
    if not isinstance(count, int) or not isinstance(last, str) or count < 1:
        return None
    told = f"{new.get('image')} by {new.get('by')}" if entry.event == "edit" else entry.subject
    return Anchor(entries=count, last_sha256=last, number=entry.number, told=f"{told}, {entry.time}")


def _images(new: Mapping[str, object]) -> set[str]:
    """SHA-256 of the images that an entry of an edit or of a run with edits names."""
    state = new.get("ledger")
    fields = state.get("fields", []) if isinstance(state, Mapping) else []
    named = [one.get("sha256") for one in fields if isinstance(one, Mapping)]
    return {str(one) for one in [new.get("image_sha256"), *named] if one}


def lacking(ledger: Sequence[edits.Entry], known: Anchor | None) -> str:
    """Say what a ledger lacks of what a trail knows of it; empty: nothing."""
    if known is None:
        return ""
    where = f"entry {known.number} of the audit trail ({known.told})"
    if len(ledger) < known.entries:
        gone = _numbers(len(ledger) + 1, known.entries)
        return f"holds {_count(len(ledger))}, {where} tells of {known.entries}: {gone} missing"
    last = ledger[known.entries - 1]
    if known.last_sha256 not in (sha256_bytes(last.text), last.edit.sha256):
        return f"{edits.text_name(last.edit)} is not the one that {where} tells of"
    return ""


def check(ledger: Sequence[edits.Entry], known: Anchor | None, job: Path, out: Path, name: str) -> None:
    """Refuse a ledger that lacks what the trail of a folder knows of it.

    Raises
    ------
    ReadError
        With what is missing, and how to go on.
    """
    lack = lacking(ledger, known)
    if not lack:
        return
    assert known is not None
    kept = out / name / "evidence"
    last = kept / f"edit-{known.entries:04d}.toml"
    copies = f"or from {kept} (edit-0001.toml is 0001.toml, and so on)" if last.is_file() else "or another copy"
    first = min(len(ledger) + 1, known.entries)
    msg = (
        f"{edits.folder_of(job)}: {lack}; put the files back from a backup {copies}, or give these edits up: "
        f'inspect-tool edit withdraw {job} --from {first} --reason "..." --by "..." --out {out}'
    )
    raise ReadError(msg)


def _numbers(first: int, last: int) -> str:
    return f"{first:04d}.toml is" if first == last else f"{first:04d}.toml to {last:04d}.toml are"


def _count(count: int) -> str:
    return f"{count} edit{'' if count == 1 else 's'}"


# ----------------------------------------------------------------------------------------------- the reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What came out of comparing a trail with what lies in its folder."""

    problems: tuple[str, ...]
    uncompared: tuple[str, ...]  # what the trail tells of and is not at hand


def compare(entries: Sequence["Entry"], folder: Path) -> Compared:
    """Compare what the entries of a trail say with the reports in its folder and the ledgers beside their jobs."""
    problems = list(_runs_without_edits(entries))
    uncompared: list[str] = []
    last = {entry.new.get("job"): entry for entry in entries if entry.event == "run"}
    for name, entry in last.items():
        path = folder / str(name) / "report.json"
        if path.is_file():
            found, missing = against_run(entries, entry, path.parent)
            problems += found
            uncompared += missing
    gone = [
        entry.number
        for entry in entries
        if entry.event == "run"
        and (
            last[entry.new.get("job")] is not entry
            or not (folder / str(entry.new.get("job")) / "report.json").is_file()
        )
    ]
    if gone:
        numbers = ", ".join(str(number) for number in gone[:12]) + (", ..." if len(gone) > 12 else "")
        uncompared.insert(0, f"runs of entries {numbers}: their reports are not here or were replaced by a later run")
    found, missing = _ledgers(entries, folder)
    return Compared(problems=(*problems, *found), uncompared=(*uncompared, *missing))


def against_run(entries: Sequence["Entry"], run: "Entry", folder: Path) -> tuple[list[str], list[str]]:
    """Compare a report folder with the entry of its run: what differs, and what is not at hand."""
    name = folder.name
    where = f"{name}/report.json"
    try:
        report = json.loads(read_bytes(folder / "report.json"))
        facts = _facts(report)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return [], [f"{where} cannot be read: entry {run.number}"]
    if facts["id"] != run.subject:
        return [f"{where} is {facts['id']}, the last run of {name} (entry {run.number}) made {run.subject}"], []
    problems = _unlike(facts, run, where)
    missing = []
    stated = run.new.get("files")
    for file, sha256 in stated.items() if isinstance(stated, Mapping) else ():
        wanted, number = sha256, run.number
        for entry in entries:  # a signature makes another file of it
            if entry.event == "sign" and entry.number > run.number and entry.new.get("file") == f"{name}/{file}":
                wanted, number = entry.new.get("sha256"), entry.number
        if not (folder / str(file)).is_file():
            missing.append(f"{name}/{file} (entry {number}): is not here")
        elif sha256_file(folder / str(file)) != wanted:
            problems.append(f"{name}/{file} is not, byte for byte, the file that entry {number} tells of")
    return problems, missing


def _facts(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a report says of that which the entry of its run says too."""
    return {
        "id": report["id"],
        "verdict": report["verdict"],
        "conforming": report["conforming"],
        "images": len(report["micrographs"]),
        "edits": sum(one["role"] == "edit" and one["file"].endswith(".toml") for one in report["attachments"]),
        "results": main_values(report["results"]),
    }


def against_trail(
    entries: Sequence["Entry"], report: Mapping[str, object], name: str, folder: Path | None
) -> tuple[list[str], list[str]]:
    """Compare one report with what a trail says of it: what differs, and what could not be compared.

    Parameters
    ----------
    entries : sequence of Entry
        Of the trail.
    report : mapping
        As ``report.json`` holds it.
    name : str
        Name of its folder below that of the trail; empty: it lies elsewhere.
    folder : Path, optional
        The report folder; None: the report is a PDF alone.
    """
    facts = _facts(report)
    runs = [entry for entry in entries if entry.event == "run"]
    ours = [entry for entry in runs if entry.subject == facts["id"]]
    there = [entry for entry in runs if name and entry.new.get("job") == name]
    problems: list[str] = []
    missing: list[str] = []
    if there and folder is not None:
        problems, missing = against_run(entries, there[-1], folder)
    elif ours:
        problems = _unlike(facts, ours[-1], "report.json")
    else:
        missing = [f"it has no entry of a run that made {facts['id']}"]
    known = anchor(entries, **of_report(entries, report, name))
    if known is not None and facts["edits"] < known.entries:
        problems.append(
            f"the report holds {_count(facts['edits'])}, entry {known.number} ({known.told}) tells of {known.entries}"
        )
    return problems, missing


def _unlike(facts: Mapping[str, object], run: "Entry", where: str) -> list[str]:
    return [
        f"{where}: {key} is {_shown(facts[key])}, entry {run.number} says {_shown(run.new[key])}"
        for key in ("verdict", "conforming", "images", "edits", "results")
        if key in run.new and facts[key] != run.new[key]
    ]


def main_values(results: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Quantity, specimen, value, unit and expanded uncertainty of every result of page 1."""
    keys = ("quantity", "specimen", "value", "unit", "expanded_u")
    return [[result[key] for key in keys] for result in results if result["main"]]


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _runs_without_edits(entries: Sequence["Entry"]) -> Iterator[str]:
    """Runs that used fewer edits than the trail knew of."""
    for entry in entries:
        if entry.event != "run" or "edits" not in entry.new:
            continue
        job, name, before = of_run(entry)
        known = anchor(entries, job=job, name=name, before=before)
        used = entry.new["edits"]
        if known is not None and isinstance(used, int) and used < known.entries:
            yield (
                f"entry {entry.number} ({entry.subject}, {name}) was run with {_count(used)}, entry {known.number} "
                f"({known.told}) tells of {known.entries}"
            )


def jobs_of(entries: Sequence["Entry"]) -> dict[str, str]:
    """Job files that a trail names, and the names of their reports."""
    jobs: dict[str, str] = {}
    for entry in entries:
        if isinstance(entry.new, Mapping) and isinstance(file := entry.new.get("job_file"), str):
            jobs[file] = str(entry.new.get("job", jobs.get(file, Path(file).stem)))
    return jobs


def of_run(entry: "Entry") -> tuple[str, str, int]:
    """Job and name of the reports of a run, and the first entry that it cannot know: recorded while it measured."""
    name = str(entry.new.get("job"))
    began = entry.new.get("after_entry")
    job = Path(str(entry.new.get("job_file", name))).stem
    return job, name, began + 1 if isinstance(began, int) else entry.number


class Wanted(TypedDict):
    """Which entries of a trail tell of the ledgers of a job."""

    job: str
    name: str
    images: Collection[str]
    before: int


def of_report(entries: Sequence["Entry"], report: Mapping[str, Any], name: str) -> Wanted:
    """What the trail told of a job when the run of a report began; ``name`` of its folder, empty: it lies elsewhere."""
    made = [str(one.new.get("job")) for one in entries if one.event == "run" and one.subject == report["id"]]
    began = str(report["provenance"]["audit"]).split(" ")[0]
    return Wanted(
        job=str(report["job"]),
        name=name or (made[-1] if made else str(report["job"])),
        images={str(record["sha256"]) for record in report["micrographs"]},
        before=int(began) + 1 if began.isdecimal() else 0,
    )


def _ledgers(entries: Sequence["Entry"], folder: Path) -> tuple[list[str], list[str]]:
    """Compare the ledgers beside the jobs with what the trail knows of them, where they are at hand."""
    problems, missing = [], []
    for file, name in jobs_of(entries).items():
        known = anchor(entries, job=Path(file).stem, name=name)
        if known is None:
            continue
        job = folder / file
        if not job.is_file():
            missing.append(f"edits of {name} (entry {known.number}): the job file {file} is not there")
            continue
        try:
            lack = lacking(edits.read(edits.folder_of(job)), known)
        except InspectError as error:
            lack = str(error)
        if lack:
            problems.append(f"edits of {name}: {lack}")
    return problems, missing
