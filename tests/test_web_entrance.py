"""Entering the workbench, and what stands before every page."""

import hashlib
import socket
import time
import tomllib
from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from workbench import NAMES, ORIGIN, PASSWORD, bench, browser, client, enters, served, with_people

from inspect_tool.errors import SettingsError
from inspect_tool.evidence import audit
from inspect_tool.evidence.provenance import now
from inspect_tool.lab import accounts, tables, users
from inspect_tool.lab.database import connected, init, open_lab
from inspect_tool.web import html, patience, serve
from inspect_tool.web.app import application

LONG = {"name": "Eva", "full_name": "Eva Muster", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture
def empty(tmp_path):
    return bench(tmp_path / "lab")


@pytest.fixture
def made(empty):
    return with_people(empty)


def test_the_first_account_is_made_once_and_is_in(empty):
    spoken = client(empty)
    assert spoken.get("/").headers["location"] == "/enter"
    assert "The first account" in spoken.get("/enter").text
    answer = spoken.post("/first", data=LONG)
    assert answer.headers["location"] == "/"
    assert "Eva Muster" in spoken.get("/").text
    again = client(empty)
    assert again.post("/first", data={**LONG, "name": "other"}).headers["location"] == "/enter"
    assert again.get("/").status_code == 303


def test_who_leaves_is_out_also_with_a_cookie_that_was_kept(made):
    spoken = client(made, "anna")
    kept = dict(spoken.cookies)
    assert spoken.get("/").status_code == 200
    spoken.post("/leave")
    spoken.cookies.update(kept)
    assert spoken.get("/").headers["location"] == "/enter"


def test_a_cookie_is_not_sent_from_elsewhere_nor_read_by_scripts(made):
    said = client(made).post("/enter", data={"name": "anna", "password": PASSWORD}).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in said.split(";")}


def test_wrong_passwords_lock_an_account_and_say_no_more_than_that(made):
    spoken = client(made)
    answers = [spoken.post("/enter", data={"name": "anna", "password": "wrong"}) for _ in range(5)]
    nobody = spoken.post("/enter", data={"name": "nobody", "password": "wrong"})
    assert all("name or password are wrong" in one.text for one in (*answers, nobody))
    right = spoken.post("/enter", data={"name": "anna", "password": PASSWORD})
    assert right.status_code == 422
    assert {right.text, *(one.text for one in answers)} == {nobody.text.replace("nobody", "anna")}
    assert spoken.post("/enter", data={"name": "olga", "password": PASSWORD}).status_code == 303
    trail = audit.read(accounts.trail(made.lab)).entries
    assert [(one.subject, one.new["did"], one.new["place"]) for one in trail] == [("anna", "refused", "testclient")]


def test_who_guesses_passwords_locks_out_the_own_place_and_in_the_end_strangers_but_no_device_of_the_owner(made):
    def asks(place, password=PASSWORD, name="anna", **kept):
        spoken = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, client=(place, 1), follow_redirects=False)
        spoken.cookies.update(kept)
        return spoken.post("/enter", data={"name": name, "password": password})

    app = application(made)
    device = {"inspect-tool-device-2": asks("10.0.0.1").cookies["inspect-tool-device-2"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_verified", lambda _, password: password == PASSWORD)  # it is slow on purpose
        for _ in range(5):
            assert asks("10.0.0.9", "wrong").status_code == 422
        assert asks("10.0.0.9").status_code == 422
        assert asks("10.0.0.9", name="olga").status_code == 303
        assert asks("10.0.0.1").status_code == 303  # from another place, also without what its browser keeps
        for i in range(25):
            asks(f"10.0.1.{i}", "wrong")
        assert asks("10.0.0.1").status_code == 422
        assert asks("10.0.0.1", **device).status_code == 303
        stolen = {"inspect-tool-device-1": device["inspect-tool-device-2"]}
        assert asks("10.0.0.1", name="anna", **stolen).status_code == 422
        for _ in range(5):
            asks("10.0.0.1", "wrong", **device)
        assert asks("10.0.0.1", **device).status_code == 422
    with connected(made.lab) as connection:
        users.change(connection, 2, password="another sentence is as easy")
    again = {"data": {"name": "anna", "password": "another sentence is as easy"}}
    spoken = TestClient(
        app, base_url=ORIGIN, headers={"Origin": ORIGIN}, client=("10.0.0.1", 1), follow_redirects=False
    )
    assert spoken.post("/enter", **again).status_code == 303


def test_a_password_that_is_too_old_for_the_lab_is_changed_before_anything_else(made):
    with connected(made.lab) as connection:
        connection.execute(tables.account.update().values(changed=now() - timedelta(days=91)))
    assert client(made, "anna").get("/").status_code == 200
    path = made.lab.folder / "lab.toml"
    path.write_text(path.read_text().replace("password_days = 0", "password_days = 90"))
    strict = serve.bench_of(open_lab(made.lab.folder), serve.Place(port=8765))
    spoken = client(strict, "anna")
    for address in ("/", "/reviews"):
        assert spoken.get(address).headers["location"] == "/me"
    assert "lasts 90 days in this laboratory" in spoken.get("/me").text
    signs = client(strict, "rolf").post("/reviews/1/release", data={"password": PASSWORD})
    assert signs.headers["location"] == "/me"
    other = "another sentence is as easy"
    form = {"old": PASSWORD, "password": other, "again": other}
    assert spoken.post("/me/password", data=form).headers["location"] == "/me"
    assert spoken.get("/").status_code == 200
    path.write_text(path.read_text().replace("password_days = 90", "password_days = -1"))
    with pytest.raises(SettingsError, match=r"lab\.toml: password_days: got -1, must be 0"):
        open_lab(made.lab.folder)


def test_who_does_not_go_on_with_a_request_is_hung_up_on(made, monkeypatch):
    monkeypatch.setattr(patience, "HEADERS_S", 0.4)
    monkeypatch.setattr(patience, "PIECE_S", 0.4)
    with served(made.lab) as there:
        host = there.origins[0].partition("//")[2]

        def answered(*pieces, rests=0.0):
            with socket.create_connection(("127.0.0.1", int(host.partition(":")[2])), timeout=5) as spoken:
                for piece in pieces:
                    time.sleep(rests)
                    try:
                        spoken.sendall(piece)
                    except ConnectionError:
                        return b""
                try:
                    return spoken.recv(100)
                except ConnectionError:
                    return b""

        begins = [f"GET /enter HTTP/1.1\r\nHost: {host}\r\n".encode(), b"X-A: 1\r\n"]
        posts = f"POST /leave HTTP/1.1\r\nHost: {host}\r\nOrigin: {there.origins[0]}\r\nContent-Length: 9\r\n\r\n"
        assert answered(*begins, b"\r\n").startswith(b"HTTP/1.1 200")
        assert answered() == b""
        assert answered(*begins, *[b"X-B: 1\r\n"] * 8, b"\r\n", rests=0.1) == b""  # bit by bit, for ever
        assert answered(posts.encode(), b"xx") == b""
        assert answered(posts.encode(), *[b"xxx"] * 3, rests=0.2).startswith(b"HTTP/1.1 303")  # slow, and goes on


@pytest.mark.parametrize(
    "origin", ["", "null", "http://evil.example", "http://127.0.0.1:8766", "https://127.0.0.1:8765"]
)
def test_a_change_must_come_from_a_page_of_ours(made, origin):
    spoken = client(made, "anna")
    answer = spoken.post("/leave", headers={"Origin": origin})
    assert answer.status_code == 403
    assert spoken.get("/").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:80"])
def test_a_name_that_was_made_to_point_here_is_not_answered(made, host):
    answer = client(made, "anna").get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "Muster" not in answer.text


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example", "/\\evil.example", "evil"])
def test_entering_leads_to_no_other_site(made, then):
    answer = client(made).post("/enter", data={"name": "anna", "password": PASSWORD, "then": then})
    assert answer.headers["location"] == "/"


def test_a_request_without_a_length_or_too_long_is_refused(made):
    spoken = client(made)
    assert spoken.post("/enter", content=iter([b"x"])).status_code == 411
    assert spoken.post("/enter", content=b"x" * (1 << 21)).status_code == 413


def test_every_answer_keeps_the_browser_to_this_workbench(made):
    for address in ("/", "/enter", "/nothing", "/static/app.css"):
        policy = client(made).get(address).headers["content-security-policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy


def test_others_are_let_in_only_by_tls_and_accounts(tmp_path):
    lab = init(tmp_path / "lab")
    pem = tmp_path / "works.pem"
    pem.write_text("")
    with pytest.raises(SettingsError, match=r"--host 0\.0\.0\.0: other computers could .* give --certificate"):
        serve.bench_of(lab, serve.Place(host="0.0.0.0", port=8765))
    with pytest.raises(SettingsError, match=r"nobody has an account yet"):
        serve.bench_of(lab, serve.Place(host="0.0.0.0", port=8765, certificate=pem))
    with_people(serve.bench_of(lab, serve.Place(port=8765)))
    with pytest.raises(SettingsError, match=r"--single-user: the lab has accounts"):
        serve.bench_of(lab, serve.Place(port=8765), single_user=True)
    made = serve.bench_of(lab, serve.Place(host="0.0.0.0", port=8765, name="Works3.local", certificate=pem))
    assert made.origins == ("https://works3.local:8765",)


def test_single_user_mode_needs_no_entry_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPECT_TOOL_USER", "Eva Muster")
    answer = client(bench(tmp_path / "lab", single_user=True)).get("/")
    assert "Eva Muster, single user" in answer.text


def test_what_is_taken_from_others_is_as_it_was_published():
    vendor = html.HOME / "static" / "vendor"
    told = tomllib.loads((vendor / "vendor.toml").read_text())
    names = {"vendor.toml"}
    for library in told["library"]:
        assert (vendor / library["license_file"]).read_text().strip()
        names |= {library["license_file"], *(file["name"] for file in library["files"])}
        for file in library["files"]:
            assert hashlib.sha256((vendor / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    assert {path.name for path in vendor.iterdir()} == names


@pytest.mark.needs("Chromium", "Playwright")
def test_a_person_enters_in_a_browser_and_nothing_is_asked_of_elsewhere(tmp_path):
    made = with_people(bench(tmp_path / "lab"), {"anna": NAMES["anna"]})
    with served(made.lab) as listening, browser() as page:
        enters(page, listening, "anna")
        page.get_by_text("Anna Muster").wait_for()
        assert page.elsewhere == []
        assert page.trouble == []
        page.get_by_role("button", name="Leave").click()
        page.get_by_label("Password").wait_for()


def test_the_origin_of_the_tests_is_that_of_the_workbench(made):
    assert ORIGIN in made.origins
