"""Two machines in network namespaces: the same report, without one of them, and what is refused between them.

    sudo python benchmarks/two_hosts.py [NUMBER ...]

Needs root on Linux, ``ip``, ``unshare`` and ``openssl``. Machine A has a scheduler, a worker and whoever asks; machine
B has a worker. A cable of two virtual ends joins them (10.77.0.1, 10.77.0.2), and each has mounts of its own. Shown
are:

1. plain TCP: report.json is that of one process but for the times;
2. the same with TLS by the configuration of Dask alone, and a caller without a certificate is refused;
3. machine B sees another folder under the path of the reports: refused, by the name of its worker;
4. machine B has another version of a package: refused, by the names of worker and package;
5. the cable is drawn while B measures: A does the rest, and the report is the same.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scale_out import draw

ROOT = Path(__file__).resolve().parent.parent
A, B = "10.77.0.1", "10.77.0.2"
SPACES = ("inspect-a", "inspect-b")


def sh(*command: str, check: bool = True) -> None:
    subprocess.run(command, check=check, capture_output=not check)


@contextlib.contextmanager
def machines() -> Iterator[None]:
    """Two network namespaces and the cable between them."""
    for space in SPACES:
        sh("ip", "netns", "del", space, check=False)
        sh("ip", "netns", "add", space)
    try:
        sh("ip", "link", "add", "cable-a", "netns", SPACES[0], "type", "veth", "peer", "name", "cable-b")
        sh("ip", "link", "set", "cable-b", "netns", SPACES[1])
        for space, end, address in ((SPACES[0], "cable-a", A), (SPACES[1], "cable-b", B)):
            sh("ip", "-n", space, "addr", "add", f"{address}/24", "dev", end)
            sh("ip", "-n", space, "link", "set", end, "up")
            sh("ip", "-n", space, "link", "set", "lo", "up")
        yield
    finally:
        for space in SPACES:
            sh("ip", "netns", "del", space, check=False)


@contextlib.contextmanager
def started(space: str, *command: str, first: str = "", **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program on one of the machines, with mounts of its own; ``first`` is done there before it."""
    script = f"{first + ' && ' if first else ''}exec " + " ".join(command)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}
    program = subprocess.Popen(
        ["ip", "netns", "exec", space, "unshare", "--mount", "sh", "-c", script],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield program
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


@contextlib.contextmanager
def cluster(scheme: str, folder: Path, *, first: str = "", **on_b: str) -> Iterator[str]:
    """A scheduler and a worker on A, a worker on B; gives the address of the scheduler, when both are there."""
    dask = f"{sys.executable} -m distributed.cli."
    address = f"{scheme}://{A}:8786"
    worker = ("--nthreads", "1", "--no-dashboard", "--local-directory", str(folder))
    with (
        started(SPACES[0], f"{dask}dask_scheduler", "--host", f"{scheme}://{A}", "--no-dashboard"),
        started(SPACES[0], f"{dask}dask_worker", address, "--host", f"{scheme}://{A}", *worker),
        started(SPACES[1], f"{dask}dask_worker", address, "--host", f"{scheme}://{B}", *worker, first=first, **on_b),
    ):
        there = (
            f"from distributed import Client; c = Client({address!r}, timeout=60); "
            "c.wait_for_workers(2, timeout=60); c.close()"
        )
        sh("ip", "netns", "exec", SPACES[0], sys.executable, "-c", there)
        yield address


def asked(job: Path, out: Path, address: str, **more: str) -> subprocess.CompletedProcess[str]:
    """``inspect-tool run --cluster`` on machine A."""
    command = (sys.executable, "-m", "inspect_tool", "run", str(job), "--out", str(out), "--quiet")
    return subprocess.run(
        ["ip", "netns", "exec", SPACES[0], *command, "--cluster", address],
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
        capture_output=True,
        text=True,
    )


def numbers(out: Path) -> object:
    report = json.loads((out / "job" / "report.json").read_text(encoding="utf-8"))
    for key in ("started", "seconds", "audit"):
        report["provenance"].pop(key)
    for record in report["micrographs"]:
        record["segmentation"].pop("seconds")
    return report


def certificates(folder: Path) -> dict[str, str]:
    """Settings of Dask for TLS with a certificate made here."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=laboratory"
    subprocess.run(made.split(), check=True, capture_output=True)
    settings = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(certificate)}
    for who in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"DASK_DISTRIBUTED__COMM__TLS__{who}__CERT"] = str(certificate)
        settings[f"DASK_DISTRIBUTED__COMM__TLS__{who}__KEY"] = str(key)
    return settings


def tell(what: str, fine: bool, more: str = "") -> bool:
    print(f"{'fine ' if fine else 'WRONG'}  {what}{': ' + more if more else ''}", flush=True)
    return fine


def one_report(folder: Path, job: Path, alone: object) -> Iterator[bool]:
    with cluster("tcp", folder) as address:
        done = asked(job, folder / "tcp", address)
        same = not done.returncode and numbers(folder / "tcp") == alone
        yield tell("two machines, one report", same, done.stderr.strip())


def encrypted(folder: Path, job: Path, alone: object) -> Iterator[bool]:
    tls = certificates(folder)
    os.environ |= tls
    with cluster("tls", folder) as address:
        done = asked(job, folder / "tls", address)
        yield tell("the same with TLS", not done.returncode and numbers(folder / "tls") == alone, done.stderr.strip())
        bare = asked(job, folder / "bare", address, **dict.fromkeys(tls, ""))
        refused = bare.returncode == 2 and bare.stderr.count("\n") == 1
        yield tell("no certificate", refused, bare.stderr.strip())
    for key in tls:
        del os.environ[key]


def other_folder(folder: Path, job: Path, _: object) -> Iterator[bool]:
    (folder / "reports").mkdir()
    with cluster("tcp", folder, first=f"mount -t tmpfs none {folder / 'reports'}") as address:
        done = asked(job, folder / "reports", address)
    named = done.returncode == 2 and f"worker tcp://{B}" in done.stderr
    yield tell("another folder on B", named, done.stderr.strip())


def other_version(folder: Path, job: Path, _: object) -> Iterator[bool]:
    other = folder / "other" / "pillow-1.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: pillow\nVersion: 1.0\n", encoding="utf-8")
    with cluster("tcp", folder, PYTHONPATH=f"{other.parent}:{ROOT}") as address:
        done = asked(job, folder / "versions", address)
    named = done.returncode == 2 and f"worker tcp://{B}" in done.stderr and "pillow is 1.0" in done.stderr
    yield tell("another version on B", named, done.stderr.strip())


def drawn_cable(folder: Path, job: Path, alone: object) -> Iterator[bool]:
    with cluster("tcp", folder) as address:
        command = (sys.executable, "-m", "inspect_tool", "run", str(job), "--out", str(folder / "cable"))
        clock = time.monotonic()
        with subprocess.Popen(
            ["ip", "netns", "exec", SPACES[0], *command, "--cluster", address],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            assert program.stderr is not None
            for line in program.stderr:
                if " 3/" in line:
                    break
            sh("ip", "-n", SPACES[1], "link", "set", "cable-b", "down")
            rest = program.stderr.read().strip().rpartition("\n")[2]
    same = not program.returncode and numbers(folder / "cable") == alone
    yield tell("the cable is drawn after 3 of 12", same, f"{time.monotonic() - clock:.0f} s in all; {rest}")


PARTS = (one_report, encrypted, other_folder, other_version, drawn_cable)


def main() -> None:
    from inspect_tool.inspection import job_run

    chosen = [int(number) for number in sys.argv[1:]] or range(1, len(PARTS) + 1)
    fine = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = draw(folder / "job", 12, 256)
        job_run.run(job, folder / "alone")
        for number in chosen:
            with machines():  # a cable that was drawn is plugged in
                fine += PARTS[number - 1](folder, job, numbers(folder / "alone"))
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
