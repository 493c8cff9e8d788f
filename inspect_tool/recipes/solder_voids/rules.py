"""Rules of the edition and doubts of the numbers."""

from collections.abc import Sequence

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text
from inspect_tool.model import (
    Check,
    FieldMeasurement,
    Standard,
)
from inspect_tool.recipes.solder_voids.settings import Settings
from inspect_tool.standards.editions import check_rule

LARGEST_JOINT_PERCENT = 80.0  # % of the image that one joint covers at most, where its layout was not given


def checks_of(fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard, specimen: str) -> list[Check]:
    """Judge the rules of the edition, and doubt what cannot be believed, on one specimen."""
    rules = {
        "joint_diameter_px": min(float(field.values["smallest_joint_px"]) for field in fields),
        "void_diameter_px": min(float(field.values["smallest_void_px"]) for field in fields),
        "contrast_to_noise": min(float(field.values["contrast_to_noise"]) for field in fields),
        "clipped_percent": max(float(field.values["clipped_percent"]) for field in fields),
    }
    made = [
        check_rule(standard, name, value, specimen=specimen) for name, value in rules.items() if name in standard.rules
    ]
    checks = [check for check in made if check is not None]
    hollow = sum(int(field.values["joints_lighter_in_the_middle"]) for field in fields)
    checks.append(
        Check(
            name=Text("solder_voids.round_joints_lighter_middle_near"),
            value=float(hollow),
            relation="<=",
            limit=0.0,
            unit="joints",
            passed=hollow == 0,
            clause=Text("solder_voids.own_rule_ball_thickest_its"),
            scope="image",
            specimen=specimen,
            note=Text("solder_voids.look_these_joints_draw_void") if hollow else "",
        )
    )
    beside, across = (
        ", ".join(str(field.values[key]) for field in fields if field.values.get(key))
        for key in ("unevenly_covered", "crossed")
    )
    for key, name, note in (
        (
            "round_regions_left_out",
            Text("solder_voids.round_regions_like_free_balls"),
            Text("solder_voids.joints_may_missing_give_backend"),
        ),
        (
            "joints_unevenly_covered",
            Text("solder_voids.round_joints_crossed_edge_something"),
            Text("solder_voids.joint_component_trace_wire_may", beside=beside),
        ),
        (
            "joints_crossed",
            Text("solder_voids.balls_band_gray_no_bubble"),
            Text("solder_voids.joint_lead_part_shading_may", across=across),
        ),
    ):
        count = sum(int(field.values.get(key, 0)) for field in fields)
        checks.append(
            plausibility.check(
                name,
                float(count),
                "<=",
                0.0,
                "joints",
                clause=Text("solder_voids.own_rule_every_joint_image"),
                specimen=specimen,
                advice=note,
            )
        )
    if any(field.values["layout_guessed"] for field in fields):
        most = max(float(field.values["largest_joint_of_image_percent"]) for field in fields)
        checks.append(
            plausibility.check(
                Text("solder_voids.share_image_one_joint_guessed"),
                most,
                "<=",
                LARGEST_JOINT_PERCENT,
                "%",
                clause=Text("solder_voids.own_rule_around_joint_its"),
                specimen=specimen,
                advice=Text("solder_voids.board_package_may_taken_joint"),
            )
        )
    if settings.joints_are == "sample":
        cut = 0 if settings.edge_joints == "counted" else sum(int(field.values["joints_at_edge"]) for field in fields)
        sample = sum(int(field.values["joints"]) for field in fields) - cut
        checks.append(
            plausibility.check(
                Text("solder_voids.joints_sample"),
                float(sample),
                ">=",
                2.0,
                "joints",
                clause=Text("solder_voids.own_rule_one_joint_does"),
                specimen=specimen,
                advice=Text("solder_voids.u_mean_does_not_hold"),
                quantities=("void_percent.mean",),
            )
        )
    unsure = sum(int(field.values["joints_unsure"]) for field in fields)
    checks.append(
        plausibility.check(
            Text("solder_voids.joints_whose_gray_levels_do"),
            float(unsure),
            "<=",
            0.0,
            "joints",
            clause=Text("solder_voids.own_rule_outlines_two_gray"),
            specimen=specimen,
            advice=Text("solder_voids.void_shares_may_wrong_more"),
        )
    )
    if settings.expected_joints is not None:
        off = max(abs(int(field.values["joints"]) - settings.expected_joints) for field in fields)
        seen = ", ".join(str(field.values["joints"]) for field in fields)
        checks.append(
            Check(
                name=Text("solder_voids.joints_found_difference_from_expected"),
                value=float(off),
                relation="<=",
                limit=0.0,
                unit="joints",
                passed=off == 0,
                clause=Text("solder_voids.expected_joints_job"),
                scope="method",
                specimen=specimen,
                note=Text("solder_voids.found_expected_per_image", seen=seen, expected_joints=settings.expected_joints),
            )
        )
    return checks
