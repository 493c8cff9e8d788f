"""Backends compared on drawn fields whose areas are known; every expected number is that of the drawing."""

import json
import re
from itertools import pairwise

import numpy as np
import pikepdf
import pytest
import tifffile

from inspect_tool import cli
from inspect_tool.errors import BackendError, ReadError, SettingsError
from inspect_tool.folders import MARKER
from inspect_tool.registry import load
from inspect_tool.studies.comparison import compare
from inspect_tool.studies.comparison.page import Comparison, overall

SHAPE = (80, 100)
PX = SHAPE[0] * SHAPE[1]
DRAWN = [400, 800, 900, 640]  # pixels of the phase in each field
MORE = [80, 80, 0, 160]  # what the other mask marks beyond it


def row_of(pixels, value=255):
    """A block of so many pixels, ten rows high, in an empty field."""
    image = np.zeros(SHAPE, np.uint8)
    image[20:30, : pixels // 10] = value
    return image


@pytest.fixture
def folder(tmp_path):
    for i, (drawn, more) in enumerate(zip(DRAWN, MORE, strict=True), start=1):
        mask = row_of(drawn)
        tifffile.imwrite(tmp_path / f"field_{i}.tif", np.where(mask, 60, 200).astype(np.uint8) + np.uint8(i))
        tifffile.imwrite(tmp_path / f"mask_{i}.tif", mask)
        tifffile.imwrite(tmp_path / f"other_{i}.tif", row_of(drawn + more))
        tifffile.imwrite(tmp_path / f"numbers_{i}.tif", (row_of(drawn) // 255).astype(np.uint16))
    return tmp_path


def job(folder, backend='name = "labels"\nmasks = ["mask_*.tif"]', images='["field_*.tif"]', exports='["json"]'):
    path = folder / "steel.toml"
    path.write_text(
        f'recipe = "phase_fraction"\nimages = {images}\nexports = {exports}\nscale_bar = "off"\n'
        f'[calibration]\nsource = "ratio only"\n'
        f"[header]\nlaboratory = 'A < B & Co'\n[backend]\n{backend}\n",
        encoding="utf-8",
    )
    return path


OTHER = "labels:masks=other_*.tif"


def test_the_differences_are_those_that_were_drawn(folder):
    found, out = compare.compare(job(folder), [OTHER], folder / "out", margins=["2.5"])
    assert out == folder / "out" / "steel_compare"
    assert [one.label for one in found.candidates] == ["labels", "labels, masks = other_*.tif"]
    pair = next(pair for pair in found.pairs if pair.quantity == "area_percent.foreground")
    assert pair.reference_values == pytest.approx([100 * n / PX for n in DRAWN])
    assert pair.other_values == pytest.approx([100 * (n + m) / PX for n, m in zip(DRAWN, MORE, strict=True)])
    differences = np.array([100 * m / PX for m in MORE])
    assert pair.agreement.mean == pytest.approx(differences.mean())
    assert pair.agreement.s == pytest.approx(differences.std(ddof=1))
    assert pair.main
    assert pair.equivalence.margin == 2.5
    assert pair.equivalence.decision == "equivalent"
    assert found.verdict == "equivalent"
    plate = found.plates[0]
    assert (plate.image, plate.field) == ("field_4.tif", 4)  # most was added there
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == {MARKER, "compare.json", plate.reference_picture, plate.other_picture}


def test_what_is_written_reads_back_and_nothing_else_is_accepted(folder):
    found, out = compare.compare(job(folder), [OTHER], folder / "out")
    path = out / "compare.json"
    again = compare.load_comparison(path)
    assert isinstance(again, Comparison)
    assert again.id == found.id
    assert [pair.quantity for pair in again.pairs] == [pair.quantity for pair in found.pairs]
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["schema"] == "inspect_tool/comparison/1"
    path.write_text(json.dumps(data | {"extra": 1}), encoding="utf-8")
    with pytest.raises(SettingsError, match="extra: unknown key"):
        compare.load_comparison(path)
    path.write_text(json.dumps(data | {"schema": "inspect_tool/report/1"}), encoding="utf-8")
    with pytest.raises(SettingsError, match="schema is 'inspect_tool/report/1', this version reads"):
        compare.load_comparison(path)
    path.write_text("no", encoding="utf-8")
    with pytest.raises(SettingsError, match="not a comparison"):
        compare.load_comparison(path)


def test_the_identification_changes_with_the_numbers_and_not_with_the_time(folder):
    first, _ = compare.compare(job(folder), [OTHER], folder / "out")
    again, _ = compare.compare(job(folder), [OTHER], folder / "out")
    assert first.id == again.id
    tifffile.imwrite(folder / "other_1.tif", row_of(600))
    assert compare.compare(job(folder), [OTHER], folder / "out")[0].id != first.id


@pytest.mark.parametrize(
    ("margin", "decision", "status"),
    [
        ([], "no margin", 0),
        (["2.5"], "equivalent", 0),
        (["1.2"], "not shown equivalent", 4),
        (["0.01"], "different", 3),
    ],
)
def test_each_verdict_has_its_exit_status(folder, margin, decision, status, monkeypatch, capsys):
    for i, more in enumerate((80, 100, 90, 90), start=1):
        tifffile.imwrite(folder / f"other_{i}.tif", row_of(DRAWN[i - 1] + more))
    arguments = ["compare", str(job(folder)), "-b", OTHER, "--out", str(folder / "out"), "--quiet"]
    for one in margin:
        arguments += ["--margin", one]
    monkeypatch.setattr("sys.argv", ["inspect-tool", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == status
    assert capsys.readouterr().out == ""
    assert compare.load_comparison(folder / "out" / "steel_compare" / "compare.json").verdict == decision


def test_the_printed_table_and_json(folder, monkeypatch, capsys):
    arguments = ["compare", str(job(folder)), "-b", OTHER, "-m", "0.5", "--out", str(folder / "out")]
    monkeypatch.setattr("sys.argv", ["inspect-tool", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 4
    printed = capsys.readouterr().out
    assert "reference: labels" in printed
    assert "not shown equivalent" in printed
    assert "the 90 % interval of the mean difference reaches over the margin" in printed
    monkeypatch.setattr("sys.argv", ["inspect-tool", *arguments, "--json"])
    with pytest.raises(SystemExit, match="4"):
        cli.main()
    assert json.loads(capsys.readouterr().out)["verdict"] == "not shown equivalent"


def test_the_part_that_is_shown_is_where_the_outlines_differ():
    first = np.zeros((600, 900), np.int32)
    first[50:550:50] = 1
    second = first.copy()
    second[480:520, 700:760] = 2
    top, left, bottom, right = compare.where_outlines_differ(first, second)
    assert (bottom - top, right - left) == (300, 300)  # a third of the longer side
    assert top <= 480
    assert bottom >= 520
    assert left <= 700
    assert right >= 760
    assert compare.where_outlines_differ(first, first * 7) == (0, 0, 600, 900)
    assert compare.where_outlines_differ(first, np.roll(first, 2, axis=0)) == (0, 0, 600, 900)


def test_two_fields_and_one_give_no_verdict(folder):
    two = job(folder, 'name = "labels"\nmasks = ["mask_1.tif", "mask_2.tif"]', '["field_1.tif", "field_2.tif"]')
    found, _ = compare.compare(two, ['labels:masks=["other_1.tif", "other_2.tif"]'], folder / "out", margins=["5"])
    assert found.verdict == "not stated"
    assert found.pairs[0].equivalence.reason == "2 fields; 3 or more are needed"
    one = job(folder, 'name = "labels"\nmasks = ["mask_1.tif"]', '["field_1.tif"]')
    found, _ = compare.compare(one, ["labels:masks=other_1.tif"], folder / "out", margins=["5"])
    assert found.pairs[0].agreement.s is None
    assert found.pairs[0].equivalence.reason == "1 field; 3 or more are needed"
    assert found.candidates[0].later_seconds_per_mpx is None


def test_more_backends_are_each_compared_with_the_jobs_own(folder):
    asked = [f"labels,{OTHER}", "labels:masks=numbers_*.tif;kind=labels;classes={}"]
    path = job(folder, 'name = "labels"\nmasks = ["mask_*.tif"]\nclasses = { "1" = "object" }')
    found, _ = compare.compare(path, asked, folder / "out", margins=["area_percent.object=3"])
    assert [one.label for one in found.candidates] == [
        "labels",
        "labels, masks = other_*.tif",
        "labels, masks = numbers_*.tif, kind = labels, classes = {}",
    ]
    assert {pair.other for pair in found.pairs} == {one.label for one in found.candidates[1:]}
    last = next(p for p in found.pairs if p.other.endswith("{}") and p.quantity == "area_percent.object")
    assert last.agreement.mean == 0  # the same pixels, as objects
    assert "whose union is measured" in found.candidates[2].steps[0]
    assert any("2 verdicts are given" in warning for warning in found.warnings)
    assert found.verdict == "equivalent"


def test_a_field_that_one_backend_refuses_leaves_no_verdict(folder):
    tifffile.imwrite(folder / "other_3.tif", np.zeros(SHAPE, np.uint8))  # nothing is marked: not clear what that means
    found, _ = compare.compare(job(folder), [OTHER], folder / "out", margins=["5"])
    assert [item.image for item in found.candidates[1].refused] == ["field_3.tif"]
    pair = next(pair for pair in found.pairs if pair.quantity == "area_percent.foreground")
    assert pair.agreement.n == 3
    assert pair.agreement.mean == pytest.approx(np.mean([100 * MORE[i] / PX for i in (0, 1, 3)]))
    assert pair.equivalence.decision == "not stated"
    assert "1 of 4 fields have a value of one backend only" in pair.equivalence.reason
    assert any("could not measure 1 of 4 fields: field_3.tif" in warning for warning in found.warnings)


def test_what_the_user_must_fix_is_one_line(folder):
    path = job(folder)

    def refused(backends, match, margins=(), error=SettingsError, alpha=0.05):
        with pytest.raises(error, match=match) as found:
            compare.compare(path, backends, folder / "out", margins=margins, alpha=alpha)
        assert "\n" not in str(found.value)
        assert not (folder / "out" / "steel_compare").exists()

    refused(["labels"], "names only the job's own backend 'labels', which is the reference")
    refused(["sieve"], "backend 'sieve': unknown backend 'sieve'; there are: threshold")
    refused(["watershed"], r"backend 'watershed': recipe phase_fraction asks coverage .* gives grains")
    refused(["threshold:phase"], r"'phase' is not key=value; write threshold:key=value")
    refused(["threshold:fase=dark"], "backend 'threshold, fase = dark': steel.toml backend.fase: unknown key")
    refused([OTHER, OTHER], "'labels, masks = other_.* is named twice")
    refused(["threshold"], "no quantity in common with 'labels': area_percent.dark.*give the classes the same names")
    refused([OTHER], "--margin x: 'x' is not a number", ["x"])
    refused([OTHER], "--margin -1: margin: got -1, must be above 0", ["-1"])
    refused([OTHER], "recipe phase_fraction has no 'void_percent.max'", ["void_percent.max=1"])
    refused([OTHER], "this job gives no such result; it gives area_percent.foreground", ["area_percent.ferrite=1"])
    refused([OTHER], "for the main results was given before", ["1", "2"])
    refused([OTHER], "alpha: got 0.7, must be between 0 and 0.5", alpha=0.7)
    for i in range(1, 5):
        tifffile.imwrite(folder / f"blank_{i}.tif", np.zeros(SHAPE, np.uint8))
    refused(["labels:masks=blank_*.tif"], "no field could be measured", error=BackendError)


def test_a_damaged_last_image_is_found_before_the_first_is_measured(folder, monkeypatch):
    image = folder / "field_4.tif"
    image.write_bytes(image.read_bytes()[:-500])
    monkeypatch.setattr(compare.one_field, "measured_field", None)
    with pytest.raises(ReadError, match=r"field_4\.tif"):
        compare.compare(job(folder), [OTHER], folder / "out")


def test_backends_are_read_from_names_words_and_files(folder):
    path = job(folder)
    (folder / "lab.toml").write_text('[backend]\nname = "threshold"\nmethod = "fixed"\nlevels = [90.0]\n', "utf-8")
    found = compare.chosen_backends(
        path, [f'threshold:classes=["a", "b"];level=1e2,watershed,{folder / "lab.toml"}', "own mask@labels:kind=binary"]
    )
    assert [one.label for one in found] == [
        "labels", "threshold, classes = a, b, level = 100.0", "watershed", "threshold (lab)", "own mask",
    ]  # fmt: skip
    default = dict(load("recipe", "phase_fraction").BACKEND)
    assert dict(found[1].table) == default | {"classes": ["a", "b"], "level": 100.0}
    assert dict(found[3].table) == {"name": "threshold", "method": "fixed", "levels": [90.0]}
    assert dict(found[4].table) == {"name": "labels", "masks": ["mask_*.tif"], "kind": "binary"}  # the job's own table


def test_the_page_is_whole_and_opens_offline(folder):
    path = job(folder, exports='["html", "pdf"]')
    found, out = compare.compare(path, [OTHER], folder / "out", margins=["2.5"])
    html = (out / "compare.html").read_text(encoding="utf-8")
    assert "A &lt; B &amp; Co" in html
    assert found.id in html
    assert not re.search(r"(src|href)=\"(?!data:)", html)
    assert "default-src 'none'" in html
    for words in ("labels, masks = other_*.tif against labels", "Mean differences", "Where they differ most", "Time"):
        assert words in html
    heads = [html.index(f"<h2>{head}") for head in ("Differences field by field", "Values of each field", "Provenance")]
    assert all(a < b for a, b in pairwise(heads))
    with pikepdf.open(out / "compare.pdf") as document:
        carried = document.attachments["compare.json"].get_file().read_bytes()
        assert carried == (out / "compare.json").read_bytes()


def test_one_difference_is_a_difference_and_one_doubt_is_doubt(folder):
    found, _ = compare.compare(job(folder), [OTHER], folder / "out", margins=["2.5"])
    pair = found.pairs[0]

    def judged(*decisions):
        from dataclasses import replace

        return overall([replace(pair, equivalence=replace(pair.equivalence, decision=d)) for d in decisions])

    assert judged("equivalent", "equivalent") == "equivalent"
    assert judged("equivalent", "not shown equivalent", "different") == "different"
    assert judged("not stated", "not shown equivalent") == "not shown equivalent"
    assert judged("equivalent", "not stated") == "not stated"
    assert overall([]) == "no margin"
