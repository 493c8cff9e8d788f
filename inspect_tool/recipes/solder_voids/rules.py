"""Rules of the edition and doubts of the numbers."""

from collections.abc import Sequence

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text
from inspect_tool.model import (
    Check,
    Standard,
)
from inspect_tool.recipes.solder_voids.settings import Settings
from inspect_tool.recipes.solder_voids.values import Measured
from inspect_tool.standards.editions import check_rule

LARGEST_JOINT_PERCENT = 80.0  # % of the image that one joint covers at most, where its layout was not given


def checks_of(fields: Sequence[Measured], settings: Settings, standard: Standard, specimen: str) -> list[Check]:
    """Judge the rules of the edition, and doubt what cannot be believed, on one specimen."""
    images = [field.values for field in fields]
    rules = {
        "joint_diameter_px": min(image.smallest_joint_px for image in images),
        "void_diameter_px": min(image.smallest_void_px for image in images),
        "contrast_to_noise": min(image.quality.contrast_to_noise for image in images),
        "clipped_percent": max(image.quality.clipped_percent for image in images),
    }
    made = [
        check_rule(standard, name, value, specimen=specimen) for name, value in rules.items() if name in standard.rules
    ]
    checks = [check for check in made if check is not None]
    hollow = sum(image.quality.joints_lighter_in_the_middle for image in images)
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
    beside = ", ".join(image.quality.unevenly_covered for image in images if image.quality.unevenly_covered)
    across = ", ".join(image.quality.crossed for image in images if image.quality.crossed)
    for count, name, note in (
        (
            sum(image.round_regions_left_out for image in images),
            Text("solder_voids.check_round_regions_left_out"),
            Text("solder_voids.advice_round_regions_left_out"),
        ),
        (
            sum(image.quality.joints_unevenly_covered or 0 for image in images),
            Text("solder_voids.check_joints_unevenly_covered"),
            Text("solder_voids.advice_joints_unevenly_covered", beside=beside),
        ),
        (
            sum(image.quality.joints_crossed or 0 for image in images),
            Text("solder_voids.check_joints_crossed"),
            Text("solder_voids.advice_joints_crossed", across=across),
        ),
    ):
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
    if any(image.layout_guessed for image in images):
        most = max(image.largest_joint_of_image_percent for image in images)
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
        cut = 0 if settings.edge_joints == "counted" else sum(image.joints_at_edge for image in images)
        sample = sum(image.joints for image in images) - cut
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
    unsure = sum(image.quality.joints_unsure for image in images)
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
        off = max(abs(image.joints - settings.expected_joints) for image in images)
        seen = ", ".join(str(image.joints) for image in images)
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
