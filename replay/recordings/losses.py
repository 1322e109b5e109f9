"""What a recovery had to leave behind: where, why, and how many messages it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_LOSSES: Final = 1000  # told one by one; of what is beyond, the number: a hostile file must not fill the memory


@dataclass(slots=True)
class Loss:
    """One damaged place: bytes `start` up to `end`, and why they could not be used.

    messages: how many were in it; None: that cannot be known; 0: none, as where only an index was damaged.
    """

    start: int
    end: int
    why: str
    messages: int | None

    def __str__(self) -> str:
        place = f"bytes {self.start} to {self.end - 1}" if self.end > self.start + 1 else f"byte {self.start}"
        if self.messages == 0:
            return f"{place}: {self.why}"
        held = "an unknown number of" if self.messages is None else f"{self.messages:,}"
        return f"{place}: {self.why}; {held} message{'' if self.messages == 1 else 's'} lost"


class Losses:
    """All of them counted, the first ones kept."""

    def __init__(self) -> None:
        self.first: list[Loss] = []
        self.count = 0
        self.bytes = 0

    def add(self, start: int, end: int, why: str, messages: int | None = None) -> Loss:
        """Note one; its `messages` may be set later, when it is known."""
        loss = Loss(start, end, why, messages)
        self.count += 1
        self.bytes += end - start
        if len(self.first) < MOST_LOSSES:
            self.first.append(loss)
        return loss

    @property
    def messages(self) -> tuple[int, bool]:
        """How many messages are known to be lost, and whether there may be more."""
        known = sum(loss.messages or 0 for loss in self.first)
        return known, self.count > len(self.first) or any(loss.messages is None for loss in self.first)
