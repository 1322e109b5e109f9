"""`skypicket replay` as a process: at a real terminal, by its request socket, into a real service."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from waiting import PATIENCE_S, until_service

from adapters.client import Forgotten, Listener, Notice, RequestRefused, Restart, request, subscribe
from adapters.wire import decode, unpack
from fusion.types import SECOND_NS
from replay.recordings.files import open_reader, open_writer
from skypicket.children import Child, Family
from skypicket.cli import main

SITE = Path(__file__).parents[2] / "adapters/simulated/scenarios/airport-drones/site.toml"
START_NS = 1_700_000_000 * SECOND_NS
FREE = "tcp://127.0.0.1:*"
RIGHT, LEFT, UP = b"\x1b[C", b"\x1b[D", b"\x1b[A"


def frame(seq: int, at_s: float) -> dict[str, Any]:
    message = {"v": 1, "type": "frame", "source": "sim", "seq": seq, "epoch": "first", "sensor": "north"}
    return {**message, "time_ns": START_NS + round(at_s * SECOND_NS), "columns": {"range_m": [1.0]}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A message each tenth of a second of an hour."""
    with open_writer(tmp_path / "hour.mcap") as writer:
        for seq in range(36_000):
            writer.write("frame.north", frame(seq, seq / 10.0), START_NS)
    return tmp_path / "hour.mcap"


class Pull:
    """A service's place: what was sent to it."""

    def __init__(self) -> None:
        self._socket = zmq.Context.instance().socket(zmq.PULL)
        self.address = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"

    def next(self) -> dict[str, Any]:
        assert self._socket.poll(round(PATIENCE_S * 1000))
        return decode(self._socket.recv_multipart()[1])

    def silent(self, seconds: float) -> bool:
        return not self._socket.poll(round(seconds * 1000))

    def drain(self, last: dict[str, Any]) -> dict[str, Any]:
        """What is still on its way to here, until nothing came for a while: the last of it, or `last`."""
        end = time.monotonic() + PATIENCE_S
        while self._socket.poll(1500):
            assert time.monotonic() < end, "it does not stop"
            last = decode(self._socket.recv_multipart()[1])
        return last

    def close(self) -> None:
        self._socket.close(0)


@pytest.fixture
def pull() -> Iterator[Pull]:
    opened = Pull()
    yield opened
    opened.close()


def at_s(message: dict[str, Any]) -> float:
    return (message["time_ns"] - START_NS) / SECOND_NS


class Terminal:
    """A pseudo-terminal with a shell that runs one command in the foreground, as a person's does."""

    def __init__(self, *words: str) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.before = self.mode()
        command = " ".join([sys.executable, "-m", "skypicket", *words])
        script = f"set -m; {command}; echo CODE $?; while read line; do fg; echo CODE $?; done"
        self._shell = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, "bash", "-c", script],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
            start_new_session=True,
        )
        self.text = ""

    def mode(self) -> list[Any]:
        return termios.tcgetattr(self._slave)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def until(self, pattern: str) -> None:
        """Read on until something is shown that was not before."""
        end, start = time.monotonic() + PATIENCE_S, len(self.text)
        while not re.search(pattern, self.text[start:]):
            assert time.monotonic() < end, self.text[start:]
            if select.select([self._master], [], [], 0.1)[0]:
                self.text += os.read(self._master, 65_536).decode("utf-8", "replace")

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._shell.kill()
        self._shell.wait()
        os.close(self._slave)  # what still runs there gets a hang-up
        os.close(self._master)


OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*words: str) -> Terminal:
        opened.append(Terminal(*words))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def test_keys_step_pause_seek_and_end_and_the_terminal_is_as_before(terminal, path, pull):
    shell = terminal("replay", str(path), "--to", pull.address, "--start-paused", "--rate", "2")
    shell.until(r"paused +2023-11-14 22:13:20\.0Z .* 0:00:00 / 0:59:59")
    assert shell.mode() != shell.before
    assert pull.silent(0.2)
    shell.type(RIGHT + RIGHT)
    assert [at_s(pull.next()) for _ in range(2)] == [0.0, 0.1]
    shell.type(UP)
    shell.until("×2.2")
    shell.type(b" ")
    shell.until("playing")
    first = pull.next()
    assert (at_s(first), first["seq"]) == (0.2, 2)
    shell.type(RIGHT)  # while it plays: 10 s on
    while (found := pull.next())["epoch"] == first["epoch"]:
        pass
    assert 10.0 < at_s(found) < 60.0
    assert found["seq"] == 0
    shell.type(LEFT)
    while (again := pull.next())["epoch"] == found["epoch"]:
        pass
    assert (at_s(again) < 60.0, again["seq"]) == (True, 0)
    shell.type(b"q")
    shell.until(r"messages sent to .*\n.*pacing error: p50 .* ms, p99 .* ms, max .* ms\r?\n.*CODE 0")
    assert shell.mode() == shell.before


def test_control_z_gives_the_terminal_back_and_fg_takes_it_and_goes_on_where_it_was(terminal, path, pull):
    shell = terminal("replay", str(path), "--to", pull.address)
    shell.until("playing")
    first = pull.next()
    shell.type(b"\x1a")
    shell.until("CODE 1[0-9]+")  # the shell speaks again
    assert shell.mode() == shell.before
    last = pull.drain(first)
    shown, gone_on = shell.text, time.monotonic()
    shell.type(b"\n")
    shell.until("playing")
    assert shell.mode() != shell.before
    for step in range(1, 16):
        found = pull.next()
        assert (found["epoch"], found["seq"]) == (last["epoch"], last["seq"] + step)
        # what the stop took is not made up for (half a second of being late before it may be)
        assert at_s(found) - at_s(last) <= time.monotonic() - gone_on + 0.6
    shell.type(b"\x03")
    shell.until("CODE 0")
    assert shell.mode() == shell.before
    assert "Traceback" not in shell.text + shown


def test_an_error_while_it_plays_leaves_the_terminal_as_it_was(terminal, tmp_path, pull):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(frame(0, 0.0)) + "\n" + json.dumps(frame(1, 0.3)) + "\n")
    shell = terminal("replay", str(path), "--to", pull.address, "--loop")
    pull.next()
    path.unlink()  # for the second pass
    shell.until("CODE 3")
    assert "cannot be read" in shell.text
    assert shell.mode() == shell.before


@pytest.fixture
def family() -> Iterator[Family]:
    with Family() as children:
        yield children


def serve(family: Family, data: Path) -> dict[str, str]:
    words = [f"--{name}={FREE}" for name in ("ingest", "publish", "requests")]
    child = family.start("serve", f"--config={SITE}", "--time=event", "--json", f"--data={data}", *words)
    found: dict[str, str] = json.loads(child.wait_for(lambda line: line.startswith("{"), 120.0))
    return found


def asker(player: Child) -> Callable[..., Any]:
    line = player.wait_for(lambda text: "requests at" in text, PATIENCE_S)
    address = line.split()[-1]
    return lambda name, **values: request(address, {"request": name, **values}, timeout_s=PATIENCE_S)


@pytest.fixture(scope="module")
def drones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recorded") / "drones.mcap"
    assert main(["simulate", "airport-drones", "--duration", "24", "--out", str(out)]) == 0
    return out


def counts(snapshot: dict[str, Any], key: str) -> int:
    return sum(sensor[key] for name, sensor in snapshot["status"]["sensors"].items() if name != "_truth")


def test_a_seek_back_starts_a_new_picture_in_a_real_service_and_loses_and_rejects_nothing(family, drones, tmp_path):
    addresses = serve(family, tmp_path / "data")
    listener = Listener(addresses["publish"], ("tracks", "frame."))
    player = family.start(
        "replay", str(drones), f"--to={addresses['ingest']}", "--requests=tcp://127.0.0.1:*", "--start-paused"
    )
    ask = asker(player)

    def snapshot() -> Any:
        return request(addresses["requests"], {"request": "snapshot"}, timeout_s=PATIENCE_S)

    def all_taken() -> Any:
        found = snapshot()
        taken = sum(sensor["frames"] for sensor in found["status"]["sensors"].values())
        return found if taken == ask("position")["sent"] else None

    assert ask("position")["start_ns"]
    ask("burst", messages=250)
    first = until_service(addresses["publish"], all_taken)
    before = first["tracks"]
    assert before["columns"]["id"]
    ask("seek", offset_s=5.0)
    ask("burst", messages=120)
    second = until_service(addresses["publish"], all_taken)
    after = second["tracks"]
    assert after["time_ns"] < before["time_ns"]  # a new picture, at the time that was sought
    assert after["columns"]["id"]
    assert not {*before["columns"]["id"]} & {*after["columns"]["id"]}
    ask("seek", offset_s=18.0)
    ask("burst", messages=60)
    last = until_service(addresses["publish"], all_taken)
    assert [counts(last, key) for key in ("rejected", "duplicates", "gaps", "late")] == [0, 0, 0, 0]
    ask("resume")
    with pytest.raises(RequestRefused, match=r"state: .* allowed is step while it is paused"):
        ask("step")
    heard: dict[str, list[tuple[str, int]]] = {}
    while sum(map(len, heard.values())) < counts(last, "frames"):
        found = listener.receive(PATIENCE_S)
        assert found is not None
        topic, payload = found
        if topic.startswith("frame."):
            message = unpack(payload)
            heard.setdefault(topic, []).append((message["epoch"], message["seq"]))
    listener.close()
    for stream in heard.values():
        epochs = list(dict.fromkeys(epoch for epoch, _ in stream))
        assert len(epochs) == 3
        for each in epochs:
            seqs = [seq for epoch, seq in stream if epoch == each]
            assert seqs == list(range(len(seqs)))


def test_everything_of_a_recording_is_published_with_a_clock(family, tmp_path):
    path = tmp_path / "all.jsonl"
    kinds = ("frame", "tracks", "status", "zones", "truth", "alert")
    rest = {"zone": "a", "level": "imminent", "last": {"tracks": 1000}}
    messages = [frame(1000 + seq, seq) | {"type": kind} | rest for seq in range(30) for kind in kinds]
    path.write_text("".join(json.dumps(message) + "\n" for message in messages))
    address = f"tcp://127.0.0.1:{free_port()}"
    words = (f"--publish={address}", "--wait-for-subscribers", "--clock", "50", "--rate", "60")
    player = family.start("replay", str(path), *words)
    listener = Listener(address)
    heard: dict[str, list[Any]] = {}
    while player.code is None or not heard:
        found = listener.receive(0.2)
        if found is not None:
            heard.setdefault(found[0], []).append(unpack(found[1]))
    listener.close()
    clocks = [message["time_ns"] for message in heard.pop("clock")]
    assert player.code == 0, player.words
    assert sorted(heard) == ["alert.a.imminent", "frame.north", "status", "tracks", "truth", "zones"]
    assert all([message["seq"] for message in stream] == list(range(30)) for stream in heard.values())
    assert {message["last"]["tracks"] for message in heard["status"]} == {0}
    assert clocks == sorted(clocks)
    assert len(clocks) > 5


def test_a_subscriber_of_a_replay_gets_every_alert_of_every_pass(family, tmp_path):
    """A pass is a new run of the service that was recorded, and the numbers of its steps go on as a journal's do."""
    out, wanted = tmp_path / "tracks.mcap", []
    assert main(["simulate", "airport-drones", "--duration", "60", "--out", str(tmp_path / "in.mcap")]) == 0
    assert main(["track", str(tmp_path / "in.mcap"), "--config", str(SITE), "--out", str(out)]) == 0
    with open_reader(out) as reader:
        for record in reader:
            if record.topic.startswith("alert.") and record.message["number"] not in wanted:
                wanted.append(record.message["number"])
    address = f"tcp://127.0.0.1:{free_port()}"
    words = (f"--publish={address}", f"--requests={FREE}", "--wait-for-subscribers", "--loop", "--rate", "30")
    line = family.start("replay", str(out), *words).wait_for(lambda text: "requests at" in text, PATIENCE_S)
    notices: list[Notice] = []
    with subscribe(address, requests=line.split()[-1], silence_s=None, report=notices.append) as alerts:
        for times in range(3):
            numbers = [alerts.wait(PATIENCE_S)["number"] for _ in wanted]
            assert numbers == [times * max(wanted) + number for number in wanted]
    assert {type(notice) for notice in notices} == {Restart, Forgotten}  # what was open at the end of a pass


def free_port() -> int:
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        return socket.bind_to_random_port("tcp://127.0.0.1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--start-paused", "--disable-keyboard-controls"], "with a terminal, or with --requests"),
        (["--clock"], "with --publish ADDRESS"),
        (["--regex", "("], "a regular expression"),
        (["--remap", "truth:=frame.a"], "frame.SENSOR:=frame.SENSOR"),
        (["--to", "nowhere"], "tcp://HOST:PORT"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(words, told, drones, capsys):
    assert main(["replay", str(drones), *words]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["-r", "1", "--as-fast-as-possible"], ["--playback-until-sec", "soon"], ["-d", "-1"]]
)
def test_what_cannot_be_read_is_refused_by_the_parser(words, drones):
    with pytest.raises(SystemExit) as refused:
        main(["replay", str(drones), *words])
    assert refused.value.code == 2
