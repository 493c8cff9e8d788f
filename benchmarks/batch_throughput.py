"""Jobs per minute of a batch on this machine, and with its fields measured by the workers of a cluster beside it.

    OMP_NUM_THREADS=1 python benchmarks/batch_throughput.py [--jobs 24] [--rounds 2] [--workers 2]

Jobs of one field of 64 pixels: what a job costs besides its fields is nearly all of it. Both ways take turns, so that
other load meets both. Jobs per minute count from the begin of the first job to the end of the last; processor time is
that of the command and of all that it starts, and not that of the cluster, which is a process beside it. Linux alone.
"""

import argparse
import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from batch_kills import small_jobs, started

from inspect_tool.batch import queue
from inspect_tool.lab.database import connected, init

CLUSTER = """
import sys
from distributed import LocalCluster
with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address="127.0.0.1:0") as local:
    print(local.scheduler_address, flush=True)
    sys.stdin.read()
"""
_ADOPT = 36  # PR_SET_CHILD_SUBREAPER: whoever outlives the command is waited for too


def measured(folder: Path, jobs: int, workers: int, address: str) -> tuple[float, float]:
    """One batch: jobs per minute, and processor time of a job [s]."""
    folder.mkdir()
    lab, out = init(folder / "lab"), folder / "out"
    batch = started(lab, small_jobs(folder / "jobs", jobs), out, workers, address)
    spent = 0.0
    while True:  # the command, and what it leaves behind when it ends
        try:
            pid, status, usage = os.wait4(-batch.pid, 0)
        except ChildProcessError:
            break
        assert status == 0 or pid != batch.pid, (folder / "log").read_text()
        spent += usage.ru_utime + usage.ru_stime
    with connected(lab, read_only=True) as connection:
        works = queue.listed(connection)
    assert [one.state for one in works] == ["done"] * jobs
    took_s = (max(one.ended for one in works) - min(one.started for one in works)).total_seconds()
    return 60 * jobs / took_s, spent / jobs


def main() -> None:
    """Print each batch, and the medians."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--jobs", type=int, default=24)
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--workers", type=int, default=2, help="jobs at the same time, and workers of the cluster")
    given = asked.parse_args()
    ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)
    command, pipes = (sys.executable, "-c", CLUSTER, str(given.workers)), {"stdin": -1, "stdout": -1, "text": True}
    with (
        tempfile.TemporaryDirectory() as place,
        subprocess.Popen(command, start_new_session=True, **pipes) as cluster,
    ):
        addresses = {"here": "", "cluster": cluster.stdout.readline().strip()}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in addresses}
        measured(Path(place) / "first", 2, given.workers, addresses["cluster"])  # workers import once
        for number in range(given.rounds):
            for name, address in addresses.items():
                one = measured(Path(place) / f"{name}_{number}", given.jobs, given.workers, address)
                found[name].append(one)
                print(
                    f"{name:8}{one[0]:6.1f} jobs a minute, {one[1]:5.2f} s of a processor for each; "
                    f"load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
        cluster.stdin.close()
    here, there = ([statistics.median(side) for side in zip(*runs, strict=True)] for runs in found.values())
    print(
        f"medians: {here[0]:.1f} jobs a minute here, {there[0]:.1f} with the cluster: {there[0] / here[0]:.2f} of it;"
    )
    print(f"processor time of a job on this side: {here[1]:.2f} s, {there[1]:.2f} s with the cluster")


if __name__ == "__main__":
    main()
