"""What stands before every page, asked for in ways that no browser of a lab would."""

import asyncio
import http.client
import ipaddress
import re
import socket
import ssl
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from workbench import ORIGIN, PASSWORD, bench, client, free_port, served, with_people

from inspect_tool.errors import SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.lab import accounts, tokens, users
from inspect_tool.lab.database import connected
from inspect_tool.web import guard, serve
from inspect_tool.web.app import application
from inspect_tool.web.bench import ANYONE, PUBLIC, Page


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return with_people(bench(tmp_path_factory.mktemp("guard") / "lab"), {"anna": "analyst", "mara": "manager"})


def token(made, name="anna"):
    with connected(made.lab) as connection:
        return tokens.make(connection, users.by_name(connection, name), "test", 1)


def given(answer):
    """The session that an answer gives to the browser."""
    return re.match(rf"{guard.COOKIE}=([\w-]+);", answer.headers["set-cookie"])[1]


def behind(made, *pages):
    """Speak to pages of a test behind the guard."""
    app = application(made)
    inner = app.__closure__
    starlette = next(cell.cell_contents for cell in inner if hasattr(cell.cell_contents, "router"))
    starlette.router.routes[:0] = [Route(page.path, guard.guarded(page, made), methods=[page.method]) for page in pages]
    return TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)


# ------------------------------------------------------------------------------------------------------- who it is


@pytest.mark.parametrize("stated", ["", "Basic YW5uYTphbm5h", "Bearer", "Bearer nothing", "bearer  "])
def test_a_request_that_states_no_token_of_ours_is_nobodys_also_with_a_session(made, stated):
    spoken = client(made, "anna")
    answer = spoken.get("/api/nothing", headers={"Authorization": stated})
    assert answer.status_code == 404
    assert spoken.post("/leave", headers={"Authorization": stated, "Origin": ""}).status_code == 403
    assert spoken.get("/").status_code == 200  # and did not end the session


def test_a_token_opens_no_page(made):
    spoken = client(made)
    for address in ("/", "/enter"):
        answer = spoken.get(address, headers={"Authorization": f"Bearer {token(made)}"})
        assert answer.status_code == 403
        assert "a token opens /api/ alone" in answer.text


def test_a_wrong_token_writes_nothing_and_a_right_one_is_noted_once_a_minute(made, monkeypatch):
    spoken = behind(made, Page(path="/api/test", show=lambda _: PlainTextResponse("in"), roles=ANYONE))
    wrote = []
    noted = tokens.seen
    monkeypatch.setattr(tokens, "seen", lambda *stated: (wrote.append(1), noted(*stated)))
    assert spoken.get("/api/test", headers={"Authorization": "Bearer it_wrong"}).json() == {
        "error": "the token is unknown, or has ended"
    }
    stated = {"Authorization": f"Bearer {token(made)}"}
    assert [spoken.get("/api/test", headers=stated).text for _ in range(3)] == ["in"] * 3
    assert wrote == [1]


def test_entering_takes_the_place_of_the_session_that_the_browser_had(made):
    spoken = client(made, "anna")
    before = spoken.cookies[guard.COOKIE]
    after = given(spoken.post("/enter", data={"name": "mara", "password": PASSWORD}))
    assert after != before
    with connected(made.lab, read_only=True) as connection:
        assert users.inside(connection, before) is None
        assert users.inside(connection, after).name == "mara"


def test_a_session_that_somebody_else_chose_lets_nobody_in(made):
    spoken = client(made)
    spoken.cookies.set(guard.COOKIE, "chosen-by-another")
    assert given(spoken.post("/enter", data={"name": "anna", "password": PASSWORD})) != "chosen-by-another"
    with connected(made.lab, read_only=True) as connection:
        assert users.inside(connection, "chosen-by-another") is None


@pytest.mark.parametrize(
    ("after", "is_in"), [(users.IDLE - timedelta(minutes=1), True), (users.IDLE + timedelta(minutes=1), False)]
)
def test_a_session_without_a_click_ends(made, monkeypatch, after, is_in):
    spoken = client(made, "anna")
    later = now() + after
    monkeypatch.setattr(users, "now", lambda: later)
    assert (spoken.get("/").status_code == 200) is is_in


def test_what_a_page_asks_by_itself_keeps_nobody_in(made, monkeypatch):
    """Looks at the queue every minute, and no click for longer than a session without one lasts."""
    begin = now()
    moment = [begin]
    monkeypatch.setattr(users, "now", lambda: moment[0])
    clicked, looked = client(made, "anna"), client(made, "anna")
    for minute in range(0, 35, 5):
        moment[0] = begin + timedelta(minutes=minute)
        clicks = clicked.get("/").status_code
        looks = looked.get("/", headers={guard.UNATTENDED: "1"}).status_code
    assert (clicks, looks) == (200, 303)


def test_a_session_ends_at_its_end_also_with_clicks(made, monkeypatch):
    begin = now()
    moment = [begin]
    monkeypatch.setattr(users, "now", lambda: moment[0])
    is_in = []
    with connected(made.lab) as connection:
        session = users.enter(connection, users.by_name(connection, "anna"))
        while moment[0] < begin + users.SESSION + timedelta(minutes=20):
            is_in.append(users.inside(connection, session) is not None)
            users.seen(connection, session)
            moment[0] += timedelta(minutes=20)
    assert is_in == [True] * 30 + [False]


# ---------------------------------------------------------------------------------------------------- from elsewhere


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pages_of_other_sites_ask_for_nothing_and_may_link_here(tmp_path, site):
    spoken = client(bench(tmp_path / "lab", single_user=True))
    stated = {"Sec-Fetch-Site": site, "Origin": ""}
    assert spoken.get("/", headers={**stated, "Sec-Fetch-Mode": "no-cors"}).status_code == 403
    assert spoken.get("/", headers={**stated, "Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_there_is_no_way_in_by_a_socket(made):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": [(b"host", b"127.0.0.1:8765")], "subprotocols": []}
    asyncio.run(application(made)(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_and_say_which_are_known(made, method):
    answer = client(made, "anna").request(method, "/")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert "access-control-allow-origin" not in answer.headers


def test_a_head_is_guarded_as_what_it_stands_for(made):
    assert client(made).head("/").status_code == 303
    assert client(made, "anna").head("/").status_code == 200


@pytest.mark.parametrize(
    ("address", "then"),
    [
        ("/reports?query=heat:7&page=2", "/reports?query=heat:7&page=2"),
        ("/a%26then=//evil.example", "/a&then=//evil.example"),
        ("/%2f%2fevil.example", "///evil.example"),
    ],
)
def test_where_one_was_going_is_one_value_of_the_address_of_the_entrance(made, address, then):
    spoken = behind(made, Page(path="/{rest:path}", show=lambda _: PlainTextResponse(""), roles=ANYONE))
    found = spoken.get(address)
    assert re.fullmatch(r"/enter\?then=[\w/.~%-]+", found.headers["location"])
    form = client(made).get(found.headers["location"]).text
    led_to = re.search(r'name="then" value="([^"]*)"', form)[1].replace("&amp;", "&")
    assert led_to == (then if then.startswith("/") and not then.startswith("//") and then.isprintable() else "/")


# -------------------------------------------------------------------------------------------------------------- bodies


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b"])
def test_what_no_database_keeps_is_refused(made, value):
    raw = value.encode("utf-7" if "\ud800" in value else "ascii")
    charset = "utf-7" if "\ud800" in value else "utf-8"
    body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + raw + b"\r\n--x--\r\n"
    kind = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    answer = client(made).post("/enter", content=body, headers=kind)
    assert answer.status_code == 400
    assert "signs that are no text" in answer.text


def test_the_kind_of_a_form_is_known_by_any_spelling(made):
    kind = {"Content-Type": "Application/X-WWW-Form-Urlencoded ; charset=UTF-8"}
    answer = client(made).post("/enter", content=f"name=anna&password={PASSWORD}".replace(" ", "+"), headers=kind)
    assert answer.headers["location"] == "/"


def test_a_body_in_pieces_is_refused_whatever_length_the_request_states(made):
    with served(made.lab) as listening:
        host, _, port = listening.origins[0].removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as line:
            head = (
                f"POST /enter HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {listening.origins[0]}\r\n"
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            line.sendall(head.encode() + b"5\r\nname=\r\n0\r\n\r\n")
            answer = line.recv(1000)
    assert answer.split(b"\r\n")[0] in (b"HTTP/1.1 411 Length Required", b"HTTP/1.1 400 Bad Request")


def test_what_anybody_may_ask_for_does_not_take_all_hands(made):
    """Of many who enter at the same time no more than two are answered at once: each takes 64 MB."""
    at_once, most = [], []

    def slow(_):
        at_once.append(1)
        most.append(len(at_once))
        asyncio.run(asyncio.sleep(0.02))
        at_once.pop()
        return PlainTextResponse("")

    app = guard.guarded(Page(path="/x", show=slow, roles=PUBLIC, method="POST"), made)

    async def asked():
        async def one():
            from starlette.requests import Request

            async def receive():
                return {"type": "http.request", "body": b"", "more_body": False}

            headers = [(b"host", b"127.0.0.1:8765"), (b"origin", ORIGIN.encode()), (b"content-length", b"0")]
            scope = {"type": "http", "method": "POST", "path": "/x", "query_string": b"", "headers": headers}
            await app(Request({**scope, "path_params": {}, "scheme": "http", "server": ("127.0.0.1", 8765)}, receive))

        await asyncio.gather(*(one() for _ in range(8)))

    asyncio.run(asked())
    assert len(most) == 8
    assert max(most) == 2


# ------------------------------------------------------------------------------------------------------------- password


def test_who_has_a_password_of_another_persons_can_only_change_it(tmp_path):
    made = with_people(bench(tmp_path / "lab"), {"mara": "manager"})
    accounts.make(made.lab, "Mara Muster", "nora", "Nora Neu", PASSWORD, frozenset(["operator"]))
    spoken = client(made)
    assert spoken.post("/enter", data={"name": "nora", "password": PASSWORD}).status_code == 303
    assert spoken.get("/").headers["location"] == "/me"
    assert spoken.get("/api/nothing").status_code == 404
    assert "another person knows" in spoken.get("/me").text
    own = "nobody else knows it"
    changed = spoken.post("/me/password", data={"old": PASSWORD, "password": own, "again": own})
    assert changed.status_code == 303
    assert spoken.get("/").status_code == 200
    assert client(made).post("/enter", data={"name": "nora", "password": PASSWORD}).status_code == 422


# ------------------------------------------------------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """A certificate of this computer for a day, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "works3")])
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    text = made.public_bytes(serialization.Encoding.PEM)
    text += key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = tmp_path_factory.mktemp("tls") / "works3.pem"
    path.write_bytes(text)
    return path


@pytest.fixture(scope="module")
def secure(made, pem):
    """A workbench that is reached by TLS, as the command starts it."""
    with served(made.lab, certificate=pem) as listening:
        yield listening


def trusting(pem, **versions):
    context = ssl.create_default_context(cafile=pem)
    for name, version in versions.items():
        setattr(context, name, version)
    return context


def asked(listening, context, method="GET", path="/enter", form="", **headers):
    """One request by TLS; gives the answer and its text."""
    host = listening.origins[0].removeprefix("https://")
    line = http.client.HTTPSConnection(host, timeout=10, context=context)
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    line.request(method, path, body=form or None, headers={**kind, **headers})
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return answer, text


def test_by_tls_one_enters_and_the_cookie_stays_there(secure, pem):
    assert secure.is_secure
    context = trusting(pem)
    answer, text = asked(secure, context)
    assert answer.status == 200
    assert "Password" in text
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    form = f"name=anna&password={PASSWORD}".replace(" ", "+")
    answer, _ = asked(secure, context, "POST", form=form, Origin=secure.origins[0])
    assert answer.status == 303
    given, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert given.startswith("__Host-inspect-tool=")  # a browser takes it from this host by TLS alone
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
    assert not any(one.lower().startswith("domain") for one in attributes)
    answer, text = asked(secure, context, path="/", Cookie=given)
    assert answer.status == 200
    assert "Anna Muster" in text


def test_by_tls_a_change_from_the_same_host_without_tls_is_refused(secure, pem):
    there = secure.origins[0].replace("https:", "http:")
    answer, _ = asked(secure, trusting(pem), "POST", form="name=anna&password=x", Origin=there)
    assert answer.status == 403


def test_without_tls_the_same_port_says_nothing(secure):
    line = http.client.HTTPConnection(secure.origins[0].removeprefix("https://"), timeout=10)
    line.request("GET", "/enter")
    with pytest.raises((http.client.HTTPException, OSError), match=r"closed|reset|illegal"):
        line.getresponse()
    line.close()


def test_a_certificate_that_nobody_trusts_and_an_old_tls_are_no_connection(secure, pem):
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate"):
        asked(secure, ssl.create_default_context())
    old = trusting(pem)
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        asked(secure, old)


def test_a_file_that_is_no_certificate_is_one_line(made, tmp_path):
    (tmp_path / "no.pem").write_text("no certificate")
    place = serve.Place(port=free_port(), certificate=tmp_path / "no.pem")
    with pytest.raises(SettingsError, match=r"no\.pem: cannot be used for TLS: .*; it must be PEM, with its key"):
        serve.serve(serve.bench_of(made.lab, place), place, tell=str, browse=False)
