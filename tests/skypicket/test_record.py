"""`skypicket record` as a process of its own, under load: killed, out of room, asked to end."""

from __future__ import annotations

import os
import re
import resource
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader
from waiting import PATIENCE_S, until

from adapters.line.publish import Publisher
from adapters.line.requests import RequestServer, snapshot_result
from adapters.wire import Message, Sender
from fusion.errors import RecordingError
from replay.recordings.files import inspect, open_reader
from replay.recordings.recover import recover
from replay.recordings.rotation import numbered_parts
from skypicket.cli import main

S = 1_000_000_000
FREE = "tcp://127.0.0.1:*"
ROOM_BYTES = 300_000
SITE = Path(__file__).parents[2] / "adapters" / "simulated" / "scenarios" / "airport-drones" / "site.toml"


class Line:
    """Publishes 2 000 messages a second from a thread, of a kilobyte each that does not compress, and answers
    snapshots, until it is closed."""

    RATE = 2000

    def __init__(self) -> None:
        self.publisher = Publisher(FREE, Sender("service", "e1"))
        self.zones = self.publisher.sender.stamp("zones", {"type": "zones", "time_ns": time.time_ns(), "features": []})
        self.requests = RequestServer(FREE, {"snapshot": self._snapshot})
        self.sent: list[int] = []
        self._done = threading.Event()
        self._spoke = threading.Condition()
        self._thread = threading.Thread(target=self._speak)
        self._thread.start()

    def close(self) -> None:
        self._done.set()
        self._thread.join()
        self.publisher.close()
        self.requests.close()

    def speaks_on(self, messages: int = 200) -> None:
        """Wait until it has published so many more."""
        number = len(self.sent) + messages
        with self._spoke:
            assert self._spoke.wait_for(lambda: len(self.sent) >= number, PATIENCE_S)

    def _speak(self) -> None:
        pads = [secrets.token_hex(500) for _ in range(64)]
        begun = time.monotonic()
        while not self._done.wait(0.005):
            self.requests.serve()
            for _ in range(round((time.monotonic() - begun) * self.RATE) - len(self.sent)):
                body: Message = {"type": "tracks", "time_ns": time.time_ns(), "columns": {}}
                self.publisher.publish("tracks", body | {"pad": pads[len(self.sent) % 64]})
                self.sent.append(body["time_ns"])
            with self._spoke:
                self._spoke.notify_all()

    def _snapshot(self) -> Message:
        result = snapshot_result(
            self.publisher.sender, number=0, tracks=None, zones=self.zones, alerts=[], status={"version": "7"}
        )
        return result | {"started_ns": 5 * S}


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


@contextmanager
def recorder(line: Line, out: Path, *more: str, limit: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """A recorder of what the line says; the files that it writes may have at most `limit` bytes."""

    def confine() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    words = [f"--from={line.publisher.address}", f"--requests={line.requests.address}", f"--out={out}", *more]
    child = subprocess.Popen(
        [sys.executable, "-m", "skypicket", "record", *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=confine,
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def seqs(path: Path) -> list[int]:
    """Of the messages that came, not of those that were there when it began."""
    with open_reader(path) as reader:
        return [each.sequence or each.message["seq"] for each in reader if each.topic == "tracks"]


def has(path: Path, messages: int) -> bool:
    try:
        return inspect(path).messages >= messages
    except RecordingError:
        return False


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_a_killed_recorder_loses_at_most_the_last_second(ending: str, line: Line, tmp_path: Path) -> None:
    path = tmp_path / f"run.{ending}"
    with recorder(line, path) as child:
        until(lambda: path.exists() and has(path, 1500), line.speaks_on)
        killed_ns = time.time_ns()
        child.send_signal(signal.SIGKILL)
        child.wait()
    found = seqs(path)
    assert found == list(range(found[0], found[0] + len(found)))
    late_s = (killed_ns - line.sent[found[-1]]) / S
    assert late_s < 2.0  # one second, and another for a machine that is busy with something else
    if ending == "mcap":
        assert inspect(path).truncated
        assert recover(path, tmp_path / "whole.mcap").messages >= len(found)
        with (tmp_path / "whole.mcap").open("rb") as file:
            summary = make_reader(file, validate_crcs=True).get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert summary.statistics.message_count >= len(found)


def mounted(folder: Path) -> bool:
    """A disk of its own, as large as the room that there is. Only root may."""
    if os.geteuid() != 0:
        return False
    words = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "tmpfs", str(folder)]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@pytest.fixture(params=["a full disk", "a limit of file sizes"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, int | None]]:
    """A folder with little room in it, or one where no file may be large."""
    folder = tmp_path / "small"
    folder.mkdir()
    if request.param == "a limit of file sizes":
        yield folder, ROOM_BYTES
        return
    if not mounted(folder):
        pytest.skip("this user cannot mount a small disk; the limit of file sizes is tried instead")
    try:
        yield folder, None
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_without_room_it_stops_says_so_and_what_is_there_stays_readable(
    ending: str, room: tuple[Path, int | None], line: Line
) -> None:
    folder, limit = room
    path = folder / f"run.{ending}"
    with recorder(line, path, limit=limit) as child:
        told, _ = child.communicate(timeout=PATIENCE_S)
        ended_ns = time.time_ns()
    assert child.returncode == 3
    assert ("No space left on device" if limit is None else "File too large") in told
    assert str(path) in told
    found, report = seqs(path), inspect(path)
    assert found == list(range(found[0], found[0] + len(found)))
    taken, lost = re.search(r"^([0-9,]+) messages, the last ([0-9,]+) without room", told, re.M).groups()  # type: ignore[union-attr]
    assert int(taken.replace(",", "")) - int(lost.replace(",", "")) == report.messages
    assert (ended_ns - line.sent[found[-1]]) / S < 3.0  # the last second, and the end of a process
    if report.truncated:  # there was room for messages, but not for their index
        assert f"skypicket recover {path}" in told
    else:
        assert not report.problems


def test_a_part_that_finds_no_room_leaves_the_earlier_ones_whole(room: tuple[Path, int | None], line: Line) -> None:
    folder, limit = room
    if limit is not None:
        pytest.skip("no file of these is large")
    with recorder(line, folder / "run.mcap", "--max-size=110kB") as child:
        told, _ = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 3
    assert "No space left on device" in told
    parts = [part for _, part in numbered_parts(folder / "run.mcap")]
    assert len(parts) > 2
    for part in parts[:-1]:
        report = inspect(part)
        assert not report.problems


def test_it_keeps_up_and_says_what_made_the_recording(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    with recorder(line, path, f"--config={SITE}") as child:
        until(lambda: path.exists() and has(path, 500), line.speaks_on)
        child.send_signal(signal.SIGINT)
        told, _ = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0
    assert ", 0 lost on the way" in told
    report = inspect(path)
    assert not report.problems
    assert report.metadata["site.toml"] == SITE.read_text("utf-8")
    assert {key: report.metadata[key] for key in ("source", "epoch", "epoch_start_ns")} == {
        "source": "service", "epoch": "e1", "epoch_start_ns": str(5 * S),
    }  # fmt: skip
    with open_reader(path) as reader:
        records = list(reader)
    assert [(each.topic, each.opening) for each in records[:2]] == [("zones", True), ("tracks", False)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--max-files", "3"], "beside --max-size or --max-duration"),
        (["--max-size", "10kB"], "a size of 100,000 bytes or more"),
        (["--max-size", "fast"], "as 500MB or 2GiB"),
        (["--max-size", "1e99GB"], "as 500MB or 2GiB"),
        (["--max-duration", "1parsec"], "as 90s, 30min or 1h"),
        (["--max-duration", "nan"], "as 90s, 30min or 1h"),
        (["--max-files", "0"], "a whole number of 1 or more"),
        (["--config", "absent.toml"], "absent.toml"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_written(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command: list[Any] = ["record", "--out", str(tmp_path / "run.mcap"), *words]
    try:
        code = main(command)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else -1
    assert code == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_sizes_and_times_are_read_as_people_write_them() -> None:
    from skypicket.arguments import data_size, time_span

    assert [data_size(1)(text) for text in ("500MB", "2GiB", "7", "1.5 kB")] == [500_000_000, 2**31, 7, 1500]
    assert [time_span(1.0)(text) for text in ("1h", "90s", "30min", "2", "1d")] == [3600.0, 90.0, 1800.0, 2.0, 86400.0]
