"""How fast the pages of a workbench come when 20 people use it at once.

    python benchmarks/workbench_clients.py [--clients 20] [--seconds 20] [--reports 2000] [--pause 1.0]

A workbench in a process of its own, a lab with that many made-up reports, and clients that each ask for one page after
the other, as a browser does. Between two pages a client waits ``--pause`` [s]; 0: not at all, which says what the
server bears. Wanted: 95 of 100 pages within 300 ms. Server and clients share the processors of this computer.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import httpx2
import numpy as np
from lab import HEAT, filled

from inspect_tool.lab import users
from inspect_tool.lab.database import Lab, connected, init
from inspect_tool.web.guard import COOKIE

PAGES = ("/", "/reports", f"/reports?q=heat%3A{HEAT}", "/inspections", "/inbox", "/reviews")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--reports", type=int, default=2000)
    parser.add_argument("--pause", type=float, default=1.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lab = init(Path(folder) / "lab")
        filled(lab, asked.reports)
        with connected(lab) as connection:
            person = users.add(connection, "eva", "Eva Muster", "a sentence is easy", frozenset(users.ROLES))
            cookies = [users.enter(connection, person) for _ in range(asked.clients)]
        address, server = started(lab)
        try:
            times = measured(address, cookies, asked.seconds, asked.pause)
        finally:
            server.terminate()
            server.wait()
    everything = np.concatenate([np.asarray(found) for found in times.values()])
    rate = len(everything) / asked.seconds
    print(f"{asked.clients} clients, {asked.pause:g} s between pages: {rate:.0f} pages a second")
    for name, found in {**times, "all": everything}.items():
        middle, most = np.percentile(found, (50, 95)) * 1000
        print(f"{name:<28} n {len(found):>5}   p50 {middle:7.0f} ms   p95 {most:7.0f} ms")


def started(lab: Lab) -> tuple[str, "subprocess.Popen[bytes]"]:
    """Start a workbench on a free port, and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["workbench", str(lab.folder), "--port", str(port), "--no-browse", "--quiet"]
    server = subprocess.Popen([sys.executable, "-m", "inspect_tool", *command])
    address = f"http://127.0.0.1:{port}"
    while True:
        try:
            httpx2.get(f"{address}/enter")
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return address, server


def measured(address: str, cookies: list[str], seconds: float, pause: float) -> Mapping[str, list[float]]:
    """Time that each page took [s], by its address."""
    times: dict[str, list[float]] = {page: [] for page in PAGES}
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        pages = cycle(PAGES[number % len(PAGES) :] + PAGES[: number % len(PAGES)])
        with httpx2.Client(base_url=address, cookies={COOKIE: cookies[number]}) as browser:
            time.sleep(pause * number / len(cookies))
            while time.monotonic() < end:
                page = next(pages)
                began = time.perf_counter()
                answer = browser.get(page)
                answer.raise_for_status()
                times[page].append(time.perf_counter() - began)
                time.sleep(pause)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(len(cookies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


if __name__ == "__main__":
    main()
