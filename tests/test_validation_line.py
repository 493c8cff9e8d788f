"""The line that labeled images add to a budget, against half widths that are known by construction."""

from dataclasses import replace
from datetime import date
from math import log, sqrt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from inspect_tool.acceptance import plausibility
from inspect_tool.acceptance.conformity import decide, doubted
from inspect_tool.model import (
    Calibration,
    Carried,
    Component,
    FieldMeasurement,
    Findings,
    Measurements,
    Requirement,
    Result,
)
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated
from inspect_tool.validation import line, reach
from inspect_tool.validation.features import NAME
from inspect_tool.validation.values import (
    APART_IF_FEW,
    DOUBTS_ALONE,
    KIND_FIRST,
    SCHEMA,
    WITH_STOPPED,
    WITHOUT_GATE,
    FieldError,
    LabeledImages,
    ValidatedField,
    Validation,
)

OWN_U = 0.5
NEAR = {"contrast": 1.0, "sharpness": 2.0, "disagreement": -4.0}


def field(number: int = 1, specimen: str = "A", **features: float) -> FieldMeasurement:
    return FieldMeasurement(
        specimen=specimen,
        section="1",
        plane="not stated",
        field=number,
        image=f"{number}.png",
        shape_px=(10, 10),
        calibration=Calibration(pixel_um=1.0),
        values={},
        features=pd.DataFrame(),
        read_off={NAME: {**NEAR, **features}},
    )


def result(quantity: str, value: float, unit: str, specimen: str, factor: float = 1.0) -> Result:
    budget = (
        Component(name="between fields", u=1.0 * factor, kind="A", dof=4),
        Component(name="segmentation", u=OWN_U * factor, kind="B"),
    )
    return evaluated(
        Result(
            quantity=quantity,
            specimen=specimen,
            value=value,
            unit=unit,
            n=1,
            clause="",
            definition="x/1",
            budget=budget,
            main=True,
        )
    )


def combine(fields, settings, standard):
    del settings, standard
    specimens = dict.fromkeys(one.specimen for one in fields)
    made = [
        one
        for specimen in specimens
        for one in (
            result("porosity_percent", float(fields[0].values.get("porosity", 5.0)), "%", specimen),
            result("worst_percent", 9.0, "%", specimen),
            result("grain_size_number", 8.0, "G", specimen),
            result("mean_intercept_um", 20.0, "um", specimen),
            result("pore_count_per_mm2", 100.0, "1/mm2", specimen),
        )
    ]
    nothing = Measurements(features=pd.DataFrame(), fields=pd.DataFrame())
    return Findings(results=tuple(made), checks=(), measurements=nothing)


RECIPE = SimpleNamespace(
    combine=combine,
    CARRIED={
        "porosity_percent": Carried(of="porosity_percent"),
        "worst_percent": Carried(of="porosity_percent", over="largest"),
        "grain_size_number": Carried(of="grain_size_number"),
        "mean_intercept_um": Carried(of="grain_size_number", factor=log(2) / 2),
    },
)


def validation(n: int = 39, size: float = 4.0, each: int = 5, **groups: float) -> Validation:
    """A validation in which every error is ± ``size``, so that every half width is; ``groups`` have their own."""
    rng = np.random.default_rng(0)
    kinds = [("steel", size, i) for i in range(n)] + [
        (name, own, i) for name, own in groups.items() for i in range(each)
    ]
    return Validation(
        schema=SCHEMA,
        name="labeled steels",
        date=date(2026, 11, 28),
        person="A. Person",
        recipe="porosity",
        backend="threshold",
        sources=(LabeledImages(name="own", licence="own", images=n),),
        fields=tuple(
            ValidatedField(
                image=f"{group}{i}.png",
                sha256="0" * 64,
                parent=str(i),
                group=group,
                features={name: value + 0.1 * rng.normal() for name, value in NEAR.items()},
                errors={
                    quantity: FieldError(machine=5.0, truth=5.0 + own * (-1) ** i, own_u=OWN_U)
                    for quantity in ("porosity_percent", "grain_size_number")
                },
            )
            for group, own, i in kinds
        ),
    )


def applied(fields, found: Validation | None) -> Findings:
    return line.applied(combine(fields, None, None), RECIPE, fields, None, None, found)


def of(findings: Findings, quantity: str) -> Result:
    return next(one for one in findings.results if one.quantity == quantity)


def of_segmentation(one: Result) -> float:
    """Expanded uncertainty of all that the error of the segmentation holds: the line of the method and the new one."""
    return 1.959964 * sqrt(sum(part.u**2 for part in one.budget if part.name in ("segmentation", line.LINE)))


@pytest.mark.parametrize("count", [1, 6])
def test_the_lines_of_the_segmentation_together_are_the_half_width_however_many_fields(count):
    findings = applied([field(i) for i in range(count)], validation(size=4.0))
    one = of(findings, "porosity_percent")
    assert of_segmentation(one) == pytest.approx(4.0, rel=1e-6)
    assert one.budget[-1].name == line.LINE
    assert "images from 39 independent sources (labeled steels, A. Person, 2026-11-28)" in one.budget[-1].basis
    scatter = coverage_factor(4) * 1.0
    assert one.expanded_u == pytest.approx(sqrt(scatter**2 + 4.0**2), rel=1e-6)
    assert one.interval == pytest.approx((5 - one.expanded_u, 5 + one.expanded_u))


def test_the_lines_of_a_method_that_states_more_than_labeled_images_err_are_narrowed_to_that():
    one = of(applied([field()], validation(size=0.3)), "porosity_percent")
    assert of_segmentation(one) == pytest.approx(0.3, rel=1e-6)
    assert one.budget[-1].u == 0
    assert one.expanded_u == pytest.approx(sqrt(coverage_factor(4) ** 2 + 0.3**2), rel=1e-6)
    assert one.budget[1].basis.startswith("0.31 times the value stated by the method (0.5), as the labeled")


def test_few_parents_or_an_unlike_image_leave_the_lines_of_the_method_as_they_are():
    for found in (
        applied([field()], validation(n=8, size=0.1)),
        applied([field(contrast=9.0)], validation(size=0.1)),
    ):
        one = of(found, "porosity_percent")
        assert of_segmentation(one) == pytest.approx(1.959964 * OWN_U, rel=1e-6)


def test_doubted_results_and_others_are_judged_apart():
    """Of 40 images every other one is doubted, and errs by 8 points instead of 2."""
    known = validation(n=40)
    uneven = [
        replace(
            one,
            errors={
                "porosity_percent": FieldError(
                    machine=5.0, truth=13.0 if i % 2 else 7.0, own_u=OWN_U, doubted=bool(i % 2)
                )
            },
        )
        for i, one in enumerate(known.fields)
    ]
    known = replace(known, fields=tuple(uneven))
    check = plausibility.check("Odd", 2.0, "<=", 1.0, "1", clause="", specimen="A", quantities=("porosity_percent",))
    plain = of(applied([field()], known), "porosity_percent")
    odd_recipe = SimpleNamespace(
        combine=lambda fields, a, b: replace(combine(fields, a, b), checks=(check,)), CARRIED=RECIPE.CARRIED
    )
    odd = line.applied(combine([field()], None, None), odd_recipe, [field()], None, None, known)
    assert of_segmentation(plain) == pytest.approx(2.0, rel=1e-6)
    assert of_segmentation(of(odd, "porosity_percent")) == pytest.approx(8.0, rel=1e-6)


@pytest.mark.parametrize(("schema", "half"), [(SCHEMA, 2.0), (WITH_STOPPED, 2.0), (KIND_FIRST, 8.0)])
def test_what_nothing_doubts_is_not_judged_by_doubted_images_of_its_kind(schema, half):
    """Of its kind, steel, all are doubted and err by 8 points; of another, which it is less like, none, by 2 points."""
    known = validation(n=20, size=8.0, each=20, foam=2.0)

    def labeled(one):
        errors = {name: replace(error, doubted=one.group == "steel") for name, error in one.errors.items()}
        features = {name: value + (one.group == "foam") for name, value in one.features.items()}
        return replace(one, errors=errors, features=features)

    known = replace(known, schema=schema, fields=tuple(map(labeled, known.fields)))
    assert of_segmentation(of(applied([field()], known), "porosity_percent")) == pytest.approx(half, rel=1e-6)


@pytest.mark.parametrize(("schema", "half"), [(SCHEMA, 2.0), (WITH_STOPPED, 8.0)])
def test_an_image_that_the_gate_lets_through_is_judged_by_those_it_lets_through(schema, half):
    """Of 39 that it lets through the errors are 2 points, of 20 that it stops 8; one that is accepted may be either."""
    known = validation(n=39, size=2.0, foam=8.0, each=20)
    apart = tuple(
        replace(one, parent=one.group + one.parent, group="steel", stopped=one.group == "foam") for one in known.fields
    )
    known, fields = replace(known, schema=schema, fields=apart), [field()]
    for accepted, expected in ((False, half), (True, 8.0)):
        found = line.applied(combine(fields, None, None), RECIPE, fields, None, None, known, stopped=accepted)
        assert of_segmentation(of(found, "porosity_percent")) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("passes", [11, 8])
def test_few_that_the_gate_lets_through_judge_alone_from_nine_on(passes):
    """All errors are 2 points, but 20 of those that it stops."""
    known = validation(n=passes, size=2.0, foam=20.0, each=5)
    apart = tuple(replace(one, parent=one.group + one.parent, stopped=one.group == "foam") for one in known.fields)
    one = of(applied([field()], replace(known, fields=apart)), "porosity_percent")
    told = 11 if passes == 11 else 13
    as_normal = coverage_factor(None) / coverage_factor(None, told / (told + 1))
    assert of_segmentation(one) == pytest.approx((2.0 if passes == 11 else 20.0) * as_normal, rel=1e-6)


def test_few_labeled_images_judge_together_and_hold_as_often_as_they_tell():
    """Errors of 11 parents are those that the method states, three times as large where it doubts them.

    Drawn anew 500 times: 11 of 12 are held (3 standard deviations are 3.7 points), and on average more narrowly than by
    the largest error of those that are doubted as it is.
    """
    rng = np.random.default_rng(12)
    held, widths = [], {SCHEMA: [], APART_IF_FEW: []}
    for _ in range(500):
        own, doubted = np.exp(rng.normal(0.0, 0.7, 12)), rng.random(12) < 0.4
        errors = own * np.where(doubted, 3.0, 1.0) * rng.normal(size=12)
        fields = tuple(
            replace(
                one,
                errors={"g": FieldError(machine=8.0, truth=8.0 - errors[i], own_u=own[i], doubted=bool(doubted[i]))},
            )
            for i, one in enumerate(validation(n=11).fields)
        )
        for schema, found in widths.items():
            made = reach.half_width(
                replace(validation(), schema=schema, fields=fields),
                "g",
                8.0,
                own[11],
                scale="difference",
                doubted=bool(doubted[11]),
                kind="steel",
                far=False,
            )
            as_normal = coverage_factor(None, made.coverage)
            found.append(made.half_width / as_normal)
        held.append(abs(errors[11]) <= widths[SCHEMA][-1] * coverage_factor(None, 11 / 12))
    assert np.mean(held) == pytest.approx(11 / 12, abs=0.037)
    assert np.mean(widths[SCHEMA]) < 0.9 * np.mean(widths[APART_IF_FEW])


def test_an_interval_of_a_share_ends_at_0_and_100():
    one = of(applied([field()], validation(size=40.0)), "porosity_percent")
    assert one.interval == (0.0, 5 + one.expanded_u)


def test_an_error_of_g_goes_into_lengths_in_proportion():
    """G = -2 log2(length) + c: 0.8 G are a factor of 2^0.4, in first order 0.8 ln 2 / 2 = 27.7 % of the length."""
    found = applied([field()], validation(size=1.2))
    assert of_segmentation(of(found, "grain_size_number")) == pytest.approx(1.2, rel=1e-6)
    whole = sqrt(max((20 * 1.2 * log(2) / 2) ** 2 - (1.959964 * OWN_U) ** 2, 0)) / 1.959964
    assert of(found, "mean_intercept_um").budget[-1].u == pytest.approx(whole, rel=1e-6)


def test_a_quantity_that_the_error_does_not_reach_is_named_and_stays():
    found = applied([field()], validation())
    before = of(combine([field()], None, None), "pore_count_per_mm2")
    assert of(found, "pore_count_per_mm2") == before
    assert "Not validated: pore_count_per_mm2." in found.statements[-1].text
    assert "A. Person, 2026-11-28" in found.statements[-1].text


def test_few_parents_say_what_they_permit_and_are_widened_as_a_normal_distribution():
    """9 parents hold a new one in 9 of 10 cases: 1.645 standard deviations."""
    found = applied([field()], validation(n=9, size=4.0))
    one = of(found, "porosity_percent")
    assert of_segmentation(one) == pytest.approx(4.0 * 1.959964 / 1.644854, rel=1e-6)
    assert "half-width 4 % at 90 %" in one.budget[-1].basis
    assert "the most that 9 sources permit" in one.budget[-1].basis
    assert "9 sources cover 90 % of such errors; 95 % takes 19" in found.statements[-1].text


def verdict(findings: Findings, rule: str) -> str:
    asked = Requirement(quantity="porosity_percent", unit="%", upper=90.0, rule=rule)
    return doubted(decide(of(findings, "porosity_percent"), asked), findings.checks).decision


def test_an_image_unlike_the_labeled_ones_gets_the_widest_group_and_passes_no_guarded_rule():
    known = validation(size=2.0, weld=12.0)
    near, far = applied([field()], known), applied([field(), field(2, contrast=9.0), field(3, contrast=9.0)], known)
    assert verdict(near, "guarded") == "pass"
    usual = of_segmentation(of(near, "porosity_percent"))
    assert 2.0 <= usual < 3.0
    assert [verdict(far, rule) for rule in ("guarded", "guarded_binary", "non_binary", "simple")] == [
        *3 * ["undecided"],
        "pass",
    ]
    assert any("differ from all labeled ones" in warning for warning in far.warnings)
    assert of_segmentation(of(far, "porosity_percent")) == pytest.approx(12.0, rel=1e-6)


def test_a_single_odd_picture_is_no_group_that_every_unlike_image_is_measured_by():
    known = validation(size=2.0, each=1, weld=80.0)
    far = applied([field(contrast=9.0)], known)
    assert of_segmentation(of(far, "porosity_percent")) == pytest.approx(2.0, rel=1e-6)


def test_one_odd_field_of_several_does_not_make_a_specimen_unlike():
    """One in twenty lies beyond the limit by chance."""
    found = applied([field(), field(2), field(3, contrast=9.0)], validation())
    assert [check.passed for check in found.checks] == [True]


def test_the_mean_of_fields_has_their_mean_error_and_the_largest_the_largest():
    """Errors of a tenth of √(p (100 - p)): 2.18 points at 5 %, 5 points at 50 %."""
    known = validation(n=59)
    shares = np.linspace(1.0, 60.0, 59)
    uneven = [
        replace(
            one,
            errors={
                "porosity_percent": FieldError(
                    machine=float(p), truth=float(p + 0.1 * sqrt(p * (100 - p))), own_u=OWN_U
                )
            },
        )
        for one, p in zip(known.fields, shares, strict=True)
    ]
    known = replace(known, fields=tuple(uneven))
    low, high = field(1), replace(field(2), values={"porosity": 50.0})
    alone = [of_segmentation(of(applied([one], known), "porosity_percent")) for one in (low, high)]
    both = applied([low, high], known)
    assert alone == pytest.approx([0.1 * sqrt(5 * 95), 5.0], rel=1e-6)
    assert of_segmentation(of(both, "porosity_percent")) == pytest.approx(sum(alone) / 2, rel=1e-6)
    assert of_segmentation(of(both, "worst_percent")) == pytest.approx(max(alone), rel=1e-6)


def with_errors(known: Validation, *pairs: tuple[float, float]) -> Validation:
    """The same images with other shares by the machine and by the person, in turn."""
    turned = [pairs[i % len(pairs)] for i in range(len(known.fields))]
    return replace(
        known,
        fields=tuple(
            replace(one, errors={"porosity_percent": FieldError(machine=machine, truth=truth, own_u=OWN_U)})
            for one, (machine, truth) in zip(known.fields, turned, strict=True)
        ),
    )


def test_a_machine_that_finds_nothing_and_is_wrong_does_not_blow_up_the_others():
    """5 points off at 100 % are 5 points of √(99 1) = 9.9: at 5 % they are 11 of 21.8, and not 5 of 0 times that."""
    one = of(applied([field()], with_errors(validation(9), (100.0, 95.0))), "porosity_percent")
    assert "half-width 11 %" in one.budget[-1].basis


def test_the_error_of_a_share_is_no_more_than_there_is():
    """Where the machine errs by 95 points in every image, 5 % may be 100 % at most."""
    one = of(applied([field()], with_errors(validation(5), (98.0, 3.0))), "porosity_percent")
    assert of_segmentation(one) == pytest.approx(95.0, rel=1e-6)
    assert one.interval == (0.0, 100.0)


def confirmed(n: int = 11, **odd: object) -> Validation:
    """Every error is half a point and held, also the 8 points of an image of which the method states that it is poor.

    ``odd`` changes the first of the others.
    """
    known = validation(n, size=0.5)
    first, *others, last = known.fields
    poor = {"porosity_percent": FieldError(machine=5.0, truth=13.0, own_u=5.0)}
    return replace(known, fields=(replace(first, **odd), *others, replace(last, errors=poor)))


MISSED = {"porosity_percent": FieldError(machine=5.0, truth=6.0, own_u=OWN_U)}  # by a point; ± 0.98 is stated
RANKED = 8.0 * 1.959964 / 1.731664  # of 11 parents: 1.731664 standard deviations hold 11 in 12


def test_what_a_method_states_is_not_widened_where_it_has_held_in_all_labeled_images():
    one = of(applied([field()], confirmed()), "porosity_percent")
    assert one.budget[-1].u == 0
    assert of_segmentation(one) == pytest.approx(1.959964 * OWN_U, rel=1e-6)
    assert "contained the true value in every image from 11 sources" in one.budget[-1].basis
    assert "the first to be missed in at most 1 of 12 cases" in one.budget[-1].basis


def test_many_fields_that_the_labeled_images_confirm_keep_what_the_method_states_of_them():
    one = of(applied([field(i) for i in range(6)], confirmed()), "porosity_percent")
    assert of_segmentation(one) == pytest.approx(1.959964 * OWN_U, rel=1e-6)


@pytest.mark.parametrize("known", [confirmed(errors=MISSED), replace(confirmed(), schema=WITHOUT_GATE)])
def test_one_miss_is_enough_to_be_judged_by_ranks_and_a_file_of_before_confirms_nothing(known):
    one = of(applied([field()], known), "porosity_percent")
    assert of_segmentation(one) == pytest.approx(RANKED, rel=1e-5)


def test_eight_parents_confirm_nothing():
    one = of(applied([field()], confirmed(8)), "porosity_percent")
    assert of_segmentation(one) > 8.0


def test_an_image_that_the_gate_stops_has_no_vote_and_no_part_in_what_a_method_states():
    """It is missed by a point; a job that accepts such images is judged by ranks."""
    known = confirmed(12, errors=MISSED, stopped=True)
    fields = [field()]
    for accepted, expected in ((False, 1.959964 * OWN_U), (True, 8.0 * 1.959964 / coverage_factor(None, 12 / 13))):
        found = line.applied(combine(fields, None, None), RECIPE, fields, None, None, known, stopped=accepted)
        assert of_segmentation(of(found, "porosity_percent")) == pytest.approx(expected, rel=1e-5)


def test_a_method_that_states_less_than_on_any_labeled_image_is_not_believed_to_be_that_good():
    found = reach.half_width(
        confirmed(), "porosity_percent", 5.0, 0.001, scale="share", doubted=False, kind="steel", far=False
    )
    assert found.as_stated
    assert found.half_width == pytest.approx(1.959964 * OWN_U, rel=1e-6)


def test_a_new_parent_is_seldom_the_first_to_be_missed():
    """Of n + 1 parents, one as good as another, the last is the only one missed in 1 of n + 1 cases at most."""
    rng, n, trials, missed, used = np.random.default_rng(9), 10, 400, 0, 0
    base = validation(n)
    for _ in range(trials):
        errors = rng.normal(0, OWN_U, n + 1) * rng.uniform(0.5, 1.3)
        known = replace(
            base,
            fields=tuple(
                replace(one, errors={"porosity_percent": FieldError(machine=5.0, truth=5.0 + error, own_u=OWN_U)})
                for one, error in zip(base.fields, errors[:n], strict=True)
            ),
        )
        found = reach.half_width(
            known, "porosity_percent", 5.0, OWN_U, scale="difference", doubted=False, kind="steel", far=False
        )
        used += found.as_stated
        missed += found.as_stated and abs(errors[n]) > found.half_width
    assert used > 20
    assert missed / trials <= 1 / (n + 1)


def test_lines_that_pixels_make_whatever_the_method_never_give_way():
    """0.3 points are found; 0.5 % of a pixel edge stay, and what the method adds to them goes."""
    whole = combine([field()], None, None)
    edge = Component(name="pore edge", u=0.2, kind="B")
    with_edge = evaluated(replace(whole.results[0], budget=(*whole.results[0].budget, edge), interval=None))
    for size, expected in ((0.1, 0.2), (0.9, 0.9 / 1.959964)):
        found = line.applied(replace(whole, results=(with_edge,)), RECIPE, [field()], None, None, validation(size=size))
        _, segmentation, kept, added = found.results[0].budget
        assert (kept.u, added.u) == (0.2, 0.0)
        assert sqrt(segmentation.u**2 + kept.u**2) == pytest.approx(expected, rel=1e-6)
        before = line.applied(
            replace(whole, results=(with_edge,)),
            RECIPE,
            [field()],
            None,
            None,
            replace(validation(size=size), schema=WITHOUT_GATE),
        )
        assert sqrt(sum(one.u**2 for one in before.results[0].budget[1:])) == pytest.approx(size / 1.959964, rel=1e-6)


def test_specimens_are_judged_apart():
    found = applied([field(), field(2, specimen="B", contrast=9.0)], validation())
    assert [(check.specimen, check.passed) for check in found.checks] == [("A", True), ("B", False)]


def test_without_a_validation_a_statement_says_so_and_no_number_changes():
    before = combine([field()], None, None)
    found = applied([field()], None)
    assert found.results == before.results
    assert (found.checks, found.warnings) == (before.checks, before.warnings)
    assert "not validated on labeled real images" in found.statements[-1].text


def test_masks_of_a_person_have_no_error_of_a_backend():
    """No features were read off their images."""
    drawn = replace(field(), read_off={})
    assert applied([drawn], validation()).results == combine([drawn], None, None).results
    assert applied([drawn], None).statements == ()


def test_an_interval_that_a_recipe_drew_to_one_side_keeps_its_side():
    fields = [field()]
    whole = combine(fields, None, None)
    sided = replace(whole.results[0], interval=(0.0, 30.0))
    found = line.applied(replace(whole, results=(sided,)), RECIPE, fields, None, None, validation(size=1.2))
    assert found.results[0].interval[1] == 30.0
    assert found.results[0].interval[0] <= 0.0


# --------------------------------------------------------------------------------------------- errors as ratios


def sized(fields, settings, standard):
    del fields, settings, standard
    nothing = Measurements(features=pd.DataFrame(), fields=pd.DataFrame())
    return Findings(results=(result("mean_intercept_um", 20.0, "um", "A"),), checks=(), measurements=nothing)


SIZES = SimpleNamespace(
    combine=sized,
    CARRIED={"mean_intercept_um": Carried(of="mean_intercept_um", relative=True)},
)


def of_ratios(factor: float, n: int = 39, own_u: float = OWN_U) -> Validation:
    """Sizes between 2 and 200 um, every other one found too large by a factor, the others as much too small."""
    known = validation(n)
    return replace(
        known,
        fields=tuple(
            replace(
                one,
                errors={
                    "mean_intercept_um": FieldError(
                        machine=size, truth=size * factor ** (-1) ** i, own_u=own_u * size / 20
                    )
                },
            )
            for i, (one, size) in enumerate(zip(known.fields, np.geomspace(2, 200, n), strict=True))
        ),
    )


def test_sizes_that_err_by_a_factor_are_held_by_that_factor_either_way_whatever_their_size() -> None:
    """Without chance the interval of 20 um is 20 / 2 to 20 * 2; U is that of the wider side."""
    whole = SIZES.combine([field()], None, None)
    (bare,) = whole.results
    bare = evaluated(replace(bare, budget=bare.budget[1:], interval=None))  # no scatter between fields
    found = line.applied(replace(whole, results=(bare,)), SIZES, [field()], None, None, of_ratios(2.0))
    (one,) = found.results
    assert one.value == 20.0
    assert one.interval == pytest.approx((10.0, 40.0), rel=1e-6)
    assert one.expanded_u == pytest.approx(20.0, rel=1e-6)
    assert "a factor of 2 in either direction at 95 %" in one.budget[-1].basis


def test_an_interval_ends_at_what_the_quantity_can_be_at_most() -> None:
    most = SimpleNamespace(
        combine=sized, CARRIED={"mean_intercept_um": Carried(of="mean_intercept_um", relative=True, most=25.0)}
    )
    found = line.applied(sized(None, None, None), most, [field()], None, None, of_ratios(2.0))
    assert found.results[0].interval[1] == 25.0


def test_the_scatter_of_fields_adds_to_both_sides_of_a_factor() -> None:
    found = line.applied(SIZES.combine([field()], None, None), SIZES, [field()], None, None, of_ratios(2.0))
    (one,) = found.results
    scatter = coverage_factor(4) * 1.0
    assert one.interval == pytest.approx((20 - sqrt(10**2 + scatter**2), 20 + sqrt(20**2 + scatter**2)), rel=1e-6)


def test_sizes_that_err_less_than_the_method_states_are_narrowed_to_that_factor() -> None:
    found = line.applied(SIZES.combine([field()], None, None), SIZES, [field()], None, None, of_ratios(1.01))
    (one,) = found.results
    scatter = coverage_factor(4) * 1.0
    assert one.interval == pytest.approx((20 - sqrt(0.198**2 + scatter**2), 20 + sqrt(0.2**2 + scatter**2)), rel=1e-4)


def test_few_parents_widen_the_logarithm_of_a_factor() -> None:
    """9 parents tell 90 %: 2 becomes 2 to the power of 1.96 / 1.645."""
    found = line.applied(SIZES.combine([field()], None, None), SIZES, [field()], None, None, of_ratios(2.0, 9))
    (one,) = found.results
    wider = 2 ** (1.959964 / coverage_factor(None, 0.9))
    assert of_segmentation(one) == pytest.approx(20 * (wider - 1), rel=1e-5)


def test_nothing_has_a_ratio_to_nothing() -> None:
    """A picture without a particle, by the machine or by the person, tells nothing of a factor."""
    known = of_ratios(2.0)
    empty = {"mean_intercept_um": FieldError(machine=0.0, truth=3.0, own_u=0.0)}
    with_empty = replace(known, fields=(replace(known.fields[0], errors=empty), *known.fields[1:]))
    reached = reach.half_width(
        with_empty, "mean_intercept_um", 20.0, OWN_U, scale="ratio", doubted=False, kind="steel", far=False
    )
    assert reached is not None
    assert reached.half_width == pytest.approx(log(2), rel=1e-9)


def test_a_factor_holds_as_often_as_it_claims() -> None:
    """Lognormal errors of 0.3; each of 300 new sizes judged by 40 parents of its own."""
    rng, held, trials = np.random.default_rng(3), 0, 300
    base = of_ratios(2.0, 40)
    for _ in range(trials):
        errors = np.exp(rng.normal(0, 0.3, 41))
        fields = tuple(
            replace(one, errors={"d": FieldError(machine=10.0, truth=10.0 * error, own_u=0.3)})
            for one, error in zip(base.fields, errors[:40], strict=True)
        )
        reached = reach.half_width(
            replace(base, fields=fields), "d", 7.0, 0.21, scale="ratio", doubted=False, kind="steel", far=False
        )
        held += abs(log(errors[40])) <= reached.half_width
    assert 0.92 <= held / trials <= 0.99


# ------------------------------------------------------------------------------------------- numbers of objects

NUMBERS = SimpleNamespace(
    combine=sized,
    CARRIED={"mean_intercept_um": Carried(of="mean_intercept_um", relative=True, counted=True)},
)


def of_numbers(n: int = 39) -> Validation:
    """Numbers from 20 to 2000, every other one found too large by 2 in its root, the others as much too small."""
    known = of_ratios(1.0, n)
    made = []
    for i, (one, number) in enumerate(zip(known.fields, np.geomspace(20, 2000, n), strict=True)):
        truth = (sqrt(round(number)) + 2 * (-1) ** i) ** 2
        error = FieldError(machine=3.0 * round(number), truth=3.0 * truth, own_u=0.0, n=round(number))
        made.append(replace(one, errors={"mean_intercept_um": error}))
    return replace(known, fields=tuple(made))


@pytest.mark.parametrize(("number", "low", "high"), [(100, 64.0, 144.0), (10000, 9604.0, 10404.0), (4, 0.0, 16.0)])
def test_a_number_of_objects_is_held_by_the_same_step_of_its_root_however_many_they_are(number, low, high):
    """Without chance: the roots of 100 lie 2 apart at 64 and 144, those of 10000 at 9604 and 10404."""
    whole = NUMBERS.combine([field()], None, None)
    (bare,) = whole.results
    bare = evaluated(replace(bare, budget=bare.budget[1:], interval=None, n=number))
    alone = replace(whole, results=(bare,))
    numbers = SimpleNamespace(combine=lambda *_: alone, CARRIED=NUMBERS.CARRIED)
    (one,) = line.applied(alone, numbers, [field()], None, None, of_numbers()).results
    assert one.interval == pytest.approx((20 * low / number, 20 * high / number), rel=1e-5)


def test_a_result_whose_own_interval_reaches_to_zero_is_judged_by_such_ones():
    """The labeled images off by a factor of 9 were of such results; a file of before judges all together."""
    known = of_ratios(1.1)
    wild = [
        replace(error, truth=9 * error.machine, doubted=True) if i % 5 == 0 else error
        for i, one in enumerate(known.fields)
        for error in one.errors.values()
    ]
    known = replace(
        known,
        fields=tuple(
            replace(one, errors={"mean_intercept_um": error}) for one, error in zip(known.fields, wild, strict=True)
        ),
    )
    whole = SIZES.combine([field()], None, None)
    (certain,) = whole.results
    scatter = replace(certain.budget[0], u=30.0)
    open_ended = evaluated(replace(certain, budget=(scatter, *certain.budget[1:]), interval=None))
    factors = {}
    for name, one, schema in (
        ("certain", certain, known.schema),
        ("open", open_ended, known.schema),
        ("of before", open_ended, DOUBTS_ALONE),
    ):
        alone = replace(whole, results=(one,))
        sizes = SimpleNamespace(combine=lambda *_, alone=alone: alone, CARRIED=SIZES.CARRIED)
        (found,) = line.applied(alone, sizes, [field()], None, None, replace(known, schema=schema)).results
        factors[name] = 1 + of_segmentation(found) / found.value
    assert factors["certain"] == pytest.approx(1.1, rel=1e-3) == factors["of before"]
    assert factors["open"] >= 9


@pytest.mark.parametrize(("factor", "told"), [(1.9, True), (2.1, False)])
def test_page_1_says_in_words_what_labeled_images_leave_open_by_a_factor_of_two(factor, told):
    whole = SIZES.combine([field()], None, None)
    whole = replace(whole, results=tuple(replace(one, main=True) for one in whole.results))
    found = line.applied(whole, SIZES, [field()], None, None, of_ratios(factor))
    assert [one.main for one in found.results] == [told]
    assert [f"factor {factor:.2g}" in warning for warning in found.warnings] == ([] if told else [True])
