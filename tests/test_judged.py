"""What results say on the axis of a chart: the limits of the verdicts, each with its own guard band, and no others."""

from dataclasses import replace

import pytest
from report_example import example

from inspect_tool.acceptance.conformity import decide
from inspect_tool.languages import Text, named
from inspect_tool.model import Chart, Requirement, Result, Series, Wording
from inspect_tool.report import judged

WORDING = Wording(
    judged={
        "phase_fraction.title_area_fraction_by_field": ("area_percent.*",),
        "porosity.title_pore_lengths": ("largest_pore_feret_um",),
    }
)


def result(quantity, value, u=1.0, *, specimen="1", **more):
    return Result(
        quantity=quantity, specimen=specimen, value=value, unit="um" if quantity.endswith("um") else "%", n=6,
        clause="c", definition="d", u=u, expanded_u=2 * u, title=f"Title of {quantity}",
        interval=(value - 2 * u, value + 2 * u), **more,
    )  # fmt: skip


def chart(title, name="ferrite"):
    return Chart(kind="bars", title=title, x_label="x", y_label="y", series=(Series(name=name, x=(0.0,), y=(1.0,)),))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return example(tmp_path_factory.mktemp("judged"), fields=1, features=10, size=120, grains=12).report


def with_results(report, results, **asked):
    """The report with other results and one requirement on the first quantity."""
    if not asked:
        return replace(report, results=tuple(results), conformities=())
    requirement = Requirement(quantity=results[0].quantity, **asked)
    judged = tuple(decide(one, requirement) for one in results if one.quantity == requirement.quantity)
    return replace(report, results=tuple(results), conformities=judged)


BY_FIELD = chart(Text("phase_fraction.title_area_fraction_by_field"))


@pytest.mark.parametrize(
    ("asked", "bands"),
    [
        ({"rule": "guarded"}, [(33.0, 37.0), (58.0, 62.0)]),  # w = U on both sides: between them is "undecided"
        ({"rule": "non_binary"}, [(33.0, 37.0), (58.0, 62.0)]),
        ({"rule": "guarded_binary"}, [(35.0, 37.0), (58.0, 60.0)]),  # what lies inside by less than w fails too
        ({"rule": "guarded", "guard_band": "1.5 u"}, [(33.5, 36.5), (58.5, 61.5)]),
        ({"rule": "simple"}, [None, None]),
    ],
)
def test_guard_bands_are_those_of_the_rule(report, asked, bands):
    found = judged.on_axis(
        BY_FIELD, with_results(report, [result("area_percent.ferrite", 46.0)], lower=35.0, upper=60.0, **asked), WORDING
    )
    assert [(one.at, one.upper) for one in found.limits] == [(35.0, False), (60.0, True)]
    assert [one.guard for one in found.limits] == bands


def test_the_guard_band_is_where_the_verdict_is_not_pass_nor_fail(report):
    """The band that is drawn and the rule that decides agree, for values across the limit."""
    for value in (56.9, 57.9, 58.1, 60.0, 61.9, 62.1):
        found = with_results(report, [result("area_percent.ferrite", value)], upper=60.0, rule="guarded")
        (limit,) = judged.on_axis(BY_FIELD, found, WORDING).limits
        inside = limit.guard[0] < value < limit.guard[1]
        assert (found.conformities[0].decision == "undecided") == inside, value


def test_a_limit_in_another_unit_lies_on_the_axis_of_the_result_and_is_named_as_it_was_asked(report):
    found = with_results(report, [result("largest_pore_feret_um", 120.0)], upper=0.2, unit="mm", rule="simple")
    (limit,) = judged.on_axis(chart(Text("porosity.title_pore_lengths")), found, WORDING).limits
    assert limit.at == pytest.approx(200.0)
    assert limit.words == "≤\N{NO-BREAK SPACE}0.2\N{NO-BREAK SPACE}mm"


def test_a_chart_of_another_quantity_has_no_limit(report):
    found = with_results(report, [result("area_percent.ferrite", 46.0)], upper=60.0)
    assert judged.on_axis(chart(Text("porosity.title_pore_lengths")), found, WORDING) == judged.NOTHING
    assert judged.on_axis(chart("Area fraction of somebody else"), found, WORDING) == judged.NOTHING
    assert judged.on_axis(BY_FIELD, found, Wording()) == judged.NOTHING


def test_a_chart_whose_series_is_named_as_a_result_is_judged_as_it(report):
    found = with_results(report, [result("area_percent.covered", 46.0)], upper=60.0)
    own = chart("any title", name="Title of area_percent.covered")
    assert [one.at for one in judged.on_axis(own, found, Wording()).limits] == [60.0]


def test_a_chart_of_one_specimen_shows_its_result_alone(report):
    results = [result("area_percent.ferrite", value, specimen=name) for name, value in (("A", 46.0), ("B", 50.0))]
    found = with_results(report, results, upper=60.0)
    title = Text("phase_fraction.title_area_fraction_by_field") + Text("phase_fraction.title_of_specimen", specimen="B")
    assert [one.value for one in judged.on_axis(chart(title), found, WORDING).results] == [50.0]
    both = judged.on_axis(BY_FIELD, found, WORDING)
    assert [(one.value, one.words) for one in both.results] == [(46.0, "A"), (50.0, "B")]
    assert len(both.limits) == 1


def test_a_chart_of_one_layer_shows_its_limits_alone(report):
    wording = Wording(judged={"layer_thickness.title_profile": ("mean_thickness_um.*",)})
    results = [result("mean_thickness_um.oxide", 46.0), result("mean_thickness_um.bond coat", 90.0)]
    asked = [Requirement(quantity=one.quantity, upper=2 * one.value, rule="simple") for one in results]
    verdicts = tuple(decide(one, each) for one, each in zip(results, asked, strict=True))
    both = replace(report, results=tuple(results), conformities=verdicts)
    title = Text("layer_thickness.title_profile", layer=named("terms", "bond coat"), specimen="1")
    found = judged.on_axis(chart(title), both, wording)
    assert [one.at for one in found.limits] == [180.0]
    assert [one.value for one in found.results] == [90.0]


def test_without_a_requirement_the_results_of_page_1_are_shown(report):
    results = [result("area_percent.ferrite", 46.0, main=True), result("area_percent.austenite", 54.0)]
    found = judged.on_axis(BY_FIELD, with_results(report, results), WORDING)
    assert found.limits == ()
    assert [(one.value, one.low, one.high) for one in found.results] == [(46.0, 44.0, 48.0)]


def test_limits_of_several_quantities_are_named(report):
    results = [result("area_percent.ferrite", 46.0), result("area_percent.austenite", 54.0)]
    asked = [Requirement(quantity=one.quantity, upper=60.0, rule="simple") for one in results]
    verdicts = tuple(decide(one, each) for one, each in zip(results, asked, strict=True))
    found = judged.on_axis(BY_FIELD, replace(report, results=tuple(results), conformities=verdicts), WORDING)
    assert [one.words.partition(" ≤")[0] for one in found.limits] == [one.title for one in results]


def test_a_strip_has_the_values_of_the_fields_of_its_specimen(report):
    results = [result("area_percent.ferrite", value, specimen=name) for name, value in (("A", 46.0), ("B", 50.0))]
    fields = replace(
        report.fields,
        columns=("specimen", "field", "area_percent.ferrite"),
        rows=(("A", 1, 45.0), ("B", 1, 49.5), ("A", 2, 47.0), ("B", 2, None)),
    )
    (strip,) = judged.strips(replace(with_results(report, results, upper=60.0), fields=fields))
    assert [(row.name, row.values) for row in strip.rows] == [("A", (45.0, 47.0)), ("B", (49.5,))]
    assert [[one.at for one in row.limits] for row in strip.rows] == [[60.0], [60.0]]
    assert judged.strips(with_results(report, results)) == ()
