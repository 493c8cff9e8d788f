"""What a process asks of the network and where it writes; its children and threads of native code are seen too.

Every system call that connects or sends is counted, and every look-up of a name, which opens the list of hosts or of
resolvers. Where the system lets us, there is no network besides: a namespace without interfaces.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import needs

STRACE = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "signal=none")
CALLS = ("connect", "sendto", "sendmsg", "sendmmsg", "open", "openat", "creat")
CABLES = (("unshare", "--net"), ("unshare", "--map-root-user", "--net"))  # as root, and as anybody

_OPENED = re.compile(r'open\w*\((?:AT_FDCWD, )?"([^"]*)", (\S+?)[,)].* = (-?\d+)')
_SENT = re.compile(r"(connect|send\w+)\(.*sa_family=AF_INET")
_LOOK_UP = {"/etc/hosts", "/etc/resolv.conf"}
_NAME = "/inspect-tool/"  # opening a file there, which is not, says which command begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What was seen."""

    exits: dict[str, int]  # of each command
    network: list[tuple[str, str]]  # command, system call
    written: set[str]  # files that were opened to be written
    said: str


def watched(script: Path, commands: Mapping[str, Sequence[str]], folder: Path) -> Calls:
    """Give a script named commands as JSON, in a folder that is also its home."""
    trace = folder / "trace.txt"
    cable = next((cable for cable in CABLES if needs.traces(*cable)), ())
    traced = [*STRACE, "-e", f"trace={','.join(CALLS)}", "-o", str(trace), *cable]
    places = {"HOME": folder / "home", "TMPDIR": folder / "tmp"}
    for place in places.values():
        place.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "CI" and key[:4] not in {"XDG_", "ORT_"}}
    environment |= {key: str(value) for key, value in places.items()} | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*traced, sys.executable, str(script), json.dumps(commands)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=3600,
    )
    calls = list(_read(trace.read_text(encoding="utf-8", errors="replace").splitlines()))
    return Calls(
        exits={name: int(code) for name, code in re.findall(r"^exit (.+) (\d+)$", done.stdout, re.MULTILINE)},
        network=[(name, line) for name, line in calls if not line.startswith("writes ")],
        written={line.removeprefix("writes ") for _, line in calls if line.startswith("writes ")},
        said=done.stdout + done.stderr,
    )


def _read(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    name = ""
    for line in lines:
        opened = _OPENED.search(line)
        if opened is not None:
            path, flags, descriptor = opened.groups()
            if path.startswith(_NAME):
                name = path.removeprefix(_NAME)
            elif path in _LOOK_UP:
                yield name, f"looks up a name ({path})"
            elif int(descriptor) >= 0 and {"O_WRONLY", "O_RDWR", "O_CREAT"} & set(flags.split("|")):
                yield name, f"writes {path}"
        elif _SENT.search(line):
            yield name, line
