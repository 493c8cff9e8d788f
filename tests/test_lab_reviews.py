"""Review by a second person and release: never one's own work, and nothing half after a kill."""

from dataclasses import replace

import pytest
from reviewed_example import a_reviewed_lab, submitted
from signing_keys import PASSPHRASE, Chain

from inspect_tool.errors import InspectError, OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.files import sha256_file
from inspect_tool.inspection import correct, job_run
from inspect_tool.lab import find, release, reviews, tables, users
from inspect_tool.lab import run as for_lab
from inspect_tool.lab.database import DATABASE, connected
from inspect_tool.lab.rebuild import rebuild
from inspect_tool.lab.release import Said
from inspect_tool.lab.reviews import ReviewError
from inspect_tool.verify import pdf_check, signing
from inspect_tool.verify.verify import verify

SAID = Said(meaning="reviewed and approved", reason="all checks read")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def key(chain):
    return chain.person("Works 3")


@pytest.fixture(scope="module")
def own(chain):
    """The key of a reviewer."""
    return signing.load_key(chain.person("Rolf Muster", kind="ec"), PASSPHRASE)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv(release.PASSPHRASE, PASSPHRASE)
    return a_reviewed_lab(tmp_path / "lab")


def person(lab, name, **changed):
    with connected(lab, read_only=True) as connection:
        return replace(next(one for one in users.every(connection) if one.name == name), **changed)


def uid_of(lab):
    return sha256_file(lab.reports / "plate" / "report.json")


def asked(lab, by="olga"):
    who, uid = person(lab, by), uid_of(lab)
    with connected(lab) as connection:
        return reviews.ask(lab, connection, uid, who)


def state(lab, number):
    with connected(lab, read_only=True) as connection:
        return reviews.one(connection, number)


def pdf(lab):
    return lab.reports / "plate" / "report.pdf"


def events(lab, kind):
    return [entry for entry in audit.read(lab.reports).entries if entry.event == kind]


# -------------------------------------------------------------------------------------------------------- own work


def refused(lab, number, who, what):
    for decide in (
        lambda: release.release(lab, number, who, SAID),
        lambda: release.send_back(lab, number, who, "look again"),
    ):
        with pytest.raises(ReviewError, match=what):
            decide()
    assert state(lab, number).state == "waiting"
    assert events(lab, "release") == []


def test_whoever_asked_may_not_review(lab):
    rolf = person(lab, "rolf", roles=frozenset({"reviewer", "analyst"}))
    number = asked(lab, "rolf")
    refused(lab, number, rolf, "Rolf Muster asked for this review; a second person must review it")


def test_the_operator_of_the_report_may_not_review_in_whatever_letters(lab):
    number = asked(lab, "anna")
    olga = person(lab, "olga", roles=frozenset({"reviewer", "operator"}))
    refused(lab, number, olga, "Olga Muster is the operator of the report")


def test_whoever_submitted_the_inspection_may_not_review(lab):
    number = asked(lab)
    submitted(lab, "rolf")
    refused(lab, number, person(lab, "rolf"), "Rolf Muster submitted the inspection")


def test_whoever_corrected_a_mask_may_not_review(lab, tmp_path):
    job = lab.folder / "inspections" / "plate" / "job.toml"
    job.write_text(job.read_text().replace(', "html", "pdf", "csv"', ""))
    mask = tmp_path / "mask.png"
    correct.export(job, mask)
    from PIL import Image

    painted = Image.open(mask).copy()
    painted.paste(1, (5, 5, 9, 9))
    painted.save(mask)
    correct.correct(job, mask, reason="a pore was missed", by="rolf  MUSTER", out=lab.reports)
    for_lab.run(job, lab, name="plate")
    number = asked(lab)
    refused(lab, number, person(lab, "rolf"), r"Rolf Muster corrected a mask of it \(edit 1\)")
    assert audit.verify(lab.reports).problems == ()
    (lab.reports / "plate" / "evidence" / "edit-0001.toml").unlink()
    with pytest.raises(ReadError, match=r"edit-0001\.toml is missing, so that nobody can tell whose work"):
        release.release(lab, number, person(lab, "rita"), SAID)


def test_who_is_no_reviewer_and_who_is_alone_may_not_review(lab):
    number = asked(lab)
    refused(lab, number, person(lab, "anna"), "Anna Muster has not the role reviewer")
    alone = users.Person(id=None, name="eva", full_name="Eva", roles=frozenset(users.ROLES))
    refused(lab, number, alone, "single-user mode knows no second person; make accounts")


# --------------------------------------------------------------------------------------------------------- decisions


def test_a_report_waits_once_and_is_sent_back_with_a_reason(lab):
    number = asked(lab)
    with pytest.raises(ReviewError, match="it waits for a review already"):
        asked(lab, "anna")
    with pytest.raises(ReviewError, match="the reason is empty"):
        release.send_back(lab, number, person(lab, "rolf"), "  ")
    release.send_back(lab, number, person(lab, "rolf"), "field 1 is out of focus")
    assert state(lab, number).reason == "field 1 is out of focus"
    with pytest.raises(ReviewError, match="is decided already: returned by Rolf Muster"):
        release.release(lab, number, person(lab, "rita"), SAID)
    assert asked(lab) == number + 1


def test_a_signature_says_what_it_means(lab):
    number = asked(lab)
    for said, what in (
        (Said(meaning="seen", reason="x"), "the meaning 'seen' is none of"),
        (Said(meaning="reviewed", reason=" "), "the reason is empty"),
        (Said(meaning="reviewed", reason="x" * 81), "more than 80 letters"),
    ):
        with pytest.raises(SettingsError, match=what):
            release.release(lab, number, person(lab, "rolf"), said)


def test_without_a_key_a_release_is_a_row_and_an_entry_of_the_trail(lab):
    before = pdf(lab).read_bytes()
    number = asked(lab)
    done = release.release(lab, number, person(lab, "rolf"), SAID)
    assert (done.state, done.reviewed_by, done.meaning, done.reason) == ("released", "Rolf Muster", *vars_of(SAID))
    assert (done.certificate, done.pdf) == ("", None)
    (entry,) = events(lab, "release")
    assert (entry.user, entry.reason, entry.sha256) == ("Rolf Muster", "all checks read", done.trail)
    assert "key of the laboratory" in entry.new["no_seal"]
    assert pdf(lab).read_bytes() == before
    with pytest.raises(OutputError, match=r"plate: is released \(entry 2 of the audit trail\) and is not replaced"):
        job_run.run(lab.folder / "inspections" / "plate" / "job.toml", lab.reports, name="plate")


def vars_of(said):
    return said.meaning, said.reason


def test_a_seal_names_person_meaning_and_reason_and_all_checks_hold_also_beside_a_key_of_the_person(lab, key, own):
    number = asked(lab)
    done = release.release(lab, number, person(lab, "rolf"), SAID, key)
    found = pdf_check.validate(pdf(lab))
    assert found.problems == ()
    (seal,) = found.signatures
    assert seal.name == "Rolf Muster"
    assert seal.statement == (
        "meaning: reviewed and approved; name: Rolf Muster; role: Reviewer, under the seal of Works 3; "
        "reason: all checks read"
    )
    assert done.certificate == seal.certificate
    assert "Works 3" in done.certificate
    assert done.pdf == events(lab, "sign")[0].new["sha256"] == events(lab, "release")[0].new["sha256"]
    assert events(lab, "sign")[0].user == "Rolf Muster"
    assert verify(lab.reports / "plate").verified
    assert audit.verify(lab.reports).problems == ()
    with connected(lab, read_only=True) as connection:
        assert find.show(lab, connection, uid_of(lab)).state == "unchanged"
    signing.sign(pdf(lab), own, name="Rolf Muster", role="Reviewer")
    assert [one.problems for one in pdf_check.signatures(pdf(lab).read_bytes(), None, "")] == [(), ()]


def test_a_seal_comes_after_a_personal_signature_of_the_same_person_too(lab, key, own):
    signing.sign(pdf(lab), own, name="Rolf Muster", role="Reviewer")
    assert release.release(lab, asked(lab), person(lab, "rolf"), SAID, key).certificate
    assert pdf_check.validate(pdf(lab)).problems == ()


def test_what_is_no_more_what_was_to_be_reviewed_is_not_released(lab, key):
    number, rolf = asked(lab), person(lab, "rolf")
    file = lab.reports / "plate" / "report.json"
    data = file.read_text()
    file.write_text(data.replace("Plate 7", "Plate 8"))
    with pytest.raises(ReviewError, match="its file is changed"):
        release.release(lab, number, rolf, SAID, key)
    file.write_text(data)
    sealed = pdf(lab).read_bytes()
    pdf(lab).write_bytes(sealed.replace(b"%%EOF", b"%%EOF\n% \n"))
    with pytest.raises(InspectError, match="byte for byte"):
        release.release(lab, number, rolf, SAID, key)
    pdf(lab).write_bytes(sealed)
    with connected(lab) as connection:
        connection.execute(tables.report.update().values(superseded_by="f" * 64))
    with pytest.raises(ReviewError, match="is replaced by a later report"):
        release.release(lab, number, rolf, SAID, key)
    assert events(lab, "release") == []
    assert events(lab, "sign") == []


def test_a_wrong_passphrase_releases_nothing(lab, key, monkeypatch):
    monkeypatch.setenv(release.PASSPHRASE, "wrong")
    number = asked(lab)
    with pytest.raises(SettingsError, match="the passphrase is wrong"):
        release.release(lab, number, person(lab, "rolf"), SAID, key)
    monkeypatch.delenv(release.PASSPHRASE)
    with pytest.raises(SettingsError, match="set the environment variable INSPECT_TOOL_KEY_PASSPHRASE"):
        release.release(lab, number, person(lab, "rolf"), SAID, key)
    assert state(lab, number).state == "waiting"
    assert events(lab, "release") == []


# ------------------------------------------------------------------------------------------------------------- kills


class KilledError(Exception):
    pass


def killed(*_, **__):
    raise KilledError


@pytest.mark.parametrize("step", ["trail", "row"])
def test_a_release_that_is_killed_is_brought_to_its_end(lab, key, monkeypatch, step):
    number, rolf = asked(lab), person(lab, "rolf")
    with monkeypatch.context() as patch:
        patch.setattr(*{"trail": (audit, "append"), "row": (reviews, "decide")}[step], killed)
        with pytest.raises(KilledError):
            release.release(lab, number, rolf, SAID, key)
    assert state(lab, number).state == "waiting"
    assert len(events(lab, "sign")) == 1
    assert len(events(lab, "release")) == (step == "row")
    with pytest.raises(ReviewError, match="is decided already: released by Rolf Muster"):
        release.send_back(lab, number, person(lab, "rita"), "no")
    done = release.release(lab, number, person(lab, "rita"), Said(meaning="reviewed", reason="other"), key)
    assert (done.state, done.reviewed_by, done.reason) == ("released", "Rolf Muster", "all checks read")
    assert done.pdf == events(lab, "release")[0].new["sha256"]
    assert len(events(lab, "sign")) == len(events(lab, "release")) == 1
    assert pdf_check.validate(pdf(lab)).problems == ()


def test_releases_come_back_from_the_audit_trail_when_the_database_is_lost(lab, key):
    number = asked(lab)
    done = release.release(lab, number, person(lab, "rolf"), SAID, key)
    (lab.folder / DATABASE).write_bytes(b"damaged")
    found = rebuild(lab.folder)
    assert found.releases == 1
    with connected(lab, read_only=True) as connection:
        (back,) = reviews.of_report(connection, done.uid)
        (remark,) = reviews.remarks(connection, back.id)
    same = ("state", "reviewed_by", "asked_by", "asked", "decided", "meaning", "reason", "certificate", "pdf", "trail")
    assert [getattr(back, name) for name in same] == [getattr(done, name) for name in same]
    assert remark.text.startswith("taken from entry")
    assert rebuild(lab.folder).releases == 0


def test_remarks_stand_in_their_order_with_who_said_them(lab):
    number = asked(lab)
    with connected(lab) as connection:
        reviews.say(connection, number, person(lab, "rolf"), "field 1?")
        reviews.say(connection, number, person(lab, "anna"), " sharp enough ")
        said = [(one.by, one.text) for one in reviews.remarks(connection, number)]
    assert said == [("Rolf Muster", "field 1?"), ("Anna Muster", "sharp enough")]
    with pytest.raises(ReviewError, match="the remark is empty"), connected(lab) as connection:
        reviews.say(connection, number, person(lab, "rolf"), " \n ")
