"""Whether one track goes on where another left off: the alert of the one is then the alert of the other.

Tracks break: an object is lost for a while and found under another id, or a second track splits off it and takes its
detections. An alert is about the object. It is handed over to a track of the same transponder address, or to one
that is where the first must be by now (kinematic hand-over).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from fusion.alerting.watches import Pair, Sighting, Watch
from fusion.tracking.motion import DENSITY, LATERAL, Motions
from fusion.types import COASTING, CONFIRMED, SECOND_NS, Bools, Floats, Outlook

GATE: Final = 22.458  # chi-square of six degrees of freedom, 0.999: the same object is refused once in a thousand
FAR_SIGMAS: Final = 3.0  # by which both places may be off besides
YOUNG_NS: Final = 60 * SECOND_NS  # in which a track that split off is merged, or has shown that it is another object


def handed_over(
    watches: Mapping[Pair, Watch], outlook: Outlook, rows: Mapping[int, int], motions: Motions
) -> dict[Pair, Watch]:
    """The watches, with every alert whose track has ended, or is not seen any more, given to the track that follows
    it, if there is one.

    rows: track -> its row of the outlook.
    """
    found = dict(watches)
    for pair in sorted(watches):
        heir = _heir(pair, found, outlook, rows, motions)
        if heir is None:
            continue
        watch, now_ns = found.pop(pair), outlook.time_ns
        tracks = (*watch.tracks, pair[0])
        said = None if watch.said is None else replace(watch.said, track=heir, tracks=(*tracks, heir))
        found[heir, pair[1]] = replace(watch, since_ns=now_ns, tracks=tracks, handed_ns=now_ns, said=said)
    return found


def orphan(
    pair: Pair, watches: Mapping[Pair, Watch], outlook: Outlook, rows: Mapping[int, int], motions: Motions
) -> Pair | None:
    """Of a track that is about to be alerted, and began when another with an open alert for the zone was not seen any
    more: that other, if the object can have come from there. The most recently seen, where there are several.

    A track is lost where its object does what no model foresaw; so not the gate counts, but what can be flown. An
    object that appears within another's reach as that one vanishes is the same, more likely than not.
    """
    row, best = rows[pair[0]], None
    for other, watch in watches.items():
        there, last = rows.get(other[0]), watch.last
        if other[1] != pair[1] or other[0] == pair[0] or not watch.open or last is None:
            continue
        if there is not None and outlook.status[there] != COASTING:
            continue
        if int(outlook.created_ns[row]) <= last.updated_ns or _differ(last.identity, outlook.identity[row]):
            continue
        newer = best is None or (last.updated_ns, other) > (_seen_ns(watches[best]), best)
        if newer and _in_reach(last, outlook, row, motions):
            best = other
    return best


def inherited(watch: Watch, other: Watch, track: int, now_ns: int) -> Watch:
    """The watch of a track that goes on with the episode of `other`, whose track was `track`."""
    tracks = (*other.tracks, track)
    said = None if watch.said is None else replace(watch.said, tracks=(*tracks, watch.said.track))
    return replace(watch, tracks=tracks, handed_ns=now_ns, said=said)


def spoken_for(pair: Pair, watches: Mapping[Pair, Watch], outlook: Outlook, row: int) -> bool:
    """Whether an open alert for this zone speaks for this track already: it handed its alert over and was not seen
    since, or it is young and where the track of that alert is.
    """
    track, zone = pair
    for (other, where), watch in watches.items():
        if where != zone or other == track or not watch.open:
            continue
        if track in watch.tracks and outlook.updated_ns[row] <= watch.handed_ns:
            return True
        if watch.last is not None and outlook.time_ns - int(outlook.created_ns[row]) < YOUNG_NS:
            twin = np.flatnonzero(outlook.id == other)
            if len(twin) and _distance(*moments(outlook, int(twin[0])), *moments(outlook, row)) <= GATE:
                return True
    return False


def moments(outlook: Outlook, row: int) -> tuple[Floats, Floats]:
    """Mean (6,) and covariance (6, 6) of a track's mixture over modes."""
    from fusion.kernels.report import summarise

    mean, spread = np.empty((1, 6)), np.empty((1, 6, 6))
    one = slice(row, row + 1)
    summarise(
        np.ascontiguousarray(outlook.weight[one]), np.ascontiguousarray(outlook.mean[one]),
        np.ascontiguousarray(outlook.covariance[one]), mean, spread,
    )  # fmt: skip
    return mean[0], spread[0]


def _heir(
    pair: Pair, watches: Mapping[Pair, Watch], outlook: Outlook, rows: Mapping[int, int], motions: Motions
) -> int | None:
    """The track that goes on with the alert of `pair`: the nearest one of those that may; None while it is seen."""
    watch, row = watches[pair], rows.get(pair[0])
    last = watch.last
    if not watch.open or last is None:
        return None
    if row is not None and (outlook.status[row] != COASTING or int(outlook.updated_ns[row]) > last.updated_ns):
        return None
    where = _carried(last, outlook.time_ns, motions) if row is None else moments(outlook, row)
    may = (outlook.status == CONFIRMED) & (outlook.updated_ns > last.updated_ns)
    if row is not None:  # what was there while this one was still seen is another object
        may &= outlook.created_ns > last.updated_ns
    same = np.array([last.identity is not None and last.identity == each for each in outlook.identity], dtype=bool)
    best, nearest = None, np.inf
    for other in np.flatnonzero(may & (same | _about(where, outlook))).tolist():
        track = int(outlook.id[other])
        if track == pair[0] or ((track, pair[1]) in watches and watches[track, pair[1]].open):
            continue
        if _differ(last.identity, outlook.identity[other]):
            continue
        distance = _distance(*where, *moments(outlook, other))
        if (same[other] or distance <= GATE) and (best is None or distance < nearest):
            best, nearest = track, distance
    return best


def _in_reach(last: Sighting, outlook: Outlook, row: int, motions: Motions) -> bool:
    """Whether an object can have come from where it was seen last to where a track is now: by as much as its hardest
    manoeuvre, twice over, or its speed lets it stray from straight on, and by its climb.
    """
    where, spread = _carried(last, outlook.time_ns, motions)
    mean, own = moments(outlook, row)
    dt = (outlook.time_ns - last.updated_ns) / SECOND_NS
    hardest = float(
        max(np.abs(motions.parameters[:, LATERAL]).max(), np.sqrt(motions.parameters[:, DENSITY] / 2.0).max())
    )
    speed = max(math.hypot(*last.mean[3:].tolist()), math.hypot(*mean[3:].tolist()))
    unsure = FAR_SIGMAS * math.sqrt(sum(float(spread[i, i] + own[i, i]) for i in range(3)))
    return math.hypot(*(mean[:3] - where[:3]).tolist()) <= min(hardest * dt * dt, 2.0 * speed * dt) + unsure


def _seen_ns(watch: Watch) -> int:
    return 0 if watch.last is None else watch.last.updated_ns


def _differ(one: str | None, other: str | None) -> bool:
    """Whether two transponder addresses are known, and not the same."""
    return one is not None and other is not None and one != other


def _about(where: tuple[Floats, Floats], outlook: Outlook) -> Bools:
    """Which tracks may be within the gate, by each axis of their place alone: (n,)."""
    centre = (outlook.weight[..., None] * outlook.mean[..., :3]).sum(axis=1)
    off = outlook.mean[..., :3] - centre[:, None, :]
    variance = (outlook.weight[..., None] * (np.diagonal(outlook.covariance, axis1=2, axis2=3)[..., :3] + off**2)).sum(
        axis=1
    )
    apart, most = centre - where[0][:3], variance + np.diagonal(where[1])[:3]
    return np.asarray((apart * apart <= GATE * most).all(axis=1))


def _carried(last: Sighting, time_ns: int, motions: Motions) -> tuple[Floats, Floats]:
    """A sighting carried straight on to `time_ns`, with the noise of an average motion."""
    dt = (time_ns - last.time_ns) / SECOND_NS
    density = float((motions.prior * motions.parameters[:, DENSITY]).sum())
    mean, spread = last.mean.copy(), last.covariance.copy()
    mean[:3] += dt * mean[3:]
    spread[:3, :] += dt * last.covariance[3:, :]
    spread[:, :3] += dt * last.covariance[:, 3:]
    spread[:3, :3] += dt * dt * last.covariance[3:, 3:]
    for i in range(3):
        spread[i, i] += density * dt**3 / 3.0
        spread[3 + i, 3 + i] += density * dt
        spread[i, 3 + i] += density * dt * dt / 2.0
        spread[3 + i, i] += density * dt * dt / 2.0
    return mean, spread


def _distance(mean: Floats, spread: Floats, other: Floats, others_spread: Floats) -> float:
    from fusion.kernels.whitened import squared

    return float(squared(mean - other, spread + others_spread))
