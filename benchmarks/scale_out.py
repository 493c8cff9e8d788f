"""What a second worker brings, and what a field costs on the way to a worker and back.

    OMP_NUM_THREADS=1 python benchmarks/scale_out.py [--fields 60] [--rounds 3] [--pixels 512]

The same job goes to a cluster of one worker and to one of two (processes of one thread) in turn, so that other load
meets both; only one of them stands at a time, as an idle one takes a twentieth of a processor. Dask looks after itself
as seldom as docs/scale_out.md advises (--dask-as-it-is: as often as it does unasked). A machine of two processors that
others use too has no second processor to give: wall time then says little of the cluster. So beside it stand

- busy: the part of the time from the first field to the last that a worker was inside of a field, whatever slowed it;
- the processor time of a field at its worker, and of scheduler, nannies and client together, per field: of the whole
  job, and of it while fields are looked at and measured;
- the speed-up that follows from both: workers x busy x processor time of a field with one worker over that with two.
"""

import argparse
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

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
"""

SELDOM = {
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.worker.profile.enabled": False,
}
"""How often Dask looks after itself, of docs/scale_out.md."""


def draw(folder: Path, fields: int, side: int) -> Path:
    """Write a job of drawn fields with pores; gives its path."""
    rng = np.random.default_rng(5)
    folder.mkdir(parents=True)
    rows, columns = np.mgrid[:side, :side]
    for number in range(fields):
        pixels = np.full((side, side), 200.0)
        for _ in range(side // 12):
            row, column, radius = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(2, 9)
            pixels[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = 60
        pixels += rng.normal(0, 3, pixels.shape)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"field_{number:05d}.png")
    (folder / "job.toml").write_text(JOB, encoding="utf-8")
    return folder / "job.toml"


def seconds() -> float:
    return time.process_time()


def differences(first: object, second: object, at: str = "") -> list[str]:
    """Where two reports differ, and what each has there."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = sorted(first.keys() | second.keys())
        return [said for key in keys for said in differences(first.get(key), second.get(key), f"{at}/{key}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [said for number, (one, two) in pairs for said in differences(one, two, f"{at}/{number}")]
    return [] if first == second else [f"{at}: {str(first)[:120]} | {str(second)[:120]}"]


def measured(job: Path, address: str, workers: int) -> tuple[dict[str, float], str]:
    """One run: times of it all, of the fields alone, and of those who take part; and the digest of its report."""
    from distributed import get_task_stream

    from inspect_tool.batch import cluster
    from inspect_tool.inspection import job_run

    ended: list[float] = []  # once all are measured, and later

    def tell(done: int, total: int, _text: str) -> None:
        if done == total - 1:  # one export is left
            ended.append(time.process_time())

    with cluster.connected(address) as machines:
        client = machines.client
        before, own, clock = client.run(seconds), time.process_time(), time.perf_counter()
        with get_task_stream(client) as stream:
            report = job_run.run(job, job.parent.parent / f"out{workers}", executor=machines, progress=tell)
        whole, all_own = time.perf_counter() - clock, time.process_time() - own
        after = client.run(seconds)
    count = len(report.micrographs)
    spans = [
        (span["start"], span["stop"])
        for task in stream.data
        if str(task["key"]).startswith("_called")
        for span in task["startstops"]
        if span["action"] == "compute"
    ]
    assert len(spans) == 2 * count, "each field is looked at, and measured"
    inside = sum(stop - start for start, stop in spans)
    span = max(stop for _, stop in spans) - min(start for start, _ in spans)
    return {
        "wall_s": whole,
        "fields_s": span,
        "busy": inside / span / workers,
        "cpu_ms": 1000 * sum(after[name] - before[name] for name in after) / count,
        "beside_ms": 1000 * all_own / count,
        "meanwhile_ms": 1000 * (ended[0] - own) / count,
    }, report.digest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pixels", type=int, default=512, help="side of a field")
    parser.add_argument("--only", type=int, choices=(1, 2), help="one of the two clusters, where both take too long")
    parser.add_argument("--dask-as-it-is", action="store_true", help="Dask looks after itself as often as it likes")
    parser.add_argument("--no-alone", action="store_true", help="leave out the run without a cluster")
    given = parser.parse_args()
    import dask
    from distributed import LocalCluster

    from inspect_tool.inspection import job_run

    quiet = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL, "threads_per_worker": 1}
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder, dask.config.set({} if given.dask_as_it_is else SELDOM):
        job = draw(Path(folder) / "job", given.fields, given.pixels)
        few = draw(Path(folder) / "few", 4, given.pixels)
        job_run.run(few, Path(folder) / "alone")  # what is imported once
        digests: dict[str, dict[str, object]] = {}
        if not given.no_alone:
            clock, own = time.perf_counter(), time.process_time()
            digest = job_run.run(job, Path(folder) / "alone").digest
            digests[digest] = json.loads(
                (Path(folder) / "alone" / job.stem / "report.json").read_text(encoding="utf-8")
            )
            print(
                f"one process, no cluster: {time.perf_counter() - clock:.1f} s, "
                f"{1000 * (time.process_time() - own) / given.fields:.1f} ms of processor per field",
                flush=True,
            )
        for number in range(given.rounds):
            for workers in (given.only,) if given.only else (1, 2) if number % 2 == 0 else (2, 1):
                with LocalCluster(n_workers=workers, **quiet) as local:
                    measured(few, local.scheduler_address, workers)
                    it, digest = measured(job, local.scheduler_address, workers)
                if digest not in digests:
                    written = Path(folder) / f"out{workers}" / job.stem / "report.json"
                    digests[digest] = json.loads(written.read_text(encoding="utf-8"))
                if len(digests) > 1:
                    print(*differences(*digests.values())[:60], sep="\n")
                    sys.exit("the report is another one")
                found[workers].append(it)
                print(
                    f"{workers} at work: {it['wall_s']:6.1f} s, fields {it['fields_s']:6.1f} s, "
                    f"busy {100 * it['busy']:5.1f} %; processor per field: {it['cpu_ms']:6.1f} ms at the workers, "
                    f"{it['beside_ms']:5.1f} ms at client and scheduler, {it['meanwhile_ms']:5.1f} of it while fields "
                    f"are measured; load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
    if given.only:
        return
    middle = {
        workers: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for workers, runs in found.items()
    }
    one_, two_ = middle[1], middle[2]
    wall = one_["wall_s"] / two_["wall_s"]
    fields = one_["fields_s"] / two_["fields_s"]
    follows = 2 * two_["busy"] / one_["busy"] * one_["cpu_ms"] / two_["cpu_ms"]
    print(f"{given.fields} fields of {given.pixels} x {given.pixels}, medians of {given.rounds} rounds:")
    print(f"  speed-up by wall time: job {wall:.2f}, fields {fields:.2f}; from busy and processor time: {follows:.2f}")
    sys.exit(0 if max(fields, follows) >= 1.8 else 1)


if __name__ == "__main__":
    main()
