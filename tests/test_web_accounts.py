"""Accounts as pages: the list, one account, one's own password and tokens; and the command beside them."""

import io
import re

import pytest
from typer.testing import CliRunner
from workbench import NAMES, PASSWORD, bench, browser, client, enters, served, with_people

from inspect_tool.cli import app
from inspect_tool.errors import SettingsError
from inspect_tool.evidence import audit
from inspect_tool.lab import accounts, users
from inspect_tool.lab.database import connected

OTHER = "another sentence altogether"
NORA = {"name": "Nora", "full_name": "Nora Neu", "password": OTHER, "again": OTHER, "roles": ["operator", "analyst"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return with_people(bench(tmp_path_factory.mktemp("accounts") / "lab"))


def person(made, name):
    with connected(made.lab, read_only=True) as connection:
        return users.by_name(connection, name)


def test_who_manages_accounts_makes_one_and_changes_it(made):
    mara = client(made, "mara")
    assert mara.post("/users", data=NORA).headers["location"] == "/users"
    nora = person(made, "nora")
    assert (nora.full_name, nora.roles, nora.temporary) == ("Nora Neu", {"operator", "analyst"}, True)
    assert "Nora Neu" in mara.get("/users").text
    assert 'value="analyst operator"' in mara.get(f"/users/{nora.id}").text
    changed = mara.post(f"/users/{nora.id}/roles", data={"had": "analyst operator", "roles": "reviewer"})
    assert changed.headers["location"] == f"/users/{nora.id}"
    assert person(made, "nora").roles == {"reviewer"}
    assert mara.post(f"/users/{nora.id}/active", data={"active": "no", "reason": "left"}).status_code == 303
    assert not person(made, "nora").active
    assert "closed" in mara.get("/users").text
    last = audit.read(accounts.trail(made.lab)).entries[-1]
    assert (last.subject, last.user, last.new["did"], last.reason) == ("nora", "Mara Muster", "closed", "left")


def test_a_form_that_cannot_be_used_comes_back_with_what_was_typed_and_without_passwords(made):
    answer = client(made, "mara").post("/users", data={**NORA, "full_name": "Nora <b>", "again": "x"})
    assert answer.status_code == 422
    assert "the two passwords differ" in answer.text
    assert 'value="Nora &lt;b&gt;"' in answer.text
    assert OTHER not in answer.text
    assert re.search(r'value="analyst" id="role-analyst" checked', answer.text)


@pytest.mark.parametrize("roles", [[], ["king"], ["analyst", "king"]])
def test_an_account_has_roles_that_there_are(made, roles):
    answer = client(made, "mara").post("/users", data={**NORA, "name": "bo", "full_name": "Bo", "roles": roles})
    assert answer.status_code == 422
    assert "king" in answer.text if roles else "choose at least one" in answer.text


def test_of_two_who_change_the_roles_of_one_the_second_is_told(made):
    olga, spoken = person(made, "olga"), client(made, "mara")
    assert spoken.post(f"/users/{olga.id}/roles", data={"had": "operator", "roles": "analyst"}).status_code == 303
    late = spoken.post(f"/users/{olga.id}/roles", data={"had": "operator", "roles": "reviewer"})
    assert late.status_code == 422
    assert "another person has changed its roles meanwhile" in late.text
    assert person(made, "olga").roles == {"analyst"}
    spoken.post(f"/users/{olga.id}/roles", data={"had": "analyst", "roles": "operator"})


def test_an_account_is_closed_with_a_reason(made):
    answer = client(made, "mara").post(f"/users/{person(made, 'olga').id}/active", data={"active": "no", "reason": " "})
    assert answer.status_code == 422
    assert person(made, "olga").active


def test_the_own_password_is_not_set_without_the_old_one(made):
    mara = person(made, "mara")
    answer = client(made, "mara").post(f"/users/{mara.id}/password", data={"password": OTHER, "again": OTHER})
    assert answer.status_code == 422
    assert "where the old one is asked for" in answer.text
    assert accounts.checked(made.lab, "mara", PASSWORD).name == "mara"


def test_there_is_no_account_of_an_unknown_number(made):
    answer = client(made, "mara").get("/users/4711")
    assert answer.status_code == 422
    assert "account 4711: there is none" in answer.text


def test_an_auditor_reads_the_list_and_is_offered_no_change(made):
    text = client(made, "axel").get("/users").text
    assert "Mara Muster" in text
    assert "<form" not in text.split('<main id="main"')[1]
    assert 'href="/users/' not in text


def test_the_own_password_is_changed_with_the_old_one_and_others_are_out(made):
    here, there = client(made, "rolf"), client(made, "rolf")
    wrong = here.post("/me/password", data={"old": "wrong", "password": OTHER, "again": OTHER})
    assert wrong.status_code == 422
    assert "the old password is wrong" in wrong.text
    same = here.post("/me/password", data={"old": PASSWORD, "password": PASSWORD, "again": PASSWORD})
    assert "the new password is the old one" in same.text
    answer = here.post("/me/password", data={"old": PASSWORD, "password": OTHER, "again": OTHER})
    assert answer.headers["location"] == "/me"
    here.cookies.clear()
    here.cookies.update(answer.cookies)
    assert here.get("/me").status_code == 200
    assert there.get("/me").status_code == 303
    assert accounts.checked(made.lab, "rolf", OTHER).name == "rolf"


def test_a_token_is_shown_once_and_ends(made):
    spoken = client(made, "anna")
    shown = spoken.post("/me/tokens", data={"name": "LIMS <1>", "days": "30"}).text
    token = re.search(r'value="(it_[\w-]{43})"', shown)[1]
    assert "LIMS &lt;1&gt;" in shown
    assert token not in spoken.get("/me").text
    number = re.search(r"/me/tokens/(\d+)/end", shown)[1]
    client(made, "axel").post(f"/me/tokens/{number}/end")
    assert "LIMS" in spoken.get("/me").text  # is not ended by another
    spoken.post(f"/me/tokens/{number}/end")
    assert "LIMS" not in spoken.get("/me").text


@pytest.mark.parametrize("days", ["", "0", "401", "-1", "1e3", "\N{SUPERSCRIPT TWO}", "9" * 5000])
def test_a_token_lasts_a_stated_time(made, days):
    answer = client(made, "anna").post("/me/tokens", data={"name": "LIMS", "days": days})
    assert answer.status_code == 422
    assert "it_" not in answer.text


def test_in_single_user_mode_there_are_no_accounts_and_tokens(tmp_path):
    spoken = client(bench(tmp_path / "lab", single_user=True))
    assert "single-user mode" in spoken.get("/me").text
    assert "single-user mode" in spoken.get("/users").text
    for address, form in (("/users", NORA), ("/me/tokens", {"name": "LIMS", "days": "3"})):
        answer = spoken.post(address, data=form)
        assert answer.status_code == 422
        assert "nobody has an account in single-user mode" in answer.text
    assert spoken.post("/first", data={**NORA, "name": "eva"}).headers["location"] == "/"
    assert "nobody has an account" in CliRunner().invoke(app, ["lab", "account", "--lab", str(tmp_path / "lab")]).output


# --------------------------------------------------------------------------------------------------------- the command


def command(made, *words, typed=""):
    return CliRunner().invoke(app, ["lab", "account", *words, "--lab", str(made.lab.folder)], input=typed)


def test_the_command_lists_accounts_and_sets_a_password_that_must_be_changed(made, monkeypatch):
    monkeypatch.setenv("INSPECT_TOOL_USER", "admin")
    listed = command(made).output
    assert all(name in listed for name in NAMES)
    for _ in range(users.TRIES):
        with connected(made.lab) as connection:
            users.tried(connection, "mara")
    assert "locked until" in command(made, "mara").output
    result = command(made, "Mara", "--new-password", typed=f"{OTHER}\n")
    assert result.exit_code == 0
    assert OTHER not in result.output
    assert accounts.checked(made.lab, "mara", OTHER).temporary
    assert audit.read(accounts.trail(made.lab)).entries[-1].user == "admin, at the command line"


@pytest.mark.parametrize(
    ("words", "typed", "why"),
    [
        (["--new-password"], OTHER, "whose password"),
        (["nobody", "--new-password"], OTHER, "there is no such account; there are: anna"),
        (["anna", "--new-password"], "short\n", "12 to 200 letters"),
    ],
)
def test_the_command_says_what_is_wrong(made, words, typed, why):
    with pytest.raises(SettingsError, match=why):
        raise command(made, *words, typed=typed).exception


def test_a_password_at_a_terminal_is_typed_twice(made, monkeypatch):
    typed = iter([OTHER, "something else"])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(typed))
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    from inspect_tool.cli import lab

    with pytest.raises(SettingsError, match="the two passwords differ; nothing was changed"):
        lab.account("anna", new_password=True, lab=made.lab.folder)


# --------------------------------------------------------------------------------------------------------- in a browser


@pytest.mark.needs("Chromium", "Playwright")
def test_a_new_person_enters_by_keyboard_and_chooses_a_password(tmp_path):
    made = with_people(bench(tmp_path / "lab"), {"mara": "manager"})
    with served(made.lab) as listening, browser() as page:
        enters(page, listening, "mara")
        page.get_by_role("link", name="Users").click()
        page.get_by_label("Full name").fill("Nora Neu")
        page.get_by_label("Name to enter with").fill("nora")
        page.get_by_label("operator").focus()
        page.keyboard.press("Space")
        page.get_by_label("First password", exact=False).first.fill(OTHER)
        page.get_by_label("First password again").fill(OTHER)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Nora Neu").wait_for()
        page.get_by_role("button", name="Leave").click()
        page.get_by_label("Name").fill("nora")
        page.get_by_label("Password").fill(OTHER)
        page.keyboard.press("Enter")
        page.get_by_text("Choose a password of your own first").wait_for()
        page.locator("input[name=old]:focus").wait_for()  # the focus is where it is needed
        page.keyboard.type(OTHER)
        page.get_by_label("New password", exact=False).first.fill(PASSWORD)
        page.get_by_label("New password again").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Tokens for programs").wait_for()
        page.wait_for_load_state()  # its scripts, too
        # what a page asks by itself says so, and what a person asks for does not
        page.evaluate(
            """() => {
              const main = document.querySelector("main");
              main.innerHTML = '<i hx-get="/me?by=itself" hx-trigger="every 100ms" hx-swap="none"></i>'
                + '<button hx-get="/me?by=hand" hx-swap="none">Look</button>';
              htmx.process(main);
            }"""
        )
        with page.expect_request("**/me?by=itself") as asked:
            pass
        assert asked.value.headers["x-unattended"] == "1"
        with page.expect_request("**/me?by=hand") as asked:
            page.get_by_role("button", name="Look").click()
        assert "x-unattended" not in asked.value.headers
        assert page.trouble == []
        assert page.elsewhere == []
