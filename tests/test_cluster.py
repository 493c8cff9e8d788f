"""A cluster gives the numbers of one machine, whoever is lost on the way."""

import json
import logging
import subprocess
import sys
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import cluster_scenes
import pytest
from typer.testing import CliRunner

from inspect_tool.batch import alike, cluster, queue, work
from inspect_tool.cli import app
from inspect_tool.errors import ClusterError, MeasurementError
from inspect_tool.files import sha256_bytes
from inspect_tool.inspection import field_record, job_run, journal
from inspect_tool.lab.database import connected, init

dask = pytest.importorskip("dask", reason="the extra 'cluster' is not installed")
distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

QUIET = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL + 1}


@pytest.fixture(scope="module")
def address():
    """Two workers, each a process of its own: copies of one that has loaded all, as many of them are killed here."""
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        distributed.utils.get_mp_context().set_forkserver_preload(["distributed", work.__name__, *work.LOADED])
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", worker_dashboard_address=None, **QUIET
        ) as local:
            yield local.scheduler_address


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A job of three fields, and its report made in this process."""
    job = cluster_scenes.draw(tmp_path_factory.mktemp("fields"), 3)
    job_run.run(job, job.parent / "alone")
    return job


@pytest.fixture
def watched(scene, monkeypatch):
    """The job, whose fields end who measures them as ``ends`` says."""
    monkeypatch.setattr(field_record, "_measured_or_refused", cluster_scenes.deadly)

    def ends(text):
        (scene.parent / "ends").write_text(text, encoding="utf-8")
        (scene.parent / "begun").unlink(missing_ok=True)
        return scene

    return ends


def files(folder):
    """What lies in a report folder; of report.json all but the times."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    del found[".inspect-tool.json"]
    report = json.loads(found["report.json"])
    for key in ("started", "seconds", "audit"):
        report["provenance"].pop(key)
    for record in report["micrographs"]:
        record["segmentation"].pop("seconds")
    return {**found, "report.json": report}


def begun(job):
    return (job.parent / "begun").read_text(encoding="utf-8").split()


def test_the_report_of_two_workers_is_that_of_one_process_to_the_last_digit(address, scene):
    said = CliRunner().invoke(app, ["run", str(scene), "--out", str(scene.parent / "beside"), "--cluster", address])
    assert said.exit_code == 0, said.output
    assert files(scene.parent / "beside" / "job") == files(scene.parent / "alone" / "job")


def test_a_cluster_and_processes_of_this_machine_are_not_both_taken(scene):
    said = CliRunner().invoke(app, ["run", str(scene), "--cluster", "tcp://127.0.0.1:9", "--workers", "2"])
    assert str(said.exception) == "--workers is of this machine and --cluster of others; give one of them"


def test_other_software_is_refused_by_the_names_of_worker_and_package(address, scene, monkeypatch):
    here = alike.software(networks=False)
    monkeypatch.setattr(alike, "software", lambda _: {**here, "numpy": "1.0", "torch": "9"})
    with (
        cluster.connected(address) as machines,
        pytest.raises(ClusterError, match=r"^worker tcp://127\.0\.0\.1:\d+: numpy is 2\S+, and here 1\.0; torch is "),
    ):
        job_run.run(scene, scene.parent / "unlike", executor=machines)
    assert [path.name for path in (scene.parent / "unlike").iterdir() if path.is_dir()] == []


def test_other_images_or_weights_under_the_same_path_are_refused(address, scene, monkeypatch):
    monkeypatch.setattr(alike, "_sum", lambda _: "0" * 64)
    with (
        cluster.connected(address) as machines,
        pytest.raises(ClusterError, match=r"^worker \S+: \S+field_0001\.png: is another file there \(SHA-256"),
    ):
        job_run.run(scene, scene.parent / "others", executor=machines)


def test_the_weights_of_a_shipped_model_are_compared_by_its_name(tmp_path):
    from inspect_tool.inspection.job_plan import plan

    job = cluster_scenes.draw(tmp_path, 1)
    text = job.read_text(encoding="utf-8").replace('name = "threshold"', 'name = "unet"\nmodel = "pores"')
    job.write_text(text, encoding="utf-8")
    expected = alike.expected_of(plan(job))
    assert expected.networks
    assert [place for place, _ in expected.files] == [str(tmp_path / "field_0001.png"), "pores"]
    alike.check(expected)


def test_a_folder_that_is_not_shared_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(alike, "_PATIENCE_S", 0.0)
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    with pytest.raises(ClusterError, match=r"cannot read \S+there: No such file"):
        alike.answer(there, "worker")
    there.mkdir()  # under the same path on another machine, and another folder
    for folder in (here, there):
        (folder / alike.QUESTION).write_text("who", encoding="utf-8")
    alike.answer(there, "worker")
    assert not alike.answered(here, "worker")
    monkeypatch.setattr(alike, "_PATIENCE_S", 5.0)
    assert alike.answered(there, "worker")


def test_an_image_that_is_another_one_at_a_worker_is_named(tmp_path):
    (tmp_path / "field.png").write_bytes(b"one")
    alike.check_file(str(tmp_path / "field.png"), sha256_bytes(b"one"))
    with pytest.raises(ClusterError, match=r"field\.png: is another file there \(SHA-256 7692c3ad3540\.\.\., and here"):
        alike.check_file(str(tmp_path / "field.png"), sha256_bytes(b"two"))  # 7692c3ad3540 is sha256sum of "one"
    with pytest.raises(ClusterError, match=r"gone\.png: No such file or directory; all machines must see it"):
        alike.check_file(str(tmp_path / "gone.png"), sha256_bytes(b"one"))


def test_a_worker_of_several_threads_is_refused(scene):
    worker = SimpleNamespace(state=SimpleNamespace(nthreads=4))
    with pytest.raises(ClusterError, match="has 4 threads; start it with --nthreads 1"):
        cluster._check_here(alike.Expected(software=(), networks=False, files=()), worker)


def test_a_worker_without_the_program_is_named(scene, tmp_path):
    from inspect_tool.inspection.job_plan import plan

    told = {"tcp://pc2:4711": ModuleNotFoundError("No module named 'inspect_tool'")}
    machines = cluster.Cluster(client=SimpleNamespace(run=lambda *_, **__: told))
    with (
        pytest.raises(ClusterError, match=r"^worker tcp://pc2:4711: cannot run inspect_tool \(ModuleNotFoundError"),
        machines.for_job(plan(scene), tmp_path),
    ):
        pytest.fail("it was not looked at")
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_is_lost_is_one_line_and_the_job_can_be_run_again(scene, monkeypatch):
    monkeypatch.setattr(field_record, "_measured_or_refused", cluster_scenes.unanswered)
    (scene.parent / "asked").unlink(missing_ok=True)
    command = [sys.executable, cluster_scenes.__file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:

        def kill():
            while not (scene.parent / "asked").exists() and other.poll() is None:
                time.sleep(0.02)
            other.kill()

        killing = threading.Thread(target=kill)
        killing.start()
        try:
            with (
                dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
                cluster.connected(other.stdout.readline().strip()) as machines,
                pytest.raises(ClusterError, match=r"the scheduler was lost; run the job again when it is back$"),
            ):
                job_run.run(scene, scene.parent / "lost", executor=machines)
        finally:
            (scene.parent / "asked").touch()
            killing.join()
    assert [path.name for path in (scene.parent / "lost").iterdir() if path.is_dir()] == []
    monkeypatch.undo()
    assert job_run.run(scene, scene.parent / "lost").results


def test_a_scheduler_without_a_worker_and_none_at_all_are_one_line():
    with dask.config.set({"distributed.comm.timeouts.connect": "300ms"}):
        with (
            distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp", **QUIET) as local,
            pytest.raises(ClusterError, match=r"the scheduler has no worker; start some with: dask worker tcp://"),
            cluster.connected(local.scheduler_address),
        ):
            pytest.fail("there is nobody")
        with (
            pytest.raises(ClusterError, match=r"^tcp://127\.0\.0\.1:9: no Dask scheduler can be reached"),
            cluster.connected("tcp://127.0.0.1:9"),
        ):
            pytest.fail("there is nobody")


def test_an_address_with_a_password_is_refused_and_not_repeated():
    with (
        pytest.raises(ClusterError, match=r"^tls://pc1:8786: no user, password or token belongs into an address"),
        cluster.connected("tls://anna:secret@pc1:8786"),
    ):
        pytest.fail("there is nobody")


def test_without_the_extra_its_name_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ClusterError, match=r"pip install 'inspect_tool\[cluster\]'"),
        cluster.connected("tcp://127.0.0.1:9"),
    ):
        pytest.fail("there is nobody")


def test_a_field_that_ends_its_worker_is_named_after_two_tries_and_the_others_are_not_measured_again(
    address, watched, monkeypatch
):
    job = watched("field_0003.png 2")
    monkeypatch.setattr(journal, "LEAST", 3)
    with cluster.connected(address) as machines:
        with pytest.raises(MeasurementError, match=r"^field_0003\.png: 2 workers ended while they measured it"):
            job_run.run(job, job.parent / "again", executor=machines)
        assert not (job.parent / "again" / "job").exists()
        before = begun(job)
        kept = [f"field_{int(path.stem):04d}.png" for path in (job.parent / "again").glob(".job.fields/entries/*")]
        job_run.run(job, job.parent / "again", executor=machines)
    assert before.count("field_0003.png") == 2
    assert sorted(kept + begun(job)[len(before) :]) == ["field_0001.png", "field_0002.png", "field_0003.png"]
    assert files(job.parent / "again" / "job") == files(job.parent / "alone" / "job")
    assert not list((job.parent / "again").glob(".*"))


def test_a_job_that_goes_on_without_lost_fields_goes_on_without_such_a_one(address, watched):
    job = watched("field_0002.png 9")
    text = job.read_text(encoding="utf-8")
    job.write_text(f'skip_damaged = "report"\n{text}', encoding="utf-8")
    try:
        with cluster.connected(address) as machines:
            report = job_run.run(job, job.parent / "without", executor=machines)
    finally:
        job.write_text(text, encoding="utf-8")
    assert [(lost.image, lost.state) for lost in report.lost] == [("field_0002.png", "not measured")]
    assert len(report.micrographs) == 2
    assert not list((job.parent / "without" / "job").rglob("half.png"))


# ------------------------------------------------------------------------------------------------- jobs of a queue


def transitions(address):
    with distributed.Client(address, set_as_default=False) as client:
        return client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_counter)


def test_a_batch_has_the_fields_of_its_jobs_measured_by_the_workers(address, scene):
    before = transitions(address)
    out = scene.parent / "batch"
    said = CliRunner().invoke(app, ["batch", str(scene), "--out", str(out), "--cluster", address])
    assert said.exit_code == 0, said.output
    assert files(out / "job") == files(scene.parent / "alone" / "job")
    assert transitions(address) - before >= 2 * 3  # a task of each field goes to a worker, and its answer is there


def test_a_worker_that_is_killed_in_the_middle_costs_no_field_and_a_queued_job_no_try(address, watched, tmp_path):
    job, lab = watched("field_0002.png 1"), init(tmp_path / "lab")
    (queued,) = work.put_in(lab, [queue.order(job, tmp_path, "job")]).works
    with connected(lab) as connection:
        queued = queue.claim(connection, "me")
    with cluster.connected(address) as machines:
        work.carry_out(lab, "me", queued, lease_s=60.0, tell=lambda *_: None, machines=machines)
    assert begun(job).count("field_0002.png") == 2
    assert files(tmp_path / "job") == files(job.parent / "alone" / "job")
    with connected(lab, read_only=True) as connection:
        assert [(one.state, one.tries) for one in queue.listed(connection)] == [("done", 0)]


def test_a_queued_job_is_canceled_in_the_middle_of_its_fields(address, tmp_path):
    job, lab = cluster_scenes.draw(tmp_path / "many", 40), init(tmp_path / "lab")
    work.put_in(lab, [queue.order(job, tmp_path / "out", "job")])
    heard = []
    with closing(work.serve(lab, workers=1, lease_s=2.0, poll_s=0.05, address=address)) as told:
        for news in told:
            if news.kind == "step" and news.text.startswith("field_"):
                with connected(lab) as connection:
                    queue.cancel(connection, [news.work.id])
            elif news.kind == "idle":
                break
            heard.append(news.kind)
    assert set(heard) == {"begun", "step", "lost"}
    assert heard[-1] == "lost"
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name != ".job.fields"] == []


def test_without_a_cluster_the_jobs_of_a_queue_wait_with_all_their_tries(scene, tmp_path):
    said = CliRunner().invoke(app, ["batch", str(scene), "--out", str(tmp_path), "--cluster", "tls://me:secret@pc1:9"])
    assert str(said.exception).startswith("tls://pc1:9: no user, password or token belongs into an address")
    with connected(init(tmp_path / "lab"), read_only=True) as connection:
        assert [(one.state, one.tries, one.owner) for one in queue.listed(connection)] == [("todo", 0, "")]
