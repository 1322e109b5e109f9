"""The alert journal as the service uses it: while it cannot be written, warnings go out all the same."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from adapters.ceiling import Ceiling
from adapters.clock import Clock
from adapters.journal import Journal, JournalError
from adapters.wire import Message
from fusion.types import SECOND_NS

RETRY_NS: Final = SECOND_NS  # between two attempts at a journal that failed
REPEAT_NS: Final = 60 * SECOND_NS  # between two log lines about one failure
BATCH: Final = 256  # steps of one transaction: what has waited long is written bit by bit
MOST_WAITING: Final = 20_000  # steps, some 60 MB; beyond that the oldest are given up


class Logbook:
    """Numbers steps and writes them to the journal, in order, at once; where that fails, as soon as it can.

    number: the last one given, in this run or an earlier one, in the journal or not.  failure: why the journal cannot
    be written now; None while it can.  lost: how many steps were given up, as too many waited. Raises JournalError.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self._ceiling = Ceiling(journal.file.with_suffix(".numbers"))
        self.number = max(journal.last, self._ceiling.number)
        self.orders = self._kept = journal.orders()
        self.sightings = self._seen = journal.sightings()
        self.failure: JournalError | None = None
        self.lost = 0
        self._clock = clock
        self._waiting: deque[Message] = deque()
        self._tried_ns = self._told_ns = 0
        self._numbers_kept = True

    def add(self, bodies: Sequence[Message]) -> list[Message]:
        """The bodies with their numbers; they are on the disk, or with a `failure` the last number at least is."""
        first = self.number + 1
        numbered = [{**body, "number": first + i} for i, body in enumerate(bodies)]
        self.number += len(numbered)
        self._waiting.extend(numbered)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.lost += 1
        self.work()
        if self._waiting:
            self._keep_number(self.number)
        return numbered

    def keep(self, orders: Sequence[Message]) -> None:
        """Put what operators ordered in the place of what was kept before."""
        self.orders = list(orders)
        self.work()

    def see(self, alerts: Sequence[Message]) -> None:
        """Put how open alerts stand in the place of how they stood; written with what is written next."""
        self.sightings = list(alerts)

    def since(self, number: int, limit: int) -> list[Message]:
        """As of the journal; steps that wait to be written included. Raises JournalError."""
        found = self.journal.since(number, limit)
        last = found[-1]["number"] if found else number
        if last >= self.journal.last:
            waiting = (step for step in self._waiting if step["number"] > last)
            found += islice(waiting, limit - len(found))
        return found

    def work(self, *, now: bool = False) -> None:
        """Write what waits; after a failure a second later at the earliest, or `now`."""
        time_ns = self._clock.monotonic_ns()
        idle = not self._waiting and self.orders == self._kept and self.sightings == self._seen
        if self.failure is None and idle and not now:
            return
        if self.failure is not None and time_ns - self._tried_ns < RETRY_NS and not now:
            return
        self._tried_ns = time_ns
        waited = len(self._waiting)
        try:
            self._write(probe=self.failure is not None or now)
        except JournalError as error:
            self._fail(error, time_ns)
            return
        if self.journal.last >= self.number:
            self._keep_number(0)
        if self.failure is not None:
            _log.warning("the alert journal works again: %d steps were written late, %d lost", waited, self.lost)
        self.failure = None

    def close(self) -> None:
        """Write what waits, if that can be; the journal itself stays open."""
        if self.failure is not None:
            self.work(now=True)
        if self._waiting:
            _log.error("%d alert steps were published and never journalled", len(self._waiting))

    def _write(self, *, probe: bool) -> None:
        while self._waiting:
            batch = list(islice(self._waiting, BATCH))
            self.journal.append(batch, batch[0]["number"])
            for _ in batch:
                self._waiting.popleft()
        if probe or self.orders != self._kept:
            self.journal.keep(self.orders)
            self._kept = self.orders
        if self.sightings != self._seen:
            self.journal.keep_sightings(self.sightings)
            self._seen = self.sightings

    def _keep_number(self, number: int) -> None:
        """Note up to where numbers were given that the journal does not know."""
        try:
            self._ceiling.set(number)
            self._numbers_kept = True
        except JournalError as error:
            if self._numbers_kept:
                _log.error("after a crash, numbers of alert steps may come again: %s", error)
            self._numbers_kept = False

    def _fail(self, error: JournalError, time_ns: int) -> None:
        if self.failure is None or time_ns - self._told_ns >= REPEAT_NS:
            waiting, lost = len(self._waiting), self.lost
            _log.error("alerts go out without their record (%d steps wait, %d lost): %s", waiting, lost, error)
            self._told_ns = time_ns
        self.failure = error


_log = logging.getLogger(__name__)
