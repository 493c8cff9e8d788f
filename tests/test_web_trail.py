"""The audit trails as a page: newest first, chosen, verified, and exported as the lines that they are."""

import hashlib
import json
import re

import pytest
from workbench import bench, client, with_people

from inspect_tool.evidence import audit
from inspect_tool.evidence.audit import Event
from inspect_tool.lab import accounts, users
from inspect_tool.lab.database import connected


@pytest.fixture
def made(tmp_path):
    """A lab with an entry of an account and 250 of reports, every third by Anna."""
    lab = with_people(bench(tmp_path / "lab"), {"anna": "analyst", "axel": "auditor"})
    people = ["Anna Muster", "Rolf Muster", "Olga <i>"]
    audit.append(
        lab.lab.reports,
        *(
            Event(event="edit", subject=f"plate {i:03}", user=people[i % 3], reason="", old={"G": i}, new={"G": i + 1})
            for i in range(250)
        ),
    )
    with connected(lab.lab, read_only=True) as connection:
        anna = users.by_name(connection, "anna")
    accounts.make_token(lab.lab, anna, "LIMS", 3)
    return lab


def subjects(text):
    return re.findall(r"<td>(plate \d+|anna)</td>", text)


def test_the_newest_entries_come_first_and_all_are_reached(made):
    spoken, address, found = client(made, "axel"), "/trail", []
    while address:
        text = spoken.get(address).text
        found += subjects(text)
        older = re.search(r'href="([^"]+)">Older', text)
        address = older and older[1].replace("&amp;", "&")
    assert found == [f"plate {i:03}" for i in reversed(range(250))]
    assert "The trail is whole:</b> 250 entries" in text
    assert "Olga &lt;i&gt;" in text


def test_entries_are_chosen_by_event_person_subject_and_day(made):
    spoken = client(made, "axel")

    def chosen(**query):
        return subjects(spoken.get("/trail", params=query).text)

    assert chosen(by="Anna Muster", about="PLATE 00") == ["plate 009", "plate 006", "plate 003", "plate 000"]
    assert chosen(event="edit", about="plate 249", since="2020-01-01") == ["plate 249"]
    assert chosen(since="2999-01-01") == []
    assert chosen(of="accounts") == ["anna"]
    for query, why in (
        ({"of": "../lab"}, "there is none"),
        ({"event": "x"}, "none of"),
        ({"since": "x"}, "is not a date"),
    ):
        answer = spoken.get("/trail", params=query)
        assert answer.status_code == 422
        assert why in answer.text


def test_an_entry_of_an_inspection_is_under_its_name_and_not_that_of_all_job_files(made):
    new = {"job_file": "../inspections/plate-7/job.toml"}
    audit.append(made.lab.reports, Event(event="edit", subject="job", user="Anna Muster", reason="", old={}, new=new))
    spoken = client(made, "axel")
    assert "<td>plate-7<br>" in spoken.get("/trail").text
    assert "1 of 251 entries" in spoken.get("/trail", params={"about": "PLATE-7"}).text
    assert "1 of 251 entries" in spoken.get("/trail", params={"about": "job"}).text


def test_what_is_exported_is_the_log_byte_by_byte(made):
    spoken = client(made, "axel")
    log = (made.lab.reports / audit.LOG).read_bytes()
    answer = spoken.get("/trail/export")
    assert answer.content == log
    assert answer.headers["content-disposition"] == 'attachment; filename="reports-audit.jsonl"'
    some = spoken.get("/trail/export", params={"by": "Anna Muster"}).content.splitlines()
    assert len(some) == 84
    for line in some:
        body = re.sub(rb',"sha256":"[0-9a-f]{64}"}$', b"}", line)
        assert hashlib.sha256(body).hexdigest() == json.loads(line)["sha256"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda text: text.replace(b"plate 100", b"plate 999"), "line 101 (entry 101) was changed"),
        (lambda text: b"".join(text.splitlines(keepends=True)[:-1]), "missing at the end"),
        (lambda text: b"".join(text.splitlines(keepends=True)[1:]), "is missing here"),
    ],
)
def test_a_trail_that_was_changed_is_red_and_says_where(made, change, what):
    path = made.lab.reports / audit.LOG
    path.write_bytes(change(path.read_bytes()))
    text = client(made, "axel").get("/trail").text
    assert "The trail is not whole" in text
    assert what in text
    assert "The trail is whole" not in text


def test_a_log_that_was_taken_away_is_no_empty_one(made):
    (made.lab.reports / audit.LOG).unlink()
    answer = client(made, "axel").get("/trail")
    assert answer.status_code == 422
    assert "no such file" in answer.text


def test_a_report_that_is_not_as_the_trail_tells_is_found_where_it_is_asked_for(made):
    folder = made.lab.reports / "plate"
    folder.mkdir()
    facts = {"id": "IT-1", "provenance": {"audit": f"999 {'ab' * 32}"}}
    (folder / "report.json").write_text(json.dumps(facts))
    spoken = client(made, "axel")
    assert "The trail is whole" in spoken.get("/trail").text
    text = spoken.get("/trail", params={"compared": "yes"}).text
    assert "plate/report.json (IT-1) was made after entry 999" in text


def test_a_lab_in_which_nothing_was_done_says_so(tmp_path):
    made = with_people(bench(tmp_path / "lab"), {"axel": "auditor"})
    assert "Nothing is recorded there yet" in client(made, "axel").get("/trail").text
