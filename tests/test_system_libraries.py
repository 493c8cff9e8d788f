"""What the two commands install for the system: package managers here only write down what they are asked for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "system-libraries"
pytestmark = pytest.mark.skipif(os.name != "posix" or not SCRIPT.exists(), reason="for make, in a checkout")

LIBRARIES = "libpango-1.0.so.0 libpangoft2-1.0.so.0 libharfbuzz-subset.so.0 libatomic.so.1"
PROGRAMS = ("pdftotext", "chromium", "chromedriver", "strace", "pg_ctlcluster", "javac")


@pytest.fixture
def machine(tmp_path):
    """A machine of given libraries, programs and rights: what the script prints there, and what it asks for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "sort", "tr", "grep", "tail", "env"):
        (folder / name).symlink_to(shutil.which(name))

    def put(name, does=""):
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)

    def run(need, *, manager="apt-get", libraries="", fonts=False, programs=(), root=True, sudo=False, lacks=""):
        put("ldconfig", f"echo '{libraries}'")
        put("find", "echo font.ttf" if fonts else "")
        put("id", f"echo {0 if root else 1000}")
        put("sudo", 'shift; [ "$1" = true ] || exec "$@"' if sudo else "exit 1")
        put("true")
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        if manager:
            unknown = f'case "$*" in *"{lacks or "nothing at all"}") echo "E: no such package" >&2; exit 100;; esac'
            put(manager, f'echo "$0 $*" >> {log}\n{unknown}')
        for program in programs:
            put(program)
        done = subprocess.run(
            ["sh", SCRIPT, need], capture_output=True, text=True, env={"PATH": str(folder), "HOME": str(tmp_path)}
        )
        assert (done.returncode, done.stderr) == (0, "")
        asked = log.read_text().splitlines() if log.exists() else []
        return done.stdout, [line.split()[-1] for line in asked if "install" in line]

    return run


def test_nothing_is_said_or_asked_where_all_is_there(machine):
    assert machine("test", libraries=LIBRARIES, fonts=True, programs=PROGRAMS, root=False) == ("", [])


def test_root_gets_what_is_missing_and_no_more(machine):
    said, asked = machine("demo", libraries="libpango-1.0.so.0 libpangoft2-1.0.so.0", fonts=True)
    assert (said, asked) == ("installing for the system: libharfbuzz-subset0\n", ["libharfbuzz-subset0"])


def test_the_tests_need_more_than_the_demo(machine):
    assert machine("demo", libraries=LIBRARIES, fonts=True)[1] == []
    asked = machine("test", libraries=LIBRARIES, fonts=True, programs=("strace",))[1]
    assert asked == ["chromium", "chromium-driver", "default-jdk-headless", "poppler-utils", "postgresql"]


def test_a_user_with_sudo_without_a_password_may(machine):
    assert machine("demo", fonts=True, root=False, sudo=True)[1] == [
        "libharfbuzz-subset0",
        "libpango-1.0-0",
        "libpangoft2-1.0-0",
    ]


def test_a_user_who_may_not_gets_one_line_to_hand_on(machine):
    said, asked = machine("demo", fonts=True, root=False)
    assert asked == []
    assert said == (
        "this machine lacks what an administrator installs once with: "
        "apt-get install libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0\n"
    )


@pytest.mark.parametrize(("manager", "names"), [("dnf", ["harfbuzz", "pango"]), ("brew", ["harfbuzz", "pango"])])
def test_other_systems_have_other_names(machine, manager, names):
    assert machine("demo", manager=manager, fonts=True)[1] == names


def test_a_system_of_another_kind_is_told_what_it_lacks(machine):
    said, _ = machine("demo", manager="", fonts=True)
    assert said.startswith("this machine lacks, by their names in Debian: libharfbuzz-subset0 libpango-1.0-0")


def test_a_package_that_does_not_exist_keeps_no_other_back(machine):
    said, asked = machine("test", libraries=LIBRARIES, fonts=True, programs=("strace",), lacks="chromium")
    assert asked == ["chromium", "chromium-driver", "default-jdk-headless", "poppler-utils", "postgresql"]
    assert "chromium was not installed, what needs it is left out: E: no such package" in said
    assert said.count("\n") == 2
