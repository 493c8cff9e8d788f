"""The first page: what waits for a person, by his or her roles."""

import pytest
from intake_example import given
from lab_example import put, result
from workbench import bench, client, with_people

from inspect_tool.evidence.provenance import now
from inspect_tool.lab import suggestions, tables, users, waiting
from inspect_tool.lab.database import connected


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lab in which something waits for everybody: Olga asked for reviews, one of which Rolf sent back."""
    made = with_people(bench(tmp_path_factory.mktemp("home") / "lab"))
    given(made.lab, "a.tif", "b.tif")
    with connected(made.lab) as connection:
        olga, anna, rolf = (users.by_name(connection, name) for name in ("olga", "anna", "rolf"))
        connection.execute(tables.intake.update().where(tables.intake.c.name == "b.tif").values(scale="red"))
        for uid, part, day in (
            ("aa", "Shaft", "2026-10-01"),
            ("bb", "Bracket", "2026-10-02"),
            ("cc", "Shaft", "2026-10-03"),
        ):
            put(connection, uid, result("porosity_percent", 1.5, u=0.3, unit="%"), part=part, customer="", day=day)
        for uid, state, asker in (("aa", "waiting", olga), ("bb", "returned", olga), ("cc", "waiting", rolf)):
            row = {"report": uid.ljust(64, "0"), "state": state, "asker": asker.id, "asked": now()}
            connection.execute(tables.review.insert().values(asked_by=asker.full_name, **row))
        draft = {"job": "inspections/x/job.toml", "image": "1" * 64, "base": "2" * 64, "operations": "[]"}
        for position in (0, 3):  # one of them was undone
            connection.execute(tables.draft.insert().values(account=anna.id, position=position, changed=now(), **draft))
        for sender in (olga, anna):
            work = {"key": f"{sender.id}".ljust(64, "0"), "job": "x", "out": "y", "name": "z", "added": now()}
            number = connection.scalar(tables.work.insert().values(state="failed", **work).returning(tables.work.c.id))
            row = {"name": f"porosity_{sender.id}", "account": sender.id, "by": sender.full_name, "added": now()}
            connection.execute(tables.inspection.insert().values(work=number, job=f"{sender.id}", **row))
    return made


@pytest.mark.parametrize(
    ("name", "says", "others"),
    [
        (
            "olga",
            ["1 inspection of yours failed", "1 image without a scale", "2 images in the inbox", "1 report sent back"],
            "to review",
        ),
        ("anna", ["1 correction begun"], "in the inbox"),
        ("rolf", ["1 report to review"], "sent back"),  # never the one that he asks for himself
        ("mara", ["How the laboratory measures"], "to review"),
        ("axel", ["What was done, and by whom"], "in the inbox"),
    ],
)
def test_everybody_is_told_what_waits_for_the_role(made, name, says, others):
    text = client(made, name).get("/").text
    for one in says:
        assert one in text
    assert others not in text
    assert "1.50\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.30" in text


def test_in_single_user_mode_what_belongs_to_nobody_is_that_of_the_person(made):
    alone = users.Person(id=None, name="eva", full_name="Eva", roles=frozenset(users.ROLES))
    with connected(made.lab, read_only=True) as connection:
        found = waiting.of(connection, alone)
    assert (found.images, found.failed, found.drafts, found.returned) == (2, 0, 0, 0)


def test_a_header_is_suggested_what_reports_have_the_newest_first_and_each_once(made):
    with connected(made.lab, read_only=True) as connection:
        found = suggestions.of_reports(connection)
    assert found["part"] == ("Shaft", "Bracket")
    assert found["customer"] == ()
    assert '<option value="Bracket">' in client(made, "olga").get("/inspections/new").text
