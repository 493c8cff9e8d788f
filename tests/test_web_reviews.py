"""Pages of review and release, as browsers see them."""

import re

import pytest
from reviewed_example import a_reviewed_lab, submitted
from signing_keys import PASSPHRASE, Chain
from workbench import PASSWORD, bench, browser, client, enters, served

from inspect_tool.files import sha256_file
from inspect_tool.lab import release
from inspect_tool.verify import pdf_check

WHY = {"meaning": "reviewed", "reason": "all checks read", "password": PASSWORD}


@pytest.fixture
def made(tmp_path):
    lab = a_reviewed_lab(tmp_path / "lab")
    submitted(lab)
    return bench(lab.folder)


def uid_of(made):
    return sha256_file(made.lab.reports / "plate" / "report.json")


def asked(made, name="anna"):
    answer = client(made, name).post("/reviews", data={"uid": uid_of(made)})
    assert answer.status_code == 303
    return answer.headers["location"]


def test_a_second_person_sees_what_there_is_to_judge_and_releases(made):
    spoken = client(made, "rolf")
    assert "Nothing waits." in spoken.get("/reviews").text
    there = asked(made)
    assert '<span class="badge ">waits for review</span>' in spoken.get("/reports").text
    assert there in spoken.get("/reviews").text
    shown = spoken.get(there).text
    for text in ("Porosity of plate 7", "<td>Porosity</td>", "Checks", "as it was taken", "will carry no seal"):
        assert text in shown
    pictures = re.findall(r'src="(/reports/[^"]+)"', shown)
    assert len(pictures) == 2
    assert all(spoken.get(one).headers["content-type"].startswith("image/") for one in pictures)
    assert spoken.post(f"{there}/release", data=WHY).status_code == 303
    done = spoken.get(there).text
    assert "Reviewed by <b>Rolf Muster</b>" in done
    assert "carries no seal" in done
    assert "Sign and release" not in done
    assert '<span class="badge good">released</span>' in spoken.get("/reports").text


def test_a_wrong_password_releases_nothing_and_locks_in_the_end(made):
    there, spoken = asked(made), client(made, "rolf")
    for _ in range(5):
        answer = spoken.post(f"{there}/release", data={**WHY, "password": "wrong"})
        assert answer.status_code == 422
        assert "name or password are wrong" in answer.text
        assert 'value="all checks read"' in answer.text
    locked = spoken.post(f"{there}/release", data=WHY)
    assert (locked.status_code, "the account is locked" in locked.text) == (422, True)
    assert "waiting" in spoken.get(there).text


@pytest.mark.parametrize("name", ["olga", "anna", "mara", "axel"])
def test_who_is_no_reviewer_reads_and_does_not_decide(made, name):
    there, spoken = asked(made), client(made, name)
    assert "has not the role reviewer" in spoken.get(there).text
    assert "Sign and release" not in spoken.get(there).text
    assert spoken.post(f"{there}/release", data=WHY).status_code == 403
    assert spoken.post(f"{there}/return", data={"reason": "no"}).status_code == 403


def test_what_is_sent_back_comes_to_whom_it_belongs_with_what_was_said(made):
    there, spoken = asked(made), client(made, "rolf")
    assert spoken.post(f"{there}/remark", data={"text": "field 1 <b>?"}).status_code == 303
    assert spoken.post(f"{there}/return", data={"reason": "focus it again"}).status_code == 303
    seen = client(made, "anna").get("/reviews").text
    assert "focus it again" in seen
    assert "(you)" in seen
    assert "field 1 &lt;b&gt;?" in client(made, "anna").get(there).text
    assert asked(made) != there


def test_there_is_no_such_review(made):
    for number in ("7", "x", "9" * 30):
        assert "there is none" in client(made, "rolf").get(f"/reviews/{number}").text
    assert "the lab does not know it" in client(made, "anna").post("/reviews", data={"uid": "f" * 64}).text


@pytest.mark.needs("Chromium", "Playwright")
def test_one_asks_a_second_person_signs_and_the_pdf_names_him(made, tmp_path, monkeypatch):
    monkeypatch.setenv(release.PASSPHRASE, PASSPHRASE)
    key = Chain(tmp_path).person("Works 3", kind="ec")
    with served(made.lab, key=key) as listening, browser() as page:
        home = listening.origins[0]
        enters(page, listening, "anna")
        page.goto(f"{home}/reports")
        page.get_by_label("Find reports").fill("hea")
        page.get_by_role("option", name="heat:").click()
        page.get_by_label("Find reports").press_sequentially("730218")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Porosity of plate 7").click()
        page.frame_locator("iframe.report").get_by_text("End of report").first.wait_for(state="attached")
        page.get_by_role("button", name="Ask for review").click()
        page.get_by_text("has not the role reviewer").wait_for()
        other = page.context.browser.new_page()  # of another person: nothing is shared but the workbench
        enters(other, listening, "rolf")
        other.get_by_role("navigation", name="Rooms").get_by_role("link", name="Review").click()
        other.get_by_role("link", name="Porosity of plate 7").click()
        other.get_by_text("names you, the meaning and the reason").wait_for()
        other.get_by_label("Reason").fill("all checks read")
        other.get_by_label("Your password, again").fill(PASSWORD)
        other.get_by_role("button", name="Sign and release").click()
        other.get_by_text("The PDF carries the seal of").wait_for()
        other.context.close()
        page.reload()  # who asked sees it, and is still in
        page.get_by_text("The PDF carries the seal of").wait_for()
        page.get_by_role("link", name="The whole report").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="PDF", exact=True).click()
        download.value.save_as(tmp_path / "sealed.pdf")
        page.goto(f"{home}/reports")
        page.get_by_role("row").get_by_text("released", exact=True).wait_for()
        assert page.elsewhere == []
        assert page.trouble == []
    (seal,) = pdf_check.signatures((tmp_path / "sealed.pdf").read_bytes(), None, "sealed.pdf")
    assert (seal.name, seal.problems) == ("Rolf Muster", ())
    assert "meaning: reviewed and approved" in seal.statement
