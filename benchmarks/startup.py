"""Processor time of `inspect-tool --help`, as a ratio to `python -c pass` on the same machine, in turn with it.

python benchmarks/startup.py
"""

import resource
import subprocess
import sys


def spent(*arguments: str) -> float:
    """Processor time of Python with these arguments. [s]"""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    rounds = [(spent("-c", "pass"), spent("-m", "inspect_tool", "--help")) for _ in range(15)]
    nothing, help_ = (min(times) for times in zip(*rounds, strict=True))
    print(f"python -c pass       {nothing * 1e3:7.1f} ms")
    print(f"inspect-tool --help  {help_ * 1e3:7.1f} ms   {help_ / nothing:.1f} x   (wanted: at most 8 x)")


if __name__ == "__main__":
    main()
