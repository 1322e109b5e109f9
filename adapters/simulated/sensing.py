"""One simulated sensor: sweep after sweep, what it sees, with noise, misses and false alarms, as frames.

A rotating sensor passes each object once a sweep, at the time when its beam points there, and sends a frame
for each sector. A staring one sees everything at one instant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.simulated.behaviour import Behaviour
from adapters.simulated.draws import Draws, generator
from adapters.simulated.fleet import Fleet
from adapters.simulated.scan import Scan
from adapters.simulated.sight import detection_probability, in_sight, occluded, physics_of
from adapters.simulated.view import Mount, View
from fusion.config import SensorConfig, TrackerConfig
from fusion.types import SECOND_NS, Floats, Frame, Ints

ANGLES = frozenset({"azimuth_deg", "elevation_deg"})
COLUMN_OF = {
    "east_m": "right_m",
    "north_m": "forward_m",
    "up_m": "up_m",
}  # of a view, where it has another name
LOWEST_M = -10_000.0  # below, a height is no height any more: see `fusion.types.Height`


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Detections of one sweep, in no order. values: (n, k), angles in degrees. look: which frame, from 0.

    since_s: when, from the sweep's beginning. flight: which one, -1 for a false alarm.
    """

    values: Floats
    look: Ints
    since_s: Floats
    flight: Ints


class Sensor:
    """Simulates one registered sensor over one fleet. Times in s from the scenario's start."""

    def __init__(
        self, config: SensorConfig, behaviour: Behaviour, tracker: TrackerConfig, fleet: Fleet, seed: int
    ) -> None:
        self.config, self.behaviour, self.fleet = config, behaviour, fleet
        self.mount = Mount(config.pose, fleet, behaviour.ride)
        self.scan = Scan.of(config, behaviour)
        self.physics = physics_of(config, behaviour)
        measures = config.measures
        self._spans = [_span(name, config, tracker) for name in measures]
        self._sigma = np.array([config.sigma[name] for name in measures])
        self._bias = np.array([behaviour.bias.get(name, 0.0) for name in measures])
        self._scale = np.array([np.pi / 180.0 if name in ANGLES else 1.0 for name in measures])
        self._draws = Draws(seed, config.id, fleet.id, len(measures))
        self._clutter = generator(seed, "false alarms", config.id)
        self._visible = np.array([self._may_see(i) for i in range(len(fleet))], bool)

    def frames(self, start_ns: int, duration_s: float, source: str, epoch: str) -> Iterator[Frame]:
        """Every look that ends within the duration, in order of time."""
        begin_ns, duration_ns = round(self.behaviour.phase_s * SECOND_NS), round(duration_s * SECOND_NS)
        shift_ns = start_ns + round(self.behaviour.time_bias_s * SECOND_NS)
        sweep, seq = 0, 0
        while begin_ns <= duration_ns:
            ends_ns = self.scan.ends_ns(begin_ns)
            rows = self._sweep(sweep, begin_ns / SECOND_NS, ends_ns / SECOND_NS)
            for look, (values, since_s, flights) in enumerate(self._split(rows)):
                end_ns = int(ends_ns[look])
                if end_ns > duration_ns or self._silent(end_ns / SECOND_NS):
                    continue
                times_ns = np.minimum(begin_ns + np.rint(since_s * SECOND_NS).astype(np.int64), end_ns)
                yield Frame(
                    source,
                    self.config.id,
                    seq,
                    epoch,
                    end_ns + shift_ns,
                    values,
                    np.tile(self._sigma * self._scale, (len(values), 1)),
                    times_ns + shift_ns,
                    identity=self._identities(flights),
                    pose=self.mount.pose(end_ns / SECOND_NS),
                    swept=self.scan.swept(look),
                )
                seq += 1
            sweep += 1
            begin_ns += self.scan.period_ns

    def covers(self, index: Ints, time_s: float) -> NDArray[np.bool_]:
        """Which flights lie inside the coverage and above the horizon, whatever may hide or miss them."""
        if not self.mount.stands(time_s):
            return np.zeros(len(index), bool)
        times = np.full(len(index), time_s)
        view = self.mount.view(index, times, times)
        return np.asarray(in_sight(view, self.config, self.behaviour, self.physics) & self._visible[index])

    def _may_see(self, flight: int) -> bool:
        answers = not self.behaviour.secondary or self.fleet.identity[flight] is not None
        return answers and flight != self.mount.carrier

    def _silent(self, time_s: float) -> bool:
        out = any(low <= time_s <= high for low, high in self.behaviour.outages_s)
        return out or not self.mount.stands(time_s)

    def _identities(self, flights: Ints) -> tuple[str | None, ...] | None:
        if not self.behaviour.secondary:
            return None
        return tuple(self.fleet.identity[i] if i >= 0 else None for i in flights.tolist())

    def _sweep(self, number: int, begin_s: float, ends_s: Floats) -> Rows:
        """All detections of one sweep. What is drawn does not depend on what is seen."""
        period_s = self.scan.period_ns / SECOND_NS
        air = (self.fleet.start_s <= begin_s + period_s) & (self.fleet.end_s >= begin_s) & self._visible
        index, times, turn = self.scan.passes(np.flatnonzero(air), begin_s, self._azimuths)
        uniform, normal = self._draws.of(index, number, turn)
        look = np.minimum(np.searchsorted(ends_s, times, side="left"), self.scan.looks - 1)
        view = self.mount.view(index, times, ends_s[look])
        seen = in_sight(view, self.config, self.behaviour, self.physics)
        seen &= self.fleet.alive(index, times) & ~occluded(view, self.behaviour.occlusion)
        probability = detection_probability(view, self.config, self.behaviour, self.physics)
        hit = np.flatnonzero(seen & (uniform < probability))
        exact = self._measured(view, index, times, ends_s[look])
        false = self._false_alarms(float(ends_s[-1]) - begin_s)
        return Rows(
            np.concatenate([exact[hit] + self._sigma * normal[hit] + self._bias, false.values]),
            np.concatenate([look[hit], false.look]),
            np.concatenate([times[hit] - begin_s, false.since_s]),
            np.concatenate([index[hit], false.flight]),
        )

    def _azimuths(self, index: Ints, times: Floats) -> Floats:
        return self.mount.view(index, times, times).azimuth_deg

    def _measured(self, view: View, index: Ints, times: Floats, stood: Floats) -> Floats:
        """(n, k) without noise, angles in degrees."""
        columns = [
            self.mount.range_rate(index, times, stood)
            if name == "range_rate_mps"
            else getattr(view, COLUMN_OF.get(name, name))
            for name in self.config.measures
        ]
        return np.stack(columns, axis=-1)

    def _false_alarms(self, duration_s: float) -> Rows:
        """Poisson in number, even over the coverage in measured values: as the tracker takes them to be."""
        count = int(self._clutter.poisson(self.config.false_alarms))
        along = self._clutter.random(count)
        columns = [self._clutter.uniform(low, high, count) for low, high in self._spans]
        if "azimuth_deg" in self.config.measures:
            azimuth = self.config.measures.index("azimuth_deg")
            columns[azimuth] = self.scan.start_deg + along * self.scan.width_deg
        look = np.minimum((along * self.scan.looks).astype(np.int64), self.scan.looks - 1)
        return Rows(np.stack(columns, axis=-1), look, along * duration_s, np.full(count, -1))

    def _split(self, rows: Rows) -> Iterator[tuple[Floats, Floats, Ints]]:
        """For each look its possible values (SI, radians), times and flights, by time, then value."""
        order = np.lexsort((rows.values[:, 0], rows.since_s, rows.look))
        edges = np.searchsorted(rows.look[order], np.arange(self.scan.looks + 1))
        values = self._possible(rows.values[order]) * self._scale
        since_s, flight = rows.since_s[order], rows.flight[order]
        for k in range(self.scan.looks):
            part = slice(edges[k], edges[k + 1])
            yield values[part], since_s[part], flight[part]

    def _possible(self, values: Floats) -> Floats:
        """Noise may lead beyond what a sensor can report: range below 0, elevation above 90°."""
        for k, name in enumerate(self.config.measures):
            column = values[:, k]
            if name == "range_m":
                values[:, k] = np.abs(column)
            elif name == "azimuth_deg":
                values[:, k] = np.mod(column, 360.0)
            elif name == "elevation_deg":
                values[:, k] = np.clip(column, -90.0, 90.0)
            elif name == "altitude_m" and self.behaviour.altitude_step_m:
                step = self.behaviour.altitude_step_m
                values[:, k] = np.rint(column / step) * step
        return values


def _span(name: str, config: SensorConfig, tracker: TrackerConfig) -> tuple[float, float]:
    """Over which values false alarms lie; where the coverage does not say, over what the tracker assumes."""
    if name == "azimuth_deg":
        return 0.0, 360.0
    span: tuple[float, float] | None = getattr(config.coverage, name, None)
    if span is not None:
        return span
    if name == "elevation_deg":
        return -90.0, 90.0
    if name == "range_rate_mps":
        return -3.0 * tracker.initial_speed_mps, 3.0 * tracker.initial_speed_mps
    middle, reach = tracker.altitude_m.mean, 3.0 * tracker.altitude_m.sigma
    return max(middle - reach, LOWEST_M), middle + reach
