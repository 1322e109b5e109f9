"""How well a campaign uses the cores, and that nothing is lost where a worker, or all of it, is killed.

python -m benchmarks.campaign                 # 200 runs on every core; then a worker killed, then everything killed
python -m benchmarks.campaign --runs 40 --no-kill
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from replay.processes import available

PLAN = """name = "benchmark"
scenarios = ["airport-drones", "airliners"]
seeds = {{ count = {seeds} }}
duration_s = {duration}

[[configuration]]
name = "default"

[[configuration]]
name = "agile"
tracker = {{ agility_mps2 = 30.0 }}
"""
TICKS = os.sysconf("SC_CLK_TCK")
SAMPLED_S = 0.5


@dataclass(frozen=True)
class Process:
    """One process of /proc: who started it, its name, and the processor seconds that it has used."""

    pid: int
    parent: int
    name: str
    cpu_s: float


def processes() -> Iterator[Process]:
    """Every process that can be read."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            told = (folder / "stat").read_text()
            name = (folder / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
        except OSError:
            continue
        fields = told.rpartition(")")[2].split()
        yield Process(int(folder.name), int(fields[1]), name, (int(fields[11]) + int(fields[12])) / TICKS)


def below(root: int) -> list[Process]:
    """The process and all those that it, or one of them, started."""
    every = list(processes())
    found, news = {root}, {root}
    while news:
        news = {one.pid for one in every if one.parent in news and one.pid not in found}
        found |= news
    return [one for one in every if one.pid in found]


def workers(root: int) -> list[Process]:
    """Ray's worker processes under a campaign."""
    return [one for one in below(root) if one.name.startswith("ray::") and "Agent" not in one.name]


class Watch:
    """Samples what a campaign's processes use, until it ends; the last sample of each process counts."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.child, self.used, self.names = child, {}, {}  # type: ignore[var-annotated]
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while self.child.poll() is None:
            for one in below(self.child.pid):
                self.used[one.pid] = one.cpu_s
                self.names[one.pid] = one.name
            time.sleep(SAMPLED_S)

    def of_workers(self) -> float:
        """Processor seconds of all workers."""
        return float(sum(cpu for pid, cpu in self.used.items() if self.names[pid].startswith("ray::")))


def start(plan: Path, out: Path, cores: int) -> subprocess.Popen[bytes]:
    """A campaign in a process of its own."""
    command = [sys.executable, "-m", "skypicket", "campaign", str(plan), "--out", str(out), "--workers", str(cores)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def ended(out: Path) -> list[dict[str, object]]:
    """The runs that are written down."""
    path = out / "runs.jsonl"
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def measure(plan: Path, out: Path, cores: int) -> None:
    """One undisturbed campaign: the shares of the cores, and of the workers' time, that it used."""
    begun = time.monotonic()
    child = start(plan, out, cores)
    watch = Watch(child)
    code = child.wait()
    whole_s = time.monotonic() - begun
    runs = ended(out)
    first, last = min(float(run["begun_s"]) for run in runs), max(float(run["ended_s"]) for run in runs)  # type: ignore[arg-type]
    span_s = last - first
    cpu_s = sum(float(run["cpu_s"]) for run in runs)  # type: ignore[arg-type]
    busy_s = sum(float(run["ended_s"]) - float(run["begun_s"]) for run in runs)  # type: ignore[arg-type]
    print(
        f"   {len(runs)} runs, exit code {code}: {whole_s:.1f} s in all, {span_s:.1f} s from the first run to the last"
    )
    print(f"   processor time of the workers (/proc): {watch.of_workers():.1f} s; of it in runs {cpu_s:.1f} s")
    print(f"   cores used, runs' processor time / ({span_s:.1f} s × {cores}): {cpu_s / span_s / cores:.1%}")
    print(f"   workers in a run, whatever share of a core they got: {busy_s / span_s / cores:.1%}")
    print(f"   whole command, workers' processor time / (wall × {cores}): {watch.of_workers() / whole_s / cores:.1%}")
    for worker in sorted({str(run["worker"]) for run in runs}):
        own = sorted((float(run["begun_s"]), float(run["ended_s"])) for run in runs if run["worker"] == worker)  # type: ignore[arg-type]
        gaps = [two[0] - one[1] for one, two in itertools.pairwise(own)]
        print(
            f"   {worker}: {len(own)} runs, idle between them {sum(gaps):.2f} s, longest {max(gaps, default=0.0):.3f} s"
        )


def disturbed(plan: Path, out: Path, cores: int) -> int:
    """Kill a worker in the middle, then everything, then go on. Returns how many runs were there when it went on."""
    child = start(plan, out, cores)
    _until(child, out, 5)
    victim = max(workers(child.pid), key=lambda one: one.cpu_s)
    os.kill(victim.pid, signal.SIGKILL)
    print(f"   worker {victim.pid} killed with {len(ended(out))} runs ended", flush=True)
    _until(child, out, len(ended(out)) + 10)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    there = len(ended(out))
    print(f"   campaign killed with {there} runs ended", flush=True)
    again = start(plan, out, cores)
    print(f"   went on: exit code {again.wait()}, {len(ended(out))} runs written in all", flush=True)
    return there


def _until(child: subprocess.Popen[bytes], out: Path, count: int) -> None:
    while child.poll() is None and len(ended(out)) < count:
        time.sleep(0.05)
    if child.poll() is not None:
        raise SystemExit("the campaign ended before it could be disturbed: give it more --runs")


def run(*, smoke: bool, runs: int = 200, duration_s: float = 60.0, kill: bool = True) -> None:
    """All of it, in folders that are removed."""
    cores = available()
    runs = 8 if smoke else runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = folder / "plan.toml"
        plan.write_text(PLAN.format(seeds=max(runs // 4, 1), duration=10.0 if smoke else duration_s))
        measure(plan, folder / "straight", cores)
        if not kill or smoke:
            return
        disturbed(plan, folder / "killed", cores)
        one, other = ((folder / place / "results.parquet").read_bytes() for place in ("straight", "killed"))
        print(f"   results.parquet of both: {'the same bytes' if one == other else 'DIFFERENT'}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaign", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="a multiple of 4 (default 200)")
    parser.add_argument("--duration", type=float, default=60.0, help="seconds of traffic a run (default 60)")
    parser.add_argument("--no-kill", action="store_true", help="measure alone")
    arguments = parser.parse_args()
    run(smoke=False, runs=arguments.runs, duration_s=arguments.duration, kill=not arguments.no_kill)


if __name__ == "__main__":
    main()
