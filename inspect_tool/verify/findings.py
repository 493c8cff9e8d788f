"""What a verification finds."""

from dataclasses import dataclass
from typing import Literal, get_args

State = Literal["verified", "differs", "not checked"]

STRICT, LOOSE = 1e-9, 1e-6
"""Relative difference of equal numbers: on the platform and libraries of the run, and on others [1]."""

Part = Literal[
    "digest",
    "files",
    "audit trail",
    "numbers",
    "pictures",
    "HTML page",
    "PDF pages",
    "images",
    "segmentation",
    "image quality",
]
PARTS = get_args(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    part: Part
    state: State
    text: str
    of_images: tuple[str, ...] = ()  # names of what is read off the images, among what was looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came out, in the order of the parts."""

    report: str  # its identification
    digest: str
    made_with: str  # software and version of the report
    verified: bool  # nothing that was looked at differs
    unseen: str  # why the look of the pages was not checked, so that it proves nothing; empty: it was
    as_stated: tuple[str, ...]  # what was not checked since it is read off the images
    findings: tuple[Finding, ...]
    language: str = "en"  # of the report
