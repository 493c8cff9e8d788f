"""Templates of the lab: a manager fixes how something is measured, an operator fills in what is left open."""

import re

import pytest
from intake_example import given
from workbench import NAMES, bench, client, with_people

from inspect_tool.evidence import audit
from inspect_tool.files import load_job, sha256_file
from inspect_tool.lab import inspections
from inspect_tool.lab.database import connected

FORM = {
    "name": "bracket",
    "title": "Bracket, porosity",
    "recipe": "porosity",
    "scale": "file",
    "settings.minimum_px2": "12",
    "header.customer": "Osterley",
    "requirements.0.upper": "3,5",
    "requirements.0.source": "drawing 60-118",
    "region.footer_px": "0",
    "quality.focus.red": "9",
    "exports.xlsx": "yes",
    "open": ["header.heat", "header.part"],
    "reason": "new customer",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return with_people(bench(tmp_path_factory.mktemp("templates") / "lab"))


@pytest.fixture(scope="module")
def mara(made):
    return client(made, "mara")


@pytest.fixture(scope="module")
def kept(made, mara):
    answer = mara.post("/templates/new", data=FORM)
    assert answer.status_code == 303, answer.text
    return made.lab.folder / "templates" / "bracket.toml"


def version(mara):
    return re.search(r'name="sha256" value="([0-9a-f]{64})"', mara.get("/templates/bracket").text)[1]


def test_it_is_kept_with_its_version_and_the_reason_in_the_audit_trail(made, mara, kept):
    text = mara.get("/templates").text
    assert "Bracket, porosity" in text
    assert sha256_file(kept) in text
    entry = next(one for one in audit.read(made.lab.reports).entries if one.subject == "bracket")
    assert (entry.event, entry.user, entry.reason, entry.old) == ("template", "Mara Muster", "new customer", None)
    assert entry.new["sha256"] == sha256_file(kept)
    assert entry.new["values"]["settings.minimum_px2"] == "12"


def test_who_uses_it_cannot_change_what_it_fixes(made, kept):
    olga = client(made, "olga")
    page = olga.get("/inspections/new?template=bracket").text
    assert 'name="header.heat"' in page
    assert "settings.minimum_px2" not in page
    (number,) = given(made.lab, "a.tif")
    asked = {"template": "bracket", "image": str(number), "header.heat": "H 7"}
    tried = {"recipe": "grain_size", "settings.minimum_px2": "1", "header.customer": "Me", "requirements.0.upper": "99"}
    answer = olga.post("/inspections", data={**asked, **tried})
    name = answer.headers["location"].rpartition("/")[2]
    with connected(made.lab, read_only=True) as connection:
        path = inspections.by_name(made.lab, connection, name).job
    job = load_job(path)
    assert path.read_text(encoding="utf-8").startswith("# Made from the template bracket of the laboratory, SHA-256 ")
    assert sha256_file(kept) in path.read_text(encoding="utf-8")
    assert (job.recipe, job.settings, job.requirements[0].upper) == ("porosity", {"minimum_px2": 12}, 3.5)
    assert (job.header.customer, job.header.heat, job.header.operator) == ("Osterley", "H 7", "Olga Muster")
    assert job.region.footer_px == 0
    assert job.quality == {"focus": {"red": 9.0}}
    assert job.exports == ("json", "html", "pdf", "csv", "xlsx")
    olga.post(f"/inspections/{name}/cancel")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"reason": " "}, "reason: is missing"),
        ({"name": "../bracket"}, "name: &#39;../bracket&#39; cannot be that of a template"),
        ({"name": "other", "settings.minimum_px2": "0"}, "settings.minimum_px2: got 0"),
        ({"name": "other", "open": "settings.minimum_px2"}, "is no field of the header"),
        ({"name": "other", "title": ""}, "title: is missing"),
        ({}, "there is a template &#39;bracket&#39; already"),
    ],
)
def test_a_wrong_one_is_said_and_what_was_typed_stays(made, mara, kept, more, says):
    before = kept.read_bytes()
    answer = mara.post("/templates/new", data={**FORM, **more})
    assert answer.status_code == 422
    assert says in answer.text
    assert "Osterley" in answer.text
    assert kept.read_bytes() == before
    assert [path.name for path in kept.parent.glob("*.toml")] == ["bracket.toml"]


def test_a_change_has_a_reason_keeps_what_was_before_and_the_second_person_is_told(made, mara, kept):
    first = version(mara)
    changed = {**FORM, "sha256": first, "settings.minimum_px2": "20", "reason": "smaller pores do not count"}
    assert mara.post("/templates/bracket", data=changed).status_code == 303
    entry = audit.read(made.lab.reports).entries[-1]
    assert (entry.old["sha256"], entry.new["sha256"]) == (first, sha256_file(kept))
    assert (entry.old["values"]["settings.minimum_px2"], entry.new["values"]["settings.minimum_px2"]) == ("12", "20")
    late = mara.post("/templates/bracket", data={**changed, "settings.minimum_px2": "30"})
    assert late.status_code == 422
    assert "Mara Muster changed it while you were at it" in late.text
    assert 'minimum_px2" = "20"' in kept.read_text(encoding="utf-8")


def test_a_damaged_one_is_named_and_the_others_can_be_used(made, mara, kept):
    damaged = kept.with_name("damaged.toml")
    damaged.write_text('schema = "inspect_tool/lab_template/1"\ntitel = "x"\n', encoding="utf-8")
    text = mara.get("/templates").text
    damaged.unlink()
    assert "damaged.toml" in text
    assert "Bracket, porosity" in text


@pytest.mark.parametrize("name", [name for name, role in NAMES.items() if role != "manager"])
def test_only_a_manager_makes_templates(made, kept, name):
    spoken = client(made, name)
    assert spoken.get("/templates").status_code == 200
    assert spoken.get("/templates/new").status_code == 403
    assert spoken.post("/templates/bracket", data=FORM).status_code == 403
