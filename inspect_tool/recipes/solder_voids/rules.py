"""Rules of the edition and doubts of the numbers."""

from collections.abc import Sequence

from inspect_tool.acceptance import plausibility
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
            name="Round joints lighter in the middle than near the rim",
            value=float(hollow),
            relation="<=",
            limit=0.0,
            unit="joints",
            passed=hollow == 0,
            clause="own rule: a ball is thickest in its middle; a void as wide as most of it may have been missed",
            scope="image",
            specimen=specimen,
            note="look at these joints, or draw the void by hand" if hollow else "",
        )
    )
    beside, across = (
        ", ".join(str(field.values[key]) for field in fields if field.values.get(key))
        for key in ("unevenly_covered", "crossed")
    )
    for key, name, note in (
        (
            "round_regions_left_out",
            "Round regions like free balls that are no joint of the result",
            "joints may be missing; give [backend] layout, joints or positions",
        ),
        (
            "joints_unevenly_covered",
            "Round joints crossed by the edge of something else",
            f"joint {beside}: a component, trace or wire may be taken for a void or hide one; draw the voids by hand",
        ),
        (
            "joints_crossed",
            "Balls with a band of gray that is no bubble",
            f"joint {across}: a lead, a part or shading may be taken for a void or hide one; draw the voids by hand",
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
                clause="own rule: every joint in the image is judged, against solder alone",
                specimen=specimen,
                advice=note,
            )
        )
    if any(field.values["layout_guessed"] for field in fields):
        most = max(float(field.values["largest_joint_of_image_percent"]) for field in fields)
        checks.append(
            plausibility.check(
                "Share of the image that one joint of a guessed layout covers",
                most,
                "<=",
                LARGEST_JOINT_PERCENT,
                "%",
                clause="own rule: around a joint its surroundings show",
                specimen=specimen,
                advice="the board or package may be taken for a joint; give [backend] layout or the joints",
            )
        )
    if settings.joints_are == "sample":
        cut = 0 if settings.edge_joints == "counted" else sum(int(field.values["joints_at_edge"]) for field in fields)
        sample = sum(int(field.values["joints"]) for field in fields) - cut
        checks.append(
            plausibility.check(
                "Joints in the sample",
                float(sample),
                ">=",
                2.0,
                "joints",
                clause="own rule: one joint does not tell how joints scatter",
                specimen=specimen,
                advice="U of the mean does not hold what differs between joints",
                quantities=("void_percent.mean",),
            )
        )
    unsure = sum(int(field.values["joints_unsure"]) for field in fields)
    checks.append(
        plausibility.check(
            "Joints whose gray levels do not tell void from solder",
            float(unsure),
            "<=",
            0.0,
            "joints",
            clause="own rule: outlines and two gray levels agree on 95 % of a joint, it has no third level, a network "
            "takes none of it for board, and voids of a ball have an edge all around",
            specimen=specimen,
            advice="void shares may be wrong by more than their U: look at the picture, or draw the voids",
        )
    )
    if settings.expected_joints is not None:
        off = max(abs(int(field.values["joints"]) - settings.expected_joints) for field in fields)
        seen = ", ".join(str(field.values["joints"]) for field in fields)
        checks.append(
            Check(
                name="Joints found, difference from the expected number",
                value=float(off),
                relation="<=",
                limit=0.0,
                unit="joints",
                passed=off == 0,
                clause="expected_joints of the job",
                scope="method",
                specimen=specimen,
                note=f"found {seen}, expected {settings.expected_joints} per image",
            )
        )
    return checks
