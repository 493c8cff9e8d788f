"""JSON text that is made piece by piece is the text that is made at once."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_example import example

from inspect_tool import files
from inspect_tool.json_pieces import canonical_pieces, json_pieces, plain
from inspect_tool.report import build

CELLS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    CELLS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return example(tmp_path_factory.mktemp("report"), fields=2, features=30, size=160, grains=12).report


@given(VALUES)
def test_lines_are_those_of_the_whole_text(value):
    assert "".join(json_pieces(value)) == json.dumps(plain(value), ensure_ascii=False, indent=1)


@given(VALUES)
def test_the_canonical_spelling_is_that_of_the_whole_text(value):
    data = json.loads(json.dumps(plain(value)), parse_int=float)
    assert "".join(canonical_pieces(value, lambda part: part)) == json.dumps(data, sort_keys=True)


def test_no_piece_of_a_report_is_large(report):
    """What is held at once does not grow with the rows and the images."""
    longest = max(map(len, files.report_pieces(report)))
    many = replace(
        report,
        micrographs=report.micrographs * 20,
        features=replace(report.features, rows=report.features.rows * 20),
        fields=replace(report.fields, rows=report.fields.rows * 20),
    )
    told = {"at": 0, "pieces": 0}
    for piece in files.report_pieces(many):
        told["pieces"] += 1
        if '"/micrographs/' not in piece:  # the places of sentences, which stand at the end
            assert len(piece) <= longest
    assert told["pieces"] > 20 * len(report.features.rows)


def test_the_digest_is_the_hash_of_the_file_as_documented(report):
    """Computed from the text alone: times out, what is empty and came later out, keys sorted, numbers as floats."""
    data = json.loads(files.dump_report(report), parse_int=float)
    data |= {"id": "", "digest": ""}
    data["provenance"] |= {"started": data["provenance"]["started"][:10], "seconds": 0.0, "audit": ""}
    for record in data["micrographs"]:
        record["segmentation"].pop("seconds", None)
    for holder in (data, data["provenance"], *data["attachments"], *data["results"]):
        for name in build.LATER:
            if name in holder and holder[name] in ("", [], None, "full", "behind"):
                del holder[name]
    assert hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest() == report.digest


def test_a_report_that_is_read_back_in_pieces_is_the_one_that_is_read_whole(report):
    """Digits beyond the twelfth, which only a run has, are gone in both."""
    record = replace(report.micrographs[0], picture_scale=1 / 3)
    rows = ((*report.features.rows[0][:-1], 1 / 3), *report.features.rows[1:])
    made = replace(
        report,
        micrographs=(record, *report.micrographs[1:]),
        features=replace(report.features, rows=rows),
    )
    whole = files.parse_report(files.dump_report(made).encode(), "report.json")
    again = files.read_back(made)
    assert again == whole
    assert again != made
    assert files.dump_report(again) == files.dump_report(whole)
    assert again.micrographs[0].picture_scale == 0.333333333333
