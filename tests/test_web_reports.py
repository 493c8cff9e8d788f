"""Pages of reports: found, read, and handed on; and what a report in a browser cannot reach."""

import csv
import io
import re
import shutil
import zipfile

import pytest
from lab_example import filled
from reviewed_example import a_reviewed_lab
from workbench import bench, browser, client, enters, served, with_people

from inspect_tool.files import sha256_file


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A lab of six reports that have no files."""
    folder = tmp_path_factory.mktemp("found") / "lab"
    filled(folder)
    return client(with_people(bench(folder), {"axel": "auditor"}), "axel")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lab with one report."""
    return bench(a_reviewed_lab(tmp_path_factory.mktemp("made") / "lab").folder)


@pytest.fixture(scope="module")
def uid(made):
    return sha256_file(made.lab.reports / "plate" / "report.json")


def rows(text):
    return re.findall(r'<a href="/reports/(\w+)">', text)


def test_reports_are_found_newest_first(found):
    text = found.get("/reports").text
    assert [one[:6] for one in rows(text)] == ["aaaa05", "aaaa04", "aaaa03", "aaaa02", "aaaa01", "aaaa06"]
    assert "6 reports" in text
    some = found.get("/reports", params={"q": "recipe:grain_size -verdict:fail"}).text
    assert [one[:6] for one in rows(some)] == ["aaaa01"]
    assert "7.93\xa0±\xa00.21" in some


def test_a_slip_in_a_query_is_one_line_with_advice(found):
    answer = found.get("/reports", params={"q": "haet:7"})
    assert answer.status_code == 422
    (fault,) = re.findall(r'role="alert"[^>]*>([^<]*)', answer.text)
    assert "there is no field &#39;haet&#39;" in fault
    assert "heat" in fault
    assert 'value="haet:7"' in answer.text
    assert "heat:*73021* finds 2" in found.get("/reports", params={"q": "heat:73021"}).text


def test_reports_have_pages(found, monkeypatch):
    monkeypatch.setattr("inspect_tool.web.pages.reports.ON_A_PAGE", 4)
    second = found.get("/reports", params={"q": "", "page": "2"}).text
    assert [one[:6] for one in rows(second)] == ["aaaa01", "aaaa06"]
    assert "page 2 of 2" in second
    assert found.get("/reports", params={"page": "x"}).status_code == 200


def test_what_was_found_is_handed_on_as_a_table(found):
    answer = found.get("/reports/export/csv", params={"q": "recipe:porosity"})
    read = list(csv.DictReader(answer.text.splitlines()))
    assert [row["uid"][:6] for row in read] == ["aaaa05", "aaaa04", "aaaa03"]
    assert "results.csv" in answer.headers["content-disposition"]
    assert found.get("/reports/export/xlsx").content[:2] == b"PK"
    assert "not as &#39;exe&#39;" in found.get("/reports/export/exe").text


def test_a_report_whose_file_is_gone_stays_known(found):
    text = found.get("/reports/aaaa04").text
    assert "The file is missing: reports/job_aaaa04" in text
    assert "is replaced by" in text
    assert "iframe" not in text
    assert "no report of this lab" in found.get("/reports/nothing").text


def test_a_report_shows_its_results_its_page_and_its_files(made, uid):
    spoken = client(made, "axel")
    text = spoken.get(f"/reports/{uid}").text
    assert "<td>Porosity</td>" in text
    assert re.search(r"[\d.]+.(±|\().{3,30}%", text)
    assert f'src="/reports/{uid}/file/report.html" sandbox="allow-scripts"' in text
    assert "Ask for review" not in text
    for name, begins in (("report.pdf", b"%PDF"), ("report.json", b"{"), ("features.csv", b"")):
        answer = spoken.get(f"/reports/{uid}/file/{name}")
        assert answer.content.startswith(begins)
        assert answer.content == (made.lab.reports / "plate" / name).read_bytes()
        assert answer.headers["content-disposition"].startswith("attachment")


def test_word_files_workbooks_and_pictures_of_pages_are_handed_on_where_they_are(made, uid):
    spoken, folder = client(made, "axel"), made.lab.reports / "plate"
    named = {"report.docx": b"PK word", "report.xlsx": b"PK excel", "lims.csv": b"sample_id\r\n"}
    drawn = {"page_01.png": b"\x89PNG one", "page_02.png": b"\x89PNG two"}
    assert not any(name in spoken.get(f"/reports/{uid}").text for name in (*named, "pages.zip"))
    assert spoken.get(f"/reports/{uid}/file/pages.zip").status_code in (404, 422)
    (folder / "pages").mkdir()
    for name, data in (*named.items(), *((f"pages/{name}", data) for name, data in drawn.items())):
        (folder / name).write_bytes(data)
    try:
        text = spoken.get(f"/reports/{uid}").text
        for name in (*named, "pages.zip"):
            assert f'href="/reports/{uid}/file/{name}" download' in text
        for name, data in named.items():
            assert spoken.get(f"/reports/{uid}/file/{name}").content == data
        answer = spoken.get(f"/reports/{uid}/file/pages.zip")
        assert answer.headers["content-disposition"].startswith("attachment")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            assert {name: packed.read(name) for name in packed.namelist()} == drawn
    finally:
        shutil.rmtree(folder / "pages")
        for name in named:
            (folder / name).unlink()


@pytest.mark.parametrize(
    "name",
    ["../plate/report.json", "%2e%2e/%2e%2e/lab.toml", "/etc/passwd", "audit.jsonl", ".pending", "nothing.txt", "a\\b"],
)
def test_nothing_but_the_files_of_the_report_is_handed_on(made, uid, name):
    answer = client(made, "axel").get(f"/reports/{uid}/file/{name}")
    assert answer.status_code in (404, 422)
    assert "key" not in answer.text


def test_the_page_of_a_report_is_sealed_off(made, uid):
    policy = client(made, "axel").get(f"/reports/{uid}/file/report.html").headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert "allow-same-origin" not in policy
    for name in ("report.json", "report.pdf"):
        policy = client(made, "axel").get(f"/reports/{uid}/file/{name}").headers["content-security-policy"]
        assert policy.startswith("sandbox; default-src 'none'")
        assert "script" not in policy
    assert "unsafe" not in client(made, "axel").get(f"/reports/{uid}").headers["content-security-policy"]


def test_a_report_that_was_changed_is_not_handed_on(tmp_path):
    lab = a_reviewed_lab(tmp_path / "lab")
    file = lab.reports / "plate" / "report.json"
    uid = sha256_file(file)
    file.write_text(file.read_text().replace("730218", "730219"))
    spoken = client(bench(lab.folder), "axel")
    assert "is not the one that the lab was given" in spoken.get(f"/reports/{uid}").text
    assert "its file is changed" in spoken.get(f"/reports/{uid}/file/report.pdf").text


@pytest.mark.needs("Chromium", "Playwright")
def test_a_script_in_a_report_reaches_nothing_of_the_workbench(tmp_path):
    lab = a_reviewed_lab(tmp_path / "lab")
    report = lab.reports / "plate"
    uid = sha256_file(report / "report.json")
    spy = """<p id="said"></p><script>
      const said = [];
      const tried = (name, work) => { try { work(); said.push(name); } catch { said.push(`no ${name}`); } };
      tried("parent", () => parent.document.title);
      tried("cookie", () => document.cookie);
      tried("storage", () => localStorage.length);
      fetch("/users").then(() => said.push("fetch"), () => said.push("no fetch")).finally(() => {
        document.getElementById("said").textContent = said.join(", ");
      });
    </script>"""
    (report / "report.html").write_text(f"<!doctype html><title>x</title>{spy}")
    with served(lab) as listening, browser() as page:
        enters(page, listening, "axel")
        page.goto(f"{listening.origins[0]}/reports/{uid}")
        said = page.frame_locator("iframe.report").locator("#said", has_text="fetch")
        assert said.text_content() == "no parent, no cookie, no storage, no fetch"
        page.goto(f"{listening.origins[0]}/reports/{uid}/file/report.html")
        said = page.locator("#said", has_text="fetch")
        assert said.text_content() == "parent, no cookie, no storage, no fetch"  # it is its own parent
