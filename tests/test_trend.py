"""The trend of a lab: what it says of a hidden change of the method, of the process, and of neither."""

import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import numpy as np
import pytest
import tifffile
from wide_words import drawn_in, names_in, wide_language, words_in, words_of

from inspect_tool import cli
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.inspection.job_run import run
from inspect_tool.lab import index, tables
from inspect_tool.lab.database import connected, init
from inspect_tool.lab.trend import baseline, charts, proof
from inspect_tool.lab.trend import series as series_module
from inspect_tool.lab.trend.drawings import MOST, drawings
from inspect_tool.lab.trend.found import Pair
from inspect_tool.lab.trend.page import page
from inspect_tool.lab.trend.series import COLUMNS, Series, Value, series, without_days
from inspect_tool.lab.trend.steps import Step
from inspect_tool.lab.trend.trend import Request, evaluated, load_trend, trend
from inspect_tool.paths import data_folder

DAY = date(2026, 10, 1)
PRINT = dict.fromkeys(COLUMNS, "") | {"backend": "unet 12ab", "weights": "a" * 64, "software": "inspect_tool 1.0"}
QUANTITY = "grain_size_number"


def drawn(n=40, step=0.0, at=20, seed=7):
    values = 8.0 + 0.1 * np.random.default_rng(seed).standard_normal(n)
    values[at:] += 0.1 * step
    return values.tolist()


def filled(
    lab, values, prints=None, *, quantity=QUANTITY, unit="G", first=DAY, specimens=("1",), expanded=(), **columns
):
    """Put one report a day into the database, each with one result for each specimen; ``expanded`` of the first few."""
    prints = prints or [PRINT] * len(values)
    with connected(lab) as connection:
        for i, (value, own) in enumerate(zip(values, prints, strict=True)):
            day = first + timedelta(days=i)
            digest = sha256(repr(sorted(own.items())).encode()).hexdigest()
            known = tables.fingerprint.c
            found = connection.scalar(
                tables.fingerprint.select().with_only_columns(known.id).where(known.sha256 == digest)
            )
            if found is None:
                found = connection.execute(
                    tables.fingerprint.insert().values(sha256=digest, **own)
                ).inserted_primary_key[0]
            started = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
            report = connection.execute(
                tables.report.insert().values(
                    uid=sha256(f"{quantity}{day}{columns}".encode()).hexdigest(),
                    **{"recipe": "grain_size", "number": f"GS-{i}", "place": f"gone/{i}", **columns},
                    started=started,
                    day=day,
                    added=started,
                    fingerprint=found,
                )
            ).inserted_primary_key[0]
            for position, specimen in enumerate(specimens):
                connection.execute(tables.specimen.insert().values(report=report, specimen=specimen))
                connection.execute(
                    tables.result.insert().values(
                        report=report,
                        position=position,
                        specimen=specimen,
                        quantity=quantity,
                        value=value,
                        unit=unit,
                        u=0.04,
                        expanded_u=expanded[i] if i < len(expanded) else 0.08,
                        main=True,
                        lower=7.0,
                    )
                )
    return lab


def looked(lab, request, out, *exports):
    return trend(lab, request, out, exports=exports)


@pytest.fixture
def lab(tmp_path):
    return init(tmp_path / "lab", name="Lab North")


def new_weights(at, n=40):
    return [PRINT] * at + [{**PRINT, "weights": "b" * 64}] * (n - at)


def test_a_hidden_change_of_weights_is_found_as_method(lab, tmp_path):
    filled(lab, drawn(step=3), new_weights(20))
    found, folder = looked(lab, Request(quantity=QUANTITY), tmp_path, "html")
    assert [one.cause.kind for one in found.steps] == ["method"]
    (change,) = found.steps[0].cause.changes
    assert (change.column, change.before, change.after, change.at) == ("weights", "a" * 64, "b" * 64, 20)
    assert found.steps[0].day == "2026-10-21"
    assert found.steps[0].proof.state == "no kept images"
    assert found.state == "step"
    assert load_trend(folder / "trend.json") == load_trend(folder / "trend.json")
    page = (folder / "trend.html").read_text(encoding="utf-8")
    assert "method: weights aaaaaaaaaa… → bbbbbbbbbb…" in page


def test_a_step_without_a_change_of_the_method_is_the_process(lab, tmp_path):
    filled(lab, drawn(step=3), new_weights(34))
    found, folder = trend(lab, Request(quantity=QUANTITY), tmp_path, language="de", exports=["html"])
    assert [one.cause.kind for one in found.steps] == ["process"]
    assert found.steps[0].proof is None
    assert "Sprung am 2026-10-21" in (folder / "trend.html").read_text(encoding="utf-8")


def test_a_change_of_weights_that_moves_nothing_is_no_step(lab, tmp_path):
    filled(lab, drawn(), new_weights(20))
    found, _ = looked(lab, Request(quantity=QUANTITY, prove=False), tmp_path)
    assert (found.steps, found.state) == ((), "steady")
    assert len(found.fingerprints) == 2
    assert found.measurement_share == pytest.approx((0.04 / found.limits.sigma) ** 2)
    assert found.fingerprints[1]["weights"] == "b" * 64


def test_a_drift_alarms_without_a_step_and_rules_speak_only_where_they_are_asked_for(lab, tmp_path):
    drift = (np.array(drawn(60)) + 0.004 * np.arange(60)).tolist()
    filled(lab, drift)
    with connected(lab) as connection:
        chosen = series(connection, QUANTITY, "until:2026-10-25").values
        baseline.freeze(connection, QUANTITY, "", baseline.next_version(chosen, None))
    asked = Request(quantity=QUANTITY, query="since:2026-10-26", prove=False)
    found, _ = looked(lab, asked, tmp_path)
    assert any(point.alarm for point in found.points)
    assert not any(point.rules for point in found.points)
    ruled, _ = looked(lab, replace(asked, nelson=True, alarm="ewma"), tmp_path)
    assert any(2 in point.rules for point in ruled.points)
    assert any(point.alarm for point in ruled.points)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("PostgreSQL"))])
def test_frozen_limits_are_kept_in_versions_and_judge_later_values(kind, tmp_path, request):
    url = request.getfixturevalue("postgresql_server").new() if kind == "postgresql" else ""
    lab = init(tmp_path / "lab", url)
    values = drawn(60, step=0)
    filled(lab, values)
    early = Request(quantity=QUANTITY, query="recipe:grain_size until:2026-10-30", prove=False)
    first, _ = looked(lab, replace(early, freeze=True, by="M. Example", reason="start"), tmp_path)
    expected = charts.level(values[:30])
    assert (first.limits.version, first.limits.n, first.limits.by) == (1, 30, "M. Example")
    assert first.limits.center == pytest.approx(expected.center)
    assert first.limits.sigma == pytest.approx(expected.sigma)
    assert (first.limits.first, first.limits.last) == ("2026-10-01", "2026-10-30")
    later, folder = looked(lab, replace(early, query="since:2026-10-31 recipe:grain_size"), tmp_path, "html")
    assert (later.limits.version, later.limits.center) == (1, first.limits.center)
    assert not any("preliminary" in warning for warning in later.warnings)
    assert "version 1, frozen" in (folder / "trend.html").read_text(encoding="utf-8")
    again, _ = looked(lab, replace(early, query="recipe:grain_size", freeze=True), tmp_path)
    assert (again.limits.version, again.limits.n) == (2, 60)
    other, _ = looked(lab, replace(early, query=""), tmp_path)  # another filter has limits of its own
    assert other.limits.version == 0


def test_preliminary_limits_are_of_one_level_however_early_the_step(lab, tmp_path):
    """The process stands at 8.0 but for its first six values: what it is judged by is what it is."""
    filled(lab, (np.array(drawn(36)) + np.where(np.arange(36) < 6, 1.0, 0.0)).tolist())
    found, folder = looked(lab, Request(quantity=QUANTITY, prove=False), tmp_path, "html")
    assert [one.step.at for one in found.steps] == [6]
    assert (found.limits.n, found.limits.first, found.limits.last) == (30, "2026-10-07", "2026-11-05")
    assert found.limits.center == pytest.approx(8.0, abs=3 * 0.1 / np.sqrt(30))
    assert found.limits.sigma == pytest.approx(0.1, rel=0.35)  # 95 % of 30 values: 18 degrees of freedom
    assert [i for i, point in enumerate(found.points) if point.outlier] == list(range(6))
    words = "the limits are those of the longest level, 2026-10-07 to 2026-11-05."
    assert any(warning.endswith(words) for warning in found.warnings)
    assert words in (folder / "trend.html").read_text(encoding="utf-8")


def test_levels_that_do_not_scatter_have_the_limits_of_all_values(lab, tmp_path):
    filled(lab, [5.0] * 6 + [6.0] * 14)
    found, _ = looked(lab, Request(quantity=QUANTITY, prove=False), tmp_path)
    assert ([one.step.at for one in found.steps], found.limits.n) == ([6], 20)


def test_each_value_is_printed_to_the_place_of_its_own_uncertainty(lab, tmp_path):
    filled(lab, [8.1234, 8.2345, 8.3456, 8.2222], expanded=(0.25, 30.0, 0.004, None))
    found, folder = looked(lab, Request(quantity=QUANTITY, prove=False), tmp_path, "html")
    page = (folder / "trend.html").read_text(encoding="utf-8")
    cells = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]
    printed = {row[2]: row[4:6] for row in cells if len(row) > 5 and row[2] in {one.report for one in found.points}}
    assert printed == {
        "GS-0": ["8.12", "0.25"],
        "GS-1": ["8", "30"],
        "GS-2": ["8.3456", "0.0040"],
        "GS-3": ["8.22", ""],
    }


def test_a_chart_of_very_many_values_shows_what_stands_out_and_says_so(lab):
    """Six thousand values; one of them far off, and the charts hold fewer than are there."""
    x = 8.0 + 0.1 * np.random.default_rng(1).standard_normal(6000)
    x[4321] = 9.5
    one = Value._make((*("a", "b", "c", "grain_size", "1"), DAY, 0.0, "G", 0.04, 0.08, 7.0, None, PRINT))
    values = tuple(one._replace(value=float(value)) for value in x)
    asked = Series(quantity=QUANTITY, unit="G", recipe="grain_size", values=values, without=0)
    found = evaluated(lab, Request(quantity=QUANTITY, prove=False), asked, None)
    assert (len(found.points), [i for i, point in enumerate(found.points) if point.outlier and point.value > 9]) == (
        *(6000,),
        [4321],
    )
    chart = drawings(found, "en")[0]
    assert chart["words"].endswith(
        "Of 10 neighboring values each, only the least and the greatest are drawn; all are judged."
    )
    svg = b64decode(chart["svg"].partition(",")[2]).decode()
    circles = [float(y) for y in re.findall(r"M[-0-9.]+ ([-0-9.]+)a", svg)]
    assert 0.9 * MOST < len(circles) <= MOST
    assert sorted(circles)[0] < sorted(circles)[1] - 5  # the one that is far off, higher than all others


def test_limits_are_not_frozen_over_a_step_nor_of_few_values(lab, tmp_path):
    filled(lab, drawn(step=4))
    with pytest.raises(SettingsError, match=r"step on 2026-10-21.*add since:2026-10-21 to the query"):
        looked(lab, Request(quantity=QUANTITY, freeze=True), tmp_path)
    with pytest.raises(SettingsError, match="9 values, at least 10 are needed"):
        looked(lab, Request(quantity=QUANTITY, query="until:2026-10-09", freeze=True), tmp_path)
    assert list(tmp_path.iterdir()) == [lab.folder]
    with connected(lab) as connection:
        assert baseline.newest(connection, QUANTITY, "") is None


def test_what_a_series_cannot_be_made_of_is_named(lab, tmp_path, monkeypatch):
    filled(lab, drawn(12))
    filled(lab, drawn(5), quantity="porosity_percent", unit="%", recipe="porosity")
    filled(lab, drawn(5), unit="1", recipe="texture", first=DAY + timedelta(days=20))
    for request, words in (
        (
            Request(quantity="grain_size_nomber"),
            "no report of this lab has a result 'grain_size_nomber'.*grain_size_number",
        ),
        (
            Request(quantity=QUANTITY, query="recipe:porosity"),
            "'recipe:porosity': no report that it finds has a result",
        ),
        (Request(quantity=QUANTITY), r"results of more than one recipe \(grain_size, texture\); add recipe:NAME"),
    ):
        with pytest.raises(SettingsError, match=words):
            looked(lab, request, tmp_path)
    monkeypatch.setattr(series_module, "MOST", 10)
    with pytest.raises(SettingsError, match=r"12 values, at most 10 .*; narrow the query, e\.g\. since:2026-10-03"):
        trend(lab, Request(quantity=QUANTITY, query="recipe:grain_size"), tmp_path)
    with pytest.raises(MeasurementError, match="needs 3 finite values at least, got 2"):
        looked(lab, Request(quantity=QUANTITY, query="until:2026-10-02"), tmp_path)


def test_reports_that_were_replaced_and_results_without_a_value_are_no_points(lab, tmp_path):
    values = drawn(20)
    filled(lab, values[:18])
    filled(lab, [None], first=DAY + timedelta(days=18))
    filled(lab, [99.0], first=DAY + timedelta(days=19), superseded_by="f" * 64)
    found, _ = looked(lab, Request(quantity=QUANTITY, prove=False), tmp_path)
    assert [point.value for point in found.points] == values[:18]
    assert "1 result has no value and is not shown." in found.warnings


def test_a_specimen_chooses_results_and_several_of_a_report_are_said(lab, tmp_path):
    filled(lab, drawn(20), specimens=("edge", "core"))
    found, _ = looked(lab, Request(quantity=QUANTITY, query="specimen:c*", prove=False), tmp_path)
    assert {point.specimen for point in found.points} == {"core"}
    both, _ = looked(lab, Request(quantity=QUANTITY, prove=False), tmp_path)
    assert len(both.points) == 40
    assert any(warning.startswith("20 reports have several values") for warning in both.warnings)
    assert any(warning.startswith("Neighboring values are alike") for warning in both.warnings)  # two equal ones


def test_terms_of_time_are_no_part_of_what_limits_are_for():
    assert without_days('part:"a since:1" since:2026 -until:2026-02 day:2026-03 -verdict:fail') == (
        '-verdict:fail part:"a since:1"'
    )


@pytest.mark.parametrize("options", [{"nelson": True}, {"alarm": "ewma"}])
def test_a_page_has_no_word_of_its_own_that_is_not_of_its_language(options, lab, tmp_path, monkeypatch):
    filled(lab, drawn(n=44, step=3), new_weights(20, 44))
    with wide_language(tmp_path, monkeypatch) as language:
        found, folder = looked(lab, Request(quantity=QUANTITY, **options), tmp_path)
        written = page(replace(found, language=language), folder, data_folder("templates") / "inspection", "print")
    own = names_in((found.laboratory, found.quantity, found.fingerprints, [point.report for point in found.points]))
    terms = {"inspect", "tool", "python", "utc", "cusum", "ewma", "cpk", "ppk", "a" * 10, "b" * 10} | words_in(
        found.provenance.platform
    )
    assert words_of(written + drawn_in(written)) - own - terms == set()


# ------------------------------------------------------------------------------------------------------------- proof


def image(dark, gray):
    """Black, and beside it gray that is dark by a higher level alone. [pixels]"""
    drawn_ = np.full((80, 100), 200, np.uint8)
    drawn_.reshape(-1)[:dark] = 40
    drawn_.reshape(-1)[dark : dark + gray] = 120
    return drawn_


def measured(lab, folder, number, pixels, level):
    folder = folder / f"{number}"
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "field.tif", pixels)
    (folder / "steel.toml").write_text(
        'recipe = "phase_fraction"\nimages = ["field.tif"]\nscale_bar = "off"\nexports = ["json"]\n'
        f'[header]\ndate_of_work = "2026-10-{number + 1:02d}"\n[calibration]\nsource = "ratio only"\n'
        f'[backend]\nname = "threshold"\nmethod = "fixed"\nlevels = [{level}]\nphase = "dark"\ndenoise_px = 1\n',
        encoding="utf-8",
    )
    run(folder / "steel.toml", lab.reports, name=f"steel_{number}")
    index.add(lab, lab.reports / f"steel_{number}", index.Keep(images=(folder,), masks=False))


DARK = (800, 824, 792, 816, 808, 840)  # about 10 % of 8000 pixels
AREA = "area_percent.dark"


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """Eighteen reports: from the 7th the threshold is above the gray; from the 13th it rises beside a new part."""
    folder = tmp_path_factory.mktemp("moved")
    lab = init(folder / "lab")
    for i in range(18):
        dark = DARK[i % 6] + (400 if i >= 12 else 0)
        measured(lab, folder, i, image(dark, 240 + 8 * (i % 3)), (90.0, 150.0, 160.0)[i // 6])
    return lab


def test_a_changed_method_is_proven_on_kept_images_and_one_that_coincides_with_the_process_is_not(moved, tmp_path):
    found, folder = looked(moved, Request(quantity=AREA), tmp_path, "html")
    assert [one.step.at for one in found.steps] == [6, 12]
    assert [[change.column for change in one.cause.changes] for one in found.steps] == [["backend"], ["backend"]]
    method, part = (one.proof for one in found.steps)
    assert (method.state, len(method.pairs)) == ("proven", 6)
    assert method.difference == pytest.approx(np.mean([100 * (240 + 8 * (i % 3)) / 8000 for i in range(6)]))
    assert (part.state, part.difference, part.reason.key) == ("not proven", 0.0, "trend.proof_unmoved")
    assert "Proof: method proven" in (folder / "trend.html").read_text(encoding="utf-8")


def test_kept_images_that_are_damaged_prove_nothing(moved, tmp_path, monkeypatch):
    monkeypatch.setattr(proof, "sha256_file", lambda _: "0" * 64)
    found, _ = looked(moved, Request(quantity=AREA), tmp_path)
    assert {one.proof.state for one in found.steps} == {"not proven"}
    assert "the kept image is damaged" in found.steps[0].proof.reason


def a_step(size=3.0, size_u=0.5):
    return Step(at=6, first=6, last=6, start=0, end=12, before=10, after=10 + size, size=size, size_u=size_u, p=0.001)


@pytest.mark.parametrize(
    ("differences", "state", "key"),
    [
        ((2.9, 3.0, 3.2), "proven", "trend.proof_explains"),
        ((1.4, 1.5, 1.6), "not proven", "trend.proof_in_part"),
        ((0.0, 0.1, -0.1), "not proven", "trend.proof_unmoved"),
        ((0.0, 2.0, 6.0), "not proven", "trend.proof_not_told"),
        ((3.0, 3.0), "not proven", "trend.proof_few"),
    ],
)
def test_a_proof_needs_a_difference_that_is_told_from_nothing_and_is_as_large_as_the_step(differences, state, key):
    pairs = [Pair(report="r", specimen="1", before=10, after=10 + difference) for difference in differences]
    found = proof.judged(pairs, a_step())
    assert (found.state, found.reason.key) == (state, key)


# --------------------------------------------------------------------------------------------------------- command


def command(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["inspect-tool", "lab", "trend", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


def test_the_command_says_in_one_line_what_moved(lab, tmp_path, monkeypatch, capsys):
    filled(lab, drawn(step=3), new_weights(20))
    out = tmp_path / "out"
    assert command(monkeypatch, QUANTITY, "recipe:grain_size", "--lab", lab.folder, "--out", out) == 3
    printed = capsys.readouterr().out
    assert "Step on 2026-10-21" in printed
    assert "method: weights aaaaaaaaaa… → bbbbbbbbbb…" in printed
    assert (out / f"{QUANTITY}_trend" / "trend.pdf").read_bytes().startswith(b"%PDF")
    for wrong, words in (
        (("--alarm", "shewhart"), "--alarm shewhart: must be cusum or ewma"),
        (("--rules", "all"), "--rules all: must be nelson"),
        (("--by", "me"), "--by and --reason are for --freeze"),
    ):
        assert command(monkeypatch, QUANTITY, "--lab", lab.folder, "--out", out, *wrong) == 2
        assert words in capsys.readouterr().err
