"""How long the command line takes to answer, against a bare Python."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.installed import environment

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "skypicket --help": ["-m", "skypicket", "--help"],
    "skypicket track --help": ["-m", "skypicket", "track", "--help"],
    "import of the core, kernels cached": ["-c", "from fusion import kernels, pipeline; kernels.load()"],
}


def run(*, smoke: bool) -> None:
    for name, command in COMMANDS.items():
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, env=environment())
        seconds = []
        for _ in range(3 if smoke else 11):
            begun = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, env=environment())
            seconds.append(time.perf_counter() - begun)
        seconds.sort()
        print(f"   {name:36s} median {seconds[len(seconds) // 2]:.3f} s, worst {seconds[-1]:.3f} s")
