from __future__ import annotations

import io
import json
from typing import Any

import pytest

from skypicket.show import Printer, clock, headline, json_printer

ALERT: dict[str, Any] = {
    "v": 1,
    "type": "alert",
    "source": "valley",
    "seq": 3,
    "epoch": "e",
    "time_ns": 1_777_885_203_000_000_000,
    "number": 7,
    "alert": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "step": 2,
    "zone": "runway",
    "track": 71,
    "tracks": [71],
    "level": "imminent",
    "state": "updated",
    "acknowledged": None,
    "probability": 0.934,
    "time_to_entry_s": {"p10": 12.2, "p50": 18.4, "p90": 25.0},
    "entry": None,
    "track_status": "confirmed",
    "reason": "Track 71 is heading for the runway.",
    "test": False,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def text(**changes: object) -> str:
    return "".join(part for part, _ in headline({**ALERT, **changes}))


def printed(stream: io.StringIO, *changes: dict[str, object]) -> list[str]:
    printer = Printer(stream)
    for change in changes:
        printer({**ALERT, **change})
    return stream.getvalue().splitlines()


def test_a_headline_says_when_how_grave_where_and_how_soon():
    assert text() == "09:00:03   IMMINENT     runway  entry in 18 s (12 to 25 s), 93 %"
    assert text(level="infringing").endswith("runway  inside")
    assert text(level="infringing", track_status="lost inside").endswith("inside, lost inside")
    assert text(state="cleared") == "09:00:03   CLEARED      runway  was imminent"
    assert text(time_to_entry_s=None).endswith("runway  93 %")
    assert text(acknowledged={"who": "Eva", "time_ns": 1, "note": ""}).endswith("acknowledged by Eva")


def test_a_test_of_the_line_looks_like_no_alert():
    assert text(test=True, zone="line-test", state="raised") == "09:00:03   TEST         line-test  raised"
    assert text(test=True, zone="line-test", state="cleared") == "09:00:03   TEST         line-test  cleared"


def test_the_clock_is_utc():
    assert clock(0) == "00:00:00"
    assert clock(86_399_999_999_999) == "23:59:59"


def test_what_is_new_gets_its_reason_and_an_update_one_line():
    raised, again, graver = {"state": "raised", "level": "predicted"}, {"level": "predicted"}, {}
    cleared = {"state": "cleared"}
    lines = printed(io.StringIO(), raised, again, graver, cleared)
    assert [line.strip() == ALERT["reason"] for line in lines] == [False, True, False, False, True, False, True]


def test_an_alert_that_comes_again_after_it_cleared_is_new():
    lines = printed(io.StringIO(), {}, {"state": "cleared"}, {})
    assert len(lines) == 6


def test_a_terminal_gets_colours_and_everything_else_none(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in "\n".join(printed(Terminal(), {}))
    assert "\x1b[" not in "\n".join(printed(io.StringIO(), {}))


def test_markup_in_a_message_is_only_text():
    lines = "\n".join(printed(Terminal(), {"reason": "[bold]not bold[/bold]"}))
    assert "[bold]not bold[/bold]" in lines


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_json_is_one_line_with_the_whole_message(stream):
    json_printer(stream)(ALERT)
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == ALERT
