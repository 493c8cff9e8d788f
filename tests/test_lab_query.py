"""The language of a search in the laboratory's memory: a text to a value."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.errors import SettingsError
from inspect_tool.lab.query import Compare, Days, Match, Query, Superseded, Words, parse, quoted


def terms(text):
    return parse(text).terms


def test_the_query_of_the_issue_is_three_terms():
    assert terms("heat:730218 recipe:grain_size since:2026-10") == (
        Match(field="heat", patterns=(("730218",),)),
        Match(field="recipe", patterns=(("grain_size",),)),
        Days(first=date(2026, 10, 1)),
    )


def test_nothing_asks_for_every_report():
    assert parse("  ") == Query()


@pytest.mark.parametrize(
    ("text", "first", "before"),
    [
        ("day:2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("day:2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("day:2024-02", date(2024, 2, 1), date(2024, 3, 1)),  # of a leap year
        ("day:2026-02-28", date(2026, 2, 28), date(2026, 3, 1)),
        ("since:2026-10-31", date(2026, 10, 31), None),
        ("until:2026-10", None, date(2026, 11, 1)),  # the month itself is in it
        ("until:2026", None, date(2027, 1, 1)),
    ],
)
def test_a_year_a_month_and_a_day_are_spans(text, first, before):
    assert terms(text) == (Days(first=first, before=before),)


def test_a_minus_turns_any_term_around():
    assert terms('-verdict:fail -weld -"weld 3" -void_percent.max>20 -superseded:yes -day:2026') == (
        Match(field="verdict", patterns=(("fail",),), negated=True),
        Words(text="weld", negated=True),
        Words(text="weld 3", negated=True),
        Compare(quantity="void_percent.max", relation=">", number=20.0, negated=True),
        Superseded(negated=True),
        Days(first=date(2026, 1, 1), before=date(2027, 1, 1), negated=True),
    )
    assert terms("superseded:no") == (Superseded(negated=True),)
    assert terms("-superseded:no") == (Superseded(),)
    assert terms("A-7") == (Words(text="A-7"),)


@pytest.mark.parametrize("marks", ['""', "“”", "„“"])
def test_what_stands_in_quotation_marks_is_one_text_and_no_sign_in_it_counts(marks):
    value = f"{marks[0]}Meier, Sohn *: -x>7{marks[1]}"
    assert terms(f"customer:{value}") == (Match(field="customer", patterns=(("Meier, Sohn *: -x>7",),)),)
    assert terms(value) == (Words(text="Meier, Sohn *: -x>7"),)


def test_a_quotation_mark_and_a_backslash_can_be_sought():
    assert terms(r'title:"3\" pipe" name:"a\\" part:a\b') == (
        Match(field="title", patterns=(('3" pipe',),)),
        Match(field="name", patterns=(("a\\",),)),
        Match(field="part", patterns=(("a\\b",),)),
    )


def test_stars_stand_for_any_letters_and_commas_part_alternatives():
    assert terms('heat:7302*,*18 customer:"Meier "*') == (
        Match(field="heat", patterns=(("7302", ""), ("", "18"))),
        Match(field="customer", patterns=(("Meier ", ""),)),
    )


def test_what_is_not_stated_can_be_asked_for():
    assert terms('heat:""') == (Match(field="heat", patterns=(("",),)),)
    assert terms("heat:") == terms('heat:""')


@pytest.mark.parametrize("relation", ["<", "<=", ">", ">=", "="])
def test_a_result_is_compared_in_its_own_unit(relation):
    assert terms(f'"area_percent.my phase"{relation}1e-3') == (
        Compare(quantity="area_percent.my phase", relation=relation, number=0.001),
    )


def test_signs_that_text_programs_write_are_understood():
    assert terms("porosity_percent≤2 porosity_percent≥1") == (
        Compare(quantity="porosity_percent", relation="<=", number=2.0),
        Compare(quantity="porosity_percent", relation=">=", number=1.0),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("haet:730218", r"^query: there is no field 'haet'; did you mean 'heat'\?$"),
        ("qqq:730218", r"there is no field 'qqq'; fields are recipe, .* a result is compared, as qqq>730218$"),
        ("grain_size_number:7", r"there is no field 'grain_size_number'; .* as grain_size_number>7$"),
        ("verdict:failed", r"verdict:failed: must be pass, fail, undecided or \"no requirement\"; did you mean"),
        ("since:2026-13", "since:2026-13: is no year, month or day; write it as 2026, 2026-10 or 2026-10-31$"),
        ("since:2026-02-30", "since:2026-02-30: is no year, month or day"),
        ("day:31.10.2026", r"day:31\.10\.2026: is no year"),
        ("day:0000", "day:0000: is no year"),
        ("until:9999-12-31", "is no year, month or day"),
        ("since:", "since: has no value; give a year, a month or a day, as since:2026-10$"),
        ("superseded:perhaps", "superseded:perhaps: must be yes or no$"),
        ("heat=730218", "heat is a field and no result; write heat:730218$"),
        ("day>2026", "compare days by since: and until:$"),
        ("grain_size_number>7,5", "'7,5' is no number; write grain_size_number>7.5: the decimal sign is a point$"),
        ("mean_intercept_um<20um", "'20um' is no number; write mean_intercept_um<20, in the unit of the result$"),
        ("x>high", "'high' is no number; give the number in the unit of the result$"),
        ("x>nan", "the number is not finite$"),
        (">7", "no result is named; write it before, as grain_size_number>7$"),
        ('heat:"730218', "the quotation mark before '730218' has no other one after it$"),
        ("heat:1 -", "a minus or quotation marks stand alone"),
        ('""', "a minus or quotation marks stand alone"),
        ("heat:a\0b", "it holds a sign that is no text$"),
        ("heat:a\udcff", "it holds a sign that is no text$"),  # bytes of a command line that are no UTF-8
        ("a " * 51, "it has 51 terms, at most 50 are taken$"),
        ("a" * 2001, "it has 2001 letters, at most 2000 are read$"),
    ],
)
def test_a_slip_is_one_line_that_says_what_to_write(text, says):
    with pytest.raises(SettingsError, match=says):
        parse(text)


def answer(text):
    try:
        return parse(text)
    except SettingsError as error:
        return str(error)


@given(st.text(alphabet='ab:<>="“\\*,- \n\t7.éheatday', max_size=30))
def test_any_text_is_a_query_or_one_line(text):
    found = answer(text)
    assert isinstance(found, Query) or (found.startswith("query: ") and "\n" not in found)


@given(st.text(min_size=1, max_size=30).filter(lambda text: text.strip() and "\0" not in text))
def test_a_text_that_is_quoted_is_sought_as_it_is(text):
    assert terms(f"heat:{quoted(text)} {quoted(text)}") == (
        Match(field="heat", patterns=((text,),)),
        Words(text=text),
    )
