"""Templates: what a laboratory may change, and what happens when it goes wrong."""

import json
import re
from base64 import b64decode
from dataclasses import replace

import pytest
from report_example import HEADER, example
from screen_data import unpacked

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.languages import Text, catalogue, translated
from inspect_tool.model import Calibration, Header, ScaleSource, Table, Wording
from inspect_tool.paths import data_folder
from inspect_tool.report import context, render, tables
from inspect_tool.report import template as templates
from inspect_tool.report.build import wording_of
from inspect_tool.report.selection import deciding, shown_fields
from inspect_tool.standards.editions import designation

SHIPPED = data_folder("templates") / "inspection"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return example(tmp_path_factory.mktemp("report"), fields=2, features=30, size=160, grains=12)


@pytest.fixture
def template(tmp_path):
    """A laboratory's own folder with nothing but settings."""
    folder = tmp_path / "our template"
    folder.mkdir()
    (folder / "template.toml").write_text('language = "en"\n', encoding="utf-8")
    return folder


def page(made, template=SHIPPED, medium="print", **changes):
    return render.render(replace(made.report, **changes), made.folder, template, medium)


def words(html):
    html = re.sub(r"<(style|script)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html).replace("&#39;", "'"))


@pytest.mark.parametrize("medium", ["print", "screen"])
def test_page_1_answers(made, medium):
    text = words(page(made, medium=medium)).split("on every page; the end is marked")[0]
    for answer in (
        "Grain size",
        "ASTM E112-13",
        "Shaft 4711",
        "ASTM grain size number G (Abrams)",
        "Guarded acceptance with an undecided zone (ISO 14253-1), guard band w = U",
        "Requirement: drawing 4711 rev B",
        "Probability of conformity",
        "NOT conforming to ASTM E112-13.",
        "Number of fields",
        "coverage probability of 95 %",
        "relate only to the items tested",
        "only in full",
    ):
        assert answer in text
    # the letter G alone says nothing about the scale it belongs to
    assert not re.search(r"(?<![\w.])G\s*[=≥≤]", text)


def test_every_missing_item_is_printed_and_listed(made):
    text = words(page(made))
    block = text[text.index("the end is marked") : text.index("Basis of evaluation")]
    assert block.count("not stated") >= len(made.report.not_stated)
    for item in made.report.not_stated:
        assert item in text


def test_end_and_identification_are_on_the_page(made):
    html = page(made)
    assert f"End of report <span>{made.report.id}</span>" in html
    assert f'@bottom-left {{ content: "{made.report.id}"; }}' in html
    assert 'counter(page) " of " counter(pages)' in html


def test_what_a_user_wrote_is_never_markup(made):
    evil = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"
    for medium in ("print", "screen"):
        html = page(made, medium=medium, header=replace(HEADER, part=evil, laboratory=evil), title=evil, job=evil)
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)" in html
        assert "{{ 7 * 7 }}" in html


def test_hash_of_the_weights_is_printed_once_for_all_images(made):
    report = made.report
    digest = "0123456789abcdef" * 4
    records = tuple(
        replace(record, segmentation={**record.segmentation, "weights_sha256": digest}) for record in report.micrographs
    )
    printed = words(page(made, micrographs=records))
    assert len(records) > 1
    assert printed.count("Weights of the network, SHA-256 01234567 89abcdef …") == 1
    assert "Weights of the network" not in words(page(made))


def test_feature_data_cannot_end_its_script(made):
    table = Table(title="Features", columns=("feature", "class"), rows=((1, "</script><b>"), (2, "\u2028")))
    html = page(made, medium="screen", features=table)
    data = re.search(r'id="feature-data">(.*?)</script>', html, re.DOTALL).group(1)
    assert unpacked(json.loads(data)) == [[1, "</script><b>"], [2, "\u2028"]]


def test_screen_page_needs_no_network(made):
    html = page(made, medium="screen")
    assert "default-src 'none'" in html
    sources = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "url(" not in html
    assert "@import" not in html


def test_every_page_and_block_that_is_shipped_can_be_read():
    folder = data_folder("templates") / "inspection"
    environment = templates.environment(templates.search_path(folder), "en")
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.j2")]
    assert len(names) > 20
    for name in names:
        environment.get_template(name)


def test_folder_with_settings_only_takes_the_rest_from_the_shipped_one(made, template):
    (template / "template.toml").write_text(
        'paper = "letter"\nblocks = ["results", "our_block", "summary"]\n[colors]\naccent = "#aa0000"\n'
        '[texts]\nkind = "Prüfbericht"\nend = "Ende"\n',
        encoding="utf-8",
    )
    (template / "blocks").mkdir()
    (template / "blocks" / "our_block.html.j2").write_text("<p>Ours: {{ report.header.part }}</p>", encoding="utf-8")
    html = page(made, template)
    assert "--accent: #aa0000" in html
    assert "size: letter" in html
    assert "Ours: Shaft 4711" in html
    assert "Prüfbericht" in html
    assert html.index("<h2>Results") < html.index("Ours:") < html.index('masthead">')
    assert "<h2>Checks" not in html


def test_logo_is_taken_from_the_folder_of_the_laboratory(made, template):
    (template / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    assert 'class="logo"' not in page(made, template)  # one that is named only
    (template / "template.toml").write_text('logo = "logo.svg"\n', encoding="utf-8")
    assert "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnLz4=" in page(made, template)
    assert 'class="logo"' not in page(made)  # nor ours beside their name


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("line one\n{{ report.header.colour }}", r"summary\.html\.j2:2: .*no attribute 'colour'"),
        ("{{ nothing_like_this }}", r"summary\.html\.j2:1: 'nothing_like_this' is undefined"),
        ("a\nb\n{% if %}", r"summary\.html\.j2:3: Expected an expression"),
        ("{{ report | no_such_filter }}", r"summary\.html\.j2:1: No filter named 'no_such_filter'"),
        ("\n{{ report.title | number }}", r"summary\.html\.j2:2: "),
        ("{{ ''.__class__.__mro__ }}", r"summary\.html\.j2:1: access to attribute '__class__' .* is unsafe"),
        (
            "{{ ('{0.__class__}' | attr('format'))(report) }}",
            r"summary\.html\.j2:1: ",
        ),  # went through before Jinja 3.1.6
        ("{{ source('../../secret.txt') }}", r"secret\.txt: not found; the template names this file"),
    ],
)
def test_wrong_template_is_one_line_with_file_and_line(made, template, block, message):
    (template / "blocks").mkdir()
    (template / "blocks" / "summary.html.j2").write_text(block, encoding="utf-8")
    with pytest.raises(SettingsError, match=message) as caught:
        page(made, template)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('blocks = ["sumary"]', r"'blocks/sumary\.html\.j2' not found"),
        ('paper = "A5"', r"template\.toml paper: got 'A5', must be 'A4' or 'letter'"),
        ("colour = 1", r"template\.toml colour: unknown key"),
        ('[colors]\ngood = "green"', r"colors\.good: got 'green', must be a color like"),
        ("[fonts]\ntext = 'x; } body { display: none'", r"fonts\.text: got .* must be font names"),
        ('logo = "missing.png"', r"missing\.png: not found"),
        ('language = "a b"', r"language: got 'a b'"),
    ],
)
def test_wrong_settings_are_one_line(made, template, settings, message):
    (template / "template.toml").write_text(settings, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        page(made, template)


def test_template_is_found_by_name_or_beside_the_job(template):
    assert templates.template_folder("inspection") == SHIPPED
    assert templates.template_folder("our template", template.parent) == template
    with pytest.raises(SettingsError, match=r"template 'nowhere': .* not found; shipped templates: inspection"):
        templates.template_folder("nowhere", template.parent)


def test_missing_picture_is_an_error_and_not_a_hole(made, tmp_path):
    with pytest.raises(OutputError, match=r"1_field_01\.jpg: this picture of the report is missing"):
        render.render(made.report, tmp_path, SHIPPED, "print")


def test_picture_outside_the_report_folder_is_refused(made):
    stolen = replace(made.report.micrographs[0], overlay="../../../../etc/hostname")
    with pytest.raises(OutputError, match="hostname: this picture of the report is missing"):
        page(made, micrographs=(stolen,))


def test_empty_header_and_no_requirement_are_printed(tmp_path):
    bare = example(tmp_path, fields=1, features=5, size=160, grains=12, header=Header(), lower=None)
    text = words(page(bare))
    assert "Laboratory not stated" in text
    assert "No requirement was specified" in text
    assert bare.report.verdict == "no requirement"
    assert words(page(bare, medium="screen"))


@pytest.mark.parametrize("rule", ["simple", "guarded", "non_binary"])
def test_decision_rule_and_its_risk_are_printed(tmp_path, rule):
    risky = example(tmp_path, fields=2, features=5, size=160, grains=12, rule=rule)
    text = words(page(risky))
    assert {"simple": "risk of up to 50 %", "guarded": "at most 2.5 %", "non_binary": "conditional pass if"}[
        rule
    ] in text


def test_wide_table_is_cut_and_names_its_rows_again():
    wide = Table(title="", columns=("field", "image", *"abcdefghij"), rows=((1, "x.tif", *range(10)),))
    cut = tables.parts(wide, 6)
    assert all(part.columns[0] == "field" for part in cut)
    assert [name for part in cut for name in part.columns if name != "field"] == ["image", *"abcdefghij"]
    assert max(len(part.columns) for part in cut) <= 6


def test_columns_that_say_the_same_everywhere_are_left_out():
    table = Table(
        title="", columns=("specimen", "section", "image", "n"), rows=(("1", "1", "a/b.tif", 1), ("2", "1", "c.tif", 2))
    )
    assert tables.slim(table).columns == ("specimen", "image", "n")
    assert tables.slim(table).rows[0] == ("1", "b.tif", 1)


def test_rows_are_printed_to_the_second_digit_of_their_own_uncertainty():
    columns = ("Result", "Unit", "Points", "By hand", "±", "from", "to")
    rows = (("mean", "%", 150, 12.3456, 2.3456, 10.0, 14.6912), ("length", "um", 150, 0.98765, 0.0234, 0.9642, 1.0111))
    assert tables.cells(Table(title="", columns=columns, rows=rows)) == (
        ("mean", "%", "150", "12.3", "2.3", "10.0", "14.7"),
        ("length", "µm", "150", "0.988", "0.023", "0.964", "1.011"),
    )
    german = tables.cells(Table(title="", columns=("Result", Text("words.unit"), *columns[2:]), rows=rows), "de")
    assert german[1] == ("length", "µm", "150", "0,988", "0,023", "0,964", "1,011")


SPREAD = ((12.3456, 12.3456), (5.5, 5.5))
"""Two columns of the same numbers: as measured to four digits, as a scatter to three."""


@pytest.mark.parametrize(
    ("head", "recipe"),
    [
        (Text("words.difference"), "grain_size"),
        (Text("page.head_of", head=Text("words.difference"), part="unet"), "grain_size"),
        (Text("report.column_confidence_interval"), "porosity"),
        (Text("porosity.column_share_of_area"), "porosity"),
        (Text("phase_fraction.column_allowed_difference"), "phase_fraction"),
        ("± 95 % CI", "porosity"),  # of a report of schema 1, which holds words and no keys
        ("s [µm]", "porosity"),
    ],
)
def test_a_column_of_scatter_has_three_digits_whatever_its_head_is_worded_like(monkeypatch, head, recipe):
    table = Table(title="", columns=(Text("words.mean"), head), rows=SPREAD)
    english = tables.cells(table, wording=wording_of(recipe))
    assert english == (("12.35", "12.3"), ("5.50", "5.5"))
    german = tables.cells(translated(table, "de"), "de", wording_of(recipe))
    assert german == (("12,35", "12,3"), ("5,50", "5,5"))

    def another(key, language):
        return (
            f"reworded {key}"
            if language == "en" and key.partition(".")[0] in ("report", "porosity", "phase_fraction", "words")
            else catalogue.template(key, language)
        )

    monkeypatch.setattr("inspect_tool.languages.text.template", another)
    assert tables.cells(table, wording=wording_of(recipe)) == english


@pytest.mark.parametrize(
    ("wording", "classes", "said"),
    [
        (Wording(), {"0": "steel", "1": "pore"}, "2 pores"),
        (Wording(), {"1": "pore", "2": "crack"}, "2 features"),
        (Wording(feature="joint"), {"1": "joint", "2": "void"}, "2 joints"),
        (Wording(feature="feature", tells_class=True), {"0": "ferrite", "1": "pearlite"}, "2 features of pearlite"),
        (Wording(feature="feature", tells_class=True), {"1": "pearlite", "2": "carbide"}, "2 features"),
    ],
)
def test_a_recipe_says_what_its_features_are_called(made, wording, classes, said):
    records = tuple(replace(one, segmentation={"classes": classes}) for one in made.report.micrographs)
    features = replace(made.report.features, rows=made.report.features.rows[:2])
    report = replace(made.report, micrographs=records, features=features)
    assert context._object_counts(report, wording).replace("\xa0", " ") == said


def test_budget_shares_add_up(made):
    text = page(made)
    shares = [float(share) for share in re.findall(r'style="width: ([\d.]+)%"', text)]
    assert sum(shares[:3]) == pytest.approx(100, abs=0.2)


def test_texts_are_worded_for_the_reader_and_stay_as_they_are_in_the_report(made):
    result = replace(
        made.report.results[0],
        clause=f"{designation(made.report.standard)}: circles",
        definition="grain_size_number.abrams/1: G of the mean, 9 px2 and more, 126.3 um wide",
    )
    text = words(page(made, results=(result,)))
    assert "G of the mean, 9 px² and more, 126.3 µm wide. ASTM E112-13: circles" in text
    assert "grain_size_number.abrams/1" not in text
    assert result.definition.endswith("126.3 um wide")


def test_clause_that_only_names_the_standard_of_the_report_is_not_repeated(made):
    standard = replace(made.report.standard, id="Own procedure", edition="2026")
    result = replace(made.report.results[0], clause="Own procedure, edition 2026", definition="mean over fields/1")
    assert "Mean over fields. </td>" in page(made, standard=standard, results=(result,))


def test_paper_has_the_lines_of_main_budgets_and_one_line_for_every_other(made):
    budgets = [result for result in made.report.results if result.budget]
    results = (
        replace(budgets[0], main=True, title="first of all"),
        replace(budgets[0], main=False, quantity="another", title="second to none"),
    )
    paper, screen = page(made, results=results), page(made, results=results, medium="screen")
    assert paper.count("Combined standard uncertainty</td>") == 1
    assert paper.count("Other results") == 1
    assert screen.count("Combined standard uncertainty</td>") == 2
    assert "Other results" not in screen


def test_fields_side_by_side_lead_with_the_result_and_end_with_mean_and_s():
    fields = Table(
        title="Fields",
        columns=("specimen", "field", "area_px2", "area_um2", "lines", "grain_size_number"),
        rows=(("a", 1, 4, 1.0, 7, 8.0), ("a", 2, 8, 2.0, 7, 9.0)),
    )
    across = tables.transposed(fields, ("grain_size_number",))
    assert [row[0] for row in across.rows] == ["Grain size number G", "Area [µm²]"]  # square pixels say the same
    assert across.rows[0][-2:] == ("8.50", "0.71")  # by hand: mean 17/2, s = 1/√2 to two digits, the mean to its place
    assert across.note == "Identical in every field: Lines 7."


def test_fields_of_several_specimens_have_no_common_mean():
    fields = Table(title="Fields", columns=("specimen", "field", "n"), rows=(("a", 1, 4), ("b", 1, 8)))
    assert tables.transposed(fields).columns == ("Quantity", "Specimen a, field 1", "Specimen b, field 1")


def test_one_field_takes_half_the_rows():
    fields = Table(title="Fields", columns=("field", "a_um", "b_um", "c_um"), rows=((1, 1.0, 2.0, 3.0),))
    across = tables.transposed(fields)
    assert across.columns == ("Quantity", "Value", "Quantity", "Value")
    assert across.rows == (("A [µm]", "1", "C [µm]", "3"), ("B [µm]", "2", "", ""))


def test_columns_that_hold_nothing_are_not_printed():
    table = Table(title="", columns=("a", "s"), rows=((1.0, None), (2.0, None)))
    assert tables.slim(table).columns == ("a",)


# ------------------------------------------------------------------------------------------------------- the scale

SOURCES = (
    ScaleSource(kind="job", pixel_um=0.2513, u_rel=0.004, note="stage micrometer", used=True),
    ScaleSource(kind="file metadata", pixel_um=0.252, note="OME PhysicalSizeX: 0.252 um per pixel"),
    ScaleSource(kind="scale bar", pixel_um=0.2506, u_rel=0.0011, note="200 um = 798 px"),
)


def scale_block(made, *changed):
    records = tuple(replace(made.report.micrographs[0], image=f"{i}.tif", **c) for i, c in enumerate(changed))
    text = words(page(made, micrographs=records))
    return text[text.rindex(" Scale ") : text.rindex(" Provenance ")]


def test_the_scale_block_shows_each_source_their_agreement_and_the_chain(made):
    scale = Calibration(pixel_um=0.2513, u_rel=0.004, source="stage micrometer", certificate="C-1", binning=2)
    text = scale_block(made, {"calibration": scale, "scale_sources": SOURCES})
    for row in (
        "job 0.2513 0.4 % stage micrometer yes",
        "file metadata 0.252 not stated OME PhysicalSizeX: 0.252 µm per pixel for comparison",
        "scale bar 0.2506 0.11 % 200 µm = 798 px for comparison",
    ):
        assert row in text.replace("\xa0", " ")
    # 0.252 / 0.2506 is the pair nearest to its limit: 0.56 % of sqrt(2² + (2 x 0.11)²) %
    assert "Agreement within 0.56 %; 2 % allowed" in text.replace("\xa0", " ")
    assert "← stage micrometer ← certificate C-1" in text


def test_what_the_chain_lacks_is_said(made):
    scale = Calibration(pixel_um=0.5)
    text = scale_block(made, {"calibration": scale, "scale_sources": SOURCES[1:2], "modality": "xray"})
    for words_ in (
        "uncertainty not stated",
        "source not stated",
        "certificate not stated",
        "no second source to compare with",
    ):
        assert words_ in text
    assert "Magnification plane not stated ; results in % need no scale" in text


def test_images_told_alike_are_one_group_and_ratio_only_is_said(made):
    told = {"calibration": Calibration(pixel_um=0.5, source="x"), "scale_sources": SOURCES[:1]}
    text = scale_block(made, told, told, {"calibration": Calibration(source="ratio only"), "scale_sources": ()})
    assert text.count("Source of the scale") == 1
    assert "0.tif and 1.tif" in text
    assert "Ratios only" in text
    many = [{"calibration": Calibration(pixel_um=0.5 + i, source="x"), "scale_sources": ()} for i in range(6)]
    assert "2 more images have a scale from other sources" in scale_block(made, *many)


def test_deviations_in_how_was_measured_are_printed_whatever_the_laboratory_says(made):
    said = "a program counts the points of the grid"
    text = words(page(made, deviations=(said,), header=replace(HEADER, deviations="none")))
    assert text.count(said) == 2  # identification and method
    assert f"none; {said}" not in text
    kept = words(page(made, deviations=(said,), header=replace(HEADER, deviations="etched twice")))
    assert f"etched twice; {said}" in kept


# ---------------------------------------------------------------------------------------------- very many fields

MANY = 300


def many(made):
    """A report of 300 fields whose mean intercepts go down and up again: 5 is the smallest, in the middle."""
    first, table = made.report.micrographs[0], made.report.fields
    records = tuple(replace(first, image=f"{i:03d}.tif", field=i + 1) for i in range(MANY))
    values = [5 + abs(i - 150) / 100 for i in range(MANY)]
    changed = {"image": lambda i: f"{i:03d}.tif", "field": lambda i: i + 1, "mean_intercept_um": lambda i: values[i]}
    rows = tuple(
        tuple(
            changed[name](i) if name in changed else cell
            for name, cell in zip(table.columns, table.rows[0], strict=True)
        )
        for i in range(MANY)
    )
    return {"micrographs": records, "fields": replace(table, rows=rows)}


def test_pages_of_very_many_fields_are_bounded_and_say_so(made):
    changes = many(made)
    printed, shown = (page(made, medium=medium, **changes) for medium in ("print", "screen"))
    assert printed.count('class="plate"') == 12
    assert "12 of 300 fields are shown: one third with the smallest Mean intercept [µm]" in words(printed)
    assert "60 of 300 rows are shown; all are in report.json and in the HTML page." in words(printed)
    assert "60 of 300 images are listed; report.json gives name, size and SHA-256 of all." in words(printed)
    assert shown.count('class="field"') == 48
    assert "252 of 300 fields are not pictured here" in words(shown)
    assert len(re.findall(r'<li>Field \d+, \d{3}\.tif: <a href="pictures/[^"]+">', shown)) == 252
    assert words(shown).count(".tif") >= 300
    few = page(made, medium="screen")
    per_field = len(few) / len(made.report.micrographs)  # everything else of the page counted with it
    assert len(shown) < 60 * per_field


def test_the_fields_that_are_shown_are_the_smallest_the_largest_and_some_between(made):
    changes = many(made)
    results = made.report.results
    assert deciding(changes["fields"], results) == "mean_intercept_um"
    chosen = shown_fields(changes["fields"], changes["micrographs"], results, 12)
    assert len(chosen) == 12
    assert list(chosen) == sorted(chosen)
    ends = {148, 149, 150, 151, 0, 1, 298, 299}  # the four smallest and the four largest; of equal ones the first
    assert ends <= set(chosen)
    between = sorted(abs(i - 150) for i in set(chosen) - ends)
    assert between[0] < 25
    assert between[-1] > 125
    assert shown_fields(changes["fields"], changes["micrographs"], results, 300) == tuple(range(300))
    # without values of the result in the table: evenly, from the first to the last
    bare = replace(changes["fields"], columns=tuple("x" for _ in changes["fields"].columns))
    assert shown_fields(bare, changes["micrographs"], results, 3) == (0, 150, 299)


def test_the_digest_is_printed_whole_and_other_hashes_by_their_first_16_digits(made):
    report = made.report
    printed = "".join(words(page(made)).split())
    assert report.digest in printed
    for digest in (report.micrographs[0].sha256, report.standard.sha256):
        assert digest not in printed
        assert f"{digest[:16]}…" in printed


def test_every_field_is_printed_beside_its_clean_picture_up_to_six(tmp_path):
    counts = {}
    for fields in (5, 7):
        found = example(tmp_path / str(fields), fields=fields, features=10, size=120, grains=14)
        paper = render.render(found.report, found.folder, SHIPPED, "print")
        section = paper.partition('<section class="fields">')[2].partition("</section>")[0]
        counts[fields] = tuple(
            sum(f'alt="{Text(key, field=i + 1, specimen="1")}"' in section for i in range(fields))
            for key in ("page.field_as_imaged", "page.field_measured")
        )
    assert counts == {5: (5, 5), 7: (0, 7)}


def test_limits_are_drawn_into_the_charts_and_a_strip_stands_beside_the_verdicts(made):
    paper = page(made)
    decision = paper.partition('<section class="decision">')[2].partition("</section>")[0]
    drawn = [b64decode(found).decode() for found in re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", decision)]
    assert len(drawn) == 1
    assert "≥\N{NO-BREAK SPACE}7<" in drawn[0]  # the limit of the requirement
    assert "ASTM grain size number G (Abrams)" in drawn[0]
    without = page(made, conformities=())
    assert "svg+xml" not in without.partition('<section class="decision">')[2].partition("</section>")[0]


def test_the_certificate_shows_the_result_against_its_limit_and_the_annex_does_not_repeat_it(made):
    report = replace(made.report, layout="certificate")
    said = "results with their intervals, and the limits"
    counts = {
        part: render.render(report, made.folder, SHIPPED, "print", part=part).count(said)
        for part in ("certificate", "annex", "whole")
    }
    assert counts == {"certificate": 1, "annex": 0, "whole": 1}
    assert page(made).count(said) == 1  # full: beside the verdicts
