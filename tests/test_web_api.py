"""The interface for programs: what it describes is what it does."""

import io
import json
from functools import cache

import numpy as np
import pytest
import tifffile
from jsonschema import Draft202012Validator
from lab_files import a_report, written
from workbench import ORIGIN, bench, client, with_people

from inspect_tool import synthetic
from inspect_tool.files import load_job
from inspect_tool.lab import index, tokens, users
from inspect_tool.lab.database import connected
from inspect_tool.web import openapi
from inspect_tool.web.guard import API
from inspect_tool.web.routes import PAGES

DOCUMENT = openapi.document(ORIGIN)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return with_people(bench(tmp_path_factory.mktemp("api") / "lab"))


@pytest.fixture(scope="module")
def uid(made):
    folder = written(made.lab.reports / "shaft", a_report(1, heat="H 1", part="shaft"))
    return index.add(made.lab, folder).uid


@cache
def program(made, name="olga"):
    """Who speaks as a program does: by a token, without cookies and without an origin."""
    with connected(made.lab) as connection:
        token = tokens.make(connection, users.by_name(connection, name), "LIMS", 1)
    spoken = client(made)
    spoken.headers["Authorization"] = f"Bearer {token}"
    del spoken.headers["Origin"]
    return spoken


def as_described(answer, path, method="get"):
    """The JSON of an answer, after it was held against the description."""
    given = DOCUMENT["paths"][path][method]["responses"][str(answer.status_code)]
    kind = answer.headers["content-type"].partition(";")[0]
    schema = given["content"][kind]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(answer.json())
    return answer.json()


# ---------------------------------------------------------------------------------------------------------- description


def schemas(value):
    """Every schema of the description."""
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key == "schema")
        for key, each in value.items():
            yield from each.values() if key == "schemas" else schemas(each)
    elif isinstance(value, list):
        for each in value:
            yield from schemas(each)


def references(value):
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key == "$ref")
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_address_for_programs_is_described_and_no_other():
    there = {(page.path.replace(":int", ""), page.method.lower()) for page in PAGES if page.path.startswith(API)}
    assert there == {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}


def test_the_description_holds_together():
    """What OpenAPI 3.1 asks: version, title, servers; an operation has a name of its own, its parameters, answers."""
    assert DOCUMENT["openapi"] == "3.1.0"
    assert set(DOCUMENT["info"]) >= {"title", "version"}
    names = []
    for path, methods in DOCUMENT["paths"].items():
        in_path = {part.strip("{}") for part in path.split("/") if part.startswith("{")}
        for operation in methods.values():
            names.append(operation["operationId"])
            parameters = operation["parameters"]
            assert {one["name"] for one in parameters if one["in"] == "path"} == in_path
            assert all(one["required"] for one in parameters if one["in"] == "path")
            assert any(status.startswith("2") for status in operation["responses"])
            assert all(answer["description"] for answer in operation["responses"].values())
    assert len(set(names)) == len(names)
    for schema in schemas(DOCUMENT):
        Draft202012Validator.check_schema(schema)
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= known


def test_a_program_reads_the_description(made):
    assert program(made).get("/api/v1/openapi.json").json() == DOCUMENT


# -------------------------------------------------------------------------------------------------------------- reports


def test_reports_are_found_by_the_query_language_of_the_lab(made, uid):
    spoken = program(made, "axel")
    found = as_described(spoken.get("/api/v1/reports", params={"query": 'heat:"H 1"'}), "/api/v1/reports")
    assert (found["total"], found["reports"][0]["uid"], found["reports"][0]["part"]) == (1, uid, "shaft")
    assert str(made.lab.folder) not in json.dumps(found)
    nothing = as_described(spoken.get("/api/v1/reports", params={"query": "heat:H"}), "/api/v1/reports")
    assert nothing == {"total": 0, "reports": [], "hints": ["heat:*H* finds 1"]}


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"query": "haet:7"}, "haet"),
        ({"query": "no_such_quantity>7"}, "no report of this lab has a result"),
        ({"limit": "0"}, "limit: got '0'"),
        ({"limit": "1001"}, "limit: got '1001'"),
        ({"limit": "all"}, "limit: got 'all'"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_line(made, uid, params, why):
    refused = as_described(program(made).get("/api/v1/reports", params=params), "/api/v1/reports")
    assert why in refused["error"]
    assert "\n" not in refused["error"]


def test_a_report_is_given_as_it_was_made(made, uid):
    spoken = program(made, "axel")
    record = as_described(spoken.get(f"/api/v1/reports/{uid[:8]}"), "/api/v1/reports/{uid}")
    assert (record["uid"], record["state"]) == (uid, "unchanged")
    assert str(made.lab.folder) not in json.dumps(record)
    data = spoken.get(f"/api/v1/reports/{uid}/report.json")
    assert data.content == (made.lab.reports / "shaft" / "report.json").read_bytes()
    assert data.headers["content-type"] == "application/json"
    missing = as_described(spoken.get(f"/api/v1/reports/{uid}/report.pdf"), "/api/v1/reports/{uid}/report.pdf")
    assert "has no report.pdf" in missing["error"]
    (made.lab.reports / "shaft" / "report.pdf").write_bytes(b"%PDF-1.7 of it")
    pdf = spoken.get(f"/api/v1/reports/{uid}/report.pdf")
    assert (pdf.content, pdf.headers["content-type"]) == (b"%PDF-1.7 of it", "application/pdf")


def test_nothing_is_given_of_a_report_that_was_changed_or_is_none(made):
    folder = written(made.lab.reports / "plate", a_report(2, heat="H 2"))
    number = index.add(made.lab, folder).uid
    (folder / "report.json").write_bytes((folder / "report.json").read_bytes().replace(b"H 2", b"H 3"))
    spoken = program(made)
    record = as_described(spoken.get(f"/api/v1/reports/{number}"), "/api/v1/reports/{uid}")
    assert record["state"] == "changed"
    refused = spoken.get(f"/api/v1/reports/{number}/report.json")
    assert refused.status_code == 422
    assert "its file is changed; nothing of it is given" in refused.json()["error"]
    for name in ("..%2f..%2flab.toml", "nothing", "%00"):
        answer = spoken.get(f"/api/v1/reports/{name}/report.json")
        assert answer.status_code in (400, 404, 422)
        assert set(answer.json()) == {"error"}


# --------------------------------------------------------------------------------------------------------------- images


def tiff(seed=1):
    data = io.BytesIO()
    tifffile.imwrite(data, np.random.default_rng(seed).integers(0, 255, (32, 48), dtype=np.uint8))
    return data.getvalue()


def test_an_image_is_taken_once_and_lies_in_the_inbox(made):
    spoken = program(made)
    answer = spoken.post("/api/v1/images", files={"file": ("../../etc/field 1.tif", tiff())})
    given = as_described(answer, "/api/v1/images", "post")
    assert answer.status_code == 201
    assert (given["state"], given["rows"], given["columns"]) == ("new", 32, 48)
    again = spoken.post("/api/v1/images", files={"file": ("other.tif", tiff())})
    assert again.status_code == 200
    assert as_described(again, "/api/v1/images", "post")["id"] == given["id"]
    with connected(made.lab, read_only=True) as connection:
        assert connection.exec_driver_sql("SELECT by FROM intake").scalars().all() == ["Olga Muster"]


def test_a_form_without_one_image_is_one_line(made):
    spoken = program(made)
    for form in ({"data": {"file": "x"}}, {"files": [("file", ("a.tif", tiff())), ("file", ("b.tif", tiff(2)))]}):
        refused = as_described(spoken.post("/api/v1/images", **form), "/api/v1/images", "post")
        assert "send one as the part 'file'" in refused["error"]


# --------------------------------------------------------------------------------------------------------------- who


def test_who_may_not_is_told_in_one_line(made):
    refused = program(made, "axel").post("/api/v1/images", files={"file": ("a.tif", tiff())})
    assert refused.status_code == 403
    assert "it takes one of the roles: analyst, operator" in as_described(refused, "/api/v1/images", "post")["error"]
    nobody = client(made).get("/api/v1/reports")
    assert nobody.status_code == 401
    assert as_described(nobody, "/api/v1/reports") == {"error": "nobody is in; enter first"}


# --------------------------------------------------------------------------------------------------------- inspections


@pytest.fixture(scope="module")
def images(made):
    """Ids of three drawn images with pores, in the inbox."""
    spoken, found = program(made), []
    for seed in range(3):
        data = io.BytesIO()
        tifffile.imwrite(
            data, synthetic.pores(seed=seed, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(128, 128)).pixels
        )
        answer = spoken.post("/api/v1/images", files={"file": (f"field_{seed}.tif", data.getvalue())})
        found.append(answer.json()["id"])
    return found


SCALE = {"pixel_um": 1.0, "u_rel": 0.005, "source": "stage micrometer", "certificate": "C 1"}


def submitted(spoken, job, **more):
    return spoken.post("/api/v1/inspections", json=job, **more)


def test_a_program_has_images_inspected(made, images):
    job = {
        "recipe": "porosity",
        "specimens": [{"id": "A", "section": "1", "plane": "transverse", "images": images[:2]}],
        "calibration": SCALE,
        "header": {"heat": "730218", "operator": "somebody else"},
        "settings": {"minimum_um": 4.5},
        "region": {"exclude": [[0, 0, 10, 10]]},
        "requirements": [{"quantity": "porosity_percent", "upper": 5.0, "source": "drawing 4711"}],
    }
    spoken = program(made)
    answer = submitted(spoken, job)
    made_of = as_described(answer, "/api/v1/inspections", "post")
    assert answer.status_code == 201
    assert (made_of["state"], made_of["by"], made_of["report"]) == ("waiting", "Olga Muster", "")
    status = as_described(spoken.get(answer.headers["location"]), "/api/v1/inspections/{name}")
    assert status == made_of
    written_job = load_job(made.lab.folder / "inspections" / made_of["name"] / "job.toml")
    assert written_job.specimens[0].id == "A"
    assert len(written_job.specimens[0].images) == 2
    assert written_job.header.heat == "730218"
    assert written_job.header.operator == "Olga Muster"  # who asks, and not whom the program names
    assert written_job.settings == {"minimum_um": 4.5}
    assert written_job.region.exclude == ((0, 0, 10, 10),)
    assert written_job.calibration.pixel_um == 1.0
    (limits,) = written_job.requirements
    assert (limits.quantity, limits.upper, limits.source) == ("porosity_percent", 5.0, "drawing 4711")


def test_an_image_of_another_inspection_is_measured_again_only_where_that_is_meant(made, images):
    spoken, job = program(made), {"recipe": "porosity", "images": images[2:], "calibration": SCALE}
    assert submitted(spoken, job).status_code == 201
    refused = submitted(spoken, job)
    assert refused.status_code == 422
    assert submitted(spoken, {**job, "again": True}).status_code == 201


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"recipe": "porosty"}, "porosty"),
        ({"recipe": ""}, "neither recipe nor template"),
        ({"images": []}, "neither images nor specimens"),
        ({"images": ["../../lab.toml"]}, "images.0"),
        ({"images": [4711]}, "image 4711: there is none"),
        ({"tint": "red"}, "tint"),
        ({"header": {"heet": "7"}}, "header.heet: there is no such key"),
        ({"region": {"mask": "/etc/passwd"}}, "region.mask: there is no such key"),
        ({"calibration": {"file": "/etc/passwd"}}, "calibration"),
        ({"calibration": None, "scale": "/etc/passwd"}, "none of file, scale bar"),
        ({"backend": {"name": "labels", "masks": ["/etc/passwd"]}}, "'labels' is none of"),
        ({"backend": {"name": "pixels", "model": "/etc"}}, "no name of a model"),
        ({"settings": {"no_such": 1}}, "settings.no_such"),
        ({"requirements": [{"upper": 1.0}]}, "requirements.0.source"),
        ({"template": "nothing", "recipe": ""}, "nothing"),
        ({"template": "../lab", "recipe": ""}, "../lab"),
    ],
)
def test_a_job_that_cannot_be_is_refused_in_one_line_and_nothing_is_made(made, images, change, why):
    before = sorted(path.name for path in made.lab.folder.glob("inspections/*"))
    answer = submitted(
        program(made), {"recipe": "porosity", "images": images[2:], "calibration": SCALE, "again": True, **change}
    )
    refused = as_described(answer, "/api/v1/inspections", "post")
    assert answer.status_code == 422
    assert why in refused["error"]
    assert "\n" not in refused["error"]
    assert str(made.lab.folder) not in refused["error"]
    assert sorted(path.name for path in made.lab.folder.glob("inspections/*")) == before


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"recipe": NaN}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"recipe": "porosity"}', "text/plain"),
    ],
)
def test_what_is_no_json_object_is_refused(made, content, kind):
    answer = program(made).post("/api/v1/inspections", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert answer.json() == {"error": "the body is no JSON object of the type application/json"}


def test_there_is_no_state_of_an_inspection_that_is_none(made):
    answer = program(made).get("/api/v1/inspections/nothing")
    assert as_described(answer, "/api/v1/inspections/{name}") == {"error": "inspection 'nothing': there is none"}
