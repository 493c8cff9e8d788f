"""Pages of studies in a language: no English word of their own is left on them, and data written before are read."""

import json
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pypdf
import pytest
import tifffile
from typer.testing import CliRunner
from wide_words import drawn_in, left_of, names_in, wide_language, words_in, words_of

from inspect_tool.cli import app
from inspect_tool.errors import InspectError, OutputError, SettingsError
from inspect_tool.files import plain, with_sentences
from inspect_tool.languages import Text
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.paths import data_folder
from inspect_tool.report import document
from inspect_tool.standards.editions import load_standard
from inspect_tool.studies.comparison import compare
from inspect_tool.studies.comparison import page as comparison_page
from inspect_tool.studies.gauge import gauge
from inspect_tool.studies.gauge import page as gauge_page
from inspect_tool.studies.micrometer import page as micrometer_page
from inspect_tool.studies.micrometer.stage_micrometer import Request, evaluated, measured
from inspect_tool.studies.reprint import print_anew
from inspect_tool.studies.selftest import page as selftest_page
from inspect_tool.studies.selftest import selftest
from inspect_tool.studies.selftest.phantom_jobs import QUICK
from inspect_tool.synthetic import stage_micrometer
from inspect_tool.training import score_files
from inspect_tool.training.score import checked_request, score

SHIPPED = data_folder("templates") / "inspection"
NAMES = {"inspect", "tool", "python", "utc", "sha", "true", "false"}  # of a program, a time, a hash, a setting


@pytest.fixture
def wide(tmp_path, monkeypatch):
    with wide_language(tmp_path, monkeypatch) as language:
        yield language


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Two masks of three fields, which differ by what is drawn, and the folder of the pictures."""
    folder = tmp_path_factory.mktemp("compared")
    for i, (drawn, more) in enumerate(((400, 80), (800, 80), (640, 160)), start=1):
        for name, pixels in (("mask", drawn), ("other", drawn + more)):
            mask = np.zeros((80, 100), np.uint8)
            mask[20:30, : pixels // 10] = 255
            tifffile.imwrite(folder / f"{name}_{i}.tif", mask)
            if name == "mask":
                tifffile.imwrite(folder / f"field_{i}.tif", np.where(mask, 60, 200).astype(np.uint8) + np.uint8(i))
    (folder / "steel.toml").write_text(
        'recipe = "phase_fraction"\nimages = ["field_*.tif"]\nscale_bar = "off"\nexports = ["json"]\n[calibration]\n'
        'source = "ratio only"\n[backend]\nname = "labels"\nmasks = ["mask_*.tif"]\n',
        encoding="utf-8",
    )
    return compare.compare(folder / "steel.toml", ["labels:masks=other_*.tif"], folder / "out", margins=["2.5"])


def studied(folder, **options):
    """The study of the manual, or fifty values of one part."""
    values = load_standard("aiag_msa_2010").worked[0].given["values"]
    lines = [
        f"{part},{appraiser},{trial},{value}"
        for part, cells in enumerate(values, start=1)
        for appraiser, cell in zip("ABC", cells, strict=True)
        for trial, value in enumerate(cell, start=1)
    ]
    head = "part,appraiser,trial,value"
    if "type1" in options:
        head, lines = "value", [f"{10 + 0.01 * (i * 7 % 11 - 5):.2f}" for i in range(50)]
    (folder / "values.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    (folder / "wear.toml").write_text('data = "values.csv"\nexports = ["json"]\n', encoding="utf-8")
    return gauge.gauge([folder / "wear.toml"], folder / "out", options)


DESIGNS = [
    {"tolerance": 8.0},
    {"tolerance": 8.0, "method": "range"},
    {"nested": True},
    {"type1": True, "reference": 10.0, "tolerance": 1.0, "unit": "um"},
]


@pytest.mark.parametrize("medium", ["print", "screen"])
def test_a_page_of_a_comparison_has_no_word_of_its_own_that_is_not_of_its_language(compared, wide, medium):
    found, folder = compared
    page = comparison_page.page(replace(found, language=wide), folder, SHIPPED, medium)
    assert left_of(page, found) == set()
    assert {"steel", "labels"} <= words_of(page)  # names stay


@pytest.mark.parametrize("options", DESIGNS, ids=["anova", "range", "nested", "type 1"])
def test_a_page_of_a_gauge_study_has_no_word_of_its_own_that_is_not_of_its_language(options, wide, tmp_path):
    found, folder = studied(tmp_path, **options)
    page = gauge_page.page(replace(found, language=wide), folder, SHIPPED, "print")
    assert left_of(page, found) == set()


def test_german_numbers_of_a_study_have_a_comma(tmp_path):
    found, folder = studied(tmp_path, tolerance=8.0)
    page = gauge_page.page(replace(found, language="de"), folder, SHIPPED, "print")
    assert '<html lang="de">' in page
    assert "27,86\N{NO-BREAK SPACE}%" in page  # GRR of the study variation, which the manual prints as 27.86
    assert "27.86" not in re.sub(r"<[^>]+>", "", page)


def test_a_study_says_its_language_by_option_file_or_template(tmp_path):
    found, _ = studied(tmp_path)
    assert found.language == ""
    study = tmp_path / "wear.toml"
    study.write_text('language = "de"\ndata = "values.csv"\nexports = ["json"]\n', encoding="utf-8")
    assert gauge.gauge([study], tmp_path / "two")[0].language == "de"
    assert gauge.gauge([study], tmp_path / "three", language="en")[0].language == ""


def test_the_sentences_of_a_study_are_read_back_and_data_without_them_too(tmp_path):
    found, folder = studied(tmp_path, tolerance=8.0)
    path = folder / "gauge.json"
    again = gauge.load_gauge(path)
    assert with_sentences(again) == with_sentences(found)
    assert [one.key for one in again.warnings] == ["gauge.no_hashes"]
    assert isinstance(again.variations[0].title, Text)
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["sentences"], data["language"]  # as versions before wrote them
    path.write_text(json.dumps(data), encoding="utf-8")
    before = gauge.load_gauge(path)
    assert plain(before) == plain(found)
    assert not isinstance(before.warnings[0], Text)
    page = gauge_page.page(replace(before, language="de"), folder, SHIPPED, "print")
    assert words_in(before.warnings[0]) <= words_of(page)


def test_the_report_of_a_calibration_has_no_word_of_its_own_that_is_not_of_its_language(wide, tmp_path):
    drawn = [
        Micrograph(
            pixels=stage_micrometer(
                seed=seed, axis=axis, pixel_um=0.5, pitch_um=10.0, shape_px=(240, 320), blur_px=0.8
            ).pixels,
            calibration=Calibration(),
            path=f"{axis}{seed}.png",
        )
        for axis in "xy"
        for seed in (1, 2)
    ]
    request = Request(pitch_um=10.0, u_certificate_um=0.1, certificate="K 1", issued=date(2026, 3, 9))
    found = evaluated(measured(drawn, 10.0), request)
    page = micrometer_page.page(
        found.record, found.images, ("a remark of a person",), "CAL-1", tmp_path, SHIPPED, language=wide
    )
    own = names_in(("a remark of a person", found.record, "CAL-1", "calibration.toml"))
    assert words_of(page + drawn_in(page)) - own - NAMES == set()
    assert "{" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_the_page_of_a_score_has_no_word_of_its_own_that_is_not_of_its_language(wide, tmp_path):
    for i in range(3):
        truth, predicted = np.zeros((60, 60), np.uint8), np.zeros((60, 60), np.uint8)
        truth[10:30, 10:30] = 255
        predicted[10:30, 10 : 31 + i] = 255
        for name, mask in (("truth", truth), ("predicted", predicted)):
            (tmp_path / name).mkdir(exist_ok=True)
            tifffile.imwrite(tmp_path / name / f"f_{i}.tif", mask)
    asked = {"recipe": "porosity", "truth": [str(tmp_path / "truth")], "predicted": [str(tmp_path / "predicted")]}
    scores = score(checked_request(asked))
    page = score_files.page(scores, tmp_path, wide)
    own = names_in((scores.backend, scores.standard, scores.notes, "IoU, Dice, f_0.tif"))
    assert words_of(page + drawn_in(page)) - own - NAMES == set()


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """A self-test of two truths of pores, with what only larger or failed ones have put in, and its folder."""
    folder = tmp_path_factory.mktemp("selftest") / "out"
    kit = replace(
        QUICK,
        truths={"porosity": (2.0, 8.0)},
        looks=("good",),
        fields=1,
        side_px=160,
        least_px=160,
        pore_sizes_px=(8.0,),
    )
    found = selftest.selftest(folder, recipes=("porosity",), kit=kit)
    pores = next(one for one in found.recipes if one.recipe == "porosity")
    left = selftest_page.OutOfReach(truth=12.0, unit="G", reason=Text("selftest.nothing_measurable"))
    row = selftest_page.GoldenRow(
        job="steel",
        specimen="S1",
        title=pores.title,
        unit="%",
        before=1.25,
        after=1.5,
        difference=0.25,
        expanded_u=0.5,
        tolerance=0.125,
        within=False,
    )
    golden = selftest_page.GoldenPart(
        folder="ours",
        recorded="2026-03-09",
        tolerance=Text("selftest.share_of_u", share=0.25),
        rows=(row,),
        masks=1,
        masks_changed=1,
        changes=(Text("selftest.changed", name=Text("selftest.changed_weights"), before="a1", after="b2"),),
    )
    failed = (Text("selftest.no_result", quantities=("porosity_percent",)),)
    more = replace(pores, left=(left,), failed=failed, settings={"method": "otsu"})
    others = tuple(one for one in found.recipes if one is not pores)
    return found, replace(found, recipes=(*others, more), golden=golden), folder


@pytest.mark.parametrize("which", [0, 1], ids=["as run", "with golden images and failures"])
def test_the_page_of_a_self_test_has_no_word_of_its_own_that_is_not_of_its_language(which, tested, wide):
    found, folder = tested[which], tested[2]
    page = selftest_page.page(replace(found, language=wide), folder, SHIPPED, "screen")
    own = words_in("inspect-tool golden record, selftest --golden, minimum_px2".replace("_", " "))
    # the words of a criterion, which the file of criteria holds in English, are no names
    assert left_of(page, replace(found, rules=())) - own == set()


def test_a_german_self_test_says_criteria_and_numbers_in_german(tested):
    found, _, folder = tested
    page = selftest_page.page(replace(found, language="de"), folder, SHIPPED, "print")
    assert "Messabweichung: Porosität" in page
    assert "drei Zehntel eines Prozentpunkts, von 0,5 bis 10\N{NO-BREAK SPACE}%" in page
    assert "≤\N{NO-BREAK SPACE}0,3\N{NO-BREAK SPACE}Prozentpunkte" in page  # a bias of a percentage, in points
    assert "Poren von 2; 8 %" in page


def test_the_sentences_of_a_self_test_are_read_back_and_data_without_them_too(tested, tmp_path):
    found, _, folder = tested
    again = selftest.load_selftest(folder / "selftest.json")
    assert with_sentences(again) == with_sentences(found)
    assert isinstance(again.judged[0].check.name, Text)
    data = json.loads((folder / "selftest.json").read_text(encoding="utf-8"))
    del data["sentences"], data["language"]  # as versions before wrote them
    (tmp_path / "selftest.json").write_text(json.dumps(data), encoding="utf-8")
    before = selftest.load_selftest(tmp_path / "selftest.json")
    assert plain(before) == plain(found)
    assert not isinstance(before.judged[0].check.name, Text)
    page = selftest_page.page(replace(before, language="de"), folder, SHIPPED, "print")
    assert words_in(before.judged[0].check.name) <= words_of(page)
    assert "Messabweichung: Porosität" in page  # the criteria themselves are known by their titles


@pytest.mark.needs("Pango")
def test_a_study_is_printed_anew_and_its_own_files_stay(tmp_path):
    found, folder = studied(tmp_path, tolerance=8.0)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = CliRunner().invoke(app, ["print", str(folder / "gauge.json"), "--language", "de"])
    assert done.exit_code == 0, done.output
    german = folder.with_name(f"{folder.name}.de")
    shown = gauge_page.page(replace(found, language="de"), folder, SHIPPED, "screen")
    assert (german / "gauge.html").read_text(encoding="utf-8") == shown
    paper = pypdf.PdfReader(german / "gauge.pdf")
    assert paper.root_object["/Lang"] == "de"
    assert paper.attachments["gauge.json"] == [before[folder / "gauge.json"]]  # the data as they were
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    with pytest.raises(OutputError, match=r"gauge.html: exists already and is left as it is"):
        print_anew(folder, language="de")
    with pytest.raises(SettingsError, match=r"^--language: there are no words of 'germ'"):
        print_anew(folder, language="germ")


def test_comparison_and_self_test_are_printed_anew_with_their_pictures(compared, tested, tmp_path, monkeypatch):
    monkeypatch.setattr(document, "_print", lambda *_: None)  # on paper: as the gauge study
    for name, page, (found, folder) in (
        ("compare", comparison_page.page, compared),
        ("selftest", selftest_page.page, (tested[0], tested[2])),
    ):
        done = print_anew(folder, language="de", out=tmp_path / name)
        assert done.report == found.id
        shown = (tmp_path / name / f"{name}.html").read_text(encoding="utf-8")
        assert shown == page(replace(found, language="de"), folder, SHIPPED, "screen")
        assert '<html lang="de">' in shown
        assert "data:image/jpeg;base64," in shown


def test_what_is_neither_a_report_nor_a_study_is_not_printed(tmp_path):
    (tmp_path / "other.json").write_text('{"schema": "inspect_tool/golden/1"}', encoding="utf-8")
    with pytest.raises(InspectError, match=r"^.*other.json: schema is 'inspect_tool/golden/1'"):
        print_anew(tmp_path / "other.json")
