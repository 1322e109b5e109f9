"""How the service is: which sensors report, what was rejected lately, whether it keeps up."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fusion.config import SensorConfig
from fusion.types import SECOND_NS, Frame, Pose

SILENT_PERIODS: Final = 3.0  # looks that a sensor may miss before it counts as silent ...
SILENT_LEAST_S: Final = 5.0  # ... but no less than this: networks hiccup
REJECTIONS_S: Final = 10.0  # for which a rejection keeps the state degraded
DELAY_S: Final = 0.1  # any network may take this long: no clock is blamed for it, however strict the lateness
OVERLOAD_S: Final = 1.0  # for which frames may wait without end: then they come in faster than they are used


class Health:
    """Follows frames, rejections and the queue. Times are of whatever clock the service goes by.

    live: a sensor is silent by the clock; otherwise by event time, so that a replay at any pace is whole.
    A sensor that was never heard is silent. lateness_s: by which frames may be late; where the service is live,
    a sensor whose clock is further behind is of no use in time.
    journalling: whether the alert journal can be written.  line_works: False from a test alert that did not come back
    until one does.  behind: sensors whose clocks are too far behind.
    """

    def __init__(self, sensors: Sequence[SensorConfig], *, live: bool, lateness_s: float = math.inf) -> None:
        self.journalling = self.line_works = True
        self.behind: tuple[str, ...] = ()
        self.poses: dict[str, Pose] = {}  # of the sensors that tell theirs, the last
        self._sensors, self._live = tuple(sensors), live
        self._lateness_s = max(lateness_s, DELAY_S) if live else math.inf
        self._heard_ns: dict[str, int] = {}
        self._newest_ns = 0
        self._refused: deque[tuple[int, int]] = deque([(0, 0)])  # (when, how many had been refused by then)
        self._drained_ns: int | None = None

    def new_picture(self) -> None:
        """Event times start over: nobody was heard in this picture yet."""
        if not self._live:
            self._heard_ns.clear()
            self._newest_ns = 0

    def heard(self, frame: Frame, monotonic_ns: int) -> None:
        """Note an accepted frame."""
        time_ns = monotonic_ns if self._live else frame.time_ns
        self._heard_ns[frame.sensor] = max(time_ns, self._heard_ns.get(frame.sensor, time_ns))
        self._newest_ns = max(self._newest_ns, time_ns)
        if frame.pose is not None:
            self.poses[frame.sensor] = frame.pose

    def drained(self, monotonic_ns: int) -> None:
        """Note that no frame waits."""
        self._drained_ns = monotonic_ns

    def count(self, tallies: Mapping[str, Mapping[str, Any]], monotonic_ns: int) -> None:
        """Take in the counts of all senders, once a second."""
        refused = sum(tally["rejected"] + tally["late"] for tally in tallies.values())
        if refused != self._refused[-1][1]:
            self._refused.append((monotonic_ns, refused))
        while len(self._refused) > 1 and monotonic_ns - self._refused[1][0] > REJECTIONS_S * SECOND_NS:
            self._refused.popleft()
        self._compare_clocks(tallies)

    def reporting(self, monotonic_ns: int) -> tuple[SensorConfig, ...]:
        """The sensors that are not silent."""
        now_ns = monotonic_ns if self._live else self._newest_ns
        return tuple(
            sensor
            for sensor in self._sensors
            if (heard_ns := self._heard_ns.get(sensor.id)) is not None
            and now_ns - heard_ns <= max(SILENT_PERIODS * sensor.period_s, SILENT_LEAST_S) * SECOND_NS
        )

    def state(self, monotonic_ns: int) -> str:
        """`overloaded`, `degraded` or `ok`, the gravest that holds."""
        if self._drained_ns is not None and monotonic_ns - self._drained_ns > OVERLOAD_S * SECOND_NS:
            return "overloaded"
        silent = len(self.reporting(monotonic_ns)) < len(self._sensors)
        works = self.journalling and self.line_works
        good = works and not silent and not self.behind and len(self._refused) == 1
        return "ok" if good else "degraded"

    def _compare_clocks(self, tallies: Mapping[str, Mapping[str, Any]]) -> None:
        """Note the sensors whose clocks are too far behind, and log each change."""
        offsets = {each.id: tallies.get(each.id, {}).get("clock_offset_s") or 0.0 for each in self._sensors}
        behind = tuple(name for name, offset in offsets.items() if offset > self._lateness_s)
        for name in behind:
            if name not in self.behind:
                said = f"{offsets[name]:.3f} s behind the clock; allowed is {self._lateness_s:g} s"
                _log.warning("sensor %s: its frames come %s (lateness_s): too late to be used in time", name, said)
        for name in self.behind:
            if name not in behind:
                _log.info("sensor %s: its frames come in time again", name)
        self.behind = behind


_log = logging.getLogger(__name__)
