"""The gate before a verdict: intervals that say nothing, numbers without uncertainty, impossible shares."""

from dataclasses import replace

import pandas as pd
import pytest

from inspect_tool.acceptance.conformity import decide, doubted
from inspect_tool.acceptance.plausibility import gated
from inspect_tool.model import Component, Findings, Measurements, Requirement, Result
from inspect_tool.statistics.uncertainty import evaluated


def result(value, u, unit="%", quantity="porosity_percent", specimen="1", main=True):
    line = Component(name="fields", u=u, kind="B")
    return evaluated(
        Result(
            quantity=quantity, specimen=specimen, value=value, unit=unit, n=3, clause="", definition="", budget=(line,),
            main=main,
        )
    )  # fmt: skip


def failed(*results, asked=()):
    measurements = Measurements(features=pd.DataFrame(), fields=pd.DataFrame())
    found = gated(Findings(results=results, checks=(), measurements=measurements), asked)
    assert {check.scope for check in found.checks} <= {"plausibility"}
    return [check for check in found.checks if not check.passed]


# 1.96 u: 10.2 -> 20.0 points is the limit of a percentage
@pytest.mark.parametrize(
    ("one", "name"),
    [
        (result(30.0, 10.3), "interval of a percentage"),
        (result(9.0, 0.6, unit="G"), "grain size number"),
        (result(12.0, 6.2, unit="um"), "relative to the value"),
        (result(0.0, 0.0), "without a stated uncertainty"),
        (result(104.0, 1.0), "outside 0 to 100"),
        (result(-0.5, 1.0), "outside 0 to 100"),
    ],
)
def test_what_says_nothing_is_doubted_and_does_not_pass(one, name):
    (check,) = failed(one)
    assert name in check.name
    assert check.quantities == (one.quantity,)
    asked = Requirement(quantity=one.quantity, unit=one.unit, upper=1e6, rule="simple", source="drawing")
    assert decide(one, asked).decision == "pass"
    assert doubted(decide(one, asked), [check]).decision == "undecided"


@pytest.mark.parametrize(
    "one",
    [
        result(30.0, 10.1),
        result(0.4, 0.3),  # a small share may be known to no better than itself: its limit is far away
        result(9.0, 0.5, unit="G"),
        result(12.0, 6.0, unit="um"),
        replace(result(0.0, 0.0, unit="joints"), budget=()),  # a count that states no uncertainty
    ],
)
def test_what_says_something_is_not_doubted(one):
    assert failed(one) == []


def test_only_results_of_page_1_or_of_a_requirement_are_asked_and_each_specimen_apart():
    hidden = result(30.0, 15.0, quantity="point_percent.pore", main=False)
    assert failed(hidden) == []
    assert [check.quantities for check in failed(hidden, asked=["point_percent.pore"])] == [("point_percent.pore",)]
    bad = result(30.0, 15.0, specimen="B")
    assert [check.specimen for check in failed(result(30.0, 1.0, specimen="A"), bad)] == ["B"]
