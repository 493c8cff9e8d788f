"""Acceptance criteria by part and revision: what counts on a day, what conflicts, and what a sample says of its lot."""

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pypdf
import pytest
from PIL import Image
from typer.testing import CliRunner

from inspect_tool.acceptance import lots, specs
from inspect_tool.cli import app
from inspect_tool.errors import SettingsError
from inspect_tool.files import load_report
from inspect_tool.inspection import job_plan, job_run
from inspect_tool.model import Conformity, Lot, Requirement, SamplingPlan
from inspect_tool.verify import verify

ON = date(2026, 6, 1)


def spec_text(revision="B", since="2026-01-01", more="", upper=45.0, rule="guarded", source="drawing 4711", unit="%"):
    return (
        f'part = "4711"\nrevision = "{revision}"\nvalid_from = {since}\ntitle = "bracket"\n{more}\n'
        f'[[requirements]]\nquantity = "area_percent.dark"\nunit = "{unit}"\nupper = {upper}\nrule = "{rule}"\n'
        f'source = "{source}"\n'
    )


def drawn(name):
    """A field of 8 x 8 cells of 40 x 40 px, dark to 20.0 (A), 30.0 (B) and 50.0 % (C) of each."""
    cell = np.full((40, 40), 200.0)
    if name == "C":
        cell[:20, :20] = cell[20:, 20:] = 50
    else:
        cell[8:28, 8 : {"A": 24, "B": 32}[name]] = 50
    return np.tile(cell, (8, 8))


@pytest.fixture
def folder(tmp_path):
    """Three fields, one per specimen, dark to 20.0, 30.0 and 50.0 %."""
    for name in "ABC":
        Image.fromarray(drawn(name).astype(np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "specs").mkdir()
    return tmp_path


def job(folder, more="", specimens="ABC", day="2026-06-01", spec='spec = "4711 rev B"', exports='["json"]'):
    listed = "".join(f'[[specimens]]\nid = "{name}"\nimages = ["{name}.png"]\n' for name in specimens)
    (folder / "job.toml").write_text(
        f'recipe = "phase_fraction"\nexports = {exports}\n{spec}\n{listed}'
        f'[header]\ndate_of_work = "{day}"\n[calibration]\nsource = "ratio only"\n'
        f'[backend]\nname = "threshold"\nclasses = ["dark", "bright"]\nphase = "dark"\n{more}\n',
        encoding="utf-8",
    )
    return folder / "job.toml"


def put(folder, name="drawing.toml", **asked):
    (folder / "specs" / name).write_text(spec_text(**asked), encoding="utf-8")


# ------------------------------------------------------------------------------------------------- which file counts


def found(folder, name="4711 rev B", day=ON, recipe="phase_fraction"):
    return specs.find(name, specs.read(folder / "specs"), day, recipe, "job.toml")


def test_every_source_of_the_valid_revision_counts_and_the_job_joins_them(folder):
    put(folder)
    put(folder, "customer.toml", upper=35.0, source="customer QS-17 rev 3")
    put(folder, "old.toml", revision="A", since="2024-01-01", upper=60.0)
    own = '[[requirements]]\nquantity = "area_percent.dark"\nunit = "%"\nlower = 1.0\nsource = "order 12"'
    planned = job_plan.plan(job(folder, own))
    assert [(r.source, r.lower, r.upper) for r in planned.requirements] == [
        ("order 12", 1.0, None),
        ("customer QS-17 rev 3", None, 35.0),
        ("drawing 4711", None, 45.0),
    ]
    assert [(f.file, f.left_out) for f in planned.criteria.files] == [
        ("customer.toml", ""),
        ("drawing.toml", ""),
        ("old.toml", "another revision"),
    ]


def test_a_source_of_the_file_stands_for_its_requirements(folder):
    (folder / "specs" / "one.toml").write_text(
        spec_text(source="", more='source = "IPC-7095 class 3"'), encoding="utf-8"
    )
    assert found(folder)[0].spec.requirements[0].source == "IPC-7095 class 3"
    (folder / "specs" / "one.toml").write_text(spec_text(source=""), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"one.toml requirements.0.source: is missing; say who asks"):
        found(folder)


@pytest.mark.parametrize(
    ("day", "message"),
    [
        # B is valid from 2026-01-01, C from 2026-09-01; B has no valid_to, so that C ends it
        (
            date(2025, 12, 31),
            r"is not yet valid on 2025-12-31: valid from 2026-01-01; .*: 4711 rev A \(valid from 2024",
        ),
        (date(2026, 9, 1), r"is superseded on 2026-09-01; current on that day: 4711 rev C \(valid from 2026-09-01\)"),
    ],
)
def test_a_revision_that_is_not_the_current_one_is_refused_and_the_current_one_named(folder, day, message):
    put(folder)
    put(folder, "a.toml", revision="A", since="2024-01-01")
    put(folder, "c.toml", revision="C", since="2026-09-01")
    with pytest.raises(SettingsError, match=message):
        found(folder, day=day)
    assert {file.spec.revision for file in found(folder, day=date(2026, 8, 31)) if not file.left_out} == {"B"}


def test_the_list_of_criteria_says_which_are_valid_on_a_day(folder):
    put(folder)
    put(folder, "a.toml", revision="A", since="2024-01-01", more="valid_to = 2025-12-31")
    put(folder, "c.toml", revision="C", since="2026-09-01")
    files = specs.read(folder / "specs")

    def states(day):
        return {one.file.spec.revision: one.state for one in specs.listed(files, day)}

    assert states(ON) == {"C": "not yet valid", "B": "valid", "A": "no longer valid"}
    assert list(states(ON)) == ["C", "B", "A"]  # the newest first
    assert states(date(2026, 9, 1)) == {"C": "valid", "B": "superseded", "A": "no longer valid"}
    assert states(date(2025, 12, 31)) == {"C": "not yet valid", "B": "not yet valid", "A": "valid"}
    put(folder, "d.toml", revision="D")
    told = {one.file.spec.revision: one.state for one in specs.listed(specs.read(folder / "specs"), ON)}
    assert (told["B"], told["D"]) == ("not told apart", "not told apart")


def test_the_command_lists_criteria_and_says_in_one_line_what_is_wrong(folder, monkeypatch):
    put(folder, source="QS-17", more="valid_to = 2999-12-31")
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["list", "specs"])
    (line,) = done.stdout.splitlines()
    assert line.startswith("4711 rev B")
    assert "valid from 2026-01-01 to 2999-12-31; 1 requirement; drawing.toml" in line
    assert f"valid on {date.today()}" in line or "not yet valid" in line
    for place, message in (("gone", "no such file or folder"), ("A.png", "A.png")):
        failed = CliRunner().invoke(app, ["list", "specs", place])
        assert isinstance(failed.exception, SettingsError)
        assert message in str(failed.exception)
        assert "\n" not in str(failed.exception)
    refused = CliRunner().invoke(app, ["list", "units", "specs"])
    assert "list units: takes no folder; specs do" in str(refused.exception)


def test_a_revision_is_valid_to_the_end_of_its_last_day(folder):
    put(folder, more="valid_to = 2026-06-30")
    assert found(folder, day=date(2026, 6, 30))
    with pytest.raises(SettingsError, match=r"no longer valid on 2026-07-01: valid to 2026-06-30; no revision is"):
        found(folder, day=date(2026, 7, 1))


def test_two_revisions_of_one_day_are_refused_because_neither_is_the_newer(folder):
    put(folder)
    put(folder, "c.toml", revision="C")
    with pytest.raises(SettingsError, match="which is the newer cannot be told; give the older one a valid_to"):
        found(folder)


def test_a_source_that_ran_out_is_left_out_with_the_reason(folder):
    put(folder)
    put(folder, "qs2.toml", source="QS-17 rev 2", more="valid_to = 2026-03-31")
    put(folder, "other.toml", source="QS-18", more='recipe = "porosity"')
    assert [file.left_out for file in found(folder)] == ["", "for porosity", "valid to 2026-03-31"]
    (folder / "specs" / "drawing.toml").unlink()
    with pytest.raises(SettingsError, match="'4711 rev B' has criteria for porosity only, this job is phase_fraction"):
        found(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (spec_text() + "limit = 3\n", r"requirements.0.limit: unknown key"),
        (spec_text().replace("valid_from = 2026-01-01", ""), r"valid_from: is missing"),
        (spec_text(more="valid_to = 2025-01-01"), "valid_to: 2025-01-01 lies before valid_from"),
        (spec_text().split("[[")[0], "requirements: is missing"),
        (spec_text().split("[[")[0] + "requirements = []", r"holds no \[\[requirements\]\]"),
        (spec_text(revision=" "), "revision: is empty"),
        ("part = ", "line 1, .*: has no value"),
    ],
)
def test_a_file_that_cannot_be_read_stops_the_job_because_it_might_hold_the_newest_revision(folder, text, message):
    put(folder)
    (folder / "specs" / "broken.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message) as told:
        job_plan.plan(job(folder))
    assert "broken.toml" in str(told.value)


def test_what_a_job_names_wrongly_is_one_line_that_says_what_there_is(folder):
    with pytest.raises(SettingsError, match=r"specs: holds no \*.toml file"):
        job_plan.plan(job(folder))
    put(folder)
    put(folder, "a.toml", revision="A", since="2024-01-01")
    with pytest.raises(SettingsError, match=r"there is no '4711 rev D'; there are: 4711 rev A, 4711 rev B$"):
        job_plan.plan(job(folder, spec='spec = "4711 rev D"'))
    with pytest.raises(SettingsError, match=r"specs: is given, but 'spec' names no part"):
        job_plan.plan(job(folder, spec='specs = "specs"'))
    with pytest.raises(SettingsError, match="elsewhere: no such file or folder"):
        job_plan.plan(job(folder, spec='spec = "4711 rev B"\nspecs = "elsewhere"'))
    with pytest.raises(SettingsError, match=r"date_of_work: '1.6.2026' must be a day as 2026-01-31"):
        job_plan.plan(job(folder, day="1.6.2026"))
    assert job_plan.plan(job(folder, spec='spec = "4711  rev B"\nspecs = "specs/drawing.toml"')).requirements


def test_a_requirement_of_a_file_that_the_recipe_does_not_know_names_the_file(folder):
    put(folder)
    text = spec_text().replace("area_percent.dark", "grain_size_number")
    (folder / "specs" / "x.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"x.toml requirements.0.quantity: recipe phase_fraction has no"):
        job_plan.plan(job(folder))


# ----------------------------------------------------------------------------------------------------- what conflicts


def asked(source, lower=None, upper=None, unit="%", rule="guarded", specimen="", quantity="x"):
    return Requirement(
        quantity=quantity, unit=unit, lower=lower, upper=upper, rule=rule, source=source, specimen=specimen
    )


def compared(*requirements, unit="%"):
    return specs.compared(requirements, lambda _: unit, lambda name: f"the {name}", "job.toml")


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ({"upper": 25.0}, {"upper": 20.0}, "Stricter is customer."),
        ({"lower": 5.0}, {"lower": 4.0}, "Stricter is drawing."),
        ({"lower": 5.0, "upper": 25.0}, {"upper": 25.0}, "Stricter is drawing."),
        ({"lower": 5.0, "upper": 25.0}, {"lower": 4.0, "upper": 20.0},
         "Neither is stricter on both sides: the lower limit of drawing, the upper limit of customer."),
        ({"lower": 5.0}, {"upper": 20.0},
         "Neither is stricter on both sides: the lower limit of drawing, the upper limit of customer."),
        ({"upper": 0.25, "unit": "1"}, {"upper": 20.0}, "Stricter is customer."),
        ({"upper": 25.0, "rule": "simple"}, {"upper": 25.0}, "The limits are the same, the decision rules are not."),
        ({"upper": 25.0, "rule": "simple"}, {"upper": 20.0},
         "Stricter is customer, by the limits; the decision rules differ."),
    ],
)  # fmt: skip
def test_a_conflict_names_both_sources_and_the_stricter_side_by_side(one, other, says):
    conflicts, agreements = compared(asked("drawing", **one), asked("customer", **other))
    assert agreements == ()
    assert len(conflicts) == 1
    assert conflicts[0].startswith("the x: the sources set different limits: drawing: ")
    assert f"{says} Each limit is decided on separately." in conflicts[0]


def test_of_three_sources_the_strictest_ones_are_named():
    (text,), _ = compared(asked("a", upper=9.0), asked("b", upper=7.0), asked("c", upper=7.0))
    assert "a: at most 9 % (guarded); b: at most 7 % (guarded); c: at most 7 % (guarded)" in text
    assert "Stricter are b and c." in text


def test_equal_limits_are_one_line_of_agreement_in_any_unit():
    conflicts, agreements = compared(asked("a", upper=0.32, unit="mm"), asked("b", upper=320.0, unit="um"), unit="um")
    assert conflicts == ()
    assert agreements == ("the x: a and b agree: at most 0.32 mm (guarded).",)


def test_limits_that_nothing_can_fulfill_are_an_error_that_names_both_sources():
    with pytest.raises(SettingsError, match=r"nothing can fulfill both 'a' \(at least 8 % .*'b' \(at most 7 %"):
        compared(asked("a", lower=8.0), asked("b", upper=7.0))
    assert compared(asked("a", lower=7.0), asked("b", upper=7.0))[0]  # a single value can


def test_requirements_meet_only_on_the_same_specimen_and_quantity():
    assert compared(asked("a", upper=8.0, specimen="A"), asked("b", upper=7.0, specimen="B")) == ((), ())
    assert compared(asked("a", upper=8.0), asked("b", upper=7.0, quantity="y")) == ((), ())
    (text,), _ = compared(asked("a", upper=8.0), asked("b", upper=7.0, specimen="B"))
    assert text.startswith("the x of specimen B: the sources set different limits")


def test_one_source_may_state_both_sides_or_two_rules_but_not_one_side_twice():
    assert compared(asked("a", lower=5.0), asked("a", upper=8.0)) == ((), ())
    assert compared(asked("a", upper=8.0), asked("a", upper=9.0, rule="simple")) == ((), ())
    (text,), _ = compared(asked("a", upper=8.0), asked("a", upper=9.0))
    assert text.startswith("the x: one source sets two different limits: a: at most 8 % (guarded), at most 9 %")


# ---------------------------------------------------------------------------------------------------------------- lots


def judged(specimen, decision):
    return Conformity(
        requirement=asked("a", upper=1.0), specimen=specimen, quantity="x", value=1.0, unit="%", expanded_u=None,
        decision=decision, probability=None, reason="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ac", "decisions", "word"),
    [
        (0, ("pass", "pass", "pass"), "accepted"),
        (0, ("pass", "fail", "pass"), "rejected"),
        (1, ("pass", "fail", "pass"), "accepted"),
        (1, ("fail", "fail", "pass"), "rejected"),
        (0, ("pass", "undecided", "pass"), "not decided"),
        (0, ("pass", "conditional pass", "pass"), "not decided"),
        (0, ("pass", "not stated", "pass"), "not decided"),
        (1, ("fail", "undecided", "pass"), "not decided"),
        # it comes out the same whichever way the undecided ones fall
        (0, ("fail", "undecided", "pass"), "rejected"),
        (1, ("pass", "undecided", "pass"), "accepted"),
        (1, ("undecided", "conditional fail", "pass"), "not decided"),
        (0, ("pass", "pass"), "not decided"),
        (0, ("fail", "pass"), "not decided"),
    ],
)
def test_a_lot_is_accepted_up_to_ac_and_rejected_from_re_on(ac, decisions, word):
    lot = Lot(id="L", size=90, plan=SamplingPlan(standard="ISO 2859-1", n=3, ac=ac, re=ac + 1))
    names = "ABC"[: len(decisions)]
    found = lots.verdict(lot, names, [judged(name, one) for name, one in zip(names, decisions, strict=True)])
    assert found.verdict == word
    assert found.inspected == len(names)
    if "undecided" in decisions:
        assert names[decisions.index("undecided")] in found.reason


def test_a_specimen_that_fails_two_requirements_counts_once():
    lot = Lot(id="L", size=90, plan=SamplingPlan(standard="ISO 2859-1", n=2, ac=1, re=2))
    found = lots.verdict(lot, "AB", [judged("A", "fail"), judged("A", "fail"), judged("B", "pass")])
    assert (found.verdict, found.nonconforming) == ("accepted", ("A",))


def test_a_specimen_that_no_requirement_is_for_is_undecided():
    lot = Lot(id="L", size=90, plan=SamplingPlan(standard="ISO 2859-1", n=2, ac=0, re=1))
    assert lots.verdict(lot, "AB", [judged("A", "pass")]).undecided == ("B",)


LOT = (
    '[lot]\nid = "L 2611-04"\nsize = 500\n'
    'plan = {{ standard = "ISO 2859-1", n = {n}, ac = {ac}, re = {re}, source = "QA-118" }}\n'
)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"n": 3, "ac": 0, "re": 2}, r"lot.plan.re: got 2, in single sampling it is Ac \+ 1 = 1"),
        ({"n": 2, "ac": 0, "re": 1}, "lot.plan.n: the job has 3 specimens, the sample of the plan has 2"),
        ({"n": 0, "ac": 0, "re": 1}, "lot.plan.n: got 0"),
        ({"n": 3, "ac": 3, "re": 4}, "lot.plan.ac: got 3, must be from 0 to 2"),
        ({"n": 501, "ac": 0, "re": 1}, "lot.size: 500 items are fewer than the sample of 501"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_before_anything_is_measured(folder, numbers, message):
    put(folder)
    with pytest.raises(SettingsError, match=message):
        job_plan.plan(job(folder, LOT.format(**numbers)))


def test_a_lot_without_requirements_is_refused(folder):
    with pytest.raises(SettingsError, match=r"job.toml lot: without a requirement no specimen can be judged"):
        job_plan.plan(job(folder, LOT.format(n=3, ac=0, re=1), spec=""))


# ------------------------------------------------------------------------------------------------------- whole reports


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lot of three with two sources that conflict; C (50 %) fails both limits, B (30 %) the stricter one."""
    folder = tmp_path_factory.mktemp("lot")
    rng = np.random.default_rng(3)
    for name in "ABC":
        gray = drawn(name)
        Image.fromarray((gray + rng.normal(0, 4, gray.shape)).astype(np.uint8)).save(folder / f"{name}.png")
    (folder / "specs").mkdir()
    put(folder, "drawing.toml", upper=45.0, rule="simple")
    put(folder, "customer.toml", upper=25.0, rule="simple", source="customer QS-17 rev 3")
    put(folder, "old.toml", revision="A", since="2024-01-01", upper=60.0)
    job_run.run(job(folder, LOT.format(n=3, ac=1, re=2), exports='["json", "html", "pdf"]'), folder / "reports")
    return folder / "reports" / "job"


@pytest.fixture
def bare(made, tmp_path):
    """A copy without pages, which take seconds to print again."""
    copy = Path(shutil.copytree(made, tmp_path / "copy"))
    for name in ("report.html", "report.pdf"):
        (copy / name).unlink()
    return copy


def unlike(folder):
    return [f"{item.part}: {item.text}" for item in verify.verify(folder).findings if item.state == "differs"]


def test_both_limits_stand_in_the_report_and_its_certificate_says_that_they_conflict(made):
    report = load_report(made / "report.json")
    assert [(c.specimen, c.requirement.source, c.decision) for c in report.conformities] == [
        ("A", "customer QS-17 rev 3", "pass"),
        ("B", "customer QS-17 rev 3", "fail"),
        ("C", "customer QS-17 rev 3", "fail"),
        ("A", "drawing 4711", "pass"),
        ("B", "drawing 4711", "pass"),
        ("C", "drawing 4711", "fail"),
    ]
    (conflict,) = report.criteria.conflicts
    assert "Stricter is customer QS-17 rev 3." in conflict
    assert report.warnings[0] == conflict
    front = pypdf.PdfReader(made / "report.pdf").pages[:2]
    page, remarks = (" ".join(page.extract_text().split()) for page in front)
    assert "Stricter is customer QS-17 rev 3." in remarks
    assert "LOT REJECTED" in page.upper()
    assert "2 of 3 specimens nonconforming, rejection number 2" in page
    assert report.lot.nonconforming == ("B", "C")
    whole = "".join(page.extract_text() for page in pypdf.PdfReader(made / "report.pdf").pages)
    assert {file.sha256[:8] in whole.replace(" ", "") for file in report.criteria.files} == {True}


def test_a_report_made_by_acceptance_criteria_verifies_as_folder_and_as_pdf(made):
    assert unlike(made) == []
    assert unlike(made / "report.pdf") == []


def test_a_changed_limit_in_the_file_that_travels_with_the_report_is_found(bare):
    file = bare / "evidence" / "spec-customer.toml"
    file.write_text(file.read_text().replace("upper = 25.0", "upper = 35.0"))
    said = unlike(bare)
    assert "files: evidence/spec-customer.toml: was changed: its SHA-256 is not the stated one" in said
    assert any(text.startswith("numbers: conformities") and "35" in text for text in said)
    assert any(text.startswith("numbers: lot verdict") for text in said)  # one specimen fails then, within Ac 1


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("lot", "verdict"), "accepted", "numbers: lot verdict: report 'accepted', recomputed 'rejected'"),
        (("lot", "lot", "plan", "ac"), 2, "numbers: lot lot plan ac: report 2, recomputed 1"),
        (("criteria", "conflicts"), [], "numbers: criteria conflicts: report has 0 entries, recomputed 1"),
        (
            ("criteria", "files", 2, "left_out"),
            "",
            "numbers: criteria files 3 left_out: report '', recomputed 'another",
        ),
    ],
)
def test_a_forged_lot_verdict_or_a_conflict_left_out_is_found_by_recomputing(bare, path, value, message):
    data = json.loads((bare / "report.json").read_text())
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (bare / "report.json").write_text(json.dumps(data))
    assert any(text.startswith(message) for text in unlike(bare))


def test_images_are_segmented_again_with_the_criteria_of_the_report(made, bare):
    found = verify.verify(bare, images=made.parents[1])
    assert [item.state for item in found.findings if item.part == "segmentation"] == ["verified"] * 3


def test_the_command_keeps_its_exit_status_and_prints_the_lot(folder):
    # one of three fails within Ac = 1: the lot is accepted, and a requirement failed all the same
    put(folder, rule="simple")
    arguments = ["run", str(job(folder, LOT.format(n=3, ac=1, re=2))), "--out", str(folder / "out"), "--json"]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 3
    (one,) = json.loads(told.stdout)
    assert one["verdict"] == "fail"
    assert one["lot"]["verdict"] == "accepted"
    assert one["lot"]["reason"] == "1 of 3 specimens nonconforming, acceptance number 1"
