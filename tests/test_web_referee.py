"""The blind sample inside the workbench: drawn, answered by who is in, and taken over by the report."""

import json
import re
import threading
import time
import tomllib

import pytest
from reviewed_example import a_reviewed_lab, submitted
from workbench import bench, browser, client, enters, served

from inspect_tool.batch import queue
from inspect_tool.errors import ReadError
from inspect_tool.evidence import audit
from inspect_tool.files import sha256_file
from inspect_tool.inspection import hand_check, job_run
from inspect_tool.lab.database import connected
from inspect_tool.web import counting

ROOM = "/inspections/plate/referee"


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "PATIENCE_S", 60.0)
    lab = a_reviewed_lab(tmp_path / "lab")
    submitted(lab)
    return bench(lab.folder)


def drawn(spoken, points=50):
    """Draw a sample; gives its page and what it shows."""
    answer = spoken.post(f"{ROOM}/draw", data={"points": str(points)})
    assert answer.status_code == 303
    there = answer.headers["location"]
    text = spoken.get(there).text
    return there, text, json.loads(re.search(r'id="sample">(.*?)</script>', text, re.DOTALL)[1])


def answers(sample, person, value=None):
    said = [
        {"n": one["n"], "value": value or sample["choices"][0]["value"], "at": "", "seconds": 1.0, "changes": 0}
        for one in sample["items"]
    ]
    return {
        "schema": "inspect_tool/referee-answers/1",
        "sample": sample["id"],
        "person": person,
        "started": "2026-03-01T10:00:00Z",
        "saved": "2026-03-01T10:09:00Z",
        "finished": True,
        "answers": said,
    }


def test_a_sample_is_asked_by_a_page_without_inline_scripts(made):
    spoken = client(made, "anna")
    assert "Draw a sample" in spoken.get(ROOM).text
    there, text, sample = drawn(spoken)
    assert sample["server"] == {"person": "Anna Muster", "address": f"{ROOM}/answers", "back": ROOM}
    assert "unsafe" not in spoken.get(there).headers["content-security-policy"]
    assert re.findall(r"<script(?! type=.application/json)[^>]*>(.+?)</script>", text, re.DOTALL) == []
    assert "<style" not in text
    assert " style=" not in text
    assert spoken.get("/referee/page.js").headers["content-type"].startswith("text/javascript")
    assert spoken.get("/referee/page.css").headers["content-type"].startswith("text/css")
    assert drawn(spoken)[0] == there  # it waits
    (told,) = [one for one in audit.read(made.lab.reports).entries if one.event == "check by hand"]
    assert told.user == "Anna Muster"


def test_answers_correct_the_result_and_the_report_takes_them_over(made):
    spoken = client(made, "anna")
    _, _, sample = drawn(spoken)
    solid = next(one["value"] for one in sample["choices"] if one["value"] != "pore")
    data = json.dumps(answers(sample, "Anna Muster", solid))
    headers = {"Content-Type": "application/json"}
    assert spoken.post(f"{ROOM}/answers", content=data, headers=headers).json() == {"points": len(sample["items"])}
    text = spoken.get(ROOM).text
    assert "porosity_percent" in text
    assert "count minus program" in text
    assert "by <b>Anna Muster</b>" in text
    assert "To the pictures" in text
    other = client(made, "rolf")  # who counts again draws a sample of his own
    assert "To the pictures" not in other.get(ROOM).text
    again = json.dumps(answers(sample, "Rolf Muster"))
    assert "is answered by Anna Muster" in other.post(f"{ROOM}/answers", content=again, headers=headers).text
    assert spoken.post(f"{ROOM}/measure").headers["location"] == "/inspections/plate"
    job = made.lab.folder / "inspections" / "plate" / "job.toml"
    named = tomllib.loads(job.read_text())["referee"]["file"]
    assert (job.parent / named).read_text() == data
    with connected(made.lab, read_only=True) as connection:
        assert queue.counts(connection)["todo"] == 1
    assert "The report is measured with these answers" in spoken.get(ROOM).text
    before = sha256_file(made.lab.reports / "plate" / "report.json")
    report = job_run.run(job, made.lab.reports, name="plate", exports=("json",))
    assert sha256_file(made.lab.reports / "plate" / "report.json") != before
    assert any(one.role == "referee" for one in report.attachments)
    assert audit.verify(made.lab.reports).problems == ()


def test_nobody_answers_for_somebody_else_and_wrong_answers_leave_nothing(made):
    spoken = client(made, "anna")
    _, _, sample = drawn(spoken)
    home = made.lab.folder / "inspections" / "plate"
    before = sorted(home.iterdir())
    for data, what in (
        (json.dumps(answers(sample, "Rolf Muster")), "they are by Rolf Muster"),
        (json.dumps(answers({**sample, "id": "f" * 64}, "Anna Muster")), "no sample ffffffffffff"),
        (json.dumps({**answers(sample, "Anna Muster"), "answers": []}), "answers of|stage|no "),
        ("{", "no file of answers"),
    ):
        answer = spoken.post(
            f"{ROOM}/answers", content=data, headers={"Content-Type": "application/json", "HX-Request": "true"}
        )
        assert answer.status_code == 422
        assert re.search(what, answer.text)
    assert sorted(home.iterdir()) == before


def test_the_count_of_a_reviewer_is_said_in_the_review(made):
    uid = sha256_file(made.lab.reports / "plate" / "report.json")
    there = client(made, "anna").post("/reviews", data={"uid": uid}).headers["location"]
    spoken = client(made, "rolf")
    assert f'href="{ROOM}"' in spoken.get(there).text
    _, _, sample = drawn(spoken)
    data = json.dumps(answers(sample, "Rolf Muster"))
    assert spoken.post(f"{ROOM}/answers", content=data, headers={"Content-Type": "application/json"}).status_code == 200
    assert "Counted again, blind: 50 points. porosity_percent" in spoken.get(there).text


def test_what_takes_long_goes_on_beside_the_page_which_says_how_far_it_is(made, monkeypatch):
    goes_on, asked_by_hand = threading.Event(), hand_check.asked_by_hand

    def slow(*args, progress, **kwargs):
        progress(1, 3, "f2.png")
        assert goes_on.wait(60)
        return asked_by_hand(*args, progress=progress, **kwargs)

    monkeypatch.setattr(hand_check, "asked_by_hand", slow)
    monkeypatch.setattr(counting, "PATIENCE_S", 0.0)
    spoken = client(made, "anna")
    assert spoken.post(f"{ROOM}/draw", data={"points": "50"}).headers["location"] == ROOM
    state = f"{ROOM}/state"
    while "1 of 3: f2.png" not in spoken.get(state).text:
        time.sleep(0.01)
    assert "Drawing a sample" in spoken.get(ROOM).text
    assert "drawing a sample is under way" in spoken.post(f"{ROOM}/draw", data={"points": "60"}).text
    goes_on.set()
    while "HX-Refresh" not in spoken.get(state).headers:
        time.sleep(0.01)
    assert "To the pictures" in spoken.get(ROOM).text
    goes_on.clear()

    def fails(*_, **__):
        assert goes_on.wait(60)
        msg = "f2.png: cannot be read"
        raise ReadError(msg)

    monkeypatch.setattr(hand_check, "asked_by_hand", fails)
    assert spoken.post(f"{ROOM}/draw", data={"points": "60"}).headers["location"] == ROOM
    goes_on.set()
    while "HX-Refresh" not in spoken.get(state).headers:
        time.sleep(0.01)
    assert "Drawing a sample: f2.png: cannot be read" in spoken.get(ROOM).text


def test_only_who_counts_draws_and_sees_a_sample(made):
    there = drawn(client(made, "anna"))[0]
    for name in ("olga", "mara", "axel"):
        spoken = client(made, name)
        assert spoken.get(ROOM).status_code == 200
        assert spoken.get(there).status_code == 403
        assert spoken.post(f"{ROOM}/draw").status_code == 403
    assert "there is none" in client(made, "anna").get("/inspections/nothing/referee").text
    assert "there is no page of sample" in client(made, "anna").get(f"{ROOM}/{'f' * 64}").text


@pytest.mark.needs("Chromium", "Playwright")
def test_a_person_answers_by_keys_hands_in_and_sees_the_result(made):
    from playwright.sync_api import expect

    with served(made.lab) as listening, browser() as page:
        enters(page, listening, "anna")
        page.goto(listening.origins[0] + ROOM)
        page.get_by_label("Points or lines of every specimen").fill("50")
        page.get_by_role("button", name="Draw").click()
        expect(page.get_by_label("Your name")).to_have_value("Anna Muster")
        expect(page.get_by_label("Your name")).not_to_be_editable()
        sample = json.loads(page.locator("#sample").text_content())
        begun = answers(sample, "Anna Muster")
        begun |= {"answers": begun["answers"][:47], "finished": False}
        kept = [f"inspect_tool referee {sample['id']} Anna Muster", json.dumps(begun)]
        page.evaluate("([key, text]) => localStorage.setItem(key, text)", kept)  # as if answered before
        page.reload()
        page.get_by_role("button", name="Go on").click()
        for n in range(47, 50):
            page.get_by_role("img", name=f"Point {n + 1} of 50").wait_for()
            page.wait_for_timeout(110)  # an answer that comes sooner is taken for a slip
            page.keyboard.press("2")
        page.get_by_role("button", name="Finish and hand in").click()
        page.get_by_role("heading", name="Where it stands").wait_for()
        page.get_by_text("50 of 50 points by Anna Muster").wait_for()
        assert page.elsewhere == []
        assert page.trouble == []
