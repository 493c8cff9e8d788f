"""Rules of a watched folder: patterns of names, what is wrong with rules and templates, and the job that is made."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspect_tool.batch import rules
from inspect_tool.batch.name_patterns import filled, pattern, readings
from inspect_tool.errors import InspectError, SettingsError

RULE = """
[[rules]]
files = "{heat}_{specimen}_{field}.tif"
job = "{heat}"
template = "template.toml"
count = 3
"""
TEMPLATE = (
    'recipe = "grain_size"\n[header]\nheat = "{heat}"\n[calibration]\npixel_um = 0.5\nsource = "stage micrometer"\n'
)


def written(folder, rule=RULE, template=TEMPLATE):
    (folder / "rules.toml").write_text(rule, encoding="utf-8")
    (folder / "template.toml").write_text(template, encoding="utf-8")
    return folder / "rules.toml"


@settings(max_examples=40)
@given(st.lists(st.text("ab7-", min_size=1), min_size=3, max_size=3), st.sampled_from(["_", "__", "-"]))
def test_a_name_is_read_as_it_was_made_or_in_two_ways_but_never_wrongly(values, between):
    made = dict(zip(("heat", "specimen", "field"), values, strict=True))
    found = readings(
        pattern(between.join(("{heat}", "{specimen}", "{field}.tif")), "rules"), between.join(values) + ".tif"
    )
    assert found == (made,) or len(found) == 2
    if between not in "-" and between != "__":
        assert found == (made,)  # nothing in a part looks like what parts them


def test_how_many_ways_there_are_is_told_at_once_where_there_are_billions():
    assert readings(pattern("{a}*_*_*_*_{b}????", "rules"), "_" * 200)[0]["a"] == "_"
    assert readings(pattern("{a}_{b}_{c}_{d}_{e}_{f}.tif", "rules"), "_" * 200 + ".jpg") == ()


@pytest.mark.parametrize(
    ("text", "path", "values"),
    [
        ("{heat}/{field}.tif", "H 7/3.TIF", {"heat": "H 7", "field": "3"}),
        ("{heat}/{field}.tif", "H 7/a/3.tif", None),
        ("{heat}/{field}.tif", "3.tif", None),
        ("*/img_?{n}.tif", "today/img_07.tif", {"n": "7"}),
        ("Prüfung_{n}.tif", "Pru\u0308fung_7.tif", {"n": "7"}),  # an accent as a Mac writes it
        ("{{{n}}}.tif", "{7}.tif", {"n": "7"}),
        ("{n}.tif", ".tif", None),
        ("a[0-9]{n}.tif", "a[0-9]x.tif", {"n": "x"}),  # brackets are nothing special
    ],
)
def test_patterns(text, path, values):
    assert readings(pattern(text, "rules"), path) == (() if values is None else (values,))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("", "rules.toml: holds no \\[\\[rules\\]\\]|rules: is missing"),
        (RULE.replace("count = 3", ""), r"rules.0: says nowhere when a job is complete; give count, sidecar, ready"),
        (RULE.replace("count = 3", "count = 0"), r"rules.0.count: got 0, must be at least 1"),
        (RULE.replace("count", "counts"), r"rules.0.counts: unknown key; did you mean 'count'\?"),
        (RULE.replace('job = "{heat}"', 'job = "{haet}"'), r"rules.0.job: there is no value for \{haet\}; there are: "),
        (RULE.replace("{specimen}_", "{heat}_"), r"rules.0.files: \{heat\} stands twice in "),
        (RULE.replace("{heat}_", "{heat_"), r"rules.0.files: .*a placeholder is (a word in braces|\{name\})"),
        (RULE.replace("{heat}_", "{heat!r}_"), r"rules.0.files: .*a placeholder is a word in braces"),
        (RULE.replace("{heat}_", "../{heat}_"), r"must name files below the watched folder"),
        (RULE.replace("{heat}_", "/data/{heat}_"), r"must name files below the watched folder"),
        (RULE.replace('"{heat}_', "'\\in\\{heat}_").replace('.tif"', ".tif'"), r"with / between folders"),
        (RULE + 'sidecar = "{heat}.xlsx"', r"rules.0.sidecar: '\{heat\}.xlsx' must end in .toml or .csv"),
        (RULE + 'sidecar = "{field}.csv"', r"rules.0.sidecar: there is no value for \{field\}; there are: \{heat\}"),
        (RULE + 'ready = "*.ready"', r"rules.0.ready: '\*.ready' must be one file"),
        (RULE + 'beside = "txt"', r"rules.0.beside: got 'txt', must be the ending of a name"),
        (
            RULE.replace("template.toml", "tmeplate.toml"),
            r"tmeplate.toml: no such file; did you mean 'template.toml'\?",
        ),
        ("rest_s = 0\n" + RULE, r"rules.toml rest_s: got 0, must be larger than 0"),
    ],
)
def test_rules_that_are_wrong_are_told_in_one_line(tmp_path, rule, message):
    with pytest.raises(SettingsError, match=message) as told:
        rules.read(written(tmp_path, rule))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (TEMPLATE.replace("grain_size", "grain_sice"), r"grain_sice"),
        (TEMPLATE.replace("{heat}", "{order}"), r"template.toml.header.heat: there is no value for \{order\}"),
        (TEMPLATE.replace("pixel_um = 0.5", "pixel_um = 0.0"), r"template.toml calibration"),
        (TEMPLATE.replace("heat =", "haet ="), r"template.toml header.haet: unknown key; did you mean 'heat'\?"),
        ('images = ["*.tif"]\n' + TEMPLATE, r"template.toml images: is put in for each job; leave it out"),
        (TEMPLATE + '[settings]\nmethod = "abram"\n', r"template.toml settings.method: got 'abram'"),
        (TEMPLATE + '[backend]\nname = "tresh"\n', r"tresh"),
        ('language = "xx"\n' + TEMPLATE, r"template.toml language"),
        ('spec = "4711 rev B"\n' + TEMPLATE, r"specs"),
        (TEMPLATE + '[[requirements]]\nquantity = "porosity_percent"\nunit = "%"\nupper = 2.0\n', r"requirements.0"),
    ],
)
def test_a_template_is_checked_as_a_job_is_before_any_file_arrives(tmp_path, template, message):
    with pytest.raises(InspectError, match=message):
        rules.read(written(tmp_path, template=template))


def made(folder, names, *, rule=RULE, template=TEMPLATE, sidecar=None):
    """Data of the job of some files."""
    (prepared,) = rules.read(written(folder, rule, template)).rules
    images = [rules.Image(path=folder / name, values=readings(prepared.files, name)[0]) for name in names]
    return rules.job_data(prepared, images, sidecar)


def test_values_of_names_cannot_become_more_than_texts(tmp_path):
    name = '7"\n[settings]\nmethod = "abrams_A_1.tif'
    data = made(tmp_path, [name])
    assert data["header"]["heat"] == '7"\n[settings]\nmethod = "abrams'
    assert data["images"] == [(tmp_path / name).as_posix()]
    assert "settings" not in data


def test_a_value_that_differs_between_the_files_of_a_job_is_refused_where_it_is_asked_for(tmp_path):
    names = ["7_A_1.tif", "7_B_1.tif"]
    assert len(made(tmp_path, names)["images"]) == 2
    with pytest.raises(SettingsError, match=r"\{specimen\} is A and B in files of one job; make it part of 'job'"):
        made(tmp_path, names, template=TEMPLATE.replace("{heat}", "{heat} {specimen}"))


def test_placeholders_beyond_the_header_are_filled_too(tmp_path):
    data = made(tmp_path, ["7_A_x.tif"], template=TEMPLATE + 'certificate = "C {specimen}"\n')
    assert data["calibration"]["certificate"] == "C A"


@pytest.mark.parametrize(
    ("name", "text", "header"),
    [
        (
            "7.toml",
            'heat = "7"\noperator = "Ö. Ay"\ndate_sampled = 2026-01-31',
            {"operator": "Ö. Ay", "date_sampled": "2026-01-31"},
        ),
        ("7.csv", "heat,operator\n7,Ö. Ay\n", {"operator": "Ö. Ay"}),
        (
            "7.csv",
            "\ufeffheat;operator\r\n6;A\r\n7;Ö. Ay\r\n",
            {"operator": "Ö. Ay"},
        ),  # of a spreadsheet, a row per heat
        ("7.csv", "operator,customer\nA,\n", {"operator": "A"}),
    ],
)
def test_side_cars(tmp_path, name, text, header):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    found = rules.header_values(path, {"heat": "7"})
    assert {**found, "heat": "7"} == {**header, "heat": "7"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("7.toml", 'heat = "8"', r"7.toml heat: says '8', the names of the images '7'"),
        ("7.toml", 'opreator = "A"', r"7.toml opreator: unknown key; did you mean 'operator'\?"),
        ("7.toml", "customer = 12", r"7.toml customer: got 12, must be"),
        ("7.csv", "heat,operator\n8,A\n", r"7.csv heat: says '8', the names of the images '7'"),
        ("7.csv", "heat,operator\n7,A\n7,B\n", r"7.csv: 2 of its 2 rows are of heat 7; there must be one"),
        ("7.csv", "heat,operator\n7,A,B\n", r"7.csv: a row has more or fewer cells than there are heads"),
        ("7.csv", "", r"7.csv: 0 of its 0 rows are of heat 7; there must be one"),
    ],
)
def test_side_cars_that_are_wrong_or_contradict_the_names(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        rules.header_values(path, {"heat": "7"})


def test_filling_says_where_a_value_is_missing():
    with pytest.raises(
        SettingsError, match=r"t.toml.header.heat: there is no value for \{het\}; .*did you mean 'heat'\?"
    ):
        filled({"header": {"heat": "{het}"}}, {"heat": "7"}, "t.toml")
