"""One recording, one result: offline, and through a live service however fast it is fed. Real processes and sockets."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import PATIENCE_S, until_service

from adapters.client import request
from replay.recordings.files import open_reader, open_writer
from skypicket.children import Child, Family
from skypicket.cli import main

GOLDEN = Path(__file__).parent / "golden" / "airport-drones"
SECONDS = 20.0  # of event time: alerts for one zone, two levels of it
RATES = ("1", "10", "0")
WHO_SAID_IT = ("epoch", "seq", "source")  # all that may differ in live output
FREE = "tcp://127.0.0.1:*"
# As if on another machine: other hashes, other threads, and numpy's kernels of an older processor.
ENVIRONMENTS = (
    {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "4242", "OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Nehalem"},
)


@pytest.fixture
def family() -> Iterator[Family]:
    with Family() as children:
        yield children


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden site; its line is not tested, as tests are alerts too, and are numbered with them."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "zones.geojson").write_text((GOLDEN / "zones.geojson").read_text())
    (folder / "site.toml").write_text((GOLDEN / "site.toml").read_text() + "\n[alerts]\ntest_every_s = 0\n")
    return folder / "site.toml"


@pytest.fixture(scope="module")
def detections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seconds of the golden recording."""
    path = tmp_path_factory.mktemp("detections") / "detections.mcap"
    assert main(["simulate", "airport-drones", "--out", str(path), "--duration", str(SECONDS)]) == 0
    return path


@pytest.fixture(scope="module")
def disordered(detections: Path) -> Path:
    """The same as it might have arrived: each look late by up to nine tenths of a second, under the site's lateness."""
    path, chance = detections.parent / "disordered.mcap", random.Random(5)
    with open_reader(detections) as reader:
        arrived = sorted(
            (each.time_ns + chance.randrange(900_000_000), place, each) for place, each in enumerate(reader)
        )
    with open_writer(path) as writer:
        for arrival_ns, _, each in arrived:
            writer.write_payload(each.topic, each.payload, each.time_ns, arrival_ns)
    return path


@pytest.fixture(scope="module")
def offline(site: Path, detections: Path) -> Path:
    out = detections.parent / "offline.mcap"
    assert main(["track", str(detections), "--config", str(site), "--out", str(out)]) == 0
    return out


def told(path: Path) -> list[dict[str, Any]]:
    """Pictures, the last of each time, then alert steps, each once: without who said it."""
    pictures: dict[int, dict[str, Any]] = {}
    steps: dict[int, dict[str, Any]] = {}
    with open_reader(path) as reader:
        for record in reader:
            message = {key: value for key, value in record.message.items() if key not in WHO_SAID_IT}
            if record.kind == "tracks":
                pictures[message["time_ns"]] = message
            elif record.kind == "alert":
                steps[message["number"]] = message
    return [kept[key] for kept in (pictures, steps) for key in sorted(kept)]


def start(family: Family, site: Path, detections: Path, folder: Path, rate: str) -> tuple[Child, Child, dict[str, str]]:
    """A service of its own, recorded, into which the recording is being replayed."""
    words = [f"--{name}={FREE}" for name in ("ingest", "publish", "requests")]
    service = family.start(
        "serve", f"--config={site}", "--time=event", "--json", f"--data={folder / f'data-{rate}'}", *words
    )
    addresses: dict[str, str] = json.loads(service.wait_for(lambda line: line.startswith("{"), PATIENCE_S))
    recorder = family.start(
        "record", f"--from={addresses['publish']}", f"--requests={addresses['requests']}",
        f"--out={folder / f'{rate}.mcap'}",
    )  # fmt: skip
    recorder.wait_for(lambda line: "recording" in line, PATIENCE_S)
    player = family.start("replay", str(detections), f"--to={addresses['ingest']}", f"--rate={rate}")
    return player, recorder, addresses


def reported_up_to(addresses: dict[str, str], time_ns: int) -> bool:
    tracks = request(addresses["requests"], {"request": "snapshot"}, timeout_s=PATIENCE_S)["tracks"]
    return tracks is not None and tracks["time_ns"] >= time_ns


def test_live_output_is_that_of_the_offline_tracker_at_every_rate(
    family: Family, site: Path, detections: Path, disordered: Path, offline: Path, tmp_path: Path
) -> None:
    """Every picture and every alert step, to the last digit, at rates 1, 10 and as fast as possible; in whatever order
    the looks stand in the recording."""
    wanted = told(offline)
    assert {step["level"] for step in wanted if step["type"] == "alert"} >= {"predicted", "imminent"}
    newest_ns = max(message["time_ns"] for message in wanted if message["type"] == "tracks")
    runs = {rate: start(family, site, detections, tmp_path, rate) for rate in RATES}
    runs["0.0"] = start(family, site, disordered, tmp_path, "0.0")
    for rate, (player, recorder, addresses) in runs.items():
        player.wait_for(lambda line: "sent to" in line, PATIENCE_S)
        until_service(addresses["publish"], lambda addresses=addresses: reported_up_to(addresses, newest_ns))
        family.end(recorder)
        assert told(tmp_path / f"{rate}.mcap") == wanted, f"at rate {rate}"


def test_another_environment_gives_the_same_bytes(site: Path, detections: Path, offline: Path, tmp_path: Path) -> None:
    """`skypicket track` twice: other hash seeds, other numbers of threads, BLAS for another kind of processor."""
    wanted = offline.read_bytes()
    assert wanted
    children = []
    for number, changed in enumerate(ENVIRONMENTS):
        out = tmp_path / f"{number}.mcap"
        words = [sys.executable, "-m", "skypicket", "track", str(detections), "--config", str(site), "--out", str(out)]
        children.append((subprocess.Popen(words, env=os.environ | changed, stderr=subprocess.DEVNULL), out))
    for child, out in children:
        assert child.wait(PATIENCE_S) == 0
        assert out.read_bytes() == wanted
