"""What the tracker said of two recordings once, it says again, on any machine, until somebody changes it on purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.wire.tables import DECIMALS
from replay.recordings.files import open_reader
from skypicket.cli import main

GOLDEN = Path(__file__).parents[1] / "golden"
RUNS = sorted(path.name for path in GOLDEN.iterdir())
TOLERANCE = 1e-6  # last bits change with processors and numpy
SECONDS_AND_METRES = 3  # decimals of them in an alert step
SENT = ("epoch", "seq", "source")  # who said it, not what is said
REMAKE = """If this change is meant, remake what is expected, and say in the commit what changed and why:

  .venv/bin/skypicket track tests/golden/{0}/detections.mcap --config tests/golden/{0}/site.toml \\
      --out tests/golden/{0}/expected.mcap

The first of {1} differences:
{2}"""


def said(path: Path) -> list[tuple[str, dict[str, Any]]]:
    with open_reader(path) as reader:
        return [(record.topic, record.message) for record in reader]


def differences(got: Any, wanted: Any, where: str = "") -> Iterator[str]:
    """Every place at which two messages differ: words and whole numbers at all, other numbers beyond the tolerance."""
    if isinstance(wanted, bytes) and isinstance(got, bytes):
        got, wanted = (np.frombuffer(column, "<f8").tolist() for column in (got, wanted))
    if isinstance(wanted, dict) and isinstance(got, dict) and list(got) == list(wanted):
        for key in wanted:
            if where or key not in SENT:
                yield from differences(got[key], wanted[key], f"{where}.{key}" if where else key)
    elif isinstance(wanted, list | tuple) and isinstance(got, list | tuple) and len(got) == len(wanted):
        for place, pair in enumerate(zip(got, wanted, strict=True)):
            yield from differences(*pair, f"{where}[{place}]")
    elif type(got) is not type(wanted) or (got != wanted and not close(got, wanted, where)):
        yield f"  {where} is {got!r}, was {wanted!r}"


def close(got: Any, wanted: Any, where: str) -> bool:
    """Within 1e-6, of the number where it is above 1; or within the last digit that is written, where that is more."""
    if not isinstance(wanted, float):
        return False
    name = re.findall(r"[a-z_]+[a-z0-9_]*", where)[-1]
    decimals = DECIMALS.get(name, SECONDS_AND_METRES if name in ("p10", "p50", "p90", "time_s", "distance_m") else 6)
    digit = 1.01 * 10.0**-decimals
    if name.endswith("_deg"):  # 1e-6 of 48 degrees would be five metres
        return abs(got - wanted) <= digit
    return abs(got - wanted) <= max(digit, TOLERANCE * abs(wanted))


@pytest.mark.parametrize("name", RUNS)
def test_a_golden_recording_is_tracked_as_ever(name: str, tmp_path: Path) -> None:
    """Ids, statuses and alert steps exactly; numbers to 1e-6."""
    folder, out = GOLDEN / name, tmp_path / "out.mcap"
    assert (
        main(["track", str(folder / "detections.mcap"), "--config", str(folder / "site.toml"), "--out", str(out)]) == 0
    )
    got, wanted = said(out), said(folder / "expected.mcap")
    found = [f"  message {i} is on {a}, was on {b}" for i, (a, b) in enumerate(zip_topics(got, wanted)) if a != b]
    if not found:
        for (topic, message), (_, expected) in zip(got, wanted, strict=True):
            place = f"{topic} at {expected['time_ns']}:"
            found += [place + text for text in differences(message, expected)]
    assert not found, REMAKE.format(name, len(found), "\n".join(found[:10]))


def zip_topics(got: list[tuple[str, Any]], wanted: list[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    for place in range(max(len(got), len(wanted))):
        yield tuple(run[place][0] if place < len(run) else "nothing" for run in (got, wanted))  # type: ignore[misc]


def test_the_golden_recordings_hold_what_can_go_wrong() -> None:
    """Radars, cameras and transponders; tracks that are confirmed and that end; alerts of each level."""
    frames = {message["sensor"] for name in RUNS for topic, message in said(GOLDEN / name / "detections.mcap")
              if topic.startswith("frame.")}  # fmt: skip
    out = [entry for name in RUNS for entry in said(GOLDEN / name / "expected.mcap")]
    columns = [message["columns"] for topic, message in out if topic == "tracks"]
    assert {"tower", "camera-east", "alps", "beacon"} <= frames
    assert {status for each in columns for status in each["status"]} >= {"tentative", "confirmed", "ended"}
    assert any(identity for each in columns for identity in each["identity"])
    alerts = [message for topic, message in out if topic.startswith("alert.")]
    assert {alert["level"] for alert in alerts} == {"predicted", "imminent", "infringing"}
    assert {alert["state"] for alert in alerts} >= {"raised", "updated"}


@pytest.mark.parametrize(
    ("change", "caught"),
    [
        (lambda c: c["id"].__setitem__(0, c["id"][0] + 1), True),
        (lambda c: c["status"].__setitem__(0, "coasting"), True),
        (lambda c: c["lat_deg"].__setitem__(0, c["lat_deg"][0] + 1e-7), True),
        (lambda c: c["east_mps"].__setitem__(0, c["east_mps"][0] * (1.0 + 1e-5)), True),
        (lambda c: c["hits"].pop(), True),
        (lambda c: c["alt_m"].__setitem__(0, c["alt_m"][0] * (1.0 + 1e-8)), False),
    ],
)
def test_a_planted_difference_is_found(change: Any, caught: bool) -> None:
    one, other = (next(m for t, m in reversed(said(GOLDEN / RUNS[0] / "expected.mcap")) if t == "tracks") for _ in "ab")
    change(one["columns"])
    assert bool(list(differences(one, other))) is caught
