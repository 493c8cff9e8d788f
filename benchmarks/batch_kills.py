"""Kill a batch of jobs at random points, again and again, and look for what was lost, done twice or half written.

    python benchmarks/batch_kills.py --kills 100 --jobs 40 --workers 2 [--database postgresql://user@/name?host=/socket]
        [--cluster tcp://127.0.0.1:8786]

Each kill is a ``kill -9``, in turn of the whole process group (as a power failure), of the first process alone, and
of the process that measures a job. A batch that is done before its kills are spent is followed by a fresh one.
"""

import argparse
import dataclasses
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from inspect_tool.batch import queue
from inspect_tool.evidence import audit
from inspect_tool.evidence.recovery import recover
from inspect_tool.files import sha256_file
from inspect_tool.folders import in_the_way
from inspect_tool.lab.database import Lab, connected, init

JOB = """
recipe = "porosity"
images = ["field_*.png"]
exports = ["json"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
method = "fixed"
levels = [130]
"""
VICTIMS = ("all", "first", "job")


@dataclass(kw_only=True)
class Found:
    """What came out of the kills."""

    batches: int = 0
    kills: Counter[str] = dataclasses.field(default_factory=Counter)  # by victim
    under_way: int = 0  # jobs that were when something was killed
    twice: int = 0  # jobs that ran twice because the first try of them was killed after publishing: must stay 0
    failed: int = 0  # jobs whose own process was killed twice; they were put back by batch retry
    wrong: list[str] = dataclasses.field(default_factory=list)


def field(seed: int) -> Image.Image:
    """A dark square on a bright ground; the noise on both follows from the seed."""
    pixels = 200 + np.random.default_rng(seed).normal(0, 3, (64, 64))
    pixels[20:32, 22:36] -= 140
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def small_jobs(folder: Path, number: int) -> list[Path]:
    """Write jobs that take a blink, each with an image of 64 pixels, and give their files."""
    made = []
    for i in range(number):
        place = folder / f"part_{i}"
        place.mkdir(parents=True)
        field(i).save(place / "field_1.png")
        made.append(place / f"part_{i}.toml")
        made[-1].write_text(JOB, encoding="utf-8")
    return made


def started(lab: Lab, jobs: list[Path], out: Path, workers: int, cluster: str = "") -> subprocess.Popen[bytes]:
    """Begin a batch in a process group of its own."""
    command = [
        sys.executable,
        "-m",
        "inspect_tool",
        "batch",
        *jobs,
        "--lab",
        lab.folder,
        "--out",
        out,
        "--cluster",
        cluster,
    ]
    alone = {"stdout": subprocess.DEVNULL, "start_new_session": True}
    with (out.parent / "log").open("ab") as log:
        return subprocess.Popen([*map(str, command), "--workers", str(workers)], stderr=log, **alone)


def killed(batch: subprocess.Popen[bytes], victim: str) -> str:
    """Kill -9; gives whom: all of a group, its first process, or one that measures (the first where there is none)."""
    measuring = [pid for pid in group(batch.pid) if is_job(pid)]
    if victim == "job" and measuring:
        os.kill(random.choice(measuring), signal.SIGKILL)
        return "job"
    if victim == "all":
        os.killpg(batch.pid, signal.SIGKILL)
    else:
        batch.kill()
    batch.wait()
    return "all" if victim == "all" else "first"


def group(leader: int) -> list[int]:
    """Processes of a group, by /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(parts[2]) == leader and parts[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def is_job(pid: int) -> bool:
    """Whether a process measures: it is a copy of the one that was made to be copied."""
    try:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return b"forkserver" in Path(f"/proc/{parent}/cmdline").read_bytes()
    except OSError:
        return False


def looked_at(lab: Lab, jobs: list[Path], out: Path, found: Found) -> None:
    """Compare the queue, the reports and the audit trail of a batch that has ended."""
    with connected(lab, read_only=True) as connection:
        works = [one for one in queue.listed(connection) if one.order.out == out]
    if sorted(one.order.name for one in works) != sorted(path.stem for path in jobs):
        found.wrong.append(f"{out}: {len(works)} of {len(jobs)} jobs are in the queue")
    trail = audit.verify(out)
    found.wrong += [f"{out}: {problem}" for problem in trail.problems]
    runs = Counter(entry.new["job"] for entry in trail.entries if entry.event == "run")
    for one in works:
        report = one.order.folder / "report.json"
        if one.state != "done" or not report.is_file() or sha256_file(report) != one.report_uid:
            found.wrong.append(f"{one.order.name}: is {one.state}, its report is not that of the queue")
        elif in_the_way(one.order.folder) or (one.order.folder / ".audit-pending.json").exists():
            found.wrong.append(f"{one.order.name}: {in_the_way(one.order.folder) or 'is not in the audit trail'}")
        if runs[one.order.name] != 1:
            found.twice += 1
            found.wrong.append(f"{one.order.name}: the audit trail has {runs[one.order.name]} runs")
    expected = {audit.LOG, audit.HEAD, *(path.stem for path in jobs)}
    if left := {path.name for path in out.iterdir()} - expected:
        found.wrong.append(f"{out}: left behind: {sorted(left)}")


def batches(
    lab: Lab,
    folder: Path,
    *,
    kills: int,
    jobs: int,
    workers: int,
    longest_s: float,
    seed: int,
    cluster: str = "",
    most_s: float = math.inf,
) -> Found:
    """Kill batches until so many kills or so much time are spent, and the last is done."""
    rng, found, ends = random.Random(seed), Found(), time.monotonic() + most_s
    while not found.wrong and (not found.batches or (found.kills.total() < kills and time.monotonic() < ends)):
        found.batches += 1
        out = folder / f"out_{found.batches}"
        out.mkdir()
        paths = small_jobs(folder / f"jobs_{found.batches}", jobs)
        status = None
        while status is None:
            batch = started(lab, paths, out, workers, cluster)
            left = kills if time.monotonic() < ends else 0
            status = _until_it_ends(lab, batch, rng, found, left, longest_s)
            if status is not None and status != 0:
                with connected(lab) as connection:
                    failed = queue.listed(connection, states=["failed"])
                    queue.again(connection, [one.id for one in failed])
                found.failed += len(failed)
                found.wrong += [one.error for one in failed if "SIGKILL" not in one.error]
                if not failed or found.wrong:
                    found.wrong.append(f"exit status {status}")
                    break
                status = None
        recover(out)
        looked_at(lab, paths, out, found)
    return found


def _until_it_ends(
    lab: Lab, batch: "subprocess.Popen[bytes]", rng: random.Random, found: Found, kills: int, longest_s: float
) -> int | None:
    """Kill a batch a random time after a job is measured, if it has not ended; None: it was killed."""
    while found.kills.total() < kills:
        while batch.poll() is None and not any(map(is_job, group(batch.pid))):
            time.sleep(0.05)
        try:
            return batch.wait(rng.uniform(0, longest_s))
        except subprocess.TimeoutExpired:
            with connected(lab, read_only=True) as connection:
                found.under_way += queue.counts(connection)["doing"]
            victim = killed(batch, VICTIMS[found.kills.total() % 3])
            found.kills[victim] += 1
            if victim != "job":
                return None
    return batch.wait()


def main() -> None:
    """Run what the command line asks for, and print what was found as one line of JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=100)
    asked.add_argument("--jobs", type=int, default=40)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--longest", type=float, default=8.0, help="until a kill [s]")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--minutes", type=float, default=math.inf, help="after which nothing is killed any more")
    asked.add_argument("--database", default="")
    asked.add_argument("--cluster", default="", help="scheduler whose workers measure the fields")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="batch_kills_") as place:
        folder = Path(place)
        lab = init(folder / "lab", given.database)
        began = time.monotonic()
        size = {"kills": given.kills, "jobs": given.jobs, "workers": given.workers}
        limits = {"longest_s": given.longest, "most_s": given.minutes * 60}
        found = batches(lab, folder, **size, **limits, seed=given.seed, cluster=given.cluster)
        minutes = round((time.monotonic() - began) / 60, 1)
        told = {"database": "PostgreSQL" if lab.url else "SQLite", "minutes": minutes, **vars(found)}
        print(json.dumps(told))
        sys.exit(bool(found.wrong))


if __name__ == "__main__":
    main()
