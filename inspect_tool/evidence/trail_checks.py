"""What an audit trail knows of the checks by hand of a job, compared with the ledger of samples and answers beside it.

A chain shows that no entry was changed; that the last ones were removed only shows to who knows how many there were.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from inspect_tool.errors import ReadError
from inspect_tool.evidence.trail_reports import Anchor, is_of_another, jobs_of, of_report, of_run, relative, run_names
from inspect_tool.files import sha256_file

if TYPE_CHECKING:
    from inspect_tool.evidence.audit import Entry

EVENT: Literal["check by hand"] = "check by hand"
"""Event of an audit trail: a sample was drawn, answers were recorded, or a sample was given up."""

GIVEN_UP: Literal["given up"] = "given up"
"""What was done, where a sample or a whole ledger was given up."""

SUFFIX = ".referee"
"""Of the folder of the ledger, after the name of the job."""


def anchor(
    entries: Sequence["Entry"],
    *,
    job: str,
    name: str,
    images: Collection[str] | None = None,
    before: int | None = None,
    file: str = "",
) -> Anchor | None:
    """Find the most that a trail knows of the ledger of a job; parameters as for edits (``trail_reports.anchor``)."""
    found: Anchor | None = None
    names = run_names(entries)
    for entry in entries:
        if before is not None and entry.number >= before:
            break
        new = entry.new if isinstance(entry.new, Mapping) else {}
        ours = entry.event == "run" and new.get("job") == name
        if entry.event == EVENT:
            ours = entry.subject == job and not is_of_another(names, new, name, file)
        state = new.get("referee")
        if not ours or not isinstance(state, Mapping):
            continue
        if not _is_of(state, images):
            continue
        count, last = state.get("entries"), state.get("last_sha256")
        # a ledger that was given up begins again
        least = found.entries if found and new.get("did") != GIVEN_UP else 1
        if isinstance(count, int) and isinstance(last, str) and count >= max(1, least):
            told = f"{entry.subject}, {entry.time}"
            found = Anchor(entries=count, last_sha256=last, number=entry.number, told=told)
    return found


def samples(entries: Sequence["Entry"], *, job: str, images: Collection[str]) -> dict[str, int]:
    """Ids of all samples that a trail knows of, and the most answers to each; parameters as for ``anchor``."""
    found: dict[str, int] = {}
    for entry in entries:
        new = entry.new if isinstance(entry.new, Mapping) else {}
        sample, state = new.get("sample"), new.get("referee")
        ours = entry.event == EVENT and entry.subject == job and isinstance(state, Mapping) and _is_of(state, images)
        if ours and isinstance(sample, str):
            answers = new.get("answers")
            found[sample] = max(found.get(sample, 0), answers if isinstance(answers, int) else 0)
    return found


def _is_of(state: Mapping[str, object], images: Collection[str] | None) -> bool:
    """Whether a ledger was of one of the images; an earlier version named none."""
    named = state.get("images")
    return images is None or not isinstance(named, Sequence) or bool(set(named) & set(images))


def hashes(job: Path) -> list[str]:
    """SHA-256 of every entry of the ledger beside a job, in their order."""
    return [sha256_file(path) for path in sorted(job.with_name(f"{job.stem}{SUFFIX}").glob("[0-9]*.json"))]


def lacking(ledger: Sequence[str], known: Anchor | None) -> str:
    """Say what a ledger, by the hashes of its entries, lacks of what a trail knows of it; empty: nothing."""
    if known is None:
        return ""
    where = f"entry {known.number} of the audit trail ({known.told})"
    if len(ledger) < known.entries:
        first, last = len(ledger) + 1, known.entries
        gone = f"{first:04d}.json is" if first == last else f"{first:04d}.json to {last:04d}.json are"
        return f"holds {_count(len(ledger))}, {where} tells of {known.entries}: {gone} missing"
    if ledger[known.entries - 1] != known.last_sha256:
        return f"{known.entries:04d}.json is not the one that {where} tells of"
    return ""


def check(entries: Sequence["Entry"], job: Path, out: Path, name: str, images: Collection[str]) -> None:
    """Refuse a job whose ledger of checks by hand lacks what the trail of a folder knows of it.

    Raises
    ------
    ReadError
        With what is missing, and how to go on.
    """
    lack = lacking(hashes(job), anchor(entries, job=job.stem, name=name, images=images, file=relative(job, out)))
    if lack:
        msg = (
            f"{job.with_name(f'{job.stem}{SUFFIX}')}: {lack}; put the files back from a backup or from "
            f"{out / name / 'evidence'} (referee-0001.json is 0001.json, and so on), or give the samples up: "
            f'inspect-tool referee {job} --give-up --reason "..." --by "..." --reports {out}'
        )
        raise ReadError(msg)


def compare(entries: Sequence["Entry"], folder: Path) -> tuple[list[str], list[str]]:
    """Compare the ledgers beside the jobs of a trail with what it knows of them: what differs, what is not at hand."""
    problems, missing = list(_runs_with_fewer(entries)), []
    for file, name in jobs_of(entries).items():
        known = anchor(entries, job=Path(file).stem, name=name)
        if known is None:
            continue
        if not (folder / file).is_file():
            missing.append(f"checks by hand of {name} (entry {known.number}): the job file {file} is not there")
        elif lack := lacking(hashes(folder / file), known):
            problems.append(f"checks by hand of {name}: {lack}")
    return problems, missing


def against_report(entries: Sequence["Entry"], report: Mapping[str, Any], name: str) -> list[str]:
    """Compare the ledger that a report carries with what the trail knew when its run began; without one: nothing.

    Parameters
    ----------
    entries : sequence of Entry
        Of the trail.
    report : mapping
        As ``report.json`` holds it.
    name : str
        Name of its folder below that of the trail; empty: it lies elsewhere.
    """
    own = sorted(
        (Path(one["file"]).name, one["sha256"])
        for one in report["attachments"]
        if one["role"] == "referee" and Path(one["file"]).stem.removeprefix("referee-").isdecimal()
    )
    lack = lacking([sha256 for _, sha256 in own], anchor(entries, **of_report(entries, report, name))) if own else ""
    return [f"the check by hand of the report {lack}"] if lack else []


def _runs_with_fewer(entries: Sequence["Entry"]) -> Iterator[str]:
    """Runs whose check by hand rested on a ledger with fewer entries than the trail knew of."""
    for entry in entries:
        state = entry.new.get("referee") if entry.event == "run" else None
        if not isinstance(state, Mapping):
            continue
        job, name, before = of_run(entry)
        known = anchor(entries, job=job, name=name, images=state.get("images"), before=before)
        used = state.get("entries")
        if known is not None and isinstance(used, int) and used < known.entries:
            yield (
                f"entry {entry.number} ({entry.subject}, {name}) was run with {_count(used)} of its check by hand, "
                f"entry {known.number} ({known.told}) tells of {known.entries}"
            )


def _count(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"
