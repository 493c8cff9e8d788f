"""What a search of a lab finds, on SQLite and on PostgreSQL."""

from dataclasses import replace

import pytest
from lab_example import filled
from lab_files import a_lab, a_report, written
from sqlalchemy import event, func, select

from inspect_tool.errors import SettingsError
from inspect_tool.files import sha256_bytes
from inspect_tool.lab import find, index, tables
from inspect_tool.lab.database import connected
from inspect_tool.lab.query import parse

FOUND = [
    ("", "543216"),  # newest first
    ("heat:730218 recipe:grain_size since:2026-10", "2"),
    ("heat:730218", "21"),
    ("heat:7302*", "21"),
    ("heat:*02*", "21"),
    ("heat:7302", ""),  # the whole text
    ("heat:730218,h_88", "5321"),
    ("heat:h_88", "53"),  # neither hx88, though _ stands for any letter in SQL, nor small letters only
    ("heat:h_*", "53"),
    ("title:*%*", "3"),
    ('heat:""', "6"),
    ('-heat:""', "54321"),
    ("-heat:730218 -recipe:solder_voids", "543"),
    ('customer:"meier, sohn & co"', "1"),
    ("customer:meier*", "21"),
    ('order:"PO 1"', "1"),
    ("operator:m.*", "1"),
    ("report:it-aaaa03", "3"),
    ("uid:aaaa03*", "3"),
    ("name:job_aaaa04", "54"),
    ("lot:2611-04", "3"),
    ("verdict:fail,undecided", "42"),
    ('verdict:"no requirement"', "536"),
    ("-verdict:fail heat:730218", "1"),
    ("superseded:yes", "4"),
    ("superseded:no recipe:porosity", "53"),
    ("since:2026-10-31", "543"),
    ("until:2026-10", "3216"),
    ("day:2026-10", "32"),
    ("day:2026-09-30", "1"),
    ("-day:2026", "6"),
    ("grain_size_number>7", "21"),
    ("-grain_size_number>7", "5436"),
    ("grain_size_number>8 grain_size_number<9", ""),  # of one specimen 6.2, of the other one 9.1
    ("grain_size_number>=7.93 grain_size_number<=7.93", "1"),
    ("porosity_percent=0", "5"),
    ("porosity_percent<100", "53"),  # what was not found is not small
    ("-porosity_percent<100 recipe:porosity", "4"),
    ("quantity:mean_intercept_um", "1"),
    ("specimen:b", "2"),
    ('specimen:"weld 3"', "5"),
    ("image:field_1.tif", "1"),
    ("image:1111*", "1"),
    ('spec:"shaft 4711 rev b"', "2"),
    ('-spec:"shaft 4711 rev b"', "54316"),  # also what has no criteria
    ("weights:04F2", "1"),
    ('software:"inspect_tool 0.2.0"', "3"),
    ("weld", "54"),  # of one the title, of the other one a specimen
    ('"weld 3" -superseded:yes', "5"),
    ("-weld -shaft", "36"),
    ("%", "3"),
    ("_88", "53"),
    ("\\1", "6"),
    ("meier curie", "1"),
]


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("sqlite") / "lab")


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory, request):
    return filled(tmp_path_factory.mktemp("pg") / "lab", request.getfixturevalue("postgresql_server").new())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("PostgreSQL"))])
def lab(request):
    return request.getfixturevalue(request.param)


def numbers(lab, text, limit=None):
    with connected(lab, read_only=True) as connection:
        found = find.search(connection, parse(text), limit)
    assert limit is not None or found.total == len(found.reports)
    return "".join(report.uid[5] for report in found.reports)


def test_queries_find_what_they_say(lab):
    assert {text: numbers(lab, text) for text, _ in FOUND} == dict(FOUND)


def test_a_limit_leaves_the_newest_and_the_number_of_all(lab):
    with connected(lab, read_only=True) as connection:
        found = find.search(connection, parse("recipe:porosity"), 2)
    assert (found.total, [report.uid[:6] for report in found.reports]) == (3, ["aaaa05", "aaaa04"])


def test_a_report_comes_with_the_results_of_page_1_or_with_those_asked_for(lab):
    with connected(lab, read_only=True) as connection:
        (page_1,) = find.search(connection, parse("uid:aaaa01*")).reports
        (asked,) = find.search(connection, parse("uid:aaaa01* mean_intercept_um>1")).reports
    assert [(one.quantity, one.value, one.expanded_u) for one in page_1.results] == [("grain_size_number", 7.93, 0.21)]
    assert [one.quantity for one in asked.results] == ["mean_intercept_um"]
    assert (page_1.order, page_1.report, page_1.part) == ("PO 1", "IT-aaaa01", "Shaft 4711")


def test_a_result_that_no_report_has_is_a_slip_and_not_nothing(lab):
    with pytest.raises(SettingsError, match=r"no report of this lab has a result 'grain_size_numbr'; did you mean"):
        numbers(lab, "heat:730218 -grain_size_numbr>7")
    with pytest.raises(
        SettingsError, match=r"'zzz'; there are: grain_size_number, mean_intercept_um, porosity_percent$"
    ):
        numbers(lab, "zzz>7")


def test_where_nothing_is_found_it_is_said_what_would_be(lab):
    with connected(lab, read_only=True) as connection:
        found = find.search(connection, parse('heat:7302 customer:"meier, sohn" part:zzz order:"po 1" -lot:2611'))
    assert found.hints == ("heat:*7302* finds 2", 'customer:*"meier, sohn"* finds 1')
    for hint in found.hints:  # which can be typed as it is printed
        query, n = hint.split(" finds ")
        assert len(numbers(lab, query)) == int(n)


HOSTILE = ("'; DROP TABLE report; --", "' OR 1=1 --", '") OR ("1"="1', "%(x)s", ":heat", "?", "\\", "%", "_")


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_of_a_query_becomes_part_of_a_statement(sqlite, value):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    with connected(sqlite, read_only=True) as connection:
        said = []
        event.listen(connection.engine, "before_cursor_execute", lambda *call: said.append((call[2], call[3])))
        query = parse(f'heat:"{quoted}" specimen:"{quoted}"*,"{quoted}" "{quoted}" spec:"{quoted}" scale:"{quoted}"')
        assert find.search(connection, query).total == 0
        with pytest.raises(SettingsError, match="no report of this lab has a result"):
            find.search(connection, parse(f'"{quoted}">7'))
        assert connection.scalar(select(func.count()).select_from(tables.report)) == 6
    bound = [text for _, parameters in said for text in parameters]
    assert value in bound
    plain = "\x00".join(statement for statement, _ in said)
    assert value not in plain or value in ("?", "\\", "_")  # which SQL of our own holds


def test_a_search_by_heat_reads_the_index(sqlite):
    with connected(sqlite, read_only=True) as connection:
        wanted = select(tables.report.c.id).where(*find.conditions(parse("heat:730218")))
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {wanted.compile(connection, compile_kwargs={'literal_binds': True})}"
        ).all()
    steps = [row[-1] for row in plan]
    assert steps[0].startswith("SEARCH report USING INDEX ix_report_lower_heat")


# ------------------------------------------------------------------------------------------------------ one report


def record(lab, name):
    with connected(lab, read_only=True) as connection:
        return find.show(lab, connection, name)


def test_a_report_is_shown_by_its_number_its_name_or_its_hash(lab):
    for name in ("IT-aaaa01", "job_aaaa01", "aaaa01", "AAAA010000"):
        shown = record(lab, name)
        assert shown.report.uid.startswith("aaaa01")
    assert [one.quantity for one in shown.report.results] == ["grain_size_number", "mean_intercept_um"]
    assert shown.fingerprint == {
        "software": "inspect_tool 0.1.0",
        "backend": "threshold",
        "weights": "04f2",
        "operator": "M. Curie",
    }
    assert shown.images == (("field_1.tif", "1" * 64),)
    assert record(lab, "aaaa02").spec == "Shaft 4711 rev B"


def test_a_name_of_several_reports_or_of_none_says_so(lab):
    with pytest.raises(SettingsError, match=r"job_aaaa04: several .* aaaa05000000 \(IT-aaaa05, 2026-11-02\), aaaa04"):
        record(lab, "job_aaaa04")
    with pytest.raises(SettingsError, match=r"job_aaaa07: no report of this lab .*; did you mean 'job_aaaa0\d'\?"):
        record(lab, "job_aaaa07")
    with pytest.raises(SettingsError, match="no report of this lab"):
        record(lab, "aaaa0%")


def test_a_file_is_compared_with_what_was_added(tmp_path):
    lab = a_lab(tmp_path / "lab")
    made = replace(a_report(4, heat="H 88123", order="PO 7"), results=a_report().results)
    file = written(lab.reports / "plate", made) / "report.json"
    index.add(lab, file.parent)
    whole = file.read_bytes()
    shown = record(lab, "plate")
    assert (shown.state, shown.file, shown.report.uid) == ("unchanged", file.parent, sha256_bytes(whole))
    assert (shown.report.heat, shown.report.order, shown.report.report) == ("H 88123", "PO 7", "IT-0004")
    assert [(one.value, one.expanded_u) for one in shown.report.results] == [
        (one.value, one.expanded_u) for one in made.results
    ]
    file.write_bytes(whole.replace(b"H 88123", b"H 88124"))
    shown = record(lab, "plate")
    assert (shown.state, shown.report.heat) == ("changed", "H 88123")
    assert sha256_bytes(file.read_bytes()) in shown.state_reason
    file.write_bytes(whole[: len(whole) // 2])
    assert record(lab, "plate").state == "unreadable"
    file.unlink()
    assert record(lab, "plate").state == "unreadable"  # the folder is there still, and holds no report
    file.parent.rmdir()
    assert record(lab, "plate").state == "missing"
    assert numbers(lab, "heat:h?88123") == numbers(lab, "heat:H88123") == ""
    assert len(numbers(lab, 'heat:"h 88123" order:"po 7" report:IT-0004')) == 1
