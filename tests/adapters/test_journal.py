"""The alert journal: what it gave a number for is there, whatever happens to the process."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import journal as journal_module
from adapters.journal import Journal, JournalError
from adapters.wire import alert_message, read_alert
from fusion.types import AlertStep, Place

TIME_NS = 1_760_000_000_000_000_000


def step(alert: str, number: int, state: str = "updated", reason: str = "p = 0.7, entry in 40 s") -> AlertStep:
    return AlertStep(
        time_ns=TIME_NS + number,
        alert=alert,
        step=number,
        zone="airport",
        track=7,
        tracks=(7,),
        level="predicted",
        previous_level=None,
        state=state,
        acknowledged=None,
        probability=0.7,
        time_to_entry_s=(30.0, 40.0, 60.0),
        entry=Place(47.5, 19.0, 300.0),
        closest_distance_m=0.0,
        closest_time_s=40.0,
        track_status="confirmed",
        suppressed_until_ns=None,
        position=Place(47.6, 19.1, 320.0),
        velocity_mps=(10.0, -5.0, 0.0),
        sensors=("north",),
        reason=reason,
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "data" / "alerts.sqlite")
    yield opened
    opened.close()


def test_steps_get_one_count_over_all_alerts_and_come_back_in_order(journal: Journal) -> None:
    assert journal.last == 0
    assert journal.append([step("A", 1), step("B", 1)]) == [1, 2]
    assert journal.append([]) == []
    assert journal.append([step("A", 2)]) == [3]
    assert journal.last == 3
    assert journal.since(0, 100) == [
        alert_message(step("A", 1), 1),
        alert_message(step("B", 1), 2),
        alert_message(step("A", 2), 3),
    ]
    assert [each["number"] for each in journal.since(1, 1)] == [2]
    assert journal.since(3, 100) == []
    for message in journal.since(0, 100):
        read_alert(message)


def test_open_alerts_are_the_last_steps_of_those_not_cleared_as_a_full_scan_finds_them(
    tmp_path: Path,
) -> None:
    chance = random.Random(2)
    file = tmp_path / "alerts.sqlite"
    journal = Journal(file)
    expected: dict[str, int] = {}
    steps: dict[str, int] = {}
    for _ in range(60):
        batch = []
        for _ in range(chance.randrange(4)):
            alert = chance.choice("ABCDEFGH")
            steps[alert] = steps.get(alert, 0) + 1
            batch.append(step(alert, steps[alert], chance.choice(["raised", "updated", "cleared"])))
        for each, number in zip(batch, journal.append(batch), strict=True):
            expected.pop(each.alert, None)
            if each.state != "cleared":
                expected[each.alert] = number
        if chance.random() < 0.2:
            journal.close()
            journal = Journal(file)
        assert {each["alert"]: each["number"] for each in journal.open_alerts()} == expected
    journal.close()


def test_a_message_map_is_journaled_as_a_step_is(journal: Journal) -> None:
    message = alert_message(step("A", 1), 99)
    assert journal.append([message]) == [1]
    assert journal.since(0, 1) == [{**message, "number": 1}]


def test_a_batch_is_written_whole_or_not_at_all(journal: Journal) -> None:
    with pytest.raises(KeyError):
        journal.append([step("A", 1), {"state": "raised"}])
    assert journal.last == 0
    assert journal.since(0, 10) == journal.open_alerts() == []
    assert journal.append([step("A", 1)]) == [1]


def test_an_answer_stays_below_the_size_of_a_message(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append([step("A", number + 1) for number in range(50)])
    monkeypatch.setattr(journal_module, "ANSWER_BYTES", 5000)
    page = journal.since(0, 50)
    assert 1 < len(page) < 50
    gathered = page
    while page := journal.since(gathered[-1]["number"], 50):
        gathered += page
    assert [each["number"] for each in gathered] == list(range(1, 51))
    monkeypatch.setattr(journal_module, "ANSWER_BYTES", 1)
    assert len(journal.since(0, 50)) == 1


WRITER = """
import sys
from pathlib import Path
from adapters.journal import Journal
from adapters.wire import alert_message
sys.path.insert(0, sys.argv[2])
from test_journal import step
journal = Journal(Path(sys.argv[1]))
number = journal.last
while True:
    number += 1
    batch = [step(f"A{number % 7}", number), step(f"B{number}", 1)]
    print(*journal.append(batch), flush=True)
"""


@pytest.mark.parametrize("lines", [1, 40])
def test_every_number_that_was_given_survives_kill_9(tmp_path: Path, lines: int) -> None:
    file = tmp_path / "alerts.sqlite"
    here = Path(__file__)
    told: list[int] = []
    for _ in range(2):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file), str(here.parent)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=here.parents[2],
        )
        assert writer.stdout is not None
        for _ in range(lines):
            told += [int(word) for word in writer.stdout.readline().split()]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(word) for line in writer.stdout.read().splitlines() for word in line.split()]
        writer.stdout.close()
        assert writer.wait(10) == -signal.SIGKILL
        journal = Journal(file)
        kept = [each["number"] for each in journal.since(0, 100_000)]
        journal.close()
        assert kept == list(range(1, len(kept) + 1))
        assert len(told) >= 2 * lines
        assert told[-1] <= kept[-1] <= told[-1] + 2  # the last batch may be written, and not told any more
        told = list(kept)


def test_a_second_process_is_kept_out_and_told_why(journal: Journal) -> None:
    with pytest.raises(JournalError, match="is in use by another process"):
        Journal(journal.file)
    assert journal.append([step("A", 1)]) == [1]


def spoil_with_text(file: Path) -> None:
    file.write_bytes(b"no database at all, but long enough to look like one " * 100)


def spoil_with_foreign_tables(file: Path) -> None:
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE step (number INTEGER)")
    database.close()


def spoil_with_a_later_version(file: Path) -> None:
    Journal(file).close()
    database = sqlite3.connect(file)
    database.execute("PRAGMA user_version = 2")
    database.close()


def spoil_by_cutting(file: Path) -> None:
    journal = Journal(file)
    journal.append([step("A", number + 1) for number in range(100)])
    journal.close()
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def spoil_by_overwriting(file: Path) -> None:
    journal = Journal(file)
    journal.append([step("A", number + 1) for number in range(100)])
    journal.close()
    content = bytearray(file.read_bytes())
    content[5000:30000] = os.urandom(25000)
    file.write_bytes(content)


def spoil_with_a_folder(file: Path) -> None:
    file.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_with_text, "is damaged or no journal"),
        (spoil_with_foreign_tables, "is a database, but no alert journal of skypicket"),
        (spoil_with_a_later_version, "is an alert journal of version 2; allowed is 1"),
        (spoil_by_cutting, "is damaged"),
        (spoil_by_overwriting, "is damaged"),
        (spoil_with_a_folder, "cannot be used"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_file_that_is_no_sound_journal_is_named_and_left_alone(tmp_path: Path, spoil: object, words: str) -> None:
    file = tmp_path / "alerts.sqlite"
    assert callable(spoil)
    spoil(file)
    before = file.read_bytes() if file.is_file() else b""
    with pytest.raises(JournalError, match=words) as caught:
        Journal(file)
    assert str(caught.value).startswith(str(file))
    assert (file.read_bytes() if file.is_file() else b"") == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(JournalError, match=r"alerts\.sqlite: cannot be used"):
        Journal(tmp_path / "data" / "alerts.sqlite")


def test_numbers_may_go_on_further_up_and_never_back(journal: Journal) -> None:
    assert journal.append([step("A", 1)], 7) == [7]
    assert journal.append([step("A", 2), step("B", 1)]) == [8, 9]
    with pytest.raises(ValueError, match="first is 9; allowed is 10 or more"):
        journal.append([step("A", 3)], 9)


def test_orders_are_kept_whole_through_a_restart_even_in_a_journal_from_before_there_were_any(tmp_path: Path) -> None:
    file = tmp_path / "alerts.sqlite"
    journal = Journal(file)
    journal.append([step("A", 1)])
    journal.close()
    database = sqlite3.connect(file)
    database.execute("DROP TABLE standing_order")
    database.execute("DROP TABLE sighting")
    database.close()
    orders = [{"zone": "airport", "active": False}, {"track": 2**53 - 1, "who": "Eva", "note": "ü"}]
    for kept in ([], orders, orders[1:]):
        journal = Journal(file)
        journal.keep([{"zone": "other", "active": True}])
        journal.keep(kept)
        journal.keep_sightings(kept[:1])
        journal.close()
        journal = Journal(file)
        assert journal.orders() == kept
        assert journal.sightings() == kept[:1]
        assert journal.last == 1
        journal.close()
