"""An encounter as it is flown: its states each second, its exact path, and what the radars see of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from adapters.simulated.behaviour import Behaviour
from adapters.simulated.fleet import Fleet
from adapters.simulated.flights import Path
from adapters.simulated.run import SOURCE, epoch_of
from adapters.simulated.sensing import Sensor
from fusion.types import SECOND_NS, Floats, Frame, Ints, Truth
from replay.encounters.layout import OBJECT, START_NS, Encounter, chart
from replay.encounters.model import CLIMB, HEADING, HEIGHT, SPEED, X, Y

STEP_S: Final = 1.0  # of the truth; objects begin what they do at its multiples
SECTORS: Final = 4  # frames in a turn of the radar: one a second
TRACKABLE: Final = 3  # detections from which an object can be tracked
OWN_SIGMAS: Final = 6.0  # a detection so near is the object's: a false alarm is there once in 10 million


@dataclass(frozen=True, slots=True, eq=False)
class Flown:
    """states: (COLUMNS, t) at `START_NS` and each second after it, on beyond the encounter's end by its look-ahead, so
    that what was told last can be judged. frames: in their order.  trackable_ns: of the third detection of the object
    by a radar; None: there are not so many.
    """

    encounter: Encounter
    states: Floats
    fleet: Fleet
    frames: list[Frame]
    trackable_ns: int | None

    @property
    def times_ns(self) -> Ints:
        """Of the states."""
        return START_NS + np.arange(self.states.shape[1], dtype=np.int64) * round(STEP_S * SECOND_NS)

    def truth(self) -> list[Truth]:
        """Where the object is, at `times_ns`."""
        times = np.arange(float(self.states.shape[1])) * STEP_S
        nobody = np.zeros(len(times), np.int64)
        lat, lon, alt = self.fleet.geodetic(nobody, times)
        east, north, up = (part[:, None] for part in self.fleet.velocity(nobody, times).T.copy())
        never = np.zeros(1, bool)
        return [
            Truth(int(t), (OBJECT,), lat[k : k + 1], lon[k : k + 1], alt[k : k + 1], east[k], north[k], up[k], never)
            for k, t in enumerate(self.times_ns.tolist())
        ]


def fly(encounter: Encounter) -> Flown:
    """Simulate the object, then the radars over it."""
    model, rng = encounter.model, encounter.stream("flight")
    states = [encounter.state]
    for _ in range(round((encounter.duration_s + encounter.zone.lookahead_s) / STEP_S)):
        states.append(model.advance(states[-1], rng, STEP_S))
    table = np.concatenate(states, axis=1)
    fleet = Fleet.of([path_of(table)])
    return Flown(encounter, table, fleet, *_look(encounter, fleet))


def path_of(states: Floats) -> Path:
    """The path through states `STEP_S` apart, piece by piece as the model flies it."""
    begin, end = states[:, :-1], states[:, 1:]
    times = np.arange(begin.shape[1]) * STEP_S
    length = (begin[SPEED] + end[SPEED]) / 2.0 * STEP_S
    angle = end[HEADING] - begin[HEADING]
    curvature = np.where(length > 0.0, angle / np.where(length > 0.0, length, 1.0), 0.0)
    speeding, rising = ((end[k] - begin[k]) / STEP_S for k in (SPEED, CLIMB))
    place = [begin[k] for k in (X, Y, HEADING, SPEED)]
    ground = np.stack([times, *place, speeding, curvature, np.zeros(len(times))], axis=1)
    height = np.stack([times, begin[HEIGHT], begin[CLIMB], rising], axis=1)
    return Path(OBJECT, None, False, 0.0, begin.shape[1] * STEP_S, chart(), ground, height)


def _look(encounter: Encounter, fleet: Fleet) -> tuple[list[Frame], int | None]:
    """What the radars see until the encounter's end; and when they have seen the object three times."""
    epoch = epoch_of(f"encounter-{encounter.number}", encounter.seed, START_NS)
    phases = encounter.stream("phases")
    seed = int(encounter.stream("radars").integers(2**62))
    frames: list[Frame] = []
    seen: list[int] = []
    for config in encounter.site.sensor:
        behaviour = Behaviour(sectors=SECTORS, phase_s=float(phases.uniform(0.0, config.period_s)))
        sensor = Sensor(config, behaviour, encounter.site.tracker, fleet, seed)
        own = list(sensor.frames(START_NS, encounter.duration_s, SOURCE, epoch))
        frames += own
        seen += _sightings(sensor, own)
    third = sorted(seen)[TRACKABLE - 1 : TRACKABLE]
    return sorted(frames, key=lambda frame: frame.key), third[0] if third else None


def _sightings(sensor: Sensor, frames: list[Frame]) -> list[int]:
    """When the detections of the object were: those within `OWN_SIGMAS` of where it was."""
    values = np.concatenate([frame.values for frame in frames])
    sigmas = np.concatenate([frame.sigmas for frame in frames])
    times_ns = np.concatenate([frame.times_ns for frame in frames])
    times = (times_ns - START_NS) / SECOND_NS
    view = sensor.mount.view(np.zeros(len(times), np.int64), times, times)
    exact = np.stack([view.range_m, np.radians(view.azimuth_deg), np.radians(view.elevation_deg)], axis=1)
    off = values - exact
    off[:, 1] = np.mod(off[:, 1] + np.pi, 2.0 * np.pi) - np.pi
    return [int(t) for t in times_ns[(np.abs(off) <= OWN_SIGMAS * sigmas).all(axis=1)]]
