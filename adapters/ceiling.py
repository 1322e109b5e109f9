"""The highest number that was given to an alert step which is not in the journal: so that none is given twice.

While the journal cannot be written, steps go out with numbers that it does not know. They stand here instead: in a file
of a fixed size that is written in place, which a full disk still allows where new pages are refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from adapters.journal import JournalError

WIDTH: Final = 20  # digits: of any 64-bit number


class Ceiling:
    """One number on the disk. number: as it is there; 0: the journal knows of every number.

    Raises JournalError where the file cannot be read, or made.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            if not file.exists() or not file.stat().st_size:
                self._create()
            text = file.read_bytes()[: WIDTH + 1]
        except OSError as error:
            raise JournalError(file, f"cannot be used: {error.strerror}") from error
        if len(text) <= WIDTH or not text[:WIDTH].isdigit() or text[WIDTH:] != b"\n":
            raise JournalError(file, "is damaged: it holds no number")
        self.number = int(text[:WIDTH])

    def set(self, number: int) -> None:
        """Put a number in the place of the one before; it is on the disk on return. Raises JournalError."""
        if number == self.number:
            return
        try:
            with self.file.open("r+b", buffering=0) as opened:
                opened.write(_line(number))
                os.fdatasync(opened.fileno())
        except OSError as error:
            raise JournalError(self.file, f"cannot be written: {error.strerror}") from error
        self.number = number

    def _create(self) -> None:
        with self.file.open("wb", buffering=0) as opened:
            opened.write(_line(0))
            os.fsync(opened.fileno())
        folder = os.open(self.file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # so that the name is there too, after a power cut
        finally:
            os.close(folder)


def _line(number: int) -> bytes:
    return f"{number:0{WIDTH}}\n".encode()
