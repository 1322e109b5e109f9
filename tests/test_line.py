"""The line with real processes: what subscribers get, and what operators ordered, over kill -9 and outages."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.client import Alerts, LineSilent, Listener, Restart, Restored, request, subscribe
from adapters.line.publish import Pusher
from adapters.wire import Message, encode, unpack
from skypicket.children import Child, Family

PATIENCE_S = 60.0  # for what takes a second on a machine of its own
FREE = "tcp://127.0.0.1:*"
S = 1_000_000_000
START_NS = 1_777_885_200 * S
SITE = """
[service]
name = "line"
origin = { lat_deg = 47.0, lon_deg = 19.0, alt_m = 0.0 }
zones = ["zones.geojson"]

[tracker]
lateness_s = 1.0

[[sensor]]
id = "gps"
kind = "position"
pose = { lat_deg = 47.0, lon_deg = 19.0, alt_m = 0.0 }
measures = ["east_m", "north_m", "up_m"]
sigma = { east_m = 5.0, north_m = 5.0, up_m = 5.0 }
coverage = { east_m = [-30000.0, 30000.0], north_m = [-30000.0, 30000.0], up_m = [-1000.0, 10000.0] }
false_alarms = 0.01
period_s = 1.0
"""


def zone(name: str, lon_deg: float, radius_m: float) -> dict[str, Any]:
    properties = {"id": name, "radius_m": radius_m, "floor_m": 0, "ceiling_m": 1000, "imminent_s": 20}
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Point", "coordinates": [lon_deg, 47.0]},
    }


class Line:
    """A service as a process, something that sends to it, and its addresses, which it keeps over its deaths."""

    def __init__(self, folder: Path, family: Family) -> None:
        self._folder, self._family = folder, family
        zones = [zone("airport", 19.05, 1000.0), zone("works", 19.055, 1500.0)]
        (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": zones}))
        (folder / "site.toml").write_text(SITE)
        self.addresses = dict.fromkeys(("ingest", "publish", "requests"), FREE)
        self.process = self._serve()
        self.pusher = Pusher(self.addresses["ingest"])
        self._epoch = 0

    def _serve(self) -> Child:
        words = [f"--{name}={address}" for name, address in self.addresses.items()]
        child = self._family.start("serve", f"--config={self._folder / 'site.toml'}", "--time=event", "--json", *words)
        self.addresses = json.loads(child.wait_for(lambda line: line.startswith("{"), PATIENCE_S))
        return child

    def kill(self) -> None:
        self._family.end(self.process, signal.SIGKILL)

    def restart(self) -> None:
        self._epoch += 1
        self.process = self._serve()

    def signal(self, number: int) -> None:
        self.process._process.send_signal(number)

    def subscribe(self, **options: Any) -> Alerts:
        return subscribe(self.addresses["publish"], requests=self.addresses["requests"], tests=True, **options)

    def ask(self, name: str, **parameters: Any) -> Any:
        return request(self.addresses["requests"], {"request": name, **parameters}, PATIENCE_S)

    def fly(self, first: int, last: int, *, wait: bool = True) -> None:
        """One object, east at 60 m/s, 500 m high, from 3.8 km before the airport. wait: until all of it is reported."""
        for second in range(first, last + 1):
            message = {
                "v": 1,
                "type": "frame",
                "source": "test",
                "sensor": "gps",
                "seq": second,
                "epoch": f"run-{self._epoch}",
                "time_ns": START_NS + second * S,
                "columns": {"east_m": [60.0 * second], "north_m": [0.0], "up_m": [500.0]},
            }
            self.pusher.push("frame.gps", encode(message))
        while wait and self.last_picture() < START_NS + last * S:
            pass

    def last_picture(self) -> int:
        tracks = self.ask("snapshot")["tracks"]
        return 0 if tracks is None else int(tracks["time_ns"])


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with Family() as family:
        opened = Line(tmp_path, family)
        yield opened
        opened.pusher.close()


def until(alerts: Alerts, number: int) -> list[Message]:
    """What comes, up to the step of that number."""
    found: list[Message] = []
    while not found or found[-1]["number"] < number:
        step = alerts.wait(PATIENCE_S)
        assert step is not None, [each["number"] for each in found]
        found.append(step)
    return found


def test_nothing_is_lost_over_kill_9_and_outages_of_either_side_and_both(line):
    """One follows all the time, one is down from before the kill until after it; the journal knows the same."""
    notices: list[object] = []
    follower = line.subscribe(since=0, silence_s=None, report=notices.append)
    line.fly(0, 20)
    known = int(line.ask("snapshot")["number"])
    heard = until(follower, known)
    airport = next(alert for alert in line.ask("snapshot")["alerts"] if alert["zone"] == "airport")
    line.ask("ack", alert=airport["alert"], who="Eva", note="seen")
    until_ns = START_NS + 3600 * S
    line.ask("suppress", zone="works", until_ns=until_ns, who="Eva", note="works")
    line.fly(21, 26, wait=False)
    line.kill()
    line.restart()
    line.fly(32, 70)
    last = int(line.ask("snapshot")["number"])
    heard += until(follower, last)
    with line.subscribe(since=known, silence_s=None) as back:
        missed = until(back, last)
    follower.close()

    journal = line.ask("alerts", since=0, limit=10_000)
    assert [step["number"] for step in journal] == list(range(1, last + 1))
    assert [step["number"] for step in heard] == list(range(1, last + 1))
    assert [step["number"] for step in missed] == list(range(known + 1, last + 1))
    content = [[{**step, "seq": 0, "epoch": "", "v": 1, "source": ""} for step in each] for each in (journal, heard)]
    assert content[0] == content[1]
    assert any(isinstance(notice, Restart) for notice in notices)
    follow_the_acknowledged(airport, heard)
    assert [(each["zone"], each["until_ns"]) for each in line.ask("snapshot")["status"]["suppressed"]] == [
        ("works", until_ns)
    ]
    after = [step for step in heard if step["zone"] == "works" and step["number"] > known + 2]
    assert after
    assert {step["suppressed_until_ns"] for step in after} == {until_ns}


def follow_the_acknowledged(before: Message, heard: list[Message]) -> None:
    """One episode of the airport over the kill, acknowledged from then on, with the new track, up to its level."""
    steps = [step for step in heard if step["alert"] == before["alert"]]
    assert [step["step"] for step in steps] == list(range(1, len(steps) + 1))
    assert {step["alert"] for step in heard if step["zone"] == "airport"} == {before["alert"]}
    assert [step["state"] for step in steps].count("raised") == 1
    first = next(i for i, step in enumerate(steps) if step["acknowledged"])
    assert {step["acknowledged"]["who"] for step in steps[first:] if step["acknowledged"]} == {"Eva"}
    assert all(step["acknowledged"] for step in steps[first:])
    assert any("started anew" in step["reason"] for step in steps)
    assert len(steps[-1]["tracks"]) == 2
    assert "infringing" in {step["level"] for step in steps}


def test_a_line_that_stops_or_dies_raises_and_beats_each_second_before(line):
    """No frame ever comes. Held (SIGSTOP), the line is silent; let go, it is back; killed, it is silent again."""
    listener = Listener(line.addresses["publish"], ("status",))
    beats: list[Message] = []
    while len(beats) < 5:
        received = listener.receive(PATIENCE_S)
        assert received is not None
        beats.append(unpack(received[1]))
    listener.close()
    assert [beat["seq"] - beats[0]["seq"] for beat in beats] == list(range(5))
    assert 3.0 < beats[-1]["uptime_s"] - beats[0]["uptime_s"] < 9.0
    assert beats[-1]["test_returned_ns"] is not None  # the line was tested meanwhile
    notices: list[object] = []
    with line.subscribe(silence_s=2.5, report=notices.append, since=0) as alerts:
        assert [alerts.wait(PATIENCE_S)["state"] for _ in range(2)] == ["raised", "cleared"]
        line.signal(signal.SIGSTOP)
        with pytest.raises(LineSilent, match=r"no status for 2\.5 s"):
            alerts.wait(PATIENCE_S)
        line.signal(signal.SIGCONT)
        while not any(isinstance(notice, Restored) for notice in notices):
            assert alerts.wait(0.1) is None
        line.kill()
        with pytest.raises(LineSilent):
            alerts.wait(PATIENCE_S)
