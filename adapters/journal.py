"""The alert journal (SQLite): every alert step, numbered and on disk, how open alerts stand, what operators ordered."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.wire import Message, alert_message, encode, unpack
from fusion.errors import MessageRejected, SkypicketError
from fusion.types import AlertStep

APPLICATION_ID = 0x534B5950  # "SKYP", in the file's header: it is ours
SCHEMA_VERSION = 1
BUSY_S = 0.5  # another process that holds the file is a second service, and does not let go
ANSWER_BYTES = 4 * 2**20  # half of what a message may have: the same in another format may be longer
CHECKED_BYTES = 64 * 2**20  # up to this size every page is checked on opening, in a fraction of a second

_SCHEMA = """
CREATE TABLE step (number INTEGER PRIMARY KEY, alert TEXT NOT NULL, message BLOB NOT NULL) STRICT;
CREATE TABLE open_alert (alert TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
_LISTS = ("standing_order", "sighting")  # tables that are written as a whole
_LIST = "CREATE TABLE IF NOT EXISTS {} (place INTEGER PRIMARY KEY, message BLOB NOT NULL) STRICT"


class JournalError(SkypicketError):
    """The journal cannot be opened, read or written: names the file."""

    def __init__(self, file: Path, detail: str) -> None:
        self.file, self.detail = file, detail
        super().__init__(f"{file}: {detail}")


class Journal:
    """One file, one process at a time. A step that `append` returned a number for survives a crash.

    last: the highest number given, 0 at first. Raises JournalError: the file is damaged, is not a journal, is
    of a later version, or another process has it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        with self._errors():
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file, timeout=BUSY_S, isolation_level=None)
        try:
            with self._errors():
                self._open()
                (self.last,) = self._database.execute("SELECT coalesce(max(number), 0) FROM step").fetchone()
        except JournalError:
            self._database.close()
            raise

    def append(self, steps: Sequence[AlertStep | Mapping[str, Any]], first: int | None = None) -> list[int]:
        """Write steps (or the maps of `alert` messages), all or none, to the disk. Returns their numbers.

        first: the first one's number, above `last`; None: the next.
        """
        first = self.last + 1 if first is None else first
        if first <= self.last:
            raise ValueError(f"first is {first}; allowed is {self.last + 1} or more")
        numbers = list(range(first, first + len(steps)))
        with self._errors(), self._transaction():
            for step, number in zip(steps, numbers, strict=True):
                self._write(step, number)
        self.last = numbers[-1] if numbers else self.last
        return numbers

    def since(self, number: int, limit: int) -> list[Message]:
        """The steps after `number`, in order, as `alert` messages have them, unstamped.

        At most `limit`, and at most `ANSWER_BYTES` of them, so that they fit into one message: go on from the
        last one's number until nothing comes.
        """
        query = "SELECT message FROM step WHERE number > ? ORDER BY number LIMIT ?"
        return self._messages(query, (number, limit), ANSWER_BYTES)

    def open_alerts(self) -> list[Message]:
        """The last step of each alert that has not been cleared, in the order of their numbers."""
        return self._messages("SELECT message FROM step JOIN open_alert USING (number) ORDER BY number")

    def keep(self, orders: Sequence[Mapping[str, Any]]) -> None:
        """Write what operators ordered, as maps, to the disk, in the place of what was kept before."""
        self._replace("standing_order", orders)

    def orders(self) -> list[Message]:
        """What `keep` wrote last, in its order."""
        return self._messages("SELECT message FROM standing_order ORDER BY place")

    def keep_sightings(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Write how open alerts stand, as `alert` messages that were not published, in the place of those before."""
        self._replace("sighting", alerts)

    def sightings(self) -> list[Message]:
        """What `keep_sightings` wrote last, in its order."""
        return self._messages("SELECT message FROM sighting ORDER BY place")

    def close(self) -> None:
        self._database.close()

    def _open(self) -> None:
        """Take the file, and see that it is a journal of this version; an empty one becomes one."""
        execute = self._database.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        with self._transaction():
            (tables,) = execute("SELECT count(*) FROM sqlite_schema").fetchone()
            (application,) = execute("PRAGMA application_id").fetchone()
            (version,) = execute("PRAGMA user_version").fetchone()
            if tables == 0 and application == 0:
                for statement in _SCHEMA.strip().splitlines():
                    execute(statement)
                execute(f"PRAGMA application_id = {APPLICATION_ID}")
                execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif application != APPLICATION_ID:
                raise JournalError(self.file, "is a database, but no alert journal of skypicket")
            elif version != SCHEMA_VERSION:
                found = f"is an alert journal of version {version}"
                raise JournalError(self.file, f"{found}; allowed is {SCHEMA_VERSION}")
            for name in _LISTS:  # a journal of the same version from before there were any has no such table
                execute(_LIST.format(name))
        if self.file.stat().st_size <= CHECKED_BYTES:
            (verdict,) = execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise JournalError(self.file, f"is damaged: {verdict}")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")

    def _write(self, step: AlertStep | Mapping[str, Any], number: int) -> None:
        message = alert_message(step, number) if isinstance(step, AlertStep) else {**step, "number": number}
        alert = message["alert"]
        row = (number, alert, encode(message, json=True))
        self._database.execute("INSERT INTO step VALUES (?, ?, ?)", row)
        if message["state"] == "cleared":
            self._database.execute("DELETE FROM open_alert WHERE alert = ?", (alert,))
        else:
            self._database.execute("INSERT OR REPLACE INTO open_alert VALUES (?, ?)", (alert, number))

    def _replace(self, table: str, messages: Sequence[Mapping[str, Any]]) -> None:
        rows = [(place, encode(dict(message), json=True)) for place, message in enumerate(messages)]
        with self._errors(), self._transaction():
            self._database.execute(f"DELETE FROM {table}")
            self._database.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)

    def _messages(self, query: str, values: tuple[int, ...] = (), most: float = math.inf) -> list[Message]:
        messages: list[Message] = []
        size = 0
        with self._errors():
            for (payload,) in self._database.execute(query, values):
                size += len(payload)
                if messages and size > most:
                    break
                messages.append(unpack(payload))
        return messages

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            busy = "locked" in str(error)
            detail = "is in use by another process" if busy else f"cannot be used: {error}"
            raise JournalError(self.file, detail) from error
        except (sqlite3.DatabaseError, MessageRejected) as error:
            raise JournalError(self.file, f"is damaged or no journal: {error}") from error
        except OSError as error:
            raise JournalError(self.file, f"cannot be used: {error.strerror}") from error
