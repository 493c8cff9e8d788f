"""Every standards file: it loads, its units and worked cases hold, and what is wrong in one is said."""

import os
from dataclasses import replace

import pytest

from inspect_tool import registry
from inspect_tool.errors import StandardError
from inspect_tool.model import Requirement
from inspect_tool.paths import data_folder
from inspect_tool.standards import editions
from inspect_tool.standards.editions import check_rule, edition_of, editions_for, load_standard, names_for, unverified
from inspect_tool.standards.worked import run_case

CASES = [
    pytest.param(name, case, id=f"{name}-{i}-{case.function}")
    for name in editions.names()
    for i, case in enumerate(load_standard(name).worked)
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_worked_case(name, case):
    outcome = run_case(load_standard(name), case)
    assert outcome.found == pytest.approx(dict(case.expect), abs=case.tol)
    assert outcome.passed


def test_a_wrong_number_does_not_pass():
    edition = load_standard("astm_e112_2013")
    case = edition.worked[0]
    wrong = replace(case, expect={key: value + 2 * case.tol + 1e-9 for key, value in case.expect.items()})
    assert not run_case(edition, wrong).passed


def test_an_edition_is_read_once_and_anew_where_its_file_was_changed(tmp_path):
    text = (data_folder("standards") / "astm_e112_2013.toml").read_text("utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text, encoding="utf-8")
    first = load_standard(str(own))
    assert load_standard(str(own)) is first
    own.write_text(text.replace('edition = "2013"', 'edition = "2099"'), encoding="utf-8")
    os.utime(own, ns=(0, 1))  # in the same moment a file of the same size could not be told from it
    assert load_standard(str(own)).edition == "2099"


@pytest.mark.parametrize("name", editions.names())
def test_every_edition_states_its_clauses_and_has_a_worked_case_or_a_rule(name):
    standard = load_standard(name)
    assert standard.worked or standard.rules
    assert all(value.clause for value in standard.values.values())
    assert all(rule.clause and rule.title for rule in standard.rules.values())


def write(tmp_path, text):
    path = tmp_path / "mine_2020.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


HEAD = 'id = "MINE"\nedition = "2020"\ntitle = "My own method"\n'
RULE = (
    '[[rules]]\nname = "fields"\ntitle = "Fields"\nrelation = ">="\nlimit = 5\nunit = "fields"\n'
    'clause = "5.1"\nmethods = ["heyn"]\n'
)


def test_a_laboratory_writes_an_edition_of_its_own(tmp_path):
    standard = load_standard(write(tmp_path, HEAD + RULE))
    found = check_rule(standard, "fields", 4, method="heyn", specimen="A")
    assert (found.passed, found.limit, found.clause) == (False, 5, "MINE, edition 2020: 5.1")
    assert check_rule(standard, "fields", 5, method="heyn").passed
    assert not check_rule(standard, "fields", None, method="heyn").passed
    assert check_rule(standard, "fields", 5, method="jeffries") is None
    assert unverified(standard) == ("fields",)
    with pytest.raises(StandardError, match=r"mine_2020.toml: no rule 'grains'"):
        check_rule(standard, "grains", 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('edition = "1"\ntitle = "t"\n', r"mine_2020.toml: 'id' is missing"),
        (HEAD + '[g0]\nvalue = 1\nunit = "percent"\nclause = "c"\n', r"\[g0\]: unknown unit 'percent'"),
        (HEAD + '[g0]\nvalue = "x"\nunit = "mm"\nclause = "c"\n', r"\[g0\] value: got 'x'"),
        (HEAD + "g0 = 3\n", r"\[g0\]: must be a table with value, unit and clause"),
        (HEAD + RULE.replace(">=", "=>"), r"rules.0 relation: got '=>', must be '>=' or '<='"),
        (HEAD + "[[tables.t]]\na = 1\n[[tables.t]]\nb = 1\n", r"\[tables.t\]: row 1 has columns"),
    ],
)
def test_what_is_wrong_in_a_standards_file_is_said(tmp_path, text, message):
    with pytest.raises(StandardError, match=message):
        load_standard(write(tmp_path, text))


def test_an_unknown_edition_lists_those_there_are():
    with pytest.raises(StandardError, match=r"unknown standard 'astm_e112_1955'; there are: .*astm_e112_2013"):
        load_standard("astm_e112_1955")


# ---------------------------------------------------------------------------------------------- editions of one job


def editions_of(recipe, name="", asked=(), folder=None, **settings):
    module = registry.load("recipe", recipe)
    return editions_for(module, module.Settings(**settings), name, asked, folder)


@pytest.mark.parametrize(
    ("recipe", "name", "settings", "others"),
    [
        ("grain_size", "", {}, ["astm_e1181_2002", "astm_e930_2018"]),
        ("phase_fraction", "", {}, ["astm_e562_2019"]),
        ("phase_fraction", "iso_9042_1988", {}, ["astm_e1245_2016", "astm_e562_2019"]),
        ("porosity", "", {}, []),
        ("porosity", "", {"presentation": "hardmetal"}, ["astm_b276_2021"]),
        ("porosity", "", {"presentation": "thermal_spray"}, ["astm_e2109_2014"]),
        ("porosity", "astm_b276_2021", {}, []),
        ("solder_voids", "", {}, []),
        ("particles", "", {}, ["iso_9276_2_2014", "iso_9276_6_2008"]),
        ("fibres", "", {}, []),
        ("confluence", "", {}, []),
        ("decarburisation", "", {}, []),
        ("decarburisation", "astm_e1077_2014", {}, []),
        ("layer_thickness", "", {}, []),
        ("graphite", "", {}, []),
        ("graphite", "", {"also_by": ("iso_16112_2017",)}, ["iso_16112_2017"]),
        ("banding", "", {}, []),
        ("inclusions", "", {}, []),
        ("inclusions", "", {"also_by": ("astm_e45_2018",)}, ["astm_e45_2018"]),
    ],
)
def test_the_editions_of_a_job_are_its_own_and_those_its_recipe_names(recipe, name, settings, others):
    found = editions_of(recipe, name, **settings)
    assert [edition.name for edition in found.others] == others
    assert set(found.files) == {f"{edition.name}.toml" for edition in (found.job, *found.others)}
    for edition in (found.job, *found.others):
        assert edition_of(found, edition.id) is edition


def test_a_class_string_brings_its_edition():
    def asked(quantity):
        found = editions_of("porosity", asked=[Requirement(quantity=quantity, class_string="D5", source="drawing")])
        return [edition.id for edition in found.others]

    assert asked("porosity_class") == []  # the string of VDG P 201 holds its own numbers
    assert asked("porosity_key") == ["BDG P 202"]
    assert asked("hardmetal_class") == ["ASTM B276"]


def test_the_edition_of_the_job_comes_before_a_shipped_one_of_the_same_standard(tmp_path):
    shipped = data_folder("standards") / "astm_b276_2021.toml"
    own = tmp_path / "of_the_lab.toml"
    own.write_bytes(shipped.read_bytes())
    found = editions_of("porosity", str(own), presentation="hardmetal")
    assert edition_of(found, "ASTM B276") is found.job
    assert found.job.name == "of_the_lab"
    assert found.files["own-of_the_lab.toml"] == own


def test_an_edition_that_was_not_read_is_said():
    with pytest.raises(StandardError, match=r"no edition of ASTM E930 was read; there are: areal_porosity_2026$"):
        edition_of(editions_of("porosity"), "ASTM E930")


def test_a_report_is_read_with_the_editions_that_came_with_it(tmp_path):
    text = (data_folder("standards") / "astm_e112_2013.toml").read_text(encoding="utf-8")
    (tmp_path / "astm_e112_2013.toml").write_text(text.replace('title = "', 'title = "Of then: ', 1), encoding="utf-8")
    found = editions_of("grain_size", folder=tmp_path)
    assert found.job.title.startswith("Of then: ")
    assert found.others == ()  # a report without a scale needed no other one, and has none


# ---------------------------------------------------------------------------------- editions that follow a standard


def test_editions_of_a_known_standard_join_the_recipe_by_themselves(tmp_path, monkeypatch):
    recipe = registry.load("recipe", "grain_size")
    assert set(names_for(recipe)) - set(recipe.STANDARDS) == {"astm_e112_2024", "iso_643_2024"}
    for path in data_folder("standards").glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (tmp_path / "astm_e112_2024.toml").read_text(encoding="utf-8")
    (tmp_path / "astm_e112_2031.toml").write_text(
        text.replace('edition = "2024"', 'edition = "2031"'), encoding="utf-8"
    )
    (tmp_path / "gost_5639_1982.toml").write_text(HEAD + 'follows = "ISO 643"\n' + RULE, encoding="utf-8")
    monkeypatch.setattr(editions, "data_folder", lambda _: tmp_path)
    assert {"astm_e112_2031", "gost_5639_1982"} <= set(names_for(recipe))
    assert "gost_5639_1982" not in names_for(registry.load("recipe", "porosity"))


def test_who_follows_a_standard_that_nobody_knows_is_told(tmp_path):
    with pytest.raises(StandardError, match=r"mine_2020\.toml: follows 'ASTM E121', which is no known standard"):
        load_standard(write(tmp_path, HEAD + 'follows = "ASTM E121"\n' + RULE))


@pytest.mark.parametrize(
    ("recipe", "followed", "settings"),
    [("porosity", "astm_b276_2021", {}), ("porosity", "astm_e2109_2021", {}), ("phase_fraction", "astm_e562_2019", {})],
)
def test_what_follows_a_standard_takes_its_place(recipe, followed, settings, tmp_path):
    shipped = load_standard(followed)
    text = (data_folder("standards") / f"{followed}.toml").read_text(encoding="utf-8")
    own = tmp_path / "lab_7.toml"
    own.write_text(text.replace(f'id = "{shipped.id}"', f'id = "LAB 7"\nfollows = "{shipped.id}"', 1), encoding="utf-8")
    found = editions_of(recipe, str(own), **settings)
    assert (found.job.id, found.job.follows) == ("LAB 7", shipped.id)
    assert edition_of(found, shipped.id) is found.job
