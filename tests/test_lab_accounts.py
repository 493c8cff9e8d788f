"""Accounts of a lab: who may enter, what wrong passwords do, and what is recorded of it."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from workbench import PASSWORD, bench, with_people

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.evidence.provenance import now
from inspect_tool.files import sha256_bytes
from inspect_tool.lab import accounts, tokens, users
from inspect_tool.lab.database import connected, init
from inspect_tool.lab.users import EntryRefusedError
from inspect_tool.web import serve

ANALYST = frozenset(["analyst"])
OTHER = "another sentence altogether"


@pytest.fixture
def lab(tmp_path):
    return with_people(bench(tmp_path / "lab"), {"anna": "analyst", "mara": "manager"}).lab


@pytest.fixture
def any_lab(tmp_path, database_url):
    """The same on SQLite and on PostgreSQL."""
    lab = init(tmp_path / "lab", database_url)
    return with_people(serve.bench_of(lab, serve.Place(port=8765)), {"anna": "analyst", "mara": "manager"}).lab


@pytest.fixture
def quick(monkeypatch):
    """Passwords that are looked at at once: their hash is slow on purpose."""
    monkeypatch.setattr(users, "_verified", lambda kept, password: kept != users._NOBODY and password == PASSWORD)


def events(lab):
    return [(entry.subject, entry.user, entry.new["did"]) for entry in audit.read(accounts.trail(lab)).entries]


def by_name(lab, name):
    with connected(lab, read_only=True) as connection:
        return users.by_name(connection, name)


def refused(lab, name="anna", password="wrong"):
    with pytest.raises(EntryRefusedError, match="name or password are wrong, or the account is locked"):
        accounts.checked(lab, name, password)


# ------------------------------------------------------------------------------------------------------------ passwords


def test_the_hash_that_stands_for_nobody_is_as_slow_as_that_of_a_password(lab):
    """Same function, memory, passes and lanes; otherwise the time would tell who has an account."""
    with connected(lab, read_only=True) as connection:
        kept = connection.exec_driver_sql("SELECT password FROM account").scalar()
    assert kept.split("$")[1:4] == users._NOBODY.split("$")[1:4]
    assert not users._verified(users._NOBODY, "anything")
    assert users._verified(kept, PASSWORD)


def test_every_try_is_one_hash_whoever_it_is_for(lab, monkeypatch):
    looked_at = []
    monkeypatch.setattr(users, "_verified", lambda kept, _: looked_at.append(kept))
    with connected(lab) as connection:
        users.change(connection, by_name(lab, "anna").id, active=False)
    refused(lab, "anna")
    refused(lab, "nobody")
    for _ in range(users.TRIES + 1):
        refused(lab, "mara")
    assert len(looked_at) == users.TRIES + 3


def test_a_lock_grows_to_a_day_and_no_further(lab, quick, monkeypatch):
    moment = [now()]
    monkeypatch.setattr(users, "now", lambda: moment[0])
    locks = []
    for _ in range(11):
        with connected(lab) as connection:
            for _ in range(users.TRIES):
                assert users.tried(connection, "anna") is not None
        until = by_name(lab, "anna").locked_until
        locks.append((until - moment[0]) / timedelta(minutes=1))
        moment[0] = until
    assert locks[:4] == [5, 10, 20, 40]
    assert all(longer == min(2 * shorter, 24 * 60) for shorter, longer in pairwise(locks))
    assert locks[-1] == 24 * 60
    moment[0] -= timedelta(seconds=1)
    refused(lab, password=PASSWORD)  # the right one opens nothing while it is locked, and counts as no try
    moment[0] += timedelta(seconds=1)
    assert accounts.checked(lab, "anna", PASSWORD).name == "anna"
    for _ in range(users.TRIES):
        refused(lab)
    assert by_name(lab, "anna").locked_until - moment[0] == users.LOCKED  # a right one forgets the wrong ones


def test_tries_at_the_same_time_are_no_more_than_tries_in_turn(any_lab, monkeypatch):
    """Twenty guesses that are all looked at before one of them is answered."""
    looked_at = []
    gate = threading.Barrier(20, timeout=20)

    def slow(kept, password):
        if kept != users._NOBODY:
            looked_at.append(password)
        gate.wait()
        return False

    monkeypatch.setattr(users, "_verified", slow)
    threads = [threading.Thread(target=refused, args=(any_lab, "anna", f"guess {i}")) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked_at) == users.TRIES
    assert by_name(any_lab, "anna").locked_until is not None


def test_a_password_that_was_changed_while_it_was_looked_at_opens_nothing(lab, monkeypatch):
    def changed_meanwhile(kept, password):
        with connected(lab) as connection:
            users.change(connection, by_name(lab, "anna").id, password=OTHER)
        return True

    monkeypatch.setattr(users, "_verified", changed_meanwhile)
    refused(lab, password=PASSWORD)


def test_accents_are_the_same_from_every_keyboard(lab):
    composed, apart = "Gefüge 4711 geprüft", "Gefu\u0308ge 4711 gepru\u0308ft"
    assert composed != apart
    accounts.change_own_password(lab, by_name(lab, "anna"), PASSWORD, composed)
    assert accounts.checked(lab, "anna", apart).name == "anna"


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("bo", "short", "12 to 200 letters"),
        ("bo", "x" * 201, "12 to 200 letters"),
        ("bo", "aaaabbbbccccdddd", "too few different letters"),
        ("bartholomaeus", "Bartholomaeus1", "is the name"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(name, password, why):
    with pytest.raises(SettingsError, match=why):
        users.check_password(password, name)


def test_a_short_name_takes_no_letter_from_a_password():
    users.check_password("a sentence is easy", "a")


# ----------------------------------------------------------------------------------------------------------- management


def test_reports_tell_people_apart_by_the_full_name(lab):
    with pytest.raises(SettingsError, match="there is a 'anna muster' already, and reports"):
        accounts.make(lab, "Mara Muster", "anna2", "anna  muster", OTHER, ANALYST)
    with pytest.raises(SettingsError, match="the full name is empty, or no text"):
        accounts.make(lab, "Mara Muster", "bo", "Bo\x1b[2J", OTHER, ANALYST)


def test_somebody_who_manages_accounts_is_always_left(lab):
    mara = by_name(lab, "mara")
    with pytest.raises(SettingsError, match="nobody would be left who manages accounts"):
        accounts.give_roles(lab, "Mara Muster", mara.id, ANALYST)
    with pytest.raises(SettingsError, match="nobody would be left who manages accounts"):
        accounts.close(lab, "Mara Muster", mara.id)
    assert by_name(lab, "mara") == mara
    assert not accounts.trail(lab).exists()  # what did not happen is not recorded


def at_once(*calls):
    """Call functions at the same time; gives what they raised, or None."""
    gate, raised = threading.Barrier(len(calls), timeout=20), [None] * len(calls)

    def run(i):
        gate.wait()
        try:
            calls[i]()
        except SettingsError as error:
            raised[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_of_two_who_take_the_role_from_each_other_one_keeps_it(any_lab):
    mara = by_name(any_lab, "mara")
    with connected(any_lab) as connection:
        nora = users.add(connection, "nora", "Nora Neu", OTHER, frozenset(["manager"]))
    raised = at_once(
        lambda: accounts.give_roles(any_lab, "Nora Neu", mara.id, ANALYST),
        lambda: accounts.give_roles(any_lab, "Mara Muster", nora.id, ANALYST),
    )
    assert sorted(error is None for error in raised) == [False, True]
    with connected(any_lab, read_only=True) as connection:
        assert sum("manager" in one.roles for one in users.every(connection)) == 1


def test_of_two_accounts_of_one_name_at_once_one_is_made(any_lab):
    raised = at_once(
        *(lambda: accounts.make(any_lab, "Mara Muster", "nora", "Nora Neu", OTHER, ANALYST) for _ in range(2))
    )
    assert sorted(error is None for error in raised) == [False, True]
    assert "there is one already" in str(next(error for error in raised if error is not None))


def test_what_is_done_to_accounts_is_recorded_without_a_secret(any_lab, quick):
    made = accounts.make(any_lab, "Mara Muster", "nora", "Nora Neu", OTHER, ANALYST)
    accounts.give_roles(any_lab, "Mara Muster", made.id, frozenset(["analyst", "reviewer"]))
    accounts.give_roles(any_lab, "Mara Muster", made.id, frozenset(["analyst", "reviewer"]))  # changes nothing
    accounts.set_password(any_lab, "Mara Muster", made.id, "yet another sentence")
    token = accounts.make_token(any_lab, by_name(any_lab, "anna"), "LIMS", 30)
    with connected(any_lab, read_only=True) as connection:
        number = tokens.of(connection, by_name(any_lab, "anna"))[0].id
    accounts.end_token(any_lab, by_name(any_lab, "mara"), number)  # not hers: nothing ends
    accounts.end_token(any_lab, by_name(any_lab, "anna"), number)
    accounts.change_own_password(any_lab, by_name(any_lab, "anna"), PASSWORD, "a fourth sentence, longer")
    accounts.close(any_lab, "Mara Muster", made.id, "left the laboratory")
    accounts.reopen(any_lab, "Mara Muster", made.id)
    for _ in range(users.TRIES):
        refused(any_lab)
    assert events(any_lab) == [
        ("nora", "Mara Muster", "made"),
        ("nora", "Mara Muster", "roles changed"),
        ("nora", "Mara Muster", "password set"),
        ("anna", "Anna Muster", "token made"),
        ("anna", "Anna Muster", "token ended"),
        ("anna", "Anna Muster", "password changed"),
        ("nora", "Mara Muster", "closed"),
        ("nora", "Mara Muster", "opened"),
        ("anna", "not stated", "locked"),
    ]
    trail = audit.read(accounts.trail(any_lab))
    assert trail.problems == ()
    assert trail.entries[1].old == {"roles": ["analyst"]}
    assert trail.entries[1].new == {"did": "roles changed", "roles": ["analyst", "reviewer"]}
    assert trail.entries[6].reason == "left the laboratory"
    text = (accounts.trail(any_lab) / audit.LOG).read_text()
    for secret in (PASSWORD, OTHER, "sentence", token, "argon2", sha256_bytes(token.encode())):
        assert secret not in text


def test_nothing_is_done_that_cannot_be_recorded(lab):
    anna, folder = by_name(lab, "anna"), accounts.trail(lab)
    accounts.make_token(lab, anna, "LIMS", 30)
    (folder / audit.LOG).write_bytes((folder / audit.LOG).read_bytes().replace(b"LIMS", b"MILS"))
    for change in (
        lambda: accounts.close(lab, "Mara Muster", anna.id),
        lambda: accounts.make(lab, "Mara Muster", "nora", "Nora Neu", OTHER, ANALYST),
        lambda: accounts.set_password(lab, "Mara Muster", anna.id, OTHER),
    ):
        with pytest.raises(OutputError, match="nothing is added to a broken audit trail"):
            change()
    with connected(lab, read_only=True) as connection:
        assert [one.name for one in users.every(connection)] == ["anna", "mara"]
    assert accounts.checked(lab, "anna", PASSWORD) == anna


def test_sessions_and_tokens_end_with_the_password_and_the_account(any_lab):
    anna = by_name(any_lab, "anna")

    def enter():
        with connected(any_lab) as connection:
            return users.enter(connection, anna), tokens.make(connection, anna, "LIMS", 30)

    def are_in(session, token):
        with connected(any_lab, read_only=True) as connection:
            return users.inside(connection, session) is not None, tokens.owner(connection, token) is not None

    kept = enter()
    assert are_in(*kept) == (True, True)
    accounts.give_roles(any_lab, "Mara Muster", anna.id, frozenset(["operator"]))
    assert are_in(*kept) == (False, True)
    for change in (accounts.close, accounts.reopen):
        change(any_lab, "Mara Muster", anna.id)
        assert are_in(*kept) == (False, False)
    kept = enter()
    accounts.set_password(any_lab, "Mara Muster", anna.id, OTHER)
    assert are_in(*kept) == (False, False)
    assert by_name(any_lab, "anna").temporary
    kept = enter()
    accounts.change_own_password(any_lab, anna, OTHER, "a fourth sentence, longer")
    assert are_in(*kept) == (False, False)
    assert not by_name(any_lab, "anna").temporary
