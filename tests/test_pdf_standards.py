"""PDF/A-3 and PDF/UA as veraPDF judges them."""

import pikepdf
import pytest
import verapdf

pytestmark = pytest.mark.needs("veraPDF")
NOT_CLAIMED = ["5-1"]
"""The file does not say that it is PDF/UA: some of what that asks only a person can judge (ISO 14289-1, 5)."""


@pytest.fixture(scope="module")
def found(demo):
    """What veraPDF finds in two reports: one of grains with figures, one of joints with many tables."""
    folder, _ = demo
    files = [folder / name / "report.pdf" for name in ("grain_size", "solder_voids")]
    return verapdf.failed(files, "3b", "ua1")


def test_reports_are_pdf_a_3b(found):
    assert {file.parent.name: rules for (flavor, file), rules in found.items() if flavor == "3b"} == {
        "grain_size": [],
        "solder_voids": [],
    }


def test_reports_meet_every_rule_of_pdf_ua_but_that_they_do_not_claim_it(found):
    assert {file.parent.name: rules for (flavor, file), rules in found.items() if flavor == "ua1"} == {
        "grain_size": NOT_CLAIMED,
        "solder_voids": NOT_CLAIMED,
    }


def test_a_fault_is_found(demo, tmp_path):
    folder, _ = demo
    with pikepdf.open(folder / "grain_size" / "report.pdf") as opened:
        del opened.Root.MarkInfo
        del opened.Root.OutputIntents
        opened.save(tmp_path / "worse.pdf")
    found = verapdf.failed([tmp_path / "worse.pdf"], "3b", "ua1")
    assert found["ua1", tmp_path / "worse.pdf"] != NOT_CLAIMED
    assert found["3b", tmp_path / "worse.pdf"]
