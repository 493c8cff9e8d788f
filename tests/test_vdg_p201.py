"""Class strings of castings and their requirements."""

import pytest

from inspect_tool.errors import SettingsError
from inspect_tool.model import Requirement
from inspect_tool.recipes import porosity
from inspect_tool.recipes.porosity import ReferenceArea, Settings
from inspect_tool.standards.editions import editions_for
from inspect_tool.standards.formulas.bdg_p202 import parse_key
from inspect_tool.standards.formulas.vdg_p201 import parse


@pytest.mark.parametrize(
    ("text", "load", "number", "diameter_mm", "ratio", "flags"),
    # S5/2/C is the published example; the others follow its grammar
    [
        ("S5/2/C", "S", 5, 2, None, "C"),
        ("D5/2/A1", "D", 5, 2, 1, ""),
        ("d 5 / 0,5 / a2", "D", 5, 0.5, 2, ""),
        ("G10", "G", 10, None, None, ""),
        ("F3/1.5", "F", 3, 1.5, None, ""),
        ("D20/1/R", "D", 20, 1, None, "R"),
        ("S5/2/A1.5/M/C", "S", 5, 2, 1.5, "MC"),
        ("S5/2/A1MC", "S", 5, 2, 1, "MC"),
        ("S2.5//", None, 0, None, None, ""),
    ],
)
def test_class_string(text, load, number, diameter_mm, ratio, flags):
    if load is None:
        with pytest.raises(SettingsError, match="not a class string"):
            parse(text)
        return
    found = parse(text)
    assert (found.load, found.number, found.diameter_mm, found.neighbour_ratio) == (load, number, diameter_mm, ratio)
    assert (found.nests_mid_wall, found.nests_in_junctions, found.inner_third) == (
        "M" in flags,
        "C" in flags,
        "R" in flags,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X5/2", r"porosity class 'X5/2': not a class string of VDG P 201; <S\|D\|F\|G><number>.*e\.g\. S5/2/C"),
        ("", "not a class string"),
        ("S5/2/B1", "not a class string"),
        ("S5/2/A", "not a class string"),
        ("S5/2/C/C", "option C stands twice"),
        ("F2.5/1", "after F is a count of pores, got 2.5"),
        ("S120/1", "120 % porosity is more than everything"),
        ("D5/2/R", "option R is for D10 to D30 only"),
        ("S20/2/R", "option R is for D10 to D30 only"),
    ],
)
def test_wrong_class_string_says_the_grammar(text, message):
    with pytest.raises(SettingsError, match=message):
        parse(text)


def expand(text, quantity="porosity_class", settings=None, **changes):
    asked = Requirement(quantity=quantity, class_string=text, source="drawing 4711", **changes)
    settings = settings or Settings()
    return porosity.expand(asked, settings, editions_for(porosity, settings, asked=[asked]))


def test_class_string_becomes_requirements():
    share, size, gap = expand("D5/2/A1", rule="simple")
    assert (share.quantity, share.upper, share.unit, share.rule) == ("reference_porosity_percent", 5, "%", "simple")
    assert (size.quantity, size.upper, size.unit) == ("largest_pore_feret_um", 2, "mm")
    assert (gap.quantity, gap.lower, gap.upper) == ("pore_neighbour_ratio_min", 1, None)
    assert share.source.startswith("drawing 4711: D: worst field")


def test_a_reference_area_takes_the_share():
    settings = Settings(reference_area=ReferenceArea(shape="circle", size_mm=5.0))
    assert expand("D5/2", settings=settings)[0].quantity == "reference_porosity_percent"
    count = expand("F4/1", settings=settings)[0]
    assert (count.quantity, count.upper, count.unit) == ("reference_pore_count", 4, "counts")


@pytest.mark.parametrize(("text", "option"), [("S5/2/M", "M"), ("S5/2/C", "C"), ("D10/2/R", "R"), ("S5/2/P3", "P")])
def test_what_an_image_cannot_show_is_asked_of_a_quantity_that_is_never_measured(text, option):
    last = expand(text)[-1]
    assert last.quantity == f"porosity_class.{option}"
    assert last.quantity not in porosity.QUANTITIES
    assert (last.lower, last.upper) == (None, None)


def test_key_of_p202():
    assert parse_key("BDG P 202: %5; Ø0,5; A1") == (("%", 5.0), ("Ø", 0.5), ("A", 1.0))
    share, size, unknown = expand("%5/Ø0.5/H3", "porosity_key")
    assert (share.quantity, share.upper) == ("reference_porosity_percent", 5)
    assert (size.quantity, size.upper, size.unit) == ("largest_pore_feret_um", 0.5, "mm")
    assert unknown.quantity == "porosity_key.H"
    assert "key_symbols" in unknown.source
    settings = Settings(key_symbols={"A": "pore_neighbour_ratio_min", "N": "pore_nests"})
    gap, nests = expand("A2 N0", "porosity_key", settings)
    assert (gap.lower, gap.upper) == (2, None)
    assert (nests.quantity, nests.upper) == ("pore_nests", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; symbols with values"),
        ("5/2", "'5' is not a symbol with a value"),
        ("%5/%6", "symbol % stands twice"),
    ],
)
def test_wrong_key_says_the_grammar(text, message):
    with pytest.raises(SettingsError, match=message):
        parse_key(text)


def test_key_symbol_with_unknown_quantity():
    with pytest.raises(SettingsError, match=r"key_symbols\.A: no quantity 'gap'"):
        expand("A1", "porosity_key", Settings(key_symbols={"A": "gap"}))


def test_unknown_kind_of_class():
    with pytest.raises(
        SettingsError, match=r"quantity 'porosity' is no kind of class; use porosity_class, porosity_key"
    ):
        expand("S5/2", "porosity")
