"""Looking at the tracks without changing them: copies predicted to one instant, for reports and for alerting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fusion.tracking import lifecycle
from fusion.tracking.tracker import Tracker
from fusion.tracking.tracks import TrackStore
from fusion.types import SECOND_NS, TENTATIVE, TRACK_STATUSES, Floats, Outlook, Picture

LATELY_PERIODS = 3.0  # a sensor contributed lately if it detected the track within this many of its periods,
LATELY_S = 10.0  # or within this time
_STATUSES = np.array(TRACK_STATUSES, object)


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """Copies of the shown tracks, and after them of those that ended, at `time_ns`."""

    time_ns: int
    store: TrackStore
    live: int
    reasons: tuple[str | None, ...]


def ahead(tracker: Tracker, time_ns: int) -> Ahead:
    """Predict a copy of every shown track to `time_ns`: asking must not change the answer."""
    store = tracker.store.take(
        np.flatnonzero(lifecycle.shown(tracker.store)), sum(ended.size for ended, _ in tracker.ended)
    )
    live, reasons = store.size, [None] * store.size
    for ended, said in tracker.ended:
        store.join(ended)
        reasons.extend(said)  # type: ignore[arg-type]
    rows = np.arange(store.size)
    before_ns = store.time_ns.copy()
    tracker.engine.predict(tracker.setting, store, rows, np.full(store.size, time_ns))
    store.existence *= np.exp(-(store.time_ns - before_ns) / SECOND_NS / tracker.config.survival_s)
    return Ahead(time_ns, store, live, tuple(reasons))


def outlook(tracker: Tracker, at: Ahead) -> Outlook:
    """What alerting sees: the confirmed and coasting tracks with their modes."""
    held = at.store.take(np.flatnonzero(at.store.status[: at.live] != TENTATIVE))
    return Outlook(
        time_ns=at.time_ns, motions=tracker.motions.names, id=held.id, status=held.status, existence=held.existence,
        weight=held.weight, mean=held.mean, covariance=held.covariance, updated_ns=held.updated_ns,
        created_ns=held.created_ns, hits=held.hits, sensors=_sensors(tracker, held, at.time_ns),
        identity=tuple(held.identity),
    )  # fmt: skip


def picture(tracker: Tracker, at: Ahead, diverted_ns: tuple[int | None, ...] | None = None) -> Picture:
    """The contract's `tracks`, at the object's own east, north and up. diverted_ns: for each row of `at`."""
    store, n = at.store, at.store.size
    lat, lon, alt, velocity, triangle = _geographic(tracker, store)
    best = np.argmax(store.weight, axis=1) if n else np.zeros(0, int)
    mode = tuple(np.array(tracker.motions.names, object)[best].tolist())
    return Picture(
        time_ns=at.time_ns, id=store.id.copy(), status=tuple(_STATUSES[store.status].tolist()),
        existence=store.existence.copy(), lat_deg=lat, lon_deg=lon, alt_m=alt, east_mps=velocity[:, 0],
        north_mps=velocity[:, 1], up_mps=velocity[:, 2], covariance=triangle,
        mode=mode, mode_probability=store.weight[np.arange(n), best],
        updated_ns=np.minimum(store.updated_ns, at.time_ns), created_ns=store.created_ns.copy(), hits=store.hits.copy(),
        sensors=_sensors(tracker, store, at.time_ns), identity=tuple(store.identity),
        diverted_ns=diverted_ns or (None,) * n, reason=at.reasons,
    )  # fmt: skip


def _geographic(tracker: Tracker, store: TrackStore) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """lat_deg, lon_deg, alt_m, velocity (n, 3) and covariance (n, 21) at the object."""
    from fusion.geodesy import rotate
    from fusion.kernels.report import summarise, turn

    n = store.size
    centre, spread, triangle = np.empty((n, 6)), np.empty((n, 6, 6)), np.empty((n, 21))
    summarise(store.weight, store.mean, store.covariance, centre, spread)
    lat, lon, alt, axes = tracker.plane.places(centre[:, :3])
    turn(spread, axes, triangle)
    return lat, lon, alt, rotate(centre[:, 3:], axes), triangle


def _sensors(tracker: Tracker, store: TrackStore, time_ns: int) -> tuple[tuple[str, ...], ...]:
    """The sensors that detected each row lately, in the order of the configuration."""
    names = tracker.sensor_names
    periods = [station.config.period_s for station in tracker.stations.values()]
    lately_ns = np.array([round(max(LATELY_PERIODS * period, LATELY_S) * SECOND_NS) for period in periods], np.int64)
    hit_ns = store.hit_ns[: store.size]
    lately = (hit_ns > 0) & (time_ns - hit_ns <= lately_ns)
    if not names:
        return ((),) * store.size
    packed = np.packbits(lately, axis=1)
    keys: list[bytes] = packed.view(f"V{packed.shape[1]}")[:, 0].tolist()
    sets = {key: _named(names, key) for key in dict.fromkeys(keys)}
    return tuple([sets[key] for key in keys])


@lru_cache(maxsize=4096)
def _named(names: tuple[str, ...], key: bytes) -> tuple[str, ...]:
    """The names whose bits are set."""
    bits = np.unpackbits(np.frombuffer(key, np.uint8), count=len(names)).tolist()
    return tuple(name for name, bit in zip(names, bits, strict=True) if bit)
