"""The journal's disk is full: no mocks, the file system and SQLite refuse to let the file grow."""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.ceiling import Ceiling
from adapters.clock import ManualClock
from adapters.journal import Journal, JournalError
from adapters.wire import Message
from skypicket.serving import logbook as module
from skypicket.serving.logbook import Logbook

ROOT = Path(__file__).parents[2]
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}


@contextmanager
def no_room(journal: Journal) -> Iterator[None]:
    """No file of this process may grow: writing gives EFBIG, as ENOSPC on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(path.stat().st_size for path in journal.file.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_pages(journal: Journal) -> Iterator[None]:
    """SQLite's own "database or disk is full"."""
    execute = journal._database.execute
    (pages,) = execute("PRAGMA page_count").fetchone()
    execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        execute("PRAGMA max_page_count = 1000000000")


FULL = pytest.mark.parametrize("full", [no_room, no_pages])
Full = Callable[[Journal], contextmanager]


def body(number: int) -> Message:
    return {"alert": f"A{number}", "state": "raised", "reason": "x" * 3000}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000_000_000_000)


@pytest.fixture
def book(tmp_path: Path, clock: ManualClock) -> Iterator[Logbook]:
    journal = Journal(tmp_path / "alerts.sqlite")
    yield Logbook(journal, clock)
    journal.close()


@FULL
def test_numbers_go_on_while_the_disk_is_full_and_what_waited_is_written_in_order(full, book, clock, caplog):
    assert [step["number"] for step in book.add([body(1)])] == [1]
    with full(book.journal):
        for number in range(2, 30):
            assert [step["number"] for step in book.add([body(number)])] == [number]
            clock.advance(0.1)
        assert book.failure is not None
        assert "alerts.sqlite" in str(book.failure)
        book.keep([{"zone": "airport", "active": False}])
        assert [step["number"] for step in book.since(0, 100)] == list(range(1, 30))
        assert [step["number"] for step in book.since(20, 5)] == list(range(21, 26))
        assert book.journal.last < 29
    clock.advance(1.0)
    with caplog.at_level(logging.INFO):
        book.work()
    assert book.failure is None
    assert "the alert journal works again" in caplog.text
    assert [step["number"] for step in book.journal.since(0, 100)] == list(range(1, 30))
    assert [step["alert"] for step in book.journal.since(0, 100)] == [f"A{number}" for number in range(1, 30)]
    assert book.journal.orders() == [{"zone": "airport", "active": False}]
    assert book.add([body(30)])[0]["number"] == 30 == book.journal.last


def test_the_reason_is_logged_once_and_again_each_minute_and_the_disk_is_tried_each_second(book, clock, caplog):
    with caplog.at_level(logging.ERROR), no_room(book.journal):
        book.add([body(number) for number in range(50)])
        for _ in range(1250):
            clock.advance(0.1)
            book.work()
    assert len(caplog.messages) == 3  # at 0, 60 and 120 s
    assert "alerts go out without their record (50 steps wait, 0 lost)" in caplog.text
    tried_ns = book._tried_ns
    assert clock.monotonic_ns() - tried_ns < 1_000_000_000


def test_too_many_waiting_steps_lose_the_oldest_and_keep_their_numbers(book, clock, monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    with no_room(book.journal):
        book.add([body(number) for number in range(1, 51)])
        for number in range(51, 56):
            book.add([body(number)])
    book.work(now=True)
    assert book.lost == 45
    assert [step["number"] for step in book.journal.since(0, 100)] == list(range(46, 56))
    assert book.add([body(56)])[0]["number"] == 56


def test_a_start_on_a_full_disk_is_refused(tmp_path: Path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(JournalError, match="cannot be used"):
            Journal(tmp_path / "alerts.sqlite")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_still_waits_at_the_end_is_written_if_it_can_be_and_else_told(book, caplog):
    with caplog.at_level(logging.ERROR), no_room(book.journal):
        book.add([body(number) for number in range(1, 51)])
        book.close()
        assert "50 alert steps were published and never journalled" in caplog.text
    book.close()
    assert book.journal.last == 50


def dies(book: Logbook) -> None:
    """As a process does at kill -9: nothing that waits is written, and the file's lock is let go."""
    book.journal.close()


def test_no_number_comes_again_after_a_death_on_a_full_disk(book, clock):
    """Nor after a second one, where the disk fills up again before a single step was written."""
    given = [step["number"] for step in book.add([body(1), body(2)])]
    for run in range(2):
        with no_room(book.journal):
            given += [step["number"] for _ in range(3) for step in book.add([body(3)])]
            assert book.failure is not None
            dies(book)
        book = Logbook(Journal(book.journal.file), clock)
        assert book.number == given[-1], run
    assert given == list(range(1, len(given) + 1))
    (after,) = book.add([body(9)])
    assert after["number"] == len(given) + 1 == book.journal.last
    assert [step["number"] for step in book.journal.since(0, 100)] == [1, 2, after["number"]]
    dies(book)
    again = Logbook(Journal(book.journal.file), clock)
    assert again.number == after["number"]
    again.journal.close()


def test_once_all_is_written_the_journal_alone_counts(book, clock):
    with no_room(book.journal):
        book.add([body(number) for number in range(1, 30)])
        assert Ceiling(book.journal.file.with_suffix(".numbers")).number == 29
    book.work(now=True)
    assert Ceiling(book.journal.file.with_suffix(".numbers")).number == 0
    assert book.number == book.journal.last == 29


def test_where_not_even_the_number_can_be_kept_that_is_told_once(book, caplog):
    book.add([body(1)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        for number in range(2, 10):
            assert book.add([body(number)])[0]["number"] == number
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caplog.text.count("numbers of alert steps may come again") == 1


ON_A_FULL_DISK = """
import os, signal, sys
from pathlib import Path
from adapters.clock import SystemClock
from adapters.journal import Journal
from skypicket.serving.logbook import Logbook
folder = Path(sys.argv[1])
filler = folder / "filler"
if filler.exists():
    filler.unlink()
book = Logbook(Journal(folder / "alerts.sqlite"), SystemClock())
print(book.number, flush=True)
body = {"alert": "A", "state": "raised", "reason": "x" * 3000}
book.add([body])
with filler.open("wb", buffering=0) as opened:
    try:
        while opened.write(b"x" * 4096):
            pass
    except OSError as error:
        assert error.errno == 28
for _ in range(20):
    print(book.add([body])[0]["number"], book.failure is not None, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_number_comes_again_on_a_file_system_that_is_really_full(tmp_path: Path):
    """In a mount namespace of its own, where this machine lets anybody have one."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no mount namespace")
    script = tmp_path / "run.py"
    script.write_text(ON_A_FULL_DISK)
    disk = tmp_path / "disk"
    disk.mkdir()
    once = f"{sys.executable} {script} {disk}; "
    shell = f"mount -t tmpfs -o size=400k tmpfs {disk} && {{ {once * 3} }}"
    found = subprocess.run(["unshare", "-rm", "sh", "-c", shell], capture_output=True, text=True, cwd=ROOT, env=ENV)
    lines = [line.split() for line in found.stdout.splitlines()]
    begun = [int(words[0]) for words in lines if len(words) == 1]
    given = [int(words[0]) for words in lines if len(words) == 2]
    assert begun[0] == 0, found.stderr
    assert len(given) == 60
    assert [failed for _, failed in (words for words in lines if len(words) == 2)].count("True") > 30
    assert len(set(given)) == 60
    assert given == sorted(given)
    assert begun[1:] == [given[19], given[39]]
