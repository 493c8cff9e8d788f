"""Who may ask for what: a table written by hand, after the roles that the workbench was asked for, and a walk.

An operator runs, an analyst edits and calibrates, a reviewer approves, a manager has specifications, templates and
accounts, an auditor reads and audits. No role contains another one. **Whoever adds an address adds its line here**, and
writes down who may ask for it before looking at what the page says.
"""

import re
from dataclasses import replace

import pytest
from starlette.responses import PlainTextResponse
from workbench import NAMES, ORIGIN, bench, client, with_people

from inspect_tool.lab import tokens, users
from inspect_tool.lab.database import connected
from inspect_tool.lab.users import ROLES
from inspect_tool.web import app, guard
from inspect_tool.web.routes import PAGES

NOBODY = set()  # open to who has not entered
RUN, EDIT, APPROVE, MANAGE, AUDIT = {"operator"}, {"analyst"}, {"reviewer"}, {"manager"}, {"auditor"}
ALL = RUN | EDIT | APPROVE | MANAGE | AUDIT

FIELD = "/inspections/{name}/fields/{n:int}"
TABLE = {
    # entrance, home
    "GET /enter": NOBODY,
    "POST /enter": NOBODY,
    "POST /first": NOBODY,
    "POST /leave": NOBODY,
    "GET /": ALL,
    # inbox, calibration by hand
    "GET /inbox": ALL,
    "GET /inbox/{id:int}/thumbnail": ALL,
    "POST /inbox/give": RUN | EDIT,
    "POST /inbox/remove": RUN | EDIT,
    "POST /inbox/scale": RUN | EDIT,
    "GET /calibrate/{id:int}": EDIT,
    "GET /calibrate/{id:int}/picture": EDIT,
    "POST /calibrate/{id:int}/reckon": EDIT,
    "POST /calibrate/{id:int}/keep": EDIT,
    # inspections
    "GET /inspections": ALL,
    "GET /inspections/list": ALL,
    "GET /inspections/new": RUN,
    "GET /inspections/new/settings": RUN,
    "GET /inspections/new/picture/{number:int}": RUN,
    "POST /inspections/check": RUN,
    "POST /inspections/preview": RUN,
    "POST /inspections": RUN,
    "GET /inspections/{name}": ALL,
    "GET /inspections/{name}/state": ALL,
    "GET /inspections/{name}/job.toml": ALL,
    "GET /inspections/{name}/overlay/{number:int}": ALL,
    "POST /inspections/{name}/send": RUN,
    "POST /inspections/{name}/cancel": RUN,
    # templates
    "GET /templates": ALL,
    "GET /templates/new": MANAGE,
    "POST /templates/new": MANAGE,
    "GET /templates/new/settings": MANAGE,
    "GET /templates/{name}": MANAGE,
    "POST /templates/{name}": MANAGE,
    # viewer, corrections
    f"GET {FIELD}": ALL,
    f"GET {FIELD}/tiles/{{layer}}/{{level:int}}/{{x:int}}_{{y:int}}.png": ALL,
    f"GET {FIELD}/features": ALL,
    f"GET {FIELD}/object": ALL,
    f"GET {FIELD}/correct": EDIT,
    f"GET {FIELD}/correct/tiles/{{layer}}/{{level:int}}/{{x:int}}_{{y:int}}.png": EDIT,
    f"GET {FIELD}/correct/numbers": EDIT,
    f"POST {FIELD}/correct/do": EDIT,
    f"POST {FIELD}/correct/undo": EDIT,
    f"POST {FIELD}/correct/redo": EDIT,
    f"POST {FIELD}/correct/discard": EDIT,
    f"POST {FIELD}/correct/commit": EDIT,
    f"POST {FIELD}/correct/measure": EDIT | RUN,  # runs the job anew
    # check by hand
    "GET /referee/page.js": ALL,
    "GET /referee/page.css": ALL,
    "GET /inspections/{name}/referee": ALL,
    "GET /inspections/{name}/referee/state": ALL,
    "GET /inspections/{name}/referee/{sample}": EDIT | APPROVE,
    "POST /inspections/{name}/referee/draw": EDIT | APPROVE,
    "POST /inspections/{name}/referee/answers": EDIT | APPROVE,
    "POST /inspections/{name}/referee/give-up": EDIT | APPROVE,
    "POST /inspections/{name}/referee/measure": EDIT | RUN,  # runs the job anew
    # reviews, reports
    "GET /reviews": ALL,
    "POST /reviews": RUN | EDIT,  # asks for one
    "GET /reviews/{id}": ALL,
    "POST /reviews/{id}/remark": ALL - AUDIT,
    "POST /reviews/{id}/return": APPROVE,
    "POST /reviews/{id}/release": APPROVE,
    "GET /reports": ALL,
    "GET /reports/export/{suffix}": ALL,
    "GET /reports/{uid}": ALL,
    "GET /reports/{uid}/file/{name:path}": ALL,
    # the lab's memory
    "GET /trend": ALL,
    "GET /trend/trend.pdf": ALL,
    "POST /trend/freeze": MANAGE,
    "GET /specs": ALL,
    "GET /specs/new": MANAGE,
    "POST /specs/new": MANAGE,
    "GET /specs/{name}": ALL,
    "GET /specs/{name}/change": MANAGE,
    "POST /specs/{name}/change": MANAGE,
    "GET /instruments": ALL,
    # classifiers of pixels
    "GET /scribble": ALL,
    "GET /scribble/inspections/{name}": EDIT,
    **{
        f"{what} /scribble/{place}{part}": EDIT
        for place in ("inbox/{number:int}", "inspections/{name}/{number:int}")
        for what, part in (
            ("GET", ""),
            ("GET", "/picture.png"),
            ("POST", "/learn"),
            ("POST", "/agree"),
            ("POST", "/keep"),
            ("POST", "/close"),
        )
    },
    # accounts
    "GET /users": MANAGE | AUDIT,
    "POST /users": MANAGE,
    "GET /users/{number:int}": MANAGE,
    "POST /users/{number:int}/roles": MANAGE,
    "POST /users/{number:int}/active": MANAGE,
    "POST /users/{number:int}/password": MANAGE,
    "GET /me": ALL,
    "POST /me/password": ALL,
    "POST /me/tokens": ALL,
    "POST /me/tokens/{number:int}/end": ALL,
    # audit trails
    "GET /trail": MANAGE | AUDIT,
    "GET /trail/export": MANAGE | AUDIT,
    # for programs
    "GET /api/v1/openapi.json": ALL,
    "GET /api/v1/reports": ALL,
    "GET /api/v1/reports/{uid}": ALL,
    "GET /api/v1/reports/{uid}/report.json": ALL,
    "GET /api/v1/reports/{uid}/report.pdf": ALL,
    "GET /api/v1/inspections/{name}": ALL,
    "POST /api/v1/images": RUN | EDIT,
    "POST /api/v1/inspections": RUN,
}


def line(page):
    return f"{page.method} {page.path}"


def address(page):
    """An address that the pattern of a page fits."""
    values = {"int": "1", "path": "a/b.png", "": "x"}
    return re.sub(r"\{\w+(?::(\w+))?\}", lambda match: values[match[1] or ""], page.path)


def says(text):
    return lambda _: PlainTextResponse(text)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workbench whose pages say which they are, and do nothing: all that stands before them is as it is."""
    stubs = tuple(replace(page, show=says(line(page))) for page in PAGES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "PAGES", stubs)
        yield with_people(bench(tmp_path_factory.mktemp("permission") / "lab"))


def test_every_address_stands_in_the_table_with_its_roles_and_no_other():
    assert {line(page): set(page.roles) for page in PAGES} == TABLE


def test_a_page_is_the_only_one_of_its_address():
    assert len({line(page) for page in PAGES}) == len(PAGES)


def test_the_people_of_the_tests_have_one_role_each():
    assert set(NAMES.values()) == set(ROLES) == ALL


@pytest.mark.parametrize("name", NAMES)
def test_a_person_gets_what_the_role_may_and_nothing_else(made, name):
    spoken = client(made, name)
    for page in PAGES:
        answer = spoken.request(page.method, address(page))
        roles = TABLE[line(page)]
        if roles == NOBODY or NAMES[name] in roles:
            assert (answer.status_code, answer.text) == (200, line(page))
        else:
            assert answer.status_code == 403, line(page)
            assert "may not do this" in answer.text


def test_who_has_not_entered_gets_the_entrance_and_a_program_a_refusal(made):
    spoken = client(made)
    for page in PAGES:
        answer = spoken.request(page.method, address(page))
        if TABLE[line(page)] == NOBODY:
            assert answer.text == line(page)
        elif page.path.startswith(guard.API):
            assert (answer.status_code, answer.json()) == (401, {"error": "nobody is in; enter first"})
        else:
            assert answer.status_code == 303, line(page)
            assert answer.headers["location"].startswith("/enter")


@pytest.mark.parametrize("origin", ["https://evil.example", ""])
def test_nothing_is_changed_from_elsewhere_whoever_has_entered(made, origin):
    spoken = client(with_all_roles(made), "every")
    changes = [page for page in PAGES if page.method != "GET"]
    assert changes
    for page in changes:
        answer = spoken.request(page.method, address(page), headers={"Origin": origin})
        assert answer.status_code == 403, line(page)
        assert "must come from a page of this workbench" in answer.text


def test_a_token_opens_what_is_made_for_programs_with_the_roles_of_its_person(made):
    stated = {}
    with connected(made.lab) as connection:
        for name in NAMES:
            stated[name] = tokens.make(connection, users.by_name(connection, name), "LIMS", 1)
    spoken = client(made)
    for name, token in stated.items():
        for page in PAGES:
            is_open = page.path.startswith(guard.API)
            if not is_open and name != "mara":
                continue  # one is enough where no token opens anything
            headers = {"Authorization": f"Bearer {token}", "Origin": ORIGIN}
            answer = spoken.request(page.method, address(page), headers=headers)
            may = is_open and NAMES[name] in TABLE[line(page)]
            assert answer.status_code == (200 if may else 403), line(page)


def with_all_roles(made):
    with connected(made.lab) as connection:
        if all(one.name != "every" for one in users.every(connection)):
            users.add(connection, "every", "Every Role", "all of them together", frozenset(ROLES))
    return made
