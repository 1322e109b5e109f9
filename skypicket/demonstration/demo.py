"""The whole job on one machine: a simulator, the service and a recorder as processes of their own, and this
one, which follows the alerts as any user's program would."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from adapters.client import Alerts, NoAnswer, request, subscribe
from adapters.clock import Clock, SystemClock
from adapters.simulated.scenario import load_scenario
from adapters.wire import Message
from fusion.types import SECOND_NS
from skypicket.children import Child, Family
from skypicket.console import compile_kernels
from skypicket.simulation import read_send_times
from skypicket.sites import copy_site

SCENARIO: Final = "airport-drones"
RATE: Final = 6.0  # seconds of the scenario a second: 230 s pass in 38 s
LIMIT_S: Final = 90.0  # by when the demo has ended by itself
WRAP_UP_S: Final = 20.0  # of that for the end: last reports, score and picture on a slow machine
SHORTEST_S: Final = 10.0  # of simulation, however long the first compilation took
READY_S: Final = 75.0  # for the service to be ready
HEARD_S: Final = 10.0  # for the recorder to hear the service, and for the service to finish its reports
FREE: Final = "tcp://127.0.0.1:*"  # a port that is free
SILENCE_S: Final = 15.0  # of the service: on a busy machine a status may be late

Say = Callable[[str], None]
Show = Callable[[Message], None]


@dataclass(slots=True)
class Outcome:
    """What the demo saw: alert steps with the clock at their arrival, and what is on the disk.

    sent: (event time, clock) of each frame.
    """

    recording: Path
    site: Path
    rate: float
    alerts: list[Message] = field(default_factory=list)
    arrived_ns: list[int] = field(default_factory=list)
    sent: list[tuple[int, int]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    cut_short: bool = False


def run(out: Path, say: Say, show: Show, rate: float | None = None, clock: Clock | None = None) -> Outcome:
    """Run simulator, service and recorder until the scenario is over; alerts go to `show` as they come.

    out: the folder for the recording, with a copy of the site beside it. rate: as fast as the time left
    allows if left out, but no slower than `RATE`. Raises ChildFailed with the last words of whoever failed.
    """
    clock = clock or SystemClock()
    begin = time.monotonic()
    compile_kernels()
    scenario = load_scenario(SCENARIO)
    assert scenario.site_path is not None  # it was read from a file
    outcome = Outcome(out / f"{SCENARIO}.mcap", copy_site(scenario.site_path, scenario.site, out), RATE)
    with tempfile.TemporaryDirectory(prefix="skypicket-demo-") as folder, Family() as family:
        times = Path(folder) / "sent.jsonl"
        addresses = _serve(family, outcome.site, Path(folder))
        alerts = subscribe(
            addresses["publish"],
            requests=addresses["requests"],
            report=lambda notice: outcome.notices.append(str(notice)),
            silence_s=SILENCE_S,
        )
        with alerts:
            recorder = _record(family, addresses, outcome.recording)
            left_s = max(LIMIT_S - WRAP_UP_S - (time.monotonic() - begin), SHORTEST_S)
            outcome.rate = rate or max(RATE, scenario.duration_s / left_s)
            say(f"{SCENARIO}: {scenario.duration_s:.0f} s of flights at {outcome.rate:.3g} times their pace")
            words = ("--to", addresses["ingest"], "--rate", str(outcome.rate), "--start", "scenario")
            simulator = family.start("simulate", SCENARIO, *words, "--log-times", str(times))
            until = begin + LIMIT_S - WRAP_UP_S / 2.0
            while simulator.code is None and time.monotonic() < until:
                _follow(alerts, 0.2, outcome, show, clock)
                family.check()
            outcome.cut_short = simulator.code is None
            family.end(simulator)
            outcome.sent = read_send_times(times)
            _settle(alerts, addresses["requests"], outcome, show, clock)
            family.end(recorder)
    return outcome


def _serve(family: Family, site: Path, folder: Path) -> dict[str, str]:
    """Start the service; its addresses, once it is ready."""
    words = [f"--{name}={FREE}" for name in ("ingest", "publish", "requests")]
    data = f"--data={folder / 'journal'}"
    service = family.start("serve", f"--config={site}", "--time=event", "--json", data, *words)
    addresses: dict[str, str] = json.loads(service.wait_for(lambda line: line.startswith("{"), READY_S))
    return addresses


def _record(family: Family, addresses: dict[str, str], recording: Path) -> Child:
    """Start the recorder; it is returned once it hears the service."""
    words = (f"--from={addresses['publish']}", f"--requests={addresses['requests']}", f"--out={recording}")
    recorder = family.start("record", *words)
    recorder.wait_for(lambda line: "recording" in line, HEARD_S)
    return recorder


def _follow(alerts: Alerts, timeout_s: float, outcome: Outcome, show: Show, clock: Clock) -> None:
    """Take what comes within the time, note when, and show it."""
    first = len(outcome.alerts)
    alert = alerts.wait(timeout_s)
    while alert is not None:
        outcome.arrived_ns.append(clock.time_ns())
        outcome.alerts.append(alert)
        alert = alerts.wait(0.0)
    for alert in outcome.alerts[first:]:
        show(alert)


def _settle(alerts: Alerts, address: str, outcome: Outcome, show: Show, clock: Clock) -> None:
    """Follow until the service has reported up to the last frame, and all that it said has arrived."""
    newest_ns = max((time_ns for time_ns, _ in outcome.sent), default=0)
    until = time.monotonic() + HEARD_S
    while time.monotonic() < until:
        _follow(alerts, 0.2, outcome, show, clock)
        snapshot = _snapshot(address)
        reported_ns = ((snapshot or {}).get("tracks") or {}).get("time_ns", 0)
        heard = outcome.alerts[-1]["number"] if outcome.alerts else 0
        if snapshot and reported_ns >= newest_ns // SECOND_NS * SECOND_NS and heard >= snapshot["number"]:
            return


def _snapshot(address: str) -> dict[str, Any] | None:
    try:
        snapshot: dict[str, Any] = request(address, {"request": "snapshot"}, timeout_s=2.0)
    except NoAnswer:
        return None
    return snapshot
