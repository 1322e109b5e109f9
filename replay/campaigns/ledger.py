"""The runs that have ended, one JSON line each, in a file that only grows: a campaign goes on where it was stopped."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from fusion.errors import RecordingError
from replay.campaigns.run import Failure, Outcome

NAME: Final = "runs.jsonl"


class Ledger:
    """The ended runs of one folder by their key; the last of a key counts. One campaign at a time writes it.

    A line that was cut by a crash is taken off. Raises RecordingError where the file cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            self._file = self.path.open("a+b")
        except OSError as error:
            raise RecordingError(str(self.path), f"cannot be written: {error.strerror or error}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise RecordingError(str(self.path), "another campaign is writing it") from None
        self.ended: dict[str, Outcome] = {}
        self._read()

    def add(self, outcome: Outcome) -> None:
        """Write one down; it is on the disk when this returns."""
        self._write([asdict(outcome)])
        self.ended[outcome.key] = outcome

    def forget(self, keys: Iterable[str]) -> None:
        """Take these as not done."""
        known = [key for key in keys if key in self.ended]
        self._write([{"forget": key} for key in known])
        for key in known:
            del self.ended[key]

    def _write(self, entries: Iterable[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(entry, allow_nan=False) + "\n" for entry in entries)
        try:
            self._file.write(lines.encode("ascii"))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise RecordingError(str(self.path), f"cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Let another campaign have it."""
        self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        good = 0
        self._file.seek(0)
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                break  # cut by a crash: the run is done again
            try:
                told = json.loads(line)
                if "forget" in told:
                    self.ended.pop(told["forget"], None)
                else:
                    outcome = _outcome(told)
                    self.ended[outcome.key] = outcome
            except (ValueError, TypeError, KeyError) as error:
                self.close()
                raise RecordingError(str(self.path), f"line {number} is no ended run: {error}", good) from error
            good += len(line)
        self._file.truncate(good)


def _outcome(told: Mapping[str, Any]) -> Outcome:
    failure = told["failure"]
    if not isinstance(told["key"], str) or not isinstance(told["row"], dict):
        raise ValueError("key or row is missing")
    return Outcome(**{**told, "failure": None if failure is None else Failure(**failure)})
