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
            name=Text("solder_voids.check_lighter_middle"),
            value=float(hollow),
            relation="<=",
            limit=0.0,
            unit="joints",
            passed=hollow == 0,
            clause=Text("solder_voids.clause_lighter_middle"),
            scope="image",
            specimen=specimen,
            note=Text("solder_voids.note_lighter_middle") if hollow else "",
        )
    )
    beside, across = (
        ", ".join(str(field.values[key]) for field in fields if field.values.get(key))
        for key in ("unevenly_covered", "crossed")
    )
    for key, name, note in (
        (
            "round_regions_left_out",
            Text("solder_voids.check_round_regions_left_out"),
            Text("solder_voids.advice_round_regions_left_out"),
        ),
        (
            "joints_unevenly_covered",
            Text("solder_voids.check_joints_unevenly_covered"),
            Text("solder_voids.advice_joints_unevenly_covered", beside=beside),
        ),
        (
            "joints_crossed",
            Text("solder_voids.check_joints_crossed"),
            Text("solder_voids.advice_joints_crossed", across=across),
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
                clause=Text("solder_voids.clause_every_joint_judged"),
                specimen=specimen,
                advice=note,
            )
        )
    if any(field.values["layout_guessed"] for field in fields):
        most = max(float(field.values["largest_joint_of_image_percent"]) for field in fields)
        checks.append(
            plausibility.check(
                Text("solder_voids.check_guessed_layout"),
                most,
                "<=",
                LARGEST_JOINT_PERCENT,
                "%",
                clause=Text("solder_voids.clause_guessed_layout"),
                specimen=specimen,
                advice=Text("solder_voids.advice_guessed_layout"),
            )
        )
    if settings.joints_are == "sample":
        cut = 0 if settings.edge_joints == "counted" else sum(int(field.values["joints_at_edge"]) for field in fields)
        sample = sum(int(field.values["joints"]) for field in fields) - cut
        checks.append(
            plausibility.check(
                Text("solder_voids.check_joints_in_sample"),
                float(sample),
                ">=",
                2.0,
                "joints",
                clause=Text("solder_voids.clause_joints_in_sample"),
                specimen=specimen,
                advice=Text("solder_voids.advice_joints_in_sample"),
                quantities=("void_percent.mean",),
            )
        )
    unsure = sum(int(field.values["joints_unsure"]) for field in fields)
    checks.append(
        plausibility.check(
            Text("solder_voids.check_unsure_gray_levels"),
            float(unsure),
            "<=",
            0.0,
            "joints",
            clause=Text("solder_voids.clause_unsure_gray_levels"),
            specimen=specimen,
            advice=Text("solder_voids.advice_unsure_gray_levels"),
        )
    )
    if settings.expected_joints is not None:
        off = max(abs(int(field.values["joints"]) - settings.expected_joints) for field in fields)
        seen = ", ".join(str(field.values["joints"]) for field in fields)
        checks.append(
            Check(
                name=Text("solder_voids.check_expected_joints"),
                value=float(off),
                relation="<=",
                limit=0.0,
                unit="joints",
                passed=off == 0,
                clause=Text("solder_voids.clause_expected_joints"),
                scope="method",
                specimen=specimen,
                note=Text("solder_voids.note_expected_joints", seen=seen, expected_joints=settings.expected_joints),
            )
        )
    return checks
