"""The page of a score: whole, harmless whatever names it holds, and alive in a real browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.wire import Sender, read_alert, read_tracks, read_truth
from fusion.errors import RecordingError
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Place
from replay.page.curves import MOST_INSTANTS, Chart, Curve, chart_data
from replay.page.page import page, write_page
from replay.page.shell import inline_json
from replay.scoring.results import Score, ScoreOptions
from replay.scoring.run import Run, latest
from replay.scoring.score import score_run
from replay.scoring.volumes import read_zones

START_NS = 1_700_000_000 * SECOND_NS
PLANE = Plane(Place(47.5, 19.0, 0.0))
HOSTILE = "</script><script>document.title='owned'</script>"
LATE = "<img src=x onerror=document.title='owned'>"
SECONDS = 121
OPTIONS = ScoreOptions(c_m=20.0)
Rows = list[tuple[Any, float, float]]  # id, east and north in m


def columns(rows: Rows, **more: Any) -> dict[str, Any]:
    lat, lon, _ = PLANE.to_geodetic(np.array([(east, north, 0.0) for _, east, north in rows]).reshape(-1, 3))
    n = len(rows)
    velocity = {"east_mps": [0.0] * n, "north_mps": [50.0] * n, "up_mps": [0.0] * n}
    place = {"lat_deg": lat.tolist(), "lon_deg": lon.tolist(), "alt_m": [500.0] * n}
    return {"id": [name for name, _, _ in rows], **place, **velocity, **more}


def zone() -> dict[str, Any]:
    corners = [(-1000.0, 3000.0), (1000.0, 3000.0), (1000.0, 5000.0), (-1000.0, 5000.0), (-1000.0, 3000.0)]
    lat, lon, _ = PLANE.to_geodetic(np.array([(x, y, 0.0) for x, y in corners]))
    ring = [[float(a), float(b)] for a, b in zip(lon, lat, strict=True)]
    ring[-1] = ring[0]
    named = {"id": "field", "name": HOSTILE, "floor_m": 0.0, "ceiling_m": 1000.0, "state": "active"}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": named}


def alert(number: int, seconds: int, state: str, track: int) -> dict[str, Any]:
    position = {"lat_deg": 47.5, "lon_deg": 19.0, "alt_m": 500.0}
    return {
        "type": "alert", "time_ns": START_NS + seconds * SECOND_NS, "number": number, "alert": f"A{track}",
        "step": number, "zone": "field", "track": track, "tracks": [track], "level": "imminent", "state": state,
        "acknowledged": None, "probability": 0.9, "time_to_entry_s": None, "entry": None,
        "closest": {"distance_m": 0.0, "time_s": 60.0}, "track_status": "confirmed", "suppressed_until_ns": None,
        "position": position, "velocity": {"east_mps": 0.0, "north_mps": 50.0, "up_mps": 0.0}, "sensors": ["north"],
        "reason": HOSTILE, "test": False,
    }  # fmt: skip


def tracks_at(second: int) -> Rows:
    """Track 7 on the first object until 40 s, track 8 from 50 s on; 9 on the second; 13 nowhere from 80 to 99 s."""
    north = 50.0 * second
    rows: Rows = [(9, 5000.0 + (15.0 if second == 30 else 5.0), north)]
    rows += [(7, 5.0, north)] if second <= 40 else [(8, 5.0, north)] if second >= 50 else []
    return rows + ([(13, -3000.0, north)] if 80 <= second < 100 else [])


def flown() -> Run:
    """Two objects fly north, 5 km apart, the first into the zone after 60 s; its alert comes at 65 s."""
    sender, pictures, truth = Sender("test", epoch="e"), [], []
    for second in range(SECONDS):
        time_ns, north = START_NS + second * SECOND_NS, 50.0 * second
        shown = tracks_at(second)
        told = columns(shown, status=["confirmed"] * len(shown), covariance=covariance(len(shown)))
        body = {"type": "tracks", "time_ns": time_ns, "columns": told}
        pictures.append(read_tracks(sender.stamp("tracks", body)))
        there = columns([(HOSTILE, 0.0, north), (LATE, 5000.0, north)])
        truth.append(read_truth(sender.stamp("truth", {"type": "truth", "time_ns": time_ns, "columns": there})))
    steps = [
        alert(1, 10, "raised", 7),
        alert(2, 15, "cleared", 7),
        alert(3, 65, "raised", 8),
        alert(4, 110, "cleared", 8),
    ]
    steps.append(alert(5, 85, "raised", 13))
    alerts = tuple(read_alert(sender.stamp("alert.field.imminent", step)) for step in steps)
    return Run(latest(pictures), tuple(truth), (read_zones({"time_ns": START_NS, "features": [zone()]}),), alerts)


def covariance(n: int) -> list[list[float]]:
    """Honest for an error of 5 m: 5 m to each side."""
    rows, places = [0.0] * 21, np.cumsum([0, 6, 5, 4, 3, 2])
    for place in places:
        rows[place] = 25.0
    return [rows] * n


@pytest.fixture(scope="module")
def run() -> Run:
    return flown()


@pytest.fixture(scope="module")
def score(run: Run) -> Score:
    return score_run(run, OPTIONS)


@pytest.fixture(scope="module")
def text(run: Run, score: Score) -> str:
    return page(run, score, f"A & B {HOSTILE}")


@pytest.fixture(scope="module")
def file(text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "score.html"
    out.write_text(text, encoding="utf-8")
    return out


class Parsed(HTMLParser):
    """Collects tags left open, everything that a page would load, and where its links lead."""

    VOID = ("meta", "img", "source", "input", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "srcset")]
        self.links += [value or "" for name, value in attrs if name == "href"]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_escapes_names_and_loads_nothing(text: str) -> None:
    parsed = Parsed()
    parsed.feed(text)
    assert parsed.open == []
    assert parsed.tags.count("script") == text.count("<script") == 6  # data, two libraries, three of ours
    assert "link" not in parsed.tags
    assert parsed.loaded
    assert all(value.startswith("data:image/png;base64,") for value in parsed.loaded)
    assert parsed.links
    assert all(re.fullmatch(r"#t=[\d.]+(&at=-?\d+,-?\d+)?", link) for link in parsed.links)
    assert "A &amp; B &lt;/script&gt;" in text
    assert HOSTILE not in text
    assert LATE not in text
    styles = "".join(re.findall(r"<style>.*?</style>", text, re.DOTALL))
    assert "prefers-color-scheme: dark" in styles
    assert "url(" not in styles
    assert "@import" not in styles


def test_the_policy_names_every_script_and_lets_nothing_load(text: str) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 5
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_the_page_carries_the_licences_of_the_libraries_in_it(text: str) -> None:
    assert "Permission is hereby granted" in text
    assert "Redistributions of source code" in text


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path, run: Run, score: Score) -> None:
    write_page(tmp_path / "score.html", run, score)
    assert (tmp_path / "score.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(RecordingError, match="cannot be written"):
        write_page(tmp_path / "no" / "score.html", run, score)


def test_json_in_a_script_comes_back_as_it_was() -> None:
    told = {"name": HOSTILE + "<!-- \u2028 & é 中", "x": [1, 2.5, None]}
    inline = inline_json(told)
    assert not set("<>&\u2028") & set(inline)
    assert json.loads(inline) == told
    with pytest.raises(ValueError, match="JSON compliant"):
        inline_json({"x": float("nan")})


def test_the_worst_moments_are_those_that_were_made(text: str) -> None:
    rows = re.findall(r'<td class=n><a href="#t=([\d.]+)[^>]*>[^<]*</a></td><td>([^<]*)</td><td>(.*?)</td></tr>', text)
    found = [(kind, float(at), re.sub("<[^>]+>", "", words)) for at, kind, words in rows]
    by_kind = {kind: (at, words) for kind, at, words in reversed(found)}
    assert by_kind["miss"][0] == 41.0
    assert "no track for 9.0 s, after track 7" in by_kind["miss"][1]
    assert by_kind["identity switch"][0] == 50.0
    assert "from track 7 to track 8, 10.0 s" in by_kind["identity switch"][1]
    assert by_kind["false track"][0] == 80.0
    assert "track 13 shown for 20.0 s" in by_kind["false track"][1]
    assert by_kind["late alert"][0] == pytest.approx(60.0, abs=0.1)
    assert "5.0 s late" in by_kind["late alert"][1]
    assert by_kind["nuisance alert"][0] == 85.0
    assert by_kind["largest error"][0] == by_kind["worst NEES"][0] == 30.0
    assert "15.0 m off" in by_kind["largest error"][1]
    assert "NEES 4.5 per degree" in by_kind["worst NEES"][1]  # (15/5)² over two dimensions
    assert "largest GOSPA" in by_kind


def test_a_run_without_fault_has_no_moment_but_its_largest_error(run: Run) -> None:
    calm = Run(run.pictures[:20], run.truth[:20])
    text = page(calm, score_run(calm, OPTIONS))
    kinds = re.findall(r"</a></td><td>([^<]*)</td>", text)
    assert set(kinds) == {"largest error", "worst NEES"}


def test_more_instants_than_a_screen_has_columns_keep_their_worst() -> None:
    n = 3 * MOST_INSTANTS
    values = np.zeros(n)
    values[4000] = 7.0
    found, notes = chart_data([Chart("a", "", [Curve("a", values, "one")])], np.arange(n) * SECOND_NS, 0, values)
    assert len(found["t"]) == MOST_INSTANTS
    assert max(found["charts"][0]["curves"][0]["values"]) == 7.0
    assert found["t"][found["charts"][0]["curves"][0]["values"].index(7.0)] == 4000.0
    assert "each 3 instants" in notes[0]


LIT = "document.getElementById('map').dataset.lit"
TIME = "document.documentElement.dataset.time"
MIDDLE = "(() => {const c = map.map.getCenter(); return [c.lng, c.lat]})()"
LINKS = "[...document.querySelectorAll('.moments a')]"
INK = """[...document.querySelectorAll('canvas')].filter(c => c.width && c.getContext('2d')
    .getImageData(0, 0, c.width, c.height).data.some(v => v)).length"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [(1280, 900), (390, 800)])
def test_a_browser_draws_it_without_a_complaint(browser: Any, file: Path, size: tuple[int, int], dark: bool) -> None:
    browser.open(file, size=size, dark=dark)
    drawn = int(browser.evaluate("document.documentElement.dataset.ready"))
    assert drawn == browser.evaluate("document.querySelectorAll('figure').length") >= 4
    browser.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert browser.evaluate(INK) > drawn  # every chart, and the map
    assert browser.evaluate("document.title").startswith("A & B")
    assert browser.evaluate("document.documentElement.scrollWidth") <= size[0]
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(18, 21, 26)" if dark else "rgb(255, 255, 255)")
    assert browser.said == []


def test_a_fragment_sets_the_time_and_moves_the_map(browser: Any, file: Path, text: str) -> None:
    (link, east, north), *_ = re.findall(r'href="(#t=80&at=(-?\d+),(-?\d+))"', text)  # where track 13 begins
    browser.open(file, link)
    assert browser.evaluate(TIME) == "80"
    assert browser.evaluate("document.getElementById('time').value") == "80"
    assert browser.evaluate("document.querySelector('output').textContent").startswith("80.0 s · 2023-11-14 22:14:40")
    assert browser.evaluate("curves.time") == 80
    assert browser.evaluate("document.querySelector('.lanes').style.getPropertyValue('--now')") == "80"
    assert int(browser.evaluate(LIT)) == 5  # two objects, tracks 8, 9 and 13
    at_east, at_north = browser.evaluate(MIDDLE)
    assert abs(at_east - float(east)) < 10.0
    assert abs(at_north - float(north)) < 1000.0  # in the middle of what it flew from then on
    browser.open(file)
    assert abs(browser.evaluate(MIDDLE)[0] - float(east)) > 3000.0
    assert browser.said == []


def test_a_link_and_the_slider_set_the_time_and_the_address(browser: Any, file: Path) -> None:
    browser.open(file)
    assert browser.evaluate(TIME) is None
    browser.evaluate(f"{LINKS}.find(a => a.closest('tr').textContent.includes('identity switch')).click()")
    assert browser.evaluate(TIME) == "50"
    assert browser.evaluate("location.hash").startswith("#t=50&at=")
    assert browser.evaluate("document.querySelectorAll('tr.chosen').length") == 1
    browser.evaluate(
        "(() => {const s = document.getElementById('time'); s.value = 12; s.dispatchEvent(new Event('input'))})()"
    )
    assert browser.evaluate(TIME) == "12"
    assert browser.evaluate("location.hash") == "#t=12"
    browser.evaluate("document.getElementById('clear').click()")
    assert browser.evaluate(TIME) is None
    assert browser.said == []


@pytest.mark.parametrize(
    "fragment", ["#t=", "#t=x", "#t=1e999", "#at=1,2", "#t=-5", "#t=99999999", "#t=3&at=<b>,2", "#%"]
)
def test_a_fragment_that_makes_no_sense_does_no_harm(browser: Any, file: Path, fragment: str) -> None:
    browser.open(file, fragment)
    assert int(browser.evaluate("document.documentElement.dataset.ready")) >= 4
    assert browser.said == []


def test_pointing_at_a_track_tells_which_it_is_when_and_how_wrong(browser: Any, file: Path) -> None:
    browser.open(file)
    places = "const p = map.paths.find(p => p.track && p.name === '9')"
    point = browser.evaluate(f"(() => {{{places}; const q = map.map.latLngToContainerPoint(p.at[30]);"
        "const r = map.place.getBoundingClientRect(); return [r.left + q.x, r.top + q.y]})()")  # fmt: skip
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=point[0], y=point[1])
    browser.evaluate("new Promise(done => setTimeout(done, 100))")
    told = browser.evaluate("document.querySelector('.leaflet-tooltip-top:not(.zone-name)').textContent")
    assert "track 9" in told
    assert "error" in told
    assert browser.said == []
