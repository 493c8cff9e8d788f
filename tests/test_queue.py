"""The queue: who gets which job, who loses it, and that nothing is given twice, on SQLite and on PostgreSQL."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from inspect_tool.batch import queue
from inspect_tool.errors import SettingsError
from inspect_tool.lab.database import connected, init


@pytest.fixture
def lab(tmp_path, database_url):
    return init(tmp_path / "lab", database_url)


def orders(folder, *names):
    for name in names:
        (folder / f"{name}.toml").write_text(f'recipe = "porosity"  # {name}\n')
    return [queue.order(folder / f"{name}.toml", folder / "out", name) for name in names]


def put(lab, folder, *names, **options):
    with connected(lab) as connection:
        return queue.submit(connection, orders(folder, *names), **options)


def take(lab, owner="me", **options):
    with connected(lab) as connection:
        return queue.claim(connection, owner, **options)


def states(lab):
    with connected(lab, read_only=True) as connection:
        return {work.order.name: work.state for work in queue.listed(connection)}


def test_a_job_is_in_the_queue_once_however_often_it_is_put_in(lab, tmp_path):
    first = put(lab, tmp_path, "a", "b")
    assert put(lab, tmp_path, "b", "a") == first[::-1]
    assert states(lab) == {"a": "todo", "b": "todo"}


def test_a_changed_job_file_takes_the_place_of_what_waits(lab, tmp_path):
    (old,) = put(lab, tmp_path, "a")
    (tmp_path / "a.toml").write_text("other text")
    with connected(lab) as connection:
        (new,) = queue.submit(connection, [queue.order(tmp_path / "a.toml", tmp_path / "out", "a")])
        assert [(work.id, work.state) for work in queue.listed(connection)] == [(old, "canceled"), (new, "todo")]


def test_the_same_text_in_another_folder_is_another_job(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "job.toml").write_text('images = ["field_*.png"]')  # beside the job
    one, two = (queue.order(tmp_path / name / "job.toml", tmp_path / "out", "job") for name in ("one", "two"))
    assert queue.key_of(one) != queue.key_of(two)


def test_a_job_that_cannot_be_read_is_named(lab, tmp_path):
    with connected(lab) as connection, pytest.raises(SettingsError, match=r"gone.toml: cannot be read: No such file"):
        queue.submit(connection, [queue.order(tmp_path / "gone.toml", tmp_path, "gone")])


def test_jobs_come_by_priority_then_those_that_never_failed_then_as_they_were_put_in(lab, tmp_path):
    put(lab, tmp_path, "a", "b")
    put(lab, tmp_path, "urgent", priority=1)
    assert take(lab).order.name == "urgent"
    first = take(lab)
    with connected(lab) as connection:
        assert queue.failed(connection, "me", first.id, "no image") == "todo"
    assert [first.order.name, *(take(lab).order.name for _ in range(2))] == ["a", "b", "a"]


def test_workers_that_ask_at_the_same_time_get_different_jobs(lab, tmp_path):
    names = [f"job_{i}" for i in range(12)]
    put(lab, tmp_path, *names)
    got, begin = [], threading.Barrier(4)

    def work(owner):
        begin.wait()
        while (one := take(lab, owner)) is not None:
            got.append(one.order.name)

    threads = [threading.Thread(target=work, args=(f"worker {i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(names)


@pytest.mark.needs("PostgreSQL")
def test_who_waits_for_nobody_gets_the_next_job_while_another_takes_one(tmp_path, postgresql_server):
    lab = init(tmp_path / "lab", postgresql_server.new())
    put(lab, tmp_path, "a", "b")
    with connected(lab) as one, connected(lab) as two:
        assert queue.claim(one, "first").order.name == "a"
        assert queue.claim(two, "second").order.name == "b"  # PostgreSQL skips the locked row


def test_a_lease_that_ended_is_taken_by_another_and_its_owner_owns_nothing_any_more(lab, tmp_path):
    put(lab, tmp_path, "a")
    mine = take(lab, "slow", lease_s=-1.0)
    taken = take(lab, "other")
    assert (taken.id, taken.owner, taken.tries) == (mine.id, "other", 0)  # a computer that went down is no fault of it
    with connected(lab) as connection:
        assert queue.beat(connection, "slow", [mine.id]) == set()
        assert not queue.done(connection, "slow", mine.id, "0" * 64)
        assert queue.failed(connection, "slow", mine.id, "no") is None
        assert queue.beat(connection, "other", [mine.id]) == {mine.id}
        assert queue.done(connection, "other", mine.id, "0" * 64)
    assert states(lab) == {"a": "done"}


def test_a_heartbeat_keeps_a_job(lab, tmp_path):
    (id_,) = put(lab, tmp_path, "a")
    take(lab, "me", lease_s=-1.0)
    with connected(lab) as connection:
        assert queue.beat(connection, "me", [id_]) == {id_}
    assert take(lab, "other") is None


@pytest.mark.needs("PostgreSQL")
def test_a_computer_with_a_wrong_clock_takes_no_job_away(tmp_path, postgresql_server, monkeypatch):
    lab = init(tmp_path / "lab", postgresql_server.new())
    put(lab, tmp_path, "a")
    mine = take(lab)

    class Fast(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.now(zone) + timedelta(days=1)

    monkeypatch.setattr(queue, "datetime", Fast)
    assert take(lab, "other") is None
    assert abs(mine.until - datetime.now(UTC)) < timedelta(minutes=5)  # the server is this computer


def test_a_job_fails_at_its_second_try_and_keeps_its_error(lab, tmp_path):
    put(lab, tmp_path, "a")
    for expected in ("todo", "failed"):
        work = take(lab)
        with connected(lab) as connection:
            assert queue.failed(connection, "me", work.id, "field_1.png: cannot be read") == expected
    assert take(lab) is None
    with connected(lab) as connection:
        (work,) = queue.listed(connection, states=["failed"])
        assert (work.tries, work.error, work.owner) == (2, "field_1.png: cannot be read", "")
        assert queue.again(connection, [work.id]) == 1
    work = take(lab)
    assert (work.tries, work.error) == (0, "")


def test_which_report_is_about_to_take_its_place_outlives_its_try_and_what_puts_the_job_back(lab, tmp_path):
    ids = put(lab, tmp_path, "a")
    for _ in range(queue.TRIES):
        work = take(lab)
        with connected(lab) as connection:
            assert not queue.announce(connection, "other", work.id, "1" * 64)
            assert queue.announce(connection, "me", work.id, "0" * 64)
            queue.failed(connection, "me", work.id, "killed after it had published")
    with connected(lab) as connection:
        assert queue.again(connection, ids) == 1
    assert take(lab).report_uid == "0" * 64


def test_a_job_that_another_program_did_since_it_was_looked_at_is_not_put_back(lab, tmp_path):
    ids = put(lab, tmp_path, "a")
    with connected(lab) as connection:
        seen = queue.clock(connection)
    work = take(lab)
    with connected(lab) as connection:
        queue.done(connection, "me", work.id, "0" * 64)
        assert queue.again(connection, ids, by=seen) == 0
        assert queue.again(connection, ids, by=queue.clock(connection)) == 1


def test_nobody_takes_a_job_twice_because_its_lease_ended_while_it_is_at_work(lab, tmp_path):
    put(lab, tmp_path, "a")
    mine = take(lab, lease_s=-1.0)
    assert take(lab, without=[mine.id]) is None
    assert take(lab, "other").id == mine.id


def test_what_is_canceled_is_taken_from_who_does_it_and_can_be_put_back(lab, tmp_path):
    ids = put(lab, tmp_path, "doing", "todo", "done")
    first = take(lab)
    third = take(lab, among=ids[2:])
    with connected(lab) as connection:
        queue.done(connection, "me", third.id, "0" * 64)
        assert queue.cancel(connection, ids) == 2
        assert queue.beat(connection, "me", [first.id]) == set()
        assert queue.counts(connection) == {"todo": 0, "doing": 0, "done": 1, "failed": 0, "canceled": 2}
        assert queue.again(connection, ids[:2]) == 2
    assert take(lab).id == first.id


def test_what_a_worker_gives_back_waits_as_before(lab, tmp_path):
    put(lab, tmp_path, "a", "b")
    take(lab), take(lab, "other")
    with connected(lab) as connection:
        assert queue.owners(connection) == {"me", "other"}
        assert queue.release(connection, "me") == 1
        assert queue.owners(connection) == {"other"}
    assert take(lab).tries == 0


def test_more_jobs_than_a_statement_has_places_for_are_asked_about_at_once(lab, tmp_path):
    ids = put(lab, tmp_path, "a")
    many = range(ids[0], ids[0] + 100_000)  # SQLite binds 32 766 values, PostgreSQL 65 535
    with connected(lab) as connection:
        assert sum(queue.counts(connection, many).values()) == 1
        assert queue.claim(connection, "me", among=many).id == ids[0]
