"""Release of a reviewed report: the seal on its PDF, the entry in the audit trail, the row in the database.

In this order, each step made of what the one before it left: the entry of the seal in the audit trail holds the whole
release, the entry of the release holds the row. Whoever asks again after a kill brings it to its end, and so does
``lab rebuild``, which gets releases back that the database has lost.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from inspect_tool import locks
from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.evidence import audit, recovery
from inspect_tool.evidence.dossier import of_pdf
from inspect_tool.files import sha256_bytes
from inspect_tool.lab import reviews, tables
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.index import path_of
from inspect_tool.lab.reviews import Review, ReviewError
from inspect_tool.lab.users import Person
from inspect_tool.verify import pdf_check, signing

MEANINGS = ("reviewed and approved", "reviewed", "approved")
"""What a signature may stand for."""
LONGEST_REASON = 80
"""Letters of the reason of a signature: it stands in one line of its block."""
PASSPHRASE = "INSPECT_TOOL_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
"""Environment variable that holds the passphrase of the laboratory's key."""

_PATIENCE_S = 60.0
_LOCK = ".release.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person signs."""

    meaning: str
    reason: str


def check_said(said: Said) -> Said:
    """Check what a signature is to say; gives it with the reason in one line.

    Raises
    ------
    SettingsError
        The meaning is none of the list, or the reason is empty or too long for the block of a signature.
    """
    if said.meaning not in MEANINGS:
        msg = f"the meaning '{said.meaning}' is none of: {', '.join(MEANINGS)}"
        raise SettingsError(msg)
    reason = " ".join(said.reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        msg = "the reason is empty" if not reason else f"the reason has more than {LONGEST_REASON} letters"
        raise SettingsError(msg)
    return Said(meaning=said.meaning, reason=reason)


def key_of(file: Path) -> Any:
    """Load the key of the laboratory, as ``signing.load_key``.

    Raises
    ------
    SettingsError
        As there; or the environment variable of its passphrase is missing.
    """
    if PASSPHRASE not in os.environ:
        msg = f"{file.name}: its passphrase is missing: set the environment variable {PASSPHRASE}, and start anew"
        raise SettingsError(msg)
    return signing.load_key(file, os.environ[PASSPHRASE])


def release(lab: Lab, number: int, person: Person, said: Said, key: Path | None = None) -> Review:
    """Release a report whose review waits; whoever calls has checked the password.

    Of a release that was begun and killed this is its end, and what it said counts.

    Parameters
    ----------
    lab : Lab
    number : int
        Of the review.
    person : Person
        Who releases it.
    said : Said
        Meaning and reason of the signature.
    key : Path, optional
        PKCS#12 of the laboratory that seals the PDF; None: it carries no seal.

    Raises
    ------
    ReviewError
        The person may not decide it, it is decided already, or the report is not any more what was to be reviewed.
    InspectError
        The PDF cannot be sealed, or the audit trail cannot be written; nothing is released then.
    """
    said = check_said(said)
    with locks.held(lab.folder / _LOCK, patience_s=_PATIENCE_S):
        with connected(lab, read_only=True) as connection:
            review = reviews.one(connection, number)
        if review.place and settled(lab, review):
            with connected(lab, read_only=True) as connection:
                return reviews.one(connection, number)
        with connected(lab, read_only=True) as connection:
            reviews.check_may_decide(lab, connection, review, person)
        reviews.check_stands(lab, review)
        _released(lab, review, person, said, key)
        settled(lab, review)
        with connected(lab, read_only=True) as connection:
            return reviews.one(connection, number)


def send_back(lab: Lab, number: int, person: Person, reason: str) -> None:
    """Send a report back, as ``reviews.send_back``, unless its release was begun: that is brought to its end."""
    with locks.held(lab.folder / _LOCK, patience_s=_PATIENCE_S):
        with connected(lab, read_only=True) as connection:
            review = reviews.one(connection, number)
        if review.place:
            settled(lab, review)
        with connected(lab) as connection:
            reviews.send_back(lab, connection, number, person, reason)


def pdf_of(place: Path) -> Path | None:
    """PDF of a report that lies in a folder, or is one; None: it has none."""
    file = place if place.is_file() else place / "report.pdf"
    return file if file.is_file() else None


def why_no_seal(place: Path, key: Path | None) -> str:
    """Why the PDF of a report gets no seal; empty: it gets one.

    Raises
    ------
    InspectError
        The PDF cannot be read.
    """
    pdf = pdf_of(place)
    if key is None:
        return "the workbench was started without the key of the laboratory (--key)"
    if pdf is None:
        return "the report has no PDF"
    if len(pdf_check.signatures(pdf_check.read_pdf(pdf), None, str(pdf))) >= signing.MOST:
        return f"the PDF carries {signing.MOST} signatures, and has room for no more"
    return ""


# -------------------------------------------------------------------------------------------------------------- steps


def settled(lab: Lab, review: Review) -> bool:
    """Bring a release to its end that the audit trail knows of; whether there is one."""
    place = path_of(lab, review.place)
    folder = _trail_of(place)
    recovery.recover(folder)  # a seal that is recorded takes its place
    if not (folder / audit.LOG).exists():
        return False
    entries = audit.read(folder).entries
    found = next((one for one in _releases(entries) if _is_of(one.new, review)), None)
    if found is None:
        seals = (one.new for one in entries if one.event == "sign")
        sealed = next((new for new in seals if _is_of(new.get("released"), review)), None)
        if sealed is None:
            return False
        facts = {**sealed["released"], "sha256": sealed["sha256"], "certificate": sealed["certificate"]}
        (found,) = audit.append(folder, _event(facts))[-1:]
    with connected(lab) as connection:
        current = reviews.one(connection, review.id)
        if current.state == "waiting":
            reviews.decide(connection, review.id, _row(connection, found))
    return True


def recalled(connection: Connection, folders: Iterable[Path]) -> int:
    """Write rows of the releases that audit trails tell of and the database has lost; gives their number.

    Such a review says in a remark where it comes from. Who asked for it and who released it stand there by name.
    """
    count = 0
    for folder in folders:
        for entry in _releases(_entries(folder)):
            values = _recalled(connection, entry)
            if values is None:
                continue
            asked = tables.review.c
            same = (asked.report == values["report"], asked.asked == values["asked"])
            known = connection.execute(select(asked.id, asked.state).where(*same)).first()
            if known is not None and known.state != "waiting":
                continue
            if known is not None:
                reviews.decide(connection, known.id, values)
            number = known.id if known is not None else _inserted(connection, values)
            text = f"taken from entry {entry.number} of {folder / audit.LOG}: the database had lost it"
            said = {"review": number, "by": "", "said": values["decided"], "text": text}
            connection.execute(tables.remark.insert().values(**said))
            count += 1
    return count


def trails_of(lab: Lab, places: Iterable[str]) -> tuple[Path, ...]:
    """Folders of the audit trails that tell of reports at places of a lab."""
    return tuple(sorted({_trail_of(path_of(lab, place)) for place in places}))


# -------------------------------------------------------------------------------------------------------------- parts


def _released(lab: Lab, review: Review, person: Person, said: Said, key: Path | None) -> None:
    """Seal the PDF, or else record the release without a seal."""
    place = path_of(lab, review.place)
    folder = _trail_of(place)
    facts = {
        "uid": review.uid,
        "report": review.number,
        "place": place.name,
        "name": person.full_name,
        "account": person.name,
        "meaning": said.meaning,
        "reason": said.reason,
        "asked_by": review.asked_by,
        "asked": review.asked.isoformat(),
    }
    _check_pdf(place, review, is_sealed=key is not None)
    if why := why_no_seal(place, key):
        audit.append(folder, _event({**facts, "no_seal": why}))
        return
    pdf = pdf_of(place)
    assert key is not None
    assert pdf is not None
    signing.sign(
        pdf,
        key_of(key),
        name=person.full_name,
        role="Reviewer",
        meaning=said.meaning,
        reason=said.reason,
        project=folder,
        seal=lab.name,
        released=facts,
    )


def _check_pdf(place: Path, review: Review, *, is_sealed: bool) -> None:
    """Refuse a PDF that is not that of the report, or one to be sealed against which something speaks."""
    pdf = pdf_of(place)
    if pdf is None:
        return
    if sha256_bytes(of_pdf(pdf_check.read_pdf(pdf), pdf.name).json) != review.uid:
        msg = f"{review.number}: {pdf.name} carries another report.json than the report that was to be reviewed"
        raise ReviewError(msg)
    if is_sealed and (wrong := pdf_check.validate(pdf).problems):
        msg = f"{review.number}: {pdf.name}: {wrong[0]}; nothing is released"
        raise ReviewError(msg)


def _event(facts: Mapping[str, Any]) -> audit.Event:
    """The event of a release: the reason and who did it stand where they stand in every event."""
    new = {key: value for key, value in facts.items() if key != "reason"}
    return audit.Event(event="release", subject=facts["report"], reason=facts["reason"], new=new, user=facts["name"])


def _row(connection: Connection, entry: audit.Entry) -> dict[str, Any]:
    """Columns of a review as the audit trail tells them."""
    facts = entry.new
    account = tables.account.c
    return {
        "state": "released",
        "reviewed_by": facts.get("name", entry.user),
        "reviewer": connection.scalar(select(account.id).where(account.name == facts.get("account", ""))),
        "decided": datetime.fromisoformat(entry.time),
        "meaning": facts.get("meaning", ""),
        "reason": entry.reason,
        "certificate": facts.get("certificate", ""),
        "pdf": facts.get("sha256"),
        "trail": entry.sha256,
    }


def _recalled(connection: Connection, entry: audit.Entry) -> dict[str, Any] | None:
    """Columns of a whole review as the audit trail tells them; None: they cannot be read."""
    try:
        asked = datetime.fromisoformat(entry.new["asked"])
        return {
            "report": str(entry.new["uid"]),
            "asked_by": str(entry.new["asked_by"]),
            "asked": asked,
            **_row(connection, entry),
        }
    except (KeyError, TypeError, ValueError):
        return None


def _inserted(connection: Connection, values: Mapping[str, Any]) -> int:
    return int(connection.execute(tables.review.insert().values(**values)).inserted_primary_key[0])  # type: ignore[index]


def _is_of(facts: object, review: Review) -> bool:
    """Whether a release is that of a review."""
    if not isinstance(facts, Mapping):
        return False
    return bool(facts.get("uid") == review.uid and facts.get("asked") == review.asked.isoformat())


def _releases(entries: Iterable[audit.Entry]) -> Iterator[audit.Entry]:
    return (entry for entry in entries if entry.event == "release")


def _entries(folder: Path) -> tuple[audit.Entry, ...]:
    """Entries of a trail as far as it can be read."""
    try:
        return audit.read(folder).entries
    except InspectError:
        return ()


def _trail_of(place: Path) -> Path:
    """Folder of the audit trail of a report folder or PDF."""
    return audit.project_folder(place / "report.json" if place.is_dir() else place)
