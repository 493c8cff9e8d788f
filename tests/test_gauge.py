"""Gauge studies from files: what is read, what is refused, what is written; numbers are those of the manual's study."""

import hashlib
import json
import re
import subprocess

import numpy as np
import pikepdf
import pytest
import tifffile

from inspect_tool import cli
from inspect_tool.errors import MeasurementError, ReadError, SettingsError, StandardError
from inspect_tool.standards.editions import load_standard
from inspect_tool.studies.gauge.gauge import gauge, load_gauge

STUDY = load_standard("aiag_msa_2010").worked[0].given["values"]


def lines(values=STUDY, appraisers="ABC", head="part,appraiser,trial,value"):
    rows = [
        f"{part},{appraiser},{trial},{value}"
        for part, cells in enumerate(values, start=1)
        for appraiser, cell in zip(appraisers, cells, strict=True)
        for trial, value in enumerate(cell, start=1)
    ]
    return [head, *rows]


def table(tmp_path, text=None, name="study.csv"):
    path = tmp_path / name
    path.write_text("\n".join(text or lines()) + "\n", encoding="utf-8")
    return path


def quick(tmp_path, text=None, plan="", more=""):
    """A study file that writes its data only."""
    table(tmp_path, text)
    path = tmp_path / "study.toml"
    path.write_text(f'data = "study.csv"\nexports = ["json"]\n{more}\n[plan]\n{plan}\n', encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gauge")
    table(folder, name="values.csv")
    path = folder / "grain.toml"
    path.write_text(
        'title = "Grain size, <two> microscopes"\ndata = "values.csv"\n[header]\nlaboratory = "Lab & Co"\n'
        "[plan]\ntolerance = 8.0\n",
        encoding="utf-8",
    )
    return gauge([path], folder / "out")


def test_the_manuals_study_gives_its_numbers_and_its_verdict(written):
    found, out = written
    assert out.name == "grain_gauge"
    assert (len(found.parts), found.appraisers, found.trials) == (10, ("A", "B", "C"), 3)
    assert found.unit == ""
    by_name = {item.name: item for item in found.variations}
    assert list(by_name) == ["grr", "ev", "av", "pv", "tv"]  # the interaction is pooled
    assert by_name["grr"].percent_study == pytest.approx(27.86, abs=0.005)  # the manual prints 27.9
    assert by_name["grr"].percent_contribution == pytest.approx(7.76, abs=0.005)  # and 7.8
    assert by_name["grr"].percent_tolerance == pytest.approx(100 * 6 * 0.302373 / 8, abs=1e-3)
    assert by_name["tv"].percent_contribution == pytest.approx(100)
    assert {item.name: item.decision for item in found.criteria} == {
        "study": "conditional",
        "tolerance": "conditional",
        "ndc": "not acceptable",  # 4, asked 5
    }
    assert found.verdict == "not acceptable"


@pytest.mark.needs("poppler")
def test_data_page_and_pdf_say_the_same(written):
    found, out = written
    assert load_gauge(out / "gauge.json") == load_gauge(out / "gauge.json")
    assert load_gauge(out / "gauge.json").id == found.id
    page = (out / "gauge.html").read_text(encoding="utf-8")
    assert "Grain size, &lt;two&gt; microscopes" in page
    assert "Lab &amp; Co" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("data:image/svg+xml") >= 6
    with pikepdf.open(out / "gauge.pdf") as pdf:
        assert set(pdf.attachments) == {"gauge.json"}
        carried = pdf.attachments["gauge.json"].get_file().read_bytes()
    assert carried == (out / "gauge.json").read_bytes()
    printed = subprocess.run(["pdftotext", out / "gauge.pdf", "-"], capture_output=True, text=True).stdout
    assert re.search(r"NOT\s+ACCEPTABLE", printed)
    for said in ("27.86", "7.76", "88.3619", "0.974", found.id, "truncated to 4"):
        assert said in printed, said


def test_what_is_not_a_study_is_not_read_back(tmp_path):
    path = tmp_path / "gauge.json"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(SettingsError, match="schema is 'list'"):
        load_gauge(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SettingsError, match="not a gauge study"):
        load_gauge(path)


def test_the_range_method_is_that_of_the_manual(tmp_path):
    found, _ = gauge([quick(tmp_path)], tmp_path / "out", {"method": "range"})
    assert found.variations[0].percent_study == pytest.approx(26.68, abs=0.005)  # as the manual prints it
    assert found.found.ndc == 5
    assert found.found.grr_low is None
    assert found.verdict == "conditional"


def test_the_identification_changes_with_a_value_and_not_with_the_time(tmp_path):
    path = quick(tmp_path)
    first, again = (gauge([path], tmp_path / "out")[0].id for _ in range(2))
    assert first == again
    other = lines()
    other[1] = other[1].replace("0.29", "0.28")
    assert gauge([quick(tmp_path, other)], tmp_path / "out")[0].id != first


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_any_spreadsheet_are_read(tmp_path, delimiter):
    text = [line.replace(",", delimiter).replace("-", "−") for line in lines(head="\ufeffPart,Appraiser,Trial,Value")]
    found, _ = gauge([quick(tmp_path, text)], tmp_path / "out")
    assert found.found.grr == pytest.approx(0.302372, abs=1e-6)  # recomputed; the manual prints 0.302373


@pytest.mark.parametrize(
    ("plan", "verdict", "status"),
    [
        ('criteria = "none"', "no criterion", 0),
        ('tolerance = 20.0\ncriteria = "tolerance"', "acceptable", 0),  # 6 x 0.302 / 20 = 9.1 %
        ('criteria = "study"', "conditional", 4),  # 27.9 %
        ('criteria = "study, ndc"', "not acceptable", 3),
        ('lower = 0.0\nupper = 6.0\ncriteria = "tolerance"', "not acceptable", 3),  # 30.2 %
    ],
)
def test_each_verdict_has_its_exit_status(tmp_path, plan, verdict, status, monkeypatch, capsys):
    path = quick(tmp_path, plan=plan)
    monkeypatch.setattr("sys.argv", ["inspect-tool", "gauge", str(path), "--out", str(tmp_path / "out"), "--json"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == status
    assert json.loads(capsys.readouterr().out)["verdict"] == verdict


def test_the_command_prints_components_criteria_and_notes(tmp_path, monkeypatch, capsys):
    path = quick(tmp_path)
    monkeypatch.setattr("sys.argv", ["inspect-tool", "gauge", str(path), "--out", str(tmp_path), "--tolerance", "20"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr().out
    assert left.value.code == 3
    assert "27.86 %" in said
    assert "9.07 %" in said  # of the tolerance
    assert "Number of distinct categories: 4, required ≥ 5: not acceptable" in said.replace("\xa0", " ")
    assert "No value states the hash of its images" in said


def test_a_nested_study_takes_part_names_of_each_appraiser(tmp_path):
    random = np.random.default_rng(1)
    values = random.normal(0, 1, (3, 4, 1)) + random.normal(0, 0.1, (3, 4, 2))
    text = ["part,appraiser,trial,value"]
    for a, block in zip("XYZ", values, strict=True):
        text += [f"{a}{p},{a},{t},{v}" for p, cell in enumerate(block) for t, v in enumerate(cell)]
    found, _ = gauge([quick(tmp_path, text)], tmp_path / "out", {"nested": True})
    assert found.design == "nested"
    assert [row.dof for row in found.found.anova] == [2, 9, 12, 23]
    with pytest.raises(MeasurementError, match="one appraiser only; if that is meant, it is --nested"):
        gauge([quick(tmp_path, text)], tmp_path / "out")


def test_a_type_1_study_needs_only_values(tmp_path):
    text = ["value,unit", *(f"{value},um" for value in (9.98, 10.0, 10.02, 10.04, 10.06))]
    plan = "type1 = true\nreference = 10.0\ntolerance = 1.0\nresolution = 0.06"
    found, _ = gauge([quick(tmp_path, text, plan)], tmp_path / "out")
    # by hand: s = sqrt(0.001), Cg = 0.2 / (6 s), Cgk = 0.08 / (3 s); 0.06 is 6 % of the tolerance
    assert found.capability.cg == pytest.approx(0.2 / 6 / 0.001**0.5)
    assert found.capability.cgk == pytest.approx(0.08 / 3 / 0.001**0.5)
    assert [(item.name, item.decision) for item in found.criteria] == [
        ("cg", "not acceptable"),
        ("cgk", "not acceptable"),
        ("resolution", "not acceptable"),
    ]
    assert "5 values; 25 or more are customary." in found.warnings


def test_one_page_for_a_type_1_study(tmp_path):
    random = np.random.default_rng(2)
    text = ["value,unit", *(f"{value:.3f},um" for value in random.normal(10, 0.01, 30))]
    path = quick(tmp_path, text)
    path.write_text(path.read_text(encoding="utf-8").replace("json", "html"), encoding="utf-8")
    found, out = gauge([path], tmp_path / "out", {"type1": True, "reference": 10.0, "lower": 9.0, "upper": 11.0})
    assert found.verdict == "acceptable"
    assert found.limits == (9.0, 11.0)
    page = (out / "gauge.html").read_text(encoding="utf-8")
    assert "Type-1 study: 30" in page
    assert "9\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}11" in page


def digest(i):
    return hashlib.sha256(str(i).encode()).hexdigest()


def hashed(numbers):
    """The study of two parts, two appraisers, two trials with an image number for each value."""
    values = [[[1.0, 1.1], [1.2, 1.25]], [[3.0, 3.2], [3.1, 3.0]]]
    rows = lines(values, "AB", "part,appraiser,trial,value,image_sha256")
    return [rows[0], *(f"{row},{digest(number)}" for row, number in zip(rows[1:], numbers, strict=True))]


def test_two_trials_on_one_image_are_refused_with_the_reason(tmp_path):
    with pytest.raises(
        MeasurementError,
        match=r"trials 1 and 2 of part 1 rest on one image, SHA-256 \w{8}\.\.\. \(line 4, line 5\): .*no repeatability",
    ):
        gauge([quick(tmp_path, hashed([1, 2, 3, 3, 5, 6, 7, 8]))], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_image_of_two_parts_is_refused(tmp_path):
    with pytest.raises(MeasurementError, match="part 1 of A and part 2 of A rest on one image"):
        gauge([quick(tmp_path, hashed([1, 2, 3, 4, 1, 6, 7, 8]))], tmp_path / "out")


def test_backends_may_share_images_and_the_report_says_what_that_means(tmp_path):
    found, _ = gauge([quick(tmp_path, hashed([1, 2, 1, 2, 5, 6, 5, 6]))], tmp_path / "out")
    assert any("Appraisers evaluate the same images" in note for note in found.warnings)
    with pytest.raises(MeasurementError, match="part 1 of A and part 1 of B rest on one image"):
        gauge([quick(tmp_path, hashed([1, 2, 1, 2, 5, 6, 5, 6]))], tmp_path / "out", {"nested": True})


def test_values_without_hashes_are_counted(tmp_path):
    text = hashed([1, 2, 3, 4, 5, 6, 7, 8])
    text[1] = text[1].rsplit(",", 1)[0] + ","
    found, _ = gauge([quick(tmp_path, text)], tmp_path / "out")
    assert any(note.startswith("7 of 8 values state the hash") for note in found.warnings)


GOOD = lines([[[1.0, 1.1], [1.2, 1.25]], [[3.0, 3.2], [3.1, 3.0]]], "AB")


def without(i):
    return [line for j, line in enumerate(GOOD) if j != i]


def put(i, line):
    return [line if j == i else old for j, old in enumerate(GOOD)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (put(0, "part,operator,trial,value"), r"study.csv: no column 'appraiser'; found part, operator, trial, value"),
        (put(0, "part,appraiser,trial,reading"), "no column 'value'"),
        ([line + ",x" for line in put(0, GOOD[0] + ",image_sha")][:1] + GOOD[1:], "unknown column"),
        ([GOOD[0] + ",value", *(line + ",1" for line in GOOD[1:])], "column 'value' stands twice"),
        (put(2, "1,A,2,wide"), r"study.csv line 3: value 'wide' is not a finite number"),
        (put(2, "1,A,2,nan"), r"line 3: value 'nan' is not a finite number"),
        (put(2, "1,A,2,inf"), r"line 3: value 'inf' is not a finite number"),
        (put(2, "1,A,2,1e200"), r"line 3: value '1e200' is not a finite number"),
        (put(2, "1,A,2,"), r"line 3: value '' is not a finite number"),
        (
            [*(line.replace(",", ";") for line in GOOD[:2]), "1;A;2;1,1"],
            r"has a comma; write a decimal point",
        ),
        (put(2, "1,A,2"), r"line 3: 3 cells, the head has 4"),
        (put(2, ",A,2,1.0"), r"line 3: no part"),
        (put(2, f"{'p' * 61},A,2,1.0"), r"line 3: part is 61 characters long"),
        (without(7), "part 2, appraiser B, trial 1 is missing; every appraiser measures every part"),
        (without(7)[:-1], "trial 1 is missing and 1 more"),
        (put(2, "1,A,1,1.1"), r"part 1, appraiser A, trial 1 stands twice \(line 2, line 3\)"),
        (GOOD[:5], "1 part; at least 2 are needed"),
        ([GOOD[0], *GOOD[1::2]], "1 trial; at least 2 are needed"),
        ([GOOD[0]], "has a head and no line below it"),
        ([""], "is empty"),
        ([GOOD[0], '1,A,1,"1.0'], "not a CSV file"),
        ([GOOD[0] + ",image_sha256", *(line + ",abc" for line in GOOD[1:])], "image_sha256 'abc' is not 64"),
        (
            [GOOD[0] + ",unit", *(line + f",{'um' if i else 'mm'}" for i, line in enumerate(GOOD[1:]))],
            "unit 'mm' in line 2",
        ),
        (lines([[[1.0, 1.0], [2.0, 2.0]], [[3.0, 3.0], [4.0, 4.0]]], "AB"), "agree to the last digit"),
    ],
)
def test_a_wrong_table_is_one_line_that_says_where(tmp_path, text, message):
    with pytest.raises((ReadError, MeasurementError), match=message) as refused:
        gauge([quick(tmp_path, text)], tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_files_that_are_no_study_are_refused(tmp_path):
    big = tmp_path / "big.csv"
    big.write_bytes(b"part,appraiser,trial,value\n" + b"1,A,1,1.0\n" * 300_000)
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    nul = tmp_path / "nul.csv"
    nul.write_bytes(b"part,appraiser,trial,value\n1,A,1,\x001\n")
    many = table(tmp_path, [GOOD[0], *(["1,A,1,1.0"] * 6000)], "many.csv")
    for path, message in (
        (big, "3 MB; a study has some hundred lines"),
        (many, "6001 lines"),
        (binary, "not UTF-8"),
        (nul, "not a finite number|not a CSV file"),
        (tmp_path / "absent.csv", "cannot be read: No such file"),
    ):
        with pytest.raises(ReadError, match=message):
            gauge([path], tmp_path / "out")
    with pytest.raises(SettingsError, match="a gauge study is a CSV file"):
        gauge([tmp_path / "study.xlsx"], tmp_path / "out")
    with pytest.raises(SettingsError, match="stands alone"):
        gauge([table(tmp_path), table(tmp_path, name="b.csv")], tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "medians"}, "method: got 'medians', must be 'anova' or 'range'"),
        ({"upper": 2.0}, "--upper alone gives no width"),
        ({"lower": 2.0, "upper": 1.0}, "--lower 2 is not below --upper 1"),
        ({"lower": 0.0, "upper": 1.0, "tolerance": 1.0}, "not both"),
        ({"tolerance": -1.0}, "tolerance: got -1, must be above 0"),
        ({"tolerance": float("nan")}, "tolerance: got nan, must be a finite number"),
        ({"criteria": "tolerance"}, "'tolerance' is asked for; give --tolerance too"),
        ({"criteria": "cpk"}, "got 'cpk', a crossed study has study, tolerance, ndc"),
        ({"nested": True, "method": "range"}, "evaluated by analysis of variance"),
        ({"nested": True, "type1": True}, "nested or of type 1"),
        ({"type1": True, "tolerance": 1.0}, "needs the known value"),
        ({"type1": True, "reference": 1.0}, "judged by the tolerance"),
        ({"reference": 1.0}, "--reference is for a type-1 study"),
        ({"type1": True, "reference": 1.0, "tolerance": 1.0, "resolution": 0.0}, "resolution: got 0"),
    ],
)
def test_a_wrong_option_is_one_line(tmp_path, options, message):
    with pytest.raises(SettingsError, match=message):
        gauge([quick(tmp_path)], tmp_path / "out", options)


def test_more_appraisers_than_factors_are_for_the_analysis_of_variance(tmp_path):
    values = np.random.default_rng(0).normal(size=(3, 5, 2)).tolist()
    path = quick(tmp_path, lines(values, "ABCDE"))
    with pytest.raises(StandardError, match="no factor K2 for 5 appraisers, there are those for 2, 3"):
        gauge([path], tmp_path / "out", {"method": "range"})
    found, _ = gauge([path], tmp_path / "out")
    assert len(found.appraisers) == 5


def test_a_laboratory_states_limits_of_its_own(tmp_path):
    shipped = load_standard("aiag_msa_2010")
    own = (tmp_path / "own_2026.toml").resolve()
    from inspect_tool.paths import data_folder

    text = (data_folder("standards") / f"{shipped.name}.toml").read_text(encoding="utf-8")
    own.write_text(text.replace("limit = 5.0", "limit = 4.0"), encoding="utf-8")
    found, _ = gauge([quick(tmp_path, plan='standard = "own_2026.toml"')], tmp_path / "out")
    assert {item.name: item.decision for item in found.criteria}["ndc"] == "acceptable"


# ------------------------------------------------------------------------------------------- jobs and reports


PIXELS = [[400, 410, 404, 415], [800, 812, 806, 816]]  # of the phase: part, then operator and trial


@pytest.fixture
def jobs(tmp_path):
    """Two parts, two operators, two trials each: four jobs of two specimens."""
    paths = []
    for k in range(4):
        for part in range(2):
            mask = np.zeros((100, 100), np.uint8)
            mask.ravel()[: PIXELS[part][k]] = 255
            tifffile.imwrite(tmp_path / f"mask_{k}_{part}.tif", mask)
            tifffile.imwrite(tmp_path / f"image_{k}_{part}.tif", np.where(mask, 60, 10 + 2 * k + part).astype(np.uint8))
        path = tmp_path / f"job_{k}.toml"
        specimens = "".join(f'[[specimens]]\nid = "P{i}"\nimages = ["image_{k}_{i}.tif"]\n' for i in range(2))
        path.write_text(
            'recipe = "phase_fraction"\nexports = ["json"]\n[calibration]\nsource = "ratio only"\n'
            f'[header]\noperator = "{"Ann" if k < 2 else "Bob"}"\n'
            f'[backend]\nname = "labels"\nmasks = ["mask_{k}_0.tif", "mask_{k}_1.tif"]\n{specimens}',
            encoding="utf-8",
        )
        paths.append(path)
    return paths


def test_jobs_become_a_study_with_specimens_as_parts_and_operators_as_appraisers(jobs, tmp_path):
    found, out = gauge(jobs, tmp_path / "out", {"quantity": "area_percent.foreground"})
    assert out.name == "job_0_gauge"
    assert found.appraisers == ("Ann", "Bob")
    assert found.parts == ("P0", "P1")
    assert found.unit == "%"
    drawn = [PIXELS[part][k] / 100 for operator in (0, 2) for part in (0, 1) for k in (operator, operator + 1)]
    assert [item.value for item in found.observations] == pytest.approx(drawn)
    assert all(len(item.images) == 1 for item in found.observations)
    assert len(found.files) == 4


def test_a_study_file_maps_reports_and_refuses_one_file_analyzed_twice(jobs, tmp_path):
    from inspect_tool.inspection import job_run

    for path in jobs[:2]:
        job_run.run(path, tmp_path / "reports")
    runs = [
        '{ appraiser = "Ann", trial = 1, report = "reports/job_0/report.json" }',
        '{ appraiser = "Ann", trial = 2, report = "reports/job_1/report.json" }',
        '{ appraiser = "Bob", trial = 1, job = "job_2.toml" }',
        '{ appraiser = "Bob", trial = 2, job = "job_3.toml" }',
    ]
    study = tmp_path / "study.toml"

    def write(items):
        study.write_text(f'exports = ["json"]\nruns = [{", ".join(items)}]\n', encoding="utf-8")

    write(runs)
    found, _ = gauge([study], tmp_path / "out")
    assert [item.trial for item in found.observations] == ["1", "2"] * 4
    again = [*runs[:3], runs[2].replace("trial = 1", "trial = 2")]
    write(again)
    with pytest.raises(MeasurementError, match="trials 1 and 2 of part P0 rest on one image"):
        gauge([study], tmp_path / "out")
    write([runs[0].replace('appraiser = "Ann"', 'appraiser = "Ann", part = "X"')])
    with pytest.raises(SettingsError, match=r"2 specimens have a result .* name one with 'specimen'"):
        gauge([study], tmp_path / "out")
    write([runs[2].replace("}", ', backend = { name = "labels", masks = ["mask_0_0.tif"] } }')])
    with pytest.raises(SettingsError, match=r"job_2\.toml"):
        gauge([study], tmp_path / "out")


def test_backends_as_appraisers_measure_the_same_images(jobs, tmp_path):
    otsu = '{ name = "threshold", method = "otsu", phase = "bright", classes = ["matrix", "foreground"] }'
    runs = [f'{{ appraiser = "drawn", trial = {k}, job = "job_{k}.toml" }}' for k in (0, 1)]
    runs += [f'{{ appraiser = "otsu", trial = {k}, job = "job_{k}.toml", backend = {otsu} }}' for k in (0, 1)]
    study = tmp_path / "study.toml"
    plan = 'quantity = "area_percent.foreground"'
    study.write_text(f'exports = ["json"]\nruns = [{", ".join(runs)}]\n[plan]\n{plan}\n', encoding="utf-8")
    found, _ = gauge([study], tmp_path / "out")
    values = {(item.appraiser, item.part, item.trial): item.value for item in found.observations}
    # both find what was drawn, so there is no variation between them
    assert all(values["otsu", part, trial] == pytest.approx(values["drawn", part, trial]) for _, part, trial in values)
    assert found.found.av == pytest.approx(0, abs=1e-9)
    assert any("Appraisers evaluate the same images" in note for note in found.warnings)


def test_a_report_without_the_quantity_or_an_operator_is_refused(jobs, tmp_path):
    with pytest.raises(SettingsError, match="no result 'grain_size_number'; there are area_percent"):
        gauge(jobs, tmp_path / "out", {"quantity": "grain_size_number"})
    jobs[0].write_text(jobs[0].read_text(encoding="utf-8").replace('"Ann"', '""'), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"job_0\.toml: no appraiser; write \[header\] operator"):
        gauge(jobs, tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('data = "study.csv"\nruns = [{ job = "a.toml" }]', "give either 'data'.*, not both"),
        ("title = 'x'", "give either 'data'"),
        ('data = "study.csv"\ncolour = 1', "colour: unknown key"),
        ('data = "study.csv"\n[plan]\ntolerence = 1.0', "plan.tolerence: unknown key"),
        ('data = "study.csv"\ntemplate = "none"', "template 'none'"),
        ("runs = [{ appraiser = 'A', trial = 1 }]", "give either 'job' or 'report'"),
        ("runs = [{ report = 'r.json', backend = { name = 'unet' } }]", "'backend' is for a job"),
        ("runs = [{ report = 'r.json' }]\n[plan]\nunit = 'um'", "--unit is for a table"),
        ("runs = [{ report = 'absent.json' }]", "absent.json: no such file"),
    ],
)
def test_a_wrong_study_file_is_one_line(tmp_path, text, message):
    table(tmp_path)
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        gauge([path], tmp_path / "out")
