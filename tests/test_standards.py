"""Every standards file: it loads, its units and worked cases hold, and what is wrong in one is said."""

from dataclasses import replace

import pytest

from inspect_tool.errors import StandardError
from inspect_tool.standards import editions
from inspect_tool.standards.editions import check_rule, load_standard, unverified
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
