"""How long `inspect-tool --help` takes, as a ratio to `python -c pass` on the same machine in the same run.

python benchmarks/startup.py
"""

import subprocess
import sys
import time


def best(arguments: list[str], rounds: int = 15) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    nothing, help_ = best(["-c", "pass"]), best(["-m", "inspect_tool", "--help"])
    print(f"python -c pass       {nothing * 1e3:7.1f} ms")
    print(f"inspect-tool --help  {help_ * 1e3:7.1f} ms   {help_ / nothing:.1f} x   (wanted: at most 8 x)")


if __name__ == "__main__":
    main()
