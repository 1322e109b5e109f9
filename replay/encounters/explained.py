"""Why an entry was missed, or warned of late: what the object did before it, and what was told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.airspace.volumes import Volume
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Floats
from replay.alerts.warning import Entry
from replay.encounters.layout import ORIGIN, Encounter
from replay.encounters.tracking import Record

TURNED_IN_S: Final = 20.0  # an object that heads for the zone so shortly before it comes too soon for 2 of 4 looks
GRAZED_S: Final = 8.0  # a stay of two looks
LOOK_BACK_S: Final = 300


@dataclass(frozen=True, slots=True)
class Account:
    """Of one entry. trackable_s: how long before it the object was trackable; None: never.  headed_s: for how long
    before it a straight line from the true state had led into the volume, without a break.  stay_s: how long it stayed.
    track_s: since when before the entry there was a confirmed track; None: none was.  told: the highest probability
    before the entry; after: from it to the end of the stay.  why: in a few words.
    """

    number: int
    kind: str
    at_s: float
    outcome: str
    warning_s: float
    trackable_s: float | None
    headed_s: float
    stay_s: float
    track_s: float | None
    told: float
    after: float
    why: str


def straight_on(volume: Volume, place: Floats, velocity: Floats, ahead_s: int) -> Floats:
    """When each of (n,) states, flown straight on, is in the volume first: s, looked at each second; NaN: not within
    `ahead_s`.  place: (n, 3) lat_deg, lon_deg, height.  velocity: (n, 3) east, north, up there.
    """
    ahead = np.arange(ahead_s + 1.0)
    now = volume.on_map(place[:, 0], place[:, 1])
    x, y = (now[:, k, None] + velocity[:, k, None] * ahead for k in (0, 1))
    height = place[:, 2, None] + velocity[:, 2, None] * ahead
    inside = volume.inside(x.ravel(), y.ravel(), height.ravel()).reshape(x.shape)
    return np.where(inside.any(axis=1), ahead[inside.argmax(axis=1)], np.nan)


def account(encounter: Encounter, record: Record, entry: Entry) -> Account:
    """What is to be said of one entry of the encounter's object."""
    rows, at_ns, leaves_ns = record.rows, entry.time_ns, entry.left_ns
    before = rows[rows["time_ns"] < at_ns]
    within = rows[(rows["time_ns"] >= at_ns) & (rows["time_ns"] <= leaves_ns)]
    track_s = (at_ns - int(before["time_ns"].min())) / SECOND_NS if len(before) else None
    told, after = (float((part["existence"] * part["entry"]).max(initial=0.0)) for part in (before, within))
    headed, stay = _headed_s(encounter, record, at_ns), (leaves_ns - at_ns) / SECOND_NS
    why = _why(entry, track_s, headed, stay, told)
    begun_ns = int(record.truth.times_ns[0])
    return Account(
        record.number, record.kind, (at_ns - begun_ns) / SECOND_NS, entry.outcome, entry.warning_s, entry.trackable_s,
        headed, stay, track_s, told, after, why,
    )  # fmt: skip


def _headed_s(encounter: Encounter, record: Record, at_ns: int) -> float:
    truth = record.truth
    use = np.flatnonzero((truth.times_ns < at_ns) & (truth.times_ns >= at_ns - LOOK_BACK_S * SECOND_NS))
    if not len(use):
        return 0.0
    volume = Volume.of(encounter.zone, Plane(ORIGIN))
    ahead = int(encounter.zone.lookahead_s)
    leads = np.isfinite(straight_on(volume, truth.values[use, :3], truth.values[use, 3:], ahead))
    off = np.flatnonzero(~leads)
    first = 0 if not len(off) else int(off[-1]) + 1
    return 0.0 if first == len(use) else (at_ns - int(truth.times_ns[use[first]])) / SECOND_NS


def _why(entry: Entry, track_s: float | None, headed_s: float, stay_s: float, told: float) -> str:
    if entry.outcome == "before":
        return "warned"
    if entry.trackable_s is None or entry.trackable_s <= 0.0:
        return "not yet detected three times"
    if track_s is None:
        return "no confirmed track before"
    if stay_s < GRAZED_S:
        return f"grazed for {stay_s:.1f} s"
    if headed_s < TURNED_IN_S:
        return f"turned in {headed_s:.0f} s before"
    return f"probability no higher than {told:.2f}, headed in for {headed_s:.0f} s"
