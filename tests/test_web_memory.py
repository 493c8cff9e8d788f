"""Trends, specifications and instruments of the workbench."""

import json
import re
from datetime import date, timedelta

import pytest
from test_trend import PRINT, QUANTITY, drawn, filled, new_weights
from workbench import bench, browser, client, enters, served, with_people

from inspect_tool.acceptance import specs
from inspect_tool.evidence import audit
from inspect_tool.evidence.provenance import now
from inspect_tool.lab import instruments, specifications, tables
from inspect_tool.lab.database import connected
from inspect_tool.lab.trend import baseline
from inspect_tool.lab.trend.series import series
from inspect_tool.lab.trend.trend import Request, trend
from inspect_tool.model import Requirement, Spec

WHEN = f"/trend?quantity={QUANTITY}"


@pytest.fixture(scope="module")
def stepped(tmp_path_factory):
    """A lab whose values took a step when the weights changed."""
    made = with_people(bench(tmp_path_factory.mktemp("stepped") / "lab"))
    filled(made.lab, drawn(step=3.0), new_weights(20), part="CB-9")
    return made


@pytest.fixture
def made(tmp_path):
    return with_people(bench(tmp_path / "lab"))


# -------------------------------------------------------------------------------------------------------------- trend


def test_the_page_draws_the_numbers_that_the_command_writes(stepped, tmp_path):
    text = client(stepped, "axel").get(f"/trend?quantity={QUANTITY}&part=CB-9&since=2026-10-05").text
    told = json.loads(re.search(r'<script type="application/json" id="drawn">(.*?)</script>', text, re.S)[1])
    request = Request(quantity=QUANTITY, query="part:CB-9 since:2026-10-05")
    _, folder = trend(stepped.lab, request, tmp_path, exports=())
    written = json.loads((folder / "trend.json").read_text())
    drawn_of = ("points", "limits", "query", "state", "unit", "title", "capability", "fingerprints")
    assert {key: told["trend"][key] for key in drawn_of} == {key: written[key] for key in drawn_of}
    assert [one["step"] for one in told["trend"]["steps"]] == [one["step"] for one in written["steps"]]
    assert told["causes"] == ["method: weights aaaaaaaaaa… → bbbbbbbbbb…"]
    assert told["alarm_limit"] == written["limits"]["alarm"]


def test_every_value_stands_in_the_table_and_leads_to_its_report(stepped):
    said = client(stepped, "olga").get(WHEN).text
    with connected(stepped.lab, read_only=True) as connection:
        uids = connection.scalars(tables.report.select().with_only_columns(tables.report.c.uid)).all()
    assert len(uids) == 40
    assert all(f'href="/reports/{uid}"' in said for uid in uids)
    assert "Step on 2026-10-21" in said
    assert "--freeze" not in said  # of the command


def test_what_cannot_be_shown_is_said_beside_the_form(stepped):
    answer = client(stepped, "olga").get(f"{WHEN}&query=color:red")
    assert answer.status_code == 422
    assert "color" in answer.text
    assert "<select" in answer.text


def test_a_manager_freezes_limits_with_a_reason_and_the_trail_says_who(made):
    values = drawn()[:20]
    filled(made.lab, values)
    spoken = client(made, "mara")
    form = {"quantity": QUANTITY, "alarm": "cusum"}
    assert client(made, "anna").post("/trend/freeze", data={**form, "reason": "x"}).status_code == 403
    assert "with a reason" in spoken.post("/trend/freeze", data=form).text
    assert spoken.post("/trend/freeze", data={**form, "reason": "first quarter"}).status_code == 303
    with connected(made.lab, read_only=True) as connection:
        kept = baseline.newest(connection, QUANTITY, "")
    assert (kept.version, kept.by, kept.reason, kept.n) == (1, "Mara Muster", "first quarter", 20)
    assert kept.center == pytest.approx(sum(values) / 20)
    (entry,) = audit.read(made.lab.reports).entries
    assert (entry.event, entry.user, entry.reason, entry.new["version"]) == (
        "limits",
        "Mara Muster",
        "first quarter",
        1,
    )
    assert "frozen, version 1" in spoken.get(WHEN).text


def test_limits_over_a_step_are_not_offered_and_not_frozen(stepped):
    spoken = client(stepped, "mara")
    assert "since=2026-10-21" in spoken.get(WHEN).text
    answer = spoken.post("/trend/freeze", data={"quantity": QUANTITY, "reason": "x"})
    assert answer.status_code == 422
    assert "have a step on 2026-10-21" in answer.text


def test_too_few_values_are_told_calmly_with_how_many_are_needed(stepped):
    with connected(stepped.lab, read_only=True) as connection:
        last = max(one.day for one in series(connection, QUANTITY, "").values).isoformat()
    answer = client(stepped, "axel").get(f"{WHEN}&since={last}")
    assert answer.status_code == 200
    assert "1 value fits yet; a trend is drawn from 3 values on" in answer.text
    assert 'class="fault"' not in answer.text


@pytest.mark.needs("Pango")
def test_the_pdf_is_that_of_the_command(stepped):
    answer = client(stepped, "axel").get(f"/trend/trend.pdf?quantity={QUANTITY}&since=2026-10-21")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="{QUANTITY}_trend.pdf"'
    assert answer.content.startswith(b"%PDF-1.7")


@pytest.mark.needs("Chromium", "Playwright")
def test_a_click_on_a_point_opens_its_report(stepped):
    with served(stepped.lab) as listening, browser(viewport={"width": 1280, "height": 900}) as page:
        enters(page, listening, "axel")
        page.goto(f"{listening.origins[0]}{WHEN}")
        page.locator("#trend[data-drawn=yes]").wait_for()
        area = page.locator("#values .u-over")
        box = area.bounding_box()
        at = (10 - 0.3) / (40.7 - 0.3)  # the tenth of forty values
        area.hover(position={"x": at * box["width"], "y": box["height"] / 2})
        page.locator("#tip", has_text="GS-9, 2026-10-10").wait_for()
        with connected(stepped.lab, read_only=True) as connection:
            report = tables.report.c
            uid = connection.scalar(tables.report.select().with_only_columns(report.uid).where(report.number == "GS-9"))
        area.click(position={"x": at * box["width"], "y": box["height"] / 2})
        page.wait_for_url(f"**/reports/{uid}")
        assert page.elsewhere == []


# -------------------------------------------------------------------------------------------------------------- specs

FORM = {
    "part": "CB-9",
    "revision": "4",
    "title": "controller board",
    "valid_from": "2026-02-01",
    "source": "QA-118 rev 3",
    "recipe": "solder_voids",
    "reason": "agreed with the customer",
    "count": "2",
    "quantity.0": "void_percent.max",
    "upper.0": "25",
    "unit.0": "%",
    "rule.0": "guarded",
    "quantity.1": "void_percent.mean",
    "upper.1": "10.5",
    "unit.1": "%",
    "rule.1": "simple",
    "round_to.1": "0.1",
    "source.1": "drawing CB-9 sheet 2",
}
MEANT = Spec(
    part="CB-9",
    revision="4",
    title="controller board",
    valid_from=date(2026, 2, 1),
    source="QA-118 rev 3",
    recipe="solder_voids",
    requirements=(
        Requirement(quantity="void_percent.max", upper=25.0, unit="%", source="QA-118 rev 3"),
        Requirement(
            quantity="void_percent.mean",
            upper=10.5,
            unit="%",
            rule="simple",
            round_to=0.1,
            source="drawing CB-9 sheet 2",
        ),
    ),
)


def judged(lab, part="CB-9", revision="4"):
    """Put a report into the database that was judged by a revision."""
    filled(lab, [8.0])
    with connected(lab) as connection:
        number = connection.execute(tables.part.insert().values(name=part)).inserted_primary_key[0]
        values = {"part": number, "revision": revision, "file": "a.toml", "sha256": "0" * 64}
        spec = connection.execute(tables.spec.insert().values(values)).inserted_primary_key[0]
        connection.execute(tables.report.update().values(spec=spec))


def test_what_is_typed_is_what_jobs_read(made):
    spoken = client(made, "mara")
    answer = spoken.post("/specs/new", data=FORM)
    assert answer.headers["location"] == "/specs/CB-9_rev_4.toml"
    (file,) = specs.read(made.lab.folder / "specs")
    assert file.spec == MEANT
    (entry,) = audit.read(made.lab.reports).entries
    assert (entry.user, entry.reason, entry.subject) == (
        "Mara Muster",
        "agreed with the customer",
        "CB-9 rev 4",
    )
    said = client(made, "olga").get("/specs/CB-9_rev_4.toml").text
    assert "void_percent.max" in said
    assert "/change" not in said


def test_the_form_of_a_file_gives_the_file_again(made):
    spoken = client(made, "mara")
    spoken.post("/specs/new", data=FORM)
    page = spoken.get("/specs/CB-9_rev_4.toml/change").text
    assert 'name="upper.1" value="10.5"' in page
    assert 'name="source.0" value=""' in page  # that of the file
    before = (made.lab.folder / "specs/CB-9_rev_4.toml").read_bytes()
    sha256 = page.split('name="sha256" value="')[1][:64]
    answer = spoken.post("/specs/CB-9_rev_4.toml/change", data={**FORM, "sha256": sha256, "reason": "the same again"})
    assert answer.status_code == 303
    assert (made.lab.folder / "specs/CB-9_rev_4.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"quantity.0": "void_percent.mx"}, r"recipe solder_voids has no quantity &#39;void_percent.mx&#39;"),
        ({"lower.0": "30"}, r"requirement 1: lower 30 is above upper 25"),
        ({"upper.0": "1,5"}, r"upper &#39;1,5&#39; is no number; write it as 12.5"),
        ({"upper.0": "nan"}, r"upper &#39;nan&#39; is no number"),
        ({"upper.0": ""}, r"requirement 1: give &#39;lower&#39;, &#39;upper&#39; or both"),
        ({"unit.0": "um"}, r"unit &#39;um&#39; does not fit void_percent.max [%]"),
        ({"source": ""}, r"requirements.0.source: is missing"),
        ({"valid_from": "soon"}, r"specification valid_from"),
        ({"valid_to": "2026-01-01"}, r"valid_to: 2026-01-01 lies before valid_from 2026-02-01"),
        ({"reason": " "}, r"say why it is made or changed"),
        ({"count": "0"}, r"holds no requirement; give a quantity and a limit"),
    ],
)
def test_what_no_job_could_use_is_given_back_with_the_reason(stepped, changed, says):
    answer = client(stepped, "mara").post("/specs/new", data={**FORM, **changed})
    assert answer.status_code == 422
    assert says in answer.text
    assert 'value="drawing CB-9 sheet 2"' in answer.text or changed == {"count": "0"}
    assert not list(stepped.lab.folder.glob("specs/*.toml"))


def test_a_revision_that_a_report_used_stays_as_it_is(made):
    specifications.save(made.lab, MEANT, "first", "Mara Muster")
    judged(made.lab)
    path = made.lab.folder / "specs/CB-9_rev_4.toml"
    before = path.read_bytes()
    spoken = client(made, "mara")
    sha256 = spoken.get("/specs/CB-9_rev_4.toml/change").text.split('name="sha256" value="')[1][:64]
    same = spoken.post("/specs/CB-9_rev_4.toml/change", data={**FORM, "sha256": sha256, "upper.0": "30"})
    assert "1 report was judged by this revision, and it stays as it is" in same.text
    data = {**FORM, "sha256": sha256, "upper.0": "30", "revision": "5", "valid_from": "2026-06-01"}
    assert spoken.post("/specs/CB-9_rev_4.toml/change", data=data).headers["location"] == "/specs/CB-9_rev_5.toml"
    assert path.read_bytes() == before
    with connected(made.lab, read_only=True) as connection:
        listed = specifications.every(connection, made.lab, date(2026, 7, 1))
    assert [(one.name, one.is_valid, one.reports) for one in listed] == [
        ("CB-9_rev_5.toml", True, 0),
        ("CB-9_rev_4.toml", False, 1),
    ]


def test_the_second_of_two_who_change_one_file_is_told(made):
    specifications.save(made.lab, MEANT, "first", "Mara Muster")
    spoken = client(made, "mara")
    sha256 = spoken.get("/specs/CB-9_rev_4.toml/change").text.split('name="sha256" value="')[1][:64]
    first = spoken.post("/specs/CB-9_rev_4.toml/change", data={**FORM, "sha256": sha256, "upper.0": "20"})
    second = spoken.post("/specs/CB-9_rev_4.toml/change", data={**FORM, "sha256": sha256, "upper.0": "30"})
    assert first.status_code == 303
    assert "somebody else changed it in the meantime" in second.text
    assert specs.read(made.lab.folder / "specs")[0].spec.requirements[0].upper == 20


def test_revisions_of_one_day_and_a_source_said_twice_are_refused(made):
    specifications.save(made.lab, MEANT, "first", "Mara Muster")
    spoken = client(made, "mara")
    day = spoken.post("/specs/new", data={**FORM, "revision": "5"})
    assert "begins on 2026-02-01 as CB-9 rev 4 does" in day.text
    twice = spoken.post("/specs/new", data=FORM)
    assert "CB-9_rev_4.toml states it already, of the same source" in twice.text


def test_a_name_leads_to_no_other_file_and_a_broken_one_is_shown(made):
    (made.lab.folder / "specs").mkdir()
    (made.lab.folder / "specs/broken.toml").write_text("part = ")
    spoken = client(made, "mara")
    for name in ("..%2Flab.toml", "lab.toml", "%2Fetc%2Fpasswd"):
        answer = spoken.get(f"/specs/{name}")
        assert answer.status_code in (404, 422)
        assert made.lab.key not in answer.text
    assert "stops every job" in spoken.get("/specs").text
    assert "broken.toml" in spoken.get("/specs/broken.toml").text


# -------------------------------------------------------------------------------------------------------- instruments

RECORD = """pixel_um = 0.25
u_rel = 0.002
instrument = "{instrument}"
objective = "50x"
certificate = "{certificate}"
method = "stage micrometer"
{due}
"""


def test_calibrations_say_how_long_they_last_and_who_used_them(made):
    today = now().date()
    folder = made.lab.folder / "calibrations"
    folder.mkdir()
    for name, days in (("a", 31), ("b", 30), ("c", -1), ("d", None)):
        due = "" if days is None else f"due = {today + timedelta(days=days)}"
        text = RECORD.format(instrument=f"scope {name}", certificate=f"DK {name}", due=due)
        (folder / f"{name}.toml").write_text(text)
    (folder / "e.toml").write_text("pixel_um = -1.0")
    first = today - timedelta(days=2)
    filled(made.lab, [8.0] * 4, [{**PRINT, "scale": "DK c, 0.25 um; tag, 1 um"}] * 4, first=first)
    with connected(made.lab) as connection:
        connection.execute(
            tables.calibration.insert(),
            [
                {"certificate": "DK c", "source": "", "pixel_um": 0.25},
                {"certificate": "", "source": "tag", "pixel_um": 1.0},
            ],
        )
        found = instruments.every(connection, made.lab, today)
    told = {one.file: (one.state, one.days, one.reports, one.late) for one in found.calibrations}
    assert told == {
        "a.toml": ("valid", 31, 0, 0),
        "b.toml": ("ends soon", 30, 0, 0),
        "c.toml": ("expired", -1, 4, 2),  # of today and tomorrow
        "d.toml": ("not stated", None, 0, 0),
        "": ("not stated", None, 4, 0),  # the tag: no file of the lab says it
    }
    assert [name for name, _ in found.faults] == ["e.toml"]
    said = client(made, "olga").get("/instruments").text
    assert "ends in 30 days" in said
    assert "2 after its last day" in said
    assert f"expired {today - timedelta(days=1)}" in said
