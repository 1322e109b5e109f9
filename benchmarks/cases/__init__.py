"""The simulated cases that trackers are compared on, and ours on each: GOSPA, switches, consistency, speed.

`python -m benchmarks cases [--smoke]`, or `python -m benchmarks.cases [CASE …] [--full] [--seeds N]`.
"""

from __future__ import annotations


def run(*, smoke: bool) -> None:
    from benchmarks.cases.table import show

    show("smoke" if smoke else "short")
