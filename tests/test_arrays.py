"""Arrays measured in a notebook: the same numbers as of files, a report that stands alone, and errors in one line."""

import json
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import tifffile

import inspect_tool
from inspect_tool import Calibration, InspectError, Requirement, synthetic
from inspect_tool.files import plain, sha256_bytes
from inspect_tool.inspection import arrays
from inspect_tool.model import Findings, Header, Measurements, Region, Result, Results
from inspect_tool.verify.verify import verify

LIMIT = Requirement(quantity="porosity_percent", unit="%", upper=5.0, source="drawing 4711")


def section(seed, **changes):
    given = {"porosity_percent": 2.0, "mean_ecd_um": 12.0, "pixel_um": 1.0, "shape_px": (220, 260), **changes}
    return synthetic.degrade(synthetic.pores(seed=seed, **given).pixels, 1, seed=seed)


FIELDS = [section(1), section(2)]
JOB = """
recipe = "porosity"
images = ["field_*.tif"]
exports = ["json"]
{more}
[calibration]
pixel_um = 1.0
u_rel = 0.004
source = "stated by the caller"
[[requirements]]
quantity = "porosity_percent"
unit = "%"
upper = 5.0
source = "drawing 4711"
"""


def measured(report):
    """All of a report but what names its files, its time and its machine."""
    data = plain(report)
    for key in ("id", "digest", "provenance", "attachments", "criteria", "job"):
        del data[key]
    for record in data["micrographs"]:
        del record["sha256"], record["segmentation"]["seconds"]
        for mask in record["evidence"]["masks"]:
            assert len(mask.pop("sha256")) == 64
    return data


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    report = inspect_tool.measure(
        FIELDS, "porosity", pixel_um=1.0, u_rel=0.004, requirements=[LIMIT], out=str(out), name="castings",
        header=Header(order="PO 1"),
    )  # fmt: skip
    return out, report


@pytest.mark.parametrize(
    "as_saved",
    [lambda image: image, lambda image: image.astype(np.uint16) * 257, lambda image: image / np.float32(3)],
    ids=["8 bit", "16 bit", "float"],
)
def test_an_array_gives_value_by_value_what_its_file_gives(tmp_path, as_saved):
    images = [as_saved(image) for image in FIELDS]
    for i, image in enumerate(images, 1):
        tifffile.imwrite(tmp_path / f"field_{i}.tif", image)
    (tmp_path / "castings.toml").write_text(JOB.format(more=""), encoding="utf-8")
    of_files = inspect_tool.run(str(tmp_path / "castings.toml"))
    of_arrays = inspect_tool.measure(
        images, "porosity", pixel_um=1.0, u_rel=0.004, requirements=[LIMIT], name="castings"
    )
    assert measured(of_arrays) == measured(of_files)


def test_colors_and_region_of_a_file_that_was_read_are_measured_too(tmp_path):
    gray = FIELDS[0]
    tinted = np.dstack([gray, gray, gray // 2])
    opaque = np.full(gray.shape, 255, np.uint8)
    opaque[:, :40] = 0
    tifffile.imwrite(tmp_path / "field_1.tif", np.dstack([tinted, opaque]), photometric="rgb", extrasamples=[2])
    (tmp_path / "castings.toml").write_text(JOB.format(more=""), encoding="utf-8")
    of_file = inspect_tool.run(tmp_path / "castings.toml")
    micrograph = inspect_tool.read(
        str(tmp_path / "field_1.tif"),
        calibration=Calibration(pixel_um=1.0, u_rel=0.004, source="stated by the caller"),
    )
    assert micrograph.color is not None
    assert micrograph.roi is not None
    of_array = inspect_tool.measure(micrograph, "porosity", requirements=[LIMIT], name="castings")
    for part in ("results", "checks", "conformities", "fields", "features", "tables", "warnings", "statements"):
        assert measured(of_array)[part] == measured(of_file)[part]


def test_pixels_that_were_filtered_are_measured_and_not_the_colors_they_had_before():
    tinted = np.dstack([FIELDS[0]] * 2 + [FIELDS[0] // 2])
    plain_one = inspect_tool.from_array(FIELDS[0], pixel_um=1.0)
    filtered = replace(plain_one, color=tinted)
    assert arrays._tiff(filtered) == arrays._tiff(plain_one)


def test_the_hash_of_an_array_is_that_of_the_file_that_is_kept_of_it(written):
    out, report = written
    for i, (image, record) in enumerate(zip(FIELDS, report.micrographs, strict=True), 1):
        kept = out / "castings_images" / f"field_{i}.tif"
        assert record.sha256 == sha256_bytes(kept.read_bytes())
        assert record.sha256 == inspect_tool.from_array(image, pixel_um=1.0).sha256
        np.testing.assert_array_equal(tifffile.imread(kept), image)


def test_a_notebook_finishes_the_job(written):
    out, report = written
    folder = out / "castings"
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "PO 1" in (folder / "report.html").read_text(encoding="utf-8")
    assert plain(inspect_tool.load_report(str(folder / "report.json"))) == plain(report)
    assert {one.quantity for one in report.conformities} == {"porosity_percent"}


def test_a_report_of_arrays_verifies_with_its_images(written):
    out, _ = written
    verified = verify(out / "castings", images=out / "castings_images")
    assert {finding.state for finding in verified.findings} <= {"verified", "not checked"}
    assert any(one.part == "segmentation" and one.state == "verified" for one in verified.findings)


def test_the_job_that_is_kept_gives_the_same_report_again(written):
    out, report = written
    again = inspect_tool.run(out / "castings_images" / "castings.toml", exports=("json",))
    assert measured(again) == measured(report)


def test_own_masks_are_measured_in_place_of_a_backend():
    mask = np.zeros((200, 250), dtype=bool)
    mask[20:60, 30:80] = True  # 2000 of 50000 pixels are 4 %
    image = np.where(mask, 40, 200).astype(np.uint8) + np.random.default_rng(1).integers(0, 9, mask.shape, np.uint8)
    for drawn in (mask, mask.astype(np.int64)):
        report = inspect_tool.measure(image, "porosity", pixel_um=1.0, masks=drawn)
        assert report.results[0].value == pytest.approx(4.0, abs=1e-9)
        assert report.micrographs[0].segmentation["backend"] == "labels"


def test_specimens_and_other_keys_of_a_job_reach_the_report():
    images = [
        inspect_tool.from_array(image, pixel_um=1.0, specimen=name) for image, name in zip(FIELDS, "AB", strict=True)
    ]
    more = {"region": Region(rectangle=(0, 0, 200, 200)), "modality": "optical"}
    report = inspect_tool.measure(
        images, "porosity", backend={"name": "threshold", "phase": "dark"}, settings={"minimum_px2": 30}, more=more
    )
    assert [(one.specimen, one.height_px, one.modality) for one in report.micrographs] == [
        ("A", 200, "optical"),
        ("B", 200, "optical"),
    ]
    assert report.provenance.settings["minimum_px2"] == 30
    assert report.provenance.backend["name"] == "threshold"


def test_a_path_of_a_notebook_starts_where_the_notebook_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InspectError, match=r"own\.toml"):
        inspect_tool.measure(FIELDS[0], "porosity", pixel_um=1.0, standard="own.toml")
    name = inspect_tool.load_report  # both kinds of paths everywhere
    with pytest.raises(InspectError, match="no such file"):
        name("report.json")
    with pytest.raises(InspectError, match="no such file"):
        inspect_tool.load_job("job.toml")


def test_nothing_is_left_of_a_measurement_that_was_refused(tmp_path):
    with pytest.raises(InspectError, match=r"castings\.toml settings\.percentile"):
        inspect_tool.measure(
            FIELDS[0], "porosity", pixel_um=1.0, settings={"percentile": [50]}, out=tmp_path, name="castings"
        )
    assert list(tmp_path.iterdir()) == []


GRAY = FIELDS[0]
HOLE = np.where(np.arange(GRAY.size).reshape(GRAY.shape) < 900, np.nan, GRAY)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([[1, 2], [3, 4]], "is of type list; give a NumPy array"),
        (GRAY > 90, "holds true and false.*masks="),
        (np.dstack([GRAY] * 3), "has colors, 220 x 260 x 3"),
        (np.stack([GRAY] * 5), "has 3 axes, 5 x 220 x 260"),
        (GRAY[0], "has 1 axes, 260"),
        (np.zeros((0, 4), np.uint8), "is empty, 0 x 4 pixels"),
        (GRAY.astype(complex), "holds values of type complex128"),
        (GRAY * 1e40, "holds values up to .*e.42, .* scale them"),
        (HOLE, "900 of 57200 pixels are NaN or infinite; repair them, or leave them out by roi="),
        (np.where(GRAY > 90, np.inf, 1.0), "pixels are NaN or infinite"),
        (np.full((60, 60), 7, np.uint8), "every pixel has the value 7"),
    ],
)
def test_what_is_no_plane_of_gray_values_is_refused_in_one_line(image, message):
    with pytest.raises(InspectError, match=message) as caught:
        inspect_tool.from_array(image, pixel_um=1.0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no scale; give pixel_um"),
        ({"pixel_um": 1.0, "calibration": Calibration(pixel_um=2.0)}, "are both given"),
        ({"pixel_um": -1.0}, "pixel_um = -1"),
        ({"pixel_um": 1.0, "u_rel": 4.0}, "u_rel = 4"),
        ({"pixel_um": 1.0, "roi": np.ones((3, 3), bool)}, "roi must be an array of 220 x 260 truth values"),
        ({"pixel_um": 1.0, "roi": np.ones(GRAY.shape)}, "roi must be an array of 220 x 260 truth values"),
        ({"pixel_um": 1.0, "roi": np.zeros(GRAY.shape, bool)}, "roi must be an array"),
    ],
)
def test_a_scale_or_a_region_that_cannot_be_meant_is_refused(given, message):
    with pytest.raises(InspectError, match=message):
        inspect_tool.from_array(GRAY, **given)


@pytest.mark.parametrize(
    ("images", "given", "message"),
    [
        ([], {}, "no image is given"),
        (GRAY, {"masks": GRAY[:9] > 90}, "mask 1: has 9 x 260 pixels .*, its image 220 x 260"),
        (GRAY, {"masks": [GRAY > 90] * 2}, "2 masks for 1 images"),
        (GRAY, {"masks": GRAY / 255}, "mask 1: is of values of type float64"),
        (GRAY, {"masks": [[True]]}, "mask 1: is of type list"),
        (GRAY, {"masks": GRAY.astype(np.int64) << 40}, "mask 1: holds numbers from .* to .*; at most 2147483647"),
        (GRAY, {"masks": GRAY > 255}, r"^masks/mask_1\.tif: "),
        (GRAY, {"more": {"settings": {}}}, "more has settings"),
        (GRAY, {"name": "../up"}, "no folder can be called"),
        (GRAY, {"backend": "treshold"}, "unknown backend 'treshold'.*threshold"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(images, given, message):
    with pytest.raises(InspectError, match=message):
        inspect_tool.measure(images, "porosity", pixel_um=1.0, **given)


def test_the_room_of_the_same_name_does_not_hide_the_function():
    from inspect_tool.measure import regions

    assert regions.__name__ == "inspect_tool.measure.regions"
    assert inspect_tool.measure is arrays.measure


@pytest.mark.parametrize(
    "first",
    [
        "from inspect_tool.measure import regions as room",
        "from inspect_tool.measure.regions import connected; import sys; room = sys.modules[connected.__module__]",
        "import importlib; room = importlib.import_module('inspect_tool.measure.regions')",
    ],
)
def test_the_room_measure_is_imported_and_the_function_stays(first):
    says = "import inspect_tool; print(room.__name__, callable(inspect_tool.measure), inspect_tool.measure.__module__)"
    done = subprocess.run([sys.executable, "-c", f"{first}\n{says}"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["inspect_tool.measure.regions", "True", "inspect_tool.inspection.arrays"]


# --------------------------------------------------------------------------------------------- what a notebook shows

ODD = Result(
    quantity="porosity_percent", specimen="<b>A</b>", value=2.123456, unit="%", n=3, clause="c", definition="d",
    u=0.1, expanded_u=0.21, interval=(1.9, 2.3), title="Porosity & <pores>", main=True,
)  # fmt: skip
BARE = replace(ODD, quantity="pore_nests", title="", unit="counts", u=None, expanded_u=None, interval=None, main=False)


def findings(*results, warnings=()):
    empty = pd.DataFrame()
    return Findings(
        results=results, checks=(), measurements=Measurements(features=empty, fields=empty), warnings=warnings
    )


def test_results_become_a_tidy_table():
    frame = findings(ODD, BARE).results.to_frame()
    assert list(frame["quantity"]) == ["porosity_percent", "pore_nests"]
    assert frame.loc[0, ["value", "unit", "n", "expanded_u", "low", "high"]].tolist() == [
        2.123456,
        "%",
        3,
        0.21,
        1.9,
        2.3,
    ]
    assert frame.loc[1, ["u", "expanded_u", "low"]].isna().all()
    assert frame.dtypes[["value", "expanded_u"]].tolist() == [np.dtype(float)] * 2
    assert list(Results().to_frame().columns) == list(frame.columns)


def test_results_are_a_table_whatever_they_are_made_of(written):
    _, report = written
    for made in (report, replace(report, results=tuple(report.results)), replace(report, results=list(report.results))):
        assert made.results.to_frame()["value"].tolist() == [one.value for one in report.results]
    assert json.loads(json.dumps(plain(report)))["results"][0]["quantity"] == "porosity_percent"


class Tags(HTMLParser):
    """Open and closed tags, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.opened, self.text = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):  # noqa: ARG002 - as the library calls it
        self.opened.append(tag)

    def handle_data(self, data):
        self.text.append(data)


def test_a_notebook_shows_page_one_and_every_text_escaped():
    html = findings(ODD, BARE, warnings=["<script>alert(1)</script>"])._repr_html_()
    seen = Tags(html)
    assert {"script", "b", "pores"} & set(seen.opened) == {"b"}  # the head is bold, the specimen is not
    assert seen.opened.count("b") == 1
    assert {"<script>alert(1)</script>", "Porosity & <pores>", "<b>A</b>", "2.123", "0.21"} <= set(seen.text)
    assert "1 of 2 results are shown" in html


def test_a_report_is_short_to_print_and_compact_to_show(written):
    _, report = written
    assert len(repr(report)) < 200
    assert f"verdict {report.verdict}" in repr(report)
    html = report._repr_html_()
    assert len(html) < 10_000
    assert "Porosity" in html
    assert repr(findings(ODD)) == "<Findings: 1 results, 0 of 0 checks not met, 0 warnings>"
